"""Programs for equations say what solving each layer says, name the sizes that were given, and know whom they belong to."""

from __future__ import annotations

import random
from typing import Any

import programs_agreement
import pytest
from programs_agreement import compared, difference, of_random_equation
from sympy import Dummy, Integer, floor

import layeralgebra as la
from layeralgebra.algebra.equations import programs
from layeralgebra.algebra.equations.instance import instantiate, solved
from layeralgebra.algebra.equations.programs import applied, is_open
from layeralgebra.algebra.sizes.dims import as_size

A, B = la.dims("a b")


def by_a_program(layer: Any, *shape: Any) -> Any:
    """The instance of a layer when its like has come before."""
    for _ in range(3):
        made = applied(layer, (tuple(as_size(size, "a size") for size in shape),), solved)
    return made


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_programs_of_random_equations_agree(first: int) -> None:
    found = [result for number in range(first, first + 20) for result in of_random_equation(number)]
    assert "" in found
    assert not [result for result in found if result]


def test_programs_of_published_networks_agree() -> None:
    source = random.Random(1)
    found = []
    for net in (la.zoo.resnet18(), la.zoo.mobilenet_v2(), la.zoo.vit_b_16()):
        layers = {(site.node, site.instance.inputs) for site in _sites(net)}
        for layer, shapes in sorted(layers, key=str)[:12]:
            found += compared(type(layer), layer.values, shapes, source)
    assert found.count("") > 30
    assert not [result for result in found if result]


def _sites(net: Any) -> list[Any]:
    from layeralgebra.algebra.networks.carrier import ShapeCarrier
    from layeralgebra.algebra.networks.evaluator import evaluate_network

    return [term.site for term in evaluate_network(net, ShapeCarrier()).terms if term.site.instance is not None]


def test_a_size_that_is_taken_for_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_bound", lambda made: set())
    programs._kept.cache_clear(), programs._fixed.cache_clear()
    try:
        assert any(difference(la.Conv(width, 3, stride=2), ((Integer(5), Integer(9), A),)) for width in (7, 8))
    finally:
        programs._kept.cache_clear()


def test_sizes_that_are_divided_stay_and_channels_do_not() -> None:
    made = by_a_program(la.Conv(A, 3, stride=2), B, 9, 9)
    assert made.output == (A, 4, 4) and made.shapes["W"] == (1, A, B, 3, 3)
    assert by_a_program(la.Conv(12, 3, stride=2), A + 1, 9, 9).output == (12, 4, 4)


def test_no_letter_is_left() -> None:
    for layer, shape in ((la.Conv(A, 3), (B, 9, A)), (la.Linear(5), (7, B)), (la.BatchNorm(), (6, B, B))):
        made = by_a_program(layer, *shape)
        assert made is not None
        assert not programs._within(
            {name: getattr(made, name) for name in programs_agreement.KEPT if name not in ("layer",)}
        )
        assert not programs._within(made.elaborated)


@pytest.mark.parametrize("shape", [(3, 2, 2), (5, 1, 9)])
def test_what_is_refused_names_the_sizes_that_were_given(shape: tuple[int, ...]) -> None:
    layer = la.Conv(17, 3)
    by_a_program(layer, 3, 8, 8)
    for _ in range(3):
        with pytest.raises(la.LayerAlgebraError) as found:
            la.macs(layer, on=shape)
    with pytest.raises(la.LayerAlgebraError) as wanted:
        solved(layer, (tuple(map(Integer, shape)),))
    assert str(wanted.value).splitlines()[0] in str(found.value)
    assert "\N{LEFT CEILING}" not in str(found.value)


def test_a_class_of_the_same_name_has_a_program_of_its_own() -> None:
    def scale(equation: str) -> Any:
        return type("Scale", (la.Layer,), {"equation": equation, "__annotations__": {}})

    first, second = scale("y[c, *i] = s[c] * x[c, *i]"), scale("y[c, *i] = s[c, *i] * x[c, *i]")
    for width in (5, 6, 7):
        shape = (Integer(width), Integer(3), A)
        assert instantiate(first(), shape).shapes["s"] == (width,)
        assert instantiate(second(), shape).shapes["s"] == (width, 3, A)


def test_a_text_made_of_the_values_of_fields_is_not_mixed_up() -> None:
    class Wide(la.Layer):
        out: la.Dim

        @property
        def equation(self) -> str:
            return f"y[o] = W[o, c] * x[c]\nwhere o < {self.out} + out"

    for width in (5, 6, 7, 8):
        assert instantiate(Wide(width), (Integer(11),)).output == (2 * width,)


def test_a_program_leaves_nothing_behind_in_what_it_gave() -> None:
    first = by_a_program(la.Linear(13), 21)
    first.shapes["W"], first.extents[0] = (Integer(1),), {}
    assert by_a_program(la.Linear(13), 21).shapes["W"] == (13, 21)


def test_only_sizes_that_are_positive_integers_in_normal_form_are_open() -> None:
    assert all(map(is_open, (Integer(2), A, 2 * A + 3, A * B + 1, A * B)))
    other = (
        Integer(1),
        Integer(0),
        Integer(-3),
        A / 2,
        A - 1,
        A - B,
        Dummy("n"),
        Dummy("n", integer=True),
        floor(A / 2),
        floor((A + 1) / 2),
    )
    assert not any(map(is_open, other))
