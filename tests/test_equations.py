"""Layers that no library has, from their equations alone: counts, receptive fields and numbers against enumeration.

Each of these uses a part of the equation language in a way that no registered layer does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from conftest import PROFILE
from hypothesis import given, note, settings
from hypothesis import strategies as st
from layer_checks import check_counts, check_numbers, check_receptive_field
from sympy import Eq, Ge, Mod, Tuple

import layeralgebra as la
from layeralgebra.algebra.equations.work import statement_work, work
from layeralgebra.proofs.samples.cases import Case, meaning
from oracles.equation_nodes import Impossible

small = st.integers(1, 3)
some = settings(
    max_examples=settings().max_examples if PROFILE == "full" else 5
)  # one property for each of many layers


class Involution(la.Layer):
    """A kernel made at every position by two 1x1 maps, shared over the channels of a group (Li et al., CVPR 2021)."""

    groups: la.Dim
    kernel: la.Dim
    narrow: la.Dim
    equation = """
        before = floor((kernel - 1)/2)
        r[m, *i] = relu(R[m, c] * x[c, *i])
        k[g, *u, *i] = S[g, *u, m] * r[m, *i] + b[g, *u]
        z[c, *j] = pad[before, kernel - 1 - before](x[c, *j])
        y[(g, c), *i] = k[g, *u, *i] * z[(g, c), *(i + u)]
        where g < groups, u < kernel, m < narrow
    """


class Correlation(la.Layer):
    """Products of every position with its neighbours on both sides, inside a maximal distance."""

    reach: la.Dim
    equation = """
        y[i, j] = x[i, f] * x[j, f]
        where j - i <= reach, i - j <= reach
    """


class Banded(la.Layer):
    """A causal average over the last few positions."""

    window: la.Dim
    equation = """
        y[t, f] = mean[s](x[s, f])
        where t < size(s), s <= t, t - s < window
    """
    channel_axis = "last"


class Differences(la.Layer):
    """Second differences: three reads of one tensor at different offsets, no padding."""

    equation = "y[c, i] = x[c, i] - 2*x[c, i + 1] + x[c, i + 2]"


class Pyramid(la.Layer):
    """Two strides in one line: neighbours summed, and every second element."""

    step: la.Dim
    equation = """
        z[c, *j] = pad[1, 1](x[c, *j])
        a[c, *i] = max[*u](z[c, *(step*i + u)])
        y[c, *i] = a[c, *i] * (w[c] + sum[v](a[c, *i] * K[v]))
        where u < 3, v < 2
    """


class Tucker(la.Layer):
    """A kernel in three factors, contracted in one line."""

    out: la.Dim
    first: la.Dim
    second: la.Dim
    kernel: la.Dim
    equation = """
        y[o, *i] = A[o, p] * G[p, q, *u] * B[q, c] * x[c, *(i + u)]
        where o < out, p < first, q < second, u < kernel
    """


class LogSumExp(la.Layer):
    """A soft maximum over windows."""

    kernel: la.Dim
    equation = """
        y[c, i] = log(sum[u](exp(x[c, 2*i + u])))
        where u < kernel
    """


class Toeplitz(la.Layer):
    """A matrix that depends on differences of positions only: the weight's address is affine."""

    equation = """
        z[j] = x[j]
        y[i] = T[i - j + size(j) - 1] * z[j]
        where i < size(j)
    """


class Second(la.Layer):
    """A recurrence of second order with a matrix, and a nonlinearity of its own past."""

    hidden: la.Dim
    equation = """
        h[t, o] = relu(A[o, p]*h[t-1, p] - B[o, p]*h[t-2, p] + C[o, f]*x[t, f])
        y[t, o] = h[t, o] * max[p](h[t, p])
        where o < hidden
    """
    channel_axis = "last"


class Strided(la.Layer):
    """A transposed map along one axis and a strided one along the other."""

    equation = """
        z[3*a + u, b] = W[u] * x[a, 2*b]
        y[i, b] = z[i, b] + c[b]
        where u < 2
    """


class Windows(la.Layer):
    """Overlapping windows as an axis of their own, normalised together."""

    size_of_window: la.Dim
    equation = """
        w[i, u, f] = x[i + u, f]
        m[i] = mean[u, f](w[i, u, f])
        v[i] = mean[u, f]((w[i, u, f] - m[i])**2)
        y[(i, u), f] = (w[i, u, f] - m[i]) / sqrt(v[i] + 1)
        where u < size_of_window
    """
    channel_axis = "last"


