"""Exact rational arithmetic on places of a program: an integer numerator over a positive denominator.

Numbers are brought to a common denominator while the program is written, so that what runs is integer arithmetic; a
symbolic denominator stays a product of places and is divided by once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm
from typing import Any

from ...errors import UnsupportedError
from ...records import dataclass
from .divisibility import always_divides
from .functions import ratio
from .program import Program

MAX_COMMON = 4  # more different symbolic denominators than this are not brought to a common one

Conditions = frozenset[int]
NONE: Conditions = frozenset()


@dataclass(frozen=True)
class Fraction:
    """An integer over a positive integer: ``numerator / (denominator * product of places**power)``."""

    numerator: int
    denominator: int = 1
    factors: tuple[tuple[int, int], ...] = ()
    valid: Conditions = NONE

    @property
    def is_undivided(self) -> bool:
        return self.denominator == 1 and not self.factors


@dataclass(frozen=True)
class Real:
    """A float."""

    place: int
    valid: Conditions = NONE


@dataclass(frozen=True)
class Truth:
    """A truth value."""

    place: int
    valid: Conditions = NONE


Value = Fraction | Real | Truth


class Writer:
    """Writes arithmetic into a program."""

    def __init__(self) -> None:
        self.program = Program()

    # -- integers ------------------------------------------------------------------------------------------------

    def scaled(self, place: int, factors: Sequence[tuple[int, int]], coefficient: int = 1) -> int:
        """The product of a place, powers of others, and a number."""
        if not factors and coefficient == 1:
            return place
        program = self.program
        parts: list[int] = []
        for part in [place, *(self.raised(base, power) for base, power in factors)]:
            op = program.ops[part]
            if op == "const":
                coefficient *= program.values[part]
            elif op == "mul":
                coefficient *= program.values[part]
                parts.extend(program.args[part])
            else:
                parts.append(part)
        if not parts or not coefficient:
            return program.const(coefficient)
        if len(parts) == 1 and coefficient == 1:
            return parts[0]
        return program.op("mul", sorted(parts), coefficient)

    def raised(self, base: int, power: int) -> int:
        if power == 1:
            return base
        if power == 2:
            return self.program.op("square", (base,))
        half = self.program.op("square", (self.raised(base, power // 2),))
        return self.scaled(half, [(base, 1)]) if power % 2 else half

    def sum(self, terms: Sequence[tuple[int, int]], constant: int = 0) -> int:
        """The place of ``sum of coefficient * place``, sums of few terms flattened."""
        program = self.program
        found: dict[int, int] = {}
        stack = [(place, coefficient) for place, coefficient in reversed(terms)]
        while stack:
            place, coefficient = stack.pop()
            op, value = program.ops[place], program.values[place]
            if op == "const":
                constant += coefficient * value
            elif op == "add" and len(value[0]) <= 4:
                constant += coefficient * value[1]
                stack.extend((arg, coefficient * k) for arg, k in zip(program.args[place], value[0], strict=True))
            elif op == "mul" and value != 1:
                stack.append(
                    (self.scaled(program.const(1), [(arg, 1) for arg in program.args[place]]), coefficient * value)
                )
            else:
                found[place] = found.get(place, 0) + coefficient
        kept = {place: coefficient for place, coefficient in found.items() if coefficient}
        if not kept:
            return program.const(constant)
        if len(kept) == 1 and not constant:
            ((place, coefficient),) = kept.items()
            return self.scaled(place, (), coefficient)
        return program.op("add", tuple(kept), (tuple(kept.values()), constant))

    def extreme(self, op: str, places: Sequence[int]) -> int:
        """The largest or least of several places; one that can never be it is left out.

        This is where a bound on a size removes a Max.
        """
        bounds = self.program.bounds
        if op == "max":
            limit = max(bounds[place][0] for place in places)
            kept = {place for place in places if bounds[place][1] >= limit}
            always = [place for place in kept if all(bounds[place][0] >= bounds[other][1] for other in kept - {place})]
        else:
            limit = min(bounds[place][1] for place in places)
            kept = {place for place in places if bounds[place][0] <= limit}
            always = [place for place in kept if all(bounds[place][1] <= bounds[other][0] for other in kept - {place})]
        return always[0] if always else self.program.op(op, sorted(kept))

    def common(self, values: Sequence[Fraction]) -> tuple[list[int], int, tuple[tuple[int, int], ...]]:
        """Numerators over one common denominator."""
        denominator = lcm(*(value.denominator for value in values))
        powers: dict[int, int] = {}
        for value in values:
            for base, power in value.factors:
                powers[base] = max(powers.get(base, 0), power)
        numerators = []
        for value in values:
            own = dict(value.factors)
            missing = [(base, power - own.get(base, 0)) for base, power in powers.items() if power > own.get(base, 0)]
            numerators.append(self.scaled(value.numerator, missing, denominator // value.denominator))
        return numerators, denominator, tuple(sorted(powers.items()))

    def settled(self, value: Fraction) -> Fraction:
        """The same number as one place: an integer where the division is exact, an exact fraction where it is not."""
        if not value.factors:
            return value
        divisor = self.scaled(self.program.const(value.denominator), value.factors)
        return Fraction(self.program.op("quotient", (value.numerator, divisor)), valid=value.valid)

    def plus(self, operands: Sequence[Value]) -> Value:
        valid = conditions(operands)
        if any(isinstance(operand, Real) for operand in operands):
            return Real(self.program.op("add", [self.real(operand) for operand in operands], None, "float"), valid)
        parts = fractions(operands)
        if len({base for value in parts for base, _ in value.factors}) > MAX_COMMON:
            parts = [self.settled(value) for value in parts]
        denominator = lcm(*(value.denominator for value in parts))
        if not any(value.factors for value in parts):
            numerator = self.sum([(value.numerator, denominator // value.denominator) for value in parts])
            return self.reduced(numerator, denominator, (), valid)
        numerators, denominator, factors = self.common(parts)
        return self.reduced(self.sum([(place, 1) for place in numerators]), denominator, factors, valid)

    def reduced(self, numerator: int, denominator: int, factors: Any, valid: Conditions) -> Fraction:
        """Numbers that divide numerator and denominator taken out of both."""
        op, value = self.program.ops[numerator], self.program.values[numerator]
        content = {"const": lambda: value, "mul": lambda: value, "add": lambda: gcd(*value[0], value[1])}.get(op)
        common = gcd(denominator, content()) if content and denominator > 1 else 1
        if common > 1:
            args = self.program.args[numerator]
            if op == "const":
                numerator = self.program.const(value // common)
            elif op == "mul":
                numerator = self.scaled(self.program.const(value // common), [(arg, 1) for arg in args])
            else:
                terms = [(arg, k // common) for arg, k in zip(args, value[0], strict=True)]
                numerator = self.sum(terms, value[1] // common)
        return Fraction(numerator, denominator // common, factors, valid)

    def times(self, operands: Sequence[Value]) -> Value:
        valid = conditions(operands)
        if any(isinstance(operand, Real) for operand in operands):
            return Real(self.program.op("mul", [self.real(operand) for operand in operands], None, "float"), valid)
        denominator = 1
        powers: dict[int, int] = {}
        for value in fractions(operands):
            denominator *= value.denominator
            for base, power in value.factors:
                powers[base] = powers.get(base, 0) + power
        numerator = self.scaled(self.program.const(1), [(value.numerator, 1) for value in fractions(operands)])
        return self.reduced(numerator, denominator, tuple(sorted(powers.items())), valid)

    def to_the(self, exponent: int, base: Value) -> Value:
        if isinstance(base, Real):
            power = self.program.op("pow", (base.place, self.program.number(exponent)), None, "float")
            return Real(power, base.valid)
        (base,) = fractions([base])
        if exponent < 0:
            base, exponent = self.inverse(base), -exponent
        if exponent == 0:
            return Fraction(self.program.const(1), valid=base.valid)
        factors = tuple((place, power * exponent) for place, power in base.factors)
        return Fraction(self.raised(base.numerator, exponent), base.denominator**exponent, factors, base.valid)

    def inverse(self, value: Fraction) -> Fraction:
        """One over a fraction; valid where it is not 0."""
        program = self.program
        numerator, coefficient = value.numerator, 1
        parts = [numerator]
        if program.ops[numerator] == "mul":
            parts, coefficient = list(program.args[numerator]), program.values[numerator]
        elif program.ops[numerator] == "const":
            parts, coefficient = [], program.values[numerator]
        if coefficient == 0:
            raise UnsupportedError("the formula divides by 0 whatever the sizes are")
        valid, signs = set(value.valid), []
        factors: dict[int, int] = {}
        for part in parts:
            low, high = program.bounds[part]
            safe = part
            if low <= 0 <= high:
                nonzero = self.condition(program.compare("ne", part, program.const(0)), f"{self.shown(part)} != 0")
                valid.add(nonzero)
                safe = program.op("where", (nonzero, part, program.const(1)))
            if low < 0:
                signs.append((program.op("sign", (safe,)), 1))
                safe = program.op("abs", (safe,))
            factors[safe] = factors.get(safe, 0) + 1
        sign = -1 if coefficient < 0 else 1
        top = self.scaled(program.const(sign * value.denominator), [*value.factors, *signs])
        return self.reduced(top, abs(coefficient), tuple(sorted(factors.items())), frozenset(valid))

    def raised_by(self, base: Fraction, exponent: int) -> Fraction:
        """A fraction to an integer power that is not negative."""
        program = self.program
        top = program.op("intpow", (base.numerator, exponent))
        factors = [(program.op("intpow", (place, exponent)), power) for place, power in base.factors]
        if base.denominator > 1:
            factors.append((program.op("intpow", (program.const(base.denominator), exponent)), 1))
        return Fraction(top, 1, tuple(sorted(factors)), base.valid)

    def is_integer(self, value: Value) -> bool:
        """Whether a value is known to be an integer."""
        return isinstance(value, Fraction) and value.is_undivided and self.program.whole[value.numerator]

    # -- conditions ----------------------------------------------------------------------------------------------

    def condition(self, place: int, text: str) -> int:
        """A truth value that a result depends on, and how to name it."""
        self.program.remarks.setdefault(place, text)
        return place

    def shown(self, place: int, depth: int = 3) -> str:
        """An operation in words, for messages."""
        program = self.program
        op, args, value = program.ops[place], program.args[place], program.values[place]
        if op == "input":
            return str(program.inputs[value])
        if op == "const":
            return str(value)
        if not depth:
            return "..."
        parts = [self.shown(arg, depth - 1) for arg in args]
        if op == "add":
            terms = [part if k == 1 else f"{k}*{part}" for k, part in zip(value[0], parts, strict=True)]
            return "(" + " + ".join(terms + ([str(value[1])] if value[1] else [])) + ")"
        if op == "mul":
            return "*".join(([str(value)] if value != 1 else []) + parts)
        return f"{value.name if op == 'call' else op}({', '.join(parts)})"

    # -- floats --------------------------------------------------------------------------------------------------

    def real(self, value: Value) -> int:
        """The float nearest to a value."""
        if isinstance(value, Real):
            return value.place
        if isinstance(value, Truth):
            raise UnsupportedError("a condition stands where a number is expected")
        place, divisor = value.numerator, self.divisor(value)
        if self.program.ops[place] == self.program.ops[divisor] == "const":
            return self.program.number(ratio(self.program.values[place], self.program.values[divisor]))
        return self.program.op("ratio", (place, divisor), None, "float")

    def divisor(self, value: Fraction) -> int:
        """The denominator of a fraction as one place."""
        return self.scaled(self.program.const(value.denominator), value.factors)

    # -- results -------------------------------------------------------------------------------------------------

    def result(self, value: Value) -> tuple[int, str]:
        """The place of a value and what it is: integer, rational, real or truth."""
        if isinstance(value, Real):
            return value.place, "real"
        if isinstance(value, Truth):
            return value.place, "truth"
        if value.is_undivided:
            return value.numerator, ("integer" if self.program.whole[value.numerator] else "rational")
        proved = not value.factors and always_divides(self.program, value.numerator, value.denominator)
        if proved:
            divisor = self.program.const(value.denominator)
            return self.program.op("floordiv", (value.numerator, divisor)), "integer"
        return self.program.op("quotient", (value.numerator, self.divisor(value))), "rational"


def conditions(values: Sequence[Value]) -> Conditions:
    found: Conditions = NONE
    for value in values:
        if value.valid:
            found = found | value.valid
    return found


def fractions(values: Sequence[Value]) -> list[Fraction]:
    for value in values:
        if not isinstance(value, Fraction):
            raise UnsupportedError("a condition stands where a number is expected")
    return list(values)  # type: ignore[arg-type]
