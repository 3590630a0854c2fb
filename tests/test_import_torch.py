"""PyTorch's models imported: parameters, shapes and work against PyTorch's own, and the way back."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layeralgebra as la

torch = pytest.importorskip("torch")
nn = torch.nn
functional = nn.functional


def counted(module, *inputs):
    """PyTorch's parameters, multiply-accumulates of one example, and output shape without the batch."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        out = module.eval()(*inputs)
    return sum(p.numel() for p in module.parameters()), counter.get_total_flops() // 2, tuple(out.shape[1:])


def of(net):
    return la.parameters(net), la.macs(net), tuple(la.output_shape(net))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x):
        return x + self.body(x)


class Classifier(nn.Module):
    def __init__(self, width=8, blocks=5):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.stages = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.stages(self.stem(x)).mean((2, 3)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 16, num_layers=2, batch_first=True)
        self.out = nn.Linear(16, 50, bias=False)
        self.out.weight = self.table.weight

    def forward(self, x):
        return self.out(self.lstm(self.table(x))[0])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.norm = nn.LayerNorm(12)

    def forward(self, x):
        y = self.norm(x)
        return x + self.attention(y, y, y, need_weights=False)[0]


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Conv1d(4, 4, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(4, 1))

    def forward(self, x):
        first, second = self.shared(x), functional.gelu(self.shared(x))
        both = torch.cat([first, second], 1).reshape(-1, 2, 4, x.shape[-1]).transpose(1, 2).flatten(1, 2)
        left, right = both.chunk(2, 1)
        return left * torch.sigmoid(right) * self.scale + x[:, :, :1]


def test_modules_keep_their_names_and_equal_blocks_become_a_repetition():
    net = la.from_torch(Classifier(), (3, 32, 32))
    assert of(net) == counted(Classifier(), torch.zeros(1, 3, 32, 32))
    graph = next(part for part in net.parts if isinstance(part, la.Graph))
    assert set(graph.nodes) == {"stem", "stages", "mean", "head"}
    assert isinstance(graph.nodes["stages"], la.Repeat) and graph.nodes["stages"].times == 5


def test_axes_can_stay_symbolic():
    H, W = la.dims("H W")
    net = la.from_torch(Classifier(), (3, 32, 32), dynamic={1: H, 2: "W"})
    derived = la.derive("macs", net)
    assert set(derived.symbols) == {H, W}
    for height, width in ((32, 32), (33, 50)):
        assert derived(H=height, W=width) == counted(Classifier(), torch.zeros(1, 3, height, width))[1]
    assert la.receptive_field(net).size == (23, 23)


def test_shared_weights_count_once():
    net = la.from_torch(Tied(), (7,), integers=True)
    parameters, _, shape = counted(Tied(), torch.zeros(1, 7, dtype=torch.long))
    assert (la.parameters(net), tuple(la.output_shape(net))) == (parameters, shape)


def test_attention_counts_its_products_however_it_is_written():
    net = la.from_torch(Attention(), (9, 12))
    assert la.parameters(net) == sum(p.numel() for p in Attention().parameters())
    assert la.macs(net) == 4 * 9 * 12 * 12 + 2 * 9 * 9 * 12


def test_branches_shared_modules_and_free_parameters():
    net = la.from_torch(Branches(), (4, 10))
    assert of(net) == counted(Branches(), torch.zeros(1, 4, 10))


def test_unknown_operators_are_named_with_count_and_place():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return torch.special.bessel_j0(torch.special.bessel_j0(self.inner(x)))

    with pytest.raises(la.UnsupportedError, match=r"aten.special_bessel_j0.default: 2 time"):
        la.from_torch(Odd(), (4,))
    net = la.from_torch(Odd(), (4,), operators={"aten.special_bessel_j0": lambda shapes, arguments: la.ReLU()})
    assert la.parameters(net) == 20


@pytest.mark.parametrize("request_, kind", [
    (lambda: la.from_torch(3, (3,)), la.FieldError),
    (lambda: la.from_torch(nn.Linear(3, 4), (-3,)), la.FieldError),
    (lambda: la.from_torch(nn.Linear(3, 4), (3,), dynamic={7: "H"}), la.FieldError),
    (lambda: la.from_torch(nn.Linear(3, 4), (5,)), la.UnsupportedError),
    (lambda: la.to_torch(la.Linear(la.dims("n")), on=(3,)), la.FieldError),
    (lambda: la.to_torch(la.Linear(3)), la.ShapeError),
    (lambda: la.to_torch(la.Input(3) >> la.Linear(4), {"m": 3}), la.FieldError),
])  # fmt: skip
def test_bad_requests(request_, kind):
    with pytest.raises(kind) as caught:
        request_()
    assert str(caught.value).strip()


