"""Imported PyTorch models folded and given their numbers back: equal blocks are repetitions, and what is computed is what the module computes.

The oracle is the module itself: `to_torch` of the folded network, with the module's tensors under the module's names, run beside it. What stands
in a repetition is checked by that as well, since every copy has numbers of its own.
"""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import layeralgebra as la  # noqa: E402
from layeralgebra.layers.importers.grouping import build  # noqa: E402
from layeralgebra.layers.importers.record import Operation, Recording  # noqa: E402


class Holding(nn.Module):
    """A module with parts, and a function of them and of what enters."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, *inputs):
        return self.function(self, *inputs)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x):
        return x + self.body(x)


class Block(nn.Module):
    """A transformer's block by hand; `shift` moves the positions, as every other block of some networks does."""

    def __init__(self, width, shift=0):
        super().__init__()
        self.norm, self.maps, self.out, self.shift = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
            shift,
        )
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x, mask=None, table=0):
        y = self.norm(x)
        if self.shift:
            y = torch.roll(y, self.shift, 1)
        query, key, value = (
            part.view(1, x.shape[1], 2, -1).transpose(1, 2) for part in (self.maps(y) + table).chunk(3, -1)
        )
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
        return x + self.out(y) * self.gain


def along(parts, *rest):
    def function(m, x):
        for part in parts(m):
            x = part(x, *rest)
        return x

    return function


def blocks(count, **options):
    return nn.ModuleList(Block(8, **options) for _ in range(count))


def masked(m, x):
    """One mask and one table, in buffers, for all blocks."""
    for block in m.blocks:
        x = block(x, m.mask[: x.shape[1], : x.shape[1]].log(), m.table)
    return x


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.low = (
            nn.Conv2d(3, 4, 3, 2, 1),
            nn.Sequential(*(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.GELU()) for _ in range(3))),
        )
        self.up, self.out = nn.ConvTranspose2d(4, 4, 2, 2), nn.Conv2d(7, 2, 1)

    def forward(self, x):
        return self.out(torch.cat([x, self.up(self.low(self.down(x)))], 1))


class Mixed(nn.Module):
    """Words with positions from a table, two ways of reading them, and a map that is shared with the table."""

    def __init__(self, kind, **options):
        super().__init__()
        self.words, self.places = nn.Embedding(20, 6), nn.Embedding(12, 6)
        self.read = kind(6, 3, 2, batch_first=True, bidirectional=True, **options)
        self.out = nn.Linear(6, 20, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x):
        found, state = self.read(self.words(x) + self.places(torch.arange(x.shape[1])))
        state = state[0] if isinstance(state, tuple) else state
        return self.out(found) + state.sum(0)[:, :1, None]


LOWER = torch.ones(16, 16).tril()

