"""What a derivation is made of: the quantity, what each node adds, and the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sympy import Expr, Symbol

from ..networks.carrier import Loop
from ..networks.network import Network
from .domain import Domain


class Quantity(Protocol):
    """What a derivation knows of its metric."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def carrier(self) -> Callable[..., Any]: ...
    def __call__(self, net: Network, on: Any = None, **options: Any) -> Any: ...


@dataclass(frozen=True)
class NodeTerm:
    """One node's part: where it is, what enters and leaves, its own value, and the repetitions around it."""

    path: str
    node: Network
    inputs: tuple[tuple[Expr, ...], ...]
    output: tuple[Expr, ...]
    value: Any
    loops: tuple[Loop, ...] = ()

    def sentence(self) -> str:
        """What the node does, in words."""
        text = str(self.node)
        loops = "".join(f", for each {loop.index} below {loop.times}" for loop in self.loops)
        takes = ", ".join(map(_shape, self.inputs))
        return f"{self.path or 'the layer'}: {text if len(text) < 100 else type(self.node).__name__} takes {takes} to {_shape(self.output)}{loops}"


@dataclass(frozen=True)
class Step:
    """One step of a derivation: words, and the expression reached."""

    text: str
    expression: Any = None


@runtime_checkable
class Derived(Protocol):
    """What is written about a derivation needs this of it."""

    @property
    def metric(self) -> Quantity: ...
    @property
    def net(self) -> Network: ...
    @property
    def formula(self) -> Any: ...
    @property
    def kind(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def terms(self) -> tuple[NodeTerm, ...]: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def symbols(self) -> tuple[Symbol, ...]: ...
    @property
    def inputs(self) -> tuple[tuple[Expr, ...], ...]: ...
    @property
    def options(self) -> tuple[tuple[str, Any], ...]: ...


def _shape(shape: Sequence[Expr]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def node_terms(terms: Sequence[Any], measure: Any = None) -> tuple[NodeTerm, ...]:
    """The evaluator's terms as what a reader sees."""
    return tuple(
        NodeTerm(
            term.site.path, term.site.node, tuple(flow.shape for flow in term.site.inputs), term.site.output.shape,
            term.value if measure is None else measure(term), term.site.loops,
        )
        for term in terms
    )  # fmt: skip
