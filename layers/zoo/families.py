"""Families of architectures: a function from hyperparameters to named stages, and the published members.

Every family is one decorated function in a module of this folder; modules are found and loaded at the first question.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from functools import cache, lru_cache, partial, update_wrapper
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sympy import Symbol

from ...algebra.arguments import checked
from ...algebra.errors import FieldError
from ...algebra.networks.network import Network, Series
from ...algebra.records import dataclass
from ...algebra.sizes.dims import dims

Stages = dict[str, Network]
FAMILIES: dict[str, "Family"] = {}
_LITERAL = {bool: "True or False", str: "a word"}


@dataclass(frozen=True)
class Info:
    """What is published about a network.

    Attributes
    ----------
    name, family : str
    paper : str
    source : str
        Who published `parameters`, `gmacs`, `resolution` and `accuracy`; empty where no figures are shipped.
    parameters : int or None
    gmacs : float or None
        Billions of multiply-accumulates, with as many digits as were published.
    resolution : int or None
    accuracy : dict
        Name of the weights to ImageNet-1K top-1 accuracy in percent.
    hyperparameters : dict
        Everything that can be changed, with its published value.
    """

    name: str
    family: str
    paper: str
    source: str = ""
    parameters: int | None = None
    gmacs: float | None = None
    resolution: int | None = None
    accuracy: Mapping[str, float] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


class Family:
    """Networks that differ in their hyperparameters only; call it to get one.

    Attributes
    ----------
    name, paper : str
    published : dict
        Name of a member to the hyperparameters in which it differs from the defaults.
    parameters : dict
        The published parameter counts that its papers or authors give, by name, where there are any.
    source : str
        Where these counts come from.
    aliases : dict
        Other names of members.
    literal : frozenset of str
        Hyperparameters that must be numbers.
    """

    def __init__(
        self,
        function: Callable[..., Stages],
        paper: str,
        published: Mapping[str, Mapping[str, Any]],
        parameters: Mapping[str, int] | None = None,
        source: str = "",
        aliases: Mapping[str, str] | None = None,
        literal: Sequence[str] = (),
    ):
        self.function, self.name, self.paper = function, function.__name__, paper
        self.published = {name: dict(changes) for name, changes in published.items()}
        self.parameters, self.source, self.aliases = dict(parameters or {}), source, dict(aliases or {})
        self.literal = frozenset(literal)
        self.defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
        update_wrapper(self, function)

    @checked
    def stages(self, **hyperparameters: Any) -> Stages:
        """The parts of the network, by name; the network is their series."""
        return self.function(**self._checked(hyperparameters))

    def __call__(self, **hyperparameters: Any) -> Network:
        return Series(*self.stages(**hyperparameters).values())

    @checked
    def member(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of a published member, with changes."""
        return {**self.published[name], **self._checked(changes)}

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        words = dict(given)
        if "resolution" in words and {"height", "width"} <= set(self.defaults):
            side = words.pop("resolution")
            words = {"height": side, "width": side, **words}
        for word in words:
            if word not in self.defaults:
                raise FieldError(f"{self.name} has no hyperparameter {word!r}; it has {', '.join(self.defaults)}")
            kind = type(self.defaults[word])
            if kind in (bool, str) and not isinstance(words[word], kind):
                raise FieldError(f"{self.name}({word}={words[word]!r}): {word} is {_LITERAL[kind]}, and no size")
        return words

    @staticmethod
    @checked
    def published_as(name: str) -> Callable[..., Network]:
        """The function for one published name."""
        made = partial(build, name)
        made.__doc__ = f"``build({name!r}, ...)``, the published network with any hyperparameter changed."
        return made

    def __repr__(self) -> str:
        return f"<family {self.name}: {', '.join(self.published)}>"


def family(
    paper: str,
    published: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, int] | None = None,
    source: str = "",
    aliases: Mapping[str, str] | None = None,
    literal: Sequence[str] = (),
) -> Callable[[Callable[..., Stages]], Family]:
    """Register a family: a function of keyword arguments, each with its default, that returns named stages."""

    def register(function: Callable[..., Stages]) -> Family:
        made = Family(function, paper, published, parameters, source, aliases, literal)
        for name in made.published:
            if any(name in other.published for other in FAMILIES.values()):
                raise FieldError(f"the zoo has two networks called {name}")
        FAMILIES[made.name] = made
        return made

    return register


@cache
def families() -> dict[str, Family]:
    """All families by name.

    Examples
    --------
    >>> from layeralgebra import zoo
    >>> zoo.families()["resnet"].paper
    'He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016'
    """
    for file in _files():
        importlib.import_module(file)
    return {made.name: made for made in sorted(FAMILIES.values(), key=lambda made: made.function.__module__)}


@cache
def _files() -> tuple[str, ...]:
    package = importlib.import_module(__package__)
    return tuple(f"{__package__}.{module.name}" for module in pkgutil.iter_modules(package.__path__))


@lru_cache(maxsize=1024)
def _load(name: str) -> None:
    """Load the files in whose text a name is defined or stands in quotes: one network costs its own file, and not all of them."""
    marks = f'"{name}"'.encode(errors="replace"), f"def {name}(".encode(errors="replace")
    for file in _files():
        spec = find_spec(file)
        try:
            text = spec.loader.get_data(spec.origin)  # type: ignore[union-attr]
        except (AttributeError, OSError):  # there are no texts, so that any file may hold it
            return
        if any(mark in text for mark in marks):
            importlib.import_module(file)


