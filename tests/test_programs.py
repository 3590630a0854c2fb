"""Programs for equations say what solving each layer says, name the sizes that were given, and know whom they belong to."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from programs_agreement import KEPT, compared, difference, difference_at_numbers, of_random_equation
from sympy import Basic, Dummy, Integer, floor

import layeralgebra as la
from layeralgebra.algebra.equations import at_numbers, programs
from layeralgebra.algebra.equations.instance import Instance, InstanceAtNumbers, instantiate, solved
from layeralgebra.algebra.equations.programs import by_letters
from layeralgebra.algebra.equations.work import work
from layeralgebra.algebra.networks.carrier import ShapeCarrier
from layeralgebra.algebra.networks.evaluator import evaluate_network
from layeralgebra.algebra.sizes.dims import as_size

A, B = la.dims("a b")


def by_a_program(layer: Any, *shape: Any) -> Any:
    """The instance of a layer of one input by its program."""
    return by_letters(layer, (tuple(as_size(size, "a size") for size in shape),), solved)


def letters(value: Any) -> set[str]:
    """The letters anywhere in the text of what an instance holds."""
    return {part for part in str(value).split() if "\N{LEFT CEILING}" in part}


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_programs_of_random_equations_agree(first: int) -> None:
    found = [result for number in range(first, first + 20) for result in of_random_equation(number)]
    assert "" in found
    assert not [result for result in found if result]


def test_programs_of_published_networks_agree() -> None:
    source = random.Random(1)
    found = []
    for net in (la.zoo.resnet18(), la.zoo.mobilenet_v2(), la.zoo.vit_b_16(), la.zoo.swin_t()):
        sites = [term.site for term in evaluate_network(net, ShapeCarrier()).terms if term.site.instance is not None]
        for layer, shapes in sorted({(site.node, site.instance.inputs) for site in sites}, key=str)[:6]:
            found += compared(type(layer), layer.values, shapes, source)
    assert found.count("") > 30
    assert not [result for result in found if result]


def test_a_letter_of_which_too_much_is_known_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_known", lambda size: (("integer", True), ("positive", True)))
    programs._kept.cache_clear()
    try:
        assert difference(la.Conv(7, 1), ((A, floor(A / 2), B),))
    finally:
        programs._kept.cache_clear()


def test_numbers_and_symbols_are_solved_by_themselves() -> None:
    assert by_a_program(la.Conv(A, 3), 5, B, 9) is None
    assert by_a_program(la.Conv(A, 3), 5, B + 1, 9) is not None


def test_channels_have_one_program_and_sides_of_windows_have_several() -> None:
    programs._kept.cache_clear()
    for width, channels in ((7, A), (9, A + B), (2 * A, 3 * A)):
        made = by_a_program(la.Conv(width, 3, stride=2), channels, A + 9, A + 9)
        assert made.shapes["W"] == (1, width, channels, 3, 3) and made.output == (width, *[floor(A / 2) + 4] * 2)
    assert programs._kept.cache_info().currsize == 1
    by_a_program(la.Conv(7, 5, stride=2), A + B, A + 9, A + 9)
    assert programs._kept.cache_info().currsize == 2


def test_no_letter_is_left() -> None:
    shapes: tuple[tuple[Any, ...], ...] = ((B + 3, 9, A - 2), (7, B * A), (6, floor(B / 2), B - A))
    for layer, shape in zip((la.Conv(A, 3), la.Linear(5), la.WindowAttention(A, 7, 3)), shapes):
        made = by_a_program(layer, *shape)
        assert made is not None
        held = [getattr(made, name) for name in KEPT if name != "layer"]
        assert not letters(held) and not letters(made.elaborated)
        assert all(not size.atoms(Dummy) for size in made.output if isinstance(size, Basic))


@pytest.mark.parametrize("shape", [(A, A - A**2, 4), (A + 1, 1, 2), (A - 3, A - 5 * A, A)])
def test_what_is_refused_names_the_sizes_that_were_given(shape: tuple[Any, ...]) -> None:
    layer, shapes = la.Conv(17, 3), (tuple(as_size(size, "a size", least=None) for size in shape),)
    with pytest.raises(la.LayerAlgebraError) as wanted:
        solved(layer, shapes)
    with pytest.raises(la.LayerAlgebraError) as found:
        instantiate(layer, *shapes)
    assert str(wanted.value) == str(found.value)


def test_words_of_conditions_name_the_sizes_that_were_given() -> None:
    made = by_a_program(la.MaxPool(3, 2), A, A - 2, floor(B / 4))
    assert [condition.meaning for condition in made.conditions] == [
        condition.meaning for condition in solved(la.MaxPool(3, 2), made.inputs).conditions
    ]
    assert any("an axis of floor(b/4) must hold one window of 3" in condition.meaning for condition in made.conditions)


def test_a_class_of_the_same_name_has_a_program_of_its_own() -> None:
    def scale(equation: str) -> Any:
        return type("Scale", (la.Layer,), {"equation": equation, "__annotations__": {}})

    first, second = scale("y[c, *i] = s[c] * x[c, *i]"), scale("y[c, *i] = s[c, *i] * x[c, *i]")
    for width in (A + 5, A + 6, 2 * A):
        assert by_a_program(first(), width, 3, A).shapes["s"] == (width,)
        assert by_a_program(second(), width, 3, A).shapes["s"] == (width, 3, A)


def test_a_text_made_of_the_values_of_fields_is_not_mixed_up() -> None:
    class Wide(la.Layer):
        out: la.Dim

        @property
        def equation(self) -> str:
            return f"y[o] = W[o, c] * x[c]\nwhere o < {self.out} + out"

    for width in (5, 6, 7):
        assert by_a_program(Wide(width), A + 1).output == (2 * width,)


def test_a_program_leaves_nothing_behind_in_what_it_gave() -> None:
    first = by_a_program(la.Linear(13), A + 21)
    first.shapes["W"], first.extents[0] = (Integer(1),), {}
    assert by_a_program(la.Linear(13), A + 21).shapes["W"] == (13, A + 21)


# numbers -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Programs for numbers from the first layer of a kind on."""
    monkeypatch.setattr(at_numbers, "SOLVED_BEFORE", 0)
    for kept in (at_numbers._kind, instantiate):
        kept.cache_clear()
    yield
    for kept in (at_numbers._kind, instantiate):
        kept.cache_clear()


