"""The zoo against torchvision's own modules and PyTorch's own counter, on the meta device; layers against their numbers."""

from __future__ import annotations

import numpy as np
import pytest

import layeralgebra as la
from layeralgebra import zoo

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.flop_counter")
try:
    from oracles.torchvision_models import counts, load, model, tensor_sizes

    torchvision = load()
except Exception as reason:  # a build of torchvision for another PyTorch fails in many ways
    pytest.skip(f"torchvision does not load: {reason}", allow_module_level=True)

MODELS = torchvision.models.list_models(module=torchvision.models)
QUICK = {"alexnet", "densenet121", "mnasnet0_75", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_v2_t", "vit_b_32"}
ATTENTION = ("swin", "maxvit", "vit")


def some(names):
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


def published_size(name):
    return int(zoo.info(name).hyperparameters["height"])


@pytest.mark.parametrize("name", some(MODELS))
def test_parameters_and_macs_equal_pytorchs_own(name):
    net = zoo.build(name)
    assert (la.parameters(net), la.macs(net)) == counts(name, published_size(name))


@pytest.mark.parametrize("name", some(name for name in MODELS if not name.startswith(ATTENTION)))
def test_the_learned_tensors_are_as_large(name):
    """Tensor by tensor: each of ours has the size of one of theirs (attention holds queries, keys and values in one there)."""
    walked = la.parameters.evaluate(zoo.build(name))
    ours: list[int] = []
    for term in walked.terms:
        if term.site.instance is None:
            continue
        copies = 1
        for loop in term.site.loops:
            copies *= int(loop.times)
        ours += [int(np.prod([int(n) for n in shape])) for shape in term.site.instance.weights().values()] * copies
    assert sorted(ours) == tensor_sizes(name)


@pytest.mark.parametrize("name, sizes", [("resnet18", (64, 96)), pytest.param("convnext_tiny", (64, 160), marks=pytest.mark.slow),
                                         ("shufflenet_v2_x0_5", (75, 190)), pytest.param("googlenet", (97, 150), marks=pytest.mark.slow)])  # fmt: skip
def test_a_symbolic_resolution_holds_at_other_sizes(name, sizes):
    formula = la.derive("macs", zoo.build(name, resolution=la.dims("R")))
    for size in sizes:
        assert formula(R=size) == counts(name, size)[1]


def test_stages_of_regnet_are_generated_as_there():
    from torchvision.models.regnet import BlockParams

    from layeralgebra.layers.zoo.regular import quantised_widths

    for name in (name for name in MODELS if name.startswith("regnet")):
        numbers = zoo.info(name).hyperparameters
        theirs = BlockParams.from_init_params(
            depth=numbers["depth"], w_0=numbers["initial_width"], w_a=numbers["slope"], w_m=numbers["multiplier"],
            group_width=numbers["group_width"],
        )  # fmt: skip
        ours = quantised_widths(*(numbers[key] for key in ("depth", "initial_width", "slope", "multiplier", "group_width")))
        assert ours == (tuple(theirs.widths), tuple(theirs.depths), tuple(theirs.group_widths))


# numbers of the layers that are new here -----------------------------------------------------------------------------


def numbers(tensor):
    return tensor.detach().double().numpy()


def randomised(module):
    generator = torch.Generator().manual_seed(7)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    return module.double().eval()


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("height, width, shift", [(8, 8, 0), (8, 8, 2), (6, 7, 2), (4, 8, 2), (3, 9, 1), (4, 4, 2)])
def test_window_attention_gives_the_same_numbers(cosine, height, width, shift):
    from torchvision.models.swin_transformer import ShiftedWindowAttention, ShiftedWindowAttentionV2

    features, heads, window = 6, 2, 4
    kind = ShiftedWindowAttentionV2 if cosine else ShiftedWindowAttention
    theirs = randomised(kind(features, [window, window], [shift, shift], heads))
    image = torch.randn(1, height, width, features, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wanted = numbers(theirs(image)[0]).transpose(2, 0, 1)
    maps = numbers(theirs.qkv.weight).reshape(3, heads, features // heads, features)
    biases = numbers(theirs.qkv.bias).reshape(3, heads, features // heads)
    held = {
        **dict(zip("QKV", maps)), **dict(zip(("bq", "bk", "bv"), biases)), "O": numbers(theirs.proj.weight), "b": numbers(theirs.proj.bias),
    }  # fmt: skip
    if cosine:
        held |= {
            "T": numbers(theirs.relative_coords_table[0]), "R": numbers(theirs.cpb_mlp[0].weight), "br": numbers(theirs.cpb_mlp[0].bias),
            "S": numbers(theirs.cpb_mlp[2].weight), "l": numbers(theirs.logit_scale).reshape(heads),
        }  # fmt: skip
        layer = la.CosineWindowAttention(heads, window, shift)
    else:
        held["B"] = numbers(theirs.relative_position_bias_table).reshape(2 * window - 1, 2 * window - 1, heads).transpose(2, 0, 1)
        layer = la.WindowAttention(heads, window, shift)
    assert np.allclose(la.run(layer, numbers(image[0]).transpose(2, 0, 1), held), wanted, rtol=1e-9, atol=1e-9)
    assert sum(array.size for name, array in held.items() if name != "T") == la.parameters(layer, on=(features, height, width))


@pytest.mark.parametrize("kind", ["window", "grid"])
def test_grid_attention_gives_the_same_numbers(kind):
    from torchvision.models.maxvit import PartitionAttentionLayer

    features, window = 4, 3
    theirs = randomised(
        PartitionAttentionLayer(features, features, window, kind, (6, 6), 2, torch.nn.GELU, torch.nn.LayerNorm, 0.0, 0.0, 0.0)
    )
    theirs.attn_layer[0], theirs.mlp_layer = torch.nn.Identity(), Nothing()
    image = torch.randn(1, features, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    attention = theirs.attn_layer[1]
    maps, biases = numbers(attention.to_qkv.weight).reshape(3, 1, features, features), numbers(attention.to_qkv.bias).reshape(3, 1, features)
    held = {
        **dict(zip("QKV", maps)), **dict(zip(("bq", "bk", "bv"), biases)), "O": numbers(attention.merge.weight),
        "b": numbers(attention.merge.bias), "B": numbers(attention.relative_position_bias_table).reshape(5, 5, 1).transpose(2, 0, 1),
    }  # fmt: skip
    ours = la.Identity() + la.WindowAttention(1, window, grid=kind == "grid")
    given = {f"1.{name}": array for name, array in held.items()}
    assert np.allclose(la.run(ours, numbers(image[0]), given), numbers(theirs(image)[0]), rtol=1e-9, atol=1e-9)


class Nothing(torch.nn.Module):
    """Zero, whatever comes in: a residual branch without effect."""

    def forward(self, x):
        return torch.zeros_like(x)


def test_the_auxiliary_classifier_passes_its_input_on():
    layer = la.AuxiliaryClassifier(3, 2, 4)
    image = np.arange(2 * 17 * 17, dtype=float).reshape(2, 17, 17)
    assert np.array_equal(la.run(layer, image, la.weights(layer, on=(2, 17, 17))), image)
    held = sum(parameter.numel() for parameter in model("inception_v3").AuxLogits.parameters())
    assert la.parameters(la.AuxiliaryClassifier(1000), on=(768, 17, 17)) == held
    assert la.macs(la.AuxiliaryClassifier(1000), on=(768, 17, 17)) == 0
