"""PyTorch's sums, means, extrema and norms over axes, running ones, and places of extrema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Integer, Mul

from ....algebra.networks.network import Network
from ....algebra.sizes.normal_form import simplify
from ... import arithmetic
from ...importers.arrays import first_of, formula, mapped, multiplied, names, over_axes, reduced, running, spelt, viewed
from ...importers.tensors import Tensor
from ..translator import Translator, argument, rule

_LAYERS: dict[str, tuple[Callable[..., Network], str]] = {
    "sum": (arithmetic.Sum, "sum"), "mean": (arithmetic.Mean, "mean"), "amax": (arithmetic.Maximum, "max"),
}  # fmt: skip
"""Reductions that have a layer where an axis is left, and what they are where none is."""

_FORMULAS = {"amin": "min", "prod": "prod", "logsumexp": "logsumexp"}


def _axes(value: Tensor, given: Any) -> list[int]:
    if given is None or (isinstance(given, (list, tuple)) and not given):
        return list(range(len(value.shape)))
    return [axis % max(len(value.shape), 1) for axis in (given if isinstance(given, (list, tuple)) else [given])]


def _over(t: Translator, kind: str, value: Tensor, axes: Sequence[int], keep: bool, label: str) -> Tensor:
    """A reduction by its layer, or by its formula."""
    layer = next((layer for layer, name in _LAYERS.values() if name == kind), None)
    if layer is not None and 0 < len(axes) < len(value.shape):
        return reduced(t, layer, value, axes, keep, label)
    return over_axes(t, kind, value, axes, keep, label)


@rule(*_LAYERS, *_FORMULAS)
def _reduce(t: Translator, node: Any) -> None:
    name, value = node.target.__name__.split(".")[0], t.value(node.args[0])
    kind = _LAYERS[name][1] if name in _LAYERS else _FORMULAS[name]
    axes = _axes(value, argument(node, 1, "dim"))
    t.keep(node, _over(t, kind, value, axes, bool(argument(node, 2, "keepdim", False)), node.name))


@rule("any", "all")
def _holds(t: Translator, node: Any) -> None:
    name, value = node.target.__name__.split(".")[0], t.value(node.args[0])
    truth = mapped(t, "1 - equal($, 0)", value, f"{node.name}_truth")
    axes = _axes(value, argument(node, 1, "dim"))
    keep = bool(argument(node, 2, "keepdim", False))
    t.keep(node, over_axes(t, "max" if name == "any" else "min", truth, axes, keep, node.name))


@rule("max", "min")
def _extremum(t: Translator, node: Any) -> None:
    """Of all elements, or along an axis together with the place."""
    name, value = node.target.__name__.split(".")[0], t.value(node.args[0])
    if len(node.args) > 1 and hasattr(node.args[1], "meta"):
        from .elementwise import of_elements

        return of_elements(t, node, f"{name}({{0}}, {{1}})", node.args[:2])
    if len(node.args) == 1 and "dim" not in node.kwargs:
        return t.keep(node, over_axes(t, name, value, range(len(value.shape)), False, node.name))
    axis, keep = int(argument(node, 1, "dim")), bool(argument(node, 2, "keepdim", False))
    found = _over(t, name, value, [axis % len(value.shape)], keep, f"{node.name}_values")
    t.parts[node.name] = [found, first_of(t, value, axis, name, keep, False, f"{node.name}_places")]
    return None


@rule("argmax", "argmin")
def _place(t: Translator, node: Any) -> None:
    value, axis = t.value(node.args[0]), argument(node, 1, "dim")
    keep = bool(argument(node, 2, "keepdim", False))
    if axis is None:
        value, axis, keep = viewed(t, value, (simplify(Mul(*value.shape)),), f"{node.name}_flat"), 0, False
    t.keep(node, first_of(t, value, int(axis), node.target.__name__[3:6], keep, False, node.name))


@rule("cumsum", "cumprod")
def _running(t: Translator, node: Any) -> None:
    made = running if node.target.__name__.startswith("cumsum") else multiplied
    t.keep(node, made(t, t.value(node.args[0]), int(argument(node, 1, "dim")), label=node.name))


@rule("linalg_vector_norm", "norm")
def _norm(t: Translator, node: Any) -> None:
    value, order = t.value(node.args[0]), argument(node, 1, "ord", 2)
    order = 2 if order is None else float(order)
    axes, keep = _axes(value, argument(node, 2, "dim")), bool(argument(node, 3, "keepdim", False))
    if order in (1.0, 2.0):
        return t.keep(node, over_axes(t, f"l{int(order)}", value, axes, keep, node.name))
    size = mapped(t, "abs($)", value, f"{node.name}_sizes")
    if order in (float("inf"), float("-inf")):
        return t.keep(node, over_axes(t, "max" if order > 0 else "min", size, axes, keep, node.name))
    text = "1 - equal($, 0)" if order == 0 else f"pow($, {spelt(order)})"
    total = over_axes(t, "sum", mapped(t, text, size, f"{node.name}_powers"), axes, keep, f"{node.name}_total")
    return t.keep(node, total if order == 0 else mapped(t, f"pow($, 1/{spelt(order)})", total, node.name))


@rule("var", "std", "var_mean", "std_mean")
def _spread(t: Translator, node: Any) -> None:
    """The mean of squared distances from the mean, of n elements divided by n less the correction."""
    name, value = node.target.__name__.split(".")[0], t.value(node.args[0])
    of_all = str(node.target).endswith(".default")  # which takes no axes
    axes, keep = (
        _axes(value, None if of_all else argument(node, 1, "dim")),
        bool(node.kwargs.get("keepdim", argument(node, 3, "keepdim", False))),
    )
    correction = node.kwargs.get("correction", 1)
    unbiased = argument(node, 1 if of_all else 2, "unbiased")
    if isinstance(unbiased, bool):
        correction = int(unbiased)
    middle = over_axes(t, "mean", value, axes, True, f"{node.name}_mean")
    squares = _squares(t, value, middle, f"{node.name}_squares")
    total = over_axes(t, "sum", squares, axes, keep, f"{node.name}_total")
    count = simplify(Mul(*(value.shape[axis] for axis in axes))) - (1 if correction is None else Integer(correction))
    root = "sqrt" if name.startswith("std") else ""
    made = t.add(
        arithmetic.Scale(1 / count), [total], total.shape, total.batched, f"{node.name}_spread" if root else node.name
    )
    made = mapped(t, "sqrt($)", made, node.name) if root else made
    if name.endswith("mean"):
        shape = total.shape
        t.parts[node.name] = [made, middle if keep else viewed(t, middle, shape, f"{node.name}_middle")]
    else:
        t.keep(node, made)


def _squares(t: Translator, value: Tensor, middle: Tensor, label: str) -> Tensor:
    batched = value.batched and middle.batched
    value, middle = (one if batched else t.whole(one) for one in (value, middle))
    every = names(len(value.own))
    at = [index if size != 1 else "0" for index, size in zip(every, middle.own)]
    inner, other = f"[{', '.join(every)}]", f"[{', '.join(at)}]"
    return formula(t, f"y{inner} = (x1{inner} - x2{other})**2", [value, middle], value.shape, batched, None, label)
