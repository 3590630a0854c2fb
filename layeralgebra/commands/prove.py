"""``layeralgebra prove``: laws against routes with times, and the exports of statements and proofs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..algebra.errors import FieldError
from ..algebra.formulas.table import HARD, Table
from . import Block, Failed
from .arguments import listed
from .networks import guarded
from .results import Record


def run(
    laws: Sequence[str],
    routes: Sequence[str] = (),
    export: Path | None = None,
    width: int = 100,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Block | Record | Failed]:
    """Prove laws, and try those about networks, also those that are theorems for all of them.

    Parameters
    ----------
    laws : sequence of str
        Names, or patterns such as ``receptive_field*``; all laws when there are none. ``my_laws.py`` is every law of a file, and
        ``my_laws.py::my_law`` one of them; ``my_layers.py::MyLayer`` is what a layer claims. The file is the caller's own code: it is imported, as pytest imports a file of tests.
    routes : sequence of str
        Only these routes; all that a law states when there are none.
    export : Path, optional
        A folder for one SMT-LIB2 file a law, one Coq file, and a LaTeX appendix.
    width : int
        Characters in a line.
    progress : callable, optional
        Called with each law's name.
    """
    from ..proofs.report import prove
    from ..proofs.samples.structural import try_law

    chosen = _chosen(listed(laws))
    provable = [law for law in chosen if law.kind == "arithmetic" or law.routes]
    structural = [law for law in chosen if law.kind == "structural"]
    ok = True
    if provable:
        found = prove(provable, listed(routes) or None, progress=progress)
        ok = found.ok
        for row in found.rows:
            yield from proof_records(row)
        yield Block("Laws and their proofs", proof_text(found, width))
        if found.unproved and not routes:
            yield Block("not proved here", "\n".join(found.unproved))
    if structural and not routes:
        rows = []
        for law in structural:
            if progress is not None:
                progress(law.name)
            trial = try_law(law)
            ok = ok and trial.witness is None
            yield _trial_record(law, trial)
            rows.append((law.name, str(trial), law.status.partition(":")[0]))
        yield Block(
            "laws of networks, tried on samples (which refute and never prove)",
            Table(("law", "outcome", "status"), tuple(rows)).text(width),
        )
        if any(not law.routes for law in structural):
            yield Block("why some are only tried", "\n".join(_reasons(structural, width)))
    if export is not None:
        from .. import proofs

        paths = proofs.export.write(export, provable)
        others = [path for path in paths if path.suffix != ".smt2"]
        lines = [f"{path}" for path in others] + [f"{len(paths) - len(others)} files in {export / 'smtlib'}"]
        yield Block("written", "\n".join(lines))
    if not ok:
        yield Failed()


def _reasons(laws: Sequence[Any], width: int) -> Iterator[str]:
    """What laws without a theorem say of themselves, once for all that say the same."""
    by_reason: dict[str, list[str]] = {}
    for law in laws:
        if not law.routes:
            by_reason.setdefault(law.status, []).append(law.name)
    for status, names in by_reason.items():
        yield from textwrap.wrap(f"{', '.join(names)}: {status}", width, subsequent_indent="  ", break_on_hyphens=False)


def proof_text(found: Any, width: int) -> str:
    """A law a line with the routes that were taken and their times, and the summary below."""
    rows = tuple((row.law.name, row.law.exactness, row.outcome, ", ".join(_routes(row))) for row in found.rows)
    summary = [
        line
        for said in found.summary.splitlines()
        for line in textwrap.wrap(said, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    ]
    return "\n".join([Table(("law", "says", "outcome", "routes"), rows).text(width), "", *summary])


def _routes(row: Any) -> Iterator[str]:
    """Each route with its milliseconds, and a mark where it did not prove the law."""
    from ..proofs.provers import missing

    for route, verdict in row.verdicts.items():
        if missing(route):
            yield f"{route}{HARD}skipped"
            continue
        mark = {"Proved": "", "Refuted": f"{HARD}NO", "Undecided": f"{HARD}?"}[type(verdict).__name__]
        yield f"{route}{mark}" + ("" if route == "coq" else f"{HARD}{1000 * row.seconds[route]:.0f}{HARD}ms")


def proof_records(row: Any) -> Iterator[Record]:
    """What each route said of a law, and what comes of it."""
    from ..proofs.provers import missing
    from ..proofs.verdict import Proved, Refuted

    law = row.law
    for route, verdict in row.verdicts.items():
        if missing(route):
            kind, note = "skipped", missing(route)
        elif isinstance(verdict, Proved):
            kind, note = "proved", verdict.certificate.summary
        elif isinstance(verdict, Refuted):
            kind, note = "refuted", str(verdict.witness)
        else:
            kind, note = "undecided", verdict.reason
        yield Record(law.name, "verdict", route, kind=kind, note=note)
    yield Record(
        law.name, "verdict", kind=row.outcome, source=law.cites, note=f"{law.statement}" if law.statement else law.note
    )


def _trial_record(law: Any, trial: Any) -> Record:
    kind = "refuted" if trial.witness is not None else "held" if trial.cases else "undecided"
    said = law.note if trial.witness is None else f"{law.note} {trial}"
    return Record(
        law.name, "verdict", value=trial.cases, unit="samples", kind=kind, source=law.cites, note=" ".join(said.split())
    )


def _chosen(wanted: Sequence[str]) -> list[Any]:
    from fnmatch import fnmatchcase

    from .. import proofs

    everything = list(proofs.laws())  # type: ignore[operator]  # a module that is called as a function
    if not wanted:
        return everything
    found: dict[str, Any] = {}
    for one in wanted:
        if ".py" in one:
            for law in of_file(one):
                found[law.name if law.name not in found else f"{law.subject}: {law.name}"] = law
            continue
        matching = [law for law in everything if fnmatchcase(law.name, one)]
        if not matching and any(sign in one for sign in "*?["):
            raise FieldError(f"no law has a name like {one!r}")
        for law in matching or [proofs.named(one)]:
            found[law.name] = law
    return list(found.values())


def of_file(where: str) -> list[Any]:
    """The laws of a Python file and the claims of its layers, or those of the law or layer named after ``::``.

    The file is imported, so it must be the caller's own.
    """
    import importlib.util
    import sys

    from .. import proofs
    from ..algebra.networks.layer import Layer
    from ..proofs.law import Law

    file, _, name = where.partition("::")
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise FieldError(f"{file!r} is no Python file with laws; write my_laws.py::my_law")
    key = f"laws_in_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    try:
        with guarded(path):
            spec.loader.exec_module(module)
    finally:
        sys.modules.pop(key, None)
    laws: dict[str, list[Any]] = {each.name: [each] for each in vars(module).values() if isinstance(each, Law)}
    layers = {
        name_: each for name_, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Layer) and each.__module__ == key and each.claims
    }  # fmt: skip
    if not laws and not layers:
        raise FieldError(
            f"{file} has no laws and no layers with claims; a law is a function decorated with layeralgebra.proofs.law"
        )
    if name and name not in laws and name not in layers:
        raise FieldError(f"{file} has no law {name!r}; it has {', '.join([*laws, *layers])}")
    for each in layers if not name else [name] if name in layers else []:
        laws[each] = list(proofs.claims(layers[each]))
    return laws[name] if name else [law for several in laws.values() for law in several]
