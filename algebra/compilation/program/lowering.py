"""From expressions to flat programs of integer operations.

A rational subexpression becomes an integer numerator over a positive denominator, so that everything up to a floor, a
comparison or the result is integer arithmetic. A subexpression that is not rational (a logarithm, a root) is a float
from there on. What can fail for some arguments (a division, a logarithm) is given a harmless operand where it would
fail, and the result carries the condition under which it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import sympy
from sympy import Function, Symbol

from ...errors import BudgetError, UnsupportedError
from ...formulas.function import FormulaFunction
from ...sizes.intervals import ANYTHING
from .calls import rule_of
from .expressions import Dag
from .integer_bounds import Interval
from .operations import OPERATIONS
from .program import Loop, RealFloor
from .rationals import NONE, Conditions, Fraction, Real, Truth, Value, Writer, conditions, fractions

LARGEST_EXPONENT = 100_000

LOOPS = ("sum", "product", "all")


class Lowering(Writer):
    """Writes the program of some nodes of a `Dag`; there is one method for each kind of node."""

    def __init__(self, dag: Dag, ranges: Mapping[Symbol, Interval], reals: frozenset[Symbol] = frozenset()):
        super().__init__()
        self.dag = dag
        self.ranges = ranges
        self.reals = reals
        self.values: dict[int, Value] = {}

    def lower(self, tops: Sequence[int]) -> list[Value]:
        """The values of these nodes."""
        # The body of a sum is a program of its own: what only it needs is not part of this one.
        needed, stack = set(), list(tops)
        while stack:
            number = stack.pop()
            if number not in needed:
                needed.add(number)
                op, args, _ = self.dag.nodes[number]
                stack.extend(args[:2] if op in LOOPS else args)
        for number in sorted(needed):
            if number not in self.values:
                self.values[number] = self._value(number)
        return [self.values[top] for top in tops]

    def _value(self, number: int) -> Value:
        op, args, value = self.dag.nodes[number]
        if op in LOOPS:
            return self._loop(op, value, args)
        if op in ("floor", "ceiling"):
            return self._floor(op, args[0])
        operands = [self.values[arg] for arg in args]
        own = getattr(self, "_" + op, None)
        return own(value, *operands) if own is not None else self._of_integers(op, value, operands)

    def _of_integers(self, op: str, value: Any, operands: Sequence[Value]) -> Value:
        """An operation of which nothing but its record is known."""
        if not all(self.is_integer(operand) for operand in operands):
            raise UnsupportedError(f"{op} can be compiled where its operands are integers")
        places = [operand.numerator for operand in fractions(operands)]
        if OPERATIONS[op].truth:
            return Truth(self.program.op(op, places, value, "bool"), conditions(operands))
        return Fraction(self.program.op(op, places, value), valid=conditions(operands))

    # -- leaves and arithmetic -----------------------------------------------------------------------------------

    def _const(self, value: Any) -> Value:
        return Fraction(self.program.const(int(value.p)), int(value.q))

    def _real(self, value: Any) -> Value:
        if value.is_extended_real is False:
            raise UnsupportedError(f"{value} is no real number, and what is compiled is made of these")
        return Real(self.program.number(float(value)))

    def _bool(self, value: bool) -> Value:
        return Truth(self.program.truth(value))

    def _symbol(self, symbol: Symbol) -> Value:
        if symbol in self.reals:
            return Real(self.program.input(symbol, ANYTHING, "float"))
        return Fraction(self.program.input(symbol, self.ranges.get(symbol, ANYTHING)))

    def _add(self, _: None, *operands: Value) -> Value:
        return self.plus(operands)

    def _mul(self, _: None, *operands: Value) -> Value:
        return self.times(operands)

    def _pow(self, exponent: int, base: Value) -> Value:
        if abs(exponent) > LARGEST_EXPONENT:
            raise BudgetError(
                f"the exponent {exponent} is larger than {LARGEST_EXPONENT}; make a symbol of it, or take logarithms"
            )
        return self.to_the(exponent, base)

    def _power(self, _: None, base: Value, exponent: Value) -> Value:
        program = self.program
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and self.is_integer(exponent):
            low = program.bounds[exponent.numerator][0]
            zero = program.const(0)
            up = self.extreme("max", (exponent.numerator, zero))
            result: Value = self.raised_by(base, up)
            if low < 0:
                down = self.extreme("max", (self.sum([(exponent.numerator, -1)]), zero))
                result = self.times((result, self.raised_by(self.inverse(base), down)))
            return _with(result, conditions((base, exponent)))
        valid = set(conditions((base, exponent)))
        root = isinstance(exponent, Fraction) and (self.program.ops[exponent.numerator], exponent.denominator)
        if root == ("const", 2) and abs(program.values[exponent.numerator]) == 1:  # type: ignore[union-attr]
            place = program.op("func", (self.real(base),), "sqrt", "float")
            if program.values[exponent.numerator] < 0:  # type: ignore[union-attr]
                place = program.op("pow", (place, program.number(-1)), None, "float")
        else:
            place = program.op("pow", (self.real(base), self.real(exponent)), None, "float")
        if isinstance(base, Fraction):
            holds = program.compare("le", program.const(0), base.numerator)
        else:
            holds = program.compare("le", program.number(0), base.place)
        if program.bounds[holds][0] != 1:
            valid.add(self.condition(holds, "the base of a root is not negative"))
        return Real(place, frozenset(valid))

    # -- floors, remainders, extremes ----------------------------------------------------------------------------

    def _floor(self, op: str, argument: int) -> Value:
        value = self.values[argument]
        if isinstance(value, Real):
            return self._floor_of_real(op, argument, value)
        (value,) = fractions([value])
        if self.is_integer(value):
            return value
        divisor = self.divisor(value)
        top = value.numerator
        if op == "ceiling":
            if not self.program.whole[top]:
                below = self.program.op("floordiv", (self.sum([(top, -1)]), divisor))
                return Fraction(self.sum([(below, -1)]), valid=value.valid)
            top = self.sum([(top, 1), (divisor, 1)], -1)
        return Fraction(self.program.op("floordiv", (top, divisor)), valid=value.valid)

    def _floor_of_real(self, op: str, argument: int, value: Real) -> Value:
        """Logarithms and roots of integers are floored exactly; other floats look again if they are near an integer."""
        program, nodes = self.program, self.dag.nodes
        exact = self._integer_logarithm(argument) or self._integer_root(argument)
        if exact is not None and op == "floor":
            return Fraction(exact, valid=value.valid)
        symbols = [nodes[number].value for number in self.dag.below([argument]) if nodes[number].op == "symbol"]
        if self.reals.intersection(symbols):
            raise UnsupportedError(f"cannot round a formula of arguments that are not integers: {symbols}")
        expression = self.dag.write([argument])[0]
        places = [program.input(symbol, self.ranges.get(symbol, ANYTHING)) for symbol in symbols]
        payload = RealFloor(expression, tuple(symbols), op == "ceiling")
        return Fraction(program.op("realfloor", (value.place, *places), payload), valid=value.valid)

    def _integer_logarithm(self, argument: int) -> int | None:
        """The place of the integer part of log(a)/log(b), for integers a >= 1 and b >= 2."""
        op, args, _ = self.dag.nodes[argument]
        if op != "mul" or len(args) != 2:
            return None
        for top, bottom in (args, args[::-1]):
            inverse = self.dag.nodes[bottom]
            if inverse.op != "pow" or inverse.value != -1:
                continue
            number, base = self._logarithm_of(top), self._logarithm_of(inverse.args[0])
            if number is not None and base is not None and self.program.bounds[base][0] >= 2:
                if self.program.bounds[number][0] >= 1:
                    return self.program.op("ilog", (number, base))
        return None

    def _logarithm_of(self, number: int) -> int | None:
        op, args, name = self.dag.nodes[number]
        if op != "function" or name != "log":
            return None
        value = self.values[args[0]]
        return value.numerator if self.is_integer(value) else None  # type: ignore[union-attr]

    def _integer_root(self, argument: int) -> int | None:
        """The place of the integer part of a**(1/k), for an integer a >= 0."""
        op, args, _ = self.dag.nodes[argument]
        if op != "power":
            return None
        exponent, base = self.dag.nodes[args[1]], self.values[args[0]]
        if exponent.op != "const" or exponent.value.p != 1 or not self.is_integer(base):
            return None
        place = base.numerator  # type: ignore[union-attr]
        if self.program.bounds[place][0] < 0:
            return None
        return self.program.op("iroot", (place,), int(exponent.value.q))

    def _mod(self, _: None, left: Value, right: Value) -> Value:
        program = self.program
        (top, bottom), denominator, factors = self.common(fractions([left, right]))
        valid = set(conditions((left, right)))
        low, high = program.bounds[bottom]
        if low <= 0 <= high:
            nonzero = self.condition(program.compare("ne", bottom, program.const(0)), f"{self.shown(bottom)} != 0")
            valid.add(nonzero)
            bottom = program.op("where", (nonzero, bottom, program.const(1)))
        return self.reduced(program.op("mod", (top, bottom)), denominator, factors, frozenset(valid))

    def _extreme(self, op: str, operands: Sequence[Value]) -> Value:
        valid = conditions(operands)
        if any(isinstance(operand, Real) for operand in operands):
            return Real(self.program.op(op, [self.real(operand) for operand in operands], None, "float"), valid)
        places, denominator, factors = self.common(fractions(operands))
        return self.reduced(self.extreme(op, places), denominator, factors, valid)

    def _max(self, _: None, *operands: Value) -> Value:
        return self._extreme("max", operands)

    def _min(self, _: None, *operands: Value) -> Value:
        return self._extreme("min", operands)

    def _abs(self, _: None, value: Value) -> Value:
        if isinstance(value, Real):
            return Real(self.program.op("abs", (value.place,), None, "float"), value.valid)
        (value,) = fractions([value])
        return Fraction(self.program.op("abs", (value.numerator,)), value.denominator, value.factors, value.valid)

    def _sign(self, _: None, value: Value) -> Value:
        if isinstance(value, Real):
            return Real(self.program.op("sign", (value.place,), None, "float"), value.valid)
        (value,) = fractions([value])
        return Fraction(self.program.op("sign", (value.numerator,)), valid=value.valid)

    def _heaviside(self, _: None, value: Value) -> Value:
        """(1 + sign)/2: one half at 0."""
        half = Fraction(self.program.const(1), 2)
        return self.times((half, self.plus((Fraction(self.program.const(1)), self._sign(None, value)))))

    # -- conditions ----------------------------------------------------------------------------------------------

    def _compare(self, op: str, left: Value, right: Value) -> Value:
        valid = conditions((left, right))
        if isinstance(left, Real) or isinstance(right, Real):
            return Truth(self.program.compare(op, self.real(left), self.real(right)), valid)
        (first, second), _, _ = self.common(fractions([left, right]))
        return Truth(self.program.compare(op, first, second), valid)

    def _lt(self, _: None, left: Value, right: Value) -> Value:
        return self._compare("lt", left, right)

    def _le(self, _: None, left: Value, right: Value) -> Value:
        return self._compare("le", left, right)

    def _eq(self, _: None, left: Value, right: Value) -> Value:
        return self._compare("eq", left, right)

    def _ne(self, _: None, left: Value, right: Value) -> Value:
        return self._compare("ne", left, right)

    def _and(self, _: None, *operands: Value) -> Value:
        return Truth(self.program.both([operand.place for operand in operands]), conditions(operands))  # type: ignore[union-attr]

    def _or(self, _: None, *operands: Value) -> Value:
        return Truth(self.program.both([operand.place for operand in operands], "or"), conditions(operands))  # type: ignore[union-attr]

    def _not(self, _: None, operand: Value) -> Value:
        return Truth(self.program.negation(operand.place), operand.valid)  # type: ignore[union-attr]

    def _piecewise(self, _: None, *operands: Value) -> Value:
        program = self.program
        branches, tests = list(operands[::2]), list(operands[1::2])
        valid = set(conditions(tests))
        earlier: list[int] = []
        for branch, test in zip(branches, tests, strict=True):
            # A branch only has to hold where it is taken.
            taken = program.both([test.place, *map(program.negation, earlier)])  # type: ignore[union-attr]
            for place in branch.valid:
                guarded = program.both([program.negation(taken), place], "or")
                if program.bounds[guarded][0] != 1:
                    valid.add(self.condition(guarded, program.remarks.get(place, "")))
            earlier.append(test.place)  # type: ignore[union-attr]
        some = program.both(earlier, "or")
        if program.bounds[some][0] != 1:
            valid.add(self.condition(some, "one of the cases of a Piecewise applies"))
        if any(isinstance(branch, Truth) for branch in branches):
            place = program.truth(False)
            for branch, taken in reversed(list(zip(branches, earlier, strict=True))):
                if not isinstance(branch, Truth):
                    raise UnsupportedError("a Piecewise mixes numbers and conditions")
                chosen = program.both([taken, branch.place])
                place = program.both([chosen, program.both([program.negation(taken), place])], "or")
            return Truth(place, frozenset(valid))
        if any(isinstance(branch, Real) for branch in branches):
            place = self.real(branches[-1])
            for branch, taken in list(zip(branches, earlier, strict=True))[-2::-1]:
                place = program.op("where", (taken, self.real(branch), place), None, "float")
            return Real(place, frozenset(valid))
        places, denominator, factors = self.common(fractions(branches))
        place = places[-1]
        for other, taken in list(zip(places, earlier, strict=True))[-2::-1]:
            place = program.op("where", (taken, other, place))
        return self.reduced(place, denominator, factors, frozenset(valid))

    # -- functions -----------------------------------------------------------------------------------------------

    def _function(self, name: str, value: Value) -> Value:
        program = self.program
        if name == "log":
            own = self._logarithm_by_rule(value)
            if own is not None:
                return own
        valid = set(value.valid)
        if name in ("log", "gamma", "loggamma", "digamma"):
            place = value.numerator if isinstance(value, Fraction) else value.place
            zero = program.const(0) if isinstance(value, Fraction) else program.number(0)
            positive = program.compare("lt", zero, place)
            if program.bounds[positive][0] != 1:
                valid.add(self.condition(positive, f"the argument of {name} is positive"))
        if name == "log" and isinstance(value, Fraction):
            place = program.op("logratio", (value.numerator, self.divisor(value)), None, "float")
        else:
            place = program.op("func", (self.real(value),), name, "float")
        return Real(place, frozenset(valid))

    def _call(self, cls: type[Function], *operands: Value) -> Value:
        """A function of integers, by its rule."""
        if issubclass(cls, FormulaFunction) and cls.log2_of is not None:
            natural = self._function("log", self._call(cls.log2_of, *operands))
            return self.times((natural, Real(self.program.number(1 / log(2)))))
        rule, program, valid = rule_of(cls), self.program, set(conditions(operands))
        if not all(self.is_integer(operand) for operand in operands):
            raise UnsupportedError(
                rule.on_integers or f"{cls.__name__} can be compiled where its arguments are integers"
            )
        places = [operand.numerator for operand in fractions(operands)]
        for place, least in zip(places, rule.least, strict=False):
            if least is not None:
                holds = program.compare("le", program.const(least[0]), place)
                if program.bounds[holds][0] != 1:
                    valid.add(self.condition(holds, least[1]))
        if rule.whole:
            return Fraction(program.op("call", places, rule), valid=frozenset(valid))
        return Real(program.op("call", places, rule, "float"), frozenset(valid))

    def _binomial(self, _: None, n: Value, k: Value) -> Value:
        return self._call(sympy.binomial, n, k)

    def _factorial(self, _: None, n: Value) -> Value:
        return self._call(sympy.factorial, n)

    def _logarithm_by_rule(self, value: Value) -> Value | None:
        """The logarithm of a function that has a rule for it: the number itself may have millions of digits."""
        if not isinstance(value, Fraction) or not self.is_integer(value):
            return None
        program, place = self.program, value.numerator
        rule = program.values[place].logarithm if program.ops[place] == "call" else None
        return None if rule is None else Real(program.op("call", program.args[place], rule, "float"), value.valid)

    # -- sums ----------------------------------------------------------------------------------------------------

    def _loop(self, op: str, index: Symbol, args: tuple[int, ...]) -> Value:
        program = self.program
        low, high = self.values[args[0]], self.values[args[1]]
        if not (self.is_integer(low) and self.is_integer(high)):
            raise UnsupportedError(f"the limits of a {op} over {index} must be integers to be compiled")
        limits = (low.numerator, high.numerator)  # type: ignore[union-attr]
        first, last = program.bounds[limits[0]][0], program.bounds[limits[1]][1]
        ranges = dict(self.ranges)
        ranges[index] = (first, max(first, last))
        inner = Lowering(self.dag, ranges, self.reals - {index})
        inner.program.input(index, ranges[index])
        body = inner.lower([args[2]])[0]
        valid = set(conditions((low, high)))
        counted = program.compare("le", limits[0], self.sum([(limits[1], 1)], 1))
        if program.bounds[counted][0] != 1 and op != "all":
            valid.add(self.condition(counted, f"a {op} over {index} ends no earlier than one before it begins"))
        if body.valid:
            everywhere = inner.program.both(sorted(body.valid))
            text = "; ".join(sorted({inner.program.remarks.get(place, "") for place in body.valid}))
            holds = self._loop_op("all", inner, everywhere, limits, "bool")
            valid.add(self.condition(holds, f"in every term of a {op} over {index}: {text}"))
        if isinstance(body, Truth):
            if op != "all":
                raise UnsupportedError(f"the terms of a {op} must be numbers")
            return Truth(self._loop_op(op, inner, body.place, limits, "bool"), frozenset(valid))
        if isinstance(body, Real):
            return Real(self._loop_op(op, inner, body.place, limits, "float"), frozenset(valid))
        if body.factors or op == "product" and body.denominator > 1:
            body = inner.settled(body) if body.factors else body
            if body.denominator > 1:
                top = inner.program.op("quotient", (body.numerator, inner.program.const(body.denominator)))
                body = Fraction(top)
        place = self._loop_op(op, inner, body.numerator, limits, "int")
        return self.reduced(place, body.denominator, (), frozenset(valid))

    def _loop_op(self, kind: str, inner: "Lowering", output: int, limits: tuple[int, int], result: str) -> int:
        body = inner.program.with_outputs([output])
        symbols = tuple(body.inputs[1:])
        places = [self.place_of(symbol) for symbol in symbols]
        return self.program.op("loop", (*limits, *places), Loop(kind, body, symbols), result)

    def place_of(self, symbol: Symbol) -> int:
        """The place of an argument."""
        value = self._symbol(symbol)
        return value.place if isinstance(value, Real) else value.numerator  # type: ignore[union-attr]


def _with(value: Value, valid: Conditions) -> Value:
    if not valid or not isinstance(value, Fraction):
        return value
    return Fraction(value.numerator, value.denominator, value.factors, value.valid | valid)


__all__ = ["NONE", "Lowering"]
