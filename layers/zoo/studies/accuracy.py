"""Which metric goes with accuracy: rank correlations over all published networks and within families.

Nothing here says that a metric makes a network accurate. The networks were published over years, with recipes that
differ, and there are few of them; the intervals say how little that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ....algebra.errors import FieldError
from ....algebra.formulas.table import Table
from .comparison import Comparison, Figures
from .statistics import Correlation, correlate, correlation_gain

METRICS = (
    "parameters",
    "macs",
    "depth",
    "receptive_field",
    "complexity",
    "expansion",
    "compression",
    "bottleneck",
    "vc_explicit",
    "vc_implicit",
    "vc_lower",
)


def with_accuracy(rows: Iterable[Figures], leave_out: Sequence[str] = ()) -> list[Figures]:
    """The rows whose accuracy is published, without some."""
    return [row for row in rows if row.top1 is not None and row.name not in leave_out]


def _accuracies(rows: Sequence[Figures]) -> list[float]:
    return [row.top1 for row in rows if row.top1 is not None]


def correlation(
    rows: Comparison | Iterable[Figures], metric: str, statistic: str = "spearman", **options: Any
) -> Correlation:
    """The rank correlation of one metric with published top-1 accuracy.

    Parameters
    ----------
    rows : Comparison or iterable of Figures
    metric : str
        One of `METRICS`.
    statistic : {'spearman', 'kendall'}
    **options
        As for `layeralgebra.layers.zoo.studies.statistics.correlate`.

    Returns
    -------
    Correlation
    """
    chosen = with_accuracy(rows)
    return correlate(_values(chosen, metric), _accuracies(chosen), statistic, **options)


def correlations(rows: Comparison | Iterable[Figures], metrics: Sequence[str] = METRICS, **options: Any) -> Table:
    """A table of metrics: rank correlations with accuracy, and how much better they are than that of parameters.

    Parameters
    ----------
    rows : Comparison or iterable of Figures
    metrics : sequence of str
    **options
        As for `layeralgebra.layers.zoo.studies.statistics.correlate`.

    Returns
    -------
    Table
    """
    chosen = with_accuracy(rows)
    accuracy = _accuracies(chosen)
    body = []
    for metric in metrics:
        values = _values(chosen, metric)
        gain = correlation_gain(values, _values(chosen, "parameters"), accuracy, **options)
        body.append(
            (
                metric,
                str(correlate(values, accuracy, "spearman", **options)),
                str(correlate(values, accuracy, "kendall", **options)),
                "" if metric == "parameters" else str(gain),
            )
        )
    notes = (
        f"{len(chosen)} networks; in brackets the central 95 % of a bootstrap over networks, unless another "
        f"level was asked for.",
    )
    return Table(("metric", "Spearman", "Kendall", "Spearman less that of parameters"), tuple(body), notes=notes)


def within_families(rows: Comparison | Iterable[Figures], metrics: Sequence[str] = METRICS) -> Table:
    """Spearman's correlation within each family that has three networks or more; so few points have no interval."""
    chosen = with_accuracy(rows)
    families: dict[str, list[Figures]] = {}
    for row in chosen:
        families.setdefault(row.family, []).append(row)
    large = {name: members for name, members in families.items() if len(members) >= 3}
    if not large:
        raise FieldError("no family has three networks with a published accuracy")
    body = tuple(
        (
            metric,
            *(_plain(correlate(_values(members, metric), _accuracies(members)).value) for members in large.values()),
        )
        for metric in metrics
    )
    notes = (
        "A family of n networks has n! orders, so that +1.00 among three happens by chance once in six; - "
        "where a metric is the same for all.",
    )
    return Table(("metric", *(f"{name} ({len(members)})" for name, members in large.items())), body, notes=notes)


def _plain(value: float) -> str:
    return "-" if value != value else f"{value:+.2f}"


def _values(rows: Sequence[Figures], metric: str) -> list[float]:
    if metric not in METRICS:
        raise FieldError(f"metric={metric!r}: there are {', '.join(METRICS)}")
    return [getattr(row, metric) for row in rows]


def scatter(
    rows: Comparison | Iterable[Figures],
    metrics: Sequence[str] = ("parameters", "macs", "complexity", "expansion", "depth", "vc_implicit"),
) -> Any:
    """Accuracy against metrics, a panel each, a colour for each family.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    chosen = with_accuracy(rows)
    columns = min(3, len(metrics))
    height = -(-len(metrics) // columns)
    figure = Figure(figsize=(4 * columns, 3.2 * height), layout="constrained")
    families = list(dict.fromkeys(row.family for row in chosen))
    for place, metric in enumerate(metrics):
        axes = figure.add_subplot(height, columns, place + 1)
        for number, name in enumerate(families):
            members = [row for row in chosen if row.family == name]
            axes.scatter(_values(members, metric), _accuracies(members), color=f"C{number % 10}", label=name, s=22)
        values = _values(chosen, metric)
        if min(values) > 0 and max(values) > 20 * min(values):
            axes.set_xscale("log")
        axes.set_xlabel(metric.replace("_", " "))
        axes.set_ylabel("top-1, %")
        axes.set_title(
            f"Spearman {correlate(values, _accuracies(chosen), resamples=200).value:+.2f}", fontsize="medium"
        )
    figure.get_axes()[0].legend(fontsize="xx-small")
    return figure
