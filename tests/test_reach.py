"""Receptive fields of branches that advance at different steps: one interval that holds what every output sees, margins included."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import layeralgebra as la

n, h = la.dims("n h")


@pytest.mark.parametrize("rank", [1, 2])
def test_branches_that_make_one_position_keep_their_margins(rank):
    on = (1,) + (1,) * rank
    pool = la.MaxPool(2, 2, 1)
    alone, joined = (la.derive(la.receptive_field, net, on=on) for net in (pool, pool + la.Identity()))
    assert joined.formula.size == alone.formula.size == (2,) * rank
    assert joined.formula.start == alone.formula.start == (-1,) * rank
    assert joined.formula.jump == (0,) * rank and joined.kind == "exact"


def test_wide_windows_are_not_cut_at_the_border():
    net = la.MaxPool(7, 4, 2) + la.MaxPool(3, 2, 1)
    found = la.derive(la.receptive_field, net, on=(1, 3))
    # Outputs 0 and 1 see -2 ... 4 and 2 ... 8 through the first, -1 ... 1 and 1 ... 3 through the second.
    assert (found.formula.size, found.formula.start, found.kind) == ((11,), (-2,), "upper")


def test_a_branch_that_holds_the_axis_holds_the_others():
    found = la.derive(la.receptive_field, la.Identity() + la.MultiHeadAttention(1), on=(n, 4))
    assert found.formula.size == (n,) and found.formula.covers_input == (True,) and found.kind == "exact"


windows = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2))


@given(windows, windows, st.integers(1, 9))
def test_the_union_holds_every_window_of_every_output(first, second, size):
    branches = [la.MaxPool(*first), la.MaxPool(*second)]
    try:
        made = [int(la.output_shape(branch, on=(1, size))[1]) for branch in branches]
        field = la.derive(la.receptive_field, branches[0] + branches[1], on=(1, size))
    except la.ShapeError:
        assume(False)
    assert made[0] == made[1]
    (width,), (jump,), (start,) = field.formula.size, field.formula.jump, field.formula.start
    widest = 0
    for place in range(made[0]):
        ends = [(stride * place - padding, stride * place - padding + kernel - 1) for kernel, stride, padding in (first, second)]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
        assert start + jump * place <= low and high <= start + jump * place + width - 1
        widest = max(widest, high - low + 1)
    if field.kind == "exact":
        assert width == widest
    for branch in branches:
        assert la.receptive_field(branch, on=(1, size)).size[0] <= width
