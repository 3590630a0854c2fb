"""What training keeps of the forward pass: against published formulas, against PyTorch's own hooks, and by counting."""

from __future__ import annotations

import pytest
from sympy import expand

import layeralgebra as la

HALF = {"activations": 2, "statistics": 2}
"""Bytes in mixed precision, as the published formulas have them; masks have one."""


class Drop(la.Layer):
    """A dropout as in training."""

    rate: la.Number
    buffers = ("kept",)
    drawn = ("kept",)
    equation = "y[*t, f] = choose(kept[*t, f], x[*t, f]/(1 - rate), 0)"


class AttentionWithDropout(la.Layer):
    """Attention whose weights are dropped, as in training; without its last linear map."""

    heads: la.Dim
    rate: la.Number
    buffers = ("kept",)
    drawn = ("kept",)
    equation = """
        width = size(m)/heads
        q[n, i, e] = Q[n, e, m] * x[i, m] + qb[n, e]
        k[n, j, e] = K[n, e, m] * x[j, m] + kb[n, e]
        v[n, j, e] = V[n, e, m] * x[j, m] + vb[n, e]
        w[n, i, j] = q[n, i, e] * k[n, j, e]
        a[n, i, j] = softmax[j](w[n, i, j] / sqrt(width))
        p[n, i, j] = choose(kept[n, i, j], a[n, i, j]/(1 - rate), 0)
        y[i, (n, e)] = p[n, i, j] * v[n, j, e]
        where n < heads, e < width
    """


def parts(h, a, rate):
    attention = AttentionWithDropout(a, rate) >> la.Linear(h) >> Drop(rate)
    perceptron = la.Linear(4 * h) >> la.GELU() >> la.Linear(h) >> Drop(rate)
    return attention, perceptron


def layer(h, a, rate):
    attention, perceptron = parts(h, a, rate)
    return (la.Identity() + (la.LayerNorm() >> attention)) >> (la.Identity() + (la.LayerNorm() >> perceptron))


def kept(net, on, **options):
    return expand(la.saved_activations(net, on=on, unit="bytes", itemsize=HALF, **options))


def test_the_published_formula_of_a_transformer_layer():
    """Korthikanti et al. 2022 (arXiv 2205.05198), section 4: 34 s b h + 5 a s^2 b bytes a layer, of which 11 s b h + 5 a s^2 b for the
    attention, 19 s b h for the perceptron and 4 s b h for the norms.

    They leave out the means and deviations of the norms, one each for every word: 4 s b numbers in two norms.
    """
    s, b, h, a, L, rate = la.dims("s b h a L rate")
    # a part's first layer needs a norm or a linear map before it, since nobody asks for the gradient of the data
    attention, perceptron = parts(h, a, rate)
    norms = 4 * s * b * h + 8 * s * b
    first = kept(la.LayerNorm(), (s, h), batch=b)
    assert expand(2 * first - norms) == 0
    assert expand(kept(la.LayerNorm() >> attention, (s, h), batch=b) - first - 11 * s * b * h - 5 * a * s**2 * b) == 0
    assert expand(kept(la.LayerNorm() >> perceptron, (s, h), batch=b) - first - 19 * s * b * h) == 0
    whole = 34 * s * b * h + 5 * a * s**2 * b + 8 * s * b
    assert expand(kept(layer(h, a, rate), (s, h), batch=b) - whole) == 0
    assert expand(kept(layer(h, a, rate) ** L, (s, h), batch=b) - L * whole) == 0


def test_the_published_formula_with_full_recomputation():
    """The same paper: 2 s b h bytes a layer if only what enters each is kept."""
    s, b, h, a, L, rate = la.dims("s b h a L rate")
    assert expand(kept(layer(h, a, rate) ** L, (s, h), batch=b, recompute="block") - 2 * L * s * b * h) == 0


@pytest.mark.parametrize(("s", "h", "a"), [(2048, 6144, 64), (2048, 12288, 96), (2048, 20480, 128)])
def test_the_published_formula_with_selective_recomputation(s, h, a):
    """The same paper, at the sizes of its 22B model, of GPT-3 and of its 530B model: 34 s b h bytes a layer.

    Means and deviations of the norms are computed again, too.
    """
    b, L, rate = la.dims("b L rate")
    found = kept(layer(h, a, rate) ** L, (s, h), batch=b, recompute="selective")
    assert expand(found - 34 * L * b * s * h) == 0


