"""Rank and leverage of linear networks against fractions, with covariances; closed forms at numbers against the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.exact_capacity import Linear as Exact
from oracles.exact_capacity import exact_leverage, exact_rank

import layeralgebra as la
from layeralgebra import AvgPool, Conv, Flatten, Identity, Linear

pytest.importorskip("scipy")


def tridiagonal(size):
    return np.diag([2] * size) + np.diag([1] * (size - 1), 1) + np.diag([1] * (size - 1), -1)


def random_network(draw):
    """A series of convolutions, pools and branches of one axis, sometimes with a dense layer at the end."""
    channels, length = int(draw.integers(1, 3)), int(draw.integers(3, 7))
    shape, parts = (channels, length), []
    for _ in range(draw.integers(1, 4)):
        kind = draw.choice(["conv", "same", "strided", "dilated", "pool", "wide pool", "residual", "sum", "concat", "1x1"])
        same = Conv(shape[0], 3, padding=1, bias=False)
        part = {
            "conv": lambda: Conv(int(draw.integers(1, 3)), 2, bias=False),
            "same": lambda: same,
            "strided": lambda: Conv(1, 2, stride=2, bias=False),
            "dilated": lambda: Conv(1, 2, dilation=2, bias=False),
            "pool": lambda: AvgPool(2),
            "wide pool": lambda: AvgPool(3, stride=1, padding=1),
            "residual": lambda: Identity() + same,
            "sum": lambda: Conv(1, 1, bias=False) + Conv(1, 3, padding=1, bias=False),
            "concat": lambda: la.Concat(Conv(1, 1, bias=False), Identity()),
            "1x1": lambda: Conv(2, 1, bias=False) >> Conv(1, 1, bias=False),
        }[str(kind)]()
        try:
            after = tuple(int(size) for size in la.output_shape(part, on=shape))
        except la.LayerAlgebraError:
            continue
        if min(after) < 1:
            continue
        parts.append(part)
        shape = after
    if draw.random() < 0.6 or not parts:
        parts += [Flatten(), Linear(int(draw.integers(1, 3)), bias=False)]
    return la.Series(*parts), (channels, length)


def random_weights(net, shape, draw):
    """Small integers, among them zeros; fractions; or floats: all of them exact."""
    kind = draw.choice(["integers", "halves", "floats"])
    made = {}
    for name, array in la.weights(net, on=shape).items():
        values = draw.integers(-3, 4, np.shape(array))
        if kind == "floats":
            made[name] = draw.standard_normal(np.shape(array))
        elif kind == "integers":
            made[name] = values
        else:
            made[name] = np.array([Fraction(int(v), 2) for v in values.ravel()], dtype=object).reshape(values.shape)
    return made


def random_covariance(size, draw):
    kind = draw.choice(["white", "tridiagonal", "integers", "singular", "ar1", "near"])
    if kind == "white":
        return None
    if kind == "tridiagonal":
        return tridiagonal(size)
    if kind == "ar1":
        return 0.5 ** np.abs(np.subtract.outer(range(size), range(size)))
    factor = draw.integers(-3, 4, (size, size if kind != "singular" else max(1, size // 2)))
    return factor @ factor.T + (0 if kind == "singular" else np.eye(size, dtype=int)) * (1 if kind != "near" else 1e-3)


@given(st.integers(0, 10**9))
def test_rank_and_leverage_against_fractions(seed):
    draw = np.random.default_rng(seed)
    net, shape = random_network(draw)
    weights = random_weights(net, shape, draw)
    size = int(np.prod(shape))
    covariance = random_covariance(size, draw)
    jacobian = Exact(net, shape, weights).jacobian()
    found = la.capacity_allocation(net, at=weights, on=shape, covariance=covariance)
    assert found.total == exact_rank(jacobian, covariance)
    assert found.certificate.certified and found.kind == "exact"
    assert found.spatial.ravel() == pytest.approx(exact_leverage(jacobian, covariance), abs=1e-6)
    cells = found.partition(draw.integers(0, 3, shape))
    assert sum(cells.values()) == pytest.approx(found.total, abs=1e-7)


def test_pooled_inputs_under_a_covariance():
    net = AvgPool(2) >> Conv(1, 3, padding=1, bias=False) >> Conv(1, 3, padding=1, bias=False) >> Flatten()
    net = net >> Linear(1, bias=False)
    for seed in range(10):
        found = la.capacity_allocation(net, on=(1, 4), at=seed, covariance=tridiagonal(4))
        assert (found.total, found.kind) == (2, "exact")


@given(st.integers(0, 10**9))
def test_covariances_of_wide_deficient_jacobians(seed):
    """More parameters than inputs, and fewer directions than inputs, under any covariance."""
    draw = np.random.default_rng(seed)
    size, rank, parameters = int(draw.integers(2, 8)), int(draw.integers(1, 3)), int(draw.integers(8, 14))
    jacobian = draw.integers(-5, 6, (size, rank)) @ draw.integers(-5, 6, (rank, parameters))
    factor = draw.standard_normal((size, size))
    covariance = factor @ factor.T + 0.01 * np.eye(size)
    found = la.capacity.allocate(jacobian, covariance)
    assert found.total == exact_rank(jacobian.astype(object)) and found.certificate.certified
    assert found.spatial == pytest.approx(exact_leverage(jacobian.astype(object), covariance), abs=1e-6)


def test_directions_that_floats_do_not_tell_apart():
    net = Conv(1, 2, bias=False) >> Conv(1, 2, bias=False)
    near = {"0.W": np.array([1.0, 1.0]), "1.W": np.array([1.0, 1.0 + 2**-52])}
    near = {name: value.reshape(1, 1, 1, 2) for name, value in near.items()}
    jacobian = Exact(net, (1, 3), near).jacobian()
    found = la.capacity_allocation(net, at=near, on=(1, 3))
    assert exact_rank(jacobian) == found.total == 3
    assert found.spatial.ravel() == pytest.approx([1, 1, 1], abs=1e-9)
    same = {**near, "1.W": near["0.W"]}
    found = la.capacity_allocation(net, at=same, on=(1, 3))
    assert found.total == 2 and found.spatial.ravel() == pytest.approx(
        exact_leverage(Exact(net, (1, 3), same).jacobian()), abs=1e-12
    )
