"""Numbers: a network applied to arrays, read straight from the equations of its layers.

This is the oracle for everything else, not a fast way to compute: NumPy only, one example at a time.

>>> from layeralgebra import Conv, run
>>> sums = Conv(1, 3, padding=1, bias=False)
>>> run(sums, [[1, 2, 3, 4]], {"W": [[[[1, 1, 1]]]]})       # integers stay integers
array([[3, 6, 9, 7]])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy
from sympy import Rational

from ..arguments import checked
from ..equations.instance import Instance
from ..errors import LayerAlgebraError
from ..networks.layer import Layer
from ..networks.network import Join, Network, as_network
from .arrays import as_numbers, as_result, is_exact, of_one_kind
from .copies import Arrived, Scope, Unrolled, at_literal_sizes, input_count_error, inputs_of
from .layer_run import compute
from .weights import Inventory, drawn, fitting, inventory, weights

if TYPE_CHECKING:
    from numpy import ndarray

__all__ = ["run", "weights"]


class _Numbers(Unrolled):
    """The walk that computes."""

    def __init__(self, given: Sequence[Arrived], needed: Inventory, tensors: Mapping[str, "ndarray"]):
        super().__init__(given)
        self.needed, self.tensors = needed, tensors

    def computed(self, layer: Layer, instance: Instance, arrived: Sequence[Arrived], scope: Scope) -> Any:
        own = dict(zip(layer.input_names, (part.values for part in arrived)))
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = self.tensors[self.needed.names[scope.path, name]].reshape(shape)
        try:
            return compute(instance, own)
        except LayerAlgebraError as error:
            if scope.path:
                raise type(error)(f"at {scope.path}: {error}") from None
            raise

    def combined(self, node: Join, arrived: Sequence[Arrived], axis: int | None) -> "ndarray":
        arrays = of_one_kind([part.values for part in arrived])
        if axis is not None:
            return numpy.concatenate(arrays, axis=axis)
        joined: ndarray = node.combine(arrays, _fraction if is_exact(arrays[0]) else float)
        return joined


def _fraction(number: Rational) -> Fraction:
    return Fraction(int(number.p), int(number.q))


@checked
def run(net: Network, x: Any, weights: Mapping[str, Any] | None = None, *, seed: int = 0) -> Any:
    """The output of a network for one example, computed from the equations of its layers.

    Integers and fractions stay exact as long as the equations add, multiply, divide, compare or take powers of them; a
    root or a transcendental function gives floats, and so do weights that are floats.

    Parameters
    ----------
    net : Network
        Without symbols, except in the shape of its `Input`, which the arrays decide.
    x : array
        One example, without a batch; a list of arrays for a network with several inputs (or none), in the order in
        which they are written.
    weights : mapping of str to array, optional
        As `la.weights` names them; random ones, if left out.
    seed : int
        For random weights.

    Returns
    -------
    numpy.ndarray, or a mapping of names to them for a network of several outputs
        Of floats, of 64-bit integers, or of Python's integers and fractions where a value is none of these.

    Raises
    ------
    FieldError
        If a size is symbolic, or weights are missing or unknown.
    ShapeError
        If shapes do not fit; the message has the equation and both sides.
    DomainError
        If a value leaves what the equation can read, such as a word outside of the vocabulary.
    GraphError
        If the network takes another number of inputs.

    Examples
    --------
    >>> from layeralgebra import AvgPool, Identity, Linear, ReLU, run
    >>> run(AvgPool(2), [[1, 2, 3, 4]])
    array([[Fraction(3, 2), Fraction(7, 2)]], dtype=object)
    >>> run(Identity() + (Linear(2) >> ReLU()), [1, -1], {"1.0.W": [[1, 0], [0, 1]], "1.0.b": [0, 5]})
    array([2, 3])
    """
    network = as_network(net, "la.run")
    count = inputs_of(network)
    if count == 1:
        arrays = [as_numbers(x, "x")]
    else:
        if not isinstance(x, (list, tuple)) or len(x) != count:
            raise input_count_error(network, f"{len(x)}" if isinstance(x, (list, tuple)) else type(x).__name__)
        arrays = [as_numbers(array, f"x[{place}]") for place, array in enumerate(x)]
    network, shapes = at_literal_sizes(network, [array.shape for array in arrays])
    needed = inventory(network, shapes)
    tensors = drawn(needed.slots.values(), seed) if weights is None else fitting(needed.slots, weights)
    given = [Arrived(shape, None, array) for shape, array in zip(shapes, arrays)]
    found = _Numbers(given, needed, tensors).walk(network)
    if network.several:
        return {name: as_result(one.values) for name, one in zip(network.several, found)}
    return as_result(found.values)
