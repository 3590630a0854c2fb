"""The roofline: a layer takes as long as its operations at the peak of the processor, or as what it moves at the bandwidth of the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sympy import Expr, Max, Symbol, sympify

from ..arguments import as_real, checked, shown
from ..errors import FieldError
from ..networks.evaluator import evaluate_network
from ..networks.network import Network
from ..records import dataclass
from ..sizes.evaluate import evaluate, free_symbols
from ..sizes.normal_form import simplify
from ..typesetting.figures import COLOURS, POINTS, column_axes
from .amounts import followed_carrier, steps_of, weight_of
from .traffic import Step, exact, moved, summed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_SHARE = 0.06
"""Points that lie closer to each other than this share of the axis have one label."""


@dataclass(frozen=True)
class RooflineNode:
    """One node, for all examples: what it does and moves, and how long it takes; one copy of a repetition.

    Attributes
    ----------
    path, name : str
    operations, moved, time : Expr
        Operations, bytes, and the larger of what they take.

    Examples
    --------
    >>> from layeralgebra import Linear, roofline
    >>> (node,) = roofline(Linear(4, bias=False), 100, 10, on=(8,)).nodes
    >>> node.operations, node.moved, node.intensity, node.time
    (64, 176, 4/11, 88/5)
    """

    path: str
    name: str
    operations: Expr
    moved: Expr
    time: Expr

    @property
    def intensity(self) -> Expr:
        """Operations for every byte."""
        return self.operations / self.moved


@dataclass(frozen=True)
class Roofline:
    """How long a network takes, if nothing but operations and bytes counts, node after node.

    Attributes
    ----------
    time : Expr
        The sum over all nodes and copies.
    nodes : tuple of RooflineNode
        Those that move something.
    peak, bandwidth : Expr
    kind : str
        ``"lower"``: a processor may take longer; ``"surrogate"`` where the bytes are an upper bound.
    source : str

    Examples
    --------
    >>> from sympy import symbols
    >>> from layeralgebra import Linear, dims, roofline
    >>> n, m, (peak, bandwidth) = *dims("n m"), symbols("peak bandwidth", positive=True)
    >>> roofline(Linear(m, bias=False), peak, bandwidth, on=(n,)).time
    Max((4*m*n + 4*m + 4*n)/bandwidth, 2*m*n/peak)
    """

    time: Expr
    nodes: tuple[RooflineNode, ...]
    peak: Expr
    bandwidth: Expr
    kind: str
    source: str = "Williams, Waterman, Patterson 2009, doi 10.1145/1498765.1498785"

    @checked
    def plot(self, at: Mapping[Any, Any] | None = None, ax: Axes | None = None) -> Axes:
        """The nodes under the roof, on logarithmic axes, each with its name; one column of two wide.

        Parameters
        ----------
        at : mapping of symbols (or names) to numbers
            A value for every symbol.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        FieldError
            If a symbol has no value, or no node does and moves something.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from layeralgebra import Linear, ReLU, roofline
        >>> axes = roofline(Linear(512) >> ReLU(), 312 * 10**12, 2 * 10**12, on=(64, 512)).plot()
        >>> axes.get_xscale(), [text.get_text() for text in axes.texts]
        ('log', ['ReLU', 'Linear'])
        """
        given = {getattr(key, "name", str(key)): value for key, value in (at or {}).items()}

        def number(value: Expr) -> float:
            values = {}
            for symbol in free_symbols(value):
                if symbol.name not in given:
                    raise FieldError(f"no value is given for {symbol.name}; pass at={{{symbol.name!r}: ...}}")
                values[symbol] = sympify(as_real(given[symbol.name], f"the value of {symbol.name}"))
            return float(value.xreplace(values)) if not value.is_Integer else float(evaluate(value, {}))

        peak, bandwidth = number(self.peak), number(self.bandwidth)
        points: dict[tuple[float, float], list[str]] = {}
        for node in self.nodes:
            operations, moves = number(node.operations), number(node.moved)
            if operations > 0 and moves > 0:
                place = operations / moves, min(peak, bandwidth * operations / moves)
                names = points.setdefault(place, [])
                if node.name not in names:
                    names.append(node.name)
        if not points:
            raise FieldError("no node of this network both computes and moves something at these sizes")
        axes = column_axes(0.75) if ax is None else ax
        ridge = peak / bandwidth
        low = min(ridge, *(x for x, _ in points)) / 3
        high = max(ridge, *(x for x, _ in points)) * 5
        axes.plot([low, ridge, high], [low * bandwidth, peak, peak], color="0.3", linewidth=1)
        axes.plot([x for x, _ in points], [y for _, y in points], "o", color=COLOURS[0], markersize=3)
        for (x, y), names in _labels(points, (high / low) ** LABEL_SHARE):
            right = x * 30 > high  # no room for words to the right
            axes.annotate(
                ", ".join(names), (x, y), xytext=(-4 if right else 4, 4 if x >= ridge else -9), textcoords="offset points", fontsize=POINTS,
                ha="right" if right else "left",
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(top=peak * 4)  # room for the names on the roof
        axes.set_xlabel("operations per byte", fontsize=POINTS)
        axes.set_ylabel("operations per second", fontsize=POINTS)
        return axes


def _labels(
    points: Mapping[tuple[float, float], list[str]], apart: float
) -> list[tuple[tuple[float, float], list[str]]]:
    """Each name once, where its intensity is least; neighbours together."""
    found: list[tuple[tuple[float, float], list[str]]] = []
    seen: set[str] = set()
    for place, names in sorted(points.items()):
        new = [name for name in names if name not in seen]
        seen.update(new)
        if new and found and place[0] < found[-1][0][0] * apart:
            found[-1][1].extend(new)
        elif new:
            found.append((place, new))
    return found


def _rate(value: Any, name: str) -> Expr:
    known = isinstance(value, Expr) or isinstance(value, int) and not isinstance(value, bool)
    found = sympify(value if known else as_real(value, name))
    if found.is_positive is not True:
        if isinstance(found, Symbol) and found.is_positive is None:
            raise FieldError(f'{name} is positive; write symbols("{found}", positive=True)')
        raise FieldError(f"{name} is a positive number or symbol, got {shown(value)}")
    return found


@checked
def roofline(
    net: Network,
    peak: Any,
    bandwidth: Any,
    *,
    on: Any = None,
    fuse: str = "layer",
    batch: Any = 1,
    itemsize: Any = None,
) -> Roofline:
    """How long a network takes at least: each node the larger of operations over peak and bytes over bandwidth.

    Parameters
    ----------
    net : Network
    peak : number or symbol
        Operations a second, one multiply-accumulate being two.
    bandwidth : number or symbol
        Bytes a second.
    on : shape, optional
        What enters an open network.
    fuse : str
        ``"layer"``, or ``"statement"``: then a layer moves what its lines read and write.
    batch : int or symbol
        The number of examples.
    itemsize : mapping of kind to int or symbol, optional
        Bytes of an element, as in `elements_moved`.

    Returns
    -------
    Roofline

    Raises
    ------
    FieldError
        If `net` is no network, or a rate is not positive.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If a layer is opaque.

    Examples
    --------
    >>> from sympy import symbols
    >>> from layeralgebra import Linear, dims, roofline
    >>> n, L, (P, W) = *dims("n L"), symbols("P W", positive=True)
    >>> roofline(Linear(n, bias=False) ** L, P, W, on=(n,)).time
    L*Max(2*n**2/P, (4*n**2 + 8*n)/W)

    References
    ----------
    Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for multicore architectures", Communications of the ACM 52
    (2009), doi 10.1145/1498765.1498785.
    """
    if fuse not in ("layer", "statement"):
        raise FieldError(f"fuse of a roofline is layer or statement, got {shown(fuse)}")
    rates = _rate(peak, "peak"), _rate(bandwidth, "bandwidth")
    evaluation = evaluate_network(net, followed_carrier(fuse, batch), on)
    steps = steps_of(evaluation, on, fuse)
    weigh = weight_of("bytes", "all", "all", batch, itemsize)

    def time(step: Step) -> Expr:
        return Max(simplify(step.work) / rates[0], simplify(moved(step, weigh)) / rates[1])

    nodes = []
    for term in evaluation.terms:
        step = getattr(term.value, "step", None)
        if step is not None and (amount := simplify(moved(step, weigh))) != 0:
            nodes.append(
                RooflineNode(step.path, type(term.site.node).__name__, simplify(step.work), amount, time(step))
            )
    return Roofline(summed(steps, time), tuple(nodes), *rates, "lower" if exact(steps) else "surrogate")
