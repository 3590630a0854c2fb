"""Footprints: how many different elements of a tensor a line touches, however often it reads each of them.

What a line reads of a tensor is the image of its points under its addresses. Axes that share no index count apart:

==============================  =======================================================================================
address                         different elements
==============================  =======================================================================================
one index, or a group           as many as it has values
``s*i``                         as many as `i` has values
``s*i + d*u``, ``gcd(s, d) = g``  ``n*k - max(0, n - d/g) * max(0, k - s/g)``: `(i, u)` and `(i + d/g, u - s/g)` are one element, and such
                                points stand in chains
steps that fill all gaps        from the first value to the last
==============================  =======================================================================================

What lies outside of the tensor, in a margin or before the first step, is not touched. Lines are computed in full, whatever is read of them. A
line that only shows a tensor under other axes, or inside a margin of a number, is looked through. Where none of these rules holds, the points
are listed if there are few of them; else the count is an upper bound and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import permutations, product
from typing import Any

from sympy import Expr, Integer, Max, Min, Mul, floor, gcd, true

from ..errors import LayerAlgebraError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.evaluate import evaluate
from ..sizes.lattice_points import lattice_count
from ..sizes.normal_form import is_nonnegative, is_positive, simplify
from .affine import affine
from .heads import Address, Constant, Group, Pad, Read, address_indices
from .instance import Instance
from .statements import AnyOf, Limit, Mask, Statement, relational

_ZERO, _ONE = Integer(0), Integer(1)
MOST_LISTED = 4_000
"""So many points are listed one by one."""
MOST_LOOKED_THROUGH = 50


@dataclass(frozen=True)
class Footprint:
    """Different elements of one tensor; `exact` is False where there may be fewer."""

    elements: Expr
    exact: bool = True

    @property
    def kind(self) -> str:
        """As results say it."""
        return "exact" if self.exact else "upper"


@dataclass(frozen=True)
class Access:
    """A read of a tensor at the points of a line: an address for each axis, and what is subtracted from it.

    `scope` has the indices of the target and of the reductions around the read; None: all of the line. Masks that speak of others
    do not bear on it.
    """

    tensor: str
    address: tuple[Address, ...]
    shift: tuple[Expr, ...]
    place: int
    exact: bool = True
    scope: frozenset[Index] | None = None


def is_view(statement: Statement) -> bool:
    """Whether a line only shows one tensor, each of its elements at most once, under other axes."""
    value = statement.value
    if not isinstance(value, Read) or statement.scatters or statement.joined != "sum":
        return False
    left = [index for part in statement.address for index in _letters(part)]
    right: list[Index] = []
    for part in value.address:
        if isinstance(part, Read) or isinstance(part, Expr) and affine(part) is None:
            return False
        right += _letters(part)
    return len(set(right)) == len(right) and set(left) == set(right) and len(set(left)) == len(left)


def shown_inside(statement: Statement) -> bool:
    """Whether a line is a view, or a tensor inside a margin of a number."""
    value = statement.value
    if isinstance(value, Pad) and isinstance(value.fill, Constant):
        return is_view(replace(statement, value=value.body))
    return is_view(statement)


def _letters(part: Address) -> list[Index]:
    return list(part.parts) if isinstance(part, Group) else sorted(address_indices(part), key=str)


@lru_cache(maxsize=4096)
def line_footprints(instance: Instance, batch: Expr = _ONE) -> Mapping[int, Mapping[str, Footprint]]:
    """What each line that computes something reads: tensors that enter, that are given or learned, and those of other such lines.

    Of a tensor that all examples share, `batch` examples may look up so many times as many rows.
    """
    found: dict[int, dict[str, Footprint]] = {}
    for place in _computed(instance):
        accesses, others = _accesses(instance, place)
        by_tensor: dict[str, list[Access]] = {}
        for access in accesses:
            by_tensor.setdefault(access.tensor, []).append(access)
        found[place] = {name: _union(instance, some, batch) for name, some in by_tensor.items()} | others
    return found


@lru_cache(maxsize=4096)
def layer_footprints(instance: Instance, batch: Expr = _ONE) -> Mapping[str, Footprint]:
    """What a layer touches of each tensor that enters it, or that is given or learned."""
    by_tensor: dict[str, list[Access]] = {}
    for place in _computed(instance):
        for access in _accesses(instance, place)[0]:
            if instance.roles[access.tensor] != "defined":
                by_tensor.setdefault(access.tensor, []).append(access)
    return {name: _union(instance, some, batch) for name, some in by_tensor.items()}


def _computed(instance: Instance) -> list[int]:
    """The lines that an output needs and that are no views; of what comes out of margins, those too."""
    if instance.layer.opaque:
        return []
    return [
        place for place in instance.live
        if not (is_view(line := instance.statements[place]) or shown_inside(line) and line.target not in instance.outputs)
    ]  # fmt: skip


def base_of(instance: Instance, name: str) -> tuple[str, bool]:
    """The tensor that a tensor shows, itself if it is computed; and whether all of it is shown."""
    whole = True
    for _ in range(len(instance.statements) + 1):
        if instance.roles[name] != "defined" or instance.places[name] in instance.recurrent:
            break
        line = instance.statements[instance.places[name]]
        if not is_view(line):
            break
        assert isinstance(line.value, Read)
        before = Mul(*instance.shapes[line.value.tensor])
        whole = whole and simplify(before - Mul(*instance.shapes[name])) == 0
        name = line.value.tensor
    return name, whole


# what is read ----------------------------------------------------------------------------------------------------------


def _accesses(instance: Instance, place: int) -> tuple[list[Access], dict[str, Footprint]]:
    """The reads of a line, looked through what only shows other tensors, and the steps that lines of their own give."""
    line = instance.statements[place]
    found: list[Access] = []
    margins = isinstance(
        line.value, Pad
    )  # its masks speak of places in the margins as well, and a negative margin cuts
    whole = not isinstance(line.value, Pad) or all(
        is_nonnegative(width) for pair in line.value.widths for width in pair
    )
    for read, scope in line.scoped:
        if isinstance(read, Read):
            seen = frozenset() if margins else scope
            access = Access(read.tensor, read.address, (_ZERO,) * len(read.address), place, whole, seen)
            found.append(_looked_through(instance, access))
    steps = {
        name: Footprint(Mul(*instance.shapes[name])) for name in instance.read_by(place)
        if name not in {read.tensor for read in line.reads}
    }  # fmt: skip
    return list(dict.fromkeys(found)), steps


def _looked_through(instance: Instance, access: Access) -> Access:
    for _ in range(MOST_LOOKED_THROUGH):
        name = access.tensor
        if instance.roles[name] != "defined" or instance.places[name] in instance.recurrent or instance.given.get(name):
            break
        line = instance.statements[instance.places[name]]
        if not (is_view(line) or shown_inside(line) and name not in instance.outputs):
            break
        access = _composed(instance, access, line) or _all_shown(instance, access, line)
        place = instance.places[name]
        if instance.masks(place) or instance.ranges(place):  # of what a mask leaves out nothing is shown
            access = replace(access, exact=False)
    return access


def _all_shown(instance: Instance, access: Access, line: Statement) -> Access:
    """All that a tensor shows of another one, which is what is read if all of the tensor is."""
    value = line.value.body if isinstance(line.value, Pad) else line.value
    assert isinstance(value, Read)
    read = _touched(instance, access, _ONE)
    whole = access.exact and read.exact and simplify(read.elements - Mul(*instance.shapes[access.tensor])) == 0
    return Access(value.tensor, value.address, (_ZERO,) * len(value.address), instance.places[line.target], whole)


def _composed(instance: Instance, access: Access, line: Statement) -> Access | None:
    """A read of a shown tensor as a read of the one that it shows."""
    value = line.value.body if isinstance(line.value, Pad) else line.value
    assert isinstance(value, Read)
    widths = (
        [before for before, _ in line.value.widths] if isinstance(line.value, Pad) else [_ZERO] * len(value.address)
    )
    place = instance.places[line.target]
    here: dict[Index, tuple[Address, Expr]] = {}
    for own, part, shift in zip(line.address, access.address, access.shift):
        if isinstance(own, Index):
            here[own] = part, shift
        elif isinstance(own, Group) and isinstance(part, Group) and len(own.parts) == len(part.parts) and shift == 0:
            sizes = [
                simplify(instance.extents[place][i] - instance.extents[access.place][j])
                for i, j in zip(own.parts, part.parts)
            ]
            if any(sizes):
                return None
            here |= {i: (j, _ZERO) for i, j in zip(own.parts, part.parts)}
        else:
            return None
    address: list[Address] = []
    shifts: list[Expr] = []
    for part, width in zip(value.address, widths):
        if isinstance(part, Index):
            known, shift = here[part]
            address.append(known)
            shifts.append(shift + width)
        elif isinstance(part, Group):
            inner = [
                known
                for known, shift in (here[index] for index in part.parts)
                if isinstance(known, Index) and shift == 0
            ]
            if len(inner) < len(part.parts):
                return None
            sizes = [
                simplify(instance.extents[place][i] - instance.extents[access.place][known]) for i, known in zip(part.parts, inner)
            ]  # fmt: skip
            if any(sizes):
                return None
            address.append(Group(tuple(inner)))
            shifts.append(width)
        else:
            form = affine(part) if isinstance(part, Expr) else None
            if form is None or any(not isinstance(here[index][0], Expr) for index in form[0]):
                return None
            moved = form[1]
            for index, step in form[0].items():
                moved = moved + step * (here[index][0] - here[index][1])
            address.append(moved.expand() if form[0] else part)
            shifts.append(width)
    return Access(value.tensor, tuple(address), tuple(shifts), access.place, access.exact, access.scope)


# counting --------------------------------------------------------------------------------------------------------------


def _union(instance: Instance, accesses: Sequence[Access], batch: Expr) -> Footprint:
    """The different elements that several reads of one tensor touch together."""
    size = simplify(Mul(*instance.shapes[accesses[0].tensor]))
    shared = instance.roles[accesses[0].tensor] in ("weight", "buffer")
    found = [_touched(instance, access, batch if shared else _ONE) for access in accesses]
    if len(found) == 1:
        return found[0]
    for one in found:
        if one.exact and simplify(one.elements - size) == 0:
            return one
    listed = _listed(instance, accesses)
    if listed is not None:
        return Footprint(Integer(len(listed)))
    together = sum((one.elements for one in found), _ZERO)
    if _apart(accesses):
        return Footprint(simplify(together), all(one.exact for one in found))
    return Footprint(simplify(Min(size, together)), False)


def _apart(accesses: Sequence[Access]) -> bool:
    """Whether reads never meet, since along one axis they go by equal steps from places that are no multiple of it apart."""
    for axis in range(len(accesses[0].address)):
        forms = [affine(access.address[axis]) for access in accesses if isinstance(access.address[axis], Expr)]
        if len(forms) < len(accesses) or any(form is None or len(form[0]) > 1 for form in forms):
            continue
        starts = [form[1] - access.shift[axis] for form, access in zip(forms, accesses)]  # type: ignore[index]
        steps = {abs(step) for form in forms for step in form[0].values()}  # type: ignore[index]
        if not all(start.is_Integer for start in starts) or not all(step.is_Integer for step in steps):
            continue
        step = steps.pop() if len(steps) == 1 else 0 if not steps else None
        if step is not None and len({start % step if step else start for start in starts}) == len(starts):
            return True
    return False


def _touched(instance: Instance, access: Access, batch: Expr) -> Footprint:
    """The different elements that one read touches."""
    shape, extents = instance.shapes[access.tensor], instance.extents[access.place]
    listed: set[Any] | None = None
    cut = _is_cut(instance, access)
    if cut:
        listed = _listed(instance, [access])
        if listed is not None:
            return Footprint(Integer(len(listed)))
    factors: list[Expr] = []
    exact = access.exact and not cut
    for axes in _tied_axes(access):
        one = _axes_touched(axes, access, shape, extents, batch)
        factors.append(one.elements)
        exact = exact and one.exact
    if not exact and listed is None and not any(isinstance(part, Read) for part in access.address):
        listed = _listed(instance, [access])
        if listed is not None:
            return Footprint(Integer(len(listed)))
    return Footprint(simplify(Mul(*factors)), exact)


def _tied_axes(access: Access) -> list[list[int]]:
    """The axes by the indices that they share."""
    groups: list[tuple[set[Index], list[int]]] = []
    for axis, part in enumerate(access.address):
        here = set(address_indices(part))
        touching = [group for group in groups if group[0] & here]
        groups = [group for group in groups if not group[0] & here]
        groups.append(
            (here.union(*(one for one, _ in touching)), sorted([axis, *(a for _, axes in touching for a in axes)]))
        )
    return [axes for _, axes in groups]


def _axes_touched(
    axes: Sequence[int], access: Access, shape: Sequence[Expr], extents: Mapping[Index, Expr], batch: Expr
) -> Footprint:
    whole = Mul(*(shape[axis] for axis in axes))
    parts = [access.address[axis] for axis in axes]
    if any(isinstance(part, Read) for part in parts):
        points = Mul(*(extents[index] for index in set().union(*map(address_indices, parts))))
        return Footprint(simplify(Min(whole, points * batch)), False)
    if len(axes) == 1:
        (axis,) = axes
        return _axis_touched(access.address[axis], access.shift[axis], shape[axis], extents)
    single = {part: axis for axis, part in zip(axes, parts) if isinstance(part, Index)}
    indices: set[Index] = set().union(*map(address_indices, parts))
    points = Mul(*(extents[index] for index in sorted(indices, key=str)))
    forms = [affine(part) if isinstance(part, Expr) else None for part in parts]
    known: set[Index] = set(single)
    for form in sorted((form for form in forms if form), key=lambda form: len(form[0])):
        if len(set(form[0]) - known) == 1:
            known |= set(form[0])  # the one that is left follows from the others
    inside = all(_stays(part, access.shift[axis], shape[axis], extents) for axis, part in zip(axes, parts))
    if known == indices and inside:
        return Footprint(points)
    return Footprint(simplify(Min(whole, points)), False)


def _stays(part: Address, shift: Expr, size: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether an address never leaves its axis."""
    if isinstance(part, Group):
        return shift == 0
    form = affine(part) if isinstance(part, Expr) else None
    if form is None:
        return False
    low, high = _ends(form, shift, extents)
    return low is not None and bool(is_nonnegative(low)) and bool(is_nonnegative(simplify(size - 1 - high)))


