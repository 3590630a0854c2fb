"""Activations as expressions of one variable, from their equations.

>>> from layeralgebra.algebra.capacity.propagation.second_moments import VARIABLE
>>> from layeralgebra.algebra.equations.instance import instantiate
>>> from layeralgebra import LeakyReLU
>>> function_of(instantiate(LeakyReLU(2), (3,)))
Max(0, x) + 2*Min(0, x)
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Abs, Expr, Integer, Max, Min, Mul, Pow, cos, erf, exp, log, sin, sqrt, tanh

from ...equations.heads import Apply, Constant, Head, Plus, Read, Times, reads
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.monomials import LINEAR, expand, is_elementwise, kinds_of_tensors
from .second_moments import VARIABLE

_MADE = {
    "relu": lambda a: Max(0, a), "abs": Abs, "max": Max, "min": Min, "exp": exp, "log": log, "sqrt": sqrt, "tanh": tanh,
    "sigmoid": lambda a: 1 / (1 + exp(-a)), "erf": erf, "sin": sin, "cos": cos, "softplus": lambda a: log(1 + exp(a)),
    "divide": lambda a, b: a / b, "power": Pow,
}  # fmt: skip


def function_of(instance: Instance) -> Expr:
    """What an activation does to one number, an expression of `VARIABLE`; for a layer that `is_activation`."""
    made: dict[str, Expr] = {}
    for place in instance.live:
        statement = instance.statements[place]
        made[statement.target] = _formula(statement.value, made)
    return made[instance.root]


def _formula(head: Head, made: Mapping[str, Expr]) -> Expr:
    if isinstance(head, Constant):
        return head.value
    if isinstance(head, Read):
        return made.get(head.tensor, VARIABLE)
    if isinstance(head, Plus):
        return sum((_formula(term, made) for term in head.terms), Integer(0))
    if isinstance(head, Times):
        return Mul(*(_formula(factor, made) for factor in head.factors))
    if isinstance(head, Apply):
        return _MADE[head.function](*(_formula(argument, made) for argument in head.arguments))
    raise UnsupportedError(f"{type(head).__name__} is no function of one number")


def bends(instance: Instance) -> bool:
    """Whether a layer takes numbers one by one and is not linear, perhaps with learned slopes, as PReLU is."""
    kinds = kinds_of_tensors(instance)
    bent = False
    for place in instance.live:
        statement = instance.statements[place]
        if not is_elementwise(statement.value):
            return False
        for read in reads(statement.value):
            if kinds[read.tensor] == LINEAR and read.address != statement.address:
                return False
        try:
            products = expand(statement.value, lambda name: kinds[name], str(instance.layer))
        except UnsupportedError:
            bent = True
        else:
            bent = bent or any(sum(kinds[read.tensor] == LINEAR for read in p.reads) > 1 for p in products)
    return bent


def is_activation(instance: Instance) -> bool:
    """Whether a layer is one function of single numbers, with nothing learned and nothing measured."""
    return not instance.weights() and "buffer" not in instance.roles.values() and bends(instance)
