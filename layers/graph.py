"""Graphs given by a list of edges: what enters are features of the nodes, and for every edge the nodes it comes from and goes to."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "GraphConv",
    "GraphAttention",
    "GraphIsomorphism",
    "GraphSAGE",
    "EdgeConv",
    "EdgeConditionedConv",
    "MessagePassing",
]


class GraphConv(Layer):
    """A linear map of every node, averaged over its neighbours and itself with symmetrically normalised degrees.

    Parameters
    ----------
    out_features : Dim
        Features of a node that come out.
    bias : Flag, default True
        Whether a learned vector is added.

    Shapes
    ------
    input : (nodes, features), (edges,), (edges,)
    output : (nodes, out_features)

    Notes
    -----
    The second and the third input say for every edge where it begins and where it ends, counted from 0; an undirected edge stands there in
    both directions. The edge of a node to itself, which the paper adds, is added by the equation and does not stand in the lists.

    Examples
    --------
    >>> from layeralgebra import GraphConv, dims, macs, parameters
    >>> N, E, f, o = dims("N E f o")
    >>> parameters(GraphConv(o), on=[(N, f), (E,), (E,)])
    f*o + o
    >>> macs(GraphConv(o), on=[(N, f), (E,), (E,)])
    N*f*o

    References
    ----------
    Kipf, Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017, arXiv 1609.02907, equation 2.
    """

    out_features: Dim
    bias: Flag = True
    inputs = ("x", "source", "target")
    equation = """
        entering[target[e]] = 1
        degree[n] = 1 + entering[n]
        h[n, o] = W[o, f]*x[n, f]
        z[target[e], o] = h[source[e], o]/sqrt(degree[source[e]]*degree[target[e]])
        y[n, o] = z[n, o] + h[n, o]/degree[n] + (b[o] if bias else 0)
        where o < out_features, source < size(n), target < size(n)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: self.out_features * (shapes[0][-1] + int(self.bias))}


class GraphAttention(Layer):
    """Every node averages its neighbours with weights that come from their features, in several heads whose outputs are concatenated.

    Parameters
    ----------
    heads : Dim
        The number of heads.
    head_features : Dim
        Features of a node that come out of one head.
    negative_slope : Number, default 0.2
        Of the leaky rectifier before the exponential, below 1.

    Shapes
    ------
    input : (nodes, features), (edges,), (edges,)
    output : (nodes, heads * head_features)

    Notes
    -----
    The second and the third input say for every edge where it begins and where it ends, counted from 0; a node that attends to itself has an
    edge to itself there. The softmax runs over the edges that enter a node. The score of an edge is a sum of one number for each of its ends,
    which is computed once a node.

    Examples
    --------
    >>> from layeralgebra import GraphAttention, dims, macs, parameters
    >>> N, E, f, h, o = dims("N E f h o")
    >>> parameters(GraphAttention(h, o), on=[(N, f), (E,), (E,)])
    f*h*o + 2*h*o
    >>> macs(GraphAttention(h, o), on=[(N, f), (E,), (E,)])
    N*f*h*o + 2*N*h*o

    References
    ----------
    Veličković, Cucurull, Casanova, Romero, Liò, Bengio, "Graph Attention Networks", ICLR 2018, arXiv 1710.10903, equations 1 to 5, without
    the function after the sum.
    """

    heads: Dim
    head_features: Dim
    negative_slope: Number = 0.2
    inputs = ("x", "source", "target")
    equation = """
        h[n, k, o] = W[k, o, f]*x[n, f]
        ahead[n, k] = A[k, o]*h[n, k, o]
        behind[n, k] = B[k, o]*h[n, k, o]
        s[e, k] = ahead[target[e], k] + behind[source[e], k]
        p[e, k] = exp(max(s[e, k], negative_slope*s[e, k]))
        total[target[e], k] = p[e, k]
        a[e, k] = p[e, k]/total[target[e], k]
        y[target[e], (k, o)] = a[e, k]*h[source[e], k, o]
        where k < heads, o < head_features, source < size(n), target < size(n)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: self.heads * self.head_features * (shapes[0][-1] + 2)}


class GraphIsomorphism(Layer):
    """The sum of a node's neighbours and of itself with a learned weight, through a perceptron of one hidden layer.

    Parameters
    ----------
    hidden : Dim
        Units of the hidden layer.
    out_features : Dim
        Features of a node that come out.

    Shapes
    ------
    input : (nodes, features), (edges,), (edges,)
    output : (nodes, out_features)

    Notes
    -----
    The second and the third input say for every edge where it begins and where it ends, counted from 0.

    Examples
    --------
    >>> from layeralgebra import GraphIsomorphism, dims, macs, parameters
    >>> N, E, f, h, o = dims("N E f h o")
    >>> parameters(GraphIsomorphism(h, o), on=[(N, f), (E,), (E,)])
    f*h + h*o + h + o + 1
    >>> macs(GraphIsomorphism(h, o), on=[(N, f), (E,), (E,)])
    N*f*h + N*h*o

    References
    ----------
    Xu, Hu, Leskovec, Jegelka, "How Powerful are Graph Neural Networks?", ICLR 2019, arXiv 1810.00826, equation 4.1.
    """

    hidden: Dim
    out_features: Dim
    inputs = ("x", "source", "target")
    equation = """
        a[target[e], f] = x[source[e], f]
        s[n, f] = (1 + epsilon[0])*x[n, f] + a[n, f]
        h[n, m] = relu(V[m, f]*s[n, f] + c[m])
        y[n, o] = W[o, m]*h[n, m] + b[o]
        where m < hidden, o < out_features, source < size(n), target < size(n), epsilon[1]
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, *shapes: (
            self.hidden * (shapes[0][-1] + 1) + self.out_features * (self.hidden + 1) + 1
        )
    }