def test_the_published_formula_with_selective_recomputation_in_symbols():
    """Sequences of 1024 q words and 64 c heads of 128 features, whatever q, c, batch and depth are: 34 s b h a layer."""
    q, c, b, L, rate = la.dims("q c b L rate")
    s, a = 1024 * q, 64 * c
    h = 128 * a
    assert expand(kept(layer(h, a, rate) ** L, (s, h), batch=b, recompute="selective") - 34 * L * b * s * h) == 0
    d, few, S = la.dims("d few S")
    with pytest.raises(
        la.UnsupportedError, match="depends on sizes that are symbols"
    ):  # of short sequences other tensors are worth it
        kept(layer(d, few, rate), (S, d), batch=b, recompute="selective")


def test_a_tensor_that_several_layers_keep_counts_once():
    n = la.dims("n")
    dense = la.Linear(n)
    assert la.saved_activations(dense, on=(n,)) == n
    assert la.saved_activations(dense + dense, on=(n,)) == n  # both read what enters
    assert (
        la.saved_activations(dense >> la.Sigmoid() >> dense, on=(n,)) == 2 * n
    )  # the sigmoid's output enters the next
    assert la.saved_activations(dense >> la.Sigmoid() >> la.Tanh() >> dense, on=(n,)) == 3 * n
    assert (
        la.saved_activations(dense >> la.Dropout(0.5) >> la.Reshape((1, n)) >> la.Flatten() >> dense, on=(n,)) == 2 * n
    )
    assert la.saved_activations(dense * dense, on=(n,)) == 3 * n
    graph = la.Graph(
        {"a": dense, "b": dense, "c": dense, "+": la.Mul()},
        [("a", "b"), ("a", "c"), ("b", "+"), ("c", "+"), ("a", "+")],
    )
    assert la.saved_activations(graph, on=(n,)) == 4 * n


def test_what_needs_no_gradient_keeps_nothing():
    n, t = la.dims("n t")
    for net in (la.Sigmoid(), la.Softmax() >> la.GELU(), la.Identity() * la.Sigmoid(), la.Sigmoid() ** t):
        assert la.saved_activations(net, on=(t, n)) == 0
    assert la.saved_activations(la.Sigmoid() >> la.Linear(n), on=(t, n)) == n * t


BODIES = {
    "keeps what enters": lambda n: la.Linear(n),
    "keeps what leaves": lambda n: la.Linear(n, bias=False) >> la.Sigmoid(),
    "keeps neither": lambda n: la.Identity() + (la.LeakyReLU() >> la.LayerNorm() >> la.Linear(n)),
    "keeps what leaves alone": lambda n: la.LeakyReLU() + la.Identity() >> la.Linear(n) >> la.Tanh(),
    "learns nothing": lambda n: la.Sigmoid(),
    "keeps nothing of its own": lambda n: la.Identity() + la.Linear(n),
    "is a product": lambda n: la.Linear(n) * la.Sigmoid(),
    "is repeated": lambda n: (la.Linear(n) >> la.Sigmoid()) ** 2,
}


@pytest.mark.parametrize("learned", [False, True], ids=["data enters", "something learned before"])
@pytest.mark.parametrize("recompute", ["none", "block"])
@pytest.mark.parametrize("body", BODIES)
def test_a_repetition_keeps_what_its_copies_keep(body, recompute, learned):
    """The closed form at some depths against copies written one after the other."""
    n, L = la.dims("n L")
    block = BODIES[body](n)
    before = la.Linear(n) if learned else la.Identity()
    formula = la.saved_activations(before >> block**L >> la.Tanh() >> la.Linear(n), on=(4, n), recompute=recompute)
    for copies in (1, 2, 3, 5):
        chain = before
        for _ in range(copies):  # a repetition of one copy is a block
            chain = chain >> (la.Repeat(block, 1) if recompute == "block" else block)
        if recompute == "block":
            chain = before >> la.Repeat(block, copies)
        written = la.saved_activations(chain >> la.Tanh() >> la.Linear(n), on=(4, n), recompute=recompute)
        assert expand(formula.subs(L, copies) - written) == 0, (copies, formula, written)


