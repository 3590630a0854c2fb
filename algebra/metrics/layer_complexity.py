"""Layer complexity: how many bits the activation pattern of a network can carry, a bound on its affine regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Mul

from ..arguments import shown
from ..derivations.metric import Metric
from ..errors import FieldError
from ..networks.carrier import Evaluation, Term

if TYPE_CHECKING:
    from ..regions.transfer import TransferCarrier

METHODS = ("closed_form", "histogram")


def _carrier(d: Any, method: str, surrogate: str | None) -> "TransferCarrier":
    from ..regions.transfer import TransferCarrier

    if method not in METHODS:
        raise FieldError(f"method={shown(method)}: layer_complexity has {', '.join(METHODS)}")
    return TransferCarrier(surrogate)


def _bits(evaluation: Evaluation[Any], d: Any, method: str, surrogate: str | None) -> Expr:
    from ..regions.histogram import unit
    from ..regions.local_maps import number
    from ..regions.transfer import bits_of_count, data_cut

    cut = data_cut(evaluation, d)
    if method == "closed_form":
        return Add(*evaluation.value._bits(cut))
    return bits_of_count(evaluation.value.act(unit(number(cut.expr(), "the dimension of the data"))).norm)


def _own(term: Term[Any]) -> Expr:
    """The bits of a node alone, on all of its input."""
    from ..regions.vertex_cuts import Least

    return Add(*term.value._bits(Least.of(Add(*(Mul(*flow.shape) for flow in term.site.inputs)))))


layer_complexity: Metric[Expr] = Metric(
    name="layer_complexity",
    title="complexity",
    unit="bits",
    carrier=_carrier,
    finish=_bits,
    kind=lambda evaluation, formula, surrogate, **options: "upper" if surrogate is None else "surrogate",
    term=_own,
    options={"d": None, "method": "closed_form", "surrogate": None},
    source="reconstruction after Badias & Banerjee, arXiv 2107.01081; at least log2 of the number of affine regions",
    documentation="""Layer complexity of a network, in bits: a bound on the logarithm of its number of affine regions.

    The closed form is ``sum_l log2 Z(n_l, m_l)`` over the layers of units, where ``m_l`` is the least vertex cut
    (capacities are sizes of tensors) between the input and layer l, capped by d. The histogram tells regions of
    different dimension apart and is never above it; it needs numbers for all sizes. Terms of a derivation are those of
    each node alone.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    d : Dim, optional
        The dimension of a slice in which the data lies; all of the input, if left out. May be a symbol.
    method : {'closed_form', 'histogram'}
    surrogate : {'relu', 'hard_tanh', 'affine'}, optional
        What stands in for functions without affine pieces, such as softmax or GELU; without it they are refused.

    Returns
    -------
    Expr

    Raises
    ------
    UnsupportedError
        For a layer without affine pieces; for a histogram with symbols.
    BudgetError
        For a histogram that would take too long.
    FieldError
        If `net` is no network, or an option is unknown, or `method` or `surrogate` is another word.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    References
    ----------
    Badias and Banerjee, "Neural Network Layer Algebra", arXiv 2107.01081 (2021); Hinz and van de Geer, "A framework
    for the construction of upper bounds on the number of affine linear regions of ReLU feed-forward neural networks",
    2019; Serra, Tjandraatmadja and Ramalingam, "Bounding and counting linear regions of deep neural networks", 2018;
    Xie, Chen, Chi, Song, Wan and Jiang, "On the number of linear regions of convolutional neural networks", 2020.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, dims, layer_complexity
    >>> n, d, L = dims("n d L")
    >>> layer_complexity((Linear(n) >> ReLU()) ** L, on=(n,), d=d)
    L*Log2Zaslavsky(n, Min(d, n))
    >>> layer_complexity(Linear(3) >> ReLU() >> Linear(3) >> ReLU(), on=(2,), method="histogram")
    log(40)/log(2)
    """,
)
