"""Communication, against pretend devices that hold parts of arrays and send each other pieces around a ring."""

import numpy as np
import pytest
from sympy import Eq, Mod, expand

import layeralgebra as la

T, d, h, p, b, L, n, m = la.dims("T d h p b L n m")


class Ring:
    """Devices in a ring; `sent` is what one of them has sent."""

    def __init__(self, devices):
        self.devices, self.sent = devices, 0

    def gather(self, parts, axis):
        """Every device passes on the pieces that it has, until all have all."""
        held = [{rank: part} for rank, part in enumerate(parts)]
        for step in range(self.devices - 1):
            passed = [(rank - step) % self.devices for rank in range(self.devices)]
            for rank in range(self.devices):
                held[(rank + 1) % self.devices][passed[rank]] = held[rank][passed[rank]]
            self.sent += held[0][passed[0]].size
        return [np.concatenate([one[rank] for rank in range(self.devices)], axis) for one in held]

    def reduce(self, parts):
        """All-reduce: pieces are added up on their way around, and gathered."""
        cut = [np.array_split(part.ravel(), self.devices) for part in parts]
        for step in range(self.devices - 1):
            passed = [(rank - step) % self.devices for rank in range(self.devices)]
            sums = [cut[rank][passed[rank]] for rank in range(self.devices)]
            for rank in range(self.devices):
                to = (rank + 1) % self.devices
                cut[to][passed[rank]] = cut[to][passed[rank]] + sums[rank]
            self.sent += sums[0].size
        owned = [cut[rank][(rank + 1) % self.devices] for rank in range(self.devices)]
        owned = [owned[(rank - 1) % self.devices] for rank in range(self.devices)]
        return [one.reshape(parts[0].shape) for one in self.gather(owned, 0)]


