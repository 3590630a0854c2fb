"""An exported graph made ready to be read: regions entered, writing in place turned into values, what nobody reads left out."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from ...algebra.errors import UnsupportedError
from .translator import read_nodes

REGIONS = (
    "wrap_with_set_grad_enabled", "wrap_with_autocast", "tag_activation_checkpoint", "wrap_activation_checkpoint", "wrap", "invoke_subgraph",
    "hints_wrapper",
)  # fmt: skip
"""Operators that call a graph of their own once, for what lies outside of the model's meaning: gradients, types, memory."""


def straightened(program: Any) -> Any:
    """The program with its regions entered, and without writing in place into what is read under another name afterwards."""
    enter_regions(program.graph_module)
    if not writes_unseen(program.graph, _varying(program)):
        return program
    program.graph_module.recompile()
    _name_constants_plainly(program)
    try:
        made = program.run_decompositions({})
    except Exception as error:
        raise UnsupportedError(
            f"the model writes into parts of tensors, and torch.export cannot say what they are afterwards: {error}"
        ) from error
    enter_regions(made.graph_module)
    return made


def _name_constants_plainly(program: Any) -> None:
    """Tensors that a module made while it was traced, under their names without the module's: PyTorch asks for these afterwards."""
    constants = program.constants
    for name in program.graph_signature.inputs_to_lifted_tensor_constants.values():
        constants.setdefault(name.rpartition(".")[2], constants[name])


def enter_regions(module: Any) -> None:
    """Replace calls of graphs by their operations, innermost first; names become distinct."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.op != "call_function" or getattr(node.target, "__name__", "") not in REGIONS:
            continue
        place = next(
            (place for place, part in enumerate(node.args) if getattr(part, "op", "") == "get_attr"), len(node.args)
        )
        if place == len(node.args):
            continue
        inner = getattr(module, node.args[place].target)
        enter_regions(inner)
        given = [part for part in _flat(node.args[place + 1 :]) if not isinstance(part, str)]
        entering = [part for part in inner.graph.nodes if part.op == "placeholder"]
        if len(given) != len(entering):
            continue
        values = dict(zip(entering, given))
        _own_names(module, inner, node)
        with graph.inserting_before(node):
            made = graph.graph_copy(inner.graph, values)
        results = made if isinstance(made, (tuple, list)) else (made,)
        for user in list(node.users):
            if user.op == "call_function" and user.target is operator.getitem:
                user.replace_all_uses_with(results[user.args[1]])
                graph.erase_node(user)
        if node.users:
            node.replace_all_uses_with(results[0])
        graph.erase_node(node)


def _own_names(module: Any, inner: Any, node: Any) -> None:
    """Graphs and constants that an entered graph calls by name become the outer module's, under names of its own."""
    for part in inner.graph.nodes:
        if part.op == "get_attr":
            name = f"{node.name}_{part.target}".replace(".", "_")
            found = inner
            for step in part.target.split("."):
                found = getattr(found, step)
            setattr(module, name, found)
            part.target = name


def _flat(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _flat(value) if isinstance(value, (tuple, list)) else [value]
    return found


def _varying(program: Any) -> set[Any]:
    """The nodes that depend on an input or on a learned tensor; PyTorch's numbers for others can be had by computing them."""
    fixed = {
        *program.graph_signature.inputs_to_buffers,
        *program.graph_signature.inputs_to_lifted_tensor_constants,
    }
    found: set[Any] = set()
    for node in program.graph.nodes:
        if node.op == "placeholder":
            reached = node.name not in fixed
        else:
            reached = any(part in found for part in read_nodes(node))
        if reached:
            found.add(node)
    return found


def writes_unseen(graph: Any, varying: set[Any]) -> bool:
    """Whether something is written in place that is read afterwards under a name from before; the last name is the written one.

    What depends on nothing that varies is computed in the order in which it was traced, so that only what varies must not read it
    before it is written.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    storage = {node: _storage(node) for node in order}
    holding: dict[int, list[Any]] = {}
    for node, own in storage.items():
        if own is not None:
            holding.setdefault(own, []).append(node)
    for node, place in order.items():
        if not _writes(node):
            continue
        written = next((part for part in node.all_input_nodes if part is node.args[0]), None)
        own = storage.get(written) if written is not None else None
        if own is None:
            continue
        if not varying & {node, *holding[own]}:
            if any(order[user] < place for other in holding[own] for user in other.users if user in varying):
                return True
            continue
        stale = [other for other in holding[own] if other is not node and order[other] < place]
        if any(order[user] > place for other in stale for user in other.users):
            return True
    return False


def _writes(node: Any) -> bool:
    schema = getattr(node.target, "_schema", None)
    if node.op != "call_function" or schema is None or not schema.arguments or not node.args:
        return False
    first = schema.arguments[0].alias_info
    return first is not None and first.is_write


def _storage(node: Any) -> int | None:
    value = node.meta.get("val")
    try:
        return value.untyped_storage()._cdata if hasattr(value, "untyped_storage") else None
    except (RuntimeError, NotImplementedError):  # a tensor without a storage of its own
        return None


def without_unread(program: Any, ends: Iterable[Any]) -> Any:
    """The program's graph without operations that nothing asked for depends on; the program is changed.

    What writes into something that depends on nothing stays, so that it can be computed.
    """
    varying = _varying(program)
    found: set[Any] = set()
    stack = [*ends, *(node for node in program.graph.nodes if _writes(node) and node not in varying)]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(node.all_input_nodes)
    output = next(node for node in reversed(program.graph.nodes) if node.op == "output")
    output.args = (tuple(ends),)
    for node in reversed(list(program.graph.nodes)):
        if node not in found and node.op not in ("placeholder", "output"):
            program.graph.erase_node(node)
    return program.graph
