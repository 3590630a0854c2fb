"""Obligations as SMT-LIB 2 scripts: an answer ``unsat`` means that the obligation holds.

SMT-LIB's ``div`` rounds so that the remainder is never negative: for a negative divisor it is not the floor. A
divisor that is not positive because of its variables' domains is therefore written with both signs told apart.

>>> from layeralgebra.proofs.statements.term import Var
>>> n, d, s = Var("n"), Var("d"), Var("s", least=1)
>>> smtlib(n // s + 1), smtlib(n // d)
('(+ (div n s) 1)', '(ite (> d 0) (div n d) (div (- n) (- d)))')
"""

from __future__ import annotations

from ..lowering import Obligation
from ..statements import term as t
from ..statements.quotients import is_positive

_RESERVED = frozenset(
    "let as par forall exists match div mod abs and or not xor ite true false distinct assert push pop exit".split()
)
_HEADS = {t.Add: "+", t.Mul: "*", t.And: "and", t.Or: "or", t.Implies: "=>", t.Iff: "="}


def symbol(name: str) -> str:
    """A name as SMT-LIB takes it."""
    return f"{name}_" if name in _RESERVED else name


def smtlib(node: t.Node) -> str:
    """A lowered term or formula as an S-expression."""
    match node:
        case t.Const(value):
            return str(value) if value >= 0 else f"(- {-value})"
        case t.Var(name):
            return symbol(name)
        case t.Apply(function, arguments):
            return f"({symbol(function)} {' '.join(map(smtlib, arguments))})"
        case t.Add(args) | t.Mul(args) | t.And(args) | t.Or(args) | t.Implies(args) | t.Iff(args):
            if len(args) == 1:
                return smtlib(args[0])
            empty = {t.Add: "0", t.Mul: "1", t.And: "true", t.Or: "false"}
            return f"({_HEADS[type(node)]} {' '.join(map(smtlib, args))})" if args else empty[type(node)]
        case t.FloorDiv(numerator, denominator):
            above, below = smtlib(numerator), smtlib(denominator)
            if is_positive(denominator):
                return f"(div {above} {below})"
            return f"(ite (> {below} 0) (div {above} {below}) (div (- {above}) (- {below})))"
        case t.Ite(condition, then, otherwise):
            return f"(ite {smtlib(condition)} {smtlib(then)} {smtlib(otherwise)})"
        case t.Relation(relation, left, right):
            head = "distinct" if relation == "!=" else relation
            return f"({head} {smtlib(left)} {smtlib(right)})"
        case t.Not(arg):
            return f"(not {smtlib(arg)})"
    raise TypeError(f"{type(node).__name__} was not lowered")


def declarations(obligation: Obligation) -> list[str]:
    """Declarations of what an obligation speaks of."""
    lines = [f"(declare-const {symbol(one.name)} Int)" for one in obligation.variables]
    return lines + [f"(declare-fun {symbol(name)} ({' '.join(['Int'] * n)}) Int)" for name, n in obligation.sequences]


def script(obligation: Obligation) -> str:
    """A whole script for one obligation."""
    lines = [f"; {obligation.name}", "(set-logic ALL)", *declarations(obligation)]
    lines += [f"(assert {smtlib(one)})" for one in obligation.hypotheses]
    lines += [f"(assert (not {smtlib(obligation.goal)}))", "(check-sat)"]
    return "\n".join(lines) + "\n"


def document(heading: str, obligations: list[Obligation]) -> str:
    """One script for several obligations, between ``push`` and ``pop``; every answer must be ``unsat``."""
    lines = [*(f"; {line}" for line in heading.splitlines()), "(set-logic ALL)"]
    for one in obligations:
        lines += ["(push 1)", f"; {one.name}", *declarations(one)]
        lines += [f"(assert {smtlib(each)})" for each in one.hypotheses]
        lines += [f"(assert (not {smtlib(one.goal)}))", "(check-sat)", "(pop 1)"]
    return "\n".join(lines) + "\n"
