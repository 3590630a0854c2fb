"""Formulas that carry their proof: Coq accepts the derived formula, and no other one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

import layeralgebra as la
from layeralgebra.proofs.certificates.certificate import certify
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
}


@with_coq
@pytest.mark.parametrize("name", CASES)
def test_macs_are_proved_for_all_sizes(name):
    net, on = CASES[name]
    verdict = certify(la.derive("macs", net, on=on)).check()
    assert isinstance(verdict, Proved), verdict
    assert "no axioms" in str(verdict)


@with_coq
@pytest.mark.parametrize("metric", ["parameters", "output_shape"])
def test_other_metrics_are_proved(metric):
    net, on = CASES["linear"]
    assert isinstance(certify(la.derive(metric, net, on=on)).check(), Proved)


@with_coq
@pytest.mark.parametrize("wrong", [lambda m: m + 1, lambda m: 2 * m, lambda m: m.subs(T, T + 1), lambda m: m / c])
def test_a_wrong_formula_has_no_certificate(wrong):
    """The equation in the file does not come from the formula."""
    net, on = CASES["linear"]
    derivation = la.derive("macs", net, on=on)
    mutant = replace(derivation, formula=wrong(derivation.formula))
    assert isinstance(certify(mutant).check(), Undecided)


def test_what_cannot_be_certified_says_why():
    with pytest.raises(la.UnsupportedError, match="effective"):
        certify(la.derive("macs", la.Linear(3), on=(4,), effective=True))
    with pytest.raises(la.UnsupportedError, match="depth cannot be certified"):
        certify(la.derive("depth", la.Linear(3), on=(4,)))
    with pytest.raises(la.UnsupportedError, match="recurrence"):
        certify(la.derive("macs", la.LSTM(3), on=(T, d)))
    with pytest.raises(la.FieldError, match="takes a derivation"):
        certify("macs")


def test_the_prelude_is_short_and_assumes_nothing():
    text = PRELUDE.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert not any(word in text for word in ("Axiom", "Admitted", "Parameter ", "admit"))
