"""Small ONNX files with some of their bytes changed: each is read or refused in the package's own words, in time, and what is read fits.

``python benchmarks/_mutate_onnx.py COUNT [FIRST]`` tries so many files, in processes of their own: what hangs is ended and told.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONGEST_FILE = 3000
LONGEST_WAIT = 30.0
"""Seconds without an answer after which a file counts as one that hangs."""


def originals() -> list[tuple[str, bytes]]:
    """Models of single operators and small ones that PyTorch wrote, all of which are read as they are."""
    import import_onnx

    found: dict[str, bytes] = {}
    for category in ("node", "pytorch-operator", "pytorch-converted", "simple"):
        for case in import_onnx.cases(category):
            if len(case.model) <= LONGEST_FILE:
                found[f"{category}/{case.name}"] = case.model
    return sorted(found.items())


def mutated(data: bytes, source: random.Random) -> bytes:
    """A file with one to four bytes changed, taken away, added or repeated."""
    made = bytearray(data)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        place = source.randrange(len(made))
        kind = source.randrange(6)
        if kind == 0:
            made[place] = source.randrange(256)
        elif kind == 1:
            made[place] ^= 1 << source.randrange(8)
        elif kind == 2:
            made[place] = source.choice((0, 1, 2, 127, 128, 255))
        elif kind == 3 and len(made) > 1:
            del made[place]
        elif kind == 4:
            made.insert(place, source.randrange(256))
        else:
            made[place] = (made[place] + source.choice((1, -1))) % 256
    return bytes(made)


def contradicts(net: Any, model: Any) -> str:
    """What is read that the file's own declarations deny: more parameters than it stores, or another shape of an output."""
    import layeralgebra as la

    stored = 0
    for tensor in model.graph.initializer:
        size = 1
        for length in tensor.dims:
            size *= length
        stored += size
    for node in model.graph.node:
        for entry in node.attribute:
            size = 1
            for length in entry.t.dims:
                size *= length
            stored += size if entry.HasField("t") else 0
    read = la.parameters(net)
    return f"{read} parameters, {stored} are stored" if read.is_Integer and int(read) > stored else ""


def one(name: str, data: bytes, path: Path) -> tuple[str, str]:
    """What becomes of a file: read, refused, raw or contradiction."""
    import onnx

    import layeralgebra as la

    path.write_bytes(data)
    try:
        net = la.from_onnx(path)
        wrong = contradicts(net, onnx.load_model_from_string(data))
        return ("contradiction", wrong) if wrong else ("read", "")
    except la.LayerAlgebraError:
        return "refused", ""
    except MemoryError:
        return "raw", "MemoryError"
    except Exception as error:
        return "raw", f"{type(error).__name__}: {str(error)[:200]}"


def worker(first: int, last: int, now: Any, reports: Any) -> None:
    """Tries files by their numbers; `now` tells which one is tried."""
    warnings.simplefilter("ignore")
    found = originals()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            source = random.Random(number)
            name, data = source.choice(found)
            now.value = number
            began = time.perf_counter()
            kind, text = one(name, mutated(data, source), Path(folder) / "model.onnx")
            counts[kind] += 1
            if kind in ("raw", "contradiction") or time.perf_counter() - began > 10:
                reports.put((number, name, kind, text, round(time.perf_counter() - began, 1)))
            if (number - first) % 1000 == 999:
                reports.put((number, "", "progress", dict(counts), 0.0))
                counts.clear()
    reports.put((last, "", "progress", dict(counts), 0.0))
    now.value = last


def main(count: int, first: int = 0) -> Iterator[tuple[int, str, str, Any, float]]:
    last = first + count
    while first < last:
        now, reports = multiprocessing.Value("q", first - 1), multiprocessing.Queue()
        process = multiprocessing.Process(target=worker, args=(first, last, now, reports))
        process.start()
        seen, since = now.value, time.monotonic()
        while process.is_alive():
            process.join(0.5)
            while not reports.empty():
                yield reports.get()
            if now.value != seen:
                seen, since = now.value, time.monotonic()
            elif time.monotonic() - since > LONGEST_WAIT + 60 * (seen < first):
                process.kill()
                process.join()
        while not reports.empty():
            yield reports.get()
        if now.value >= last:
            return
        source = random.Random(now.value)
        yield (
            now.value,
            source.choice(originals())[0],
            "hangs" if process.exitcode == -9 else f"ends with {process.exitcode}",
            "",
            0.0,
        )
        first = now.value + 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    multiprocessing.set_start_method("fork")
    for line in main(*map(int, sys.argv[1:])):
        print(*line, flush=True)
