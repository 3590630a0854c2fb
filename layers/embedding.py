"""Tables of learned vectors."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["Embedding", "PositionalEmbedding", "ClassToken"]


class Embedding(Layer):
    """A learned vector for each of a vocabulary of integers: (time,) to (time, features).

    Parameters
    ----------
    vocabulary, features : Dim

    Examples
    --------
    >>> from layeralgebra import Embedding, dims, macs, parameters
    >>> V, d, T = dims("V d T")
    >>> parameters(Embedding(V, d), on=(T,)), macs(Embedding(V, d), on=(T,))
    (V*d, 0)
    """

    vocabulary: Dim
    features: Dim
    equation = """
        y[*t, m] = E[x[*t], m]
        where x < vocabulary, m < features
    """
    claims = {"parameters": lambda self, shape: self.vocabulary * self.features}


class PositionalEmbedding(Layer):
    """A learned vector added at each position of a sequence.

    Parameters
    ----------
    length : Dim, optional
        The number of positions that the table has; that of the input, if left out.

    Examples
    --------
    >>> from layeralgebra import PositionalEmbedding, dims, parameters
    >>> parameters(PositionalEmbedding(1024), on=dims("T d"))
    1024*d
    """

    length: Dim | None = None
    equation = """
        y[t, m] = x[t, m] + P[t, m]
        where (P[length, _] if length is not None else True)
    """
    channel_axis = "last"


class ClassToken(Layer):
    """One learned vector before a sequence: (time, features) to (time + 1, features).

    Examples
    --------
    >>> from layeralgebra import ClassToken, dims, output_shape
    >>> output_shape(ClassToken(), on=dims("T d"))
    (T + 1, d)
    """

    equation = "y[t, m] = pad[t: (1, 0)](x[t, m], fill=k[m])"
    channel_axis = "last"
