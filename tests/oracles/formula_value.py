"""The value of a formula at given numbers, by recursion on the SymPy tree with Python's integers, fractions and floats.

Written for tests: slow, and without anything of the library.
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy


class Undefined(ArithmeticError):
    """The formula has no value there."""


def value(e, at):
    """The value of ``e`` with every symbol's number from the mapping ``at`` (by symbol); raises `Undefined`."""
    if isinstance(e, sympy.Rational):
        return _plain(Fraction(int(e.p), int(e.q)))
    if isinstance(e, sympy.Symbol):
        return at[e]
    if isinstance(e, (sympy.Float, sympy.NumberSymbol)):
        return float(e)
    if isinstance(e, sympy.Piecewise):
        for result, condition in e.args:
            if value(condition, at):
                return value(result, at)
        raise Undefined("no case applies")
    if isinstance(e, (sympy.Sum, sympy.Product)):
        *inner, (index, low, high) = e.limits
        body = e.func(e.function, *inner) if inner else e.function
        total = 0 if isinstance(e, sympy.Sum) else 1
        for number in range(value(low, at), value(high, at) + 1):
            term = value(body, {**at, index: number})
            total = total + term if isinstance(e, sympy.Sum) else total * term
        return _plain(total)
    if isinstance(e, sympy.ITE):
        return value(e.args[1] if value(e.args[0], at) else e.args[2], at)
    args = [value(arg, at) for arg in e.args]
    if isinstance(e, sympy.Add):
        return _plain(sum(args))
    if isinstance(e, sympy.Mul):
        return _plain(math.prod(args))
    if isinstance(e, sympy.Pow):
        return _power(*args)
    if isinstance(e, sympy.floor):
        return math.floor(args[0])
    if isinstance(e, sympy.ceiling):
        return math.ceil(args[0])
    if isinstance(e, sympy.Mod):
        if args[1] == 0:
            raise Undefined("remainder by 0")
        return _plain(args[0] - args[1] * math.floor(Fraction(args[0]) / args[1]))
    if isinstance(e, sympy.Max):
        return max(args)
    if isinstance(e, sympy.Min):
        return min(args)
    if isinstance(e, sympy.Abs):
        return abs(args[0])
    if isinstance(e, sympy.sign):
        return (args[0] > 0) - (args[0] < 0)
    if isinstance(e, sympy.Heaviside):
        return 1 if args[0] > 0 else Fraction(1, 2) if args[0] == 0 else 0
    if isinstance(e, sympy.binomial):
        n, k = args
        if k < 0:
            return 0
        top = math.prod(n - i for i in range(k))
        return top // math.factorial(k)
    if isinstance(e, sympy.factorial):
        if args[0] < 0:
            raise Undefined("factorial of a negative number")
        return math.factorial(args[0])
    if isinstance(e, sympy.log):
        if args[0] <= 0:
            raise Undefined("logarithm of what is not positive")
        return math.log(args[0])
    if isinstance(e, sympy.exp):
        return math.exp(args[0])
    if isinstance(e, sympy.StrictLessThan):
        return args[0] < args[1]
    if isinstance(e, sympy.LessThan):
        return args[0] <= args[1]
    if isinstance(e, sympy.StrictGreaterThan):
        return args[0] > args[1]
    if isinstance(e, sympy.GreaterThan):
        return args[0] >= args[1]
    if isinstance(e, sympy.Equality):
        return args[0] == args[1]
    if isinstance(e, sympy.Unequality):
        return args[0] != args[1]
    if isinstance(e, sympy.And):
        return all(args)
    if isinstance(e, sympy.Or):
        return any(args)
    if isinstance(e, sympy.Not):
        return not args[0]
    if e == sympy.true:
        return True
    if e == sympy.false:
        return False
    raise NotImplementedError(type(e))


def _power(base, exponent):
    if isinstance(exponent, int):
        if exponent < 0:
            if base == 0:
                raise Undefined("division by 0")
            return _plain(Fraction(1) / Fraction(base) ** -exponent) if not isinstance(base, float) else base**exponent
        return _plain(base**exponent)
    if base < 0:
        raise Undefined("root of a negative number")
    return float(base) ** float(exponent)


def _plain(number):
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number
