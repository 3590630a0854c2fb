"""What importers share: the tensors of a model, and how layers are placed among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.records import dataclass
from .. import arithmetic, reshape
from .checks import Steps
from .record import Operation, place_of

Shape = tuple[Expr, ...]


@dataclass
class Tensor:
    """A tensor of a model: the operation that makes it, its shape in the framework, and how ours differs from it.

    `batched`: ours lacks the leading batch axis of size 1; `turned`: ours has channels first instead of last.
    `weight`: no operation has made it yet; `fixed`: it depends on neither an input nor a learned tensor.
    """

    name: str
    shape: Shape
    batched: bool = False
    weight: bool = False
    fixed: bool = False
    turned: bool = False

    @property
    def own(self) -> Shape:
        """The shape of our tensor; a single number has an axis of size 1."""
        shape = (self.shape[1:] if self.batched else self.shape) or (Integer(1),)
        return (*shape[-1:], *shape[:-1]) if self.turned else shape

    def wide(self, rank: int) -> Shape:
        """The shape with axes of size 1 before it, up to a number of axes."""
        return (*(Integer(1),) * (rank - len(self.shape)), *self.shape)


class Tensors:
    """The operations of a model in order; a `label` names an operation. `arrays` has what can be done to tensors."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.module: tuple[str, ...] = ()
        self.steps = Steps()
        self.orders: dict[str, tuple[Tensor, list[int]]] = {}
        self._taken: dict[str, int] = {}

    def _distinct(self, name: str) -> str:
        """The name, numbered if an operation has it already."""
        self._taken[name] = count = self._taken.get(name, 0) + 1
        return name if count == 1 else self._distinct(f"{name}_{count}")

    def named(self, label: str) -> str:
        """The name of the next operation."""
        return label

    def add(
        self,
        layer: Network,
        sources: Sequence[Tensor],
        shape: Shape,
        batched: bool = False,
        label: str = "",
        turned: bool = False,
    ) -> Tensor:
        """Record an operation; the tensor that it makes."""
        name = self._distinct(self.named(label))
        made = Tensor(name, shape, batched, turned=turned)
        where = f"{name} at {place_of(self.module)}" if self.module else name
        count = self.steps.checked(layer, [source.own for source in sources], made.own, where)
        self.operations.append(Operation(name, layer, [source.name for source in sources], self.module, count))
        return made

    def stored(self, shape: Shape, learned: bool, shared: str = "", label: str = "") -> Tensor:
        """A stored tensor that is used as it is: a layer without an input, shared under a name if one is given."""
        shape = shape or (Integer(1),)
        layer: Network = (arithmetic.Parameter if learned else arithmetic.Buffer)(shape)
        return self.add(layer.shared(shared) if shared else layer, [], shape, False, label)

    def whole(self, value: Tensor) -> Tensor:
        """A tensor with all its axes."""
        if not value.batched:
            return value
        label = f"{value.name}_whole{len(self.operations)}"
        return self.add(reshape.Reshape(value.shape), [value], value.shape, False, label)

    def example(self, value: Tensor, refusal: str = "") -> Tensor:
        """A tensor without its leading axis of size 1; refused if it has none."""
        if value.batched:
            return value
        if not value.shape or value.shape[0] != 1:
            raise UnsupportedError(refusal)
        label = f"{value.name}_example{len(self.operations)}"
        return self.add(reshape.Reshape(value.shape[1:]), [value], value.shape, True, label)


def per_axis(value: Any) -> Any:
    """A number, or one for each axis where they differ."""
    numbers = [int(number) for number in (value if isinstance(value, (tuple, list)) else [value])]
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
