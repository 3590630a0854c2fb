"""Language models on a stack of attention and perceptrons: GPT-2 and BERT."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Add, Graph, Input, Network, Series
from ..activation import GELU, Identity, Tanh
from ..attention import MultiHeadAttention
from ..embedding import Embedding, PositionalEmbedding
from ..linear import Linear
from ..normalization import LayerNorm
from ..reshape import Select
from .families import Stages, family


def decoder_block(features: Any, heads: Any, hidden: Any) -> Network:
    """Causal attention and a perceptron, each normalised before and added to what came in."""
    perceptron = Linear(hidden) >> GELU(approximate=True) >> Linear(features)
    return (Identity() + (LayerNorm() >> MultiHeadAttention(heads, causal=True))) >> (
        Identity() + (LayerNorm() >> perceptron)
    )


@family(
    paper='Radford, Wu, Child, Luan, Amodei, Sutskever, "Language Models are Unsupervised Multitask Learners", OpenAI '
    "(2019)",
    published={
        "gpt2": {},
        "gpt2_medium": {"features": 1024, "depth": 24, "heads": 16},
        "gpt2_large": {"features": 1280, "depth": 36, "heads": 20},
        "gpt2_xl": {"features": 1600, "depth": 48, "heads": 25},
    },
    parameters={"gpt2": 124_439_808, "gpt2_medium": 354_823_168, "gpt2_large": 774_030_080, "gpt2_xl": 1_557_611_200},
    source="the authors' published weights",
    aliases={"gpt2_small": "gpt2"},
)
def gpt(
    *,
    vocabulary: Any = 50257,
    context: Any = 1024,
    length: Any = None,
    features: Any = 768,
    depth: Any = 12,
    heads: Any = 12,
    hidden: Any = None,
) -> Stages:
    """A causal transformer with learned positions and one table for the embedding and for the output.

    Parameters
    ----------
    vocabulary : Dim
    context : Dim
        Positions that the table of positions has.
    length : Dim, optional
        Tokens that come in; `context`, if left out.
    features : Dim
        Width of the sequence.
    depth : Dim
        Blocks.
    heads : Dim
    hidden : Dim, optional
        Units inside a block's perceptron; ``4 * features``, if left out.

    Returns
    -------
    dict of str to Network
    """
    return {
        "input": Input(context if length is None else length),
        "embedding": Embedding(vocabulary, features).shared("tokens") >> PositionalEmbedding(context),
        "blocks": decoder_block(features, heads, 4 * features if hidden is None else hidden) ** depth,
        "head": LayerNorm() >> Linear(vocabulary, bias=False).shared("tokens"),
    }


#: Two of the positions are never used.
_ROBERTA = {"vocabulary": 50_265, "context": 514, "length": 512, "segments": 1}


@family(
    paper='Devlin, Chang, Lee, Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language '
    'Understanding", NAACL 2019; '
    'Liu et al., "RoBERTa: A Robustly Optimized BERT Pretraining Approach", arXiv 1907.11692 (2019)',
    published={
        "bert_base": {},
        "bert_large": {"features": 1024, "depth": 24, "heads": 16},
        "roberta_base": _ROBERTA,
        "roberta_large": {**_ROBERTA, "features": 1024, "depth": 24, "heads": 16},
    },
    parameters={
        "bert_base": 109_482_240,
        "bert_large": 335_141_888,
        "roberta_base": 124_645_632,
        "roberta_large": 355_359_744,
    },
    aliases={"bert": "bert_base", "roberta": "roberta_base"},
    source="the authors' published weights (BERT's uncased), with the pooler and without the heads of pre-training",
)
def bert(
    *,
    vocabulary: Any = 30522,
    context: Any = 512,
    length: Any = None,
    segments: Any = 2,
    features: Any = 768,
    depth: Any = 12,
    heads: Any = 12,
    hidden: Any = None,
) -> Stages:
    """A transformer encoder of tokens and the segments that they belong to, normalised behind, read at the first token.

    Parameters
    ----------
    vocabulary : Dim
    context : Dim
        Positions that the table of positions has.
    length : Dim, optional
        Tokens that come in; `context`, if left out.
    segments : Dim
    features : Dim
        Width of the sequence.
    depth : Dim
        Blocks.
    heads : Dim
    hidden : Dim, optional
        Units inside a block's perceptron; ``4 * features``, if left out.

    Returns
    -------
    dict of str to Network
        The first one has two inputs, tokens and segments.
    """
    time, wide = context if length is None else length, 4 * features if hidden is None else hidden
    embedding = Graph(
        {
            "tokens": Input(time), "segments": Input(time), "words": Embedding(vocabulary, features),
            "parts": Embedding(segments, features),
            "sum": Add(), "positions": PositionalEmbedding(context), "norm": LayerNorm(epsilon=1e-12),
        },
        [
            ("tokens", "words"), ("segments", "parts"), ("words", "sum"), ("parts", "sum"), ("sum", "positions"),
            ("positions", "norm"),
        ],
    )  # fmt: skip
    perceptron = Linear(wide) >> GELU() >> Linear(features)
    block = Series(
        Identity() + MultiHeadAttention(heads),
        LayerNorm(epsilon=1e-12),
        Identity() + perceptron,
        LayerNorm(epsilon=1e-12),
    )
    return {"embedding": embedding, "blocks": block**depth, "pooler": Series(Select(0), Linear(features), Tanh())}
