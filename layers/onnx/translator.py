"""What the rules for ONNX's operators share: tensors, the state of a translation, and the register of rules.

Files do not say which shapes lie between operators, so that the engine's own shapes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.sizes.normal_form import same, simplify
from .. import arithmetic, reshape
from ..importers.arrays import opaque, reshaped, table
from ..importers.record import Stored
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors
from .attributes import Attributes
from .constants import EXACT_ENTRIES, fold, known


class NoBatch(Exception):
    """The leading axis of these inputs is none of a batch."""

    def __init__(self, names: frozenset[str]):
        super().__init__(", ".join(sorted(names)))
        self.names = names


class _Values(dict[str, Tensor]):
    """Tensors by name."""

    def __missing__(self, name: str) -> Tensor:
        raise UnsupportedError(
            f"{name} is an output that its operator is not read with\n"
            "  write instead: operators={...} with a rule of your own for the operator that makes it"
        )


class OnnxTranslator(Tensors):
    """The state of one translation."""

    def __init__(self, uses: Mapping[str, int], opset: int, kinds: Mapping[str, int]):
        super().__init__()
        self.uses, self.opset, self.kinds = dict(uses), opset, dict(kinds)
        self.values: dict[str, Tensor] = _Values()
        self.constants: dict[str, list[float]] = {}
        self.known: dict[str, Any] = {}
        self.views: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self.tensors: dict[str, Tensor] = {}
        self.never: set[str] = set()
        self.name = ""
        self.shapes: dict[str, Shape] = {}
        """What the file records, or ONNX finds, of literal shapes."""
        self.learned: dict[str, Shape] = {}
        """The stored tensors that may be learned."""
        self.no_weights: set[str] = set()
        """Those of them that turned out to be none: numbers that a rule has read, running statistics."""
        self.readers: dict[str, set[str]] = {}
        self.examples: dict[str, Expr] = {}
        """The sizes of the leading axes that are batches, by input."""
        self.literal: set[str] = set()
        """The inputs whose batch has a literal size."""
        self.origins: dict[str, frozenset[str]] = {}
        """The inputs on which a tensor depends."""
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
        origins = frozenset().union(*(self.origins.get(name, frozenset()) for name in node.input if name))
        self.origins.update(dict.fromkeys(node.output, origins))
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
            single = tuple(found) == (1,) and sources and not any(source.shape for source in sources)
            shape = () if single else (Integer(1), *found) if batched else found
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
        numbers = self._plain_numbers(name)
        if value.fixed and numbers is not None:
            return replace(table(self, self.known[name].shape, numbers), fixed=True)
        shared = name if self.uses.get(name, 0) > 1 else ""
        made = self.stored(value.shape, not value.fixed, shared)
        return replace(made, shape=value.shape, fixed=value.fixed)

    def _plain_numbers(self, name: str) -> list[Any] | None:
        """The entries of a known tensor, if they are literal numbers and not too many to be written down."""
        if name not in self.known or not 0 < self.known[name].size <= EXACT_ENTRIES:
            return None
        found = [int(entry) if isinstance(entry, bool) else entry for entry in self.known[name].reshape(-1).tolist()]
        return found if all(isinstance(entry, (int, float)) and entry == entry for entry in found) else None

    def batched(self, name: str) -> Tensor:
        value = self.get(name)
        return self.example(value, f"{self.name}: {name} of shape {value.shape} has no batch axis of size 1")

    def in_channels(self, name: str) -> Tensor:
        """A value with its channels first, if it is one example."""
        value = self.get(name)
        if len(value.shape) < 2:
            raise UnsupportedError(
                f"{self.name}: {name} of shape {value.shape} has no axis of examples and one of channels"
            )
        return self.example(value) if value.shape[0] == 1 and len(value.shape) > 1 else value

    def placed(self, layer: Network, sources: Sequence[Tensor]) -> Tensor:
        """What a layer makes of values, the first of which says whether a leading axis of size 1 is lacking."""
        return self.add(layer, sources, batched=sources[0].batched)

    def opaque(self, what: str, values: Sequence[Tensor], shape: Shape) -> Tensor:
        """A step of which only the shape is known."""
        if not all(size.is_Integer or size.free_symbols for size in shape):
            raise UnsupportedError(f"{self.name}: {what} of an unknown shape")
        return opaque(self, what, values, shape, self.name)

    def alias(self, name: str, other: str) -> None:
        """Another name for a tensor."""
        tables: list[dict[str, Any]] = [self.values, self.known, self.constants, self.views, self.tensors]
        for held in (*tables, self.batches, self.touched, self.origins):
            if other in held:
                held[name] = held[other]
        if other in self.learned and self.values[other].weight:
            self.views[name] = (other, None)
        if other in self.never:
            self.never.add(name)

    def is_number(self, name: str) -> bool:
        """Whether a tensor is known, so that nothing of the network enters by it."""
        return name in self.known

    def recorded_of(self, name: str) -> Shape | None:
        """The literal shape that the file records of a tensor."""
        return self.shapes.get(name)

    def beside(self, left: str, right: str, axis: Any) -> str:
        """The name of the right tensor with axes of size 1 behind it, so that its axes lie along the left one's from `axis` on."""
        if axis is None:
            return right
        value, rank = self.get(right), len(self.values[left].shape)
        after = rank - int(axis) % max(rank, 1) - len(value.shape)
        if after <= 0:
            return right
        name = f"{right}_beside_{len(self.operations)}"
        self.values[name] = reshaped(self, self.whole(value), (*value.shape, *[Integer(1)] * after))
        return name

    def is_computed(self, name: str) -> bool:
        """Whether operations have made a tensor."""
        return self.is_made(self.values[name].name)

    def is_made(self, name: str) -> bool:
        """Whether there is an operation of a name."""
        return any(operation.name == name for operation in self.operations)

    def transposed_product(self, left: Tensor, right: Tensor, turned: bool, flipped: bool) -> Tensor:
        """The product of two matrices, either of them with its axes exchanged first."""
        rows = left.shape[1] if turned else left.shape[0]
        inner = left.shape[0] if turned else left.shape[1]
        if same(inner, right.shape[1] if flipped else right.shape[0]) is False:
            raise UnsupportedError(f"{self.name}: a product of {left.shape} and {right.shape}")
        first, second = ("k" if left.batched else "ki" if turned else "ik"), ("jk" if flipped else "kj")
        shape = (rows, right.shape[0] if flipped else right.shape[1])
        out = "j" if left.batched else "ij"
        return self.add(arithmetic.Einsum(f"{first},{second}->{out}"), [left, right], shape, left.batched)

    def put(self, output: str, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """What a node makes: a layer of other values; None passes the first one on."""
        values = [entry if isinstance(entry, Tensor) else self.get(entry) for entry in inputs]
        flag = values[0].batched if batched is None else batched
        made = Tensor(values[0].name, values[0].shape, flag)
        self.values[output] = made if layer is None else self.add(layer, values, batched=flag)

    def with_weights(self, layer: Network, *names: str) -> Network:
        """The layer, its weights shared under a name if another node reads them too."""
        held = [self.origin(name) for name in names if name]
        for name in held:
            self.learned.setdefault(name, self.values[name].shape)
        return layer.shared(held[0]) if any(self.uses.get(name, 0) > 1 for name in held) else layer

    def numbers(self, name: str) -> list[Any]:
        """The entries of a tensor that is known: a stored constant, or a shape that the model works out."""
        if name in self.known:
            return self.known[name].reshape(-1).tolist()
        if name in self.constants:
            self.no_weights.add(self.origin(name))
            return self.constants[name]
        raise UnsupportedError(f"{self.name}: {name} must be a constant, or a shape that is known{self.hint([name])}")

    def hint(self, names: Iterable[str]) -> str:
        """What to write where tensors have to be known that depend on inputs."""
        found = sorted(frozenset().union(*(self.origins.get(name, frozenset()) for name in names if name)))
        if not found or len(found) > 8:
            return ""
        return f"\n  write instead: values={{{', '.join(f'{name!r}: [...]' for name in found)}}}, numbers for inputs of the file"

    def stored_of(self, names: Iterable[str]) -> list[str]:
        """The learned tensors among these, by the names under which they are stored."""
        found = {self.origin(name): None for name in names if name and self.values[name].weight}
        return [name for name in found if name in self.learned and name not in self.no_weights]

    def read_by(self, names: Iterable[str], before: int) -> None:
        """The operations made since `before` hold the learned tensors among these."""
        made = {operation.name for operation in self.operations[before:]}
        for name in self.stored_of(names):
            self.readers.setdefault(name, set()).update(made)

    def check_counted(self, names: Sequence[str], before: int, held: Collection[str], what: str) -> None:
        """Refuse a node that is read with more or fewer learned numbers than it takes; `held` had values of their own before."""
        self.read_by(names, before)
        taken = self.stored_of(names)
        sizes = {name: Mul(*self.learned[name]) for name in taken}
        counted = sum((operation.parameters for operation in self.operations[before:]), Integer(0))
        anew = sum((size for name, size in sizes.items() if name not in held), Integer(0))
        if counted not in (anew, sum(sizes.values(), Integer(0))):
            tensors = ", ".join(f"{name} {tuple(self.learned[name])}" for name in taken) or "none"
            raise UnsupportedError(
                f"{what} takes the stored tensors {tensors}, {anew} numbers, but is read with {counted} parameters"
            )

    def is_learned(self, name: str) -> bool:
        """Whether a layer can hold a tensor as its weights: it is stored, or written into the file as a constant."""
        return bool(name) and self.values[name].weight and self.origin(name) not in self.no_weights

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
        if kind == "Size":
            self.know(out, [simplify(Mul(*self.values[node.input[0]].shape))])
            self.known[out] = self.known[out].reshape(())
            self.values[out] = replace(self.values[out], shape=())
            return True
        if kind in _VIEWS and self.values[node.input[0]].weight and not self.values[node.input[0]].fixed:
            return self._viewed(node, attributes)
        names = list(node.input)
        if kind == "CastLike" and self.kinds.get(names[1]):
            attributes.get("saturate")
            kind, names, attributes = "Cast", names[:1], {"to": self.kinds[names[1]]}
        if not names or any(name and name not in self.known for name in names):
            return False
        made = fold(onnx, kind, [self.known[name] if name else None for name in names], attributes)
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
