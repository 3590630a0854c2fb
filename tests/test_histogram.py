"""Dimension histograms: golden numbers, the table by definition, the laws, and exact counts for random networks.

Each test says in its name whether it checks an equality (exact), an inequality that is a theorem (bound), or a
convention.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from math import comb, prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Min, Sum, latex, log, oo, symbols

from layeralgebra.algebra.errors import BudgetError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.enclosed_values import enclose
from layeralgebra.algebra.formulas.zaslavsky import Log2Zaslavsky, Zaslavsky
from layeralgebra.algebra.regions.composition import IDENTITY, Branches, Chain, fuse, residual
from layeralgebra.algebra.regions.histogram import Histogram, convolve, disjoint, unit
from layeralgebra.algebra.regions.local_maps import (
    HARD_TANH,
    LEAKY,
    RELU,
    STEP,
    Affine,
    MaxPool,
    Pieces,
    Transfer,
    Units,
    local_relu,
    relu,
)

n, m, d = symbols("n m d", integer=True, positive=True)

histograms = st.lists(st.integers(0, 10**6), min_size=1, max_size=9).map(lambda counts: Histogram(tuple(counts)))


@st.composite
def transfers(draw: st.DrawFn, depth: int = 2, most: int = 5) -> Transfer:
    """A random architecture, series and branches included."""
    size = st.integers(1, most)
    kind = draw(
        st.sampled_from(
            ["relu", "leaky", "step", "tanh", "affine", "pool", "local"] + ["chain", "branches", "sum"] * depth
        )
    )
    if kind == "relu":
        return relu(draw(size))
    if kind == "leaky":
        return Units(((draw(size), oo, 1),), LEAKY)
    if kind == "step":
        return Units(((draw(size), oo, 1),), STEP)
    if kind == "tanh":
        return Units(((draw(size), oo, 1),), HARD_TANH)
    if kind == "affine":
        return Affine(draw(st.integers(0, most)))
    if kind == "pool":
        return MaxPool(draw(size), draw(st.integers(1, 3)))
    if kind == "local":
        return local_relu(draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    parts = tuple(draw(st.lists(transfers(depth - 1, most), min_size=1, max_size=3)))
    if kind == "chain":
        return Chain(parts)
    if draw(st.booleans()):
        parts = (IDENTITY, *parts)
    return Branches(parts, None if kind == "branches" else draw(size))


def plain(widths: list[int]) -> Chain:
    return Chain(tuple(map(relu, widths)))


def regions(transfer: Transfer, dimension: int) -> int:
    return transfer.act(unit(dimension)).norm


def closed_bits(transfer: Transfer, dimension: int) -> Fraction:
    return enclose(transfer.closed_form(d)[0].subs(d, dimension)).upper


# Golden numbers


@pytest.mark.parametrize(
    "inputs, widths, count", [(2, [3, 3], 40), (3, [2, 5], 29), (4, [8, 8, 8], 4330747), (2, [4, 4], 121)]
)
def test_golden_plain(inputs: int, widths: list[int], count: int) -> None:
    assert regions(plain(widths), inputs) == count


def test_golden_blocks_and_skip() -> None:
    assert regions(Chain((residual(relu(2)),) * 2), 3) == 16
    skip = Chain((Branches((IDENTITY, relu(2))), relu(5)))
    assert regions(skip, 3) == 104
    # A running minimum of widths would give Z(2, 3) Z(5, 2) = 64.
    assert skip.closed_form(d)[0].subs(d, 3) == 2 + Log2Zaslavsky(5, 3)
    assert 4 * Zaslavsky(5, 2) == 64


def test_golden_wide_perceptron() -> None:
    bits, after = plain([128, 64]).closed_form(d)
    assert after == Min(64, d)
    assert round(float(enclose(bits.subs(d, 2))), 4) == 24.0345
    assert bits.subs(d, 784) == 192
    assert regions(plain([128, 64]), 2) == 8257 * 2081
    assert 2**191 < regions(plain([128, 64]), 784) < 2**192


def test_golden_siblings() -> None:
    siblings = Branches((relu(3), relu(3)))
    assert regions(siblings, 2) == 49 and regions(fuse(siblings), 2) == 22
    assert fuse(siblings).closed_form(d)[0].subs(d, 2).rewrite(Zaslavsky) == log(22) / log(2)


@given(st.integers(1, 30), st.integers(0, 30))
def test_exact_one_hidden_layer_is_zaslavsky(units: int, dimension: int) -> None:
    assert regions(relu(units), dimension) == Zaslavsky(units, dimension)


# The table, entry by entry


def relu_by_definition(units: int, dimension: int) -> Histogram:
    m = min(dimension, units)
    counts = [0] * (m + 1)
    for active in range(units - m, units + 1):
        counts[min(active, m)] += comb(units, active)
    return Histogram(tuple(counts))


@given(st.integers(1, 12), histograms)
def test_exact_relu_table(units: int, v: Histogram) -> None:
    expected = Histogram(())
    for dimension, count in enumerate(v.counts):
        expected += relu_by_definition(units, dimension).times(count)
    assert relu(units).act(v) == expected


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 4))
def test_exact_serra_2018_by_enumeration(widths: list[int], inputs: int) -> None:
    total = 0
    for inactive in product(*(range(width + 1) for width in widths)):
        room = inputs
        for width, j in zip(widths, inactive):
            if j > min(room, width):
                break
            room = min(room, width - j)
        else:
            total += prod(comb(width, j) for width, j in zip(widths, inactive))
    assert regions(plain(widths), inputs) == total


def pieces_by_definition(units: int, pieces: Pieces, dimension: int) -> Histogram:
    """Greedy: patterns as wide as allowed first, until as many are placed as there are cells."""
    left = sum(comb(units, k) * pieces.breakpoints**k for k in range(min(units, dimension) + 1))
    counts = [0] * (dimension + 1)
    for active in range(units, -1, -1):
        here = min(left, comb(units, active) * pieces.sloped**active * pieces.constant ** (units - active))
        counts[min(active, dimension)] += here
        left -= here
    assert left == 0
    return Histogram(tuple(counts))


@given(st.integers(1, 7), st.integers(0, 4), st.integers(0, 3), st.integers(0, 9))
def test_exact_general_pieces(units: int, sloped: int, constant: int, dimension: int) -> None:
    assume(sloped + constant > 0)
    pieces = Pieces(sloped, constant)
    layer = Units(((units, oo, 1),), pieces)
    assert layer.act(unit(dimension)) == pieces_by_definition(units, pieces, dimension)
    assert layer.act(unit(units)).norm == (sloped + constant) ** units


@given(st.integers(1, 9), st.integers(0, 4))
def test_exact_families_of_parallel_lines_by_euler(units: int, breakpoints: int) -> None:
    """On a line n p points; in the plane 1 + lines + crossings, where lines of one family do not cross."""
    layer = Units(((units, oo, 1),), Pieces(breakpoints + 1, 0))
    assert regions(layer, 1) == 1 + units * breakpoints
    assert regions(layer, 2) == 1 + units * breakpoints + comb(units, 2) * breakpoints**2


def test_named_pieces() -> None:
    assert RELU == Pieces(1, 1) and LEAKY.breakpoints == 1 and HARD_TANH.breakpoints == 2 and STEP.breakpoints == 1
    assert Units(((4, oo, 1),), LEAKY).act(unit(2)).counts == (0, 0, 11)
    assert Units(((4, oo, 1),), STEP).act(unit(2)).counts == (11,)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 12))
def test_exact_convolution_rule(channels: int, fan_in: int, positions: int, dimension: int) -> None:
    local = sum(comb(channels, j) for j in range(min(channels, fan_in) + 1)) ** positions
    dense = sum(comb(channels * positions, j) for j in range(dimension + 1))
    image = local_relu(channels, fan_in, positions).act(unit(dimension))
    assert image.norm == min(local, dense)
    collapsed = unit(min(dimension, channels * positions)).times(min(local, dense))
    assert image.dominated_by(collapsed)  # the same number, with what is known of the dimensions kept


@given(st.integers(1, 6), st.integers(0, 8))
def test_exact_convolution_at_one_position_is_dense(channels: int, dimension: int) -> None:
    assert local_relu(channels, dimension, 1).act(unit(dimension)) == relu(channels).act(unit(dimension))


def test_rules_of_the_other_nodes() -> None:
    assert Affine(2).act(Histogram((1, 2, 3, 4))).counts == (1, 2, 7)
    assert MaxPool(4, 3).act(unit(5)).counts == (0, 0, 0, 0, 3**4)
    f, g = relu(2), relu(3)
    assert Branches((f, g)).act(unit(3)) == convolve(f.act(unit(3)), g.act(unit(3))).clip(3)
    assert Branches((f, g), 2).act(unit(3)) == convolve(f.act(unit(3)), g.act(unit(3))).clip(2)
    assert residual(f).act(Histogram((0, 5, 7))).counts == (0, 15, 28)


@given(histograms, histograms)
def test_exact_kronecker_substitution_is_the_product(f: Histogram, g: Histogram) -> None:
    expected = [0] * (len(f.counts) + len(g.counts))
    for i, a in enumerate(f.counts):
        for j, b in enumerate(g.counts):
            expected[i + j] += a * b
    assert convolve(f, g) == Histogram(tuple(expected))


@given(transfers(), histograms)
def test_exact_pull_is_the_transpose_of_act(phi: Transfer, v: Histogram) -> None:
    weights = [3 * j * j + 1 for j in range(phi.reach(v.top) + 1)]
    pulled = phi.pull(weights, v.top)
    assert sum(a * b for a, b in zip(v.counts, pulled)) == sum(a * b for a, b in zip(weights, phi.act(v).counts))
    assert phi.act(v).top <= phi.reach(v.top) and phi.norms(v.top)[v.top] == regions(phi, v.top)


# Laws


@given(transfers(), transfers(), transfers(), histograms)
def test_exact_series_associative_with_identity(f: Transfer, g: Transfer, h: Transfer, v: Histogram) -> None:
    assert Chain((Chain((f, g)), h)) == Chain((f, Chain((g, h)))) == Chain((f, g, h))
    assert h.act(Chain((f, g)).act(v)) == Chain((g, h)).act(f.act(v))
    assert Chain((f, IDENTITY)).act(v) == Chain((IDENTITY, f)).act(v) == f.act(v)


@given(transfers(), transfers(), st.integers(0, 4), st.integers(0, 4))
def test_exact_additive_on_disjoint_inputs(f: Transfer, g: Transfer, one: int, other: int) -> None:
    left, right = f.act(unit(one)), g.act(unit(other))
    assert disjoint(left, right).norm == left.norm * right.norm


@given(transfers(), histograms, histograms)
def test_exact_linear(phi: Transfer, v: Histogram, w: Histogram) -> None:
    assert phi.act(v + w.times(3)) == phi.act(v) + phi.act(w).times(3)


@given(st.lists(transfers(depth=1), min_size=2, max_size=4), st.integers(0, 4), st.randoms(use_true_random=False))
def test_exact_invariance_under_order_of_branches(
    parts: list[Transfer], dimension: int, shuffler: random.Random
) -> None:
    moved = list(parts)
    shuffler.shuffle(moved)
    assert Branches(tuple(parts)).act(unit(dimension)) == Branches(tuple(moved)).act(unit(dimension))


@given(transfers(), st.integers(0, 5))
def test_bound_monotone_in_dimension(phi: Transfer, dimension: int) -> None:
    assert phi.act(unit(dimension)).dominated_by(phi.act(unit(dimension + 1)))


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(1, 6), st.data())
def test_bound_monotone_in_width(widths: list[int], inputs: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(widths) - 1))
    wider = [width + (i == place) for i, width in enumerate(widths)]
    assert plain(widths).act(unit(inputs)).dominated_by(plain(wider).act(unit(inputs)))


@given(transfers(), st.integers(0, 5))
def test_bound_closed_form_over_histogram(phi: Transfer, dimension: int) -> None:
    count = regions(phi, dimension)
    assert Histogram((count,)).bits().lower <= closed_bits(phi, dimension) + Fraction(1, 10**12)
    after = phi.closed_form(d)[1]
    assert phi.act(unit(dimension)).top <= after.subs(d, dimension)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 6))
def test_bound_fused_siblings_under_product(one: int, other: int, dimension: int) -> None:
    siblings = Branches((relu(one), relu(other)))
    assert regions(fuse(siblings), dimension) == Zaslavsky(one + other, dimension) <= regions(siblings, dimension)


def test_fuse_keeps_tails_and_other_branches() -> None:
    tails = Branches(
        (Chain((Affine(2), relu(3), relu(2))), IDENTITY, Chain((relu(4), MaxPool(2, 2))), Units(((2, oo, 1),), LEAKY))
    )
    fused = fuse(tails)
    assert len(fused.branches) == 3 and IDENTITY in fused.branches
    first = fused.branches[0].parts[0]
    assert first.count == 7 and first.groups == ((3, 2, 1), (4, oo, 1))
    assert regions(fused, 3) <= regions(tails, 3)
    assert fuse(Chain((relu(2), Branches((relu(1), relu(1)))))).parts[1].branches[0].parts[0].count == 2


# Exact counts


def networks(kind: str, seed: int) -> tuple[list, int, Transfer]:
    from oracles import region_count

    generator = random.Random(seed)
    inputs = generator.randint(1, 3)
    widths = [generator.randint(1, 4) for _ in range(generator.randint(1, 3))]
    units = getattr(region_count, kind)(generator, inputs, widths)
    if kind == "plain":
        return units, inputs, plain(widths)
    if kind == "residual":
        return units, inputs, Chain(tuple(residual(relu(width)) for width in widths))
    return units, inputs, Chain(tuple(Branches((IDENTITY, relu(width))) for width in widths))


@pytest.mark.parametrize("kind", ["plain", "residual", "concatenating"])
@given(seed=st.integers(0, 10**6))
def test_bound_exact_count_under_histogram_under_closed_form(kind: str, seed: int) -> None:
    pytest.importorskip("scipy")
    from oracles.region_count import NotGeneric, count_regions

    units, inputs, phi = networks(kind, seed)
    try:
        count = count_regions(units, inputs)
    except NotGeneric:
        assume(False)
    bound = regions(phi, inputs)
    assert count <= bound
    assert Histogram((bound,)).bits().lower <= closed_bits(phi, inputs) + Fraction(1, 10**12)


def test_counter_finds_generic_arrangements() -> None:
    """The counter itself: one generic layer attains Zaslavsky's number, parallel pairs attain theirs."""
    pytest.importorskip("scipy")
    from oracles.region_count import Unit, count_regions, layer

    for seed, (inputs, width) in enumerate([(1, 5), (2, 5), (2, 7), (3, 6)]):
        units = layer(random.Random(seed), list(range(inputs)), width, largest=99)
        assert (
            count_regions(units, inputs)
            == sum(comb(width, j) for j in range(inputs + 1))
            == regions(relu(width), inputs)
        )
    # Two ReLUs on one affine function, shifted, have the three pieces of one hard tanh.
    pairs = [
        Unit(weights, bias)
        for weights, bias in [((3, 1), 2), ((3, 1), -4), ((-2, 5), 1), ((-2, 5), 9), ((1, 7), 0), ((1, 7), 5)]
    ]
    assert count_regions(pairs, 2) == 1 + 6 + 3 * 4 == regions(Units(((3, oo, 1),), HARD_TANH), 2)


