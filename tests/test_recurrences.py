"""Recurrences: initial lines, indices that run down, several of them at once, and states that are read behind their recurrence.

Numbers, work and fields of equations drawn at random are compared with enumeration and with a change of every number of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import PROFILE
from language_agreement import as_layer, disagreement
from random_equations import Draw
from random_recurrences import drawn_recurrence
from recurrence_agreement import compared, field_disagreement

import layeralgebra as la
from layeralgebra.algebra.equations.receptive_field import layer_reach

DRAWS = 10_000 if PROFILE == "full" else 90
BATCH = DRAWS // 40 if PROFILE == "full" else 45


def layer(text: str, **fields: Any) -> Any:
    kinds = {"equation": text, "channel_axis": "last", "__annotations__": dict.fromkeys(fields, "Dim")}
    return type("Custom", (la.Layer,), kinds)(**fields)


@pytest.mark.parametrize("first", range(0, DRAWS, BATCH))
def test_engine_enumeration_and_perturbation_agree(first: int) -> None:
    found = {seed: compared(seed) for seed in range(first, first + BATCH)}
    differing = {seed: one for seed, one in found.items() if one not in (None, "refused", "too large")}
    assert not differing, "\n".join(f"{seed}: {drawn_recurrence(seed)}\n    {one}" for seed, one in differing.items())
    assert sum(one is None for one in found.values()) > BATCH / 2, "most draws are refused, so that little is compared"


VALUES = {
    # text, shape, learned numbers, and what comes out of x = 0, 1, 2, ...
    "the state before the first step": (
        "h[-1, o] = g[o]\nh[t, o] = x[t, o] + h[t-1, o]", (3, 2), {"g": [10, 20]}, [[10, 21], [12, 24], [16, 29]],
    ),
    "the first step": ("z[0, o] = x[0, o]\nz[t, o] = 2*z[t-1, o] + x[t, o]", (3, 2), {}, [[0, 1], [2, 5], [8, 15]]),
    "the first step, beside what is read a step before": (
        "z[0, o] = x[0, o]\nz[t, o] = 2*z[t-1, o] + x[t-1, o]", (3, 2), {}, [[0, 1], [0, 3], [2, 9], [8, 23]],
    ),
    "two steps back": (
        "z[0, o] = x[o]\nz[1, o] = 3*z[0, o]\nz[t, o] = 2*z[t-1, o] - z[t-2, o]\nwhere t < 4", (2,), {}, [[0, 1], [0, 3], [0, 5], [0, 7]],
    ),
    "two steps before the first": (
        "h[-1] = 5\nh[-2] = 7\nh[t] = x[t] + h[t-1] + h[t-2]", (3,), {}, [12, 18, 32],
    ),
    "down": ("b[t, o] = x[t, o] + b[t+1, o]", (3, 2), {}, [[6, 9], [6, 8], [4, 5]]),
    "down from a state behind the last step": (
        "b[size(t), o] = g[o]\nb[t, o] = x[t, o] + b[t+1, o]", (3, 2), {"g": [10, 20]}, [[16, 29], [16, 28], [14, 25]],
    ),
    "down from the last step": (
        "b[size(t) - 1, o] = g[o]\nb[t, o] = x[t, o] + b[t+1, o]", (3, 2), {"g": [10, 20]}, [[12, 24], [12, 23], [10, 20]],
    ),
    "both ways": (
        "f[t] = x[t] + f[t-1]\nb[t] = x[t] + b[t+1]\ny[t] = f[t] + b[t]", (4,), {}, [6, 7, 8, 9],
    ),
    "two indices": ("h[i, j] = x[i, j] + h[i-1, j] + h[i, j-1]", (3, 2), {}, [[0, 1], [2, 6], [6, 17]]),
    "two indices, one of them down": ("h[i, j] = x[i, j] + h[i-1, j] + h[i, j+1]", (2, 3), {}, [[3, 3, 2], [20, 14, 7]]),
    "two indices from a border": (
        "h[-1, j] = g[j]\nh[i, j] = x[i, j] + h[i-1, j] + h[i, j-1]", (3, 2), {"g": [1, 1]}, [[1, 3], [3, 9], [7, 21]],
    ),
    "row by row, a step ahead in the row before": (
        "h[i, j] = x[i, j] + h[i-1, (j + 1) % size(j)] + h[i, j-1]", (2, 3), {}, [[0, 1, 3], [4, 11, 16]],
    ),
    "read a step later": ("h[t] = x[t] + h[t-1]\ny[t] = h[t-1]", (4,), {}, [0, 0, 1, 3]),
    "read a step later, from the state before the first": ("h[-1] = 9\nh[t] = x[t] + h[t-1]\ny[t] = h[t-1]", (3,), {}, [9, 9, 10]),
    "the last state": ("h[t, o] = x[t, o] + h[t-1, o]\ny[o] = h[size(t) - 1, o]", (3, 2), {}, [6, 9]),
    "the state before the first step, read": ("h[-1] = 9\nh[t] = x[t] + h[t-1]\ny[t] = h[t] + h[-1]", (3,), {}, [18, 19, 21]),
    "a padded state with an initial line": (
        "h[t, i] = x[t, i] + U[u]*p[t-1, i+u]\np[-1, j] = V[j]\np[t, j] = pad[j: 1](h[t, j])\ny[t, i] = h[t, i]\nwhere u < 2, i < size(i)",
        (2, 2), {"U": [1, 10], "V": [1, 2, 3, 4]}, [[21, 33], [212, 354]],
    ),
    "weights of every step": ("z[-1, i] = x[i]\nz[t, i] = W[t]*z[t-1, i]\nwhere t < 2", (2,), {"W": [3, 5]}, [[0, 3], [0, 15]]),
}  # fmt: skip


@pytest.mark.parametrize("what", VALUES)
def test_values(what: str) -> None:
    text, shape, weights, expected = VALUES[what]
    x = np.arange(np.prod(shape)).reshape(shape)
    assert np.asarray(la.run(layer(text), x, weights)).tolist() == expected
    draw = Draw(text, {}, (shape,), None)
    assert disagreement(draw, symbolic=False) is None
    if "%" not in text and "- z" not in text:  # what is taken away may cancel
        assert field_disagreement(draw) is None


REFUSED = {
    "z[t] = x[t]\nz[0] = x[0]": "given behind the line",
    "z[0] = x[0]\nz[t] = x[t]": "no line reads an earlier step",
    "z[t] = x[t]\nz[t] = 2*x[t]": "defined twice",
    "z[1] = x[0]\nz[t] = x[t] + z[t-1]": "are not the first ones",
    "z[0] = x[0]\nz[0] = x[1]\nz[t] = x[t] + z[t-1]": "given twice",
    "h[t] = x[t] + h[t-1] + h[t+1]": "both sides of t",
    "f[t] = x[t] + b[t+1]\nb[t] = x[t] + f[t-1]": "both sides of t",
    "h[t] = x[t] + h[t]": "read before it is defined",
    "h[t] = x[t] + h[t-1]\ny = h[0 - 1]": r"zero before the first step, its last step is size\(t\) - 1",
    "h[t] = x[t] + h[t-1]\ny[t] = h[t-1]\nwhere t < 9": "must have extent|elements",
    "h[t] = x[t] + h[t-1]\ny[s] = h[s-1]*x[s]": "must not be negative",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(la.LayerAlgebraError, match=REFUSED[text]):
        la.output_shape(layer(text), on=(4,))
    assert disagreement(Draw(text, {}, ((4,),), None)) == "refused"


def test_formulas() -> None:
    T, H, W, n, m = la.dims("T H W n m")
    euler = layer(
        "z[0, i] = x[i]\nz[t, i] = z[t-1, i] + tanh(W[i, j]*z[t-1, j])\ny[i] = z[steps, i]\nwhere t < steps + 1",
        steps=T,
    )
    assert la.macs(euler, on=(n,)) == T * n**2 and la.parameters(euler, on=(n,)) == n**2
    each = layer(
        "z[-1, i] = x[i]\nz[t, i] = relu(W[t, i, j]*z[t-1, j])\ny[i] = z[steps - 1, i]\nwhere t < steps", steps=T
    )
    assert la.macs(each, on=(n,)) == T * n**2 and la.parameters(each, on=(n,)) == T * n**2
    started = layer("h[-1, o] = h0[o]\nh[t, o] = tanh(W[o, f]*x[t, f] + U[o, p]*h[t-1, p])\nwhere o < units", units=m)
    assert la.macs(started, on=(T, n)) == T * m**2 + T * m * n and la.parameters(started, on=(T, n)) == m**2 + m * n + m
    pixel = layer(
        "h[i, j, c] = tanh(A[c, f]*x[i, j, f] + U[c, p]*h[i-1, j, p] + V[c, p]*h[i, j-1, p])\nwhere c < units", units=m
    )
    assert la.macs(pixel, on=(H, W, n)) == 2 * H * W * m**2 + H * W * m * n
    assert la.receptive_field(pixel, on=(H, W, n)).size == (H, W)
    both = layer("f[t, o] = relu(A[o, e]*x[t, e] + B[o, p]*f[t-1, p])\nb[t, o] = relu(C[o, e]*x[t, e] + D[o, p]*b[t+1, p])\n"
                 "y[t, (s, o)] = K[s]*f[t, o] + (1 - K[s])*b[t, o]\nwhere o < units, s < 2", units=m)  # fmt: skip
    assert la.receptive_field(both, on=(T, n)).size == (T,)
    first = la.derive("flops", layer("z[0] = x[0]\nz[1] = x[1]\nz[t] = x[t]*z[t-1]*z[t-2]"), on=(T,))
    assert first.domain.holds({T: 2}) and not first.domain.holds({T: 1}) and first({T: 7}) == 10


def test_a_field_runs_down() -> None:
    down = layer("b[t] = x[t] + b[t+1]").instance((5,))
    (reach,) = layer_reach(down)
    assert [tuple(map(int, reach.at((t,)))) for t in range(5)] == [(t, 4) for t in range(5)]
    moved = layer("h[t, i] = x[t, i] + U[u]*h[t+1, (i + u) % size(i)]\nwhere u < 2").instance((3, 9))
    assert field_disagreement(Draw(moved.layer.parsed.text, {}, ((3, 9),), None)) is None


def test_formulas_are_typeset_with_their_steps() -> None:
    text = la.latex_equation(
        layer("z[0, o] = x[o]\nz[1, o] = 3*z[0, o]\nz[t, o] = 2*z[t-1, o] - z[t-2, o]\nwhere t < 4")
    )
    lines = text.splitlines()
    assert lines[1].startswith("z_{0, o} &=") and lines[2] == r"z_{1, o} &= 3\, z_{0, o} \\"
    assert r"\quad \text{for } t \ge 2" in lines[3] and "= 0" not in text
    down = la.latex_equation(layer("b[t] = x[t] + b[t+1]"))
    assert r"b_{t} = 0 \text{ for } t \ge \lvert t \rvert" in down
    assert "= 0" not in la.latex_equation(layer("b[size(t)] = 1\nb[t] = x[t] + b[t+1]"))


@pytest.mark.parametrize("first", range(0, 4000 if PROFILE == "full" else 80, 80))
def test_modules_and_maps_compute_the_same(first: int) -> None:
    """PyTorch's module of an equation, and the composed maps of one that is linear, give what `la.run` does."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("scipy")
    from layeralgebra.algebra.topology.network import composed
    from layeralgebra.layers.torch.equation import EquationModule

    for seed in range(first, first + 80):
        draw = drawn_recurrence(seed)
        made, (shape,) = as_layer(draw), draw.shapes
        try:
            instance = made.instance(shape)
        except la.LayerAlgebraError:
            continue
        generator = np.random.default_rng(1)
        weights = {
            name: generator.integers(1, 4, [int(size) for size in sizes]).astype(float)
            for name, sizes in instance.weights().items()
        }
        x = generator.integers(1, 4, shape).astype(float)
        expected = np.asarray(la.run(made, x, weights), dtype=float)
        module = EquationModule(instance).double()
        for name, array in weights.items():
            getattr(module, f"weight_{name}").data = torch.tensor(array)
        assert np.allclose(module(torch.tensor(x)[None])[0].detach().numpy(), expected), draw.text
        try:
            rows, columns, values, offsets = composed(instance, weights)
        except la.UnsupportedError:
            continue
        matrix = np.zeros((expected.size, x.size))
        np.add.at(matrix, (rows, columns), values)
        found = matrix @ x.reshape(-1)
        for places, added in offsets:
            np.add.at(found, places, added)
        assert np.allclose(found, expected.reshape(-1)), draw.text


def test_those_that_know_of_one_index_that_runs_up_say_so() -> None:
    pixel, down = (
        layer("h[i, j] = relu(W[i]*x[i, j] + h[i-1, j] + h[i, j-1])"),
        layer("h[t] = W[t]*x[t] + h[t+1]"),
    )
    with pytest.raises(la.UnsupportedError, match="several indices"):
        la.vc_dimension(pixel, on=(3, 3))
    with pytest.raises(la.UnsupportedError, match="runs down"):
        la.scaling_exponent(layer("h[t, o] = W[o, f]*x[t, f] + U[o, p]*h[t+1, p]\nwhere o < 3"), on=(4, 3))
    with pytest.raises(la.UnsupportedError, match="initial lines"):
        la.scaling_exponent(
            layer("h[-1, o] = 1\nh[t, o] = W[o, f]*x[t, f] + U[o, p]*h[t-1, p]\nwhere o < 3"), on=(4, 3)
        )
    assert la.depth(down, on=(4,)) == 0
