"""ONNX's own test models, imported: operators one by one, models that PyTorch wrote, and networks, held against their bundled data.

Shapes and numbers are those that ONNX ships beside each model. Integers that a model takes as inputs where its shapes depend on them (the
axes of a reduction) are handed over as `values`. A batch of several examples is run one by one.
"""

from __future__ import annotations

import collections
import importlib
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

import layeralgebra as la

MOST_WORK = 10**7
"""So many entries at most are computed one by one for a model's numbers."""
CATEGORIES = ("node", "simple", "pytorch-converted", "pytorch-operator", "light")


@dataclass
class Case:
    """A model and its data; an array of None is none that NumPy has."""

    name: str
    model: bytes
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    rtol: float = 1e-3
    atol: float = 1e-6


@dataclass
class Found:
    """What became of a case: imported or refused, and what its shapes and numbers are ('right', 'wrong', 'none')."""

    case: str
    imported: bool
    shapes: str = "none"
    numbers: str = "none"
    message: str = ""
    raw: bool = False


def node_cases(names: Iterable[str] | None = None) -> Iterator[Case]:
    """The models of single operators, which newer versions of ONNX make anew and older ones keep in files."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend/test/data/node"
    if folder.is_dir():
        yield from _from_folder(folder)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = importlib.import_module("onnx.backend.test.case.node")
        for made in base.collect_testcases(None):
            inputs, outputs = made.data_sets[0] if made.data_sets else ([], [])
            yield Case(made.name, made.model.SerializeToString(), list(inputs), list(outputs), made.rtol, made.atol)


def _from_folder(folder: Path) -> Iterator[Case]:
    import onnx

    for path in sorted(folder.glob("*/model.onnx")):
        made = Case(path.parent.name, path.read_bytes())
        for kind, wanted in (("input", made.inputs), ("output", made.outputs)):
            count = len(list(path.parent.glob(f"test_data_set_0/{kind}_*.pb")))
            for place in range(count):
                tensor = onnx.TensorProto()
                try:
                    tensor.ParseFromString((path.parent / f"test_data_set_0/{kind}_{place}.pb").read_bytes())
                    wanted.append(onnx.numpy_helper.to_array(tensor))
                except Exception:  # a sequence, or an optional value
                    wanted.append(None)
        yield made


def cases(category: str) -> Iterator[Case]:
    """The models of a category."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend/test/data"
    if category == "node":
        yield from node_cases()
    elif category == "light":
        for path in sorted(folder.glob("light/*.onnx")):
            yield Case(path.stem, path.read_bytes())
    else:
        yield from _from_folder(folder / category)


def tried(case: Case, path: str) -> Found:
    """Import one model and hold it against its data."""
    Path(path).write_bytes(case.model)
    names = _inputs(case)
    data = dict(zip(names, case.inputs))
    values: dict[str, Any] = {}
    while True:
        try:
            net = la.from_onnx(path, values=values)
            break
        except la.LayerAlgebraError as error:
            hint = str(error).partition("values={")[2].partition("}")[0]
            asked = [name for name in data if f"{name!r}:" in hint and name not in values]
            if not asked or not all(isinstance(data[name], (numpy.ndarray, numpy.generic)) for name in asked):
                return Found(case.name, False, message=str(error))
            values.update({name: numpy.asarray(data[name]) for name in asked})
        except Exception as error:
            return Found(case.name, False, message=f"{type(error).__name__}: {error}", raw=True)
    try:
        return _compared(case, net, {name: value for name, value in data.items() if name not in values})
    except la.UnsupportedError as error:
        return Found(case.name, True, "right", "none", str(error))  # of shapes that were looked at before
    except Exception as error:
        return Found(case.name, True, "wrong", "wrong", f"{type(error).__name__}: {error}")


def _inputs(case: Case) -> list[str]:
    import onnx

    graph = onnx.load_model_from_string(case.model).graph
    names = [entry.name for entry in graph.input]
    return (
        names if len(names) == len(case.inputs) else [n for n in names if n not in {t.name for t in graph.initializer}]
    )