def test_skip_example_reaches_72_regions_and_more() -> None:
    """3-2-5 with the last layer fed [x, h]: over the 64 of a running minimum of widths, under the 104 of the cut."""
    pytest.importorskip("scipy")
    from oracles.region_count import Unit, concatenating, count_regions

    skip = Chain((Branches((IDENTITY, relu(2))), relu(5)))
    assert count_regions(concatenating(random.Random(2), 3, [2, 5]), 3) == 72 <= regions(skip, 3)
    many = [
        Unit((8, -2, 6), -7), Unit((8, 2, 6), -5),
        Unit((3, -2, -1, -40, 6), 39), Unit((5, 4, -5, 31, 17), 15), Unit((2, 3, 8, 51, 43), -21),
        Unit((-7, -4, -7, 47, 8), -20), Unit((2, 8, 2, -6, -33), 34),
    ]  # fmt: skip
    assert 64 < count_regions(many, 3) == 90 <= regions(skip, 3) == 104


# Cost, formulas, errors


def test_deep_and_wide_within_seconds(time_limit) -> None:
    with time_limit(20):
        deep = plain([300] * 100)
        image = deep.act(unit(300))
    assert 29000 < float(image.bits()) < 30000 and deep.norms(300)[300] == image.norm
    with time_limit(20):
        assert float(Chain((residual(plain([500, 500])),) * 50).act(unit(500)).bits()) < 50000


