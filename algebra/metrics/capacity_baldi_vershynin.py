"""The capacity of a plain network of threshold units, after Baldi and Vershynin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Expr, Ge, Integer, Mul, false, true
from sympy.logic.boolalg import Boolean

from ..derivations.metric import Metric
from ..errors import DomainError, UnsupportedError
from ..formulas.conditions import Condition
from ..networks.carrier import DomainCondition, Evaluation

if TYPE_CHECKING:
    from ..regions.perceptrons import ToldCarrier


def _carrier() -> "ToldCarrier":
    from ..regions.perceptrons import ToldCarrier

    return ToldCarrier("relu")  # whatever the units are, they are replaced by threshold units


def _blocks(evaluation: Evaluation[Any]) -> tuple[Expr, list[tuple[tuple[Expr, ...], Any]]]:
    """What enters, and the widths of the layers in blocks that are repeated."""
    from ..regions.perceptrons import plain_widths
    from ..regions.transfer import input_size

    inputs, output = input_size(evaluation), Mul(*evaluation.output.shape)
    found = plain_widths(evaluation.value.phi, inputs, output, "capacity_baldi_vershynin")
    if not found.dense or evaluation.value.tied:
        raise UnsupportedError(
            "capacity_baldi_vershynin is stated for fully connected layers; here units share weights or see a part only"
        )
    blocks = list(found.blocks)
    if found.ends_affine:
        blocks.append(((output,), 1))
    if not blocks:
        raise UnsupportedError("capacity_baldi_vershynin needs a layer with weights")
    return inputs, blocks


def _needs(evaluation: Evaluation[Any]) -> list[Boolean]:
    """Two units or more in every layer before the last.

    On zeros and ones ``m = min(n_1, ..., n_k)`` bits at most arrive at layer k, so that a unit behind it has at most
    ``2 sum_{i<=n_k} C(2^m - 1, i)`` functions, which is at most ``2^{m n_k}`` for n_k >= 2; one unit has four and not two.
    """
    from ..regions.published_bounds import flattened

    inputs, blocks = _blocks(evaluation)
    return [Ge(size, 2) for size in dict.fromkeys([inputs, *flattened(blocks)][:-1])]


def _capacity(evaluation: Evaluation[Any]) -> Expr:
    from ..regions.published_bounds import baldi_vershynin

    inputs, blocks = _blocks(evaluation)
    if false in _needs(evaluation):
        raise DomainError(
            "capacity_baldi_vershynin: a layer before the last has one unit, or one number enters; then the sum is no upper bound, and "
            "the theorem is stated for n_j > 18 log2(L n_k) wherever layer j of the L comes before k"
        )
    return baldi_vershynin.stacked(inputs, blocks)


def _conditions(evaluation: Evaluation[Any]) -> list[DomainCondition]:
    meaning = "the sum bounds the capacity from above where each layer before the last has two units or more"
    return [DomainCondition(Condition(need, meaning), "the network") for need in _needs(evaluation) if need != true]


def _kind(evaluation: Evaluation[Any], formula: Expr) -> str:
    """Of that order where the theorem is known to hold: ``n_j > 18 log2(L n_k)`` for all j < k, and biases; else above."""
    from ..regions.free_maps import AffineStep
    from ..regions.published_bounds import flattened

    inputs, blocks = _blocks(evaluation)
    sizes = [inputs, *flattened(blocks)]
    layers = 1 + sum(len(widths) * times for widths, times in blocks)
    biased = all(step.shift for step in evaluation.value.steps if isinstance(step, AffineStep))
    if not biased or not all(size.is_Integer for size in (*sizes, layers + Integer(0))):
        return "upper"
    largest = 0
    for size in reversed([int(size) for size in sizes]):  # 2**n > x where n is at least the number of bits of x
        if largest and size < ((int(layers) * largest) ** 18).bit_length():
            return "upper"
        largest = max(largest, size)
    return "asymptotic"


capacity_baldi_vershynin: Metric[Expr] = Metric(
    name="capacity_baldi_vershynin",
    title="capacity of threshold units",
    unit="bits",
    carrier=_carrier,
    finish=_capacity,
    kind=_kind,
    conditions=_conditions,
    term=lambda term: Mul(*term.site.output.shape),
    source="Baldi & Vershynin, The capacity of feedforward neural networks, 2019",
    documentation="""The capacity of a fully connected network of threshold units: bits of what it can compute.

    ``sum_k min(n_1, ..., n_k) n_k n_{k+1}`` over the layers, the input being n_1, for inputs of zeros and ones. The theorem says that
    the capacity is of this order, constants left out, if ``n_j > 18 log2(L n_k)`` for all layers j < k of the L: there the kind is
    asymptotic, if all layers have biases. For other sizes, and for symbols, the sum is an upper bound, if each layer before the last
    has two units or more. Activations of any kind are replaced by thresholds. Terms of a derivation are the sizes of the layers'
    outputs.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    Expr

    Raises
    ------
    DomainError
        If a layer before the last has one unit.
    UnsupportedError
        For anything but fully connected layers in series.
    FieldError
        If `net` is no network, or an option is unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.

    References
    ----------
    Baldi and Vershynin, "The capacity of feedforward neural networks", Neural Networks 116 (2019).

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, Tanh, capacity_baldi_vershynin
    >>> capacity_baldi_vershynin(Linear(128) >> ReLU() >> Linear(10), on=(784,))
    78839808
    >>> capacity_baldi_vershynin(Linear(2) >> Tanh() >> Linear(10) >> Tanh() >> Linear(1), on=(10,))
    260
    """,
)
