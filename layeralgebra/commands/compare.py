"""``layeralgebra compare``: published networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..algebra.errors import FieldError
from . import Block
from .arguments import assignments, listed, value
from .derive import written
from .results import Record

#: What is compared: the attribute that has it, the metric behind it if there is one, how sure it is.
FIGURES = {
    "parameters": ("parameters", "parameters", "exact"),
    "macs": ("macs", "macs", "exact"),
    "depth": ("depth", "depth", "exact"),
    "receptive_field.size": ("receptive_field", "receptive_field", "exact"),
    "layer_complexity": ("complexity", "layer_complexity", "upper"),
    "intrinsic_power.net": ("net", "intrinsic_power", "exact"),
    "intrinsic_power.expansion": ("expansion", "intrinsic_power", "exact"),
    "intrinsic_power.compression": ("compression", "intrinsic_power", "exact"),
    "intrinsic_power.bottleneck": ("bottleneck", "intrinsic_power", "exact"),
    "vc_dimension.explicit": ("vc_explicit", "vc_dimension", "upper"),
    "vc_dimension.implicit": ("vc_implicit", "vc_dimension", "upper"),
    "vc_dimension.lower": ("vc_lower", "vc_dimension", "lower"),
    "top1": ("top1", "", "published"),
    "published_parameters": ("published_parameters", "", "published"),
    "published_gmacs": ("published_gmacs", "", "published"),
}
UNITS = {"top1": "percent", "published_parameters": "elements", "published_gmacs": "10^9 multiply-accumulates"}


def run(
    models: Sequence[str] = (),
    everything: bool = False,
    d: int | None = None,
    surrogate: str = "relu",
    changes: Sequence[str] = (),
    latex: Path | None = None,
    width: int = 100,
) -> Iterator[Block | Record]:
    """Compare networks of the zoo; the files are written as well where they are asked for."""
    from ..layers import zoo
    from ..layers.zoo.studies.comparison import comparison

    if everything and models:
        raise FieldError("--all compares every network of the zoo; leave out the names")
    if models and not listed(models):
        raise FieldError("there is no name between the commas; write resnet18,resnet50")
    chosen = zoo.names() if everything else listed(models) or None
    words = {name: value(text) for name, text in assignments(changes).items()}
    found = comparison(chosen, surrogate, d, **words)
    for row in found:
        yield from records(row)
    yield Block(
        f"{len(found)} networks, at their published sizes" if not words else f"{len(found)} networks", found.text(width)
    )
    if latex is not None:
        yield Block("", written(latex, "Comparison", found.latex()))


def records(row: Any) -> Iterator[Record]:
    """The figures of one network, with all digits; published ones have the kind published."""
    from ..algebra.derivations.metric import METRICS

    said = f"surrogate {row.surrogate}" if row.surrogate else ""
    for quantity, (attribute, metric, kind) in FIGURES.items():
        figure = getattr(row, attribute)
        if figure is None or figure != figure or (quantity == "receptive_field.size" and not figure):
            continue
        about = METRICS[metric] if metric else None
        unit = about.unit if about is not None else UNITS[quantity]
        kind = (
            about.kind
            if about is not None and isinstance(about.kind, str) and quantity != "vc_dimension.lower"
            else kind
        )
        depends = said if metric in ("layer_complexity", "vc_dimension") else ""
        yield Record(
            row.name, quantity, value=figure, unit=unit, kind="surrogate" if depends else kind,
            source=about.source if about is not None else "", note=depends,
        )  # fmt: skip
