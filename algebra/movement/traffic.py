"""What the parts of a network read and write: a fold that follows which tensor is which, so that what a fused part makes and reads itself
does not move.

Every layer reads the elements that its equation touches and writes what comes out of it; what only shows a tensor under other axes moves
nothing. A concatenation copies its inputs. Learned tensors are read by every layer that has them, for all examples together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from sympy import Add, Expr, Integer, Min, Mul, Symbol

from ..arguments import shown
from ..derivations.metric import repeated
from ..equations.examples import of_examples, work_of_examples
from ..equations.footprint import base_of, layer_footprints, line_footprints
from ..equations.instance import Instance
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import GraphStep, Site, TotalCarrier
from ..records import dataclass
from ..sizes.normal_form import simplify

FUSE = ("statement", "layer", "block", "network")
KINDS = ("activations", "weights", "indices")
ACCESS = ("all", "reads", "writes")
_ZERO, _ONE = Integer(0), Integer(1)


class Tensor:
    """A tensor on its way through a network; `shows` is the one of which it is a view."""

    def __init__(self, elements: Expr | None = None, kind: str = "activations", shows: Tensor | None = None):
        self.elements, self.kind, self.shows = elements, kind, shows
        self.each = kind == "activations"

    @property
    def base(self) -> Tensor:
        """The tensor that holds its elements."""
        found = self
        while found.shows is not None:
            found = found.shows
        return found


class Several(Tensor):
    """What leaves a part with several outputs; None: which of the tensors inside these are is not known."""

    def __init__(self, parts: Mapping[str, Tensor] | None):
        super().__init__()
        self.parts = parts


@dataclass
class Entry:
    """Elements that one part moves, of a tensor of the network or of what only this part has (`key`)."""

    elements: Expr
    kind: str
    each: bool
    writes: bool
    exact: bool = True
    tensor: Tensor | None = None
    key: Any = None
    counts: bool = True
    once: bool = False
    """Whether a repetition moves it in one copy only: the first one reads it, the last one writes it."""


@dataclass
class Step:
    """A layer or a join: what it moves, what it does, and how it is called."""

    path: str
    entries: list[Entry]
    work: Expr


@dataclass
class Loop:
    """Copies of the same steps, each entered by what the one before it makes."""

    before: tuple[Tensor, ...]
    makes: Tensor
    steps: list[Step | Loop]
    entering: tuple[Tensor, ...]
    leaving: Tensor
    times: Expr
    index: Symbol | None


@dataclass
class Record:
    """The steps so far, and the names under which weights are shared here with the paths at which that begins."""

    steps: list[Step | Loop] = field(default_factory=list)
    shared: list[tuple[str, str]] = field(default_factory=list)


class Moving:
    """The value of a part: a function of the tensors that arrive and of the steps so far, which it adds to, to the tensor that leaves."""

    def __init__(self, at: Callable[[tuple[Tensor, ...], Record], Tensor]):
        self.at = at
        self.step: Step | None = None


def _each(tensor: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.parts.values()) if isinstance(tensor, Several) and tensor.parts is not None else (tensor,)


class TrafficCarrier(TotalCarrier[Moving]):
    """Notes the steps of a network in their order, with what each of them moves."""

    opaque = None

    def __init__(self, fuse: str, batch: Expr):
        if fuse not in FUSE:
            raise FieldError(f"fuse is one of {', '.join(FUSE)}, got {shown(fuse)}")
        self.fuse, self.batch = fuse, batch
        self.joints: dict[int, tuple[Site, Moving]] = {}

    def leaf(self, site: Site, port: int) -> Moving:
        instance = site.instance
        assert instance is not None

        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            found = [tensor for arrival in arrivals for tensor in _each(arrival)]
            if len(found) != len(site.inputs) or any(isinstance(tensor, Several) for tensor in found):
                found = [Tensor() for _ in site.inputs]
            for tensor, flow in zip(found, site.inputs):
                if tensor.elements is None:
                    tensor.elements = Mul(*flow.shape)
            inputs = dict(zip(instance.layer.input_names, found))
            examples = frozenset(name for name, tensor in inputs.items() if tensor.base.each)
            each_own = of_examples(instance, examples)
            outputs = {name: self._made(instance, name, inputs, each_own) for name in instance.outputs}
            entries = (
                self._lines(instance, inputs, each_own, site, record)
                if self.fuse == "statement"
                else self._layer(instance, inputs, outputs, site, record)
            )
            value.step = Step(site.path, entries, work_of_examples(instance, examples, self.batch).flops)
            record.steps.append(value.step)
            return next(iter(outputs.values())) if len(outputs) == 1 else Several(outputs)

        value = Moving(at)
        return value

    @staticmethod
    def _made(instance: Instance, name: str, inputs: Mapping[str, Tensor], each_own: frozenset[str]) -> Tensor:
        base, whole = base_of(instance, name)
        elements = Mul(*instance.shapes[name])
        if base in inputs:
            return inputs[base] if whole else Tensor(elements, inputs[base].kind, inputs[base])
        if instance.roles[base] != "defined":
            return Tensor(elements, "weights")
        made = Tensor(elements)
        made.each = name in each_own
        return made

    def _key(self, site: Site, name: str, record: Record) -> Any:
        if not record.shared:
            return site.path, name
        shared, path = record.shared[0]
        return "shared", shared, site.path.removeprefix(path).lstrip("."), name

    def _layer(
        self, instance: Instance, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], site: Site, record: Record
    ) -> list[Entry]:  # fmt: skip
        entries = []
        places = instance.looked_up()
        for name, found in layer_footprints(instance, self.batch).items():
            if name in inputs:
                tensor = inputs[name]
                kind = "indices" if name in places else tensor.kind
                entries.append(Entry(found.elements, kind, tensor.base.each, False, found.exact, tensor))
            else:
                entries.append(
                    Entry(found.elements, "weights", False, False, found.exact, key=self._key(site, name, record))
                )
        made = {base_of(instance, name)[0] for name in outputs}
        written = [name for name in made if instance.roles[name] == "defined"]
        for name in written:
            shows = [tensor for output, tensor in outputs.items() if base_of(instance, output)[0] == name]
            for other in shows[1:]:
                other.shows = shows[0]
            entries.append(Entry(Mul(*instance.shapes[name]), "activations", shows[0].each, True, tensor=shows[0]))
        return entries

    def _lines(
        self, instance: Instance, inputs: Mapping[str, Tensor], each_own: frozenset[str], site: Site, record: Record
    ) -> list[Entry]:
        entries = []
        places = instance.looked_up()
        for place, touched in line_footprints(instance, self.batch).items():
            for name, found in touched.items():
                role = instance.roles[name]
                if name in inputs:
                    kind = "indices" if name in places else inputs[name].kind
                    entries.append(
                        Entry(found.elements, kind, inputs[name].base.each, False, found.exact, inputs[name])
                    )
                elif role == "defined":
                    entries.append(Entry(found.elements, "activations", name in each_own, False, found.exact))
                else:
                    entries.append(
                        Entry(found.elements, "weights", False, False, found.exact, key=self._key(site, name, record))
                    )
            target = instance.statements[place].target
            exact = not instance.given.get(target)
            entries.append(Entry(Mul(*instance.shapes[target]), "activations", target in each_own, True, exact))
        return entries

    # compositions ----------------------------------------------------------------------------------------------------

    def series(self, values: Sequence[Moving]) -> Moving:
        if not values:
            entering = Tensor()
            return Moving(lambda arrivals, record: arrivals[0] if arrivals else entering)

        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            for value in values:
                leaving = value.at(arrivals, record)
                arrivals = _each(leaving)
            return leaving

        return Moving(at)

    def joint(self, site: Site) -> Moving:
        if id(site) in self.joints:
            return self.joints[id(site)][1]

        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            found = list(arrivals) if len(arrivals) == len(site.inputs) else [Tensor() for _ in site.inputs]
            entries = []
            for tensor, flow in zip(found, site.inputs):
                if tensor.elements is None:
                    tensor.elements = Mul(*flow.shape)
                entries.append(Entry(Mul(*flow.shape), tensor.kind, tensor.base.each, False, tensor=tensor))
            made = Tensor(Mul(*site.output.shape))
            made.each = any(tensor.base.each for tensor in found)
            entries.append(Entry(Mul(*site.output.shape), "activations", made.each, True, tensor=made))
            multiplies, adds = site.join.work(len(site.inputs))
            value.step = Step(
                site.path, entries, Mul(multiplies + adds, *site.output.shape, self.batch if made.each else 1)
            )
            record.steps.append(value.step)
            return made

        value = Moving(at)
        self.joints[id(site)] = site, value
        return value

    def join(self, site: Site, values: Sequence[Moving]) -> Moving:
        joining = self.joint(site)
        return Moving(
            lambda arrivals, record: joining.at(tuple(value.at(arrivals, record) for value in values), record)
        )

    def share(self, value: Moving, name: str, path: str) -> Moving:
        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            record.shared.append((name, path))
            try:
                return value.at(arrivals, record)
            finally:
                record.shared.pop()

        return Moving(at)

    def graph(self, steps: Sequence[GraphStep[Moving]], sink: Any) -> Moving:
        by_name = {step.name for step in steps}

        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            arrived: dict[Any, Tensor] = {}

            def of(source: Any) -> Tensor:
                if source in by_name:
                    return arrived[source]
                made = arrived[source[0]]
                if isinstance(made, Several) and made.parts is not None and source[1] in made.parts:
                    return made.parts[source[1]]
                return Several(None) if isinstance(made, Several) else made

            for step in steps:
                incoming = tuple(of(source) for source in step.sources) or arrivals
                value = self.joint(step.join) if step.join is not None else step.values[0]
                arrived[step.name] = value.at(incoming, record)
            return Several(None) if sink == "" else of(sink)

        return Moving(at)

    # repetitions -----------------------------------------------------------------------------------------------------

    def least_copies(self, value: Moving) -> int:
        return 1 if self.fuse == "network" else 0

    def copies(self, values: Sequence[Moving]) -> Moving:
        """Copies whose shapes differ are blocks each."""
        return self.series([self.repeat(value, _ONE, None) for value in values])

    def repeat(self, value: Moving, times: Expr, index: Symbol | None) -> Moving:
        def at(arrivals: tuple[Tensor, ...], record: Record) -> Tensor:
            entering = tuple(Tensor(kind=arrival.kind) for arrival in arrivals) or (Tensor(),)
            for tensor, arrival in zip(entering, arrivals):
                tensor.each = arrival.base.each
            inside = Record(shared=record.shared)
            leaving = value.at(entering, inside)
            before = arrivals or tuple(Tensor() for _ in entering)
            if isinstance(leaving, Several):
                made: Tensor = Several(None)
            elif leaving in entering:
                made = before[entering.index(leaving)]
            else:
                made = Tensor(leaving.elements)
                made.each = leaving.base.each
            record.steps.append(Loop(before, made, inside.steps, entering, leaving, times, index))
            return made

        return Moving(at)


# what is counted -------------------------------------------------------------------------------------------------------


def fused(steps: Sequence[Step | Loop], entering: Sequence[Tensor], leaving: Tensor | None, fuse: str) -> None:
    """Mark what moves: everything, or what enters and leaves a copy of a repetition or the network."""
    if fuse in ("statement", "layer"):
        return
    if fuse == "block" and any(isinstance(step, Loop) for step in steps):
        for step in steps:
            if isinstance(step, Loop):
                _unit(step.steps, set(map(_base, step.entering)), _bases(step.leaving), {}, set())
        return
    if leaving is None or isinstance(leaving, Several) and leaving.parts is None:
        raise UnsupportedError("this network has several outputs, and one is followed here; choose it, as in net['y']")
    _unit(steps, set(entering), _bases(leaving), {}, set())


def _base(tensor: Tensor) -> Tensor:
    return tensor.base


def _bases(tensor: Tensor) -> set[Tensor]:
    if isinstance(tensor, Several) and tensor.parts is None:
        raise UnsupportedError("a fused part has several outputs, and one is followed here; write fuse='layer'")
    return {one.base for one in _each(tensor)}


def _unit(
    steps: Sequence[Step | Loop],
    entering: set[Tensor],
    leaving: set[Tensor],
    seen: dict[Tensor, list[Entry]],
    weights: set[Any],
) -> None:
    """Steps that are carried out together: what is read of outside once, and written of what leaves."""
    for step in steps:
        if isinstance(step, Loop):
            outside = {
                inner.base: outer.base for inner, outer in zip(step.entering, step.before)
                if outer.base in entering and outer.base not in seen
            }  # fmt: skip
            bases = _bases(step.leaving) if step.makes.base in leaving else set()
            inside: dict[Tensor, list[Entry]] = {}
            _unit(step.steps, set(outside), bases, inside, weights)
            for entry in _entries(step.steps):
                if entry.counts and entry.tensor is not None:
                    entry.once = True
            for inner, entries in inside.items():
                seen.setdefault(outside[inner], []).extend(entries)
            continue
        for entry in step.entries:
            if entry.tensor is None:
                if entry.key is None or entry.key in weights:
                    entry.counts = False
                elif entry.key[0] == "shared":
                    weights.add(entry.key)
                    entry.once = True
                continue
            base = entry.tensor.base
            if entry.writes:
                entry.counts = base in leaving
            elif base not in entering:
                entry.counts = False
            else:
                _read_again(entry, base, seen)


def _read_again(entry: Entry, base: Tensor, seen: dict[Tensor, list[Entry]]) -> None:
    """Of what was read before only what is new moves: nothing if all was, else no more than the rest."""
    before = seen.setdefault(base, [])
    size = base.elements
    if before and size is not None:
        known = Add(*(one.elements for one in before if one.counts))
        rest = simplify(size - known)
        entry.counts = rest != 0
        entry.elements = simplify(Min(entry.elements, rest))
        entry.exact = entry.exact and entry.elements == 0
    before.append(entry)


def _entries(steps: Sequence[Step | Loop]) -> Iterator[Entry]:
    for step in steps:
        yield from _entries(step.steps) if isinstance(step, Loop) else step.entries


def exact(steps: Sequence[Step | Loop]) -> bool:
    """Whether all counts are those of what is really touched."""
    return all(entry.exact for entry in _entries(steps) if entry.counts)


Weigh = Callable[[Entry], Expr]


def moved(step: Step, weigh: Weigh) -> Expr:
    """What one step moves, in one copy of the repetitions around it."""
    return Add(*(weigh(entry) for entry in step.entries if entry.counts))


def total(steps: Sequence[Step | Loop], weigh: Weigh) -> Expr:
    """What steps move together."""
    return summed(steps, lambda step: moved_always(step, weigh)) + _once(steps, weigh)


def moved_always(step: Step, weigh: Weigh) -> Expr:
    """What a step moves in every copy."""
    return Add(*(weigh(entry) for entry in step.entries if entry.counts and not entry.once))


def _once(steps: Sequence[Step | Loop], weigh: Weigh, loops: tuple[Loop, ...] = ()) -> Expr:
    """What moves in the first or the last copy only, of all repetitions around it."""
    found: Expr = _ZERO
    for step in steps:
        if isinstance(step, Loop):
            found += _once(step.steps, weigh, (*loops, step))
            continue
        for entry in step.entries:
            if entry.counts and entry.once:
                ends = {
                    loop.index: loop.times - 1 if entry.writes else _ZERO for loop in loops if loop.index is not None
                }
                found += weigh(entry).xreplace(ends)
    return found


def summed(steps: Sequence[Step | Loop], value: Callable[[Step], Expr]) -> Expr:
    """A value of each step, over all copies."""
    found: list[Expr] = []
    for step in steps:
        if isinstance(step, Loop):
            found.append(repeated(summed(step.steps, value), step.times, step.index))
        else:
            found.append(value(step))
    return Add(*found)
