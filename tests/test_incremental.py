"""One step of a causal layer: run T times it equals the layer run once; what it keeps is what is published."""

import numpy
import pytest

import layeralgebra as la
from layeralgebra import (
    GRU,
    LSTM,
    Add,
    CausalLinearAttention,
    Concat,
    Conv,
    Embedding,
    Formula,
    Graph,
    Identity,
    LatentAttention,
    LayerNorm,
    Linear,
    LinearBiasAttention,
    MultiHeadAttention,
    PositionalEmbedding,
    RelativeAttention,
    ReLU,
    Retention,
    RotaryAttention,
    SelectiveStateSpace,
    UnsupportedError,
    cache_size,
    dims,
    incremental,
    macs,
)

LAYERS = [
    (MultiHeadAttention(2, causal=True), (5, 4), 0, 2 * 5 * 4),
    (MultiHeadAttention(4, 2, causal=True), (5, 8), 0, 2 * 5 * 4),
    (RotaryAttention(2), (5, 8), 0, 2 * 5 * 8),
    (RotaryAttention(2, reach=3), (6, 8), 0, 2 * 2 * 8),
    (RelativeAttention(2, 3, causal=True), (6, 4), 0, 2 * 6 * 6),
    (LinearBiasAttention(2), (5, 4), 0, 2 * 5 * 4),
    (LatentAttention(2, 16, 3, 6, 4), (5, 6), 0, 5 * (3 + 4)),
    (CausalLinearAttention(2), (5, 4), 0, 2 * 2 * 2 + 4),
    (Retention(2), (5, 4), 0, 2 * 2 * 2),
    (SelectiveStateSpace(4, 3), (5, 6), 0, 6 * 4),
    (Conv(4, 3, padding="causal", dilation=2), (2, 7), 1, 2 * 2 * 2),
    (Conv(4, 1), (2, 7), 1, 0),
    (LSTM(5), (4, 3), 0, 2 * 5),
    (GRU(5), (4, 3), 0, 5),
    (LayerNorm(), (4, 3), 0, 0),
    (PositionalEmbedding(9), (4, 3), 0, 0),
    (Embedding(9, 3), (4,), 0, 0),
    (Formula("y[t, f] = 2*x1[t, f]"), (4, 3), 0, 0),
    (Formula("y[t, f] = mean[s](x1[s, f])\nwhere s <= t, t < size(s)"), (4, 3), 0, 4 * 3),
    (
        Formula("m[t, f] = max[s](x1[s, f])\ny[t, f] = softmax[f](m[t, f])\nwhere s <= t, t - s < 2, t < size(s)"),
        (5, 3),
        0,
        3,
    ),
]


def stepwise_equals_whole(net, shape, axis=0, integers=0):
    generator = numpy.random.default_rng(3)
    x = generator.integers(0, integers, shape) if integers else generator.standard_normal(shape)
    weights = la.weights(net, on=None if net.has_input else shape)
    whole = la.run(net, x, weights)
    made = incremental(net, axis, on=None if net.has_input else shape).run(x, weights)
    numpy.testing.assert_allclose(numpy.asarray(made, float), numpy.asarray(whole, float), atol=1e-12)


@pytest.mark.parametrize(("layer", "shape", "axis", "kept"), LAYERS, ids=lambda value: str(value)[:40])
def test_steps_make_what_the_layer_makes(layer, shape, axis, kept):
    stepwise_equals_whole(layer, shape, axis, 9 if isinstance(layer, Embedding) else 0)
    assert incremental(layer, axis, on=shape).state == kept == cache_size(layer, on=shape, axis=axis)


def test_exact_numbers_stay_exact():
    layer = CausalSum = Formula("s[t, f] = s[t-1, f] + x1[t, f]\ny[t, f] = s[t, f]*x1[t, f]")
    x = [[1, 2], [3, 4], [5, 6]]
    assert (incremental(layer, on=(3, 2)).run(x) == la.run(CausalSum, x)).all()


NETS = {
    "gpt2": dict(length=5, context=6, features=8, heads=2, depth=2, vocabulary=11),
    "llama_7b": dict(length=5, features=8, depth=2, heads=2, vocabulary=11, hidden=12),
    "mamba": dict(length=5, features=6, depth=2, vocabulary=11, state=3),
    "lstm": dict(length=4, features=5, depth=2, vocabulary=11),
    "wavenet": dict(length=9, levels=9, residual=4, skip=3, cycle=2, stacks=2),
}


@pytest.mark.parametrize("name", NETS)
def test_language_models_of_the_zoo(name):
    net = la.zoo.build(name, **NETS[name])
    stepwise_equals_whole(net, (NETS[name]["length"],), integers=9)


def test_compositions():
    attention = MultiHeadAttention(2, causal=True)
    nets = [
        Linear(4) >> (Identity() + attention) >> ReLU(),
        (LayerNorm() >> attention) * Linear(4),
        Concat(attention, Linear(3), axis=1),
        (Identity() + (Linear(4).shared("f") >> attention)) ** 2 >> Linear(4).shared("f"),
        Graph(
            {"a": Linear(4), "b": attention, "c": GRU(4), "s": Add()}, [("a", "b"), ("a", "c"), ("b", "s"), ("c", "s")]
        ),
    ]
    for net in nets:
        stepwise_equals_whole(net, (5, 4))


