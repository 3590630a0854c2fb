"""The call of `torch.export`: a model at one example, traced on tensors without memory where it has none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sympy import Symbol

from ...algebra.arguments import takes_nothing
from ...algebra.errors import FieldError, UnsupportedError
from .containers import learned
from .examples import Axis, Example

LONGEST_REASON = 6000
"""Characters of PyTorch's own words that are passed on."""


def module_of(torch: Any, given: Any) -> Any:
    """The module, or what a function makes where tensors take no memory."""
    if not isinstance(given, torch.nn.Module) and callable(given) and takes_nothing(given):
        given = _made(torch, given)
    if not isinstance(given, torch.nn.Module):
        raise FieldError(f"from_torch takes a torch.nn.Module or a function that makes one, got {type(given).__name__}")
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(given, keras.Layer):
        raise UnsupportedError(
            "torch.export takes the weights of a Keras model for constants, so that none of them would count\n"
            "  write instead: la.from_keras(model)"
        )
    return given


def _made(torch: Any, function: Callable[[], Any]) -> Any:
    """What the function makes; numbers that it computes with tensors keep their numbers if it does not run without."""
    try:
        with torch.device("meta"):
            return function()
    except (NotImplementedError, RuntimeError) as error:
        try:
            with _meta_but_for_numbers(torch):
                return function()
        except Exception:
            raise UnsupportedError(
                f"the function that makes the model does not run where tensors take no memory (the device 'meta'): {_reason(error)}\n"
                "  write instead: the model itself, as in la.from_torch(make_model(), ...)"
            ) from error


def _meta_but_for_numbers(torch: Any) -> Any:
    """Tensors are made without memory, except ranges and tensors of given numbers."""
    from torch.overrides import TorchFunctionMode
    from torch.utils._device import _device_constructors

    kept = {
        torch.arange,
        torch.linspace,
        torch.logspace,
        torch.tensor,
        torch.as_tensor,
        torch.range,
        torch.scalar_tensor,
    }

    class Mode(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if function in _device_constructors() and function not in kept and kwargs.get("device") is None:
                kwargs["device"] = "meta"
            return function(*args, **kwargs)

    return Mode()


@contextmanager
def on_one_device(torch: Any, module: Any) -> Iterator[None]:
    """The module with all its tensors on the device "meta" if one of them is there; afterwards it is as it was.

    Constructors that run on that device make some tensors of numbers elsewhere, and operators take tensors of one device.
    """
    devices = {tensor.device.type for tensor in [*module.parameters(), *module.buffers()]}
    if len(devices) < 2 or "meta" not in devices:
        yield
        return
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    moved: dict[int, Any] = {}  # a tensor that is held twice stays one
    for part in module.modules():
        for held in (part._parameters, part._buffers, part.__dict__):
            for name, tensor in list(held.items()):
                if isinstance(tensor, torch.Tensor) and tensor.device.type != "meta":
                    replaced.append((held, name, tensor))
                    held[name] = moved.setdefault(id(tensor), _on_meta(torch, tensor))
    try:
        yield
    finally:
        for held, name, tensor in replaced:
            held[name] = tensor


def _on_meta(torch: Any, tensor: Any) -> Any:
    made = torch.empty_like(tensor, device="meta")
    return torch.nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, torch.nn.Parameter) else made


@contextmanager
def _plainly(torch: Any, gradients: bool) -> Iterator[None]:
    """No fused kernels for whole layers, which PyTorch takes where no gradients are asked for."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.set_grad_enabled(gradients):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def traced(torch: Any, module: Any, example: Example, axes: Sequence[Axis]) -> tuple[Any, dict[str, Symbol]]:
    """The exported program, and the user's symbols by the names that PyTorch gives its own."""
    wanted = None
    if axes:
        shapes = torch.export.ShapesCollection()
        marks: dict[int, dict[int, Any]] = {}
        for axis in axes:
            marks.setdefault(axis.place, {})[axis.axis + 1] = torch.export.Dim.DYNAMIC(min=axis.least, max=axis.most)
        for place, mark in marks.items():
            shapes[example.tensors[place].tensor] = mark
        wanted = shapes.dynamic_shapes(module, example.arguments, example.named)
    program = _exported(torch, module, example, wanted)
    return program, _symbols(program, example, axes)


