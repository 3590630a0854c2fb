"""What enters a model while it is traced: tensors of zeros of the shapes that were asked for, and what is passed on as it is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from ...algebra.errors import FieldError
from ...algebra.records import dataclass
from ...algebra.sizes.dims import are_sizes


@dataclass(frozen=True)
class Entering:
    """One tensor that enters: the argument of `forward` in which it stands, its shape without the batch, and the tensor."""

    name: str
    shape: tuple[int, ...]
    tensor: Any


@dataclass(frozen=True)
class Example:
    """The arguments of one call of `forward`, and the tensors among them in order."""

    arguments: tuple[Any, ...]
    named: dict[str, Any]
    tensors: list[Entering]


def example(torch: Any, module: Any, given: Any, integers: Any) -> Example:
    """The arguments of a call, from shapes without the batch, tensors with it, and what is neither.

    Parameters
    ----------
    given : shape, tensor, sequence of arguments, or mapping of the names of arguments
    integers : bool, sequence of bool, or collection of names, optional
        Which tensors hold integers.
    """
    names = _names(module)
    if isinstance(given, Mapping):
        unknown = [name for name in given if not isinstance(name, str) or not _takes(module, name)]
        if unknown:
            raise FieldError(
                f"the model's forward has no argument {unknown[0]!r}; it has {', '.join(names) or 'none that has a name'}"
            )
        parts = [(name, value) for name, value in given.items()]
    elif _is_shape(given) or isinstance(given, torch.Tensor):
        parts = [(names[0] if names else "", given)]
    else:
        parts = [(names[place] if place < len(names) else str(place), value) for place, value in enumerate(given)]
    reader = _Reader(torch, _device(torch, module))
    for name, value in parts:
        reader.look(name, value)
    reader.kinds = _kinds(torch, module, reader.found, integers)
    made = [reader.made(name, value) for name, value in parts]
    if isinstance(given, Mapping):
        return Example((), dict(zip((name for name, _ in parts), made)), reader.entering)
    return Example(tuple(made), {}, reader.entering)


def _names(module: Any) -> list[str]:
    """The names of forward's arguments in order; those of ``*args`` and ``**kwargs`` have none."""
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # forward is written in C
        return []
    return [parameter.name for parameter in parameters if parameter.kind not in free]


def _takes(module: Any, name: str) -> bool:
    parameters = inspect.signature(module.forward).parameters.values()
    return name in _names(module) or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _device(torch: Any, module: Any) -> Any:
    """Where the module's tensors are; one that has none makes those that it needs where PyTorch makes them."""
    held = [tensor for part in module.modules() for tensor in vars(part).values() if isinstance(tensor, torch.Tensor)]
    return next((tensor.device for tensor in [*module.parameters(), *module.buffers(), *held]), torch.device("cpu"))


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(
        isinstance(size, int) and not isinstance(size, bool) for size in value
    )


class _Reader:
    """Reads shapes twice: once to find what enters, and once to make the tensors."""

    def __init__(self, torch: Any, device: Any):
        self.torch, self.device = torch, device
        self.found: list[tuple[str, Any]] = []
        self.kinds: list[Any] = []
        self.entering: list[Entering] = []

    def look(self, name: str, value: Any) -> None:
        if isinstance(value, self.torch.Tensor) or _is_shape(value):
            self.found.append((name, value))
        elif isinstance(value, Mapping):
            for key, part in value.items():
                self.look(f"{name}.{key}", part)
        elif isinstance(value, (tuple, list)):
            for place, part in enumerate(value):
                self.look(f"{name}.{place}", part)
        elif not (value is None or isinstance(value, (bool, int, float, str))):
            raise FieldError(
                f"example_shape: {name or 'the input'} is a {type(value).__name__}; write a shape without the batch, as in (3, 224, 224), "
                "a tensor with it, lists or dictionaries of them, or what forward takes as it is: a number, a text, True, False or None"
            )

    def made(self, name: str, value: Any) -> Any:
        if isinstance(value, self.torch.Tensor) or _is_shape(value):
            return self._tensor(name, value)
        if isinstance(value, Mapping):
            return {key: self.made(f"{name}.{key}", part) for key, part in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)([self.made(f"{name}.{place}", part) for place, part in enumerate(value)])
        return value

    def _tensor(self, name: str, value: Any) -> Any:
        if isinstance(value, self.torch.Tensor):
            if not value.dim():
                raise FieldError(f"example_shape: the tensor {name} has no batch axis; its first axis is the batch")
            shape, kind = tuple(value.shape[1:]), value.dtype
        else:
            shape = tuple(int(size) for size in are_sizes(tuple(value), "example_shape")) if value else ()
            kind = self.kinds[len(self.entering)]
        tensor = self.torch.zeros((1, *shape), dtype=kind, device=self.device)
        self.entering.append(Entering(name, shape, tensor))
        return tensor


