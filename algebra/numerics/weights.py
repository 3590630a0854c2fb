"""The learned tensors of a network by name, and random numbers for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy

from ..arguments import as_integer, checked, shown
from ..equations.heads import Head, Pad, Read, Reduce, children, reads
from ..equations.instance import Instance
from ..errors import BudgetError, FieldError, ShapeError
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..networks.network import Join, Network
from ..records import dataclass
from .arrays import MOST_ELEMENTS, as_numbers
from .copies import Arrived, Scope, Shape, Unrolled, at_literal_sizes, inputs_of

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class Slot:
    """A tensor that a network needs.

    `fan_in` is the number of its elements that one output sums, `rows` the number of rows of the table that its
    elements are numbers of, and `table` computes what is known beforehand.
    """

    name: str
    shape: Shape
    learned: bool
    fan_in: int
    rows: int | None = None
    table: Callable[[Shape], Any] | None = None


class Inventory(Unrolled):
    """A walk that finds out which tensors a network needs, without computing anything."""

    def __init__(self, given: Sequence[Arrived]):
        super().__init__(given)
        self.slots: dict[str, Slot] = {}
        self.names: dict[tuple[str, str], str] = {}
        self._shared: dict[tuple[str, str, int], str] = {}

    def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> None:
        learned = [name for name, role in instance.roles.items() if role == "weight"]
        for name, role in instance.roles.items():
            if role not in ("weight", "buffer"):
                continue
            own = name if role == "buffer" or scope.shared is None else None
            slot_name = _under(scope.path, name) if own else self._shared_name(scope, name, learned.index(name))
            shape = tuple(int(size) for size in instance.shapes[name])
            self.names[scope.path, name] = slot_name
            table = partial(layer.tables[name], layer) if name in layer.tables else None
            slot = Slot(slot_name, shape, role == "weight", _fan_in(instance, name), _rows(instance, name), table)
            known = self.slots.setdefault(slot_name, slot)
            if _essential(known.shape) != _essential(shape):
                raise ShapeError(
                    f"the weights shared as {slot_name} have shape {known.shape} in one place and {shape} at "
                    f"{scope.path or layer}; shared tensors need the same shape, axes of size 1 apart"
                )

    def _shared_name(self, scope: Scope, name: str, place: int) -> str:
        """The k-th tensor below a name is one tensor; it is called after its first use."""
        assert scope.shared is not None
        below = _under(scope.shared, scope.below) if scope.below else scope.shared
        return self._shared.setdefault((scope.shared, scope.below, place), _under(below, name))

    def held(self, layer: Layer, instance: Instance, scope: Scope) -> None:
        self.computed(layer, instance, (), scope)

    def combined(self, node: Join, arrived: Sequence[Arrived], axis: int | None) -> None:
        return None


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _essential(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _rows(instance: Instance, tensor: str) -> int | None:
    """How many rows the smallest of the tables has that are looked up with a tensor's elements, if any is."""
    rows = [
        int(instance.shapes[read.tensor][axis])
        for statement in instance.statements for read in reads(statement.value) for axis, part in enumerate(read.address)
        if isinstance(part, Read) and part.tensor == tensor
    ]  # fmt: skip
    return min(rows, default=None)


def _fan_in(instance: Instance, tensor: str) -> int:
    """The number of terms of the innermost sums that a learned tensor's elements stand in."""
    most = 1
    for place, statement in enumerate(instance.statements):
        for points in _sums_around(statement.value, tensor, place, instance, 1):
            most = max(most, points)
    return most


def _sums_around(head: Head, tensor: str, place: int, instance: Instance, points: int) -> list[int]:
    if isinstance(head, Pad) or not any(read.tensor == tensor for read in reads(head)):
        return []
    if isinstance(head, Reduce) and head.operation == "sum":
        points = math.prod(int(instance.extents[place][index]) for index in head.indices)
    below = [found for child in children(head) for found in _sums_around(child, tensor, place, instance, points)]
    return below or [points]


def inventory(net: Network, shapes: Sequence[Shape]) -> Inventory:
    """What a network at literal sizes needs; `at_literal_sizes` comes first."""
    found = Inventory([Arrived(shape) for shape in shapes])
    found.walk(net)
    return found