def _ends(form: tuple[dict[Index, Expr], Expr], shift: Expr, extents: Mapping[Index, Expr]) -> Any:
    """The first and the last value of a form; None where the sign of a step is not known."""
    low = high = form[1] - shift
    for index, step in form[0].items():
        reach = step * (extents[index] - 1)
        if is_nonnegative(step):
            high = high + reach
        elif is_nonnegative(-step):
            low = low + reach
        else:
            return None, None
    return simplify(low), simplify(high)


def _axis_touched(part: Address, shift: Expr, size: Expr, extents: Mapping[Index, Expr]) -> Footprint:
    """The different elements along one axis."""
    if isinstance(part, Group):
        return Footprint(_clipped(-shift, Mul(*(extents[index] for index in part.parts)) - 1 - shift, size))
    assert isinstance(part, Expr)
    form = affine(part)
    if form is None:
        return _rounded_touched(part, shift, size, extents)
    if not form[0]:
        return Footprint(_ONE)
    low, high = _ends(form, shift, extents)
    if low is None:
        return Footprint(simplify(Min(size, Mul(*(extents[index] for index in form[0])))), False)
    steps = [
        (abs(step) if step.is_number else step if is_nonnegative(step) else -step, extents[index])
        for index, step in form[0].items()
    ]
    if len(steps) == 1 and bool(is_nonnegative(low)) and bool(is_nonnegative(simplify(size - 1 - high))):
        return Footprint(steps[0][1])
    if _fills(steps):
        return Footprint(_clipped(low, high, size))
    if len(steps) == 1:
        ((step, extent),) = steps
        first = Max(0, floor((-low + step - 1) / step))
        after = Min(extent, floor((size - 1 - low) / step) + 1)
        return Footprint(simplify(Max(0, after - first)))
    if len(steps) == 2:
        return _chains(steps, low, high, size)
    return Footprint(simplify(Min(size, high - low + 1, Mul(*(extent for _, extent in steps)))), False)


