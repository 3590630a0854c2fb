"""From a checked syntax tree to statements made of heads, for one layer at one rank.

Here the starred indices are spread over the axes, fields become their values, conditional terms are chosen and
Einstein's sums are made explicit. Extents are not known yet: that is the subject of `extents`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sympy import Expr, Integer, Max, Min, Rational, Symbol, Tuple, ceiling, floor, log, oo, sqrt, zoo
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from .errors import EquationError
from .heads import (
    REDUCTIONS, Address, Apply, Constant, Group, Head, Index, Pad, Plus, Read, Reduce, Softmax, Times, address_indices,
    children, free_indices, is_constant,
)  # fmt: skip
from .parse import SCALAR_FUNCTIONS, ParsedEquation, subscript_items

_RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@dataclass(frozen=True)
class Statement:
    """One line of an equation: ``target[address] = value``, summed over whatever the address does not name."""

    target: str
    address: tuple[Address, ...]
    value: Head
    number: int = 0


@dataclass(frozen=True)
class Mask:
    """Points of the iteration domain that count: ``left relation right``, an inequality between index expressions."""

    left: Expr
    relation: str
    right: Expr

    @property
    def indices(self) -> frozenset[Index]:
        return address_indices(self.left) | address_indices(self.right)


@dataclass
class Elaborated:
    """Statements and bounds of a layer at one rank."""

    statements: list[Statement]
    bounds: dict[Index, Expr] = field(default_factory=dict)
    ranges: dict[Index, tuple[Expr, Expr]] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    lookups: dict[str, Expr] = field(default_factory=dict)
    declared: dict[str, tuple[Expr | None, ...]] = field(default_factory=dict)


@lru_cache(maxsize=50_000)
def _names(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


class Elaborator:
    """The state of one elaboration; `shapes` maps the names of the inputs to their sizes, None for the schematic rank."""

    def __init__(
        self, parsed: ParsedEquation, fields: Mapping[str, object], inputs: Sequence[str], shapes: Sequence[Sequence[Expr]] | None
    ):
        self.parsed, self.fields = parsed, fields
        self.scalars = {name: (tree, number) for name, tree, number in parsed.scalars}
        self.number = 1
        self.pending: list[str] = []
        self.inputs = list(inputs)
        self.schematic = shapes is None
        self.shapes = dict(zip(self.inputs, shapes)) if shapes is not None else {}
        self.stars: set[str] = set()
        self.ranks: dict[str, int] = {}
        self.starts: dict[str, tuple[str, int]] = {}
        self._find_stars()
        self._find_ranks()

    # names and ranks -------------------------------------------------------------------------------------------------

    def fail(self, problem: str, node: ast.AST | None = None, instead: str = "") -> EquationError:
        return self.parsed.error(problem, node, self.number, instead)

    def _is_index(self, name: str) -> bool:
        return name not in self.fields and name not in self.scalars and name not in SCALAR_FUNCTIONS and name != "_"

    def _subscripts(self) -> list[tuple[ast.Subscript, int]]:
        """Every tensor with its indices, function subscripts such as ``max[*u]`` left out, conditionals resolved."""
        found: list[tuple[ast.Subscript, int]] = []

        def visit(node: ast.AST, number: int) -> None:
            if isinstance(node, ast.IfExp):
                self.number = number
                return visit(node.body if self.flag(node.test) else node.orelse, number)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
                for part in (*node.args, *(word.value for word in node.keywords)):
                    visit(part, number)
                return
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                found.append((node, number))
            for child in ast.iter_child_nodes(node):
                visit(child, number)

        for statement in self.parsed.statements:
            visit(statement.target, statement.number)
            visit(statement.value, statement.number)
        return found

    def _find_stars(self) -> None:
        for root in (
            *(s.target for s in self.parsed.statements), *(s.value for s in self.parsed.statements)
        ):  # fmt: skip
            for node in ast.walk(root):
                if isinstance(node, ast.Starred):
                    self.stars.update(name for name in _names(node.value) if self._is_index(name))

    def _find_ranks(self) -> None:
        """Solve for the number of axes behind every star: a tensor of known rank leaves one unknown at a time."""
        if self.schematic:
            self.ranks = {name: 1 for name in self.stars}
        tensors: dict[str, int] = {name: len(shape) for name, shape in self.shapes.items()}
        occurrences = self._subscripts()
        self._star_ranks_from_bounds()
        for _ in range(2 * len(occurrences) + 2):
            changed = False
            for node, number in occurrences:
                self.number = number
                name = node.value.id  # type: ignore[attr-defined]
                plain, unknown, known = 0, [], 0
                for item in subscript_items(node):
                    if isinstance(item, ast.Starred):
                        rank = self._rank(item)
                        if rank is None:
                            unknown.append(item)
                        else:
                            known += rank
                            changed |= self._learn(item, rank)
                    else:
                        plain += 1
                if not unknown and name not in tensors:
                    tensors[name], changed = plain + known, True
                elif name in tensors and len(unknown) == 1:
                    rank = tensors[name] - plain - known
                    if rank < 0:
                        raise self._arity(name, node, plain + known, tensors[name], "at least ")
                    changed |= self._learn(unknown[0], rank)
            changed |= self._ranks_along_bounds()
            if not changed:
                break
        for node, number in occurrences:
            for item in subscript_items(node):
                if isinstance(item, ast.Name) and item.id in self.stars:
                    self.number = number
                    raise self.fail(f"{item.id} is starred elsewhere and needs its star here", item, f"*{item.id}")
        for node, number in occurrences:
            self.number = number
            name, width = node.value.id, 0  # type: ignore[attr-defined]
            for item in subscript_items(node):
                if isinstance(item, ast.Starred) and self._rank(item) is None:
                    starred = ", ".join(f"*{n}" for n in _names(item.value) if n in self.stars)
                    raise self.fail(
                        f"the number of axes of {starred} is not determined", item, "a starred index that also addresses the input"
                    )
                width += self._rank(item) if isinstance(item, ast.Starred) else 1  # type: ignore[operator]
            if name in self.shapes and width != len(self.shapes[name]):
                raise self._arity(name, node, width, len(self.shapes[name]))
            place = 0
            for item in subscript_items(node):
                bare = item.value if isinstance(item, ast.Starred) else item
                if name in self.shapes and isinstance(bare, ast.Name) and self._is_index(bare.id):
                    self.starts.setdefault(bare.id, (name, place))
                place += self._rank(item) if isinstance(item, ast.Starred) else 1  # type: ignore[operator]
        if self.schematic:
            for name in (n for node, _ in occurrences for n in _names(node)):
                self.starts.setdefault(name, ("x", 0))

    def _arity(self, name: str, node: ast.AST, wanted: int, given: int, least: str = "") -> EquationError:
        what = "the input" if name in self.shapes else "the tensor"
        shape = f" {tuple(self.shapes[name])}" if name in self.shapes else ""
        return self.fail(f"{what} {name} has {given} axes{shape}, the equation addresses {least}{wanted}", node)

    def _star_ranks_from_bounds(self) -> None:
        for bound in self.parsed.bounds:
            self.number = bound.number
            tree = self._chosen(bound.tree)
            if not isinstance(tree, ast.Compare):
                continue
            stars = [name for name in _names(tree) if name in self.stars]
            lengths = {len(value) for value in map(self.fields.get, _names(tree)) if isinstance(value, Tuple)}
            if len(lengths) == 1 and not self.schematic:
                for star in stars:
                    self.ranks.setdefault(star, lengths.copy().pop())

    def _ranks_along_bounds(self) -> bool:
        """Starred indices that one inequality compares stand for equally many axes."""
        changed = False
        for bound in self.parsed.bounds:
            self.number = bound.number
            tree = self._chosen(bound.tree)
            stars = {name for name in _names(tree) if name in self.stars} if isinstance(tree, ast.Compare) else set()
            ranks = {self.ranks[name] for name in stars if name in self.ranks}
            if len(ranks) > 1:
                raise self.fail(f"{', '.join('*' + name for name in sorted(stars))} stand for different numbers of axes", tree)
            for name in stars - set(self.ranks) if ranks else ():
                self.ranks[name], changed = min(ranks), True
        return changed

    def _rank(self, item: ast.Starred) -> int | None:
        for name in _names(item.value):
            if name in self.ranks:
                return self.ranks[name]
        return None

    def _learn(self, item: ast.Starred, rank: int) -> bool:
        changed = False
        for name in _names(item.value):
            if name in self.stars:
                if self.ranks.setdefault(name, rank) != rank:
                    raise self.fail(f"*{name} stands for {self.ranks[name]} axes in one place and for {rank} in another", item)
                changed |= name not in self._learned
                self._learned.add(name)
        return changed

    @property
    def _learned(self) -> set[str]:
        return self.__dict__.setdefault("_learned_names", set())

    def index(self, name: str, axis: int | None) -> Index:
        """The index symbol of a name, on one axis if the name is starred."""
        if name not in self.stars:
            return Index(name)
        if self.schematic:
            return Index(rf"\boldsymbol{{{name}}}")
        return Index(name if self.ranks[name] == 1 else f"{name}_{axis + 1}")  # type: ignore[operator]

    # scalars and flags -----------------------------------------------------------------------------------------------

    def flag(self, node: ast.expr) -> bool:
        """A condition on fields: a boolean field, or a field compared with a literal."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self.flag(node.operand)
        if isinstance(node, ast.BoolOp):
            join = all if isinstance(node.op, ast.And) else any
            return join(self.flag(value) for value in node.values)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.fields:
            value = self.fields[node.id]
            if isinstance(value, BooleanAtom):
                return bool(value)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.left, ast.Name) and node.left.id in self.fields:
            value, other = self.fields[node.left.id], node.comparators[0]
            if isinstance(other, ast.Constant):
                equal = str(value) == str(other.value)
                if isinstance(node.ops[0], (ast.Eq, ast.Is)):
                    return equal
                if isinstance(node.ops[0], (ast.NotEq, ast.IsNot)):
                    return not equal
        raise self.fail("a condition must be a yes-or-no field, or a field compared with a literal", node, "... if bias else 0")

    def _chosen(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.IfExp):
            node = node.body if self.flag(node.test) else node.orelse
        return node

    def arithmetic(self, node: ast.expr, axis: int | None = None) -> Expr:
        """An integer expression of fields, scalars and indices, on one axis where starred names stand in it."""
        node = self._chosen(node)
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
        raise self.fail("this is not an integer expression of fields and indices", node)

    def _name(self, node: ast.Name, axis: int | None) -> Expr:
        name = node.id
        if name in self.scalars:
            if name in self.pending:
                raise self.fail(f"the scalar {name} is defined by itself", node)
            tree, number = self.scalars[name]
            outer, self.number = self.number, number
            self.pending.append(name)
            try:
                return self.arithmetic(tree, axis)
            finally:
                self.pending.pop()
                self.number = outer
        if name in self.fields:
            value = self.fields[name]
            if isinstance(value, Tuple):
                if self.schematic:
                    return value[0] if len(set(value)) == 1 else Symbol(name, integer=True, positive=True)
                if axis is None:
                    raise self.fail(f"{name} has a value for each axis and stands where no starred index is", node)
                if axis >= len(value):
                    raise self.fail(f"{name} has {len(value)} values {value}, the layer has more axes than that", node)
                return value[axis]
            if isinstance(value, Expr):
                return value
            raise self.fail(f"the field {name} is not a number (it is {value})", node)
        if name == "inf":
            return oo
        if name in self.stars and axis is None:
            raise self.fail(f"{name} is starred elsewhere and needs its star here", node, f"*{name}")
        return self.index(name, axis)

    def _operate(self, node: ast.BinOp, left: Expr, right: Expr) -> Expr:
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
        call = {"ceil": ceiling, "floor": floor, "max": Max, "min": Min, "sqrt": sqrt, "log": log}[name]
        made = call(*values)
        if made.has(zoo):
            raise self.fail(f"{name} has no value here", node)
        return made

    def _size(self, node: ast.Call, axis: int | None) -> Expr:
        if len(node.args) != 1 or not isinstance(node.args[0], ast.Name):
            raise self.fail("size takes one index", node, "size(i)")
        name = node.args[0].id
        if name not in self.starts:
            raise self.fail(f"size({name}) needs an index {name} that addresses an axis of the input alone", node)
        if self.schematic:
            return Symbol(rf"\lvert {name} \rvert", integer=True, positive=True)
        tensor, start = self.starts[name]
        if name in self.stars:
            if axis is None:
                raise self.fail(f"size({name}) has a value for each axis and stands where no starred index is", node)
            start += axis
        return self.shapes[tensor][start]

    # heads -----------------------------------------------------------------------------------------------------------

    def address(self, node: ast.Subscript) -> tuple[Address, ...]:
        """The address of one read or target, stars spread over the axes."""
        made: list[Address] = []
        for item in subscript_items(node):
            if isinstance(item, ast.Starred):
                rank = self._rank(item)
                assert rank is not None
                for axis in range(rank):
                    made.append(self._component(item.value, axis))
            else:
                made.append(self._component(item, None))
        return tuple(made)

    def _component(self, node: ast.expr, axis: int | None) -> Address:
        node = self._chosen(node)
        if isinstance(node, ast.Tuple):
            parts: list[Index] = []
            for item in node.elts:
                spread = isinstance(item, ast.Starred)
                name = item.value if isinstance(item, ast.Starred) else item
                if not isinstance(name, ast.Name) or not self._is_index(name.id):
                    raise self.fail("a group holds indices only", item, "(g, c)")
                axes = range(self.ranks[name.id]) if spread and name.id in self.stars else [axis]
                parts.extend(self.index(name.id, a) for a in axes)
            if len(set(parts)) != len(parts):
                raise self.fail("an index stands twice in a group", node)
            return Group(tuple(parts))
        if isinstance(node, ast.Subscript):
            read = self.value(node)
            assert isinstance(read, Read)
            return read
        return self.arithmetic(node, axis)

    def _indices(self, node: ast.Subscript) -> tuple[Index, ...]:
        """The indices of a reduction, as in ``max[*u]``."""
        made: list[Index] = []
        for item in subscript_items(node):
            name = item.value if isinstance(item, ast.Starred) else item
            if not isinstance(name, ast.Name) or not self._is_index(name.id):
                raise self.fail("a reduction runs over indices", item, f"{node.value.id}[*i](...)")  # type: ignore[attr-defined]
            if isinstance(item, ast.Starred):
                if name.id not in self.ranks:
                    raise self.fail(f"*{name.id} is used in no address, so its axes are unknown", item)
                made.extend(self.index(name.id, axis) for axis in range(self.ranks[name.id]))
            else:
                if name.id in self.stars:
                    raise self.fail(f"{name.id} is starred elsewhere and needs its star here", item, f"*{name.id}")
                made.append(self.index(name.id, None))
        return tuple(made)

    def value(self, node: ast.expr) -> Head:
        """The head of an expression, before sums are made explicit."""
        node = self._chosen(node)
        if not any(isinstance(part, ast.Subscript) for part in ast.walk(node)):
            made = self.arithmetic(node)
            if any(isinstance(symbol, Index) for symbol in made.free_symbols):
                names = ", ".join(sorted(str(s) for s in made.free_symbols if isinstance(s, Index)))
                raise self.fail(f"unknown name {names}: it is no field, no scalar and no tensor", node, "a tensor with its indices")
            return Constant(made)
        if isinstance(node, ast.Subscript):
            if not isinstance(node.value, ast.Name):
                raise self.fail("only a named tensor has indices", node)
            if node.value.id in self.fields or node.value.id in self.scalars:
                raise self.fail(f"{node.value.id} is a number of the layer and has no indices", node, node.value.id)
            return Read(node.value.id, self.address(node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self.value(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else Times((Constant(Integer(-1)), inner))
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise self.fail(f"{type(node).__name__} is not a value", node)

    def _operation(self, node: ast.BinOp) -> Head:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            if isinstance(node.op, ast.Sub):
                right = Times((Constant(Integer(-1)), right))
            terms = tuple(
                term for side in (left, right) for term in (side.terms if isinstance(side, Plus) else (side,))
                if not (isinstance(term, Constant) and term.value.is_zero)
            )  # fmt: skip
            return terms[0] if len(terms) == 1 else Plus(terms) if terms else Constant(Integer(0))
        if isinstance(node.op, ast.Mult):
            return Times(tuple(f for side in (left, right) for f in (side.factors if isinstance(side, Times) else (side,))))
        if isinstance(node.op, ast.Div):
            return Apply("divide", (left, right))
        if isinstance(node.op, ast.Pow):
            if not (isinstance(right, Constant) and right.value.is_Rational):
                raise self.fail("a tensor is raised to a literal power only", node, "x[i]**2")
            return Apply("power", (left, right))
        raise self.fail("tensors are combined with + - * / and a literal power", node)

    def _call(self, node: ast.Call) -> Head:
        if isinstance(node.func, ast.Name):
            name = node.func.id
            from .heads import FUNCTIONS

            if name not in FUNCTIONS:
                raise self.fail(f"{name} is a function of numbers, not of tensors", node)
            if len(node.args) != FUNCTIONS[name].arity:
                raise self.fail(
                    f"{name} takes {FUNCTIONS[name].arity} argument(s), got {len(node.args)}", node,
                    f"{name}[*u](...)" if name in REDUCTIONS else "",
                )  # fmt: skip
            return Apply(name, tuple(self.value(argument) for argument in node.args))
        name = node.func.value.id  # type: ignore[attr-defined]
        if len(node.args) != 1:
            raise self.fail(f"{name}[...] takes one argument, got {len(node.args)}", node)
        body = self.value(node.args[0])
        if name == "pad":
            return self._pad(node, body)
        indices = self._indices(node.func)  # type: ignore[arg-type]
        return Softmax(indices, body) if name == "softmax" else Reduce(name, indices, body)

    def _pad(self, node: ast.Call, body: Head) -> Pad:
        if not isinstance(body, Read):
            raise self.fail("pad surrounds a tensor with its indices", node, "pad[width](x[c, *i])")
        source = node.args[0]
        assert isinstance(source, ast.Subscript)
        amounts = node.func.slice  # type: ignore[attr-defined]
        parts = amounts.elts if isinstance(amounts, ast.Tuple) else [amounts]
        named: dict[str, tuple[ast.expr, ast.expr]] = {}
        for part in parts:
            if isinstance(part, ast.Slice) and isinstance(part.lower, ast.Name) and part.upper is not None:
                upper = part.upper
                pair = tuple(upper.elts) if isinstance(upper, ast.Tuple) else (upper, upper)
                if len(pair) != 2:
                    raise self.fail("a margin has a width before and a width after", part, "pad[t: (1, 0)](x[t, f])")
                named[part.lower.id] = pair  # type: ignore[assignment]
        if named and len(named) != len(parts):
            raise self.fail("either every width names its index or none does", node, "pad[t: (1, 0)](x[t, f])")
        if not named:
            starred = [item.value for item in subscript_items(source) if isinstance(item, ast.Starred)]
            if not starred or len(parts) > 2:
                raise self.fail("without a starred index, say which axis is padded", node, "pad[t: (1, 0)](x[t, f])")
            pair = (parts[0], parts[-1])
            named = {name.id: pair for name in starred if isinstance(name, ast.Name)}
        widths: list[tuple[Expr, Expr]] = []
        for item in subscript_items(source):
            name = item.value if isinstance(item, ast.Starred) else item
            if not isinstance(name, ast.Name) or not self._is_index(name.id):
                raise self.fail("a padded tensor is read at plain indices", item, "pad[width](x[c, *i])")
            axes: Sequence[int | None] = range(self.ranks[name.id]) if isinstance(item, ast.Starred) else [None]
            for axis in axes:
                pair = named.get(name.id)  # type: ignore[assignment]
                widths.append(
                    tuple(self.arithmetic(width, axis) for width in pair) if pair else (Integer(0), Integer(0))  # type: ignore[arg-type]
                )
        fill = next((self.value(word.value) for word in node.keywords), Constant(Integer(0)))
        if not isinstance(fill, (Constant, Read)):
            raise self.fail("a margin is filled with a number or with one element of a tensor", node, "fill=-inf")
        return Pad(tuple(widths), body, fill)

    # bounds ----------------------------------------------------------------------------------------------------------

    def _bound(self, tree: ast.expr, made: Elaborated) -> None:
        tree = self._chosen(tree)
        if isinstance(tree, ast.Constant) and tree.value is True:
            return
        if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
            sizes: list[Expr | None] = []
            for item in subscript_items(tree):
                blank = isinstance(item, ast.Name) and item.id == "_"
                sizes.append(None if blank else self.arithmetic(item))
            made.declared[tree.value.id] = tuple(sizes)
            return
        if not isinstance(tree, ast.Compare):
            raise self.fail("where holds inequalities", tree, "where i < extent")
        stars = sorted({name for name in _names(tree) if name in self.stars and name in self.ranks})
        sized = {n.args[0].id for n in ast.walk(tree) if isinstance(n, ast.Call) and n.args and isinstance(n.args[0], ast.Name)}
        for axis in range(self.ranks[stars[0]]) if stars else [None]:
            self._bound_on(tree, axis, made, sized)

    def _bound_on(self, tree: ast.Compare, axis: int | None, made: Elaborated, sized: set[str]) -> None:
        relations = [_RELATIONS[type(op)] for op in tree.ops]
        first = tree.left
        if isinstance(first, ast.Name) and first.id in self.inputs and relations == ["<"]:
            made.lookups[first.id] = self.arithmetic(tree.comparators[0], axis)
            return
        sides = [self.arithmetic(side, axis) for side in (tree.left, *tree.comparators)]
        if len(sides) == 3 and relations == ["<=", "<"] and isinstance(sides[1], Index):
            made.ranges[sides[1]] = (sides[0], sides[2])
            return
        if len(sides) == 2 and isinstance(sides[0], Index) and not address_indices(sides[1]) and relations[0] in ("<", "<="):
            extent = sides[1] if relations[0] == "<" else sides[1] + 1
            if sides[0] in made.bounds and made.bounds[sides[0]] != extent:
                raise self.fail(f"{sides[0]} is bounded twice", tree)
            made.bounds[sides[0]] = extent
            return
        for left, relation, right in zip(sides, relations, sides[1:]):
            if relation in ("==", "!="):
                raise self.fail("a mask is an inequality", tree, "where j <= i")
            mask = Mask(left, relation, right)
            if not mask.indices:
                raise self.fail("a bound needs an index", tree, "where i < extent")
            made.masks.append(mask)

    # all of it -------------------------------------------------------------------------------------------------------

    def run(self) -> Elaborated:
        made = Elaborated([])
        for bound in self.parsed.bounds:
            self.number = bound.number
            self._bound(bound.tree, made)
        for parsed in self.parsed.statements:
            self.number = parsed.number
            name = parsed.target.value.id  # type: ignore[attr-defined]
            if name in self.fields or name in self.scalars:
                raise self.fail(f"{name} is a number of the layer and cannot be defined as a tensor", parsed.target)
            if name in self.inputs:
                raise self.fail(f"{name} is the input and cannot be defined", parsed.target, "a new name on the left")
            address = self.address(parsed.target)
            if any(isinstance(part, Read) for part in address):
                raise self.fail("a target has index expressions only", parsed.target)
            bound_here = frozenset().union(*map(address_indices, address)) if address else frozenset()
            made.statements.append(
                Statement(name, address, self._closed_at_target(parsed, bound_here), parsed.number)
            )
        return made

    def _closed_at_target(self, parsed, bound_here: frozenset[Index]) -> Head:
        raw = self.value(parsed.value)
        return close(raw, bound_here)


def close(head: Head, bound: frozenset[Index]) -> Head:
    """Make Einstein's sums explicit: an index that nothing binds is summed in the smallest term that holds all of it."""
    if isinstance(head, Constant):
        return head
    if isinstance(head, Plus):
        return Plus(tuple(close(term, bound) for term in head.terms))
    if isinstance(head, Reduce):
        return Reduce(head.operation, head.indices, close(head.body, bound | frozenset(head.indices)))
    if isinstance(head, Softmax):
        return Softmax(head.indices, close(head.body, bound | frozenset(head.indices)))
    if isinstance(head, Pad):
        return head
    here = frozenset()
    if isinstance(head, Read):
        here = free_indices(head) - bound
        made: Head = head
    else:
        parts = children(head)
        for index in free_indices(head) - bound:
            holders = [part for part in parts if index in free_indices(part)]
            if len(holders) > 1 or (isinstance(holders[0], Read) and isinstance(head, Times)):
                here |= {index}
        closed = tuple(close(part, bound | here) for part in parts)
        made = Times(closed) if isinstance(head, Times) else Apply(head.function, closed)
    if not here:
        return made
    ordered = tuple(sorted(here, key=lambda index: index.name))
    return Reduce("sum", ordered, made)


def is_contraction(head: Head) -> bool:
    """A product of two tensors or more, summed over an index: what a multiply-accumulate unit does."""
    if not (isinstance(head, Reduce) and head.operation == "sum" and isinstance(head.body, Times)):
        return False
    return sum(not is_constant(factor) for factor in head.body.factors) >= 2


def relational(mask: Mask) -> Relational:
    """A mask as a SymPy relation."""
    from sympy import Ge, Gt, Le, Lt

    return {"<": Lt, "<=": Le, ">": Gt, ">=": Ge}[mask.relation](mask.left, mask.right)
