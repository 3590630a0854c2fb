"""Metrics: callables over networks, registered under their names, each with a derivation.

A metric is a carrier (how values compose) with a title, a unit, a kind and a source. Counts share one carrier, `SumCarrier`.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Any, Generic, TypeVar

from sympy import Add as SymAdd
from sympy import Expr, Integer, Symbol

from ..arguments import as_text, checked, is_truth, shown
from ..errors import FieldError, GraphError, UnsupportedError
from ..networks.carrier import Carrier, Composed, DomainCondition, Evaluation, Site, TotalCarrier
from ..networks.evaluator import evaluate_network
from ..networks.layer import Layer
from ..networks.network import Network
from ..records import dataclass
from ..sizes.normal_form import simplify
from ..sizes.summation import summation
from .derivation import Derivation
from .domain import Domain
from .least_sizes import without_implied
from .terms import node_terms


class Registry(Mapping[str, "Metric[Any]"]):
    """The metrics by their names: those with a file of that name in `metrics`, loaded one by one, and a user's own."""

    def __init__(self) -> None:
        self._known: dict[str, Metric[Any]] = {}

    def add(self, metric: "Metric[Any]") -> None:
        if metric.name in self._files():
            self._load(metric.name)  # of a file that is being loaded, nothing happens
        if metric.name in self._files() and metric.name in self._known:
            raise FieldError(f"there is a metric called {metric.name} already")
        if metric.name in self._known:
            warnings.warn(f"the metric {metric.name} replaces the one that was called so", stacklevel=4)
        self._known[metric.name] = metric

    @staticmethod
    @cache
    def _files() -> tuple[str, ...]:
        folder = importlib.import_module("...metrics", __name__)
        return tuple(sorted(file.name for file in pkgutil.iter_modules(folder.__path__) if file.name[0] != "_"))

    def is_of_library(self, name: str) -> bool:
        """Whether a metric has a file in `metrics`."""
        return name in self._files()

    @staticmethod
    def _load(name: str) -> None:
        importlib.import_module(f"...metrics.{name}", __name__)

    def __getitem__(self, name: str) -> "Metric[Any]":
        if name not in self._known and name in self._files():
            self._load(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._files()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._files(), *self._known)))

    def __len__(self) -> int:
        return len(list(iter(self)))


METRICS = Registry()
Result = TypeVar("Result")
_ZERO = Integer(0)


class SumCarrier(TotalCarrier[Expr]):
    """Adds one expression for each site; copies multiply, or are summed where they differ."""

    of_equations = True

    def __init__(
        self, measure: Callable[[Site], Expr], joint: Callable[[Site], Expr] | None = None, opaque: str | None = "lower"
    ):
        self._measure, self._joint, self.opaque = measure, joint, opaque

    def leaf(self, site: Site, port: int) -> Expr:
        return self._measure(site) if port == 0 else _ZERO

    def series(self, values: Sequence[Expr]) -> Expr:
        return SymAdd(*values)

    def joint(self, site: Site) -> Expr:
        return self._joint(site) if self._joint is not None else _ZERO

    def least_copies(self, value: Expr) -> int:
        return 0

    def repeat(self, value: Expr, times: Expr, index: Symbol | None) -> Expr:
        return repeated(value, times, index)


def repeated(value: Expr, times: Expr, index: Symbol | None) -> Expr:
    """The sum over copies 0 to times - 1."""
    if index is None or not value.has(index):
        return times * value
    return summation(simplify(value), index, _ZERO, times - 1)


