"""Sequence models without attention: Mamba, the LSTM language model, WaveNet."""

from __future__ import annotations

from typing import Any

from sympy import Symbol, ceiling, sympify

from ...algebra.networks.network import Input, Network, Repeat, Series
from ..activation import Dropout, Identity, ReLU, Sigmoid, SiLU, Tanh
from ..convolution import Conv
from ..embedding import Embedding
from ..linear import Linear
from ..normalization import RMSNorm
from ..recurrent import LSTM
from ..reshape import Permute
from ..slicing import ChannelPad, ChannelSlice
from ..state_space import SelectiveStateSpace
from .families import Stages, family


def mamba_block(features: Any, inner: Any, kernel: Any, state: Any, rank: Any) -> Network:
    """A short causal convolution and a selective state space, gated, added to what came in."""
    swapped = Permute((1, 0))
    convolution = swapped >> Conv(inner, kernel, padding="causal", groups=inner) >> swapped
    path = Series(Linear(inner, bias=False), convolution, SiLU(), SelectiveStateSpace(state, rank))
    gate = Linear(inner, bias=False) >> SiLU()
    return Identity() + (RMSNorm() >> (path * gate) >> Linear(features, bias=False))


@family(
    paper='Gu, Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752 (2023)',
    published={
        "mamba_130m": {},
        "mamba_370m": {"features": 1024, "depth": 48},
        "mamba_790m": {"features": 1536, "depth": 48},
        "mamba_1_4b": {"features": 2048, "depth": 48},
        "mamba_2_8b": {"features": 2560, "depth": 64},
    },
    parameters={
        "mamba_130m": 129_135_360, "mamba_370m": 371_516_416, "mamba_790m": 793_204_224, "mamba_1_4b": 1_372_178_432,
        "mamba_2_8b": 2_768_345_600,
    },
    source="the authors' published weights",
    aliases={"mamba": "mamba_130m"},
)  # fmt: skip
def mamba(
    *,
    vocabulary: Any = 50_280,
    length: Any = 2048,
    features: Any = 768,
    depth: Any = 24,
    state: Any = 16,
    kernel: Any = 4,
    expansion: Any = 2,
    rank: Any = None,
) -> Stages:
    """Selective state spaces in place of attention; one table for the embedding and for the output.

    Parameters
    ----------
    vocabulary : Dim
    length : Dim
        Tokens that come in.
    features : Dim
        Width of the sequence.
    depth : Dim
        Blocks.
    state : Dim
        Numbers remembered for each inner feature.
    kernel : Dim
        Of the causal convolution.
    expansion : Dim
        Inner features for each feature.
    rank : Dim, optional
        Width through which the steps are computed; ``features / 16`` rounded up, if left out.

    Returns
    -------
    dict of str to Network
    """
    inner = expansion * features
    low = ceiling(sympify(features) / 16) if rank is None else rank
    return {
        "input": Input(length),
        "embedding": Embedding(vocabulary, features).shared("tokens"),
        "blocks": mamba_block(features, inner, kernel, state, low) ** depth,
        "head": RMSNorm() >> Linear(vocabulary, bias=False).shared("tokens"),
    }


@family(
    paper='Zaremba, Sutskever, Vinyals, "Recurrent Neural Network Regularization", arXiv 1409.2329 (2014)',
    published={"lstm_small": {"features": 200}, "lstm_medium": {}, "lstm_large": {"features": 1500}},
    aliases={"lstm": "lstm_medium"},
)
def lstm(
    *, vocabulary: Any = 10_000, length: Any = 35, features: Any = 650, depth: Any = 2, tied: bool = False
) -> Stages:
    """A language model of long short-term memories, as wide inside as its embedding.

    Parameters
    ----------
    vocabulary : Dim
    length : Dim
        Tokens that come in.
    features : Dim
        Of the embedding and of every layer.
    depth : Dim
        Layers.
    tied : bool
        One table for the embedding and for the output.

    Returns
    -------
    dict of str to Network

    Notes
    -----
    Each gate has two biases, as in common programs; the paper has one.
    """
    embedding: Network = Embedding(vocabulary, features)
    output: Network = Linear(vocabulary)
    if tied:
        embedding, output = embedding.shared("tokens"), Linear(vocabulary, bias=False).shared("tokens")
    return {
        "input": Input(length),
        "embedding": embedding >> Dropout(),
        "layers": (LSTM(features) >> Dropout()) ** depth,
        "head": output,
    }


def _gate(residual: Any, kernel: Any, dilation: Any) -> Network:
    """A dilated causal convolution through tanh, times another through a sigmoid."""
    convolution = Conv(residual, kernel, padding="causal", dilation=dilation)
    return (convolution >> Tanh()) * (convolution >> Sigmoid())


@family(
    paper='van den Oord et al., "WaveNet: A Generative Model for Raw Audio", arXiv 1609.03499 (2016)',
    published={"wavenet": {}},
)
def wavenet(
    *,
    length: Any = 16_000,
    levels: Any = 256,
    residual: Any = 64,
    skip: Any = 256,
    kernel: Any = 2,
    cycle: Any = 10,
    stacks: Any = 3,
) -> Stages:
    """Gated causal convolutions whose dilation doubles from layer to layer and starts again with each stack.

    Parameters
    ----------
    length : Dim
        Samples that come in.
    levels : Dim
        Values that a sample can take.
    residual, skip : Dim
        Channels of the layers, and of what every layer hands to the head.
    kernel : Dim
        Of the convolutions.
    cycle : Dim
        Layers of a stack, with dilations 1, 2, 4 and so on.
    stacks : Dim

    Returns
    -------
    dict of str to Network

    Notes
    -----
    The paper does not publish the widths; these are common ones. What the layers hand to the head is carried along as
    `skip` more channels. The receptive field is ``stacks * (kernel - 1) * (2**cycle - 1) + kernel``.
    """
    number = Symbol("number", integer=True, nonnegative=True)
    own, handed, gated = (
        ChannelSlice(0, residual),
        ChannelSlice(residual, skip),
        ChannelSlice(residual + skip, residual),
    )
    layer = Series(
        Identity() | (own >> _gate(residual, kernel, 2**number)),
        (own + (gated >> Conv(residual, 1))) | (handed + (gated >> Conv(skip, 1))),
    )
    return {
        "input": Input(length),
        "embedding": Series(Embedding(levels, residual), Permute((1, 0)), Conv(residual, kernel, padding="causal")),
        "layers": ChannelPad(0, skip) >> Repeat(Repeat(layer, cycle, number), stacks),
        "head": Series(handed, ReLU(), Conv(skip, 1), ReLU(), Conv(levels, 1)),
    }
