"""Pictures of formulas and sweeps: scaling curves, heat maps, Pareto fronts, costs by node, profiles along a network.

Axes are labelled by the formulas' own LaTeX where it is short, else by names and units. Every function draws on the
axes it is given, or on new ones of matplotlib's pyplot, and returns them; matplotlib is imported when a function is
called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, Symbol, sympify

from .arguments import as_elements, as_real, checked
from .compilation.interface import CompiledFormula
from .derivations.derivation import Derivation
from .errors import FieldError
from .formulas.latex import formula_latex
from .formulas.records import as_scalar, for_each
from .sizes.evaluate import evaluate, free_symbols

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

__all__ = ["plot_heatmap", "plot_pareto", "plot_profile", "plot_scaling", "plot_terms"]

LONGEST_LABEL = 90  # characters of LaTeX; longer formulas are called by their names
MOST_BARS = 40


def label(name: str, formula: Any = None, unit: str = "") -> str:
    r"""A label for an axis: the name, the formula if it is short and matplotlib can typeset it, and the unit.

    >>> from sympy import symbols
    >>> c = symbols("c", integer=True, positive=True)
    >>> label("parameters", 9*c**2)
    'parameters $9 c^{2}$'
    >>> label("parameters", unit="bits")
    'parameters [bits]'
    """
    shown = ""
    if isinstance(formula, Basic):
        text = formula_latex(formula)
        if len(text) <= LONGEST_LABEL and _typesets(text):
            shown = f" ${text}$"
    return f"{name}{shown}" + (f" [{unit}]" if unit else "")


def _typesets(text: str) -> bool:
    """Whether matplotlib's own typesetting knows everything in a formula (it has neither cases nor matrices)."""
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(f"${text}$")
    except (ValueError, RuntimeError):
        return False
    return True


def _axes(ax: "Axes | None", width: float = 6.4, height: float = 4.2) -> "Axes":
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


@checked
def plot_scaling(
    formulas: Any,
    over: Symbol,
    sizes: Iterable[int],
    at: Mapping[Any, int] | None = None,
    ax: "Axes | None" = None,
    log: bool = True,
) -> "Axes":
    """Formulas against one of their sizes.

    Parameters
    ----------
    formulas : mapping of names to formulas or derivations, or a single one
    over : sympy.Symbol
        The size along the horizontal axis.
    sizes : iterable of int
    at : mapping of symbols (or names) to int
        The other sizes.
    ax : matplotlib Axes, optional
    log : bool
        Logarithmic axes, on which powers are straight lines.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If a symbol has no size, or something is no formula.
    DomainError
        If a formula does not hold at some of the sizes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import dims, plot_scaling
    >>> c, L = dims("c L")
    >>> [line.get_label() for line in plot_scaling({"square": c**2, "linear": c * L}, c, range(1, 9), at={L: 3}).lines]
    ['square $c^{2}$', 'linear $L c$']
    """
    import numpy as np

    found = for_each(formulas, "plot_scaling", lambda formula: formula)
    named = found if isinstance(found, dict) else {found.title: found}
    places = np.array(list(sizes))
    others = {getattr(key, "name", str(key)): value for key, value in (at or {}).items()}
    axes = _axes(ax)
    for name, formula in named.items():
        wanted = {symbol.name for symbol in free_symbols(formula.body)}
        given = {key: value for key, value in {**others, over.name: places}.items() if key in wanted}
        values = CompiledFormula(formula.body)(**given)
        values = np.broadcast_to(np.asarray(values, dtype=float), places.shape)
        axes.plot(places, values, marker="." if len(places) <= 40 else None, label=label(name, formula.body))
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    units = {formula.unit for formula in named.values() if formula.unit}
    fixed = ", ".join(f"{name} = {value}" for name, value in others.items())
    axes.set_xlabel(label("", over).strip() + (f"   ({fixed})" if fixed else ""))
    if len(named) == 1:
        ((name, formula),) = named.items()
        axes.set_ylabel(label(name, formula.body, formula.unit).strip())
    else:
        axes.set_ylabel(f"[{units.pop()}]" if len(units) == 1 else "")
        axes.legend()
    axes.grid(True, which="both", alpha=0.25)
    return axes


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
    axes = _axes(ax)
    values = np.asarray(array.transpose(y, x).values, dtype=float)
    mesh = axes.pcolormesh(
        np.asarray(array[x].values, dtype=float), np.asarray(array[y].values, dtype=float), values,
        shading="nearest", norm=LogNorm() if log else None, rasterized=True,
    )  # fmt: skip
    axes.figure.colorbar(mesh, ax=axes, label=_data_label(array, name))
    axes.set_xlabel(_data_label(array[x], x))
    axes.set_ylabel(_data_label(array[y], y))
    return axes


def _variable(data: Any, name: str) -> Any:
    if name not in getattr(data, "data_vars", ()):
        known = ", ".join(map(str, getattr(data, "data_vars", ()))) or "none"
        raise FieldError(f"the data has no variable {name}; it has {known}")
    return data[name]


