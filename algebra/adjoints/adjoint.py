"""The backward pass of a layer as equations.

>>> from layeralgebra import Linear, adjoint
>>> print(adjoint(Linear(3), on=(2,)))
dx[f] = dy[o]*W[o, f]
dW[o, f] = dy[o]*x[f]
db[o] = dy[o]
where f < 2, o < 3
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Expr, Symbol

from ..arguments import checked, shown
from ..equations.definitions import all_indices
from ..equations.fields import Dim, Number
from ..equations.heads import Pad, Read, walk
from ..equations.instance import Instance, Shape
from ..equations.statements import Statement, masks_of
from ..errors import FieldError, ShapeError, UnsupportedError
from ..networks.evaluator import input_flows
from ..networks.layer import Layer
from ..records import dataclass
from ..sizes.dims import Index
from .letters import Names
from .lines import instance_of, pruned, without_copies
from .reverse import Program, Reverse
from .text import HeadText

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The backward pass of a layer at given shapes: equations for the gradients of its inputs and of what it has learned.

    Attributes
    ----------
    layer : Layer
    shapes : tuple of shapes
        What enters the layer.
    gradients : dict
        Every tensor that has a gradient, by its name in the layer, to the name of the gradient in the equations.
    seeds : dict
        Every output of the layer to the name of its gradient, which the equations read.
    saved : dict
        What the equations read of the forward pass beside the inputs, the learned tensors and the buffers, with its shape.
    program : Program
        The lines as heads, with the extents of their indices.
    forward : Instance
        The equation of the layer, where every letter has one extent.

    Examples
    --------
    >>> from layeralgebra import Linear, adjoint
    >>> found = adjoint(Linear(3), on=(2,))
    >>> found.gradients, found.seeds, found.saved
    ({'x': 'dx', 'W': 'dW', 'b': 'db'}, {'y': 'dy'}, {})
    >>> found["dW"].input_names
    ('dy', 'x')
    """

    layer: Layer
    shapes: tuple[Shape, ...]
    gradients: Mapping[str, str]
    seeds: Mapping[str, str]
    program: Program
    forward: Instance

    @property
    def saved(self) -> dict[str, Shape]:
        return dict(self.program.saved)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that the equations read: gradients of outputs, then the tensors of the layer, then what is saved."""
        return (*self.program.given, *self.program.saved)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.gradients.values())

    @cached_property
    def instance(self) -> Instance:
        """The equations at their shapes, for whatever folds over them."""
        return instance_of(self.program, self.forward, self.outputs)

    @cached_property
    def equation(self) -> str:
        """The equations as a text of the language."""
        return _text(self.program, _sizes_of(self.program))[0]

    def __str__(self) -> str:
        return self.equation

    def __getitem__(self, name: str) -> Layer:
        """The layer that makes one of the gradients from what it reads.

        Raises
        ------
        FieldError
            If there is no such gradient.
        """
        if name not in self.outputs:
            raise FieldError(f"there is no gradient {shown(name)} of {self.layer}; there are {', '.join(self.outputs)}")
        return self._layer(pruned(self.program, [name]), name)

    def _layer(self, program: Program, name: str) -> Layer:
        fields = _sizes_of(program)
        text, symbols = _text(program, fields)
        title = f"{type(self.layer).__name__}Adjoint"
        kinds: dict[str, Any] = {symbol.name: Dim if symbol.is_positive else Number for symbol in symbols}
        made: Any = type(
            title, (Layer,),
            {
                "__annotations__": kinds, "equation": text, "inputs": (*program.given, *program.saved), "outputs": (name,),
                "__module__": __name__,
            },
        )  # fmt: skip
        layer: Layer = made(**{symbol.name: symbol for symbol in symbols})
        return layer

    @cached_property
    def extended(self) -> Instance:
        """The forward pass with a tensor for everything that is saved."""
        return _extended(self.forward, self.program)

    def values(self, tensors: Mapping[str, "ndarray"]) -> dict[str, "ndarray"]:
        """All tensors of the forward pass, from its inputs, learned tensors and buffers by name."""
        from ..numerics.layer_run import every_tensor  # with NumPy

        return every_tensor(self.extended, tensors)

    def evaluate(self, tensors: Mapping[str, "ndarray"]) -> dict[str, "ndarray"]:
        """The gradients, from the tensors that the equations read."""
        if not self.gradients:
            return {}
        from ..numerics.layer_run import every_tensor  # with NumPy

        found = every_tensor(self.instance, {name: tensors[name] for name in self.inputs})
        return {name: found[made] for name, made in self.gradients.items()}


def _sizes_of(program: Program) -> dict[Expr, str]:
    """Symbolic sizes that an axis of what is read has."""
    found: dict[Expr, str] = {}
    for name in (*program.given, *program.saved):
        for axis, size in enumerate(program.shapes[name]):
            if not size.is_number:
                found.setdefault(size, f"size({name}, {axis})")
    return found


def _text(program: Program, sizes: Mapping[Expr, str]) -> tuple[str, list[Symbol]]:
    scalars: dict[Expr, str] = {}
    writer = HeadText(sizes, scalars)
    lines = [writer.statement(statement) for statement in program.statements]
    bounds = _bounds(program, writer)
    defined = [f"{name} = {writer.number(value)}" for value, name in scalars.items()]
    text = "\n".join([*defined, *lines, *([f"where {', '.join(bounds)}"] if bounds else [])])
    symbols = sorted(_symbols(program, sizes), key=lambda symbol: symbol.name)
    return text, symbols


def _bounds(program: Program, writer: HeadText) -> list[str]:
    """What `where` has to say: the extents that no axis tells, ranges, masks, and the rows of what is looked up."""
    known = {name for name in (*program.given, *program.saved)}
    told: set[Index] = set()
    wanting: dict[Index, None] = {}
    present: set[Index] = set()
    for statement in program.statements:
        here = all_indices(statement)
        present |= set(here)
        if isinstance(statement.value, Pad):
            continue
        alone = {index: False for index in here}
        for read in statement.reads:
            for part, size in zip(read.address, program.shapes[read.tensor]):
                if isinstance(part, Index) and read.tensor in known:
                    if size == program.extents[part]:
                        alone[part] = True
                    else:
                        wanting[part] = None
        told |= {index for index, is_told in alone.items() if is_told}
        for index in here:
            wanting.setdefault(index, None)
    lookups = {part.tensor for statement in program.statements for part in statement.address if isinstance(part, Read)}
    numbers = [index for index in wanting]
    found = [f"{index.name} < {writer.number(program.extents[index])}" for index in numbers]
    for index, (low, high) in program.ranges.items():
        if index in present:
            found.append(f"{writer.number(low)} <= {index.name} < {writer.number(high)}")
    found += [f"{name} < {writer.number(rows)}" for name, rows in program.rows.items() if name in lookups]
    found += [writer.mask(mask) for mask in program.masks if mask.indices <= present]
    return found


def _symbols(program: Program, sizes: Mapping[Expr, str]) -> set[Symbol]:
    """The symbols that stand in the text and are no axis of what is read."""
    found: set[Any] = set()
    for statement in program.statements:
        for head in walk(statement.value):
            value = getattr(head, "value", None)
            found |= value.free_symbols if isinstance(value, Expr) else set()
            for pair in getattr(head, "widths", ()):
                found |= set().union(*(width.free_symbols for width in pair))
        for address in (statement.address, *(read.address for read in statement.reads)):
            found |= set().union(*(part.free_symbols for part in address if isinstance(part, Expr)))
        for index in all_indices(statement):
            found |= program.extents[index].free_symbols
    for mask in program.masks:
        for one in masks_of(mask):
            found |= one.left.free_symbols | one.right.free_symbols
    for rows in program.rows.values():
        found |= rows.free_symbols
    return {symbol for symbol in found if not isinstance(symbol, Index) and symbol not in sizes}


def _extended(forward: Instance, program: Program) -> Instance:
    """The forward pass, where the parts that are kept have lines of their own."""
    statements: list[Statement] = []
    extents: list[dict[Index, Expr]] = []
    for place, statement in enumerate(forward.statements):
        for name, (at, head, letters) in program.parts.items():
            if at == place:
                line = Statement(name, letters, head, statement.number)
                statements.append(line)
                extents.append({index: program.extents[index] for index in all_indices(line)})
        statements.append(statement)
        extents.append(dict(forward.extents[place]))
    places = {statement.target: place for place, statement in enumerate(statements)}
    moved = {old: places[statement.target] for old, statement in enumerate(forward.statements)}
    recurrent = {}
    for recurrence in dict.fromkeys(forward.recurrent.values()):
        first = moved[recurrence.first] - sum(at == recurrence.first for at, _, _ in program.parts.values())
        made = replace(recurrence, first=first, last=moved[recurrence.last])
        for place in range(first, made.last + 1):
            recurrent[place] = made
    shapes = {**forward.shapes, **{name: program.shapes[name] for name in program.parts}}
    return replace(
        forward, elaborated=replace(forward.elaborated, statements=statements), extents=extents, places=places, recurrent=recurrent,
        shapes=shapes, roles={**forward.roles, **dict.fromkeys(program.parts, "defined")},
        own_ranges={moved[old]: ranges for old, ranges in forward.own_ranges.items()}, outputs=(*forward.outputs, *program.parts),
    )  # fmt: skip


def adjoint_of(
    instance: Instance, wanted: frozenset[str] | None = None, examples: frozenset[str] | None = None
) -> Adjoint:
    """The backward pass of a layer at its shapes.

    `wanted` are the inputs and learned tensors whose gradients are asked for, `examples` the inputs that every example has its own of; all of
    them, if left out.
    """
    layer = instance.layer
    if layer.opaque:
        raise UnsupportedError(f"{layer} is opaque: no equation says what it computes, so that it has no backward pass")
    places = instance.looked_up()
    live = {read.tensor for place in instance.live for read in instance.statements[place].reads}
    possible = frozenset(
        name for name, role in instance.roles.items() if role in ("input", "weight") and name in live and name not in places
    )  # fmt: skip
    names = Names({"x", "inf", "pi", "where", *dir(Layer), *_field_names(instance)})
    if examples is None:
        examples = frozenset(instance.layer.input_names)
    reverse = Reverse(instance, names, possible if wanted is None else possible & wanted, examples)
    program = reverse.run(instance.outputs)
    gradients = {name: program.gradients[name] for name in reverse.forward.roles if name in reverse.wanted}
    outputs = list(gradients.values())
    program = without_copies(pruned(program, outputs), outputs)
    program = pruned(program, outputs)
    return Adjoint(layer, instance.inputs, gradients, dict(reverse.seeds), program, reverse.forward)  # type: ignore[arg-type]


def _field_names(instance: Instance) -> set[str]:
    return {str(symbol) for shape in instance.shapes.values() for size in shape for symbol in size.free_symbols}


@checked
def adjoint(layer: Any, on: Any = None) -> Adjoint:
    """The backward pass of a layer, as equations of the same language.

    Parameters
    ----------
    layer : Layer
    on : shape, or list of shapes
        What enters the layer; sizes may be symbols.

    Returns
    -------
    Adjoint

    Raises
    ------
    FieldError
        If `layer` is no layer.
    ShapeError
        If nothing enters the layer, or sizes do not fit.
    UnsupportedError
        If something in the equation has no derivative that is known here.

    Examples
    --------
    >>> from layeralgebra import Softmax
    >>> print(adjoint(Softmax(), on=(3, 4)))
    dot1[t] = y[t, f]*dy[t, f]
    dx[t, f] = y[t, f]*(dy[t, f] - dot1[t])
    where f < 4, t < 3
    """
    if not isinstance(layer, Layer):
        raise FieldError(f"adjoint takes a layer, got {shown(layer)}")
    shapes = [flow.shape for flow in input_flows(on)]
    if layer.input_names and not shapes:
        raise ShapeError(f"{layer} has inputs ({', '.join(layer.input_names)}); pass on=(...), as in on=(3, 224, 224)")
    return adjoint_of(layer.instance(*shapes))
