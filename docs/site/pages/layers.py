"""The layers: the equation of each as it is written, and as a picture."""

from __future__ import annotations

import inspect
from collections import defaultdict

import layeralgebra as la
from layeralgebra.layers import registered_layers

from ._markdown import contents, docstring

WIDTH = 120
"""Millimetres."""


def pages() -> dict[str, str]:
    shelves = defaultdict(list)
    for layer in registered_layers():
        shelves[layer.__module__.rsplit(".", 1)[-1]].append(layer)
    found = {}
    for shelf, layers in sorted(shelves.items()):
        found[f"layers/{shelf}.md"] = f"# {shelf.replace('_', ' ').capitalize()}\n\n" + "\n".join(map(_layer, layers))
    found["layers/index.md"] = (
        "# Gallery of layers\n\nEvery layer is its equation; the formulas of the rest of this site follow from it.\n\n"
        + contents(sorted(shelves))
    )
    return found


def _layer(layer: type[la.Layer]) -> str:
    written = getattr(layer, "equation", "")
    equation = inspect.cleandoc(written) if isinstance(written, str) else ""
    shown = f"**Equation**\n\n```text\n{equation}\n```\n" if equation else ""
    return f"## {layer.__name__}\n\n{docstring(layer)}\n{shown}{_picture(layer)}"


def _picture(layer: type[la.Layer]) -> str:
    """The lines of a layer with symbols for its sizes; where symbols do not do for its fields there is none."""
    try:
        svg = la.to_svg(layer, level="equation", width=WIDTH)
    except la.LayerAlgebraError:
        return ""
    return f'\n<figure class="diagram">\n{svg}\n<figcaption>The lines of {layer.__name__}</figcaption>\n</figure>\n'
