"""Equations that call layers, against the network of the same layers and against the block in one equation by hand."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pytest

import layeralgebra as la
from layeralgebra import Dim, Layer
from layeralgebra.layers.recurrent import LSTMCell

COUNTED = ("parameters", "macs", "flops")


class Bottleneck(Layer):
    c: Dim
    equation = """
        h = relu(BatchNorm()(Conv(c, 3, padding=1, bias=False)(x)))
        y = relu(x + BatchNorm()(Conv(4*c, 1, bias=False)(h)))
    """


def made(text: str, **attributes: Any) -> Any:
    """A layer of a class with that equation."""
    return type(Layer)("Made", (Layer,), {"equation": text, **attributes})()


class Feedforward(Layer):
    """A block in the words of a paper."""

    equation = """
        z = LayerNorm()(x)
        h = relu(Linear(4*size(m))(z))
        g = Linear(size(m))(h)
        y[t, m] = x[t, m] + g[t, m]
    """


class Whole(Layer):
    """The same in one equation."""

    equation = """
        u[t] = mean[f](x[t, f])
        v[t] = mean[f]((x[t, f] - u[t]) * (x[t, f] - u[t]))
        z[t, f] = a[f] * (x[t, f] - u[t]) / sqrt(v[t] + 1e-5) + c[f]
        h[t, o] = relu(V[o, f]*z[t, f] + b[o])
        y[t, m] = x[t, m] + W[m, o]*h[t, o] + d[m]
        where o < 4*size(f)
    """


def test_a_block_as_a_paper_writes_it() -> None:
    T, n = la.dims("T n")
    net = la.Identity() + (la.LayerNorm() >> la.Linear(4 * n) >> la.ReLU() >> la.Linear(n))
    for name in COUNTED:
        metric = getattr(la, name)
        assert (metric(Feedforward(), on=(T, n)) - metric(net, on=(T, n))).equals(0)
        if name != "flops":
            assert metric(Feedforward(), on=(T, n)).equals(metric(Whole(), on=(T, n)))
    assert la.output_shape(Feedforward(), on=(T, n)) == (T, n)
    assert la.check(Feedforward, examples=4).ok


def test_numbers_are_those_of_the_block_in_one_equation() -> None:
    source = np.random.default_rng(0)
    x = source.normal(size=(3, 2))
    own = {"V": (8, 2), "b": (8,), "W": (2, 8), "d": (2,), "a": (2,), "c": (2,)}
    weights = {name: source.normal(size=shape) for name, shape in own.items()}
    called = {
        "V": "Linear_1_W",
        "b": "Linear_1_b",
        "W": "Linear_2_W",
        "d": "Linear_2_b",
        "a": "LayerNorm_g",
        "c": "LayerNorm_b",
    }
    again = {called[name]: value for name, value in weights.items()}
    expected = la.run(Whole(), x, weights)
    np.testing.assert_allclose(la.run(Feedforward(), x, again), expected)
    pytest.importorskip("torch")
    import torch

    module = la.to_torch(Feedforward(), on=(3, 2), weights=again).double()
    found = module(torch.tensor(x)[None])[0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_convolutions_and_their_buffers() -> None:
    c, H, W = la.dims("c H W")
    inside = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU() >> la.Conv(4 * c, 1, bias=False)
    net = (la.Identity() + (inside >> la.BatchNorm())) >> la.ReLU()
    for name in COUNTED:
        assert (getattr(la, name)(Bottleneck(c), on=(4 * c, H, W)) - getattr(la, name)(net, on=(4 * c, H, W))).equals(0)
    assert la.receptive_field(Bottleneck(c), on=(4 * c, H, W)) == la.receptive_field(net, on=(4 * c, H, W))
    assert Bottleneck(c).buffers == ("BatchNorm_1_m", "BatchNorm_1_v", "BatchNorm_2_m", "BatchNorm_2_v")
    assert pickle.loads(pickle.dumps(Bottleneck(2))).buffers == Bottleneck(2).buffers


def test_a_layer_with_a_name_shares_its_weights() -> None:
    T = la.dims("T")
    twice = made("f = Linear(5)\nh = f(x)\ny = f(relu(h))")
    apart = made("h = Linear(5)(x)\ny = Linear(5)(relu(h))")
    assert la.parameters(twice, on=(T, 5)) == 30 and la.parameters(apart, on=(T, 5)) == 60
    assert la.macs(twice, on=(T, 5)) == la.macs(apart, on=(T, 5)) == 50 * T
    shared = la.Linear(5).shared("f")
    assert la.parameters(shared >> la.ReLU() >> shared, on=(T, 5)) == 30
    x, W, b = np.array([[1, -2]]), np.array([[1, 2], [-3, 1]]), np.array([1, 0])
    found = la.run(made("f = Linear(2)\ny = f(relu(f(x)))"), x, {"f_W": W, "f_b": b})
    assert found.tolist() == (np.maximum(x @ W.T + b, 0) @ W.T + b).tolist()
    with pytest.raises(la.LayerAlgebraError, match="f_W"):
        la.parameters(twice, on=(T, 4))  # one matrix cannot have five columns and four


def test_several_outputs_and_layers_of_ones_own() -> None:
    class Step(Layer):
        n: Dim
        inputs = ("x", "h0", "c0")
        namespace = {"Cell": LSTMCell}
        equation = """
            h, c = Cell(n)(x, h0, c0)
            y = h + c
        """

    n, m = la.dims("n m")
    on = [(m,), (n,), (n,)]
    assert la.output_shape(Step(n), on=on) == (n,)
    for name in ("parameters", "macs"):
        assert getattr(la, name)(Step(n), on=on).equals(getattr(la, name)(LSTMCell(n), on=on))
    assert la.check(Step, examples=3).ok


def test_an_output_has_indices_in_a_line_with_indices() -> None:
    text = "y[t, o] = s[o] * Linear(4)(x)[t, o]"
    assert la.parameters(made(text), on=(3, 2)) == 12 + 4 and la.output_shape(made(text), on=(3, 2)) == (3, 4)


def test_latex_is_that_of_lines_with_names_of_their_own() -> None:
    text = la.latex_equation(made("f = Linear(5)\ny = f(f(x))"), (3, 5))
    assert "{f_{W}}_{" in text and "}_{W}_{" not in text.replace("{f_{W}}_{", "")


@pytest.mark.parametrize(
    "text, message",
    [
        ("y = Linear(2)", "nothing calls it"),
        ("f = Linear(2)\ny = relu(x)", "nothing calls it"),
        ("y = Linear(2)(x, x)", "takes 1 input"),
        ("y = Linear(2)(x[t])", "without indices"),
        ("y = Linear(2)(3)", "here is none"),
        ("y = Linear(2)(h)", "none that is defined before"),
        ("y = Linear(2, 3, 4)(x)", "takes 2 value"),
        ("y = Linear(width=2)(x)", "no field"),
        ("y = Linear(-2)(x)", "Linear"),
        ("y = Linear(2)(x)\ny = Linear(2)(x)", "defined twice"),
        ("y[i] = Linear(2)(x)", "indices of what this layer gives are missing"),
        ("y = Linear(2)(x) * s[i]", "whole tensors"),
        ("y = sum[i](Linear(2)(x))", "speaks of indices"),
        ("a, b = Linear(2)(x)", "1 output"),
        ("y = Linear(2)(Linear)", "none that is defined before"),
        ("y = Lineal(2)(x)", "named function"),
        ("y = Conv(2, (3, 1))(x)", "tuple as the field"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(la.EquationError, match=message):
        la.parameters(made(text), on=(4, 3))


def test_a_namespace_holds_layers() -> None:
    with pytest.raises(la.FieldError, match="mapping from names to classes of layers"):
        made("y = Linear(2)(x)", namespace={"Linear": 3})


UNARY: dict[str, Any] = {
    "LayerNorm()": lambda: la.LayerNorm(), "Tanh()": lambda: la.Tanh(), "GELU()": lambda: la.GELU(), "ReLU()": lambda: la.ReLU(),
    "Softmax()": lambda: la.Softmax(), "RNN(3)": lambda: la.RNN(3), "MultiHeadAttention(1)": lambda: la.MultiHeadAttention(1),
    "GRU(2)": lambda: la.GRU(2), "Linear(3)": lambda: la.Linear(3), "Linear(2, bias=False)": lambda: la.Linear(2, bias=False),
    "RMSNorm()": lambda: la.RMSNorm(),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_draws_are_the_networks_of_their_layers(seed: int) -> None:
    """Lines that call layers one after the other and add what has one shape, and the graph of the same layers."""
    source = random.Random(seed)
    lines, known, nodes, edges = [], {"x": (3, 2)}, {"x": la.Input(3, 2)}, []
    for number in range(source.randint(1, 5)):
        name, argument = f"v{number}", source.choice(list(known))
        alike = [other for other in known if known[other] == known[argument]]
        if source.random() < 0.3 and len(alike) > 1:
            other = source.choice([one for one in alike if one != argument])
            lines.append(f"{name} = {argument} + {other}")
            nodes[name], known[name] = la.Add(), known[argument]
            edges += [(argument, name), (other, name)]
            continue
        text = source.choice(list(UNARY))
        lines.append(f"{name} = {text}({argument})")
        nodes[name] = UNARY[text]()
        known[name] = la.output_shape(nodes[name], on=known[argument])
        edges.append((argument, name))
    last = f"v{len(lines) - 1}"
    lines.append(f"y = relu({last})")
    nodes["y"] = la.ReLU()
    edges.append((last, "y"))
    net = la.Graph(nodes, edges, outputs=[name for name in nodes if not any(name == a for a, _ in edges)])
    net = net["y"] if net.several else net
    layer = made("\n".join(lines))
    for name in COUNTED:
        ours, theirs = getattr(la, name)(layer, on=(3, 2)), getattr(la, name)(net)
        assert ours == theirs, f"{name}: {ours} in place of {theirs}\n" + "\n".join(lines)
    assert la.output_shape(layer, on=(3, 2)) == la.output_shape(net)
    assert la.latex_equation(layer, (3, 2)).count("{") == la.latex_equation(layer, (3, 2)).count("}")
