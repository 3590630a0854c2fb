"""What importers share: the tensors of a model, how layers are placed among them, and the operators that every framework has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Add, Concat, Network
from ...algebra.networks.network import Mul as Product
from ...algebra.sizes.normal_form import simplify
from .. import activation, arithmetic, pooling, reshape
from .checks import Steps
from .products import matrix_product
from .record import Operation

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
    """The operations of a model in order, and the operators from which rules are made; a `label` names an operation."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.module: tuple[str, ...] = ()
        self.steps = Steps()

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
        name = self.named(label)
        made = Tensor(name, shape, batched, turned=turned)
        where = f"{name} at {'.'.join(self.module)}" if self.module else name
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

    def reshaped(self, value: Tensor, shape: Shape, batched: bool = False, label: str = "") -> Tensor:
        own = shape[1:] if batched else shape
        if value.own == own:
            return Tensor(value.name, shape, batched)
        return self.add(reshape.Reshape(own), [value], shape, batched, label)

    def repeated(self, value: Tensor, shape: Shape, label: str = "") -> Tensor:
        """Axes of size 1 repeated to a shape with equally many axes."""
        target = shape[1:] if value.batched else shape
        axes = tuple(axis for axis, (a, b) in enumerate(zip(value.own, target)) if a != b)
        if not axes:
            return Tensor(value.name, shape, value.batched)
        return self.add(arithmetic.Expand(axes, target), [value], shape, value.batched, label)

    def aligned(
        self, values: Sequence[Tensor], shape: Shape, stretch: bool, label: str = "", names: Sequence[str] = ("", "")
    ) -> list[Tensor]:
        """Tensors with equally many axes; those of size 1 repeated (`stretch`) where a join does not do it by itself."""
        rank = len(shape)
        batched = any(value.batched for value in values) and all(value.wide(rank)[0] == 1 for value in values)
        made = []
        for value, name in zip(values, names):
            value = self.reshaped(value, value.wide(rank), batched, f"{label}_axes_{name}")
            made.append(self.repeated(value, shape, f"{label}_wide_{name}") if stretch else value)
        return made

    def masked(self, values: Iterable[tuple[str, Tensor]], shape: Shape, label: str = "") -> Tensor:
        """The sum of tensors under a fixed mask of a shape."""
        made = []
        for name, value in values:
            wide = value.wide(len(shape))
            batched = value.batched and wide[0] == shape[0] == 1 and len(wide) == len(value.shape)
            value = self.reshaped(value, wide, batched, f"{label}_axes_{name}")
            value = self.repeated(value, shape, f"{label}_wide_{name}")
            made.append(self.add(arithmetic.Masked(), [value], shape, batched, f"{label}_{name}"))
        return self.add(Add(), made, shape, made[0].batched, label) if len(made) > 1 else made[0]

    def cut(self, value: Tensor, axis: int, start: Any, length: Expr, label: str = "", step: int = 1) -> Tensor:
        """A part of a tensor along an axis."""
        layer = arithmetic.Slice(axis - value.batched, start, length, len(value.own), step)
        shape = (*value.shape[:axis], length, *value.shape[axis + 1 :])
        return self.add(layer, [value], shape, value.batched, label)

    def concatenated(self, values: Sequence[Tensor], axis: int, label: str = "") -> Tensor:
        axis %= len(values[0].shape)
        batched = axis > 0 and all(value.batched or value.shape[0] == 1 for value in values)
        parts = [(self.example if batched else self.whole)(value) for value in values]
        length = simplify(sum((part.shape[axis] for part in parts), Integer(0)))
        shape = (*parts[0].shape[:axis], length, *parts[0].shape[axis + 1 :])
        return self.add(Concat(axis=axis - batched), parts, shape, batched, label)

    def product(self, left: Tensor, right: Tensor, label: str) -> Tensor:
        """The product of two tensors as matrices, their leading axes broadcast."""
        rank = max(len(left.shape), len(right.shape))
        pair = [left, right]
        batched = any(v.batched for v in pair) and all(v.batched or len(v.shape) < rank for v in pair)
        if not batched:
            pair = [self.whole(value) for value in pair]
        *given, spec, shape = matrix_product(pair[0].own, pair[1].own, label)
        for place, own in enumerate(given):
            value = pair[place]
            wanted = (Integer(1), *own) if value.batched else tuple(own)
            pair[place] = self.reshaped(value, wanted, value.batched, f"{label}_{value.name}")
        return self.add(arithmetic.Einsum(spec), pair, (Integer(1), *shape) if batched else shape, batched, label)

    def reduced(
        self, kind: Callable[..., Network], value: Tensor, over: Iterable[int], keep: bool, label: str = ""
    ) -> Tensor:
        """A sum, mean or the like over axes, which are kept with size 1 if asked for."""
        rank = len(value.shape)
        axes = sorted({int(axis) % rank for axis in over})
        batched = value.batched and 0 not in axes and len(axes) < rank - 1  # an axis is kept, if only that of the batch
        kept = tuple(Integer(1) if axis in axes else size for axis, size in enumerate(value.shape))
        left = tuple(size for axis, size in enumerate(value.shape) if axis not in axes)
        if kind is arithmetic.Mean and batched and rank > 3 and axes == list(range(2, rank)):
            pool = pooling.AdaptiveAvgPool(1) if keep else pooling.GlobalAvgPool()
            return self.add(pool, [value], kept if keep else left, True, label)
        layer = kind(tuple(axis - batched for axis in axes), rank - batched)
        source = value if batched else self.whole(value)
        made = self.add(layer, [source], left, batched, f"{label}_reduced" if keep else label)
        if not keep:
            return made
        return self.add(reshape.Reshape(kept[1:] if batched else kept), [made], kept, batched, label)


