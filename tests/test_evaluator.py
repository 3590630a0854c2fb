"""How networks are walked: what every node is shown, how values fold along paths, and what symbolic repetitions close to.

The carriers here are made for the tests; what they find is compared with networks written out, or with plain recursion.
"""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, Expr, Ge, Integer, Symbol, Tuple, floor

import layeralgebra as la
from layeralgebra.algebra.formulas.conditions import Condition
from layeralgebra.algebra.networks.carrier import (
    Carrier,
    DomainCondition,
    Evaluation,
    Loop,
    PathCarrier,
    Site,
    TotalCarrier,
)
from layeralgebra.algebra.networks.evaluator import evaluate_network
from layeralgebra.algebra.networks.repetition import floor_affine

H, W, c, g, k, s, L, m, n = la.dims("H W c g k s L m n")
l = Symbol("l", integer=True, nonnegative=True)  # noqa: E741
l_2 = Symbol("l_2", integer=True, nonnegative=True)


class Sites(TotalCarrier[list[Any]]):
    """All sites in the order in which they count."""

    def leaf(self, site: Site, port: int) -> list[Any]:
        return [(site, port)]

    def series(self, values: Any) -> list[Any]:
        return [item for value in values for item in value]

    def joint(self, site: Site) -> list[Any]:
        return [(site, "join")]

    def repeat(self, value: list[Any], times: Expr, index: Symbol | None) -> list[Any]:
        return [*value, (times, index)]


class Longest(PathCarrier[Expr]):
    """The greatest sum of costs along a path; a layer with several inputs may cost differently at each."""

    def __init__(self, costs: dict[str, tuple[int, ...]]):
        self.costs = costs

    def leaf(self, site: Site, port: int) -> Expr:
        return Integer(self.costs.get(site.path, (1, 1, 1))[port])

    def series(self, values: Any) -> Expr:
        return sum(values, Integer(0))

    def join(self, site: Site, values: Any) -> Expr:
        return max(values)

    def fuse(self, values: Any) -> Expr:
        return max(values)

    def repeat(self, value: Expr, times: Expr, index: Symbol | None) -> Expr:
        return times * value

    def share(self, value: Expr, name: str, path: str) -> Expr:
        return value


class Unfused(Longest):
    fuse = PathCarrier.fuse


def sites(net: la.Network, on: Any = None) -> Evaluation[Any]:
    return evaluate_network(net, Sites(), on)


def test_a_carrier_without_a_rule_does_not_guess() -> None:
    bare: Carrier[Any] = Carrier()
    for ask in (
        lambda: bare.leaf(None, 0), lambda: bare.series([]), lambda: bare.join(None, []), lambda: bare.repeat(1, L, None),
        lambda: bare.graph([], "sink"), lambda: bare.source(None), lambda: TotalCarrier().joint(None),
        lambda: evaluate_network(la.ReLU(), bare, (3,)), lambda: evaluate_network(la.ReLU() + la.ReLU(), TotalCarrier(), (3,)),
    ):  # fmt: skip
        with pytest.raises(NotImplementedError):
            ask()
    assert bare.share(7, "name", "0") == 7


# what a node is shown ------------------------------------------------------------------------------------------------


def test_every_node_is_shown_its_place_and_its_sizes() -> None:
    net = (
        la.Conv(4, 3, padding=1) >> (la.Identity() + (la.ReLU() >> la.Conv(4, 1))) >> la.GlobalAvgPool() >> la.Linear(m)
    )
    found = sites(net, (3, H))
    assert [site.path for site, _ in found.value] == ["0", "1.0", "1.1.0", "1.1.1", "1", "2", "3"]
    assert [what for _, what in found.value] == [0, 0, 0, 0, "join", 0, 0]
    assert [term.site.path for term in found.terms] == [site.path for site, _ in found.value]
    by_path = {site.path: site for site, _ in found.value}
    assert [flow.shape for flow in by_path["1"].inputs] == [(4, H), (4, H)] and by_path["1"].output.shape == (4, H)
    assert [flow.shape for flow in by_path["0"].inputs] == [(3, H)] and by_path["2"].output.shape == (4,)
    assert by_path["1"].instance is None and by_path["3"].instance is not None
    assert by_path["3"].node == la.Linear(m) and found.output.shape == (m,)
    assert [flow.shape for flow in found.inputs] == [(3, H)]


