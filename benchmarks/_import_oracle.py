"""What PyTorch itself counts for a model: distinct learned tensors, those that act on what is returned, products, and shapes.

Nothing here is shared with what is measured: the model runs, on tensors without memory, and is looked at from outside. Products are those
of `FlopCounterMode`, which counts two for each; attention runs in its parts, since in one piece it is not counted on the CPU. That
counter does not know products of a matrix and a vector, which are added. What runs without acting on what is returned, such as a pooler
whose result nobody reads, is told from the memory that every operation reads and writes. Which tensors act is asked of autograd.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


def _shape(value: Any) -> Any:
    return value.shape if isinstance(value, torch.Tensor) else value


def _matrix_vector(matrix: Any, vector: Any, *_: Any, **__: Any) -> int:
    return 2 * math.prod(_shape(matrix))


def _added_matrix_vector(own: Any, matrix: Any, vector: Any, *_: Any, **__: Any) -> int:
    return 2 * math.prod(_shape(matrix))


def _trilinear(first: Any, weight: Any, second: Any, *_: Any, **__: Any) -> int:
    """A bilinear map: the first row times the table, then the second."""
    out, entering, other = _shape(weight)
    return 2 * math.prod(_shape(first)[:-1]) * out * other * (entering + 1)


def _grouped(first: Any, second: Any, *_: Any, **__: Any) -> int:
    """Every row of the first with the matrix of its group."""
    return 2 * math.prod(_shape(first)) * _shape(second)[-1]


FURTHER = {
    torch.ops.aten._grouped_mm: _grouped,
    torch.ops.aten._trilinear: _trilinear,
    torch.ops.aten.mv: _matrix_vector,
    torch.ops.aten.dot: _matrix_vector,
    torch.ops.aten.addmv: _added_matrix_vector,
}


@dataclass(frozen=True)
class Counted:
    """Parameters by their names (distinct tensors once), the names of those that act, products, and the shapes that are returned.

    `acting` is None where autograd does not follow the model without memory. `fixed` are further products that are counted as well, of
    numbers that depend neither on an input nor on a learned tensor: they are worked out once.
    """

    stored: dict[str, int]
    acting: frozenset[str] | None
    products: int
    shapes: tuple[tuple[int, ...], ...]
    fixed: int = 0

    @property
    def parameters(self) -> int:
        return sum(self.stored.values())


def tensors(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """The tensors in what a model returns, each once: in tuples, dictionaries, records, and caches."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, (str, bytes, int, float, torch.nn.Module, type(None))):
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part, seen)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors(part, seen)
    elif isinstance(
        getattr(value, "keys", None), torch.Tensor
    ):  # a layer of a cache, which counts what it was given besides
        yield from tensors(value.keys, seen)
        yield from tensors(value.values, seen)
    elif hasattr(value, "__dict__"):
        for part in vars(value).values():
            yield from tensors(part, seen)


def examples(
    shapes: Sequence[Sequence[int]], integers: bool, device: str = "meta", within: tuple[float, float] = (0.0, 0.0)
) -> list[Any]:
    """Inputs with a batch of one."""
    if integers:
        return [torch.zeros((1, *shape), dtype=torch.long, device=device) for shape in shapes]
    low, high = within
    if low == high:
        return [torch.zeros((1, *shape), device=device) for shape in shapes]
    generator = torch.Generator().manual_seed(0)
    return [low + (high - low) * torch.rand((1, *shape), generator=generator) for shape in shapes]


class _Written(TorchDispatchMode):
    """Every operation in order: what `FlopCounterMode` counted for it, and the memory that it read and wrote."""

    def __init__(self, counter: FlopCounterMode):
        super().__init__()
        self.counter = counter
        self.operations: list[tuple[int, set[int], set[int]]] = []
        self.seen: dict[int, StorageWeakRef] = {}  # while they are held, their numbers are given to no other memory

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = self.counter.get_total_flops()
        made = function(*args, **(kwargs or {}))
        self.operations.append(
            (self.counter.get_total_flops() - before, self.memory((args, kwargs)), self.memory(made))
        )
        return made

    def memory(self, values: Any) -> set[int]:
        held = [StorageWeakRef(one.untyped_storage()) for one in tree_leaves(values) if isinstance(one, torch.Tensor)]
        self.seen.update((one.cdata, one) for one in held)
        return {one.cdata for one in held}

    def acting(self, returned: Any, entering: Any) -> tuple[int, int]:
        """Floating-point operations of what the returned tensors depend on: all of them, and those on fixed numbers alone.

        Fixed is what depends on no `entering` tensor: angles of positions, say, which are the same for every input and all weights.
        """
        moving = self.memory(entering)
        fixed = []
        for _, read, written in self.operations:
            fixed.append(not read & moving)
            if read & moving:
                moving |= written
        total, alone, live = 0, 0, self.memory(returned)
        for (flops, read, written), still in zip(reversed(self.operations), reversed(fixed)):
            if written & live:
                total += flops
                alone += flops if still else 0
                live |= read
        return total, alone


def counted(module: Any, shapes: Sequence[Sequence[int]], integers: bool, device: str = "meta") -> Counted:
    """What PyTorch counts for a model; the model is moved to the device before."""
    module = module.eval()
    counter = FlopCounterMode(display=False, custom_mapping=FURTHER)
    math_only = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with counter, _Written(counter) as written, torch.no_grad(), math_only, _requiring_gradients(module, False):
        given = examples(shapes, integers, device)
        found = list(tensors(module(*given)))
        total, alone = written.acting(found, [given, *module.parameters()])
    stored = {name: parameter.numel() for name, parameter in module.named_parameters()}
    try:
        acting = _acting(module, shapes, integers, device)
    except (RuntimeError, AssertionError):
        acting = None
    return Counted(
        stored, acting, (total - alone) // 2,
        tuple(tuple(tensor.shape) for tensor in found), alone // 2,
    )  # fmt: skip


@contextmanager
def _requiring_gradients(module: Any, wanted: bool) -> Iterator[None]:
    """All parameters ask for gradients, or none: the counter's hooks stumble over a view of one that does where none are kept."""
    before = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    for parameter, _ in before:
        if parameter.is_floating_point():
            parameter.requires_grad_(wanted)
    try:
        yield
    finally:
        for parameter, was in before:
            parameter.requires_grad_(was)


def _acting(module: Any, shapes: Sequence[Sequence[int]], integers: bool, device: str) -> frozenset[str]:
    """The parameters that autograd reaches from what is returned."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    with _requiring_gradients(module, True):
        found = list(tensors(module(*examples(shapes, integers, device))))
    stack = [tensor.grad_fn for tensor in found if tensor.grad_fn is not None]
    reached = {names[id(tensor)] for tensor in found if id(tensor) in names}
    seen = set(stack)
    while stack:
        node = stack.pop()
        if id(getattr(node, "variable", None)) in names:
            reached.add(names[id(node.variable)])
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                stack.append(before)
    return frozenset(reached)
