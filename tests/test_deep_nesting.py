"""Depth: a billion copies at the cost of one, nesting as deep as it can be written, copies as they are written out.

The oracle for values is the network with its copies written out, which no code for repetitions walks.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.algebra.metrics import vc_dimension
from layeralgebra.algebra.networks import evaluator

COUNTS = ["output_shape", "macs", "parameters", "flops", "activations", "depth", "receptive_field", "vc_dimension"]
MANY = 10**9
DEEP = 200


def unrolled(body: la.Network, times: int) -> la.Network:
    return la.Series(*[body] * times) if times else la.Identity()


def nested(step: Callable[[la.Network], la.Network], levels: int = DEEP) -> la.Network:
    net: la.Network = la.Linear(4)
    for _ in range(levels):
        net = step(net)
    return net


STEPS: dict[str, Callable[[la.Network], la.Network]] = {
    "repetitions": lambda x: (x >> la.ReLU()) ** 2,
    "sums": lambda x: la.Identity() + (x >> la.ReLU()),
    "concatenations": lambda x: (x | la.Identity()) >> la.Linear(4),
    "products": lambda x: la.Identity() * (x >> la.ReLU()),
    "shared": lambda x: (x >> la.ReLU()).shared("w"),
    "graphs": lambda x: la.Graph({"f": x, "g": la.ReLU()}, [("f", "g")]),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_is_nested_deep_is_written_drawn_compared_and_kept(name: str) -> None:
    one, two = nested(STEPS[name]), nested(STEPS[name])
    assert one == two and hash(one) == hash(two)
    assert one != nested(STEPS[name], DEEP - 1)
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert one.free_symbols == set()
    wider = one.xreplace({la.Linear(4): la.Linear(5)})
    assert la.Linear(5) in wider.atoms(la.Linear) and la.Linear(4) not in wider.atoms(la.Linear)
    assert str(one).count("Linear(4)") == str(wider).count("Linear(5)") > 0
    assert la.latex(one)
    for draw in (la.to_dot, la.to_mermaid, la.to_tikz, la.to_graphml):
        assert draw(one)


@pytest.mark.parametrize("name", STEPS)
def test_what_is_nested_deep_is_counted(name: str) -> None:
    net = nested(STEPS[name])
    linears = str(net).count("Linear(4)") if name != "repetitions" else 2**DEEP
    assert la.output_shape(net, on=(4,)) == (4,)
    if name == "concatenations":
        assert la.parameters(net, on=(4,)) == 20 + DEEP * 36
    else:
        assert la.parameters(net, on=(4,)) == 20 * linears
    assert la.depth(net, on=(4,)) == linears


def test_symbols_are_found_and_replaced_however_deep() -> None:
    n, m = la.dims("n m")
    net: la.Network = la.Linear(n)
    for _ in range(DEEP):
        net = (net >> la.ReLU()) ** 2
    assert net.free_symbols == {n}
    assert net.subs(n, m).free_symbols == {m}
    assert net.subs(n, 4) == nested(STEPS["repetitions"])


@pytest.mark.parametrize("metric", list(la.metrics()), ids=lambda metric: metric.name)
@pytest.mark.parametrize("before", [None, la.Linear(4), la.ReLU()], ids=["first", "later", "after a ReLU"])
def test_copies_cost_what_one_costs(
    metric: la.Metric, before: la.Network | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk is bounded by a number of visits; a billion copies stay far below it, wherever they stand."""
    monkeypatch.setattr(evaluator, "MOST_VISITS", 100)

    def asked(times: int) -> type[Exception] | None:
        net = la.Linear(4) ** times
        try:
            la.derive(metric, net if before is None else before >> net, on=(4,))
        except (la.UnsupportedError, la.DomainError) as error:
            return type(error)
        return None

    assert asked(MANY) == asked(5)


def test_a_billion_copies_count_a_billion_times() -> None:
    net = (la.Linear(4) >> la.ReLU()) ** MANY
    for metric in ("macs", "parameters", "flops", "activations", "depth"):
        ask = getattr(la, metric)
        assert ask(net, on=(4,)) == MANY * ask(la.Linear(4) >> la.ReLU(), on=(4,))
    first = la.Linear(4) ** MANY
    assert la.parameters(first, on=(7,)) == 32 + (MANY - 1) * 20


