"""`to_svg` and `to_tikz`: a network as a picture, with one layout for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..arguments import checked, shown
from ..derivations.stages import outline, stages_of
from ..equations.latex import generic
from ..errors import FieldError
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..networks.network import Network, Series
from . import svg, tikz
from .equation_scheme import equation_scheme
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
    on: Any = None,
    asked: str = "diagram",
) -> Picture:
    """The picture of a network, no wider than asked; what is nested deep becomes one box where there is no room."""
    if level not in LEVELS:
        raise FieldError(f"level must be one of {', '.join(LEVELS)}, got {shown(level)}")
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 20 <= width <= 2000:
        raise FieldError(f"width is in millimetres, from 20 to 2000, got {shown(width)}")
    if level == "equation":
        return _of_equation(net, width, stages, on, asked)
    if not isinstance(net, Network):
        raise FieldError(f"{asked} draws a network, got {type(net).__name__}; write {asked}(la.Linear(4) >> la.ReLU())")
    if on is not None:
        raise FieldError(f'{asked} takes on= for the lines of a layer; write {asked}(layer, level="equation", on=...)')
    found = None
    if stages is not None:
        found = stages_of(net, stages)
    elif level == "stage" and (net.has_input or not isinstance(net, Series)):
        found = stages_of(net)
    made = (picture(place(scheme_of(net, level, found, depth))) for depth in range(DEEPEST, -1, -1))
    return _fitted(made, width)


def _of_equation(layer: Any, width: float, stages: Any, on: Any, asked: str) -> Picture:
    """The picture of the lines of a layer, with fewer of them in a row where there is no room."""
    layer = as_layer(layer)
    if not isinstance(layer, Layer):
        kind = layer.__name__ if isinstance(layer, type) else type(layer).__name__
        raise FieldError(
            f'{asked} with level="equation" draws the lines of one layer, got {kind}; '
            f'write {asked}(la.Linear(4), level="equation")'
        )
    if stages is not None:
        raise FieldError(f'{asked} with level="equation" draws one layer, which has no stages; leave stages out')
    shapes = [flow.shape for flow in input_flows(on)]
    instance = layer.instance(*shapes) if on is not None else None
    return _fitted((picture(place(equation_scheme(layer, instance, most))) for most in (None, *range(6, 0, -1))), width)


def as_layer(layer: Any) -> Any:
    """For a class of layers, the layer with symbols for its sizes."""
    return generic(layer) if isinstance(layer, type) and issubclass(layer, Layer) else layer


def _fitted(pictures: Iterable[Picture], width: float) -> Picture:
    """The first that is not made much smaller to fit, or the last."""
    for made in pictures:
        if made.width * SMALLEST <= width:
            break
    return made if made.width <= width else made.moved(width / made.width)


@checked
def to_svg(net: Any, level: str = "block", width: float = COLUMN, stages: Any = None, on: Any = None) -> str:
    """A network, or the lines of a layer, as an SVG picture.

    Boxes are coloured by what their layers do, as their equations say; a branch that is the input itself is an arc, a
    repetition a frame with the number of its copies. At the level of equations a box is a line: the tensor it defines, what it
    computes, and the sizes or ranges; what it learns stands beside it, and a state is led back to the next step.

    Parameters
    ----------
    net : Network, or at level "equation" a layer or a class of layers
    level : {"block", "node", "stage", "equation"}
        A box for what follows a learned map without learning one itself, for every layer, for every stage, or for every line of
        the equation of one layer.
    width : number
        The most millimetres it may be wide: 84 is a column of two, 174 a page. What does not fit is made smaller, and
        then what is nested deepest becomes one box.
    stages : mapping of str to Network, optional
        The parts whose series the network is, such as ``zoo.stages("resnet50")``; they are framed and named.
    on : shape or list of shapes, optional
        At level "equation", what enters the layer: every axis and every size is spelled out.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network, or at level "equation" no layer, the level is unknown, or the width is no length.
    ShapeError
        If `on` does not fit the equation.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, ReLU, dims
    >>> text = to_svg((Identity() + (Linear(4) >> ReLU())) ** dims("L"))
    >>> text.startswith("<svg"), "× L" in text
    (True, True)
    >>> from layeralgebra import MultiHeadAttention
    >>> "softmax[*j](w/sqrt(|m|/8))" in to_svg(MultiHeadAttention(8), level="equation")
    True
    """
    return svg.to_text(diagram(net, level, width, stages, on, "to_svg"), outline(as_layer(net)))


@checked
def to_tikz(net: Any, level: str = "block", width: float = COLUMN, stages: Any = None, on: Any = None) -> str:
    r"""A network, or the lines of a layer, as a TikZ picture; the preamble needs ``\usepackage{tikz}``.

    Parameters
    ----------
    net, level, width, stages, on
        As for `to_svg`, which has the same layout.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If `net` is no network, or at level "equation" no layer, the level is unknown, or the width is no length.
    ShapeError
        If `on` does not fit the equation.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU
    >>> print(to_tikz(Linear(4) >> ReLU()).splitlines()[-1])
    \end{tikzpicture}
    """
    return tikz.to_text(diagram(net, level, width, stages, on, "to_tikz"))
