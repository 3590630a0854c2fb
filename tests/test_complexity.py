"""Layer complexity of networks: golden numbers, laws, and exact counts of regions by linear programming.

The name of a test says whether it checks an equality (exact) or an inequality (bound).
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb, floor, log2, prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Integer, Min

import layeralgebra as la
from layeralgebra.algebra.errors import BudgetError, DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.enclosed_values import enclose
from layeralgebra.algebra.formulas.zaslavsky import Log2Zaslavsky
from layeralgebra.algebra.regions.composition import Acyclic
from layeralgebra.algebra.regions.histogram import disjoint, unit
from oracles.region_count import NotGeneric, Unit, concatenating, count_regions, plain, residual

d, n, m, c, L, H = la.dims("d n m c L H")


def hidden(width) -> la.Network:
    return la.Linear(width) >> la.ReLU()


def perceptron(widths) -> la.Network:
    return la.Series(*(part for width in widths for part in (la.Linear(width), la.ReLU())))


def block(inputs: int, width: int) -> la.Network:
    return la.Identity() + (hidden(width) >> la.Linear(inputs))


def regions(net: la.Network, inputs, dimension: int | None = None) -> int:
    found = la.transfer(net, on=inputs if isinstance(inputs, tuple) else (inputs,))
    return found.histogram(int(found.inputs) if dimension is None else dimension).norm


def closed(net: la.Network, inputs, dimension: int | None = None) -> Fraction:
    on = inputs if isinstance(inputs, tuple) else (inputs,)
    return enclose(la.layer_complexity(net, on=on, d=dimension)).upper


# Golden numbers


@pytest.mark.parametrize(
    "inputs, widths, count", [(2, [3, 3], 40), (3, [2, 5], 29), (4, [8, 8, 8], 4330747), (2, [4, 4], 121)]
)
def test_golden_plain_exact(inputs: int, widths: list[int], count: int) -> None:
    assert regions(perceptron(widths), inputs) == count
    bits = la.layer_complexity(perceptron(widths), on=(inputs,), method="histogram")
    assert abs(float(bits) - log2(count)) < 1e-12
    assert la.linear_regions(perceptron(widths), on=(inputs,)) == count


def test_golden_wide_perceptron() -> None:
    net = la.Input(784) >> perceptron([128, 64])
    assert round(float(la.layer_complexity(net, d=2)), 4) == 24.0345
    assert la.layer_complexity(net) == 192
    assert la.layer_complexity(net, d=d) == Log2Zaslavsky(128, Min(d, 128)) + Log2Zaslavsky(64, Min(d, 64))
    assert float(la.layer_complexity(net, d=d).subs(d, 2)) == float(la.layer_complexity(net, d=2))
    assert la.layer_complexity(net, d=784).is_Integer


def test_golden_residual_blocks() -> None:
    net = block(3, 2) ** 2
    assert regions(net, 3) == 16
    assert la.layer_complexity(net, on=(3,), method="histogram") == 4 == la.layer_complexity(net, on=(3,))


def test_golden_skip() -> None:
    """Widths 3-2-5, the last layer fed with the input too: a running minimum of widths claims at most 64."""
    joined = (la.Identity() | hidden(2)) >> hidden(5)
    graph = la.Graph(
        {"x": la.Input(3), "h": hidden(2), "cat": la.Concat(), "y": hidden(5)},
        [("x", "h"), ("x", "cat"), ("h", "cat"), ("cat", "y")],
    )
    assert regions(joined, 3) == 104
    assert la.layer_complexity(joined, on=(3,)) == la.layer_complexity(graph) == 2 + Log2Zaslavsky(5, 3)
    assert la.transfer(graph).histogram(3).norm == 104


def test_golden_siblings_are_fused() -> None:
    assert regions(hidden(3) | hidden(3), 2) == 22 == regions(hidden(6), 2)
    assert regions((hidden(3) >> la.Linear(4)) + (hidden(3) >> la.Linear(4)), 2) == 22


@pytest.mark.parametrize("width, inputs", [(1, 1), (5, 2), (7, 3), (4, 9)])
def test_one_hidden_layer_is_zaslavsky_exact(width: int, inputs: int) -> None:
    assert regions(hidden(width) >> la.Linear(3), inputs) == sum(comb(width, k) for k in range(inputs + 1))


def test_convolution_takes_the_smaller_bound_exact() -> None:
    """(channels, size, kernel, data dimension): local and dense bound, either may be smaller."""
    for inputs, channels, size, kernel in [(1, 4, 3, 1), (1, 5, 4, 2), (2, 6, 5, 1), (3, 2, 4, 3)]:
        positions = size - kernel + 1
        net = la.Conv(channels, kernel) >> la.ReLU()
        for dimension in range(1, inputs * size + 1):
            local = sum(comb(channels, k) for k in range(min(channels, kernel * inputs) + 1)) ** positions
            seen = min(dimension, positions * min(channels, kernel * inputs))
            dense = sum(comb(channels * positions, k) for k in range(seen + 1))
            assert regions(net, (inputs, size), dimension) == min(local, dense)


def test_max_pool_exact_and_bound() -> None:
    assert regions(la.MaxPool(2), (1, 4), 3) == sum(comb(2, k) for k in range(4))
    assert regions(la.MaxPool(3, stride=1), (1, 4), 2) == sum(
        comb(2, k) * 2**k for k in range(3)
    )  # maxout units of rank 3


# Symbols


def test_symbolic_depth_and_dimension() -> None:
    net = hidden(n) ** L
    assert la.layer_complexity(net, on=(n,), d=d) == L * Log2Zaslavsky(n, Min(d, n))
    bits = la.layer_complexity(hidden(n) ** L, on=(3,))
    for depth in (1, 2, 5):
        numbers = la.layer_complexity(hidden(4) ** depth, on=(3,))
        assert abs(float(bits.subs({n: 4, L: depth})) - float(numbers)) < 1e-9


def test_symbolic_widths_that_change_from_copy_to_copy() -> None:
    index = la.dims("l")
    net = la.Repeat(la.Linear(n + index) >> la.ReLU(), L, index)
    bits = la.layer_complexity(net, on=(n,), d=2)
    numbers = la.layer_complexity(net.subs(L, 3), on=(n,), d=2)
    assert abs(float(bits.subs({L: 3}).doit().subs({n: 4})) - float(numbers.subs({n: 4}))) < 1e-9


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 40))
def test_symbols_agree_with_numbers_exact(channels: int, side: int, depth: int, dimension: int) -> None:
    """Formula first and numbers afterwards, or numbers from the start."""
    conv = la.Conv(c, 3, padding=1) >> la.BatchNorm() >> la.ReLU()
    net = la.Conv(c, 1) >> (la.Identity() + conv) ** L >> la.MaxPool(2) >> la.Flatten() >> la.Linear(7) >> la.ReLU()
    formula = la.layer_complexity(net, on=(3, 4 * H, 4 * H), d=d)
    values = {c: channels, H: side, L: depth}
    numbers = la.layer_complexity(net.subs(values), on=(3, 4 * side, 4 * side), d=dimension)
    found = formula.subs({**values, d: dimension})
    assert abs(float(found) - float(numbers)) <= 1e-9 * max(1.0, float(numbers))


def test_surrogates_are_said() -> None:
    net = la.Linear(8) >> la.GELU() >> la.Linear(3) >> la.Softmax()
    with pytest.raises(UnsupportedError, match="surrogate='relu'"):
        la.layer_complexity(net, on=(4,))
    found = la.derive("layer_complexity", net, on=(4,), surrogate="relu")
    assert found.kind == "surrogate" and found.formula == Log2Zaslavsky(8, 4) + 3
    assert la.layer_complexity(net, on=(4,), surrogate="affine") == 0
    assert la.derive("layer_complexity", perceptron([3]), on=(4,)).kind == "upper"


def test_what_is_refused() -> None:
    with pytest.raises(FieldError, match="closed_form, histogram"):
        la.layer_complexity(hidden(3), on=(2,), method="exact")
    with pytest.raises(UnsupportedError, match="substitute"):
        la.layer_complexity(hidden(n), on=(2,), method="histogram")
    with pytest.raises(BudgetError):
        la.layer_complexity(la.zoo.build("vgg16"), method="histogram")


# Random architectures: closed form >= histogram >= exact count


@st.composite
def networks(draw: st.DrawFn, inputs: int, depth: int = 2, most: int = 5) -> tuple[la.Network, int]:
    """A random network of perceptron layers, sums, concatenations and skips on a vector, and its output's size."""
    kind = draw(
        st.sampled_from(["hidden", "linear", "leaky", "clip"] + ["series", "add", "cat", "skip", "graph"] * depth)
    )
    width = draw(st.integers(1, most))
    if kind == "hidden":
        return hidden(width), width
    if kind == "linear":
        return la.Linear(width), width
    if kind == "leaky":
        return la.Linear(width) >> la.LeakyReLU(), width
    if kind == "clip":
        return la.Linear(width) >> la.Hardtanh(), width
    first, size = draw(networks(inputs, depth - 1, most))
    if kind == "series":
        then, last = draw(networks(size, depth - 1, most))
        return la.Series(first, then), last
    if kind == "skip":
        return la.Identity() + (first >> la.Linear(inputs)), inputs
    second, other = draw(networks(inputs, depth - 1, most))
    if kind == "cat":
        return la.Concat(first, second), size + other
    if kind == "add":
        return (first >> la.Linear(width)) + (second >> la.Linear(width)), width
    # A bridge, which is not series-parallel.
    nodes = {
        "a": first,
        "b": second,
        "ab": la.Concat(),
        "f": hidden(width),
        "af": la.Concat(),
        "g": hidden(width),
        "gb": la.Concat(),
        "out": hidden(2),
    }
    edges = [
        ("a", "ab"),
        ("b", "ab"),
        ("ab", "f"),
        ("a", "af"),
        ("f", "af"),
        ("af", "g"),
        ("g", "gb"),
        ("b", "gb"),
        ("f", "gb"),
        ("gb", "out"),
    ]
    return la.Graph(nodes, edges), 2


