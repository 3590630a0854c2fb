"""The traps that a checker of laws can fall into, each as a test that fails when it does."""

from __future__ import annotations

import importlib

import pytest

from layeralgebra import proofs
from layeralgebra.algebra.errors import FieldError
from layeralgebra.proofs.law import ROUTES
from layeralgebra.proofs.lowering import Obligation, obligations, with_quotients
from layeralgebra.proofs.printers.smtlib import document, script, smtlib
from layeralgebra.proofs.provers import attempt, missing, module
from layeralgebra.proofs.provers.smt import Answer, Unreadable, answers, discharge
from layeralgebra.proofs.statements.evaluate import evaluate
from layeralgebra.proofs.statements.term import (
    Const,
    Integer,
    Natural,
    Positive,
    Var,
    ceil_div,
    eq,
    ite,
    max_,
    ne,
    sum_,
)
from layeralgebra.proofs.verdict import Proved, Refuted, Undecided

HERE = [route for route in ROUTES if not missing(route)]
SOLVERS = [route for route in ("z3", "cvc5") if route in HERE]
FAST = [route for route in HERE if route != "coq"]
#: Coq takes its time to give up, so that it tries most of the wrong laws in the slow run only.
EACH = [pytest.param(route, marks=[pytest.mark.slow] if route == "coq" else []) for route in HERE]


def claim(relation="=", given=None, induct=None, coq=None):
    mutants = {"a": proofs.weakened(), "b": proofs.weakened()}
    return proofs.law(
        routes="", mutants=mutants, relation=relation, given=given, induct=induct, coq=coq, register=False
    )


def proving(law, routes=FAST):
    return {route for route in routes if isinstance(attempt(law, route), Proved)}


# ---- Hypotheses that nothing meets -----------------------------------------------------------------------------------


@claim(given=lambda n: [n < n - 1])
def vacuous_plainly(n: Integer):
    return n + 0, n


@claim(given=lambda n: [eq(n * n, 2)])
def vacuous_for_a_reason(n: Integer):
    return n + 0, n


