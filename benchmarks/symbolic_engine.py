"""A chain of 1000 layers of 1000 different widths: its gradient in all of them, compiled, beside SymPy and symengine.

Every round starts with SymPy's cache empty. SymPy differentiates with respect to one symbol at a time; 50 of them are
timed and count for all of them (``sampled``). The results are compared as expressions and as numbers.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import sympy
from sympy.core.cache import clear_cache

from layeralgebra import dims
from layeralgebra.algebra.compilation import compile
from layeralgebra.algebra.compilation.program.gradient import gradient

LAYERS, SAMPLE, ROUNDS = 1000, 50, 5


def chain(count: int) -> tuple[Any, tuple[Any, ...], Any]:
    """Multiply-accumulates of 3 x 3 convolutions from each width to the next, with biases, after a stride of two."""
    widths = dims(" ".join(f"c{place}" for place in range(count + 1)))
    size = dims("H")
    terms = [9 * a * b * sympy.floor(size / 2) ** 2 + b for a, b in zip(widths, widths[1:], strict=False)]
    return sympy.Add(*terms), widths, size


def ours(formula: Any, widths: Any, point: dict[str, int]) -> tuple[dict[str, float], tuple, list[int]]:
    clear_cache()
    start = time.perf_counter()
    found = gradient(formula, widths)
    differentiated = time.perf_counter()
    compiled = compile([formula, *found], "python")
    values = compiled(**point)
    end = time.perf_counter()
    return {"differentiate": differentiated - start, "compile and call": end - differentiated}, found, list(values)


def plain(formula: Any, widths: Any, size: Any, point: dict[str, int], found: tuple) -> dict[str, float]:
    clear_cache()
    start = time.perf_counter()
    theirs = [formula.diff(width) for width in widths[:SAMPLE]]
    differentiated = (time.perf_counter() - start) / SAMPLE * len(widths)
    assert theirs == list(found[:SAMPLE]), "the derivatives are the same expressions"
    start = time.perf_counter()
    function = sympy.lambdify([size, *widths], [formula, *found])
    values = function(point["H"], *(point[width.name] for width in widths))
    return {"differentiate": differentiated, "compile and call": time.perf_counter() - start, "values": values}


def fast(formula: Any, widths: Any, size: Any, found: tuple) -> dict[str, float] | None:
    """symengine, on the converted formula; it has no floors to differentiate around, so the size is a number."""
    try:
        import symengine
    except ImportError:
        return None
    number = formula.xreplace({size: sympy.Integer(14)})
    converted = symengine.sympify(number)
    symbols = [symengine.sympify(width) for width in widths]
    start = time.perf_counter()
    theirs = [converted.diff(symbol) for symbol in symbols]
    taken = time.perf_counter() - start
    named = {sympy.Symbol(width.name): width for width in widths}  # symengine forgets what symbols assume
    for place in (0, 1, len(widths) - 1):
        back = sympy.sympify(theirs[place]).xreplace(named)
        assert sympy.expand(back - found[place].xreplace({size: sympy.Integer(14)})) == 0
    return {"differentiate": taken}


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    formula, widths, size = chain(LAYERS)
    point = {"H": 14, **{width.name: 3 + place % 61 for place, width in enumerate(widths)}}
    runs: dict[str, list[dict[str, Any]]] = {"layeralgebra": [], "SymPy (sampled)": [], "symengine": []}
    for _ in range(rounds):
        mine, found, values = ours(formula, widths, point)
        theirs = plain(formula, widths, size, point, found)
        assert list(theirs.pop("values")) == values, "the numbers are the same"
        runs["layeralgebra"].append(mine)
        runs["SymPy (sampled)"].append(theirs)
        other = fast(formula, widths, size, found)
        if other is not None:
            runs["symengine"].append(other)
    totals = {name: statistics.median(sum(run.values()) for run in found) for name, found in runs.items() if found}
    rows = []
    for name, found in runs.items():
        if not found:
            rows.append({"tool": name, "differentiate (s)": "not installed"})
            continue
        row: dict[str, object] = {
            "tool": name,
            "differentiate (s)": f"{statistics.median(run['differentiate'] for run in found):.3f}",
        }
        if "compile and call" in found[0]:
            row["compile and call (s)"] = f"{statistics.median(run['compile and call'] for run in found):.3f}"
            row["together (s)"] = f"{totals[name]:.3f}"
            row["times ours"] = f"{totals[name] / totals['layeralgebra']:.0f}"
        rows.append(row)
    return rows


if __name__ == "__main__":
    for line in main():
        print(line)
