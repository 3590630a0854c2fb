"""JavaScript in node, for tests: sources that `codegen` wrote, called with integers, their results read back."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

NODE = shutil.which("node") or shutil.which("nodejs")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

_PROGRAM = r"""
const shown = (x) => typeof x === "bigint" ? ["integer", String(x)]
  : typeof x === "number" ? ["real", Number.isFinite(x) ? x : String(x)]
  : typeof x === "boolean" ? ["truth", x]
  : typeof x.top === "bigint" ? ["fraction", String(x.top), String(x.bottom)]
  : Array.isArray(x) ? ["several", x.map(shown)]
  : ["named", Object.entries(x).map(([name, part]) => [name, shown(part)])];
const argument = (x) => typeof x === "string" ? BigInt(x) : x;
const answers = calls.map(([place, points]) => points.map((point) => {
  try { return shown(functions[place](...point.map(argument))); } catch (error) { return ["error", error.name, error.message]; }
}));
process.stdout.write(JSON.stringify(answers));
"""


def run(cases: Sequence[tuple[str, Sequence[Sequence[Any]]]], name: str = "formula") -> list[list[Any]]:
    """For each source the results at its points: integers, fractions, floats, truths, dicts, or errors by their names."""
    functions = ",\n".join(f"(() => {{ 'use strict';\n{source}\nreturn {name}; }})()" for source, _ in cases)
    calls = [
        [place, [[str(number) if type(number) is int else number for number in point] for point in points]]
        for place, (_, points) in enumerate(cases)
    ]
    text = f"const functions = [{functions}];\nconst calls = {json.dumps(calls)};\n{_PROGRAM}"
    done = subprocess.run([str(NODE), "-"], input=text, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[:3000]
    return [[_read(answer) for answer in answers] for answers in json.loads(done.stdout)]


class Thrown(Exception):
    """An error of JavaScript."""

    def __init__(self, name: str, message: str):
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def _read(answer: Any) -> Any:
    kind, *rest = answer
    if kind == "integer":
        return int(rest[0])
    if kind == "fraction":
        return Fraction(int(rest[0]), int(rest[1]))
    if kind == "real":
        return float(str(rest[0]).replace("Infinity", "inf"))
    if kind == "several":
        return [_read(part) for part in rest[0]]
    if kind == "named":
        return {name: _read(part) for name, part in rest[0]}
    if kind == "error":
        return Thrown(*rest)
    return rest[0]
