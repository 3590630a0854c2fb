"""Copies cost what one costs, however they are written: nested counts, copies written out, and cuts found in one pass."""

from __future__ import annotations

import importlib
import random

import networkx
import pytest
from sympy import Integer

import layeralgebra as la
from layeralgebra.algebra.regions.vertex_cuts import Least, least_cuts

RELUS = la.Linear(4) >> la.ReLU()


def nested(levels: int, times: object) -> la.Network:
    net: la.Network = RELUS
    for _ in range(levels):
        net = net**times
    return net


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize("entering", [2, 7])
def test_regions_of_nested_copies_are_those_of_copies_written_out(levels: int, entering: int) -> None:
    out = la.Series(*[RELUS] * 2**levels)
    for name in ("layer_complexity", "linear_regions"):
        metric = getattr(la, name)
        assert metric(nested(levels, 2), on=(entering,)) == metric(out, on=(entering,))


@pytest.mark.parametrize("entering", [2, 7])
def test_complexity_of_a_symbolic_number_of_nested_copies(entering: int) -> None:
    L = la.dims("L")
    symbolic = la.layer_complexity(nested(3, L), on=(entering,))
    for times in (1, 2, 3):
        written_out = la.Series(*[RELUS] * times**3)
        assert (symbolic.subs(L, times) - la.layer_complexity(written_out, on=(entering,))).simplify() == 0


def test_a_narrow_first_copy_counts_once() -> None:
    """3 ReLUs on one dimension make 4 regions; the copies after the first see no more than it lets through."""
    copies = (la.Linear(3) >> la.ReLU()) ** 3
    assert float(la.layer_complexity(copies, on=(1,))) == 6
    nest = ((la.Linear(1) >> la.ReLU() >> la.Linear(3) >> la.ReLU()) ** 5) ** 7
    # The first unit cuts a plane of two dimensions in two, and so does each later one; 3 units cut a line in 4.
    assert float(la.layer_complexity(nest, on=(2,))) == 35 * (1 + 2)


def test_deeply_nested_copies_have_a_complexity() -> None:
    assert la.layer_complexity(nested(199, 2), on=(4,)) == 4 * 2**199


def test_a_billion_copies_have_a_histogram_where_its_numbers_are_short() -> None:
    """One ReLU keeps a line, or makes a point of it: each copy adds one region."""
    many = (la.Linear(1) >> la.ReLU()) ** 10**9
    assert la.linear_regions(many, on=(1,)) == 10**9 + 1
    with pytest.raises(la.BudgetError, match="closed form"):
        la.linear_regions(RELUS**10**9, on=(4,))


def test_a_power_of_a_matrix_is_the_copies_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from layeralgebra.algebra.regions import composition

    net = (la.Linear(3) >> la.ReLU() >> la.Linear(2) >> la.LeakyReLU()) ** 11
    one_by_one = la.transfer(net, on=(3,)).histogram(3)
    monkeypatch.setattr(composition, "_FEW_LEAVES", 1)
    assert la.transfer(net, on=(3,)).histogram(3) == one_by_one


@pytest.mark.parametrize("seed", range(40))
def test_cuts_of_all_nodes_at_once_are_maximum_flows(seed: int) -> None:
    """networkx finds each cut by itself."""
    chance = random.Random(seed)
    names = [f"n{place}" for place in range(chance.randint(1, 9))]
    nodes = []
    for place, name in enumerate(names):
        before = ["", *names[:place]][-4:]
        sources = chance.sample(before, chance.randint(1, min(3, len(before))))
        nodes.append((name, sources, Least() if chance.random() < 0.2 else Least.of(Integer(chance.randint(1, 9)))))
    found = least_cuts(nodes)
    flow = networkx.DiGraph()
    flow.add_node(("", 1))
    for name, sources, size in nodes:
        flow.add_edge((name, 0), (name, 1), **({"capacity": int(size.expr())} if size.sizes else {}))
        flow.add_edges_from(((source, 1), (name, 0)) for source in sources)
    for name, _, _ in nodes:
        try:
            wanted: object = Integer(networkx.maximum_flow_value(flow, ("", 1), (name, 0)))
        except networkx.NetworkXUnbounded:
            wanted = Least().expr()
        assert found[name].expr() == wanted


@pytest.mark.parametrize("bound", ["explicit", "implicit"])
def test_vc_bounds_of_very_many_copies_end(bound: str) -> None:
    with pytest.raises(la.LayerAlgebraError, match="inside each other|more than 4096 repeated"):
        la.vc_dimension(nested(40, 2) if bound == "explicit" else RELUS**10**9, on=(4,), bound=bound)


@pytest.mark.parametrize("width", [4, 3])
def test_vc_bound_of_very_many_copies_is_that_of_copies_one_by_one(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("layeralgebra.algebra.metrics.vc_dimension")
    net = la.Linear(width) >> la.ReLU() >> RELUS**9 >> la.Linear(2)
    one_by_one = la.vc_dimension(net, on=(5,))
    monkeypatch.setattr(module, "MOST_LEVELS", 3)
    assert float(la.vc_dimension(net, on=(5,)) - one_by_one) == 0
    assert float(la.vc_dimension(RELUS**10**9, on=(4,))) > 10**18


def test_cuts_of_a_long_ladder_between_two_rails() -> None:
    """Everything passes the input's four numbers, and rungs join what both rails carry: no cut is narrower than one rail's width."""
    nodes: dict[str, la.Network] = {"a0": la.Linear(4), "b0": la.Linear(4)}
    edges = []
    for place in range(1, 300):
        nodes |= {f"a{place}": RELUS, f"g{place}": la.Linear(4), f"b{place}": la.Add()}
        edges += [
            (f"a{place - 1}", f"a{place}"),
            (f"b{place - 1}", f"g{place}"),
            (f"g{place}", f"b{place}"),
            (f"a{place}", f"b{place}"),
        ]
    nodes["out"] = la.Add()
    edges += [("a299", "out"), ("b299", "out")]
    assert la.layer_complexity(la.Graph(nodes, edges), on=(4,)) == 4 * 299
