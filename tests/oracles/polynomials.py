"""Polynomials in one unknown with fractions for coefficients, compared as they are at zero: what a network makes of weights ``w + w t``.

On a piece of a piecewise-linear network the values are polynomials in the weights. With all weights scaled by ``1 + t`` they are
polynomials in ``t`` of that degree, at weights in general position, and near ``t = 0`` every comparison comes out as it does there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any


class NoPolynomial(Exception):
    """A function of the unknown that is none."""


def _exact(value: Any) -> Any:
    return Fraction(value) if isinstance(value, float) and value == value and abs(value) != float("inf") else value


class Polynomial:
    """Coefficients from the constant on; arithmetic with numbers and polynomials."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Any):
        while len(parts) > 1 and parts[-1] == 0:
            parts = parts[:-1]
        self.parts = tuple(map(_exact, parts))

    @property
    def degree(self) -> int:
        return len(self.parts) - 1

    def __add__(self, other: Any) -> Polynomial:
        ours, theirs = self.parts, other.parts if isinstance(other, Polynomial) else (_exact(other),)
        if len(ours) < len(theirs):
            ours, theirs = theirs, ours
        return Polynomial(*(a + b for a, b in zip(ours, theirs)), *ours[len(theirs) :])

    def __mul__(self, other: Any) -> Polynomial:
        theirs = other.parts if isinstance(other, Polynomial) else (_exact(other),)
        made = [Fraction(0)] * (len(self.parts) + len(theirs) - 1)
        for i, a in enumerate(self.parts):
            for j, b in enumerate(theirs):
                made[i + j] += a * b
        return Polynomial(*made)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Polynomial:
        return self * -1

    def __sub__(self, other: Any) -> Polynomial:
        return self + (-other)

    def __rsub__(self, other: Any) -> Polynomial:
        return -self + other

    def __truediv__(self, other: Any) -> Polynomial:
        if isinstance(other, Polynomial):
            other = other.number()
        return self * (1 / Fraction(_exact(other)))

    def __rtruediv__(self, other: Any) -> Any:
        return _exact(other) / Fraction(self.number())

    def __pow__(self, exponent: Any) -> Polynomial:
        if exponent != int(exponent) or exponent < 0:
            raise NoPolynomial(f"a power {exponent}")
        made = Polynomial(1)
        for _ in range(int(exponent)):
            made = made * self
        return made

    def number(self) -> Any:
        if self.degree:
            raise NoPolynomial("a function of the unknown")
        return self.parts[0]

    def __float__(self) -> float:
        return float(self.number())

    def __int__(self) -> int:
        return int(self.number())

    __index__ = __int__

    def __abs__(self) -> Polynomial:
        return self if self > 0 else -self

    def _at_zero(self, other: Any) -> tuple[Any, Any]:
        return self.parts[0], other.parts[0] if isinstance(other, Polynomial) else other

    def __lt__(self, other: Any) -> bool:
        here, there = self._at_zero(other)
        return bool(here < there)

    def __gt__(self, other: Any) -> bool:
        here, there = self._at_zero(other)
        return bool(here > there)

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        return self.parts == (other.parts if isinstance(other, Polynomial) else (other,))

    def __hash__(self) -> int:
        return hash(self.parts)
