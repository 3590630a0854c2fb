"""Exports of laws: scripts that solvers answer, a Coq file, and an appendix that compiles."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from layeralgebra import proofs
from layeralgebra.proofs import export
from layeralgebra.proofs.lowering import obligations
from layeralgebra.proofs.provers.smt import answers

LAWS = {law.name: law for law in proofs.laws() if law.kind == "arithmetic"}
SOME = list(LAWS)[::9]


@pytest.mark.parametrize("name", [name for name in SOME if "z3" in LAWS[name].routes])
def test_z3_reads_the_scripts_and_answers_unsat(name):
    z3 = pytest.importorskip("z3")
    law = LAWS[name]
    text = export.smtlib(law)
    # The solver's own reader of text; a time limit, since it has no other way out.
    context = z3.Context()
    output = z3.Z3_eval_smtlib2_string(context.ref(), "(set-option :timeout 20000)\n" + text)
    found = answers(output)
    assert len(found) == len(obligations(law))
    assert set(found) <= {"unsat", "unknown"} and found.count("unsat") >= 1


@pytest.mark.parametrize("name", SOME)
def test_cvc5_reads_the_scripts(name):
    pytest.importorskip("cvc5")
    from layeralgebra.proofs.provers.cvc5_solver import run

    found = run(export.smtlib(LAWS[name]), 300)
    assert len(found) == len(obligations(LAWS[name])) and "sat" not in found


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_cvc5_reads_every_script(name):
    pytest.importorskip("cvc5")
    from layeralgebra.proofs.provers.cvc5_solver import run

    assert "sat" not in run(export.smtlib(LAWS[name]), 2000)


def test_the_coq_file_has_a_theorem_for_every_law():
    source = export.coq(LAWS.values())
    theorems = re.findall(r"^Theorem (\w+)", source, re.MULTILINE)
    assert {name for name, law in LAWS.items() if "coq" in law.routes} <= set(theorems)
    assert len(theorems) == len(set(theorems))


def test_everything_is_written(tmp_path):
    names = ["nested_floor", "sum_of_integers", "conv_same_tensorflow_size"]
    files = export.write(tmp_path / "a" / "b", names)
    assert {path.name for path in files} == {"laws.v", "core.v", "proofs.tex", *(f"{name}.smt2" for name in names)}
    assert all(path.read_text(encoding="utf-8").strip() for path in files)
    text = (tmp_path / "a" / "b" / "proofs.tex").read_text(encoding="utf-8")
    assert r"\texttt{nested\_floor}" in text and r"\iff" in text


def test_proofs_read_as_mathematics():
    chain = export.latex_appendix([LAWS["nested_floor"]], whole=False)
    assert chain.count(r"\iff") >= 3 and r"m n y \le x" in chain and "documentclass" not in chain
    base = export.latex_appendix([LAWS["causal_attention_pairs"]], whole=False)
    assert "by induction on $T$" in base and "base, $T = 0$" in base and "step:" in base
    expansion = export.latex_appendix([LAWS["floor_affine_assoc"]], whole=False)
    assert "expan" in expansion and r"\square" in expansion
    none = export.latex_appendix([LAWS["conv_same_tensorflow_size"]], whole=False)
    assert "none of the routes" in none and "Coq" in none


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the path")
def test_the_appendix_of_all_proofs_compiles(tmp_path):
    (tmp_path / "proofs.tex").write_text(export.latex_appendix(LAWS.values()), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "proofs.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=200)
    log = made.stdout.decode("latin-1")
    assert made.returncode == 0, log[-3000:]
    assert (tmp_path / "proofs.pdf").stat().st_size > 50_000
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert all(points < 20 for points in wide), f"lines that run out of the page: {wide}"
