"""`capacity_allocation` of a network: where in its input it spends its parameters.

>>> from layeralgebra import Conv, Input, capacity_allocation, dims
>>> found = capacity_allocation(Input(1, 5) >> Conv(1, 3, bias=False) >> Conv(1, 3, bias=False))
>>> found.total, [round(float(k), 9) for k in found.spatial.ravel()]
(5, [1.0, 1.0, 1.0, 1.0, 1.0])
>>> k, N = dims("k N")
>>> capacity_allocation(Conv(1, k, bias=False) >> Conv(1, k, bias=False), on=(1, N)).total
2*k - 1
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Expr, Lambda, Symbol

from ...arguments import checked, shown
from ...derivations.derivation import Derivation
from ...derivations.domain import Domain
from ...errors import FieldError, UnsupportedError
from ...linear.network_maps import LinearNetwork
from ...linear.number_systems import NumberSystem
from ...networks.evaluator import input_flows
from ...networks.network import Network, as_network
from ...records import dataclass
from ..column_spaces.exact_rank import ExactJacobian
from ..column_spaces.rows import RowSource
from .of_jacobian import SOURCE, allocated
from .structures import Structure

if TYPE_CHECKING:
    from .of_jacobian import CapacityAllocation


@dataclass(frozen=True)
class _Total:
    """The total capacity, as what a derivation is of."""

    name: str = "capacity_allocation"
    title: str = "total capacity"
    unit: str = ""
    source: str = SOURCE

    def carrier(self, **options: Any) -> Any:
        """Of the pieces that the structure is read from."""
        from .recognition import StructureCarrier

        return StructureCarrier()

    def __call__(self, net: Network, on: Any = None, **options: Any) -> Any:
        return capacity_allocation(net, on=on, **options).total


TOTAL = _Total()

METHODS = ("numeric", "closed_form")


@dataclass(frozen=True)
class ClosedFormAllocation:
    """An allocation as formulas, for generic weights and white inputs.

    Attributes
    ----------
    structure : Structure
        How the weights are composed, as read from the equations.
    net : Network
    domain : Domain
        The sizes for which the formulas hold.
    inputs : tuple of shapes
        What enters the network.

    Raises
    ------
    DomainError, FieldError
        From a call, as from that of a `Derivation`.

    Examples
    --------
    >>> from layeralgebra import Conv, capacity_allocation, dims
    >>> L, N = dims("L N")
    >>> found = capacity_allocation(Conv(1, 3, padding=1, bias=False) ** L, on=(1, N))
    >>> found.total, found(L=3, N=7)
    (2*L + 1, 7)
    >>> found.domain.holds({L: 3, N: 3})  # the window of the output would reach into the margin
    False
    """

    structure: Structure
    net: Network
    domain: Domain
    inputs: tuple[tuple[Expr, ...], ...] = ()

    kind = "exact"

    @property
    def formula(self) -> Expr:
        """The total, as that of every derivation."""
        return self.total

    @property
    def derivation(self) -> Derivation:
        """The total as a derivation, with its domain."""
        return Derivation(TOTAL, self.net, self.total, self.kind, self.source, self.domain, inputs=self.inputs)

    def __call__(self, values: Mapping[Symbol, int] | None = None, /, **words: int) -> Any:
        """The total at given sizes, as from every derivation; a `DomainError` where the formula does not hold."""
        return self.derivation(values, **words)

    @property
    def source(self) -> str:
        return self.structure.source

    @property
    def total(self) -> Expr:
        """The number of independent parameters."""
        return self.structure.total

    @property
    def conditions(self) -> tuple[str, ...]:
        """What generic means."""
        return self.structure.conditions

    @cached_property
    def spatial(self) -> tuple[Expr, ...] | Lambda:
        """The capacity of every input of the window; a function of its place where the extent is a symbol."""
        if all(extent.is_Integer for extent in self.structure.extents):
            return self.structure.spatial()
        names = "ijkl"[: len(self.structure.extents)]
        places = tuple(Symbol(name, integer=True, nonnegative=True) for name in names)
        return Lambda(places, self.structure.capacity(*places))

    def capacity(self, *index: Any) -> Expr:
        """The capacity of one input."""
        return self.structure.capacity(*index)


@checked
def capacity_allocation(
    net: Network,
    partition: Any = None,
    covariance: Any = None,
    at: Any = None,
    on: Any = None,
    *,
    output: Any = None,
    around: Any = None,
    pattern: Any = None,
    method: str | None = None,
    tolerance: float | None = None,
) -> Any:
    """Where in its input a linear network spends its parameters.

    Of the predictor ``y = w(theta)^T x`` the Jacobian ``dw/dtheta`` is read from the equations, exactly and sparsely; its rank
    is the total capacity, and the diagonal of the projector onto its columns the capacity of each input. Offsets (biases)
    do not belong to w.

    Parameters
    ----------
    net : Network
        Of layers whose equations are linear in their input. With symbolic sizes the answer is a closed form.
    partition : mapping, sequence or array of labels, optional
        Then the answer is the capacity of each cell; cells index the input's shape.
    covariance : matrix or callable, optional
        Of the inputs; a callable is a stationary kernel, a function of the lag along each axis. White by default.
    at : mapping of str to array, or int, optional
        The weights, or the seed of random ones (generic weights).
    on : shape, optional
        What enters an open network.
    output : int, tuple, array of weights, or "all", optional
        Which output; the middle one by default. ``"all"`` asks for the whole linear map: w then has the shape of the output
        followed by that of the input.
    around : array, optional
        An input; ReLU and other piecewise linear activations are replaced by the pieces in which it lies.
    pattern : array, optional
        What the softmaxes of attention layers are, a row for each query: attention with a given pattern is linear.
    method : {"numeric", "closed_form"}, optional
        By default numeric where sizes are literal and closed form elsewhere.
    tolerance : float, optional
        Of the numeric rank.

    Returns
    -------
    CapacityAllocation, ClosedFormAllocation or dict
        With ``total`` and ``spatial``; a dictionary with a partition.

    Raises
    ------
    UnsupportedError
        If a layer is not linear in its input, or no closed form is known.
    FieldError
        If `net` is no network, or another argument is impossible: an unknown method, an output that is not there, a
        covariance, partition or input of the wrong size, a tolerance outside of 0 to 1; for numbers, if a size is
        symbolic or weights are missing or unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit.

    References
    ----------
    Donier, "Capacity allocation analysis of neural networks", arXiv 1902.04485 (2019). Reconstruction.

    Examples
    --------
    >>> from layeralgebra import AvgPool, Flatten, Input, Linear, capacity_allocation
    >>> pooled = Input(1, 12) >> AvgPool(3) >> Flatten() >> Linear(1, bias=False)
    >>> found = capacity_allocation(pooled)
    >>> found.total, round(found.region((0, slice(0, 6))), 9)
    (4, 2.0)
    >>> {cell: round(value, 9) for cell, value in capacity_allocation(pooled, {"left": (0, slice(0, 3)), "rest": (0, slice(3, 12))}).items()}
    {'left': 1.0, 'rest': 3.0}
    """
    as_network(net, "la.capacity_allocation")
    if method is not None and not (isinstance(method, str) and method in METHODS):
        raise FieldError(f"a method is one of {', '.join(METHODS)}, got {shown(method)}")
    if method is None:
        method = "closed_form" if _symbolic(net, on) else "numeric"
    if method == "closed_form":
        if covariance is not None or around is not None or at is not None:
            raise UnsupportedError("a closed form is for generic weights and white inputs; give literal sizes")
        if partition is not None:
            raise UnsupportedError("a partition of a closed form: add up its capacities, or give literal sizes")
        from .recognition import recognised

        found = recognised(net, on, output)
        return ClosedFormAllocation(found.structure, net, found.domain, found.inputs)

    tape = LinearNetwork(net, on, at, around, pattern)
    jacobian = tape.jacobian(output)

    def made(system: NumberSystem) -> Any:
        return LinearNetwork(net, on, at, around, pattern, system).jacobian(output).matrix

    exact = ExactJacobian(made, jacobian.matrix.shape, _products(tape))
    numeric: CapacityAllocation = allocated(RowSource(jacobian.matrix), covariance, jacobian.grid, tolerance, exact)
    return numeric if partition is None else numeric.partition(partition)


def _products(tape: LinearNetwork) -> int:
    """How many products it takes to make the Jacobian of a tape in dense matrices."""
    inputs = tape.sizes[0]
    maps = sum(tape.sizes[step.target] * tape.sizes[step.source] * inputs for step in tape.steps)
    return maps + sum(
        tape.sizes[step.source] * tape.parameters * (inputs + moved.shape[0])
        for step in tape.steps for moved, _, _ in step.derivatives
    )  # fmt: skip


@checked
def linear_predictor(net: Network, at: Any = None, on: Any = None, *, output: Any = None, around: Any = None) -> Any:
    """The predictor of a linear network and its sparse Jacobian by the weights; see `capacity_allocation`.

    Parameters
    ----------
    net : Network
        Of layers whose equations are linear in their input.
    at : mapping of str to array, or int, optional
        The weights, or the seed of random ones.
    on : shape, optional
        What enters an open network.
    output : int, tuple, array of weights, or "all", optional
        Which output; the middle one by default.
    around : array, optional
        An input; piecewise linear activations are replaced by the pieces in which it lies.

    Returns
    -------
    Jacobian
        With ``predictor``, ``matrix``, ``grid`` and ``parameters``.

    Raises
    ------
    FieldError
        If `net` is no network, a size is symbolic, there is no such output, or weights are missing or unknown.
    ShapeError
        If nothing enters an open network, or the shape of something does not fit.
    UnsupportedError
        If a layer is not linear in its input.

    Examples
    --------
    >>> from layeralgebra import Linear, linear_predictor
    >>> found = linear_predictor(Linear(2, bias=False), {"W": [[1, 2], [3, 4]]}, (2,), output=0)
    >>> found.predictor.tolist(), found.matrix.toarray().tolist()
    ([1.0, 2.0], [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])

    References
    ----------
    Donier, "Capacity allocation analysis of neural networks", arXiv 1902.04485 (2019). Reconstruction.
    """
    return LinearNetwork(net, on, at, around, asked="la.linear_predictor").jacobian(output)


def _symbolic(net: Network, on: Any) -> bool:
    if net.free_symbols:
        return True
    return on is not None and any(size.free_symbols for flow in input_flows(on) for size in flow.shape)
