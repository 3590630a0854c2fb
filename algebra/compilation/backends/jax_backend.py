"""JAX: its arrays, and the names of the operations on them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from sympy import Symbol

from ...errors import FieldError
from ..program.formulas import Formulas
from ..program.operations import STEPS
from .registry import Backend, Runner
from .tensor_runner import TensorRunner


class JaxTensors:
    """What the runner needs of jax."""

    def __init__(self) -> None:
        import jax

        self.jax = jax
        self._fused: dict[Any, Any] = {}
        self._both_ends = jax.jit(lambda value: jax.numpy.stack([value.min(), value.max()]))

    def _wide(self) -> Any:
        """64-bit integers, for the time of a call."""
        home = self.jax if hasattr(self.jax, "enable_x64") else importlib.import_module("jax.experimental")
        return home.enable_x64(True)

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.jax.Array)

    def is_traced(self, value: Any) -> bool:
        return isinstance(value, self.jax.core.Tracer)

    def tensor(self, symbol: Symbol, value: Any, kind: str) -> Any:
        jnp = self.jax.numpy
        if self.is_traced(value):
            return value
        with self._wide():
            tensor = value if self.is_tensor(value) else jnp.asarray(value)
            if kind == "float":
                return tensor.astype(jnp.float64)
            if tensor.dtype.kind not in "iu":
                raise FieldError(f"{symbol} must be an array of integers, got one of {tensor.dtype}")
            return tensor.astype(jnp.int64)

    def ends(self, value: Any) -> tuple[int, int]:
        with self._wide():  # elsewhere jax would cut the result to 32 bits
            low, high = self._both_ends(value).tolist()
            return low, high

    def from_numpy(self, array: Any, like: Any) -> Any:
        with self._wide():
            return self.jax.numpy.asarray(array)

    def number(self, value: Any) -> Any:
        """An array without axes as a Python number, unless it is being traced."""
        return value.item() if self.is_tensor(value) and not self.is_traced(value) and not value.ndim else value

    def run(self, function: Callable[..., Any], arguments: Sequence[Any], fuse: bool) -> Any:
        """The function of the arguments, compiled as one where that is possible."""
        if any(self.is_traced(argument) for argument in arguments):
            return function(*arguments)
        with self._wide():
            if not fuse or any(isinstance(argument, (int, float)) for argument in arguments):
                return function(*arguments)
            if function not in self._fused:
                if len(self._fused) > 32:
                    self._fused.clear()
                self._fused[function] = self.jax.jit(function)
            return self._fused[function](*arguments)

    def kernels(self) -> dict[str, Callable[..., Any]]:
        jnp = self.jax.numpy
        special = self.jax.scipy.special
        names = {"erf": special.erf, "gamma": special.gamma, "loggamma": special.gammaln, "digamma": special.digamma}

        def function(name: str, x: Any) -> Any:
            return names[name](x) if name in names else getattr(jnp, name)(x)

        return {
            **{name: getattr(jnp, known.array) for name, known in STEPS.items() if known.array},
            "where": jnp.where,
            "float": lambda x: jnp.asarray(x).astype(float),
            "log": jnp.log,
            "function": function,
        }


def _runner(formulas: Formulas, symbols: Sequence[Symbol], mask: bool) -> Runner:
    return TensorRunner(formulas, symbols, mask, "jax", JaxTensors())


BACKEND = Backend(_runner)
