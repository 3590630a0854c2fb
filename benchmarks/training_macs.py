"""Multiply-accumulates of training torchvision's classifiers: derived, and as PyTorch's counter has them over forward and backward.

    python benchmarks/training_macs.py [NAMES]... [--output benchmarks/training_macs.md]

PyTorch counts a step with two examples and one with three, on the meta device: what the third adds is the work for each example, the rest is
done once a step. Ours is derived for a symbolic number of examples, and taken apart in the same way.

The counter has no formula for three sums of products in the backward pass. They are counted here in the model, from the operations that PyTorch
carries out, and never from a derivation:

- norms: the gradient of a batch norm's scale, one product for each element that is normalised (a layer norm divides within that sum, so that
  its equation has no contraction there, and none is counted);
- scales: the gradient of a factor that stands for several elements, one product for each element that it multiplies;
- softmax: the sum in its gradient, one product for each score.

What then remains of the difference stands in the columns `rest`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

KINDS = ("PyTorch", "norms", "scales", "softmax")
COLUMNS = ("forward", "an example", *KINDS, "rest", "once a step", "PyTorch", "rest")


def counted(module: Any, sizes: tuple[int, ...], examples: int) -> dict[str, int]:
    """Multiply-accumulates of one step as PyTorch's counter has them, and the sums of products that it has no formula for."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    found, forward = dict.fromkeys(KINDS, 0), True
    aten = torch.ops.aten

    def raw(formula: Callable[..., int]) -> Callable[..., int]:
        formula._get_raw = True  # type: ignore[attr-defined]  # the counter then hands over tensors, not their shapes
        return formula

    def convolution(
        grad: Any,
        x: Any,
        w: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: Any,
        out: Any,
        groups: Any,
        mask: Any,
        **_: Any,
    ) -> (
        int
    ):  # the counter's own formula overlooks groups; each of the two products is as large as that of the forward pass
        return 2 * int(grad[0] * w[0] * w[1] * w[2] * w[3] * grad[2] * grad[3]) * (int(mask[0]) + int(mask[1]))

    @raw
    def batch_norm(grad: Any, x: Any, *rest: Any, **_: Any) -> int:
        found["norms"] += x.numel() if rest[-1][1] else 0
        return 0

    @raw
    def product(one: Any, other: Any, out_val: Any = None, **_: Any) -> int:
        for factor in (one, other):
            if (
                forward
                and isinstance(factor, torch.Tensor)
                and factor.requires_grad
                and factor.numel() < out_val.numel()
            ):
                found["scales"] += out_val.numel()
        return 0

    @raw
    def softmax(grad: Any, *_: Any, **__: Any) -> int:
        found["softmax"] += grad.numel()
        return 0

    formulas = {
        aten.convolution_backward: convolution, aten.native_batch_norm_backward: batch_norm, aten.mul: product,
        aten._softmax_backward_data: softmax,
    }  # fmt: skip
    counter = FlopCounterMode(display=False, custom_mapping=formulas)
    with counter, sdpa_kernel(SDPBackend.MATH):
        total = module(torch.empty(examples, *sizes, device="meta")).sum()
        forward = False
        total.backward()
    return {**found, "PyTorch": counter.get_total_flops() // 2}


def apart(two: int, three: int) -> tuple[int, int]:
    """What is done for each example and what once a step, of a step with two and of one with three examples."""
    return three - two, 3 * two - 2 * three


def row(name: str) -> tuple[int, ...]:
    """The figures of one model, in the order of the columns."""
    import layeralgebra as la
    from oracles.torchvision_models import model

    net, examples = la.zoo.build(name), la.dims("examples")
    derivation = la.derive("training_macs", net, batch=examples)
    (shape,) = derivation.inputs
    each, once = apart(*(int(derivation.formula.subs(examples, number)) for number in (2, 3)))
    module = model(name).train()
    for part in ("aux_logits", "AuxLogits", "aux1", "aux2"):  # the published network is read without them
        if hasattr(module, part):
            setattr(module, part, None)
    steps = [counted(module, tuple(map(int, shape)), number) for number in (2, 3)]
    theirs = {kind: apart(*(step[kind] for step in steps)) for kind in KINDS}
    of_example, of_step = ([theirs[kind][place] for kind in KINDS] for place in (0, 1))
    forward = int(la.derive("macs", net).formula)
    return (forward, each, *of_example, each - sum(of_example), once, of_step[0], once - sum(of_step))


def main() -> None:
    import layeralgebra as la
    from oracles.torchvision_models import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    torchvision = load()
    every = [name for name in torchvision.models.list_models(module=torchvision.models) if name in set(la.zoo.names())]
    lines = [f"| model | {' | '.join(COLUMNS)} |", f"|---|{'--:|' * len(COLUMNS)}"]
    print("\n".join(lines), flush=True)
    without_rest = 0
    for name in chosen.names or every:
        try:
            figures = row(name)
        except Exception as error:
            lines.append(
                f"| {name} | {type(error).__name__}: {str(error).splitlines()[0][:120]} |{' |' * (len(COLUMNS) - 1)}"
            )
        else:
            without_rest += figures[6] == figures[9] == 0
            lines.append(f"| {name} | {' | '.join(f'{one:,}'.replace(',', ' ') for one in figures)} |")
        print(lines[-1], flush=True)
    if chosen.output:
        about = str(__doc__).splitlines()
        total = f"{without_rest} of {len(lines) - 2} classifiers have no rest, neither for an example nor once a step."
        chosen.output.write_text("\n".join([about[0], "", *about[4:], "", *lines, "", total, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
