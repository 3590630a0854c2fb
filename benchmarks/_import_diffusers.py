"""diffusers: U-Nets, autoencoders and transformers of diffusion models, with small configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from _import_case import Case
from _import_vision_library import torchvision

torchvision()
import diffusers  # noqa: E402

SMALL = {"block_out_channels": (32, 64), "norm_num_groups": 32, "layers_per_block": 1}
ENCODED = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2, **SMALL}
NOISY, STEP, TEXT = (4, 16, 16), (), (7, 32)

MODELS: dict[str, tuple[str, Mapping[str, Any], Mapping[str, tuple[int, ...]]]] = {
    "UNet2DModel": ("UNet2DModel", {"in_channels": 4, "out_channels": 4, "sample_size": 16, "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"), **SMALL}, {"sample": NOISY, "timestep": STEP}),
    "UNet2DConditionModel": ("UNet2DConditionModel", {"sample_size": 16, "cross_attention_dim": 32, "attention_head_dim": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), **SMALL},
        {"sample": NOISY, "timestep": STEP, "encoder_hidden_states": TEXT}),
    "UNet2DConditionModel, default": ("UNet2DConditionModel", {"cross_attention_dim": 768}, {"sample": (4, 64, 64), "timestep": STEP, "encoder_hidden_states": (77, 768)}),
    "UNet3DConditionModel": ("UNet3DConditionModel", {"cross_attention_dim": 32, "attention_head_dim": 8, "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
        "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"), **SMALL}, {"sample": (4, 4, 16, 16), "timestep": STEP, "encoder_hidden_states": TEXT}),
    "ControlNetModel": ("ControlNetModel", {"cross_attention_dim": 32, "attention_head_dim": 8, "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "conditioning_embedding_out_channels": (16, 32), **SMALL},
        {"sample": NOISY, "timestep": STEP, "encoder_hidden_states": TEXT, "controlnet_cond": (3, 32, 32)}),
    "UVit2DModel": ("UVit2DModel", {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "cond_embed_dim": 32, "block_out_channels": 32,
        "encoder_hidden_size": 32, "micro_cond_encode_dim": 8, "micro_cond_embed_dim": 40},
        {"input_ids": (16, 16), "encoder_hidden_states": TEXT, "pooled_text_emb": (32,), "micro_conds": (5,)}),
    "AutoencoderKL": ("AutoencoderKL", ENCODED, {"sample": (3, 32, 32)}), "AutoencoderKL, default": ("AutoencoderKL", {}, {"sample": (3, 32, 32)}),
    "AsymmetricAutoencoderKL": ("AsymmetricAutoencoderKL", {"down_block_types": ("DownEncoderBlock2D",) * 2, "down_block_out_channels": (32, 64),
        "up_block_types": ("UpDecoderBlock2D",) * 2, "up_block_out_channels": (32, 64), "layers_per_down_block": 1, "layers_per_up_block": 1}, {"sample": (3, 32, 32)}),
    "AutoencoderTiny": ("AutoencoderTiny", {}, {"sample": (3, 32, 32)}), "VQModel": ("VQModel", ENCODED, {"sample": (3, 32, 32)}),
    "AutoencoderDC": ("AutoencoderDC", {"encoder_block_out_channels": (32, 64), "decoder_block_out_channels": (32, 64), "encoder_layers_per_block": (1, 1),
        "decoder_layers_per_block": (1, 1), "encoder_block_types": "ResBlock", "decoder_block_types": "ResBlock", "encoder_qkv_multiscales": ((), (5,)), "decoder_qkv_multiscales": ((), (5,)),
        "decoder_norm_types": "rms_norm", "decoder_act_fns": "silu", "latent_channels": 4}, {"sample": (3, 32, 32)}),
    "Transformer2DModel": ("Transformer2DModel", {"num_attention_heads": 4, "attention_head_dim": 8, "in_channels": 32, "num_layers": 2, "cross_attention_dim": 32},
        {"hidden_states": (32, 16, 16), "encoder_hidden_states": TEXT}),
    "DiTTransformer2DModel": ("DiTTransformer2DModel", {"num_attention_heads": 4, "attention_head_dim": 8, "in_channels": 4, "num_layers": 2, "sample_size": 16},
        {"hidden_states": NOISY, "timestep": STEP, "class_labels": STEP}),
    "PixArtTransformer2DModel": ("PixArtTransformer2DModel", {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 2, "sample_size": 16, "cross_attention_dim": 32,
        "caption_channels": 32, "use_additional_conditions": False}, {"hidden_states": NOISY, "encoder_hidden_states": TEXT, "timestep": STEP}),
    "SD3Transformer2DModel": ("SD3Transformer2DModel", {"sample_size": 16, "in_channels": 4, "out_channels": 4, "num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 4,
        "joint_attention_dim": 32, "caption_projection_dim": 32, "pooled_projection_dim": 64},
        {"hidden_states": NOISY, "encoder_hidden_states": TEXT, "pooled_projections": (64,), "timestep": STEP}),
    "SanaTransformer2DModel": ("SanaTransformer2DModel", {"sample_size": 16, "in_channels": 4, "out_channels": 4, "num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 4,
        "num_cross_attention_heads": 4, "cross_attention_head_dim": 8, "cross_attention_dim": 32, "caption_channels": 32},
        {"hidden_states": NOISY, "encoder_hidden_states": TEXT, "timestep": STEP}),
    "AuraFlowTransformer2DModel": ("AuraFlowTransformer2DModel", {"sample_size": 16, "in_channels": 4, "num_mmdit_layers": 1, "num_single_dit_layers": 1, "attention_head_dim": 8,
        "num_attention_heads": 4, "joint_attention_dim": 32, "caption_projection_dim": 32, "out_channels": 4, "pos_embed_max_size": 64},
        {"hidden_states": NOISY, "encoder_hidden_states": TEXT, "timestep": STEP}),
    "CogVideoXTransformer3DModel": ("CogVideoXTransformer3DModel", {"num_attention_heads": 4, "attention_head_dim": 16, "in_channels": 4, "out_channels": 4, "num_layers": 2,
        "sample_width": 16, "sample_height": 16, "sample_frames": 9, "text_embed_dim": 32, "max_text_seq_length": 7, "time_embed_dim": 2},
        {"hidden_states": (3, 4, 16, 16), "encoder_hidden_states": TEXT, "timestep": STEP}),
    "LatteTransformer3DModel": ("LatteTransformer3DModel", {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 2, "sample_size": 16, "caption_channels": 32,
        "cross_attention_dim": 32, "in_channels": 4, "out_channels": 8, "patch_size": 2, "norm_elementwise_affine": False, "norm_type": "ada_norm_single"},
        {"hidden_states": (4, 1, 16, 16), "encoder_hidden_states": TEXT, "timestep": STEP}),
    "MochiTransformer3DModel": ("MochiTransformer3DModel", {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 2, "in_channels": 4, "text_embed_dim": 32,
        "pooled_projection_dim": 32, "time_embed_dim": 16, "max_sequence_length": 16},
        {"hidden_states": (4, 2, 16, 16), "encoder_hidden_states": TEXT, "timestep": STEP, "encoder_attention_mask": (7,)}),
    "WanTransformer3DModel": ("WanTransformer3DModel", {"num_attention_heads": 4, "attention_head_dim": 12, "in_channels": 4, "out_channels": 4, "text_dim": 32, "freq_dim": 32,
        "ffn_dim": 48, "num_layers": 2, "rope_max_seq_len": 32}, {"hidden_states": (4, 2, 16, 16), "timestep": STEP, "encoder_hidden_states": TEXT}),
    "StableAudioDiTModel": ("StableAudioDiTModel", {"sample_size": 16, "in_channels": 4, "num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 4, "num_key_value_attention_heads": 2,
        "out_channels": 4, "cross_attention_dim": 32, "time_proj_dim": 32, "global_states_input_dim": 32, "cross_attention_input_dim": 32},
        {"hidden_states": (4, 16), "timestep": STEP, "encoder_hidden_states": TEXT, "global_hidden_states": (1, 32)}),
    "PriorTransformer": ("PriorTransformer", {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 2, "embedding_dim": 32, "num_embeddings": 7, "additional_embeddings": 4},
        {"hidden_states": (32,), "timestep": STEP, "proj_embedding": (32,), "encoder_hidden_states": TEXT}),
    "FluxTransformer2DModel": ("FluxTransformer2DModel", {"in_channels": 4, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2,
        "joint_attention_dim": 32, "pooled_projection_dim": 32, "axes_dims_rope": (4, 4, 8)},
        {"hidden_states": (16, 4), "encoder_hidden_states": TEXT, "pooled_projections": (32,), "timestep": STEP, "img_ids": (16, 3), "txt_ids": (7, 3)}),
}  # fmt: skip
TABLES = ("img_ids", "txt_ids")
"""Arguments without a batch axis."""
WHOLE = ("class_labels", "input_ids")
"""Arguments that hold integers."""


class Named(torch.nn.Module):
    """A model called by the names of its arguments; numbers that stand for classes are rounded before."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> Any:
        given = dict(zip(self.names, inputs))
        for name in self.names:
            if name in WHOLE:
                given[name] = given[name].long()
            if name in TABLES:
                given[name] = given[name][0]
        return self.model(**given)


def cases() -> Iterator[Case]:
    """Every model with its inputs; height and width (length, for sound) stay open where there are some."""
    for label, (kind, configuration, inputs) in MODELS.items():
        names, shapes = tuple(inputs), tuple(inputs.values())

        def make(kind: str = kind, configuration: Any = configuration, names: tuple[str, ...] = names) -> Any:
            return Named(getattr(diffusers, kind)(**configuration), names)

        rank = len(shapes[0])
        image = rank >= 3 and shapes[0][-1] == shapes[0][-2]
        axes = {rank - 2: "H", rank - 1: "W"} if image else None
        side = shapes[0][-1]
        unseen = ({"H": 2 * side, "W": side}, {"H": side + 8, "W": side + 16}, {"H": 3 * side, "W": 2 * side})
        if label == "ControlNetModel":
            axes = None
        yield Case("diffusers", label, make, shapes, False, axes, unseen if axes else ())
