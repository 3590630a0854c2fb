"""Any equation as a PyTorch module: the heads folded over tensors with gradients.

Addresses and masks do not depend on what is learned, so that they are worked out once, in integers, by the numeric semantics; what is
left for PyTorch is indexing, sums of products and elementwise functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import torch

from ...algebra.equations.heads import (
    Address,
    Apply,
    Constant,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    address_indices,
    unknown_head,
)
from ...algebra.equations.initial_lines import Given
from ...algebra.equations.instance import Instance
from ...algebra.equations.recurrences import Recurrence
from ...algebra.errors import UnsupportedError
from ...algebra.numerics.addresses import Addresses
from ...algebra.numerics.arrays import Labelled, united
from ...algebra.numerics.steps import given_at, place_of, steps_of
from ...algebra.sizes.dims import Index

_FUNCTIONS = {
    "relu": torch.relu, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "erf": torch.erf, "sin": torch.sin, "cos": torch.cos, "softplus": torch.nn.functional.softplus,
    "max": torch.maximum, "min": torch.minimum, "divide": torch.div, "power": torch.pow, "pow": torch.pow, "tan": torch.tan, "asin": torch.asin,
    "acos": torch.acos, "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh, "asinh": torch.asinh, "acosh": torch.acosh, "atanh": torch.atanh,
    "floor": torch.floor, "ceil": torch.ceil, "trunc": torch.trunc, "round": torch.round, "sign": torch.sign,
    "less": lambda one, two: (one < two).to(one.dtype), "equal": lambda one, two: (one == two).to(one.dtype),
    "choose": lambda condition, one, two: torch.where(condition != 0, one, two), "bitand": lambda one, two: (one.long() & two.long()).to(one.dtype),
    "mod": torch.remainder, "fmod": torch.fmod,
    "bitor": lambda one, two: (one.long() | two.long()).to(one.dtype), "bitxor": lambda one, two: (one.long() ^ two.long()).to(one.dtype),
}  # fmt: skip
"""PyTorch's elementwise functions for those of the equation language."""


_RANKED = Index("rank")
"""The axis along which a selection has put all elements in order."""


class Axes(NamedTuple):
    """A tensor and the index that runs along each of its axes."""

    indices: tuple[Index, ...]
    values: torch.Tensor


def align(part: Axes, indices: Sequence[Index]) -> torch.Tensor:
    """A tensor with its axes in the order of `indices`, and axes of size 1 for those that it lacks."""
    present = [index for index in indices if index in part.indices]
    values = part.values.permute([part.indices.index(index) for index in present]) if present else part.values
    return values.reshape([values.shape[present.index(index)] if index in part.indices else 1 for index in indices])


class EquationModule(torch.nn.Module):
    """One layer at literal sizes, for tensors with a batch axis before the layer's own axes."""

    def __init__(self, instance: Instance):
        super().__init__()
        if instance.layer.opaque:
            raise UnsupportedError(f"{instance.layer} is opaque: no equation says what it computes")
        self.instance = instance
        self.label = str(instance.layer)
        for name, shape in instance.weights().items():
            sizes = [int(size) for size in shape]
            bound = max(1, sizes[-1] if len(sizes) > 1 else 1) ** -0.5
            self.register_parameter(f"weight_{name}", torch.nn.Parameter(torch.empty(sizes).uniform_(-bound, bound)))
        for name, role in instance.roles.items():
            if role == "buffer":
                self.register_buffer(f"buffer_{name}", torch.ones([int(size) for size in instance.shapes[name]]))

    def forward(self, *inputs: torch.Tensor) -> Any:
        if not inputs:
            return self._example()
        return torch.vmap(self._example)(*inputs)

    def _example(self, *inputs: torch.Tensor) -> Any:
        tensors = dict(zip(self.instance.layer.input_names, inputs))
        for name, role in self.instance.roles.items():
            if role in ("weight", "buffer"):
                tensors[name] = getattr(self, f"{role}_{name}")
        return _Fold(self.instance, tensors).run()

    def extra_repr(self) -> str:
        return self.label


