r"""Capacity propagation through convolutions, as Laurent polynomials with symbolic taps.

A convolution hands capacity from a position to the positions around it, with the shares ``q_i = w_i^2 / (b^2 +
||w||^2)`` of a random walk. Its generating function is ``q(z) = sum_i q_i z^i``; layers in series multiply them, with
z replaced by ``z^s`` behind a stride s; ``q(1) < 1`` if a bias leaks; derivatives at 1 are moments.

>>> from sympy import symbols
>>> a, b, z = symbols("a b z", positive=True)
>>> walk = KernelWalk.from_taps([a, b, a])
>>> walk.generating_function(z)
a**2*z/(2*a**2 + b**2) + a**2/(z*(2*a**2 + b**2)) + b**2/(2*a**2 + b**2)
>>> walk.mean(), walk.variance()
(0, 2*a**2/(2*a**2 + b**2))
>>> (walk >> walk).variance().equals(2 * walk.variance())
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from sympy import Add, Expr, Integer, Mul

from ...arguments import shown
from ...errors import BudgetError, DomainError, FieldError, ShapeError
from .spread import Spread
from .transitions import SOURCE, _cancelled, _entry

Offset = tuple[Expr, ...]
MOST_TAPS = 10_000


class KernelWalk:
    """The random walk of capacity through a layer that is the same at all positions.

    Attributes
    ----------
    shares : mapping from offset to sympy.Expr
        Offsets are tuples, an entry for each axis; integers, or expressions such as ``alpha * i`` for a symbolic
        dilation.
    strength : sympy.Expr
        The variance of an output for inputs of unit variance, which branches that are added are weighted by.
    jump : tuple of sympy.Expr
        The stride along each axis.
    gain : sympy.Expr
        The part of the strength that inputs bring, and not biases. In series gains multiply.
    """

    kind = "surrogate"
    source = SOURCE

    def __init__(self, shares: Mapping[Any, Any], strength: Any = 1, jump: Any = None, gain: Any = None):
        if not shares:
            raise FieldError("a walk needs at least one offset")
        self.shares: dict[Offset, Expr] = {}
        for offset, share in shares.items():
            key = tuple(_entry(part) for part in (offset if isinstance(offset, tuple) else (offset,)))
            self.shares[key] = _cancelled(self.shares.get(key, Integer(0)) + _entry(share))
        ranks = {len(offset) for offset in self.shares}
        if len(ranks) != 1:
            raise ShapeError("all offsets of a walk need the same number of axes")
        (self.rank,) = ranks
        self.strength = _entry(strength)
        self._gain = None if gain is None else _entry(gain)
        steps = (1,) * self.rank if jump is None else (jump if isinstance(jump, tuple) else (jump,) * self.rank)
        self.jump = tuple(_entry(step) for step in steps)
        if len(self.jump) != self.rank:
            raise ShapeError(f"a walk along {self.rank} axes needs as many strides, got {len(self.jump)}")

    @classmethod
    def from_taps(
        cls, taps: Any, *, bias: Any = 0, origin: Any = None, dilation: Any = 1, stride: Any = 1
    ) -> KernelWalk:
        """The walk of a convolution.

        Parameters
        ----------
        taps : nested sequence
            One level for each axis.
        bias : number or sympy.Expr
        origin : int or tuple, optional
            The tap at offset zero; the middle one by default, the left of two.
        dilation, stride : int, sympy.Expr or tuple

        Raises
        ------
        DomainError
            If taps and bias are all zero.
        """
        weights = _flatten(taps)
        rank = len(next(iter(weights)))
        sizes = [1 + max(place[axis] for place in weights) for axis in range(rank)]
        if origin is None:
            origin = tuple((size - 1) // 2 for size in sizes)
        origin = origin if isinstance(origin, tuple) else (origin,) * rank
        dilation = dilation if isinstance(dilation, tuple) else (dilation,) * rank
        total = Add(_entry(bias) ** 2, *[weight**2 for weight in weights.values()])
        if total.is_zero:
            raise DomainError("a kernel without weights and bias hands on nothing")
        shares = {
            tuple(
                (tap - start) * _entry(step) for tap, start, step in zip(place, origin, dilation, strict=True)
            ): weight**2 / total
            for place, weight in weights.items()
            if not weight.is_zero
        }
        if not shares:
            shares = {(Integer(0),) * rank: Integer(0)}
        return cls(shares, total, stride)

    @classmethod
    def still(cls, rank: int = 1) -> KernelWalk:
        """The identity: capacity stays where it is."""
        return cls({(0,) * rank: 1})

    @property
    def gain(self) -> Expr:
        return _cancelled(self.strength * self.mass) if self._gain is None else self._gain

    @property
    def mass(self) -> Expr:
        """The share that does not leak into the bias, ``q(1)``."""
        return _cancelled(Add(*self.shares.values()))

    def generating_function(self, *variables: Expr) -> Expr:
        """``sum_i q_i z^i``, a variable for each axis."""
        if len(variables) != self.rank:
            raise ShapeError(f"a walk along {self.rank} axes needs as many variables, got {len(variables)}")
        return Add(
            *[
                share * Mul(*[variable**part for variable, part in zip(variables, offset, strict=True)])
                for offset, share in self.shares.items()
            ]
        )

    def moment(self, order: int, axis: int = 0) -> Expr:
        """``sum_i i^n q_i``, not divided by the mass."""
        return _cancelled(Add(*[offset[axis] ** order * share for offset, share in self.shares.items()]))

    def mean(self, axis: int = 0) -> Expr:
        """The mean offset of what does not leak."""
        return _cancelled(self.moment(1, axis) / self.mass)

    def variance(self, axis: int = 0) -> Expr:
        """The variance of the offset of what does not leak."""
        return _cancelled(self.moment(2, axis) / self.mass - self.mean(axis) ** 2)

    def spread(self, axis: int = 0) -> Spread:
        """Mean, variance, jump and mass along an axis, to be composed at symbolic depth."""
        return Spread(self.mean(axis), self.variance(axis), self.jump[axis], self.mass)

    def __rshift__(self, following: KernelWalk) -> KernelWalk:
        """In series; the second walk steps by the strides of the first."""
        if not isinstance(following, KernelWalk):
            return NotImplemented
        if self.rank != following.rank:
            raise ShapeError(f"walks along {self.rank} and {following.rank} axes do not compose")
        shares: dict[Offset, list[Expr]] = {}
        for (near, one), (far, two) in product(self.shares.items(), following.shares.items()):
            place = tuple(a + step * b for a, b, step in zip(near, far, self.jump, strict=True))
            shares.setdefault(place, []).append(one * two)
        jump = tuple(a * b for a, b in zip(self.jump, following.jump, strict=True))
        # What the second walk makes of the variance of the first: its gain of that, and its own biases.
        strength = following.gain * self.strength + following.strength - following.gain
        made = {place: Add(*terms) for place, terms in shares.items()}
        return KernelWalk(made, _cancelled(strength), jump, _cancelled(self.gain * following.gain))

    def __add__(self, other: KernelWalk) -> KernelWalk:
        """Branches of one input, added: a mixture in proportion to their strengths."""
        if not isinstance(other, KernelWalk):
            return NotImplemented
        if self.rank != other.rank or self.jump != other.jump:
            raise ShapeError(f"branches with strides {self.jump} and {other.jump} do not meet at the same positions")
        total = self.strength + other.strength
        shares: dict[Offset, Expr] = {}
        for walk in (self, other):
            for place, share in walk.shares.items():
                shares[place] = shares.get(place, Integer(0)) + walk.strength * share / total
        return KernelWalk(shares, total, self.jump, self.gain + other.gain)

    def scaled(self, factor: Any) -> KernelWalk:
        """Multiplied by a number."""
        square = _entry(factor) ** 2
        return KernelWalk(self.shares, square * self.strength, self.jump, square * self.gain)

    def residual(self, scale: Any = 1) -> KernelWalk:
        """The block ``x + scale * f(conv x)``: ``(1 + scale^2 s q(z)) / (1 + scale^2 s)``."""
        return KernelWalk.still(self.rank) + self.scaled(scale)

    def power(self, count: int) -> KernelWalk:
        """So many copies in series. For a symbolic number take ``spread().power(L)``."""
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise FieldError(
                f"a number of copies is an integer, got {shown(count)}; write walk.spread().power(L) for symbols"
            )
        result = KernelWalk.still(self.rank)
        for _ in range(count):
            result = result >> self
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KernelWalk):
            return NotImplemented
        mine = {place: share for place, share in self.shares.items() if share != 0}
        yours = {place: share for place, share in other.shares.items() if share != 0}
        return mine == yours and self.jump == other.jump

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"KernelWalk({len(self.shares)} offsets, jump {self.jump})"


def _flatten(taps: Any) -> dict[tuple[int, ...], Expr]:
    if hasattr(taps, "tolist"):
        taps = taps.tolist()
    if not isinstance(taps, Sequence) or isinstance(taps, (str, bytes)):
        return {(): _entry(taps)}
    if not taps:
        raise FieldError("a kernel needs at least one tap")
    if len(taps) > MOST_TAPS:
        raise BudgetError(f"a kernel of more than {MOST_TAPS} taps along an axis")
    found = {}
    parts = [_flatten(inner) for inner in taps]
    for place, part in enumerate(parts):
        for rest, weight in part.items():
            found[(place, *rest)] = weight
    inside = [len(part) for part in parts]
    if len({len(place) for place in found}) != 1 or len(set(inside)) != 1:
        raise FieldError("a kernel is nested evenly, one level for each axis")
    return found