# published figures ---------------------------------------------------------------------------------------------------

T, d, h, n, e, L, V = dims("T d h n e L V")


def test_grouped_query_attention_keeps_keys_and_values_of_its_groups():
    """Ainslie et al. 2023, arXiv 2305.13245: two vectors of a head for each of the key and value heads, a token and layer."""
    layer = RotaryAttention(h * n, n, 2 * e)
    assert la.simplify(cache_size(layer, on=(T, d)) - T * 2 * n * 2 * e) == 0


def test_latent_attention_keeps_its_latent_vector():
    """DeepSeek-V2, arXiv 2405.04434, table 1: 512 + 64 elements a token and layer, 2 * 128 * 128 for the heads' keys and values."""
    layer = LatentAttention(128, 128, 512, 1536, 64)
    assert cache_size(layer, on=(T, 5120)) == T * (512 + 64)
    assert cache_size(layer, on=(T, 5120), keep="read") == T * (2 * 128 * 128 + 64)
    assert incremental(layer, on=(T, 5120), keep=("k", "l0", "l1", "v")).state == T * (2 * 128 * 128 + 64)


def test_one_step_of_gpt():
    """``12 L d**2 + 2 L T d + V d`` multiply-accumulates at T tokens (Kaplan et al. 2020, arXiv 2001.08361, table 1)."""
    net = la.zoo.build("gpt2", length=T, context=T, features=d, heads=h, depth=L, vocabulary=V)
    step = incremental(net).step
    assert la.simplify(macs(step) - (12 * L * d**2 + 2 * L * T * d + V * d)) == 0
    assert la.parameters(step) == la.parameters(net)
    assert cache_size(net) == 2 * L * T * d


def test_decoding_after_a_prompt_in_closed_form():
    net = la.zoo.build("gpt2", length=T, context=T, features=d, heads=h, depth=L, vocabulary=V)
    one = incremental(net)
    cost = one.cost(macs, prompt=100, tokens=20)
    at = {T: 120, d: 12, L: 3, V: 50}
    by_steps = sum(12 * 3 * 144 + 2 * 3 * t * 12 + 50 * 12 for t in range(101, 121))
    assert cost.subs(at) == by_steps
    whole = one.cost(macs)
    assert whole.subs(at) == sum(12 * 3 * 144 + 2 * 3 * t * 12 + 50 * 12 for t in range(1, 121))


def test_mamba_keeps_its_state_and_the_last_inputs_of_the_convolution():
    """Gu, Dao 2023, arXiv 2312.00752: a state of d_inner * d_state, and d_conv - 1 inputs of the convolution."""
    state, kernel = dims("state kernel")
    net = la.zoo.build("mamba", length=T, depth=L, features=d, state=state, kernel=kernel)
    assert la.simplify(cache_size(net) - L * 2 * d * (state + kernel - 1)) == 0


# refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "shape", "axis", "word"),
    [
        (MultiHeadAttention(2), (5, 4), 0, "w[n, g, i, j]"),
        (Conv(4, 3, padding=1), (2, 7), 1, "z[(g, c), i + u]"),
        (Conv(4, 3, padding="causal", stride=2), (2, 8), 1, "axis of time"),
        (Formula("y[t, f] = softmax[t](x1[t, f])"), (4, 3), 0, "x1[t, f]"),
        (Formula("b[t, f] = b[t+1, f] + x1[t, f]\ny[t, f] = b[t, f]"), (4, 3), 0, "b"),
        (Formula("y[t, f] = x1[t, f]/size(t)\nz[f] = y[0, f]"), (4, 3), 0, "axis of time"),
        (la.LinearAttention(2), (4, 4), 0, "b[n, j, e]"),
        (Formula("y[t, f] = x1[t, f]/sum[t](x1[t, f])"), (4, 3), 0, "x1[t, f]"),
        (Formula("y[t, f] = x1[t, f]/sum[t](x1[t, f])"), (1, 3), 0, "x1[t, f]"),
        (Formula("y[t, f] = x1[t, f] - max[t](x1[t, f])"), (4, 3), 0, "x1[t, f]"),
        (la.Softmax(), (1,), 0, "softmax"),
        (la.ExternalAttention(2), (1, 4), 0, "softmax"),
        (la.Untokens((3, 1)), (3, 3), 0, "axis of time"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_looks_ahead_is_refused_with_its_statement(net, shape, axis, word):
    with pytest.raises(UnsupportedError, match="has no step") as error:
        incremental(net, axis, on=shape)
    assert word in str(error.value) and "in: " in str(error.value)


def test_arguments():
    with pytest.raises(la.FieldError, match="keep"):
        incremental(GRU(3), on=(4, 3), keep="most")
    with pytest.raises(la.ShapeError):
        incremental(GRU(3))
    with pytest.raises(UnsupportedError, match="no axis 3"):
        incremental(GRU(3), 3, on=(4, 3))
    with pytest.raises(UnsupportedError, match="keeps just"):
        incremental(GRU(3), on=(4, 3), keep=("q",))
    with pytest.raises(la.FieldError, match="tokens"):
        incremental(GRU(3), on=(4, 3)).at(5)


# several outputs -----------------------------------------------------------------------------------------------------


class Cell(la.Layer):
    """A recurrence of which both states come out, and one of them is no last line."""

    hidden: la.Dim
    outputs = ("h", "c")
    equation = """
        a[t, o] = sigmoid(Wa[o, f]*x[t, f] + Ua[o, p]*h[t-1, p])
        c[t, o] = a[t, o]*c[t-1, o] + tanh(Wg[o, f]*x[t, f] + Ug[o, p]*h[t-1, p])
        h[t, o] = tanh(c[t, o])*a[t, o]
        where o < hidden
    """


class Means(la.Layer):
    """Outputs that other lines read now and at earlier times, one of them with its axis of time elsewhere."""

    outputs = ("s", "y", "u")
    equation = """
        s[t, f] = w[f]*x[t, f]
        y[t, f] = mean[k](s[k, f]*s[t, f])
        u[f, t] = s[t, f] + 1
        where k <= t, k < size(x, 0)
    """


class First(la.Layer):
    """The output is no last line."""

    outputs = ("s",)
    equation = """
        s[t, f] = w[f]*x[t, f] + s[t-1, f]
        y[t, f] = mean[k](s[k, f])
    """


class Ends(la.Layer):
    """One output of three goes with the input."""

    outputs = ("y", "last", "wide")
    equation = """
        y[t, f] = y[t-1, f] + x[t, f]
        wide[t, f] = pad[t: (2, 0)](x[t, f])
        last[f] = y[size(x, 0) - 1, f]
    """


class Two(la.Layer):
    inputs, outputs = ("a", "b"), ("left", "right")
    equation = """
        left[t, f] = w[f]*a[t, f] + left[t-1, f]
        right[t, f] = left[t, f]*b[t, f] + max[k](b[k, f])
        where k <= t, k < size(a, 0)
    """


ENDS = Graph({"f": GRU(4), "m": Linear(2), "v": LSTM(3)}, [("f", "m"), ("f", "v")])
ONE, PAIR = (4, 2), [(4, 2), (4, 2)]
SEVERAL = [
    (Cell(3), ONE, 6), (Cell(3)["h"], ONE, 6), (Cell(3)["c", "h"], ONE, 6), (First(), ONE, 2), (Ends()["y"], ONE, 2),
    (Means(), ONE, 8), (Means()["s"], ONE, 0), (Means()["u", "y"], ONE, 8), (GRU(3) >> Cell(3)["h"] >> Means()["y"], ONE, 21),
    (Two(), PAIR, 10), (Two() >> Two(), PAIR, 20), (Two() ** 3, PAIR, 30), ((Two() ** 3)["right"], PAIR, 30), (Two()["left"] >> GRU(3), PAIR, 5),
    (Graph({"p": Two(), "s": Add()}, [(("p", "left"), "s"), (("p", "right"), "s")]), PAIR, 10),
    (Graph({"p": Two(), "s": GRU(2)}, [(("p", "left"), "s")]), PAIR, 4),
    (Graph({"p": Two(), "s": GRU(2)}, [(("p", "left"), "s")], outputs={"q": ("p", "right"), "s": "s"}), PAIR, 12),
    (Graph({"p": Two(), "q": Two()}, [("p", "q")])["right"], PAIR, 20), (ENDS, ONE, 4 + 6), (ENDS["m"], ONE, 4), (ENDS["v", "m"], ONE, 4 + 6),
]  # fmt: skip


@pytest.mark.parametrize(("net", "on", "kept"), SEVERAL, ids=lambda value: str(value)[:40])
def test_steps_of_several_outputs(net, on, kept):
    generator = numpy.random.default_rng(3)
    x = [generator.standard_normal(shape) for shape in on] if isinstance(on, list) else generator.standard_normal(on)
    weights = la.weights(net, on=on)
    whole, one = la.run(net, x, weights), incremental(net, on=on)
    made = one.run(x, weights)
    assert one.state == kept == cache_size(net, on=on)
    if not net.several:
        whole, made = {"": whole}, {"": made}
    assert list(whole) == list(made) and one.step.several == net.several
    for name, value in whole.items():
        numpy.testing.assert_allclose(numpy.asarray(made[name], float), numpy.asarray(value, float), atol=1e-12)


@pytest.mark.parametrize("net", [Ends(), Ends()["last"], Ends()["wide", "y"]], ids=str)
def test_an_output_that_does_not_go_with_the_input_is_refused_by_name(net):
    with pytest.raises(UnsupportedError, match="its output (last|wide) of shape"):
        incremental(net, on=ONE)
