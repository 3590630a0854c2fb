"""Which input positions an output position of a layer depends on, read off the addresses in its equation.

An output at position p reads, along one input axis, the positions ``jump * p + [low, high]``; how such reaches compose is in
`equations/reach`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from math import prod
from typing import Any

from sympy import Expr, Integer, Max, Min, Mod, ceiling, denom, floor, fraction, together

from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .affine import affine
from .heads import (
    Address,
    Apply,
    Group,
    Head,
    Pad,
    Read,
    Select,
    Softmax,
    address_indices,
    children,
    is_constant,
    walk,
)
from .instance import Instance
from .reach.axis import AxisReach, Limits, Reach, identity, identity_of, joined
from .reach.branches import union
from .reach.ends import LONGEST_PERIOD, Digit, End, added, constant, falls, loosened, repeating, straight
from .reach.order import at_least, extreme_value
from .reach.series import compose
from .recurrent_reach import Reading, is_earlier, recurrence_reaches, seen_by
from .statements import AnyOf, Mask, Statement

_ZERO, _ONE = Integer(0), Integer(1)


@lru_cache(maxsize=20_000)
def layer_reach(instance: Instance, port: int = 0) -> Reach:
    """The reach of one layer, from the addresses in its equation.

    A tensor can depend on the input in several ways that no one interval describes (an attention score reads two positions); such
    pieces are kept apart until the end.
    """
    source = instance.layer.input_names[port]
    sizes = instance.inputs[port]
    known: dict[str, list[Reach]] = {source: [identity(len(sizes), sizes)]}
    place = 0
    while place < len(instance.statements):
        if place in instance.recurrent:
            recurrence = instance.recurrent[place]
            known |= recurrence_reaches(instance, recurrence, known, Reading(partial(_reads_of, instance=instance)))
            place = recurrence.last + 1
        else:
            if place in instance.live and (pieces := _pieces(instance, place, known)):
                known[instance.statements[place].target] = pieces
            place += 1
    output = instance.root
    if output not in known:
        return tuple(joined(size).changed(low=constant(_ZERO), high=constant(-_ONE)) for size in sizes)
    made = union(known[output], instance.output)
    channels = _channel_axis(instance)
    if any(size != 1 for axis, size in enumerate(instance.output) if axis != channels):
        return made
    return tuple(
        own.changed(last=identity_of(axis, size)) if all(digit.axis == channels for digit in own.digits) else own
        for axis, (own, size) in enumerate(zip(made, sizes))
    )


def _channel_axis(instance: Instance) -> int:
    return len(instance.output) - 1 if instance.layer.layout_of(instance.root) == "last" else 0


def _reads(head: Head, along: frozenset[Index]) -> Iterator[tuple[Read, frozenset[Index]]]:
    """Every read below a head, with the indices along which a softmax joins all values."""
    if isinstance(head, Read):
        yield head, along
    if isinstance(head, (Softmax, Select)):
        along = along | frozenset(head.indices)
    for child in children(head):
        yield from _reads(child, along)


def _pieces(instance: Instance, place: int, known: Mapping[str, list[Reach]]) -> list[Reach]:
    """What one statement sees through its reads."""
    parts: dict[Reach, None] = {}
    for read, through, _ in _reads_of(place, instance):
        for before in seen_by(read, known, instance):
            parts[through(before)] = None
    return list(parts)


def _reads_of(
    place: int, instance: Instance
) -> Iterator[tuple[Read, Callable[[Reach], Reach], Callable[[Address], AxisReach | None]]]:
    """The reads of a statement of all that can depend on an input, and what is seen through them."""
    statement = instance.statements[place]
    heads = (*(part for part in statement.address if isinstance(part, Read)), statement.value)
    for read, along in (found for head in heads for found in _reads(head, frozenset())):
        if instance.roles[read.tensor] in ("input", "defined"):
            beyond, never = _beyond(read, instance)
            if never:
                continue
            where = _Where(statement, place, along, instance)
            late = is_earlier(read, instance)
            # Behind a recurrence, the state before the first step is seen by itself.
            alone = any(given.number < 0 for given in instance.given.get(read.tensor, ()))
            exact = not beyond and not (
                alone and instance.places.get(read.tensor, -1) not in _together(place, instance)
            )
            through = partial(_through, then=_addressed(read, where), late=late, exact=exact)
            yield read, through, partial(_place, where=where)


def _together(place: int, instance: Instance) -> range:
    """The lines of the recurrence that a line belongs to."""
    recurrence = instance.recurrent.get(place)
    return range(0) if recurrence is None else range(recurrence.first, recurrence.last + 1)


def _beyond(read: Read, instance: Instance) -> tuple[bool, bool]:
    """Whether a read goes further back than there are steps, and whether it meets none that a line gives before the first one."""
    if not is_earlier(read, instance):
        return False, False
    place = instance.places[read.tensor]
    pairs = zip(read.address, instance.statements[place].address, instance.shapes[read.tensor])
    recurrence, given = instance.recurrent[place], instance.given.get(read.tensor, ())
    for axis, (part, own, size) in enumerate(pairs):
        if recurrence.is_earlier(part, own):
            more = abs(part - own) - size  # type: ignore[operator]
            if more.is_nonnegative:
                return True, not any(one.axis == axis and not (more + 1 + one.number).is_positive for one in given)
    return False, False


def _through(before: Reach, then: Reach, late: bool, exact: bool) -> Reach:
    """What is seen through a read; of an earlier step, where the first outputs read nothing, or what a line gives."""
    made = compose(before, then)
    return tuple(own.changed(clean=False, exact=own.exact and exact) for own in made) if late else made


@dataclass(frozen=True)
class _Where:
    """The statement in which an address stands, and the indices that a softmax around it joins."""

    statement: Statement
    place: int
    along: frozenset[Index]
    instance: Instance

    @property
    def extents(self) -> dict[Index, Expr]:
        return self.instance.extents[self.place]

    def target_size(self, axis: int) -> Expr:
        return self.instance.shapes[self.statement.target][axis]


def _addressed(read: Read, where: _Where) -> Reach:
    """Which positions of a tensor the target reads, along every axis of the tensor."""
    value = where.statement.value
    pad = value if isinstance(value, Pad) and read is value.body else None
    chooses = _chooses(value)
    made = []
    for at, (address, size) in enumerate(zip(read.address, where.instance.shapes[read.tensor])):
        margin = None if pad is None else _Widths(*pad.widths[at], isinstance(pad.fill, Read))
        known = _follows_from(address, where)
        kept = [] if known is None else _kept_axes(address, size, margin, chooses, *known)
        if not kept:
            kept.append(_along_axis(address, size, margin, chooses, where))
        made.append(kept[0])
    return tuple(made)


@dataclass(frozen=True)
class _Widths:
    """How far an axis is padded before and after, and whether by values of a tensor."""

    before: Expr
    after: Expr
    filled: bool


def _along_axis(address: Address, size: Expr, margin: _Widths | None, chooses: bool, where: _Where) -> AxisReach:
    inner = _unclamped(address) if not isinstance(address, (Group, Read)) else address
    part, clamped = _place(inner, where), inner is not address
    if address_indices(address) & where.statement.scattered:
        lookups = [part for part in where.statement.address if isinstance(part, Read)]
        anywhere = all(_is_free(one, where.instance.shapes[where.statement.target], where) for one in lookups)
        part, clamped = joined(size, exact=anywhere and _runs_along(address, size, where)), False
    elif part is None:
        known = isinstance(address, Read) and _is_free(address, (size,), where)
        part = joined(size, exact=known)
    elif clamped:
        part = part.changed(exact=False) if _meets(part, address, size) else joined(size, exact=False)
    last, limits = simplify(size - 1), None
    low, high, exact = part.low, part.high, part.exact and not chooses
    if margin is not None:
        first, after = (added([(_ONE, end)], -margin.before) for end in (low, high))
        assert first is not None and after is not None
        low, high = first, after
        if margin.filled and (margin.before, margin.after) != (_ZERO, _ZERO):  # a value of its own is no padding
            limits = Limits(_ZERO, last, True)
    border = None if clamped or not exact and not (low.steps or high.steps) else (_ZERO, last)
    return part.changed(low=low, high=high, exact=exact, extent=size, border=border, limits=limits)


def _follows_from(address: Address, where: _Where) -> tuple[Any, ...] | None:
    """What decides which positions an address reads, where no range, mask or lookup has a say: it is seen once wherever these are the same."""
    elaborated, statement = where.instance.elaborated, where.statement
    if isinstance(address, Read) or elaborated.masks or statement.scatters:
        return None
    inside = address_indices(address)
    beside = tuple(
        (axis, part, where.target_size(axis))
        for axis, part in enumerate(statement.address)
        if not inside.isdisjoint(address_indices(part))
    )
    indices = inside.union(*(address_indices(part) for _, part, _ in beside))
    if not indices.isdisjoint(elaborated.ranges):
        return None
    extents = frozenset((index, where.extents.get(index)) for index in indices)
    return beside, extents, where.along & inside


@lru_cache(maxsize=20_000)
def _kept_axes(*known: object) -> list[AxisReach]:
    """Where the reach along an axis is kept, by all that it follows from."""
    return []


def _unclamped(address: Expr) -> Expr:
    """An address without the bounds that keep it inside: they bring positions no further apart, and leave their order."""
    while isinstance(address, (Max, Min)):
        moving = [part for part in address.args if address_indices(part)]
        if len(moving) != 1:
            break
        address = moving[0]
    return address


def _meets(part: AxisReach, address: Expr, size: Expr) -> bool:
    """Whether bounds lie at the ends of an axis and every field meets it: what is beyond is then read at an end that it holds."""
    while isinstance(address, (Max, Min)):
        end = _ZERO if isinstance(address, Max) else size - 1
        moving = [other for other in address.args if address_indices(other)]
        if len(moving) != 1 or any(simplify(other - end) != 0 for other in address.args if other is not moving[0]):
            return False
        address = moving[0]
    least, most = extreme_value(part.high, False), extreme_value(part.low, True)
    return least is not None and most is not None and bool(at_least(least, _ZERO) and at_least(size - 1, most))


def _chooses(value: Head) -> bool:
    """Whether a condition on indices alone is a factor somewhere, so that some outputs may not depend on what they read."""
    return any(
        isinstance(head, Apply) and head.function in ("less", "equal") and is_constant(head) for head in walk(value)
    )


def _is_free(lookup: Read, sizes: Sequence[Expr], where: _Where) -> bool:
    """Whether the places that a lookup gives are an input's own numbers, bounded by a whole axis only: then any of them may be meant."""
    bound = where.instance.elaborated.lookups.get(lookup.tensor)
    whole = bound is None or any(simplify(bound - size) == 0 for size in sizes)
    return whole and lookup.tensor in where.instance.layer.input_names


