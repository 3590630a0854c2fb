"""Linear maps."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag
from ..algebra.networks.layer import Layer

__all__ = ["Linear"]


class Linear(Layer):
    """An affine map of the last axis.

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    bias : Flag, default True
        A learned number added to each of them.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Examples
    --------
    >>> from layeralgebra import Linear, dims, macs
    >>> n, m, T = dims("n m T")
    >>> macs(Linear(m), on=(T, n))
    T*m*n

    References
    ----------
    Rumelhart, Hinton, Williams, "Learning Representations by Back-Propagating Errors", Nature 323 (1986), doi
    10.1038/323533a0, equation 1.
    """

    out_features: Dim
    bias: Flag = True
    equation = """
        y[*t, o] = W[o, f] * x[*t, f] + (b[o] if bias else 0)
        where o < out_features
    """
    claims = {"parameters": lambda self, shape: self.out_features * (shape[-1] + int(self.bias))}
