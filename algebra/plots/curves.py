"""Formulas as curves: against one of their sizes, and along pairs of sizes that cost the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sympy import Expr, Symbol

from ..arguments import as_elements, as_real, checked, shown
from ..compilation.interface import CompiledFormula
from ..errors import FieldError
from ..formulas.latex import formula_latex
from ..formulas.records import Formula, as_scalar, for_each
from ..sizes.evaluate import free_symbols
from ..solving.crossings import crossings, curve, regimes
from ..typesetting.figures import COLOURS, POINTS, above, colour, column_axes, marked, marker, names_beside
from .labels import UPWARDS, by_name, fits, label, sizes_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MARKERS = 40
MOST_MARKS = 3
"""Of crossings or regimes in one figure; more would be no help."""


@checked
def plot_scaling(
    formulas: Any,
    over: Symbol,
    sizes: Iterable[int],
    at: Mapping[Any, int] | None = None,
    ax: "Axes | None" = None,
    log: bool = True,
    marks: bool = True,
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
    marks : bool
        Mark the sizes at which two curves cross; of a single formula, where another of its terms becomes the largest, with how the
        largest one grows.

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
    >>> axes = plot_scaling({"square": c**2, "linear": c * L}, c, range(1, 9), at={L: 3})
    >>> [line.get_label() for line in axes.lines]
    ['square $c^{2}$', 'linear $L c$']
    >>> [text.get_text() for text in axes.texts]
    ['linear', 'square', '$c = 4$']
    """
    import numpy as np

    found = for_each(formulas, "plot_scaling", lambda formula: formula)
    named = found if isinstance(found, dict) else {found.title: found}
    places = np.array(list(sizes))
    if not len(places):
        raise FieldError("plot_scaling needs sizes along the axis, and was given none; write range(1, 65)")
    others = by_name(at)
    axes = ax if ax is not None else column_axes()
    ends: list[tuple[str, float, float, str]] = []
    for number, (name, formula) in enumerate(named.items()):
        wanted = {symbol.name for symbol in free_symbols(formula.body)}
        given = {key: value for key, value in {**others, over.name: places}.items() if key in wanted}
        values = CompiledFormula(formula.body)(**given)
        values = np.broadcast_to(np.asarray(values, dtype=float), places.shape)
        axes.plot(
            places, values, color=colour(number), linewidth=1, markersize=3, label=label(name, formula.body),
            marker=marker(number) if len(places) <= MOST_MARKERS else None,
        )  # fmt: skip
        drawn = np.isfinite(values) & ((values > 0) if log else True)
        if drawn.any():
            last = int(np.flatnonzero(drawn)[np.argmax(places[drawn])])
            ends.append((name, float(places[last]), float(values[last]), colour(number)))
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    at_these = sizes_text({name: value for name, value in others.items() if name != over.name})
    axes.set_xlabel(label("", over) + (f"  (at {at_these})" if at_these else ""), fontsize=POINTS)
    axes.set_ylabel(_named(named), fontsize=POINTS)
    axes.grid(True, which="major", alpha=0.2, linewidth=0.5)
    steps = sorted(set(places.tolist()))
    if len(named) > 1:
        names_beside(axes, sorted(ends, key=lambda end: end[2]))
    if marks and len(steps) > 1 and all(isinstance(step, int) for step in steps):
        if len(named) > 1:
            _mark_crossings(axes, list(named.values()), over, others, steps)
        else:
            _mark_regimes(axes, next(iter(named.values())), over, others, steps)
    return axes


def _named(formulas: Mapping[str, Formula]) -> str:
    """What an axis of these formulas is called; of one, with the formula if it is short."""
    if len(formulas) == 1:
        ((name, formula),) = formulas.items()
        unit = formula.unit if formula.unit != formula.title else ""
        return label(formula.title or name, formula.body, unit, UPWARDS) or "value"
    titles = {formula.title for formula in formulas.values()}
    units = {formula.unit for formula in formulas.values()}
    if len(titles) == 1 and "" not in titles:
        return titles.pop()
    return label("", unit=units.pop() if len(units) == 1 else "") or "value"


def _mark_crossings(
    axes: "Axes", formulas: Sequence[Formula], over: Symbol, at: Mapping[str, Any], steps: Sequence[int]
) -> None:
    bodies = [formula.body for formula in formulas]
    if len(bodies) > 4 or not all(isinstance(body, Expr) for body in bodies):
        return
    curves = [curve(body, over.name, at) for body in bodies]
    places = sorted({place for one, other in combinations(curves, 2) for place in crossings(one, other, steps)})
    if 0 < len(places) <= MOST_MARKS:
        marked(axes, places, [f"${formula_latex(over)} = {place}$" for place in places])


