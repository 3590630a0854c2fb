"""Classifiers that help in training and are not used afterwards."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = ["AuxiliaryClassifier"]


class AuxiliaryClassifier(Layer):
    """A second classifier on the way: it has weights, but the output does not depend on it, so that it costs no work.

    Average pooling, a 1x1 and a 5x5 convolution, each with batch normalisation and ReLU, the mean over positions, and
    an affine map; what comes in passes on as it is.

    Parameters
    ----------
    classes : Dim
        Classes that it tells apart.
    narrow : Dim, default 128
        Channels of the 1x1 convolution.
    wide : Dim, default 768
        Channels of the 5x5 convolution.
    epsilon : Number, default 1e-3
        Added to the variances.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import AuxiliaryClassifier, macs, output_shape, parameters
    >>> head = AuxiliaryClassifier(1000)
    >>> output_shape(head, on=(768, 17, 17)), parameters(head, on=(768, 17, 17)), macs(head, on=(768, 17, 17))
    ((768, 17, 17), 3326696, 0)

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016,
    arXiv 1512.00567, section 4.
    """

    classes: Dim
    narrow: Dim = 128
    wide: Dim = 768
    epsilon: Number = 1e-3
    buffers = ("m1", "v1", "m2", "v2")
    equation = """
        p[c, *i] = mean[*u](x[c, *(3*i + u)])
        a[k, *i] = A[k, c] * p[c, *i]
        b[k, *i] = relu(g1[k] * (a[k, *i] - m1[k]) / sqrt(v1[k] + epsilon) + h1[k])
        d[o, *j] = D[o, k, *w] * b[k, *(j + w)]
        e[o, *j] = relu(g2[o] * (d[o, *j] - m2[o]) / sqrt(v2[o] + epsilon) + h2[o])
        f[o] = mean[*j](e[o, *j])
        z[q] = F[q, o] * f[o] + t[q]
        y[c, *i0] = x[c, *i0]
        where u < 5, w < 5, k < narrow, o < wide, q < classes
    """
