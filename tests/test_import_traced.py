"""What stands between a PyTorch model and its graph: what enters and in which type, regions, writing in place, devices, and refusals.

Oracles: the module itself, run at another time, its parameters with gradients, and PyTorch's FlopCounterMode.
"""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import layeralgebra as la  # noqa: E402


class Holding(nn.Module):
    """A module with parts, and a function of them and of what enters."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def linears(function):
    return Holding(function, a=nn.Linear(4, 4), b=nn.Linear(4, 4)).eval()


def counted(module, *inputs):
    """Multiplications, and the output, of a call."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        out = module(*inputs)
    return counter.get_total_flops() // 2, out


# regions and writing in place -----------------------------------------------------------------------------------------


def without_gradients(m, x):
    with torch.no_grad():
        y = m.a(x)
        with torch.enable_grad():
            z = m.b(y) * 2
    return z + y


def in_fewer_digits(m, x):
    with torch.autocast("cpu", torch.bfloat16):
        y = m.a(x)
    return m.b(y.float())


def for_inference(m, x):
    with torch.inference_mode():
        y = m.a(x)
    return m.b(y)


def again_for_gradients(m, x):
    from torch.utils.checkpoint import checkpoint

    return checkpoint(m.a, x, use_reentrant=False) + checkpoint(m.b, x, use_reentrant=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", [without_gradients, in_fewer_digits, for_inference, again_for_gradients])
def test_regions_are_entered(function):
    module = linears(function)
    net = la.from_torch(module, (3, 4))
    macs, _ = counted(module, torch.randn(1, 3, 4))
    assert (la.parameters(net), la.macs(net), la.output_shape(net)) == (40, macs, (3, 4))


def part_twice(m, x):
    y = m.a(x)
    y[:, :2] *= 3
    return m.b(y)


def seen_by_a_view(m, x):
    y = m.a(x)
    v = y.view(2, 2)
    v.add_(1)
    return m.b(y) * v.reshape(1, 4)


def column_replaced(m, x):
    y = m.a(x)
    y[:, -1] = m.b(x)[:, 0]
    return m.b(y)


def part_replaced(m, x):
    y = m.a(x).clone()
    y[:, 1:3] = m.b(x)[:, :2]
    return y


def number_written(m, x):
    y = m.a(x)
    y[:, 0] = 2.5
    return m.b(y)


def counter_kept(m, x):
    m.n.add_(1)
    return m.a(x) * m.n


def one_after_the_other(m, x):
    y = m.a(x).mul_(2)
    y += 1
    return m.b(F.relu(y, inplace=True))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function, parameters", [
    (part_twice, 40), (seen_by_a_view, 40), (column_replaced, 40), (part_replaced, 40), (number_written, 40), (counter_kept, 20),
    (one_after_the_other, 40),
])  # fmt: skip
def test_what_is_written_in_place_is_read_afterwards(function, parameters):
    torch.manual_seed(0)
    module = linears(function)
    module.register_buffer("n", torch.tensor(0.0))
    net = la.from_torch(module, (4,))
    assert la.parameters(net) == parameters == sum(net.imported.counted.values())
    assert la.macs(net) == counted(module, torch.randn(1, 4))[0]
    if function in (number_written, counter_kept):  # hold a number that is no learned tensor
        return
    made, x = la.to_torch(net), torch.randn(1, 4)
    with torch.no_grad():
        for new, old in zip(made.parameters(), module.parameters()):
            new.copy_(old)
        assert torch.allclose(made(x), module(x), atol=1e-5)


# what enters and what leaves ------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    """Words and an image, by name, a flag, and a list of more; the result is a record."""

    def __init__(self):
        super().__init__()
        self.words, self.image, self.more = nn.Embedding(9, 4), nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, words=None, *, image, scale=True, more=()):
        made = self.image(image)
        if words is not None:
            made = made + self.words(words)
        for one in more:
            made = made + self.more(one)
        return Result(made * 2 if scale else made, (made, {"twice": made.sum(-1)}))


@dataclasses.dataclass
class Result:
    first: object
    rest: object


