"""Laws as Coq theorems: the statement as it stands, and a proof script from the law's hints.

Coq's ``/`` and ``mod`` on ``Z`` are the floor and what it leaves, as in Python, also for negative divisors; by zero
both give zero, where a law has no value, so that definedness is a theorem of its own.

>>> from layeralgebra.proofs.statements.term import Var, ceil_div
>>> n, s = Var("n"), Var("s", least=1)
>>> coq(ceil_div(n, s) <= n % s + 1)
'- ((- n) / s) <= (n mod s) + 1'
"""

from __future__ import annotations

from collections.abc import Iterator

from ..law import Law, named
from ..lowering import induction_variable
from ..statements import term as t
from ..statements.conditions import conditions
from ..statements.polynomial import canonical, is_count
from ..statements.quotients import cleared
from ..statements.statement import Statement

_RESERVED = frozenset(
    "as at cofix else end exists exists2 fix for forall fun if in let match mod return then using where with"
    " IF Set Prop Type SProp sum sum_of Z nat".split()
)
_RELATIONS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TESTS = {"=": "=?", "<": "<?", "<=": "<=?"}
#: A power is written out up to this exponent; `ring` and `nia` see products.
_WRITTEN_OUT = 4


def symbol(name: str) -> str:
    """A name as Coq takes it."""
    return f"{name}_" if name in _RESERVED else name


def coq(node: t.Node) -> str:
    """A term without exact quotients, or a formula, as Coq reads it."""
    written, strength = _write(node)
    return written


# How tightly a piece of text holds together in Coq's grammar.
_LOOSE, _IFF, _IMPLIES, _OR, _AND, _RELATION, _ADD, _MUL, _ATOM = range(9)


def _in(node: t.Node, least: int) -> str:
    written, strength = _write(node)
    return written if strength >= least else f"({written})"


def _write(node: t.Node) -> tuple[str, int]:
    match node:
        case t.Const(value):
            return (str(value), _ATOM) if value >= 0 else (f"({value})", _ATOM)
        case t.Var(name):
            return symbol(name), _ATOM
        case t.Apply(function, arguments):
            return f"({symbol(function)} {' '.join(_in(one, _ATOM) for one in arguments)})", _ATOM
        case t.Add(args):
            return " + ".join([_in(args[0], _ADD), *(_in(one, _MUL) for one in args[1:])]) if args else "0", _ADD
        case t.Mul((t.Const(-1), one)):
            return f"(- {_in(one, _ATOM)})", _ATOM
        case t.Mul(args):
            return " * ".join([_in(args[0], _MUL), *(_in(one, _ATOM) for one in args[1:])]) if args else "1", _MUL
        case t.FloorDiv(numerator, denominator):
            return f"{_in(numerator, _MUL)} / {_in(denominator, _ATOM)}", _MUL
        case t.CeilDiv(numerator, denominator):
            return f"- ((- {_in(numerator, _ATOM)}) / {_in(denominator, _ATOM)})", _ADD
        case t.Mod(numerator, denominator):
            return f"({_in(numerator, _ATOM)} mod {_in(denominator, _ATOM)})", _ATOM
        case t.Pow(base, t.Const(value)) if 0 < value <= _WRITTEN_OUT:
            return f"({' * '.join([_in(base, _ATOM)] * value)})", _ATOM
        case t.Pow(base, exponent):
            return f"({_in(base, _ATOM)} ^ {_in(exponent, _ATOM)})", _ATOM
        case t.Min(args) | t.Max(args):
            head, written = "Z.min" if isinstance(node, t.Min) else "Z.max", _in(args[0], _ATOM)
            for one in args[1:]:
                written = f"({head} {written} {_in(one, _ATOM)})"
            return written, _ATOM
        case t.Ite(condition, then, otherwise):
            return f"(if {_test(condition)} then {coq(then)} else {coq(otherwise)})", _ATOM
        case t.Sum(index, low, high, body):
            return f"(sum {_in(low, _ATOM)} {_in(high, _ATOM)} (fun {symbol(index.name)} => {coq(body)}))", _ATOM
        case t.Relation(relation, left, right):
            return f"{_in(left, _ADD)} {_RELATIONS[relation]} {_in(right, _ADD)}", _RELATION
        case t.Not(arg):
            return f"~ ({coq(arg)})", _RELATION
        case t.And(args):
            return " /\\ ".join(_in(one, _RELATION) for one in args) or "True", _AND
        case t.Or(args):
            return " \\/ ".join(_in(one, _RELATION) for one in args) or "False", _OR
        case t.Implies((first, second)):
            return f"{_in(first, _OR)} -> {_in(second, _IMPLIES)}", _IMPLIES
        case t.Iff((first, second)):
            return f"{_in(first, _OR)} <-> {_in(second, _OR)}", _IFF
    raise TypeError(f"no Coq text for {type(node).__name__}")


