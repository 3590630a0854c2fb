"""The one evaluator of terms and formulas, on Python's integers.

It decides every witness: a counterexample that a solver reports counts only when it fails here too.

>>> from layeralgebra.proofs.statements.term import Var, ceil_div, sum_
>>> n = Var("n")
>>> evaluate(sum_(lambda i: i + 1, n) - n * (n + 1) // 2, {"n": 100})
0
>>> evaluate(ceil_div(n, 4), {"n": -7}), evaluate(n % -4, {"n": 7})
(-1, -1)
>>> evaluate(n / 4, {"n": 6})
Fraction(3, 2)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ...algebra.errors import BudgetError, DomainError, FieldError
from .term import (
    Add,
    And,
    Apply,
    CeilDiv,
    Const,
    Div,
    FloorDiv,
    Formula,
    Iff,
    Implies,
    Ite,
    Max,
    Min,
    Mod,
    Mul,
    Node,
    Not,
    Or,
    Pow,
    Relation,
    Sum,
    Term,
    Var,
)

#: Longest sum and largest power (in bits) that are evaluated.
MAX_TERMS = 1_000_000
MAX_BITS = 1_000_000

#: What a variable (an integer) or an unknown sequence (a function) stands for.
Values = Mapping[str, int | Callable[..., int]]
Number = int | Fraction


class Undefined(DomainError):
    """A term without a value at these sizes: a division by zero or a negative exponent."""


def evaluate(node: Node, values: Values) -> Any:
    """The value of a term (an exact number) or of a formula (a truth value).

    Parameters
    ----------
    node : Term or Formula
    values : mapping of str to int or function
        An integer for every free variable, a function for every unknown sequence.

    Returns
    -------
    int, Fraction or bool
        A Fraction only where a `Div` leaves one.

    Raises
    ------
    Undefined
        At a division by zero or a negative exponent.
    BudgetError
        For a sum or a power larger than `MAX_TERMS` and `MAX_BITS`.
    """
    return _RULES[type(node)](node, values)


def holds(formula: Formula, values: Values) -> bool:
    """Whether a formula is defined and true for these values."""
    try:
        return bool(evaluate(formula, values))
    except Undefined:
        return False


def _variable(node: Var, values: Values) -> Number:
    try:
        return values[node.name]  # type: ignore[return-value]
    except KeyError:
        raise FieldError(f"no value for {node.name}; there are values for {', '.join(sorted(values))}") from None


def _apply(node: Apply, values: Values) -> Number:
    function = values.get(node.function)
    if not callable(function):
        raise FieldError(f"no function for the sequence {node.function}")
    return function(*(evaluate(one, values) for one in node.arguments))


def _product(node: Mul, values: Values) -> Number:
    product: Number = 1
    for one in node.args:
        product *= evaluate(one, values)
    return product


def _quotient(divide: Callable[[Number, Number], Number]) -> Callable[[Any, Values], Number]:
    def rule(node: FloorDiv | CeilDiv | Mod | Div, values: Values) -> Number:
        denominator = evaluate(node.denominator, values)
        if denominator == 0:
            raise Undefined(f"{node!r} divides by zero")
        return divide(evaluate(node.numerator, values), denominator)

    return rule


def _exact(numerator: Number, denominator: Number) -> Number:
    quotient = Fraction(numerator) / denominator
    return quotient.numerator if quotient.denominator == 1 else quotient


def _power(node: Pow, values: Values) -> Number:
    base, exponent = evaluate(node.base, values), evaluate(node.exponent, values)
    if not isinstance(exponent, int) or exponent < 0:
        raise Undefined(f"{node!r} has the exponent {exponent}")
    size = abs(base.numerator).bit_length() if isinstance(base, Fraction) else abs(base).bit_length()
    if size * exponent > MAX_BITS and size > 1:
        raise BudgetError(f"{node!r} has about {size * exponent} bits; at most {MAX_BITS} are evaluated")
    return base**exponent


def _sum(node: Sum, values: Values) -> Number:
    low, high = evaluate(node.low, values), evaluate(node.high, values)
    if not (isinstance(low, int) and isinstance(high, int)):
        raise Undefined(f"{node!r} runs from {low} to {high}")
    if high - low > MAX_TERMS:
        raise BudgetError(f"{node!r} has {high - low} terms; at most {MAX_TERMS} are evaluated")
    inner = dict(values)
    total: Number = 0
    for index in range(low, high):
        inner[node.index.name] = index
        total += evaluate(node.body, inner)
    return total


def _choice(node: Ite, values: Values) -> Number:
    return evaluate(node.then if evaluate(node.condition, values) else node.otherwise, values)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _relation(node: Relation, values: Values) -> bool:
    return _COMPARE[node.relation](evaluate(node.left, values), evaluate(node.right, values))


def _each(node: Term | Formula, values: Values) -> list[Any]:
    return [evaluate(one, values) for one in node.parts()]


_RULES: dict[type, Callable[[Any, Values], Any]] = {
    Const: lambda node, values: node.value,
    Var: _variable,
    Apply: _apply,
    Add: lambda node, values: sum(_each(node, values)),
    Mul: _product,
    Pow: _power,
    Div: _quotient(_exact),
    FloorDiv: _quotient(operator.floordiv),
    CeilDiv: _quotient(lambda numerator, denominator: -(-numerator // denominator)),
    Mod: _quotient(operator.mod),
    Min: lambda node, values: min(_each(node, values)),
    Max: lambda node, values: max(_each(node, values)),
    Ite: _choice,
    Sum: _sum,
    Relation: _relation,
    And: lambda node, values: all(evaluate(one, values) for one in node.args),
    Or: lambda node, values: any(evaluate(one, values) for one in node.args),
    Not: lambda node, values: not evaluate(node.arg, values),
    Implies: lambda node, values: not evaluate(node.args[0], values) or evaluate(node.args[1], values),
    Iff: lambda node, values: evaluate(node.args[0], values) == evaluate(node.args[1], values),
}