def _runs_along(address: Address, size: Expr, where: _Where) -> bool:
    """Whether an address is an index that takes all positions of an axis, whatever the others are."""
    made = where.instance.elaborated
    return (
        isinstance(address, Index)
        and simplify(where.extents[address] - size) == 0
        and address not in made.ranges
        and not any(address in mask.indices for mask in made.masks)
    )


@dataclass(frozen=True)
class _Spread:
    """The values of an index or an address while the target's position is fixed."""

    low: End
    high: End
    exact: bool = True
    gap: Expr | None = _ONE


def _place(address: Address, where: _Where) -> AxisReach | None:
    """An address as a function of the position in the target; None if it is known from data only, so that it can be anything."""
    if isinstance(address, Read):
        return None
    if isinstance(address, Index):
        spread = _index_spread(address, where)
        if spread.low.straight and spread.high.straight:
            return _as_reach(replace(spread, gap=_ONE) if spread.low == spread.high else spread)
    if isinstance(address, Group):
        parts: list[tuple[Expr, Index]] = []
        scale: Expr = _ONE
        for index in reversed(address.parts):
            parts.append((scale, index))
            scale = scale * where.extents[index]
        return _as_reach(_combined({index: step for step, index in parts}, _ZERO, _ZERO, True, where))
    if (form := affine(address)) is not None:
        return _as_reach(_combined(form[0], form[1], form[1], True, where))
    if (turning := _repeating(address, where)) is not None:
        return _as_reach(_Spread(turning, turning))
    relaxed = _relaxed(address)
    if relaxed is None:
        return None
    coefficients, low, high = relaxed
    return _as_reach(replace(_combined(coefficients, low, high, False, where), gap=None))