def test_channels_are_where_the_layers_say() -> None:
    assert sites(la.Conv(4, 1), (3, H, W)).output.channel_axis == 0
    assert sites(la.Linear(4) >> la.ReLU(), (5, 3)).output.channel_axis == 1
    assert sites(la.Linear(4) + la.Linear(4), (7, 5, 3)).output.channel_axis == 2
    assert sites(la.ReLU() | la.Linear(4), (5, 3)).output.channel_axis == 1
    assert sites(la.ReLU(), (5, 3)).output.channels is None and sites(la.ReLU(), (5, 3)).output.channel_axis == 0
    assert sites(la.ReLU() >> la.Linear(4), (5, 3)).layout == "last"
    assert sites(la.ReLU() >> la.Conv(4, 1) >> la.Tokens() >> la.Linear(4), (5, 3)).layout == "first"
    assert sites(la.ReLU(), (5, 3)).layout is None


def test_repetitions_around_a_node_are_known_there() -> None:
    net = ((la.Linear(n) >> la.ReLU()) ** k >> la.Linear(n)) ** L
    inner, outer = Loop(l_2, k), Loop(l, L)
    found = sites(net, (n,))
    assert [item[0].path for item in found.value if isinstance(item[0], Site)] == [
        "[l].0[l_2].0",
        "[l].0[l_2].1",
        "[l].1",
    ]
    assert [item[0].loops for item in found.value if isinstance(item[0], Site)] == [
        (outer, inner),
        (outer, inner),
        (outer,),
    ]
    assert [item for item in found.value if not isinstance(item[0], Site)] == [(k, None), (L, None)]
    after = sites((la.Linear(n) ** L) >> (la.Linear(n) ** k) >> la.ReLU(), (n,)).value
    assert [item[0].loops for item in after if isinstance(item[0], Site)] == [(Loop(l, L),), (Loop(l, k),), ()]


def test_copies_that_differ_are_shown_with_their_number() -> None:
    assert sites((la.Identity() | la.Conv(g, 1)) ** L, (c, H)).value[-1] == (L, l)
    assert sites(la.Repeat(la.Linear(l + 1), L, l), (1,)).value[-1][1] is not None
    assert sites(la.Conv(c, 1) ** L, (c, H)).value[-1] == (L, None)


def test_copies_of_a_literal_repetition_stand_one_by_one() -> None:
    assert [site.path for site, _ in sites(la.Linear(5) ** 3, (2,)).value] == ["0", "1", "2"]
    same = sites(la.Linear(2) >> la.Linear(2) ** 3, (2,)).value
    assert [site.path for site, _ in same[:-1]] == ["0", "1[l]"] and same[-1] == (3, None)
    widths = sites(la.Repeat(la.Linear(l + 2), 3, l), (7,))
    assert [site.output.shape for site, _ in widths.value] == [(2,), (3,), (4,)]
    for nothing in (la.Linear(2) ** 0, la.Linear(5) ** 0, la.Repeat(la.Linear(l + 2), 0, l)):
        assert sites(nothing, (2,)).value == [] and sites(nothing, (2,)).output.shape == (2,)


def test_what_enters_is_given_in_one_of_few_ways() -> None:
    assert la.output_shape(la.ReLU(), on=[3, H]) == la.output_shape(la.ReLU(), on=(3, H)) == Tuple(3, H)
    both = la.derive(la.macs, la.CrossAttention(2), on=[(5, 8), (7, 8)])
    assert both.inputs == ((5, 8), (7, 8))
    assert la.output_shape(la.Subtract(), on=[(n,), (n,)]) == Tuple(n)
    assert la.derive(la.macs, la.Input(3, H) >> la.Conv(2, 1)).inputs == ((3, H),)
    for nothing in ((), [], {3: 4}, "34", b"34", 3):
        with pytest.raises(la.ShapeError, match="on takes"):
            la.macs(la.ReLU(), on=nothing)
    with pytest.raises(la.ShapeError, match="no input"):
        la.macs(la.ReLU() >> la.Linear(3))
    with pytest.raises(la.GraphError, match="leave out the Input"):
        la.macs(la.Input(3), on=(3,))


