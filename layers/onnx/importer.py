"""ONNX files: read as data, never executed, and with nothing beside the file opened.

Weights are not needed, so that external data stay where they are; only small integer constants (the shape of a reshape, say) are read,
and only from inside the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
from sympy import Expr, Integer, Symbol

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, FileError, GraphError, UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.sizes.dims import as_size
from ..importers.grouping import build
from ..importers.record import Recording, unknown_operators
from ..importers.tensors import Tensor
from .constants import MOST_ENTRIES
from .rules import RULES
from .rules.masks import FIXED_ONLY
from .translator import OnnxTranslator

LARGEST_FILE = 1 << 31
MOST_NODES = 200_000
LARGEST_CONSTANT = 4096


@checked
def from_onnx(
    path: str | Path,
    *,
    dimensions: Mapping[str, object] | None = None,
    operators: Mapping[str, Callable[..., Network]] | None = None,
) -> Network:
    """A network from an ONNX file.

    Parameters
    ----------
    path : str or Path
    dimensions : mapping of str to int or Symbol, optional
        Sizes for the file's symbolic dimensions by their names; those left out become symbols of that name. The leading axis of every
        input is the batch and is left out, as everywhere.
    operators : mapping of str to function, optional
        For an operator without a rule: a function of the shapes of its inputs and of its attributes that returns a `Layer`.

    Returns
    -------
    Network

    Raises
    ------
    FileError
        If the file is missing, too large, damaged, or no ONNX model.
    GraphError
        If its graph has a cycle, or reads what nothing writes.
    UnsupportedError
        If it uses operators that no layer is known for; each is named, with its count and places.

    Examples
    --------
    >>> import onnx.parser
    >>> from layeralgebra import from_onnx
    >>> text = '<ir_version: 8, opset_import: ["": 17]> relu (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }'
    >>> onnx.save(onnx.parser.parse_model(text), "relu.onnx")
    >>> from_onnx("relu.onnx")
    Input(3) >> ReLU()
    """
    try:
        import onnx
    except ImportError:
        raise UnsupportedError("from_onnx needs the package onnx; install layeralgebra[onnx]") from None
    model = _load(onnx, Path(path))
    return build(_recording(onnx, model, dimensions or {}, operators or {}))


def _load(onnx: Any, path: Path) -> Any:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from None
    if not path.is_file():
        raise FileError(f"{path} is not a file")
    if size > LARGEST_FILE:
        raise FileError(
            f"{path} has {size} bytes, more than the {LARGEST_FILE} of an ONNX file; store its weights as external data"
        )
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # the parser's own error, MemoryError included
        raise FileError(
            f"{path} is no ONNX model, or is damaged: {str(error).strip()[:200] or type(error).__name__}"
        ) from None
    if not model.HasField("graph") or not model.graph.node:
        raise FileError(f"{path} is no ONNX model: it has no graph")
    if len(model.graph.node) > MOST_NODES:
        raise FileError(f"{path} has {len(model.graph.node)} nodes, more than {MOST_NODES}")
    return model


def _recording(
    onnx: Any, model: Any, dimensions: Mapping[str, object], operators: Mapping[str, Callable[..., Network]]
) -> Recording:
    graph = model.graph
    sizes = _Dimensions(dimensions)
    stored = {tensor.name: _dims(tensor) for tensor in graph.initializer}
    translator = OnnxTranslator(_uses(graph, stored))
    recording = Recording()
    for tensor in graph.initializer:
        _store(onnx, translator, tensor, stored[tensor.name], learned=_may_be_learned(onnx, tensor))
    for entry in graph.input:
        if entry.name in stored:
            continue
        shape = sizes.of(entry)
        if len(shape) < 2:
            raise UnsupportedError(
                f"the input {entry.name} has the shape {shape}; a batch axis and at least one more are needed"
            )
        translator.values[entry.name] = Tensor(entry.name, (Integer(1), *shape[1:]), True)
        recording.inputs.append((entry.name, shape[1:]))
    missing: dict[str, list[str]] = {}
    for place, node in enumerate(_in_order(graph, set(translator.values))):
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        name = node.name or f"{node.op_type}_{place}"
        translator.begin(name, tuple(part for part in name.split("/")[:-1] if part))
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            _store_constant(onnx, translator, node, attributes)
        elif node.op_type in operators:
            _user(translator, node, attributes, operators[node.op_type])
        elif node.domain in ("", "ai.onnx") and translator.fold_constant(onnx, node, attributes):
            continue
        elif _has_rule(translator, node):
            RULES[node.op_type](translator, node, attributes)
            if node.input and translator.is_fixed(node.input):
                for made in node.output:
                    if made in translator.values:
                        translator.values[made] = replace(translator.values[made], fixed=True)
        else:
            missing.setdefault(f"{node.domain + '.' if node.domain else ''}{node.op_type}", []).append(name)
            for made in node.output:
                translator.values[made] = Tensor(made, (Integer(1),), True)
    if missing:
        raise unknown_operators("ONNX", missing)
    recording.operations = translator.operations
    if not graph.output or graph.output[0].name not in translator.values:
        raise GraphError("the model's output is made by none of its nodes")
    recording.output = translator.values[graph.output[0].name].name
    return recording


def _has_rule(translator: OnnxTranslator, node: Any) -> bool:
    if node.op_type not in RULES or node.domain not in ("", "ai.onnx"):
        return False
    return node.op_type not in FIXED_ONLY or translator.is_fixed(node.input)


def _user(
    translator: OnnxTranslator, node: Any, attributes: Mapping[str, Any], function: Callable[..., Network]
) -> None:
    tensors = [name for name in node.input if name and not translator.values[name].weight]
    layer = function([translator.values[name].own for name in tensors], dict(attributes))
    translator.put(node.output[0], layer, tensors)


def _dims(tensor: Any) -> tuple[Expr, ...]:
    if any(size < 0 for size in tensor.dims):
        raise FileError(f"the stored tensor {tensor.name} has a negative size: {list(tensor.dims)}")
    return tuple(Integer(size) for size in tensor.dims)


def _may_be_learned(onnx: Any, tensor: Any) -> bool:
    """Files do not say what is learned: numbers with axes may be; whole numbers, truth values and single numbers are not."""
    whole = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    return tensor.data_type in whole and len(tensor.dims) > 0


def _store(
    onnx: Any, translator: OnnxTranslator, tensor: Any, shape: tuple[Expr, ...], learned: bool, name: str = ""
) -> None:
    """A stored tensor: its shape, and its entries where rules may need them."""
    name = name or tensor.name
    translator.values[name] = Tensor(name, shape, False, weight=True, fixed=not learned)
    entries = _entries(onnx, tensor, LARGEST_CONSTANT if learned else MOST_ENTRIES)
    if entries is None:
        return
    if learned:
        translator.constants[name] = entries.reshape(-1).tolist()
    else:
        translator.know(name, entries)


def _store_constant(onnx: Any, translator: OnnxTranslator, node: Any, attributes: Mapping[str, Any]) -> None:
    """A tensor that stands in a node: written by the model's author, not learned, unless a layer takes it as its weights."""
    name = node.output[0]
    if "value" in attributes:
        tensor = attributes["value"]
        return _store(onnx, translator, tensor, _dims(tensor), learned=False, name=name)
    found = attributes.get(
        "value_ints", attributes.get("value_floats", attributes.get("value_int", attributes.get("value_float")))
    )
    if found is None:
        raise UnsupportedError(f"{node.name or name}: a constant of text or of a sparse tensor")
    return translator.know(name, numpy.array(found, dtype=object))


