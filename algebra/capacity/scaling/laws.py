r"""How weights and biases must shrink with depth, for capacity propagation to have a non-degenerate continuous limit.

The conjecture: a deep architecture avoids shattering only if L times the moments of one layer's propagation has a limit
that is finite and not zero. With an amplitude ``eps = c L^-alpha`` and a moment ``m(eps) ~ C eps^beta`` that is
``L m -> C c^beta L^(1 - alpha beta)``: alpha must be ``1/beta`` for the moment of least order. Nothing is looked up:
beta and C are the leading term of whatever moments the block has.

>>> from sympy import Rational, symbols
>>> a, b, eps = symbols("a b epsilon", positive=True)
>>> found = residual_scaling([a, b, a], eps)
>>> found.exponent, found.verdict, found.deciding
(1/2, 'converges', 'variance')
>>> found.limits["variance"]
2*a**2*c**2
>>> found.at(Rational(1, 4)).verdict, found.at(1).verdict
('shatters', 'vanishes')

References
----------
Donier, J. (2019). Scaling up deep neural networks: a capacity allocation perspective. arXiv:1903.04455. Reconstruction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Poly,
    PolynomialError,
    Symbol,
    diff,
    fraction,
    solveset,
    sympify,
    together,
)
from sympy import S as Sets

from ...arguments import shown
from ...errors import FieldError, UnsupportedError
from ...records import dataclass
from ..propagation.generating_functions import KernelWalk

SOURCE = "reconstruction of Donier 2019, arXiv:1903.04455"


def leading_power(expression: Any, amplitude: Symbol) -> tuple[Expr, Expr]:
    """The leading term ``C eps^beta`` of an expression as eps falls to zero, as the pair (C, beta).

    Examples
    --------
    >>> from sympy import symbols
    >>> s, eps = symbols("s epsilon", positive=True)
    >>> leading_power(eps**2 * s / (1 + eps**2 * s), eps)
    (s, 2)

    Raises
    ------
    UnsupportedError
        If the expression has no such term, as ``log(eps)`` has not.
    """
    expression = sympify(expression, strict=True)
    if not expression.has(amplitude):
        return expression, Integer(0)
    numerator, denominator = fraction(together(expression))
    try:
        lowest = [Poly(part, amplitude).terms()[-1] for part in (numerator, denominator)]
    except PolynomialError:
        parts = [_least(part, amplitude) for part in (numerator, denominator)]
        if None not in parts:
            (above, first), (below, second) = (part for part in parts if part is not None)
            return (above / below).cancel(), first - second
        term = expression.as_leading_term(amplitude)
        coefficient, power = term.as_coeff_exponent(amplitude)
        if coefficient.has(amplitude) or power.has(amplitude):
            raise UnsupportedError(f"{expression} has no leading power of {amplitude}") from None
        return coefficient, power
    ((above,), one), ((below,), two) = lowest
    return (one / two).cancel(), Integer(above - below)


def _least(part: Expr, amplitude: Symbol) -> tuple[Expr, Expr] | None:
    """The term of least power of a sum of powers, symbolic ones too; None where that is not known."""
    powers: dict[Expr, Expr] = {}
    for term in Add.make_args(part.expand()):
        coefficient, power = term.as_coeff_exponent(amplitude)
        if coefficient.has(amplitude) or power.has(amplitude):
            return None
        powers[power] = powers.get(power, Integer(0)) + coefficient
    powers = {power: coefficient for power, coefficient in powers.items() if coefficient.cancel() != 0}
    for power, coefficient in powers.items():
        if all((other - power).is_nonnegative for other in powers):
            return coefficient, power
    return None


@dataclass(frozen=True)
class Verdict:
    """What happens at one exponent.

    Attributes
    ----------
    exponent : sympy.Expr
    verdict : str
        ``shatters`` if a moment of the whole network diverges, ``vanishes`` if all of them die out, ``converges`` if
        the largest stays finite.
    deciding : str or None
        The moment that decides.
    orders : mapping from moment to sympy.Expr
        The power of the depth with which each moment of the whole network grows.
    """

    exponent: Expr
    verdict: str
    deciding: str | None
    orders: Mapping[str, Expr]


@dataclass(frozen=True)
class Scaling:
    """How an amplitude must scale with depth.

    Attributes
    ----------
    exponent : sympy.Expr or None
        alpha in ``eps = c L^-alpha``; None if no exponent gives a limit that is finite and not zero.
    verdict : str
        At that exponent ``converges``; without one, what happens at any exponent.
    deciding : str or None
        The moment that decides.
    leading : mapping from moment to (coefficient, power)
        ``C eps^beta`` for each moment of one layer.
    limits : mapping from moment to sympy.Expr
        What L times each moment tends to at the exponent, in terms of c.
    """

    exponent: Expr | None
    verdict: str
    deciding: str | None
    leading: Mapping[str, tuple[Expr, Expr]]
    limits: Mapping[str, Expr]
    amplitude: Symbol
    constant: Symbol

    kind = "conjecture"
    source = SOURCE

    def at(self, exponent: Any) -> Verdict:
        """What happens at a given exponent."""
        alpha = sympify(exponent, strict=True)
        orders = {name: 1 - alpha * power for name, (coefficient, power) in self.leading.items() if coefficient != 0}
        if not orders:
            return Verdict(alpha, "vanishes", None, {})
        # The moment that grows fastest decides: if even it dies out, all do.
        if any(not order.is_number for order in orders.values()):
            raise UnsupportedError(
                f"whether L^({next(iter(orders.values()))}) grows depends on the size of its symbols; give the branch a depth"
            )
        deciding = max(orders, key=lambda name: orders[name])
        order = orders[deciding]
        verdict = "shatters" if order > 0 else "vanishes" if order < 0 else "converges"
        return Verdict(alpha, verdict, deciding, orders)


def scaling_exponent(moments: Mapping[str, Any], amplitude: Symbol) -> Scaling:
    """The exponent with which an amplitude must shrink, derived from the moments of one layer.

    Parameters
    ----------
    moments : mapping from name to sympy.Expr
        Moments of one layer's propagation, as functions of the amplitude. "Layer" is whatever is repeated: a residual
        block over the depth, a channel over the width, a step over the memory.
    amplitude : sympy.Symbol

    Returns
    -------
    Scaling

    Raises
    ------
    UnsupportedError
        If a moment has no leading power of the amplitude, or a leading power that is not a number.
    """
    if not isinstance(amplitude, Symbol):
        raise FieldError(f"an amplitude is a symbol, got {shown(amplitude)}")
    if not moments:
        raise FieldError("a scaling needs at least one moment")
    leading = {name: leading_power(moment, amplitude) for name, moment in moments.items()}
    powers = {power for coefficient, power in leading.values() if coefficient != 0}
    for name, (_, power) in leading.items():
        # A power such as 2 L, of a branch of L layers, is known to be the least where it is the only one.
        if not power.is_Rational and not (power.is_integer and power.is_positive and len(powers) == 1):
            raise UnsupportedError(f"the moment {name!r} vanishes with the power {power}, which is not a number")
    constant = Symbol("c", positive=True)
    if any(constant in moment.free_symbols for moment in map(sympify, moments.values())):
        constant = Symbol("c_0", positive=True)
    present = {name: power for name, (coefficient, power) in leading.items() if coefficient != 0}
    if not present:
        return Scaling(None, "vanishes", None, leading, {}, amplitude, constant)
    deciding = min(present, key=lambda name: present[name]) if len(powers) > 1 else next(iter(present))
    if not present[deciding].is_positive:
        # One layer's moment does not vanish with the amplitude, so that of many diverges whatever the exponent.
        return Scaling(None, "shatters", deciding, leading, {}, amplitude, constant)
    exponent = 1 / present[deciding]  # where L times the moment is of order zero in L
    limits = {
        name: coefficient * constant**power if power == present.get(deciding) else Integer(0)
        for name, (coefficient, power) in leading.items()
    }
    return Scaling(exponent, "converges", deciding, leading, limits, amplitude, constant)


def propagation_moments(generating_function: Any, variable: Symbol, *, centred: bool = True) -> dict[str, Expr]:
    """Drift, variance and leak of a walk, by differentiating its generating function at one.

    Parameters
    ----------
    generating_function : sympy.Expr
    variable : sympy.Symbol
    centred : bool
        Variance about the mean, or about zero.
    """
    first = diff(generating_function, variable)
    second = diff(first, variable)
    at_one = {variable: Integer(1)}
    mass = together(generating_function.subs(at_one))
    drift = together(first.subs(at_one))
    square = together((second + first).subs(at_one))
    variance = square / mass - (drift / mass) ** 2 if centred else square
    return {"drift": drift, "variance": together(variance), "leak": together(1 - mass)}


def residual_scaling(taps: Sequence[Any], amplitude: Symbol, bias: Any = 0) -> Scaling:
    """The scaling of the block ``x + eps f(conv x + b)`` with the depth.

    Parameters
    ----------
    taps : sequence
        Weights, of which `amplitude` is a common factor.
    amplitude : sympy.Symbol
    bias : number or sympy.Expr
        Multiplied by the amplitude as well.
    """
    variable = Dummy("z", positive=True)
    block = KernelWalk.from_taps(taps, bias=bias).residual(amplitude)
    return scaling_exponent(propagation_moments(block.generating_function(variable), variable), amplitude)


def bias_scaling(weight_strength: Any, amplitude: Symbol) -> Scaling:
    """The scaling of a bias ``eps`` in the block ``x + f(w x + eps)``, whose weights have the squared length given.

    >>> from sympy import symbols
    >>> s, eps = symbols("s epsilon", positive=True)
    >>> bias_scaling(s, eps).exponent, bias_scaling(s, eps).deciding
    (1/2, 'leak')
    """
    strength = sympify(weight_strength, strict=True)
    kept = (1 + strength) / (1 + strength + amplitude**2)
    return scaling_exponent({"leak": 1 - kept}, amplitude)


@dataclass(frozen=True)
class WidthScaling:
    """How the weights of a layer of many channels scale with their number.

    Attributes
    ----------
    scaling : Scaling
        Over the channels: the exponent of a single weight.
    variance : sympy.Expr
        The variance of a weight for which the signal keeps its own through any number of layers.
    """

    scaling: Scaling
    variance: Expr

    kind = "conjecture"
    source = SOURCE


def width_scaling(channels: Any, activation_energy: Any = 1) -> WidthScaling:
    """Xavier's rule, derived: the weights of a layer of n channels have the variance ``1 / (n E f^2)``.

    Each channel brings ``eps^2 E f^2`` to the variance of the next layer: that fixes the exponent of eps in n, 1/2. The
    limit ``g = c^2 E f^2`` is the gain of a layer; L layers have the gain ``g^L``, which stays finite and does not
    vanish for ``g = 1`` alone: that fixes c.

    Parameters
    ----------
    channels : int or sympy.Expr
        n.
    activation_energy : number or sympy.Expr
        ``E f(x)^2`` for standard normal x: 1 for the identity, 1/2 for ReLU.

    Examples
    --------
    >>> from sympy import Rational, symbols
    >>> n = symbols("n_in", integer=True, positive=True)
    >>> width_scaling(n).variance, width_scaling(n, Rational(1, 2)).variance, width_scaling(n).scaling.exponent
    (1/n_in, 2/n_in, 1/2)
    """
    amplitude = Symbol("epsilon", positive=True)
    energy = sympify(activation_energy, strict=True)
    found = scaling_exponent({"variance": amplitude**2 * energy}, amplitude)
    gain = found.limits["variance"]
    # log(g^L) = L log g has a limit that is neither of the infinities only where log g = 0.
    square = Dummy("square", positive=True)
    assert found.exponent is not None  # the moment is of order two in the amplitude
    (solution,) = solveset(gain.subs(found.constant**2, square) - 1, square, Sets.Complexes)
    count = sympify(channels, strict=True)
    return WidthScaling(found, solution * count ** (-2 * found.exponent))


@dataclass(frozen=True)
class MemoryScaling:
    """How the input weights of a recurrent network scale with the memory it is to have.

    Attributes
    ----------
    scaling : Scaling
        Over the steps: the exponent of the input weights.
    share : sympy.Expr
        p, the share of capacity that stays at each step.
    mean_lag : sympy.Expr
        The mean number of steps that capacity goes back, exactly.
    """

    scaling: Scaling
    share: Expr
    mean_lag: Expr

    kind = "conjecture"
    source = SOURCE


def memory_scaling(amplitude: Symbol) -> MemoryScaling:
    """The scaling of the input weights in ``h_t = (h_(t-1) + eps f(x_t)) / sqrt(1 + eps^2)`` with the memory.

    Going back in time, capacity stays at a step with the share ``p = eps^2 / (1 + eps^2)`` and goes on otherwise: the
    lag has the generating function ``p / (1 - (1 - p) z)``.

    Examples
    --------
    >>> eps = Symbol("epsilon", positive=True)
    >>> memory_scaling(eps).share, memory_scaling(eps).mean_lag, memory_scaling(eps).scaling.exponent
    (epsilon**2/(epsilon**2 + 1), epsilon**(-2), 1/2)
    """
    variable = Dummy("z", positive=True)
    share = amplitude**2 / (1 + amplitude**2)
    lag = share / (1 - (1 - share) * variable)
    mean = diff(lag, variable).subs(variable, 1).cancel()
    return MemoryScaling(scaling_exponent({"share": share}, amplitude), share, mean)
