"""One network, one cost? Multiply-accumulates that the tools report for GPT-2 small, with its attention written in several ways.

*products* writes attention as two matrix products and a softmax, *module* is ``nn.MultiheadAttention``, *function* is
``scaled_dot_product_attention`` told to be causal, *mask* the same given a mask. 1024 tokens, in millions; 145824.15 is what the products of the network take, and what is derived here however they are
written. The same tools on torchvision's models are in the table of *peers*. A tool runs where its users run it: on the
CPU, or, for FlopCounterMode and torchinfo, on the meta device as well or instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOKENS = 1024
EXACT = 145_824_153_600


def model(way: str, device: str = "cpu") -> Any:
    import torch

    sys.path.append(str(HERE.parent / "tests"))
    from oracles.torch_language_model import LanguageModel

    with torch.device(device):
        return LanguageModel(50257, TOKENS, 768, 12, 12, way).eval()


def ours(way: str) -> int:
    import layeralgebra as la

    return int(la.macs(la.from_torch(lambda: model(way), (TOKENS,), integers=True)))


def flop_counter(device: str) -> Callable[[str], int]:
    def run(way: str) -> int:
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(way, device)(torch.zeros(1, TOKENS, dtype=torch.long, device=device))
        return counter.get_total_flops() // 2

    return run


def torchinfo(way: str) -> int:
    import torch
    from torchinfo import summary

    tokens = torch.zeros(1, TOKENS, dtype=torch.long, device="meta")
    return int(summary(model(way, "meta"), input_data=tokens, device="meta", verbose=0).total_mult_adds)


def ptflops(backend: str) -> Callable[[str], int]:
    def run(way: str) -> int:
        sys.path.append(str(HERE))
        from _peers import _torchvision

        _torchvision()  # ptflops imports it
        import torch
        from ptflops import get_model_complexity_info

        return int(
            get_model_complexity_info(
                model(way), (TOKENS,), as_strings=False, print_per_layer_stat=False, backend=backend,
                input_constructor=lambda size: {"tokens": torch.zeros(1, TOKENS, dtype=torch.long)},
            )[0]
        )  # fmt: skip

    return run


def fvcore(way: str) -> int:
    import torch
    from fvcore.nn import FlopCountAnalysis

    tokens = torch.zeros(1, TOKENS, dtype=torch.long)
    with torch.no_grad():
        found = FlopCountAnalysis(model(way), tokens).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(found.total())


def thop(way: str) -> int:
    import torch
    from thop import profile

    with torch.no_grad():
        return int(profile(model(way), inputs=(torch.zeros(1, TOKENS, dtype=torch.long),), verbose=False)[0])


def calflops(way: str) -> int:
    import torch
    from calflops import calculate_flops

    tokens = torch.zeros(1, TOKENS, dtype=torch.long)
    return int(
        calculate_flops(model(way), args=[tokens], print_results=False, print_detailed=False, output_as_string=False)[1]
    )


TOOLS: dict[str, Callable[[str], int]] = {
    "layeralgebra": ours, "FlopCounterMode (meta)": flop_counter("meta"), "FlopCounterMode (CPU)": flop_counter("cpu"),
    "torchinfo (meta)": torchinfo, "ptflops (pytorch)": ptflops("pytorch"), "ptflops (aten)": ptflops("aten"),
    "fvcore": fvcore, "thop": thop, "calflops": calflops,
}  # fmt: skip


def main() -> list[dict[str, object]]:
    try:
        import torch  # noqa: F401
    except ImportError:
        return [{"tool": "PyTorch is not installed"}]
    sys.path.append(str(HERE.parent / "tests"))
    from oracles.torch_language_model import WAYS

    rows: list[dict[str, object]] = []
    for tool in TOOLS:
        row: dict[str, object] = {"tool": tool}
        for way in WAYS:
            # A process each: some of these tools leave hooks and patched functions behind.
            run = subprocess.run(
                [sys.executable, "-P", str(HERE / "disagreements.py"), tool, way],
                capture_output=True, text=True, timeout=900,
            )  # fmt: skip
            if run.returncode:
                lines = run.stderr.strip().splitlines()
                row[way] = f"fails: {lines[-1][:60]}" if lines else "fails"
                continue
            macs = json.loads(run.stdout.strip().splitlines()[-1])
            row[way] = f"{macs / 1e6:.0f}" if abs(macs - EXACT) > EXACT / 1e6 else f"{macs / 1e6:.0f}, right"
        rows.append(row)
    return rows


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(TOOLS[sys.argv[1]](sys.argv[2])))
    else:
        for line in main():
            print(line)
