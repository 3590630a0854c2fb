"""Checkpoints in every few blocks, against a count over all parts of what is kept while one goes back through them."""

from __future__ import annotations

import pytest
from sympy import prod, sqrt

import layeralgebra as la

BLOCKS = {
    "keeps what enters": la.Linear(5),
    "keeps what leaves": la.Linear(5) >> la.Sigmoid(),
    "keeps more": la.Identity() + (la.LayerNorm() >> la.Linear(20) >> la.GELU() >> la.Linear(5)),
    "keeps what leaves alone": la.LeakyReLU() + la.Identity() >> la.LayerNorm() >> la.Sigmoid(),
}


def counted(block, times, every, on):
    """Checkpoints that are still there, and what the part keeps that is carried out again, its own checkpoint once."""
    lengths = [every] * (times // every) + ([times % every] if times % every else [])
    entering, found = prod(on), []
    before = la.Linear(5)  # so that gradients are asked for of what enters
    for number, length in enumerate(lengths):
        beside = la.Linear(5) + _chain(block, length)  # what enters is kept in any case
        found.append(
            number * entering + la.saved_activations(before >> beside, on=on) - la.saved_activations(before, on=on)
        )
    return max(found)


def _chain(block, length):
    net = block
    for _ in range(length - 1):
        net = net >> block
    return net


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("times", [1, 6, 7])
def test_a_count_over_all_parts(name, times):
    block, on = BLOCKS[name], (2, 5)
    L = la.dims("L")
    found, symbolic = la.checkpointing(block, times, on=on), la.checkpointing(block, L, on=on)
    truth = {every: counted(block, times, every, on) for every in range(1, times + 1)}
    for every, value in truth.items():
        assert found.at(every) == value
        bound = symbolic.memory.subs({L: times, symbolic.every: every})
        assert bound == value if times % every == 0 else bound >= value
    assert truth[found.least()] == min(truth.values())


def test_the_published_square_root():
    """Chen et al. 2016 (arXiv 1604.06174), section 4.1: k = sqrt(n) parts of n layers of one size, O(2 sqrt(n))."""
    n, L = la.dims("n L")
    found = la.checkpointing(la.Linear(n), L, on=(n,))
    assert found.best == sqrt(L)
    for root in (1, 7, 30):
        assert found.memory.subs({L: root**2, found.every: root}) == 2 * root * n - n
    assert la.checkpointing(la.Linear(n), 144, on=(n,)).least() == 12


def test_what_is_asked_wrongly_is_refused():
    n, L = la.dims("n L")
    with pytest.raises(la.ShapeError, match="one shape"):
        la.checkpointing(la.Linear(2 * n), 4, on=(n,))
    with pytest.raises(la.UnsupportedError):
        la.checkpointing(la.Identity(), 4, on=(n,))
    found = la.checkpointing(la.Linear(n), L, on=(n,))
    for ask in (found.least, lambda: found.at(2), lambda: la.checkpointing(la.Linear(n), 4, on=(n,)).at(5)):
        with pytest.raises(la.DomainError):
            ask()
