"""Addresses are integers: what has to be an integer for an address to be one at every point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import comb, prod

from sympy import Add, Basic, Dummy, Expr, Integer, Max, Min, Mul, Poly, Symbol, ceiling, floor
from sympy.polys.polyerrors import PolynomialError

from .heads import address_indices


def is_whole(value: Expr) -> bool:
    """Whether a value is an integer wherever it is one at all: SymPy doubts a floor of what may be divided by zero.

    >>> from sympy import floor, symbols
    >>> k = symbols("k", integer=True, nonnegative=True)
    >>> floor(3/k).is_integer, is_whole(floor(3/k) + k), is_whole(3/k)
    (None, True, False)
    """
    return _is_made_of_whole(value) or bool(
        value.replace(lambda part: isinstance(part, (floor, ceiling)), lambda part: Dummy(integer=True)).is_integer
    )


def _is_made_of_whole(value: Basic) -> bool:
    """Whether a value is a sum, a product or an extremum of integers as it is written, which is told without any assumptions of SymPy."""
    if isinstance(value, (Integer, floor, ceiling)):
        return True
    if isinstance(value, Symbol):
        return bool(value.is_integer)
    return isinstance(value, (Add, Mul, Max, Min)) and all(map(_is_made_of_whole, value.args))


def must_be_whole(address: Expr) -> Sequence[Expr] | None:
    """The numbers, without indices, that are integers if and only if an address is one at all natural numbers; None if none are known.

    A polynomial is an integer at all natural numbers if its finite differences at 0 are. For an affine address these are its
    constant and its coefficients.

    >>> from sympy import symbols
    >>> from layeralgebra.algebra.sizes.dims import Index
    >>> i, k = Index("i"), symbols("k", integer=True)
    >>> must_be_whole(k*i/2 + 1), must_be_whole(i*(i + 1)/2), must_be_whole(1/(i + 1))
    ([1, k/2], [0, 1, 1], None)
    """
    if is_whole(address):
        return []
    rounded = {
        part: Dummy(integer=True, nonnegative=True)
        for part in address.atoms(floor, ceiling, Max, Min)
        if address_indices(part) and is_whole(part)
    }
    variables = [*sorted(address_indices(address), key=str), *rounded.values()]
    if not variables:
        return [address]
    try:
        polynomial = Poly(address.subs(rounded), *variables)
    except PolynomialError:
        return None
    return list(_differences(polynomial))


def _differences(polynomial: Poly) -> Iterator[Expr]:
    """The finite differences at 0, up to the degree in each variable."""
    degrees = [polynomial.degree(variable) for variable in polynomial.gens]
    for order in product(*(range(degree + 1) for degree in degrees)):
        yield Add(
            *(
                Integer(prod((-1) ** (k - at) * comb(k, at) for k, at in zip(order, point))) * polynomial(*point)
                for point in product(*(range(k + 1) for k in order))
            )
        ).expand()
