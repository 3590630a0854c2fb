"""From the text of an equation to a checked syntax tree; nothing is ever evaluated.

The text is Python's expression syntax, read with `ast` and held against a whitelist::

    z[c, *j] = pad[padding](x[c, *j])
    y[o, *i] = W[o, c, *u] * z[c, *(stride*i + dilation*u)] + (b[o] if bias else 0)
    where o < out_channels, u < kernel

- a line ``tensor[...] = ...`` is a statement, a line ``where ...`` bounds indices;
- a line ``name = ...`` defines a scalar, a number made of the layer's fields; if tensors stand in it, it is a statement of a tensor
  without axes, as in ``n = x[i]*x[i]``, and ``n`` is its one element;
- an index may stand in a value as a number, and a condition in square brackets as 1 where it holds and 0 elsewhere:
  ``y[i] = exp(-i) * x[i]``, ``y[i] = [i < part and x[i] > 0] * x[i]``;
- ``argmax[j](v[j])`` and ``argmin`` give the place of the largest and the smallest, ``top[j](v[j], r)`` that of the one of rank r from the
  largest down, ``sort[j](v[j], r)`` and ``argsort`` the value and the place of rank r from the smallest up; ranks count from 0, and of
  equals the first comes first; a place is an address: ``y[r, o] = x[best[r], o]``;
- a tensor on the left may be addressed by a lookup; what falls on one element is added, or joined by the reduction over the indices that
  stand in lookups only: ``y[target[e], o] = m[e, o]``, ``y[target[e], o] = max[e](m[e, o])``, with ``where target < nodes``;
- a line goes on where a bracket is open or the line ends in a comma; ``#`` starts a comment.

A tensor that is read at another step than its own, before it is defined or in its own line, is a state of a recurrence::

    h[-1, o] = h0[o]
    h[t, o] = tanh(W[o, f]*x[t, f] + U[o, p]*h[t-1, p])
    y[o] = h[size(t) - 1, o]

- ``h[t-1]`` reads the step before: t runs from its first value to the last. ``b[t+1]`` reads the step behind, and t runs down. With
  ``h[i-1, j]`` and ``h[i, j-1]`` two indices run, the outer one first. An index runs one way; what runs the other way is a tensor
  of its own, in lines before or behind;
- the steps before the first one are zero, within the recurrence and wherever a later line reads ``h[t-1]`` at the same letter;
- an initial line, written before the line that goes on from it, gives one of them, ``h[-1, o] = ...``, or where t runs down
  ``b[size(t), o] = ...``; or the first steps themselves, ``z[0, i] = ...`` and ``z[1, i] = ...`` (``b[size(t) - 1, i] = ...``), so that
  the other line holds from the next step on, for the work too;
- the last state is ``h[size(t) - 1, o]``, or ``b[0, o]``; a number counts from the first step, and never from the end.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Sequence
from functools import lru_cache

from ..errors import EquationError
from ..records import dataclass
from .functions import FUNCTIONS, written_out
from .heads import REDUCTIONS, SELECTIONS
from .trees import branches, walked

LONGEST_TEXT = 20_000
DEEPEST_BRACKETS = 40
MOST_NODES = 4_000
LARGEST_EXPONENT = 64
LARGEST_NUMBER = 10**12
"""Of what is counted: sizes, addresses, bounds, and scalars, of which they may be made."""
LARGEST_VALUE = sys.float_info.max
"""Of an element: what a mask holds in place of no end, for instance."""

CALLED_WITH_INDICES = (*REDUCTIONS, *SELECTIONS, "softmax", "pad")
SCALAR_FUNCTIONS = ("ceil", "floor", "max", "min", "abs", "sqrt", "size", "log")
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_RELATIONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
CONDITIONS = (ast.Compare, ast.BoolOp, ast.UnaryOp)
_ALLOWED = (
    ast.Expression, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.Call, ast.keyword,
    ast.Subscript, ast.Slice, ast.Starred, ast.Tuple, ast.IfExp, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.Load,
    ast.Is, ast.IsNot, ast.List, *_OPERATORS, *_RELATIONS,
)  # fmt: skip
_STARRED_WIDTH = re.compile(r"\bpad\s*\[[^\]]*?\*\s*(\w+)\s*:")
_OPENS_GROUP = re.compile(r"\[\s*\(")
_INSTEAD = {
    ast.Attribute: "a plain name; attributes are not part of the language",
    ast.Lambda: "the expression itself; there are no functions to define",
    ast.ListComp: "an index, as in y[i] = ...; there are no loops",
    ast.GeneratorExp: "an index, as in y[i] = ...; there are no loops",
    ast.NamedExpr: "a line of its own: name = ...",
    ast.MatMult: "a product with a summed index: W[o, c] * x[c]",
    ast.JoinedStr: "an expression without text",
}


@dataclass(frozen=True)
class ParsedStatement:
    target: ast.Subscript
    value: ast.expr

    @property
    def name(self) -> str:
        """The tensor that is defined."""
        assert isinstance(self.target.value, ast.Name)
        return self.target.value.id


@dataclass(frozen=True)
class ParsedEquation:
    """A checked text: scalar definitions, statements and `where` clauses; their nodes know their lines in the text."""

    text: str
    scalars: tuple[tuple[str, ast.expr], ...]
    statements: tuple[ParsedStatement, ...]
    bounds: tuple[ast.expr, ...]

    def error(self, problem: str, node: ast.AST, instead: str = "") -> EquationError:
        """An error that points at a node of this equation."""
        return _error_at(node, problem, self.text, instead)


def _error_at(node: ast.AST, problem: str, text: str, instead: str) -> EquationError:
    """An error that points at a node; its line is counted in the whole text."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return EquationError(problem, text=text, line=line, column=column, instead=instead)


