"""Operations on arrays of any axes, each one equation over the axes as the framework numbers them.

An operation takes a translation, the tensors that enter, and its attributes; it records the layer that computes it and gives the tensor
that comes out. Where ours lacks the framework's leading axis of size 1, the equation lacks it as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same
from ...formula import Formula
from ..tensors import Shape, Tensor, Tensors


def names(rank: int, letter: str = "i") -> list[str]:
    """An index for each axis."""
    return [f"{letter}{place}" for place in range(rank)]


def bracket(value: Tensor, at: Sequence[str]) -> str:
    """The address of an element, given the framework's axes."""
    kept = list(at)[1:] if value.batched else list(at)
    return f"[{', '.join(kept) or '0'}]"


def of_batch(values: Sequence[Tensor], shape: Shape) -> bool:
    """Whether what comes out lacks the leading axis of size 1: as soon as one that enters with as many axes does."""
    return len(shape) > 0 and shape[0] == 1 and any(v.batched and len(v.shape) == len(shape) for v in values)


def spelt(number: Any) -> str:
    """A number as an equation has it."""
    size = abs(number) if hasattr(number, "__index__") else abs(float(number))
    if isinstance(size, float) and math.isnan(size):
        raise UnsupportedError("a value that is no number has no equation")
    text = "inf" if math.isinf(size) else str(int(size)) if size == int(size) else format(Decimal(repr(size)), "f")
    return text if number >= 0 else f"(-{text})"


class Sizes:
    """Sizes in an equation's text: literal ones as they are, others by their place among the layer's sizes."""

    def __init__(self) -> None:
        self.given: list[Expr] = []

    def __call__(self, size: Any) -> str:
        size = size if isinstance(size, Expr) else Integer(int(size))
        if size.is_Integer:
            return str(size) if size >= 0 else f"({size})"
        if size not in self.given:
            self.given.append(size)
        return f"sizes[{self.given.index(size)}]"


def formula(
    t: Tensors,
    text: str,
    values: Sequence[Tensor],
    shape: Shape,
    batched: bool,
    sizes: Sizes | None = None,
    label: str = "",
) -> Tensor:
    """What an equation makes of tensors."""
    return t.add(Formula(text, tuple(sizes.given) if sizes else ()), values, shape, batched, label)


def broadcast(shapes: Sequence[Sequence[Expr]], where: str = "") -> Shape:
    """The shape to which shapes are repeated; refused if they do not fit."""
    rank = max(map(len, shapes))
    wide = [(*(Integer(1),) * (rank - len(shape)), *shape) for shape in shapes]
    out: list[Expr] = []
    for column in zip(*wide):
        size = next((size for size in column if size != 1), column[0])
        if any(other != 1 and same(other, size) is False for other in column):
            raise UnsupportedError(
                f"{where}: tensors of the shapes {', '.join(map(str, map(tuple, shapes)))} do not fit"
            )
        out.append(size)
    return tuple(out)


def entrywise(t: Tensors, text: str, values: Sequence[Tensor], label: str = "") -> Tensor:
    """A function of elements, ``{0}``, ``{1}``... in the text, of tensors whose axes of size 1 are repeated."""
    shape = broadcast([value.shape for value in values], label)
    rank = len(shape)
    batched = of_batch(values, shape)
    every = names(rank)
    reads = []
    for place, value in enumerate(values):
        start = rank - len(value.shape)
        at = [every[start + axis] if size != 1 else "0" for axis, size in enumerate(value.shape)]
        reads.append(f"x{place + 1}{bracket(value, at)}")
    out = [index if size != 1 else "0" for index, size in zip(every, shape)]
    target = f"[{', '.join(out[1:] if batched else out) or '0'}]"
    return formula(t, f"y{target} = {text.format(*reads)}", values, shape, batched, None, label)


def mapped(t: Tensors, text: str, value: Tensor, label: str = "") -> Tensor:
    """A function of the elements of one tensor, ``x`` in the text."""
    return t.add(Formula(f"y[*i] = {text.replace('$', 'x1[*i]')}"), [value], value.shape, value.batched, label)


REDUCTIONS = {
    "sum": "sum[J](x)", "mean": "mean[J](x)", "max": "max[J](x)", "min": "min[J](x)", "prod": "prod[J](x)", "l1": "sum[J](abs(x))",
    "l2": "sqrt(sum[J](x**2))", "logsum": "log(sum[J](x))", "sumsquare": "sum[J](x**2)",
}  # fmt: skip
"""What is done to the elements ``x`` along the axes ``J``."""


def over_axes(t: Tensors, kind: str, value: Tensor, axes: Iterable[int], keep: bool, label: str = "") -> Tensor:
    """A reduction over axes, which are kept with size 1 if asked for; `kind` is one of `REDUCTIONS`, or "logsumexp"."""
    rank = len(value.shape)
    gone = sorted({int(axis) % rank for axis in axes} if rank else set())
    every = names(rank)
    shape = tuple(Integer(1) if axis in gone else size for axis, size in enumerate(value.shape))
    out = ["0" if axis in gone else index for axis, index in enumerate(every)]
    if not keep:
        shape, out = (tuple(part for axis, part in enumerate(of) if axis not in gone) for of in (shape, out))  # type: ignore[assignment]
    batched = value.batched and 0 not in gone
    within = [every[axis] for axis in gone if axis or not value.batched]
    read, target = f"x1{bracket(value, every)}", f"[{', '.join(out[1:] if batched else out) or '0'}]"
    if not within:
        text = {"l1": f"abs({read})", "l2": f"abs({read})", "logsum": f"log({read})", "sumsquare": f"{read}**2"}.get(
            kind, read
        )
        return formula(t, f"y{target} = {text}", [value], shape, batched, None, label)
    joined = ", ".join(within)
    if kind == "logsumexp":
        most = f"m{target} = max[{joined}]({read})"
        text = f"{most}\ny{target} = log(sum[{joined}](exp({read} - m{target}))) + m{target}"
    else:
        text = f"y{target} = {REDUCTIONS[kind].replace('(x', f'({read}').replace('J', joined)}"
    return formula(t, text, [value], shape, batched, None, label)
