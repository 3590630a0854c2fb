"""From a checked syntax tree to statements made of heads, for one layer at one rank.

Here the starred indices are spread over the axes, fields become their values and Einstein's sums are made explicit.
Extents are not known yet: these are the subject of `extents`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import field, replace
from functools import reduce

from sympy import Expr, Integer

from ..errors import EquationError
from ..records import dataclass
from ..sizes.dims import Index
from .bounds import read_bounds
from .finite import is_identically_zero
from .functions import FUNCTIONS
from .heads import (
    REDUCTIONS,
    SELECTIONS,
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    address_indices,
    free_indices,
    walk,
)
from .initial_lines import steps_apart
from .names import CONSTANTS
from .ranks import Ranks
from .scalars import Scalars
from .setting import Setting
from .statements import Elaborated, Statement, close, scattered
from .syntax import CONDITIONS, subscript_items
from .trees import parts, subscripted
from .two_readings import two_readings

JOINS = ("sum", "mean", "max", "min")
"""What joins the points that fall on one looked-up element."""


@dataclass(frozen=True)
class _Heads:
    """Reads the heads of statements; sizes and indices in them are the scalars' part."""

    scalars: Scalars
    written: dict[int, tuple[ast.expr, Head]] = field(default_factory=dict)
    """Where heads stand, by their identities."""

    @property
    def setting(self) -> Setting:
        return self.scalars.setting

    @property
    def ranks(self) -> Ranks:
        return self.scalars.ranks

    def fail(self, problem: str, node: ast.AST, instead: str = "") -> EquationError:
        return self.scalars.fail(problem, node, instead)

    def address(self, node: ast.Subscript) -> tuple[Address, ...]:
        """The address of one read or target, stars spread over the axes."""
        made: list[Address] = []
        for item in subscript_items(node):
            if isinstance(item, ast.Starred):
                self.scalars.must_have_values(item.value, self.ranks.of(item))
                for axis in range(self.ranks.of(item)):
                    made.append(self._component(item.value, axis))
            else:
                made.append(self._component(item, None))
        return tuple(made)

    def _component(self, node: ast.expr, axis: int | None) -> Address:
        if isinstance(node, ast.Tuple):
            parts = [
                index
                for item in node.elts
                for index in self._spread(item, axis, "a group holds indices only", "(g, c)")
            ]
            if len(set(parts)) != len(parts):
                raise self.fail("an index stands twice in a group", node)
            return Group(tuple(parts))
        if isinstance(node, ast.Subscript):
            return self._entry_or_lookup(node)
        return self.scalars.arithmetic(node, axis)

    def _entry_or_lookup(self, node: ast.Subscript) -> Address:
        """One value of a field, or an element of a tensor that holds places."""
        if self._is_number(node):
            return self.scalars.arithmetic(node)
        read = self.value(node)
        assert isinstance(read, Read)
        return read

    def _is_number(self, node: ast.Subscript) -> bool:
        """Whether square brackets take one value out of a field, as in ``shape[0]``."""
        return isinstance(node.value, ast.Name) and node.value.id in self.setting.fields

    def _spread(self, item: ast.expr, axis: int | None, problem: str, instead: str) -> list[Index]:
        """An index in a group or in a reduction: one, or with a star one for each of its axes."""
        name = item.value if isinstance(item, ast.Starred) else item
        if not isinstance(name, ast.Name) or not self.setting.is_index(name.id):
            raise self.fail(problem, item, instead)
        if isinstance(item, ast.Starred):
            if axis is not None:
                raise self.fail("a star within a star", item, f"*({name.id}, ...)")
            if name.id not in self.ranks.ranks:
                raise self.fail(f"*{name.id} is used in no address, so its axes are unknown", item)
            return [self.ranks.index(name.id, each) for each in range(self.ranks.ranks[name.id])]
        if name.id in self.ranks.stars and axis is None:
            raise self.fail(f"{name.id} is starred elsewhere and needs its star here", item, f"*{name.id}")
        return [self.ranks.index(name.id, axis)]

    def _indices(self, node: ast.Subscript) -> tuple[Index, ...]:
        """The indices of a reduction, as in ``max[*u]``."""
        instead = f"{node.value.id}[*i](...)"  # type: ignore[attr-defined]
        made = [
            index for item in subscript_items(node)
            for index in self._spread(item, None, "a reduction runs over indices", instead)
        ]  # fmt: skip
        if len(set(made)) != len(made):
            raise self.fail("an index stands twice in a reduction", node)
        return tuple(made)

    def closed(self, value: Head, bound: frozenset[Index]) -> Head:
        """The right side of a line with a sum over every index that nothing binds."""
        unclear: list[tuple[Head, tuple[Index, ...], Head]] = []
        made = close(value, bound, lambda *found: unclear.append(found))
        if unclear:
            function = unclear[0][-1]
            terms = [(term, indices) for term, indices, around in unclear if around is function]
            raise self.fail(*two_readings(value, function, terms, self.written, self._letters))
        return made

    def _letters(self, node: ast.AST, indices: Collection[Index]) -> list[str]:
        """How indices are written that stand in an expression."""
        names = sorted(name for name in self.setting.names_through(node) if self.setting.is_index(name))
        axes = {name: range(self.ranks.ranks[name]) if name in self.ranks.stars else [None] for name in names}
        held = [name for name in names if any(self.ranks.index(name, axis) in indices for axis in axes[name])]
        return [f"*{name}" if name in self.ranks.stars else name for name in held]

    def value(self, node: ast.expr) -> Head:
        """The head of an expression, before sums are made explicit."""
        made = self._value(node)
        self.written[id(made)] = node, made
        return made

    def _value(self, node: ast.expr) -> Head:
        if subscripted(node) <= self.setting.fields.keys():
            if not any(map(self.setting.is_index, self.setting.names_through(node))):
                return Constant(self.scalars.number(node), not self.setting.names_through(node) - set(CONSTANTS))
            made = self.scalars.arithmetic(node) if self._is_arithmetic(node) else None
            if made is not None:
                return IndexValue(made) if address_indices(made) else Constant(made, literal=False)
            if isinstance(node, ast.Name):
                return self.value(self.setting.scalars[node.id])
        if isinstance(node, ast.Subscript):
            if not isinstance(node.value, ast.Name):
                raise self.fail("only a named tensor has indices", node)
            if node.value.id in self.setting.scalars:
                raise self.fail(f"{node.value.id} is a number of the layer and has no indices", node, node.value.id)
            return Read(node.value.id, self.address(node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self.value(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else Times((Constant(Integer(-1)), inner))
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.List):
            return self._indicator(node.elts[0])
        if isinstance(node, CONDITIONS):
            compares = any(isinstance(part, ast.Compare) for part in parts(node))
            raise self.fail(
                "a condition is no value; in square brackets it counts as 0 or 1", node,
                f"[{ast.unparse(node)}]" if compares else "[x[i] > 0]",
            )  # fmt: skip
        raise self.fail(f"{ast.unparse(node)} is not a value", node)

    def _is_arithmetic(self, node: ast.expr) -> bool:
        """Whether an expression, its scalars included, keeps fractions what they are, so that all of it is one index expression."""
        if isinstance(node, ast.Name) and node.id in self.setting.scalars:
            self.scalars.arithmetic(node)  # no scalar is defined by itself
        inside = [
            self.setting.scalars[name] for name in self.setting.names_through(node) if name in self.setting.scalars
        ]
        return all(_is_rational(part) for tree in (node, *inside) for part in parts(tree))

    def _indicator(self, node: ast.expr) -> Head:
        """1 where a condition holds, 0 elsewhere."""
        if isinstance(node, ast.BoolOp):
            parts = [self._indicator(part) for part in node.values]
            if isinstance(node.op, ast.And):
                return _product(parts)
            return reduce(lambda one, other: Apply("max", (one, other)), parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _unless(self._indicator(node.operand))
        if not isinstance(node, ast.Compare):
            raise self.fail("this is no condition", node, "[i < part]")
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        return _product([_compared(*pair) for pair in zip(node.ops, sides, sides[1:])])

    def _operation(self, node: ast.BinOp) -> Head:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            if isinstance(node.op, ast.Sub):
                right = Times((Constant(Integer(-1)), right))
            terms = tuple(
                term for side in (left, right) for term in (side.terms if isinstance(side, Plus) else (side,))
                if not (isinstance(term, Constant) and term.literal and term.value.is_zero)
            )  # fmt: skip
            return terms[0] if len(terms) == 1 else Plus(terms) if terms else Constant(Integer(0))
        if isinstance(node.op, ast.Mult):
            return Times(
                tuple(f for side in (left, right) for f in (side.factors if isinstance(side, Times) else (side,)))
            )
        if isinstance(node.op, ast.Div):
            if is_identically_zero(right):
                raise self.fail("division by zero", node, "a divisor that is not 0 at every value of the tensors")
            if isinstance(right, IndexValue) and not right.value.is_nonzero:
                raise self.fail(
                    f"{right.value} may be 0, and nothing is divided by that", node, "a divisor such as i + 1"
                )
            return Apply("divide", (left, right))
        if isinstance(node.op, ast.Pow):
            if subscripted(node) <= self.setting.fields.keys():
                return Apply("pow", (left, right))
            if not (isinstance(right, Constant) and (right.value.is_Rational or _is_count(right.value))):
                raise self.fail(
                    "a tensor is raised to a literal power, or to an integer of at least 1 made of fields",
                    node,
                    "x[i]**2",
                )
            return Apply("power", (left, right))
        raise self.fail("tensors are combined with + - * / and a power", node)

    def _call(self, node: ast.Call) -> Head:
        if isinstance(node.func, ast.Name):
            name = node.func.id
            if name not in FUNCTIONS:
                raise self.fail(f"{name} is a function of numbers, not of tensors", node)
            arity, extremum = FUNCTIONS[name].arity, name in REDUCTIONS
            if len(node.args) != arity and not (extremum and len(node.args) > arity):
                raise self.fail(
                    f"{name} takes {arity} argument(s){' or more' * extremum}, got {len(node.args)}", node,
                    f"{name}[*u](...)" if extremum else "",
                )  # fmt: skip
            values = [self.value(argument) for argument in node.args]
            if name in ("mod", "fmod") and is_identically_zero(values[1]):
                raise self.fail("division by zero", node, f"{name} by a divisor that is not 0 everywhere")
            if extremum:
                return reduce(lambda one, other: Apply(name, (one, other)), values)
            return Apply(name, tuple(values))
        name = node.func.value.id  # type: ignore[attr-defined]
        if name in SELECTIONS:
            return self._selection(node, name)
        if len(node.args) != 1:
            raise self.fail(f"{name}[...] takes one argument, got {len(node.args)}", node)
        body = self.value(node.args[0])
        if name == "pad":
            return self._pad(node, body)
        indices = self._indices(node.func)  # type: ignore[arg-type]
        return Softmax(indices, body) if name == "softmax" else Reduce(name, indices, body)

    def _selection(self, node: ast.Call, name: str) -> Select:
        if len(node.args) != SELECTIONS[name]:
            instead = f"{name}[j](v[j])" if SELECTIONS[name] == 1 else f"{name}[j](v[j], r)"
            raise self.fail(f"{name}[...] takes {SELECTIONS[name]} argument(s), got {len(node.args)}", node, instead)
        indices = self._indices(node.func)  # type: ignore[arg-type]
        if len(indices) != 1:
            raise self.fail(f"{name} selects along one index", node, f"{name}[j](...)")
        rank = self.scalars.arithmetic(node.args[1]) if len(node.args) > 1 else Integer(0)
        if indices[0] in address_indices(rank):
            raise self.fail(f"the rank depends on {indices[0]}, along which is selected", node, "another letter")
        return Select(name, indices, rank, self.value(node.args[0]))

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
                named[part.lower.id] = pair
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
            if not isinstance(name, ast.Name) or not self.setting.is_index(name.id):
                raise self.fail("a padded tensor is read at plain indices", item, "pad[width](x[c, *i])")
            axes: Sequence[int | None] = range(self.ranks.ranks[name.id]) if isinstance(item, ast.Starred) else [None]
            if isinstance(item, ast.Starred):
                for width in named.get(name.id, ()):
                    self.scalars.must_have_values(width, len(axes))
            for axis in axes:
                pair = named.get(name.id)  # type: ignore[assignment]
                widths.append(
                    tuple(self.scalars.number(width, axis) for width in pair) if pair else (Integer(0), Integer(0))
                )
        if len(node.keywords) > 1:
            raise self.fail("a margin is filled twice", node, "one fill=")
        fill = next((self.value(word.value) for word in node.keywords), Constant(Integer(0)))
        if not isinstance(fill, (Constant, Read)):
            raise self.fail("a margin is filled with a number or with one element of a tensor", node, "fill=-inf")
        if other := free_indices(fill) - free_indices(body):
            names = ", ".join(sorted(map(str, other)))
            raise self.fail(f"the filling of a margin depends on {names}, at which the padded tensor is not read", node)
        return Pad(tuple(widths), body, fill)


def _is_count(value: Expr) -> bool:
    return bool(value.is_integer and value.is_positive)


def _is_rational(node: ast.AST) -> bool:
    """Whether a part of an expression makes fractions of fractions."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("floor", "ceil", "max", "min", "size")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return isinstance(node.right, ast.Constant)
    return not isinstance(node, (ast.List, ast.Compare, ast.BoolOp))


def _product(factors: Sequence[Head]) -> Head:
    return factors[0] if len(factors) == 1 else Times(tuple(factors))


def _unless(condition: Head) -> Head:
    return Plus((Constant(Integer(1)), Times((Constant(Integer(-1)), condition))))


def _compared(sign: ast.cmpop, left: Head, right: Head) -> Head:
    """1 where two values compare so, 0 elsewhere."""
    if isinstance(sign, ast.Lt):
        return Apply("less", (left, right))
    if isinstance(sign, ast.Gt):
        return Apply("less", (right, left))
    if isinstance(sign, (ast.LtE, ast.GtE)):
        return _unless(_compared(ast.Gt() if isinstance(sign, ast.LtE) else ast.Lt(), left, right))
    same = Apply("equal", (left, right))
    return same if isinstance(sign, (ast.Eq, ast.Is)) else _unless(same)


def elaborate(scalars: Scalars) -> Elaborated:
    """The statements and bounds of an equation in its setting."""
    heads, setting = _Heads(scalars), scalars.setting
    bounds = read_bounds(scalars)
    statements = []
    for parsed in setting.parsed.statements:
        name = parsed.name
        if name in setting.fields or name in setting.scalars:
            raise heads.fail(f"{name} is a number of the layer and cannot be defined as a tensor", parsed.target)
        if name in setting.inputs:
            raise heads.fail(f"{name} is the input and cannot be defined", parsed.target, "a new name on the left")
        address = heads.address(parsed.target)
        if any(isinstance(part, Read) and any(isinstance(inner, Read) for inner in part.address) for part in address):
            raise heads.fail("a lookup on the left looks nothing up itself", parsed.target, "a line of its own for it")
        bound_here = frozenset().union(*map(address_indices, address)) if address else frozenset()
        value, inside = heads.value(parsed.value), scattered(address)
        joins = isinstance(value, Reduce) and value.operation in JOINS and bool(inside) and set(value.indices) == inside
        below = walk(value.body if isinstance(value, Reduce) and joins else value)
        if bound := {index for head in below for index in getattr(head, "indices", ())} & inside:
            names, scattered_to = ", ".join(sorted(map(str, bound))), ast.unparse(parsed.target)
            raise heads.fail(
                f"{names} stands in a lookup on the left, so that a reduction over it joins what falls on one element: it is the whole "
                f"right side, runs over all indices that stand in lookups alone, and is one of {', '.join(JOINS)}",
                parsed.target, f"a line of its own for what is joined, m[...] = ..., and {scattered_to} = max[...](m[...])",
            )  # fmt: skip
        closed, joined = heads.closed(value, bound_here), "sum"
        if joins and isinstance(closed, Reduce):
            joined, closed = closed.operation, closed.body
        statements.append(Statement(name, address, closed, parsed.target.lineno, joined))
    targets = [parsed.target for parsed in setting.parsed.statements]

    def fail(place: int, problem: str, instead: str) -> EquationError:
        return heads.fail(problem, targets[place], instead)

    return replace(bounds, statements=steps_apart(statements, fail))