def per_axis(value: Any) -> Any:
    """A number, or one for each axis where they differ."""
    numbers = [int(number) for number in (value if isinstance(value, (tuple, list)) else [value])]
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def softmax_along(place: int, rank: int) -> Network:
    """Softmax along an axis: the axis last, and back."""
    if place == rank - 1:
        return activation.Softmax()
    order = (*(other for other in range(rank) if other != place), place)
    back = tuple(order.index(other) for other in range(rank))
    return reshape.Permute(order) >> activation.Softmax() >> reshape.Permute(back)


def over_last_axes(layer: Network, own: Shape, count: int) -> Network:
    """A layer over the last axes taken as one."""
    if count == 1:
        return layer
    flat = (*own[: max(len(own) - count, 0)], simplify(Mul(*own[-count:])))
    return reshape.Reshape(flat) >> layer >> reshape.Reshape(own)


FUNCTIONS: dict[str, Callable[[], Network]] = {
    "relu": activation.ReLU, "sigmoid": activation.Sigmoid, "tanh": activation.Tanh, "mish": activation.Mish, "abs": activation.Abs,
    "exp": arithmetic.Exp, "log": arithmetic.Log, "sqrt": arithmetic.Sqrt, "sin": activation.Sine, "softplus": activation.Softplus,
    "neg": lambda: arithmetic.Scale(-1),
}  # fmt: skip
"""Functions of one tensor that PyTorch and ONNX call by the same names."""

ARITHMETIC: dict[str, tuple[Callable[[Any], Network], Callable[[], Network], bool]] = {
    "add": (arithmetic.Shift, Add, False), "sub": (lambda number: arithmetic.Shift(-number), arithmetic.Subtract, True),
    "mul": (arithmetic.Scale, Product, False), "div": (lambda number: arithmetic.Scale(1 / number), arithmetic.Divide, True),
}  # fmt: skip
"""A tensor with a number on its right, two tensors, and whether axes of size 1 are to be repeated for that."""
