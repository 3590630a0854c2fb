r"""Second moments along a branch: by how much each branch of a sum weighs.

In the totally decoupled limit the weights of a layer are of random signs, independent of everything before them. So the
second moment of what leaves it is ``sum_i w_i^2 v_i + b^2``, v_i being those of what enters; an activation f makes
``E f(sqrt(v) z)^2`` of it, z standard normal, for a sum of weighted inputs is normal in the limit of many. What leaves a
branch weighs in a sum by its second moment, hence by the gains of all its layers. What enters a branch is taken to be
standard normal. Where a second moment depends on more (on how the largest of a window is distributed, on running
statistics), it is unknown, with the reason; that matters in sums alone.

>>> from sympy import Rational, Symbol, Max
>>> x = Symbol("x", real=True)
>>> first, second = Weighted(("0.W",), lambda v: Rational(1, 4) * v), Weighted(("2.W",), lambda v: 3 * v, Rational(1, 8))
>>> leaving([first, Applied(Max(0, x)), second]).moment
1/2
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import Add, Expr, Float, Integer, Rational, Symbol, gamma, pi, sqrt

from ...errors import DomainError, UnsupportedError
from ...records import dataclass
from ..scaling.gaussian_integrals import gaussian_mean, pieces

VARIABLE = Symbol("x", real=True)
"""The variable of the functions that signals are."""

_ONE = Integer(1)


@dataclass(frozen=True)
class Signal:
    """What is known of the numbers at a place of a network: ``function(sqrt(scale) z)``, z standard normal.

    Attributes
    ----------
    moment : Expr or array
        The second moment, of all numbers or of each.
    passed : Expr or array
        The part of it that the input of the branch brings; the rest comes from biases.
    scale : Expr or array
    function : Expr or None
        None if the numbers are not known to be such a function.
    unknown : str
        Why the second moment is not known, if it is not.
    small : Symbol or None
        A symbol that goes to zero: second moments that it brings are known to leading order.
    """

    moment: Any = _ONE
    passed: Any = _ONE
    scale: Any = _ONE
    function: Expr | None = VARIABLE
    unknown: str = ""
    small: Symbol | None = None

    @property
    def centred(self) -> bool:
        """Whether the mean is known to be zero."""
        return self.function is not None and bool((self.function + self.function.subs(VARIABLE, -VARIABLE)).is_zero)


class Stage:
    """One step of a branch."""

    def after(self, signal: Signal) -> Signal:
        """What the step makes of a signal."""
        raise NotImplementedError

    def weights(self) -> Iterator[str]:
        """The names of the weights in it."""
        return iter(())

    def sources(self) -> frozenset[str]:
        """What its randomness comes from: its weights, those that are shared under their common name."""
        return frozenset(self.weights())


@dataclass(frozen=True)
class Weighted(Stage):
    """A layer with weights of random signs: ``brought(v)`` and the squared bias.

    Attributes
    ----------
    names : tuple of str
        Of its weights, first those that multiply.
    brought : callable
        The second moment that the weights bring, from that of the input.
    offset : Expr, array or callable
        The squared bias; or a function of what the weights would bring.
    statistics : bool
        Whether it divides by running statistics, which follow what enters.
    """

    names: tuple[str, ...]
    brought: Callable[[Any], Any]
    offset: Any = Integer(0)
    statistics: bool = False
    shared: str = ""

    def after(self, signal: Signal) -> Signal:
        if signal.unknown:
            return signal
        if self.statistics and signal.small is not None and signal.moment.has(signal.small):
            return replace(
                signal,
                unknown="running statistics follow the weights before them, so these do not act by their own size; "
                'scale the weights behind them only, as in scaled="last"',
            )
        offset = self.offset(signal.moment) if callable(self.offset) else self.offset
        moment = self.brought(signal.moment) + offset
        return replace(signal, moment=moment, passed=self.brought(signal.passed), scale=moment, function=VARIABLE)

    def weights(self) -> Iterator[str]:
        return iter(self.names)

    def sources(self) -> frozenset[str]:
        return frozenset([f"shared {self.shared}"] if self.shared else self.names)


@dataclass(frozen=True)
class Applied(Stage):
    """An activation, as an expression of `VARIABLE`."""

    function: Expr

    def after(self, signal: Signal) -> Signal:
        if signal.unknown:
            return signal
        if signal.function is None:
            if not _homogeneous(self.function):
                return replace(signal, unknown=_AFTER_A_SUM)
            slopes = {abs(part.coeff(VARIABLE)) for _, _, part in pieces(self.function, VARIABLE)}
            if len(slopes) > 1:
                return replace(signal, unknown=_AFTER_A_SUM)
            factor = slopes.pop() ** 2
            return replace(signal, moment=factor * signal.moment, passed=factor * signal.passed)
        composed = self.function.subs(VARIABLE, signal.function)
        try:
            energies = _each(signal.scale, lambda scale: _energy(composed, scale, signal.small))
        except UnsupportedError as problem:
            return replace(signal, unknown=str(problem))
        moment = _each(energies, lambda pair: pair[0])
        moving = _each(energies, lambda pair: pair[1])
        return replace(signal, moment=moment, passed=signal.passed / signal.moment * moving, function=composed)


_AFTER_A_SUM = "the activation of a sum depends on how what is added is distributed"


@dataclass(frozen=True)
class Averaged(Stage):
    """A layer without weights that is linear, such as an average: ``brought(v)``, and whether it only moves numbers."""

    brought: Callable[[Any], Any]
    moves: bool = False

    def after(self, signal: Signal) -> Signal:
        if signal.unknown:
            return signal
        moment, passed = self.brought(signal.moment), self.brought(signal.passed)
        if self.moves:
            return replace(signal, moment=moment, passed=passed, scale=self.brought(signal.scale))
        if not signal.centred:
            return replace(
                signal, unknown="the average of numbers whose mean is not zero depends on how they go together"
            )
        normal = signal.function == VARIABLE
        return replace(signal, moment=moment, passed=passed, scale=moment, function=VARIABLE if normal else None)


@dataclass(frozen=True)
class Unknown(Stage):
    """A layer of which nothing is known here, with the reason."""

    reason: str
    names: tuple[str, ...] = ()
    shared: str = ""

    def after(self, signal: Signal) -> Signal:
        return signal if signal.unknown else replace(signal, unknown=self.reason)

    def weights(self) -> Iterator[str]:
        return iter(self.names)

    def sources(self) -> frozenset[str]:
        return frozenset([f"shared {self.shared}"] if self.shared else self.names)


@dataclass(frozen=True)
class Joined(Stage):
    """Branches that are added, each with a coefficient; or put side by side, each with its portion of the numbers."""

    branches: tuple[tuple[Stage, ...], ...]
    join: Callable[[Sequence[Any]], Any]
    stacked: bool = False

    def after(self, signal: Signal) -> Signal:
        if signal.unknown:
            return signal
        found = [leaving(branch, signal) for branch in self.branches]
        for each in found:
            if each.unknown:
                return each
        moment, passed = self.join([each.moment for each in found]), self.join([each.passed for each in found])
        same = {each.function for each in found}
        normal = same == {VARIABLE} or (self.stacked and len(same) == 1 and len({str(e.scale) for e in found}) == 1)
        function = same.pop() if normal else None
        scale = moment if function == VARIABLE else found[0].scale
        return replace(signal, moment=moment, passed=passed, scale=scale, function=function)

    def weights(self) -> Iterator[str]:
        for branch in self.branches:
            yield from all_weights(branch)

    def sources(self) -> frozenset[str]:
        return frozenset().union(*(all_sources(branch) for branch in self.branches))


@dataclass(frozen=True)
class Copies(Stage):
    """A number of copies in series, possibly symbolic."""

    body: tuple[Stage, ...]
    times: Expr

    def after(self, signal: Signal) -> Signal:
        if signal.unknown:
            return signal
        # From the second copy on all must do the same: then gains are a power.
        states = [signal]
        for _ in range(3):
            states.append(leaving(self.body, states[-1]))
            if states[-1].unknown:
                return states[-1]
        _, once, twice, thrice = states
        (first, kept), (gain, share), (again, _) = (_change(one, two) for one, two in zip(states, states[1:]))
        same = first == gain and once.function == signal.function
        if (
            again != gain
            or not once.function == twice.function == thrice.function
            or not (same or self.times.is_positive)
        ):
            return replace(signal, unknown=f"{self.times} copies of these layers have no common gain")
        factor = gain ** (self.times - 1)
        return replace(
            once,
            moment=signal.moment * first * factor,
            passed=signal.passed * first * kept * factor * share ** (self.times - 1),
            scale=once.scale * factor,
        )

    def weights(self) -> Iterator[str]:
        return all_weights(self.body)

    def sources(self) -> frozenset[str]:
        return all_sources(self.body)


@dataclass(eq=False)
class Place(Stage):
    """A node of a graph: everything between the entry of the graph and what leaves the node.

    Nodes are evaluated in their order, each once for one signal at the entry, however many paths lead to it.
    """

    stages: tuple[Stage, ...]
    places: list[Place]
    found: tuple[Signal, Signal] | None = None

    def __post_init__(self) -> None:
        self.number = len(self.places)
        self.places.append(self)
        self.origin = all_sources(self.stages)

    def after(self, signal: Signal) -> Signal:
        for place in self.places[: self.number + 1]:
            if place.found is None or place.found[0] is not signal:
                place.found = (signal, leaving(place.stages, signal))
        assert self.found is not None
        return self.found[1]

    def weights(self) -> Iterator[str]:
        return iter(sorted(self.origin))

    def sources(self) -> frozenset[str]:
        return self.origin


def leaving(stages: Iterable[Stage], signal: Signal | None = None) -> Signal:
    """What leaves a branch, from what enters it: by default standard normal numbers."""
    found = Signal() if signal is None else signal
    for stage in stages:
        found = stage.after(found)
    return found


def all_weights(stages: Iterable[Stage]) -> Iterator[str]:
    """The names of all weights of a branch."""
    for stage in stages:
        yield from stage.weights()


def all_sources(stages: Iterable[Stage]) -> frozenset[str]:
    """What the randomness of a branch comes from."""
    return frozenset().union(*(stage.sources() for stage in stages))


def called(stage: Stage, name: str) -> Stage:
    """A step of a shared part: its weights under the name that all of its places have in common."""
    if isinstance(stage, (Weighted, Unknown)):
        return replace(stage, shared=name)
    if isinstance(stage, Joined):
        return replace(stage, branches=tuple(tuple(called(s, name) for s in branch) for branch in stage.branches))
    if isinstance(stage, Copies):
        return replace(stage, body=tuple(called(s, name) for s in stage.body))
    return stage


def independent(terms: Sequence[tuple[Expr, Any]]) -> list[tuple[Expr, Any]]:
    """The terms of a sum, those that are one and the same put together: pairs of a coefficient and a value with stages.

    Raises
    ------
    UnsupportedError
        If two of them come from the same weights, or from none: such branches are not independent.
    DomainError
        If all of them cancel.
    """
    kept: list[tuple[Expr, Any]] = []
    for factor, value in terms:
        for place, (other, one) in enumerate(kept):
            if one.same_as(value):
                kept[place] = (other + factor, one)
                break
        else:
            kept.append((factor, value))
    kept = [(factor, value) for factor, value in kept if factor != 0]
    if not kept:
        raise DomainError("the branches of a sum cancel: nothing is left of them to propagate capacity through")
    seen: dict[frozenset[str], int] = {}
    for _, value in kept:
        origin = all_sources(value.stages)
        if origin in seen:
            come = "learn nothing" if not origin else f"learn the same weights ({', '.join(sorted(origin))})"
            raise UnsupportedError(
                f"two branches of a sum {come}, so they are not independent and their sum is no mixture; write them as "
                "one layer, or give each weights of its own"
            )
        seen[origin] = 1
    return kept


def known(signals: Sequence[Signal]) -> None:
    """Refuse a sum in which it is not known how much a branch weighs."""
    for signal in signals:
        if signal.unknown and len(signals) > 1:
            raise UnsupportedError(f"how much a branch of this sum weighs is not known: {signal.unknown}")


def outermost(stages: Sequence[Stage], *, last: bool) -> list[tuple[str, ...]]:
    """The names of the weights of the first or last layer that has some, of each branch of the last or first join."""
    for stage in reversed(stages) if last else stages:
        if isinstance(stage, Joined):
            found = [names for branch in stage.branches for names in outermost(branch, last=last)]
        elif isinstance(stage, Copies):
            found = outermost(stage.body, last=last)
        else:
            found = [tuple(stage.weights())]
        found = [names for names in found if names]
        if found:
            return found
    return []


def _change(before: Signal, after: Signal) -> tuple[Expr, Expr]:
    """By what the second moment is multiplied, and the share of it that the input brings."""
    gain = (after.moment / before.moment).cancel()
    return gain, ((after.passed / before.passed) / gain).cancel()


def _each(values: Any, function: Callable[[Any], Any]) -> Any:
    """A function of one number, or of each in an array."""
    if not isinstance(values, np.ndarray):
        return function(values)
    known: dict[Any, Any] = {}
    found = np.empty(len(values), dtype=object)
    for place, value in enumerate(values.tolist()):
        if value not in known:
            known[value] = function(value)
        found[place] = known[value]
    return found.astype(float) if values.dtype.kind == "f" and not isinstance(found[0], tuple) else found


def _homogeneous(function: Expr) -> bool:
    try:
        parts = pieces(function, VARIABLE)
    except UnsupportedError:
        return False
    bends = {place for low, high, _ in parts for place in (low, high)} - {parts[0][0], parts[-1][1]}
    return bends <= {Integer(0)} and all(not (part / VARIABLE).cancel().has(VARIABLE) for _, _, part in parts)


def _energy(function: Expr, scale: Any, small: Symbol | None) -> tuple[Any, Any]:
    """``E f(sqrt(v) z)^2``, and the part of it that moves with the input."""
    if _homogeneous(function):
        found = gaussian_mean(function**2, VARIABLE)
        made = (float(found) if isinstance(scale, float) else found) * scale
        return made, made
    if isinstance(scale, Expr) and small is not None and scale.has(small):
        return _near_zero(function, scale)
    if not isinstance(scale, Expr) or scale.is_number:
        found = _at_scale(function, scale)
        return found, found
    raise UnsupportedError(
        f"the second moment behind {function} is no multiple of the one before, and that one, {scale}, is no number"
    )


def _at_scale(function: Expr, scale: Any) -> Any:
    square = function.subs(VARIABLE, sqrt(scale) * VARIABLE) ** 2
    if isinstance(scale, Expr):
        try:
            return gaussian_mean(square, VARIABLE)
        except UnsupportedError:
            pass
    import mpmath
    from sympy import exp, lambdify

    density = lambdify(VARIABLE, square * exp(-(VARIABLE**2) / 2) / sqrt(2 * pi), "mpmath")
    found = mpmath.quad(density, [-12, -8, -4, -2, -1, 0, 1, 2, 4, 8, 12])
    return Float(str(found)) if isinstance(scale, Expr) else float(found)


def _near_zero(function: Expr, scale: Expr) -> tuple[Expr, Expr]:
    """To leading order in the scale: the constant ``f(0)``, and one power on either side of zero."""
    constant = function.subs(VARIABLE, 0)
    moving: list[Expr] = []
    try:
        parts = pieces(function, VARIABLE)
    except UnsupportedError:
        parts = [(-_ONE, _ONE, function)]
    for side in (1, -1):
        (part,) = [p for low, high, p in parts if (low <= 0 < high if side > 0 else low < 0 <= high)]
        order, slope = 0, Integer(0)
        while slope.is_zero and order < 8:
            order += 1
            slope = part.diff(VARIABLE, order).subs(VARIABLE, 0)
        if slope.is_zero:
            moving.append(Integer(0))
            continue
        if not slope.is_finite:
            raise UnsupportedError(f"{function} has no power series on either side of zero")
        # E z^2p over half of the line, times the square of the coefficient.
        half = Integer(2) ** order * gamma(order + Rational(1, 2)) / sqrt(pi) / 2
        moving.append((slope / gamma(order + 1)) ** 2 * half * scale**order)
    total = Add(*moving)
    if total.is_zero:
        raise UnsupportedError(f"{function} is constant near zero, so nothing goes through it once weights are small")
    return constant**2 + total, total
