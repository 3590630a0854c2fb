"""Capacity propagation at given weights: a carrier whose values are transition matrices.

Every layer that is affine in its input is composed from its equation first, so that what it computes in between (a padded
copy, a group of channels) is no layer of its own. Exact weights give exact matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Integer, Matrix, Mul, Symbol, sympify

from ...equations.heads import Reduce, walk
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.layer_maps import attended, layer_maps
from ...linear.monomials import LINEAR, kinds_of_tensors
from ...linear.network_maps import activates
from ...networks.carrier import Carrier, GraphStep, Site
from ...numerics.layer_run import compute
from ...numerics.weights import Inventory, checked, drawn
from .transitions import CapacityTransition, identity
from .transitions import affine as affine_transition

if TYPE_CHECKING:
    from numpy import ndarray

_ONE = Integer(1)

Moved = Callable[[tuple[int, ...]], "CapacityTransition | None"]


class TransitionCarrier(Carrier[Moved]):
    """Matrices at given weights. A value is a function of the numbers of the copies around it, since copies differ.

    None stands for the identity of whatever size.
    """

    def __init__(self, needed: Inventory, tensors: Mapping[str, Any], pattern: Any, exact: bool):
        self.needed, self.tensors, self.pattern, self.exact = needed, tensors, pattern, exact

    def leaf(self, site: Site, port: int) -> Moved:
        instance = site.instance
        assert instance is not None
        if len(site.inputs) != 1:
            raise UnsupportedError(
                f"{site.node} has {len(site.inputs)} inputs; capacity propagates through layers with one"
            )
        if activates(instance):
            return lambda copies: None
        made: dict[str, CapacityTransition | None] = {}

        def moved(copies: tuple[int, ...]) -> CapacityTransition | None:
            path = site.path
            for loop, number in zip(site.loops, copies):
                path = path.replace(f"[{loop.index}]", f".{number}", 1)
            if path not in made:
                made[path] = self._transition(instance, path)
            return made[path]

        return moved

    def _transition(self, instance: Instance, path: str) -> CapacityTransition:
        own = {}
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = self.tensors[self.needed.names[path, name]].reshape(shape)
        maxima = _maxima(instance)
        if maxima is not None:
            return maxima if self.exact else _numeric(maxima)
        return affine_layer(instance, own, self.pattern if attended(instance) else None, self.exact)

    def series(self, values: Sequence[Moved]) -> Moved:
        def moved(copies: tuple[int, ...]) -> CapacityTransition | None:
            parts = [part for part in (value(copies) for value in values) if part is not None]
            result = parts[0] if parts else None
            for part in parts[1:]:
                assert result is not None
                result = result >> part
            return result

        return moved

    def join(self, site: Site, values: Sequence[Moved]) -> Moved:
        factors, axis = site.join.coefficients(len(values)), site.stacked_axis
        if factors is None or any(factor != 1 for factor in factors):
            raise UnsupportedError(f"capacity has no rule for {site.join.noun}")
        if axis is None and any(flow.shape != site.output.shape for flow in site.inputs):
            raise UnsupportedError("capacity has no rule for a sum that is broadcast")

        def moved(copies: tuple[int, ...]) -> CapacityTransition | None:
            parts = []
            for flow, value in zip(site.inputs, values):
                part = value(copies)
                parts.append(identity(int(Mul(*flow.shape)), exact=self.exact) if part is None else part)
            result = parts[0]
            for part in parts[1:]:
                result = result + part if axis is None else result | part
            return result if axis is None else _ordered(result, site)

        return moved

    def repeat(self, value: Moved, times: Expr, index: Symbol | None) -> Moved:
        if not times.is_Integer:
            raise UnsupportedError(f"matrices need a number of copies, got {times}")

        def copy(number: int) -> Moved:
            return lambda outer: value((*outer, number))

        return self.series([copy(number) for number in range(int(times))])

    def graph(self, steps: Sequence[GraphStep[Moved]], sink: str) -> Moved:
        arrived: dict[str, Moved] = {}
        for step in steps:
            incoming = [arrived[source] for source in step.sources] or [self.series([])]
            arrived[step.name] = (
                self.join(step.join, incoming) if step.join is not None else self.series([incoming[0], step.values[0]])
            )
        return arrived[sink]

    def source(self, site: Site) -> Moved:
        raise UnsupportedError(f"{site.node} has no input, so no capacity goes through it")


def _ordered(stacked_rows: CapacityTransition, site: Site) -> CapacityTransition:
    """Rows of branches one after the other, put in the order of the concatenated tensor."""
    axis = site.stacked_axis
    assert axis is not None
    parts, start = [], 0
    for flow in site.inputs:
        shape = [int(size) for size in flow.shape]
        count = int(np.prod(shape))
        parts.append(np.arange(start, start + count).reshape(shape))
        start += count
    order = np.concatenate(parts, axis=axis).reshape(-1).tolist()
    variances = [stacked_rows.variances[place] for place in order]
    if stacked_rows.exact:
        return CapacityTransition(stacked_rows.matrix.extract(order, list(range(stacked_rows.inputs))), variances)
    return CapacityTransition(stacked_rows.matrix[order, :], variances)


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
    last = instance.statements[-1].target
    if exact:
        rows: dict[str, list[dict[int, Any]]] = {entry: [{place: _ONE} for place in range(sizes[entry])]}
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

    found: dict[str, Any] = {entry: sp.csr_array(sp.eye_array(sizes[entry]))}
    offsets: dict[str, Any] = {entry: np.zeros(sizes[entry])}
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
        return drawn(needed.slots.values(), at), False
    held = {name: np.asarray(value, dtype=object if _has_symbols(value) else None) for name, value in at.items()}
    symbolic = {name: array for name, array in held.items() if array.dtype == object and _has_symbols(array)}
    numeric = {name: np.zeros(array.shape, dtype=int) if name in symbolic else at[name] for name, array in held.items()}
    tensors = checked(needed.slots, numeric)
    tensors.update(symbolic)
    return tensors, all(array.dtype == object for array in tensors.values())


def _has_symbols(value: Any) -> bool:
    array = np.asarray(value, dtype=object)
    return any(isinstance(item, Expr) and not item.is_Rational for item in array.reshape(-1).tolist())
