"""Operators that have no rule, written out by PyTorch's own decompositions into operators that have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .straightening import writes_unseen

DEEPEST = 4
"""So many times the parts of an operator are written out in turn."""


def written_out(torch: Any, program: Any, has_rule: Callable[[Any], bool]) -> None:
    """Replace operators without a rule, in a program's graph, where PyTorch says what they are made of and all of that has one.

    What depends on neither an input nor a learned tensor needs no rule and stays as it is.
    """
    graph = program.graph_module.graph
    signature = program.graph_signature
    moving = {*signature.user_inputs, *signature.inputs_to_parameters}
    for node in list(graph.nodes):
        if node.name not in moving and not any(part.name in moving for part in node.all_input_nodes):
            continue
        moving.add(node.name)
        if _needs_none(node, has_rule):
            continue
        inner = _parts(torch, node, has_rule, DEEPEST)
        if inner is not None:
            moving.update(_inlined(graph, node, inner))


def _needs_none(node: Any, has_rule: Callable[[Any], bool]) -> bool:
    value = node.meta.get("val")
    makes_tensors = hasattr(value, "shape") or isinstance(value, (tuple, list))
    return node.op != "call_function" or not makes_tensors or has_rule(node)


def _parts(torch: Any, node: Any, has_rule: Callable[[Any], bool], depth: int) -> Any:
    """The graph of what an operator is made of; None if a part of it has no rule."""
    function = _decomposition(torch, node.target)
    if function is None or depth == 0:
        return None
    flat, spec = torch.utils._pytree.tree_flatten((node.args, node.kwargs))
    places = [place for place, part in enumerate(flat) if isinstance(part, torch.fx.Node)]
    values = [flat[place].meta["val"] for place in places]
    mode = next((value.fake_mode for value in values if hasattr(value, "fake_mode")), None)
    if mode is None:
        return None

    def apply(*tensors: Any) -> Any:
        given = list(flat)
        for place, tensor in zip(places, tensors):
            given[place] = tensor
        args, words = torch.utils._pytree.tree_unflatten(given, spec)
        return function(*args, **words)

    from torch.fx.experimental.proxy_tensor import make_fx

    try:
        with mode:
            made = make_fx(apply, tracing_mode="real")(*values)
            if writes_unseen(made.graph, set(made.graph.nodes)):
                from torch._subclasses.functional_tensor import dispatch_functionalize

                made = make_fx(dispatch_functionalize(apply), tracing_mode="real")(*values)
                made.graph.eliminate_dead_code()
    except Exception:  # PyTorch's, of whatever its own functions do not like; the operator is then refused by its name
        return None
    _without_records(made.graph)
    for part in list(made.graph.nodes):
        if part.target is node.target:
            return None
        if _needs_none(part, has_rule) or all(source.op == "get_attr" for source in part.all_input_nodes):
            continue
        inner = _parts(torch, part, has_rule, depth - 1)
        if inner is None:
            return None
        _inlined(made.graph, part, inner)
    if any(part.op == "get_attr" for part in made.graph.nodes):
        return None
    return made


def _without_records(graph: Any) -> None:
    """Take results out of the records, tuples with names, in which PyTorch's decompositions return several of them."""
    records = [
        node for node in graph.nodes
        if node.op == "call_function" and isinstance(node.target, type) and issubclass(node.target, tuple)
    ]  # fmt: skip
    for node in records:
        for user in list(node.users):
            if getattr(user.target, "__name__", "") == "getitem":
                user.replace_all_uses_with(node.args[user.args[1]])
                graph.erase_node(user)
        for user in list(node.users):
            user.args = tuple(node.args if part is node else part for part in user.args)
        graph.erase_node(node)


def _decomposition(torch: Any, target: Any) -> Callable[..., Any] | None:
    if not isinstance(target, torch._ops.OpOverload):
        return None
    known = torch._decomp.decomposition_table.get(target)
    try:
        return target.decompose if known is None and target._can_decompose() else known
    except RuntimeError:  # of operators that make sizes
        return None


def _inlined(graph: Any, node: Any, inner: Any) -> list[str]:
    """Put an inner graph in the place of a node; the names of what it makes."""
    entering = [part for part in inner.graph.nodes if part.op == "placeholder"]
    values = dict(zip(entering, [part for part in _nodes(node.args, node.kwargs)]))
    before = set(graph.nodes)
    with graph.inserting_before(node):
        made = graph.graph_copy(inner.graph, values)
    new = [part for part in graph.nodes if part not in before]
    for part in new:
        part.meta.setdefault("nn_module_stack", node.meta.get("nn_module_stack"))
    results = made if isinstance(made, (tuple, list)) else (made,)
    for user in list(node.users):
        if getattr(user.target, "__name__", "") == "getitem" and isinstance(made, (tuple, list)):
            user.replace_all_uses_with(results[user.args[1]])
            graph.erase_node(user)
    if node.users:
        node.replace_all_uses_with(results[0])
    graph.erase_node(node)
    return [part.name for part in new]


def _nodes(*given: Any) -> list[Any]:
    """The nodes among arguments, one for each place where they stand."""
    found: list[Any] = []
    for value in given:
        if hasattr(value, "op") and hasattr(value, "meta"):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += _nodes(*value)
        elif isinstance(value, dict):
            found += _nodes(*value.values())
    return found
