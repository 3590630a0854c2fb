"""Sweeps that are larger than memory: chunk by chunk into Zarr stores and Parquet files."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from ..errors import BudgetError, FieldError, FileError
from ..writing import completed
from .begun import begun
from .plan import MADE_WITH, Sweep, bar, within_budget

DECIMAL_DIGITS = 76  # the most that a Parquet column of integers holds


def to_zarr(plan: Sweep, target: Path, chunks: Any, progress: bool, most: int | None) -> Any:
    """Computes into a Zarr store with Dask, a stretch of the first axis after the other, and opens it."""
    import xarray

    _no_folder_of_others(target)
    large = [name for name, kind in zip(plan.names, plan.types(), strict=True) if kind == "object"]
    if large:
        raise BudgetError(
            f"{', '.join(large)} may have values beyond 64 bits, which Zarr does not hold; write "
            "dtype='float64' to round them, "
            "or a path that ends in .parquet, which holds integers of up to 76 digits"
        )
    sizes = plan.chunk_sizes(chunks)
    within_budget(plan, sizes, most)
    data = plan.lazy(chunks)
    with (
        begun(target, plan, sizes) as work,
        completed(target, work.folder / "store") as unfinished,
        _dask_progress(progress),
    ):
        if not plan.dims:
            data.to_zarr(unfinished, mode="w", consolidated=False)
        else:
            if not unfinished.exists():
                work.forget()
                data.to_zarr(unfinished, mode="w", consolidated=False, compute=False)
            first, step = plan.dims[0], sizes[plan.dims[0]]
            for start in range(0, plan.shape[0], step):
                if work.has(start):
                    continue
                part = data.isel({first: slice(start, start + step)}).drop_vars(list(data.coords))
                part.to_zarr(
                    unfinished, region={first: slice(start, min(start + step, plan.shape[0]))}, consolidated=False
                )
                work.finished(start)
    return xarray.open_zarr(target, consolidated=False)


_OF_A_STORE = {"zarr.json", ".zgroup", ".zattrs", ".zmetadata"}


def _no_folder_of_others(target: Path) -> None:
    """Refuse a folder that is no store of a sweep, or holds anything else: replacing it would take that away."""
    import zarr

    if not target.is_dir():
        return
    try:
        group: Any = zarr.open_group(str(target), mode="r")
        own = dict(group.attrs).get("made_with") == MADE_WITH
        left = {path.name for path in target.iterdir()} - _OF_A_STORE - {name for name, _ in group.arrays()}
    except Exception:  # whatever zarr says of a folder that it cannot read, it is none of ours
        own, left = False, set()
    if not own or left:
        held = f"which also holds {sorted(left)[0]}" if own else "which no sweep has written"
        raise FileError(
            f"{target} is a folder {held}, and is not replaced; give another name, or move it away yourself"
        )


def _dask_progress(progress: bool) -> Any:
    from contextlib import nullcontext

    from dask.diagnostics import ProgressBar

    return ProgressBar() if progress else nullcontext()


def to_parquet(plan: Sweep, target: Path, chunks: Any, progress: bool, most: int | None) -> Any:
    """Computes into a Parquet file, a row for each point and a row group for each chunk, and opens it."""
    import pyarrow as pa
    import pyarrow.dataset
    import pyarrow.parquet

    if not plan.shape:
        raise FieldError("a table needs at least one symbol with several sizes")
    sizes = plan.chunk_sizes("auto" if chunks is None else chunks)
    fields = [pa.field(name, _column_type(_ends(plan, name))) for name in plan.varying]
    described = [f"{key}={value}".encode() for key, value in plan.axes.items() if isinstance(value, int)]
    for name, kind, digits, attributes in zip(plan.names, plan.types(), _digits(plan), plan.attributes(), strict=True):
        about = {key.encode(): text.encode() for key, text in attributes.items()}
        fields.append(pa.field(name, _type(kind, digits, name), metadata=about))
    schema = pa.schema(fields, metadata={b"mode": plan.mode.encode(), b"fixed": b"; ".join(described)})
    starts = [range(0, extent, sizes[name]) for name, extent in zip(plan.dims, plan.shape, strict=True)]
    within_budget(plan, sizes, most)
    with begun(target, plan, sizes) as work:
        with bar_or_none(progress, prod(map(len, starts))) as advance:
            for number, corner in enumerate(product(*starts)):
                if not work.has(number):
                    stops = [start + sizes[name] for start, name in zip(corner, plan.dims, strict=True)]
                    piece = work.piece(number)
                    pyarrow.parquet.write_table(_table(plan, corner, stops, schema), piece)
                    work.finished(number)
                advance(1)
        with completed(target) as unfinished, pyarrow.parquet.ParquetWriter(unfinished, schema) as writer:
            for number in range(prod(map(len, starts))):
                writer.write_table(pyarrow.parquet.read_table(work.piece(number), schema=schema))
    return pyarrow.dataset.dataset(target)


def bar_or_none(progress: bool, total: int) -> Any:
    from contextlib import nullcontext

    return bar(total, "sweep") if progress else nullcontext(lambda count: None)


def _table(plan: Sweep, corner: tuple[int, ...], stops: list[int], schema: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if plan.mode == "grid":
        part = {name: plan.axes[name][a:b] for name, a, b in zip(plan.varying, corner, stops, strict=True)}
        shape = tuple(len(values) for values in part.values())
        columns = [
            np.broadcast_to(values.reshape([-1 if other == axis else 1 for other in range(len(shape))]), shape).ravel()
            for axis, values in enumerate(part.values())
        ]
    else:
        part = {name: plan.axes[name][corner[0] : stops[0]] for name in plan.varying}
        columns = list(part.values())
    columns += [np.asarray(array).ravel() for array in plan.block(part)]
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        if pa.types.is_decimal(field.type):
            values: Any = [Decimal(int(value)) for value in column.tolist()]
        else:
            values = np.asarray(column, dtype=float) if pa.types.is_floating(field.type) else column
        arrays.append(pa.array(values, type=field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _ends(plan: Sweep, name: str) -> int:
    """The decimal digits of the largest size."""
    sizes = plan.axes[name]
    return len(str(max(abs(int(sizes.min())), abs(int(sizes.max())))))


def _column_type(digits: int) -> Any:
    import pyarrow as pa

    return pa.int64() if digits <= 18 else pa.decimal256(min(digits, DECIMAL_DIGITS))


def _digits(plan: Sweep) -> list[int]:
    """Of every array, how many decimal digits it has at most."""
    program = plan.compiled.formulas.program
    box = []
    for name in plan.compiled.arguments:
        sizes = plan.axes[name]
        box.append((sizes, sizes) if isinstance(sizes, int) else (int(sizes.min()), int(sizes.max())))
    bounds = program.analyse(box)
    found = []
    for place, _ in zip(program.outputs, plan.names, strict=False):
        top = max(abs(end) for end in bounds[place])
        found.append(len(str(top)) if isinstance(top, int) else DECIMAL_DIGITS + 1)
    return found


def _type(kind: str, digits: int, name: str) -> Any:
    import pyarrow as pa

    if kind != "object":
        return {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}[kind]
    if digits > DECIMAL_DIGITS:
        raise BudgetError(
            f"{name} may have more than {DECIMAL_DIGITS} digits, which Parquet does not hold; write "
            "dtype='float64' to round it"
        )
    return pa.decimal128(digits) if digits <= 38 else pa.decimal256(digits)
