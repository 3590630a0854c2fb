"""Sums in closed form.

A finite sum over the depth of a network, or over the places of a window, closes where the summand is a polynomial in
the index, times powers ``s**index``. For the polynomial part, with the Bernoulli numbers ``B_1 = +1/2`` (Faulhaber),

    sum_{i=1}^{n} i**p = 1/(p+1) sum_{k=0}^{p} C(p+1, k) B_k n**(p+1-k);

for the geometric part, with the polynomial ``Q`` for which ``r Q(x+1) - Q(x) = x**p``,

    sum_{i=a}^{b} i**p r**i = r**(b+1) Q(b+1) - r**a Q(a)      (r other than 1).

What is cut off at zero, as ``max(0, a + i)`` is, is a polynomial in ``v = a + i`` from where it begins: ``v**m`` over all places adds up to
``S_m(max(0, a + upper)) - S_m(max(0, a + lower - 1))``, ``S_m`` the polynomial above.

Whatever does not close stays an unevaluated `sympy.Sum`. All of it holds for ``upper >= lower - 1``; the sum is empty
when ``upper = lower - 1``.

References
----------
R. L. Graham, D. E. Knuth, O. Patashnik, *Concrete Mathematics*, 2nd edition, 1994, sections 2.6 and 6.5.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb

from sympy import Eq, Expr, Integer, Piecewise, Symbol, default_sort_key
from sympy.logic.boolalg import Boolean

from ..arguments import shown
from ..errors import FieldError
from . import signs as order
from .atoms import Atoms
from .evaluate import free_symbols
from .extrema import extremum
from .from_sympy import Converter, unevaluated_sum
from .lattice_points import lattice_count
from .polynomial import ONE, Coefficient, Monomial, Polynomial, Unopened, add, add_into, constant, scale, subtract

__all__ = ["lattice_count", "summation"]

#: A rest that does not close is written out over literal limits with no more places than this.
EXPAND_BUDGET = 64
#: Powers of the index above this are left in the unevaluated rest.
DEGREE_BUDGET = 100


def summation(expr: Expr | int, index: Symbol, lower: Expr | int, upper: Expr | int) -> Expr:
    """The sum over ``index = lower, ..., upper``, closed where it can be.

    Parameters
    ----------
    expr : sympy.Expr
        The summand.
    index : sympy.Symbol
        It runs through the integers of the sum, whatever else its assumptions say.
    lower, upper : sympy.Expr or int
        The first and the last place; ``upper >= lower - 1`` is taken for granted, and the sum is empty at ``lower -
        1``.

    Returns
    -------
    sympy.Expr
        In normal form. A symbolic ratio that may be 1 makes a `sympy.Piecewise` of two cases.

    Raises
    ------
    FieldError
        If the index is no symbol, or occurs in a limit, or the sum is known to run backwards.

    Examples
    --------
    >>> from sympy import symbols
    >>> L, g, c = symbols("L g c", integer=True, positive=True)
    >>> l = symbols("l", integer=True)
    >>> summation(c + l*g, l, 0, L - 1)
    L**2*g/2 + L*c - L*g/2
    >>> summation(2**l, l, 0, L - 1)
    2**L - 1
    """
    if not isinstance(index, Symbol):
        raise FieldError(f"the index of a sum must be a symbol, got {shown(index)}")
    body, first, last = (_expression(value) for value in (expr, lower, upper))
    for name, end in (("lower", first), ("upper", last)):
        if index in free_symbols(end):
            raise FieldError(f"the {name} limit {end} contains the index {index}; use another symbol for the index")
    plain = Atoms()
    ends = [Converter(plain).polynomial(end) for end in (first, last)]
    places = add(ends[1], scale(ends[0], -1), constant(1))
    if not places:
        return Integer(0)
    if order.is_positive(plain, scale(places, -1)):
        raise FieldError(
            f"a sum from {first} to {last} runs backwards; its last place must be at least its first less one"
        )
    atoms = Atoms({index: (order.lower_bound(plain, ends[0]), order.upper_bound(plain, ends[1]))})
    converter = Converter(atoms)
    return _Closing(converter, index, converter.polynomial(first), converter.polynomial(last)).sum(
        converter.polynomial(body)
    )


def _expression(value: Expr | int) -> Expr:
    if isinstance(value, int) and not isinstance(value, bool):
        return Integer(value)
    if not isinstance(value, Expr):
        raise FieldError(f"a sum takes expressions and integers, got {shown(value)} of type {type(value).__name__}")
    return value


class _Closing:
    """One sum being closed: the index, the limits, and the atoms of its polynomials."""

    def __init__(self, converter: Converter, index: Symbol, lower: Polynomial, upper: Polynomial):
        self.converter, self.atoms, self.index = converter, converter.atoms, index
        self.place = next(iter(self.atoms.symbol(index)))[0][0]
        self.lower, self.upper = lower, upper
        self.after = add(upper, constant(1))
        self._varies: dict[int, bool] = {self.place: True}

    def sum(self, body: Polynomial) -> Expr:
        """The sum of a polynomial."""
        groups: dict[frozenset[tuple[Monomial, Coefficient]], tuple[Polynomial, dict[int, Polynomial]]] = {}
        rest: Polynomial = {}
        for monomial, value in body.items():
            parts = self._parts(monomial)
            if parts is None:
                rest[monomial] = value
                continue
            degree, ratio, others = parts
            _, powers = groups.setdefault(frozenset(ratio.items()), (ratio, {}))
            add_into(powers.setdefault(degree, {}), {others: value})
        total: Polynomial = {}
        for ratio, powers in groups.values():
            closed = self._closed(ratio, powers)
            if closed is None:
                for degree, factor in powers.items():
                    again = [(self.atoms.symbol(self.index), degree), (self._ratio_power(ratio), 1), (factor, 1)]
                    add_into(rest, self.atoms.product(again))
            else:
                add_into(total, closed)
        if rest:
            add_into(total, self._unclosed(rest))
        return self.atoms.to_expr(total)

    def _parts(self, monomial: Monomial) -> tuple[int, Polynomial, Monomial] | None:
        """``(p, r, c)`` of a term ``c i**p r**i``; None for a term of another form."""
        degree, ratio, others = 0, constant(1), []
        for number, exponent in monomial:
            if number == self.place:
                if type(exponent) is not int or not 0 <= exponent <= DEGREE_BUDGET:
                    return None
                degree = exponent
            elif not self._is_varying(number):
                others.append((number, exponent))
            else:
                atom = self.atoms.list[number]
                if atom.kind not in ("power", "sign"):
                    return None
                base, ((above, _),) = atom.parts[0], atom.parts[1].items()
                left = tuple((n, e) for n, e in above if n != self.place)
                if (self.place, 1) not in above or any(self._is_varying(n) for m in (*base, left) for n, _ in m):
                    return None
                step = self.converter.power(base, {left: 1})
                if step is None:
                    return None
                ratio = self.atoms.product([(ratio, 1), (step, exponent)])
        return degree, ratio, tuple(others)

    def _is_varying(self, number: int) -> bool:
        if number not in self._varies:
            self._varies[number] = self.index in free_symbols(self.atoms.list[number].expr)
        return self._varies[number]

    def _ratio_power(self, ratio: Polynomial, exponent: Polynomial | None = None) -> Polynomial:
        """``r`` to the index, or to another exponent."""
        raised = self.converter.power(ratio, self.atoms.symbol(self.index) if exponent is None else exponent)
        if raised is None:
            raise Unopened("a ratio of unknown sign")
        return raised

    def _closed(self, ratio: Polynomial, powers: dict[int, Polynomial]) -> Polynomial | None:
        """The sum over ``c_p i**p r**i`` for all ``p``."""
        if ratio == constant(1):
            return self._polynomial_case(powers)
        if len(ratio) == 1 and ONE in ratio:
            return self._numeric_case(ratio, powers)
        geometric = self._symbolic_case(ratio, powers)
        distance = subtract(ratio, constant(1))
        if order.is_positive(self.atoms, distance) or order.is_positive(self.atoms, scale(distance, -1)):
            return geometric
        to_expr = self.atoms.to_expr
        is_one = Eq(to_expr(self._base_of(ratio)), 1)
        cases = Piecewise((to_expr(self._polynomial_case(powers)), is_one), (to_expr(geometric), True))
        return self.converter.polynomial(cases)

    def _base_of(self, ratio: Polynomial) -> Polynomial:
        """A simpler thing that is 1 exactly where the ratio is."""
        if len(ratio) == 1:
            (((number, _), *more), value), *_ = ratio.items()
            if not more and value == 1 and order.is_positive_atom(self.atoms, number):
                return {((number, 1),): 1}
        return ratio

    def _polynomial_case(self, powers: dict[int, Polynomial]) -> Polynomial:
        total: Polynomial = {}
        before = subtract(self.lower, constant(1))
        for degree, factor in powers.items():
            row = _faulhaber(degree)
            sums = subtract(self._at(row, self.upper), self._at(row, before))
            add_into(total, self.atoms.multiply(factor, sums))
        return total

    def _at(self, row: tuple[Coefficient, ...], place: Polynomial) -> Polynomial:
        total: Polynomial = {}
        for exponent, value in enumerate(row):
            if value:
                add_into(total, self.atoms.power(place, exponent) if exponent else constant(1), value)
        return total

    def _numeric_case(self, ratio: Polynomial, powers: dict[int, Polynomial]) -> Polynomial:
        total: Polynomial = {}
        ends = [(self._ratio_power(ratio, end), end, sign) for end, sign in ((self.after, 1), (self.lower, -1))]
        for degree, factor in powers.items():
            row = _geometric(degree, Fraction(ratio[ONE]))
            for raised, end, sign in ends:
                add_into(total, self.atoms.product([(factor, 1), (raised, 1), (self._at(row, end), 1)]), sign)
        return total

    def _symbolic_case(self, ratio: Polynomial, powers: dict[int, Polynomial]) -> Polynomial:
        """The coefficients of ``Q`` are polynomials in the ratio, over powers of the ratio less one."""
        atoms = self.atoms
        total: Polynomial = {}
        less_one = subtract(ratio, constant(1))
        ends = [(self._ratio_power(ratio, end), end, sign) for end, sign in ((self.after, 1), (self.lower, -1))]
        for degree, factor in powers.items():
            rows = _geometric_numerators(degree)
            for raised, end, sign in ends:
                for exponent, row in enumerate(rows):
                    over = [(factor, 1), (raised, 1), (self._at(row, ratio), 1), (less_one, exponent - degree - 1)]
                    add_into(total, atoms.product([*over, (end, exponent)]), sign)
        return total

    def _unclosed(self, rest: Polynomial) -> Polynomial:
        """The rest written out over few literal places, or as an unevaluated sum."""
        low, high = (end.get(ONE, 0) if not any(end) else None for end in (self.lower, self.upper))
        expr = self.atoms.to_expr(rest)
        total: Polynomial = {}
        if type(low) is int and type(high) is int and high - low < EXPAND_BUDGET:
            for place in range(low, high + 1):
                add_into(total, Converter(self.atoms, {self.index: constant(place)}).polynomial(expr))
            return total
        clipped = {monomial: self._clipped(monomial) for monomial in rest}
        if any(closed is not None for closed in clipped.values()):
            left: Polynomial = {}
            for monomial, value in rest.items():
                closed = clipped[monomial]
                add_into(left if closed is None else total, {monomial: 1} if closed is None else closed, value)
            return add(total, self._unclosed(left)) if left else total
        by_cases = self._by_cases(expr)
        if by_cases is not None:
            return by_cases
        made = unevaluated_sum(expr, (self.index, self.atoms.to_expr(self.lower), self.atoms.to_expr(self.upper)))
        return self.converter.sum_atom(made, self.atoms.is_integer(rest), order.is_nonnegative(self.atoms, rest))

    def _clipped(self, monomial: Monomial) -> Polynomial | None:
        """The sum of ``c i**p max(b, u)**q``, or of the same with min, where u goes up or down by one; None for a term of another form."""
        degree, others, cut = 0, [], []
        for number, exponent in monomial:
            if number == self.place:
                degree = exponent  # type: ignore[assignment]
            elif self._is_varying(number):
                cut.append((self.atoms.list[number], exponent))
            else:
                others.append((number, exponent))
        if len(cut) != 1 or not all(type(one) is int and 0 <= one <= DEGREE_BUDGET for one in (degree, cut[0][1])):
            return None
        ((atom, raised),) = cut
        power = int(raised)
        if atom.kind not in ("max", "min") or len(atom.parts) != 2:
            return None
        level, moving = sorted(atom.parts, key=self._moves)
        if self._moves(level):
            return None
        sign = 1 if atom.kind == "max" else -1  # min(b, u) = b - max(0, b - u)
        inner = scale(subtract(moving, level), sign)
        total = self.atoms.product([(level, power), (self._polynomial_case({degree: constant(1)}), 1)])
        for times in range(1, power + 1):
            above = self._above_zero(inner, degree, times)
            if above is None:
                return None
            rest = self.atoms.power(level, power - times) if power > times else constant(1)
            add_into(total, self.atoms.multiply(above, rest), comb(power, times) * sign**times)
        return self.atoms.multiply(total, {tuple(others): 1})

    def _moves(self, polynomial: Polynomial) -> bool:
        return any(self._is_varying(number) for monomial in polynomial for number, _ in monomial)

    def _above_zero(self, inner: Polynomial, degree: int, power: int) -> Polynomial | None:
        """The sum of ``i**p max(0, v)**q`` for ``v = a + i`` or ``v = a - i`` with an integer a."""
        index = ((self.place, 1),)
        step, offset = inner.get(index, 0), {key: value for key, value in inner.items() if key != index}
        if step not in (1, -1) or self._moves(offset):
            return None
        if not all(map(self.atoms.is_integer, (offset, self.lower, self.upper))):
            return None
        ends = (self.upper, subtract(self.lower, constant(1))) if step > 0 else (self.lower, self.after)
        above, below = (extremum(self.atoms, [{}, add(offset, scale(end, step))], "max") for end in ends)
        total: Polynomial = {}
        for part in range(degree + 1):  # i = step*(v - a)
            row = _faulhaber(power + part)
            sums = subtract(self._at(row, above), self._at(row, below))
            rest = self.atoms.power(scale(offset, -1), degree - part) if degree > part else constant(1)
            add_into(total, self.atoms.multiply(sums, rest), comb(degree, part) * step**degree)
        return total

    def _by_cases(self, expr: Expr) -> Polynomial | None:
        """Cases that do not depend on the index stand outside of the sum, and each is summed by itself."""
        outside = [part for part in expr.atoms(Piecewise) if not any(case.cond.has(self.index) for case in part.args)]
        if not outside:
            return None
        conditions = [case.cond for case in min(outside, key=default_sort_key).args]
        sums = []
        for place, condition in enumerate(conditions):
            value = _where(expr, conditions, place)
            closed = self.sum(self.converter.polynomial(value))
            sums.append((_where(closed, conditions, place), condition))
        return self.converter.polynomial(Piecewise(*sums))


def _where(expr: Expr, conditions: list[Boolean], place: int) -> Expr:
    """An expression in one of several cases: what is a matter of the same cases is decided there."""
    chosen = {
        part: part.args[place].expr for part in expr.atoms(Piecewise) if [case.cond for case in part.args] == conditions
    }
    found = expr.xreplace(chosen)
    known = conditions[place]
    if isinstance(known, Eq) and known.lhs.is_Symbol and known.rhs.is_number:
        found = found.xreplace({known.lhs: known.rhs})
    return found


@lru_cache(maxsize=256)
def _bernoulli(k: int) -> Fraction:
    """The Bernoulli number with ``B_1 = +1/2``."""
    if k == 0:
        return Fraction(1)
    return 1 - sum((comb(k, j) * _bernoulli(j) / (k - j + 1) for j in range(k)), Fraction(0))


@lru_cache(maxsize=256)
def _faulhaber(degree: int) -> tuple[Coefficient, ...]:
    """The coefficients of ``1**p + ... + n**p`` as a polynomial in ``n``, which vanishes at 0."""
    row = [Fraction(0)] * (degree + 2)
    for k in range(degree + 1):
        row[degree + 1 - k] = comb(degree + 1, k) * _bernoulli(k) / (degree + 1)
    return tuple(row)


@lru_cache(maxsize=256)
def _geometric(degree: int, ratio: Fraction) -> tuple[Coefficient, ...]:
    """The coefficients of ``Q`` with ``r Q(x+1) - Q(x) = x**p``."""
    row = [Fraction(0)] * (degree + 1)
    for k in range(degree, -1, -1):
        above = sum((comb(j, k) * row[j] for j in range(k + 1, degree + 1)), Fraction(0))
        row[k] = ((1 if k == degree else 0) - ratio * above) / (ratio - 1)
    return tuple(row)


@lru_cache(maxsize=256)
def _geometric_numerators(degree: int) -> tuple[tuple[int, ...], ...]:
    """``N_k(r)``, by rising powers, with ``Q = sum_k N_k(r) / (r-1)**(p-k+1) x**k``.

    From ``(r-1) q_k + r sum_{j>k} C(j,k) q_j = [k = p]``: ``N_p = 1`` and ``N_k = -r sum_{j>k} C(j,k) (r-1)**(j-k-1)
    N_j``.
    """
    rows: list[list[int]] = [[] for _ in range(degree + 1)]
    rows[degree] = [1]
    for k in range(degree - 1, -1, -1):
        total = [0] * (degree - k + 1)
        for j in range(k + 1, degree + 1):
            power = j - k - 1
            for a in range(power + 1):
                factor = comb(j, k) * comb(power, a) * (-1) ** (power - a)
                for b, value in enumerate(rows[j]):
                    total[a + b + 1] -= factor * value
        rows[k] = total
    return tuple(tuple(row) for row in rows)