def _as_reach(spread: _Spread) -> AxisReach:
    return AxisReach(spread.low, spread.high, None, spread.exact, spread.gap)


def _repeating(address: Expr, where: _Where) -> End | None:
    """An address with floors of one index, known at every position where all sizes are numbers: it repeats, but for a slope."""
    indices = address_indices(address)
    if len(indices) != 1:
        return None
    (index,) = indices
    spread = _index_spread(index, where)
    if spread.low != spread.high or len(spread.low.steps) != 1 or address.free_symbols - {index}:
        return None
    ((digit, step),) = spread.low.steps
    if step != 1 or spread.low.offset != 0 or not spread.low.straight:
        return None
    period = _period(address, index)
    if period is None:
        return None
    values = [address.xreplace({index: Integer(place)}) for place in range(period + 1)]
    if not all(value.is_Integer for value in values):
        return None
    return repeating(digit, (values[-1] - values[0]) / period, [int(value) for value in values[:-1]])


def _period(address: Expr, index: Index) -> int | None:
    """After how many steps of an index all floors in an address have advanced evenly."""
    below = [rounding.args[0] for rounding in address.atoms(floor, ceiling) if rounding.has(index)]
    if any(inner.has(Mod) for inner in below) or address.has(Mod):
        return None
    if affine(address.replace(floor, lambda x: x).replace(ceiling, lambda x: x)) is None:  # a square, a least of two
        return None
    found = prod(
        int(denom(together(inner.replace(floor, lambda x: x).replace(ceiling, lambda x: x)))) for inner in set(below)
    )
    return found if 0 < found <= LONGEST_PERIOD else None


