"""Layers that pass, that exchange with their neighbour, or that undo what a join did.

>>> from layeralgebra import proofs
>>> proofs.named("pointwise_conv_after_average")
pointwise_conv_after_average: A 1x1 convolution before averages is one after them, where there are fewer positions.
"""

from __future__ import annotations

from sympy import sympify

from ...algebra.networks.layer import Layer
from ...algebra.sizes.decisions import at_least
from ...layers.activation import Abs, Dropout, Hardtanh, LeakyReLU, ReLU, ReLU6, Sigmoid, StochasticDepth, Tanh
from ...layers.convolution import Conv
from ...layers.linear import Linear
from ...layers.pooling import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from ...layers.reshape import Flatten
from ...layers.slicing import ChannelSlice, FeatureSlice
from ..rules.kernels import changed, each_axis, exact, is_known, is_pointwise, short
from ..rules.rule import Made, drawn, other_layers, other_side, rewriting, wrong

_FLAT: tuple[type[Layer], ...] = (ReLU, ReLU6, Abs, Flatten)
_OTHER = {"twice": other_side("x + x"), "squared": other_side("x * x")}


@rewriting(
    "layer(x) = x",
    drawn(lambda n: ({"layer": Dropout(0.5) if n.drop else StochasticDepth(0.5)}, {"x": (n.c, n.n)}), c=(1, 3), n=(1, 3), drop=(True, False)),
    mutants=_OTHER, cites="Srivastava et al., JMLR 15 (2014), section 4",
)  # fmt: skip
def dropout_passes(layer: Dropout | StochasticDepth):
    """At inference nothing is dropped."""
    return Made()


@rewriting(
    "after(first(x)) = first(x)",
    drawn(lambda n: ({"first": _FLAT[n.f](), "after": _FLAT[n.g]()}, {"x": (n.c, n.n)}), f=(0, 3), g=(0, 3), c=(1, 3), n=(1, 4)),
    mutants={"nothing": other_side("x"), "negative": other_side("after(first(x) + x)")}, cites="folklore",
)  # fmt: skip
def function_that_changes_nothing(first: ReLU | ReLU6 | Abs | Sigmoid | Flatten, after: ReLU | Abs | ReLU6 | Flatten):
    """What is not negative passes through relu and absolute value, what is at most 6 through relu6 too; what is flat stays flat."""
    nonnegative = isinstance(first, (ReLU, ReLU6, Abs, Sigmoid))
    fits = isinstance(after, (ReLU, Abs)) and nonnegative
    capped = isinstance(after, ReLU6) and isinstance(first, (ReLU6, Sigmoid))
    return Made() if fits or capped or isinstance(first, Flatten) and isinstance(after, Flatten) else None


_RISING: tuple[type[Layer], ...] = (ReLU, ReLU6, Hardtanh, Sigmoid, Tanh)


@rewriting(
    "pool(function(x)) = function(pool(x))",
    drawn(
        lambda n: ({"function": _RISING[n.f](), "pool": GlobalMaxPool() if n.whole else MaxPool(n.k, n.s)}, {"x": (n.c, n.k + n.n)}),
        f=(0, 4), c=(1, 2), k=(1, 3), s=(1, 3), n=(0, 4), whole=(True, False),
    ),
    mutants={"function left out": other_side("pool(x)"), "pool twice added": other_side("function(pool(x)) + pool(x)")}, cites="folklore",
)  # fmt: skip
def rising_function_after_maximum(
    function: ReLU | ReLU6 | Hardtanh | Sigmoid | Tanh | LeakyReLU, pool: MaxPool | GlobalMaxPool
):
    """The maximum of a function that never falls is the function of the maximum."""
    if isinstance(function, LeakyReLU) and at_least(function.slope, 0) != True:  # noqa: E712
        return None
    return Made()


@rewriting(
    "pool(conv(x)) = conv(pool(x))",
    drawn(
        lambda n: ({"conv": Conv(n.o, 1, bias=n.bias), "pool": AvgPool(n.k, n.s)}, {"x": (n.c, n.k + n.n, n.k)}),
        o=(1, 3), c=(1, 3), k=(1, 3), s=(1, 3), n=(0, 3), bias=(True, False),
    ),
    mutants={"conv left out": other_side("pool(conv(x) + conv(x))"), "twice": other_side("conv(pool(x)) + conv(pool(x))")}, cites="folklore",
)  # fmt: skip
def pointwise_conv_after_average(conv: Conv, pool: AvgPool, x):
    """A 1x1 convolution before averages is one after them, where there are fewer positions."""
    axes = len(x) - 1
    if not is_pointwise(conv, axes) or pool.ceil_mode:
        return None
    return Made(given=[(p, 0) for p in each_axis(pool.padding, axes)])


