"""What the oracle makes of an equation: operations, addresses, constraints, and small helpers on them."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

Index = tuple[str, int | None]
Env = dict[Index, int]
REDUCTIONS = ("sum", "mean", "max", "min", "prod")
SELECTIONS = {"argmax": 1, "argmin": 1, "top": 2, "sort": 2, "argsort": 2}
"""How many arguments a selection takes; the second one is its rank, which is kept as its address."""
RANKS: dict[tuple, list[dict[str, int]]] = {}


class Impossible(Exception):
    """The equation has no meaning at these sizes."""


class Unreadable(Impossible):
    """The equation has no meaning at all."""


class Undefined(Exception):
    """The equation has no value at these numbers."""


@dataclass
class Node:
    """One operation: its kind, what it is made of, and how often it happens."""

    kind: str  # number, index (a number made of indices), read, plus, times, apply, reduce, softmax, pad
    parts: tuple["Node", ...] = ()
    name: str = ""
    value: Any = None
    address: tuple["Component", ...] = ()
    indices: tuple[Index, ...] = ()
    implicit: bool = False


def _no_expression(env: Env) -> Any:
    raise AssertionError("a group or a lookup has no expression")


@dataclass
class Component:
    """One axis of an address: an integer expression, a mixed-radix group of indices, or a lookup."""

    kind: str  # expression, group, lookup
    indices: frozenset[Index]
    at: Callable[[Env], Any] = _no_expression
    plain: Index | None = None
    group: tuple[Index, ...] = ()
    lookup: Node | None = None

    @property
    def read(self) -> Node:
        """What a lookup reads."""
        assert self.lookup is not None, "only a lookup reads"
        return self.lookup


@dataclass
class Constraint:
    indices: frozenset[Index]
    holds: Callable[[Env], bool]
    is_range: bool
    ranged: Index | None = None


@dataclass
class Line:
    """One line; `gives` is the tensor, the axis and the place of the one step that an initial line gives."""

    name: str
    target: tuple[Component, ...]
    value: Node
    extents: dict[Index, int]
    joined: str = "sum"
    gives: tuple[str, int, int] | None = None

    @property
    def lookups(self) -> list[Node]:
        """What is looked up on the left side."""
        return [part.lookup for part in self.target if part.lookup is not None]

    def reads(self) -> list[Node]:
        """Every tensor that is read, on the left side too."""
        return [read for node in (*self.lookups, self.value) for read in reads(node)]

    @property
    def indices(self) -> frozenset[Index]:
        """The indices of the left side."""
        return frozenset().union(*(part.indices for part in self.target))


def mark_groups(tree: ast.AST, text: str) -> None:
    """Python reads ``y[(*i,)]`` and ``y[*i]`` alike; the first is one axis, addressed by a group."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and node.slice.elts:
            segment, depth = ast.get_source_segment(text, node.slice) or "", 0
            outside = 0
            for character in segment:
                depth += (character == "(") - (character == ")")
                outside += depth == 0
            if segment.startswith("(") and outside == 1:
                node.slice = ast.Tuple([node.slice], ast.Load())


def flat(kind: str, node: Node) -> tuple[Node, ...]:
    return node.parts if node.kind == kind else (node,)


def summed_over(node: Node, index: Index) -> Node:
    """Sum over an index in the smallest product, quotient or function that holds all of it, in every term apart."""
    holders = [part for part in node.parts if index in free(part)]
    if node.kind == "plus":
        return with_parts(node, [summed_over(part, index) if part in holders else part for part in node.parts])
    if node.kind == "reduce" and node.implicit:
        inner = summed_over(node.parts[0], index)
        if inner.kind == "reduce" and inner.implicit and inner.parts[0] is node.parts[0]:
            return Node("reduce", inner.parts, "sum", indices=(*node.indices, index), implicit=True)
        return with_parts(node, [inner])
    ranks = node.address[0].indices if node.kind == "select" else frozenset()
    if node.kind in ("reduce", "softmax", "select") and index not in node.indices and index not in ranks:
        return with_parts(node, [summed_over(node.parts[0], index)])
    bare = node.kind == "times" and len(holders) == 1 and holders[0].kind in ("read", "index")
    if node.kind in ("times", "apply") and len(holders) == 1 and not bare:
        return with_parts(node, [summed_over(part, index) if part is holders[0] else part for part in node.parts])
    return Node("reduce", (node,), "sum", indices=(index,), implicit=True)


