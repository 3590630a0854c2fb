"""Regions of a generic hyperplane arrangement, exactly, as a formula, and as a logarithm with a proved error bound.

``n`` hyperplanes in general position cut ``R^d`` into ``Z(n, d) = sum_{j=0}^{min(n, d)} C(n, j)`` regions (Zaslavsky
1975); no ``n`` hyperplanes make more. It is the number of activation patterns that one layer of ``n`` ReLUs can
reach.

>>> zaslavsky_number(7, 3), zaslavsky_number(20, 5), zaslavsky_number(50, 20)
(64, 21700, 114075475473136)
>>> from sympy import symbols
>>> n, d = symbols("n d", integer=True, positive=True)
>>> Zaslavsky(n, n + d), Zaslavsky(n, 1), Zaslavsky(n, n - 1)
(2**n, n + 1, 2**n - 1)
>>> logarithm = log2_zaslavsky(802816, 150528)
>>> float(logarithm), logarithm.radius < 2**-64
(558920.9445295978, True)

No floating-point number takes part in an enclosure: numbers are integers over a power of two, and every operation is
rounded down for the lower end and up for the upper end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any

from sympy import (
    Add,
    E,
    Expr,
    Float,
    Function,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    Rational,
    S,
    Sum,
    bernoulli,
    binomial,
    ceiling,
    floor,
    hyper,
    log,
    oo,
)
from sympy.core.symbol import Dummy

from .errors import BudgetError, DomainError, UnsupportedError

# Below these sizes a literal Z(n, d) becomes an integer by itself; above, it stays a formula until asked with `doit`.
_EAGER_HYPERPLANES = 1024
_EAGER_DIMENSION = 64
# Up to this d (or n - d) the integer itself is cheap; above, Stirling's series reaches every precision asked for here.
_EXACT_DIMENSION = 256
# Near d = n / 2 about sqrt(n) terms are needed. The remainder is bounded wherever the sum stops, so this costs width
# only.
_MOST_TERMS = 100_000


@dataclass(frozen=True)
class Enclosure:
    """A real number known to lie between two rationals, both ends included.

    Parameters
    ----------
    lower, upper : fractions.Fraction

    Examples
    --------
    >>> third = Enclosure(Fraction(1, 3), Fraction(1, 3))
    >>> (third + third).upper, Fraction(2, 3) in third.times(2), (third - third).radius
    (Fraction(2, 3), True, Fraction(0, 1))
    """

    lower: Fraction
    upper: Fraction

    @classmethod
    def exactly(cls, value: int | Fraction) -> Enclosure:
        """The enclosure of one rational number."""
        return cls(Fraction(value), Fraction(value))

    @property
    def midpoint(self) -> Fraction:
        """The middle; no further than `radius` from the true number."""
        return (self.lower + self.upper) / 2

    @property
    def radius(self) -> Fraction:
        """The proved bound on the distance from `midpoint` to the true number."""
        return (self.upper - self.lower) / 2

    def __float__(self) -> float:
        return float(self.midpoint)

    def __contains__(self, value: int | Fraction) -> bool:
        return self.lower <= value <= self.upper

    def __add__(self, other: Enclosure) -> Enclosure:
        return Enclosure(self.lower + other.lower, self.upper + other.upper)

    def __sub__(self, other: Enclosure) -> Enclosure:
        return Enclosure(self.lower - other.upper, self.upper - other.lower)

    def __mul__(self, other: Enclosure) -> Enclosure:
        ends = [a * b for a in (self.lower, self.upper) for b in (other.lower, other.upper)]
        return Enclosure(min(ends), max(ends))

    def times(self, factor: int | Fraction) -> Enclosure:
        """The product with an exact number."""
        return self * Enclosure.exactly(factor)

    def inverse(self) -> Enclosure:
        """The reciprocal; zero must lie outside."""
        if self.lower <= 0 <= self.upper:
            raise DomainError(f"1/x where x lies in [{float(self.lower)}, {float(self.upper)}], which contains 0")
        return Enclosure(1 / self.upper, 1 / self.lower)


# Fixed point: the pair (low, high) stands for the interval [low, high] / 2^places. Six places are the fewest.


def _log_of_ratio(a: int, b: int, places: int) -> tuple[int, int]:
    """ln(a/b) for 1 <= a/b <= 2, as 2 artanh(y), y = (a-b)/(a+b) <= 1/3; the tail is below 9/8 of its first power."""
    if a == b:
        return 0, 0
    y_low, rest = divmod((a - b) << places, a + b)
    y_high = y_low + bool(rest)
    square_low, square_high = y_low * y_low >> places, (y_high * y_high >> places) + 1
    power_low, power_high, low, high, odd = y_low, y_high, 0, 0, 1
    while power_high > 2:
        low += power_low // odd
        high += power_high // odd + 1
        power_low = power_low * square_low >> places
        power_high = (power_high * square_high >> places) + 1
        odd += 2
    return 2 * low, 2 * (high + 2 * power_high)


@lru_cache(maxsize=64)
def _log_of_two(places: int) -> tuple[int, int]:
    return _log_of_ratio(2, 1, places)


def _log2_of_ratio(a: int, b: int, places: int) -> tuple[int, int]:
    """log2(a/b) for integers a, b > 0; of long integers the leading bits are enough, rounded outward."""
    shift = max(a.bit_length(), b.bit_length()) - 2 * places
    if shift > 0:
        # Cutting low bits moves a/b by less than one part in 2^(places+1) or so; enclose by the two extreme quotients.
        cut_a, cut_b = max(a.bit_length() - 2 * places, 0), max(b.bit_length() - 2 * places, 0)
        a_low, b_low = a >> cut_a, b >> cut_b
        a_high, b_high = a_low + (a_low << cut_a != a), b_low + (b_low << cut_b != b)
        moved = (cut_a - cut_b) << places
        low, high = _log2_of_ratio(a_low, b_high, places)[0], _log2_of_ratio(a_high, b_low, places)[1]
        return low + moved, high + moved
    whole = a.bit_length() - b.bit_length()
    if (a << max(-whole, 0)) < (b << max(whole, 0)):
        whole -= 1
    low, high = _log_of_ratio(a << max(-whole, 0), b << max(whole, 0), places)
    two_low, two_high = _log_of_two(places)
    return (whole << places) + (low << places) // two_high, (whole << places) - (-(high << places) // two_low)


@lru_cache(maxsize=64)
def _log2_of_pi(places: int) -> tuple[int, int]:
    """From Machin's pi = 16 arctan(1/5) - 4 arctan(1/239), alternating series: two partial sums enclose the limit."""

    def arctan_of_inverse(q: int) -> tuple[int, int]:
        total, power, odd, sign = 0, (1 << places) // q, 1, 1
        while power:
            total += sign * (power // odd)
            power //= q * q
            odd, sign = odd + 2, -sign
        # Each of the (odd - 1) / 2 terms was rounded twice (its power and its quotient), each time by less than one
        # unit.
        return total - odd - 1, total + odd + 1

    fifth, small = arctan_of_inverse(5), arctan_of_inverse(239)
    low, high = 16 * fifth[0] - 4 * small[1], 16 * fifth[1] - 4 * small[0]
    return _log2_of_ratio(low, 1 << places, places)[0], _log2_of_ratio(high, 1 << places, places)[1]


def _power_of_two(exponent: int, places: int) -> tuple[int, int]:
    """2^x for x = exponent / 2^places < 1: the exponential series of the fraction, then a shift."""
    whole, fraction = exponent >> places, exponent & ((1 << places) - 1)
    two_low, two_high = _log_of_two(places)
    x_low, x_high = fraction * two_low >> places, (fraction * two_high >> places) + 1
    low = high = term_low = term_high = 1 << places
    k = 1
    while term_high > 2:
        term_low = (term_low * x_low >> places) // k
        term_high = (term_high * x_high >> places) // k + 2
        low, high, k = low + term_low, high + term_high, k + 1
        if k > places:  # the rounding units have outgrown the terms; the rest is below twice the last one
            break
    high += 2 * term_high  # ratio of later terms is at most ln 2 / k <= 1/2
    return (low << whole, high << whole) if whole >= 0 else (low >> -whole, (high >> -whole) + 1)


def log2_enclosure(value: int | Fraction, bits: int = 64) -> Enclosure:
    """The binary logarithm of a positive rational, with radius below ``2**-bits``.

    Parameters
    ----------
    value : int or fractions.Fraction
        Positive; may have millions of digits.
    bits : int
        Correct binary places asked for.

    Returns
    -------
    Enclosure

    Raises
    ------
    DomainError
        If the value is not positive.

    Examples
    --------
    >>> log2_enclosure(8).lower, float(log2_enclosure(Fraction(3, 2)))
    (Fraction(3, 1), 0.5849625007211562)
    """
    value = Fraction(value)
    if value <= 0:
        raise DomainError(f"log2 of {value}, which is not positive")
    places = max(bits, 0) + 16
    low, high = _log2_of_ratio(value.numerator, value.denominator, places)
    return Enclosure(Fraction(low, 1 << places), Fraction(high, 1 << places))


def log2_of_e(bits: int = 64) -> Enclosure:
    """The binary logarithm of Euler's number, with radius below ``2**-bits``."""
    places = max(bits, 0) + 16
    low, high = _log_of_two(places)
    return Enclosure(Fraction(1 << places, high), Fraction(1 << places, low))


def zaslavsky_number(n: int, d: int, *, budget: int = 2 * 10**10) -> int:
    """``Z(n, d)`` as an integer, by ``min(d, n - d)`` steps of the recurrence ``C(n, j) = C(n, j-1) (n-j+1) / j``.

    Parameters
    ----------
    n, d : int
        Hyperplanes and dimension, ``n >= 0``; the sum is empty for ``d < 0``.
    budget : int
        Most bit operations, terms times ``n``.

    Returns
    -------
    int

    Raises
    ------
    DomainError
        If ``n`` is negative.
    BudgetError
        If the sum is longer than the budget; `log2_zaslavsky` has no such limit.

    Examples
    --------
    >>> zaslavsky_number(6, 2), zaslavsky_number(5, 9), zaslavsky_number(5, -1)
    (22, 32, 0)
    """
    if n < 0:
        raise DomainError(f"Zaslavsky's number needs n >= 0 hyperplanes, got n={n}, d={d}")
    if d < 0:
        return 0
    terms = min(d, max(n - d - 1, 0))
    if terms * n > budget:
        raise BudgetError(
            f"Z({n}, {d}) adds {terms} integers of up to {n} bits, over the budget of {budget} bit "
            f"operations; ask for log2_zaslavsky({n}, {d}), or raise budget="
        )
    if d >= n:
        return 1 << n
    if 2 * d >= n:
        return (1 << n) - zaslavsky_number(n, n - d - 1, budget=budget)
    total = term = 1
    for j in range(1, d + 1):
        term = term * (n - j + 1) // j
        total += term
    return total


def _stirling_correction(n: int, places: int) -> tuple[int, int]:
    """ln n! - (n ln n - n + ln(2 pi n)/2) = sum_k B_2k / (2k (2k-1) n^(2k-1)), cut: the rest is below the next."""
    low = high = 0
    before = None
    k = 1
    while True:
        term = Fraction(int(bernoulli(2 * k).p), int(bernoulli(2 * k).q) * 2 * k * (2 * k - 1) * n ** (2 * k - 1))
        scaled = (term.numerator << places) // term.denominator
        if scaled in (0, -1) or (before is not None and abs(term) >= before):
            return low + min(scaled, 0), high + max(scaled + 1, 0)
        low, high, before, k = low + scaled, high + scaled + 1, abs(term), k + 1


def _log2_of_binomial(n: int, d: int, places: int) -> tuple[int, int]:
    """log2 C(n, d) by Stirling: d log2(n/d) + e log2(n/e) + log2(n / (2 pi d e)) / 2 + corrections, e = n - d."""
    e = n - d
    if d <= _EXACT_DIMENSION:
        return _log2_of_ratio(comb(n, d), 1, places)
    first, second = _log2_of_ratio(n, d, places), _log2_of_ratio(n, e, places)
    root, pi = _log2_of_ratio(n, 2 * d * e, places), _log2_of_pi(places)
    plus, minus, also = (_stirling_correction(m, places) for m in (n, d, e))
    natural_low, natural_high = plus[0] - minus[1] - also[1], plus[1] - minus[0] - also[0]
    two_low, two_high = _log_of_two(places)
    quotients = [(x << places) // two for x in (natural_low, natural_high + 1) for two in (two_low, two_high)]
    low = d * first[0] + e * second[0] + (root[0] - pi[1]) // 2 + min(quotients)
    high = d * first[1] + e * second[1] + (root[1] - pi[0] + 1) // 2 + max(quotients) + 1
    return low, high


def _sum_below_top(n: int, d: int, bits: int, places: int) -> tuple[int, int]:
    """Z(n, d) / C(n, d) = 1 + r_0 + r_0 r_1 + ... for 2d < n; r_k = (d-k)/(n-d+1+k) falls: a geometric tail."""
    low = high = term_low = term_high = 1 << places
    small = 1 << max(places - bits - 8, 0)
    for k in range(d):
        up, down = d - k, n - d + 1 + k
        if k >= _MOST_TERMS or term_high * up <= small * (down - up):
            break
        term_low = term_low * up // down
        term_high = -(-term_high * up // down)
        low, high = low + term_low, high + term_high
    else:
        return low, high
    return low, high - (-term_high * up // (down - up))


@lru_cache(maxsize=4096)
def log2_zaslavsky(n: int, d: int, bits: int = 64) -> Enclosure:
    """``log2 Z(n, d)`` between two rationals, in milliseconds at any size.

    For ``2 d < n``: ``Z = C(n, d) (1 + r_0 + r_0 r_1 + ...)`` with falling ratios ``r_k = (d - k) / (n - d + 1 +
    k)``, cut where the geometric bound on the rest is small; ``C(n, d)`` from Stirling's series, whose remainder lies
    between zero and the first term left out. For ``2 d >= n``: ``Z(n, d) = 2^n - Z(n, n - d - 1)``. Small sizes go
    through the integer itself.

    Parameters
    ----------
    n, d : int
        Hyperplanes and dimension, neither negative.
    bits : int
        Binary places asked for.

    Returns
    -------
    Enclosure
        Its radius is proved, and below ``2**-bits`` unless ``|d - n/2| << sqrt(n)`` with ``n`` over about ``10**8``.

    Raises
    ------
    DomainError
        If ``n`` or ``d`` is negative.

    References
    ----------
    H. Robbins, A remark on Stirling's formula, 1955; NIST Digital Library of Mathematical Functions, 5.11(ii).

    Examples
    --------
    >>> enclosure = log2_zaslavsky(50, 20)
    >>> enclosure.radius < 2**-64, round(float(enclosure), 6)
    (True, 46.696982)
    """
    if n < 0 or d < 0:
        raise DomainError(f"log2 Z(n, d) needs n >= 0 and d >= 0, got n={n}, d={d}")
    if d >= n:
        return Enclosure.exactly(n)
    if n <= _EAGER_HYPERPLANES or d <= _EXACT_DIMENSION:
        return log2_enclosure(zaslavsky_number(n, d), bits)
    places = max(bits, 0) + n.bit_length() + 24
    if 2 * d >= n:
        # Z(n, n-d-1) <= 2^(n-1), so the part taken away from 1 is at most a half.
        less = log2_zaslavsky(n, n - d - 1, bits + 8)
        gap = [int((end - n) * (1 << places) // 1) for end in (less.lower, less.upper)]
        away_low, away_high = _power_of_two(gap[0], places)[0], _power_of_two(gap[1] + 1, places)[1]
        one = 1 << places
        low = _log2_of_ratio(max(one - away_high, one // 2), one, places)[0] + (n << places)
        high = _log2_of_ratio(one - away_low, one, places)[1] + (n << places)
    else:
        top, rest = _log2_of_binomial(n, d, places), _sum_below_top(n, d, bits, places)
        low = top[0] + _log2_of_ratio(rest[0], 1 << places, places)[0]
        high = top[1] + _log2_of_ratio(rest[1], 1 << places, places)[1]
    return Enclosure(Fraction(low, 1 << places), Fraction(high, 1 << places))


class BinaryEntropy(Function):
    """The entropy of a coin, ``H_2(x) = -x log2 x - (1-x) log2 (1-x)``, in bits, for ``0 <= x <= 1``.

    Examples
    --------
    >>> from sympy import Rational, log
    >>> BinaryEntropy(Rational(1, 2)), BinaryEntropy(0), round(BinaryEntropy(Rational(1, 4)).evalf(), 6)
    (1, 0, 0.811278)
    """

    nargs = 1

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        if x == S.Half:
            return S.One
        if x.is_zero or (x - 1).is_zero:
            return S.Zero
        return None

    def fdiff(self, argindex: int = 1) -> Expr:
        x = self.args[0]
        return log((1 - x) / x) / log(2)

    def _eval_is_nonnegative(self) -> bool | None:
        x = self.args[0]
        return True if x.is_nonnegative and (1 - x).is_nonnegative else None

    def _eval_rewrite_as_log(self, x: Expr, **hints: Any) -> Expr:
        return -(x * log(x) + (1 - x) * log(1 - x)) / log(2)

    def _eval_evalf(self, prec: int) -> Expr | None:
        x = self.args[0]
        return self._eval_rewrite_as_log(x)._eval_evalf(prec) if x.is_number else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = r"H_{2}" if exp is None else rf"H_{{2}}^{{{exp}}}"
        return rf"{name}\left({printer._print(self.args[0])}\right)"


def _check_sizes(n: Expr, d: Expr) -> None:
    for name, size in (("n", n), ("d", d)):
        if size.is_integer is False and size != oo:
            raise DomainError(f"Z(n, d) needs integers, got {name}={size} in n={n}, d={d}")
    if n.is_negative:
        raise DomainError(f"Z(n, d) needs n >= 0 hyperplanes, got n={n}, d={d}")


class Zaslavsky(Function):
    r"""The most regions into which ``n`` hyperplanes cut ``R^d``: ``Z(n, d) = sum_{j=0}^{min(n, d)} C(n, j)``.

    Literal sizes evaluate to an integer as long as it is short (``n <= 1024`` or ``d <= 64``); `doit` evaluates
    longer ones within a budget, and `evalf` any, through `log2_zaslavsky`. Rewrites to ``Sum``, to ``hyper``
    (``C(n,d) 2F1(1, -d; n-d+1; -1)``, for ``d <= n``), and to ``BinaryEntropy``: that last one is the upper bound
    ``2**(n H_2(min(1/2, d/n)))``, not an identity.

    The derivative is that of the entropy relaxation, taken on the logarithm: ``dZ = Z ln(2) d(n H_2(min(1/2, d/n)))``.
    The true function lives on integers and has none.

    Parameters
    ----------
    n, d : sympy.Expr
        Hyperplanes and dimension, nonnegative integers or symbols that stand for them; ``d`` may be ``oo``.

    Raises
    ------
    DomainError
        For a literal size that is not an integer, or ``n < 0``.

    References
    ----------
    T. Zaslavsky, Facing up to arrangements, Memoirs of the AMS 154, 1975.

    Examples
    --------
    >>> from sympy import symbols, latex, log
    >>> n, d = symbols("n d", integer=True, positive=True)
    >>> Zaslavsky(7, 3), Zaslavsky(n, 0), Zaslavsky(0, d), Zaslavsky(n, oo)
    (64, 1, 1, 2**n)
    >>> latex(Zaslavsky(n, d))
    '\\binom{n}{\\leq d}'
    >>> Zaslavsky(n, 2).expand(func=True)
    n**2/2 + n/2 + 1
    >>> log(Zaslavsky(802816, 150528), 2).evalf(12)
    558920.944530
    """

    nargs = 2
    is_integer = True

    @classmethod
    def eval(cls, n: Expr, d: Expr) -> Expr | None:
        _check_sizes(n, d)
        if d.is_negative:
            return S.Zero
        if n.is_zero or d.is_zero:
            return S.One if d.is_nonnegative else None
        if d == oo:
            return 2**n
        if d == 1:
            return n + 1
        if n.is_Integer and d.is_Integer:
            if n <= _EAGER_HYPERPLANES or d <= _EAGER_DIMENSION:
                return Integer(zaslavsky_number(int(n), int(d)))
            return 2**n if d >= n and n <= 8 * _EAGER_HYPERPLANES else None
        spare = d - n
        if spare.is_nonnegative:
            return 2**n
        if spare == -1:
            return 2**n - 1
        return None

    def doit(self, **hints: Any) -> Expr:
        """The integer, for literal sizes within the budget of `zaslavsky_number`; otherwise unchanged."""
        n, d = (size.doit(**hints) for size in self.args) if hints.get("deep", True) else self.args
        if n.is_Integer and d.is_Integer:
            try:
                return Integer(zaslavsky_number(int(n), int(d)))
            except BudgetError:
                pass
        return self.func(n, d)

    def entropy_bound(self) -> Expr:
        """An upper bound of ``log2 Z``, ``n H_2(min(1/2, d/n))``; an exact inequality for ``n >= 1``, ``d >= 0``."""
        n, d = self.args
        return n * BinaryEntropy(Min(S.Half, d / n))

    def fdiff(self, argindex: int = 1) -> Expr:
        return self * self.logarithmic_derivative(argindex)

    def logarithmic_derivative(self, argindex: int) -> Expr:
        """The derivative of ``ln(2) n H_2(min(1/2, d/n))`` by ``n`` (1) or by ``d`` (2)."""
        n, d = self.args
        if argindex == 1:
            return Piecewise((log(n / (n - d)), 2 * d < n), (log(2), True))
        return Piecewise((log((n - d) / d), 2 * d < n), (0, True))

    def _eval_is_positive(self) -> bool | None:
        return True if all(size.is_nonnegative for size in self.args) else None

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative or None

    def _eval_expand_func(self, **hints: Any) -> Expr:
        n, d = self.args
        if d.is_Integer and d <= _EAGER_DIMENSION:
            return Add(*(binomial(n, j).expand(func=True) for j in range(int(d) + 1))).expand()
        return self

    def _eval_rewrite_as_Sum(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        j = Dummy("j", integer=True, nonnegative=True)
        return Sum(binomial(n, j), (j, 0, Min(n, d)))

    def _eval_rewrite_as_hyper(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        inside = binomial(n, d) * hyper((1, -d), (n - d + 1,), -1)
        below = (n - d).is_nonnegative
        return inside if below else 2**n if below is False else Piecewise((inside, d <= n), (2**n, True))

    def _eval_rewrite_as_BinaryEntropy(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return 2 ** self.entropy_bound()

    def _eval_evalf(self, prec: int) -> Expr | None:
        n, d = self.args
        if not (n.is_Integer and d.is_Integer):
            return None
        from mpmath.libmp import from_man_exp

        if d.is_negative:
            return Float(0, precision=prec)
        enclosure = log2_zaslavsky(int(n), int(d), prec + 16)
        if enclosure.radius > Fraction(1, 1 << prec + 8):
            return None  # not that many digits are known
        exponent = enclosure.midpoint
        places = prec + 24
        whole = exponent.numerator // exponent.denominator
        low, high = _power_of_two(int((exponent - whole) * (1 << places)), places)
        return Float._new(from_man_exp((low + high) // 2, whole - places, prec, "n"), prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        n, d = (printer._print(size) for size in self.args)
        written = rf"\binom{{{n}}}{{\leq {d}}}"
        return written if exp is None else rf"{written}^{{{exp}}}"


class Log2Zaslavsky(Function):
    """The binary logarithm of `Zaslavsky`, for formulas in bits: stays short where the integer has thousands of digits.

    Evaluates where the logarithm is a size itself (``d >= n``, ``d = 0``); rewrites to ``Zaslavsky`` (its logarithm)
    and to ``BinaryEntropy`` (an upper bound, no identity), whose derivative it has.

    Parameters
    ----------
    n, d : sympy.Expr
        As for `Zaslavsky`.

    Examples
    --------
    >>> from sympy import symbols
    >>> n, d = symbols("n d", integer=True, positive=True)
    >>> Log2Zaslavsky(n, n), Log2Zaslavsky(128, 784) + Log2Zaslavsky(64, 784)
    (n, 192)
    >>> round((Log2Zaslavsky(128, d) + Log2Zaslavsky(64, d)).subs(d, 2).evalf(), 4)
    24.0345
    >>> Log2Zaslavsky(5, 3).rewrite(Zaslavsky)
    log(26)/log(2)
    """

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, n: Expr, d: Expr) -> Expr | None:
        _check_sizes(n, d)
        if d.is_negative:
            raise DomainError(f"log2 Z(n, d) needs d >= 0, got Log2Zaslavsky({n}, {d})")
        if n.is_zero or d.is_zero:
            return S.Zero
        return n if d == oo or (d - n).is_nonnegative else None

    def entropy_bound(self) -> Expr:
        """``n H_2(min(1/2, d/n))``, never below."""
        n, d = self.args
        return n * BinaryEntropy(Min(S.Half, d / n))

    def fdiff(self, argindex: int = 1) -> Expr:
        return Zaslavsky(*self.args, evaluate=False).logarithmic_derivative(argindex) / log(2)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if all(size.is_nonnegative for size in self.args) else None

    def _eval_rewrite_as_Zaslavsky(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return log(Zaslavsky(n, d)) / log(2)

    def _eval_rewrite_as_BinaryEntropy(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return self.entropy_bound()

    def _eval_evalf(self, prec: int) -> Expr | None:
        n, d = self.args
        if not (n.is_Integer and d.is_Integer):
            return None
        enclosure = log2_zaslavsky(int(n), int(d), prec + 4)
        middle = enclosure.midpoint
        if enclosure.radius > middle / (1 << prec + 2):
            return None  # not that many digits are known
        return Float(Rational(middle.numerator, middle.denominator), precision=prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        n, d = (printer._print(size) for size in self.args)
        power = "" if exp is None else rf"^{{{exp}}}"
        return rf"\log_{{2}}{power} \binom{{{n}}}{{\leq {d}}}"


def bits(formula: Expr | int, places: int = 64) -> Enclosure:
    """The binary logarithm of a positive formula without symbols, enclosed, whatever its size.

    Products, powers and sums of integers, of `Zaslavsky` and of logarithms, ``Min`` and ``Max``; nothing huge is ever
    formed.

    Parameters
    ----------
    formula : sympy.Expr
        Positive, such as a number of regions.
    places : int
        Binary places carried in every logarithm; the answer's `radius` is what was proved.

    Returns
    -------
    Enclosure

    Raises
    ------
    UnsupportedError
        For a formula with free symbols or with a head that is not in the list.

    Examples
    --------
    >>> round(float(bits(Zaslavsky(128, 2) * Zaslavsky(64, 2))), 4)
    24.0345
    >>> round(float(bits(3 * Zaslavsky(802816, 150528)**2)), 4)
    1117843.474
    """
    formula = S(formula) if isinstance(formula, int) else formula
    if isinstance(formula, Rational):
        return log2_enclosure(Fraction(formula.p, formula.q), places)
    if isinstance(formula, Zaslavsky) and all(size.is_Integer and size >= 0 for size in formula.args):
        return log2_zaslavsky(int(formula.args[0]), int(formula.args[1]), places)
    if formula is E:
        return log2_of_e(places)
    if isinstance(formula, Mul) and all(part.is_positive for part in formula.args):
        return _added([bits(part, places) for part in formula.args])
    if isinstance(formula, Pow) and formula.exp.is_real:
        return bits(formula.base, places) * enclose(formula.exp, places)
    if isinstance(formula, (Min, Max)):
        return _extreme(formula, [bits(part, places) for part in formula.args])
    if isinstance(formula, Add) and all(part.is_positive for part in formula.args):
        parts = [bits(part, places) for part in formula.args]
        ends = [p.lower for p in parts], [p.upper for p in parts]
        return Enclosure(_log2_of_sum(ends[0], places, 0), _log2_of_sum(ends[1], places, 1))
    value = enclose(formula, places)
    if value.lower <= 0:
        raise DomainError(f"log2 of {formula}, which lies in [{float(value.lower)}, {float(value.upper)}]")
    return Enclosure(log2_enclosure(value.lower, places).lower, log2_enclosure(value.upper, places).upper)


def enclose(formula: Expr | int, places: int = 64) -> Enclosure:
    """The value of a formula without symbols, enclosed: sums, products, powers, logarithms, ``Min``, ``Max``, floors.

    Parameters
    ----------
    formula : sympy.Expr
        For example a complexity in bits, a sum of ``log(Zaslavsky(n, d))/log(2)``.
    places : int
        Binary places carried in every logarithm; the answer's `radius` is what was proved.

    Returns
    -------
    Enclosure

    Raises
    ------
    UnsupportedError
        For a formula with free symbols or with a head that is not in the list.

    Examples
    --------
    >>> from sympy import log
    >>> complexity = log(Zaslavsky(802816, 150528), 2) + log(Zaslavsky(64, 2), 2)
    >>> round(float(enclose(complexity)), 6), enclose(complexity).radius < 10**-12
    (558931.967591, True)
    """
    formula = S(formula) if isinstance(formula, int) else formula
    if isinstance(formula, Rational):
        return Enclosure.exactly(Fraction(formula.p, formula.q))
    if isinstance(formula, Float):
        return Enclosure.exactly(Fraction(Rational(formula).p, Rational(formula).q))
    if isinstance(formula, log):
        return bits(formula.args[0], places) * log2_of_e(places).inverse()
    if isinstance(formula, Add):
        return _added([enclose(part, places) for part in formula.args])
    if isinstance(formula, Mul):
        result = Enclosure.exactly(1)
        for part in formula.args:
            result = result * enclose(part, places)
        return result
    if isinstance(formula, Pow) and formula.exp.is_Integer:
        base, result = enclose(formula.base, places), Enclosure.exactly(1)
        for _ in range(abs(int(formula.exp)) if abs(formula.exp) <= 64 else _too_large(formula)):
            result = result * base
        return result if formula.exp >= 0 else result.inverse()
    if isinstance(formula, (Min, Max)):
        return _extreme(formula, [enclose(part, places) for part in formula.args])
    if isinstance(formula, (floor, ceiling)):
        inside, rounding = enclose(formula.args[0], places), type(formula)
        ends = (Rational(end.numerator, end.denominator) for end in (inside.lower, inside.upper))
        return Enclosure(*(Fraction(int(rounding(end))) for end in ends))
    if isinstance(formula, Log2Zaslavsky) and all(size.is_Integer for size in formula.args):
        return log2_zaslavsky(int(formula.args[0]), int(formula.args[1]), places)
    if isinstance(formula, BinaryEntropy):
        return enclose(formula.rewrite(log), places)
    if isinstance(formula, Zaslavsky) and not formula.free_symbols:
        exact = formula.doit()
        return enclose(exact, places) if exact.is_Integer else _too_large(formula)
    if formula.free_symbols:
        raise UnsupportedError(
            f"an enclosure of {formula}, which still has the symbols "
            f"{sorted(map(str, formula.free_symbols))}; substitute numbers first"
        )
    raise UnsupportedError(
        f"an enclosure of {formula}: {type(formula).__name__} is not among Add, Mul, Pow, log, "
        "Min, Max, floor, ceiling, Zaslavsky and rational numbers"
    )


def _too_large(formula: Expr) -> Any:
    raise BudgetError(f"the value of {formula} is too long to write down; ask for bits({formula}), its logarithm")


def _added(parts: list[Enclosure]) -> Enclosure:
    return Enclosure(sum((p.lower for p in parts), Fraction(0)), sum((p.upper for p in parts), Fraction(0)))


def _extreme(formula: Expr, parts: list[Enclosure]) -> Enclosure:
    choose: Callable[..., Fraction] = min if isinstance(formula, Min) else max
    return Enclosure(choose(p.lower for p in parts), choose(p.upper for p in parts))


def _log2_of_sum(exponents: list[Fraction], places: int, up: int) -> Fraction:
    """log2 of a sum of powers of two, rounded down (up = 0) or up (up = 1): the largest, plus log2 of the ratios."""
    top, precision = max(exponents), places + 16
    below = [int((x - top) * (1 << precision) // 1) + (up if x != top else 0) for x in exponents]
    total = sum(_power_of_two(x, precision)[up] for x in below)
    scaled = _log2_of_ratio(total, 1 << precision, precision)[up]
    return top + Fraction(scaled, 1 << precision)