class GraphSAGE(Layer):
    """A linear map of every node beside one of the mean of its neighbours, then a rectifier.

    Parameters
    ----------
    out_features : Dim
        Features of a node that come out.

    Shapes
    ------
    input : (nodes, features), (edges,), (edges,)
    output : (nodes, out_features)

    Notes
    -----
    The second and the third input say for every edge where it begins and where it ends, counted from 0. The paper's matrix, which takes a
    node and the mean side by side, is W and V side by side.

    Examples
    --------
    >>> from layeralgebra import GraphSAGE, dims, macs, parameters
    >>> N, E, f, o = dims("N E f o")
    >>> parameters(GraphSAGE(o), on=[(N, f), (E,), (E,)])
    2*f*o
    >>> macs(GraphSAGE(o), on=[(N, f), (E,), (E,)])
    2*N*f*o

    References
    ----------
    Hamilton, Ying, Leskovec, "Inductive Representation Learning on Large Graphs", NIPS 2017, arXiv 1706.02216, algorithm 1 with the mean
    aggregator, without the normalisation of line 7.
    """

    out_features: Dim
    inputs = ("x", "source", "target")
    equation = """
        a[target[e], f] = mean[e](x[source[e], f])
        y[n, o] = relu(W[o, f]*x[n, f] + V[o, f]*a[n, f])
        where o < out_features, source < size(n), target < size(n)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: 2 * self.out_features * shapes[0][-1]}


class EdgeConv(Layer):
    """The maximum over the edges that enter a node of a map of the node and of how the neighbour differs from it.

    Parameters
    ----------
    out_features : Dim
        Features of a node that come out.

    Shapes
    ------
    input : (nodes, features), (edges,), (edges,)
    output : (nodes, out_features)

    Notes
    -----
    The second and the third input say for every edge where it begins and where it ends, counted from 0: the k nearest neighbours of every
    node, in the paper. A node that no edge enters gets 0.

    Examples
    --------
    >>> from layeralgebra import EdgeConv, dims, macs, parameters
    >>> N, E, f, o = dims("N E f o")
    >>> parameters(EdgeConv(o), on=[(N, f), (E,), (E,)])
    2*f*o
    >>> macs(EdgeConv(o), on=[(N, f), (E,), (E,)])
    2*E*f*o

    References
    ----------
    Wang, Sun, Liu, Sarma, Bronstein, Solomon, "Dynamic Graph CNN for Learning on Point Clouds", ACM Transactions on Graphics 38 (2019), arXiv
    1801.07829, equations 7 and 8.
    """

    out_features: Dim
    inputs = ("x", "source", "target")
    equation = """
        d[e, f] = x[source[e], f] - x[target[e], f]
        m[e, o] = relu(V[o, f]*d[e, f] + W[o, f]*x[target[e], f])
        y[target[e], o] = max[e](m[e, o])
        where o < out_features, source < size(x, 0), target < size(x, 0)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: 2 * self.out_features * shapes[0][-1]}


