r"""Expectations under the standard normal law in closed form, piece by piece.

A function is cut where its absolute values, maxima, minima and cases switch; on each piece it must be a sum of terms
``polynomial * exp(quadratic) * sines and cosines of linear arguments``, whose integrals are error functions. Anything
else is refused, so that the caller integrates numerically; nothing is searched for, and everything terminates.

>>> from sympy import Symbol, Max, cos
>>> x, w = Symbol("x", real=True), Symbol("w", positive=True)
>>> gaussian_mean(Max(0, x) ** 2, x), gaussian_mean(x**4, x), gaussian_mean(cos(w * x), x)
(1/2, 3, exp(-w**2/2))
"""

from __future__ import annotations

from sympy import (
    Abs,
    Add,
    Expr,
    Heaviside,
    I,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
    Poly,
    PolynomialError,
    Rational,
    S,
    Symbol,
    cos,
    cosh,
    erf,
    exp,
    expand_complex,
    expand_mul,
    expand_power_base,
    oo,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
)

from ...errors import UnsupportedError

_TERMS = 500
_SWITCHES = (Abs, sign, Heaviside, Max, Min, Piecewise)


def breakpoints(expression: Expr, variable: Symbol) -> list[Expr]:
    """Where the absolute values, maxima, minima, signs and cases of an expression switch, in order.

    Raises
    ------
    UnsupportedError
        If that is not at finitely many numbers, found from linear equations.
    """
    zeros: set[Expr] = set()
    for node in expression.atoms(*_SWITCHES):
        if not node.has(variable):
            continue
        if isinstance(node, (Abs, sign, Heaviside)):
            switches = [node.args[0]]
        elif isinstance(node, (Max, Min)):
            switches = [one - two for place, one in enumerate(node.args) for two in node.args[:place]]
        else:
            relations = [
                relation for _, condition in node.args for relation in condition.atoms() if relation.is_Relational
            ]
            relations += [condition for _, condition in node.args if condition.is_Relational]
            for _, condition in node.args:
                if condition not in (True, False) and not condition.is_Relational:
                    raise UnsupportedError(f"the case {condition} is not a simple comparison")
            switches = [relation.lhs - relation.rhs for relation in relations]
        zeros |= {zero for switch in switches for zero in _zeros(switch, variable)}
    if any(not zero.is_number for zero in zeros):
        raise UnsupportedError(f"{expression} switches at {zeros}, which are not all numbers")
    return sorted(zeros, key=float)


def _zeros(switch: Expr, variable: Symbol) -> list[Expr]:
    """Where a piecewise linear expression is zero, and where it bends itself; it nests fewer switches than its node."""
    if not switch.has(*_SWITCHES):
        return _linear_zero(switch, variable)
    found = breakpoints(switch, variable)
    for low, high, part in pieces(switch, variable):
        found += [
            zero
            for zero in _linear_zero(part, variable)
            if (zero - low).is_extended_positive and (high - zero).is_extended_positive
        ]
    return found


def _linear_zero(switch: Expr, variable: Symbol) -> list[Expr]:
    try:
        polynomial = Poly(switch, variable)
    except PolynomialError:
        raise UnsupportedError(f"where {switch} changes sign cannot be read off") from None
    if polynomial.degree() <= 0:
        return []
    if polynomial.degree() > 1:
        raise UnsupportedError(f"where {switch} changes sign cannot be read off, for it is not linear")
    slope, offset = polynomial.all_coeffs()
    return [(-offset / slope).cancel()]


def pieces(expression: Expr, variable: Symbol) -> list[tuple[Expr, Expr, Expr]]:
    """The smooth pieces of an expression: lower end, upper end, and the expression there."""
    cuts: list[Expr] = [-oo, *breakpoints(expression, variable), oo]
    found = []
    for low, high in zip(cuts, cuts[1:], strict=False):
        ends = [limit for limit in (low, high) if limit not in (-oo, oo)]
        inside = Add(*ends) / len(ends) if ends else Integer(0)
        if len(ends) == 1:
            inside = inside - 1 if low == -oo else inside + 1
        found.append((low, high, _branch(expression, variable, inside)))
    return found