@given(st.data())
def test_closed_form_is_never_below_histogram_bound(data: st.DataObject) -> None:
    inputs = data.draw(st.integers(1, 4))
    net, _ = data.draw(networks(inputs))
    dimension = data.draw(st.integers(1, inputs))
    count = la.transfer(net, on=(inputs,)).histogram(dimension)
    assert count.norm >= 1
    assert closed(net, inputs, dimension) >= count.bits().lower


@given(st.data())
def test_more_data_dimensions_never_fewer_regions_bound(data: st.DataObject) -> None:
    inputs = data.draw(st.integers(2, 4))
    net, _ = data.draw(networks(inputs))
    counts = [regions(net, inputs, dimension) for dimension in range(1, inputs + 1)]
    assert counts == sorted(counts)


@given(
    st.integers(0, 10**6),
    st.integers(1, 3),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.sampled_from(["plain", "residual", "dense"]),
)
def test_exact_counts_are_never_above_histogram_bound(seed: int, inputs: int, widths: list[int], kind: str) -> None:
    """A network as the library sees it, and one of its weights, counted by linear programs."""
    generator = random.Random(seed)
    if kind == "plain":
        net, units = perceptron(widths), plain(generator, inputs, widths)
    elif kind == "residual":
        net, units = la.Series(*(block(inputs, width) for width in widths)), residual(generator, inputs, widths)
    else:
        net = la.Series(*(la.Identity() | hidden(width) for width in widths))
        units = concatenating(generator, inputs, widths)
    try:
        exact = count_regions(units, inputs)
    except NotGeneric:
        assume(False)
    count = regions(net, inputs)
    assert exact <= count <= 2 ** float(closed(net, inputs)) * (1 + 1e-9)


