"""Rules for PyTorch's operators on several tensors: sums, products, attention."""

from __future__ import annotations

from typing import Any

from sympy import Integer, sqrt

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add
from ....algebra.sizes.normal_form import simplify
from ... import activation, arithmetic, reshape
from ...importers.arrays import (
    ARITHMETIC,
    aligned,
    applied,
    concatenated,
    einstein_sum,
    formula,
    names,
    product,
    product_in_groups,
    reshaped,
    spelt,
    stacked,
)
from ...importers.tensors import Tensor
from ..translator import Translator, argument, is_tensor, rule
from .elementwise import factor, number, of_elements


@rule(*ARITHMETIC)
def _arithmetic(t: Translator, node: Any) -> None:
    name = node.target.__name__.split(".")[0].rstrip("_")
    by_number, join, stretch = ARITHMETIC[name]
    parts, rounding = node.args[:2], node.kwargs.get("rounding_mode")
    if name == "add" and "bool" in str(node.meta["val"].dtype):
        return of_elements(t, node, "max({0}, {1})", parts)  # of truths
    times = node.kwargs.get("alpha", 1)
    if rounding is not None:
        return of_elements(t, node, f"{rounding}({{0}}/{{1}})", parts)
    if not is_tensor(parts[0]):
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}[name]
        return of_elements(t, node, f"{{0}} {sign} {{1}}", parts)
    if not is_tensor(parts[1]):
        amount = factor(t, parts[1])
        return t.put(node, by_number(amount if times == 1 else amount * times), [parts[0]])
    values = [t.value(part) for part in parts]
    if times != 1:
        values[1] = applied(t, arithmetic.Scale(times), values[1], f"{node.name}_times")
    return t.put(node, join(), aligned(t, values, t.shape(node), stretch, node.name, [part.name for part in parts]))


@rule("rsub")
def _turned(t: Translator, node: Any) -> None:
    times = spelt(number(t, argument(node, 2, "alpha", 1)))
    of_elements(t, node, "{1} - {0}" if times == "1" else f"{{1}} - {times}*{{0}}", node.args[:2])


@rule("stack")
def _stack(t: Translator, node: Any) -> None:
    t.keep(node, stacked(t, [t.value(part) for part in node.args[0]], int(argument(node, 1, "dim", 0)), node.name))


@rule("cat")
def _concatenate(t: Translator, node: Any) -> None:
    # A cache begins as a tensor without elements, whatever its other axes are.
    parts = [part for part in node.args[0] if 0 not in t.shape(part)] or node.args[0]
    t.keep(node, concatenated(t, [t.value(part) for part in parts], int(argument(node, 1, "dim", 0)), node.name))


@rule("matmul", "bmm", "mm", "mv")
def _matmul(t: Translator, node: Any) -> None:
    left, right = (t.value(part) for part in node.args[:2])
    t.keep(node, product(t, left, right, node.name))


@rule("dot", "vdot")
def _dot(t: Translator, node: Any) -> None:
    t.keep(node, einstein_sum(t, "i,i->", [t.value(part) for part in node.args[:2]], node.name))


@rule("einsum")
def _einsum(t: Translator, node: Any) -> None:
    path = node.kwargs.get("path") or ()
    order = [(int(one), int(two)) for one, two in zip(path[::2], path[1::2])]
    t.keep(node, einstein_sum(t, node.args[0], [t.value(part) for part in node.args[1]], node.name, order))


@rule("bilinear")
def _bilinear(t: Translator, node: Any) -> None:
    one, two, weight = (t.value(part) for part in node.args[:3])
    bias = argument(node, 3, "bias")
    made = einstein_sum(
        t, "...i,oij,...j->...o", [one, weight, two], f"{node.name}_map" if bias is not None else node.name
    )
    if bias is not None:
        values = aligned(t, [made, t.value(bias)], made.shape, False, node.name)
        made = t.add(Add(), values, made.shape, values[0].batched, node.name)
    t.keep(node, made)


@rule("transformers.grouped_mm_fallback", "_grouped_mm")
def _experts(t: Translator, node: Any) -> None:
    if len(node.args) < 3 or len(t.value(node.args[1]).shape) != 3 or len(t.value(node.args[0]).shape) != 2:
        raise UnsupportedError("products in groups that are no rows times a table each")
    if argument(node, 3, "bias") is not None:
        raise UnsupportedError("products in groups with a bias; add it to the product instead")
    rows, tables, ends = (t.value(part) for part in node.args[:3])
    t.keep(node, product_in_groups(t, rows, tables, ends, node.name))


