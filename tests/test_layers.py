"""Every registered layer against enumeration: `oracles.brute_force` finds out what its equation means at small sizes.

Nothing here names a layer: a new one is tested as soon as it is registered. Shapes, parameters, work, activations,
receptive fields and numbers are compared with counting index points; formulas at symbolic sizes with formulas at
numbers; what is refused with what has no meaning.
"""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import sympy
from conftest import PROFILE
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from strategies_layers import HINTS, Case, arrays, attempts, cases, meaning, one_or_list, symbolic
from sympy import Integer

import layeralgebra as la
from layeralgebra.algebra.reach import layer_reach
from oracles.equation_nodes import Impossible, Undefined

LAYERS = {layer.__name__: layer for layer in la.registered_layers()}
every_layer = pytest.mark.parametrize("name", sorted(LAYERS))

# A property here is one for each of many layers, so that the quick run takes fewer examples than its profile says.
some = settings(max_examples=settings().max_examples if PROFILE == "full" else 3)
few = settings(max_examples=max(4, settings().max_examples // 4) if PROFILE == "full" else 2)


def work(case: Case, effective: bool) -> tuple[int, int, int, int]:
    """MACs, multiplies, adds and others, as the package counts them."""
    apart = la.flops(case.layer, on=case.on, apart=True, effective=effective)
    return la.macs(case.layer, on=case.on, effective=effective), apart.multiplies, apart.adds, apart.other


def counted(case: Case, effective: bool) -> tuple[int, int, int, int]:
    """The same by enumeration."""
    counts = case.meaning.counts(effective)
    return counts.macs, counts.multiplies, counts.adds, counts.other


# counts --------------------------------------------------------------------------------------------------------------


@every_layer
@some
@given(data=st.data())
def test_shapes_parameters_and_work_are_those_of_enumeration(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    layer, on, meant = case.layer, case.on, case.meaning
    assert tuple(la.output_shape(layer, on=on)) == meant.output
    assert la.parameters(layer, on=on) == sum(meant.elements.values())
    instance = layer.instance(*case.shapes)
    assert {tensor: tuple(shape) for tensor, shape in instance.weights().items()} == meant.weights
    assert la.activations(layer, on=on) == meant.activations
    assert work(case, effective=False) == counted(case, effective=False)
    assert work(case, effective=True) == counted(case, effective=True)
    for metric, claim in layer.claims.items():
        shapes = [tuple(map(Integer, shape)) for shape in case.shapes]
        assert getattr(la, metric)(layer, on=on) == claim(layer, *shapes), f"the claim for {metric} is wrong"


@every_layer
@some
@given(data=st.data())
def test_receptive_fields_hold_every_position_that_is_read(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    instance = case.layer.instance(*case.shapes)
    for port, source in enumerate(case.layer.input_names):
        read = case.meaning.reach(source)
        for axis, claimed in enumerate(layer_reach(instance, port)):
            hulls = {where: hull[axis] for where, hull in read.items() if hull[axis] is not None}
            ends = {where: _ends(claimed, where) for where in hulls}
            for where, (low, high) in hulls.items():
                start, end = ends[where]
                assert start <= low and high <= end, f"output {where} reads {low} to {high} along axis {axis}"
            widest = max((high - low + 1 for low, high in hulls.values()), default=0)
            assert widest <= claimed.size
            if not claimed.exact or not hulls:
                continue
            attained = [where for where, hull in hulls.items() if hull == ends[where]]
            event("attained" if attained else "cut at the border")
            # A field that is said to be exact is that of some output, unless the input is too small to hold one.
            assert attained or claimed.size > case.shapes[port][axis]
            if claimed.covers:
                assert widest >= case.shapes[port][axis]
    if len(case.shapes) == 1:
        _check_public_receptive_field(case)


def _ends(claimed: Any, where: tuple[int, ...]) -> tuple[Any, Any]:
    """The interval that a reach says the output at a position reads; none of it depends on positions that are gone."""
    base = 0 if claimed.frozen and not claimed.jumps else sum(jump * where[axis] for axis, jump in claimed.jumps)
    return base + claimed.low, base + claimed.high


def spatial_axes(case: Case) -> list[int]:
    """The axes of the first input that are positions, by where the layer says its channels are."""
    takes, rank = case.layer.layout[0], len(case.shapes[0])
    return list(range(rank - 1)) if takes == "last" else list(range(rank)) if takes == "all" else list(range(1, rank))


def widest_fields(case: Case) -> list[int]:
    """For every spatial axis, how many positions the output that reads the most reads, from the first to the last."""
    read = case.meaning.reach(case.layer.input_names[0])
    return [
        max((hull[axis][1] - hull[axis][0] + 1 for hull in read.values() if hull[axis] is not None), default=0)
        for axis in spatial_axes(case)
    ]


def _check_public_receptive_field(case: Case) -> None:
    """`la.receptive_field` says of every spatial axis what one finds by looking at neighbouring outputs."""
    derived = la.derive(la.receptive_field, case.layer, on=case.on)
    field = derived.formula
    spatial = spatial_axes(case)
    assert len(field.size) == len(field.jump) == len(field.start) == len(field.covers_input) == len(spatial)
    reach = layer_reach(case.layer.instance(*case.shapes))
    read = case.meaning.reach(case.layer.input_names[0])
    for place, axis in enumerate(spatial):
        hulls = {where: hull[axis] for where, hull in read.items() if hull[axis] is not None}
        widest = widest_fields(case)[place]
        assert widest <= field.size[place]
        if field.covers_input[place] and reach[axis].exact:
            assert widest >= case.shapes[0][axis]
        full = {where: low for where, (low, high) in hulls.items() if high - low + 1 == field.size[place]}
        moves = [output for output, _ in reach[axis].jumps]
        if derived.kind != "exact" or len(moves) != 1:
            continue
        for where, low in full.items():
            following = tuple(at + (other == moves[0]) for other, at in enumerate(where))
            if following in full:
                assert full[following] - low == field.jump[place]
            if where[moves[0]] == 0:
                assert low == field.start[place]


# numbers -------------------------------------------------------------------------------------------------------------


@every_layer
@some
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), exact=st.booleans())
def test_run_computes_what_the_equation_says(name: str, data: st.DataObject, seed: int, exact: bool) -> None:
    case = data.draw(cases(LAYERS[name]))
    tensors = arrays(case, seed, exact)
    inputs = [tensors[source] for source in case.layer.input_names]
    needed = {tensor: array for tensor, array in tensors.items() if tensor not in case.layer.input_names}
    assert {tensor: array.shape for tensor, array in la.weights(case.layer, on=case.on).items()} == {
        tensor: array.shape for tensor, array in needed.items()
    }
    try:
        expected = case.meaning.run(tensors)
    except Undefined:
        reject()
    found = la.run(case.layer, inputs[0] if len(inputs) == 1 else inputs, needed)
    assert found.shape == case.meaning.output
    is_exact = all(isinstance(value, (int, Fraction)) for value in expected.values())
    assert not (exact and is_exact and found.dtype == float), "integers went in and rounding came out"
    for where, value in expected.items():
        if found.dtype != float:
            assert found[where] == value
        else:
            both_nan = math.isnan(found[where]) and math.isnan(value)
            close = math.isclose(found[where], value, rel_tol=1e-9, abs_tol=1e-9)
            assert both_nan or found[where] == value or close, where


# symbols -------------------------------------------------------------------------------------------------------------

METRICS: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...] = (
    ("output_shape", ()),
    ("parameters", ()),
    ("activations", ()),
    ("macs", ()),
    ("macs", (("effective", True),)),
    ("flops", (("apart", True),)),
    ("flops", (("apart", True), ("effective", True))),
    ("receptive_field", ()),
)


@lru_cache(maxsize=2000)
def derivation(metric: str, options: tuple, layer: la.Layer, shapes: tuple) -> la.Derivation:
    """A derivation at symbolic sizes; many cases share one."""
    return la.derive(metric, layer, on=one_or_list(shapes), **dict(options))


@every_layer
@few
@given(data=st.data())
def test_formulas_at_symbols_agree_with_formulas_at_numbers(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    layer, shapes, values = symbolic(case)
    for metric, options in METRICS:
        derived = derivation(metric, options, layer, tuple(shapes))
        known = {symbol: values[symbol] for symbol in derived.symbols}
        at_numbers = la.derive(metric, case.layer, on=case.on, **dict(options))
        left, right = derived(known), at_numbers({})
        assert derived.domain.holds(known)
        if metric != "receptive_field":
            assert _same(left, right), f"{metric} {dict(options)}: {derived.formula}"
        elif derived.kind == at_numbers.kind == "exact":
            # An axis of one position has no neighbours, so that its jump can be anything.
            assert (left.size, left.start) == (right.size, right.start), f"{derived.formula}"
        elif case.shapes:
            assert all(bound >= size for bound, size in zip(left.size, widest_fields(case))), f"{derived.formula}"


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if hasattr(left, "map_expressions"):
        return all(_same(getattr(left, part), getattr(right, part)) for part in left.__dataclass_fields__)
    return left == right


# refusals ------------------------------------------------------------------------------------------------------------


@every_layer
@some
@given(data=st.data())
def test_what_has_no_meaning_is_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    layer, shapes = data.draw(attempts(LAYERS[name]))
    if layer is None:
        return
    on = one_or_list(shapes)
    try:
        meant = meaning(layer, shapes)
    except Impossible:
        event("refused")
        with pytest.raises(la.LayerAlgebraError):
            la.output_shape(layer, on=on)
        with pytest.raises(la.LayerAlgebraError):
            zeros = [np.zeros(shape, dtype=int) for shape in shapes]
            la.run(layer, zeros[0] if len(zeros) == 1 else zeros)
        return
    event("accepted")
    assert tuple(la.output_shape(layer, on=on)) == meant.output


# layers as SymPy objects ---------------------------------------------------------------------------------------------


@every_layer
@some
@given(data=st.data())
def test_a_layer_is_a_sympy_object(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    twin, shapes, values = symbolic(case)
    for layer in (case.layer, twin):
        assert layer.func(*layer.args) == layer and hash(layer.func(*layer.args)) == hash(layer)
        assert pickle.loads(pickle.dumps(layer)) == layer
        assert copy.copy(layer) == layer and copy.deepcopy(layer) == layer
        names = {symbol.name: symbol for symbol in layer.free_symbols}
        assert eval(repr(layer), {**vars(la), **names}) == layer  # its own repr, in a test
        assert isinstance(sympy.pretty(layer), str) and str(layer)
    used = {symbol for symbol in values if not any(symbol in shape for shape in shapes)}
    assert twin.free_symbols == used
    numbers = {symbol: values[symbol] for symbol in used}
    assert twin.subs(numbers) == case.layer
    assert twin.xreplace({symbol: Integer(value) for symbol, value in numbers.items()}) == case.layer
    assert case.layer.free_symbols == set()


@every_layer
@few
@given(data=st.data())
def test_a_layer_is_typeset(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    for layer in (case.layer, symbolic(case)[0]):
        for text in (la.latex(layer), la.latex_equation(layer), sympy.latex(layer)):
            assert text and text.count("{") == text.count("}")


# what is tested ------------------------------------------------------------------------------------------------------


def test_hints_belong_to_layers() -> None:
    assert set(HINTS) <= set(LAYERS), "a hint for a layer that is not registered"


def test_every_layer_is_exported_and_documented() -> None:
    for name, layer in LAYERS.items():
        assert getattr(la, name) is layer
        assert layer.__doc__ and layer.__doc__.strip()
        assert name in la.__all__
