"""Published bounds on regions: golden numbers, their order, symbols against numbers, and networks that attain them."""

from __future__ import annotations

import random
from math import comb, floor, prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Ge, Min, Sum, symbols

from layeralgebra.algebra.errors import DomainError, FieldError, UnsupportedError
from layeralgebra.algebra.formulas.zaslavsky import Zaslavsky
from layeralgebra.algebra.regions.published_bounds import (
    BOUNDS,
    PerceptronRegions,
    all_patterns,
    baldi_vershynin,
    hinz_van_de_geer_2019,
    montufar_2014,
    montufar_2017,
    one_dimensional,
    serra_2018,
)

n, m, k, L = symbols("n m k L", integer=True, positive=True)

widths_lists = st.lists(st.integers(1, 7), min_size=1, max_size=4)


def zaslavsky(hyperplanes: int, dimension: int) -> int:
    return sum(comb(hyperplanes, j) for j in range(dimension + 1))


def test_golden() -> None:
    assert [bound(2, [4, 4]) for bound in (montufar_2014, serra_2018, montufar_2017, all_patterns)] == [
        44,
        121,
        121,
        256,
    ]
    assert [serra_2018(*args) for args in ((2, [3, 3]), (3, [2, 5]), (4, [8, 8, 8]))] == [40, 29, 4330747]
    assert baldi_vershynin(784, [128, 10]) == 78839808
    assert baldi_vershynin(10, [2, 10, 1]) == 260
    assert one_dimensional(1, [3, 4]) == 20


def test_every_bound_says_what_it_is() -> None:
    for name, bound in BOUNDS.items():
        assert bound.name == name and bound.source
        assert bound.kind in ("exact", "upper", "lower")
    assert baldi_vershynin.kind == "asymptotic"


@given(st.integers(1, 5), widths_lists)
def test_exact_agreement_with_the_printed_formulas(inputs: int, widths: list[int]) -> None:
    before = [inputs, *widths[:-1]]
    assert montufar_2017(inputs, widths) == prod(
        zaslavsky(width, min(inputs, *before[: i + 1], inputs)) for i, width in enumerate(widths)
    )
    assert baldi_vershynin(inputs, widths) == sum(
        min([inputs, *widths][: i + 1]) * [inputs, *widths][i] * width for i, width in enumerate(widths)
    )
    if min(widths) >= inputs:
        assert montufar_2014(inputs, widths, "patterns") == prod(
            floor(w / inputs) ** inputs for w in widths[:-1]
        ) * zaslavsky(widths[-1], inputs)


@given(st.integers(1, 4), widths_lists)
def test_bound_order(inputs: int, widths: list[int]) -> None:
    """Lower under histogram under product under all patterns; Montufar 2014 speaks of the best network."""
    assert hinz_van_de_geer_2019(inputs, widths) == serra_2018(inputs, widths)
    assert serra_2018(inputs, widths) <= montufar_2017(inputs, widths) <= all_patterns(inputs, widths)
    if min(widths) >= inputs:
        assert montufar_2014(inputs, widths, "patterns") <= serra_2018(inputs, widths)
    if inputs == 1:
        assert serra_2018(1, widths) <= one_dimensional(1, widths)


def summed(nested: Sum) -> int:
    """A nested sum term by term, outermost index first; SymPy would look for closed forms of the inner ones."""

    def over(limits: tuple, chosen: dict) -> int:
        if not limits:
            return int(nested.function.subs(chosen))
        *inner, (index, low, high) = limits
        return sum(over(tuple(inner), {**chosen, index: j}) for j in range(int(low), int(high.subs(chosen)) + 1))

    return over(nested.limits, {})


