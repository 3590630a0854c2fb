"""What the operations of a program do to Python numbers, exactly; printed code carries these functions along.

Each function stands alone: its text is copied into the sources that `codegen` writes.
"""

from __future__ import annotations

import math
from fractions import Fraction


def quotient(top, bottom):
    """top/bottom: an integer where the division is exact, a Fraction where it is not."""
    if isinstance(top, int) and isinstance(bottom, int) and top % bottom == 0:
        return top // bottom
    value = Fraction(top) / bottom
    return value.numerator if value.denominator == 1 else value


def intpow(base, exponent):
    """base**exponent for an exponent that is not negative; results of more than a hundred million bits are refused."""
    if exponent > 0 and abs(base) > 1 and exponent * math.log2(abs(base)) > 1e8:
        raise OverflowError("a power has more than a hundred million bits")
    return base**exponent


def comb(n, k):
    """The binomial coefficient, 0 outside the triangle, extended to negative n as n (n-1) ... (n-k+1) / k!."""
    if k < 0:
        return 0
    return math.comb(n, k) if n >= 0 else (-1) ** k * math.comb(k - n - 1, k)


def factorial(n):
    return math.factorial(n) if n >= 0 else 0


def sign(value):
    return (value > 0) - (value < 0)


def ilog(number, base):
    """The largest n with base**n <= number."""
    found = max(int(math.log(number) / math.log(base)) - 1, 0)
    while base ** (found + 1) <= number:
        found += 1
    while base**found > number:
        found -= 1
    return found


def iroot(number, degree):
    """The largest n >= 0 with n**degree <= number."""
    if degree == 2:
        return math.isqrt(number)
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low


def ratio(top, bottom):
    """The float nearest to top/bottom; infinite where there is none so large."""
    try:
        return float(top / bottom)
    except OverflowError:
        return math.inf if (top > 0) == (bottom > 0) else -math.inf


def logratio(top, bottom):
    """The natural logarithm of top/bottom, also where the numbers are too large for a float."""
    if top <= 0:
        return -math.inf if top == 0 else math.nan
    value = ratio(top, bottom)
    if 0 < value < math.inf:
        return math.log(value)
    return math.log(Fraction(top).numerator) - math.log(Fraction(top).denominator) - math.log(bottom)


def floatpow(base, exponent):
    """base**exponent of floats: not a number where it is not real, infinite where it is too large."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan


def function(name, value):
    """An elementary function of a float: not a number where it is not real, infinite where it is too large."""
    names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh",
             "arctanh": "atanh", "loggamma": "lgamma"}  # fmt: skip
    try:
        return getattr(math, names.get(name, name))(value)
    except OverflowError:
        return -math.inf if name == "sinh" and value < 0 else math.inf
    except ValueError:
        return math.nan


def digamma(value):
    """The derivative of log gamma, by its recurrence and asymptotic series."""
    if value <= 0:
        return math.nan
    shift = 0.0
    while value < 12:
        shift -= 1 / value
        value += 1
    inverse = 1 / (value * value)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))))
    return shift + math.log(value) - 0.5 / value - series


def binaryentropy(value):
    """The entropy of a coin in bits."""
    if not 0 < value < 1:
        return 0.0 if value in (0, 1) else math.nan
    return -(value * math.log2(value) + (1 - value) * math.log2(1 - value))


def signum(value):
    """The sign of a float as a float."""
    return float((value > 0) - (value < 0))


def realfloor(payload, value, *sizes):
    """A float rounded down (or up); where it is nearer to an integer than its error, 120 digits decide."""
    if math.isfinite(value) and abs(value) < 2.0**40 and abs(value - round(value)) > 1e-9 * max(1.0, abs(value)):
        return math.ceil(value) if payload.up else math.floor(value)
    exact = payload.expression.evalf(120, subs=dict(zip(payload.symbols, sizes, strict=True)), maxn=400)
    nearest = int(exact.round())
    if abs(exact - nearest) < 10**-100:  # a formula that equals an integer to a hundred places is taken to be one
        return nearest
    return int(exact.ceiling() if payload.up else exact.floor())
