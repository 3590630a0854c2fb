"""The modules of a model as scopes of what they compute, for libraries that do not write them down while a function is traced."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jax

_WRAPPED = re.compile(r"^(?:vmap|jvp|transpose|jit|pjit|checkpoint|remat)\((.*)\)$")
_JAX = os.path.dirname(os.path.abspath(jax.__file__)) + os.sep


def scope_names(equation: Any) -> tuple[str, ...]:
    """The names of the scopes in which an equation stands, outermost first, without those of transformations."""
    names = []
    for part in str(equation.source_info.name_stack).split("/"):
        while (inside := _WRAPPED.match(part)) is not None:
            part = inside.group(1)
        if re.fullmatch(r"[A-Za-z_][\w.\[\]]*|\d+(\.\w+)*", part) and not part.startswith("eqx.nn."):
            names.append(part)
    return tuple(names)


def source_line(equation: Any) -> str:
    """The line outside of JAX and of the libraries on it in which an equation was made; empty if it is not known."""
    trace = equation.source_info.traceback
    for frame in trace.frames if trace is not None else ():
        if not frame.file_name.startswith(_JAX) and not _LIBRARY.search(frame.file_name):
            return f"{os.path.basename(frame.file_name)}:{frame.line_num}"
    return ""


_LIBRARY = re.compile(r"[\\/](flax|equinox|jaxtyping|layers[\\/]jax|importlib|contextlib)[\\/.]")
_LOCK = threading.RLock()


def _kinds() -> tuple[type, ...]:
    """The classes of modules of Equinox and Flax (nnx); linen writes its own scopes."""
    found = [getattr(sys.modules.get(name), "Module", None) for name in ("equinox", "flax.nnx")]
    return tuple(kind for kind in found if isinstance(kind, type))


@contextmanager
def named_calls(model: Any) -> Iterator[None]:
    """While this is entered, what a module inside the model computes stands in a scope with the name that the module has there.

    Neither library hears of calls, so that the methods `__call__` of the classes that occur in the model are wrapped for that time.
    """
    kinds = _kinds()
    paths = dict(_modules(model, (), kinds, set())) if kinds else {}
    open_: list[tuple[str, ...]] = [()]

    def wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(self: Any, *values: Any, **named: Any) -> Any:
            path = paths.get(id(self))
            if path is None:
                return method(self, *values, **named)
            above = open_[-1]
            own = path[len(above) :] if path[: len(above)] == above else path
            open_.append(path)
            try:
                with jax.named_scope(".".join(own) or type(self).__name__):
                    return method(self, *values, **named)
            finally:
                open_.pop()

        return call

    classes = {type(module) for module in _objects(model, kinds, set())} if kinds else set()
    before: list[tuple[type, Any]] = []
    with _LOCK:
        try:
            for kind in classes:
                if "__call__" in kind.__dict__:
                    before.append((kind, kind.__dict__["__call__"]))
                    type.__setattr__(kind, "__call__", wrapped(kind.__call__))
            yield
        finally:
            for kind, method in before:
                type.__setattr__(kind, "__call__", method)


def _parts(value: Any, kinds: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, kinds):
        yield from ((name, part) for name, part in vars(value).items() if not name.startswith("_"))
    elif isinstance(value, Mapping) or hasattr(value, "items"):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, (list, tuple)) or type(value).__name__ == "List":
        yield from ((str(place), part) for place, part in enumerate(value))


def _modules(
    value: Any, path: tuple[str, ...], kinds: tuple[type, ...], seen: set[int]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    if id(value) in seen or hasattr(value, "dtype"):
        return
    seen.add(id(value))
    if isinstance(value, kinds):
        yield id(value), path
    for name, part in _parts(value, kinds):
        yield from _modules(part, (*path, name), kinds, seen)


def _objects(value: Any, kinds: tuple[type, ...], seen: set[int]) -> Iterator[Any]:
    if id(value) in seen or hasattr(value, "dtype"):
        return
    seen.add(id(value))
    if isinstance(value, kinds):
        yield value
    for _, part in _parts(value, kinds):
        yield from _objects(part, kinds, seen)
