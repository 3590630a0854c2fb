"""What every import is checked against: the shape that the framework recorded for each operation, and the tensors that it stores."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from sympy import And, Expr, Integer, Symbol, true
from sympy.logic.boolalg import Boolean

from ...algebra.errors import LayerAlgebraError, UnsupportedError
from ...algebra.metrics.parameters import WeightCarrier
from ...algebra.networks.evaluator import evaluate_step
from ...algebra.networks.network import Network
from ...algebra.sizes.normal_form import same

Shape = tuple[Expr, ...]

POINTS = 20
"""So many sizes are tried where it is not decided whether two shapes are the same."""
LARGEST = 640


class Steps:
    """What layers make of shapes, asked once each; `stated` is what holds of the sizes that enter the model."""

    def __init__(self) -> None:
        self.stated: list[Boolean] = []
        self._known: dict[tuple[Network, tuple[Shape, ...]], tuple[Shape, Expr, list[Boolean]]] = {}

    def made(self, layer: Network, shapes: Sequence[Shape]) -> tuple[Shape, Expr]:
        """The shape that a layer or a join makes of those that arrive, and the number of its learned parameters."""
        shape, parameters, _ = self._made(layer, shapes)
        return shape, parameters

    def _made(self, layer: Network, shapes: Sequence[Shape]) -> tuple[Shape, Expr, list[Boolean]]:
        """The same with what the layer needs of the sizes."""
        asked = layer, tuple(shapes)
        if asked not in self._known:
            shape, weights, needed = evaluate_step(layer, shapes, WeightCarrier())
            self._known[asked] = shape, weights.total, needed
        return self._known[asked]

    def checked(self, layer: Network, shapes: Sequence[Shape], recorded: Shape, label: str) -> Expr:
        """The parameters of a layer, whose output must have the shape that the framework recorded."""
        try:
            shape, parameters, needed = self._made(layer, shapes)
        except LayerAlgebraError as error:
            raise UnsupportedError(
                f"{label} is read as {layer}, which does not take {_text(shapes)}: {error}"
            ) from error
        if not self.agree(shape, recorded, needed):
            raise UnsupportedError(
                f"{label} is read as {layer}, which makes {_text([shape])} of {_text(shapes)}, but the framework recorded "
                f"{_text([recorded])}\n  write instead: operators={{...}} with a rule of your own for this operator"
            )
        return parameters

    def agree(self, one: Shape, two: Shape, needed: Sequence[Boolean] = ()) -> bool:
        """Whether two shapes are the same wherever what is stated of the sizes, or needed, holds; at sample sizes, where it is not decided."""
        if len(one) != len(two):
            return False
        return all(self._equal(first, second, [*self.stated, *needed]) for first, second in zip(one, two))

    def _equal(self, first: Expr, second: Expr, given: Sequence[Boolean]) -> bool:
        if first == second:
            return True
        known = same(first, second)
        if known is not None and (known or not given):
            return known
        tried = [
            first.xreplace(point) == second.xreplace(point)
            for point in _points(first.free_symbols | second.free_symbols, given)
        ]
        return bool(tried) and all(tried)


def _points(symbols: set[Symbol], given: Sequence[Boolean]) -> Iterator[dict[Expr, Expr]]:
    """Sizes at which relations hold, drawn alike in every run: multiples of a step, now and then all the same."""
    names = sorted(symbols.union(*(relation.free_symbols for relation in given)), key=str)
    drawn, found = random.Random(f"{names}"), 0
    for _ in range(200 * POINTS):
        step = 2 ** drawn.randint(0, 6)
        sizes = [Integer(step * drawn.randint(1, LARGEST // step)) for _ in names]
        point: dict[Expr, Expr] = dict(zip(names, sizes[:1] * len(names) if drawn.random() < 0.2 else sizes))
        if And(*given).xreplace(point) == true:
            yield point
            found += 1
        if found == POINTS:
            return


def _text(shapes: Sequence[Shape]) -> str:
    return ", ".join(f"({', '.join(map(str, shape))})" for shape in shapes) or "no input"
