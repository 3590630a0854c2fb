"""The cheapest of the equal networks: what each value costs with all that it needs, every part and every tensor counted once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...algebra.derivations.metric import METRICS
from ...algebra.errors import UnsupportedError
from ...algebra.networks.carrier import TotalCarrier
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Graph, Input
from ...algebra.records import dataclass
from ...algebra.sizes.evaluate import evaluate
from .saturate import Saturated
from .values import Node

Cost = tuple[float, ...]


@dataclass(frozen=True)
class Chosen:
    """For each value that is needed the node that makes it."""

    nodes: Mapping[int, Node]
    root: int


class Extraction:
    """What nodes and tensors cost, and what is cheapest."""

    def __init__(self, saturated: Saturated, metrics: Sequence[str], at: Mapping[Any, int]):
        self.saturated, self.metrics, self.at = saturated, tuple(metrics), dict(at)
        self.work: dict[Any, Cost] = {}
        self.classes: dict[int, list[Node]] = {}
        seen = set()
        find = saturated.find
        for node in saturated.values.nodes:
            arguments = tuple(map(find, node.arguments))
            key = (node.operation, arguments, find(node.value))
            if key not in seen:
                seen.add(key)
                self.classes.setdefault(find(node.value), []).append(
                    Node(node.operation, arguments, find(node.value), node.step)
                )

    def _number(self, value: Any) -> float:
        return float(evaluate(value, self.at, unused=True))

    def costs(self, node: Node) -> dict[Any, Cost]:
        """What a node costs, tensor by tensor and the work of the operation."""
        values = self.saturated.values
        operation = values.operations[node.operation]
        shapes = tuple(values.shapes[a] for a in node.arguments)
        key = (operation.network, shapes)
        if key not in self.work:
            self.work[key] = self._of(operation.network, shapes)
        work = self.work[key]
        found: dict[Any, Cost] = {(node.operation, node.arguments): (*work, 1.0)}
        if "parameters" in self.metrics:
            place = self.metrics.index("parameters")
            zero = (0.0,) * (len(self.metrics) + 1)
            if isinstance(operation.network, Layer):
                instance = operation.network.instance(*shapes)
                for tensor, weight in operation.weights:
                    if instance.roles.get(tensor) == "weight":
                        size = math.prod(self._number(size) for size in instance.shapes[tensor])
                        found[weight] = (*zero[:place], size, *zero[place + 1 :])
                found[(node.operation, node.arguments)] = (*work[:place], 0.0, *work[place + 1 :], 1.0)
        return found

    def _of(self, network: Any, shapes: Sequence[Any]) -> Cost:
        nodes: dict[str, Any] = {f"in{n}": Input(*shape) for n, shape in enumerate(shapes)}
        edges = [(name, "here") for name in nodes]
        nodes["here"] = network
        net = Graph(nodes, edges)
        return tuple(self._number(METRICS[name](net)) for name in self.metrics)

    def cheapest(self, root: int, weigh: Callable[[Cost], Any] = lambda cost: cost) -> Chosen:
        """The cheapest way to make a value; `weigh` says what is compared."""
        find = self.saturated.find
        root = find(root)
        inputs = {find(value) for value in self.saturated.values.inputs}
        if root in inputs:
            return Chosen({}, root)
        best: dict[int, tuple[Any, dict[Any, Cost], dict[int, Node]]] = {
            value: (weigh((0.0,) * (len(self.metrics) + 1)), {}, {}) for value in inputs
        }
        readers: dict[int, list[Node]] = {}
        for nodes in self.classes.values():
            for node in nodes:
                for argument in set(node.arguments):
                    readers.setdefault(argument, []).append(node)
        own: dict[int, dict[Any, Cost]] = {}
        waiting = dict.fromkeys(id(node) for nodes in self.classes.values() for node in nodes)
        by_id = {id(node): node for nodes in self.classes.values() for node in nodes}
        while waiting:
            node = by_id[next(iter(waiting))]
            del waiting[id(node)]
            if node.value in inputs or any(argument not in best for argument in node.arguments):
                continue
            if any(node.value in best[argument][2] for argument in node.arguments):
                continue
            if id(node) not in own:
                own[id(node)] = self.costs(node)
            items = own[id(node)]
            total = dict(items)
            chosen: dict[int, Node] = {}
            for argument in node.arguments:
                total |= best[argument][1]
                for value, made in best[argument][2].items():
                    chosen.setdefault(value, made)
            chosen[node.value] = node
            cost = weigh(tuple(sum(column) for column in zip(*total.values())))
            if node.value not in best or cost < best[node.value][0]:
                best[node.value] = (cost, total, chosen)
                waiting |= dict.fromkeys(id(reader) for reader in readers.get(node.value, ()))
        greedy = {**{value: one[2][value] for value, one in best.items() if value in one[2]}, **best[root][2]}
        given: dict[int, Node] = {}
        for node in self.saturated.values.nodes:  # what was read, where a value was not made of itself
            arguments = tuple(map(find, node.arguments))
            if node.step is None and find(node.value) not in arguments:
                given.setdefault(find(node.value), Node(node.operation, arguments, find(node.value)))
        found = [self._climbed({**greedy, **start}, root, weigh, inputs) for start in ({}, given)]
        return min((one for one in found if one is not None), key=lambda one: one[0])[1]

    def _climbed(
        self, choice: dict[int, Node], root: int, weigh: Callable[[Cost], Any], inputs: set[int]
    ) -> tuple[Any, Chosen] | None:
        """One value after the other made in another way, as long as the whole becomes cheaper: what is shared is seen only so."""
        costs: dict[int, dict[Any, Cost]] = {}

        def total(changed: Mapping[int, Node]) -> tuple[Any, dict[int, Node]] | None:
            nodes = _reached(changed, choice, root, inputs)
            if nodes is None:
                return None
            items: dict[Any, Cost] = {}
            for node in nodes.values():
                if id(node) not in costs:
                    costs[id(node)] = self.costs(node)
                items |= costs[id(node)]
            return weigh(tuple(sum(column) for column in zip(*items.values()))), nodes

        now = total({})
        if now is None:
            return None
        better = True
        while better:
            better = False
            for value in list(now[1]):
                for node in self.classes.get(value, ()):
                    if value in now[1] and node is not now[1][value]:
                        found = total({value: node})
                        if found is not None and found[0] < now[0]:
                            now, better = found, True
                            choice[value] = node
        return now[0], Chosen(now[1], root)

    def as_read(self, root: int) -> Chosen:
        """The network as it was given, by the values that were read (some of which may have turned out to be equal)."""
        nodes: dict[int, Node] = {}
        for node in self.saturated.values.nodes:
            if node.step is None:
                nodes.setdefault(node.value, node)
        chosen: dict[int, Node] = {}
        waiting = [root]
        while waiting:
            value = waiting.pop()
            if value in nodes and value not in chosen:
                chosen[value] = nodes[value]
                waiting += nodes[value].arguments
        return Chosen(chosen, root)


def _reached(
    changed: Mapping[int, Node], choice: Mapping[int, Node], root: int, inputs: set[int]
) -> dict[int, Node] | None:
    """The nodes that a value needs, each after what it needs; None if a value would be made of itself."""
    found: dict[int, Node] = {}
    open_: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting[-1]
        if value in inputs or value in found:
            waiting.pop()
            continue
        node = changed.get(value) or choice.get(value)
        if node is None:
            return None
        below = [a for a in node.arguments if a not in found and a not in inputs]
        if not below:
            found[value] = node
            open_.discard(value)
            waiting.pop()
        elif value in open_ or any(a in open_ for a in below):
            return None
        else:
            open_.add(value)
            waiting += below
    return found


def additive(name: str) -> str:
    """The name of a metric whose values add over the layers, or why it is not one."""
    metric = METRICS[name]
    if isinstance(metric.carrier(**metric.options), TotalCarrier) and name != "output_shape":
        return name
    raise UnsupportedError(
        f"{name} does not add over the layers of a network, so the cheapest equal network is not known by it; write least='macs', "
        "'parameters', 'flops' or another count"
    )


__all__ = ["Chosen", "Extraction", "additive"]