def test_networks_nest_to_a_known_depth() -> None:
    def nested(levels: int) -> la.Network:
        net: la.Network = la.ReLU()
        for _ in range(levels):
            net = la.Graph({"only": net})
        return net

    assert la.flops(nested(200), on=(3,)) == 3
    with pytest.raises(la.GraphError, match="nested deeper than 200"):
        la.flops(nested(201), on=(3,))
    side_by_side = la.Series(*(la.Graph({"only": la.ReLU()}) for _ in range(300)))
    assert la.flops(side_by_side, on=(3,)) == 900


def test_a_shape_error_says_where() -> None:
    with pytest.raises(la.ShapeError, match=r"^at 1\.0: "):
        la.macs(la.ReLU() >> (la.Conv(1, 5) + la.ReLU()), on=(1, 4))
    with pytest.raises(la.ShapeError) as caught:
        la.macs(la.Conv(1, 5), on=(1, 4))
    assert not str(caught.value).startswith("at ")


# joins ---------------------------------------------------------------------------------------------------------------


def test_sizes_that_are_added_must_agree_or_be_one() -> None:
    either = la.derive(la.output_shape, la.Linear(m) + la.Linear(n), on=(c,))
    assert either.domain.relations == [Eq(m, n)]
    assert either(m=3, n=3) == (3,)
    with pytest.raises(la.DomainError, match="axis 0"):
        either(m=3, n=4)
    one = la.derive(la.output_shape, la.Linear(1) + la.Linear(n) + la.Linear(1), on=(c,))
    assert one.formula == Tuple(n) and len(one.domain) == 0
    assert la.output_shape(la.Linear(1) * la.Linear(1), on=(c,)) == Tuple(1)
    three = la.derive(la.output_shape, la.Conv(c, 3) | la.Conv(n, k) | la.Conv(2, 3), on=(m, H))
    assert three.formula == Tuple(c + n + 2, H - 2)
    assert three(c=1, n=2, k=3, H=7) == (5, 5)
    assert not three.domain.holds({c: 1, n: 2, k: 4, m: 1, H: 7})


@given(
    rank=st.integers(1, 4), data=st.data(), kind=st.sampled_from(["add", "concatenate"]),
    branches=st.integers(2, 3),
)  # fmt: skip
def test_joins_of_given_shapes(rank: int, data: st.DataObject, kind: str, branches: int) -> None:
    """Against the rules of NumPy, and a literal reading of what concatenation is."""
    shapes = [
        tuple(data.draw(st.lists(st.sampled_from([1, 2, 3]), min_size=rank, max_size=rank))) for _ in range(branches)
    ]
    axis = data.draw(st.integers(-rank - 1, rank))
    parts = {f"p{place}": la.Parameter(shape) for place, shape in enumerate(shapes)}
    join = la.Add() if kind == "add" else la.Concat(axis=axis)
    net = la.Graph({**parts, "join": join}, [(name, "join") for name in parts])
    if kind == "add":
        fits = all(len({size for size in column if size != 1}) <= 1 for column in zip(*shapes))
        wanted = tuple(max(column) for column in zip(*shapes))
    else:
        fits = -rank <= axis < rank and all(
            len(set(column)) == 1 for place, column in enumerate(zip(*shapes)) if place != axis % rank
        )
        wanted = tuple(sum(column) if place == axis % rank else column[0] for place, column in enumerate(zip(*shapes)))
    if fits:
        assert la.output_shape(net) == Tuple(*wanted)
    else:
        with pytest.raises(la.ShapeError):
            la.output_shape(net)


# paths ---------------------------------------------------------------------------------------------------------------


def longest(net: la.Network, on: Any, **costs: tuple[int, ...]) -> Expr:
    return evaluate_network(net, Longest({name: cost for name, cost in costs.items()}), on).value


def test_paths_are_folded_over_every_composition() -> None:
    f = la.ReLU()
    assert longest(f, (3,)) == 1 and longest(f >> f >> f, (3,)) == 3
    assert longest(f + (f >> f) + f, (3,)) == 2 and longest(f >> (f | (f >> f)) >> f, (3,)) == 4
    assert longest((f >> f) ** L, (3,)) == 2 * L and longest(f**0, (3,)) == 0
    assert longest((f >> f).shared("name"), (3,)) == 2


