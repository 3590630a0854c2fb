"""What a backward pass is made of: equations of layers, gradients that are added, and repetitions from the last copy down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sympy import Expr, Symbol

from ..equations.instance import Shape
from ..networks.carrier import Site
from ..records import dataclass
from .adjoint import Adjoint


@dataclass(frozen=True)
class Gradient:
    """A gradient that flows between steps, by number."""

    number: int
    shape: Shape | None = None

    def __str__(self) -> str:
        return f"g{self.number}"


@dataclass(frozen=True)
class BackwardStep:
    """One layer or join, backward.

    Attributes
    ----------
    path : str
        Where it stands; in a repetition with the index of the copy.
    site : Site
        What stands there.
    adjoint : Adjoint
        Its equations.
    arriving : dict
        The tensors of the equations that are gradients of what leaves it, each to the gradient, or to None where nothing comes back.
    leaving : dict
        Of inputs, the tensors of the equations to the gradients that go on.
    learned : dict
        Of learned tensors, their names to those of their gradients in the equations.
    """

    path: str
    site: Site
    adjoint: Adjoint
    arriving: Mapping[str, Gradient | None]
    leaving: Mapping[str, Gradient]
    learned: Mapping[str, str]


@dataclass(frozen=True)
class SumStep:
    """Gradients that meet are added."""

    parts: tuple[Gradient, ...]
    made: Gradient


@dataclass(frozen=True)
class LoopStep:
    """Copies of a repetition, from the last one down to number `first`.

    Attributes
    ----------
    path : str
    index : Symbol
        The number of the copy.
    times, first : Expr, int
    steps : tuple of steps
        Of one copy.
    entering, begin : tuples of gradients
        What arrives at a copy from the one after it, and what that is for the last one.
    leaving, made : tuples of gradients
        What a copy hands to the one before it, and what the first of them hands on.
    varies : bool
        Whether shapes change from copy to copy.
    """

    path: str
    index: Symbol
    times: Expr
    first: int
    steps: tuple["Step", ...]
    entering: tuple[Gradient, ...]
    begin: tuple[Gradient | None, ...]
    leaving: tuple[Gradient | None, ...]
    made: tuple[Gradient | None, ...]
    varies: bool


Step = BackwardStep | SumStep | LoopStep


def leaves(steps: Sequence[Step]) -> Iterator[BackwardStep]:
    for step in steps:
        if isinstance(step, BackwardStep):
            yield step
        elif isinstance(step, LoopStep):
            yield from leaves(step.steps)