def convolution_units(
    generator: random.Random, size: int, channels: int, kernel: int, channels_in: int = 1
) -> list[Unit]:
    """A one-dimensional convolution and ReLUs, its weights shared over positions."""
    weights = [
        [generator.choice([-1, 1]) * generator.randint(1, 9) for _ in range(channels_in * kernel)]
        for _ in range(channels)
    ]
    units = []
    for place, row in ((place, row) for row in weights for place in range(size - kernel + 1)):
        reads = [0] * (channels_in * size)
        for channel in range(channels_in):
            for offset in range(kernel):
                reads[channel * size + place + offset] = row[channel * kernel + offset]
        units.append(Unit(tuple(reads), generator.randint(-9, 9)))
    return units


@given(st.integers(0, 10**6), st.sampled_from([(2, 3, 1, 1), (3, 1, 2, 1), (3, 2, 2, 1), (4, 1, 2, 1), (2, 2, 1, 2)]))
def test_exact_counts_of_convolutions_bound(seed: int, sizes: tuple[int, int, int, int]) -> None:
    size, channels, kernel, channels_in = sizes
    try:
        exact = count_regions(
            convolution_units(random.Random(seed), size, channels, kernel, channels_in), channels_in * size
        )
    except NotGeneric:
        assume(False)
    assert exact <= regions(la.Conv(channels, kernel) >> la.ReLU(), (channels_in, size))