@claim(given=lambda n, m: [n >= 1, m >= 1, eq(n // m, 0), eq(m // n, 0)])
def vacuous_among_floors(n: Integer, m: Integer):
    return n + 0, n


@pytest.mark.parametrize("law", [vacuous_plainly, vacuous_for_a_reason, vacuous_among_floors], ids=lambda law: law.name)
@pytest.mark.parametrize("route", HERE)
def test_vacuous_hypotheses_prove_nothing(law, route):
    verdict = attempt(law, route)
    assert isinstance(verdict, Undecided) and "hypotheses" in verdict.reason


def test_far_hypotheses_without_a_solver_are_undecided(monkeypatch):
    provers = importlib.import_module("layeralgebra.proofs.provers")
    monkeypatch.setitem(provers._MODULES, "z3", "no_such_solver")
    provers.admitted_sizes.cache_clear()
    try:
        assert isinstance(attempt(far_but_not_vacuous, "ring"), Undecided)
    finally:
        provers.admitted_sizes.cache_clear()


@claim(given=lambda n: [n >= 10**6])
def far_but_not_vacuous(n: Integer):
    return n + 0, n


@pytest.mark.skipif("z3" not in HERE, reason="z3 is not installed")
def test_hypotheses_may_be_met_far_out():
    assert isinstance(attempt(far_but_not_vacuous, "ring"), Proved)


# ---- Divisors and exponents ----------------------------------------------------------------------------------------


@claim("<=", given=lambda d: [ne(d, 0)])
def floor_times_divisor_for_any_sign(u: Integer, d: Integer):
    """True for positive divisors; with d = -2 and u = 1 the left side is 2."""
    return u // d * d, u


@claim()
def zero_times_an_undefined_floor(x: Integer, d: Natural):
    return (x // d) * 0, 0


@claim()
def a_remainder_by_anything(x: Integer, d: Integer):
    return x % d, x - d * (x // d)


@claim()
def zero_times_an_undefined_power(s: Positive, n: Natural):
    return s ** (n - 1) * 0, 0


@claim()
def an_undefined_quotient(x: Integer, d: Integer):
    return x / d - x / d, 0


@claim("<=")
def undefined_inside_a_sum(n: Natural):
    return sum_(lambda i: n // i, n) * 0, 0


@pytest.mark.parametrize("route", EACH)
@pytest.mark.parametrize(
    "law",
    [
        floor_times_divisor_for_any_sign,
        zero_times_an_undefined_floor,
        a_remainder_by_anything,
        zero_times_an_undefined_power,
        an_undefined_quotient,
        undefined_inside_a_sum,
    ],
    ids=lambda law: law.name,
)
def test_positivity_is_owed_and_never_assumed(law, route):
    assert not isinstance(attempt(law, route), Proved)
    assert isinstance(proofs.refute(law.statement), Refuted)


@pytest.mark.parametrize("route", SOLVERS)
def test_quotient_variables_do_not_assume_a_positive_divisor(route):
    """``d*q <= u < d*q + d`` has no q at all for negative d, so that anything would follow from it."""
    u, d = Var("u"), Var("d")
    ask = module(route)
    wrong = with_quotients(Obligation("goal", (d < 0,), eq(u // d, u // d + 1)))
    right = with_quotients(Obligation("goal", (d < 0, d * 3 <= u, u <= d * 2), u // d <= 3))
    assert ask.ask(wrong).word == "sat"
    assert ask.ask(right).word == "unsat"


@pytest.mark.skipif("coq" not in HERE, reason="coqc is not on the path")
def test_coq_gives_no_value_away():
    """To Coq a quotient by zero is zero, so that the law alone would be provable; its definedness is not."""
    assert isinstance(attempt(zero_times_an_undefined_floor, "coq"), Undecided)


@claim(coq="rewrite Z.opp_involutive, <- (Z.div_opp_opp x (- d)), Z.opp_involutive by lia; reflexivity.")
def floor_by_a_negative_number(x: Integer, d: Positive):
    return x // (-d), -ceil_div(x, d)


@claim(">=", given=lambda d: [ne(d, 0)])
def remainder_is_never_negative(x: Integer, d: Integer):
    """True of SMT-LIB's division, false of Python's and of Coq's."""
    return x - d * (x // d), 0


@pytest.mark.parametrize("route", [*SOLVERS, *(["coq"] if "coq" in HERE else [])])
def test_negative_divisors_mean_the_same_everywhere(route):
    assert isinstance(attempt(floor_by_a_negative_number, route), Proved)
    assert not isinstance(attempt(remainder_is_never_negative, route), Proved)


def test_division_of_negatives_in_each_language():
    seven, two = Const(7), Const(-2)
    assert evaluate(seven // two, {}) == 7 // -2 == -4
    d = Var("d")
    text = document(
        "", [Obligation("floor", (eq(d, -2),), eq(seven // d, -4)), Obligation("raw", (), eq(seven // two, -4))]
    )
    raw = "(set-logic ALL)\n(assert (not (= (div 7 (- 2)) (- 4))))\n(check-sat)\n"
    if "cvc5" in HERE:
        run = module("cvc5").run
        assert run(text) == ["unsat", "unsat"]
        assert run(raw) == ["sat"], "SMT-LIB's own div says -3"
    if "z3" in HERE:
        import z3

        assert z3.simplify(z3.IntVal(7) / z3.IntVal(-2)).as_long() == -3
        write = __import__("layeralgebra.proofs.printers.to_z3", fromlist=["ToZ3"]).ToZ3()
        assert z3.simplify(write(seven // two)).as_long() == -4
    assert "ite" in smtlib(seven // d) and "ite" not in smtlib(seven // Var("d", least=1))


# ---- Solvers that cannot read, or do not know ------------------------------------------------------------------------

BROKEN = "(set-logic ALL)\n(declare-const x Int)\n(assert (= y 1))\n(assert (< x 0))\n(assert (> x 0))\n(check-sat)\n"


@pytest.mark.skipif("z3" not in HERE, reason="z3 is not installed")
def test_an_assertion_that_z3_drops_is_a_failure():
    import z3

    context = z3.Context()
    try:
        output = z3.Z3_eval_smtlib2_string(context.ref(), BROKEN)
    except z3.Z3Exception as error:  # newer versions raise what they would have printed
        output = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
    assert "(error" in output and "unsat" in output, "z3 complains, and answers all the same"
    with pytest.raises(Unreadable):
        answers(output)


@pytest.mark.skipif("cvc5" not in HERE, reason="cvc5 is not installed")
def test_text_that_cvc5_cannot_read_is_a_failure(monkeypatch):
    solver = module("cvc5")
    with pytest.raises(Unreadable):
        solver.run(BROKEN)
    monkeypatch.setattr(solver, "script", lambda obligation: BROKEN)
    verdict = solver.prove(proofs.named("nested_floor"))
    assert isinstance(verdict, Undecided) and "could not read" in verdict.reason


@pytest.mark.skipif("cvc5" not in HERE, reason="cvc5 is not installed")
def test_names_that_smtlib_reserves_are_readable():
    @claim("<=")
    def reserved(let: Natural, div: Positive):
        return let // div, let

    assert isinstance(attempt(reserved, "cvc5"), Proved)


@pytest.mark.parametrize("word", ["unknown", "sat", "timeout", ""])
def test_no_answer_but_unsat_is_a_pass(word):
    law = proofs.named("nested_floor")
    verdict = discharge(law, "z3", lambda obligation: Answer(word, "in a test"))
    assert isinstance(verdict, Undecided)


def test_a_model_that_the_evaluator_does_not_confirm_refutes_nothing():
    law = proofs.named("nested_floor")
    lie = Answer("sat", "in a test", {"x": 1, "m": 1, "n": 1})
    assert isinstance(discharge(law, "z3", lambda obligation: lie), Undecided)


@pytest.mark.skipif("z3" not in HERE, reason="z3 is not installed")
def test_a_countermodel_of_one_component_leaves_the_other_variables_free():
    @claim()
    def two_components(a: Integer, s: Positive):
        return (a + 0, 2 * s), (a, s)

    verdict = attempt(two_components, "z3")
    assert isinstance(verdict, Refuted) and dict(verdict.witness.sizes).keys() == {"a", "s"}


@pytest.mark.parametrize("route", [route for route in SOLVERS if route == "z3"])
def test_a_countermodel_after_abstraction_refutes_nothing(route):
    @claim(induct="k")
    def true_but_too_hard(k: Natural):
        return k * sum_(lambda i: i**2, k) - sum_(lambda i: i, k) ** 2, k**2 * (k**2 - 1) / 12

    verdict = attempt(true_but_too_hard, route)
    assert isinstance(verdict, Undecided) and "countermodel" in verdict.reason


@pytest.mark.skipif("z3" not in HERE, reason="z3 is not installed")
def test_z3_is_stopped_in_time(monkeypatch, time_limit):
    solver = module("z3")
    monkeypatch.setattr(solver, "ATTEMPTS", (("native", 100),))

    @claim("!=")
    def sum_of_three_cubes(x: Integer, y: Integer, z: Integer):
        return x**3 + y**3 + z**3, 114

    with time_limit(20):
        assert isinstance(attempt(sum_of_three_cubes, "z3"), Undecided)


# ---- Rewriting before there is anything to prove ---------------------------------------------------------------------


def test_nothing_is_evaluated_while_it_is_stated():
    from layeralgebra.proofs.printers.to_sympy import symbol, to_sympy

    law = proofs.named("conv_same_of_odd_kernel")
    (left,), (right,) = law.arithmetic.left, law.arithmetic.right
    n = law.arithmetic.variables[0]
    assert to_sympy(left) == symbol(n), "SymPy leaves nothing to prove"
    assert left != right and right == n and repr(left) == "(n + 2*p - (2*p + 1))//1 + 1"
    assert isinstance(attempt(law, "galois"), Proved)


def test_extrema_are_counted_as_they_are_written():
    x = Var("x")
    assert max_(0, max_(0, x)) != max_(0, x)
    assert repr(max_(0, max_(0, x))) == "max(0, max(0, x))"


# ---- Inductions ------------------------------------------------------------------------------------------------------


@claim(induct="n")
def step_without_a_base(n: Natural):
    return sum_(lambda i: i, n), n * (n - 1) / 2 + 1


@claim(induct="n")
def base_without_a_step(n: Natural):
    return sum_(lambda i: i, n), n * n - n


@claim(induct="n", given=lambda n: [n <= 1])
def hypothesis_on_the_variable(n: Natural):
    return sum_(lambda i: i, n), 0 * n


@claim(induct="n")
def no_least_value(n: Integer):
    return sum_(lambda i: 1 + 0 * i, n), n


@pytest.mark.parametrize("route", EACH)
@pytest.mark.parametrize("law", [step_without_a_base, base_without_a_step, no_least_value], ids=lambda law: law.name)
def test_inductions_need_base_step_and_start(law, route):
    assert not isinstance(attempt(law, route), Proved)
    assert isinstance(proofs.refute(law.statement), Refuted)


def test_no_induction_over_a_variable_of_the_hypotheses():
    """It holds for n at most one; the step from one to two would leave the hypotheses."""
    verdict = attempt(hypothesis_on_the_variable, "induction")
    assert isinstance(verdict, Undecided) and "hypothesis speaks of n" in verdict.reason
    assert [one.name for one in obligations(hypothesis_on_the_variable)] == ["goal"]


def test_induction_starts_at_the_least_value():
    @claim("<=", induct="n")
    def from_one(n: Positive):
        return n + 1, 2**n

    @claim("<=", induct="n")
    def from_zero(n: Natural):
        return n + 2, 2**n * 2

    @claim("<=", induct="n")
    def not_from_zero(n: Natural):
        return 2 * n, 2**n - ite(eq(n, 0), 2, 0)

    for route in ("induction", *SOLVERS):
        assert isinstance(attempt(from_one, route), Proved), route
        assert isinstance(attempt(from_zero, route), Proved), route
        assert not isinstance(attempt(not_from_zero, route), Proved), route


# ---- Numbers between the integers ------------------------------------------------------------------------------------


@claim()
def half_leaves_a_floor(x: Integer, y: Integer):
    """Only whole multiples of the divisor leave a floor."""
    return (x / 2 + y) // 1, x / 2 + y


@claim()
def quotient_leaves_a_floor(x: Integer, d: Positive):
    return (x / d + x) // 1, x / d + x


@claim("iff")
def strict_is_one_more(x: Integer, d: Positive):
    """True of integers; x/d may lie between them."""
    return 0 < x / d, 1 <= x / d


@pytest.mark.parametrize(
    "law", [half_leaves_a_floor, quotient_leaves_a_floor, strict_is_one_more], ids=lambda law: law.name
)
@pytest.mark.parametrize("route", EACH)
def test_fractions_are_not_taken_for_integers(law, route):
    assert not isinstance(attempt(law, route), Proved)
    assert isinstance(proofs.refute(law.statement), Refuted)


# ---- Verdicts --------------------------------------------------------------------------------------------------------


def test_sampling_never_proves():
    for name in ("nested_floor", "repeat_add"):
        verdict = proofs.refute(proofs.named(name).arithmetic)
        assert isinstance(verdict, Undecided) and "no counterexample" in verdict.reason


def test_verdicts_have_no_truth_value():
    for verdict in (Undecided("tired"), attempt(proofs.named("nested_floor"), "galois")):
        with pytest.raises(FieldError, match="one of three"):
            bool(verdict)


def test_routes_that_do_not_apply_are_undecided_with_a_reason():
    for route in FAST:
        verdict = attempt(proofs.named("conv_same_tensorflow_size"), route)
        assert isinstance(verdict, Proved) or (isinstance(verdict, Undecided) and verdict.reason)
    assert proving(proofs.named("nested_floor"), ("ring", "field", "induction")) == set()


def test_scripts_end_with_one_question():
    for one in obligations(proofs.named("nested_floor")):
        assert script(one).count("(check-sat)") == 1
