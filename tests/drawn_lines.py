"""TikZ pictures of lines of equations read back as a graph, by following their arrows: nothing here comes from the layout."""

from __future__ import annotations

import re
from dataclasses import dataclass

WHITE = "diagramffffff"
NEAR = 0.06

_POINT = r"\((-?[\d.]+),(-?[\d.]+)\)"
_BOX = re.compile(rf"\\draw\[fill=(diagram\w+)[^]]*\] {_POINT} rectangle {_POINT};")
_TEXT = re.compile(rf"\\node\[anchor=base[^]]*\] at {_POINT} \{{(.*)\}};")
_ARROW = re.compile(r"\\draw\[(-stealth|-)[^]]*\] (.*);")


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float
    colour: str
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """``x`` of an input or a learned tensor, ``q`` of ``q[n, i, e]``, with a sign before those of outputs and earlier steps."""
        first = self.lines[0]
        if first.startswith("output "):
            return f">{first.removeprefix('output ')}"
        if " " in first.partition("[")[0]:
            return first.split()[1]
        name = first.partition("[")[0]
        return f"<{name}" if self.colour == WHITE else name

    def has_on_its_edge(self, x: float, y: float) -> bool:
        inside = self.left - NEAR <= x <= self.right + NEAR and self.top - NEAR <= y <= self.bottom + NEAR
        return inside and min(abs(x - self.left), abs(x - self.right), abs(y - self.top), abs(y - self.bottom)) <= NEAR


def _plain(text: str) -> str:
    for latex, letter in {r"$\times$": "×", r"$\cdot$": "·", r"$\Sigma$": "Σ", r"$\le$": "≤", r"\_": "_",
                          r"\textless{}": "<", r"\textasciicircum{}": "^"}.items():  # fmt: skip
        text = text.replace(latex, letter)
    return text


def boxes(tikz: str) -> list[Box]:
    texts = [(float(x), float(y), _plain(text)) for x, y, text in _TEXT.findall(tikz)]
    found = []
    for colour, *numbers in _BOX.findall(tikz):
        left, top, right, bottom = map(float, numbers)
        lines = tuple(text for x, y, text in texts if left < x < right and top < y < bottom)
        found.append(Box(left, top, right, bottom, colour, lines))
    return found


def edges(tikz: str) -> list[tuple[str, str]]:
    """From which box one comes to which along the arrows."""
    arrows = []
    for tip, path in _ARROW.findall(tikz):
        points = [(float(x), float(y)) for x, y in re.findall(_POINT, path)]
        arrows.append((points[0], points[-1], tip == "-stealth"))
    found, all_boxes = [], boxes(tikz)
    for box in all_boxes:
        reached: dict[Box, None] = {}
        waiting = [arrow for arrow in arrows if box.has_on_its_edge(*arrow[0])]
        seen = set()
        while waiting:
            start, (x, y), head = waiting.pop()
            if (start, (x, y)) in seen:
                continue
            seen.add((start, (x, y)))
            ends = [other for other in all_boxes if head and other.has_on_its_edge(x, y)]
            reached |= dict.fromkeys(ends)
            if not ends:
                onward = [a for a in arrows if abs(a[0][0] - x) <= NEAR and abs(a[0][1] - y) <= NEAR]
                assert onward, f"an arrow from {box.name} ends at {x, y}, where nothing is"
                waiting += onward
        found += [(box.name, other.name) for other in reached]
    return sorted(found)
