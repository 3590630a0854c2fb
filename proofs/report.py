"""Proving many laws on many routes: a table of verdicts and times, and whether it is good enough.

A law counts as proved with Coq, or with one route of our own and one solver. The table is in order when nothing is
refuted and when every route that a law states, of those asked for and those whose tool is there, proves it.

>>> table = prove(["nested_floor", "causal_attention_pairs"], routes=["galois", "induction"])
>>> for row in table.rows:
...     print(row.law.name, sorted(row.proved_by), row.outcome)
nested_floor ['galois'] partly
causal_attention_pairs ['induction'] partly
>>> table.ok
True
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from ..algebra.arguments import checked
from ..algebra.errors import FieldError
from ..algebra.records import dataclass
from .law import OWN_ROUTES, ROUTES, SOLVER_ROUTES, Law, named, registered
from .provers import admitted_sizes, attempt, missing, module
from .verdict import Proved, Refuted, Undecided, Verdict


def counts_as_proved(routes: Iterable[str]) -> bool:
    """Whether these routes together suffice: Coq, or one of our own and a solver."""
    proved = set(routes)
    return "coq" in proved or bool(proved & set(OWN_ROUTES) and proved & set(SOLVER_ROUTES))


@dataclass(frozen=True)
class Row:
    """One law: what each route said, and how long it took (Coq takes all laws in one run, timed in the table)."""

    law: Law
    verdicts: Mapping[str, Verdict]
    seconds: Mapping[str, float]

    @property
    def proved_by(self) -> frozenset[str]:
        """Routes that proved it."""
        return frozenset(route for route, verdict in self.verdicts.items() if isinstance(verdict, Proved))

    @property
    def refuted(self) -> Refuted | None:
        """The refutation, if a route found one."""
        return next((verdict for verdict in self.verdicts.values() if isinstance(verdict, Refuted)), None)

    @property
    def failed(self) -> dict[str, Verdict]:
        """Routes that the law states, whose tool is there, and that did not prove it."""
        return {
            route: verdict
            for route, verdict in self.verdicts.items()
            if route in self.law.routes and not isinstance(verdict, Proved) and not missing(route)
        }

    @property
    def outcome(self) -> str:
        """``proved``, ``partly`` (what was asked for held, and more is needed), ``undecided``, ``refuted`` or ``not stated``.

        The last one says that the law states none of the routes that were asked for.
        """
        if not self.verdicts:
            return "not stated"
        if self.refuted is not None:
            return "refuted"
        if counts_as_proved(self.proved_by):
            return "proved"
        return "partly" if self.proved_by and not self.failed else "undecided"


@dataclass(frozen=True)
class ProofTable:
    """Laws against routes, as `prove` returns them.

    Attributes
    ----------
    rows : tuple of Row
        One for each law.
    routes : tuple of str
    seconds : float
    skipped : mapping of str to str
        Routes that could not be taken, and why.
    coq_seconds : float
        Of the one run of Coq.

    Examples
    --------
    >>> prove("nested_floor", "galois").ok
    True
    """

    rows: tuple[Row, ...]
    routes: tuple[str, ...]
    seconds: float
    skipped: Mapping[str, str] = field(default_factory=dict)
    coq_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is refuted and no stated route that could be taken left a law undecided."""
        return all(row.refuted is None and not row.failed for row in self.rows)

    @property
    def unproved(self) -> tuple[str, ...]:
        """Names of the laws that these routes do not suffice for."""
        return tuple(row.law.name for row in self.rows if row.outcome != "proved")

    @property
    def summary(self) -> str:
        """Counts, times and what was skipped, in a few lines."""
        counts = {
            word: sum(row.outcome == word for row in self.rows)
            for word in ("proved", "partly", "undecided", "refuted", "not stated")
        }
        said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no law"
        lines = [f"{len(self.rows)} laws: {said}; {self.seconds:.1f} s"]
        if "coq" in self.routes and "coq" not in self.skipped:
            lines[0] += f" (of which Coq {self.coq_seconds:.1f} s)"
        lines += [f"{row.law.name} is trivial: {row.law.trivial}" for row in self.rows if row.law.trivial]
        lines += [f"skipped {route}: {reason}" for route, reason in self.skipped.items()]
        lines += [f"{row.law.name}: {row.refuted}" for row in self.rows if row.refuted is not None]
        lines += [
            f"{row.law.name}, {route}: {v}"
            for row in self.rows
            if row.refuted is None
            for route, v in row.failed.items()
        ]
        return "\n".join(lines)

    def cells(self) -> list[list[str]]:
        """The table as text: law, kind of statement, one cell for each route, outcome."""
        return [
            [row.law.name, row.law.exactness, *(_cell(row, route) for route in self.routes), row.outcome]
            for row in self.rows
        ]

    def to_rich(self) -> Any:
        """The table for a terminal."""
        from rich.table import Table

        table = Table(title="Laws and their proofs", caption=self.summary, caption_justify="left")
        table.add_column("law", no_wrap=True)
        table.add_column("says")
        for route in self.routes:
            table.add_column(route, justify="right")
        table.add_column("outcome")
        for cells in self.cells():
            table.add_row(*cells)
        return table

    def __str__(self) -> str:
        rows = [["law", "says", *self.routes, "outcome"], *self.cells()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, "", self.summary])


