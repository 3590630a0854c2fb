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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from ..arguments import as_integer, checked, shown
from ..compilation.backends.registry import BACKENDS
from ..compilation.interface import CompiledFormula
from ..compilation.program.integer_bounds import Interval, fits
from ..errors import BudgetError, FieldError
from ..formulas.records import as_formula
from ..writing import target_of
from .plan import MOST_POINTS, POINT, Sweep, within_budget

if TYPE_CHECKING:
    import xarray

MODES = ("grid", "zip", "random")


@checked
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
    backend: str = "numpy",
    most: int | None = None,
    overwrite: bool = False,
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
        Computes chunk by chunk into a file, so that results may be larger than the memory. The name appears when all is there;
        the same call after an interruption goes on from the chunks that are complete.
    seed : int
        Of the random draws.
    domain, on_invalid
        As for `compile`; with ``"mask"``, floats with NaN where a formula does not hold.
    dtype : str, optional
        ``"float64"`` rounds all numbers; otherwise integers beyond 64 bits are Python integers in object arrays.
    most : int, optional
        How many points there may be: 10**8 in memory and 10**12 in chunks, if left out.
    overwrite : bool
        Whether the file, or the store of an earlier sweep, at `to` is replaced, once all is computed. Other folders never are.
    backend : {"numpy", "numba"}
        The second is several times faster on lists of millions, after a first call that compiles.

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
    FileError
        If the file cannot be written, or is there already.
    BudgetError
        If there are too many points, or values do not fit into the file.
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
        raise FieldError(f"mode must be one of {', '.join(MODES)}, got {shown(mode)}")
    if dtype not in (None, "float64"):
        raise FieldError(f"dtype must be 'float64' or left out, got {shown(dtype)}")
    target = None if to is None else target_of(to, (".zarr", ".parquet"), overwrite=overwrite)
    if most is not None and most < 1:
        raise FieldError(f"most must be a number of points, at least 1, got {most}")
    if backend not in BACKENDS or not BACKENDS[backend].on_arrays:
        known = " or ".join(repr(name) for name in BACKENDS if BACKENDS[name].on_arrays)
        raise FieldError(f"backend must be {known}, which compute on arrays of the host; got {shown(backend)}")
    if isinstance(formulas, Mapping):
        named = {name: as_formula(part, f"sweep, {name!r},") for name, part in formulas.items()}
    else:
        named = {"value": as_formula(formulas, "sweep")}
    compiled = CompiledFormula(named, backend, domain, on_invalid)
    plan = Sweep(compiled, named, axes_of(compiled, over, mode, samples, seed), mode, dtype, seed)
    taken = sorted({*plan.axes, POINT} & {*plan.names})
    if taken:
        raise FieldError(f"{taken[0]} is the name of an axis; give the formula another name")
    if target is not None and target.suffix == ".parquet":
        from .files import to_parquet

        return to_parquet(plan, target, chunks, progress, most)
    if target is not None:
        from .files import to_zarr

        return to_zarr(plan, target, "auto" if chunks is None else chunks, progress, most)
    if chunks is not None:
        within_budget(plan, plan.chunk_sizes(chunks), most)
        return plan.lazy(chunks)
    within_budget(plan, None, most)
    return plan.eager(progress)


def axes_of(
    compiled: CompiledFormula, over: Mapping[Any, Any], mode: str, samples: int | None, seed: int
) -> dict[str, Any]:
    """The sizes of every symbol by name: int64 arrays (objects beyond 64 bits), one value as a Python integer."""
    import numpy as np

    if not isinstance(over, Mapping):
        raise FieldError(f"over must be a mapping such as {{c: range(1, 9)}}, got {shown(over)}")
    given = {(key.name if isinstance(key, Symbol) else str(key)): values for key, values in over.items()}
    missing = [name for name in compiled.arguments if name not in given]
    unknown = [name for name in given if name not in compiled.arguments and name not in compiled.unused]
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
        if samples is None or samples < 1:
            raise FieldError(f"mode='random' needs samples=, a positive integer, got {shown(samples)}")
        if samples > MOST_POINTS:
            raise BudgetError(f"samples={samples} is more than {MOST_POINTS}")
        if seed < 0:
            raise FieldError(f"seed must be an integer of at least 0, got {seed}")
        random = np.random.default_rng(seed)
        return {
            name: sizes if isinstance(sizes, int) else _drawn(random, sizes, samples) for name, sizes in axes.items()
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
            found.append(as_integer(value, f"a size of {name}"))
    else:
        raise FieldError(f"the sizes of {name} must be a range or a list of integers, got {shown(values)}")
    if not len(found):
        raise FieldError(f"{name} has no sizes")
    return found


def _listed(sizes: Sequence[int]) -> Any:
    import numpy as np

    if len(sizes) > MOST_POINTS:
        raise BudgetError(f"one axis has {len(sizes)} sizes, more than {MOST_POINTS}; give fewer")
    if isinstance(sizes, range) and fits((sizes.start, sizes.stop)):  # without going through it
        return np.arange(sizes.start, sizes.stop, sizes.step, dtype=np.int64)
    return np.array(sizes, dtype=np.int64 if fits(_ends(sizes)) else object)


def _ends(sizes: Any) -> Interval:
    """The smallest and largest size; those of a range without going through it."""
    if isinstance(sizes, range):
        return min(sizes[0], sizes[-1]), max(sizes[0], sizes[-1])
    if isinstance(sizes, list):
        return min(sizes), max(sizes)
    return int(sizes.min()), int(sizes.max())


def _drawn(random: Any, sizes: Sequence[int], samples: int) -> Any:
    places = random.integers(0, len(sizes), samples)
    if isinstance(sizes, range) and fits(_ends(sizes)):
        return sizes.start + sizes.step * places
    return _listed(sizes[places] if hasattr(sizes, "dtype") else [sizes[place] for place in places.tolist()])
