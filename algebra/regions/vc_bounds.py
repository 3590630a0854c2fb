"""Bounds on the VC dimension of networks of piecewise-linear units, from one pass over the layers.

Layer ``i`` of ``L`` has ``k_i`` units with ``p`` breakpoints; ``W_i`` parameters lie in layers ``1..i``, ``W`` in
all. On a region of the weights where all units before stand still, what layer ``i`` compares is a polynomial in the weights, of
degree ``d_i``: in a plain network ``d_i = i``, and more where a layer has several learned factors. The proof counts signs of
polynomials by their degrees, so that ``d_i`` stands wherever the paper has ``i``.
The explicit bounds need six sums only, and these form a monoid under composition, so that depth may be a symbol
(`LayerSums`).

>>> levels = [(3, 9), (1, 4)]                     # widths 2-3-1: units and parameters of each layer
>>> round(explicit_upper(levels).evalf(), 2), implicit_upper(levels)
(178.37, 169)
>>> a, b, c = (LayerSums.of_layer(k, w) for k, w in ((3, 9), (5, 20), (1, 6)))
>>> (a @ b) @ c == a @ (b @ c), a @ LayerSums.empty() == a, a ** 3 == a @ a @ a
(True, True, True)

The bounds are those of Bartlett, Harvey, Liaw & Mehrabian, Nearly-tight VC-dimension and pseudodimension bounds for
piecewise linear neural networks, Journal of Machine Learning Research 20, 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import E, Expr, Gt, Integer, false, log
from sympy.logic.boolalg import Boolean

from ..errors import BudgetError, DomainError, FieldError, UnsupportedError
from ..formulas.log2_enclosure import Enclosure, log2_enclosure, log2_of_e
from ..records import dataclass
from ..sizes.dims import as_size

SOURCE = (
    "Bartlett, Harvey, Liaw & Mehrabian, Nearly-tight VC-dimension and pseudodimension bounds for piecewise "
    "linear neural networks, 2019"
)
KINDS = {"explicit": "upper", "implicit": "upper", "lower": "lower"}
LOWER_CONSTANT = 640  # the theorem's constant C

# Enclosures are refined from 64 binary places until they separate, which for numbers of n bits takes about n places.
_MOST_PLACES = 1 << 14


#: Units and parameters of a layer, and the degree of what it compares, which is its number where it is left out.
Layer = tuple[Any, Any] | tuple[Any, Any, Any]


def _with_degrees(levels: Iterable[Layer]) -> list[tuple[Any, Any, Any]]:
    return [(level[0], level[1], level[2] if len(level) == 3 else place) for place, level in enumerate(levels, start=1)]


@dataclass(frozen=True)
class LayerSums:
    """What the explicit bounds need to know of a stack of layers; composes with ``@`` (first, then) and ``**``.

    Parameters
    ----------
    depth : sympy.Expr
        ``L``.
    parameters : sympy.Expr
        ``W``.
    prefix_sum : sympy.Expr
        ``sum_i W_i``; the effective depth is ``Lbar = prefix_sum / W``.
    units : sympy.Expr
        ``sum_i k_i``.
    weighted_units : sympy.Expr
        ``R = sum_i d_i k_i``.
    degree : sympy.Expr
        ``d_L``, what is added to the degrees of all layers that follow.
    """

    depth: Expr
    parameters: Expr
    prefix_sum: Expr
    units: Expr
    weighted_units: Expr
    degree: Expr

    @classmethod
    def empty(cls) -> LayerSums:
        """No layer: the identity."""
        return cls(*[Integer(0)] * 6)

    @classmethod
    def of_layer(cls, units: Any, parameters: Any, gain: Any = 1) -> LayerSums:
        """One layer; `gain` is by how much its degree is above that of the layer before."""
        k, w = as_size(units, "units", least=0), as_size(parameters, "parameters", least=0)
        return cls(Integer(1), w, w, k, k * gain, Integer(0) + gain)

    @classmethod
    def of_gain(cls, gain: Any) -> LayerSums:
        """No layer, but what follows has so much more degree."""
        return replace(cls.empty(), degree=Integer(0) + gain)

    @classmethod
    def of_levels(cls, levels: Iterable[Layer]) -> LayerSums:
        """A stack of ``(units, parameters)`` or ``(units, parameters, degree)``, first layer first."""
        state = cls.empty()
        for units, parameters, degree in _with_degrees(levels):
            state = state @ cls.of_layer(units, parameters, degree - state.degree)
        return state

    def __matmul__(self, then: LayerSums) -> LayerSums:
        return LayerSums(
            self.depth + then.depth,
            self.parameters + then.parameters,
            self.prefix_sum + then.prefix_sum + then.depth * self.parameters,
            self.units + then.units,
            self.weighted_units + then.weighted_units + self.degree * then.units,
            self.degree + then.degree,
        )

    def __pow__(self, times: Any) -> LayerSums:
        times = as_size(times, "times", least=0)
        pairs = times * (times - 1) / 2
        return LayerSums(
            self.depth * times,
            self.parameters * times,
            self.prefix_sum * times + self.depth * self.parameters * pairs,
            self.units * times,
            self.weighted_units * times + self.degree * self.units * pairs,
            self.degree * times,
        )


def beside(*stacks: Sequence[tuple[Any, Any]]) -> list[tuple[Expr, Expr]]:
    """Parallel stacks of ``(units, parameters)``, joined level by level; the shorter ones end early.

    Examples
    --------
    >>> beside([(3, 9), (1, 4)], [(2, 5)])
    [(5, 14), (1, 4)]
    """
    joined: list[tuple[Expr, Expr]] = []
    for level in range(max(map(len, stacks), default=0)):
        rows = [stack[level] for stack in stacks if level < len(stack)]
        joined.append(
            (
                sum((as_size(k, "units", least=0) for k, _ in rows), Integer(0)),
                sum((as_size(w, "parameters", least=0) for _, w in rows), Integer(0)),
            )
        )
    return joined


def _sums(layers: LayerSums | Iterable[Layer]) -> LayerSums:
    return layers if isinstance(layers, LayerSums) else LayerSums.of_levels(layers)


def explicit_upper(layers: LayerSums | Iterable[Layer], breakpoints: Any = 1) -> Expr:
    """``L + Lbar W log2(4 e p R log2(2 e p R))``; kind: upper, for more than two units.

    Parameters
    ----------
    layers : LayerSums or iterable of (units, parameters) or (units, parameters, degree)
    breakpoints : int or sympy.Expr
        ``p``, the most of any unit.

    Returns
    -------
    sympy.Expr

    Examples
    --------
    >>> from sympy import symbols
    >>> n, L = symbols("n L", integer=True, positive=True)
    >>> hidden = LayerSums.of_layer(n, n**2 + n) ** L
    >>> (hidden.depth, hidden.units), round(explicit_upper(hidden).subs({n: 20, L: 3}).evalf(), 1)
    ((L, L*n), 34210.7)
    """
    state, p = _sums(layers), as_size(breakpoints, "breakpoints")
    if false in explicit_conditions(state):
        raise DomainError(
            f"the explicit VC bound is stated for more than two units, got {state.units}; "
            "bound='implicit' has no such condition"
        )
    inside = 2 * E * p * state.weighted_units
    return state.depth + state.prefix_sum * log(2 * inside * log(inside) / log(2)) / log(2)


def explicit_conditions(layers: LayerSums | Iterable[Layer]) -> tuple[Boolean]:
    """More than two units, for which the explicit bound is stated."""
    return (Gt(_sums(layers).units, 2),)


def lower(layers: LayerSums | Iterable[Layer]) -> Expr:
    """``W L log2(W/L) / 640``: some ReLU network with at most so many parameters and layers reaches it; kind: lower.

    Not a statement about the network at hand.

    Raises
    ------
    DomainError
        Where a condition of the theorem, `lower_conditions`, is known to fail.

    Examples
    --------
    >>> lower([(1000, 10**9)] * 1000)
    1562500000000*log(1000000000)/log(2)
    """
    state = _sums(layers)
    if false in lower_conditions(state):
        raise DomainError(
            f"the lower VC bound is stated for W > {LOWER_CONSTANT} L parameters and L > {LOWER_CONSTANT} layers, and here are W = "
            f"{state.parameters}, L = {state.depth}; bound='implicit' is an upper bound for all sizes"
        )
    return state.parameters * state.depth * log(state.parameters / state.depth) / (LOWER_CONSTANT * log(2))


def lower_conditions(layers: LayerSums | Iterable[Layer]) -> tuple[Boolean, Boolean]:
    """``W > C L`` and ``L > C`` for the constant of `lower`: the theorem is stated for ``W > C L > C^2``."""
    state = _sums(layers)
    return Gt(state.parameters, LOWER_CONSTANT * state.depth), Gt(state.depth, LOWER_CONSTANT)


def implicit_upper(levels: Iterable[Layer], breakpoints: Any = 1) -> int:
    """The largest ``m`` with ``m <= sum_i [1 + W_i log2(2 e m k_i p d_i / W_i)]``; kind: upper.

    The right side minus the left is concave in ``m``, and positive at ``m = 3/2 sum_i W_i``, since there each logarithm
    is at least ``log2(3 e) > 3/2``. Above, the sign changes once: the search is by integers, and every comparison is
    decided by enclosures that are refined until they separate. Tighter than the explicit bound.

    Parameters
    ----------
    levels : iterable of (units, parameters) or (units, parameters, degree)
        First layer first, as numbers; ``d_i = i`` where the degree is left out.
    breakpoints : int
        ``p``.

    Returns
    -------
    int

    Raises
    ------
    UnsupportedError
        If a size is a symbol: the bound has no closed form.

    Examples
    --------
    >>> implicit_upper([(20, 220), (20, 420), (1, 21)])
    16571
    """
    rows, p = _numbers(levels), as_size(breakpoints, "breakpoints")
    if not p.is_Integer:
        raise UnsupportedError(
            f"the implicit VC bound for {p} breakpoints; it needs a number, bound='explicit' takes symbols"
        )
    depth, total = len(rows), sum(w for _, w, _ in rows)
    if total == 0:
        return depth
    constants: dict[int, Enclosure] = {}

    def holds(m: int) -> bool:
        places = 64
        while places <= _MOST_PLACES:
            if places not in constants:
                constants[places] = _constant(rows, int(p), places)
            right = constants[places] + log2_enclosure(m, places).times(total)
            if right.lower >= m - depth:
                return True
            if right.upper < m - depth:
                return False
            places *= 2
        raise BudgetError(f"comparing m = {m} with the implicit VC bound needs more than {_MOST_PLACES} binary places")

    low = -(-total * 3 // 2)
    if not holds(low):
        raise DomainError(f"the implicit VC bound fails at m = {low}; are the levels {rows[:5]} layers of units?")
    high = 2 * low
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _numbers(levels: Iterable[Layer]) -> list[tuple[int, int, int]]:
    """(units, parameters so far, degree) of every level; those before the first parameter add nothing but their 1."""
    rows, so_far = [], Integer(0)
    for level, (units, parameters, degree) in enumerate(_with_degrees(levels), start=1):
        d = as_size(degree, "degree")
        k, w = as_size(units, "units", least=0), as_size(parameters, "parameters", least=0)
        so_far += w
        if not (k.is_Integer and so_far.is_Integer and d.is_Integer):
            raise UnsupportedError(
                f"the implicit VC bound of symbolic sizes (layer {level}: {k}, {w}) "
                "has no closed form; substitute numbers, or use bound='explicit'"
            )
        if k == 0:
            raise FieldError(f"layer {level} has no unit; count its parameters with the next layer that has")
        rows.append((int(k), int(so_far), int(d)))
    if not rows:
        raise FieldError("the VC dimension of no layer; give one (units, parameters) or more")
    return rows


def _constant(rows: list[tuple[int, int, int]], p: int, places: int) -> Enclosure:
    """sum_i W_i log2(2 e k_i p d_i / W_i)."""
    total = sum(w for _, w, _ in rows)
    result = (log2_of_e(places) + Enclosure.exactly(1)).times(total)
    for k, w, degree in rows:
        if w:
            result = result + log2_enclosure(Fraction(k * p * degree, w), places).times(w)
    return result
