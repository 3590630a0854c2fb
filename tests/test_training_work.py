"""The work of a training step against published formulas and against PyTorch's own counter over both passes."""

from __future__ import annotations

import pytest
from sympy import expand, simplify

import layeralgebra as la


def gpt():
    net, _ = la.zoo.symbolic("gpt2")
    V, T, d, L, h = la.dims("vocabulary context features depth heads")
    return net, V, T, d, L, h


def test_the_published_formula_of_gpt():
    """Narayanan et al. 2021 (arXiv 2104.04473), section 5.1: 72 B T L d^2 (1 + T/(6 d) + V/(12 L d)) operations without recomputation.

    They count two operations for a multiply-accumulate of the matrix products. What they leave out is the one sum of products in the softmax's
    backward pass, one for each score.
    """
    net, V, T, d, L, h = gpt()
    B = la.dims("B")
    published = 72 * B * T * L * d**2 * (1 + T / (6 * d) + V / (12 * L * d))
    left_out = 2 * B * L * h * T**2
    assert expand(2 * la.training_macs(net, batch=B) - published - left_out) == 0


def test_the_published_formula_of_gpt_with_full_recomputation():
    """The same paper, equation 3: 96 B T L d^2 (1 + T/(6 d) + V/(16 L d)); the layer of the words is not computed again."""
    net, V, T, d, L, h = gpt()
    published = 96 * T * L * d**2 * (1 + T / (6 * d) + V / (16 * L * d))
    assert expand(2 * la.training_macs(net, recompute="block") - published - 2 * L * h * T**2) == 0


def test_a_contraction_of_two_that_need_gradients_has_two():
    n, m, k = la.dims("n m k")
    net = la.Linear(m) >> la.ReLU() >> la.Linear(k)
    assert (
        expand(la.training_macs(net, on=(n,)) - (2 * n * m + 3 * m * k)) == 0
    )  # nobody asks for the gradient of the data
    assert expand(la.training_flops(la.Linear(m, bias=False), on=(n,)) - 4 * n * m) == 0


def test_the_first_copy_of_a_repetition_needs_no_gradient_of_the_data():
    n, L = la.dims("n L")
    repeated = la.Linear(n, bias=False) ** L
    formula = la.training_macs(repeated, on=(n,))
    assert expand(formula - (3 * L - 1) * n**2) == 0
    for copies in (1, 2, 5):
        chain = la.Linear(n, bias=False)
        for _ in range(copies - 1):
            chain = chain >> la.Linear(n, bias=False)
        assert expand(la.training_macs(chain, on=(n,)) - formula.subs(L, copies)) == 0


def test_branches_products_and_graphs():
    n = la.dims("n")
    dense = la.Linear(n, bias=False)
    assert expand(la.training_macs(dense >> (la.Identity() + dense), on=(n,)) - 5 * n**2) == 0
    assert expand(la.training_macs(dense * dense, on=(n,)) - 4 * n**2) == 0
    graph = la.Graph(
        {"a": dense, "b": dense, "c": dense, "+": la.Add()}, [("a", "b"), ("a", "c"), ("b", "+"), ("c", "+")]
    )
    assert expand(la.training_macs(graph, on=(n,)) - 8 * n**2) == 0
    assert (
        la.training_flops(graph, on=(n,)) - 2 * la.training_macs(graph, on=(n,)) == 2 * n
    )  # two sums, of values and of gradients


def test_words_have_no_gradient():
    V, d, t = la.dims("V d t")
    assert la.training_macs(la.Embedding(V, d), on=(t,)) == 0
    assert la.training_flops(la.Embedding(V, d), on=(t,)) >= d * t


def test_recomputation_of_what_is_cheap_lies_between():
    net = la.Input(8, 6) >> la.MultiHeadAttention(2) ** 2
    none, selective, block = (la.training_flops(net, recompute=how) for how in ("none", "selective", "block"))
    assert none < selective < block
    with pytest.raises(la.FieldError, match="recompute"):
        la.training_flops(net, recompute="some")


