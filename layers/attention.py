"""Attention."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag
from ..algebra.networks.layer import Layer

__all__ = ["MultiHeadAttention", "CrossAttention", "TalkingHeadsAttention"]


class MultiHeadAttention(Layer):
    """Scaled dot-product self-attention over all positions of (*positions, features).

    Parameters
    ----------
    heads : Dim
        The number of query heads.
    key_value_heads : Dim, optional
        Fewer key and value heads than query heads (grouped-query attention; 1 is multi-query); `heads`, if left out.
    head_features : Dim, optional
        The width of a head; features / heads, if left out.
    causal : Flag, default False
        A position attends to itself and to earlier ones.
    bias : Flag, default True
        Biases of the query, key, value and output maps.

    Shapes
    ------
    input, output : (*positions, features)

    Notes
    -----
    Work is that of the equation, however a program fuses it: projections, scores, softmax, mixing, output map.

    Examples
    --------
    >>> from layeralgebra import MultiHeadAttention, dims, macs, parameters
    >>> T, d, h = dims("T d h")
    >>> parameters(MultiHeadAttention(h), on=(T, d))
    4*d**2 + 4*d
    >>> macs(MultiHeadAttention(h), on=(T, d))
    2*T**2*d + 4*T*d**2

    References
    ----------
    Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NIPS 2017, arXiv
    1706.03762, section 3.2.

    Ainslie, Lee-Thorp, de Jong, Zemlyanskiy, Lebrón, Sanghai, "GQA: Training Generalized Multi-Query Transformer Models
    from Multi-Head Checkpoints", EMNLP 2023, arXiv 2305.13245.
    """

    heads: Dim
    key_value_heads: Dim | None = None
    head_features: Dim | None = None
    causal: Flag = False
    bias: Flag = True
    equation = """
        sets = heads if key_value_heads is None else key_value_heads
        width = size(m)/heads if head_features is None else head_features
        q[n, g, *i, e] = Q[n, g, e, m] * x[*i, m] + (p[n, g, e] if bias else 0)
        k[n, *j, e] = K[n, e, m] * x[*j, m] + (r[n, e] if bias else 0)
        v[n, *j, e] = V[n, e, m] * x[*j, m] + (s[n, e] if bias else 0)
        w[n, g, *i, *j] = q[n, g, *i, e] * k[n, *j, e]
        a[n, g, *i, *j] = softmax[*j](w[n, g, *i, *j] / sqrt(width))
        o[*i, (n, g, e)] = a[n, g, *i, *j] * v[n, *j, e]
        y[*i, f] = O[f, h] * o[*i, h] + (b[f] if bias else 0)
        where n < sets, g < heads/sets, e < width, f < size(m), (j <= i if causal else True)
    """
    claims = {
        "parameters": lambda self, shape: _attention_parameters(
            shape[-1],
            self.heads,
            self.key_value_heads or self.heads,
            self.head_features or shape[-1] / self.heads,
            self.bias,
        ),
    }


def _attention_parameters(features, heads, sets, width, bias):
    """Query and output maps have heads * width columns, key and value maps sets * width."""
    inner, shared = heads * width, sets * width
    return 2 * features * inner + 2 * features * shared + (inner + 2 * shared + features if bias else 0)


class CrossAttention(Layer):
    """Scaled dot-product attention of one sequence to another; the inputs are the queries' and the keys' sequence.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    head_features : Dim, optional
        The width of a head; features / heads, if left out.
    bias : Flag, default True
        Biases of the query, key, value and output maps.

    Shapes
    ------
    input : (time, features), (keys, key_features)
    output : (time, features)

    Examples
    --------
    >>> from layeralgebra import CrossAttention, dims, macs
    >>> T, S, d, h = dims("T S d h")
    >>> macs(CrossAttention(h), on=[(T, d), (S, d)])
    2*S*T*d + 2*S*d**2 + 2*T*d**2

    References
    ----------
    Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, "Attention Is All You Need", NIPS 2017, arXiv
    1706.03762, section 3.2.
    """

    heads: Dim
    head_features: Dim | None = None
    bias: Flag = True
    inputs = ("x", "memory")
    equation = """
        width = size(m)/heads if head_features is None else head_features
        q[n, i, e] = Q[n, e, m] * x[i, m] + (p[n, e] if bias else 0)
        k[n, j, e] = K[n, e, l] * memory[j, l] + (r[n, e] if bias else 0)
        v[n, j, e] = V[n, e, l] * memory[j, l] + (s[n, e] if bias else 0)
        w[n, i, j] = q[n, i, e] * k[n, j, e]
        a[n, i, j] = softmax[j](w[n, i, j] / sqrt(width))
        o[i, (n, e)] = a[n, i, j] * v[n, j, e]
        y[i, f] = O[f, h] * o[i, h] + (b[f] if bias else 0)
        where n < heads, e < width, f < size(m)
    """
    channel_axis = "last"


class TalkingHeadsAttention(Layer):
    """Self-attention whose heads are mixed by learned matrices, before the softmax and after it.

    Parameters
    ----------
    heads : Dim
        The number of heads; it divides the features.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    There are as many heads of keys and of values as there are softmaxes.

    Examples
    --------
    >>> from layeralgebra import TalkingHeadsAttention, dims, macs, parameters
    >>> T, d, h = dims("T d h")
    >>> parameters(TalkingHeadsAttention(h), on=(T, d))
    4*d**2 + 2*h**2
    >>> macs(TalkingHeadsAttention(h), on=(T, d))
    2*T**2*d + 2*T**2*h**2 + 4*T*d**2

    References
    ----------
    Shazeer, Lan, Cheng, Ding, Hou, "Talking-Heads Attention", arXiv 2003.02436 (2020), section 3.
    """

    heads: Dim
    equation = """
        q[n, i, e] = Q[n, e, m]*x[i, m]/sqrt(size(e))
        k[n, j, e] = K[n, e, m]*x[j, m]
        v[n, j, e] = V[n, e, m]*x[j, m]
        l[n, i, j] = q[n, i, e]*k[n, j, e]
        mixed[g, i, j] = L[g, n]*l[n, i, j]
        a[g, i, j] = softmax[j](mixed[g, i, j])
        w[n, i, j] = W[n, g]*a[g, i, j]
        o[i, (n, e)] = w[n, i, j]*v[n, j, e]
        y[i, f] = O[f, h]*o[i, h]
        where n < heads, g < heads, e < size(m)/heads, f < size(m)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 4 * shape[-1] ** 2 + 2 * self.heads**2}