class EdgeConditionedConv(Layer):
    """The mean over the edges that enter a node of a linear map whose matrix comes from the features of the edge.

    Parameters
    ----------
    out_features : Dim
        Features of a node that come out.
    bias : Flag, default True
        Whether a learned vector is added.

    Shapes
    ------
    input : (nodes, features), (edges, edge_features), (edges,), (edges,)
    output : (nodes, out_features)

    Notes
    -----
    The third and the fourth input say for every edge where it begins and where it ends, counted from 0. The network that makes a matrix of an
    edge's features is one affine map.

    Examples
    --------
    >>> from layeralgebra import EdgeConditionedConv, dims, macs, parameters
    >>> N, E, f, k, o = dims("N E f k o")
    >>> parameters(EdgeConditionedConv(o), on=[(N, f), (E, k), (E,), (E,)])
    f*k*o + f*o + o
    >>> macs(EdgeConditionedConv(o), on=[(N, f), (E, k), (E,), (E,)])
    E*f*k*o + E*f*o

    References
    ----------
    Simonovsky, Komodakis, "Dynamic Edge-Conditioned Filters in Convolutional Neural Networks on Graphs", CVPR 2017, arXiv 1704.02901,
    equation 1.
    """

    out_features: Dim
    bias: Flag = True
    inputs = ("x", "edge", "source", "target")
    equation = """
        A[e, o, f] = U[o, f, k]*edge[e, k] + c[o, f]
        m[e, o] = A[e, o, f]*x[source[e], f]
        a[target[e], o] = mean[e](m[e, o])
        y[n, o] = a[n, o] + (b[o] if bias else 0)
        where o < out_features, source < size(x, 0), target < size(x, 0)
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, *shapes: self.out_features * (shapes[0][-1] * (shapes[1][-1] + 1) + int(self.bias))
    }


class MessagePassing(Layer):
    """Messages along the edges, by a matrix that comes from the features of the edge, summed in every node and taken up by a gated unit.

    Shapes
    ------
    input : (nodes, features), (edges, edge_features), (edges,), (edges,)
    output : (nodes, features)

    Notes
    -----
    The third and the fourth input say for every edge where it begins and where it ends, counted from 0. One step; with ``shared`` weights
    repeated, the T steps of the paper. The edge network is one affine map, the unit is that of `GRU`, with one bias a gate.

    Examples
    --------
    >>> from layeralgebra import MessagePassing, dims, macs, parameters
    >>> N, E, f, k = dims("N E f k")
    >>> parameters(MessagePassing(), on=[(N, f), (E, k), (E,), (E,)])
    f**2*k + 7*f**2 + 3*f
    >>> macs(MessagePassing(), on=[(N, f), (E, k), (E,), (E,)])
    E*f**2*k + E*f**2 + 6*N*f**2

    References
    ----------
    Gilmer, Schoenholz, Riley, Vinyals, Dahl, "Neural Message Passing for Quantum Chemistry", ICML 2017, arXiv 1704.01212, equations 1 and 2 with
    the edge network of section 5.1 and the update of Li et al., "Gated Graph Sequence Neural Networks", arXiv 1511.05493.
    """

    inputs = ("x", "edge", "source", "target")
    equation = """
        A[e, o, f] = U[o, f, k]*edge[e, k] + c[o, f]
        m[e, o] = A[e, o, f]*x[source[e], f]
        a[target[e], o] = m[e, o]
        r[n, o] = sigmoid(Wr[o, p]*a[n, p] + Ur[o, f]*x[n, f] + br[o])
        z[n, o] = sigmoid(Wz[o, p]*a[n, p] + Uz[o, f]*x[n, f] + bz[o])
        v[n, f] = r[n, f]*x[n, f]
        h[n, o] = tanh(Wh[o, p]*a[n, p] + Uh[o, f]*v[n, f] + bh[o])
        y[n, o] = (1 - z[n, o])*x[n, o] + z[n, o]*h[n, o]
        where o < size(f), p < size(f), source < size(n), target < size(n)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, *shapes: shapes[0][-1] * (shapes[0][-1] * (shapes[1][-1] + 7) + 3)}
