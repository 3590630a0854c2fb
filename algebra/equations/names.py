"""Names of an equation: which are indices, which of these are starred, and for how many axes a star stands."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sympy import Expr, Tuple
from sympy.logic.boolalg import BooleanAtom

from ..errors import EquationError
from ..sizes.dims import Index
from .syntax import SCALAR_FUNCTIONS, ParsedEquation, subscript_items


@lru_cache(maxsize=50_000)
def names_in(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


class Names:
    """The names of one equation for one layer at one rank; `shapes` are those of the inputs, None for the schematic rank."""

    def __init__(
        self,
        parsed: ParsedEquation,
        fields: Mapping[str, object],
        inputs: Sequence[str],
        shapes: Sequence[Sequence[Expr]] | None,
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

    def fail(self, problem: str, node: ast.AST | None = None, instead: str = "") -> EquationError:
        return self.parsed.error(problem, node, self.number, instead)

    def _is_index(self, name: str) -> bool:
        return (
            name not in self.fields
            and name not in self.scalars
            and name not in SCALAR_FUNCTIONS
            and name not in ("_", "inf", "pi")
        )

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
                    self.stars.update(name for name in names_in(node.value) if self._is_index(name))

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
                    starred = ", ".join(f"*{n}" for n in names_in(item.value) if n in self.stars)
                    raise self.fail(
                        f"the number of axes of {starred} is not determined",
                        item,
                        "a starred index that also addresses the input",
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
            for name in (n for node, _ in occurrences for n in names_in(node)):
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
            stars = [name for name in names_in(tree) if name in self.stars]
            lengths = {len(value) for value in map(self.fields.get, names_in(tree)) if isinstance(value, Tuple)}
            if len(lengths) == 1 and not self.schematic:
                for star in stars:
                    self.ranks.setdefault(star, lengths.copy().pop())

    def _ranks_along_bounds(self) -> bool:
        """Starred indices that one inequality compares stand for equally many axes."""
        changed = False
        for bound in self.parsed.bounds:
            self.number = bound.number
            tree = self._chosen(bound.tree)
            stars = {name for name in names_in(tree) if name in self.stars} if isinstance(tree, ast.Compare) else set()
            ranks = {self.ranks[name] for name in stars if name in self.ranks}
            if len(ranks) > 1:
                raise self.fail(
                    f"{', '.join('*' + name for name in sorted(stars))} stand for different numbers of axes", tree
                )
            for name in stars - set(self.ranks) if ranks else ():
                self.ranks[name], changed = min(ranks), True
        return changed

    def _rank(self, item: ast.Starred) -> int | None:
        for name in names_in(item.value):
            if name in self.ranks:
                return self.ranks[name]
        return None

    def _learn(self, item: ast.Starred, rank: int) -> bool:
        changed = False
        for name in names_in(item.value):
            if name in self.stars:
                if self.ranks.setdefault(name, rank) != rank:
                    raise self.fail(
                        f"*{name} stands for {self.ranks[name]} axes in one place and for {rank} in another", item
                    )
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
        if (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and isinstance(node.left, ast.Name)
            and node.left.id in self.fields
        ):
            value, other = self.fields[node.left.id], node.comparators[0]
            if isinstance(other, ast.Constant):
                equal = str(value) == str(other.value)
                if isinstance(node.ops[0], (ast.Eq, ast.Is)):
                    return equal
                if isinstance(node.ops[0], (ast.NotEq, ast.IsNot)):
                    return not equal
        raise self.fail(
            "a condition must be a yes-or-no field, or a field compared with a literal", node, "... if bias else 0"
        )

    def _chosen(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.IfExp):
            node = node.body if self.flag(node.test) else node.orelse
        return node
