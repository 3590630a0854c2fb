"""`to_svg` and `to_tikz`: a network as a picture, with one layout for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arguments import checked, shown
from ..derivations.stages import outline, stages_of
from ..errors import FieldError
from ..networks.network import Network, Series
from . import svg, tikz
from .layout import picture, place
from .picture import Picture
from .scheme import LEVELS, scheme_of

COLUMN, PAGE = 84.0, 174.0
"""Widths of a column and of a page in millimetres."""
SMALLEST = 0.62
DEEPEST = 8


def diagram(
    net: Any,
    level: str = "block",
    width: float = COLUMN,
    stages: Mapping[str, Network] | None = None,
    asked: str = "diagram",
) -> Picture:
    """The picture of a network, no wider than asked; what is nested deep becomes one box where there is no room."""
    if not isinstance(net, Network):
        raise FieldError(f"{asked} draws a network, got {type(net).__name__}; write {asked}(la.Linear(4) >> la.ReLU())")
    if level not in LEVELS:
        raise FieldError(f"level must be one of {', '.join(LEVELS)}, got {shown(level)}")
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 20 <= width <= 2000:
        raise FieldError(f"width is in millimetres, from 20 to 2000, got {shown(width)}")
    found = None
    if stages is not None:
        found = stages_of(net, stages)
    elif level == "stage" and (net.has_input or not isinstance(net, Series)):
        found = stages_of(net)
    for depth in range(DEEPEST, -1, -1):
        made = picture(place(scheme_of(net, level, found, depth)))
        if made.width * SMALLEST <= width:
            return made if made.width <= width else made.moved(width / made.width)
    return made.moved(width / made.width)


@checked
def to_svg(net: Any, level: str = "block", width: float = COLUMN, stages: Any = None) -> str:
    """A network as an SVG picture.

    Boxes are coloured by what their layers do, as their equations say; a branch that is the input itself is an arc, a
    repetition a frame with the number of its copies.

    Parameters
    ----------
    net : Network
    level : {"block", "node", "stage"}
        A box for what follows a learned map without learning one itself, for every layer, or for every stage.
    width : number
        The most millimetres it may be wide: 84 is a column of two, 174 a page. What does not fit is made smaller, and
        then what is nested deepest becomes one box.
    stages : mapping of str to Network, optional
        The parts whose series the network is, such as ``zoo.stages("resnet50")``; they are framed and named.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network, the level is unknown, or the width is no length.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, ReLU, dims
    >>> text = to_svg((Identity() + (Linear(4) >> ReLU())) ** dims("L"))
    >>> text.startswith("<svg"), "× L" in text
    (True, True)
    """
    return svg.to_text(diagram(net, level, width, stages, "to_svg"), outline(net))


@checked
def to_tikz(net: Any, level: str = "block", width: float = COLUMN, stages: Any = None) -> str:
    r"""A network as a TikZ picture; the preamble needs ``\usepackage{tikz}``.

    Parameters
    ----------
    net, level, width, stages
        As for `to_svg`, which has the same layout.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network, the level is unknown, or the width is no length.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU
    >>> print(to_tikz(Linear(4) >> ReLU()).splitlines()[-1])
    \end{tikzpicture}
    """
    return tikz.to_text(diagram(net, level, width, stages, "to_tikz"))