def _clipped(low: Expr, high: Expr, size: Expr) -> Expr:
    """The integers from low to high that are an axis's."""
    if is_nonnegative(low) and is_nonnegative(simplify(size - 1 - high)):
        return simplify(high - low + 1)
    return simplify(Max(0, Min(size, high + 1) - Max(0, low)))


def _fills(steps: Sequence[tuple[Expr, Expr]]) -> bool:
    """Whether sums of multiples of steps leave no gap between the least and the largest."""
    if len(steps) > 4:
        return False
    for order in permutations(steps):
        span: Expr = _ZERO
        for step, extent in order:
            if not is_nonnegative(simplify(span + 1 - step)):
                break
            span = span + step * (extent - 1)
        else:
            return True
    return False


def _chains(steps: Sequence[tuple[Expr, Expr]], low: Expr, high: Expr, size: Expr) -> Footprint:
    """The different values of ``s*i + d*u`` on an axis: points, less those that are followed by another point of the same value."""
    (s, n), (d, k) = steps
    common = _ONE if _ONE in (s, d) else gcd(s, d) if s.is_Integer and d.is_Integer else None
    exact = common is not None
    common = _ONE if common is None else common
    s_part, d_part = s / common, d / common
    less = Max(0, n - d_part), Max(0, k - s_part)
    if is_nonnegative(low) and is_nonnegative(simplify(size - 1 - high)):
        return Footprint(simplify(n * k - less[0] * less[1]), exact)
    if not (is_positive(s) and is_positive(d)):
        return Footprint(simplify(Min(size, n * k)), False)
    if not exact:
        return Footprint(simplify(Min(size, n * k)), False)

    def between(first: Expr, second: Expr, start: Expr) -> Expr:
        upper = lattice_count(simplify(size - 1 - start), s, first, d, second)
        lower = lattice_count(simplify(-1 - start), s, first, d, second)
        return upper - lower

    counted = between(n, k, low) - between(simplify(less[0]), simplify(less[1]), low + s * d_part)
    return Footprint(simplify(counted))


