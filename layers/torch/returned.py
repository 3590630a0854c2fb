"""What an exported model returns, and the learned tensors that it stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...algebra.errors import UnsupportedError
from ..importers.outputs import chosen
from ..importers.record import Stored


def returned(torch: Any, program: Any, asked: Any) -> dict[str, Any]:
    """The nodes of the tensors that are asked for, each once, by their names; all that the model returns, if `asked` is None."""
    flat = next(node for node in program.graph.nodes if node.op == "output").args[0]
    paths = _paths(torch.utils._pytree, program.call_spec.out_spec)
    found = {".".join(path): node for path, node in zip(paths, flat) if hasattr(node, "name")}
    if not found:
        raise UnsupportedError("the model returns no tensor")
    nodes: dict[Any, str] = {}
    for name, node in chosen(found, asked).items():
        nodes.setdefault(node, name)
    return {name: node for node, name in nodes.items()}


def _paths(tree: Any, spec: Any) -> Iterator[tuple[str, ...]]:
    """Where each leaf stands in what is returned."""
    parts = spec.children() if hasattr(spec, "children") else spec.children_specs
    if spec.type is None:
        yield ()
    for key, part in zip(_keys(tree, spec, len(parts)), parts):
        for path in _paths(tree, part):
            yield (key, *path)


def _keys(tree: Any, spec: Any, count: int) -> list[str]:
    """The names of the parts of a container; their places, where it has none or is not put together without tensors."""
    places = list(range(count))
    try:
        kind = tree.SUPPORTED_NODES[spec.type]
        named, _ = kind.flatten_with_keys_fn(kind.unflatten_fn(places, spec.context))
        if [place for _, place in named] == places:
            return [_key(key) for key, _ in named]
    except Exception:  # whatever a container of the model's own raises when numbers are put in
        pass
    return [str(place) for place in places]


def _key(entry: Any) -> str:
    return str(next((getattr(entry, part) for part in ("key", "idx", "name") if hasattr(entry, part)), entry))


def stored_tensors(program: Any, readers: Mapping[str, set[str]]) -> list[Stored]:
    """The learned tensors of a model, each once: one that is stored under two names has both."""
    signature, tensors = program.graph_signature, program.state_dict
    names: dict[int, list[str]] = {}
    holding: dict[int, set[str]] = {}
    sizes: dict[int, int] = {}
    for place, name in signature.inputs_to_parameters.items():
        tensor = tensors[name]
        names.setdefault(id(tensor), []).append(name)
        holding.setdefault(id(tensor), set()).update(readers.get(place, ()))
        sizes[id(tensor)] = tensor.numel()
    return [Stored(tuple(names[key]), sizes[key], frozenset(holding[key])) for key in names]
