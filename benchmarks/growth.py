"""Growth of deriving: time and peak memory against the number of distinct layers, and against symbolic depth.

Every size runs in a process of its own, so that no cache of a smaller run helps a larger one; the exponent is the slope of a
line fitted to the logarithms of medians.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from _growth import exponent
from _memory import PEAK

SIZES = (10, 100, 1_000, 10_000)
ROUNDS = 5
CODE = """
import json, sys, time
import layeralgebra as la
list(la.metrics())  # loads them, which is not what is measured
H, W, L = la.dims("H W L")
count, depth = int(sys.argv[1]), sys.argv[2]
net = la.Series(la.Input(3, H, W), *(la.Conv(4 + place, 3, padding=1) for place in range(count)))
if depth != "0":
    block = la.Conv(4 + count - 1, 3, padding=1) >> la.BatchNorm() >> la.ReLU()
    net = net >> (la.Identity() + block) ** (L if depth == "L" else int(depth))
base = peak()
taken = {}
for name in ("parameters", "macs", "receptive_field"):
    start = time.perf_counter()
    la.derive(name, net)
    taken[name] = time.perf_counter() - start
taken["memory"] = peak() - base
print(json.dumps(taken))
"""


def measure(count: int, depth: str = "0", rounds: int = ROUNDS) -> dict[str, float]:
    """Medians over fresh processes: seconds for each metric, and mebibytes above what the network itself takes."""
    runs = []
    for _ in range(rounds):
        command = [sys.executable, "-P", "-c", PEAK + CODE, str(count), depth]
        runs.append(
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=3600).stdout)
        )
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> list[dict[str, object]]:
    measured = [measure(size, rounds=rounds) for size in sizes]
    rows: list[dict[str, object]] = []
    for name in ("parameters", "macs", "receptive_field", "memory"):
        values = [run[name] for run in measured]
        unit = "MiB" if name == "memory" else "s"
        row: dict[str, object] = {"against the number of layers": f"{name} ({unit})"}
        row.update({f"{size}": f"{value:.3g}" for size, value in zip(sizes, values)})
        row["exponent"] = f"{exponent(sizes, values):.2f}"
        row["exponent of the last step"] = f"{exponent(sizes[-2:], values[-2:]):.2f}"
        rows.append(row)
    for depth in ("10", "L"):
        deep = measure(10, depth, rounds)
        rows.append(
            {
                "against the number of layers": f"10 layers and a residual block, {depth} times: macs (s)",
                "10": f"{deep['macs']:.3g}",
            }
        )
    return rows


if __name__ == "__main__":
    for line in main():
        print(line)
