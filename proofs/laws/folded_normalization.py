"""Normalisations with known statistics, and factors, become part of the linear map beside them.

>>> from layeralgebra import proofs
>>> proofs.named("batch_norm_after_conv")
batch_norm_after_conv: A batch norm after a convolution scales its kernel and shifts its bias.
"""

from __future__ import annotations

import numpy

from ...layers.convolution import Conv, ConvTranspose
from ...layers.linear import Linear
from ...layers.normalization import BatchNorm, LayerNorm, RMSNorm
from ...layers.scaling import ChannelScale, FeatureScale
from ..rules.kernels import along_first, bias_of, changed, exact, factor_and_shift, margins, plain_statistics
from ..rules.rule import Made, drawn, other_layers, rewriting, wrong

_SCALES = (ChannelScale, FeatureScale)
_CITES = "Jacob et al., CVPR 2018, arXiv 1712.05877, section 3.2"
_CONV = drawn(
    lambda n: (
        {"conv": Conv(n.g * n.o, n.k, stride=n.s, padding=n.p, groups=n.g, bias=n.bias), "norm": BatchNorm(affine=n.affine)},
        {"x": (n.g * n.c, n.n + n.k, n.k)},
    ),
    g=(1, 2), o=(1, 2), c=(1, 2), k=(1, 3), s=(1, 2), p=(0, 1), n=(0, 3), bias=(True, False), affine=(True, False),
)  # fmt: skip


