"""Laws about layers and networks: tried on samples, which refute and never prove, and resting on arithmetic laws.

>>> from layeralgebra import proofs
>>> law = proofs.named("parameters_series")
>>> law.kind, law.rests_on
('structural', ('repeat_add',))
>>> print(try_law(law, examples=2))
held on 2 samples
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.formulas.records import expressions
from ...algebra.records import dataclass
from ...algebra.sizes.normal_form import same
from ..law import Law, register
from ..theorems import theorems
from ..verdict import Witness

#: How many samples a law is tried on where nothing else is said.
EXAMPLES = 25
#: How often is drawn for it, at most, where few samples fit, and how often more for each sample that is asked for.
DRAWS, DRAWS_EACH = 50, 25
#: How many samples shrinking may try.
SHRINKING = 120
#: And how long, where drawing takes long.
SHRINKING_SECONDS = 8.0


class Inapplicable(Exception):
    """A sample that a law does not speak of; another one is drawn."""


@dataclass(frozen=True)
class Trial:
    """What became of a law on samples: how many it spoke of, and the smallest one found on which it fails."""

    cases: int
    witness: Witness | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.witness is not None:
            return f"refuted: {self.witness}"
        return self.reason or f"held on {self.cases} sample{'s' * (self.cases != 1)}"


@dataclass(frozen=True)
class OnSamples:
    """How a structural law is tried: where its samples come from, and what is compared on one of them."""

    samples: Callable[..., Any]
    test: Callable[[Any], Witness | None]
    mutants: Mapping[str, Callable[[Any], Witness | None]] = field(default_factory=dict)
    exactness: str = "equality"
    formulas: Callable[[], Sequence[tuple[str, Any, Any]]] | None = None

    def __call__(self, sample: Any) -> Witness | None:
        return self.test(sample)

    @property
    def takes_first(self) -> bool:
        """Whether a network can be given that the samples are drawn around."""
        return "first" in inspect.signature(self.samples).parameters


def falsify(samples: Any, test: Callable[[Any], Witness | None], examples: int = EXAMPLES) -> Trial:
    """Look for a sample on which a test returns a witness, and shrink it.

    Parameters
    ----------
    samples : hypothesis strategy
    test : callable
        Returns None where all is well, a `Witness` where not; raises `Inapplicable` for samples that it does not speak of.
    examples : int
        How many samples it is to speak of, at most.

    Returns
    -------
    Trial
    """
    try:
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import reject as skip
        from hypothesis import strategies as st
        from hypothesis.errors import Flaky, FlakyFailure, Unsatisfiable
    except ImportError:
        raise FieldError(
            "samples are drawn by hypothesis, which is not installed; pip install 'layeralgebra[proofs]'"
        ) from None

    spoken = since = drawn = 0
    stopped = False
    end = float("inf")
    last: Witness | None = None

    @st.composite
    def bounded(draw: Callable) -> Any:
        nonlocal drawn, stopped
        drawn += 1
        if last is None and drawn > DRAWS + DRAWS_EACH * examples:
            stopped = True
            raise _Enough
        return draw(samples)

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(bounded())
    def tried(sample: Any) -> None:
        nonlocal spoken, since, last, end
        since += last is not None
        if since > SHRINKING or (last is not None and time.monotonic() > end):
            raise _Enough
        try:
            found = test(sample)
        except Inapplicable:
            skip()
        spoken += 1
        if found is not None:
            if last is None:
                end = time.monotonic() + SHRINKING_SECONDS
            # Shrinking tries larger samples in between, and may be stopped among them.
            if last is None or _length(found) < _length(last):
                last = found
            raise _Found

    try:
        tried()
    except (_Found, _Enough, FlakyFailure, Unsatisfiable):
        pass
    except Flaky:  # what hypothesis makes of a drawing that was stopped
        if not stopped:
            raise
    return Trial(spoken, last, "" if spoken else "no sample was found that it speaks of")


def _length(found: Witness) -> tuple[int, str]:
    """How much there is to read in the sizes of a witness: its words, and its numbers by their size."""
    text = " ".join(str(value) for _, value in found.sizes)
    read = re.findall(r"\w+", text)
    return len(read) + sum(int(word) for word in read if word.isdecimal()), text


class _Enough(BaseException):
    """Shrinking has taken as many samples as it may; no `Exception`, so that it is not taken for a failure of the law."""


class _Found(Exception):
    """A sample that a law fails on; the witness is kept beside it."""


def try_law(law: Law, examples: int = EXAMPLES, samples: Any = None) -> Trial:
    """Try a structural law: its formulas in normal form first, where it has some, then samples.

    Parameters
    ----------
    law : Law
    examples : int
    samples : hypothesis strategy, optional
        Other samples than its own.
    """
    trial = law.trial
    if not isinstance(trial, OnSamples):
        raise FieldError(f"{law.name} is no law about networks that can be tried on samples")
    proved = 0
    for label, left, right in trial.formulas() if trial.formulas is not None else ():
        verdict = compared(left, right)
        if verdict is False:
            return Trial(0, Witness((("formula", label),), "=", left, right))
        proved += verdict is True
    found = falsify(trial.samples() if samples is None else samples, trial.test, examples)
    if found.witness is None and proved and not found.reason:
        return Trial(found.cases, None, f"{found}, {proved} formula{'s' * (proved != 1)} proved in normal form")
    return found


def try_mutant(law: Law, name: str, examples: int = 200) -> Trial:
    """Try a false neighbour of a structural law, which must be refuted."""
    assert isinstance(law.trial, OnSamples)
    return falsify(law.trial.samples(), law.trial.mutants[name], examples)


def compared(left: Any, right: Any) -> bool | None:
    """Whether two formulas, or tuples or records of them, are the same: True only if the normal form says so."""
    first, second = expressions(_symbolic(left)), expressions(_symbolic(right))
    if len(first) != len(second):
        return False
    answers = [True if a == b else same(a, b) for a, b in zip(first, second)]
    return False if False in answers else None if None in answers else True


def _symbolic(value: Any) -> Any:
    """Python's integers as SymPy's."""
    from sympy import Integer

    if isinstance(value, (tuple, list)):
        return tuple(map(_symbolic, value))
    return Integer(value) if isinstance(value, int) else value


def structural(
    samples: Callable[..., Any],
    *,
    rests_on: str = "",
    relation: str = "=",
    mutants: Mapping[str, Callable[..., Witness | None]] | None = None,
    formulas: Callable[[], Sequence[tuple[str, Any, Any]]] | None = None,
    cites: str = "",
) -> Callable[[Callable[[Any], Witness | None]], Law]:
    """Make a law about networks of a function that compares two sides on one sample, and register it.

    It is a theorem for all networks if the Coq files about networks have one of its name.

    Parameters
    ----------
    samples : callable
        Returns the strategy; called late, so that hypothesis is imported only when a law is tried.
    rests_on : str
        Names of arithmetic laws, separated by blanks.
    relation : str
        ``=`` or ``<=``.
    mutants : mapping of str to function
        At least two false neighbours, which must be refuted.
    formulas : callable, optional
        Returns triples of a label and two formulas, which must be the same in normal form.
    cites : str

    Raises
    ------
    FieldError
        For fewer than two mutants, or a name that another law has.
    """

    def decorate(function: Callable[[Any], Witness | None]) -> Law:
        exactness = "equality" if relation == "=" else "inequality"
        return register(
            Law(
                name=function.__name__,
                statement=None,
                routes=("coq",) if function.__name__ in theorems() else (),
                kind="structural",
                trial=OnSamples(samples, function, dict(mutants or {}), exactness, formulas),
                rests_on=tuple(rests_on.split()),
                note=inspect.cleandoc(function.__doc__ or ""),
                subject=function.__module__.rpartition(".")[2],
                cites=cites,
            )
        )

    return decorate


def witness(where: Mapping[str, object], relation: str, left: object, right: object, note: str = "") -> Witness:
    """A witness from names and values."""
    return Witness(tuple(where.items()), relation, left, right, note)


def refusal(where: Mapping[str, object], error: LayerAlgebraError) -> Witness:
    """A witness for a sample at which one side has no value."""
    return Witness(tuple(where.items()), "=", None, None, f"refused: {error}")