def has_two_readings(node: Node, index: Index, in_function: bool = False) -> bool:
    """Whether a sum over an index that no reduction names falls inside a function, where it is no inner product."""
    holders = [place for place, part in enumerate(node.parts) if index in free(part)]
    if node.kind == "plus":
        return any(has_two_readings(node.parts[place], index, in_function) for place in holders)
    if node.kind in ("reduce", "softmax", "select"):
        if index in node.indices or (node.kind == "select" and index in node.address[0].indices):
            return in_function
        return has_two_readings(node.parts[0], index, in_function or node.name not in ("sum", "mean"))
    if len(holders) > 1:
        above = node
        while above.kind == "apply" and above.name == "divide":
            above = above.parts[0]
        factors = above.parts if above.kind == "times" else ()
        return in_function and sum(index in free(factor) for factor in factors) < 2
    if not holders or (node.kind == "times" and node.parts[holders[0]].kind in ("read", "index")):
        return in_function
    linear = node.kind == "times" or (node.name == "divide" and holders == [0])
    return has_two_readings(node.parts[holders[0]], index, in_function or not linear)


def with_parts(node: Node, parts: Sequence[Node]) -> Node:
    return Node(node.kind, tuple(parts), node.name, node.value, node.address, node.indices, node.implicit)


def free(node: Node) -> frozenset[Index]:
    """The indices on which a value depends; a softmax has one for each value of its own indices."""
    below = frozenset().union(*(free(part) for part in node.parts), *(part.indices for part in node.address))
    if node.kind == "softmax":
        return below | frozenset(node.indices)
    if node.kind == "select":
        return free(node.parts[0]) - frozenset(node.indices) | node.address[0].indices
    return below - frozenset(node.indices) if node.kind == "reduce" else below


def needed_indices(read: Node) -> frozenset[Index]:
    return frozenset().union(*(part.indices for part in read.address))


def reads(node: Node) -> Iterator[Node]:
    if node.kind == "read":
        yield node
        for component in node.address:
            if component.lookup is not None:
                yield from reads(component.lookup)
    for part in node.parts:
        yield from reads(part)


def reads_joined(node: Node, joined: frozenset[Index] = frozenset()) -> Iterator[tuple[Node, frozenset[Index]]]:
    """Every read, with the indices along which a softmax or a selection around it sees all elements at once."""
    if node.kind in ("softmax", "select"):
        joined |= frozenset(node.indices)
    if node.kind == "read":
        yield node, joined
        for component in node.address:
            if component.lookup is not None:
                yield from reads_joined(component.lookup, joined)
    for part in node.parts:
        yield from reads_joined(part, joined)


def kinds(node: Node) -> Iterator[str]:
    yield node.kind
    for part in node.parts:
        yield from kinds(part)


def reduced_indices(node: Node) -> set[Index]:
    return {*node.indices}.union(*map(reduced_indices, node.parts))


def scoped_reads(node: Node, scope: frozenset[Index]) -> Iterator[tuple[Node, frozenset[Index]]]:
    """Every read, with the indices of the left side and of the reductions around it."""
    if node.kind == "read":
        yield node, scope
        for component in node.address:
            if component.lookup is not None:
                yield from scoped_reads(component.lookup, scope)
    for part in node.parts:
        yield from scoped_reads(part, scope | frozenset(node.indices))


def distance(part: Component, own: Component) -> int | None:
    """How far an address is from an index alone, the same wherever it is tried; None if it is no such address."""
    if own.plain is None or part.kind != "expression" or part.indices != frozenset([own.plain]):
        return None
    start = part.at({own.plain: 0})
    if start != int(start) or not all(part.at({own.plain: value}) == value + start for value in TRIED):
        return None
    return int(start)