def test_blocks_keep_what_enters_them():
    n, L = la.dims("n L")
    block = la.Linear(4 * n) >> la.GELU() >> la.Linear(n)
    assert la.saved_activations(block**L, on=(n,), recompute="block") == L * n
    assert la.saved_activations(block, on=(n,), recompute="block") == n
    assert la.saved_activations(la.Input(n) >> block, recompute="block") == n
    assert la.saved_activations(la.Sigmoid(), on=(n,), recompute="block") == 0
    words = la.Input(n) >> la.Embedding(9, 4) >> la.Linear(4)
    assert la.saved_activations(words, recompute="block", unit="bytes") == 8 * n
    assert la.saved_activations((block**2) ** L, on=(n,), recompute="block") == L * n
    halving = (la.Conv(4, 3, padding=1) >> la.MaxPool(2)) ** 3
    assert la.saved_activations(halving, on=(4, 16, 16), recompute="block") == 4 * (16**2 + 8**2 + 4**2)


def test_kinds_and_their_bytes():
    V, d, t, b = la.dims("V d t b")
    words = la.Embedding(V, d)
    assert la.saved_activations(words, on=(t,)) == t
    assert la.saved_activations(words, on=(t,), unit="bytes") == 8 * t
    assert la.saved_activations(words, on=(t,), unit="bytes", itemsize={"indices": 4}, batch=b) == 4 * b * t
    norm = la.LayerNorm()
    assert (
        expand(la.saved_activations(norm, on=(t, d), unit="bytes", itemsize={"activations": 2}) - 2 * t * d - 8 * t)
        == 0
    )
    dropped = la.Linear(d) >> Drop(d)
    assert expand(la.saved_activations(dropped, on=(t, d), unit="bytes") - 5 * t * d) == 0


def test_what_is_no_option_is_refused():
    net = la.Linear(3)
    for options in (
        {"unit": "bits"},
        {"policy": "jax"},
        {"recompute": "some"},
        {"itemsize": {"weights": 2}},
        {"itemsize": 2},
    ):
        with pytest.raises(la.FieldError):
            la.saved_activations(net, on=(3,), **options)
    with pytest.raises(la.UnsupportedError, match="recompute"):
        la.saved_activations(net, on=(3,), policy="pytorch", recompute="selective")
    with pytest.raises(la.FieldError, match="draws"):
        type("Wrong", (la.Layer,), {"drawn": ("k",), "equation": "y[i] = x[i]", "__annotations__": {}})


# PyTorch itself --------------------------------------------------------------------------------------------------------

MODELS = """alexnet vgg11 vgg11_bn vgg16 vgg19_bn squeezenet1_0 squeezenet1_1 resnet18 resnet34 resnet50 resnet101 wide_resnet50_2
resnext50_32x4d densenet121 densenet169 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet0_5 mnasnet1_3 shufflenet_v2_x0_5
shufflenet_v2_x2_0 efficientnet_b0 efficientnet_b3 efficientnet_v2_s regnet_x_400mf regnet_x_8gf regnet_y_400mf regnet_y_8gf convnext_tiny
convnext_base googlenet inception_v3 swin_t maxvit_t""".split()


def by_pytorch(module, *inputs):
    from oracles.saved_by_pytorch import prepared, saved

    return sum(size for _, size in saved(prepared(module), *inputs).values())


@pytest.mark.parametrize("name", MODELS)
def test_what_pytorch_keeps_of_published_networks(name):
    """Bytes of distinct storages in training, for two examples: equal. (Of Inception without its second classifier, which is trained with
    the network and is no part of it.)"""
    torch = pytest.importorskip("torch")
    try:
        from oracles.torchvision_models import model

        module = model(name)
    except Exception as reason:  # a build of torchvision for another PyTorch fails in many ways
        pytest.skip(f"torchvision does not load: {reason}")
    module.AuxLogits = None
    net = la.zoo.build(name)
    (shape,) = la.derive(la.output_shape, net).inputs
    found = la.saved_activations(net, policy="pytorch", batch=2, unit="bytes")
    assert found == by_pytorch(module, torch.empty(2, *map(int, shape), device="meta"))


def test_what_pytorch_keeps_of_a_vision_transformer():
    """Two more tensors of the size of the words in every layer: the attention without fused kernels multiplies queries and keys by a factor
    each and keeps the products, beside one tensor that holds queries, keys and values."""
    torch = pytest.importorskip("torch")
    try:
        from oracles.torchvision_models import model

        module = model("vit_b_16")
    except Exception as reason:
        pytest.skip(f"torchvision does not load: {reason}")
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        kept_there = by_pytorch(module, torch.empty(2, 3, 224, 224, device="meta"))
    found = la.saved_activations(la.zoo.build("vit_b_16"), policy="pytorch", batch=2, unit="bytes")
    assert kept_there - found == 4 * 2 * 12 * 2 * 197 * 768


