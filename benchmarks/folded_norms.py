"""Batch norms folded in the networks of the zoo: how many are left, the time, and whether mapped weights give the same numbers.

.venv/bin/python -P benchmarks/folded_norms.py [NAME ...]
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy

import layeralgebra as la
from layeralgebra.algebra.errors import LayerAlgebraError
from layeralgebra.proofs.saturation.values import Reading

#: The first of these resolutions at which a network exists is the one at which it is run.
RESOLUTIONS = (32, 64, 96, 224, 299)


def norms(net: Any) -> list[tuple[str, bool]]:
    """For each batch norm what stands before it, and whether that is read by the norm alone."""
    values = read(net)
    found = []
    for node in values.nodes:
        if values.operations[node.operation].kind == "BatchNorm":
            before = [one for one in values.nodes if one.value == node.arguments[0]]
            readers = sum(node.arguments[0] in one.arguments for one in values.nodes)
            found.append((values.operations[before[0].operation].kind if before else "Input", readers == 1))
    return found


def read(net: Any) -> Any:
    reading = Reading()
    reading.read(net, [])
    return reading.values


def difference(net: Any, found: Any) -> float:
    """The largest difference of numbers, in units of the largest number."""
    draw = numpy.random.default_rng(0)
    weights = {}
    for name, value in la.weights(net).items():
        tensor, inside = (
            name.rpartition(".")[2],
            value.size // max(1, value.shape[0] * (value.shape[1] if value.ndim > 2 else 1)),
        )
        if tensor in ("v", "g"):
            weights[name] = draw.uniform(0.5, 1.5, value.shape)
        else:
            weights[name] = draw.standard_normal(value.shape) * (2 / max(1, inside)) ** 0.5
    x = draw.standard_normal(tuple(int(size) for size in next(node.shape for node in inputs(net))))
    one, other = (
        la.run(each, x, own).astype(float) for each, own in ((net, weights), (found.network, found.weights(weights)))
    )
    return float(abs(one - other).max() / max(1e-30, abs(one).max()))


def inputs(net: Any) -> Any:
    from layeralgebra.algebra.numerics.copies import input_nodes

    return input_nodes(net)


def row(name: str) -> str | None:
    """A line of the table, or None for a network that has no batch norms."""
    for resolution in RESOLUTIONS:
        try:
            net = la.zoo.build(name, resolution=resolution)
            la.macs(net)
            before = norms(net)
        except LayerAlgebraError:
            continue
        break
    else:
        return f"| {name} | not built at a resolution of these |"
    if not before:
        return None
    start = time.perf_counter()
    found = la.rewrite(net, least="flops")
    took = time.perf_counter() - start
    left = norms(found.network)
    behind = sorted({kind for kind, _ in left})
    off = difference(net, found)
    return f"| {name} | {resolution} | {len(before)} | {len(left)} | {', '.join(behind)} | {took:.1f} s | {off:.1e} |"


def main(names: list[str]) -> None:
    """Print the table."""
    print(
        "| network | resolution | norms before | after | those stand behind | time | difference |\n|---|---|---|---|---|---|---|"
    )
    for name in names or la.zoo.names():
        try:
            line = row(name)
        except LayerAlgebraError as error:
            line = f"| {name} | {type(error).__name__}: {str(error)[:120]} |"
        if line is not None:
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