@rewriting(
    "pool(conv(x)) = linear(pool(x))",
    drawn(lambda n: ({"conv": Conv(n.o, 1, bias=n.bias), "pool": GlobalAvgPool()}, {"x": (n.c, n.n, 2)}), o=(1, 3), c=(1, 3), n=(1, 3), bias=(True, False)),
    mutants={
        "once more": wrong(lambda linear: {"linear": {"W": linear["W"] * 2 + 1}}),
        "nothing": wrong(lambda linear: {"linear": {"W": linear["W"] * 0 + 1}}),
    },
    cites="Lin, Chen, Yan, ICLR 2014, arXiv 1312.4400, section 3.2",
)  # fmt: skip
def pointwise_conv_after_global_average(conv: Conv, pool: GlobalAvgPool, x):
    """A 1x1 convolution before the mean over all positions is a linear map after it."""
    if not is_pointwise(conv, len(x) - 1) or conv.groups != 1:
        return None

    def weights(conv, pool):
        kernel = exact(conv["W"])
        own = {"b": exact(conv["b"]).reshape(-1)} if "b" in conv else {}
        return {"linear": {"W": kernel.reshape(kernel.shape[1:3]), **own}}

    return Made({"linear": Linear(conv.out_channels, conv.bias)}, weights)


@rewriting(
    "after(first(x)) = both(x)",
    drawn(
        lambda n: ({"first": MaxPool(n.k, n.s), "after": MaxPool(n.l, n.r)}, {"x": (n.c, n.k + n.s * n.l + n.n)}),
        c=(1, 2), k=(1, 3), s=(1, 3), l=(1, 3), r=(1, 3), n=(0, 4),
    ),
    mutants={
        "one longer": other_layers(both=lambda pool: changed(pool, kernel=pool.kernel + 1)),
        "one step more": other_layers(both=lambda pool: changed(pool, stride=pool.stride + 1)),
    },
    rests_on="nested_floor", cites="folklore",
)  # fmt: skip
def max_pool_after_max_pool(first: MaxPool, after: MaxPool, x):
    """Maxima of maxima are maxima over longer windows, where the first leave no gaps."""
    axes = len(x) - 1
    if first.ceil_mode or after.ceil_mode:
        return None
    window, window_after = each_axis(first.kernel, axes), each_axis(after.kernel, axes)
    steps = window if first.stride is None else each_axis(first.stride, axes)
    steps_after = window_after if after.stride is None else each_axis(after.stride, axes)
    given = []
    for k, s, *others in zip(window, steps, each_axis(first.padding, axes), each_axis(after.padding, axes)):
        if not is_known(at_least(sympify(k), s)):
            return None
        given += [(p, 0) for p in others]
    for one in (first, after):
        given += [(d, 1) for d in each_axis(one.dilation, axes)]
    kernel = [k + s * (m - 1) for k, s, m in zip(window, steps, window_after)]
    stride = [s * r for s, r in zip(steps, steps_after)]
    return Made({"both": MaxPool(short(kernel), short(stride))}, given=given)


@rewriting(
    "slice(x | y) = x",
    drawn(
        lambda n: (
            ({"slice": ChannelSlice(0, n.c)}, {"x": (n.c, n.n), "y": (n.d, n.n)}, 0) if n.first
            else ({"slice": FeatureSlice(0, n.c)}, {"x": (n.n, n.c), "y": (n.n, n.d)}, 1)
        ),
        c=(1, 3), d=(1, 3), n=(1, 3), first=(True, False),
    ),
    mutants=_OTHER, cites="folklore",
)  # fmt: skip
def slice_of_concat_first(slice: ChannelSlice | FeatureSlice, x, y, axis):  # noqa: A002  # the name in the statement
    """The part of a concatenation that one branch made is that branch; the other one is not needed."""
    along = 0 if isinstance(slice, ChannelSlice) else len(x) - 1
    size = slice.channels if isinstance(slice, ChannelSlice) else slice.features
    return Made(given=[(slice.start, 0), (size, x[along])]) if axis == along else None


@rewriting(
    "slice(x | y) = y",
    drawn(
        lambda n: (
            ({"slice": ChannelSlice(n.c, n.d)}, {"x": (n.c, n.n), "y": (n.d, n.n)}, 0) if n.first
            else ({"slice": FeatureSlice(n.c, n.d)}, {"x": (n.n, n.c), "y": (n.n, n.d)}, 1)
        ),
        c=(1, 3), d=(1, 3), n=(1, 3), first=(True, False),
    ),
    mutants={"twice": other_side("y + y"), "squared": other_side("y * y")}, cites="folklore",
)  # fmt: skip
def slice_of_concat_second(slice: ChannelSlice | FeatureSlice, x, y, axis):  # noqa: A002
    """The part of a concatenation that the last branch made is that branch; the others are not needed."""
    along = 0 if isinstance(slice, ChannelSlice) else len(x) - 1
    size = slice.channels if isinstance(slice, ChannelSlice) else slice.features
    return Made(given=[(slice.start, x[along]), (size, y[along])]) if axis == along else None


@rewriting(
    "x * z + y * z = (x + y) * z",
    drawn(lambda n: ({}, dict.fromkeys("xyz", (n.c, n.n))), c=(1, 3), n=(1, 3)),
    mutants={"one alone": other_side("x * z"), "added": other_side("x + y + z")}, cites="distributivity",
)  # fmt: skip
def product_over_sum(x, y, z):
    """A factor that two products share is multiplied once."""
    if not len(x) == len(y) == len(z):
        return None
    return Made(given=[pair for other in (y, z) for pair in zip(x, other)])
