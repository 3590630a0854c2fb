"""What a check answers: one result for each thing that was tried, and the report of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.records import dataclass
from ..samples.structural import Inapplicable, Trial, falsify
from ..verdict import Certificate, Proved, Refuted, Undecided, Verdict, Witness


@dataclass(frozen=True)
class Result:
    """One law that was checked: the verdict, on how many samples it held, and whether it is proved apart from that."""

    law: str
    verdict: Verdict
    cases: int = 0
    status: str = ""

    @property
    def refuted(self) -> bool:
        return isinstance(self.verdict, Refuted)

    def __str__(self) -> str:
        if isinstance(self.verdict, Proved):
            return f"proved    {self.law}: {self.verdict.certificate.summary}"
        if isinstance(self.verdict, Refuted):
            return f"REFUTED   {self.law}\n{_indented(self.verdict.witness)}"
        if self.cases:
            known = f" ({self.status})" if self.status else ""
            return f"held      {self.law}: on {self.cases} sample{'s' * (self.cases != 1)}{known}"
        return f"undecided {self.law}: {self.verdict.reason}"


def _indented(witness: Witness) -> str:
    lines = [f"    {name} = {value}" for name, value in witness.sizes]
    if witness.note:
        lines.append(f"    {witness.note}")
    if witness.left is not None or witness.right is not None:
        sign = {"=": "is not", "<=": "is more than"}.get(witness.relation, f"not {witness.relation}")
        lines.append(f"    {witness.left}  {sign}  {witness.right}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What `check` found, law by law.

    Attributes
    ----------
    subject : str
    results : tuple of Result
        One for each law; ``report["claim_parameters"]`` is one of them.

    Examples
    --------
    >>> import layeralgebra as la
    >>> report = la.check(la.ReLU, examples=2)
    >>> report.subject, report.ok, report.refuted
    ('ReLU', True, ())
    """

    subject: str
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is refuted, and something was checked."""
        return not self.refuted and any(result.cases or isinstance(result.verdict, Proved) for result in self.results)

    @property
    def refuted(self) -> tuple[Result, ...]:
        """The laws that fail."""
        return tuple(result for result in self.results if result.refuted)

    @property
    def undecided(self) -> tuple[Result, ...]:
        """What could neither be proved nor tried."""
        return tuple(result for result in self.results if isinstance(result.verdict, Undecided) and not result.cases)

    def __getitem__(self, law: str) -> Result:
        for result in self.results:
            if result.law == law:
                return result
        raise FieldError(f"{law} was not checked; there are {', '.join(result.law for result in self.results)}")

    def __str__(self) -> str:
        proved = sum(isinstance(result.verdict, Proved) for result in self.results)
        counts = f"{proved} proved, {sum(bool(r.cases) for r in self.results if not r.refuted)} held on samples"
        counts += f", {len(self.refuted)} refuted, {len(self.undecided)} undecided"
        ordered = sorted(self.results, key=lambda result: not result.refuted)
        return "\n".join(
            [f"{self.subject}: {'in order' if self.ok else 'NOT in order'} ({counts})", *map(str, ordered)]
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def from_trial(law: str, trial: Trial) -> Result:
    """The result of trying a law on samples."""
    if trial.witness is not None:
        return Result(law, Refuted(trial.witness), trial.cases)
    reason = trial.reason or f"agreed on {trial.cases} samples, which proves nothing"
    return Result(law, Undecided(reason), trial.cases)


def tried(law: str, samples: Any, test: Callable[[Any], Witness | None], examples: int) -> Result:
    """A law tried on samples; an error of the library or of the user's code that the test lets through refutes it."""

    def guarded(sample: Any) -> Witness | None:
        try:
            return test(sample)
        except Inapplicable:
            raise
        except LayerAlgebraError as error:
            return Witness((("sample", sample),), "=", None, None, f"{type(error).__name__}: {error}")

    return from_trial(law, falsify(samples, guarded, examples))


def proved(law: str, summary: str) -> Result:
    """A law that the normal form decided."""
    return Result(law, Proved(Certificate("normal_form", summary)))
