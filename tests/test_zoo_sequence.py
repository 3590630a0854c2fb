"""Published sequence models: parameters, closed forms written out, and layers' numbers against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Poly

import layeralgebra as la
from layeralgebra import zoo

PUBLISHED = {
    "gpt2": 124_439_808, "gpt2_medium": 354_823_168, "gpt2_large": 774_030_080, "gpt2_xl": 1_557_611_200,
    "bert_base": 109_482_240, "bert_large": 335_141_888,
    "t5_small": 60_506_624, "t5_base": 222_903_552, "t5_large": 737_668_096, "t5_3b": 2_851_598_336,
    "t5_11b": 11_307_321_344,
    "llama_7b": 6_738_415_616, "llama_13b": 13_015_864_320, "llama_30b": 32_528_943_616, "llama_65b": 65_285_660_672,
    "llama2_7b": 6_738_415_616, "llama2_13b": 13_015_864_320, "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248, "llama3_70b": 70_553_706_496, "llama3_1_405b": 405_853_388_800,
    "llama3_2_1b": 1_235_814_400,
    "llama3_2_3b": 3_212_749_824, "mistral_7b": 7_241_732_096, "mixtral_8x7b": 46_702_792_704,
    "mixtral_8x22b": 140_620_634_112,
    "mamba_130m": 129_135_360, "mamba_370m": 371_516_416, "mamba_790m": 793_204_224, "mamba_1_4b": 1_372_178_432,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameters(name):
    assert la.parameters(zoo.build(name)) == PUBLISHED[name]


def test_other_spellings():
    assert zoo.build("gpt2-small") == zoo.build("GPT2")
    assert zoo.build("LLaMA-7B") == zoo.build("llama_7b")
    assert zoo.build("llama-3.1-8b") == zoo.build("llama3_1_8b")


# closed forms --------------------------------------------------------------------------------------------------------


def same(left, right):
    return la.simplify(left - right) == 0


def test_gpt_in_closed_form():
    V, C, T, d, L, h = la.dims("V C T d L h")
    net = zoo.gpt(vocabulary=V, context=C, length=T, features=d, depth=L, heads=h)
    assert same(la.parameters(net), V * d + C * d + L * (12 * d**2 + 13 * d) + 2 * d)
    assert same(la.macs(net), L * (12 * T * d**2 + 2 * T**2 * d) + T * d * V)
    assert same(la.macs(net, effective=True), L * (12 * T * d**2 + T * (T + 1) * d) + T * d * V)
    assert la.macs(zoo.build("gpt2")) == 145_824_153_600


def test_forward_work_is_that_of_the_scaling_laws():
    """Kaplan et al. 2020: 2 N + 2 L n_ctx d operations for each token, N = 12 L d**2 parameters without embeddings."""
    T, d, L = la.dims("T d L")
    blocks = zoo.stages("gpt2", context=T, features=d, depth=L)["blocks"]
    N = Poly(la.parameters(blocks, on=(T, d)), d).coeff_monomial(d**2) * d**2
    assert same(N, 12 * L * d**2)
    # A token attends to (T + 1)/2 tokens in the mean, itself among them; they have T/2.
    assert same(2 * la.macs(blocks, on=(T, d), effective=True) / T, 2 * N + 2 * L * (T + 1) * d)


def test_llama_in_closed_form():
    V, T, d, L, h, g, f = la.dims("V T d L h g f")
    net = zoo.llama(vocabulary=V, context=T, features=d, depth=L, heads=h, key_value_heads=g, hidden=f)
    attention = 2 * d**2 + 2 * d**2 * g / h
    assert same(la.parameters(net), 2 * V * d + L * (attention + 3 * d * f + 2 * d) + d)
    assert same(la.macs(net), L * (T * attention + 3 * T * d * f + 2 * T**2 * d) + T * V * d)


def test_mixtures_have_total_and_active_parameters():
    V, T, d, L, h, f, n, k = la.dims("V T d L h f n k")
    net = zoo.llama(vocabulary=V, context=T, features=d, depth=L, heads=h, hidden=f, experts=n, active=k)
    rest = 2 * V * d + L * (4 * d**2 + d * n + 2 * d) + d
    assert same(la.parameters(net), rest + 3 * L * d * f * n)
    assert same(la.parameters(la.active_experts(net)), rest + 3 * L * d * f * k)
    assert same(la.macs(net), la.macs(la.active_experts(net)))
    assert not la.macs(net).diff(n).has(f), "experts that are not chosen do not work"
    assert la.parameters(la.active_experts(zoo.build("mixtral_8x7b"))) == 12_879_925_248


def test_sliding_windows_leave_far_pairs_out():
    pairs = {}
    for reach in (None, 3, 7, 100):
        net = zoo.llama(vocabulary=8, context=10, features=4, heads=2, depth=1, hidden=8, reach=reach)
        pairs[reach] = la.macs(net, effective=True)
    linear = 10 * (4 * 4 * 4 + 3 * 4 * 8) + 10 * 4 * 8
    for reach, work in pairs.items():
        held = sum(1 for i in range(10) for j in range(i + 1) if reach is None or i - j < reach)
        assert work == linear + 2 * 4 * held


def test_bert_in_closed_form():
    V, T, d, L, h = la.dims("V T d L h")
    net = zoo.bert(vocabulary=V, context=T, features=d, depth=L, heads=h)
    assert same(la.parameters(net), (V + T + 2) * d + 2 * d + L * (12 * d**2 + 13 * d) + d**2 + d)
    assert same(la.macs(net), L * (12 * T * d**2 + 2 * T**2 * d) + d**2)


def test_t5_in_closed_form():
    V, S, T, d, L, h, e, f = la.dims("V S T d L h e f")
    net = zoo.t5(vocabulary=V, length=S, target_length=T, features=d, depth=L, heads=h, head_features=e, hidden=f)
    attention = 4 * d * h * e
    assert same(la.parameters(net), V * d + L * (3 * attention + 4 * d * f + 5 * d) + 2 * d + 2 * 32 * h)
    encoder = L * (S * (attention + 2 * d * f) + 2 * S**2 * h * e)
    decoder = L * (T * (attention + 2 * d * f) + 2 * T**2 * h * e + 2 * d * h * e * (T + S) + 2 * S * T * h * e)
    assert same(la.macs(net), encoder + decoder + T * d * V)
    assert la.output_shape(net) == (T, V)


def test_mamba_in_closed_form():
    V, T, m, L, n, k = la.dims("V T m L n k")
    d, inner, rank = 16 * m, 32 * m, m
    net = zoo.mamba(vocabulary=V, length=T, features=d, depth=L, state=n, kernel=k)
    scan = inner * (rank + 2 * n) + rank * inner + inner + inner * n + inner
    assert same(la.parameters(net), V * d + L * (2 * d * inner + inner * (k + 1) + scan + inner * d + d) + d)
    work = 2 * d * inner + inner * k + inner * (rank + 2 * n) + rank * inner + inner * n + inner * d
    assert same(la.macs(net), T * (L * work + V * d))
    assert la.macs(net).coeff(T, 2) == 0, "linear in the length"


def test_lstm_in_closed_form():
    V, T, d, L = la.dims("V T d L")
    net = zoo.lstm(vocabulary=V, length=T, features=d, depth=L)
    assert same(la.parameters(net), V * d + L * (8 * d**2 + 8 * d) + V * d + V)
    assert same(la.macs(net), T * (8 * L * d**2 + V * d))
    tied = zoo.lstm(vocabulary=V, length=T, features=d, depth=L, tied=True)
    assert same(la.parameters(tied), V * d + L * (8 * d**2 + 8 * d))
    # Zaremba et al. 2014 give 20 and 66 millions.
    assert round(int(la.parameters(zoo.build("lstm_medium"))), -6) == 20_000_000
    assert round(int(la.parameters(zoo.build("lstm_large"))), -6) == 66_000_000


def test_wavenet_sees_further_than_it_is_deep():
    s, c, k, T = la.dims("s c k T")
    net = zoo.wavenet(stacks=s, cycle=c, kernel=k, length=T)
    field = la.receptive_field(net)
    assert same(field.size[0], s * (k - 1) * (2**c - 1) + k)
    assert same(field.start[0] + field.size[0], 1), "it sees nothing to come"
    assert la.receptive_field(zoo.build("wavenet")).size == (3 * 1023 + 2,)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_wavenet_parameters_are_the_sum(stacks, cycle, residual, skip):
    layer = 2 * (2 * residual**2 + residual) + residual**2 + residual + residual * skip + skip
    wanted = 256 * residual + 2 * residual**2 + residual + stacks * cycle * layer + skip**2 + skip + 256 * skip + 256
    assert la.parameters(zoo.wavenet(stacks=stacks, cycle=cycle, residual=residual, skip=skip, length=50)) == wanted


@pytest.mark.parametrize("levels, padding, side", [(4, 0, 572), (4, 1, 256), (2, 0, 60), (1, 1, 8)])
def test_unet_against_a_walk_with_numbers(levels, padding, side):
    def pair(entering, leaving, size):
        weights = work = 0
        for channels in (entering, leaving):
            size = size - 2 + 2 * padding
            weights += channels * leaving * 9 + leaving
            work += channels * leaving * 9 * size**2
        return weights, work, size

    c, kept = 8, []
    weights, work, size = pair(1, c, side)
    for level in range(1, levels + 1):
        kept.append(size)
        more, extra, size = pair(c * 2 ** (level - 1), c * 2**level, size // 2)
        weights, work = weights + more, work + extra
    for level in reversed(range(levels)):
        wide, narrow = c * 2 ** (level + 1), c * 2**level
        weights, work = weights + wide * narrow * 4 + narrow, work + wide * narrow * 4 * size**2
        assert kept.pop() >= 2 * size
        more, extra, size = pair(2 * narrow, narrow, 2 * size)
        weights, work = weights + more, work + extra
    weights, work = weights + 2 * c + 2, work + 2 * c * size**2
    net = zoo.unet(levels=levels, padding=padding, resolution=side, base_width=c)
    assert (la.parameters(net), la.macs(net), la.output_shape(net)) == (weights, work, (2, size, size))
    assert la.output_shape(zoo.build("unet")) == (2, 388, 388)


# numbers -------------------------------------------------------------------------------------------------------------


def run(layer, shape, seed=0):
    x = np.random.default_rng(seed).normal(size=shape)
    held = la.weights(layer, on=shape, seed=seed)
    return x, held, la.run(layer, x, held)


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


@pytest.mark.parametrize(
    "heads, sets, reach, causal", [(2, None, None, True), (4, 2, None, True), (2, 1, 3, True), (2, None, None, False)]
)
def test_rotary_attention_turns_pairs_as_complex_numbers(heads, sets, reach, causal):
    time, features = 7, 8
    layer = la.RotaryAttention(heads, sets, reach=reach, causal=causal)
    x, held, y = run(layer, (time, features))
    width, groups = features // heads, sets or heads
    angles = np.array([[t * 10_000.0 ** (-2 * e / width) for e in range(width // 2)] for t in range(time)])

    def turned(t, vector):
        halves = vector.reshape(2, width // 2)
        return (halves[0] + 1j * halves[1]) * np.exp(1j * angles[t])

    wanted = np.zeros((time, features))
    for head in range(heads):
        group, place = divmod(head, heads // groups)
        for i in range(time):
            query = turned(i, held["Q"][group, place].reshape(width, features) @ x[i])
            allowed = [j for j in range(time) if (not causal or j <= i) and (reach is None or i - j < reach)]
            scores = [
                np.real(np.vdot(turned(j, held["K"][group].reshape(width, features) @ x[j]), query)) for j in allowed
            ]
            weights = softmax(np.array(scores) / math.sqrt(width))
            mixed = sum(w * (held["V"][group] @ x[j]) for w, j in zip(weights, allowed))
            wanted[i] += held["O"][:, head * width : (head + 1) * width] @ mixed
    assert np.allclose(y, wanted)


def test_rotary_embedding_keeps_lengths_and_relative_angles():
    x, held, y = run(la.RotaryEmbedding(), (5, 6))
    pairs = (x[:, :3] + 1j * x[:, 3:]) * np.exp(1j * np.outer(range(5), 10_000.0 ** (-np.arange(3) / 3)))
    assert np.allclose(y, np.concatenate([pairs.real, pairs.imag], axis=1))


def bucket(distance, buckets, farthest, causal):
    """As the authors of T5 define it, for one key that lies `distance` behind the query (before it, if negative)."""
    base = 0
    if not causal:
        buckets //= 2
        base, distance = (buckets, -distance) if distance < 0 else (0, distance)
    distance = max(distance, 0)
    if distance < buckets // 2:
        return base + distance
    near = buckets // 2
    return base + min(buckets - 1, near + int(math.log(distance / near) / math.log(farthest / near) * (buckets - near)))


@pytest.mark.parametrize("causal", [False, True])
def test_relative_attention_adds_the_number_of_the_bucket(causal):
    time, features, heads, width, buckets, farthest = 9, 4, 2, 3, 8, 6
    layer = la.RelativeAttention(heads, width, buckets, causal, farthest=farthest)
    x, held, y = run(layer, (time, features))
    wanted = np.zeros((time, features))
    for n in range(heads):
        for i in range(time):
            allowed = range(i + 1) if causal else range(time)
            query = held["Q"][n] @ x[i]
            scores = [
                query @ (held["K"][n] @ x[j]) + held["B"][n, bucket(i - j, buckets, farthest, causal)] for j in allowed
            ]
            mixed = sum(w * (held["V"][n] @ x[j]) for w, j in zip(softmax(np.array(scores)), allowed))
            wanted[i] += held["O"][:, n * width : (n + 1) * width] @ mixed
    assert np.allclose(y, wanted)
    known = la.weights(la.RelativeAttention(1, 1), on=(400, 1))["r"]
    assert [int(b) for b in known] == [bucket(d, 32, 128, False) for d in range(-399, 400)]


def test_a_table_of_another_layer_is_no_parameter():
    own, given_ = (la.RelativeAttention(2, 3, learned=learned) for learned in (True, False))
    assert la.parameters(own, on=(5, 4)) - la.parameters(given_, on=(5, 4)) == 64
    assert la.macs(own, on=(5, 4)) == la.macs(given_, on=(5, 4))


def test_mixture_of_experts_is_the_gated_sum_of_the_chosen():
    time, features, experts, active, hidden = 6, 4, 5, 2, 3
    layer = la.MixtureOfExperts(experts, active, hidden)
    x = np.random.default_rng(3).normal(size=(time, features))
    held = la.weights(layer, on=(time, features))
    routed = x @ held["R"].T
    held["c"] = np.argsort(-routed, axis=1)[:, :active]
    wanted = np.zeros((time, features))
    for t in range(time):
        for weight, e in zip(softmax(routed[t, held["c"][t]]), held["c"][t]):
            a, u = held["G"][e] @ x[t], held["U"][e] @ x[t]
            wanted[t] += weight * (held["D"][e] @ (a / (1 + np.exp(-a)) * u))
    assert np.allclose(la.run(layer, x, held), wanted)


def test_selective_state_space_is_the_recurrence():
    time, features, state, rank = 7, 4, 3, 2
    layer = la.SelectiveStateSpace(state, rank)
    x, held, y = run(layer, (time, features))
    memory, wanted = np.zeros((features, state)), []
    for t in range(time):
        step = np.log1p(np.exp(held["S"] @ (held["L"] @ x[t]) + held["s"]))
        memory = (
            np.exp(-step[:, None] * np.exp(held["a"])) * memory
            + step[:, None] * (held["P"] @ x[t])[None, :] * x[t][:, None]
        )
        wanted.append(memory @ (held["Q"] @ x[t]) + held["D"] * x[t])
    assert np.allclose(y, wanted)
    late = x.copy()
    late[5:] = 0
    assert np.allclose(la.run(layer, late, held)[:5], y[:5]), "the past does not know the future"


def test_small_members_of_every_family_run():
    """From tokens to numbers: shapes of whole networks hold, and nothing in them is undefined."""
    tokens = np.array([1, 3, 0, 2])
    small = {"vocabulary": 5, "features": 4, "depth": 2}
    nets = [
        zoo.gpt(**small, context=4, heads=2), zoo.llama(**small, context=4, heads=2, hidden=6, key_value_heads=1),
        zoo.llama(**small, context=4, heads=2, hidden=6, experts=3, active=2), zoo.lstm(**small, length=4),
        zoo.mamba(**small, length=4, state=2, kernel=2),
    ]  # fmt: skip
    for net in nets:
        y = la.run(net, tokens, la.weights(net))
        assert y.shape == (4, 5) and np.isfinite(y).all()
    net = zoo.bert(**small, context=4, heads=2)
    assert la.run(net, [tokens, np.array([0, 0, 1, 1])], la.weights(net)).shape == (4,)
    net = zoo.t5(vocabulary=5, features=4, depth=2, heads=2, head_features=3, hidden=6, length=4, target_length=3)
    assert la.run(net, [np.array([1, 0, 2]), tokens], la.weights(net)).shape == (3, 5)
    net = zoo.wavenet(length=9, levels=4, residual=3, skip=2, cycle=2, stacks=2)
    wave = np.arange(9) % 4
    held = la.weights(net)
    y = la.run(net, wave, held)
    assert y.shape == (4, 9)
    changed = np.where(np.arange(9) >= 6, 3 - wave, wave)
    assert np.allclose(la.run(net, changed, held)[:, :6], y[:, :6]), "causal"
