r"""Betti numbers of network graphs in closed form, for symbolic widths and depth.

The graph of a sequence of fully connected layers is connected and has no triangle, so ``beta_0 = 1``, ``beta_1 = E -
V + 1`` and nothing above. Gluing ``a -> n -> b`` along the n neurons of the middle gives ``beta_1 = beta_1' +
beta_1'' + n - 1``. With skips between all pairs of m layers, each neuron pointing to every later layer, the flag
complex is the join of the layers: ``beta_(m-1) = prod (n_i - 1)``, and nothing else but ``beta_0 = 1``.

>>> from sympy import symbols
>>> a, n, b, L = symbols("a n b L", integer=True, positive=True)
>>> perceptron_betti([3, 2])[1], perceptron_betti([2, 3, 2])[1], perceptron_betti([4, 3, 3, 2])[1]
(2, 6, 16)
>>> glued_betti(perceptron_betti([a, n])[1], perceptron_betti([n, b])[1], n).equals(perceptron_betti([a, n, b])[1])
True
>>> deep_perceptron_betti(a, n, L, b)[1].subs({a: 4, n: 3, L: 2, b: 2})
16
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Integer, Mul, sympify

from ..errors import FieldError
from ..sizes.dims import as_size

Betti = tuple[Expr, ...]


def _euler(vertices: Expr, edges: Expr) -> Betti:
    return Integer(1), edges - vertices + 1, Integer(0), Integer(0)


def perceptron_betti(widths: Sequence[Any], *, bias: bool = False) -> Betti:
    """Betti numbers 0 to 3 of a perceptron's graph.

    Parameters
    ----------
    widths : sequence of int or sympy.Expr
        Inputs first.
    bias : bool
        With a source vertex for the biases of each layer.
    """
    sizes = [as_size(width, f"width {place}") for place, width in enumerate(widths)]
    if len(sizes) < 2:
        raise FieldError("a perceptron needs at least two layers of neurons")
    edges = Add(*[one * two for one, two in zip(sizes, sizes[1:], strict=False)])
    vertices = Add(*sizes)
    if bias:
        edges, vertices = edges + Add(*sizes[1:]), vertices + len(sizes) - 1
    return _euler(vertices, edges)


def deep_perceptron_betti(inputs: Any, width: Any, depth: Any, outputs: Any, *, bias: bool = False) -> Betti:
    """Betti numbers 0 to 3 of a perceptron with so many hidden layers of one width, the number possibly symbolic."""
    a, n, b = as_size(inputs, "the inputs"), as_size(width, "the width"), as_size(outputs, "the outputs")
    count = as_size(depth, "the depth")
    edges = a * n + (count - 1) * n**2 + n * b
    vertices = a + count * n + b
    if bias:
        edges, vertices = edges + count * n + b, vertices + count + 1
    return _euler(vertices, edges)


def glued_betti(first: Any, second: Any, shared: Any) -> Expr:
    """``beta_1`` of two connected graphs without triangles, glued along so many vertices that no edge joins."""
    return sympify(first, strict=True) + sympify(second, strict=True) + as_size(shared, "the shared vertices") - 1


def joined_betti(widths: Sequence[Any]) -> Betti:
    """Betti numbers of layers with skips between all pairs: the join of discrete sets.

    Returns
    -------
    tuple of sympy.Expr
        As many as there are layers. All weights positive: a negative one turns its edge round.

    Examples
    --------
    >>> joined_betti([2, 2, 2]), joined_betti([3, 2, 4])
    ((1, 0, 1), (1, 0, 6))
    """
    sizes = [as_size(width, f"width {place}") for place, width in enumerate(widths)]
    if len(sizes) < 2:
        raise FieldError("a join needs at least two layers")
    return (Integer(1), *[Integer(0)] * (len(sizes) - 2), Mul(*[size - 1 for size in sizes]))
