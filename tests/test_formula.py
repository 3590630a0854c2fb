"""Every door takes a formula, a derivation, an expression or a mapping alike, and refuses all else with one sentence."""

from __future__ import annotations

import pytest
from sympy import And, Symbol, floor

import layeralgebra as la
from layeralgebra.algebra.compilation.program.gradient import gradient
from layeralgebra.algebra.errors import DomainError, FieldError
from layeralgebra.algebra.formulas.conditions import Condition, conditions_of
from layeralgebra.algebra.formulas.records import Formula, as_formula
from layeralgebra.algebra.formulas.table import Table
from layeralgebra.algebra.plots import plot_profile, plot_scaling

H, c, k = la.dims("H c k")
NET = la.Conv(c, 3, padding=1) >> la.ReLU() >> la.Conv(c, 3, padding=1)
DERIVATION = la.derive(la.macs, NET, on=(3, H, H))
EXPRESSION = 27 * H**2 * c + 9 * H**2 * c**2
SHRINKING = la.derive(la.macs, la.Conv(c, 3), on=(3, H, H))
WAYS = {"formula": Formula(EXPRESSION), "derivation": DERIVATION, "expression": EXPRESSION}


def code_run(given):
    made: dict = {}
    exec(la.codegen(given), made)
    return made["formula"](9, 8)


def swept(given):
    pytest.importorskip("xarray")
    data = la.sweep(given, {c: [8, 16], H: [7, 9, 11]})
    return [data[name].values.tolist() for name in data.data_vars]


def drawn(given):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    curves = [line.get_ydata().tolist() for line in plot_scaling(given, c, [8, 16, 32], at={"H": 9}).lines]
    pyplot.close("all")
    return curves


def profiled(given):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    points = given if isinstance(given, dict) else [given]
    heights = plot_profile(points, at={"H": 9, "c": 8}).lines[0].get_ydata().tolist()
    pyplot.close("all")
    return heights


DOORS = {
    "compile": lambda given: la.compile(given)(H=9, c=8),
    "codegen": code_run,
    "gradient": lambda given: gradient(given, [c, H]),
    "elasticity": lambda given: la.elasticity(given, c),
    "leading_term": lambda given: la.leading_term(given, H),
    "sensitivity": lambda given: la.sensitivity(given, at={"c": 8, "H": 9}),
    "solve_for": lambda given: la.solve_for(given, c, at_most=10**6 * k),
    "optimize": lambda given: la.optimize(given, [c * H <= 90], {c: (1, 16), H: (5, 16)}),
    "sweep": swept,
    "plot_scaling": drawn,
    "plot_profile": profiled,
}
WITHOUT_NAMES = {"sweep", "plot_scaling", "plot_profile"}  # their answers hold one array for each formula
WRONG = {"network": NET, "string": "9*c**2", "nothing": None, "strings": ["c", "H"], "object": object(), "flag": True}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_answers_the_same_whichever_way_a_formula_is_given(door, way):
    wanted = DOORS[door](EXPRESSION)
    assert DOORS[door](WAYS[way]) == wanted
    named = DOORS[door]({"cost": WAYS[way]})
    assert named == (wanted if door in WITHOUT_NAMES else {"cost": wanted})


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_what_is_no_formula_with_one_sentence(door, wrong):
    given = WRONG[wrong]
    sentence = (
        f"{{}} takes a formula, a derivation, a SymPy expression, or a mapping of names to them, got {given!r} of type "
        f"{type(given).__name__}; write derive(parameters, net) for what a network has, dims('c') for a symbol"
    )
    if door != "plot_profile" or wrong != "flag":  # the points of a profile may be plain numbers
        with pytest.raises(FieldError) as alone:
            DOORS[door](given)
        assert str(alone.value) == sentence.format(door)
    if door != "plot_profile":
        with pytest.raises(FieldError) as named:
            DOORS[door]({"fine": c, "bad": given})
        assert str(named.value) == sentence.format(f"{door}, 'bad',")


