"""Names of symbols as identifiers of a language, none used twice."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from ..interface import CompiledFormula


def identifiers(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Different identifiers for some names, close to them, that no language reserves."""
    found: list[str] = []
    for name in names:
        made = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not made or made[0].isdigit():
            made = "_" + made
        while made in found or made in taken or keyword.iskeyword(made) or made in _C_WORDS:
            made += "_"
        found.append(made)
    return found


_C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while".split()
)


def _described(compiled: CompiledFormula) -> str:
    text = "; ".join(str(expression) for expression in compiled.expressions)
    text = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"[\\'\"\n]", " ", text if len(text) <= 300 else text[:300] + "...")
