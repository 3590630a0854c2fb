"""What an importer reads before it builds: operations in order, each a layer or a join, with the names of what it takes.

Every framework's reader writes these records; `grouping` makes a network of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from sympy import Expr, Integer
from sympy.logic.boolalg import Boolean

from ...algebra.errors import LayerAlgebraError, UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.records import dataclass


@dataclass(frozen=True)
class Piece:
    """Some rows of a stored tensor: part `part` of `of` equal ones."""

    tensor: str
    part: int = 0
    of: int = 1


@dataclass(eq=False)
class Reads:
    """The stored tensors that one operator of a framework took, in its order: by name, learned ones and fixed ones.

    `pieces` say it tensor by tensor, by the names in the equations of the layers that were made, where the order does not.
    """

    node: str
    learned: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    pieces: tuple[Mapping[str, Piece], ...] = ()


@dataclass
class Operation:
    """One operation of a model: the network that stands for it, its inputs by name, the module in which it happens, its parameters.

    `label` is what it is called where its own name would be that of a framework's node; `reads` are the stored tensors of its operator.
    """

    name: str
    node: Network
    sources: list[str]
    module: tuple[str, ...] = ()
    parameters: Expr = Integer(0)
    label: str = ""
    reads: Reads | None = None


@dataclass(frozen=True)
class Stored:
    """A learned tensor of a model: its names, its size, and the operations that hold it."""

    names: tuple[str, ...]
    size: int
    readers: frozenset[str]


@dataclass
class Recording:
    """A whole model: its inputs (name and shape) and what is stated of their sizes, its operations in order, the name of its output.

    `outputs` are the shapes of all that is asked for, in the framework; `learned` its learned tensors, each once; `batches` the inputs
    of whose leading axis one example is read, and its size.
    """

    inputs: list[tuple[str, tuple[Expr, ...]]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    output: str = ""
    where: list[Boolean] = field(default_factory=list)
    outputs: dict[str, tuple[Expr, ...]] = field(default_factory=dict)
    learned: list[Stored] = field(default_factory=list)
    batches: dict[str, Expr] = field(default_factory=dict)

    def needed(self) -> list[Operation]:
        """The operations on which the output depends, in order."""
        by_name = {operation.name: operation for operation in self.operations}
        wanted, stack = set(), [self.output]
        while stack:
            name = stack.pop()
            if name in by_name and name not in wanted:
                wanted.add(name)
                stack.extend(by_name[name].sources)
        return [operation for operation in self.operations if operation.name in wanted]


def place_of(module: tuple[str, ...]) -> str:
    """A module by its path, whichever of its calls is meant (``name@1``)."""
    return ".".join(name.split("@")[0] for name in module) or "the model"


def unknown_operators(framework: str, found: dict[str, list[str]]) -> UnsupportedError:
    """The error for operators that no rule translates: each with its count and its first places."""
    lines = [
        f"  {name}: {len(places)} time(s), at {', '.join(dict.fromkeys(places[:3]))}{' ...' if len(places) > 3 else ''}"
        for name, places in sorted(found.items())
    ]
    return UnsupportedError(
        f"this model uses {framework} operators that no layer is known for:\n"
        + "\n".join(lines)
        + f"\n  write instead: operators={{{sorted(found)[0]!r}: my_rule}}, where my_rule(shapes, arguments) returns a Layer"
    )


class Refusals:
    """What stands in the way of an import, collected to the end: a first refusal by a rule, and every operator without one.

    What a rule refuses after something else was left out may be a consequence of that, and is not told.
    """

    def __init__(self, framework: str):
        self.framework = framework
        self.missing: dict[str, list[str]] = {}
        self.first: LayerAlgebraError | None = None

    def unknown(self, name: str, place: str) -> None:
        """An operator without a rule."""
        self.missing.setdefault(name, []).append(place)

    def refused(self, error: LayerAlgebraError) -> None:
        """What a rule does not take."""
        if self.first is None and not self.missing:
            self.first = error

    def raised(self) -> None:
        """Raise what was found, if anything was."""
        if self.first is None:
            if self.missing:
                raise unknown_operators(self.framework, self.missing)
            return
        if not self.missing:
            raise self.first
        raise type(self.first)(f"{self.first}\n{unknown_operators(self.framework, self.missing)}") from self.first
