"""What an exported model holds of the sizes that enter: the ranges and the choices that were made while it was traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from sympy import And, Eq, Expr, Ge, Gt, Integer, Le, Lt, Ne, Not, Or, Symbol, false, true
from sympy.logic.boolalg import Boolean

from ...algebra.errors import UnsupportedError

KERNELS = ("_prims_common", "_prims", "_refs", "_meta_registrations.py", "_subclasses", "_decomp")
"""Where PyTorch works out shapes and strides of single operators. What is asked there decides how memory is laid out, or that an
operator can be applied, which follows from the layers' equations too; it does not decide which operators are applied."""

_RELATIONS = {"Equality": Eq, "Unequality": Ne, "GreaterThan": Ge, "StrictGreaterThan": Gt, "LessThan": Le, "StrictLessThan": Lt}  # fmt: skip
_JUNCTIONS = {"And": And, "Or": Or, "Not": Not}


def stated(program: Any, symbols: dict[str, Symbol], size: Callable[[Any], Expr]) -> list[Boolean]:
    """The relations on which an exported program relies.

    Parameters
    ----------
    program : torch.export.ExportedProgram
    symbols : dict of str to Symbol
        The user's symbols by the names of PyTorch's.
    size : function
        Translates an expression of PyTorch's into the user's symbols; raises for what depends on the data.
    """
    found: list[Boolean] = []
    for symbol, values in program.range_constraints.items():
        if str(symbol) in symbols:
            found += _range(symbols[str(symbol)], values)
    for guard, expression in _guards(program):
        if not {str(symbol) for symbol in getattr(expression, "free_symbols", ())} & set(symbols) or _of_a_kernel(
            guard
        ):
            continue
        relation = _relation(expression, size)
        if relation == false:
            raise UnsupportedError(f"the model was traced where {expression}, which never holds")
        if relation != true:
            found += And.make_args(relation)
    return list(dict.fromkeys(found))


def quotients(program: Any) -> dict[Any, int]:
    """The rounded quotients of two sizes that are one number wherever a program applies, as PyTorch writes them."""
    found: dict[Any, int] = {}
    for _, expression in _guards(program):
        if type(expression).__name__ == "Equality":
            for one, other in (expression.args, expression.args[::-1]):
                if type(one).__name__ == "FloorDiv" and one.args[1].free_symbols and other.is_Integer:
                    found[one] = int(other)
    return found


def _range(symbol: Symbol, values: Any) -> Iterator[Boolean]:
    if values.lower.is_Integer and values.lower > 1:
        yield Ge(symbol, int(values.lower))
    if values.upper.is_Integer:
        yield Le(symbol, int(values.upper))


def _guards(program: Any) -> list[tuple[Any, Any]]:
    """The guards with their expressions, in which a size that was found to be another has the other's name."""
    for node in program.graph.nodes:
        value = node.meta.get("val")
        for size in getattr(value, "shape", ()):
            if hasattr(size, "node"):
                known = size.node.shape_env
                return [(guard, known.replace(guard.expr)) for guard in known.guards]
    return []


def _of_a_kernel(guard: Any) -> bool:
    place = getattr(guard.sloc, "framework_loc", None)
    parts = PurePath(getattr(place, "filename", "")).parts
    return "torch" in parts and parts[-1 - parts[::-1].index("torch") :][1] in KERNELS


def _relation(expression: Any, size: Callable[[Any], Expr]) -> Boolean:
    name = type(expression).__name__
    if name in _JUNCTIONS:
        return _JUNCTIONS[name](*(_relation(part, size) for part in expression.args))
    if name in _RELATIONS:
        return _RELATIONS[name](*(Integer(part) if isinstance(part, int) else size(part) for part in expression.args))
    if expression in (True, False):
        return true if expression else false
    raise UnsupportedError(f"the model was traced where {expression}, which is no relation between sizes")
