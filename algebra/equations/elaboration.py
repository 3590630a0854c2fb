"""From a checked syntax tree to statements made of heads, for one layer at one rank.

Here the starred indices are spread over the axes, fields become their values, conditional terms are chosen and
Einstein's sums are made explicit. Extents are not known yet: that is the subject of `instance`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sympy import Expr, Integer

from ..sizes.dims import Index
from .functions import FUNCTIONS
from .heads import (
    REDUCTIONS,
    Address,
    Apply,
    Constant,
    Group,
    Head,
    Pad,
    Plus,
    Read,
    Reduce,
    Softmax,
    Times,
    address_indices,
)
from .names import names_in
from .scalars import Scalars
from .statements import Elaborated, Mask, Statement, close
from .syntax import subscript_items

_RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class Elaborator(Scalars):
    """One elaboration: `run` gives the statements and bounds."""

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
                raise self.fail(
                    f"unknown name {names}: it is no field, no scalar and no tensor", node, "a tensor with its indices"
                )
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
            return Times(
                tuple(f for side in (left, right) for f in (side.factors if isinstance(side, Times) else (side,)))
            )
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
            if not isinstance(name, ast.Name) or not self._is_index(name.id):
                raise self.fail("a padded tensor is read at plain indices", item, "pad[width](x[c, *i])")
            axes: Sequence[int | None] = range(self.ranks[name.id]) if isinstance(item, ast.Starred) else [None]
            for axis in axes:
                pair = named.get(name.id)  # type: ignore[assignment]
                widths.append(
                    tuple(self.arithmetic(width, axis) for width in pair) if pair else (Integer(0), Integer(0))
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
        stars = sorted({name for name in names_in(tree) if name in self.stars and name in self.ranks})
        sized = {
            n.args[0].id
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and n.args and isinstance(n.args[0], ast.Name)
        }
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
        if (
            len(sides) == 2
            and isinstance(sides[0], Index)
            and not address_indices(sides[1])
            and relations[0] in ("<", "<=")
        ):
            extent = sides[1] if relations[0] == "<" else sides[1] + 1
            if sides[0] in made.bounds and made.bounds[sides[0]] != extent:
                raise self.fail(f"{sides[0]} is bounded twice", tree)
            made.bounds[sides[0]] = extent
            return
        if names_in(tree) and not any(address_indices(side) for side in sides) and not set(relations) & {"==", "!="}:
            made.requirements += [
                Mask(left, relation, right) for left, relation, right in zip(sides, relations, sides[1:])
            ]
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
            made.statements.append(Statement(name, address, close(self.value(parsed.value), bound_here), parsed.number))
        return made
