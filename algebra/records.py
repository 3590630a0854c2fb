"""Dataclasses that are made in a tenth of the time: `__init__` is written when it is first looked up, the other methods are shared.

Python writes and compiles six methods for a frozen dataclass. Over the classes that a first derivation loads that took a third of its time,
though most of them are never compared or printed, and many never made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(
        cls: type | None = None,
        *,
        init: bool = True,
        repr: bool = True,
        eq: bool = True,
        frozen: bool = False,
        slots: bool = False,
        kw_only: bool = False,
    ) -> Any:
        """What `dataclasses.dataclass` makes, of the same words."""
        if slots:
            wanted = {"init": init, "repr": repr, "eq": eq, "frozen": frozen, "kw_only": kw_only}
            return dataclasses.dataclass(cls, slots=True, **wanted)

        def record(cls: type) -> type:
            own = dict(vars(cls))
            cls.__doc__ = cls.__doc__ or ""  # or the signature would be written, of an __init__ that is not there yet
            dataclasses.dataclass(cls, init=False, repr=False, eq=False, kw_only=kw_only)
            methods: dict[str, object] = _held_fields(cls) if frozen else {}
            if init:
                methods["__init__"] = _Deferred(cls, frozen)
            if repr:
                methods["__repr__"] = _shown(cls)
            if eq:
                methods["__eq__"] = _compared(cls)
                methods["__hash__"] = _hashed(cls) if frozen else None
            for name, method in methods.items():
                if name not in own or (name == "__hash__" and own[name] is None and "__eq__" in own):
                    setattr(cls, name, method)
            return cls

        return record if cls is None else record(cls)


def _held_fields(cls: type) -> dict[str, object]:
    """What sets and deletes no field; of a class derived from the record, what is no field can be set."""
    names = frozenset(one.name for one in dataclasses.fields(cls))

    def is_held(record: object, name: str) -> bool:
        return type(record) is cls or name in names

    def set_other(self: object, name: str, value: object) -> None:
        if is_held(self, name):
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)  # type: ignore[arg-type]

    def delete_other(self: object, name: str) -> None:
        if is_held(self, name):
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)  # type: ignore[arg-type]

    return {"__setattr__": set_other, "__delattr__": delete_other}


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _compared(cls: type) -> Callable[[Any, object], Any]:
    values = _values([one.name for one in dataclasses.fields(cls) if one.compare])

    def __eq__(self: Any, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hashed(cls: type) -> Callable[[Any], int]:
    values = _values([one.name for one in dataclasses.fields(cls) if (one.compare if one.hash is None else one.hash)])

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _shown(cls: type) -> Callable[[Any], str]:
    names = [one.name for one in dataclasses.fields(cls) if one.repr]

    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return recursive_repr()(__repr__)


class _Factory:
    """Stands in a signature where a default is made anew."""

    def __repr__(self) -> str:
        return "<factory>"


class _Deferred:
    """The `__init__` of a record, which is written and takes this one's place when it is first looked up."""

    def __init__(self, record: type, frozen: bool) -> None:
        self.record, self.frozen = record, frozen

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., None]:
        method = _initial(self.record, self.frozen)
        self.record.__init__ = method  # type: ignore[misc]
        return method.__get__(instance, owner)


def _initial(cls: type, frozen: bool) -> Any:
    known: dict[str, Any] = {"factory": _Factory(), "hold": object.__setattr__}
    places: list[str] = []
    words: list[str] = []
    lines: list[str] = []
    for one in dataclasses.fields(cls):
        name, value = one.name, one.name
        known[f"default_{name}"], known[f"make_{name}"] = one.default, one.default_factory
        default = "" if one.default is dataclasses.MISSING else f"default_{name}"
        if one.default_factory is not dataclasses.MISSING:
            default = "factory"
            value = f"make_{name}() if {name} is factory else {name}" if one.init else f"make_{name}()"
        elif not one.init:
            continue
        if one.init:
            (words if one.kw_only else places).append(f"{name}={default}" if default else name)
        lines.append(f"hold(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(["self", *places, *(["*", *words] if words else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"]), known)
    method = known["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    method.__annotations__ = {one.name: one.type for one in dataclasses.fields(cls) if one.init} | {"return": None}
    return method
