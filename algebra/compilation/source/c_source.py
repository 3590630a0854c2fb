"""C source for a program: 64-bit integers with every overflow noticed, floors that round down.

Compiled with gcc or clang, ``-lm`` where the formula has logarithms or roots.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

from ...errors import UnsupportedError
from ...formulas.function import Rule
from ..interface import CompiledFormula
from ..program.calls import rules_in
from ..program.operations import OPERATIONS
from ..program.program import Program
from .identifiers import _described, identifiers

_SOURCE = Path(__file__).with_name("checked_arithmetic.c").read_text(encoding="utf-8")
_BLOCKS = [block.strip("\n") + "\n" for block in _SOURCE.split("\n\n")]
# What every function begins with: the blocks up to the arithmetic that notices overflow.
PREAMBLE = "\n".join(_BLOCKS[:2])
# The other functions, each written where it is called, by name.
HELPERS = {re.search(r"(\w+)\(", block)[1]: block for block in _BLOCKS[2:]}  # type: ignore[index]
_FUNCTIONS = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh",
              "arctanh": "atanh", "gamma": "tgamma", "loggamma": "lgamma"}  # fmt: skip


class Statements:
    """The C statements of a program, one for every operation."""

    def __init__(self, program: Program, names: Sequence[str], prefix: str = "v", indent: str = "    "):
        self.program, self.names, self.prefix, self.indent = program, names, prefix, indent
        self.helpers: dict[str, str] = {}
        self.lines: list[str] = []
        self.text: list[str] = []
        for place in range(len(program)):
            self._write(place)

    def _write(self, place: int) -> None:
        program = self.program
        op, value, kind = program.ops[place], program.values[place], program.types[place]
        if op == "input":
            self.text.append(self.names[value])
        elif op == "const":
            self.text.append(_number(value, kind))
        else:
            name = f"{self.prefix}{place}"
            if op == "loop":
                self._loop(place, name)
            else:
                ctype = "double" if kind == "float" else "int64_t"
                text = self._real(place) if kind == "float" else self._integer(place)
                self.lines.append(f"{self.indent}const {ctype} {name} = {text};")
            self.text.append(name)

    def _helper(self, name: str, text: str = "") -> str:
        text = text or HELPERS[name]
        if self.helpers.get(name, text) != text:
            raise UnsupportedError(f"two functions named {name} cannot be written in one C source")
        for called in re.findall(r"(\w+)\(", text):
            if called in HELPERS and called != name:
                self._helper(called)
        self.helpers[name] = text
        return name

    def _with_helpers(self, text: str) -> str:
        """A text, whose helpers are written before it."""
        for called in re.findall(r"(\w+)\(", text):
            if called in HELPERS:
                self._helper(called)
        return text

    def _called(self, rule: Rule, args: Sequence[str]) -> str:
        if not rule.c_source and rule.name not in HELPERS:
            raise UnsupportedError(f"{rule.name} cannot be written in C; codegen(..., language='python') may have it")
        name = self._helper(rule.name, rule.c_source)
        return f"{name}({', '.join([*args, *(['e'] if rule.whole else [])])})"

    def _integer(self, place: int) -> str:
        program = self.program
        op, value = program.ops[place], program.values[place]
        args = [self.text[arg] for arg in program.args[place]]
        if op == "add":
            text = _number(value[1], "int") if value[1] else ""
            for arg, coefficient in zip(args, value[0], strict=True):
                term = arg if coefficient == 1 else f"mul({_number(coefficient, 'int')}, {arg}, e)"
                text = f"add({text}, {term}, e)" if text else term
            return text
        if op in ("mul", "square"):
            parts = [args[0], args[0]] if op == "square" else args
            if op == "mul" and value != 1:
                parts = [_number(value, "int"), *parts]
            text = parts[0]
            for part in parts[1:]:
                text = f"mul({text}, {part}, e)"
            return text
        if op == "call":
            return self._called(value, args)
        written = OPERATIONS[op].c
        if written is not None:
            return self._with_helpers(written(*args, value=value))
        raise UnsupportedError(f"{op} cannot be written in C; codegen(..., language='python') may have it")

    def _real(self, place: int) -> str:
        program = self.program
        op, value = program.ops[place], program.values[place]
        args = [self.text[arg] for arg in program.args[place]]
        if op == "call":
            return self._called(value, args)
        if op == "func" and value == "binaryentropy":
            return f"{self._helper(value)}({args[0]})"
        if op == "func" and value != "digamma":
            return f"{_FUNCTIONS.get(value, value)}({args[0]})"
        written = OPERATIONS[op].real_c
        if written is not None:
            return self._with_helpers(written(*args, value=value))
        raise UnsupportedError(f"{value or op} cannot be written in C; codegen(..., language='python') has it")

    def _loop(self, place: int, name: str) -> None:
        program = self.program
        loop = program.values[place]
        low, high, *captured = [self.text[arg] for arg in program.args[place]]
        real = program.types[place] == "float"
        index = f"{self.prefix}{place}_index"
        inner = Statements(loop.program, [index, *captured], f"{self.prefix}{place}_", self.indent + "    ")
        for helper, text in inner.helpers.items():
            self._helper(helper, text)
        term = inner.text[loop.program.outputs[0]]
        start = {"sum": "0", "product": "1", "all": "1"}[loop.kind]
        if loop.kind == "all":
            update = f"{name} && {term}"
        elif real:
            update = f"{name} {'+' if loop.kind == 'sum' else '*'} {term}"
        else:
            update = f"{'add' if loop.kind == 'sum' else 'mul'}({name}, {term}, e)"
        self.lines.append(f"{self.indent}{'double' if real else 'int64_t'} {name} = {start};")
        self.lines.append(f"{self.indent}for (int64_t {index} = {low}; {index} <= {high}; {index}++) {{")
        self.lines.extend(inner.lines)
        self.lines.append(f"{self.indent}    {name} = {update};")
        self.lines.append(f"{self.indent}}}")


def _number(value: Any, kind: str) -> str:
    if kind == "float":
        return repr(float(value)) if abs(value) != inf else ("INFINITY" if value > 0 else "-INFINITY")
    if kind == "bool":
        return str(int(value))
    if not -(2**63) < value < 2**63:
        raise UnsupportedError(
            f"the number {str(value)[:60]} does not fit into 64 bits, so the formula cannot be written in C"
        )
    return f"INT64_C({value})" if abs(value) >= 2**31 else str(value)


def c_source(compiled: CompiledFormula, name: str) -> str:
    """A C function of the symbols, in alphabetical order, and a pointer for every result; see `codegen`."""
    formulas = compiled._formulas(compiled._always_real)
    program = formulas.program
    called = {rule.name for rule in rules_in(program)}
    reserved = {*HELPERS, *called, "add", "mul", "mod", "absolute", "floordiv", "e", "inexact", name}
    names = identifiers(compiled.arguments, sorted(reserved))
    keys = [str(key) for key in compiled.keys] if compiled.keys is not None else []
    if len(keys) != formulas.count:
        keys = ["result"] if formulas.count == 1 else [f"result{number}" for number in range(formulas.count)]
    results = identifiers(keys, [*names, *reserved])
    statements = Statements(program, names)
    types = program.input_types()
    arguments = [
        f"{'double' if kind == 'float' else 'int64_t'} {argument}" for argument, kind in zip(names, types, strict=True)
    ]
    pointers = [
        f"{'double' if kind == 'real' else 'int64_t'} *{result}"
        for result, kind in zip(results, formulas.kinds, strict=True)
    ]
    lines = [PREAMBLE + "".join(statements.helpers.values())]
    lines.append(f"/* {_described(compiled).replace('*/', '* /').replace('/*', '/ *')}")
    lines.append(
        "   0: done; 1: outside the domain; 2: something does not fit into 64 bits; 3: a result is no integer. */"
    )
    lines.append(f"int {name}({', '.join([*arguments, *pointers])}) {{")
    lines.append("    int overflow = 0, fraction = 0, *const e = &overflow, *const inexact = &fraction;")
    lines.append("    (void)e, (void)inexact;")
    for argument, (low, high), kind in zip(names, formulas.ranges, types, strict=True):
        tests = [f"{argument} < {_number(low, 'int')}"] if low != -inf else []
        tests += [f"{argument} > {_number(high, 'int')}"] if high != inf else []
        if tests and kind == "int":
            lines.append(f"    if ({' || '.join(tests)}) return 1;")
    lines.extend(statements.lines)
    outputs = [statements.text[output] for output in program.outputs]
    for condition, message in zip(outputs[formulas.count :], formulas.messages, strict=True):
        lines.append(
            f"    if (!{condition} && !overflow) return 1; /* {message.replace('*/', '* /').replace('/*', '/ *')} */"
        )
    lines.append("    if (overflow) return 2;")
    lines.append("    if (fraction) return 3;")
    lines.extend(f"    *{result} = {output};" for result, output in zip(results, outputs, strict=False))
    lines.append("    return 0;")
    lines.append("}")
    return "\n".join(lines) + "\n"
