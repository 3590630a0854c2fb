"""What PyTorch's eager kernels keep for their backward pass where no equation tells: the few facts about them, each a test of a line.

=====================================  ===========================================================================================
line of the equation                   what the kernel keeps
=====================================  ===========================================================================================
``relu`` of a tensor                   its result, not its argument (``threshold_backward(grad, result)``)
extremum over windows                  the input, and the place of each extremum as an integer (``max_pool2d_with_indices``)
mean over windows                      the input, of which only the shape matters (``avg_pool2d``, ``_adaptive_avg_pool2d``)
running statistics (buffers read as    the input, and the batch's own statistics, one set for all examples
numbers)                               (``native_batch_norm``: ``save_mean``, ``save_invstd``)
=====================================  ===========================================================================================

These are the formulas of ``tools/autograd/derivatives.yaml`` of PyTorch. Kernels that work in place, fused attention and compiled graphs
keep something else and are not described.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Expr, Mul

from ..equations.heads import Apply, Head, Read, Reduce, walk
from ..equations.instance import Instance
from ..equations.statements import Statement
from ..sizes.dims import Index
from .adjoint import Adjoint
from .kept import Inner, Kept


def kept_by_pytorch(found: Adjoint, kept: Kept) -> Kept:
    """What PyTorch keeps of a layer, given what its equations read."""
    forward = found.forward
    inputs, outputs, inner = dict(kept.inputs), kept.outputs, list(kept.inner)
    names = forward.layer.input_names
    last = forward.statements[-1]
    if (
        isinstance(last.value, Apply)
        and last.value.function == "relu"
        and last.value.arguments[0] in _plain_reads(last, names)
    ):
        return replace(kept, inputs={}, outputs=(last.target,), inner=())
    if len(names) == 1 and names[0] in found.gradients:
        for line in forward.statements:
            operation = _window(line, forward)
            if operation in ("max", "min"):
                inputs, outputs = {names[0]: "activations"}, ()
                inner = [Inner(f"place of {line.target}", Mul(*forward.shapes[line.target]), "indices")]
            elif operation == "mean":
                inputs = {names[0]: "activations"}
    statistics = _running(forward)
    if statistics:
        inputs = dict.fromkeys(names, "activations")
        inner = [Inner(f"batch's {name}", elements, "statistics", each=False) for name, elements in statistics.items()]
    return Kept(inputs, outputs, tuple(inner))


def _plain_reads(line: Statement, names: tuple[str, ...]) -> list[Head]:
    return [Read(name, line.address) for name in names]


def _window(line: Statement, forward: Instance) -> str | None:
    """The operation of a line that reduces windows of a tensor, and not whole axes of it."""
    value = line.value
    if not isinstance(value, Reduce) or not isinstance(value.body, Read):
        return None
    moving = any(isinstance(part, Expr) and not isinstance(part, Index) for part in value.body.address)
    ranged = any(index in forward.elaborated.ranges for index in value.indices)
    if not (moving or ranged):
        return None
    if ranged and Mul(*forward.shapes[line.target][1:]) == 1:
        return None  # adaptive pooling to one place is a mean over the axes
    return value.operation


def _running(forward: Instance) -> dict[str, Expr]:
    """The buffers that are read as numbers: estimates of what training computes from the batch."""
    layer: Any = forward.layer
    places = forward.looked_up()
    asked = {
        head.arguments[0].tensor
        for line in forward.statements for head in walk(line.value)
        if isinstance(head, Apply) and head.function == "choose" and isinstance(head.arguments[0], Read)
    }  # fmt: skip
    return {
        name: Mul(*forward.shapes[name])
        for name in layer.buffers
        if name not in (*layer.tables, *layer.drawn, *places, *asked) and forward.roles.get(name) == "buffer"
    }
