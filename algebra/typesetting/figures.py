"""How figures look in a paper: as wide as a column, 8 points, colours that everybody can tell apart, names beside the curves.

>>> spread([0.5, 0.5, 0.9], [0.1, 0.1, 0.1])
[0.45, 0.55, 0.9]
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMN = 84 / 25.4
"""One column of two in inches."""
POINTS = 8
DOTS = 200
"""Dots an inch on a screen."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Those of Okabe and Ito, which people with any colour vision tell apart; the yellow is left out, which is pale on paper."""
MARKERS = "os^DvPX"
FAINT = "0.55"
LONGEST_NAME = 18
APART = 0.3
"""Of the width of axes: words above them that are nearer stand in rows."""


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def marker(place: int) -> str:
    return MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]  # no colour comes again with its marker


def column_axes(height: float = 0.7, width: float = COLUMN) -> "Axes":
    """Axes of a new figure, one column wide; the height is in widths of a column."""
    from matplotlib import pyplot

    axes = pyplot.subplots(figsize=(width, height * COLUMN), layout="constrained", dpi=DOTS)[1]
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title, axes.xaxis.offsetText, axes.yaxis.offsetText):
        text.set_fontsize(POINTS)
    axes.tick_params(which="both", labelsize=POINTS, width=0.6)
    return axes


def spread(places: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Where to put labels so that none lies on another, near where they belong, all between 0 and 1 if there is room.

    >>> [round(place, 2) for place in spread([0.99, 1.0], [0.2, 0.2])], spread([], [])
    ([0.7, 0.9], [])
    """
    order = sorted(range(len(places)), key=lambda place: (places[place], place))
    offset, offsets = 0.0, []
    for before, place in zip([None, *order], order):
        offset += 0.0 if before is None else (sizes[before] + sizes[place]) / 2
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # means of what must stand side by side
    for place, shift in zip(order, offsets):
        mean, count = places[place] - shift, 1
        while blocks and blocks[-1][0] >= mean:
            other, more = blocks.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        blocks.append((mean, count))
    starts = [mean for mean, count in blocks for _ in range(count)]
    found = [0.0] * len(places)
    for place, start, shift in zip(order, starts, offsets):
        found[place] = start + shift
    if order:
        over = max(0.0, found[order[-1]] + sizes[order[-1]] / 2 - 1)
        under = max(0.0, sizes[order[0]] / 2 - (found[order[0]] - over))
        found = [round(place - over + under, 9) for place in found]
    return found


def names_beside(axes: "Axes", ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Each curve's name, in its colour, to the right of where it ends; pushed apart where curves end at one place."""
    if not ends:
        return
    turn = axes.transData + axes.transAxes.inverted()
    heights = [min(1.0, max(0.0, float(turn.transform((x, y))[1]))) for _, x, y, _ in ends]
    texts = ["\n".join(wrap(name, LONGEST_NAME)) or name for name, *_ in ends]
    room = (
        axes.get_window_extent().height * 72 / axes.figure.dpi * 0.85
    )  # in points; the labels of the axis take some of it
    sizes = [(text.count("\n") + 1) * 1.15 * POINTS / max(room, 1.0) for text in texts]
    places = spread(heights, sizes)
    column = 1.07 if any(abs(place - height) > 0.02 for place, height in zip(places, heights)) else 1.03
    for (_, _, _, shade), text, height, place in zip(ends, texts, heights, places):
        moved = column > 1.03
        axes.annotate(
            text, (1.0, height), xytext=(column, place), xycoords="axes fraction", textcoords="axes fraction",
            color=shade, fontsize=POINTS, va="center", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": shade, "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5)} if moved else None,
        )  # fmt: skip


def marked(axes: "Axes", places: Sequence[float], texts: Sequence[str] = ()) -> None:
    """Dotted lines upwards at some places of the horizontal axis, with words above the axes."""
    if not places:
        return
    axes.vlines(
        list(places), 0, 1, transform=axes.get_xaxis_transform(), colors=FAINT, linestyles="dotted", linewidth=0.8
    )
    turn = axes.transData + axes.transAxes.inverted()
    before, row = -1.0, 0
    for place, text in zip(places, texts):
        across = float(turn.transform((place, axes.get_ylim()[0]))[0])
        row = row + 1 if across - before < APART else 0
        above(axes, place, text, row)
        before = across


def above(axes: "Axes", place: float, text: str, row: int = 0) -> None:
    axes.annotate(
        text, (place, 1.0), xytext=(0, 3 + 1.3 * POINTS * row), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
        fontsize=POINTS, ha="center", va="bottom", color="0.3", annotation_clip=False,
    )  # fmt: skip
