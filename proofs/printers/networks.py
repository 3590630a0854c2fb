"""Networks of numbers as terms of the Coq files about all networks, and what the engine says of them.

A layer becomes a table: at each shape that enters it, what the engine says of that layer alone. How these values compose is left to the
folds in Coq, so that what they say of the whole network can be held against what the engine says.

>>> from layeralgebra import Linear, ReLU
>>> print(term(Linear(2) >> ReLU(), (3,)).splitlines()[0])
Series [
>>> values(Linear(2) >> ReLU(), (3,))[:3]
((2,), (8,), (6, 6, 8, 2, 4))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ...algebra.derivations.metric import METRICS
from ...algebra.errors import BudgetError, UnsupportedError
from ...algebra.metrics.receptive_field import ReachCarrier
from ...algebra.networks.carrier import Flow
from ...algebra.networks.evaluator import evaluate_network, input_flows, shape_of
from ...algebra.networks.joins import Add, Concat, Mul
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network, Repeat, Series, Shared

Shape = tuple[int, ...]


def term(net: Network, on: Shape) -> str:
    """A network at a shape of numbers as a Coq term of type ``network``.

    Raises
    ------
    UnsupportedError
        If a part has no counterpart there: a graph, an input, a layer of several inputs or outputs, a join of one's own.
    """
    printer = _Printer()
    (flow,) = input_flows(on)
    _numbers(flow)
    printer.visit(net, flow, ())
    return printer.text(net, (), "")


@lru_cache(maxsize=4096)
def values(net: Network, on: Shape) -> tuple[tuple[int, ...] | None, ...]:
    """What the engine says of a network, in the order of ``told`` in the Coq files; None for a field of which it says nothing exact."""
    work = METRICS["flops"](net, on=on, apart=True)
    counts = [METRICS["macs"](net, on=on), work.multiplies, work.adds, work.other, METRICS["activations"](net, on=on)]
    said = [
        METRICS["output_shape"](net, on=on),
        [METRICS["parameters"](net, on=on)],
        counts,
        [METRICS["depth"](net, on=on, count=count) for count in ("weighted", "layers")],
    ]
    return (*(tuple(map(int, numbers)) for numbers in said), *_fields(net, on))


def _fields(net: Network, on: Shape) -> list[tuple[int, ...] | None]:
    """Along each axis that enters: size, jump and start, where they are exact and the axis holds positions from beginning to end."""
    rank = len(on)
    found: list[tuple[int, ...] | None] = [None] * rank
    try:
        evaluation = METRICS["receptive_field"].evaluate(net, on)
        field = METRICS["receptive_field"](net, on=on)
    except (UnsupportedError, BudgetError):
        return found
    if field.kind == "exact":
        axes = range(rank - 1) if evaluation.layout == "last" else range(evaluation.layout != "all", rank)
        for axis, size, jump, start in zip(axes, field.size, field.jump, field.start):
            if axis != evaluation.output.channel_axis:  # what its channels see together is told there
                found[axis] = int(size), int(jump), int(start)
    return found


class _Printer:
    """Tables of layers, filled while a network is walked at the shapes that enter its parts, and its text."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], dict[Shape, str]] = {}
        self.names: dict[tuple[Any, ...], list[str]] = {}
        self.shared: list[tuple[str, tuple[Any, ...], list[str]]] = []

    def visit(self, node: Network, flow: Flow, where: tuple[Any, ...], copy: tuple[Any, ...] = ()) -> Flow:
        """Walk a part: `where` it stands in the network, and its path with the numbers of copies, by which shared tensors are told apart."""
        if isinstance(node, Series):
            for place, part in enumerate(node.parts):
                flow = self.visit(part, flow, (*where, place), (*copy, place))
            return flow
        if isinstance(node, (Add, Mul, Concat)):
            for place, branch in enumerate(node.branches):
                self.visit(branch, flow, (*where, place), (*copy, place))
            self.rows.setdefault(where, {})[_numbers(flow)] = self._joined(node, flow)
            return shape_of(node, flow)
        if isinstance(node, Repeat) and node.times.is_Integer and node.index is None:
            leaving = shape_of(node, flow)
            flow = Flow(flow.shape, leaving.channels) if node.times and flow.channels is None else flow
            for number in range(int(node.times)):
                flow = self.visit(node.body, flow, (*where, 0), (*copy, f"copy {number}"))
            return leaving
        if isinstance(node, Shared):
            self.shared.append((node.name, copy, []))
            flow = self.visit(node.body, flow, (*where, 0), copy)
            self.names[where] = self.shared.pop()[2]
            return flow
        if isinstance(node, Layer) and len(node.input_names) == 1 and not node.several:
            return self._layer(node, flow, where, copy)
        raise UnsupportedError(f"{type(node).__name__} has no counterpart in the networks of the Coq files: {node}")

    def _layer(self, node: Layer, flow: Flow, where: tuple[Any, ...], copy: tuple[Any, ...]) -> Flow:
        shape = _numbers(flow)
        tensors = [_product(sizes) for sizes in node.instance(flow.shape).weights().values()]
        if self.shared:
            name, above, names = self.shared[-1]
            names += [f"{name}: {copy[len(above) :]}, {place}" for place in range(len(tensors))]
        made, _, counts, depths = values(node, shape)[:4]
        assert made is not None and counts is not None and depths is not None
        windows = "; ".join(map(_window, range(len(shape)), evaluate_network(node, ReachCarrier(), shape).value or ()))
        self.rows.setdefault(where, {})[shape] = (
            f"Row {_listed(made)} {_listed(tensors)} {_listed(counts)} {depths[0]} [{windows}]"
        )
        return shape_of(node, flow)

    def _joined(self, node: Network, flow: Flow) -> str:
        if isinstance(node, (Add, Mul)):
            return "Added" if isinstance(node, Add) else "Multiplied"
        assert isinstance(node, Concat)
        made = [shape_of(branch, flow) for branch in node.branches]
        rank = len(made[0].shape)
        axis = node.stacked_axis(rank, next((one.channels for one in made if one.channels), None))
        return f"(Stacked {axis % rank})"

    def text(self, node: Network, where: tuple[Any, ...], indent: str) -> str:
        """The term of a part, after it was walked."""
        below = indent + "  "

        def parts(nodes: Sequence[Network]) -> str:
            lines = (below + self.text(part, (*where, place), below) for place, part in enumerate(nodes))
            return "[\n" + ";\n".join(lines) + "]"

        if isinstance(node, Series):
            return f"Series {parts(node.parts)}"
        if isinstance(node, (Add, Mul, Concat)):
            kinds = set(self.rows.get(where, {}).values())
            if len(kinds) > 1:
                raise UnsupportedError(
                    f"copies of {node} stack along several axes, which has no counterpart in the Coq files"
                )
            return f"Join {kinds.pop() if kinds else 'Added'} {parts(node.branches)}"
        if isinstance(node, Repeat):
            return f"Repeat {node.times} ({self.text(node.body, (*where, 0), below)})"
        if isinstance(node, Shared):
            names = "; ".join(f'"{name}"%string' for name in self.names.get(where, ()))
            return f"Shared [{names}] ({self.text(node.body, (*where, 0), below)})"
        rows = "; ".join(f"({_listed(shape)}, {row})" for shape, row in self.rows.get(where, {}).items())
        return f"tabled [{rows}]"


def _window(axis: int, own: Any) -> str:
    """The window of a layer along an axis, if it moves on with the position there and nowhere else."""
    plain = own.last is None and own.core is None and own.limits is None and own.even and not own.gated
    if not plain or [digit.axis for digit in own.digits] != [axis] or not own.low.steps or not own.high.steps:
        return "None"
    size, jump, start = (int(number) for number in (own.size, own.jump(axis), own.low.offset))
    return f"Some (Field {_number(size)} {_number(jump)} {_number(start)})"


def _numbers(flow: Flow) -> Shape:
    if not all(size.is_Integer for size in flow.shape):
        raise UnsupportedError(f"the Coq files compute with numbers, and the shape {flow.shape} has symbols")
    return tuple(map(int, flow.shape))


def _product(sizes: Sequence[Any]) -> int:
    made = 1
    for size in sizes:
        made *= int(size)
    return made


def _number(number: int) -> str:
    return str(number) if number >= 0 else f"({number})"


def _listed(numbers: Sequence[int]) -> str:
    return f"[{'; '.join(map(_number, numbers))}]"
