"""What a layer's equation means, by enumeration at small integer sizes; shares no code with the package.

`Equation` reads the text with Python's own `ast`, finds the number of axes behind every star by trying, finds extents by
searching for the largest index whose addresses all lie inside, and then walks over index points with `itertools.product`:

- `shapes`, `weights`: the addresses that occur;
- `counts`: one operation for each point of the indices on which its value depends, nominal and effective;
- `value`: the number at an element of the output, exact where the numbers are;
- `reach`: for every output position the first and the last input position that it reads, margins included.

What is counted: a sum over K points costs K adds, a product of n factors n - 1 multiplies, a product of two tensors or more that
is summed one MAC a point; a mean one division, an extremum K comparisons, a softmax an add and two others a point; signs, ones and
what reads no tensor are free. Effective counts leave out the points that a mask excludes or that read a margin.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

Index = tuple[str, int | None]
Env = dict[Index, int]
REDUCTIONS = ("sum", "mean", "max", "min", "prod")
_RANKS: dict[tuple, list[dict[str, int]]] = {}


class Impossible(Exception):
    """The equation has no meaning at these sizes."""


class Undefined(Exception):
    """The equation has no value at these numbers."""


@dataclass
class Node:
    """One operation: its kind, what it is made of, and how often it happens."""

    kind: str  # number, read, plus, times, apply, reduce, softmax, pad
    parts: tuple["Node", ...] = ()
    name: str = ""
    value: Any = None
    address: tuple["Component", ...] = ()
    indices: tuple[Index, ...] = ()
    implicit: bool = False


@dataclass
class Component:
    """One axis of an address: an integer expression, a mixed-radix group of indices, or a lookup."""

    kind: str  # expression, group, lookup
    indices: frozenset[Index]
    at: Callable[[Env], Any] | None = None
    plain: Index | None = None
    group: tuple[Index, ...] = ()
    lookup: Node | None = None


@dataclass
class Constraint:
    indices: frozenset[Index]
    holds: Callable[[Env], bool]
    is_range: bool
    ranged: Index | None = None


@dataclass
class Line:
    name: str
    target: tuple[Component, ...]
    value: Node
    extents: dict[Index, int]


@dataclass
class Counts:
    macs: int = 0
    multiplies: int = 0
    adds: int = 0
    other: int = 0


class Equation:
    """An equation at integer sizes.

    Parameters
    ----------
    text : str
    fields : mapping of str to int, Fraction, bool, str, None or a tuple of them
    shapes : mapping of str to tuple of int
        The inputs, in order.
    buffers : sequence of str
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
        self.defined = {target.value.id: place for place, (target, _) in enumerate(self.statements)}
        self.stars = self._starred_names()
        self.ranks = self._find_ranks()
        self.bounds: dict[Index, int] = {}
        self.lookup_bounds: dict[str, int] = {}
        self.declared: dict[str, list[int | None]] = {}
        self.constraints: list[Constraint] = []
        for where in self.wheres:
            self._where(where)
        self.lines = [self._line(target, value) for target, value in self.statements]
        self.shapes: dict[str, tuple[int, ...]] = dict(self.inputs)
        self.margins: dict[str, list[tuple[int, int] | None]] = {}
        self._find_extents()
        self.weights = self._find_weights()
        self._check_addresses()
        self.output = self.shapes[self.lines[-1].name]
        self._reaches: dict[tuple[str, tuple[int, ...]], Any] = {}
        self._origins: dict[str, dict[tuple[int, ...], list[Env]]] = {}

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
            _mark_groups(tree, f"({pending[6:]},)" if is_where else pending)
            pending = ""
            if is_where:
                self.wheres += [self._choose(bound) for bound in tree.value.elts]
            elif isinstance(tree.targets[0], ast.Name):
                self.scalars[tree.targets[0].id] = self._choose(tree.value)
            else:
                self.statements.append((self._choose(tree.targets[0]), self._choose(tree.value)))
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
        left, right = self.fields[node.left.id], node.comparators[0].value
        same = left is right if right is None or left is None else left == right
        return same if isinstance(node.ops[0], (ast.Eq, ast.Is)) else not same

    # ranks -----------------------------------------------------------------------------------------------------------

    def _subscripts(self) -> Iterator[ast.Subscript]:
        for target, value in self.statements:
            for root in (target, value):
                for node in ast.walk(root):
                    if isinstance(node, ast.Subscript) and node.value.id not in self.fields:
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
            and part.id not in self.fields and part.id not in self.scalars and part.id not in ("inf", "_")
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
        trees = [part for statement in self.statements for part in statement] + self.wheres + list(self.scalars.values())
        lengths = [(name, len(value)) for name, value in self.fields.items() if isinstance(value, tuple)]
        key = (*map(ast.dump, trees), *lengths, *(len(shape) for shape in self.inputs.values()))
        if key not in _RANKS:
            most = max([*map(len, self.inputs.values()), *(length for _, length in lengths)], default=0)
            choices = (dict(zip(names, choice)) for choice in product(range(most + 1), repeat=len(names)))
            _RANKS[key] = [ranks for ranks in choices if self._fits(ranks)]
        fitting = _RANKS[key]
        if not fitting:
            raise Impossible("no number of axes fits")
        assert len(fitting) == 1, f"the ranks are not determined: {fitting}"
        return fitting[0]

    def _fits(self, ranks: dict[str, int]) -> bool:
        tensors: dict[str, int] = {name: len(shape) for name, shape in self.inputs.items()}
        functions = (*REDUCTIONS, "softmax", "pad")
        for node in self._subscripts():
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            width = 0
            for item in items:
                if not isinstance(item, ast.Starred):
                    width += 1
                    continue
                along = {ranks[name] for name in self._index_names(item.value) if name in ranks}
                along |= self._lengths(item.value)
                if len(along) != 1:
                    return False
                width += along.pop()
            if node.value.id not in functions and tensors.setdefault(node.value.id, width) != width:
                return False
        for where in self.wheres:
            if isinstance(where, ast.Compare):
                along = {ranks[name] for name in self._names_through_scalars(where) if name in ranks} | self._lengths(where)
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
            value = node.value if isinstance(node.value, int) else Fraction(repr(node.value))
            return (lambda env: value), frozenset()
        if isinstance(node, ast.Name):
            if node.id in self.scalars:
                return self._expression(self.scalars[node.id], axis)
            if node.id in self.fields:
                field = self.fields[node.id]
                if isinstance(field, tuple) and (axis is None or axis >= len(field)):
                    raise Impossible(f"{node.id} has a value for each axis")
                number = field[axis] if isinstance(field, tuple) else field
                return (lambda env: number), frozenset()
            if node.id == "inf":
                return (lambda env: math.inf), frozenset()
            index = self._index(node.id, axis)
            return (lambda env: env[index]), frozenset([index])
        if isinstance(node, ast.UnaryOp):
            inner, needs = self._expression(node.operand, axis)
            return ((lambda env: -inner(env)) if isinstance(node.op, ast.USub) else inner), needs
        if isinstance(node, ast.BinOp):
            left, first = self._expression(node.left, axis)
            right, second = self._expression(node.right, axis)
            operate = {
                ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
                ast.Div: _quotient, ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b, ast.Pow: lambda a, b: a**b,
            }[type(node.op)]  # fmt: skip
            return (lambda env: operate(left(env), right(env))), first | second
        if isinstance(node, ast.Subscript):
            part = self.fields[node.value.id][node.slice.value]
            return (lambda env: part), frozenset()
        assert isinstance(node, ast.Call), ast.dump(node)
        if node.func.id == "size":
            size = self._size(node.args[0].id, axis)
            return (lambda env: size), frozenset()
        made = [self._expression(argument, axis) for argument in node.args]
        call = {"floor": math.floor, "ceil": math.ceil, "max": max, "min": min, "sqrt": _root, "log": math.log}[node.func.id]
        return (lambda env: call(*(part(env) for part, _ in made))), frozenset().union(*(needs for _, needs in made))

    def _size(self, name: str, axis: int | None) -> int:
        """The size of the axis of an input that an index addresses alone."""
        for node in self._subscripts():
            if node.value.id not in self.inputs:
                continue
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            place = 0
            for item in items:
                bare = item.value if isinstance(item, ast.Starred) else item
                if isinstance(bare, ast.Name) and bare.id == name:
                    return self.inputs[node.value.id][place + (axis or 0 if name in self.stars else 0)]
                place += self._item_rank(item) if isinstance(item, ast.Starred) else 1
        raise AssertionError(f"size({name}) belongs to no input")

    def _whole(self, value: Any, least: int, what: str) -> int:
        if value != int(value) or value < least:
            raise Impossible(f"{what} is {value}")
        return int(value)

    # addresses and operations ----------------------------------------------------------------------------------------

    def _address(self, node: ast.Subscript) -> tuple[Component, ...]:
        made = []
        for item in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            axes = range(self._item_rank(item)) if isinstance(item, ast.Starred) else [None]
            bare = item.value if isinstance(item, ast.Starred) else item
            made += [self._component(bare, axis) for axis in axes]
        return tuple(made)

    def _component(self, node: ast.expr, axis: int | None) -> Component:
        if isinstance(node, ast.Tuple):
            members: list[Index] = []
            for part in node.elts:
                if isinstance(part, ast.Starred):
                    members += [(part.value.id, place) for place in range(self.ranks[part.value.id])]
                else:
                    members.append(self._index(part.id, axis))
            return Component("group", frozenset(members), group=tuple(members))
        if isinstance(node, ast.Subscript):
            read = Node("read", name=node.value.id, address=self._address(node))
            return Component("lookup", _needed(read), lookup=read)
        at, needs = self._expression(node, axis)
        plain = next(iter(needs)) if isinstance(node, ast.Name) and len(needs) == 1 else None
        return Component("expression", needs, at=at, plain=plain)

    def _line(self, target: ast.Subscript, value: ast.expr) -> Line:
        address = self._address(target)
        bound = frozenset().union(*(part.indices for part in address))
        node = self._node(value)
        for index in sorted(self._loose(node) - bound, key=str):
            node = _summed_over(node, index)
        return Line(target.value.id, address, node, {})

    def _loose(self, node: Node) -> frozenset[Index]:
        """Indices that no reduction binds, by the letters alone."""
        below = frozenset().union(*(self._loose(part) for part in node.parts))
        below |= frozenset().union(*(part.indices for part in node.address))
        return below - frozenset(node.indices) if node.kind == "reduce" else below - (
            frozenset(node.indices) if node.kind == "softmax" else frozenset()
        )

    def _node(self, node: ast.expr) -> Node:
        if not any(isinstance(part, ast.Subscript) and part.value.id not in self.fields for part in ast.walk(node)):
            return Node("number", value=self._expression(node, None)[0]({}))
        if isinstance(node, ast.Subscript):
            return Node("read", name=node.value.id, address=self._address(node))
        if isinstance(node, ast.UnaryOp):
            inner = self._node(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else Node("times", (Node("number", value=-1), inner))
        if isinstance(node, ast.BinOp):
            left, right = self._node(node.left), self._node(node.right)
            if isinstance(node.op, (ast.Add, ast.Sub)):
                if isinstance(node.op, ast.Sub):
                    right = Node("times", (Node("number", value=-1), right))
                terms = _flat("plus", left) + _flat("plus", right)
                kept = [term for term in terms if not (term.kind == "number" and term.value == 0)]
                return kept[0] if len(kept) == 1 else Node("plus", tuple(kept))
            if isinstance(node.op, ast.Mult):
                return Node("times", _flat("times", left) + _flat("times", right))
            return Node("apply", (left, right), name="divide" if isinstance(node.op, ast.Div) else "power")
        assert isinstance(node, ast.Call), ast.dump(node)
        if isinstance(node.func, ast.Name):
            return Node("apply", tuple(self._node(argument) for argument in node.args), name=node.func.id)
        body = self._node(node.args[0])
        name = node.func.value.id
        if name == "pad":
            return self._pad(node, body)
        bound = tuple(index for part in self._address_indices(node.func) for index in part)
        return Node("softmax" if name == "softmax" else "reduce", (body,), name=name, indices=bound)

    def _address_indices(self, node: ast.Subscript) -> Iterator[list[Index]]:
        for item in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if isinstance(item, ast.Starred):
                yield [(item.value.id, axis) for axis in range(self.ranks[item.value.id])]
            else:
                yield [(item.id, None)]

    def _pad(self, node: ast.Call, body: Node) -> Node:
        """The widths of a margin, an axis each, and what it is filled with."""
        amounts = node.func.slice.elts if isinstance(node.func.slice, ast.Tuple) else [node.func.slice]
        named = {part.lower.id: part.upper for part in amounts if isinstance(part, ast.Slice)}
        widths = []
        source = node.args[0].slice.elts if isinstance(node.args[0].slice, ast.Tuple) else [node.args[0].slice]
        for item in source:
            bare = item.value if isinstance(item, ast.Starred) else item
            for axis in range(self.ranks[bare.id]) if isinstance(item, ast.Starred) else [None]:
                if named:
                    both = named.get(bare.id)
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
            items = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
            self.declared[tree.value.id] = [
                None if isinstance(item, ast.Name) and item.id == "_" else int(self._expression(item, None)[0]({}))
                for item in items
            ]
            return
        starred = [name for name in self._names_through_scalars(tree) if name in self.stars]
        for axis in range(self.ranks[starred[0]]) if starred else [None]:
            self._where_on(tree, axis)

    def _where_on(self, tree: ast.Compare, axis: int | None) -> None:
        if isinstance(tree.left, ast.Name) and tree.left.id in self.inputs:
            self.lookup_bounds[tree.left.id] = self._expression(tree.comparators[0], axis)[0]({})
            return
        sides = [self._expression(side, axis) for side in (tree.left, *tree.comparators)]
        words = [type(op) for op in tree.ops]
        if len(sides) == 2 and isinstance(tree.left, ast.Name) and sides[0][1] and not sides[1][1] and words[0] in (ast.Lt, ast.LtE):
            (index,) = sides[0][1]
            self.bounds[index] = sides[1][0]({}) + (words[0] is ast.LtE)
            return
        compare = {ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b}
        is_range = len(sides) == 3 and words == [ast.LtE, ast.Lt] and isinstance(tree.comparators[0], ast.Name)
        for (left, first), word, (right, second) in zip(sides, words, sides[1:]):
            holds = (lambda left, word, right: lambda env: compare[word](left(env), right(env)))(left, word, right)
            ranged = next(iter(sides[1][1])) if is_range else None
            self.constraints.append(Constraint(first | second, holds, is_range, ranged))

    def _constraints(self, line: Line) -> list[Constraint]:
        return [constraint for constraint in self.constraints if constraint.indices <= set(line.extents)]

    # extents ---------------------------------------------------------------------------------------------------------

    def _find_extents(self) -> None:
        for line in self.lines:
            for index in _all_indices(line):
                if index in self.bounds:
                    line.extents[index] = self._whole(self.bounds[index], 1, f"the extent of {index}")
        for _ in range(2 * len(self.lines) + 2):
            for place, line in enumerate(self.lines):
                self._search(place, line)
        for line in self.lines:
            missing = [index for index in _all_indices(line) if index not in line.extents]
            assert not missing, f"nothing determines {missing}"

    def _search(self, place: int, line: Line) -> None:
        if line.value.kind == "pad":
            self._search_pad(line)
        reads = [(read, self.shapes[read.name]) for read in _reads(line.value) if read.name in self.shapes]
        for read, shape in reads:
            if len(shape) != len(read.address):
                raise Impossible(f"{read.name} has {len(shape)} axes")
        steps = [
            (part, size) for read, shape in reads for part, size in zip(read.address, shape)
            if line.value.kind != "pad" and not self._is_earlier(place, read, part)
        ]  # fmt: skip
        for part, size in steps:
            if part.plain is not None:
                line.extents.setdefault(part.plain, size)
        for kind in ("group", "expression"):
            for part, size in steps:
                unknown = [index for index in part.indices if index not in line.extents]
                if part.kind == kind and part.plain is None and len(unknown) == 1:
                    line.extents[unknown[0]] = self._largest(line, part, unknown[0], size)
        if place in self._recurrent():
            for other in self.lines:
                for index, extent in other.extents.items():
                    if self._recurrent().get(place) == index:
                        line.extents.setdefault(index, extent)
        if line.name not in self.shapes and all(index in line.extents for part in line.target for index in part.indices):
            self.shapes[line.name] = tuple(max(self._positions(line, part)) + 1 for part in line.target)

    def _search_pad(self, line: Line) -> None:
        body = line.value.parts[0]
        if body.name not in self.shapes:
            return
        margins: list[tuple[int, int] | None] = []
        for part, size, (before, after) in zip(body.address, self.shapes[body.name], line.value.value):
            line.extents[part.plain] = self._whole(size + before + after, 1, "a padded axis")
            margins.append((before, size) if before or after else None)
        self.margins[line.name] = margins

    def _largest(self, line: Line, part: Component, unknown: Index, size: int) -> int:
        """The extent of an index: as large as possible with every address inside the axis; a group must fill it."""
        others = [index for index in part.indices if index != unknown]
        if part.kind == "group":
            rest = math.prod(line.extents[index] for index in others)
            return self._whole(Fraction(size, rest), 1, "the extent of a group's member")
        extent = 0
        while extent <= size:
            inside = all(
                0 <= part.at({**env, unknown: extent}) < size for env in _points(others, line.extents)
            )
            if not inside:
                break
            extent += 1
        if extent < 1:
            raise Impossible(f"no window fits into {size}")
        return extent

    def _positions(self, line: Line, part: Component) -> list[int]:
        """The values that one component of an address takes."""
        if part.kind == "lookup":
            return list(range(self.lookup_bounds[part.lookup.name]))
        return [self._position(line, part, env) for env in _points(sorted(part.indices, key=str), line.extents)]

    def _position(self, line: Line, part: Component, env: Env) -> int:
        if part.kind == "group":
            position = 0
            for index in part.group:
                position = position * line.extents[index] + env[index]
            return position
        value = part.at(env)
        return self._whole(value, value if value < 0 else 0, "an address")

    def _recurrent(self) -> dict[int, Index]:
        """Lines of recurrences, each with its running index."""
        if not hasattr(self, "_recurrences"):
            found: dict[int, Index] = {}
            spans = []
            for place, line in enumerate(self.lines):
                for read in _reads(line.value):
                    if self.defined.get(read.name, -1) >= place:
                        last = self.defined[read.name]
                        running = next(
                            own.plain for part, own in zip(read.address, self.lines[last].target)
                            if own.plain is not None and part.plain is None and part.indices == frozenset([own.plain])
                        )  # fmt: skip
                        spans.append((place, last, running))
            for _ in spans:
                for first, last, running in spans:
                    reached = [p for p in found if first <= p <= last]
                    for inside in range(min([first, *reached]), max([last, *reached]) + 1):
                        found[inside] = running
            self._recurrences = found
        return self._recurrences

    def _is_earlier(self, place: int, read: Node, part: Component) -> bool:
        running = self._recurrent().get(place)
        return (
            running is not None and read.name in self.defined and part.plain is None and part.indices == frozenset([running])
        )

    # weights and checks ----------------------------------------------------------------------------------------------

    def _find_weights(self) -> dict[str, tuple[int, ...]]:
        """Learned tensors: the addresses that occur, as a shape; each must occur."""
        self.elements: dict[str, int] = {}
        found: dict[str, tuple[int, ...]] = {}
        for line in self.lines:
            for read in _reads(line.value):
                if read.name in self.shapes:
                    continue
                declared = self.declared.get(read.name, [None] * len(read.address))
                own = [range(size) if size is not None else None for size in declared]
                free = sorted({i for part, size in zip(read.address, own) if size is None for i in part.indices if part.kind != "lookup"}, key=str)
                met = set()
                for env in _points(free, line.extents):
                    axes = [
                        size if size is not None else self._positions(line, part) if part.kind == "lookup"
                        else [self._position(line, part, env)]
                        for part, size in zip(read.address, own)
                    ]  # fmt: skip
                    met.update(product(*axes))
                shape = tuple(max(column) + 1 for column in zip(*met)) if read.address else ()
                self.shapes[read.name] = shape
                if read.name not in self.buffers:
                    found[read.name] = shape
                    self.elements[read.name] = len(met)
        return found

    def _check_addresses(self) -> None:
        for place, line in enumerate(self.lines):
            if line.value.kind == "pad":
                continue
            for read in _reads(line.value):
                shape = self.shapes[read.name]
                if len(shape) != len(read.address):
                    raise Impossible(f"{read.name} is read at {len(read.address)} axes")
                for axis, (part, size) in enumerate(zip(read.address, shape)):
                    if not self._is_earlier(place, read, part):
                        self._check_axis(line, read, axis, part, size)

    def _check_axis(self, line: Line, read: Node, axis: int, part: Component, size: int) -> None:
        declared = self.declared.get(read.name)
        if part.kind == "lookup":
            return
        if part.plain is not None or part.kind == "group":
            extent = math.prod(line.extents[index] for index in part.indices)
            is_ranged = any(c.ranged in part.indices for c in self._constraints(line))
            is_bounded = part.plain is not None and part.plain in self.bounds
            if is_bounded or (declared is not None and declared[axis] is not None):
                fits = extent <= size
            else:
                fits = extent == size or (is_ranged and extent <= size)
            if not fits:
                raise Impossible(f"axis {axis} of {read.name} has {size} elements, not {extent}")
            return
        limits = [c for c in self._constraints(line) if c.indices & part.indices]
        indices = sorted(part.indices.union(*(c.indices for c in limits)), key=str)
        for env in _points(indices, line.extents):
            if all(limit.holds(env) for limit in limits) and not 0 <= part.at(env) < size:
                raise Impossible(f"{read.name} is read outside, at {part.at(env)} of {size}")

    # counting --------------------------------------------------------------------------------------------------------

    def counts(self, effective: bool = False) -> Counts:
        """The operations of all lines on which the output depends."""
        total = Counts()
        used, waiting = set(), [self.lines[-1].name]
        while waiting:
            name = waiting.pop()
            if name in self.defined and name not in used:
                used.add(name)
                waiting += [read.name for read in _reads(self.lines[self.defined[name]].value)]
        for line in self.lines:
            if line.name in used:
                self._count(line.value, line, total, effective)
        return total

    def _count(self, node: Node, line: Line, total: Counts, effective: bool) -> None:
        if node.kind in ("number", "read", "pad") or not any(_reads(node)):
            return
        for part in node.parts:
            self._count(part, line, total, effective)
        depends = self._depends(node, line)
        points = self._point_count(depends | frozenset(node.indices), node, line, effective)
        if node.kind == "plus":
            total.adds += (len(node.parts) - 1) * points
        elif node.kind == "times":
            factors = [part for part in node.parts if not (part.kind == "number" and part.value in (1, -1))]
            total.multiplies += max(len(factors) - 1, 0) * points
        elif node.kind == "apply":
            exponent = node.parts[1].value if node.name == "power" else None
            if exponent is not None and exponent == int(exponent) and exponent > 0:
                total.multiplies += (int(exponent) - 1) * points
            else:
                total.other += points
        elif node.kind == "softmax":
            total.adds += points
            total.other += 2 * points
        elif node.name in ("sum", "mean"):
            total.adds += points
            if node.name == "mean":
                total.other += self._point_count(depends, node, line, effective)
            body = node.parts[0]
            if node.name == "sum" and body.kind == "times" and sum(any(_reads(part)) for part in body.parts) >= 2:
                total.macs += points
        elif node.name == "prod":
            total.multiplies += points
        else:
            total.other += points

    def _depends(self, node: Node, line: Line) -> frozenset[Index]:
        """The indices on which the value of an operation depends; a reduction over a range or mask depends on its ends."""
        below = frozenset().union(*(self._depends(part, line) for part in node.parts))
        below |= frozenset().union(*(part.indices for part in node.address))
        if node.kind in ("reduce", "softmax"):
            for constraint in self._constraints(line):
                if constraint.indices & set(node.indices):
                    below |= constraint.indices
        return below - frozenset(node.indices) if node.kind == "reduce" else below

    def _point_count(self, indices: frozenset[Index], node: Node, line: Line, effective: bool) -> int:
        limits = [c for c in self._constraints(line) if c.indices <= indices and (effective or c.is_range)]
        real = self._margins_below(node, indices) if effective else []
        found = 0
        for env in _points(sorted(indices, key=str), line.extents):
            if all(limit.holds(env) for limit in limits) and all(
                before <= part.at(env) < before + inner for part, before, inner in real
            ):
                found += 1
        return found

    def _margins_below(self, node: Node, indices: frozenset[Index]) -> list[tuple[Component, int, int]]:
        """Addresses of padded tensors that a point of these indices determines, with where the real elements lie."""
        return [
            (part, *margin)
            for read in _reads(node) if read.name in self.margins
            for part, margin in zip(read.address, self.margins[read.name])
            if margin is not None and part.indices <= indices
        ]  # fmt: skip

    @property
    def activations(self) -> int:
        """Elements of the output, none if the last line only renames what is there."""
        last = self.lines[-1].value
        return 0 if last.kind == "read" and len(list(_reads(last))) == 1 else math.prod(self.output)

    def rows(self, name: str) -> int | None:
        """How many rows a table has that a tensor holds the numbers of; None if it holds others."""
        for line in self.lines:
            for read in _reads(line.value):
                for axis, part in enumerate(read.address):
                    if part.kind == "lookup" and part.lookup.name == name:
                        return self.shapes[read.name][axis]
        return None

    # values ----------------------------------------------------------------------------------------------------------

    def run(self, tensors: Mapping[str, Any]) -> dict[tuple[int, ...], Any]:
        """Every element of the output, from arrays of the inputs, the learned tensors and the buffers."""
        self.tensors = tensors
        self._values: dict[tuple[str, tuple[int, ...]], Any] = {}
        name = self.lines[-1].name
        return {where: self._element(name, where) for where in product(*map(range, self.output))}

    def _element(self, name: str, where: tuple[int, ...]) -> Any:
        if name not in self.defined:
            if any(not 0 <= at < size for at, size in zip(where, self.shapes[name])):
                raise Impossible(f"{name} is read at {where}")
            value = self.tensors[name][where]
            return value.item() if hasattr(value, "item") else value
        if (name, where) not in self._values:
            place = self.defined[name]
            running = self._recurrent().get(place)
            if any(part.plain == running is not None and at < 0 for part, at in zip(self.lines[place].target, where)):
                return 0
            self._values[name, where] = self._computed(self.lines[place], where)
        return self._values[name, where]

    def _computed(self, line: Line, where: tuple[int, ...]) -> Any:
        if any(not 0 <= at < size for at, size in zip(where, self.shapes[line.name])):
            raise Impossible(f"{line.name} is read at {where}")
        if line.value.kind == "pad":
            body, fill = line.value.parts
            inner = tuple(at - before for at, (before, _) in zip(where, line.value.value))
            if all(0 <= at < size for at, size in zip(inner, self.shapes[body.name])):
                return self._element(body.name, inner)
            return self._value(fill, line, self._envs_at(line, where)[0])
        total: Any = 0
        for env in self._envs_at(line, where):
            if all(limit.holds(env) for limit in self._constraints(line) if limit.indices <= set(env)):
                total = total + self._value(line.value, line, env)
        return total

    def _envs_at(self, line: Line, where: tuple[int, ...]) -> list[Env]:
        """The points of the target's indices that fall on one element."""
        if line.name not in self._origins:
            found: dict[tuple[int, ...], list[Env]] = {}
            indices = sorted({index for part in line.target for index in part.indices}, key=str)
            for env in _points(indices, line.extents):
                found.setdefault(tuple(self._position(line, part, env) for part in line.target), []).append(env)
            self._origins[line.name] = found
        return self._origins[line.name].get(where, [])

    def _value(self, node: Node, line: Line, env: Env) -> Any:
        if node.kind == "number":
            return node.value
        if node.kind == "read":
            return self._element(node.name, tuple(self._at(part, line, env) for part in node.address))
        if node.kind in ("reduce", "softmax"):
            return self._reduced(node, line, env)
        values = [self._value(part, line, env) for part in node.parts]
        if node.kind == "plus":
            return sum(values[1:], values[0])
        if node.kind == "times":
            return math.prod(values[1:], start=values[0])
        return _FUNCTIONS[node.name](*values)

    def _at(self, part: Component, line: Line, env: Env) -> int:
        if part.kind == "lookup":
            return int(self._value(part.lookup, line, env))
        return self._position(line, part, env)

    def _reduced(self, node: Node, line: Line, env: Env) -> Any:
        limits = [c for c in self._constraints(line) if c.indices & set(node.indices)]
        if node.kind == "softmax" and not all(limit.holds(env) for limit in limits):
            return 0.0
        values = []
        for point in _points(node.indices, line.extents):
            here = {**env, **point}
            if all(limit.holds(here) for limit in limits):
                values.append(self._value(node.parts[0], line, here))
        if node.kind == "softmax":
            largest = float(max(values))
            own = float(self._value(node.parts[0], line, env))
            return math.exp(own - largest) / math.fsum(math.exp(float(value) - largest) for value in values)
        if node.name == "sum":
            return sum(values)
        if node.name == "mean":
            return _quotient(sum(values), len(values)) if values else 0
        if node.name == "prod":
            return math.prod(values)
        return max(values, default=-math.inf) if node.name == "max" else min(values, default=math.inf)

    # which input an output reads -------------------------------------------------------------------------------------

    def reach(self, name: str) -> dict[tuple[int, ...], list[tuple[int, int] | None]]:
        """For every output position, along every axis of an input, the first and the last position that it reads.

        Margins count, with positions before 0 and after the end; masks are not looked at, ranges are.
        """
        return {where: self._reads_of(self.lines[-1].name, where, name) for where in product(*map(range, self.output))}

    def _reads_of(self, tensor: str, where: tuple[int, ...], name: str) -> list[tuple[int, int] | None]:
        rank = len(self.inputs[name])
        if tensor == name:
            return [(at, at) for at in where]
        if tensor not in self.defined:
            return [None] * rank
        key = (tensor, where, name)
        if key not in self._reaches:
            self._reaches[key] = [None] * rank
            line = self.lines[self.defined[tensor]]
            hull: list[tuple[int, int] | None] = [None] * rank
            for read, element in self._elements_read(line, where):
                for axis, seen in enumerate(self._reads_of(read, element, name)):
                    if seen is not None:
                        old = hull[axis]
                        hull[axis] = seen if old is None else (min(old[0], seen[0]), max(old[1], seen[1]))
            self._reaches[key] = hull
        return self._reaches[key]

    def _elements_read(self, line: Line, where: tuple[int, ...]) -> set[tuple[str, tuple[int, ...]]]:
        if line.value.kind == "pad":
            body = line.value.parts[0]
            return {(body.name, tuple(at - before for at, (before, _) in zip(where, line.value.value)))}
        found: set[tuple[str, tuple[int, ...]]] = set()
        ranges = [c for c in self._constraints(line) if c.is_range]
        for env in self._envs_at(line, where):
            for read, joined in _reads_joined(line.value):
                if read.name in self.weights or read.name in self.buffers:
                    continue
                known = {index for part in read.address for index in part.indices}
                limits = [c for c in ranges if c.ranged in known]
                needed = known.union(*(c.indices for c in limits)) - (set(env) - joined)
                for point in _points(sorted(needed, key=str), line.extents):
                    here = {**env, **point}
                    if all(limit.holds(here) for limit in limits):
                        # What is looked up can be any row.
                        axes = [
                            range(size) if part.kind == "lookup" else [self._position(line, part, here)]
                            for part, size in zip(read.address, self.shapes[read.name])
                        ]  # fmt: skip
                        found.update((read.name, element) for element in product(*axes))
        return found


def _mark_groups(tree: ast.AST, text: str) -> None:
    """Python reads ``y[(*i,)]`` and ``y[*i]`` alike; the first is one axis, addressed by a group."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            segment, depth = ast.get_source_segment(text, node.slice) or "", 0
            outside = 0
            for character in segment:
                depth += (character == "(") - (character == ")")
                outside += depth == 0
            if segment.startswith("(") and outside == 1:
                node.slice = ast.Tuple([node.slice], ast.Load())


def _flat(kind: str, node: Node) -> tuple[Node, ...]:
    return node.parts if node.kind == kind else (node,)


def _summed_over(node: Node, index: Index) -> Node:
    """Sum over an index in the smallest product, quotient or function that holds all of it, in every term apart."""
    holders = [part for part in node.parts if index in _free(part)]
    if node.kind == "plus":
        return _with(node, [_summed_over(part, index) if part in holders else part for part in node.parts])
    if node.kind == "reduce" and node.implicit:
        inner = _summed_over(node.parts[0], index)
        if inner.kind == "reduce" and inner.implicit and inner.parts[0] is node.parts[0]:
            return Node("reduce", inner.parts, "sum", indices=(*node.indices, index), implicit=True)
        return _with(node, [inner])
    if node.kind in ("reduce", "softmax"):
        return _with(node, [_summed_over(node.parts[0], index)])
    bare = node.kind == "times" and len(holders) == 1 and holders[0].kind == "read"
    if node.kind in ("times", "apply") and len(holders) == 1 and not bare:
        return _with(node, [_summed_over(part, index) if part is holders[0] else part for part in node.parts])
    return Node("reduce", (node,), "sum", indices=(index,), implicit=True)


def _with(node: Node, parts: Sequence[Node]) -> Node:
    return Node(node.kind, tuple(parts), node.name, node.value, node.address, node.indices, node.implicit)


def _free(node: Node) -> frozenset[Index]:
    below = frozenset().union(*(_free(part) for part in node.parts), *(part.indices for part in node.address))
    return below - frozenset(node.indices)


def _needed(read: Node) -> frozenset[Index]:
    return frozenset().union(*(part.indices for part in read.address))


def _reads(node: Node) -> Iterator[Node]:
    if node.kind == "read":
        yield node
        for part in node.address:
            if part.kind == "lookup":
                yield from _reads(part.lookup)
    for part in node.parts:
        yield from _reads(part)


def _reads_joined(node: Node, joined: frozenset[Index] = frozenset()) -> Iterator[tuple[Node, frozenset[Index]]]:
    """Every read, with the indices along which a softmax around it sees all elements at once."""
    if node.kind == "softmax":
        joined |= frozenset(node.indices)
    if node.kind == "read":
        yield node, joined
        for part in node.address:
            if part.kind == "lookup":
                yield from _reads_joined(part.lookup, joined)
    for part in node.parts:
        yield from _reads_joined(part, joined)


def _all_indices(line: Line) -> list[Index]:
    found = {index for part in line.target for index in part.indices}

    def visit(node: Node) -> None:
        found.update(node.indices)
        for part in node.address:
            found.update(part.indices)
        for part in node.parts:
            visit(part)

    visit(line.value)
    return sorted(found, key=str)


def _points(indices: Sequence[Index], extents: Mapping[Index, int]) -> Iterator[Env]:
    for values in product(*(range(extents[index]) for index in indices)):
        yield dict(zip(indices, values))


def _quotient(left: Any, right: Any) -> Any:
    if right == 0:
        raise Undefined("a division by zero")
    if isinstance(left, float) or isinstance(right, float):
        return left / right
    return Fraction(left) / Fraction(right)


def _root(value: Any) -> Any:
    if isinstance(value, (int, Fraction)):
        value = Fraction(value)
        over, under = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if over * over == value.numerator and under * under == value.denominator:
            return Fraction(over, under)
    return math.sqrt(value)


def _power(base: Any, exponent: Any) -> Any:
    if exponent < 0 and base == 0:
        raise Undefined("a negative power of zero")
    if exponent == int(exponent):
        return Fraction(base) ** int(exponent) if isinstance(base, int) else base ** int(exponent)
    return float(base) ** float(exponent) if base >= 0 else math.nan


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": lambda value: max(value, 0),
    "abs": abs,
    "max": max,
    "min": min,
    "exp": lambda value: math.exp(value),
    "log": lambda value: math.log(value) if value > 0 else -math.inf if value == 0 else math.nan,
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
    "tanh": lambda value: math.tanh(value),
    "sigmoid": lambda value: 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value)),
    "erf": lambda value: math.erf(value),
    "sin": lambda value: math.sin(value),
    "cos": lambda value: math.cos(value),
    "softplus": lambda value: max(value, 0) + math.log1p(math.exp(-abs(value))),
    "divide": _quotient,
    "power": _power,
}