def _branch(expression: Expr, variable: Symbol, inside: Expr) -> Expr:
    """The expression with every switch set as it is at a point."""
    if not expression.has(variable) or expression.is_Atom:
        return expression
    if isinstance(expression, Piecewise):
        for value, condition in expression.args:
            decided = condition.subs(variable, inside)
            if decided == True:  # noqa: E712 - SymPy's true
                return _branch(value, variable, inside)
            if decided != False:  # noqa: E712
                raise UnsupportedError(f"whether {condition} holds at {inside} depends on its symbols")
        raise UnsupportedError(f"no case of {expression} covers {inside}")
    arguments = [_branch(argument, variable, inside) for argument in expression.args]
    if isinstance(expression, (Abs, sign, Heaviside)):
        (argument,) = arguments[:1]
        value = argument.subs(variable, inside)
        if value.is_positive is None or value.is_zero:
            raise UnsupportedError(f"the sign of {value} is not known")
        if isinstance(expression, Abs):
            return argument if value.is_positive else -argument
        one, other = (Integer(1), Integer(-1)) if isinstance(expression, sign) else (Integer(1), Integer(0))
        return one if value.is_positive else other
    if isinstance(expression, (Max, Min)):
        best = arguments[0]
        for other in arguments[1:]:
            difference = (other - best).subs(variable, inside)
            if difference.is_positive is None:
                raise UnsupportedError(f"which of {best} and {other} is larger is not known")
            if difference.is_positive == isinstance(expression, Max):
                best = other
        return best
    return expression.func(*arguments)


def gaussian_mean(expression: Expr, variable: Symbol) -> Expr:
    """``E g(x)`` for standard normal x.

    Raises
    ------
    UnsupportedError
        If the function is not of the form described above.
    """
    return Add(*[_integral(part, variable, low, high) for low, high, part in pieces(expression, variable)])


def _integral(expression: Expr, variable: Symbol, low: Expr, high: Expr) -> Expr:
    waves = expression.rewrite(sin, exp).rewrite(cos, exp).rewrite(sinh, exp).rewrite(cosh, exp)
    terms = Add.make_args(expand_mul(expand_power_base(waves).expand(power_exp=False)))
    if len(terms) > _TERMS:
        raise UnsupportedError(f"{len(terms)} terms are too many to integrate one by one")
    total = Add(*[_term(term, variable, low, high) for term in terms])
    return expand_complex(total) if total.has(I) else total


def _term(term: Expr, variable: Symbol, low: Expr, high: Expr) -> Expr:
    """The integral of one product of powers and exponentials against the normal density."""
    outside: list[Expr] = []
    exponent: Expr = -(variable**2) / 2
    degree = 0
    for factor in Mul.make_args(term):
        base, power = factor.as_base_exp()
        if not factor.has(variable):
            outside.append(factor)
        elif base == variable and power.is_Integer and power >= 0:
            degree += int(power)
        elif isinstance(factor, exp):
            exponent += factor.args[0]
        elif base == S.Exp1:
            exponent += power
        else:
            raise UnsupportedError(f"{factor} has no closed integral here")
    try:
        polynomial = Poly(exponent, variable)
    except PolynomialError:
        raise UnsupportedError(f"exp({exponent}) has no closed integral here") from None
    if polynomial.degree() > 2:
        raise UnsupportedError(f"exp({exponent}) has no closed integral here")
    constant, linear, square = (polynomial.coeff_monomial(variable**n) for n in range(3))
    width = -square
    if not width.is_positive:
        raise UnsupportedError(f"exp({exponent}) is not known to be integrable")
    centre = linear / (2 * width)
    if centre.has(I) and (low, high) != (-oo, oo):
        raise UnsupportedError("waves over part of the line have no real closed form here")
    limits = [None if limit in (-oo, oo) else limit - centre for limit in (low, high)]
    # With y = x - centre: exp(constant + linear^2/(4 width)) * sum over (y + centre)^n exp(-width y^2).
    total = Integer(0)
    binomial = Integer(1)
    for n in range(degree + 1):
        total += binomial * centre ** (degree - n) * _moment(n, width, *limits)
        binomial = binomial * (degree - n) / (n + 1)
    scale = exp((constant + linear**2 / (4 * width)).expand())
    return Mul(*outside) * scale * total / sqrt(2 * pi)


def _moment(order: int, width: Expr, low: Expr | None, high: Expr | None) -> Expr:
    """The integral of ``y^n exp(-a y^2)`` between two limits; None is an infinite one, also on a shifted line."""

    def edge(limit: Expr | None) -> Expr:
        return Integer(0) if limit is None else limit ** (order - 1) * exp(-width * limit**2)

    if order == 0:
        above = Integer(1) if high is None else erf(sqrt(width) * high)
        below = Integer(-1) if low is None else erf(sqrt(width) * low)
        return sqrt(pi / width) / 2 * (above - below)
    ends = (edge(low) - edge(high)) / (2 * width)
    if order == 1:
        return ends
    return ends + Rational(order - 1, 2) / width * _moment(order - 2, width, low, high)
