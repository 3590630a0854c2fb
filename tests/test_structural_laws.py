"""Laws about networks: tried on samples that are shrunk when they fail; every false neighbour is refuted; no metric is left out."""

from __future__ import annotations

import pytest
from conftest import PROFILE
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.proofs.laws import metrics
from layeralgebra.proofs.samples.chains import Chain, close, numbers
from layeralgebra.proofs.samples.structural import (
    Inapplicable,
    OnSamples,
    compared,
    falsify,
    structural,
    try_law,
    try_mutant,
)
from layeralgebra.proofs.verdict import Witness

LAWS = {law.name: law for law in proofs.laws() if law.kind == "structural"}
MUTANTS = [(name, mutant) for name, law in LAWS.items() for mutant in law.trial.mutants]
EXAMPLES = 200 if PROFILE == "full" else 25


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_a_law_holds_on_samples(name):
    trial = try_law(LAWS[name], EXAMPLES)
    assert trial.witness is None, f"{LAWS[name].note}\n{trial}"
    assert trial.cases, trial.reason


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_a_false_neighbour_is_refuted(name, mutant):
    trial = try_mutant(LAWS[name], mutant)
    assert trial.witness is not None, trial
    assert "is false" in str(trial) or "refused" in str(trial)


#: One for each kind of law, so that the quick run sees a refutation with its witness too.
QUICK = [
    ("layers_conv_of_kernel_eq_input_eq_linear", "axes exchanged"),
    ("layers_two_max_pools_eq_one", "windows added"),
    ("layers_two_linear_eq_one_of_rank", "a function between"),
    ("series_associative", "a part left out"),
]


@pytest.mark.parametrize(("name", "mutant"), QUICK)
def test_a_refutation_has_a_small_witness(name, mutant):
    trial = try_mutant(LAWS[name], mutant, 30)
    assert trial.witness is not None and len(str(trial)) < 300, trial


def test_there_are_many_laws_and_they_rest_on_proved_ones():
    assert len(LAWS) >= 40
    arithmetic = {law.name for law in proofs.laws() if law.kind == "arithmetic"}
    for law in LAWS.values():
        assert set(law.rests_on) <= arithmetic, f"{law.name} rests on {set(law.rests_on) - arithmetic}"
        assert len(law.trial.mutants) >= 2 and law.trial.test not in law.trial.mutants.values()
        assert law.note and law.exactness in ("equality", "inequality") and isinstance(law.trial, OnSamples)


def test_no_metric_is_without_its_laws():
    every = {metric.name for metric in la.metrics()}
    stated, excused = set(metrics.COMPOSED), set(metrics.NOT_COMPOSED)
    assert stated | excused == every and not stated & excused
    assert {name for names in metrics.COMPOSED.values() for name in names} <= set(LAWS)


def test_left_distributivity_fails_without_its_condition():
    law = LAWS["add_before_linear"]
    x = (2,)
    f, g, h = la.Linear(2).shared("f"), la.Linear(2).shared("g"), la.ReLU()
    assert not close(numbers((f + g) >> h, x, 3), numbers((f >> h) + (g >> h), x, 3))
    assert "Without the condition it fails" in law.note and "h need not be linear" in law.trial.mutants
    linear = la.Linear(3, bias=False).shared("h")
    assert close(numbers((f + g) >> linear, x), numbers((f >> linear) + (g >> linear), x))


def test_what_is_tried():
    def at_most_nine(number):
        if number % 2:
            raise Inapplicable
        return Witness((("n", number),), "<=", number, 9) if number > 9 else None

    found = falsify(st.integers(0, 1000), at_most_nine, 50)
    assert str(found) == "refuted: n=10: 10 <= 9 is false"
    assert str(falsify(st.integers(0, 8), at_most_nine, 5)).startswith("held on ")
    nothing = falsify(st.integers(0, 3).map(lambda number: 2 * number + 1), at_most_nine, 5)
    assert nothing.cases == 0 and nothing.witness is None and "no sample" in str(nothing)


def test_formulas_are_the_same_only_if_the_normal_form_says_so():
    n, m = la.dims("n m")
    assert compared(n * (m + 1), n * m + n) is True
    assert compared((n, m), (n, m)) is True and compared((n,), (n, m)) is False
    assert compared(n, n + 1) is False


def test_a_law_of_that_name_is_there_already():
    with pytest.raises(la.FieldError, match="already a law"):

        @structural(lambda: st.just(1), mutants={"one": lambda sample: None, "other": lambda sample: None})
        def series_associative(sample):
            """Another one."""


@pytest.mark.parametrize("mutants", [None, {}, {"one": lambda sample: None}])
def test_a_law_needs_two_false_neighbours(mutants):
    with pytest.raises(la.FieldError, match="at least two mutants"):

        @structural(lambda: st.just(1), mutants=mutants)
        def holds_for_one(sample):
            """Whatever."""

    assert "holds_for_one" not in {law.name for law in proofs.laws()}


def test_a_witness_shows_the_networks():
    chain = Chain(la.ReLU(), la.Tanh(), la.Abs(), (3,))
    assert chain.where() == {"f": la.ReLU(), "g": la.Tanh(), "h": la.Abs(), "on": (3,)}
