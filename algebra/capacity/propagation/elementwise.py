"""Activations as expressions of one variable, from their equations.

>>> from layeralgebra.algebra.capacity.propagation.second_moments import VARIABLE
>>> from layeralgebra.algebra.equations.instance import instantiate
>>> from layeralgebra import LeakyReLU
>>> function_of(instantiate(LeakyReLU(2), (3,)))
Max(0, x) + 2*Min(0, x)
"""

from __future__ import annotations

from sympy import Abs, Expr, Integer, Max, Min, Mul, Pow, cos, erf, exp, log, sin, sqrt, tanh

from ...equations.heads import Apply, Constant, Head, Plus, Read, Times, walk
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.monomials import LINEAR, is_elementwise, kinds_of_tensors
from .second_moments import VARIABLE

_MADE = {
    "relu": lambda a: Max(0, a), "abs": Abs, "max": Max, "min": Min, "exp": exp, "log": log, "sqrt": sqrt, "tanh": tanh,
    "sigmoid": lambda a: 1 / (1 + exp(-a)), "erf": erf, "sin": sin, "cos": cos, "softplus": lambda a: log(1 + exp(a)),
    "divide": lambda a, b: a / b, "power": Pow,
}  # fmt: skip


def function_of(instance: Instance) -> Expr:
    """What an activation does to one number, an expression of `VARIABLE`; for a layer that `activates`."""
    return _formula(instance.statements[0].value)


def _formula(head: Head) -> Expr:
    if isinstance(head, Constant):
        return head.value
    if isinstance(head, Read):
        return VARIABLE
    if isinstance(head, Plus):
        return sum((_formula(term) for term in head.terms), Integer(0))
    if isinstance(head, Times):
        return Mul(*(_formula(factor) for factor in head.factors))
    if isinstance(head, Apply):
        return _MADE[head.function](*(_formula(argument) for argument in head.arguments))
    raise UnsupportedError(f"{type(head).__name__} is no function of one number")


def bends(instance: Instance) -> bool:
    """Whether a layer takes numbers one by one and is not linear, perhaps with learned slopes, as PReLU is."""
    kinds = kinds_of_tensors(instance)
    applied = False
    for place in instance.live:
        statement = instance.statements[place]
        if not is_elementwise(statement.value):
            return False
        for head in walk(statement.value):
            if isinstance(head, Read) and kinds[head.tensor] == LINEAR and head.address != statement.address:
                return False
            applied = applied or isinstance(head, Apply)
    return applied
