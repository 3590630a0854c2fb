"""Bars and steps along a network: what each node or stage adds to a count, and a quantity from node to node."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Expr, sympify

from ..arguments import as_elements, as_real, checked, shown
from ..derivations.derivation import Derivation
from ..derivations.stages import adds_up, stage_table
from ..errors import FieldError
from ..formulas.records import as_scalar
from ..networks.network import Network
from ..sizes.evaluate import evaluate, free_symbols
from ..typesetting.figures import COLOURS, FAINT, POINTS, column_axes
from .labels import by_name, label, sizes_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 40
LONGEST = 24
"""Characters beside a bar."""


@checked
def plot_terms(
    derivation: Derivation,
    at: Mapping[Any, int] | None = None,
    ax: "Axes | None" = None,
    by: str = "node",
    stages: Mapping[str, Network] | None = None,
) -> "Axes":
    """What each node or stage of a network adds to a count, as bars with their shares.

    Parameters
    ----------
    derivation : Derivation
        Of a metric that adds up, such as parameters or MACs.
    at : mapping of symbols (or names) to int
        A size for every symbol.
    ax : matplotlib Axes, optional
    by : {"node", "stage"}
        A bar for every layer that adds something, or for every stage.
    stages : mapping of str to Network, optional
        The parts whose series the network is, such as ``zoo.stages("resnet50")``; found, if left out.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    FieldError
        If the derivation has no terms that are numbers at these sizes, or `by` is neither of the two.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from layeralgebra import Input, Linear, ReLU, derive, plot_terms
    >>> axes = plot_terms(derive("macs", Input(3) >> Linear(4) >> ReLU() >> Linear(2)))
    >>> [label.get_text() for label in axes.get_yticklabels()], [text.get_text() for text in axes.texts]
    (['1  Linear', '3  Linear'], ['60 %', '40 %'])
    """
    from matplotlib.ticker import EngFormatter

    if by not in ("node", "stage"):
        raise FieldError(f'bars are by="node" or by="stage", got {shown(by)}')
    given = by_name(at)
    rows = (
        _of_stages(derivation, given, stages) if by == "stage" or stages is not None else _of_nodes(derivation, given)
    )
    rows = [row for row in rows if row[1]]
    if not rows:
        raise FieldError(f"no {by} adds to {derivation.metric.name}")
    if len(rows) > MOST_BARS:
        kept = sorted(sorted(range(len(rows)), key=lambda place: -rows[place][1])[: MOST_BARS - 1])
        rest = sum(value for place, (_, value) in enumerate(rows) if place not in set(kept))
        rows = [*(rows[place] for place in kept), (f"{len(rows) - len(kept)} others", rest)]
    axes = ax if ax is not None else column_axes(0.17 + 0.045 * len(rows))
    axes.barh(range(len(rows)), [value for _, value in rows], color=COLOURS[0], height=0.7)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=POINTS)
    axes.invert_yaxis()
    total = sum(value for _, value in rows)
    for place, (_, value) in enumerate(rows):
        axes.annotate(
            _percent(value / total), (max(value, 0), place), xytext=(2, 0), textcoords="offset points", fontsize=POINTS, va="center",
            color="0.3", annotation_clip=False,
        )  # fmt: skip
    fixed = sizes_text({name: value for name, value in given.items() if name in derivation.known})
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(label(derivation.metric.title) + (f"  (at {fixed})" if fixed else ""), fontsize=POINTS)
    axes.grid(True, axis="x", alpha=0.2, linewidth=0.5)
    axes.set_axisbelow(True)
    return axes


def _percent(share: float) -> str:
    """A share in words of a figure.

    >>> _percent(0.126), _percent(0.0004), _percent(0.023)
    ('13 %', '<0.1 %', '2.3 %')
    """
    if 0 < share < 0.001:
        return "<0.1 %"
    return (
        f"{share:.0%}".replace("%", " %") if abs(share) >= 0.0995 or share == 0 else f"{share:.1%}".replace("%", " %")
    )


def _of_nodes(derivation: Derivation, given: Mapping[str, Any]) -> list[tuple[str, float]]:
    rows = []
    for term in derivation.terms:
        if not isinstance(term.value, (Expr, int)):
            raise FieldError(f"the terms of {derivation.metric.name} are no numbers, but {type(term.value).__name__}")
        rows.append((_bar_label(term), float(_total(term, given))))
    return rows


def _of_stages(
    derivation: Derivation, given: Mapping[str, Any], stages: Mapping[str, Network] | None
) -> list[tuple[str, float]]:
    if not adds_up(derivation):
        raise FieldError(
            f"{derivation.metric.name} does not add up over stages; bars are of counts such as parameters and MACs"
        )
    table = stage_table(derivation, stages, dict(given))
    rows = []
    for row in table.rows:
        if row[0] != "total":
            value = as_scalar(row[-1], "plot_terms").body if not isinstance(row[-1], (int, float)) else row[-1]
            rows.append((_stage_label(str(row[0]), str(row[1])), as_real(value, f"what {row[0]} adds")))
    return rows


def _stage_label(name: str, layers: str) -> str:
    return f"{name}  {layers if len(layers) <= LONGEST else layers[: LONGEST - 1] + '…'}" if name.isdigit() else name


def _total(term: Any, given: Mapping[str, int]) -> Any:
    """A term at given sizes, with all its copies."""
    from ..sizes.summation import summation

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
    given = by_name(at)
    names, heights = [], []
    for name, value in points:
        if isinstance(value, Expr):
            missing = sorted(symbol.name for symbol in free_symbols(value) if symbol.name not in given)
            if missing:
                raise FieldError(f"no size is given for {missing[0]}; pass at={{{missing[0]!r}: ...}}")
            value = evaluate(value, {symbol: given[symbol.name] for symbol in free_symbols(value)})
        names.append(name)
        heights.append(as_real(value, f"the profile at {name}"))
    axes = ax if ax is not None else column_axes()
    axes.step(range(len(heights)), heights, where="mid", color=COLOURS[0], linewidth=1)
    axes.plot(range(len(heights)), heights, "o", color=COLOURS[0], markersize=3)
    axes.axhline(0, color=FAINT, linewidth=0.6)
    if any(names) and len(names) <= MOST_BARS:
        size = POINTS if len(names) <= 16 else POINTS - 2
        axes.set_xticks(range(len(names)), names, rotation=60 if len(names) <= 16 else 90, ha="right", fontsize=size)
        if len(names) <= 16:
            for text in axes.get_xticklabels():
                text.set_rotation_mode("anchor")
    axes.set_xlabel("node", fontsize=POINTS)
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(profile).__name__).lower() if hasattr(profile, "profile") else ""
    axes.set_ylabel(label(title, unit=unit), fontsize=POINTS)
    axes.grid(True, axis="y", alpha=0.2, linewidth=0.5)
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
