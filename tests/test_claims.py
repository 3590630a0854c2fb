"""What layers claim, as propositions: right claims are proved on every route, wrong ones refuted, also from a user's file."""

from __future__ import annotations

import pytest
from sympy import Rational, floor

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.algebra.errors import FieldError, UnsupportedError
from layeralgebra.commands.prove import of_file, run
from layeralgebra.proofs.provers import missing
from layeralgebra.proofs.verdict import Proved, Refuted

FILE = """
import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.proofs.statements.term import Integer, Positive


@proofs.law(routes="galois z3 coq", register=False, mutants={
    "strides added": lambda n, s, t: (n // s // t, n // (s + t)), "one dropped": lambda n, s, t: (n // s // t, n // s)})
def my_law(n: Integer, s: Positive, t: Positive):
    "Strides multiply."
    return n // s // t, n // (s * t)


class Gated(la.Layer):
    "A gate."
    features: la.Dim
    equation = '''
        z[*i, o] = U[o, n]*x[*i, n] + b[o]
        y[*i, o] = sigmoid(z[*i, o])*V[o, n]*x[*i, n]
        where o < features
    '''
    claims = {"parameters": lambda self, shape: self.features*(2*shape[-1] + 1)}


class Pooled(la.Layer):
    "A pooling, with one window too few."
    kernel: la.Dim
    equation = '''
        y[c, i] = max[u](x[c, kernel*i + u])
        where u < kernel
    '''
    claims = {"output_shape": lambda self, shape: (shape[0], (shape[1] - 1)//self.kernel)}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("laws") / "my_laws.py"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def laws(file):
    pytest.importorskip("hypothesis")
    return {law.name: law for law in of_file(str(file))}


def test_a_file_has_its_laws_and_the_claims_of_its_layers(file, laws):
    names = list(laws)
    assert names[:3] == ["my_law", "claim_gated_parameters", "claim_gated_parameters_2"]
    assert names[-1] == "claim_pooled_output_shape"
    assert {law.subject for law in laws.values()} >= {"Gated", "Pooled"}
    (law,) = of_file(f"{file}::my_law")
    assert law.name == "my_law"
    with pytest.raises(FieldError, match="has no law 'Missing'; it has my_law, Gated, Pooled"):
        of_file(f"{file}::Missing")


def test_right_claims_are_proved_and_their_mutants_are_not(laws):
    for law in (law for law in laws.values() if law.subject == "Gated"):
        routes = [route for route in law.routes if not missing(route) and route != "coq"]
        assert all(isinstance(proofs.attempt(law, route), Proved) for route in routes)
        assert all(isinstance(proofs.refute(mutant.statement), Refuted) for mutant in law.mutants)


def test_a_wrong_claim_is_refuted_with_sizes(laws):
    verdict = proofs.refute(laws["claim_pooled_output_shape"].arithmetic)
    assert isinstance(verdict, Refuted)
    sizes = dict(verdict.witness.sizes)
    assert sizes["n0_1"] // sizes["kernel"] != (sizes["n0_1"] - 1) // sizes["kernel"]


@pytest.mark.skipif(bool(missing("coq")), reason="coqc is not on the path")
@pytest.mark.slow
def test_the_command_proves_a_file_of_ones_own(file):
    blocks = list(run([f"{file}::my_law", f"{file}::Gated"]))
    proved = {block.subject for block in blocks if getattr(block, "kind", "") == "proved" and not block.part}
    assert {"my_law", "claim_gated_parameters"} <= proved
    assert any(type(block).__name__ == "Failed" for block in run([f"{file}::Pooled"]))


def test_claims_at_a_shape_of_ones_own():
    n, m = la.dims("n m")
    laws = {law.name: law for law in proofs.claims(la.Linear(m), (n,))}
    assert repr(laws["claim_linear_parameters"]).startswith(
        "claim_linear_parameters: for all integers m >= 1, n >= 1: "
    )
    assert isinstance(proofs.attempt(laws["claim_linear_parameters"], "normal_form"), Proved)


def claimed(function):
    """A layer that claims what a test puts in place."""
    return type("Halved", (la.Layer,), {"equation": "y[i] = x[2*i] + x[2*i + 1]", "claims": {"output_shape": function}})


def test_rounded_and_exact_quotients_are_stated():
    n = la.dims("n")
    for half in (lambda self, shape: (floor(shape[0] / 2),), lambda self, shape: (shape[0] * Rational(1, 2),)):
        (law,) = proofs.claims(claimed(half)(), (n,))
        assert law.arithmetic.hypotheses, "only for even sizes"
        if not missing("z3"):
            assert isinstance(proofs.attempt(law, "z3"), Proved)
        assert all(isinstance(proofs.refute(mutant.statement), Refuted) for mutant in law.mutants)
    with pytest.raises(UnsupportedError, match="cannot be stated for integers"):
        proofs.claims(claimed(lambda self, shape: (shape[0] ** Rational(1, 2),))(), (n,))
    with pytest.raises(FieldError, match="need the shape that enters"):
        proofs.claims(la.Linear(3))
    with pytest.raises(FieldError, match="a layer or a class of layers"):
        proofs.claims(la.Linear(3) >> la.ReLU(), (3,))


def test_two_laws_of_one_name_are_refused():
    n = la.dims("n")
    (one,) = proofs.claims(claimed(lambda self, shape: (floor(shape[0] / 2),))(), (n,))
    (other,) = proofs.claims(claimed(lambda self, shape: shape)(), (n,))
    with pytest.raises(FieldError, match="two laws are called claim_halved_output_shape"):
        proofs.prove([one, other])
