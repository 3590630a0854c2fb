"""Terms of laws: the evaluator, the rewriting that our routes rest on, and every printer, against oracles."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import pickle
import shutil
import subprocess
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from layeralgebra.algebra.errors import BudgetError, FieldError, LayerAlgebraError
from layeralgebra.proofs.lowering import Lowering, Obligation, with_quotients
from layeralgebra.proofs.printers.coq import coq
from layeralgebra.proofs.printers.smtlib import script
from layeralgebra.proofs.printers.to_sympy import NotInSympy, to_sympy
from layeralgebra.proofs.provers.combination import combination
from layeralgebra.proofs.provers.signs import Facts, at_least_zero
from layeralgebra.proofs.statements import term as t
from layeralgebra.proofs.statements.evaluate import Undefined, evaluate
from layeralgebra.proofs.statements.polynomial import Polynomials, canonical

X, Y = t.Var("x"), t.Var("y")
S, T = t.Var("s", least=1), t.Var("t", least=1)
M, N = t.Var("m", least=0), t.Var("n", least=0)
VARIABLES = (X, Y, S, T, M, N)
F = t.Sequence("f")


def oracle(node, values):
    """Another evaluator, by exact fractions and Python's own rounding of them."""
    match node:
        case t.Const(value):
            return Fraction(value)
        case t.Var(name):
            return Fraction(values[name])
        case t.Apply(_, (argument,)):
            return Fraction(values["f"](int(oracle(argument, values))))
        case t.Add(args):
            return sum((oracle(one, values) for one in args), Fraction(0))
        case t.Mul(args):
            return math.prod((oracle(one, values) for one in args), start=Fraction(1))
        case t.Div(a, b):
            return oracle(a, values) / oracle(b, values)
        case t.FloorDiv(a, b):
            return Fraction(math.floor(oracle(a, values) / oracle(b, values)))
        case t.CeilDiv(a, b):
            return Fraction(math.ceil(oracle(a, values) / oracle(b, values)))
        case t.Mod(a, b):
            above, below = oracle(a, values), oracle(b, values)
            return above - below * math.floor(above / below)
        case t.Pow(a, b):
            exponent = oracle(b, values)
            if exponent < 0:
                raise ZeroDivisionError
            return math.prod([oracle(a, values)] * int(exponent), start=Fraction(1))
        case t.Min(args) | t.Max(args):
            found = sorted(oracle(one, values) for one in args)
            return found[0] if isinstance(node, t.Min) else found[-1]
        case t.Ite(condition, a, b):
            return oracle(a if truth(condition, values) else b, values)
        case t.Sum(index, low, high, body):
            places = range(int(oracle(low, values)), int(oracle(high, values)))
            return sum((oracle(body, {**values, index.name: place}) for place in places), Fraction(0))
    raise AssertionError(node)


def truth(formula, values):
    match formula:
        case t.Relation("<=", a, b):
            return not oracle(b, values) < oracle(a, values)
        case t.Relation("<", a, b):
            return oracle(b, values) - oracle(a, values) > 0
        case t.Relation("=", a, b):
            return oracle(a, values) - oracle(b, values) == 0
        case t.Not(a):
            return not truth(a, values)
    raise AssertionError(formula)


LEAVES = st.one_of(st.sampled_from(VARIABLES), st.integers(-4, 6).map(t.Const))
INDEX = t.Var("i")


def grown(terms, *, sums=True):
    pairs = st.tuples(terms, terms)
    exponents = st.one_of(st.sampled_from((M, N)), st.integers(0, 3).map(t.Const))
    options = [
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] // p[1]),
        pairs.map(lambda p: t.ceil_div(*p)),
        pairs.map(lambda p: p[0] % p[1]),
        pairs.map(lambda p: t.min_(*p)),
        pairs.map(lambda p: t.max_(*p)),
        st.tuples(terms, exponents).map(lambda p: p[0] ** p[1]),
        st.tuples(terms, terms, terms, terms).map(lambda p: t.ite(p[0] <= p[1], p[2], p[3])),
        st.tuples(terms, terms, terms, terms).map(lambda p: t.ite(~(p[0] < p[1]), p[2], p[3])),
    ]
    if sums:
        bodies = st.tuples(terms, st.sampled_from((INDEX, INDEX * INDEX, F(INDEX), 2**INDEX)))
        bounds = st.one_of(st.sampled_from((M, N, M + 1, N + 2)), st.integers(-1, 4).map(t.Const))
        options.append(
            st.tuples(bodies, bounds).map(lambda p: t.Sum(INDEX, t.Const(0), t.as_term(p[1]), p[0][0] * p[0][1]))
        )
    return st.one_of(options)


