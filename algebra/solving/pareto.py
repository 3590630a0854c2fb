"""The points of a sweep that no other point beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..errors import FieldError

if TYPE_CHECKING:
    import xarray

CHUNK = 2048


def front(dataset: Any, maximise: Sequence[str], minimise: Sequence[str]) -> Any:
    """See `layeralgebra.pareto`."""
    import numpy as np
    import xarray

    objectives = [*maximise, *minimise]
    if not objectives:
        raise FieldError("pareto needs objectives; write maximise='capacity', minimise='macs'")
    if not isinstance(dataset, xarray.Dataset):
        raise FieldError(f"pareto takes a dataset such as sweep returns, got {type(dataset).__name__}")
    for name in objectives:
        if name not in dataset.data_vars:
            raise FieldError(f"the data has no variable {name}; it has {', '.join(map(str, dataset.data_vars))}")
    if len(set(objectives)) < len(objectives):
        raise FieldError("an objective is named twice")
    dataset = dataset.compute()
    dims = [name for name in dataset.dims]
    flat = dataset.stack(point=dims) if dims and dims != ["point"] else dataset
    if "point" not in flat.dims:
        flat = flat.expand_dims("point")
    columns = []
    for number, name in enumerate(objectives):
        values = np.asarray(flat[name].broadcast_like(flat[objectives[0]]).values)
        columns.append(ranks(values) * (1 if number < len(maximise) else -1))
    known = np.ones(len(columns[0]), dtype=bool)
    for name in objectives:
        values = np.asarray(flat[name].values)
        if values.dtype.kind == "f":
            known &= ~np.isnan(values)
    places = np.flatnonzero(known)
    table = np.stack([column[places] for column in columns], axis=1)
    best = places[undominated(table)]
    order = np.argsort(columns[0][best], kind="stable")
    if len(maximise) == 0:
        order = order[::-1]
    chosen = flat.isel(point=best[order])
    if dims and dims != ["point"]:
        chosen = chosen.reset_index("point")
    return chosen.drop_vars("point", errors="ignore")


def ranks(values: Any) -> Any:
    """The places of values among the different ones in increasing order: exact for integers of any size."""
    import numpy as np

    return np.unique(values, return_inverse=True)[1].reshape(-1)


def undominated(table: Any) -> Any:
    """The places of the rows to which no other row is at least equal in every column and larger in one.

    >>> import numpy as np
    >>> undominated(np.array([[1, 5], [2, 4], [1, 4], [2, 4], [0, 6]])).tolist()
    [0, 1, 3, 4]
    """
    import numpy as np

    if not len(table):
        return np.array([], dtype=int)
    different, place = np.unique(table, axis=0, return_inverse=True)
    place = place.reshape(-1)
    good = np.zeros(len(different), dtype=bool)
    if table.shape[1] <= 2:
        # From the largest first column down, a row is good if its second is larger than all before it.
        second = different[::-1, -1] if table.shape[1] == 2 else different[::-1, 0]
        before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(second)[:-1]])
        good[::-1] = second > before if table.shape[1] == 2 else second == second.max()
        return np.flatnonzero(good[place])
    # A row that beats another has a larger sum, so only rows already found to be good need to be compared with.
    order = np.argsort(-different.sum(axis=1), kind="stable")
    kept = different[:0]
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        candidates = different[rows]
        alive = np.ones(len(rows), dtype=bool)
        for first in range(0, len(kept), CHUNK):
            part = kept[first : first + CHUNK]
            alive &= ~np.all(part[None, :, :] >= candidates[:, None, :], axis=2).any(axis=1)
        candidates, rows = candidates[alive], rows[alive]
        beaten = np.all(candidates[None, :, :] >= candidates[:, None, :], axis=2)
        np.fill_diagonal(beaten, False)
        new = ~beaten.any(axis=1)
        good[rows[new]] = True
        kept = np.concatenate([kept, candidates[new]])
    return np.flatnonzero(good[place])


@checked
def pareto(dataset: "xarray.Dataset", maximise: Iterable[str] = (), minimise: Iterable[str] = ()) -> "xarray.Dataset":
    """The points of a sweep that no other point beats: none is at least as good in all objectives and better in one.

    Parameters
    ----------
    dataset : xarray.Dataset
        Such as `sweep` returns.
    maximise, minimise : name or iterable of names
        The objectives.

    Returns
    -------
    xarray.Dataset
        The points along one dimension ``point``, with all variables and their sizes, sorted by the first objective.
        Comparisons are exact, also of integers beyond 64 bits; points without a value (NaN) are left out, equal
        points all kept.

    Raises
    ------
    FieldError
        If a name is no variable of the data, or there is no objective.

    Examples
    --------
    >>> from sympy import symbols
    >>> from layeralgebra import sweep
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> data = sweep({"power": c + 3*L, "cost": c**2 * L}, {c: [1, 2, 3], L: [1, 2]})
    >>> front = pareto(data, maximise="power", minimise="cost")
    >>> [tuple(int(front[name][i]) for name in ("c", "L", "power", "cost")) for i in range(front.sizes["point"])]
    [(1, 1, 4, 1), (1, 2, 7, 2), (2, 2, 8, 8), (3, 2, 9, 18)]
    """
    return front(dataset, _names(maximise), _names(minimise))


def _names(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
