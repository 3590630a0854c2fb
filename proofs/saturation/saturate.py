"""Equality saturation: egglog finds what laws fit and keeps what is equal together; the laws decide their conditions and what they make.

Every law becomes one rule whose body is its left side. What matches is read, the law is asked what it makes of these layers at these
sizes, and the right side is put in, until nothing new matches or the budget is spent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from sympy.logic.boolalg import Boolean

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.networks.network import Add, Concat, Mul
from ...algebra.records import dataclass
from ..law import Law
from ..rules.rule import Made, Rule, conditions
from ..rules.statement import Call, Joined, Side, Variable, layers_in, parts_of
from .values import FromStep, Node, Operation, Values, joined

#: Values beyond which no law is applied any more, for each value of the network that is read, and at least.
MOST_VALUES, LEAST_VALUES = 40, 4_000
ROUNDS = 30
_JOINS = {"+": Add, "*": Mul, "|": Concat}


@dataclass(frozen=True)
class Application:
    """One use of a law: the operations on its left side by their names, those it made, what matched and what came of it."""

    law: Law
    left: Mapping[str, int]
    right: Mapping[str, int]
    made: Made
    matched: tuple[tuple[int, tuple[int, ...]], ...]
    joins: tuple[int, ...]
    conditions: tuple[Boolean, ...]


@dataclass
class Saturated:
    """Values with all that was found to be equal."""

    values: Values
    steps: list[Application] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    complete: bool = True

    def find(self, value: int) -> int:
        """The number that stands for a value and all that equal it."""
        return self.roots[value] if value < len(self.roots) else value


def engine() -> Any:
    """The bindings of egglog."""
    from egglog import bindings

    return bindings


_PROGRAM = """
(sort V)
(datatype L (Nil) (Cons V L))
(constructor H (i64) V)
(constructor Op (i64 L) V)
(function rep (V) i64 :merge (min old new))
(function root (i64) i64 :merge (min old new))
(relation kind (i64 String))
(relation part (i64 i64 i64))
(relation join (i64 String i64))
(relation handle (i64))
(relation op0 (i64 i64)) (relation op1 (i64 i64 i64)) (relation op2 (i64 i64 i64 i64)) (relation op3 (i64 i64 i64 i64 i64))
(relation same (i64 i64))
(ruleset put) (ruleset look)
(rule ((handle h)) ((set (rep (H h)) h)) :ruleset put)
(rule ((op0 h o)) ((union (H h) (Op o (Nil)))) :ruleset put)
(rule ((op1 h o x)) ((union (H h) (Op o (Cons (H x) (Nil))))) :ruleset put)
(rule ((op2 h o x y)) ((union (H h) (Op o (Cons (H x) (Cons (H y) (Nil)))))) :ruleset put)
(rule ((op3 h o x y z)) ((union (H h) (Op o (Cons (H x) (Cons (H y) (Cons (H z) (Nil))))))) :ruleset put)
(rule ((same a b)) ((union (H a) (H b))) :ruleset put)
(rule ((handle h) (= v (H h)) (= r (rep v))) ((set (root h) r)) :ruleset look)
"""


class _Pattern:
    """The left side of a law as the body of a rule, and what its matches are read as."""

    def __init__(self, law: Law, rule: Rule, number: int):
        self.law, self.rule, self.name = law, rule, f"match{number}"
        self.facts: list[str] = []
        self.columns: list[tuple[str, Any]] = []  # what each column of a match is
        self.layers: dict[str, str] = {}
        self.count = 0
        self.root = self._placed(rule.left, top=True)
        for column in self.columns:
            if column[0] == "value":
                self.facts.append(f"(= r_{column[1]} (rep {column[1]}))")

    def _new(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def _value(self, name: str) -> str:
        if ("value", name) not in self.columns:
            self.columns.append(("value", name))
        return name

    def _placed(self, side: Side, top: bool = False) -> str:
        if isinstance(side, Variable):
            return self._value(f"x_{side.name}")
        if isinstance(side, Call):
            below = [self._placed(part) for part in side.arguments]
            if side.layer not in self.layers:
                self.layers[side.layer] = f"o_{side.layer}"
                self.columns.append(("layer", side.layer))
            value = self._value(self._new("v"))
            listed = "(Nil)"
            for argument in reversed(below):
                listed = f"(Cons {argument} {listed})"
            self.facts.append(f"(= {value} (Op o_{side.layer} {listed}))")
            self.facts.append(f'(kind o_{side.layer} "{self.law.name}:{side.layer}")')
            self.columns.append(("call", (side.layer, value, tuple(below))))
            return value
        below = [self._placed(part) for part in side.parts]
        if len(below) != 2:
            raise FieldError(f"{self.law.name}: joins of two parts stand on the left side of a rule")
        join, first, second = self._new("j"), self._new("i"), self._new("k")
        for place, part in zip((first, second), below):
            handle = self._new("h")
            self.facts += [f"(part {join} {place} {handle})", f"(= {part} (H {handle}))"]
        self.facts.append(f"(= {second} (+ {first} 1))" if side.sign == "|" else f"(!= {first} {second})")
        size = self._new("n") if top else "2"
        self.facts.append(f'(join {join} "{_JOINS[side.sign].__name__}" {size})')
        value = self._value(self._new("v"))
        self.facts.append(f"(= {value} (H {join}))")
        self.columns += [("join", (join, value)), ("place", first), ("place", second)]
        return value

    @property
    def program(self) -> str:
        words = [_column(column) for column in self.columns if column[0] != "call"]
        sorts = " ".join("i64" for _ in words)
        return f"(relation {self.name} ({sorts}))\n(rule ({' '.join(self.facts)}) (({self.name} {' '.join(words)})) :ruleset look)\n"


def _column(column: tuple[str, Any]) -> str:
    kind, what = column
    return {"value": f"r_{what}", "layer": f"o_{what}", "place": what}[kind] if kind != "join" else what[0]


class Saturation:
    """One run of the engine on values."""

    def __init__(self, values: Values, laws: Sequence[Law]):
        self.result = Saturated(values)
        self.patterns = [_Pattern(law, law.trial, n) for n, law in enumerate(laws) if isinstance(law.trial, Rule)]
        self.limit = max(LEAST_VALUES, MOST_VALUES * len(values.shapes))
        self.sent = {"nodes": 0, "values": 0, "operations": 0}
        self.same: list[tuple[int, int]] = []
        self.seen: set[Any] = set()
        self.joins: dict[int, tuple[Operation, tuple[int, ...], int]] = {}

    def run(self) -> Saturated:
        """Saturate."""
        bindings = engine()
        with tempfile.TemporaryDirectory() as folder:
            self.folder, self.graph = Path(folder), bindings.EGraph(fact_directory=folder)
            self._tell(_PROGRAM + "".join(pattern.program for pattern in self.patterns))
            for _ in range(ROUNDS):
                self._put()
                self._tell("(run put 3) (run look 1)")
                self._read_roots()
                if not self._apply():
                    break
                if len(self.result.values.shapes) > self.limit:
                    self.result.complete = False
                    break
            else:
                self.result.complete = False
            self._put()
            self._tell("(run put 3) (run look 1)")
            self._read_roots()
        return self.result

    def _tell(self, text: str) -> Any:
        return self.graph.run_program(*self.graph.parse_program(text))

    def _input(self, relation: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            (self.folder / f"{relation}.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
            self._tell(f'(input {relation} "{relation}.tsv")')

    def _put(self) -> None:
        values, sent = self.result.values, self.sent
        self._input("handle", [(value,) for value in range(sent["values"], len(values.shapes))])
        kinds = []
        for number in range(sent["operations"], len(values.operations)):
            network = values.operations[number].network
            kinds += [
                (number, f"{pattern.law.name}:{name}")
                for pattern in self.patterns for name, classes in pattern.rule.kinds.items() if isinstance(network, classes)
            ]  # fmt: skip
        self._input("kind", kinds)
        rows: dict[str, list[tuple[object, ...]]] = {}
        for node in values.nodes[sent["nodes"] :]:
            operation = values.operations[node.operation]
            if operation.kind in ("Add", "Mul", "Concat"):
                handle = node.value
                if handle in self.joins:  # the value has a join already: another handle for the same value
                    handle = values.value(values.shapes[handle], values.layouts[handle])
                    rows.setdefault("handle", []).append((handle,))
                    self.same.append((handle, node.value))
                self.joins[handle] = (operation, node.arguments, node.operation)
                rows.setdefault("join", []).append((handle, operation.kind, len(node.arguments)))
                rows.setdefault("part", []).extend((handle, place, a) for place, a in enumerate(node.arguments))
            elif len(node.arguments) <= 3:
                rows.setdefault(f"op{len(node.arguments)}", []).append((node.value, node.operation, *node.arguments))
        for relation, found in rows.items():
            self._input(relation, found)
        self._input("same", self.same)
        self.same = []
        sent |= {"nodes": len(values.nodes), "values": len(values.shapes), "operations": len(values.operations)}

    def _rows(self, relation: str) -> list[tuple[int, ...]]:
        output = self._tell(f"(print-function {relation} 10000000)")[0]
        dag = output.termdag
        return [tuple(dag.get(a).value.value for a in dag.get(term).args) for term, _ in output.terms]

    def _read_roots(self) -> None:
        output = self._tell("(print-function root 10000000)")[0]
        dag = output.termdag
        roots = list(range(len(self.result.values.shapes)))
        for term, value in output.terms:
            roots[dag.get(dag.get(term).args[0]).value.value] = dag.get(value).value.value
        self.result.roots = roots

    def _apply(self) -> bool:
        found = False
        find = self.result.find
        for pattern in self.patterns:
            for row in sorted(self._rows(pattern.name)):
                match = dict(zip((_column(column) for column in pattern.columns if column[0] != "call"), row))
                match = {name: find(number) if name.startswith("r_") else number for name, number in match.items()}
                key = (pattern.name, *match.values())
                if key not in self.seen:
                    self.seen.add(key)
                    found |= self._use(pattern, match)
                    if len(self.result.values.shapes) > self.limit:
                        return True
        return found

    def _use(self, pattern: _Pattern, match: Mapping[str, int]) -> bool:
        values, rule = self.result.values, pattern.rule
        left = {name: match[f"o_{name}"] for name in pattern.layers}
        networks = {name: values.operations[number].network for name, number in left.items()}
        variables = {name[4:]: number for name, number in match.items() if name.startswith("r_x_")}
        shapes = {name: values.shapes[number] for name, number in variables.items()}
        joins = [match[column[1][0]] for column in pattern.columns if column[0] == "join"]
        axis = next((self.joins[j][0].network.axis for j in joins if self.joins[j][0].kind == "Concat"), None)  # type: ignore[attr-defined]
        try:
            made = rule.apply(networks, shapes, axis)
            needed = None if made is None else conditions(made.given)
            if made is None or needed is None:
                return False
            matched = tuple(
                (left[what[0]], tuple(match[f"r_{value}"] for value in what[2]))
                for kind, what in pattern.columns if kind == "call"
            )  # fmt: skip
            number = len(self.result.steps)
            right = dict(left)
            for name in reversed([name for name in layers_in(rule.right) if name in made.layers]):  # inner ones first
                network = made.layers[name]
                right[name] = self._made_operation(name, network, number, rule, variables, right)
            application = Application(pattern.law, left, right, made, matched, tuple(joins), tuple(needed))
            return self._insert(pattern, match, application, variables, axis, number)
        except LayerAlgebraError:
            return False

    def _made_operation(
        self, name: str, network: Any, step: int, rule: Rule, variables: Mapping[str, int], right: Mapping[str, int]
    ) -> int:
        """A new layer; its tensors are those of its equation, whatever enters."""
        values = self.result.values
        entering = self._entering(name, rule.right, variables, right)
        instance = network.instance(*entering)
        tensors = [tensor for tensor, role in instance.roles.items() if role in ("weight", "buffer")]
        return values.operation(network, [(tensor, FromStep(step, name, tensor)) for tensor in tensors])

    def _entering(self, name: str, side: Side, variables: Mapping[str, int], right: Mapping[str, int]) -> list[Any]:
        from .values import made_of

        values = self.result.values

        def shape(part: Side) -> Any:
            if isinstance(part, Variable):
                return values.shapes[variables[part.name]]
            below = [shape(inner) for inner in (part.arguments if isinstance(part, Call) else part.parts)]
            if isinstance(part, Call):
                return made_of(values.operations[right[part.layer]].network, below, [None] * len(below))[0]
            network = Concat(axis=len(below[0]) - 1) if part.sign == "|" else _JOINS[part.sign]()
            return made_of(network, below, [None] * len(below))[0]

        call = next(part for part in parts_of(side) if isinstance(part, Call) and part.layer == name)
        return [shape(part) for part in call.arguments]

    def _insert(
        self,
        pattern: _Pattern,
        match: Mapping[str, int],
        application: Application,
        variables: Mapping[str, int],
        axis: int | None,
        step: int,
    ) -> bool:
        values = self.result.values
        root = match[f"r_{pattern.root}"]
        before = (len(values.nodes), len(self.same))

        def placed(part: Side, value: int | None = None) -> int:
            if isinstance(part, Variable):
                return variables[part.name]
            below = [placed(inner) for inner in (part.arguments if isinstance(part, Call) else part.parts)]
            if isinstance(part, Call):
                return self._node(application.right[part.layer], below, step, value)
            along = axis if axis is not None else len(values.shapes[below[0]]) - 1
            join = Concat(axis=along) if part.sign == "|" else _JOINS[part.sign]()
            return self._join(join, below, step, value)

        top = pattern.rule.left
        if isinstance(top, Joined):
            operation, parts, _ = self.joins[application.joins[-1]]
            taken = [number for kind, what in pattern.columns[-2:] for number in (match[what],) if kind == "place"]
            if len(parts) > 2:
                inner = placed(pattern.rule.right)
                rest = [part for place, part in enumerate(parts) if place not in taken]
                rest.insert(min(taken) if top.sign == "|" else len(rest), inner)
                made = self._join(operation.network, rest, step, root)
            else:
                made = placed(pattern.rule.right, root)
        else:
            made = placed(pattern.rule.right, root)
        if made != root and self.result.find(made) != self.result.find(root):
            self.same.append((made, root))
        if (len(values.nodes), len(self.same)) == before:
            return False
        self.result.steps.append(application)
        return True

    def _node(self, operation: int, arguments: Sequence[int], step: int, value: int | None) -> int:
        """The value of a node that may be there already, with whatever its arguments are called."""
        values, find = self.result.values, self.result.find
        key = (operation, tuple(map(find, arguments)))
        if key in values.known:
            return values.known[key]
        return values.node(operation, [find(a) for a in arguments], step, value)

    def _join(self, network: Any, parts: Sequence[int], step: int, value: int | None) -> int:
        find = self.result.find
        parts = [find(part) for part in parts]
        if not network.stacks:
            parts = sorted(parts)
        key = (self.result.values.operation(network.without_branches()), tuple(parts))
        if key in self.result.values.known:
            return self.result.values.known[key]
        return joined(self.result.values, network, tuple(parts), step, value)


__all__ = ["Application", "Node", "Saturated", "Saturation"]
