r"""How far capacity spreads: mean and variance of where it goes, at symbolic depth, width of kernel and stride.

Offsets of independent layers add, those of a layer counted in steps of the layers before it. So mean, variance and jump
form a monoid: ``(m, v, s)(m', v', s') = (m + s m', v + s^2 v', s s')``, the first factor next to the input. The square
root of the variance is the effective receptive field.

>>> from sympy import symbols, sqrt
>>> k, L, s = symbols("k L s", integer=True, positive=True)
>>> uniform(3).power(5).sigma.evalf(5), uniform(5).power(10).sigma.evalf(5)
(1.8257, 4.4721)
>>> uniform(k).power(L).variance
L*(k**2/12 - 1/12)
>>> uniform(k, stride=2).power(L).variance
(4**L/3 - 1/3)*(k**2/12 - 1/12)

References
----------
Donier, J. (2019). Capacity allocation through neural network layers. arXiv:1902.08572. Reconstruction.
Luo, W., Li, Y., Urtasun, R., Zemel, R. (2016). Understanding the effective receptive field in deep convolutional neural
networks. NIPS.
"""

from __future__ import annotations

from typing import Any

from sympy import Eq, Expr, Integer, Piecewise, Product, Rational, Sum, Symbol, sqrt, sympify

from ...arguments import shown
from ...errors import FieldError
from ...records import dataclass
from ...sizes.dims import as_size
from .transitions import SOURCE


@dataclass(frozen=True)
class Spread:
    """Where the capacity of one output of a part of a network goes, along one axis.

    Attributes
    ----------
    mean, variance : sympy.Expr
        Of the input position, from the position of the output's first input, in inputs; of what reaches the inputs.
    jump : sympy.Expr
        Inputs per output: the product of the strides.
    mass : sympy.Expr
        The share that reaches the inputs; the rest leaks into biases.
    """

    mean: Expr = Integer(0)
    variance: Expr = Integer(0)
    jump: Expr = Integer(1)
    mass: Expr = Integer(1)

    kind = "surrogate"
    source = SOURCE

    @property
    def sigma(self) -> Expr:
        """The effective receptive field: the standard deviation of where capacity goes."""
        return sqrt(self.variance)

    def __rshift__(self, following: Spread) -> Spread:
        if not isinstance(following, Spread):
            return NotImplemented
        return Spread(
            self.mean + self.jump * following.mean,
            self.variance + self.jump**2 * following.variance,
            self.jump * following.jump,
            self.mass * following.mass,
        )

    def power(self, count: Any) -> Spread:
        """So many copies in series, the number possibly symbolic.

        Where the jump is not known to be one or not, the sums of its powers have both branches.
        """
        count = as_size(count, "the number of copies", least=0)
        return Spread(
            self.mean * _geometric(self.jump, count),
            self.variance * _geometric(self.jump**2, count),
            self.jump**count,
            self.mass**count,
        )


def _geometric(ratio: Expr, count: Expr) -> Expr:
    """``1 + r + ... + r^(n-1)``."""
    closed = (ratio**count - 1) / (ratio - 1) if ratio != 1 else count
    if ratio == 1 or (ratio - 1).is_nonzero:
        return closed
    return Piecewise((count, Eq(ratio, 1)), (closed, True))


def uniform(kernel: Any, *, stride: Any = 1, dilation: Any = 1) -> Spread:
    """A kernel whose taps bring equal variance on average, such as a random one: ``dilation^2 (k^2 - 1)/12``."""
    kernel = as_size(kernel, "the kernel")
    stride, dilation = as_size(stride, "the stride"), as_size(dilation, "the dilation")
    return Spread(dilation * (kernel / 2 - Rational(1, 2)), dilation**2 * (kernel**2 / 12 - Rational(1, 12)), stride)


def stacked(variance: Any, stride: Any, layer: Symbol, depth: Any, mean: Any = 0, mass: Any = 1) -> Spread:
    """A stack whose layers differ: variance, stride, mean and mass of a layer are expressions in its number, from 0.

    Parameters
    ----------
    variance, stride : sympy.Expr
        In `layer`.
    layer : sympy.Symbol
    depth : int or sympy.Expr
    mean, mass : sympy.Expr
        In `layer`; positions are counted from the centre by default, and nothing leaks.

    Returns
    -------
    Spread
        ``sum_l (prod_(i<l) s_i)^2 v_l``; unevaluated for a symbolic depth (`doit` closes it where SymPy can).

    Examples
    --------
    >>> from sympy import symbols
    >>> l = symbols("l", integer=True, nonnegative=True)
    >>> L = symbols("L", integer=True, positive=True)
    >>> dilated = stacked(4**l * Rational(1, 4), 1, l, L)
    >>> dilated.variance.doit().equals((4**L - 1) / 12)
    True
    """
    if not isinstance(layer, Symbol):
        raise FieldError(f"the number of a layer is a symbol, got {shown(layer)}")
    variance, stride, mean, mass = (sympify(part, strict=True) for part in (variance, stride, mean, mass))
    depth = as_size(depth, "the depth")
    earlier = Symbol("i", integer=True, nonnegative=True)
    if earlier == layer:
        earlier = Symbol("j", integer=True, nonnegative=True)

    def jump(until: Expr) -> Expr:
        if stride == 1:
            return Integer(1)
        return (
            stride**until
            if not stride.has(layer)
            else Product(stride.xreplace({layer: earlier}), (earlier, 0, until - 1))
        )

    def total(part: Expr) -> Expr:
        return Integer(0) if part == 0 else Sum(part, (layer, 0, depth - 1))

    kept = mass**depth if not mass.has(layer) else Product(mass, (layer, 0, depth - 1))
    made = Spread(total(jump(layer) * mean), total(jump(layer) ** 2 * variance), jump(depth), kept)
    if depth.is_Integer:
        return Spread(*(part.doit() for part in (made.mean, made.variance, made.jump, made.mass)))
    return made
