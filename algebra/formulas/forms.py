"""The forms in which a formula is written: expanded, factored, collected by a symbol, or the shortest of these.

>>> from layeralgebra import dims
>>> H, W, k, c = dims("H W k c")
>>> size = ((H - k + 1)*(W - k + 1)*c).expand()
>>> from layeralgebra.algebra.formulas.text import formula_text
>>> formula_text(size)
'c*(H - k + 1)*(W - k + 1)'
>>> formula_text(size, form="collected", by=H)
'H*c*(W - k + 1) + c*(k - 1)*(k - W - 1)'

What is written has the value of the formula wherever that has one. Equality is a matter of the normal form
(`layeralgebra.simplify`), never of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Float, Piecewise, S, Sum, Symbol, Tuple, log, preorder_traversal
from sympy.core.relational import Equality, Unequality
from sympy.functions.elementary.miscellaneous import Max, Min
from sympy.logic.boolalg import Boolean

from ..arguments import shown
from ..errors import FieldError
from ..records import dataclass
from ..sizes.atoms import Atoms
from ..sizes.from_sympy import Converter, Uncommutative
from ..sizes.polynomial import Monomial, Polynomial, add, constant, scale, subtract
from ..sizes.signs import is_positive_atom
from .display import number as as_number
from .display import product, total
from .lengths import text_length
from .quotients import factored, quotient
from .written_atoms import WrittenAtoms

#: A formula with more nodes than this, or that has more terms, is written as it is given.
NODE_BUDGET, TERM_BUDGET = 6000, 400
#: Sums with more terms times atoms than this are not collected inside of other sums.
COLLECTED_BUDGET = 60

#: LaTeX is compared of what is at most so many times as long as the shortest, as plain text.
SPREAD = 1.25

FORMS = ("shortest", "expanded", "factored", "collected", "given")


@dataclass(frozen=True)
class Form:
    """How formulas are to be written.

    Attributes
    ----------
    name : str
        ``"shortest"``, ``"expanded"``, ``"factored"``, ``"collected"`` or ``"given"``: as SymPy has it.
    by : tuple of Symbol
        By what it is collected, from the outside; of none, by the symbol that leaves it shortest.
    """

    name: str = "shortest"
    by: tuple[Symbol, ...] = ()

    def of(self, expr: Any) -> Any:
        """The candidate that is shortest as text; of equals the first."""
        found = list(self.candidates(expr))
        return min(found, key=text_length) if len(found) > 1 else found[0]

    def printed(self, expr: Any, printed: Callable[[Expr], str]) -> str:
        """The shortest of what a printer makes of the candidates; of equals the first."""
        found = list(self.candidates(expr))
        if len(found) > 1:  # what is much longer as plain text is not typeset to be compared
            most = SPREAD * min(map(text_length, found)) + 8
            found = list(dict.fromkeys(candidate for candidate in found if text_length(candidate) <= most))
        return min(map(printed, found), key=len)

    def candidates(self, expr: Any) -> Iterator[Expr]:
        """What the form leaves to choose from, in the order of preference."""
        if self.name == "given" or not isinstance(expr, Expr) or expr.is_Atom:
            yield expr
            return
        found = _forms(expr)
        if found is None:
            yield expr
        elif self.name == "shortest":
            yield expr
            yield from found.all()
        elif self.name == "collected" and not self.by:
            yield from found.collected_by_any()
        elif self.name == "collected":
            yield found.collected(self.by)
        else:
            yield found.expanded() if self.name == "expanded" else found.factored()


SHORTEST, GIVEN = Form(), Form("given")


def as_form(form: Any, by: Any = None, style: Any = None) -> Form:
    """The form of a name, or as it is; where none is asked for that of a style, if there is one.

    Raises
    ------
    FieldError
        If there is no such form, or `by` is no symbol, or it is given to a form that does not collect.
    """
    if isinstance(form, Form) and by is None:
        return form
    if style is not None and form == "shortest" and by is None:
        form, by = style.form, style.by
    if form not in FORMS:
        raise FieldError(f"form must be one of {', '.join(FORMS)}, got {shown(form)}")
    if by is None:
        return Form(form)
    symbols = tuple(by) if isinstance(by, (tuple, list, Tuple)) else (by,)
    if not symbols or not all(isinstance(symbol, Symbol) for symbol in symbols):
        raise FieldError(f"by must be a symbol of the formula or several, got {shown(by)}; write by=dims('c')")
    if form != "collected":
        raise FieldError(f"by is for form='collected', and the form is {form!r}; leave one of them out")
    return Form(form, symbols)


@lru_cache(maxsize=512)
def _forms(expr: Expr) -> _Forms | None:
    """The forms of an expression; None for one that is left as it is."""
    count = 0
    for node in preorder_traversal(expr):
        count += 1
        if count > NODE_BUDGET or isinstance(node, Float):
            return None
    try:
        return _Forms(expr)
    except (Uncommutative, RecursionError):
        return None


class _Forms:
    """One formula as a polynomial, and the ways to write it."""

    def __init__(self, expr: Expr):
        self.atoms = Atoms()
        self.writer = _Writer(self.atoms)
        self.polynomial = self.writer.rewritten(Converter(self.atoms).polynomial(expr))
        if len(self.polynomial) > TERM_BUDGET:
            raise RecursionError
        self._known: dict[Any, Expr] = {}

    def _made(self, key: Any, make: Callable[[], Expr]) -> Expr:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def expanded(self) -> Expr:
        return self._made("expanded", lambda: self.writer.expanded(self.polynomial, "expanded"))

    def factored(self) -> Expr:
        return self._made("factored", lambda: self.writer.factored(self.polynomial, "factored"))

    def collected(self, by: tuple[Symbol, ...]) -> Expr:
        """By symbols, from the outside."""
        return self._made(by, lambda: self._collected(self.polynomial, by))

    def _collected(self, polynomial: Polynomial, by: tuple[Symbol, ...], in_brackets: bool = False) -> Expr:
        if not by:
            return self.writer.coefficient(polynomial, in_brackets)
        ((monomial, _),) = self.atoms.symbol(by[0]).items()
        return self.writer.collected(
            polynomial, monomial[0][0], lambda part, inside: self._collected(part, by[1:], inside)
        )

    def symbols(self) -> list[Symbol]:
        """By what the sum can be collected: symbols that some of its terms have."""
        found = {n for monomial in self.polynomial for n, _ in monomial if self.atoms.list[n].kind == "symbol"}
        return [self.atoms.list[n].expr for n in sorted(found, key=self.atoms.key)]

    def collected_by_any(self) -> Iterator[Expr]:
        symbols = self.symbols()
        yield from (self.collected((symbol,)) for symbol in symbols)
        if not symbols:
            yield self.expanded()

    def all(self) -> Iterator[Expr]:
        """Every candidate of the shortest form."""
        yield self.expanded()
        if len(self.polynomial) > 1 or any(e < 0 for monomial in self.polynomial for _, e in monomial) or self._cases():
            yield self.factored()
        if len(self.polynomial) > 1:
            yield from self.collected_by_any()
        if self._cases():
            yield self._made("shortest", lambda: self.writer.shortest(self.polynomial))

    def _cases(self) -> bool:
        return any(self.atoms.list[n].kind == "cases" for monomial in self.polynomial for n, _ in monomial)


class _Writer:
    """Polynomials as expressions to be read, each in its shortest form."""

    def __init__(self, atoms: Atoms):
        self.atoms = atoms
        self.reading = WrittenAtoms(atoms, self.shortest, self.length)
        self._shown: dict[tuple[int, str], Expr] = {}
        self._lengths: dict[int, int] = {}
        self._known: dict[frozenset[Any], list[Expr]] = {}

    def rewritten(self, polynomial: Polynomial) -> Polynomial:
        return self.reading.rewritten(polynomial)

    # Lengths

    def length(self, polynomial: Polynomial) -> int:
        """About how many characters a polynomial takes as a sum."""
        return sum(self._term_length(monomial, value) for monomial, value in polynomial.items())

    def _term_length(self, monomial: Monomial, value: Any) -> int:
        count = 3 + (0 if monomial and abs(value) == 1 else len(str(abs(value))))
        for number, exponent in monomial:
            known = self._lengths.get(number)
            if known is None:
                known = self._lengths[number] = text_length(self.shown(number))
            count += known + 1 + (0 if abs(exponent) == 1 else 2 + len(str(exponent)))
        return count

    # Sums

    def shortest(self, polynomial: Polynomial) -> Expr:
        """The shortest of the forms of a polynomial."""
        return min(self._candidates(polynomial), key=text_length)

    def coefficient(self, polynomial: Polynomial, in_brackets: bool) -> Expr:
        """The shortest of the forms of a polynomial that is a coefficient, where a sum may need brackets."""
        if not in_brackets:
            return self.shortest(polynomial)
        return min(self._candidates(polynomial), key=lambda part: text_length(part) + 2 * isinstance(part, Add))

    def _candidates(self, polynomial: Polynomial) -> list[Expr]:
        key = frozenset(polynomial.items())
        known = self._known.get(key)
        if known is None:
            inside = self.rewritten(polynomial)
            known = [self.expanded(inside)]
            if self._worth(inside):
                known += [self.factored(inside), *self._collections(inside)]
            self._known[key] = known
        return known

    def _worth(self, polynomial: Polynomial) -> bool:
        """Whether other forms than the expanded one are looked for."""
        return len(polynomial) > 1 or any(e < 0 for monomial in polynomial for _, e in monomial)

    def _irreducible(self, polynomial: Polynomial) -> Expr:
        """A factor: as a sum, or collected."""
        polynomial = self.reading.joined(polynomial)
        plain = self.expanded(polynomial)
        if len(polynomial) < 2 or not self._worth(polynomial):
            return plain
        return min([plain, *self._collections(polynomial)], key=text_length)

    def _collections(self, polynomial: Polynomial) -> Iterator[Expr]:
        """A sum collected by each of its atoms in turn that some terms share."""
        if len(polynomial) < 2:
            return
        counts: dict[int, int] = {}
        for monomial in polynomial:
            for number, exponent in monomial:
                if exponent > 0 and type(exponent) is int:
                    counts[number] = counts.get(number, 0) + 1
        shared = [n for n, count in counts.items() if count > 1]
        if len(polynomial) * len(shared) > COLLECTED_BUDGET:
            return
        for number in sorted(shared, key=self.atoms.key):
            yield self.collected(polynomial, number, self.coefficient)

    def expanded(self, polynomial: Polynomial, form: str = "shortest") -> Expr:
        """A sum of its terms."""
        return total([self.term(monomial, value, form) for monomial, value in self._ordered(polynomial)])

    def _ordered(self, polynomial: Polynomial) -> list[tuple[Monomial, Any]]:
        return sorted(polynomial.items(), key=lambda item: self.atoms.monomial_key(item[0]))

    def term(self, monomial: Monomial, value: Any, form: str = "shortest") -> Expr:
        """One term."""
        return product(value, self._powers(monomial, form))

    def collected(self, polynomial: Polynomial, number: int, written: Callable[[Polynomial, bool], Expr]) -> Expr:
        """A sum over the powers of an atom, with their coefficients in the form that `written` gives them."""
        rows: dict[Any, Polynomial] = {}
        for monomial, value in polynomial.items():
            exponent = next((e for n, e in monomial if n == number), 0)
            rest = tuple(pair for pair in monomial if pair[0] != number)
            rows.setdefault(exponent, {})[rest] = value
        terms = []
        for exponent in sorted(rows, reverse=True):
            part = rows[exponent]
            if len(part) == 1:
                ((rest, value),) = part.items()
                terms.append(self.term(tuple(sorted([*rest, *([(number, exponent)] if exponent else [])])), value))
            else:
                terms.append(
                    _times(
                        written(part, bool(exponent)),
                        self._powers(((number, exponent),) if exponent else (), "shortest"),
                    )
                )
        return total(terms)

    def factored(self, polynomial: Polynomial, form: str = "shortest") -> Expr:
        """A product of its factors."""
        found = factored(self.atoms, polynomial)
        coefficient = found.coefficient
        over = [(self._irreducible(part), exponent) for part, exponent in found.over]
        under = [(self._irreducible(part), exponent) for part, exponent in found.under]
        # Every sum begins with a term that is not negative where it can; what is left of the signs stands in front.
        signed: list[tuple[Expr, int]] = []
        for parts, side in ((over, 1), (under, -1)):
            for part, exponent in parts:
                if isinstance(part, Add) and part.could_extract_minus_sign() and not _begins_positive(part):
                    part = _negated(part)
                    coefficient = coefficient * (-1) ** exponent
                signed.append((part, side * exponent))
        if coefficient < 0:
            for place, (part, exponent) in enumerate(signed):
                if isinstance(part, Add) and exponent % 2 and _can_be_negated(part):
                    signed[place], coefficient = (_negated(part), exponent), -coefficient
                    break
        powers = self._powers(found.monomial, form)
        if not found.under and not powers and len(signed) == 1 and signed[0][1] == 1 and coefficient == 1:
            return signed[0][0]
        return product(coefficient, [*powers, *_flat(signed)])

    # Products

    def _powers(self, monomial: Monomial, form: str) -> list[tuple[Expr, Expr]]:
        """The atoms of a monomial as bases and exponents, with powers of one base put together."""
        bases: dict[Any, tuple[Expr, Polynomial]] = {}
        atoms = self.atoms
        for number, exponent in monomial:
            atom = atoms.list[number]
            if atom.kind == "power" and not atom.expr.args[0].is_number:
                base, raised = atom.parts
                key, more = frozenset(base.items()), scale(raised, exponent)
                shown = self.shortest(base) if key not in bases else bases[key][0]
            else:
                key, more = frozenset({((number, 1),): 1}.items()), constant(exponent)
                shown = self.shown(number, form)
            known = bases.get(key)
            bases[key] = (shown, more if known is None else add(known[1], more))
        return [(base, self._exponent(power)) for base, power in bases.values() if power]

    def _exponent(self, exponent: Polynomial) -> Expr:
        if not any(exponent):
            return as_number(exponent[()])
        return self.shortest(exponent)

    # Atoms

    def shown(self, number: int, form: str = "shortest") -> Expr:
        """An atom to be read."""
        atom = self.atoms.list[number]
        key = (number, form if atom.kind == "cases" else "")
        if key not in self._shown:
            self._shown[key] = self._of_atom(number, form)
        return self._shown[key]

    def _of_atom(self, number: int, form: str) -> Expr:
        atom = self.atoms.list[number]
        if atom.kind in ("max", "min"):
            head = Max if atom.kind == "max" else Min
            return head(*(self.shortest(part) for part in atom.parts), evaluate=False)
        if atom.kind == "sum":
            return self.shortest(atom.parts[0])
        if atom.kind == "power":
            base, exponent = atom.parts
            return product(1, [(self.shortest(base), self._exponent(exponent))])
        if atom.kind == "floor":
            return product(1, [(self.expanded(self.rewritten({((number, 1),): 1})), 1)])
        if atom.kind == "cases":
            pairs = [
                (self._in_form(part, form), self._condition(case.cond))
                for part, case in zip(atom.parts, atom.expr.args, strict=True)
            ]
            return Piecewise(*pairs, evaluate=False)
        return self._foreign(atom.expr)

    def _in_form(self, polynomial: Polynomial, form: str) -> Expr:
        if form == "expanded":
            return self.expanded(self.rewritten(polynomial), form)
        if form == "factored":
            return self.factored(self.rewritten(polynomial), form)
        return self.shortest(polynomial)

    def _foreign(self, expr: Expr) -> Expr:
        """A sum that does not close, a logarithm, a root of what may be negative; anything else stands as it is."""
        if isinstance(expr, Sum) and all(len(limit) == 3 for limit in expr.limits):
            limits = [Tuple(index, self._inside(low), self._inside(high)) for index, low, high in expr.limits]
            made = Expr.__new__(Sum, self._inside(expr.function), *limits)
            made.is_commutative = expr.is_commutative
            return made
        if isinstance(expr, log):
            return log(self._inside(expr.args[0]), evaluate=False)
        return expr

    def _inside(self, expr: Expr) -> Expr:
        """The shortest form of what stands in a foreign node, by itself."""
        made = _forms(expr)
        return expr if made is None else min([expr, *made.all()], key=text_length)

    def _condition(self, condition: Boolean) -> Boolean:
        """An equation without its positive denominators."""
        if not isinstance(condition, (Equality, Unequality)):
            return condition
        convert = Converter(self.atoms).polynomial
        difference = subtract(convert(condition.lhs), convert(condition.rhs))
        _, monomial, above, below = quotient(self.atoms, difference)
        if below or not all(is_positive_atom(self.atoms, n) for n, _ in monomial):
            return condition
        made = type(condition)(self.expanded(self.rewritten(above)), S.Zero, evaluate=False)
        return made if text_length(made) < text_length(condition) else condition


def _times(part: Expr, powers: Sequence[tuple[Expr, Expr]]) -> Expr:
    """A coefficient times powers, as one product."""
    if not powers:
        return part
    if part.is_Mul:
        return product(1, [*powers, *((factor, 1) for factor in part.args)])
    return product(1, [*powers, (part, 1)])


def _flat(parts: Iterable[tuple[Expr, int]]) -> Iterator[tuple[Expr, int]]:
    """Factors with products among them taken apart."""
    for part, exponent in parts:
        if part.is_Mul:
            yield from ((factor, exponent) for factor in part.args)
        else:
            yield part, exponent


def _begins_positive(part: Expr) -> bool:
    return any(not term.could_extract_minus_sign() for term in part.args)


def _can_be_negated(part: Expr) -> bool:
    """Whether the sum stays one that begins without a sign."""
    return any(term.could_extract_minus_sign() for term in part.args)


def _negated(part: Expr) -> Expr:
    """Minus a sum, term by term."""
    return total([_minus(term) for term in part.args])


def _minus(term: Expr) -> Expr:
    coefficient, rest = term.as_coeff_Mul()
    if rest == 1:
        return -coefficient
    factors = list(rest.args) if rest.is_Mul else [rest]
    return product(1, [*([(-coefficient, 1)] if coefficient != -1 else []), *((factor, 1) for factor in factors)])
