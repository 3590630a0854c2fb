"""An ONNX file on its way to a graph of operators: parsed, held against ONNX's own descriptions, functions written out.

Nothing is executed, and nothing beside the file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sympy import Expr, Integer

from ...algebra.errors import FileError, GraphError, UnsupportedError
from .inference import NotAnswered, infer_shapes

LARGEST_FILE = 1 << 31
MOST_NODES = 200_000
LARGEST_INFERRED = 1 << 26
"""So many bytes without its weights may a model have whose shapes are asked of ONNX."""
MOST_VERSIONS = 1000
"""Of a set of operators; ONNX counts with small integers."""
OWN = ("", "ai.onnx")
"""The names of the domain of ONNX's own operators."""


def load(onnx: Any, path: Path) -> Any:
    """The model that a file holds."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from None
    if not path.is_file():
        raise FileError(f"{path} is not a file")
    if size > LARGEST_FILE:
        raise FileError(
            f"{path} has {size} bytes, more than the {LARGEST_FILE} of an ONNX file; store its weights as external data"
        )
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # the parser's own error, MemoryError included
        raise FileError(
            f"{path} is no ONNX model, or is damaged: {str(error).strip()[:200] or type(error).__name__}"
        ) from None
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise FileError(f"{path} is no ONNX model: it has no graph")
    if len(model.graph.node) > MOST_NODES:
        raise FileError(f"{path} has {len(model.graph.node)} nodes, more than {MOST_NODES}")
    _check_names(path, model)
    return model


def _check_names(path: Path, model: Any) -> None:
    """Refuse names that are no text, and versions that are none."""
    graph = model.graph
    for entry in model.opset_import:
        if not isinstance(entry.domain, str) or not 0 <= entry.version <= MOST_VERSIONS:
            raise FileError(
                f"{path} asks for version {entry.version} of the operators {entry.domain!r}, which there is not"
            )
    for entry in (*graph.initializer, *graph.input, *graph.output, *graph.value_info, *model.functions):
        if not isinstance(entry.name, str):
            raise FileError(f"{path} has the name {entry.name!r}, which is no text")
    for node in all_nodes(graph):
        names = (
            node.name,
            node.op_type,
            node.domain,
            *node.input,
            *node.output,
            *(entry.name for entry in node.attribute),
        )
        wrong = next((name for name in names if not isinstance(name, str)), None)
        if wrong is not None:
            raise FileError(f"{path} has the name {wrong!r}, which is no text")


def all_nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and of the graphs inside of them."""
    stack = [graph]
    while stack:
        for node in stack.pop().node:
            yield node
            for entry in node.attribute:
                stack += [entry.g] if entry.HasField("g") else list(entry.graphs)


def versions(model: Any) -> dict[str, int]:
    """The version of each set of operators that a model is written in, by its domain."""
    found = {entry.domain: int(entry.version) for entry in model.opset_import}
    own = max((found[name] for name in OWN if name in found), default=1)
    return {**found, **dict.fromkeys(OWN, own)}


def check_nodes(onnx: Any, model: Any, names: Collection[str]) -> None:
    """Refuse nodes that ONNX's description of their operator does not allow; those of `names` are the user's."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version = max(int(model.ir_version), 3)
    context.opset_imports = versions(model)
    for node in all_nodes(model.graph):
        _check_equation(node)
        if (
            node.op_type in names
            or node.domain not in OWN
            or any(entry.HasField("g") or entry.graphs for entry in node.attribute)
        ):
            continue
        try:
            onnx.checker.check_node(node, context)
        except Exception as error:  # ValidationError, or what the parser below it says
            text = str(error).strip()
            if "No Op registered" in text or "No opset import" in text:
                continue  # said below of all such operators together
            raise FileError(f"{node.name or node.op_type}: {text.splitlines()[0][:300]}") from None


def _check_equation(node: Any) -> None:
    """Refuse an Einstein sum that is none; ONNX's inference of shapes does not come back from some of them."""
    if node.op_type != "Einsum":
        return
    for entry in node.attribute:
        text = entry.s.decode(errors="replace")
        if entry.name == "equation" and not re.fullmatch(r"[A-Za-z., ]*(->[A-Za-z. ]*)?", text):
            raise FileError(f"{node.name or 'Einsum'}: {text[:100]!r} is no sum in Einstein's notation")


MOST_ROUNDS = 12
"""So deep may functions lie in functions."""


def inlined(onnx: Any, model: Any, known: Collection[str]) -> Any:
    """The model with the calls of functions replaced by what they are made of.

    These are the functions of the file, and the operators that ONNX itself defines by others, where there is no rule.
    """
    for _ in range(MOST_ROUNDS):
        made = _inlined_once(onnx, model, known)
        if made is model:
            break
        model = made
    return model


def _inlined_once(onnx: Any, model: Any, known: Collection[str]) -> Any:
    local = {(function.domain, function.name) for function in model.functions}
    version = versions(model)[""]
    places = [
        place
        for place, node in enumerate(all_nodes(model.graph))
        if node.domain in OWN
        and (node.domain, node.op_type) not in local
        and node.op_type not in known
        and _schema_with_body(onnx, node.op_type, version) is not None
    ]
    if places:
        model = _with_bodies(onnx, model, set(places), version)
        local = {(function.domain, function.name) for function in model.functions}
    if not local & {(node.domain, node.op_type) for node in all_nodes(model.graph)}:
        return model
    try:
        import onnx.inliner as inliner

        made = inliner.inline_local_functions(model)
    except ImportError:
        raise UnsupportedError("functions are written out with onnx 1.15 or newer") from None
    except Exception as error:
        raise FileError(f"a function of the file cannot be written out: {str(error).strip()[:200]}") from None
    if len(made.graph.node) > MOST_NODES:
        raise FileError(
            f"the file has {len(made.graph.node)} nodes with its functions written out, more than {MOST_NODES}"
        )
    return made


