"""A million variants of ResNet: width x depth x resolution through `sweep`, beside the counters of PyTorch, variant by variant.

The formulas are derived once, with base width, blocks of each stage and resolution as symbols, and evaluated at 100 x 100
x 100 sizes. A tool takes each variant as a model of its own; a few random ones are measured, in the same run, and stand
for the million. FlopCounterMode's counts of these are compared with the swept ones.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
WIDTHS, DEPTHS, SIZES = range(8, 808, 8), range(1, 101), range(32, 832, 8)


def ours() -> tuple[Any, float, float, float]:
    """The swept data, and seconds: deriving and compiling, the first sweep, the median of the sweeps."""
    import layeralgebra as la

    H, c, L = la.dims("H c L")
    start = time.perf_counter()
    net = la.zoo.build("resnet50", height=H, width=H, base_width=c, depths=(L, L, L, L))
    formulas = {"parameters": la.derive("parameters", net), "macs": la.derive("macs", net)}
    derived = time.perf_counter() - start
    over = {"c": WIDTHS, "L": DEPTHS, "H": SIZES}
    taken = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        data = la.sweep(formulas, over)
        taken.append(time.perf_counter() - start)
    return data, derived, taken[0], statistics.median(taken[1:])


def model(width: int, depth: int, device: str) -> Any:
    """The variant in torchvision: base width stands in all four stages and in the stem."""
    import torch
    from torch import nn
    from torchvision.models.resnet import Bottleneck, conv1x1

    def stage(inputs: int, width: int, stride: int) -> nn.Sequential:
        down = nn.Sequential(conv1x1(inputs, 4 * width, stride), nn.BatchNorm2d(4 * width))
        first = Bottleneck(inputs, width, stride, down)
        return nn.Sequential(first, *(Bottleneck(4 * width, width) for _ in range(depth - 1)))

    with torch.device(device):
        stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        stages = [stage(width if not k else 4 * width * 2 ** (k - 1), width * 2**k, 2 if k else 1) for k in range(4)]
        return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32 * width, 1000)).eval()


def flop_counter(width: int, depth: int, size: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(width, depth, "meta")(torch.empty(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


def torchinfo(width: int, depth: int, size: int) -> int:
    import torch
    from torchinfo import summary

    image = torch.empty(1, 3, size, size, device="meta")
    return int(summary(model(width, depth, "meta"), input_data=image, device="meta", verbose=0).total_mult_adds)


def thop(width: int, depth: int, size: int) -> int:
    import torch
    from thop import profile

    image = torch.empty(1, 3, size, size, device="meta")
    with torch.no_grad():
        return int(profile(model(width, depth, "meta"), inputs=(image,), verbose=False)[0])


TOOLS: dict[str, Callable[[int, int, int], int]] = {
    "FlopCounterMode (meta)": flop_counter, "torchinfo (meta)": torchinfo, "thop (meta)": thop,
}  # fmt: skip


def main(count: int = 10) -> list[dict[str, object]]:
    data, derived, first, swept = ours()
    variants = data.sizes["c"] * data.sizes["L"] * data.sizes["H"]
    each = swept / variants
    rows: list[dict[str, object]] = [
        {"tool": "layeralgebra", "variants": f"{variants:,}", "derive once (s)": f"{derived:.2f}",
         "all, first time (ms)": f"{1e3 * first:.1f}", "all (ms)": f"{1e3 * swept:.2f}", "each (s)": f"{each:.1e}"}
    ]  # fmt: skip
    try:
        from _peers import _torchvision

        _torchvision()
    except ImportError:
        return [*rows, {"tool": "PyTorch and torchvision are not installed"}]
    choose = random.Random(0)
    # Shallow ones and of moderate width: what favours the others.
    chosen = [(8 * choose.randint(1, 16), choose.randint(1, 6), 8 * choose.randint(8, 40)) for _ in range(count)]
    for tool, run in TOOLS.items():
        taken, wrong = [], 0
        try:
            run(8, 1, 64)
        except ImportError:
            rows.append({"tool": tool, "variants": "not installed"})
            continue
        for width, depth, size in chosen:
            start = time.perf_counter()
            macs = run(width, depth, size)
            taken.append(time.perf_counter() - start)
            wrong += macs != int(data["macs"].sel(c=width, L=depth, H=size))
        other = statistics.median(taken)
        rows.append(
            {"tool": tool, "variants": str(count), "each (s)": f"{other:.2e}", "to ours, each": f"{other / each:.1e}",
             "a million would take (h)": f"{other * 1e6 / 3600:.0f}", "counts equal to ours": f"{count - wrong} of {count}"}
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    for line in main():
        print(line)
