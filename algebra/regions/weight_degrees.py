"""The degree of a layer's values as polynomials in the learned weights, derived from its equation.

On a region where all comparisons come out alike, what a piecewise-linear layer computes is a polynomial in the weights. If what
enters is of degree ``e``, what leaves is of degree at most ``max(e + through, own)``: the largest number of learned factors on a way
from the input, and of a term that does not come from the input.

>>> from layeralgebra import BatchNorm, Linear, PReLU, ReLU
>>> weight_degrees(Linear(3).instance((2,))).leaving, weight_degrees(ReLU().instance((2,))).leaving
(Degree(through=1, own=1), Degree(through=0, own=0))
>>> weight_degrees(BatchNorm().instance((2, 4, 4))).leaving  # running statistics are numbers
Degree(through=1, own=1)
>>> weight_degrees(PReLU().instance((2,))).leaving  # the slope
Degree(through=1, own=1)
>>> Degree(1, 1).then(Degree(0, 2)), Degree(1, 1).repeated(Integer(4))
(Degree(through=1, own=2), Degree(through=4, own=4))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from typing import NoReturn

from sympy import Expr, Integer

from ..equations.functions import FUNCTIONS
from ..equations.heads import Apply, Constant, Head, Pad, Plus, Read, Reduce, Softmax, Times, unknown_head
from ..equations.instance import Instance
from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative

_ZERO = Integer(0)


def _larger(one: Expr, other: Expr) -> Expr:
    """The larger of two degrees; their sum, which is above both, where that is not decided."""
    if one == other or is_nonnegative(one - other) is True:
        return one
    return other if is_nonnegative(other - one) is True else one + other


@dataclass(frozen=True)
class Degree:
    """A bound on a degree in the weights: ``max(e + through, own)`` where what enters is of degree ``e``.

    Parameters
    ----------
    through : int, sympy.Expr or None
        Learned factors from the input on; None for what does not come from the input.
    own : int or sympy.Expr
    """

    through: Expr | None = _ZERO
    own: Expr = _ZERO

    def __post_init__(self) -> None:
        if self.through is not None:
            object.__setattr__(self, "through", self.through + _ZERO)
        object.__setattr__(self, "own", self.own + _ZERO)

    def beside(self, other: Degree) -> Degree:
        """Of a sum, or of values of which either may be meant."""
        ways = [way for way in (self.through, other.through) if way is not None]
        return Degree(reduce(_larger, ways) if ways else None, _larger(self.own, other.own))

    def more(self, by: Expr) -> Degree:
        """Times something of this degree that does not come from the input."""
        return Degree(None if self.through is None else self.through + by, self.own + by)

    def then(self, after: Degree) -> Degree:
        """What follows, from where this one is from."""
        if after.through is None:
            return after
        through = None if self.through is None else self.through + after.through
        return Degree(through, _larger(self.own + after.through, after.own))

    def repeated(self, times: Expr) -> Degree:
        """So many copies, one or more, one after the other: from the second on what enters is above `own`."""
        if self.through is None:
            return self
        return Degree(self.through * times, self.own + self.through * (times - 1))

    def at_input(self) -> Expr:
        """The degree itself, where data enter."""
        return self.own if self.through is None else _larger(self.through, self.own)


NUMBER, WEIGHT, INPUT = Degree(None, 0), Degree(None, 1), Degree(0, 0)

# Whether it is known from the comparisons so far if a value is positive, and it is never negative.
NEVER, AS_INPUT, ALWAYS = range(3)


@dataclass(frozen=True)
class LayerDegrees:
    """What the equation of a layer says of degrees.

    Attributes
    ----------
    leaving : Degree
    compared : Degree
        Of all that is compared.
    comparisons : int
        The most polynomials that tell on which piece one unit is, where learned numbers stand between its bends.
    settled : int
        Whether the comparisons tell where the output is positive: `NEVER`, `AS_INPUT` or `ALWAYS`.
    entering, step : Degree, optional
        Of what enters a recurrence, and from one of its turns to the next.
    """

    leaving: Degree
    compared: Degree
    comparisons: int
    settled: int
    entering: Degree = INPUT
    step: Degree = INPUT
    step_compared: Degree = INPUT


@dataclass(frozen=True)
class _Value:
    """A head: its degree, the alternatives among its pieces that are no constants and that are, and the comparisons behind it."""

    degree: Degree
    settled: int = NEVER
    polynomials: int = 1
    constants: int = 0
    learned: bool = False
    behind: frozenset[tuple[object, int]] = frozenset()

    @property
    def is_number(self) -> bool:
        return self.degree == NUMBER

    @property
    def is_known_before(self) -> bool:
        """Whether it does not come from the input."""
        return self.degree.through is None


@lru_cache(maxsize=20_000)
def weight_degrees(instance: Instance, surrogate: str | None = None) -> LayerDegrees:
    """The degrees of a layer at its input sizes.

    Parameters
    ----------
    instance : Instance
    surrogate : str, optional
        If there is one, functions that are no polynomials are of the degree of what they are of, and of factors that depend on the
        input all but one are held fixed.

    Raises
    ------
    UnsupportedError
        If the value is no polynomial in the weights on the regions of the input.
    """
    return _Reader(instance, surrogate).run()


class _Reader:
    def __init__(self, instance: Instance, surrogate: str | None):
        self.instance, self.surrogate = instance, surrogate
        start = {"input": _Value(INPUT, AS_INPUT), "weight": _Value(WEIGHT, learned=True), "buffer": _Value(NUMBER)}
        self.known = {name: start[role] for name, role in instance.roles.items() if role in start}
        self.compared, self.comparisons, self.place = NUMBER, 1, 0
        self.entering, self.step, self.step_compared = INPUT, INPUT, INPUT

    def run(self) -> LayerDegrees:
        instance = self.instance
        for first, last, recurrence in instance.order:
            if recurrence is None:
                self._statement(first)
            else:
                if len(recurrence.running) > 1:
                    recurrence.one_way(f"{instance.layer}: the degree in the weights")
                self._recurrence(first, last, recurrence.running[0])
        made = self.known[instance.root]
        return LayerDegrees(
            made.degree, self.compared, self.comparisons, made.settled, self.entering, self.step, self.step_compared
        )

    def _statement(self, place: int) -> None:
        self.place, statement = place, self.instance.statements[place]
        if statement.scatters:
            self._refuse("a lookup on the left")
        self.known[statement.target] = self.value(statement.value)

    def _recurrence(self, first: int, last: int, running: Index) -> None:
        """States of several turns: each turn adds what it adds to the degree of all that came before."""
        inside = range(first, last + 1)
        targets = {self.instance.statements[place].target for place in inside}
        outside = dict(self.known)
        before, self.compared = self.compared, NUMBER
        for name, value in outside.items():  # whatever has come in so far, states among it
            if not value.is_known_before:
                self.known[name] = _Value(INPUT)
        for target in targets:
            self.known[target] = _Value(INPUT)
        for place in inside:
            self._statement(place)
        step = reduce(Degree.beside, (self.known[target].degree for target in targets)).beside(INPUT)
        arriving = (value.degree for value in outside.values() if not value.is_known_before)
        entering = reduce(Degree.beside, arriving, NUMBER)
        steps = max((self.instance.extents[place].get(running, _ZERO) for place in inside), key=str)
        through = entering.then(step.repeated(steps))
        self.entering = entering if entering.through is not None else INPUT
        self.step, self.step_compared = step, self.compared
        self.compared = before.beside(through.then(self.compared))
        self.known.update(outside)
        for target in targets:
            self.known[target] = _Value(through)

    # heads -----------------------------------------------------------------------------------------------------------

    def value(self, head: Head) -> _Value:
        if isinstance(head, Constant):
            sign = ALWAYS if head.value.is_nonnegative else NEVER
            return _Value(NUMBER, sign, 0, 1)
        if isinstance(head, Read):
            return self._read(head)
        if isinstance(head, Plus):
            return self._sum([self.value(term) for term in head.terms])
        if isinstance(head, Times):
            return self._product([self.value(factor) for factor in head.factors])
        if isinstance(head, Apply):
            return self._apply(head)
        if isinstance(head, Reduce):
            return self._reduce(head)
        if isinstance(head, Softmax):
            return self._no_polynomial("a softmax", [self.value(head.body)])
        if isinstance(head, Pad):
            parts = [self.value(head.body), self.value(head.fill)]
            return _Value(parts[0].degree.beside(parts[1].degree), min(part.settled for part in parts))
        raise unknown_head(head, "given a degree in the weights")

    def _read(self, head: Read) -> _Value:
        for part in head.address:
            if isinstance(part, Read) and not self.value(part).is_number and self.value(part).degree != INPUT:
                self._no_polynomial("a lookup", [self.value(part)])
        return self.known[head.tensor]

    def _sum(self, terms: Sequence[_Value]) -> _Value:
        return reduce(self._added, terms)

    def _added(self, one: _Value, other: _Value) -> _Value:
        polynomials, constants = _both(one, other)
        return _Value(
            one.degree.beside(other.degree), min(one.settled, other.settled), polynomials, constants,
            one.learned or other.learned, one.behind | other.behind,
        )  # fmt: skip

    def _product(self, factors: Sequence[_Value]) -> _Value:
        """Degrees add; of factors that come from the input there is one, or a surrogate holds all but one fixed."""
        made = reduce(self._added, factors)
        coming = [factor.degree for factor in factors if not factor.is_known_before]
        by = sum((factor.degree.own for factor in factors if factor.is_known_before), _ZERO)
        if len(coming) > 1 and self.surrogate is None:
            self._refuse("a product of two tensors that depend on the input")
        return replace(made, degree=reduce(Degree.beside, coming).more(by) if coming else Degree(None, by))

    def _apply(self, head: Apply) -> _Value:
        arguments = [self.value(argument) for argument in head.arguments]
        if head.function == "power" and isinstance(head.arguments[1], Constant):
            exponent = head.arguments[1].value
            if exponent.is_Integer and exponent >= 1:
                return arguments[0] if exponent == 1 else self._power(arguments[0], exponent)
        if head.function == "divide" and arguments[1].is_number:
            return replace(arguments[0], settled=NEVER)
        if FUNCTIONS[head.function].slopes is None:
            return self._no_polynomial(f"{head.function}(...)", arguments)
        if head.function in ("relu", "abs"):
            zero = _Value(NUMBER, ALWAYS, 0, 1)
            made = self._larger_of((arguments[0], zero), (head.arguments[0], Constant(_ZERO)))
            return replace(made, settled=ALWAYS if head.function == "relu" else NEVER)
        made = self._larger_of(arguments, head.arguments)
        if head.function == "max" and Constant(_ZERO) in head.arguments:
            return replace(made, settled=ALWAYS)
        return replace(made, settled=min(value.settled for value in arguments))

    def _power(self, base: _Value, exponent: Expr) -> _Value:
        if not base.is_known_before and self.surrogate is None:
            self._refuse("a power of a tensor that depends on the input")
        return _Value(base.degree if not base.is_known_before else Degree(None, base.degree.own * exponent))

    def _larger_of(self, arguments: Sequence[_Value], heads: Sequence[Head]) -> _Value:
        """One of two values, which of them is told by the sign of their difference on each pair of pieces."""
        one, other = arguments
        degree = one.degree.beside(other.degree)
        if degree == NUMBER:
            return _Value(NUMBER, min(one.settled, other.settled))
        if degree.through is None and self.surrogate is None:
            self._refuse("a comparison of learned numbers")
        self.compared = self.compared.beside(degree)
        pairs = _both(one, other)[0]
        behind = one.behind | other.behind | {(frozenset(heads), pairs)}
        learned = one.learned or other.learned
        if learned:
            self.comparisons = max(self.comparisons, sum(count for _, count in behind))
        return _Value(
            degree, NEVER, one.polynomials + other.polynomials, one.constants + other.constants, learned, behind
        )

    def _reduce(self, head: Reduce) -> _Value:
        body = self.value(head.body)
        if head.operation in ("sum", "mean"):
            return _Value(body.degree, body.settled)
        if head.operation in ("max", "min"):
            if body.is_known_before and not body.is_number and self.surrogate is None:
                self._refuse("a comparison of learned numbers")
            self.compared = self.compared.beside(body.degree)
            return _Value(body.degree, body.settled)
        if body.is_number:
            return _Value(NUMBER)
        if not body.is_known_before:
            return self._no_polynomial("a product over an index", [body])
        extents = self.instance.extents[self.place]
        return _Value(Degree(None, reduce(lambda size, index: size * extents[index], head.indices, body.degree.own)))

    def _no_polynomial(self, what: str, arguments: Sequence[_Value]) -> _Value:
        if all(argument.is_number for argument in arguments):
            return _Value(NUMBER)
        if self.surrogate is None:
            self._refuse(what)
        degree = reduce(Degree.beside, (argument.degree for argument in arguments))
        self.compared = self.compared.beside(degree)
        return _Value(degree)

    def _refuse(self, what: str) -> NoReturn:
        statement, layer = self.instance.statements[self.place], self.instance.layer
        line = layer.parsed.text.splitlines()[statement.number - 1].strip()
        raise UnsupportedError(
            f"the degree of {layer} in its weights: {what} is no polynomial in the weights\n  in: {line}\n"
            "  write instead: surrogate='relu', 'hard_tanh' or 'affine', for a figure that is no bound"
        )


def _both(one: _Value, other: _Value) -> tuple[int, int]:
    """Pairs of pieces: those that depend on the weights or the input, and those of constants."""
    constants = one.constants * other.constants
    return (one.polynomials + one.constants) * (other.polynomials + other.constants) - constants, constants


__all__ = ["ALWAYS", "AS_INPUT", "INPUT", "NEVER", "Degree", "LayerDegrees", "weight_degrees"]
