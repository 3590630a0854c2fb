"""Language models imported: attention written in several ways counts the same, from PyTorch and from ONNX."""

from __future__ import annotations

import pytest

import layeralgebra as la

torch = pytest.importorskip("torch")
language = pytest.importorskip("oracles.torch_language_model")
SMALL = {"vocabulary": 60, "context": 20, "width": 12, "depth": 3, "heads": 3}


def small(way):
    """A small model with numbers that are all different: exporters store equal tensors once."""
    made = language.LanguageModel(**SMALL, way=way).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize(
    "way", [way if way == "function" else pytest.param(way, marks=pytest.mark.slow) for way in language.WAYS]
)
def test_gpt2_from_pytorch_equals_the_zoo(way):
    net = la.from_torch(lambda: language.LanguageModel(50257, 1024, 768, 12, 12, way), (1024,), integers=True)
    zoo = la.zoo.build("gpt2")
    assert la.parameters(net) == la.parameters(zoo) == 124_439_808
    assert la.macs(net) == la.macs(zoo)


def by_hand(time):
    """Products of one example: what each block's maps and attention take, and the scores of all words."""
    width = SMALL["width"]
    return SMALL["depth"] * (12 * width**2 * time + 2 * width * time**2) + SMALL["vocabulary"] * width * time


@pytest.mark.parametrize("way", language.WAYS)
def test_every_way_of_writing_attention_counts_the_same(way):
    module = small(way)
    net = la.from_torch(module, (16,), dynamic={0: "T"}, integers=True)
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    derived = la.derive("macs", net)
    assert [derived(T=time) for time in (2, 16, 19)] == [by_hand(time) for time in (2, 16, 19)]
    assert tuple(la.output_shape(net)) == (la.dims("T"), SMALL["vocabulary"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", language.WAYS)
def test_exported_to_onnx(way, tmp_path):
    pytest.importorskip("onnx")
    module, path = small(way), str(tmp_path / "model.onnx")
    # A trace of nn.MultiheadAttention holds the length of the example as a number.
    dynamic = {} if way == "module" else {"dynamic_axes": {"x": {1: "T"}}, "input_names": ["x"]}
    tokens = torch.zeros(1, 16, dtype=torch.long)
    torch.onnx.export(module, (tokens,), path, dynamo=False, do_constant_folding=False, **dynamic)
    net = la.from_onnx(path)
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    assert la.derive("macs", net)(**({"T": 16} if dynamic else {})) == by_hand(16)


def test_heads_in_groups():
    class Grouped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key, self.value = torch.nn.Linear(24, 24), torch.nn.Linear(24, 8), torch.nn.Linear(24, 8)

        def forward(self, x):
            parts = (part(x).view(1, 10, -1, 4).transpose(1, 2) for part in (self.query, self.key, self.value))
            made = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True, enable_gqa=True)
            return made.transpose(1, 2).reshape(1, 10, 24)

    net = la.from_torch(Grouped(), (10, 24))
    assert la.macs(net) == 10 * 24 * (24 + 8 + 8) + 2 * 10 * 10 * 24
    assert tuple(la.output_shape(net)) == (10, 24)


PRODUCTS = [((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((1, 6, 3, 4), (7, 1, 4, 5)), ((3, 4), (2, 4, 5)), ((4,), (2, 4, 5)),
            ((2, 3, 4), (4,)), ((1, 1, 3, 4), (1, 1, 4, 1))]  # fmt: skip


@pytest.mark.parametrize("left, right", PRODUCTS)
def test_products_broadcast_like_pytorchs(left, right):
    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = (torch.nn.Parameter(torch.randn(shape)) for shape in (left, right))

        def forward(self, x):
            return (self.left @ self.right).reshape(1, -1) + x

    module = Product()
    size = (module.left @ module.right).numel()
    net = la.from_torch(module, (size,))
    assert la.macs(net) == size * left[-1]
    back = la.to_torch(net)
    with torch.no_grad():
        for new, old in zip(back.parameters(), module.parameters()):
            new.copy_(old)
        x = torch.randn(1, size)
        assert torch.allclose(back(x), module(x), atol=1e-5)
