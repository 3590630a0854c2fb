"""The numbers of an exported PyTorch model: its stored tensors, and what it computes from buffers alone, at literal sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from sympy import Symbol

from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.records import dataclass
from .. import arithmetic
from .sizes import Sizes
from .translator import is_size, read_nodes


@dataclass(frozen=True)
class Traced:
    """What is kept of an exported program: its graph and the tensors that no state_dict() holds, but no learned ones."""

    graph: Any
    signature: Any
    constants: Mapping[str, Any]
    symbols: Mapping[str, Symbol]


class TorchNumbers:
    """Tensors by name: those that are given, and what the graph makes of those that depend on no input and nothing learned."""

    def __init__(self, traced: Traced, given: Mapping[str, Any], sizes: Mapping[Symbol, int]):
        signature = traced.signature
        self.given, self.sizes, self.size = dict(given), dict(sizes), Sizes(traced.symbols)
        self.buffers = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
        self.constants = traced.constants
        self.nodes = {node.name: node for node in traced.graph.nodes}
        self.known: dict[Any, Any] = {}

    def learned(self, name: str) -> Any:
        return self._stored(name).detach().cpu().double().numpy()

    def fixed(self, name: str) -> Any:
        made = self._value(self.nodes[name])
        return made.detach().cpu().to(torch.float64 if made.is_floating_point() else torch.int64).numpy()

    def _stored(self, name: str) -> Any:
        found = self.given.get(name, self.constants.get(name))
        if found is None:
            raise FieldError(f"weights has no {name!r}; pass the state_dict() of the module that was imported")
        if not isinstance(found, torch.Tensor):
            found = torch.as_tensor(found)
        if found.device.type == "meta":
            raise FieldError(
                f"{name!r} has no numbers, since the model was made without memory\n"
                "  write instead: weights={**module.state_dict(), **dict(module.named_buffers())} of the same model with memory"
            )
        return found

    # what is computed from buffers alone ------------------------------------------------------------------------------

    def _value(self, wanted: Any) -> Any:
        """The value of a node; all nodes that depend on nothing are computed in order, since some write into others."""
        if wanted not in self.known:
            for node in self.nodes.values():
                if node not in self.known and self._is_fixed(node):
                    self.known[node] = self._computed(node)
        found = self.known.get(wanted)
        if isinstance(found, Exception) or found is None:
            raise UnsupportedError(f"the numbers of {wanted.name} cannot be computed: {found}")
        return found

    def _is_fixed(self, node: Any) -> bool:
        if node.op == "placeholder":
            return node.name in self.buffers
        if node.op != "call_function" or is_size(node):
            return False
        return all(part in self.known or is_size(part) for part in read_nodes(node))

    def _computed(self, node: Any) -> Any:
        try:
            if node.op == "placeholder":
                return self._stored(self.buffers[node.name]).clone()
            arguments = torch.fx.node.map_arg(node.args, self._argument)
            named = dict(torch.fx.node.map_arg(dict(node.kwargs), self._argument))
            if "device" in named:
                named["device"] = torch.device("cpu")
            if node.target.__name__ == "to.device":
                return arguments[0]
            return node.target(*self._numbers(arguments), **self._numbers(named))
        except Exception as error:  # of any operator of PyTorch; told where the value is asked for
            return error

    def _argument(self, node: Any) -> Any:
        if is_size(node):
            return int(self.size(node).xreplace(self.sizes))
        if node in self.known:
            if isinstance(self.known[node], Exception):
                raise self.known[node]
            return self.known[node]
        value = node.meta["val"]  # only its shape and type are asked for
        return torch.zeros([int(self.size(size).xreplace(self.sizes)) for size in value.shape], dtype=value.dtype)

    def _numbers(self, value: Any) -> Any:
        """Sizes as numbers, wherever they stand."""
        if isinstance(value, dict):
            return {name: self._numbers(part) for name, part in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)([self._numbers(part) for part in value])
        if isinstance(value, torch.SymInt):
            return int(self.size(value).xreplace(self.sizes))
        return value

    # masks ------------------------------------------------------------------------------------------------------------

    def special(self, node: str, layer: Layer, number: int, shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, Any]:
        """A mask of 1 and 0 and what stands in the other places, from an operator that chooses or adds."""
        if not isinstance(layer, arithmetic.Masked):
            return {}
        mask, other = self._mask(self.nodes[node], number, shapes["mask"])
        return {"mask": _spread(mask, shapes["mask"]), "other": _spread(other, shapes["other"])}

    def _mask(self, node: Any, number: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
        name = node.target.__name__.split(".")[0].rstrip("_")
        if name == "scaled_dot_product_attention":
            mask = node.args[3] if len(node.args) > 3 else node.kwargs.get("attn_mask")
            held = torch.ones(shape[-2:], dtype=torch.bool).tril() if mask is None else self._value(mask)
            return _without(held) if held.dtype == torch.bool else (torch.ones_like(held), held)
        if name == "masked_fill":
            hidden, value = self._value(node.args[1]), node.args[2]
            value = self._value(value) if hasattr(value, "op") else torch.tensor(float(value))
            return ~hidden.bool(), torch.where(hidden.bool(), value, torch.zeros(()))
        if name == "where":
            condition: Any = self._value(node.args[0]).bool()
            first, second = node.args[1:3]
            computed = [place for place, part in enumerate((first, second)) if not self._is_known(part)]
            chosen = condition if computed[min(number, len(computed) - 1)] == 0 else ~condition
            if len(computed) == 2:
                return chosen, torch.zeros(())
            beside = (second, first)[computed[0]]
            beside = self._value(beside) if hasattr(beside, "op") else torch.tensor(float(beside))
            return chosen, torch.where(chosen, torch.zeros(()), beside.double())
        raise UnsupportedError(f"{node.name}: it is not known which mask {node.target} applies")

    def _is_known(self, part: Any) -> bool:
        if not hasattr(part, "op"):
            return True
        try:
            self._value(part)
        except UnsupportedError:
            return False
        return True


def _without(held: Any) -> tuple[Any, Any]:
    return held, torch.where(held, 0.0, -torch.inf)


def _spread(value: Any, shape: tuple[int, ...]) -> Any:
    """A tensor repeated to a shape, without its leading axes of size 1."""
    value = value.detach().cpu().double()
    while value.dim() > len(shape) and value.shape[0] == 1:
        value = value[0]
    return value.expand(shape).numpy()
