"""One step of a causal layer, as a layer: its equation is written from the statements of the whole one.

The present element of a kept tensor ``k`` is ``k``, what is kept of it is the buffer ``k_past``, and both together are ``k_all``. The
input and the output keep their axis of time, of size 1.
"""

from __future__ import annotations

import itertools
import re
import types
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from sympy import Expr, Integer, Mul, Symbol

from ..equations.fields import Dim, Number, Size
from ..equations.heads import Address, Constant, Group, Head, IndexValue, Pad, Read, Reduce, Select, Softmax, rebuilt
from ..equations.instance import Instance
from ..equations.statements import Statement, with_numbers
from ..errors import LayerAlgebraError, UnsupportedError
from ..networks.layer import Layer
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .demand import Facts, Line, Plan, Planner, Region, plan_of
from .settled import Settled, as_number, axis_of, indices_of, require_causal, settle
from .text import Writer

GENERAL = Symbol("tokens so far", integer=True, positive=True)
"""No name that a user writes."""
MOST_CHOICES = 8
"""Of so many tensors every choice of what is kept is looked at."""


@dataclass(frozen=True)
class Kept:
    """A tensor of which elements are kept from step to step.

    Attributes
    ----------
    tensor, present, buffer : str
        Its name in the layer's equation; in that of the step, the name of its present element, and of what was kept before.
    axis : int
        Its axis of time.
    before, after : Expr
        Places along that axis that are kept before and after the step.
    first : Expr
        The place of the first of them, before the step.
    shape : tuple of Expr
        Of the whole tensor.
    has_axis : bool
        Whether the present element has the axis of time.
    """

    tensor: str
    present: str
    buffer: str
    axis: int
    before: Expr
    after: Expr
    first: Expr
    shape: tuple[Expr, ...]
    has_axis: bool

    @property
    def elements(self) -> Expr:
        """Elements that are kept after the step."""
        return Mul(*(self.after if n == self.axis else size for n, size in enumerate(self.shape)))

    def at(self, values: Mapping[Any, Any]) -> "Kept":
        def put(size: Expr) -> Expr:
            return simplify(size.xreplace(values))

        return replace(
            self,
            before=put(self.before),
            after=put(self.after),
            first=put(self.first),
            shape=tuple(map(put, self.shape)),
        )


@dataclass(frozen=True)
class _Recipe:
    """All that a class of steps is made of."""

    name: str
    equation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    buffers: tuple[str, ...]
    tables: tuple[tuple[str, Layer], ...]
    fields: tuple[tuple[str, str], ...]
    symbols: tuple[Symbol, ...]
    kept: tuple[Kept, ...]
    channel_axis: str | None
    whole: Layer
    axes: tuple[int | None, ...]


_KINDS = {"dim": Dim, "size": Size, "number": Number}


@lru_cache(maxsize=4096)
def _class_of(recipe: _Recipe) -> type[Layer]:
    def kept(self: Layer) -> tuple[Kept, ...]:
        values = dict(zip(recipe.symbols, self.args))
        return tuple(one.at(values) for one in recipe.kept)

    def reduce(self: Layer, protocol: int) -> Any:
        return _again, (recipe, self.args)

    body = {
        "__doc__": f"One step of {recipe.whole}.",
        "__annotations__": {name: _KINDS[kind] for name, kind in recipe.fields},
        "__module__": __name__,
        "equation": recipe.equation,
        "inputs": recipe.inputs,
        "outputs": recipe.outputs,
        "buffers": recipe.buffers,
        "tables": {name: partial(_table, layer, name) for name, layer in recipe.tables},
        "channel_axis": recipe.channel_axis,
        "kept_tensors": property(kept),
        "whole": property(lambda self: recipe.whole.xreplace(dict(zip(recipe.symbols, self.args)))),
        "time_axes": recipe.axes,
        "__reduce_ex__": reduce,
    }
    made: type[Layer] = types.new_class(recipe.name, (Layer,), {}, lambda space: space.update(body))
    return made


def _table(layer: Layer, name: str, step: Layer, shape: tuple[int, ...]) -> Any:
    return layer.tables[name](layer, shape)


def _again(recipe: _Recipe, values: Any) -> Layer:
    return _class_of(recipe)(*values)


