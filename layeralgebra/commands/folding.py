"""Lines that fit a width: broken at spaces, nothing cut.

>>> print(folded("held      add_commutative: on three samples, a theorem", 40))
held      add_commutative: on three
          samples, a theorem
"""

from __future__ import annotations

import re
import textwrap


def folded(text: str, width: int) -> str:
    """Every line in lines of at most so many characters; what continues it is indented as its second column, or as it is itself."""
    return "\n".join(_line(line, width) for line in text.splitlines())


def _line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    start = re.match(r"\s*(?:\S+\s{2,})?", line)
    below = " " * min(start.end() if start else 0, width // 2)
    return textwrap.fill(line, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)
