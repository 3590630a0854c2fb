"""A prompt at once and tokens one by one: closed forms against enumeration of the steps' equations, and against PyTorch's counter."""

from __future__ import annotations

from fractions import Fraction

import pytest

import layeralgebra as la
from oracles.brute_force import Equation

P, n, T, d = la.dims("P n T d")

LATER = pytest.mark.slow
LAYERS = [
    pytest.param(la.MultiHeadAttention(2, causal=True), (5, 4), 0, marks=LATER),
    pytest.param(la.RotaryAttention(2, 1), (5, 4), 0, marks=LATER),
    (la.RotaryAttention(2, reach=3), (5, 4), 0),
    pytest.param(la.LinearBiasAttention(2), (5, 4), 0, marks=LATER),
    pytest.param(la.LatentAttention(2, 4, 3, 6, 2), (5, 4), 0, marks=LATER),
    pytest.param(la.CausalLinearAttention(2), (5, 4), 0, marks=LATER),
    pytest.param(la.Retention(2), (5, 4), 0, marks=LATER),
    (la.SelectiveStateSpace(2, 3), (5, 4), 0),
    (la.Conv(2, 3, padding="causal", dilation=2), (2, 5), 1),
    (la.GRU(2), (4, 3), 0),
    (la.Formula("y[t, f] = mean[s](x1[s, f])\nwhere s <= t, t < size(s)"), (4, 3), 0),
]


def enumerated(layer, shape):
    """Multiply-accumulates and operations of a layer, point by point."""
    fields = {
        name: value if isinstance(value, str) else Fraction(float(value))
        for name, value in zip(layer.fields, layer.args)
    }
    fields = {name: int(value) if value == int(value) else value for name, value in fields.items()}
    equation = Equation(layer.equation, fields, {layer.input_names[0]: shape}, layer.buffers, layer.output_names)
    counts = equation.counts()
    return counts.macs, counts.multiplies + counts.adds + counts.other


@pytest.mark.parametrize(("layer", "shape", "axis"), LAYERS, ids=lambda value: str(value)[:30])
def test_closed_forms_against_enumeration(layer, shape, axis):
    """Every step by itself, point by point; the closed form over the symbolic prompt and number of tokens, at all that fit."""
    one = la.incremental(layer, axis, on=shape)
    size = shape[axis]
    steps = [enumerated(one.at(t), one.on[0]) for t in range(1, size + 1)]
    for place, metric in enumerate((la.macs, la.flops)):
        found = la.decoding(layer, P, n, metric=metric, axis=axis, on=shape)
        assert [found.step_at(t) for t in range(1, size + 1)] == [step[place] for step in steps]
        for prompt in range(1, size):
            whole = metric(layer, on=tuple(prompt if at == axis else own for at, own in enumerate(shape)))
            assert found.prefill.subs(P, prompt) == whole
            assert found.by_steps.subs(P, prompt) == sum(step[place] for step in steps[:prompt])
            for tokens in range(1, size - prompt + 1):
                expected = sum(step[place] for step in steps[prompt : prompt + tokens])
                assert found.decode.subs({P: prompt, n: tokens}) == expected
                assert found.derivations["decode"](P=prompt, n=tokens) == expected
        from_nothing = la.decoding(layer, 0, size, metric=metric, axis=axis, on=shape)
        assert (from_nothing.prefill, from_nothing.total) == (0, sum(step[place] for step in steps))


FAMILIES = {
    "gpt2": dict(context=8, features=12, heads=3, depth=2, vocabulary=11),
    "llama_7b": dict(features=8, depth=2, heads=2, vocabulary=11, hidden=12),
    "llama3_8b": dict(features=16, depth=2, heads=4, key_value_heads=2, vocabulary=11, hidden=12),
    "mistral_7b": dict(features=16, depth=2, heads=4, key_value_heads=2, vocabulary=11, hidden=12, reach=3),
    "mixtral_8x7b": dict(
        features=16, depth=1, heads=4, key_value_heads=2, vocabulary=11, hidden=12, experts=3, active=2
    ),
    "mamba_130m": dict(features=6, depth=2, vocabulary=11, state=3),
    "lstm_small": dict(features=5, depth=2, vocabulary=11),
    "wavenet": dict(levels=9, residual=4, skip=3, cycle=2, stacks=2),
}


SOON = ("gpt2", "llama3_8b", "mamba_130m", "lstm_small")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in SOON else LATER) for name in FAMILIES])
def test_language_models_of_the_zoo(name):
    """The closed forms are the sums over the steps, each derived for itself, and the network over the prompt."""
    net = la.zoo.build(name, length=8, **FAMILIES[name])
    one = la.incremental(net)
    steps = [la.flops(one.at(t)) for t in range(1, 9)]
    found = la.decoding(net, P, n, metric=la.flops)
    for prompt, tokens in ((1, 1), (2, 5), (5, 3)):
        assert found.derivations["prefill"](P=prompt) == la.flops(la.zoo.build(name, length=prompt, **FAMILIES[name]))
        assert found.derivations["decode"](P=prompt, n=tokens) == sum(steps[prompt : prompt + tokens])
        assert found.by_steps.subs(P, prompt) == sum(steps[:prompt])
        assert found.cache_at(prompt) == one.kept_after(prompt)
    assert la.decoding(net, 0, 8, metric=la.flops).decode == sum(steps)


