"""Every registered layer against enumeration: `oracles.brute_force` finds out what its equation means at small sizes.

Nothing here names a layer: a new one is tested as soon as it is registered. Shapes, parameters, work, activations,
receptive fields and numbers are compared with counting index points; formulas at symbolic sizes with formulas at
numbers; what is refused with what has no meaning.
"""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import sympy
from conftest import PROFILE
from hypothesis import event, given, settings
from hypothesis import strategies as st
from layer_checks import check_counts, check_numbers, check_receptive_field, seen, shapes_made, widest_fields
from published_samples import SAMPLES
from strategies_layers import attempts, cases
from sympy import Integer

import layeralgebra as la
from layeralgebra.proofs.samples.cases import meaning, one_or_list, symbolic
from layeralgebra.proofs.samples.hints import HINTS
from oracles.equation_nodes import Impossible

LAYERS = {layer.__name__: layer for layer in la.registered_layers()}
every_layer = pytest.mark.parametrize("name", sorted(LAYERS))
every_described_layer = pytest.mark.parametrize("name", sorted(name for name in LAYERS if not LAYERS[name].opaque))
"""Those whose equation says what they compute."""


def drawn(quick: int, thorough: int | None = None) -> Callable[[Callable[..., None]], Callable[[str], None]]:
    """A property of each of many layers, so that the quick run takes fewer examples than its profile says.

    One is enough there for a layer that has a sample in `published_samples`, on which `test_published_registry` holds it as well.
    """

    def decorated(test: Callable[..., None]) -> Callable[[str], None]:
        @functools.wraps(test)
        def run(name: str) -> None:
            full = settings().max_examples if thorough is None else thorough
            examples = full if PROFILE == "full" else 1 if name in SAMPLES else quick

            @settings(max_examples=examples)
            @given(data=st.data())
            def property_of_layer(data: st.DataObject) -> None:
                test(name, data)

            property_of_layer()

        run.__signature__ = inspect.Signature([inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD)])  # type: ignore[attr-defined]
        return run

    return decorated


some, few = drawn(3), drawn(2, max(4, settings().max_examples // 4))


# counts --------------------------------------------------------------------------------------------------------------


@every_described_layer
@some
def test_shapes_parameters_and_work_are_those_of_enumeration(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    check_counts(case)
    for metric, claim in case.layer.claims.items():
        shapes = [tuple(map(Integer, shape)) for shape in case.shapes]
        assert getattr(la, metric)(case.layer, on=case.on) == claim(case.layer, *shapes), (
            f"the claim for {metric} is wrong"
        )


def test_opaque_layers_have_shapes_and_work_that_is_not_known() -> None:
    net = la.Input(4, 5) >> la.Linear(6) >> la.Opaque("sort", (4, 6))
    kinds = {
        metric: la.derive(metric, net).kind
        for metric in ("parameters", "output_shape", "macs", "flops", "receptive_field")
    }
    assert kinds == dict(zip(kinds, ("exact", "exact", "lower", "lower", "upper")))
    for refuse in (
        lambda: la.run(net, np.zeros((4, 5))),
        lambda: la.intrinsic_power(net),
        lambda: la.vc_dimension(net),
    ):
        with pytest.raises(la.UnsupportedError, match="opaque"):
            refuse()


@every_layer
@some
def test_receptive_fields_hold_every_position_that_is_read(name: str, data: st.DataObject) -> None:
    check_receptive_field(data.draw(cases(LAYERS[name])))


@every_described_layer
@some
def test_run_computes_what_the_equation_says(name: str, data: st.DataObject) -> None:
    seed, exact = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.booleans())
    check_numbers(data.draw(cases(LAYERS[name])), seed, exact)


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
def derivation(metric: str, options: tuple, layer: la.Network, shapes: tuple) -> la.Derivation:
    """A derivation at symbolic sizes; many cases share one."""
    return la.derive(metric, layer, on=one_or_list(shapes), **dict(options))


@every_layer
@few
def test_formulas_at_symbols_agree_with_formulas_at_numbers(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    layer, shapes, values = symbolic(case)
    nets = [layer, *(layer[output] for output in layer.several)]
    for net, (at_sizes, meant) in zip(nets, seen(case), strict=True):
        for metric, options in METRICS:
            if metric in ("output_shape", "receptive_field") and net.several:
                continue  # asked of each output
            derived = derivation(metric, options, net, tuple(shapes))
            known = {symbol: values[symbol] for symbol in derived.symbols}
            at_numbers = la.derive(metric, at_sizes, on=case.on, **dict(options))
            try:
                left = derived(known)
            except la.DomainError as error:
                assert "the side of a condition is chosen" in str(error)
                continue  # the numbers take the other side of a choice in the equation
            right = at_numbers({})
            assert derived.domain.holds(known)
            if metric != "receptive_field":
                assert _same(left, right), f"{metric} {dict(options)}: {derived.formula}"
            elif derived.kind == at_numbers.kind == "exact":
                # An axis of one position has no neighbours, so that its jump can be anything.
                assert (left.size, left.start) == (right.size, right.start), f"{derived.formula}"
            elif case.shapes:
                assert all(bound >= size for bound, size in zip(left.size, widest_fields(case, meant))), (
                    f"{derived.formula}"
                )


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[part], right[part]) for part in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if hasattr(left, "map_expressions"):
        return all(_same(getattr(left, part), getattr(right, part)) for part in left.__dataclass_fields__)
    return left == right


# refusals ------------------------------------------------------------------------------------------------------------


@every_layer
@few
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
    assert la.output_shape(layer, on=on) == shapes_made(layer, meant)


# layers as SymPy objects ---------------------------------------------------------------------------------------------


@every_layer
@few
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
