"""Rules for PyTorch's operators on several tensors: sums, products, attention."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from sympy import Integer, sqrt

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Add, Concat, Network
from ....algebra.networks.network import Mul as Product
from ....algebra.sizes.normal_form import simplify
from ... import activation, arithmetic, reshape
from ...importers.products import matrix_product
from ..translator import Translator, Value, argument, is_tensor, rule


def _pair(t: Translator, node: Any, stretch: bool) -> list[Value]:
    """The two tensors of a join with equally many axes; broadcast by hand where the join itself does not."""
    values = [t.value(part) for part in node.args[:2]]
    out = t.shape(node)
    batched = all(value.batched or len(value.shape) < len(out) or value.shape[0] == 1 for value in values) and any(
        v.batched for v in values
    )
    made = []
    for part, value in zip(node.args[:2], values):
        if value.shape == out and value.batched == batched:
            made.append(value)
            continue
        wanted = (*(Integer(1),) * (len(out) - len(value.shape)), *value.shape)
        own = wanted[1:] if batched else wanted
        name = value.name
        if value.own != own:
            name = t.add(f"{node.name}_axes_{part.name}", reshape.Reshape(own), [name])
        target = out[1:] if batched else out
        repeated = [axis for axis, (a, b) in enumerate(zip(own, target)) if a != b]
        if repeated and stretch:
            name = t.add(f"{node.name}_wide_{part.name}", arithmetic.Expand(tuple(repeated), target), [name])
        made.append(Value(name, wanted, batched))
    return made


def _join(t: Translator, node: Any, join: Network, stretch: bool = False) -> None:
    values = _pair(t, node, stretch)
    t.put(node, join, values, values[0].batched)


def _factor(t: Translator, value: Any) -> Any:
    return t.sizes(value) if hasattr(value, "meta") else float(value) if isinstance(value, float) else value


@rule("add")
def _add(t: Translator, node: Any) -> None:
    if not is_tensor(node.args[1]):
        return t.put(node, arithmetic.Shift(_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, Add())


@rule("sub")
def _subtract(t: Translator, node: Any) -> None:
    if not is_tensor(node.args[1]):
        return t.put(node, arithmetic.Shift(-_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, arithmetic.Subtract(), True)


@rule("mul")
def _multiply(t: Translator, node: Any) -> None:
    if not is_tensor(node.args[1]):
        return t.put(node, arithmetic.Scale(_factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, Product())


@rule("div")
def _divide(t: Translator, node: Any) -> None:
    if not is_tensor(node.args[1]):
        return t.put(node, arithmetic.Scale(1 / _factor(t, node.args[1])), [node.args[0]])
    return _join(t, node, arithmetic.Divide(), True)


@rule("cat")
def _concatenate(t: Translator, node: Any) -> None:
    values = [t.value(part) for part in node.args[0]]
    if len(values) == 1:
        return t.put(node, None, values)
    rank = len(values[0].shape)
    axis = int(argument(node, 1, "dim", 0)) % rank
    batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
    values = [(t.batched if batched else t.unbatched)(part) for part in node.args[0]]
    t.put(node, Concat(axis=axis - batched), values, batched)


@rule("matmul", "bmm", "mm", "mv", "dot")
def _matmul(t: Translator, node: Any) -> None:
    made = _product(t, node.name, *(t.value(part) for part in node.args[:2]))
    t.values[node.name] = Value(made.name, t.shape(node), made.batched)


def _product(t: Translator, name: str, left: Value, right: Value) -> Value:
    """The product of two tensors as matrices, their leading axes broadcast."""
    rank = max(len(left.shape), len(right.shape))
    batched = (left.batched or right.batched) and all(v.batched or len(v.shape) < rank for v in (left, right))
    pair = [left, right] if batched else [t.whole(value) for value in (left, right)]
    first, second, spec, shape = matrix_product(pair[0].own, pair[1].own, name)
    names = [
        value.name if value.own == own else t.add(f"{name}_{value.name}", reshape.Reshape(own), [value.name])
        for value, own in zip(pair, (first, second))
    ]
    made = t.add(name, arithmetic.Einsum(spec), names)
    return Value(made, (Integer(1), *shape) if batched else shape, batched)


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
    _contract(t, node, *inputs.split(","), out, node.args[1])


def _contract(t: Translator, node: Any, first: str, second: str, out: str, parts: Sequence[Any]) -> None:
    values = [t.value(part) for part in parts]
    batch = first[0] if first and first[0] == second[0] == out[0] else None
    batched = batch is not None and all(value.batched for value in values)
    if not batched:
        values = [t.unbatched(part) for part in parts]
    drop = 1 if batched else 0
    t.put(node, arithmetic.Einsum(f"{first[drop:]},{second[drop:]}->{out[drop:]}"), values, batched)


@rule("scaled_dot_product_attention")
def _attention(t: Translator, node: Any) -> None:
    parts = [t.value(part) for part in node.args[:3]]
    if not all(part.batched for part in parts):
        parts = [t.whole(part) for part in parts]
    query, key, value = parts
    mask, scale = argument(node, 3, "attn_mask"), node.kwargs.get("scale")
    if scale is not None:
        query = Value(
            t.add(f"{node.name}_scaled", arithmetic.Scale(scale * sqrt(query.shape[-1])), [query.name]),
            query.shape,
            query.batched,
        )
    if mask is None and query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return t.put(
            node, arithmetic.DotProductAttention(bool(argument(node, 5, "is_causal", False))), [query, key, value]
        )
    if query.shape[:-3] == key.shape[:-3] and query.shape[-3] != key.shape[-3]:
        query, key, value = _grouped_heads(t, node.name, query, key, value)
    order = tuple(range(len(key.own) - 2)) + (len(key.own) - 1, len(key.own) - 2)
    turned = Value(
        t.add(f"{node.name}_keys", reshape.Permute(order), [key.name]),
        (*key.shape[:-2], key.shape[-1], key.shape[-2]),
        key.batched,
    )
    scores = _product(t, f"{node.name}_scores", query, turned)
    name = t.add(f"{node.name}_weighed", arithmetic.Scale(1 / sqrt(query.shape[-1])), [scores.name])
    if mask is None and argument(node, 5, "is_causal", False):
        name = t.add(f"{node.name}_masked", arithmetic.Masked(), [name])
    elif mask is not None:
        name = _under_mask(t, node, Value(name, scores.shape, scores.batched), t.values[mask.name])
    weights = Value(t.add(f"{node.name}_weights", activation.Softmax(), [name]), scores.shape, scores.batched)
    made = _product(t, node.name, weights, value)
    out = t.shape(node)
    own = out[1:] if made.batched else out
    name = made.name if made.own == own else t.add(f"{node.name}_heads", reshape.Reshape(own), [made.name])
    t.values[node.name] = Value(name, out, made.batched)
    return None


def _grouped_heads(t: Translator, name: str, query: Value, key: Value, value: Value) -> list[Value]:
    """Several heads of queries for each head of keys and values: an axis for the heads of one group."""
    heads = key.shape[-3]
    group = simplify(query.shape[-3] / heads)
    made = []
    for part, sizes in ((query, (heads, group)), (key, (heads, Integer(1))), (value, (heads, Integer(1)))):
        shape = (*part.shape[:-3], *sizes, *part.shape[-2:])
        own = shape[1:] if part.batched else shape
        made.append(Value(t.add(f"{name}_{len(made)}_groups", reshape.Reshape(own), [part.name]), shape, part.batched))
    return made


def _under_mask(t: Translator, node: Any, scores: Value, mask: Value) -> str:
    """Scores with a mask: a fixed one leaves scores as they are or puts a number beside them, a computed one is added."""
    if mask.weight and mask.name not in t.learned:
        return t.add(f"{node.name}_masked", arithmetic.Masked(), [scores.name])
    kind = str(node.args[3].meta["val"].dtype if len(node.args) > 3 else node.kwargs["attn_mask"].meta["val"].dtype)
    if "bool" in kind:
        raise UnsupportedError(
            f"{node.name}: attention with a mask of truth values that depends on the data has no layer"
        )
    added = t.value(node.args[3] if len(node.args) > 3 else node.kwargs["attn_mask"])
    added = added if added.batched == scores.batched else t.whole(added)
    shape = (*(Integer(1),) * (len(scores.shape) - len(added.shape)), *added.shape)
    own = shape[1:] if scores.batched and shape[0] == 1 else shape
    name = added.name if added.own == own else t.add(f"{node.name}_mask", reshape.Reshape(own), [added.name])
    return t.add(f"{node.name}_masked", Add(), [scores.name, name])