def _relaxed(address: Expr) -> tuple[dict[Index, Expr], Expr, Expr] | None:
    """An address between two parallel affine forms: floors and ceilings are replaced by their argument and its rounding error."""
    form = affine(address)
    if form is not None:
        return form[0], form[1], form[1]
    low = high = address
    for rounding in sorted(address.atoms(floor, ceiling), key=str):
        if not address_indices(rounding):
            continue
        inner = rounding.args[0]
        under = fraction(together(inner))[1]
        error = (under - 1) / under
        ends = (inner - error, inner) if isinstance(rounding, floor) else (inner, inner + error)
        # Where it is taken away, as in i - n*floor(i/n), the larger one gives the lower end.
        factor = address.coeff(rounding)
        if factor.is_negative or (not factor.is_nonnegative and is_nonnegative(-factor)):
            ends = ends[::-1]
        low, high = low.xreplace({rounding: ends[0]}), high.xreplace({rounding: ends[1]})
    below, above = affine(low), affine(high)
    if below is None or above is None or below[0] != above[0]:
        return None
    return below[0], below[1], above[1]


def _combined(coefficients: dict[Index, Expr], low: Expr, high: Expr, exact: bool, where: _Where) -> _Spread:
    spreads = {index: _index_spread(index, where) for index in coefficients}
    ends = []
    for offset, lower in ((low, True), (high, False)):
        parts = [
            (step, spreads[index].low if lower is not falls(step) else spreads[index].high)
            for index, step in coefficients.items()
        ]
        made = added(parts, offset)
        if made is None:
            made = added([(step, loosened(end, lower is not falls(step))) for step, end in parts], offset)
            exact = False
        assert made is not None
        ends.append(made)
    exact = exact and all(spread.exact for spread in spreads.values())
    return _Spread(ends[0], ends[1], exact, _gap(coefficients, spreads))


