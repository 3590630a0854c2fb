"""What became of an attempt at a proof: proved with a certificate, refuted with a witness, undecided with a reason.

>>> verdict = Refuted(Witness((("n", 3),), "=", 1, 2))
>>> print(verdict)
refuted: n=3: 1 = 2 is false
>>> bool(Undecided("no solver"))
Traceback (most recent call last):
    ...
layeralgebra.algebra.errors.FieldError: a verdict is one of three; ask isinstance(verdict, Proved), not its truth
"""

from __future__ import annotations

from ..algebra.errors import FieldError
from ..algebra.records import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a proof: a formula in LaTeX, and in words how it follows (words may contain LaTeX in dollars)."""

    formula: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Why a law holds: the route, one line of text, the proof's steps, and a tool's own words where one was asked.

    Attributes
    ----------
    route : str
    summary : str
        One line of text.
    steps : tuple of Step
    evidence : str
        A tool's own words.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> proofs.attempt(proofs.named("nested_floor"), "galois").certificate.summary
    'the same integers lie below both sides'
    """

    route: str
    summary: str
    steps: tuple[Step, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """Sizes at which a law fails, and what both sides are there (None where a side has no value).

    Attributes
    ----------
    sizes : tuple of (name, value)
    relation : str
    left, right : object
        Both sides at these sizes.
    note : str
        What else there is to say.

    Examples
    --------
    >>> print(Witness((("n", 3),), "=", 1, 2))
    n=3: 1 = 2 is false
    """

    sizes: tuple[tuple[str, object], ...]
    relation: str
    left: object
    right: object
    note: str = ""

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.sizes) or "always"
        sides = f"{self.left} {self.relation} {self.right} is false"
        if not self.note:
            return f"{where}: {sides}"
        return f"{where}: {self.note}" + (f": {sides}" if self.left is not None and self.right is not None else "")


class _NoTruth:
    """Verdicts refuse to be truth values, so that `if verdict:` cannot take an undecided law for a proved one."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise FieldError("a verdict is one of three; ask isinstance(verdict, Proved), not its truth")


@dataclass(frozen=True, slots=True)
class Proved(_NoTruth):
    """The law holds for all sizes that its hypotheses admit.

    Attributes
    ----------
    certificate : Certificate

    Examples
    --------
    >>> print(Proved(Certificate("ring", "both sides expand to n")))
    proved (ring): both sides expand to n
    """

    certificate: Certificate

    @property
    def route(self) -> str:
        return self.certificate.route

    def __str__(self) -> str:
        return f"proved ({self.route}): {self.certificate.summary}"


@dataclass(frozen=True, slots=True)
class Refuted(_NoTruth):
    """The law fails at the witness.

    Attributes
    ----------
    witness : Witness

    Examples
    --------
    >>> print(Refuted(Witness((("n", 3),), "=", 1, 2)))
    refuted: n=3: 1 = 2 is false
    """

    witness: Witness

    def __str__(self) -> str:
        return f"refuted: {self.witness}"


@dataclass(frozen=True, slots=True)
class Undecided(_NoTruth):
    """Neither; agreeing samples, a solver's `unknown` and a missing tool all end here. Never a pass.

    Attributes
    ----------
    reason : str

    Examples
    --------
    >>> print(Undecided("out of budget"))
    undecided: out of budget
    """

    reason: str

    def __str__(self) -> str:
        return f"undecided: {self.reason}"


Verdict = Proved | Refuted | Undecided
