"""Formulas without symbols, and their binary logarithms, enclosed whatever their size: nothing huge is ever formed.

>>> from .zaslavsky import Zaslavsky
>>> round(float(bits(Zaslavsky(128, 2) * Zaslavsky(64, 2))), 4)
24.0345

A function of ours says itself what encloses it, as SymPy's functions say how they are printed: ``_enclosed(enclose,
places)`` its value and ``_bits(places)`` its binary logarithm, or None where that is not known.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Add, E, Expr, Float, Max, Min, Mul, Pow, Rational, S, ceiling, floor, log

from ..errors import BudgetError, DomainError, UnsupportedError
from ..sizes.intervals import largest, rounded_down, rounded_up, smallest
from .log2_enclosure import Enclosure, log2_enclosure, log2_of_e, log2_of_ratio, power_of_two


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
    >>> from layeralgebra.algebra.formulas.zaslavsky import Zaslavsky
    >>> round(float(bits(Zaslavsky(128, 2) * Zaslavsky(64, 2))), 4)
    24.0345
    >>> round(float(bits(3 * Zaslavsky(802816, 150528)**2)), 4)
    1117843.474
    """
    formula = S(formula) if isinstance(formula, int) else formula
    if isinstance(formula, Rational):
        return log2_enclosure(Fraction(formula.p, formula.q), places)
    own = formula._bits(places) if hasattr(formula, "_bits") else None
    if own is not None:
        return own
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
    >>> from layeralgebra.algebra.formulas.zaslavsky import Zaslavsky
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
        rounded = rounded_down if isinstance(formula, floor) else rounded_up
        return Enclosure(*map(Fraction, rounded(enclose(formula.args[0], places).ends)))
    own = formula._enclosed(enclose, places) if hasattr(formula, "_enclosed") else None
    if own is not None:
        return own
    if hasattr(formula, "_bits") and not formula.free_symbols:
        return _too_large(formula)
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
    return Enclosure(*(smallest if isinstance(formula, Min) else largest)([part.ends for part in parts]))


def _log2_of_sum(exponents: list[Fraction], places: int, up: int) -> Fraction:
    """log2 of a sum of powers of two, rounded down (up = 0) or up (up = 1): the largest, plus log2 of the ratios."""
    top, precision = max(exponents), places + 16
    below = [int((x - top) * (1 << precision) // 1) + (up if x != top else 0) for x in exponents]
    total = sum(power_of_two(x, precision)[up] for x in below)
    scaled = log2_of_ratio(total, 1 << precision, precision)[up]
    return top + Fraction(scaled, 1 << precision)
