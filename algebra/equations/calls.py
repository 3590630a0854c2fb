"""Equations that call layers: ``h = relu(Linear(4*n)(x))`` holds the lines of the layer, with names of their own.

What is read is the equation of the whole block: the lines of every layer that is called stand in its place, its inputs are what it is
called with, its fields what is given for them, its letters and tensors have names that nothing else has. So whatever is derived is that
of the block written in one equation. Nothing is evaluated: a layer is found by its name in a given namespace.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import field
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, Tuple, false, true

from ..arguments import shown
from ..errors import EquationError, FieldError
from ..records import dataclass
from .conditions import Chooser, compared
from .functions import FUNCTIONS
from .names import resolve
from .protocol import StatesEquation
from .syntax import ParsedEquation, assembled, checked, checked_bounds, raw_lines
from .tree_text import as_text
from .trees import parts, rebuilt_tree, walked

MOST_LINES = 1_000
"""Of a block with those of all layers that are called."""
_CALLED = re.compile(r"\b([A-Za-z]\w*)\s*\(")
_WORD = re.compile(r"[A-Za-z_]\w*")
_INPUT = re.compile(r"x\d*")


@dataclass(frozen=True)
class Expanded:
    """An equation with the lines of the layers that it calls, and the buffers of these."""

    parsed: ParsedEquation
    buffers: tuple[str, ...]
    drawn: tuple[str, ...] = ()
    """The buffers of layers that are called, as far as they are drawn anew for every example."""


@dataclass
class _Called:
    """A layer with what is given for its fields, and the names of its learned tensors and buffers."""

    layer: StatesEquation
    given: Mapping[str, ast.expr]
    prefix: str
    held: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    numbered: bool = False


def names_called(text: str) -> frozenset[str]:
    """Whatever is called in a text, function or layer.

    >>> sorted(names_called("h = relu(Linear(4)(x))"))
    ['Linear', 'relu']
    """
    return frozenset(_CALLED.findall(text))


def expanded(
    text: str,
    values: Mapping[str, object],
    inputs: Sequence[str] | None,
    buffers: Sequence[str],
    namespace: Mapping[str, Callable[..., Any]],
) -> Expanded:
    """The equation of a layer with the lines of all layers that it calls.

    Parameters
    ----------
    text : str
    values : mapping of str to value
        The fields of the layer.
    inputs : sequence of str, optional
        The names of its inputs; left out, they are x, x1...
    buffers : sequence of str
    namespace : mapping of str to class of layers
        The layers that may be called.
    """
    return _Expansion(text, values, inputs, buffers, namespace).run()


class _Expansion:
    def __init__(
        self,
        text: str,
        values: Mapping[str, object],
        inputs: Sequence[str] | None,
        buffers: Sequence[str],
        namespace: Mapping[str, Callable[..., Any]],
    ):
        self.text, self.values, self.namespace, self.own_buffers = text, values, namespace, tuple(buffers)
        words = set(_WORD.findall(text))
        self.taken = {*words, *values, *FUNCTIONS, *(inputs or ()), *buffers}
        given = inputs if inputs is not None else [word for word in words if _INPUT.fullmatch(word)]
        self.tensors = set(given)
        self.lines: list[tuple[ast.expr, ast.expr]] = []
        self.bounds: list[ast.expr] = []
        self.buffers: list[str] = []
        self.drawn: list[str] = []
        self.bound: dict[str, _Called] = {}
        self.scalars: dict[str, ast.expr] = {}
        self.numbers: dict[str, int] = {}
        self.direct: dict[str, int] = {}
        self.where: ast.AST = ast.Constant(0)

    def fail(self, problem: str, node: ast.AST, instead: str = "") -> EquationError:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return EquationError(problem, text=self.text, line=line, column=column, instead=instead)

    def run(self) -> Expanded:
        lines, self.bounds = raw_lines(self.text)
        checked_bounds(self.bounds, self.text)
        for _, value in lines:
            for node in walked(value):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.namespace:
                    self.direct[node.func.id] = self.direct.get(node.func.id, 0) + 1
        uses: dict[str, int] = {}
        for target, value in lines:
            if self._makes(value):
                self._bind(target, value)
                assert isinstance(target, ast.Name)
                uses[target.id] = 0
                direct = value.func.id  # type: ignore[attr-defined]
                self.direct[direct] -= 1
        for _, value in lines:
            for node in walked(value):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in uses:
                    uses[node.func.id] += 1
        for name, count in uses.items():
            if not count:
                raise self.fail(
                    f"{name} is a layer, and nothing calls it; its weights have no shapes", self._line_of(name, lines),
                    f"y = {name}(x)",
                )  # fmt: skip
            self.bound[name].numbered = count > 1
        self.scalars = self._numbers(lines)
        for target, value in lines:
            if self._makes(value):
                continue
            self.where = target
            self._line(target, value)
            if len(self.lines) > MOST_LINES:
                raise self.fail(f"a block with the lines of its layers has more than {MOST_LINES}", target)
        return Expanded(
            assembled(self.text, self.lines, self.bounds, frozenset(self.values)),
            (*self.own_buffers, *self.buffers),
            tuple(self.drawn),
        )

    def _numbers(self, lines: Sequence[tuple[ast.expr, ast.expr]]) -> dict[str, ast.expr]:
        """The lines that define a number: neither indices nor tensors nor layers stand in them."""
        given = set(self.tensors)
        for target, _ in lines:
            self.tensors.update(
                node.value.id
                for node in [target]
                if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
            )
            self.tensors.update(part.id for part in getattr(target, "elts", ()) if isinstance(part, ast.Name))
        found = {target.id: value for target, value in lines if isinstance(target, ast.Name) and not self._makes(value)}
        while tensors := [
            name for name, value in found.items() if self._is_tensor_line(value) or _indexed(value, self.values)
        ]:
            for name in tensors:
                del found[name]
            self.tensors.update(tensors)
        self.tensors = given
        return found

    @staticmethod
    def _line_of(name: str, lines: Sequence[tuple[ast.expr, ast.expr]]) -> ast.AST:
        return next(target for target, _ in lines if isinstance(target, ast.Name) and target.id == name)

    # lines -----------------------------------------------------------------------------------------------------------

    def _makes(self, value: ast.expr) -> bool:
        """Whether a value is a layer that is not called yet: ``Linear(8)``."""
        return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in self.namespace

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        """A layer gets a name, under which it may be called more than once."""
        if not isinstance(target, ast.Name):
            raise self.fail("a layer alone is no tensor: it is called, or bound to a name", value, "f = Linear(8)")
        if target.id in self.bound or target.id in self.values or target.id in self.tensors:
            raise self.fail(f"{target.id} is defined twice", target, "a name of its own for each")
        self.bound[target.id] = self._made(value, target.id)

    def _is_call(self, node: ast.AST) -> bool:
        """Whether a layer is called here: ``Linear(8)(x)``, or ``f(x)`` with ``f = Linear(8)``."""
        if not isinstance(node, ast.Call):
            return False
        return self._makes(node.func) or isinstance(node.func, ast.Name) and node.func.id in self.bound

    def _is_tensor_line(self, value: ast.expr) -> bool:
        """Whether a line without indices is one of whole tensors."""
        return any(self._is_call(node) or self._makes(node) for node in walked(value)) or any(  # type: ignore[arg-type]
            name in self.tensors for name in _bare(value)
        )

    def _line(self, target: ast.expr, value: ast.expr) -> None:
        calls = any(self._is_call(node) for node in walked(value))
        if isinstance(target, ast.Tuple):
            names = [part.id for part in target.elts if isinstance(part, ast.Name)]
            if len(names) < len(target.elts) or not self._is_call(value):
                raise self.fail(
                    "several tensors on the left are the outputs of one layer", target, "h, c = f(x, h0, c0)"
                )
            self._call(value, names)
            return
        if isinstance(target, ast.Name) and self._is_tensor_line(value):
            if self._is_call(value):
                self._call(value, [target.id])
                return
            self._define(target.id, target)
            self._whole(target.id, value)
            return
        if calls:
            value = self._indexed(value)
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            if any(self._is_call(node) for node in walked(target)):
                raise self.fail("no layer is called on the left", target)
            self.tensors.add(target.value.id)
        elif isinstance(target, ast.Name) and target.id not in self.scalars:
            self.tensors.add(target.id)
        self.lines.append((checked(target, self.text), checked(value, self.text)))

    def _define(self, name: str, node: ast.AST) -> None:
        if name in self.tensors or name in self.values or name in self.scalars or name in self.bound:
            raise self.fail(
                f"{name} is defined twice, or is an input or a number of the layer", node, "a new name on the left"
            )
        self.tensors.add(name)
        self.taken.add(name)

    def _whole(self, name: str, value: ast.expr) -> None:
        """A line of whole tensors: element by element, whatever the number of axes."""
        star = ast.Starred(ast.Name(self._letter("i"), ast.Load()), ast.Load())

        def addressed(name: str, node: ast.AST) -> ast.expr:
            slice = ast.Tuple([star], ast.Load())
            return self._placed(ast.Subscript(ast.Name(name, ast.Load()), slice, ast.Load()), node)

        def visit(node: ast.AST) -> Any:
            if self._is_call(node):
                return addressed(self._call(node)[0], node)
            if self._makes(node):  # type: ignore[arg-type]
                raise self.fail("a layer stands here, and nothing is put into it", node, f"{ast.unparse(node)}(x)")
            if isinstance(node, ast.Subscript):
                if isinstance(node.value, ast.Name) and node.value.id in self.values:
                    return node
                raise self.fail(
                    "a line without indices on the left speaks of whole tensors, and here is one with indices", node,
                    f"{name}[i, o] = ..., with the indices of every tensor",
                )  # fmt: skip
            if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
                raise self.fail(
                    "a reduction or a margin speaks of indices",
                    node,
                    f"{name}[i, o] = ..., with the indices of every tensor",
                )
            if isinstance(node, ast.Call) and node.func.id == "size":  # type: ignore[attr-defined]
                return node
            if isinstance(node, ast.Name) and node.id in self.tensors:
                return addressed(node.id, node)
            return rebuilt_tree(node, visit, skip_function=True)

        made = visit(value)
        target = addressed(name, self.where if not hasattr(value, "lineno") else value)
        self.lines.append((target, checked(made, self.text)))

    def _indexed(self, value: ast.expr) -> Any:
        """A line with indices, where layers are called: what comes out of them has indices too."""

        def visit(node: ast.AST) -> Any:
            if isinstance(node, ast.Subscript) and self._is_call(node.value):
                made = copy(node)
                made.value = self._placed(ast.Name(self._call(node.value)[0], ast.Load()), node)
                made.slice = visit(node.slice)
                return made
            if self._is_call(node):
                raise self.fail(
                    "the indices of what this layer gives are missing, in a line with indices",
                    node,
                    f"{ast.unparse(node)}[i, o]",
                )
            return rebuilt_tree(node, visit)

        return visit(value)

    # calls -----------------------------------------------------------------------------------------------------------

    def _made(self, node: Any, name: str | None = None) -> _Called:
        """A layer of the namespace with what is given for its fields."""
        kind = self.namespace[node.func.id]
        fields: Mapping[str, Any] = kind.fields  # type: ignore[attr-defined]
        names = list(fields)
        if len(node.args) > len(names):
            raise self.fail(f"{node.func.id} takes {len(names)} value(s) ({', '.join(names)})", node)
        given: dict[str, ast.expr] = dict(zip(names, node.args))
        for word in node.keywords:
            if word.arg is None or word.arg not in fields:
                raise self.fail(
                    f"{node.func.id} has no field {shown(word.arg)}; it has {', '.join(names) or 'none'}", node
                )
            if word.arg in given:
                raise self.fail(f"{node.func.id} got {word.arg} twice", node)
            given[word.arg] = word.value
        for tree in given.values():
            for part in walked(tree):
                if self._is_call(part) or self._makes(part):  # type: ignore[arg-type]
                    raise self.fail("a field of a layer is a number, and here is a layer", part)
        try:
            layer = kind(**{word: self._value(tree) for word, tree in given.items()})
        except FieldError as error:
            raise self.fail(f"{ast.unparse(node)}: {error}", node) from None
        if layer.opaque:
            raise self.fail(
                f"{layer} is opaque: no equation says what it computes, so that no equation can call it", node
            )
        if layer.tables:
            raise self.fail(
                f"{layer} holds known numbers ({', '.join(layer.tables)}) that depend on its input, and cannot be called", node,
                "the layer in a network: f >> g",
            )  # fmt: skip
        if name is None:
            name = node.func.id
            if self.direct[name] > 1:
                self.numbers[name] = self.numbers.get(name, 0) + 1
                name = f"{name}_{self.numbers[name]}"
        return _Called(layer, given, name)

    def _value(self, tree: ast.expr) -> Any:
        """The value of a field, where it is known beforehand; else a size that is not."""
        if isinstance(tree, ast.Constant):
            return tree.value
        if isinstance(tree, ast.Name) and tree.id in self.values:
            return self.values[tree.id]
        if isinstance(tree, (ast.Tuple, ast.List)):
            raise self.fail(
                "a tuple as the field of a layer that is called", tree, "a field of the class, whose value is the tuple"
            )
        number = self._number(tree)
        return Symbol(ast.unparse(tree), integer=True, positive=True) if number is None else number

    def _number(self, tree: ast.expr) -> Any:
        if isinstance(tree, ast.Constant) and isinstance(tree.value, (int, float)) and not isinstance(tree.value, bool):
            return Integer(tree.value) if isinstance(tree.value, int) else Rational(repr(tree.value))
        if isinstance(tree, ast.Name):
            value = self.values.get(tree.id)
            return value if isinstance(value, Expr) else None
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            inside = self._number(tree.operand)
            return None if inside is None else -inside
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub, ast.Mult)):
            left, right = self._number(tree.left), self._number(tree.right)
            if left is None or right is None:
                return None
            return (
                left + right
                if isinstance(tree.op, ast.Add)
                else left - right
                if isinstance(tree.op, ast.Sub)
                else left * right
            )
        return None

    def _call(self, node: Any, names: Sequence[str] = ()) -> tuple[str, ...]:
        """Write the lines of a layer that is called here; the names of what comes out."""
        if node.keywords:
            raise self.fail("a layer is called with tensors, by position", node, "f(x, h)")
        arguments = [self._argument(tree) for tree in node.args]
        called = self.bound[node.func.id] if isinstance(node.func, ast.Name) else self._made(node.func)
        layer, called.calls = called.layer, called.calls + 1
        parsed, entering, leaving = layer.parsed, layer.input_names, layer.output_names
        if len(arguments) != len(entering):
            raise self.fail(
                f"{layer} takes {len(entering)} input(s) ({', '.join(entering)}), and is called with {len(arguments)}",
                node,
            )
        if len(leaving) != (len(names) or 1):
            raise self.fail(
                f"{layer} has {len(leaving)} output(s) ({', '.join(leaving)}), and {len(names) or 1} is asked for", node,
                f"{', '.join(leaving)} = ...",
            )  # fmt: skip
        prefix = f"{called.prefix}_{called.calls}" if called.numbered else called.prefix
        known = resolve(parsed, frozenset(layer.values), entering, layer.buffers, leaving)
        tensors = dict(zip(entering, arguments))
        for name, own in zip(leaving, names):
            self._define(own, node)
            tensors[name] = own
        defined = {statement.name for statement in parsed.statements}
        for name in sorted(known.tensors | defined):
            if name in tensors:
                continue
            if name in defined:
                tensors[name] = self._fresh(f"{prefix}_{name}")
                self.tensors.add(tensors[name])
            else:
                if name not in called.held:
                    called.held[name] = self._fresh(f"{called.prefix}_{name}")
                    self.buffers += [called.held[name]] * (name in layer.buffers)
                    self.drawn += [called.held[name]] * (name in getattr(layer, "drawn", ()))
                tensors[name] = called.held[name]
        scalars = {name: self._fresh(f"{prefix}_{name}") for name, _ in parsed.scalars}
        letters = {name: self._letter(name) for name in sorted(known.indices)}
        renaming = _Renaming(self, called, node, tensors, scalars, letters)
        for name, tree in parsed.scalars:
            self.lines.append((self._placed(ast.Name(scalars[name], ast.Load()), node), renaming(tree)))
        for statement in parsed.statements:
            self.lines.append((renaming(statement.target), renaming(statement.value)))
            if len(self.lines) > MOST_LINES:
                raise self.fail(f"a block with the lines of its layers has more than {MOST_LINES}", node)
        self.bounds += [renaming(bound) for bound in parsed.bounds if not _says_nothing(bound)]
        return tuple(tensors[name] for name in leaving)

    def _argument(self, tree: ast.expr) -> str:
        """What a layer is called with: a tensor, or whole tensors in a line of their own."""
        if isinstance(tree, ast.Name):
            if tree.id in self.tensors:
                return tree.id
            raise self.fail(f"a layer is called with a tensor, and {tree.id} is none that is defined before", tree)
        if self._is_call(tree):
            return self._call(tree)[0]
        if isinstance(tree, (ast.Subscript, ast.Starred)):
            raise self.fail("a layer is called with a whole tensor, without indices", tree, "f(x)")
        if not self._is_tensor_line(tree):
            raise self.fail("a layer is called with a tensor, and here is none", tree, "f(x)")
        name = self._fresh("s")
        self.tensors.add(name)
        self._whole(name, tree)
        return name

    # names -----------------------------------------------------------------------------------------------------------

    def _fresh(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name

    def _letter(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}{number}"
        self.taken.add(name)
        return name

    @staticmethod
    def _placed(made: Any, node: ast.AST) -> Any:
        """New parts of a tree, at the place of another."""
        for part in walked(made):
            part.lineno, part.col_offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)  # type: ignore[attr-defined]
            part.end_lineno, part.end_col_offset = part.lineno, part.col_offset  # type: ignore[attr-defined]
        return made


@dataclass
class _Renaming:
    """The lines of a layer in those of the block."""

    of: _Expansion
    called: _Called
    node: ast.AST
    tensors: Mapping[str, str]
    scalars: Mapping[str, str]
    letters: Mapping[str, str]

    def __call__(self, tree: ast.expr) -> Any:
        return self.of._placed(self._renamed(tree), self.node)

    def _renamed(self, node: ast.AST) -> Any:
        fields = self.called.layer.values
        if isinstance(node, ast.IfExp):
            if not self._is_open(node.test):
                return self._renamed(node.body if self._holds(node.test) else node.orelse)
        if isinstance(node, ast.Subscript):
            made = copy(node)
            if isinstance(node.value, ast.Name):
                name = node.value.id
                if name in fields:
                    return self._entry(node)
                made.value = ast.Name(self.tensors.get(name, name), ast.Load())
            made.slice = self._renamed(node.slice)
            return made
        if isinstance(node, ast.Name):
            name = node.id
            if name in fields:
                return self._field(name)
            return ast.Name(
                self.letters.get(name) or self.scalars.get(name) or self.tensors.get(name, name), ast.Load()
            )
        if isinstance(node, ast.Call):
            call = copy(node)
            if isinstance(node.func, ast.Subscript):
                call.func = copy(node.func)
                call.func.slice = self._renamed(node.func.slice)
            by_axis = isinstance(node.func, ast.Name) and node.func.id == "size" and len(node.args) == 2
            call.args = [
                ast.Name(self.tensors.get(part.id, part.id), ast.Load())
                if by_axis and isinstance(part, ast.Name)
                else self._renamed(part)
                for part in node.args
            ]
            call.keywords = [self._renamed(word) for word in node.keywords]
            return call
        return rebuilt_tree(node, self._renamed)

    def _is_open(self, test: ast.expr) -> bool:
        """Whether a condition speaks of fields of the block, which decide it later."""
        names = [part.id for part in parts(test) if isinstance(part, ast.Name)]
        own = [self.called.given.get(name) for name in names]
        return bool(names) and all(isinstance(tree, ast.Name) and tree.id in self.of.values for tree in own)

    def _holds(self, test: ast.expr) -> bool:
        fields = self.called.layer.values
        for part in parts(test):
            if isinstance(part, ast.Compare) and isinstance(part.left, ast.Name) and part.left.id in fields:
                other = part.comparators[0]
                if isinstance(other, ast.Constant) and compared(fields[part.left.id], other.value) not in (true, false):
                    raise self.of.fail(
                        f"whether {part.left.id} of {self.called.layer} is {other.value!r} is not known beforehand", self.node,
                        "a number, or a field of the class",
                    )  # fmt: skip
        return Chooser(self.called.layer.parsed, fields).holds(test)

    def _field(self, name: str) -> ast.expr:
        """What is given for a field, or its default."""
        if name in self.called.given:
            return _copied(self.called.given[name])
        made = _literal(self.called.layer.values[name])
        if made is None:
            raise self.of.fail(
                f"{name} of {self.called.layer} is no number that an equation can hold",
                self.node,
                "a field of the class for it",
            )
        return made

    def _entry(self, node: ast.Subscript) -> Any:
        """One value of a field that has several."""
        name = node.value.id  # type: ignore[attr-defined]
        given = self.called.given.get(name)
        if isinstance(given, ast.Name) and given.id in self.of.values:
            made = copy(node)
            made.value = ast.Name(given.id, ast.Load())
            made.slice = self._renamed(node.slice)
            return made
        value, place = self.called.layer.values[name], node.slice
        if isinstance(value, Tuple) and isinstance(place, ast.Constant) and isinstance(place.value, int):
            if (literal := _literal(value[place.value])) is not None:
                return literal
        raise self.of.fail(
            f"{name} of {self.called.layer} is no number that an equation can hold",
            self.node,
            "a field of the class for it",
        )


def _bare(tree: ast.AST) -> Iterator[str]:
    """The names that stand without brackets and are not asked for their size."""
    if isinstance(tree, ast.Name):
        yield tree.id
    elif isinstance(tree, ast.Subscript):
        return
    elif isinstance(tree, ast.Call):
        if isinstance(tree.func, ast.Name) and tree.func.id == "size":
            return
        for part in (*tree.args, *(word.value for word in tree.keywords)):
            yield from _bare(part)
    else:
        for child in ast.iter_child_nodes(tree):
            yield from _bare(child)


def _indexed(tree: ast.AST, fields: Mapping[str, object]) -> bool:
    """Whether a tensor stands there with its indices."""
    reads = [node for node in walked(tree) if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)]
    return any(node.value.id not in fields for node in reads)  # type: ignore[attr-defined]


def _says_nothing(bound: ast.expr) -> bool:
    """Whether a bound gives an index its own size, as one of an axis of an input."""
    if not isinstance(bound, ast.Compare) or not isinstance(bound.left, ast.Name) or len(bound.ops) > 1:
        return False
    return isinstance(bound.ops[0], ast.Lt) and ast.unparse(bound.comparators[0]) == f"size({bound.left.id})"


def _copied(tree: Any) -> Any:
    return rebuilt_tree(tree, _copied) if isinstance(tree, ast.AST) else tree


def _literal(value: object) -> ast.expr | None:
    """A number as an equation holds it."""
    if isinstance(value, Integer):
        number: ast.expr = ast.Constant(abs(int(value)))
    elif isinstance(value, Rational):
        near = abs(float(value))
        exact = Rational(repr(near)) == abs(value)
        number = (
            ast.Constant(near) if exact else ast.BinOp(ast.Constant(abs(value.p)), ast.Div(), ast.Constant(value.q))
        )
    else:
        return None
    return ast.UnaryOp(ast.USub(), number) if value < 0 else number


def written_out(parsed: ParsedEquation) -> str:
    """The text of an equation from its trees, as one that calls no layer.

    >>> from layeralgebra.algebra.equations.syntax import parse
    >>> print(written_out(parse("y[(c, i)] = 2*x[c, i]\\nwhere c < 3")))
    y[(c, i)] = 2 * x[c, i]
    where c < 3
    """
    lines = [f"{name} = {as_text(tree)}" for name, tree in parsed.scalars]
    lines += [f"{as_text(one.target)} = {as_text(one.value)}" for one in parsed.statements]
    lines += [f"where {as_text(bound)}" for bound in parsed.bounds]
    return "\n".join(lines)
