"""The numbers that a torchvision model holds, in the order and the shapes of this project's equations."""

from __future__ import annotations

from typing import Any


def array(tensor: Any) -> Any:
    return tensor.detach().double().numpy()


def by_name(name: str, classes: int = 5, **options: Any) -> Any:
    """A model of the library with random numbers."""
    from oracles.torchvision_models import load

    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": False, "aux_logits": False}
    return load().models.get_model(name, num_classes=classes, **options)


def calibrated(model: Any, size: int) -> Any:
    """The model with normalisations that fit some random images, so that signals neither vanish nor explode."""
    import torch

    model = model.double()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
        for name, parameter in module.named_parameters(recurse=False):
            if name in ("layer_scale", "bias", "relative_position_bias_table", "class_token") or name.endswith(
                "proj_bias"
            ):
                torch.nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        model.train()(torch.randn(4, 3, size, size, dtype=torch.float64))
    return model.eval()


def held_by(net: Any, model: Any) -> dict[str, Any]:
    """The numbers of a model by the names in a network's equations; shapes agree, axes of size 1 apart."""
    import layeralgebra as la

    groups: dict[str, dict[str, Any]] = {}
    for name, numbers in la.weights(net).items():
        path, _, tensor = name.rpartition(".")
        groups.setdefault(path, {})[tensor] = numbers.shape
    theirs = holders(model)
    assert len(theirs) == len(groups), f"{len(theirs)} modules hold tensors there, {len(groups)} layers here"
    made: dict[str, Any] = {}
    for (path, shapes), module in zip(groups.items(), theirs):
        found = module if isinstance(module, dict) else tensors(module)
        assert set(shapes) == set(found), f"{path} holds {set(shapes)}, {type(module).__name__} {set(found)}"
        for tensor, shape in shapes.items():
            assert [n for n in shape if n > 1] == [n for n in found[tensor].shape if n > 1], (
                f"{path}.{tensor} of {type(module).__name__}"
            )
            made[f"{path}.{tensor}"] = found[tensor].reshape(shape)
    return made


def holders(module: Any) -> list[Any]:
    """The modules that hold tensors, in our networks' order: a shortcut before its branch, a scale behind."""
    import torch
    from torchvision.models.convnext import CNBlock
    from torchvision.models.maxvit import RelativePositionalMultiHeadAttention
    from torchvision.models.swin_transformer import (
        PatchMerging,
        PatchMergingV2,
        ShiftedWindowAttention,
        SwinTransformerBlockV2,
    )
    from torchvision.models.vision_transformer import VisionTransformer

    if isinstance(module, VisionTransformer):
        tables = [{"k": array(module.class_token).reshape(-1)}, {"P": array(module.encoder.pos_embedding[0])}]
        return [module.conv_proj, *tables, *holders(module.encoder), *holders(module.heads)]
    children = dict(module.named_children())
    if isinstance(module, (ShiftedWindowAttention, RelativePositionalMultiHeadAttention, torch.nn.MultiheadAttention)):
        return [module]
    if "downsample" in children:
        children = {"downsample": children.pop("downsample"), **children}
    if isinstance(module, SwinTransformerBlockV2):
        children = {key: children[key] for key in ("attn", "norm1", "mlp", "norm2")}
    found = [held for child in children.values() for held in holders(child)]
    if isinstance(module, (PatchMerging, PatchMergingV2)):
        order = (module.norm, module.reduction) if isinstance(module, PatchMerging) else (module.reduction, module.norm)
        found = [Merged(part, module.reduction.in_features) for part in order]
    if isinstance(module, CNBlock):
        return [*found, module]
    if children:
        return found
    return [module] if list(module.parameters(recurse=False)) else []


