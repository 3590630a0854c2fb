"""The library's dataclasses against Python's own, of the same classes."""

import dataclasses
import inspect
from copy import copy
from dataclasses import field

import pytest

from layeralgebra.algebra.records import dataclass


def classes():
    """New ones, because a dataclass takes its fields out of the class."""

    class Plain:
        a: int
        b: str = "b"

    class Single:
        only: object

    class Empty:
        """No fields."""

    class Fields:
        """Every kind of a field."""

        a: int
        b: list[int] = field(default_factory=list)
        c: str = field(default="c", repr=False)
        d: int = field(default=4, compare=False)
        e: int = field(default=5, hash=False)
        g: int = field(default=6, init=False)
        h: list[int] = field(default_factory=lambda: [7], init=False)
        i: int = field(default=8, kw_only=True)

    class After:
        a: int
        b: int = field(default=0, init=False)

        def __post_init__(self):
            object.__setattr__(self, "b", 2 * self.a)

    class Own:
        a: int

        def __repr__(self):
            return "own"

        def __eq__(self, other):
            return isinstance(other, type(self))

        def __hash__(self):
            return 1

    class OwnEquality:
        a: int

        def __eq__(self, other):
            return isinstance(other, type(self))

    return {one.__name__: one for one in (Plain, Single, Empty, Fields, After, Own, OwnEquality)}


OPTIONS = (
    {},
    {"frozen": True},
    {"eq": False},
    {"frozen": True, "eq": False},
    {"repr": False},
    {"frozen": True, "slots": True},
    {"kw_only": True},
)
CALLS = (
    ((), {}),
    ((1,), {}),
    ((2,), {}),
    ((1, "x"), {}),
    ((1, ["x"]), {}),
    ((), {"a": 1}),
    ((1,), {"b": "y"}),
    ((1,), {"d": 9}),
    ((1,), {"e": 9}),
    ((1,), {"c": "z", "i": 3}),
    ((1, 2, 3, 4, 5, 6, 7), {}),
    ((1,), {"wrong": 1}),
    ((), {"only": (1, 2)}),
)


def outcome(function, *places, **words):
    try:
        found = function(*places, **words)
    except Exception as error:
        return type(error), str(error)
    return found


def made(decorator, name, options):
    return decorator(**options)(classes()[name])


def behaviour(cls):
    records = [outcome(cls, *places, **words) for places, words in CALLS]
    kept = [one for one in records if isinstance(one, cls)]
    yield [one if isinstance(one, tuple) else type(one).__name__ for one in records]
    yield str(inspect.signature(cls))
    for one in kept:
        yield repr(one) if "object at" not in repr(one) else "of object"
        yield outcome(hash, one) if cls.__hash__ is not object.__hash__ else "of object"
        yield [(name, getattr(one, name)) for name in cls.__dataclass_fields__]
        yield [one == other for other in kept], one == 3, one != one
        replaced = outcome(dataclasses.replace, one)
        yield (
            replaced if isinstance(replaced, tuple) else [getattr(replaced, name) for name in cls.__dataclass_fields__]
        )
        for name in (*cls.__dataclass_fields__, "other"):
            changed = copy(one)
            yield name, outcome(setattr, changed, name, 3), outcome(delattr, changed, name)
    yield cls.__match_args__, cls.__name__


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", classes())
def test_a_record_is_the_dataclass_of_the_same_words(name, options):
    ours, python = (list(behaviour(made(one, name, options))) for one in (dataclass, dataclasses.dataclass))
    assert len(ours) == len(python)
    for mine, other in zip(ours, python):
        assert str(mine) == str(other)


@pytest.mark.parametrize("decorator", [dataclass, dataclasses.dataclass])
def test_derived_classes_inherit(decorator):
    base = made(decorator, "Fields", {"frozen": True})
    derived = decorator(frozen=True)(type("Derived", (base,), {"__annotations__": {"z": "int"}, "z": 0}))
    one = derived(1, [2], z=3)
    assert (one.a, one.b, one.z) == (1, [2], 3)
    assert one == derived(1, [2], z=3) != derived(1, [2], z=4)
    assert one != base(1, [2])
    plain = type("Left", (derived,), {})(1)
    plain.other = 3  # no field
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.z = 3
    assert base(1).b is not base(1).b


def test_a_record_that_holds_itself_is_shown():
    holder = made(dataclass, "Single", {})(None)
    holder.only = holder
    assert repr(holder) == "classes.<locals>.Single(only=...)"


def test_a_class_without_parentheses():
    @dataclass
    class Bare:
        a: int

    assert Bare(1) == Bare(1)
    assert repr(Bare(1)).endswith("Bare(a=1)")
