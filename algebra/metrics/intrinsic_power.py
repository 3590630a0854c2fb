"""Layer intrinsic power: how the size of the data changes along the network, in bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Integer, Max, Min, Mul, Product, Symbol, log, oo

from ..derivations.metric import Metric
from ..errors import UnsupportedError
from ..networks.carrier import Evaluation, GraphStep, PathCarrier, Site, Term
from ..records import dataclass
from ..sizes.normal_form import is_nonnegative, simplify

if TYPE_CHECKING:
    from ..regions.vertex_cuts import Least

_ONE = Integer(1)


@dataclass(frozen=True)
class IntrinsicPower:
    """Four numbers, in bits, and the profile along the network.

    Attributes
    ----------
    net : Expr
        ``log2(n_out / n_in)``: it telescopes, so that an autoencoder and the identity both have 0.
    expansion, compression : Expr
        The sums of the positive and of the negative parts along the network, on the path where they are largest; their
        difference is `net`.
    bottleneck : Expr
        ``log2(F / n_in)``, F the least vertex cut between input and output.
    profile : tuple of (path, Expr)
        ``log2(n / n_in)`` after every layer.
    """

    net: Expr
    expansion: Expr
    compression: Expr
    bottleneck: Expr
    profile: tuple[tuple[str, Expr], ...] = ()

    def map_expressions(self, function: Any) -> "IntrinsicPower":
        net, expansion, compression, bottleneck = map(
            function, (self.net, self.expansion, self.compression, self.bottleneck)
        )
        profile = tuple((path, function(bits)) for path, bits in self.profile)
        return IntrinsicPower(net, expansion, compression, bottleneck, profile)


@dataclass(frozen=True)
class Passage:
    """What a part of a network does to sizes: the product of all growth along it, and its narrowest passage.

    Growth is at least 1, so that the largest of several is a maximum of products.
    """

    growth: Expr
    narrowest: "Least"


class PassageCarrier(PathCarrier[Passage]):
    """Growth is (max, times) along paths; passages take the minimum in series and add in parallel."""

    def leaf(self, site: Site, port: int) -> Passage:
        from ..regions.vertex_cuts import Least

        enters, leaves = Mul(*site.inputs[port].shape), Mul(*site.output.shape)
        return Passage(_growth(enters, leaves), Least.of(leaves))

    def series(self, values: Sequence[Passage]) -> Passage:
        from ..regions.vertex_cuts import Least

        narrowest = Least()
        for value in values:
            narrowest = narrowest.series(value.narrowest)
        return Passage(Mul(*(value.growth for value in values)), narrowest)

    def join(self, site: Site, values: Sequence[Passage]) -> Passage:
        size, stacks = Mul(*site.output.shape), site.join.stacks
        growth = _largest(
            [
                value.growth * _growth(Mul(*flow.shape), size) if stacks else value.growth
                for value, flow in zip(values, site.inputs)
            ]
        )
        return Passage(growth, self._beside(values, size))

    @staticmethod
    def _beside(values: Sequence[Passage], size: Expr) -> "Least":
        from ..regions.vertex_cuts import Least

        narrowest = values[0].narrowest
        for value in values[1:]:
            narrowest = narrowest.parallel(value.narrowest)
        return narrowest.series(Least.of(size))

    def fuse(self, values: Sequence[Passage]) -> Passage:
        narrowest = values[0].narrowest
        for value in values[1:]:
            narrowest = narrowest.parallel(value.narrowest)
        return Passage(_largest([value.growth for value in values]), narrowest)

    def repeat(self, value: Passage, times: Expr, index: Symbol | None) -> Passage:
        from ..regions.vertex_cuts import Least

        if times.is_zero:
            return self.series([])
        if index is None:
            return Passage(value.growth**times, value.narrowest)
        last = Least.of(
            *(size.xreplace({index: place}) for size in value.narrowest.sizes for place in (Integer(0), times - 1))
        )
        growth = value.growth if value.growth.has(index) else value.growth**times
        return Passage(Product(growth, (index, 0, times - 1)) if growth.has(index) else growth, last)

    def source(self, site: Site) -> Passage:
        from ..regions.vertex_cuts import Least

        return Passage(_ONE, Least.of(Integer(0)))

    def graph(self, steps: Sequence[GraphStep[Passage]], sink: str) -> Passage:
        """Growth along paths; the passage is a least cut."""
        from ..regions.vertex_cuts import Least, minimum_vertex_cut

        growth = super().graph(steps, sink).growth
        after: dict[str, list[str]] = {}
        capacity: dict[str, Expr] = {}
        for step in steps:
            for source in step.sources or [""]:
                after.setdefault(source, []).append(step.name)
            least = Least.of(Mul(*step.join.output.shape)) if step.join is not None else step.values[0].narrowest
            if least.sizes:
                capacity[step.name] = least.expr()
        cut = minimum_vertex_cut(after, "", sink, capacity)
        return Passage(growth, Least.of(*Min.make_args(cut.value)) if cut.value != oo else Least())


def _growth(enters: Expr, leaves: Expr) -> Expr:
    """``max(1, leaves / enters)``."""
    if enters == leaves or is_nonnegative(enters - leaves) is True:
        return _ONE
    if is_nonnegative(leaves - enters) is True:
        return simplify(leaves / enters)
    # Of sizes, not of their ratio: SymPy 1.14 decides 1/(H*c) >= 1 for positive integers H and c as true.
    return Max(enters, leaves) / enters


def _largest(values: Sequence[Expr]) -> Expr:
    kept = [value for value in dict.fromkeys(values) if value != 1] or [_ONE]  # growth is never below 1
    if len(kept) == 1:
        return kept[0]
    return Max(*kept, evaluate=all(value.is_number for value in kept))


def log2(ratio: Expr) -> Expr:
    """The binary logarithm as an expression; of a power of two, an integer."""
    if ratio.is_Rational and ratio.is_positive:
        over, under = int(ratio.p), int(ratio.q)
        if over & (over - 1) == 0 and under & (under - 1) == 0:
            return Integer(over.bit_length() - under.bit_length())
    return log(ratio) / log(2)


def _power(evaluation: Evaluation[Passage]) -> IntrinsicPower:
    from ..regions.vertex_cuts import Least

    if not evaluation.inputs:
        raise UnsupportedError(
            "intrinsic power compares what leaves a network with what enters it, and nothing enters this one\n"
            "  write instead: a network with an Input, or on=(c, H, W) for an open one"
        )
    enters = Add(*(Mul(*flow.shape) for flow in evaluation.inputs))
    ratio = simplify(Mul(*evaluation.output.shape) / enters)
    passage = evaluation.value
    narrowest = passage.narrowest.series(Least.of(enters)).expr()
    return IntrinsicPower(
        log2(ratio),
        log2(passage.growth),
        log2(passage.growth / ratio),
        log2(simplify(narrowest / enters) if narrowest.is_number else narrowest / enters),
        tuple((term.site.path, log2(simplify(Mul(*term.site.output.shape) / enters))) for term in evaluation.terms),
    )


def _own(term: Term[Any]) -> Expr:
    """``log2(n_out / n_in)`` of a node."""
    enters = Add(*(Mul(*flow.shape) for flow in term.site.inputs))
    return log2(simplify(Mul(*term.site.output.shape) / enters)) if term.site.inputs else Integer(0)


intrinsic_power: Metric[IntrinsicPower] = Metric(
    name="intrinsic_power",
    title="intrinsic power",
    unit="bits",
    carrier=PassageCarrier,
    finish=_power,
    term=_own,
    source="reconstruction after Badias & Banerjee, arXiv 2107.01081; sizes of the tensors along the network",
    documentation="""Layer intrinsic power of a network, in bits: how the size of the data changes on its way.

    A leaf has ``log2(n_out / n_in)``. Series add; branches of a concatenation add their ratios; the branches of a sum
    have one ratio. The total telescopes, so that one number cannot carry what happens in between: expansion and
    compression are the sums of the positive and of the negative parts, and the bottleneck is the least vertex cut
    between input and output.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    IntrinsicPower
        With `net`, `expansion`, `compression`, `bottleneck` and `profile`.

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If nothing enters, as into a network of learned tensors alone: there is no ratio of sizes.

    References
    ----------
    Badias and Banerjee, "Neural Network Layer Algebra", arXiv 2107.01081 (2021).

    Examples
    --------
    >>> from layeralgebra import Linear, dims, intrinsic_power
    >>> n, m = dims("n m")
    >>> found = intrinsic_power(Linear(32) >> Linear(784), on=(784,))
    >>> [round(float(part), 4) for part in (found.net, found.expansion, found.compression, found.bottleneck)]
    [0.0, 4.6147, 4.6147, -4.6147]
    >>> intrinsic_power(Linear(m) >> Linear(n), on=(n,)).bottleneck
    log(Min(m, n)/n)/log(2)
    """,
)