class _Fold(Addresses):
    def __init__(self, instance: Instance, tensors: dict[str, torch.Tensor]):
        super().__init__(instance)
        self.tensors = tensors
        self.kind = next((t.dtype for t in tensors.values() if t.is_floating_point()), torch.get_default_dtype())
        self.device = next((t.device for t in tensors.values()), torch.device("cpu"))
        self.steps: dict[str, dict[tuple[int, ...], torch.Tensor]] = {}

    def look_up(self, read: Read) -> Any:
        return self._fold(read)

    def run(self) -> Any:
        for first, last, recurrence in self.instance.order:
            if recurrence is None:
                self._statement(first)
            elif live := [other for other in range(first, last + 1) if other in self.instance.live]:
                self._recur(live, recurrence)
        made = {name: self.tensors[name] for name in self.instance.outputs}
        return made[self.instance.root] if len(made) == 1 else made

    def _recur(self, places: list[int], recurrence: Recurrence) -> None:
        """One step after the other; steps are collected and stacked, since what is differentiated is not written over."""
        statements = self.instance.statements
        for place in places:
            if not recurrence.covers(statements[place]):
                self._statement(place)  # it reads nothing of the recurrence
        places = [place for place in places if recurrence.covers(statements[place])]
        self.steps = {statements[place].target: {} for place in places}
        for step in steps_of(self.instance, places, recurrence):
            self.step = step
            for place in places:
                if all(at < int(self.instance.extents[place][index]) for index, at in step.items()):
                    given = given_at(self.instance, place, step)
                    if given is None:
                        self._statement(place)
                    else:
                        self._copy(place, given)
        self.step = {}
        for name in list(self.steps):
            self.tensors[name] = self._so_far(name)
        self.steps = {}

    def _key(self, name: str) -> tuple[int, ...]:
        """The present step of a tensor, a number for each of its axes of steps."""
        address = self.instance.statements[self.instance.places[name]].address
        return tuple(self.step[part] for part in address if isinstance(part, Index) and part in self.step)

    def _axes_of_steps(self, name: str) -> list[int]:
        place = self.instance.places[name]
        address, running = self.instance.statements[place].address, self.instance.recurrent[place].running
        return [axis for axis, part in enumerate(address) if part in running]

    def _copy(self, place: int, given: Given) -> None:
        """A step that a line of its own gives."""
        statement = self.instance.statements[place]
        where = [
            self.step[part] if isinstance(part, Index) and part in self.step else slice(None)
            for part in statement.address
        ]
        del where[given.axis]
        self.steps[statement.target][self._key(statement.target)] = self.tensors[given.tensor][tuple(where)]

    def _present(self, name: str, parts: Sequence[Axes]) -> torch.Tensor:
        """The one step that is read, as a tensor with one step; or all steps, if several are read."""
        axes = self._axes_of_steps(name)
        if any(parts[axis].values.numel() != 1 for axis in axes):
            return self._so_far(name)
        element = self.steps[name].get(tuple(int(parts[axis].values.reshape(-1)[0]) for axis in axes))
        if element is None:
            rest = [int(size) for axis, size in enumerate(self.instance.shapes[name]) if axis not in axes]
            element = torch.zeros(rest, dtype=self.kind, device=self.device)
        for axis in axes:
            element = element.unsqueeze(axis)
        return element

    def _so_far(self, name: str) -> torch.Tensor:
        """All steps of a tensor, zero where none is computed yet."""
        axes = self._axes_of_steps(name)
        shape = [int(size) for size in self.instance.shapes[name]]
        rest = [size for axis, size in enumerate(shape) if axis not in axes]
        none = torch.zeros(rest, dtype=self.kind, device=self.device)
        keys = product(*(range(shape[axis]) for axis in axes))
        stacked = torch.stack([self.steps[name].get(key, none) for key in keys]).reshape(
            [*(shape[a] for a in axes), *rest]
        )
        return torch.movedim(stacked, list(range(len(axes))), axes)

    def _statement(self, place: int) -> None:
        self.place = place
        statement = self.instance.statements[place]
        bound = united(*(sorted(address_indices(part), key=str) for part in statement.address))
        if statement.scatters and self.step:
            raise UnsupportedError(f"{self.instance.layer}: a lookup on the left of {statement.target} in a recurrence")
        made = self._fold(statement.value)
        made = self._masked(made, frozenset(bound), 0.0, only_within=True)
        sizes = [len(self.points(index)) for index in bound]
        values = align(made, bound).expand(sizes)
        name = statement.target
        plain = tuple(statement.address) == bound
        shape = [int(size) for size in self.instance.shapes[name]]
        parts = list(statement.address)
        if self.step:
            for axis in reversed(self._axes_of_steps(name)):
                del parts[axis], shape[axis]
        if plain:
            values = values.reshape(shape)
        else:
            flat = self._flat([self._place_of(part) for part in parts], bound, shape)
            values = self._joined(statement.joined, flat, values.expand(sizes), bound, prod(shape)).reshape(shape)
        if self.step:
            self.steps[name][self._key(name)] = values
        else:
            self.tensors[name] = values

    def _joined(
        self, how: str, flat: torch.Tensor, values: torch.Tensor, bound: Sequence[Index], count: int
    ) -> torch.Tensor:
        """What falls on each of so many places, joined; zero where nothing does."""
        places, falling = flat.expand(values.shape).reshape(-1), values.reshape(-1)
        target = torch.zeros(count, dtype=values.dtype, device=values.device)
        if how == "sum":
            return target.scatter_add(0, places, falling)
        permitted = self.permitted(frozenset(bound), only_within=True)
        held = (
            torch.ones_like(values) if permitted is None else align(self._held(permitted), bound).expand(values.shape)
        )
        points = target.scatter_add(0, places, held.reshape(-1).to(values.dtype))
        if how == "mean":
            return target.scatter_add(0, places, falling) / points.clamp(min=1)
        none = {"max": -torch.inf, "min": torch.inf}[how]
        only = torch.where(held.reshape(-1) != 0, falling, torch.full_like(falling, none))
        made = torch.full_like(target, none).scatter_reduce(0, places, only, {"max": "amax", "min": "amin"}[how])
        return torch.where(points > 0, made, torch.zeros_like(made))

    def _place_of(self, part: Address) -> Axes | Labelled:
        """One component of an address; a lookup's places are the elements of another tensor."""
        if isinstance(part, Read):
            found = self._fold(part)
            return Axes(found.indices, found.values.long())
        return self.address(part)

    def _flat(self, parts: Sequence[Axes | Labelled], indices: Sequence[Index], shape: Sequence[int]) -> torch.Tensor:
        """Addresses as places in a tensor's elements written one after the other."""
        total = torch.zeros([1] * len(indices), dtype=torch.long, device=self.device)
        for part, size in zip(parts, shape):
            total = total * size + align(self._tensor(part), indices)
        return total

    def _tensor(self, part: Axes | Labelled) -> Axes:
        """Places as a tensor, whoever worked them out."""
        if isinstance(part, Axes):
            return part
        return Axes(part.indices, torch.as_tensor(part.values.astype("int64"), device=self.device))

    def _masked(self, made: Axes, indices: frozenset[Index], otherwise: float, *, only_within: bool = False) -> Axes:
        permitted = self.permitted(indices, only_within=only_within)
        if permitted is None:
            return made
        both = united(made.indices, permitted.indices)
        held = Axes(permitted.indices, torch.as_tensor(permitted.values, device=self.device))
        values = align(made, both)
        return Axes(both, torch.where(align(held, both), values, torch.full_like(values, otherwise)))

    def _fold(self, head: Head) -> Axes:
        if isinstance(head, Constant):
            return Axes((), torch.tensor(float(head.value), dtype=self.kind, device=self.device))
        if isinstance(head, IndexValue):
            known = self.integers(head.value)
            return Axes(
                known.indices, torch.as_tensor(known.values.astype("float64"), device=self.device).to(self.kind)
            )
        if isinstance(head, Read):
            return self._read(head)
        if isinstance(head, Plus):
            return self._elementwise(lambda *terms: sum(terms[1:], terms[0]), [self._fold(term) for term in head.terms])
        if isinstance(head, Times):
            return self._contracted([self._fold(factor) for factor in head.factors], ())
        if isinstance(head, Apply):
            return self._elementwise(_FUNCTIONS[head.function], [self._fold(argument) for argument in head.arguments])
        if isinstance(head, Reduce):
            return self._reduce(head)
        if isinstance(head, Softmax):
            body = self._masked(self._over(self._fold(head.body), head.indices), frozenset(head.indices), -torch.inf)
            order = (*(index for index in body.indices if index not in head.indices), *head.indices)
            values = align(body, order)
            kept = values.shape[: len(order) - len(head.indices)]
            raised = torch.softmax(values.reshape([*kept, -1]), dim=-1).reshape(values.shape)
            return Axes(order, torch.nan_to_num(raised))
        if isinstance(head, Select):
            return self._select(head)
        if isinstance(head, Pad):
            return self._pad(head)
        raise unknown_head(head, "computed")

    def _elementwise(self, function: Any, parts: Sequence[Axes]) -> Axes:
        indices = united(*(part.indices for part in parts))
        return Axes(indices, function(*(align(part, indices) for part in parts)))

    def _read(self, head: Read) -> Axes:
        parts = [self._tensor(self._place_of(part)) for part in head.address]
        indices = united(*(part.indices for part in parts))
        tensor = self._present(head.tensor, parts) if head.tensor in self.steps else self.tensors[head.tensor]
        if tuple(part for part in head.address) == indices and not self.step and self._covers(head.tensor, indices):
            return Axes(indices, tensor)
        inside = [Axes(p.indices, p.values.clamp(0, size - 1)) for p, size in zip(parts, tensor.shape)]
        flat = self._flat(inside, indices, tensor.shape)
        values = tensor.reshape(-1)[flat.reshape(-1)].reshape(flat.shape)
        return Axes(indices, self._before_first_step(head, parts, indices, values))

    def _before_first_step(
        self, head: Read, parts: Sequence[Axes], indices: tuple[Index, ...], values: torch.Tensor
    ) -> torch.Tensor:
        """Steps before the first one of a recurrence are zero, or what lines of their own give."""
        place = self.instance.places.get(head.tensor, -1)
        recurrence = self.instance.recurrent.get(place)
        if recurrence is None or not recurrence.covers(self.instance.statements[place]):
            return values
        own = self.instance.statements[place].address
        shape = [int(size) for size in self.instance.shapes[head.tensor]]
        for axis, (part, of) in enumerate(zip(head.address, own)):
            if recurrence.is_earlier(part, of):
                at = align(parts[axis], indices)
                before = at >= shape[axis] if of in recurrence.down else at < 0
                values = torch.where(before, torch.zeros_like(values), values)
        for given in self.instance.given.get(head.tensor, ()):
            if given.number >= 0 or not recurrence.is_earlier(head.address[given.axis], own[given.axis]):
                continue
            if given.tensor not in self.tensors:  # no read comes so far back
                continue
            here = align(parts[given.axis], indices) == place_of(self.instance, head.tensor, given)
            others = [axis for axis in range(len(shape)) if axis != given.axis]
            for axis in others:
                at = align(parts[axis], indices)
                here = here & (at >= 0) & (at < shape[axis])
            inside = [Axes(parts[axis].indices, parts[axis].values.clamp(0, shape[axis] - 1)) for axis in others]
            flat = self._flat(inside, indices, [shape[axis] for axis in others]).expand(values.shape)
            state = self.tensors[given.tensor].reshape(-1)[flat.reshape(-1)].reshape(flat.shape)
            values = torch.where(here, state, values)
        return values

    def _covers(self, tensor: str, indices: Sequence[Index]) -> bool:
        """Whether a read at plain indices reads all of its tensor in order."""
        return [len(self.points(index)) for index in indices] == list(self.tensors[tensor].shape)

    def _over(self, body: Axes, reduced: Sequence[Index]) -> Axes:
        indices = united(body.indices, reduced)
        sizes = [len(self.points(index)) if index in reduced else -1 for index in indices]
        return Axes(indices, align(body, indices).expand(sizes))

    def _held(self, permitted: Labelled) -> Axes:
        """1 where a mask permits, 0 elsewhere."""
        return Axes(permitted.indices, torch.as_tensor(permitted.values, device=self.device).to(self.kind))

    def _reduce(self, head: Reduce) -> Axes:
        reduced = frozenset(head.indices)
        permitted = self.permitted(reduced)
        if head.operation == "sum" and isinstance(head.body, Times):
            factors = [self._fold(factor) for factor in head.body.factors]
            if permitted is not None:
                factors.append(self._held(permitted))
            return self._contracted(factors, head.indices)
        neutral = {"sum": 0.0, "mean": 0.0, "max": -torch.inf, "min": torch.inf, "prod": 1.0}[head.operation]
        body = self._masked(self._over(self._fold(head.body), head.indices), reduced, neutral)
        kept = tuple(index for index in body.indices if index not in reduced)
        values = align(body, (*kept, *head.indices))
        values = values.reshape([*values.shape[: len(kept)], -1])
        if head.operation == "sum":
            return Axes(kept, values.sum(-1))
        if head.operation == "mean" and permitted is not None:
            count = align(self._over(self._held(permitted), head.indices), (*kept, *head.indices))
            count = count.reshape([*count.shape[: len(kept)], -1]).sum(-1).clamp(min=1)
            return Axes(kept, values.sum(-1) / count)
        joined = {
            "mean": lambda: values.mean(-1),
            "max": lambda: values.amax(-1),
            "min": lambda: values.amin(-1),
            "prod": lambda: values.prod(-1),
        }
        return Axes(kept, joined[head.operation]())

    def _select(self, head: Select) -> Axes:
        """Values or places of given ranks; places are integers. Of equals the first comes first."""
        body = self._over(self._fold(head.body), head.indices)
        kept = tuple(index for index in body.indices if index not in head.indices)
        values = align(body, (*kept, *head.indices))
        values = values.reshape([*values.shape[: len(kept)], -1])
        order = torch.argsort(values, dim=-1, stable=True, descending=head.operation in ("argmax", "top"))
        found = values.gather(-1, order) if head.operation == "sort" else order
        ranks = self._tensor(self.address(head.rank))
        both = united(kept, ranks.indices)
        box = [len(self.points(index)) for index in both]
        rows = align(Axes((*kept, _RANKED), found), (*both, _RANKED)).expand([*box, values.shape[-1]])
        return Axes(both, rows.gather(-1, align(ranks, both).expand(box)[..., None])[..., 0])

    def _contracted(self, factors: Sequence[Axes], summed: Sequence[Index]) -> Axes:
        present = united(*(factor.indices for factor in factors))
        kept = tuple(index for index in present if index not in summed)
        numbers = {index: place for place, index in enumerate(present)}
        operands: list[Any] = []
        for factor in factors:
            operands += [factor.values.to(self.kind), [numbers[index] for index in factor.indices]]
        made = torch.einsum(*operands, [numbers[index] for index in kept])
        for index in summed:
            if index not in present:
                made = made * len(self.points(index))
        return Axes(kept, made)

    def _pad(self, head: Pad) -> Axes:
        statement = self.instance.statements[self.place]
        indices = tuple(part for part in statement.address if isinstance(part, Index))
        if head.body.tensor in self.steps:
            values = self._present(head.body.tensor, [self._tensor(self.address(index)) for index in indices])
        else:
            values = self.tensors[head.body.tensor]
            for axis, index in enumerate(indices):
                if index in self.step:  # there is no margin along the steps of a recurrence
                    values = values.narrow(axis, self.step[index], 1)
        fill = self._fold(head.fill)
        widths = [int(width) for pair in reversed(head.widths) for width in pair]
        if not fill.indices:
            return Axes(
                indices,
                torch.nn.functional.pad(
                    values, widths, value=float(fill.values.detach()) if isinstance(head.fill, Constant) else 0.0
                ),
            )
        padded = torch.nn.functional.pad(values, widths)
        inside = torch.nn.functional.pad(torch.ones_like(values, dtype=torch.bool), widths)
        return Axes(indices, torch.where(inside, padded, align(fill, indices)))
