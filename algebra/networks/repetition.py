"""Symbolic repetition, closed by induction over the copies.

A hypothesis for the shape that enters copy l (constant, arithmetic, affine, geometric or a floor-affine chain) is kept only if the
body provably maps it to the shape that enters copy l + 1. Where the first copy is entered by a shape that the others do not follow
from, it stands apart.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Dummy, Expr, Integer, Symbol, floor, fraction, together

from ..equations.instance import Shape
from ..errors import LayerAlgebraError, ShapeError, UnsupportedError
from ..sizes.normal_form import same, simplify
from ..sizes.summation import summation
from .carrier import Flow
from .network import Network, Repeat
from .steps import Steps


class Copies:
    """The copies of a repetition, as far as shapes go; `shape` gives the output of a network for an input."""

    def __init__(self, node: Repeat, shape: Callable[[Network, Flow], Steps[Flow]], path: str):
        self.node, self.shape, self.path = node, shape, path
        self.powers: dict[Expr, tuple[Expr, Expr]] = {}
        """Of each sum of powers: its closed form, and what it is for the next copy."""

    def body(self, index: Expr) -> Network:
        return self.node.body if self.node.index is None else self.node.body.xreplace({self.node.index: index})

    def entering(self, flow: Flow, index: Symbol, start: int) -> Steps[tuple[Network, Shape]]:
        """The body of copy `index + start` and the shape that enters it, proved by induction; see the module."""
        body = self.body(index + start)
        one = yield self.shape(self.body(Integer(start)), flow)
        if one.shape == flow.shape and self.node.index is None:
            return body, flow.shape
        two = yield self.shape(self.body(Integer(start + 1)), one)
        if not len(flow.shape) == len(one.shape) == len(two.shape):
            raise ShapeError(
                f"at {self.path}: a copy changes the number of axes from {len(flow.shape)} to {len(one.shape)}, so it cannot be repeated"
            )
        sizes = []
        for place, (a, b, c) in enumerate(zip(flow.shape, one.shape, two.shape)):
            sizes.append((yield self._hypothesis(place, a, b, c, body, flow, index)))
        entering = tuple(sizes)
        leaving = (yield self.shape(body, Flow(entering, one.channels))).shape
        after = {powers: later for powers, (_, later) in self.powers.items()}
        following = tuple(size.xreplace({index: index + 1, **after}) for size in entering)
        for given, wanted in zip(leaving, following):
            if given != wanted and same(given, wanted) is not True:
                raise self._no_closed_form(f"copy {index} turns {entering} into {leaving}")
        closed = {powers: form for powers, (form, _) in self.powers.items()}
        return body, tuple(simplify(size.xreplace(closed)) if size.has(*closed) else size for size in entering)

    def _no_closed_form(self, why: str) -> UnsupportedError:
        return UnsupportedError(
            f"at {self.path}: no closed form for the sizes along {self.node.times} copies: {why}; "
            "repeat a literal number of times, or write widths as a function of the copy with Repeat(body, L, index)"
        )

    def _hypothesis(
        self, place: int, first: Expr, second: Expr, third: Expr, body: Network, flow: Flow, index: Symbol
    ) -> Steps[Expr]:
        step = simplify(second - first)
        if step == simplify(third - second):
            return simplify(first + index * step)
        chain = yield self._chain(place, body, flow, index)
        if chain is not None:
            return chain
        ratio = simplify(second / first)
        if same(second * ratio, third) is not True:
            raise self._no_closed_form(f"copies 0 and 1 turn {first} into {second} into {third} along axis {place}")
        return first * ratio**index

    def _chain(self, place: int, body: Network, flow: Flow, index: Symbol) -> Steps[Expr | None]:
        """The size after `index` maps n -> floor((n + a)/s), by the composition law of floor-affine maps, or n -> s n + a."""
        size = Symbol(f"n_{place}", integer=True, positive=True)
        shape = (*flow.shape[:place], size, *flow.shape[place + 1 :])
        try:
            image = (yield self.shape(body, Flow(shape, flow.channels))).shape[place]
        except LayerAlgebraError:
            return None
        map_ = floor_affine(image, size)
        if map_ is not None and index not in map_[0].free_symbols | map_[1].free_symbols and map_[1] != 1:
            shift, stride = map_
            powers = self._powers(place, stride, index)
            self.powers[powers] = self.powers[powers][0], powers + stride**index
            return simplify(floor((flow.shape[place] + shift * powers) / stride**index))
        growth = image.diff(size)
        offset = simplify(image - growth * size) if not growth.has(size) and not image.has(floor) else None
        if offset is None or growth in (0, 1) or index in growth.free_symbols | offset.free_symbols:
            return None
        return simplify(flow.shape[place] * growth**index + offset * self._powers(place, growth, index))

    def _powers(self, place: int, factor: Expr, index: Symbol) -> Expr:
        """``1 + factor + ... + factor**(index - 1)``: a number to the proof, which holds for a factor of 1 too."""
        powers, power = (
            Dummy(f"powers_{place}", integer=True, nonnegative=True),
            Dummy("power", integer=True, nonnegative=True),
        )
        self.powers[powers] = summation(factor**power, power, 0, index - 1), factor * powers + 1
        return powers


def floor_affine(image: Expr, size: Symbol) -> tuple[Expr, Expr] | None:
    """(a, s) if the image is ``floor((size + a)/s)``, a member of the monoid (a, s)(b, t) = (a + b s, s t)."""
    if not image.has(size):
        return None
    floors = [part for part in image.atoms(floor) if part.has(size)]
    if len(floors) != 1:
        return None
    rest = image - floors[0]
    if rest.has(size):
        return None
    over, under = fraction(together(floors[0].args[0]))
    shift = simplify(over - size + rest * under)
    return None if shift.has(size) or under.has(size) else (shift, under)
