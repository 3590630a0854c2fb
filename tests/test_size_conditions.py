"""Every size has its conditions: what fields, numbers of copies and derived sizes need stands in the domain.

The oracle is the same network on numbers: where that is refused, the formula is refused too, and elsewhere the values agree.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from sympy import Integer

import layeralgebra as la

c, d, h, k, n, L, M, N = la.dims("c d h k n L M N")


def reducing(operation: str, where: str) -> la.Layer:
    """A reduction, or a softmax, over what a mask leaves of each row."""
    head = f"{operation}[j](x[i, j])"
    text = f"z[i, j] = {head}\ny[i] = sum[j](z[i, j])" if operation == "softmax" else f"y[i] = {head}"
    return type("Reducing", (la.Layer,), {"equation": f"{text}\nwhere {where}"})()


class Halved(la.Layer):
    """A margin and a step that are computed from a field."""

    kernel: la.Dim
    equation = """
        z[c, *j] = pad[(kernel - 1)/2](x[c, *j])
        y[c, *i] = max[*u](z[c, *(kernel/3*i + u)])
        where u < kernel
    """


Build = Callable[..., tuple[Any, Any]]

#: A network of symbols, what enters it, and the points at which it is compared with the network of numbers.
CASES: dict[str, tuple[Build, dict[str, range]]] = {
    "copies less three": (lambda d, L: (la.Linear(d) ** (L - 3), (d,)), {"d": range(1, 4), "L": range(1, 7)}),
    "half as many copies": (lambda d, L: (la.Linear(d) ** (L / 2), (d,)), {"d": range(1, 4), "L": range(1, 7)}),
    "copies of a chain": (lambda L: (la.Conv(3, 3) ** (L - 1), (3, 9)), {"L": range(1, 8)}),
    "padding": (lambda k: (la.Conv(4, k, padding=(k - 1) / 2), (3, 9, 9)), {"k": range(1, 12)}),
    "stride": (lambda k: (la.Conv(4, 3, stride=k / 2), (3, 9)), {"k": range(1, 8)}),
    "stride less one": (lambda k: (la.Conv(4, 3, stride=k - 1), (3, 9)), {"k": range(1, 8)}),
    "dilation": (lambda k: (la.Conv(4, 3, dilation=k / 2), (3, 9)), {"k": range(1, 12)}),
    "dilation less one": (lambda k: (la.Conv(4, 3, dilation=k - 1), (3, 9)), {"k": range(1, 8)}),
    "groups": (lambda k: (la.Conv(12, 3, groups=k / 2), (12, 9)), {"k": range(1, 26)}),
    "kernel": (lambda k: (la.MaxPool(k / 2, stride=2), (3, 9)), {"k": range(1, 22)}),
    "a kernel for each axis": (lambda k: (la.Conv(4, (k, k / 2)), (3, 9, 9)), {"k": range(1, 11)}),
    "margins": (lambda k: (la.Pad(k / 2, k / 2), (3, 9)), {"k": range(1, 8)}),
    "crops": (lambda k: (la.Crop(k / 2, k - 2), (3, 9)), {"k": range(1, 10)}),
    "vocabulary": (lambda k, d: (la.Embedding(k / 2, d), (5,)), {"k": range(1, 5), "d": range(1, 3)}),
    "triangular numbers": (lambda k: (la.Linear(k * (k + 1) / 2), (5,)), {"k": range(1, 9)}),
    "width": (lambda k: (la.Linear((k - 3) / 2), (5,)), {"k": range(1, 9)}),
    "heads": (lambda k: (la.MultiHeadAttention(k / 2), (5, 12)), {"k": range(1, 26)}),
    "windows": (lambda k: (la.WindowAttention(2, k / 2), (4, 8, 8)), {"k": range(1, 10)}),
    "experts": (lambda n, k: (la.MixtureOfExperts(n, k, 2), (3, 4)), {"n": range(1, 5), "k": range(1, 5)}),
    "buckets": (lambda k: (la.RelativeAttention(2, 2, k, farthest=8), (3, 4)), {"k": range(1, 40)}),
    "a reshape": (lambda k: (la.Reshape((k / 2, 24 / k)), (12,)), {"k": range(1, 25)}),
    "what enters": (lambda k: (la.Linear(3), (k / 2,)), {"k": range(1, 5)}),
    "an input": (lambda k: (la.Input(k / 2, 5) >> la.Conv(2, 3), None), {"k": range(1, 5)}),
    "a sum of branches": (lambda k: (la.Identity() + la.Linear(k / 2 + 1), (3,)), {"k": range(1, 9)}),
    "side by side": (lambda k: (la.Identity() | la.Linear(k - 2), (3,)), {"k": range(1, 5)}),
    "shared": (lambda k: (la.Linear(k - 2).shared("f") >> la.ReLU(), (3,)), {"k": range(1, 5)}),
    "within a repetition": (lambda k, L: (la.Conv(3, 3, padding=k - 2) ** L, (3, 9)), {"k": range(1, 4), "L": range(1, 4)}),
    "a margin of the equation": (lambda k: (Halved(k), (3, 9)), {"k": range(1, 16)}),
    "windows that see only margins": (
        lambda k, n: (la.AvgPool(k, padding=n, count_include_pad=False), (2, 9)), {"k": range(1, 5), "n": range(1, 5)},
    ),
    **{
        f"{operation} where {where}": (
            lambda M, N, operation=operation, where=where: (reducing(operation, where), (N, M)), {"M": range(1, 5), "N": range(1, 5)},
        )
        for operation in ("max", "min", "mean", "softmax", "sum") for where in ("j > i", "j >= i", "i - j < 2", "j + i > 3", "j <= i")
    },
}  # fmt: skip


def metrics_of(net: Any, on: Any) -> dict[str, la.Derivation]:
    return {name: la.derive(name, net, on=on) for name in ("parameters", "macs", "output_shape")}


@pytest.mark.parametrize("name", CASES)
def test_symbols_hold_where_numbers_do(name: str) -> None:
    build, ranges = CASES[name]
    net, on = build(**{word: la.dims(word) for word in ranges})
    derived = metrics_of(net, on)
    for point in (dict(zip(ranges, values)) for values in product(*ranges.values())):
        try:
            numbers = {
                metric: found.formula
                for metric, found in metrics_of(*build(**{w: Integer(v) for w, v in point.items()})).items()
            }
        except la.LayerAlgebraError:
            numbers = None
        for metric, derivation in derived.items():
            own = {word: value for word, value in point.items() if word in derivation.known}
            if numbers is None:
                with pytest.raises(la.DomainError):
                    derivation(own)
            else:
                assert derivation(own) == numbers[metric], (metric, point)


def test_fields_are_held_to_their_least_where_there_are_no_copies():
    """`f**0` cannot be written with a field that is refused, so that the formula refuses it too."""
    b, c, d, e = la.dims("b c d e")
    found = la.derive("flops", la.ChannelShuffle(d - 3) ** (c - 1), on=(e, b, 3))
    with pytest.raises(la.DomainError, match="groups must be at least 1"):
        found(e=7, b=5, c=1, d=2)
    assert found(e=7, b=5, c=1, d=6) == 0


QUOTIENTS = [
    lambda k, s: 108 / (k * s) - 28, lambda k, s: 36 / k - 36 / s, lambda k, s: 24 / (k * s) + k - 5, lambda k, s: 30 - 60 / (k + s),
    lambda k, s: (k + 5) / s - 2, lambda k, s: 12 / (k * s) - 12 / (k * s**2),
]  # fmt: skip
PLACES = {
    "features": lambda size: (la.Linear(size), (3,)),
    "copies": lambda size: (la.Linear(2) ** size, (2,)),
    "padding": lambda size: (la.Conv(2, 3, padding=size), (3, 9)),
    "kernel": lambda size: (la.Conv(2, size), (3, 40)),
    "what enters": lambda size: (la.Linear(3), (size,)),
}


@pytest.mark.parametrize("quotient", QUOTIENTS)
@pytest.mark.parametrize("place", PLACES)
def test_quotients_of_sizes_are_bounded_wherever_numbers_are(quotient, place):
    """SymPy decides comparisons of quotients, and some of them wrongly: ``108/(k*s) > 28`` is true for it."""
    k, s = la.dims("k s")
    net, shape = PLACES[place](quotient(k, s))
    formula = la.derive("parameters", net, on=shape)
    for one, two in product([1, 2, 3, 4, 6, 12, 27], repeat=2):
        size = quotient(Integer(one), Integer(two))
        try:
            literal, on = PLACES[place](size)
            expected = la.parameters(literal, on=on)
        except la.LayerAlgebraError:
            expected = None
        try:
            found = formula(k=one, s=two)
        except la.DomainError:
            found = None
        assert found == expected, (one, two, size)
