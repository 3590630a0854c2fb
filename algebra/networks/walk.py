"""Walks over networks: one method for each way of composing, and every node calls its own.

A method that goes on to the parts of a node is a generator, as `steps` has it: it yields ``part.accept(self, ...)`` and is sent the
value of the part. Whoever begins a walk calls `Walk.of`.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ..errors import UnsupportedError
from .graph import Graph
from .joins import Join
from .node import Input, Network
from .ports import Selected
from .series import Repeat, Series, Shared
from .steps import Steps, carried_out

R = TypeVar("R")


class Walk(Generic[R]):
    """A walk over networks: one method for each way of composing. What a walk says nothing about goes to `otherwise`."""

    def of(self, node: Network, *carried: Any) -> R:
        """What the walk makes of a network."""
        made: R = carried_out(node.accept(self, *carried))
        return made

    def layer(self, node: Any, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def input(self, node: Input, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def series(self, node: Series, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def join(self, node: Join, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def repeat(self, node: Repeat, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def shared(self, node: Shared, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def graph(self, node: Graph, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def select(self, node: Selected, *carried: Any, **named: Any) -> R | Steps[R]:
        return self.otherwise(node, *carried)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> R | Steps[R]:
        raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known here")
