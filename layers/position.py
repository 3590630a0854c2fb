"""Attention that knows positions: rotated queries and keys, and tables of relative positions."""

from __future__ import annotations

from typing import Any

from ..algebra.equations.fields import Dim, Flag, Number
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = [
    "RotaryEmbedding",
    "RotaryAttention",
    "RelativeAttention",
    "LinearBiasAttention",
    "LatentAttention",
    "SinusoidalEmbedding",
]


def _angles(base: Any, positions: int, pairs: int) -> Any:
    """The angle of pair e at position t, ``t * base**(-e/pairs)``."""
    import numpy

    return numpy.outer(numpy.arange(positions), float(base) ** (-numpy.arange(pairs) / pairs))


def _check_base(layer: Any) -> None:
    if layer.base.is_positive is False:
        raise FieldError(
            f"{type(layer).__name__}(base={layer.base}): powers of it turn the pairs; pass a positive number"
        )


def _cosines(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    return numpy.cos(_angles(layer.base, *shape))


def _sines(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    return numpy.sin(_angles(layer.base, *shape))


def _signed_sines(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    sines = numpy.sin(_angles(layer.base, shape[0], shape[2]))
    return numpy.stack([-sines, sines], axis=1)


def _buckets(layer: Any, shape: tuple[int, ...]) -> Any:
    """The bucket of every relative position i - j: its own for a near one, logarithmic ones for far ones."""
    import numpy

    time = (shape[0] + 1) // 2
    back = numpy.arange(1 - time, time)
    buckets = int(layer.buckets)
    ahead = numpy.zeros_like(back)
    if layer.causal:
        distance = numpy.maximum(back, 0)
    else:
        ahead = buckets // 2 * (back < 0)
        buckets = max(1, buckets // 2)
        distance = numpy.abs(back)
    near = max(1, buckets // 2)
    octaves = numpy.log(numpy.maximum(distance, near) / near) / max(numpy.log(float(layer.farthest) / near), 1e-9)
    far = near + numpy.minimum(octaves, 1) * (buckets - near)
    return ahead + numpy.where(distance < near, distance, numpy.minimum(far.astype(int), buckets - 1))


class RotaryEmbedding(Layer):
    """Pairs of features turned by an angle that grows with the position.

    Parameters
    ----------
    base : Number, default 10_000
        Positive. Pair e is turned by ``t * base**(-2 e/features)`` radians at position t.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Feature e of the first half and feature e of the second half are one pair; in the paper neighbours are. The cosines
    C and the sines D, negative for the first half, are known tables.

    Examples
    --------
    >>> from layeralgebra import RotaryEmbedding, dims, macs, parameters
    >>> T, d = dims("T d")
    >>> parameters(RotaryEmbedding(), on=(T, 2*d)), macs(RotaryEmbedding(), on=(T, 2*d))
    (0, 0)

    References
    ----------
    Su, Lu, Pan, Murtadha, Wen, Liu, "RoFormer: Enhanced Transformer with Rotary Position Embedding", Neurocomputing 568
    (2024), arXiv 2104.09864.
    """

    base: Number = 10_000
    buffers = ("C", "D")
    tables = {"C": _cosines, "D": _signed_sines}
    equation = """
        z[t, h, e] = x[t, (h, e)]
        u[t, h, e] = z[t, h, e]*C[t, e] + z[t, 1 - h, e]*D[t, h, e]
        y[t, (h, e)] = u[t, h, e]
        where h < 2
    """
    channel_axis = "last"

    def check_fields(self) -> None:
        _check_base(self)


class RotaryAttention(Layer):
    """Causal scaled dot-product attention without biases, queries and keys turned by their positions.

    Parameters
    ----------
    heads : Dim
        The number of query heads.
    key_value_heads : Dim, optional
        Fewer key and value heads than query heads (grouped-query attention); `heads`, if left out.
    head_features : Dim, optional
        The width of a head, even; features / heads, if left out.
    reach : Dim, optional
        A position attends to itself and to this many minus one before it; to all, if left out.
    causal : Flag, default True
        A position attends to itself and to earlier ones.
    base : Number, default 10_000
        Positive. Pair e of a head is turned by ``t * base**(-2 e/head_features)`` radians at position t.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    The cosines C and sines S are known tables; turning costs multiplies and adds, but no MACs.

    Examples
    --------
    >>> from layeralgebra import RotaryAttention, dims, macs, parameters
    >>> T, d, h = dims("T d h")
    >>> parameters(RotaryAttention(h), on=(T, d)), macs(RotaryAttention(h), on=(T, d))
    (4*d**2, 2*T**2*d + 4*T*d**2)

    References
    ----------
    Su, Lu, Pan, Murtadha, Wen, Liu, "RoFormer: Enhanced Transformer with Rotary Position Embedding", Neurocomputing 568
    (2024), arXiv 2104.09864.
    """

    heads: Dim
    key_value_heads: Dim | None = None
    head_features: Dim | None = None
    reach: Dim | None = None
    causal: Flag = True
    base: Number = 10_000
    buffers = ("C", "S")
    tables = {"C": _cosines, "S": _sines}
    equation = """
        sets = heads if key_value_heads is None else key_value_heads
        width = size(m)/heads if head_features is None else head_features
        q[n, g, i, c, e] = Q[n, g, c, e, m] * x[i, m]
        k[n, j, c, e] = K[n, c, e, m] * x[j, m]
        v[n, j, u] = V[n, u, m] * x[j, m]
        q0[n, g, i, e] = q[n, g, i, 0, e]*C[i, e] - q[n, g, i, 1, e]*S[i, e]
        q1[n, g, i, e] = q[n, g, i, 1, e]*C[i, e] + q[n, g, i, 0, e]*S[i, e]
        k0[n, j, e] = k[n, j, 0, e]*C[j, e] - k[n, j, 1, e]*S[j, e]
        k1[n, j, e] = k[n, j, 1, e]*C[j, e] + k[n, j, 0, e]*S[j, e]
        w[n, g, i, j] = q0[n, g, i, e]*k0[n, j, e] + q1[n, g, i, e]*k1[n, j, e]
        a[n, g, i, j] = softmax[j](w[n, g, i, j] / sqrt(width))
        o[i, (n, g, u)] = a[n, g, i, j] * v[n, j, u]
        y[i, f] = O[f, h] * o[i, h]
        where n < sets, g < heads/sets, c < 2, e < width/2, u < width, f < size(m),
              (j <= i if causal else True), (i - j < reach if reach is not None else True)
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: (
            2
            * shape[-1]
            * (self.heads + (self.key_value_heads or self.heads))
            * (self.head_features or shape[-1] / self.heads)
        ),
    }

    def check_fields(self) -> None:
        _check_base(self)


class RelativeAttention(Layer):
    """Dot-product attention, unscaled, plus a learned number for each head and bucket of relative positions.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    head_features : Dim
        The width of a head.
    buckets : Dim, default 32
        Entries of the table for each head; half of those of a direction are for single near positions, so that there are
        at least 2 in each.
    causal : Flag, default False
        A position attends to itself and to earlier ones.
    learned : Flag, default True
        Whether this layer has learned the table B; otherwise it uses that of another layer, as a buffer G.
    farthest : Dim, default 128
        From this distance on, in positions, all relative positions share a bucket; beyond the near ones.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    r gives the bucket of every relative position ``i - j``, counted from ``1 - time``, and is a known table: half of
    the buckets are for single near positions, the others grow with the logarithm of the distance; without `causal` each
    direction has half of all.

    Examples
    --------
    >>> from layeralgebra import RelativeAttention, dims, parameters
    >>> T, d, h, e = dims("T d h e")
    >>> parameters(RelativeAttention(h, e), on=(T, d))
    4*d*e*h + 32*h
    >>> parameters(RelativeAttention(h, e, learned=False), on=(T, d))
    4*d*e*h

    References
    ----------
    Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR 21 (2020),
    arXiv 1910.10683, section 2.1.
    """

    heads: Dim
    head_features: Dim
    buckets: Dim = 32
    causal: Flag = False
    learned: Flag = True
    farthest: Dim = 128
    buffers = ("r", "G")
    tables = {"r": _buckets}
    inputs = ("x",)
    equation = """
        q[n, i, e] = Q[n, e, m] * x[i, m]
        k[n, j, e] = K[n, e, m] * x[j, m]
        v[n, j, e] = V[n, e, m] * x[j, m]
        w[n, i, j] = q[n, i, e] * k[n, j, e]
        s[n, i, j] = w[n, i, j] + (B[n, r[i - j + size(i) - 1]] if learned else G[n, r[i - j + size(i) - 1]])
        a[n, i, j] = softmax[j](s[n, i, j])
        o[i, (n, e)] = a[n, i, j] * v[n, j, e]
        y[i, f] = O[f, h] * o[i, h]
        where n < heads, e < head_features, f < size(m), (j <= i if causal else True),
              (2 if causal else 4) <= buckets, buckets < (2 if causal else 4)*farthest,
              (B[_, buckets] if learned else G[_, buckets])
    """
    channel_axis = "last"


class LinearBiasAttention(Layer):
    """Causal scaled dot-product attention whose scores fall linearly with the distance, at a slope for each head.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Head n, counted from 0, has the slope ``2**(-8 (n + 1)/heads)``: that of the paper where the number of heads is a power of two. Slopes are
    known beforehand.

    Examples
    --------
    >>> from layeralgebra import LinearBiasAttention, dims, macs, parameters
    >>> T, d, h = dims("T d h")
    >>> parameters(LinearBiasAttention(h), on=(T, d)), macs(LinearBiasAttention(h), on=(T, d))
    (4*d**2, 2*T**2*d + 4*T*d**2)

    References
    ----------
    Press, Smith, Lewis, "Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation", ICLR 2022, arXiv 2108.12409, section
    3 and figure 3.
    """

    heads: Dim
    equation = """
        width = size(m)/heads
        q[n, i, e] = Q[n, e, m]*x[i, m]
        k[n, j, e] = K[n, e, m]*x[j, m]
        v[n, j, e] = V[n, e, m]*x[j, m]
        w[n, i, j] = q[n, i, e]*k[n, j, e]
        a[n, i, j] = softmax[j](w[n, i, j]/sqrt(width) - 2**(-8*(n + 1)/heads)*(i - j))
        o[i, (n, e)] = a[n, i, j]*v[n, j, e]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < width, f < size(m), j <= i
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2}


class SinusoidalEmbedding(Layer):
    """Waves of the position added to features: sines at even ones, cosines at odd ones.

    Parameters
    ----------
    base : Number, default 10_000
        Positive. Pair p of the features has the wave number ``base**(-2 p/features)``.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import SinusoidalEmbedding, dims, flops, parameters
    >>> T, d = dims("T d")
    >>> parameters(SinusoidalEmbedding(), on=(T, d)), flops(SinusoidalEmbedding(), on=(T, d))
    (0, T*d)

    References
    ----------
    Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NIPS 2017, arXiv 1706.03762, section 3.5.
    """

    base: Number = 10_000
    equation = "y[t, f] = x[t, f] + sin(t*base**(-2*floor(f/2)/size(f)) + pi/2*(f % 2))"
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 0, "macs": lambda self, shape: 0}

    def check_fields(self) -> None:
        _check_base(self)


class LatentAttention(Layer):
    """Causal attention whose keys and values come from one short latent vector a position, with a turned part that all heads share.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    head_features : Dim
        The width of a head, without the turned part.
    key_value_rank : Dim
        Features of the latent vector of keys and values, which is what a cache holds.
    query_rank : Dim
        Features of the latent vector of queries.
    rotary_features : Dim
        The width of the turned part of queries and keys, even.
    base : Number, default 10_000
        Positive. Pair e is turned by ``t * base**(-2 e/rotary_features)`` radians at position t.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Without the normalisation of the latent vectors. Cosines and sines are known beforehand; turning costs multiplies and adds, but no MACs.

    Examples
    --------
    >>> from layeralgebra import LatentAttention, dims, parameters
    >>> T, d, h, e, c, q, r = dims("T d h e c q r")
    >>> parameters(LatentAttention(h, e, c, q, 2*r), on=(T, d))
    c*d + 2*c*e*h + d*e*h + d*q + 2*d*r + e*h*q + 2*h*q*r

    References
    ----------
    DeepSeek-AI, "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model", arXiv 2405.04434 (2024), section 2.1.
    """

    heads: Dim
    head_features: Dim
    key_value_rank: Dim
    query_rank: Dim
    rotary_features: Dim
    base: Number = 10_000
    equation = """
        latent[j, c] = D[c, m]*x[j, m]
        k[n, j, e] = K[n, e, c]*latent[j, c]
        v[n, j, e] = V[n, e, c]*latent[j, c]
        z[i, r] = E[r, m]*x[i, m]
        q[n, i, e] = Q[n, e, r]*z[i, r]
        p[n, i, s, a] = P[n, s, a, r]*z[i, r]
        l[j, s, a] = L[s, a, m]*x[j, m]
        p0[n, i, a] = p[n, i, 0, a]*cos(i*base**(-a/size(a))) - p[n, i, 1, a]*sin(i*base**(-a/size(a)))
        p1[n, i, a] = p[n, i, 1, a]*cos(i*base**(-a/size(a))) + p[n, i, 0, a]*sin(i*base**(-a/size(a)))
        l0[j, a] = l[j, 0, a]*cos(j*base**(-a/size(a))) - l[j, 1, a]*sin(j*base**(-a/size(a)))
        l1[j, a] = l[j, 1, a]*cos(j*base**(-a/size(a))) + l[j, 0, a]*sin(j*base**(-a/size(a)))
        w[n, i, j] = q[n, i, e]*k[n, j, e] + p0[n, i, a]*l0[j, a] + p1[n, i, a]*l1[j, a]
        b[n, i, j] = softmax[j](w[n, i, j]/sqrt(head_features + rotary_features))
        o[i, (n, e)] = b[n, i, j]*v[n, j, e]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, e < head_features, c < key_value_rank, r < query_rank, s < 2, a < rotary_features/2, f < size(m), j <= i
    """
    channel_axis = "last"

    def check_fields(self) -> None:
        _check_base(self)
