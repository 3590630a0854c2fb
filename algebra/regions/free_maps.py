"""What the weights of a layer can be made to do: theorems about the best weights are about layers that leave these free.

A plain network is told as a list of steps. A step is an affine map, of which any matrix and any shift may be within reach of the
weights, or a layer of ReLUs.

>>> from layeralgebra import BatchNorm, Linear
>>> steps_of(Linear(3, bias=False).instance((2,))), steps_of(BatchNorm().instance((3,)))
((AffineStep(matrix=True, shift=False),), (AffineStep(matrix=False, shift=True),))
"""

from __future__ import annotations

from sympy import Mul

from ..equations.heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Times,
    address_indices,
    free_indices,
    reads,
)
from ..equations.instance import Instance
from ..records import dataclass
from ..sizes.dims import Index


@dataclass(frozen=True)
class AffineStep:
    """An affine map.

    Attributes
    ----------
    matrix : bool
        Whether its weights can be any matrix; otherwise it is invertible at some weights, element by element.
    shift : bool
        Whether each output has a learned number of its own added.
    """

    matrix: bool
    shift: bool


@dataclass(frozen=True)
class ReLUStep:
    """A ReLU for each element."""


@dataclass(frozen=True)
class OtherStep:
    """Anything of which nothing is known here."""


Step = AffineStep | ReLUStep | OtherStep
_SAME = AffineStep(False, False)


def steps_of(instance: Instance) -> tuple[Step, ...]:
    """The steps that a layer is; an `OtherStep` where it is none of those above."""
    return _Reader(instance).run()


def has_free_layers(steps: tuple[Step, ...]) -> bool:
    """Whether every layer of ReLUs stands behind weights of its own that can be any matrix and any shift.

    Examples
    --------
    >>> dense, relu = AffineStep(True, True), ReLUStep()
    >>> has_free_layers((dense, relu, dense)), has_free_layers((dense, relu, relu))
    (True, False)
    """
    matrix = shift = False
    for step in steps:
        if isinstance(step, OtherStep):
            return False
        if isinstance(step, ReLUStep):
            if not (matrix and shift):
                return False
            matrix = shift = False
        elif step.matrix:
            matrix, shift = True, step.shift
        else:
            shift = shift or step.shift
    return True


