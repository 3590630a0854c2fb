"""JAX functions, read from their jaxpr."""

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
    """A network from a function of arrays, written with JAX."""
    try:
        import jax  # noqa: F401
    except ImportError:
        raise UnsupportedError("from_jax needs JAX; install layeralgebra[jax]") from None
    from .recording import record
    from .tracing import trace

    traced = trace(function, shapes, params, dynamic or {}, integers)
    recording = record(traced, operators or {}, outputs)
    return reported(build(recording), recording)