class TwoUses(la.Layer):
    """Gradients that are sums of terms, with a sum of their own and without."""

    out: la.Dim
    equation = """
        h[*i, o] = W[o, c]*x[*i, c]
        y[*i, o] = h[*i, o] + g[o]*relu(h[*i, o]) + g[o]*h[*i, o]
        where o < out
    """


@pytest.mark.parametrize("shape", ["d", "T d"])
@pytest.mark.parametrize("metric", [la.training_macs, la.training_flops], ids=["macs", "flops"])
def test_a_batch_is_an_axis_of_its_own(metric, shape):
    """B examples cost what one costs whose leading axis holds them: what adds gradients over examples is the sum over that axis."""
    B, d, m = la.dims("B d m")
    on = (d,) if shape == "d" else la.dims(shape)
    for net in (
        la.Linear(m),
        la.Linear(m, bias=False),
        la.Linear(m) >> la.GELU() >> la.Linear(d),
        la.LayerNorm(),
        la.RMSNorm(),
        la.Identity() + (la.LayerNorm() >> la.Linear(m) >> la.ReLU() >> la.Linear(d)),
        la.Linear(m) * (la.Linear(m) >> la.Sigmoid()),
        la.Linear(d).shared("f") ** 3,
        la.Linear(d) >> la.LayerNorm() >> la.Softmax(),
        TwoUses(m),
    ):
        for recompute in ("none", "block"):
            one, axis = metric(net, on=on, batch=B, recompute=recompute), metric(net, on=(B, *on), recompute=recompute)
            assert expand(one - axis) == 0, f"{net} on {on}, {recompute}: {one}, with an axis of examples {axis}"
        count = {"training_macs": la.macs, "training_flops": la.flops}[metric.name]
        lines = count(net, on=(B, *on)) + count(la.backward(net, on=(B, *on)))
        assert expand(metric(net, on=on, batch=B) - lines) == 0, f"{net} on {on}: its lines do {lines}"


def test_what_stands_in_a_repetition_is_computed_once_more():
    n, L = la.dims("n L")
    dense = la.Linear(n, bias=False)
    for net, inside in (
        ((dense**2) ** 3, dense**6),
        ((dense >> (dense >> la.ReLU()) ** 2) ** L, dense ** (3 * L)),
        (dense >> dense**L >> dense, dense**L),
        (dense + dense**2, dense**2),
    ):
        again = la.training_macs(net, on=(n,), recompute="block") - la.training_macs(net, on=(n,))
        assert expand(again - la.macs(inside, on=(n,))) == 0
    halving = (la.Conv(4, 3, padding=1) >> la.MaxPool(2)) ** 3  # of which no two copies have one shape
    net = (la.Conv(4, 3, padding=1) >> la.ReLU()) ** 2 >> halving
    again = la.training_macs(net, on=(4, 16, 16), recompute="block") - la.training_macs(net, on=(4, 16, 16))
    assert again == la.macs(net, on=(4, 16, 16))


CLASSIFIERS = (
    "alexnet",
    "vgg11",
    "vgg16",
    "squeezenet1_1",
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "densenet121",
    "vit_b_16",
)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_pytorchs_counter_over_both_passes(name):
    """Equal but for sums that PyTorch's counter knows no formula for: of a norm's scale over positions, and within a softmax's gradient.

    The counter's own formula for the gradient of a convolution overlooks groups, so that it is told here that each of the two products is
    as large as that of the forward pass.
    """
    torch = pytest.importorskip("torch")
    try:
        from oracles.torchvision_models import model

        module = model(name).train()
    except Exception as reason:  # a build of torchvision for another PyTorch fails in many ways
        pytest.skip(f"torchvision does not load: {reason}")
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    def backward(
        grad, x, w, _bias, _stride, _padding, _dilation, _transposed, _out, _groups, mask, out_shape=None, **_
    ):
        return 2 * grad[0] * w[0] * w[1] * w[2] * w[3] * grad[2] * grad[3] * (int(mask[0]) + int(mask[1]))

    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: backward})
    net = la.zoo.build(name)
    norms, softmaxes = [], []
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.register_forward_hook(lambda _part, _inputs, output: norms.append(output.numel()))
        if isinstance(part, torch.nn.MultiheadAttention):
            part.register_forward_hook(
                lambda one, inputs, _output: softmaxes.append(one.num_heads * inputs[0].shape[1] ** 2)
            )
    with counter, sdpa_kernel(SDPBackend.MATH):
        module(torch.empty(2, 3, 224, 224, device="meta")).sum().backward()
    assert la.training_macs(net) == counter.get_total_flops() // 4 + sum(norms) // 2 + sum(softmaxes)


