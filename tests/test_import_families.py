"""Small instances of torchvision's families: what `to_torch` makes of the imported network computes what the module computes.

Weights go from one to the other in the order in which the exported graph first reads them, which is the order in which the importer writes its
layers; no name is compared.
"""

from __future__ import annotations

import pytest

import layeralgebra as la

torch = pytest.importorskip("torch")
try:
    from oracles.torchvision_models import load

    load()
    from torchvision import models
    from torchvision.models import (
        convnext,
        densenet,
        efficientnet,
        maxvit,
        mobilenetv2,
        mobilenetv3,
        regnet,
        resnet,
        shufflenetv2,
        squeezenet,
        swin_transformer,
        vgg,
    )
    from torchvision.models.vision_transformer import VisionTransformer
except Exception as error:  # absent, or its compiled operators do not load
    pytest.skip(f"torchvision cannot be imported: {error}", allow_module_level=True)


def _efficientnet():
    blocks = [efficientnet.MBConvConfig(1, 3, 1, 8, 8, 1), efficientnet.MBConvConfig(4, 5, 2, 8, 16, 2)]
    return efficientnet.EfficientNet(blocks, dropout=0.0, num_classes=5, last_channel=24)


def _efficientnet_v2():
    blocks = [efficientnet.FusedMBConvConfig(2, 3, 1, 8, 8, 1), efficientnet.MBConvConfig(4, 3, 2, 8, 16, 1)]
    return efficientnet.EfficientNet(blocks, dropout=0.0, num_classes=5, last_channel=24)


def _mobilenet_v3():
    rows = [(8, 3, 16, 8, True, "RE", 2, 1), (8, 5, 24, 8, True, "HS", 1, 1)]
    return mobilenetv3.MobileNetV3([mobilenetv3.InvertedResidualConfig(*row, 1.0) for row in rows], 16, num_classes=5)


def _regnet(ratio):
    return regnet.RegNet(
        regnet.BlockParams([1, 2], [8, 16], [4, 8], [1.0, 1.0], [2, 2], ratio), num_classes=5, stem_width=8
    )


def _vgg():
    made = vgg.VGG(vgg.make_layers([4, "M", 8, "M"], batch_norm=True), init_weights=False)
    made.classifier = torch.nn.Sequential(
        torch.nn.Linear(8 * 49, 6), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(6, 5)
    )  # not 4096 wide
    return made


def _swin(block, patch):
    return swin_transformer.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=5, block=block, downsample_layer=patch
    )


FAMILIES = {
    "alexnet": (lambda: models.AlexNet(num_classes=5), 64),
    "vgg": (_vgg, 32),
    "resnet": (lambda: resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=5), 32),
    "wide and grouped resnet": (lambda: resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=5, groups=2, width_per_group=8), 32),
    "densenet": (lambda: densenet.DenseNet(4, (2, 2), 8, 2, num_classes=5), 32),
    "squeezenet": (lambda: squeezenet.SqueezeNet("1_1", num_classes=5), 64),
    "googlenet": (lambda: models.GoogLeNet(num_classes=5, aux_logits=False, init_weights=False), 64),
    "inception": (lambda: models.Inception3(num_classes=5, aux_logits=False, init_weights=False), 96),
    "mobilenet v2": (lambda: mobilenetv2.MobileNetV2(5, inverted_residual_setting=[[1, 8, 1, 1], [3, 8, 2, 2]], width_mult=0.25), 32),
    "mobilenet v3": (_mobilenet_v3, 32),
    "shufflenet": (lambda: shufflenetv2.ShuffleNetV2([2, 2, 2], [4, 8, 16, 32, 64], num_classes=5), 64),
    "mnasnet": (lambda: models.MNASNet(0.1, num_classes=5), 64),
    "efficientnet": (_efficientnet, 32),
    "efficientnet v2": (_efficientnet_v2, 32),
    "regnet x": (lambda: _regnet(None), 32),
    "regnet y": (lambda: _regnet(0.25), 32),
    "convnext": (lambda: convnext.ConvNeXt([convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, None, 1)], num_classes=5), 32),
    "vit": (lambda: VisionTransformer(32, 8, 2, 2, 8, 16, num_classes=5), 32),
    "swin": (lambda: _swin(swin_transformer.SwinTransformerBlock, swin_transformer.PatchMerging), 16),
    "swin v2": (lambda: _swin(swin_transformer.SwinTransformerBlockV2, swin_transformer.PatchMergingV2), 16),
    "maxvit": (lambda: maxvit.MaxVit((32, 32), 8, 4, [8], [1], 4, 0.0, num_classes=5), 32),
}  # fmt: skip
"""Family to a small instance and the height of its images."""

QUICK = {"resnet", "densenet", "regnet y", "vit", "swin", "convnext"}
"""Those that run by default; alexnet, squeezenet, mnasnet and the inceptions take no numbers of blocks or channels and are large."""


def read_in_order(module, example):
    """The module's tensors in the order in which the exported graph reads them: learned ones, and fixed ones."""
    program = torch.export.export(module, (example,), strict=False)
    signature = program.graph_signature
    learned, fixed = [], []
    held = {**module.state_dict(keep_vars=True), **dict(module.named_buffers())}
    for node in program.graph.nodes:
        for part in node.all_input_nodes if node.op == "call_function" and "slice" not in str(node.target) else ():
            name = signature.inputs_to_parameters.get(part.name)
            if name is not None and name not in learned:
                learned.append(name)
            name = signature.inputs_to_buffers.get(part.name)
            if name is not None and name not in fixed and "num_batches" not in name:
                fixed.append(name)
    return [held[name] for name in learned], [held[name] for name in fixed]


def filled(made, learned, fixed):
    """Give a built module the tensors of another, in order; masks stay 1 and what stands beside them becomes 0."""
    with torch.no_grad():
        parameters = list(made.parameters())
        assert [p.numel() for p in parameters] == [p.numel() for p in learned]
        for new, old in zip(parameters, learned):
            new.copy_(old.reshape(new.shape))
        waiting = iter(fixed)
        for name, buffer in made.named_buffers():
            kind = name.rsplit(".", 1)[-1]
            if kind == "buffer_other":
                buffer.zero_()
            elif kind not in ("buffer_mask", "num_batches_tracked"):
                buffer.copy_(next(waiting).reshape(buffer.shape))
        assert next(waiting, None) is None


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAMILIES]
)
def test_the_imported_network_computes_what_the_module_computes(family):
    build, size = FAMILIES[family]
    torch.manual_seed(0)
    module = build().eval()
    with torch.no_grad():
        for tensor in module.parameters():
            torch.nn.init.normal_(tensor, std=0.2) if tensor.dim() < 2 else torch.nn.init.kaiming_normal_(tensor)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                buffer.normal_(std=0.1)
        for name, tensor in module.named_parameters():
            if family == "swin v2" and name.endswith("qkv.bias"):
                tensor[len(tensor) // 3 : 2 * len(tensor) // 3] = 0  # the module overwrites the keys' bias by this
    x = torch.randn(2, 3, size, size)
    net = la.from_torch(module, (3, size, size))
    made = la.to_torch(net).eval()
    filled(made, *read_in_order(module, x[:1]))
    with torch.no_grad():
        expected = module(x)
        found = made(x)
    assert expected.abs().max() > 1e-3
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
