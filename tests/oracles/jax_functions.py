"""JAX functions and models of many kinds, each with its inputs: an axis that has a name takes several sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

SIZES: tuple[dict[str, int], ...] = (
    {"T": 8, "S": 6, "H": 16, "W": 16, "B": 2}, {"T": 5, "S": 9, "H": 17, "W": 23, "B": 3}, {"T": 12, "S": 1, "H": 32, "W": 9, "B": 1},
    {"T": 1, "S": 4, "H": 8, "W": 8, "B": 4}, {"T": 31, "S": 16, "H": 40, "W": 30, "B": 5},
)  # fmt: skip
"""The first one is the example at which tracing begins."""


@dataclass(frozen=True)
class Case:
    """A function of a tree and of arrays.

    `inputs` has a shape for each, where a text is the name of an axis; a shape whose name is in `integers` holds integers. Parts of the tree
    under the keys `buffers` are not learned.
    """

    function: Callable[..., Any]
    inputs: tuple[tuple[Any, ...], ...]
    tree: Any = None
    integers: tuple[int, ...] = ()
    multiples: Mapping[str, int] = field(default_factory=dict)
    numbers: bool = True
    buffers: tuple[str, ...] = ()

    @property
    def names(self) -> dict[tuple[int, int], str]:
        return {(place, axis): size for place, shape in enumerate(self.inputs) for axis, size in enumerate(shape) if isinstance(size, str)}  # fmt: skip

    def sizes(self) -> list[dict[str, int]]:
        """Values of the names, each a multiple of what it has to be."""
        return [{name: size * self.multiples.get(name, 1) for name, size in sizes.items()} for sizes in SIZES]

    def shapes(self, sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
        return [tuple(sizes[size] if isinstance(size, str) else size for size in shape) for shape in self.inputs]

    def structs(self, sizes: Mapping[str, int]) -> list[Any]:
        kinds = ["int32" if place in self.integers else "float32" for place in range(len(self.inputs))]
        return [jax.ShapeDtypeStruct(shape, kind) for shape, kind in zip(self.shapes(sizes), kinds)]


def tree_of(**shapes: Sequence[int]) -> dict[str, Any]:
    """Learned arrays of these shapes, with numbers that are neither large nor alike."""
    source = np.random.default_rng(len(shapes))  # JAX's own draws compile a program for each shape
    return {name: jnp.asarray(source.normal(size=shape) * 0.4, "float32") for name, shape in sorted(shapes.items())}


def attention(p: Any, x: Any, *, heads: int = 2, causal: bool = False) -> Any:
    q, k, v = ((x @ p[name]).reshape(x.shape[0], heads, -1) for name in ("q", "k", "v"))
    scores = jnp.einsum("thd,shd->hts", q, k) / jnp.sqrt(q.shape[-1])
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones((x.shape[0], x.shape[0]), bool)), scores, -1e9)
    return jnp.einsum("hts,shd->thd", jax.nn.softmax(scores), v).reshape(x.shape[0], -1) @ p["o"]


def layer_norm(p: Any, x: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5) * p["scale"] + p["shift"]


def convolution(stride: int = 1, padding: Any = "SAME", groups: int = 1, dilation: int = 1, layout: tuple[str, str, str] = ("NHWC", "HWIO", "NHWC")) -> Callable[..., Any]:  # fmt: skip
    def function(p: Any, x: Any) -> Any:
        return lax.conv_general_dilated(
            x, p["w"], (stride, stride), padding, rhs_dilation=(dilation, dilation), dimension_numbers=layout, feature_group_count=groups
        )  # fmt: skip

    return function


def recurrent(p: Any, x: Any) -> Any:
    def step(h: Any, now: Any) -> Any:
        h = jnp.tanh(now @ p["w"] + h @ p["u"] + p["b"])
        return h, h

    return lax.scan(step, jnp.zeros(p["b"].shape), x)[1]


def gated_recurrent(p: Any, x: Any) -> Any:
    def step(h: Any, now: Any) -> Any:
        both = jnp.concatenate([now, h])
        z, r = jax.nn.sigmoid(p["z"] @ both), jax.nn.sigmoid(p["r"] @ both)
        new = jnp.tanh(p["n"] @ jnp.concatenate([now, r * h]))
        h = (1 - z) * h + z * new
        return h, h

    return lax.scan(step, jnp.zeros(p["z"].shape[0]), x)[1]


def long_short(p: Any, x: Any) -> Any:
    def step(state: Any, now: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(now @ p["w"] + h @ p["u"] + p["b"], 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros(p["u"].shape[0])
    return lax.scan(step, (zeros, zeros), x)[1]


def stacked(p: Any, x: Any) -> Any:
    def block(x: Any, layer: Any) -> Any:
        return x + jax.nn.relu(x @ layer["a"]) @ layer["b"], None

    return lax.scan(block, x, p)[0]


def shared_steps(p: Any, x: Any) -> Any:
    return lax.fori_loop(0, 4, lambda _, x: jnp.tanh(x @ p["w"]), x)


def on_input(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda p, *values: function(*values)


def case(function: Callable[..., Any], *inputs: tuple[Any, ...], **options: Any) -> Case:
    return Case(on_input(function), inputs, None, **options)


def functions() -> dict[str, Case]:
    """Functions that need nothing but JAX."""
    T, H, W, B = "T", "H", "W", "B"
    dense = tree_of(w=(8, 5), b=(5,))
    projections = tree_of(q=(8, 8), k=(8, 8), v=(8, 8), o=(8, 8))
    return {
        "dense": Case(lambda p, x: x @ p["w"] + p["b"], ((T, 8),), dense),
        "dense, weight first": Case(lambda p, x: p["w"] @ x, ((8, T),), tree_of(w=(5, 8))),
        "vector dense": Case(lambda p, x: p["w"] @ x + p["b"], ((8,),), tree_of(w=(5, 8), b=(5,))),
        "mlp with gelu": Case(lambda p, x: jax.nn.gelu(x @ p["a"]) @ p["b"], ((T, 8),), tree_of(a=(8, 16), b=(16, 8))),
        "exact gelu": case(lambda x: jax.nn.gelu(x, approximate=False), (T, 8)),
        "relu": case(jax.nn.relu, (T, 8)),
        "relu6": case(jax.nn.relu6, (T, 8)),
        "silu": case(jax.nn.silu, (T, 8)),
        "softplus": case(jax.nn.softplus, (T, 8)),
        "elu": case(jax.nn.elu, (T, 8)),
        "selu": case(jax.nn.selu, (T, 8)),
        "leaky relu": case(jax.nn.leaky_relu, (T, 8)),
        "hard swish": case(jax.nn.hard_swish, (T, 8)),
        "hard tanh": case(jax.nn.hard_tanh, (T, 8)),
        "mish": case(jax.nn.mish, (T, 8)),
        "glu": case(jax.nn.glu, (T, 8)),
        "log softmax": case(jax.nn.log_softmax, (T, 8)),
        "softmax over the first axis": case(lambda x: jax.nn.softmax(x, axis=0), (T, 8)),
        "logsumexp": case(lambda x: jax.nn.logsumexp(x, axis=-1), (T, 8)),
        "standardise": case(jax.nn.standardize, (T, 8)),
        "one hot": case(lambda x: jax.nn.one_hot(x, 7), (T,), integers=(0,)),
        "layer norm": Case(layer_norm, ((T, 8),), tree_of(scale=(8,), shift=(8,))),
        "rms norm": Case(lambda p, x: x * lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-6) * p["g"], ((T, 8),), tree_of(g=(8,))),
        "attention": Case(attention, ((T, 8),), projections),
        "causal attention": Case(lambda p, x: attention(p, x, causal=True), ((T, 8),), projections),
        "batched attention": Case(jax.vmap(attention, (None, 0)), ((B, T, 8),), projections),
        "jax's attention": case(jax.nn.dot_product_attention, (B, T, 2, 4), (B, "S", 2, 4), (B, "S", 2, 4)),
        "conv same": Case(convolution(2), ((B, H, W, 3),), tree_of(w=(3, 3, 3, 4))),
        "conv valid": Case(convolution(1, "VALID"), ((1, H, W, 3),), tree_of(w=(3, 3, 3, 4))),
        "conv channels first": Case(convolution(2, ((1, 1), (1, 1)), layout=("NCHW", "OIHW", "NCHW")), ((B, 3, H, W),), tree_of(w=(4, 3, 3, 3))),
        "conv uneven, dilated": Case(convolution(1, ((2, 1), (0, 3)), dilation=2), ((1, H, W, 3),), tree_of(w=(3, 3, 3, 4))),
        "depthwise conv": Case(convolution(1, "SAME", 4), ((1, H, W, 4),), tree_of(w=(3, 3, 1, 4))),
        "transposed conv": Case(lambda p, x: lax.conv_transpose(x, p["w"], (2, 2), "SAME"), ((1, H, W, 3),), tree_of(w=(3, 3, 3, 4)), numbers=False),
        "conv by a computed kernel": Case(lambda p, x: convolution(1)({"w": p["w"] * p["g"]}, x), ((1, H, W, 3),), tree_of(w=(3, 3, 3, 4), g=(4,))),
        "max pool": case(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), (B, H, W, 3)),
        "sum pool same": case(lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), (B, H, W, 3)),
        "embedding": Case(lambda p, x: p["e"][x], ((T,),), tree_of(e=(11, 8)), (0,)),
        "take": Case(lambda p, x: jnp.take(p["e"], x, axis=0), ((B, T),), tree_of(e=(11, 8)), (0,)),
        "tied output": Case(lambda p, x: p["e"][x] @ p["e"].T, ((T,),), tree_of(e=(11, 8)), (0,)),
        "take along": case(lambda x, i: jnp.take_along_axis(x, i, axis=1), (T, 8), (T, 3), integers=(1,)),
        "einsum": case(lambda x, y: jnp.einsum("bthd,bshd->bhts", x, y), (B, T, 2, 4), (B, "S", 2, 4)),
        "einsum to a number": case(lambda x, y: jnp.einsum("td,td->", x, y), (T, 8), (T, 8)),
        "outer product": case(jnp.outer, (T,), ("S",)),
        "kron": case(jnp.kron, (T, 2), (3, 2)),
        "tensordot": case(lambda x, y: jnp.tensordot(x, y, axes=[[1, 2], [0, 2]]), (T, 3, 4), (3, 5, 4)),
        "polynomial": case(lambda x: jnp.polyval(jnp.asarray([1.0, -2.0, 3.0]), x), (T,)),
        "cumulative sum": case(lambda x: jnp.cumsum(x, axis=0), (T, 8)),
        "cumulative maximum": case(lambda x: lax.cummax(x, axis=1), (T, 8)),
        "cumulative product": case(lambda x: jnp.cumprod(x, axis=1), (T, 8)),
        "pad": case(lambda x: jnp.pad(x, ((1, 2), (0, 3))), (T, 8)),
        "pad inside": case(lambda x: lax.pad(x, 0.0, ((0, 0, 1), (-1, 2, 0))), (T, 8)),
        "slices": case(lambda x: jnp.concatenate([x[:, :3], x[:, 5:]], axis=1)[:, ::2], (T, 8)),
        "first position": case(lambda x: x[0], (T, 8)),
        "last position": case(lambda x: x[-1], (T, 8)),
        "roll": case(lambda x: jnp.roll(x, 2, axis=1), (T, 8)),
        "flip": case(lambda x: jnp.flip(x, axis=0), (T, 8)),
        "every second": case(lambda x: x[::2], (T, 8)),
        "stack": case(lambda x, y: jnp.stack([x, y], axis=1), (T, 8), (T, 8)),
        "tile": case(lambda x: jnp.tile(x, (1, 3)), (T, 8)),
        "mean of all": case(jnp.mean, (T, 8)),
        "variance": case(lambda x: jnp.var(x, axis=0), (T, 8)),
        "norm": case(lambda x: jnp.linalg.norm(x, axis=-1), (T, 8)),
        "product": case(lambda x: jnp.prod(x, axis=-1), (T, 8)),
        "all and any": case(lambda x: jnp.all(x > 0, axis=-1) | jnp.any(x < -1, axis=-1), (T, 8)),
        "where": case(lambda x, y: jnp.where(x > y, x, 2 * y), (T, 8), (T, 8)),
        "clip": case(lambda x: jnp.clip(x, -0.5, 0.7), (T, 8)),
        "maximum": case(jnp.maximum, (T, 8), (T, 8)),
        "sort": case(lambda x: jnp.sort(x, axis=-1), (T, 8)),
        "top k": case(lambda x: lax.top_k(x, 3)[0], (T, 8)),
        "argmax": case(lambda x: jnp.argmax(x, axis=-1), (T, 8)),
        "recurrence": Case(recurrent, ((T, 6),), tree_of(w=(6, 8), u=(8, 8), b=(8,))),
        "gated recurrence": Case(gated_recurrent, ((T, 6),), tree_of(z=(4, 10), r=(4, 10), n=(4, 10))),
        "long short-term memory": Case(long_short, ((T, 6),), tree_of(w=(6, 16), u=(4, 16), b=(16,))),
        "stacked layers": Case(stacked, ((T, 8),), tree_of(a=(5, 8, 16), b=(5, 16, 8))),
        "one layer four times": Case(shared_steps, ((T, 8),), tree_of(w=(8, 8))),
        "rotary positions": case(rotary, (T, 8)),
        "sinusoids": Case(lambda p, x: x @ p["w"] + sinusoids(x.shape[0], 8), ((T, 8),), tree_of(w=(8, 8))),
        "remat": Case(jax.checkpoint(lambda p, x: jnp.tanh(x @ p["w"])), ((T, 8),), tree_of(w=(8, 8))),
        "gradient": Case(lambda p, x: jax.grad(lambda p: ((x @ p["w"] - 1.0) ** 2).sum())(p)["w"], ((T, 8),), tree_of(w=(8, 3))),
        "mixture by weights": Case(mixture, ((T, 8),), tree_of(gate=(8, 4), a=(4, 8, 16), b=(4, 16, 8))),
    }  # fmt: skip


def rotary(x: Any) -> Any:
    half = x.shape[-1] // 2
    angle = jnp.arange(x.shape[0])[:, None] * (10_000.0 ** (-jnp.arange(half) / half))[None]
    one, two = x[:, :half], x[:, half:]
    return jnp.concatenate(
        [one * jnp.cos(angle) - two * jnp.sin(angle), one * jnp.sin(angle) + two * jnp.cos(angle)], axis=-1
    )


def sinusoids(length: Any, width: int) -> Any:
    angle = jnp.arange(length)[:, None] / 10_000 ** (2 * jnp.arange(width // 2) / width)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


def mixture(p: Any, x: Any) -> Any:
    gates = jax.nn.softmax(x @ p["gate"])
    hidden = jax.nn.silu(jnp.einsum("td,edf->tef", x, p["a"]))
    return jnp.einsum("tef,efd,te->td", hidden, p["b"], gates)
