"""LaTeX and text of formulas, layers, equations, networks, tables and derivations."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies_layers import cases
from sympy import Eq, Ge, Integer, Max, Min, Mod, Rational, Sum, Symbol, ceiling, floor, log, sqrt

import layeralgebra as la
from layeralgebra.algebra.derivations.node_table import node_table
from layeralgebra.algebra.derivations.stages import outline, stage_table, stages_of
from layeralgebra.algebra.documents import report_latex, section_latex
from layeralgebra.algebra.formulas.latex import escaped, flat_latex, formula_latex, name_latex
from layeralgebra.algebra.formulas.table import Table, fitted
from layeralgebra.algebra.formulas.text import formula_lines, formula_text, number_text
from layeralgebra.algebra.networks.notation import network_latex

H, W, N, L, c, d, k, p, s = la.dims("H W N L c d k p s")

# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("formula", "text", "latex"),
    [
        (floor(H / 32 + Rational(31, 32)), "ceil(H/32)", r"\lceil H/32 \rceil"),
        (floor((N + 2 * p - 1) / s), "floor((N + 2*p - 1)/s)", r"\lfloor (N + 2 p - 1)/s \rfloor"),
        (floor((N + s - 1) / s), "ceil(N/s)", r"\lceil N/s \rceil"),
        (floor((N + 1) / 3), "floor((N + 1)/3)", r"\lfloor (N + 1)/3 \rfloor"),
        (ceiling(H / 2), "ceil(H/2)", r"\lceil H/2 \rceil"),
        (floor(1 / c), "floor(1/c)", r"\lfloor 1/c \rfloor"),
        (floor(N / (s * k)), "floor(N/(k*s))", r"\lfloor N/(k s) \rfloor"),
        (3 * c**2 * floor(H / 2), "3*c**2*floor(H/2)", r"3 c^{2} \lfloor H/2 \rfloor"),
        (floor(H / 2) ** 2, "floor(H/2)**2", r"\lfloor H/2 \rfloor^{2}"),
        (Max(0, H - k), "max(0, H - k)", r"\max(0, H - k)"),
        (k - H, "k - H", "k - H"),
        (Min(3, c), "min(3, c)", r"\min(3, c)"),
        (c * (H + 1), "H*c + c", "H c + c"),
        (log(c) / log(2), "log2(c)", r"\log_{2} c"),
        (3 * log(c + 1) / log(2), "3*log2(c + 1)", r"3 \log_{2} (c + 1)"),
        (sqrt(d) / sqrt(k), "sqrt(d)/sqrt(k)", r"\sqrt{d/k}"),
        (Sum(k, (k, 0, L - 1)), "sum(k, k = 0..L - 1)", r"\sum_{k=0}^{L - 1} k"),
        (Eq(Mod(c, 4), 0), "4 divides c", r"4 \mid c"),
        (Ge(N + 2 * p - d * k + d - 1, 0), "N + d + 2*p >= d*k + 1", r"N + d + 2 p \ge d k + 1"),
        (Ge(H - 7, 0), "H >= 7", r"H \ge 7"),
        ((c, H), "(c, H)", "(c, H)"),
        ((c,), "(c,)", "(c{,})"),
        (Integer(25557032), "25 557 032", "25557032"),
        (la.dims("key_value_heads"), "key_value_heads", r"\mathit{key\_value\_heads}"),
        (la.dims("c_out"), "c_out", r"c_{\mathrm{out}}"),
        (la.dims("alpha"), "alpha", r"\alpha"),
    ],
)
def test_formulas(formula, text, latex):
    assert formula_text(formula) == text
    assert formula_latex(formula) == latex


SIZES = {"H": H, "N": N, "c": c, "s": s}
integers = st.integers(-9, 9)
terms = st.builds(
    lambda a, b, n, name, power, kind: (a, b, n, name, power, kind),
    integers.filter(bool), integers, st.sampled_from([1, 2, 3, 4, 7, "s"]), st.sampled_from(["H", "N"]),
    st.integers(0, 2), st.sampled_from([floor, ceiling]),
)  # fmt: skip


@st.composite
def formulas(draw):
    """Sums of products of roundings, as metrics give them."""
    made = draw(integers)
    for a, b, n, name, power, kind in draw(st.lists(terms, min_size=1, max_size=3)):
        made = made + a * c**power * kind((abs(a) * SIZES[name] + b) / (s if n == "s" else n))
    return made


def value_of_text(text: str, sizes: dict[str, int]) -> Fraction:
    """What a text says, by Python's own arithmetic on fractions."""
    names = {name: Fraction(size) for name, size in sizes.items()}
    return Fraction(
        eval(text, {"__builtins__": {}}, {**names, "floor": math.floor, "ceil": math.ceil, "max": max, "min": min})
    )