def shortened(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Fewer steps of which the same is true: affine steps in a row as one, and what stands between ReLUs once of each kind.

    Examples
    --------
    >>> dense, relu = AffineStep(True, True), ReLUStep()
    >>> shortened((dense, relu) * 100) == (dense, relu) * 2
    True
    """
    runs: list[tuple[Step, ...]] = [()]
    for step in steps:
        if isinstance(step, OtherStep):
            return (step,)
        if isinstance(step, ReLUStep):
            runs.append(())
        elif runs[-1] and not step.matrix and isinstance(before := runs[-1][0], AffineStep):
            runs[-1] = (AffineStep(before.matrix, before.shift or step.shift),)
        else:
            runs[-1] = (step,)
    if len(runs) == 1:
        return runs[0]
    first, *between, last = runs
    made = first
    for run in (*dict.fromkeys(between), last):
        made = (*made, ReLUStep(), *run)
    return made


class _Reader:
    def __init__(self, instance: Instance):
        self.instance = instance
        self.place = 0
        self.known: dict[str, tuple[Step, ...]] = {name: () for name in instance.layer.input_names}

    def run(self) -> tuple[Step, ...]:
        instance = self.instance
        made = instance.elaborated
        if len(instance.layer.input_names) != 1 or instance.recurrent or made.masks or made.ranges:
            return (OtherStep(),)
        if any(statement.scatters for statement in instance.statements):
            return (OtherStep(),)
        for place in sorted(instance.live):
            self.place = place
            statement = instance.statements[place]
            if (found := self._steps(statement.value)) is not None:
                self.known[statement.target] = found
        return self.known.get(instance.root, (OtherStep(),))

    def _steps(self, head: Head) -> tuple[Step, ...] | None:
        """The steps from the input to a head; None for what does not depend on it."""
        if isinstance(head, (Constant, IndexValue)):
            return None
        if isinstance(head, Read):
            return self._read(head)
        if isinstance(head, Plus):
            return self._sum(head)
        if isinstance(head, (Times, Reduce)):
            return self._product(head)
        if isinstance(head, Apply):
            return self._function(head)
        if isinstance(head, Pad) and all(width.is_zero for pair in head.widths for width in pair):
            return self._steps(head.body)
        return (OtherStep(),)

    def _read(self, head: Read) -> tuple[Step, ...] | None:
        if head.tensor not in self.known:
            return None
        extents = self.instance.extents[self.place]
        flat: list[Index] = []
        for part, size in zip(head.address, self.instance.shapes[head.tensor]):
            wide = [index for index in _in_order(part) if extents[index] != 1]
            if Mul(*(extents[index] for index in wide)) != size or (len(wide) > 1 and not isinstance(part, Group)):
                return (OtherStep(),)  # only some elements, or some of them more than once
            flat += wide
        return self.known[head.tensor] if len(set(flat)) == len(flat) else (OtherStep(),)

    def _sum(self, head: Plus) -> tuple[Step, ...] | None:
        found = [self._steps(term) for term in head.terms]
        parts = [steps for steps in found if steps is not None]
        if len(parts) != 1:
            return (OtherStep(),) if parts else None
        constants = [term for term, steps in zip(head.terms, found) if steps is None]
        return self._then(parts[0], AffineStep(False, any(self._is_free(c, self._wide(head)) for c in constants)))

    def _product(self, head: Times | Reduce) -> tuple[Step, ...] | None:
        """A product that may be summed: any matrix if a learned factor has an entry of its own for each input and output."""
        factors, summed = _factors(head)
        found = [self._steps(factor) for factor in factors]
        parts = [(steps, factor) for steps, factor in zip(found, factors) if steps is not None]
        if len(parts) != 1 or summed is None:
            return (OtherStep(),) if parts else None
        steps, read = parts[0]
        constants = [factor for factor, other in zip(factors, found) if other is None]
        entries = self._wide(read) | self._wide(head)
        free = [c for c in constants if self._is_free(c, entries)]
        if free and self._wide(read).isdisjoint(self._wide(head)):
            others = [c for c in constants if c != free[0]]
            return self._then(steps, AffineStep(True, False)) if all(map(self._is_nonzero, others)) else (OtherStep(),)
        if summed or self._wide(head) != self._wide(read) or not all(map(self._is_nonzero, constants)):
            return (OtherStep(),)
        return self._then(steps, _SAME)

    def _function(self, head: Apply) -> tuple[Step, ...] | None:
        found = [self._steps(argument) for argument in head.arguments]
        if all(steps is None for steps in found):
            return None
        bend = [argument for argument, steps in zip(head.arguments, found) if steps is None]
        if found[0] is None or head.function not in ("relu", "max", "min", "divide"):
            found = [steps for steps in reversed(found) if steps is not None]
        steps = found[0]
        assert steps is not None
        if head.function == "divide" and len(bend) == 1 and head.arguments[1] == bend[0]:
            return self._then(steps, _SAME)
        is_relu = head.function == "relu" or (
            head.function in ("max", "min") and len(bend) == 1 and isinstance(bend[0], Constant)
        )
        return (*steps, ReLUStep()) if is_relu else (OtherStep(),)

    @staticmethod
    def _then(steps: tuple[Step, ...], step: AffineStep) -> tuple[Step, ...]:
        if not steps or not isinstance(steps[-1], AffineStep):
            return (*steps, step)
        last = steps[-1]
        joined = AffineStep(last.matrix or step.matrix, step.shift or (last.shift and not step.matrix))
        return (*steps[:-1], joined)

    def _wide(self, head: Head) -> frozenset[Index]:
        """The indices of a head that take more than one value."""
        extents = self.instance.extents[self.place]
        return frozenset(index for index in free_indices(head) if extents[index] != 1)

    def _is_free(self, head: Head, indices: frozenset[Index]) -> bool:
        """Whether a head is a learned tensor with one entry of its own for each value of these indices."""
        if not isinstance(head, Read) or self.instance.roles[head.tensor] != "weight":
            return False
        used = sum(read.tensor == head.tensor for s in self.instance.statements for read in reads(s.value))
        return used == 1 and all(isinstance(part, Index) for part in head.address) and self._wide(head) >= indices

    def _is_nonzero(self, head: Head) -> bool:
        """Whether there are weights at which no value of a head is zero."""
        if isinstance(head, Constant):
            return bool(head.value.is_nonzero)
        if isinstance(head, Read):
            if self.instance.roles[head.tensor] == "defined":
                return any(s.target == head.tensor and self._is_nonzero(s.value) for s in self.instance.statements)
            return self.instance.roles[head.tensor] == "weight"
        if isinstance(head, Times):
            return all(map(self._is_nonzero, head.factors))
        if isinstance(head, Apply):
            return head.function in ("exp", "sigmoid", "softplus") or (
                head.function in ("divide", "abs", "tanh", "sqrt") and self._is_nonzero(head.arguments[0])
            )
        return False


def _in_order(part: Address) -> tuple[Index, ...]:
    return part.parts if isinstance(part, Group) else tuple(address_indices(part))


def _factors(head: Times | Reduce) -> tuple[tuple[Head, ...], frozenset[Index] | None]:
    """The factors of a product, sums among them opened, and the indices that are summed; None where a reduction is no sum."""
    if isinstance(head, Reduce):
        if head.operation != "sum":
            return (head.body,), None
        inner, summed = _factors(head.body) if isinstance(head.body, (Times, Reduce)) else ((head.body,), frozenset())
        return inner, None if summed is None else summed | frozenset(head.indices)
    factors: list[Head] = []
    all_summed: frozenset[Index] | None = frozenset()
    for factor in head.factors:
        if isinstance(factor, (Times, Reduce)):
            inner, summed = _factors(factor)
            factors += inner
            all_summed = None if summed is None or all_summed is None else all_summed | summed
        else:
            factors.append(factor)
    return tuple(factors), all_summed
