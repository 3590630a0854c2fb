"""Rules for ONNX's operators that no equation describes: sorts, samples at places that are computed, transforms. Their shapes are known."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ...importers.tensors import Shape
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule
from .parts import axis_of


def _put(t: OnnxTranslator, node: Any, what: str, place: int, shape: Shape) -> None:
    if len(node.output) > place and node.output[place]:
        values = [t.get(name) for name in node.input if name and not t.is_number(name)]
        t.values[node.output[place]] = t.opaque(what, values, shape)


@rule("TopK")
def _top(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    axis = axis_of(t, a.get("axis", -1), len(value.shape))
    a.get("sorted"), a.get("largest")
    count = a["k"] if len(node.input) == 1 else t.numbers(node.input[1])[0]
    size = count if isinstance(count, Expr) else Integer(int(count))
    shape = (*value.shape[:axis], size, *value.shape[axis + 1 :])
    for place, what in enumerate(("top-k", "top-k places")):
        if len(node.output) > place and node.output[place]:
            t.values[node.output[place]] = t.opaque(what, [value], shape)


@rule("ScatterElements", "Scatter", "TensorScatter")
def _scatter(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)  # where and how entries are written changes none of the shapes
    value = t.get(node.input[0])
    t.values[node.output[0]] = t.opaque("scatter", [t.get(name) for name in node.input if name], value.shape)


@rule("GridSample")
def _grid(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)
    source, grid = (t.get(name) for name in node.input)
    if len(source.shape) != len(grid.shape) or grid.shape[-1] != len(source.shape) - 2:
        raise UnsupportedError(f"{t.name}: a grid of the shape {grid.shape} for a tensor of the shape {source.shape}")
    t.values[node.output[0]] = t.opaque("sample at a grid", [source, grid], (*source.shape[:2], *grid.shape[1:-1]))


@rule("RoiAlign", "MaxRoiPool")
def _regions(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)
    source, regions = (t.get(name) for name in node.input[:2])
    height, width = (
        a["pooled_shape"] if node.op_type == "MaxRoiPool" else (a.get("output_height", 1), a.get("output_width", 1))
    )
    shape = (regions.shape[0], source.shape[1], Integer(int(height)), Integer(int(width)))
    _put(t, node, "pool of regions", 0, shape)


@rule("Det")
def _determinant(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    value = t.get(node.input[0])
    if len(value.shape) < 2 or value.shape[-1] != value.shape[-2]:
        raise UnsupportedError(f"{t.name}: the determinant of {value.shape}")
    t.values[node.output[0]] = t.opaque("determinant", [value], value.shape[:-2])


@rule("Col2Im")
def _folded(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)
    value, image, block = t.get(node.input[0]), t.numbers(node.input[1]), t.numbers(node.input[2])
    count = 1
    for size in block:
        count *= int(size)
    shape = (value.shape[0], simplify(value.shape[1] / count), *(Integer(int(size)) for size in image))
    t.values[node.output[0]] = t.opaque("columns to an image", [value], shape)


@rule(
    "DFT", "STFT", "MelWeightMatrix", "MaxUnpool", "DeformConv", "NonMaxSuppression", "BitCast", "RandomUniformLike", "RandomNormalLike",
    "RandomUniform", "RandomNormal", "Multinomial", "Bernoulli",
)  # fmt: skip
def _of_recorded_shape(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    tuple(a)
    for place, name in enumerate(node.output):
        if not name:
            continue
        shape = t.recorded_of(name)
        if shape is None:
            raise UnsupportedError(
                f"{t.name}: {node.op_type} has no equation, and the file records no shape of {name}\n"
                f"  write instead: operators={{{node.op_type!r}: my_rule}}, where my_rule(shapes, attributes) returns a Layer"
            )
        _put(t, node, node.op_type, place, shape)
