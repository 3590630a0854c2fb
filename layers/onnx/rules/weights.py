"""Rules for ONNX's operators that hold learned tensors: convolutions, products, normalisations."""

from __future__ import annotations

import re
import string
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Network
from ... import arithmetic, convolution, linear, normalization
from ...formula import Formula
from ...importers.arrays import (
    entrywise,
    formula,
    mapped,
    margins,
    over_axes,
    over_last_axes,
    padded,
    product,
    reshaped,
)
from ...importers.tensors import Tensor, per_axis
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule
from .windows import numbers_for, window_of


def _checked_kernel(t: OnnxTranslator, a: Attributes, weight: Tensor) -> tuple[int, ...]:
    """The spatial sizes of a kernel, which the attribute may repeat, and not contradict."""
    kernel = tuple(weight.shape[2:])
    said = a.get("kernel_shape")
    if said is not None and tuple(map(Integer, said)) != kernel:
        raise UnsupportedError(f"{t.name}: kernel_shape={list(said)}, but the weight has the shape {weight.shape}")
    if not all(size.is_Integer for size in kernel):
        raise UnsupportedError(f"{t.name}: a kernel of symbolic size {weight.shape}")
    return tuple(int(size) for size in kernel)


def _bias(node: Any, place: int = 2) -> str:
    return node.input[place] if len(node.input) > place else ""


def _with_bias(t: OnnxTranslator, made: Tensor, name: str) -> Tensor:
    """A number added to each channel of (examples, channels, *spatial)."""
    if not name:
        return made
    bias = t.get(name)
    return entrywise(t, "{0} + {1}", [made, reshaped(t, bias, (*bias.shape, *[Integer(1)] * (len(made.shape) - 2)))])