#: The module, the shape of an example, how many words there are (0 for images), and the numbers of copies in the repetitions.
MODELS = {
    "one map after the other": (lambda: Holding(along(lambda m: m.a), a=nn.ModuleList(nn.Linear(6, 6) for _ in range(4))), (6,), 0, [4]),
    "maps and functions": (
        lambda: nn.Sequential(*(part for _ in range(3) for part in (nn.Linear(6, 6), nn.Tanh()))), (6,), 0, [3],
    ),
    "residual": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), *(Residual(4) for _ in range(3)), nn.MaxPool2d(2), nn.Flatten()), (3, 8, 8), 0, [3]),
    "two stages, the first blocks wider": (
        lambda: nn.Sequential(*(nn.Sequential(nn.Conv2d(a, b, 1), *(Residual(b) for _ in range(2))) for a, b in ((3, 4), (4, 6)))), (3, 6, 6), 0, [2, 2],
    ),
    "attention": (lambda: Holding(along(lambda m: m.blocks), blocks=blocks(4)), (5, 8), 0, [4]),
    "attention in pairs": (lambda: nn.Sequential(*(Block(8, place % 2) for place in range(6))), (5, 8), 0, [3]),
    "attention with a mask and a table for all": (lambda: Holding(masked, blocks=blocks(3), mask=LOWER, table=torch.randn(24)), (5, 8), 0, [3]),
    "PyTorch's own": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.0), 3), (5, 8), 0, [3]),
    "PyTorch's own, norms first": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True), 3), (5, 8), 0, [3],
    ),
    "over and under": (UNet, (3, 8, 8), 0, [3]),
    "mixed": (lambda: Mixed(nn.LSTM), (7,), 20, []),
    "mixed with gates": (lambda: Mixed(nn.GRU, bias=False), (7,), 20, []),
    "mixed plainly": (lambda: Mixed(nn.RNN), (7,), 20, []),
    "one block four times": (lambda: Holding(lambda m, x: m.b(m.b(m.b(m.b(x)))), b=Block(8)), (5, 8), 0, [4]),
    "groups and norms": (
        lambda: nn.Sequential(nn.Conv1d(4, 8, 3, groups=2), nn.GroupNorm(2, 8), nn.PReLU(8), nn.InstanceNorm1d(8, affine=True), nn.BatchNorm1d(8)),
        (4, 9), 0, [],
    ),
    "a mask by hand": (lambda: Holding(lambda m, x: m.a(x.masked_fill(m.k == 0, -2.0)) + torch.where(m.k > 0, x, m.k - 3), a=nn.Linear(16, 16), k=LOWER), (16, 16), 0, []),
    "frozen": (
        lambda: Holding(lambda m, x: F.batch_norm(F.conv1d(x, m.w), m.m, m.v, m.g, m.b), w=torch.randn(3, 2, 2), m=torch.randn(3), v=torch.rand(3) + 1, g=torch.rand(3), b=torch.rand(3)),
        (2, 6), 0, [],
    ),
}  # fmt: skip


LONGER = {
    "mixed with gates",
    "mixed plainly",
    "PyTorch's own, norms first",
    "attention",
    "two stages, the first blocks wider",
    "maps and functions",
}


def two_inputs():
    """Sums that tell which input is which."""
    return Holding(lambda m, x, y: m.a(x) @ m.b(y).transpose(1, 2), a=nn.Linear(3, 4), b=nn.Linear(5, 4))


def test_inputs_come_in_the_order_of_arguments():
    module = stirred(two_inputs())
    net = la.from_torch(module, [(6, 3), (7, 5)])
    x, y = torch.randn(1, 6, 3), torch.randn(1, 7, 5)
    assert torch.allclose(la.to_torch(net, weights=module.state_dict())(x, y), module(x, y), atol=1e-5)