@checked
def weights(net: Network, on: Any = None, seed: int = 0) -> dict[str, "ndarray"]:
    """Random numbers for everything that a network needs besides its inputs.

    Learned tensors are normally distributed, with a variance of one over the number of terms that are summed. Buffers
    (running statistics) are uniform between 1/2 and 3/2, so that their roots and quotients exist, or numbers of rows
    where they look something up, or what a layer's `tables` know; each place has buffers of its own, whatever is
    shared. A tensor's numbers depend on the seed and on its name alone.

    Parameters
    ----------
    net : Network
        Without symbols.
    on : shape, optional
        What enters an open network.
    seed : int

    Returns
    -------
    dict of str to numpy.ndarray
        By the path of the layer and the name of the tensor in its equation (``"2.0.W"``: in part 2, in its part 0), or
        the name alone for a single layer; what is shared stands under the name of the sharing.

    Raises
    ------
    FieldError
        If a size is symbolic; the message lists the symbols.
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, weights
    >>> {name: array.shape for name, array in weights(Linear(3) >> ReLU() >> Linear(2, bias=False), on=(4,)).items()}
    {'0.W': (3, 4), '0.b': (3,), '2.W': (2, 3)}
    """
    shapes = [tuple(int(size) for size in flow.shape) for flow in input_flows(on)] if _is_literal(on) else None
    if on is not None and shapes is None:
        raise FieldError(f"numbers need literal sizes, got on={shown(on)}; write numbers for its symbols")
    network, sizes = at_literal_sizes(net, shapes)
    if len(sizes) != inputs_of(network):
        raise ShapeError(f"this network takes {inputs_of(network)} inputs; pass on=[...] with as many shapes")
    return drawn(inventory(network, sizes).slots.values(), seed)


def _is_literal(on: Any) -> bool:
    return on is not None and not any(size.free_symbols for flow in input_flows(on) for size in flow.shape)


def drawn(slots: Any, seed: int) -> dict[str, "ndarray"]:
    """Random numbers for slots, each from its own name."""
    start = as_integer(seed, "seed")
    if start < 0:
        raise FieldError(f"seed must be an integer of at least 0, got {shown(seed)}")
    slots = list(slots)
    if (numbers := sum(math.prod(slot.shape) for slot in slots)) > MOST_ELEMENTS:
        raise BudgetError(f"the weights are {numbers} numbers, more than {MOST_ELEMENTS}; take smaller sizes")
    made: dict[str, ndarray] = {}
    for slot in slots:
        generator = numpy.random.default_rng([start, crc32(slot.name.encode())])
        if slot.table is not None:
            made[slot.name] = as_numbers(slot.table(slot.shape), f"the table {slot.name}")
            if made[slot.name].shape != slot.shape:
                raise ShapeError(f"the table {slot.name} must have shape {slot.shape}, got {made[slot.name].shape}")
        elif slot.rows is not None:
            made[slot.name] = generator.integers(0, slot.rows, slot.shape)
        elif slot.learned:
            made[slot.name] = generator.standard_normal(slot.shape) / math.sqrt(slot.fan_in)
        else:
            made[slot.name] = generator.uniform(0.5, 1.5, slot.shape)
    return made


def fitting(slots: Mapping[str, Slot], given: object) -> dict[str, "ndarray"]:
    """Weights that a user passed, if they are what the network needs: none missing, none unknown, every shape right."""
    if not isinstance(given, Mapping):
        raise FieldError(
            f"weights are a mapping of names to arrays, as la.weights(net) returns; got {type(given).__name__}"
        )
    wanted = ", ".join(f"{slot.name} {slot.shape}" for slot in list(slots.values())[:20]) or "none"
    if len(slots) > 20:
        wanted += f" and {len(slots) - 20} more"
    unknown = [str(name) for name in given if name not in slots]
    if unknown:
        raise FieldError(f"there are no weights called {', '.join(unknown[:10])}; this network needs {wanted}")
    missing = [name for name in slots if name not in given]
    if missing:
        raise FieldError(f"the weights {', '.join(missing[:10])} are missing; this network needs {wanted}")
    arrays = {name: as_numbers(given[name], f"the weights {name}") for name in slots}
    for name, array in arrays.items():
        if array.shape != slots[name].shape:
            raise ShapeError(f"the weights {name} must have shape {slots[name].shape}, got {array.shape}")
    return arrays
