"""Reads the text of an equation with Python's own `ast`; shares no code with the engine."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from .names import check_names, loose_names, name_of, subscripts, tensors_without_axes
from .nodes import (
    ARITIES,
    FUNCTIONS,
    REDUCTIONS,
    SELECTIONS,
    TRIED,
    Component,
    Constraint,
    Env,
    Impossible,
    Index,
    Line,
    Node,
    Undefined,
    Unreadable,
    depends_on,
    flat,
    free,
    has_two_readings,
    is_always_zero,
    is_whole,
    mark_groups,
    needed_indices,
    quotient,
    reads,
    reduced_indices,
    root,
    summed_over,
    tried,
)

RANKS: dict[tuple, list[dict[str, int]]] = {}
TEXTS: dict[tuple, tuple] = {}
"""What texts say with their fields, before any size: one is read again for every guess and every shape. Nothing alters it."""
MOST_TEXTS = 500
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
COMPARED = {**RELATIONS, ast.Eq: operator.eq, ast.NotEq: operator.ne}
NUMBER_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "abs": abs,
    "sqrt": root,
    "log": math.log,
}


TRUTHS: dict[type, tuple[str, bool, bool]] = {
    ast.Lt: ("less", False, False), ast.Gt: ("less", True, False), ast.LtE: ("less", True, True), ast.GtE: ("less", False, True),
    ast.Eq: ("equal", False, False), ast.NotEq: ("equal", False, True), ast.Is: ("equal", False, False), ast.IsNot: ("equal", False, True),
}  # fmt: skip
"""A comparison by a function of the language: which, whether its sides change places, and whether it is denied."""


def _is_no_arithmetic(node: ast.AST) -> bool:
    """Whether a part of an expression makes more of indices than fractions."""
    if isinstance(node, ast.Call):
        return not isinstance(node.func, ast.Name) or node.func.id not in ("floor", "ceil", "max", "min", "size")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return not isinstance(node.right, ast.Constant)
    return isinstance(node, (ast.List, ast.Compare, ast.BoolOp))


def _relation(compare: Callable, left: Callable, right: Callable) -> Callable[[Env], bool]:
    return lambda env: compare(left(env), right(env))


def _items(bracketed: ast.AST) -> list[ast.expr]:
    """What stands between the square brackets, comma by comma."""
    if not isinstance(bracketed, ast.Subscript):
        raise Unreadable(f"square brackets are missing: {ast.dump(bracketed)}")
    return list(bracketed.slice.elts) if isinstance(bracketed.slice, ast.Tuple) else [bracketed.slice]


def _bracketed(tree: ast.expr, bare: set[str]) -> ast.expr:
    """Tensors without axes get brackets with nothing in them."""

    class Bracket(ast.NodeTransformer):
        def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
            node.slice = self.visit(node.slice)
            return node

        def visit_Call(self, node: ast.Call) -> ast.AST:
            if isinstance(node.func, ast.Subscript):
                node.func = self.visit_Subscript(node.func)  # type: ignore[assignment]
            node.args = [self.visit(part) for part in node.args]
            node.keywords = [self.visit(part) for part in node.keywords]
            return node

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Subscript(node, ast.Tuple([], ast.Load()), ast.Load()) if node.id in bare else node

    made: ast.expr = Bracket().visit(tree)
    return made


def _is_power_of_power(node: ast.AST) -> bool:
    """Whether an exponent is a power, with or without a sign: numbers grow without bound by it."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Pow):
        return False
    exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    return isinstance(exponent, ast.BinOp) and isinstance(exponent.op, ast.Pow)


def _difference(left: Component, right: Component) -> Callable[[Env], Any]:
    return lambda env: left.at(env) - right.at(env)


def _is_rational(value: Any) -> bool:
    return isinstance(value, (int, Fraction))


class OpenSize(Exception):
    """The size of an index is asked for that addresses no axis of an input alone."""

    def __init__(self, index: Index):
        super().__init__(f"the size of {index}")
        self.index = index