class Merged:
    """A layer behind the merging of 2 x 2 positions; channels vary faster than positions there, slower here."""

    def __init__(self, module: Any, features: int):
        self.module, self.features = module, features

    def reordered(self, numbers: Any) -> Any:
        """Along the last axis, if that is the merged one: from (column, row, channel) to (channel, row, column)."""
        if numbers.shape[-1] != self.features:
            return numbers
        parted = numbers.reshape(*numbers.shape[:-1], 2, 2, self.features // 4)
        return parted.swapaxes(-1, -3).reshape(numbers.shape)


def tensors(module: Any) -> dict[str, Any]:
    """What a module holds, by our names."""
    import torch
    from torchvision.models.convnext import CNBlock
    from torchvision.models.maxvit import RelativePositionalMultiHeadAttention
    from torchvision.models.swin_transformer import ShiftedWindowAttention

    if isinstance(module, Merged):
        held = tensors(module.module)
        return {name: module.reordered(numbers) for name, numbers in held.items()}
    if isinstance(module, torch.nn.Conv2d):
        groups = module.groups
        held = {"W": array(module.weight).reshape(groups, module.out_channels // groups, *module.weight.shape[1:])}
        return held if module.bias is None else {**held, "b": array(module.bias).reshape(groups, -1)}
    if isinstance(module, torch.nn.BatchNorm2d):
        return {
            "g": array(module.weight),
            "b": array(module.bias),
            "m": array(module.running_mean),
            "v": array(module.running_var),
        }
    if isinstance(module, torch.nn.Linear):
        return (
            {"W": array(module.weight)} if module.bias is None else {"W": array(module.weight), "b": array(module.bias)}
        )
    if isinstance(module, torch.nn.LayerNorm):
        return {"g": array(module.weight), "b": array(module.bias)}
    if isinstance(module, CNBlock):
        return {"s": array(module.layer_scale).reshape(-1)}
    if isinstance(module, torch.nn.MultiheadAttention):
        heads, features = module.num_heads, module.embed_dim
        maps = array(module.in_proj_weight).reshape(3, heads, 1, features // heads, features)
        biases = array(module.in_proj_bias).reshape(3, heads, 1, features // heads)
        return {
            "Q": maps[0], "K": maps[1][:, 0], "V": maps[2][:, 0], "p": biases[0], "r": biases[1][:, 0],
            "s": biases[2][:, 0],
            "O": array(module.out_proj.weight), "b": array(module.out_proj.bias),
        }  # fmt: skip
    if isinstance(module, RelativePositionalMultiHeadAttention):
        return window(
            module.to_qkv, module.merge, module.n_heads, module.size, module.relative_position_bias_table, module
        )
    if isinstance(module, ShiftedWindowAttention):
        table = getattr(module, "relative_position_bias_table", None)
        held = window(module.qkv, module.proj, module.num_heads, module.window_size[0], table, module)
        if table is None:
            held |= {
                "T": array(module.relative_coords_table[0]), "R": array(module.cpb_mlp[0].weight),
                "br": array(module.cpb_mlp[0].bias),
                "S": array(module.cpb_mlp[2].weight), "l": array(module.logit_scale).reshape(-1),
            }  # fmt: skip
        return held
    raise TypeError(f"no rule for {type(module).__name__}")


def window(qkv: Any, merge: Any, heads: int, side: int, table: Any, module: Any) -> dict[str, Any]:
    """Attention in windows. MaxViT divides by the root of all features, not of one head's: put into the queries."""
    features = qkv.in_features
    maps = array(qkv.weight).reshape(3, heads, features // heads, features)
    biases = array(qkv.bias).reshape(3, heads, features // heads)
    scale = heads**-0.5 if hasattr(module, "scale_factor") else 1.0
    held = {
        "Q": scale * maps[0], "K": maps[1], "V": maps[2], "bq": scale * biases[0], "bk": biases[1], "bv": biases[2],
        "O": array(merge.weight), "b": array(merge.bias),
    }  # fmt: skip
    if table is not None:
        held["B"] = array(table).reshape(2 * side - 1, 2 * side - 1, heads).transpose(2, 0, 1)
    return held