class Triangle(la.Layer):
    """All pairs i <= j, the sum of what lies between."""

    equation = """
        y[i, j] = sum[k](x[k] * w[k])
        where i < size(k), j < size(k), i <= k, k <= j
    """


class Ranges(la.Layer):
    """Sums over ranges that overlap and grow."""

    parts: la.Dim
    equation = """
        y[i] = max[j](x[j]) + sum[j](x[j])
        where i < parts, floor(i*size(j)/(2*parts)) <= j < ceil((i + 1)*size(j)/parts)
    """


class Gather(la.Layer):
    """Rows of a learned table and of the first input, chosen by the second."""

    inputs = ("x", "t")
    rows: la.Dim
    equation = """
        z[i, f] = x[i, f]
        y[n, f] = E[t[n], f] * z[0, f]
        where t < rows
    """


class Reversed(la.Layer):
    """Windows read backwards: steps that are negative."""

    kernel: la.Dim
    equation = """
        y[c, i] = W[u] * x[c, i + kernel - 1 - u]
        where u < kernel
    """


class Determinant(la.Layer):
    """Products and quotients, powers and signs: nothing is summed."""

    equation = "y[i] = -x[i]**3 / (1 + x[i]**2) * x[i] * 2 - -x[i]"


class Cropped(la.Layer):
    """A border cut off one side and a learned one put on the other."""

    cut: la.Size
    equation = """
        z[c, *j] = pad[0 - cut, 1](x[c, *j], fill=k[c])
        y[o, *i] = W[o, c, *u] * z[c, *(i + u)]
        where o < 2, u < 2
    """


class Crossing(la.Layer):
    """Two recurrences that overlap: each reads what the other one made a step before."""

    equation = """
        a[t, f] = x[t, f] + c[t-1, f]
        b[t, f] = a[t, f] * d[t-1, f] - c[t-1, f]
        c[t, f] = b[t, f] - a[t, f]
        d[t, f] = c[t, f] * x[t, f]
        y[t, f] = d[t, f] + b[t, f]
    """
    channel_axis = "last"


class MaskedMargin(la.Layer):
    """Windows over a margin of which a mask leaves the far end, or nothing that is real."""

    first: la.Size
    equation = """
        z[*j] = pad[2, 2](x[*j])
        y[i] = sum[u](W[u] * z[i + u])
        where u < 3, i + u >= first
    """


class Nested(la.Layer):
    """A range that another range bounds."""

    parts: la.Dim
    equation = """
        y[i] = sum[j, k](x[j] * x[k] * w[i, j, k])
        where i < parts, floor(i*size(j)/parts) <= j < ceil((i + 1)*size(j)/parts), 0 <= k < size(k) - j
    """


class OddStride(la.Layer):
    """A step that is an expression."""

    step: la.Dim
    equation = """
        y[c, i] = x[c, (2*step - 1)*i + u] * W[u]
        where u < 3
    """


Shapes = tuple[tuple[int, ...], ...]


def spatial(draw: Callable, channels: int, least: int, most: int = 6) -> Shapes:
    axes = draw(st.integers(1, 2))
    return ((channels, *(draw(st.integers(least, most)) for _ in range(axes))),)


def vector(draw: Callable) -> Shapes:
    return ((draw(st.integers(1, 6)),),)


def sequence(draw: Callable, least: int = 1) -> Shapes:
    return ((draw(st.integers(least, 6)), draw(small)),)


def involution(draw: Callable) -> tuple[la.Layer, Shapes]:
    groups = draw(st.integers(1, 2))
    return Involution(groups, draw(small), draw(small)), spatial(draw, groups * draw(st.integers(1, 2)), 1, 4)