@pytest.mark.slow
def test_one_hundred_layers_of_a_thousand(time_limit) -> None:
    with time_limit(60):
        image = plain([1000] * 100).act(unit(1000))
    assert round(float(image.bits()), 6) == 99903.641472


def test_data_dimension_decides_the_cost(time_limit) -> None:
    """Wide layers on data of few dimensions need few entries."""
    with time_limit(2):
        assert regions(plain([50000] * 10), 2) == Zaslavsky(50000, 2) ** 10


def test_formulas() -> None:
    image = relu(n).image(d)
    assert isinstance(image, Sum) and image.free_symbols >= {n, d}
    assert r"\binom" in latex(image) or r"\choose" in latex(image)
    for leaf in (Affine(m), MaxPool(n, m), local_relu(n, m, d), Units(((n, oo, 1),), HARD_TANH)):
        assert latex(leaf.image(d)) and leaf.image(d).has(d)
    assert local_relu(n, m, 7).closed_form(d)[0] == Min(Log2Zaslavsky(7 * n, d), 7 * Log2Zaslavsky(n, Min(d, m)))
    with pytest.raises(UnsupportedError, match="ask its parts"):
        Chain((relu(2), relu(3))).image(d)


def test_errors() -> None:
    with pytest.raises(UnsupportedError, match="closed form"):
        relu(n).act(unit(2))
    with pytest.raises(BudgetError, match="closed form"):
        local_relu(64, 27, 12544).act(unit(150528))
    with pytest.raises(BudgetError, match="closed form"):
        MaxPool(10**6, 4).norms(10**4)
    with pytest.raises(BudgetError, match="closed form"):
        Branches((relu(3000), relu(3000))).act(Histogram((1,) * 1500))
    for wrong in (
        lambda: Histogram((1, -1)),
        lambda: Pieces(0, 0),
        lambda: Pieces(-1, 3),
        lambda: Branches(()),
        lambda: relu(0),
        lambda: Affine(-1),
        lambda: MaxPool(2, 0),
    ):
        with pytest.raises(FieldError):
            wrong()
