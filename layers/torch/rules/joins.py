"""Rules for PyTorch's operators on several tensors: sums, products, attention."""

from __future__ import annotations

import string
from typing import Any

from sympy import Integer, sqrt

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add
from ....algebra.sizes.normal_form import simplify
from ... import activation, arithmetic, reshape
from ...importers.arrays import ARITHMETIC, aligned, concatenated, contracted, product, reshaped
from ...importers.tensors import Tensor
from ..translator import Translator, argument, is_tensor, rule


def _factor(t: Translator, value: Any) -> Any:
    return t.sizes(value) if hasattr(value, "meta") else float(value) if isinstance(value, float) else value


@rule(*ARITHMETIC)
def _arithmetic(t: Translator, node: Any) -> None:
    by_number, join, stretch = ARITHMETIC[node.target.__name__.split(".")[0].rstrip("_")]
    if not is_tensor(node.args[1]):
        return t.put(node, by_number(_factor(t, node.args[1])), [node.args[0]])
    parts = node.args[:2]
    values = [t.value(part) for part in parts]
    return t.put(node, join(), aligned(t, values, t.shape(node), stretch, node.name, [part.name for part in parts]))


@rule("cat")
def _concatenate(t: Translator, node: Any) -> None:
    t.keep(node, concatenated(t, [t.value(part) for part in node.args[0]], int(argument(node, 1, "dim", 0)), node.name))


@rule("matmul", "bmm", "mm", "mv", "dot")
def _matmul(t: Translator, node: Any) -> None:
    left, right = (t.value(part) for part in node.args[:2])
    t.keep(node, product(t, left, right, node.name))


@rule("einsum")
def _einsum(t: Translator, node: Any) -> None:
    spec = node.args[0].replace(" ", "")
    if spec.count(",") != 1 or "->" not in spec or "." in spec:
        raise UnsupportedError(f"{node.name}: einsum({spec!r}); two tensors with letters for all axes have a layer")
    letters = {
        letter: string.ascii_lowercase[place] for place, letter in enumerate(dict.fromkeys(filter(str.isalpha, spec)))
    }
    spec = "".join(letters.get(character, character) for character in spec)
    inputs, out = spec.split("->")
    first, second = inputs.split(",")
    t.keep(node, contracted(t, first, second, out, [t.value(part) for part in node.args[1]], node.name))


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
