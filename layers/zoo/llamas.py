"""Language models with rotary positions, root-mean-square norms and gated perceptrons: LLaMA, Mistral and Mixtral."""

from __future__ import annotations

from typing import Any

from ...algebra.networks.network import Input, Network
from ..activation import Identity, SiLU
from ..embedding import Embedding
from ..linear import Linear
from ..mixture import MixtureOfExperts
from ..normalization import RMSNorm
from ..position import RotaryAttention
from .families import Stages, family

_TWO = {"context": 4096}
_THREE = {"vocabulary": 128_256, "context": 8192, "key_value_heads": 8, "rotary_base": 500_000}
_LONG = {**_THREE, "context": 131_072}


def gated_perceptron(hidden: Any, features: Any) -> Network:
    """One affine map times the SiLU of another, then narrow."""
    return ((Linear(hidden, bias=False) >> SiLU()) * Linear(hidden, bias=False)) >> Linear(features, bias=False)


@family(
    paper='Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", arXiv 2302.13971 (2023); '
    'Touvron et al., "Llama 2", arXiv 2307.09288 (2023); Llama Team, "The Llama 3 Herd of Models", arXiv 2407.21783 '
    '(2024); '
    'Jiang et al., "Mistral 7B", arXiv 2310.06825 (2023); Jiang et al., "Mixtral of Experts", arXiv 2401.04088 (2024)',
    published={
        "llama_7b": {},
        "llama_13b": {"features": 5120, "depth": 40, "heads": 40, "hidden": 13_824},
        "llama_30b": {"features": 6656, "depth": 60, "heads": 52, "hidden": 17_920},
        "llama_65b": {"features": 8192, "depth": 80, "heads": 64, "hidden": 22_016},
        "llama2_7b": _TWO,
        "llama2_13b": {**_TWO, "features": 5120, "depth": 40, "heads": 40, "hidden": 13_824},
        "llama2_70b": {**_TWO, "features": 8192, "depth": 80, "heads": 64, "key_value_heads": 8, "hidden": 28_672},
        "llama3_8b": {**_THREE, "hidden": 14_336},
        "llama3_70b": {**_THREE, "features": 8192, "depth": 80, "heads": 64, "hidden": 28_672},
        "llama3_1_8b": {**_LONG, "hidden": 14_336},
        "llama3_1_70b": {**_LONG, "features": 8192, "depth": 80, "heads": 64, "hidden": 28_672},
        "llama3_1_405b": {**_LONG, "features": 16_384, "depth": 126, "heads": 128, "hidden": 53_248},
        "llama3_2_1b": {**_LONG, "features": 2048, "depth": 16, "hidden": 8192, "tied": True},
        "llama3_2_3b": {**_LONG, "features": 3072, "depth": 28, "heads": 24, "hidden": 8192, "tied": True},
        "mistral_7b": {"context": 8192, "reach": 4096, "key_value_heads": 8, "hidden": 14_336},
        "mixtral_8x7b": {
            "context": 32_768, "key_value_heads": 8, "hidden": 14_336, "experts": 8, "active": 2, "rotary_base": 10**6,
        },
        "mixtral_8x22b": {
            "context": 65_536, "features": 6144, "depth": 56, "heads": 48, "key_value_heads": 8, "hidden": 16_384,
            "experts": 8, "active": 2,
            "rotary_base": 10**6,
        },
    },
    parameters={
        "llama_7b": 6_738_415_616, "llama_13b": 13_015_864_320, "llama_30b": 32_528_943_616,
        "llama_65b": 65_285_660_672,
        "llama2_7b": 6_738_415_616, "llama2_13b": 13_015_864_320, "llama2_70b": 68_976_648_192,
        "llama3_8b": 8_030_261_248, "llama3_70b": 70_553_706_496, "llama3_1_8b": 8_030_261_248,
        "llama3_1_70b": 70_553_706_496,
        "llama3_1_405b": 405_853_388_800, "llama3_2_1b": 1_235_814_400, "llama3_2_3b": 3_212_749_824,
        "mistral_7b": 7_241_732_096, "mixtral_8x7b": 46_702_792_704, "mixtral_8x22b": 140_620_634_112,
    },
    source="the authors' published weights",
    aliases={"llama1_7b": "llama_7b", "mistral": "mistral_7b", "mixtral": "mixtral_8x7b"},
)  # fmt: skip
def llama(
    *,
    vocabulary: Any = 32_000,
    context: Any = 2048,
    length: Any = None,
    features: Any = 4096,
    depth: Any = 32,
    heads: Any = 32,
    key_value_heads: Any = None,
    head_features: Any = None,
    hidden: Any = 11_008,
    reach: Any = None,
    experts: Any = None,
    active: Any = None,
    rotary_base: Any = 10_000,
    tied: bool = False,
) -> Stages:
    """A causal transformer with rotary positions and gated perceptrons, or a mixture of these, without biases.

    Parameters
    ----------
    vocabulary : Dim
    context : Dim
        Tokens that come in, unless `length` says otherwise; rotary positions need no table.
    length : Dim, optional
    features : Dim
        Width of the sequence.
    depth : Dim
        Blocks.
    heads : Dim
    key_value_heads : Dim, optional
        Heads of keys and values; as many as of queries, if left out.
    head_features : Dim, optional
        Width of a head; ``features / heads``, if left out.
    hidden : Dim
        Units inside a perceptron.
    reach : Dim, optional
        To how many tokens each token attends; to all before it, if left out.
    experts, active : Dim, optional
        A mixture of so many perceptrons, of which so many are used for each token.
    rotary_base : Number
        Of the angles by which positions turn queries and keys.
    tied : bool
        One table for the embedding and for the output.

    Returns
    -------
    dict of str to Network
    """
    attention = RotaryAttention(heads, key_value_heads, head_features, reach, base=rotary_base)
    perceptron = (
        gated_perceptron(hidden, features)
        if experts is None
        else MixtureOfExperts(experts, 2 if active is None else active, hidden)
    )
    block = (Identity() + (RMSNorm() >> attention)) >> (Identity() + (RMSNorm() >> perceptron))
    embedding, output = Embedding(vocabulary, features), Linear(vocabulary, bias=False)
    return {
        "input": Input(context if length is None else length),
        "embedding": embedding.shared("tokens") if tied else embedding,
        "blocks": block**depth,
        "head": RMSNorm() >> (output.shared("tokens") if tied else output),
    }
