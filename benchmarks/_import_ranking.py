"""What trials of an import found, in numbers: rates, what is wrong, and what stands in the way of how many models."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from _import_case import CLOSED

Record = Mapping[str, Any]
WAYS = ("static", "dynamic")
READ = ("right", "wrong", "narrow", "no oracle")
TRACED = (*READ, "refused", "raw", "stopped")


def state(record: Record, way: str) -> str | None:
    """What became of one way of importing a model; None where it was not asked for."""
    found = record.get(way, None if way == "dynamic" else "failed")
    if way == "dynamic" and found == "refused" and any(text in record.get("dynamic_why", "") for text in CLOSED):
        return "not exported"
    return found


def rates(records: Iterable[Record]) -> list[dict[str, object]]:
    """A row for each collection: how many were tried, could be traced, are imported, and are right."""
    by_collection: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_collection[record["collection"]].append(record)
    rows: list[dict[str, object]] = []
    for collection, found in by_collection.items():
        for way in WAYS:
            states = Counter(state(record, way) for record in found)
            states.pop(None, None)
            states.pop("not tried", None)
            tried = sum(states.values())
            if not tried:
                continue
            ratios = [
                record[f"{way}_seconds"] / record[f"{way}_export_seconds"]
                for record in found
                if record.get(way) == "right" and record.get(f"{way}_export_seconds")
            ]
            rows.append({
                "collection": collection, "axes": "example" if way == "static" else "symbolic", "tried": tried,
                "exported": sum(states[one] for one in TRACED), "imported": sum(states[one] for one in READ),
                "right": states["right"], "narrow": states["narrow"], "wrong": states["wrong"], "refused": states["refused"], "raw": states["raw"],
                "stopped": states["stopped"], "no oracle": states["no oracle"], "failed": states["failed"],
                "import / export": round(statistics.median(ratios), 2) if ratios else "",
            })  # fmt: skip
    return rows


def in_the_way(records: Iterable[Record], way: str) -> list[tuple[str, int, int, list[str]]]:
    """(reason, models that it refuses, models that it alone refuses, some of their names), the most frequent first."""
    met: dict[str, list[str]] = defaultdict(list)
    alone: Counter[str] = Counter()
    for record in records:
        if state(record, way) not in ("refused", "raw"):
            continue
        if way == "dynamic" and state(record, "static") in ("refused", "raw"):
            continue  # what refuses the example is listed there
        reasons = record.get(f"{way}_reasons") or [record.get(f"{way}_why", "?")[:100]]
        for reason in reasons:
            met[reason].append(record["name"])
        if len(reasons) == 1:
            alone[reasons[0]] += 1
    rows = [(reason, len(names), alone[reason], names) for reason, names in met.items()]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


def report(records: Iterable[Record]) -> str:
    """All of it as Markdown: wrong ones and raw exceptions on top, then what refuses, by collection and way."""
    records = list(records)
    lines: list[str] = ["## Rates", ""]
    table = rates(records)
    if table:
        lines += [_row(table[0]), "|" + "---|" * len(table[0]), *(_row(row, True) for row in table)]
    for title, wanted in (("Wrong", "wrong"), ("Raw exceptions", "raw"), ("Stopped (time or memory)", "stopped")):
        found = [(record, way) for record in records for way in WAYS if state(record, way) == wanted]
        lines += ["", f"## {title}: {len(found)}", ""]
        for record, way in found:
            what = record.get(f"{way}_wrong") if wanted == "wrong" else record.get(f"{way}_why", "")[:300]
            if wanted == "stopped":
                what = record.get("stopped", "")
            lines.append(f"- {record['collection']} **{record['name']}** ({way}): {what}")
    differing = [r for r in records if str(r.get("numbers", "")).startswith(("differ", "raw"))]
    lines += ["", f"## Numbers that differ from PyTorch's: {len(differing)}", ""]
    lines += [f"- {record['name']}: {record['numbers']}" for record in differing]
    for collection in dict.fromkeys(record["collection"] for record in records):
        families = by_family([r for r in records if r["collection"] == collection])
        if families:
            lines += ["", f"## Families of {collection}", "", _row(families[0]), "|" + "---|" * len(families[0])]
            lines += [_row(row, True) for row in families]
        for way in WAYS:
            rows = in_the_way([r for r in records if r["collection"] == collection], way)
            if not rows:
                continue
            lines += ["", f"## What refuses {collection}, {way}: reason, models (that need only it)", ""]
            for reason, count, alone, names in rows:
                lines.append(f"- {count} ({alone}) `{reason}`: {', '.join(names[:5])}{' ...' if count > 5 else ''}")
    return "\n".join(lines) + "\n"


def by_family(records: Iterable[Record]) -> list[dict[str, object]]:
    """A row for each family: its architectures that were tried, by what became of them."""
    rows: list[dict[str, object]] = []
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.get("family"):
            found[record["family"]].append(record)
    for family, members in sorted(found.items()):
        told: dict[str, object] = {"family": family}
        for way, title in zip(WAYS, ("example", "symbolic height and width")):
            names: dict[str, list[str]] = defaultdict(list)
            for record in members:
                if (what := state(record, way)) not in (None, "not tried"):
                    names[str(what)].append(record["name"])
            told[title] = "; ".join(f"{what}: {', '.join(one)}" for what, one in names.items())
        rows.append(told)
    return rows


def by_function(records: Iterable[Record]) -> list[dict[str, object]]:
    """A row for each PyTorch function that was tried by itself."""
    rows: list[dict[str, object]] = []
    for record in records:
        if record["collection"] != "functions":
            continue
        said = "; ".join(record.get("static_reasons") or record.get("static_wrong") or [])
        rows.append({
            "function": record["name"], "example": state(record, "static"), "symbolic": state(record, "dynamic") or "",
            "numbers": record.get("numbers", ""), "what is said": said,
        })  # fmt: skip
    return rows


def _row(row: Mapping[str, object], values: bool = False) -> str:
    return "| " + " | ".join(str(part) for part in (row.values() if values else row.keys())) + " |"