def test_deriving_costs_nothing_for_depth():
    n, L = la.dims("n L")
    derivation = la.derive(la.training_macs, (la.Linear(n) >> la.ReLU()) ** L, on=(4, n))
    assert len(derivation.terms) == 2
    assert expand(derivation.formula.subs(L, 7) - (7 * 12 * n**2 - 4 * n**2)) == 0


def test_gradients_that_meet_where_branches_begin_are_added():
    """One add for each element of what the branches read, however wide the branches are, drawn as branches or as arrows."""
    n, m, L = la.dims("n m L")
    first, branch = la.Linear(n, bias=False), la.Linear(m, bias=False)
    join = {"+": la.Add()}
    arrows = la.Graph({"a": branch, "b": branch, **join}, [("a", "+"), ("b", "+")])
    inside = la.Graph({"f": first, "a": branch, "b": branch, **join}, [("f", "a"), ("f", "b"), ("a", "+"), ("b", "+")])
    for net in (first >> (branch + branch), first >> arrows, inside):
        macs, flops = la.training_macs(net, on=(n,)), la.training_flops(net, on=(n,))
        assert expand(macs - 2 * n**2 - 6 * n * m) == 0
        assert expand(flops - 2 * macs - m - n) == 0  # one sum of values, one of gradients
    wires = la.training_flops(first >> (la.Identity() + la.Identity()), on=(n,))
    assert expand(wires - 4 * n**2 - 2 * n) == 0


class TwoOutputs(la.Layer):
    out: la.Dim
    outputs = ("a", "b")
    equation = """
        a[t, o] = W[o, i]*x[t, i]
        b[t, o] = V[o, k]*tanh(a[t, k])
        where o < out
    """


def test_several_outputs_that_are_read():
    """A layer of two outputs is two layers, of which the second reads what the first makes."""
    n, t = la.dims("n t")
    dense = la.Linear(n, bias=False)
    two = la.Graph(
        {"f": dense, "two": TwoOutputs(n), "+": la.Add()},
        [("f", "two"), (("two", "a"), "+"), (("two", "b"), "+")],
    )
    parts = la.Graph(
        {"f": dense, "a": dense, "b": la.Tanh() >> dense, "+": la.Add()},
        [("f", "a"), ("a", "b"), ("a", "+"), ("b", "+")],
    )
    for metric in (la.training_macs, la.training_flops, la.saved_activations):
        assert expand(metric(two, on=(t, n)) - metric(parts, on=(t, n))) == 0, metric
    heads = la.Graph({"f": dense, "a": dense, "b": dense}, [("f", "a"), ("f", "b")], outputs=["a", "b"])
    assert expand(la.training_macs(heads, on=(n,)) - 8 * n**2) == 0
    assert expand(la.training_flops(heads, on=(n,)) - 16 * n**2 - n) == 0
    assert la.saved_activations(heads, on=(n,)) == 2 * n
    assert la.saved_activations(heads["a"], on=(n,)) == 2 * n


def test_a_gate_learns_through_a_contraction():
    """Of a product with a factor for each channel, the gradient of the factors is a sum of products over the positions."""
    c, p, q = la.dims("c p q")
    gate = la.GlobalAvgPool() >> la.Linear(c) >> la.Reshape((c, 1, 1))
    net = la.Conv(c, 1, bias=False) >> (la.Identity() * gate)
    derivation = la.derive(la.training_macs, net, on=(c, p, q))
    assert expand(derivation.formula - (2 * c**2 * p * q + 3 * c**2 + c * p * q)) == 0
    assert expand(sum(term.value for term in derivation.terms) - derivation.formula) == 0
    written = la.Formula("y[c, i, j] = x1[c, i, j]*x2[c, 0, 0]")  # the same as a layer
    graph = la.Graph({"f": la.Conv(c, 1, bias=False), "g": gate, "*": written}, [("f", "g"), ("f", "*"), ("g", "*")])
    assert expand(la.training_macs(graph, on=(c, p, q)) - derivation.formula) == 0
    assert expand(la.training_flops(graph, on=(c, p, q)) - la.training_flops(net, on=(c, p, q))) == 0


