"""The network that a command is about: a published one by its name, or one in a file of the user's."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..algebra.arguments import missing_extra
from ..algebra.equations.fields import Dim, Size, Text
from ..algebra.errors import FieldError, LayerAlgebraError
from ..algebra.networks.layer import Layer
from ..algebra.networks.network import Input, Network
from ..algebra.records import dataclass
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
        with guarded(path):
            return Model(attribute, _layer(found, changes))
    if callable(found):
        with guarded(path):
            return Model(attribute, _called(found, attribute, changes))
    if found is None:
        raise FieldError(f"{path} has no {attribute!r}")
    raise FieldError(f"{attribute} in {path} is neither a layer, nor a network, nor a function that returns one")


def module_in(path: Path) -> Any:
    """The module in a file: running it is what the user asked for."""
    if not path.is_file():
        raise FieldError(f"{path} is a folder" if path.is_dir() else f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # so that what it defines can be found again by its name
    with guarded(path):
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Where code of a file of the user's runs: what it raises becomes one line, with the place in the file.

    Errors of the library keep their kind; a missing optional package stays what it is, so that the command says what to install.
    """
    try:
        yield
    except LayerAlgebraError as error:
        if str(path) in str(error) or type(error) is LayerAlgebraError:
            raise
        try:
            raise type(error)(f"{path}: {error}") from None
        except TypeError:
            raise error from None
    except ModuleNotFoundError as error:
        if missing_extra(error) is not None:
            raise
        raise FieldError(f"{path}{_line(path, error)}: {type(error).__name__}: {error}") from None
    except SystemExit as error:
        raise FieldError(f"{path}{_line(path, error)}: it ends the program, with {error.code!r}") from None
    except Exception as error:
        raise FieldError(f"{path}{_line(path, error)}: {type(error).__name__}: {first_line(error)}") from None


def _line(path: Path, error: BaseException) -> str:
    """The last line of the file that an error came through."""
    places = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == path.resolve()
    ]
    line = getattr(error, "lineno", None) or (places[-1] if places else None)
    return f", line {line}" if line else ""


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""


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
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise FieldError(f"{name} does not say what it takes; wrap it in a function of yours") from None
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