@pytest.mark.parametrize("body", [la.ReLU(), la.Linear(4) >> la.ReLU(), la.Identity() + (la.Linear(4) >> la.ReLU())])
@pytest.mark.parametrize("bound", ["explicit", "lower"])
def test_levels_that_are_summed_up_bound_as_those_that_are_listed(
    body: la.Network, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = la.Linear(1000) >> body.xreplace({la.Linear(4): la.Linear(1000)}) ** 700
    listed = la.vc_dimension(net, on=(1000,), bound=bound)
    monkeypatch.setattr(vc_dimension, "MOST_LEVELS", 1)
    assert la.vc_dimension(net, on=(1000,), bound=bound) == listed


def test_units_before_the_first_weight_are_no_level_at_any_depth() -> None:
    """What they do is the same for all weights."""
    L = la.dims("L")
    net = la.ReLU() ** L >> la.Linear(3)
    assert la.vc_dimension(net, on=(4,)) == la.vc_dimension(la.Linear(3), on=(4,))
    assert la.vc_dimension(la.ReLU() ** L, on=(4,), bound="implicit") == 0


def test_levels_of_copies_inside_each_other_have_a_budget() -> None:
    with pytest.raises(la.BudgetError, match="write instead: one repetition"):
        la.vc_dimension(nested(lambda x: (x >> la.ReLU()) ** 2), on=(4,))


def test_shapes_that_come_back_are_folded() -> None:
    turn = la.Permute((1, 0)) >> la.Linear(3)
    for times in (9, 10, 31):
        assert la.macs(turn**times, on=(3, 3)) == la.macs(unrolled(turn, times), on=(3, 3))


@pytest.mark.parametrize("times", [2, "L"])
@pytest.mark.parametrize("metric", COUNTS[:-1])
def test_levels_of_copies_cost_what_a_level_costs(
    times: int | str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first copy is entered without a layout, the others with one; walked apart, they would cost a square."""
    monkeypatch.setattr(evaluator, "MOST_VISITS", 10 * DEEP)
    count = la.dims(times) if isinstance(times, str) else times
    assert getattr(la, metric)(nested(lambda x: (x >> la.ReLU()) ** count), on=(4,))


def test_levels_whose_first_copy_is_entered_by_another_size_have_short_sizes() -> None:
    """A size is followed through the levels by what is proved of it; a guess that a third copy contradicts would nest."""
    L = la.dims("L")

    def levels(times: Any, count: int) -> la.Network:
        return nested(lambda x: (x >> la.ReLU()) ** times, count)

    assert la.macs(levels(L, 60), on=(7,)) == 16 * L**60 + 12
    for times, count in product((1, 2, 3), (1, 2, 3)):
        written = nested(lambda x, times=times: unrolled(x >> la.ReLU(), times), count)  # type: ignore[misc]
        assert la.macs(levels(L, count), on=(7,)).subs(L, times) == la.macs(written, on=(7,))


class FirstPositions(la.Layer):
    n: la.Dim
    equation = """
        y[i, c] = x[i, c]
        where i < n
    """


STACKING = [
    (la.Identity() | la.Identity()) >> la.Linear(4) >> FirstPositions(6),
    (la.Identity() | la.Linear(4)) >> la.Linear(4) >> FirstPositions(6),
    ((la.Identity() + la.ReLU()) | la.ReLU()) >> la.ReLU() >> la.Linear(4) >> FirstPositions(6),
    (la.Identity() + la.Linear(4)) >> la.ReLU(),
]


@pytest.mark.parametrize("body", STACKING)
@pytest.mark.parametrize("metric", ["parameters", "macs", "activations"])
def test_copies_of_what_stacks_before_a_layer_has_said_along_which_axis(body: la.Network, metric: str) -> None:
    """Nothing says where the channels are before the first copy: it stacks along the first axis, the others along the last."""
    count, L = getattr(la, metric), la.dims("L")
    symbolic, twice = la.derive(metric, body**L, on=(6, 4)), la.derive(metric, (body**L) ** 2, on=(6, 4))
    for times in (1, 2, 3, 9, 70):
        written_out = count(unrolled(body, times), on=(6, 4))
        assert count(body**times, on=(6, 4)) == symbolic(L=times) == written_out
        assert twice(L=times) == count(unrolled(body, 2 * times), on=(6, 4))


@pytest.mark.parametrize("inner", [1, 2, "L"])
@pytest.mark.parametrize("start", [la.Identity(), la.Linear(4), la.Conv(6, 1)], ids=["none", "last", "first"])
def test_copies_inside_copies_are_entered_by_the_layout_that_arrives(inner: int | str, start: la.Network) -> None:
    """Each outer copy leaves its channels first, and the inner copies leave theirs last."""
    L, M = la.dims("L M")
    body = (la.Identity() | la.Linear(4)) >> la.Linear(4) >> FirstPositions(6)
    many = start >> (body ** (L if inner == "L" else inner) >> la.Conv(6, 1)) ** M
    formula = la.derive("parameters", many, on=(6, 4))
    for copies, times in product([1, 2, 3] if inner == "L" else [int(inner)], [1, 2, 3, 9]):
        written_out = la.Series(start, *[la.Series(*[body] * copies, la.Conv(6, 1))] * times)
        expected = la.parameters(written_out, on=(6, 4))
        assert formula(M=times, **({"L": copies} if inner == "L" else {})) == expected
        assert la.parameters(many.subs({L: copies, M: times}), on=(6, 4)) == expected


def test_more_parts_than_can_be_walked_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "MOST_VISITS", 1000)
    doubling: la.Network = la.Linear(4)
    for _ in range(30):
        doubling = (doubling + la.ReLU()) * doubling
    with pytest.raises(la.LayerAlgebraError, match="more than 1000 parts"):
        la.macs(doubling, on=(4,))


LEAVES = [la.Linear(4), la.ReLU(), la.LayerNorm(), la.Identity() + la.Linear(4)]


@st.composite
def repeated(draw: Any) -> tuple[la.Network, la.Network]:
    """A network with repetitions, and the same with all copies written out."""

    def made(levels: int) -> tuple[la.Network, la.Network]:
        kind = draw(st.sampled_from(["leaf", "series", "repeat", "repeat", "sum", "graph"] if levels else ["leaf"]))
        if kind == "leaf":
            leaf = draw(st.sampled_from(LEAVES))
            return leaf, leaf
        if kind == "repeat":
            (body, plain), times = made(levels - 1), draw(st.integers(0, 12))
            return body**times, unrolled(plain, times)
        (one, plain_one), (two, plain_two) = made(levels - 1), made(levels - 1)
        if kind == "series":
            return one >> two, plain_one >> plain_two
        if kind == "sum":
            return one + two, plain_one + plain_two
        arrows = [("a", "b"), ("a", "c"), ("b", "c")]
        return (
            la.Graph({"a": one, "b": two, "c": la.Add()}, arrows),
            la.Graph({"a": plain_one, "b": plain_two, "c": la.Add()}, arrows),
        )

    return made(3)


@given(repeated(), st.sampled_from([(4,), (6, 4)]))
def test_a_literal_repetition_is_its_copies_written_out(
    pair: tuple[la.Network, la.Network], shape: tuple[int, ...]
) -> None:
    short, long = pair
    for metric in COUNTS[:-1]:
        ask = getattr(la, metric)
        assert ask(short, on=shape) == ask(long, on=shape), metric


GROWING = {
    "by copies of elements": lambda k, s: la.Upsample(s),
    "by windows": lambda k, s: la.ConvTranspose(2, k, stride=s),
    "and shrink in between": lambda k, s: la.ConvTranspose(2, k, stride=s) >> la.Conv(2, k),
    "or shrink": lambda k, s: la.Conv(2, k, stride=s, padding=1),
    "or are pooled": lambda k, s: la.AvgPool(k, stride=s),
}


@pytest.mark.parametrize("how", GROWING)
def test_closed_forms_of_growing_shapes_hold_where_sizes_do_not_grow(how: str) -> None:
    """With s = 1 sizes change by a sum and not by powers; the form for powers divides by s - 1."""
    k, s, L, n = la.dims("k s L n")
    for metric in ("output_shape", "macs", "activations"):
        found = la.derive(metric, GROWING[how](k, s) ** L, on=(2, n))
        for kernel, stride, times, size in product((1, 3), (1, 2, 3), (1, 3), (4, 27)):
            sizes = {k: kernel, s: stride, L: times, n: size}
            try:
                value = getattr(la, metric)(unrolled(GROWING[how](kernel, stride), times), on=(2, size))
            except la.ShapeError:
                assert not found.domain.holds(sizes), (metric, sizes)
                continue
            assert found({symbol: sizes[symbol] for symbol in found.symbols}) == value, (metric, sizes)
