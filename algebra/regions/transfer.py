"""The transfer function of a layer or of a whole network: a carrier whose values are transfer functions.

>>> from layeralgebra import Conv, Identity, Linear, ReLU, dims, transfer
>>> n, d = dims("n d")
>>> transfer(Linear(n) >> ReLU(), on=(d,)).bits()
Log2Zaslavsky(n, Min(d, n))
>>> print(transfer(Identity() + (Linear(2) >> ReLU() >> Linear(3)), on=(3,)).histogram(3))
Histogram(counts=(0, 0, 0, 4))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from sympy import Add as SymAdd
from sympy import Expr, Integer, Mul, Symbol

from ..arguments import checked
from ..errors import FieldError, UnsupportedError
from ..formulas.latex import formula_latex as latex
from ..networks.carrier import Evaluation, GraphStep, PathCarrier, Site
from ..networks.evaluator import evaluate_network
from ..networks.network import Graph, Join, Network, Shared
from ..records import dataclass
from ..sizes.dims import as_size
from .composition import IDENTITY, Acyclic, Branches, Chain, Composed, Repeated, on_graph, series
from .free_maps import AffineStep, steps_of
from .from_equation import check_surrogate, joined, local_transfer
from .histogram import Histogram, unit
from .local_maps import Affine, Transfer
from .vertex_cuts import Least

MOST_DIMENSIONS = 10_000
"""Of a region whose image is written out, a number for each dimension."""


class TransferCarrier(PathCarrier[Transfer]):
    """Series composes; branches are joined as they are, siblings counted together; a graph goes through its cuts.

    The ports of a layer with several inputs all carry its transfer function on the inputs put together.
    """

    def __init__(self, surrogate: str | None = None):
        check_surrogate(surrogate)
        self.surrogate = surrogate

    def leaf(self, site: Site, port: int) -> Transfer:
        assert site.instance is not None
        return local_transfer(site.instance, self.surrogate)

    def series(self, values: Sequence[Transfer]) -> Transfer:
        return series(values)

    def join(self, site: Site, values: Sequence[Transfer]) -> Transfer:
        return joined(values, self._width(site, len(values)))

    def _width(self, site: Site, arriving: int) -> Expr | None:
        if site.join.stacks:
            return None
        if site.join.coefficients(arriving) is None and arriving > 1 and self.surrogate is None:
            raise UnsupportedError(
                f"at {site.path or 'the network'}: {site.join.noun} has no affine pieces\n"
                "  write instead: surrogate='relu', 'hard_tanh' or 'affine', which hold all factors but one fixed"
            )
        return Mul(*site.output.shape)

    def repeat(self, value: Transfer, times: Expr, index: Symbol | None) -> Transfer:
        if value == IDENTITY or times == 1:
            return value
        if isinstance(value, Affine) and index is None:
            return value
        return Repeated(value, times, index)

    def source(self, site: Site) -> Transfer:
        return Affine(0)

    def fuse(self, values: Sequence[Transfer]) -> Transfer:
        return values[0]

    def graph(self, steps: Sequence[GraphStep[Transfer]], sink: str) -> Transfer:
        nodes: list[tuple[str, Sequence[str], Transfer]] = []
        for step in steps:
            if step.join is None:
                nodes.append((step.name, step.sources, step.values[0]))
                continue
            width = self._width(step.join, len(step.join.inputs))
            nodes.append((step.name, step.sources, IDENTITY if width is None else Affine(width)))
        return on_graph(nodes, sink)


def input_size(evaluation: Evaluation[Any]) -> Expr:
    """The number of elements of all inputs of a network."""
    return SymAdd(*(Mul(*flow.shape) for flow in evaluation.inputs))


def data_cut(evaluation: Evaluation[Any], d: Any = None) -> Least:
    """The dimension that enters: of the input, or of a slice in which the data lies."""
    least = Least.of(input_size(evaluation))
    return least if d is None else least.series(Least.of(as_size(d, "d", least=0)))


@dataclass(frozen=True)
class TransferFunction:
    """What `transfer` returns: a transfer function with the size of what enters.

    Attributes
    ----------
    phi : Transfer
    inputs : Expr
        The number of elements that enter.
    kind : str
        ``"exact"`` for an affine map, ``"upper"``, or ``"surrogate"``.
    surrogate : str or None
    """

    phi: Transfer
    inputs: Expr
    kind: str
    surrogate: str | None = None

    @property
    def parts(self) -> tuple[Transfer, ...]:
        """Series parts, first to last."""
        return self.phi.parts if isinstance(self.phi, Chain) else (self.phi,)

    @checked
    def bits(self, d: Any = None) -> Expr:
        """The closed form of layer complexity, for data of dimension d."""
        cut = Least.of(self.inputs) if d is None else Least.of(self.inputs).series(Least.of(as_size(d, "d", least=0)))
        return SymAdd(*self.phi._bits(cut))

    @checked
    def histogram(self, d: int) -> Histogram:
        """The image of one region of dimension d."""
        if not 0 <= d <= MOST_DIMENSIONS:
            raise FieldError(f"a dimension is a number from 0 to {MOST_DIMENSIONS}, got {d}")
        return self.phi.act(unit(d))

    def formulas(self) -> tuple[Expr, ...]:
        """``phi(e_d)`` of each series part that is a leaf, in terms of ``e`` and of the symbol ``d``."""
        d = Symbol("d", integer=True, nonnegative=True)
        return tuple(part.image(d) for part in self.parts if not isinstance(part, Composed))

    def latex(self) -> str:
        """The formula of ``phi(e_d)``; of several parts, one after the other, the first on the right."""
        d = Symbol("d", integer=True, nonnegative=True)
        return _latex(self.phi, d)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        d = Symbol("d", integer=True, nonnegative=True)
        return f"{_text(self.phi, d)}  [{self.kind}]"


@singledispatch
def _text(phi: Transfer, d: Symbol) -> str:
    return f"phi(e_d) = {phi.image(d)}"


@_text.register
def _text_of_chain(phi: Chain, d: Symbol) -> str:
    return "; then ".join(_text(part, d) for part in phi.parts) or "phi(e_d) = e_d"


@_text.register
def _text_of_branches(phi: Branches, d: Symbol) -> str:
    how = "concatenated" if phi.width is None else f"added, at most {phi.width}"
    return f"({' | '.join(_text(branch, d) for branch in phi.branches)}, {how})"


@_text.register
def _text_of_copies(phi: Repeated, d: Symbol) -> str:
    return f"({_text(phi.body, d)}) {phi.times} times"


@_text.register
def _text_of_graph(phi: Acyclic, d: Symbol) -> str:
    return f"a graph of {len(phi.nodes)} nodes"


def _latex(phi: Transfer, d: Symbol) -> str:
    if isinstance(phi, Composed):
        return rf"\varphi = {_function_latex(phi, d)}"
    return rf"\varphi(e_{{d}}) = {latex(phi.image(d))}"


@singledispatch
def _function_latex(phi: Transfer, d: Symbol) -> str:
    """A function that can be composed with others."""
    return rf"\left(e_{{d}} \mapsto {latex(phi.image(d))}\right)"


@_function_latex.register
def _latex_of_chain(phi: Chain, d: Symbol) -> str:
    return r" \circ ".join(_function_latex(part, d) for part in reversed(phi.parts)) or r"\mathrm{id}"


@_function_latex.register
def _latex_of_branches(phi: Branches, d: Symbol) -> str:
    inside = r" * ".join(_function_latex(branch, d) for branch in phi.branches)
    clip = latex(d) if phi.width is None else rf"\min({latex(d)}, {latex(phi.width)})"
    return rf"\mathrm{{cl}}_{{{clip}}}\left({inside}\right)"


@_function_latex.register
def _latex_of_copies(phi: Repeated, d: Symbol) -> str:
    return rf"\left({_function_latex(phi.body, d)}\right)^{{{latex(phi.times)}}}"


@_function_latex.register
def _latex_of_graph(phi: Acyclic, d: Symbol) -> str:
    return r"\varphi_{\mathrm{graph}}"


def transfer_kind(net: Network, evaluation: Evaluation[Transfer], surrogate: str | None) -> str:
    """How exact a transfer function is: exact for affine maps of which some weights are known to have the rank."""
    if surrogate is not None:
        return "surrogate"
    if net.has(Join, Graph, Shared):
        return "upper"
    steps = [step for term in evaluation.terms if term.site.instance for step in steps_of(term.site.instance)]
    return "exact" if all(isinstance(step, AffineStep) for step in steps) else "upper"


@checked
def transfer(net: Network, on: Any = None, surrogate: str | None = None) -> TransferFunction:
    """The transfer function of a layer or of a network on dimension histograms, derived from the equations.

    ``phi(e_d) = sum_j c_j e_j`` says that one region of dimension d is cut into at most so many, with images of
    dimension j. Layer complexity is ``log2`` of the sum of the ``c_j``.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    surrogate : {'relu', 'hard_tanh', 'affine'}, optional
        What stands in for functions without affine pieces, such as softmax or GELU.

    Returns
    -------
    TransferFunction

    Raises
    ------
    UnsupportedError
        If something has no affine pieces and no surrogate is named.
    FieldError
        If `net` is no network, or there is no such surrogate.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    References
    ----------
    Badias and Banerjee, "Neural Network Layer Algebra", arXiv 2107.01081 (2021): transfer functions of leaves and the
    topology give the metric of the whole; the functions themselves are a reconstruction.

    Examples
    --------
    >>> from layeralgebra import GELU, Linear, MaxPool, dims, transfer
    >>> n, m = dims("n m")
    >>> print(transfer(Linear(m), on=(n,)))
    phi(e_d) = e[Min(d, m, n)]  [exact]
    >>> print(transfer(GELU(), on=(3,), surrogate="relu").histogram(2))
    Histogram(counts=(0, 3, 4))
    >>> transfer(MaxPool(2), on=(1, 8, 8)).phi.parts[-1]
    MaxPool(outputs=16, window=4)
    """
    evaluation = evaluate_network(net, TransferCarrier(surrogate), on)
    phi = evaluation.value
    return TransferFunction(phi, input_size(evaluation), transfer_kind(net, evaluation, surrogate), surrogate)


def bits_of_count(count: int) -> Expr:
    """``log2`` of a positive integer, exactly: an integer where it is a power of two."""
    from sympy import log

    if count & (count - 1) == 0:
        return Integer(count.bit_length() - 1)
    return log(Integer(count)) / log(2)