BUILDERS: dict[str, Callable[[Callable], tuple[la.Layer, Shapes]]] = {
    "Involution": involution,
    "Correlation": lambda draw: (Correlation(draw(small)), sequence(draw)),
    "Banded": lambda draw: (Banded(draw(small)), sequence(draw)),
    "Differences": lambda draw: (Differences(), ((draw(small), draw(st.integers(3, 6))),)),
    "Pyramid": lambda draw: (Pyramid(draw(small)), spatial(draw, draw(small), 1, 5)),
    "Tucker": lambda draw: (Tucker(*(draw(st.integers(1, 2)) for _ in range(4))), spatial(draw, draw(small), 2, 4)),
    "LogSumExp": lambda draw: (LogSumExp(draw(small)), ((draw(small), draw(st.integers(3, 7))),)),
    "Toeplitz": lambda draw: (Toeplitz(), vector(draw)),
    "Second": lambda draw: (Second(draw(small)), sequence(draw)),
    "Strided": lambda draw: (Strided(), ((draw(small), draw(st.integers(1, 6))),)),
    "Windows": lambda draw: (Windows(draw(small)), sequence(draw, 3)),
    "Triangle": lambda draw: (Triangle(), vector(draw)),
    "Ranges": lambda draw: (Ranges(draw(small)), vector(draw)),
    "Gather": lambda draw: (Gather(draw(small)), (*sequence(draw), *vector(draw))),
    "Reversed": lambda draw: (Reversed(draw(small)), ((draw(small), draw(st.integers(3, 6))),)),
    "Crossing": lambda draw: (Crossing(), sequence(draw)),
    "MaskedMargin": lambda draw: (MaskedMargin(draw(st.integers(0, 9))), vector(draw)),
    "Nested": lambda draw: (Nested(draw(small)), vector(draw)),
    "OddStride": lambda draw: (OddStride(draw(small)), ((draw(small), draw(st.integers(2, 9))),)),
    "Determinant": lambda draw: (Determinant(), vector(draw)),
    "Cropped": lambda draw: (Cropped(draw(st.integers(0, 2))), spatial(draw, draw(small), 1, 5)),
}
every_layer = pytest.mark.parametrize("name", sorted(BUILDERS))


def drawn(name: str, data: st.DataObject) -> Case | None:
    """A layer with its meaning, or None where it has none and is refused."""
    layer, shapes = BUILDERS[name](data.draw)
    try:
        return Case(layer, shapes, meaning(layer, shapes))
    except Impossible:
        with pytest.raises(la.LayerAlgebraError):
            la.output_shape(layer, on=shapes[0] if len(shapes) == 1 else list(shapes))
        return None


@every_layer
@some
@given(data=st.data())
def test_counts(name: str, data: st.DataObject) -> None:
    case = drawn(name, data)
    if case is not None:
        check_counts(case)


@every_layer
@some
@given(data=st.data())
def test_receptive_fields(name: str, data: st.DataObject) -> None:
    case = drawn(name, data)
    if case is not None:
        check_receptive_field(case)


@every_layer
@some
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), exact=st.booleans())
def test_numbers(name: str, data: st.DataObject, seed: int, exact: bool) -> None:
    case = drawn(name, data)
    if case is not None:
        check_numbers(case, seed, exact)


def test_involution_in_closed_form() -> None:
    """Two 1x1 maps and one multiply-accumulate for every element of the window, at every position and channel."""
    c, g, k, m, H, W = la.dims("c g k m H W")
    layer = Involution(g, k, m)
    on = (c, H, W)
    assert la.parameters(layer, on=on) == c * m + g * k**2 * m + g * k**2
    assert la.macs(layer, on=on) == (H * W * (c * m + g * k**2 * m + c * k**2)).expand()
    assert la.receptive_field(layer, on=on).size == (k, k)


# equations drawn at random -------------------------------------------------------------------------------------------


@st.composite
def factors(draw: Callable, tensor: str, star: str) -> str:
    """A tensor read somewhere, or a learned one."""
    kind = draw(st.integers(0, 4))
    if kind < 2:
        step, dilation, offset = draw(small), draw(st.integers(1, 2)), draw(st.integers(0, 1))
        return f"{tensor}[c, {star}({step}*i + {dilation}*u + {offset})]"
    if kind == 2:
        return f"{tensor}[c, {draw(st.sampled_from([f'{star}j', f'{star}u'] if star else ['j', '0', 'u']))}]"
    axes = draw(st.lists(st.sampled_from(["o", "c", "u"]), min_size=1, max_size=3, unique=True))
    return f"W{''.join(axes)}[{', '.join(f'{star}u' if axis == 'u' else axis for axis in axes)}]"


@st.composite
def terms(draw: Callable, tensor: str, star: str, depth: int = 2) -> str:
    """A product, a function, a reduction or a sum of them."""
    kind = draw(st.integers(0, 6)) if depth else 0
    if kind <= 2:
        return " * ".join(draw(st.lists(factors(tensor, star), min_size=1, max_size=3)))
    inner = draw(terms(tensor, star, depth - 1))
    if kind == 3:
        return f"{draw(st.sampled_from(['abs', 'relu']))}({inner})"
    if kind == 4:
        return f"({inner})**2"
    if kind == 5:
        over = draw(st.sampled_from([f"{star}u", "c", f"{star}u, c", f"{star}j"]))
        return f"{draw(st.sampled_from(['max', 'min', 'mean', 'sum']))}[{over}]({inner})"
    return f"({inner} - 2*{draw(terms(tensor, star, depth - 1))})"


