"""torchvision's models written as ONNX files and read back: parameters and work are those of the same model read from PyTorch.

Batch normalisation is kept apart while exporting: an exporter that folds it into the convolutions takes its parameters out of the file.
"""

from __future__ import annotations

import pytest

import layeralgebra as la

pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
try:
    from oracles.torchvision_models import load

    torchvision = load()
except Exception as error:  # absent, or its compiled operators do not load
    pytest.skip(f"torchvision cannot be imported: {error}", allow_module_level=True)

MODELS = [
    "squeezenet1_1",
    "resnet18",
    "mobilenet_v2",
    "densenet121",
    "vit_b_16",
    "swin_t",
    "convnext_tiny",
    "maxvit_t",
    "regnet_y_400mf",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [name if name == "squeezenet1_1" else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_equal_from_onnx_and_from_pytorch(name, tmp_path):
    module, path = torchvision.models.get_model(name).eval(), str(tmp_path / "model.onnx")
    keep = torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(
        module, (torch.zeros(1, 3, 224, 224),), path, dynamo=False, do_constant_folding=False, training=keep
    )
    read, traced = la.from_onnx(path), la.from_torch(module, (3, 224, 224))
    assert la.parameters(read) == la.parameters(traced) == sum(p.numel() for p in module.parameters())
    assert la.macs(read) == la.macs(traced)
    assert tuple(la.output_shape(read)) == (1000,)
