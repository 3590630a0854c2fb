"""What the rules for ONNX's operators share: tensors, the state of a translation, and the register of rules.

Files do not say which shapes lie between operators, so that the engine's own shapes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from .. import reshape
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors
from .constants import fold, known


class OnnxTranslator(Tensors):
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int]):
        super().__init__()
        self.uses = dict(uses)
        self.values: dict[str, Tensor] = {}
        self.constants: dict[str, list[float]] = {}
        self.known: dict[str, Any] = {}
        self.views: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self.tensors: dict[str, Tensor] = {}
        self.never: set[str] = set()
        self.name = ""

    def begin(self, name: str, module: tuple[str, ...]) -> None:
        self.name, self.module = name.split("/")[-1] or name, module

    def named(self, label: str) -> str:
        return f"{self.name}_{len(self.operations) + 1}"

    def add(
        self,
        layer: Network,
        sources: Sequence[Tensor],
        shape: Shape | None = None,
        batched: bool = False,
        label: str = "",
        turned: bool = False,
    ) -> Tensor:
        """Record an operation; the shape of what it makes is the engine's own, unless one is given."""
        if shape is None:
            found, _ = self.steps.made(layer, [source.own for source in sources])
            shape = (Integer(1), *found) if batched else found
        return super().add(layer, sources, shape, batched, label, turned)

    def get(self, name: str) -> Tensor:
        """A value; a stored tensor that is used as it is becomes a layer without an input."""
        value = self.values[name]
        if not value.weight:
            return value
        if name not in self.tensors:
            self.tensors[name] = self._made(name, value)
        return self.tensors[name]

    def _made(self, name: str, value: Tensor) -> Tensor:
        if name in self.views:
            source, order = self.views[name]
            made = self.get(source)
            if order is None or order == tuple(range(len(order))):
                return made
            return self.add(reshape.Permute(order), [made])
        shared = name if self.uses.get(name, 0) > 1 else ""
        return replace(self.stored(value.shape, not value.fixed, shared), fixed=value.fixed)

    def batched(self, name: str) -> Tensor:
        value = self.get(name)
        return self.example(value, f"{self.name}: {name} of shape {value.shape} has no batch axis of size 1")

    def put(self, output: str, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """What a node makes: a layer of other values; None passes the first one on."""
        values = [entry if isinstance(entry, Tensor) else self.get(entry) for entry in inputs]
        flag = values[0].batched if batched is None else batched
        made = Tensor(values[0].name, values[0].shape, flag)
        self.values[output] = made if layer is None else self.add(layer, values, batched=flag)

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
        self.known[name] = known(entries)
        self.values[name] = Tensor(
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
            self.values[out] = Tensor(out, source.shape, False, weight=True)
            if node.input[0] in self.constants:
                self.constants[out] = self.constants[node.input[0]]
            return True
        order: tuple[int, ...] | None = None
        shape = source.shape
        if node.op_type == "Transpose":
            order = tuple(int(axis) for axis in attributes.get("perm", range(len(shape))[::-1]))
            shape = tuple(shape[axis] for axis in order)
        self.values[out] = Tensor(out, shape, False, weight=True)
        self.views[out] = (node.input[0], order)
        return True

    def origin(self, name: str) -> str:
        """The name under which a learned tensor is stored."""
        while name in self.views:
            name = self.views[name][0]
        return name


def number_of(t: OnnxTranslator, name: str) -> Any:
    """The value of a constant that is a single number."""
    if name not in t.known or t.known[name].size != 1:
        return None
    found = t.numbers(name)[0]
    return found if isinstance(found, Expr) else float(found)


_VIEWS = ("Transpose", "Identity", "Cast")

Rule = Callable[[OnnxTranslator, Any, Mapping[str, Any]], None]
RULES: dict[str, Rule] = {}

#: Registers a rule under the names of operators.
rule = registering(RULES)