class Reader:
    """A reader of the small part of LaTeX in which formulas are written; gives values, exactly."""

    def __init__(self, latex: str, sizes: dict[str, int]):
        text = latex.replace(r"\left", "").replace(r"\right", "")
        self.tokens, self.sizes = re.findall(r"\\[A-Za-z]+|\d+|[A-Za-z]|[-+/^(){}]", text), sizes

    def take(self, *expected: str) -> str:
        token = self.tokens.pop(0)
        assert not expected or token in expected, (token, expected)
        return token

    def sum(self) -> Fraction:
        sign = -1 if self.tokens[0] == "-" and self.take() else 1
        value = sign * self.product()
        while self.tokens and self.tokens[0] in ("+", "-"):
            value += (1 if self.take() == "+" else -1) * self.product()
        return value

    def product(self) -> Fraction:
        value = self.power()
        while self.tokens and self.tokens[0] not in ("+", "-", ")", "}", r"\rfloor", r"\rceil"):
            divides = self.tokens[0] == "/" and self.take() == "/"
            value = value / self.power() if divides else value * self.power()
        return value

    def power(self) -> Fraction:
        value = self.atom()
        if self.tokens and self.tokens[0] == "^":
            self.take()
            value **= int(self.atom())
        return value

    def atom(self) -> Fraction:
        token = self.take()
        if token.isdigit():
            return Fraction(int(token))
        if token == r"\frac":
            return self.atom() / self.atom()
        if token in ("(", "{", r"\lfloor", r"\lceil"):
            value = self.sum()
            self.take({"(": ")", "{": "}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}[token])
            return Fraction({r"\lfloor": math.floor, r"\lceil": math.ceil}.get(token, Fraction)(value))
        return Fraction(self.sizes[token])


def value_of_latex(latex: str, sizes: dict[str, int]) -> Fraction:
    """What LaTeX says, up to its last token."""
    reader = Reader(latex, sizes)
    value = reader.sum()
    assert not reader.tokens
    return value


@given(formulas(), st.tuples(*[st.integers(1, 40)] * 4))
def test_text_says_what_the_formula_says(formula, values):
    sizes = dict(zip("HNcs", values))
    expected = formula.subs({SIZES[name]: size for name, size in sizes.items()})
    assert value_of_text(formula_text(formula), sizes) == Fraction(int(expected.p), int(expected.q))
    joined = " ".join(formula_lines(formula, width=1))
    assert value_of_text(joined, sizes) == Fraction(int(expected.p), int(expected.q))


@given(formulas(), st.tuples(*[st.integers(1, 40)] * 4))
def test_latex_says_what_the_formula_says(formula, values):
    sizes = dict(zip("HNcs", values))
    expected = formula.subs({SIZES[name]: size for name, size in sizes.items()})
    for typeset in (formula_latex, flat_latex):
        assert value_of_latex(typeset(formula), sizes) == Fraction(int(expected.p), int(expected.q))


def test_numbers_are_grouped():
    assert [number_text(n) for n in (0, 9999, 10000, -1234567, 0.5)] == ["0", "9999", "10 000", "-1 234 567", "0.5"]


@pytest.mark.parametrize("name", [r"\input{/etc/passwd}", "a b", "$", "x^2", "_", "%", "\\", "ü&#~"])
def test_a_hostile_name_is_text(name):
    assert name_latex(name) == rf"\text{{{escaped(name)}}}"
    assert not re.search(r"(?<!\\)[$&%#_^~]|\\input", escaped(name).replace(r"\textbackslash{}", ""))


# ---------------------------------------------------------------- equations


def lines(layer, shape=None):
    body = la.latex_equation(layer, shape)
    assert body.startswith("\\begin{aligned}\n") and body.endswith("\n\\end{aligned}")
    return [line.removesuffix(r" \\") for line in body.splitlines()[1:-1]]


def test_a_convolution_reads_like_one():
    assert lines(la.Conv(la.dims("m"), k, stride=s, dilation=d, padding=p)) == [
        r"z_{c, \boldsymbol{j}} &= \begin{cases} x_{c, \boldsymbol{j} - p} & \text{inside} \\ 0 & \text{in the margin} \end{cases}",
        r"y_{o, \boldsymbol{i}} &= \sum_{c, \boldsymbol{u}} W_{o, c, \boldsymbol{u}}\, z_{c, s \boldsymbol{i} + d \boldsymbol{u}} + b_{o}",
        r"& \text{where } o < m, \enspace \boldsymbol{u} < k",
    ]


def test_what_does_nothing_is_left_out():
    one = lines(la.Conv(8, 1, bias=False))
    assert one == [r"y_{o, \boldsymbol{i}} &= \sum_{c} W_{o, c}\, x_{c, \boldsymbol{i}}", r"& \text{where } o < 8"]
    grouped = lines(la.Conv(8, 1, groups=2, bias=False))
    assert grouped[0] == r"y_{(g, o), \boldsymbol{i}} &= \sum_{c} W_{g, o, c}\, x_{(g, c), \boldsymbol{i}}"


def test_an_index_that_clashes_with_a_size_has_a_prime():
    (first, second) = lines(la.Conv(c, 1, bias=False))
    assert first == r"y_{o, \boldsymbol{i}} &= \sum_{c'} W_{o, c'}\, x_{c', \boldsymbol{i}}"
    assert second == r"& \text{where } o < c"


def test_axes_are_spelled_out_at_given_shapes():
    made = lines(la.Conv(8, 3, padding=1), (3, H, W))
    assert made[1].endswith(r"w_{o, c, u_{1}, u_{2}}\, z_{c, i_{1} + u_{1}, i_{2} + u_{2}} + b_{o}")
    assert made[2].startswith(
        r"& \text{where } x \in \mathbb{R}^{3 \times H \times W}, \enspace y \in \mathbb{R}^{8 \times H \times W}"
    )
    assert r"w \in \mathbb{R}^{8 \times 3 \times 3 \times 3}" in made[2]


@pytest.mark.parametrize(
    ("layer", "part"),
    [
        (la.MultiHeadAttention(4, causal=True), r"\boldsymbol{j} \le \boldsymbol{i}"),
        (
            la.MultiHeadAttention(4),
            r"\operatorname{softmax}_{\boldsymbol{j}} \left(\frac{w_{n, \boldsymbol{i}, \boldsymbol{j}}}",
        ),
        (la.LSTM(8), r"h_{t, \cdot, \cdot} = 0 \text{ for } t < 0"),
        (
            la.LSTM(8),
            r"W^{a}_{o, f}\, x_{t, \boldsymbol{s}, f} + b^{a}_{o} + \sum_{p} U^{a}_{o, p}\, h_{t - 1, \boldsymbol{s}, p}",
        ),
        (la.Embedding(100, 8), r"y_{\boldsymbol{t}, m} &= E_{x_{\boldsymbol{t}}, m}"),
        (la.Embedding(100, 8), r"x_{\boldsymbol{t}} < 100"),
        (la.ConvTranspose(8, 3, stride=2), r"z_{o, 2 \boldsymbol{i} + \boldsymbol{u}} &\mathrel{{+}{=}} \sum_{c}"),
        (la.MaxPool(2), r"\max_{\boldsymbol{u}} x_{c, 2 \boldsymbol{i} + \boldsymbol{u}}"),
        (la.BatchNorm(), r"s_{c} &= \frac{g_{c}}{\sqrt{v_{c} + 10^{-5}}}"),
        (la.GELU(approximate=True), r"\sqrt{2/\pi}\, (x_{\boldsymbol{i}} + 0.044715\, x_{\boldsymbol{i}}^{3})"),
        (la.ELU(), r"\max(x_{\boldsymbol{i}}, 0) + \min(\exp(x_{\boldsymbol{i}}) - 1, 0)"),
        (la.ClassToken(), r"x_{t - 1, m} & \text{inside} \\ k_{m} & \text{in the margin}"),
        (la.Flip(), r"z_{\lvert s \rvert - t - 1, \boldsymbol{f}}"),
        (la.AdaptiveAvgPool(7), r"\lfloor \boldsymbol{i} \lvert j \rvert/7 \rfloor \le \boldsymbol{j} <"),
    ],
)
def test_parts_of_equations(layer, part):
    assert part in la.latex_equation(layer)


def test_a_margin_of_width_0_is_left_out_where_it_is_read_before_its_line_too():
    made = la.latex_equation(la.ConvLSTM(3, 1))
    assert "h^{p}" not in made and made.count(r"h_{t - 1, \boldsymbol{j}, p}") == 4
    assert r"h_{t, \cdot, \cdot} = 0 \text{ for } t < 0" in made


#: Layers whose fields have to fit each other, so that neither symbols nor drawn values do.
SAMPLES = {
    "Power": (la.Power(2), [(3,)]),
    "Permute": (la.Permute((1, 0)), [(3, 4)]),
    "Einsum": (la.Einsum("ik,kj->ij"), [(3, 4), (4, 5)]),
    "Sum": (la.Sum((1,), 3), [(3, 4, 5)]),
    "Mean": (la.Mean((0, 2), 3), [(3, 4, 5)]),
    "Maximum": (la.Maximum((1,), 2), [(3, 4)]),
    "Expand": (la.Expand((0,), (4, 5)), [(1, 5)]),
    "Slice": (la.Slice(1, 2, 3, 2), [(4, 8)]),
}


def drawn(kind):
    """Some layer of a class."""
    found = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(cases(kind))
    def draw(case):
        found.append(case.layer)

    draw()
    return found[-1]


def equation_of(kind):
    """The equation of a class with symbols for its sizes, or of a sample where these would not do."""
    if kind.__name__ in SAMPLES:
        return la.latex_equation(SAMPLES[kind.__name__][0])
    try:
        return la.latex_equation(kind)
    except la.FieldError:
        return la.latex_equation(drawn(kind))


def braces_match(latex: str) -> bool:
    depth = 0
    for mark in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right")


def is_sound(made: str) -> bool:
    """Whether an equation is LaTeX that could be right: groups closed, the output defined, nothing of Python left."""
    body = made.splitlines()
    assert body[0] == r"\begin{aligned}" and body[-1] == r"\end{aligned}"
    assert braces_match(made), made
    assert made.count("&=") + made.count(r"&\mathrel") >= 1, made
    assert not any(word in made for word in ("None", "Index(", "True", "False", "**", "floor(", "Tuple")), made
    return True


@pytest.mark.parametrize("kind", list(la.registered_layers()), ids=lambda kind: kind.__name__)
def test_every_layer_has_an_equation_in_latex(kind):
    assert is_sound(equation_of(kind))


@pytest.mark.parametrize("kind", list(la.registered_layers()), ids=lambda kind: kind.__name__)
@settings(max_examples=5)  # each example is an equation at two ranks; there is little to vary
@given(data=st.data())
def test_every_layer_has_an_equation_at_every_size(kind, data):
    if kind.__name__ in SAMPLES:
        layer, shapes = SAMPLES[kind.__name__]
    else:
        case = data.draw(cases(kind))
        layer, shapes = case.layer, list(case.shapes)
    assert is_sound(la.latex_equation(layer))
    try:
        layer.instance(*shapes)
    except la.ShapeError:
        assume(False)
    assert is_sound(la.latex_equation(layer, shapes))


@pytest.mark.parametrize("wrong", [3, "Conv", la.ReLU() >> la.ReLU()])
def test_an_equation_is_of_a_layer(wrong):
    with pytest.raises(la.FieldError, match="takes a layer"):
        la.latex_equation(wrong)


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("net", "latex"),
    [
        (la.Linear(4) >> la.ReLU(), r"\operatorname{Linear}(4) \to \operatorname{ReLU}"),
        ((la.Identity() + la.ReLU()) ** L, r"\left(\operatorname{id} + \operatorname{ReLU}\right)^{L}"),
        (la.ReLU() | la.Tanh(), r"\operatorname{ReLU} \mathbin{\Vert} \operatorname{Tanh}"),
        (la.ReLU() * (la.Tanh() >> la.Tanh()), r"\operatorname{ReLU} \odot \left(\operatorname{Tanh} \to \operatorname{Tanh}\right)"),
        (la.Concat(la.ReLU(), la.Tanh(), axis=1), r"\operatorname{ReLU} \mathbin{\Vert_{1}} \operatorname{Tanh}"),
        (la.Linear(4).shared("a_b"), r"\operatorname{Linear}(4)_{\text{a\_b}}"),
        (la.Conv(8, 3, bias=False, padding="same"), r"\operatorname{Conv}(8, 3, \mathrm{padding}{=}\text{same}, \mathrm{bias}{=}\text{no})"),
        (
            la.Graph({"f": la.Linear(4), "g": la.ReLU(), "sum": la.Add()}, [("f", "g"), ("f", "sum"), ("g", "sum")]),
            "\\begin{aligned}\nf &= \\operatorname{Linear}(4) \\\\\ng &= f \\to \\operatorname{ReLU} \\\\\n\\texttt{sum} &= f + g\n\\end{aligned}",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_networks(net, latex):
    assert network_latex(net) == latex == la.latex(net)
    assert net._repr_latex_() == f"$\\displaystyle {latex}$"


def test_a_long_network_is_broken_into_lines():
    net = (
        la.Input(3, H, W)
        >> (la.Conv(c, 3, padding=1) >> la.BatchNorm() >> la.ReLU()) ** L
        >> la.zoo.build("resnet18").parts[5]
    )
    made = network_latex(net)
    assert made.startswith("\\begin{aligned}") and braces_match(made)
    assert max(len(line) for line in made.splitlines()) < 300


# ---------------------------------------------------------------- stages and tables


def small_networks():
    block = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
    tied = la.Linear(8).shared("f")
    return {
        "plain": la.Input(3, H, W) >> block >> la.MaxPool(2) >> la.Conv(2 * c, 3, padding=1) >> la.GlobalAvgPool(),
        "residual": la.Input(3, H, W) >> block >> (la.Identity() + block) ** L >> la.GlobalAvgPool() >> la.Linear(10),
        "dense": la.Input(3, H, W) >> (la.Identity() | la.Conv(k, 3, padding=1)) ** L >> la.GlobalAvgPool(),
        "tied": la.Input(8) >> tied >> la.ReLU() >> tied,
        "graph": la.Graph(
            {"in": la.Input(3, H, W), "a": block, "b": la.Conv(c, 1), "sum": la.Add(), "head": la.GlobalAvgPool()},
            [("in", "a"), ("in", "b"), ("a", "sum"), ("b", "sum"), ("sum", "head")],
        ),
    }


NETS = small_networks()
AT = {"H": 12, "W": 9, "c": 5, "L": 3, "k": 4}


def derivations(net, *metrics):
    return sum((la.derive(metric, net) for metric in metrics), start=la.Derivations(()))


@pytest.mark.parametrize("name", NETS)
def test_stages_add_up_to_the_total(name):
    net = NETS[name]
    found = derivations(net, "parameters", "macs", "flops", "activations")
    table = list(stage_table(found))
    *stages, total = table
    for part in found:
        title = part.metric.title
        at = {symbol: AT[symbol.name] for symbol in part.symbols}
        values = [row[title].subs(at) for row in stages]
        assert sum(values) == total[title].subs(at) == part.formula.subs(at)
        assert total[title] == part.formula


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "densenet121", "gpt2", "vit_b_16", "mobilenet_v2"])
def test_stages_of_published_networks(name):
    net, named = la.zoo.build(name), la.zoo.stages(name)
    found = derivations(
        net, "parameters", "receptive_field" if "conv" in str(net).lower() and name != "vit_b_16" else "depth"
    )
    rows = list(stage_table(found, named))
    assert [row["stage"] for row in rows[:-1] if row["stage"] != "shared"] == [
        stage for stage in named if stage != "input"
    ]
    assert sum(row["parameters"] for row in rows[:-1]) == la.parameters(net)
    assert tuple(rows[-1]["output shape"]) == tuple(la.output_shape(net))
    assert rows[-1][found.parts[1].metric.title] == found.parts[1].formula


def test_stages_that_are_named_have_to_be_the_network():
    with pytest.raises(la.FieldError, match="are not the network"):
        stages_of(NETS["plain"], {"first": la.ReLU()})


def test_stages_are_found():
    names = [outline(stage.part) for stage in stages_of(NETS["residual"])]
    assert names == ["Conv >> BatchNorm >> ReLU", "(Identity + [3 layers]) ** L", "GlobalAvgPool()", "Linear(10)"]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("width", [80, 100, 200])
def test_tables_keep_to_their_width(name, width):
    found = derivations(NETS[name], "parameters", "macs")
    for table in (stage_table(found), node_table(found)):
        assert max(map(len, table.text(width).splitlines())) <= width


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=6), st.integers(1, 200))
def test_columns_give_way_no_further_than_they_can(pairs, room):
    natural, least = [max(pair) for pair in pairs], [min(pair) for pair in pairs]
    widths = fitted(natural, least, room)
    assert all(low <= width <= high for low, width, high in zip(least, widths, natural))
    assert sum(widths) <= room or widths == least
    assert widths == natural or sum(widths) == room or widths == least


