"""What the rules for ONNX's operators share: tensors, the state of a translation, and the register of rules.

Files do not say which shapes lie between operators, so that the engine's own shapes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from .. import reshape
from ..importers.record import Stored
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors
from .attributes import Attributes
from .batch import NoBatch
from .constants import fold, known


class OnnxTranslator(Tensors):
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int], opset: int, kinds: Mapping[str, int]):
        super().__init__()
        self.uses, self.opset, self.kinds = dict(uses), opset, dict(kinds)
        self.values: dict[str, Tensor] = {}
        self.constants: dict[str, list[float]] = {}
        self.known: dict[str, Any] = {}
        self.views: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self.tensors: dict[str, Tensor] = {}
        self.never: set[str] = set()
        self.name = ""
        self.learned: dict[str, Shape] = {}
        """The stored tensors that may be learned."""
        self.no_weights: set[str] = set()
        """Those of them that turned out to be none: numbers that a rule has read, running statistics."""
        self.readers: dict[str, set[str]] = {}
        self.examples: dict[str, Expr] = {}
        """The sizes of the leading axes that are batches, by input."""
        self.literal: set[str] = set()
        """The inputs whose batch has a literal size."""
        self.batches: dict[str, frozenset[str]] = {}
        """The inputs whose batch leads a tensor."""
        self.touched: dict[str, frozenset[str]] = {}
        """The inputs with a batch on which a tensor depends."""

    def begin(self, name: str, module: tuple[str, ...]) -> None:
        self.name, self.module = name.split("/")[-1] or name, module

    def begin_batch(self, name: str, size: Expr) -> None:
        """The leading axis of an input counts examples; of an axis of size 1 nothing has to be shown."""
        if size == 1:
            return
        self.examples[name] = size
        self.batches[name] = self.touched[name] = frozenset([name])
        if size.is_Integer:
            self.literal.add(name)

    def leading(self, name: str) -> Expr:
        """The size of the batch that leads a tensor."""
        return next((self.examples[source] for source in self.batches.get(name, ())), Integer(1))

    def end(self, node: Any, led: frozenset[str]) -> None:
        """Note what leads the tensors that a node has made."""
        touched = frozenset().union(*(self.touched.get(name, frozenset()) for name in node.input if name))
        for made in node.output:
            value = self.values.get(made)
            if value is None or value.weight:
                continue
            self.touched[made] = touched
            if led and not value.batched and led & self.literal:
                raise NoBatch(led)
            self.batches[made] = led if value.batched else frozenset()

    def is_of_one(self, name: str) -> bool:
        """Whether a tensor is read for one example out of several."""
        return bool(self.touched.get(name))

    def recorded(self, name: str) -> Shape:
        """The shape of a tensor as the file counts it."""
        shape = self.values[name].shape
        return (self.leading(name), *shape[1:]) if self.batches.get(name) else shape

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
            self.no_weights.add(self.origin(name))
            return self.constants[name]
        raise UnsupportedError(
            f"{self.name}: {name} must be a constant, or a shape that is known\n"
            f"  write instead: values={{{name!r}: [...]}}, if it is an input of the file"
        )

    def stored_of(self, names: Iterable[str]) -> list[str]:
        """The learned tensors among these that no operation has made a value of yet, by the names under which they are stored."""
        found = {
            self.origin(name): None
            for name in names
            if name and self.values[name].weight and name not in self.tensors and not self.values[name].fixed
        }
        return [name for name in found if name in self.learned and name not in self.tensors]

    def read_by(self, taken: Iterable[str], before: int) -> None:
        """The operations made since `before` hold these learned tensors."""
        made = {operation.name for operation in self.operations[before:]}
        for name in taken:
            self.readers.setdefault(name, set()).update(made)

    def check_counted(self, taken: Sequence[str], before: int, what: str) -> None:
        """Refuse a node that is read with more or fewer learned numbers than it takes."""
        self.read_by(taken, before)
        held = [name for name in taken if name not in self.no_weights]
        stored = sum((Mul(*self.learned[name]) for name in held), Integer(0))
        counted = sum((operation.parameters for operation in self.operations[before:]), Integer(0))
        if stored != counted:
            tensors = ", ".join(f"{name} {tuple(self.learned[name])}" for name in held) or "none"
            raise UnsupportedError(
                f"{what} takes the stored tensors {tensors}, {stored} numbers, but is read with {counted} parameters"
            )

    def stored_tensors(self) -> list[Stored]:
        """The learned tensors of the file, and the operations that hold them."""
        return [
            Stored((name,), int(Mul(*shape)), frozenset(self.readers.get(name, ())))
            for name, shape in self.learned.items()
            if name not in self.no_weights
        ]

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
            self.learned[out] = source.shape
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


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape to which shapes are repeated."""
    rank = max(map(len, shapes))
    wide = [(*(Integer(1),) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple(next((size for size in column if size != 1), column[0]) for column in zip(*wide))


def number_of(t: OnnxTranslator, name: str) -> Any:
    """The value of a constant that is a single number."""
    if name not in t.known or t.known[name].size != 1:
        return None
    found = t.numbers(name)[0]
    return found if isinstance(found, Expr) else float(found)


_VIEWS = ("Transpose", "Identity", "Cast")

Rule = Callable[[OnnxTranslator, Any, Attributes], None]
RULES: dict[str, Rule] = {}

#: Registers a rule under the names of operators.
rule = registering(RULES)
