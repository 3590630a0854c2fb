"""The zoo against torchvision's own modules: parameters, PyTorch's own counter of work, and numbers."""

from __future__ import annotations

import numpy as np
import pytest

import layeralgebra as la
from layeralgebra import zoo

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.flop_counter")
try:
    from oracles.torchvision_models import counts, load, model, tensor_sizes
    from oracles.torchvision_weights import by_name, calibrated, held_by

    torchvision = load()
except Exception as reason:  # a build of torchvision for another PyTorch fails in many ways
    pytest.skip(f"torchvision does not load: {reason}", allow_module_level=True)

MODELS = torchvision.models.list_models(module=torchvision.models)
QUICK = {
    "alexnet",
    "densenet121",
    "mnasnet0_75",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_v2_t",
    "vit_b_32",
}
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
    """Tensor by tensor: each of ours has the size of one of theirs."""
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


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("resnet18", (64, 96)),
        ("shufflenet_v2_x0_5", (75, 190)),
        pytest.param("convnext_tiny", (64, 160), marks=pytest.mark.slow),
        pytest.param("googlenet", (97, 150), marks=pytest.mark.slow),
    ],
)
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
        ours = quantised_widths(
            *(numbers[key] for key in ("depth", "initial_width", "slope", "multiplier", "group_width"))
        )
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
        **dict(zip("QKV", maps)), **dict(zip(("bq", "bk", "bv"), biases)), "O": numbers(theirs.proj.weight),
        "b": numbers(theirs.proj.bias),
    }  # fmt: skip
    if cosine:
        held |= {
            "T": numbers(theirs.relative_coords_table[0]), "R": numbers(theirs.cpb_mlp[0].weight),
            "br": numbers(theirs.cpb_mlp[0].bias),
            "S": numbers(theirs.cpb_mlp[2].weight), "l": numbers(theirs.logit_scale).reshape(heads),
        }  # fmt: skip
        layer = la.CosineWindowAttention(heads, window, shift)
    else:
        held["B"] = (
            numbers(theirs.relative_position_bias_table)
            .reshape(2 * window - 1, 2 * window - 1, heads)
            .transpose(2, 0, 1)
        )
        layer = la.WindowAttention(heads, window, shift)
    assert np.allclose(la.run(layer, numbers(image[0]).transpose(2, 0, 1), held), wanted, rtol=1e-9, atol=1e-9)
    assert sum(array.size for name, array in held.items() if name != "T") == la.parameters(
        layer, on=(features, height, width)
    )


@pytest.mark.parametrize("kind", ["window", "grid"])
def test_grid_attention_gives_the_same_numbers(kind):
    from torchvision.models.maxvit import PartitionAttentionLayer

    features, window = 4, 3
    theirs = randomised(
        PartitionAttentionLayer(
            features, features, window, kind, (6, 6), 2, torch.nn.GELU, torch.nn.LayerNorm, 0.0, 0.0, 0.0
        )
    )
    theirs.attn_layer[0], theirs.mlp_layer = torch.nn.Identity(), Nothing()
    image = torch.randn(1, features, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    attention = theirs.attn_layer[1]
    maps, biases = (
        numbers(attention.to_qkv.weight).reshape(3, 1, features, features),
        numbers(attention.to_qkv.bias).reshape(3, 1, features),
    )
    held = {
        **dict(zip("QKV", maps)), **dict(zip(("bq", "bk", "bv"), biases)), "O": numbers(attention.merge.weight),
        "b": numbers(attention.merge.bias),
        "B": numbers(attention.relative_position_bias_table).reshape(5, 5, 1).transpose(2, 0, 1),
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


# numbers of whole networks -------------------------------------------------------------------------------------------


def small_vit():
    from torchvision.models.vision_transformer import VisionTransformer

    made = VisionTransformer(
        image_size=12, patch_size=4, num_layers=2, num_heads=2, hidden_dim=6, mlp_dim=10, num_classes=5
    )
    torch.nn.init.normal_(made.heads.head.weight)
    return made, zoo.vit(resolution=12, patch=4, depth=2, heads=2, features=6, hidden=10, classes=5)


def small_swin(version):
    from torchvision.models import swin_transformer as there

    words = {"block": there.SwinTransformerBlockV2, "downsample_layer": there.PatchMergingV2} if version == 2 else {}
    made = there.SwinTransformer([2, 2], 8, [2, 1, 3, 2], [2, 2, 4, 4], [3, 3], num_classes=5, **words)
    net = zoo.swin(
        resolution=64,
        patch=2,
        base_width=8,
        depths=(2, 1, 3, 2),
        heads=(2, 2, 4, 4),
        window=3,
        version=version,
        classes=5,
    )
    return made, net


def small_maxvit():
    from torchvision.models.maxvit import MaxVit

    made = MaxVit((64, 64), 8, 2, [8, 16, 32, 64], [1, 2, 1, 1], 4, 0.2, num_classes=5)
    return made, zoo.maxvit(resolution=64, base_width=8, window=2, depths=(1, 2, 1, 1), head_features=4, classes=5)


def named(name, size):
    changes = {"auxiliary": False} if name == "inception_v3" else {}
    return lambda: (by_name(name), zoo.build(name, resolution=size, classes=5, **changes))


WHOLE = {
    "squeezenet": (named("squeezenet1_1", 40), 40, True),
    "mobilenet_v3": (named("mobilenet_v3_small", 32), 32, False),
    "shufflenet": (named("shufflenet_v2_x0_5", 33), 33, False),
    "vit": (small_vit, 12, True),
    "swin": (lambda: small_swin(1), 64, True),
    "swin_v2": (lambda: small_swin(2), 64, True),
    "maxvit": (small_maxvit, 64, False),
    "mnasnet": (named("mnasnet0_5", 32), 32, False),
    "mobilenet_v2": (named("mobilenet_v2", 35), 35, False),
    "regnet": (named("regnet_y_400mf", 32), 32, False),
    "resnet": (named("resnet18", 37), 37, False),
    "resnext": (named("resnext50_32x4d", 32), 32, False),
    "densenet": (named("densenet121", 40), 40, False),
    "efficientnet": (named("efficientnet_b0", 32), 32, False),
    "efficientnet_b5": (named("efficientnet_b5", 32), 32, False),
    "efficientnet_v2": (named("efficientnet_v2_s", 32), 32, False),
    "googlenet": (named("googlenet", 50), 50, False),
    "inception_v3": (named("inception_v3", 80), 80, False),
    "convnext": (named("convnext_tiny", 32), 32, False),
    "vgg": (named("vgg11_bn", 32), 32, False),
    "alexnet": (named("alexnet", 70), 70, False),
}


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if row[2] else pytest.mark.slow) for name, row in WHOLE.items()]
)
def test_whole_networks_give_the_same_numbers(family):
    """The equations, run with the weights of torchvision's model, give its output."""
    make, size, _ = WHOLE[family]
    torch.manual_seed(11)
    model, net = make()
    model = calibrated(model, size)
    image = torch.randn(1, 3, size, size, dtype=torch.float64)
    with torch.no_grad():
        wanted = numbers(model(image)[0])
    found = la.run(net, numbers(image[0]), held_by(net, model))
    assert np.ptp(wanted) > 1e-3 and np.isfinite(wanted).all()
    assert np.abs(found - wanted).max() <= 1e-9 * np.abs(wanted).max()
