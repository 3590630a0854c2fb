"""Memory of a repetition: its copies in their order, what each keeps for its way back, and the way back from the last copy to the first.

The first copy is apart, since nobody may ask for the gradient of what enters it, and the last one is, where somebody else reads the gradient
that enters it. All others are copy `l` of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from sympy import Add, Expr, Integer, Symbol

from ..derivations.metric import repeated
from ..records import dataclass
from ..sizes.normal_form import is_nonnegative, simplify
from .lifetimes import Peak, Size, Step, ends, peak
from .saving import Tensor
from .tape import Arrived, Gradients

COPY = Symbol("l_", integer=True, nonnegative=True)


@dataclass(frozen=True, eq=False)
class Copy:
    """One copy: its steps forward and back, what enters and leaves it, and the gradients of both."""

    entering: Tensor
    leaving: Arrived
    forward: Sequence[Step]
    back: Sequence[Step]
    arriving: Tensor | None
    """The gradient that enters on the way back."""
    returned: Tensor | None
    learned: Sequence[Tensor]
    shared: dict[object, Tensor] = field(default_factory=dict)
    again: bool = False
    """Whether the way back begins with the way forward."""

    @property
    def kept(self) -> frozenset[Tensor]:
        """What the way back reads of the way forward."""
        if self.again:
            return frozenset({self.entering} if self.back else ())
        made = {self.entering, *(tensor for step in self.forward for tensor in step.makes)}
        return frozenset(tensor for step in self.back for tensor in step.reads) & made

    @property
    def inner(self) -> list[Tensor]:
        """What is kept and neither enters nor leaves."""
        made = [tensor for step in self.forward for tensor in step.makes]
        return [tensor for tensor in dict.fromkeys(made) if tensor in self.kept and tensor is not self.leaving.tensor]

    @property
    def keeps_entering(self) -> bool:
        return self.entering in self.kept

    @property
    def keeps_leaving(self) -> bool:
        return self.leaving.tensor in self.kept

    def forward_peak(self, later: bool, size: Size) -> Peak:
        held = {self.leaving.tensor, *self.kept}
        return peak(self.forward, [self.entering], frozenset({*held, self.entering} if later else held), size)

    def back_peak(self, later: bool, size: Size) -> Peak:
        there = [*self.inner, *([self.entering] if self.keeps_entering or later else [])]
        if self.keeps_leaving:
            there.append(self.leaving.tensor)
        held = {*self.learned, *self.shared.values(), *([self.entering] if later else [])}
        if self.returned is not None:
            held.add(self.returned)
        assert self.arriving is not None
        steps = [*self.forward, *self.back] if self.again else self.back
        return peak(steps, [*there, self.arriving], frozenset(held), size)


@dataclass(frozen=True, eq=False)
class Copies:
    """The first copy and one of the later ones, their number, and the index on which sizes depend."""

    first: Copy
    later: Copy
    times: Expr
    index: Symbol | None
    entering: Tensor
    """What enters the first copy."""

    def at(self, value: Expr, number: Expr) -> Expr:
        return value if self.index is None else value.xreplace({self.index: number})

    def over(self, value: Expr, low: Expr, high: Expr) -> Expr:
        """The sum over the copies from `low`, a number, to `high`."""
        before = Add(*(self.at(value, Integer(number)) for number in range(int(low))))
        return repeated(value, high + 1, self.index) - before

    @property
    def between(self) -> bool:
        """Whether what leaves a copy and enters the next is kept."""
        return self.later.keeps_entering or self.first.keeps_leaving or self.later.keeps_leaving

    def kept_between(self, size: Size) -> Expr:
        """What a later copy keeps beside what leaves it, as a function of the index."""
        return Add(*map(size, self.later.inner), size(self.later.entering) if self.between else Integer(0))

    def below(self, size: Size) -> Expr:
        """What the copies before copy `COPY`, which is not the first, keep beside what enters the first."""
        first = Add(*(self.at(size(tensor), Integer(0)) for tensor in self.first.inner))
        return first + self.over(self.kept_between(size), Integer(1), COPY - 1)

    def kept(self) -> list[Tensor]:
        """Tensors as large as what all copies keep, apart from what enters the first and leaves the last."""
        return [
            *(Tensor(self.at(_elements(tensor), Integer(0)), kind=tensor.kind, each=tensor.each) for tensor in self.first.inner),
            *(
                Tensor(self.over(_elements(tensor), Integer(1), self.times - 1), kind=tensor.kind, each=tensor.each)
                for tensor in (*self.later.inner, *([self.later.entering] if self.between else []))
            ),
        ]  # fmt: skip

    def learned(self) -> list[Tensor]:
        """Tensors as large as the gradients of what all copies learn, each of its own."""
        return [
            *(Tensor(self.at(_elements(tensor), Integer(0)), kind=tensor.kind, each=False) for tensor in self.first.learned),
            *(
                Tensor(self.over(_elements(tensor), Integer(1), self.times - 1), kind=tensor.kind, each=False)
                for tensor in self.later.learned
            ),
        ]  # fmt: skip

    def joined(self, first: Peak, rest: Peak, least: int) -> Peak:
        """The peaks of the first copy and of those from the second on, which are reached from `least` copies on, and perhaps before."""
        sums = [self.at(one, Integer(0)) for one in first.sums]
        sure = bool(is_nonnegative(self.times - least))
        if not sure and least == 2 and isinstance(self.times, Symbol):
            alone = [simplify(one.xreplace({self.times: Integer(1)})) for one in sums]
            others = [simplify(one.xreplace({self.times: Integer(1)})) for one in rest.sums]
            sure = all(any(is_nonnegative(simplify(one - other)) for one in alone) for other in others)
        return Peak((*sums, *rest.sums), first.exact and rest.exact and sure)


def _elements(tensor: Tensor) -> Expr:
    assert tensor.elements is not None
    return tensor.elements


@dataclass(frozen=True, eq=False)
class Forward(Step):
    """The copies from the first to the last."""

    copies: Copies

    def peak(self, later: frozenset[Tensor], size: Size) -> Peak:
        copies, entering = self.copies, self.copies.entering
        is_read = entering in later
        first = copies.first.forward_peak(is_read, size)
        found = copies.later.forward_peak(copies.between, size)
        beside = copies.below(size) + (size(entering) if is_read else 0)
        last = copies.times - 1
        alike = copies.later is copies.first and is_read == copies.between
        low = Integer(0 if alike else 1)
        sums = [value for one in found.sums for value in ends(simplify(beside + copies.at(one, COPY)), COPY, low, last)]
        rest = Peak(tuple(sums), found.exact)
        return rest if alike else copies.joined(first, rest, 2)


@dataclass(frozen=True, eq=False)
class Backward(Step):
    """The copies from the last to the first, with the gradients of what they learn."""

    copies: Copies
    arriving: Tensor
    pinned: Copy | None = None
    """The last copy, where somebody else reads the gradient that arrives."""

    def peak(self, later: frozenset[Tensor], size: Size) -> Peak:
        copies, entering, last = self.copies, self.copies.entering, self.copies.times - 1
        learned = Add(*map(size, copies.later.learned))
        outside = size(self.arriving) if self.pinned is not None else Integer(0)
        is_read = entering in self.reads and entering in later
        shared = Add(*map(size, copies.later.shared.values()))
        first = copies.first.back_peak(is_read, size)
        first = Peak(
            tuple(one + outside + copies.over(learned, Integer(1), last) + (shared if copies.times != 1 else 0) for one in first.sums), first.exact
        )  # fmt: skip
        onwards = copies.first.keeps_leaving or copies.later.keeps_leaving
        found = copies.later.back_peak(onwards, size)
        below = copies.below(size) + (size(entering) if entering in self.reads else 0)
        after = copies.over(learned, Integer(0), last) - copies.over(learned, Integer(0), COPY)
        beside = below + after + outside + shared
        most = last if self.pinned is None else last - 1
        alike = copies.later is copies.first and (entering in self.reads) == copies.between and is_read == onwards
        low = Integer(0 if alike and self.pinned is None else 1)
        sums = [value for one in found.sums for value in ends(simplify(beside + copies.at(one, COPY)), COPY, low, most)]
        exact = found.exact and not copies.later.shared
        if alike and self.pinned is None:
            return Peak(tuple(sums), exact)
        if self.pinned is not None:
            alone = self.pinned.back_peak(onwards, size)
            sums += [copies.at(one, last) + below.xreplace({COPY: last}) for one in alone.sums]
            exact = exact and alone.exact
        return copies.joined(first, Peak(tuple(sums), exact), 2 if self.pinned is None else 3)


def copy_of(
    entering: Tensor, leaving: Arrived, steps: Sequence[Step], gradients: Gradients, arriving: Tensor | None, needs: bool, again: bool
) -> Copy:  # fmt: skip
    """A copy, once one has gone back through it."""
    returned = gradients.take(Arrived(entering, needs)) if needs else None
    return Copy(
        entering, leaving, tuple(steps), tuple(gradients.steps), arriving, returned, tuple(gradients.learned), dict(gradients.shared), again
    )  # fmt: skip
