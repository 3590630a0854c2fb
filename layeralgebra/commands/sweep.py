"""A sweep that a TOML file describes: which network, which metrics, over which sizes, and where the table goes.

::

    model = "resnet50"                     # or FILE.py:NAME
    metrics = ["parameters", "macs"]
    mode = "grid"                          # or zip, random
    to = "resnet.csv"                      # .csv, .nc, .zarr or .parquet; left out, a summary is printed

    [set]                                  # hyperparameters; names become symbols
    base_width = "c"
    height = "R"
    width = "R"

    [over]                                 # every symbol: a list, or a range
    c = { start = 16, stop = 128, step = 16 }
    R = [160, 192, 224]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..algebra.derivations.derivation import Derivation
from ..algebra.derivations.metric import derive
from ..algebra.errors import BudgetError, FieldError
from ..algebra.formulas.text import number_text
from ..algebra.writing import completed, target_of
from . import Block
from .arguments import shape
from .networks import find
from .results import Record, of_derivation

LARGEST_FILE = 1_000_000
MOST_ROWS_SHOWN = 12
_ENDINGS = (".csv", ".nc", ".zarr", ".parquet")
_KEYS = {
    "model": str,
    "metrics": list,
    "mode": str,
    "to": str,
    "on": str,
    "samples": int,
    "seed": int,
    "set": dict,
    "over": dict,
    "chunks": dict,
}


def run(file: Path, progress: bool = False, overwrite: bool = False) -> list[Block | Record]:
    """Run the sweep of a file.

    Parameters
    ----------
    file : Path
    progress : bool
        Show a progress bar.
    overwrite : bool
        Whether a table that is there already is replaced.
    """
    from ..algebra.sweeps.sweep import sweep

    spec = _read(file)
    changes = {name: _word(name, entry) for name, entry in spec.get("set", {}).items()}
    model = find(spec["model"], changes, shape(spec["on"]) if "on" in spec else None)
    formulas: dict[str, Derivation] = {
        name: derive(name, model.net, model.on) for name in spec.get("metrics", ["parameters", "macs"])
    }
    over = {name: _values(name, entry) for name, entry in spec["over"].items()}
    options: dict[str, Any] = {key: spec[key] for key in ("mode", "samples", "seed", "chunks") if key in spec}
    target = file.parent / spec["to"] if "to" in spec else None
    if target is not None and target.suffix not in _ENDINGS:
        raise FieldError(f"{target.name}: a table is written as {', '.join(_ENDINGS)}")
    if target is not None:
        target_of(target, overwrite=overwrite)
    streamed = target is not None and target.suffix in (".zarr", ".parquet")  # these may be larger than the memory
    found = sweep(formulas, over, progress=progress, to=target if streamed else None, overwrite=overwrite, **options)
    head = f"{', '.join(formulas)} over {', '.join(over)}"
    if target is not None:
        if not streamed:
            with completed(target) as unfinished:
                _write(found, unfinished, target.suffix)
        return [Block(model.name, f"{head}\nwritten to {target}")]
    points = 1
    for size in found.sizes.values():
        points *= size
    frame = found.to_dataframe().reset_index()
    blocks: list[Block | Record] = [*records(model.name, formulas, list(over), frame)]
    blocks.append(Block(model.name, f"{head}: {number_text(points)} points"))
    shown = frame.head(MOST_ROWS_SHOWN).to_string(index=False)
    rest = len(frame) - MOST_ROWS_SHOWN
    return [
        *blocks,
        Block("", shown + (f'\n... and {number_text(rest)} more; write them with to = "FILE"' if rest > 0 else "")),
    ]


def records(name: str, formulas: Mapping[str, Derivation], sizes: Sequence[str], frame: Any) -> Iterator[Record]:
    """The formulas, then every point: its sizes, and the value of each formula there."""
    for derivation in formulas.values():
        yield from of_derivation(name, derivation)
    for row in frame.to_dict("records"):
        at = {size: int(row[size]) for size in sizes if size in row}
        for quantity, derivation in formulas.items():
            metric = derivation.metric
            for column in row:
                if column == quantity or str(column).startswith((f"{quantity}_", f"{quantity}.")):
                    yield Record(name, str(column), value=row[column], unit=metric.unit, kind=derivation.kind, at=at)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BudgetError(f"{file} has more than {LARGEST_FILE} bytes")
        spec = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FieldError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise FieldError(f"{file}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise FieldError(f"{file} is no TOML: {error}") from None
    for key, entry in spec.items():
        if key not in _KEYS:
            raise FieldError(f"{file}: there is no {key!r}; there are {', '.join(_KEYS)}")
        if not isinstance(entry, _KEYS[key]) or isinstance(entry, bool):
            raise FieldError(f"{file}: {key} must be a {_KEYS[key].__name__}, got {entry!r}")
    for key in ("model", "over"):
        if not spec.get(key):
            raise FieldError(f"{file}: {key} is missing")
    return spec


def _word(name: str, entry: Any) -> str:
    if isinstance(entry, (int, str)):
        return str(entry)
    if isinstance(entry, list):
        return "(" + ",".join(map(str, entry)) + ("," if len(entry) == 1 else "") + ")"
    raise FieldError(f"{name} is set to {entry!r}; write an integer, a name or a list of these")


def _values(name: str, entry: Any) -> Any:
    """A list of integers, or a range given by start, stop and step."""
    if (
        isinstance(entry, list)
        and entry
        and all(isinstance(part, int) and not isinstance(part, bool) for part in entry)
    ):
        return entry
    if (
        isinstance(entry, Mapping)
        and set(entry) <= {"start", "stop", "step"}
        and "stop" in entry
        and all(type(part) is int for part in entry.values())
    ):
        if entry.get("step", 1) == 0:
            raise FieldError(f"over {name}: a step of 0")
        return range(entry.get("start", 1), entry["stop"], entry.get("step", 1))
    raise FieldError(f"over {name}: {entry!r}; write a list of integers or {{ start = 1, stop = 9, step = 2 }}")


def _write(found: Any, target: Path, ending: str) -> None:
    if ending == ".csv":
        found.to_dataframe().reset_index().to_csv(target, index=False)
    else:
        found.to_netcdf(target)