def _kinds(torch: Any, module: Any, found: list[tuple[str, Any]], integers: Any) -> list[Any]:
    """The types of the tensors that are made."""
    names = [name for name, _ in found]
    whole: list[Any]
    if integers is None or isinstance(integers, bool):
        whole = [_begins_with_embedding(torch, module) if integers is None else integers] * len(found)
    else:
        asked = [integers] if isinstance(integers, str) else list(integers)
        if asked and all(isinstance(one, bool) for one in asked):
            if len(asked) != len(found):
                raise FieldError(f"integers has {len(asked)} entries for {len(found)} inputs: {', '.join(names)}")
            whole = [bool(one) for one in asked]
        else:
            unknown = [one for one in asked if one not in names]
            if unknown:
                raise FieldError(f"integers names {unknown[0]!r}, but the inputs are {', '.join(map(repr, names))}")
            whole = [name in asked for name in names]
    floats = next((tensor.dtype for tensor in module.parameters() if tensor.is_floating_point()), torch.float32)
    return [torch.long if one else floats for one in whole]


def _begins_with_embedding(torch: Any, module: Any) -> bool:
    first = next((part for part in module.modules() if not list(part.children())), module)
    return isinstance(first, (torch.nn.Embedding, torch.nn.EmbeddingBag))


@dataclass(frozen=True)
class Axis:
    """An axis that stays symbolic: which tensor, which of its axes without the batch, the symbol, and its bounds."""

    place: int
    axis: int
    symbol: Symbol
    least: int | None = None
    most: int | None = None


def dynamic_axes(dynamic: Mapping[Any, object], tensors: Sequence[Entering]) -> list[Axis]:
    """The axes that stay symbolic, from ``{axis: name}``, ``{(input, axis): name}`` with the input's place or its name."""
    found: dict[tuple[int, int], Axis] = {}
    names = [entering.name for entering in tensors]
    for key, name in dynamic.items():
        where, axis = key if isinstance(key, tuple) and len(key) == 2 else (0, key)
        place = names.index(where) if isinstance(where, str) and where in names else where
        if not all(isinstance(part, int) for part in (place, axis)) or not 0 <= place < len(tensors):
            raise FieldError(
                f"dynamic names an axis, or (input, axis), got {key!r}; the inputs are {', '.join(map(repr, names)) or 'none'}"
            )
        shape = tensors[place].shape
        if not 0 <= axis < len(shape):
            raise FieldError(
                f"dynamic names axes 0 to {len(shape) - 1} of the example's shape {shape}, got {axis!r}"
                if shape
                else f"dynamic names an axis of {names[place]}, which has none besides the batch"
            )
        found[place, axis] = Axis(place, axis, *_named(name))
    return list(found.values())


def _named(name: object) -> tuple[Symbol, int | None, int | None]:
    """A symbol and its bounds: from a symbol, a name, or a `torch.export.Dim`, which may be bounded."""
    if isinstance(name, Symbol):
        return name, None, None
    if hasattr(name, "__name__") and hasattr(name, "min") and hasattr(name, "max"):
        least, most = (bound if isinstance(bound, int) and bound else None for bound in (name.min, name.max))
        return _size(name.__name__), least, most
    return _size(str(name)), None, None


def _size(name: str) -> Symbol:
    return Symbol(name, integer=True, positive=True)
