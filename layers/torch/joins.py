"""Compositions as PyTorch modules: what runs branches, joins them, and follows the arrows of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...algebra.equations.instance import instantiate
from ...algebra.errors import ShapeError, UnsupportedError
from ...algebra.networks.carrier import Flow, ShapeCarrier
from ...algebra.networks.evaluator import evaluate_network
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared
from .leaf_module import leaf_module
from .native import NATIVE

nn = torch.nn


def joined(kind: str, axis: int, parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """The sum, the product, or the concatenation along an axis (the batch not counted)."""
    if kind == "Concat":
        return torch.cat(list(parts), dim=axis + 1)
    made = parts[0]
    for part in parts[1:]:
        made = made + part if kind == "Add" else made * part
    return made


class Branches(nn.Module):
    """Branches of one input, and how their outputs are joined."""

    def __init__(self, kind: str, axis: int, branches: Sequence[nn.Module]):
        super().__init__()
        self.kind, self.axis = kind, axis
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return joined(self.kind, self.axis, [branch(x) for branch in self.branches])


class Join(nn.Module):
    """What joins the arrows of a graph."""

    def __init__(self, kind: str, axis: int):
        super().__init__()
        self.kind, self.axis = kind, axis

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        return joined(self.kind, self.axis, parts)


class Source(nn.Module):
    """A layer without an input: its tensor, once for every example."""

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.body()
        return made.expand(x.shape[0], *made.shape)


class GraphModule(nn.Module):
    """Modules along the arrows of a graph; `sources` are names, or numbers of the graph's own inputs."""

    def __init__(self, nodes: dict[str, nn.Module], sources: dict[str, list[str | int]], sink: str):
        super().__init__()
        self.sources, self.sink = sources, sink
        self.keys = {name: name.replace(".", "_") for name in nodes}
        self.nodes = nn.ModuleDict({self.keys[name]: node for name, node in nodes.items()})

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        made: dict[str, torch.Tensor] = {}
        for name, sources in self.sources.items():
            made[name] = self.nodes[self.keys[name]](*(inputs[s] if isinstance(s, int) else made[s] for s in sources))
        return made[self.sink]


class Build:
    """Builds modules while shapes are carried along; shared networks are built once for each shape of input."""

    def __init__(self) -> None:
        self.shared: dict[str, nn.Module] = {}
        self.inputs = 0

    def visit(self, net: Network, flows: tuple[Flow, ...]) -> tuple[nn.Module, Flow]:
        if isinstance(net, Input):
            return nn.Identity(), Flow(net.shape)
        if isinstance(net, Layer):
            return self._leaf(net, flows)
        if isinstance(net, Series):
            modules = []
            for part in net.parts:
                module, flow = self.visit(part, flows)
                flows = (flow,)
                modules.append(module)
            return nn.Sequential(*modules), flows[0]
        if isinstance(net, Repeat):
            modules = []
            for number in range(int(net.times)):
                module, flow = self.visit(net.copy(number), flows)
                flows = (flow,)
                modules.append(module)
            return nn.Sequential(*modules), flows[0]
        if isinstance(net, Shared):
            return self._shared(net, flows)
        if isinstance(net, Graph):
            return self._graph(net, flows)
        if isinstance(net, (Add, Mul, Concat)):
            built = [self.visit(branch, flows) for branch in net.branches]
            output = self._output(net, flows)
            return Branches(
                type(net).__name__, self._axis(net, [flow for _, flow in built]), [module for module, _ in built]
            ), output
        raise UnsupportedError(f"{type(net).__name__} has no module")

    @staticmethod
    def _output(net: Network, flows: tuple[Flow, ...]) -> Flow:
        return evaluate_network(net, ShapeCarrier(), [flow.shape for flow in flows]).output

    @staticmethod
    def _axis(net: Network, flows: Sequence[Flow]) -> int:
        if not isinstance(net, Concat):
            return 0
        rank = len(flows[0].shape)
        if net.axis is not None:
            return net.axis % rank
        return rank - 1 if next((flow.channels for flow in flows if flow.channels), None) == "last" else 0

    def _leaf(self, layer: Layer, flows: tuple[Flow, ...]) -> tuple[nn.Module, Flow]:
        flows = flows if layer.input_names else ()
        instance = instantiate(layer, *(flow.shape for flow in flows))
        channels = layer.layout[1] or (flows[0].channels if flows else None)
        return leaf_module(layer, flows, NATIVE), Flow(instance.output, channels)

    def _shared(self, net: Shared, flows: tuple[Flow, ...]) -> tuple[nn.Module, Flow]:
        """The k-th parameter under a name is one and the same wherever the name stands."""
        module, flow = self.visit(net.body, flows)
        first = self.shared.setdefault(net.name, module)
        if first is module:
            return module, flow
        owners = [(owner, name) for owner in module.modules() for name, _ in owner.named_parameters(recurse=False)]
        for (owner, name), tensor in zip(owners, first.parameters()):
            own = getattr(owner, name)
            if own.shape != tensor.shape:
                raise ShapeError(
                    f"weights shared under {net.name!r} have the shapes {tuple(tensor.shape)} and {tuple(own.shape)} in PyTorch"
                )
            setattr(owner, name, tensor)
        return module, flow

    def _graph(self, net: Graph, flows: tuple[Flow, ...]) -> tuple[nn.Module, Flow]:
        nodes, before = net.nodes, net.predecessors()
        modules: dict[str, nn.Module] = {}
        sources: dict[str, list[Any]] = {}
        arrived: dict[str, Flow] = {}
        for name in net.order():
            part, own = nodes[name], before[name]
            incoming = tuple(arrived[source] for source in own)
            taken: list[Any] = list(own)
            if isinstance(part, (Add, Mul, Concat)) and not part.branches:
                if not own:
                    incoming, taken = flows, list(range(len(flows)))
                shape = self._joined_shape(part, incoming)
                modules[name], arrived[name] = Join(type(part).__name__, self._axis(part, incoming)), shape
            else:
                if not own and (
                    isinstance(part, Input) or (isinstance(part, Series) and isinstance(part.parts[0], Input))
                ):
                    taken, incoming = [self.inputs], ()
                    self.inputs += 1
                elif not own:
                    incoming, taken = flows, list(range(len(flows)))
                module, arrived[name] = self.visit(part, incoming)
                body = part
                while isinstance(body, Shared):
                    body = body.body
                if isinstance(body, Layer) and not body.input_names:
                    module, taken = Source(module), [0]
                modules[name] = module
            sources[name] = taken
        # Parameters come in the order in which the nodes were written; what runs first is another matter.
        return GraphModule({name: modules[name] for name in nodes}, sources, net.sink), arrived[net.sink]

    def _joined_shape(self, part: Network, incoming: Sequence[Flow]) -> Flow:
        channels = next((flow.channels for flow in incoming if flow.channels), None)
        columns = list(zip(*(flow.shape for flow in incoming)))
        if isinstance(part, Concat):
            axis = self._axis(part, incoming)
            return Flow(
                tuple(sum(column) if place == axis else column[0] for place, column in enumerate(columns)), channels
            )
        return Flow(tuple(max(column) for column in columns), channels)
