"""Functions of integers that formulas may contain and SymPy does not know: each carries its own rules.

A subclass of `FormulaFunction` is all there is to write: its `Rule` says how the number is computed, between which
bounds it lies and how it moves with its arguments. `compile`, `codegen`, `solve_for`, `optimize` and SymPy's
`lambdify` ask the rule.

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

import math
from collections.abc import Callable
from math import inf
from typing import Any, ClassVar

from sympy import Basic, Expr, Float, Function, Integer

from ..errors import DomainError, UnsupportedError
from ..records import dataclass
from ..sizes.intervals import Interval
from ..sizes.printed_division import OTHER_LANGUAGES


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
    javascript_source : str
        A JavaScript function named as ``compute`` is, of BigInts; its value is a BigInt, or a number where ``whole`` is
        False. It may call ``comb`` and ``factorial``. Without a text there is no JavaScript.
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
    javascript_source: str = ""
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


def only_in_python(cls: type[Function]) -> type[Function]:
    """The class, so that printers of other languages write what the function expands to, or refuse it.

    Raises
    ------
    UnsupportedError
        From the printers: it has no closed form at these sizes.
    """
    for printer in OTHER_LANGUAGES:
        setattr(cls, printer, _expanded)
    return cls


def _expanded(self: Function, printer: Any, **settings: Any) -> str:
    opened = self.expand(func=True)
    if opened.has(type(self)):
        raise UnsupportedError(
            f"{self} is no function of {printer.language}, and has no closed form at these sizes; la.codegen(formula, "
            "language='c') writes what it knows for C, and la.compile(formula) computes it"
        )
    return str(printer._print(opened, **settings))


@only_in_python
class FormulaFunction(Function):
    """A function of integers with a `Rule`.

    Attributes
    ----------
    rule : Rule
    log2_of : type of FormulaFunction, optional
        The function whose binary logarithm this one is; its rule is used.
    """

    rule: ClassVar[Rule]
    log2_of: ClassVar[type[FormulaFunction] | None] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._imp_ = staticmethod(cls._at)  # where SymPy's `lambdify` looks for the numbers of a function

    @classmethod
    def _at(cls, *sizes: Any) -> Any:
        """The value at numbers, or the values at arrays of them."""
        if any(isinstance(size, Basic) for size in sizes):
            return cls(*sizes)
        if any(getattr(size, "ndim", 0) for size in sizes):
            import numpy

            values = numpy.frompyfunc(cls._at, len(sizes), 1)(*sizes)
            return values if cls.log2_of is None and cls.rule.whole else values.astype(float)
        whole = [int(size) for size in sizes]
        if any(number != size for number, size in zip(whole, sizes, strict=True)):
            raise DomainError(f"{cls.__name__}{sizes} does not exist: it is a function of integers")
        original = cls.log2_of or cls
        original._check(*whole)
        if cls.log2_of is None:
            return cls.rule.compute(*whole)
        logarithm = original.rule.logarithm
        return (logarithm.compute(*whole) if logarithm else math.log(original.rule.compute(*whole))) / math.log(2)

    @classmethod
    def _check(cls, *sizes: Any) -> None:
        for size, least in zip(sizes, cls.rule.least, strict=False):
            if least is not None and size < least[0]:
                raise DomainError(f"{cls.__name__}{sizes} does not exist: it does not hold that {least[1]}")

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
        cls._check(*sizes)
        value = cls.rule.compute(*map(int, sizes))
        return Integer(value) if cls.rule.whole else Float(value)
