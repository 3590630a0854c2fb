"""Python source for a program, and the exact backend that runs it on Python integers.

>>> from sympy import symbols, floor
>>> from layeralgebra import compile
>>> H, c = symbols("H c", integer=True, positive=True)
>>> compile(9 * c**2 * floor(H/2), backend="python")(H=7, c=10**12)
27000000000000000000000000
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

from sympy import Symbol

from ...arguments import shown
from ...errors import DomainError, FieldError
from ...formulas.function import Rule
from ..program import functions as runtime
from ..program.conditions import outside
from ..program.formulas import Formulas
from ..program.operations import OPERATIONS
from ..program.program import Program
from .registry import Backend

MAX_TERMS = 32  # longer sums and products become several statements: Python's parser recurses once for every term
MAX_TEXT = 60  # operations used once are written into the one that uses them up to this length


class PythonSource:
    """The statements that compute a program, one for every operation that is used more than once."""

    def __init__(self, program: Program, names: Sequence[str], prefix: str = "v"):
        self.program = program
        self.names = names
        self.prefix = prefix
        self.helpers: dict[str, Any] = {}  # functions, and the module math
        self.payloads: dict[str, Any] = {}
        self.lines: list[str] = []
        self.text: dict[int, str] = {}
        self._write()

    def _write(self) -> None:
        uses = self.program.uses()
        for place in range(len(self.program)):
            op = self.program.ops[place]
            if op in ("add", "mul") and len(self.program.args[place]) > MAX_TERMS:
                self._long(place)
                continue
            text = self._operation(place)
            if op in ("input", "const") or uses[place] == 1 and len(text) <= MAX_TEXT and op != "loop":
                self.text[place] = text
            else:
                name = f"{self.prefix}{place}"
                self.lines.append(f"{name} = {unwrapped(text)}")
                self.text[place] = name

    def _long(self, place: int) -> None:
        """A sum or product of many operands, a few of them in each statement."""
        program, name = self.program, f"{self.prefix}{place}"
        op, value = program.ops[place], program.values[place]
        args = [self.text[arg] for arg in program.args[place]]
        coefficients, last = value if op == "add" and value else ((1,) * len(args), 0 if op == "add" else value)
        sign = "+" if op == "add" else "*"
        start = repr(last if op == "add" or last is not None else 1)
        for first in range(0, len(args), MAX_TERMS):
            parts, weights = args[first : first + MAX_TERMS], coefficients[first : first + MAX_TERMS]
            text = self._sum(parts, weights, 0) if op == "add" else "*".join(parts)
            self.lines.append(f"{name} {sign}= {text}" if first else f"{name} = {start} {sign} {text}")
        self.text[place] = name

    def _helper(self, name: str) -> str:
        self.helpers[name] = getattr(runtime, name)
        return name

    def _called(self, place: int, rule: Rule) -> str:
        if rule.stands_alone and self.helpers.setdefault(rule.name, rule.compute) is rule.compute:
            return rule.name
        name = f"{self.prefix}call{place}"
        self.payloads[name] = rule.compute
        return name

    def _operation(self, place: int) -> str:
        program = self.program
        op, value = program.ops[place], program.values[place]
        args = [self.text[arg] for arg in program.args[place]]
        if op == "input":
            return self.names[value]
        if op == "const":
            return repr(value) if value >= 0 else f"({value!r})"
        if op == "add":
            return self._sum(args, *(value or ((1,) * len(args), 0)))
        if op == "mul":
            if value is None or value == 1:
                return "(" + "*".join(args) + ")"
            return "(" + "*".join([repr(value), *args]) + ")"
        if op == "square":
            return f"({args[0]}*{args[0]})" if args[0].isidentifier() else f"({args[0]}**2)"
        if op == "func":
            if value in ("digamma", "binaryentropy"):
                return f"{self._helper(value)}({args[0]})"
            return f"{self._helper('function')}({value!r}, {args[0]})"
        if op == "loop":
            return self._loop(place, args)
        if op == "realfloor":
            name = f"{self.prefix}payload{place}"
            self.payloads[name] = value
            return f"{self._helper(op)}({', '.join([name, *args])})"
        if op == "call":
            return f"{self._called(place, value)}({', '.join(args)})"
        known = OPERATIONS[op]
        if known.python is not None and not known.helper:
            return known.python(*args)
        helper = self._helper(known.real_helper or known.helper if program.types[place] == "float" else known.helper)
        return known.python(*args, value=value) if known.python is not None else f"{helper}({', '.join(args)})"

    def _sum(self, args: Sequence[str], coefficients: Sequence[int], constant: int) -> str:
        terms = []
        for text, coefficient in zip(args, coefficients, strict=True):
            size = abs(coefficient)
            terms.append(("-" if coefficient < 0 else "+", text if size == 1 else f"{size}*{text}"))
        if constant:
            terms.append(("-" if constant < 0 else "+", repr(abs(constant))))
        first, rest = terms[0], terms[1:]
        head = "-" + first[1] if first[0] == "-" else first[1]
        return "(" + head + "".join(f" {sign} {text}" for sign, text in rest) + ")"

    def _loop(self, place: int, args: Sequence[str]) -> str:
        """A sum as a generator inside sum(), its body a function of its own."""
        loop = self.program.values[place]
        name = f"{self.prefix}term{place}"
        index = f"{self.prefix}i{place}"
        inner = PythonSource(loop.program, [index, *args[2:]], f"{self.prefix}{place}_")
        self.helpers |= inner.helpers
        self.payloads |= inner.payloads
        self.lines.append(f"def {name}({index}):")
        self.lines.extend("    " + line for line in inner.lines)
        self.lines.append(f"    return {inner.text[loop.program.outputs[0]]}")
        function = {"sum": "sum", "product": self._product, "all": "all"}[loop.kind]
        function = function() if callable(function) else function
        start = ", 0.0" if loop.kind == "sum" and self.program.types[place] == "float" else ""
        return f"{function}(map({name}, range({args[0]}, {args[1]} + 1)){start})"

    def _product(self) -> str:
        self.helpers["math"] = runtime.math
        return "math.prod"


def unwrapped(text: str) -> str:
    """A text without the parentheses around it, if there are some and they belong together."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if position == len(text) - 1 else text
    return text


