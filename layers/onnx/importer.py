"""ONNX files: read as data, never executed, and with nothing beside the file opened.

Weights are not needed, so that external data stay where they are; only small integer constants (the shape of a reshape, say) are read,
and only from inside the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
from sympy import Expr, Integer

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, GraphError, LayerAlgebraError, UnsupportedError
from ...algebra.networks.network import Network
from ..activation import Identity
from ..importers.grouping import build
from ..importers.outputs import chosen, side_by_side
from ..importers.record import Recording, unknown_operators
from ..importers.report import reported
from ..importers.tensors import Tensor
from .attributes import Attributes
from .batch import along
from .constants import MOST_ENTRIES
from .dimensions import Dimensions, literal_shapes
from .model_file import OWN, check_nodes, dims, entries_of, in_order, inferred, inlined, load, versions
from .rules import RULES
from .rules.masks import known_to_be_fixed
from .subgraphs import KINDS, written_out
from .translator import NoBatch, OnnxTranslator

LARGEST_CONSTANT = 4096


@checked
def from_onnx(
    path: str | Path,
    *,
    dimensions: Mapping[str, object] | None = None,
    operators: Mapping[str, Callable[..., Network]] | None = None,
    outputs: int | str | Sequence[int | str] | None = None,
    values: Mapping[str, object] | None = None,
    batch: bool | None = None,
) -> Network:
    """A network from an ONNX file.

    Parameters
    ----------
    path : str or Path
    dimensions : mapping of str to int or Symbol, optional
        Sizes for the file's symbolic dimensions by their names; those left out become symbols of that name.
    operators : mapping of str to function, optional
        For an operator without a rule: a function of the shapes of its inputs and of its attributes that returns a `Layer`.
    outputs : int, str, or sequence of them, optional
        Which outputs of the file are asked for, by place or by name; all, if left out. Several are flattened and stand one after the
        other.
    values : mapping of str to array, optional
        Numbers of inputs that stand for constants, such as the axes of a reduction; they are inputs no more.
    batch : bool, optional
        Whether the leading axis of the inputs counts examples, and is left out, as everywhere. By default it is, for inputs with two axes
        or more, as long as every operator works on each example alone; other inputs are read whole.

    Returns
    -------
    Network
        Its attribute `imported` tells which stored tensors are counted and which do not act on the outputs.

    Raises
    ------
    FileError
        If the file is missing, too large, damaged, no ONNX model, or contradicts itself.
    GraphError
        If its graph has a cycle, or reads what nothing writes.
    UnsupportedError
        If it uses operators that no layer is known for; each is named, with its count and places. If what is read differs from the shapes
        that the file records or the tensors that it stores.
    FieldError
        If there is no such output, or no such input to give a value.

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
    model = load(onnx, Path(path))
    known = operators or {}
    check_nodes(onnx, model, known)
    model = inlined(onnx, model, {*RULES, *known, "Constant"})
    reading = _Reading(onnx, model, dimensions or {}, known, outputs, values or {})
    whole: frozenset[str] = frozenset()
    while True:
        try:
            recording = reading.recording(batch, whole)
            return reported(build(recording), recording)
        except NoBatch as found:
            if batch:
                raise UnsupportedError(
                    f"the leading axis of {found} is no batch: an operator works across it\n  write instead: batch=None"
                ) from None
            whole |= found.names


