"""Elementwise functions, softmax, and what passes its input on."""

from __future__ import annotations

from ..algebra.equations.fields import Flag, Number
from ..algebra.networks.layer import Layer

__all__ = [
    "Identity", "Dropout", "StochasticDepth", "ReLU", "ReLU6", "LeakyReLU", "PReLU", "Abs", "Hardtanh", "Hardswish", "Hardsigmoid", "Sigmoid", "Tanh", "Softplus",
    "ELU", "GELU", "SiLU", "Mish", "Sine", "Softmax",
]  # fmt: skip


class Identity(Layer):
    """The input itself; in a series it disappears.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Identity, ReLU
    >>> Identity() >> ReLU()
    ReLU()

    References
    ----------
    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385, section 3.2.
    """

    equation = "y[*i] = x[*i]"


class Dropout(Layer):
    """Dropout as at inference: the identity, at no cost.

    Parameters
    ----------
    probability : Number, default 0.5
        The share of elements set to zero in training, from 0 to 1; the equation does not use it.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Dropout, dims, flops
    >>> flops(Dropout(), on=dims("T d"))
    0

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15 (2014). That nothing is scaled at inference is the convention of PyTorch.

    PyTorch documentation, "torch.nn.Dropout", https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html.
    """

    probability: Number = 0.5
    equation = "y[*i] = x[*i]"


class StochasticDepth(Layer):
    """Stochastic depth as at inference: the identity, at no cost.

    Parameters
    ----------
    probability : Number, default 0.1
        The share of inputs whose branch is left out in training, from 0 to 1; the equation does not use it.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, StochasticDepth, parameters
    >>> parameters(Identity() + (Linear(8) >> StochasticDepth()), on=(8,))
    72

    References
    ----------
    Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016, arXiv 1603.09382. That nothing
    is scaled at inference is the convention of torchvision.

    torchvision documentation, "torchvision.ops.StochasticDepth",
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.StochasticDepth.html.
    """

    probability: Number = 0.1
    equation = "y[*i] = x[*i]"


class ReLU(Layer):
    """The rectified linear unit, max(x, 0).

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import ReLU, run
    >>> print(run(ReLU(), [-1, 0, 2]))
    [0 0 2]

    References
    ----------
    Fukushima, "Visual Feature Extraction by a Multilayered Network of Analog Threshold Elements", IEEE Transactions on
    Systems Science and Cybernetics 5 (1969), doi 10.1109/TSSC.1969.300225.
    """

    equation = "y[*i] = relu(x[*i])"


class ReLU6(Layer):
    """A rectified linear unit that saturates, min(max(x, 0), 6).

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import ReLU6, run
    >>> print(run(ReLU6(), [-1, 2, 9]))
    [0 2 6]

    References
    ----------
    Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", manuscript, 2010.
    """

    equation = "y[*i] = min(max(x[*i], 0), 6)"


class LeakyReLU(Layer):
    """x where positive, a small multiple of it elsewhere.

    Parameters
    ----------
    slope : Number, default 0.01
        The factor of negative elements.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import LeakyReLU, run
    >>> print(run(LeakyReLU(3), [-1, 2]))
    [-3  2]

    References
    ----------
    Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013 workshop on deep
    learning for audio, speech and language processing.
    """

    slope: Number = 0.01
    equation = "y[*i] = max(x[*i], 0) + slope * min(x[*i], 0)"


class PReLU(Layer):
    """A leaky ReLU with a learned slope.

    Parameters
    ----------
    per_channel : Flag, default False
        One slope for each channel, or one for all.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import PReLU, dims, parameters
    >>> parameters(PReLU(), on=dims("c H W")), parameters(PReLU(per_channel=True), on=dims("c H W"))
    (1, c)

    References
    ----------
    He, Zhang, Ren, Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
    ICCV 2015, arXiv 1502.01852, equation 1.
    """

    per_channel: Flag = False
    equation = """
        y[c, *i] = max(x[c, *i], 0) + (a[c] if per_channel else s[0]) * min(x[c, *i], 0)
    """


class Abs(Layer):
    """The absolute value.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Abs, run
    >>> print(run(Abs(), [-1, 0, 2]))
    [1 0 2]

    References
    ----------
    Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the Best Multi-Stage Architecture for Object Recognition?", ICCV
    2009, doi 10.1109/ICCV.2009.5459469.
    """

    equation = "y[*i] = abs(x[*i])"


class Hardtanh(Layer):
    """x, held between two numbers: min(max(x, low), high).

    Parameters
    ----------
    low : Number, default -1
        The least value.
    high : Number, default 1
        The greatest value.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Hardtanh, run
    >>> print(run(Hardtanh(0, 2), [-1, 1, 3]))
    [0 1 2]

    References
    ----------
    Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa, "Natural Language Processing (Almost) from Scratch", JMLR 12
    (2011), arXiv 1103.0398.

    PyTorch documentation, "torch.nn.Hardtanh", https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html.
    """

    low: Number = -1
    high: Number = 1
    equation = "y[*i] = min(max(x[*i], low), high)"


class Hardsigmoid(Layer):
    """A sigmoid of straight pieces, min(max(x + 3, 0), 6) / 6.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Hardsigmoid, run
    >>> print(run(Hardsigmoid(), [-3.0, 0.0, 3.0]))
    [0.  0.5 1. ]

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv 1905.02244, section 5.2.
    """

    equation = "y[*i] = min(max(x[*i] + 3, 0), 6) / 6"


