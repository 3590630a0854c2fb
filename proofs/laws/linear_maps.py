"""Linear maps one after the other, side by side and of several inputs are one.

>>> from layeralgebra import proofs
>>> proofs.named("linear_after_linear")
linear_after_linear: A linear map after a linear map is one, whose matrix is their product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from sympy import sympify

from ...algebra.sizes.decisions import at_least, equal, whole
from ...layers.convolution import Conv
from ...layers.linear import Linear
from ...layers.normalization import BatchNorm
from ...layers.reshape import Tokens
from ..rules.kernels import (
    bias_of,
    block_diagonal,
    changed,
    common_groups,
    diagonal,
    each_axis,
    embedded,
    exact,
    factor_and_shift,
    is_known,
    is_pointwise,
    margins,
    not_smaller,
    short,
)
from ..rules.rule import Made, drawn, other_layers, rewriting, wrong

_VGG = "Ding, Zhang, Ma, Han, Ding, Sun, CVPR 2021, arXiv 2101.03697, section 3.3"
_SLIPS = {
    "kernel of one left out": wrong(lambda both: {"both": {"W": both["W"] * 2 + 1}}),
    "one more": wrong(lambda both: {"both": {"W": both["W"] + 1}}),
}


# one after the other -----------------------------------------------------------------------------------------------------


@rewriting(
    "after(first(x)) = both(x)",
    drawn(
        lambda n: ({"first": Linear(n.m, n.a), "after": Linear(n.o, n.b)}, {"x": (n.t, n.c)}),
        m=(1, 3), o=(1, 3), c=(1, 3), t=(1, 2), a=(True, False), b=(True, False),
    ),
    mutants={
        "turned": wrong(lambda both: {"both": {"W": both["W"][::-1] + 1}}),
        "bias not carried": wrong(lambda both: {"both": {"W": both["W"] * 2 + 1}}),
    },
    rests_on="two_linear_layers_eq_one_of_rank", cites="folklore",
)  # fmt: skip
def linear_after_linear(first: Linear, after: Linear, x):
    """A linear map after a linear map is one, whose matrix is their product."""

    def weights(first, after):
        outer = exact(after["W"])
        own = {"W": outer @ exact(first["W"])}
        if "b" in first or "b" in after:
            own["b"] = bias_of(after, outer.shape[:1]) + (outer @ exact(first["b"]) if "b" in first else 0)
        return {"both": own}

    def back(both):
        matrix = exact(both["W"])
        out, into = matrix.shape
        inner: dict[str, Any] = {}
        # Through the wider side, on which an identity fits.
        outer_is_one = width >= out
        inner["W"] = numpy.eye(width, into, dtype=int) if not outer_is_one else numpy.zeros((width, into), matrix.dtype)
        if outer_is_one:
            inner["W"][:out] = matrix
            outer = numpy.eye(out, width, dtype=int)
        else:
            outer = numpy.zeros((out, width), matrix.dtype)
            outer[:, :into] = matrix
        last = {"W": outer}
        if first.bias:
            inner["b"] = numpy.zeros(width, int).astype(object)
            if not after.bias:
                inner["b"][:out] = exact(both["b"])
        if after.bias:
            last["b"] = both["b"]
        return {"first": inner, "after": last}

    between = sympify(first.out_features)
    wide = (
        is_known(at_least(between, after.out_features))
        or is_known(at_least(between, x[-1]))
        and (after.bias or not first.bias)
    )
    width = int(between) if between.is_Integer else 0
    return Made({"both": changed(after, bias=first.bias or after.bias)}, weights, back if wide and width else None)


@rewriting(
    "after(first(x)) = both(x)",
    drawn(
        lambda n: (
            {
                "first": Conv(n.m, n.k, stride=n.s, padding=n.p, bias=n.a),
                "after": Conv(n.o, n.l, stride=n.r, padding=0 if n.l > 1 else n.q, bias=n.b),
            },
            {"x": (n.c, n.k + n.s * n.l + n.n, 5)},
        ),
        m=(1, 2), o=(1, 2), c=(1, 2), k=(1, 3), l=(1, 2), s=(1, 2), r=(1, 2), p=(0, 1), q=(0, 0), n=(0, 2),
        a=(True, False), b=(True, False),
    ),
    mutants={
        "kernel one shorter in stride": other_layers(both=lambda conv: changed(conv, padding=1 + short(each_axis(conv.padding, 2)))),
        "one more": wrong(lambda both: {"both": {"W": both["W"] + 1}}),
    },
    cites="folklore",
)  # fmt: skip
def conv_after_conv(first: Conv, after: Conv, x):
    """A convolution of a convolution, without padding between them, is one whose kernel is the composition of theirs."""
    axes = len(x) - 1
    if first.groups != 1 or after.groups != 1:
        return None
    steps, steps_after = each_axis(first.stride, axes), each_axis(after.stride, axes)
    window, window_after = each_axis(first.kernel, axes), each_axis(after.kernel, axes)
    apart, apart_after = each_axis(first.dilation, axes), each_axis(after.dilation, axes)
    before, before_after = margins(first, axes), margins(after, axes)
    strides = [s * r for s, r in zip(steps, steps_after)]
    kernel, dilation, padding, given = [], [], [], []
    for k, m, s, d, e, p, q in zip(window, window_after, steps, apart, apart_after, before, before_after):
        if k == 1 and s == 1 and p == 0 and not first.bias:
            # What is padded between them is what would come of padding the input.
            kernel.append(m)
            dilation.append(e)
            padding.append(q)
        elif m == 1:
            kernel.append(k)
            dilation.append(d)
            padding.append(p)
            given.append((q, 0))
        elif k == 1:
            kernel.append(m)
            dilation.append(s * e)
            padding.append(p)
            given.append((q, 0))
        elif equal(d, s * e) == True:  # noqa: E712  # SymPy's truth
            kernel.append(k + m - 1)
            dilation.append(d)
            padding.append(p)
            given.append((q, 0))
        elif d == 1:
            kernel.append(s * e * (m - 1) + k)
            dilation.append(d)
            padding.append(p)
            given.append((q, 0))
        else:
            return None
    every = [sympify(one) for one in kernel]

    def weights(first, after):
        inner, outer = exact(first["W"])[0], exact(after["W"])[0]
        size = [
            _places(inner.shape[2 + i], outer.shape[2 + i], steps[i], apart[i], apart_after[i]) for i in range(axes)
        ]
        made = numpy.zeros(
            (outer.shape[0], inner.shape[1], *(one[0] for one in size)),
            object if object in (inner.dtype, outer.dtype) else float,
        )
        for place in numpy.ndindex(*outer.shape[2:]):
            part = numpy.tensordot(outer[(slice(None), slice(None), *place)], inner, axes=(1, 0))
            where = tuple(
                slice(one[1] * u, one[1] * u + one[2] * (k - 1) + 1, one[2])
                for one, u, k in zip(size, place, inner.shape[2:])
            )
            made[(slice(None), slice(None), *where)] += part
        own = {"W": made[None]}
        if "b" in first or "b" in after:
            whole = outer.reshape(*outer.shape[:2], -1).sum(axis=2)
            own["b"] = bias_of(after, (1, outer.shape[0])) + (whole @ exact(first["b"])[0] if "b" in first else 0)
        return {"both": own}

    both = Conv(
        after.out_channels, short(every), stride=short(strides), padding=short(padding), dilation=short(dilation),
        bias=first.bias or after.bias,
    )  # fmt: skip
    return Made({"both": both}, weights, given=given)


def _places(k: int, m: int, step: Any, apart: Any, apart_after: Any) -> tuple[int, int, int]:
    """Elements of the composed kernel, and how far apart in it those of the outer and of the inner kernel stand."""
    if m == 1:
        return k, 0, 1
    if k == 1:
        return m, 1, 1
    far = int(step) * int(apart_after)
    if far == int(apart):
        return k + m - 1, 1, 1
    return far * (m - 1) + k, far, 1


@rewriting(
    "tokens(conv(x)) = linear(tokens(x))",
    drawn(lambda n: ({"conv": Conv(n.o, 1, bias=n.bias), "tokens": Tokens()}, {"x": (n.c, n.n, 2)}), o=(1, 3), c=(1, 3), n=(1, 3), bias=(True, False)),
    mutants={
        "once more": wrong(lambda linear: {"linear": {"W": linear["W"] * 2 + 1}}),
        "a row less": wrong(lambda linear: {"linear": {"W": linear["W"] * 0 + 1}}),
    },
    cites="Lin, Chen, Yan, ICLR 2014, arXiv 1312.4400, section 3.1",
)  # fmt: skip
def pointwise_conv_is_linear(conv: Conv, tokens: Tokens, x):
    """A 1x1 convolution is a linear map at each position."""
    if not is_pointwise(conv, len(x) - 1) or conv.groups != 1:
        return None

    def weights(conv, tokens):
        kernel = exact(conv["W"])
        own = {"b": exact(conv["b"]).reshape(-1)} if "b" in conv else {}
        return {"linear": {"W": kernel.reshape(kernel.shape[1:3]), **own}}

    return Made({"linear": Linear(conv.out_channels, conv.bias)}, weights)


# side by side: sums ------------------------------------------------------------------------------------------------------


@rewriting(
    "first(x) + second(x) = both(x)",
    drawn(
        lambda n: ({"first": Linear(n.o, n.a), "second": Linear(n.o, n.b)}, {"x": (n.t, n.c)}),
        o=(1, 3), c=(1, 3), t=(1, 2), a=(True, False), b=(True, False),
    ),
    mutants=_SLIPS, cites="folklore",
)  # fmt: skip
def sum_of_linear(first: Linear, second: Linear):
    """A sum of linear maps of one input is one, whose matrix is the sum of theirs."""
    if equal(first.out_features, second.out_features) != True:  # noqa: E712
        return None

    def weights(first, second):
        matrix = exact(first["W"]) + exact(second["W"])
        biased = "b" in first or "b" in second
        own = {"b": bias_of(first, matrix.shape[:1]) + bias_of(second, matrix.shape[:1])} if biased else {}
        return {"both": {"W": matrix, **own}}

    def back(both):
        none = {name: 0 * exact(array) for name, array in both.items()}
        return {
            "first": _kept(both, first),
            "second": _kept(none, second) if first.bias or not second.bias else {**none, "b": both["b"]},
        }

    return Made({"both": changed(first, bias=first.bias or second.bias)}, weights, back)


def _kept(arrays: Mapping[str, Any], layer: Any) -> dict[str, Any]:
    return {name: array for name, array in arrays.items() if name != "b" or layer.bias}


@rewriting(
    "linear(x) + x = both(x)",
    drawn(lambda n: ({"linear": Linear(n.c, n.a)}, {"x": (n.t, n.c)}), c=(1, 3), t=(1, 2), a=(True, False)),
    mutants=_SLIPS, cites="folklore",
)  # fmt: skip
def linear_plus_identity(linear: Linear, x):
    """A linear map plus its input is one, with ones added on the diagonal."""

    def weights(linear):
        return {"both": {**linear, "W": exact(linear["W"]) + numpy.eye(len(linear["W"]), dtype=int)}}

    def back(both):
        return {"linear": {**both, "W": exact(both["W"]) - numpy.eye(len(both["W"]), dtype=int)}}

    return Made({"both": linear}, weights, back, given=[(linear.out_features, x[-1])])


def _parallel_convs(n):
    middle = n.k if n.l > n.k else n.l
    outer = n.l if n.l > n.k else n.k
    padding = n.d * (outer - 1) // 2
    small = n.d * (middle - 1) // 2
    groups = 2 if n.grouped else 1
    first = Conv(2 * n.o, outer, stride=n.s, padding=padding, dilation=n.d, bias=n.a)
    second = Conv(2 * n.o, middle, stride=n.s, padding=small, dilation=n.d, groups=groups, bias=n.b)
    return {"first": first, "second": second}, {"x": (2 * n.c, n.n + 2, 4)}


@rewriting(
    "first(x) + second(x) = both(x)",
    drawn(
        _parallel_convs, o=(1, 2), c=(1, 2), k=(1, 3, 5), l=(1, 3, 5), s=(1, 2), d=(1, 2), n=(1, 3),
        a=(True, False), b=(True, False), grouped=(True, False),
    ),
    mutants=_SLIPS, cites=_VGG,
)  # fmt: skip
def sum_of_convs(first: Conv, second: Conv, x):
    """A sum of convolutions of one input whose windows have one centre is one: the smaller kernel stands amid the larger one."""
    axes = len(x) - 1
    if each_axis(first.stride, axes) != each_axis(second.stride, axes):
        return None
    if equal(first.out_channels, second.out_channels) != True:  # noqa: E712
        return None
    windows = each_axis(first.kernel, axes), each_axis(second.kernel, axes)
    if not not_smaller(*windows):
        return None  # the law speaks of them the other way round
    apart, apart_second = each_axis(first.dilation, axes), each_axis(second.dilation, axes)
    groups = common_groups(first.groups, second.groups)
    given = []
    for k, m, d, e, p, q in zip(*windows, apart, apart_second, margins(first, axes), margins(second, axes)):
        if m != 1 and d != e or not is_known(whole((k - m) / 2)):
            return None
        given.append((2 * p - d * (k - 1), 2 * q - (0 if m == 1 else d * (m - 1))))

    def weights(first, second):
        large, small = block_diagonal(first["W"], int(groups)), block_diagonal(second["W"], int(groups))
        kernel = large + embedded(small, large.shape[3:])
        biased = "b" in first or "b" in second
        shape = kernel.shape[:2]
        own = {"b": bias_of(first, shape) + bias_of(second, shape)} if biased else {}
        return {"both": {"W": kernel, **own}}

    def back(both):
        none = exact(
            numpy.zeros(
                (
                    int(second.groups),
                    int(second.out_channels / second.groups),
                    int(x[0] / second.groups),
                    *map(int, windows[1]),
                ),
                int,
            )
        )
        other = {
            "W": none,
            **({"b": exact(both["b"]).reshape(none.shape[:2]) * (0 if first.bias else 1)} if second.bias else {}),
        }
        return {"first": _kept(both, first), "second": other}

    same_class = groups == first.groups and all(
        one.is_Integer for one in (*windows[1], x[0], second.groups, second.out_channels)
    )
    return Made(
        {"both": changed(first, bias=first.bias or second.bias, groups=groups)},
        weights,
        back if same_class else None,
        given,
    )


def _keeps_sizes(conv: Conv, x: Any) -> list[tuple[Any, Any]] | None:
    """What must be equal for a convolution to leave all sizes as they are and to have a middle; None if it cannot."""
    axes = len(x) - 1
    if any(s != 1 for s in each_axis(conv.stride, axes)):
        return None
    window, apart = each_axis(conv.kernel, axes), each_axis(conv.dilation, axes)
    if not all(is_known(whole((k - 1) / 2)) for k in window):
        return None
    return [(conv.out_channels, x[0]), *((2 * p, d * (k - 1)) for p, d, k in zip(margins(conv, axes), apart, window))]


def _keeping(n):
    return Conv(n.g * n.c, n.k, padding=n.d * (n.k - 1) // 2, dilation=n.d, groups=n.g, bias=n.bias), {
        "x": (n.g * n.c, n.n, 3)
    }


@rewriting(
    "conv(x) + x = both(x)",
    drawn(
        lambda n: ({"conv": _keeping(n)[0]}, _keeping(n)[1]),
        c=(1, 2), g=(1, 2), k=(1, 3, 5), d=(1, 2), n=(1, 4), bias=(True, False),
    ),
    mutants=_SLIPS, cites=_VGG,
)  # fmt: skip
def conv_plus_identity(conv: Conv, x):
    """A convolution plus its input is one, with ones added in the middle of the kernel."""
    given = _keeps_sizes(conv, x)
    if given is None:
        return None

    def weights(conv):
        kernel = exact(conv["W"])
        return {"both": {**conv, "W": kernel + diagonal(numpy.ones(kernel.shape[:2], int), kernel.shape)}}

    def back(both):
        kernel = exact(both["W"])
        return {"conv": {**both, "W": kernel - diagonal(numpy.ones(kernel.shape[:2], int), kernel.shape)}}

    return Made({"both": conv}, weights, back, given)


@rewriting(
    "conv(x) + norm(x) = both(x)",
    drawn(
        lambda n: ({"conv": _keeping(n)[0], "norm": BatchNorm()}, _keeping(n)[1]),
        c=(1, 2), g=(1, 2), k=(1, 3, 5), d=(1, 2), n=(1, 4), bias=(True, False),
    ),
    mutants=_SLIPS, cites=_VGG,
)  # fmt: skip
def conv_plus_batch_norm(conv: Conv, norm: BatchNorm, x):
    """A convolution plus a batch norm of its input is one, with the factors added in the middle of the kernel."""
    given = _keeps_sizes(conv, x)
    if given is None:
        return None

    def weights(conv, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        kernel = exact(conv["W"])
        return {
            "both": {
                "W": kernel + diagonal(scale, kernel.shape),
                "b": bias_of(conv, kernel.shape[:2]) + shift.reshape(kernel.shape[:2]),
            }
        }

    epsilon = norm.epsilon
    return Made({"both": changed(conv, bias=True)}, weights, given=given)


# side by side: concatenations --------------------------------------------------------------------------------------------


@rewriting(
    "first(x) | second(x) = both(x)",
    drawn(
        lambda n: ({"first": Linear(n.o, n.a), "second": Linear(n.p, n.b)}, {"x": (n.t, n.c)}, 1),
        o=(1, 3), p=(1, 3), c=(1, 3), t=(1, 2), a=(True, False), b=(True, False),
    ),
    mutants={**_SLIPS, "exchanged": wrong(lambda both: {"both": {"W": both["W"][::-1] + 1}})}, cites="folklore",
)  # fmt: skip
def concat_of_linear(first: Linear, second: Linear, x, axis):
    """Concatenated linear maps of one input are one, whose rows are all of theirs."""
    if axis != len(x) - 1:
        return None

    def weights(first, second):
        matrices = [exact(first["W"]), exact(second["W"])]
        biased = "b" in first or "b" in second
        own = (
            {"b": numpy.concatenate([bias_of(o, m.shape[:1]) for o, m in zip((first, second), matrices)])}
            if biased
            else {}
        )
        return {"both": {"W": numpy.concatenate(matrices), **own}}

    rows = sympify(first.out_features)

    def back(both):
        parts = {"first": slice(None, int(rows)), "second": slice(int(rows), None)}
        return {name: {tensor: array[part] for tensor, array in both.items()} for name, part in parts.items()}

    same = first.bias == second.bias and rows.is_Integer
    return Made(
        {"both": Linear(rows + second.out_features, first.bias or second.bias)}, weights, back if same else None
    )


@rewriting(
    "first(x) | second(x) = both(x)",
    drawn(
        lambda n: (
            {"first": Conv(n.o, n.k, stride=n.s, padding=n.p, bias=n.a), "second": Conv(n.q, n.k, stride=n.s, padding=n.p, bias=n.b)},
            {"x": (n.c, n.k + n.n, 3)},
            0,
        ),
        o=(1, 2), q=(1, 2), c=(1, 2), k=(1, 3), s=(1, 2), p=(0, 1), n=(0, 2), a=(True, False), b=(True, False),
    ),
    mutants=_SLIPS, cites="folklore",
)  # fmt: skip
def concat_of_convs(first: Conv, second: Conv, x, axis):
    """Concatenated convolutions of one input with the same windows are one, with the channels of both."""
    axes = len(x) - 1
    if axis != 0 or first.groups != 1 or second.groups != 1:
        return None
    if any(
        each_axis(getattr(first, name), axes) != each_axis(getattr(second, name), axes)
        for name in ("kernel", "stride", "dilation")
    ):
        return None
    given = list(zip(margins(first, axes), margins(second, axes)))

    def weights(first, second):
        kernels = [exact(first["W"]), exact(second["W"])]
        biased = "b" in first or "b" in second
        own = (
            {"b": numpy.concatenate([bias_of(o, k.shape[:2]) for o, k in zip((first, second), kernels)], axis=1)}
            if biased
            else {}
        )
        return {"both": {"W": numpy.concatenate(kernels, axis=1), **own}}

    channels = sympify(first.out_channels)

    def back(both):
        parts = {"first": slice(None, int(channels)), "second": slice(int(channels), None)}
        return {name: {tensor: array[:, part] for tensor, array in both.items()} for name, part in parts.items()}

    same = first.bias == second.bias and channels.is_Integer
    both = changed(first, out_channels=channels + second.out_channels, bias=first.bias or second.bias)
    return Made({"both": both}, weights, back if same else None, given)


# of several inputs -------------------------------------------------------------------------------------------------------


@rewriting(
    "map(x) + map(y) = map(x + y)",
    drawn(
        lambda n: ({"map": Conv(n.o, n.k, bias=False) if n.conv else Linear(n.o, False)}, dict.fromkeys("xy", (n.c, n.k + n.n))),
        o=(1, 3), c=(1, 3), k=(1, 3), n=(0, 2), conv=(True, False),
    ),
    mutants={"one alone": lambda made: _side("map(x)", made), "twice": lambda made: _side("map(x + x)", made)},
    cites="linearity",
)  # fmt: skip
def linear_maps_distribute(map: Conv | Linear, x, y):  # noqa: A002  # the name in the statement
    """A linear map without a bias of each of two inputs, added, is that map of their sum."""
    if map.bias or len(x) != len(y):
        return None
    return Made(given=list(zip(x, y)))


def _side(text: str, made: Made) -> Made:
    from ..rules.rule import other_side

    return other_side(text)(made)


@rewriting(
    "first(x) + second(y) = both(x | y)",
    drawn(
        lambda n: ({"first": Linear(n.o, n.a), "second": Linear(n.o, n.b)}, {"x": (n.t, n.c), "y": (n.t, n.d)}, 1),
        o=(1, 3), c=(1, 3), d=(1, 3), t=(1, 2), a=(True, False), b=(True, False),
    ),
    mutants=_SLIPS, cites="folklore",
)  # fmt: skip
def sum_of_linear_of_two(first: Linear, second: Linear, x, y):
    """A sum of linear maps of two inputs is one of their concatenation, with the columns of both."""
    if len(x) != len(y) or len(x) != 1 and any(equal(a, b) != True for a, b in zip(x[:-1], y[:-1])):  # noqa: E712
        return None

    def weights(first, second):
        matrices = [exact(first["W"]), exact(second["W"])]
        biased = "b" in first or "b" in second
        own = {"b": sum(bias_of(o, m.shape[:1]) for o, m in zip((first, second), matrices))} if biased else {}
        return {"both": {"W": numpy.concatenate(matrices, axis=1), **own}}

    return Made({"both": changed(first, bias=first.bias or second.bias)}, weights)