def subscript_items(node: ast.Subscript) -> list[ast.expr]:
    """What stands between the square brackets; round brackets inside them make one item, so that ``z[(c, i)]`` has one axis."""
    inside = node.slice
    if not isinstance(inside, ast.Tuple) or isinstance(inside, _Group):
        return [inside]
    return list(inside.elts)


class _Group(ast.Tuple):
    """A tuple in round brackets, which Python's tree does not tell from one without."""


def _mark_group(node: ast.Subscript, source: str) -> None:
    """Make a `_Group` of what stands between square brackets, where round brackets hold all of it."""
    if not isinstance(node.slice, ast.Tuple) or not node.slice.elts:
        return
    written = ast.get_source_segment(source, node.slice) or ""
    depth, outside = 0, 0
    for character in written:
        depth += (character == "(") - (character == ")")
        outside += depth == 0
    if written.startswith("(") and outside == 1:
        node.slice = ast.copy_location(_Group(node.slice.elts, node.slice.ctx), node.slice)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Physical lines joined while a bracket is open or a comma ends the line; comments and blank lines dropped."""
    found: list[tuple[int, str]] = []
    pending, start, depth = "", 0, 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not pending:
            if not line.strip():
                continue
            start = number
        pending = f"{pending}\n{line}" if pending else line
        depth += sum(line.count(bracket) for bracket in "([{") - sum(line.count(bracket) for bracket in ")]}")
        if depth > DEEPEST_BRACKETS:
            raise EquationError(
                f"brackets are nested deeper than {DEEPEST_BRACKETS}",
                text=text,
                line=number,
                instead="several statements",
            )
        if depth <= 0 and not line.endswith(","):
            found.append((start, pending))
            pending, depth = "", 0
    if pending:
        if depth <= 0:
            raise EquationError("the text ends after a comma", text=text, line=start, instead="the line without it")
        raise EquationError("a bracket is opened and never closed", text=text, line=start)
    return found


def _nesting(line: str) -> int:
    deepest = depth = 0
    for character in line:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _tree(source: str, number: int, shift: int, text: str) -> ast.expr:
    """Parse one expression; lines are counted in the whole text, columns in the line as the user wrote it."""
    if _nesting(source) > DEEPEST_BRACKETS + 1:
        raise EquationError(
            f"brackets are nested deeper than {DEEPEST_BRACKETS}", text=text, line=number, instead="several statements"
        )
    try:
        with warnings.catch_warnings():  # of Python about what it reads, such as a call of a number
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        line, column = number + (error.lineno or 1) - 1, (error.offset or 1) - 1 + (shift if error.lineno == 1 else 0)
        if starred := _STARRED_WIDTH.search(source):
            name, instead = starred[1], f"pad[{starred[1]}: width](...), which holds for each of its axes"
            raise EquationError(
                f"the width of a margin names its index {name} without a star",
                text=text, line=line, column=column, instead=instead,
            ) from None  # fmt: skip
        raise EquationError(f"this is not an expression: {error.msg}", text=text, line=line, column=column) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise EquationError(f"this cannot be read ({type(error).__name__})", text=text, line=number) from None
    nodes: list[ast.AST] = [tree]
    has_groups = _OPENS_GROUP.search(source) is not None
    for count, node in enumerate(nodes):
        if count > MOST_NODES:
            raise EquationError(f"a line has more than {MOST_NODES} parts", text=text, line=number)
        if has_groups and isinstance(node, ast.Subscript):
            _mark_group(node, source)
        nodes += branches(node)
    for node in nodes:
        if isinstance(node, (ast.expr, ast.arg, ast.keyword)):
            node.col_offset += shift if node.lineno == 1 else 0
            node.lineno += number - 1
            node.end_lineno = (node.end_lineno or node.lineno) + number - 1
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Hold a tree against the whitelist."""

    def refuse(problem: str, node: ast.AST, instead: str = "") -> EquationError:
        return _error_at(node, problem, text, instead)

    for node in walked(tree):
        if not isinstance(node, _ALLOWED):
            kind = type(node).__name__
            raise refuse(f"{kind} is not part of the equation language", node, _INSTEAD.get(type(node), ""))
        if isinstance(node, ast.Name) and node.id.startswith("_") and node.id != "_":
            raise refuse(f"the name {node.id!r} begins with an underscore", node, "a name that begins with a letter")
        if isinstance(node, ast.Constant):
            if not (node.value is None or isinstance(node.value, (bool, int, float, str))):
                raise refuse(f"{node.value!r} is not a number", node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if isinstance(power, ast.BinOp) and isinstance(power.op, ast.Pow):
                raise refuse("a power of a power", node, "a scalar on a line of its own")
            if (
                isinstance(power, ast.Constant)
                and isinstance(power.value, (int, float))
                and power.value > LARGEST_EXPONENT
            ):
                raise refuse(f"an exponent larger than {LARGEST_EXPONENT}", node, "a smaller exponent")
        if isinstance(node, ast.Subscript) and not isinstance(node.value, (ast.Name, ast.Attribute)):
            raise refuse("only a named tensor has square brackets", node, "x[i]")
        if isinstance(node, ast.List) and not (len(node.elts) == 1 and isinstance(node.elts[0], CONDITIONS)):
            raise refuse("square brackets alone hold one condition, which counts as 0 or 1", node, "[i < part]")
        if isinstance(node, ast.Call):
            name = node.func.value if isinstance(node.func, ast.Subscript) else node.func
            if not isinstance(name, ast.Name):
                raise refuse("only a named function can be called", node)
            known: tuple[str, ...]
            if isinstance(node.func, ast.Subscript):
                known = CALLED_WITH_INDICES
            else:
                called = dict.fromkeys((*FUNCTIONS, *SCALAR_FUNCTIONS))
                known = tuple(name for name in called if name not in ("divide", "power"))
            if name.id not in known:
                hint = f"{name.id}[index](...)" if name.id in CALLED_WITH_INDICES else f"one of {', '.join(known)}"
                if not isinstance(node.func, ast.Subscript) and (formula := written_out(name.id)):
                    whose = ast.unparse(node.args[0]) if node.args else "v"
                    hint = formula if whose == "v" else f"{formula}, where v is {whose}"
                raise refuse(f"there is no function {name.id!r} of this form", node, hint)
            for word in node.keywords:
                if word.arg != "fill" or name.id != "pad":
                    raise refuse(
                        f"{name.id} takes no argument called {word.arg!r}", node, "pad[width](x[...], fill=-inf)"
                    )


def _check_numbers(tree: ast.expr, text: str, counting: bool) -> None:
    """No number is too large: of those that count something, which all in square brackets do, and of an element's value."""
    stack: list[tuple[ast.AST, bool]] = [(tree, counting)]
    for node, counts in stack:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            most = LARGEST_NUMBER if counts else LARGEST_VALUE
            if not abs(node.value) <= most:
                what = "an address, a size or a scalar" if counts else "an element"
                raise _error_at(node, f"a number larger than {most:g} in {what}", text, "")
        brackets = node.slice if isinstance(node, ast.Subscript) else None
        stack += [(part, counts or part is brackets) for part in branches(node)]


@lru_cache(maxsize=4096)
def parse(text: str, fields: frozenset[str] = frozenset()) -> ParsedEquation:
    """Read the text of an equation.

    Parameters
    ----------
    text : str
        Statements, scalar definitions and `where` clauses, as the module describes.
    fields : frozenset of str
        The names of the layer's fields: ``shape[0]`` is a number where `shape` is a field, and an element of a tensor otherwise.

    Returns
    -------
    ParsedEquation

    Raises
    ------
    EquationError
        With the line, a mark under the place, what was expected and what to write instead.

    Examples
    --------
    >>> parse("y[o] = W[o, c] * x[c]\\nwhere o < 10").statements[0].name
    'y'
    """
    lines, bounds = raw_lines(text)
    checked_bounds(bounds, text)
    return assembled(text, [(checked(target, text), checked(value, text)) for target, value in lines], bounds, fields)


def checked(tree: ast.expr, text: str) -> ast.expr:
    """A tree that holds nothing but what is in the language."""
    _check(tree, text)
    return tree


def checked_bounds(bounds: Sequence[ast.expr], text: str) -> None:
    """Bounds that hold nothing but what is in the language."""
    for bound in bounds:
        _check(bound, text)
        _check_numbers(bound, text, counting=True)


def raw_lines(text: str) -> tuple[list[tuple[ast.expr, ast.expr]], list[ast.expr]]:
    """The two sides of every line, and the bounds, before they are held against the language."""
    if not isinstance(text, str):
        raise EquationError(f"an equation is a text, got {type(text).__name__}")
    if len(text) > LONGEST_TEXT:
        raise EquationError(f"an equation of more than {LONGEST_TEXT} characters ({len(text)})")
    if "\x00" in text:
        raise EquationError("an equation holds a character that is no text")
    lines: list[tuple[ast.expr, ast.expr]] = []
    bounds: list[ast.expr] = []
    for number, line in _logical_lines(text):
        stripped = line.lstrip()
        indent = len(line) - len(stripped)
        if stripped.startswith(("where ", "where\n")) or stripped == "where":
            body = stripped[5:].strip()
            if not body:
                raise EquationError("where without a bound", text=text, line=number, instead="where i < extent")
            shift = indent + 5
            tree = _tree("(" + stripped[5:] + "\n,)", number, shift - 1, text)
            for bound in tree.elts:  # type: ignore[attr-defined]
                bounds.append(bound)
            continue
        left, right, column = _split_assignment(line, number, text)
        target = _tree(left.strip(), number, indent, text)
        value = _tree("(" + right + "\n)", number, column - 1, text)
        lines.append((target, value))
    return lines, bounds


def assembled(
    text: str, lines: Sequence[tuple[ast.expr, ast.expr]], bounds: Sequence[ast.expr], fields: frozenset[str]
) -> ParsedEquation:
    """An equation from its lines, which are held against the language already."""
    for target, _ in lines:
        named = target.value if isinstance(target, ast.Subscript) else target
        if not isinstance(named, ast.Name):
            raise _error_at(
                target, "the left side must be a tensor with its indices, or a name", text, "y[o, *i] = ..."
            )
    without_axes = _without_axes(lines, fields)
    scalars, statements = [], []
    for target, value in lines:
        is_scalar = isinstance(target, ast.Name) and target.id not in without_axes
        _check_numbers(target, text, counting=is_scalar)
        _check_numbers(value, text, counting=is_scalar)
        if isinstance(target, ast.Name) and is_scalar:
            scalars.append((target.id, value))
        else:
            if without_axes:
                target, value = _Spelled(without_axes).visit(target), _Spelled(without_axes).visit(value)
            assert isinstance(target, ast.Subscript)  # names without axes were spelled with none
            statements.append(ParsedStatement(target, value))
    if not statements:
        raise EquationError("an equation needs a statement", text=text, instead="y[*i] = x[*i]")
    return ParsedEquation(text, tuple(scalars), tuple(statements), tuple(bounds))


def _without_axes(lines: Sequence[tuple[ast.expr, ast.expr]], fields: frozenset[str]) -> frozenset[str]:
    """The names on the left that are tensors without axes: those in whose definitions there are tensors."""
    found: set[str] = set()
    bare = [(target.id, value) for target, value in lines if isinstance(target, ast.Name)]
    for _ in bare:
        found |= {name for name, value in bare if any(_is_tensor(node, fields, found) for node in walked(value))}
    return frozenset(found)


def _is_tensor(node: ast.AST, fields: frozenset[str], without_axes: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        return not (isinstance(node.value, ast.Name) and node.value.id in fields)
    return isinstance(node, ast.Name) and node.id in without_axes


class _Spelled(ast.NodeTransformer):
    """Tensors without axes, with an empty pair of brackets: ``n`` is read as ``n[()]``."""

    def __init__(self, without_axes: frozenset[str]):
        self.without_axes = without_axes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.without_axes:
            return node
        empty = ast.copy_location(ast.Tuple([], ast.Load()), node)
        return ast.copy_location(ast.Subscript(node, empty, ast.Load()), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        node.slice = self.visit(node.slice)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Subscript):
            node.func.slice = self.visit(node.func.slice)
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(word) for word in node.keywords]
        return node


def _split_assignment(line: str, number: int, text: str) -> tuple[str, str, int]:
    """The two sides of the one assignment sign outside brackets, and the column after it."""
    depth = 0
    for place, character in enumerate(line):
        depth += (character in "([{") - (character in ")]}")
        alone = line[place - 1 : place] not in ("<", ">", "=", "!", ":") and line[place + 1 : place + 2] != "="
        if character == "=" and depth == 0 and alone:
            left, right = line[:place], line[place + 1 :]
            if not left.strip() or not right.strip():
                raise EquationError("one side of '=' is empty", text=text, line=number, column=place)
            return left, right, place + 1
    raise EquationError(
        "a line must be 'left = right' or begin with where", text=text, line=number, instead="y[*i] = x[*i]"
    )
