"""A way of joining branches that the library does not know, defined here alone: everything else follows from what it states."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from sympy import Rational

import layeralgebra as la
from layeralgebra.algebra.diagrams import to_tikz
from layeralgebra.algebra.networks.drawings import to_dot, to_graphml, to_mermaid
from layeralgebra.algebra.networks.network import Join

n, L = la.dims("n L")


class Average(Join):
    """The mean of the outputs of its branches."""

    joined = "averaged"

    def coefficients(self, count: int) -> tuple[Rational, ...]:
        return (Rational(1, count),) * count


class Unsaid(Join):
    """A join that says nothing of itself."""


TWO = Average(la.Linear(n), la.Linear(n) >> la.ReLU())
IN_GRAPH = la.Graph(
    {"f": la.Linear(4), "g": la.ReLU(), "h": la.Tanh(), "mean": Average()},
    [("f", "g"), ("f", "h"), ("g", "mean"), ("f", "mean"), ("h", "mean")],
)


def test_shapes_and_counts():
    assert la.output_shape(TWO, on=(n,)) == (n,)
    assert la.parameters(TWO, on=(n,)) == 2 * n**2 + 2 * n
    assert la.macs(TWO, on=(n,)) == 2 * n**2
    assert la.activations(TWO, on=(n,)) == 4 * n
    assert la.depth(TWO, on=(n,), count="layers") == 2
    parts = la.flops(la.Linear(n), on=(n,)) + la.flops(la.Linear(n) >> la.ReLU(), on=(n,))
    assert la.simplify(la.flops(TWO, on=(n,)) - parts) == 2 * n  # one addition and one multiplication for each element
    three = la.flops(Average(la.ReLU(), la.ReLU(), la.ReLU()), on=(n,))
    assert la.simplify(three - 3 * la.flops(la.ReLU(), on=(n,))) == 3 * n


def test_shapes_that_do_not_fit():
    with pytest.raises(la.ShapeError, match="branches that are averaged need equal sizes on axis 0"):
        la.output_shape(Average(la.Linear(3), la.Linear(4)), on=(2,))


def test_it_is_not_associative():
    nested = Average(la.ReLU(), Average(la.Tanh(), la.Sigmoid()))
    assert len(nested.branches) == 2 and nested != Average(la.ReLU(), la.Tanh(), la.Sigmoid())


def test_copies():
    assert la.parameters(TWO**L, on=(n,)) == (L * (2 * n**2 + 2 * n)).expand()
    one, many = (la.flops(net, on=(n,)) for net in (TWO, TWO**L))
    assert la.simplify(many - L * one) == 0
    assert la.depth(TWO**L, on=(n,), count="layers") == 2 * L
    three = Average(la.ReLU(), la.Identity()) ** 3
    x = np.array([8, -8])
    assert list(la.run(three, x)) == [8, -1]


def test_receptive_field():
    conv = la.Conv(2, 3, padding=1, bias=False)
    joined, added = Average(conv, conv >> conv), conv + (conv >> conv)
    assert la.receptive_field(joined, on=(2, n)) == la.receptive_field(added, on=(2, n))
    assert la.receptive_field(joined, on=(2, n)).size == (5,)


@pytest.mark.parametrize("metric", ["intrinsic_power", "vc_dimension", "linear_regions"])
def test_metrics_that_bound(metric):
    """A mean of two is as expressive as their sum, and no product."""
    net, added = (join(la.Linear(3) >> la.ReLU(), la.Linear(3)) for join in (Average, la.Add))
    function = getattr(la, metric)
    assert function(net, on=(2,)) == function(added, on=(2,))


def test_text_and_latex():
    assert str(TWO) == repr(TWO) == "Average(Linear(n), Linear(n) >> ReLU())"
    assert str(la.ReLU() >> TWO + la.ReLU()) == f"ReLU() >> {TWO} + ReLU()"
    assert (
        la.latex(Average(la.ReLU(), la.Tanh())) == r"\operatorname{Average}(\operatorname{ReLU}, \operatorname{Tanh})"
    )
    assert r"\operatorname{Average}(g, f, h)" in la.latex(IN_GRAPH)
    long = Average(*[la.Conv(8, 3, padding=1) >> la.ReLU()] * 12)
    assert la.latex(long).count("Conv") == 12


def test_drawings():
    graph = TWO.to_networkx()
    assert set(graph.nodes) == {"in", "0", "1.0", "1.1", "join"} and graph.nodes["join"]["layer"] == Average()
    assert [a for a, _, _ in sorted(graph.in_edges("join", data="order"), key=lambda edge: edge[2])] == ["0", "1.1"]
    assert la.parameters(la.from_networkx(graph), on=(n,)) == la.parameters(TWO, on=(n,))
    assert "Average" in to_dot(TWO) and "Average" in to_mermaid(TWO) and "average" in to_tikz(TWO)
    drawn = networkx.parse_graphml(to_graphml(TWO))
    assert [data["kind"] for _, data in drawn.nodes(data=True)].count("Average") == 1


def test_tables():
    net = la.Input(4) >> la.Linear(4) >> Average(la.Linear(4), la.ReLU()) >> la.Linear(2)
    derived = la.derive("parameters", net) + la.derive("flops", net)
    assert [part.path for part in derived["flops"].terms] == ["1", "2.0", "2.1", "2", "3"]
    assert "Average" in derived.table() and "Average" in derived.latex()
    stages = la.stage_table(derived)
    assert "Average(Linear, ReLU)" in stages.text() and r"Average" in stages.latex()
    table = la.compare(
        {"mean": TWO, "sum": la.Linear(n) + (la.Linear(n) >> la.ReLU())}, ["flops"], on=(n,), at={"n": 4}
    )
    rows = list(table)
    assert rows[0]["FLOPs"] - rows[1]["FLOPs"] == 4


def test_run():
    net = Average(la.Linear(3), la.Linear(3) >> la.ReLU(), la.Linear(3) >> la.Tanh())
    given, x = la.weights(net, on=(5,)), np.arange(5.0)
    branches = [x @ given[f"{path}.W"].T + given[f"{path}.b"] for path in ("0", "1.0", "2.0")]
    wanted = np.mean([branches[0], np.maximum(branches[1], 0), np.tanh(branches[2])], axis=0)
    np.testing.assert_allclose(la.run(net, x, given), wanted)


def test_exact_numbers_stay_exact():
    assert list(la.run(Average(la.Identity(), la.ReLU()), [3, -3])) == [3, Rational(-3, 2)]


def test_in_a_graph():
    given, x = la.weights(IN_GRAPH, on=(4,)), np.arange(4.0)
    f = x @ given["f.W"].T + given["f.b"]
    np.testing.assert_allclose(la.run(IN_GRAPH, x, given), (f + np.maximum(f, 0) + np.tanh(f)) / 3)
    assert (
        la.simplify(
            la.flops(IN_GRAPH, on=(4,)) - sum(la.flops(net, on=(4,)) for net in (la.Linear(4), la.ReLU(), la.Tanh()))
        )
        == 12
    )


@pytest.mark.parametrize(
    "net", [Average(la.Linear(4), la.Linear(4) >> la.ReLU()) ** 2, IN_GRAPH], ids=["copies", "graph"]
)
def test_torch(net):
    torch = pytest.importorskip("torch")
    module = la.to_torch(net, on=(4,)).double()
    x = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(2, 4)
    names = list(la.weights(net, on=(4,)))
    given = dict(zip(names, (tensor.detach().numpy() for tensor in module.parameters())))
    made = module(x).detach().numpy()
    np.testing.assert_allclose(made, [la.run(net, row.numpy(), given) for row in x], atol=1e-12)


def test_what_is_not_said_is_refused_by_name():
    net = Unsaid(la.ReLU(), la.ReLU())
    assert la.parameters(net, on=(4,)) == 0
    with pytest.raises(la.UnsupportedError, match="Unsaid does not say what its joining costs"):
        la.flops(net, on=(4,))
    with pytest.raises(la.UnsupportedError, match="Unsaid does not say what it computes"):
        la.run(net, [1, 2])
    with pytest.raises(la.UnsupportedError, match="capacity has no rule for Unsaid of branches"):
        la.capacity_propagation(net, on=(4,))
