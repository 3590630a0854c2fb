"""The interface: every public name by its namespace, and the others by the package that hands them on."""

from __future__ import annotations

import inspect
from collections import defaultdict

import layeralgebra as la

from ._markdown import contents, docstring, plain

TITLES = {"errors": "Errors", "documents": "Documents"}
SPACES = ("plot", "capacity", "regions", "topology", "io")
"""Namespaces; what stands in one is on its page."""


def groups() -> dict[str, list[str]]:
    """The names by group; layers and metrics have pages of their own."""
    found = defaultdict(list)
    metrics = {metric.name for metric in la.metrics()}
    layers = {layer.__name__ for layer in la.registered_layers()}
    for name in la.__all__:
        value = getattr(la, name)
        if name in metrics | layers or inspect.ismodule(value):
            continue
        if space := next((space for space in SPACES if name in getattr(la, space).__all__), ""):
            found[space].append(name)
            continue
        parts = (getattr(value, "__module__", None) or "").split(".")
        found[parts[2] if len(parts) > 2 and parts[0] == "layeralgebra" else "values"].append(name)
    found["zoo"] = [f"zoo.{name}" for name in la.zoo.__all__]
    there = {name for names in found.values() for name in names}
    found["types"] = [f"types.{name}" for name in la.types.__all__ if name not in there | metrics | layers]
    found["proofs"] += [f"proofs.{name}" for name in la.proofs.__all__]
    return dict(found)


def pages() -> dict[str, str]:
    found = {}
    for group, names in sorted(groups().items()):
        head = f"# {TITLES.get(group, group.capitalize())}\n\n"
        if group in (*SPACES, "types"):
            more = [name for name in getattr(la, group).__all__ if name not in names]
            head = f"# la.{group}\n\n{docstring(getattr(la, group))}\n"
            if more and group != "types":
                head += f"Also here: {', '.join(f'`la.{group}.{name}`' for name in more)}.\n\n"
        found[f"api/{group}.md"] = head + "\n".join(map(_entry, names))
    found["api/index.md"] = (
        "# Interface\n\nEvery public name of `layeralgebra`, but for the [layers](../layers/index.md) and the [metrics](../mathematics/metrics.md).\n\n"
        + contents(sorted(groups()))
    )
    return found


def _entry(name: str) -> str:
    value = la
    for part in name.split("."):
        value = getattr(value, part)
    try:
        signature = _plain(inspect.signature(value)) if callable(value) else ""
    except (TypeError, ValueError):
        signature = ""
    shown = f"```text\nla.{name}{signature}\n```\n" if signature and len(signature) < 1000 else ""
    return f"## {plain(name)}\n\n{shown}\n{docstring(value)}"


def _plain(signature: inspect.Signature) -> str:
    """Without types, which the sections say in words."""
    empty = inspect.Parameter.empty
    bare = [each.replace(annotation=empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
