"""Linear maps."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag
from ..algebra.networks.layer import Layer

__all__ = ["Linear"]


class Linear(Layer):
    r"""An affine map of the last axis.

    Parameters
    ----------
    out_features : Dim
    bias : Flag

    Examples
    --------
    >>> from layeralgebra import Linear, dims, macs
    >>> n, m, T = dims("n m T")
    >>> macs(Linear(m), on=(T, n))
    T*m*n
    """

    out_features: Dim
    bias: Flag = True
    equation = """
        y[*t, o] = W[o, f] * x[*t, f] + (b[o] if bias else 0)
        where o < out_features
    """
    claims = {"parameters": lambda self, shape: self.out_features * (shape[-1] + int(self.bias))}
