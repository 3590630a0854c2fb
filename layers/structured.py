"""Linear maps whose matrix has a structure: few parameters, fewer multiplies, or both."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Flag, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "Monarch",
    "LowRankLinear",
    "LoRA",
    "DoRA",
    "WeightNormLinear",
    "CirculantLinear",
    "KroneckerLinear",
    "KAN",
    "Butterfly",
    "TensorTrainLinear",
]


class Monarch(Layer):
    """A square linear map as two block-diagonal ones with a transposition between them and after them.

    Parameters
    ----------
    blocks : Dim
        Blocks of the first map; it divides the features.

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import Monarch, dims, macs, parameters
    >>> T, n, b = dims("T n b")
    >>> parameters(Monarch(b), on=(b*n,))
    b**2*n + b*n**2
    >>> macs(Monarch(b), on=(T, b*n))
    T*b**2*n + T*b*n**2

    References
    ----------
    Dao et al., "Monarch: Expressive Structured Matrices for Efficient and Accurate Training", ICML 2022, arXiv 2204.00595, definition 1.
    """

    blocks: Dim
    equation = """
        u[*t, p, j] = L[p, j, i]*x[*t, (p, i)]
        y[*t, (j, q)] = R[j, q, p]*u[*t, p, j]
        where p < blocks, j < size(i), q < size(p)
    """
    channel_axis = "last"


class LowRankLinear(Layer):
    """A linear map through a few features.

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    rank : Dim
        Features in between.
    bias : Flag, default True
        Whether a learned vector is added.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Examples
    --------
    >>> from layeralgebra import LowRankLinear, dims, macs, parameters
    >>> T, d, o, r = dims("T d o r")
    >>> parameters(LowRankLinear(o, r, bias=False), on=(T, d)), macs(LowRankLinear(o, r), on=(T, d))
    (d*r + o*r, T*d*r + T*o*r)

    References
    ----------
    Denil, Shakibi, Dinh, Ranzato, de Freitas, "Predicting Parameters in Deep Learning", NIPS 2013, arXiv 1306.0543.
    """

    out_features: Dim
    rank: Dim
    bias: Flag = True
    equation = """
        u[*t, r] = V[r, f]*x[*t, f]
        y[*t, o] = U[o, r]*u[*t, r] + (b[o] if bias else 0)
        where o < out_features, r < rank
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: (
            self.rank * (shape[-1] + self.out_features) + self.out_features * int(self.bias)
        )
    }


class LoRA(Layer):
    """A linear map that is given and stays, and beside it a learned one through a few features.

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    rank : Dim
        Features in between.
    scale : Number, default 1
        The factor of the learned map, alpha / rank in the paper.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Notes
    -----
    The given matrix is a buffer, so that parameters are those which are trained.

    Examples
    --------
    >>> from layeralgebra import LoRA, dims, macs, parameters
    >>> T, d, o, r = dims("T d o r")
    >>> parameters(LoRA(o, r), on=(T, d))
    d*r + o*r
    >>> macs(LoRA(o, r), on=(T, d))
    T*d*o + T*d*r + T*o*r

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, arXiv 2106.09685, equation 3.
    """

    out_features: Dim
    rank: Dim
    scale: Number = 1
    buffers = ("W",)
    equation = """
        u[*t, r] = A[r, f]*x[*t, f]
        z[*t, o] = B[o, r]*u[*t, r]
        y[*t, o] = W[o, f]*x[*t, f] + scale*z[*t, o]
        where o < out_features, r < rank
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.rank * (shape[-1] + self.out_features)}


class DoRA(Layer):
    """A linear map that is given, changed by one of low rank, its columns normalised and given learned lengths.

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    rank : Dim
        Of the change.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Notes
    -----
    The given matrix is a buffer, so that parameters are those which are trained. The matrix is put together once, before it meets the input.

    Examples
    --------
    >>> from layeralgebra import DoRA, dims, macs, parameters
    >>> T, d, o, r = dims("T d o r")
    >>> parameters(DoRA(o, r), on=(T, d))
    d*r + d + o*r
    >>> macs(DoRA(o, r), on=(T, d))
    T*d*o + d*o*r + d*o

    References
    ----------
    Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", ICML 2024, arXiv 2402.09353, equation 5.
    """

    out_features: Dim
    rank: Dim
    buffers = ("W",)
    equation = """
        V[o, f] = W[o, f] + B[o, r]*A[r, f]
        length[f] = sqrt(V[o, f]*V[o, f])
        M[o, f] = m[f]*V[o, f]/length[f]
        y[*t, o] = M[o, f]*x[*t, f]
        where o < out_features, r < rank
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.rank * (shape[-1] + self.out_features) + shape[-1]}


