"""Walks over networks: one method for each way of composing, and every node calls its own."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ..errors import UnsupportedError
from .graph import Graph
from .joins import Join
from .node import Input, Network
from .series import Repeat, Series, Shared

R = TypeVar("R")


class Walk(Generic[R]):
    """A walk over networks: one method for each way of composing. What a walk says nothing about goes to `otherwise`."""

    def layer(self, node: Any, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def input(self, node: Input, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def series(self, node: Series, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def join(self, node: Join, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def repeat(self, node: Repeat, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def shared(self, node: Shared, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def graph(self, node: Graph, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> R:
        raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known here")
