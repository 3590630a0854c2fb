"""Numbers made of indices and sizes alone are finite, or the equation is refused, by the engine and by enumeration alike; NumPy says which are."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from sympy import symbols

import layeralgebra as la
from layeralgebra.algebra.equations.functions import WRITTEN_OUT
from layeralgebra.proofs.enumeration import Equation, Impossible, Unreadable

SIZES = (1, 2, 3, 4, 5)

TAKES = {  # how a function of a number is written, and what NumPy makes of it; of several, the first that fails
    "log({})": np.log, "sqrt({})": np.sqrt, "({})**(-1)": lambda a: a**-1.0, "({})**(1/2)": np.sqrt, "({})**(-1/2)": lambda a: a**-0.5,
    "asin(({})/3)": lambda a: np.arcsin(a / 3), "acosh({})": np.arccosh, "atanh(({})/3)": lambda a: np.arctanh(a / 3),
    "1/(exp({}) - 1)": lambda a: 1 / (np.exp(a) - 1), "fmod(3, {})": lambda a: np.where(a == 0, np.nan, 0), "log(log({}))": lambda a: np.log(np.log(a)),
    "exp(log({}))": np.log, "pow({}, 2)": lambda a: a**2, "({})**(i/2)": None,
}  # fmt: skip
ARGUMENTS = {
    "i": lambda i, n: i, "i + 1": lambda i, n: i + 1, "i - 1": lambda i, n: i - 1, "2*i - 3": lambda i, n: 2 * i - 3,
    "i/2 + 1/3": lambda i, n: i / 2 + 1 / 3, "2 - i": lambda i, n: 2 - i, "size(i) - i": lambda i, n: n - i,
    "size(i) - 3": lambda i, n: n - 3 + 0 * i, "size(i) - 1 - i": lambda i, n: n - 1 - i,
}  # fmt: skip


def layer(text: str) -> Any:
    return type("Custom", (la.Layer,), {"equation": text, "__annotations__": {}})()


def is_read(text: str, *shape: int) -> bool:
    """Whether an equation is read at a shape, by the engine and by enumeration."""
    try:
        la.output_shape(layer(text), on=shape)
        engine = True
    except (la.EquationError, la.ShapeError):
        engine = False
    try:
        Equation(text, {}, {"x": shape})
        meant = True
    except Impossible:
        meant = False
    assert engine == meant, f"{text} on {shape}: engine {engine}, enumeration {meant}"
    return engine


@pytest.mark.parametrize("written", TAKES)
def test_what_is_read_is_what_numpy_finds_finite(written: str) -> None:
    for (argument, value), size in product(ARGUMENTS.items(), SIZES):
        with np.errstate(all="ignore"):
            i = np.arange(size, dtype=float)
            at = value(i, size) + 0.0
            made = at ** (i / 2) if TAKES[written] is None else TAKES[written](at)
        text = f"y[i] = x[i] * {written.format(argument)}"
        assert is_read(text, size) == bool(np.isfinite(made).all()), (text, size)


@pytest.mark.parametrize("written", [*list(TAKES)[:4], "asin(({})/3)"])
def test_a_symbolic_size_has_the_condition_that_numpy_finds(written: str) -> None:
    n = symbols("n", integer=True, positive=True)
    for argument, value in ARGUMENTS.items():
        text = f"y[i] = x[i] * {written.format(argument)}"
        finite = []
        for size in SIZES:
            with np.errstate(all="ignore"):
                finite.append(bool(np.isfinite(TAKES[written](value(np.arange(size, dtype=float), size) + 0.0)).all()))
        try:
            derived = la.derive("flops", layer(text), on=(n,))
        except (la.EquationError, la.ShapeError):
            assert not any(finite), text
            continue
        for size, fits in zip(SIZES, finite):
            if fits:
                derived.domain.check({n: size})
            else:
                with pytest.raises(la.DomainError):
                    derived.domain.check({n: size})


NOTHING = (
    "0", "(1 - 1)", "(0*x[i])", "(x[i] - x[i])", "(2*x[i] - x[i] - x[i])", "((i + 1)*x[i] - i*x[i] - x[i])", "(exp(x[i]) - exp(x[i]))",
    "(x[i]*(x[i] + 1) - x[i]*x[i] - x[i])", "i", "(i - 3)",
)  # fmt: skip


@pytest.mark.parametrize("divisor", NOTHING)
def test_nothing_is_divided_by_what_is_zero(divisor: str) -> None:
    assert not is_read(f"y[i] = x[i]/{divisor}", 4)
    with pytest.raises(la.EquationError, match=r"division by zero|nothing is divided by that") as caught:
        la.macs(layer(f"y[i] = x[i]/{divisor}"), on=(4,))
    assert caught.value.line == 1


@pytest.mark.parametrize(
    "divisor", ["x[i]", "(x[i] + 1)", "(x[i] - 2*x[i])", "(i + 1)", "(exp(x[i]) - exp(-x[i]))", "(0*x[i] + 1)"]
)
def test_what_is_not_always_zero_divides(divisor: str) -> None:
    assert is_read(f"y[i] = x[i]/{divisor}", 4)


def test_points_that_are_left_out_need_no_value() -> None:
    text = "y[i] = sum[j](log(i - j)*x[j])\nwhere i < size(j), j < i"
    assert is_read(text, 4)
    values = np.array([3.0, 1.0, 4.0, 2.0])
    found = np.asarray(la.run(layer(text), values))
    expected = [sum(np.log(i - j) * values[j] for j in range(i)) for i in range(4)]
    np.testing.assert_allclose(found, expected)
    assert is_read("y[i] = sum[j](x[j]*sqrt(j - i))\nwhere i < size(j), i <= j < size(j)", 4)
    assert is_read("h[0] = x[0]\nh[t] = h[t-1] + x[t]*log(t)\ny[t] = h[t]", 4)
    assert not is_read("h[t] = h[t-1] + x[t]*log(t)\ny[t] = h[t]", 4)
    assert not is_read("y[i, j] = x[i, j]*(i - j)**(-1)", 3, 4)


def test_the_message_says_what_to_write() -> None:
    with pytest.raises(la.EquationError, match=re.escape("write instead: log(i + 1)")):
        la.macs(layer("y[i] = log(i)*x[i]"), on=(4,))
    with pytest.raises(la.EquationError, match=re.escape("write instead: sqrt(i)")):
        la.macs(layer("y[i] = sqrt(i - 1)*x[i]"), on=(4,))
    n = symbols("n", integer=True, positive=True)
    with pytest.raises(la.EquationError, match="at i = 0, j = 0"):
        la.macs(layer("y[i, j] = log(i*j)*x[i, j]"), on=(n, n))
    [condition] = layer("y[i] = log(size(i) - 3)*x[i]").instance((n,)).conditions
    assert condition.relation.subs(n, 4) and not condition.relation.subs(n, 3)


def test_well_known_functions_are_written_out() -> None:
    functional = pytest.importorskip("torch.nn.functional")
    torch = pytest.importorskip("torch")
    names = {"swish": "silu", "leakyrelu": "leaky_relu"}
    values = np.array([0.1, 0.5, 0.9])
    signed = np.array([-4.0, -0.7, 0.3, 2.5, 7.0])
    for name, formula in WRITTEN_OUT.items():
        with pytest.raises(la.EquationError, match=re.escape(f"write instead: {formula}, where v is x[i]")):
            la.macs(layer(f"y[i] = {name}(x[i])"), on=(4,))
        called = getattr(functional, names.get(name, name), None) or getattr(torch, name)
        given = values + 1 if name == "arccosh" else signed if hasattr(functional, names.get(name, name)) else values
        text = re.sub(r"\bv\b", "x[i]", formula)
        found = np.asarray(la.run(layer(f"y[i] = {text}"), given))
        np.testing.assert_allclose(found, called(torch.tensor(given)).numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("text", ["y[*j] = pad[*j: 1](x[*j])", "y[c, *j] = pad[c: 1, *j: (1, 0)](x[c, *j])"])
def test_the_width_of_a_margin_has_no_star(text: str) -> None:
    with pytest.raises(la.EquationError, match=r"without a star[\s\S]*write instead: pad\[j: width\]"):
        la.macs(layer(text), on=(3, 4))
    with pytest.raises(Unreadable):
        Equation(text, {}, {"x": (3, 4)})
    assert la.output_shape(layer("y[*j] = pad[j: 1](x[*j])"), on=(3, 4)) == (5, 6)
