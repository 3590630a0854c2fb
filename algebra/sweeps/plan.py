"""A sweep that is ready to be computed: at once, lazily with Dask, or block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from sympy import Basic, Symbol

from ..arguments import shown
from ..compilation.interface import CompiledFormula
from ..compilation.program.integer_bounds import Interval, fits
from ..errors import BudgetError, FieldError
from ..formulas.latex import formula_latex
from ..formulas.records import Formula
from ..records import dataclass

if TYPE_CHECKING:
    import xarray

POINT = "point"
MADE_WITH = "layeralgebra"
"""What a dataset says of who made it; a store that says so may be replaced by another sweep."""
BLOCK_ELEMENTS = 2**20  # of a block that is computed at once, where nobody says how large blocks should be


MOST_POINTS = 10**8  # of which one call keeps all values in memory
MOST_POINTS_IN_FILES = 10**12


def within_budget(plan: Sweep, chunk: Mapping[str, int] | None, most: int | None) -> None:
    """Refuse what is larger than the budget, before anything of it is allocated; of a chunk, what it holds at once."""
    points = prod(plan.shape)
    limit = most if most is not None else MOST_POINTS if chunk is None else MOST_POINTS_IN_FILES
    if points > limit:
        raise BudgetError(
            f"the sweep has {points} points, more than {limit}; give fewer sizes, or write most={points} to have them all"
            + ("" if chunk else ", or chunks= or to= to keep no more than a chunk in memory")
        )
    if chunk is not None and prod(chunk.values()) > max(MOST_POINTS, most or 0):
        raise BudgetError(
            f"a chunk of the sweep has {prod(chunk.values())} points, more than {MOST_POINTS}; give smaller chunks"
        )


@dataclass
class Sweep:
    """A sweep that is ready to be computed, at once, lazily or block by block."""

    compiled: CompiledFormula
    formulas: Mapping[str, Formula]
    axes: dict[str, Any]
    mode: str
    dtype: str | None
    seed: int

    @property
    def varying(self) -> list[str]:
        """The symbols with more than one size, in the order in which they were given."""
        return [name for name, sizes in self.axes.items() if not isinstance(sizes, int)]

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(self.varying) if self.mode == "grid" else (POINT,) * bool(self.varying)

    @property
    def shape(self) -> tuple[int, ...]:
        lengths = [len(self.axes[name]) for name in self.varying]
        return tuple(lengths) if self.mode == "grid" else tuple(lengths[:1])

    @property
    def names(self) -> list[str]:
        """One name for every array: parts of a record are numbered."""
        found = []
        for name, thing in self.formulas.items():
            parts = thing.expressions or [None]
            found += [str(name)] if len(parts) == 1 else [f"{name}_{number}" for number in range(len(parts))]
        return found

    def block(self, sizes: Mapping[str, Any]) -> list[Any]:
        """All arrays on the open grid (or along the list) of some sizes, each of the full shape of that grid."""
        import numpy as np

        arguments: dict[str, Any] = {}
        shape = []
        for axis, name in enumerate(self.varying):
            values = np.asarray(sizes[name])
            if self.mode == "grid":
                shape.append(len(values))
                values = values.reshape([-1 if other == axis else 1 for other in range(len(self.varying))])
            else:
                shape = [len(values)]
            arguments[name] = values
        arguments.update({name: value for name, value in self.axes.items() if isinstance(value, int)})
        results = self.compiled.flat(**arguments)
        return [np.broadcast_to(self._finished(result, np), shape) for result in results]

    def _finished(self, result: Any, np: Any) -> Any:
        if isinstance(result, np.ma.MaskedArray) or result is np.ma.masked:
            if np.ma.is_masked(result):
                result = np.ma.masked_array(result, dtype=float).filled(np.nan)
            else:
                result = np.ma.getdata(result)
            return np.asarray(result, dtype=float) if self.compiled.on_invalid == "mask" else result
        if self.dtype is not None:
            return np.asarray(result, dtype=self.dtype)
        if isinstance(result, int) and not isinstance(result, bool):
            return np.asarray(result, dtype=np.int64 if fits((result, result)) else object)
        return np.asarray(result) if not hasattr(result, "limit_denominator") else np.asarray(float(result))

    def types(self) -> list[str]:
        """What the arrays hold, as far as it is known before they are computed; quotients are floats then."""
        formulas = self.compiled.formulas
        box: list[Interval] = []
        for name in self.compiled.arguments:
            sizes = self.axes[name]
            box.append((sizes, sizes) if isinstance(sizes, int) else (int(sizes.min()), int(sizes.max())))
        bounds = formulas.program.analyse(box)
        found = []
        for place, kind in zip(formulas.program.outputs, formulas.kinds, strict=False):
            if self.dtype is not None or kind in ("rational", "real") or self.compiled.on_invalid == "mask":
                found.append("float64")
            elif kind == "truth":
                found.append("bool")
            else:
                found.append("int64" if fits(bounds[place]) else "object")
        return found

    # -- ways to compute -----------------------------------------------------------------------------------------

    def eager(self, progress: bool) -> "xarray.Dataset":
        """Everything now, in memory."""
        import numpy as np

        if not progress or not self.shape:
            return self.dataset(self.block({name: self.axes[name] for name in self.varying}))
        parts: list[list[Any]] = []
        with bar(self.shape[0], "sweep") as advance:
            step = max(1, min(self.shape[0] // 50, BLOCK_ELEMENTS // max(prod(self.shape[1:]), 1)))
            for start in range(0, self.shape[0], step):
                parts.append(self.block(self.part(start, start + step)))
                advance(min(step, self.shape[0] - start))
        return self.dataset([np.concatenate(columns) for columns in zip(*parts, strict=True)])

    def part(self, start: int, stop: int) -> dict[str, Any]:
        """The sizes of a stretch of the first axis (or of the list)."""
        first, *others = self.varying
        rest = {name: self.axes[name][start:stop] if self.mode != "grid" else self.axes[name] for name in others}
        return {first: self.axes[first][start:stop], **rest}

    def lazy(self, chunks: Any) -> "xarray.Dataset":
        """Dask arrays: one task computes all formulas for one chunk."""
        import dask.array as da
        import numpy as np

        if not self.shape:
            return self.eager(False)
        sizes = self.chunk_sizes(chunks)
        inputs: list[Any] = []
        for name in self.varying:
            dimension = name if self.mode == "grid" else POINT
            array = da.from_array(np.asarray(self.axes[name]), chunks=sizes[dimension])
            inputs += [array, (self.dims.index(dimension),)]
        index = tuple(range(len(self.dims)))
        blocks = da.blockwise(
            _Task(self),
            index,
            *inputs,
            dtype=object,
            meta=np.empty((0,) * len(index), dtype=object),
            align_arrays=False,
        )
        arrays = [
            blocks.map_blocks(_picked, number, kind, dtype=kind, meta=np.empty((0,) * len(index), dtype=kind))
            for number, kind in enumerate(self.types())
        ]
        return self.dataset(arrays)

    def chunk_sizes(self, chunks: Any) -> dict[str, int]:
        """The length of a chunk along every dimension."""
        shape = dict(zip(self.dims, self.shape, strict=True))
        if isinstance(chunks, int) and not isinstance(chunks, bool):
            chunks = {name: chunks for name in self.dims}
        if chunks == "auto":
            chunks, left = {}, BLOCK_ELEMENTS
            for name in reversed(self.dims):
                chunks[name] = max(1, min(shape[name], left))
                left //= chunks[name]
        if not isinstance(chunks, Mapping):
            raise FieldError(
                f"chunks must be 'auto', an integer or a mapping such as {{'c': 100}}, got {shown(chunks)}"
            )
        named = {(key.name if isinstance(key, Symbol) else str(key)): size for key, size in chunks.items()}
        for name, size in named.items():
            if name not in shape:
                raise FieldError(f"chunks names {name}, but the axes are {', '.join(shape) or 'none'}")
            if not isinstance(size, int) or size == 0 or size < -1:
                raise FieldError(
                    f"a chunk along {name} must be a positive number of sizes, or -1 for all, got {shown(size)}"
                )
        return {
            name: (min(named.get(name, -1), length) if named.get(name, -1) > 0 else length)
            for name, length in shape.items()
        }

    # -- labels --------------------------------------------------------------------------------------------------

    def dataset(self, arrays: Sequence[Any]) -> "xarray.Dataset":
        """The arrays with their labels."""
        import xarray

        coordinates = {
            name: (() if isinstance(sizes, int) else (name,) if self.mode == "grid" else (POINT,), sizes,
                   {"latex": formula_latex(symbol)})
            for (name, sizes), symbol in zip(self.axes.items(), self._symbols(), strict=True)
        }  # fmt: skip
        variables = {
            name: (self.dims, array, attributes)
            for name, array, attributes in zip(self.names, arrays, self.attributes(), strict=True)
        }
        about: dict[str, Any] = {"mode": self.mode, "made_with": MADE_WITH}
        if self.mode == "random":
            about["seed"] = self.seed
        return xarray.Dataset(variables, coordinates, about)

    def _symbols(self) -> list[Symbol]:
        by_name = {**self.compiled.unused, **{symbol.name: symbol for symbol in self.compiled.symbols}}
        return [by_name[name] for name in self.axes]

    def attributes(self) -> list[dict[str, str]]:
        """For every array: the formula, what kind of result it is, where it comes from, its unit."""
        found = []
        for thing in self.formulas.values():
            about = {"kind": thing.kind, "source": thing.source, "units": thing.unit, "long_name": thing.title}
            for part in thing.expressions or [thing.body]:
                text = {"formula": str(part), "latex": formula_latex(part) if isinstance(part, Basic) else str(part)}
                found.append({**text, **{key: str(value) for key, value in about.items() if value}})
        return found


class _Task:
    """What a worker does with a chunk; the formulas travel as expressions and are compiled once per process."""

    def __init__(self, sweep: Sweep):
        self.sweep = sweep

    def __call__(self, *sizes: Any) -> Any:
        import numpy as np

        plan = self.sweep
        arrays = plan.block(dict(zip(plan.varying, sizes, strict=True)))
        holder = np.empty((1,) * len(plan.dims), dtype=object)
        holder[(0,) * holder.ndim] = arrays
        return holder

    def __dask_tokenize__(self) -> tuple:
        plan = self.sweep
        return (plan.compiled.token, tuple(plan.axes), plan.mode, plan.dtype)

    def __reduce__(self) -> tuple:
        plan = self.sweep
        fixed = {name: sizes if isinstance(sizes, int) else None for name, sizes in plan.axes.items()}
        return _task, (plan.compiled, fixed, plan.mode, plan.dtype)


def _task(compiled: CompiledFormula, axes: dict[str, Any], mode: str, dtype: str | None) -> _Task:
    return _Task(Sweep(compiled, {}, axes, mode, dtype, 0))


def _picked(holder: Any, number: int, kind: str) -> Any:
    """One of the arrays that a task computed."""
    import numpy as np

    return np.asarray(holder[(0,) * holder.ndim][number], dtype=kind)


def bar(total: int, what: str) -> Any:
    """A progress bar: a context whose value advances it."""
    from contextlib import contextmanager

    from rich.progress import Progress

    @contextmanager
    def shown() -> Any:
        with Progress() as progress:
            task = progress.add_task(what, total=total)
            yield lambda count: progress.advance(task, count)

    return shown()
