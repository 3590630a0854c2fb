"""Sizes between JAX and SymPy, and what tracing decided about them.

JAX traces a function at symbolic sizes. Where the function, or a rule of JAX's, asks how two sizes compare, JAX either knows, refuses, or (for
an equality) says no without knowing. Here the example decides instead, as it does in PyTorch's export, and what was decided is written down.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import jax
from jax import export
from jax._src import core
from jax._src.export import shape_poly
from sympy import Add, Eq, Expr, Ge, Integer, Lt, Max, Min, Mod, Mul, Ne, Pow, Symbol, false, floor, true
from sympy.logic.boolalg import Boolean

from ...algebra.errors import FieldError, UnsupportedError

Relation = tuple[str, Any, Any]
"""A comparison of two sizes of JAX's: ``==``, ``!=``, ``>=`` or ``<``, and both sides."""

_OPERATIONS: dict[str, Callable[..., Expr]] = {
    "floordiv": lambda above, below: floor(above / below), "mod": Mod, "max": Max, "min": Min,
}  # fmt: skip
_RELATIONS = {"==": Eq, "!=": Ne, ">=": Ge, "<": Lt}
_FOLDS: dict[Any, Callable[[Any, Any], Any]] = {
    Add: lambda a, b: a + b, Mul: lambda a, b: a * b, Max: core.max_dim, Min: core.min_dim,
}  # fmt: skip


class Sizes:
    """JAX's sizes as expressions in the user's symbols, and the other way round."""

    def __init__(self, symbols: Sequence[Symbol], multiples: Sequence[tuple[str, int]] = ()):
        names = [f"size_{place}" for place in range(len(symbols))]
        self.symbols = dict(zip(names, symbols))
        self.scope = export.SymbolicScope([f"mod({text}, {factor}) == 0" for text, factor in multiples])
        made = export.symbolic_shape(", ".join(names), scope=self.scope) if symbols else ()
        self.variables = dict(zip(symbols, made))

    def __call__(self, size: Any) -> Expr:
        """A size of JAX's as an expression, read from its structure."""
        if not hasattr(size, "_sorted_terms"):
            return Integer(int(size))
        return Add(*(count * Mul(*map(self._power, term._factors)) for term, count in size._sorted_terms))

    def shape(self, shape: Sequence[Any]) -> tuple[Expr, ...]:
        return tuple(self(size) for size in shape)

    def _power(self, factor: tuple[Any, int]) -> Expr:
        one, exponent = factor
        if one.var is not None:
            return self.symbols[one.var] ** exponent
        if one.operation not in _OPERATIONS:
            raise UnsupportedError(f"JAX makes the size {one} by {one.operation}, which is not known here")
        return _OPERATIONS[one.operation](*map(self, one.operands)) ** exponent

    def to_jax(self, size: Expr) -> Any:
        """An expression in the user's symbols as a size of JAX's."""
        if size.is_Integer:
            return int(size)
        if isinstance(size, Symbol) and size in self.variables:
            return self.variables[size]
        if isinstance(size, Pow) and size.exp.is_Integer and size.exp > 0:
            return self.to_jax(size.base) ** int(size.exp)
        if isinstance(size, floor):
            quotient: Any = size.args[0]
            above, below = quotient.as_numer_denom()
            return self.to_jax(above) // self.to_jax(below)
        given: tuple[Any, ...] = size.args
        parts = [self.to_jax(part) for part in given]
        if isinstance(size, Mod):
            return parts[0] % parts[1]
        for kind, fold in _FOLDS.items():
            if isinstance(size, kind):
                return reduce(fold, parts)
        raise FieldError(
            f"dynamic={{...: {size}}}: a size is a name, or a sum, product or rounded quotient of symbols and integers"
        )

    def relation(self, found: Relation) -> Boolean:
        """A comparison of JAX's sizes as a relation between expressions."""
        sign, one, two = found
        made: Any = _RELATIONS[sign](self(one), self(two))
        return made.reversed if made not in (true, false) and made.lhs.is_number else made

    def multiple(self, found: Relation) -> tuple[str, int] | None:
        """What is divided by which number, if a comparison says that nothing remains: JAX can compute with that."""
        sign, one, two = found
        terms: Any = getattr(one, "_sorted_terms", ())
        if sign != "==" or not isinstance(two, int) or two != 0 or len(terms) != 1 or terms[0][1] != 1:
            return None
        factors = terms[0][0]._factors
        if len(factors) != 1 or factors[0][1] != 1 or factors[0][0].operation != "mod":
            return None
        above, below = factors[0][0].operands
        return (str(above), int(below)) if below._is_constant else None


