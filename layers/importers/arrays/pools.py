"""Windows that slide along the last axes of (examples, channels, *spatial), and what is taken over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Max, ceiling, floor

from ....algebra.errors import UnsupportedError
from ....algebra.records import dataclass
from ....algebra.sizes.normal_form import simplify
from ..tensors import Tensor, Tensors
from .formulas import Sizes, formula


@dataclass(frozen=True)
class Window:
    """A window: its elements along each axis, the steps, the margins before and after, the dilation, whether a last one may stick out."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    dilations: tuple[int, ...]
    ceil: bool = False

    def spans(self) -> list[int]:
        """From the first to the last element of a window along each axis."""
        return [dilation * (size - 1) + 1 for size, dilation in zip(self.kernel, self.dilations)]

    def counts(self, sizes: Sequence[Expr]) -> tuple[Expr, ...]:
        """How many windows there are along each axis; one that begins in the margin after the input is none."""
        made = []
        for size, span, stride, before, after in zip(sizes, self.spans(), self.strides, self.before, self.after):
            room = size + before + after - span
            if self.ceil:
                made.append(
                    simplify(_least(ceiling(room / Integer(stride)), floor((size + before - 1) / Integer(stride))) + 1)
                )
            else:
                made.append(simplify(floor(room / Integer(stride)) + 1))
        return tuple(made)


def _least(one: Expr, two: Expr) -> Expr:
    return -Max(-one, -two)


def same_margins(
    sizes: Sequence[Expr], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], upper: bool
) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The margins with which there are ceil(size / stride) windows; of an odd number the larger one is after the input, or before it."""
    before, after = [], []
    for size, width, stride, dilation in zip(sizes, kernel, strides, dilations):
        span = dilation * (width - 1) + 1
        needed = simplify(Max((ceiling(size / Integer(stride)) - 1) * stride + span - size, 0))
        less = simplify(floor(needed / 2))
        before.append(less if upper else simplify(needed - less))
        after.append(simplify(needed - less) if upper else less)
    return tuple(before), tuple(after)


def pooled(
    t: Tensors, value: Tensor, kind: str, window: Window, count_margin: bool = True, power: int = 2, label: str = ""
) -> Tensor:
    """The maximum ("max"), sum ("sum"), mean ("mean") or norm ("norm") over windows."""
    axes = len(window.kernel)
    rank = len(value.shape)
    if rank < axes + 1:
        raise UnsupportedError(f"{label}: windows over {axes} axes of a tensor of the shape {value.shape}")
    given, sizes = value.shape[rank - axes :], Sizes()
    counts = window.counts(given)
    if any(count.is_Integer and count < 1 for count in counts):
        raise UnsupportedError(f"{label}: a window of {window.spans()} elements does not fit into {tuple(given)}")
    lead = [f"c{place}" for place in range(rank - axes)][int(value.batched) :]
    js, us, iss = ([f"{letter}{place}" for place in range(axes)] for letter in "jui")
    at = [f"{stride}*{i} + {dilation}*{u}" for i, u, stride, dilation in zip(iss, us, window.strides, window.dilations)]
    bounds = [f"{u} < {size}" for u, size in zip(us, window.kernel)] + [
        f"{i} < {sizes(count)}" for i, count in zip(iss, counts)
    ]
    margins = []
    for j, size, count, span, stride, before, after in zip(
        js, given, counts, window.spans(), window.strides, window.before, window.after
    ):
        extra = Max((count - 1) * stride + span - size - before, after) if window.ceil else after
        margins.append(f"{j}: ({sizes(before)}, {sizes(simplify(extra))})")
    fill = ", fill=-inf" if kind == "max" else ""
    inner = ", ".join([*lead, *at])
    lines = [f"z[{', '.join([*lead, *js])}] = pad[{', '.join(margins)}](x1[{', '.join([*lead, *js])}]{fill})"]
    target, over = ", ".join([*lead, *iss]), ", ".join(us)
    if kind == "norm":
        term = f"sum[{over}](abs(z[{inner}])**{power})"
        lines.append(
            f"y[{target}] = {f'sqrt({term})' if power == 2 else term if power == 1 else f'{term}**(1/{power})'}"
        )
    else:
        lines.append(f"y[{target}] = {kind}[{over}](z[{inner}])")
    if kind == "mean":
        for place, (j, before, after) in enumerate(zip(js, window.before, window.after)):
            if not count_margin:
                bounds += [f"{at[place]} >= {sizes(before)}", f"{at[place]} < size({j}) + {sizes(before)}"]
            elif window.ceil:
                bounds.append(f"{at[place]} < size({j}) + {sizes(before)} + {sizes(after)}")
    text = "\n".join(lines) + "\nwhere " + ", ".join(bounds)
    shape = (*value.shape[: rank - axes], *counts)
    return formula(t, text, [value], shape, value.batched, sizes, label)


def margins(
    t: Tensors,
    value: Tensor,
    before: Sequence[Any],
    after: Sequence[Any],
    fill: str = "0",
    filler: Tensor | None = None,
    label: str = "",
) -> Tensor:
    """So many elements of one value before and after along every axis, fewer where the numbers are negative; `filler` holds the value."""
    rank = len(value.shape)
    if before[0] != 0 or after[0] != 0:
        value = t.whole(value)
    sizes = Sizes()
    every = [f"i{place}" for place in range(rank)]
    skip = int(value.batched)
    parts, shape = [], list(value.shape)
    for place in range(rank):
        if before[place] != 0 or after[place] != 0:
            ends = [str(width) if width >= 0 else f"0 - {-width}" for width in (before[place], after[place])]
            parts.append(f"{every[place]}: ({', '.join(ends)})")
            shape[place] = simplify(value.shape[place] + before[place] + after[place])
    if not parts:
        return value
    own = ", ".join(every[skip:])
    text = f"y[{own}] = pad[{', '.join(parts)}](x1[{own}], fill={'x2[0]' if filler else fill})"
    return formula(t, text, [value, filler] if filler else [value], tuple(shape), value.batched, sizes, label)


def normalised_across(
    t: Tensors, value: Tensor, size: int, alpha: float, beta: float, bias: float, label: str = ""
) -> Tensor:
    """Each element divided by a power of the mean square over neighbouring channels."""
    own = [f"i{place}" for place in range(1, len(value.shape))]
    value = value if value.batched or value.shape[0] != 1 else t.example(value)
    lead = [] if value.batched else ["i0"]
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    c, rest = own[0], own[1:]
    every = ", ".join([*lead, *own])
    moved = ", ".join([*lead, f"{c} + u", *rest])
    text = (
        f"z[{every}] = pad[{c}: ({before}, {after})](x1[{every}])\n"
        f"s[{every}] = sum[u](z[{moved}]**2)\n"
        f"y[{every}] = x1[{every}] / pow({bias} + {alpha}/{size}*s[{every}], {beta})\n"
        f"where u < {size}"
    )
    return formula(t, text, [value], value.shape, value.batched, None, label)