@rule("cdist", "_cdist_forward")
def _distances(t: Translator, node: Any) -> None:
    """Between all pairs of rows of two tensors."""
    one, two = (t.whole(t.value(part)) for part in node.args[:2])
    order = float(argument(node, 2, "p", 2))
    rank = len(one.shape)
    if order not in (1.0, 2.0) or len(two.shape) != rank:
        raise UnsupportedError(f"distances of order {order:g} of tensors with {rank} and {len(two.shape)} axes")
    lead = names(rank - 2, "b")
    distance = f"x1[{', '.join([*lead, 'i', 'k'])}] - x2[{', '.join([*lead, 'j', 'k'])}]"
    total = f"sqrt(sum[k](({distance})**2))" if order == 2.0 else f"sum[k](abs({distance}))"
    t.keep(
        node,
        formula(t, f"y[{', '.join([*lead, 'i', 'j'])}] = {total}", [one, two], t.shape(node), False, None, node.name),
    )


@rule("scaled_dot_product_attention")
def _attention(t: Translator, node: Any) -> None:
    parts = [t.value(part) for part in node.args[:3]]
    if not all(part.batched for part in parts):
        parts = [t.whole(part) for part in parts]
    query, key, value = parts
    mask, scale = argument(node, 3, "attn_mask"), node.kwargs.get("scale")
    if scale is not None:
        factor = arithmetic.Scale(scale * sqrt(query.shape[-1]))
        query = t.add(factor, [query], query.shape, query.batched, f"{node.name}_scaled")
    if mask is None and query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return t.put(
            node, arithmetic.DotProductAttention(bool(argument(node, 5, "is_causal", False))), [query, key, value]
        )
    if query.shape[:-3] == key.shape[:-3] and query.shape[-3] != key.shape[-3]:
        query, key, value = _grouped_heads(t, node.name, query, key, value)
    order = tuple(range(len(key.own) - 2)) + (len(key.own) - 1, len(key.own) - 2)
    swapped = (*key.shape[:-2], key.shape[-1], key.shape[-2])
    turned = t.add(reshape.Permute(order), [key], swapped, key.batched, f"{node.name}_keys")
    scores = product(t, query, turned, f"{node.name}_scores")
    shape, batched = scores.shape, scores.batched
    scores = t.add(arithmetic.Scale(1 / sqrt(query.shape[-1])), [scores], shape, batched, f"{node.name}_weighed")
    if mask is None and argument(node, 5, "is_causal", False):
        scores = t.add(arithmetic.Masked(), [scores], shape, batched, f"{node.name}_masked")
    elif mask is not None:
        scores = _under_mask(t, node, scores, mask)
    weights = t.add(activation.Softmax(), [scores], shape, batched, f"{node.name}_weights")
    made = product(t, weights, value, node.name)
    t.values[node.name] = reshaped(t, made, t.shape(node), made.batched, f"{node.name}_heads")
    return None


def _grouped_heads(t: Translator, name: str, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    """Several heads of queries for each head of keys and values: an axis for the heads of one group."""
    heads = key.shape[-3]
    group = simplify(query.shape[-3] / heads)
    made: list[Tensor] = []
    for part, sizes in ((query, (heads, group)), (key, (heads, Integer(1))), (value, (heads, Integer(1)))):
        shape = (*part.shape[:-3], *sizes, *part.shape[-2:])
        made.append(reshaped(t, part, shape, part.batched, f"{name}_{len(made)}_groups"))
    return made


def _under_mask(t: Translator, node: Any, scores: Tensor, mask: Any) -> Tensor:
    """Scores with a mask: a fixed one leaves scores as they are or puts a number beside them, a computed one is added."""
    known, label = t.values[mask.name], f"{node.name}_masked"
    if known.weight and known.name not in t.learned:
        return t.add(arithmetic.Masked(), [scores], scores.shape, scores.batched, label)
    if "bool" in str(mask.meta["val"].dtype):
        raise UnsupportedError(
            f"{node.name}: attention with a mask of truth values that depends on the data has no layer"
        )
    added = t.value(mask)
    added = added if added.batched == scores.batched else t.whole(added)
    shape = added.wide(len(scores.shape))
    added = reshaped(t, added, shape, bool(scores.batched and shape[0] == 1), f"{node.name}_mask")
    return t.add(Add(), [scores, added], scores.shape, scores.batched, label)