torch.export.register_dataclass(Result, serialized_type_name="tests.Result")


def test_arguments_by_name_with_types_of_their_own():
    T = la.dims("T")
    given = {"image": (7, 5), "words": (7,), "scale": False, "more": [(7, 3), torch.zeros(2, 7, 3)]}
    net = la.from_torch(
        Mixed(), given, {("words", 0): T, ("image", 0): T, ("more.0", 0): T, (3, 0): T}, integers="words", outputs=0
    )
    assert (la.parameters(net), la.output_shape(net)) == (36 + 24 + 16, (T, 4))
    assert la.macs(net) == T * (20 + 12 * 2)
    assert la.parameters(la.from_torch(Mixed(), {"image": (7, 5)}, outputs="first")) == 24
    assert list(la.from_torch(Mixed(), {"image": (7, 5)}).imported.outputs) == ["first", "rest.0", "rest.1.twice"]
    by_place = la.from_torch(
        Holding(lambda m, i, w: m.e(w) + i, e=nn.Embedding(9, 4)), [(7, 4), (7,)], integers=(False, True)
    )
    assert la.parameters(by_place) == 36


@pytest.mark.parametrize("call, text", [
    (lambda: la.from_torch(Mixed(), {"picture": (7, 5)}), "no argument 'picture'; it has words, image, scale, more"),
    (lambda: la.from_torch(Mixed(), {"image": (7, 5)}, {("images", 0): "T"}), "the inputs are 'image'"),
    (lambda: la.from_torch(Mixed(), {"image": (7, 5)}, integers=["images"]), "the inputs are 'image'"),
    (lambda: la.from_torch(Mixed(), {"image": (7, 5)}, integers=[True, False]), "2 entries for 1 inputs"),
    (lambda: la.from_torch(Mixed(), {"image": torch.tensor(3.0)}), "no batch axis"),
    (lambda: la.from_torch(Mixed(), {"image": {3}}), "image is a set"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, text):
    with pytest.raises(la.FieldError) as caught:
        call()
    assert text in str(caught.value)


def test_bounds_of_sizes_are_stated():
    T = la.dims("T")
    net = la.from_torch(nn.Linear(4, 4), (8, 4), {0: torch.export.Dim("T", min=3, max=64)})
    assert net.imported.where == (T >= 3, T <= 64)
    with pytest.raises(la.DomainError):
        la.derive("macs", net)(T=65)


def test_an_input_of_one_number():
    net = la.from_torch(Holding(lambda m, x, t: m.a(x) * t[:, None], a=nn.Linear(4, 3)), [(5, 4), ()][:2])
    assert la.output_shape(net) == (5, 3)


def test_results_that_nobody_reads_are_no_matter():
    net = la.from_torch(linears(lambda m, x: (torch.fft.fft(m.b(x)), m.a(x))[1]), (4,))
    assert la.parameters(net) == 20


def test_a_module_on_two_devices_stays_as_it_is():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.register_buffer("table", torch.arange(4.0, device="cpu"))
            self.plain = torch.ones(4, device="cpu")

        def forward(self, x):
            return self.a(x) + self.table * self.plain

    with torch.device("meta"):
        module = Two()
    net = la.from_torch(module, (4,))
    assert la.parameters(net) == 20
    assert module.table.device.type == module.plain.device.type == "cpu" and module.table[3] == 3
    assert module.a.weight.device.type == "meta"


def test_a_constructor_that_computes_with_numbers():
    class Widths(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList(nn.Linear(4, 4 * int(width)) for width in torch.linspace(1, 3, 3))

        def forward(self, x):
            return torch.cat([part(x) for part in self.parts], 1)

    assert la.parameters(la.from_torch(Widths, (4,))) == 5 * 4 * 6
    with pytest.raises(la.UnsupportedError, match=r"la.from_torch\(make_model\(\)"):
        la.from_torch(lambda: nn.Linear(4, int(torch.ones(1))), (4,))


def test_frozen_layers_are_read_like_others():
    """PyTorch takes fused kernels for whole layers where no gradients are asked for."""
    module = (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval().requires_grad_(False)
    )
    with torch.no_grad():
        net = la.from_torch(module, (5, 8))
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    assert torch.backends.mha.get_fastpath_enabled()


# recurrent layers -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("layers, two_ways, first", [(1, False, True), (2, True, False)])
def test_last_states_of_recurrent_layers(kind, layers, two_ways, first):
    def last(m, x):
        out, state = m.r(x if first else x.transpose(0, 1))
        state = state[0] if kind is nn.LSTM else state
        return torch.cat([m.o(state).flatten(), out.flatten()])[None]

    torch.manual_seed(0)
    recurrent = kind(4, 3, layers, bidirectional=two_ways, batch_first=first, dropout=0.5 if layers > 1 else 0)
    module = Holding(last, r=recurrent, o=nn.Linear(3, 2)).eval()
    net = la.from_torch(module, (5, 4))
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    assert la.output_shape(net) == module(torch.zeros(1, 5, 4)).shape[1:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("layers, two_ways, first", [(1, True, True), (2, True, False), (2, False, True)])
def test_many_sequences_at_once(kind, layers, two_ways, first):
    def rows(m, x):
        out, state = m.r(x[0])
        return torch.cat([out.flatten(), (state[0] if kind is nn.LSTM else state).flatten()])

    torch.manual_seed(0)
    recurrent = kind(4, 3, layers, bidirectional=two_ways, batch_first=first)
    module = Holding(rows, r=recurrent).eval()
    x = torch.randn(1, 6, 5, 4)
    net = la.from_torch(module, (6, 5, 4))
    with torch.no_grad():
        made = la.to_torch(net, weights=module.state_dict())(x)
        assert torch.allclose(made.flatten(), module(x), atol=1e-5)
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    gates = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind]
    ways = 2 if two_ways else 1
    features = 4 + (layers - 1) * 3 * ways
    assert la.macs(net) == 30 * gates * ways * 3 * (features + layers * 3)


@pytest.mark.filterwarnings("ignore")
def test_sequences_are_told_from_steps_as_pytorch_does():
    """Without `batch_first` five rows of an example are five sequences of one step."""
    assert la.macs(la.from_torch(nn.GRU(4, 3), (5, 4))) == la.macs(la.GRU(3), on=(1, 5, 4))


def test_a_table_that_is_computed_or_fixed():
    computed = Holding(lambda m, x: F.embedding(x, m.w * 2), w=nn.Parameter(torch.randn(6, 3)))
    assert la.parameters(la.from_torch(computed, (4,), integers=True)) == 18
    fixed = Holding(lambda m, x: F.embedding(x, m.w))
    fixed.register_buffer("w", torch.randn(6, 3))
    net = la.from_torch(fixed, (4,), integers=True)
    assert (la.parameters(net), la.output_shape(net)) == (0, (4, 3))


# refusals -------------------------------------------------------------------------------------------------------------


class Body(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_all_unknown_operators_are_named_whatever_follows_them():
    def refused_besides(x):
        return F.adaptive_max_pool1d(torch.special.bessel_j1(x), 3)

    module = nn.Sequential(
        Body(lambda x: torch.special.bessel_j0(x)), Body(lambda x: x.erfinv().chunk(2, 1)[1]), Body(refused_besides)
    )
    with pytest.raises(la.UnsupportedError) as caught:
        la.from_torch(module, (3, 8))
    text = str(caught.value)
    for line in (
        "aten.special_bessel_j0.default: 1 time(s), at 0",
        "aten.erfinv.default: 1 time(s), at 1",
        "aten.special_bessel_j1.default: 1 time(s), at 2",
    ):
        assert line in text
    assert "operators={" in text


def test_a_refusal_by_a_rule_names_the_operator_and_the_module():
    module = nn.Sequential(nn.Linear(4, 4), Body(lambda x: torch.special.bessel_j0(F.adaptive_max_pool1d(x, 3))))
    with pytest.raises(la.UnsupportedError) as caught:
        la.from_torch(module, (3, 4))
    assert (
        "aten.adaptive_max_pool1d" in str(caught.value)
        and " at 1" in str(caught.value)
        and "operators={" in str(caught.value)
    )
    assert "aten.special_bessel_j0.default: 1 time(s), at 1" in str(caught.value)


def test_what_a_rule_does_not_think_of_is_an_error_of_ours(monkeypatch):
    from layeralgebra.layers.torch import reading

    monkeypatch.setitem(reading.RULES, "relu", lambda t, node: [][1])
    with pytest.raises(la.UnsupportedError, match=r"aten.relu.default at 1: .*IndexError.*\n.*operators="):
        la.from_torch(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (4,))


def test_the_reason_of_torch_export_in_full():
    def choosing(x):
        return x * 2 if x.sum() > 0 else x

    with pytest.raises(la.UnsupportedError) as caught:
        la.from_torch(Body(choosing), (4,))
    assert len(str(caught.value).splitlines()) > 3 and "data-dependent" in str(caught.value)


def test_floats_where_integers_are_read():
    module = nn.Sequential(nn.Identity(), nn.Embedding(5, 3))
    with pytest.raises(la.UnsupportedError, match="integers=True"):
        la.from_torch(module, (4,))


def test_rules_of_ones_own_take_lists_of_tensors_and_give_a_network():
    module = Body(lambda x: torch.hstack([x, x.erfinv()]))
    rules = {"aten.hstack": lambda shapes, others: la.Concat(axis=0), "aten.erfinv": lambda shapes, others: la.ReLU()}
    assert la.output_shape(la.from_torch(module, (4,), operators=rules)) == (8,)
    with pytest.raises(la.FieldError, match="returns a Layer"):
        la.from_torch(module, (4,), operators={**rules, "aten.erfinv": lambda shapes, others: 3})


def transformers_or_skip(name):
    """A class of transformers, which looks for torchvision when it is loaded."""
    transformers = pytest.importorskip("transformers")
    try:
        from oracles.torchvision_models import load

        load()
    except ImportError:
        pass
    try:
        return transformers, getattr(transformers, name)
    except ImportError as error:
        pytest.skip(f"transformers cannot be imported: {error}")


def test_a_cache_among_the_results_is_told_how_to_leave_out():
    transformers, model = transformers_or_skip("OPTForCausalLM")
    config = transformers.OPTConfig(
        vocab_size=30, hidden_size=8, ffn_dim=16, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=16, word_embed_proj_dim=8
    )  # fmt: skip
    module = model(config).eval()
    with pytest.raises(la.UnsupportedError) as caught:
        la.from_torch(module, {"input_ids": (6,)}, operators={"aten.relu.default": lambda shapes, others: la.Linear(3)})
    assert "{'input_ids': (6,), 'use_cache': False}" in str(caught.value)
    net = la.from_torch(module, {"input_ids": (6,), "use_cache": False})
    assert la.parameters(net) == sum(p.numel() for p in module.parameters())
    encoder = transformers.BertModel(
        transformers.BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    ).eval()
    with pytest.raises(la.UnsupportedError) as caught:
        la.from_torch(
            encoder, {"input_ids": (6,)}, operators={"aten.gelu.default": lambda shapes, others: la.Linear(3)}
        )
    assert "use_cache" not in str(caught.value)


class _Kept:
    """What PyTorch does not look into: layers, each with a tensor or two."""

    def __init__(self, *tensors):
        self.length, self.layers = len(tensors), [{"keys": tensor} for tensor in tensors]


def test_tensors_in_containers_of_others_are_outputs():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x):
            keys = self.one(x)
            return self.two(keys), _Kept(keys, 2 * keys)

    net = la.from_torch(Decoder(), (3, 4))
    assert list(net.imported.outputs.values()) == [(1, 3, 2), (1, 3, 5), (1, 3, 5)]
    assert la.parameters(net) == 37 and la.output_shape(net) == (36,)
    assert la.output_shape(la.from_torch(Decoder(), (3, 4), outputs=0)) == (3, 2)