def _rounded_touched(part: Any, shift: Expr, size: Expr, extents: Mapping[Index, Expr]) -> Footprint:
    """A rounded quotient of a form without gaps has none either."""
    span = _without_gaps(part, extents)
    if span is not None:
        low, high = (simplify(end - shift) for end in span)
        return Footprint(_clipped(low, high, size))
    points = Mul(*(extents[index] for index in sorted(address_indices(part), key=str)))
    return Footprint(simplify(Min(size, points)), False)


def _without_gaps(part: Expr, extents: Mapping[Index, Expr]) -> tuple[Expr, Expr] | None:
    """The first and last value of an index expression that takes all integers between them."""
    if isinstance(part, floor):
        numerator, denominator = part.args[0].as_numer_denom()
        if not denominator.is_Integer and not is_positive(denominator) or address_indices(denominator):
            return None
        span = _without_gaps(numerator, extents)
        return None if span is None else (floor(span[0] / denominator), floor(span[1] / denominator))
    form = affine(part)
    if form is None or not form[0]:
        return None
    low, high = _ends(form, _ZERO, extents)
    if low is None:
        return None
    steps = [(step if is_nonnegative(step) else -step, extents[index]) for index, step in form[0].items()]
    return (low, high) if _fills(steps) else None


# masks and ranges ------------------------------------------------------------------------------------------------------


