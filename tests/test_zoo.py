"""Published image networks: parameters and work as published, families as sums written out, bad requests."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Poly, Symbol, limit, oo

import layeralgebra as la
from layeralgebra import zoo
from layeralgebra.layers.zoo.blocks import rounded

FIGURES = json.loads((Path(zoo.__file__).parent / "data" / "torchvision_classification.json").read_text())

IMAGE_MODELS = """
    alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201
    efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
    efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
    mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf
    regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf regnet_y_1_6gf
    regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34
    resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
    shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn
    vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2
    wide_resnet50_2
""".split()  # fmt: skip

#: Published counts that are not in the file.
OTHERS = {
    "convnext_large": 197_767_336, "densenet161": 28_681_000, "densenet201": 20_013_928, "efficientnet_b3": 12_233_232,
    "efficientnet_b6": 43_040_704, "efficientnet_v2_l": 118_515_272, "mnasnet0_75": 3_170_208,
    "mobilenet_v3_small": 2_542_856,
    "regnet_x_16gf": 54_278_536, "regnet_x_800mf": 7_259_656, "regnet_y_128gf": 644_812_894,
    "regnet_y_400mf": 4_344_144,
    "regnet_y_8gf": 39_381_472, "resnet101": 44_549_160, "resnet34": 21_797_672, "resnext101_64x4d": 83_455_272,
    "shufflenet_v2_x1_5": 3_503_624, "squeezenet1_1": 1_235_496, "swin_b": 87_768_224, "swin_v2_s": 49_737_442,
    "vgg13": 133_047_848,
    "vgg19_bn": 143_678_248, "vit_h_14": 632_045_800, "vit_l_32": 306_535_400, "wide_resnet101_2": 126_886_696,
}  # fmt: skip


def test_a_network_costs_its_own_file():
    """The file of a network is found by its text, and then every name means what it means once all files are loaded."""
    program = """
