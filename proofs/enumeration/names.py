"""What the names of an equation are, read off Python's tree; shares no code with the engine."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

from .nodes import FUNCTIONS, REDUCTIONS, SELECTIONS, Unreadable

FUNCTIONS_OF_NUMBERS = ("floor", "ceil", "max", "min", "sqrt", "log", "size")
CALLED_WITH_INDICES = (*REDUCTIONS, *SELECTIONS, "softmax", "pad")
CALLED = tuple(name for name in FUNCTIONS if name not in ("divide", "power"))
CONSTANTS = ("inf", "pi")
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)


def tensors_without_axes(lines: Sequence[tuple[ast.expr, ast.expr]], fields: Collection[str]) -> set[str]:
    """Names that are defined with a tensor in their definition."""
    found: set[str] = set()
    for _ in lines:
        for target, value in lines:
            if isinstance(target, ast.Name):
                for node in ast.walk(value):
                    held = isinstance(node, ast.Subscript) and name_of(node.value) not in fields
                    if held or (isinstance(node, ast.Name) and node.id in found):
                        found.add(target.id)
    return found


def name_of(node: ast.AST) -> str:
    """The name that a node is."""
    if not isinstance(node, ast.Name):
        raise Unreadable(f"this is no name: {ast.dump(node)}")
    return node.id


def subscripts(tree: ast.AST) -> Iterator[ast.Subscript]:
    """Square brackets behind a name, but for those between a function and its argument."""
    parts: Iterable[ast.AST] = (
        (*tree.args, *tree.keywords) if isinstance(tree, ast.Call) else ast.iter_child_nodes(tree)
    )
    for part in parts:
        yield from subscripts(part)
    if isinstance(tree, ast.Subscript):
        yield tree


def loose_names(tree: ast.AST) -> Iterator[str]:
    """Names outside of square brackets, of function names and of conditions."""
    if isinstance(tree, ast.Name):
        yield tree.id
    if isinstance(tree, (ast.Name, ast.Subscript)):
        return
    parts: Iterable[ast.AST] = ast.iter_child_nodes(tree)
    if isinstance(tree, ast.IfExp):
        parts = (tree.body, tree.orelse)
    if isinstance(tree, ast.Call):
        parts = () if isinstance(tree.func, ast.Name) and tree.func.id == "size" else (*tree.args, *tree.keywords)
    for part in parts:
        yield from loose_names(part)


def check_names(
    scalars: Sequence[tuple[str, ast.expr]],
    statements: Sequence[tuple[ast.Subscript, ast.expr]],
    wheres: Sequence[ast.expr],
    fields: Collection[str],
    inputs: Collection[str],
    buffers: Collection[str],
) -> None:
    """Raise `Unreadable` for a name that is no field, scalar, tensor or index of an address, or stands where it cannot."""
    numbers = {name for name, _ in scalars}
    given = {*fields, *numbers, *CONSTANTS}
    roots = [side for statement in statements for side in statement]
    read = [node for root in roots for node in subscripts(root)]
    tensors = {name_of(node.value) for node in read} - {*fields, *numbers}
    indices: set[str] = set()
    waiting = [name for node in read for name in loose_names(node.slice)]
    while waiting:
        name = waiting.pop()
        if name in numbers and name not in indices:
            waiting += [inner for scalar, tree in scalars if scalar == name for inner in loose_names(tree)]
        indices.add(name)
    indices -= {*given, *FUNCTIONS_OF_NUMBERS, "_"}

    def need(names: Iterable[str], allowed: Collection[str], where: str) -> None:
        for name in names:
            if name not in allowed and name not in CONSTANTS:
                raise Unreadable(f"{name} in {where}")

    defined = [name for name, _ in scalars] + [name_of(target.value) for target, _ in statements]
    taken = {*fields, *inputs, *buffers, *CONSTANTS, "_"}
    once = [name for name, _ in scalars] + list({name_of(target.value) for target, _ in statements})
    if len(set(once)) < len(once) or taken & set(defined) or numbers & tensors:
        raise Unreadable(f"a name is defined twice: {defined}")
    need([*inputs, *buffers], tensors, "what is given")
    if set(inputs) & set(buffers):
        raise Unreadable("a buffer is an input")
    for node in read:
        need(loose_names(node.slice), given | indices, "an address")
    for _, tree in scalars:
        need(loose_names(tree), given | indices, "a scalar")
    for _, value in statements:
        need(loose_names(value), given | indices, "a value")
        for part in ast.walk(value):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Subscript):
                _check_function(part, given, indices, need)
    for root in (*roots, *(tree for _, tree in scalars), *wheres):
        for part in ast.walk(root):
            if isinstance(part, ast.Subscript):
                name_of(part.value)
            if isinstance(part, ast.BinOp) and not isinstance(part.op, OPERATORS):
                raise Unreadable(f"there is no such sign: {ast.dump(part.op)}")
            if isinstance(part, ast.List) and (
                len(part.elts) != 1 or not isinstance(part.elts[0], (ast.Compare, ast.BoolOp, ast.UnaryOp))
            ):
                raise Unreadable("square brackets without a condition")
            if isinstance(part, ast.IfExp):
                need((name.id for name in ast.walk(part.test) if isinstance(name, ast.Name)), fields, "a condition")
            if isinstance(part, ast.Call):
                called = name_of(part.func.value if isinstance(part.func, ast.Subscript) else part.func)
                known = (
                    CALLED_WITH_INDICES if isinstance(part.func, ast.Subscript) else (*CALLED, *FUNCTIONS_OF_NUMBERS)
                )
                if called not in known:
                    raise Unreadable(f"there is no function {called}")
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "size":
                if not part.args or not isinstance(part.args[0], ast.Name) or len(part.args) > 2:
                    raise Unreadable("the size of what is no index")
                need([part.args[0].id], inputs if len(part.args) == 2 else indices, "size")
    numbered = {name_of(inner.value) for node in read for inner in subscripts(node.slice)}
    for where in wheres:
        _check_where(where, given, indices, tensors, numbered, need)


def _check_function(node: ast.Call, given: set[str], indices: set[str], need: object) -> None:
    assert isinstance(node.func, ast.Subscript) and callable(need)
    if name_of(node.func.value) != "pad":
        need(loose_names(node.func.slice), indices, "a reduction")
        return
    body = node.args[0] if node.args else None
    here = set(loose_names(body.slice)) if isinstance(body, ast.Subscript) else set()
    parts = node.func.slice.elts if isinstance(node.func.slice, ast.Tuple) else [node.func.slice]
    named = []
    for part in parts:
        if isinstance(part, ast.Slice):
            if part.step is not None or part.upper is None or part.lower is None:
                raise Unreadable("a margin without an index or without a width")
            named.append(name_of(part.lower))
            need(named, here & indices, "a margin")
            need(loose_names(part.upper), given, "a width")
        else:
            need(loose_names(part), given, "a width")
    if len(set(named)) < len(named):
        raise Unreadable("two widths for one index")


def _check_where(
    where: ast.expr, given: set[str], indices: set[str], tensors: set[str], numbered: set[str], need: object
) -> None:
    assert callable(need)
    if isinstance(where, ast.IfExp):
        _check_where(where.body, given, indices, tensors, numbered, need)
        _check_where(where.orelse, given, indices, tensors, numbered, need)
    elif isinstance(where, ast.Subscript):
        need([name_of(where.value)], tensors, "a shape")
        parts = where.slice.elts if isinstance(where.slice, ast.Tuple) else [where.slice]
        for part in parts:
            if not (isinstance(part, ast.Name) and part.id == "_"):
                need(loose_names(part), given, "a shape")
    elif isinstance(where, ast.Compare) and isinstance(where.left, ast.Name) and where.left.id in tensors:
        if where.left.id not in numbered:
            raise Unreadable(f"{where.left.id} holds no numbers of rows")
        if where.left.id in indices or len(where.ops) != 1 or not isinstance(where.ops[0], ast.Lt):
            raise Unreadable(f"{where.left.id} is a tensor")
        need(loose_names(where.comparators[0]), given, "a number of rows")
    else:
        need(loose_names(where), given | indices, "where")
