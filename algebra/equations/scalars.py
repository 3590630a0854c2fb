"""Integer expressions of an equation: fields, scalar definitions, indices and sizes, on one axis where stars stand in them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import field, replace
from functools import lru_cache

from sympy import Expr, Integer, Max, Min, Rational, Symbol, Tuple, ceiling, floor, log, nan, oo, pi, sqrt, zoo

from ..errors import EquationError
from ..records import dataclass
from .asked_sizes import SizeOf
from .heads import address_indices
from .protocol import StatesEquation
from .ranks import Ranks, find_ranks
from .setting import Setting, names_in
from .syntax import SCALAR_FUNCTIONS, ParsedEquation
from .trees import branches, parts


def read_scalars(layer: StatesEquation, shapes: Sequence[Sequence[Expr]] | None) -> Scalars:
    """The stages before: names, conditions, and the ranks of starred indices. Without shapes, the schematic rank."""
    return scalars_in(Setting.of(layer, shapes))


def scalars_in(setting: Setting) -> Scalars:
    """What the sizes are worth in a setting."""
    _no_circles(setting.parsed)
    return Scalars(setting, find_ranks(setting))


@lru_cache(maxsize=4096)
def _no_circles(parsed: ParsedEquation) -> None:
    """No scalar is defined by itself, whether a line needs it or not."""
    definitions = dict(parsed.scalars)
    for start in definitions:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            inside = {name for name in names_in(definitions[waiting.pop()]) if name in definitions}
            if start in inside:
                raise parsed.error(f"the scalar {start} is defined by itself", definitions[start])
            waiting += inside - reached
            reached |= inside


@lru_cache(maxsize=4096)
def asks_for_sizes(parsed: ParsedEquation) -> bool:
    """Whether an equation holds sizes of its inputs, so that it may read otherwise at other shapes of as many axes."""
    trees = [*(tree for _, tree in parsed.scalars), *parsed.bounds]
    trees += [tree for statement in parsed.statements for tree in (statement.target, statement.value)]
    return any("size" in names_in(tree) for tree in trees)


@lru_cache(maxsize=4096)
def sized(parsed: ParsedEquation) -> frozenset[str]:
    """The indices whose sizes an equation asks for."""
    trees = [*(tree for _, tree in parsed.scalars), *parsed.bounds]
    trees += [tree for statement in parsed.statements for tree in (statement.target, statement.value)]
    calls = [node for tree in trees for node in parts(tree) if isinstance(node, ast.Call)]
    named = [
        node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "size" and len(node.args) == 1
    ]
    return frozenset(name for node in named for name in names_in(ast.Tuple(node.args, ast.Load())))


@dataclass(frozen=True)
class Scalars:
    """What integer expressions of an equation are worth, in its setting and with the ranks of its starred indices.

    `pending` are the scalars whose definitions are being read, `read` has those that were, each on an axis.
    """

    setting: Setting
    ranks: Ranks
    pending: tuple[str, ...] = ()
    read: dict[tuple[str, int | None], Expr] = field(default_factory=dict, compare=False, repr=False)

    @property
    def asks_for_open_sizes(self) -> bool:
        """Whether a size is asked for that no axis of an input has, so that it is known with the extents only."""
        return not self.ranks.schematic and not sized(self.setting.parsed) <= self.ranks.starts.keys()

    def fail(self, problem: str, node: ast.AST, instead: str = "") -> EquationError:
        return self.setting.parsed.error(problem, node, instead)

    def arithmetic(self, node: ast.expr, axis: int | None = None) -> Expr:
        """An integer expression of fields, scalars and indices, on one axis where starred names stand in it."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return Integer(node.value) if isinstance(node.value, int) else Rational(repr(node.value))
        if isinstance(node, ast.Name):
            return self._name(node, axis)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self.arithmetic(node.operand, axis)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            left, right = self.arithmetic(node.left, axis), self.arithmetic(node.right, axis)
            return self._operate(node, left, right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._scalar_call(node, axis)
        if isinstance(node, ast.Subscript):
            return self._entry(node)
        raise self.fail("this is not an integer expression of fields and indices", node)

    def number(self, node: ast.expr, axis: int | None = None) -> Expr:
        """A number made of fields, scalars and sizes, without an index."""
        value = self.arithmetic(node, axis)
        if address_indices(value):
            names = ", ".join(sorted(str(index) for index in address_indices(value)))
            raise self.fail(f"this depends on {names}, where a number of the layer belongs", node)
        return value

    def _name(self, node: ast.Name, axis: int | None) -> Expr:
        name = node.id
        if name in self.setting.scalars:
            if name in self.pending:
                raise self.fail(f"the scalar {name} is defined by itself", node)
            if (name, axis) not in self.read:
                inside = replace(self, pending=(*self.pending, name))
                self.read[name, axis] = inside.arithmetic(self.setting.scalars[name], axis)
            return self.read[name, axis]
        if name in self.setting.fields:
            value = self.setting.fields[name]
            if isinstance(value, Tuple):
                if self.ranks.schematic:
                    return value[0] if len(set(value)) == 1 else Symbol(name, integer=True, positive=True)
                if axis is None:
                    raise self.fail(f"{name} has a value for each axis and stands where no starred index is", node)
                if axis >= len(value):
                    raise self.fail(f"{name} has {len(value)} values {value}, the layer has more axes than that", node)
                return value[axis]
            if isinstance(value, Expr):
                return value
            raise self.fail(f"the field {name} is not a number (it is {value})", node)
        if name in ("inf", "pi"):
            return oo if name == "inf" else pi
        if name in self.ranks.stars and axis is None:
            raise self.fail(f"{name} is starred elsewhere and needs its star here", node, f"*{name}")
        return self.ranks.index(name, axis)

    def must_have_values(self, node: ast.AST, axes: int) -> None:
        """Fields with a value for each axis have as many as the star has axes in whose expression they stand."""
        if self.ranks.schematic:
            return
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in self.setting.fields
        ):
            return  # one value, by its number
        if isinstance(node, ast.Name):
            value = self.setting.fields.get(node.id)
            if isinstance(value, Tuple) and len(value) != axes:
                raise self.fail(
                    f"{node.id} has {len(value)} values {value}, one for each axis, and there are {axes} axes", node
                )
            if node.id in self.setting.scalars and node.id not in self.pending:
                replace(self, pending=(*self.pending, node.id)).must_have_values(self.setting.scalars[node.id], axes)
        for part in branches(node):
            self.must_have_values(part, axes)

    def _entry(self, node: ast.Subscript) -> Expr:
        """One value of a field that has one for each axis, as in ``shape[0]``."""
        if isinstance(node.value, ast.Name) and node.value.id in self.setting.names.tensors:
            raise self.fail(
                f"{node.value.id} is a tensor, and stands where a number is made of fields and indices",
                node, "a line of its own for the number that it makes, as in q[i] = i + p[i]",
            )  # fmt: skip
        values = self.setting.fields.get(node.value.id) if isinstance(node.value, ast.Name) else None
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(values, Tuple) or type(place) is not int or not 0 <= place < len(values):
            raise self.fail("only a field with a value for each axis has entries, numbered from 0", node, "shape[0]")
        return values[place]

    def _operate(self, node: ast.BinOp, left: Expr, right: Expr) -> Expr:
        made = self._result(node, left, right)
        if made.has(zoo, nan):
            raise self.fail("this has no value", node)
        return made

    def _result(self, node: ast.BinOp, left: Expr, right: Expr) -> Expr:
        operator = type(node.op)
        if operator is ast.Add:
            return left + right
        if operator is ast.Sub:
            return left - right
        if operator is ast.Mult:
            return left * right
        if operator is ast.Pow:
            if not (right.is_Integer and abs(right) <= 64) and not right.free_symbols:
                raise self.fail("an exponent must be a small integer", node)
            return left**right
        if right.is_zero:
            raise self.fail("division by zero", node)
        if address_indices(right) and not right.is_nonzero:
            raise self.fail(f"{right} may be 0, and nothing is divided by that", node, "a divisor such as i + 1")
        if operator is ast.Div:
            return left / right
        if operator is ast.FloorDiv:
            return floor(left / right)
        if operator is ast.Mod:
            return left - right * floor(left / right)
        raise self.fail("this operator has no meaning here", node)

    def _scalar_call(self, node: ast.Call, axis: int | None) -> Expr:
        name = node.func.id  # type: ignore[attr-defined]
        if name == "size":
            return self._size(node, axis)
        wanted = {"max": (2, 8), "min": (2, 8)}.get(name, (1, 1))
        if name not in SCALAR_FUNCTIONS or not wanted[0] <= len(node.args) <= wanted[1]:
            raise self.fail(f"{name} is not a function of {len(node.args)} numbers", node)
        values = [self.arithmetic(argument, axis) for argument in node.args]
        call = {"ceil": ceiling, "floor": floor, "max": Max, "min": Min, "abs": _distance, "sqrt": sqrt, "log": log}[
            name
        ]
        made = call(*values)
        if made.has(zoo, nan) or made.is_extended_real is False:
            raise self.fail(f"{name} has no value here", node)
        return made

    def _size(self, node: ast.Call, axis: int | None) -> Expr:
        if not node.args or not isinstance(node.args[0], ast.Name) or len(node.args) > 2:
            raise self.fail("size takes an index, or an input and the number of an axis", node, "size(i)")
        name = node.args[0].id
        if len(node.args) == 2:
            return self._size_of_axis(node, name, node.args[1])
        if self.ranks.schematic:
            return Symbol(rf"\lvert {name} \rvert", integer=True, positive=True)
        if name in self.ranks.stars and axis is None:
            raise self.fail(f"size({name}) has a value for each axis and stands where no starred index is", node)
        if name not in self.ranks.starts:
            return SizeOf(self.ranks.index(name, axis))
        assert self.setting.shapes is not None
        tensor, start = self.ranks.starts[name]
        shape = tuple(self.setting.shapes[tensor])
        start += (axis or 0) if name in self.ranks.stars else 0
        if start >= len(shape):
            raise self.fail(f"size({name}) is asked for on axis {start}, {tensor} has the shape {shape}", node)
        return shape[start]

    def _size_of_axis(self, node: ast.Call, name: str, place: ast.expr) -> Expr:
        """The size of one axis of an input, by its number."""
        at = place.value if isinstance(place, ast.Constant) else None
        if type(at) is not int or at < 0:
            raise self.fail("the axes of an input are numbered from 0", node, f"size({name}, 0)")
        if self.ranks.schematic:
            return Symbol(rf"\lvert {name} \rvert_{{{at}}}", integer=True, positive=True)
        assert self.setting.shapes is not None
        shape = tuple(self.setting.shapes[name])
        if at >= len(shape):
            raise self.fail(f"size({name}, {at}) is asked for, {name} has the shape {shape}", node)
        return shape[at]


def _distance(value: Expr) -> Expr:
    """How far a number is from 0, made of what the engine knows of."""
    return Max(value, -value)
