"""A graph in rows: every node below all that feed it, few crossings, long edges through gaps that are kept for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .picture import Arrow, Item, moved

GAP, SIDE = 6.0, 3.0
SWEEPS = 8


def arrange(
    nodes: Mapping[str, tuple[float, float, float, bool]],
    edges: Sequence[tuple[str, str]],
    entries: Sequence[str],
    drawn: Callable[[str, float, float], list[Item]],
    make: Callable[..., Any],
) -> Any:
    """The placed graph; nodes come as extents left and right of their axis, height, and whether arrows end at them."""
    size: dict[Any, tuple[float, float, float, bool]] = dict(nodes)
    arrows: list[tuple[Any, Any]] = list(edges)
    entry = ("entry",)
    if entries:
        size[entry] = (0.0, 0.0, 0.0, False)
        arrows += [(entry, name) for name in entries]
    before: dict[Any, list[Any]] = {node: [] for node in size}
    for a, b in arrows:
        before[b].append(a)
    row: dict[Any, int] = {}
    waiting = list(size)
    while waiting:
        ready = [node for node in waiting if all(other in row for other in before[node])]
        for node in ready:
            row[node] = max((row[other] + 1 for other in before[node]), default=0)
        waiting = [node for node in waiting if node not in row]
    chains: list[list[Any]] = []
    links: list[tuple[Any, Any]] = []
    for number, (a, b) in enumerate(arrows):
        chain = [a]
        for level in range(row[a] + 1, row[b]):
            bend = ("bend", number, level)
            size[bend], row[bend] = (0.8, 0.8, 0.0, False), level
            chain.append(bend)
        chain.append(b)
        chains.append(chain)
        links += zip(chain, chain[1:], strict=False)
    rows: list[list[Any]] = [[] for _ in range(max(row.values()) + 1)]
    for node, level in row.items():
        rows[level].append(node)
    x = _ordered(rows, links, size)
    items: list[Item] = []
    tops, y = [], 0.0
    heights = [max(size[node][2] for node in nodes_here) for nodes_here in rows]
    for level, height in enumerate(heights):
        tops.append(y)
        y += height + (GAP if level < len(rows) - 1 else 0.0)
    last = rows[-1][0] if len(rows[-1]) == 1 else max(rows[-1], key=lambda node: row[node])
    shift = x[last]
    for node in size:
        x[node] -= shift
    top_of = {node: tops[row[node]] + (heights[row[node]] - size[node][2]) / 2 for node in size}
    for node in nodes:
        items += drawn(node, x[node], top_of[node])
    for chain in chains:
        for place, (a, b) in enumerate(zip(chain, chain[1:], strict=False)):
            start, end = top_of[a] + size[a][2], top_of[b]
            foot, head = tops[row[a]] + heights[row[a]], tops[row[b]]
            reached = place == len(chain) - 2
            if start < foot:
                items.append(Arrow(((x[a], start), (x[a], foot)), head=False))
            direct = end == head
            items.append(Arrow(((x[a], foot), (x[b], head)), head=reached and direct and size[b][3], curved=True))
            if not direct:
                items.append(Arrow(((x[b], head), (x[b], end)), head=reached and size[b][3]))
            if not reached:
                items.append(Arrow(((x[b], head), (x[b], tops[row[b]] + heights[row[b]])), head=False))
    left = max(size[node][0] - x[node] for node in size)
    right = max(size[node][1] + x[node] for node in size)
    offset = 0.0
    if entries and abs(x[entry]) > 1e-9:  # entered on the axis
        offset = GAP / 2
        items = moved(items, 0.0, offset)
        items.append(Arrow(((0.0, 0.0), (x[entry], offset)), head=False, curved=True))
    return make(max(left, 0.0), max(right, 0.0), y + offset, items, solid=not entries, entered=bool(entries))


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
