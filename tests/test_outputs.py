"""Layers and networks of several outputs, against numbers made by hand, numpy written apart, and enumeration."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from language_agreement import disagreement
from random_equations import Draw, drawn, with_outputs

import layeralgebra as la
from layeralgebra import Dim, Layer


class Cell(Layer):
    """One step of a long short-term memory: what PyTorch calls LSTMCell, with one bias."""

    hidden: Dim
    inputs, outputs = ("x", "h0", "c0"), ("h", "c")
    equation = """
        a[o] = sigmoid(Wa[o, f]*x[f] + Ua[o, p]*h0[p] + ba[o])
        r[o] = sigmoid(Wr[o, f]*x[f] + Ur[o, p]*h0[p] + br[o])
        q[o] = sigmoid(Wq[o, f]*x[f] + Uq[o, p]*h0[p] + bq[o])
        g[o] = tanh(Wg[o, f]*x[f] + Ug[o, p]*h0[p] + bg[o])
        c[o] = r[o]*c0[o] + a[o]*g[o]
        h[o] = q[o]*tanh(c[o])
        where o < hidden
    """


class Narrow(Layer):
    """A window of three and the place itself, both from one product that is shared."""

    inputs, outputs = ("x",), ("wide", "own", "mean")
    equation = """
        s[i] = K[i] * x[i]
        wide[i] = w[u] * s[i + u]
        own[i] = s[i] * s[i]
        mean = mean[i](own[i])
        where u < 3
    """
    channel_axis = "first"


class Dead(Layer):
    """A line that nothing reads, and a first step from a line of its own that nothing comes to."""

    outputs = ("y",)
    equation = """
        y[o] = W[o, i] * x[i]
        z[o] = V[o, i] * x[i]
        where o < 2
    """


class Pair(Layer):
    """As many outputs as inputs."""

    inputs, outputs = ("a", "b"), ("left", "right")
    equation = """
        left[i] = w[i] * a[i]
        right[i] = v[i] * b[i] + a[i]
    """


ON: Any = [(3,), (5,), (5,)]


# layers ---------------------------------------------------------------------------------------------------------------


def test_a_cell_in_numbers() -> None:
    cell = Cell(5)
    assert la.output_shape(cell, on=ON) == {"h": (5,), "c": (5,)}
    assert la.parameters(cell, on=ON) == 4 * 5 * (3 + 5 + 1)
    assert la.macs(cell, on=ON) == 4 * 5 * (3 + 5)  # lines that both outputs read, once
    assert la.macs(cell["c"], on=ON) == 3 * 5 * (3 + 5)  # no output gate
    assert la.macs(cell["h"], on=ON) == la.macs(cell, on=ON)
    assert la.parameters(cell["c"], on=ON) == la.parameters(cell, on=ON)  # held, though not computed
    assert la.activations(cell, on=ON) == 10 and la.activations(cell["h"], on=ON) == 5


def test_a_cell_in_symbols() -> None:
    n, m = la.dims("n m")
    on = [(n,), (m,), (m,)]
    assert la.output_shape(Cell(m), on=on) == {"h": (m,), "c": (m,)}
    assert la.macs(Cell(m), on=on).equals(4 * m * (m + n))
    found = la.derive("macs", Cell(m), on=on)
    assert found(n=3, m=5) == 160 and found.kind == "exact" and not found.notes
    assert "(m,), (m,)" in found.steps[0].text


def test_a_cell_runs_as_numpy_does() -> None:
    source = np.random.default_rng(0)
    x, h0, c0 = source.normal(size=3), source.normal(size=5), source.normal(size=5)
    weights = {}
    for gate in "arqg":
        weights[f"W{gate}"], weights[f"U{gate}"] = source.normal(size=(5, 3)), source.normal(size=(5, 5))
        weights[f"b{gate}"] = source.normal(size=5)
    entering = {gate: weights[f"W{gate}"] @ x + weights[f"U{gate}"] @ h0 + weights[f"b{gate}"] for gate in "arqg"}
    gates = {gate: 1 / (1 + np.exp(-entering[gate])) for gate in "arq"}
    c = gates["r"] * c0 + gates["a"] * np.tanh(entering["g"])
    h = gates["q"] * np.tanh(c)
    found = la.run(Cell(5), [x, h0, c0], weights)
    assert list(found) == ["h", "c"]
    np.testing.assert_allclose(found["h"], h)
    np.testing.assert_allclose(found["c"], c)
    np.testing.assert_allclose(la.run(Cell(5)["c"], [x, h0, c0], weights), c)
    turned = la.run(Cell(5)["c", "h"], [x, h0, c0], weights)
    assert list(turned) == ["c", "h"]


def test_outputs_have_fields_and_shapes_of_their_own() -> None:
    net = Narrow()
    assert la.output_shape(net, on=(7,)) == {"wide": (5,), "own": (7,), "mean": ()}
    assert la.macs(net["own"], on=(7,)) < la.macs(net, on=(7,))
    found = la.run(net, [1, 2, 3, 4], {"K": [2, 2, 2, 2], "w": [1, 0, 1]})
    assert found["wide"].tolist() == [8, 12] and found["own"].tolist() == [4, 16, 36, 64] and found["mean"] == 30
    window = Layer.__class__("Window", (Layer,), {
        "equation": "wide[c, i] = w[u] * x[c, i + u]\nown[c, i] = 2*x[c, i]\nwhere u < 3", "outputs": ("wide", "own")
    })()  # fmt: skip
    fields = la.receptive_field(window, on=(2, 9))
    assert fields["wide"].size == (3,) and fields["own"].size == (1,)


def test_lines_for_no_output_are_noted_and_held() -> None:
    assert la.parameters(Dead(), on=(3,)) == 12 and la.macs(Dead(), on=(3,)) == 6
    (note,) = la.derive("macs", Dead(), on=(3,)).notes
    assert "lines z" in note and "compute nothing" in note
    assert not la.derive("macs", la.Linear(2), on=(3,)).notes
    assert "depends on z" in str(la.check(Dead, examples=3)["every_line_is_read"])
    assert "depends on every line" in str(la.check(Narrow, examples=3)["every_line_is_read"])


def test_a_first_step_that_nothing_comes_to_costs_nothing() -> None:
    class Reads(Layer):
        inputs = ("x", "h0")
        equation = """
            h[-1, o] = M[o, p] * h0[p]
            h[t, o] = x[t, o] + h[t-1, o]
        """
        channel_axis = "last"

    class Ignores(Layer):
        inputs = ("x", "h0")
        equation = """
            h[-1, o] = M[o, p] * h0[p]
            h[t, o] = x[t, o] + h[t-1, o]
            where t >= 1
        """
        channel_axis = "last"

    on: Any = [(4, 2), (3,)]
    assert la.macs(Reads(), on=on) == 6
    assert disagreement(Draw(Reads.equation, {}, ((4, 2), (3,)), ("x", "h0"))) is None
    assert disagreement(Draw(Ignores.equation, {}, ((4, 2), (3,)), ("x", "h0"))) in (None, "refused")


@pytest.mark.parametrize("kind", [Cell, Narrow, Pair])
def test_the_laws_hold(kind: type[Layer]) -> None:
    found = la.check(kind, examples=4)
    assert found.ok, found


def test_the_equation_as_latex_states_every_output() -> None:
    text = la.latex_equation(Cell(5), ON)
    assert r"\enspace c \in \mathbb{R}^{5}, \enspace h \in \mathbb{R}^{5}" in text
    assert r"c_{o} &=" in text and r"h_{o} &=" in text


def test_outputs_are_part_of_what_a_layer_is() -> None:
    for net in (Cell(5), Cell(5)["h"], Cell(5)["c", "h"], la.Graph({"a": la.Linear(2), "b": la.Linear(3)})):
        assert net.func(*net.args) == net and hash(net.func(*net.args)) == hash(net)
        again = pickle.loads(pickle.dumps(net))
        assert again == net and again.several == net.several
    assert Cell(5)["h", "c"] == Cell(5) != Cell(5)["c", "h"]
    assert str(Cell(5)["h"]) == "Cell(5)['h']"


WRONG = {
    "none": (("hh",), "no line defines it.*did you mean h"),
    "input": (("x",), "is an input of the layer"),
    "buffer": (("B",), "is a buffer of the layer"),
    "learned": (("W",), "is a learned tensor"),
    "field": (("width",), "is a number of the layer"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_come_out(what: str) -> None:
    outputs, message = WRONG[what]

    class Wrong(Layer):
        width: Dim
        buffers = ("B",)
        equation = "h[o] = W[o, i] * x[i] + B[o]\nwhere o < width"

    space = {"equation": Wrong.equation, "buffers": ("B",), "outputs": outputs, "__annotations__": {"width": "Dim"}}
    made = type(Layer)("Made", (Layer,), space)(2)
    with pytest.raises(la.EquationError, match=message):
        la.output_shape(made, on=(3,))


@pytest.mark.parametrize(
    "outputs, message", [(("y", "y"), "a name twice"), ((), "is empty"), ("y", "a tuple of names")]
)
def test_outputs_of_a_class_are_names(outputs: Any, message: str) -> None:
    with pytest.raises(la.FieldError, match=message):
        type(Layer)("Made", (Layer,), {"equation": "y[*i] = x[*i]", "outputs": outputs})


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda: Cell(5)["hh"], "no output 'hh', it has h, c; did you mean 'h'"),
        (lambda: Cell(5)["h", "h"], "asked for twice"),
        (lambda: Cell(5)[0], "by its name"),
        (lambda: la.Linear(2)["y"], "has one output"),
        (lambda: Cell(5) >> la.ReLU(), r"write instead: f\['h'\] >> g"),
        (lambda: Cell(5) + Cell(5), "joins branches of one output"),
        (lambda: Cell(5) ** 2, "takes 3"),
        (lambda: la.Graph({"c": Cell(5), "r": la.ReLU()}, [("c", "r")]), "stands for the 2 outputs"),
        (lambda: la.Graph({"c": Cell(5), "r": la.ReLU()}, [(("c", "k"), "r")]), "no output 'k'"),
        (lambda: la.Graph({"a": la.ReLU(), "b": la.ReLU()}, [], outputs="a"), "not among the outputs"),
    ],
)
def test_outputs_that_do_not_fit(ask: Any, message: str) -> None:
    with pytest.raises(la.GraphError, match=message):
        ask()


def test_what_follows_one_output_says_which_to_choose() -> None:
    with pytest.raises(la.UnsupportedError, match=r"net\['h'\]"):
        la.transfer(Cell(5), on=ON)


def test_one_output_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    source = np.random.default_rng(1)
    arrays = [source.normal(size=shape) for shape in ((3,), (5,), (5,))]
    weights = {f"{kind}{gate}": source.normal(size=shape)
               for gate in "arqg" for kind, shape in (("W", (5, 3)), ("U", (5, 5)), ("b", (5,)))}  # fmt: skip
    made = la.run(Cell(5), arrays, weights)
    for name in ("h", "c"):
        module = la.to_torch(Cell(5)[name], on=ON, weights=weights).double()
        found = module(*(torch.tensor(array)[None] for array in arrays))
        np.testing.assert_allclose(found[0].detach().numpy(), made[name], rtol=1e-5, atol=1e-6)
    with pytest.raises(la.UnsupportedError, match=r"net\['h'\]"):
        la.to_torch(Cell(5), on=ON)


# networks -------------------------------------------------------------------------------------------------------------


def test_outputs_enter_what_follows_by_position() -> None:
    net = Pair() >> Pair()
    weights = {"0.w": [2, 2], "0.v": [1, 10], "1.w": [3, 3], "1.v": [5, 7]}
    found = la.run(net, [np.array([1, 2]), np.array([3, 4])], weights)
    # left = 2a = (2, 4), right = vb + a = (4, 42); then 3 left = (6, 12) and v right + left = (22, 298)
    assert found["left"].tolist() == [6, 12] and found["right"].tolist() == [22, 298]
    assert (Pair() >> Pair())["right"] == Pair() >> Pair()["right"]
    assert la.output_shape(net, on=[(2,), (2,)]) == {"left": (2,), "right": (2,)}


def test_copies_of_as_many_outputs_as_inputs() -> None:
    on: Any = [(2,), (2,)]
    copies = Pair() ** 3
    assert la.parameters(copies, on=on) == 3 * la.parameters(Pair(), on=on) == 12
    assert la.macs(copies, on=on) == la.macs(Pair() >> Pair() >> Pair(), on=on)
    L = la.dims("L")
    assert la.parameters(Pair() ** L, on=on) == 4 * L


def test_ports_of_a_graph() -> None:
    net = la.Graph({"pair": Pair(), "sum": la.Add()}, [(("pair", "left"), "sum"), (("pair", "right"), "sum")])
    on: Any = [(2,), (2,)]
    assert not net.several and la.output_shape(net, on=on) == (2,)
    found = la.run(net, [np.array([1, 2]), np.array([3, 4])], {"pair.w": [2, 2], "pair.v": [1, 10]})
    assert found.tolist() == [6, 46]
    again = la.from_networkx(net.to_networkx())
    assert again.several == () and la.macs(again, on=on) == la.macs(net, on=on)
    assert la.run(again, [np.array([1, 2]), np.array([3, 4])], {"pair.w": [2, 2], "pair.v": [1, 10]}).tolist() == [
        6,
        46,
    ]


def test_several_ends_of_a_graph() -> None:
    net = la.Graph(
        {"f": la.Linear(4), "mean": la.Linear(2), "variance": la.Linear(3)}, [("f", "mean"), ("f", "variance")]
    )
    assert la.output_shape(net, on=(5,)) == {"mean": (2,), "variance": (3,)}
    assert la.macs(net, on=(5,)) == 20 + 8 + 12 and la.macs(net["mean"], on=(5,)) == 20 + 8
    assert la.parameters(net["mean"], on=(5,)) == la.parameters(net, on=(5,)) == 24 + 10 + 15
    named = la.Graph(net.nodes, net.edges, outputs={"mu": "mean", "var": "variance", "z": "f"})
    assert la.output_shape(named, on=(5,)) == {"mu": (2,), "var": (3,), "z": (4,)}
    for one in (net, named, net["mean"]):
        back = la.from_networkx(one.to_networkx())
        assert back.several == one.several
        assert la.output_shape(back, on=(5,)) == la.output_shape(one, on=(5,))
        assert la.macs(back, on=(5,)) == la.macs(one, on=(5,))


def test_a_chosen_output_survives_networkx() -> None:
    for net in (Cell(5)["c"], Cell(5), Cell(5)["c", "h"]):
        back = la.from_networkx(net.to_networkx())
        assert la.macs(back, on=ON) == la.macs(net, on=ON) and back.several == net.several


def test_drawings_name_what_comes_out() -> None:
    for text in (la.to_mermaid(Cell(5)["c"]), la.to_dot(Cell(5)["c"])):
        assert "Cell" in text
    both = la.Graph({"a": la.Linear(2), "b": la.Linear(3)})
    assert la.to_mermaid(both).count("Linear") == 2


@pytest.mark.parametrize("draw", [la.to_tikz, la.to_svg])
def test_diagrams_name_ports_and_outputs(draw: Any) -> None:
    """A wire from an output of a layer, the outputs of a graph, and a chosen one: none is drawn as if it were the only one."""
    ports = la.Graph({"pair": Pair(), "sum": la.Add()}, [(("pair", "left"), "sum"), (("pair", "right"), "sum")])
    assert "pair.left, pair.right" in draw(ports)
    ends = la.Graph({"a": la.Linear(2), "b": la.Linear(3)}, [("a", "b")], outputs={"mu": "a", "var": "b"})
    assert "output: mu" in draw(ends) and "output: var" in draw(ends)
    chosen = draw(Cell(5)["c"])
    assert "Cell(5)" in chosen and "output: c" in chosen


@pytest.mark.parametrize("style", [None, la.Style(), la.Style(width="column")])
def test_notation_names_ports_and_outputs(style: Any) -> None:
    ports = la.Graph({"pair": Pair(), "sum": la.Add()}, [(("pair", "left"), "sum"), (("pair", "right"), "sum")])
    made = la.latex(ports, style=style)
    assert r"\texttt{pair}_{\texttt{left}} + \texttt{pair}_{\texttt{right}}" in made
    ends = la.Graph({"a": la.Linear(2), "b": la.Linear(3)}, [("a", "b")], outputs={"mu": "a", "var": "b"})
    assert r"(\texttt{mu}, \texttt{var}) &= (a, b)" in la.latex(ends, style=style)


# draws ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(700_000, 700_400, 100))
def test_engine_and_enumeration_agree_on_every_output(first: int) -> None:
    """Draws that have a meaning with one output, with some of their lines as outputs."""
    import random

    agreed = 0
    for seed in range(first, first + 100):
        draw = with_outputs(drawn(seed), random.Random(seed), part=1)
        found = disagreement(draw)
        assert found in (None, "refused", "too large"), f"{seed}\n{draw.text}\n{draw.fields} {draw.outputs}\n{found}"
        agreed += found is None and draw.outputs is not None
    assert agreed > 5