def _cell(row: Row, route: str) -> str:
    verdict = row.verdicts.get(route)
    if verdict is None:
        return ""
    if missing(route):
        return "skipped"
    word = {Proved: "yes", Refuted: "NO", Undecided: "?"}[type(verdict)]
    return word if route == "coq" else f"{word} {1000 * row.seconds[route]:.0f} ms"


@checked
def prove(
    names: Iterable[str | Law] | str | Law | None = None,
    routes: Iterable[str] | str | None = None,
    *,
    everywhere: bool = False,
    progress: Callable[[str], None] | None = None,
) -> ProofTable:
    """Prove laws, each on the routes it states.

    Parameters
    ----------
    names : iterable of str or Law, optional
        Laws or their names; when left out, all of arithmetic, and those about networks that are theorems for all of them.
    routes : iterable of str, optional
        Only these routes.
    everywhere : bool
        Try the routes on laws that do not state them, too.
    progress : callable, optional
        Called with each law's name.

    Returns
    -------
    ProofTable

    Raises
    ------
    FieldError
        For an unknown law or route, or two laws of one name.

    Examples
    --------
    >>> prove("floor_galois", ["z3"]).rows[0].verdicts["z3"].route
    'z3'
    """
    wanted = _chosen(names)
    asked = tuple(dict.fromkeys([routes] if isinstance(routes, str) else routes or ROUTES))
    skipped = {route: missing(route) for route in asked if missing(route)}
    start = time.perf_counter()
    by_coq, coq_seconds = _coq(wanted, asked, everywhere)
    rows = []
    for law in wanted:
        if progress is not None:
            progress(law.name)
        verdicts: dict[str, Verdict] = {}
        seconds: dict[str, float] = {}
        for route in asked:
            if not (route in law.routes or (everywhere and law.kind == "arithmetic")):
                continue
            began = time.perf_counter()
            verdicts[route] = by_coq[law.name] if law.name in by_coq and route == "coq" else attempt(law, route)
            seconds[route] = time.perf_counter() - began
        rows.append(Row(law, verdicts, seconds))
    used = tuple(route for route in asked if any(route in row.verdicts for row in rows)) or asked
    return ProofTable(tuple(rows), used, time.perf_counter() - start, skipped, coq_seconds)


def _chosen(names: Iterable[str | Law] | str | Law | None) -> list[Law]:
    if names is None:
        return [law for law in registered() if law.kind == "arithmetic" or law.routes]
    if not isinstance(names, (Iterable, Law)):
        raise FieldError(f"prove takes names of laws, such as ['nested_floor']; got {names!r}")
    chosen = [
        name if isinstance(name, Law) else named(name) for name in ([names] if isinstance(names, (str, Law)) else names)
    ]
    by_name: dict[str, Law] = {}
    for law in chosen:
        if by_name.setdefault(law.name, law) is not law and by_name[law.name] != law:
            raise FieldError(
                f"two laws are called {law.name}, and verdicts are told apart by their names; prove them one by one"
            )
    return chosen


def _coq(laws: list[Law], asked: tuple[str, ...], everywhere: bool) -> tuple[dict[str, Verdict], float]:
    """All laws that go to Coq, in one run."""
    if "coq" not in asked or missing("coq"):
        return {}, 0.0
    began = time.perf_counter()
    going = [law for law in laws if "coq" in law.routes or (everywhere and law.kind == "arithmetic")]
    sensible = [law for law in going if law.kind == "structural" or admitted_sizes(law.arithmetic) is not None]
    return module("coq").prove_all(sensible), time.perf_counter() - began