def _exported(torch: Any, module: Any, example: Example, wanted: Any) -> Any:
    training = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        with on_one_device(torch, module):
            try:
                with _plainly(torch, gradients=True):
                    return _export(torch, module, example, wanted)
            except RuntimeError as error:
                if "inference" not in str(error).lower():
                    raise
                with _plainly(torch, gradients=False):  # what is made under inference_mode takes no part in gradients
                    return _export(torch, module, example, wanted)
    except Exception as error:
        raise UnsupportedError(
            f"torch.export cannot trace this model: {_reason(error)}{_advice(module, example, str(error))}"
        ) from error
    finally:
        for part, was in training:
            part.training = was


def _export(torch: Any, module: Any, example: Example, wanted: Any) -> Any:
    while True:
        try:
            return torch.export.export(module, example.arguments, example.named, dynamic_shapes=wanted, strict=False)
        except Exception as error:
            if not learned(torch, error):
                raise


def _reason(error: BaseException) -> str:
    text = str(error).strip() or repr(error)
    named = text if isinstance(error, RuntimeError) else f"{type(error).__name__}: {text}"
    return named if len(named) <= LONGEST_REASON else f"{named[:LONGEST_REASON]} ..."


def _advice(module: Any, example: Example, reason: str) -> str:
    lines = []
    if "indices" in reason and "long" in reason.lower() or "embedding" in reason and "type" in reason:
        lines.append(
            "integers=True for a model of tokens, or integers=['tokens'] with the names of the inputs that are"
        )
    if any(
        part in reason
        for part in ("same dtype", "must have the same", "expected scalar type", "not implemented for 'Long'")
    ):
        lines.append("integers=[...] with the names of the inputs that hold integers: the others hold floats")
    if "use_cache" not in example.named and "cache" in reason.lower():
        lines.append(cache_advice(module, example))
    return "".join(f"\n  write instead: {line}" for line in lines if line)


def cache_advice(module: Any, example: Example) -> str:
    """How to ask a decoder for no cache; empty where it has none, or was asked already."""
    config = getattr(module, "config", None)
    if "use_cache" in example.named or not getattr(config, "use_cache", False):
        return ""
    first = example.tensors[0] if example.tensors else None
    entry = f"{{{first.name!r}: {first.shape}, 'use_cache': False}}" if first else "{..., 'use_cache': False}"
    return f"la.from_torch(model, {entry}), since this model returns its cache of keys and values as well"


def returns_cache(program: Any) -> bool:
    """Whether a cache is among the results, by the name of its class."""
    return "Cache" in str(program.call_spec.out_spec)


def _symbols(program: Any, example: Example, axes: Sequence[Axis]) -> dict[str, Symbol]:
    entering = entering_nodes(program, example)
    symbols: dict[str, Symbol] = {}
    for axis in axes:
        name = f"axis {axis.axis}" + (f" of {example.tensors[axis.place].name}" if len(entering) > 1 else "")
        size = entering[axis.place].meta["val"].shape[axis.axis + 1]
        if isinstance(size, int):
            raise UnsupportedError(f"the model works for {size} on {name} only, so it cannot stay {axis.symbol}")
        if not size.node.expr.is_Symbol or symbols.setdefault(str(size.node.expr), axis.symbol) != axis.symbol:
            raise UnsupportedError(
                f"the model works only where {name}, {axis.symbol}, is {symbols.get(str(size.node.expr), size.node.expr)}, as another axis has it\n"
                "  write instead: the same name for axes that have to be equal, as in dynamic={1: 'N', 2: 'N'}"
            )
    return symbols


def still_open(program: Any, example: Example, axes: Sequence[Axis]) -> None:
    """Refuse a program whose axes were closed after it was traced, where what an operator is made of fixes a size."""
    entering = entering_nodes(program, example)
    for axis in axes:
        size = entering[axis.place].meta["val"].shape[axis.axis + 1]
        found = size if isinstance(size, int) else size.node.expr
        if isinstance(found, int) or not found.is_Symbol:
            raise UnsupportedError(
                f"an operator of the model is made of others that work for {found} on axis {axis.axis} of "
                f"{example.tensors[axis.place].name} only, so it cannot stay {axis.symbol}\n"
                f"  write instead: dynamic without {axis.symbol}"
            )


def entering_nodes(program: Any, example: Example) -> list[Any]:
    """The nodes of the tensors that enter, in the order of the example."""
    places = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    specs = [spec for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    found = [places[spec.arg.name] for spec in specs if type(spec.arg).__name__ == "TensorArgument"]
    assert len(found) == len(example.tensors)
    return found
