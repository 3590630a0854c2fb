"""Equations drawn over the grammar of the language: the engine and enumeration say the same of each, or both refuse it.

And what the language refuses: names that are nothing, addresses that are no integers, ranges that are empty, each with its place.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import sympy
from conftest import PROFILE
from language_agreement import disagreement
from random_equations import Draw, drawn

import layeralgebra as la
from layeralgebra.proofs.enumeration import Equation, Impossible, Unreadable

DRAWS = 100_000 if PROFILE == "full" else 300
BATCH = 100_000 // 40 if PROFILE == "full" else 100


@pytest.mark.parametrize("first", range(0, DRAWS, BATCH))
def test_engine_and_enumeration_agree(first: int) -> None:
    agreed = 0
    for seed in range(first, first + BATCH):
        draw = drawn(seed)
        found = disagreement(draw, symbolic=seed % 10 == 0)
        assert found in (None, "refused", "too large"), (
            f"draw {seed}\n{draw.text}\n{draw.fields} on {draw.shapes}: {found}"
        )
        agreed += found is None
    assert agreed > BATCH / 10, "nearly all draws are refused, so that little is compared"


def layer(text: str, inputs: tuple[str, ...] | None = None, buffers: tuple[str, ...] = (), **fields: Any) -> Any:
    space: dict[str, Any] = {"equation": text, "buffers": buffers, "__annotations__": dict.fromkeys(fields, "Dim")}
    if inputs is not None:
        space["inputs"] = inputs
    return type("Custom", (la.Layer,), space)(**fields)


MISSPELT: dict[str, tuple[str, dict[str, Any], int, str]] = {
    # text, fields, the line of the mistake, and the name that was meant
    "a mask": ("a[i, j] = x[i]*x[j]\ny[i] = a[i, j]*x[j]\nwhere i - j < windwo", {"window": 3}, 3, "window"),
    "a margin": ("z[*i] = pad[paddin](x[*i])\ny[*i] = z[*i]", {"padding": 1}, 1, "padding"),
    "the index of a margin": ("z[time] = pad[tim: 1](x[time])\ny[i] = z[i]", {}, 1, "time"),
    "the filling of a margin": ("z[i] = pad[i: 1](x[i], fill=valeu)\ny[i] = z[i]", {"value": 1}, 1, "value"),
    "a number of rows": ("y[i, m] = E[x[i], m]\nwhere x < vocabularyy, m < 3", {"vocabulary": 10}, 2, "vocabulary"),
    "an extent": ("y[i] = x[i]\nwhere i < lenght", {"length": 3}, 2, "length"),
    "inside floor": ("y[i] = x[i]\nwhere i <= floor(lenght/2)", {"length": 3}, 2, "length"),
    "a range": ("y[i] = sum[j](x[j])\nwhere i < 2, 0 <= j < lenght", {"length": 3}, 2, "length"),
    "a shape": ("y[i] = T[i]*x[i]\nwhere T[lenght]", {"length": 3}, 2, "length"),
    "a shaped tensor": ("y[i] = Table[i]*x[i]\nwhere Tabel[9]", {}, 2, "Table"),
    "a scalar": ("half = lenght/2\ny[i] = x[i]", {"length": 3}, 1, "length"),
    "a factor": ("y[i] = x[i]*scael", {"scale": 3}, 1, "scale"),
    "an argument": ("y[i] = max(x[i], scael)", {"scale": 3}, 1, "scale"),
    "a size": ("y[time] = x[time]/size(tiem)", {}, 1, "time"),
    "a condition": ("y[i] = (x[i] if causl else 0)", {"causal": 1}, 1, "causal"),
    "a reduction": ("y[i] = sum[rwo](x[i, row])", {}, 1, "row"),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(MISSPELT))
def test_a_misspelt_name_is_refused_with_its_place(what: str) -> None:
    text, fields, line, meant = MISSPELT[what]
    with pytest.raises(la.EquationError, match=f"did you mean {meant}") as caught:
        la.macs(layer(text, **fields), on=(5, 5) if "row" in text else (5,))
    assert caught.value.line == line
    with pytest.raises(Unreadable):
        Equation(text, fields, {"x": (5, 5) if "row" in text else (5,)})


REFUSED = {
    "a star of no axes that is read": "y[c, *i[i]] = x[c, *i]",
    "a star of no axes that reads": "y[c, *i] = x[c, *i[i]]",
    "a sign of a condition": "y[i] = (x[i] if -True else 0)",
    "a third": "y[i] = x[i/3]",
    "a half more": "y[i] = x[i + 1/2]",
    "a half of a square": "y[i] = x[i*i/2] * V[i]\nwhere i < 2",
    "a target in halves": "y[i/2] = x[i]",
    "a fraction of a sum": "y[i] = x[(i + u)/2]\nwhere u < 2",
    "a star that is nowhere": "y[(*k,)] = x[*i]",
    "a star that is left out": "y[(i,)] = x[*i]",
    "an index twice in a reduction": "y = sum[i, i](x[i])",
    "a blank": "y[i] = x[_]",
    "a function as an index": "y[i] = x[max]",
    "an index that addresses nothing": "y[i] = sum[u](x[i])\nwhere u < 3",
    "a number defined twice": "n = 2\nn = 3\ny[i] = x[i]*n",
    "a constant defined": "pi = 3\ny[i] = x[i]*pi",
    "a comparison that is none": "y[i] = x[i]\nwhere i is 3",
    "two shapes": "y[i] = T[i]*x[i]\nwhere T[9], T[8]",
    "two numbers of rows": "y[i, m] = E[x[i], m]\nwhere x < 3, x < 4, m < 2",
    "two ranges": "y[i] = sum[j](x[j])\nwhere i < 2, 0 <= j < 3, 0 <= j < 2",
    "a range of itself": "y = sum[j](x[j])\nwhere j <= j < size(j)",
    "a range below zero": "y[i] = sum[j](x[j])\nwhere i < 3, i - 1 <= j < i + 1",
    "a softmax over nothing": "a[i, j] = softmax[j](x[i]*x[j])\ny[i] = a[i, j]*x[j]\nwhere j > i",
    "a mean over nothing": "y[i] = mean[j](x[j])\nwhere i < size(j), j < i",
    "a maximum over nothing": "y[i] = max[j](x[j])\nwhere i < size(j), j > i",
    "a square outside": "y[i] = x[i*i]\nwhere i < 4",
    "a mean over the steps of a recurrence": "y[t] = y[t-1] + mean[t](x[t])",
    "a margin inside": "y[i] = 2*pad[i: 1](x[i])",
    "a margin of halves": "z[i] = pad[i: (1/2, 1/2)](x[i])\ny[i] = z[i]",
    "no value": "y[i] = x[i]*(inf - inf)",
    "a size of a number": "y[*i] = x[*((i + 1) % size(1 - 1))]",
    "rows of what looks nothing up": "y[i] = x[i]\nwhere x < 3",
    "a later step": "h[t] = x[t] + g[t-1]\ng[t] = h[size(t) - 1 - t]\ny[t] = g[t]",
    "a margin along the steps": "p[t] = pad[t: (0 - 1, 1)](x[t])\nh[t] = p[t] + q[t-1]\nq[t] = pad[t: (0, 1)](h[t])\ny[t] = h[t]",
    "a line of a recurrence without its index": "h[t] = x[t] + g[t-1]\na = h[0]\ng[t] = h[t]*a\ny[t] = g[t]",
    "a divisor that may be zero": "y[i] = x[(i + 1) % i]\nwhere i < 1",
    "a table that is a number": "y[i] = x[i]\nwhere (3[2] if True else True)",
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_has_no_meaning_is_refused(what: str) -> None:
    with pytest.raises((la.EquationError, la.ShapeError)):
        la.output_shape(layer(REFUSED[what]), on=(5,))
    with pytest.raises(Impossible):
        Equation(REFUSED[what], {}, {"x": (5,)}).counts()


def test_a_star_stands_at_indices() -> None:
    text = "y[c, *shape] = x[(*i,), c]\nwhere i < shape"
    assert disagreement(Draw(text, {"shape": (3, 2)}, ((6, 1),), None)) == "refused"


RECURRENCES = {
    # text, shape, numbers of learned tensors, and what comes out of x = 0, 1, 2, ...
    "a margin beside the steps": (
        "h[t, i] = x[t, i] + U[u]*p[t-1, i+u]\np[t, j] = pad[j: 1](h[t, j])\ny[t, i] = h[t, i]\nwhere u < 3, i < size(i)",
        (3, 4), {"U": [1, 10, 100]}, [[0, 1, 2, 3], [104, 215, 327, 39], [22548, 34963, 7395, 728]],
    ),
    "states defined behind": (
        "n[t, e] = a[t-1, e] + b[t-1, e]\na[t, e] = a[t-1, e] + x[t, e]\nb[t, e] = b[t-1, e] + 2*x[t, e]\ny[t, e] = n[t, e]",
        (3, 2), {}, [[0, 0], [0, 3], [6, 12]],
    ),
    "a line without steps between": (
        "h[t] = x[t] + g[t-1]\nc[i] = 2*V[i]\ng[t] = h[t] + c[i]\ny[t] = g[t]\nwhere i < 2", (3,), {"V": [1, 2]}, [6, 13, 21],
    ),
    "earlier steps summed up": ("h[t] = x[t] + g[t-1]\ng[t] = h[k]\ny[t] = g[t]\nwhere k <= t", (3,), {}, [0, 1, 4]),
}  # fmt: skip


@pytest.mark.parametrize("index", ["i_1", "i_2", "i_3", "j"])
def test_an_index_named_like_an_axis_of_a_star_is_one_of_its_own(index: str) -> None:
    made = layer(f"y[{index}] = x[{index}, *i]*x[{index}, *i]")
    assert la.macs(made, on=(4, 3, 5)) == 4 * 3 * 5
    assert la.macs(made, on=(2, 3, 3, 2)) == 2 * 3 * 3 * 2
    assert la.run(made, np.ones((4, 3, 5))).tolist() == [15.0] * 4


@pytest.mark.parametrize("what", RECURRENCES)
def test_recurrences_of_several_lines(what: str) -> None:
    text, shape, weights, expected = RECURRENCES[what]
    x = np.arange(np.prod(shape)).reshape(shape)
    assert np.asarray(la.run(layer(text), x, weights)).tolist() == expected
    assert disagreement(Draw(text, {}, (shape,), None), symbolic=False) is None


def test_a_field_has_as_many_values_as_there_are_axes() -> None:
    for text in ("y[*i] = x[*(step*i)]", "y[*i] = pad[step](x[*i])", "y[*i] = x[*i]\nwhere i < step"):
        assert len(la.output_shape(layer(text, step=(1, 2)), on=(5, 6) if "<" not in text else (1, 2))) == 2
        with pytest.raises((la.EquationError, la.ShapeError), match="one for each axis|addresses 3|not determined"):
            la.output_shape(layer(text, step=(1, 2, 3)), on=(5, 6))


def test_fractions_are_compared_as_fractions() -> None:
    made = type(
        "Custom",
        (la.Layer,),
        {"equation": "y[i] = x[i]\nwhere 0 < part, part < 1", "__annotations__": {"part": "Number"}},
    )
    assert la.output_shape(made(0.5), on=(3,)) == (3,)
    with pytest.raises(la.LayerAlgebraError):
        la.output_shape(made(1), on=(3,))


MASKED = {
    "a range of which one end belongs to the line": (
        "a[o, i] = V[i, o]*x[i]\ny[i] = pad[i: (3, 4)](x[i], fill=1)\nwhere o < 3, o <= i < size(i)", (3,),
    ),
    "a range of which one end belongs to a mean": (
        "y[j, i] = mean[o](V1[o]*V3[j, j, o])*x[i + u, j]\nwhere u < 2, o < 4, o <= i, u <= i < size(j)", (5, 3),
    ),
    "what is not finite": (
        "z[i] = pad[i: (0 - 1, 2)](x[i], fill=-inf)\ny[k] = z[k + o]*x[k + o]\nwhere o < 2, k < 2, k + o <= 1", (3,),
    ),
    "what is not finite, at every point": (
        "a[i, j] = pad[j: (0 - 1, 2)](x[i, j], fill=-inf)\ny[i] = a[i, j]*x[i, j + o]\nwhere o < 1, j >= 1, j <= o", (6, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MASKED)
def test_masked_points_are_no_points(what: str) -> None:
    text, shape = MASKED[what]
    assert disagreement(Draw(text, {}, (shape,), None)) is None


FIELDS = {
    # text, shape, and the field along every axis
    "neighbours of the state": ("h[t, i, c] = x[t, i, c] + h[t-1, max(i-1, 0), c]", (5, 6, 2)),
    "a window of the state": ("h[t, i] = x[t, i] + U[u]*h[t-1, (i + u) % size(i)]\nwhere u < 3", (4, 9)),
    "a state shifted": ("h[t, i] = x[t, i] + h[t-1, i+u-1]*U[u]\nwhere u < 2, i < size(i), i + u >= 1", (3, 9)),
    "a state of another line": ("n[t] = a[t-1]\na[t] = a[t-1] + x[t]\ny[t] = n[t]", (4,)),
    "a square": ("y[i] = x[i*i]\nwhere i < 3", (5,)),
    "a least of two": ("y[i] = x[min(i, 2)]*V[i]\nwhere i < 4", (4,)),
}


@pytest.mark.parametrize("what", FIELDS)
def test_fields_hold_what_enumeration_reads(what: str) -> None:
    text, shape = FIELDS[what]
    assert disagreement(Draw(text, {}, (shape,), None), symbolic=False) is None


def test_a_comparison_whose_letters_cancel_is_asked_of_the_sizes() -> None:
    for condition in ("u - u <= 2", "abs(u - u) <= 2", "abs(u - u) <= k", "max(u - u, 1) <= k", "abs(u - u + k) <= 2"):
        text = f"y[i] = x[i + u]\nwhere u < 2, {condition}"
        expected = "refused" if condition == "abs(u - u + k) <= 2" else None
        assert disagreement(Draw(text, {"k": 4}, ((5,),), None)) == expected


def test_an_index_may_be_named_like_a_function() -> None:
    for name in ("q", "sort", "softmax", "relu"):
        text = f"y[i] = sort[j](x[i, j], {name})*W[{name}]\nwhere {name} < 3"
        assert disagreement(Draw(text, {}, ((4, 4),), None), symbolic=True) is None
    for name in ("m", "sort", "softmax", "relu"):
        text = f"{name}[i, j] = 2*x[i, j]\ny[i, q] = sort[j]({name}[i, j], q)*softmax[j]({name}[i, j])\nwhere q < 3"
        assert disagreement(Draw(text, {}, ((4, 4),), None), symbolic=True) is None


def test_rows_may_be_bounded_by_two_sizes_that_are_one() -> None:
    draw = Draw("y[place[i]] = x[i]\nwhere place < 4, place < size(i)", {}, ((4,), (4,)), ("x", "place"))
    assert disagreement(draw, symbolic=True) is None
    made = layer(draw.text, draw.inputs)
    assert r"4 = \lvert i \rvert" in la.latex_equation(made)
    with pytest.raises(la.EquationError, match="bounded twice"):
        la.macs(made, on=[(5,), (5,)])


def test_what_is_demanded_of_a_size_that_no_input_has() -> None:
    for demand, found in (
        ("size(o) == 2", None),
        ("size(o) <= 2", None),
        ("size(o) == 3", "refused"),
        ("1 < size(o)", None),
    ):
        text = f"a[o, i] = x[i]\nwhere o < 2, o >= 1, {demand}"
        assert disagreement(Draw(text, {}, ((2,),), None)) == found


def test_a_letter_whose_size_is_asked_for_has_one_everywhere() -> None:
    for text in (
        "side = size(i) - 1\na[i] = x[i]\ny[i] = a[i + u]*V[u]*W[side]\nwhere u < 4",
        "side = size(i) - 1\na[i] = x[i]\ny[i] = x[i + u]*V[u]\nwhere u < 4",
        "a[i] = pad[i: (0, size(i))](x[i])\nb[i] = x[i]\ny[i] = a[i + u]*V[u]\nwhere u < 4",
    ):
        assert disagreement(Draw(text, {}, ((5,),), None)) == "refused"
    assert disagreement(Draw("a[i] = pad[i: (0, size(i))](x[i])\ny[i] = x[i]*V[i]", {}, ((5,),), None)) is None


def test_round_brackets_around_one_index_make_no_group() -> None:
    assert la.output_shape(layer("y[(i), j] = x[(i), (j)]"), on=(2, 3)) == (2, 3)
    assert la.output_shape(layer("y[(i, j)] = x[((i)), (j)]"), on=(2, 3)) == (6,)


def test_padded_elements_read_in_groups_are_no_effective_work() -> None:
    text = "z[i] = pad[i: (0, size_to - size(i))](x[i])\ny[a] = z[(a, u)]*W[u]\nwhere u < 2"
    made = layer(text, size_to=6)
    assert la.macs(made, on=(5,)) == 6 and la.macs(made, on=(5,), effective=True) == 5


def test_symbolic_addresses_are_integers_under_conditions() -> None:
    k, n = la.dims("k n")
    for text in (
        "y[i] = x[step*i]",
        "z[t] = pad[t: step](x[t])\ny[t] = z[t]",
        "y[i, m] = E[x[i], m]\nwhere x < step, m < 3",
    ):
        derived = la.derive("output_shape", layer(text, step=k / 2), on=(n,))
        assert derived.domain.holds({k: 4, n: 9}) and not derived.domain.holds({k: 3, n: 9})
    assert la.output_shape(layer("y[i] = x[i*(i + 1)/2]\nwhere i < 3"), on=(6,)) == (3,)


def test_a_symbolic_range_that_may_be_empty_is_a_condition() -> None:
    m, n = la.dims("m n")
    derived = la.derive("macs", layer("y[i] = max[j](x[j])\nwhere i < rows, j > i", rows=m), on=(n,))
    assert derived.domain.holds({m: 2, n: 3}) and not derived.domain.holds({m: 3, n: 3})
    causal = la.derive("macs", layer("y[i] = max[j](x[j])\nwhere i < size(j), j <= i"), on=(n,))
    assert not list(causal.domain)


def test_a_buffer_is_neither_an_input_nor_a_parameter() -> None:
    n = la.dims("n")
    for text in ("y[i] = x[i]*B[i]", "y[i] = x[B[i]]\nwhere i < 4", "y[i, m] = E[B[i], m]*x[i]\nwhere B < 7, m < 2"):
        made = layer(text, buffers=("B",))
        assert made.input_names == ("x",) and "B" not in made.instance((n,)).weights()
        assert made.instance((n,)).roles["B"] == "buffer"
    with pytest.raises(la.EquationError, match="never reads it"):
        la.macs(layer("y[i] = x[i]", buffers=("B",)), on=(3,))
    with pytest.raises(la.FieldError, match="tuple of names"):
        layer("y[i] = x[i]*B[i]", buffers="B")  # type: ignore[arg-type]


def test_a_scalar_output() -> None:
    """A quadratic form, everything that can be asked of it."""
    n = la.dims("n")
    made = layer("y = A[i, j]*x[i]*x[j]")
    assert la.output_shape(made, on=(n,)) == () and la.parameters(made, on=(n,)) == n**2
    assert la.macs(made, on=(n,)) == n**2 and la.activations(made, on=(n,)) == 1
    found = la.run(made, [1, 2], {"A": [[1, 2], [3, 4]]})
    assert np.shape(found) == () and found == 1 + 2 * 5 + 4 * 4
    assert la.latex_equation(made).splitlines()[1].startswith("y &= ")
    assert la.receptive_field(made, on=(n,)).size == ()
    network = la.Linear(4, bias=False) >> made
    assert la.output_shape(network, on=(n,)) == () and la.macs(network, on=(n,)) == 4 * n + 16
    normed = layer("m = x[i]*x[i]\nr = sqrt(m)\ny[i] = x[i]/r")
    assert (la.run(normed, [3, 4]) == np.array([0.6, 0.8])).all() and la.output_shape(normed, on=(n,)) == (n,)
    for text in (made.equation, normed.equation):
        assert disagreement(Draw(text, {}, ((3,),), None), symbolic=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "y[i] = n*x[i]",
        "y[i] = (n + i - i)*x[i]",
        "y[i] = x[i] + (n - 1)",
        "y[i] = x[i]**n + n*x[i]*W[i]",
        "y[i] = sum[j](n*x[j]) + (1 - n)",
    ],
)
def test_a_field_costs_the_same_whatever_it_is(text: str) -> None:
    n, size = la.dims("n s")
    if "[i] = sum" in text:
        text += "\nwhere i < 2"
    formula = la.derive("flops", layer(text, n=n), on=(size,))
    for value in (1, 2, 3):
        made = layer(text, n=value)
        draw = Draw(text, {"n": value}, ((3,),), None)
        assert la.flops(made, on=(3,)) == formula({n: value, size: 3})
        assert disagreement(draw) is None


@pytest.mark.parametrize(
    ("short", "long", "holds"),
    [
        ("abs(i - j) <= w", "i - j <= w and j - i <= w", lambda i, j, w: abs(i - j) <= w),
        ("w > abs(i - j)", "i - j < w and j - i < w", lambda i, j, w: abs(i - j) < w),
        ("abs(i - j) > w", "i - j > w or j - i > w", lambda i, j, w: abs(i - j) > w),
        ("not abs(i - j) > w", "i - j <= w and j - i <= w", lambda i, j, w: abs(i - j) <= w),
        ("abs(i - j) == w", "i - j == w or j - i == w", lambda i, j, w: abs(i - j) == w),
        ("max(i, j) <= w", "not (i > w or j > w)", lambda i, j, w: max(i, j) <= w),
        ("min(i, 2*j) < w", "i < w or 2*j < w", lambda i, j, w: min(i, 2 * j) < w),
    ],
)
def test_masks_of_distances_and_extrema_have_the_closed_form_of_their_parts(short: str, long: str, holds: Any) -> None:
    n, w = la.dims("n w")
    short_one, long_one = (
        layer(f"y[i] = sum[j](x[j]*U[i, j])\nwhere i < size(j), {mask}", w=w) for mask in (short, long)
    )
    found = la.derive("macs", short_one, on=(n,), effective=True)
    assert not found.formula.has(sympy.Sum)
    for size, width in itertools.product((1, 2, 5, 8), (1, 2, 6)):
        by_hand = sum(holds(*at, width) for at in itertools.product(range(size), repeat=2))
        assert found({n: size, w: width}) == by_hand
        assert la.macs(long_one.subs(w, width), on=(size,), effective=True) == by_hand


def test_an_extremum_takes_any_number_of_values() -> None:
    made = layer("y[i] = max(x[i], W[i], 0) - min(x[i], 1, V[i], 2)")
    n = la.dims("n")
    assert la.flops(made, on=(n,)) == 6 * n  # five comparisons and an add
    assert la.run(made, [3.0, -1.0], {"W": [1.0, 2.0], "V": [-1.0, 0.0]}).tolist() == [4.0, 3.0]


def test_what_is_asked_the_size_of_has_one_size() -> None:
    text = """
        z[{whole}, i] = pad[i: (1, 1)](x[{whole}, i])
        y[(g, o), i] = W[g, o, c, u] * z[(g, c), i + u]
        where g < groups, u < 3, o < size(c)
    """
    with pytest.raises(
        la.EquationError, match="c has 4 values in the line of z and 2 in that of y; take another letter"
    ):
        la.macs(layer(text.format(whole="c"), groups=2), on=(4, 5))
    n, m, k = la.dims("n m k")
    assert la.macs(layer(text.format(whole="e"), groups=k), on=(m, n)) == 3 * n * m**2 / k


def test_sizes_are_compared_by_equations() -> None:
    n, m, k = la.dims("n m k")
    text = "y[o] = W[o, i]*x[i] + U[o, p]*h[p]\nwhere o < units, size(h, 0) == units"
    made = layer(text, ("x", "h"), units=k)
    assert str(la.derive(la.parameters, made, on=((n,), (m,))).domain).startswith("k = m: ")
    with pytest.raises(la.ShapeError, match="needs 4 == 5"):
        la.macs(layer(text, ("x", "h"), units=5), on=((3,), (4,)))
    draws = [
        Draw(f"y[i] = x[i]*W[j]\nwhere j < width, {condition}", {"width": width}, ((size,),), None)
        for condition in (
            "size(i) == width",
            "size(x, 0) != width",
            "width == size(x, 0) < 4",
            "2*width != 4 == size(i)",
        )
        for width in range(1, 5)
        for size in range(1, 5)
    ]
    found = [disagreement(draw) for draw in draws]
    assert set(found) == {None, "refused"} and found.count(None) == 4 + 12 + 3 + 3


@pytest.mark.parametrize("cell", [la.GRUCell, la.CrossLayer])
def test_a_state_has_as_many_units_as_the_layer(cell: Any) -> None:
    made = cell(4) if cell is la.GRUCell else cell()
    assert made.instance((4,), (4,)).conditions == []
    for size in (3, 5):
        with pytest.raises(la.ShapeError):
            made.instance((4,), (size,))
