r"""`capacity_propagation` of a network: how capacity moves backwards through its layers, as carriers of the evaluator.

Two carriers, of the same Markov rule. `TransitionCarrier` makes matrices at given weights, exact where these are exact;
`WalkCarrier` makes walks along the positions, for kernels with symbolic taps, or for taps that bring equal variance on
average, and keeps means and variances at symbolic depth, kernel and stride.

>>> from layeralgebra import Conv, Identity, capacity_propagation, dims
>>> L, k, N = dims("L k N")
>>> capacity_propagation(Conv(1, k, padding="same") ** L, on=(1, N)).variance
(L*(k**2/12 - 1/12),)
>>> block = Conv(1, 3, padding=1, bias=False)
>>> found = capacity_propagation(Identity() + block, on=(1, N), taps={"1.W": [[[[1, 2, 1]]]]})
>>> found.walk.shares
{(0,): 5/7, (-1,): 1/7, (1,): 1/7}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Mul, SympifyError, sqrt, sympify

from ...arguments import as_integer, checked, shown
from ...errors import FieldError, UnsupportedError
from ...networks.evaluator import evaluate_network, input_flows
from ...networks.network import Network, as_network
from ...numerics.arrays import as_numbers
from ...numerics.copies import at_literal_sizes
from ...numerics.weights import inventory
from ...records import dataclass
from .at_weights import TransitionCarrier, weights_of
from .generating_functions import KernelWalk
from .spread import Spread
from .transitions import SOURCE, CapacityTransition, identity
from .walks import WalkCarrier


@dataclass(frozen=True)
class CapacityPropagation:
    """How a network hands capacity back from its output to its input.

    Attributes
    ----------
    spreads : tuple of Spread
        Of each axis of positions: mean, variance, jump, mass. Empty where there are none.
    walk : KernelWalk or None
        The whole law, where the depth is literal and the reach not too wide.
    transition : CapacityTransition or None
        The matrix at given weights.
    """

    spreads: tuple[Spread, ...] = ()
    walk: KernelWalk | None = None
    transition: CapacityTransition | None = None

    kind = "surrogate"
    source = SOURCE

    @property
    def mean(self) -> tuple[Expr, ...]:
        """Where capacity goes, from the position of the output times the jump, in inputs."""
        return tuple(spread.mean for spread in self.spreads)

    @property
    def variance(self) -> tuple[Expr, ...]:
        return tuple(spread.variance for spread in self.spreads)

    @property
    def sigma(self) -> tuple[Expr, ...]:
        """The effective receptive field along each axis."""
        return tuple(sqrt(variance) for variance in self.variance)

    @property
    def jump(self) -> tuple[Expr, ...]:
        return tuple(spread.jump for spread in self.spreads)

    @property
    def mass(self) -> Expr:
        """The share that does not leak into biases."""
        if self.spreads:
            return self.spreads[0].mass
        if self.walk is not None:
            return self.walk.mass
        raise UnsupportedError("what leaks from each output of a matrix is transition.leaks")

    @property
    def matrix(self) -> Any:
        """The transition matrix, a row for each output."""
        if self.transition is None:
            raise UnsupportedError("a matrix needs weights; pass at= a mapping of weights or a seed")
        return self.transition.matrix

    @checked
    def generating_function(self, *variables: Expr) -> Expr:
        """Of the walk, a variable for each axis."""
        if self.walk is None:
            raise UnsupportedError("this propagation has no generating function that is short enough to be written")
        return self.walk.generating_function(*variables)

    @checked
    def propagate(self, capacities: Any) -> tuple[Any, ...]:
        """Capacities of the inputs from those of the outputs."""
        if self.transition is None:
            raise UnsupportedError("capacities are propagated by a matrix; pass at= a mapping of weights or a seed")
        return self.transition.propagate(capacities)


@checked
def capacity_propagation(
    net: Network,
    at: Any = None,
    on: Any = None,
    *,
    taps: Mapping[str, Any] | None = None,
    bias: Any = 0,
    pattern: Any = None,
) -> CapacityPropagation:
    """How capacity moves backwards through a network, by the Markov rule of the totally decoupled limit.

    ``kappa_i = sum_j kappa_j w_ji^2 / (b_j^2 + sum_i w_ji^2)``; every layer is taken to see inputs of unit variance. Branches
    that are added mix in proportion to the second moments of what leaves them, which are those of all their layers: of
    weights and biases, of activations (a ReLU halves them), of averages, times the squares of coefficients. What enters a
    branch is taken to be standard normal. Activations pass capacity on, maxima spread it evenly over their window.

    Parameters
    ----------
    net : Network
    at : mapping of str to array, or int, optional
        Weights (or the seed of random ones) for the matrix; exact where all of them are integers, fractions or expressions.
    on : shape, optional
    taps : mapping of str to nested sequence, optional
        Kernels with numbers or symbols for the walk along positions; other layers' taps bring equal variance on average,
        as those of random initialisation do.
    bias : number or Expr
        The squared bias of layers that have one, relative to what their weights bring.
    pattern : array, optional
        What the softmaxes of attention layers are.

    Returns
    -------
    CapacityPropagation

    Raises
    ------
    FieldError
        If `net` is no network, both `at` and `taps` are given, weights are missing or unknown, or a bias is negative.
    ShapeError
        If nothing enters an open network, or the shape of something does not fit.
    DomainError
        If an output depends on nothing, or branches cancel.
    UnsupportedError
        If a layer is no walk along positions, or, with weights, not linear in its input; or if branches that are added are
        not independent, or it is not known how much one weighs.

    References
    ----------
    Donier, "Capacity allocation through neural network layers", arXiv 1902.08572 (2019). Reconstruction.

    Examples
    --------
    >>> from layeralgebra import Linear, capacity_propagation
    >>> found = capacity_propagation(Linear(2) >> Linear(1), {"0.W": [[1, 2], [0, 3]], "0.b": [0, 0], "1.W": [[1, 1]], "1.b": [1]}, (2,))
    >>> found.propagate([1])
    (1/15, 3/5)
    """
    as_network(net, "la.capacity_propagation")
    bias = checked_bias(bias, "la.capacity_propagation")
    if at is None:
        carrier = WalkCarrier(checked_taps(taps, "la.capacity_propagation"), bias)
        found = evaluate_network(net, carrier, on).value
        unused_taps(carrier)
        return CapacityPropagation(found.spreads or (), found.law())
    if taps is not None:
        raise FieldError("pass either at= for a matrix or taps= for a walk")
    return CapacityPropagation(transition=_transition(net, at, on, pattern))


def checked_taps(taps: Any, asked: str) -> dict[str, Any]:
    """Kernels by name."""
    if taps is None:
        return {}
    if not isinstance(taps, Mapping) or not all(isinstance(name, str) for name in taps):
        raise FieldError(
            f"taps= of {asked} maps names of weights to kernels, as in {{'0.W': [[[1, 2, 1]]]}}, got {shown(taps)}"
        )
    return dict(taps)


def checked_bias(bias: Any, asked: str) -> Expr:
    """A squared bias, a number or an expression that is not negative."""
    try:
        made = None if isinstance(bias, (bool, str)) else sympify(bias, strict=True)
    except (SympifyError, TypeError, ValueError):
        made = None
    if not isinstance(made, Expr) or made.is_extended_real is False or made.is_negative or made.is_finite is False:
        raise FieldError(
            f"bias= of {asked} is the squared bias relative to what the weights bring, a number of at least 0 or an "
            f"expression, got {shown(bias)}; biases of single layers are given with taps= or at="
        )
    return made


def unused_taps(carrier: WalkCarrier) -> None:
    """Refuse kernels that no layer has."""
    if unused := sorted(set(carrier.taps) - carrier.used):
        there = f"; there are {', '.join(carrier.names)}" if carrier.names else ""
        raise FieldError(f"no layer that is walked through has the weights {', '.join(unused)}{there}")


def _transition(net: Network, at: Any, on: Any, pattern: Any) -> CapacityTransition:
    shapes = (
        None
        if on is None
        else [
            tuple(
                as_integer(size, "a size of on=, of a network with a pattern or with weights,") for size in flow.shape
            )
            for flow in input_flows(on)
        ]
    )
    network, sizes = at_literal_sizes(net, shapes)
    needed = inventory(network, sizes)
    tensors, exact = weights_of(needed, at)
    if pattern is not None and as_numbers(pattern, "the pattern of attention").dtype != object:
        exact = False
    carrier = TransitionCarrier(needed, tensors, pattern, exact)
    evaluation = evaluate_network(network, carrier, None if on is None else [tuple(size) for size in sizes])
    found = evaluation.value(()).transition
    return identity(int(Mul(*evaluation.output.shape)), exact=exact) if found is None else found