def drawn(layer, *on, seed=0):
    draw = np.random.default_rng(seed)
    shapes = layer.instance(*on).weights()
    return {name: draw.normal(size=tuple(int(size) for size in shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("devices", [2, 4])
def test_a_perceptron_by_columns_and_rows(devices):
    x = np.random.default_rng(1).normal(size=(4, 8))
    wide, narrow = la.Linear(16), la.Linear(8)
    one, two = drawn(wide, (4, 8)), drawn(narrow, (4, 16), seed=2)
    whole = la.run(narrow, np.maximum(la.run(wide, x, one), 0), two)
    ring = Ring(devices)
    columns, biases = np.split(one["W"], devices, 0), np.split(one["b"], devices)
    hidden = [np.maximum(x @ w.T + c, 0) for w, c in zip(columns, biases)]
    partial = [a @ w.T for a, w in zip(hidden, np.split(two["W"], devices, 1))]
    for out in ring.reduce(partial):
        np.testing.assert_allclose(out + two["b"], whole)
    net = wide >> la.ReLU() >> narrow
    assert la.communication(net, {"0": "o"}, devices, on=(4, 8)).formula == ring.sent


def test_attention_by_heads():
    layer, devices = la.MultiHeadAttention(4), 2
    x = np.random.default_rng(1).normal(size=(4, 8))
    w = drawn(layer, (4, 8))
    ring, partial = Ring(devices), []
    for mine in np.split(np.arange(4), devices):
        q = np.einsum("ngem,im->ngie", w["Q"][mine], x) + w["p"][mine][:, :, None]
        k = np.einsum("nem,im->nie", w["K"][mine], x) + w["r"][mine][:, None]
        v = np.einsum("nem,im->nie", w["V"][mine], x) + w["s"][mine][:, None]
        scores = np.exp(np.einsum("ngie,nje->ngij", q, k) / np.sqrt(2))
        o = np.einsum("ngij,nje->inge", scores / scores.sum(-1, keepdims=True), v).reshape(4, -1)
        columns = w["O"].reshape(8, 4, 2)[:, mine].reshape(8, -1)
        partial.append(o @ columns.T)
    for out in ring.reduce(partial):
        np.testing.assert_allclose(out + w["b"], la.run(layer, x, w))
    assert la.communication(layer, "n", devices, on=(4, 8)).formula == ring.sent


def test_a_norm_by_features_and_a_gathered_input():
    layer, devices = la.LayerNorm(), 2
    x = np.random.default_rng(1).normal(size=(4, 8))
    w, ring = drawn(layer, (4, 8)), Ring(devices)
    parts = np.split(x, devices, 1)
    means = ring.reduce([part.sum(1) / 8 for part in parts])
    variances = ring.reduce([((part - mean[:, None]) ** 2).sum(1) / 8 for part, mean in zip(parts, means)])
    scales, shifts = np.split(w["g"], devices), np.split(w["b"], devices)
    out = [
        g * (part - mean[:, None]) / np.sqrt(v[:, None] + 1e-5) + c
        for g, c, part, mean, v in zip(scales, shifts, parts, means, variances)
    ]
    np.testing.assert_allclose(np.concatenate(out, 1), la.run(layer, x, w), rtol=1e-6)
    assert la.communication(layer, "f", devices, on=(4, 8)).formula == ring.sent
    whole = ring.gather(out, 1)
    assert all(np.array_equal(one, np.concatenate(out, 1)) for one in whole)
    pooled = layer >> la.Formula("y[t, f] = x[t, 7 - f]\nwhere f < 8")  # read in an order of its own: needed as a whole
    assert la.communication(pooled, {"0": "f"}, devices, on=(4, 8)).formula == ring.sent


MLP = la.Linear(4 * d) >> la.GELU() >> la.Linear(d)
BLOCK = (la.Identity() + (la.LayerNorm() >> la.MultiHeadAttention(h))) >> (la.Identity() + (la.LayerNorm() >> MLP))


def test_megatron():
    """Shoeybi et al. 2019, figure 4: two all-reduces in the forward and two in the backward pass of a block, of b s h elements each;
    Narayanan et al. 2021, section 3.3.1: 8 b s h (p - 1)/p elements for a layer and device."""
    split = {"MultiHeadAttention": "n", "[l].1.1.1": "o"}
    found = la.communication(BLOCK**L, split, p, on=(T, d), batch=b, training=True)
    assert expand(found.formula - 8 * L * T * b * d * (p - 1) / p) == 0
    assert [one.operation for one in found.collectives] == ["all-reduce"] * 4
    assert sum(one.step == "forward" for one in found.collectives) == 2
    assert Eq(Mod(h, p), 0) in found.conditions and Eq(Mod(4 * d, p), 0) in found.conditions
    forward = la.communication(BLOCK**L, split, p, on=(T, d), batch=b)
    assert expand(2 * forward.formula - found.formula) == 0


def test_data_parallelism_reduces_every_gradient_once():
    found = la.communication(BLOCK**L, "batch", p, on=(T, d), training=True)
    assert expand(found.formula - 2 * la.parameters(BLOCK**L, on=(T, d)) * (p - 1) / p) == 0
    shared = (la.Identity() + MLP.shared("mlp")) ** L
    found = la.communication(shared, "batch", p, on=(T, d), training=True)
    assert expand(found.formula - 2 * la.parameters(shared, on=(T, d)) * (p - 1) / p) == 0
    assert la.communication(BLOCK, "batch", p, on=(T, d)).formula == 0


def test_positions_in_parts_gather_keys_and_values():
    net = la.LayerNorm() >> la.MultiHeadAttention(h, bias=False) >> la.LayerNorm()
    found = la.communication(net, {"0": "t"}, p, on=(T, d))
    assert [(one.operation, one.tensor, one.elements) for one in found.collectives] == [
        ("all-gather", "k", T * d), ("all-gather", "v", T * d)
    ]  # fmt: skip
    narrow = la.LayerNorm() >> la.MultiHeadAttention(4, key_value_heads=2, head_features=n, bias=False)
    assert expand(la.communication(narrow, {"0": "t"}, p, on=(T, d)).formula - 4 * T * n * (p - 1) / p) == 0


def test_softmax_and_joins():
    found = la.communication(la.Softmax(), "f", p, on=(T, d)).collectives  # the maximum and the sum
    assert [(one.operation, one.elements) for one in found] == [("all-reduce", T)] * 2
    kept = la.communication(la.Linear(d) + la.Linear(d), {"0": "o", "1": "o"}, p, on=(T, d))
    assert kept.formula == 0
    mixed = la.communication((la.Linear(d) + la.Identity()) >> la.Linear(d), {"0.0": "o"}, p, on=(T, d))
    assert [one.operation for one in mixed.collectives] == ["all-reduce"]


def test_refusals():
    with pytest.raises(la.FieldError, match="no index 'z'"):
        la.communication(la.Linear(4), "z", p, on=(T, d))
    with pytest.raises(la.FieldError, match="split is an index"):
        la.communication(la.Linear(4), 3, p, on=(T, d))
    with pytest.raises(la.ShapeError, match="equal parts"):
        la.communication(la.Linear(4), "o", 3, on=(T, d))
    with pytest.raises(la.UnsupportedError, match="recurrence"):
        la.communication(la.GRU(h), "o", p, on=(T, d))
    twice = la.Linear(d).shared("w") >> la.Linear(d).shared("w")
    with pytest.raises(la.UnsupportedError, match="shared"):
        la.communication(twice, {"0": "o"}, p, on=(T, d))
    with pytest.raises(la.UnsupportedError, match="two kinds"):
        la.communication(la.Formula("y[t, o] = W[o, f]*x[t, f] + W[f, o]*x[t, f]\nwhere o < 4"), "o", p, on=(T, 4))
    with pytest.raises(la.UnsupportedError, match="copies"):
        la.communication(la.Linear(d) ** L, {"Linear": "o"}, p, on=(T, d))
