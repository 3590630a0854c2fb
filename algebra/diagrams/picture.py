"""A picture: boxes, frames, joints and arrows with their places in millimetres, x to the right and y down.

The layouts make pictures, and the writers of SVG and TikZ draw them as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from ..records import dataclass
from .text_width import SIZE

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box with lines of text; the first is bold if it is a name."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    role: str = "function"
    named: bool = False
    size: float = SIZE

    def moved(self, k: float, dx: float, dy: float) -> Box:
        return replace(
            self, x=k * self.x + dx, y=k * self.y + dy, width=k * self.width, height=k * self.height, size=k * self.size
        )


@dataclass(frozen=True)
class Frame:
    """A frame around boxes, its label in its upper right corner: a repetition, weights that are shared, or a stage."""

    x: float
    y: float
    width: float
    height: float
    label: str
    kind: str = "repeat"
    size: float = SIZE

    def moved(self, k: float, dx: float, dy: float) -> Frame:
        return replace(
            self, x=k * self.x + dx, y=k * self.y + dy, width=k * self.width, height=k * self.height, size=k * self.size
        )


@dataclass(frozen=True)
class Joint:
    """A circle with a sign in which arrows join."""

    x: float
    y: float
    radius: float
    sign: str
    size: float = SIZE

    def moved(self, k: float, dx: float, dy: float) -> Joint:
        return replace(self, x=k * self.x + dx, y=k * self.y + dy, radius=k * self.radius, size=k * self.size)


@dataclass(frozen=True)
class Arrow:
    """A line through points with rounded corners; a curve leaves and arrives upright."""

    points: tuple[Point, ...]
    head: bool = True
    curved: bool = False
    skip: bool = False
    scale: float = 1.0

    def moved(self, k: float, dx: float, dy: float) -> Arrow:
        return replace(self, points=tuple((k * x + dx, k * y + dy) for x, y in self.points), scale=k * self.scale)


Item = Box | Frame | Joint | Arrow


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn, frames first."""

    width: float
    height: float
    items: tuple[Item, ...] = field(repr=False)

    def moved(self, k: float, dx: float = 0.0, dy: float = 0.0) -> Picture:
        return Picture(k * self.width, k * self.height, tuple(item.moved(k, dx, dy) for item in self.items))


def moved(items: Iterable[Item], dx: float, dy: float) -> list[Item]:
    return [item.moved(1.0, dx, dy) for item in items]
