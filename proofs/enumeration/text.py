"""Reads the text of an equation with Python's own `ast`; shares no code with the engine."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .nodes import (
    REDUCTIONS,
    Component,
    Constraint,
    Env,
    Impossible,
    Index,
    Line,
    Node,
    flat,
    mark_groups,
    needed_indices,
    quotient,
    root,
    summed_over,
)

RANKS: dict[tuple, list[dict[str, int]]] = {}
OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: quotient,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
RELATIONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
NUMBER_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "sqrt": root,
    "log": math.log,
}


def _relation(compare: Callable, left: Callable, right: Callable) -> Callable[[Env], bool]:
    return lambda env: compare(left(env), right(env))


def _name(node: ast.AST) -> str:
    assert isinstance(node, ast.Name), ast.dump(node)
    return node.id


def _items(bracketed: ast.AST) -> list[ast.expr]:
    """What stands between the square brackets, comma by comma."""
    assert isinstance(bracketed, ast.Subscript), ast.dump(bracketed)
    return list(bracketed.slice.elts) if isinstance(bracketed.slice, ast.Tuple) else [bracketed.slice]


class EquationText:
    """Statements, masks and ranges of an equation, with stars spread over the axes.

    The number of axes behind every star is found by trying.
    """

    def __init__(
        self, text: str, fields: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], buffers: Sequence[str] = ()
    ):
        self.fields = dict(fields)
        self.inputs = {name: tuple(shape) for name, shape in shapes.items()}
        self.buffers = set(buffers)
        self.scalars: dict[str, ast.expr] = {}
        self.statements: list[tuple[ast.Subscript, ast.expr]] = []
        self.wheres: list[ast.expr] = []
        self._read_text(text)
        self.defined = {_name(target.value): place for place, (target, _) in enumerate(self.statements)}
        self.stars = self._starred_names()
        self.ranks = self._find_ranks()
        self.bounds: dict[Index, int] = {}
        self.lookup_bounds: dict[str, int] = {}
        self.declared: dict[str, list[int | None]] = {}
        self.constraints: list[Constraint] = []
        for where in self.wheres:
            self._where(where)
        self.lines = [self._line(target, value) for target, value in self.statements]

    # text ------------------------------------------------------------------------------------------------------------

    def _read_text(self, text: str) -> None:
        pending = ""
        for raw in text.splitlines():
            line = raw.split("#")[0].rstrip()
            if not line.strip():
                continue
            pending = f"{pending} {line.strip()}".strip()
            is_where = pending.startswith("where ")
            try:
                tree = ast.parse(f"({pending[6:]},)" if is_where else pending).body[0]
            except SyntaxError:
                continue
            if pending.endswith(","):
                continue
            mark_groups(tree, f"({pending[6:]},)" if is_where else pending)
            pending = ""
            if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Tuple):
                self.wheres += [self._choose(bound) for bound in tree.value.elts]
                continue
            assert isinstance(tree, ast.Assign), ast.dump(tree)
            target = self._choose(tree.targets[0])
            if isinstance(target, ast.Subscript):
                self.statements.append((target, self._choose(tree.value)))
            else:
                self.scalars[_name(target)] = self._choose(tree.value)
        assert not pending, f"this line does not end: {pending}"

    def _choose(self, tree: ast.expr) -> ast.expr:
        """Resolve ``a if flag else b`` with the fields."""
        equation = self

        class Chooser(ast.NodeTransformer):
            def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
                return self.visit(node.body if equation._truth(node.test) else node.orelse)

        return Chooser().visit(tree)

    def _truth(self, node: ast.expr) -> bool:
        if isinstance(node, ast.UnaryOp):
            return not self._truth(node.operand)
        if isinstance(node, ast.BoolOp):
            return (all if isinstance(node.op, ast.And) else any)(self._truth(value) for value in node.values)
        if isinstance(node, ast.Constant):
            return bool(node.value)
        if isinstance(node, ast.Name):
            return bool(self.fields[node.id])
        assert isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant), ast.dump(node)
        left, right = self.fields[_name(node.left)], node.comparators[0].value
        same = left is right if right is None or left is None else left == right
        return same if isinstance(node.ops[0], (ast.Eq, ast.Is)) else not same

    # ranks -----------------------------------------------------------------------------------------------------------

    def _subscripts(self) -> Iterator[ast.Subscript]:
        for target, value in self.statements:
            for side in (target, value):
                for node in ast.walk(side):
                    if isinstance(node, ast.Subscript) and _name(node.value) not in self.fields:
                        yield node

    def _starred_names(self) -> set[str]:
        return {
            name
            for node in self._subscripts()
            for part in ast.walk(node.slice)
            if isinstance(part, ast.Starred)
            for name in self._index_names(part.value)
        }

    def _index_names(self, node: ast.AST) -> list[str]:
        """Names of indices in an expression, tensors' names left out."""
        tensors = {id(part.value) for part in ast.walk(node) if isinstance(part, ast.Subscript)}
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        return [
            part.id for part in ast.walk(node)
            if isinstance(part, ast.Name) and id(part) not in tensors | called
            and part.id not in self.fields and part.id not in self.scalars and part.id not in ("inf", "pi", "_")
        ]  # fmt: skip

    def _lengths(self, node: ast.AST) -> set[int]:
        """The lengths of the tuples among the fields that an expression uses, through scalars too."""
        found: set[int] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(self.fields.get(part.id), tuple):
                found.add(len(self.fields[part.id]))
            elif isinstance(part, ast.Name) and part.id in self.scalars:
                found |= self._lengths(self.scalars[part.id])
        return found

    def _names_through_scalars(self, node: ast.AST) -> set[str]:
        found = set(self._index_names(node))
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.scalars:
                found |= self._names_through_scalars(self.scalars[part.id])
        return found

    def _find_ranks(self) -> dict[str, int]:
        """Try every number of axes for every star, and keep the one choice at which all tensors fit."""
        names = sorted(self.stars)
        trees = [part for statement in self.statements for part in statement]
        trees += [*self.wheres, *self.scalars.values()]
        lengths = [(name, len(value)) for name, value in self.fields.items() if isinstance(value, tuple)]
        key = (*map(ast.dump, trees), *lengths, *(len(shape) for shape in self.inputs.values()))
        if key not in RANKS:
            most = max([*map(len, self.inputs.values()), *(length for _, length in lengths)], default=0)
            choices = (dict(zip(names, choice)) for choice in product(range(most + 1), repeat=len(names)))
            RANKS[key] = [ranks for ranks in choices if self._fits(ranks)]
        fitting = RANKS[key]
        if not fitting:
            raise Impossible("no number of axes fits")
        assert len(fitting) == 1, f"the ranks are not determined: {fitting}"
        return fitting[0]

    def _fits(self, ranks: dict[str, int]) -> bool:
        tensors: dict[str, int] = {name: len(shape) for name, shape in self.inputs.items()}
        functions = (*REDUCTIONS, "softmax", "pad")
        for node in self._subscripts():
            width = 0
            for item in _items(node):
                if not isinstance(item, ast.Starred):
                    width += 1
                    continue
                along = {ranks[name] for name in self._index_names(item.value) if name in ranks}
                along |= self._lengths(item.value)
                if len(along) != 1:
                    return False
                width += along.pop()
            if _name(node.value) not in functions and tensors.setdefault(_name(node.value), width) != width:
                return False
        for where in self.wheres:
            if isinstance(where, ast.Compare):
                along = {ranks[name] for name in self._names_through_scalars(where) if name in ranks}
                along |= self._lengths(where)
                if len(along) > 1:
                    return False
        return True

    def _item_rank(self, item: ast.Starred) -> int:
        return next(self.ranks[name] for name in self._index_names(item.value) if name in self.ranks)

    # numbers and expressions -----------------------------------------------------------------------------------------

    def _index(self, name: str, axis: int | None) -> Index:
        return (name, axis if name in self.stars else None)

    def _expression(self, node: ast.expr, axis: int | None) -> tuple[Callable[[Env], Any], frozenset[Index]]:
        """An arithmetic expression as a function of the indices, and the indices it needs."""
        if isinstance(node, ast.Constant):
            constant = node.value if isinstance(node.value, int) else Fraction(repr(node.value))
            return (lambda env: constant), frozenset()
        if isinstance(node, ast.Name):
            if node.id in self.scalars:
                return self._expression(self.scalars[node.id], axis)
            if node.id in self.fields:
                field = self.fields[node.id]
                if not isinstance(field, tuple):
                    return (lambda env: field), frozenset()
                if axis is None or axis >= len(field):
                    raise Impossible(f"{node.id} has a value for each axis")
                number = field[axis]
                return (lambda env: number), frozenset()
            if node.id in ("inf", "pi"):
                return (lambda env: math.inf if node.id == "inf" else math.pi), frozenset()
            index = self._index(node.id, axis)
            return (lambda env: env[index]), frozenset([index])
        if isinstance(node, ast.UnaryOp):
            inner, needs = self._expression(node.operand, axis)
            return ((lambda env: -inner(env)) if isinstance(node.op, ast.USub) else inner), needs
        if isinstance(node, ast.BinOp):
            left, first = self._expression(node.left, axis)
            right, second = self._expression(node.right, axis)
            operate = OPERATIONS[type(node.op)]
            return (lambda env: operate(left(env), right(env))), first | second
        if isinstance(node, ast.Subscript):
            assert isinstance(node.slice, ast.Constant), ast.dump(node)
            part = self.fields[_name(node.value)][node.slice.value]
            return (lambda env: part), frozenset()
        assert isinstance(node, ast.Call), ast.dump(node)
        if _name(node.func) == "size":
            size = self._size(_name(node.args[0]), axis)
            return (lambda env: size), frozenset()
        made = [self._expression(argument, axis) for argument in node.args]
        call = NUMBER_FUNCTIONS[_name(node.func)]
        return (lambda env: call(*(part(env) for part, _ in made))), frozenset().union(*(needs for _, needs in made))

    def _size(self, name: str, axis: int | None) -> int:
        """The size of the axis of an input that an index addresses alone."""
        for node in self._subscripts():
            if _name(node.value) not in self.inputs:
                continue
            place = 0
            for item in _items(node):
                bare = item.value if isinstance(item, ast.Starred) else item
                if isinstance(bare, ast.Name) and bare.id == name:
                    return self.inputs[_name(node.value)][place + (axis or 0 if name in self.stars else 0)]
                place += self._item_rank(item) if isinstance(item, ast.Starred) else 1
        raise AssertionError(f"size({name}) belongs to no input")

    def _whole(self, value: Any, least: int, what: str) -> int:
        if value != int(value) or value < least:
            raise Impossible(f"{what} is {value}")
        return int(value)

    # addresses and operations ----------------------------------------------------------------------------------------

    def _address(self, node: ast.Subscript) -> tuple[Component, ...]:
        made: list[Component] = []
        for item in _items(node):
            axes: Iterable[int | None] = range(self._item_rank(item)) if isinstance(item, ast.Starred) else [None]
            bare = item.value if isinstance(item, ast.Starred) else item
            made += [self._component(bare, axis) for axis in axes]
        return tuple(made)

    def _component(self, node: ast.expr, axis: int | None) -> Component:
        if isinstance(node, ast.Tuple):
            members: list[Index] = []
            for part in node.elts:
                if isinstance(part, ast.Starred):
                    members += [(_name(part.value), place) for place in range(self.ranks[_name(part.value)])]
                else:
                    members.append(self._index(_name(part), axis))
            return Component("group", frozenset(members), group=tuple(members))
        if isinstance(node, ast.Subscript):
            read = Node("read", name=_name(node.value), address=self._address(node))
            return Component("lookup", needed_indices(read), lookup=read)
        at, needs = self._expression(node, axis)
        plain = next(iter(needs)) if isinstance(node, ast.Name) and len(needs) == 1 else None
        return Component("expression", needs, at=at, plain=plain)

    def _line(self, target: ast.Subscript, value: ast.expr) -> Line:
        address = self._address(target)
        bound = frozenset().union(*(part.indices for part in address))
        node = self._node(value)
        for index in sorted(self._loose(node) - bound, key=str):
            node = summed_over(node, index)
        return Line(_name(target.value), address, node, {})

    def _loose(self, node: Node) -> frozenset[Index]:
        """Indices that no reduction binds, by the letters alone."""
        below = frozenset().union(*(self._loose(part) for part in node.parts))
        below |= frozenset().union(*(part.indices for part in node.address))
        return (
            below - frozenset(node.indices)
            if node.kind == "reduce"
            else below - (frozenset(node.indices) if node.kind == "softmax" else frozenset())
        )

    def _node(self, node: ast.expr) -> Node:
        if not any(isinstance(part, ast.Subscript) and _name(part.value) not in self.fields for part in ast.walk(node)):
            return Node("number", value=self._expression(node, None)[0]({}))
        if isinstance(node, ast.Subscript):
            return Node("read", name=_name(node.value), address=self._address(node))
        if isinstance(node, ast.UnaryOp):
            inner = self._node(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else Node("times", (Node("number", value=-1), inner))
        if isinstance(node, ast.BinOp):
            left, right = self._node(node.left), self._node(node.right)
            if isinstance(node.op, (ast.Add, ast.Sub)):
                if isinstance(node.op, ast.Sub):
                    right = Node("times", (Node("number", value=-1), right))
                terms = flat("plus", left) + flat("plus", right)
                kept = [term for term in terms if not (term.kind == "number" and term.value == 0)]
                return kept[0] if len(kept) == 1 else Node("plus", tuple(kept))
            if isinstance(node.op, ast.Mult):
                return Node("times", flat("times", left) + flat("times", right))
            return Node("apply", (left, right), name="divide" if isinstance(node.op, ast.Div) else "power")
        assert isinstance(node, ast.Call), ast.dump(node)
        if isinstance(node.func, ast.Name):
            return Node("apply", tuple(self._node(argument) for argument in node.args), name=node.func.id)
        assert isinstance(node.func, ast.Subscript), ast.dump(node)
        body = self._node(node.args[0])
        name = _name(node.func.value)
        if name == "pad":
            return self._pad(node, body)
        bound = tuple(index for part in self._address_indices(node.func) for index in part)
        return Node("softmax" if name == "softmax" else "reduce", (body,), name=name, indices=bound)

    def _address_indices(self, node: ast.Subscript) -> Iterator[list[Index]]:
        for item in _items(node):
            if isinstance(item, ast.Starred):
                yield [(_name(item.value), axis) for axis in range(self.ranks[_name(item.value)])]
            else:
                yield [(_name(item), None)]

    def _pad(self, node: ast.Call, body: Node) -> Node:
        """The widths of a margin, an axis each, and what it is filled with."""
        amounts = _items(node.func)
        named = {_name(part.lower): part.upper for part in amounts if isinstance(part, ast.Slice) and part.lower}
        widths = []
        for item in _items(node.args[0]):
            bare = item.value if isinstance(item, ast.Starred) else item
            axes: Iterable[int | None] = range(self.ranks[_name(bare)]) if isinstance(item, ast.Starred) else [None]
            for axis in axes:
                pair: Sequence[ast.expr] | None
                if named:
                    both = named.get(_name(bare))
                    pair = (both.elts if isinstance(both, ast.Tuple) else (both, both)) if both is not None else None
                else:
                    pair = (amounts[0], amounts[-1]) if isinstance(item, ast.Starred) else None
                widths.append(tuple(self._expression(width, axis)[0]({}) for width in pair) if pair else (0, 0))
        fill = next((self._node(word.value) for word in node.keywords), Node("number", value=0))
        return Node("pad", (body, fill), value=widths)

    # where -----------------------------------------------------------------------------------------------------------

    def _where(self, tree: ast.expr) -> None:
        if isinstance(tree, ast.Constant):
            return
        if isinstance(tree, ast.Subscript):
            self.declared[_name(tree.value)] = [
                None if isinstance(item, ast.Name) and item.id == "_" else int(self._expression(item, None)[0]({}))
                for item in _items(tree)
            ]
            return
        starred = [name for name in self._names_through_scalars(tree) if name in self.stars]
        assert isinstance(tree, ast.Compare), ast.dump(tree)
        axes: Iterable[int | None] = range(self.ranks[starred[0]]) if starred else [None]
        for axis in axes:
            self._where_on(tree, axis)

    def _where_on(self, tree: ast.Compare, axis: int | None) -> None:
        if isinstance(tree.left, ast.Name) and tree.left.id in self.inputs:
            self.lookup_bounds[tree.left.id] = self._expression(tree.comparators[0], axis)[0]({})
            return
        sides = [self._expression(side, axis) for side in (tree.left, *tree.comparators)]
        words = [type(op) for op in tree.ops]
        is_bound = len(sides) == 2 and isinstance(tree.left, ast.Name) and sides[0][1] and not sides[1][1]
        if is_bound and words[0] in (ast.Lt, ast.LtE):
            (index,) = sides[0][1]
            self.bounds[index] = sides[1][0]({}) + (words[0] is ast.LtE)
            return
        is_range = len(sides) == 3 and words == [ast.LtE, ast.Lt] and isinstance(tree.comparators[0], ast.Name)
        for (left, first), word, (right, second) in zip(sides, words, sides[1:]):
            ranged = next(iter(sides[1][1])) if is_range else None
            self.constraints.append(
                Constraint(first | second, _relation(RELATIONS[word], left, right), is_range, ranged)
            )

    def _constraints(self, line: Line) -> list[Constraint]:
        return [constraint for constraint in self.constraints if constraint.indices <= set(line.extents)]