@st.composite
def random_layers(draw: Callable) -> la.Layer:
    """A layer whose equation is put together at random from margins, addresses, masks, functions and reductions."""
    lines, tensor, star = [], "x", draw(st.sampled_from(["", "*"]))
    i, j, u = f"{star}i", f"{star}j", f"{star}u"
    if draw(st.booleans()):
        before, after = draw(st.integers(-1, 2)), draw(st.integers(-1, 2))
        widths = f"0 + {before}, 0 + {after}" if star else f"j: (0 + {before}, 0 + {after})"
        lines.append(f"z[c, {j}] = pad[{widths}](x[c, {j}])")
        tensor = "z"
    lefts = [f"o, {i}", f"c, {i}", i, "o", f"(c, {i})", f"{i}, o, c", f"c, {j}", f"{j}, {i}"]
    left = draw(st.sampled_from(lefts if star else [*lefts, "2*i + o"]))
    value = " + ".join(draw(st.lists(terms(tensor, star), min_size=1, max_size=2)))
    # Every index of the left side stands on the right, and so do those that masks speak of.
    lines.append(f"y[{left}] = {value} + B[o] * V[{u}] * {tensor}[c, {star}(i + u)] * {tensor}[c, {j}]")
    masks = ["j <= i", "i - u < 2", "c <= u", "u + i >= 1", "i <= j + 1"]
    chosen = draw(st.lists(st.sampled_from(masks), max_size=2, unique=True))
    lines.append(", ".join(["where o < 2", f"u < {draw(small)}", *chosen]))
    return type("Random", (la.Layer,), {"equation": "\n".join(lines), "channel_axis": "first"})()


@given(
    layer=random_layers(),
    channels=small,
    size=st.integers(1, 6),
    axes=st.integers(1, 2),
    seed=st.integers(0, 2**32 - 1),
    exact=st.booleans(),
)
def test_random_equations(layer: la.Layer, channels: int, size: int, axes: int, seed: int, exact: bool) -> None:
    note(layer.equation)
    shapes = (
        (channels, size) if axes == 1 or "*" not in layer.equation.split("\n")[0] else (channels, min(size, 3), 3),
    )
    try:
        case = Case(layer, shapes, meaning(layer, shapes))
    except Impossible:
        # Whether a mask keeps an address inside its tensor is found out when it is read, and not before.
        with pytest.raises(la.LayerAlgebraError):
            la.run(layer, np.ones(shapes[0]))
        return
    check_counts(case)
    check_receptive_field(case)
    check_numbers(case, seed, exact)


# sizes that are symbols ----------------------------------------------------------------------------------------------


@every_layer
@some
@given(data=st.data())
def test_formulas_at_symbols_hold_where_they_say(name: str, data: st.DataObject) -> None:
    """Formulas at symbolic sizes, at numbers: what is found at the numbers, or an error where that is one."""
    layer, shapes = BUILDERS[name](data.draw)
    symbols = [la.dims(" ".join(f"s{port}{axis}" for axis in range(len(shape)))) for port, shape in enumerate(shapes)]
    symbols = [found if isinstance(found, tuple) else (found,) for found in symbols]
    values = {str(symbol): size for own, shape in zip(symbols, shapes) for symbol, size in zip(own, shape)}
    for metric in ("output_shape", "parameters", "macs", "activations"):
        try:
            wanted = getattr(la, metric)(layer, on=list(shapes) if len(shapes) > 1 else shapes[0])
        except la.ShapeError:
            with pytest.raises((la.ShapeError, la.DomainError)):
                derived = la.derive(metric, layer, on=symbols if len(shapes) > 1 else symbols[0])
                derived({str(symbol): values[str(symbol)] for symbol in derived.symbols})
            continue
        derived = la.derive(metric, layer, on=symbols if len(shapes) > 1 else symbols[0])
        sizes = {str(symbol): values[str(symbol)] for symbol in derived.symbols}
        assert derived(sizes) == (tuple(wanted) if metric == "output_shape" else wanted)