def test_a_prompt_costs_what_its_tokens_cost_one_by_one_if_masked_scores_are_left_out():
    net = la.zoo.symbolic("gpt2")[0]
    nominal, effective = la.decoding(net, P, n), la.decoding(net, P, n, effective=True)
    assert la.simplify(effective.prefill - effective.by_steps) == 0
    assert la.simplify(effective.decode - nominal.decode) == 0
    depth, features = la.dims("depth features")
    assert la.simplify(nominal.prefill - nominal.by_steps - depth * features * P * (P - 1)) == 0


@pytest.mark.parametrize("window", [pytest.param(None, marks=LATER), 3])
def test_pytorchs_counter_with_a_cache(window):
    """A grouped attention with its cache, written by hand, over a prompt and then token by token."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    heads, groups, width, features = 4, 2, 4, 16
    maps = [torch.nn.Linear(features, count * width, bias=False) for count in (heads, groups, groups)]
    last = torch.nn.Linear(heads * width, features, bias=False)

    def attention(x, cache):
        q, k, v = (part(x).reshape(len(x), -1, width).transpose(0, 1) for part in maps)
        if cache is not None:
            k, v = (torch.cat([old, new], 1) for old, new in zip(cache, (k, v)))
        if window is not None and len(x) == 1:
            k, v = k[:, -window:], v[:, -window:]
        scores = q @ k.repeat_interleave(heads // groups, 0).transpose(1, 2)
        made = torch.softmax(scores, -1) @ v.repeat_interleave(heads // groups, 0)
        return last(made.transpose(0, 1).reshape(len(x), -1)), (k, v)

    def counted(x, cache):
        with FlopCounterMode(display=False) as counter:
            _, cache = attention(x, cache)
        return counter.get_total_flops() // 2, cache

    layer = la.RotaryAttention(heads, groups, reach=window)
    found = la.decoding(layer, P, n, on=(20, features))
    for prompt, tokens in ((1, 4), (5, 3)):
        work, cache = counted(torch.zeros(prompt, features), None)
        assert found.prefill.subs(P, prompt) == work
        steps = []
        for _ in range(tokens):
            work, cache = counted(torch.zeros(1, features), cache)
            steps.append(work)
        assert [found.step_at(t) for t in range(prompt + 1, prompt + tokens + 1)] == steps
        assert found.decode.subs({P: prompt, n: tokens}) == sum(steps)


def test_symbols_of_the_user_are_nobody_elses():
    """Sizes called like what is counted: tokens, past, t."""
    tokens, past, t = la.dims("tokens past t")
    layer = la.RelativeAttention(2, T, causal=True)
    plain = la.decoding(layer, P, n, on=(T, d))
    for size, prompt, made in ((tokens, past, t), (t, tokens, past)):
        found = la.decoding(la.RelativeAttention(2, size, causal=True), prompt, made, on=(size, d))
        to = {T: size, P: prompt, n: made}
        assert la.simplify(found.decode - plain.decode.xreplace(to)) == 0
        assert (
            la.simplify(
                found.step.xreplace({found.position: prompt}) - plain.step.xreplace({plain.position: prompt, T: size})
            )
            == 0
        )
    assert la.decoding(layer, t, n, on=(T, d)).position != t


def test_where_it_holds():
    found = la.decoding(la.zoo.gpt2(depth=1), P, n)
    assert found.derivations["decode"](P=1000, n=24) == la.decoding(la.zoo.gpt2(depth=1), 1000, 24).decode
    with pytest.raises(la.DomainError, match="hold all tokens"):
        found.derivations["decode"](P=1000, n=25)
    with pytest.raises(la.ShapeError, match="1024 places"):
        la.decoding(la.zoo.gpt2(), 1000, 25)
    with pytest.raises(la.ShapeError, match="1024 places"):
        found.cache_at(1025)
    reach = la.dims("W")
    windowed = la.decoding(la.RotaryAttention(2, reach=reach), P, n, on=(T, d)).derivations["decode"]
    with pytest.raises(la.DomainError):
        windowed(P=3, n=2, W=1, d=4)
    assert T not in windowed.symbols  # the axis may be as long as need be


def test_arguments():
    layer, on = la.GRU(3), (5, 2)
    for words, what in (
        (dict(metric="parameters"), "does not add"),
        (dict(metric="depth"), "does not add"),
        (dict(metric="mac"), "takes a metric"),
        (dict(prompt=-1), "prompt"),
        (dict(prompt=1.5), "prompt"),
        (dict(tokens=0), "tokens"),
        (dict(tokens="n"), "tokens"),
    ):
        with pytest.raises(la.FieldError, match=what):
            la.decoding(layer, **{"prompt": 2, "tokens": 1, "on": on, **words})
    with pytest.raises(la.UnsupportedError, match="has no step"):
        la.decoding(la.MultiHeadAttention(2), 2, 1, on=(4, 4))
    fixed = la.Formula("y[t, f] = w[t, f]*x1[t, f]\nwhere t < 5")
    assert la.decoding(fixed, 0, 5, on=(5, 2), metric="flops").decode == 10
    with pytest.raises(la.ShapeError, match="no other number"):
        la.decoding(fixed, 2, 1, on=(5, 2))
