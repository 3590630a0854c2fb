"""Attention inside the windows of an image, with relative positions: plain, shifted, on a grid, and by cosines."""

from __future__ import annotations

from typing import Any

from ..algebra.equations.fields import Dim, Flag, Size
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = ["WindowAttention", "CosineWindowAttention", "Roll"]


class Roll(Layer):
    """All spatial axes turned: what leaves at the end comes in at the beginning.

    Parameters
    ----------
    shift : Size
        Positions, one size, or one for each axis: ``y[i] = x[(i + shift) mod size]``.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import Roll, output_shape
    >>> output_shape(Roll(2), on=(3, 8, 8))
    (3, 8, 8)

    References
    ----------
    Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
    ICCV 2021, arXiv 2103.14030, section 3.2.
    """

    shift: Size
    equation = """
        z[c, *j] = x[c, *j]
        y[c, *i] = z[c, *((i + shift) % size(j))]
        where i < size(j)
    """


class WindowAttention(Layer):
    """Scaled dot-product attention among the positions of a window, with a learned bias for every relative position.

    The image is padded to whole windows, shifted, cut into windows, attended to, and put together again.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    window : Dim
        The side of a window, in positions; one size, or one for each axis.
    shift : Size, default 0
        Positions by which windows are shifted, cyclically; those that are no neighbours in the image do not attend to
        each other. An axis of one window is not shifted.
    grid : Flag, default False
        Positions that are equally far apart, `window` of them along each axis, in place of neighbours.

    Shapes
    ------
    input, output : (channels, *spatial)

    Notes
    -----
    The relative position of i and j is the address ``i - j + window - 1`` of the table B, which therefore has
    ``2 * window - 1`` entries along each axis. The work counted is nominal: all pairs of positions of a window.

    Examples
    --------
    >>> from layeralgebra import WindowAttention, dims, macs, parameters
    >>> c, h = dims("c h")
    >>> parameters(WindowAttention(h, 7), on=(c, 56, 56))
    4*c**2 + 4*c + 169*h
    >>> macs(WindowAttention(h, 7), on=(c, 56, 56))
    12544*c**2 + 307328*c

    References
    ----------
    Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
    ICCV 2021, arXiv 2103.14030.

    Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, "MaxViT: Multi-Axis Vision Transformer", ECCV 2022, arXiv 2204.01697.
    """

    heads: Dim
    window: Dim
    shift: Size = 0
    grid: Flag = False
    equation = """
        width = size(m)/heads
        count = ceil(size(p)/window)
        side = window*count
        step = shift*min(1, count - 1)
        z[m, *p] = pad[0, side - size(p)](x[m, *p])
        s[m, *t] = z[m, *(t if shift == 0 else (t + step) % side)]
        q[n, *a, *i, e] = Q[n, e, m] * s[m, *((i, a) if grid else (a, i))] + bq[n, e]
        k[n, *a, *j, e] = K[n, e, m] * s[m, *((j, a) if grid else (a, j))] + bk[n, e]
        v[n, *a, *j, e] = V[n, e, m] * s[m, *((j, a) if grid else (a, j))] + bv[n, e]
        w[n, *a, *i, *j] = q[n, *a, *i, e] * k[n, *a, *j, e]
        d[n, *a, *i, *j] = w[n, *a, *i, *j] / sqrt(width) + B[n, *(i - j + window - 1)]
        c[n, *a, *i, *j] = softmax[*j](d[n, *a, *i, *j])
        o[(n, e), *((i, a) if grid else (a, i))] = c[n, *a, *i, *j] * v[n, *a, *j, e]
        u[f, *t] = O[f, h] * o[h, *t] + b[f]
        l[f, *t] = u[f, *(t if shift == 0 else (t + side - step) % side)]
        y[f, *t] = pad[0, size(p) - side](l[f, *t])
        where n < heads, e < width, f < size(m), t < side, i < window, j < window,
              (floor((a + 1)/count)*(floor((i + step)/window) - floor((j + step)/window)) <= 0 if shift != 0 else True),
              (floor((a + 1)/count)*(floor((j + step)/window) - floor((i + step)/window)) <= 0 if shift != 0 else True)
    """
    channel_axis = "first"

    def check_fields(self) -> None:
        if self.grid and self.shift != 0:
            raise FieldError("WindowAttention: a grid is not shifted; pass grid=True or shift=..., not both")