# numbers and conditions in equations ---------------------------------------------------------------------------------


def made(text: str, **fields: object) -> la.Layer:
    kinds = {
        name: "Flag" if isinstance(value, bool) else "Text" if isinstance(value, str) else "Size"
        for name, value in fields.items()
    }
    return type("Custom", (la.Layer,), {"equation": text, "__annotations__": kinds})(**fields)


NUMBERS = [
    "n + k", "n - k", "k - n + 9", "n * k", "2*n - 3*k", "-k + n", "+n - -k", "n // k", "(n + 1) // k", "n % k", "(k - n) % k + 1",
    "(-n) // k + 9", "n**2 - k", "k**0 + k**1", "ceil(n / k)", "floor(n / k)", "ceil(0 - n/2) + 9", "floor(0 - n/2) + 9", "n / 7",
    "max(n, k)", "max(k, n, 9)", "min(n, k)", "min(9, n, k)", "max(n - 9, 1)", "sqrt(n**2)", "log(1) + k", "2.5 * 2", "0.5 * (n + 1)",
    "m", "m * m - n", "m - twice + n", "size(i)", "size(i) * k - size(j)",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("n, k", [(7, 3), (7, 2)])
def test_numbers_mean_what_they_mean_in_python(text: str, n: int, k: int) -> None:
    layer = made(f"m = twice - n + 2\ntwice = 2 * n\ny[o] = W[o, i, j] * x[i, j]\nwhere o < {text}", n=n, k=k)
    names = {
        "n": n,
        "k": k,
        "m": n + 2,
        "twice": 2 * n,
        "size": lambda size: size,
        "i": 5,
        "j": 4,
        "max": max,
        "min": min,
    }
    wanted = eval(text, {"ceil": math.ceil, "floor": math.floor, "sqrt": math.isqrt, "log": math.log, **names})
    assert wanted == int(wanted)
    assert la.output_shape(layer, on=(5, 4)) == Tuple(int(wanted))
    assert la.parameters(layer, on=(5, 4)) == 20 * int(wanted)


CONDITIONS = {
    "on": True, "off": False, "not on": False, "not off": True, "not not on": True, "on and off": False, "on and not off": True,
    "off or on": True, "off or off": False, "word == 'left'": True, "word == 'right'": False, "word != 'left'": False,
    "word != 'right'": True, "number == 3": True, "number != 3": False, "number is 4": False, "number is not 4": True, "True": True,
    "False or off": False, "on and on and off": False, "(on or off) and number == 3": True,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_choose(condition: str) -> None:
    fields = {"on": True, "off": False, "word": "left", "number": 3}
    chosen = CONDITIONS[condition]
    term = made(f"y[i] = (W[i] if {condition} else 2) * x[i]", **fields)
    assert la.parameters(term, on=(5,)) == (5 if chosen else 0)
    extent = made(f"y[o] = W[o, i] * x[i]\nwhere o < (2 if {condition} else 4)", **fields)
    assert la.output_shape(extent, on=(5,)) == Tuple(2 if chosen else 4)
    nested = made(f"y[i] = ((W[i] if not ({condition}) else V[i, i]) if {condition} else 1 + W[i]) * x[i]", **fields)
    assert la.parameters(nested, on=(5,)) == (25 if chosen else 5)


def test_values_for_each_axis() -> None:
    class Strides(la.Layer):
        step: la.Dim | la.Sizes
        equation = """
            y[c, *i] = max[*u](x[c, *(step*i + u)])
            where u < step
        """

    assert la.output_shape(Strides((2, 3)), on=(1, 8, 9)) == Tuple(1, 4, 3)
    assert la.output_shape(Strides(2), on=(1, 8, 9, 5)) == Tuple(1, 4, 4, 2)
    with pytest.raises(la.EquationError, match="has 4 axes"):
        la.output_shape(Strides((2, 3)), on=(1, 8, 9, 5))

    class Entries(la.Layer):
        shape: la.Sizes
        equation = "y[o, p] = W[o, p, i] * x[i]\nwhere o < shape[0], p < shape[1]"

    assert la.output_shape(Entries((4, 6)), on=(3,)) == Tuple(4, 6)
    for text in ("shape[2]", "shape[0 - 1]", "shape[i]", "n[0]", "x[0]"):
        with pytest.raises(la.EquationError, match="has entries|stands where a number is made"):
            layer = type("Wrong", (la.Layer,), {
                "equation": f"y[o] = W[o, i] * x[i]\nwhere o < {text}", "__annotations__": {"shape": "Sizes", "n": "Dim"},
            })  # fmt: skip
            la.output_shape(layer((4, 6), 3), on=(3,))


EXTENTS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...] | str]] = {
    # text, what enters, and what comes out, or the words of the error
    "the largest index that stays inside": ("y[i] = x[3*i + 2*u + 1] * W[u]\nwhere u < 2", (10,), (3,)),
    "just one window": ("y[i] = x[3*i + 2*u + 1] * W[u]\nwhere u < 2", (4,), (1,)),
    "no window": ("y[i] = x[3*i + 2*u + 1] * W[u]\nwhere u < 2", (3,), "must hold one window of 4"),
    "backwards": ("y[i] = x[i + 2 - u] * W[u]\nwhere u < 3", (5,), (3,)),
    "too far backwards": ("y[i] = x[i + 1 - u] * W[u]\nwhere u < 3", (5,), "must not be negative"),
    "a group on the right": ("y[g, c] = x[(g, c)]\nwhere g < 3", (12,), (3, 4)),
    "a group that does not divide": ("y[g, c] = x[(g, c)]\nwhere g < 5", (12,), "groups of 5, but it is 12/5"),
    "a group on the left": ("y[(g, c)] = x[c, g]", (3, 4), (12,)),
    "a bound short of the axis": ("y[i] = x[i] * 2\nwhere i < 3", (5,), (3,)),
    "a bound at the end of the axis": ("y[i] = x[i] * 2\nwhere i <= 4", (5,), (5,)),
    "a bound beyond the axis": ("y[i] = x[i] * 2\nwhere i <= 5", (5,), "has 5 elements, 6 are needed"),
    "an offset beyond the axis": ("y[i] = x[i + 2] * V[i]\nwhere i < 4", (5,), "is read at i \\+ 2"),
    "an offset to the last": ("y[i] = x[i + 2] * V[i]\nwhere i < 3", (5,), (3,)),
    "a bound before what it bounds": ("where i < 3\ny[i] = x[i] * 2\nwhere o < 2\nz[o] = y[o]", (5,), (2,)),
    "an earlier step of a group": (
        "w[g, c] = z[(g, c)] * x[(g, c)]\nz[(g, c)] = w[g, c]\ny[i] = z[i]\nwhere g < 2",
        (4,),
        "read before it is defined",
    ),
    "the same step": ("w[i] = z[i] * x[i]\nz[i] = w[i]\ny[i] = z[i]", (4,), "read before it is defined"),
    "a later step": ("w[i] = z[i + 1] * x[i]\nz[i] = w[i]\ny[i] = z[i]", (4,), (4,)),
    "steps at both sides": ("w[i] = z[i + 1] * z[i - 1] * x[i]\nz[i] = w[i]\ny[i] = z[i]", (4,), "both sides of i"),
    "an earlier step": ("w[i] = z[i - 1] * x[i]\nz[i] = w[i]\ny[i] = z[i]", (4,), (4,)),
    "every second step": ("w[i] = z[2*i - 9] * x[i]\nz[i] = w[i]\ny[i] = z[i]", (4,), "read before it is defined"),
    "no values": ("y[i] = x[i] * 2\nwhere i < 0", (5,), "at least one value"),
    "half a value": ("y[i] = x[i] * 2\nwhere i < 7/2", (5,), "must be an integer, but it is 7/2"),
    "without an end": ("y[i, o] = x[i] * W[o]\nwhere o < inf", (5,), "must be an integer, but it is oo"),
    "a number that is none of values": (
        "y[i, o] = x[i] * W[o]\nwhere o < pi",
        (5,),
        "must be an integer, but it is pi",
    ),
    "two axes of one index": ("y[i] = x[i, i]", (3, 3), (3,)),
    "two axes of one index that differ": ("y[i] = x[i, i]", (3, 4), "must have extent 3"),
    "upsampling": ("z[2*a + u] = x[a] * W[u]\ny[i] = z[i]\nwhere u < 3", (4,), (9,)),
    "a margin": ("z[*j] = pad[2, 1](x[*j])\ny[*i] = z[*i]", (4, 5), (7, 8)),
    "a margin of one axis": ("z[j, f] = pad[j: (2, 1)](x[j, f])\ny[j, f] = z[j, f]", (4, 5), (7, 5)),
    "a crop": ("z[*j] = pad[0 - 2, 1](x[*j])\ny[*i] = z[*i]", (4,), (3,)),
    "a crop of everything": ("z[*j] = pad[0 - 2, 0 - 2](x[*j])\ny[*i] = z[*i]", (4,), "left of a cropped axis"),
    "a target that begins below zero": ("z[i - 1] = x[i]\ny[i] = z[i]", (4,), "must not be negative"),
    "a gap in front": ("z[i + 2] = x[i]\ny[i] = z[i]", (4,), (6,)),
    "bounded twice alike": ("y[o] = W[o] * x[i]\nwhere o < 3, o < 3", (4,), (3,)),
    "bounded twice": ("y[o] = W[o] * x[i]\nwhere o < 3, o < 4", (4,), "bounded twice"),
    "a declared shape": ("y[i] = T[i + 1] * x[i]\nwhere T[9]", (4,), (4,)),
    "a declared shape that is too small": ("y[i] = T[i + 1] * x[i]\nwhere T[4]", (4,), "T has 4 elements"),
    "a declared shape of an index": ("y[i] = T[i] * x[i]\nwhere T[9]", (4,), (4,)),
    "a declared shape of an index that is too small": (
        "y[i] = T[i] * x[i]\nwhere T[3]",
        (4,),
        "has 3 elements, 4 are needed",
    ),
    "a declared shape of another rank": ("y[i] = T[i] * x[i]\nwhere T[4, 4]", (4,), "where gives it 2"),
    "a declared shape of no weight": ("y[i] = T[i] * x[i]\nwhere x[4]", (4,), "is no weight"),
    "a tensor read with too few indices": (
        "z[i, j] = x[i] * x[j]\ny[i] = z[i]",
        (4,),
        "has 2 axes .* and is read at 1",
    ),
}


