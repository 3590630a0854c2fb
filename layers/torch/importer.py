"""PyTorch models, read from `torch.export`: the graph is traced on tensors without memory, so that no weights are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

from sympy import Expr, Integer, Max, Min, Mod, Symbol, floor

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.sizes.dims import are_sizes
from ..importers.grouping import build
from ..importers.record import Recording, unknown_operators
from ..importers.tensors import Tensor
from .rules import RULES
from .translator import Translator, is_size


@checked
def from_torch(
    module: Any,
    example_shape: Sequence[int] | Sequence[Sequence[int]],
    dynamic: Mapping[int, object] | None = None,
    *,
    operators: Mapping[str, Callable[..., Network]] | None = None,
    integers: bool | None = None,
) -> Network:
    """A network from a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module, or a function that makes one
        A function is called where tensors take no memory, so that a model of any size can be read. The module is not changed.
    example_shape : tuple of int, or list of them
        The shape of one example, without the batch: (channels, *spatial), (time, features), or (time,) for a model of tokens.
    dynamic : mapping of int to str or Symbol, optional
        Axes of the first example's shape that stay symbolic: ``{1: "H", 2: "W"}``.
    operators : mapping of str to function, optional
        For an operator without a rule: a function of the shapes of its inputs and of its other arguments that returns a `Layer`.
    integers : bool, optional
        Whether the input holds integers (tokens); by default, whether the first layer that sees it is an embedding.

    Returns
    -------
    Network
        Modules become nested graphs under their own names, a stack of equal blocks a repetition.

    Raises
    ------
    UnsupportedError
        If the model uses operators that no layer is known for; each is named, with its count and places.
    FieldError
        If `module` is no module and no function that makes one.

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
    module = _module(module, torch)
    shapes = _shapes(example_shape)
    program, symbols = _export(torch, module, shapes, dynamic or {}, integers)
    recording = _record(torch, program, symbols, operators or {})
    return build(recording)


def _module(module: Any, torch: Any) -> Any:
    if not isinstance(module, torch.nn.Module) and callable(module) and _takes_nothing(module):
        with torch.device("meta"):
            module = module()
    if not isinstance(module, torch.nn.Module):
        raise FieldError(
            f"from_torch takes a torch.nn.Module or a function that makes one, got {type(module).__name__}"
        )
    return module


def _takes_nothing(function: Callable[..., Any]) -> bool:
    """Whether a function can be called without arguments."""
    try:
        signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # of what is written in C and has no signature
        return True
    return True


def _shapes(given: Sequence[Any]) -> list[tuple[int, ...]]:
    parts = list(given)
    several = any(isinstance(part, (tuple, list)) for part in parts)
    return [
        tuple(int(size) for size in are_sizes(shape, "example_shape"))
        for shape in (parts if several else [tuple(parts)])
    ]


def _export(
    torch: Any, module: Any, shapes: list[tuple[int, ...]], dynamic: Mapping[int, object], integers: bool | None
):
    """The exported program, and the user's symbols by the names that torch gives its own."""
    whole = integers if integers is not None else _begins_with_embedding(torch, module)
    kind = torch.long if whole else torch.float32
    device = next((tensor.device for tensor in [*module.parameters(), *module.buffers()]), torch.device("meta"))
    examples = tuple(torch.zeros((1, *shape), dtype=kind, device=device) for shape in shapes)
    names = {
        axis: name if isinstance(name, Symbol) else Symbol(str(name), integer=True, positive=True)
        for axis, name in dynamic.items()
    }
    for axis in names:
        if not isinstance(axis, int) or not 0 <= axis < len(shapes[0]):
            raise FieldError(
                f"dynamic names axes 0 to {len(shapes[0]) - 1} of the example's shape {shapes[0]}, got {axis!r}"
            )
    marks = {axis + 1: torch.export.Dim.DYNAMIC for axis in names}
    wanted = (tuple([marks or None, *[None] * (len(shapes) - 1)])) if marks else None
    was_training = module.training
    try:
        module.eval()
        program = torch.export.export(module, examples, dynamic_shapes=wanted, strict=False)
    except Exception as error:
        raise UnsupportedError(
            f"torch.export cannot trace this model: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}"
        ) from error
    finally:
        module.train(was_training)
    symbols: dict[str, Symbol] = {}
    first = next(node for node in program.graph.nodes if node.name == program.graph_signature.user_inputs[0])
    for axis, symbol in names.items():
        size = first.meta["val"].shape[axis + 1]
        if isinstance(size, int):
            raise UnsupportedError(f"the model works for {size} on axis {axis} only, so it cannot stay {symbol}")
        symbols[str(size.node.expr)] = symbol
    return program, symbols


