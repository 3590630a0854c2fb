"""Calculating with networks: equal ones found and run with mapped weights, published numbers, and pairs that differ."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from random_pairs import asked

import layeralgebra as la
from layeralgebra.proofs import Made, rewriting
from layeralgebra.proofs.rules.rule import drawn, other_side
from layeralgebra.proofs.rules.statement import parse_sides
from layeralgebra.proofs.samples.strategies import networks
from layeralgebra.proofs.samples.structural import try_law, try_mutant

pytest.importorskip("egglog")

CONV_NORM = la.Conv(8, 3, padding=1, bias=False) >> la.BatchNorm()


def agrees(net, found, on, mapped):
    weights = la.weights(net, on=on)
    x = numpy.random.default_rng(0).standard_normal(on)
    one, other = la.run(net, x, weights), la.run(found, x, mapped(weights))
    return one.shape == other.shape and numpy.allclose(
        one.astype(float), other.astype(float), rtol=1e-6, atol=1e-6, equal_nan=True
    )


def repvgg_block(channels, width, stride):
    large = la.Conv(width, 3, stride=stride, padding=1, bias=False) >> la.BatchNorm()
    small = la.Conv(width, 1, stride=stride, bias=False) >> la.BatchNorm()
    same = [la.BatchNorm()] if channels == width and stride == 1 else []
    return la.Add(large, small, *same) >> la.ReLU()


def repvgg(sizes, side, classes):
    """Ding et al., CVPR 2021, arXiv 2101.03697, table 2: widths and numbers of blocks, each stage with stride 2 at its first."""
    net, channels = la.Input(3, side, side), 3
    for width, blocks in sizes:
        for place in range(blocks):
            net, channels = net >> repvgg_block(channels, width, 1 if place else 2), width
    return net >> la.GlobalAvgPool() >> la.Linear(classes)


def test_repvgg_a0_is_deployed():
    net = repvgg([(48, 1), (48, 2), (96, 4), (192, 14), (1280, 1)], 32, 1000)
    assert la.parameters(net) == 9_108_968
    found = la.rewrite(net, least=("parameters", "macs"))
    assert la.parameters(found.network) == 8_309_384 and "BatchNorm" not in str(found.network)


def test_a_small_repvgg_computes_the_same_numbers():
    net = repvgg([(4, 1), (4, 2), (6, 2)], 16, 5)
    found = la.rewrite(net, least="parameters")
    assert str(found.network).count("Conv") == 5 and {"sum_of_convs"} <= {step.law for step in found.chain}
    assert agrees(net, found.network, (3, 16, 16), found.weights)
    assert r"\begin{aligned}" in found.chain.latex() and "sum_of_convs" in str(found)


@pytest.mark.parametrize(
    ("net", "on", "least", "expected"),
    [
        (CONV_NORM >> la.ReLU(), (4, 6, 6), "flops", la.Conv(8, 3, padding=1) >> la.ReLU()),
        (la.Linear(9) >> la.Linear(2), (5, 4), "macs", la.Linear(2)),
        (la.Linear(3) | la.Linear(4), (5, 4), ("parameters", "macs"), la.Linear(7)),
        (la.Conv(4, 1) >> la.AvgPool(2), (3, 4, 4), "macs", la.AvgPool(2) >> la.Conv(4, 1)),
        (la.Dropout(0.5) >> la.Linear(2) >> la.Dropout(0.5), (4,), "macs", la.Linear(2)),
        (la.Linear(1) >> la.Linear(8), (8,), "macs", la.Linear(1) >> la.Linear(8)),
    ],
)
def test_the_cheapest(net, on, least, expected):
    found = la.rewrite(net, on=on, least=least)
    assert found.network == expected and agrees(net, found.network, on, found.weights)


def test_what_is_shared_is_kept_once():
    normed = la.Conv(4, 3, padding=1, bias=False) >> la.BatchNorm()
    net = normed >> (la.Identity() + (la.Conv(4, 1) >> la.ReLU()))
    found = la.rewrite(net, on=(2, 5, 5), least="flops")
    assert str(found.network).count("Conv") == 2 and "BatchNorm" not in str(found.network)
    assert agrees(net, found.network, (2, 5, 5), found.weights)


def test_padding_stands_between_a_norm_and_a_convolution():
    net = la.BatchNorm() >> la.Conv(4, 3, padding=1)
    assert la.rewrite(net, on=(2, 5, 5), least="flops").network == net
    assert la.rewrite(la.BatchNorm() >> la.Conv(4, 3), on=(2, 5, 5), least="flops").network == la.Conv(4, 3)


def test_symbolic_sizes_are_compared_where_they_are_given():
    n, m, k = la.dims("n m k")
    net = la.Linear(k, bias=False) >> la.Linear(m, bias=False)
    narrow = la.rewrite(net, on=(n,), at={n: 64, m: 64, k: 2})
    wide = la.rewrite(net, on=(n,), at={n: 4, m: 4, k: 99})
    assert narrow.network == net and wide.network == la.Linear(m, bias=False)
    assert wide.before["macs"] == k * n + k * m and wide.after["macs"] == m * n
    with pytest.raises(la.FieldError, match="at="):
        la.rewrite(net, on=(n,), least=("macs", "parameters"))
    cases = la.rewrite(net, on=(n,)).pareto
    assert {case.network for case in cases} == {narrow.network, wide.network}
    for case in cases:
        for sizes in ({n: 64, m: 64, k: 2}, {n: 4, m: 4, k: 99}, {n: 7, m: 5, k: 3}):
            here = all(condition.subs(sizes) for condition in case.domain)
            assert here == (case.after["macs"].subs(sizes) == min(each.after["macs"].subs(sizes) for each in cases))


def test_a_comparison_that_is_decided_needs_no_sizes():
    c, h = la.dims("c h")
    found = la.rewrite(la.Conv(c, 3, padding=1) >> la.BatchNorm(), on=(4, h, h), least="flops")
    assert found.network == la.Conv(c, 3, padding=1) and not found.domain


def test_conditions_that_are_not_decided_are_part_of_the_domain():
    p, c = la.dims("p c")
    found = la.rewrite(la.BatchNorm() >> la.Conv(c, 3, padding=p - 1), on=(c, 8, 8), least="flops", at={p: 1, c: 4})
    assert not found.chain or found.domain


def test_metrics_that_do_not_add_are_refused():
    with pytest.raises(la.UnsupportedError, match="does not add"):
        la.rewrite(la.Linear(2), on=(3,), least="depth")
    with pytest.raises(la.FieldError, match="name of a metric"):
        la.rewrite(la.Linear(2), on=(3,), least="speed")


def test_a_front_of_several_metrics():
    found = la.rewrite(repvgg_block(4, 4, 1), on=(4, 6, 6), least=("macs", "parameters"))
    assert found.pareto and found.pareto[0].network == found.network


FIRST = la.Conv(8, 3, padding=1) >> la.ReLU()


@pytest.mark.parametrize(
    ("f", "g", "on", "meaning", "verdict"),
    [
        (CONV_NORM >> la.ReLU(), FIRST, (4, 6, 6), "class", "equal"),
        (FIRST, CONV_NORM >> la.ReLU(), (4, 6, 6), "function", "equal"),
        (la.Linear(9) >> la.Linear(2), la.Linear(5) >> la.Linear(2), (4,), "class", "equal"),
        (la.Linear(2), la.Linear(1) >> la.Linear(2), (4,), "function", "undecided"),
        (FIRST, la.Conv(8, 3, padding=1) >> la.Tanh(), (4, 6, 6), "function", "different"),
        (FIRST, la.Conv(8, 3, padding=1, bias=False) >> la.ReLU(), (4, 6, 6), "function", "undecided"),
        (FIRST, la.Conv(8, 3) >> la.ReLU(), (4, 6, 6), "class", "different"),
        (la.ReLU() >> la.ReLU(), la.ReLU(), (4,), "class", "equal"),
        (la.ReLU(), la.Tanh(), (4,), "class", "different"),
    ],
)
def test_equality(f, g, on, meaning, verdict):
    found = la.equal(f, g, on=on, meaning=meaning)
    assert found.verdict == verdict and found.meaning.startswith("the same")
    if verdict == "equal":
        assert agrees(f, g, on, found.weights)
        assert found.back is None or agrees(g, f, on, found.back)
    if verdict == "different" and found.witness.x is not None:
        mine, theirs = (la.run(net, found.witness.x, w) for net, w in zip((f, g), found.witness.weights))
        assert not numpy.allclose(mine.astype(float), theirs.astype(float))


def test_layers_that_share_weights_are_not_given_different_ones():
    twice = la.Dropout(0.5) + la.Dropout(0.5)  # both pass, so that one convolution is added to itself
    f, g = la.Conv(3, 1) >> la.ChannelScale() >> twice, la.Conv(3, 1) >> twice
    found = la.equal(f, g, on=(3, 2, 2))
    assert found.verdict == "undecided" or agrees(f, g, (3, 2, 2), found.weights)


def test_that_one_map_fails_says_nothing_where_a_tensor_has_no_namesake():
    scaled = la.MaxPool(2) >> la.ChannelScale()
    found = la.equal(scaled >> la.Abs(), scaled >> la.Abs() >> la.ChannelScale(), on=(3, 4, 4))
    assert found.verdict == "undecided"
    found = la.equal(scaled >> la.Abs() >> la.ChannelScale(), scaled >> la.Abs(), on=(3, 4, 4))
    assert found.verdict == "different" and "below 0" in found.witness.why


def test_a_verdict_is_no_truth_value():
    with pytest.raises(la.FieldError, match="one of three"):
        bool(la.equal(la.ReLU(), la.ReLU(), on=(2,)))


@settings(max_examples=15)
@given(networks((2, 5, 4), kinds=[la.Conv, la.BatchNorm, la.ReLU, la.MaxPool, la.ChannelScale], most=7))
def test_random_networks_compute_the_same_numbers(sample):
    net, on = sample
    try:
        found = la.rewrite(net, on=on, least=("flops", "parameters"))
    except la.UnsupportedError:
        return
    assert all(agrees(net, one.network, on, one.weights) for one in found.pareto)


def my_law():
    @rewriting(
        "after(first(x)) = first(x)",
        drawn(lambda n: ({"first": la.Softplus(), "after": la.Abs()}, {"x": (n.size,)}), size=(1, 4)),
        mutants={"second alone": other_side("after(x)"), "nothing": other_side("x")},
        register=False,
    )
    def absolute_value_after_softplus(first: la.Softplus, after: la.Abs):
        """What is positive passes."""
        return Made()

    return absolute_value_after_softplus


def test_a_law_of_ones_own_is_tried_and_used():
    law = my_law()
    assert try_law(law, 5).witness is None and try_mutant(law, "nothing").witness is not None
    net = la.Softplus() >> la.Abs()
    assert la.rewrite(net, on=(3,), least="flops").network == net
    assert la.rewrite(net, on=(3,), least="flops", laws=[law]).network == la.Softplus()


@pytest.mark.parametrize(
    "text", ["f(x)", "x = f(x)", "f(x) = g(y)", "f(x) - x = x", "f(x, k=1) = x", "(" * 300 + " = x", "f( = x"]
)
def test_statements_that_are_none(text):
    with pytest.raises(la.FieldError):
        parse_sides(text)


def test_a_wrong_fold_is_refuted():
    for name in ("batch_norm_before_conv", "sum_of_convs", "conv_after_conv"):
        law = la.proofs.named(name)
        assert all(try_mutant(law, mutant, 60).witness is not None for mutant in law.trial.mutants)


class Halves(la.Layer):
    """Two outputs, each a linear map."""

    width: la.Dim
    inputs, outputs = ("x",), ("value", "gate")
    equation = """
        value[o] = V[o, i] * x[i]
        gate[o] = G[o, i] * x[i]
        where o < width
    """


def test_one_of_several_outputs_is_not_taken_apart():
    net = Halves(5)["gate"] >> la.Linear(7) >> la.Linear(2)
    found = la.rewrite(net, on=(3,))
    assert found.network == Halves(5)["gate"] >> la.Linear(2) and agrees(net, found.network, (3,), found.weights)
    other = la.equal(net, la.Identity() >> net, on=(3,))
    assert other.verdict == "equal" and agrees(net, net, (3,), other.weights)


@pytest.mark.parametrize("net", [Halves(5), la.Linear(2) >> Halves(5), Halves(5).shared("a")["gate"]])
def test_several_outputs_are_refused(net):
    for ask in (la.rewrite, lambda net, on: la.equal(net, net, on=on)):
        with pytest.raises((la.UnsupportedError, la.GraphError), match="several outputs|one is rewritten"):
            ask(net, on=(3,))


@pytest.mark.parametrize("kind", ["equal", "different", "rewritten"])
def test_pairs_from_a_seed(kind):
    found = [asked(kind, seed) for seed in range(settings().max_examples // 2)]
    assert not [one for one in found if one[0].startswith("WRONG")]
    assert kind == "different" or any(verdict in ("equal", "shorter") for verdict, _ in found)
