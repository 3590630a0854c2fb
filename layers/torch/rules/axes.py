"""Rules for PyTorch's operators that change the shape or the order of axes."""

from __future__ import annotations

from typing import Any

from sympy import Integer, Mul

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same
from ... import reshape
from ..translator import Translator, rule


@rule("view", "reshape", "_unsafe_view", "flatten", "unflatten", "unsqueeze", "squeeze", "_reshape_copy")
def _reshape(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    batched = bool(out) and out[0] == 1 and len(out) > 1
    own = out[1:] if batched else out
    if own == value.own:
        return t.put(node, None, [value], batched)
    if same(Mul(*own), Mul(*value.own)) is False:
        raise UnsupportedError(f"{node.name}: {value.own} does not hold as many elements as {own}")
    flat = len(own) == 1 and len(value.own) > 1
    return t.put(node, reshape.Flatten() if flat else reshape.Reshape(own), [value], batched)


def _permuted(t: Translator, node: Any, order: list[int]) -> None:
    value = t.value(node.args[0])
    if order == list(range(len(order))):
        return t.put(node, None, [value])
    if value.batched and order[0] == 0:
        rest = [axis - 1 for axis in order[1:]]
        return t.put(node, reshape.Permute(tuple(rest)), [value])
    if value.batched:
        # The batch axis of size 1 moves: the other axes keep or change their order, and then it is part of the shape.
        moved = tuple(axis - 1 for axis in order if axis != 0)
        if moved != tuple(range(len(moved))):
            ordered = (Integer(1), *(value.own[axis] for axis in moved))
            value = t.add(reshape.Permute(moved), [value], ordered, True, f"{node.name}_order")
        return t.put(node, reshape.Reshape(t.shape(node)), [value], False)
    return t.put(node, reshape.Permute(tuple(order)), [value])


@rule("permute")
def _permute(t: Translator, node: Any) -> None:
    rank = len(t.value(node.args[0]).shape)
    _permuted(t, node, [int(axis) % rank for axis in node.args[1]])


@rule("transpose", "swapaxes", "swapdims")
def _transpose(t: Translator, node: Any) -> None:
    rank = len(t.value(node.args[0]).shape)
    first, second = (int(axis) % rank for axis in node.args[1:3])
    order = list(range(rank))
    order[first], order[second] = second, first
    _permuted(t, node, order)


@rule("t", "numpy_T")
def _turned(t: Translator, node: Any) -> None:
    _permuted(t, node, list(range(len(t.value(node.args[0]).shape)))[::-1])


@rule("expand")
def expand(t: Translator, node: Any) -> None:
    value, out = t.value(node.args[0]), t.shape(node)
    if value.shape == out:
        return t.put(node, None, [value])
    source = t.unbatched(node.args[0])
    source = t.reshaped(source, source.wide(len(out)), label=f"{node.name}_axes")
    t.values[node.name] = t.repeated(source, out, node.name)
    return None


@rule("select")
def _select(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    axis = int(node.args[1]) % len(value.shape)
    if value.batched and axis == 0:
        return t.put(node, None, [value], False)
    start = node.args[2] if node.args[2] >= 0 else value.shape[axis] + node.args[2]
    made = t.cut(value, axis, start, Integer(1), f"{node.name}_part")
    rest = (*value.own[: axis - value.batched], *value.own[axis - value.batched + 1 :])
    return t.put(node, reshape.Reshape(rest), [made])