_JAX = os.path.dirname(os.path.abspath(jax.__file__)) + os.sep
_CHOOSING = ("_src/numpy/", "_src/nn/", "_src/image/", "_src/scipy/", "numpy/", "nn/", "scipy/", "example_libraries/")
"""Where JAX itself chooses by sizes what is computed. Elsewhere it asks whether sizes fit, which follows from the layers' equations too."""
_LOCK = threading.RLock()


@contextmanager
def decided(sizes: Sizes, example: Mapping[Expr, Expr], extremes: bool) -> Iterator[list[Relation]]:
    """While this is entered, comparisons of sizes that JAX leaves open are decided by an example, and collected.

    JAX calls nobody when it compares, so that some of its functions are replaced for that time.

    Parameters
    ----------
    sizes : Sizes
    example : mapping of Symbol to Integer
    extremes : bool
        Decide which of two sizes is the larger one, where JAX would go on with their maximum or minimum.
    """
    found: list[Relation] = []
    kind: Any = shape_poly._DimExpr
    comparing: Any = shape_poly
    equality, inequality, at_least = kind.__eq__, kind.__ne__, comparing._geq_decision

    def at_example(size: Any) -> Expr:
        return sizes(size).xreplace(dict(example))

    def differs(one: Any, two: Any, frame: Any) -> bool:
        """Whether two sizes that JAX takes for different ones are so at the example; where that chooses something, it is noted."""
        if getattr(one, "scope", None) is not sizes.scope or not isinstance(two, (int, kind)) or isinstance(two, bool):
            return True
        by_jax = frame.f_code.co_filename.startswith(_JAX)
        if by_jax and not frame.f_code.co_filename[len(_JAX) :].startswith(_CHOOSING):
            return True
        if not isinstance(one - two, kind) or (
            by_jax and two in (0, 1)
        ):  # an axis of size 1 is broadcast, and no other
            return True
        same = at_example(one) == at_example(two)
        found.append(("==" if same else "!=", one, two))
        return not same

    def equal(one: Any, two: Any) -> Any:
        known = equality(one, two)
        return known if known is not False else not differs(one, two, sys._getframe(1))

    def unequal(one: Any, two: Any) -> Any:
        known = equality(one, two)
        return known if known is NotImplemented else not known and differs(one, two, sys._getframe(1))

    def greater(one: Any, two: Any, text: Any) -> bool:
        try:
            return bool(at_least(one, two, text))
        except shape_poly.InconclusiveDimensionOperation:
            if getattr(one if isinstance(one, kind) else two, "scope", None) is not sizes.scope:
                raise
        return chosen(one, two)

    def chosen(one: Any, two: Any) -> bool:
        """Whether one size is at least another, as at the example."""
        holds = bool(at_example(one) >= at_example(two))
        found.append((">=" if holds else "<", one, two))
        return holds

    def extreme(method: Any, larger: bool, turned: bool) -> Any:
        def choose(one: Any, two: Any) -> Any:
            known = method(one, two)
            ours = [getattr(size, "scope", sizes.scope) is sizes.scope for size in (one, two)]
            first, second = (two, one) if turned else (one, two)
            if not all(ours) or any(isinstance(known - size, int) for size in (first, second)):
                return known
            return first if chosen(first, second) == larger else second

        return choose

    with _LOCK:
        kind.__eq__, kind.__ne__, comparing._geq_decision = equal, unequal, greater
        before = {name: getattr(kind, name) for name in ("max", "rmax", "min", "rmin")}
        for name, method in before.items() if extremes else ():
            setattr(kind, name, extreme(method, name.endswith("max"), name.startswith("r")))
        try:
            yield found
        finally:
            kind.__eq__, kind.__ne__, comparing._geq_decision = equality, inequality, at_least
            for name, method in before.items():
                setattr(kind, name, method)
