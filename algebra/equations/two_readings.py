"""Sums that nobody names inside a function: ``exp(x[t, d])`` is a sum of exponentials to one reader, the exponential of a sum to another."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..sizes.dims import Index
from .heads import Head, children, free_indices
from .tree_text import as_text
from .trees import rebuilt_tree

Written = Mapping[int, tuple[ast.expr, Head]]
"""Where heads stand in the text, by their identities."""


def two_readings(
    line: Head,
    function: Head,
    terms: Sequence[tuple[Head, Collection[Index]]],
    written: Written,
    letters: Callable[[ast.AST, Collection[Index]], list[str]],
) -> tuple[str, ast.expr, str]:
    """What is unclear about a function of terms that are summed in no words, its place, and how either meaning is written.

    `letters` says how the indices are written that stand in a part of the text.
    """
    place = _place(line, function, written)
    assert place is not None, "a function stands somewhere in its line"
    every = letters(place, {index for _, indices in terms for index in indices})
    sums = {id(node): letters(node, indices) for term, indices in terms for node in _nodes(term, indices, written)}
    is_summed = (
        "is summed, as the left side does not name it"
        if len(every) == 1
        else "are summed, as the left side does not name them"
    )
    return (
        f"{_text(place)} has two meanings: {' and '.join(every)} {is_summed}, around it or inside of it", place,
        f"{_text(_summed(place, every))}, or {_text(_with_sums(place, sums))}",
    )  # fmt: skip


def _nodes(head: Head, indices: Collection[Index], written: Written) -> Iterator[ast.expr]:
    """Where a head stands, or else its parts with these indices, as `x[i]` does of a difference's ``-1*x[i]``."""
    if id(head) in written:
        yield written[id(head)][0]
        return
    for part in children(head):
        if not free_indices(part).isdisjoint(indices):
            yield from _nodes(part, indices, written)


def _place(head: Head, wanted: Head, written: Written, around: ast.expr | None = None) -> ast.expr | None:
    """Where a head below another one stands, or else the smallest written part that holds it."""
    around = written[id(head)][0] if id(head) in written else around
    if head is wanted:
        return around
    return next((made for part in children(head) if (made := _place(part, wanted, written, around))), None)


def _summed(node: ast.expr, letters: Sequence[str]) -> ast.expr:
    return ast.Call(ast.Subscript(ast.Name("sum"), ast.Name(", ".join(letters))), [node], [])


def _with_sums(tree: ast.expr, sums: Mapping[int, Sequence[str]]) -> ast.expr:
    """A copy of a tree with sums around the nodes of these identities."""

    def visit(node: Any) -> Any:
        made = rebuilt_tree(node, visit)
        return _summed(made, sums[id(node)]) if id(node) in sums else made

    made: ast.expr = visit(tree)
    return made


def _text(tree: ast.expr) -> str:
    return as_text(tree).replace(" ** ", "**")
