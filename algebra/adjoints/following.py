"""What folds share that follow tensors through a network: what arrives at a part and leaves it, and how parts are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from ..arguments import shown
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import Ends, GraphStep, Site, TotalCarrier
from .training import RECOMPUTE, node_of, on_the_way

POLICIES = ("equation", "pytorch")

P = TypeVar("P", bound="Part")


class Several(dict[str, Any]):
    """What leaves a node of several outputs, by their names."""


def each(left: Any) -> tuple[Any, ...]:
    """What enters the next part of a series."""
    return tuple(left.values()) if isinstance(left, Several) else (left,)


def one_of(arrived: Mapping[Any, Any], source: Any) -> Any:
    """What an arrow of a graph brings: what leaves a node, or one of its outputs."""
    found = arrived[node_of(arrived, source)]
    return found[source[1]] if isinstance(found, dict) else found


class Part:
    """A function of what arrives and of what is noted so far, which it adds to, to what leaves; and whether there are repetitions in it."""

    def __init__(self, at: Callable[[tuple[Any, ...], Any], Any], blocks: bool = False):
        self.at, self.blocks = at, blocks


class FollowingCarrier(TotalCarrier[P], Generic[P]):
    """Puts parts together; what layers and joins are is left to the folds.

    Parameters
    ----------
    part : type
        What a part is made as.
    policy, recompute : str
    """

    def __init__(self, part: type[P], policy: str, recompute: str):
        for name, given, known in (("policy", policy, POLICIES), ("recompute", recompute, RECOMPUTE)):
            if given not in known:
                raise FieldError(f"{name} is one of {', '.join(known)}, got {shown(given)}")
        if policy == "pytorch" and recompute == "selective":
            raise UnsupportedError(
                "PyTorch computes nothing again of its own accord inside a layer; write recompute='none' or 'block', or policy='equation'"
            )
        self.part, self.policy, self.recompute = part, policy, recompute

    def beginning(self) -> P:
        """What stands where nothing is computed: what arrives, or what enters the network here."""
        raise NotImplementedError

    def series(self, values: Sequence[P]) -> P:
        if not values:
            return self.beginning()

        def at(arrivals: tuple[Any, ...], noted: Any) -> Any:
            for value in values:
                left = value.at(arrivals, noted)
                arrivals = each(left)
            return left

        return self.part(at, any(value.blocks for value in values))

    def join(self, site: Site, values: Sequence[P]) -> P:
        joining = self.joint(site)

        def at(arrivals: tuple[Any, ...], noted: Any) -> Any:
            return joining.at(tuple(each(value.at(arrivals, noted))[0] for value in values), noted)

        return self.part(at, any(value.blocks for value in values))

    def graph(self, steps: Sequence[GraphStep[P]], sink: Any) -> P:
        def at(arrivals: tuple[Any, ...], noted: Any) -> Any:
            arrived: dict[Any, Any] = {}
            for step in on_the_way(steps, sink):
                incoming = tuple(one_of(arrived, source) for source in step.sources) or arrivals
                value = self.joint(step.join) if step.join is not None else step.values[0]
                arrived[step.name] = value.at(incoming, noted)
            if isinstance(sink, Ends):
                return Several(zip(sink.names, (one_of(arrived, end) for end in sink)))
            return one_of(arrived, sink)

        return self.part(at, any(value.blocks for step in steps for value in step.values))
