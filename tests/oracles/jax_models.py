"""Models written with Equinox and with Flax, each with its inputs; those of a library that is not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp

from oracles.jax_functions import Case

KEY = jax.random.key(0)


def models() -> dict[str, tuple[Any, Case]]:
    """By name a model, and a case whose function calls it on its tree."""
    found: dict[str, tuple[Any, Case]] = {}
    if find_spec("equinox") is not None:
        found |= _equinox()
    if find_spec("flax") is not None:
        found |= _linen() | _nnx()
    return found


def _equinox() -> dict[str, tuple[Any, Case]]:
    import equinox as eqx

    nn, keys = eqx.nn, iter(jax.random.split(KEY, 200))

    class Block(eqx.Module):
        norm: nn.LayerNorm
        attention: nn.MultiheadAttention
        norm2: nn.LayerNorm
        widen: nn.Linear
        narrow: nn.Linear

        def __init__(self) -> None:
            self.norm, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(2, 8, key=next(keys))
            self.widen, self.narrow = nn.Linear(8, 16, key=next(keys)), nn.Linear(16, 8, key=next(keys))

        def __call__(self, x: Any) -> Any:
            y = jax.vmap(self.norm)(x)
            x = x + self.attention(y, y, y)
            return x + jax.vmap(lambda one: self.narrow(jax.nn.gelu(self.widen(self.norm2(one)))))(x)

    class Vision(eqx.Module):
        patches: nn.Conv2d
        blocks: list[Block]
        head: nn.Linear

        def __init__(self) -> None:
            self.patches = nn.Conv2d(3, 8, 4, 4, key=next(keys))
            self.blocks = [Block() for _ in range(3)]
            self.head = nn.Linear(8, 10, key=next(keys))

        def __call__(self, x: Any) -> Any:
            x = self.patches(x)
            x = x.reshape(8, -1).T
            for block in self.blocks:
                x = block(x)
            return self.head(x.mean(0))

    class Language(eqx.Module):
        embedding: nn.Embedding
        positions: jax.Array
        blocks: list[Block]
        norm: nn.LayerNorm

        def __init__(self) -> None:
            self.embedding = nn.Embedding(30, 8, key=next(keys))
            self.positions = jax.random.normal(next(keys), (64, 8))
            self.blocks = [Block() for _ in range(2)]
            self.norm = nn.LayerNorm(8)

        def __call__(self, tokens: Any) -> Any:
            x = jax.vmap(self.embedding)(tokens) + self.positions[: tokens.shape[0]]
            for block in self.blocks:
                x = block(x)
            return jax.vmap(self.norm)(x) @ self.embedding.weight.T

    class Residual(eqx.Module):
        one: nn.Conv2d
        two: nn.Conv2d
        norm: nn.GroupNorm

        def __init__(self) -> None:
            self.one, self.two = (nn.Conv2d(8, 8, 3, padding=1, key=next(keys)) for _ in range(2))
            self.norm = nn.GroupNorm(4, 8)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return jax.nn.relu(x + self.two(jax.nn.relu(self.norm(self.one(x)))))

    class Recurrent(eqx.Module):
        cell: Any

        def __call__(self, x: Any) -> Any:
            zeros = jnp.zeros(self.cell.hidden_size)
            if isinstance(self.cell, nn.GRUCell):
                return jax.lax.scan(lambda h, now: (self.cell(now, h),) * 2, zeros, x)[1]

            def step(state: Any, now: Any) -> Any:
                state = self.cell(now, state)
                return state, state[0]

            return jax.lax.scan(step, (zeros, zeros), x)[1]

    class Mixer(eqx.Module):
        tokens: nn.MLP
        channels: nn.MLP

        def __init__(self) -> None:
            self.tokens, self.channels = nn.MLP(16, 16, 32, 1, key=next(keys)), nn.MLP(8, 8, 32, 1, key=next(keys))

        def __call__(self, x: Any) -> Any:
            x = x + jax.vmap(self.tokens, 1, 1)(x)
            return x + jax.vmap(self.channels)(x)

    made = {
        "mlp": (nn.MLP(6, 4, 16, 2, key=KEY), ((6,),), ()),
        "cnn": (
            nn.Sequential([
                nn.Conv2d(3, 8, 3, padding=1, key=next(keys)), nn.Lambda(jax.nn.relu), nn.MaxPool2d(2, 2), nn.Dropout(0.5),
                nn.Conv2d(8, 4, 3, stride=2, key=next(keys)), nn.AdaptiveAvgPool2d(1), nn.Lambda(jnp.ravel), nn.Linear(4, 3, key=next(keys)),
            ]), ((3, 24, 24),), (),
        ),
        "residual blocks": (nn.Sequential([Residual() for _ in range(3)]), ((8, "H", "W"),), ()),
        "transformer block": (Block(), (("T", 8),), ()),
        "vision transformer": (Vision(), ((3, 16, 16),), ()),
        "language model": (Language(), (("T",),), (0,)),
        "gated recurrence": (Recurrent(nn.GRUCell(6, 4, key=KEY)), (("T", 6),), ()),
        "long short-term memory": (Recurrent(nn.LSTMCell(6, 4, key=KEY)), (("T", 6),), ()),
        "mixer": (nn.Sequential([nn.Lambda(Mixer()), nn.Lambda(Mixer())]), ((16, 8),), ()),
        "transposed conv": (nn.ConvTranspose2d(3, 4, 3, 2, padding=1, output_padding=1, key=KEY), ((3, "H", "W"),), ()),
    }  # fmt: skip
    return {
        f"equinox: {name}": (
            model,
            Case(lambda tree, *values: tree(*values), inputs, nn.inference_mode(model), integers),
        )
        for name, (model, inputs, integers) in made.items()
    }


def _linen() -> dict[str, tuple[Any, Case]]:
    import flax.linen as nn

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any, train: bool) -> Any:
            for width in (4, 8):
                x = nn.Conv(width, (3, 3), strides=2, use_bias=False)(x)
                x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
            x = nn.avg_pool(x, (2, 2), strides=(2, 2))
            return nn.Dense(5)(x.mean((1, 2)))

    class Next(nn.Module):
        """A block as in ConvNeXt."""

        @nn.compact
        def __call__(self, x: Any) -> Any:
            y = nn.LayerNorm()(nn.Conv(8, (7, 7), feature_group_count=8)(x))
            y = nn.Dense(8)(nn.gelu(nn.Dense(32)(y)))
            return x + self.param("scale", nn.initializers.ones, (8,)) * y

    class Decoder(nn.Module):
        @nn.compact
        def __call__(self, x: Any, deterministic: bool) -> Any:
            mask = nn.make_causal_mask(jnp.ones(x.shape[:-1]))
            y = nn.LayerNorm()(x)
            x = x + nn.MultiHeadDotProductAttention(2, deterministic=deterministic)(y, mask=mask)
            return x + nn.Dropout(0.1, deterministic=deterministic)(nn.Dense(8)(nn.silu(nn.Dense(16)(nn.RMSNorm()(x)))))

    class Generative(nn.Module):
        @nn.compact
        def __call__(self, tokens: Any, deterministic: bool) -> Any:
            embed = nn.Embed(30, 8)
            x = embed(tokens)
            for _ in range(2):
                x = Decoder()(x, deterministic)
            return embed.attend(nn.LayerNorm()(x))

    class Chain(nn.Module):
        parts: Any

        @nn.compact
        def __call__(self, x: Any) -> Any:
            for part in self.parts:
                x = part()(x)
            return x

    made = {
        "dense": (nn.Dense(4), (("B", 6),), ()),
        "cnn with batch norm": (Network(), (("B", 16, 16, 3),), ()),
        "convnext": (Chain((Next, Next, Next)), ((1, "H", "W", 8),), ()),
        "generative transformer": (Generative(), (("B", "T"),), (0,)),
        "attention": (nn.MultiHeadDotProductAttention(2), (("B", "T", 8), ("B", "S", 8)), ()),
        "gated recurrence": (nn.RNN(nn.GRUCell(4)), (("B", "T", 6),), ()),
        "long short-term memory": (nn.RNN(nn.OptimizedLSTMCell(4)), (("B", "T", 6),), ()),
        "group norm": (nn.GroupNorm(2), (("B", 8, 8, 4),), ()),
        "transposed conv": (nn.ConvTranspose(4, (3, 3), (2, 2)), ((1, "H", "W", 3),), ()),
    }  # fmt: skip
    found = {}
    for name, (model, inputs, integers) in made.items():
        flags = (
            {"train": False}
            if isinstance(model, Network)
            else {"deterministic": True}
            if isinstance(model, Generative)
            else {}
        )
        case = Case(
            lambda tree, *values, model=model, flags=flags: model.apply(tree, *values, **flags), inputs, None, integers
        )
        variables = jax.eval_shape(
            lambda *values, model=model, flags=flags: model.init(KEY, *values, **flags), *case.structs(case.sizes()[0])
        )
        found[f"linen: {name}"] = (
            model,
            Case(case.function, inputs, variables, integers, buffers=("['batch_stats']",)),
        )
    return found


def _nnx() -> dict[str, tuple[Any, Case]]:
    from flax import nnx

    rngs = nnx.Rngs(0)

    class Perceptron(nnx.Module):
        def __init__(self) -> None:
            self.one, self.two = nnx.Linear(6, 16, rngs=rngs), nnx.Linear(16, 3, rngs=rngs)
            self.drop = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.two(self.drop(jax.nn.relu(self.one(x))))

    class Images(nnx.Module):
        def __init__(self) -> None:
            self.conv, self.norm = nnx.Conv(3, 4, (3, 3), rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
            self.head = nnx.Linear(4, 2, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.head(nnx.max_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2)).mean((1, 2)))

    class Encoder(nnx.Module):
        def __init__(self) -> None:
            self.attention = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs)
            self.norm = nnx.LayerNorm(8, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return x + self.attention(self.norm(x))

    class Block(nnx.Module):
        def __init__(self) -> None:
            self.first, self.second = Encoder(), nnx.LayerNorm(8, rngs=rngs)
            self.widen, self.narrow = nnx.Linear(8, 32, rngs=rngs), nnx.Linear(32, 8, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = self.first(x)
            return x + self.narrow(nnx.gelu(self.widen(self.second(x))))

    class Bottleneck(nnx.Module):
        def __init__(self) -> None:
            self.one, self.two = nnx.Conv(8, 4, (1, 1), rngs=rngs), nnx.Conv(4, 4, (3, 3), use_bias=False, rngs=rngs)
            self.three, self.norm = nnx.Conv(4, 8, (1, 1), rngs=rngs), nnx.GroupNorm(8, 4, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return x + self.three(nnx.relu(self.two(nnx.relu(self.one(self.norm(x))))))

    found = {}
    for name, model, inputs in (
        ("perceptron", Perceptron(), (("B", 6),)), ("images", Images(), (("B", 12, 12, 3),)), ("encoder", Encoder(), (("B", "T", 8),)),
        ("encoders", nnx.Sequential(*(Block() for _ in range(3))), (("B", "T", 8),)),
        ("bottlenecks", nnx.Sequential(*(Bottleneck() for _ in range(2))), (("B", "H", "W", 8),)),
    ):  # fmt: skip
        copy = nnx.merge(*nnx.split(model))
        copy.eval()
        graph, learned, rest = nnx.split(copy, nnx.Param, ...)
        found[f"nnx: {name}"] = (
            model,
            Case(
                lambda tree, *values, graph=graph: nnx.merge(graph, *tree)(*values),
                inputs,
                (learned, rest),
                buffers=("[1]",),
            ),
        )
    return found
