"""Receptive fields of branches that advance at different steps: one interval that holds what every output sees, margins included."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.algebra.equations.reach.series import _composed

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
    net = la.MaxPool(7, 4, 2) + la.MaxPool(3, 5)
    found = la.derive(la.receptive_field, net, on=(1, 9))
    # Outputs 0 and 1 see -2 ... 4 and 2 ... 8 through the first, 0 ... 2 and 5 ... 7 through the second.
    assert (found.formula.size, found.formula.start, found.kind) == ((11,), (-2,), "upper")


def test_a_branch_of_one_position_is_seen_by_all_outputs():
    found = la.derive(la.receptive_field, la.Identity() * la.Conv(1, 3), on=(1, 3))
    assert (found.formula.size, found.formula.jump, found.formula.covers_input, found.kind) == (
        (3,),
        (0,),
        (True,),
        "exact",
    )
    joined = la.derive(la.receptive_field, la.MaxPool(2, 1) * la.MaxPool(2, 2), on=(1, 3))
    assert (joined.formula.size, joined.formula.jump, joined.kind) == ((3,), (0,), "upper")
    assert joined.formula.covers_input == (False,), "the first output reads two of three"


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
    outputs = max(made)
    (width,), (jump,), (start,) = field.formula.size, field.formula.jump, field.formula.start
    widest = 0
    for place in range(outputs):
        # A branch of one position is broadcast: all outputs see what it sees.
        starts = [
            (place if count > 1 else 0) * stride - padding for count, (_, stride, padding) in zip(made, (first, second))
        ]
        ends = [(at, at + kernel - 1) for at, (kernel, _, _) in zip(starts, (first, second))]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
        assert start + jump * place <= low and high <= start + jump * place + width - 1
        widest = max(widest, high - low + 1)
    if field.kind == "exact":
        assert width == widest
    for branch in branches:
        assert la.receptive_field(branch, on=(1, size)).size[0] <= width


def test_flattened_branches_side_by_side():
    """An output may belong to either branch; together its channels see no more than the axis holds."""
    both = la.Flatten() | la.Flatten()
    for net, on in (
        (both, (1, 2)),
        (la.PixelShuffle(1) >> both, (1, 2)),
        ((la.Conv(1, 3) >> la.Flatten()) | la.Flatten(), (3, 4)),
    ):
        found = la.receptive_field(net, on=on)
        assert found.size == (on[1],) and found.start == (0,) and found.kind == "upper"


PLACES = [  # text, shapes, and the kind: exact only where every position can be meant by some numbers of an input
    ("y[s[e], c] = x[e, c]\nwhere s < 3", ((6, 1), (6,)), ("x", "s"), "exact"),
    ("y[s[e], c] = x[e, c]\nwhere s < 3, 3 <= e < 5", ((6, 1), (6,)), ("x", "s"), "upper"),
    ("y[s[e], c] = x[2*e, c]\nwhere s < 3", ((6, 1), (3,)), ("x", "s"), "upper"),
    ("y[s[e], c] = x[e, c]\nwhere s < 3, e < 2 or e < 1", ((6, 1), (6,)), ("x", "s"), "upper"),
    ("y[i, c] = x[s[i], c]", ((6, 1), (4,)), ("x", "s"), "exact"),
    ("y[i, c] = x[s[i], c]\nwhere s < 3", ((6, 1), (4,)), ("x", "s"), "upper"),
    ("p = argmax[t](x[t, 0])\ny[i, c] = x[p, c]*B[i]\nwhere t < 3, i < 2", ((6, 1),), ("x",), "upper"),
    ("p[i] = argmax[u](x[i + u, 0])\nq[i] = i + p[i]\ny[i, c] = x[q[i], c]\nwhere u < 3", ((6, 1),), ("x",), "upper"),
    ("y[i, c] = sum[j](x[j, c])\nwhere i < 3, i <= j < 2*i + 1", ((6, 1),), ("x",), "upper"),
    ("y[i, c] = x[i, c]*[i < 2] + x[i + 1, c]*[i >= 2]\nwhere i < 5", ((6, 1),), ("x",), "upper"),
]  # fmt: skip


@pytest.mark.parametrize("text, shapes, inputs, kind", PLACES)
def test_what_data_chooses_is_exact_only_where_all_can_be_chosen(text, shapes, inputs, kind):
    layer = type("Chosen", (la.Layer,), {"equation": text, "inputs": inputs, "channel_axis": "last"})()
    found = la.receptive_field(layer, on=list(shapes) if len(shapes) > 1 else shapes[0])
    assert found.kind == kind, found
    assert kind == "exact" or found.covers_input != (True,)


def test_branches_stacked_on_stacked_branches_keep_the_channel_that_passes_all_of_them():
    """Through the first branch of each stack an output sees its own position, however stacks are put together."""
    stack = la.Identity() | la.Conv(1, 5, padding=2)
    for net in (stack, stack >> stack, (stack >> stack) | la.Conv(1, 5, padding=2)):
        assert la.receptive_field(net, on=(1, 3)).covers_input == (None,)
    assert la.receptive_field(la.Conv(1, 5, padding=2), on=(1, 3)).covers_input == (True,)


def composed(blocks: int) -> int:
    """How many reaches are put together for so many blocks that stack what they see on what enters."""
    net = la.Series(*((la.Identity() | la.Conv(1, 3, padding=1)) for _ in range(blocks)))
    before = _composed.cache_info().misses
    la.receptive_field(net, on=(1, 100 + blocks))
    return _composed.cache_info().misses - before


def test_every_block_of_many_that_stack_is_put_together_once():
    few, many = composed(10), composed(40)
    assert 0 < few and many <= 4 * few + 20
    assert composed(40) == 0