def test_a_table_loses_no_text():
    cell = "alpha*beta*gamma + 12*delta*ceil(H/32)*ceil(W/32) + [8 layers] >> (Identity + ReLU) ** 2"
    table = Table(("a", "b"), (("one", cell), ("two", "x")))
    for width in (30, 40, 60):
        shown = "".join(line[5:] for line in table.text(width).splitlines()[2:])
        assert shown.replace(" ", "") == f"{cell}x".replace(" ", "")


def test_nodes_of_a_repetition_stand_once():
    rows = list(node_table(derivations(NETS["dense"], "parameters")))
    assert [row["copies"] for row in rows] == ["l = 0..L - 1", "l = 0..L - 1", "l = 0..L - 1", "", ""]
    rows = list(node_table(derivations(NETS["residual"], "parameters")))
    assert {str(row["copies"]) for row in rows} == {"", "L"}


def test_equal_nodes_of_a_long_list_are_put_together():
    net = la.Input(8) >> la.Series(*[la.Linear(8), la.ReLU()] * 30)
    *rows, total = node_table(derivations(net, "parameters"))
    assert [(row["node"], row["copies"]) for row in rows] == [("1 (+29)", 30), ("2 (+29)", 30)]
    assert sum(row["copies"] * row["parameters"] for row in rows) == total["parameters"] == 30 * 72