def python_function(program: Program) -> Callable[..., tuple]:
    """A function of positional arguments, in the order of the inputs, that returns the results as a tuple.

    The source consists of names and numbers that this module made up; nothing of it comes from outside.
    """
    names = [f"a{place}" for place in range(len(program.inputs))]
    source = PythonSource(program, names)
    results = ", ".join(source.text[output] for output in program.outputs)
    lines = [
        f"def formula({', '.join(names)}):",
        *("    " + line for line in source.lines),
        f"    return ({results + ',' if results else ''})",
    ]
    module = builtins.compile("\n".join(lines), "<compiled formula>", "exec")
    code = next(part for part in module.co_consts if isinstance(part, CodeType))
    scope: dict[str, Any] = {"__builtins__": builtins, "math": runtime.math, **source.payloads}
    scope.update(source.helpers)
    return FunctionType(code, scope, "formula")


class ScalarRunner:
    """Runs a program on Python integers."""

    def __init__(self, formulas: Formulas, symbols: Sequence[Symbol], mask: bool):
        self.formulas = formulas
        self.symbols = symbols
        self.mask = mask
        self.types = formulas.program.input_types()
        self.function = python_function(formulas.program)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        formulas = self.formulas
        numbers = list(values)
        problem = None
        for place, (value, (low, high)) in enumerate(zip(values, formulas.ranges, strict=True)):
            if type(value) is not int:
                value = numbers[place] = scalar(self.symbols[place], value, self.types[place])
            if not low <= value <= high:
                problem = outside(self.symbols[place], value, (low, high))
                if not self.mask:
                    raise DomainError(problem)
        if problem:
            return [None] * formulas.count
        results = self.function(*numbers)
        if len(results) == formulas.count:
            return list(results)
        found, tests = list(results[: formulas.count]), results[formulas.count :]
        if not all(tests):
            for place, needs in enumerate(formulas.conditions):
                for number in needs:
                    if not tests[number]:
                        if not self.mask:
                            raise DomainError(failure(formulas.messages[number], self.symbols, numbers))
                        found[place] = None
        return found


def failure(message: str, symbols: Sequence[Symbol], values: Sequence[Any]) -> str:
    """The message for a point at which a condition does not hold."""
    point = ", ".join(f"{symbol}={value}" for symbol, value in zip(symbols, values, strict=True))
    return f"outside the domain at {point[:300]}: it does not hold that {message}"


def scalar(symbol: Symbol, value: Any, kind: str = "int") -> Any:
    """An argument as a Python integer, or as a float where the symbol is not an integer."""
    if isinstance(value, bool):
        raise FieldError(f"{symbol} must be an integer, got {shown(value)}")
    if kind == "float" and hasattr(value, "__float__"):
        return float(value)
    if hasattr(value, "__index__"):
        return value.__index__()
    raise FieldError(f"{symbol} must be an integer, got {shown(value)} of type {type(value).__name__}")


BACKEND = Backend(ScalarRunner)
