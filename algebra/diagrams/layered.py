"""A graph in rows: every node below all that feed it, few crossings, long edges through gaps that are kept for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .picture import Arrow, Item, moved

GAP, SIDE = 6.0, 3.0
LANE = 1.8
SWEEPS = 8


def arrange(
    nodes: Mapping[str, tuple[float, float, float, bool]],
    edges: Sequence[tuple[str, str]],
    entries: Sequence[str],
    drawn: Callable[[str, float, float], list[Item]],
    make: Callable[..., Any],
    loops: Sequence[tuple[str, str]] = (),
    late: Collection[str] = (),
    most: int | None = None,
) -> Any:
    """The placed graph; nodes come as extents left and right of their axis, height, and whether arrows end at them.

    Loops lead from below a node around all others to the top of another one.
    """
    size: dict[Any, tuple[float, float, float, bool]] = dict(nodes)
    arrows: list[tuple[Any, Any]] = list(edges)
    entry = ("entry",)
    if entries:
        size[entry] = (0.0, 0.0, 0.0, False)
        arrows += [(entry, name) for name in entries]
    before: dict[Any, list[Any]] = {node: [] for node in size}
    for a, b in arrows:
        before[b].append(a)
    row = _rows(before, late, most)
    links: dict[tuple[Any, Any], None] = {}
    bends: dict[Any, None] = {}
    for a, b in arrows:
        last = a
        for level in range(row[a] + 1, row[b]):  # one line for all that a node feeds, as far down as they share it
            bend = ("bend", a, level)
            size[bend], row[bend] = (0.8, 0.8, 0.0, False), level
            bends[bend] = None
            links[last, bend] = None
            last = bend
        links[last, b] = None
    rows: list[list[Any]] = [[] for _ in range(max(row.values()) + 1)]
    for node, level in row.items():
        rows[level].append(node)
    x = _ordered(rows, list(links), size)
    items: list[Item] = []
    tops, y = [], 0.0
    arriving = [[end for _, end in loops if row[end] == level] for level in range(len(rows))]
    leaving = [[start for start, _ in loops if row[start] == level] for level in range(len(rows))]
    heights = [
        max(size[node][2] for node in nodes_here) + LANE * (len(arriving[level]) + len(leaving[level]))
        for level, nodes_here in enumerate(rows)
    ]
    for level, height in enumerate(heights):
        tops.append(y)
        y += height + (GAP if level < len(rows) - 1 else 0.0)
    last = rows[-1][0] if len(rows[-1]) == 1 else max(rows[-1], key=lambda node: row[node])
    shift = x[last]
    for node in size:
        x[node] -= shift
    top_of = {}
    for node, level in row.items():
        spare = heights[level] - size[node][2] - LANE * (len(arriving[level]) + len(leaving[level]))
        top_of[node] = tops[level] + LANE * len(arriving[level]) + (spare / 2 if spare > GAP / 4 else 0.0)
    for node in nodes:
        items += drawn(node, x[node], top_of[node])
    band = {node: (tops[level], tops[level] + heights[level]) for node, level in row.items()}
    for a, b in links:
        direct = band[b][0] == top_of[b]
        head = b not in bends and direct and size[b][3]
        items.append(Arrow(((x[a], band[a][1]), (x[b], band[b][0])), head=head, curved=True))
    for bend in bends:
        items.append(Arrow(((x[bend], band[bend][0]), (x[bend], band[bend][1])), head=False))
    for a in dict.fromkeys(a for a, _ in links if a not in bends):
        if top_of[a] + size[a][2] < band[a][1]:
            items.append(Arrow(((x[a], top_of[a] + size[a][2]), (x[a], band[a][1])), head=False))
    for b in dict.fromkeys(b for _, b in links if b not in bends):
        if band[b][0] < top_of[b]:
            items.append(Arrow(((x[b], band[b][0]), (x[b], top_of[b])), head=size[b][3]))
    left = max(size[node][0] - x[node] for node in size)
    right = max(size[node][1] + x[node] for node in size)
    lanes: list[tuple[int, int, float]] = []
    for start, end in sorted(loops, key=lambda loop: row[loop[0]] - row[loop[1]]):
        foot = band[start][1] - LANE * (leaving[row[start]].index(start) + 0.5)
        top = band[end][0] + LANE * (arriving[row[end]].index(end) + 0.5)
        lane = _lane(x, size, row, lanes, start, end)
        lanes.append((row[end], row[start], lane))
        around = ((x[start], foot), (lane, foot), (lane, top), (x[end], top))
        items.append(Arrow(((x[start], top_of[start] + size[start][2]), *around, (x[end], top_of[end])), skip=True))
        left, right = max(left, 0.4 - lane), max(right, lane + 0.4)
    offset = 0.0
    if entries and abs(x[entry]) > 1e-9:  # entered on the axis
        offset = GAP / 2
        items = moved(items, 0.0, offset)
        items.append(Arrow(((0.0, 0.0), (x[entry], offset)), head=False, curved=True))
    return make(max(left, 0.0), max(right, 0.0), y + offset, items, solid=not entries, entered=bool(entries))


def _rows(before: Mapping[Any, Sequence[Any]], late: Collection[Any], most: int | None) -> dict[Any, int]:
    """The row of every node, below all that feed it; nodes in `late` that nothing feeds come just before what they feed."""
    row: dict[Any, int] = {}
    waiting = list(before)
    while waiting:
        ready = [node for node in waiting if all(other in row for other in before[node])]
        for node in ready:
            row[node] = max((row[other] + 1 for other in before[node]), default=0)
        waiting = [node for node in waiting if node not in row]
    for node in late:
        fed = [row[other] for other, feeding in before.items() if node in feeding]
        if not before[node] and fed:
            row[node] = min(fed) - 1
    if most is None:
        return row
    full: dict[int, int] = {}
    found: dict[Any, int] = {}
    for node in sorted(before, key=row.__getitem__):
        place = max([row[node], *(found[other] + 1 for other in before[node])])
        while full.get(place, 0) >= most:
            place += 1
        full[place] = full.get(place, 0) + 1
        found[node] = place
    return {node: found[node] for node in row}


def _lane(
    x: Mapping[Any, float],
    size: Mapping[Any, Any],
    row: Mapping[Any, int],
    lanes: Sequence[tuple[int, int, float]],
    start: Any,
    end: Any,
) -> float:
    """Where a loop passes everything between the rows of its ends, on the side on which it is shorter."""
    beside = [node for node in size if row[end] <= row[node] <= row[start]]
    others = [lane for first, last, lane in lanes if first <= row[start] and row[end] <= last]
    right = max([*(x[node] + size[node][1] for node in beside), *others]) + SIDE
    left = min([*(x[node] - size[node][0] for node in beside), *others]) - SIDE
    middle = (x[start] + x[end]) / 2
    return right if right - middle <= middle - left else left


def _ordered(rows: list[list[Any]], links: Sequence[tuple[Any, Any]], size: Mapping[Any, Any]) -> dict[Any, float]:
    """Orders of the rows by the means of neighbours, and places as near to these means as extents allow."""
    up: dict[Any, list[Any]] = {node: [] for node in size}
    down: dict[Any, list[Any]] = {node: [] for node in size}
    for a, b in links:
        down[a].append(b)
        up[b].append(a)
    x: dict[Any, float] = {}
    for nodes in rows:
        _pack(nodes, {node: 0.0 for node in nodes}, size, x)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for nodes in rows if downwards else rows[::-1]:
            near = up if downwards else down
            wanted = {
                node: sum(x[other] for other in near[node]) / len(near[node]) if near[node] else x[node]
                for node in nodes
            }
            nodes.sort(key=wanted.__getitem__)
            _pack(nodes, wanted, size, x)
    return x


def _pack(nodes: Sequence[Any], wanted: Mapping[Any, float], size: Mapping[Any, Any], x: dict[Any, float]) -> None:
    """The places nearest to the wanted ones, in squares, at which neighbours keep their distance."""
    offset, starts = 0.0, []
    for place, node in enumerate(nodes):
        if place:
            offset += size[nodes[place - 1]][1] + SIDE + size[node][0]
        starts.append(offset)
    pools: list[list[float]] = []  # mean and count of nodes that touch
    for node, start in zip(nodes, starts, strict=True):
        pools.append([wanted[node] - start, 1])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, count = pools.pop()
            other, more = pools[-1]
            pools[-1] = [(mean * count + other * more) / (count + more), count + more]
    means = [mean for mean, count in pools for _ in range(int(count))]
    for node, start, mean in zip(nodes, starts, means, strict=True):
        x[node] = mean + start
