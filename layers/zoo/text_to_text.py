"""T5: an encoder and a decoder with relative positions."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Add, Concat, Graph, Input, Network, Series
from ..activation import Identity, ReLU
from ..attention import CrossAttention
from ..embedding import Embedding
from ..linear import Linear
from ..normalization import RMSNorm
from ..position import RelativeAttention
from ..slicing import PositionSlice
from .blocks import several
from .families import Stages, family


def _perceptron(hidden: Any, features: Any) -> Network:
    return Identity() + Series(RMSNorm(), Linear(hidden, bias=False), ReLU(), Linear(features, bias=False))


def encoder_block(features: Any, hidden: Any, attention: Network) -> Network:
    """Attention and a perceptron, each normalised before and added to what came in."""
    return (Identity() + (RMSNorm() >> attention)) >> _perceptron(hidden, features)


def decoder_block(features: Any, hidden: Any, attention: Network, cross: Network, target: Any, source: Any) -> Network:
    """As in the encoder, with attention to the encoder's output, which is carried along behind the target."""
    return Graph(
        {
            "target": Series(PositionSlice(0, target), Identity() + (RMSNorm() >> attention)),
            "source": PositionSlice(target, source), "norm": RMSNorm(), "cross": cross, "sum": Add(),
            "perceptron": _perceptron(hidden, features), "both": Concat(axis=0),
        },
        [
            ("target", "norm"), ("norm", "cross"), ("source", "cross"), ("target", "sum"), ("cross", "sum"),
            ("sum", "perceptron"),
            ("perceptron", "both"), ("source", "both"),
        ],
    )  # fmt: skip


@family(
    paper='Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR '
    '21 (2020)',
    published={
        "t5_small": {},
        "t5_base": {"features": 768, "depth": 12, "heads": 12, "hidden": 3072},
        "t5_large": {"features": 1024, "depth": 24, "heads": 16, "hidden": 4096},
        "t5_3b": {"features": 1024, "depth": 24, "heads": 32, "head_features": 128, "hidden": 16_384},
        "t5_11b": {"features": 1024, "depth": 24, "heads": 128, "head_features": 128, "hidden": 65_536},
    },
    parameters={
        "t5_small": 60_506_624, "t5_base": 222_903_552, "t5_large": 737_668_096, "t5_3b": 2_851_598_336,
        "t5_11b": 11_307_321_344,
    },
    source="the authors' published weights",
)  # fmt: skip
def t5(
    *,
    vocabulary: Any = 32_128,
    length: Any = 512,
    target_length: Any = 512,
    features: Any = 512,
    depth: Any = 6,
    heads: Any = 8,
    head_features: Any = 64,
    hidden: Any = 2048,
    buckets: Any = 32,
) -> Stages:
    """An encoder and a decoder, each with one table of numbers for relative positions.

    Parameters
    ----------
    vocabulary : Dim
    length, target_length : Dim
        Tokens that come into the encoder and into the decoder.
    features : Dim
        Width of both sequences.
    depth : Dim
        Blocks of the encoder, and as many of the decoder.
    heads, head_features : Dim
    hidden : Dim
        Units inside a block's perceptron.
    buckets : Dim
        Of relative positions.

    Returns
    -------
    dict of str to Network
        The first one has two inputs, the source's and the target's tokens.
    """
    table = Embedding(vocabulary, features).shared("tokens")

    def attend(causal: bool, learned: bool) -> Network:
        return RelativeAttention(heads, head_features, buckets, causal, learned)

    encoder = several(
        encoder_block(features, hidden, attend(False, True)),
        encoder_block(features, hidden, attend(False, False)),
        depth,
    )
    cross = CrossAttention(heads, head_features, bias=False)
    first, rest = (
        decoder_block(features, hidden, attend(True, learned), cross, target_length, length)
        for learned in (True, False)
    )
    both = Graph(
        {
            "target_tokens": Input(target_length), "source_tokens": Input(length), "target": table,
            "encoder": Series(table, encoder, RMSNorm()), "both": Concat(axis=0),
        },
        [("target_tokens", "target"), ("source_tokens", "encoder"), ("target", "both"), ("encoder", "both")],
    )  # fmt: skip
    return {
        "encoder": both,
        "decoder": several(first, rest, depth),
        "head": Series(PositionSlice(0, target_length), RMSNorm(), Linear(vocabulary, bias=False).shared("tokens")),
    }
