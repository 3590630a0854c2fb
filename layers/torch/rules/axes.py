"""PyTorch's operators that change the shape or the order of axes."""

from __future__ import annotations

from typing import Any

from ...importers.arrays import expanded, permuted, selected, viewed
from ..translator import Translator, rule


@rule(
    "view",
    "reshape",
    "_unsafe_view",
    "flatten",
    "unflatten",
    "unsqueeze",
    "squeeze",
    "_reshape_copy",
    "reshape_as",
    "view_as",
)
def _reshape(t: Translator, node: Any) -> None:
    t.keep(node, viewed(t, t.value(node.args[0]), t.shape(node), node.name))


@rule("permute")
def _permute(t: Translator, node: Any) -> None:
    t.keep(node, permuted(t, t.value(node.args[0]), node.args[1], node.name))


@rule("transpose", "swapaxes", "swapdims")
def _transpose(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    order = list(range(len(value.shape)))
    first, second = node.args[1:3]
    order[first], order[second] = order[second], order[first]
    t.keep(node, permuted(t, value, order, node.name))


@rule("t", "numpy_T")
def _turned(t: Translator, node: Any) -> None:
    value = t.value(node.args[0])
    t.keep(node, permuted(t, value, range(len(value.shape))[::-1], node.name))


@rule("expand")
def expand(t: Translator, node: Any) -> None:
    t.keep(node, expanded(t, t.value(node.args[0]), t.shape(node), node.name))


@rule("select")
def _select(t: Translator, node: Any) -> None:
    place = node.args[2] if isinstance(node.args[2], int) else t.sizes(node.args[2])
    t.keep(node, selected(t, t.value(node.args[0]), node.args[1], place, node.name))
