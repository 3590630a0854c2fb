"""First derivations: what the first questions of a process cost beside `import sympy`, each in a fresh process.

Everything counts from the start of the question: reading the files that it needs, reading the equations of the layers, and the derivation
itself. Nothing was asked before but what the row says. What is compared is processor time, so that other processes on the machine
disturb it little; the import of SymPy is measured in every one of the processes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 7
SYMBOLIC = (
    "H, W, d, L = la.dims('H W d L'); block = la.Conv(64, 3, 1, 1) >> la.BatchNorm() >> la.ReLU()\n"
    "net = la.Input(3, H, W) >> la.Conv(64, 7, 2, 3) >> block ** L >> la.GlobalAvgPool() >> la.Linear(d)"
)
QUESTIONS = {
    "MACs of resnet18": ("", "la.macs(la.zoo.resnet18())"),
    "parameters and MACs of resnet50": ("", "la.parameters(la.zoo.resnet50()), la.macs(la.zoo.resnet50())"),
    "parameters and MACs of densenet121": ("", "net = la.zoo.densenet121(); la.parameters(net), la.macs(net)"),
    "receptive field of resnet50": ("", "la.receptive_field(la.zoo.resnet50())"),
    "MACs of a symbolic network": (SYMBOLIC, "la.macs(net)"),
    "layer complexity of a symbolic network": (SYMBOLIC, "la.layer_complexity(net)"),
    "the compiled MACs of a symbolic network": (f"{SYMBOLIC}\nmacs = la.macs(net)", "la.compile(macs)"),
}
CODE = """
import json
from time import process_time as now
start = now()
import sympy
loaded = now() - start
import layeralgebra as la
{0}
start = now()
{1}
print(json.dumps([loaded, now() - start]))
"""


def seconds(before: str, asked: str, byte_code: str) -> tuple[float, float]:
    """The processor time of `import sympy` and of a question, in a process of its own."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": byte_code}
    command = [sys.executable, "-P", "-c", CODE.format(before, asked)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=environment)
    loaded, taken = json.loads(done.stdout)
    return loaded, taken


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    taken: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    loaded: list[float] = []
    with tempfile.TemporaryDirectory() as byte_code:
        for turn in range(rounds + 1):
            for name, (before, asked) in QUESTIONS.items():
                base, question = seconds(before, asked, byte_code)
                if turn:  # the first time writes byte code and reads files from disk
                    loaded.append(base)
                    taken[name].append(question)
    base = statistics.median(loaded)
    return [
        {
            "question": name,
            "median ms": round(1e3 * statistics.median(times)),
            "fastest ms": round(1e3 * min(times)),
            "slowest ms": round(1e3 * max(times)),
            "of import sympy": f"{statistics.median(times) / base:.2f}",
        }
        for name, times in taken.items()
    ]


if __name__ == "__main__":
    for row in main():
        print(row)
