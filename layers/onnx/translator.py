"""What the rules for ONNX's operators share: tensors, the state of a translation, and the register of rules.

Files do not say which shapes lie between operators, so that the engine's own shapes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer

from ...algebra.errors import UnsupportedError
from ...algebra.networks.carrier import ShapeCarrier
from ...algebra.networks.evaluator import evaluate_network
from ...algebra.networks.network import Add, Concat, Network
from ...algebra.networks.network import Mul as Product
from ...algebra.sizes.normal_form import simplify
from .. import arithmetic, reshape
from ..importers.record import Operation
from ..importers.rules import registering

Shape = tuple[Expr, ...]


@dataclass
class OnnxValue:
    """A tensor: the operation that makes it, its shape with the batch axis, and whether our tensor lacks that axis.

    `weight` says that no operation has made it yet, `fixed` that it depends on neither an input nor a learned tensor.
    """

    name: str
    shape: Shape
    batched: bool
    weight: bool = False
    fixed: bool = False

    @property
    def own(self) -> Shape:
        return self.shape[1:] if self.batched else self.shape


class OnnxTranslator:
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int]):
        self.uses = dict(uses)
        self.values: dict[str, OnnxValue] = {}
        self.constants: dict[str, list[float]] = {}
        self.known: dict[str, Any] = {}
        self.views: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self.tensors: dict[str, OnnxValue] = {}
        self.never: set[str] = set()
        self.operations: list[Operation] = []
        self.name, self.module, self.count = "", (), 0

    def begin(self, name: str, module: tuple[str, ...]) -> None:
        self.name, self.module = name.split("/")[-1] or name, module

    def add(self, layer: Network, sources: Sequence[OnnxValue]) -> tuple[str, Shape]:
        """Record an operation; its name, and the shape of what it makes."""
        self.count += 1
        name = f"{self.name}_{self.count}"
        shapes = [source.own for source in sources]
        shape = evaluate_network(layer, ShapeCarrier(), shapes or None).output.shape
        self.operations.append(Operation(name, layer, [source.name for source in sources], self.module))
        return name, shape

    def get(self, name: str) -> OnnxValue:
        """A value; a stored tensor that is used as it is becomes a layer without an input."""
        value = self.values[name]
        if not value.weight:
            return value
        if name not in self.tensors:
            self.tensors[name] = self._made(name, value)
        return self.tensors[name]

    def _made(self, name: str, value: OnnxValue) -> OnnxValue:
        if name in self.views:
            source, order = self.views[name]
            made = self.get(source)
            if order is None or order == tuple(range(len(order))):
                return made
            turned, shape = self.add(reshape.Permute(order), [made])
            return OnnxValue(turned, shape, False)
        shape = value.shape or (Integer(1),)
        layer: Network = (arithmetic.Buffer if value.fixed else arithmetic.Parameter)(shape)
        if self.uses.get(name, 0) > 1:
            layer = layer.shared(name)
        made_name, _ = self.add(layer, [])
        return OnnxValue(made_name, shape, False, fixed=value.fixed)

    def batched(self, name: str) -> OnnxValue:
        value = self.get(name)
        if value.batched:
            return value
        if not value.shape or value.shape[0] != 1:
            raise UnsupportedError(f"{self.name}: {name} of shape {value.shape} has no batch axis of size 1")
        made, _ = self.add(reshape.Reshape(value.shape[1:]), [value])
        return OnnxValue(made, value.shape, True)

    def whole(self, name: str) -> OnnxValue:
        value = self.get(name)
        if not value.batched:
            return value
        made, _ = self.add(reshape.Reshape(value.shape), [value])
        return OnnxValue(made, value.shape, False)

    def put(self, output: str, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """What a node makes: a layer of other values; None passes the first one on."""
        values = [entry if isinstance(entry, OnnxValue) else self.get(entry) for entry in inputs]
        flag = values[0].batched if batched is None else batched
        if layer is None:
            self.values[output] = OnnxValue(values[0].name, values[0].shape, flag)
            return
        if len(values) > 1 and isinstance(layer, (Add, Product, Concat)):
            self.count += 1
            name = f"{self.name}_{self.count}"
            shape = self._joined(layer, values)
            self.operations.append(Operation(name, layer, [value.name for value in values], self.module))
        elif len(values) > 1:
            self.count += 1
            name = f"{self.name}_{self.count}"
            shape = evaluate_network(layer, ShapeCarrier(), [value.own for value in values]).output.shape
            self.operations.append(Operation(name, layer, [value.name for value in values], self.module))
        else:
            name, shape = self.add(layer, values)
        self.values[output] = OnnxValue(name, (Integer(1), *shape) if flag else tuple(shape), flag)

    @staticmethod
    def _joined(layer: Network, values: Sequence[OnnxValue]) -> Shape:
        columns = list(zip(*(value.own for value in values)))
        if isinstance(layer, Concat):
            axis = layer.axis or 0
            return tuple(
                simplify(sum(column, Integer(0))) if place == axis else column[0]
                for place, column in enumerate(columns)
            )
        return tuple(next((size for size in column if size != 1), column[0]) for column in columns)

    def with_weights(self, layer: Network, *names: str) -> Network:
        """The layer, its weights shared under a name if another node reads them too."""
        held = [self.origin(name) for name in names if name]
        return layer.shared(held[0]) if any(self.uses.get(name, 0) > 1 for name in held) else layer

    def numbers(self, name: str) -> list[Any]:
        """The entries of a tensor that is known: a stored constant, or a shape that the model works out."""
        if name in self.known:
            return self.known[name].reshape(-1).tolist()
        if name in self.constants:
            return self.constants[name]
        raise UnsupportedError(f"{self.name}: {name} must be a constant, or a shape that is known")

    def is_fixed(self, names: Sequence[str]) -> bool:
        """Whether tensors depend on neither an input nor a learned tensor."""
        return all(self.values[name].fixed for name in names if name)

    def know(self, name: str, entries: Any) -> None:
        """A tensor whose entries are known."""
        from .constants import known

        self.known[name] = known(entries)
        self.values[name] = OnnxValue(
            name, tuple(Integer(size) for size in self.known[name].shape), False, weight=True, fixed=True
        )

    def fold_constant(self, onnx: Any, node: Any, attributes: Mapping[str, Any]) -> bool:
        """Work out what a node does to shapes and constants; whether that was all there is to do."""
        kind, out = node.op_type, node.output[0] if node.output else ""
        if kind == "Shape":
            shape = list(self.values[node.input[0]].shape)
            self.know(out, shape[slice(attributes.get("start", 0), attributes.get("end"))])
            return True
        if kind in _VIEWS and self.values[node.input[0]].weight and not self.values[node.input[0]].fixed:
            return self._viewed(node, attributes)
        if not node.input or any(name and name not in self.known for name in node.input):
            return False
        from .constants import fold

        made = fold(onnx, kind, [self.known[name] if name else None for name in node.input], attributes)
        if made is None:
            return False
        for name, entries in zip(node.output, made):
            if name:
                self.know(name, entries)
        return True

    def _viewed(self, node: Any, attributes: Mapping[str, Any]) -> bool:
        """A learned tensor with its axes in another order is the same learned tensor, which layers may take as theirs.

        `Identity` is how exporters write a second learned tensor whose numbers happen to be those of a first one (biases of zeros, say);
        what a model really shares is stored under one name.
        """
        source, out = self.values[node.input[0]], node.output[0]
        if node.op_type == "Identity":
            self.values[out] = OnnxValue(out, source.shape, False, weight=True)
            if node.input[0] in self.constants:
                self.constants[out] = self.constants[node.input[0]]
            return True
        order, shape = None, source.shape
        if node.op_type == "Transpose":
            order = tuple(int(axis) for axis in attributes.get("perm", range(len(shape))[::-1]))
            shape = tuple(shape[axis] for axis in order)
        self.values[out] = OnnxValue(out, shape, False, weight=True)
        self.views[out] = (node.input[0], order)
        return True

    def origin(self, name: str) -> str:
        """The name under which a learned tensor is stored."""
        while name in self.views:
            name = self.views[name][0]
        return name


_VIEWS = ("Transpose", "Identity", "Cast")

Rule = Callable[[OnnxTranslator, Any, Mapping[str, Any]], None]
RULES: dict[str, Rule] = {}

#: Registers a rule under the names of operators.
rule = registering(RULES)