def _logarithmic_coordinates(layer: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    half = (numpy.array(shape[:-1], dtype=int) - 1) // 2
    grid = numpy.moveaxis(numpy.indices(shape[:-1]), 0, -1) - half
    scaled = 8 * grid / numpy.maximum(1, half)
    return numpy.sign(scaled) * numpy.log2(1 + numpy.abs(scaled)) / 3


class CosineWindowAttention(Layer):
    """Attention among the positions of a window by cosines, with a computed bias for every relative position.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    window : Dim
        The side of a window, in positions, one for all axes.
    shift : Size, default 0
        As for `WindowAttention`.
    hidden : Dim, default 512
        Units of the perceptron that maps a relative position to one bias for each head.

    Shapes
    ------
    input, output : (channels, height, width)

    Notes
    -----
    A relative position is a pair (g1, g2), so that an input has two spatial axes; another number of them is refused.
    T holds the logarithmic coordinates of every pair, sign(v) log2(1 + 8|v|/(window - 1))/3, and is a known table.
    The bias of the keys is held but multiplied by zero, as published.

    Examples
    --------
    >>> from layeralgebra import CosineWindowAttention, dims, parameters
    >>> c, h = dims("c h")
    >>> parameters(CosineWindowAttention(h, 8), on=(c, 64, 64))
    4*c**2 + 4*c + 513*h + 1536

    References
    ----------
    Liu et al., "Swin Transformer V2: Scaling Up Capacity and Resolution", CVPR 2022, arXiv 2111.09883, section 3.
    """

    heads: Dim
    window: Dim
    shift: Size = 0
    hidden: Dim = 512
    buffers = ("T",)
    tables = {"T": _logarithmic_coordinates}
    equation = """
        width = size(m)/heads
        count = ceil(size(p)/window)
        side = window*count
        step = shift*min(1, count - 1)
        z[m, *p] = pad[0, side - size(p)](x[m, *p])
        s[m, *t] = z[m, *(t if shift == 0 else (t + step) % side)]
        q[n, *a, *i, e] = Q[n, e, m] * s[m, *(a, i)] + bq[n, e]
        k[n, *a, *j, e] = K[n, e, m] * s[m, *(a, j)] + 0*bk[n, e]
        v[n, *a, *j, e] = V[n, e, m] * s[m, *(a, j)] + bv[n, e]
        lq[n, *a, *i] = sqrt(sum[e](q[n, *a, *i, e]**2))
        lk[n, *a, *j] = sqrt(sum[e](k[n, *a, *j, e]**2))
        nq[n, *a, *i, e] = q[n, *a, *i, e] / max(lq[n, *a, *i], 1e-12)
        nk[n, *a, *j, e] = k[n, *a, *j, e] / max(lk[n, *a, *j], 1e-12)
        w[n, *a, *i, *j] = nq[n, *a, *i, e] * nk[n, *a, *j, e]
        r[g1, g2, o] = relu(R[o, x2]*T[g1, g2, x2] + br[o])
        B[n, g1, g2] = S[n, o]*r[g1, g2, o]
        d[n, *a, *i, *j] = w[n, *a, *i, *j] * exp(min(l[n], log(100))) + 16*sigmoid(B[n, *(i - j + window - 1)])
        c[n, *a, *i, *j] = softmax[*j](d[n, *a, *i, *j])
        o2[(n, e), *(a, i)] = c[n, *a, *i, *j] * v[n, *a, *j, e]
        u[f, *t] = O[f, h] * o2[h, *t] + b[f]
        l2[f, *t] = u[f, *(t if shift == 0 else (t + side - step) % side)]
        y[f, *t] = pad[0, size(p) - side](l2[f, *t])
        where n < heads, e < width, f < size(m), t < side, i < window, j < window, x2 < 2, o < hidden,
              g1 < 2*window - 1, g2 < 2*window - 1,
              (floor((a + 1)/count)*(floor((i + step)/window) - floor((j + step)/window)) <= 0 if shift != 0 else True),
              (floor((a + 1)/count)*(floor((j + step)/window) - floor((i + step)/window)) <= 0 if shift != 0 else True)
    """
    channel_axis = "first"
