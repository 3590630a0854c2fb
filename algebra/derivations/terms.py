"""What a derivation is made of: the quantity, what each node adds, and the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from sympy import Expr, Symbol, Tuple

from ..networks.carrier import Flow, Flows, Loop
from ..networks.network import Network
from ..records import dataclass
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
    """One node's part: where it is, what enters and leaves, its own value, and the repetitions around it.

    `output` is a shape, or a tuple of shapes where a node of several outputs is followed as one. `unread` names the lines of a layer on
    which none of its outputs depends.
    """

    path: str
    node: Network
    inputs: tuple[tuple[Expr, ...], ...]
    output: tuple[Any, ...]
    value: Any
    loops: tuple[Loop, ...] = ()
    unread: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What the node does, in words."""
        text = str(self.node)
        loops = "".join(f", for each {loop.index} below {loop.times}" for loop in self.loops)
        takes = ", ".join(map(_shape, self.inputs))
        gives = (
            ", ".join(map(_shape, self.output))
            if self.node.several and _is_of_shapes(self.output)
            else _shape(self.output)
        )
        return f"{self.path or 'the layer'}: {text if len(text) < 100 else type(self.node).__name__} takes {takes} to {gives}{loops}"


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


def _is_of_shapes(output: Sequence[Any]) -> bool:
    return any(isinstance(part, (tuple, Tuple)) for part in output)


def _gives(output: Flow | Flows) -> tuple[Any, ...]:
    """The shape of what leaves a node; of several outputs, the shapes."""
    return tuple(Tuple(*flow.shape) for flow in output) if isinstance(output, Flows) else output.shape


def node_terms(terms: Sequence[Any], measure: Any = None) -> tuple[NodeTerm, ...]:
    """The evaluator's terms as what a reader sees."""
    return tuple(
        NodeTerm(
            term.site.path, term.site.node, tuple(flow.shape for flow in term.site.inputs), _gives(term.site.output),
            term.value if measure is None else measure(term), term.site.loops,
            () if term.site.instance is None else term.site.instance.unread,
        )
        for term in terms
    )  # fmt: skip
