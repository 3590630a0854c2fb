"""Growth of deriving, simplifying, compiling and sweeping: time and memory against the number of symbols and of points.

Exponents are slopes of lines fitted to the logarithms of medians of processor time; each round starts with SymPy's
cache empty. Where arrays outgrow the caches of the processor, a point costs more than before.
"""

from __future__ import annotations

import itertools
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from _growth import exponent
from sympy.core.cache import clear_cache

from layeralgebra import Conv, Input, Series, derive, dims, simplify, sweep
from layeralgebra.algebra.compilation import compile
from layeralgebra.algebra.compilation.program.gradient import gradient

SYMBOLS = (125, 500, 2000, 8000)
POINTS = (10**4, 10**5, 10**6, 10**7)
ROUNDS = 5


def chain(count: int) -> tuple[Any, tuple[Any, ...]]:
    widths = dims(" ".join(f"c{place}" for place in range(count)))
    size = dims("H")
    return sympy.Add(
        *[9 * a * b * sympy.floor(size / 2) ** 2 + b for a, b in zip(widths, widths[1:], strict=False)]
    ), widths


def fresh(net: Series) -> Series:
    """The same network as a new object, about which nothing is known yet."""
    return Series(*(part.func(*part.args) for part in net.args))


def median(function: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        clear_cache()
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def peak(function: Callable[[], Any]) -> float:
    """Mebibytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def row(what: str, unit: str, sizes: tuple[int, ...], values: list[float]) -> dict[str, object]:
    found: dict[str, object] = {"what": f"{what} ({unit})"}
    found.update(
        {
            f"size {place + 1}": f"{size:g}: {value:.3g}"
            for place, (size, value) in enumerate(zip(sizes, values, strict=True))
        }
    )
    found["exponent"] = f"{exponent(sizes, values):.2f}"
    return found


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    rows = []
    chains = [chain(count) for count in SYMBOLS]
    H = dims("H")
    points = [{"H": 14, **{width.name: 5 for width in widths}} for _, widths in chains]
    counter = itertools.count(1)  # so that no formula has been simplified before
    nets = [Series(Input(3, H, H), *(Conv(width, 3, padding=1) for width in widths)) for _, widths in chains]
    work: dict[str, Callable[[int], Callable[[], Any]]] = {
        "derive MACs, against symbols": lambda place: lambda: derive("macs", fresh(nets[place])),
        "simplify, against symbols": lambda place: lambda: simplify(chains[place][0] + next(counter)),
        "compile for numpy, against symbols": lambda place: lambda: compile(chains[place][0]),
        "compile for Python and call, against symbols": lambda place: (
            lambda: compile(chains[place][0], "python")(**points[place])
        ),
        "gradient in all symbols, against symbols": lambda place: lambda: gradient(*chains[place]),
    }
    for what, make in work.items():
        rows.append(row(what, "s", SYMBOLS, [median(make(place), rounds) for place in range(len(SYMBOLS))]))
        rows.append(row(what, "MiB", SYMBOLS, [peak(make(place)) for place in range(len(SYMBOLS))]))
    c, H, L = dims("c H L")
    formula = 9 * c**2 * sympy.floor((H - 1) / 2) ** 2 * L + 1000 * c
    grids = [{c: range(1, 11), H: range(30, 40), L: range(1, count // 100 + 1)} for count in POINTS]
    rows.append(
        row(
            "sweep of a grid, against points",
            "s",
            POINTS,
            [median(lambda over=over: sweep({"m": formula}, over), rounds) for over in grids],
        )
    )
    rows.append(
        row(
            "sweep of a grid, against points",
            "MiB",
            POINTS,
            [peak(lambda over=over: sweep({"m": formula}, over)) for over in grids],
        )
    )
    compiled = compile(formula)
    random = np.random.default_rng(0)
    lists = [{name: random.integers(3, 99, count) for name in ("c", "H", "L")} for count in POINTS]
    rows.append(
        row(
            "compiled function of lists, against points",
            "s",
            POINTS,
            [median(lambda given=given: compiled(**given), rounds) for given in lists],
        )
    )
    return rows


if __name__ == "__main__":
    for line in main():
        print(line)
