"""Formulas that carry their proof: Coq accepts the derived formula, and no other one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sympy import floor

import layeralgebra as la
from layeralgebra.algebra.derivations.domain import Domain
from layeralgebra.algebra.formulas.conditions import Condition
from layeralgebra.algebra.networks.carrier import DomainCondition
from layeralgebra.proofs.certificates.expressions import PRELUDE
from layeralgebra.proofs.verdict import Proved, Undecided

H, W, c, T, d, h, L = la.dims("H W c T d h L")

with_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not on the path")

CASES = {
    "linear": (la.Linear(c), (T, d)),
    "convolution": (la.Conv(c, 3, padding=1), (c, H, W)),
    "strided": (la.Conv(8, 3, stride=2, padding=1), (c, H, W)),
    "attention": (la.MultiHeadAttention(h, causal=True), (T, d)),
    "copies": (la.Linear(d) ** L, (T, d)),
    "dense": ((la.Identity() | la.Conv(h, 3, padding=1)) ** L, (c, H, W)),
    "graph": (
        la.Graph({"a": la.Linear(h), "b": la.Linear(h), "+": la.Add()}, [("a", "b"), ("a", "+"), ("b", "+")]),
        (T, d),
    ),
}

CASES |= {
    "recurrence": (la.GRU(h), (T, d)),
    "gate": (la.Identity() * (la.GlobalAvgPool() >> la.Linear(c) >> la.Reshape((c, 1, 1))), (c, H, W)),
    "ranges": (la.AdaptiveAvgPool(h), (c, H, W)),
    "computed addresses": (la.Roll(h), (c, H, W)),
    "later lines": (la.FiLM(), [(c, H, W), (d,)]),
    "selection": (la.MedianFilter(3), (c, H)),
    "filled margin": (la.ClassToken(), (T, d)),
    "lines that nothing reads": (la.AuxiliaryClassifier(10, 128, 768), (c, H, W)),
}

FAST = ("dense", "graph", "gate")


@with_coq
@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_macs_are_proved_for_all_sizes(name):
    net, on = CASES[name]
    verdict = la.certify(la.derive("macs", net, on=on)).check()
    assert isinstance(verdict, Proved), verdict
    assert "no axioms" in str(verdict)


@with_coq
@pytest.mark.slow
@pytest.mark.parametrize("metric", ["parameters", "output_shape"])
def test_other_metrics_are_proved(metric):
    net, on = CASES["linear"]
    assert isinstance(la.certify(la.derive(metric, net, on=on)).check(), Proved)


@with_coq
@pytest.mark.parametrize("wrong", [lambda m: m + 1, lambda m: m.subs(T, T + 1)])
def test_a_wrong_formula_has_no_certificate(wrong):
    """The equation in the file does not come from the formula."""
    net, on = CASES["linear"]
    derivation = la.derive("macs", net, on=on)
    mutant = replace(derivation, formula=wrong(derivation.formula))
    assert isinstance(la.certify(mutant).check(), Undecided)


@with_coq
@pytest.mark.parametrize(
    "wrong", [lambda m: m + 1, lambda m: m.subs(L, L + 1), lambda m: m.subs(h, 2 * h), lambda m: m / 2]
)
def test_a_wrong_sum_over_copies_has_no_certificate(wrong):
    net, on = CASES["dense"]
    derivation = la.derive("macs", net, on=on)
    mutant = replace(derivation, formula=wrong(derivation.formula))
    assert isinstance(la.certify(mutant).check(), Undecided)


@with_coq
def test_a_quotient_that_is_not_exact_has_no_certificate():
    """Coq rounds quotients down, and reads H/2 and its floor alike; the formula says that H/2 is whole."""
    derivation = la.derive("output_shape", la.MaxPool(2), on=(c, H))
    assert derivation.formula == (c, floor(H / 2))
    mutant = replace(derivation, formula=(c, H / 2))
    assert isinstance(la.certify(mutant).check(), Undecided)


def test_a_proof_about_no_sizes_is_refused():
    derivation = la.derive("macs", la.Linear(c), on=(d,))
    conditions = [DomainCondition(Condition(relation, "made up"), "") for relation in (d >= 5, d < 5)]
    mutant = replace(derivation, formula=c, domain=Domain(conditions))
    with pytest.raises(la.UnsupportedError, match="no sizes were found"):
        la.certify(mutant)


@with_coq
@pytest.mark.slow
@pytest.mark.parametrize("name", ['a"]. (* "', "Qed. Axiom evil : False", "*)"])
def test_names_that_users_give_stay_names(name):
    net = la.Linear(c).shared(name) >> la.Linear(c).shared(name)
    verdict = la.certify(la.derive("parameters", net, on=(c,))).check()
    assert isinstance(verdict, Proved), verdict


@with_coq
@pytest.mark.slow
def test_multiplies_and_adds_of_branches_are_proved():
    net = (la.Identity() + (la.Linear(d) >> la.ReLU())) ** L
    assert isinstance(la.certify(la.derive("flops", net, on=(T, d), apart=True)).check(), Proved)


@with_coq
def test_a_certificate_that_takes_too_long_is_ended():
    net = la.zoo.build("gpt2", features=d, heads=h, depth=L, context=T)
    verdict = la.certify(la.derive("parameters", net)).check(seconds=1)
    assert isinstance(verdict, Undecided) and "no answer within 1 s" in str(verdict)


def test_a_time_that_is_none_is_refused():
    with pytest.raises(la.FieldError, match="positive integer"):
        la.certify(la.derive("macs", la.Linear(3), on=(4,))).check(seconds=0)


def test_without_coq_it_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    verdict = la.certify(la.derive("macs", la.Linear(17), on=(4,))).check()
    assert isinstance(verdict, Undecided) and "not installed" in str(verdict)


def test_what_cannot_be_certified_says_why():
    with pytest.raises(la.UnsupportedError, match="effective"):
        la.certify(la.derive("macs", la.Linear(3), on=(4,), effective=True))
    with pytest.raises(la.UnsupportedError, match="depth cannot be certified"):
        la.certify(la.derive("depth", la.Linear(3), on=(4,)))
    with pytest.raises(la.UnsupportedError, match="several outputs|looked up"):
        la.certify(la.derive("macs", la.GraphConv(3), on=[(T, d), (h,), (h,)]))
    with pytest.raises(la.FieldError, match="takes a derivation"):
        la.certify("macs")


def test_the_prelude_is_short_and_assumes_nothing():
    text = PRELUDE.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert not any(word in text for word in ("Axiom", "Admitted", "Parameter ", "admit"))