@pytest.mark.parametrize("what", sorted(EXTENTS))
def test_extents(what: str) -> None:
    text, on, wanted = EXTENTS[what]
    if isinstance(wanted, str):
        with pytest.raises(la.LayerAlgebraError, match=wanted):
            la.output_shape(made(text), on=on)
    else:
        assert la.output_shape(made(text), on=on) == Tuple(*wanted)


@pytest.mark.parametrize("what", sorted(EXTENTS))
def test_extents_at_symbols(what: str) -> None:
    """The formula and its domain against all small sizes."""
    text, on, _ = EXTENTS[what]
    layer = made(text)
    symbols = la.dims(" ".join("HWT"[: len(on)]))
    symbols = symbols if isinstance(symbols, tuple) else (symbols,)
    try:
        derived = la.derive(la.output_shape, layer, on=symbols)
    except la.LayerAlgebraError:
        derived = None
    for sizes in product(range(1, 7), repeat=len(on)):
        values = dict(zip(symbols, sizes))
        try:
            wanted = tuple(la.output_shape(layer, on=sizes))
        except la.LayerAlgebraError:
            assert derived is None or not derived.domain.holds(values), sizes
            continue
        assert derived is not None and derived.domain.holds(values), sizes
        assert derived({symbol: values[symbol] for symbol in derived.symbols}) == wanted


