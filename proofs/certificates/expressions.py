"""Sizes as Coq reads them: integers, with floors as ``/`` on ``Z`` and exact quotients noted as such."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sympy import (
    Add,
    And,
    Eq,
    Expr,
    Ge,
    Gt,
    Integer,
    Le,
    Lt,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Not,
    Or,
    Pow,
    Symbol,
    ceiling,
    floor,
    fraction,
    together,
)

from ...algebra.arguments import shown
from ...algebra.errors import UnsupportedError

PRELUDE = Path(__file__).with_name("prelude.v")
_WORDS = "as at cofix else end exists exists2 fix for forall fun if in let match mod return then using where with Set Prop Type SProp Z nat"
_RELATIONS = {Eq: "=", Ne: "<>", Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}


class Written:
    """Names for symbols that no other name in a certificate is equal to, and the quotients that were written and have to be exact.

    `whole` are quotients of which it is known that they are exact, `divisors` what was divided by, `copies` the numbers of copies.
    """

    def __init__(self, symbols: Iterable[Symbol]):
        prelude = PRELUDE.read_text(encoding="utf-8")
        taken = {
            *re.findall(r"\w+", prelude),
            *_WORDS.split(),
            "net",
            "certificate",
            "adds",
            "out",
            "number",
            "good",
            "at_",
            "inhabited",
            "of_adds",
        }
        self.names: dict[Symbol, str] = {}
        self.lookups: Mapping[str, Expr] = {}
        self.exact: dict[tuple[str, str], None] = {}
        self.divisors: dict[str, None] = {}
        self.whole: list[tuple[Expr, Expr]] = []
        self.copies: list[Expr] = []
        for symbol in symbols:
            if not symbol.is_integer:
                raise UnsupportedError(
                    f"a certificate speaks of integers, and {symbol} is not known to be one; make it with la.dims"
                )
            plain = re.sub(r"\W", "_", symbol.name, flags=re.ASCII)
            name = plain if plain[:1].isalpha() else f"v_{plain}"
            while name in taken or re.match(r"(equation|node|worth|gives|sum|closed|given|size|q|l|i)_?\d", name):
                name += "'"
            taken.add(name)
            self.names[symbol] = name

    def again(self) -> Written:
        """The same names, with nothing written yet."""
        made = Written(())
        made.names, made.lookups = self.names, self.lookups
        return made

    def __call__(self, value: Any) -> str:
        """An expression in brackets, or a single word."""
        over, under = fraction(together(value))
        if under == 1:
            return self._write(over)
        if not under.is_Integer and self.whole and (text := self._in_whole_quotients(over, under)):
            return text
        pair = self._write(over), self._write(under)
        self.exact[pair] = None
        if not under.is_Integer:
            self.divisors[pair[1]] = None
        return f"({pair[0]} / {pair[1]})"

    def _in_whole_quotients(self, over: Expr, under: Expr) -> str | None:
        """A quotient as a product, or a sum of products, with quotients that are known to be exact; None if it is none."""
        overs, unders, quotients = _factors(over), _factors(under), []
        for one, by in self.whole:
            while one in overs and by in unders:
                overs.remove(one)
                unders.remove(by)
                pair = self._write(one), self._write(by)
                self.exact[pair] = None
                quotients.append(f"({pair[0]} / {pair[1]})")
        if not unders:
            return f"({' * '.join([*quotients, *map(self, overs)])})"
        terms = Add.make_args(over.expand())
        if len(terms) == 1:
            return None
        texts = []
        for term in terms:
            above, below = fraction(term / under)
            text = self(above) if below == 1 else self._in_whole_quotients(above, below)
            if text is None:
                return None
            texts.append(text)
        return f"({' + '.join(texts)})"

    def _write(self, value: Expr) -> str:
        if isinstance(value, Integer):
            return str(value) if value >= 0 else f"({value})"
        if isinstance(value, Symbol):
            if value not in self.names:
                raise UnsupportedError(f"{value} has no name in this certificate")
            return self.names[value]
        if isinstance(value, (Add, Mul)):
            return "(" + (" + " if isinstance(value, Add) else " * ").join(map(self, value.args)) + ")"
        if isinstance(value, Pow):
            base, exponent = value.args
            if isinstance(exponent, Integer) and 0 < exponent <= 4:
                return "(" + " * ".join([self(base)] * int(exponent)) + ")"
            if exponent.is_integer and exponent.is_nonnegative:
                return f"({self(base)} ^ {self(exponent)})"
        if isinstance(value, (floor, ceiling)):
            over, under = map(self._write, fraction(together(value.args[0])))
            if not re.fullmatch(r"[1-9]\d*", under):
                self.divisors[under] = None
            return f"({over} / {under})" if isinstance(value, floor) else f"(- ((- {over}) / {under}))"
        if isinstance(value, (Max, Min)):
            first, *rest = map(self, value.args)
            for one in rest:
                first = f"(Z.{'max' if isinstance(value, Max) else 'min'} {first} {one})"
            return first
        if isinstance(value, Mod):
            under = self(value.args[1])
            if not re.fullmatch(r"[1-9]\d*", under):
                self.divisors[under] = None
            return f"({self(value.args[0])} mod {under})"
        raise UnsupportedError(
            f"certificates have no {type(value).__name__}, as in {shown(value)}; they know + - * ** // ceil max min and %"
        )

    def knows(self, relation: Any) -> None:
        """Note that a quotient is whole: quotients in what is written from here on are written with it."""
        if isinstance(relation, Eq) and isinstance(relation.lhs, Mod) and relation.rhs == 0:
            self.whole.append(relation.lhs.args)

    def condition(self, relation: Any) -> str:
        """A relation between sizes."""
        for kind, sign in _RELATIONS.items():
            if isinstance(relation, kind):
                left, right = relation.args
                (over, under), (other, below) = fraction(together(left)), fraction(together(right))
                if under.is_positive and below.is_positive:
                    return f"{self(over * below)} {sign} {self(other * under)}"
        if isinstance(relation, (And, Or)):
            return (
                "(" + (" /\\ " if isinstance(relation, And) else " \\/ ").join(map(self.condition, relation.args)) + ")"
            )
        if isinstance(relation, Not):
            return f"(~ {self.condition(relation.args[0])})"
        raise UnsupportedError(
            f"certificates cannot state the condition {shown(relation)}; give numbers that decide it"
        )


def _factors(value: Expr) -> list[Expr]:
    """Its factors, one that is there several times as often."""
    found: list[Expr] = []
    for factor in Mul.make_args(value):
        base, exponent = factor.as_base_exp()
        found += [base] * int(exponent) if exponent.is_Integer and 0 < exponent <= 9 else [factor]
    return found


def listing(items: Iterable[str]) -> str:
    """A list in Coq."""
    return "[" + "; ".join(items) + "]"


def quoted(name: object) -> str:
    """A name as a string of Coq, in which a quotation mark is written twice."""
    return '"' + str(name).replace('"', '""') + '"'


def comment(text: str) -> str:
    """A text that may stand in a comment: neither the comment nor a string ends in it."""
    return text.replace("(*", "( *").replace("*)", "* )").replace(chr(34), "'")


def names(items: Iterable[object]) -> str:
    return listing(map(quoted, items))
