"""The mathematics: every metric and every law with its kind and its source."""

from __future__ import annotations

from collections import defaultdict

import layeralgebra as la
from layeralgebra.commands.catalogue import KINDS
from layeralgebra.proofs import named
from layeralgebra.proofs.theorems import theorems

from ._markdown import code, contents, docstring, plain, table


def pages() -> dict[str, str]:
    metrics = sorted(la.metrics(), key=lambda metric: metric.name)
    said = [
        "# Metrics\n\nA function of a network each; `la.derive(metric, net)` has the formula with its kind, source and domain.\n"
    ]
    for metric in metrics:
        kind = metric.kind if isinstance(metric.kind, str) else "depends on the network; said by each result"
        said.append(
            f"## {metric.name}\n\n{table(['unit', 'kind', 'source'], [[plain(metric.unit), kind, plain(metric.source)]])}\n{docstring(metric)}"
        )
    subjects = defaultdict(list)
    for record in KINDS["laws"]():
        subjects[record.part].append(record)
    found = {"mathematics/metrics.md": "\n".join(said)}
    for subject, records in sorted(subjects.items()):
        found[f"mathematics/laws_{subject}.md"] = f"# Laws: {subject.replace('_', ' ')}\n\n" + "\n".join(
            map(_law, records)
        )
    found["mathematics/index.md"] = (
        "# The mathematics\n\nWhat is computed, and the laws behind it. Laws of arithmetic are proved. Structural ones speak of networks: those of composition are theorems for all networks, in Coq, and all are tried on samples; one that is only tried says why.\n\n"
        + contents(["metrics", *(f"laws_{subject}" for subject in sorted(subjects))])
    )
    return found


def _law(record: object) -> str:
    law = named(record.subject)  # type: ignore[attr-defined]
    said = law.statement if law.statement is not None else theorems()[law.name] if law.routes else ""
    statement = f"```text\n{said}\n```\n" if said else ""
    mutants = ", ".join(plain(mutant.name) for mutant in law.mutants)
    rows = [
        ["kind", law.kind],
        ["status", plain(law.status)],
        ["routes", ", ".join(law.routes) or "tried on samples"],
        ["source", plain(law.cites)],
        ["refuted neighbours", mutants],
    ]
    rests = [["rests on", ", ".join(map(code, law.rests_on))]] if law.rests_on else []
    return f"## {law.name}\n\n{plain(law.note)}\n\n{statement}\n{table(['', ''], rows + rests)}"