@rewriting(
    "norm(conv(x)) = folded(x)", _CONV,
    mutants={
        "kernel not scaled": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "bias forgotten": wrong(lambda folded: {"folded": {"b": folded["b"] * 0 + 1}}),
    },
    cites=_CITES,
)  # fmt: skip
def batch_norm_after_conv(conv: Conv, norm: BatchNorm):
    """A batch norm after a convolution scales its kernel and shifts its bias."""

    def weights(conv, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        kernel = numpy.asarray(conv["W"], float)
        scale, shift = scale.reshape(kernel.shape[:2]), shift.reshape(kernel.shape[:2])
        return {
            "folded": {"W": kernel * along_first(scale, kernel.ndim), "b": bias_of(conv, shift.shape) * scale + shift}
        }

    def back(folded):
        kernel, bias = exact(folded["W"]), exact(folded["b"])
        channels = plain_statistics(bias.size, epsilon, affine)
        if affine:
            channels["b"] = bias.reshape(-1)
        else:
            channels["m"] = -bias.reshape(-1)
        return {"conv": {"W": kernel, **({"b": 0 * bias} if had_bias else {})}, "norm": channels}

    epsilon, affine, had_bias = norm.epsilon, norm.affine, conv.bias
    return Made({"folded": changed(conv, bias=True)}, weights, back)


@rewriting(
    "conv(norm(x)) = folded(x)",
    drawn(
        lambda n: (
            {"conv": Conv(n.g * n.o, n.k, stride=n.s, groups=n.g, bias=n.bias), "norm": BatchNorm()},
            {"x": (n.g * n.c, n.n + n.k, n.k)},
        ),
        g=(1, 2), o=(1, 2), c=(1, 2), k=(1, 3), s=(1, 2), n=(0, 3), bias=(True, False),
    ),
    mutants={
        "padded": other_layers(folded=lambda conv: changed(conv, padding=1)),
        "shift left out": wrong(lambda folded: {"folded": {"b": folded["b"] * 0 + 1}}),
    },
    cites=_CITES,
)  # fmt: skip
def batch_norm_before_conv(conv: Conv, norm: BatchNorm, x):
    """A batch norm before a convolution scales its kernel and adds to its bias; without padding, whose zeros it does not shift."""

    def weights(conv, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        kernel = numpy.asarray(conv["W"], float)
        groups, out, into = kernel.shape[:3]
        inner = (groups, 1, into) + (1,) * (kernel.ndim - 3)
        added = (kernel * shift.reshape(inner)).reshape(groups, out, -1).sum(axis=2)
        return {"folded": {"W": kernel * scale.reshape(inner), "b": bias_of(conv, (groups, out)) + added}}

    epsilon = norm.epsilon
    return Made({"folded": changed(conv, bias=True)}, weights, given=[(p, 0) for p in margins(conv, len(x) - 1)])


@rewriting(
    "norm(conv(x)) = folded(x)",
    drawn(
        lambda n: (
            {"conv": ConvTranspose(n.g * n.o, n.k, stride=n.s, groups=n.g, bias=n.bias), "norm": BatchNorm()},
            {"x": (n.g * n.c, n.n, 1)},
        ),
        g=(1, 2), o=(1, 2), c=(1, 2), k=(1, 3), s=(1, 2), n=(1, 3), bias=(True, False),
    ),
    mutants={
        "kernel not scaled": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "bias forgotten": wrong(lambda folded: {"folded": {"b": folded["b"] * 0 + 1}}),
    },
    cites=_CITES,
)  # fmt: skip
def batch_norm_after_transposed_conv(conv: ConvTranspose, norm: BatchNorm):
    """A batch norm after a transposed convolution scales its kernel and shifts its bias."""

    def weights(conv, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        kernel = numpy.asarray(conv["W"], float)
        groups, _, out = kernel.shape[:3]
        outer = (groups, 1, out) + (1,) * (kernel.ndim - 3)
        return {"folded": {"W": kernel * scale.reshape(outer), "b": bias_of(conv, shift.shape) * scale + shift}}

    epsilon = norm.epsilon
    return Made({"folded": changed(conv, bias=True)}, weights)


@rewriting(
    "norm(linear(x)) = folded(x)",
    drawn(
        lambda n: ({"linear": Linear(n.o, n.bias), "norm": BatchNorm()}, {"x": (n.c,)}),
        o=(1, 3),
        c=(1, 3),
        bias=(True, False),
    ),
    mutants={
        "matrix not scaled": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "bias forgotten": wrong(lambda folded: {"folded": {"b": folded["b"] * 0 + 1}}),
    },
    cites=_CITES,
)
def batch_norm_after_linear(linear: Linear, norm: BatchNorm, x):
    """A batch norm after a linear map of one vector scales its rows and shifts its bias."""
    if len(x) != 1:
        return None

    def weights(linear, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        return {
            "folded": {
                "W": numpy.asarray(linear["W"], float) * scale[:, None],
                "b": bias_of(linear, shift.shape) * scale + shift,
            }
        }

    epsilon = norm.epsilon
    return Made({"folded": changed(linear, bias=True)}, weights)


@rewriting(
    "linear(norm(x)) = folded(x)",
    drawn(
        lambda n: ({"linear": Linear(n.o, n.bias), "norm": BatchNorm()}, {"x": (n.c,)}),
        o=(1, 3),
        c=(1, 3),
        bias=(True, False),
    ),
    mutants={
        "matrix not scaled": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "shift left out": wrong(lambda folded: {"folded": {"b": folded["b"] * 0 + 1}}),
    },
    cites=_CITES,
)
def batch_norm_before_linear(linear: Linear, norm: BatchNorm, x):
    """A batch norm before a linear map of one vector scales its columns and adds to its bias."""
    if len(x) != 1:
        return None

    def weights(linear, norm):
        scale, shift = factor_and_shift(norm, epsilon)
        matrix = numpy.asarray(linear["W"], float)
        return {"folded": {"W": matrix * scale, "b": bias_of(linear, matrix.shape[:1]) + matrix @ shift}}

    epsilon = norm.epsilon
    return Made({"folded": changed(linear, bias=True)}, weights)


@rewriting(
    "after(first(x)) = both(x)",
    drawn(
        lambda n: ({"first": BatchNorm(affine=n.a), "after": BatchNorm(affine=n.b)}, {"x": (n.c, n.n)}),
        c=(1, 3), n=(1, 3), a=(True, False), b=(True, False),
    ),
    mutants={
        "factor of one": wrong(lambda both: {"both": {"g": both["g"] * 2}}),
        "shift of one": wrong(lambda both: {"both": {"b": both["b"] + 1}}),
    },
    cites="folklore",
)  # fmt: skip
def batch_norm_after_batch_norm(first: BatchNorm, after: BatchNorm):
    """Two batch norms are one, whose factor is the product of theirs."""

    def weights(first, after):
        (scale, shift), (scale_after, shift_after) = (
            factor_and_shift(first, epsilon),
            factor_and_shift(after, epsilon_after),
        )
        plain = plain_statistics(scale.size, epsilon, True)
        return {"both": {**plain, "g": scale * scale_after, "b": shift * scale_after + shift_after}}

    epsilon, epsilon_after = first.epsilon, after.epsilon
    return Made({"both": changed(first, affine=True)}, weights)


@rewriting(
    "norm(x) + x = both(x)",
    drawn(lambda n: ({"norm": BatchNorm(affine=n.a)}, {"x": (n.c, n.n)}), c=(1, 3), n=(1, 3), a=(True, False)),
    mutants={
        "identity left out": wrong(lambda both: {"both": {"g": both["g"] - 1}}),
        "shift of one": wrong(lambda both: {"both": {"b": both["b"] + 1}}),
    },
    cites="folklore",
)
def batch_norm_plus_identity(norm: BatchNorm):
    """A batch norm plus its input is a batch norm whose factor is larger by one."""

    def weights(norm):
        scale, shift = factor_and_shift(norm, epsilon)
        return {"both": {**plain_statistics(scale.size, epsilon, True), "g": scale + 1, "b": shift}}

    epsilon = norm.epsilon
    return Made({"both": changed(norm, affine=True)}, weights)


@rewriting(
    "first(x) + second(x) = both(x)",
    drawn(
        lambda n: ({"first": BatchNorm(affine=n.a), "second": BatchNorm(affine=n.b)}, {"x": (n.c, n.n)}),
        c=(1, 3), n=(1, 3), a=(True, False), b=(True, False),
    ),
    mutants={
        "one left out": wrong(lambda both: {"both": {"g": both["g"] - 1}}),
        "shift of one": wrong(lambda both: {"both": {"b": both["b"] + 1}}),
    },
    cites="folklore",
)  # fmt: skip
def batch_norm_plus_batch_norm(first: BatchNorm, second: BatchNorm):
    """A sum of batch norms of one input is one, whose factor is the sum of theirs."""

    def weights(first, second):
        (scale, shift), (scale_too, shift_too) = factor_and_shift(first, epsilon), factor_and_shift(second, epsilon_too)
        return {"both": {**plain_statistics(scale.size, epsilon, True), "g": scale + scale_too, "b": shift + shift_too}}

    epsilon, epsilon_too = first.epsilon, second.epsilon
    return Made({"both": changed(first, affine=True)}, weights)


# factors -----------------------------------------------------------------------------------------------------------------


@rewriting(
    "scale(conv(x)) = folded(x)",
    drawn(
        lambda n: ({"conv": Conv(n.o, n.k, bias=n.bias), "scale": ChannelScale()}, {"x": (n.c, n.k + n.n)}),
        o=(1, 3), c=(1, 3), k=(1, 3), n=(0, 3), bias=(True, False),
    ),
    mutants={
        "once more": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "turned": wrong(lambda folded: {"folded": {"W": folded["W"][..., ::-1] + 1}}),
    },
    cites="folklore",
)  # fmt: skip
def channel_scale_after_conv(conv: Conv, scale: ChannelScale):
    """A factor for each channel after a convolution scales its kernel and its bias."""

    def weights(conv, scale):
        kernel = exact(conv["W"])
        factor = exact(scale["s"]).reshape(kernel.shape[:2])
        own = {"b": exact(conv["b"]) * factor} if "b" in conv else {}
        return {"folded": {"W": kernel * along_first(factor, kernel.ndim), **own}}

    def back(folded):
        return {"conv": dict(folded), "scale": {"s": numpy.ones(folded["W"].shape[0] * folded["W"].shape[1], int)}}

    return Made({"folded": conv}, weights, back)


@rewriting(
    "after(first(x)) = both(x)",
    drawn(
        lambda n: ({"first": _SCALES[n.f](), "after": _SCALES[n.f]()}, {"x": (n.c, n.c)}),
        c=(1, 3), f=(0, 1),
    ),
    mutants={
        "one left out": wrong(lambda both: {"both": {"s": both["s"] * 2 + 1}}),
        "one more": wrong(lambda both: {"both": {"s": both["s"] + 1}}),
    },
    cites="associativity",
)  # fmt: skip
def scale_after_scale(first: ChannelScale | FeatureScale, after: ChannelScale | FeatureScale):
    """Two factors for each channel, or for each feature, are one."""
    if type(first) is not type(after):
        return None

    def weights(first, after):
        return {"both": {"s": exact(first["s"]) * exact(after["s"])}}

    def back(both):
        return {"first": dict(both), "after": {"s": numpy.ones(len(both["s"]), int)}}

    return Made({"both": first}, weights, back)


@rewriting(
    "scale(linear(x)) = folded(x)",
    drawn(
        lambda n: ({"linear": Linear(n.o, n.bias), "scale": FeatureScale()}, {"x": (n.t, n.c)}),
        o=(1, 3), c=(1, 3), t=(1, 3), bias=(True, False),
    ),
    mutants={
        "once more": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "one more": wrong(lambda folded: {"folded": {"W": folded["W"] + 1}}),
    },
    cites="Touvron et al., ICCV 2021, arXiv 2103.17239, section 2.2 (LayerScale)",
)  # fmt: skip
def feature_scale_after_linear(linear: Linear, scale: FeatureScale):
    """A factor for each feature after a linear map scales its rows and its bias."""

    def weights(linear, scale):
        factor = exact(scale["s"])
        own = {"b": exact(linear["b"]) * factor} if "b" in linear else {}
        return {"folded": {"W": exact(linear["W"]) * factor[:, None], **own}}

    def back(folded):
        return {"linear": dict(folded), "scale": {"s": numpy.ones(len(folded["W"]), int)}}

    return Made({"folded": linear}, weights, back)


@rewriting(
    "linear(scale(x)) = folded(x)",
    drawn(
        lambda n: ({"linear": Linear(n.o, n.bias), "scale": FeatureScale()}, {"x": (n.t, n.c)}),
        o=(1, 3), c=(1, 3), t=(1, 3), bias=(True, False),
    ),
    mutants={
        "once more": wrong(lambda folded: {"folded": {"W": folded["W"] * 2}}),
        "one more": wrong(lambda folded: {"folded": {"W": folded["W"] + 1}}),
    },
    cites="folklore",
)  # fmt: skip
def feature_scale_before_linear(linear: Linear, scale: FeatureScale):
    """A factor for each feature before a linear map scales its columns."""

    def weights(linear, scale):
        return {"folded": {**linear, "W": exact(linear["W"]) * exact(scale["s"])}}

    def back(folded):
        return {"linear": dict(folded), "scale": {"s": numpy.ones(folded["W"].shape[1], int)}}

    return Made({"folded": linear}, weights, back)


@rewriting(
    "linear(norm(x)) = folded(plain(x))",
    drawn(
        lambda n: ({"linear": Linear(n.o, n.bias), "norm": LayerNorm(bias=n.shift) if n.layer else RMSNorm()}, {"x": (n.t, n.c)}),
        o=(1, 3), c=(1, 3), t=(1, 3), bias=(True, False), layer=(True, False), shift=(True, False),
    ),
    mutants={
        "once more": wrong(lambda folded: {"folded": {"W": folded["W"] * 2 + 1}}),
        "not normalised": other_layers(plain=lambda norm: changed(norm, epsilon=norm.epsilon + 3)),
    },
    cites="Ashkboos et al., ICLR 2024, arXiv 2401.15024, section 3.1",
)  # fmt: skip
def normalization_factors_into_linear(linear: Linear, norm: LayerNorm | RMSNorm):
    """The learned factor and shift of a normalisation before a linear map become part of the map."""
    if not norm.affine:
        return None
    shifts = isinstance(norm, LayerNorm) and norm.bias

    def weights(linear, norm):
        matrix = exact(linear["W"])
        bias = bias_of(linear, matrix.shape[:1]) + (matrix @ exact(norm["b"]) if shifts else 0)
        own = {"b": bias} if shifts or "b" in linear else {}
        return {"folded": {"W": matrix * exact(norm["g"]), **own}, "plain": {}}

    plain = changed(norm, affine=False)
    return Made({"folded": changed(linear, bias=linear.bias or shifts), "plain": plain}, weights)