class WeightNormLinear(Layer):
    """A linear map whose rows have a direction and a length that are learned apart.

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    bias : Flag, default True
        Whether a learned vector is added.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Notes
    -----
    Rows are normalised once, and count: a program that keeps them does without.

    Examples
    --------
    >>> from layeralgebra import WeightNormLinear, dims, macs, parameters
    >>> T, d, o = dims("T d o")
    >>> parameters(WeightNormLinear(o), on=(T, d))
    d*o + 2*o
    >>> macs(WeightNormLinear(o), on=(T, d))
    T*d*o + d*o

    References
    ----------
    Salimans, Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural Networks", NIPS 2016, arXiv
    1602.07868, equation 2.
    """

    out_features: Dim
    bias: Flag = True
    equation = """
        length[o] = sqrt(V[o, f]*V[o, f])
        W[o, f] = g[o]*V[o, f]/length[o]
        y[*t, o] = W[o, f]*x[*t, f] + (b[o] if bias else 0)
        where o < out_features
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.out_features * (shape[-1] + 1 + int(self.bias))}


class CirculantLinear(Layer):
    """A square linear map whose rows are those of the first one, turned on.

    Shapes
    ------
    input, output : (*positions, features)

    Notes
    -----
    Work is that of the sum; by Fourier transforms it is less.

    Examples
    --------
    >>> from layeralgebra import CirculantLinear, dims, macs, parameters
    >>> d = dims("d")
    >>> parameters(CirculantLinear(), on=(d,)), macs(CirculantLinear(), on=(d,))
    (d, d**2)

    References
    ----------
    Cheng, Yu, Feris, Kumar, Choudhary, Chang, "An Exploration of Parameter Redundancy in Deep Networks with Circulant Projections", ICCV 2015,
    arXiv 1502.03436, section 3, without the random signs.
    """

    equation = """
        y[*t, o] = r[(o - f) % size(f)]*x[*t, f]
        where o < size(f), r[size(f)]
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[-1]}


class KroneckerLinear(Layer):
    """A linear map whose matrix is the Kronecker product of two.

    Parameters
    ----------
    out_rows, out_columns : Dim
        The features that come out, as a matrix written row by row.
    columns : Dim
        Columns of the features that come in, as a matrix; it divides them.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_rows * out_columns)

    Examples
    --------
    >>> from layeralgebra import KroneckerLinear, dims, macs, parameters
    >>> T, a, b, p, q = dims("T a b p q")
    >>> parameters(KroneckerLinear(p, q, b), on=(T, a*b))
    a*p + b*q
    >>> macs(KroneckerLinear(p, q, b), on=(T, a*b))
    T*a*b*q + T*a*p*q

    References
    ----------
    Zhou, Wu, Wu, Zhou, "Exploiting Local Structures with the Kronecker Layer in Convolutional Networks", arXiv 1512.09194 (2015).
    """

    out_rows: Dim
    out_columns: Dim
    columns: Dim
    equation = """
        u[*t, i, q] = B[q, j]*x[*t, (i, j)]
        y[*t, (p, q)] = A[p, i]*u[*t, i, q]
        where p < out_rows, q < out_columns, j < columns
    """
    channel_axis = "last"


