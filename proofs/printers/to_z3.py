"""Lowered terms and formulas as z3 expressions, built through its interface rather than through text."""

from __future__ import annotations

from functools import reduce
from operator import add, mul
from typing import Any

from ..statements import term as t
from ..statements.quotients import is_positive


class ToZ3:
    """Builds z3 expressions; variables and functions are shared by name within one z3 context."""

    def __init__(self, context: Any = None):
        import z3

        self.z3, self.context = z3, context

    def variable(self, name: str) -> Any:
        return self.z3.Int(name, self.context)

    def __call__(self, node: t.Node) -> Any:
        z3 = self.z3
        match node:
            case t.Const(value):
                return z3.IntVal(value, self.context)
            case t.Var(name):
                return self.variable(name)
            case t.Apply(function, arguments):
                sort = z3.IntSort(self.context)
                return z3.Function(function, *[sort] * len(arguments), sort)(*map(self, arguments))
            case t.Add(args):
                return reduce(add, map(self, args), z3.IntVal(0, self.context))
            case t.Mul(args):
                return reduce(mul, map(self, args), z3.IntVal(1, self.context))
            case t.FloorDiv(numerator, denominator):
                above, below = self(numerator), self(denominator)
                # z3's division of integers leaves a remainder that is never negative, whatever the divisor's sign.
                return above / below if is_positive(denominator) else z3.If(below > 0, above / below, -above / -below)
            case t.Ite(condition, then, otherwise):
                return z3.If(self(condition), self(then), self(otherwise))
            case t.Relation(relation, left, right):
                return _RELATIONS[relation](self(left), self(right))
            case t.And(args):
                return z3.And(*map(self, args), self.context) if self.context else z3.And(*map(self, args))
            case t.Or(args):
                return z3.Or(*map(self, args), self.context) if self.context else z3.Or(*map(self, args))
            case t.Not(arg):
                return z3.Not(self(arg), self.context)
            case t.Implies((first, second)):
                return z3.Implies(self(first), self(second), self.context)
            case t.Iff((first, second)):
                return self(first) == self(second)
        raise TypeError(f"{type(node).__name__} was not lowered")


_RELATIONS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
