r"""Which letter stands for what in one document: no letter for two things.

>>> letters = Letters()
>>> letters.size("W", "W")
'W'
>>> letters.tensor("Conv", "W", "W")
'w'
>>> letters.tensor("Conv", "x", "x"), letters.tensor("Linear", "x", "x")
('x', 'x')
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..records import dataclass

_GREEK = {
    "a": r"\alpha", "b": r"\beta", "c": r"\chi", "d": r"\delta", "e": r"\varepsilon", "f": r"\varphi", "g": r"\gamma",
    "h": r"\eta", "i": r"\iota", "k": r"\kappa", "l": r"\ell", "m": r"\mu", "n": r"\nu", "o": r"\omega", "p": r"\varpi",
    "q": r"\vartheta", "r": r"\rho", "s": r"\varsigma", "t": r"\tau", "u": r"\upsilon", "v": r"\upsilon", "w": r"\omega",
    "x": r"\xi", "y": r"\psi", "z": r"\zeta", "D": r"\Delta", "F": r"\Phi", "G": r"\Gamma", "L": r"\Lambda", "P": r"\Pi",
    "S": r"\Sigma", "T": r"\Theta", "U": r"\Upsilon", "W": r"\Omega", "X": r"\Xi", "Y": r"\Psi",
}  # fmt: skip
_ACCENTS = (r"\tilde", r"\hat", r"\bar", r"\vec")


@dataclass(frozen=True)
class Entry:
    """One line of a notation table: the symbol, of which kind it is, what it means, its size, and where it was met."""

    latex: str
    kind: str
    name: str
    meaning: str = ""
    size: str = ""
    scope: str = ""


def letter_of(latex: str) -> str:
    r"""The letter of a symbol without what is raised or lowered beside it.

    >>> letter_of("W^{a}"), letter_of(r"c_{\mathrm{out}}"), letter_of(r"\tilde{x}"), letter_of("c'")
    ('W', 'c', '\\tilde{x}', "c'")
    """
    found = re.match(
        r"(\\(?:tilde|hat|bar|vec|boldsymbol|mathbf|mathit|mathrm|text|mathcal)\{(?:[^{}]|\\[{}])*\}|\\[A-Za-z]+|.)('*)",
        latex,
    )
    return found[1] + found[2] if found else latex


def other_letters(latex: str) -> Iterator[str]:
    r"""What may stand in the place of a symbol whose letter is taken: the small letter, the Greek one, then accents.

    >>> from itertools import islice
    >>> list(islice(other_letters("W^{a}"), 4))
    ['w^{a}', '\\omega^{a}', '\\Omega^{a}', '\\tilde{W}^{a}']
    """
    letter = letter_of(latex)
    rest = latex[len(letter) :]
    plain = letter.rstrip("'")
    if len(plain) == 1:
        if plain.isupper():
            yield plain.lower() + rest
            if plain.lower() in _GREEK:
                yield _GREEK[plain.lower()] + rest
        if plain in _GREEK:
            yield _GREEK[plain] + rest
    if not plain.startswith((r"\tilde", r"\hat", r"\bar", r"\vec")):
        for accent in _ACCENTS:
            yield rf"{accent}{{{plain}}}" + rest
    number = 2
    while True:
        yield rf"\tilde{{{plain}}}_{{({number})}}" + rest
        number += 1


class Letters:
    """What is given so far, first come first served; sizes, tensors and indices are of different kinds.

    Tensors and indices belong to an equation (their `scope`), and equations may use the same letter for their own; sizes belong to the
    document.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, str], Entry] = {}
        self.kinds: dict[str, str] = {}
        self.kept: set[str] = set()

    def keep(self, symbols: Iterable[str]) -> None:
        """Symbols that stay for what is to come."""
        self.kept.update(map(letter_of, symbols))

    def size(self, name: str, wanted: str, meaning: str = "") -> str:
        """The symbol of a size."""
        return self._of("size", "", name, wanted, meaning)

    def tensor(
        self, scope: str, name: str, wanted: str, meaning: str = "", size: str = "", own: Iterable[str] = ()
    ) -> str:
        """The symbol of a tensor of an equation; `own` are the letters that the equation has otherwise."""
        return self._of("tensor", scope, name, wanted, meaning, size, own)

    def index(self, scope: str, name: str, wanted: str, size: str = "") -> str:
        """The symbol of an index of an equation."""
        return self._of("index", scope, name, wanted, "index", size)

    def _of(
        self, kind: str, scope: str, name: str, wanted: str, meaning: str = "", size: str = "", own: Iterable[str] = ()
    ) -> str:
        known = self.entries.get((kind, scope, name))
        if known is not None:
            if meaning and not known.meaning or size and not known.size:
                self.entries[kind, scope, name] = Entry(
                    known.latex, kind, name, known.meaning or meaning, known.size or size, scope
                )
            return known.latex
        chosen = wanted
        if not self._free(kind, wanted):
            taken = set(own) | {
                letter_of(entry.latex)
                for entry in self.entries.values()
                if entry.kind != "tensor" or entry.scope == scope
            }
            options = _primed(wanted) if kind == "index" else other_letters(wanted)
            chosen = next(one for one in options if letter_of(one) not in taken and self._free(kind, one))
        self.entries[kind, scope, name] = Entry(chosen, kind, name, meaning, size, scope)
        self.kinds.setdefault(self._key(kind, chosen), kind)
        return chosen

    def _key(self, kind: str, latex: str) -> str:
        return letter_of(latex) if kind == "tensor" else latex

    def _free(self, kind: str, latex: str) -> bool:
        """Whether nothing of another kind has the symbol; a tensor, which has indices itself, needs a letter of its own."""
        letter = letter_of(latex)
        for taken, of in self.kinds.items():
            if of == kind:
                continue
            if letter_of(taken) == letter if "tensor" in (kind, of) else taken == latex:
                return False
        return not (kind != "size" and letter in self.kept)


def _primed(latex: str) -> Iterator[str]:
    letter = letter_of(latex)
    rest = latex[len(letter) :]
    while True:
        letter += "'"
        yield letter + rest
