"""Models of the libraries on JAX as functions of a tree of arrays and of inputs. None of these libraries is imported by this package."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax

from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.records import dataclass
from .scopes import named_calls

FLAGS = {
    "train": False, "training": False, "is_training": False, "deterministic": True, "inference": True, "use_running_average": True,
}  # fmt: skip
"""What a Flax module is called with where it asks how it is used: as in inference, as everywhere in this package."""


@dataclass(frozen=True)
class Model:
    """A function of a tree and of inputs, the tree, and of each of its arrays, by path, the name and whether it may be learned."""

    function: Callable[..., Any]
    tree: Any
    named: Callable[[tuple[Any, ...]], tuple[str, bool]]


def read_model(function: Any, params: Any, inputs: Sequence[Any]) -> Model:
    """What is to be traced: a function of parameters and inputs, a function of inputs alone, or a model of a known library.

    Parameters
    ----------
    function : callable
    params : tree of arrays, or None
    inputs : sequence of jax.ShapeDtypeStruct
        At the sizes of the example, for models that make their parameters when they see an input.
    """
    if params is not None:
        return Model(_scoped(function), params, lambda path: (path_name(path), True))
    equinox, linen, nnx = (sys.modules.get(name) for name in ("equinox", "flax.linen", "flax.nnx"))
    if equinox is not None and isinstance(function, equinox.Module):
        model = equinox.nn.inference_mode(function)
        return Model(_called, model, lambda path: (path_name(path), True))
    if linen is not None and isinstance(function, linen.Module):
        return _linen(function, inputs)
    if nnx is not None and isinstance(function, nnx.Module):
        return _nnx(nnx, function)
    if not callable(function) or isinstance(function, type):
        raise FieldError(
            f"from_jax takes a function of arrays, or an Equinox or Flax model, got {type(function).__name__}"
        )
    return Model(lambda tree, *values: function(*values), (), lambda path: (path_name(path), True))


def _scoped(function: Callable[..., Any]) -> Callable[..., Any]:
    def scoped(tree: Any, *values: Any) -> Any:
        with named_calls(tree):
            return function(tree, *values)

    return scoped


def _called(tree: Any, *values: Any) -> Any:
    with named_calls(tree):
        return tree(*values)


def _linen(module: Any, inputs: Sequence[Any]) -> Model:
    taken = inspect.signature(type(module).__call__).parameters
    flags = {name: value for name, value in FLAGS.items() if name in taken}
    keys = {name: jax.random.key(0) for name in ("params", "dropout")}
    try:
        variables = jax.eval_shape(lambda *values: module.init(keys, *values, **flags), *inputs)
    except Exception as error:
        raise UnsupportedError(
            f"{type(module).__name__}.init fails: {first_line(error)}\n"
            "  write instead: from_jax(lambda variables, x: module.apply(variables, x), shape, params=variables)"
        ) from error

    def named(path: tuple[Any, ...]) -> tuple[str, bool]:
        return path_name(path[1:]), path_name(path[:1]) == "params"

    return Model(lambda tree, *values: module.apply(tree, *values, **flags), variables, named)


def _nnx(nnx: Any, module: Any) -> Model:
    """The module is copied; in the copy, whatever behaves otherwise in training is set to inference."""
    copy = nnx.merge(*nnx.split(module))
    copy.eval()
    graph, learned, fixed = nnx.split(copy, nnx.Param, ...)

    def function(tree: Any, *values: Any) -> Any:
        merged = nnx.merge(graph, *tree)
        with named_calls(merged):
            return merged(*values)

    return Model(function, (learned, fixed), lambda path: (path_name(path[1:]), path_name(path[:1]) == "0"))


def path_name(path: Sequence[Any]) -> str:
    """A path in a tree as a name with points, as PyTorch writes it: ``layers.0.weight``."""
    words = [
        str(next((getattr(key, part) for part in ("key", "idx", "name") if hasattr(key, part)), key)) for key in path
    ]
    return ".".join(words[:-1] if len(words) > 1 and words[-1] == "value" else words)


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else repr(error)
