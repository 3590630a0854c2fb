"""Every link of a built site leads to a page and a place that are there; links to other sites are not followed.

>>> where("a/b.html", "../c.html#d"), where("a/b.html", "#x"), where("a/b.html", "https://example.org")
(('c.html', 'd'), ('a/b.html', 'x'), None)
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Links(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if value and (key == "id" or (tag == "a" and key == "name")):
                self.places.add(value)
            elif value and key in ("href", "src"):
                self.links.append(value)


def where(page: str, link: str) -> tuple[str, str] | None:
    """The file and the place that a link of a page means, None for another site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
    return path, unquote(parts.fragment)


def broken(folder: Path) -> Iterator[str]:
    """What links of a site lead nowhere, each in a line."""
    pages = {
        path.relative_to(folder).as_posix(): Links(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")
    }
    for page, found in sorted(pages.items()):
        for link in dict.fromkeys(found.links):
            target = where(page, link)
            if target is None:
                continue
            path, place = target
            if not (folder / path).exists():
                yield f"{page}: {link}: there is no such file"
            elif place and path in pages and place not in pages[path].places:
                yield f"{page}: {link}: there is no such place"