TERMS = st.recursive(LEAVES, grown, max_leaves=8)
PLAIN = st.recursive(LEAVES, lambda inner: grown(inner, sums=False), max_leaves=7)
VALUES = st.fixed_dictionaries(
    {
        "x": st.integers(-9, 9),
        "y": st.integers(-9, 9),
        "s": st.integers(1, 5),
        "t": st.integers(1, 5),
        "m": st.integers(0, 3),
        "n": st.integers(0, 3),
        "f": st.sampled_from([lambda j: j, lambda j: 3 - j * j, lambda j: 2]),
    }
)


def value_or_none(node, values):
    """The oracle's value; None where there is none, or none of moderate size."""
    try:
        value = oracle(node, values)
    except ZeroDivisionError:
        return None
    assume(abs(value) < 10**40)
    return value


@given(TERMS, VALUES)
def test_the_evaluator_agrees_with_fractions(node, values):
    expected = value_or_none(node, values)
    if expected is None:
        # The oracle knows no order of evaluation; where it has no value, ours has none either.
        with pytest.raises(Undefined):
            evaluate(node, values)
    else:
        found = evaluate(node, values)
        assert found == expected and isinstance(found, int)


@given(
    st.recursive(LEAVES, lambda inner: st.tuples(inner, inner).map(lambda p: p[0] / p[1] + p[0]), max_leaves=5), VALUES
)
def test_exact_quotients_are_exact(node, values):
    expected = value_or_none(node, values)
    assume(expected is not None)
    assert evaluate(node, values) == expected


@pytest.mark.parametrize("numerator", range(-7, 8))
@pytest.mark.parametrize("denominator", [-3, -2, -1, 1, 2, 3])
def test_division_rounds_as_it_says_for_both_signs(numerator, denominator):
    exact = Fraction(numerator, denominator)
    n, d = t.Const(numerator), t.Const(denominator)
    assert evaluate(n // d, {}) == math.floor(exact)
    assert evaluate(t.ceil_div(n, d), {}) == math.ceil(exact)
    assert evaluate(n % d, {}) == numerator - denominator * math.floor(exact)


def test_the_branch_not_taken_need_not_be_defined():
    guarded = t.ite(t.eq(X, 0), 0, 1 // X)
    assert evaluate(guarded, {"x": 0}) == 0
    assert evaluate(guarded, {"x": -1}) == -1


def test_evaluation_is_bounded():
    with pytest.raises(BudgetError):
        evaluate(t.sum_(lambda i: i, t.Const(10**9)), {})
    with pytest.raises(BudgetError):
        evaluate(t.Const(3) ** t.Const(10**9), {})
    assert evaluate(t.Const(1) ** t.Const(10**9), {}) == 1


def test_missing_values_are_named():
    with pytest.raises(FieldError, match="no value for x"):
        evaluate(X + 1, {"y": 2})
    with pytest.raises(FieldError, match="sequence f"):
        evaluate(F(X), {"x": 2})


@given(TERMS, VALUES, TERMS, st.sampled_from(VARIABLES))
def test_substitution_is_evaluation_at_the_value(node, values, put, variable):
    inner = value_or_none(put, values)
    assume(inner is not None)
    placed = t.substitute(node, {variable.name: put})
    try:
        expected = oracle(node, {**values, variable.name: inner})
    except (ZeroDivisionError, OverflowError):
        return
    assume(abs(expected) < 10**40)
    assert evaluate(placed, values) == expected


def test_substitution_does_not_capture_an_index():
    i = t.Var("i")
    total = t.sum_(lambda j: j * X, t.Const(3), index="i")
    assert evaluate(t.substitute(total, {"x": i}), {"i": 10}) == 30
    assert t.substitute(total, {"i": t.Const(7)}) == total


@given(TERMS, VALUES, st.booleans())
def test_the_canonical_form_keeps_the_value(node, values, extract):
    expected = value_or_none(node, values)
    assume(expected is not None)
    made = canonical(node, extract)
    assert evaluate(made, values) == expected
    assert canonical(made, extract) == made


@given(TERMS, TERMS, VALUES, st.booleans())
def test_polynomials_add_and_multiply_as_terms_do(first, second, values, extract):
    expected = value_or_none(first, values), value_or_none(second, values)
    assume(None not in expected)
    ring = Polynomials([first, second], extract=extract)
    one, other = ring.of(first), ring.of(second)
    assert evaluate(ring.term(one + other), values) == expected[0] + expected[1]
    assert evaluate(ring.term(one * other), values) == expected[0] * expected[1]


@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=2), PLAIN, VALUES)
def test_what_is_seen_to_be_nonnegative_is(pairs, node, values):
    assumptions = [a <= b for a, b in pairs]
    expected = value_or_none(node, values)
    sides = [value_or_none(side, values) for pair in pairs for side in pair]
    assume(expected is not None and None not in sides)
    assume(all(a <= b for a, b in zip(sides[::2], sides[1::2], strict=True)))
    ring = Polynomials([node, *assumptions], extract=True)
    facts = Facts(ring, assumptions)
    polynomial = ring.of(node)
    if facts.nonnegative(polynomial):
        assert expected >= 0
    if facts.integral(polynomial) and facts.contradictory([polynomial]):
        assert expected < 0


