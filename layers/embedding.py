"""Tables of learned vectors."""

from __future__ import annotations

from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer

__all__ = ["Embedding", "LookUp", "PositionalEmbedding", "ClassToken"]


class Embedding(Layer):
    """A learned vector for each of a vocabulary of integers.

    Parameters
    ----------
    vocabulary : Dim
        How many integers there are, counted from 0.
    features : Dim
        Elements of a vector.

    Shapes
    ------
    input : (*positions,)
    output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import Embedding, dims, macs, parameters
    >>> V, d, T = dims("V d T")
    >>> parameters(Embedding(V, d), on=(T,)), macs(Embedding(V, d), on=(T,))
    (V*d, 0)

    References
    ----------
    Bengio, Ducharme, Vincent, Jauvin, "A Neural Probabilistic Language Model", JMLR 3 (2003).
    """

    vocabulary: Dim
    features: Dim
    equation = """
        y[*t, m] = E[x[*t], m]
        where x < vocabulary, m < features
    """
    claims = {"parameters": lambda self, shape: self.vocabulary * self.features}


class LookUp(Layer):
    """For each integer a row of a table that is computed, or fixed: the table is an input too.

    Shapes
    ------
    input : (*positions,), (rows, features)
    output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import LookUp, run
    >>> print(run(LookUp(), [[2, 0], [[1, 2], [3, 4], [5, 6]]]))
    [[5 6]
     [1 2]]

    References
    ----------
    ONNX documentation, operator "Gather", https://onnx.ai/onnx/operators/onnx__Gather.html.
    """

    inputs = ("x", "E")
    equation = "y[*t, m] = E[x[*t], m]"


class PositionalEmbedding(Layer):
    """A learned vector added at each position of a sequence.

    Parameters
    ----------
    length : Dim, optional
        The number of positions that the table has; that of the input, if left out.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import PositionalEmbedding, dims, parameters
    >>> parameters(PositionalEmbedding(1024), on=dims("T d"))
    1024*d

    References
    ----------
    Gehring, Auli, Grangier, Yarats, Dauphin, "Convolutional Sequence to Sequence Learning", ICML 2017, arXiv
    1705.03122, section 3.1.
    """

    length: Dim | None = None
    equation = """
        y[t, m] = x[t, m] + P[t, m]
        where (P[length, _] if length is not None else True)
    """
    channel_axis = "last"


class ClassToken(Layer):
    """One learned vector before a sequence.

    Shapes
    ------
    input : (time, features)
    output : (time + 1, features)

    Examples
    --------
    >>> from layeralgebra import ClassToken, dims, output_shape
    >>> output_shape(ClassToken(), on=dims("T d"))
    (T + 1, d)

    References
    ----------
    Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021, arXiv
    2010.11929, equation 1.
    """

    equation = "y[t, m] = pad[t: (1, 0)](x[t, m], fill=k[m])"
    channel_axis = "last"
