"""Capacity propagation at given weights: a carrier whose values are transition matrices.

Every layer that is affine in its input is composed from its equation first, so that what it computes in between (a padded
copy, a group of channels) is no layer of its own. Exact weights give exact matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Add, Expr, Integer, Matrix, Mul, Symbol, sympify

from ...equations.heads import Reduce, walk
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.layer_maps import attended, layer_maps
from ...linear.monomials import LINEAR, kinds_of_tensors
from ...linear.network_maps import seed_of
from ...networks.carrier import Carrier, GraphStep, Site
from ...numerics.layer_run import compute
from ...numerics.weights import Inventory, drawn, fitting
from ...records import dataclass
from .elementwise import function_of, is_activation
from .second_moments import (
    Applied,
    Averaged,
    Joined,
    Place,
    Signal,
    Stage,
    Unknown,
    Weighted,
    called,
    independent,
    known,
    leaving,
)
from .transitions import CapacityTransition, identity
from .transitions import affine as affine_transition

if TYPE_CHECKING:
    from numpy import ndarray

_ONE = Integer(1)


@dataclass(frozen=True)
class Part:
    """Where capacity goes through a part of a network, None for the identity of whatever size; and the steps from which
    the second moments of what leaves it follow."""

    transition: CapacityTransition | None = None
    stages: tuple[Stage, ...] = ()

    def same_as(self, other: Part) -> bool:
        """Whether both are one and the same branch."""
        return self.stages == other.stages


Moved = Callable[[tuple[int, ...]], Part]


class TransitionCarrier(Carrier[Moved]):
    """Matrices at given weights. A value is a function of the numbers of the copies around it, since copies differ."""

    def __init__(self, needed: Inventory, tensors: Mapping[str, Any], pattern: Any, exact: bool):
        self.needed, self.tensors, self.pattern, self.exact = needed, tensors, pattern, exact

    def leaf(self, site: Site, port: int) -> Moved:
        instance = site.instance
        assert instance is not None
        if len(site.inputs) != 1:
            raise UnsupportedError(
                f"{site.node} has {len(site.inputs)} inputs; capacity propagates through layers with one"
            )
        if site.node.is_identity:
            return lambda copies: Part()
        if is_activation(instance):
            applied = Part(None, (Applied(function_of(instance)),))
            return lambda copies: applied
        made: dict[str, Part] = {}

        def moved(copies: tuple[int, ...]) -> Part:
            path = site.path
            for loop, number in zip(site.loops, copies):
                path = path.replace(f"[{loop.index}]", f".{number}", 1)
            if path not in made:
                made[path] = self._part(instance, path)
            return made[path]

        return moved

    def _part(self, instance: Instance, path: str) -> Part:
        own = {}
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = self.tensors[self.needed.names[path, name]].reshape(shape)
        maxima = _maxima(instance)
        if maxima is not None:
            reason = f"the second moment of the largest in a window of {instance.layer} is not known"
            return Part(maxima if self.exact else _numeric(maxima), (Unknown(reason),))
        found = affine_layer(instance, own, self.pattern if attended(instance) else None, self.exact)
        return Part(found, (_stage(found, tuple(self.needed.names[path, name] for name in instance.weights())),))

    def series(self, values: Sequence[Moved]) -> Moved:
        def moved(copies: tuple[int, ...]) -> Part:
            result: CapacityTransition | None = None
            stages: list[Stage] = []
            for part in (value(copies) for value in values):
                stages += part.stages
                if part.transition is not None:
                    result = part.transition if result is None else result >> part.transition
            return Part(result, tuple(stages))

        return moved

    def join(self, site: Site, values: Sequence[Moved]) -> Moved:
        factors, axis = site.join.coefficients(len(values)), site.stacked_axis
        if factors is None:
            raise UnsupportedError(
                f"capacity has no rule for {site.join.noun}: what one branch hands on depends on the other"
            )
        if axis is None and any(flow.shape != site.output.shape for flow in site.inputs):
            raise UnsupportedError("capacity has no rule for a sum that is broadcast")

        def moved(copies: tuple[int, ...]) -> Part:
            parts = [value(copies) for value in values]
            return self._added(site, factors, parts) if axis is None else self._stacked(site, parts)

        return moved

    def _identity(self, shape: Sequence[Expr]) -> CapacityTransition:
        return identity(int(Mul(*shape)), exact=self.exact)

    def _added(self, site: Site, factors: Sequence[Expr], parts: Sequence[Part]) -> Part:
        shape = site.output.shape
        terms = independent(list(zip(factors, parts)))
        squares = [factor**2 if self.exact else float(factor) ** 2 for factor, _ in terms]
        found = [part.transition or self._identity(shape) for _, part in terms]
        signals = [leaving(part.stages, self._start(one.inputs)) for (_, part), one in zip(terms, found)]
        known(signals)
        result: CapacityTransition | None = None
        for square, one, signal in zip(squares, found, signals):
            weighed = CapacityTransition(one.matrix, (square * signal.moment).tolist())
            result = weighed if result is None else result + weighed
        assert result is not None

        def join(moments: Sequence[Any]) -> Any:
            return sum(square * moment for square, moment in zip(squares, moments))

        return Part(result, (Joined(tuple(part.stages for _, part in terms), join),))

    def _stacked(self, site: Site, parts: Sequence[Part]) -> Part:
        found = [part.transition or self._identity(flow.shape) for part, flow in zip(parts, site.inputs)]
        result = found[0]
        for one in found[1:]:
            result = result | one
        order = _order(site)

        def join(moments: Sequence[Any]) -> Any:
            return np.concatenate(moments)[order]

        return Part(_ordered(result, order), (Joined(tuple(part.stages for part in parts), join, stacked=True),))

    def _start(self, inputs: int) -> Signal:
        ones = np.full(inputs, _ONE, dtype=object) if self.exact else np.ones(inputs)
        return Signal(ones, ones, ones)

    def repeat(self, value: Moved, times: Expr, index: Symbol | None) -> Moved:
        if not times.is_Integer:
            raise UnsupportedError(f"matrices need a number of copies, got {times}")

        def copy(number: int) -> Moved:
            return lambda outer: value((*outer, number))

        return self.series([copy(number) for number in range(int(times))])

    def share(self, value: Moved, name: str, path: str) -> Moved:
        def moved(copies: tuple[int, ...]) -> Part:
            part = value(copies)
            return Part(part.transition, tuple(called(stage, name) for stage in part.stages))

        return moved

    def graph(self, steps: Sequence[GraphStep[Moved]], sink: str) -> Moved:
        def moved(copies: tuple[int, ...]) -> Part:
            arrived: dict[str, Part] = {}
            places: list[Place] = []

            def fixed(part: Part) -> Moved:
                return lambda copies: part

            for step in steps:
                incoming = [fixed(arrived[source]) for source in step.sources] or [self.series([])]
                value = (
                    self.join(step.join, incoming)
                    if step.join is not None
                    else self.series([incoming[0], step.values[0]])
                )
                part = value(copies)
                stages: tuple[Stage, ...] = (Place(part.stages, places),) if part.stages else ()
                arrived[step.name] = Part(part.transition, stages)
            return arrived[sink]

        return moved

    def source(self, site: Site) -> Moved:
        raise UnsupportedError(f"{site.node} has no input, so no capacity goes through it")


def _stage(found: CapacityTransition, names: tuple[str, ...]) -> Stage:
    """What an affine layer does to second moments."""
    gains = found.gains
    if found.exact:
        rows = gains.tolist()

        def brought(moments: Any) -> Any:
            return np.array([_total(row, moments) for row in rows] + [None], dtype=object)[:-1]

        offset = np.array([*found.variances, None], dtype=object)[:-1] - brought([_ONE] * found.inputs)
        single = all(sum(1 for entry in row if entry != 0) == 1 == sum(row) for row in rows)
    else:

        def brought(moments: Any) -> Any:
            return gains @ np.asarray(moments, dtype=float)

        offset = np.asarray(found.variances, dtype=float) - brought(np.ones(found.inputs))
        single = bool((np.diff(gains.indptr) == 1).all() and (gains.data == 1).all())
    return Weighted(names, brought, offset) if names else Averaged(brought, single)


def _total(row: Sequence[Any], moments: Any) -> Expr:
    return Add(*(entry * moment for entry, moment in zip(row, moments) if entry != 0))


def _order(site: Site) -> list[int]:
    """Where each element of a concatenated tensor stands when its branches are put one after the other."""
    axis = site.stacked_axis
    assert axis is not None
    parts, start = [], 0
    for flow in site.inputs:
        shape = [int(size) for size in flow.shape]
        count = int(np.prod(shape))
        parts.append(np.arange(start, start + count).reshape(shape))
        start += count
    return [int(place) for place in np.concatenate(parts, axis=axis).reshape(-1)]


def _ordered(rows: CapacityTransition, order: list[int]) -> CapacityTransition:
    variances = [rows.variances[place] for place in order]
    if rows.exact:
        columns = list(range(rows.inputs))
        return CapacityTransition(rows.matrix.extract(order, columns), variances, rows.gains.extract(order, columns))
    return CapacityTransition(rows.matrix[order, :], variances, rows.gains[order, :])


def _numeric(transition: CapacityTransition) -> CapacityTransition:
    import scipy.sparse as sp

    return CapacityTransition(sp.csr_array(transition.dense()), [float(v) for v in transition.variances])


def _maxima(instance: Instance) -> CapacityTransition | None:
    """Maxima of exchangeable inputs: each of a window is the largest with the same probability."""
    if instance.weights() or not any(
        isinstance(h, Reduce) and h.operation == "max" for s in instance.statements for h in walk(s.value)
    ):
        return None

    (name,) = instance.layer.input_names
    shape = tuple(int(size) for size in instance.shapes[name])
    size = int(np.prod(shape))
    rows = []
    for place in range(size):
        one = np.zeros(size, dtype=object)
        one[place] = 1
        rows.append([int(value > 0) for value in compute(instance, {name: one.reshape(shape)}).reshape(-1)])
    seen = np.array(rows).T
    return affine_transition([[int(v) for v in row] for row in seen])


def affine_layer(instance: Instance, tensors: Mapping[str, ndarray], pattern: Any, exact: bool) -> CapacityTransition:
    """The transition of one affine layer: its maps are composed first, so that what it computes in between is not counted."""
    maps, shapes = layer_maps(instance, tensors, pattern)
    sizes = {name: int(np.prod(shape)) if shape else 1 for name, shape in shapes.items()}
    (entry,) = instance.layer.input_names
    kinds = kinds_of_tensors(instance, attended(instance) if pattern is not None else frozenset())
    last = instance.root
    if kinds[last] != LINEAR:
        raise UnsupportedError(f"{instance.layer} does not depend on its input")
    if exact:
        rows: dict[str, list[dict[int, Any]]] = {last: [{} for _ in range(sizes[last])]}
        rows[entry] = [{place: _ONE} for place in range(sizes[entry])]
        for item in maps:
            if kinds[item.target] != LINEAR:
                continue
            target = rows.setdefault(item.target, [{} for _ in range(sizes[item.target])])
            source = rows.get(item.source, [{}] * sizes[item.source]) if item.source is not None else [{-1: _ONE}]
            for row, column, value in zip(item.rows.tolist(), item.columns.tolist(), item.values.tolist()):
                weight = _exact(value)
                for place, entry_value in source[column].items():
                    target[row][place] = target[row].get(place, Integer(0)) + weight * entry_value
        matrix = [[row.get(place, Integer(0)) for place in range(sizes[entry])] for row in rows[last]]
        return affine_transition(Matrix(matrix), [row.get(-1, Integer(0)) for row in rows[last]])
    import scipy.sparse as sp

    found: dict[str, Any] = {
        last: sp.csr_array((sizes[last], sizes[entry])),
        entry: sp.csr_array(sp.eye_array(sizes[entry])),
    }
    offsets: dict[str, Any] = {last: np.zeros(sizes[last]), entry: np.zeros(sizes[entry])}
    for item in maps:
        if kinds[item.target] != LINEAR:
            continue
        size = sizes[item.target]
        found.setdefault(item.target, sp.csr_array((size, sizes[entry])))
        offsets.setdefault(item.target, np.zeros(size))
        values = np.asarray(item.values, dtype=float)
        if item.source is None:
            np.add.at(offsets[item.target], item.rows, values)
        elif item.source in found:
            step = sp.csr_array(sp.coo_array((values, (item.rows, item.columns)), shape=(size, sizes[item.source])))
            offsets[item.target] = offsets[item.target] + step @ offsets[item.source]
            found[item.target] = found[item.target] + step @ found[item.source]
    return affine_transition(sp.csr_array(found[last]), offsets[last])


def _exact(value: Any) -> Expr:
    return value if isinstance(value, Expr) else sympify(value, strict=True)


def weights_of(needed: Inventory, at: Any) -> tuple[dict[str, Any], bool]:
    """Weights as arrays, and whether all of them are exact; expressions are allowed."""
    if not isinstance(at, Mapping):
        return drawn(needed.slots.values(), seed_of(at, "la.capacity_propagation")), False
    held = {name: np.asarray(value, dtype=object if _has_symbols(value) else None) for name, value in at.items()}
    symbolic = {name: array for name, array in held.items() if array.dtype == object and _has_symbols(array)}
    numeric = {name: np.zeros(array.shape, dtype=int) if name in symbolic else at[name] for name, array in held.items()}
    tensors = fitting(needed.slots, numeric)
    tensors.update(symbolic)
    return tensors, all(array.dtype == object for array in tensors.values())


def _has_symbols(value: Any) -> bool:
    array = np.asarray(value, dtype=object)
    return any(isinstance(item, Expr) and not item.is_Rational for item in array.reshape(-1).tolist())
