"""How many regions generic hyperplanes cut, as integers and as logarithms with a proved error bound.

>>> zaslavsky_number(7, 3), zaslavsky_number(20, 5), zaslavsky_number(50, 20)
(64, 21700, 114075475473136)
>>> logarithm = log2_zaslavsky(802816, 150528)
>>> float(logarithm), logarithm.radius < 2**-64
(558920.9445295978, True)
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from math import comb

from sympy import bernoulli

from ..errors import BudgetError, DomainError
from .log2_enclosure import Enclosure, log2_enclosure, log2_of_pi, log2_of_ratio, log_of_two, power_of_two

# Up to so many hyperplanes, or up to this d (or n - d), the integer itself is cheap; above, Stirling's series reaches every precision asked for here.
_EXACT_HYPERPLANES = 1024
_EXACT_DIMENSION = 256
# Near d = n / 2 about sqrt(n) terms are needed. The remainder is bounded wherever the sum stops, so this costs width
# only.
_MOST_TERMS = 100_000


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
    return zaslavsky(n, d)


def zaslavsky(n, d):
    """The sum of the binomial coefficients C(n, j) for j from 0 to d."""
    if d >= n:
        return 2**n if n >= 0 else 0
    if 2 * d > n:
        return 2**n - zaslavsky(n, n - d - 1)
    total = term = 1 if d >= 0 else 0
    for j in range(1, d + 1):
        term = term * (n - j + 1) // j
        total += term
    return total


def logzaslavsky(n, d):
    """The natural logarithm of the sum of C(n, j) for j from 0 to d, without the sum, which may be huge."""
    if d < 0 or n < 0:
        return -math.inf
    if d >= n:
        return n * math.log(2)
    if n <= 512:
        return math.log(zaslavsky(n, d))
    if 2 * d >= n:
        whole = n * math.log(2)
        return whole + math.log1p(-math.exp(logzaslavsky(n, n - d - 1) - whole))
    series = term = 1.0
    for k in range(d):
        term *= (d - k) / (n - d + 1 + k)
        series += term
        if term < 1e-18 * series:
            break
    return math.lgamma(n + 1) - math.lgamma(d + 1) - math.lgamma(n - d + 1) + math.log(series)


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
        return log2_of_ratio(comb(n, d), 1, places)
    first, second = log2_of_ratio(n, d, places), log2_of_ratio(n, e, places)
    root, pi = log2_of_ratio(n, 2 * d * e, places), log2_of_pi(places)
    plus, minus, also = (_stirling_correction(m, places) for m in (n, d, e))
    natural_low, natural_high = plus[0] - minus[1] - also[1], plus[1] - minus[0] - also[0]
    two_low, two_high = log_of_two(places)
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
    if n <= _EXACT_HYPERPLANES or d <= _EXACT_DIMENSION:
        return log2_enclosure(zaslavsky_number(n, d), bits)
    places = max(bits, 0) + n.bit_length() + 24
    if 2 * d >= n:
        # Z(n, n-d-1) <= 2^(n-1), so the part taken away from 1 is at most a half.
        less = log2_zaslavsky(n, n - d - 1, bits + 8)
        gap = [int((end - n) * (1 << places) // 1) for end in (less.lower, less.upper)]
        away_low, away_high = power_of_two(gap[0], places)[0], power_of_two(gap[1] + 1, places)[1]
        one = 1 << places
        low = log2_of_ratio(max(one - away_high, one // 2), one, places)[0] + (n << places)
        high = log2_of_ratio(one - away_low, one, places)[1] + (n << places)
    else:
        top, rest = _log2_of_binomial(n, d, places), _sum_below_top(n, d, bits, places)
        low = top[0] + log2_of_ratio(rest[0], 1 << places, places)[0]
        high = top[1] + log2_of_ratio(rest[1], 1 << places, places)[1]
    return Enclosure(Fraction(low, 1 << places), Fraction(high, 1 << places))
