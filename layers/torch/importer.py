"""PyTorch models, read from `torch.export`: the graph is traced on tensors without memory, so that no weights are needed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Max, Min, Mod, Symbol, floor

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.network import Network
from ...algebra.sizes.dims import are_sizes
from ..importers.grouping import build
from ..importers.record import Recording, unknown_operators
from ..importers.report import reported
from ..importers.tensors import Tensor
from .guards import stated
from .returned import returned, stored_tensors
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
    outputs: int | str | Sequence[int | str] | None = None,
) -> Network:
    """A network from a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module, or a function that makes one
        A function is called where tensors take no memory, so that a model of any size can be read. The module is not changed.
    example_shape : tuple of int, or list of them
        The shape of one example, without the batch: (channels, *spatial), (time, features), or (time,) for a model of tokens.
    dynamic : mapping of int, or (int, int), to str or Symbol, optional
        Axes that stay symbolic: ``{1: "H", 2: "W"}`` of the first example's shape, ``{(1, 0): "T"}`` the first axis of the second's.
        What the model asks of them while it is traced (``if W % 8: ...``) is stated of the input and part of every domain.
    operators : mapping of str to function, optional
        For an operator without a rule: a function of the shapes of its inputs and of its other arguments that returns a `Layer`.
    integers : bool, optional
        Whether the input holds integers (tokens); by default, whether the first layer that sees it is an embedding.
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
        the shapes or the learned tensors that PyTorch has.
    FieldError
        If `module` is no module and no function that makes one, or there is no such output.

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
    recording = _record(torch, program, symbols, operators or {}, outputs)
    return reported(build(recording), recording)


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
        inspect.signature(function).bind()
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
    names = _dynamic_axes(dynamic, shapes)
    marks: list[dict[int, Any]] = [{} for _ in shapes]
    for place, axis in names:
        marks[place][axis + 1] = torch.export.Dim.DYNAMIC
    wanted = _as_arguments(module, [mark or None for mark in marks]) if names else None
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
    entering = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for (place, axis), symbol in names.items():
        size = entering[program.graph_signature.user_inputs[place]].meta["val"].shape[axis + 1]
        if isinstance(size, int):
            raise UnsupportedError(f"the model works for {size} on axis {axis} only, so it cannot stay {symbol}")
        if not size.node.expr.is_Symbol or symbols.setdefault(str(size.node.expr), symbol) != symbol:
            raise UnsupportedError(
                f"the model works only where axis {axis}, {symbol}, is {size.node.expr}, as another axis has it\n"
                "  write instead: the same name for axes that have to be equal, as in dynamic={1: 'N', 2: 'N'}"
            )
    return program, symbols


def _as_arguments(module: Any, given: list[Any]) -> tuple[Any, ...]:
    """What is said of each input, in the way in which the module names them: ``*inputs`` are one argument."""
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(given)
    named = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*given[:named], tuple(given[named:]))


def _dynamic_axes(dynamic: Mapping[Any, object], shapes: list[tuple[int, ...]]) -> dict[tuple[int, int], Symbol]:
    """The axes that stay symbolic: which input, and which of its axes."""
    names: dict[tuple[int, int], Symbol] = {}
    for key, name in dynamic.items():
        place, axis = key if isinstance(key, tuple) and len(key) == 2 else (0, key)
        if not all(isinstance(part, int) for part in (place, axis)) or not 0 <= place < len(shapes):
            raise FieldError(f"dynamic names an axis, or (input, axis), got {key!r}")
        if not 0 <= axis < len(shapes[place]):
            raise FieldError(
                f"dynamic names axes 0 to {len(shapes[place]) - 1} of the example's shape {shapes[place]}, got {axis!r}"
            )
        names[place, axis] = name if isinstance(name, Symbol) else Symbol(str(name), integer=True, positive=True)
    return names


def _begins_with_embedding(torch: Any, module: Any) -> bool:
    first = next((part for part in module.modules() if not list(part.children())), module)
    return isinstance(first, torch.nn.Embedding)


def _record(
    torch: Any,
    program: Any,
    symbols: dict[str, Symbol],
    operators: Mapping[str, Callable[..., Network]],
    outputs: Any,
) -> Recording:
    signature = program.graph_signature
    learned = dict(signature.inputs_to_parameters)
    fixed = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    sizes = _Sizes(symbols)
    translator = Translator(sizes, learned, set(fixed), _uses(program, learned))
    translator.steps.stated = stated(program, symbols, sizes.translated)
    recording = Recording(where=translator.steps.stated)
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
                with translator.counting(name, node.all_input_nodes):
                    rule(translator, node)
    if missing:
        raise unknown_operators("torch", missing)
    recording.operations = translator.operations
    translator.module = ()
    found = returned(torch, program, outputs)
    with translator.counting("what is returned", found.values()):
        tensors = [(name, translator.value(node)) for name, node in found.items()]
        output = tensors[0][1] if len(tensors) == 1 else translator.side_by_side(tensors)
    recording.output, recording.learned = output.name, stored_tensors(program, translator.readers)
    recording.outputs = {name: translator.shape(node) for name, node in found.items()}
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
        return self.translated(expression)

    def translated(self, expression: Any) -> Expr:
        name = type(expression).__name__
        if expression.is_Symbol:
            if str(expression) not in self.symbols:
                raise UnsupportedError(
                    f"the size {expression} depends on the data or on an unnamed axis; name it in dynamic={{axis: 'name'}}"
                )
            return self.symbols[str(expression)]
        if not expression.args:
            return Integer(int(expression)) if expression.is_Integer else expression
        parts = [self.translated(part) for part in expression.args]
        if name in ("FloorDiv", "CleanDiv", "IntTrueDiv"):
            return floor(parts[0] / parts[1])
        known = {"Mod": Mod, "PythonMod": Mod, "Max": Max, "Min": Min}
        if name in known:
            return known[name](*parts)
        return expression.func(*parts)
