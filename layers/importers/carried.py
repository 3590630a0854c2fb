"""The numbers of an imported model for its network: which stored tensor each layer holds, and how it is cut for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from sympy import Symbol

from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network, Shared
from ...algebra.records import dataclass
from .. import normalization
from .built import Built, Path
from .record import Operation, Reads

if TYPE_CHECKING:
    from numpy import ndarray

_ORDERS: dict[type[Layer], tuple[str, ...]] = {normalization.BatchNorm: ("g", "b", "m", "v")}
"""The order in which frameworks take the tensors of a layer, where it is not that of its equation."""


class Numbers(Protocol):
    """The tensors of a framework at literal sizes."""

    def learned(self, name: str) -> "ndarray":
        """A stored tensor by its name."""

    def fixed(self, name: str) -> "ndarray":
        """A value that depends on neither an input nor a learned tensor."""

    def special(self, node: str, layer: Layer, number: int, shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, Any]:
        """The tensors of the `number`-th such layer of an operator that are no stored ones as they are, by their names in its equation."""


@dataclass(frozen=True)
class _Slot:
    """A tensor that a layer of an operation holds."""

    inner: Path
    name: str
    slot: str
    shape: tuple[int, ...]
    learned: bool
    table: Callable[[tuple[int, ...]], Any] | None


@dataclass
class Carrier:
    """Carries the numbers of a framework's model to its network."""

    net: Network
    built: Built
    operations: Sequence[Operation]
    numbers: Callable[[Mapping[str, Any], Mapping[Symbol, int]], Numbers] = field(repr=False)

    def weights(self, tensors: Mapping[str, Any], sizes: Mapping[Symbol, int]) -> dict[str, "ndarray"]:
        """Numbers by the names of `la.weights`."""
        from ...algebra.numerics.copies import at_literal_sizes
        from ...algebra.numerics.weights import inventory

        network, shapes = at_literal_sizes(self.net.xreplace(dict(sizes)), None)
        needed = inventory(network, shapes)
        numbers = self.numbers(tensors, sizes)
        found: dict[str, ndarray] = {}
        slots = self._slots(needed)
        for reads, operations in self._by_reads():
            for slot, array in _assigned(reads, operations, slots, numbers):
                found[slot.slot] = _fitted(array, slot, operations[0])
        missing = [name for name in needed.slots if name not in found]
        if missing:
            raise UnsupportedError(f"it is not known where the model stores {', '.join(missing[:5])}")
        return found

    def _slots(self, needed: Any) -> dict[str, list[_Slot]]:
        """The tensors that each operation holds, in the order in which its network is walked."""
        standing = {".".join(place.path): place for place in self.built.places}
        made: dict[str, list[_Slot]] = {}
        for (path, name), slot in needed.names.items():
            parts = path.split(".") if path else []
            for length in range(len(parts), -1, -1):
                place = standing.get(".".join(parts[:length]))
                if place is not None:
                    known = needed.slots[slot]
                    inner = (*place.inner, *parts[length:])
                    made.setdefault(place.operation, []).append(
                        _Slot(inner, name, slot, known.shape, known.learned, known.table)
                    )
                    break
        return made

    def _by_reads(self) -> Iterator[tuple[Reads, list[Operation]]]:
        """What the operators took, each with its operations that hold something."""
        groups: dict[int, tuple[Reads, list[Operation]]] = {}
        for operation in self.operations:
            if operation.reads is not None:
                groups.setdefault(id(operation.reads), (operation.reads, []))[1].append(operation)
        yield from groups.values()


def _assigned(
    reads: Reads, operations: Sequence[Operation], slots: Mapping[str, Sequence[_Slot]], numbers: Numbers
) -> Iterator[tuple[_Slot, Any]]:
    from ...algebra.numerics.arrays import as_numbers

    learned, fixed, layers = iter(reads.learned), iter(reads.fixed), 0
    for operation in operations:
        for inner, own in _by_layer(slots.get(operation.name, ())).items():
            layer = _layer(operation.node, inner)
            special = numbers.special(reads.node, layer, layers, {slot.name: slot.shape for slot in own})
            for slot in _ordered(layer, own):
                if slot.name in special:
                    yield slot, special[slot.name]
                elif slot.table is not None:  # the layer itself knows it
                    yield slot, as_numbers(slot.table(slot.shape), f"the table {slot.name}")
                elif reads.pieces and slot.learned:
                    piece = reads.pieces[layers][slot.name]
                    rows = numbers.learned(piece.tensor)
                    length = len(rows) // piece.of
                    yield slot, rows[piece.part * length : (piece.part + 1) * length]
                else:
                    name = next(learned if slot.learned else fixed, None)
                    if name is None:
                        raise UnsupportedError(
                            f"{operation.name}: it is not known where the model stores {slot.name} of {layer}"
                        )
                    yield slot, numbers.learned(name) if slot.learned else numbers.fixed(name)
            layers += 1


def _by_layer(slots: Sequence[_Slot]) -> dict[Path, list[_Slot]]:
    found: dict[Path, list[_Slot]] = {}
    for slot in slots:
        found.setdefault(slot.inner, []).append(slot)
    return found


def _ordered(layer: Layer, slots: Sequence[_Slot]) -> list[_Slot]:
    order = _ORDERS.get(type(layer), ())
    return sorted(slots, key=lambda slot: order.index(slot.name) if slot.name in order else 0)


def _layer(net: Network, inner: Path) -> Layer:
    """The layer at a path."""
    while isinstance(net, Shared):
        net = net.body
    if not inner:
        assert isinstance(net, Layer)
        return net
    parts: Sequence[Network] = net.parts if hasattr(net, "parts") else net.branches  # type: ignore[attr-defined]
    return _layer(parts[int(inner[0])], inner[1:])


def _fitted(array: Any, slot: _Slot, operation: Operation) -> Any:
    """An array in the shape that a layer has for it: axes may be split or joined, as those of grouped channels are, but not moved."""
    if not _refines(slot.shape, array.shape) and not _refines(array.shape, slot.shape):
        raise UnsupportedError(
            f"{operation.name}: the layer {operation.node} holds {slot.name} as {slot.shape}, the model stores {tuple(array.shape)}"
        )
    return array.reshape(slot.shape)


def _refines(fine: Sequence[int], coarse: Sequence[int]) -> bool:
    """Whether axes of one shape, some together, are those of the other; axes of size 1 apart."""
    rest = [size for size in fine if size != 1]
    for size in (one for one in coarse if one != 1):
        product = 1
        while product < size and rest:
            product *= rest.pop(0)
        if product != size:
            return False
    return not rest


def named(tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given, if it is a mapping of names to tensors."""
    if not isinstance(tensors, Mapping) or not all(isinstance(name, str) for name in tensors):
        raise FieldError(f"weights are a mapping of names to tensors, got {type(tensors).__name__}")
    return tensors
