"""PyTorch's functions one by one, each in a module that does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from _import_case import Case

functional = torch.nn.functional
IMAGE, ROW, TABLE = (4, 6, 8), (12,), (6, 8)
UNIT = (0.1, 0.9)


class Function(torch.nn.Module):
    """A function as a module; `learned` and `stored` are the shapes of tensors that it takes after its inputs."""

    def __init__(
        self,
        function: Callable[..., Any],
        learned: tuple[tuple[int, ...], ...] = (),
        stored: tuple[Any, ...] = (),
    ):
        super().__init__()
        self.function = function
        self.learned = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(shape)) for shape in learned])
        for place, tensor in enumerate(stored):
            self.register_buffer(f"stored{place}", torch.as_tensor(tensor))
        self.held = len(stored)

    def forward(self, *inputs: torch.Tensor) -> Any:
        stored = [getattr(self, f"stored{place}") for place in range(self.held)]
        return self.function(*inputs, *self.learned, *stored)


def _named(
    function: Callable[..., Any], shape: Any = TABLE, within: tuple[float, float] = (-2.0, 2.0), **more: Any
) -> tuple[Callable[..., Any], Any, tuple[float, float], dict[str, Any]]:
    return function, shape, within, more


INDEX = [[0, 2, 1, 1, 3, 5, 0, 4]]
MASK = [[True, False, True, True, False, False, True, False]]
f = _named

FUNCTIONS: dict[str, Any] = {
    # elementwise
    "abs": f(torch.abs), "neg": f(torch.neg), "exp": f(torch.exp), "log": f(torch.log, within=UNIT), "log2": f(torch.log2, within=UNIT),
    "log10": f(torch.log10, within=UNIT), "log1p": f(torch.log1p, within=UNIT), "expm1": f(torch.expm1), "exp2": f(torch.exp2),
    "sqrt": f(torch.sqrt, within=UNIT), "rsqrt": f(torch.rsqrt, within=UNIT), "square": f(torch.square), "pow": f(lambda x: x**3),
    "float_power": f(lambda x: torch.float_power(x, 2)), "reciprocal": f(torch.reciprocal, within=UNIT), "sign": f(torch.sign),
    "floor": f(torch.floor), "ceil": f(torch.ceil), "round": f(torch.round), "trunc": f(torch.trunc), "frac": f(torch.frac),
    "sin": f(torch.sin), "cos": f(torch.cos), "tan": f(torch.tan, within=UNIT), "asin": f(torch.asin, within=UNIT),
    "acos": f(torch.acos, within=UNIT), "atan": f(torch.atan), "sinh": f(torch.sinh), "cosh": f(torch.cosh), "tanh": f(torch.tanh),
    "erf": f(torch.erf), "sigmoid": f(torch.sigmoid), "logit": f(torch.logit, within=UNIT), "atan2": f(torch.atan2, (TABLE, TABLE)),
    "hypot": f(torch.hypot, (TABLE, TABLE)), "lerp": f(lambda x, y: torch.lerp(x, y, 0.3), (TABLE, TABLE)),
    "clamp": f(lambda x: x.clamp(-1, 1)), "clamp_infinite": f(lambda x: x.clamp(min=-float("inf"), max=0.5)),
    "clamp_tensors": f(lambda x, y: torch.clamp(x, y - 1, y + 1), (TABLE, TABLE)), "nan_to_num": f(torch.nan_to_num),
    "maximum": f(torch.maximum, (TABLE, TABLE)), "minimum": f(torch.minimum, (TABLE, TABLE)), "add": f(torch.add, (TABLE, TABLE)),
    "add_alpha": f(lambda x, y: torch.add(x, y, alpha=2), (TABLE, TABLE)), "sub": f(torch.sub, (TABLE, TABLE)),
    "rsub": f(lambda x: 1 - x), "mul": f(torch.mul, (TABLE, TABLE)), "div": f(torch.div, (TABLE, TABLE)),
    "floor_divide": f(lambda x: x // 0.5), "remainder": f(lambda x: x % 0.7), "fmod": f(lambda x: torch.fmod(x, 0.7)),
    "addcmul": f(torch.addcmul, (TABLE,) * 3), "addcdiv": f(lambda x, y, z: torch.addcdiv(x, y, z + 4), (TABLE,) * 3),
    "broadcast_add": f(torch.add, ((6, 8), (8,))), "outer_broadcast": f(lambda x: x.unsqueeze(-1) * x.unsqueeze(-2), ROW),
    "where": f(lambda x, y: torch.where(x > 0, x, y), (TABLE, TABLE)), "masked_fill": f(lambda x: x.masked_fill(x > 0, -1.0)),
    "comparisons": f(lambda x: (x > 0).float() + (x <= 1).float() + (x != 0).float()),
    "logical": f(lambda x: ((x > 0) & ~(x > 1) | (x < -1)).float()),
    # activations
    "relu": f(functional.relu), "relu6": f(functional.relu6), "leaky_relu": f(functional.leaky_relu), "elu": f(functional.elu),
    "selu": f(functional.selu), "celu": f(functional.celu), "gelu": f(functional.gelu), "gelu_tanh": f(lambda x: functional.gelu(x, approximate="tanh")),
    "silu": f(functional.silu), "mish": f(functional.mish), "softplus": f(functional.softplus), "softsign": f(functional.softsign),
    "hardtanh": f(functional.hardtanh), "hardswish": f(functional.hardswish), "hardsigmoid": f(functional.hardsigmoid),
    "hardshrink": f(functional.hardshrink), "softshrink": f(functional.softshrink), "tanhshrink": f(functional.tanhshrink),
    "logsigmoid": f(functional.logsigmoid), "threshold": f(lambda x: functional.threshold(x, 0.1, 2.0)), "glu": f(functional.glu),
    "softmax": f(lambda x: x.softmax(-1)), "softmax_first": f(lambda x: x.softmax(1)), "softmin": f(lambda x: functional.softmin(x, -1)),
    "log_softmax": f(lambda x: x.log_softmax(-1)), "prelu": f(lambda x, w: functional.prelu(x, w), IMAGE, learned=((4,),)),
    "dropout": f(lambda x: functional.dropout(x, 0.5, False)),
    # reductions
    "sum": f(lambda x: x.sum(-1)), "sum_all": f(lambda x: x.sum()), "mean": f(lambda x: x.mean(-1, keepdim=True)), "prod": f(lambda x: x.prod(-1)),
    "amax": f(lambda x: x.amax(-1)), "amin": f(lambda x: x.amin(-1)), "max_values": f(lambda x: x.max(-1).values),
    "min_values": f(lambda x: x.min(-1).values), "max_indices": f(lambda x: x.max(-1).indices.float()), "argmax": f(lambda x: x.argmax(-1)),
    "argmin": f(lambda x: x.argmin(-1)), "var": f(lambda x: x.var(-1)), "std": f(lambda x: x.std(-1)),
    "var_mean": f(lambda x: torch.var_mean(x, -1)), "logsumexp": f(lambda x: x.logsumexp(-1)), "norm": f(lambda x: x.norm(dim=-1)),
    "vector_norm_1": f(lambda x: torch.linalg.vector_norm(x, 1, dim=-1)), "normalize": f(lambda x: functional.normalize(x, dim=-1)),
    "median": f(lambda x: x.median(-1).values), "any": f(lambda x: (x > 0).any(-1)), "all": f(lambda x: (x > 0).all(-1)),
    "count_nonzero": f(lambda x: torch.count_nonzero(x, -1)), "cumsum": f(lambda x: x.cumsum(-1)), "cumprod": f(lambda x: x.cumprod(-1)),
    "cummax": f(lambda x: x.cummax(-1).values), "logcumsumexp": f(lambda x: x.logcumsumexp(-1)), "diff": f(lambda x: x.diff(dim=-1)),
    # shapes
    "reshape": f(lambda x: x.reshape(x.shape[0], -1, 4)), "flatten": f(lambda x: x.flatten(1)), "unflatten": f(lambda x: x.unflatten(1, (2, 3))),
    "squeeze": f(lambda x: x.unsqueeze(1).squeeze(1)), "permute": f(lambda x: x.permute(0, 2, 1)), "transpose": f(lambda x: x.transpose(1, 2)),
    "movedim": f(lambda x: x.movedim(1, -1), IMAGE), "swapaxes": f(lambda x: x.swapaxes(1, 2)), "expand": f(lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1)),
    "expand_as": f(lambda x, y: y.expand_as(x), ((6, 8), (1, 8))), "repeat": f(lambda x: x.repeat(1, 2, 1)), "tile": f(lambda x: torch.tile(x, (2, 1))),
    "repeat_interleave": f(lambda x: x.repeat_interleave(3, dim=1)), "stack": f(lambda x, y: torch.stack([x, y], 1), (TABLE, TABLE)),
    "stack_batch": f(lambda x, y: torch.stack([x, y]), (TABLE, TABLE)), "cat": f(lambda x, y: torch.cat([x, y], -1), (TABLE, TABLE)),
    "cat_batch": f(lambda x, y: torch.cat([x, y]), (TABLE, TABLE)), "hstack": f(lambda x, y: torch.hstack([x, y]), (TABLE, TABLE)),
    "split": f(lambda x: x.split(3, 1)), "split_sizes": f(lambda x: torch.cat(x.split([1, 5], 1)[::-1], 1)), "chunk": f(lambda x: x.chunk(2, 1)[1]),
    "unbind": f(lambda x: sum(x.unbind(1))), "tensor_split": f(lambda x: x.tensor_split(2, 1)[0]), "narrow": f(lambda x: x.narrow(1, 1, 3)),
    "select": f(lambda x: x.select(1, -2)), "slice": f(lambda x: x[:, 1:-1]), "slice_step": f(lambda x: x[:, ::2]), "ellipsis": f(lambda x: x[..., None, 2:5]),
    "flip": f(lambda x: x.flip(-1)), "roll": f(lambda x: x.roll(2, 1)), "roll_axes": f(lambda x: x.roll((1, -2), (1, 2))),
    "rot90": f(lambda x: torch.rot90(x, 1, (1, 2))), "tril": f(torch.tril), "triu": f(lambda x: x.triu(1)), "diagonal": f(lambda x: x.diagonal(0, 1, 2), (6, 6)),
    "diag_embed": f(torch.diag_embed, ROW), "unfold_tensor": f(lambda x: x.unfold(1, 3, 2)), "as_strided": f(lambda x: x.as_strided((1, 4, 3), (48, 2, 1))),
    "pixel_shuffle": f(lambda x: functional.pixel_shuffle(x, 2), IMAGE), "pixel_unshuffle": f(lambda x: functional.pixel_unshuffle(x, 2), IMAGE),
    "channel_shuffle": f(lambda x: functional.channel_shuffle(x, 2), IMAGE), "meshgrid": f(lambda x: torch.stack(torch.meshgrid(x[0], x[0], indexing="ij")), ROW),
    "cartesian": f(lambda x: torch.cartesian_prod(x[0], x[0]), ROW), "one_hot": f(lambda x: functional.one_hot(x, 9), ROW, integers=True),
    # windows and padding
    "unfold": f(lambda x: functional.unfold(x, 3, padding=1), IMAGE), "fold": f(lambda x: functional.fold(x, (7, 9), 2), (16, 48)),
    "pad_constant": f(lambda x: functional.pad(x, (1, 2)), IMAGE), "pad_value": f(lambda x: functional.pad(x, (1, 2), value=3.0), IMAGE),
    "pad_negative": f(lambda x: functional.pad(x, (-1, 2)), IMAGE), "pad_reflect": f(lambda x: functional.pad(x, (1, 2, 1, 1), "reflect"), IMAGE),
    "pad_replicate": f(lambda x: functional.pad(x, (1, 2, 1, 1), "replicate"), IMAGE), "pad_circular": f(lambda x: functional.pad(x, (1, 2, 1, 1), "circular"), IMAGE),
    "max_pool": f(lambda x: functional.max_pool2d(x, 3, 2, 1), IMAGE), "max_pool_ceil": f(lambda x: functional.max_pool2d(x, 3, 2, ceil_mode=True), IMAGE),
    "max_pool_indices": f(lambda x: functional.max_pool2d(x, 2, return_indices=True), IMAGE),
    "max_unpool": f(lambda x: functional.max_unpool2d(*functional.max_pool2d(x, 2, return_indices=True), 2), IMAGE),
    "avg_pool": f(lambda x: functional.avg_pool2d(x, 3, 2, 1), IMAGE), "avg_pool_margins_left_out": f(lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGE),
    "lp_pool": f(lambda x: functional.lp_pool2d(x, 2, 2), IMAGE), "adaptive_avg_pool": f(lambda x: functional.adaptive_avg_pool2d(x, (3, 5)), IMAGE),
    "adaptive_max_pool": f(lambda x: functional.adaptive_max_pool2d(x, 2), IMAGE), "adaptive_max_pool_1": f(lambda x: functional.adaptive_max_pool2d(x, 1), IMAGE),
    "nearest": f(lambda x: functional.interpolate(x, scale_factor=2.0), IMAGE), "nearest_fraction": f(lambda x: functional.interpolate(x, scale_factor=1.5), IMAGE),
    "nearest_exact": f(lambda x: functional.interpolate(x, (9, 11), mode="nearest-exact"), IMAGE), "nearest_size": f(lambda x: functional.interpolate(x, (9, 11)), IMAGE),
    "bilinear": f(lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear"), IMAGE),
    "bilinear_size": f(lambda x: functional.interpolate(x, (9, 11), mode="bilinear"), IMAGE),
    "bilinear_corners": f(lambda x: functional.interpolate(x, (9, 11), mode="bilinear", align_corners=True), IMAGE),
    "bilinear_antialias": f(lambda x: functional.interpolate(x, (3, 4), mode="bilinear", antialias=True), IMAGE),
    "bicubic": f(lambda x: functional.interpolate(x, (9, 11), mode="bicubic"), IMAGE), "area": f(lambda x: functional.interpolate(x, (3, 4), mode="area"), IMAGE),
    "linear_interpolation": f(lambda x: functional.interpolate(x, scale_factor=2.0, mode="linear"), (4, 9)),
    "trilinear": f(lambda x: functional.interpolate(x, scale_factor=2.0, mode="trilinear"), (2, 3, 4, 5)),
    "grid_sample": f(lambda x, g: functional.grid_sample(x, g.tanh()), (IMAGE, (5, 5, 2))), "affine_grid": f(lambda x: functional.affine_grid(x, [1, 3, 5, 5]), (2, 3)),
    # indexing
    "gather": f(lambda x, i: x.gather(2, i.expand(1, 6, 8)), stored=([INDEX],)), "gather_sorted": f(lambda x: x.gather(2, x.argsort(2))),
    "take_along_dim": f(lambda x, i: torch.take_along_dim(x, i, 2), stored=([INDEX],)), "index_select": f(lambda x, i: x.index_select(1, i), stored=(INDEX[0],)),
    "index_tensor": f(lambda x, i: x[:, i], stored=(INDEX[0],)), "index_last": f(lambda x, i: x[..., i], stored=(INDEX[0],)),
    "index_pairs": f(lambda x, i: x[:, i, i], stored=([0, 2, 4],)), "index_rows": f(lambda x: x[torch.arange(1), x.sum(-1).argmax(-1)]),
    "index_mask": f(lambda x, m: x[:, :, m[0]], stored=(MASK,)), "index_add": f(lambda x, y, i: x.index_add(2, i, y), (TABLE, TABLE), stored=(INDEX[0],)),
    "index_put": f(lambda x, i: x.index_put((torch.zeros_like(i), i), x[:, 0]), stored=([0],)), "scatter": f(lambda x, y: x.scatter(2, y.argsort(2), y), (TABLE, TABLE)),
    "scatter_add": f(lambda x, y, i: x.scatter_add(2, i.expand(1, 6, 8), y), (TABLE, TABLE), stored=([INDEX],)),
    "masked_scatter": f(lambda x, y: x.masked_scatter(x > 0, y), (TABLE, TABLE)), "masked_select": f(lambda x: x[x > 0]), "nonzero": f(torch.nonzero),
    "topk": f(lambda x: x.topk(3, -1)), "topk_values": f(lambda x: x.topk(3, -1).values), "sort": f(lambda x: x.sort(-1).values), "argsort": f(lambda x: x.argsort(-1)),
    "searchsorted": f(lambda x, i: torch.searchsorted(i.float(), x), stored=([0, 1, 2],)), "bucketize": f(lambda x, i: torch.bucketize(x, i.float()), stored=([0, 1, 2],)),
    "unique": f(torch.unique), "embedding": f(lambda x, w: functional.embedding(x, w), ROW, learned=((9, 4),), integers=True),
    "embedding_bag": f(lambda x, w: functional.embedding_bag(x, w), ROW, learned=((9, 4),), integers=True), "isin": f(lambda x, i: torch.isin(x, i.float()), stored=([0, 1],)),
    # products
    "matmul": f(lambda x, y: x @ y, ((6, 8), (8, 5))), "matmul_vector": f(lambda x, y: (x @ y.unsqueeze(-1)).squeeze(-1), ((6, 8), (8,))),
    "bmm": f(torch.bmm, ((6, 8), (8, 5))), "baddbmm": f(torch.baddbmm, ((6, 5), (6, 8), (8, 5))), "einsum": f(lambda x, y: torch.einsum("bij,bkj->bik", x, y), ((6, 8), (5, 8))),
    "einsum_three": f(lambda x, y, z: torch.einsum("bij,bjk,bkl->bil", x, y, z), ((6, 8), (8, 5), (5, 3))),
    "einsum_outer": f(lambda x, y: torch.einsum("bi,bj->bij", x, y), (ROW, ROW)), "einsum_diagonal": f(lambda x: torch.einsum("bii->bi", x), (6, 6)),
    "einsum_heads": f(lambda x, w: torch.einsum("bnd,hde->bhne", x, w), learned=((2, 8, 3),)), "tensordot": f(lambda x, w: torch.tensordot(x, w, dims=([2], [0])), learned=((8, 5),)),
    "inner": f(lambda x, w: torch.inner(x, w), learned=((5, 8),)), "outer": f(lambda x: torch.outer(x[0], x[0]), ROW), "dot": f(lambda x, w: torch.dot(x[0], w), ROW, learned=((12,),)),
    "mv": f(lambda x, w: torch.mv(x[0], w), learned=((8,),)), "kron": f(lambda x, y: torch.kron(x, y), (TABLE, (2, 2))), "cross": f(lambda x, y: torch.cross(x, y, -1), ((6, 3), (6, 3))),
    "cdist": f(torch.cdist, ((6, 8), (5, 8))), "cosine_similarity": f(lambda x, y: functional.cosine_similarity(x, y, -1), (TABLE, TABLE)),
    "pairwise_distance": f(lambda x, y: functional.pairwise_distance(x, y), (TABLE, TABLE)), "bilinear_map": f(lambda x, y, w: functional.bilinear(x, y, w), ((6, 4), (6, 5)), learned=((3, 4, 5),)),
    "linear": f(lambda x, w, b: functional.linear(x, w, b), learned=((5, 8), (5,))), "conv1d": f(lambda x, w: functional.conv1d(x, w, padding="same"), (4, 9), learned=((6, 4, 3),)),
    "conv2d": f(lambda x, w, b: functional.conv2d(x, w, b, stride=2, dilation=2, groups=2), (4, 9, 9), learned=((6, 2, 3, 3), (6,))),
    "conv3d": f(lambda x, w: functional.conv3d(x, w), (2, 4, 4, 4), learned=((3, 2, 2, 2, 2),)),
    "conv_transpose2d": f(lambda x, w: functional.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1, groups=2), IMAGE, learned=((4, 3, 3, 3),)),
    "deformable_free": f(lambda x, w: (functional.unfold(x, 3, padding=1).unflatten(1, (4, 9)) * w.view(1, 1, 9, 1)).sum(2), IMAGE, learned=((9,),)),
    "attention": f(lambda x: functional.scaled_dot_product_attention(x, x, x), (2, 6, 8)),
    "attention_causal": f(lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True), (2, 6, 8)),
    "attention_mask": f(lambda x, m: functional.scaled_dot_product_attention(x, x, x, attn_mask=m), (2, 8, 8), stored=(MASK,)),
    "attention_grouped": f(lambda x, y: functional.scaled_dot_product_attention(x, y, y, enable_gqa=True), ((4, 6, 8), (2, 6, 8))),
    # norms
    "layer_norm": f(lambda x, w, b: functional.layer_norm(x, (8,), w, b), learned=((8,), (8,))), "layer_norm_weight_only": f(lambda x, w: functional.layer_norm(x, (8,), w), learned=((8,),)),
    "group_norm": f(lambda x, w, b: functional.group_norm(x, 2, w, b), IMAGE, learned=((4,), (4,))), "rms_norm": f(lambda x, w: functional.rms_norm(x, (8,), w), learned=((8,),)),
    "batch_norm": f(lambda x, w, b, m, v: functional.batch_norm(x, m, v, w, b), IMAGE, learned=((4,), (4,)), stored=([0.0] * 4, [1.0] * 4)),
    "instance_norm": f(lambda x: functional.instance_norm(x), IMAGE), "local_response_norm": f(lambda x: functional.local_response_norm(x, 3), IMAGE),
    # spectra and decompositions
    "fft": f(lambda x: torch.fft.fft(x).abs()), "rfft": f(lambda x: torch.fft.rfft(x).real), "irfft": f(lambda x: torch.fft.irfft(torch.fft.rfft(x))),
    "rfft2": f(lambda x: torch.view_as_real(torch.fft.rfft2(x))), "fftshift": f(lambda x: torch.fft.fftshift(x, dim=-1)), "complex": f(lambda x, y: torch.complex(x, y).abs(), (TABLE, TABLE)),
    "stft": f(lambda x: torch.stft(x, 4, window=torch.ones(4, device=x.device), return_complex=True).abs(), (16,)), "polar": f(lambda x, y: torch.polar(x, y).real, (TABLE, TABLE)),
    "inverse": f(torch.inverse, (6, 6)), "det": f(torch.det, (6, 6)), "cholesky": f(lambda x: torch.linalg.cholesky(x @ x.mT + 9 * torch.eye(6, device=x.device)), (6, 6)),
    "svd": f(lambda x: torch.linalg.svdvals(x)), "matrix_power": f(lambda x: torch.matrix_power(x, 3), (6, 6)), "trace": f(lambda x: torch.trace(x[0]), (6, 6)),
    # what makes tensors
    "zeros_like": f(lambda x: x + torch.zeros_like(x)), "arange": f(lambda x: x + torch.arange(x.shape[-1], device=x.device)), "linspace": f(lambda x: x * torch.linspace(0, 1, 8, device=x.device)),
    "full": f(lambda x: x * torch.full((8,), 2.0, device=x.device)), "eye": f(lambda x: x @ torch.eye(8, device=x.device)), "new_ones": f(lambda x: x - x.new_ones(8)),
    "clone": f(lambda x: x.clone().detach()), "to": f(lambda x: x.to(torch.float64).float()), "half": f(lambda x: x.half().float()), "contiguous": f(lambda x: x.mT.contiguous()),
    "in_place": f(lambda x: x.clone().mul_(2).add_(1)), "slice_assignment": f(lambda x: _assigned(x)), "cross_entropy": f(lambda x: functional.cross_entropy(x, x.softmax(1))),
    "mse_loss": f(functional.mse_loss, (TABLE, TABLE)), "no_grad": f(lambda x: _without_gradient(x)), "scalar": f(lambda x: x * x.mean()),
    "bernoulli": f(lambda x: torch.bernoulli(x), within=UNIT), "randn_like": f(lambda x: x + torch.randn_like(x)), "multinomial": f(lambda x: torch.multinomial(x, 2), ROW, UNIT),
}  # fmt: skip


def _assigned(x: torch.Tensor) -> torch.Tensor:
    made = x.clone()
    made[:, 1:3] = 0.0
    return made


def _without_gradient(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return x * 2


def cases() -> Iterator[Case]:
    """A case for each function; the last axis of the first input, and of every input that is as long there, becomes symbolic."""
    for name, (function, given, within, more) in FUNCTIONS.items():
        shapes = given if isinstance(given[0], tuple) else (given,)
        integers = bool(more.get("integers", False))
        tensors = {key: value for key, value in more.items() if key != "integers"}
        last = shapes[0][-1]
        axes = {(place, len(shape) - 1): "N" for place, shape in enumerate(shapes) if shape[-1] == last}
        yield Case(
            "functions", name, lambda function=function, tensors=tensors: Function(function, **tensors), tuple(shapes), integers,
            axes, ({"N": last + 2}, {"N": last + 4}, {"N": 3 * last}), numbers=True, within=within,
        )  # fmt: skip
