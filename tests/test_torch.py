"""Layers against PyTorch: shapes, parameter counts and output values on random cases, in double precision.

The equations are independent of PyTorch's code, so agreement to 1e-5 on every case is evidence for their meaning and
for `layeralgebra.run`. All of this is skipped, visibly, where PyTorch is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import PROFILE
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.layers.recurrent import LSTMCell

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'layeralgebra[torch]'")
nn = torch.nn

cases = settings(max_examples=settings().max_examples if PROFILE == "full" else 10)  # each builds modules on both sides
seeds = st.integers(0, 2**31 - 1)
small = st.integers(1, 3)


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def agree(
    layer: la.Network,
    module: Any,
    x: np.ndarray,
    weights: dict[str, Any],
    call: Callable[[Any, Any], Any] | None = None,
) -> None:
    """One example through both; `call` applies the module to a batch of one."""
    module = module.double().eval()
    with torch.no_grad():
        batch = torch.from_numpy(x)[None]
        expected = (module(batch) if call is None else call(module, batch))[0].numpy()
    assert tuple(la.output_shape(layer, on=x.shape)) == expected.shape
    assert la.parameters(layer, on=x.shape) == sum(p.numel() for p in module.parameters())
    numbers = {name: np.asarray(array) for name, array in weights.items()}
    found = la.run(layer, x, numbers)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def randomised(module: Any, seed: int) -> Any:
    """Every parameter and statistic drawn at random, so that no default value hides a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
        for name, tensor in module.named_buffers():
            if tensor.is_floating_point():
                drawn = torch.rand if "var" in name else torch.randn
                tensor.copy_(drawn(tensor.shape, generator=generator) + (0.5 if "var" in name else 0))
    return module.double()


def array(tensor: Any) -> np.ndarray:
    return tensor.detach().double().numpy()


def per_axis(draw: Callable, numbers: st.SearchStrategy, axes: int) -> tuple[int, ...]:
    return tuple(draw(numbers) for _ in range(axes))


# convolutions --------------------------------------------------------------------------------------------------------