class EquationText:
    """Statements, masks and ranges of an equation, with stars spread over the axes.

    The number of axes behind every star is found by trying.
    """

    sizes_are_known = True
    """Whether sizes that are asked for are what they are, and no guesses, which need not be those that the text demands."""

    def __init__(
        self,
        text: str,
        fields: Mapping[str, Any],
        shapes: Mapping[str, Sequence[int]],
        buffers: Sequence[str] = (),
        sizes: Mapping[Index, int] | None = None,
    ):
        self.fields = dict(fields)
        self.sizes = dict(sizes or {})
        self.parsed: list[tuple[ast.expr, ast.expr]] = []
        self.inputs = {name: tuple(shape) for name, shape in shapes.items()}
        self.buffers = set(buffers)
        self.scalars: dict[str, ast.expr] = {}
        self.statements: list[tuple[ast.Subscript, ast.expr]] = []
        self.wheres: list[ast.expr] = []
        self._brackets: tuple[ast.Subscript, ...] | None = None
        key = (text, repr(sorted(self.fields.items())), tuple(self.inputs), tuple(sorted(self.buffers)))
        if key in TEXTS:
            self.scalars, self.statements, self.wheres, self._brackets = TEXTS[key]
        else:
            self._read_text(text)
            if len(TEXTS) >= MOST_TEXTS:
                TEXTS.clear()
            TEXTS[key] = (self.scalars, self.statements, self.wheres, self._subscripts())
        self.defined = {name_of(target.value): place for place, (target, _) in enumerate(self.statements)}
        self.stars = self._starred_names()
        self.ranks = self._find_ranks()
        self.bounds: dict[Index, int] = {}
        self.lookup_bounds: dict[str, int] = {}
        self.declared: dict[str, list[int | None]] = {}
        self.constraints: list[Constraint] = []
        self.left: dict[str, list[Constraint]] = {}
        self.ranges: dict[Index, tuple[Component, Component]] = {}
        for where in self.wheres:
            self._where(where)
        self.lines = [self._line(target, value) for target, value in self.statements]
        self._give_steps()

    # steps with lines of their own -----------------------------------------------------------------------------------

    def _give_steps(self) -> None:
        """Lines that define one step of a tensor become tensors of their own; all lines of a tensor but one do."""
        by_name: dict[str, list[Line]] = {}
        for line in self.lines:
            by_name.setdefault(line.name, []).append(line)
        self.first_steps: dict[str, list[Line]] = {}
        for name, lines in by_name.items():
            if len(lines) == 1:
                continue
            going_on = [
                line for line in lines if all(other is line or self._is_step_of(other, line) for other in lines)
            ]
            if len(going_on) != 1 or going_on[0] is not lines[-1]:
                raise Unreadable(f"{name} is defined twice")
            if any(part.plain is None and part.kind != "group" for part in going_on[0].target):
                raise Unreadable(f"{name} has steps, and an axis that no index addresses alone")
            self.first_steps[name] = lines[:-1]
            for line in lines[:-1]:
                axis = self._fixed(line)[0]
                line.gives = (name, axis, self._whole(line.target[axis].at({}), -math.inf, "a step"))
            if len({line.gives for line in lines[:-1]}) < len(lines) - 1:
                raise Unreadable(f"a step of {name} is given twice")
        for line in self.lines:
            for read in reads(line.value):
                self._read_given(read)
        for line in self.lines:
            if line.gives is not None:
                name, axis, at = line.gives
                line.name = f"{name}@{axis}@{at}"
                line.target = line.target[:axis] + line.target[axis + 1 :]
        self.defined = {line.name: place for place, line in enumerate(self.lines)}

    def _fixed(self, line: Line) -> list[int]:
        """The axes that stand at a number."""
        return [axis for axis, part in enumerate(line.target) if part.kind == "expression" and not part.indices]

    def _is_step_of(self, step: Line, line: Line) -> bool:
        fixed = self._fixed(step)
        return len(step.target) == len(line.target) and len(fixed) == 1 and line.target[fixed[0]].plain is not None

    def _read_given(self, read: Node) -> None:
        """A read at a step that has a line reads that line."""
        for line in self.first_steps.get(read.name, ()):
            assert line.gives is not None
            _, axis, at = line.gives
            part = read.address[axis] if axis < len(read.address) else None
            if part is not None and part.kind == "expression" and not part.indices and part.at({}) == at:
                read.name = f"{read.name}@{axis}@{at}"
                read.address = read.address[:axis] + read.address[axis + 1 :]
                return

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
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SyntaxWarning)
                    tree = ast.parse(f"({pending[6:]},)" if is_where else pending).body[0]
            except (SyntaxError, ValueError):
                continue
            if pending.endswith(","):
                continue
            if any(map(_is_power_of_power, ast.walk(tree))):
                raise Unreadable(f"a power of a power: {pending}")
            mark_groups(tree, f"({pending[6:]},)" if is_where else pending)
            pending = ""
            if is_where and isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Tuple):
                self.wheres += tree.value.elts
            elif isinstance(tree, ast.Assign) and len(tree.targets) == 1:
                self.parsed.append((tree.targets[0], tree.value))
            else:
                raise Unreadable(f"neither a definition nor a bound: {ast.dump(tree)}")
        if pending:
            raise Unreadable(f"this line does not end: {pending}")
        self._sort_lines()

    def _sort_lines(self) -> None:
        """Scalars and statements apart, names resolved, and conditions chosen."""
        bare = tensors_without_axes(self.parsed, self.fields)
        scalars: list[tuple[str, ast.expr]] = []
        for target, value in self.parsed:
            if isinstance(target, ast.Name) and target.id not in bare:
                scalars.append((target.id, value))
                continue
            target, value = (_bracketed(side, bare) for side in (target, value))
            if not isinstance(target, ast.Subscript):
                raise Unreadable(f"a left side is a tensor: {ast.dump(target)}")
            self.statements.append((target, value))
        if not self.statements:
            raise Unreadable("nothing is defined")
        check_names(scalars, self.statements, self.wheres, self.fields, self.inputs, self.buffers)
        self.scalars = {name: self._choose(tree) for name, tree in scalars}
        self._no_circles()
        chosen = [(self._choose(target), self._choose(value)) for target, value in self.statements]
        self.statements = [(target, value) for target, value in chosen if isinstance(target, ast.Subscript)]
        self.wheres = [self._choose(where) for where in self.wheres]

    def _no_circles(self) -> None:
        for start in self.scalars:
            reached: set[str] = set()
            waiting = [start]
            while waiting:
                inside = {name for name in loose_names(self.scalars[waiting.pop()]) if name in self.scalars}
                if start in inside:
                    raise Unreadable(f"{start} is defined by itself")
                waiting += inside - reached
                reached |= inside

    def _choose(self, tree: ast.expr) -> ast.expr:
        """Resolve ``a if flag else b`` with the fields."""
        equation = self

        class Chooser(ast.NodeTransformer):
            def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
                return self.visit(node.body if equation._truth(node.test) else node.orelse)

        return Chooser().visit(tree)

    def _truth(self, node: ast.expr) -> bool:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self._truth(node.operand)
        if isinstance(node, ast.BoolOp):
            return (all if isinstance(node.op, ast.And) else any)(self._truth(value) for value in node.values)
        value = self.fields[node.id] if isinstance(node, ast.Name) else getattr(node, "value", None)
        if isinstance(node, (ast.Constant, ast.Name)):
            if not isinstance(value, bool):
                raise Unreadable(f"this is neither yes nor no: {value!r}")
            return value
        if not (isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant)):
            raise Unreadable(f"this is no condition: {ast.dump(node)}")
        left, right = self.fields[name_of(node.left)], node.comparators[0].value
        same = left is right if right is None or left is None else left == right
        return same if isinstance(node.ops[0], (ast.Eq, ast.Is)) else not same

    # ranks -----------------------------------------------------------------------------------------------------------

    def _subscripts(self) -> tuple[ast.Subscript, ...]:
        """Reads and definitions in the order of the text; the statements are walked once, after they are sorted."""
        if self._brackets is None:
            found = []
            for target, value in self.statements:
                for side in (target, value):
                    held = list(subscripts(side))
                    held.sort(key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
                    found += [node for node in held if name_of(node.value) not in self.fields]
            self._brackets = tuple(found)
        return self._brackets

    def _starred_names(self) -> set[str]:
        return {
            name
            for pair in self.statements
            for side in pair
            for part in ast.walk(side)
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
            # One axis more than there are: what fits it too is not determined.
            choices = (dict(zip(names, choice)) for choice in product(range(most + 2), repeat=len(names)))
            RANKS[key] = [ranks for ranks in choices if self._fits(ranks)]
        fitting = RANKS[key]
        if not fitting:
            raise Impossible("no number of axes fits")
        if len(fitting) != 1:
            raise Unreadable(f"the ranks are not determined: {fitting}")
        return fitting[0]

    def _fits(self, ranks: dict[str, int]) -> bool:
        tensors: dict[str, int] = {name: len(shape) for name, shape in self.inputs.items()}
        reads = {id(node) for node in self._subscripts()}
        brackets = [node for pair in self.statements for side in pair for node in ast.walk(side)]
        for node in (node for node in brackets if isinstance(node, ast.Subscript)):
            if name_of(node.value) in self.fields:
                continue
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
            if id(node) in reads and tensors.setdefault(name_of(node.value), width) != width:
                return False
        for where in self.wheres:
            if isinstance(where, ast.Compare):
                along = {ranks[name] for name in self._names_through_scalars(where) if name in ranks}
                along |= self._lengths(where)
                if len(along) > 1:
                    return False
        return True

    def _item_rank(self, item: ast.Starred) -> int:
        for name in self._index_names(item.value):
            if name in self.ranks:
                return self.ranks[name]
        raise Unreadable("a star stands at no index")

    # numbers and expressions -----------------------------------------------------------------------------------------

    def _index(self, name: str, axis: int | None) -> Index:
        return (name, axis if name in self.stars else None)

    def _expression(self, node: ast.expr, axis: int | None) -> tuple[Callable[[Env], Any], frozenset[Index]]:
        """An arithmetic expression as a function of the indices, and the indices it needs."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
                raise Unreadable(f"{node.value!r} is no number")
            constant = node.value if isinstance(node.value, int) else Fraction(repr(node.value))
            return (lambda env: constant), frozenset()
        if isinstance(node, ast.Name):
            if node.id in self.scalars:
                return self._expression(self.scalars[node.id], axis)
            if node.id in self.fields:
                field = self.fields[node.id]
                if isinstance(field, (bool, str)) or field is None:
                    raise Unreadable(f"{node.id} is no number")
                if not isinstance(field, tuple):
                    return (lambda env: field), frozenset()
                if axis is None or axis >= len(field):
                    raise Impossible(f"{node.id} has a value for each axis")
                number = field[axis]
                return (lambda env: number), frozenset()
            if node.id in ("inf", "pi"):
                return (lambda env: math.inf if node.id == "inf" else math.pi), frozenset()
            if node.id in self.stars and axis is None:
                raise Unreadable(f"{node.id} needs its star")
            index = self._index(node.id, axis)
            return (lambda env: env[index]), frozenset([index])
        if isinstance(node, ast.UnaryOp):
            inner, needs = self._expression(node.operand, axis)
            return ((lambda env: -inner(env)) if isinstance(node.op, ast.USub) else inner), needs
        if isinstance(node, ast.BinOp):
            left, first = self._expression(node.left, axis)
            right, second = self._expression(node.right, axis)
            if type(node.op) not in OPERATIONS:
                raise Unreadable(f"no operation of numbers: {ast.dump(node)}")
            operate = OPERATIONS[type(node.op)]
            return (lambda env: operate(left(env), right(env))), first | second
        if isinstance(node, ast.Subscript):
            values = self.fields.get(name_of(node.value))
            place = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if not isinstance(values, tuple) or type(place) is not int or not 0 <= place < len(values):
                raise Unreadable(f"no entry of a field: {ast.dump(node)}")
            part = values[place]
            return (lambda env: part), frozenset()
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise Unreadable(f"no number: {ast.dump(node)}")
        if name_of(node.func) == "size":
            if len(node.args) == 2:
                shape = self.inputs[name_of(node.args[0])]
                place = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
                if type(place) is not int or place < 0:
                    raise Unreadable("an axis has a number")
                if place >= len(shape):
                    raise Impossible(f"there is no axis {place}")
                return (lambda env: shape[place]), frozenset()
            size = self._size(name_of(node.args[0]), axis)
            return (lambda env: size), frozenset()
        made = [self._expression(argument, axis) for argument in node.args]
        call = NUMBER_FUNCTIONS.get(name_of(node.func))
        if call is None or not (len(made) >= 2 if call in (max, min) else len(made) == 1):
            raise Unreadable(f"no function of {len(made)} numbers: {ast.dump(node)}")
        return (lambda env: call(*(part(env) for part, _ in made))), frozenset().union(*(needs for _, needs in made))

    def _number(self, node: ast.expr, axis: int | None = None) -> Any:
        """What an expression without indices is worth."""
        at, needs = self._expression(node, axis)
        if self._matters(at, needs):
            raise Unreadable(f"a number depends on an index: {ast.dump(node)}")
        return self._worth(at, dict.fromkeys(needs, 0))

    def _worth(self, at: Callable[[Env], Any], env: Env) -> Any:
        try:
            value = at(env)
        except (Undefined, ArithmeticError, ValueError) as error:
            raise Unreadable(f"a number has no value: {error}") from None
        if isinstance(value, complex) or value != value:
            raise Unreadable(f"a number has no value: {value}")
        return value

    def sized_names(self) -> set[str]:
        """The letters whose sizes the text asks for."""
        trees = [*self.scalars.values(), *self.wheres, *(side for pair in self.statements for side in pair)]
        return {
            part.args[0].id
            for tree in trees
            for part in ast.walk(tree)
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "size"
            and len(part.args) == 1 and isinstance(part.args[0], ast.Name)
        }  # fmt: skip

    def _matters(self, at: Callable[[Env], Any], needs: frozenset[Index]) -> frozenset[Index]:
        """The indices that an expression depends on, among those that stand in it."""
        return depends_on(lambda env: self._worth(at, env), needs) if needs else needs

    def _size(self, name: str, axis: int | None) -> int:
        """The size of the axis of an input that an index addresses alone, or the extent of another index, once it is known."""
        for node in self._subscripts():
            if name_of(node.value) not in self.inputs:
                continue
            place = 0
            for item in _items(node):
                bare = item.value if isinstance(item, ast.Starred) else item
                if isinstance(bare, ast.Name) and bare.id == name:
                    if name in self.stars and axis is None:
                        raise Unreadable(f"size({name}) has a value for each axis")
                    shape = self.inputs[name_of(node.value)]
                    place += (axis or 0) if name in self.stars else 0
                    if place >= len(shape):
                        raise Impossible(f"size({name}) is that of axis {place} of {shape}")
                    return shape[place]
                place += self._item_rank(item) if isinstance(item, ast.Starred) else 1
        if name in self.stars and axis is None:
            raise Unreadable(f"size({name}) has a value for each axis")
        index = self._index(name, axis)
        if index not in self.sizes:
            raise OpenSize(index)
        return self.sizes[index]

    def _alike(self, one: Component, other: Component) -> bool:
        """Whether two ends of a range are the same integers."""

        def apart(env: Env) -> int:
            return math.ceil(one.at(env)) - math.ceil(other.at(env))

        indices = one.indices | other.indices
        return not depends_on(apart, indices) and apart(dict.fromkeys(indices, 0)) == 0

    def _whole(self, value: Any, least: float, what: str) -> int:
        if value != value or abs(value) == math.inf or value != int(value) or value < least:
            raise Impossible(f"{what} is {value}")
        return int(value)

    # addresses and operations ----------------------------------------------------------------------------------------

    def _address(self, node: ast.Subscript) -> tuple[Component, ...]:
        made: list[Component] = []
        for item in _items(node):
            axes: Iterable[int | None] = range(self._item_rank(item)) if isinstance(item, ast.Starred) else [None]
            bare = item.value if isinstance(item, ast.Starred) else item
            if self._is_read(bare):
                self._component(bare, None)  # is read with indices of its own, though a star may stand for no axes
            made += [self._component(bare, axis) for axis in axes]
        return tuple(made)

    def _is_read(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Subscript) and name_of(node.value) not in self.fields

    def _component(self, node: ast.expr, axis: int | None) -> Component:
        if isinstance(node, ast.Tuple):
            members = [index for part in node.elts for index in self._members(part, axis)]
            if len(set(members)) < len(members):
                raise Unreadable("an index stands twice in a group")
            return Component("group", frozenset(members), group=tuple(members))
        if isinstance(node, ast.Subscript) and self._is_read(node):
            if name_of(node.value) in self.scalars:
                raise Unreadable(f"{name_of(node.value)} is a number")
            read = Node("read", name=name_of(node.value), address=self._address(node))
            return Component("lookup", needed_indices(read), lookup=read)
        made = self._side(node, axis)
        if made.plain is None and not is_whole(made.at, made.indices):
            raise Unreadable(f"an address is no integer: {ast.dump(node)}")
        return made

    def _members(self, part: ast.expr, axis: int | None) -> list[Index]:
        """An index, or with a star all its axes, in a group or a reduction."""
        name = name_of(part.value if isinstance(part, ast.Starred) else part)
        if name in self.fields or name in self.scalars:
            raise Unreadable(f"{name} is no index")
        if isinstance(part, ast.Starred):
            if axis is not None or name not in self.ranks:
                raise Unreadable(f"*{name} cannot stand here")
            return [(name, place) for place in range(self.ranks[name])]
        if name in self.stars and axis is None:
            raise Unreadable(f"{name} needs its star")
        return [self._index(name, axis)]

    def _line(self, target: ast.Subscript, value: ast.expr) -> Line:
        address = self._address(target)
        if any(part.lookup is not None and any(inner.lookup for inner in part.lookup.address) for part in address):
            raise Unreadable("a lookup on the left looks nothing up")
        bound = frozenset().union(*(part.indices for part in address))
        node, joined = self._node(value), "sum"
        inside = frozenset().union(*(part.indices for part in address if part.lookup is not None))
        inside -= frozenset().union(*(part.indices for part in address if part.lookup is None))
        if (
            node.kind == "reduce"
            and node.name in ("sum", "mean", "max", "min")
            and inside
            and set(node.indices) == inside
        ):
            node, joined = node.parts[0], node.name
        if reduced_indices(node) & inside:
            raise Unreadable("a reduction over what a lookup on the left scatters")
        loose = sorted(self._loose(node) - bound, key=str)
        if any(has_two_readings(node, index, joined in ("max", "min")) for index in loose):
            raise Unreadable("a function of a sum, or a sum of functions")
        for index in loose:
            node = summed_over(node, index)
        if node.kind == "pad" and any(part.lookup is not None for part in address):
            raise Unreadable("a padded tensor keeps its indices")
        return Line(name_of(target.value), address, node, {}, joined)

    def _loose(self, node: Node) -> frozenset[Index]:
        """Indices that no reduction binds, by the letters alone."""
        below = frozenset().union(*(self._loose(part) for part in node.parts))
        if node.kind == "select":
            return self._loose(node.parts[0]) - frozenset(node.indices) | node.address[0].indices
        below |= frozenset().union(*(part.indices for part in node.address))
        own = frozenset(node.indices)
        return below - own if node.kind == "reduce" else below | own

    def _node(self, node: ast.expr) -> Node:
        if not any(
            isinstance(part, ast.Subscript) and name_of(part.value) not in self.fields for part in ast.walk(node)
        ):
            if not self._names_through_scalars(node):
                made_of_fields = any(
                    isinstance(part, ast.Name) and part.id not in ("inf", "pi") for part in ast.walk(node)
                )
                return Node("number", value=self._number(node), name="of fields" if made_of_fields else "")
            if not self._is_more_than_arithmetic(node):
                return self._index_value(node)
            if isinstance(node, ast.Name):
                return self._node(self.scalars[node.id])
        if isinstance(node, ast.List):
            return self._truth_value(node.elts[0] if len(node.elts) == 1 else node)
        if isinstance(node, ast.Subscript):
            if name_of(node.value) in self.scalars:
                raise Unreadable(f"{name_of(node.value)} is a number")
            return Node("read", name=name_of(node.value), address=self._address(node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
            inner = self._node(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else Node("times", (Node("number", value=-1), inner))
        if isinstance(node, ast.BinOp):
            left, right = self._node(node.left), self._node(node.right)
            if isinstance(node.op, (ast.Add, ast.Sub)):
                if isinstance(node.op, ast.Sub):
                    right = Node("times", (Node("number", value=-1), right))
                terms = flat("plus", left) + flat("plus", right)
                kept = [term for term in terms if not (term.kind == "number" and term.value == 0 and not term.name)]
                none = Node("number", value=0)
                return kept[0] if len(kept) == 1 else Node("plus", tuple(kept)) if kept else none
            if isinstance(node.op, ast.Mult):
                return Node("times", flat("times", left) + flat("times", right))
            if isinstance(node.op, ast.Div):
                if right.kind == "index" and not all(map(right.address[0].at, tried(right.address[0].indices))):
                    raise Unreadable("a divisor that may be zero")
                if is_always_zero(right):
                    raise Unreadable("a division by zero")
                return Node("apply", (left, right), name="divide")
            if isinstance(node.op, ast.Pow) and not any(isinstance(part, ast.Subscript) for part in ast.walk(node)):
                return Node("apply", (left, right), name="pow")
            if not isinstance(node.op, ast.Pow) or right.kind != "number" or not _is_rational(right.value):
                raise Unreadable(f"no operation of tensors: {ast.dump(node)}")
            return Node("apply", (left, right), name="power")
        if not isinstance(node, ast.Call):
            raise Unreadable(f"no value: {ast.dump(node)}")
        if isinstance(node.func, ast.Name):
            several = node.func.id in ("max", "min") and len(node.args) > 2
            arity = len(node.args) if several else ARITIES.get(node.func.id, 1)
            if node.func.id not in FUNCTIONS or len(node.args) != arity or node.keywords:
                raise Unreadable(f"no function of tensors: {ast.dump(node)}")
            values = [self._node(argument) for argument in node.args]
            while several and len(values) > 2:
                values[:2] = [Node("apply", tuple(values[:2]), name=node.func.id)]
            if node.func.id in ("mod", "fmod") and is_always_zero(values[1]):
                raise Unreadable("a division by zero")
            return Node("apply", tuple(values), name=node.func.id)
        name = name_of(node.func.value) if isinstance(node.func, ast.Subscript) else ""
        if name in SELECTIONS:
            return self._selection(node, name)
        words = {word.arg for word in node.keywords}
        if (
            name not in (*REDUCTIONS, "softmax", "pad")
            or len(node.args) != 1
            or words - ({"fill"} if name == "pad" else set())
        ):
            raise Unreadable(f"no reduction: {ast.dump(node)}")
        body = self._node(node.args[0])
        if name == "pad":
            return self._pad(node, body)
        bound = tuple(index for part in _items(node.func) for index in self._members(part, None))
        if len(set(bound)) < len(bound):
            raise Unreadable("an index stands twice in a reduction")
        return Node("softmax" if name == "softmax" else "reduce", (body,), name=name, indices=bound)

    def _selection(self, node: ast.Call, name: str) -> Node:
        if len(node.args) != SELECTIONS[name] or node.keywords:
            raise Unreadable(f"{name} takes {SELECTIONS[name]} arguments")
        bound = tuple(index for part in _items(node.func) for index in self._members(part, None))
        if len(bound) != 1:
            raise Unreadable("a selection runs along one index")
        rank = self._component(node.args[1] if len(node.args) > 1 else ast.Constant(0), None)
        if rank.kind != "expression" or bound[0] in rank.indices:
            raise Unreadable("no rank")
        return Node("select", (self._node(node.args[0]),), name=name, indices=bound, address=(rank,))

    def _index_value(self, node: ast.expr) -> Node:
        """A number made of indices."""
        at, needs = self._expression(node, None)
        if not self._matters(at, needs):
            return Node("number", value=self._worth(at, dict.fromkeys(needs, 0)), name="of indices")
        needs = self._matters(at, needs)
        free = dict.fromkeys(self._expression(node, None)[1] - needs, 0)
        return Node("index", address=(Component("expression", needs, lambda env: at({**free, **env})),))

    def _is_more_than_arithmetic(self, node: ast.AST) -> bool:
        inside = [
            self.scalars[part.id] for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in self.scalars
        ]
        return any(map(_is_no_arithmetic, ast.walk(node))) or any(map(self._is_more_than_arithmetic, inside))

    def _truth_value(self, node: ast.expr) -> Node:
        """1 where a condition holds, 0 elsewhere."""
        one = Node("number", value=1)
        if isinstance(node, ast.BoolOp):
            parts = [self._truth_value(part) for part in node.values]
            if isinstance(node.op, ast.And):
                return Node("times", tuple(parts))
            made = parts[0]
            for part in parts[1:]:
                made = Node("apply", (made, part), name="max")
            return made
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Node("plus", (one, Node("times", (Node("number", value=-1), self._truth_value(node.operand)))))
        if not isinstance(node, ast.Compare):
            raise Unreadable(f"no condition: {ast.dump(node)}")
        sides = [self._node(side) for side in (node.left, *node.comparators)]
        found = []
        for sign, left, right in zip(node.ops, sides, sides[1:]):
            name, turned, denied = TRUTHS.get(type(sign), ("", False, False))
            if not name:
                raise Unreadable(f"no comparison: {ast.dump(sign)}")
            truth = Node("apply", (right, left) if turned else (left, right), name=name)
            found.append(Node("plus", (one, Node("times", (Node("number", value=-1), truth)))) if denied else truth)
        return found[0] if len(found) == 1 else Node("times", tuple(found))

    def _pad(self, node: ast.Call, body: Node) -> Node:
        """The widths of a margin, an axis each, and what it is filled with."""
        source = node.args[0]
        if (
            body.kind != "read"
            or any(part.plain is None for part in body.address)
            or not isinstance(source, ast.Subscript)
        ):
            raise Unreadable("a margin is put around a tensor that is read at plain indices")
        amounts = _items(node.func)
        named = {name_of(part.lower): part.upper for part in amounts if isinstance(part, ast.Slice) and part.lower}
        starred = any(isinstance(item, ast.Starred) for item in _items(source))
        if (named and len(named) != len(amounts)) or (not named and (not starred or len(amounts) > 2)):
            raise Unreadable("which axis has which margin")
        if len(node.keywords) > 1:
            raise Unreadable("a margin is filled twice")
        widths = []
        for item in _items(source):
            bare = item.value if isinstance(item, ast.Starred) else item
            axes: Sequence[int | None] = range(self.ranks[name_of(bare)]) if isinstance(item, ast.Starred) else [None]
            if isinstance(item, ast.Starred):
                both = named.get(name_of(bare)) if named else ast.Tuple(amounts, ast.Load())
                if both is not None and self._lengths(both) - {len(axes)}:
                    raise Impossible("a margin has another number of widths than there are axes")
            for axis in axes:
                pair: Sequence[ast.expr] | None
                if named:
                    both = named.get(name_of(bare))
                    pair = (both.elts if isinstance(both, ast.Tuple) else (both, both)) if both is not None else None
                else:
                    pair = (amounts[0], amounts[-1]) if isinstance(item, ast.Starred) else None
                if pair is not None and len(pair) != 2:
                    raise Unreadable("a margin has two widths")
                widths.append(tuple(self._width(width, axis) for width in pair) if pair else (0, 0))
        fill = next((self._node(word.value) for word in node.keywords), Node("number", value=0))
        if fill.kind not in ("number", "read") or not free(fill) <= free(body):
            raise Unreadable("a margin is filled with a number or with one element of a tensor")
        return Node("pad", (body, fill), value=widths)

    def _width(self, node: ast.expr, axis: int | None) -> int:
        value = self._number(node, axis)
        return self._whole(value, value, "the width of a margin")

    # where -----------------------------------------------------------------------------------------------------------

    def _where(self, tree: ast.expr) -> None:
        if isinstance(tree, ast.Constant) and tree.value is True:
            return
        if isinstance(tree, ast.Subscript):
            shape = [
                None if isinstance(item, ast.Name) and item.id == "_" else self._whole(self._number(item), 1, "a size")
                for item in _items(tree)
            ]
            if self.declared.setdefault(name_of(tree.value), shape) != shape:
                raise Unreadable("two shapes of one tensor")
            return
        if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
            for part in tree.values:
                self._where(part)
            return
        is_equation = isinstance(tree, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in tree.ops)
        if is_equation and isinstance(tree, ast.Compare) and self._is_of_sizes(tree):
            sides = [self._side(side, None).at({}) for side in (tree.left, *tree.comparators)]
            worth = (COMPARED[type(op)](left, right) for left, op, right in zip(sides, tree.ops, sides[1:]))
            if self.sizes_are_known and not all(worth):
                raise Impossible(f"{ast.unparse(tree)} does not hold")
            return
        if is_equation or isinstance(tree, (ast.BoolOp, ast.UnaryOp)):
            indices, holds = self._condition(tree)
            self.constraints.append(Constraint(indices, holds, False))
            return
        if not isinstance(tree, ast.Compare) or not all(type(op) in RELATIONS for op in tree.ops):
            raise Unreadable(f"no inequality: {ast.dump(tree)}")
        tensors = {name_of(node.value) for node in self._subscripts()}
        if isinstance(tree.left, ast.Name) and tree.left.id in tensors and tree.left.id not in self.scalars:
            rows = self._whole(self._number(tree.comparators[0]), 1, "a number of rows")
            if self.lookup_bounds.setdefault(tree.left.id, rows) != rows:
                raise Unreadable("two numbers of rows")
            return
        starred = [name for name in self._names_through_scalars(tree) if name in self.stars]
        axes: Iterable[int | None] = range(self.ranks[starred[0]]) if starred else [None]
        for axis in axes:
            self._where_on(tree, axis)

    def _is_of_sizes(self, tree: ast.Compare) -> bool:
        """Whether a comparison is asked of the sizes: it has names and no index."""
        if (
            not any(isinstance(part, ast.Name) for part in ast.walk(tree))
            or self._names_through_scalars(tree) & self.stars
        ):
            return False
        if not all(type(op) in COMPARED for op in tree.ops):
            return False
        return not any(self._side(side, None).indices for side in (tree.left, *tree.comparators))

    def _condition(self, tree: ast.expr) -> tuple[frozenset[Index], Callable[[Env], bool]]:
        """A condition with or and not, and the indices that stand in it."""
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            needs, inner = self._condition(tree.operand)
            return needs, lambda env: not inner(env)
        if isinstance(tree, ast.BoolOp):
            parts = [self._condition(part) for part in tree.values]
            join = any if isinstance(tree.op, ast.Or) else all
            return frozenset().union(*(needs for needs, _ in parts)), lambda env: join(holds(env) for _, holds in parts)
        if not isinstance(tree, ast.Compare) or not all(type(op) in COMPARED for op in tree.ops):
            raise Unreadable(f"no comparison: {ast.dump(tree)}")
        if self._names_through_scalars(tree) & self.stars:
            raise Unreadable("or and not with a star")
        sides = [self._side(side, None) for side in (tree.left, *tree.comparators)]
        pairs = [(left, COMPARED[type(op)], right) for left, op, right in zip(sides, tree.ops, sides[1:])]
        if not all(self._matters(_difference(left, right), left.indices | right.indices) for left, _, right in pairs):
            raise Unreadable("a part of a condition without an index")
        needs = frozenset().union(*(side.indices for side in sides))
        return needs, lambda env: all(compare(left.at(env), right.at(env)) for left, compare, right in pairs)

    def _where_on(self, tree: ast.Compare, axis: int | None) -> None:
        sides = [self._side(side, axis) for side in (tree.left, *tree.comparators)]
        words = [type(op) for op in tree.ops]
        if len(sides) == 2 and sides[0].plain is not None and not sides[1].indices and words[0] in (ast.Lt, ast.LtE):
            extent = sides[1].at({}) + (words[0] is ast.LtE)
            if self.bounds.setdefault(sides[0].plain, extent) != extent:
                raise Unreadable(f"{sides[0].plain} is bounded twice")
            return
        if not any(side.indices for side in sides):
            if not any(isinstance(part, ast.Name) for part in ast.walk(tree)):
                raise Unreadable("a bound without a name")
            worth = (RELATIONS[word](left.at({}), right.at({})) for left, word, right in zip(sides, words, sides[1:]))
            if self.sizes_are_known and not all(worth):
                raise Impossible(f"{ast.unparse(tree)} does not hold")
            return
        if len(sides) == 3 and words == [ast.LtE, ast.Lt] and sides[1].plain is not None:
            ends = self.ranges.get(sides[1].plain)
            if ends is not None:
                if not all(self._alike(one, other) for one, other in zip(ends, (sides[0], sides[2]))):
                    raise Unreadable(f"{sides[1].plain} has two ranges")
                return
            if sides[1].plain in sides[0].indices | sides[2].indices:
                raise Unreadable(f"the range of {sides[1].plain} depends on itself")
            self.ranges[sides[1].plain] = (sides[0], sides[2])
        for left, word, right in zip(sides, words, sides[1:]):
            if not self._matters(_difference(left, right), left.indices | right.indices):
                raise Unreadable("a bound without an index")
            is_range = len(sides) == 3 and words == [ast.LtE, ast.Lt] and sides[1].plain is not None
            ranged = sides[1].plain if is_range else None
            indices = left.indices | right.indices
            holds = _relation(RELATIONS[word], left.at, right.at)
            self.constraints.append(Constraint(indices, holds, is_range, ranged))

    def _side(self, node: ast.expr, axis: int | None) -> Component:
        """An expression as a function of the indices that it depends on."""
        at, needs = self._expression(node, axis)
        if isinstance(node, ast.Name) and node.id not in self.scalars and needs:
            return Component("expression", needs, at=at, plain=next(iter(needs)))
        known = self._matters(at, needs)
        rest = dict.fromkeys(needs - known, 0)
        plain = None
        if len(known) == 1:
            (index,) = known
            plain = index if all(self._worth(at, {**rest, index: value}) == value for value in TRIED) else None
        return Component("expression", known, at=lambda env: self._worth(at, {**rest, **env}), plain=plain)

    def _constraints(self, line: Line) -> list[Constraint]:
        return [*self.left.get(line.name, ()), *(c for c in self.constraints if c.indices <= set(line.extents))]
