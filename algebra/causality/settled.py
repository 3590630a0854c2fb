"""When each element of each tensor of an equation is settled: the latest time of the inputs on which it depends.

The time of an element is a largest value of *forms*, affine in the axes of its tensor: an element ``z[a, c]`` of a convolution's padded
input depends on inputs up to ``a - 2``, an attention's score ``w[i, j]`` on inputs up to ``max(i, j)``. An index that a statement sums
goes to the largest value that its extent, its range and the masks around it leave to it. A layer is causal along an axis if element t of
its output depends on inputs up to t.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sympy import Expr, Integer

from ..equations.affine import affine
from ..equations.heads import Address, Group, Head, Pad, Read, Select, Softmax, children
from ..equations.instance import Instance
from ..equations.statements import Limit, Mask, Statement, each_option
from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify

Forms = tuple[Expr, ...]
"""The forms of a tensor, in the indices of `axis_of`; none where it depends on no input."""

MOST_ROUNDS = 20


def axis_of(number: int) -> Index:
    """What stands in a form for the address along an axis."""
    return Index(f"axis {number}")


def never_above(low: Expr, high: Expr) -> bool:
    """Whether one number made of sizes is known to be at most another one."""
    return low == high or is_nonnegative(simplify(high - low)) is True


@dataclass(frozen=True)
class Place:
    """A read, with the indices of the target and of the reductions around it."""

    read: Read
    scope: frozenset[Index]
    selected: frozenset[Index]
    """Indices along which a selection around it goes, which no mask bounds."""
    normalised: frozenset[Index]
    """Indices of the softmaxes around it, and of sums by a name from outside: each value depends on all that they run over."""


def places_of(statement: Statement) -> tuple[Place, ...]:
    """The reads of a statement, each with what is around it."""
    start: frozenset[Index] = frozenset().union(*(indices_of(part) for part in statement.address))
    lookups = [part for part in statement.address if isinstance(part, Read)]
    return tuple(
        place for head in (*lookups, statement.value) for place in _places(head, start, frozenset(), frozenset())
    )


def _places(
    head: Head, scope: frozenset[Index], selected: frozenset[Index], normalised: frozenset[Index]
) -> Iterator[Place]:
    if isinstance(head, Read):
        yield Place(head, scope, selected, normalised)
    own = frozenset(getattr(head, "indices", ()))
    if isinstance(head, Select):
        selected = selected | own
    normalised = normalised | over_all(head, scope)
    for child in children(head):
        yield from _places(child, scope | own, selected, normalised)


def over_all(head: Head, scope: frozenset[Index]) -> frozenset[Index]:
    """Indices of which each value of a head depends on all that they run over: of a softmax, or of a sum that goes by a name from outside."""
    own: frozenset[Index] = frozenset(getattr(head, "indices", ()))
    return own if isinstance(head, Softmax) else own & scope


def indices_of(part: Address) -> frozenset[Index]:
    if isinstance(part, Group):
        return frozenset(part.parts)
    if isinstance(part, Read):
        return frozenset().union(*map(indices_of, part.address)) if part.address else frozenset()
    return frozenset(symbol for symbol in part.free_symbols if isinstance(symbol, Index))


def as_number(part: Address, extents: Mapping[Index, Expr]) -> Expr | None:
    """An address as a number made of indices; None for a lookup."""
    if isinstance(part, Read):
        return None
    if isinstance(part, Group):
        made: Expr = Integer(0)
        for index in part.parts:
            made = made * extents[index] + index
        return made.expand()
    return part


@dataclass
class Settled:
    """The forms of all tensors of a layer.

    Attributes
    ----------
    instance : Instance
    axes : mapping of str to int
        The axis of time of each input that has one.
    forms : dict of str to Forms
    by_name : bool
        Whether what a line reads some steps before its own counts as known at its own, so that ``s[t] = x[t-1]`` goes with time t.
    """

    instance: Instance
    axes: Mapping[str, int]
    forms: dict[str, Forms]
    by_name: bool = False

    def refuse(self, place: int, problem: str, instead: str = "") -> UnsupportedError:
        """The error for a statement that no step can compute."""
        layer, statement = self.instance.layer, self.instance.statements[place]
        lines = layer.parsed.text.splitlines()
        line = lines[statement.number - 1].strip() if 0 < statement.number <= len(lines) else statement.target
        ending = f"\n  write instead: {instead}" if instead else ""
        return UnsupportedError(f"{layer} has no step: {problem}\n  in: {line}{ending}")


def settle(instance: Instance, axes: Mapping[str, int], by_name: bool = False) -> Settled:
    """When the elements of all tensors of a layer are settled.

    Parameters
    ----------
    instance : Instance
    axes : mapping of str to int
        The axis of time of each input that has one; the others are the same at all times.
    by_name : bool
        See `Settled`.

    Raises
    ------
    UnsupportedError
        If a statement reads at a time that is not known.
    """
    found = Settled(instance, axes, {}, by_name)
    for name in instance.layer.input_names:
        found.forms[name] = (axis_of(axes[name]),) if name in axes else ()
    for name, role in instance.roles.items():
        if role in ("weight", "buffer"):
            found.forms[name] = ()
    for first, last, recurrence in instance.order:
        places = [place for place in range(first, last + 1) if place in instance.live]
        if recurrence is None:
            found.forms[instance.statements[first].target] = _of_statement(found, first)
            continue
        for place in places:
            found.forms[instance.statements[place].target] = ()
        for _ in range(MOST_ROUNDS):
            before = dict(found.forms)
            for place in places:
                found.forms[instance.statements[place].target] = _of_statement(found, place)
            if before == found.forms:
                break
        else:
            raise found.refuse(places[-1], "the times at which its recurrence is known move from step to step")
    return found


def _of_statement(settled: Settled, place: int) -> Forms:
    instance, statement = settled.instance, settled.instance.statements[place]
    extents = instance.extents[place]
    found: list[Expr] = []
    for at in places_of(statement):
        forms = settled.forms[at.read.tensor]
        if not forms:
            continue
        if isinstance(statement.value, Pad) and at.read is statement.value.body:
            widths = statement.value.widths
            shifted = {axis_of(n): axis_of(n) - before for n, (before, _) in enumerate(widths)}
            found += [simplify(form.xreplace(shifted)) for form in forms]
            continue
        addresses = [as_number(part, extents) for part in at.read.address]
        for form in forms:
            needed = [n for n in range(len(addresses)) if form.has(axis_of(n))]
            if any(addresses[n] is None for n in needed):
                raise settled.refuse(
                    place, f"{at.read.tensor} is looked up along the axis of time, at places that only the data tell"
                )
            if settled.by_name:
                addresses = [_own_step(address) for address in addresses]
            read = form.xreplace({axis_of(n): addresses[n] for n in needed})
            found.append(_at_target(settled, place, at, read, frozenset()))
            if any(read.has(index) for index in at.normalised):
                found.append(_at_target(settled, place, at, read, at.normalised))
    for step in instance.given.get(statement.target, ()):
        # an initial line gives a step of it: what that step depends on is known before any later one
        inner = settled.forms.get(step.tensor, ())
        if any(form.free_symbols & {axis_of(n) for n in range(20)} for form in inner):
            axes = [n for n in range(len(statement.address)) if n != step.axis]
            found += [form.xreplace({axis_of(k): axis_of(n) for k, n in enumerate(axes)}) for form in inner]
        else:
            found += inner
    return pruned(found)


def pruned(forms: Iterable[Expr]) -> Forms:
    """The same forms without those that others are never below."""
    kept: list[Expr] = []
    for form in dict.fromkeys(map(simplify, forms)):
        if any(never_above(form, other) for other in kept):
            continue
        kept = [other for other in kept if not never_above(other, form)]
        kept.append(form)
    return tuple(sorted(kept, key=str))


def _own_step(address: Expr | None) -> Expr | None:
    """The index of an address that stands some steps before it; any other address as it is."""
    parts = affine(address) if address is not None else None
    if parts is not None and len(parts[0]) == 1 and set(parts[0].values()) == {1} and is_nonnegative(-parts[1]):
        return next(iter(parts[0]))
    return address


def _at_target(settled: Settled, place: int, at: Place, form: Expr, bound: frozenset[Index]) -> Expr:
    """A form in the indices of a statement as one in the axes of its target, the others at the values that make it largest."""
    instance, statement = settled.instance, settled.instance.statements[place]
    targets: dict[Index, Expr] = {}
    for number, part in enumerate(statement.address):
        if isinstance(part, Index) and part not in bound:
            targets.setdefault(part, axis_of(number))
    made = _grouped(form, statement, instance.extents[place])
    for number, part in enumerate(statement.address):
        if isinstance(part, (Index, Group, Read)):
            continue
        solved = affine(part)
        one = next(
            (i for i, step in (solved[0] if solved else {}).items() if step == 1 and made.has(i) and i not in targets),
            None,
        )
        if one is not None:
            made = made.xreplace({one: axis_of(number) - (part - one)}).expand()
    made = largest(settled, place, at, made, frozenset(targets))
    return simplify(made.xreplace(targets))


def _grouped(form: Expr, statement: Statement, extents: Mapping[Index, Expr]) -> Expr:
    """A form in which the members of a group of the target stand together, as the group's axis."""
    for number, part in enumerate(statement.address):
        if isinstance(part, Group) and any(form.has(index) for index in part.parts):
            whole = as_number(part, extents)
            parts = affine(form)
            step = parts[0].get(part.parts[-1]) if parts is not None else None
            if step is not None:
                form = simplify(form - step * whole) + step * axis_of(number)
    return form


