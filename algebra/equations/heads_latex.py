r"""Heads and addresses as LaTeX; `layeralgebra.algebra.equations.latex` puts whole equations together.

>>> from layeralgebra.algebra.equations.heads import Index, Read, Reduce, Times
>>> o, c = Index("o"), Index("c")
>>> product = Reduce("sum", (c,), Times((Read("W", (o, c)), Read("x", (c,)))))
>>> print(HeadWriter().head(product)[0])
\sum_{c} W_{o, c}\, x_{c}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sympy import Add, Expr, Rational, Symbol

from ..formulas.forms import GIVEN
from ..formulas.latex import TALL, formula_latex, index_latex, name_latex, size_latex
from ..sizes.dims import Index
from ..typesetting.letters import Letters, letter_of
from ..typesetting.style import current
from .affine import affine
from .functions import FUNCTIONS
from .heads import (
    SELECTIONS,
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    unknown_head,
)

LONGEST_DECIMAL = 14
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
REDUCTIONS = {
    "sum": r"\sum",
    "mean": r"\operatorname*{mean}",
    "max": r"\max",
    "min": r"\min",
    "prod": r"\prod",
}
_SELECTIONS = {
    "argmax": r"\operatorname*{arg\,max}",
    "argmin": r"\operatorname*{arg\,min}",
    "top": r"\operatorname{top}",
    "sort": r"\operatorname{sort}",
    "argsort": r"\operatorname{argsort}",
}
_RELATIONS = {"less": " < ", "equal": " = "}


class HeadWriter:
    """Typesets heads; a tensor whose letter is a size's has another one, an index a prime.

    Parameters
    ----------
    taken : iterable of str
        The names of the sizes.
    scope : str
        What the tensors and indices belong to.
    names : iterable of str
        The tensors, which come before the indices.
    indices : iterable of Index
    """

    def __init__(
        self, taken: Iterable[str] = (), scope: str = "", names: Iterable[str] = (), indices: Iterable[Index] = ()
    ):
        self.taken = frozenset(taken)
        self.style, self.scope = current(), scope
        self.letters = Letters() if self.style is None else self.style.letters
        for name in sorted(self.taken):
            self.letters.size(name, size_latex(name), "" if self.style is None else self.style.meaning(name))
        names = list(names)
        self.others = [*map(letter_of, map(self.wanted, names)), *map(letter_of, map(_plain_index, indices))]
        for name in names:
            self.tensor(name)

    def wanted(self, name: str) -> str:
        """The symbol of a tensor where its letter is free."""
        asked = None if self.style is None else self.style.named(name)
        return asked or tensor_latex(name)

    def tensor(self, name: str) -> str:
        """The symbol of a tensor."""
        meaning = "" if self.style is None else self.style.meaning(name)
        return self.letters.tensor(self.scope, name, self.wanted(name), meaning, own=self.others)

    def head(self, head: Head) -> tuple[str, int]:
        """The LaTeX of a head, and how tightly it binds."""
        if isinstance(head, Constant):
            value = head.value
            loose = value.is_Add or value.could_extract_minus_sign()
            return constant_latex(value), SUM if loose else PRODUCT if value.is_Mul else ATOM
        if isinstance(head, IndexValue):
            value = self.own(head.value)
            loose = value.is_Add or value.could_extract_minus_sign()
            return self.address(head.value), SUM if loose else PRODUCT if value.is_Mul else ATOM
        if isinstance(head, Read):
            return self.read(head), ATOM
        if isinstance(head, Plus):
            return " ".join(self.terms(head)), SUM
        if isinstance(head, Times):
            return self.product(head)
        if isinstance(head, Apply):
            return self.applied(head)
        if isinstance(head, Reduce):
            below = ", ".join(self.index(index) for index in sorted(head.indices, key=_plain_first))
            return f"{REDUCTIONS[head.operation]}_{{{below}}} {self.within(head.body, PRODUCT)}", PRODUCT
        if isinstance(head, Softmax):
            below = ", ".join(self.index(index) for index in head.indices)
            return rf"\operatorname{{softmax}}_{{{below}}} {bracketed(self.head(head.body)[0])}", ATOM
        if isinstance(head, Select):
            name, below = _SELECTIONS[head.operation], self.index(head.indices[0])
            rank = f"^{{({self.address(head.rank)})}}" if SELECTIONS[head.operation] > 1 else ""
            return rf"{name}_{{{below}}}{rank} {bracketed(self.head(head.body)[0])}", ATOM
        raise unknown_head(head, "typeset")

    def terms(self, head: Plus) -> list[str]:
        """The terms of a sum, each with its sign but the first."""
        found = []
        for place, term in enumerate(head.terms):
            text = self.within(term, PRODUCT) if isinstance(term, Plus) else self.head(term)[0]
            negative = text.startswith("-")
            found.append((f"- {text[1:].lstrip()}" if negative else f"+ {text}") if place else text)
        return found

    def product(self, head: Times) -> tuple[str, int]:
        negative = False
        factors = []
        for factor in head.factors:
            if isinstance(factor, Constant) and abs(factor.value) == 1:
                negative ^= factor.value == -1
            else:
                factors.append(factor)
        if not factors:
            return ("-1" if negative else "1"), SUM if negative else ATOM
        if len(factors) == 1 and not negative:
            return self.head(factors[0])
        last = len(factors) - 1
        texts = [
            self.within(factor, POWER if isinstance(factor, Reduce) and place < last else PRODUCT)
            for place, factor in enumerate(factors)
        ]
        text = r"\, ".join(texts)
        return (f"- {text}", SUM) if negative else (text, PRODUCT)

    def applied(self, head: Apply) -> tuple[str, int]:
        first = head.arguments[0]
        if head.function == "divide":
            return rf"\frac{{{self.head(first)[0]}}}{{{self.head(head.arguments[1])[0]}}}", ATOM
        if head.function in _RELATIONS:
            sides = (self.within(argument, SUM) for argument in head.arguments)
            return rf"[{_RELATIONS[head.function].join(sides)}]", ATOM
        if head.function in ("power", "pow"):
            scripts = isinstance(first, Read) and "^" in self.tensor(first.tensor)
            base = bracketed(self.head(first)[0]) if scripts else self.within(first, ATOM)
            return f"{base}^{{{self.head(head.arguments[1])[0]}}}", POWER
        if head.function == "sqrt":
            return rf"\sqrt{{{self.head(first)[0]}}}", ATOM
        if head.function == "abs":
            return rf"\lvert {self.head(first)[0]} \rvert", ATOM
        inside = ", ".join(self.head(argument)[0] for argument in head.arguments)
        return f"{FUNCTIONS[head.function].latex}{bracketed(inside)}", ATOM

    def within(self, head: Head, level: int) -> str:
        text, own = self.head(head)
        return text if own >= level else bracketed(text)

    # addresses -------------------------------------------------------------------------------------------------------

    def read(self, read: Read) -> str:
        if not read.address:
            return self.tensor(read.tensor)
        return f"{self.tensor(read.tensor)}_{{{', '.join(self.address(part) for part in read.address)}}}"

    def address(self, part: Address) -> str:
        if isinstance(part, Group):
            return f"({', '.join(self.index(index) for index in part.parts)})"
        if isinstance(part, Read):
            return self.read(part)
        if isinstance(part, Index):
            return self.index(part)
        form = affine(part)
        if form is None:
            return formula_latex(self.own(part), GIVEN)
        found = [self.step(step, index) for index, step in sorted(form[0].items(), key=lambda item: item[0].name)]
        found += [formula_latex(self.own(term), GIVEN) for term in Add.make_args(form[1]) if term != 0]
        return signed_sum(found or ["0"])

    def step(self, step: Expr, index: Index) -> str:
        """A multiple of an index, the index last."""
        if abs(step) == 1:
            return f"{'- ' if step == -1 else ''}{self.index(index)}"
        factor = formula_latex(self.own(step), GIVEN)
        space = r"\," if r"\mathit" in factor else ""
        return f"{f'({factor})' if step.is_Add else factor}{space} {self.index(index)}"

    def own(self, expression: Expr) -> Expr:
        """The expression with a prime at every index whose name a size has already."""
        clashing = {symbol for symbol in expression.free_symbols if isinstance(symbol, Index) and self.clashes(symbol)}
        return expression.xreplace({index: Symbol(self.index(index)) for index in clashing}) if clashing else expression

    def clashes(self, index: Index) -> bool:
        return self.index(index) != _plain_index(index)

    def index(self, index: Index) -> str:
        name = _plain_index(index)
        return self.letters.index(self.scope, index.name, f"{name}'" if bare_name(index) in self.taken else name)


def _plain_index(index: Index) -> str:
    """An index as it is written where its letter is free."""
    return index.name if index.name.startswith("\\") else index_latex(index.name)


def _plain_first(index: Index) -> tuple[bool, str]:
    return index.name.startswith("\\"), index.name


def bare_name(index: Index) -> str:
    """The name of an index as its equation has it."""
    found = re.fullmatch(r"\\boldsymbol\{(\w+)\}", index.name)
    return found[1] if found else index.name


def signed_sum(terms: Sequence[str]) -> str:
    """Terms as a sum, those with a minus sign at the end."""
    positive = [term for term in terms if not term.startswith("-")]
    negative = [term.removeprefix("-").lstrip() for term in terms if term.startswith("-")]
    first, *rest = positive or ["-" + negative.pop(0)]
    return " ".join([first, *(f"+ {term}" for term in rest), *(f"- {term}" for term in negative)])


def constant_latex(value: Expr) -> str:
    r"""A constant of an equation: decimals as they were written, and a few digits of what would be unreadable.

    >>> from sympy import Integer, Rational, sqrt
    >>> [constant_latex(x) for x in (Rational(1, 100000), Rational("0.044715"), sqrt(Rational("0.6366197723675814")))]
    ['10^{-5}', '0.044715', '0.797885\\ldots']
    >>> constant_latex(-Integer(2) ** 127)
    '-1.70141\\ldots \\cdot 10^{38}'
    """
    if value.is_Rational and not value.is_Integer and value.q >= 100:
        text = format(Decimal(value.p) / Decimal(value.q), "f").rstrip("0")
        if Rational(text) == value and len(text) <= LONGEST_DECIMAL:
            exponent = len(str(value.q)) - 1
            return f"10^{{-{exponent}}}" if value.p == 1 and value.q == 10**exponent else text
    if value.is_number and any(abs(number.p) > 10**6 or number.q > 10**6 for number in value.atoms(Rational)):
        digits, _, power = f"{float(value):.6g}".partition("e")
        return rf"{digits}\ldots" + (rf" \cdot 10^{{{int(power)}}}" if power else "")
    return formula_latex(value, GIVEN)


def tensor_latex(name: str) -> str:
    r"""The name of a tensor: of two letters the second is raised, since indices stand below.

    >>> tensor_latex("W"), tensor_latex("Wr"), tensor_latex("memory"), tensor_latex("h_t")
    ('W', 'W^{r}', '\\mathit{memory}', '{h_{t}}')
    """
    if re.fullmatch(r"[A-Za-z][a-z0-9]", name):
        return f"{name[0]}^{{{name[1]}}}" if name[1].isalpha() else f"{name[0]}^{{({name[1]})}}"
    made = name_latex(name)
    return f"{{{made}}}" if "_{" in made else made


def bracketed(text: str) -> str:
    """In round brackets, tall ones around what is tall."""
    if any(mark in text for mark in TALL):
        return rf"\left({text}\right)"
    return f"({text})"
