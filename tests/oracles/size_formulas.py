"""Hypothesis strategies for formulas over integer-valued sizes, and for admissible values of their symbols."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import reject
from hypothesis import strategies as st
from sympy import (
    Add,
    Eq,
    Ge,
    Integer,
    Lt,
    Max,
    Min,
    Mod,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
    ceiling,
    floor,
    symbols,
)

x, y, s = POSITIVE = symbols("x y s", integer=True, positive=True)
p = Symbol("p", integer=True, nonnegative=True)
z, w = ANY = symbols("z w", integer=True)  # z is also the index of sums
r = Symbol("r", positive=True)  # not an integer

LEAVES = st.one_of(
    st.sampled_from([x, y, s, p, z, w]),
    st.sampled_from([x, y, s]),
    st.integers(-5, 8).map(Integer),
    st.just(r),
)
DIVISORS = [Integer(2), Integer(3), Integer(4), Integer(6), s, x, s + 1, 2 * s, s * x, 2 * s + 3]
BASES = [Integer(2), Rational(1, 2), Integer(-1), Integer(-2), s, x + 1, s * x]
EXPONENTS = [x, x + 1, 2 * y, x - y]


def _made(kind, arguments, evaluate):
    """A node built with SymPy's own evaluation, or without it; SymPy refuses some that hold an unevaluated number."""
    try:
        return kind(*arguments, evaluate=evaluate)
    except ValueError:
        return kind(*arguments, evaluate=False)


def _product(*factors):
    """A product; SymPy fails on some of cases, where it looks at an infinity that is not there in the end."""
    try:
        return Mul(*factors)
    except TypeError:
        reject()


def _power(base, exponent):
    return Pow(base, exponent, evaluate=not base.has(Piecewise))


def _cases(first, left, right, second, relation):
    # Without evaluation: SymPy's own may take for ever over a relation between long sides.
    return Piecewise((first, relation(left, right, evaluate=False)), (second, True), evaluate=False)


def _over(children):
    """One more level; many constructors with SymPy's own evaluation and without."""
    flag = st.booleans()
    few = st.lists(children, min_size=2, max_size=3)
    over = st.sampled_from(DIVISORS)
    return st.one_of(
        few.map(lambda args: Add(*args)),
        st.builds(_product, children, children),
        st.builds(_power, children, st.integers(2, 3)),
        st.builds(lambda a, d, f: _made(floor, (a / d,), f), children, over, flag),
        st.builds(lambda a, d, f: _made(ceiling, (a / d,), f), children, over, flag),
        st.builds(lambda a, d, f: _made(Mod, (a, d), f), children, st.sampled_from(DIVISORS[:5]), flag),
        st.builds(lambda args, f: _made(Max, args, f), few, flag),
        st.builds(lambda args, f: _made(Min, args, f), few, flag),
        st.builds(lambda a, d: _product(a, 1 / d), children, over),
        st.builds(lambda a, b, e: _product(a, Pow(b, e)), children, st.sampled_from(BASES), st.sampled_from(EXPONENTS)),
        st.builds(
            lambda a, low, n: Sum(a, (z, low, n)), children, st.sampled_from([0, 1]), st.sampled_from([x, y - 1])
        ),
        st.builds(_cases, children, children, children, children, st.sampled_from([Eq, Lt, Ge])),
    )


def _is_finite(formula) -> bool:
    return formula.is_finite is not False and not any(part.is_infinite for part in formula.atoms() if part.is_number)


def formulas(leaves: int = 8):
    """Formulas of about so many leaves, defined at most of their points."""
    return st.recursive(LEAVES, _over, max_leaves=leaves).filter(_is_finite)


#: Values that the assumptions of the symbols admit.
POINTS = st.fixed_dictionaries(
    {symbol: st.integers(1, 9) for symbol in POSITIVE}
    | {symbol: st.integers(-7, 7) for symbol in ANY}
    | {p: st.integers(0, 6), r: st.builds(Fraction, st.integers(1, 20), st.integers(1, 6))}
)
