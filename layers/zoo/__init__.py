"""Published architectures as functions of their hyperparameters, and by the names under which they were published.

>>> from layeralgebra import dims, macs, parameters, zoo
>>> parameters(zoo.build("resnet50"))
25557032
>>> H, W, c = dims("H W c")
>>> net = zoo.build("resnet50", height=H, width=W, base_width=c)
>>> parameters(net).subs(c, 64)
25557032

A family is a function with the published default of its first member: ``zoo.resnet(depths=(3, 4, 6, 3),
base_width=c)``. A published name is one too: ``zoo.resnet50(base_width=c)`` is ``zoo.build("resnet50", base_width=c)``.
Hyperparameters that all image families have are `height`, `width` (`resolution` sets both), `channels` of the image and
`classes`; `info` lists the others with their published values. `symbolic` makes all of them symbols: one formula for
the whole family.
"""

from __future__ import annotations

from typing import Any

from .differences import differences, learned_macs
from .families import FAMILIES, Family, build, families, info, known, names, stages, symbolic

__all__ = [
    "FAMILIES",
    "Family",
    "build",
    "differences",
    "families",
    "info",
    "learned_macs",
    "names",
    "stages",
    "symbolic",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    found = known(name)
    if found is not None:
        return found
    raise AttributeError(f"the zoo has no {name!r}; zoo.names() lists what it has")


def __dir__() -> list[str]:
    return sorted([*__all__, *families(), *names()])