class KAN(Layer):
    """Sums of learned functions of one feature each: a smooth unit and cubic B-splines over equal intervals of [-1, 1].

    Parameters
    ----------
    out_features : Dim
        Features that come out.
    intervals : Dim
        Into how many [-1, 1] is cut; a function has three splines more.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, out_features)

    Notes
    -----
    The spline with support [0, 4] is written in truncated powers, ``B(u) = (r(u) - 4 r(u-1) + 6 r(u-2) - 4 r(u-3) + r(u-4))/6`` with
    ``r(u) = max(0, u)**3``, which equals the recursion of Cox and de Boor where knots are equidistant. Splines are worked out once a feature.

    Examples
    --------
    >>> from layeralgebra import KAN, dims, macs, parameters
    >>> T, d, o, g = dims("T d o g")
    >>> parameters(KAN(o, g), on=(T, d))
    d*g*o + 5*d*o
    >>> macs(KAN(o, g), on=(T, d))
    T*d*g*o + 4*T*d*o

    References
    ----------
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv 2404.19756 (2024), equations 2.10 to 2.12.
    """

    out_features: Dim
    intervals: Dim
    equation = """
        width = 2/intervals
        u[*t, f, k] = (x[*t, f] + 1)/width + 3 - k
        B[*t, f, k] = (relu(u[*t, f, k])**3 - 4*relu(u[*t, f, k] - 1)**3 + 6*relu(u[*t, f, k] - 2)**3 - 4*relu(u[*t, f, k] - 3)**3
                       + relu(u[*t, f, k] - 4)**3)/6
        S[o, f, k] = s[o, f]*C[o, f, k]
        r[*t, f] = x[*t, f]*sigmoid(x[*t, f])
        a[*t, o] = W[o, f]*r[*t, f]
        z[*t, o] = S[o, f, k]*B[*t, f, k]
        y[*t, o] = a[*t, o] + z[*t, o]
        where o < out_features, k < intervals + 3
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.out_features * shape[-1] * (self.intervals + 5)}


class Butterfly(Layer):
    """A square linear map as a product of sparse ones, each of which joins features in pairs: at distance 1, 2, 4 and so on.

    Parameters
    ----------
    factors : Dim
        How many there are. Two to this number divides the features; it is the binary logarithm of the features in the paper.

    Shapes
    ------
    input, output : (features,)

    Notes
    -----
    A factor has two numbers a row, for the feature and its partner; nothing is permuted first.

    Examples
    --------
    >>> from layeralgebra import Butterfly, dims, macs, parameters
    >>> k, m = dims("k m")
    >>> parameters(Butterfly(k), on=(2**k,)), macs(Butterfly(k), on=(2**k,))
    (2*2**k*k, 2*2**k*k)

    References
    ----------
    Dao, Gu, Eichhorn, Rudra, Ré, "Learning Fast Algorithms for Linear Transforms Using Butterfly Factorizations", ICML 2019, arXiv 1903.05895,
    section 3.1.
    """

    factors: Dim
    equation = """
        h[-1, i] = x[i]
        h[s, i] = sum[u](W[s, i, u]*h[s-1, i + 2**s*(u - floor(i/2**s) % 2)])
        y[i] = h[size(s) - 1, i]
        where s < factors, u < 2
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: 2 * self.factors * shape[-1]}


class TensorTrainLinear(Layer):
    """A linear map between features that are written as arrays of three axes, its matrix a train of three cores.

    Parameters
    ----------
    first_out, second_out, third_out : Dim
        The axes of the features that come out.
    second_in, third_in : Dim
        The last two axes of the features that come in; their product divides the features.
    rank : Dim
        Of the train, between neighbouring cores.
    bias : Flag, default True
        Whether a learned vector is added.

    Shapes
    ------
    input : (*positions, features)
    output : (*positions, first_out * second_out * third_out)

    Notes
    -----
    The cores meet the input one after the other, the first one first.

    Examples
    --------
    >>> from layeralgebra import TensorTrainLinear, dims, macs, parameters
    >>> a, b, c, p, q, s, r = dims("a b c p q s r")
    >>> parameters(TensorTrainLinear(p, q, s, b, c, r, bias=False), on=(a*b*c,))
    a*p*r + b*q*r**2 + c*r*s
    >>> macs(TensorTrainLinear(p, q, s, b, c, r), on=(a*b*c,))
    a*b*c*p*r + b*c*p*q*r**2 + c*p*q*r*s

    References
    ----------
    Novikov, Podoprikhin, Osokin, Vetrov, "Tensorizing Neural Networks", NIPS 2015, arXiv 1509.06569, equation 5.
    """

    first_out: Dim
    second_out: Dim
    third_out: Dim
    second_in: Dim
    third_in: Dim
    rank: Dim
    bias: Flag = True
    equation = """
        X[*t, i, j, k] = x[*t, (i, j, k)]
        a[*t, j, k, p, r] = G[i, p, r]*X[*t, i, j, k]
        b[*t, k, p, q, s] = H[r, j, q, s]*a[*t, j, k, p, r]
        y[*t, (p, q, o)] = K[s, k, o]*b[*t, k, p, q, s] + (c[p, q, o] if bias else 0)
        where p < first_out, q < second_out, o < third_out, j < second_in, k < third_in, r < rank, s < rank
    """
    channel_axis = "last"
