"""Graphs inside of nodes: the branch of a choice that is known, the body of a loop whose count is known, written out step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy
from sympy import Integer

from ...algebra.errors import UnsupportedError
from ..importers.arrays import concatenated, reshaped, selected, stacked
from .attributes import Attributes
from .model_file import all_nodes, in_order
from .translator import OnnxTranslator

MOST_STEPS = 1024
"""So many steps of a loop are written out."""
KINDS = ("If", "Loop", "Scan")

Run = Callable[[Any, str], None]
"""Translates a node under a name."""
Store = Callable[[Any, str], None]
"""Stores a tensor under a name."""


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """A copy of a node that reads and writes other names, in the graphs inside of it too."""
    made = type(node)()
    made.CopyFrom(node)
    stack: list[tuple[Any, dict[str, str]]] = [(made, dict(names))]
    while stack:
        part, known = stack.pop()
        part.input[:] = [known.get(name, name) for name in part.input]
        if part is made:
            part.output[:] = [known.get(name, name) for name in part.output]
        for entry in part.attribute:
            for graph in [entry.g] if entry.HasField("g") else list(entry.graphs):
                own = {name for inner in graph.node for name in inner.output} | {
                    one.name for one in (*graph.input, *graph.initializer)
                }
                inside = {name: new for name, new in known.items() if name not in own}
                stack += [(inner, inside) for inner in graph.node]
                for output in graph.output:
                    output.name = inside.get(output.name, output.name)
    return made


class _Body:
    """A graph that is written out, once or several times."""

    def __init__(self, t: OnnxTranslator, node: Any, graph: Any, run: Run, store: Store):
        self.t, self.node, self.graph, self.run, self.store = t, node, graph, run, store
        self.name = node.name or node.output[0]
        self.inputs = [entry.name for entry in graph.input]
        own = {tensor.name for tensor in graph.initializer}
        self.own = own | {name for inner in graph.node for name in inner.output if name}
        outside = {name for name in t.values} | {*self.inputs, *own}
        self.order = in_order(graph, outside - self.own | {*self.inputs, *own})
        self.made = 0

    def read(self, times: int) -> None:
        """Weights that the body reads are shared by all its steps."""
        for inner in all_nodes(self.graph):
            for name in inner.input:
                if name in self.t.uses:
                    self.t.uses[name] += times

    def step(self, given: list[str]) -> list[str]:
        """The names of what the body makes of values by their names."""
        t = self.t
        self.made += 1
        if len(t.operations) > 50_000:
            raise UnsupportedError(f"{self.name}: a loop of more than 50000 operations")
        prefix = f"{self.name}.{self.made}."
        names = {**{name: prefix + name for name in self.own}, **dict(zip(self.inputs, given))}
        for tensor in self.graph.initializer:
            self.store(tensor, names[tensor.name])
        for inner in self.order:
            copy = _renamed(inner, names)
            for old, new in zip(inner.output, copy.output):
                if old in t.kinds:
                    t.kinds[new] = t.kinds[old]
            self.run(copy, f"{self.name}/{inner.name or inner.op_type}_{len(t.operations)}")
        return [names.get(entry.name, entry.name) for entry in self.graph.output]


def written_out(t: OnnxTranslator, node: Any, a: Attributes, run: Run, store: Store) -> None:
    """Translate a node with graphs inside."""
    {"If": _choice, "Loop": _loop, "Scan": _scan}[node.op_type](t, node, a, run, store)


def _choice(t: OnnxTranslator, node: Any, a: Attributes, run: Run, store: Store) -> None:
    condition = node.input[0]
    if condition not in t.known:
        raise UnsupportedError(f"{t.name}: which branch If takes depends on the data{t.hint([condition])}")
    branches = a["then_branch"], a["else_branch"]
    body = _Body(t, node, branches[0] if bool(t.numbers(condition)[0]) else branches[1], run, store)
    for name, made in zip(node.output, body.step([])):
        t.alias(name, made)


def _loop(t: OnnxTranslator, node: Any, a: Attributes, run: Run, store: Store) -> None:
    count, condition, *states = node.input
    body = _Body(t, node, a["body"], run, store)
    most = None if not count else t.numbers(count)[0]
    if most is not None and (hasattr(most, "free_symbols") or int(most) > MOST_STEPS):
        raise UnsupportedError(
            f"{t.name}: a loop of {most} steps; at most {MOST_STEPS}, of a literal number, are written out"
        )
    going = True if not condition else bool(t.numbers(condition)[0])
    body.read(2)
    scanned: list[list[str]] = [[] for _ in node.output[len(states) :]]
    names, step = list(states), 0
    while going and (most is None or step < int(most)):
        if step >= MOST_STEPS:
            raise UnsupportedError(f"{t.name}: a loop of more than {MOST_STEPS} steps")
        place, goes = f"{body.name}.step{step}", f"{body.name}.going{step}"
        t.know(place, numpy.array(step))
        t.know(goes, numpy.array(True))
        proceeds, *made = body.step([place, goes, *names])
        names = made[: len(states)]
        for parts, one in zip(scanned, made[len(states) :]):
            parts.append(one)
        if proceeds not in t.known:
            raise UnsupportedError(f"{t.name}: whether Loop goes on depends on the data")
        going, step = bool(t.numbers(proceeds)[0]), step + 1
    for name, made in zip(node.output, names):
        t.alias(name, made)
    _stacked(t, node.output[len(states) :], scanned, [0] * len(scanned))


def _scan(t: OnnxTranslator, node: Any, a: Attributes, run: Run, store: Store) -> None:
    if t.opset < 9:
        raise UnsupportedError(f"{t.name}: Scan as before opset 9, with an axis of examples of its own")
    body = _Body(t, node, a["body"], run, store)
    count = int(a["num_scan_inputs"])
    states, given = list(node.input[: len(node.input) - count]), list(node.input[len(node.input) - count :])
    outs = len(node.output) - len(states)
    turned, axes = list(a.get("scan_input_directions", [0] * count)), list(a.get("scan_input_axes", [0] * count))
    backwards, places = list(a.get("scan_output_directions", [0] * outs)), list(a.get("scan_output_axes", [0] * outs))
    values = [t.get(name) for name in given]
    lengths = {value.shape[int(axis) % len(value.shape)] for value, axis in zip(values, axes)}
    if len(lengths) != 1 or not next(iter(lengths)).is_Integer or next(iter(lengths)) > MOST_STEPS:
        raise UnsupportedError(
            f"{t.name}: Scan over {sorted(map(str, lengths))} steps; at most {MOST_STEPS}, of a literal number, are written out"
        )
    steps = int(next(iter(lengths)))
    body.read(2)
    scanned: list[list[str]] = [[] for _ in range(outs)]
    names = states
    for step in range(steps):
        parts = []
        for number, (value, axis, turn) in enumerate(zip(values, axes, turned)):
            name = f"{body.name}.part{step}.{number}"
            t.values[name] = selected(t, value, int(axis), steps - 1 - step if turn else step, name)
            parts.append(name)
        made = body.step([*names, *parts])
        names = made[: len(states)]
        for kept, one in zip(scanned, made[len(states) :]):
            kept.append(one)
    for name, made_name in zip(node.output, names):
        t.alias(name, made_name)
    ordered = [parts[::-1] if back else parts for parts, back in zip(scanned, backwards)]
    _stacked(t, node.output[len(states) :], ordered, [int(place) for place in places])


def _stacked(t: OnnxTranslator, outputs: Any, parts: list[list[str]], axes: list[int]) -> None:
    """What the steps have made, one after the other along an axis of their own."""
    for name, made, axis in zip(outputs, parts, axes):
        if not name:
            continue
        if not made:
            raise UnsupportedError(f"{t.name}: a loop without a step makes a tensor of no elements")
        if all(one in t.known for one in made):
            t.know(name, numpy.stack([t.known[one] for one in made], axis))
            continue
        values = [t.get(one) for one in made]
        if not values[0].shape:
            t.values[name] = concatenated(t, [reshaped(t, value, (Integer(1),)) for value in values], 0)
        else:
            t.values[name] = stacked(t, [t.whole(value) for value in values], axis, t.name)
