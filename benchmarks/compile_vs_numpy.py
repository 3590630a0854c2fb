"""Compiled formulas beside numpy written by hand: the same formula, the same million points, in one process.

They take turns, on one core; ratios are of medians of processor time. *List* is a million independent points, *grid* an open grid of 100 x 100 x
100. The compiled function also looks at every argument, to show that nothing overflows, and checks its domain; the
hand-written one does neither. *numba* is the compiled function on that backend, where numba is installed (its first
call, which compiles, is not counted). *lambdify* is what SymPy makes of the formula. A copy of one array is the bound
that memory sets.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from sympy import floor, lambdify, log, symbols

from layeralgebra.algebra.compilation import compile

ROUNDS = 9
w, d, r = symbols("w d r", integer=True, positive=True)


def resnet(width: Any, depth: Any, size: Any, half: Callable[[Any], Any]) -> tuple[Any, Any]:
    """MACs and parameters of a residual network of four stages of basic blocks, for numbers, arrays and symbols."""
    rows = half(size - 1) + 1
    macs, parameters = 147 * width * rows**2, 147 * width + 2 * width
    rows = half(rows - 1) + 1
    channels = width
    macs = macs + 2 * depth * 9 * channels**2 * rows**2
    parameters = parameters + 2 * depth * (9 * channels**2 + 2 * channels)
    for _ in range(3):
        rows = half(rows - 1) + 1
        wide = 2 * channels
        step = 9 * channels * wide + 9 * wide**2 + channels * wide
        macs = macs + (step + (2 * depth - 2) * 9 * wide**2) * rows**2
        parameters = parameters + step + 6 * wide + (2 * depth - 2) * (9 * wide**2 + 2 * wide)
        channels = wide
    return macs + 1000 * channels, parameters + 1000 * channels + 1000


def cases() -> list[tuple[str, Any, Callable[..., Any]]]:
    """Name, formula and the same by hand."""
    macs, parameters = resnet(w, d, r, lambda part: floor(part / 2))
    return [
        ("ResNet, MACs and parameters", {"macs": macs, "parameters": parameters},
         lambda w, d, r: resnet(w, d, r, lambda part: part // 2)),
        ("one convolution", 9 * w**2 * floor((r - 3) / 2) ** 2 * d + w,
         lambda w, d, r: 9 * w**2 * ((r - 3) // 2) ** 2 * d + w),
        ("a polynomial", 9 * w**2 * d + 3 * w * d + w * r + 4 * w,
         lambda w, d, r: 9 * w**2 * d + 3 * w * d + w * r + 4 * w),
        ("a quotient", (9 * w**2 * r**2 * d + w) / (9 * w**2 + 2 * w),
         lambda w, d, r: (9 * w**2 * r**2 * d + w) / (9 * w**2 + 2 * w)),
        ("a logarithm", d * log(w + r), lambda w, d, r: d * np.log(w + r)),
        ("one product", w * r, lambda w, d, r: w * r),
    ]  # fmt: skip


def taken(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return 1e3 * (time.process_time() - start)


def medians(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Milliseconds of each, taking turns, in an order that is reversed every round."""
    found: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for turn in range(rounds):
        for name, function in list(functions.items())[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(taken(function))
    return {name: statistics.median(times) for name, times in found.items()}


def points(kind: str) -> dict[str, Any]:
    random = np.random.default_rng(0)
    if kind == "list":
        return {
            "w": random.integers(16, 257, 10**6),
            "d": random.integers(1, 21, 10**6),
            "r": random.integers(32, 513, 10**6),
        }
    return {name: np.arange(first, first + 100).reshape([-1 if axis == own else 1 for axis in range(3)])
            for own, (name, first) in enumerate({"w": 16, "d": 1, "r": 100}.items())}  # fmt: skip


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return all(same(a, b) for a, b in zip(left.values(), right, strict=True))
    shape = np.broadcast_shapes(np.shape(left), np.shape(right))
    return bool(np.allclose(np.broadcast_to(left, shape), np.broadcast_to(right, shape), rtol=1e-14, atol=0))


def compared(name: str, formula: Any, by_hand: Callable[..., Any], kind: str, rounds: int) -> dict[str, object]:
    """One row: a formula at a million points."""
    compiled = compile(formula)
    expressions = list(formula.values()) if isinstance(formula, dict) else formula
    printed = lambdify([w, d, r], expressions, modules="numpy")
    arguments = points(kind)
    wanted = {key: value for key, value in arguments.items() if key in compiled.arguments}
    assert same(compiled(**wanted), by_hand(**arguments)), name
    functions = {
        "hand": lambda: by_hand(**arguments),
        "lambdify": lambda: printed(*arguments.values()),
        "ours": lambda: compiled(**wanted),
    }
    if find_spec("numba"):
        joined = compile(formula, "numba")
        assert same(joined(**wanted), by_hand(**arguments)), name
        functions["numba"] = lambda: joined(**wanted)
    found = medians(functions, rounds)
    return {
        "formula": name,
        "points": kind,
        "by hand (ms)": f"{found['hand']:.2f}",
        "lambdify (ms)": f"{found['lambdify']:.2f}",
        "compiled (ms)": f"{found['ours']:.2f}",
        "to hand": f"{found['ours'] / found['hand']:.2f}",
        "to lambdify": f"{found['ours'] / found['lambdify']:.2f}",
        "numba to hand": f"{found['numba'] / found['hand']:.2f}" if "numba" in found else "",
    }


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    rows = [compared(*case, kind, rounds) for case in cases() for kind in ("list", "grid")]
    array = np.ones(10**6, dtype=np.int64)
    copied = medians({"copy": array.copy}, rounds)["copy"]
    rows.append({"formula": "a copy of one array of a million", "points": "list", "by hand (ms)": f"{copied:.2f}"})
    return rows + scalars(rounds)


def scalars(rounds: int) -> list[dict[str, object]]:
    """One point: Python written by hand, and the compiled function, which checks its arguments."""
    (name, formula, by_hand), *_ = cases()
    compiled = compile(formula, "python")
    count = 10_000
    point = {"w": 64, "d": 2, "r": 224}
    found = medians(
        {
            "hand": lambda: [by_hand(**point) for _ in range(count)],
            "ours": lambda: [compiled(**point) for _ in range(count)],
        },
        rounds,
    )
    return [
        {
            "formula": f"{name}, one point, Python integers", "points": "1",
            "by hand (ms)": f"{found['hand'] / count:.5f}", "compiled (ms)": f"{found['ours'] / count:.5f}",
            "to hand": f"{found['ours'] / found['hand']:.2f}",
        }
    ]  # fmt: skip


if __name__ == "__main__":
    for line in main():
        print(line)
