"""PyTorch: its tensors, and the names of the operations on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Symbol

from ...errors import FieldError
from ..program.formulas import Formulas
from ..program.operations import STEPS
from .registry import Backend, Runner
from .tensor_runner import TensorRunner


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


def _runner(formulas: Formulas, symbols: Sequence[Symbol], mask: bool) -> Runner:
    return TensorRunner(formulas, symbols, mask, "torch", TorchTensors())


BACKEND = Backend(_runner)
