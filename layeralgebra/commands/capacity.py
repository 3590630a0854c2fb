"""``layeralgebra capacity``: what tasks need, where architectures spend their capacity, and what they lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import Block
from .arguments import listed
from .folding import folded
from .results import Record

BARS = " ▁▂▃▄▅▆▇█"


def run(
    tasks: Sequence[str] = (), architectures: Sequence[str] = (), length: int = 32, starts: int = 2, width: int = 100
) -> Iterator[Block | Record]:
    """A block for each task: a line for what it needs, a line for each architecture."""
    from ..layers.zoo.studies.tasks import TASKS, compare

    asked = listed(tasks) or list(TASKS)
    for place, task in enumerate(asked):
        fits = compare(length, [task], listed(architectures) or None, starts=starts)
        if not place:
            yield Block(
                f"Predict a Gaussian process from its last {length} values, the latest on the right",
                folded(
                    "Capacities are between 0 and 1 for each value; they add up to the independent parameters.\n"
                    "Loss is the mean squared error; explained, the share of what the best linear predictor explains.",
                    width,
                ),
            )
        yield from records(fits)
        yield Block(heading(fits[0].task), "\n".join(lines(fits, width)))


def records(fits: Sequence[Any]) -> Iterator[Record]:
    """The figures of each architecture at one task, and the two losses between which all others lie."""
    task = fits[0].task
    found: list[tuple[str, str, Any, str, str]] = [
        ("", "least_loss", task.least_loss, "mean squared error", "exact"),
        ("", "variance", task.variance, "mean squared error", "exact"),
        ("", "needs", [float(each) for each in task.needs], "rise of the loss", "exact"),
    ]
    for fit in fits:
        name = fit.architecture.name
        found += [
            (name, "parameters", int(fit.parameters), "elements", "exact"),
            (name, "capacity.total", int(fit.total), "independent parameters", "exact"),
            (name, "capacity.spatial", [float(each) for each in fit.spatial], "independent parameters", "numeric"),
            (name, "loss", float(fit.loss), "mean squared error", "numeric"),
            (name, "explained", float(fit.explained), "share", "numeric"),
        ]
    for part, quantity, figure, unit, kind in found:
        yield Record(task.name, quantity, part, value=figure, unit=unit, kind=kind, at={"length": task.length})


def heading(task: Any) -> str:
    """The task with the two losses between which all others lie."""
    return f"{task.name}: loss {task.least_loss:.4f} at best, {task.variance:.4f} without a prediction"


def lines(fits: Sequence[Any], width: int = 100) -> Iterator[str]:
    """What is needed, then each architecture: weights, independent ones, loss, explained, allocation, below where there is no room."""
    widest = max(12, *(len(fit.architecture.name) for fit in fits))
    yield f"  {'':<{widest}} weights  total    loss  explained"
    task = fits[0].task
    figures = [(f"  {'needed':<{widest}} {'':>34}", bars(task.needs / task.needs.max()))]
    for fit in fits:
        row = f"  {fit.architecture.name:<{widest}} {fit.parameters:>7} {fit.total:>6} {fit.loss:>7.4f} {fit.explained:>10.1%} "
        figures.append((row, bars(fit.spatial)))
    beside = all(len(row) + 1 + len(drawn) <= width for row, drawn in figures)
    for row, drawn in figures:
        if beside:
            yield f"{row} {drawn}"
        else:
            yield row.rstrip()
            yield from ("    " + drawn[start : start + width - 4] for start in range(0, len(drawn), width - 4))


def bars(values: Any) -> str:
    """Values between 0 and 1 as a row of bars.

    >>> bars([0, 0.5, 1])
    ' ▄█'
    """
    return "".join(BARS[min(8, max(0, round(8 * float(value))))] for value in values)