class _Reading:
    """A model, and what the caller says of it."""

    def __init__(
        self,
        onnx: Any,
        model: Any,
        dimensions: Mapping[str, object],
        operators: Mapping[str, Callable[..., Network]],
        outputs: Any,
        values: Mapping[str, object],
    ):
        self.onnx, self.model, self.operators, self.outputs = onnx, model, operators, outputs
        self.dimensions = dimensions
        self.values = {name: _given(name, value) for name, value in values.items()}
        self.versions = versions(model)
        self.stored = {tensor.name: dims(tensor) for tensor in model.graph.initializer}
        self.graph = inferred(onnx, model)
        self.order = in_order(model.graph, {*self.stored, *(entry.name for entry in model.graph.input)})

    def recording(self, batch: bool | None, whole: frozenset[str]) -> Recording:
        """The model translated, with the leading axes of these inputs read as they are."""
        onnx, graph = self.onnx, self.model.graph
        t = OnnxTranslator(_uses(graph, self.stored), self.versions[""], _kinds(self.graph))
        t.shapes = literal_shapes(self.graph)
        recording = Recording()
        for tensor in graph.initializer:
            _store(onnx, t, tensor, self.stored[tensor.name], learned=_may_be_learned(onnx, tensor))
        sizes = Dimensions(self.dimensions)
        self._inputs(t, recording, sizes, batch, whole)
        missing: dict[str, list[str]] = {}
        for place, node in enumerate(self.order):
            self._node(t, node, node.name or f"{node.op_type}_{place}", missing)
        if missing:
            raise unknown_operators("ONNX", missing)
        sizes.check(t, self.graph)
        t.module = ()
        self._outputs(t, recording)
        recording.operations, recording.learned = t.operations, t.stored_tensors()
        return recording

    def _inputs(
        self, t: OnnxTranslator, recording: Recording, sizes: Dimensions, batch: bool | None, whole: frozenset[str]
    ) -> None:
        names = [entry.name for entry in self.model.graph.input if entry.name not in self.stored]
        for name in self.values:
            if name not in names:
                raise FieldError(f"the file has no input {name!r}; it has {', '.join(map(repr, names)) or 'none'}")
        for entry in self.model.graph.input:
            if entry.name in self.stored:
                continue
            if entry.name in self.values:
                sizes.same(entry, self.values[entry.name].shape)
                t.know(entry.name, self.values[entry.name])
                continue
            shape = sizes.of(entry)
            leading = len(shape) > 1 and batch is not False and entry.name not in whole
            if leading:
                own: tuple[Expr, ...] = (Integer(1), *shape[1:])
                t.begin_batch(entry.name, shape[0])
                recording.batches[entry.name] = shape[0]
            else:
                own = shape
            t.values[entry.name] = Tensor(entry.name, own, leading)
            t.origins[entry.name] = frozenset([entry.name])
            recording.inputs.append((entry.name, t.values[entry.name].own))

    def _node(self, t: OnnxTranslator, node: Any, name: str, missing: dict[str, list[str]]) -> None:
        """Translate a node; what it says is the file's, and need not fit together."""
        try:
            self._translated(t, node, name, missing)
        except LayerAlgebraError:
            if not missing:
                raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if not missing:
                raise UnsupportedError(
                    f"{name}: {node.op_type} does not fit what it is given: {str(error)[:200] or type(error).__name__}"
                ) from error
        if missing:  # what stands in for an unknown operator need not fit
            for made in node.output:
                t.values.setdefault(made, Tensor(made, (Integer(1),), True))

    def _translated(self, t: OnnxTranslator, node: Any, name: str, missing: dict[str, list[str]]) -> None:
        onnx, own = self.onnx, node.domain in OWN
        a = Attributes(onnx, node)
        t.begin(name, tuple(part for part in name.split("/")[:-1] if part))
        before, held = len(t.operations), set(t.tensors)
        if node.op_type == "Constant" and own:
            return _store_constant(onnx, t, node, a.entries)
        led = along(t, node, a)
        if node.op_type in self.operators:
            _user(t, node, a.entries, self.operators[node.op_type])
            t.read_by(node.input, before)
            return t.end(node, led)
        if own and t.fold_constant(onnx, node, a):
            return a.check_read(onnx, node, self.versions[""], name)
        if own and node.op_type in KINDS:

            def store(tensor: Any, under: str) -> None:
                _store(onnx, t, tensor, dims(tensor), _may_be_learned(onnx, tensor), under)

            return written_out(t, node, a, lambda inner, label: self._node(t, inner, label, missing), store)
        if own and known_to_be_fixed(t, node, a):
            return None
        if not own or node.op_type not in RULES:
            missing.setdefault(f"{node.domain + '.' if node.domain else ''}{node.op_type}", []).append(name)
            return None
        RULES[node.op_type](t, node, a)
        a.check_read(onnx, node, self.versions[""], name)
        t.check_counted(node.input, before, held, f"{name} ({node.op_type})")
        if node.input and t.is_fixed(node.input):
            t.values.update({made: replace(t.values[made], fixed=True) for made in node.output if made in t.values})
        t.end(node, led)
        return None

    def _outputs(self, t: OnnxTranslator, recording: Recording) -> None:
        found = {entry.name: entry.name for entry in self.model.graph.output}
        if not found:
            raise GraphError("the model has no output")
        for name in found:
            if name not in t.values:
                raise GraphError(f"the model's output {name} is made by none of its nodes")
        asked = chosen(found, self.outputs)
        before = len(t.operations)
        tensors = [(name, t.get(name)) for name in asked]
        output = tensors[0][1] if len(tensors) == 1 else side_by_side(t, tensors)
        if not t.is_made(output.name):
            output = t.add(Identity(), [output], output.shape, output.batched, "output")
        t.read_by(asked, before)
        recording.output = output.name
        recording.outputs = {name: t.recorded(name) for name in asked}