def _gap(coefficients: dict[Index, Expr], spreads: dict[Index, _Spread]) -> Expr | None:
    """The largest distance of neighbours among the values of an address."""
    gap: Expr = _ONE
    width: Expr = _ZERO
    wide = [
        (abs(step), spreads[index]) for index, step in coefficients.items() if spreads[index].low != spreads[index].high
    ]
    if len(wide) > 1:
        wide.sort(key=lambda item: (not item[0].is_Integer, item[0] if item[0].is_Integer else 0, str(item[0])))
    for step, spread in wide:
        if spread.gap is None:
            return None
        way = simplify(step * spread.gap)
        if width == 0:
            gap = way
        elif gap != 1 or is_nonnegative(simplify(width + 1 - way)) is not True:
            return None
        count = added([(_ONE, spread.high), (-_ONE, spread.low)], _ZERO)
        if count is None or count.steps or not count.straight:
            return gap if len(wide) == 1 else None
        width = simplify(width + step * count.offset)
    return gap


def _index_spread(index: Index, where: _Where) -> _Spread:
    """The values that an index takes while the target's position is fixed."""
    extents = where.extents
    for axis, address in enumerate(where.statement.address if index not in where.along else ()):
        if address == index:
            end = straight({Digit(axis, extents[index]): _ONE}, _ZERO)
            return _Spread(end, end)
        if isinstance(address, Group) and index in address.parts:
            if extents[index] == 1:
                break  # the only value there is, wherever the position
            place = address.parts.index(index)
            under: Expr = _ONE
            for other in address.parts[place + 1 :]:
                under = under * extents[other]
            first = all(extents[other] == 1 for other in address.parts[:place])
            end = straight({Digit(axis, extents[index], simplify(under), first): _ONE}, _ZERO)
            return _Spread(end, end)
        if not isinstance(address, (Index, Group, Read)) and index in address_indices(address):
            form = affine(address)
            if form is not None:
                return _solved(index, axis, form, where)
    if index in where.instance.elaborated.ranges:
        return _range_spread(index, where)
    return _masked(index, where)


def _solved(index: Index, axis: int, form: tuple[dict[Index, Expr], Expr], where: _Where) -> _Spread:
    """The values of an index that is one of several in the target's position: ``step * index + others = position``."""
    extents = where.extents
    step = form[0][index]
    terms = {i: c for i, c in form[0].items() if i != index and extents[i] != 1}
    digit = Digit(axis, where.target_size(axis))
    numbers = [step, form[1], *terms.values(), *(extents[i] for i in terms)]
    if step.is_Integer and step > 0 and len(terms) <= 1 and all(number.is_Integer for number in numbers):
        counts: list[int] = [0]
        for i, c in terms.items():
            counts = [int(c) * value for value in range(min(int(extents[i]), LONGEST_PERIOD))]
        if all(int(extents[i]) <= LONGEST_PERIOD for i in terms) and int(step) <= LONGEST_PERIOD:
            return _residues(digit, int(step), [int(form[1]) + value for value in counts])
    others = sum((c * (extents[i] - 1) for i, c in terms.items()), _ZERO)
    low = straight({digit: 1 / step}, -(others + form[1]) / step)
    high = straight({digit: 1 / step}, -form[1] / step)
    single = step == 1
    gap = next(iter(terms.values())) if single and len(terms) == 1 else _ONE if not terms else None
    return _Spread(low, high, bool(single), gap)