def _limits(instance: Instance, access: Access) -> tuple[list[Limit], bool]:
    """The masks and ranges of a line that bear on the indices of an address, by themselves or through other indices.

    And whether that is all that is tied to them: what speaks of indices that are bound elsewhere is left out.
    """
    every: list[Limit] = list(instance.masks(access.place))
    for index, (low, high) in instance.ranges(access.place).items():
        if index in instance.extents[access.place]:
            every += [Mask(index, ">=", low), Mask(index, "<", high)]
    line = instance.statements[access.place]
    for part, size in zip(line.address, instance.shapes[line.target]):  # what would be written outside is not computed
        if isinstance(part, Expr) and not isinstance(part, Index) and address_indices(part):
            every += [Mask(part, ">=", _ZERO), Mask(part, "<", size)]
    reached: set[Index] = set().union(*map(address_indices, access.address)) if access.address else set()
    found: list[Limit] = []
    while tied := [limit for limit in every if limit.indices & reached]:
        found += tied
        every = [limit for limit in every if limit not in tied]
        reached |= set().union(*(limit.indices for limit in tied))
    borne = [limit for limit in found if access.scope is None or limit.indices <= access.scope]
    return borne, len(borne) == len(found)


def _is_cut(instance: Instance, access: Access) -> bool:
    """Whether masks or ranges may leave out elements: not if every value of the address's indices has a point that they permit."""
    limits, every = _limits(instance, access)
    if not every:
        return True
    if not limits:
        return False
    extents = instance.extents[access.place]
    here = set().union(*map(address_indices, access.address))
    others = sorted({index for limit in limits for index in limit.indices} - here, key=str)
    if any(isinstance(limit, AnyOf) for limit in limits):
        return True
    choices: list[list[Expr]] = []
    for other in others:
        equal = [index for index in sorted(here, key=str) if is_nonnegative(simplify(extents[other] - extents[index]))]
        choices.append([_ZERO, extents[other] - 1, *equal])
    if len(others) > 3:
        return True
    for choice in product(*choices):
        at = dict(zip(others, choice))
        if all(isinstance(limit, Mask) and _always(limit, at, extents) for limit in limits):
            return False
    return True


