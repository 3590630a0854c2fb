r"""Pictures as TikZ; the preamble needs ``\usepackage{tikz}``."""

from __future__ import annotations

from ..formulas.latex import escaped
from .picture import Arrow, Box, Frame, Item, Joint, Picture
from .svg import FILLS, FRAMES, LINE
from .text_width import POINT

_SIGNS = {
    "×": r"$\times$", "−": "$-$", "…": r"\ldots{}", "Σ": r"$\Sigma$", "·": r"$\cdot$", "≤": r"$\le$", "≥": r"$\ge$",
}  # fmt: skip


def to_text(picture: Picture) -> str:
    """The picture as an environment ``tikzpicture``, in millimetres."""
    colours = sorted({FILLS[item.role] for item in picture.items if isinstance(item, Box)} | set(FRAMES.values()))
    lines = [r"\begin{tikzpicture}[x=1mm, y=-1mm, line width=0.3pt, font=\sffamily]"]
    lines += [rf"  \definecolor{{{_name(colour)}}}{{HTML}}{{{colour[1:].upper()}}}" for colour in colours]
    lines += [f"  {line}" for item in picture.items for line in _lines(item)]
    return "\n".join([*lines, r"\end{tikzpicture}"])


def _name(colour: str) -> str:
    return "diagram" + colour[1:]


def _n(value: float) -> str:
    return (
        f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(value) < 0.005
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )


def _at(point: tuple[float, float]) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _words(text: str) -> str:
    made = ""
    for letter in text:
        made += _SIGNS[letter] if letter in _SIGNS else escaped(letter)
    return made


def _text(x: float, y: float, text: str, size: float, anchor: str = "base", bold: bool = False) -> str:
    weight = r"\bfseries" if bold else ""
    return (
        rf"\node[anchor={anchor}, inner sep=0pt, font=\sffamily{weight}\fontsize{{{_n(size)}}}{{{_n(size * 1.2)}}}\selectfont] "
        rf"at {_at((x, y))} {{{_words(text)}}};"
    )


def _lines(item: Item) -> list[str]:
    if isinstance(item, Box):
        line = LINE * item.size / 8
        first = item.y + (item.height - line * len(item.lines)) / 2
        end = (item.x + item.width, item.y + item.height)
        return [
            rf"\draw[fill={_name(FILLS[item.role])}, rounded corners=0.8mm] {_at((item.x, item.y))} rectangle {_at(end)};",
            *(
                _text(
                    item.x + item.width / 2, first + (place + 0.5) * line + 0.34 * item.size * POINT, text, item.size,
                    bold=item.named and not place,
                )
                for place, text in enumerate(item.lines)
            ),
        ]  # fmt: skip
    if isinstance(item, Frame):
        end = (item.x + item.width, item.y + item.height)
        dashed = "" if item.kind == "stage" else ", densely dashed"
        return [
            rf"\draw[draw={_name(FRAMES[item.kind])}{dashed}, rounded corners=1.2mm] {_at((item.x, item.y))} rectangle {_at(end)};",
            _text(item.x + item.width - 1.2, item.y + 0.42 * item.size, item.label, item.size, "base east"),
        ]
    if isinstance(item, Joint):
        return [
            rf"\draw[fill=white] {_at((item.x, item.y))} circle[radius={_n(item.radius)}mm];",
            _text(item.x, item.y + 0.3 * item.size * POINT, item.sign, item.size),
        ]
    return [_arrow(item)]


def _arrow(arrow: Arrow) -> str:
    tip = "-stealth" if arrow.head else "-"
    if arrow.curved:
        (x0, y0), (x1, y1) = arrow.points
        middle = (y0 + y1) / 2
        return (
            rf"\draw[{tip}] {_at((x0, y0))} .. controls {_at((x0, middle))} and {_at((x1, middle))} .. {_at((x1, y1))};"
        )
    corners = f", rounded corners={_n(1.3 * arrow.scale)}mm" if len(arrow.points) > 2 else ""
    return rf"\draw[{tip}{corners}] {' -- '.join(map(_at, arrow.points))};"
