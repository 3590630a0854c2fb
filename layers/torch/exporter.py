"""Networks as PyTorch modules, so that what was designed can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, ShapeError, UnsupportedError
from ...algebra.networks.evaluator import input_flows
from ...algebra.networks.network import Network
from ...algebra.numerics.copies import input_nodes
from ...algebra.numerics.weights import inventory
from .leaves import _integer

if TYPE_CHECKING:
    import torch


@checked
def to_torch(
    net: Network, sizes: Mapping[Any, int] | None = None, on: Any = None, *, weights: Mapping[str, Any] | None = None
) -> "torch.nn.Module":
    """A `torch.nn.Module` that computes a network, for tensors with a batch axis before the network's own axes.

    Layers that PyTorch has become its own modules; any other is computed from its equation. Weights are PyTorch's own initial ones.

    Parameters
    ----------
    net : Network
    sizes : mapping of Symbol or str to int, optional
        Values for the network's symbols.
    on : shape, optional
        What enters an open network.
    weights : mapping of str to array or tensor, optional
        Numbers for all learned tensors and buffers, by the names of `la.weights`; for a network of `from_torch` also those of its
        module, ``module.state_dict()``. Random ones, if left out.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    FieldError
        If a symbol has no value, or weights are missing or unknown.
    ShapeError
        If nothing enters an open network, or both `on` and an `Input` say what does.
    UnsupportedError
        If PyTorch is not installed, or it is not known which stored tensor a layer of an imported network holds.

    Examples
    --------
    >>> import layeralgebra as la                                              # doctest: +SKIP
    >>> module = la.to_torch(la.Input(3) >> la.Linear(4))                      # doctest: +SKIP
    >>> sum(p.numel() for p in module.parameters())                            # doctest: +SKIP
    16
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UnsupportedError("to_torch needs PyTorch; install layeralgebra[torch]") from None
    from .filling import filled
    from .joins import Build

    known = {symbol.name: symbol for symbol in net.free_symbols if isinstance(symbol, Symbol)}
    values = {(key.name if isinstance(key, Symbol) else str(key)): value for key, value in (sizes or {}).items()}
    if unknown := sorted(set(values) - set(known)):
        raise FieldError(f"the network has no symbol {unknown[0]}; it has {', '.join(sorted(known)) or 'none'}")
    literal = net.xreplace({known[name]: _integer(value) for name, value in values.items()})
    left = sorted(symbol.name for symbol in literal.free_symbols if isinstance(symbol, Symbol))
    if left:
        raise FieldError(f"to_torch needs a number for {', '.join(left)}; pass sizes={{'{left[0]}': 8}}")
    flows = input_flows(on)
    if left := sorted(str(symbol) for flow in flows for size in flow.shape for symbol in size.free_symbols):
        raise FieldError(f"to_torch needs a number for {left[0]} of on={on}")
    inputs = input_nodes(literal)
    if inputs and flows:
        raise ShapeError("the network begins with Input; leave out `on`")
    if not inputs and not flows:
        raise ShapeError("an open network needs on=(...), as in on=(3, 224, 224)")
    build = Build()
    module, _ = build.of(literal, flows)
    if weights is not None:
        entering = [tuple(map(int, flow.shape)) for flow in flows] or [tuple(map(int, one.shape)) for one in inputs]
        needed = inventory(literal, entering)
        report = getattr(net, "imported", None)
        if report is not None and set(weights) != set(needed.slots):  # the names of the framework that it comes from
            weights = report.weights(weights, values)
        filled(build.leaves, needed, weights)
    return module