def known(name: str) -> Family | Callable[..., Network] | None:
    """A family, or the function for a published network, by its name."""
    _load(name)
    if name in FAMILIES:
        return FAMILIES[name]
    if any(name in made.published for made in FAMILIES.values()):
        return Family.published_as(name)
    return families().get(name) or (Family.published_as(name) if name in names() else None)


def _owner(name: str) -> Family:
    """The family of a published network."""
    return next((made for made in FAMILIES.values() if name in made.published), None) or _owners()[name]


@cache
def _owners() -> dict[str, Family]:
    return {name: owner for owner in families().values() for name in owner.published}


@cache
def _spellings() -> dict[str, set[str]]:
    """Names by how they may be spelled: as they are, with other separators, and without."""
    found: dict[str, set[str]] = {}
    aliases = {alias: name for owner in families().values() for alias, name in owner.aliases.items()}
    for spelling, name in {**aliases, **{name: name for name in _owners()}}.items():
        for form in (spelling, _bare(spelling)):
            found.setdefault(form, set()).add(name)
    return found


def _bare(name: str) -> str:
    return "".join(character for character in name if character.isalnum())


def names() -> list[str]:
    """The published names, in alphabetical order."""
    return sorted(_owners())


def published_name(name: str) -> str:
    """The name as the zoo spells it; ``"GPT2-medium"`` and ``"ResNet-50"`` are ``"gpt2_medium"`` and ``"resnet50"``."""
    if not isinstance(name, str):
        raise FieldError(f"a network of the zoo has a name, got {name!r}")
    plain = name[:80].lower().replace("-", "_").replace(".", "_")
    _load(plain)
    if any(plain in made.published for made in FAMILIES.values()):
        return plain
    found = _spellings().get(plain) or _spellings().get(_bare(plain)) or set()
    if len(found) != 1:
        close = sorted(found) or get_close_matches(plain, names(), n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; zoo.names() lists all"
        raise FieldError(f"the zoo has no network called {name[:80]!r}{hint}")
    return next(iter(found))


@checked
def stages(name: str, **changes: Any) -> Stages:
    """The parts of a published network, by name and in order; the network is their series.

    Parameters
    ----------
    name : str
    **changes
        As for `build`.

    Returns
    -------
    dict of str to Network

    Examples
    --------
    >>> from layeralgebra import zoo
    >>> list(zoo.stages("resnet50"))
    ['input', 'stem', 'stage1', 'stage2', 'stage3', 'stage4', 'head']
    """
    name = published_name(name)
    found = _owner(name)
    return found.stages(**found.member(name, changes))


@checked
def build(name: str, **changes: Any) -> Network:
    """A published network at its published input size.

    Parameters
    ----------
    name : str
        One of `names`.
    **changes : int, Expr, or a tuple of them
        Hyperparameters that shall differ from the published ones; `info` lists them. Sizes may be symbols.

    Returns
    -------
    Network

    Raises
    ------
    FieldError
        If there is no such network or hyperparameter; the message lists what there is.

    Examples
    --------
    >>> from layeralgebra import dims, parameters, zoo
    >>> n = dims("n")
    >>> parameters(zoo.build("resnet50", depths=(3, 4, n, 3))).subs(n, 6)
    25557032
    """
    return Series(*stages(name, **changes).values())


@checked
def symbolic(name: str, **changes: Any) -> tuple[Network, dict[Symbol, int]]:
    """A published network with a symbol for every size, and the published sizes: the whole family in one formula.

    Parameters
    ----------
    name : str
    **changes
        Hyperparameters that shall be something else, as for `build`.

    Returns
    -------
    Network, dict of Symbol to int
        Symbols are called after the hyperparameters, with a number behind where there are several.

    Examples
    --------
    >>> from layeralgebra import derive, zoo
    >>> net, sizes = zoo.symbolic("gpt2")
    >>> r = derive("parameters", net)
    >>> print(r.formula)
    context*features + 12*depth*features**2 + 13*depth*features + features*vocabulary + 2*features
    >>> r(sizes)
    124439808
    """
    name = published_name(name)
    found = _owner(name)
    values: dict[Symbol, int] = {}
    made: dict[str, Any] = {}
    for word, value in {**found.defaults, **found.published[name]}.items():
        if word in found.literal or word in changes:
            continue
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            made[word] = dims(word)
            values[made[word]] = value
        elif isinstance(value, tuple):
            made[word] = tuple(dims(f"{word}_{place}") for place in range(1, len(value) + 1))
            values.update(zip(made[word], value))
    net = build(name, **{**made, **changes})
    return net, {symbol: value for symbol, value in values.items() if symbol in net.free_symbols}


@cache
def published_figures() -> dict[str, Any]:
    """The figures that torchvision 0.28.0 published with its weights for ImageNet-1K, with their source."""
    return json.loads((Path(__file__).parent / "data" / "torchvision_classification.json").read_text(encoding="utf-8"))


@checked
def info(name: str) -> Info:
    """What is published about a network.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Info

    Examples
    --------
    >>> from layeralgebra import zoo
    >>> zoo.info("resnet50").parameters, zoo.info("resnet50").gmacs
    (25557032, 4.089)
    """
    name = published_name(name)
    found = _owner(name)
    figures = published_figures()
    shown = figures["models"].get(name)
    values = {**found.defaults, **found.published[name]}
    if shown is None:
        return Info(
            name,
            found.name,
            found.paper,
            found.source if name in found.parameters else "",
            found.parameters.get(name),
            hyperparameters=values,
        )
    return Info(
        name,
        found.name,
        found.paper,
        figures["source"],
        shown["parameters"],
        shown["gmacs"],
        shown["resolution"],
        shown["acc1"],
        values,
    )