def test_the_model_is_not_changed():
    module = Classifier().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    la.from_torch(module, (3, 16, 16))
    assert module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


# models of torchvision -----------------------------------------------------------------------------------------------

QUICK = {"resnet18", "mobilenet_v3_small", "squeezenet1_1"}


def _models():
    try:
        from oracles.torchvision_models import load

        torchvision = load()
    except Exception:
        return []
    return torchvision.models.list_models(module=torchvision.models)


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in _models()])
def test_torchvisions_models_equal_the_zoo(name):
    from oracles.torchvision_models import counts, model

    size = int(la.zoo.info(name).hyperparameters["height"])
    net = la.from_torch(lambda: model(name), (3, size, size))
    parameters, macs = counts(name, size)
    assert la.macs(net) == macs == la.macs(la.zoo.build(name))
    if name != "inception_v3":  # its auxiliary classifier is learned, but not used at inference
        assert la.parameters(net) == parameters


# random modules ------------------------------------------------------------------------------------------------------


class Random(nn.Module):
    """A chain of steps over (channels, length) that a list of numbers describes."""

    def __init__(self, steps):
        super().__init__()
        self.steps, channels = [], 4
        self.layers = nn.ModuleList()
        for kind, number in steps:
            if kind == "conv":
                self.layers.append(nn.Conv1d(channels, 2 * number, 3, padding=1, stride=1 + number % 2))
                channels = 2 * number
            elif kind == "branch":
                self.layers.append(nn.Conv1d(channels, channels, 1))
            elif kind == "norm":
                self.layers.append(nn.BatchNorm1d(channels))
            elif kind == "again" and len(self.layers) and getattr(self.layers[-1], "in_channels", 0) == channels:
                self.layers.append(self.layers[-1])
            else:
                self.layers.append(nn.Identity())
            if kind == "again" and isinstance(self.layers[-1], nn.Conv1d):
                channels = self.layers[-1].out_channels
            self.steps.append(kind)
        self.head = nn.Linear(channels, 3)

    def forward(self, x):
        for kind, layer in zip(self.steps, self.layers):
            if kind == "branch":
                x = x + torch.relu(layer(x))
            elif kind == "reshape":
                x = x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2]).transpose(1, 2).flatten(1, 2)
            elif kind == "split":
                first, second = x.chunk(2, 1)
                x = torch.cat([second, first * torch.sigmoid(second)], 1)
            else:
                x = layer(x)
        return self.head(x.mean(-1))


STEPS = st.lists(
    st.tuples(st.sampled_from(["conv", "branch", "norm", "again", "reshape", "split"]), st.integers(1, 4)),
    min_size=1,
    max_size=7,
)


@given(steps=STEPS, length=st.integers(8, 20))
@settings(max_examples=max(25, settings().max_examples))  # tracing one takes a fifth of a second
def test_random_modules(steps, length):
    module = Random(steps)
    net = la.from_torch(module, (4, length))
    used = {id(p): p.numel() for p in module.parameters()}
    _, macs, shape = counted(module, torch.zeros(1, 4, length))
    assert (la.macs(net), tuple(la.output_shape(net))) == (macs, shape)
    assert la.parameters(net) == sum(used.values())


# the way back --------------------------------------------------------------------------------------------------------