@pytest.mark.parametrize("door", ["gradient", "elasticity", "leading_term", "solve_for", "optimize", "sensitivity"])
def test_what_is_about_one_expression_refuses_several(door):
    for several in ((c, H), la.derive(la.output_shape, NET, on=(3, H, H))):
        with pytest.raises(FieldError, match=f"{door} takes formulas that are one expression, got .*; take one of its"):
            DOORS[door](several)


def test_a_domain_travels_with_its_formula():
    given = Formula(H + floor(H / 2), domain=[(H >= 7) & (H <= 9)])
    assert [condition.meaning for condition in given.domain] == ["H >= 7", "H <= 9"]
    for thing in (given, {"half": given}, [given], (given, c)):
        with pytest.raises(DomainError, match="H must be at least 7"):
            la.compile(thing)(**({"H": 6, "c": 1} if isinstance(thing, tuple) else {"H": 6}))
    assert la.solve_for(given, H, at_most=100) == 9
    assert la.optimize(given, [], {H: (1, 100)}).at == {H: 9}
    with pytest.raises(DomainError, match="at the input"):
        la.compile({"MACs": SHRINKING.as_formula()})(H=2, c=8)


def test_records_and_tuples_are_formulas_and_keep_their_shape():
    field = la.derive(la.receptive_field, NET, on=(3, H, H))
    assert as_formula(field, "this").expressions == as_formula(field.formula, "this").expressions
    assert type(la.compile(field)(H=9, c=1)) is type(field.formula)
    assert la.compile({"shape": (c, 3, H)})(c=2, H=5) == {"shape": (2, 3, 5)}
    assert as_formula([SHRINKING, c], "this").domain == SHRINKING.as_formula().domain != ()


def test_latex_and_tables_show_a_formula_as_its_expression():
    table = Table(("cost",), ((Formula(EXPRESSION),),))
    assert str(table) == str(Table(("cost",), ((EXPRESSION,),)))
    assert table.latex() == Table(("cost",), ((EXPRESSION,),)).latex()
    assert la.latex(Formula(EXPRESSION)) == la.latex(EXPRESSION)
    assert la.latex({"cost": Formula(c)}) == la.latex({"cost": c}) == r"\begin{aligned} \text{cost} &= c \end{aligned}"


def test_conditions_are_one_class_from_layers_to_compiled_functions():
    (first, *_), compiled = SHRINKING.domain, la.compile(SHRINKING)
    assert type(first.condition) is Condition and all(type(item) is Condition for item in compiled._conditions)
    assert {item.relation for item in conditions_of(SHRINKING.domain)} == set(SHRINKING.domain.relations)
    (one, two) = conditions_of(And(H >= k, H <= 9, evaluate=False))
    assert {one.relation, two.relation} == {H >= k, H <= 9}


def test_one_dict_of_sizes_evaluates_every_derivation_of_a_network():
    sizes = {"H": 9, "c": 8}
    parts = [la.derive(metric, NET, on=(3, H, H)) for metric in (la.macs, la.parameters, la.depth)]
    values = [part(**sizes) for part in parts]
    assert H not in parts[1].formula.free_symbols and values[2] == 2
    assert (parts[0] + parts[1] + parts[2])(sizes) == {
        part.metric.name: value for part, value in zip(parts, values, strict=True)
    }
    alone = la.derive(la.depth, NET, on=(3, H, H))
    assert alone(**sizes) == (la.Derivations((alone,)))({H: 9, c: 8})["depth"] == la.compile(alone)(**sizes)
    for refused in (alone, la.Derivations((alone,)), parts[0] + parts[1]):
        with pytest.raises(FieldError, match="no symbol W"):
            refused(**sizes, W=3)
        with pytest.raises(FieldError, match="no symbol W"):
            refused({**dict(zip((H, c), (9, 8), strict=True)), Symbol("W"): 3})