def test_compare():
    nets = {"full": la.Conv(c, 3, padding=1), "depthwise": la.Conv(c, 3, padding=1, groups=c)}
    table = la.compare(nets, metrics=["parameters", la.macs], on=(c, H, W))
    assert [row["MACs"] for row in table] == [9 * H * W * c**2, 9 * H * W * c]
    assert [row["network"] for row in table] == ["full", "depthwise"]
    at = la.compare(nets, metrics=["parameters"], on=(c, H, W), at={c: 64})
    assert at.csv() == "network,parameters\nfull,36928\ndepthwise,640\n"
    assert "\\toprule" in table.latex() and "<table>" in table._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nets": []}, "mapping of names"),
        ({"nets": {"a": 3}}, "takes a layer or a network"),
        ({"nets": {"a": la.ReLU()}, "metrics": "macs"}, "a list as metrics"),
        ({"nets": {"a": la.ReLU()}, "metrics": ["no"], "on": (3,)}, "no metric 'no'"),
        ({"nets": {"a": la.ReLU()}, "metrics": ["flops"], "on": (c,), "at": {"H": 3}}, "no symbol H"),
        ({"nets": {"a": la.ReLU()}, "metrics": ["flops"], "on": (c,), "at": {}}, "needs c"),
        ({"nets": {"a": la.Conv(3, 3)}, "metrics": ["macs"], "on": (1, N), "at": {"N": 2}}, "must hold one window"),
    ],
)
def test_compare_refuses(arguments, message):
    nets = arguments.pop("nets")
    with pytest.raises(la.LayerAlgebraError, match=message):
        la.compare(nets, **arguments)


