"""Registered layers of published families: numbers against versions written for NumPy from the papers, which share no code with the engine.

Where a paper has two forms (a sum over pairs and a recurrence, a dense matrix and its factors, a transform and a sum) the other one is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from published_samples import SAMPLES

import layeralgebra as la
from layeralgebra.algebra.equations.receptive_field import layer_reach
from layeralgebra.proofs.samples.cases import Case, arrays, meaning

Arrays = dict[str, Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    raised = np.exp(x - x.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def adjacency(a: Arrays) -> Any:
    """How many edges go from a node to another: rows are where they end."""
    nodes = len(a["x"])
    made = np.zeros((nodes, nodes))
    for source, target in zip(a["source"], a["target"]):
        made[target, source] += 1
    return made


def graph_conv(a: Arrays, _: Any) -> Any:
    own = adjacency(a) + np.eye(len(a["x"]))
    root = np.diag(own.sum(axis=1) ** -0.5)
    return root @ own @ root @ a["x"] @ a["W"].T + a["b"]


def graph_attention(a: Arrays, layer: Any) -> Any:
    heads = []
    for W, A, B in zip(a["W"], a["A"], a["B"]):
        h = a["x"] @ W.T
        scores = (h @ A)[:, None] + (h @ B)[None, :]
        raised = adjacency(a) * np.exp(np.where(scores > 0, scores, scores / 5))
        total = raised.sum(axis=1, keepdims=True)
        heads.append(raised / np.where(total == 0, 1, total) @ h)
    return np.concatenate(heads, axis=1)


def graph_isomorphism(a: Arrays, _: Any) -> Any:
    summed = (1 + a["epsilon"][0]) * a["x"] + adjacency(a) @ a["x"]
    return relu(summed @ a["V"].T + a["c"]) @ a["W"].T + a["b"]


def graph_sage(a: Arrays, _: Any) -> Any:
    edges = adjacency(a)
    mean = edges @ a["x"] / np.maximum(edges.sum(axis=1, keepdims=True), 1)
    return relu(np.concatenate([a["x"], mean], axis=1) @ np.concatenate([a["W"], a["V"]], axis=1).T)


def edge_conv(a: Arrays, layer: Any) -> Any:
    made = np.full((len(a["x"]), layer.out_features), -np.inf)
    for source, target in zip(a["source"], a["target"]):
        own = a["x"][target]
        made[target] = np.maximum(made[target], relu(a["V"] @ (a["x"][source] - own) + a["W"] @ own))
    return np.where(np.isinf(made), 0, made)


def message_passing(a: Arrays, _: Any) -> Any:
    received = np.zeros(a["x"].shape)
    for feature, source, target in zip(a["edge"], a["source"], a["target"]):
        received[target] += (a["U"] @ feature + a["c"]) @ a["x"][source]
    reset = sigmoid(received @ a["Wr"].T + a["x"] @ a["Ur"].T + a["br"])
    update = sigmoid(received @ a["Wz"].T + a["x"] @ a["Uz"].T + a["bz"])
    candidate = np.tanh(received @ a["Wh"].T + (reset * a["x"]) @ a["Uh"].T + a["bh"])
    return (1 - update) * a["x"] + update * candidate


def mixture(a: Arrays, layer: Any) -> Any:
    made = np.zeros(a["x"].shape)
    for t, x in enumerate(a["x"]):
        scores = a["R"] @ x
        best = sorted(range(len(scores)), key=lambda e: -scores[e])[: int(layer.active)]
        for e, gate in zip(best, softmax(scores[best])):
            made[t] += gate * a["V"][e] @ relu(a["U"][e] @ x)
    return made


def expert_choice(a: Arrays, layer: Any) -> Any:
    scores, made = softmax(a["x"] @ a["R"].T), np.zeros(a["x"].shape)
    for e in range(int(layer.experts)):
        for t in np.argsort(-scores[:, e], kind="stable")[: int(layer.capacity)]:
            made[t] += scores[t, e] * a["V"][e] @ relu(a["U"][e] @ a["x"][t])
    return made


def product_keys(a: Arrays, layer: Any) -> Any:
    """All pairs of keys, looked through one by one."""
    n, made = int(layer.keys), np.zeros((len(a["x"]), layer.out_features))
    for t, x in enumerate(a["x"]):
        for head in range(int(layer.heads)):
            first, second = (a["K"][head, p] @ (a["Q"][head, p] @ x) for p in (0, 1))
            scores = (first[:, None] + second[None, :]).reshape(-1)
            best = np.argsort(-scores)[: int(layer.chosen)]
            made[t] += softmax(scores[best]) @ a["V"].reshape(n * n, -1)[best]
    return made


def quantizer(a: Arrays, _: Any) -> Any:
    distances = np.linalg.norm(a["x"][..., None, :] - a["C"], axis=-1)
    return a["C"][distances.argmin(axis=-1)]


def k_max(a: Arrays, layer: Any) -> Any:
    return np.stack([row[np.sort(np.argsort(-row)[: int(layer.kept)])] for row in a["x"]])


def median(a: Arrays, layer: Any) -> Any:
    return np.median(np.lib.stride_tricks.sliding_window_view(a["x"], int(layer.window), axis=1), axis=-1)


def correlated(x: Any, W: Any) -> Any:
    """Correlation over all axes of an image of channels."""
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[2:], axis=tuple(range(1, x.ndim)))
    axes = range(x.ndim, windows.ndim)
    return np.tensordot(W, windows, axes=([1, *range(2, W.ndim)], [0, *axes]))


def cond_conv(a: Arrays, _: Any) -> Any:
    gates = sigmoid(a["R"] @ a["x"].reshape(len(a["x"]), -1).mean(axis=1))
    return sum(gate * correlated(a["x"], W) for gate, W in zip(gates, a["W"]))


def deformable(a: Arrays, layer: Any) -> Any:
    x, k = a["x"], int(layer.kernel)
    half = (k - 1) // 2
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (half, half), (half, half)))
    offsets = correlated(padded, a["P"].reshape(-1, *a["P"].shape[3:])).reshape(2, k, k, height, width)
    offsets = offsets + a["p"][..., None, None]

    def pixel(i: int, j: int) -> Any:
        return x[:, i, j] if 0 <= i < height and 0 <= j < width else np.zeros(len(x))

    made = np.zeros((int(layer.out_channels), height, width))
    for i, j, u, v in np.ndindex(height, width, k, k):
        row, column = i + u - half + offsets[0, u, v, i, j], j + v - half + offsets[1, u, v, i, j]
        top, left = int(np.floor(row)), int(np.floor(column))
        down, right = row - top, column - left
        upper = (1 - right) * pixel(top, left) + right * pixel(top, left + 1)
        lower = (1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1)
        made[:, i, j] += a["W"][:, :, u, v] @ ((1 - down) * upper + down * lower)
    return made


def monarch(a: Arrays, layer: Any) -> Any:
    """Permutation, block diagonal, permutation, block diagonal, as matrices."""
    blocks, size = a["L"].shape[:2]
    n = blocks * size
    left, right = np.zeros((n, n)), np.zeros((n, n))
    for p in range(blocks):
        left[p * size : (p + 1) * size, p * size : (p + 1) * size] = a["L"][p]
    for j in range(size):
        right[j * blocks : (j + 1) * blocks, j * blocks : (j + 1) * blocks] = a["R"][j]
    turn = np.eye(n)[np.arange(n).reshape(blocks, size).T.reshape(-1)]
    return a["x"] @ (right @ turn @ left).T


def low_rank(a: Arrays, layer: Any) -> Any:
    return a["x"] @ (a["W"] + int(layer.scale) * a["B"] @ a["A"]).T


def decomposed(a: Arrays, _: Any) -> Any:
    changed = a["W"] + a["B"] @ a["A"]
    return a["x"] @ (a["m"] * changed / np.linalg.norm(changed, axis=0)).T


def circulant(a: Arrays, _: Any) -> Any:
    return np.fft.ifft(np.fft.fft(a["x"]) * np.fft.fft(a["r"])).real


def kronecker(a: Arrays, _: Any) -> Any:
    return a["x"] @ np.kron(a["A"], a["B"]).T


def kan(a: Arrays, layer: Any) -> Any:
    """Splines by the recursion of Cox and de Boor."""
    intervals = int(layer.intervals)
    knots = -1 + 2 / intervals * np.arange(-3, intervals + 4)

    def spline(x: float, k: int, degree: int) -> float:
        if degree == 0:
            return float(knots[k] <= x < knots[k + 1])
        rising = (x - knots[k]) / (knots[k + degree] - knots[k]) * spline(x, k, degree - 1)
        falling = (knots[k + degree + 1] - x) / (knots[k + degree + 1] - knots[k + 1]) * spline(x, k + 1, degree - 1)
        return rising + falling

    made = []
    for x in a["x"]:
        table = np.array([[spline(value, k, 3) for k in range(intervals + 3)] for value in x])
        made.append(a["W"] @ (x * sigmoid(x)) + np.einsum("of,ofk,fk->o", a["s"], a["C"], table))
    return np.stack(made)


def heads_of(a: Arrays, names: str) -> list[Any]:
    return [np.einsum("nem,tm->nte", a[name], a["x"]) for name in names]


def linear_attention(a: Arrays, layer: Any, causal: bool = False) -> Any:
    q, k, v = heads_of(a, "QKV")
    q, k = (np.where(part > 0, part + 1, np.exp(np.minimum(part, 0))) for part in (q, k))
    scores = q @ k.transpose(0, 2, 1)
    scores = np.tril(scores) if causal else scores
    mixed = scores @ v / scores.sum(axis=-1, keepdims=True)
    return np.concatenate(list(mixed), axis=1) @ a["O"].T


def retention(a: Arrays, layer: Any) -> Any:
    """The parallel form, with a matrix of decays."""
    q, k, v, gate = heads_of(a, "QKVG")
    heads, time, width = q.shape
    back = np.subtract.outer(np.arange(time), np.arange(time))
    made = []
    for n in range(heads):
        decay = np.where(back >= 0, (1 - 2.0 ** (-5 - n)) ** np.maximum(back, 0), 0)
        mixed = (q[n] @ k[n].T / np.sqrt(width) * decay) @ v[n]
        centred = mixed - mixed.mean(axis=1, keepdims=True)
        made.append(gate[n] * sigmoid(gate[n]) * centred / np.sqrt(mixed.var(axis=1, keepdims=True) + 1e-5))
    return np.concatenate(made, axis=1) @ a["O"].T


def chunked(a: Arrays, layer: Any) -> Any:
    """The parallel form of one head."""
    q, k, v = (a["x"] @ a[name].T for name in "QKV")
    back = np.subtract.outer(np.arange(len(q)), np.arange(len(q)))
    decay = np.where(back >= 0, (31 / 32) ** np.maximum(back, 0), 0)
    return (q @ k.T / np.sqrt(q.shape[1]) * decay) @ v


def gated_attention(a: Arrays, layer: Any) -> Any:
    """The parallel form, with products of gates."""
    q, k, v, gate = heads_of(a, "QKVG")
    low = a["x"] @ a["L"].T
    alpha = sigmoid(np.einsum("ner,tr->nte", a["A"], low) + a["b"][:, None]) ** (1 / 16)
    passed = np.cumprod(alpha, axis=1)
    scores = np.tril(np.einsum("nie,nje->nij", q * passed, k / passed))
    mixed = scores @ v
    normed = mixed / np.sqrt((mixed**2).mean(axis=-1, keepdims=True) + 1e-5) * a["c"][:, None]
    return np.concatenate(list(gate * sigmoid(gate) * normed), axis=1) @ a["O"].T


def matrix_lstm(a: Arrays, layer: Any) -> Any:
    """The parallel form: a matrix of products of forget gates between two positions."""
    heads, width = a["bq"].shape
    time = len(a["x"])
    outputs = np.zeros((time, heads * width))
    for n in range(heads):
        q, k, v = (a["x"] @ a[name][n].T for name in "QKV")
        q, k, v = q + a["bq"][n], k / np.sqrt(width) + a["bk"][n], v + a["bv"][n]
        enter = np.exp(a["x"] @ a["I"][n] + a["bi"][n])
        forget = sigmoid(a["x"] @ a["F"][n] + a["bf"][n])
        gate = sigmoid(a["x"] @ a["O"][n].T + a["bo"][n])
        for t in range(time):
            parts = [np.prod(forget[s + 1 : t + 1]) * enter[s] * (q[t] @ k[s]) for s in range(t + 1)]
            read = sum(part * v[s] for s, part in enumerate(parts)) / max(abs(sum(parts)), 1)
            outputs[t, n * width : (n + 1) * width] = gate[t] * read
    return outputs


def slots(a: Arrays, layer: Any) -> Any:
    s = np.asarray(a["start"], dtype=float)
    k, v = a["x"] @ a["K"].T, a["x"] @ a["V"].T
    for _ in range(int(layer.rounds)):
        attention = softmax(k @ (s @ a["Q"].T).T / np.sqrt(k.shape[1]), axis=1) + 1e-8
        updates = (attention / attention.sum(axis=0)).T @ v
        reset = sigmoid(updates @ a["Wg"].T + a["bg"] + s @ a["Ug"].T + a["cg"])
        keep = sigmoid(updates @ a["Wo"].T + a["bo"] + s @ a["Uo"].T + a["co"])
        new = np.tanh(updates @ a["Wh"].T + a["bh"] + reset * (s @ a["Uh"].T + a["ch"]))
        s = (1 - keep) * new + keep * s
        s = s + relu(s @ a["A"].T + a["am"]) @ a["B"].T + a["bm"]
    return s


def capsules(a: Arrays, layer: Any) -> Any:
    predicted = np.einsum("ijdf,if->ijd", a["W"], a["x"])
    logits = np.zeros(predicted.shape[:2])
    for _ in range(int(layer.rounds)):
        s = (softmax(logits, axis=1)[..., None] * predicted).sum(axis=0)
        length = np.linalg.norm(s, axis=1, keepdims=True)
        v = length**2 / (1 + length**2) * s / length
        logits = logits + (predicted * v).sum(axis=-1)
    return v


def vlad(a: Arrays, _: Any) -> Any:
    weights = softmax(a["x"] @ a["W"].T + a["b"])
    return np.stack([weights[:, k] @ (a["x"] - a["c"][k]) for k in range(len(a["c"]))])


def spectral(a: Arrays, layer: Any) -> Any:
    modes, time = int(layer.modes), a["x"].shape[1]
    found = np.fft.rfft(a["x"], axis=1)[:, :modes]
    mixed = np.zeros((int(layer.out_channels), time // 2 + 1), dtype=complex)
    mixed[:, :modes] = np.einsum("ock,ck->ok", a["A"] + 1j * a["B"], found)
    return np.fft.irfft(mixed, n=time, axis=1)


def state_space(a: Arrays, layer: Any) -> Any:
    """The recurrence of complex states, discretised with a zero-order hold."""
    step = np.exp(a["l"])[:, None]
    rate = -np.exp(a["r"]) + 1j * a["w"]
    fade = np.exp(step * rate)
    enter, leave = (fade - 1) / rate, a["C"] + 1j * a["D"]
    state, made = np.zeros(rate.shape, dtype=complex), []
    for x in a["x"]:
        state = fade * state + enter * x[:, None]
        made.append(2 * (leave * state).sum(axis=1).real + a["skip"] * x)
    return np.stack(made)


def fourier(a: Arrays, _: Any) -> Any:
    return np.fft.fft2(a["x"]).real


def machine(a: Arrays, _: Any) -> Any:
    x, n = a["x"], len(a["x"])
    pairs = sum(a["V"][i] @ a["V"][j] * x[i] * x[j] for i in range(n) for j in range(i + 1, n))
    return a["w"] @ x + a["b"] + pairs


def sets(a: Arrays, _: Any) -> Any:
    return relu(a["x"] @ a["L"].T - a["G"] @ a["x"].max(axis=0) + a["b"])


def non_local(a: Arrays, _: Any) -> Any:
    x = a["x"].reshape(len(a["x"]), -1)
    weights = softmax((a["Q"] @ x).T @ (a["K"] @ x))
    return a["x"] + (a["O"] @ (a["V"] @ x @ weights.T)).reshape(a["x"].shape)


def linear_biases(a: Arrays, layer: Any) -> Any:
    q, k, v = heads_of(a, "QKV")
    heads, time, width = q.shape
    back = np.subtract.outer(np.arange(time), np.arange(time))
    slopes = 2.0 ** (-8 / heads * np.arange(1, heads + 1))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(width) - slopes[:, None, None] * back
    mixed = softmax(np.where(back >= 0, scores, -np.inf)) @ v
    return np.concatenate(list(mixed), axis=1) @ a["O"].T


def sinusoids(a: Arrays, _: Any) -> Any:
    time, features = a["x"].shape
    angles = np.arange(time)[:, None] / 10_000 ** (np.arange(0, features, 2) / features)
    made = np.array(a["x"], dtype=float)
    made[:, 0::2] += np.sin(angles)
    made[:, 1::2] += np.cos(angles)
    return made


def latent_attention(a: Arrays, layer: Any) -> Any:
    """Turning as a product with complex numbers."""
    x, time = a["x"], len(a["x"])
    heads, width = a["V"].shape[:2]
    pairs = a["L"].shape[1]
    turn = np.exp(1j * np.arange(time)[:, None] * 10_000.0 ** (-np.arange(pairs) / pairs))
    latent, queries = x @ a["D"].T, x @ a["E"].T
    shared = (x @ a["L"][0].T + 1j * (x @ a["L"][1].T)) * turn
    made = []
    for n in range(heads):
        own = (queries @ a["P"][n, 0].T + 1j * (queries @ a["P"][n, 1].T)) * turn
        scores = (queries @ a["Q"][n].T) @ (latent @ a["K"][n].T).T + (own @ shared.conj().T).real
        scores = np.where(np.tri(time) > 0, scores / np.sqrt(width + 2 * pairs), -np.inf)
        made.append(softmax(scores) @ (latent @ a["V"][n].T))
    return np.concatenate(made, axis=1) @ a["O"].T


def linformer(a: Arrays, layer: Any) -> Any:
    q, k, v = heads_of(a, "QKV")
    weights = softmax(q @ (a["E"] @ k).transpose(0, 2, 1) / np.sqrt(q.shape[2]))
    return np.concatenate(list(weights @ (a["F"] @ v)), axis=1) @ a["O"].T


def attention_free(a: Arrays, _: Any) -> Any:
    q, k, v = (a["x"] @ a[name].T for name in "QKV")
    weights = softmax(k[None] + a["w"][:, :, None], axis=1)
    return sigmoid(q) * (weights * v[None]).sum(axis=1)


def shifted(a: Arrays, mixture: str) -> Any:
    before = np.concatenate([np.zeros((1, a["x"].shape[1])), a["x"][:-1]])
    return a[mixture] * a["x"] + (1 - a[mixture]) * before


def time_mixing(a: Arrays, _: Any) -> Any:
    """Sums over all earlier positions, without a state."""
    r, k, v = shifted(a, "mr") @ a["R"].T, shifted(a, "mk") @ a["K"].T, shifted(a, "mv") @ a["V"].T
    rate, made = np.exp(a["w"]), []
    for t in range(len(k)):
        exponents = np.stack([k[s] - (t - 1 - s) * rate if s < t else a["u"] + k[t] for s in range(t + 1)])
        made.append((softmax(exponents, axis=0) * v[: t + 1]).sum(axis=0))
    return (sigmoid(r) * np.stack(made)) @ a["O"].T


def channel_mixing(a: Arrays, _: Any) -> Any:
    r, k = shifted(a, "mr") @ a["R"].T, shifted(a, "mk") @ a["K"].T
    return sigmoid(r) * (relu(k) ** 2 @ a["V"].T)


ORACLES: dict[str, Callable[[Arrays, Any], Any]] = {
    "GraphConv": graph_conv, "GraphAttention": graph_attention, "GraphIsomorphism": graph_isomorphism, "GraphSAGE": graph_sage,
    "EdgeConv": edge_conv, "MessagePassing": message_passing, "SparseMixtureOfExperts": mixture, "ExpertChoice": expert_choice,
    "ProductKeyMemory": product_keys, "VectorQuantizer": quantizer, "KMaxPool": k_max, "MedianFilter": median, "CondConv": cond_conv,
    "DeformableConv": deformable, "Monarch": monarch, "LoRA": low_rank, "DoRA": decomposed, "CirculantLinear": circulant,
    "KroneckerLinear": kronecker, "KAN": kan, "LinearAttention": linear_attention,
    "CausalLinearAttention": lambda a, layer: linear_attention(a, layer, causal=True), "Retention": retention,
    "ChunkedRetention": chunked, "GatedLinearAttention": gated_attention, "MatrixLSTM": matrix_lstm, "SlotAttention": slots,
    "CapsuleRouting": capsules, "NetVLAD": vlad, "SpectralConv": spectral, "DiagonalStateSpace": state_space, "FourierMixing": fourier,
    "FactorizationMachine": machine, "DeepSets": sets, "NonLocal": non_local, "LinearBiasAttention": linear_biases,
    "SinusoidalEmbedding": sinusoids, "LatentAttention": latent_attention, "LinformerAttention": linformer,
    "AttentionFree": attention_free, "RWKVTimeMixing": time_mixing, "RWKVChannelMixing": channel_mixing,
}  # fmt: skip


def drawn(name: str, seed: int) -> tuple[la.Layer, Any, Arrays, list[Any]]:
    """A sample with numbers: the layer, the shapes, all that is given, and the inputs among it."""
    layer, shapes = SAMPLES[name]
    given = arrays(Case(layer, shapes, meaning(layer, shapes)), seed, False)
    return layer, shapes, given, [given[source] for source in layer.input_names]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(ORACLES))
def test_numbers_are_those_of_the_paper(name: str, seed: int) -> None:
    layer, _, given, inputs = drawn(name, seed)
    found = la.run(
        layer, inputs[0] if len(inputs) == 1 else inputs, {n: a for n, a in given.items() if n not in layer.input_names}
    )
    np.testing.assert_allclose(np.asarray(found, dtype=float), ORACLES[name](given, layer), rtol=1e-7, atol=1e-9)


def by_name(made: Any) -> dict[str, Any]:
    """What comes out by the names of several outputs; of one output, which needs no name."""
    return made if isinstance(made, dict) else {"": made}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_pytorch_computes_the_same(name: str) -> None:
    torch = pytest.importorskip("torch")
    layer, shapes, given, inputs = drawn(name, 1)
    others = {n: np.asarray(a, dtype=float) for n, a in given.items() if n not in layer.input_names}
    one = len(inputs) == 1
    expected = la.run(layer, inputs[0] if one else inputs, others)
    from layeralgebra.layers.torch.equation import EquationModule

    module = EquationModule(layer.instance(*shapes)).double()
    held = dict(module.named_parameters()) | dict(module.named_buffers())
    with torch.no_grad():
        for tensor, array in others.items():
            held[f"weight_{tensor}" if f"weight_{tensor}" in held else f"buffer_{tensor}"].copy_(torch.as_tensor(array))
    found = by_name(module(*(torch.as_tensor(np.stack([array, array])) for array in inputs)))
    for output, value in by_name(expected).items():
        for example in found[output].detach().numpy():
            np.testing.assert_allclose(example, np.asarray(value, dtype=float), rtol=1e-9, atol=1e-9)
    if any(parameter.requires_grad for parameter in module.parameters()):
        sum(value.sum() for value in found.values()).backward()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_what_changes_with_an_element_of_the_input_lies_in_its_field(name: str) -> None:
    """By perturbation: outputs that change must have the changed position in the field that is claimed for them."""
    layer, shapes, given, inputs = drawn(name, 2)
    others = {n: a for n, a in given.items() if n not in layer.input_names}
    one = len(inputs) == 1

    def outputs(changed: list[Any]) -> dict[str, Any]:
        made = by_name(la.run(layer, changed[0] if one else changed, others))
        return {output: np.asarray(value, dtype=float) for output, value in made.items()}

    before, instance, seen = outputs(inputs), layer.instance(*shapes), 0
    for port, array in enumerate(inputs):
        if array.dtype.kind == "i":  # where edges begin and end
            continue
        claimed = {output: layer_reach(instance.showing(output) if output else instance, port) for output in before}
        for where in np.ndindex(array.shape):
            moved = array.copy()
            moved[where] += 1.37
            after = outputs([moved if other == port else part for other, part in enumerate(inputs)])
            for output, place in (
                (name, place) for name in before for place in zip(*np.nonzero(after[name] != before[name]))
            ):
                seen += 1
                for axis, field in enumerate(claimed[output]):
                    low, high = field.at(tuple(map(int, place)))
                    assert low <= where[axis] <= high, f"{output} at {place} sees {where}, claimed {field}"
    assert seen, "nothing changed"


def test_a_turned_image_gives_turned_maps_at_the_next_rotation() -> None:
    """Equivariance, which is what the layers on rotations are for."""
    generator = np.random.default_rng(0)
    image, first = generator.standard_normal((2, 4, 4)), generator.standard_normal((3, 2, 3, 3))
    second = generator.standard_normal((2, 3, 4, 2, 2))

    def maps(x: Any) -> tuple[Any, Any]:
        lifted = np.asarray(la.run(la.P4LiftingConv(3, 3), x, {"W": first}), dtype=float)
        after = np.asarray(la.run(la.P4Conv(2, 2), lifted, {"W": second}), dtype=float)
        return lifted.reshape(3, 4, 2, 2), after.reshape(2, 4, 1, 1)

    for straight, turned in zip(maps(image), maps(np.rot90(image, 1, axes=(1, 2)))):
        np.testing.assert_allclose(turned, np.roll(np.rot90(straight, 1, axes=(-2, -1)), 1, axis=1), atol=1e-12)
