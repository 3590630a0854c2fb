"""segmentation_models_pytorch: every decoder on a small encoder."""

from __future__ import annotations

from collections.abc import Iterator

from _import_case import Case
from _import_vision_library import torchvision

torchvision()
import segmentation_models_pytorch  # noqa: E402

DECODERS = (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer",
)  # fmt: skip
ENCODERS = ("resnet18", "mobilenet_v2", "efficientnet-b0", "mit_b0")


def cases() -> Iterator[Case]:
    unseen = ({"H": 96, "W": 160}, {"H": 192, "W": 64}, {"H": 256, "W": 224})
    for encoder in ENCODERS:
        for decoder in DECODERS:

            def make(decoder: str = decoder, encoder: str = encoder) -> object:
                return getattr(segmentation_models_pytorch, decoder)(encoder, encoder_weights=None, classes=3)

            yield Case("segmentation", f"{decoder} {encoder}", make, ((3, 128, 128),), False, {1: "H", 2: "W"}, unseen)
