"""Functions of integers that formulas may contain and SymPy does not know: each carries its own rules.

A subclass of `FormulaFunction` is all there is to write: its `Rule` says how the number is computed, between which
bounds it lies and how it moves with its arguments. `compile`, `codegen`, `solve_for` and `optimize` ask the rule.

>>> def triangular(n):
...     return n * (n + 1) // 2
>>> class Triangular(FormulaFunction):
...     nargs = 1
...     is_integer = True
...     rule = Rule(triangular, at_corners(triangular), directions=(1,))
>>> from sympy import symbols
>>> n = symbols("n", integer=True, positive=True)
>>> Triangular(n), Triangular(n).subs(n, 4)
(Triangular(n), 10)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any, ClassVar

from sympy import Expr, Float, Function, Integer

from ..errors import DomainError, UnsupportedError
from ..sizes.intervals import Interval


@dataclass(frozen=True, eq=False)
class Rule:
    """How a function of integers is computed, and what is known of its values.

    Attributes
    ----------
    compute : callable
        The value on Python integers: an integer, or a float where ``whole`` is False. It stands alone but for functions
        of its own module: its text is copied into the sources that `codegen` writes.
    bounds : callable
        An interval that holds the values, from one interval for each argument; ends may be infinite.
    directions : tuple of int, optional
        1 where the function never falls with an argument, -1 where it never rises, for arguments that are not negative.
    least : tuple of (int, str), optional
        For each argument the smallest it may be and this condition in words, or None.
    logarithm : Rule, optional
        The natural logarithm, where the value itself may have millions of digits.
    c_source : str
        A C function named as ``compute`` is, of ``int64_t`` arguments. One with an integer value takes a last argument
        ``int *e`` and sets it to 1 where something does not fit; it may call ``add`` and ``mul``, which do so. Without
        a text there is no C.
    whole : bool
        Whether the values are integers.
    on_integers : str, optional
        The refusal of arguments that are no integers, in words.
    stands_alone : bool
        Whether the text of ``compute`` can be copied.
    """

    compute: Callable[..., Any]
    bounds: Callable[..., Interval]
    directions: tuple[int, ...] | None = None
    least: tuple[tuple[int, str] | None, ...] = ()
    logarithm: Rule | None = None
    c_source: str = ""
    whole: bool = True
    on_integers: str = ""
    stands_alone: bool = True

    @property
    def name(self) -> str:
        return self.compute.__name__


def at_corners(compute: Callable[..., Any]) -> Callable[..., Interval]:
    """Bounds of a function that never falls with any of its arguments, none of them negative: its values at the ends.

    >>> at_corners(lambda n, d: n + 2 * d)((0, 3), (1, 4))
    (2, 11)
    """

    def bounds(*parts: Interval) -> Interval:
        lows, highs = [low for low, _ in parts], [high for _, high in parts]
        if any(low < 0 for low in lows):
            return -inf, inf
        return compute(*lows), (inf if inf in highs else compute(*highs))

    return bounds


class ComputedFunction(Function):
    """A function that says how its number is computed, so that `sympy.lambdify` can call it."""

    @classmethod
    def number(cls, *values: Any) -> Any:
        """The value at Python numbers.

        Raises
        ------
        UnsupportedError
            If the function has none to give.
        """
        raise UnsupportedError(f"{cls.__name__} does not say how it is computed")

    @classmethod
    def _imp_(cls, *values: Any) -> Any:
        """What `sympy.lambdify` looks for; takes arrays, too. Integers that 64 bits do not hold stay Python's."""
        if not any(getattr(value, "shape", ()) for value in values):
            return cls.number(*map(_whole, values))
        import numpy

        found = numpy.frompyfunc(lambda *one: cls.number(*map(_whole, one)), len(values), 1)(*values)
        try:
            return found.astype(int if cls.is_integer else float)
        except OverflowError:
            return found


def _whole(value: Any) -> Any:
    """An integer where a number of any kind is one."""
    return int(value) if value == int(value) else value


class FormulaFunction(ComputedFunction):
    """A function of integers with a `Rule`.

    Attributes
    ----------
    rule : Rule
    log2_of : type of FormulaFunction, optional
        The function whose binary logarithm this one is; its rule is used.
    """

    rule: ClassVar[Rule]
    log2_of: ClassVar[type[FormulaFunction] | None] = None

    @classmethod
    def number(cls, *values: Any) -> Any:
        rule = cls.log2_of.rule.logarithm if cls.log2_of is not None else cls.rule
        if rule is None:
            raise UnsupportedError(f"{cls.__name__} has no rule for a logarithm")
        if any(not isinstance(value, int) for value in values):
            raise DomainError(f"{cls.__name__} is a function of integers, got {', '.join(map(str, values))}")
        value = rule.compute(*values)
        return value if cls.log2_of is None else value / log(2)

    @classmethod
    def eval(cls, *sizes: Expr) -> Expr | None:
        """The value for literal integers.

        Raises
        ------
        DomainError
            For an integer that the rule does not allow.
        """
        if not all(size.is_Integer for size in sizes):
            return None
        for size, least in zip(sizes, cls.rule.least, strict=False):
            if least is not None and size < least[0]:
                raise DomainError(f"{cls.__name__}{sizes} does not exist: it does not hold that {least[1]}")
        value = cls.rule.compute(*map(int, sizes))
        return Integer(value) if cls.rule.whole else Float(value)
