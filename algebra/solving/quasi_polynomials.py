"""Formulas of one integer as polynomials: one for each residue, and between bounds where a Max or Min changes hands.

``floor((c + 3)/4)`` is a polynomial of q for each ``r`` in ``c = 4 q + r``; so are remainders, and sums and products of
them. On such a form inequalities and equations are decided exactly, for all integers at once.

>>> from sympy import symbols, floor
>>> c = symbols("c", integer=True, positive=True)
>>> form = quasi_polynomial(c * floor(c / 2), c, 1)
>>> form.period, form.pieces[1]
(2, [(0, inf, (0, 1, 2))])
>>> solutions(form, 10, "le").largest
5
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, inf, lcm
from typing import Any

from sympy import QQ, Expr, Poly, Rational, Symbol

from ..compilation.program.expressions import Dag
from ..errors import UnsupportedError
from ..records import dataclass

MAX_PERIOD = 720
MAX_DEGREE = 40

Coefficients = tuple[Any, ...]  # integers and fractions, the constant first
Piece = tuple[Any, Any, Coefficients]  # from, to, and the polynomial between


class _Longer(Exception):
    """The period has to be a multiple of another number too."""

    def __init__(self, factor: int):
        self.factor = factor


@dataclass(frozen=True)
class QuasiPolynomial:
    """A formula of ``c = period * q + residue``: for each residue, pieces that are polynomials of q."""

    period: int
    pieces: tuple[list[Piece], ...]


@dataclass(frozen=True)
class Solutions:
    """The integers that satisfy a condition, as stretches ``(first, last, step)``; the last may be infinite."""

    stretches: tuple[tuple[Any, Any, int], ...]

    @property
    def largest(self) -> Any:
        """The largest solution; infinite if there is none, None if nothing is a solution."""
        return max((last for _, last, _ in self.stretches), default=None)

    @property
    def smallest(self) -> Any:
        return min((first for first, _, _ in self.stretches), default=None)


def quasi_polynomial(e: Expr, c: Symbol, low: int, high: Any = inf) -> QuasiPolynomial:
    """The form of a formula for the integers from ``low`` to ``high``; `UnsupportedError` if it has none."""
    dag = Dag()
    top = dag.read(e)
    period = 1
    while True:
        try:
            pieces = []
            for residue in range(period):
                first = -((residue - low) // period)
                last = inf if high == inf else (high - residue) // period
                pieces.append(_pieces(dag, top, c, period, residue, first, last) if first <= last else [])
            return QuasiPolynomial(period, tuple(pieces))
        except _Longer as longer:
            period *= longer.factor
            if period > MAX_PERIOD:
                raise UnsupportedError(f"{e} depends on {c} modulo more than {MAX_PERIOD}") from None


def _pieces(dag: Dag, top: int, c: Symbol, period: int, residue: int, first: int, last: Any) -> list[Piece]:
    found: dict[int, list[Piece]] = {}
    for number in dag.below([top]):
        op, args, value = dag.nodes[number]
        parts = [found[arg] for arg in args]
        result: list[Piece]
        if op == "const":
            result = [(first, last, (_plain(Fraction(int(value.p), int(value.q))),))]
        elif op == "symbol" and value == c:
            result = [(first, last, (residue, period))]
        elif op == "add":
            result = _folded(parts, _sum)
        elif op == "mul":
            result = _folded(parts, _product)
        elif op == "pow" and value >= 0:
            result = _folded([[(first, last, (1,))], *([parts[0]] * value)], _product)
        elif op == "pow" and all(len(piece[2]) == 1 and piece[2][0] for piece in parts[0]):
            result = [(a, b, (_plain(Fraction(1) / Fraction(p[0]) ** -value),)) for a, b, p in parts[0]]
        elif op == "floor":
            result = [(a, b, _floored(p)) for a, b, p in parts[0]]
        elif op == "ceiling":
            result = [(a, b, _negative(_floored(_negative(p)))) for a, b, p in parts[0]]
        elif op == "mod" and all(len(piece[2]) == 1 and piece[2][0] for piece in parts[1]):
            ratio = _folded([parts[0], [(a, b, (_plain(Fraction(1) / p[0]),)) for a, b, p in parts[1]]], _product)
            whole = [(a, b, _negative(_floored(p))) for a, b, p in ratio]
            result = _folded([parts[0], _folded([whole, parts[1]], _product)], _sum)
        elif op in ("max", "min"):
            result = parts[0]
            for part in parts[1:]:
                result = _extreme(result, part, op)
        elif op == "abs":
            result = _extreme(parts[0], [(a, b, _negative(p)) for a, b, p in parts[0]], "max")
        else:
            raise UnsupportedError(
                f"{str(dag.write([number])[0])[:120]} is not made of polynomials, floors and extremes of {c}"
            )
        found[number] = result
    return found[top]


# -- polynomials as tuples, the constant first ---------------------------------------------------------------------


def _plain(number: Any) -> Any:
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number


def _trimmed(coefficients: Sequence[Any]) -> Coefficients:
    found = [_plain(coefficient) for coefficient in coefficients]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    if len(found) > MAX_DEGREE + 1:
        raise UnsupportedError(f"the formula has a degree of more than {MAX_DEGREE}")
    return tuple(found)


def _sum(left: Coefficients, right: Coefficients) -> Coefficients:
    length = max(len(left), len(right))
    padded = [(*p, *([0] * (length - len(p)))) for p in (left, right)]
    return _trimmed([x + y for x, y in zip(*padded, strict=True)])


def _negative(p: Coefficients) -> Coefficients:
    return tuple(-coefficient for coefficient in p)


def _product(left: Coefficients, right: Coefficients) -> Coefficients:
    found: list[Any] = [0] * (len(left) + len(right) - 1)
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            found[i + j] += x * y
    return _trimmed(found)


def _floored(p: Coefficients) -> Coefficients:
    """The floor of a polynomial whose coefficients, but for the constant, are integers."""
    factor = lcm(*(Fraction(coefficient).denominator for coefficient in p[1:]), 1)
    if factor > 1:
        raise _Longer(factor)
    return (floor(p[0]), *p[1:])


def value_at(p: Coefficients, q: int) -> Any:
    """The value of a polynomial, by Horner's rule."""
    total: Any = 0
    for coefficient in reversed(p):
        total = total * q + coefficient
    return total


