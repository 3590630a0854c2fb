"""How wide a text is in Helvetica and the fonts of its metrics (Arial, Liberation Sans, Nimbus Sans), in millimetres.

>>> round(text_width("Conv(64, 3)"), 1)
14.7
"""

from __future__ import annotations

import unicodedata

POINT = 25.4 / 72
SIZE = 8.0
"""The size of letters in points."""
_WIDTHS = {
    222: "'`ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-r", 334: "{}", 355: '"', 389: "*", 469: "^", 500: "Jcksvxyz·",
    556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~×−≤≥", 611: "FTZΣ", 667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm",
    889: "%", 944: "W", 1000: "…", 1015: "@",
}  # fmt: skip
_WIDTH = {letter: width / 1000 for width, letters in _WIDTHS.items() for letter in letters}
BOLDER = 1.09
"""Helvetica Bold is at most so much wider on average."""


def text_width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """The width of a line of text, letters beyond ASCII by what kind of letters they are."""
    return size * POINT * sum(map(_letter, text)) * (BOLDER if bold else 1)


def _letter(letter: str) -> float:
    if letter in _WIDTH:
        return _WIDTH[letter]
    if unicodedata.combining(letter):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(letter) in "FWA" or ord(letter) > 0xFFFF else 0.8