def _compared(case: Case, net: la.Network, data: dict[str, Any]) -> Found:
    """Shapes are those of the outputs without a batch; numbers of the network run on the data, where all it needs is given."""
    report = net.imported
    shapes = [tuple(map(int, shape)) for shape in report.outputs.values()]
    wanted = [_array(value) for value in case.outputs]
    if not wanted:
        return Found(case.name, True)
    if shapes != [array.shape for array in wanted]:
        return Found(case.name, True, "wrong", "none", f"{shapes} for {[array.shape for array in wanted]}")
    counts = {report.batches[name] for name in data if name in report.batches} - {1}
    examples = int(next(iter(counts), 1))
    if len(counts) > 1:
        return Found(case.name, True, "wrong", "none", f"batches {counts}")
    made = []
    if any(
        not numpy.issubdtype(numpy.asarray(a).dtype, numpy.number) and numpy.asarray(a).dtype != bool
        for a in (*map(_array, data.values()), *wanted)
    ):
        return Found(case.name, True, "right", "none", "numbers of a kind that NumPy has not")
    if sum(numpy.asarray(array).size for array in (*data.values(), *wanted)) > MOST_WORK or not _is_known(net):
        return Found(case.name, True, "right", "none", "weights, or too large")
    for example in range(examples):
        given = []
        for name in report.inputs:
            array = numpy.asarray(data[name])
            if name in report.batches:
                array = array[example if report.batches[name] != 1 else 0]
            given.append(array.reshape(array.shape or (1,)))
        with numpy.errstate(all="ignore"):
            made.append(numpy.asarray(la.run(net, given[0] if len(given) == 1 else given)).reshape(-1))
    parts = [
        numpy.concatenate([array[example].reshape(-1) for array in wanted]) if counts
        else numpy.concatenate([array.reshape(-1) for array in wanted])
        for example in range(examples)
    ]  # fmt: skip
    for found, right in zip(made, parts):
        if found.shape != right.shape:
            return Found(case.name, True, "wrong", "wrong", f"{found.shape} for {right.shape}")
        ours, theirs = found.astype(float), right.astype(float)
        rtol, atol = case.rtol, max(case.atol, 1e-6)
        if any(array.dtype == numpy.float16 for array in wanted):
            rtol, atol = max(rtol, 2e-3), max(atol, 2e-3)
        if any(array.dtype in (numpy.int8, numpy.uint8) for array in wanted):
            atol = 1.0  # a half rounds up or down as the last bits of a float have it
        if not numpy.allclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True):
            return Found(case.name, True, "right", "wrong", f"{ours[:6]} for {theirs[:6]}")
    return Found(case.name, True, "right", "right")


def _array(value: Any) -> numpy.ndarray:
    """An array; of a tensor of a kind that NumPy has not, one of the same shape that holds no numbers."""
    return numpy.full(tuple(value.dims), None) if hasattr(value, "dims") else numpy.asarray(value)


def _is_known(net: la.Network) -> bool:
    """Whether all numbers that the network needs are known: none of them depends on what is drawn at random."""
    one, two = (la.weights(net, seed=seed) for seed in (0, 1))
    return all(numpy.array_equal(one[name], two[name]) for name in one)


def swept(category: str, chosen: Iterable[Case] | None = None) -> list[Found]:
    """What becomes of every model of a category."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        return [tried(case, path) for case in (cases(category) if chosen is None else chosen)]


def row(category: str, found: list[Found]) -> dict[str, object]:
    """The figures of a category."""
    return {
        "category": category,
        "files": len(found),
        "imported": sum(one.imported for one in found),
        "right shapes": sum(one.shapes == "right" for one in found),
        "right numbers": sum(one.numbers == "right" for one in found),
        "wrong": sum("wrong" in (one.shapes, one.numbers) for one in found),
        "raw exceptions": sum(one.raw for one in found),
    }


def reasons(found: list[Found]) -> list[tuple[str, int]]:
    """Why models are refused, the most frequent first."""
    counts: collections.Counter[str] = collections.Counter()
    for one in found:
        if not one.imported:
            lines = [line for line in one.message.splitlines() if line.startswith("  ") and " time(s)" in line]
            for text in lines or [one.message.splitlines()[0]]:
                counts[text.split(" time(s)")[0].rsplit(":", 1)[0].strip()[:110] if lines else text[:110]] += 1
    return counts.most_common()


def main(categories: Iterable[str] = CATEGORIES) -> list[dict[str, object]]:
    rows = []
    for category in categories:
        start = time.perf_counter()
        rows.append({**row(category, swept(category)), "seconds": round(time.perf_counter() - start, 1)})
    return rows


if __name__ == "__main__":
    for line in main(sys.argv[1:] or CATEGORIES):
        print(line)
