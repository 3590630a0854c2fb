"""Pieces of Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)]) + "\n"


def plain(text: str) -> str:
    """Text in which nothing is markup."""
    for mark in "\\`*_[]<>$":
        text = text.replace(mark, "\\" + mark)
    return text


def code(text: str) -> str:
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


def formula(latex: str) -> str:
    """A formula within a line, in Sphinx's own role, so that no dollar in the text can end it."""
    return "{math}`" + latex.replace("`", "'") + "`"


def display(latex: str) -> str:
    return f"```{{math}}\n{latex}\n```\n"


def contents(pages: Iterable[str], depth: int = 1) -> str:
    return "```{toctree}\n:maxdepth: " + str(depth) + "\n\n" + "\n".join(pages) + "\n```\n"


def first_sentence(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


_UNDERLINED = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_LITERAL = re.compile(r"``(.+?)``|`([^`\n]+)`", re.DOTALL)


def docstring(value: object) -> str:
    """A docstring of numpydoc: its paragraphs, then its sections, examples as code."""
    first, *rest = _UNDERLINED.split(inspect.getdoc(value) or "")
    said = [_prose(first)]
    for title, text in zip(rest[::2], rest[1::2]):
        body = text.strip("\n")
        if title == "Examples" or title == "Equation":
            said.append(f"**{title}**\n\n````{'pycon' if title == 'Examples' else 'text'}\n{body}\n````\n")
        elif title in ("Notes", "References", "See Also"):
            said.append(f"**{title}**\n\n{_prose(body)}")
        else:
            said.append(f"**{title}**\n\n{_items(body)}")
    return "\n".join(said)


def _prose(text: str) -> str:
    """Paragraphs; what holds examples or is set in is shown as it is written."""
    found = []
    for paragraph in text.strip().split("\n\n"):
        as_it_is = ">>>" in paragraph or paragraph.startswith(" ") or "::" in paragraph
        found.append(f"````text\n{paragraph}\n````" if as_it_is else _words(paragraph))
    return "\n\n".join(found) + "\n"


def _items(text: str) -> str:
    """Names with what they are, as a list."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith(" ") and found:
            found[-1].append(line.strip())
        elif line.strip():
            found.append([line])
    return (
        "\n".join(
            f"- {code(head.replace('`', ''))}" + (f": {_words(' '.join(more))}" if more else "")
            for head, *more in found
        )
        + "\n"
    )


def _words(text: str) -> str:
    parts = _LITERAL.split(" ".join(text.split()))
    return "".join(code(part) if place % 3 else plain(part) for place, part in enumerate(parts) if part)
