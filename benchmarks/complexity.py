"""Layer complexity: a ResNet-152 beside deriving its MACs, each in a fresh process; histograms of perceptrons.

The closed form includes its value in bits; a formula with the data dimension as a symbol is timed too. The histogram
of 100 layers of 1000 ReLUs is one suffix sum and two products of long integers per layer and dimension, so that all
integers stay exact; its norm has about 100 000 bits where the data have 1000 dimensions. The last column of both is
the ratio of medians.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

ROUNDS = 5

NETWORK = """
import json, time
import layeralgebra as la
list(la.metrics())  # loads them, which is not what is measured
start = time.perf_counter()
net = la.zoo.build("resnet152")
built = time.perf_counter() - start
start = time.perf_counter()
{work}
print(json.dumps({{"built": built, "taken": time.perf_counter() - start, "value": str(value)}}))
"""

WORKS = {
    "MACs": "value = la.macs(net)",
    "layer complexity, bits": "value = float(la.layer_complexity(net))",
    "layer complexity, d a symbol": "value = len(la.layer_complexity(net, d=la.dims('d')).args)",
    "VC dimension, explicit": "value = float(la.vc_dimension(net))",
    "intrinsic power": "value = float(la.intrinsic_power(net).expansion)",
}

HISTOGRAM = """
import json, time
from layeralgebra.algebra.composition import Chain
from layeralgebra.algebra.histogram import unit
from layeralgebra.algebra.transfers import relu
net = Chain((relu({width}),) * {depth})
start = time.perf_counter()
image = net.act(unit({dimension}))
print(json.dumps({{"taken": time.perf_counter() - start, "value": image.norm.bit_length()}}))
"""


def fresh(code: str) -> dict:
    """What a script prints, run in a process of its own."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def main(rounds: int = ROUNDS) -> list[dict[str, object]]:
    runs: dict[str, list[dict]] = {name: [] for name in WORKS}
    for _ in range(rounds):
        for name, work in WORKS.items():
            runs[name].append(fresh(NETWORK.format(work=work)))
    base = statistics.median(run["taken"] for run in runs["MACs"])
    rows: list[dict[str, object]] = []
    for name, found in runs.items():
        seconds = [run["taken"] for run in found]
        rows.append(
            {
                "network": "ResNet-152, 224 x 224",
                "what": name,
                "median s": statistics.median(seconds),
                "min s": min(seconds),
                "max s": max(seconds),
                "result": found[0]["value"][:24],
                "beside MACs": statistics.median(seconds) / base,
            }
        )
    for width, depth, dimension in ((1000, 100, 10), (1000, 100, 100), (1000, 100, 1000)):
        found = [fresh(HISTOGRAM.format(width=width, depth=depth, dimension=dimension)) for _ in range(rounds)]
        seconds = [run["taken"] for run in found]
        rows.append(
            {
                "network": f"perceptron {depth} x {width}",
                "what": f"histogram, d = {dimension}",
                "median s": statistics.median(seconds),
                "min s": min(seconds),
                "max s": max(seconds),
                "result": f"{found[0]['value']} bits",
            }
        )
    return rows


if __name__ == "__main__":
    for row in main():
        print(row)
