r"""LaTeX mathematics taken apart into pieces that know how wide they are, so that lines can be broken before TeX sees them.

>>> [piece.text for piece in pieces(r"x_{i} + \frac{1}{2} y")]
['x_{i}', '+', '\\frac{1}{2}', 'y']
>>> round(width_of(r"x + y"), 1)
23.2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from ..records import dataclass
from .widths import (
    BINARY,
    CLOSING,
    ITALIC,
    NAMED,
    OPENING,
    OPERATORS,
    RELATIONS,
    ROMAN,
    SCRIPT,
    SPACES,
    TYPEWRITER,
    roman,
)  # fmt: skip

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|[0-9]+(?:\\,[0-9]{3})*(?:\.[0-9]+)?|.", re.DOTALL)
#: What stands between two pieces, in thousandths: as TeX does it.
_AROUND = {"binary": 222, "relation": 278, "comma": 167}
_UPRIGHT = {"mathrm", "operatorname", "operatorname*", "mathsf"}


@dataclass(frozen=True)
class Piece:
    """Something that TeX keeps on one line.

    Attributes
    ----------
    text : str
    width : float
        In thousandths of the size of the type.
    kind : str
        ordinary, binary, relation, comma, operator, open, close, space or words.
    opened : callable, optional
        Makes the smaller pieces that may stand in its place, where it is too wide.
    pair : object
        The same for the opening and the closing bracket that belong together.
    """

    text: str
    width: float
    kind: str = "ordinary"
    opened: Callable[[], list["Piece"]] | None = field(default=None, compare=False, repr=False)
    pair: object = field(default=None, compare=False, repr=False)


def pieces(latex: str) -> list[Piece]:
    """The pieces of mathematics, from left to right."""
    return _Parser(latex).all()


def total(parts: Sequence[Piece]) -> float:
    """How wide pieces are side by side."""
    found, before = 0.0, ""
    for part in parts:
        if before == "comma" and part.kind != "close":
            found += _AROUND["comma"]
        elif "operator" in (before, part.kind) and before not in ("", "open", "binary", "relation", "space"):
            found += 167 if part.kind not in ("close", "open", "binary", "relation", "comma", "space") else 0
        found += part.width + 2 * (_AROUND[part.kind] if part.kind in ("binary", "relation") else 0)
        before = part.kind
    return found


def width_of(latex: str, size: float = 10) -> float:
    """About how wide mathematics is, in points."""
    return total(pieces(latex)) * size / 1000


def text_width(latex: str, size: float = 10) -> float:
    r"""About how wide text is that may hold mathematics between dollars, in points.

    >>> text_width("layer") < text_width(r"\texttt{layer}") < text_width("layer $c^{2}$ and more")
    True
    """
    found = 0.0
    for place, part in enumerate(re.split(r"(?<!\\)\$", latex)):
        found += total(pieces(part)) if place % 2 else _words(part)
    return found * size / 1000


def _words(text: str) -> float:
    found = 0.0
    for typed, plain in re.findall(r"\\texttt\{((?:[^{}\\]|\\.|\{\})*)\}|((?:(?!\\texttt\{).)+)", text, re.DOTALL):
        if typed:
            found += TYPEWRITER * len(_bare(typed))
        found += roman(_bare(plain))
    return found


def _bare(text: str) -> str:
    """The characters of text that are seen."""
    text = text.replace(r"\allowbreak{}", "").replace(r"\,", " ")
    text = re.sub(r"\\text(asciicircum|asciitilde|less|greater|bar|backslash)\{\}", "x", text)
    text = re.sub(r"\\(textbf|textit|emph|textsc|textsuperscript|mbox|allowbreak|noindent|smallskip)\b\s?", "", text)
    text = re.sub(r"\\([^A-Za-z])", r"\1", text)
    return re.sub(r"\\[A-Za-z]+ ?|[{}]", "", text)


class _Parser:
    """Reads LaTeX from left to right; whatever it does not know is as wide as its letters."""

    def __init__(self, latex: str):
        self.tokens = _TOKEN.findall(latex)
        self.place = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.place += 1
        return token

    def all(self, ends: Sequence[str] = ()) -> list[Piece]:
        """Every piece up to one of the ends, which is left where it is."""
        found: list[Piece] = []
        open_brackets: list[object] = []
        while self.place < len(self.tokens) and self.next not in ends:
            if self.next.isspace():
                self.take()
                continue
            made = self.piece()
            if made is None:
                continue
            made = self.scripted(made)
            if made.kind == "binary" and (
                not found or found[-1].kind in ("binary", "relation", "comma", "open", "operator")
            ):
                made = replace(made, kind="ordinary")
            if made.kind == "open":
                open_brackets.append(object())
                made = replace(made, pair=open_brackets[-1])
            elif made.kind == "close" and open_brackets:
                made = replace(made, pair=open_brackets.pop())
            found.append(made)
        return found

    def argument(self) -> tuple[str, list[Piece]]:
        """What stands in braces, as text and as pieces; or one token."""
        while self.next.isspace():
            self.take()
        start = self.place
        if self.next != "{":
            made = self.piece()
            return "".join(self.tokens[start : self.place]), [made] if made else []
        self.take()
        inside = self.all(("}",))
        text = "".join(self.tokens[start + 1 : self.place])
        self.take()
        return text, inside

    def raw(self) -> str:
        """The text of an argument that is no mathematics."""
        while self.next.isspace():
            self.take()
        if self.next != "{":
            return self.take()
        depth, start = 0, self.place
        while self.place < len(self.tokens):
            token = self.take()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
        return "".join(self.tokens[start + 1 : self.place - 1])

    def scripted(self, piece: Piece) -> Piece:
        """The piece with what is raised and lowered behind it."""
        text, widths = "", [0.0]
        while self.next in ("^", "_", "'"):
            sign = self.take()
            if sign == "'":
                text, widths = text + "'", [*widths, 275 * SCRIPT]
                continue
            inside, parts = self.argument()
            text += f"{sign}{{{inside}}}"
            widths.append(total(parts) * SCRIPT + 50)
        if not text:
            return piece
        inner = piece.opened
        opened = None
        if inner is not None:

            def opened() -> list[Piece]:
                found = inner()
                last = found[-1]
                if last.kind != "close":
                    around = object()
                    found = [Piece("(", 389, "open", pair=around), *found]
                    last = Piece(")", 389, "close", pair=around)
                    return [*found, replace(last, text=")" + text, width=389 + max(widths))]
                return [*found[:-1], replace(last, text=last.text + text, width=last.width + max(widths))]

        # At the side, also where TeX would set limits below.
        return replace(piece, text=piece.text + text, width=piece.width + max(widths), opened=opened)

    def piece(self) -> Piece | None:
        token = self.take()
        if token == "{":
            return self.group()
        if token in ("}", "&"):
            return None
        if token in ("^", "_"):
            self.place -= 1
            return Piece("{}", 0)
        if token.startswith("\\"):
            return self.command(token, token[1:])
        if token == ",":
            return Piece(token, 278, "comma")
        if token in ("-", "+", "*"):
            return Piece(token, 778 if token != "*" else 500, "binary")
        if token[0].isdigit():
            return Piece(token, 500 * sum(map(str.isdigit, token)) + 167 * token.count(",") + 278 * token.count("."))
        width = ITALIC.get(token) or sum(ROMAN.get(letter, 600) for letter in token)
        kind = next((k for k, all_ in _KINDS if token in all_), "ordinary")
        return Piece(token, width, kind)

    def group(self) -> Piece:
        start = self.place
        inside = self.all(("}",))
        text = "".join(self.tokens[start : self.place])
        self.take()
        return Piece(f"{{{text}}}", total(inside), opened=(lambda: inside) if len(inside) > 1 else None)

    def command(self, token: str, name: str) -> Piece | None:
        if name in ("left", "big", "bigl", "Big", "Bigl"):
            return self.tall() if name == "left" else self.piece()
        if name in ("bigr", "Bigr", "right"):
            return self.piece()
        if name in SPACES:
            return Piece(token, SPACES[name], "space")
        if name in ("frac", "tfrac", "dfrac"):
            return self.fraction(token)
        if name == "sqrt":
            text, inside = self.argument()

            def root() -> list[Piece]:
                around = object()
                return [Piece("(", 389, "open", pair=around), *inside, Piece(")^{1/2}", 1500, "close", pair=around)]

            return Piece(rf"\sqrt{{{text}}}", total(inside) + 833, opened=root)
        if name in ("text", "textrm", "mbox", "textit", "textbf", "texttt", "mathit", "mathtt"):
            return self.words(token, name)
        if name in _UPRIGHT:
            text = self.raw()
            plain = _bare(text)
            kind = "operator" if "operatorname" in name else "ordinary"
            return Piece(f"{token}{{{text}}}", roman(plain), kind)
        if name in ("boldsymbol", "mathbf", "mathbb", "mathcal", "tilde", "hat", "bar", "vec", "dot", "underline"):
            text, inside = self.argument()
            bold = 1.15 if name in ("boldsymbol", "mathbf", "mathbb") else 1.0
            return Piece(f"{token}{{{text}}}", total(inside) * bold)
        if name == "mathrel":
            text, inside = self.argument()
            return Piece(rf"\mathrel{{{text}}}", 1556, "relation")
        if name in ("mathbin", "mathop", "mathord"):
            text, inside = self.argument()
            return Piece(f"{token}{{{text}}}", total(inside), "binary" if name == "mathbin" else "operator")
        if name in ("underbrace", "overbrace"):
            text, inside = self.argument()
            return Piece(f"{token}{{{text}}}", total(inside))
        if name == "phantom":
            text, inside = self.argument()
            return Piece(f"{token}{{{text}}}", total(inside), "space")
        if name == "begin":
            return self.environment()
        if name in ("displaystyle", "textstyle", "limits", "nolimits"):
            return None
        if name in ("num", "qty", "eqref", "ref", "label", "tag", "notag", "nonumber"):
            text = self.raw() if self.next == "{" else ""
            return Piece(f"{token}{{{text}}}" if text else token, roman(text) if name in ("num", "eqref", "tag") else 0)
        kind = next((k for k, all_ in _KINDS if name in all_), "ordinary")
        return Piece(token, NAMED.get(name, ROMAN.get(name, 600)), kind)

    def tall(self) -> Piece:
        left = self.take()
        start = self.place
        inside = self.all((r"\right",))
        text = "".join(self.tokens[start : self.place])
        self.take()
        right = self.take()
        around = object()

        def opened() -> list[Piece]:
            return [
                Piece(rf"\left{left}", 600, "open", pair=around), *inside, Piece(rf"\right{right}", 600, "close", pair=around),
            ]  # fmt: skip

        return Piece(rf"\left{left}{text}\right{right}", total(inside) + 1200, opened=opened)

    def fraction(self, token: str) -> Piece:
        (over, above), (under, below) = self.argument(), self.argument()
        wide = max(total(above), total(below))

        def opened() -> list[Piece]:
            return [*_held(above), Piece("/", 500), *_held(below)]

        return Piece(f"{token}{{{over}}}{{{under}}}", wide + 240, opened=opened)

    def words(self, token: str, name: str) -> Piece:
        text = self.raw()
        typed = name in ("texttt", "mathtt")

        def wide(words: str) -> float:
            if typed:
                return TYPEWRITER * len(_bare(words))
            return (text_width(words, 1000) if "$" in words else roman(_bare(words))) * 1.03

        def opened() -> list[Piece]:
            found = re.findall(r"\s*(?:\$[^$]*\$|[^\s$])+\s*\Z|\s*(?:\$[^$]*\$|[^\s$])+\s*|\s+", text)
            return [Piece(f"{token}{{{word}}}", wide(word), "words") for word in found]

        whole = text.count("$") % 2 == 1 or " " not in re.sub(r"\$[^$]*\$", "", text.strip())
        return Piece(f"{token}{{{text}}}", wide(text), opened=None if whole else opened)

    def environment(self) -> Piece:
        name = self.raw()
        if name in ("array", "tabular"):
            self.raw()
        start, depth = self.place, 1
        while self.place < len(self.tokens) and depth:
            token = self.take()
            if token in (r"\begin", r"\end"):
                depth += 1 if token == r"\begin" else -1
        body = "".join(self.tokens[start : self.place - 1])
        self.raw()
        wide = max((sum(total(pieces(cell)) for cell in row) for row in rows_of(body)), default=0.0)
        extra = {"cases": 1700, "aligned": 200}.get(name, 400)
        return Piece(rf"\begin{{{name}}}{body}\end{{{name}}}", wide + extra)


def rows_of(body: str) -> Iterator[list[str]]:
    """The cells of an environment, row by row."""
    depth, cell = 0, ""
    row: list[str] = []
    for token in _TOKEN.findall(body):
        depth += token in ("{", r"\begin")
        depth -= token in ("}", r"\end")
        if depth == 0 and token == r"\\":
            yield [*row, cell]
            row, cell = [], ""
        elif depth == 0 and token == "&":
            row, cell = [*row, cell], ""
        else:
            cell += token
    if row or cell.strip():
        yield [*row, cell]


def _held(parts: list[Piece]) -> list[Piece]:
    """Pieces in brackets unless they are one."""
    if len(parts) <= 1:
        return parts
    around = object()
    return [Piece("(", 389, "open", pair=around), *parts, Piece(")", 389, "close", pair=around)]


_KINDS = (
    ("binary", BINARY), ("relation", RELATIONS), ("operator", OPERATORS), ("open", OPENING), ("close", CLOSING),
)  # fmt: skip
