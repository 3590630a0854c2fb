r"""Mathematics on lines of a given width: before relations and signs, inside brackets only where there is no other way.

>>> broken(r"H^{2} c + H W c^{2} + W^{2} c^{3}", 60)
['H^{2} c + H W c^{2}', '+ W^{2} c^{3}']
>>> broken(r"c {(H + W + 1)}^{2}", 45)
['c (H + W', '+ 1)^{2}']
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .measured import Piece, pieces, total, width_of

#: What a break costs: before a relation, before a sign, behind a comma, between factors; and for every bracket around it.
_RELATION, _SIGN, _COMMA, _FACTORS, _BRACKET, _LINE, _WORDS = 0, 4, 10, 45, 65, 60, 6
_NEVER = float("inf")


def broken(latex: str, width: float, first: float | None = None) -> list[str]:
    """The lines of mathematics, none wider than `width` points if there is a way.

    Parameters
    ----------
    latex : str
    width : float
        In points, of type of 10 pt.
    first : float, optional
        The width of the first line, if it is another.

    Returns
    -------
    list of str
        Each for math mode; together they say what `latex` says.
    """
    room = width * 100  # thousandths of 10 pt
    start = room if first is None else first * 100
    parts = pieces(latex)
    if total(parts) <= start:
        return [latex.strip()]
    lines = _texts(_fitting(parts, room, start), room, start)
    if all(width_of(line) * 100 <= (start if not place else room) for place, line in enumerate(lines)):
        return lines
    others = _texts(_fitting(parts, room, start, keep=False), room, start)
    return min(lines, others, key=lambda found: max(map(width_of, found)))


def _fitting(parts: list[Piece], room: float, start: float, keep: bool = True) -> list[Piece]:
    """The pieces, with those that are too wide for a line in smaller pieces, and groups of brackets without their braces."""
    found: list[Piece] = []
    for part in parts:
        makes_lines = part.opened is not None and (part.width > 0.3 * min(room, start) or part.text.startswith("{("))
        if makes_lines and part.opened is not None and not (keep and _is_fraction(part, min(room, start))):
            found += _fitting(part.opened(), room, start, keep)
        else:
            found.append(part)
    return found


def _is_fraction(part: Piece, room: float) -> bool:
    """Fractions, roots and words stay whole where they fit on a line."""
    return part.text.startswith((r"\frac", r"\sqrt", r"\text", r"\mathit")) and part.width <= room


def _costs(parts: Sequence[Piece]) -> list[float]:
    """What a break before each piece costs."""
    found, depth = [_NEVER], parts[0].kind == "open"
    level = int(depth)
    for before, part in zip(parts, parts[1:]):
        inside = level - (part.kind == "close")
        cost = _cost(before, part)
        found.append(cost + _BRACKET * max(inside, 0) ** 1.2 if cost != _NEVER else cost)
        level += (part.kind == "open") - (part.kind == "close")
    return found


def _cost(before: Piece, part: Piece) -> float:
    if "{=}" in (before.text, part.text):
        return _NEVER
    signs = part.kind in ("relation", "binary")
    if part.kind in ("close", "comma") or before.kind in ("open", "relation", "binary"):
        return _NEVER
    if before.kind == "operator" and not signs:
        return _NEVER
    if part.kind == "relation":
        return _RELATION + 8 * (part.text in ("=", "<", ":") or part.text in (r"\le", r"\in", r"\mid"))
    if part.kind == "binary":
        return _SIGN
    if before.kind == "comma":
        return _COMMA
    if before.kind == "space":
        return (
            _RELATION
            if before.text in (r"\quad", r"\enspace", r"\qquad")
            else _FACTORS
            if before.text == r"\,"
            else _NEVER
        )
    if part.kind == "space":
        return _NEVER
    if _is_words(before) or _is_words(part):
        return _WORDS
    if "/" in (part.text, before.text) or part.text[:1] in ("^", "_", "!", "'"):
        return _NEVER
    if part.kind == "open" and _names(before):
        return _NEVER
    return _FACTORS


def _names(before: Piece) -> bool:
    """Whether a bracket behind it may hold arguments."""
    return before.text.startswith("\\") and not before.text.startswith(
        (r"\frac", r"\sqrt", r"\mathit", r"\lceil", r"\lfloor", r"\right")
    )


def _texts(parts: list[Piece], room: float, start: float) -> list[str]:
    costs = _costs(parts)
    starts = [0, *(place for place in range(1, len(parts)) if costs[place] < _NEVER), len(parts)]
    best: dict[int, tuple[float, int]] = {0: (0.0, -1)}
    for at, end in enumerate(starts[1:], 1):
        found = (_NEVER, -1)
        for begin in reversed(starts[:at]):
            wide = total(_trimmed(parts[begin:end]))
            limit = start if begin == 0 else room
            over = max(0.0, wide - limit)
            if over and found[0] < _NEVER:
                break
            slack = max(0.0, limit - wide) / limit
            price = best[begin][0] + _LINE + 12 * slack**2 + (costs[begin] if begin else 0) + over * 10
            if price < found[0]:
                found = (price, begin)
        best[end] = found
    cuts, place = [], len(parts)
    while place > 0:
        cuts.append((best[place][1], place))
        place = best[place][1]
    return _written(parts, cuts[::-1])


def _trimmed(parts: Sequence[Piece]) -> list[Piece]:
    made = list(parts)
    while made and made[-1].kind == "space":
        made.pop()
    while made and made[0].kind == "space":
        made.pop(0)
    return made


def _written(parts: Sequence[Piece], cuts: Sequence[tuple[int, int]]) -> list[str]:
    """The lines; brackets that stand on two of them get a size of their own."""
    line_of = {id(part.pair): [] for part in parts if part.pair is not None}  # type: dict[int, list[int]]
    for number, (begin, end) in enumerate(cuts):
        for part in parts[begin:end]:
            if part.pair is not None:
                line_of[id(part.pair)].append(number)
    lines = []
    for begin, end in cuts:
        row = []
        for part in parts[begin:end]:
            apart = part.pair is not None and len(set(line_of[id(part.pair)])) > 1
            row.append(_sized(part) if apart else part)
        row = _trimmed(row)
        text = joined(row)
        before = parts[begin - 1] if begin else None
        if before is not None and row and _is_factor(before, row[0]):
            text = rf"\cdot {text}"
        elif before is not None and row and row[0].kind == "words":
            text = text.lstrip()
        lines.append(text)
    return [line for line in lines if line]


def _is_factor(before: Piece, part: Piece) -> bool:
    """Whether a break stands between two factors, which needs a sign."""
    if before.kind == "space":
        return before.text == r"\,"
    if _is_words(before) or _is_words(part):
        return False
    return (
        before.kind in ("ordinary", "close")
        and part.kind in ("ordinary", "open", "operator")
        and not part.text.startswith(("+", "-"))
    )


def _is_words(part: Piece) -> bool:
    return part.kind == "words" or part.text.startswith(r"\text")


def _sized(part: Piece) -> Piece:
    if part.text.startswith(r"\left"):
        return replace(part, text=rf"\bigl{part.text[5:]}")
    if part.text.startswith(r"\right"):
        return replace(part, text=rf"\bigr{part.text[6:]}")
    return part


def joined(parts: Sequence[Piece]) -> str:
    """Pieces as LaTeX again."""
    text = ""
    for part in parts:
        glued = not text or part.kind in ("close", "comma") or part.text == "/" or text.endswith(("(", "[", "/"))
        text += part.text if glued and not _runs_on(text, part.text) else f" {part.text}"
    return text.strip()


def _runs_on(text: str, more: str) -> bool:
    """Whether a command would take in the letters behind it."""
    return bool(re.search(r"\\[A-Za-z]+\Z", text)) and more[:1].isalpha()