def _entries(onnx: Any, tensor: Any, most: int) -> Any:
    """The entries of a tensor that lies inside the file, if there are not too many."""
    count = 1
    for size in tensor.dims:
        count *= size
    if count > most or tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.data_type == onnx.TensorProto.STRING:
        return None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        raise FileError(f"the stored tensor {tensor.name} is damaged: {str(error).strip()[:200]}") from None


def _uses(graph: Any, stored: Mapping[str, object]) -> dict[str, int]:
    """How many nodes read each stored tensor; copies of it, which `Identity` makes, are tensors of their own."""
    copies = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Identity" and node.input and node.output
    }
    uses = dict.fromkeys([*stored, *copies], 0)
    for node in graph.node:
        for name in node.input if node.op_type != "Identity" else ():
            if name in uses:
                uses[name] += 1
    return uses


def _in_order(graph: Any, known: set[str]) -> list[Any]:
    """The nodes, each after what it reads; files are written in that order, but nobody is bound to."""
    made_by: dict[str, Any] = {}
    for node in graph.node:
        for name in node.output:
            if name in made_by or name in known:
                raise GraphError(f"{name} is written twice")
            if name:
                made_by[name] = node
    ready: set[str] = {*known, ""}
    order: list[Any] = []
    waiting = list(graph.node)
    while waiting:
        later = []
        for node in waiting:
            unknown = [name for name in node.input if name not in ready and name not in made_by]
            if unknown:
                raise GraphError(f"{node.name or node.op_type} reads {unknown[0]}, which nothing writes")
            if all(name in ready for name in node.input):
                ready.update(node.output)
                order.append(node)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise GraphError(
                f"the graph has a cycle among {', '.join((node.name or node.op_type) for node in later[:10])}"
            )
        waiting = later
    return order


class _Dimensions:
    """The sizes of the file's inputs: numbers, or symbols by the file's names."""

    def __init__(self, given: Mapping[str, object]):
        self.given = dict(given)

    def of(self, entry: Any) -> tuple[Expr, ...]:
        if not entry.type.HasField("tensor_type") or not entry.type.tensor_type.HasField("shape"):
            raise UnsupportedError(f"the input {entry.name} has no shape in the file")
        return tuple(self._size(entry.name, place, dim) for place, dim in enumerate(entry.type.tensor_type.shape.dim))

    def _size(self, name: str, place: int, dim: Any) -> Expr:
        if dim.HasField("dim_value"):
            if dim.dim_value < 1 and place:
                raise FileError(f"axis {place} of the input {name} has the size {dim.dim_value}")
            return Integer(max(dim.dim_value, 1))
        label = dim.dim_param or f"{name}_{place}"
        if label in self.given:
            return as_size(self.given[label], f"dimensions[{label!r}]")
        clean = "".join(character if character.isalnum() else "_" for character in label).strip("_")
        if not clean or not clean[0].isalpha() or len(clean) > 64:
            raise FieldError(
                f"the dimension {label[:80]!r} has no name that a symbol could have; pass dimensions={{{label[:80]!r}: size}}"
            )
        return Symbol(clean, integer=True, positive=True)