def signs(p: Coefficients, first: int, last: Any) -> list[tuple[int, Any, int]]:
    """Stretches of integers ``(from, to, sign)`` on which a polynomial has one sign.

    Its real roots are enclosed in intervals so small that each holds one integer at most; between them the sign stays.
    """
    if len(p) == 1:
        return [(first, last, (p[0] > 0) - (p[0] < 0))]
    variable = Symbol("q")
    poly = Poly([Rational(Fraction(x).numerator, Fraction(x).denominator) for x in reversed(p)], variable, domain=QQ)
    cuts = {first}
    for (a, b), _ in poly.intervals(eps=Rational(1, 4)):
        near = range(floor(a), ceil(b) + 1)
        cuts.update(q for q in (*near, near[-1] + 1) if first <= q <= last)
    found: list[tuple[int, Any, int]] = []
    ordered = sorted(cuts)
    for number, start in enumerate(ordered):
        stop = ordered[number + 1] - 1 if number + 1 < len(ordered) else last
        at = value_at(p, start)
        sign = (at > 0) - (at < 0)
        if found and found[-1][2] == sign:
            found[-1] = (found[-1][0], stop, sign)
        else:
            found.append((start, stop, sign))
    return found


# -- pieces --------------------------------------------------------------------------------------------------------


def _overlaps(left: list[Piece], right: list[Piece]) -> list[tuple[Any, Any, Coefficients, Coefficients]]:
    found = []
    for a, b, p in left:
        for x, y, q in right:
            if max(a, x) <= min(b, y):
                found.append((max(a, x), min(b, y), p, q))
    return found


def _folded(parts: Sequence[list[Piece]], combine: Any) -> list[Piece]:
    total = parts[0]
    for part in parts[1:]:
        total = [(a, b, combine(p, q)) for a, b, p, q in _overlaps(total, part)]
    return total


def _extreme(left: list[Piece], right: list[Piece], op: str) -> list[Piece]:
    found: list[Piece] = []
    for a, b, p, q in _overlaps(left, right):
        for start, stop, sign in signs(_sum(p, _negative(q)), a, b):
            chosen = p if (sign >= 0) == (op == "max") else q
            if found and found[-1][2] == chosen and found[-1][1] == start - 1:
                found[-1] = (found[-1][0], stop, chosen)
            else:
                found.append((start, stop, chosen))
    return found


def solutions(form: QuasiPolynomial, number: Any, relation: str) -> Solutions:
    """The integers at which the formula is ``le``, ``eq`` or ``ge`` a number."""
    wanted = {"le": (-1, 0), "eq": (0,), "ge": (0, 1)}[relation]
    found = []
    for residue, pieces in enumerate(form.pieces):
        for a, b, p in pieces:
            for start, stop, sign in signs(_sum(p, (-number,)), a, b):
                if sign in wanted:
                    last = inf if stop == inf else form.period * stop + residue
                    found.append((form.period * start + residue, last, form.period))
    return Solutions(tuple(sorted(found)))
