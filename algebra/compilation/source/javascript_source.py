"""JavaScript source for a program: integers are BigInts of any length, so that nothing can overflow.

What is no integer is a fraction in lowest terms, with the BigInts ``top`` and ``bottom``; logarithms, roots and the like
are doubles. It runs in browsers and in node (ECMAScript 2020), and needs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import inf, isnan
from pathlib import Path
from typing import Any

from ...errors import UnsupportedError
from ...formulas.function import Rule
from ..backends.python_backend import unwrapped
from ..interface import CompiledFormula
from ..program.calls import rules_in
from ..program.operations import OPERATIONS
from ..program.program import Program
from .identifiers import _described, identifiers

_SOURCE = Path(__file__).with_name("exact_arithmetic.js").read_text(encoding="utf-8")
_BLOCKS = [block.strip("\n") for block in _SOURCE.split("\n\n")]
#: The functions that statements call, each written where it is called, by name.
HELPERS = {re.search(r"^function (\w+)\(", block, re.M)[1]: block for block in _BLOCKS}  # type: ignore[index]

MAX_TERMS = 32
MAX_TEXT = 60

_WORDS = set(
    "abstract arguments async await boolean break byte case catch class const continue debugger default delete do double "
    "else enum eval export extends false final finally float for function get globalThis goto if implements import in "
    "instanceof int interface let long native new null of package private protected public return set short static super "
    "switch synchronized this throw throws transient true try typeof undefined var void volatile while with yield "
    "Array BigInt Infinity JSON Math NaN Number Object RangeError String TypeError".split()
)

#: Functions of doubles that are not of the object Math by their own name.
_FUNCTIONS = {
    "arcsin": "Math.asin", "arccos": "Math.acos", "arctan": "Math.atan", "arcsinh": "Math.asinh", "arccosh": "Math.acosh",
    "arctanh": "arctanh", "log": "logarithm", "gamma": "gamma", "loggamma": "loggamma", "digamma": "digamma", "erf": "erf",
    "binaryentropy": "binaryentropy",
}  # fmt: skip


class Statements:
    """The JavaScript statements of a program, one for every operation that is used more than once."""

    def __init__(self, program: Program, names: Sequence[str], prefix: str = "$"):
        self.program, self.names, self.prefix = program, names, prefix
        self.helpers: dict[str, str] = {}
        self.lines: list[str] = []
        self.text: list[str] = []
        uses = program.uses()
        for place, op in enumerate(program.ops):
            name = f"{prefix}{place}"
            if op == "loop":
                self._loop(place, name)
            elif op in ("add", "mul") and len(program.args[place]) > MAX_TERMS:
                self._long(place, name)
            else:
                text = self._operation(place)
                if op in ("input", "const") or uses[place] == 1 and len(text) <= MAX_TEXT:
                    self.text.append(text)
                    continue
                self.lines.append(f"const {name} = {unwrapped(text)};")
            self.text.append(name)

    # -- helpers -------------------------------------------------------------------------------------------------

    def _helper(self, name: str, text: str = "") -> str:
        text = text or HELPERS[name]
        known = self.helpers.setdefault(name, text)
        if known != text:
            raise UnsupportedError(f"two functions named {name} cannot be written in one JavaScript source")
        if known is text:
            self._with_helpers(text, besides=name)
        return name

    def _with_helpers(self, text: str, besides: str = "") -> str:
        """A text, whose helpers are written before it."""
        for called in re.findall(r"(?<![\w.])(\w+)\(", text):
            if called in HELPERS and called != besides and called not in self.helpers:
                self._helper(called)
        return text

    def _call(self, name: str, *args: str) -> str:
        if name in HELPERS:
            self._helper(name)
        return f"{name}({', '.join(args)})"

    # -- operations ----------------------------------------------------------------------------------------------

    def _operation(self, place: int) -> str:
        program = self.program
        op, value, kind = program.ops[place], program.values[place], program.types[place]
        operands = program.args[place]
        args = [self.text[arg] for arg in operands]
        if op == "input":
            return self.names[value]
        if op == "const":
            return number(value, kind)
        if op == "call":
            return self._called(value, args)
        if kind == "float":
            return self._real(op, value, args)
        real = bool(operands) and program.types[operands[0]] == "float"
        whole = real or all(program.types[arg] != "int" or program.whole[arg] for arg in operands)
        if op == "add":
            coefficients, constant = value
            return self._sum(args, coefficients, constant, whole)
        if op == "mul":
            return self._product(args, value, whole)
        if op == "square":
            if not whole:
                return self._call("power", args[0], "2n")
            return f"({args[0]} * {args[0]})" if re.fullmatch(r"[\w$]+", args[0]) else f"({args[0]} ** 2n)"
        if op in ("floordiv", "mod") and whole and self._not_negative(operands):
            return f"({args[0]} {'/' if op == 'floordiv' else '%'} {args[1]})"
        known = OPERATIONS[op]
        written = known.javascript if whole or known.fraction_javascript is None else known.fraction_javascript
        if written is None:
            raise UnsupportedError(
                f"{op} cannot be written in JavaScript; codegen(..., language='python') may have it"
                if op != "realfloor"
                else "the formula rounds a number that is neither rational nor a logarithm or root of an integer, which needs SymPy"
            )
        return self._with_helpers(written(*args, value=value))

    def _not_negative(self, operands: Sequence[int]) -> bool:
        return all(self.program.bounds[arg][0] >= 0 for arg in operands)

    def _called(self, rule: Rule, args: Sequence[str]) -> str:
        if not rule.javascript_source and rule.name not in HELPERS:
            raise UnsupportedError(
                f"{rule.name} cannot be written in JavaScript; codegen(..., language='python') may have it"
            )
        return f"{self._helper(rule.name, rule.javascript_source)}({', '.join(args)})"

    def _real(self, op: str, value: Any, args: Sequence[str]) -> str:
        if op == "func":
            return self._call(_FUNCTIONS.get(value, f"Math.{value}"), *args)
        written = OPERATIONS[op].real_javascript
        if written is None:
            raise UnsupportedError(f"{op} cannot be written in JavaScript; codegen(..., language='python') has it")
        return self._with_helpers(written(*args, value=value))

    def _sum(self, args: Sequence[str], coefficients: Sequence[int], constant: int, whole: bool) -> str:
        if not whole:
            parts = [
                text if k == 1 else self._call("times", number(k, "int"), text)
                for text, k in zip(args, coefficients, strict=True)
            ]
            return self._call("plus", *parts, *([number(constant, "int")] if constant else []))
        terms = [
            (k < 0, text if abs(k) == 1 else f"{abs(k)}n * {text}") for text, k in zip(args, coefficients, strict=True)
        ]
        if constant:
            terms.append((constant < 0, f"{abs(constant)}n"))
        (negative, first), *rest = terms
        others = "".join(f" {'-' if less else '+'} {text}" for less, text in rest)
        return f"({'-' if negative else ''}{first}{others})"

    def _product(self, args: Sequence[str], coefficient: int, whole: bool) -> str:
        parts = [*([number(coefficient, "int")] if coefficient != 1 else []), *args]
        return f"({' * '.join(parts)})" if whole else self._call("times", *parts)

    def _long(self, place: int, name: str) -> None:
        """A sum or product of many operands, a few of them in each statement."""
        program = self.program
        op, value, operands = program.ops[place], program.values[place], program.args[place]
        args = [self.text[arg] for arg in operands]
        real = program.types[place] == "float"
        whole = not real and all(program.whole[arg] for arg in operands)
        coefficients, last = ((1,) * len(args), value) if op == "mul" or real else value
        start = (0 if op == "add" else 1) if last is None else last
        self.lines.append(f"let {name} = {number(start, 'float' if real else 'int')};")
        for first in range(0, len(args), MAX_TERMS):
            parts = args[first : first + MAX_TERMS]
            if real:
                text = self._real(op, None, parts)
            elif op == "add":
                text = self._sum(parts, coefficients[first : first + MAX_TERMS], 0, whole)
            else:
                text = self._product(parts, 1, whole)
            if real or whole:
                self.lines.append(f"{name} {'+' if op == 'add' else '*'}= {text};")
            else:
                self.lines.append(f"{name} = {self._call('plus' if op == 'add' else 'times', name, text)};")

    def _loop(self, place: int, name: str) -> None:
        program = self.program
        loop = program.values[place]
        low, high, *captured = [self.text[arg] for arg in program.args[place]]
        kind, real = loop.kind, program.types[place] == "float"
        index = f"{name}_index"
        inner = Statements(loop.program, [index, *captured], f"{name}_")
        for helper, text in inner.helpers.items():
            self._helper(helper, text)
        output = loop.program.outputs[0]
        term = inner.text[output]
        if kind == "all":
            start, update = "true", f"{name} = {term};"
        else:
            sign = "+" if kind == "sum" else "*"
            start = number({"sum": 0, "product": 1}[kind], "float" if real else "int")
            if real or loop.program.whole[output]:
                update = f"{name} {sign}= {term};"
            else:
                update = f"{name} = {self._call('plus' if kind == 'sum' else 'times', name, term)};"
        self.lines.append(f"let {name} = {start};")
        goes_on = f"{name} && " if kind == "all" else ""
        self.lines.append(
            f"for (let {index} = {low}, {name}_last = {high}; {goes_on}{index} <= {name}_last; {index}++) {{"
        )
        self.lines.extend("  " + line for line in [*inner.lines, update])
        self.lines.append("}")


def number(value: Any, kind: str) -> str:
    """A constant: a BigInt, a double or a truth value."""
    if kind == "bool":
        return "true" if value else "false"
    if kind == "float":
        text = "NaN" if isnan(value) else repr(float(value)).replace("inf", "Infinity")
    else:
        text = f"{value}n"
    return f"({text})" if text.startswith("-") else text


def javascript_source(compiled: CompiledFormula, name: str) -> str:
    """A JavaScript function of the symbols, in alphabetical order; see `codegen`."""
    formulas = compiled._formulas(compiled._always_real)
    program = formulas.program
    called = {rule.name for rule in rules_in(program)}
    if name in _WORDS or name in HELPERS or name in called:
        raise UnsupportedError(f"no function in JavaScript can be named {name} here; pass another name=")
    names = identifiers(compiled.arguments, [*_WORDS, *HELPERS, *sorted(called), "checkedInteger", "checkedReal", name])
    statements = Statements(program, names)
    lines: list[str] = []
    checks: dict[str, str] = {}
    for argument, shown, (low, high), kind in zip(
        names, compiled.arguments, formulas.ranges, program.input_types(), strict=True
    ):
        ends = [argument, _quoted(shown)]
        check = "checkedReal"
        if kind == "int":
            ends += [_end(low), _end(high)]
            check = "checkedInteger"
        checks[check] = _CHECKS[check]
        lines.append(f"{argument} = {check}({', '.join(ends)});")
    lines += statements.lines
    for output, message in zip(program.outputs[formulas.count :], formulas.messages, strict=True):
        text = _quoted("outside the domain: it does not hold that " + message)
        lines.append(f"if (!{statements.text[output]}) throw new RangeError({text});")
    results = [statements.text[output] for output in program.outputs[: formulas.count]]
    lines.append(f"return {_returned(compiled, [unwrapped(result) for result in results])};")
    head = [*statements.helpers.values(), *checks.values()]
    comment = re.sub("<(?=[/!])", "< ", _described(compiled))  # the source may stand in a web page
    body = "\n".join("  " + line for line in lines)
    return "\n\n".join([*head, f"// {comment}\nfunction {name}({', '.join(names)}) {{\n{body}\n}}"]) + "\n"


_CHECKS = {
    "checkedInteger": """\
function checkedInteger(value, name, low, high) {
  if (Number.isSafeInteger(value)) value = BigInt(value);
  if (typeof value !== "bigint") throw new TypeError(`${name} must be an integer, got ${String(value)}`);
  if (low !== null && value < low || high !== null && value > high) {
    throw new RangeError(`${name} is outside of its domain: ${value}`);
  }
  return value;
}""",
    "checkedReal": """\
function checkedReal(value, name) {
  if (typeof value === "bigint") value = Number(value);
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${String(value)}`);
  return value;
}""",
}


def _quoted(text: str) -> str:
    """A string, also where the source stands in a web page: nothing in it ends a script."""
    return json.dumps(text).replace("<", "\\u003c")


def _end(end: Any) -> str:
    return "null" if end in (inf, -inf) else f"{end}n"


def _returned(compiled: CompiledFormula, results: Sequence[str]) -> str:
    keys = compiled.keys
    if keys is not None and len(keys) == len(results):
        parts = [f"[{_quoted(str(key))}]: {result}" for key, result in zip(keys, results, strict=True)]
        return "{" + ", ".join(parts) + "}"
    return results[0] if len(results) == 1 else "[" + ", ".join(results) + "]"