def test_exact_count_of_skip_example() -> None:
    """Weights with 85 regions: more than the 64 of a running minimum of widths, fewer than the cut's 104."""
    generator = random.Random(5)
    units = plain(generator, 3, [2])
    units += concatenating(generator, 3, [2, 5])[2:]
    assert 64 < count_regions(units, 3) == 85 <= 104


@given(st.integers(1, 3), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_plain_histogram_is_serra_exact(inputs: int, widths: list[int]) -> None:
    """Serra's sum over vectors of inactive units, enumerated here, and the bounds around it."""

    def serra(place: int, room: int) -> int:
        if place == len(widths):
            return 1
        width = widths[place]
        return sum(comb(width, j) * serra(place + 1, min(room, width - j)) for j in range(min(room, width) + 1))

    count = regions(perceptron(widths), inputs)
    assert count == serra(0, inputs) == la.linear_regions(perceptron(widths), on=(inputs,), bound="serra_2018")
    upper = la.linear_regions(perceptron(widths), on=(inputs,), bound="montufar_2017")
    assert (
        count <= upper <= la.linear_regions(perceptron(widths), on=(inputs,), bound="all_patterns") == 2 ** sum(widths)
    )
    try:
        lower = la.linear_regions(perceptron(widths), on=(inputs,), bound="montufar_2014")
    except DomainError:
        assert any(width < inputs for width in widths)
    else:
        last = sum(comb(widths[-1], k) for k in range(inputs + 1))
        assert lower == prod(floor(width / inputs) ** inputs for width in widths[:-1]) * last <= count


# Laws


@given(st.data())
def test_series_is_associative_with_identity_exact(data: st.DataObject) -> None:
    inputs = data.draw(st.integers(1, 3))
    one, first = data.draw(networks(inputs, 1))
    two, second = data.draw(networks(first, 1))
    three, _ = data.draw(networks(second, 1))
    left, right = la.Series(la.Series(one, two), three), la.Series(one, la.Series(two, three))
    phi, psi, chi = (la.transfer(net, on=(size,)).phi for net, size in ((one, inputs), (two, first), (three, second)))
    v = unit(inputs)
    assert chi.act(psi.act(phi.act(v))).norm == regions(left, inputs) == regions(right, inputs)
    assert regions(la.Identity() >> left, inputs) == regions(left >> la.Identity(), inputs) == regions(left, inputs)


@given(st.data())
def test_disjoint_inputs_add_exact(data: st.DataObject) -> None:
    inputs = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    parts = [data.draw(networks(size, 1))[0] for size in inputs]
    histograms = [la.transfer(net, on=(size,)).histogram(size) for net, size in zip(parts, inputs)]
    assert disjoint(*histograms).norm == histograms[0].norm * histograms[1].norm


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_monotone_in_width_bound(inputs: int, widths: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(widths) - 1))
    wider = [width + (place == other) for other, width in enumerate(widths)]
    assert regions(perceptron(widths), inputs) <= regions(perceptron(wider), inputs)
    assert closed(perceptron(widths), inputs) <= closed(perceptron(wider), inputs) + Fraction(1, 10**9)
    assert regions(la.Series(*(block(inputs, w) for w in widths)), inputs) <= regions(
        la.Series(*(block(inputs, w) for w in wider)), inputs
    )


