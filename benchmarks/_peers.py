"""One measurement of one tool on one model, in a process of its own: ``python benchmarks/_peers.py TOOL MODEL ROUNDS``.

Prints a JSON object: parameters and multiply-accumulates as the tool reports them, seconds for building and analysing (the first time and
the median of the following rounds), and the peak memory of the process.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

SIZE = 224


def ours(name: str) -> Callable[[], tuple[int, int]]:
    import layeralgebra as la

    def run() -> tuple[int, int]:
        net = la.zoo.build(name)
        return int(la.parameters(net)), int(la.macs(net))

    return run


def _torchvision() -> Any:
    """torchvision, whose compiled operators need not load: their schemas are declared first."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            try:
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            except RuntimeError:
                pass
        _kept.append(library)
        import torchvision
    return torchvision


_kept: list[Any] = []


def _build(name: str, device: str) -> Any:
    import torch

    with torch.device(device):
        return _torchvision().models.get_model(name, weights=None).eval()


def _parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def flop_counter(name: str) -> Callable[[], tuple[int, int]]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def run() -> tuple[int, int]:
        model, counter = _build(name, "meta"), FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(torch.empty(1, 3, SIZE, SIZE, device="meta"))
        return _parameters(model), counter.get_total_flops() // 2

    return run


def torchinfo(name: str) -> Callable[[], tuple[int, int]]:
    import torch
    from torchinfo import summary

    def run() -> tuple[int, int]:
        model = _build(name, "meta")
        found = summary(model, input_data=torch.empty(1, 3, SIZE, SIZE, device="meta"), device="meta", verbose=0)
        return found.total_params, found.total_mult_adds

    return run


def ptflops(name: str) -> Callable[[], tuple[int, int]]:
    from ptflops import get_model_complexity_info

    def run() -> tuple[int, int]:
        model = _build(name, "cpu")
        macs, parameters = get_model_complexity_info(
            model, (3, SIZE, SIZE), as_strings=False, print_per_layer_stat=False, backend="pytorch"
        )
        return int(parameters), int(macs)

    return run


def fvcore(name: str) -> Callable[[], tuple[int, int]]:
    import torch
    from fvcore.nn import FlopCountAnalysis

    def run() -> tuple[int, int]:
        model = _build(name, "cpu")
        with torch.no_grad():
            found = (
                FlopCountAnalysis(model, torch.zeros(1, 3, SIZE, SIZE))
                .unsupported_ops_warnings(False)
                .uncalled_modules_warnings(False)
            )
            return _parameters(model), int(found.total())

    return run


def thop(name: str) -> Callable[[], tuple[int, int]]:
    import torch
    from thop import profile

    def run() -> tuple[int, int]:
        model = _build(name, "cpu")
        with torch.no_grad():
            macs, parameters = profile(model, inputs=(torch.zeros(1, 3, SIZE, SIZE),), verbose=False)
        return int(parameters), int(macs)

    return run


def calflops(name: str) -> Callable[[], tuple[int, int]]:
    from calflops import calculate_flops

    def run() -> tuple[int, int]:
        model = _build(name, "cpu")
        _, macs, _ = calculate_flops(
            model, input_shape=(1, 3, SIZE, SIZE), print_results=False, print_detailed=False, output_as_string=False
        )
        return _parameters(model), int(macs)

    return run


TOOLS = {
    "layeralgebra": ours, "FlopCounterMode (meta)": flop_counter, "torchinfo (meta)": torchinfo, "ptflops": ptflops, "fvcore": fvcore,
    "thop": thop, "calflops": calflops,
}  # fmt: skip


def main() -> None:
    tool, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if tool != "layeralgebra":
        _torchvision()
    run = TOOLS[tool](name)
    start = time.perf_counter()
    parameters, macs = run()
    first = time.perf_counter() - start
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "parameters": parameters, "macs": macs, "first": first, "warm": statistics.median(taken) if taken else first, "peak": peak,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
