"""One architecture: parameters and multiply-accumulates of published networks, beside the tools that one would pick instead.

Every measurement is a fresh process; the tools take turns. *process* is all of it, imports included; *warm* is building and
analysing again in a process that has done so before (this library keeps what it has derived; so the first time stands beside it).
A tool counts right if its multiply-accumulates are those published, to the published digits.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _peers import TOOLS

MODELS = ("resnet18", "resnet50", "resnet152", "vgg16", "densenet121", "mobilenet_v2", "vit_b_16")
ROUNDS = 5
SCRIPT = Path(__file__).with_name("_peers.py")


def measure(tool: str, name: str, rounds: int = 3) -> dict[str, float] | None:
    """One process; None if the tool or what it needs is not installed."""
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-P", str(SCRIPT), tool, name, str(rounds)], capture_output=True, text=True, timeout=900
    )
    if run.returncode:
        return None
    found = json.loads(run.stdout.strip().splitlines()[-1])
    repeated = rounds * found["warm"]
    return {**found, "process": time.perf_counter() - start - repeated}


def main(models: tuple[str, ...] = MODELS, rounds: int = ROUNDS) -> list[dict[str, object]]:
    import layeralgebra as la

    rows: list[dict[str, object]] = []
    for name in models:
        runs: dict[str, list[dict[str, float]]] = {tool: [] for tool in TOOLS}
        for turn in range(rounds):
            for tool in list(TOOLS) if turn % 2 == 0 else list(TOOLS)[::-1]:
                found = measure(tool, name)
                if found is not None:
                    runs[tool].append(found)
        published = la.zoo.info(name).gmacs
        own = {key: statistics.median(run[key] for run in runs["layeralgebra"]) for key in ("process", "first", "warm")}
        for tool, found in runs.items():
            if not found:
                rows.append({"model": name, "tool": tool, "process s": "not installed"})
                continue
            middle = {key: statistics.median(run[key] for run in found) for key in ("process", "first", "warm", "peak")}
            macs = found[0]["macs"]
            rows.append(
                {
                    "model": name,
                    "tool": tool,
                    "process s": f"{middle['process']:.2f}",
                    "x ours": f"{middle['process'] / own['process']:.1f}",
                    "first ms": f"{1e3 * middle['first']:.0f}",
                    "x our first": f"{middle['first'] / own['first']:.1f}",
                    "warm ms": f"{1e3 * middle['warm']:.1f}",
                    "x our warm": f"{middle['warm'] / own['warm']:.0f}",
                    "peak MiB": f"{middle['peak']:.0f}",
                    "MMACs": f"{macs / 1e6:.2f}",
                    "right": "yes"
                    if published is None or abs(macs / 1e9 - float(published)) < 6e-4
                    else f"published {float(published) * 1e3:.0f}",
                }
            )
    return rows


if __name__ == "__main__":
    for row in main():
        print(row)