@given(st.data())
def test_relabelling_a_graph_changes_nothing_exact(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 6))
    names = [f"n{place}" for place in range(size)]
    layers = [data.draw(st.sampled_from([2, 3, 4])) for _ in names]
    edges = [(a, b) for b in range(1, size) for a in range(b) if data.draw(st.booleans()) or a == b - 1]

    def graph(order: list[str], shuffled: list[int]) -> la.Network:
        nodes, arrows = {}, []
        for place in shuffled:
            before = [a for a, b in edges if b == place]
            nodes[order[place]] = hidden(layers[place])
            if len(before) > 1:
                nodes[f"join {order[place]}"] = la.Concat()
                arrows += [(order[a], f"join {order[place]}") for a in before] + [
                    (f"join {order[place]}", order[place])
                ]
            else:
                arrows += [(order[a], order[place]) for a in before]
        return la.Graph(nodes, arrows)

    first = graph(names, list(range(size)))
    permuted = data.draw(st.permutations(names))
    second = graph(list(permuted), data.draw(st.permutations(range(size))))
    assert abs(float(la.layer_complexity(first, on=(2,))) - float(la.layer_complexity(second, on=(2,)))) < 1e-9
    assert regions(first, 2) == regions(second, 2)


def test_cut_of_a_graph_that_is_not_series_parallel() -> None:
    """Every layer's cut is found by brute force over all sets of nodes."""
    widths = {"x": 9, "a": 2, "b": 3, "e": 4, "f": 8, "g": 8, "j": 6}
    edges = [
        ("x", "a"),
        ("x", "b"),
        ("a", "e"),
        ("b", "e"),
        ("a", "f"),
        ("e", "f"),
        ("e", "g"),
        ("b", "g"),
        ("f", "j"),
        ("g", "j"),
    ]
    nodes: dict[str, la.Network] = {"x": la.Input(9)}
    arrows = []
    for name in list(widths)[1:]:
        before = [a for a, b in edges if b == name]
        nodes[name] = hidden(widths[name])
        if len(before) > 1:
            nodes[f"cat {name}"] = la.Concat()
            arrows += [(a, f"cat {name}") for a in before] + [(f"cat {name}", name)]
        else:
            arrows += [(before[0], name)]
    net = la.Graph(nodes, arrows)
    assert isinstance(la.transfer(net).phi, Acyclic)

    def cut_before(target: str) -> int:
        best = 10**9
        candidates = [name for name in widths if name != target]
        for chosen in range(1 << len(candidates)):
            removed = {name for place, name in enumerate(candidates) if chosen >> place & 1}
            reached, waiting = set(), [] if "x" in removed else ["x"]
            while waiting:
                at = waiting.pop()
                reached.add(at)
                waiting += [b for a, b in edges if a == at and b not in removed and b not in reached]
            if target not in reached:
                best = min(best, sum(widths[name] for name in removed))
        return best

    siblings = 2 + 3
    expected = sum(
        log2(sum(comb(widths[name], k) for k in range(min(widths[name], cut_before(name)) + 1)))
        for name in ("e", "f", "g", "j")
    )
    assert abs(float(la.layer_complexity(net)) - expected - siblings) < 1e-9


def test_plain_bounds_refuse_other_networks() -> None:
    with pytest.raises(UnsupportedError, match="histogram"):
        la.linear_regions(block(3, 2), on=(3,), bound="montufar_2017")
    with pytest.raises(UnsupportedError, match="fewer weights"):
        la.linear_regions(la.Linear(1) >> hidden(4), on=(2,), bound="montufar_2014")
    with pytest.raises(UnsupportedError, match="no ReLU"):
        la.linear_regions(la.Linear(4), on=(2,), bound="montufar_2017")
    with pytest.raises(FieldError, match="montufar_2014"):
        la.linear_regions(hidden(4), on=(2,), bound="pascanu")
    assert la.linear_regions(perceptron([3, 4]), on=(1,), bound="one_dimensional") == 20
    assert la.derive("linear_regions", perceptron([3, 4]), on=(1,), bound="one_dimensional").kind == "exact"
    assert la.derive("linear_regions", perceptron([3, 4]), on=(1,), bound="montufar_2014").kind == "lower"
    assert la.derive("linear_regions", perceptron([2, 4]), on=(1,), bound="one_dimensional").kind == "upper"


