"""torchvision's own models on PyTorch's meta device: what they hold, and what PyTorch's counter counts in them.

torchvision's compiled operators need not load; their schemas are declared, which is all that building its models takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

_libraries: list[Any] = []


def load() -> Any:
    """The module torchvision, loadable or not; raises ImportError where it or PyTorch is absent."""
    import torch

    if not _libraries:
        torch.set_num_threads(1)  # the models are small, and other tests may run beside these
        try:
            import torchvision
        except RuntimeError:
            library = torch.library.Library("torchvision", "DEF")
            _libraries.append(library)
            for name in ("nms", "qnms"):
                with contextlib.suppress(RuntimeError):
                    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

    return torchvision


@contextlib.contextmanager
def _numbers_on_the_cpu() -> Iterator[None]:
    """RegNet computes its widths with tensors, which have no numbers on the meta device."""
    import torch
    from torchvision.models.regnet import BlockParams

    original = BlockParams.from_init_params.__func__

    def made(cls: type, *args: Any, **words: Any) -> Any:
        with torch.device("cpu"):
            return original(cls, *args, **words)

    with mock.patch.object(BlockParams, "from_init_params", classmethod(made)):
        yield


def model(name: str) -> Any:
    """The model as torchvision makes it, without numbers."""
    import torch

    torchvision = load()
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if name == "googlenet":
        options["aux_logits"] = False
    with torch.device("meta"), _numbers_on_the_cpu():
        return torchvision.models.get_model(name, **options).eval()


def tensor_sizes(name: str) -> list[int]:
    """The sizes of all learned tensors, in ascending order."""
    return sorted(parameter.numel() for parameter in model(name).parameters())


def counts(name: str, size: int) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one image of that size."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    made, counter = model(name), FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"):
        made(torch.empty(1, 3, size, size))
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return sum(parameter.numel() for parameter in made.parameters()), flops // 2