class Scaled(la.Layer):
    """A learned factor that is computed from two others, and of which every example has the same."""

    equation = """
        y[*i, o] = x[*i, o]*exp(g[o])*sigmoid(s[o])
    """


def test_sums_over_examples_are_added_to_each_other_once_a_step():
    """By hand, of ``y = h + g*relu(h) + g*h`` with ``h = W x``, on B examples of T positions.

    Forward, for each y: a relu, two products, two sums. Backward, for each gradient of h: a step, three products, two sums; for each summand
    of the gradient of g: two products, a relu, two sums; and for each g itself one sum, of both sums over examples and positions.
    """
    B, T, n, m = la.dims("B T n m")
    one = la.training_flops(TwoUses(m), on=(T, n), batch=B)
    assert expand(one - (B * T * m * (2 * n + 5) + B * T * m * (2 * n + 6 + 5) + m)) == 0
    back = la.backward(TwoUses(3), on=(4, 5))
    assert la.flops(back) == la.training_flops(TwoUses(3), on=(4, 5)) - la.flops(TwoUses(3), on=(4, 5)) == 255


def test_what_is_computed_from_weights_alone_adds_over_the_examples_before():
    """The sum over the examples is taken once: for exp(g) and sigmoid(s), whose own slopes then are elementwise and once a step."""
    B, T, d = la.dims("B T d")
    one = la.training_macs(Scaled(), on=(T, d), batch=B)
    assert expand(one - 2 * B * T * d) == 0
    assert expand(one - la.training_macs(Scaled(), on=(B, T, d))) == 0
    flops = la.training_flops(Scaled(), on=(T, d), batch=B)
    once = 2 * d + d + 3 * d  # exp and sigmoid, and their gradients from those of what they give
    assert expand(flops - B * T * d * (2 + 2 * 3) - once) == 0
    assert expand(flops - la.training_flops(Scaled(), on=(B, T, d))) == 0
    back = la.backward(Scaled(), on=(T, d))
    for count, both in ((la.macs, la.training_macs), (la.flops, la.training_flops)):
        assert expand(count(back) + count(Scaled(), on=(T, d)) - both(Scaled(), on=(T, d))) == 0


def test_attention_by_cosines_with_a_computed_bias():
    """By hand: three times every product; one for each score in the softmax's gradient and one in that of the scale of the scores.

    The coordinates of the bias's perceptron need no gradient, so that its first layer has two products, not three.
    """
    c, h, hidden = la.dims("c h hidden")
    side, window = 16, 8
    positions, pairs = side**2, window**2
    products = 4 * positions * c**2 + 2 * positions * pairs * c
    perceptron = (2 * window - 1) ** 2 * (2 * 2 * hidden + 3 * hidden * h)
    layer = la.CosineWindowAttention(h, window, hidden=hidden)
    net = la.Identity() >> la.Conv(c, 1, bias=False) >> layer
    before = 2 * positions * c**2
    one = before + 3 * products + 2 * positions * pairs * h
    B = la.dims("B")
    for number in (1, 2, B):
        assert expand(la.training_macs(net, on=(c, side, side), batch=number) - number * one - perceptron) == 0
    again = la.training_macs(net, on=(c, side, side), batch=B, recompute="block") - B * one - perceptron
    per_example, once = positions * c**2 + products, (2 * window - 1) ** 2 * (2 * hidden + hidden * h)
    assert expand(again - B * per_example - once) == 0