def facts():
    """Each line of the table of facts about kernels, and layers of which the equation says all: a layer of each, and what enters."""
    import torch.nn as nn

    return {
        "relu": (la.ReLU(), nn.ReLU(), (3, 8, 8)),
        "extremum over windows": (la.MaxPool(2), nn.MaxPool2d(2), (3, 8, 8)),
        "mean over windows": (la.AvgPool(3, 2, padding=1), nn.AvgPool2d(3, 2, 1), (3, 8, 8)),
        "mean over other windows": (la.AdaptiveAvgPool(3), nn.AdaptiveAvgPool2d(3), (3, 8, 8)),
        "mean over one window": (la.AdaptiveAvgPool(1), nn.AdaptiveAvgPool2d(1), (3, 8, 8)),
        "running statistics": (la.BatchNorm(), nn.BatchNorm2d(3), (3, 8, 8)),
        "running statistics, nothing learned": (la.BatchNorm(affine=False), nn.BatchNorm2d(3, affine=False), (3, 8, 8)),
        "layer norm": (la.LayerNorm(), nn.LayerNorm(8), (4, 8)),
        "group norm": (la.GroupNorm(3), nn.GroupNorm(3, 6), (6, 8, 8)),
        "gelu": (la.GELU(), nn.GELU(), (5,)),
        "gelu, approximate": (la.GELU(approximate=True), nn.GELU(approximate="tanh"), (5,)),
        "silu": (la.SiLU(), nn.SiLU(), (5,)),
        "sigmoid": (la.Sigmoid(), nn.Sigmoid(), (5,)),
        "tanh": (la.Tanh(), nn.Tanh(), (5,)),
        "softplus": (la.Softplus(), nn.Softplus(), (5,)),
        "softmax": (la.Softmax(), nn.Softmax(-1), (4, 5)),
        "hardswish": (la.Hardswish(), nn.Hardswish(), (5,)),
        "hardsigmoid": (la.Hardsigmoid(), nn.Hardsigmoid(), (5,)),
        "hardtanh": (la.ReLU6(), nn.ReLU6(), (5,)),
        "leaky relu": (la.LeakyReLU(), nn.LeakyReLU(), (5,)),
        "linear": (la.Linear(4), nn.Linear(5, 4), (3, 5)),
        "convolution": (la.Conv(6, 3, padding=1, groups=3), nn.Conv2d(3, 6, 3, padding=1, groups=3), (3, 8, 8)),
    }


@pytest.mark.parametrize(
    "name",
    ["relu", "extremum over windows", "mean over windows", "mean over other windows", "mean over one window", "running statistics",
     "running statistics, nothing learned", "layer norm", "group norm", "gelu", "gelu, approximate", "silu", "sigmoid", "tanh", "softplus",
     "softmax", "hardswish", "hardsigmoid", "hardtanh", "leaky relu", "linear", "convolution"],
)  # fmt: skip
def test_the_facts_about_kernels(name):
    """One layer behind a learned factor, in PyTorch and here."""
    torch = pytest.importorskip("torch")
    from oracles.saved_by_pytorch import saved

    layer, module, shape = facts()[name]
    factor = torch.nn.Parameter(torch.empty(1))

    class Behind(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor, self.part = factor, module

        def forward(self, x):
            return self.part(x + self.factor)

    there = sum(size for _, size in saved(Behind().to("meta").train(), torch.empty(2, *shape, device="meta")).values())

    net = Shifted() >> layer
    assert la.saved_activations(net, on=shape, policy="pytorch", batch=2, unit="bytes") == there


class Shifted(la.Layer):
    """Something learned, of which the backward pass reads nothing."""

    equation = """
        y[*i] = x[*i] + c[k]
        where k < 1
    """


def test_a_network_of_several_outputs_that_is_computed_again_keeps_what_enters() -> None:
    ends = la.Graph({"f": la.Linear(4), "m": la.Linear(2), "v": la.ReLU()}, [("f", "m"), ("f", "v")])
    assert la.saved_activations(ends, on=(5, 3), recompute="block") == 5 * 3
    for name in ("m", "v"):
        assert la.saved_activations(ends[name], on=(5, 3), recompute="block") == 5 * 3
    n = la.dims("n")
    cell = type(
        "Cell",
        (la.Layer,),
        {"equation": "c[o] = W[o, i]*x[i]\nh[o] = tanh(c[o])\nwhere o < size(i)", "outputs": ("h", "c")},
    )()
    assert la.saved_activations(cell, on=(n,), recompute="block") == n
    assert la.saved_activations(la.ReLU() >> cell, on=(n,), recompute="block") == n
