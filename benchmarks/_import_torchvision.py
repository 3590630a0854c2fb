"""torchvision: classification, segmentation, video, optical flow, and detection as far as `torch.export` follows it."""

from __future__ import annotations

from collections.abc import Iterator

from _import_case import Case
from _import_vision_library import torchvision

SLOW = ("regnet_y_128gf", "vit_h_14", "efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_b7", "efficientnet_b6")
VIDEO = ("mc3_18", "r2plus1d_18", "r3d_18", "s3d", "mvit", "swin3d")


def cases() -> Iterator[Case]:
    library = torchvision()
    names = [name for name in library.models.list_models() if not name.startswith("quantized_") and name not in SLOW]
    kinds = {name: _kind(library, name) for name in names}
    order = ("segmentation", "video", "models", "detection", "optical_flow")
    for name in sorted(names, key=lambda name: (order.index(kinds[name]), name)):
        yield _case(library, name, kinds[name])


def _kind(library: object, name: str) -> str:
    kind: str = library.models.get_model_builder(name).__module__.split(".")[2]  # type: ignore[attr-defined]
    return kind if kind in ("segmentation", "video", "detection", "optical_flow") else "models"


def _case(library: object, name: str, kind: str) -> Case:
    def make() -> object:
        plain = {"weights": None}
        backbone = {"weights_backbone": None} if kind in ("segmentation", "detection") else {}
        return library.models.get_model(name, **plain, **backbone)  # type: ignore[attr-defined]

    axes = {1: "H", 2: "W"}
    if kind == "video":
        unseen = ({"T": 24, "H": 128, "W": 128}, {"T": 16, "H": 160, "W": 96}, {"T": 32, "H": 112, "W": 112})
        return Case("torchvision", name, make, ((3, 16, 224, 224),), False, {1: "T", 2: "H", 3: "W"}, unseen)
    if kind == "optical_flow":
        sizes = ({"H": 136, "W": 256}, {"H": 256, "W": 320}, {"H": 192, "W": 160})
        both = {(0, 1): "H", (0, 2): "W", (1, 1): "H", (1, 2): "W"}
        return Case("torchvision", name, make, ((3, 128, 192), (3, 128, 192)), False, both, sizes)
    side = 299 if name == "inception_v3" else 224
    further = ({"H": side + 32, "W": side - 32}, {"H": side + 64, "W": side + 128}, {"H": side + 7, "W": side - 13})
    return Case("torchvision", name, make, ((3, side, side),), False, axes, further)
