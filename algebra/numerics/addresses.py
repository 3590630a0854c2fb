"""Where the reads of an equation go, in integers: addresses, masks and ranges at all points of a statement.

Nothing here depends on the numbers in a tensor, but for lookups, whose places another tensor holds.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy
from sympy import Expr, Max, Min, ceiling, floor

from ..equations.heads import Address, Group, Read
from ..equations.instance import Instance
from ..equations.statements import AnyOf, Limit, Mask
from ..errors import DomainError, ShapeError, UnsupportedError
from ..sizes.dims import Index
from .arrays import Labelled, aligned, apply, constant, plus, times, united

if TYPE_CHECKING:
    from numpy import ndarray


class Addresses:
    """The addresses of one statement (`place`), at one step of a recurrence if it is in one."""

    def __init__(self, instance: Instance):
        self.instance = instance
        self.place = 0
        self.step: dict[Index, int] = {}

    def look_up(self, read: Read) -> Labelled:
        """The elements of the tensor that holds the places of a lookup."""
        raise NotImplementedError

    def points(self, index: Index) -> "ndarray":
        """The values that an index takes: all of them, or the present one in a recurrence."""
        if index in self.step:
            return numpy.array([self.step[index]], dtype=object)
        return numpy.array(range(int(self.instance.extents[self.place][index])), dtype=object)

    def integers(self, expression: Expr) -> Labelled:
        """An index expression at all points, in exact arithmetic."""
        if isinstance(expression, Index):
            return Labelled((expression,), self.points(expression))
        if expression.is_number:
            return constant(expression)
        parts = [self.integers(argument) for argument in expression.args]
        if expression.is_Add:
            return plus(parts)
        if expression.is_Mul:
            return times(parts)
        if expression.is_Pow and expression.exp.is_integer:
            base, exponent = parts
            exactly = numpy.frompyfunc(Fraction, 1, 1)  # of integers, numpy has no negative powers
            try:
                return apply("power", [Labelled(base.indices, numpy.asarray(exactly(base.values))), exponent])
            except ZeroDivisionError:
                raise DomainError(f"the index expression {expression} divides by 0") from None
        if isinstance(expression, (Max, Min)):
            join, made = ("max" if isinstance(expression, Max) else "min"), parts[0]
            for part in parts[1:]:
                made = apply(join, [made, part])
            return made
        if isinstance(expression, (floor, ceiling)):
            rounded = numpy.frompyfunc(
                (lambda value: value // 1) if isinstance(expression, floor) else (lambda value: -(-value // 1)), 1, 1
            )
            return Labelled(parts[0].indices, numpy.asarray(rounded(parts[0].values), dtype=object))
        raise UnsupportedError(
            f"the index expression {expression} has no numbers: {type(expression).__name__} is none of "
            "+ * // ceil max min"
        )

    def address(self, address: Address) -> Labelled:
        """One component of an address at all points, as integers."""
        if isinstance(address, Read):
            found = self.look_up(address)
            values = found.values
            whole = numpy.frompyfunc(
                lambda value: value == value and abs(value) != float("inf") and value == int(value), 1, 1
            )
            if not numpy.all(whole(values)):
                raise DomainError(f"{address.tensor} holds the numbers of rows of a table, so it must hold integers")
            return Labelled(found.indices, values.astype(numpy.int64))
        if isinstance(address, Group):
            made: Labelled = Labelled((), numpy.full((), 0, dtype=object))
            for index in address.parts:
                extent = numpy.full((), int(self.instance.extents[self.place][index]), dtype=object)
                made = plus([times([made, Labelled((), extent)]), self.integers(index)])
        else:
            made = self.integers(address)
        values = made.values
        for value in values.flat:
            if isinstance(value, Fraction) and value.denominator != 1:
                raise ShapeError(f"{self.instance.layer}: the address {address} is no integer, as at {value}")
        return Labelled(made.indices, values.astype(numpy.int64))

    def masks(self) -> list[Limit]:
        """The masks of the present statement, and its ranges as two masks each, of which one may speak of other statements."""
        here = set(self.instance.extents[self.place])
        ranges = self.instance.ranges(self.place).items()
        ends = [Mask(index, sign, end) for index, pair in ranges for sign, end in zip((">=", "<"), pair)]
        return [*self.instance.masks(self.place), *(mask for mask in ends if mask.indices <= here)]

    def permitted(
        self, indices: frozenset[Index], *, only_within: bool = False, scope: frozenset[Index] | None = None
    ) -> Labelled | None:
        """Where masks on some of `indices` hold; None if there are none.

        `only_within` leaves out masks that speak of other indices as well, `scope` those that speak of any that is neither
        in it nor among `indices`: a sum is not limited by an index that only another term has.
        """
        made: Labelled | None = None
        for mask in self.masks():
            if not (mask.indices <= indices if only_within else mask.indices & indices):
                continue
            if scope is not None and not mask.indices <= scope | indices:
                continue
            held = self._held_by(mask)
            made = held if made is None else _joined(numpy.logical_and, made, held)
        return made

    def _held_by(self, limit: Limit) -> Labelled:
        """Where a mask, or one option of a disjunction, holds."""
        if isinstance(limit, AnyOf):
            options = [
                reduce(partial(_joined, numpy.logical_and), map(self._held_by, option)) for option in limit.options
            ]
            return reduce(partial(_joined, numpy.logical_or), options)
        left, right = self.integers(limit.left), self.integers(limit.right)
        both = united(left.indices, right.indices)
        compare = {"<": numpy.less, "<=": numpy.less_equal, ">": numpy.greater, ">=": numpy.greater_equal}[
            limit.relation
        ]
        return Labelled(both, numpy.asarray(compare(aligned(left, both), aligned(right, both)), dtype=bool))


def _joined(how: "numpy.ufunc", one: Labelled, other: Labelled) -> Labelled:
    both = united(one.indices, other.indices)
    return Labelled(both, how(aligned(one, both), aligned(other, both)))