NETWORKS = {
    "residual": la.Input(3, 8, 8) >> la.Conv(4, 3, padding=1) >> (la.Identity() + (la.Conv(4, 3, padding=1) >> la.BatchNorm() >> la.ReLU())) ** 3
    >> la.GlobalAvgPool() >> la.Linear(5),
    "dense": la.Input(2, 9) >> (la.Identity() | (la.Conv(3, 3, padding=1) >> la.ReLU())) ** 2 >> la.MaxPool(2) >> la.Flatten() >> la.Linear(2),
    "gate": la.Input(8, 6, 6) >> la.squeeze_excite(8, 2) >> la.AvgPool(2),
    "transposed": la.Input(2, 5, 5) >> la.ConvTranspose(3, 3, stride=2, padding=1, output_padding=1) >> la.ReLU(),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back(name):
    net = NETWORKS[name]
    module = la.to_torch(net)
    shape = next(iter(net.atoms(la.Input))).shape if net.atoms(la.Input) else net.parts[0].shape
    back = la.from_torch(module, tuple(int(size) for size in shape))
    assert (la.parameters(back), la.macs(back), la.output_shape(back)) == (
        la.parameters(net),
        la.macs(net),
        la.output_shape(net),
    )
    assert sum(p.numel() for p in module.parameters()) == la.parameters(net)


EQUATIONS = {
    "attention": (la.MultiHeadAttention(2, causal=True), (5, 8)), "lstm": (la.LSTM(4), (6, 3)), "gru": (la.GRU(4), (6, 3)),
    "causal": (la.Conv(4, 3, padding="causal", dilation=2), (3, 9)), "same": (la.Conv(4, 3, stride=2, padding="same"), (3, 9, 8)),
    "channel norm": (la.ChannelNorm(), (4, 5, 5)), "class token": (la.ClassToken(), (4, 6)), "shuffle": (la.ChannelShuffle(2), (4, 5)),
    "upsample": (la.Upsample(2), (2, 3, 3)), "prelu": (la.PReLU(), (2, 5)), "flip": (la.Flip(), (5, 2)), "instance": (la.InstanceNorm(), (3, 7)),
    "positions": (la.PositionalEmbedding(10), (5, 2)), "four axes": (la.Conv(2, 2), (2, 3, 3, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUATIONS)
def test_layers_that_pytorch_lacks_are_computed_from_their_equations(name):
    layer, shape = EQUATIONS[name]
    module = la.to_torch(layer, on=shape).double()
    x = torch.randn(2, *shape, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))
    y = module(x)
    weights = {k.removeprefix("weight_"): v.detach().numpy() for k, v in module.named_parameters()}
    weights |= {k.removeprefix("buffer_"): v.numpy() for k, v in module.named_buffers()}
    for example in range(2):
        expected = la.run(layer, x[example].detach().numpy(), weights)
        assert abs(expected - y[example].detach().numpy()).max() < 1e-9
    y.sum().backward()
    assert x.grad is not None and all(p.grad is not None for p in module.parameters())


LARGE = """
import resource
import torch
from torch import nn
import layeralgebra as la


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


net = la.from_torch(lambda: nn.Sequential(*(Block(10_240) for _ in range(84))), (16, 10_240))
print(la.parameters(net), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_seventy_billion_parameters_fit_in_two_gibibytes():
    run = subprocess.run([sys.executable, "-P", "-c", LARGE], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    parameters, mebibytes = map(int, run.stdout.split())
    assert parameters == 84 * (8 * 10_240**2 + 7 * 10_240) > 70 * 10**9
    assert mebibytes < 2048


class Container:
    """A container that looks at the tensors which are put in."""

    def __init__(self, parts):
        self.parts = list(parts)
        self.devices = {part.device for part in self.parts}


def test_outputs_in_a_container_that_takes_nothing_but_tensors_are_named_by_their_places():
    class Cached(nn.Module):
        def forward(self, x):
            return {"out": x.exp(), "cache": Container([x.tanh(), torch.cat([x.new_zeros(0), x.exp()], 1)])}

    kind = torch.utils._pytree
    kind.register_pytree_node(Container, lambda found: (found.parts, None), lambda parts, _: Container(parts))
    net = la.from_torch(Cached(), (4, 3), {0: "N"})
    assert set(net.imported.outputs) == {"out", "cache.0", "cache.1"}
    assert la.output_shape(net) == (9 * la.dims("N"),)


def test_tensors_without_elements_add_nothing_to_a_concatenation():
    class Begun(nn.Module):
        def forward(self, x):
            return torch.cat([torch.tensor([], device=x.device), x, x[:, :0], x.exp()], -2)

    assert la.output_shape(la.from_torch(Begun(), (4, 3), {0: "N"})) == (2 * la.dims("N"), 3)


def test_two_axes_of_one_name_may_be_compared_while_the_model_is_traced():
    class Products(nn.Module):
        def forward(self, x, y):
            return torch.einsum("bij,bkj->bik", x, y)

    net = la.from_torch(Products(), [(6, 8), (5, 8)], {(0, 1): "N", (1, 1): "N"})
    assert la.macs(net) == 30 * la.dims("N")


@pytest.mark.parametrize("function", [
    lambda x, y: torch.add(x, y, alpha=2), lambda x, y: torch.sub(x, y, alpha=3), lambda x, y: torch.add(x, 0.5, alpha=2) * y,
])  # fmt: skip
def test_what_is_added_may_be_multiplied_first(function):
    class Both(nn.Module):
        def forward(self, x, y):
            return function(x, y)

    x, y = torch.arange(12.0).reshape(4, 3), torch.linspace(-1, 1, 3)
    net = la.from_torch(Both(), [(4, 3), (3,)])
    assert la.run(net, [x.numpy(), y.numpy()]) == pytest.approx(function(x, y).numpy())


def test_quotients_are_rounded_where_they_are_said_to_be():
    class Rounded(nn.Module):
        def forward(self, x):
            return torch.div(x, 2, rounding_mode="floor"), torch.div(x, 2, rounding_mode="trunc")

    net = la.from_torch(Rounded(), (4,))
    assert la.run(net, [-3.0, -1.0, 1.0, 3.0]) == pytest.approx([-2, -1, 0, 1, -1, 0, 0, 1])


def test_axes_are_moved_by_where_they_come_from_and_where_they_go():
    class Moved(nn.Module):
        def forward(self, x):
            return x.movedim((1, 3), (2, 1)) - x.movedim(-1, 1)

    x = torch.arange(8.0).reshape(2, 2, 2)
    expected = Moved()(x.unsqueeze(0)).squeeze(0)
    assert la.run(la.from_torch(Moved(), (2, 2, 2)), x.numpy()) == pytest.approx(expected.numpy())


def test_a_roll_by_half_of_a_symbolic_axis():
    class Shifted(nn.Module):
        def forward(self, x):
            return torch.fft.fftshift(x, dim=-1)

    net = la.from_torch(Shifted(), (2, 8), {1: "N"})
    for size in (2, 7, 10):
        x = torch.arange(2.0 * size).reshape(2, size)
        assert la.run(net, x.numpy()) == pytest.approx(torch.fft.fftshift(x, dim=-1).numpy())


class Positions(nn.Module):
    """A table that is written in place, in the type of what enters."""

    def forward(self, x):
        length, width = x.shape[1:]
        angles = torch.arange(length, dtype=torch.float32)[:, None] / 10 ** torch.arange(width // 2).type_as(x)
        table = torch.zeros(length, width)
        table[:, : width // 2] = angles.sin()
        table[:, width // 2 :] = angles.cos().type_as(x)
        return x + table


class Remembering(nn.Module):
    """Made while it runs: what is remembered, at first without elements, and parts of a tensor that are written in place."""

    def __init__(self):
        super().__init__()
        self.key = nn.Linear(6, 4)

    def forward(self, x):
        kept = torch.cat([torch.tensor([]), self.key(x)], dim=-2)
        joined = torch.zeros(x.shape[0], x.shape[1], 7)
        joined[..., :4] = kept
        joined[..., 4:] = x[..., :3]
        return joined


class Overwritten(nn.Module):
    """A table that is read, and then read again after it was written."""

    def forward(self, x):
        table = torch.ones(5, 6)
        first = x + table
        table[:, 2:] = 3.0
        return first * table


MODULES = [(Positions(), 0), (Overwritten(), 0), (nn.Sequential(Remembering()), 28)]


@pytest.mark.parametrize("module, parameters", MODULES)
def test_tables_that_are_written_while_the_model_runs(module, parameters):
    x = torch.randn(1, 5, 6)
    net = la.from_torch(module, (5, 6))
    assert la.parameters(net) == parameters
    with torch.no_grad():
        made = la.to_torch(net, weights={**module.state_dict(), **dict(module.named_buffers())})(x)
        assert torch.allclose(made, module(x), atol=1e-5)


def test_the_least_value_of_a_type_stands_in_equations():
    class Hiding(nn.Module):
        def forward(self, x, hidden):
            return torch.where(hidden > 0, torch.finfo(x.dtype).min, x).softmax(-1)

    net = la.from_torch(Hiding(), [(4,), (4,)], integers=[False, True])
    x, hidden = torch.randn(1, 4), torch.tensor([[0, 1, 0, 1]])
    assert torch.allclose(la.to_torch(net)(x, hidden), Hiding()(x, hidden))
