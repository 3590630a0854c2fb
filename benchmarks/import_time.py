"""Import time: `import layeralgebra` beside `import sympy`, each in a fresh process.

The two take turns, and swap places every round, so that a busy moment of the machine falls on both; what is compared is
the median of the time that the import itself takes inside its process.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 15
CODE = "import time; start = time.perf_counter(); import {0}; print(time.perf_counter() - start)"


def seconds(module: str, byte_code: str) -> float:
    """How long one import takes in a process of its own, with the byte code of all modules kept in one folder."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": byte_code}
    command = [sys.executable, "-P", "-c", CODE.format(module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=environment)
    return float(done.stdout)


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    modules = ("sympy", "layeralgebra")
    taken: dict[str, list[float]] = {name: [] for name in modules}
    with tempfile.TemporaryDirectory() as byte_code:
        for name in modules:
            seconds(name, byte_code)  # byte code is written and files are read from disk before anything counts
        for turn in range(rounds):
            for name in modules if turn % 2 == 0 else modules[::-1]:
                taken[name].append(seconds(name, byte_code))
    base = statistics.median(taken["sympy"])
    return [
        {
            "import": name,
            "median ms": round(1e3 * statistics.median(times)),
            "fastest ms": round(1e3 * min(times)),
            "slowest ms": round(1e3 * max(times)),
            "of sympy": f"{statistics.median(times) / base:.3f}",
        }
        for name, times in taken.items()
    ]


if __name__ == "__main__":
    for row in main():
        print(row)
