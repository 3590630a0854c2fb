"""From an exported program to a recording: every operation by its rule, with its place in every refusal."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sympy import Symbol

from ...algebra.errors import FieldError, LayerAlgebraError, UnsupportedError
from ...algebra.networks.network import Network
from ..activation import Identity
from ..importers.outputs import side_by_side
from ..importers.record import Recording, Refusals, place_of
from ..importers.tensors import Tensor
from .guards import quotients, stated
from .returned import returned, stored_tensors
from .rules import RULES
from .sizes import Sizes
from .straightening import without_unread
from .translator import Translator, is_size


def recorded(
    torch: Any, program: Any, symbols: dict[str, Symbol], operators: Mapping[str, Callable[..., Network]], outputs: Any
) -> Recording:
    """What a program does, in order.

    Parameters
    ----------
    program : torch.export.ExportedProgram
        Without regions, and without writing in place that a later name does not see.
    symbols : dict of str to Symbol
        The user's symbols by the names of PyTorch's.
    operators : mapping of str to function
        Rules of the user's own.
    outputs : int, str, sequence of them, or None
    """
    signature = program.graph_signature
    found = returned(torch, program, outputs)
    graph = without_unread(program, found.values())
    learned = dict(signature.inputs_to_parameters)
    fixed = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    sizes = Sizes(symbols, quotients(program))
    translator = Translator(sizes, learned, fixed, _uses(graph, learned))
    translator.steps.stated = sizes.relied_on
    sizes.relied_on += stated(program, symbols, sizes.translated)
    recording = Recording(where=translator.steps.stated)
    reader = _Reader(translator, operators)
    entering = set(signature.user_inputs)
    for node in graph.nodes:
        if node.op == "placeholder" and hasattr(node.meta.get("val"), "shape"):
            _enter(translator, recording, node, node.name in entering)
        elif node.op == "call_function" and not is_size(node):
            reader.read(node)
    reader.refusals.raised()
    recording.operations = translator.operations
    translator.module, translator.node = (), None
    with translator.counting("what is returned", found.values()):
        tensors = [(name, translator.value(node)) for name, node in found.items()]
        output = tensors[0][1] if len(tensors) == 1 else side_by_side(translator, tensors)
    if any(output.name == name for name, _ in recording.inputs):  # a model that does nothing
        output = translator.add(Identity(), [output], output.shape, output.batched, "output")
    recording.output, recording.learned = output.name, stored_tensors(program, translator.readers)
    recording.outputs = {name: translator.shape(node) for name, node in found.items()}
    return recording


def rule_of(name: str) -> Callable[..., None] | None:
    """The rule for an operator; one for an overload of it comes before that of all its overloads."""
    name = name.removeprefix("aten.")
    return RULES.get(name) or RULES.get(name.rsplit(".", 1)[0].rstrip("_"))


def has_rule(node: Any, operators: Mapping[str, Any]) -> bool:
    """Whether a node's operator is known, to us or to the user."""
    name = str(node.target)
    return name in operators or name.rsplit(".", 1)[0] in operators or rule_of(name) is not None


def _enter(translator: Translator, recording: Recording, node: Any, from_outside: bool) -> None:
    """An input, or a stored tensor; an input that is one number for each example is a vector of one element."""
    shape = translator.shape(node)
    batched = from_outside and len(shape) > 1
    translator.values[node.name] = Tensor(node.name, shape, batched, weight=not from_outside)
    if from_outside:
        recording.inputs.append((node.name, shape[1:] if batched else shape))


class _Reader:
    """Applies the rules; after the first refusal it goes on with stand-ins, to find what else has no rule."""

    def __init__(self, translator: Translator, operators: Mapping[str, Callable[..., Network]]):
        self.translator, self.operators = translator, operators
        self.refusals = Refusals("torch")

    def read(self, node: Any) -> None:
        translator, name = self.translator, str(node.target)
        without_overload = name.rsplit(".", 1)[0]
        rule = rule_of(name)
        own = self.operators.get(name) or (self.operators.get(without_overload) if rule is None else None)
        translator.module, translator.node = _module_path(node), node
        if own is None and translator.is_fixed(node):
            return translator.fix(node)
        applied = rule if own is None else _user_rule(own)
        if applied is None:
            self.refusals.unknown(name, place_of(translator.module))
            return translator.stand_in(node)
        try:
            with self._placed(node, name), translator.counting(name, node.all_input_nodes):
                applied(translator, node)
        except LayerAlgebraError as error:
            self.refusals.refused(error)
            translator.stand_in(node)
        return None

    @contextmanager
    def _placed(self, node: Any, name: str) -> Iterator[None]:
        """Errors with the operator and its module; what a rule did not think of is an error of ours too."""
        where = f"{name} at {place_of(self.translator.module)}"
        instead = (
            f"\n  write instead: operators={{{name!r}: my_rule}}, where my_rule(shapes, arguments) returns a Layer"
        )
        try:
            yield
        except LayerAlgebraError as error:
            text = str(error)
            raise type(error)(
                (text if where in text else f"{where}: {text}") + ("" if "write instead" in text else instead)
            ) from error
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
            if name in self.operators:
                raise
            reason = traceback.format_exception_only(error)[-1].strip()
            raise UnsupportedError(
                f"{where}: it is used in a way that its rule does not know ({reason}){instead}"
            ) from error


def _user_rule(function: Callable[..., Network]) -> Callable[..., None]:
    def rule(translator: Translator, node: Any) -> None:
        tensors = [
            part for part in node.all_input_nodes if not is_size(part) and not translator.values[part.name].weight
        ]
        others = [argument for argument in node.args if not _holds_tensors(argument)]
        layer = function([translator.values[part.name].own for part in tensors], others)
        if not isinstance(layer, Network):
            raise FieldError(f"the rule in operators returns a Layer or a Network, got {type(layer).__name__}")
        translator.put(node, layer, tensors, None if tensors else False)

    return rule


def _holds_tensors(argument: Any) -> bool:
    if isinstance(argument, (tuple, list)):
        return any(map(_holds_tensors, argument))
    return hasattr(argument, "op") and hasattr(argument, "meta")


def _uses(graph: Any, learned: Mapping[str, str]) -> dict[str, int]:
    """How many operations read each learned tensor; one module used twice, and tensors under two names, count together."""
    return {node.name: len(node.users) for node in graph.nodes if node.op == "placeholder" and node.name in learned}


def _module_path(node: Any) -> tuple[str, ...]:
    """The names of the modules around an operation, outermost first, one for each level; a module's second call is ``name@1``."""
    path: list[str] = []
    before = ""
    for key, (name, _) in (node.meta.get("nn_module_stack") or {}).items():
        name = name.removeprefix("L['self'].").removeprefix("L__self__.")
        if name == before or not name:
            continue
        call = str(key).partition("@")[2]
        own = name[len(before) + 1 :] if before and name.startswith(before + ".") else name
        path.append(f"{own}@{call}" if call else own)
        before = name
    return tuple(path)
