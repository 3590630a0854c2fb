"""PyTorch models, read from `torch.export`: the graph is traced on tensors without memory, so that no weights are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sympy import Symbol

from ...algebra.arguments import checked
from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from ..importers.carried import Carrier
from ..importers.grouping import placed
from ..importers.report import reported
from .decompositions import written_out
from .examples import dynamic_axes, example
from .reading import has_rule, recorded
from .straightening import straightened
from .tracing import cache_advice, module_of, returns_cache, still_open, traced


@checked
def from_torch(
    module: Any,
    example_shape: Any,
    dynamic: Mapping[Any, object] | None = None,
    *,
    operators: Mapping[str, Callable[..., Network]] | None = None,
    integers: Any = None,
    outputs: int | str | Sequence[int | str] | None = None,
) -> Network:
    """A network from a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module, or a function that makes one
        A function is called where tensors take no memory, so that a model of any size can be read. The module is not changed.
    example_shape : shape, list of arguments, or mapping of the names of arguments
        What `forward` is called with. A shape is that of one example, without the batch: (channels, *spatial), (time, features), or
        (time,) for a model of tokens; a tensor, with its batch, stands for its shape and type. Several arguments are a list, or a
        mapping by their names, ``{"tokens": (16,), "use_cache": False}``; an argument may be a list or a dictionary of shapes, and
        numbers, texts, truth values and None are passed on as they are.
    dynamic : mapping of int, (int, int) or (str, int), to str, Symbol or torch.export.Dim, optional
        Axes that stay symbolic: ``{1: "H", 2: "W"}`` of the first shape, ``{(1, 0): "T"}`` or ``{("mask", 0): "T"}`` of another input
        by its place or its name. What the model asks of them while it is traced (``if W % 8: ...``) is stated of the input and part of
        every domain, and so are the bounds of a `Dim`.
    operators : mapping of str to function, optional
        For an operator without a rule: a function of the shapes of its inputs and of its other arguments that returns a `Layer`.
    integers : bool, str, sequence of bool, or collection of str, optional
        Which inputs hold integers (tokens): all or none, one by one, or by their names; by default all, if the first layer of the model
        is an embedding.
    outputs : int, str, or sequence of them, optional
        Which tensors of what the model returns are asked for, by place or by name (the key of a dictionary, the field of a record);
        all, if left out. Several are flattened and stand one after the other.

    Returns
    -------
    Network
        Modules become nested graphs under their own names, a stack of equal blocks a repetition. Its attribute `imported` tells which
        parameters are counted and which do not act on the outputs.

    Raises
    ------
    UnsupportedError
        If the model uses operators that no layer is known for; each is named, with its count and places. If what is read differs from
        the shapes or the learned tensors that PyTorch has, or `torch.export` refuses the model.
    FieldError
        If `module` is no module and no function that makes one, or there is no such argument, axis or output.

    Examples
    --------
    >>> import layeralgebra as la                                      # doctest: +SKIP
    >>> import torch                                                   # doctest: +SKIP
    >>> net = la.from_torch(torch.nn.Linear(3, 4), (3,))               # doctest: +SKIP
    """
    try:
        import torch
    except ImportError:
        raise UnsupportedError("from_torch needs PyTorch; install layeralgebra[torch]") from None
    module = module_of(torch, module)
    entering = example(torch, module, example_shape, integers)
    axes = dynamic_axes(dynamic or {}, entering.tensors)
    program, symbols = traced(torch, module, entering, axes)
    try:
        program = straightened(program)
        written_out(torch, program, lambda node: has_rule(node, operators or {}))
        recording = recorded(torch, program, symbols, operators or {}, outputs)
        still_open(program, entering, axes)
        built, live = placed(recording)
        return reported(built.net, recording, Carrier(built.net, built, live, _numbers(program, symbols)))
    except UnsupportedError as error:
        advice = cache_advice(module, entering) if returns_cache(program) else ""
        raise (UnsupportedError(f"{error}\n  or write: {advice}") if advice else error) from error.__cause__


def _numbers(program: Any, symbols: dict[str, Symbol]) -> Callable[..., Any]:
    from .numbers import TorchNumbers, Traced

    return partial(TorchNumbers, Traced(program.graph, program.graph_signature, dict(program.constants), symbols))
