"""The capacity of a plain network of threshold units, after Baldi and Vershynin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Expr, Mul

from ..derivations.metric import Metric
from ..errors import UnsupportedError
from ..networks.carrier import Evaluation

if TYPE_CHECKING:
    from ..regions.perceptrons import ToldCarrier


def _carrier() -> "ToldCarrier":
    from ..regions.perceptrons import ToldCarrier

    return ToldCarrier("relu")  # whatever the units are, they are replaced by threshold units


def _capacity(evaluation: Evaluation[Any]) -> Expr:
    from ..regions.perceptrons import plain_widths
    from ..regions.published_bounds import baldi_vershynin
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
    return baldi_vershynin.stacked(inputs, blocks)


capacity_baldi_vershynin: Metric[Expr] = Metric(
    name="capacity_baldi_vershynin",
    title="capacity of threshold units",
    unit="bits",
    carrier=_carrier,
    finish=_capacity,
    kind="asymptotic",
    term=lambda term: Mul(*term.site.output.shape),
    source="Baldi & Vershynin, The capacity of feedforward neural networks, 2019",
    documentation="""The capacity of a fully connected network of threshold units: bits of what it can compute.

    ``sum_k min(n_1, ..., n_k) n_k n_{k+1}`` over the layers, the input being n_1: the order of magnitude, constants
    left out. Activations of any kind are replaced by thresholds. Terms of a derivation are the sizes of the layers'
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
