"""From schemes to pictures. Every scheme has an axis, on which it is entered at the top and left at the bottom.

Parts are placed side by side and one below the other by their extents on both sides of their axes, so that nothing can
overlap; arrows run on axes and through the gaps that are left between parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from ..records import dataclass
from . import layered
from .picture import Arrow, Box, Frame, Item, Joint, Picture, moved
from .scheme import Branches, Column, Connected, Framed, Plain, Scheme, Sided
from .text_width import SIZE, text_width

LINE, PAD_X, PAD_Y = 3.5, 1.6, 0.9
GAP, SIDE, RADIUS = 4.0, 3.0, 2.0
INSET, LABEL = 2.2, 4.2
BESIDE, SMALLER, MOST_BESIDE = 4.0, 6.5, 4


@dataclass
class Placed:
    """A part around its axis, x = 0, from y = 0 down.

    `solid` if an arrow that enters it ends at y = 0; `entered` unless it has inputs of its own.
    """

    left: float
    right: float
    height: float
    items: list[Item] = field(default_factory=list)
    solid: bool = True
    entered: bool = True

    def at(self, dx: float, dy: float) -> list[Item]:
        return moved(self.items, dx, dy)


def place(scheme: Scheme) -> Placed:
    if isinstance(scheme, Plain):
        return _box(scheme)
    if isinstance(scheme, Sided):
        return _sided(scheme)
    if isinstance(scheme, Column):
        return _column([place(part) for part in scheme.parts])
    if isinstance(scheme, Branches):
        return _branches(scheme)
    if isinstance(scheme, Framed):
        return _frame(scheme, place(scheme.part))
    return _connected(scheme)


def _box(scheme: Plain) -> Placed:
    if scheme.role == "joint":
        return _joint(scheme.lines[0])
    width = max(text_width(line, bold=scheme.named and not place) for place, line in enumerate(scheme.lines))
    half, height = max(width / 2 + PAD_X, 7.0), LINE * len(scheme.lines) + 2 * PAD_Y
    return Placed(
        half, half, height, [Box(-half, 0.0, 2 * half, height, scheme.lines, scheme.role, scheme.named, SIZE)]
    )


def _sided(scheme: Sided) -> Placed:
    """A box between smaller ones, as tall as these; those on the left are first."""
    count = len(scheme.beside)
    half = count if count <= MOST_BESIDE else (count + 1) // 2
    columns = [[_smaller(part) for part in scheme.beside[:half]], [_smaller(part) for part in scheme.beside[half:]]]
    tall = [sum(box.height for box in column) + (len(column) - 1) * 1.0 for column in columns]
    box = _box(scheme.box)
    body = box.items[0]
    assert isinstance(body, Box)
    height = max(box.height, *tall)
    items: list[Item] = [replace(body, height=height)]
    for side, column, whole in zip((-1, 1), columns, tall, strict=True):
        widest = max((part.width for part in column), default=0.0)
        y = (height - whole) / 2
        for part in column:
            edge = side * (box.right + BESIDE)
            items.append(replace(part, x=edge - (widest if side < 0 else 0.0), y=y, width=widest))
            middle = y + part.height / 2
            items.append(Arrow(((edge, middle), (side * box.right, middle))))
            y += part.height + 1.0
    left, right = (box.right + (BESIDE + max(part.width for part in column) if column else 0.0) for column in columns)
    return Placed(left, right, height, items)


def _smaller(scheme: Plain) -> Box:
    body = _box(scheme).items[0]
    assert isinstance(body, Box)
    return body.moved(SMALLER / SIZE, 0.0, 0.0)


def _joint(sign: str) -> Placed:
    if len(sign) == 1:
        return Placed(RADIUS, RADIUS, 2 * RADIUS, [Joint(0.0, RADIUS, RADIUS, sign)])
    half, height = text_width(sign) / 2 + PAD_X, LINE + PAD_Y
    return Placed(half, half, height, [Box(-half, 0.0, 2 * half, height, (sign,), "joint")])


def _column(parts: list[Placed]) -> Placed:
    items: list[Item] = []
    y = 0.0
    for number, part in enumerate(parts):
        if number:
            if part.entered:
                items.append(Arrow(((0.0, y), (0.0, y + GAP)), head=part.solid))
            y += GAP
        items += part.at(0.0, y)
        y += part.height
    return Placed(max(p.left for p in parts), max(p.right for p in parts), y, items, parts[0].solid, parts[0].entered)


def _frame(scheme: Framed, body: Placed) -> Placed:
    inset = 1.2 if scheme.kind == "stage" else INSET
    wanted = text_width(scheme.label) + 2.0
    left, right = body.left + inset, max(body.right + inset, wanted + 1.0)
    height = LABEL + GAP / 2 + body.height + GAP / 2
    top = LABEL + GAP / 2
    items: list[Item] = [Frame(-left, 0.0, left + right, height, scheme.label, scheme.kind)]
    if body.entered:
        items.append(Arrow(((0.0, 0.0), (0.0, top)), head=body.solid))
    items += body.at(0.0, top)
    items.append(Arrow(((0.0, height - GAP / 2), (0.0, height)), head=False))
    return Placed(left, right, height, items, solid=False, entered=body.entered)


def _branches(scheme: Branches) -> Placed:
    """Branches side by side under a fork, and over what joins them; the input itself is an arc around the others."""
    parts = [(number, place(part)) for number, part in enumerate(scheme.parts) if part is not None]
    arcs = len(scheme.parts) - len(parts)
    join = _joint(scheme.sign)
    if not parts:
        parts = [(0, Placed(0.0, 0.0, 2.0, [Arrow(((0.0, 0.0), (0.0, 2.0)), head=False)], solid=False))]
        arcs -= 1
    placed = [part for _, part in parts]
    offsets = _offsets(placed)
    tallest = max(part.height for part in placed)
    fork, top = 1.6, 1.6 + GAP
    bottom = top + tallest
    y_join = bottom + GAP + join.height / 2
    items: list[Item] = []
    for part, x in zip(placed, offsets, strict=True):
        y = top + (tallest - part.height) / 2
        items += part.at(x, y)
        if x:
            edge = join.right if x > 0 else -join.left
            items.append(Arrow(((0.0, 0.0), (0.0, fork), (x, fork), (x, y)), head=part.solid))
            items.append(Arrow(((x, y + part.height), (x, y_join), (edge, y_join))))
        else:
            items.append(Arrow(((0.0, 0.0), (0.0, y)), head=part.solid))
            items.append(Arrow(((0.0, y + part.height), (0.0, y_join - join.height / 2))))
    left = max(part.left - x for part, x in zip(placed, offsets, strict=True))
    right = max(part.right + x for part, x in zip(placed, offsets, strict=True))
    left, right = max(left, join.left), max(right, join.right)
    for number in range(arcs):
        if (right <= left) == (number % 2 == 0):
            right += SIDE
            x, edge = right, join.right
        else:
            left += SIDE
            x, edge = -left, -join.left
        items.append(Arrow(((0.0, 0.0), (0.0, fork), (x, fork), (x, y_join), (edge, y_join)), skip=True))
    items += join.at(0.0, y_join - join.height / 2)
    room = 0.4 if arcs else 0.0
    return Placed(left + room, right + room, y_join + join.height / 2, items, solid=False)


def _offsets(parts: list[Placed]) -> list[float]:
    """Where the axes of branches lie: the taller of two on the axis, more of them spread around it."""
    if len(parts) == 1:
        return [0.0]
    if len(parts) == 2:
        first, second = parts
        if first.height >= second.height:
            return [0.0, first.right + SIDE + second.left]
        return [-(second.left + SIDE + first.right), 0.0]
    places = [0.0]
    for before, after in zip(parts, parts[1:], strict=False):
        places.append(places[-1] + before.right + SIDE + after.left)
    if len(parts) % 2:
        middle = places[len(parts) // 2]
    else:
        half = len(parts) // 2
        middle = (places[half - 1] + parts[half - 1].right + places[half] - parts[half].left) / 2
    return [place - middle for place in places]


def _connected(scheme: Connected) -> Placed:
    made: Mapping[str, Placed] = {name: place(part) for name, part in scheme.nodes}
    return layered.arrange(
        {name: (p.left, p.right, p.height, p.solid) for name, p in made.items()}, scheme.edges, scheme.entries,
        lambda name, dx, dy: made[name].at(dx, dy), Placed, scheme.loops, scheme.late, scheme.most,
    )  # fmt: skip


def picture(placed: Placed, margin: float = 1.0) -> Picture:
    """The picture of a placed scheme, its corner at the origin."""
    items = placed.at(placed.left + margin, margin)
    order = {Frame: 0, Arrow: 1, Box: 2, Joint: 3}
    items.sort(key=lambda item: order[type(item)])
    return Picture(placed.left + placed.right + 2 * margin, placed.height + 2 * margin, tuple(items))
