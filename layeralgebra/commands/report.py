"""``layeralgebra report``: everything about one network in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..algebra.networks.network import Network, Series
from ..algebra.reports.content import METRICS
from ..algebra.reports.report import report
from . import Block
from .arguments import assignments, listed, shape, sizes
from .networks import find
from .results import Record


def run(
    model: str,
    folder: Path,
    at: Sequence[str] = (),
    changes: Sequence[str] = (),
    on: str | None = None,
    metrics: Sequence[str] = (),
    overwrite: bool = False,
) -> Iterator[Block | Record]:
    """Write the report, and say where it is."""
    found = find(model, assignments(changes), None if on is None else shape(on))
    net, stages, start = found.net, found.stages, dict(sizes(at))
    if stages is not None and not changes:
        net, stages, published = _in_symbols(found.name)
        start = {**published, **start}
    files = report(
        net,
        folder,
        on=found.on,
        stages=stages,
        at=start or None,
        metrics=listed(metrics) or METRICS,
        title=found.name,
        overwrite=overwrite,
    )
    for file in files:
        yield Record(found.name, "file", file.name, value=file.stat().st_size, unit="bytes", note=str(file))
    yield Block("", "\n".join(f"{file} ({file.stat().st_size // 1024} KB)" for file in files))


def _in_symbols(name: str) -> tuple[Network, Mapping[str, Network] | None, dict[str, int]]:
    """A published network in symbols, its stages, and the published sizes."""
    from ..algebra.sizes.dims import dims
    from ..layers import zoo

    net, published = zoo.symbolic(name)
    known = {symbol.name for symbol in published}
    words: dict[str, Any] = {}
    for word, value in zoo.info(name).hyperparameters.items():
        if word in known:
            words[word] = dims(word)
        elif isinstance(value, tuple) and f"{word}_1" in known:
            words[word] = tuple(dims(f"{word}_{place}") for place in range(1, len(value) + 1))
    stages: Mapping[str, Network] | None = zoo.stages(name, **words)
    if stages is not None and Series(*stages.values()) != net:
        stages = None
    return net, stages, {symbol.name: value for symbol, value in published.items()}
