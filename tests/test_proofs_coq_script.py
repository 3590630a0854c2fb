"""A law's own Coq script proves its statement or nothing: no command gets past, and what was proved is stated afresh."""

from __future__ import annotations

import shutil

import pytest

from layeralgebra import proofs
from layeralgebra.proofs.provers import attempt
from layeralgebra.proofs.provers.coq_prover import CoqFailed, check_again
from layeralgebra.proofs.provers.coq_script import objection
from layeralgebra.proofs.statements.term import Integer
from layeralgebra.proofs.verdict import Proved, Undecided

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not on the path")

TRICKS = [
    "Abort. Theorem injected : True. Proof. exact I.",
    'Abort. Notation "a = b" := True. Theorem injected : forall x : Z, x = x + 1. Proof. exact (fun _ => I).',
    "Admitted. Theorem other : True. Proof. exact I.",
    "admit.",
    "give_up.",
    "Abort. Axiom injected : forall x : Z, x = x + 1. Theorem other : True. Proof. exact I.",
    "idtac. Unset Guard Checking. lia.",
    "Set Universe Checking. lia.",
    "#[bypass_check(guard)] lia.",
    "(* . *) Abort. Theorem injected : True. Proof. exact I.",
    'idtac "x". Abort.',
    "all: Abort. lia.",
    "{ Abort. }",
    "- Abort.",
    "From Coq Require Import Reals. lia.",
    "Import Bad. lia.",
    "lia. Qed. Theorem another : True. Proof. exact I.",
    "lia",
    "tac_of_mine.",
    "idtac\u00a0. Abort.",
    "fail || Abort. lia.",
]


def claim(script):
    mutants = {"a": lambda x: (x, x + 2), "b": lambda x: (x, x + 3)}

    @proofs.law(routes="coq", mutants=mutants, coq=script, register=False)
    def injected(x: Integer):
        return x, x + 1

    return injected


@pytest.mark.parametrize("script", TRICKS)
def test_tricks_are_refused(script):
    verdict = attempt(claim(script), "coq")
    assert isinstance(verdict, Undecided), verdict


@pytest.mark.parametrize(
    "script",
    ["rewrite Z.add_comm; ring.", "all: try lia.", "{ lia. }\n- ring.", "pose proof (Z.div_mod a b) as H. nia."],
)
def test_tactics_are_accepted(script):
    assert objection(script) == ""


def test_scripts_of_the_laws_are_accepted():
    scripts = [law.hints.coq for law in proofs.laws() if law.hints.coq]
    assert len(scripts) > 5 and not any(map(objection, scripts))


@needs_coq
def test_a_theorem_is_stated_afresh_without_the_notations_of_its_script():
    """Even where a command got past, what it redefined does not hold where the statement is checked again."""
    honest = "Theorem one : forall (x : Z), x = x.\nProof.\n  reflexivity.\nQed.\n"
    assert dict(check_again((honest,)).axioms) == {"one": ""}
    other = 'Notation "a = b" := (a >= b \\/ a <= b) : Z_scope.\n'
    cheated = other + "Theorem one : forall (x : Z), x = x + 1.\nProof.\n  intros; lia.\nQed.\n"
    with pytest.raises(CoqFailed):
        check_again((cheated,))
    assumed = "Axiom cheat : 1 = 2.\nTheorem one : 1 = 2.\nProof.\n  exact cheat.\nQed.\n"
    with pytest.raises(CoqFailed, match="rests on"):
        check_again((assumed,))


@needs_coq
def test_an_honest_script_proves():
    @proofs.law(
        routes="coq", mutants={"a": lambda x: (x, x + 2), "b": lambda x: (x, x + 3)}, coq="ring.", register=False
    )
    def honest(x: Integer):
        return x + x, 2 * x

    assert isinstance(attempt(honest, "coq"), Proved)
