"""What every name of an equation is: a field, a scalar, a tensor or an index that addresses an axis; anything else is an error.

The whole text is looked at, both sides of its conditions included, so that a layer's text is right or wrong whatever its fields are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache

from ..errors import EquationError
from ..records import dataclass
from .syntax import SCALAR_FUNCTIONS, ParsedEquation, subscript_items
from .trees import branches, parts

CONSTANTS = ("inf", "pi")
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Names:
    """The names of one equation by what they are. A letter may stand for a tensor and for an index: brackets tell them apart."""

    fields: frozenset[str]
    scalars: frozenset[str]
    tensors: frozenset[str]
    indices: frozenset[str]


@lru_cache(maxsize=4096)
def resolve(
    parsed: ParsedEquation,
    fields: frozenset[str],
    inputs: tuple[str, ...],
    buffers: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
) -> Names:
    """Find out what each name is, or raise an `EquationError` with its place.

    >>> from layeralgebra.algebra.equations.syntax import parse
    >>> sorted(resolve(parse("y[o] = W[o, c] * x[c]\\nwhere o < width"), frozenset({"width"}), ("x",)).indices)
    ['c', 'o']
    >>> resolve(parse("y[o] = W[o, c] * x[c]\\nwhere o < widht"), frozenset({"width"}), ("x",))
    Traceback (most recent call last):
    layeralgebra.algebra.errors.EquationError: unknown name widht: it is no field, scalar, tensor or index; did you mean width?
      line 2: where o < widht
                        ^
      write instead: width
    """
    found = _Resolution(parsed, fields, inputs, buffers)
    names = found.run()
    found.must_come_out(outputs)
    return names


class _Resolution:
    def __init__(
        self, parsed: ParsedEquation, fields: frozenset[str], inputs: tuple[str, ...], buffers: tuple[str, ...]
    ):
        self.parsed, self.fail, self.inputs, self.buffers = parsed, parsed.error, inputs, buffers
        scalars = frozenset(name for name, _ in parsed.scalars)
        reads = [node for statement in parsed.statements for node in _subscripts(statement.value)]
        targets = [statement.target for statement in parsed.statements]
        reads += [node for target in targets for node in _subscripts(target.slice)]
        held = {_name(node): node for node in (*reads, *targets) if _name(node) not in fields | scalars}
        looked_at = [part for node in (*targets, *reads) for part in _bare(node.slice)]
        indices = {part.id for part in looked_at} | self._within(looked_at, scalars)
        known = {*fields, *scalars, *CONSTANTS, *SCALAR_FUNCTIONS, "_"}
        self.names = Names(fields, scalars, frozenset(held), frozenset(indices - known))
        self.looked_at, self.held = looked_at, held
        self.looked_up = {_name(inner) for node in (*reads, *targets) for inner in _subscripts(node.slice)}

    def _within(self, used: list[ast.Name], scalars: frozenset[str]) -> set[str]:
        """The names in the definitions of the scalars that are used."""
        definitions = dict(self.parsed.scalars)
        found: set[str] = set()
        waiting = {part.id for part in used} & scalars
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                inside = {part.id for part in _bare(definitions[name])}
                waiting |= inside & scalars
                found |= inside - scalars
        return found

    def run(self) -> Names:
        self._definitions()
        names = self.names
        for part in self.looked_at:
            self._must_be(part, "an address", names.fields | names.scalars | names.indices)
        for _, tree in self.parsed.scalars:
            self._numbers(tree, names.indices)
        for statement in self.parsed.statements:
            self._value(statement.value)
            self._conditions(statement.target)
        for bound in self.parsed.bounds:
            self._bound(bound)
        for part in self._sized():
            if part.id not in names.indices:
                near = _meant(part.id, names.indices)
                raise self.fail(f"size({part.id}) needs an index, and {part.id} addresses no axis{near}", part)
        return names

    def _sized(self) -> Iterator[ast.Name]:
        """What is asked for its size."""
        parsed = self.parsed
        values = (statement.value for statement in parsed.statements)
        for tree in (*(tree for _, tree in parsed.scalars), *values, *parsed.bounds):
            for node in parts(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "size":
                    if any(isinstance(part, ast.Subscript) for part in node.args):
                        continue  # it is read as a function of a tensor, and refused as one
                    by_number = len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
                    if (
                        not node.args
                        or not isinstance(node.args[0], ast.Name)
                        or not (by_number or len(node.args) == 1)
                    ):
                        raise self.fail("size takes an index, or an input and the number of an axis", node, "size(i)")
                    if by_number:
                        self._must_be_input(node.args[0])
                    else:
                        yield node.args[0]

    def _must_be_input(self, part: ast.Name) -> None:
        if part.id not in self.inputs:
            near = get_close_matches(part.id, self.inputs, n=1)
            raise self.fail(
                f"size(tensor, axis) takes an input, and {part.id} is none{_meant(part.id, self.inputs)}", part, *near
            )

    # definitions -----------------------------------------------------------------------------------------------------

    def _definitions(self) -> None:
        """A name means one thing: none is defined twice, and none that is given is defined."""
        defined: set[str] = set()
        for name, tree in self.parsed.scalars:
            if name in (*CONSTANTS, "_"):
                raise self.fail(f"{name} is a constant of the language and cannot be defined", tree)
            for taken, what in (
                (self.names.fields, "a field"),
                (self.inputs, "the input"),
                (self.names.tensors, "a tensor"),
            ):
                if name in taken:
                    raise self.fail(f"{name} is {what} of the layer and cannot be defined as a number", tree)
            if name in defined:
                raise self.fail(f"{name} is defined twice", tree, "a name of its own for each")
            defined.add(name)
        for statement in self.parsed.statements:
            if statement.name in (*CONSTANTS, "_"):
                raise self.fail(
                    f"{statement.name} is a constant of the language and cannot be defined", statement.target
                )
            if statement.name in self.buffers:
                raise self.fail(
                    f"{statement.name} is a buffer of the layer and cannot be defined", statement.target,
                    "a new name on the left",
                )  # fmt: skip
        for what, given in (("an input", self.inputs), ("a buffer", self.buffers)):
            for name in given:
                if name not in self.names.tensors:
                    raise EquationError(
                        f"{name} is {what} of the layer, and the equation never reads it{_meant(name, self.names.tensors)}",
                        text=self.parsed.text, line=1,
                    )  # fmt: skip
        for name in self.buffers:
            if name in self.inputs:
                raise EquationError(
                    f"{name} is an input of the layer, and a buffer too; it can be one of them",
                    text=self.parsed.text, line=1,
                )  # fmt: skip

    def must_come_out(self, outputs: tuple[str, ...]) -> None:
        """Every output is defined by a line, once."""
        defined = [statement.name for statement in self.parsed.statements]
        for place, name in enumerate(outputs):
            if name in outputs[:place]:
                why = f"{name} is an output of the layer twice"
            elif name in defined:
                continue
            elif name in self.inputs:
                why = f"{name} is an input of the layer, and what comes out is defined by a line; write a line such as y[*i] = {name}[*i]"
            elif name in self.buffers:
                why = f"{name} is a buffer of the layer, and what comes out is defined by a line"
            elif name in self.names.fields | self.names.scalars:
                why = f"{name} is a number of the layer, and what comes out is a tensor that a line defines"
            elif name in self.names.tensors:
                why = f"{name} is a learned tensor of the layer, and what comes out is defined by a line; write a line that reads it"
            else:
                why = f"{name} is an output of the layer, and no line defines it{_meant(name, defined)}"
            raise EquationError(why, text=self.parsed.text, line=1)

    # where names stand -----------------------------------------------------------------------------------------------

    def _must_be(self, part: ast.Name, where: str, allowed: Iterable[str]) -> None:
        """An error for a name that is not what can stand there."""
        name, names = part.id, self.names
        if name in allowed or name in CONSTANTS:
            return
        if name in names.tensors:
            raise self.fail(
                f"{name} is a tensor, and {where} has no room for it without its indices", part, f"{name}[i]"
            )
        if name in names.indices:
            raise self.fail(
                f"unknown name {name} in {where}: it is an index, and numbers are made of fields and scalars", part
            )
        if name in SCALAR_FUNCTIONS:
            raise self.fail(f"{name} is a function of numbers", part, f"{name}(...)")
        raise self._unknown(part, allowed)

    def _unknown(self, part: ast.Name, allowed: Iterable[str]) -> EquationError:
        near = get_close_matches(part.id, sorted(allowed), n=1)
        return self.fail(
            f"unknown name {part.id}: it is no field, scalar, tensor or index{_meant(part.id, allowed)}", part, *near
        )

    def _numbers(self, tree: ast.AST, more: frozenset[str] = frozenset(), where: str = "a number") -> None:
        """An expression of fields and scalars, and of what is allowed besides."""
        self._conditions(tree)
        for part in _bare(tree):
            self._must_be(part, where, self.names.fields | self.names.scalars | more)

    def _conditions(self, tree: ast.AST) -> None:
        tests = [node.test for node in parts(tree) if isinstance(node, ast.IfExp)]
        for part in (part for test in tests for part in parts(test)):
            if isinstance(part, ast.Name) and part.id not in self.names.fields:
                problem = "a condition must be a yes-or-no field, or a field compared with a literal"
                known = self.names.fields
                near = get_close_matches(part.id, sorted(known), n=1) or ["... if bias else 0"]
                raise self.fail(f"{problem}; {part.id} is no field{_meant(part.id, known)}", part, *near)

    def _value(self, tree: ast.expr) -> None:
        """A value: tensors with their indices, and numbers."""
        self._conditions(tree)
        for node in parts(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
                if _name(node.func) == "pad":
                    self._pad(node)
                else:
                    for part in _bare(node.func.slice):
                        self._must_be(part, "a reduction", self.names.indices)
        for part in _bare(tree):
            self._must_be(part, "a value", self.names.fields | self.names.scalars | self.names.indices)

    def _pad(self, node: ast.Call) -> None:
        """The widths of a margin are numbers, named by indices at which the tensor is read."""
        assert isinstance(node.func, ast.Subscript)
        read = node.args[0] if node.args else None
        here = {part.id for part in _bare(read.slice)} if isinstance(read, ast.Subscript) else set()
        named: set[str] = set()
        for item in subscript_items(node.func):
            if not isinstance(item, ast.Slice):
                self._numbers(item, where="a width")
                continue
            if item.step is not None or item.upper is None or not isinstance(item.lower, ast.Name):
                raise self.fail("a margin is an index and its width", node, "pad[t: (1, 0)](x[t, f])")
            if item.lower.id not in here:
                raise (
                    self._unknown(item.lower, here)
                    if item.lower.id not in self.names.indices
                    else self.fail(f"the padded tensor is not read at {item.lower.id}", item.lower)
                )
            if item.lower.id in named:
                raise self.fail(f"{item.lower.id} has two widths", item.lower, f"{item.lower.id}: (1, 0)")
            named.add(item.lower.id)
            self._numbers(item.upper, where="a width")

    def _bound(self, tree: ast.expr) -> None:
        """A bound speaks of indices, fields and scalars; of a tensor only in the ways that `where` has for it."""
        if isinstance(tree, ast.IfExp):
            self._conditions(tree)
            self._bound(tree.body)
            return self._bound(tree.orelse)
        if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
            for part in tree.values:
                self._bound(part)
            return None
        if isinstance(tree, (ast.BoolOp, ast.UnaryOp)):
            return self._numbers(tree, self.names.indices, "a bound")
        if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
            if tree.value.id not in self.names.tensors:
                raise self._unknown(tree.value, self.names.tensors)
            for item in subscript_items(tree):
                if not (isinstance(item, ast.Name) and item.id == "_"):
                    self._numbers(item, where="a size")
            return None
        if isinstance(tree, ast.Compare) and isinstance(tree.left, ast.Name) and tree.left.id in self.names.tensors:
            if tree.left.id in self.names.indices:
                raise self.fail(
                    f"{tree.left.id} is a tensor and an index, and a bound must know which", tree, "another letter"
                )
            if tree.left.id not in self.looked_up:
                raise self.fail(
                    f"{tree.left.id} holds no numbers of rows: no tensor is read at an element of it", tree.left,
                    f"T[{tree.left.id}[i], j] in a value, or an index here",
                )  # fmt: skip
            if not (len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Lt)):
                raise self.fail(
                    f"{tree.left.id} is a tensor, and has an upper bound only", tree, f"where {tree.left.id} < rows"
                )
            return self._numbers(tree.comparators[0], where="a size")
        if isinstance(tree, ast.Compare) and not all(isinstance(op, COMPARISONS) for op in tree.ops):
            raise self.fail("a mask compares indices", tree, "where j <= i")
        return self._numbers(tree, self.names.indices, "a bound")


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _name(node: ast.Subscript) -> str:
    return node.value.id if isinstance(node.value, ast.Name) else ""


def _subscripts(tree: ast.AST) -> Iterator[ast.Subscript]:
    """Every tensor with its indices, function subscripts such as ``max[*u]`` and what stands in them left out."""
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Subscript):
        for part in (*tree.args, *(word.value for word in tree.keywords)):
            yield from _subscripts(part)
        return
    if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
        yield tree
    for child in branches(tree):
        yield from _subscripts(child)


def _bare(tree: ast.AST) -> Iterator[ast.Name]:
    """The names in an expression that are neither a tensor with its indices, nor a function, nor in a condition."""
    if isinstance(tree, ast.Name):
        yield tree
    elif isinstance(tree, ast.Subscript):
        return
    elif isinstance(tree, ast.IfExp):
        yield from _bare(tree.body)
        yield from _bare(tree.orelse)
    elif isinstance(tree, ast.Call):
        if isinstance(tree.func, ast.Name) and tree.func.id == "size":
            return
        for part in (*tree.args, *tree.keywords):
            yield from _bare(part)
    else:
        for child in branches(tree):
            yield from _bare(child)
