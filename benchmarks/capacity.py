"""Capacity allocation of a network with one convolution and a dense layer: peak memory and time, against the dense projector.

Each run is a process of its own. *naive* holds the Jacobian as a dense array, factors it with LAPACK and forms the projector
``K K^T``; *dense factor* leaves the projector out. The largest size has about 1e5 inputs and 1e4 parameters, where only this
library is run. Memory is what a run adds to the imported libraries.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from _memory import PEAK

CASES = {"small": (91, ("layeralgebra", "dense factor", "naive")), "large": (316, ("layeralgebra",))}

SCRIPT = """
import sys, time
import numpy as np, scipy.linalg, scipy.sparse.linalg
import layeralgebra as la
from layeralgebra.algebra.capacity.allocation import allocate
from layeralgebra.algebra.capacity import chain_qr, linear_network, streamed_qr

tool, side, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
net = la.Input(1, side, side) >> la.Conv(1, 7, stride=3, bias=False) >> la.Flatten() >> la.Linear(1, bias=False)

base, start = peak(), time.perf_counter()
if tool == "layeralgebra":
    found = la.capacity_allocation(net)
    spatial, total = found.spatial.ravel(), found.total
else:
    dense = la.linear_predictor(net).matrix.toarray()
    factor, triangle, _ = scipy.linalg.qr(dense, mode="economic", pivoting=True)
    total = int((abs(np.diag(triangle)) > 1e-10 * abs(triangle[0, 0])).sum())
    basis = factor[:, :total]
    spatial = np.diag(basis @ basis.T).copy() if tool == "naive" else (basis**2).sum(axis=1)
print(side**2, la.parameters(net), total, time.perf_counter() - start, peak() - base)
np.save(path, spatial)
"""


def measured(tool: str, side: int, path: Path) -> list[str]:
    """Inputs, parameters, total, seconds and megabytes of one run."""
    made = subprocess.run(
        [sys.executable, "-P", "-c", PEAK + SCRIPT, tool, str(side), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.split()


def main() -> list[dict[str, object]]:
    import numpy as np

    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for side, tools in CASES.values():
            first = None
            for tool in tools:
                path = Path(folder) / "spatial.npy"
                inputs, parameters, total, seconds, memory = measured(tool, side, path)
                spatial = np.load(path)
                first = (spatial, float(memory)) if first is None else first
                rows.append(
                    {
                        "tool": tool, "inputs": int(inputs), "parameters": int(parameters), "total": int(total),
                        "seconds": round(float(seconds), 1), "peak MB": round(float(memory)),
                        "memory ratio": round(float(memory) / first[1], 1),
                        "largest difference": f"{abs(spatial - first[0]).max():.1e}",
                    }
                )  # fmt: skip
    return rows
