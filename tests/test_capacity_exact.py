"""Rank and leverage of linear networks against fractions, with covariances; closed forms at numbers against the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra import AvgPool, Conv, Flatten, Identity, Linear
from oracles.exact_capacity import Linear as Exact
from oracles.exact_capacity import exact_leverage, exact_rank

pytest.importorskip("scipy")


def tridiagonal(size):
    return np.diag([2] * size) + np.diag([1] * (size - 1), 1) + np.diag([1] * (size - 1), -1)


def random_part(kind, channels, draw):
    """One part of a network of so many channels."""
    same = Conv(channels, 3, padding=1, bias=False)
    return {
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


def random_network(draw):
    """A series of convolutions, pools and branches of one axis, sometimes with a dense layer at the end."""
    channels, length = int(draw.integers(1, 3)), int(draw.integers(3, 7))
    shape, parts = (channels, length), []
    for _ in range(draw.integers(1, 4)):
        kind = draw.choice(
            ["conv", "same", "strided", "dilated", "pool", "wide pool", "residual", "sum", "concat", "1x1"]
        )
        part = random_part(kind, shape[0], draw)
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


# Closed forms ---------------------------------------------------------------------------------------------------------

L, N, K = la.dims("L N k")
NONZERO = np.array([*range(-99, 0), *range(1, 100)])


def random_stack(draw):
    """A series of layers of one channel on one axis with symbols, and sizes for them."""
    parts = []
    for _ in range(draw.integers(1, 4)):
        kernel = [2, 3, K][draw.integers(0, 3)]
        kind = draw.choice(["valid", "same", "strided", "repeated", "repeated same", "pool", "causal"])
        parts.append(
            {
                "valid": lambda k: Conv(1, k, bias=False),
                "same": lambda k: Conv(1, 3, padding=1, bias=False),
                "strided": lambda k: Conv(1, k, stride=2, padding=1, bias=False),
                "repeated": lambda k: Conv(1, k, bias=False) ** L,
                "repeated same": lambda k: Conv(1, 3, padding=1, bias=False) ** L,
                "pool": lambda k: AvgPool(2),
                "causal": lambda k: Conv(1, k, padding="causal", bias=False),
            }[str(kind)](kernel)
        )
    if draw.random() < 0.3:
        parts += [Flatten(), Linear(1, bias=False)]
    return la.Series(*parts), {L: int(draw.integers(1, 4)), N: int(draw.integers(3, 12)), K: int(draw.integers(1, 4))}


@given(st.integers(0, 10**9))
def test_closed_forms_hold_on_their_domain(seed):
    draw = np.random.default_rng(seed)
    net, sizes = random_stack(draw)
    try:
        formula = la.capacity_allocation(net, on=(1, N), method="closed_form")
    except la.UnsupportedError:
        return
    values = {symbol: sizes[symbol] for symbol in formula.derivation.known.values()}
    try:
        total = formula(values)
    except la.DomainError:
        return
    numbers, shape = net.subs(sizes), (1, sizes[N])
    weights = {name: draw.choice(NONZERO, np.shape(array)) for name, array in la.weights(numbers, on=shape).items()}
    assert total == exact_rank(Exact(numbers, shape, weights).jacobian())


def test_the_window_of_a_symbolic_repetition_lies_inside():
    same = Conv(1, 3, padding=1, bias=False)
    found = la.capacity_allocation(same**L, on=(1, N))
    assert (found.total - 2 * L - 1).expand() == 0 == (found.formula - found.derivation.formula).expand()
    assert found(L=3, N=7) == found({L: 3, N: 8}) == 7
    for sizes in ({"L": 3, "N": 3}, {"L": 3, "N": 6}, {"L": 1, "N": 2}):
        with pytest.raises(la.DomainError, match="inside the input"):
            found(**sizes)
    assert la.capacity_allocation(same**3, on=(1, 3)).total == 3
    with pytest.raises(la.FieldError, match="needs"):
        found(N=9)
    with pytest.raises(la.UnsupportedError, match="inside the input"):
        la.capacity_allocation(same**3, on=(1, 3), method="closed_form")
    # Another output has a window of its own.
    with pytest.raises(la.UnsupportedError, match="inside the input"):
        la.capacity_allocation(same**L, on=(1, N), output=0)
    assert la.capacity_allocation(same**L, on=(1, N), output=(0, 4))(L=4, N=9) == 9
    # Margins of their own count as well.
    apart = la.capacity_allocation(la.Pad(1, 1) >> Conv(1, 3, bias=False), on=(1, N))
    assert apart.domain.holds({N: 3}) and not apart.domain.holds({N: 2})


def test_a_layer_is_held_to_the_rank_that_is_enumerated(monkeypatch):
    """The check of a layer tells a wrong rank."""
    from types import SimpleNamespace

    from layeralgebra.proofs.checks import layer as module

    report = la.check(Conv(1, 2), laws=["capacity*"])
    assert report.ok and report["capacity_eq_enumeration"].cases >= 5
    right = module.capacity_allocation

    def wrong(*given, **options):
        return SimpleNamespace(total=right(*given, **options).total + 1)

    monkeypatch.setattr(module, "capacity_allocation", wrong)
    assert not la.check(Conv(1, 2), laws=["capacity*"]).ok