def _always(mask: Mask, at: Mapping[Index, Expr], extents: Mapping[Index, Expr]) -> bool:
    left, right = (side.xreplace(dict(at)) for side in (mask.left, mask.right))
    slack = left - right if mask.relation in (">", ">=") else right - left
    form = affine(slack.expand())
    if form is None:
        return False
    low, _ = _ends(form, _ZERO, extents)
    if low is None:
        return False
    return bool(is_nonnegative(simplify(low - 1 if mask.relation in ("<", ">") else low)))


# listing ---------------------------------------------------------------------------------------------------------------


def _listed(instance: Instance, accesses: Iterable[Access]) -> set[Any] | None:
    """The elements that reads touch, one by one; None where sizes are symbols, elements are looked up, or there are too many."""
    found: set[Any] = set()
    left = MOST_LISTED
    for access in accesses:
        if not access.exact or any(isinstance(part, Read) for part in access.address):
            return None
        shape, extents = instance.shapes[access.tensor], instance.extents[access.place]
        limits, every = _limits(instance, access)
        if not every:
            return None
        indices = set().union(*map(address_indices, access.address), *(limit.indices for limit in limits))
        sizes = [extents.get(index) for index in sorted(indices, key=str)]
        if not all(size is not None and size.is_Integer for size in (*sizes, *shape)):
            return None
        left -= int(Mul(*sizes))
        if left < 0:
            return None
        try:
            found.update(_points(access, shape, sorted(indices, key=str), sizes, extents, limits))
        except (LayerAlgebraError, TypeError):
            return None
    return found


def _points(
    access: Access, shape: Sequence[Any], indices: Sequence[Index], sizes: Sequence[Any], extents: Mapping[Index, Expr], limits: Sequence[Limit]
) -> Iterator[tuple[int, ...]]:  # fmt: skip
    relations = [relational(limit) for limit in limits]
    for values in product(*(range(int(size)) for size in sizes)):
        at = {index: Integer(value) for index, value in zip(indices, values)}
        if any(relation.xreplace(at) != true for relation in relations):
            continue
        element = []
        for part, shift in zip(access.address, access.shift):
            if isinstance(part, Group):
                place: Expr = _ZERO
                for index in part.parts:
                    place = place * extents[index] + at[index]
            else:
                assert isinstance(part, Expr)
                place = Integer(evaluate(part.xreplace(at), {}))
            element.append(int(place - shift))
        if all(0 <= one < size for one, size in zip(element, shape)):
            yield tuple(element)