def _test(condition: t.Formula) -> str:
    """A condition as a boolean."""
    match condition:
        case t.Relation(relation, left, right) if relation in _TESTS:
            return f"{_in(left, _ADD)} {_TESTS[relation]} {_in(right, _ADD)}"
        case t.Relation(relation, left, right) if relation in (">", ">="):
            return _test(t.Relation({">": "<", ">=": "<="}[relation], right, left))
        case t.Relation("!=", left, right):
            return f"negb ({_in(left, _ADD)} =? {_in(right, _ADD)})"
        case t.And(args) | t.Or(args) if args:
            return (" && " if isinstance(condition, t.And) else " || ").join(f"({_test(one)})" for one in args)
        case t.Not(arg):
            return f"negb ({_test(arg)})"
    raise TypeError(f"no boolean for {condition!r}")


def theorem(law: Law) -> str:
    """The law as a Coq theorem with its proof.

    Where that is in doubt, a second theorem ``NAME_defined`` says that the terms have values.
    """
    statement = law.arithmetic
    parts = [_theorem(law.name, statement, _conclusion(statement.goals), list(_script(law, statement)))]
    conditions_of_terms = dict.fromkeys(
        _under(path, condition) for side in (*statement.left, *statement.right) for path, condition in conditions(side)
    )
    owed = [one for one in conditions_of_terms if one not in statement.assumptions]
    if owed:
        script = ["subst.", "repeat split; intros; defined."]
        parts.append(_theorem(f"{law.name}_defined", statement, _conclusion(owed), script, quantified=owed))
    return "\n".join(parts)


def _under(path: tuple[t.Formula, ...], condition: t.Formula) -> t.Formula:
    return t.Implies((t.And(path), condition)) if path else condition


def _conclusion(goals: object) -> str:
    return " /\\ ".join(f"({coq(cleared(goal))})" for goal in goals)  # type: ignore[attr-defined]


def _theorem(name: str, statement: Statement, goal: str, script: list[str], quantified: object = ()) -> str:
    inner = sorted(
        frozenset[str]().union(*(t.free_names(one) for one in quantified))  # type: ignore[attr-defined]
        - {one.name for one in statement.variables}
    )
    binders = [f"({symbol(one)} : Z -> Z)" for one in statement.sequences]
    binders += [f"({symbol(one.name)} : Z)" for one in statement.variables]
    given = "".join(f"({coq(cleared(one))}) -> " for one in statement.assumptions)
    head = f"forall {' '.join(binders)}, " if binders else ""
    within = f"forall {' '.join(map(symbol, inner))} : Z, " if inner else ""
    lines = [f"Theorem {name} : {head}{given}{within}{goal}.", "Proof.", f"  {_introduction(statement)}"]
    lines += [f"  {line}" for line in script]
    return "\n".join([*lines, "Qed.", ""])


def _introduction(statement: Statement) -> str:
    names = [*statement.sequences, *(one.name for one in statement.variables)]
    facts = [f"H{number}" for number in range(1, len(statement.assumptions) + 1)]
    return f"intros {' '.join([*map(symbol, names), *facts])}." if names or facts else "idtac."