def largest(
    settled: Settled, place: int, at: Place, form: Expr, free: frozenset[Index], seen: frozenset[Index] = frozenset()
) -> Expr:
    """A form without the indices that are not `free`, at the values within their extents, ranges and masks that make it largest."""
    instance = settled.instance
    parts = affine(form)
    if parts is None:
        raise settled.refuse(place, f"{at.read.tensor} is read at {form}, which is not affine in the indices")
    bound = sorted(
        (i for i in parts[0] if i not in free and not i.name.startswith("axis ")), key=lambda i: (i in seen, i.name)
    )
    if not bound:
        return form
    index = bound[0]
    step = parts[0][index]
    up = is_nonnegative(step)
    down = is_nonnegative(-step)
    if not up and not down:
        raise settled.refuse(place, f"{at.read.tensor} is read at {form}, and whether {step} is positive is not known")
    ends = ends_of(instance, place, index, at, upper=bool(up))
    options = [form.xreplace({index: end}).expand() for end in ends if not (indices_of(end) & seen)]
    made: list[Expr] = []
    for option in options:
        try:
            made.append(largest(settled, place, at, option, free, seen | {index}))
        except UnsupportedError:
            continue
    if not made:
        raise settled.refuse(place, f"{at.read.tensor} is read at {form}, whose largest value is not known")
    best = made[0]
    for other in made[1:]:
        if never_above(other, best):
            best = other
        elif not never_above(best, other) and _measure(other) < _measure(best):
            best = other
    return best