@lru_cache(maxsize=2048)
def step_of(
    layer: Layer,
    shapes: tuple[tuple[Expr, ...], ...],
    axes: tuple[int | None, ...],
    tokens: Expr,
    keep: Any,
    shown: tuple[str, ...],
) -> tuple[Layer, tuple[int, ...]]:
    """The step of a layer that makes some of its outputs, and the axis of time of each of them."""
    instance = layer.instance(*shapes).showing(*shown)
    if layer.opaque:
        raise UnsupportedError(f"{layer} has no step: it is opaque, and no equation says what it computes")
    streamed = {name: axis for name, axis in zip(layer.input_names, axes) if axis is not None}
    settled = settle(instance, streamed)
    made_along = {name: output_axis(settled, name) for name in shown}
    require_causal(settled, made_along)
    named = settle(instance, streamed, by_name=True)
    try:
        require_causal(named, made_along)
    except UnsupportedError:
        named = settled
    sizes = [shapes[n][at] for n, at in enumerate(axes) if at is not None]
    facts = Facts(tokens, sizes[0])
    after: dict[str, Expr] = {}
    if not isinstance(tokens, Symbol):  # the first step keeps what the others do
        general = step_of(layer, shapes, axes, GENERAL, keep, shown)[0]
        after = {one.tensor: one.at({GENERAL: tokens}).after for one in general.kept_tensors}  # type: ignore[attr-defined]
        keep = tuple(after) if after else "read"
    plan = _chosen(settled, named, made_along, facts, keep)
    made = _Writing(instance, settled, plan, made_along, facts, after).layer()
    entering = (
        tuple(Integer(1) if n == at else size for n, size in enumerate(shape)) for shape, at in zip(shapes, axes)
    )
    try:
        made.instance(*entering)
    except LayerAlgebraError as error:
        raise settled.refuse(
            instance.places[shown[-1]],
            f"the equation of its step is not one of the language: {str(error).splitlines()[0]}",
        ) from None
    return made, tuple(made_along.values())


def output_axis(settled: Settled, target: str) -> int:
    """The axis of time of an output: the one of the axis' size in whose places its elements are settled."""
    instance = settled.instance
    forms, shape = settled.forms[target], instance.shapes[target]
    size = instance.inputs[[n for n, name in enumerate(instance.layer.input_names) if name in settled.axes][0]]
    size = size[next(iter(settled.axes.values()))]
    found = [
        n for n in range(len(shape))
        if any(form.has(axis_of(n)) for form in forms) and simplify(shape[n] - size) == 0
    ]  # fmt: skip
    if len(found) == 1:
        return found[0]
    candidates = [n for n in range(len(shape)) if simplify(shape[n] - size) == 0]
    if len(candidates) >= 1:
        require_causal(settled, {target: candidates[0]})
    which = f"output {target} of shape" if len(instance.layer.output_names) > 1 else "output"
    raise settled.refuse(
        instance.places[target],
        f"its {which} {tuple(shape)} has no one axis of time, of size {size}, along which it goes with the input",
    )


def _chosen(settled: Settled, named: Settled, axes: Mapping[str, int], facts: Facts, keep: Any) -> Plan:
    """The plan that keeps what was asked for: what is read, the least of what the layer computes, or tensors by name."""
    plan = plan_of(settled, named, axes, facts)
    if keep == "read" or not plan.kept:
        return plan
    inputs = set(settled.axes)
    above: dict[str, set[str]] = {}
    for place in settled.instance.live:
        statement = settled.instance.statements[place]
        direct = {read.tensor for read in statement.reads if settled.forms.get(read.tensor)} - {statement.target}
        above[statement.target] = direct.union(*(above.get(name, set()) for name in direct))
    candidates = sorted(name for name in plan.kept if name not in inputs)
    candidates += sorted(
        {name for k in candidates for name in above.get(k, ()) if name not in inputs} - set(candidates)
    )
    best, best_size = plan, _size(plan, settled)
    wanted = None if keep == "least" else set(keep)
    if wanted is None and len(candidates) > MOST_CHOICES:
        return plan
    for count in range(1, len(candidates) + 1):
        for again in itertools.combinations(candidates, count):
            if wanted is not None and wanted & set(again):
                continue
            try:
                other = plan_of(settled, named, axes, facts, frozenset(again))
            except UnsupportedError:
                continue
            if wanted is not None:
                if set(other.kept) == wanted:
                    return other
                continue
            if any(name in inputs and name not in plan.kept for name in other.kept):
                continue
            size = _size(other, settled)
            if _is_less(size, best_size, len(other.kept), len(best.kept)):
                best, best_size = other, size
    if wanted is not None:
        if wanted == set(plan.kept):
            return plan
        raise UnsupportedError(
            f"{settled.instance.layer}: no step keeps just {', '.join(sorted(wanted))}; what it reads of earlier times is {', '.join(sorted(plan.kept))}"
        )
    return best