def _data_label(array: Any, name: str) -> str:
    """A label from the attributes that a sweep leaves."""
    text, unit = array.attrs.get("latex", ""), array.attrs.get("units", "")
    title = array.attrs.get("long_name", "") or name
    unit = unit if unit != title else ""
    if text and len(text) <= LONGEST_LABEL and _typesets(text):
        title = f"${text}$" if text == name else f"{title} ${text}$"
    return title + (f" [{unit}]" if unit else "")


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

    from .solving.pareto import pareto

    better = [[names] if isinstance(names, str) else list(names) for names in (maximise, minimise)]
    if sorted(better[0] + better[1]) != sorted([x, y]):
        raise FieldError(f"say for {x} and for {y} whether it is to be maximised or minimised")
    front = pareto(data, *better)
    axes = _axes(ax)
    flat = [np.asarray(_variable(data, name).broadcast_like(data[x]).values, dtype=float).ravel() for name in (x, y)]
    axes.plot(*flat, ".", color="0.7", markersize=3, label="all", rasterized=len(flat[0]) > 10**4)
    best = [np.asarray(front[name].values, dtype=float) for name in (x, y)]
    order = np.argsort(best[0], kind="stable")
    axes.plot(best[0][order], best[1][order], "o-", color="C3", markersize=4, linewidth=1, label="no other is better")
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(_data_label(data[x], x))
    axes.set_ylabel(_data_label(data[y], y))
    axes.legend()
    axes.grid(True, alpha=0.25)
    return axes


@checked
def plot_terms(derivation: Derivation, at: Mapping[Any, int] | None = None, ax: "Axes | None" = None) -> "Axes":
    """What each node of a network adds to a count, as bars.

    Parameters
    ----------
    derivation : Derivation
        Of a metric that adds up, such as parameters or MACs.
    at : mapping of symbols (or names) to int
        A size for every symbol.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If the derivation has no terms that are numbers at these sizes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import Input, Linear, ReLU, derive, plot_terms
    >>> axes = plot_terms(derive("macs", Input(3) >> Linear(4) >> ReLU() >> Linear(2)))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['1  Linear', '3  Linear']
    """
    given = {getattr(key, "name", str(key)): value for key, value in (at or {}).items()}
    rows: list[tuple[str, float]] = []
    for term in derivation.terms:
        if not isinstance(term.value, (Expr, int)):
            raise FieldError(f"the terms of {derivation.metric.name} are no numbers, but {type(term.value).__name__}")
        rows.append((_bar_label(term), float(_total(term, given))))
    rows = [row for row in rows if row[1]]
    if not rows:
        raise FieldError(f"no node adds to {derivation.metric.name}")
    if len(rows) > MOST_BARS:
        kept = sorted(sorted(range(len(rows)), key=lambda place: -rows[place][1])[: MOST_BARS - 1])
        rest = sum(value for place, (_, value) in enumerate(rows) if place not in set(kept))
        rows = [*(rows[place] for place in kept), (f"{len(rows) - len(kept)} others", rest)]
    axes = _axes(ax, height=1.2 + 0.24 * len(rows))
    axes.barh(range(len(rows)), [value for _, value in rows], color="C0")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.invert_yaxis()
    fixed = ", ".join(f"{name} = {value}" for name, value in given.items())
    unit = derivation.metric.unit if derivation.metric.unit != derivation.metric.title else ""
    axes.set_xlabel(label(derivation.metric.title, unit=unit) + (f"   ({fixed})" if fixed else ""))
    axes.grid(True, axis="x", alpha=0.25)
    return axes


def _total(term: Any, given: Mapping[str, int]) -> Any:
    """A term at given sizes, with all its copies."""
    from .sizes.summation import summation

    value = sympify(term.value)
    for loop in reversed(term.loops):
        value = summation(value, loop.index, 0, loop.times - 1)
    known = {symbol: given[symbol.name] for symbol in free_symbols(value) if symbol.name in given}
    return evaluate(value, known)


def _bar_label(term: Any) -> str:
    name = type(term.node).__name__
    return f"{term.path}  {name}" if term.path else name


@checked
def plot_profile(
    profile: Any, at: Mapping[Any, int] | None = None, ax: "Axes | None" = None, unit: str = "bits"
) -> "Axes":
    """A quantity along a network, such as the intrinsic power after each node.

    Parameters
    ----------
    profile : sequence of formulas or numbers, or of pairs of a name and one; or what has a ``profile``
    at : mapping of symbols (or names) to int
        A size for every symbol.
    unit : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If the profile is empty, a point is neither number nor formula, or a symbol has no size.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import Input, Linear, intrinsic_power, plot_profile
    >>> axes = plot_profile(intrinsic_power(Input(4) >> Linear(2) >> Linear(8)))
    >>> [float(height) for height in axes.lines[0].get_ydata()]
    [-1.0, 1.0]
    """
    points = _points(getattr(profile, "profile", profile))
    given = {getattr(key, "name", str(key)): value for key, value in (at or {}).items()}
    names, heights = [], []
    for name, value in points:
        if isinstance(value, Expr):
            missing = sorted(symbol.name for symbol in free_symbols(value) if symbol.name not in given)
            if missing:
                raise FieldError(f"no size is given for {missing[0]}; pass at={{{missing[0]!r}: ...}}")
            value = evaluate(value, {symbol: given[symbol.name] for symbol in free_symbols(value)})
        names.append(name)
        heights.append(as_real(value, f"the profile at {name}"))
    axes = _axes(ax)
    axes.step(range(len(heights)), heights, where="mid", color="C0")
    axes.plot(range(len(heights)), heights, "o", color="C0", markersize=4)
    axes.axhline(0, color="0.6", linewidth=0.8)
    if any(names) and len(names) <= MOST_BARS:
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axes.set_xlabel("node")
    axes.set_ylabel(f"[{unit}]")
    axes.grid(True, axis="y", alpha=0.25)
    return axes


def _points(profile: Any) -> Sequence[tuple[str, Any]]:
    found = []
    for place, point in enumerate(
        profile.items() if isinstance(profile, Mapping) else as_elements(profile, "a profile")
    ):
        name, value = point if isinstance(point, tuple) and len(point) == 2 else (str(place), point)
        found.append((str(name), value if isinstance(value, (int, float)) else as_scalar(value, "plot_profile").body))
    if not found:
        raise FieldError("the profile is empty")
    return found