def _measure(form: Expr) -> tuple[bool, int]:
    """Forms in the indices are preferred to those in sizes alone: an extent bounds a time no better than the end of it."""
    return not indices_of(form), form.count_ops()


def ends_of(instance: Instance, place: int, index: Index, at: Place, upper: bool) -> list[Expr]:
    """Ends of an index: those of its masks around a read first, then of its range, then its extent."""
    found: list[Expr] = []
    low, high = instance.ranges(place).get(index, (Integer(0), instance.extents[place][index]))
    plain = high - 1 if upper else low
    if index not in at.selected:
        found += common_ends(
            [mask for mask in instance.masks(place) if mask.indices <= at.scope and index in mask.indices], index, upper
        )
    found.append(plain)
    whole = instance.extents[place][index] - 1 if upper else Integer(0)
    if whole != plain:
        found.append(whole)
    return found


def common_ends(limits: Sequence[Limit], index: Index, upper: bool) -> list[Expr]:
    """Ends that an index has in every choice of the options of its masks."""
    found: list[Expr] = []
    for limit in limits:
        if isinstance(limit, Mask):
            found += _ends_by([limit], index, upper)
            continue
        each = [_ends_by(option, index, upper) for option in each_option([limit])]
        if all(each):
            best = [ends[0] for ends in each]
            top = best[0]
            for other in best[1:]:
                if never_above(top, other) if upper else never_above(other, top):
                    top = other
                elif not (never_above(other, top) if upper else never_above(top, other)):
                    break
            else:
                found.append(top)
    return found


