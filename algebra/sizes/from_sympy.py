"""From SymPy expressions to polynomials over atoms, every node by the rules for its kind.

>>> from sympy import Symbol, ceiling
>>> H = Symbol("H", integer=True, positive=True)
>>> converter = Converter(Atoms())
>>> converter.atoms.to_expr(converter.polynomial(ceiling(H / 2)))
floor(H/2 + 1/2)
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import inf
from typing import Any

from sympy import Abs, Basic, Dummy, Expr, Integer, Mod, Mul, Piecewise, Pow, S, Sum, Symbol, Tuple, ceiling, floor
from sympy.core.add import Add
from sympy.core.relational import (
    Equality,
    GreaterThan,
    LessThan,
    Relational,
    StrictGreaterThan,
    StrictLessThan,
    Unequality,
)
from sympy.functions.elementary.miscellaneous import Max, Min
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from . import signs as order
from .atoms import Atoms
from .cancellation import cancelled
from .extrema import extremum
from .intervals import ANYTHING
from .polynomial import (
    ONE,
    Coefficient,
    Monomial,
    Polynomial,
    Unopened,
    add,
    constant,
    content,
    from_number,
    prime_powers,
    scale,
    subtract,
)
from .rounding import ceiling_of, floor_of

#: Of foreign nodes with more parts than this, SymPy is not asked for integrality and sign.
ASKED_BUDGET = 200

_INFINITE = (S.Infinity, S.NegativeInfinity, S.ComplexInfinity, S.NaN)


class Uncommutative(Exception):
    """Factors that do not commute; such an expression is left alone."""


class Converter:
    """Turns SymPy expressions into polynomials over the atoms of one computation, without recursion.

    Parameters
    ----------
    atoms : Atoms
    replaced : mapping of Symbol to polynomial, optional
        What stands for a symbol, at once for all.
    """

    def __init__(self, atoms: Atoms, replaced: Mapping[Symbol, Polynomial] | None = None):
        self.atoms = atoms
        self.replaced = dict(replaced or {})
        self._done: dict[int, Any] = {}
        self._kept: list[Basic] = []  # a key of _done is an address, so that its owner must stay
        self._depth = 0

    def polynomial(self, expr: Expr) -> Polynomial:
        """The polynomial of an expression."""
        self._kept.append(expr)
        stack: list[Basic] = [expr]
        done = self._done
        while stack:
            node = stack[-1]
            if id(node) in done:
                stack.pop()
                continue
            leaf = self._leaf(node)
            if leaf is not None:
                done[id(node)] = leaf
                stack.pop()
                continue
            missing = [child for child in node.args if id(child) not in done]
            if missing:
                stack.extend(missing)
                continue
            done[id(node)] = self._combined(node)
            stack.pop()
        return done[id(expr)]

    def _leaf(self, node: Basic) -> Any:
        if node.is_Rational:
            return constant(from_number(node))
        if node.is_Symbol:
            if node in self.replaced:
                return self.replaced[node]
            if not node.is_commutative:
                raise Uncommutative
            return self.atoms.symbol(node)
        if isinstance(node, Sum):
            return self._sum(node)
        if not isinstance(node, Expr):
            return None if node.args and isinstance(node, Boolean | ExprCondPair | Tuple) else node
        if not node.args or getattr(node, "is_Matrix", False):
            if not node.is_commutative:
                raise Uncommutative
            return self._other(node)
        return None

    def _combined(self, node: Basic) -> Any:
        parts = [self._done[id(child)] for child in node.args]
        if isinstance(node, ExprCondPair):
            return tuple(parts)
        if isinstance(node, Relational) and all(isinstance(part, dict) for part in parts):
            return self._relation(node, *parts)
        if not isinstance(node, Expr):
            return self._rebuilt(node, parts)
        try:
            if not any(child in _INFINITE for child in node.args if child.is_Number or child is S.ComplexInfinity):
                made = self._opened(node, parts)
                if made is not None:
                    return made
        except Unopened:
            pass
        rebuilt = self._rebuilt(node, parts)
        if not rebuilt.is_commutative:
            raise Uncommutative
        if rebuilt.func is node.func or self._depth > 3:
            return self._other(rebuilt)
        self._depth += 1
        made = self.polynomial(rebuilt)
        self._depth -= 1
        return made

    def _opened(self, node: Expr, parts: list[Any]) -> Polynomial | None:
        atoms = self.atoms
        if isinstance(node, Add):
            return cancelled(atoms, add(*parts))
        if isinstance(node, Mul):
            return cancelled(atoms, atoms.product([(part, 1) for part in parts]))
        if isinstance(node, Pow):
            return self.power(*parts)
        if isinstance(node, floor):
            return floor_of(atoms, parts[0])
        if isinstance(node, ceiling):
            return ceiling_of(atoms, parts[0])
        if isinstance(node, Mod):
            value, modulus = parts
            if not modulus:
                return None
            quotient = floor_of(atoms, atoms.product([(value, 1), (modulus, -1)]))
            return subtract(value, atoms.multiply(modulus, quotient))
        if isinstance(node, Piecewise):
            return atoms.cases(parts)
        if isinstance(node, Abs):
            for sign in (1, -1):
                if order.is_nonnegative(atoms, scale(parts[0], sign)):
                    return scale(parts[0], sign)
        if isinstance(node, Max):
            return extremum(atoms, parts, "max")
        if isinstance(node, Min):
            return extremum(atoms, parts, "min")
        return None

    def _relation(self, node: Relational, left: Polynomial, right: Polynomial) -> Boolean:
        """A relation, decided where the sign of the difference is known."""
        difference = subtract(left, right)
        if isinstance(node, Equality | Unequality):
            if not difference:
                return S.true if isinstance(node, Equality) else S.false
            if order.is_positive(self.atoms, difference) or order.is_positive(self.atoms, scale(difference, -1)):
                return S.false if isinstance(node, Equality) else S.true
        elif isinstance(node, LessThan | StrictLessThan | GreaterThan | StrictGreaterThan):
            if isinstance(node, LessThan | StrictLessThan):
                difference = scale(difference, -1)
            strict = isinstance(node, StrictLessThan | StrictGreaterThan)
            yes, no = (order.is_positive, order.is_nonnegative) if strict else (order.is_nonnegative, order.is_positive)
            if yes(self.atoms, difference):
                return S.true
            if no(self.atoms, scale(difference, -1)):
                return S.false
        return node.func(self.atoms.to_expr(left), self.atoms.to_expr(right), evaluate=False)

    def _rebuilt(self, node: Basic, parts: list[Any]) -> Any:
        """The node with its simplified arguments; unchanged where it does not take them."""
        if isinstance(node, Piecewise):
            return node
        arguments = [self.atoms.to_expr(part) if isinstance(part, dict) else part for part in parts]
        if all(old is new or old == new for old, new in zip(node.args, arguments, strict=True)):
            return node
        try:
            return node.func(*arguments)
        except Exception:  # a foreign class may raise anything; its node is then kept
            return node

    def sum_atom(self, made: Expr, integer: bool, nonnegative: bool) -> Polynomial:
        """An unevaluated sum as an atom, with what is known of its summand."""
        if not isinstance(made, Sum):
            self._kept.append(made)
            return self.polynomial(made)
        number = self.atoms.number(made, "other", integer)
        self.atoms.list[number].bounds = (0 if nonnegative else -inf), inf
        self.atoms.list[number].positive = False
        return {((number, 1),): 1}

    def _other(self, expr: Expr) -> Polynomial:
        """A foreign node as an atom; of a long one SymPy is not asked what it knows."""
        number = self.atoms.number(expr, "other", False)
        atom = self.atoms.list[number]
        if atom.size > ASKED_BUDGET:
            atom.bounds, atom.positive = ANYTHING, False
        elif not atom.integer:
            atom.integer = bool(expr.is_integer)
        return {((number, 1),): 1}

    # Powers

    def power(self, base: Polynomial, exponent: Polynomial) -> Polynomial | None:
        """A power of polynomials; None where nothing is known by which it could be taken apart."""
        atoms = self.atoms
        if not any(exponent):  # a number
            value = exponent.get(ONE, 0)
            if base or value >= 0:
                return self.atoms.power(base, value) if value else constant(1)
            return None
        if not base:
            return None
        if len(base) > 1:
            if order.is_positive(atoms, base):
                part = content(base)
                unit = atoms.unit(scale(base, Fraction(1) / part))
                return atoms.product([(self._number_to(part, exponent), 1), (self._atom_to(unit, exponent), 1)])
            return None
        ((monomial, value),) = base.items()
        integer = atoms.is_integer(exponent)
        if value < 0 and not integer:
            return None
        factors = [(self._number_to(max(value, -value), exponent), 1)]
        if value < 0:
            odd = {m: c % 2 for m, c in exponent.items() if c % 2}
            factors.append((self._sign_to(odd), 1))
        for number, power in monomial:
            whole = scale(exponent, power)
            if order.is_positive_atom(atoms, number):
                factors.append((self._atom_to(number, whole), 1))
            elif integer and type(power) is int:
                factors.append((self._opaque(atoms.list[number].expr, whole, base=number), 1))
            else:
                return None
        return atoms.product(factors)

    def _number_to(self, value: Coefficient, exponent: Polynomial) -> Polynomial:
        if value == 1:
            return constant(1)
        factors = []
        for prime, power in prime_powers(value).items():
            whole = scale(exponent, power)
            factors.append((self._powers(Integer(prime), constant(prime), whole), 1))
        return self.atoms.product(factors)

    def _atom_to(self, number: int, exponent: Polynomial) -> Polynomial:
        atom = self.atoms.list[number]
        if atom.kind == "power":  # (b**e)**f = b**(e f) for a positive b
            base, inner = atom.parts
            return self._powers(atom.expr.args[0], base, self.atoms.multiply(inner, exponent))
        return self._powers(atom.expr, {((number, 1),): 1}, exponent)

    def _powers(self, base_expr: Expr, base: Polynomial, exponent: Polynomial) -> Polynomial:
        """A positive base to a symbolic exponent: one atom for each of its terms."""
        atoms = self.atoms
        factors: list[tuple[Polynomial, Coefficient]] = []
        for monomial, value in exponent.items():
            if not monomial:
                factors.append((base, value))
                continue
            integer = atoms.is_integer(base) and self._is_nonnegative_integer(monomial)
            number = atoms.number(Pow(base_expr, atoms.term(monomial, 1)), "power", integer, (base, {monomial: 1}))
            atoms.list[number].positive = True
            factors.append(({((number, 1),): 1}, value))
        return atoms.product(factors)

    def _is_nonnegative_integer(self, monomial: Monomial) -> bool:
        return self.atoms.is_integer_monomial(monomial) and order.is_nonnegative(self.atoms, {monomial: 1})

    def _sign_to(self, odd: Polynomial) -> Polynomial:
        """``(-1)**e`` for an integer ``e`` whose coefficients are 0 or 1."""
        result = constant(-1 if ONE in odd else 1)
        for monomial in odd:
            if monomial:
                made = Pow(S.NegativeOne, self.atoms.term(monomial, 1))
                part = self.atoms.atom(made, "sign", True, (constant(-1), {monomial: 1}))
                result = self.atoms.multiply(result, part)
        return result

    def _opaque(self, expr: Expr, exponent: Polynomial, base: int) -> Polynomial:
        made = Pow(expr, self.atoms.to_expr(exponent))
        integer = self.atoms.list[base].integer and order.is_nonnegative(self.atoms, exponent)
        return self.atoms.atom(made, "other", bool(integer))

    # Sums

    def _sum(self, node: Sum) -> Polynomial:
        """An unevaluated sum with its summand and limits simplified; the index is an integer between its limits."""
        if any(len(limit) != 3 for limit in node.limits):
            return self._other(node)
        bounds, replaced = dict(self.atoms.bounds), dict(self.replaced)
        used = {
            s for value in replaced.values() for m in value for n, _ in m for s in self.atoms.list[n].expr.free_symbols
        }
        limits, all_forwards = [], True
        for index, *ends in reversed(node.limits):  # the last limit is the outermost
            inner = self._within(bounds, replaced)
            first, last = (inner.polynomial(end) for end in ends)
            low, high = inner.atoms.to_expr(first), inner.atoms.to_expr(last)
            replaced.pop(index, None)
            shown = index
            if index in used:  # a symbol that comes in from outside must not be caught by the index
                shown = Dummy(index.name, integer=True)
                replaced[index] = self.atoms.symbol(shown)
            limits.append((shown, low, high))
            span = add(last, scale(first, -1), constant(1))
            if not span:
                return {}
            # Where the last may be less than the first, sums count backwards, beyond their limits.
            forwards = order.is_nonnegative(inner.atoms, span)
            all_forwards = all_forwards and forwards
            bounds[shown] = ANYTHING
            if forwards:
                bounds[shown] = order.lower_bound(inner.atoms, first), order.upper_bound(inner.atoms, last)
        inner = self._within(bounds, replaced)
        body = inner.polynomial(node.function)
        if not body:
            return {}
        made = unevaluated_sum(inner.atoms.to_expr(body), *reversed(limits))
        nonnegative = all_forwards and order.is_nonnegative(inner.atoms, body)
        return self.sum_atom(made, inner.atoms.is_integer(body), nonnegative)

    def _within(self, bounds: Mapping[Symbol, Any], replaced: Mapping[Symbol, Polynomial]) -> Converter:
        """A converter for the inside of a sum, where the index has bounds of its own."""
        plain = Converter(Atoms(bounds, deciding=self.atoms.deciding))
        carried = {symbol: plain.polynomial(self.atoms.to_expr(value)) for symbol, value in replaced.items()}
        return Converter(plain.atoms, carried)


def unevaluated_sum(summand: Expr, *limits: tuple[Symbol, Expr, Expr]) -> Expr:
    """A `sympy.Sum`; one with cases inside is built without SymPy's folding of them, whose number may explode."""
    if not summand.has(Piecewise):
        return Sum(summand, *limits)
    made = Expr.__new__(Sum, summand, *(Tuple(*limit) for limit in limits))
    made.is_commutative = summand.is_commutative
    return made
