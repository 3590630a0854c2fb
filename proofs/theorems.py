"""What is proved in Coq of all networks, and why other laws about networks are only tried on samples.

A law about networks is a theorem for all of them if the files in ``proofs/coq/networks`` have a theorem of its name.

>>> print(theorems()["macs_series"])
forall f g s, counts Macs (f >> g) s = counts Macs f s + counts Macs g (output_shape f s)
>>> reason("linear_maps")
'speaks of the numbers of particular layers, which the networks of the theorems leave open; both sides are run'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parent / "coq" / "networks"
#: The files, each after those that it requires.
FILES = ("definitions", "carriers", "shapes", "counts", "depth", "parameters", "fields", "running")

_THEOREM = re.compile(r"^Theorem (\w+) : (.*?)\.\s*\nProof\.", re.MULTILINE | re.DOTALL)
_NUMBERS = (
    "speaks of the numbers of particular layers, which the networks of the theorems leave open; both sides are run"
)
#: Why laws of a subject have no theorem for all networks.
_SAMPLED = {
    "counted_regions": "a bound on what is counted by enumeration, region by region; the bounds are theorems of their papers",
    "equivalences": "compares the equations of particular layers; what it says of sizes is proved in the laws that it rests on",
    "folded_normalization": _NUMBERS,
    "linear_maps": _NUMBERS,
    "passages": _NUMBERS,
}


def sources() -> dict[str, str]:
    """The files by their names, in the order in which they require each other."""
    return {f"{name}.v": (FOLDER / f"{name}.v").read_text(encoding="utf-8") for name in FILES}


@lru_cache(maxsize=1)
def theorems() -> Mapping[str, str]:
    """What is stated of all networks, by the names of the theorems."""
    found = {name: " ".join(said.split()) for text in sources().values() for name, said in _THEOREM.findall(text)}
    return MappingProxyType(found)


def reason(subject: str) -> str:
    """Why the laws of a subject are only tried on samples."""
    return _SAMPLED.get(subject, "no theorem has been written for it")
