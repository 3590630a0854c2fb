"""What the rules for PyTorch's operators share: tensors, the state of a translation, and the register of rules.

Values are kept without their leading batch axis of size 1 as long as that axis leads (`Tensor.batched`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sympy import Expr, Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network, Shared
from ...algebra.sizes.normal_form import simplify
from ..importers.record import Operation, Piece, Reads, place_of
from ..importers.rules import registering
from ..importers.tensors import Shape, Tensor, Tensors


class Translator(Tensors):
    """The state of one translation."""

    def __init__(
        self,
        sizes: Callable[[Any], Expr],
        learned: Mapping[str, str],
        fixed: Mapping[str, str],
        uses: Mapping[str, int],
    ):
        super().__init__()
        self.sizes, self.learned, self.fixed, self.uses = sizes, learned, fixed, uses
        self.values: dict[str, Tensor] = {}
        self.parts: dict[str, list[Tensor]] = {}
        self.readers: dict[str, set[str]] = {}
        """The operations that hold each learned tensor."""
        self.node: Any = None
        """The node that is being read."""
        self.pieces: tuple[Mapping[str, Piece], ...] = ()
        """How its layers hold its learned tensors, if the order does not say so."""
        self._buffers: dict[str, Tensor] = {}

    def shape(self, node: Any) -> Shape:
        """The shape of a node's tensor in PyTorch."""
        value = node.meta["val"]
        if isinstance(value, (tuple, list)):
            value = value[0]
        return tuple(simplify(self.sizes(size)) for size in value.shape)

    def stand_in(self, node: Any) -> None:
        """Something in place of what an operator makes, of the recorded shape, so that the rest of the model is looked at as well."""
        value = node.meta.get("val")
        made = [
            self._unmade(f"{node.name}_{place}", part)
            for place, part in enumerate(value if isinstance(value, (tuple, list)) else [value])
        ]
        self.parts.pop(node.name, None)
        if isinstance(value, (tuple, list)):
            self.parts[node.name] = made
        self.values[node.name] = made[0] if made else Tensor(node.name, ())

    def _unmade(self, name: str, value: Any) -> Tensor:
        try:
            shape = tuple(simplify(self.sizes(size)) for size in getattr(value, "shape", ()))
        except UnsupportedError:  # a size that depends on the data
            shape = tuple(Integer(2) for _ in value.shape)
        return Tensor(name, shape, bool(len(shape) > 1) and shape[0] == 1)

    def is_fixed(self, node: Any) -> bool:
        """Whether a node depends on neither input nor learned tensors: a mask, a table of positions, a tensor without elements."""
        sizes = getattr(node.meta.get("val"), "shape", ())
        if any(isinstance(size, int) and size == 0 for size in sizes):
            return True
        return all(self.is_known(part.name) for part in read_nodes(node) if not is_size(part))

    def is_known(self, name: str) -> bool:
        if name in self.parts:
            return all(part.weight for part in self.parts[name])
        return self.values[name].weight and name not in self.learned

    def is_learned(self, node: Any) -> bool:
        """Whether a node is a learned tensor as it is stored, and no operation has made a value of it yet."""
        return node.name in self.learned and self.values[node.name].weight

    def fix(self, node: Any) -> None:
        """The node's value is known before any input is: a buffer, where something else uses it."""
        found = node.meta.get("val")
        if isinstance(found, (tuple, list)):
            self.parts[node.name] = [
                Tensor(
                    f"{node.name}_{place}", tuple(simplify(self.sizes(size)) for size in part.shape), False, weight=True
                )
                for place, part in enumerate(found)
            ]
        elif hasattr(found, "shape"):
            self.values[node.name] = Tensor(node.name, self.shape(node), False, weight=True)

    def value(self, node: Any) -> Tensor:
        """The value of an argument; a weight that is used as a tensor of its own becomes a layer without an input."""
        value = self.values[node.name]
        if not value.weight:
            return value
        if node.name in self.learned:
            shared = self.learned[node.name] if self.uses.get(node.name, 0) > 1 else ""
            value = self.stored(value.shape, True, shared, f"{node.name}_tensor")
            self.operations[-1].label = self.learned[node.name].rsplit(".", 1)[-1]
            self.operations[-1].reads = Reads(node.name, (self.learned[node.name],))
            self.values[node.name] = value
            return value
        if node.name not in self._buffers:
            self._buffers[node.name] = self.stored(value.shape, False, "", f"{node.name}_tensor")
            self.operations[-1].label = self.fixed.get(node.name, _operator(node)).rsplit(".", 1)[-1]
            self.operations[-1].reads = Reads(node.name, (), (node.name,))
        return self._buffers[node.name]

    def add(self, layer: Network, sources: Sequence[Tensor], *rest: Any, **words: Any) -> Tensor:
        """Record an operation, called after its operator, or after its layer if it is one of several that an operator takes."""
        made = super().add(layer, sources, *rest, **words)
        operation, node = self.operations[-1], self.node
        own = node is not None and operation.name == node.name
        operation.label = _operator(node) if own else _kind(layer)
        return made

    def unbatched(self, node: Any) -> Tensor:
        """The value of a node with all its axes."""
        return self.whole(self.value(node))

    def batched(self, node: Any) -> Tensor:
        """The value of a node without its leading axis of size 1."""
        value = self.value(node)
        refusal = f"{node.name} of shape {value.shape} has no batch axis of size 1, which its operator needs"
        return self.example(value, refusal)

    def put(self, node: Any, layer: Network | None, inputs: Sequence[Any], batched: bool | None = None) -> None:
        """The node's value is a layer of the values of other nodes; None passes the first one on."""
        values = [source if isinstance(source, Tensor) else self.value(source) for source in inputs]
        flag, shape = values[0].batched if batched is None else batched, self.shape(node)
        made = Tensor(values[0].name, shape, flag) if layer is None else self.add(layer, values, shape, flag, node.name)
        self.values[node.name] = made

    def keep(self, node: Any, made: Tensor) -> None:
        """The node's value is this tensor, which must have the shape that PyTorch recorded."""
        wanted = Tensor(made.name, self.shape(node), made.batched)
        if not self.steps.agree(made.own, wanted.own):
            raise UnsupportedError(f"{node.name} is read with the shape {made.own}, but PyTorch recorded {wanted.own}")
        self.values[node.name] = wanted

    @contextmanager
    def counting(self, what: str, nodes: Iterable[Any]) -> Iterator[None]:
        """Check that what is read here holds the learned tensors among these nodes that were not read before, no more and no less."""
        nodes, self.pieces = list(dict.fromkeys(nodes)), ()
        taken = [part.name for part in nodes if self.is_learned(part)]
        fixed = [part.name for part in nodes if not is_size(part) and self.is_known(part.name)]
        shapes = {name: self.values[name].shape for name in taken}
        stored, before = sum((Mul(*shape) for shape in shapes.values()), Integer(0)), len(self.operations)
        yield
        made = self.operations[before:]
        for name in taken:
            self.readers.setdefault(name, set()).update(operation.name for operation in made)
        counted = sum((operation.parameters for operation in made), Integer(0))
        if stored != counted:
            tensors = ", ".join(f"{self.learned[name]} {tuple(shape)}" for name, shape in shapes.items()) or "none"
            raise UnsupportedError(
                f"{what} at {place_of(self.module)} takes the learned tensors {tensors}, {stored} numbers, but is "
                f"read with {counted} parameters\n  write instead: operators={{{what!r}: my_rule}} with a rule of your own"
            )
        self._note_reads(made, taken, fixed)

    def _note_reads(self, made: Sequence[Operation], taken: Sequence[str], fixed: Sequence[str]) -> None:
        """What the operations hold besides those that are stored tensors themselves."""
        apart = {operation.reads.node for operation in made if operation.reads is not None}
        entering = {source for operation in made for source in operation.sources}
        apart |= {name for name, buffer in self._buffers.items() if buffer.name in entering}
        learned = tuple(self.learned[name] for name in taken if name not in apart)
        reads = Reads(
            self.node.name if self.node is not None else "",
            learned,
            tuple(name for name in fixed if name not in apart),
            self.pieces,
        )
        for operation in made:
            operation.reads = operation.reads or reads

    def with_weights(self, layer: Network, *weights: Any) -> Network:
        """The layer, its weights shared under a name if another operation reads them too."""
        names = [weight.name for weight in weights if weight is not None and weight.name in self.learned]
        if any(self.uses.get(name, 0) > 1 for name in names):
            return layer.shared(self.learned[names[0]])
        return layer