# ---------------------------------------------------------------- derivations and documents


def test_a_derivation_in_latex_says_what_it_is():
    made = la.derive(la.macs, la.Input(1, N) >> la.Conv(c, k) >> la.ReLU() >> la.Conv(c, k)).latex()
    assert "(exact)" in made and r"\[" in made and "Source: volume of the iteration domains" in made
    assert r"\item $N + 1 \ge 2 k$" in made and r"\toprule" in made
    upper = la.derive(la.macs, la.Conv(c, 3), on=(1, N))
    assert r"$N \ge 3$" in upper.latex()


def hostile():
    """Names that mean something to LaTeX."""
    odd = Symbol(r"\input{x}", integer=True, positive=True)
    nodes = {"a_b%$&#{": la.Linear(odd), "~^\\": la.ReLU()}
    return la.Input(3) >> la.Graph(nodes, [("a_b%$&#{", "~^\\")]) >> la.Linear(4).shared("100% _$^~\\")


def everything() -> str:
    """A document with the equations of all layers, formulas, tables and derivations."""
    parts = [section_latex("Equations", *(f"\\[\n{equation_of(kind)}\n\\]" for kind in la.registered_layers()))]
    parts += [section_latex("At shapes", f"\\[\n{la.latex_equation(la.Conv(8, 3, padding=1), (3, H, W))}\n\\]")]
    for name, net in {**NETS, "hostile": hostile()}.items():
        found = derivations(net, "parameters", "macs", "output_shape", "activations")
        parts.append(section_latex(name, report_latex(found), found.latex()))
    field = la.derive(la.receptive_field, NETS["residual"])
    apart = la.derive(la.flops, NETS["residual"], apart=True)
    parts += [field.latex(), apart.latex(), la.compare({"a": NETS["plain"], "b": NETS["dense"]}).latex()]
    return la.latex_document("\n\n".join(parts), title="100 % of it & more_")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_everything_compiles(tmp_path):
    (tmp_path / "all.tex").write_text(everything(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=200)
    said = made.stdout.decode(errors="replace")
    assert made.returncode == 0, said[-3000:]
    assert (tmp_path / "all.pdf").stat().st_size > 50_000
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([0-9.]+)pt", said)]
    assert max(wide, default=0) < 60, "something runs out of the page"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_wrong_latex_would_be_noticed(tmp_path):
    (tmp_path / "wrong.tex").write_text(la.latex_document(r"\[ \frac{1 \]"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "wrong.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=100).returncode != 0
