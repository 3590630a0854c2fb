"""Laws of the algebra, checked and proved.

A law is a plain function that returns two sides; the runner decides it, on several routes that know nothing of each
other. What is proved is the law about formulas; that the code computes by these formulas is tested, never proved.

>>> from layeralgebra import proofs
>>> law = proofs.named("nested_floor")
>>> print(law)
nested_floor: for all integers x, m >= 1, n >= 1: x//m//n = x//(m*n)
>>> print(proofs.attempt(law, "galois"))
proved (galois): the same integers lie below both sides
>>> print(proofs.refute(law.mutants[0].statement))
refuted: x=1, m=1, n=2: 0 = 1 is false
"""

from __future__ import annotations

import importlib
from typing import Any

from . import laws
from .law import Law, law, named, weakened

# Where the other public names are; each is imported when it is first used, and the solvers only by the routes that
# need them.
_ELSEWHERE = {
    "Proved": ".verdict",
    "Refuted": ".verdict",
    "Undecided": ".verdict",
    "Certificate": ".verdict",
    "Witness": ".verdict",
    "Statement": ".statements.statement",
    "ProofTable": ".report",
    "prove": ".report",
    "attempt": ".provers",
    "refute": ".provers.refutation",
    "check": ".checks.check",
    "Report": ".checks.check",
    "assert_lawful": ".checks.check",
    "test_of": ".checks.check",
    "claims": ".checks.claims",
    "rewriting": ".rules.rule",
    "Made": ".rules.rule",
}
_MODULES = {"export": ".export", "strategies": ".samples.strategies", "testing": ".testing"}

__all__ = [*sorted(_ELSEWHERE), *sorted(_MODULES), "Law", "law", "laws", "named", "weakened"]


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name], __name__)
    elif name in _ELSEWHERE:
        value = getattr(importlib.import_module(_ELSEWHERE[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
