r"""The generic functional dimension of ReLU perceptrons: in how many directions their parameters move the function.

Scaling a hidden unit's inputs up and its outputs down changes nothing, so the dimension is at most W minus the number
of hidden units, W being the number of weights and biases. From below it is bounded by the rank of the Jacobian of the
outputs at any inputs, for any parameters; at random integer parameters and inputs that rank is computed without
rounding (which units are active by exact integers, the rank modulo a prime). Where the two meet, the dimension is
proved.

>>> found = functional_dimension([2, 3, 1])
>>> found.lower, found.upper, found.proved
(10, 10, True)

References
----------
Grigsby, J. E., Lindsey, K., Meyerhoff, R., Wu, C. (2022). Functional dimension of feedforward ReLU neural networks.
arXiv:2209.04036.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import checked, shown
from ...errors import BudgetError, FieldError
from ...records import dataclass
from ...sizes.dims import as_size
from ..arguments import whole
from ..column_spaces.finite_field import PRIME, rank_modulo

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARAMETERS = 3000
TRIALS = 10_000
ENTRIES = 4 * PARAMETERS**2  # of a Jacobian, whose elements are held as integers of Python


@dataclass(frozen=True)
class FunctionalDimension:
    """What is known of a generic functional dimension.

    Attributes
    ----------
    lower : int
        A rank found: the dimension is at least this, for an open set of parameters.
    upper : int
        ``parameters - hidden``.
    parameters, hidden : int
    """

    lower: int
    upper: int
    parameters: int
    hidden: int

    source = "Grigsby, Lindsey, Meyerhoff, Wu 2022, arXiv:2209.04036"

    @property
    def proved(self) -> bool:
        return self.lower == self.upper

    @property
    def kind(self) -> str:
        return "exact" if self.proved else "lower"


@checked
def functional_dimension(
    widths: Sequence[int], *, bias: bool = True, trials: int = 4, seed: int = 0, samples: int | None = None
) -> FunctionalDimension:
    """The generic functional dimension of a ReLU perceptron, from below and from above.

    Parameters
    ----------
    widths : sequence of int
        Inputs first, outputs last; all layers but the last have a ReLU.
    bias : bool
        Whether the layers have biases.
    trials : int
        How many random parameters are tried, at most; the best counts.
    seed : int
    samples : int, optional
        Inputs for each trial; by default four for every parameter.

    Returns
    -------
    FunctionalDimension
        With ``lower``, ``upper``, ``parameters`` and ``hidden``.

    Raises
    ------
    BudgetError
        For more than 3000 parameters.
    FieldError
        If there are fewer than two widths, one is no size of at least 1, or a number of trials, of samples or a seed is
        none.

    Notes
    -----
    Some parameters have a lower dimension than generic ones (a unit that is never active brings nothing), and some
    architectures reach the upper bound on a small set of parameters only: then more trials help, and `kind` says
    ``lower``.

    Examples
    --------
    >>> from layeralgebra import functional_dimension
    >>> functional_dimension([2, 3, 1])
    FunctionalDimension(lower=10, upper=10, parameters=13, hidden=3)

    References
    ----------
    Grigsby, Lindsey, Meyerhoff and Wu, "Functional dimension of feedforward ReLU neural networks",
    arXiv 2209.04036 (2022).
    """
    sizes = _widths(widths)
    trials = whole(trials, "trials of la.functional_dimension", 1)
    seed = whole(seed, "seed of la.functional_dimension", 0)
    samples = None if samples is None else whole(samples, "samples of la.functional_dimension", 1)
    if not isinstance(bias, (bool, np.bool_)):
        raise FieldError(f"bias of la.functional_dimension is True or False, got {shown(bias)}")
    if len(sizes) < 2:
        raise FieldError("a perceptron needs at least inputs and outputs, such as [2, 3, 1]")
    pairs = list(zip(sizes, sizes[1:], strict=False))
    parameters = sum((fan_in + bias) * fan_out for fan_in, fan_out in pairs)
    if parameters > PARAMETERS:
        raise BudgetError(f"{parameters} parameters pass the limit of {PARAMETERS} for an exact rank")
    hidden = sum(sizes[1:-1])
    upper = parameters - hidden
    count = 4 * parameters if samples is None else samples
    if count * sizes[-1] * parameters > ENTRIES:
        raise BudgetError(
            f"a Jacobian of {count} inputs with {sizes[-1]} outputs by {parameters} parameters passes the limit of {ENTRIES} "
            "entries for an exact rank; give samples= a smaller number"
        )
    if trials > TRIALS:
        raise BudgetError(f"{trials} trials pass the limit of {TRIALS}")
    draw = np.random.default_rng(seed)
    best = 0
    for _ in range(trials):
        weights, offsets = _parameters(draw, pairs, bias)
        points = draw.integers(-1000, 1001, (count, sizes[0])).astype(object)
        jacobian = _jacobian(weights, offsets, points, bias)
        if len(jacobian):
            best = max(best, rank_modulo(jacobian))
        if best == upper:
            break
    return FunctionalDimension(best, upper, parameters, hidden)


def _widths(given: Any) -> list[int]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise FieldError(f"widths are a sequence of sizes, inputs first, such as [2, 3, 1]; got {shown(given)}")
    sizes = [as_size(width, f"width {place}") for place, width in enumerate(given)]
    if any(not size.is_Integer for size in sizes):
        raise FieldError(f"the rank of a perceptron is found at literal widths, got {', '.join(map(str, sizes))}")
    return [int(size) for size in sizes]


def _parameters(draw: Any, pairs: list[tuple[int, int]], bias: bool) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Random integers; a hidden unit's bend is put through a random point, so that it lies among the inputs."""
    weights: list[NDArray[Any]] = []
    offsets: list[NDArray[Any]] = []
    for fan_in, fan_out in pairs:
        matrix = draw.integers(-50, 51, (fan_out, fan_in)).astype(object)
        matrix[matrix == 0] = 1
        offset = np.zeros(fan_out, dtype=object)
        if bias:
            for unit in range(fan_out):
                # Each unit bends near the image of a point of its own.
                inside = draw.integers(-700, 701, pairs[0][0]).astype(object)
                for earlier, shift in zip(weights, offsets, strict=True):
                    inside = np.maximum(earlier @ inside + shift, 0)
                offset[unit] = -(matrix[unit] @ inside) + int(draw.integers(-50, 51))
        weights.append(matrix)
        offsets.append(offset)
    return weights, offsets