def _begins_with_embedding(torch: Any, module: Any) -> bool:
    first = next((part for part in module.modules() if not list(part.children())), module)
    return isinstance(first, torch.nn.Embedding)


def _record(
    torch: Any, program: Any, symbols: Mapping[str, Symbol], operators: Mapping[str, Callable[..., Network]]
) -> Recording:
    signature = program.graph_signature
    learned = dict(signature.inputs_to_parameters)
    fixed = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    translator = Translator(_Sizes(symbols), learned, set(fixed), _uses(program, learned))
    recording = Recording()
    missing: dict[str, list[str]] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder":
            if node.name in signature.user_inputs:
                shape = translator.shape(node)
                translator.values[node.name] = Tensor(node.name, shape, True)
                recording.inputs.append((node.name, shape[1:]))
            else:
                translator.values[node.name] = Tensor(node.name, translator.shape(node), False, weight=True)
        elif node.op == "call_function" and not is_size(node):
            name = str(node.target)
            rule = RULES.get(name.rsplit(".", 1)[0].removeprefix("aten.").rstrip("_"))
            module = _module_path(node)
            without_overload = name.rsplit(".", 1)[0]
            if name in operators or (rule is None and without_overload in operators):
                rule = _user_rule(operators[name if name in operators else without_overload])
            if rule is None and translator.is_fixed(node):
                translator.fix(node)
                continue
            if rule is None:
                missing.setdefault(name, []).append(".".join(module) or "the model")
                translator.stand_in(node)
                continue
            translator.module = module
            if translator.is_fixed(node):
                translator.fix(node)
            else:
                rule(translator, node)
    if missing:
        raise unknown_operators("torch", missing)
    recording.operations = translator.operations
    out = next(node for node in program.graph.nodes if node.op == "output").args[0][0]
    recording.output = translator.values[out.name].name
    return recording


def _user_rule(function: Callable[..., Network]) -> Callable[..., None]:
    def rule(translator: Translator, node: Any) -> None:
        tensors = [
            argument
            for argument in node.args
            if hasattr(argument, "name") and not translator.values[argument.name].weight
        ]
        others = [argument for argument in node.args if not hasattr(argument, "name")]
        sources = [translator.values[argument.name] for argument in tensors]
        layer = function([source.own for source in sources], others)
        translator.put(node, layer, [argument for argument in tensors])

    return rule


def _uses(program: Any, learned: Mapping[str, str]) -> dict[str, int]:
    """How many operations read each learned tensor; one module used twice, and tensors under two names, count together."""
    uses: dict[str, int] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in learned:
            uses[node.name] = len(node.users)
    return uses


def _module_path(node: Any) -> tuple[str, ...]:
    """The names of the modules around an operation, outermost first, one for each level of the model."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if not stack:
        return ()
    names = [name.removeprefix("L['self'].").removeprefix("L__self__.") for name, _ in stack]
    path: list[str] = []
    before = ""
    for name in names:
        if name == before or not name:
            continue
        own = name[len(before) + 1 :] if before and name.startswith(before + ".") else name
        path.append(own)
        before = name
    return tuple(path)


class _Sizes:
    """Sizes of the exported graph as SymPy expressions in the user's symbols."""

    def __init__(self, symbols: Mapping[str, Symbol]):
        self.symbols = dict(symbols)

    def __call__(self, size: Any) -> Expr:
        if isinstance(size, int):
            return Integer(size)
        expression = size.node.expr if hasattr(size, "node") else size.meta["val"].node.expr
        return self._translated(expression)

    def _translated(self, expression: Any) -> Expr:
        name = type(expression).__name__
        if expression.is_Symbol:
            if str(expression) not in self.symbols:
                raise UnsupportedError(
                    f"the size {expression} depends on the data or on an unnamed axis; name it in dynamic={{axis: 'name'}}"
                )
            return self.symbols[str(expression)]
        if not expression.args:
            return Integer(int(expression)) if expression.is_Integer else expression
        parts = [self._translated(part) for part in expression.args]
        if name in ("FloorDiv", "CleanDiv", "IntTrueDiv"):
            return floor(parts[0] / parts[1])
        known = {"Mod": Mod, "PythonMod": Mod, "Max": Max, "Min": Min}
        if name in known:
            return known[name](*parts)
        return expression.func(*parts)
