"""`sweep`: formulas over grids, lists and random samples of sizes, as labelled arrays.

>>> from sympy import symbols
>>> c, L = symbols("c L", integer=True, positive=True)
>>> data = sweep({"parameters": 9 * c**2 * L}, {c: [16, 32], L: range(1, 4)})
>>> data["parameters"].values
array([[ 2304,  4608,  6912],
       [ 9216, 18432, 27648]])
>>> int(data["parameters"].sel(c=32, L=2))
18432
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Basic, Symbol

from .compilation.bounds import Interval, fits
from .compilation.interface import CompiledFormula
from .derivation import expressions
from .errors import FieldError
from .latex_formula import formula_latex

if TYPE_CHECKING:
    import xarray

MODES = ("grid", "zip", "random")
POINT = "point"
BLOCK_ELEMENTS = 2**20  # of a block that is computed at once, where nobody says how large blocks should be


def sweep(
    formulas: Any,
    over: Mapping[Any, Any],
    mode: str = "grid",
    samples: int | None = None,
    chunks: Any = None,
    progress: bool = False,
    to: str | Path | None = None,
    seed: int = 0,
    domain: Any = None,
    on_invalid: str = "raise",
    dtype: str | None = None,
) -> "xarray.Dataset":
    """Formulas at many sizes: one labelled array for each formula, exact integers where they are integers.

    Parameters
    ----------
    formulas : mapping of names to formulas or derivations
        What to compute; a single formula or derivation is called ``"value"``.
    over : mapping of symbols (or their names) to integers
        The sizes: a range, a list or an array for each symbol; one integer for a symbol that does not vary.
    mode : {"grid", "zip", "random"}
        All combinations; the sizes of equally long lists side by side; or `samples` independent draws from them.
    samples : int, optional
        How many draws in mode ``"random"``.
    chunks : int, ``"auto"`` or mapping of names to int, optional
        Computes lazily with Dask, in chunks of so many sizes along each axis: nothing is computed until values are
        asked for, on all cores or on the workers of a `distributed.Client`. A task that is lost with its worker is
        computed again.
    progress : bool
        Shows a bar.
    to : path ending in ``.zarr`` or ``.parquet``, optional
        Computes chunk by chunk into a file, so that results may be larger than the memory.
    seed : int
        Of the random draws.
    domain, on_invalid
        As for `compile`; with ``"mask"``, floats with NaN where a formula does not hold.
    dtype : str, optional
        ``"float64"`` rounds all numbers; otherwise integers beyond 64 bits are Python integers in object arrays.

    Returns
    -------
    xarray.Dataset
        With one coordinate for each symbol, named after it. Every variable has the attributes ``formula`` and
        ``latex``, and, where a derivation tells, ``kind``, ``source``, ``units`` and ``long_name``. With `to` a Zarr
        store it is read from there lazily; with `to` a Parquet file a `pyarrow.dataset.Dataset` over it is returned
        instead.

    Raises
    ------
    FieldError
        If a symbol has no sizes, sizes are no integers, lists differ in length, or the file has another ending.
    DomainError
        If a formula does not hold at some of the sizes.

    Examples
    --------
    >>> from sympy import symbols
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> data = sweep({"a": c * L}, {c: [1, 2, 3], L: [10, 20, 30]}, mode="zip")
    >>> data["a"].values
    array([10, 40, 90])
    >>> lazy = sweep({"a": c**9 * L}, {c: range(1, 1001), L: range(1, 101)}, chunks={"c": 250})
    >>> lazy["a"].chunks
    ((250, 250, 250, 250), (100,))
    >>> int(lazy["a"].sel(c=1000, L=100))
    100000000000000000000000000000
    """
    if mode not in MODES:
        raise FieldError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if dtype not in (None, "float64"):
        raise FieldError(f"dtype must be 'float64' or left out, got {dtype!r}")
    if to is not None and Path(to).suffix not in (".zarr", ".parquet"):
        raise FieldError(f"to must end in .zarr or .parquet, got {str(to)!r}")
    named = formulas if isinstance(formulas, Mapping) else {"value": formulas}
    compiled = CompiledFormula(named, "numpy", domain, on_invalid)
    plan = Sweep(compiled, named, axes_of(compiled, over, mode, samples, seed), mode, dtype, seed)
    taken = sorted({*plan.axes, POINT} & {*plan.names})
    if taken:
        raise FieldError(f"{taken[0]} is the name of an axis; give the formula another name")
    if to is not None and Path(to).suffix == ".parquet":
        from .sweep_files import to_parquet

        return to_parquet(plan, Path(to), chunks, progress)
    if to is not None:
        from .sweep_files import to_zarr

        return to_zarr(plan, Path(to), "auto" if chunks is None else chunks, progress)
    if chunks is not None:
        return plan.lazy(chunks)
    return plan.eager(progress)


def axes_of(
    compiled: CompiledFormula, over: Mapping[Any, Any], mode: str, samples: int | None, seed: int
) -> dict[str, Any]:
    """The sizes of every symbol by name: int64 arrays (objects beyond 64 bits), one value as a Python integer."""
    import numpy as np

    if not isinstance(over, Mapping):
        raise FieldError(f"over must be a mapping such as {{c: range(1, 9)}}, got {over!r}")
    given = {(key.name if isinstance(key, Symbol) else str(key)): values for key, values in over.items()}
    missing = [name for name in compiled.arguments if name not in given]
    unknown = [name for name in given if name not in compiled.arguments]
    if missing or unknown:
        raise FieldError(
            f"the formulas depend on {', '.join(compiled.arguments) or 'nothing'}; no sizes for: "
            f"{', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
    if len(given) != len(over):
        raise FieldError("two keys of over have the same name")
    axes = {name: _sizes(name, values) for name, values in given.items()}
    if mode == "random":
        if not isinstance(samples, int) or samples < 1:
            raise FieldError(f"mode='random' needs samples=, a positive integer, got {samples!r}")
        random = np.random.default_rng(seed)
        return {
            name: sizes if isinstance(sizes, int) else _drawn(random, given[name], sizes, samples)
            for name, sizes in axes.items()
        }
    if samples is not None:
        raise FieldError("samples is for mode='random'")
    axes = {name: sizes if isinstance(sizes, int) else _listed(sizes) for name, sizes in axes.items()}
    if mode == "zip":
        lengths = {name: len(sizes) for name, sizes in axes.items() if not isinstance(sizes, int)}
        if len(set(lengths.values())) > 1:
            raise FieldError(f"mode='zip' needs lists of one length, got {lengths}")
    return axes


def _sizes(name: str, values: Any) -> Any:
    """A Python integer, a range, or a list that can be drawn from."""
    import numpy as np

    if hasattr(values, "__index__") and not isinstance(values, (bool, np.ndarray)):
        return values.__index__()
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu" and values.ndim == 1:
        found: Any = values
    elif isinstance(values, range):
        found = values
    elif isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping)):
        found = []
        for value in values:
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise FieldError(f"the sizes of {name} must be integers, got {value!r}")
            found.append(value.__index__())
    else:
        raise FieldError(f"the sizes of {name} must be a range or a list of integers, got {values!r}")
    if not len(found):
        raise FieldError(f"{name} has no sizes")
    return found


def _listed(sizes: Sequence[int]) -> Any:
    import numpy as np

    return np.array(sizes, dtype=np.int64 if fits(_ends(sizes)) else object)


def _ends(sizes: Any) -> Interval:
    """The smallest and largest size; those of a range without going through it."""
    if isinstance(sizes, range):
        return min(sizes[0], sizes[-1]), max(sizes[0], sizes[-1])
    if isinstance(sizes, list):
        return min(sizes), max(sizes)
    return int(sizes.min()), int(sizes.max())


def _drawn(random: Any, given: Any, sizes: Sequence[int], samples: int) -> Any:
    places = random.integers(0, len(sizes), samples)
    if isinstance(sizes, range) and fits(_ends(sizes)):
        return sizes.start + sizes.step * places
    return _listed(sizes[places] if hasattr(sizes, "dtype") else [sizes[place] for place in places.tolist()])


@dataclass
class Sweep:
    """A sweep that is ready to be computed, at once, lazily or block by block."""

    compiled: CompiledFormula
    formulas: Mapping[str, Any]
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
            parts = expressions(getattr(thing, "formula", thing)) or [None]
            found += [str(name)] if len(parts) == 1 else [f"{name}_{number}" for number in range(len(parts))]
        return found

    def block(self, sizes: Mapping[str, Any]) -> list[Any]:
        """All arrays on the open grid (or along the list) of some sizes, each of the full shape of that grid."""
        import numpy as np

        arguments = {}
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
            raise FieldError(f"chunks must be 'auto', an integer or a mapping such as {{'c': 100}}, got {chunks!r}")
        named = {(key.name if isinstance(key, Symbol) else str(key)): size for key, size in chunks.items()}
        for name, size in named.items():
            if name not in shape:
                raise FieldError(f"chunks names {name}, but the axes are {', '.join(shape) or 'none'}")
            if not isinstance(size, int) or size == 0 or size < -1:
                raise FieldError(
                    f"a chunk along {name} must be a positive number of sizes, or -1 for all, got {size!r}"
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
        about = {"mode": self.mode, "made_with": "layeralgebra"}
        if self.mode == "random":
            about["seed"] = self.seed  # type: ignore[assignment]
        return xarray.Dataset(variables, coordinates, about)

    def _symbols(self) -> list[Symbol]:
        by_name = {symbol.name: symbol for symbol in self.compiled.symbols}
        return [by_name[name] for name in self.axes]

    def attributes(self) -> list[dict[str, str]]:
        """For every array: the formula, what kind of result it is, where it comes from, its unit."""
        found = []
        for thing in self.formulas.values():
            formula = getattr(thing, "formula", thing)
            about = {}
            if hasattr(thing, "formula"):
                metric = getattr(thing, "metric", None)
                about = {
                    "kind": getattr(thing, "kind", ""), "source": getattr(thing, "source", ""),
                    "units": getattr(metric, "unit", ""), "long_name": getattr(metric, "title", ""),
                }  # fmt: skip
            for part in expressions(formula) or [formula]:
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