def numbers(*shape: int) -> tuple[Integer, ...]:
    return tuple(map(Integer, shape))


def test_layers_that_differ_in_their_sizes_have_one_program_for_numbers(at_once: None) -> None:
    for width, channels, side in ((7, 5, 9), (64, 3, 32), (12, 10, 100)):
        made = instantiate(la.Conv(width, 3, stride=2), numbers(channels, side, side))
        assert isinstance(made, InstanceAtNumbers) and "elaborated" not in vars(made)
        side = (side - 3) // 2 + 1
        assert made.output == (width, side, side) and made.weights() == {
            "W": (1, width, channels, 3, 3),
            "b": (1, width),
        }
        assert work(made).macs == width * channels * 9 * side**2 and work(made).adds == width * side**2 * (
            9 * channels + 1
        )
        assert "elaborated" not in vars(made)
        assert made.extents == solved(made.layer, made.inputs).extents
    assert at_numbers._kind.cache_info().currsize == 1


def test_what_does_not_fit_is_refused_in_the_same_words_with_a_program(at_once: None) -> None:
    assert isinstance(instantiate(la.Conv(12, 3, groups=3), numbers(6, 8, 8)), InstanceAtNumbers)
    for layer, shape in (
        (la.Conv(10, 3, groups=3), (6, 8, 8)),
        (la.Conv(12, 3, groups=4), (6, 8, 8)),
        (la.Conv(12, 9), (6, 8, 8)),
    ):
        with pytest.raises(la.ShapeError) as own:
            instantiate(layer, numbers(*shape))
        with pytest.raises(la.ShapeError) as wanted:
            solved(layer, (numbers(*shape),))
        assert str(own.value) == str(wanted.value)


class Two(la.Layer):
    """A product of two inputs."""

    inputs = ("a", "b")
    equation = "y[i] = a[i]*b[i]"


def test_a_question_that_is_not_asked_of_numbers_is_found(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert difference_at_numbers(Two(), (numbers(5), numbers(5))) == ""
    assert difference_at_numbers(Two(), (numbers(5), numbers(7))) is None
    monkeypatch.setattr(at_numbers, "_needed", lambda question, about: [])
    assert "refused without a program" in difference_at_numbers(Two(), (numbers(5), numbers(7)))


def test_all_layers_of_published_networks_are_the_same_with_programs_for_numbers(at_once: None) -> None:
    names = ("densenet121", "mobilenet_v3_small", "inception_v3", "swin_t", "shufflenet_v2_x0_5", "gpt2")
    with_programs = {name: (la.macs(la.zoo.build(name)), la.parameters(la.zoo.build(name))) for name in names}
    assert any(isinstance(kept, InstanceAtNumbers) for kept in [instantiate(la.Conv(96, 3), numbers(48, 20, 20))])
    instantiate.cache_clear()
    at_numbers.SOLVED_BEFORE = 10**9
    at_numbers._kind.cache_clear()
    assert with_programs == {name: (la.macs(la.zoo.build(name)), la.parameters(la.zoo.build(name))) for name in names}


def test_layers_with_symbols_in_their_fields_are_solved_by_themselves_at_numbers() -> None:
    for kept in (at_numbers._kind, instantiate):
        kept.cache_clear()
    for side in range(2, 4 + 2 * at_numbers.SOLVED_BEFORE):
        assert la.macs(la.Linear(A), on=(side,)) == side * A
        assert la.output_shape(la.Conv(A, 2, groups=A), on=(A, side, 9)) == (A, side - 1, 8)


def test_a_changed_instance_is_not_told_by_the_program(at_once: None) -> None:
    made = instantiate(la.Linear(7), numbers(5))
    assert isinstance(made, InstanceAtNumbers)
    other = replace(made, outputs=())
    assert type(other) is Instance and other.extents == made.extents and work(other).macs == 0 and work(made).macs == 35
