"""SVG pictures read back as coordinates, for tests: nothing here comes from the layout."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
Rectangle = tuple[float, float, float, float]


@dataclass
class Drawn:
    width: float
    height: float
    boxes: list[Rectangle] = field(default_factory=list)
    frames: list[Rectangle] = field(default_factory=list)
    joints: list[Rectangle] = field(default_factory=list)
    arrows: list[list[tuple[float, float]]] = field(default_factory=list)
    texts: list[tuple[float, float, float, str, str, bool]] = field(default_factory=list)


def read(text: str) -> Drawn:
    """Boxes, frames, joints, arrows as points along them, and texts of an SVG picture."""
    root = ElementTree.fromstring(text)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    drawn = Drawn(width, height)
    for node in root.iter():
        a = node.attrib
        kind = a.get("class", "").split()
        if node.tag == SVG + "rect":
            x, y, w, h = (float(a[name]) for name in ("x", "y", "width", "height"))
            (drawn.boxes if "box" in kind else drawn.frames).append((x, y, x + w, y + h))
        elif node.tag == SVG + "circle":
            x, y, r = (float(a[name]) for name in ("cx", "cy", "r"))
            drawn.joints.append((x - r, y - r, x + r, y + r))
        elif node.tag == SVG + "path" and "arrow" in kind:
            drawn.arrows.append(_points(a["d"]))
        elif node.tag == SVG + "text":
            bold = a.get("font-weight") == "bold"
            drawn.texts.append(
                (float(a["x"]), float(a["y"]), float(a["font-size"]), a["text-anchor"], node.text or "", bold)
            )
    return drawn


def in_boxes(drawn: Drawn) -> list[str]:
    """What stands in each box, its lines one after the other."""
    found: dict[Rectangle, list[tuple[float, str]]] = {box: [] for box in drawn.boxes}
    for x, y, _, anchor, text, _ in drawn.texts:
        for left, top, right, bottom in found:
            if anchor == "middle" and left < x < right and top < y < bottom:
                found[left, top, right, bottom].append((y, text))
    return [" ".join(text for _, text in sorted(lines)) for lines in found.values()]


def balanced(text: str) -> bool:
    """Whether every bracket is opened before it is closed, and closed."""
    before = None
    text = re.sub(r"[^()\[\]]", "", text)
    while text != before:
        before, text = text, text.replace("()", "").replace("[]", "")
    return not text


def _points(path: str) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLQC])([^MLQC]*)", path):
        values = [float(number) for number in numbers.split()]
        corners = list(zip(values[::2], values[1::2], strict=True))
        if command == "M":
            found += corners
            continue
        control = [found[-1], *corners]
        for step in range(1, 25):
            found.append(_bezier(control, step / 24))
    return found


def _bezier(points: list[tuple[float, float]], t: float) -> tuple[float, float]:
    while len(points) > 1:
        points = [
            (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in zip(points, points[1:], strict=False)
        ]
    return points[0]


@cache
def _metrics() -> dict[str, int]:
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "afm" / "phvr8a.afm"
    found = {}
    for line in file.read_text(encoding="latin-1").splitlines():
        match = re.match(r"C (\d+) ; WX (\d+) ;", line)
        if match and int(match[1]) < 127:
            found[chr(int(match[1]))] = int(match[2])
    return found


def text_width(text: str, size: float, bold: bool) -> float:
    """By the metrics of Helvetica that Adobe published; other letters as wide as an x."""
    known = _metrics()
    return size * sum(known.get(letter, 500) for letter in text) / 1000 * (1.05 if bold else 1)


def overlap(a: Rectangle, b: Rectangle, by: float = 0.02) -> bool:
    return a[0] < b[2] - by and b[0] < a[2] - by and a[1] < b[3] - by and b[1] < a[3] - by


def inside(a: Rectangle, b: Rectangle) -> bool:
    return a[0] >= b[0] - 0.02 and a[1] >= b[1] - 0.02 and a[2] <= b[2] + 0.02 and a[3] <= b[3] + 0.02


def faults(drawn: Drawn) -> list[str]:
    """What is wrong with a picture, in words."""
    found = []
    solid = [*drawn.boxes, *drawn.joints]
    page = (0.0, 0.0, drawn.width, drawn.height)
    for place, a in enumerate(solid):
        found += [f"{a} overlaps {b}" for b in solid[:place] if overlap(a, b)]
        found += [f"{a} straddles the frame {b}" for b in drawn.frames if overlap(a, b) and not inside(a, b)]
    for place, a in enumerate(drawn.frames):
        found += [
            f"frames {a} and {b} cross"
            for b in drawn.frames[:place]
            if overlap(a, b) and not inside(a, b) and not inside(b, a)
        ]
    found += [f"{a} is outside the page" for a in [*solid, *drawn.frames] if not inside(a, page)]
    for arrow in drawn.arrows:
        for x, y in arrow:
            if not inside((x, y, x, y), page):
                found.append(f"an arrow leaves the page at {x, y}")
        for a in drawn.boxes:
            if any(a[0] + 0.1 < x < a[2] - 0.1 and a[1] + 0.1 < y < a[3] - 0.1 for x, y in arrow):
                found.append(f"an arrow crosses {a}")
            elif any(
                a[0] - 0.2 < x < a[2] + 0.2 and a[1] - 0.2 < y < a[3] + 0.2
                for x, y in arrow
                if all(abs(x - ex) + abs(y - ey) > 1.5 for ex, ey in (arrow[0], arrow[-1]))
            ):
                found.append(f"an arrow runs along {a}")
    for x, y, size, anchor, text, bold in drawn.texts:
        width = text_width(text, size, bold)
        left = {"middle": x - width / 2, "end": x - width, "start": x}[anchor]
        here = (left, y - 0.72 * size, left + width, y + 0.2 * size)
        holders = [*drawn.boxes, *drawn.joints, *drawn.frames]
        if not any(inside(here, holder) for holder in holders):
            found.append(f"{text!r} does not fit")
        if anchor == "end":
            found += [f"the label {text!r} lies on {b}" for b in solid if overlap(here, b)]
            for arrow in drawn.arrows:
                if any(here[0] < px < here[2] and here[1] < py < here[3] for px, py in arrow):
                    found.append(f"an arrow crosses the label {text!r}")
    return found