@rule("Conv")
def _conv(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    t.values[node.output[0]] = convolved(t, node.input[0], node.input[1], _bias(node), a)


def convolved(t: OnnxTranslator, data: str, kernel: str, bias: str, a: Attributes) -> Tensor:
    """A convolution by a stored or by a computed kernel."""
    weight, source = t.values[kernel], t.in_channels(data)
    held = t.is_learned(kernel) and (not bias or t.is_learned(bias))
    if not source.batched or not t.is_learned(kernel):
        return _with_bias(t, convolved_by(t, source, t.whole(t.get(kernel)), a), bias)
    axes, sizes = len(weight.shape) - 2, _checked_kernel(t, a, weight)
    if axes < 1 or len(source.shape) != axes + 2:
        raise UnsupportedError(f"{t.name}: a weight of the shape {weight.shape} on {source.shape}")
    window, groups = window_of(t, a, sizes, source), int(a.get("group", 1))
    same_upper = a.text("auto_pad", "NOTSET") == "SAME_UPPER"
    padding: Any = "same" if same_upper else per_axis(window.before) if window.before == window.after else None
    if padding is None:
        source = padded(t, source, (0, 0, *window.before), (0, 0, *window.after))
        padding = 0
    layer: Network = convolution.Conv(
        weight.shape[0],
        per_axis(sizes),
        per_axis(window.strides),
        padding,
        per_axis(window.dilations),
        groups,
        held and bool(bias),
    )
    made = t.placed(t.with_weights(layer, kernel, *([bias] if held and bias else [])), [source])
    return made if held else _with_bias(t, made, bias)


def convolved_by(t: OnnxTranslator, source: Tensor, weight: Tensor, a: Attributes) -> Tensor:
    """A convolution by a computed kernel, of one example or of several."""
    axes, sizes = len(weight.shape) - 2, _checked_kernel(t, a, weight)
    if axes < 1 or len(source.shape) != axes + 2:
        raise UnsupportedError(f"{t.name}: a weight of the shape {weight.shape} on {source.shape}")
    window, groups = window_of(t, a, sizes, source), int(a.get("group", 1))
    lead = [0] * 2
    if source.batched and window.before == window.after and all(isinstance(width, int) for width in window.before):
        layer = convolution.DynamicConv(
            per_axis(window.strides), per_axis(window.before), per_axis(window.dilations), groups
        )
        return t.placed(layer, [source, weight])
    source = padded(t, source, (*lead, *window.before), (*lead, *window.after))
    if source.batched:
        layer = convolution.DynamicConv(per_axis(window.strides), 0, per_axis(window.dilations), groups)
        return t.placed(layer, [source, weight])
    iss, us = ([f"{letter}{place}" for place in range(axes)] for letter in "iu")
    at = ", ".join(f"{s}*{i} + {d}*{u}" for s, i, d, u in zip(window.strides, iss, window.dilations, us))
    text = f"y[b, (g, o), {', '.join(iss)}] = x2[(g, o), c, {', '.join(us)}] * x1[b, (g, c), {at}]\nwhere g < {groups}"
    return t.add(Formula(text), [source, weight])


@rule("ConvTranspose")
def _conv_transpose(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kernel, bias = node.input[1], _bias(node)
    weight, source = t.values[kernel], t.batched(node.input[0])
    axes, groups, sizes = len(weight.shape) - 2, int(a.get("group", 1)), _checked_kernel(t, a, weight)
    if axes < 1 or len(source.shape) != axes + 2:
        raise UnsupportedError(f"{t.name}: a weight of the shape {weight.shape} on {source.shape}")
    strides, dilations = (numbers_for(t, a, name, axes, 1, 1) for name in ("strides", "dilations"))
    extra = numbers_for(t, a, "output_padding", axes, 0)
    before, after = _cropped(t, a, axes, source, [
        stride * (size - 1) + dilation * (width - 1) + 1 + more
        for size, width, stride, dilation, more in zip(source.shape[2:], sizes, strides, dilations, extra)
    ], strides)  # fmt: skip
    if not (t.is_learned(kernel) and (not bias or t.is_learned(bias))):
        t.values[node.output[0]] = _spread(t, source, kernel, bias, (strides, dilations, extra, groups), before, after)
        return
    symmetric = before == after and all(width >= 0 for width in before)
    layer: Network = convolution.ConvTranspose(
        weight.shape[1] * groups, per_axis(sizes), per_axis(strides), per_axis(before) if symmetric else 0, per_axis(extra),
        per_axis(dilations), groups, bool(bias) and symmetric,
    )  # fmt: skip
    if symmetric:
        t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [source])
        return
    made = t.placed(t.with_weights(layer, kernel), [source])
    made = margins(t, made, (0, 0, *(-width for width in before)), (0, 0, *(-width for width in after)))
    t.values[node.output[0]] = _with_bias(t, made, bias)


def _cropped(
    t: OnnxTranslator, a: Attributes, axes: int, source: Tensor, full: list[Expr], strides: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is cut off a transposed convolution at both ends of each axis."""
    how, wanted = a.text("auto_pad", "NOTSET"), a.get("output_shape")
    if wanted is None and how in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * stride for size, stride in zip(source.shape[2:], strides)]
    pads = [int(width) for width in a.get("pads", [0] * 2 * axes)]
    if wanted is None:
        if len(pads) != 2 * axes:
            raise UnsupportedError(f"{t.name}: pads={pads[:12]} for {axes} spatial axes")
        pads = [0] * 2 * axes if how == "VALID" else pads
        return tuple(pads[:axes]), tuple(pads[axes:])
    before, after = [], []
    for size, target in zip(full, list(wanted)[-axes:]):
        total = size - target
        if not total.is_Integer:
            raise UnsupportedError(f"{t.name}: an output of the size {target} cut out of {size}")
        small, large = int(total) // 2, int(total) - int(total) // 2
        first, second = (small, large) if how == "SAME_UPPER" else (large, small)
        if total < 0:  # more than there is: zeros behind
            first, second = 0, int(total)
        before.append(first)
        after.append(second)
    return tuple(before), tuple(after)


def _spread(
    t: OnnxTranslator,
    source: Tensor,
    kernel: str,
    bias: str,
    how: tuple[Any, ...],
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> Tensor:
    """A transposed convolution by a computed kernel."""
    strides, dilations, extra, groups = how
    weight = t.whole(t.get(kernel))
    axes = len(strides)
    iss, us, js = ([f"{letter}{place}" for place in range(axes)] for letter in "iuj")
    at = ", ".join(f"{s}*{i} + {d}*{u}" for s, i, d, u in zip(strides, iss, dilations, us))
    ends = [
        f"{j}: ({-b if b <= 0 else f'0 - {b}'}, {m - e if m >= e else f'0 - {e - m}'})"
        for j, b, e, m in zip(js, before, after, extra)
    ]
    text = (
        f"z[(g, o), {at}] = x2[(g, c), o, {', '.join(us)}] * x1[(g, c), {', '.join(iss)}]\n"
        f"y[q, {', '.join(js)}] = pad[{', '.join(ends)}](z[q, {', '.join(js)}])\nwhere g < {groups}"
    )
    made = t.add(Formula(text), [source, weight], batched=True)
    return _with_bias(t, made, bias)


@rule("Gemm")
def _gemm(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    data, kernel, bias, out = node.input[0], node.input[1], _bias(node), node.output[0]
    alpha, beta = a.number("alpha", 1.0), a.number("beta", 1.0)
    turned, flipped = bool(a.get("transA", 0)), bool(a.get("transB", 0))
    a.get("broadcast")
    weight = t.values[kernel]
    if any(len(t.values[name].shape) != 2 for name in (data, kernel)):
        raise UnsupportedError(f"{t.name}: Gemm of {t.values[data].shape} and {weight.shape}; each needs two axes")
    features = weight.shape[0] if flipped else weight.shape[1]
    if t.is_learned(kernel) and not turned and alpha == 1:
        whole = bool(bias) and beta == 1 and t.is_learned(bias) and t.values[bias].shape == (features,)
        layer: Network = linear.Linear(features, whole)
        made = t.placed(t.with_weights(layer, kernel, *([bias] if whole else [])), [t.get(data)])
        if whole or not bias:
            t.values[out] = made
            return
    else:
        left, right = t.get(data), t.whole(t.get(kernel))
        left = t.whole(left) if turned else left
        made = t.transposed_product(left, right, turned, flipped)
        if alpha != 1:
            made = t.placed(arithmetic.Scale(alpha), [made])
    if bias:
        text = "{0} + {1}" if beta == 1 else f"{{0}} + {beta:.12f}*{{1}}"
        made = entrywise(t, text, [made, t.get(bias)])
    t.values[out] = made


@rule("MatMul")
def _matmul(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    right = t.values[node.input[1]]
    if t.is_learned(node.input[1]) and len(right.shape) == 2 and t.values[node.input[0]].shape:
        layer = linear.Linear(right.shape[1], False)
        return t.put(node.output[0], t.with_weights(layer, node.input[1]), [node.input[0]])
    t.values[node.output[0]] = matrix_product(t, t.get(node.input[0]), t.get(node.input[1]))
    return None


def matrix_product(t: OnnxTranslator, left: Tensor, right: Tensor) -> Tensor:
    """The product of two tensors as matrices; of two vectors a single number."""
    if len(left.shape) == len(right.shape) == 1:
        return formula(t, "y[0] = sum[k](x1[k] * x2[k])", [left, right], (), False)
    return product(t, left, right, t.name)


@rule("Einsum")
def _einsum(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    spec = a.text("equation", "").replace(" ", "")
    if re.fullmatch(r"[a-z]+,[a-z]+->[a-z]+", spec) and all(
        len(set(part)) == len(part) for part in re.split(",|->", spec)
    ):
        parts, out = spec.split("->")
        first, second = parts.split(",")
        batched = first[:1] == second[:1] == out[:1] and all(t.get(name).batched for name in node.input)
        values = [t.get(name) if batched else t.whole(t.get(name)) for name in node.input]
        drop = int(batched)
        if len(first) > drop and len(second) > drop and len(out) > drop:
            return t.put(
                node.output[0], arithmetic.Einsum(f"{first[drop:]},{second[drop:]}->{out[drop:]}"), values, batched
            )
    t.values[node.output[0]] = _contracted(t, spec, [t.whole(t.get(name)) for name in node.input])
    return None


def _contracted(t: OnnxTranslator, spec: str, values: list[Tensor]) -> Tensor:
    """Any sum of products in Einstein's notation."""
    parts, arrow, out = spec.partition("->")
    terms = parts.split(",")
    if not re.fullmatch(r"[A-Za-z.,]*", parts) or not re.fullmatch(r"[A-Za-z.]*", out) or len(terms) != len(values):
        raise UnsupportedError(f"{t.name}: Einsum of {spec!r} for {len(values)} tensors")
    wide = max(
        (len(v.shape) - len(term.replace("...", "")) for term, v in zip(terms, values) if "..." in term), default=0
    )
    if wide < 0 or any("." in term.replace("...", "", 1) for term in (*terms, out)):
        raise UnsupportedError(f"{t.name}: Einsum of {spec!r} for tensors of other ranks")
    letters = [f"e{place}" for place in range(wide)]
    named = dict(
        zip(
            string.ascii_letters,
            [
                *(f"a{letter}" for letter in string.ascii_lowercase),
                *(f"b{letter}" for letter in string.ascii_lowercase),
            ],
        )
    )
    sizes: dict[str, Expr] = {}
    reads = []
    for place, (term, value) in enumerate(zip(terms, values)):
        count = len(value.shape) - len(term.replace("...", ""))
        before, dots, after = term.partition("...")
        own = [*(named[c] for c in before), *(letters[wide - count :] if dots else []), *(named[c] for c in after)]
        if len(own) != len(value.shape):
            raise UnsupportedError(f"{t.name}: Einsum of {spec!r} for a tensor of the shape {value.shape}")
        at = []
        for index, size in zip(own, value.shape):
            if index in sizes and sizes[index] != size and 1 not in (sizes[index], size):
                raise UnsupportedError(f"{t.name}: Einsum of {spec!r}: {index} is {sizes[index]} and {size}")
            sizes[index] = size if sizes.get(index, Integer(1)) == 1 else sizes[index]
            at.append(index)
        reads.append((f"x{place + 1}", at, value.shape))
    if not arrow:
        flat = parts.replace("...", "").replace(",", "")
        out = ("..." if wide else "") + "".join(sorted(c for c in set(flat) if flat.count(c) == 1))
    before, dots, after = out.partition("...")
    target = [*(named[c] for c in before), *(letters if dots else []), *(named[c] for c in after)]
    if any(index not in sizes for index in target) or len(set(target)) != len(target):
        raise UnsupportedError(f"{t.name}: Einsum of {spec!r}: each letter of the output stands once, and in an input")
    texts = [
        f"{name}[{', '.join('0' if size == 1 and sizes[i] != 1 else i for i, size in zip(at, shape)) or '0'}]"
        for name, at, shape in reads
    ]
    gone = [index for index in sizes if index not in target]
    product = " * ".join(texts)
    body = f"sum[{', '.join(gone)}]({product})" if gone else product
    shape = tuple(sizes[index] for index in target)
    return formula(t, f"y[{', '.join(target) or '0'}] = {body}", values, shape, False)


@rule("BatchNormalization")
def _batch_norm(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    a.get("momentum"), a.get("consumed_inputs")  # of training
    if int(a.get("training_mode", 0)) or (
        t.opset < 7 and not int(a.get("is_test", 0)) and len([o for o in node.output if o]) > 1
    ):
        raise UnsupportedError(
            f"{t.name}: batch normalisation in training takes its mean over the batch; export the model for inference"
        )
    if not int(a.get("spatial", 1)):
        raise UnsupportedError(f"{t.name}: BatchNormalization with spatial=0, statistics of each position")
    epsilon = a.number("epsilon", 1e-5)
    source, (scale, bias, mean, variance) = t.get(node.input[0]), node.input[1:5]
    if (
        all(t.values[name].weight for name in (mean, variance))
        and all(t.is_learned(name) for name in (scale, bias))
        and len(source.shape) > 1
    ):
        t.no_weights.update(t.origin(name) for name in (mean, variance))
        layer = normalization.BatchNorm(True, epsilon)
        return t.put(node.output[0], t.with_weights(layer, scale, bias), [t.batched(node.input[0])])
    wide = [_along_channels(t, name, len(source.shape)) for name in (scale, bias, mean, variance)]
    text = f"({{0}} - {{3}}) / sqrt({{4}} + {epsilon:.12f}) * {{1}} + {{2}}"
    t.values[node.output[0]] = entrywise(t, text, [source, *wide])
    return None


def _along_channels(t: OnnxTranslator, name: str, rank: int) -> Tensor:
    value = t.get(name)
    return reshaped(t, value, (*value.shape, *[Integer(1)] * max(rank - 2, 0)))


@rule("LayerNormalization", "RMSNormalization")
def _layer_norm(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    rank = len(value.shape)
    axis, epsilon = int(a.get("axis", -1)) % rank, a.number("epsilon", 1e-5)
    a.get("stash_type")  # how many bits numbers have in between
    scale, bias, root = node.input[1], _bias(node), node.op_type == "RMSNormalization"
    count = rank - axis
    if not root and len([name for name in node.output if name]) == 1 and not (axis == 0 and value.batched):
        affine = t.is_learned(scale) and t.values[scale].shape == value.shape[axis:]
        whole = affine and bool(bias) and t.is_learned(bias)
        if (affine and (whole or not bias)) or (t.values[scale].fixed and not bias):
            layer: Network = normalization.LayerNorm(affine, whole, epsilon)
            held = [name for name in (scale, bias) if name]
            return t.put(node.output[0], over_last_axes(t.with_weights(layer, *held), value.own, count), [value])
    value = t.whole(value) if axis == 0 else value
    axes = range(axis, rank)
    mean = None if root else over_axes(t, "mean", value, axes, True)
    centred = value if mean is None else entrywise(t, "{0} - {1}", [value, mean])
    variance = over_axes(t, "mean", entrywise(t, "{0}**2", [centred]), axes, True)
    inverse = mapped(t, f"1 / sqrt($ + {epsilon:.12f})", variance)
    values = [centred, inverse, t.get(scale), *([t.get(bias)] if bias else [])]
    t.values[node.output[0]] = entrywise(t, "{0} * {1} * {2}" + (" + {3}" if bias else ""), values)
    for name, made in zip(node.output[1:], (mean, inverse)):
        if name and made is not None:
            t.values[name] = made
    return None


@rule("InstanceNormalization")
def _instance_norm(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    a.get("consumed_inputs")
    scale, bias, epsilon = node.input[1], node.input[2], a.number("epsilon", 1e-5)
    source = t.get(node.input[0])
    affine = t.is_learned(scale) and t.is_learned(bias)
    plain = t.values[scale].fixed and t.values[bias].fixed  # exporters write group normalisation with a scale of ones
    if (affine or plain) and len(source.shape) > 2 and source.shape[0] == 1:
        layer = normalization.InstanceNorm(affine, epsilon)
        return t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])
    t.values[node.output[0]] = _standardised(t, source, range(2, len(source.shape)), epsilon, scale, bias)
    return None


def _standardised(t: OnnxTranslator, source: Tensor, axes: Any, epsilon: float, scale: str, bias: str) -> Tensor:
    """Mean 0 and variance 1 over axes, then a number for each channel to multiply with and one to add."""
    centred = entrywise(t, "{0} - {1}", [source, over_axes(t, "mean", source, axes, True)])
    variance = over_axes(t, "mean", entrywise(t, "{0}**2", [centred]), axes, True)
    wide = [_along_channels(t, name, len(source.shape)) for name in (scale, bias)]
    return entrywise(t, f"{{0}} / sqrt({{1}} + {epsilon:.12f}) * {{2}} + {{3}}", [centred, variance, *wide])


@rule("GroupNormalization")
def _group_norm(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    groups, epsilon = int(a["num_groups"]), a.number("epsilon", 1e-5)
    a.get("stash_type")
    scale, bias = node.input[1:3]
    source = t.get(node.input[0])
    channels, rank = source.shape[1], len(source.shape)
    if t.values[scale].shape == (channels,) and t.is_learned(scale) and t.is_learned(bias) and source.shape[0] == 1:
        layer = normalization.GroupNorm(groups, True, epsilon)
        return t.put(node.output[0], t.with_weights(layer, *node.input[1:]), [t.batched(node.input[0])])
    parted = (source.shape[0], Integer(groups), channels / groups, *source.shape[2:])
    wide = reshaped(t, source, parted, source.batched)
    axes = range(2, rank + 1)
    centred = entrywise(t, "{0} - {1}", [wide, over_axes(t, "mean", wide, axes, True)])
    variance = over_axes(t, "mean", entrywise(t, "{0}**2", [centred]), axes, True)
    made = entrywise(t, f"{{0}} / sqrt({{1}} + {epsilon:.12f})", [centred, variance])
    of_group = t.values[scale].shape == (Integer(groups),) and channels != groups
    if not of_group:
        made = reshaped(t, made, source.shape, made.batched)
    held = [_along_channels(t, name, len(made.shape)) for name in (scale, bias)]
    made = entrywise(t, "{0} * {1} + {2}", [made, *held])
    t.values[node.output[0]] = reshaped(t, made, source.shape, made.batched)
    return None
