"""PyTorch's operators one by one: shapes, learned numbers, products and numbers of small modules against PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import layeralgebra as la

torch = pytest.importorskip("torch")
functional = torch.nn.functional


class Function(torch.nn.Module):
    def __init__(self, function: Callable[..., Any], *shapes: tuple[int, ...]):
        super().__init__()
        self.function = function
        self.weights = torch.nn.ParameterList([torch.randn(shape) for shape in shapes])

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs, *self.weights)


FOLDED: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "conv": (lambda x, w, b: functional.conv2d(x, w, b, stride=2, padding=1, dilation=(1, 2)), ((6, 4, 3, 2), (6,))),
    "grouped conv": (lambda x, w: functional.conv2d(x, w, padding="same", groups=2), ((4, 2, 3, 3),)),
    "transposed": (lambda x, w, b: functional.conv_transpose2d(x, w, b, 2, 1, 1), ((4, 3, 3, 3), (3,))),
    "max pool": (lambda x: functional.max_pool2d(x, (3, 2), 2, 1), ()),
    "average pool": (lambda x: functional.avg_pool2d(x, 2, ceil_mode=True), ()),
    "adaptive": (lambda x: functional.adaptive_avg_pool2d(x, (2, 3)), ()),
    "adaptive maximum": (lambda x: functional.adaptive_max_pool2d(x, (1, 1)), ()),
    "group norm": (lambda x, w, b: functional.group_norm(x, 2, w, b), ((4,), (4,))),
    "instance norm": (lambda x: functional.instance_norm(x), ()),
    "layer norm": (lambda x, w, b: functional.layer_norm(x, (6,), w, b), ((6,), (6,))),
    "pixel shuffle": (lambda x: functional.pixel_shuffle(x, 2), ()),
    "pixel unshuffle": (lambda x: functional.pixel_unshuffle(x, 2), ()),
    "channel shuffle": (lambda x: functional.channel_shuffle(x, 2), ()),
    "nearest": (lambda x: functional.interpolate(x, scale_factor=2), ()),
    "bilinear": (lambda x: functional.interpolate(x, (7, 9), mode="bilinear"), ()),
    "mean": (lambda x: x.mean((2, 3)), ()),
}
"""What is done to three frames (4, 8, 6) that are folded into the batch."""


@pytest.mark.parametrize("name", FOLDED)
def test_frames_folded_into_the_batch(name: str) -> None:
    function, shapes = FOLDED[name]
    module = Function(lambda x, *weights: function(x.flatten(0, 1), *weights), *shapes).eval()
    net = la.from_torch(module, (3, 4, 8, 6))
    assert la.parameters(net) == sum(weight.numel() for weight in module.parameters())
    x = torch.randn(1, 3, 4, 8, 6)
    with torch.no_grad():
        wanted = module(x)
        module = la.to_torch(net, weights=module.state_dict()) if shapes else None
    own = la.run(net, x[0].numpy()) if module is None else module(x)[0].detach().numpy()
    assert tuple(la.output_shape(net)) == tuple(wanted.shape)
    assert numpy.allclose(numpy.asarray(own, float), wanted.numpy(), atol=1e-4)
    again = la.from_torch(
        Function(lambda x, *weights: function(x.flatten(0, 1), *weights), *shapes).eval(),
        (3, 4, 8, 6),
        dynamic={0: "t"},
    )
    frames = again.free_symbols.pop()
    assert la.macs(again).subs(frames, 3) == la.macs(net)


DRAWN: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "linear interpolation": (lambda x: functional.interpolate(x, scale_factor=1.7, mode="linear"), (3, 9)),
    "linear to a size": (lambda x: functional.interpolate(x, 13, mode="linear", align_corners=True), (3, 9)),
    "nearest by a fraction": (lambda x: functional.interpolate(x, scale_factor=1.7), (3, 9)),
    "nearest exact": (lambda x: functional.interpolate(x, 5, mode="nearest-exact"), (3, 9)),
    "bicubic": (lambda x: functional.interpolate(x, (5, 11), mode="bicubic"), (2, 7, 8)),
    "antialiased bilinear": (lambda x: functional.interpolate(x, (3, 12), mode="bilinear", antialias=True), (2, 7, 8)),
    "antialiased bicubic": (lambda x: functional.interpolate(x, (3, 2), mode="bicubic", antialias=True), (2, 7, 8)),
    "antialiased corners": (lambda x: functional.interpolate(x, (1, 3), None, "bicubic", True, antialias=True), (2, 7, 8)),
    "antialiased by a factor": (lambda x: functional.interpolate(x, None, (0.7, 1.3), "bilinear", antialias=True), (2, 7, 8)),
    "antialiased lanczos": (lambda x: torch.ops.aten._upsample_lanczos2d_aa(x, [3, 9], False, 0.4, None), (2, 7, 8)),
    "reflected": (lambda x: functional.pad(x, (2, 3, 1, 0), mode="reflect"), (2, 7, 8)),
    "replicated": (lambda x: functional.pad(x, (2, 3, 1, 0), mode="replicate"), (2, 7, 8)),
    "circular": (lambda x: functional.pad(x, (2, 3, 1, 0), mode="circular"), (2, 7, 8)),
    "filled and cut": (lambda x: functional.pad(x, (2, -3, -1, 1), value=2.5), (2, 7, 8)),
    "stack": (lambda x: torch.stack([x, 2 * x, x * x], -2), (4, 5)),
    "flip": (lambda x: x.flip(1, 2), (4, 5)),
    "repeat": (lambda x: x.repeat(1, 2, 3), (4, 5)),
    "interleave": (lambda x: x.repeat_interleave(3, 1), (4, 5)),
    "windows": (lambda x: x.unfold(2, 3, 2), (4, 9)),
    "patches": (lambda x: functional.unfold(x, 3, padding=1, stride=2), (2, 7, 7)),
    "strided": (lambda x: x.as_strided((1, 3, 4, 2), (40, 2, 3, 5), 4), (4, 9)),
    "strided without a batch": (lambda x: x.as_strided((3, 2), (0, 7)), (4, 5)),
    "strided in another order": (lambda x: x.movedim(1, 3).as_strided((5, 6), (11, 1), 3), (2, 7, 8)),
    "strided from a part on": (lambda x: x[:, 1:].as_strided((3, 4), (3, 2)) + x[:, 1:].as_strided((3, 4), (3, 2), 6), (4, 5)),
    "strided copy of a part": (lambda x: x[..., 1:4].contiguous().as_strided((2, 5), (4, 1), 2), (4, 5)),
    "triangle": (lambda x: x.tril(-1) + x.triu(1), (4, 5)),
    "diagonal": (lambda x: x.diagonal(1, 1, 2), (4, 5)),
    "choice": (lambda x: torch.where(x > 0, x, x - 1), (4, 5)),
    "masked": (lambda x: x.masked_fill(x > 0.5, -2.0), (4, 5)),
    "bounded": (lambda x: torch.clamp(x, x - 0.1, x * 2), (4, 5)),
    "maximum with place": (lambda x: (x.max(2)[0] + x.max(2)[1]), (4, 5)),
    "spread of all": (lambda x: x.std(False) + x.var(unbiased=False) + x.std(), (4, 5)),
    "written into views": (lambda x: torch.vander(x[0, 0], 3), (4, 5)),
    "cell": (lambda x: torch.gru_cell(x[0], x[0], *(x[0, 0].repeat(15, 1), x[0, 1].repeat(15, 1))), (4, 5)),
    "variance": (lambda x: x.var((1, 2)) + x.std((1, 2), correction=0), (4, 5)),
    "norms": (lambda x: x.norm(3, 2) + torch.linalg.vector_norm(x, float("inf"), 2), (4, 5)),
    "running": (lambda x: x.cumsum(1) + x.cumprod(2), (4, 5)),
    "looked up": (lambda x: x[:, x.argmax(1)[0]], (4, 5)),
    "gathered": (lambda x: x.gather(2, (x > 0).long()), (4, 5)),
    "one of each": (lambda x: x[:, torch.tensor([0, 2]), torch.tensor([1, 1])], (4, 5)),
    "rounding": (lambda x: torch.div(3 * x, 0.7, rounding_mode="floor") + torch.fmod(3 * x, 0.7) + x.round(), (4, 5)),
    "times": (lambda x: torch.add(x, x * x, alpha=3) - torch.sub(x, 2.0, alpha=2) + torch.rsub(x, 1.0), (4, 5)),
    "gated": (lambda x: functional.glu(x, 2) + functional.hardshrink(x)[..., :4] + functional.celu(x)[..., :4], (4, 8)),
    "distances": (lambda x: torch.cdist(x, x * 2 + 1), (4, 5)),
    "einsum of three": (lambda x: torch.einsum("bij,bkj,bkl->bil", x, x, x), (4, 5)),
    "grid": (lambda x: sum(torch.meshgrid(x[0, 0], x[0, :, 1], indexing="xy")), (4, 5)),
    "truths": (lambda x: ((x > 0) & (x < 1) | ~(x > -1) ^ (x.abs() < 0.5)) * 1.0, (4, 5)),
    "to one number": (lambda x: x.sum() * x.amax(), (4, 5)),
    "rolled in one row": (lambda x: x.roll(3) - x.roll(-22), (4, 5)),
    "sums divided by another number": (lambda x: functional.avg_pool2d(x, (2, 3), 2, (1, 1), True, False, 7), (2, 7, 8)),
    "softplus up to a threshold": (lambda x: functional.softplus(x, 2.0, 0.5) - functional.softplus(x, threshold=0.1), (4, 5)),
    "as integers": (lambda x: (3 * x).long() + (5 * x).to(torch.int32).type_as(x) + x.relu().bool() * 1.0, (4, 5)),
    "as integers in place": (lambda x: torch.zeros(1, 4, 5, dtype=torch.long).copy_(3 * x) * 1.0, (4, 5)),
    "sums of truths": (lambda x: ((x > 0) + (x > 1) + True + (x < 2)) * 1.0 + (x > 0).sum(1), (4, 5)),
    "no numbers": (lambda x: torch.nan_to_num((x - x.relu()) / x.relu() / x.relu(), 0.5, 2.0, -3.0), (4, 5)),
    "no numbers by themselves": (lambda x: torch.nan_to_num(x.relu() / x.relu()) + 1 / torch.nan_to_num(-1 / x.relu()), (4, 5)),
    "smallest and largest": (lambda x: torch.aminmax(x, dim=2).max - torch.aminmax(x).min, (4, 5)),
    "loss of classes": (lambda x: functional.cross_entropy(x[0], torch.tensor([4, 0, 2, 2])), (4, 5)),
    "loss of truths": (lambda x: functional.binary_cross_entropy_with_logits(x, x.sigmoid().flip(1), reduction="none"), (4, 5)),
    "normalised as before": (lambda x: functional.instance_norm(x, x.new_full((4,), 0.5), x.new_full((4,), 2.0), use_input_stats=False), (4, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_numbers_are_those_of_pytorch(name: str) -> None:
    function, shape = DRAWN[name]
    torch.manual_seed(len(name))
    x = torch.randn(1, *shape, dtype=torch.float64)
    net = la.from_torch(Function(function), shape)
    wanted = function(x)
    own = numpy.asarray(la.run(net, x[0].numpy(), weights=net.imported.weights({})), float)
    assert own.shape == tuple(wanted.shape) or own.shape == tuple(wanted.shape[1:]) or wanted.ndim == 0
    assert numpy.allclose(own.ravel(), wanted.numpy().ravel(), atol=1e-6)


def test_parts_that_write_into_memory_are_not_taken_for_values() -> None:
    """PyTorch says that the diagonal of its argument is written: by a name that nothing reads afterwards."""
    with pytest.raises(la.UnsupportedError, match="aten.fill_diagonal_"):
        la.from_torch(Function(lambda x: x[0].clone().fill_diagonal_(3.0)), (4, 4))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: functional.batch_norm(x, None, None, training=True), "statistics of the batch"),
        (lambda x: x.view(torch.int32), "write instead: x.to"),
    ],
)
def test_what_one_example_does_not_say_is_refused(function: Callable[[Any], Any], reason: str) -> None:
    with pytest.raises(la.UnsupportedError, match=reason):
        la.from_torch(Function(function), (4, 5))


CARRIED: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "places": (lambda x, w: x.argmax(2) + functional.one_hot((x[..., 0] @ w).argmax(1), 7).sum(), ((4, 3),)),
    "half": (lambda x, w: (x * w).tril(-1), ((4, 5),)),
    "resampled": (lambda x, w: functional.interpolate(x * w, 13, mode="linear"), ((4, 5),)),
    "norm of two axes": (lambda x, w, b: functional.layer_norm(x, (4, 5), w, b), ((4, 5), (4, 5))),
    "written row": (lambda x, w: _with_a_row(x * w), ((4, 5),)),
}


def _with_a_row(x: Any) -> Any:
    made = x.clone()
    made[:, 1:3] = 2.5
    return made


@pytest.mark.parametrize("name", CARRIED)
def test_the_numbers_of_the_model_are_carried(name: str) -> None:
    """Beside tables that a layer knows by itself, numbers that are written, and axes that a layer takes together."""
    function, shapes = CARRIED[name]
    module = Function(function, *shapes).eval()
    net = la.from_torch(module, (4, 5))
    x = torch.randn(1, 4, 5)
    with torch.no_grad():
        wanted, own = module(x), la.to_torch(net, weights=module.state_dict())(x)
    assert torch.allclose(own.reshape(wanted.shape), wanted.to(own.dtype), atol=1e-5)


SORTED: dict[str, Callable[[Any], Any]] = {
    "sort": lambda x: x.sort(2)[0], "the largest three": lambda x: x.topk(3, 2)[0], "places": lambda x: x.argsort(2) * 1.0,
    "Fourier": lambda x: torch.fft.rfft(x, dim=2).real,
}  # fmt: skip


@pytest.mark.parametrize("name", SORTED)
def test_what_no_equation_describes_is_said_so(name: str) -> None:
    net = la.from_torch(torch.nn.Sequential(torch.nn.Linear(5, 6), Function(SORTED[name])), (4, 5))
    assert la.derive(la.macs, net).kind == "lower" and la.macs(net) == 120
    assert la.derive(la.parameters, net).kind == "exact" and la.parameters(net) == 36
    for what in (
        lambda: la.run(net, numpy.ones((4, 5))),
        lambda: la.layer_complexity(net),
        lambda: la.linear_regions(net),
    ):
        with pytest.raises(la.LayerAlgebraError):
            what()


WIDTHS: dict[str, Callable[[Any], Any]] = {
    "up to a multiple": lambda x: functional.pad(x, (0, (-x.shape[-1]) % 8)),
    "up to the next multiple": lambda x: functional.pad(x, (0, 8 - x.shape[-1] % 8)),
    "as far as beyond sixteen": lambda x: functional.pad(x, (x.shape[-1] - 16, 0)),
    "cut at both ends": lambda x: functional.pad(x, (-2, -1)),
    "cut and filled": lambda x: functional.pad(x, (-3, x.shape[-1])),
}


@pytest.mark.parametrize("name", WIDTHS)
def test_margins_of_sizes_that_are_symbols(name: str) -> None:
    """Zeros, or positions cut off, by widths of which only the sizes say the sign: right, or outside of the domain."""
    net = la.from_torch(
        torch.nn.Sequential(Function(WIDTHS[name]), torch.nn.Conv1d(2, 3, 1)), (2, 32), dynamic={1: "W"}
    )
    derived = la.derive(la.macs, net)
    accepted = 0
    for width in range(2, 60):
        try:
            found = derived(W=width)
        except la.DomainError:
            continue
        accepted += 1
        assert found == 6 * WIDTHS[name](torch.zeros(1, 2, width)).shape[-1], width
    assert accepted > 40


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize(
    ("layer", "mode"),
    [(la.Resample, "linear"), (la.AntialiasedResample, "linear"), (la.AntialiasedResample, "cubic")],
)
def test_interpolation_to_symbols_is_that_to_numbers(layer: Any, mode: str, corners: bool) -> None:
    entering, leaving = la.dims("H W")
    derived = {
        metric: la.derive(metric, la.Input(3, entering) >> layer(1, 2, entering, leaving, mode, corners))
        for metric in ("output_shape", "flops", "macs")
    }
    for before in (1, 2, 5):
        for after in (1, 2, 4, 5, 7):
            literal = la.Input(3, before) >> layer(1, 2, before, after, mode, corners)
            for metric, one in derived.items():
                assert one(H=before, W=after) == la.derive(metric, literal)(), (metric, before, after)
            la.run(literal, numpy.ones((3, before)))


def test_patches_of_symbols_have_the_sizes_that_the_view_says() -> None:
    """PyTorch records H // (H // 4) for an axis of a view that is asked to have 4 elements."""

    class Patches(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = torch.nn.Linear(48, 5)

        def forward(self, x: Any) -> Any:
            examples, channels, height, width = x.shape
            x = x.view(examples, channels, height // 4, 4, width // 4, 4).permute(0, 2, 4, 3, 5, 1)
            return self.map(x.reshape(examples, height // 4 * (width // 4), 48))

    net = la.from_torch(Patches(), (3, 16, 24), dynamic={1: "H", 2: "W"})
    derived, learned = la.derive("macs", net), la.derive("parameters", net)
    for height in range(1, 33):
        for width in (1, 8, 11, 20):
            if height % 4 == width % 4 == 0:
                assert (derived(H=height, W=width), learned(H=height, W=width)) == (15 * height * width, 245)
            else:
                with pytest.raises(la.DomainError):
                    derived(H=height, W=width)


STRIDED: dict[str, Callable[[Any], Any]] = {
    "overlapping chunks": lambda x: x.view(1, 2, x.shape[1] // 2, x.shape[2]).as_strided(
        (1, 3, x.shape[1] // 2, x.shape[2]), (x.numel(), x.numel() // 4, x.shape[2], 1)
    ),
    "every other row": lambda x: x.as_strided((1, x.shape[1] // 2, x.shape[2]), (x.numel(), 2 * x.shape[2], 1)),
    "corner": lambda x: x.as_strided((1, 4, 3), (1, x.shape[2], 2), 1),
    "turned": lambda x: x.mT.as_strided((1, x.shape[2] - 1, x.shape[1]), (1, 1, x.shape[2])),
}  # fmt: skip


@pytest.mark.parametrize("name", STRIDED)
def test_strides_that_are_symbols(name: str) -> None:
    """Where PyTorch reads inside of the memory, the same elements; elsewhere, outside of the domain."""
    net = la.from_torch(Function(STRIDED[name]), (8, 6), dynamic={0: "T", 1: "d"})
    shape, accepted = la.derive("output_shape", net), 0
    for rows in range(2, 9):
        for columns in (2, 3, 5):
            x = torch.randn(1, rows, columns, dtype=torch.float64)
            try:
                found = shape(T=rows, d=columns)
            except la.DomainError:
                with pytest.raises(RuntimeError):
                    STRIDED[name](x)
                continue
            accepted += 1
            wanted = STRIDED[name](x)
            assert tuple(found) == tuple(wanted.shape[1:])
            module = la.to_torch(net, {"T": rows, "d": columns})
            assert torch.equal(module(x).reshape(wanted.shape), wanted)
    assert accepted >= 9


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x.as_strided((4, 13), (12, 1)), "the places 0 to 48 are read of a tensor with 48 elements"),
        (lambda x: x[:, :3].as_strided((4, 2), (8, 1)), "the places 0 to 25 are read of a tensor with 24 elements"),
        (lambda x: x[:, 1:].as_strided((4, 2), (8, 1), 0), "the places -8 to 17 are read of a tensor with 40 elements"),
        (lambda x: x[..., 1:].as_strided((4, 2), (8, 1)), "x.contiguous().as_strided"),
        (lambda x: x[..., None].expand(-1, -1, -1, 2).as_strided((4, 2), (8, 1)), "x.contiguous().as_strided"),
    ],
)
def test_memory_of_another_tensor_is_not_read(function: Callable[[Any], Any], reason: str) -> None:
    if "48" not in reason:  # outside of the tensor, but inside of the memory that it lies in: PyTorch has numbers there
        function(torch.zeros(1, 6, 8))
    with pytest.raises(la.UnsupportedError) as refusal:
        la.from_torch(Function(function), (6, 8))
    assert reason in str(refusal.value)


BAGS: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "all tokens": (lambda x, w: functional.embedding_bag(x, w), ()),
    "pairs": (lambda x, w: functional.embedding_bag(x.view(-1, 2), w, mode="sum"), ()),
    "weighed": (lambda x, w, s: functional.embedding_bag(x.view(3, 4), w, mode="sum", per_sample_weights=s), ((3, 4),)),
    "largest of a computed table": (lambda x, w: functional.embedding_bag(x.view(3, 4), w.exp(), mode="max"), ()),
    "steps": (lambda x, w: functional.embedding_bag(x[0], w, torch.arange(0, 12, 3), mode="max"), ()),
    "steps with their end": (lambda x, w: functional.embedding_bag(x[0], w, torch.arange(0, 13, 6), include_last_offset=True), ()),
    "a last one that is shorter": (lambda x, w: functional.embedding_bag(x[0], w, torch.arange(0, 12, 5)), ()),
    "an empty one": (lambda x, w: functional.embedding_bag(x[0], w, torch.tensor([0, 3, 3, 10])), ()),
    "weighed and uneven": (
        lambda x, w, s: functional.embedding_bag(x[0], w, torch.tensor([0, 5, 5, 6]), mode="sum", per_sample_weights=s), ((12,),)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAGS)
def test_bags_of_tokens(name: str) -> None:
    function, shapes = BAGS[name]
    module = Function(function, (9, 4), *shapes).eval()
    net = la.from_torch(module, (12,), integers=True)
    assert la.parameters(net) == sum(weight.numel() for weight in module.parameters())
    x = torch.randint(0, 9, (1, 12))
    with torch.no_grad():
        wanted = module(x)
        own = la.to_torch(net, weights=module.state_dict())(x)
    wanted = wanted if len(wanted) == 1 else wanted[None]  # a single bag is the batch
    assert own.shape == wanted.shape and tuple(la.output_shape(net)) == tuple(wanted.shape[1:])
    assert torch.allclose(own, wanted, atol=1e-6)


def test_bags_that_another_input_says() -> None:
    module = Function(lambda x, starts, w: functional.embedding_bag(x[0], w, starts[0]), (9, 4)).eval()
    net = la.from_torch(module, [(12,), (3,)], dynamic={(0, 0): "N", (1, 0): "B"}, integers=True)
    for count, starts in ((12, [0, 4, 7]), (5, [0, 0, 1, 5])):
        given = torch.randint(0, 9, (1, count)), torch.tensor([starts])
        own = la.to_torch(net, {"N": count, "B": len(starts)}, weights=module.state_dict())(*given)[0]
        assert torch.allclose(own, module(*given), atol=1e-6)


def test_bags_of_symbols_are_even_where_the_domain_says_so() -> None:
    module = Function(
        lambda x, w: functional.embedding_bag(x[0], w, torch.arange(0, x.shape[1], 4), mode="sum"), (9, 4)
    )
    derived = la.derive("flops", la.from_torch(module, (12,), dynamic={0: "N"}, integers=True))
    for count in range(5, 25):
        if count % 4 == 0:
            assert derived(N=count) == 4 * count  # an add for every element of every vector
        else:
            with pytest.raises(la.DomainError):
                derived(N=count)


def test_a_model_that_begins_with_bags_takes_tokens() -> None:
    net = la.from_torch(torch.nn.Sequential(torch.nn.EmbeddingBag(9, 4), torch.nn.Linear(4, 2)), (6,))
    assert (la.parameters(net), la.macs(net), tuple(la.output_shape(net))) == (46, 8, (2,))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"padding_idx": 2}, "per_sample_weights that are 0 at this token"),
        ({"include_last_offset": True}, "include_last_offset=False"),
    ],
)
def test_bags_whose_tokens_are_not_known_are_refused(words: dict[str, Any], reason: str) -> None:
    starts = torch.tensor([0, 3, 10])
    module = Function(lambda x, w: functional.embedding_bag(x[0], w, starts, mode="sum", **words), (9, 4))
    with pytest.raises(la.UnsupportedError, match=reason):
        la.from_torch(module, (12,), integers=True)
