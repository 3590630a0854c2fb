"""PyTorch's own counter of operations against imported models: equal, or the difference named operator by operator.

PyTorch's counter counts the operators that it knows by name. On the CPU two of them run in one piece under names that it does not know, so that
their products are missing there: attention by the function (`aten._scaled_dot_product_flash_attention_for_cpu`) and the LSTM
(`aten.mkldnn_rnn_layer`). Everything else agrees, and so do these two where they run in their parts.
"""

from __future__ import annotations

import pytest

import layeralgebra as la

torch = pytest.importorskip("torch")
language = pytest.importorskip("oracles.torch_language_model")
nn = torch.nn


def counted(module, *inputs):
    """Half of PyTorch's floating-point operations, in total and by operator."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module.eval()(*inputs)
    return counter.get_total_flops() // 2, {
        str(name): flops // 2 for name, flops in counter.get_flop_counts()["Global"].items()
    }


class Outputs(nn.Module):
    """A recurrent layer without its last state."""

    def __init__(self, kind):
        super().__init__()
        self.inner = kind(4, 6, batch_first=True)

    def forward(self, x):
        return self.inner(x)[0]


class Contraction(nn.Module):
    def forward(self, x):
        return torch.einsum("bij,bkj->bik", x, x)


EQUAL = {
    "linear": (nn.Linear(4, 5), (3, 4)), "transposed": (nn.ConvTranspose2d(3, 5, 3, stride=2), (3, 6, 6)), "gru": (Outputs(nn.GRU), (9, 4)),
    "volume": (nn.Conv3d(2, 3, 3, padding=1), (2, 4, 4, 4)), "grouped": (nn.Conv1d(4, 8, 3, groups=2, dilation=2), (4, 9)),
    "rnn": (Outputs(nn.RNN), (9, 4)), "einsum": (Contraction(), (5, 6)),
    "norms": (nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4), nn.BatchNorm2d(4), nn.Softmax(1), nn.AvgPool2d(2)), (3, 6, 6)),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name):
    module, shape = EQUAL[name]
    assert la.macs(la.from_torch(module, shape)) == counted(module, torch.zeros(1, *shape))[0] > 0


@pytest.mark.parametrize("way", language.WAYS)
def test_attention(way):
    module = language.LanguageModel(60, 20, 12, 3, 3, way)
    ours = la.macs(la.from_torch(module, (16,), integers=True))
    total, by_operator = counted(module, torch.zeros(1, 16, dtype=torch.long))
    products = 3 * 2 * 16 * 16 * 12
    maps = {name: count for name, count in by_operator.items() if "bmm" not in name and "attention" not in name}
    assert ours == sum(maps.values()) + products
    assert total in (ours, ours - products)  # with the products, or without them where they run in one piece
    if way == "products":
        assert total == ours


def test_lstm():
    module = Outputs(nn.LSTM)
    ours = la.macs(la.from_torch(module, (9, 4)))
    assert ours == 9 * 4 * 6 * (4 + 6)
    assert counted(module, torch.zeros(1, 9, 4))[0] in (ours, 0)
