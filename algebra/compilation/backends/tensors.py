"""What differs between torch and jax: making tensors, and the names of the operations on them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from sympy import Symbol

from ...errors import FieldError
from ..program.operations import STEPS


class TorchTensors:
    """What the runner needs of torch."""

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor)

    def is_traced(self, value: Any) -> bool:
        return False

    def tensor(self, symbol: Symbol, value: Any, kind: str) -> Any:
        tensor = value if self.is_tensor(value) else self.torch.as_tensor(value)
        if kind == "float":
            return tensor.to(self.torch.float64)
        if tensor.is_floating_point() or tensor.dtype == self.torch.bool or tensor.is_complex():
            raise FieldError(f"{symbol} must be a tensor of integers, got one of {tensor.dtype}; write x.long()")
        return tensor.to(self.torch.int64)

    def ends(self, value: Any) -> tuple[int, int]:
        low, high = self.torch.stack(self.torch.aminmax(value)).tolist()  # one pass, one wait for the device
        return low, high

    def from_numpy(self, array: Any, like: Any) -> Any:
        return self.torch.from_numpy(array if array.flags.writeable else array.copy()).to(like.device)

    def number(self, value: Any) -> Any:
        """A tensor without axes as a Python number; anything else as it is."""
        return value.item() if self.is_tensor(value) and not value.ndim else value

    def run(self, function: Callable[..., Any], arguments: Sequence[Any], fuse: bool) -> Any:
        return function(*arguments)

    def kernels(self) -> dict[str, Callable[..., Any]]:
        torch = self.torch

        def of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
            """A function that wants tensors, for tensors and numbers."""

            def kernel(*operands: Any) -> Any:
                tensor = next(operand for operand in operands if self.is_tensor(operand))
                made = [
                    operand
                    if self.is_tensor(operand)
                    else torch.full((), operand, dtype=tensor.dtype, device=tensor.device)
                    for operand in operands
                ]
                return function(*made)

            return kernel

        return {
            **{
                name: of_tensors(getattr(torch, known.torch or known.array))
                for name, known in STEPS.items()
                if (known.torch or known.array) and not known.by_sign
            },
            "floordiv": of_tensors(lambda x, y: torch.div(x, y, rounding_mode="floor")),
            "where": torch.where,
            "float": lambda x: x.to(torch.float64),
            "divide": lambda x, y: torch.true_divide(_double(x, torch), _double(y, torch)),
            "log": torch.log,
            "pow": torch.pow,
            "function": lambda name, x: getattr(torch, _TORCH_NAMES.get(str(name), str(name)))(x),
        }


def _double(value: Any, torch: Any) -> Any:
    return value.to(torch.float64) if isinstance(value, torch.Tensor) else float(value)


_TORCH_NAMES = {"loggamma": "lgamma"}


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