def stirred(module):
    """The module with numbers that are all different, running statistics among them."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                buffer.normal_()
    return module.eval()


def examples(shape, words):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randint(0, words, (1, *shape), generator=generator)
        if words
        else torch.randn(1, *shape, generator=generator)
    )


def together(module, *inputs):
    with torch.no_grad():
        return torch.cat([part.flatten() for part in torch.utils._pytree.tree_leaves(module(*inputs))])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in LONGER else ()) for n in MODELS])
def test_what_the_folded_network_computes_is_what_the_module_computes(name):
    build_module, shape, words, folds = MODELS[name]
    module, x = stirred(build_module()), examples(MODELS[name][1], MODELS[name][2])
    net = la.from_torch(module, shape, integers=bool(words))
    found = [int(repeat.times) for repeat in net.atoms(la.Repeat)]
    assert sorted(found) == sorted(folds)
    held = {id(p): p.numel() for p in module.parameters()}
    assert la.parameters(net) == sum(held.values())
    made = la.to_torch(net, weights=module.state_dict()).eval()
    expected = together(module, x)
    assert torch.allclose(made(x).flatten(), expected, atol=1e-4 * float(expected.abs().max()))
    with torch.no_grad():
        for tensor in [*module.parameters(), *(module.buffers() if name == "frozen" else [])]:
            tensor.mul_(2)
    assert not torch.allclose(made(x).flatten(), together(module, x))  # the numbers were copied, and matter


def test_numbers_at_other_sizes_and_for_run():
    module = stirred(Holding(masked, blocks=blocks(3), mask=LOWER, table=torch.randn(24)))
    T = la.dims("T")
    net = la.from_torch(module, (5, 8), {0: T})
    assert {int(repeat.times) for repeat in net.atoms(la.Repeat)} == {3}
    formula = la.derive("macs", net)
    for time in (3, 16):
        x = torch.randn(1, time, 8)
        made = la.to_torch(net, {"T": time}, weights=module.state_dict())
        assert torch.allclose(made(x).flatten(), together(module, x), atol=1e-5)
        assert formula(T=time) == la.macs(la.from_torch(module, (time, 8)))
    weights = net.imported.weights(module.state_dict(), {T: 4})
    x = torch.randn(1, 4, 8, dtype=torch.float64)
    found = torch.tensor(la.run(net.subs(T, 4), x[0].numpy(), weights).astype(float))
    assert torch.allclose(found.flatten(), together(module.double(), x), atol=1e-6)


def test_a_module_of_the_same_kind_gives_its_numbers():
    first, second = (
        stirred(nn.Sequential(*(Residual(3) for _ in range(3)))),
        nn.Sequential(*(Residual(3) for _ in range(3))).eval(),
    )
    net = la.from_torch(lambda: copy.deepcopy(second), (3, 5, 5))
    x = torch.randn(1, 3, 5, 5)
    for module in (first, second):
        made = la.to_torch(net, weights=module.state_dict()).eval()
        assert torch.allclose(made(x).flatten(), together(module, x), atol=1e-5)


@pytest.mark.parametrize("change, text", [
    (lambda state: state.pop("0.weight"), "'0.weight'"),
    (lambda state: state.update({"0.weight": torch.zeros(5, 4)}), r"\(4, 5\), the model stores \(5, 4\)"),
])  # fmt: skip
def test_numbers_that_do_not_fit(change, text):
    with torch.device("meta"):
        net = la.from_torch(nn.Sequential(nn.Linear(5, 4), nn.ReLU()), (5,))
    state = nn.Sequential(nn.Linear(5, 4), nn.ReLU()).state_dict()
    change(state)
    with pytest.raises(la.LayerAlgebraError, match=text):
        la.to_torch(net, weights=state)


def test_numbers_by_the_names_of_weights_for_any_network():
    net = (
        la.Input(3, 6) >> (la.Conv(3, 3, padding=1) >> la.BatchNorm() >> la.ReLU()) ** 2 >> la.Flatten() >> la.Linear(2)
    )
    weights = la.weights(net, seed=3)
    x = torch.randn(1, 3, 6)
    made = la.to_torch(net, weights=weights).eval()
    assert abs(made(x)[0].detach().numpy() - la.run(net, x[0].numpy(), weights)).max() < 1e-4
    with pytest.raises(la.FieldError, match="missing"):
        la.to_torch(net, weights=dict(list(weights.items())[1:]))


def test_names_are_those_of_attributes_and_operators():
    net = la.from_torch(Holding(masked, blocks=blocks(3), mask=LOWER, table=torch.randn(24)), (5, 8))
    block = next(iter(net.atoms(la.Repeat))).body
    assert {"norm", "maps", "out", "gain", "table", "scaled_dot_product_attention"} <= set(block.nodes)
    assert not any(
        "#" in name or any(part.isdigit() and int(part) > 9 for part in name.split("_")) for name in block.nodes
    )


def test_equal_neighbours_by_their_networks_not_by_their_names():
    """What an exporter calls its values does not matter, and what differs is not folded."""

    def recording(widths):
        operations, last = [], "x"
        for place, width in enumerate(widths):
            for kind, layer in (("linear", la.Linear(width)), ("relu", la.ReLU())):
                name = f"{kind}_{7 * place + len(widths)}"
                operations.append(Operation(name, layer, [last], (f"part{place * 3}",)))
                last = name
        return Recording([("x", (la.dims("n"),))], operations, last)

    assert [int(one.times) for one in build(recording([5] * 4)).atoms(la.Repeat)] == [4]
    assert sorted(int(one.times) for one in build(recording([5, 5, 5, 7, 7])).atoms(la.Repeat)) == [2, 3]
    assert sorted(int(one.times) for one in build(recording([5, 7] * 3)).atoms(la.Repeat)) == [3]
    assert not build(recording([5, 7, 8])).atoms(la.Repeat)
