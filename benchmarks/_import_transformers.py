"""Architectures of Hugging Face's transformers, two layers deep, as they are: all outputs, caches included."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import torch
from _import_case import Case
from _import_oracle import tensors
from _import_vision_library import torchvision

torchvision()
import transformers  # noqa: E402
import transformers.modeling_utils  # noqa: E402
from transformers.models.auto import configuration_auto, modeling_auto  # noqa: E402

transformers.logging.set_verbosity_error()


def _caches() -> None:
    """`torch.export` is told what a cache holds: all its tensors, of attention and of state-space layers alike."""
    from torch.utils import _pytree as trees
    from transformers.cache_utils import DynamicCache, EncoderDecoderCache

    for kind in (DynamicCache, EncoderDecoderCache):
        trees.register_pytree_node(
            kind,
            lambda cache: (list(tensors(cache)), None),
            lambda values, _: list(values),
            serialized_type_name=f"transformers.cache_utils.{kind.__name__}",
            flatten_with_keys_fn=lambda cache: (
                [(trees.SequenceKey(place), value) for place, value in enumerate(tensors(cache))],
                None,
            ),
        )


_caches()

DECODERS = """gpt2 llama mistral qwen2 qwen3 gemma gemma2 gemma3_text phi phi3 gpt_neox gpt_neo gptj opt bloom falcon mpt stablelm olmo olmo2 olmo3
cohere cohere2 starcoder2 granite nemotron persimmon codegen gpt_bigcode biogpt xglm ctrl openai-gpt smollm3 glm glm4 helium exaone4 ernie4_5 arcee
apertus seed_oss hunyuan_v1_dense bitnet diffllama doge lfm2 gpt_neox_japanese minicpm3 internlm3 jais2 nanochat vaultgemma ministral modernbert-decoder
mixtral qwen2_moe qwen3_moe deepseek_v2 deepseek_v3 gpt_oss olmoe granitemoe phimoe jetmoe dbrx ernie4_5_moe glm4_moe dots1 flex_olmo minimax
hunyuan_v1_moe mamba mamba2 falcon_mamba jamba bamba zamba zamba2 recurrent_gemma rwkv xlstm granitemoehybrid falcon_h1 nemotron_h qwen3_next
gemma3n_text cpmant bert-generation xlnet imagegpt trocr""".split()
ENCODERS = """bert roberta albert distilbert electra deberta deberta-v2 mpnet camembert xlm-roberta xlm-roberta-xl convbert squeezebert mobilebert
modernbert nomic_bert eurobert rembert ernie roformer fnet nystromformer funnel longformer big_bird ibert layoutlm lilt megatron-bert mra yoso splinter
roc_bert data2vec-text roberta-prelayernorm xmod flaubert xlm canine esm luke tapas markuplm bros clip_text_model perceiver reformer gte""".split()
BOTH = """t5 mt5 umt5 longt5 switch_transformers bart mbart pegasus pegasus_x bigbird_pegasus marian m2m_100 blenderbot blenderbot-small led plbart
fsmt prophetnet t5gemma nllb-moe mvp""".split()
PIXELS = """vit deit beit data2vec-vision swin swinv2 convnext convnextv2 resnet regnet mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 levit cvt pvt
pvt_v2 poolformer segformer dinov2 dinov2_with_registers dinov3_vit dinov3_convnext efficientnet focalnet bit hiera swiftformer textnet vit_msn
vit_mae ijepa hgnet_v2 clip_vision_model siglip_vision_model mlcd_vision_model aimv2_vision_model donut-swin maskformer-swin glpn dpt yolos detr
conditional_detr table-transformer deformable_detr rt_detr rt_detr_v2 d_fine dab-detr swin2sr vitdet sam_vision_model sam2_vision_model
depth_pro dinat pixio mask2former maskformer""".split()
AUDIO = """wav2vec2 hubert wavlm unispeech unispeech-sat sew sew-d data2vec-audio wav2vec2-conformer encodec mimi dac""".split()
TWO_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers", "num_decoder_layers",
    "num_encoder_layers", "num_block_layers")  # fmt: skip
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
GIVEN: dict[str, dict[str, Any]] = {"nemotron": {"num_key_value_heads": 8}, "hunyuan_v1_dense": {"head_dim": 128},
    "ministral": {"head_dim": 128}, "hunyuan_v1_moe": {"head_dim": 128}, "dots1": {"n_routed_experts": 8, "n_shared_experts": 1},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1}, "bamba": {"attn_layer_indices": [1]},
    "deepseek_v2": {"topk_method": "greedy", "moe_intermediate_size": 1408, "num_experts_per_tok": 2}, "esm": {"vocab_size": 33, "mask_token_id": 32, "pad_token_id": 1}, "xmod": {"default_language": "en_XX"}}  # fmt: skip
"""What a configuration does not work without."""
WITH_MASKS = {
    "longt5": ("attention_mask", "decoder_attention_mask"),
    "switch_transformers": ("attention_mask", "decoder_attention_mask"),
}
"""Models that are traced with their masks as inputs only."""
IMAGES = {"depth_pro": 1536}
"""Sides of images where the configuration does not say them."""
DECODE = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
MASKED = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
SEQUENCES = modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES


class Named(torch.nn.Module):
    """A model whose inputs are not its first arguments; nothing else is changed."""

    def __init__(self, model: torch.nn.Module, names: Sequence[str]):
        super().__init__()
        self.model, self.names = model, tuple(names)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.model(**dict(zip(self.names, inputs)))


def _small(kind: str) -> Any:
    """A configuration with two layers; other sizes stay, since tensors take no memory."""
    config_class = configuration_auto.CONFIG_MAPPING[kind]
    default = config_class(**GIVEN.get(kind, {}))
    given: dict[str, Any] = dict(GIVEN.get(kind, {}))
    for name in TWO_LAYERS:
        if isinstance(getattr(default, name, None), int) and name not in getattr(default, "attribute_map", {}):
            given[name] = 2
    for name in EXPERTS:
        if isinstance(getattr(default, name, None), int) and getattr(default, name) > 8:
            given[name] = 8
    for attempt in (given, {name: size for name, size in given.items() if name not in EXPERTS}, GIVEN.get(kind, {})):
        try:
            config = config_class(**attempt)
        except Exception:  # a configuration that does not fit together
            continue
        if attempt is given or attempt:
            return config
    return default


def _name(found: Any) -> str:
    return found[0] if isinstance(found, (list, tuple)) else found


def _make(kind: str, table: Any, names: Sequence[str]) -> Any:
    """The model, smaller where it can be built so."""
    model_class = getattr(transformers, _name(table.get(kind) or modeling_auto.MODEL_MAPPING_NAMES[kind]))
    try:
        model = model_class(_small(kind))
    except Exception:
        model = model_class(configuration_auto.CONFIG_MAPPING[kind](**GIVEN.get(kind, {})))
    first = [name for name in inspect.signature(model.forward).parameters][: len(names)]
    return model if first == list(names) else Named(model, names)


def _image(kind: str) -> tuple[int, ...]:
    config = configuration_auto.CONFIG_MAPPING[kind]()
    size = IMAGES.get(kind) or getattr(config, "image_size", None) or 224
    height, width = (size, size) if isinstance(size, int) else tuple(size)
    return getattr(config, "num_channels", None) or 3, int(height), int(width)


def _case(
    kind: str, table: Any, names: tuple[str, ...], shapes: Any, integers: bool, dynamic: Any, unseen: Any
) -> Case:
    return Case(
        "transformers", kind, lambda: _make(kind, table, names), shapes, integers, dynamic, unseen
    )  # fmt: skip


def cases() -> Iterator[Case]:
    """Decoders with their cache, encoders, both, pixels and sound, in turn."""
    rounds = zip_longest(_of_text(DECODERS, DECODE), _of_text(ENCODERS, MASKED), _of_both(), _of_pixels(), _of_sound())
    return (case for one in rounds for case in one if case is not None)


def _of_text(kinds: Sequence[str], table: Any) -> Iterator[Case]:
    for kind in kinds:
        length = {"funnel": 32, "longformer": 64, "big_bird": 64, "canine": 64}.get(kind, 16)
        if kind in table or kind in modeling_auto.MODEL_MAPPING_NAMES:
            yield _case(kind, table, ("input_ids",), ((length,),), True, {0: "N"}, ({"N": 7}, {"N": 24}, {"N": 33}))


def _of_both() -> Iterator[Case]:
    for kind in BOTH:
        if kind in SEQUENCES or kind in modeling_auto.MODEL_MAPPING_NAMES:
            both = ({"N": 7, "M": 5}, {"N": 24, "M": 30}, {"N": 33, "M": 9})
            names = ["input_ids", "decoder_input_ids", *WITH_MASKS.get(kind, ())]
            axes = {(place, 0): "M" if name.startswith("decoder") else "N" for place, name in enumerate(names)}
            shapes = tuple((12,) if name.startswith("decoder") else (16,) for name in names)
            yield _case(kind, SEQUENCES, tuple(names), shapes, True, axes, both)


def _of_pixels() -> Iterator[Case]:
    for kind in PIXELS:
        if kind in modeling_auto.MODEL_MAPPING_NAMES:
            _, height, width = shape = _image(kind)
            sizes = (
                {"H": height + 32, "W": width - 32}, {"H": height - 64, "W": width + 96},
                {"H": height + 64, "W": width + 64},
            )  # fmt: skip
            yield _case(kind, {}, ("pixel_values",), (shape,), False, {1: "H", 2: "W"}, sizes)


def _of_sound() -> Iterator[Case]:
    for kind in AUDIO:
        if kind in modeling_auto.MODEL_MAPPING_NAMES:
            shape = (1, 4800) if kind in ("encodec", "mimi", "dac") else (4800,)
            steps = ({"T": 4000}, {"T": 6400}, {"T": 9612})
            yield _case(kind, {}, ("input_values",), (shape,), False, {len(shape) - 1: "T"}, steps)
