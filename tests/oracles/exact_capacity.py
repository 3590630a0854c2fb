"""Rank and leverage of a linear network, from what its equations mean by enumeration, in fractions.

A layer whose weights enter its equation once each is ``M(theta) = M_0 + sum_k theta_k D_k``: the enumerated outputs at unit
vectors, with one weight set to one, give D_k. Products and sums of these matrices and their derivatives give the
Jacobian of the predictor; elimination in fractions gives its rank. Nothing is shared with the engine but the text of the
layers. Leverage scores under a covariance are those of an eigendecomposition with 60 digits.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np

from layeralgebra import Add, Concat, Layer, Repeat, Series
from layeralgebra.proofs.samples.meanings import meaning


class Linear:
    """The matrix of a network at given weights, and its derivatives by each of them: ``rows x inputs`` in fractions."""

    def __init__(self, net, shape, weights):
        self.weights = weights
        self.shape, self.matrix, self.derivatives = self._of(net, tuple(shape), "")

    def _of(self, net, shape, path):
        if isinstance(net, Layer):
            return self._leaf(net, shape, path)
        if isinstance(net, (Series, Repeat)):
            parts = net.parts if isinstance(net, Series) else [net.copy(number) for number in range(int(net.times))]
            matrix, derivatives = _identity(shape), {}
            for place, part in enumerate(parts):
                shape, own, new = self._of(part, shape, _under(path, place))
                derivatives = {name: _product(own, one) for name, one in derivatives.items()}
                derivatives |= {name: _product(one, matrix) for name, one in new.items()}
                matrix = _product(own, matrix)
            return shape, matrix, derivatives
        found = [self._of(branch, shape, _under(path, place)) for place, branch in enumerate(net.branches)]
        if isinstance(net, Add):
            derivatives = {name: one for _, _, new in found for name, one in new.items()}
            return found[0][0], sum(matrix for _, matrix, _ in found), derivatives
        assert isinstance(net, Concat)
        rows = [np.prod(part[0]) for part in found]
        derivatives = {}
        for place, (_, _, new) in enumerate(found):
            for name, one in new.items():
                padded = np.full((sum(rows), one.shape[1]), Fraction(0), dtype=object)
                padded[sum(rows[:place]) : sum(rows[: place + 1])] = one
                derivatives[name] = padded
        channels = sum(part[0][0] for part in found)
        return (channels, *found[0][0][1:]), np.vstack([matrix for _, matrix, _ in found]), derivatives

    def _leaf(self, layer, shape, path):
        if layer.is_identity:
            return shape, _identity(shape), {}
        meant = meaning(layer, (shape,))
        zero = {name: np.zeros(size, dtype=int).astype(object) for name, size in meant.weights.items()}
        (name,) = layer.input_names
        start, output = _matrix(meant, name, shape, zero)
        matrix, derivatives = start, {}
        for weight, size in meant.weights.items():
            for place in product(*map(range, size)):
                one = {**zero, weight: zero[weight].copy()}
                one[weight][place] = 1
                moved = _matrix(meant, name, shape, one)[0] - start
                full = _under(path, weight)
                derivatives[full, place] = moved
                value = np.asarray(self.weights[full], dtype=object)[place]
                matrix = matrix + moved * Fraction(value)
        return output, matrix, derivatives

    def jacobian(self, output=None):
        """The Jacobian of the predictor of one output, the middle one unless its place is given; a row for each input."""
        if output is None:
            output = tuple((extent - 1) // 2 for extent in self.shape)
        row = int(np.ravel_multi_index(output, self.shape))
        columns = [one[row] for one in self.derivatives.values()]
        return np.array(columns, dtype=object).reshape(len(columns), self.matrix.shape[1]).T


def _under(path, name):
    return f"{path}.{name}" if path else str(name)


def _identity(shape):
    size = int(np.prod(shape))
    made = np.full((size, size), Fraction(0), dtype=object)
    made[np.arange(size), np.arange(size)] = Fraction(1)
    return made


def _product(left, right):
    """The product of two matrices of fractions, most of whose entries are zero."""
    rows = {place: [(column, value) for column, value in enumerate(row) if value] for place, row in enumerate(right)}
    made = np.full((left.shape[0], right.shape[1]), Fraction(0), dtype=object)
    for place, inner in zip(*np.nonzero(left), strict=True):
        for column, value in rows[inner]:
            made[place, column] += left[place, inner] * value
    return made


def _matrix(meant, name, shape, weights):
    """The linear part of a layer: a column for each input."""
    none = np.zeros(shape, dtype=int).astype(object)
    start = meant.run({name: none, **weights})
    places = sorted(start)
    columns = []
    for place in product(*map(range, shape)):
        unit = none.copy()
        unit[place] = 1
        found = meant.run({name: unit, **weights})
        columns.append([Fraction(found[where]) - Fraction(start[where]) for where in places])
    return np.array(columns, dtype=object).T, meant.output


def independent_columns(matrix):
    """The places of columns that span all, by elimination in fractions."""
    rows = [[Fraction(value) for value in row] for row in matrix.tolist()]
    pivots, height = [], 0
    for column in range(matrix.shape[1]):
        found = next((place for place in range(height, len(rows)) if rows[place][column]), None)
        if found is None:
            continue
        rows[height], rows[found] = rows[found], rows[height]
        for place in range(height + 1, len(rows)):
            factor = rows[place][column] / rows[height][column]
            if factor:
                rows[place] = [a - factor * b for a, b in zip(rows[place], rows[height], strict=True)]
        pivots.append(column)
        height += 1
        if height == len(rows):
            break
    return pivots


def exact_rank(jacobian, covariance=None):
    """The rank of ``Gamma^(1/2) J``."""
    return len(independent_columns(jacobian if covariance is None else _exact(covariance) @ jacobian))


def _exact(matrix):
    made = np.empty(np.shape(matrix), dtype=object)
    for place, value in np.ndenumerate(np.asarray(matrix, dtype=object)):
        made[place] = Fraction(value)
    return made


def exact_leverage(jacobian, covariance=None):
    """The diagonal of the projector onto the columns of ``Gamma^(1/2) J``, as floats."""
    with mpmath.workdps(60):
        size = len(jacobian)
        root = mpmath.eye(size)
        whole = jacobian if covariance is None else _exact(covariance) @ jacobian
        columns = jacobian[:, independent_columns(whole)]
        if covariance is not None:
            values, vectors = mpmath.eigsy(
                mpmath.matrix([[_mpf(v) for v in row] for row in _exact(covariance).tolist()])
            )
            root = vectors * mpmath.diag([mpmath.sqrt(max(value, 0)) for value in values]) * vectors.T
        block = root * mpmath.matrix([[_mpf(v) for v in row] for row in columns.tolist()])
        if columns.shape[1] == 0:
            return np.zeros(size)
        projector = block * mpmath.inverse(block.T * block) * block.T
        return np.array([float(projector[place, place]) for place in range(size)])


def _mpf(value):
    value = Fraction(value)
    return mpmath.mpf(value.numerator) / mpmath.mpf(value.denominator)
