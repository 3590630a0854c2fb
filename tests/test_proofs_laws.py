"""Every law of the registry, proved on each route it states; every mutant refuted, and proved by none."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import pytest

from layeralgebra import proofs
from layeralgebra.algebra.errors import FieldError
from layeralgebra.proofs.law import OWN_ROUTES, ROUTES, Law, restated
from layeralgebra.proofs.provers import admitted_sizes, attempt, missing
from layeralgebra.proofs.report import counts_as_proved, prove
from layeralgebra.proofs.samples.search import Sample, admitted, counterexample
from layeralgebra.proofs.samples.structural import OnSamples
from layeralgebra.proofs.statements.evaluate import Undefined, evaluate
from layeralgebra.proofs.statements.term import Integer, Natural, Positive, Sequence, sum_
from layeralgebra.proofs.verdict import Proved, Refuted, Undecided, Witness

LAWS = {law.name: law for law in proofs.laws() if law.kind == "arithmetic"}
STATED = [(name, route) for name, law in LAWS.items() for route in law.routes if route != "coq"]
MUTANTS = [(name, mutant.name) for name, law in LAWS.items() for mutant in law.mutants]


@pytest.mark.parametrize(("name", "route"), STATED)
def test_law_is_proved(name, route):
    if missing(route):
        pytest.skip(missing(route))
    verdict = attempt(LAWS[name], route)
    assert isinstance(verdict, Proved), f"{LAWS[name]!r}\n{verdict}"
    assert verdict.route == route and verdict.certificate.summary


def fails(statement, witness):
    """Whether the statement fails at a witness, evaluated here from the ground."""
    values = dict(witness.sizes)
    assert admitted(statement, values), "a witness must meet the hypotheses"
    try:
        return not evaluate(statement.goal, values)
    except Undefined:
        return True


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_mutant_is_refuted(name, mutant):
    statement = next(one.statement for one in LAWS[name].mutants if one.name == mutant)
    verdict = proofs.refute(statement)
    assert isinstance(verdict, Refuted), f"{mutant}: {statement!r}\n{verdict}"
    assert fails(statement, verdict.witness)
    assert str(verdict).startswith("refuted: ") and "=" in str(verdict)


def proves(law, mutant, routes):
    found = restated(law, next(one.statement for one in law.mutants if one.name == mutant))
    return [route for route in routes if isinstance(attempt(found, route), Proved)]


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_no_quick_route_proves_a_mutant(name, mutant):
    assert proves(LAWS[name], mutant, ("ring", "field", "induction")) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_no_route_proves_a_mutant(name, mutant):
    routes = [route for route in ("galois", "normal_form", "z3") if not missing(route)]
    assert proves(LAWS[name], mutant, routes) == []


@pytest.mark.parametrize("name", LAWS)
def test_law_holds_for_small_sizes(name):
    """What is proved is also true, as far as this looks: a prover and the evaluator cannot both be wrong in one way."""
    assert counterexample(LAWS[name].arithmetic, limit=400) is None


@pytest.mark.parametrize("name", LAWS)
def test_law_is_well_kept(name):
    law = LAWS[name]
    assert counts_as_proved(law.routes), "a law is proved with Coq, or with one own route and one solver"
    assert set(law.routes) <= set(ROUTES) and law.note and law.cites
    assert law.exactness in ("equality", "inequality", "equivalence")
    assert len(law.mutants) >= 2 and len({mutant.name for mutant in law.mutants}) == len(law.mutants)
    assert all(mutant.statement != law.statement for mutant in law.mutants)
    assert admitted_sizes(law.arithmetic) is not None, "the hypotheses can be met"


def test_there_are_many_laws_on_every_subject():
    assert len(LAWS) >= 130
    subjects = {law.subject for law in proofs.laws()}
    modules = {found.name for found in pkgutil.iter_modules(proofs.laws.__path__)}
    assert subjects == modules, "every module of laws states some, and is loaded"
    assert {"equality", "inequality", "equivalence"} == {law.exactness for law in LAWS.values()}
    assert all(
        sum(route in law.routes for law in LAWS.values()) >= 5 for route in ("ring", "field", "galois", "induction")
    )


def test_a_new_module_of_laws_is_found(tmp_path, monkeypatch):
    (tmp_path / "quite_new.py").write_text(
        "from layeralgebra.proofs.law import law\n"
        "from layeralgebra.proofs.statements.term import Integer\n"
        "@law(routes='ring z3', mutants={'a': lambda x: (x + x, x), 'b': lambda x: (x + x, 3 * x)})\n"
        "def twice_is_quite_new(x: Integer):\n"
        "    'Twice.'\n"
        "    return x + x, 2 * x\n",
        encoding="utf-8",
    )
    from layeralgebra.proofs.law import _REGISTRY

    monkeypatch.setattr(proofs.laws, "__path__", [*proofs.laws.__path__, str(tmp_path)])
    try:
        assert "twice_is_quite_new" in [law.name for law in proofs.laws()]
        assert prove("twice_is_quite_new", ["ring"]).ok
    finally:
        _REGISTRY.pop("twice_is_quite_new", None)
        sys.modules.pop("layeralgebra.proofs.laws.quite_new", None)


def test_laws_iterate_in_a_fixed_order_and_by_name():
    assert [law.name for law in proofs.laws()] == [law.name for law in proofs.laws()]
    assert proofs.named("nested_floor") is LAWS["nested_floor"]
    with pytest.raises(FieldError, match="is it nested_floor"):
        proofs.named("nested_flor")


# ---- Writing laws ----------------------------------------------------------------------------------------------------

FALSE = {"one more": lambda n: (n + 0, n + 1), "one less": lambda n: (n + 0, n - 1)}


def test_a_law_needs_two_mutants():
    with pytest.raises(FieldError, match="two mutants"):

        @proofs.law(routes="ring z3", mutants={"one": FALSE["one more"]}, register=False)
        def lonely(n: Integer):
            return n + 0, n


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"routes": "guess"}, "no route guess"),
        ({"relation": "~"}, "is no relation"),
        ({"relation": "iff"}, "is no formula"),
        ({"induct": "k"}, "no variable 'k'"),
        ({"given": lambda k: [k >= 1]}, "no variables k"),
        ({"lemmas": lambda n: [("nested_floor", {"z": n})]}, "no variables z"),
    ],
)
def test_a_law_that_is_written_wrongly_says_what_is_wrong(options, message):
    with pytest.raises(FieldError, match=message):

        @proofs.law(**{"routes": "ring z3", "mutants": FALSE, "register": False, **options})
        def wrong(n: Integer):
            return n + 0, n

        from layeralgebra.proofs.law import lemma_statements

        lemma_statements(wrong)


def test_arguments_need_domains_and_sides_come_in_twos():
    with pytest.raises(FieldError, match="annotate n"):

        @proofs.law(routes="", mutants=FALSE, register=False)
        def untyped(n):
            return n, n

    with pytest.raises(FieldError, match="two sides"):

        @proofs.law(routes="", mutants=FALSE, register=False)
        def one_sided(n: Integer):
            return n

    with pytest.raises(FieldError, match="components"):

        @proofs.law(routes="", mutants=FALSE, register=False)
        def uneven(n: Integer):
            return (n, n), n


def test_a_second_law_of_one_name_is_refused():
    with pytest.raises(FieldError, match="already a law called nested_floor"):

        @proofs.law(routes="ring z3", mutants=FALSE)
        def nested_floor(n: Integer):
            return n + 0, n


def test_a_law_may_not_rest_on_itself():
    from layeralgebra.proofs.law import _REGISTRY, lemma_statements

    try:

        @proofs.law(routes="ring", mutants=FALSE, lemmas=lambda n: [("circle_b", {"n": n})])
        def circle_a(n: Integer):
            return n + 0, n

        @proofs.law(routes="ring", mutants=FALSE, lemmas=lambda n: [("circle_a", {"n": n})])
        def circle_b(n: Integer):
            return n + 0, n

        with pytest.raises(FieldError, match="circle_b uses circle_a, which rests on circle_b"):
            lemma_statements(circle_b)
    finally:
        _REGISTRY.pop("circle_a", None)
        _REGISTRY.pop("circle_b", None)


def test_lemmas_of_all_laws_exist_and_rest_on_nothing_circular():
    from layeralgebra.proofs.law import lemma_statements

    using = [law for law in LAWS.values() if law.hints.lemmas]
    assert len(using) >= 3
    for law in using:
        assert len(lemma_statements(law)) == len(law.hints.lemmas)


def test_a_lemma_is_used_only_where_its_hypotheses_are_shown():
    """`power_add` speaks of exponents that are not negative; with others it must not be used."""

    def claimed(lemma):
        @proofs.law(routes="", mutants={"a": proofs.weakened(), "b": proofs.weakened()}, lemmas=lemma, register=False)
        def split(s: Integer, m: Natural, x: Integer):
            return s ** (m + x * x), s**m * s ** (x * x)

        return split

    fine = claimed(lambda s, m, x: [("power_add", {"s": s, "m": m, "n": x * x})])
    wrong = claimed(lambda s, m, x: [("power_add", {"s": s, "m": m, "n": x})])
    for route in ("ring", *(["z3"] if not missing("z3") else [])):
        assert isinstance(attempt(fine, route), Proved), route
        verdict = attempt(wrong, route)
        assert isinstance(verdict, Undecided), route
    assert "0 \\le x" in attempt(wrong, "ring").reason


def test_structural_laws_have_a_place():
    """A law about networks has no integer statement and no route; it is tried, and no trial proves it."""
    nothing = OnSamples(lambda: None, lambda sample: None, {"one": lambda sample: None, "other": lambda sample: None})
    law = Law(
        "of_networks", None, kind="structural", trial=nothing, note="tried on networks", rests_on=("nested_floor",)
    )
    assert law.exactness == "equality" and repr(law) == "of_networks: tried on networks"
    for route in OWN_ROUTES:
        verdict = attempt(law, route)
        assert isinstance(verdict, Undecided)
    with pytest.raises(FieldError, match="structural law"):
        _ = law.arithmetic
    with pytest.raises(FieldError, match="has a statement, a structural one has a trial"):
        Law("of_nothing", None, kind="structural")
    with pytest.raises(FieldError, match="at least two mutants"):
        Law("of_nothing", None, kind="structural", trial=lambda: None)
    with pytest.raises(FieldError, match="no kind of law"):
        Law("of_nothing", None, kind="hopeful")


# ---- Seeded wrong laws -----------------------------------------------------------------------------------------------


def claim(relation="=", given=None, induct=None):
    """A law outside the registry, with mutants that do not matter."""
    mutants = {"a": proofs.weakened(), "b": proofs.weakened()}
    return proofs.law(routes="", mutants=mutants, relation=relation, given=given, induct=induct, register=False)


@claim()
def half_is_exact(n: Natural):
    return n // 2 * 2, n


@claim()
def floors_add(u: Integer, v: Integer, d: Positive):
    return (u + v) // d, u // d + v // d


@claim(induct="n")
def gauss_one_short(n: Natural):
    return 2 * sum_(lambda i: i, n), n * (n - 2)


@claim("<=", induct="n")
def square_below_power(n: Natural):
    return n * n, 2**n


@claim(induct="n")
def any_sequence_is_constant(f: Sequence, n: Natural):
    return sum_(lambda j: f(j), n), n * f(0)


@claim("iff")
def order_of_squares(x: Integer, y: Integer):
    return x * x <= y * y, x <= y


@claim("!=")
def thousand_is_no_square(x: Integer):
    return x * x, 961


WRONG = [half_is_exact, floors_add, gauss_one_short, square_below_power, any_sequence_is_constant, order_of_squares]
WRONG += [thousand_is_no_square]


@pytest.mark.parametrize("law", WRONG, ids=lambda law: law.name)
def test_wrong_laws_are_refuted_and_never_proved(law):
    verdict = proofs.refute(law.statement)
    assert isinstance(verdict, Refuted) and fails(law.statement, verdict.witness)
    for route in ROUTES:
        if route != "coq" and not missing(route):
            assert not isinstance(attempt(law, route), Proved), route


def test_witnesses_are_small_and_readable():
    assert str(proofs.refute(half_is_exact.statement)) == "refuted: n=1: 0 = 1 is false"
    said = str(proofs.refute(any_sequence_is_constant.statement))
    assert said == "refuted: n=2, f=(j -> j): 1 = 0 is false"
    assert str(Witness((), "=", 1, 2)) == "always: 1 = 2 is false"


def test_z3_finds_witnesses_beyond_the_search():
    pytest.importorskip("z3")

    @claim("!=")
    def far_away(x: Natural, y: Natural):
        return x * 1000 + y, 123_457

    verdict = proofs.refute(far_away.statement, limit=50)
    assert isinstance(verdict, Refuted) and fails(far_away.statement, verdict.witness)
    direct = attempt(far_away, "z3")
    assert isinstance(direct, Refuted) and fails(far_away.statement, direct.witness)


def test_samples_have_names():
    assert str(Sample("(j -> j)", lambda j: j)) == "(j -> j)" and Sample("k", lambda j: 2 * j)(3) == 6


# ---- The table -------------------------------------------------------------------------------------------------------


def test_the_table_tells_proved_from_partly_and_refuted():
    table = prove(["nested_floor", "sum_of_integers"], ["galois", "induction"])
    assert table.ok and [row.outcome for row in table.rows] == ["partly", "partly"]
    assert table.unproved == ("nested_floor", "sum_of_integers")
    assert "galois" in str(table) and "2 laws: 2 partly" in table.summary
    if not missing("z3"):
        table = prove("nested_floor", ["galois", "z3"])
        assert table.rows[0].outcome == "proved" and table.unproved == ()
    elsewhere = prove("nested_floor", ["ring"])
    assert elsewhere.ok and elsewhere.rows[0].outcome == "not stated" and elsewhere.unproved == ("nested_floor",)
    assert "1 not stated" in elsewhere.summary
    with pytest.raises(FieldError, match="no route is called"):
        prove("nested_floor", ["guess"])


def test_the_table_is_not_in_order_when_a_stated_route_fails():
    from layeralgebra.proofs.report import ProofTable, Row

    law = LAWS["nested_floor"]
    undecided = Row(law, {"galois": Undecided("tired")}, {"galois": 0.0})
    refuted = Row(law, {"galois": Refuted(Witness((("x", 1),), "=", 1, 2))}, {"galois": 0.0})
    tried = Row(law, {"field": Undecided("not stated")}, {"field": 0.0})
    assert not ProofTable((undecided,), ("galois",), 0.0).ok and undecided.outcome == "undecided"
    assert not ProofTable((refuted,), ("galois",), 0.0).ok and refuted.outcome == "refuted"
    assert "tired" in ProofTable((undecided,), ("galois",), 0.0).summary
    assert "x=1" in ProofTable((refuted,), ("galois",), 0.0).summary
    assert ProofTable((tried,), ("field",), 0.0).ok and tried.outcome == "undecided"


def test_a_missing_tool_is_shown_and_is_no_pass(monkeypatch):
    provers = importlib.import_module("layeralgebra.proofs.provers")
    monkeypatch.setitem(provers._MODULES, "z3", "no_such_solver")
    table = prove("nested_floor", ["z3"])
    assert table.skipped == {"z3": "the module no_such_solver is not installed"}
    assert table.rows[0].outcome == "undecided" and table.unproved == ("nested_floor",)
    assert "skipped z3" in table.summary and table.cells()[0][2] == "skipped"


def test_the_table_for_a_terminal():
    console = pytest.importorskip("rich.console")
    shown = console.Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    shown.print(prove("nested_floor", ["galois"]).to_rich())
    said = shown.export_text()
    assert "nested_floor" in said and "yes" in said and "partly" in said


def test_counting_as_proved():
    assert counts_as_proved(["coq"]) and counts_as_proved(["ring", "z3"]) and counts_as_proved(["galois", "cvc5"])
    for short in ([], ["ring"], ["z3"], ["z3", "cvc5"], ["ring", "galois"]):
        assert not counts_as_proved(short)
