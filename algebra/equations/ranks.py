"""Which indices of an equation are starred, and for how many axes a star stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache

from sympy import Tuple

from ..errors import EquationError
from ..records import dataclass
from ..sizes.dims import Index
from .names import Names
from .setting import Setting, names_in
from .syntax import ParsedEquation, subscript_items
from .trees import branches, parts


@dataclass(frozen=True)
class Ranks:
    """Starred indices, the number of axes behind each, and the axis of an input that an index addresses alone."""

    stars: frozenset[str]
    ranks: Mapping[str, int]
    starts: Mapping[str, tuple[str, int]]
    schematic: bool
    indices: frozenset[str]

    @cached_property
    def _between(self) -> dict[str, str]:
        """What stands before the number of an axis, so that no other index has the name: ``i_1``, or ``i__1`` where that is one."""
        taken, made = set(self.indices), {}
        for name in sorted(self.stars):
            numbers = range(1, self.ranks.get(name, 0) + 1)
            made[name] = "_"
            while taken & (own := {f"{name}{made[name]}{number}" for number in numbers}):
                made[name] += "_"
            taken |= own
        return made

    def index(self, name: str, axis: int | None) -> Index:
        """The index symbol of a name, on one axis if the name is starred."""
        if name not in self.stars:
            return Index(name)
        if self.schematic:
            return Index(rf"\boldsymbol{{{name}}}")
        return Index(name if self.ranks[name] == 1 else f"{name}{self._between[name]}{axis + 1}")  # type: ignore[operator]

    def of(self, item: ast.Starred) -> int:
        """The number of axes of one starred item of an address."""
        return next(self.ranks[name] for name in names_in(item.value) if name in self.ranks)


def find_ranks(setting: Setting) -> Ranks:
    """Solve for the number of axes behind every star: a tensor of known rank leaves one unknown at a time."""
    lengths = tuple((name, len(value)) for name, value in setting.fields.items() if isinstance(value, Tuple))
    axes = None if setting.shapes is None else tuple((name, len(shape)) for name, shape in setting.shapes.items())
    kept = _kept(setting.parsed, setting.names, lengths, axes)
    if not kept:
        kept.append(_Search(setting).run())
    return kept[0]


@lru_cache(maxsize=4096)
def _kept(parsed: ParsedEquation, names: Names, *lengths: object) -> list[Ranks]:
    """Where the ranks are kept: an error names the shapes at hand, so that these are not among what they are found by."""
    return []


@lru_cache(maxsize=4096)
def _subscripts(parsed: ParsedEquation) -> tuple[ast.Subscript, ...]:
    """Every tensor with its indices, function subscripts such as ``max[*u]`` left out."""

    def visit(node: ast.AST) -> Iterator[ast.Subscript]:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
            for part in (*node.args, *(word.value for word in node.keywords)):
                yield from visit(part)
            return
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            yield node
        for child in branches(node):
            yield from visit(child)

    return tuple(found for s in parsed.statements for tree in (s.target, s.value) for found in visit(tree))


@lru_cache(maxsize=4096)
def _starred(parsed: ParsedEquation) -> frozenset[str]:
    """The names that stand behind a star."""
    trees = [tree for statement in parsed.statements for tree in (statement.target, statement.value)]
    stars = [node for tree in trees for node in parts(tree) if isinstance(node, ast.Starred)]
    return frozenset(name for star in stars for name in names_in(star.value))


class _Search:
    """The ranks found so far."""

    def __init__(self, setting: Setting):
        self.setting, self.fail = setting, setting.parsed.error
        self.schematic = setting.shapes is None
        self.shapes = setting.shapes or {}
        self.occurrences = _subscripts(setting.parsed)
        self.stars = frozenset(filter(setting.is_index, _starred(setting.parsed)))
        self.ranks: dict[str, int] = {name: 1 for name in self.stars} if self.schematic else {}
        self.learned: set[str] = set()

    def run(self) -> Ranks:
        tensors: dict[str, int] = {name: len(shape) for name, shape in self.shapes.items()}
        self._ranks_from_fields()
        for _ in range(2 * len(self.occurrences) + 2):
            changed = [self._visit(node, tensors) for node in self.occurrences]
            if not (self._ranks_along_bounds() or any(changed)):
                break
        for node in self.occurrences:
            for item in subscript_items(node):
                if isinstance(item, ast.Name) and item.id in self.stars:
                    raise self.fail(f"{item.id} is starred elsewhere and needs its star here", item, f"*{item.id}")
        return Ranks(self.stars, self.ranks, self._starts(), self.schematic, self.setting.names.indices)

    def _visit(self, node: ast.Subscript, tensors: dict[str, int]) -> bool:
        """Learn from one tensor with its indices; whether something was learned."""
        name = node.value.id  # type: ignore[attr-defined]
        plain, unknown, known, changed = 0, [], 0, False
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
        return changed

    def _starts(self) -> dict[str, tuple[str, int]]:
        """Where an index addresses an axis of an input alone, after a check that every address has as many axes as its tensor."""
        found: dict[str, tuple[str, int]] = {}
        for node in self.occurrences:
            name, place = node.value.id, 0  # type: ignore[attr-defined]
            for item in subscript_items(node):
                bare, rank = item, 1
                if isinstance(item, ast.Starred):
                    bare = item.value
                    rank = self._determined(item)
                if name in self.shapes and isinstance(bare, ast.Name) and self.setting.is_index(bare.id):
                    found.setdefault(bare.id, (name, place))
                place += rank
            if name in self.shapes and place != len(self.shapes[name]):
                raise self._arity(name, node, place, len(self.shapes[name]))
        if self.schematic:
            for name in (name for node in self.occurrences for name in names_in(node)):
                found.setdefault(name, ("x", 0))
        return found

    def _determined(self, item: ast.Starred) -> int:
        rank = self._rank(item)
        if rank is None:
            starred = ", ".join(f"*{name}" for name in names_in(item.value) if name in self.stars)
            raise self.fail(
                f"the number of axes of {starred} is not determined",
                item,
                "a starred index that also addresses the input",
            )
        return rank

    def _arity(self, name: str, node: ast.AST, wanted: int, given: int, least: str = "") -> EquationError:
        what = "the input" if name in self.shapes else "the tensor"
        shape = f" {tuple(self.shapes[name])}" if name in self.shapes else ""
        return self.fail(f"{what} {name} has {given} axes{shape}, the equation addresses {least}{wanted}", node)

    def _ranks_from_fields(self) -> None:
        """A starred index that is compared with a field of one value for each axis has as many axes."""
        for bound in self.setting.parsed.bounds if not self.schematic else ():
            if not isinstance(bound, ast.Compare):
                continue
            values = map(self.setting.fields.get, names_in(bound))
            lengths = {len(value) for value in values if isinstance(value, Tuple)}
            if len(lengths) == 1:
                for star in (name for name in names_in(bound) if name in self.stars):
                    self.ranks.setdefault(star, min(lengths))

    def _ranks_along_bounds(self) -> bool:
        """Starred indices that one inequality compares stand for equally many axes."""
        changed = False
        for bound in self.setting.parsed.bounds:
            stars = (
                {name for name in names_in(bound) if name in self.stars} if isinstance(bound, ast.Compare) else set()
            )
            ranks = {self.ranks[name] for name in stars if name in self.ranks}
            if len(ranks) > 1:
                raise self.fail(
                    f"{', '.join('*' + name for name in sorted(stars))} stand for different numbers of axes", bound
                )
            for name in stars - set(self.ranks) if ranks else ():
                self.ranks[name], changed = min(ranks), True
        return changed

    def _rank(self, item: ast.Starred) -> int | None:
        return next((self.ranks[name] for name in names_in(item.value) if name in self.ranks), None)

    def _learn(self, item: ast.Starred, rank: int) -> bool:
        changed = False
        for name in names_in(item.value):
            if name in self.stars:
                if self.ranks.setdefault(name, rank) != rank:
                    raise self.fail(
                        f"*{name} stands for {self.ranks[name]} axes in one place and for {rank} in another", item
                    )
                changed |= name not in self.learned
                self.learned.add(name)
        return changed
