"""Pictures as SVG. Colours are attributes, which a page's style may replace by the classes of the elements."""

from __future__ import annotations

from .picture import Arrow, Box, Frame, Item, Joint, Picture
from .text_width import POINT

FILLS = {
    "input": "#ffffff", "map": "#cfe3f3", "scale": "#e8ddf0", "reduction": "#d5ecdf", "function": "#fbe5c8",
    "arrangement": "#eeeeee", "several": "#e6ecf2", "joint": "#ffffff", "learned": "#fdf6cf",
}  # fmt: skip
FRAMES = {"repeat": "#555555", "shared": "#8a6d00", "stage": "#b5b5b5"}
LINE = 3.5
FONT = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def escaped(text: str) -> str:
    """For text and attributes of SVG and HTML; what XML has no letters for is a space."""
    return "".join(
        _ENTITIES.get(letter, letter if letter.isprintable() and not 0xD800 <= ord(letter) < 0xE000 else " ")
        for letter in text
    )


def to_text(picture: Picture, title: str) -> str:
    """The SVG element of a picture."""
    w, h = _n(picture.width), _n(picture.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" aria-label="{escaped(title)}" '
            f'width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}" font-family="{FONT}">',
            f"<title>{escaped(title)}</title>",
            *map(_element, picture.items),
            "</svg>",
        ]
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, size: float, anchor: str = "middle", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size * POINT)}" text-anchor="{anchor}"{weight} fill="#111111">'
        f"{escaped(text)}</text>"
    )


def _element(item: Item) -> str:
    if isinstance(item, Box):
        line = item.height - 2 * (item.height - LINE * item.size / 8 * len(item.lines)) / 2
        line /= len(item.lines)
        first = item.y + (item.height - line * len(item.lines)) / 2
        rows = [
            _text(
                item.x + item.width / 2, first + (place + 0.5) * line + 0.36 * item.size * POINT, text, item.size,
                bold=item.named and not place,
            )
            for place, text in enumerate(item.lines)
        ]  # fmt: skip
        return (
            f'<rect class="box {item.role}" x="{_n(item.x)}" y="{_n(item.y)}" width="{_n(item.width)}" '
            f'height="{_n(item.height)}" rx="0.8" fill="{FILLS[item.role]}" stroke="#333333" stroke-width="0.25"/>'
            + "".join(rows)
        )
    if isinstance(item, Frame):
        dashes = ' stroke-dasharray="1.2 0.8"' if item.kind != "stage" else ""
        return (
            f'<rect class="frame {item.kind}" x="{_n(item.x)}" y="{_n(item.y)}" width="{_n(item.width)}" '
            f'height="{_n(item.height)}" rx="1.2" fill="none" stroke="{FRAMES[item.kind]}" stroke-width="0.25"{dashes}/>'
            + _text(item.x + item.width - 1.2, item.y + 0.42 * item.size, item.label, item.size, "end")
        )
    if isinstance(item, Joint):
        return (
            f'<circle class="joint" cx="{_n(item.x)}" cy="{_n(item.y)}" r="{_n(item.radius)}" fill="#ffffff" '
            f'stroke="#333333" stroke-width="0.25"/>'
            + _text(item.x, item.y + 0.34 * item.size * POINT, item.sign, item.size)
        )
    return _arrow(item)


def _arrow(arrow: Arrow) -> str:
    kind = "arrow skip" if arrow.skip else "arrow"
    points = list(arrow.points)
    head = ""
    if arrow.head:
        (x0, y0), (x1, y1) = points[-2:]
        if arrow.curved:
            x0 = x1
        size = 1.5 * arrow.scale
        length = max(abs(x1 - x0), abs(y1 - y0)) or 1.0
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        back, wide = (x1 - size * ux, y1 - size * uy), 0.38 * size
        corners = [(x1, y1), (back[0] - wide * uy, back[1] + wide * ux), (back[0] + wide * uy, back[1] - wide * ux)]
        head = f'<path class="head" d="M{" L".join(f"{_n(x)} {_n(y)}" for x, y in corners)}Z" fill="#333333"/>'
        points[-1] = (x1 - 0.8 * size * ux, y1 - 0.8 * size * uy)
    return f'<path class="{kind}" d="{_path(points, arrow)}" fill="none" stroke="#333333" stroke-width="0.3"/>{head}'


def _path(points: list[tuple[float, float]], arrow: Arrow) -> str:
    if arrow.curved:
        (x0, y0), (x1, y1) = points
        middle = (y0 + y1) / 2
        return f"M{_n(x0)} {_n(y0)} C{_n(x0)} {_n(middle)} {_n(x1)} {_n(middle)} {_n(x1)} {_n(y1)}"
    text = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        r = min(1.3 * arrow.scale, _distance(before, here) / 2, _distance(here, after) / 2)
        a, b = _towards(here, before, r), _towards(here, after, r)
        text += f" L{_n(a[0])} {_n(a[1])} Q{_n(here[0])} {_n(here[1])} {_n(b[0])} {_n(b[1])}"
    return text + f" L{_n(points[-1][0])} {_n(points[-1][1])}"


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: tuple[float, float], b: tuple[float, float], by: float) -> tuple[float, float]:
    length = _distance(a, b) or 1.0
    return a[0] + (b[0] - a[0]) * by / length, a[1] + (b[1] - a[1]) * by / length