@cases
@given(data=st.data(), seed=seeds)
def test_conv(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes, groups = draw(small), draw(small)
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel, stride, dilation = (per_axis(draw, small, axes) for _ in range(3))
    padding = per_axis(draw, st.integers(0, 2), axes)
    bias = draw(st.booleans())
    sizes = tuple(draw(st.integers(d * (k - 1) + 1, d * (k - 1) + 5)) for d, k in zip(dilation, kernel))
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    module = convolution(inputs, outputs, kernel, stride, padding, dilation, groups, bias)
    layer = la.Conv(outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
    agree(layer, randomised(module, seed), random(seed, inputs, *sizes), conv_weights(module, groups))


def conv_weights(module: Any, groups: int) -> dict[str, np.ndarray]:
    """PyTorch has the groups' output channels one after the other; the equation has an axis for the groups."""
    weight = array(module.weight)
    found = {"W": weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])}
    if module.bias is not None:
        found["b"] = array(module.bias).reshape(groups, -1)
    return found


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@cases
@given(data=st.data(), seed=seeds)
def test_conv_with_same_padding(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes, inputs, outputs = draw(small), draw(small), draw(small)
    kernel, dilation = per_axis(draw, st.integers(1, 4), axes), per_axis(draw, st.integers(1, 2), axes)
    sizes = per_axis(draw, st.integers(1, 6), axes)
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    module = convolution(inputs, outputs, kernel, padding="same", dilation=dilation)
    layer = la.Conv(outputs, kernel, padding="same", dilation=dilation)
    agree(layer, randomised(module, seed), random(seed, inputs, *sizes), conv_weights(module, 1))


@cases
@given(data=st.data(), seed=seeds)
def test_causal_conv_is_a_conv_padded_before(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    kernel, dilation, stride, size = draw(st.integers(1, 4)), draw(small), draw(small), draw(st.integers(1, 8))
    margin = dilation * (kernel - 1)
    convolution = nn.Conv1d(2, 3, kernel, stride, dilation=dilation)
    module = nn.Sequential(nn.ConstantPad1d((margin, 0), 0.0), randomised(convolution, seed))
    layer = la.Conv(3, kernel, stride=stride, padding="causal", dilation=dilation)
    agree(layer, module, random(seed, 2, size), conv_weights(convolution, 1))


@cases
@given(data=st.data(), seed=seeds)
def test_conv_transpose(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes, groups = draw(small), draw(small)
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel, stride, dilation = (per_axis(draw, small, axes) for _ in range(3))
    padding = per_axis(draw, st.integers(0, 2), axes)
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    bias = draw(st.booleans())
    sizes = per_axis(draw, st.integers(1, 4), axes)
    settings_of_axes = zip(sizes, stride, padding, dilation, kernel, extra)
    assume(all((n - 1) * s - 2 * p + d * (k - 1) + e >= 0 for n, s, p, d, k, e in settings_of_axes))
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1]
    module = transposed(inputs, outputs, kernel, stride, padding, extra, groups, bias, dilation)
    layer = la.ConvTranspose(
        outputs,
        kernel,
        stride=stride,
        padding=padding,
        output_padding=extra,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    weight = array(randomised(module, seed).weight)
    weights = {"W": weight.reshape(groups, inputs // groups, *weight.shape[1:])}
    if bias:
        weights["b"] = array(module.bias)
    agree(layer, module, random(seed, inputs, *sizes), weights)


# pools ---------------------------------------------------------------------------------------------------------------


@cases
@given(data=st.data(), seed=seeds)
def test_max_pool(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes, ceil_mode = draw(small), draw(st.booleans())
    kernel, stride = per_axis(draw, st.integers(1, 4), axes), per_axis(draw, small, axes)
    dilation = per_axis(draw, st.integers(1, 2), axes)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    sizes = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), d * (k - 1) + 5))
        for d, k, p in zip(dilation, kernel, padding)
    )
    module = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1](
        kernel, stride, padding, dilation, ceil_mode=ceil_mode
    )
    layer = la.MaxPool(kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    agree(layer, module, random(seed, 2, *sizes), {})


@cases
@given(data=st.data(), seed=seeds)
def test_avg_pool(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes, ceil_mode, include = draw(small), draw(st.booleans()), draw(st.booleans())
    kernel, stride = per_axis(draw, st.integers(1, 4), axes), per_axis(draw, small, axes)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    # PyTorch refuses three-dimensional windows that are larger than the input without its padding.
    sizes = tuple(draw(st.integers(k if axes == 3 else max(1, k - 2 * p), k + 4)) for k, p in zip(kernel, padding))
    module = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)[axes - 1](kernel, stride, padding, ceil_mode, include)
    layer = la.AvgPool(kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=include)
    agree(layer, module, random(seed, 2, *sizes), {})


@cases
@given(data=st.data(), seed=seeds)
def test_adaptive_and_global_pools(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    axes = draw(small)
    sizes, output = per_axis(draw, st.integers(1, 7), axes), per_axis(draw, st.integers(1, 5), axes)
    module = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 1](output)
    agree(la.AdaptiveAvgPool(output), module, random(seed, 2, *sizes), {})
    x = random(seed, 3, *sizes)
    np.testing.assert_allclose(la.run(la.GlobalAvgPool(), x), x.reshape(3, -1).mean(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(la.run(la.GlobalMaxPool(), x), x.reshape(3, -1).max(axis=1))


# normalisation -------------------------------------------------------------------------------------------------------


@cases
@given(seed=seeds, affine=st.booleans(), channels=small, sizes=st.lists(st.integers(1, 4), max_size=3))
def test_batch_norm(seed: int, affine: bool, channels: int, sizes: list[int]) -> None:
    norm = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(sizes)]
    module = randomised(norm(channels, affine=affine), seed)
    weights = {"m": array(module.running_mean), "v": array(module.running_var)}
    if affine:
        weights |= {"g": array(module.weight), "b": array(module.bias)}
    agree(la.BatchNorm(affine=affine), module, random(seed, channels, *sizes), weights)


@cases
@given(seed=seeds, affine=st.booleans(), bias=st.booleans(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_layer_norm(seed: int, affine: bool, bias: bool, sizes: list[int]) -> None:
    module = randomised(nn.LayerNorm(sizes[-1], elementwise_affine=affine, bias=bias), seed)
    weights = {}
    if affine:
        weights["g"] = array(module.weight)
        if bias:
            weights["b"] = array(module.bias)
    agree(la.LayerNorm(affine=affine, bias=bias), module, random(seed, *sizes), weights)


@cases
@given(
    seed=seeds,
    affine=st.booleans(),
    groups=small,
    each=small,
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_group_norm(seed: int, affine: bool, groups: int, each: int, sizes: list[int]) -> None:
    assume(each * np.prod(sizes) > 1)
    module = randomised(nn.GroupNorm(groups, groups * each, affine=affine), seed)
    weights = (
        {"w": array(module.weight).reshape(groups, each), "b": array(module.bias).reshape(groups, each)}
        if affine
        else {}
    )
    agree(la.GroupNorm(groups, affine=affine), module, random(seed, groups * each, *sizes), weights)


@cases
@given(seed=seeds, affine=st.booleans(), channels=small, sizes=st.lists(st.integers(2, 4), min_size=1, max_size=3))
def test_instance_norm(seed: int, affine: bool, channels: int, sizes: list[int]) -> None:
    norm = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(sizes) - 1]
    module = randomised(norm(channels, affine=affine), seed)
    weights = {"g": array(module.weight), "b": array(module.bias)} if affine else {}
    agree(la.InstanceNorm(affine=affine), module, random(seed, channels, *sizes), weights)


@cases
@given(seed=seeds, affine=st.booleans(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_rms_norm(seed: int, affine: bool, sizes: list[int]) -> None:
    module = randomised(nn.RMSNorm(sizes[-1], eps=1e-6, elementwise_affine=affine), seed)
    weights = {"g": array(module.weight)} if affine else {}
    agree(la.RMSNorm(affine=affine), module, random(seed, *sizes), weights)


# linear, tables, attention -------------------------------------------------------------------------------------------


@cases
@given(seed=seeds, bias=st.booleans(), out=small, sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_linear(seed: int, bias: bool, out: int, sizes: list[int]) -> None:
    module = randomised(nn.Linear(sizes[-1], out, bias=bias), seed)
    weights = {"W": array(module.weight)} | ({"b": array(module.bias)} if bias else {})
    agree(la.Linear(out, bias=bias), module, random(seed, *sizes), weights)


@cases
@given(
    seed=seeds, vocabulary=st.integers(1, 9), features=small, sizes=st.lists(st.integers(1, 4), min_size=1, max_size=2)
)
def test_embedding(seed: int, vocabulary: int, features: int, sizes: list[int]) -> None:
    module = randomised(nn.Embedding(vocabulary, features), seed)
    words = np.random.default_rng(seed).integers(0, vocabulary, sizes)
    agree(la.Embedding(vocabulary, features), module, words, {"E": array(module.weight)})


def attention_weights(module: Any, heads: int) -> dict[str, np.ndarray]:
    """The stacked projections of PyTorch as the equation's Q, K, V, O and their biases p, r, s, b."""
    features = module.embed_dim
    width = features // heads
    q, k, v = (
        part.reshape(heads, width, features) for part in array(module.in_proj_weight).reshape(3, features, features)
    )
    found = {"Q": q[:, None], "K": k, "V": v, "O": array(module.out_proj.weight)}
    if module.in_proj_bias is not None:
        p, r, s = (part.reshape(heads, width) for part in array(module.in_proj_bias).reshape(3, features))
        found |= {"p": p[:, None], "r": r, "s": s, "b": array(module.out_proj.bias)}
    return found


@cases
@given(seed=seeds, bias=st.booleans(), causal=st.booleans(), heads=small, width=small, time=st.integers(1, 5))
def test_multi_head_attention(seed: int, bias: bool, causal: bool, heads: int, width: int, time: int) -> None:
    module = randomised(nn.MultiheadAttention(heads * width, heads, bias=bias, batch_first=True), seed)
    hidden = torch.triu(torch.ones(time, time, dtype=torch.bool), diagonal=1) if causal else None
    agree(
        la.MultiHeadAttention(heads, causal=causal, bias=bias),
        module,
        random(seed, time, heads * width),
        attention_weights(module, heads),
        lambda attention, x: attention(x, x, x, attn_mask=hidden, need_weights=False)[0],
    )


@cases
@given(seed=seeds, sets=st.integers(1, 2), per_set=small, width=small, time=st.integers(1, 4), causal=st.booleans())
def test_grouped_query_attention(seed: int, sets: int, per_set: int, width: int, time: int, causal: bool) -> None:
    heads, features = sets * per_set, 3
    layer = la.MultiHeadAttention(heads, key_value_heads=sets, head_features=width, causal=causal, bias=False)
    weights = la.weights(layer, on=(time, features), seed=seed)
    x = random(seed, time, features)
    tensor = {name: torch.from_numpy(value) for name, value in weights.items()}
    query = torch.einsum("ngem,im->ngie", tensor["Q"], torch.from_numpy(x)).reshape(1, heads, time, width)
    key, value = (torch.einsum("nem,jm->nje", tensor[name], torch.from_numpy(x))[None] for name in "KV")
    mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=causal, enable_gqa=True)
    expected = mixed[0].permute(1, 0, 2).reshape(time, heads * width) @ tensor["O"].T
    np.testing.assert_allclose(la.run(layer, x, weights), expected.numpy(), rtol=1e-5, atol=1e-5)


@cases
@given(seed=seeds, heads=small, width=small, queries=st.integers(1, 4), keys=st.integers(1, 4), other=small)
def test_cross_attention(seed: int, heads: int, width: int, queries: int, keys: int, other: int) -> None:
    features = heads * width
    module = randomised(nn.MultiheadAttention(features, heads, kdim=other, vdim=other, batch_first=True), seed)
    x, memory = random(seed, queries, features), random(seed + 1, keys, other)
    with torch.no_grad():
        source = torch.from_numpy(memory)[None]
        expected = module(torch.from_numpy(x)[None], source, source, need_weights=False)[0][0].numpy()
    p, r, s = (part.reshape(heads, width) for part in array(module.in_proj_bias).reshape(3, features))
    if other == features:
        parts = array(module.in_proj_weight).reshape(3, heads, width, features)
    else:
        parts = [
            array(part).reshape(heads, width, -1)
            for part in (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
        ]
    projections = dict(zip("QKV", parts))
    weights = projections | {
        "p": p,
        "r": r,
        "s": s,
        "O": array(module.out_proj.weight),
        "b": array(module.out_proj.bias),
    }
    layer = la.CrossAttention(heads)
    assert la.parameters(layer, on=[x.shape, memory.shape]) == sum(q.numel() for q in module.parameters())
    np.testing.assert_allclose(la.run(layer, [x, memory], weights), expected, rtol=1e-5, atol=1e-5)


# recurrences ---------------------------------------------------------------------------------------------------------

GATES: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    # The order in which PyTorch stacks the gates, in the letters of the equations.
    "RNN": (la.RNN, nn.RNN, ("",)),
    "GRU": (la.GRU, nn.GRU, ("r", "z", "n")),
    "LSTM": (la.LSTM, nn.LSTM, ("a", "r", "g", "q")),
}


@pytest.mark.parametrize("name", sorted(GATES))
@cases
@given(seed=seeds, bias=st.booleans(), time=st.integers(1, 5), inputs=small, hidden=small)
def test_recurrences(name: str, seed: int, bias: bool, time: int, inputs: int, hidden: int) -> None:
    layer, recurrence, gates = GATES[name]
    module = randomised(recurrence(inputs, hidden, bias=bias, batch_first=True), seed)
    weights = {}
    for letter, ours in (("W", module.weight_ih_l0), ("U", module.weight_hh_l0)):
        for gate, part in zip(gates, array(ours).reshape(len(gates), hidden, -1)):
            weights[letter + gate] = part
    if bias:
        for letter, ours in (("b", module.bias_ih_l0), ("d", module.bias_hh_l0)):
            for gate, part in zip(gates, array(ours).reshape(len(gates), hidden)):
                weights[letter + gate] = part
    agree(layer(hidden, bias=bias), module, random(seed, time, inputs), weights, lambda rnn, x: rnn(x)[0])


CELLS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "GRU": (la.GRUCell, nn.GRUCell, ("r", "z", "n")),
    "LSTM": (LSTMCell, nn.LSTMCell, ("a", "r", "g", "q")),
}


@pytest.mark.parametrize("name", sorted(CELLS))
@cases
@given(seed=seeds, bias=st.booleans(), inputs=small, hidden=small)
def test_one_step_of_recurrences(name: str, seed: int, bias: bool, inputs: int, hidden: int) -> None:
    layer, cell, gates = CELLS[name]
    module = randomised(cell(inputs, hidden, bias=bias), seed)
    weights = {}
    for letter, ours in (("W", module.weight_ih), ("U", module.weight_hh)):
        for gate, part in zip(gates, array(ours).reshape(len(gates), hidden, -1)):
            weights[letter + gate] = part
    if bias:
        for letter, ours in (("b", module.bias_ih), ("d", module.bias_hh)):
            for gate, part in zip(gates, array(ours).reshape(len(gates), hidden)):
                weights[letter + gate] = part
    own, states = layer(hidden, bias=bias), 1 if name == "GRU" else 2
    arrays = [random(seed, inputs), *(random(seed + 1 + place, hidden) for place in range(states))]
    on = [one.shape for one in arrays]
    assert la.parameters(own, on=on) == sum(one.numel() for one in module.parameters())
    first, *rest = (torch.tensor(one, dtype=next(module.parameters()).dtype)[None] for one in arrays)
    made = module(first, rest[0] if name == "GRU" else tuple(rest))
    found = la.run(own, arrays, weights)
    pairs = [(found, made)] if name == "GRU" else list(zip(found.values(), made))
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, array(theirs)[0], rtol=1e-5, atol=1e-5)


# what moves or bends elements ----------------------------------------------------------------------------------------


@cases
@given(seed=seeds, factor=small, channels=small, height=small, width=small)
def test_rearrangements(seed: int, factor: int, channels: int, height: int, width: int) -> None:
    wide = random(seed, channels * factor**2, height, width)
    agree(la.PixelShuffle(factor), nn.PixelShuffle(factor), wide, {})
    large = random(seed, channels, factor * height, factor * width)
    agree(la.PixelUnshuffle(factor), nn.PixelUnshuffle(factor), large, {})
    agree(la.Upsample(factor), nn.Upsample(scale_factor=factor), random(seed, channels, height, width), {})
    agree(la.Flatten(), nn.Flatten(), random(seed, channels, height, width), {})
    shuffled = random(seed, channels * factor, height, width)
    agree(la.ChannelShuffle(factor), nn.ChannelShuffle(factor), shuffled, {})


ACTIVATIONS: dict[str, tuple[la.Network, Any]] = {
    "ReLU": (la.ReLU(), nn.ReLU()),
    "ReLU6": (la.ReLU6(), nn.ReLU6()),
    "LeakyReLU": (la.LeakyReLU(0.2), nn.LeakyReLU(0.2)),
    "Hardtanh": (la.Hardtanh(-2, 1), nn.Hardtanh(-2, 1)),
    "Hardswish": (la.Hardswish(), nn.Hardswish()),
    "Hardsigmoid": (la.Hardsigmoid(), nn.Hardsigmoid()),
    "Sigmoid": (la.Sigmoid(), nn.Sigmoid()),
    "Tanh": (la.Tanh(), nn.Tanh()),
    "Softplus": (la.Softplus(), nn.Softplus()),
    "ELU": (la.ELU(0.7), nn.ELU(0.7)),
    "GELU": (la.GELU(), nn.GELU()),
    "GELU by tanh": (la.GELU(approximate=True), nn.GELU(approximate="tanh")),
    "SiLU": (la.SiLU(), nn.SiLU()),
    "Mish": (la.Mish(), nn.Mish()),
    "Softmax": (la.Softmax(), nn.Softmax(dim=-1)),
    "Dropout": (la.Dropout(0.5), nn.Dropout(0.5)),
    "Identity": (la.Identity(), nn.Identity()),
}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations(name: str) -> None:
    layer, module = ACTIVATIONS[name]
    x = np.concatenate(
        [random(5, 2, 3, 8) * 4, np.array([-40.0, -6, -3, -1, 0, 1, 3, 40] * 6).reshape(2, 3, 8)], axis=1
    )
    agree(layer, module, x, {})


@pytest.mark.parametrize("per_channel", [False, True])
def test_prelu(per_channel: bool) -> None:
    module = randomised(nn.PReLU(3 if per_channel else 1), 7)
    agree(la.PReLU(per_channel), module, random(3, 3, 4, 5), {"a" if per_channel else "s": array(module.weight)})


def test_a_residual_network_of_many_kinds() -> None:
    """Series, sums, products and concatenations of the layers above, against the same network written in PyTorch."""

    class Reference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3, 2, 1)
            self.norm = nn.BatchNorm2d(4)
            self.inner = nn.Conv2d(4, 4, 3, padding=1)
            self.gate = nn.Conv2d(4, 4, 1)
            self.last = nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            x = self.norm(self.stem(x)).relu()
            x = x + self.inner(x).relu()
            gated = x * self.gate(x.mean(dim=(2, 3), keepdim=True)).sigmoid()
            both = torch.cat([x, gated], dim=1)
            return self.last(both.mean(dim=(2, 3)))

    module = randomised(Reference(), 11)
    net = (
        la.Conv(4, 3, stride=2, padding=1)
        >> la.BatchNorm()
        >> la.ReLU()
        >> (la.Identity() + (la.Conv(4, 3, padding=1) >> la.ReLU()))
        >> (la.Identity() | (la.Identity() * (la.AdaptiveAvgPool(1) >> la.Conv(4, 1) >> la.Sigmoid())))
        >> la.GlobalAvgPool()
        >> la.Linear(5)
    )
    stem, norm, inner = conv_weights(module.stem, 1), module.norm, conv_weights(module.inner, 1)
    gate = conv_weights(module.gate, 1)
    weights = {
        "0.W": stem["W"], "0.b": stem["b"], "1.g": array(norm.weight), "1.b": array(norm.bias), "1.m": array(norm.running_mean),
        "1.v": array(norm.running_var), "3.1.0.W": inner["W"], "3.1.0.b": inner["b"], "4.1.1.1.W": gate["W"], "4.1.1.1.b": gate["b"],
        "6.W": array(module.last.weight), "6.b": array(module.last.bias),
    }  # fmt: skip
    agree(net, module, random(2, 3, 7, 9), weights)