@given(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_symbols_exact_against_numbers(inputs: int, widths: list[int]) -> None:
    names = symbols(f"w:{len(widths)}", integer=True, positive=True)
    sizes = {k: inputs, **dict(zip(names, widths))}
    for bound in (montufar_2017, all_patterns, baldi_vershynin, montufar_2014):
        if bound is not montufar_2014 or min(widths) >= inputs:
            assert bound(k, names).subs(sizes) == bound(inputs, widths, "patterns")
    count = serra_2018(k, names)
    assert isinstance(count, PerceptronRegions) and count.subs(sizes) == serra_2018(inputs, widths)
    nested = count.rewrite(Sum)
    assert isinstance(nested, Sum) and summed(nested.subs(sizes)) == serra_2018(inputs, widths)


@given(st.integers(1, 3), st.lists(st.integers(3, 6), min_size=1, max_size=3), st.integers(1, 4))
def test_repeated_exact_against_written_out(inputs: int, widths: list[int], times: int) -> None:
    for bound in (*BOUNDS.values(), baldi_vershynin):
        if bound is one_dimensional and inputs > 1:
            continue
        written = bound(inputs, widths * times)
        assert bound.repeated(inputs, widths, times) == written
        if bound not in (serra_2018, hinz_van_de_geer_2019):
            assert bound.repeated(inputs, widths, L).subs(L, times) == written


def test_repeated_symbolic() -> None:
    assert montufar_2017.repeated(1, [n], L) == (n + 1) ** L
    assert montufar_2017.repeated(n, [m], L) == Zaslavsky(m, n) * Zaslavsky(m, Min(m, n)) ** (L - 1)
    assert all_patterns.repeated(n, [m], L) == 2 ** (L * m)
    assert baldi_vershynin.repeated(n, [n], L) == L * n**3
    with pytest.raises(UnsupportedError, match="montufar_2017"):
        serra_2018.repeated(n, [m], L)


def test_conditions() -> None:
    assert montufar_2014.conditions(n, [m, k], "patterns") == (Ge(m, n), Ge(k, n))
    assert montufar_2014.conditions(n, [m, k]) == (Ge(m, n), Ge(k, n), Ge(k, n + 1))
    assert montufar_2014.conditions(2, [3, 2]) == montufar_2014.conditions(n, [m], "pieces")[1:] == ()
    assert one_dimensional.conditions(1, [m, k]) == (Ge(m, 3), Ge(k, 2))
    assert one_dimensional.conditions(1, [m, k], free=False) == () and one_dimensional.conditions(1, [m]) == ()
    with pytest.raises(DomainError, match="count='patterns'"):
        montufar_2014(1, [6, 1])
    with pytest.raises(DomainError):
        montufar_2014.kind_at(1, [6, 2], free=False)
    with pytest.raises(FieldError, match="'pieces' or 'patterns'"):
        one_dimensional.kind_at(1, [3], "cells")
    assert montufar_2014.conditions(2, [4, 4]) == ()
    with pytest.raises(DomainError, match="at least as wide as the input"):
        montufar_2014(3, [2, 5])
    with pytest.raises(DomainError, match="one input"):
        one_dimensional(2, [3])
    with pytest.raises(FieldError, match="one layer width or more"):
        montufar_2017(2, [])
    with pytest.raises(FieldError):
        montufar_2017(2, [0])


def folding_line(layers: int) -> list:
    """Three ReLUs whose sum g = -2 A - 3 B + 2 C folds the line: slopes 2, -1, 1, -1, each piece over (-10, -8).

    The next layer reads 4 g + 38, which stretches that range over (-2, 6) and so over all breakpoints 0, 2, 4.
    """
    from oracles.region_count import Unit

    units = []
    for place in range(layers):
        if place == 0:
            slope, shift = (1,), 0
        else:
            slope, shift = (*[0] * (1 + 3 * (place - 1)), -8, -12, 8), 38
        units += [
            Unit(tuple(-w for w in slope), 4 - shift),
            Unit(slope, shift),
            Unit(slope, shift - 2),
        ]
    return units


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_exact_one_input_is_attained_by_layers_of_three(layers: int) -> None:
    pytest.importorskip("scipy")
    from oracles.region_count import count_regions

    assert one_dimensional.kind_at(1, [3] * layers) == "exact"
    assert count_regions(folding_line(layers), 1) == one_dimensional(1, [3] * layers) == 4**layers


def test_one_input_narrow_layers_do_not_attain_the_product() -> None:
    """``prod (n_l + 1)`` needs three units before the last layer: one ReLU is flat on a side, two do not fold twice."""
    pytest.importorskip("scipy")
    from oracles.region_count import NotGeneric, count_regions, plain

    for widths in ([1, 1], [2, 1], [2, 2]):
        assert one_dimensional.kind_at(1, widths) == "upper"
        best = 0
        for seed in range(40):
            try:
                best = max(best, count_regions(plain(random.Random(seed), 1, widths), 1))
            except NotGeneric:
                continue
        assert 2 <= best < one_dimensional(1, widths)
    assert serra_2018(1, [1, 1]) == 3 < one_dimensional(1, [1, 1]) == 4
    assert one_dimensional.kind_at(1, [3, 1]) == one_dimensional.kind_at(1, [3, 2], free=False) == "upper"
    assert one_dimensional.kind_at(1, [3, 1], "patterns") == one_dimensional.kind_at(1, [n + 2, m]) == "exact"


@given(st.integers(0, 10**6))
def test_bound_exact_count_under_every_upper_bound(seed: int) -> None:
    pytest.importorskip("scipy")
    from oracles.region_count import NotGeneric, count_regions, plain

    generator = random.Random(seed)
    inputs = generator.randint(1, 2)
    widths = [generator.randint(1, 4) for _ in range(generator.randint(1, 2))]
    try:
        count = count_regions(plain(generator, inputs, widths), inputs)
    except NotGeneric:
        assume(False)
    for bound in BOUNDS.values():
        if bound.kind == "upper" or (bound is one_dimensional and inputs == 1):
            assert count <= bound(inputs, widths)