def _jacobian(weights: list[Any], offsets: list[Any], points: NDArray[Any], bias: bool) -> NDArray[Any]:
    """Derivatives of all outputs by all parameters at all points, modulo the prime; a row for each output and point."""
    values, masks = [points], []
    smooth = np.ones(len(points), dtype=bool)
    for place, (matrix, offset) in enumerate(zip(weights, offsets, strict=True)):
        before = values[-1] @ matrix.T + offset
        if place < len(weights) - 1:
            smooth &= np.all(before != 0, axis=1)
            masks.append(before > 0)
            values.append(np.where(before > 0, before, 0))
    # A point on a bend has no derivative; the others have the same pattern for all parameters nearby.
    values, masks = [value[smooth] for value in values], [mask[smooth] for mask in masks]
    points = values[0]
    outputs = weights[-1].shape[0]
    count = len(points)
    # back[s, o, j]: the derivative of output o by unit j of the layer at hand, before its ReLU.
    back = np.broadcast_to(np.eye(outputs, dtype=object), (count, outputs, outputs))
    blocks = []
    for place in reversed(range(len(weights))):
        inputs = values[place] % PRIME
        by_weights = back[:, :, :, None] * inputs[:, None, None, :] % PRIME
        blocks.append(by_weights.reshape(count * outputs, inputs.shape[1] * back.shape[2]))
        if bias:
            blocks.append(back.reshape(count * outputs, back.shape[2]))
        if place:
            back = back @ (weights[place] % PRIME) % PRIME * masks[place - 1][:, None, :]
    return np.hstack(blocks).astype(np.int64)