def _ends_by(masks: Sequence[Mask], index: Index, upper: bool) -> list[Expr]:
    found = []
    for mask in masks:
        slack = slack_of(mask)
        parts = affine(slack)
        if parts is None or index not in parts[0]:
            continue
        step = parts[0][index]
        rest = (slack - step * index).expand()
        if step == -1 and upper:
            found.append(rest)
        if step == 1 and not upper:
            found.append(-rest)
    return found


def slack_of(mask: Mask) -> Expr:
    """What is at least 0 where a mask holds."""
    low, high = (mask.left, mask.right) if mask.relation in ("<", "<=") else (mask.right, mask.left)
    strict = mask.relation in ("<", ">") and (high - low).is_integer
    return (high - low - (1 if strict else 0)).expand()


def require_causal(settled: Settled, axes: Mapping[str, int]) -> None:
    """Raise `UnsupportedError`, with the statement and the read that look ahead, unless element t of each output depends on inputs up to t.

    `axes` are the outputs, each with its axis of time.
    """
    for target, axis in axes.items():
        if _looks_ahead(settled, target, axis):
            raise _of_what_looks_ahead(settled, target, axis)


def _of_what_looks_ahead(settled: Settled, target: str, axis: int) -> UnsupportedError:
    last = settled.instance.places[target]
    place, read = _culprit(settled, last)
    return settled.refuse(
        place,
        f"the layer is not causal along this axis: element {axis_name(settled, last, axis)} of {target} depends on later inputs, since {read}",
        "a mask in where, such as j <= i, or padding before the first step alone",
    )


def axis_name(settled: Settled, place: int, axis: int) -> str:
    part = settled.instance.statements[place].address[axis]
    return str(part) if isinstance(part, Index) else "t"


def _looks_ahead(settled: Settled, tensor: str, axis: int) -> bool:
    """Whether some form of a tensor is not known to be at most the address along an axis, whatever the other addresses are."""
    shape = settled.instance.shapes[tensor]
    for form in settled.forms[tensor]:
        parts = affine(form)
        if parts is None:
            return True
        steps = dict(parts[0])
        own = steps.pop(axis_of(axis), Integer(0))
        if own not in (0, 1):
            return True
        top = parts[1]
        for number, size in enumerate(shape):
            step = steps.pop(axis_of(number), None)
            if step is None:
                continue
            if is_nonnegative(step):
                top = top + step * (size - 1)
            elif not is_nonnegative(-step):
                return True
        if steps or not never_above(simplify(top), Integer(0)):
            return True
    return False


def _culprit(settled: Settled, last: int) -> tuple[int, str]:
    """The first statement that makes of what is settled something that is not: the one that reads ahead."""
    instance = settled.instance
    for place in instance.showing(instance.statements[last].target).live:
        statement = instance.statements[place]
        for form in settled.forms.get(statement.target, ()):
            parts = affine(form)
            if parts is None:
                continue
            constant = parts[1]
            times = {
                name: instance.inputs[n][settled.axes[name]]
                for n, name in enumerate(instance.layer.input_names)
                if name in settled.axes
            }
            late = (
                not parts[0]
                or not never_above(constant, Integer(0))
                or any(constant.has(*size.free_symbols) for size in times.values() if size.free_symbols)
            )
            if late and (place == last or not never_above(constant, Integer(0))):
                read = next(
                    (r for r in statement.reads if settled.forms.get(r.tensor) and r.tensor != statement.target), None
                )
                if read is not None:
                    return place, f"{_text(read)} is read up to {_plain(form)}"
    return (
        last,
        f"{instance.statements[last].target} is known at {', '.join(map(_plain, settled.forms[instance.statements[last].target]))}",
    )


def _plain(form: Expr) -> str:
    return str(form).replace("axis 0", "its axis 0").replace("its its", "its") if form.free_symbols else str(form)


def _text(read: Read) -> str:
    from .text import Writer

    return Writer().read(read)


__all__ = ["Settled", "require_causal", "settle"]