def _schema_with_body(onnx: Any, name: str, version: int) -> Any:
    """The description of an operator that ONNX defines by others."""
    try:
        schema = onnx.defs.get_schema(name, version, "")
    except Exception:
        return None
    return schema if schema.has_function or schema.has_context_dependent_function else None


def _with_bodies(onnx: Any, model: Any, places: Collection[int], version: int) -> Any:
    """A copy of the model whose nodes at these places call functions of the file's own; what a node is made of may depend on its kinds."""
    made = type(model)()
    made.CopyFrom(model)
    graph = inferred(onnx, model)
    types = {entry.name: entry.type for entry in (*graph.input, *graph.value_info, *graph.output)}
    for tensor in model.graph.initializer:
        types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
    domain = f"layeralgebra.written.{len(made.functions)}"
    for place, node in enumerate(all_nodes(made.graph)):
        if place not in places:
            continue
        body = _body(onnx, node, version, types)
        if body is None:
            continue
        body.name, body.domain = f"{node.op_type}_{place}", domain
        del body.opset_import[:]
        body.opset_import.extend(entry for entry in made.opset_import)
        given = {entry.name for entry in node.attribute}
        for name, attribute in onnx.defs.get_schema(node.op_type, version, "").attributes.items():
            if attribute.default_value.type and name not in given:
                node.attribute.append(attribute.default_value)
        made.functions.append(body)
        node.domain, node.op_type = domain, body.name
    entry = made.opset_import.add()
    entry.domain, entry.version = domain, 1
    return made


def _body(onnx: Any, node: Any, version: int, types: Mapping[str, Any]) -> Any:
    """What ONNX makes of a node; None where it does not say."""
    schema = _schema_with_body(onnx, node.op_type, version)
    try:
        if schema.has_function:
            at = max(one for one in schema.function_opset_versions if one <= version)
            found = schema.get_function_with_opset_version(at)
        else:
            at = max(one for one in schema.context_dependent_function_opset_versions if one <= version)
            given = [types.get(name, onnx.TypeProto()) for name in node.input]
            if any(name and not kind.WhichOneof("value") for name, kind in zip(node.input, given)):
                return (
                    None  # of what it does not know the kind of, ONNX reads it all the same, where there is no memory
                )
            given = [kind.SerializeToString() for kind in given]
            found = schema.get_context_dependent_function_with_opset_version(at, node.SerializeToString(), given)
        body = onnx.FunctionProto.FromString(found)
    except Exception:
        return None
    return body if body.node else None


def inferred(onnx: Any, model: Any) -> Any:
    """The graph with the shapes and kinds that ONNX finds for its tensors; as it stands, where ONNX finds nothing."""
    bare = type(model)()
    bare.CopyFrom(model) if model.ByteSize() <= LARGEST_INFERRED else _copy_without_weights(bare, model)
    if bare.ByteSize() > LARGEST_INFERRED:
        return model.graph
    try:
        found = infer_shapes(bare.SerializeToString())
    except NotAnswered as error:
        raise FileError(f"ONNX's inference of shapes does not get through the file: {error}") from None
    except Exception:  # what cannot be written any more
        return model.graph
    if not found:  # files that contradict themselves; what they say is looked at below
        return model.graph
    made = type(model)()
    made.ParseFromString(found)
    return made.graph


def _copy_without_weights(bare: Any, model: Any) -> None:
    bare.ir_version = model.ir_version
    bare.opset_import.extend(model.opset_import)
    bare.graph.node.extend(model.graph.node)
    bare.graph.input.extend(model.graph.input)
    bare.graph.output.extend(model.graph.output)
    bare.graph.value_info.extend(model.graph.value_info)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() < 1 << 16:
            bare.graph.initializer.append(tensor)
        else:
            made = bare.graph.initializer.add()
            made.name, made.data_type = tensor.name, tensor.data_type
            made.dims.extend(tensor.dims)


def dims(tensor: Any) -> tuple[Expr, ...]:
    """The shape of a stored tensor."""
    if any(size < 0 for size in tensor.dims):
        raise FileError(f"the stored tensor {tensor.name} has a negative size: {list(tensor.dims)}")
    return tuple(Integer(size) for size in tensor.dims)


def entries_of(onnx: Any, tensor: Any, most: int) -> Any:
    """The entries of a tensor that lies inside the file, if there are not too many."""
    count = 1
    for size in tensor.dims:
        count *= size
    if count > most or tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.data_type == onnx.TensorProto.STRING:
        return None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        raise FileError(f"the stored tensor {tensor.name} is damaged: {str(error).strip()[:200]}") from None


def in_order(graph: Any, known: set[str]) -> list[Any]:
    """The nodes, each after what it reads; files are written in that order, but nobody is bound to."""
    made_by: dict[str, Any] = {}
    for node in graph.node:
        for name in node.output:
            if name in made_by or name in known:
                raise GraphError(f"{name} is written twice")
            if name:
                made_by[name] = node
    ready: set[str] = {*known, ""}
    order: list[Any] = []
    waiting = list(graph.node)
    while waiting:
        later = []
        for node in waiting:
            unknown = [name for name in node.input if name not in ready and name not in made_by]
            if unknown:
                raise GraphError(f"{node.name or node.op_type} reads {unknown[0]}, which nothing writes")
            if all(name in ready for name in node.input):
                ready.update(node.output)
                order.append(node)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise GraphError(
                f"the graph has a cycle among {', '.join((node.name or node.op_type) for node in later[:10])}"
            )
        waiting = later
    return order