def _size(plan: Plan, settled: Settled) -> Expr:
    total: Expr = Integer(0)
    for name, axis in plan.kept.items():
        region = plan.wanted[name][axis]
        assert region is not None
        sizes = list(settled.instance.shapes[name])
        sizes[axis] = region.count
        total = total + Mul(*sizes)
    return simplify(total)


def _is_less(size: Expr, other: Expr, tensors: int, others: int) -> bool:
    """Whether a state is smaller; where sizes leave that open, whether it has fewer tensors."""
    difference = simplify(other - size)
    if difference == 0 or difference.is_nonpositive:
        return False
    if difference.is_positive:
        return True
    from ..sizes.normal_form import is_nonnegative

    if is_nonnegative(difference):
        return True
    if is_nonnegative(-difference):
        return False
    return tensors < others


class _Writing:
    def __init__(
        self,
        instance: Instance,
        settled: Settled,
        plan: Plan,
        axes: Mapping[str, int],
        facts: Facts,
        after: Mapping[str, Expr],
    ):
        self.after = after
        self.instance, self.settled, self.plan, self.axes, self.facts = instance, settled, plan, axes, facts
        self.fields: dict[Symbol, str] = {}
        self.values: dict[Symbol, Expr] = {}
        self.letters: dict[tuple[Any, Expr], str] = {}
        self.bounds: dict[str, str] = {}
        self.names: dict[object, str] = {}
        self.taken: set[str] = {*instance.shapes, "inf", "pi", "where", "sum", "max", "min", "mean", "size", "pad"}
        self.taken |= {f"{name}_all" for name in plan.kept} | {f"{name}_past" for name in plan.kept}
        self.kept: list[Kept] = []
        self.lines: list[str] = []
        self.joined: list[str] = []
        self._masks: list[str] = []
        last = instance.statements[-1].target
        read = {name for place in instance.live for name in instance.read_by(place)}
        self.direct = {name for name in axes if name == last or (name not in plan.kept and name not in read)}
        """Outputs that their own line writes with an axis of time; others have a line that gives it to their present element."""
        self.inner = {name: self.fresh(f"{name}_now") for name in axes if name not in self.direct}

    # names -----------------------------------------------------------------------------------------------------------

    def fresh(self, wished: str) -> str:
        wished = re.sub(r"\W", "_", wished).strip("_") or "n"
        wished = wished if wished[0].isalpha() else f"n{wished}"
        for count in itertools.count():
            name = wished if not count else f"{wished}{count + 1}"
            if name not in self.taken and not hasattr(Layer, name) and not re.fullmatch(r"x\d*", name):
                self.taken.add(name)
                return name
        raise AssertionError

    def number(self, value: Expr) -> str:
        for symbol in sorted((s for s in value.free_symbols if not isinstance(s, Index)), key=str):
            if symbol not in self.fields:
                self.fields[symbol] = self.names[symbol] = self.fresh(symbol.name)
                self.values[symbol] = symbol
        return self.writer.number(value)

    @property
    def writer(self) -> Writer:
        return Writer(self.names)

    def letter(self, index: Index, extent: Expr) -> Index:
        """The letter of an index in the step: one for each extent."""
        extent = simplify(extent)
        key = (index, extent)
        if key not in self.letters:
            self.letters[key] = self.fresh(index.name)
            self.bounds[self.letters[key]] = self.number(extent)
        return Index(self.letters[key])

    def constant(self, head: Head) -> Head:
        """A number of the fields costs what it costs at any value, so that it stays a field."""
        if isinstance(head, Constant) and not head.literal and not head.value.free_symbols and head.value.is_finite:
            symbol = Symbol(f"number_{len(self.values)}", real=True)
            self.values[symbol] = head.value
            self.fields[symbol] = self.names[symbol] = self.fresh("number")
            return Constant(symbol, literal=False)
        return head

    # the layer -------------------------------------------------------------------------------------------------------

    def layer(self) -> Layer:
        instance, plan = self.instance, self.plan
        layer: Any = instance.layer
        for symbol in sorted(layer.free_symbols, key=str):
            self.number(symbol)
        for name in instance.layer.input_names:
            if name in plan.kept:
                self.keeping(name, Integer(0))
        for place in sorted(plan.lines):
            self.statement(plan.lines[place])
        for one in self.kept:  # what puts past and present together is there where something reads both
            if not any(re.search(rf"\b{one.tensor}_all\b", text) for text in self.lines if text not in self.joined):
                self.lines = [text for text in self.lines if not text.startswith(f"{one.tensor}_all[")]
        for name in layer.input_names:  # an input that no output of the step depends on arrives all the same
            if not any(re.search(rf"\b{name}\b", text) for text in self.lines):
                self.unread(name)
        used = set(re.findall(r"[A-Za-z_]\w*", "\n".join(self.lines)))
        declared = []
        for name, role in instance.roles.items():
            if role in ("weight", "buffer") and name in used:
                declared.append(f"{name}[{', '.join(map(self.number, instance.shapes[name]))}]")
        for one in self.kept:
            if one.buffer in used:
                sizes = (one.before if n == one.axis else size for n, size in enumerate(one.shape))
                declared.append(f"{one.buffer}[{', '.join(map(self.number, sizes))}]")
        lookups = [
            f"{name} < {self.number(rows)}" for name, rows in instance.elaborated.lookups.items() if name in used
        ]
        bounds = [f"{letter} < {extent}" for letter, extent in self.bounds.items() if letter in used]
        where = ",\n      ".join([*bounds, *dict.fromkeys(self._masks), *lookups, *declared])
        text = "\n".join(self.lines) + (f"\nwhere {where}" if where else "")
        symbols = tuple(self.fields)
        recipe = _Recipe(
            f"{type(layer).__name__}Step", text, tuple(layer.input_names), tuple(self.axes),
            (*(name for name in layer.buffers if name in used), *(one.buffer for one in self.kept if one.buffer in used)),
            tuple((name, layer) for name in layer.tables if name in used),
            tuple((self.fields[symbol], _kind(symbol)) for symbol in symbols), symbols, tuple(self.kept),
            layer.layout[1] if layer.layout[0] == layer.layout[1] else None, layer,
            tuple(self.settled.axes.get(name) for name in layer.input_names),
        )  # fmt: skip
        return _class_of(recipe)(*(self.values[symbol] for symbol in symbols))

    def statement(self, line: Line) -> None:
        instance, plan = self.instance, self.plan
        statement = instance.statements[line.place]
        if statement.gives is not None:
            raise self.settled.refuse(
                line.place, "an initial line stands in a recurrence along another axis than that of time"
            )
        extents = instance.extents[line.place]
        change: dict[Index, Expr] = {}
        letters: dict[Index, Index] = {}
        for index, extent in extents.items():
            if index in line.values:
                change[index] = line.values[index]
            elif index in line.regions:
                letters[index] = self.letter(index, line.regions[index].count)
                change[index] = letters[index] + line.regions[index].low
            else:
                letters[index] = self.letter(index, extent)
                change[index] = letters[index]

        def number(value: Expr) -> Expr:
            made = value.xreplace(change)
            self.number(made)
            return simplify(made) if made.is_polynomial(*made.free_symbols) else made

        def part(address: Address, region: Region | None) -> Address | None:
            if isinstance(address, Read):
                return read(address)
            if isinstance(address, Group):
                timed = next((index for index in address.parts if index not in letters), None)
                if timed is not None:
                    raise self.settled.refuse(
                        line.place,
                        f"{timed} is the axis of time, and stands in one with others in {self.writer.address(address)}",
                    )
                return Group(tuple(letters[index] for index in address.parts))
            made = address.xreplace(change)
            if region is not None:
                if region.is_point:
                    return None
                made = simplify(made - region.low)
            self.number(made)
            return made

        def read(given: Read) -> Read:
            name, role = given.tensor, instance.roles[given.tensor]
            wanted = plan.wanted.get(name)
            if wanted is None:
                return Read(name, tuple(part(address, None) for address in given.address))
            if name in plan.kept:
                at = plan.kept[name]
                region = wanted[at]
                assert region is not None
                plain = as_number(given.address[at], extents)
                assert plain is not None
                if simplify(plain.xreplace(change) - region.high) == 0:
                    regions = [Region.at(region.high) if n == at else own for n, own in enumerate(wanted)]
                    if role == "input":
                        return Read(
                            name, tuple(Integer(0) if n == at else part(a, None) for n, a in enumerate(given.address))
                        )
                    return Read(self.called(name), _without_none(part(a, r) for a, r in zip(given.address, regions)))
                called = f"{name}_{'past' if self.is_past(given.address[at], region, line) else 'all'}"
                return Read(
                    called,
                    _without_none(
                        part(a, r if n == at or role != "input" else None)
                        for n, (a, r) in enumerate(zip(given.address, wanted))
                    ),
                )
            if role == "input":
                at = self.settled.axes[name]
                return Read(name, tuple(Integer(0) if n == at else part(a, None) for n, a in enumerate(given.address)))
            return Read(self.called(name), _without_none(part(a, r) for a, r in zip(given.address, wanted)))

        own = plan.wanted[statement.target]
        if statement.target in plan.kept:
            at = plan.kept[statement.target]
            region = own[at]
            assert region is not None
            own = [Region.at(region.high) if n == at else r for n, r in enumerate(own)]
        if isinstance(statement.value, Pad):
            value, address = self.padded(statement, own, read, letters, number)
        else:
            value = self.renamed(statement.value, read, number, letters)
            address = tuple(
                letters[a] if isinstance(a, Index) and a in letters else part(a, None)
                for a, r in zip(statement.address, own) if r is None or not r.is_point
            )  # fmt: skip
        if statement.target in self.direct and isinstance(value, Pad):
            name = self.fresh(f"{statement.target}_now")
            self.lines.append(self.writer.line(Statement(name, address, value)))
            value = Read(name, address)
        if statement.target in self.direct:
            address = self.with_time(statement.target, address)
        made = Statement(self.called(statement.target), address, value, 0, statement.joined)
        self.lines.append(self.writer.line(made))
        if statement.target in self.inner:
            self.leaving(statement.target, own)
        for mask in line.masks:
            changed = with_numbers(mask, number)
            if not changed.indices:
                raise self.settled.refuse(line.place, f"the mask {self.writer.mask(mask)} depends on the time alone")
            self._masks.append(self.writer.mask(changed))
        if statement.target in plan.kept:
            self.keeping(statement.target, None)

    def called(self, tensor: str) -> str:
        """The name of the present elements of a tensor in the step."""
        return self.inner.get(tensor, tensor)

    def with_time(self, tensor: str, address: tuple[Address, ...]) -> tuple[Address, ...]:
        """An address of an output with an axis of time, of size 1."""
        at = self.axes[tensor]
        return *address[:at], self.letter(Index("one"), Integer(1)), *address[at:]

    def leaving(self, tensor: str, wanted: Any) -> None:
        """The line that gives the present element of an output an axis of time."""
        letters, source = [], []
        for n, (size, region) in enumerate(zip(self.instance.shapes[tensor], wanted)):
            if n == self.axes[tensor]:
                source += [] if region.is_point else [simplify(region.high - region.low)]
                continue
            if region is not None:
                raise self.settled.refuse(self.instance.places[tensor], f"the output {tensor} has two axes of time")
            letters.append(self.letter(Index(f"e{n}"), size))
            source.append(letters[-1])
        for part in source:
            self.number(part)
        value = Read(self.called(tensor), tuple(source))
        self.lines.append(self.writer.line(Statement(tensor, self.with_time(tensor, tuple(letters)), value)))

    def unread(self, name: str) -> None:
        """A line on which nothing depends, for an input that nothing else reads."""
        axis = self.settled.axes.get(name)
        letters = tuple(
            self.letter(Index(f"e{n}"), Integer(1) if n == axis else size)
            for n, size in enumerate(self.instance.shapes[name])
        )
        made = Statement(self.fresh(f"{name}_unread"), letters, Read(name, letters))
        self.lines.insert(0, self.writer.line(made))

    def is_past(self, address: Address, region: Region, line: Line) -> bool:
        """Whether an address goes over earlier times alone, so that what was kept before the step is read."""
        span = Planner(self.settled, self.settled, self.facts, frozenset()).span(
            as_number(address, self.instance.extents[line.place]), line
        )
        return span is not None and self.facts.at_most(span.high + 1, region.high)

    def renamed(self, head: Head, read: Any, number: Any, letters: Mapping[Index, Index]) -> Head:
        """A head with its reads, its numbers and the letters of its indices changed."""
        if isinstance(head, Constant):
            self.number(head.value) if head.value.is_finite else None
            return self.constant(Constant(number(head.value), head.literal))
        made = rebuilt(head, read, number, lambda part: self.renamed(part, read, number, letters))
        if isinstance(made, IndexValue) and not indices_of(made.value):
            letter = next((self.names.get(one, one.name) for one in letters.values()), None)
            if letter is not None:  # it is a number of a place still, and no number of the layer
                nothing = Symbol(f"none of {letter}", integer=True, nonnegative=True)
                self.names[nothing] = f"0*{letter}"
                return IndexValue(made.value + nothing)
        if isinstance(made, (Reduce, Softmax, Select)):
            made = replace(made, indices=tuple(letters[index] for index in made.indices))
        return made

    def padded(
        self, statement: Statement, own: Any, read: Any, letters: Any, number: Any
    ) -> tuple[Head, tuple[Address, ...]]:
        """A margin along other axes than that of time, which is left out there."""
        pad = statement.value
        assert isinstance(pad, Pad)
        points = [n for n, region in enumerate(own) if region is not None]
        body = pad.body
        role = self.instance.roles[body.tensor]
        address: list[Address] = []
        widths = []
        for n, part in enumerate(body.address):
            if n in points:
                if role == "input":
                    address.append(Integer(0))
                    widths.append((Integer(0), Integer(0)))
                continue
            assert isinstance(part, Index)
            address.append(letters[part])
            widths.append((number(pad.widths[n][0]), number(pad.widths[n][1])))
        target = tuple(
            letters[part] for n, part in enumerate(statement.address) if n not in points and isinstance(part, Index)
        )
        made = Read(self.called(body.tensor), tuple(address))
        if all(width == (0, 0) for width in widths):
            return made, target
        if role == "input":  # only a tensor at plain indices is padded
            plain = tuple(part for n, part in enumerate(address) if n not in points)
            widths = [width for n, width in enumerate(widths) if n not in points]
            name = f"{body.tensor}_now"
            if name not in self.taken:
                self.taken.add(name)
                shape = self.instance.shapes[body.tensor]
                own_letters = tuple(
                    self.letter(Index(f"e{n}"), size) for n, size in enumerate(shape) if n not in points
                )
                source = list(own_letters)
                for n in points:
                    source.insert(n, Integer(0))
                self.lines.append(self.writer.line(Statement(name, own_letters, Read(body.tensor, tuple(source)))))
            made = Read(name, plain)
        fill = pad.fill if isinstance(pad.fill, Constant) else read(pad.fill)
        return Pad(tuple(widths), made, fill), target

    def keeping(self, name: str, _: Any) -> None:
        """The line that puts the present element of a tensor behind those that are kept."""
        axis = self.plan.kept[name]
        region = self.plan.wanted[name][axis]
        assert region is not None
        shape = tuple(self.instance.shapes[name])
        before = simplify(region.high - region.low)
        following = self.after.get(name, before.subs(self.facts.tokens, self.facts.tokens + 1))
        buffer = f"{name}_past"
        wanted = self.plan.wanted[name]
        role = self.instance.roles[name]
        has_axis = role == "input" or name in self.direct
        self.kept.append(
            Kept(name, self.called(name), buffer, axis, before, simplify(following), region.low, shape, has_axis)
        )
        letters = []
        for n, size in enumerate(shape):
            own = wanted[n]
            if n == axis:
                letters.append(self.letter(Index("s"), region.count))
            elif own is not None and role != "input":
                raise self.settled.refuse(0, f"{name} is kept and has two axes of time")
            else:
                letters.append(
                    self.letter(Index("e"), size) if size not in shape[:n] else self.letter(Index(f"e{n}"), size)
                )
        present = [Integer(0) if n == axis else letter for n, letter in enumerate(letters) if n != axis or has_axis]
        if before == 0:
            value: Head = Read(self.called(name), tuple(present))
        else:
            widths = tuple(
                (Integer(0), Integer(1)) if n == axis else (Integer(0), Integer(0)) for n in range(len(shape))
            )
            value = Pad(widths, Read(buffer, tuple(letters)), Read(self.called(name), tuple(present)))
        self.joined.append(self.writer.line(Statement(f"{name}_all", tuple(letters), value)))
        self.lines.append(self.joined[-1])


def _without_none(parts: Any) -> tuple[Address, ...]:
    return tuple(part for part in parts if part is not None)


def _kind(symbol: Symbol) -> str:
    if symbol.is_integer and symbol.is_positive:
        return "dim"
    return "size" if symbol.is_integer and symbol.is_nonnegative else "number"


__all__ = ["Kept", "step_of"]
