"""Compositions as PyTorch modules: what runs branches, joins them, and follows the arrows of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...algebra.equations.instance import Instance, instantiate
from ...algebra.errors import ShapeError, UnsupportedError
from ...algebra.networks.carrier import Flow, ShapeCarrier
from ...algebra.networks.evaluator import begins_with_input, evaluate_network
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from ...algebra.networks.steps import Steps
from ...algebra.numerics.copies import joined_shape
from .equation import EquationModule
from .leaf_module import leaf_module
from .native import NATIVE

nn = torch.nn


class Joined(nn.Module):
    """What joins the arrows of a graph: element by element, or along an axis (the batch not counted)."""

    def __init__(self, join: Join, axis: int | None):
        super().__init__()
        self.join, self.axis = join, axis

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        if self.axis is not None:
            return torch.cat(parts, dim=self.axis + 1)
        made: torch.Tensor = self.join.combine(parts, float)
        return made


class Branches(nn.Module):
    """Branches of one input, and how their outputs are joined."""

    def __init__(self, joined: Joined, branches: Sequence[nn.Module]):
        super().__init__()
        self.joined = joined
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.joined(*(branch(x) for branch in self.branches))
        return made


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


def under(path: str, name: object) -> str:
    """The path of a part."""
    return f"{path}.{name}" if path else str(name)


class _Sources(Walk[bool]):
    """Whether a node is a layer that takes nothing."""

    def layer(self, layer: Layer) -> bool:
        return not layer.input_names

    def shared(self, net: Shared) -> Any:
        return net.body.accept(self)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> bool:
        return False


class Build(Walk[tuple[nn.Module, Flow]]):
    """Builds modules while shapes are carried along; shared networks are built once for each shape of input."""

    def __init__(self) -> None:
        self.built: dict[str, nn.Module] = {}
        self.inputs = 0
        self.leaves: dict[str, tuple[nn.Module, Instance]] = {}
        """The module of each layer by its path."""

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> tuple[nn.Module, Flow]:
        raise UnsupportedError(f"{type(node).__name__} has no module")

    def input(self, net: Input, flows: tuple[Flow, ...], path: str = "") -> tuple[nn.Module, Flow]:
        return nn.Identity(), Flow(net.shape)

    def series(self, net: Series, flows: tuple[Flow, ...], path: str = "") -> Steps[tuple[nn.Module, Flow]]:
        return self._chain(net.parts, flows, path)

    def repeat(self, net: Repeat, flows: tuple[Flow, ...], path: str = "") -> Steps[tuple[nn.Module, Flow]]:
        return self._chain([net.copy(number) for number in range(int(net.times))], flows, path)

    def _chain(self, parts: Sequence[Network], flows: tuple[Flow, ...], path: str) -> Steps[tuple[nn.Module, Flow]]:
        modules = []
        for number, part in enumerate(parts):
            module, flow = yield part.accept(self, flows, under(path, number))
            flows = (flow,)
            modules.append(module)
        return nn.Sequential(*modules), flows[0]

    def join(self, net: Join, flows: tuple[Flow, ...], path: str = "") -> Steps[tuple[nn.Module, Flow]]:
        built = []
        for number, branch in enumerate(net.branches):
            built.append((yield branch.accept(self, flows, under(path, number))))
        joined, _ = self._joined(net, [flow for _, flow in built])
        return Branches(joined, [module for module, _ in built]), self._output(net, flows)

    @staticmethod
    def _output(net: Network, flows: tuple[Flow, ...]) -> Flow:
        return evaluate_network(net, ShapeCarrier(), [flow.shape for flow in flows]).output

    @staticmethod
    def _joined(net: Join, incoming: Sequence[Flow]) -> tuple[Joined, Flow]:
        channels = next((flow.channels for flow in incoming if flow.channels), None)
        shape, axis = joined_shape(net, [flow.shape for flow in incoming], channels)
        return Joined(net.without_branches(), axis), Flow(shape, channels)

    def layer(self, layer: Layer, flows: tuple[Flow, ...], path: str = "") -> tuple[nn.Module, Flow]:
        flows = flows if layer.input_names else ()
        instance = instantiate(layer, *(flow.shape for flow in flows))
        if layer.several:
            raise UnsupportedError(
                f"{layer} has several outputs ({', '.join(layer.several)}), and a module is made for one; choose it, as in net[{layer.several[0]!r}]"
            )
        channels = layer.layout[1] or (flows[0].channels if flows else None)
        module = leaf_module(layer, flows, NATIVE)
        self.leaves[path] = module, instance
        return module, Flow(instance.output, channels)

    def select(self, net: Selected, flows: tuple[Flow, ...], path: str = "") -> tuple[nn.Module, Flow]:
        """One output of a layer, from its equation."""
        layer = net.body
        if net.several or not isinstance(layer, Layer):
            raise UnsupportedError(
                f"{net} has no module: one is made of one output of a layer, and of networks of these"
            )
        instance = instantiate(layer, *(flow.shape for flow in flows)).showing(*net.names)
        module = EquationModule(instance)
        self.leaves[path] = module, instance
        return module, Flow(instance.output, layer.layout_of(net.names[0]) or (flows[0].channels if flows else None))

    def shared(self, net: Shared, flows: tuple[Flow, ...], path: str = "") -> Steps[tuple[nn.Module, Flow]]:
        """The k-th parameter under a name is one and the same wherever the name stands."""
        module, flow = yield net.body.accept(self, flows, path)
        first = self.built.setdefault(net.name, module)
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

    def graph(self, net: Graph, flows: tuple[Flow, ...], path: str = "") -> Steps[tuple[nn.Module, Flow]]:
        nodes, before = net.nodes, net.predecessors()
        modules: dict[str, nn.Module] = {}
        sources: dict[str, list[Any]] = {}
        arrived: dict[str, Flow] = {}
        entering = [name for name in nodes if not before[name] and begins_with_input(nodes[name])]
        numbers = {name: self.inputs + place for place, name in enumerate(entering)}  # as they are written
        self.inputs += len(entering)
        for name in net.order():
            part, own = nodes[name], before[name]
            incoming = tuple(arrived[source] for source in own)
            taken: list[Any] = list(own)
            if name in numbers:
                taken, incoming = [numbers[name]], ()
            elif not own:
                incoming, taken = flows, list(range(len(flows)))
            if isinstance(part, Join) and not part.branches:
                modules[name], arrived[name] = self._joined(part, incoming)
            else:
                module, arrived[name] = yield part.accept(self, incoming, under(path, name))
                if _Sources().of(part):
                    module, taken = Source(module), [0]
                modules[name] = module
            sources[name] = taken
        # Parameters come in the order in which the nodes were written; what runs first is another matter.
        return GraphModule({name: modules[name] for name in nodes}, sources, net.sink), arrived[net.sink]
