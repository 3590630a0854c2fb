"""Compiled formulas on a GPU, on the backends of PyTorch and JAX, beside the same written by hand in PyTorch.

The formulas are those of *compile_vs_numpy*, at independent points that already lie on the device. Wall time until the
device has finished, medians. *numpy* is the hand-written formula on one core of the host, at a tenth of the points, times
ten. The bandwidth counts every argument and every result once.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from layeralgebra.algebra.compilation import compile

POINTS, ROUNDS = 10**8, 9
RANGES = {"w": (16, 257), "d": (1, 21), "r": (32, 513)}


def median_seconds(function: Callable[[], Any], wait: Callable[[Any], Any], rounds: int) -> float:
    wait(function())
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        wait(function())
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def row(name: str, formula: Any, by_hand: Callable[..., Any], points: int, rounds: int) -> dict[str, object]:
    """One formula at so many points."""
    import torch

    def finished(result: Any) -> None:
        torch.cuda.synchronize()

    random = np.random.default_rng(0)
    on_host = {key: random.integers(low, high, points // 10) for key, (low, high) in RANGES.items()}
    on_device = {key: torch.randint(low, high, (points,), device="cuda") for key, (low, high) in RANGES.items()}
    # By hand in PyTorch, a quotient of integers is a float of 32 bits unless they are converted first.
    hand_on_device = {
        "a logarithm": lambda w, d, r: d * torch.log((w + r).double()),
        "a quotient": lambda w, d, r: (9 * w**2 * r**2 * d + w).double() / (9 * w**2 + 2 * w),
    }.get(name, by_hand)
    compiled = compile(formula, "torch")
    wanted = {key: value for key, value in on_device.items() if key in compiled.arguments}
    ours, theirs = compiled(**wanted), hand_on_device(**on_device)
    pairs = list(zip(ours.values(), theirs, strict=True)) if isinstance(ours, dict) else [(ours, theirs)]
    for one, other in pairs:
        assert torch.allclose(one.double(), other.double(), rtol=1e-14, atol=0), name
    moved = 8 * points * (len(wanted) + len(pairs))
    del ours, theirs, pairs, one, other
    host = 10 * median_seconds(lambda: by_hand(**on_host), lambda result: None, 3)
    hand = median_seconds(lambda: hand_on_device(**on_device), finished, rounds)
    mine = median_seconds(lambda: compiled(**wanted), finished, rounds)
    fused = jax_seconds(formula, wanted, rounds)
    best = min(mine, fused or mine)
    return {
        "formula": name,
        "points": f"{points:,}",
        "numpy by hand (ms)": f"{1e3 * host:.0f}",
        "torch by hand (ms)": f"{1e3 * hand:.2f}",
        "torch (ms)": f"{1e3 * mine:.2f}",
        "jax (ms)": f"{1e3 * fused:.2f}" if fused else "",
        "torch to hand": f"{mine / hand:.2f}",
        "jax to hand": f"{fused / hand:.2f}" if fused else "",
        "numpy to the better": f"{host / best:.0f}",
        "TB/s of the better": f"{moved / best / 1e12:.2f}",
    }


def jax_seconds(formula: Any, arguments: dict[str, Any], rounds: int) -> float | None:
    """The same on JAX, from the same memory; None where JAX has no GPU."""
    try:
        import jax
    except ImportError:
        return None
    if jax.default_backend() != "gpu":
        return None
    jax.config.update("jax_enable_x64", True)
    compiled = compile(formula, "jax")
    given = {key: jax.dlpack.from_dlpack(value) for key, value in arguments.items()}
    return median_seconds(lambda: compiled(**given), jax.block_until_ready, rounds)


def main(points: int = POINTS, rounds: int = ROUNDS) -> list[dict[str, object]]:
    from compile_vs_numpy import cases

    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        import torch
    except ImportError:
        return [{"formula": "PyTorch is not installed"}]
    if not torch.cuda.is_available():
        return [{"formula": "there is no GPU here"}]
    return [row(*case, points, rounds) for case in cases()]


if __name__ == "__main__":
    for line in main():
        print(line)
