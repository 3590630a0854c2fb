"""Metrics: callables over networks, registered under their names, each with a derivation.

A metric is a carrier (how values compose) with a title, a unit, a kind and a source. Counts share one carrier, `SumCarrier`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Add as SymAdd
from sympy import Expr, Integer, Symbol

from ..errors import FieldError
from ..networks.carrier import Carrier, Evaluation, Site, TotalCarrier
from ..networks.evaluator import evaluate_network
from ..networks.layer import Layer
from ..networks.network import Network
from ..sizes.normal_form import simplify
from ..sizes.summation import summation
from .derivation import Derivation
from .domain import Domain
from .terms import node_terms


class Registry(Mapping[str, "Metric"]):
    """The metrics by their names; the files in `metrics` are loaded when somebody looks, not with this library."""

    def __init__(self) -> None:
        self._known: dict[str, Metric] = {}
        self._loaded = False

    def add(self, metric: "Metric") -> None:
        if metric.name in self._all():
            raise FieldError(f"there is a metric called {metric.name} already")
        self._known[metric.name] = metric

    def _all(self) -> dict[str, "Metric"]:
        if not self._loaded:
            self._loaded = True
            importlib.import_module("...metrics", __name__)
        return self._known

    def __getitem__(self, name: str) -> "Metric":
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


METRICS = Registry()
_ZERO = Integer(0)


class SumCarrier(TotalCarrier[Expr]):
    """Adds one expression for each site; copies multiply, or are summed where they differ."""

    def __init__(self, measure: Callable[[Site], Expr], joint: Callable[[Site], Expr] | None = None):
        self._measure, self._joint = measure, joint

    def leaf(self, site: Site, port: int) -> Expr:
        return self._measure(site) if port == 0 else _ZERO

    def series(self, values: Sequence[Expr]) -> Expr:
        return SymAdd(*values)

    def joint(self, site: Site) -> Expr:
        return self._joint(site) if self._joint is not None else _ZERO

    def repeat(self, value: Expr, times: Expr, index: Symbol | None) -> Expr:
        return repeated(value, times, index)


def repeated(value: Expr, times: Expr, index: Symbol | None) -> Expr:
    """The sum over copies 0 to times - 1."""
    if index is None or not value.has(index):
        return times * value
    return summation(simplify(value), index, _ZERO, times - 1)


@dataclass(frozen=True)
class Metric:
    """A registered metric; call it with a network.

    Attributes
    ----------
    name, title, unit : str
    carrier : callable
        Makes the carrier, given the options of the call.
    finish : callable
        Turns an `Evaluation` into the formula.
    kind : str, or callable of the evaluation
    source : str
    options : mapping of option to default
    """

    name: str
    title: str
    unit: str
    carrier: Callable[..., Carrier[Any]]
    source: str
    finish: Callable[..., Any] = field(default=lambda evaluation, **options: simplify(evaluation.value))
    kind: str | Callable[..., str] = "exact"
    options: dict[str, Any] = field(default_factory=dict)
    term: Callable[..., Any] | None = None
    documentation: str = ""

    def __post_init__(self) -> None:
        METRICS.add(self)
        object.__setattr__(self, "__doc__", self.documentation)
        object.__setattr__(self, "__name__", self.name)

    def evaluate(self, net: Network, on: Any = None, **options: Any) -> Evaluation[Any]:
        """Walk the network with this metric's carrier."""
        return evaluate_network(net, self.carrier(**self._checked(options)), on)

    def __call__(self, net: Network, on: Any = None, **options: Any) -> Any:
        return self.finish(self.evaluate(net, on, **options), **self._checked(options))

    def derive(self, net: Network, on: Any = None, **options: Any) -> Derivation:
        """The formula with its domain, kind, source, terms and steps."""
        chosen = self._checked(options)
        evaluation = self.evaluate(net, on, **options)
        formula = self.finish(evaluation, **chosen)
        kind = self.kind(evaluation, formula, **chosen) if callable(self.kind) else self.kind
        terms = node_terms(evaluation.terms, self.term)
        place = str(net) if isinstance(net, Layer) else ""
        return Derivation(
            self, net, formula, kind, self.source, Domain(evaluation.domain, place), terms, evaluation.value, tuple(chosen.items()),
            tuple(flow.shape for flow in evaluation.inputs),
        )  # fmt: skip

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            raise FieldError(f"{self.name} has no option {unknown[0]!r}; it has {', '.join(self.options) or 'none'}")
        return {**self.options, **options}

    def __repr__(self) -> str:
        return f"<metric {self.name}>"

    def __reduce__(self) -> tuple:
        return _metric, (self.name,)


def _metric(name: str) -> Metric:
    return METRICS[name]


def derive(metric: Any, net: Network, on: Any = None, **options: Any) -> Derivation:
    """The formula of a metric for a network, with its reasons.

    Parameters
    ----------
    metric : Metric or str
        A metric or its name.
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    Derivation

    Examples
    --------
    >>> from layeralgebra import Linear, derive, dims, parameters
    >>> n, m = dims("n m")
    >>> print(derive(parameters, Linear(m), on=(n,)))
    parameters = m*n + m  [exact; number of elements of the learned tensors of the equation]
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise FieldError(f"there is no metric {metric!r}; there are {', '.join(sorted(METRICS))}")
        metric = METRICS[metric]
    if not hasattr(metric, "derive"):
        raise FieldError(f"derive takes a metric such as la.macs, got {metric!r}")
    return metric.derive(net, on, **options)


def metrics() -> Iterator[Metric]:
    """All registered metrics."""
    return iter(METRICS.values())