def test_conditions_in_words() -> None:
    """What cannot be decided at symbols is stated, with the relation."""
    H, W, s = la.dims("H W s")
    square = la.derive(la.output_shape, made("y[i] = x[i, i]"), on=(H, W))
    assert [item.condition.relation for item in square.domain] == [Eq(W, H)] or square.domain.relations == [Eq(H, W)]
    grouped = la.derive(la.output_shape, made("y[g, c] = x[(g, c)]\nwhere g < n", n=3), on=(H,))
    assert grouped.domain.relations == [Eq(Mod(H, 3), 0)] and grouped.formula == Tuple(3, H / 3)
    odd = la.derive(la.output_shape, OddStride(s), on=(2, H))
    assert odd.domain.relations == [Ge(H - 3, 0)] and odd(H=12, s=2) == (2, 4)
    for fields in ({"word": "left"}, {"word": True}):
        with pytest.raises(la.EquationError, match="the field word is not a number"):
            la.output_shape(made("y[i] = x[i] * word", **fields), on=(3,))


def test_terms_that_are_left_out_are_zero() -> None:
    x = np.arange(5)
    for text, on, wanted in (
        ("y[i] = x[i] + ((b[i] if on else 0) + (c[i] if on else 0))", False, x),
        ("y[i] = x[i] * ((b[i] if on else 0) + (c[i] if on else 0))", False, 0 * x),
        ("y[i] = x[i] + (b[i] if on else 0)", False, x),
        ("y[i] = (b[i] if on else 0) - x[i]", False, -x),
        ("y[i] = (0 if on else b[i]) + 2 * x[i]", True, 2 * x),
    ):
        layer = made(text, on=on)
        assert (la.run(layer, x) == wanted).all() and la.parameters(layer, on=(5,)) == 0


