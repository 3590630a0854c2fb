r"""How far an activation decouples its layers: ``D(f) = 1 - (E f')^2 / E f'^2`` for standard normal inputs.

D is the share of the energy of the gradient that is not in its mean: 0 for a linear unit, 1 where the sign of the slope
says nothing of the input. The closed forms are integrals that SymPy does over the pieces of the activation, or Gaussian
integrals of sines and exponentials; anything else is integrated numerically, with a bound of the error where ball
arithmetic is at hand and an estimate elsewhere.

>>> from sympy import Symbol, sin, erf, Max
>>> x, a = Symbol("x", real=True), Symbol("a", positive=True)
>>> decoupling(Max(0, x), x).value, decoupling(abs(x), x).value, decoupling(2 * x + 1, x).value
(1/2, 1, 0)
>>> decoupling(sin(x), x).value
(-2*E + 1 + exp(2))/(1 + exp(2))

Notes
-----
D depends on the distribution of the inputs: standard normal means layers wide enough, and normalised. The measure is
ours: the capacity papers speak of (pseudo-random) decoupled and coupled networks and give, as far as we could read
them, no such number. ``kind = "surrogate"``, ``source = "reconstruction"``.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Symbol, diff, erf, exp, pi, sqrt, sympify, tanh

from ...arguments import shown
from ...errors import DomainError, FieldError, UnsupportedError
from ...records import dataclass
from .gaussian_integrals import gaussian_mean, pieces


@dataclass(frozen=True)
class Decoupling:
    """How far an activation decouples.

    Attributes
    ----------
    value : sympy.Expr
        D(f); exact if `error` is zero, else a number.
    mean_slope, energy : sympy.Expr
        ``E f'`` and ``E f'^2``.
    error : float
        A bound of the error of `value` if `bounded`, else an estimate of it; zero for closed forms.
    how : str
    """

    value: Expr
    mean_slope: Expr
    energy: Expr
    error: float
    bounded: bool
    how: str

    kind = "surrogate"
    source = "reconstruction"


def decoupling(activation: Any, variable: Symbol) -> Decoupling:
    """``D(f) = 1 - (E f')^2 / E f'^2`` for standard normal inputs.

    Parameters
    ----------
    activation : sympy.Expr
        In `variable`, possibly with parameters; continuous, differentiable but for kinks.
    variable : sympy.Symbol
        Declared real.

    Returns
    -------
    Decoupling

    Raises
    ------
    DomainError
        If the activation jumps, so that its slope has no energy, or is constant.
    UnsupportedError
        If there is no closed form, and parameters stand in the way of a number.

    Examples
    --------
    >>> from sympy import Min, Max
    >>> x, a = Symbol("x", real=True), Symbol("a", positive=True)
    >>> leaky = decoupling(Max(0, x) + a * Min(0, x), x).value
    >>> leaky.equals((1 - a)**2 / (2 * (1 + a**2)))
    True
    >>> round(float(decoupling(tanh(x), x).value), 6)
    0.209998
    """
    if not isinstance(variable, Symbol) or variable.is_extended_real is not True:
        raise FieldError(
            f"the variable of an activation is a real symbol, got {shown(variable)}; write Symbol('x', real=True)"
        )
    activation = sympify(activation, strict=True)
    parts = pieces(activation, variable)
    for (_, place, left), (_, _, right) in zip(parts, parts[1:], strict=False):
        step = (right - left).subs(variable, place)
        if not (step.is_zero or step.cancel().is_zero or (step.is_number and abs(step.evalf()) < 1e-12)):
            raise DomainError(f"the activation jumps by {step} at {place}, so the energy of its slope is infinite")
    slopes = [(low, high, diff(part, variable)) for low, high, part in parts]
    if all(slope == 0 for _, _, slope in slopes):
        raise DomainError("a constant activation has no slope, and no decoupling")
    from sympy import Piecewise

    slope = Piecewise(*[(part, variable < high) for _, high, part in slopes[:-1]], (slopes[-1][2], True))
    try:
        mean, energy = gaussian_mean(slope, variable), gaussian_mean(slope**2, variable)
    except UnsupportedError:
        return _numeric(slopes, variable)
    value = (1 - mean**2 / energy).cancel()
    return Decoupling(value, mean, energy, 0.0, True, "Gaussian integrals in closed form")


def _numeric(slopes: list[tuple[Expr, Expr, Expr]], variable: Symbol) -> Decoupling:
    """By rigorous ball arithmetic where python-flint is there and knows the functions, else by mpmath's quadrature."""
    loose = {symbol for _, _, part in slopes for symbol in part.free_symbols} - {variable}
    if loose:
        raise UnsupportedError(f"there is no closed form with {sorted(map(str, loose))}; give them values")
    try:
        mean, energy = (_rigorous(slopes, variable, power) for power in (1, 2))
        bounded, how = True, "ball arithmetic"
    except (ImportError, UnsupportedError):
        mean, energy = (_estimated(slopes, variable, power) for power in (1, 2))
        bounded, how = False, "quadrature"
    (m, dm), (e, de) = mean, energy
    if not e > de:
        raise UnsupportedError("the energy of the slope could not be told from zero")
    # |d (m^2/e)| over the box of both errors.
    error = ((abs(m) + dm) ** 2 - m**2) / (e - de) + m**2 * de / (e * (e - de))
    return Decoupling(sympify(1 - m**2 / e), sympify(m), sympify(e), float(error) + 1e-15, bounded, how)


_REACH = 30
"""Beyond it the normal density is below 1e-195, and every slope of less than Gaussian growth brings nothing."""


def _rigorous(slopes: list[tuple[Expr, Expr, Expr]], variable: Symbol, power: int) -> tuple[float, float]:
    from flint import acb, ctx

    total = acb(0)
    old, ctx.prec = ctx.prec, 100
    try:
        for low, high, part in slopes:
            start, stop = (acb(str(max(-_REACH, min(_REACH, limit.evalf(40))))) for limit in (low, high))
            weight = part**power * exp(-(variable**2) / 2) / sqrt(2 * pi)
            _ball(weight, variable, (start + stop) / 2, False)  # an unknown function shows here, not in a callback

            def integrand(z: Any, analytic: bool, weight: Expr = weight) -> Any:
                return _ball(weight, variable, z, analytic)

            total += acb.integral(integrand, start, stop)
        if not total.is_finite():
            raise UnsupportedError("the balls grew without bound")
        return float(total.real.mid()), float(total.real.rad()) + 1e-190
    finally:
        ctx.prec = old


def _ball(expression: Expr, variable: Symbol, z: Any, analytic: bool) -> Any:
    """An expression at a complex ball; functions with branch cuts are told when they must not cross one."""
    from flint import acb
    from sympy import Add, Mul, Pow, cos, cosh, log, sin, sinh

    if expression == variable:
        return z
    if expression.is_Integer:
        return acb(int(expression))
    if expression.is_Rational:
        return acb(int(expression.p)) / int(expression.q)
    if expression == pi:
        return acb.pi()
    if expression.is_Float:
        return acb(float(expression))
    arguments = [_ball(argument, variable, z, analytic) for argument in expression.args]
    if isinstance(expression, Add):
        return sum(arguments[1:], arguments[0])
    if isinstance(expression, Mul):
        total = arguments[0]
        for factor in arguments[1:]:
            total *= factor
        return total
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        return arguments[0] ** int(expression.exp)
    if isinstance(expression, Pow) and not expression.base.has(variable) and expression.base.is_positive:
        return arguments[0] ** arguments[1]
    if isinstance(expression, log) and len(arguments) == 1:
        return arguments[0].log(analytic=analytic)
    for head, name in (
        (exp, "exp"),
        (tanh, "tanh"),
        (sin, "sin"),
        (cos, "cos"),
        (sinh, "sinh"),
        (cosh, "cosh"),
        (erf, "erf"),
    ):
        if isinstance(expression, head):
            return getattr(arguments[0], name)()
    raise UnsupportedError(f"no ball arithmetic for {expression.func.__name__}")


def _estimated(slopes: list[tuple[Expr, Expr, Expr]], variable: Symbol, power: int) -> tuple[float, float]:
    import mpmath
    from sympy import lambdify

    total, error = mpmath.mpf(0), mpmath.mpf(0)
    for low, high, part in slopes:
        weight = lambdify(variable, part**power * exp(-(variable**2) / 2) / sqrt(2 * pi), "mpmath")
        start, stop = (max(-_REACH, min(_REACH, float(limit))) for limit in (low, high))
        cuts = [start, *[cut for cut in range(-_REACH, _REACH + 1, 2) if start < cut < stop], stop]
        value, doubt = mpmath.quad(weight, cuts, error=True)
        total, error = total + value, error + abs(doubt)
    return float(total), float(error)


def named_activation(name: str, slope: Any = None) -> tuple[Expr, Symbol]:
    """A common activation by name, as an expression and its variable.

    Parameters
    ----------
    name : str
        ``identity``, ``relu``, ``leaky_relu``, ``abs``, ``erf``, ``sin``, ``tanh``, ``sigmoid``, ``softplus``, ``gelu``
        or ``silu``.
    slope : number or sympy.Expr, optional
        Of a leaky ReLU below zero.
    """
    from sympy import Abs, Max, Min, log, sin

    x = Symbol("x", real=True)
    leak = Symbol("a", positive=True) if slope is None else sympify(slope, strict=True)
    known = {
        "identity": x,
        "relu": Max(0, x),
        "leaky_relu": Max(0, x) + leak * Min(0, x),
        "abs": Abs(x),
        "erf": erf(x),
        "sin": sin(x),
        "tanh": tanh(x),
        "sigmoid": 1 / (1 + exp(-x)),
        "softplus": log(1 + exp(x)),
        "gelu": x * (1 + erf(x / sqrt(2))) / 2,
        "silu": x / (1 + exp(-x)),
    }
    if name not in known:
        raise FieldError(f"no activation is called {name!r}; there are {', '.join(known)}")
    return known[name], x
