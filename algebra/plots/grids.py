"""Sweeps as pictures: a variable over two sizes as colours, two variables as points with their Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..errors import FieldError
from ..typesetting.figures import COLOURS, POINTS, column_axes
from .labels import data_label

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def plot_heatmap(
    data: "xarray.Dataset",
    name: str,
    x: str | None = None,
    y: str | None = None,
    ax: "Axes | None" = None,
    log: bool = False,
) -> "Axes":
    """A variable of a sweep over two sizes, as colours.

    Parameters
    ----------
    data : xarray.Dataset
        From a sweep over a grid.
    name : str
        The variable; it must have two dimensions of more than one size. Choose the others with ``data.sel``.
    x, y : str, optional
        The sizes along the axes; the last and the first dimension, if left out.
    log : bool
        Colours by the logarithm.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If the data has no such variable, or it has not two dimensions.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import dims, plot_heatmap, sweep
    >>> c, L = dims("c L")
    >>> axes = plot_heatmap(sweep({"cost": c**2 * L}, {c: range(1, 9), L: range(1, 5)}), "cost")
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('$L$', '$c$')
    """
    import numpy as np
    from matplotlib.colors import LogNorm

    array = _variable(data, name).squeeze()
    if array.ndim != 2:
        raise FieldError(
            f"a heat map needs two dimensions, {name} has {array.ndim}: {', '.join(map(str, array.dims))}; "
            "choose with data.sel"
        )
    x = x or str(array.dims[1 if y != array.dims[1] else 0])
    y = y or str(next(other for other in array.dims if other != x))
    if {x, y} != set(array.dims):
        raise FieldError(f"{name} has the dimensions {', '.join(map(str, array.dims))}, not {x} and {y}")
    axes = ax if ax is not None else column_axes(0.8)
    values = np.asarray(array.transpose(y, x).values, dtype=float)
    mesh = axes.pcolormesh(
        np.asarray(array[x].values, dtype=float), np.asarray(array[y].values, dtype=float), values,
        shading="nearest", norm=LogNorm() if log else None, rasterized=True,
    )  # fmt: skip
    bar = axes.figure.colorbar(mesh, ax=axes, label=data_label(array, name))
    for axis in (bar.ax.yaxis, *(() if ax is not None else (axes.xaxis, axes.yaxis))):
        axis.label.set_fontsize(POINTS)
        axis.set_tick_params(which="both", labelsize=POINTS, width=0.6)
    bar.outline.set_linewidth(0.6)
    axes.set_xlabel(data_label(array[x], x))
    axes.set_ylabel(data_label(array[y], y))
    return axes


@checked
def plot_pareto(
    data: "xarray.Dataset",
    x: str,
    y: str,
    maximise: Any = (),
    minimise: Any = (),
    ax: "Axes | None" = None,
    log: bool = False,
) -> "Axes":
    """All points of a sweep in two of its variables, and those that no other beats joined by a line.

    Parameters
    ----------
    data : xarray.Dataset
    x, y : str
        Two variables, both named in `maximise` or `minimise`.
    maximise, minimise : name or names
        What is better.
    log : bool
        Logarithmic axes.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If the data has no such variable, or it is not said of both whether more or less is better.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import dims, plot_pareto, sweep
    >>> c, L = dims("c L")
    >>> data = sweep({"power": c + 3 * L, "cost": c**2 * L}, {c: [1, 2, 3], L: [1, 2]})
    >>> axes = plot_pareto(data, "cost", "power", maximise="power", minimise="cost")
    >>> [line.get_label() for line in axes.lines]
    ['all', 'no other is better']
    """
    import numpy as np

    from ..solving.pareto import pareto

    better = [[names] if isinstance(names, str) else list(names) for names in (maximise, minimise)]
    if sorted(better[0] + better[1]) != sorted([x, y]):
        raise FieldError(f"say for {x} and for {y} whether it is to be maximised or minimised")
    front = pareto(data, *better)
    axes = ax if ax is not None else column_axes()
    flat = [np.asarray(_variable(data, name).broadcast_like(data[x]).values, dtype=float).ravel() for name in (x, y)]
    axes.plot(*flat, ".", color="0.75", markersize=2, label="all", rasterized=len(flat[0]) > 10**4)
    best = [np.asarray(front[name].values, dtype=float) for name in (x, y)]
    order = np.argsort(best[0], kind="stable")
    axes.plot(
        best[0][order], best[1][order], "o-", color=COLOURS[1], markersize=3, linewidth=1, label="no other is better"
    )
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(data_label(data[x], x))
    axes.set_ylabel(data_label(data[y], y))
    axes.legend(fontsize=POINTS, frameon=False, handlelength=1.5)
    axes.grid(True, alpha=0.2, linewidth=0.5)
    return axes


def _variable(data: Any, name: str) -> Any:
    if name not in getattr(data, "data_vars", ()):
        known = ", ".join(map(str, getattr(data, "data_vars", ()))) or "none"
        raise FieldError(f"the data has no variable {name}; it has {known}")
    return data[name]