def _script(law: Law, statement: Statement) -> Iterator[str]:
    """The proof: lemmas, induction, last terms and factors split off, then arithmetic or the law's own script."""
    variable = induction_variable(law, statement)
    finish = law.hints.coq or "all: arithmetic."
    if variable is None:
        yield from _lemmas(law, {})
        yield "subst; repeat split; intros."
        yield from _splits(statement.goals)
        yield finish
        return
    place = [one.name for one in statement.variables if one.least is not None].index(variable.name) + 1
    n, start, after = symbol(variable.name), t.Const(variable.least or 0), variable + 1
    yield f"revert H{place}; revert {n}; apply (from_least {start.value})."
    yield "{ subst."
    yield from _lemmas(law, {variable.name: start})
    yield "repeat split."
    yield from _splits([t.substitute(goal, {variable.name: start}) for goal in statement.goals])
    yield "all: arithmetic. }"
    names = [f"before{number}" for number in range(1, len(statement.goals) + 1)]
    opened = names[-1]
    for one in reversed(names[:-1]):
        opened = f"[{one} {opened}]"
    yield f"intros {n} H{place} {opened}; subst."
    yield from _lemmas(law, {})
    yield "repeat split."
    yield from _splits([t.substitute(goal, {variable.name: after}) for goal in statement.goals])
    yield finish


def _lemmas(law: Law, start: dict[str, t.Term]) -> Iterator[str]:
    """The instances of other laws, with the start of an induction in place of its variable."""
    for number, (name, values) in enumerate(law.hints.lemmas, 1):
        lemma = named(name).arithmetic
        placed = {variable: t.substitute(term, start) for variable, term in values}
        arguments = [*map(symbol, lemma.sequences)]
        arguments += [_in(placed.get(one.name, start.get(one.name, one)), _ATOM) for one in lemma.variables]
        arguments += ["ltac:(nia)"] * len(lemma.assumptions)
        yield f"pose proof ({name} {' '.join(arguments)}) as lemma{number}; cbv beta in lemma{number}."


def _splits(goals: object) -> Iterator[str]:
    """Rewriting of sums and powers whose bound or exponent is a count with a number in it: ``n + 2`` gives off two."""
    seen: set[str] = set()
    for goal in goals:  # type: ignore[attr-defined]
        for node in _outermost(cleared(goal)):
            match node:
                case t.Sum(_, low, high, _):
                    rule, bound, start, first = "sum_more", high, canonical(high - low, False), coq(low)
                case t.Pow(base, exponent) if not isinstance(exponent, t.Const):
                    rule, bound, start, first = "power_more", exponent, canonical(exponent, False), _in(base, _ATOM)
                case _:
                    continue
            yield from _split(rule, bound, start, first, seen)


def _split(rule: str, bound: t.Term, count: t.Node, first: str, seen: set[str]) -> Iterator[str]:
    current = canonical(bound, False)
    assert isinstance(current, t.Term)
    key = f"{rule} {first} {coq(bound)}"
    if key in seen:
        return
    seen.add(key)
    if coq(current) != coq(bound):
        yield f"all: try replace ({coq(bound)}) with ({coq(current)}) in * by ring."
    number = count.args[-1] if isinstance(count, t.Add) else count
    if not isinstance(number, t.Const) or number.value < 0 or not is_count(count):  # type: ignore[arg-type]
        return
    for _ in range(number.value):
        less = canonical(current - 1, False)
        assert isinstance(less, t.Term)
        yield f"all: rewrite ?({rule} {first} {_in(current, _ATOM)} {_in(less, _ATOM)}) in * by nia; cbv beta in *."
        current = less
    if isinstance(count, t.Const):
        last = f"(sum_none {first} {_in(current, _ATOM)}) by lia" if rule == "sum_more" else "Z.pow_0_r"
        yield f"all: rewrite ?{last}."


def _outermost(node: t.Node) -> Iterator[t.Node]:
    """Sums and powers that are not below a sum, whose index a rewriting could not name."""
    if isinstance(node, (t.Sum, t.Pow)):
        yield node
    if not isinstance(node, t.Sum):
        for part in node.parts():
            yield from _outermost(part)
