"""Binary logarithms of rational numbers, enclosed between two rationals.

No floating-point number takes part: numbers are integers over a power of two, and every operation is rounded down for
the lower end and up for the upper end.

>>> found = log2_enclosure(10**30)
>>> float(found), found.radius < 2**-60
(99.65784284662087, True)
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from ..errors import DomainError
from ..records import dataclass
from ..sizes.intervals import Interval, product


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

    @property
    def ends(self) -> Interval:
        return self.lower, self.upper

    def __float__(self) -> float:
        return float(self.midpoint)

    def __contains__(self, value: int | Fraction) -> bool:
        return self.lower <= value <= self.upper

    def __add__(self, other: Enclosure) -> Enclosure:
        return Enclosure(self.lower + other.lower, self.upper + other.upper)

    def __sub__(self, other: Enclosure) -> Enclosure:
        return Enclosure(self.lower - other.upper, self.upper - other.lower)

    def __mul__(self, other: Enclosure) -> Enclosure:
        return Enclosure(*map(Fraction, product(self.ends, other.ends)))

    def times(self, factor: int | Fraction) -> Enclosure:
        """The product with an exact number."""
        return self * Enclosure.exactly(factor)

    def inverse(self) -> Enclosure:
        """The reciprocal; zero must lie outside."""
        if self.lower <= 0 <= self.upper:
            raise DomainError(f"1/x where x lies in [{float(self.lower)}, {float(self.upper)}], which contains 0")
        return Enclosure(1 / self.upper, 1 / self.lower)


def log_of_ratio(a: int, b: int, places: int) -> tuple[int, int]:
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
def log_of_two(places: int) -> tuple[int, int]:
    return log_of_ratio(2, 1, places)


def log2_of_ratio(a: int, b: int, places: int) -> tuple[int, int]:
    """log2(a/b) for integers a, b > 0; of long integers the leading bits are enough, rounded outward."""
    shift = max(a.bit_length(), b.bit_length()) - 2 * places
    if shift > 0:
        # Cutting low bits moves a/b by less than one part in 2^(places+1) or so; enclose by the two extreme quotients.
        cut_a, cut_b = max(a.bit_length() - 2 * places, 0), max(b.bit_length() - 2 * places, 0)
        a_low, b_low = a >> cut_a, b >> cut_b
        a_high, b_high = a_low + (a_low << cut_a != a), b_low + (b_low << cut_b != b)
        moved = (cut_a - cut_b) << places
        low, high = log2_of_ratio(a_low, b_high, places)[0], log2_of_ratio(a_high, b_low, places)[1]
        return low + moved, high + moved
    whole = a.bit_length() - b.bit_length()
    if (a << max(-whole, 0)) < (b << max(whole, 0)):
        whole -= 1
    low, high = log_of_ratio(a << max(-whole, 0), b << max(whole, 0), places)
    two_low, two_high = log_of_two(places)
    return (whole << places) + (low << places) // two_high, (whole << places) - (-(high << places) // two_low)


@lru_cache(maxsize=64)
def log2_of_pi(places: int) -> tuple[int, int]:
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
    return log2_of_ratio(low, 1 << places, places)[0], log2_of_ratio(high, 1 << places, places)[1]


def power_of_two(exponent: int, places: int) -> tuple[int, int]:
    """2^x for x = exponent / 2^places < 1: the exponential series of the fraction, then a shift."""
    whole, fraction = exponent >> places, exponent & ((1 << places) - 1)
    two_low, two_high = log_of_two(places)
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
    low, high = log2_of_ratio(value.numerator, value.denominator, places)
    return Enclosure(Fraction(low, 1 << places), Fraction(high, 1 << places))


def log2_of_e(bits: int = 64) -> Enclosure:
    """The binary logarithm of Euler's number, with radius below ``2**-bits``."""
    places = max(bits, 0) + 16
    low, high = log_of_two(places)
    return Enclosure(Fraction(1 << places, high), Fraction(1 << places, low))
