"""Published layers in numpy, written from their papers by people's loops, which know nothing of the equations: registered ones, and others as texts.

Counts of registered layers by hand are in `test_published_registry.py`; those of texts are here.
"""

# ruff: noqa: E741

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from language_agreement import disagreement
from published_samples import SAMPLES
from sympy import expand, floor
from test_published_layers import LAYERS as PUBLISHED
from test_published_layers import Published, as_layer, drawn

import layeralgebra as la

T, d, e, f, h, n = la.dims("T d e f h n")

# tools ---------------------------------------------------------------------------------------------------------------


def sigmoid(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


def silu(v: Any) -> Any:
    return v * sigmoid(v)


def softplus(v: Any) -> Any:
    return np.log1p(np.exp(v))


def softmax(v: Any, axis: Any = -1) -> Any:
    return np.exp(v) / np.exp(v).sum(axis, keepdims=True)


def heads(weights: Any, x: Any) -> Any:
    """(heads, time, features of a head)."""
    return np.einsum("nem,tm->nte", weights, x)


def joined(parts: Any, out: Any) -> Any:
    """Heads side by side, and the last map."""
    return np.moveaxis(parts, 0, 1).reshape(parts.shape[1], -1) @ out.T


def attended(x: Any, allowed: Any, Q: Any, K: Any, V: Any, O: Any) -> Any:
    scores = np.einsum("nie,nje->nij", heads(Q, x), heads(K, x)) / np.sqrt(Q.shape[1])
    return joined(softmax(np.where(allowed, scores, -np.inf)) @ heads(V, x), O)


# registered ----------------------------------------------------------------------------------------------------------


def longformer(layer: Any, x: Any, **held: Any) -> Any:
    i, j = np.indices((len(x), len(x)))
    first = int(layer.everywhere)
    return attended(x, (abs(i - j) <= int(layer.window)) | (i < first) | (j < first), **held)


def strided(layer: Any, x: Any, **held: Any) -> Any:
    i, j = np.indices((len(x), len(x)))
    stride = int(layer.stride)
    return attended(x, (j <= i) & ((i - j < stride) | ((i - j) % stride == 0)), **held)


def big_bird(layer: Any, x: Any, Q: Any, K: Any, V: Any, O: Any, random: Any) -> Any:
    q, k, v = heads(Q, x) / np.sqrt(Q.shape[1]), heads(K, x), heads(V, x)
    out = np.zeros_like(v)
    for t in range(len(x)):
        near = [s for s in range(len(x)) if abs(s - t) <= layer.window or s < layer.everywhere or t < layer.everywhere]
        seen = [*near, *map(int, random[t])]
        for head in range(len(q)):
            out[head, t] = softmax(k[head, seen] @ q[head, t]) @ v[head, seen]
    return joined(out, O)


def hyena(
    layer: Any, x: Any, P: Any, S: Any, A: Any, B: Any, C: Any, b: Any, rate: Any, fade: Any, D: Any, O: Any
) -> Any:
    length, order = len(x), int(layer.order)
    places = np.arange(length)
    waves = 2 * np.pi * np.outer(places, np.arange(1, A.shape[1] + 1)) / length
    units = np.sin(rate * (np.cos(waves) @ A.T + np.sin(waves) @ B.T + np.outer(places / length, C) + b))
    maps = []
    for branch in range(order + 1):
        made = np.vstack([np.zeros((2, x.shape[1])), x @ P[branch].T])
        maps.append(sum(S[branch, :, w] * made[w : w + length] for w in range(3)))
    z = maps[0]
    for turn in range(order):
        window = np.exp(-np.outer(places, np.exp(fade[turn])))
        kernel = window * (units @ D[turn].T)
        z = maps[turn + 1] * np.array([np.convolve(kernel[:, c], z[:, c])[:length] for c in range(x.shape[1])]).T
    return z @ O.T


def hungry_hippo(layer: Any, x: Any, Q: Any, K: Any, V: Any, S: Any, A: Any, B: Any, C: Any, O: Any) -> Any:
    q, k, v = x @ Q.T, x @ K.T, x @ V.T
    state, out = np.zeros_like(A), []
    for t in range(len(x)):
        shifted = sum(S[:, u] * k[t - u] for u in range(min(t + 1, int(layer.shift))))
        state = A * state + B * (shifted * v[t])[:, None]
        out.append(q[t] * (C * state).sum(1))
    return np.array(out) @ O.T


def structured_duality(layer: Any, x: Any, P: Any, Q: Any, S: Any, s: Any, a: Any, D: Any) -> Any:
    """By the matrix of the duality, and not by the recurrence: y = (L * C B^T)(d x) + D x."""
    count = int(layer.heads)
    B, C, step = x @ P.T, x @ Q.T, softplus(x @ S.T + s)
    z = x.reshape(len(x), count, -1)
    y = np.zeros_like(z)
    for head in range(count):
        log = np.cumsum(-step[:, head] * np.exp(a[head]))
        fading = np.tril(np.exp(np.minimum(log[:, None] - log[None], 0)))
        y[:, head] = (fading * (C @ B.T)) @ (step[:, head, None] * z[:, head]) + D[head] * z[:, head]
    return y.reshape(len(x), -1)


def delta_rule(
    x: Any, O: Any, c: Any, epsilon: float, Q: Any, K: Any, V: Any, beta: Any, alpha: Any, gates: Any = None
) -> Any:
    q, k = silu(heads(Q, x)), silu(heads(K, x))
    q, k = (z / np.sqrt((z**2).sum(-1, keepdims=True) + epsilon) for z in (q, k))
    v = heads(V, x)
    out = np.zeros_like(v)
    for head in range(len(q)):
        state = np.zeros((v.shape[2], k.shape[2]))
        for t in range(len(x)):
            key = k[head, t]
            forget = np.eye(len(key)) - beta[head, t] * np.outer(key, key)
            state = alpha[head, t] * state @ forget + beta[head, t] * np.outer(v[head, t], key)
            read = state @ q[head, t]
            out[head, t] = c * read / np.sqrt((read**2).mean() + epsilon)
    return joined(out if gates is None else gates * out, O)


def delta_net(layer: Any, x: Any, Q: Any, K: Any, V: Any, B: Any, c: Any, O: Any) -> Any:
    beta = sigmoid(B @ x.T)
    return delta_rule(x, O, c, float(layer.epsilon), Q, K, V, beta, np.ones_like(beta))


def gated_delta_net(
    layer: Any, x: Any, Q: Any, K: Any, V: Any, G: Any, B: Any, A: Any, a: Any, b: Any, c: Any, O: Any
) -> Any:
    alpha = np.exp(-np.exp(a)[:, None] * softplus(A @ x.T + b[:, None]))
    return delta_rule(x, O, c, float(layer.epsilon), Q, K, V, sigmoid(B @ x.T), alpha, silu(heads(G, x)))


def trained_at_test_time(layer: Any, x: Any, K: Any, V: Any, Q: Any, W0: Any) -> Any:
    weights, out = W0, []
    for step in x:
        key, value = K @ step, V @ step
        weights = weights - float(layer.rate) * 2 * np.outer(weights @ key - value, key)
        out.append(weights @ (Q @ step))
    return np.array(out)


def scalar_lstm(layer: Any, x: Any, **held: Any) -> Any:
    """As in equations 8 to 14 of the paper, without the state that keeps exponentials small."""
    shape = held["bz"].shape
    state, cell, norm = (np.zeros(shape) for _ in range(3))
    out = []
    for step in x:
        z = {
            gate: held[f"W{gate}"] @ step + np.einsum("nap,np->na", held[f"R{gate}"], state) + held[f"b{gate}"]
            for gate in "zifo"
        }
        enter, keep = np.exp(z["i"]), np.exp(z["f"])
        cell, norm = keep * cell + enter * np.tanh(z["z"]), keep * norm + enter
        state = sigmoid(z["o"]) * cell / norm
        out.append(state.ravel())
    return np.array(out)


def butterfly(layer: Any, x: Any, W: Any) -> Any:
    for s, stage in enumerate(W):
        low = [i & ~(1 << s) for i in range(len(x))]
        x = np.array([stage[i, 0] * x[at] + stage[i, 1] * x[at | 1 << s] for i, at in enumerate(low)])
    return x


def tensor_train(layer: Any, x: Any, G: Any, H: Any, K: Any, c: Any) -> Any:
    """The matrix, put together, and then a product."""
    matrix = np.einsum("ipr,rjqs,sko->pqoijk", G, H, K)
    return x @ matrix.reshape(c.size, -1).T + c.ravel()


def conv_lstm(layer: Any, x: Any, **held: Any) -> Any:
    """On one spatial axis."""
    kernel = int(layer.kernel)
    before = (kernel - 1) // 2

    def conv(weights: Any, z: Any) -> Any:
        z = np.pad(z, ((before, kernel - 1 - before), (0, 0)))
        return np.array([np.einsum("afu,uf->a", weights, z[j : j + kernel]) for j in range(len(z) - kernel + 1)])

    state = cell = np.zeros((x.shape[1], int(layer.hidden)))
    out = []
    for step in x:
        z = {gate: conv(held[f"W{gate}"], step) + conv(held[f"U{gate}"], state) + held[f"b{gate}"] for gate in "ifgo"}
        enter, keep = sigmoid(z["i"] + held["Vi"] * cell), sigmoid(z["f"] + held["Vf"] * cell)
        cell = keep * cell + enter * np.tanh(z["g"])
        state = sigmoid(z["o"] + held["Vo"] * cell) * np.tanh(cell)
        out.append(state)
    return np.array(out)


def performer(layer: Any, x: Any, Q: Any, K: Any, V: Any, O: Any, w: Any) -> Any:
    """By the matrix of the kernel, with all pairs."""

    def features(z: Any) -> Any:
        z = z / Q.shape[1] ** 0.25
        return np.exp(z @ w.T - (z**2).sum(-1, keepdims=True) / 2)

    scores = np.einsum("nir,njr->nij", features(heads(Q, x)), features(heads(K, x)))
    return joined(scores / scores.sum(-1, keepdims=True) @ heads(V, x), O)


def cosformer(layer: Any, x: Any, Q: Any, K: Any, V: Any, O: Any) -> Any:
    i, j = np.indices((len(x), len(x)))
    scores = np.einsum("nie,nje->nij", np.maximum(heads(Q, x), 0), np.maximum(heads(K, x), 0))
    scores = scores * np.cos(np.pi / 2 * (i - j) / len(x))
    return joined(scores / scores.sum(-1, keepdims=True) @ heads(V, x), O)


def talking_heads(layer: Any, x: Any, Q: Any, K: Any, V: Any, L: Any, W: Any, O: Any) -> Any:
    scores = np.einsum("gn,nie,nje->gij", L, heads(Q, x), heads(K, x)) / np.sqrt(Q.shape[1])
    return joined(np.einsum("ng,gij->nij", W, softmax(scores)) @ heads(V, x), O)


def soft_mixture(layer: Any, x: Any, P: Any, U: Any, V: Any) -> Any:
    scores = np.einsum("tf,esf->tes", x, P)
    entering = np.einsum("tes,tf->esf", softmax(scores, 0), x)
    made = np.einsum("efm,esm->esf", V, np.maximum(np.einsum("emf,esf->esm", U, entering), 0))
    return np.einsum("tes,esf->tf", softmax(scores, (1, 2)), made)


def switch(layer: Any, x: Any, R: Any, U: Any, V: Any) -> Any:
    out, taken = np.zeros_like(x), [0] * len(R)
    for t, p in enumerate(softmax(x @ R.T)):
        best = int(p.argmax())
        taken[best] += 1
        if taken[best] <= layer.capacity:
            out[t] = p[best] * V[best] @ np.maximum(U[best] @ x[t], 0)
    return out


def lstm_cell(layer: Any, x: Any, h0: Any, c0: Any, **held: Any) -> Any:
    enter, keep, new, show = (
        held[f"W{gate}"] @ x + held[f"b{gate}"] + held[f"U{gate}"] @ h0 + held[f"d{gate}"] for gate in "argq"
    )
    cell = sigmoid(keep) * c0 + sigmoid(enter) * np.tanh(new)
    return {"h": sigmoid(show) * np.tanh(cell), "c": cell}


REGISTERED: dict[str, Callable[..., Any]] = {
    "LongformerAttention": longformer, "BigBirdAttention": big_bird, "StridedSparseAttention": strided,
    "Hyena": hyena, "HungryHippo": hungry_hippo, "StateSpaceDuality": structured_duality,
    "DeltaNet": delta_net, "GatedDeltaNet": gated_delta_net, "TTTLinear": trained_at_test_time,
    "ScalarLSTM": scalar_lstm, "Butterfly": butterfly, "TensorTrainLinear": tensor_train, "ConvLSTM": conv_lstm,
    "PerformerAttention": performer, "CosformerAttention": cosformer, "TalkingHeadsAttention": talking_heads,
    "SoftMixtureOfExperts": soft_mixture, "SwitchMixtureOfExperts": switch, "LSTMCell": lstm_cell,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_a_registered_layer(name: str) -> None:
    layer, shapes = SAMPLES[name]
    source = np.random.default_rng(2)
    inputs = [source.uniform(0.1, 1.2, shape) for shape in shapes]
    weights = {
        weight: source.integers(0, shapes[0][0], array.shape) if weight == "random" else source.normal(size=array.shape)
        for weight, array in la.weights(layer, on=shapes[0] if len(shapes) == 1 else list(shapes)).items()
    }
    if name == "CosformerAttention":  # whose queries and keys are rectified, and then divided by
        weights |= {weight: abs(weights[weight]) for weight in "QK"}
    found = la.run(layer, inputs[0] if len(inputs) == 1 else inputs, weights)
    expected = REGISTERED[name](layer, *inputs, **weights)
    for output, numbers in expected.items() if isinstance(expected, dict) else [(None, expected)]:
        assert np.isfinite(numbers).all()
        made = found if output is None else found[output]
        np.testing.assert_allclose(made, numbers, rtol=1e-9, atol=1e-12)


# texts ---------------------------------------------------------------------------------------------------------------


def diagonal_states(u: Any, Lr: Any, Li: Any, Br: Any, Bi: Any, Cr: Any, Ci: Any, D: Any) -> Any:
    state, out = np.zeros(len(Lr), complex), []
    for step in u:
        state = (Lr + 1j * Li) * state + (Br + 1j * Bi) @ step
        out.append(((Cr + 1j * Ci) @ state).real + D * step)
    return np.array(out)


def rwkv6(r: Any, k: Any, v: Any, w: Any, u: Any) -> Any:
    state, out = np.zeros((*k.shape[1:], v.shape[2])), []
    for t in range(len(r)):
        new = k[t][:, :, None] * v[t][:, None, :]
        out.append(np.einsum("hi,hij->hj", r[t], state + u[:, :, None] * new))
        state = np.exp(-np.exp(w[t]))[:, :, None] * state + new
    return np.array(out)


def adapted(x: Any, W0: Any, B: Any, A: Any, m: Any) -> Any:
    weights = W0 + B @ A
    return x @ (m * weights / np.linalg.norm(weights, axis=0)).T


LAYERS: dict[str, tuple[Published, Callable[..., Any]]] = {
    "S5, complex states in parts": (Published(
        # Smith et al. 2023, arXiv 2208.04933, equation 4
        """
        a[t, n] = Lr[n]*a[t-1, n] - Li[n]*b[t-1, n] + Br[n, f]*u[t, f]
        b[t, n] = Lr[n]*b[t-1, n] + Li[n]*a[t-1, n] + Bi[n, f]*u[t, f]
        y[t, f] = Cr[f, n]*a[t, n] - Ci[f, n]*b[t, n] + D[f]*u[t, f]
        where n < states
        """,
        {"states": n}, (T, f), 2*n + 4*n*f + f, 4*T*n*f, {n: 2, T: 3, f: 2}, ("u",),
    ), diagonal_states),
    "RWKV-6": (Published(
        # Peng et al. 2024, arXiv 2404.05892, equations 17 to 19, for heads given
        """
        S[t, h, i, j] = exp(-exp(w[t, h, i]))*S[t-1, h, i, j] + k[t, h, i]*v[t, h, j]
        o[t, h, j] = r[t, h, i]*(S[t-1, h, i, j] + u[h, i]*k[t, h, i]*v[t, h, j])
        """,
        {}, [(T, h, d)]*4, h*d, T*h*d*d, {T: 3, h: 2, d: 2}, ("r", "k", "v", "w"),
    ), rwkv6),
    "weight-decomposed low-rank adaptation": (PUBLISHED["weight-decomposed low-rank adaptation"], adapted),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(LAYERS))
def test_a_published_layer(what: str) -> None:
    layer, in_numpy = LAYERS[what]
    made = as_layer(layer)
    for metric, hand in (("parameters", layer.parameters), ("macs", layer.macs)):
        found = la.derive(metric, made, on=layer.on)
        assert found.kind == "exact"
        assert expand((found.formula - hand).rewrite(floor)) == 0, f"{metric}: {found.formula}, by hand {hand}"
    draw = drawn(layer)
    assert disagreement(draw) is None
    small = type(made)(**draw.fields)
    source = np.random.default_rng(0)
    names = draw.inputs or ("x",)
    inputs = {name: source.uniform(0.1, 1.2, shape) for name, shape in zip(names, draw.shapes)}
    on: Any = draw.shapes[0] if len(names) == 1 else list(draw.shapes)
    weights = {name: source.normal(size=array.shape) for name, array in la.weights(small, on=on).items()}
    given: Any = list(inputs.values())
    found_numbers = la.run(small, given[0] if len(given) == 1 else given, weights)
    np.testing.assert_allclose(found_numbers, in_numpy(**inputs, **weights), rtol=1e-9, atol=1e-12)
