"""Coq: the hand-written core, the generated laws, and that neither an axiom nor a failure goes unnoticed."""

from __future__ import annotations

import re
import shutil

import pytest

from layeralgebra import proofs
from layeralgebra.proofs.provers import attempt
from layeralgebra.proofs.provers.coq_prover import (
    FOLDER,
    CoqFailed,
    _coqc_files,
    check,
    check_networks,
    core_source,
    document,
    prove_all,
    with_lemmas,
)
from layeralgebra.proofs.report import prove
from layeralgebra.proofs.statements.term import Integer, Natural
from layeralgebra.proofs.theorems import FILES, sources, theorems
from layeralgebra.proofs.verdict import Proved, Undecided

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not on the path")

#: What the engine rests on, by its names in the core.
CORE = (
    "floor_affine_assoc floor_affine_left_id floor_affine_right_id floor_affine_id_acts floor_affine_acts"
    " floor_affine_chain receptive_field_assoc receptive_field_chain receptive_field_jump receptive_field_equal_layers"
    " convolution_count convolution_count_none"
).split()


def test_the_core_rests_on_no_axiom():
    checked = check(core_source())
    axioms = dict(checked.axioms)
    assert set(CORE) <= set(axioms)
    assert set(axioms.values()) == {""}, "each is closed under the global context"
    assert re.fullmatch(r"Coq \d+\.\d+.*", checked.version)


def test_the_core_has_no_way_round_a_proof():
    for path in FOLDER.rglob("*.v"):
        words = re.sub(r"\(\*.*?\*\)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"\b(Admitted|admit|Axiom|Parameter|Hypothesis|Variable|Conjecture|give_up)\b", words), (
            path
        )


def test_the_theorems_about_all_networks_rest_on_no_axiom():
    axioms = dict(check_networks().axioms)
    assert set(theorems()) <= set(axioms)
    assert set(axioms.values()) == {""}


@pytest.mark.slow
def test_the_files_about_networks_require_what_they_use():
    _coqc_files({**sources(), "again.v": f"Require Import {' '.join(FILES)}.\n"})


def test_every_law_that_states_coq_is_proved_by_it():
    table = prove(routes="coq")
    assert table.ok, table.summary
    assert len(table.rows) >= 130 and table.unproved == ()
    assert all(row.verdicts["coq"].certificate.summary.endswith("no axioms") for row in table.rows)


def test_an_axiom_is_reported():
    source = "Axiom cheat : 1 = 2.\nTheorem honest : 1 = 1.\nProof. reflexivity. Qed.\n"
    source += "Theorem cheated : 1 = 2.\nProof. exact cheat. Qed.\n"
    axioms = dict(check(source).axioms)
    assert axioms["honest"] == "" and "cheat" in axioms["cheated"]


def test_an_unfinished_proof_is_reported():
    source = "Theorem unfinished : forall n : nat, n = n.\nProof. Admitted.\n"
    assert "unfinished" in dict(check(source).axioms)["unfinished"]


def test_a_law_that_rests_on_an_axiom_is_not_proved(monkeypatch):
    from layeralgebra.proofs.provers import coq_prover

    monkeypatch.setattr(
        coq_prover,
        "theorem",
        lambda law: f"Axiom cheat : 1 = 2.\nTheorem {law.name} : 1 = 2.\nProof. exact cheat. Qed.\n",
    )
    verdict = coq_prover.prove(proofs.named("nested_floor"))
    assert isinstance(verdict, Undecided) and "axioms" in verdict.reason


def test_what_coq_does_not_accept_raises_with_its_place():
    with pytest.raises(CoqFailed) as failed:
        check("Theorem good : 1 = 1.\nProof. reflexivity. Qed.\nTheorem bad : 1 = 2.\nProof. reflexivity. Qed.\n")
    assert failed.value.line == 4
    with pytest.raises(CoqFailed, match="no theorem"):
        check("(* nothing *)\n")


def claim(**options):
    mutants = {"a": proofs.weakened(), "b": proofs.weakened()}
    return proofs.law(routes="coq", mutants=mutants, **options)


def test_a_failing_law_is_left_out_with_those_that_use_it():
    from layeralgebra.proofs.law import _REGISTRY

    try:

        @claim()
        def wrong_for_coq(n: Integer):
            return n * n, n

        @claim(lemmas=lambda n: [("wrong_for_coq", {"n": n})])
        def uses_wrong_for_coq(n: Integer):
            return n * n + 1, n + 1

        verdicts = prove_all([proofs.named("floor_galois"), uses_wrong_for_coq, proofs.named("ceil_galois")])
        assert isinstance(verdicts["floor_galois"], Proved) and isinstance(verdicts["ceil_galois"], Proved)
        assert isinstance(verdicts["uses_wrong_for_coq"], Undecided)
        assert "wrong_for_coq" in verdicts["uses_wrong_for_coq"].reason
        assert "wrong_for_coq" not in verdicts, "only what was asked for is answered"
    finally:
        _REGISTRY.pop("wrong_for_coq", None)
        _REGISTRY.pop("uses_wrong_for_coq", None)


@pytest.mark.parametrize(
    "name",
    ["relu_idempotent", *(pytest.param(name, marks=pytest.mark.slow) for name in ("floor_galois", "sum_of_integers"))],
)
def test_mutants_of_small_laws_are_not_proved(name):
    from layeralgebra.proofs.law import restated

    law = proofs.named(name)
    for mutant in law.mutants:
        assert isinstance(attempt(restated(law, mutant.statement), "coq"), Undecided), mutant


def test_reserved_names_are_written_otherwise():
    @claim(register=False)
    def at_in_fix(at: Natural, fix: Natural):
        return at + fix, fix + at

    assert isinstance(attempt(at_in_fix, "coq"), Proved)


def test_lemmas_come_before_the_laws_that_use_them():
    names = [law.name for law in with_lemmas([proofs.named("floor_affine_repeat_mul")])]
    assert names.index("floor_affine_repeat_add") < names.index("floor_affine_repeat_mul")
    assert names.index("power_add") < names.index("power_mul") < names.index("floor_affine_repeat_mul")


def test_lines_of_a_document_are_counted():
    source, starts = document(
        ["Theorem a : True.\nProof. exact I. Qed.\n", "Theorem b : True.\nProof. exact I. Qed.\n"]
    )
    lines = source.splitlines()
    assert [lines[start - 1] for start in starts] == ["Theorem a : True.", "Theorem b : True."]