def _residues(digit: Digit, step: int, taken: list[int]) -> _Spread:
    """By the position's residue, the first and the last index with ``step * index + taken = position`` for one of `taken`.

    A position that no index makes (between the elements that a transposed convolution with a small kernel writes) reads nothing;
    there the ends are those of its neighbours, so that no field is said to be wider.
    """
    found: list[list[int]] = []
    for residue in range(step):
        found.append(sorted((residue - value) // step for value in taken if (residue - value) % step == 0))
    if not all(found):
        filled = [next(found[(at - back) % step][:] and [v + (at - back) // step for v in found[(at - back) % step]]
                       for back in range(step) if found[(at - back) % step]) for at in range(step)]  # fmt: skip
    else:
        filled = found
    slope = Integer(1) / step
    low = repeating(digit, slope, [values[0] for values in filled])
    high = repeating(digit, slope, [values[-1] for values in filled])
    gaps = {b - a for values in found for a, b in zip(values, values[1:])}
    if not all(found):
        return _Spread(low, high, False, None)
    return _Spread(low, high, True, Integer(max(gaps)) if len(gaps) == 1 else _ONE if not gaps else None)


def _masked(index: Index, where: _Where) -> _Spread:
    """All values of an index, but for those that a mask on it and a position of the target leaves out."""
    size = where.extents[index]
    low, high = constant(_ZERO), constant(simplify(size - 1))
    exact = True
    for mask in where.instance.elaborated.masks:
        if index not in mask.indices or mask.indices == {index}:
            continue
        if not mask.indices <= set(where.extents):
            continue
        bound = _bound(mask, index, where) if isinstance(mask, Mask) else None
        if isinstance(mask, AnyOf):
            exact = False
            continue
        if bound is None:
            exact = exact and not _depends_on_target(mask, where)
            continue
        upper, end, other = bound
        inside = is_nonnegative(simplify(size - where.extents[other])) is True
        if upper and inside and end.offset == 0:
            high = end
        elif not upper and inside and end.offset == 0:
            low = end
        elif (upper and high.steps) or (not upper and low.steps):
            exact = False
        elif (
            upper and high == constant(simplify(size - 1)) and is_nonnegative(simplify(-end.offset)) is True and inside
        ):
            high = end
        elif not upper and is_nonnegative(simplify(-end.offset)) is True and inside:
            low = end
            exact = exact and is_nonnegative(simplify(size - 1 + end.offset)) is True
        else:
            exact = False
    return _Spread(low, high, exact)


def _bound(mask: Mask, index: Index, where: _Where) -> tuple[bool, End, Index] | None:
    """What a mask says of an index beside one position of the target: whether from above, and the bound."""
    form = affine((mask.left - mask.right).expand())
    if form is None or len(form[0]) != 2 or abs(form[0][index]) != 1:
        return None
    (other,) = set(form[0]) - {index}
    if form[0][other] != -form[0][index] or other in where.along or other not in where.statement.address:
        return None
    sign = form[0][index]
    strict = _ONE if mask.relation in ("<", ">") else _ZERO
    below = (mask.relation in ("<", "<=")) == (sign == 1)
    offset = -sign * form[1] - (strict if below else -strict)
    end = straight({Digit(where.statement.address.index(other), where.extents[other]): _ONE}, offset)
    return below, end, other


def _depends_on_target(mask: Mask, where: _Where) -> bool:
    """Whether a mask leaves out other values at other outputs than what lies beyond a border; a window's position is a sum."""
    form = affine((mask.left - mask.right).expand())
    if form is None:
        return True
    address = sum((c * i for i, c in form[0].items()), _ZERO)
    return not any(
        not isinstance(part, (Group, Read)) and simplify(part - address) == 0 or simplify(part + address) == 0
        for read, _ in _reads(where.statement.value, frozenset())
        for part in read.address
        if not isinstance(part, (Group, Read))
    )


def _range_spread(index: Index, where: _Where) -> _Spread:
    first, after = where.instance.elaborated.ranges[index]
    single = {i: _ZERO for i in address_indices(first) | address_indices(after) if where.extents[i] == 1}
    first, after = first.xreplace(single), after.xreplace(single)
    turning = [_range_end(end, where) for end in (first, after)]
    if turning[0] is not None and turning[1] is not None:
        last = added([(_ONE, turning[1])], -_ONE)
        if last is not None:
            return _Spread(turning[0], last)
    ends = [_relaxed(first), _relaxed(after)]
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        # The two ends advance alike, if at all: otherwise anything can be read.
        return _Spread(constant(_ZERO), constant(simplify(where.extents[index] - 1)), False, None)
    coefficients, low, high = ends[0][0], ends[0][1], ends[1][2] - 1
    sharp = affine(first) is not None and affine(after) is not None
    return _combined(coefficients, low, high, sharp, where)


def _range_end(end: Expr, where: _Where) -> End | None:
    form = affine(end)
    if form is None:
        return _repeating(end, where)
    made = _combined(form[0], form[1], form[1], True, where)
    return made.low if made.low == made.high and made.exact else None