def test_parts_of_a_network_that_read_no_example_are_computed_once_a_step():
    """A learned vector goes through two linear maps and multiplies what the examples give.

    By hand: the gradient of the product is added over the examples where it leaves them; behind that, once a step, an outer product of two vectors
    is no contraction.
    """
    B, n, m = la.dims("B n m")
    chain = {"p": la.Parameter((n,)), "f": la.Linear(m, bias=False), "s": la.Sigmoid(), "g": la.Linear(n, bias=False)}
    arrows = [("x", "y"), ("p", "f"), ("f", "s"), ("s", "g"), ("g", "y")]
    net = la.Graph({"x": la.Linear(n, bias=False), "y": la.Mul(), **chain}, arrows)
    macs, flops = (metric(net, on=(n,), batch=B) for metric in (la.training_macs, la.training_flops))
    assert expand(macs - B * (2 * n**2 + n) - 4 * n * m) == 0
    per_example = (
        2 * 2 * n**2 + n + 3 * n
    )  # both products of x's map; the product; two more, and a sum over the examples
    once = (
        2 * 4 * n * m + 2 * n * m + m + 3 * m
    )  # two maps and their inputs' gradients; two outer products; the sigmoid and its slope
    assert expand(flops - B * per_example - once) == 0
    both = la.flops(net, on=(n,)) + la.flops(la.backward(net, on=(n,)))
    assert expand(flops.subs(B, 1) - both) == 0
    forward = B * n * (n + 1) - B * n + 2 * n * m
    assert expand(la.training_macs(net, on=(n,), batch=B, recompute="block") - macs - forward) == 0
    for metric, total in ((la.training_macs, macs), (la.training_flops, flops)):
        terms = la.derive(metric, net, on=(n,), batch=B).terms
        assert expand(sum(term.value for term in terms) - total) == 0
    deep = la.Graph(
        {"x": la.Linear(n), "y": la.Add(), "p": la.Parameter((n,)), "f": la.Linear(n) ** 3},
        [("x", "y"), ("p", "f"), ("f", "y")],
    )
    assert expand(la.training_macs(deep, on=(n,), batch=B) - 2 * B * n**2 - 6 * n**2) == 0


def test_what_reads_no_example_is_held_and_moved_once():
    """By hand: what is made of learned tensors alone is kept, held and moved once, and computed once, whatever the number of examples."""
    B, T, n, m = la.dims("B T n m")
    chain = {"p": la.Parameter((n,)), "f": la.Linear(m, bias=False), "s": la.Sigmoid(), "g": la.Linear(n, bias=False)}
    arrows = [("x", "y"), ("p", "f"), ("f", "s"), ("s", "g"), ("g", "y")]
    net = la.Graph({"x": la.Linear(n, bias=False), "y": la.Mul(), **chain}, arrows)
    kept = la.saved_activations(net, on=(n,), batch=B)
    assert expand(kept - (2 * B * n + m + n)) == 0  # what enters x and y; the sigmoid's result
    copies = la.Graph(
        {"x": la.Linear(n), "p": la.Parameter((n,)), "f": (la.Linear(n) >> la.Sigmoid()) ** 3, "y": la.Mul()},
        [("x", "y"), ("p", "f"), ("f", "y")],
    )
    assert expand(la.saved_activations(copies, on=(n,), batch=B) - (2 * B * n + 3 * n)) == 0
    block = la.saved_activations(copies, on=(n,), batch=B, recompute="block")
    assert (
        expand(block - (2 * B * n + 3 * n)) == 0
    )  # what enters two of the copies, and what y reads; the first copy reads p
    weights, vectors = (
        n**2 + 2 * n * m,
        3 * n + 4 * m,
    )  # each layer of the chain reads a vector and writes one, and y reads the last
    moved = la.elements_moved(net, on=(n,), batch=B)
    assert expand(moved - (4 * B * n + weights + vectors)) == 0
    work = la.intensity(net, on=(n,), batch=B, unit="elements") * moved
    assert expand(simplify(work) - (2 * B * n**2 + B * n + 4 * n * m + m)) == 0
    assert (
        la.peak_memory(copies, on=(n,), batch=B) == 2 * B * n + n
    )  # y, both that it reads, and one of the latter once
    scaled = la.saved_activations(Scaled(), on=(T, n), batch=B)
    assert expand(scaled - (B * T * n + 2 * n)) == 0  # what enters, exp and sigmoid
    assert expand(scaled - la.saved_activations(Scaled(), on=(B, T, n))) == 0
