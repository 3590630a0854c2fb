"""timm: architectures of every family (a family is a module of timm's), first the smallest of each, then further ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from _import_case import Case
from _import_vision_library import torchvision

torchvision()
import timm  # noqa: E402
from timm.models import get_pretrained_cfg  # noqa: E402

SIZES = """test zepto atto femto pico nano micro mini xxxt xxt xt xxs xs t0 t1 tiny t t12 small s m0 b0 s0 ese light medium m base b l large xl xxl huge h
giant g enormous""".split()
CASES = 300
FIRST = {
    "beit": "beit_base_patch16_224", "byobnet": "gernet_s", "byoanet": "botnet26t_256", "eva": "eva02_tiny_patch14_224",
    "vision_transformer": "vit_tiny_patch16_224", "vision_transformer_hybrid": "vit_tiny_r_s16_p8_224",
    "vision_transformer_relpos": "vit_relpos_small_patch16_224", "vision_transformer_sam": "samvit_base_patch16_224",
    "resnet": "resnet18", "senet": "legacy_seresnet18", "resnetv2": "resnetv2_50", "efficientnet": "mnasnet_050",
    "densenet": "densenet121", "nfnet": "dm_nfnet_f0", "maxxvit": "coatnet_nano_rw_224", "regnet": "regnetx_002",
    "swin_transformer": "swin_tiny_patch4_window7_224", "swin_transformer_v2": "swinv2_tiny_window8_256",
    "swin_transformer_v2_cr": "swinv2_cr_tiny_ns_224", "metaformer": "poolformer_s12", "convnext": "convnext_atto",
    "mlp_mixer": "mixer_s32_224", "mobilenetv3": "mobilenetv3_small_050", "xcit": "xcit_nano_12_p16_224", "naflexvit": "naflexvit_base_patch16_gap",
}  # fmt: skip
DEPTH = 3
"""So many blocks, where a family takes a depth; further ones do the same once more."""


OPEN = ({"dynamic_img_size": True}, {"strict_img_size": False}, {"img_size": None})
"""Settings of families that are made for one size unless they are asked to stay open."""


def make(name: str, **settings: Any) -> Any:
    try:
        return timm.create_model(name, depth=DEPTH, **settings)
    except Exception:  # most families take no such argument
        return timm.create_model(name, **settings)


def opened(name: str) -> Any:
    """The model with the first of the settings that keep it open and that its family knows."""
    for settings in OPEN[:-1]:
        try:
            return make(name, **settings)
        except TypeError:
            continue
    return make(name, **OPEN[-1])


def size(name: str) -> tuple[int, int, str]:
    """Small models before large ones, by what their names say: a word for the size, then numbers (depth, width)."""
    words = re.split(r"[_.]", name)
    ranks = [SIZES.index(word) for word in words if word in SIZES]
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    depth = re.search(r"[a-z](\d+)", name)
    return (ranks[0] if ranks else 20, int(depth.group(1)) if depth else sum(numbers), name)


def chosen() -> list[tuple[str, str]]:
    """(family, architecture): one of each family, then a second, and so on."""
    families = {
        family: sorted(timm.list_models(module=family), key=lambda name: (name != FIRST.get(family), size(name)))
        for family in timm.list_modules()
    }
    rounds = zip_longest(*([(family, name) for name in names] for family, names in families.items()))
    return [pair for one in rounds for pair in one if pair is not None][:CASES]


def cases() -> Iterator[Case]:
    for family, name in chosen():
        config = get_pretrained_cfg(name)
        channels, height, width = config.input_size if config is not None else (3, 224, 224)
        # Any; then such as patches of 7, 14, 16 and 32 divide where they divide the own size; then multiples of that.
        steps = ((32, -32), (64, 128), (7, -13), (224, 448), (448, 0), (0, 224), (height, 2 * width), (0, width))
        unseen = [{"H": height + more, "W": width + wider} for more, wider in steps]
        yield Case(
            "timm", name, lambda name=name: make(name), ((channels, height, width),),
            False, {1: "H", 2: "W"}, tuple(unseen),
            opened=lambda name=name: opened(name), elsewhere=((channels, height + 224, width + 448),), family=family,
        )  # fmt: skip
