"""The operations of a program, one record each: what is known of the result, and how each backend writes it.

An operation is added here, in one record, or in a file of yours with `add_operation`. What a record leaves out, no backend has in that form: the passes refuse it by
name or compute it on Python integers.

>>> interval("add", ((9, -1), 5), [(1, 10), (0, 3)])
(11, 95)
>>> OPERATIONS["floordiv"].python("H", "2"), OPERATIONS["min"].c("a", "b")
('(H//2)', '(a < b ? a : b)')
"""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import field
from math import prod
from typing import Any

import sympy

from ...records import dataclass
from ...sizes.intervals import ANYTHING, Interval, absolute, chosen, largest, smallest
from . import derivatives, trends
from . import functions as runtime
from . import integer_bounds as integers
from . import real_bounds as reals

Bounds = Callable[[Any, Sequence[Interval]], Interval]
Text = Callable[..., str]  # from the texts of the operands, and ``value`` where the operation has one


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    Attributes
    ----------
    reads : type, optional
        The SymPy class that is read as this operation, and written for it.
    trend : callable
        How the result moves with a size, from the value of the operation and the trends of its operands.
    derivative : callable, optional
        The derivatives by the operands, as nodes, from a `Differentiated` node; without one, ``reads`` says what they
        are, as every function of SymPy does.
    residue : callable, optional
        The result modulo a number, from the value of the operation and the residues of its operands.
    bounds, real_bounds : callable, optional
        An interval of the result from the value of the operation and the intervals of its operands: on integers and
        truth values, and on floats.
    whole : bool
        Whether the result is an integer whatever the operands are.
    truth : bool
        Whether the result is a truth value.
    python : callable, optional
        The Python text; without one, ``helper`` is called.
    helper, real_helper : str, optional
        The function of `functions` that computes it on Python integers, and on floats if that is another one.
    c, real_c : callable, optional
        The C text on integers and on floats.
    javascript, fraction_javascript, real_javascript : callable, optional
        The JavaScript text on BigInts and truth values, on numbers that may be fractions if that is another one, and on
        doubles.
    scalar : callable, optional
        What it does to Python numbers, if ``helper`` does not.
    array : str
        The function of numpy, which jax has by the same name.
    torch : str
        The function of torch, if it has another name.
    boxed : bool
        Whether Python integers in arrays need ``scalar`` or ``helper``, one after the other.
    by_sign : bool
        Whether ``scalar`` is a sign of Python that tensors have too.
    on_host : bool
        Whether tensors do not have it, so that Python integers compute it.
    folds : bool
        Whether arrays take any number of operands two at a time, those on few elements first.
    in_place : bool
        Whether numpy reads all operands before it writes, so that the result may take the place of one.
    machine : mapping
        The text for one element in machine code, by the kind of the result: ``i``, ``f`` or ``b``.
    """

    reads: Any = None
    trend: Callable[[Any, Sequence[trends.Trend]], trends.Trend] = trends.unchanged
    derivative: Callable[[derivatives.Differentiated], derivatives.Derivatives] | None = None
    residue: Callable[[Any, Sequence[int]], int] | None = None
    bounds: Bounds | None = None
    real_bounds: Bounds | None = None
    whole: bool = False
    truth: bool = False
    python: Text | None = None
    helper: str = ""
    real_helper: str = ""
    c: Text | None = None
    real_c: Text | None = None
    javascript: Text | None = None
    fraction_javascript: Text | None = None
    real_javascript: Text | None = None
    scalar: Callable[..., Any] | None = None
    array: str = ""
    torch: str = ""
    boxed: bool = False
    by_sign: bool = False
    on_host: bool = False
    folds: bool = False
    in_place: bool = False
    machine: Mapping[str, str] = field(default_factory=dict)


def _joined(sign: str, brackets: bool = True) -> Text:
    """Operands with a sign between them."""

    def text(*parts: str, value: Any = None) -> str:
        joined = f" {sign} ".join(parts)
        return f"({joined})" if brackets else joined

    return text


def _folded(template: str) -> Text:
    """An operation on two operands, one more operand at a time."""

    def text(first: str, *others: str, value: Any = None) -> str:
        for other in others:
            first = template.format(first, other)
        return first

    return text


def _called(name: str) -> Text:
    return lambda *parts, value=None: f"{name}({', '.join(parts)})"


def _of_sign(symbol: str) -> dict[str, Any]:
    """The texts of a comparison, which every language writes in the same way."""
    text = f"{{}} {symbol} {{}}"
    script = {"==": "===", "!=": "!=="}.get(symbol, symbol)
    return {
        "python": f"({{}}{symbol}{{}})".format, "c": text.format, "machine": {"b": text},
        "javascript": f"({{}} {script} {{}})".format, "fraction_javascript": f"(difference({{}}, {{}}) {script} 0n)".format,
    }  # fmt: skip


def _comparison(name: str, reads: Any, symbol: str, scalar: Callable[..., Any], array: str) -> Operation:
    return Operation(
        reads=reads, by_sign=True, bounds=integers.compare(name), whole=True, truth=True, scalar=scalar, array=array, in_place=True,
        **_of_sign(symbol),
    )  # fmt: skip


def _machine(text: str, kinds: str = "i") -> dict[str, str]:
    return dict.fromkeys(kinds, text)


_WHERE = "{} ? {} : {}".format
_BRACKETED_WHERE = "({} ? {} : {})".format
# Those of a program.
OPERATIONS: dict[str, Operation] = {
    "input": Operation(bounds=lambda value, args: ANYTHING),
    "const": Operation(
        bounds=lambda value, args: (value, value), trend=trends.const, residue=lambda value, args: value
    ),
    "add": Operation(
        reads=sympy.Add, trend=trends.add, derivative=derivatives.add, by_sign=True, folds=True,
        residue=lambda value, args: sum((k * x for k, x in zip(value[0], args, strict=True)), value[1]),
        bounds=integers.add, real_bounds=reals.add, real_c=_joined("+", brackets=False), real_javascript=_joined("+"),
        scalar=operator.add, array="add", in_place=True, machine=_machine("{} + {}", "if"),
    ),
    "mul": Operation(
        reads=sympy.Mul, trend=trends.mul, derivative=derivatives.mul, by_sign=True,
        residue=lambda value, args: value * prod(args),
        bounds=integers.mul, real_bounds=reals.mul, real_c=_joined("*", brackets=False), real_javascript=_joined("*"),
        scalar=operator.mul, array="multiply", in_place=True, machine=_machine("{} * {}", "if"),
    ),
    "square": Operation(bounds=integers.square, residue=lambda value, args: args[0] ** 2),
    "floordiv": Operation(
        bounds=integers.floordiv, whole=True, python="({}//{})".format, c="floordiv({}, {}, e)".format,
        javascript="floorDivide({}, {})".format,
        scalar=operator.floordiv, array="floor_divide", in_place=True, machine=_machine("{} // {}"),
    ),
    "mod": Operation(
        reads=sympy.Mod, trend=trends.mod, derivative=derivatives.mod, bounds=integers.mod,
        python="({}%{})".format, c="mod({}, {})".format, javascript="remainder({}, {})".format, scalar=operator.mod, array="remainder", in_place=True, machine=_machine("{} % {}"),
    ),
    "quotient": Operation(bounds=integers.quotient, helper="quotient", c="quotient({}, {}, inexact)".format, javascript="quotient({}, {})".format),
    "abs": Operation(
        reads=sympy.Abs, trend=trends.absolute_value, derivative=derivatives.absolute,
        bounds=lambda value, args: absolute(args[0]), real_bounds=lambda value, args: absolute(args[0]),
        python=_called("abs"), c="absolute({}, e)".format, real_c=_called("fabs"),
        javascript=_called("absolute"), real_javascript=_called("Math.abs"),
        scalar=abs, array="absolute", in_place=True, machine=_machine("abs({})"),
    ),
    "sign": Operation(
        reads=sympy.sign, derivative=derivatives.none, boxed=True, bounds=integers.sign, real_bounds=lambda value, args: (-1.0, 1.0), whole=True,
        helper="sign", real_helper="signum", c=_called("sign"), real_c=_called("signum"), array="sign",
        javascript=_called("sign"), real_javascript=_called("signum"),
    ),
    "max": Operation(
        reads=sympy.Max, trend=trends.maximum, derivative=derivatives.maximum, folds=True,
        bounds=lambda value, args: largest(args), real_bounds=lambda value, args: largest(args),
        python=_called("max"), c=_folded("({0} > {1} ? {0} : {1})"), real_c=_folded("fmax({}, {})"),
        javascript=_called("largest"), real_javascript=_called("Math.max"),
        scalar=max, array="maximum", in_place=True, machine=_machine("max({}, {})"),
    ),
    "min": Operation(
        reads=sympy.Min, trend=trends.minimum, derivative=derivatives.minimum, folds=True,
        bounds=lambda value, args: smallest(args), real_bounds=lambda value, args: smallest(args),
        python=_called("min"), c=_folded("({0} < {1} ? {0} : {1})"), real_c=_folded("fmin({}, {})"),
        javascript=_called("smallest"), real_javascript=_called("Math.min"),
        scalar=min, array="minimum", in_place=True, machine=_machine("min({}, {})"),
    ),
    "where": Operation(
        bounds=lambda value, args: chosen(*args), real_bounds=lambda value, args: chosen(*args),
        python="({1} if {0} else {2})".format, c=_WHERE, real_c=_WHERE,
        javascript=_BRACKETED_WHERE, real_javascript=_BRACKETED_WHERE,
        scalar=lambda condition, first, second: first if condition else second, machine=_machine("{1} if {0} else {2}"),
    ),
    "intpow": Operation(bounds=integers.intpow, helper="intpow", c="intpow({}, {}, e)".format, javascript=_called("power"), array="power", torch="pow", boxed=True),
    "ilog": Operation(bounds=integers.ilog, whole=True, helper="ilog", c=_called("ilog"), javascript=_called("integerLogarithm"), on_host=True),
    "iroot": Operation(
        bounds=lambda value, args: (0, max(args[0][1], 0)), whole=True,
        python="iroot({}, {value})".format, helper="iroot", c="iroot({}, {value})".format, javascript="integerRoot({}, {value}n)".format, on_host=True,
    ),
    "realfloor": Operation(whole=True, helper="realfloor", on_host=True),
    "lt": _comparison("lt", sympy.StrictLessThan, "<", operator.lt, "less"),
    "le": _comparison("le", sympy.LessThan, "<=", operator.le, "less_equal"),
    "eq": _comparison("eq", sympy.Equality, "==", operator.eq, "equal"),
    "ne": _comparison("ne", sympy.Unequality, "!=", operator.ne, "not_equal"),
    "and": Operation(
        reads=sympy.And, bounds=lambda value, args: smallest(args), whole=True, truth=True, python=_joined("and"),
        c=_joined("&&", brackets=False), javascript=_joined("&&"), scalar=lambda x, y: x and y, array="logical_and", in_place=True,
        machine={"b": "{} and {}"},
    ),
    "or": Operation(
        reads=sympy.Or, bounds=lambda value, args: largest(args), whole=True, truth=True, python=_joined("or"),
        c=_joined("||", brackets=False), javascript=_joined("||"), scalar=lambda x, y: x or y, array="logical_or", in_place=True,
        machine={"b": "{} or {}"},
    ),
    "not": Operation(
        reads=sympy.Not, bounds=lambda value, args: (1 - args[0][1], 1 - args[0][0]), whole=True, truth=True, python="(not {})".format,
        c="!{}".format, javascript="!{}".format, scalar=operator.not_, array="logical_not", in_place=True, machine={"b": "not {}"},
    ),
    "loop": Operation(bounds=integers.loop, on_host=True),
    "call": Operation(
        trend=trends.call, on_host=True, whole=True,
        bounds=lambda value, args: value.bounds(*args), real_bounds=lambda value, args: value.bounds(*args),
    ),
    "ratio": Operation(
        real_bounds=reals.ratio, helper="ratio", real_c="(double)((long double){} / (long double){})".format,
        real_javascript=_called("ratio"),
    ),
    "logratio": Operation(
        real_bounds=reals.logratio, helper="logratio",
        real_c="log((double)((long double){} / (long double){}))".format,
        real_javascript=_called("logarithmOfRatio"),
    ),
    "pow": Operation(real_bounds=reals.pow, helper="floatpow", real_c=_called("pow"), real_javascript=_called("realPower"), array="power", torch="pow"),
    "func": Operation(real_bounds=reals.func),
}  # fmt: skip

# Those that only the steps of arrays have.
_OF_ARRAYS: dict[str, Operation] = {
    "sub": Operation(
        by_sign=True, scalar=operator.sub, array="subtract", in_place=True, machine=_machine("{} - {}", "if")
    ),
    "shift": Operation(
        by_sign=True, scalar=operator.rshift, array="right_shift", in_place=True, machine=_machine("{} >> {}")
    ),
    "leftshift": Operation(
        scalar=operator.lshift, array="left_shift", torch="bitwise_left_shift", machine=_machine("{} << {}")
    ),
    "bitand": Operation(
        by_sign=True, scalar=operator.and_, array="bitwise_and", in_place=True, machine=_machine("{} & {}")
    ),
    "divide": Operation(scalar=runtime.ratio, array="true_divide", in_place=True, machine={"f": "{} / {}"}),
    "float": Operation(scalar=float, machine={"f": "float({})"}),
    "convert": Operation(scalar=lambda x: x),
    "fraction": Operation(scalar=runtime.quotient),
    "logfloat": Operation(scalar=lambda x: runtime.logratio(x, 1)),
    "logdivide": Operation(scalar=runtime.logratio),
}

# Those that only formulas have; a program writes them with others.
_OF_FORMULAS: dict[str, Operation] = {
    "symbol": Operation(),
    "real": Operation(trend=trends.real),
    "bool": Operation(derivative=derivatives.none),
    "pow": Operation(trend=trends.pow, derivative=derivatives.pow),  # the exponent is an integer, and the value
    "power": Operation(reads=sympy.Pow, trend=trends.power),
    "floor": Operation(reads=sympy.floor, trend=trends.floor, derivative=derivatives.rounded),
    "ceiling": Operation(reads=sympy.ceiling, trend=trends.ceiling, derivative=derivatives.rounded),
    "heaviside": Operation(reads=sympy.Heaviside, derivative=derivatives.none),
    "binomial": Operation(reads=sympy.binomial),
    "factorial": Operation(reads=sympy.factorial, trend=trends.factorial),
    "function": Operation(trend=trends.function),
    "piecewise": Operation(derivative=derivatives.piecewise),
    "sum": Operation(derivative=derivatives.sum),
    "product": Operation(derivative=derivatives.product),
}

STEPS: MutableMapping[str, Operation] = ChainMap(_OF_ARRAYS, OPERATIONS)
NODES: MutableMapping[str, Operation] = ChainMap(_OF_FORMULAS, OPERATIONS)
READ_AS: dict[Any, str] = {record.reads: name for name, record in NODES.items() if record.reads and name != "power"}


def add_operation(name: str, operation: Operation) -> None:
    """Make an operation known: its SymPy class is read as it, and all backends ask the record."""
    OPERATIONS[name] = operation
    READ_AS[operation.reads] = name


def interval(op: str, value: Any, args: Sequence[Interval]) -> Interval:
    """Bounds of one operation on integers (see `program`) from the bounds of its operands."""
    rule = OPERATIONS[op].bounds
    return integers.rounded_outwards(*rule(value, args)) if rule else ANYTHING