def test_a_layer_with_several_inputs_joins_its_ports() -> None:
    ports = {"both": la.Subtract()}
    net = la.Graph({"a": la.ReLU() >> la.ReLU(), "b": la.ReLU(), **ports}, [("a", "both"), ("b", "both")])
    assert longest(net, (3,), both=(1, 5)) == 6 and longest(net, (3,), both=(4, 5)) == 6
    assert longest(net, (3,), both=(5, 5)) == 7 and longest(net, (3,), both=(4, 1)) == 6
    assert evaluate_network(la.Subtract(), Longest({"": (2, 7)}), [(3,), (3,)]).value == 7
    assert evaluate_network(la.Subtract() >> la.ReLU(), Longest({"0": (2, 7)}), [(3,), (3,)]).value == 8
    for refused in (net, la.Subtract() >> la.ReLU()):
        with pytest.raises(la.UnsupportedError, match="several inputs"):
            evaluate_network(refused, Unfused({}), (3,) if refused is net else [(3,), (3,)])
    total = sites(net, (3,))
    assert {site.path for site, _ in total.value} == {"a.0", "a.1", "b", "both"} and total.value[-1][0].path == "both"
    assert len(total.terms) == 4
    assert la.flops(net, on=(n,)) == 4 * n


@given(size=st.integers(1, 7), data=st.data())
def test_paths_through_random_graphs(size: int, data: st.DataObject) -> None:
    """Against the recursion over predecessors, and over node counts."""
    nodes: dict[str, la.Network] = {}
    sources: dict[str, list[str]] = {}
    for place in range(size):
        before = data.draw(st.lists(st.sampled_from(sorted(nodes)), unique=True, max_size=3)) if nodes else []
        if place == size - 1:
            left = set(nodes) - {name for names in sources.values() for name in names}
            before = sorted({*before, *left})
        name = f"n{place}"
        choices = {
            0: [la.ReLU(), la.Parameter((2, 2))],
            1: [la.ReLU(), la.Abs() >> la.ReLU()],
            2: [la.Add(), la.Subtract()],
        }
        nodes[name] = data.draw(st.sampled_from(choices.get(len(before), [la.Add(), la.Concat(axis=0)])))
        if isinstance(nodes[name], la.Concat) and place < size - 1:
            nodes[name] = la.Mul()
        sources[name] = before
    cost = {name: data.draw(st.integers(1, 4)) for name, node in nodes.items() if isinstance(node, la.ReLU)}
    ports = {
        name: (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
        for name, node in nodes.items()
        if isinstance(node, la.Subtract)
    }
    net = la.Graph(nodes, [(a, b) for b, before in sources.items() for a in before])

    def until(name: str) -> int:
        node, before = nodes[name], [until(source) for source in sources[name]] or [0]
        if isinstance(node, la.Parameter):
            return 0
        if isinstance(node, la.Subtract):
            return max(one + own for one, own in zip(before, ports[name]))
        if isinstance(node, la.Series):
            return before[0] + 2
        return before[0] + cost[name] if name in cost else max(before)

    costs = {**{name: (value,) for name, value in cost.items()}, **ports}
    assert longest(net, (2, 2), **costs) == until(f"n{size - 1}")
    assert len(sites(net, (2, 2)).terms) == size + sum(isinstance(node, la.Series) for node in nodes.values())


def test_inputs_inside_a_graph() -> None:
    """What begins with its own input, or has none, takes nothing from outside."""
    net = la.Graph(
        {
            "image": la.Input(3, 8) >> la.Conv(2, 3),
            "text": la.Input(5) >> la.Linear(2),
            "wide": la.Reshape((2, 1)),
            "sum": la.Add(),
        },
        [("text", "wide"), ("image", "sum"), ("wide", "sum")],
    )
    assert la.output_shape(net) == Tuple(2, 6)
    assert sorted(la.derive(la.macs, net).inputs, key=len) == [(5,), (3, 8)]
    biased = la.Graph({"f": la.ReLU(), "b": la.Parameter((4,)), "sum": la.Add()}, [("f", "sum"), ("b", "sum")])
    assert la.parameters(biased, on=(4,)) == 4 and la.output_shape(biased, on=(4,)) == Tuple(4)
    tied = la.Graph({"a": la.ReLU(), "b": la.Abs(), "d": la.Subtract().shared("s")}, [("a", "d"), ("b", "d")])
    assert la.flops(tied, on=(n,)) == 3 * n
    with pytest.raises(la.GraphError, match="nothing arrives at the join 'all'"):
        la.macs(la.Graph({"all": la.Add()}))
    with pytest.raises(la.GraphError, match="which takes 2; join"):
        la.macs(
            la.Graph({"a": la.ReLU(), "b": la.ReLU(), "e": la.ReLU(), "d": la.Subtract()}, [(x, "d") for x in "abe"]),
            on=(3,),
        )
    with pytest.raises(la.GraphError, match="which takes 1; join"):
        la.macs(
            la.Graph({"a": la.ReLU(), "b": la.ReLU(), "d": la.ReLU() >> la.ReLU()}, [("a", "d"), ("b", "d")]), on=(3,)
        )
    for branches in ((la.ReLU() + la.Abs()).shared("s"), la.Graph({"only": la.ReLU()}).shared("s")):
        with pytest.raises(la.GraphError, match="which takes 1; join"):
            la.macs(la.Graph({"a": la.ReLU(), "b": la.ReLU(), "d": branches}, [("a", "d"), ("b", "d")]), on=(3,))
    single = la.Graph({"a": la.Linear(1), "d": la.Add()}, [("a", "d")])
    assert la.output_shape(single, on=(3,)) == Tuple(1) and la.flops(single, on=(3,)) == la.flops(la.Linear(1), on=(3,))
    alone = la.Graph({"a": la.Conv(2, 3), "d": la.Concat()}, [("a", "d")])
    assert la.output_shape(alone, on=(3, H)) == Tuple(2, H - 2)
    with pytest.raises(la.GraphError, match="without branches"):
        la.macs(la.ReLU() >> la.Add(), on=(3,))


# repetition ----------------------------------------------------------------------------------------------------------

REPEATED = {
    "a first copy that differs": (lambda times: la.Linear(n) ** times, (c,)),
    "upsampling": (lambda times: la.Upsample(3) ** times, (c, H)),
    "affine growth": (lambda times: la.ConvTranspose(c, 4, stride=2, bias=False) ** times, (c, H)),
    "shrinking": (lambda times: la.Conv(c, 3) ** times, (c, H)),
    "shrinking by a size": (lambda times: la.Conv(c, k) ** times, (c, H)),
    "halving": (lambda times: la.Conv(c, 3, stride=2, padding=1) ** times, (c, H)),
    "halving with a margin": (lambda times: la.Conv(c, 3, stride=2) ** times, (c, H)),
    "thirds, two layers a copy": (lambda times: (la.Conv(c, 3, stride=3, padding=1) >> la.Conv(c, 1)) ** times, (c, H)),
    "a stride with a name": (lambda times: la.MaxPool(s) ** times, (c, H)),
    "two axes": (lambda times: la.Conv(c, (3, 1), stride=(2, 1)) ** times, (c, H, W)),
    "the second axis": (lambda times: la.Conv(c, (1, 3), stride=(1, 2)) ** times, (c, H, W)),
    "dense": (lambda times: (la.Identity() | la.Conv(g, 3, padding=1)) ** times, (c, H)),
    "widths of the copy": (lambda times: la.Repeat(la.Linear(3 * l + 2), times, l), (c,)),
    "widths of the copy, the first as the rest": (lambda times: la.Repeat(la.Linear(l + 1), times, l), (1,)),
    "geometric widths": (lambda times: la.Repeat(la.Linear(n * 3**l), times, l), (c,)),
    "kernels of the copy": (lambda times: la.Repeat(la.Conv(c, 2 * l + 1, padding=l), times, l), (c, H)),
    "nested": (lambda times: ((la.Linear(n) >> la.ReLU()) ** k) ** times, (n,)),
    "nested and growing": (lambda times: ((la.Identity() | la.Conv(g, 1)) ** 2) ** times, (c, H)),
    "shrinking inside of shrinking": (lambda times: (la.Conv(c, 3) ** k) ** times, (c, H)),
    "as many copies inside as the copy has a number": (lambda times: la.Repeat(la.Conv(c, 1) ** (l + 1), times, l), (c, H)),
    "growing inside of growing": (lambda times: ((la.Identity() | la.Conv(g, 1)) ** k) ** times, (c, H)),
}  # fmt: skip
VALUES = {"c": 2, "H": 30, "W": 9, "g": 3, "k": 3, "s": 2, "n": 5}


@pytest.mark.parametrize("metric", ["output_shape", "parameters", "macs", "activations"])
@pytest.mark.parametrize("what", sorted(REPEATED))
def test_a_repetition_is_what_its_copies_are_written_out(what: str, metric: str) -> None:
    """With its domain: the symbolic one holds where the copies can be written out, and fails where they cannot."""
    build, on = REPEATED[what]
    derived = la.derive(metric, build(L), on=on)
    fits = 0
    for times in range(1, 6):
        sizes = {symbol: VALUES[str(symbol)] for symbol in (c, H, W, g, k, s, n)}
        copies = build(Integer(times))
        parts = [copies.copy(number) for number in range(times)] if isinstance(copies, la.Repeat) else [copies]
        written = la.Series(*(part.subs(sizes) for part in parts))
        try:
            wanted = getattr(la, metric)(written, on=[sizes.get(size, size) for size in on])
        except la.ShapeError:
            with pytest.raises(la.DomainError):
                derived.domain.check({**sizes, L: times})
            continue
        fits += 1
        found = derived({symbol: {**sizes, L: times}[symbol] for symbol in derived.symbols})
        assert found == (tuple(wanted) if metric == "output_shape" else wanted), times
    assert fits >= 2


def test_what_does_not_close_is_refused() -> None:
    quadratic = la.Repeat(la.Identity() | la.Linear(l + 1), L, l)
    with pytest.raises(la.UnsupportedError, match="no closed form"):
        la.parameters(quadratic, on=(c,))
    with pytest.raises(la.ShapeError, match="number of axes from 2 to 1"):
        la.macs((la.Flatten() >> la.ReLU()) ** L, on=(c, H))
    with pytest.raises(la.ShapeError, match="one input, got 2"):
        la.macs(la.ReLU() ** L, on=[(c,), (c,)])
    with pytest.raises(la.ShapeError, match="one input, got 0"):
        la.macs(la.Parameter((3,)) ** 2)


def test_a_first_copy_apart_asks_for_a_copy() -> None:
    times = Symbol("t", integer=True, nonnegative=True)
    apart = la.derive(la.parameters, la.Linear(n) ** times, on=(c,))
    assert apart.domain.relations == [Ge(times, 1)]
    assert [term.path for term in apart.terms] == ["0", "[l]"] and apart.terms[1].loops == (Loop(l, times - 1),)
    assert apart(t=1, n=3, c=2) == 9 and apart(t=3, n=3, c=2) == 33
    with pytest.raises(la.DomainError, match="at least one copy"):
        apart(t=0, n=3, c=2)
    assert len(la.derive(la.parameters, la.Linear(n) ** times, on=(n,)).domain) == 0


@given(shift=st.integers(-4, 4), under=st.integers(1, 4), more=st.integers(-3, 3))
def test_floor_affine_maps_are_recognised(shift: int, under: int, more: int) -> None:
    image = floor((H + shift) / Integer(under)) + more
    found = floor_affine(image, H)
    if not image.has(floor):
        assert found is None
        return
    assert found is not None
    a, divisor = found
    assert all((size + a) // divisor == (size + shift) // under + more for size in range(1, 30))
    for other in (
        2 * image,
        image + H,
        floor(2 * H / 3),
        floor(H / 2) + floor(H / 3),
        floor(H / 2) * H,
        floor(s / 2),
        c,
        floor(k / H),
    ):
        assert floor_affine(other, H) is None


# domains -------------------------------------------------------------------------------------------------------------


def test_a_condition_stands_once_with_its_first_place() -> None:
    domain = la.derive(la.macs, la.Conv(c, 1) >> (la.Conv(c, 3) | (la.ReLU() >> la.Conv(g, 3))), on=(c, H)).domain
    assert [(item.path, item.condition.relation) for item in domain] == [("1.0", Ge(H - 3, 0))]
    looped = la.derive(la.macs, (la.Conv(c, 3) >> la.Conv(c, 3)) ** L, on=(c, H)).domain
    assert len(looped) == 4 and all(item.loops == (Loop(l, L),) for item in looped)


def test_conditions_inside_a_repetition_are_checked_for_every_copy() -> None:
    derived = la.derive(la.macs, la.Conv(c, 3) ** L, on=(c, H))
    symbols = {symbol.name: symbol for symbol in derived.symbols}
    assert set(symbols) == {"H", "L", "c"}
    for size in range(1, 12):
        for times in range(1, 6):
            assert derived.domain.holds({symbols["H"]: size, symbols["L"]: times}) == (size > 2 * times)
    assert derived.domain.holds({symbols["H"]: 1})  # not decided without the number of copies
    assert "for 0 <= l < L" in str(derived.domain)
    with pytest.raises(la.DomainError, match=r"at \[l\]: .*l=3"):
        derived.domain.check({symbols["H"]: 6, symbols["L"]: 9})
    with pytest.raises(la.BudgetError, match="10001 copies"):
        derived.domain.check({symbols["H"]: 10**6, symbols["L"]: 10_001})
    derived.domain.check({symbols["H"]: 10**6, symbols["L"]: 10_000})


def test_domains_are_collections() -> None:
    first, second = (
        la.Domain([DomainCondition(Condition(Ge(symbol, 2), "two"), "0")], symbol.name) for symbol in (m, n)
    )
    both = first + second
    assert len(first) == 1 and len(both) == 2 and len(both + first) == 2 and list(both)[:1] == list(first)
    assert both.relations == [Ge(m, 2), Ge(n, 2)]
    assert both.holds({m: 2, n: 2}) and not both.holds({m: 2, n: 1}) and both.holds({m: 2})
    assert str(both) == "m >= 2: at 0: two\nn >= 2: at 0: two" and str(la.Domain([])) == "all positive integers"
    placed = la.Domain([DomainCondition(Condition(Ge(m, 2), "two"), "")], "here")
    assert str(placed) == str(la.Domain([]) + placed) == "m >= 2: at here: two"
    with pytest.raises(la.DomainError, match="at here: two: m >= 2 fails for m=1$"):
        placed.check({m: 1, n: 1})


# metrics and derivations ---------------------------------------------------------------------------------------------


def test_a_derivation_is_evaluated_at_sizes() -> None:
    derived = la.derive(la.macs, la.Conv(m, k) >> la.GlobalAvgPool(), on=(c, H))
    assert [symbol.name for symbol in derived.symbols] == ["H", "c", "k", "m"]
    assert derived({H: 7, "c": 2, k: 3}, m=4) == derived(H=7, c=2, k=3, m=4) == 5 * 3 * 2 * 4
    assert derived({Symbol("H"): 7}, c=2, k=3, m=4) == 120  # by name
    for wrong, words in (
        ({"H": 7, "c": 2, "k": 3}, "needs m; pass m="),
        ({"H": 7, "c": 2, "k": 3, "m": 4, "q": 1}, "no symbol q; it has"),
        ({"H": 7, "c": 2, "k": 3, "m": True}, "must be an integer, got True"),
        ({"H": 7, "c": 2, "k": 3, "m": "4"}, "must be an integer, got '4'"),
        ({"H": 7, "c": 2, "k": 3, "m": 0}, "must be positive, got 0"),
    ):
        with pytest.raises(la.FieldError, match=words):
            derived(wrong)
    with pytest.raises(la.DomainError, match="H >= k fails"):
        derived(H=2, c=2, k=3, m=4)
    times = Symbol("t", integer=True, nonnegative=True)
    counted = la.derive(la.flops, la.ReLU() ** times, on=(n,))
    assert counted(t=0, n=1) == 0 and counted(t=2, n=1) == 2
    with pytest.raises(la.FieldError, match="must be nonnegative, got -1"):
        counted(t=-1, n=1)


def test_sizes_that_a_formula_does_not_need_are_checked_against_its_domain_only() -> None:
    derived = la.derive(la.parameters, la.Conv(m, 3, bias=False) >> la.ReLU(), on=(c, H))
    assert derived.formula == 3 * c * m and [symbol.name for symbol in derived.symbols] == ["H", "c", "m"]
    assert derived(c=2, m=4) == 24
    with pytest.raises(la.DomainError):
        derived(c=2, m=4, H=2)
    unneeded = la.derive(la.output_shape, la.Linear(m) >> la.Linear(n), on=(c,))
    assert unneeded(n=3, m=9) == (3,) == unneeded(n=3)
    pyramid = la.derive(la.parameters, la.Repeat(la.Conv(c, 3), L, l), on=(c, H))
    assert "l" not in {symbol.name for symbol in pyramid.symbols}


def test_a_derivation_says_how() -> None:
    derived = la.derive(la.macs, la.Linear(m) >> (la.ReLU() >> la.Linear(m)) ** L, on=(c,))
    words = [step.text for step in derived.steps]
    assert (
        words[0] == "0: Linear(m) takes (c,) to (m,)"
        and words[2] == "1[l].1: Linear(m) takes (m,) to (m,), for each l below L"
    )
    assert words[3:] == ["composed", "in normal form"] and [step.expression for step in derived.steps][:3] == [
        c * m,
        0,
        m**2,
    ]
    assert (
        derived.steps[-2].expression == derived.composed
        and derived.steps[-1].expression == derived.formula == c * m + L * m**2
    )
    assert la.derive(la.macs, la.Conv(m, 1), on=(c, H)).steps[0].text == "the layer: Conv(m, 1) takes (c, H) to (m, H)"
    assert (
        la.derive(la.macs, la.Subtract(), on=[(c,), (c,)]).steps[0].text
        == "the layer: Subtract() takes (c,), (c,) to (c,)"
    )
    long = la.Concat(*[la.ReLU()] * 60)
    join = next(term for term in la.derive(la.flops, long, on=(c,)).terms if isinstance(term.node, la.Concat))
    assert join.sentence().startswith("the layer: Concat takes (c,), (c,), ")
    assert str(derived).startswith("macs = m*(L*m + c)  [exact; ")
    assert derived.table().splitlines()[0].split() == ["node", "layer", "copies", "output", "shape", "MACs"]


def test_derivations_stand_side_by_side() -> None:
    net = la.Linear(n) >> la.ReLU()
    macs, parameters, flops = (la.derive(metric, net, on=(c,)) for metric in ("macs", "parameters", "flops"))
    both = macs + parameters
    assert len(both) == 2 and list(both) == [macs, parameters] and both["parameters"] is parameters
    assert (
        list(both + flops)
        == list(macs + (parameters + flops))
        == list(sum([macs, parameters, flops]))
        == [macs, parameters, flops]
    )
    assert list(both + both) == [macs, parameters, macs, parameters]
    assert both(n=2, c=3) == both({n: 2}, c=3) == both({n: 2, "c": 3}) == {"macs": 6, "parameters": 8}
    shape = la.derive(la.output_shape, net, on=(c,))
    assert (shape + macs)(n=2, c=3) == {"output_shape": (2,), "macs": 6}
    assert (macs + la.derive(la.flops, la.ReLU(), on=(m,)))(n=2, c=3, m=7) == {"macs": 6, "flops": 7}
    with pytest.raises(la.FieldError, match="no symbol q; there are c, n"):
        both(n=2, c=3, q=1)
    with pytest.raises(la.FieldError, match="no flops here; there are macs, parameters"):
        both["flops"]
    for nonsense in (3, "macs", None):
        with pytest.raises(TypeError):
            macs + nonsense
        with pytest.raises(TypeError):
            both + nonsense
        with pytest.raises(TypeError):
            nonsense + macs
    assert both.table().splitlines()[-1].split() == ["total", "c*n", "c*n", "+", "n"]
    assert both.latex() == macs.latex() + "\n\n" + parameters.latex()


def test_metrics_are_registered_by_name() -> None:
    assert {metric.name: metric for metric in la.metrics()} == la.METRICS and la.METRICS["macs"] is la.macs
    assert pickle.loads(pickle.dumps(la.macs)) is la.macs
    assert la.macs.__name__ == "macs" and la.derive("macs", la.Linear(n), on=(c,)).metric is la.macs
    with pytest.raises(la.FieldError, match="a metric called macs already"):
        la.Metric("macs", "again", "", lambda: Sites(), "reconstruction")
    assert la.METRICS["macs"] is la.macs and la.macs.title != "again"
    with pytest.raises(la.FieldError, match="derive takes a metric"):
        la.derive(3, la.Linear(n), on=(c,))
    with pytest.raises(la.FieldError, match="no option 'exact'; it has effective"):
        la.macs(la.Linear(n), on=(c,), exact=True)
    with pytest.raises(la.FieldError, match="no option 'effective'; it has none"):
        la.derive(la.parameters, la.Linear(n), on=(c,), effective=True)
    assert dict(la.derive(la.macs, la.Linear(n), on=(c,), effective=True).options) == {"effective": True}
    assert dict(la.derive(la.macs, la.Linear(n), on=(c,)).options) == {"effective": False}
    padded = la.Conv(1, 3, padding=1, bias=False)
    assert (
        la.derive(la.macs, padded, on=(1, 5), effective=True).formula
        == la.macs(padded, on=(1, 5), effective=True)
        == 13
    )
    assert la.macs(padded, on=(1, 5)) == 15