import json, sys
from layeralgebra import zoo
zoo.build("resnet18"), zoo.resnet
loaded = [name for name in sys.modules if name.startswith("layeralgebra.layers.zoo.")]
first = {name: zoo.known(name) for name in ("resnet", "gpt2", "swin_t", "llama", "none", "\\ud800")}
assert zoo.FAMILIES["resnet"] is first["resnet"] is zoo.families()["resnet"]
assert [name for name, found in first.items() if found is None] == [n for n in first if n not in {*zoo.families(), *zoo.names()}]
print(json.dumps(loaded))
"""
    made = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in json.loads(made.stdout)}
    assert "residual" in loaded and not loaded & {"language", "windowed", "mobile", "dense"}


def test_every_published_name_is_spelled_as_itself():
    from layeralgebra.layers.zoo.families import _spellings

    assert all(_spellings()[name] == {name} for name in zoo.names())


# published figures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FIGURES["models"]))
def test_published_parameters_and_gmacs(name):
    published = FIGURES["models"][name]
    net = zoo.build(name)
    assert la.parameters(net) == published["parameters"]
    digits = Decimal(str(published["gmacs"]))
    derived = Decimal(int(la.macs(net))).scaleb(-9)
    assert abs(derived - digits) <= Decimal(1).scaleb(digits.as_tuple().exponent) / 2


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_other_published_parameters(name):
    assert la.parameters(zoo.build(name)) == OTHERS[name]


def test_all_models_of_the_library_are_there():
    assert len(IMAGE_MODELS) == 80
    assert set(IMAGE_MODELS) <= set(zoo.names())
    assert set(FIGURES["models"]) | set(OTHERS) == set(IMAGE_MODELS)


def test_counts_in_full():
    net = zoo.build("resnet50")
    assert la.macs(net) == 4_089_184_256
    assert la.depth(net) == 50
    assert la.output_shape(net) == (1000,)


@pytest.mark.parametrize("name, size", [("resnet50", 427), ("resnet101", 971), ("resnet152", 1451)])
def test_receptive_fields_of_residual_networks(name, size):
    assert la.receptive_field(zoo.build(name)).size == (size, size)


def test_receptive_fields_of_vgg16():
    parts = list(zoo.stages("vgg16").values())
    before_last_pool = la.Series(*parts[:6]).parts[:-1]
    assert la.receptive_field(la.Series(*before_last_pool)).size == (196, 196)
    assert la.receptive_field(la.Series(*parts[:6])).size == (212, 212)


@pytest.mark.parametrize("row", zoo.differences(), ids=lambda row: f"{row.name}-{row.publisher}")
def test_differences_are_explained(row):
    assert row.explained
    assert abs(row.derived - row.published) >= row.unit, "there is no difference to explain"
    assert row.convention and row.name in zoo.names()


def test_an_unexplained_difference_is_noticed():
    row = zoo.differences("resnet152")[0]
    wrong = type(row)(
        row.name, row.quantity, row.publisher, row.published + 2 * row.unit, row.unit, row.convention, row.recount
    )
    assert not wrong.explained


def test_figures_are_handed_on_with_their_source():
    shown = zoo.info("ResNet-50")
    assert (shown.name, shown.parameters, shown.gmacs, shown.resolution) == ("resnet50", 25_557_032, 4.089, 224)
    assert shown.accuracy["IMAGENET1K_V1"] == FIGURES["models"]["resnet50"]["acc1"]["IMAGENET1K_V1"]
    assert "torchvision" in shown.source and "CVPR 2016" in shown.paper
    assert shown.hyperparameters["depths"] == (3, 4, 6, 3)
    for name in zoo.names():
        entry = zoo.info(name)
        assert entry.paper and (entry.parameters is None or entry.source or name in OTHERS), name
        assert entry.parameters is None or la.parameters(zoo.build(name)) == entry.parameters, name


# families ------------------------------------------------------------------------------------------------------------


def residual_parameters(c, depths, classes=1000):
    """Bottlenecks written out: convolutions without bias, two numbers for each normalised channel."""

    def unit(entering, leaving, kernel):
        return entering * leaving * kernel**2 + 2 * leaving

    total, entering = unit(3, c, 7), c
    for stage, depth in enumerate(depths):
        inner, outer = c * 2**stage, 4 * c * 2**stage
        for place in range(depth):
            total += unit(entering, inner, 1) + unit(inner, inner, 3) + unit(inner, outer, 1)
            total += unit(entering, outer, 1) if place == 0 else 0
            entering = outer
    return total + entering * classes + classes


@given(st.integers(1, 40), st.tuples(*[st.integers(1, 6)] * 4), st.integers(1, 50))
def test_resnet_formula_is_the_sum(c, depths, classes):
    symbols = la.dims("c n1 n2 n3 n4 k")
    formula = la.derive(
        "parameters", zoo.build("resnet50", base_width=symbols[0], depths=symbols[1:5], classes=symbols[5])
    )
    values = dict(zip("c n1 n2 n3 n4 k".split(), (c, *depths, classes)))
    assert formula(**values) == residual_parameters(c, depths, classes)


def dense_parameters(growth, depths, stem, classes=1000):
    total, c = 3 * stem * 49 + 2 * stem, stem
    for stage, depth in enumerate(depths):
        for _ in range(depth):
            total += 2 * c + c * 4 * growth + 2 * 4 * growth + 4 * growth * growth * 9
            c += growth
        if stage < 3:
            total += 2 * c + c * (c // 2)
            c //= 2
    return total + 2 * c + c * classes + classes


def test_densenet_formula_is_the_sum():
    k, a, b, c, d = la.dims("k a b c d")
    formula = la.derive("parameters", zoo.build("densenet121", growth=k, depths=(a, b, c, d)))
    assert formula(k=32, a=6, b=12, c=24, d=16) == 7_978_856
    for growth, depths in ((12, (3, 1, 4, 2)), (7, (1, 2, 3, 4)), (1, (1, 1, 1, 1))):
        assert formula(**dict(zip("kabcd", (growth, *depths)))) == dense_parameters(growth, depths, 64)
    assert formula.formula.free_symbols == {k, a, b, c, d}


def test_dense_block_closes_to_a_polynomial():
    k, n, c = la.dims("k n c")
    block = zoo.stages("densenet121", growth=k, depths=(n, 1, 1, 1), base_width=c)["block1"]
    formula = la.parameters(block, on=(c, 56, 56))
    assert Poly(formula, k, n, c).degree(n) == 2
    assert formula.subs({k: 32, n: 6, c: 64}) == sum(2 * w + w * 128 + 256 + 128 * 32 * 9 for w in range(64, 256, 32))


def test_efficientnet_scales_as_its_compound_rule_says():
    """Work grows as depth, width squared and resolution squared: depth * width**2 * resolution**2 = 2 doubles it."""
    w, d, r = la.dims("w d r")
    work = la.macs(zoo.build("efficientnet_b0", width_factor=w, depth_factor=d, resolution=32 * r))
    assert work.subs({w: 1, d: 1, r: 7}) == 385_814_752
    assert [Poly(work, w, d, r).degree(symbol) for symbol in (w, d, r)] == [2, 1, 2]
    at_published = {w: 1, d: 1, r: 7}
    for symbol, exponent in ((w, 2), (d, 1), (r, 2)):
        others = {other: number for other, number in at_published.items() if other != symbol}
        elasticity = la.elasticity(work, symbol).subs(others)
        assert limit(elasticity, symbol, oo) == exponent
        alone = work.subs(others)
        assert (elasticity - alone.diff(symbol) * symbol / alone).subs(symbol, 3) == 0
        assert la.leading_term(work, symbol).subs(others) == Poly(alone, symbol).LC() * symbol**exponent


@pytest.mark.parametrize(
    "name, size", [("vgg16", 64), ("resnet50", 64), ("convnext_tiny", 96), ("mnasnet1_0", None), ("swin_t", 96)]
)
def test_symbolic_resolution_and_width(name, size):
    H, W, c = la.dims("H W c")
    wide = {"base_width": c} if size else {}
    r = la.derive(la.macs, zoo.build(name, height=H, width=W, **wide))
    values = {"H": 224, "W": 224, **({"c": size} if size else {})}
    assert r(**values) == la.macs(zoo.build(name))
    other = {"H": 448, "W": 224, **({"c": 2 * size} if size else {})}
    numbers = {"height": 448, "width": 224, **({"base_width": 2 * size} if size else {})}
    assert r(**other) == la.macs(zoo.build(name, **numbers))


def _symbols_for(key, value):
    if isinstance(value, tuple):
        return tuple(Symbol(f"{key}{place}", integer=True, positive=True) for place in range(len(value))), value
    return (Symbol(key, integer=True, positive=True),), (value,)


def _changeable(name):
    owner = next(owner for owner in zoo.families().values() if name in owner.published)
    return [(key, value) for key, value in zoo.info(name).hyperparameters.items() if _is_size(key, value, owner)]


FIRST = {family.name: next(iter(family.published)) for family in zoo.families().values()}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in ("resnet18", "vgg11", "gpt2") else pytest.mark.slow) for n in FIRST.values()],
)
def test_every_hyperparameter_can_be_a_symbol(name):
    known = la.parameters(zoo.build(name)), la.macs(zoo.build(name))
    for key, value in _changeable(name):
        symbols, values = _symbols_for(key, value)
        net = zoo.build(name, **{key: symbols if isinstance(value, tuple) else symbols[0]})
        for metric, wanted in zip((la.parameters, la.macs), known):
            derived = la.derive(metric, net)
            assert derived(**{s.name: v for s, v in zip(symbols, values) if s in derived.symbols}) == wanted, key


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in ("resnet18", "gpt2", "vit_b_16", "llama_7b") else pytest.mark.slow)
        for n in FIRST.values()
    ],
)
def test_one_formula_for_a_family(name):
    """With a symbol for every size, one closed form gives every member that differs in sizes only."""
    net, sizes = zoo.symbolic(name)
    assert set(sizes) == {symbol for symbol in net.free_symbols if symbol.name != "number"}
    owner = next(owner for owner in zoo.families().values() if name in owner.published)

    def literals(member):
        return {
            word: value for word, value in zoo.info(member).hyperparameters.items() if not _is_size(word, value, owner)
        }

    alike = {member: zoo.symbolic(member)[1] for member in owner.published if literals(member) == literals(name)}
    alike = {member: values for member, values in alike.items() if set(values) == set(sizes)}
    assert name in alike
    for metric in (la.parameters, la.macs):
        formula = la.derive(metric, net)
        for member, values in alike.items():
            here = {symbol: value for symbol, value in values.items() if symbol in formula.symbols}
            assert formula(here) == metric(zoo.build(member)), member


def _is_size(word, value, owner):
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return word not in owner.literal and (whole or isinstance(value, tuple))


@pytest.mark.parametrize("name", sorted(zoo.names()))
def test_a_network_is_the_series_of_its_stages(name):
    stages = zoo.stages(name)
    net = zoo.build(name)
    assert la.Series(*stages.values()) == net
    assert net.func(*net.args) == net and not net.free_symbols
    assert len(stages) >= 3 and all(isinstance(part, la.Network) for part in stages.values())


def test_families_are_functions():
    n = la.dims("n")
    assert zoo.resnet(depths=(2, 2, 2, 2), block="basic") == zoo.build("resnet18")
    assert zoo.resnet50(classes=n) == zoo.build("resnet50", classes=n)
    assert zoo.vgg(resolution=64) == zoo.vgg(height=64, width=64)
    assert all(family.__doc__ and "Parameters" in family.__doc__ for family in zoo.families().values())


def test_no_module_hides_a_network():
    modules = {path.stem for path in Path(zoo.__file__).parent.glob("*.py")}
    assert not modules & (set(zoo.names()) | set(zoo.families()))


def test_stages_with_a_symbolic_number_of_blocks_are_small():
    """A stage is one repetition however deep it is."""
    shallow, deep = (zoo.build("resnet152", depths=(3, 8, n, 3)) for n in (36, 1000))
    assert len(list(deep.args)) == len(list(shallow.args))
    assert la.parameters(deep) - la.parameters(shallow) == (1000 - 36) * (
        2 * 1024 * 256 + 9 * 256**2 + 2 * (256 + 256 + 1024)
    )


# rules of scaling ----------------------------------------------------------------------------------------------------


def rule_of_mobilenet(value, divisor=8):
    """The rule as it is usually written, in exact arithmetic."""
    nearest = max(divisor, int(value + Fraction(divisor, 2)) // divisor * divisor)
    return nearest + divisor if nearest < Fraction(9, 10) * value else nearest


@given(st.integers(1, 600), st.fractions(Fraction(1, 10), 4, max_denominator=20))
def test_rounded_numbers_of_channels(size, factor):
    value = size * factor
    assert rounded(_rational(value)) == rule_of_mobilenet(value)


def _rational(value):
    from sympy import Rational

    return Rational(value.numerator, value.denominator)


@given(st.integers(1, 200))
def test_rounded_symbols_agree_with_rounded_numbers(number):
    n = la.dims("n")
    assert rounded(3 * n).subs(n, number) == rule_of_mobilenet(3 * number)
    assert rounded(24 * n) == 24 * n
    assert rounded(5 * n / 4).subs(n, number) == rule_of_mobilenet(Fraction(5 * number, 4))


def test_regnet_widths():
    from layeralgebra.layers.zoo.regular import quantised_widths

    # Table of the paper's appendix: RegNetX-3.2GF has depths 2, 6, 15, 2 and widths 96, 192, 432, 1008.
    assert quantised_widths(25, 88, 26.31, 2.25, 48) == ((96, 192, 432, 1008), (2, 6, 15, 2), (48, 48, 48, 48))
    for depth in range(1, 40, 7):
        widths, depths, groups = quantised_widths(depth, 24, 24.48, 2.54, 16)
        assert (
            sum(depths) == depth
            and list(widths) == sorted(set(widths))
            and all(w % g == 0 for w, g in zip(widths, groups))
        )


# bad requests --------------------------------------------------------------------------------------------------------

BAD = [
    (lambda: zoo.build("resnet51"), "did you mean resnet50"),
    (lambda: zoo.build(""), "zoo.names()"),
    (lambda: zoo.build(None), "takes a text as name"),
    (lambda: zoo.build("x" * 10_000), "no network"),
    (lambda: zoo.build("regnetx32gf"), "regnet_x_32gf or regnet_x_3_2gf"),
    (lambda: zoo.build("resnet50", depth=3), "base_width"),
    (lambda: zoo.build("resnet50", base_width=0), "at least 1"),
    (lambda: zoo.build("resnet50", base_width=-4), "at least 1"),
    (lambda: zoo.build("resnet50", base_width=1.5), "integer"),
    (lambda: zoo.build("resnet50", classes="many"), "classes|integer"),
    (lambda: zoo.build("resnet50", depths=(1, 2)), "4 stages"),
    (lambda: zoo.build("resnet50", depths=(3, 4, 0, 3)), "at least"),
    (lambda: zoo.build("resnet50", block="wide"), "basic"),
    (lambda: zoo.build("resnet50", height="224"), "integer"),
    (lambda: zoo.build("mobilenet_v2", width_factor=0), "positive"),
    (lambda: zoo.build("mobilenet_v2", width_factor=float("nan")), "positive|finite"),
    (lambda: zoo.build("mobilenet_v3_large", variant="huge"), "large"),
    (lambda: zoo.build("shufflenet_v2_x1_0", widths=(24, 117, 232, 464, 1024)), "even"),
    (lambda: zoo.build("efficientnet_v2_s", widths=(24, 48)), "widths"),
    (lambda: zoo.build("regnet_x_8gf", depth=la.dims("n")), "widths"),
    (lambda: zoo.build("regnet_x_8gf", multiplier=1), "multiplier"),
    (lambda: zoo.build("regnet_x_8gf", depth=10**9), "depth"),
    (lambda: zoo.build("swin_t", version=3), "1 or 2"),
    (lambda: zoo.build("unet", levels=-1), "1 to 12"),
    (lambda: zoo.info("resnet"), "no network"),
    (lambda: zoo.stages("vgg16", widths=3), "hyperparameter"),
]


@pytest.mark.parametrize("request_, message", BAD, ids=range(len(BAD)))
def test_bad_requests(request_, message):
    with pytest.raises(la.LayerAlgebraError, match=message):
        request_()


def test_an_unknown_attribute_is_no_network():
    with pytest.raises(AttributeError, match="zoo.names"):
        _ = zoo.resnet51


def test_too_small_an_image_is_refused_at_the_layer_that_fails():
    with pytest.raises(la.ShapeError, match="window"):
        la.macs(zoo.build("alexnet", resolution=16))
    net = zoo.build("inception_v3", resolution=75, auxiliary=False)
    assert math.prod(la.output_shape(net)) == 1000