def test_some_signs_are_seen_and_some_are_not():
    ring = Polynomials([S, T, X, S // T, S**N, t.max_(X, 0)], extract=True)
    facts = Facts(ring, [X <= S])
    seen = [S * T - 1, S - S // T * T, S**N - 1, t.max_(X, 0) - X, X * X, S - X, (S - X) * T]
    for node in seen:
        assert facts.nonnegative(ring.of(node)), node
    for node in (X, T - S, S - 2, X - S, 2 - S**N):
        assert not facts.nonnegative(ring.of(node)), node
    assert at_least_zero(ring, t.ne(X, 0)) is None


def rows(width, height):
    return st.lists(st.lists(st.integers(-3, 3), min_size=width, max_size=width), min_size=1, max_size=height)


@given(rows(3, 6), st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_combinations_agree_with_linear_programming(vectors, target):
    optimize = pytest.importorskip("scipy.optimize")
    columns = [dict(enumerate(vector)) for vector in vectors]
    found = combination(columns, dict(enumerate(target)))
    solved = optimize.linprog(
        [0] * len(vectors), A_eq=[[v[row] for v in vectors] for row in range(3)], b_eq=target, method="highs"
    )
    assert (found is not None) == (solved.status == 0)
    if found is not None:
        assert all(weight >= 0 for weight in found)
        for row in range(3):
            assert sum(weight * vector[row] for weight, vector in zip(found, vectors, strict=True)) == target[row]


@given(TERMS)
def test_terms_are_frozen_hashable_and_copied_whole(node):
    assert pickle.loads(pickle.dumps(node)) == node
    assert hash(node) == hash(node.with_parts(*node.parts()) if node.parts() else node)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(node, dataclasses.fields(node)[0].name, 1)


def test_equality_is_of_trees_and_nothing_is_evaluated_early():
    same_padding = X + 2 * M - (2 * M + 1) + 1
    assert same_padding != X and repr(same_padding) == "x + 2*m - (2*m + 1) + 1"
    assert t.max_(0, t.max_(0, X)) != t.max_(0, X)
    assert t.Add((X, Y)) != t.Mul((X, Y)) and t.Var("s", 1) != t.Var("s")


def test_formulas_refuse_to_be_truth_values():
    with pytest.raises(FieldError, match="join formulas with & and |"):
        bool(X < Y)
    with pytest.raises(LayerAlgebraError):
        0 <= X < Y  # noqa: B015 (Python reads this as two comparisons joined by `and`)
    for wrong in (1.5, "x", True, X < Y):
        with pytest.raises(FieldError):
            X + wrong
    with pytest.raises(FieldError, match="at least one"):
        t.min_()


@given(st.recursive(LEAVES, lambda inner: grown(inner, sums=True), max_leaves=7), VALUES)
def test_text_reads_as_python_with_the_same_value(node, values):
    expected = value_or_none(node, values)
    assume(expected is not None and not any(isinstance(one, t.CeilDiv) for one in t.walk(node)))
    names = {"min": min, "max": max, "sum": sum, "range": range, "__builtins__": {}}
    assert eval(repr(node), {**names, **values}) == expected


@given(PLAIN, VALUES)
def test_sympy_agrees(node, values):
    expected = value_or_none(node, values)
    assume(expected is not None)
    try:
        made = to_sympy(node)
    except NotInSympy:
        assert any(isinstance(one, t.Ite) for one in t.walk(node))
        return
    found = made.subs({symbol: values[symbol.name] for symbol in made.free_symbols})
    assert found == expected.numerator


def lowered(node, values, expected):
    """That a term has its value, as something for a solver to show with the variables known."""
    known = tuple(t.eq(variable, values[variable.name]) for variable in VARIABLES)
    return Lowering(Obligation("value", known, t.eq(node, int(expected)))).result()


def has_powers(node):
    return any(isinstance(one, t.Pow) and not isinstance(one.exponent, t.Const) for one in t.walk(node))


@given(PLAIN, VALUES, st.booleans())
def test_z3_computes_the_same_value(node, values, quotients):
    z3 = pytest.importorskip("z3")
    from layeralgebra.proofs.printers.to_z3 import ToZ3

    expected = value_or_none(node, values)
    assume(expected is not None and abs(expected) < 10**6 and not has_powers(node))
    write, solver = ToZ3(), z3.Solver()
    solver.set("timeout", 2000)
    for wrong, answers in ((0, ("unsat", "unknown")), (1, ("sat", "unknown"))):
        one = lowered(node, values, expected + wrong)
        one = with_quotients(one) if quotients else one
        solver.push()
        solver.add([write(each) for each in one.hypotheses])
        solver.add(z3.Not(write(one.goal)))
        assert str(solver.check()) in answers
        solver.pop()


@given(st.lists(st.tuples(PLAIN, VALUES), min_size=1, max_size=3), st.booleans())
def test_smtlib_text_has_the_same_value(cases, quotients):
    pytest.importorskip("cvc5")
    from layeralgebra.proofs.provers.cvc5_solver import run

    for node, values in cases:
        try:
            expected = oracle(node, values)
        except ZeroDivisionError:
            continue
        if abs(expected) > 10**6 or has_powers(node):
            continue
        one = lowered(node, values, expected)
        assert run(script(with_quotients(one) if quotients else one), 1000) in (["unsat"], ["unknown"])


@pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not on the path")
def test_coq_text_has_the_same_value(tmp_path):
    """Many random terms in one file: Coq computes each of them and finds the oracle's value."""
    from hypothesis import HealthCheck, Phase, settings

    from layeralgebra.proofs.provers.coq_prover import FOLDER

    goals = []

    @settings(max_examples=60, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(TERMS, VALUES)
    def collect(node, values):
        expected = value_or_none(node, values)
        assume(expected is not None and abs(expected) < 10**9)
        assume(not any(isinstance(one, t.Apply) for one in t.walk(node)))
        placed = t.substitute(node, {one.name: t.Const(values[one.name]) for one in VARIABLES})
        goals.append(f"Goal {coq(placed)} = ({int(expected)}). Proof. vm_compute; reflexivity. Qed.")

    collect()
    assert len(goals) > 20
    prelude = (FOLDER / "prelude.v").read_text(encoding="utf-8")
    (tmp_path / "values.v").write_text(prelude + "\n".join(goals) + "\n", encoding="utf-8")
    made = subprocess.run(["coqc", "-q", "values.v"], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert made.returncode == 0, made.stderr


@given(TERMS)
def test_latex_is_balanced(node):
    from layeralgebra.proofs.printers.latex import latex

    written = latex(node)
    assert written.count("{") == written.count("}")
    assert written.count(r"\left") == written.count(r"\right")
    assert written.count(r"\begin{cases}") == written.count(r"\end{cases}")


def test_solvers_are_not_imported_with_the_package():
    import sys

    code = (
        "import sys; import layeralgebra.proofs as p; list(p.laws());"
        "print([name for name in ('z3', 'cvc5', 'hypothesis', 'scipy', 'torch') if name in sys.modules])"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert made.stdout.strip() == "[]", made.stdout + made.stderr
    assert importlib.util.find_spec("layeralgebra.proofs") is not None
