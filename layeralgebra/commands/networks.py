"""The network that a command is about: a published one by its name, or one in a file of the user's."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..algebra.equations.fields import Dim, Size, Text
from ..algebra.errors import FieldError, LayerAlgebraError
from ..algebra.networks.layer import Layer
from ..algebra.networks.network import Input, Network
from ..algebra.sizes.dims import dims
from .arguments import value


@dataclass(frozen=True)
class Model:
    """A network with the name it goes by, its named stages if it has some, and what enters it if it is open."""

    name: str
    net: Network
    stages: Mapping[str, Network] | None = None
    on: tuple[Any, ...] | None = None


def find(model: str, changes: Mapping[str, str], on: tuple[Any, ...] | None = None) -> Model:
    """The network that ``resnet50`` or ``file.py:Name`` names.

    Parameters
    ----------
    model : str
    changes : mapping of str to str
        Fields or hyperparameters to set, as texts.
    on : shape, optional
        What enters an open network.
    """
    name, colon, attribute = model.rpartition(":")
    found = _from_file(Path(name), attribute, changes) if colon and name.endswith(".py") else _published(model, changes)
    closed = bool(found.net.atoms(Input))
    if closed and on is not None:
        raise FieldError(f"{found.name} begins with its own Input; leave out --on")
    if not closed and on is None:
        raise FieldError(f"{found.name} has no Input; say what enters it with --on, as in --on 3,H,W")
    return Model(found.name, found.net, found.stages, on)


def _published(name: str, changes: Mapping[str, str]) -> Model:
    from ..layers import zoo

    if name.endswith(".py"):
        raise FieldError(f"{name} is a file; say what in it, as in {name}:MyLayer")
    defaults = zoo.info(name).hyperparameters
    words = {key for key, default in defaults.items() if isinstance(default, str)}
    values = {key: value(text, word=key in words) for key, text in changes.items()}
    stages = zoo.stages(name, **values)
    return Model(name, zoo.build(name, **values), stages)


def _from_file(path: Path, attribute: str, changes: Mapping[str, str]) -> Model:
    found = getattr(module_in(path), attribute, None)
    if isinstance(found, Network):
        if changes:
            raise FieldError(f"{attribute} is a network with its sizes given; --set is for a class or a function")
        return Model(attribute, found)
    if isinstance(found, type) and issubclass(found, Layer):
        return Model(attribute, _layer(found, changes))
    if callable(found):
        return Model(attribute, _called(found, attribute, changes))
    if found is None:
        raise FieldError(f"{path} has no {attribute!r}")
    raise FieldError(f"{attribute} in {path} is neither a layer, nor a network, nor a function that returns one")


def module_in(path: Path) -> Any:
    """The module in a file: running it is what the user asked for."""
    if not path.is_file():
        raise FieldError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # so that what it defines can be found again by its name
    try:
        spec.loader.exec_module(module)
    except LayerAlgebraError as error:
        raise type(error)(f"{path}: {error}") if type(error) is not LayerAlgebraError else error from None
    except Exception as error:
        places = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).resolve() == path.resolve()
        ]
        line = getattr(error, "lineno", None) or (places[-1] if places else 0)
        raise FieldError(f"{path}, line {line}: {type(error).__name__}: {error}") from None
    return module


def _layer(kind: type[Layer], changes: Mapping[str, str]) -> Layer:
    """A layer of a class; sizes neither set nor with a default are symbols with the names of the fields."""
    given = {
        name: value(text, word=name in kind.fields and Text in kind.fields[name] and Dim not in kind.fields[name])
        for name, text in changes.items()
    }
    for name, kinds in kind.fields.items():
        if name not in given and name not in kind.defaults and (Dim in kinds or Size in kinds):
            given[name] = dims(name)
    return kind(**given)


def _called(function: Any, name: str, changes: Mapping[str, str]) -> Network:
    """What a function returns; its parameters that are neither set nor have a default are symbols with their names."""
    parameters = inspect.signature(function).parameters
    unknown = sorted(set(changes) - set(parameters))
    if unknown:
        raise FieldError(f"{name} takes no {unknown[0]!r}; it takes {', '.join(parameters) or 'nothing'}")
    given: dict[str, Any] = {}
    for key, parameter in parameters.items():
        if key in changes:
            given[key] = value(changes[key], word=isinstance(parameter.default, str))
        elif parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            given[key] = dims(key)
    made = function(**given)
    if not isinstance(made, Network):
        raise FieldError(f"{name} returned {made!r}, which is no network")
    return made
