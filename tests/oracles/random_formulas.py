"""Random formulas and sizes, to test what evaluates formulas: floors, remainders, quotients, cases, finite sums.

The symbols ``a b c`` are positive integers, ``x y`` any integers. ``a`` is the only limit of a sum, and kept small
there.
"""

from __future__ import annotations

import random

import sympy

POSITIVE = sympy.symbols("a b c", integer=True, positive=True)
ANY = sympy.symbols("x y", integer=True)
INDEX = sympy.Symbol("l", integer=True, positive=True)
_KINDS = "add add mul mul mul pow floor floor ceiling mod max min abs quotient cases sum scaled sign heaviside".split()


def formula(r: random.Random, depth: int, extra: tuple = ()) -> sympy.Expr:
    """A random formula of at most so many levels."""
    if depth == 0 or r.random() < 0.12:
        kind = r.random()
        if kind < 0.75:
            return r.choice(POSITIVE + ANY + extra)
        return sympy.Integer(r.randint(-5, 9)) if kind < 0.9 else sympy.Rational(r.randint(-7, 7), r.randint(1, 6))
    kind = r.choice(_KINDS)

    def part() -> sympy.Expr:
        return formula(r, depth - 1, extra)

    if kind == "add":
        return sympy.Add(*[part() for _ in range(r.randint(2, 4))])
    if kind == "mul":
        return sympy.Mul(*[part() for _ in range(r.randint(2, 3))])
    if kind == "pow":
        return part() ** r.randint(2, 3)
    if kind == "scaled":
        return r.choice(POSITIVE) ** r.randint(1, 3) * part()
    if kind == "floor":
        return sympy.floor(part() / r.choice([2, 3, 4, 8, r.choice(POSITIVE)]))
    if kind == "ceiling":
        return sympy.ceiling(part() / r.choice([2, 3, r.choice(POSITIVE)]))
    if kind == "mod":
        return sympy.Mod(part(), r.choice([2, 3, 8, r.choice(POSITIVE), r.choice(ANY)]))
    if kind == "max":
        return sympy.Max(part(), part())
    if kind == "min":
        return sympy.Min(part(), part())
    if kind == "abs":
        return sympy.Abs(part())
    if kind == "sign":
        return sympy.sign(part())
    if kind == "heaviside":
        return sympy.Heaviside(part())
    if kind == "quotient":
        return part() / r.choice([3, r.choice(POSITIVE), r.choice(POSITIVE) + r.choice(POSITIVE), r.choice(ANY)])
    if kind == "cases":
        relation = r.choice([sympy.Lt, sympy.Le, sympy.Ne, sympy.Gt, sympy.Eq])
        return sympy.Piecewise((part(), relation(r.choice(POSITIVE + ANY), part())), (part(), True))
    body = formula(r, min(depth - 1, 1), (INDEX,))
    return sympy.Sum(body, (INDEX, r.randint(0, 2), POSITIVE[0]))


def formulas(r: random.Random, count: int):
    """So many random formulas that have symbols and no infinities."""
    while count:
        try:
            e = formula(r, r.randint(1, 4))
        except (ZeroDivisionError, TypeError):  # SymPy found a division by 0, or compared complex numbers
            continue
        if isinstance(e, sympy.Expr) and e.free_symbols and not e.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
            count -= 1
            yield e


def sizes(r: random.Random, e: sympy.Expr, count: int) -> dict[sympy.Symbol, list[int]]:
    """Random numbers for the symbols of a formula, small ones and some up to 10**9."""
    largest = r.choice([[5, 100], [5, 100, 10**4, 10**9]])
    found = {}
    for symbol in sorted(e.free_symbols, key=str):
        column = []
        for _ in range(count):
            high = r.choice(largest)
            if symbol == POSITIVE[0] and e.has(sympy.Sum):
                high = 6
            column.append(r.randint(1, high) if symbol in POSITIVE else r.randint(-high, high))
        found[symbol] = column
    return found
