"""`from_torch` on public collections of models: how many it reads, how many of them rightly, and what stands in the way.

Counts are compared with PyTorch's own (`_import_oracle.py`): distinct learned tensors, products, and shapes, for the example and then for
sizes that the import has not seen, where `torch.export` leaves axes open. A model runs in a process of its own with a limit of time and
memory; its record is a line of ``out/import_torch.jsonl``, so that a run that was interrupted goes on where it stopped.

    python benchmarks/import_torch.py --collection functions timm --again refused wrong --limit 20
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from _import_isolated import isolated

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "out" / "import_torch.jsonl"
COLLECTIONS = ("functions", "transformers", "timm", "torchvision", "diffusers", "segmentation", "keras")
"""Each is a helper ``_import_NAME.py`` with a function `cases`, cheapest first."""


def records(path: Path = RECORDS) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest record of every model."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            found[record["collection"], record["name"]] = record
    return found


def states(record: dict[str, Any]) -> set[str]:
    """What became of a model, both ways."""
    numbers = {"wrong"} if str(record.get("numbers")).startswith("differ") else set()
    return {record.get("static", "stopped"), record.get("dynamic", "right"), *numbers}


def run(
    collections: Iterable[str],
    again: Iterable[str] = (),
    limit: int | None = None,
    only: str = "",
    path: Path = RECORDS,
    stale: bool = False,
    static: bool = False,
) -> None:
    """Try what has no record yet, and what has one of the states `again`.

    With `stale`, only what another version of the code was tried on; with `static`, for the sizes of the example only.
    """
    path.parent.mkdir(exist_ok=True)
    engine = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    known, wanted, begun = records(path), set(again), False
    for collection in collections:
        try:
            cases = importlib.import_module(f"_import_{collection}").cases
        except ImportError as missing:
            print(f"{collection}: {missing}", file=sys.stderr)
            continue
        done = 0
        for case in cases():
            before = known.get((collection, case.name))
            if only and only not in case.name:
                continue
            if before is not None and not (wanted & states(before)) and "all" not in wanted:
                continue
            if before is not None and stale and before.get("engine") == engine:
                continue
            if limit is not None and done >= limit:
                break
            if not begun:
                _warm()
                begun = True
            done += 1
            later = {"dynamic": "not tried"} if static and case.dynamic else {}
            case = replace(case, dynamic=None) if static else case
            attempt = importlib.import_module(f"_import_{_TRIALS.get(collection, 'trial')}").trial
            said = isolated(lambda tell, case=case, attempt=attempt: attempt(case, tell))
            kind = {"family": case.family} if case.family else {}
            record = {"collection": collection, "name": case.name, **kind, "engine": engine, **later, **said}
            with path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
            print(
                f"{collection:12} {case.name:40} {record.get('static', 'failed'):14} {record.get('dynamic', ''):14} "
                f"{record.get('stopped', '')}"[:160],
                flush=True,
            )


_TRIALS = {"keras": "keras_trial"}
"""Where a collection is not tried by `_import_trial`."""


def _warm() -> None:
    """What the first import of a process loads is loaded before the processes of the models part from this one."""
    import torch

    import layeralgebra as la

    torch.set_num_threads(1)
    small = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.Flatten(2))
    net = la.from_torch(small, (3, 8, 8), {1: "H", 2: "W"})
    la.derive("macs", net)(H=9, W=9), la.derive("parameters", net)
    gc.collect()
    gc.freeze()


def main() -> list[dict[str, object]]:
    from _import_ranking import rates

    run(COLLECTIONS)
    return rates(records().values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="try from_torch on public collections of models")
    parser.add_argument("--collection", nargs="*", default=list(COLLECTIONS), help=f"of {', '.join(COLLECTIONS)}")
    parser.add_argument("--again", nargs="*", default=[], help="states to try again, or all")
    parser.add_argument("--stale", action="store_true", help="again only what another commit was tried on")
    parser.add_argument("--static", action="store_true", help="no symbolic axes")
    parser.add_argument("--limit", type=int, help="so many of each collection")
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where the lines are kept")
    parser.add_argument("--ranking", type=Path, help="write what was found to this file")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run(asked.collection, asked.again, asked.limit, asked.only, asked.records, asked.stale, asked.static)
    if asked.ranking:
        from _import_ranking import report

        asked.ranking.write_text(report(records(asked.records).values()), encoding="utf-8")