def test_a_step_that_may_be_zero_determines_nothing() -> None:
    s, H = la.dims("s H")
    text = "y[i] = x[(step - 1)*i + u] * W[u]\nwhere u < 2"
    assert la.output_shape(made(text, step=4), on=(8,)) == Tuple(3)
    for step in (s, 1):
        with pytest.raises(la.EquationError, match="nothing determines the extent of i"):
            la.output_shape(made(text, step=step), on=(H,))


def test_work_adds_up() -> None:
    layer = Involution(2, 3, 2)
    found = work(layer.instance((4, 5, 5)))
    apart = la.flops(layer, on=(4, 5, 5), apart=True)
    assert (
        found.flops == la.flops(layer, on=(4, 5, 5)) == apart.multiplies + apart.adds + apart.other > 2 * found.macs > 0
    )
    assert sum(statement_work(layer.instance((4, 5, 5)), place).flops for place in range(4)) == found.flops


# the enumeration itself ----------------------------------------------------------------------------------------------


def counted_macs(layer: la.Layer, shape: tuple[int, ...]) -> tuple[int, int]:
    """Nominal and effective multiply-accumulates by enumeration."""
    meant = meaning(layer, (shape,))
    return meant.counts().macs, meant.counts(effective=True).macs


@given(half=st.integers(0, 3), size=st.integers(1, 9))
def test_enumeration_knows_a_padded_convolution(half: int, size: int) -> None:
    """A same-padded convolution with k = 2p + 1 < 2H reads H k - p (p + 1) real elements."""
    kernel = 2 * half + 1
    nominal, effective = counted_macs(la.Conv(1, kernel, padding=half, bias=False), (1, size))
    assert nominal == size * kernel
    if kernel < 2 * size:
        assert effective == size * kernel - half * (half + 1)


@given(time=st.integers(1, 5), features=small)
def test_enumeration_knows_causal_attention(time: int, features: int) -> None:
    """Scores and mixing take T (T + 1)/2 pairs in place of T^2; four maps take the rest."""
    nominal, effective = counted_macs(la.MultiHeadAttention(1, causal=True), (time, features))
    maps = 4 * time * features**2
    assert nominal == maps + 2 * time**2 * features
    assert effective == maps + time * (time + 1) * features


WRONG_PAIRS: dict[str, tuple[la.Layer, la.Layer, tuple[int, ...], Callable[[Case], None]]] = {
    # a layer, another one whose meaning is taken for its own, and the check that must notice
    "one channel more": (la.Conv(2, 3), la.Conv(3, 3), (2, 6), check_counts),
    "no bias": (la.Conv(2, 3), la.Conv(2, 3, bias=False), (2, 6), check_counts),
    "padding that counts as work": (la.Conv(2, 3, padding=1), la.Conv(2, 3, padding="causal"), (2, 4), check_counts),
    "a mask that is not there": (la.MultiHeadAttention(1, causal=True), la.MultiHeadAttention(1), (3, 2), check_counts),
    "a wider field": (
        la.MaxPool(2, stride=1),
        la.MaxPool(2, stride=1, padding=0, dilation=2),
        (1, 5),
        check_receptive_field,
    ),
    "another start": (la.MaxPool(3, padding=1, stride=1), la.MaxPool(3, stride=1), (1, 5), check_receptive_field),
    "a maximum in place of a mean": (la.AvgPool(2), la.MaxPool(2), (2, 6), lambda case: check_numbers(case, 1, True)),
    "windows read backwards": (
        Reversed(2),
        la.Conv(1, 2, bias=False),
        (1, 5),
        lambda case: check_numbers(case, 1, True),
    ),
}


@pytest.mark.parametrize("what", sorted(WRONG_PAIRS))
def test_the_checks_notice_what_is_wrong(what: str) -> None:
    layer, other, shape, check = WRONG_PAIRS[what]
    check(Case(layer, (shape,), meaning(layer, (shape,))))
    with pytest.raises((AssertionError, la.LayerAlgebraError)):
        check(Case(layer, (shape,), meaning(other, (shape,))))
