"""Work of training of torchvision's classifiers: derived, and as PyTorch's counter has it over forward and backward on the meta device.

    python benchmarks/training_macs.py [NAMES]... [--output benchmarks/training_macs.md]

What PyTorch's counter knows no formula for is taken from the derivation, node by node: sums of products in the gradients of norms' scales, of
gates and of learned scales; and from the model itself: the one in a softmax's gradient, one for each score. The rest is nothing, or a
difference that nobody has explained.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

KNOWN = ("Conv", "Linear", "Attention", "ConvTranspose")
"""Ends of the names of layers of which PyTorch's counter counts the products, except those within a softmax's gradient."""


def counted(module: Any, sizes: tuple[int, ...]) -> tuple[int, int]:
    """Multiply-accumulates for one example as PyTorch counts them, and scores of softmaxes, over both passes."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    def backward(grad: Any, x: Any, w: Any, *rest: Any, **_: Any) -> int:  # the counter's own formula overlooks groups
        mask = next(
            one for one in rest if isinstance(one, (list, tuple)) and len(one) == 3 and isinstance(one[0], bool)
        )
        each = 2 * grad[0] * w[0] * w[1] * w[2] * w[3] * grad[2] * grad[3]
        return int(each) * (int(mask[0]) + int(mask[1]))

    scores: list[int] = []
    softmax = torch.ops.aten._softmax_backward_data

    def of_scores(grad: Any, *_: Any, **__: Any) -> int:
        size = 1
        for one in grad:
            size *= one
        scores.append(int(size))
        return 0

    counter = FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: backward, softmax: of_scores}
    )
    with counter, sdpa_kernel(SDPBackend.MATH):
        module(torch.empty(2, *sizes, device="meta")).sum().backward()
    return counter.get_total_flops() // 4, sum(scores) // 2


def row(name: str) -> dict[str, Any]:
    """The figures of one model."""
    import layeralgebra as la
    from oracles.torchvision_models import model

    net = la.zoo.build(name)
    derivation = la.derive("training_macs", net)
    forward = int(la.derive("macs", net).formula)
    (shape,) = derivation.inputs
    module = model(name).train()
    for part in ("aux_logits", "AuxLogits", "aux1", "aux2"):  # the published network is read without them
        if hasattr(module, part):
            setattr(module, part, None)
    theirs, scores = counted(module, tuple(map(int, shape)))
    ours = int(derivation.formula)
    others: dict[str, int] = {}
    for term in derivation.terms:
        kind = type(term.node).__name__
        times = 1
        for loop in term.loops:
            times *= int(loop.times)
        if not kind.endswith(KNOWN) and int(term.value):
            others[kind] = others.get(kind, 0) + times * int(term.value)
    return {
        "name": name, "forward": forward, "ours": ours, "theirs": theirs, "norms and gates": sum(others.values()), "softmax": scores,
        "rest": ours - theirs - sum(others.values()) - scores,
    }  # fmt: skip


def main() -> None:
    import layeralgebra as la
    from oracles.torchvision_models import load

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    torchvision = load()
    every = [name for name in torchvision.models.list_models(module=torchvision.models) if name in set(la.zoo.names())]
    head = "| model | forward MACs | training MACs | PyTorch | norms, gates | softmax | rest |"
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|"]
    print("\n".join(lines), flush=True)
    for name in chosen.names or every:
        try:
            found = row(name)
        except Exception as error:
            lines.append(f"| {name} | {type(error).__name__}: {str(error).splitlines()[0][:120]} | | | | | |")
        else:
            figures = [found[key] for key in ("forward", "ours", "theirs", "norms and gates", "softmax", "rest")]
            lines.append(f"| {name} | {' | '.join(f'{one:,}'.replace(',', ' ') for one in figures)} |")
        print(lines[-1], flush=True)
    if chosen.output:
        text = [*__doc__.splitlines()[:1], "", *lines, ""]
        chosen.output.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
