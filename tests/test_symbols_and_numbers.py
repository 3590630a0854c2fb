"""Random networks and the zoo, with symbols and with numbers: one value at every point, or both are refused."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer

import layeralgebra as la
from layeralgebra.proofs.samples.strategies import graphs, networks
from oracles.symbols_for_numbers import Symbolised, Tally
from oracles.zoo_in_symbols import Choice, choices, compared

METRICS = ("output_shape", "parameters", "macs", "flops", "activations", "depth", "receptive_field")
#: So many points of each network; with many examples more of each.
POINTS = 4 if settings().max_examples < 100 else 30


def _on_numbers(metric: str, made: Symbolised, point: dict) -> la.Derivation:
    return la.derive(metric, *made.at(point))


@given(
    sample=st.one_of(networks(most=4), networks(most=3, closed=True), graphs(most=4)),
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(METRICS),
)
def test_a_formula_holds_exactly_where_its_domain_says(sample, seed: int, metric: str) -> None:
    try:
        made = Symbolised(sample.net, sample.on, Random(seed))
        derived = la.derive(metric, made.net, on=made.on)
    except la.LayerAlgebraError:
        return
    tally = Tally()
    for point in made.points(POINTS):
        tally.compare(f"{metric} of {made.net} on {made.on}", derived, point, partial(_on_numbers, metric, made, point))
    assert not tally.faults, tally.faults[0]


def test_the_comparison_notices_a_condition_that_is_missing() -> None:
    c = la.dims("c")
    loose = la.derive("parameters", la.Linear(3) ** c, on=(3,))
    tally = Tally()
    for value in (1, 2, 3, 4):
        tally.compare(
            "seeded",
            loose,
            {c: value},
            lambda value=value: la.derive("parameters", la.Linear(3) ** (value - 3), on=(3,)),
        )
    assert len(tally.faults) == 4


#: A member of the zoo, a hyperparameter and what stands for it as a function of a symbol, and the places that are looked at.
CHOICES = {
    "no widening": ("mobilenet_v2", "expansion", lambda x: x, (1, 2)),
    "a factor in sixteenths": ("mobilenet_v2", "width_factor", lambda x: x / 16, (1, 16, 22)),
    "outside as wide as inside": ("resnet50", "expansion", lambda x: x, (1, 2, 4)),
    "even kernels": ("convnext_tiny", "kernel", lambda x: x, (3, 4)),
    "patches that do not divide": ("mixer_b_16", "patch", lambda x: x, (16, 15)),
    "an odd number of blocks": ("swin_t", "depths", lambda x: (2, 2, x, 2), (5, 6)),
    "a stage without blocks": ("swin_t", "depths", lambda x: (2, x - 1, 6, 2), (1, 2, 3)),
    "ties of squeezing": ("regnet_y_400mf", "base_width", lambda x: x, (30, 32)),
}


def _derived(metric: str, member: str, **changes: object) -> la.Derivation:
    return la.derive(metric, la.zoo.build(member, **changes))


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("metric", ["parameters", "macs"])
def test_a_builder_chooses_as_it_does_for_numbers(name: str, metric: str) -> None:
    member, word, formula, places = CHOICES[name]
    symbol, tally = la.dims("x"), Tally()
    derived = la.derive(metric, la.zoo.build(member, **{word: formula(symbol)}))
    for place in places:
        number = formula(Integer(place))
        tally.compare(name, derived, {symbol: place}, partial(_derived, metric, member, **{word: number}))
    assert not tally.faults and not tally.narrow, tally


def test_published_values_of_choices() -> None:
    x = la.dims("x")
    assert la.derive("parameters", la.zoo.build("mobilenet_v2", width_factor=x / 16))(x=22) == 6_037_528
    assert la.derive("parameters", la.zoo.build("mobilenet_v2", expansion=x))(x=1) == 1_871_432
    assert la.derive("parameters", la.zoo.build("resnet50", expansion=x))(x=1) == 14_379_176


@pytest.mark.parametrize("word", ["batch_norm"])
def test_a_flag_is_no_size(word: str) -> None:
    with pytest.raises(la.FieldError, match="True or False"):
        la.zoo.build("vgg16", **{word: la.dims("x")})


class Moved(la.Layer):
    """An equation with a side for no shift."""

    shift: la.Size
    equation = "y[i] = x[i] if shift == 0 else 2*x[i]"


def test_a_side_chosen_by_a_size_is_a_condition() -> None:
    s = la.dims("s")
    derived = la.derive("flops", Moved(s - 1), on=(5,))
    assert derived(s=2) == la.flops(Moved(1), on=(5,))
    with pytest.raises(la.DomainError, match="shift must not be 0"):
        derived(s=1)
    assert not la.derive("flops", Moved(s), on=(5,)).domain.conditions


#: In every run one hyperparameter of some families; with many examples all of every first member, at more points.
EVERY = choices(lambda members: members[:1])
SOME = EVERY if settings().max_examples >= 100 else Random(5).sample([c for c in EVERY if "swin" not in c.member], 24)


@pytest.mark.parametrize("choice", SOME, ids=str)
def test_each_hyperparameter_in_turn_a_symbol(choice: Choice) -> None:
    tally = Tally()
    compared(choice, "parameters", Random(str(choice)), 2 if len(SOME) < 100 else 8, tally)
    assert not tally.faults, tally.faults[0]


def test_nothing_enters_and_no_power() -> None:
    with pytest.raises(la.UnsupportedError, match="nothing enters"):
        la.intrinsic_power(la.Graph({"layer": la.Parameter((2, 3))}, []))