_LOOKED_AT = {
    **dict.fromkeys(
        ("new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like", "zero",
         "fill", "randn_like", "rand_like", "randint_like"),
        0,
    ),
    **dict.fromkeys(("type_as", "to.other", "view_as", "reshape_as", "expand_as"), 1),
}  # fmt: skip
"""The argument of which operators look at the size or kind only."""

Rule = Callable[[Translator, Any], None]
RULES: dict[str, Rule] = {}

#: Registers a rule for operators by their names without overload; in-place variants share it.
rule = registering(RULES)


def _operator(node: Any) -> str:
    """The name of a node's operator: ``add`` for ``aten.add_.Tensor``."""
    name = getattr(node.target, "__name__", str(node.target))
    return name.split(".")[0].strip("_") or name


def _kind(layer: Network) -> str:
    """What a layer is, in small letters."""
    return type(layer.body if isinstance(layer, Shared) else layer).__name__.lower()


def argument(node: Any, place: int, name: str, default: Any = None) -> Any:
    """An argument by place or by name."""
    if len(node.args) > place:
        return node.args[place]
    return node.kwargs.get(name, default)


def is_size(node: Any) -> bool:
    """Whether a node makes a number from sizes, or checks one, and no tensor."""
    return (
        node.op == "call_function"
        and "val" in node.meta
        and not hasattr(node.meta.get("val"), "shape")
        and not isinstance(node.meta.get("val"), (tuple, list))
    )


def read_nodes(node: Any) -> list[Any]:
    """The nodes whose values an operator reads: not that of which it looks at the size or kind only."""
    name = getattr(node.target, "__name__", "")
    place = _LOOKED_AT.get(name, _LOOKED_AT.get(name.split(".")[0].rstrip("_")))
    if node.op != "call_function" or place is None or len(node.args) <= place:
        return list(node.all_input_nodes)
    looked_at, rest = node.args[place], [argument for number, argument in enumerate(node.args) if number != place]
    return [part for part in node.all_input_nodes if part is not looked_at or part in rest]


def is_tensor(value: Any) -> bool:
    return hasattr(value, "op") and hasattr(value, "meta") and not is_size(value)


def is_part(node: Any) -> bool:
    """Whether a node takes one of several results."""
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"