class Hardswish(Layer):
    """SiLU with a sigmoid of straight pieces, x min(max(x + 3, 0), 6) / 6.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Hardswish, run
    >>> print(run(Hardswish(), [-1.0, 0.0, 3.0]).round(4))
    [-0.3333  0.      3.    ]

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv 1905.02244, section 5.2.
    """

    equation = "y[*i] = x[*i] * min(max(x[*i] + 3, 0), 6) / 6"


class Sigmoid(Layer):
    """The logistic function, 1 / (1 + exp(-x)).

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Sigmoid, run
    >>> print(run(Sigmoid(), [0.0, 2.0]).round(4))
    [0.5    0.8808]

    References
    ----------
    Rumelhart, Hinton, Williams, "Learning Representations by Back-Propagating Errors", Nature 323 (1986), doi
    10.1038/323533a0, equation 2.
    """

    equation = "y[*i] = sigmoid(x[*i])"


class Tanh(Layer):
    """The hyperbolic tangent.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Tanh, run
    >>> print(run(Tanh(), [0.0, 2.0]).round(4))
    [0.    0.964]

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", in Neural Networks: Tricks of the Trade, Springer, 1998, doi
    10.1007/3-540-49430-8_2.
    """

    equation = "y[*i] = tanh(x[*i])"


class Softplus(Layer):
    """A smooth rectified linear unit, log(1 + exp(x)).

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Softplus, run
    >>> print(run(Softplus(), [0.0, 2.0]).round(4))
    [0.6931 2.1269]

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau, Garcia, "Incorporating Second-Order Functional Knowledge for Better Option Pricing",
    NIPS 2000.
    """

    equation = "y[*i] = softplus(x[*i])"


class ELU(Layer):
    """The exponential linear unit: x where positive, alpha (exp(x) - 1) elsewhere.

    Parameters
    ----------
    alpha : Number, default 1
        Minus the limit for large negative elements.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import ELU, run
    >>> print(run(ELU(), [-1.0, 2.0]).round(4))
    [-0.6321  2.    ]

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)", ICLR
    2016, arXiv 1511.07289.
    """

    alpha: Number = 1
    equation = "y[*i] = max(x[*i], 0) + min(alpha * (exp(x[*i]) - 1), 0)"


class GELU(Layer):
    """The Gaussian error linear unit, x Phi(x) with the normal distribution Phi, or its tanh approximation.

    Parameters
    ----------
    approximate : Flag, default False
        The approximation by a hyperbolic tangent in place of the error function.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import GELU, run
    >>> print(run(GELU(), [-1.0, 2.0]).round(4))
    [-0.1587  1.9545]

    References
    ----------
    Hendrycks, Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415 (2016), section 2.
    """

    approximate: Flag = False
    equation = """
        u[*i] = (tanh(sqrt(2/pi) * (x[*i] + 0.044715*x[*i]**3)) if approximate else erf(x[*i] / sqrt(2)))
        y[*i] = x[*i] * (1 + u[*i]) / 2
    """


class SiLU(Layer):
    """The sigmoid-weighted linear unit, x sigmoid(x), also called swish.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import SiLU, run
    >>> print(run(SiLU(), [-1.0, 2.0]).round(4))
    [-0.2689  1.7616]

    References
    ----------
    Elfwing, Uchibe, Doya, "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement
    Learning", Neural Networks 107 (2018), arXiv 1702.03118.
    """

    equation = "y[*i] = x[*i] * sigmoid(x[*i])"


class Mish(Layer):
    """A self-gated unit, x tanh(softplus(x)).

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Mish, run
    >>> print(run(Mish(), [-1.0, 2.0]).round(4))
    [-0.3034  1.944 ]

    References
    ----------
    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020, arXiv 1908.08681.
    """

    equation = "y[*i] = x[*i] * tanh(softplus(x[*i]))"


class Sine(Layer):
    """A periodic activation, sin(frequency x).

    Parameters
    ----------
    frequency : Number, default 1
        Radians for each unit of x.

    Shapes
    ------
    input, output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Sine, run
    >>> print(run(Sine(30), [0.0, 0.1]).round(4))
    [0.     0.1411]

    References
    ----------
    Sitzmann, Martel, Bergman, Lindell, Wetzstein, "Implicit Neural Representations with Periodic Activation Functions",
    NeurIPS 2020, arXiv 2006.09661.
    """

    frequency: Number = 1
    equation = "y[*i] = sin(frequency * x[*i])"


class Softmax(Layer):
    """Normalised exponentials along the last axis, y[f] = exp(x[f]) / sum over g of exp(x[g]).

    Shapes
    ------
    input, output : (*positions, features)

    Examples
    --------
    >>> from layeralgebra import Softmax, run
    >>> print(run(Softmax(), [[0.0, 0.0], [0.0, 2.0]]).round(4))
    [[0.5    0.5   ]
     [0.1192 0.8808]]

    References
    ----------
    Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs, with Relationships to
    Statistical Pattern Recognition", in Neurocomputing: Algorithms, Architectures and Applications, Springer, 1990.
    """

    equation = "y[*t, f] = softmax[f](x[*t, f])"
