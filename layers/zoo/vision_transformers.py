"""Patches as a sequence: the vision transformer and the MLP-Mixer."""

from __future__ import annotations

from typing import Any

from sympy import sympify

from ...algebra.networks.network import Input, Network, Series
from ..activation import GELU, Identity
from ..attention import MultiHeadAttention
from ..convolution import Conv
from ..embedding import ClassToken, PositionalEmbedding
from ..linear import Linear
from ..normalization import LayerNorm
from ..pooling import GlobalAvgPool
from ..reshape import Permute, Select, Tokens
from .blocks import whole_part
from .families import Stages, family


def perceptron(hidden: Any, features: Any, act: Network | None = None) -> Network:
    """Wide, an activation, narrow."""
    return Linear(hidden) >> (act or GELU()) >> Linear(features)


def encoder_block(features: Any, heads: Any, hidden: Any, epsilon: Any = 1e-6) -> Network:
    """Attention and a perceptron, each normalised before and added to what came in."""
    return (Identity() + (LayerNorm(epsilon=epsilon) >> MultiHeadAttention(heads))) >> (
        Identity() + (LayerNorm(epsilon=epsilon) >> perceptron(hidden, features))
    )


_LARGE = {"features": 1024, "depth": 24, "heads": 16, "hidden": 4096}


@family(
    paper='Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021',
    published={
        "vit_b_16": {},
        "vit_b_32": {"patch": 32},
        "vit_l_16": _LARGE,
        "vit_l_32": {**_LARGE, "patch": 32},
        "vit_h_14": {"patch": 14, "features": 1280, "depth": 32, "heads": 16, "hidden": 5120},
    },
)
def vit(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    patch: Any = 16,
    features: Any = 768,
    depth: Any = 12,
    heads: Any = 12,
    hidden: Any = 3072,
) -> Stages:
    """A transformer encoder on patches, read at the class token.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    patch : Dim
        Side of a patch.
    features : Dim
        Width of the sequence.
    depth : Dim
        Encoder blocks.
    heads : Dim
    hidden : Dim
        Units inside a block's perceptron.

    Returns
    -------
    dict of str to Network
    """
    return {
        "input": Input(channels, height, width),
        "embedding": Series(Conv(features, patch, stride=patch), Tokens(), ClassToken(), PositionalEmbedding()),
        "encoder": encoder_block(features, heads, hidden) ** depth,
        "head": Series(LayerNorm(epsilon=1e-6), Select(0), Linear(classes)),
    }


@family(
    paper='Tolstikhin et al., "MLP-Mixer: An all-MLP Architecture for Vision", NeurIPS 2021',
    published={
        "mixer_s_32": {"patch": 32, "features": 512, "depth": 8, "token_hidden": 256, "hidden": 2048},
        "mixer_s_16": {"features": 512, "depth": 8, "token_hidden": 256, "hidden": 2048},
        "mixer_b_32": {"patch": 32},
        "mixer_b_16": {},
        "mixer_l_32": {"patch": 32, "features": 1024, "depth": 24, "token_hidden": 512, "hidden": 4096},
        "mixer_l_16": {"features": 1024, "depth": 24, "token_hidden": 512, "hidden": 4096},
    },
    parameters={
        "mixer_b_16": 59_880_472,
        "mixer_l_16": 208_196_168,
        "mixer_s_32": 19_104_624,
        "mixer_s_16": 18_528_264,
        "mixer_b_32": 60_293_428,
        "mixer_l_32": 206_939_264,
    },
    source="parameter counts of the authors' published weights, as timm gives them",
    aliases={"mlp_mixer": "mixer_b_16", "mlp_mixer_b_16": "mixer_b_16", "mlp_mixer_l_16": "mixer_l_16"},
)
def mixer(
    *,
    height: Any = 224,
    width: Any = 224,
    channels: Any = 3,
    classes: Any = 1000,
    patch: Any = 16,
    features: Any = 768,
    depth: Any = 12,
    token_hidden: Any = 384,
    hidden: Any = 3072,
) -> Stages:
    """Perceptrons over the patches and over the features, in turn.

    Parameters
    ----------
    height, width, channels : Dim
        Of the image.
    classes : Dim
    patch : Dim
        Side of a patch.
    features : Dim
        Width of the sequence.
    depth : Dim
        Blocks.
    token_hidden, hidden : Dim
        Units inside the perceptrons over patches and over features.

    Returns
    -------
    dict of str to Network
    """
    rows, columns = (whole_part(sympify(side) / patch) for side in (height, width))
    across = Series(Permute((1, 0)), perceptron(token_hidden, rows * columns), Permute((1, 0)))
    block = (Identity() + (LayerNorm(epsilon=1e-6) >> across)) >> (
        Identity() + (LayerNorm(epsilon=1e-6) >> perceptron(hidden, features))
    )
    return {
        "input": Input(channels, height, width),
        "embedding": Conv(features, patch, stride=patch) >> Tokens(),
        "blocks": block**depth,
        "head": Series(LayerNorm(epsilon=1e-6), Permute((1, 0)), GlobalAvgPool(), Linear(classes)),
    }
