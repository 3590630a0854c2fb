"""JAX functions, and models of Equinox and Flax, read from the jaxpr to which JAX traces them; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...algebra.arguments import checked
from ...algebra.errors import UnsupportedError
from ...algebra.networks.network import Network
from ..importers.grouping import build
from ..importers.report import reported


@checked
def from_jax(
    function: Any,
    *shapes: Any,
    params: Any = None,
    dynamic: Mapping[Any, object] | None = None,
    operators: Mapping[str, Callable[..., Network]] | None = None,
    outputs: int | str | Sequence[int | str] | None = None,
    integers: bool | Sequence[int] | None = None,
) -> Network:
    """A network from a JAX function, or from an Equinox or Flax model.

    JAX has no batch of its own, so every axis is an axis here: a shape is that of the whole array with which the function is called,
    and a function of a batch has the batch in its formulas (name it, as in ``dynamic={0: "B"}``). Equinox modules take one example, and so
    do Flax modules that are given the shape of one. Models are read as in inference. All numbers are taken for finite: what asks for
    NaN does not act.

    Parameters
    ----------
    function : callable, or an Equinox or Flax (linen, nnx) module
        A function of the inputs, or of `params` and the inputs; ``jit``, ``vmap``, ``grad``, ``checkpoint`` may be around it or in it. What else
        it refers to is not learned.
    *shapes : tuple of int, or arrays, or jax.ShapeDtypeStruct
        One for each input, or a dictionary or list of them. A shape says nothing of the kind of numbers; arrays do.
    params : tree of arrays or jax.ShapeDtypeStruct, optional
        The first argument of the function. Its arrays of floats are the learned tensors, named by their path; others are buffers.
    dynamic : mapping of int, or (int, int), to str, Symbol or Expr, optional
        Axes that stay symbolic: ``{0: "T"}`` of the first input, ``{(1, 0): "S"}`` the first axis of the second; ``8*h`` for one that is split
        into eighths. What the function asks of sizes while it is traced (``if T % 8: ...``) is decided as at the example, and stated of
        the input and of every domain.
    operators : mapping of str to function, optional
        For a primitive without a rule: a function of the shapes of its inputs and of its parameters that returns a `Layer`.
    outputs : int, str, or sequence of them, optional
        Which arrays of what the function returns are asked for, by place or by path; all, if left out. Several are flattened and stand
        one after the other.
    integers : bool or sequence of int, optional
        Whether the inputs hold integers (tokens), or the numbers of those that do; if left out, they do if floats cannot be traced.

    Returns
    -------
    Network
        A number without axes is an array of one element. Named scopes, and the modules of a model, become nested graphs under their own
        names, a stack of equal ones or a scan over stacked weights a repetition, another scan one equation. Its attribute
        `imported` tells which parameters are counted.

    Raises
    ------
    UnsupportedError
        If JAX is not installed or cannot trace the function. If it uses primitives that no layer is known for; each is named, with its count
        and places. If what it computes depends on the data (a branch, a number of turns).
    FieldError
        If `function` is no function, a shape is none, or there is no such axis or output.

    Examples
    --------
    >>> import layeralgebra as la                                               # doctest: +SKIP
    >>> import jax.numpy as jnp                                                 # doctest: +SKIP
    >>> def dense(params, x):
    ...     return x @ params["w"] + params["b"]
    >>> params = {"w": jnp.ones((3, 4)), "b": jnp.ones(4)}                      # doctest: +SKIP
    >>> net = la.from_jax(dense, (8, 3), params=params, dynamic={0: "n"})       # doctest: +SKIP
    >>> la.parameters(net), la.macs(net)                                        # doctest: +SKIP
    (16, 12*n)
    """
    try:
        import jax  # noqa: F401
    except ImportError:
        raise UnsupportedError("from_jax needs JAX; install layeralgebra[jax]") from None
    from .recording import record
    from .tracing import trace

    traced = trace(function, shapes, params, dynamic or {}, integers)
    recording = record(traced, operators or {}, outputs)
    return reported(build(recording), recording)
