"""`la.check`: wrong layers are refuted with a witness that a person can read, and correct ones never."""

from __future__ import annotations

import ast
import itertools
import math
import sys
from pathlib import Path

import pytest
from sympy import Tuple
from typer.testing import CliRunner

import layeralgebra as la
from layeralgebra.cli import app
from layeralgebra.proofs import enumeration
from layeralgebra.proofs.testing import assert_lawful
from layeralgebra.proofs.verdict import Proved, Refuted

CONV = """
    z[c, *j] = pad[padding](x[c, *j])
    y[(g, o), *i] = W[g, o, c, *u] * z[(g, c), *(stride*i + dilation*u)] + (b[g, o] if bias else 0)
    where g < groups, o < out_channels/groups, u < kernel
"""


def convolution(name: str, **claims):
    """A grouped convolution on one axis or more, with claims of somebody's."""
    fields = dict(out_channels=la.Dim, kernel=la.Dim, stride=la.Dim, padding=la.Size, dilation=la.Dim, groups=la.Dim)
    return type(
        name,
        (la.Layer,),
        {
            "__annotations__": {**fields, "bias": la.Flag},
            "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True, "equation": CONV, "claims": claims,
            "__module__": __name__,
        },
    )  # fmt: skip


def extent(self, size, kernel=None, stride=None):
    kernel = self.kernel if kernel is None else kernel
    return la.simplify((size + 2 * self.padding - self.dilation * (kernel - 1) - 1) // (stride or self.stride) + 1)


def positions(self, shape):
    made = 1
    for size in shape[1:]:
        made = made * extent(self, size)
    return made


def weights(self, shape, groups=None):
    return self.out_channels * shape[0] / (groups or self.groups) * self.kernel ** (len(shape) - 1)


RIGHT = {
    "output_shape": lambda self, shape: (self.out_channels, *(extent(self, size) for size in shape[1:])),
    "parameters": lambda self, shape: weights(self, shape) + self.out_channels * int(self.bias),
    "macs": lambda self, shape: weights(self, shape) * positions(self, shape),
    "receptive_field": lambda self, shape: self.dilation * (self.kernel - 1) + 1,
    "activations": lambda self, shape: self.out_channels * positions(self, shape),
}

WRONG = {
    "stride in the shape": (
        "output_shape",
        lambda self, s: (self.out_channels, *(extent(self, n, stride=1) for n in s[1:])),
    ),
    "channels in the shape": ("output_shape", lambda self, s: (s[0], *(extent(self, n) for n in s[1:]))),
    "forgotten bias": ("parameters", weights),
    "bias always": ("parameters", lambda self, s: weights(self, s) + self.out_channels),
    "parameters without groups": (
        "parameters",
        lambda self, s: weights(self, s, 1) + self.out_channels * int(self.bias),
    ),
    "MACs off by the groups": ("macs", lambda self, s: weights(self, s, 1) * positions(self, s)),
    "MACs at the input's positions": ("macs", lambda self, s: weights(self, s) * math.prod(s[1:])),
    "field without dilation": ("receptive_field", lambda self, s: self.kernel),
    "field of one more": ("receptive_field", lambda self, s: self.dilation * self.kernel + 1),
    "depth of two": ("depth", lambda self, s: 2),
    "activations of the input": ("activations", lambda self, s: s[0] * positions(self, s)),
}


#: In the quick run; the others are slow together, as each is shrunk.
QUICK = ("forgotten bias", "depth of two", "bias always")


@pytest.mark.parametrize(
    "slip", [slip if slip in QUICK else pytest.param(slip, marks=pytest.mark.slow) for slip in WRONG]
)
def test_a_wrong_claim_is_refuted(slip):
    metric, claim = WRONG[slip]
    kind = convolution("Wrong", **{**RIGHT, metric: claim})
    report = la.check(kind, examples=25, laws=(f"claim_{metric}",))
    assert not report.ok
    assert [result.law for result in report.refuted] == [f"claim_{metric}"], str(report)
    witness = report.refuted[0].verdict.witness
    sizes = dict(witness.sizes)
    layer, on = sizes["layer"], sizes["on"]
    derived = la.derive(metric, layer, on=on).formula
    claimed = claim(layer, la.Input(*on).shape)
    if metric == "receptive_field":
        derived = derived.size
        claimed = tuple(claimed) if isinstance(claimed, Tuple) else (claimed,) * len(derived)
    elif metric == "output_shape":
        derived = tuple(derived)
    assert (witness.left, witness.right) == (claimed, derived) and claimed != derived
    text = str(report)
    assert f"REFUTED   claim_{metric}" in text and "layer = Wrong(" in text and "is not" in text
    # What is shown is small: the smallest layer and shape that tell the difference, or nearly so.
    assert max(on) <= 6 and len(on) <= 3


@pytest.mark.slow
def test_right_claims_are_proved():
    report = la.check(convolution("Right", **RIGHT), examples=6, laws=("claim_*",))
    assert report.ok, str(report)
    assert isinstance(report["claim_receptive_field"].verdict, Proved), str(report)
    assert isinstance(report["claim_parameters"].verdict, Proved), str(report)


def test_a_claim_about_no_metric_is_refuted():
    report = la.check(convolution("Odd", weight=lambda self, shape: 1), examples=3, laws=("claim_*",))
    assert "no metric is called so" in str(report) and not report.ok


def test_a_claim_without_a_value_is_refuted():
    report = la.check(convolution("Odd", macs=lambda self, shape: shape[7]), examples=3, laws=("claim_*",))
    assert "the claim has no value here: IndexError" in str(report) and not report.ok


class Unreadable(la.Layer):
    equation = "y[*i] = x[*i] +"


class Changing(la.Layer):
    count = itertools.count()

    @property
    def equation(self):
        return f"y[*i] = {1 + next(self.count) % 5} * x[*i]"


@pytest.mark.parametrize("kind", [Unreadable, Changing])
def test_a_wrong_equation_is_refuted(kind):
    report = la.check(kind, examples=3)
    assert not report.ok
    assert report.refuted[0].law in ("equation_well_formed", "object_rebuilds"), str(report)


def test_a_composition_that_is_not_associative_is_refuted():
    report = la.check(lambda f, g: f >> (g + f), examples=12)
    assert [result.law for result in report.refuted] == ["composition_associative"], str(report)
    assert set(dict(report.refuted[0].verdict.witness.sizes)) == {"f", "g", "h", "on"}
    assert "is not" in str(report)


@pytest.mark.parametrize("compose", [lambda f, g: f >> g, lambda f, g: f + g, lambda f, g: f | g, lambda f, g: f * g])
def test_a_composition_that_is_associative_is_not_refuted(compose):
    assert la.check(compose, examples=5).ok


@pytest.mark.parametrize("name", ["PReLU", "Conv"])
def test_a_correct_layer_is_not_refuted(name):
    assert_lawful(getattr(la, name), examples=3)


LAYERS = sorted(layer.__name__ for layer in la.registered_layers())
#: Samples on which a law was tried, by layer.
CASES: dict[str, int] = {}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_no_registered_layer_is_refuted(name):
    report = la.check(getattr(la, name), examples=12)
    CASES[name] = sum(result.cases for result in report.results)
    assert not report.refuted, str(report)
    assert CASES[name] >= 50, f"{CASES[name]} samples alone were found\n{report}"


@pytest.mark.slow
def test_no_registered_layer_was_refuted_on_ten_thousand_samples(capsys):
    if set(CASES) != set(LAYERS):
        pytest.skip("not all layers were checked in this run")
    with capsys.disabled():
        print(f"\n{sum(CASES.values())} samples of {len(CASES)} layers, none refuted")
    assert sum(CASES.values()) > 10_000


def test_a_layer_with_its_sizes_is_checked_at_given_shapes():
    report = la.check(la.Linear(4), shapes=(3,), examples=2, laws=("*_eq_*", "*_series"))
    assert report["macs_series"].cases == 2 and report["receptive_field_series"].cases == 0, "one axis is no position"
    assert report.ok and report["parameters_eq_enumeration"].cases >= 1
    with pytest.raises(la.FieldError, match="tuples of integers"):
        la.check(la.Linear(4), shapes=3)


@pytest.mark.parametrize("subject", [3, None, la.Layer, int, "Conv"])
def test_what_is_no_layer_is_refused(subject):
    with pytest.raises(la.FieldError, match="check takes"):
        la.check(subject)


test_one_line_suffices = la.proofs.test_of(la.ReLU, examples=2)


def test_one_line_fails_with_the_report():
    kind = convolution("Wrong", depth=lambda self, shape: 3)
    with pytest.raises(AssertionError, match="claim_depth"):
        la.proofs.test_of(kind, examples=2)()


FILE = '''
import layeralgebra as la


class Doubled(la.Layer):
    """Two of everything."""

    equation = "y[*i] = 2 * x[*i]"
    claims = {"parameters": lambda self, shape: SOME}
'''


@pytest.mark.parametrize(("some", "status"), [("0", 0), ("1", 1)])
def test_the_command_checks_a_file(tmp_path: Path, some: str, status: int):
    path = tmp_path / f"doubled_{some}.py"
    path.write_text(FILE.replace("SOME", some))
    try:
        made = CliRunner().invoke(app, ["check", f"{path}::Doubled", "--examples", "2"])
        assert made.exit_code == status, made.output
        assert ("claim_parameters" in made.output) and ("REFUTED" in made.output) == bool(status)
        assert CliRunner().invoke(app, ["check", f"{path}::Tripled"]).exit_code == 2
    finally:
        sys.modules.pop(path.stem, None)


def test_verdicts_of_a_report_are_no_truth_values():
    report = la.check(la.ReLU(), shapes=(2,), examples=1, laws=("*_eq_*",))
    assert not any(isinstance(result.verdict, Refuted) for result in report.results)
    with pytest.raises(la.FieldError, match="was not checked"):
        report["nothing"]


def test_enumeration_shares_no_code_with_the_engine():
    """It imports the standard library and its own modules alone, so that agreement with it says something."""
    folder = Path(enumeration.__file__).parent
    modules = sorted(folder.glob("*.py"))
    assert len(modules) >= 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported = [(node.module or "").partition(".")[0]]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 and (folder / f"{node.module}.py").exists(), f"{module.name}, line {node.lineno}"
                continue
            else:
                continue
            assert set(imported) <= sys.stdlib_module_names, f"{module.name}, line {node.lineno}: {imported}"


@pytest.mark.parametrize("attribute", ["claims", "tables"])
@pytest.mark.parametrize("given", [lambda self: {}, {"parameters": 9}, [("parameters", len)], {1: len}])
def test_claims_and_tables_are_functions_by_name(attribute, given):
    with pytest.raises(la.FieldError, match=f"{attribute} of Odd must be a mapping from names to functions"):
        type("Odd", (la.Layer,), {"equation": "y[*i] = x[*i]", attribute: given})
