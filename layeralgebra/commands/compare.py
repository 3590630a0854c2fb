"""``layeralgebra compare``: published networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..algebra.errors import FieldError
from ..algebra.writing import write_text
from . import Block
from .arguments import assignments, listed, value
from .derive import written


def run(
    models: Sequence[str] = (),
    everything: bool = False,
    d: int | None = None,
    surrogate: str = "relu",
    changes: Sequence[str] = (),
    latex: Path | None = None,
    csv: Path | None = None,
    width: int = 100,
    overwrite: bool = False,
) -> Iterator[Block]:
    """Compare networks of the zoo; the files are written as well where they are asked for."""
    from ..layers import zoo
    from ..layers.zoo.studies.comparison import comparison

    if everything and models:
        raise FieldError("--all compares every network of the zoo; leave out the names")
    chosen = zoo.names() if everything else listed(models) or None
    words = {name: value(text) for name, text in assignments(changes).items()}
    found = comparison(chosen, surrogate, d, **words)
    yield Block(
        f"{len(found)} networks, at their published sizes" if not words else f"{len(found)} networks", found.text(width)
    )
    if latex is not None:
        yield Block("", written(latex, "Comparison", found.latex()))
    if csv is not None:
        write_text(csv, found.csv(), overwrite=overwrite)
        yield Block("", f"CSV: {csv}")