def _mark_regimes(axes: "Axes", formula: Formula, over: Symbol, at: Mapping[str, Any], steps: Sequence[int]) -> None:
    if not isinstance(formula.body, Expr):
        return
    places, growths = regimes(formula.body, over, at, steps)
    if not 0 < len(places) <= MOST_MARKS:
        return
    marked(axes, places)
    edges = [steps[0], *places, steps[-1]]
    for low, high, growth in zip(edges, edges[1:], growths):
        middle = (low * high) ** 0.5 if axes.get_xscale() == "log" else (low + high) / 2
        text = formula_latex(growth)
        above(axes, middle, "constant" if growth == 1 else rf"$\propto {text}$" if fits(text) else "")


@checked
def plot_isolines(
    formula: Any,
    over: Mapping[Any, Any],
    levels: Iterable[Any],
    at: Mapping[Any, int] | None = None,
    ax: "Axes | None" = None,
    log: bool = True,
) -> "Axes":
    """The pairs of two sizes at which a formula has a given value: isoFLOP curves, and those of any other budget.

    Parameters
    ----------
    formula : formula or derivation
    over : mapping of two symbols to (low, high)
        The size along the horizontal axis and the one along the vertical axis, with their ranges.
    levels : iterable of numbers
        The budgets, a curve each, with its number on it.
    at : mapping of symbols (or names) to int
        The other sizes.
    ax : matplotlib Axes, optional
    log : bool
        Logarithmic axes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If a symbol has no size, there are not two ranges, or no level.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import dims, plot_isolines
    >>> d, L = dims("d L")
    >>> axes = plot_isolines(12 * L * d**2, {d: (64, 4096), L: (1, 100)}, [10**7, 10**8, 10**9])
    >>> [text.get_text() for text in axes.texts]
    ['10 M', '100 M', '1 G']
    """
    import numpy as np
    from matplotlib.ticker import EngFormatter

    found = as_scalar(formula, "plot_isolines")
    wanted = sorted({as_real(level, "a level") for level in as_elements(levels, "levels")})
    ranges = {getattr(symbol, "name", str(symbol)): _range(symbol, pair) for symbol, pair in over.items()}
    if len(ranges) != 2 or not wanted:
        raise FieldError(
            "isolines need two sizes with their ranges and at least one level; "
            "write plot_isolines(formula, {c: (8, 512), L: (1, 64)}, [10**6, 10**7])"
        )
    (across, horizontal), (upwards, vertical) = (
        (name, np.unique(_grid(low, high, log))) for name, (low, high) in ranges.items()
    )
    names = {symbol.name: symbol for symbol in free_symbols(found.body)}
    others = {name: value for name, value in by_name(at).items() if name not in ranges}
    x, y = np.meshgrid(horizontal, vertical)
    given = {name: value for name, value in {**others, across: x, upwards: y}.items() if name in names}
    values = np.broadcast_to(np.asarray(CompiledFormula(found.body)(**given), dtype=float), x.shape)
    axes = ax if ax is not None else column_axes(0.8)
    axes.set_xscale("log" if log else "linear")
    axes.set_yscale("log" if log else "linear")
    written = EngFormatter(places=None, sep=" ")
    shades = {level: COLOURS[place % len(COLOURS)] for place, level in enumerate(wanted)}
    lines = axes.contour(x, y, values, levels=wanted, colors=[shades[level] for level in wanted], linewidths=1)
    drawn = [np.asarray(path.vertices) for path in lines.get_paths()]
    middles = [points[len(points) // 2] for points in drawn if len(points)]
    axes.clabel(lines, fmt=lambda level: written(level).strip(), fontsize=POINTS, inline_spacing=3, manual=middles)
    at_these = sizes_text(others)
    axes.set_xlabel(label("", Symbol(across)) + (f"  (at {at_these})" if at_these else ""), fontsize=POINTS)
    axes.set_ylabel(label("", Symbol(upwards)), fontsize=POINTS)
    title = _named({"": found})
    axes.set_title(f"equal {title}" if title != "value" else "equal values", fontsize=POINTS)
    axes.grid(True, which="major", alpha=0.2, linewidth=0.5)
    return axes


def _range(symbol: Any, pair: Any) -> tuple[int, int]:
    ends = as_elements(pair, "the range of a size")
    low, high = (ends[0], ends[-1]) if len(ends) >= 2 else (0, 0)
    if not all(isinstance(end, int) and not isinstance(end, bool) for end in (low, high)) or not 0 < low < high:
        raise FieldError(f"the range of {shown(symbol)} must be (low, high) with 0 < low < high, got {shown(pair)}")
    return low, high


def _grid(low: int, high: int, log: bool) -> Any:
    import numpy as np

    if high - low < 200:
        return np.arange(low, high + 1)
    return (np.geomspace if log else np.linspace)(low, high, 200).round().astype(np.int64)
