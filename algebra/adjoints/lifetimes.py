"""How much memory tensors hold at once: steps in the order of execution, a tensor from the step that makes it to the last that reads it.

A repetition is one step around others. While its copies run, what is read later is held beside them; what entered the first copy is held
there once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Max, Mul, Symbol

from ..errors import UnsupportedError
from ..networks.carrier import GraphStep, Site, TotalCarrier
from ..sizes.normal_form import is_nonnegative, simplify
from .adjoint import looked_up
from .saving import Tensor, seen_through

MOST_COMPARED = 60
"""So many different sums are compared with each other; more stand in the maximum as they are."""


@dataclass(frozen=True)
class Step:
    """Something that is computed: what it reads and what it makes."""

    reads: tuple[Tensor, ...]
    makes: Tensor


@dataclass(frozen=True)
class Loop(Step):
    """Copies of the same steps, each entered by what the one before it makes."""

    steps: tuple[Step, ...]
    entering: Tensor
    leaving: Tensor
    times: Expr
    index: Symbol | None


class Running:
    """The value of a part: a function of the tensors that arrive and of the steps so far, which it adds to, to the tensor that leaves."""

    def __init__(self, at: Callable[[tuple[Tensor, ...], list[Step]], Tensor]):
        self.at = at


def _beginning() -> Running:
    entering = Tensor(enters=True)
    return Running(lambda arrivals, steps: arrivals[0] if arrivals else entering)


class LifetimeCarrier(TotalCarrier[Running]):
    """Notes the steps of a network in their order."""

    opaque = "exact"

    def leaf(self, site: Site, port: int) -> Running:
        instance = site.instance
        assert instance is not None
        if len(instance.outputs) > 1:
            raise UnsupportedError(
                f"{f'at {site.path}: ' if site.path else ''}{instance.layer} has several outputs that are read ({', '.join(instance.outputs)}), "
                f"of which each may live as long as it likes; choose one, as in net[{instance.outputs[0]!r}]"
            )
        places = looked_up(instance)

        def at(arrivals: tuple[Tensor, ...], steps: list[Step]) -> Tensor:
            arrivals = arrivals[: len(site.inputs)]
            if not instance.outputs:
                return Tensor(Integer(0))
            for name, tensor, flow in zip(instance.layer.input_names, arrivals, site.inputs):
                tensor.met(Mul(*flow.shape))
                if name in places:
                    tensor.kind = "indices"
            seen = seen_through(instance, in_memory=False)
            if isinstance(seen, int) and seen < len(arrivals):
                return arrivals[seen]
            made = Tensor(Integer(0) if isinstance(seen, str) else Mul(*instance.shapes[instance.outputs[0]]))
            steps.append(Step(arrivals, made))
            return made

        return Running(at)

    def series(self, values: Sequence[Running]) -> Running:
        if not values:
            return _beginning()

        def at(arrivals: tuple[Tensor, ...], steps: list[Step]) -> Tensor:
            for value in values:
                arrivals = (value.at(arrivals, steps),)
            return arrivals[0]

        return Running(at)

    def joint(self, site: Site) -> Running:
        def at(arrivals: tuple[Tensor, ...], steps: list[Step]) -> Tensor:
            for tensor, flow in zip(arrivals, site.inputs):
                tensor.met(Mul(*flow.shape))
            made = Tensor(Mul(*site.output.shape))
            steps.append(Step(arrivals, made))
            return made

        return Running(at)

    def join(self, site: Site, values: Sequence[Running]) -> Running:
        joining = self.joint(site)
        return Running(lambda arrivals, steps: joining.at(tuple(value.at(arrivals, steps) for value in values), steps))

    def graph(self, steps: Sequence[GraphStep[Running]], sink: Any) -> Running:
        if sink == "":
            raise UnsupportedError(
                "this network has several outputs, and one is followed here; choose it, as in net['y']"
            )
        by_name = {step.name: step for step in steps}

        def node(name: Any) -> Any:
            return name if name in by_name else name[0]  # one output of a node

        needed: set[Any] = set()
        waiting = [node(sink)]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += map(node, by_name[name].sources)

        def at(arrivals: tuple[Tensor, ...], made: list[Step]) -> Tensor:
            arrived: dict[Any, Tensor] = {}
            for step in steps:
                if step.name in needed:
                    incoming = tuple(arrived[node(source)] for source in step.sources) or arrivals
                    value = self.joint(step.join) if step.join is not None else step.values[0]
                    arrived[step.name] = value.at(incoming, made)
            return arrived[node(sink)]

        return Running(at)

    def repeat(self, value: Running, times: Expr, index: Symbol | None) -> Running:
        if times == 1:
            return value

        def at(arrivals: tuple[Tensor, ...], steps: list[Step]) -> Tensor:
            entering = Tensor()
            inside: list[Step] = []
            leaving = value.at((entering,), inside)
            if not inside:
                return arrivals[0]
            before = arrivals[0] if arrivals else Tensor()
            elements = leaving.elements or Integer(0)
            if entering.elements is not None:
                before.met(entering.elements if index is None else entering.elements.xreplace({index: Integer(0)}))
            before.kind = entering.kind
            made = Tensor(elements if index is None else elements.xreplace({index: times - 1}))
            steps.append(Loop((before,), made, tuple(inside), entering, leaving, times, index))
            return made

        return Running(at)


@dataclass(frozen=True)
class Peak:
    """Sums of which the largest is the most that is held at once; `exact`: whether each of them is reached."""

    sums: tuple[Expr, ...]
    exact: bool = True


def peak(
    steps: Sequence[Step], entering: Iterable[Tensor], held: frozenset[Tensor], size: Callable[[Tensor], Expr]
) -> Peak:
    """What steps hold at once, where some tensors are there at the beginning and some must be there at the end."""
    last = {tensor: place for place, step in enumerate(steps) for tensor in step.reads}
    live = dict.fromkeys(entering)
    found: list[Expr] = [Add(*map(size, live))]
    exact = True
    for place, step in enumerate(steps):
        live |= dict.fromkeys(step.reads)
        if isinstance(step, Loop):
            (before,) = step.reads
            later = last[before] > place or before in held
            beside = Add(*(size(tensor) for tensor in live if tensor is not before))
            inside = _of_copies(step, later, size)
            found += [beside + one for one in inside.sums]
            exact = exact and inside.exact
        else:
            found.append(Add(*map(size, live), size(step.makes)))
        live[step.makes] = None
        for tensor in [tensor for tensor in live if last.get(tensor, -1) <= place and tensor not in held]:
            del live[tensor]
    return Peak(tuple(dict.fromkeys(map(simplify, found))), exact)


def _of_copies(loop: Loop, later: bool, size: Callable[[Tensor], Expr]) -> Peak:
    """What the copies of a repetition hold, with what entered the first one."""
    start = frozenset({loop.leaving, loop.entering} if later else {loop.leaving})
    first = peak(loop.steps, [loop.entering], start, size)
    if not later:
        return Peak(tuple(_over(one, loop, 0) for one in first.sums), first.exact)
    rest = peak(loop.steps, [loop.entering], frozenset({loop.leaving}), size)
    (before,) = loop.reads
    sums = [_at(one, loop, Integer(0)) for one in first.sums]
    sums += [_over(one, loop, 1) + size(before) for one in rest.sums]
    several = is_nonnegative(loop.times - 2)
    return Peak(tuple(sums), first.exact and rest.exact and bool(several))


def _at(value: Expr, loop: Loop, number: Expr) -> Expr:
    return value if loop.index is None else value.xreplace({loop.index: number})


def _over(value: Expr, loop: Loop, least: int) -> Expr:
    """The largest value over the copies from some number on."""
    if loop.index is None or not value.has(loop.index):
        return value
    growth = simplify(_at(value, loop, loop.index + 1) - value)
    if is_nonnegative(growth):
        return _at(value, loop, loop.times - 1)
    if is_nonnegative(-growth):
        return _at(value, loop, Integer(least))
    raise UnsupportedError(
        f"which of {loop.times} copies holds most depends on sizes that are symbols ({value} in copy {loop.index}); give numbers"
    )


def largest(sums: Iterable[Expr]) -> Expr:
    """The largest of some sums, without those that another one is never below."""
    found = list(dict.fromkeys(map(simplify, sums)))
    numbers = [one for one in found if one.is_number]
    if numbers:
        found = [one for one in found if not one.is_number] + [max(numbers)]
    if len(found) <= MOST_COMPARED:
        kept: list[Expr] = []
        for one in found:
            if not any(is_nonnegative(simplify(other - one)) for other in kept):
                kept = [other for other in kept if not is_nonnegative(simplify(one - other))]
                kept.append(one)
        found = kept
    return simplify(Max(*found)) if found else Integer(0)