@pytest.mark.parametrize(
    "sizes",
    [(2, 1), (2, 3), (3, 1), (3, 2), (2, 2, 1), (2, 2, 2), (2, 2, 2, 1), (2, 1, 5)]
    + [pytest.param(sizes, marks=pytest.mark.slow) for sizes in ((3, 2, 1), (2, 3, 1))],
)
def test_threshold_networks_compute_no_more_functions_than_the_capacity_says(sizes: tuple[int, ...]) -> None:
    """All functions of zeros and ones, with weights up to 2: all thresholds of two and three of them. One unit in between has more."""
    from itertools import product

    def units(arriving: tuple[tuple[int, ...], ...]) -> set[tuple[int, ...]]:
        rows = product(range(-2, 3), repeat=len(arriving[0]))
        values = (tuple(sum(w * x for w, x in zip(row, point)) for point in arriving) for row in rows)
        return {tuple(int(2 * v > 2 * t + 1) for v in value) for value in values for t in range(-7, 7)}

    made = {tuple(product((0, 1), repeat=sizes[0]))}
    for width in sizes[1:]:
        made = {tuple(zip(*chosen)) for values in made for chosen in product(units(values), repeat=width)}
    net = la.Series(*(part for width in sizes[1:] for part in (la.Linear(width), la.Tanh())))
    if 1 in sizes[:-1]:
        with pytest.raises(DomainError):
            la.capacity_baldi_vershynin(net, on=sizes[:1])
        assert len(made) > 2 ** (4 * 1 + 1 * 5)
    else:
        assert len(made) <= 2 ** la.capacity_baldi_vershynin(net, on=sizes[:1])
    if sizes in ((2, 1), (3, 1)):
        assert len(made) == {2: 14, 3: 104}[sizes[0]]


def test_capacity_of_threshold_units() -> None:
    def dense(*widths: int) -> la.Network:
        return la.Series(
            *(part for width in widths[:-1] for part in (la.Linear(width), la.Tanh())), la.Linear(widths[-1])
        )

    assert la.capacity_baldi_vershynin(dense(128, 10), on=(784,)) == 78839808
    assert la.capacity_baldi_vershynin(dense(2, 10, 1), on=(10,)) == 260
    assert la.capacity_baldi_vershynin(dense(n, m), on=(d,)) == d**2 * n + Min(d, n) * n * m
    net = la.Linear(n) >> la.ReLU() >> (la.Linear(n) >> la.ReLU()) ** L >> la.Linear(1)
    formula = la.capacity_baldi_vershynin(net, on=(n,))
    assert formula.subs({n: 3, L: 4}) == la.capacity_baldi_vershynin(net.subs({n: 3, L: 4}), on=(3,)) == 27 * 5 + 9
    with pytest.raises(UnsupportedError):
        la.capacity_baldi_vershynin(la.Conv(4, 3), on=(3, 8))
    assert la.derive("capacity_baldi_vershynin", dense(128, 10), on=(784,)).kind == "asymptotic"
    assert la.derive("capacity_baldi_vershynin", dense(4, 2), on=(3,)).kind == "upper"  # 3 < 18 log2(3 * 4)
    assert la.derive("capacity_baldi_vershynin", la.Linear(99, bias=False), on=(200,)).kind == "upper"
    assert la.derive("capacity_baldi_vershynin", la.Linear(99), on=(200,)).kind == "asymptotic"
    stated = la.derive("capacity_baldi_vershynin", dense(n, m), on=(d,))
    assert stated.kind == "upper" and stated(n=2, m=1, d=3) == 9 * 2 + 4
    for sizes in ({"n": 1, "m": 5, "d": 2}, {"n": 2, "m": 5, "d": 1}):
        with pytest.raises(DomainError, match="two units"):
            stated(**sizes)
    with pytest.raises(DomainError, match="one unit"):
        la.capacity_baldi_vershynin(dense(1, 5), on=(2,))
    assert isinstance(la.capacity_baldi_vershynin(dense(4, 2), on=(3,)), Integer)
