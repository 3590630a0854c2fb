"""torchvision where its compiled operators do not load: their schemas are declared first."""

from __future__ import annotations

from typing import Any

import torch

_kept: list[Any] = []


def torchvision() -> Any:
    try:
        import torchvision as found
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            try:
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            except RuntimeError:
                pass
        _kept.append(library)
        import torchvision as found
    return found