def _given(name: str, value: object) -> Any:
    made = numpy.array(value)
    if made.dtype.kind == "V" and made.dtype.names is None:  # the short floats of other packages
        try:
            made = made.astype(numpy.float64)
        except (TypeError, ValueError):
            pass
    if made.dtype.kind not in "biuf" or made.size > MOST_ENTRIES:
        raise FieldError(f"values[{name!r}] must be an array of numbers, of at most {MOST_ENTRIES} entries")
    return made


def _kinds(graph: Any) -> dict[str, int]:
    """The kind of number of each tensor, where the file says it or ONNX finds it."""
    found = {tensor.name: int(tensor.data_type) for tensor in graph.initializer}
    for entry in (*graph.input, *graph.value_info, *graph.output):
        if entry.type.HasField("tensor_type"):
            found[entry.name] = int(entry.type.tensor_type.elem_type)
    return found


def _user(t: OnnxTranslator, node: Any, attributes: Mapping[str, Any], function: Callable[..., Network]) -> None:
    tensors = [name for name in node.input if name and not t.values[name].weight]
    layer = function([t.values[name].own for name in tensors], dict(attributes))
    t.put(node.output[0], layer, tensors)


def _may_be_learned(onnx: Any, tensor: Any) -> bool:
    """Files do not say what is learned: numbers with axes may be; whole numbers, truth values and single numbers are not."""
    whole = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    return tensor.data_type in whole and len(tensor.dims) > 0


def _store(onnx: Any, t: OnnxTranslator, tensor: Any, shape: tuple[Expr, ...], learned: bool, name: str = "") -> None:
    """A stored tensor: its shape, and its entries where rules may need them."""
    name = name or tensor.name
    t.values[name] = Tensor(name, shape, False, weight=True, fixed=not learned)
    if learned:
        t.learned[name] = shape
    entries = entries_of(onnx, tensor, LARGEST_CONSTANT if learned else MOST_ENTRIES)
    if entries is None:
        return
    if learned:
        t.constants[name] = entries.reshape(-1).tolist()
    else:
        t.know(name, entries)


def _store_constant(onnx: Any, t: OnnxTranslator, node: Any, attributes: Mapping[str, Any]) -> None:
    """A tensor that stands in a node: written by the model's author, not learned, unless a layer takes it as its weights."""
    name = node.output[0]
    if "value" in attributes:
        tensor = attributes["value"]
        return _store(onnx, t, tensor, dims(tensor), learned=False, name=name)
    found = attributes.get(
        "value_ints", attributes.get("value_floats", attributes.get("value_int", attributes.get("value_float")))
    )
    if found is None:
        raise UnsupportedError(f"{node.name or name}: a constant of text or of a sparse tensor")
    return t.know(name, numpy.array(found, dtype=object))


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
