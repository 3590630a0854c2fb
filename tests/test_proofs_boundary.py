"""What the public functions of `proofs` say to wrong arguments, and of laws that say nothing."""

from __future__ import annotations

import pytest

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.proofs.provers import attempt
from layeralgebra.proofs.statements.term import Integer, eq
from layeralgebra.proofs.verdict import Undecided


@pytest.mark.parametrize(
    "call",
    [
        lambda: proofs.named(3),
        lambda: proofs.refute(3),
        lambda: proofs.refute(proofs.named("nested_floor")),
        lambda: proofs.refute(proofs.named("nested_floor").arithmetic, "x"),
        lambda: proofs.prove(3),
        lambda: proofs.attempt(3, "ring"),
        lambda: proofs.check(la.Linear, "x"),
        lambda: proofs.check(3),
        lambda: la.rewrite(la.ReLU(), on=(3,), least="macs", laws="relu"),
        lambda: la.rewrite(la.ReLU(), on=(3,), least="macs", laws=""),
    ],
)
def test_wrong_arguments_are_refused_in_words(call) -> None:
    with pytest.raises(la.LayerAlgebraError):
        call()


def claim(**options):
    mutants = {"a": lambda x: (x, x + 1), "b": lambda x: (x, x + 2)}
    return proofs.law(routes="ring", mutants=mutants, register=False, **options)


def test_a_law_that_says_nothing_is_flagged() -> None:
    @claim()
    def same(x: Integer):
        return x, x

    @claim(given=lambda x: [eq(x * x, x)])
    def assumed(x: Integer):
        return x * x, x

    assert same.trivial and "trivial" in str(attempt(same, "ring"))
    assert assumed.trivial == "what it says is assumed"
    assert not any(law.trivial for law in proofs.laws())


def test_contradictory_hypotheses_prove_nothing() -> None:
    @claim(given=lambda x: [x < 0, x > 0])
    def vacuous(x: Integer):
        return x, x + 1

    assert isinstance(attempt(vacuous, "ring"), Undecided)