@dataclass(frozen=True)
class Metric(Generic[Result]):
    """A registered metric; call it with a network.

    Attributes
    ----------
    name, title, unit : str
    carrier : callable
        Makes the carrier, given the options of the call.
    finish : callable
        Turns an `Evaluation` into the formula.
    kind : str, or callable of the evaluation
    conditions : callable, optional
        Of the evaluation, to the conditions under which the formula is stated, beside those of the network itself.
    source : str
    options : mapping of option to default
    term : callable, optional
        Turns what the carrier keeps of a node into what a derivation shows.
    documentation : str
        Its docstring.
    of_outputs : bool
        Whether it is one of each output: a call with a network of several gives a mapping of their names to results.

    Raises
    ------
    FieldError
        If the name is that of a metric of the library, or no Python name; from a call, if there is no such option.

    Examples
    --------
    >>> from layeralgebra import Linear, Metric, depth
    >>> isinstance(depth, Metric), depth.unit, depth.options
    (True, 'layers', {'count': 'weighted'})
    >>> depth(Linear(4) >> Linear(5), on=(3,))
    2
    """

    name: str
    title: str
    unit: str
    carrier: Callable[..., Carrier[Any]]
    source: str
    finish: Callable[..., Result] = field(default=lambda evaluation, **options: simplify(evaluation.value))
    kind: str | Callable[..., str] = "exact"
    options: dict[str, Any] = field(default_factory=dict)
    term: Callable[..., Any] | None = None
    conditions: Callable[..., Sequence[DomainCondition]] | None = None
    documentation: str = ""
    of_outputs: bool = False

    def __post_init__(self) -> None:
        for name in ("name", "title", "unit", "source", "documentation"):
            as_text(getattr(self, name), f"Metric({name}=...)")
        if not self.name.isidentifier():
            raise FieldError(f"the name of a metric is a Python name, got {shown(self.name)}")
        METRICS.add(self)
        object.__setattr__(self, "__doc__", self.documentation)
        object.__setattr__(self, "__name__", self.name)

    @checked
    def evaluate(self, net: Network | Composed, on: Any = None, **options: Any) -> Evaluation[Any]:
        """Walk the network with this metric's carrier."""
        carrier = self.carrier(**self._checked(options))
        if not isinstance(net, Composed):
            return evaluate_network(net, carrier, on)
        if on is not None:
            raise GraphError("what enters is said already; leave out `on`")
        return net.evaluated_by(carrier)

    def __call__(self, net: Network | Composed, on: Any = None, **options: Any) -> Result:
        if self.of_outputs and isinstance(net, Network) and net.several:
            return {name: self(net[name], on, **options) for name in net.several}  # type: ignore[return-value]
        return self.finish(self.evaluate(net, on, **options), **self._checked(options))

    @checked
    def derive(self, net: Network | Composed, on: Any = None, **options: Any) -> Derivation:
        """The formula with its domain, kind, source, terms and steps."""
        chosen = self._checked(options)
        evaluation = self.evaluate(net, on, **options)
        formula = self.finish(evaluation, **chosen)
        kind = self.kind(evaluation, formula, **chosen) if callable(self.kind) else self.kind
        kind = _with_opaque(kind, evaluation, self.carrier(**chosen).opaque)
        own = self.conditions(evaluation, **chosen) if self.conditions is not None else ()
        terms = node_terms(evaluation.terms, self.term)
        place = str(net) if isinstance(net, Layer) else "the network"
        about: Any = net  # of what is composed no more is asked than of a network
        return Derivation(
            self, about, formula, kind, self.source, Domain(without_implied([*evaluation.domain, *own]), place), terms, evaluation.value, tuple(chosen.items()),
            tuple(flow.shape for flow in evaluation.inputs),
        )  # fmt: skip

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            raise FieldError(f"{self.name} has no option {unknown[0]!r}; it has {', '.join(self.options) or 'none'}")
        for name, value in options.items():
            default = self.options[name]
            if isinstance(default, bool) and not is_truth(value):
                raise FieldError(f"{name} of {self.name} is True or False, got {shown(value)}")
            if isinstance(default, str) and not isinstance(value, str):
                raise FieldError(f"{name} of {self.name} is a text such as {default!r}, got {shown(value)}")
        return {**self.options, **options}

    def __repr__(self) -> str:
        return f"<metric {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Metric[Any]], tuple[str]]:
        return _metric, (self.name,)


def _with_opaque(kind: str, evaluation: Evaluation[Any], of_opaque: str | None) -> str:
    """The kind of a result, where some layers only say what depends on what."""
    steps = [term.site.node for term in evaluation.terms if isinstance(term.site.node, Layer) and term.site.node.opaque]
    if not steps or of_opaque in (None, "exact", kind):
        return kind
    if kind == "exact" and of_opaque is not None:
        return of_opaque
    raise UnsupportedError(f"{steps[0]} is opaque, and the {kind} bound that is known needs its equation")


def _metric(name: str) -> Metric[Any]:
    return METRICS[name]


@checked
def derive(metric: Metric[Any] | str, net: Network | Composed, on: Any = None, **options: Any) -> Derivation:
    """The formula of a metric for a network, with its reasons.

    Parameters
    ----------
    metric : Metric or str
        A metric or its name.
    net : Network
    on : shape, optional
        What enters an open network.
    **options
        Those of the metric.

    Returns
    -------
    Derivation

    Raises
    ------
    FieldError
        If there is no such metric or option, or `net` is no network.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If the metric has no answer for something in the network.

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
        raise FieldError(f"derive takes a metric such as la.macs, got {shown(metric)}")
    return metric.derive(net, on, **options)


def metrics() -> Iterator[Metric[Any]]:
    """All registered metrics.

    Returns
    -------
    iterator of Metric
        In the order in which they were registered.

    Examples
    --------
    >>> from layeralgebra import metrics
    >>> sorted(metric.name for metric in metrics())[:3]
    ['activations', 'cache_size', 'capacity_baldi_vershynin']
    """
    return iter(METRICS.values())