def all_indices(line: Line) -> list[Index]:
    found = {index for part in line.target for index in part.indices}

    def visit(node: Node) -> None:
        found.update(node.indices)
        for component in node.address:
            found.update(component.indices)
        for part in node.parts:
            visit(part)

    visit(line.value)
    return sorted(found, key=str)


def points_of(indices: Sequence[Index], extents: Mapping[Index, int]) -> Iterator[Env]:
    for values in product(*(range(extents[index]) for index in indices)):
        yield dict(zip(indices, values))


#: Values of an index at which expressions are told apart; beyond them nothing is looked at.
TRIED = (0, 1, 2, 3, 4, 5, 8)


def depends_on(at: Callable[[Env], Any], indices: frozenset[Index]) -> frozenset[Index]:
    """The indices on which an expression depends, found by trying."""
    found: set[Index] = set()
    for env in tried(indices):
        here = at(env)
        found |= {index for index in indices - found if any(at({**env, index: value}) != here for value in TRIED)}
        if found == indices:
            break
    return frozenset(found)


def tried(indices: frozenset[Index]) -> Iterator[Env]:
    values = TRIED if len(indices) <= 2 else TRIED[:3]
    for point in product(values, repeat=len(indices)):
        yield dict(zip(sorted(indices, key=str), point))


def is_whole(at: Callable[[Env], Any], indices: frozenset[Index]) -> bool:
    """Whether an expression is an integer wherever it is tried."""
    return all(value == value and abs(value) != math.inf and value == int(value) for value in map(at, tried(indices)))


def slopes(at: Callable[[Env], Any], indices: frozenset[Index]) -> dict[Index, Any] | None:
    """The steps of an affine expression, None if it is not affine where it is tried."""
    zero = dict.fromkeys(indices, 0)
    start = at(zero)
    steps = {index: at({**zero, index: 1}) - start for index in indices}
    straight = all(at(env) == start + sum(steps[index] * env[index] for index in indices) for env in tried(indices))
    return steps if straight else None


def quotient(left: Any, right: Any) -> Any:
    if right == 0:
        raise Undefined("a division by zero")
    if isinstance(left, int) and isinstance(right, int):
        return Fraction(left, right)
    return left / right


def root(value: Any) -> Any:
    if isinstance(value, (int, Fraction)):
        value = Fraction(value)
        over, under = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if over * over == value.numerator and under * under == value.denominator:
            return Fraction(over, under)
    return math.sqrt(value)


