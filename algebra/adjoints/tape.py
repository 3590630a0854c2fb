"""The steps of a network in their order, and for each that passes gradients on what goes back through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from sympy import Expr

from ..records import dataclass
from .lifetimes import Step
from .saving import Tensor


@dataclass(frozen=True)
class Arrived:
    """What arrives at a node: the tensor that holds it, whether its gradient is asked for, and what the gradient is of.

    The latter two differ for a part that is shown of a larger tensor.
    """

    tensor: Tensor
    needs: bool = False
    of: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.of is None:
            object.__setattr__(self, "of", self.tensor)


@dataclass
class Gradients:
    """The gradients that are known while one goes back: of each tensor the one that holds the sum of what has come so far."""

    steps: list[Step] = field(default_factory=list)
    known: dict[Tensor, Tensor] = field(default_factory=dict)
    parts: set[Tensor] = field(default_factory=set)
    """Tensors whose gradient is a part of a larger one."""
    pinned: set[Tensor] = field(default_factory=set)
    """Gradients that somebody else reads later."""
    learned: list[Tensor] = field(default_factory=list)
    """The gradients of learned tensors, which stay."""
    shared: dict[Any, Tensor] = field(default_factory=dict)
    """Those of tensors that several nodes share, by their names."""

    def take(self, arrived: Arrived) -> Tensor | None:
        """The gradient of something of which all readers have been passed."""
        self.parts.discard(arrived.of)
        return self.known.pop(arrived.of, None)

    def add(self, arrived: Arrived, contribution: Tensor, part: bool = False) -> None:
        """One reader's contribution; it is added in place where nobody else reads what is there."""
        if not arrived.needs:
            return
        tensor = arrived.of
        before = self.known.get(tensor)
        if before is None:
            self.known[tensor] = contribution
            if part:
                self.parts.add(tensor)
            return
        mine = sum(one is before for one in self.known.values()) == 1 and before not in self.pinned
        if mine and tensor not in self.parts and before is not contribution:
            self.steps.append(Step((before, contribution), ()))
            return
        made = Tensor(tensor.elements, each=tensor.each)
        self.steps.append(Step((before, contribution), (made,)))
        self.known[tensor] = made
        self.parts.discard(tensor)

    def learn(self, elements: Expr, key: Any = None) -> tuple[list[Tensor], list[Step]]:
        """What a step makes that learns so many elements, and what adds it to what shares them."""
        made = Tensor(elements, kind="gradients", each=False)
        if key is None:
            self.learned.append(made)
            return [made], []
        if key in self.shared:
            return [made], [Step((self.shared[key], made), ())]
        self.shared[key] = made
        return [made], []

    @property
    def kept(self) -> list[Tensor]:
        """Gradients of what is learned."""
        return [*self.learned, *self.shared.values()]


@dataclass
class Tape:
    """What is carried out forward, and what to go back through; in a `block` copies keep what enters them and are carried out again."""

    block: bool = False
    steps: list[Step] = field(default_factory=list)
    back: list[Callable[[Gradients], None]] = field(default_factory=list)
    sharing: tuple[tuple[str, int], ...] = ()
    """The names under which weights are shared here, with how long the path to them is."""

    def backward(self, gradients: Gradients) -> list[Step]:
        for passed in reversed(self.back):
            passed(gradients)
        return gradients.steps
