"""The theorems about all networks: which laws have one, and that their folds say of drawn networks what the engine says."""

from __future__ import annotations

import re
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.algebra.errors import UnsupportedError
from layeralgebra.layers import REGISTRY
from layeralgebra.proofs import theorems
from layeralgebra.proofs.printers.networks import term, values
from layeralgebra.proofs.provers.coq_networks import differences
from layeralgebra.proofs.samples.chains import WINDOWS
from layeralgebra.proofs.samples.strategies import networks

LAWS = {law.name: law for law in proofs.laws()}
STRUCTURAL = {name: law for name, law in LAWS.items() if law.kind == "structural"}
coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not on the path")


def test_the_laws_of_composition_are_theorems():
    proved = {name for name, law in STRUCTURAL.items() if law.routes == ("coq",)}
    assert proved == set(STRUCTURAL) & set(theorems.theorems())
    for subject in ("metrics", "metrics_of_branches", "metrics_of_copies", "structure", "branches"):
        assert {name for name, law in STRUCTURAL.items() if law.subject == subject} <= proved, subject


def test_every_other_law_about_networks_says_why_it_is_sampled():
    for law in STRUCTURAL.values():
        if not law.routes:
            assert law.status == f"sampled: {theorems.reason(law.subject)}"
            assert law.status != f"sampled: {theorems.reason('')}", law.subject


def test_no_theorem_assumes_more_than_it_says():
    """Sections close over what they take; nothing is declared outside of them."""
    for name, text in theorems.sources().items():
        depth = 0
        for line in text.splitlines():
            depth += line.startswith("Section ") - line.startswith("End ")
            assert depth or not line.startswith("Context"), name
        assert depth == 0, name


# what the folds say ------------------------------------------------------------------------------------------------------------


def drawn(examples):
    """Networks of all layers, and of those that read windows, on shapes of numbers."""
    windows = [REGISTRY[name] for name in (*WINDOWS, "Linear", "ReLU", "Identity")]
    found = []

    @settings(
        max_examples=examples, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(networks(most=6) | networks(kinds=windows, most=6))
    def draw(sample):
        if isinstance(sample.on, tuple):
            found.append((sample.net, sample.on))

    draw()
    return found


@pytest.fixture(scope="module")
def few():
    return drawn(16)


def by_hand():
    """Networks whose composition is deep, on sizes that change along it."""
    conv = la.Conv(4, 3, stride=2, padding=1)
    block = la.Conv(4, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
    shared = la.Linear(3).shared("w")
    return [
        (conv**3 >> (la.Identity() + block) ** 2, (2, 33, 17)),
        ((block | conv >> la.Upsample(2)) >> la.MaxPool(2) >> block**0, (4, 8, 8)),
        ((shared >> la.ReLU()) ** 4 >> shared + (shared >> la.Linear(3)), (5, 3)),
        (la.Add(block, la.Conv(4, 5, padding=2), la.Identity()) * la.Conv(1, 1), (4, 9, 9)),
        (la.Concat(la.Identity(), la.Linear(6), axis=0) >> la.Linear(6).shared("a") ** 2, (3, 6)),
    ]


@coq
def test_the_folds_say_what_the_engine_says(few):
    found, fields = differences([*few, *by_hand()])
    assert found == []
    assert fields >= 10


@coq
@pytest.mark.slow
def test_the_folds_say_what_the_engine_says_of_a_thousand_networks():
    networks_drawn = drawn(1000)
    assert len(networks_drawn) >= 950
    found, fields = differences([*networks_drawn, *by_hand()])
    assert found == []
    assert fields >= 400


#: Slips in the folds: what stands there, and what is put in its place.
SLIPS = {
    "copies stay at the first shape": ("let (out, v) := net (fst so_far) in (out,", "let (out, v) := net (fst so_far) in (fst so_far,"),
    "jumps add": ("(jump f * jump g)", "(jump f + jump g)"),
    "starts forget the jump": ("start g * jump f", "start g"),
    "the hull begins late": ("let low := Z.min", "let low := Z.max"),
    "depths of branches add": ("fold_right Nat.max 0%nat", "fold_right Nat.add 0%nat"),
    "what is shared counts again": ("if among name seen then 0 else n", "n"),
    "a sum costs as many adds as branches": ("Z.of_nat (pred n)", "Z.of_nat n"),
    "a concatenation keeps its size": ("(sum_list (map (size axis) shapes))", "(size axis first)"),
    "nothing is stretched": ("if m =? 1 then n else m", "m"),
}  # fmt: skip


@coq
@pytest.mark.parametrize(
    "slip", [slip if number == 1 else pytest.param(slip, marks=pytest.mark.slow) for number, slip in enumerate(SLIPS)]
)  # fmt: skip
def test_a_slip_in_a_fold_is_found(few, slip):
    right, wrong = SLIPS[slip]
    text = theorems.sources()["definitions.v"]
    assert text.count(right) == 1
    stretched = [(la.Linear(1) + la.Linear(5), (2, 3))]
    found, _ = differences([*few, *by_hand(), *stretched], text.replace(right, wrong))
    assert found


def test_what_has_no_counterpart_is_refused():
    graph = la.Graph({"a": la.Linear(3), "b": la.ReLU()}, [("a", "b")])
    n = la.dims("n")
    for net, on in (
        (graph, (3,)),
        (la.Input(3) >> la.Linear(2), (3,)),
        (la.Linear(2), (n,)),
        (la.Linear(3) ** n, (3,)),
    ):
        with pytest.raises(UnsupportedError, match="Coq files"):
            term(net, on)


def test_values_are_those_of_the_metrics():
    assert values(la.Conv(4, 3, padding=1), (2, 8, 8)) == (
        (4, 8, 8), (4 * 2 * 9 + 4,), (4608, 4608, 4608 + 256 - 0, 0, 256), (1, 1), None, (3, 1, -1), (3, 1, -1)
    )  # fmt: skip


def test_the_text_of_the_theorems_can_be_read():
    for name, said in theorems.theorems().items():
        assert re.match(r"(forall|\w)", said), name
