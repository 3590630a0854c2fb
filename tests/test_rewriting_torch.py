"""Folded batch norms against PyTorch's own fusion of them."""

from __future__ import annotations

import numpy
import pytest

import layeralgebra as la

torch = pytest.importorskip("torch")
pytest.importorskip("egglog")


def model(groups, bias, affine):
    """A small network with batch norms after convolutions, with drawn statistics."""
    nn = torch.nn
    torch.manual_seed(groups)
    made = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1, bias=bias), nn.BatchNorm2d(6, affine=affine), nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2, groups=groups, bias=bias), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU(),
        nn.Conv2d(8, 5, 1), nn.BatchNorm2d(5),
    ).double().eval()  # fmt: skip
    for part in made:
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                part.weight.data.normal_()
                part.bias.data.normal_()
    return made


NAMES = {"weight": "W", "bias": "b"}
NORM = {"weight": "g", "bias": "b", "running_mean": "m", "running_var": "v"}


def ours(parts, shapes):
    """PyTorch's tensors by our names, each with our shape; the network lies behind its input."""
    found = {}
    for number, part in parts:
        names = NORM if isinstance(part, torch.nn.BatchNorm2d) else NAMES
        for theirs, name in names.items():
            tensor = getattr(part, theirs, None)
            if tensor is not None:
                found[f"1.{number}.{name}"] = tensor.detach().numpy().reshape(shapes[f"1.{number}.{name}"])
    return found


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_the_fused_kernels_are_those_of_torch(groups, bias, affine):
    optimization = pytest.importorskip("torch.fx.experimental.optimization")
    made = model(groups, bias, affine)
    net = la.from_torch(made, (4, 9, 9))
    found = la.rewrite(net, least="flops")
    assert "BatchNorm" not in str(found.network)
    weights = ours(enumerate(made), {name: value.shape for name, value in la.weights(net).items()})
    mine = found.weights(weights)
    fused = [part for part in optimization.fuse(made).modules() if isinstance(part, torch.nn.Conv2d)]
    for part in fused:
        for tensor in (part.weight, part.bias):
            theirs = tensor.detach().numpy().reshape(-1)
            same = [own for own in mine.values() if own.size == theirs.size and numpy.allclose(own.reshape(-1), theirs)]
            assert len(same) == 1
    assert len(mine) == 2 * len(fused) == 6
    x = torch.randn(1, 4, 9, 9, dtype=torch.float64)
    theirs = made(x).detach().numpy()[0]
    assert numpy.allclose(la.run(found.network, x.numpy()[0], mine), theirs, rtol=1e-9, atol=1e-9)