def power(base: Any, exponent: Any) -> Any:
    if exponent < 0 and base == 0:
        raise Undefined("a negative power of zero")
    if exponent == int(exponent):
        return Fraction(base) ** int(exponent) if isinstance(base, int) else base ** int(exponent)
    return float(base) ** float(exponent) if base >= 0 else math.nan


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": lambda value: max(value, 0),
    "abs": abs,
    "max": max,
    "min": min,
    "exp": lambda value: math.exp(value),
    "log": lambda value: math.log(value) if value > 0 else -math.inf if value == 0 else math.nan,
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
    "tanh": lambda value: math.tanh(value),
    "sigmoid": lambda value: 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value)),
    "erf": lambda value: math.erf(value),
    "sin": lambda value: math.sin(value),
    "cos": lambda value: math.cos(value),
    "softplus": lambda value: max(value, 0) + math.log1p(math.exp(-abs(value))),
    "divide": quotient,
    "power": power,
    "pow": power,
    "tan": lambda value: math.sin(value) / math.cos(value),
    "asin": lambda value: math.asin(value) if -1 <= value <= 1 else math.nan,
    "acos": lambda value: math.acos(value) if -1 <= value <= 1 else math.nan,
    "atan": lambda value: math.atan(value),
    "sinh": lambda value: (math.exp(value) - math.exp(-value)) / 2,
    "cosh": lambda value: (math.exp(value) + math.exp(-value)) / 2,
    "asinh": lambda value: math.asinh(value),
    "acosh": lambda value: math.acosh(value) if value >= 1 else math.nan,
    "atanh": lambda value: math.atanh(value) if -1 < value < 1 else math.nan,
    "floor": lambda value: value // 1,
    "ceil": lambda value: -(-value // 1),
    "trunc": lambda value: value // 1 if value >= 0 else -(-value // 1),
    "round": lambda value: round(value),
    "sign": lambda value: 1 if value > 0 else -1 if value < 0 else 0,
    "less": lambda one, two: 1 if one < two else 0,
    "equal": lambda one, two: 1 if one == two else 0,
    "choose": lambda condition, one, two: two if condition == 0 else one,
    "mod": lambda one, two: one - two * (quotient(one, two) // 1),
    "fmod": lambda one, two: math.copysign(1, one) * (abs(one) % abs(two)) if two != 0 else quotient(one, two),
    "bitand": lambda one, two: int(one) & int(two),
    "bitor": lambda one, two: int(one) | int(two),
    "bitxor": lambda one, two: int(one) ^ int(two),
}
ARITIES = {
    "choose": 3,
    **dict.fromkeys(("max", "min", "pow", "less", "equal", "mod", "fmod", "bitand", "bitor", "bitxor"), 2),
}
"""How many arguments a function takes that does not take one."""


def is_made_of_numbers(node: Node) -> bool:
    """Whether an operation reads no tensor and runs over nothing."""
    return node.kind in ("number", "index", "plus", "times", "apply") and all(map(is_made_of_numbers, node.parts))


def number_at(node: Node, env: Env) -> Any:
    """The number that an operation without tensors is at a point."""
    if node.kind == "number":
        return node.value
    if node.kind == "index":
        return node.address[0].at(env)
    values = [number_at(part, env) for part in node.parts]
    if node.kind in ("plus", "times"):
        return sum(values) if node.kind == "plus" else math.prod(values)
    return FUNCTIONS[node.name](*values)


def has_value(node: Node, env: Env) -> bool:
    """Whether one operation has a finite value at a point, of parts that are numbers; a divisor is looked at without what is divided."""
    if node.kind == "index":
        try:
            node.address[0].at(env)
        except (Impossible, Undefined, ArithmeticError, ValueError):
            return False
        return True
    given: list[Any] = [number_at(part, env) if is_made_of_numbers(part) else None for part in node.parts]
    if node.name in ("divide", "mod", "fmod"):
        return given[1] is None or given[1] != 0
    if None in given or any(isinstance(value, float) and not math.isfinite(value) for value in given):
        return True
    try:
        value = FUNCTIONS[node.name](*given)
    except OverflowError:
        return True
    except (Undefined, ArithmeticError, ValueError):
        return False
    return not isinstance(value, complex) and math.isfinite(value)


def is_always_zero(node: Node) -> bool:
    """Whether an operation is 0 whatever its tensors hold, found by trying: fractions that have nothing to do with each other.

    A function or a reduction is such a fraction too, the same one where it is written alike.
    """
    held: dict[str, Fraction] = {}

    def worth(part: Node, env: Env) -> Any:
        if part.kind == "number":
            return part.value
        if part.kind == "index":
            return part.address[0].at(env)
        if part.kind in ("plus", "times"):
            values = [worth(inner, env) for inner in part.parts]
            return sum(values) if part.kind == "plus" else math.prod(values)
        return held.setdefault(repr(_written(part)), Fraction(10**9 + 7 * len(held) ** 3, 10**6 + 3 + len(held)))

    return all(worth(node, env) == 0 for env in tried(frozenset().union(*_own_indices(node))))


def _written(node: Node) -> Any:
    """An operation in words, by which two are told apart; addresses are told apart at the points that are tried."""
    address = [
        (sorted(map(str, part.indices)), part.group,
         _written(part.lookup) if part.lookup else [part.at(env) for env in tried(part.indices)] if part.kind == "expression" else "")
        for part in node.address
    ]  # fmt: skip
    return node.kind, node.name, node.value, node.indices, address, [_written(part) for part in node.parts]


def _own_indices(node: Node) -> Iterator[frozenset[Index]]:
    """The indices of the numbers in a sum of products."""
    if node.kind == "index":
        yield node.address[0].indices
    if node.kind in ("plus", "times"):
        for part in node.parts:
            yield from _own_indices(part)
