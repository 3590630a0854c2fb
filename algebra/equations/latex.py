r"""The equation of a layer as LaTeX: aligned lines, with one bold index for all spatial axes or at given shapes.

>>> from layeralgebra import Linear, dims
>>> print(latex_equation(Linear(dims("m"))))
\begin{aligned}
y_{\boldsymbol{t}, o} &= \sum_{f} W_{o, f}\, x_{\boldsymbol{t}, f} + b_{o} \\
& \text{where } o < m
\end{aligned}

What is written out for the machine is left out for the reader: margins of width 0, and indices with one value only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from sympy import Expr, Integer, Symbol

from ..arguments import as_elements, checked, shown
from ..errors import EquationError, FieldError
from ..formulas.forms import GIVEN
from ..formulas.latex import flat_latex, formula_latex, visible_length
from ..sizes.dims import Index, are_sizes
from ..sizes.normal_form import simplify
from ..typesetting.displays import aligned, folded
from ..typesetting.measured import width_of
from ..typesetting.style import current, typeset
from .elaboration import elaborate
from .fields import Dim, Number, Size, Sizes
from .heads import Address, Constant, Group, Pad, Plus, Read, address_indices, free_indices, reads, rebuilt
from .heads_latex import PRODUCT, REDUCTIONS, bare_name
from .initial_lines import whole_again
from .instance import Instance, instantiate
from .matrix_form import MatrixHeads, hidden_axes
from .protocol import StatesEquation
from .recurrences import find_recurrences, shift_of
from .requirements import Requirements
from .scalars import read_scalars, scalars_in
from .simplified import tidied, without_empty_margins
from .statements import AnyOf, Elaborated, Limit, Statement

LONGEST_LINE = 95
LONGEST_SCALARS = (8, 4, 1)
"""How long a scalar may be and still be written out where it stands; the next is tried where a line gets too long."""
_MASKS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}


@checked
def latex_equation(layer: Any, shape: Sequence[Any] | None = None, style: Any = None) -> str:
    """The equation of a layer as aligned lines, for a display in math mode.

    Parameters
    ----------
    layer : Layer or class of layers
        For a class, its sizes are symbols named after the fields.
    shape : shape, or list of shapes, optional
        Spell every axis out, at this input; left out, starred indices are one bold index.
    style : Style, optional
        Letters, width, and whether products are written with matrices.

    Returns
    -------
    str
        An ``aligned`` environment (amsmath).

    Raises
    ------
    FieldError
        If `layer` is no layer, or a size of `shape` is none.
    ShapeError
        If `shape` does not fit the equation.

    Examples
    --------
    >>> from layeralgebra import MaxPool
    >>> print(latex_equation(MaxPool(2)))
    \\begin{aligned}
    y_{c, \\boldsymbol{i}} &= \\max_{\\boldsymbol{u}} x_{c, 2 \\boldsymbol{i} + \\boldsymbol{u}} \\\\
    & \\text{where } \\boldsymbol{u} < 2
    \\end{aligned}
    """
    with typeset(style) as chosen:
        if chosen is None:
            return aligned(_writer(layer, shape).text_rows())
        rows, conditions = equation_rows(layer, shape)
        if conditions:
            rows.append(r"& \text{where } " + r", \enspace ".join(conditions))
        return aligned(folded(rows, chosen.points))


def equation_rows(layer: Any, shape: Sequence[Any] | None = None) -> tuple[list[str], list[str]]:
    """A row for each statement of an equation, as it stands, and what holds for its letters."""
    writer = _writer(layer, shape)
    lines = [writer.statement(statement) for statement in writer.made.statements]
    return lines, writer.conditions(lines)


def _writer(layer: Any, shape: Sequence[Any] | None) -> _Writer:
    layer = generic(layer) if isinstance(layer, type) and hasattr(layer, "fields") else layer
    if not isinstance(layer, StatesEquation):
        raise FieldError(f"latex_equation takes a layer, got {shown(layer)}")
    shapes: list[Any] | None = None
    if shape is not None:
        given = as_elements(shape, "shape")
        shapes = given if not given or isinstance(given[0], (tuple, list)) else [tuple(given)]
    if shapes is not None:
        return _Writer(layer, _at(layer, shapes).elaborated, shapes)
    for longest in LONGEST_SCALARS:
        made, definitions = _schematic(layer, longest)
        found = _Writer(layer, made, None, definitions)
        if found.fits():
            break
    return found


def generic(kind: Any) -> StatesEquation:
    """A layer of a class with symbols, named after the fields, for its sizes."""
    values = {}
    for name, kinds in kind.fields.items():
        default = kind.defaults.get(name)
        if (Dim in kinds or Size in kinds) and (name not in kind.defaults or isinstance(default, int)):
            values[name] = Symbol(name, integer=True, positive=Dim in kinds or None, nonnegative=True)
        elif name not in kind.defaults and Sizes in kinds:
            values[name] = tuple(Symbol(f"{name}_{place}", integer=True, positive=True) for place in (1, 2))
        elif name not in kind.defaults and Number in kinds:
            values[name] = Symbol(name, real=True)
        elif name not in kind.defaults:
            raise FieldError(f"{kind.__name__} needs {name}; give a layer instead of its class")
    return kind(**values)


def _at(layer: StatesEquation, shapes: Sequence[Any]) -> Instance:
    """The layer at given input shapes."""
    return instantiate(layer, *(are_sizes(shape, "shape") for shape in shapes))


def schematic(layer: StatesEquation) -> Elaborated:
    """The statements of a layer at the schematic rank, whatever its input."""
    return _schematic(layer, LONGEST_LINE)[0]


def _schematic(layer: StatesEquation, longest: int) -> tuple[Elaborated, dict[str, Expr]]:
    """The equation at the schematic rank, and the scalars that are too long to be written out wherever they stand."""
    plain = read_scalars(layer, None)
    setting, named = plain.setting, {}
    for name, tree in setting.scalars.items():
        try:
            long = plain.arithmetic(tree).count_ops() > longest
        except EquationError:  # one that this layer does not use
            continue
        if long:
            named[name] = Symbol(name, integer=True)
    if not named:
        return elaborate(plain), {}
    kept = tuple(scalar for scalar in setting.parsed.scalars if scalar[0] not in named)
    shorter = scalars_in(
        replace(setting, parsed=replace(setting.parsed, scalars=kept), fields={**setting.fields, **named})
    )
    return elaborate(shorter), {name: shorter.arithmetic(setting.scalars[name]) for name in named}


class _Writer(MatrixHeads):
    """The lines of one equation."""

    def __init__(
        self,
        layer: StatesEquation,
        made: Elaborated,
        shapes: Sequence[Any] | None,
        definitions: Mapping[str, Expr] | None = None,
    ):
        sizes = [size for shape in shapes or () for size in shape]
        symbols = [symbol for part in (layer, *sizes) for symbol in getattr(part, "free_symbols", ())]
        self.made, self.left_out = tidied(
            replace(made, statements=whole_again(made.statements)), layer.input_names, layer.output_names
        )
        self.made, outside = (self.made, []) if current() is None else _without_margins(self.made)
        reads_ = [read for statement in self.made.statements for read in statement.reads]
        super().__init__(
            (symbol.name for symbol in symbols if isinstance(symbol, Symbol)),
            type(layer).__name__,
            dict.fromkeys(
                [*(s.target for s in self.made.statements if s.gives is None), *(read.tensor for read in reads_)]
            ),
            {
                index
                for statement in self.made.statements
                for part in statement.address
                for index in address_indices(part)
            }
            | {index for read in reads_ for index in free_indices(read)},
        )
        self.layer, self.shapes, self.definitions = layer, shapes, dict(definitions or {})
        self.zeros = [rf"{self.tensor(name)} = 0 \text{{ outside of its axes}}" for name in outside]
        self.extents = [] if shapes is None else _at(layer, shapes).extents
        self.targets = {statement.target: statement for statement in self.made.statements if statement.gives is None}
        self.plain = without_empty_margins(made.statements, layer.output_names)
        defined = {statement.target for statement in made.statements}
        self.learned = (
            frozenset(read.tensor for statement in made.statements for read in statement.reads)
            - defined
            - set(layer.input_names)
            - set(getattr(layer, "buffers", ()))
        )
        self.hidden = hidden_axes(self.made.statements, self.learned)
        own = {statement.target: statement.address for statement in made.statements if statement.gives is None}
        self.steps: dict[str, list[tuple[Address, Expr]]] = {}
        for statement in self.made.statements:
            if (step := statement.gives) is not None:
                self.steps.setdefault(step.tensor, []).append((own[step.tensor][step.axis], step.at))

    def text_rows(self) -> list[str]:
        """The rows of an equation with its conditions, as long as they come."""
        lines = [self.statement(statement) for statement in self.made.statements]
        return lines + _filled(self.conditions(lines))

    def fits(self) -> bool:
        """Whether no line is too long, or can be broken if it is."""
        rows = self.text_rows()
        if self.style is None:
            return max(map(visible_length, rows)) <= LONGEST_LINE
        sides = [line.partition("&")[::2] for line in folded(rows, self.style.points)]
        left = max(width_of(side) for side, _ in sides)
        return all(left + width_of(right) <= 0.95 * self.style.points for _, right in sides)

    def conditions(self, lines: Sequence[str]) -> list[str]:
        """What holds for the letters in the lines."""
        found = [
            *self.scalars(lines),
            *self.bounds(),
            *self.starts(),
            *(self.spaces() if self.shapes is not None else ()),
        ]
        return found if self.style is None else [*found, *self.zeros, *self.explained([*lines, *found])]

    def explained(self, lines: Sequence[str]) -> list[str]:
        """What a reader of the lines may not know: groups of indices, numbers of values."""
        found: dict[str, None] = {}
        for statement in self.made.statements:
            for address in (statement.address, *(read.address for read in statement.reads)):
                for group in (part for part in address if isinstance(part, Group) and len(part.parts) > 1):
                    *first, last = group.parts
                    sizes = rf"\lvert {self.index(last)} \rvert"
                    before = self.index(first[0]) if len(first) == 1 else f"({', '.join(map(self.index, first))})"
                    found[rf"{self.address(group)} = {before}\, {sizes} + {self.index(last)}"] = None
        text = " ".join([*lines, *found])
        for name in dict.fromkeys(re.findall(r"\\lvert ((?:\\boldsymbol\{\w+\}|\w+)'*) \\rvert", text)):
            if any(name == self.index(index) for index in self.used):
                found[rf"\lvert {name} \rvert = \text{{number of values of }} {name}"] = None
        return list(found)

    # lines -----------------------------------------------------------------------------------------------------------

    def statement(self, statement: Statement) -> str:
        if self.style is not None and self.style.equations == "matrix" and statement.gives is None:
            made = self.in_matrix_form(statement)
            if made is not None:
                return f"{made}{self.steps_left(statement)}"
        left = self.read(Read(statement.target, statement.address))
        more = self.steps_left(statement) if statement.gives is None else ""
        if isinstance(statement.value, Pad):
            return f"{left} &= {self.padded(statement.value)}{more}"
        made = self.head(statement.value)[0]
        if statement.scatters and statement.joined != "sum":
            below = ", ".join(sorted(map(self.index, statement.scattered)))
            return rf"{left} &= {REDUCTIONS[statement.joined]}_{{{below}}} {self.within(statement.value, PRODUCT)}"
        if statement.scatters or any(
            not isinstance(part, Group) and len(address_indices(part)) > 1 for part in statement.address
        ):
            return rf"{left} &\mathrel{{{{+}}{{=}}}} {made}"  # several points of the domain meet in one element
        if (
            self.style is None
            and isinstance(statement.value, Plus)
            and visible_length(f"{left} = {made}") > LONGEST_LINE
        ):
            terms = self.terms(statement.value)
            half = len(terms) // 2
            return rf"{left} &= {' '.join(terms[:half])} \\" + f"\n& \\quad {' '.join(terms[half:])}{more}"
        return f"{left} &= {made}{more}"

    def padded(self, pad: Pad) -> str:
        address = tuple(
            part - before if isinstance(part, Expr) and not before.is_zero else part
            for part, (before, _) in zip(pad.body.address, pad.widths)
        )
        inside = self.read(Read(pad.body.tensor, address))
        if all(width.is_nonpositive for pair in pad.widths for width in pair):
            return inside
        margin = self.head(pad.fill)[0]
        if self.style is not None:
            return rf"{inside} \text{{ inside of }} {self.tensor(pad.body.tensor)}, \enspace {margin} \text{{ in its margin}}"
        return rf"\begin{{cases}} {inside} & \text{{inside}} \\ {margin} & \text{{in the margin}} \end{{cases}}"

    def scalars(self, lines: Sequence[str]) -> list[str]:
        """The definitions of the scalars that stand in the lines, those that the definitions need included."""
        shown = {name: formula_latex(Symbol(name)) for name in self.definitions}
        texts = {name: flat_latex(self.own(value), GIVEN) for name, value in self.definitions.items()}
        bounds = " ".join(self.bounds())
        needed: dict[str, None] = {}
        waiting = [*lines, bounds]
        while waiting:
            text = waiting.pop()
            for name in self.definitions:
                if name not in needed and shown[name] in text:
                    needed[name] = None
                    waiting.append(texts[name])
        return [f"{shown[name]} = {texts[name]}" for name in self.definitions if name in needed]

    def bounds(self) -> list[str]:
        made = self.made
        found: dict[str, list[str]] = {}
        if self.shapes is None:
            for index, extent in made.bounds.items():
                if index in self.used:
                    if extent.name != rf"\lvert {bare_name(index)} \rvert" if extent.is_Symbol else True:
                        found.setdefault(flat_latex(self.own(extent), GIVEN), []).append(self.index(index))
        lines = [f"{', '.join(indices)} < {extent}" for extent, indices in found.items()]
        for index, (low, high) in made.ranges.items():
            lines.append(rf"{self.address(low)} \le {self.index(index)} < {self.address(high)}")
        lines += [self.mask(mask) for mask in made.masks]
        lines += [self.mask(mask) for mask in made.requirements if self.shapes is None]
        if self.shapes is None:
            lines += [
                f"{self.read(read)} < {flat_latex(extent)}"
                for name, extent in made.lookups.items()
                if (read := self.reading(name)) is not None
            ]
            for name, sizes in made.declared.items():
                lines.append(rf"{self.tensor(name)} \in \mathbb{{R}}^{{{_sizes(sizes)}}}")
        return lines

    def reading(self, name: str) -> Read | None:
        """Where a tensor is read first; nowhere, if a condition leaves it out."""
        found = (read for statement in self.made.statements for read in statement.reads if read.tensor == name)
        return next(found, None)

    @property
    def used(self) -> set[Index]:
        """The indices that stand in some line."""
        found: set[Index] = set()
        for statement in self.made.statements:
            parts: Iterable[Address] = (
                *statement.address,
                *(part for read in statement.reads for part in read.address),
            )
            found.update(*(address_indices(part) for part in parts))
        return found

    def mask(self, mask: Limit) -> str:
        if isinstance(mask, AnyOf):
            options = (r" \text{ and } ".join(map(self.mask, option)) for option in mask.options)
            return r" \text{ or } ".join(options)
        return f"{self.address(mask.left)} {_MASKS[mask.relation]} {self.address(mask.right)}"

    def starts(self) -> list[str]:
        """What a recurrence reads before its first step is zero, where no line gives it."""
        found: dict[str, None] = {}
        for target, index, first in self.first_steps():
            address = ", ".join(
                self.index(index) if other == index else r"\cdot" for other in self.targets[target].address
            )
            found[rf"{self.tensor(target)}_{{{address}}} = 0 \text{{ for }} {self.index(index)} {first}"] = None
        return list(found)

    def first_steps(self) -> Iterator[tuple[str, Index, str]]:
        """The states that are read further back than there are steps: along which index, and from where on they are zero."""
        statements = self.plain
        places = {statement.target: place for place, statement in enumerate(statements)}
        try:
            recurrent = find_recurrences(statements, places, Requirements(self.layer, ()))
        except EquationError:  # at sizes without numbers, a step may not be known as the one that a line gives
            return
        for statement in statements:
            for read in statement.reads:
                recurrence = recurrent.get(places.get(read.tensor, -1))
                if recurrence is None or read.tensor not in self.targets:
                    continue
                for part, of in zip(read.address, statements[places[read.tensor]].address):
                    if of not in self.targets[read.tensor].address or not recurrence.is_earlier(part, of):
                        continue
                    assert isinstance(of, Index)
                    numbers = {number for at, number in self.given(read.tensor) if at == of}
                    before = next(back for back in count(1) if -back not in numbers) - 1
                    back = simplify(part - of if of in recurrence.down else of - part)
                    own_line = statement.target == read.tensor  # it begins behind the steps that are given
                    first = sum(number >= 0 for number in numbers) if own_line else 0
                    if back.is_Integer and int(back) <= before + first:
                        continue
                    ends = self.address(self.extent(of) + before), self.address(Integer(-before))
                    yield read.tensor, of, rf"\ge {ends[0]}" if of in recurrence.down else f"< {ends[1]}"

    def extent(self, index: Index) -> Expr:
        """How many values an index takes: a number, or its sign."""
        for place, extents in enumerate(self.extents):
            if index in extents and index in self.made.statements[place].address:
                return extents[index]
        return self.made.bounds.get(index, Symbol(rf"\lvert {bare_name(index)} \rvert", integer=True, positive=True))

    def given(self, tensor: str) -> Iterator[tuple[Index, int]]:
        """The steps of a state that lines of their own give, by their indices and their numbers in the order of the steps."""
        for own, at in self.steps.get(tensor, ()):
            if not isinstance(own, Index) or own not in self.targets[tensor].address:
                continue
            number = (at, simplify(self.extent(own) - 1 - at))[self.runs_down(tensor, own)]
            if number.is_Integer:
                yield own, int(number)

    def runs_down(self, tensor: str, own: Index) -> bool:
        found = [read for statement in self.plain for read in statement.reads if read.tensor == tensor]
        address = next(statement.address for statement in self.plain if statement.target == tensor)
        return any(shift_of(read.address[address.index(own)], own) == 1 for read in found)

    def steps_left(self, statement: Statement) -> str:
        """Which steps a line computes whose first ones have lines of their own."""
        made = []
        for own in dict.fromkeys(index for index, _ in self.given(statement.target)):
            first = sum(at == own and number >= 0 for at, number in self.given(statement.target))
            if first and self.runs_down(statement.target, own):
                made.append(f"{self.index(own)} < {self.address(simplify(self.extent(own) - first))}")
            elif first:
                made.append(rf"{self.index(own)} \ge {first}")
        return rf" \quad \text{{for }} {', '.join(made)}" if made else ""

    def spaces(self) -> list[str]:
        """Every tensor's shape."""
        assert self.shapes is not None
        instance = _at(self.layer, self.shapes)
        found: dict[str, list[str]] = {}
        for name, shape in instance.shapes.items():
            if instance.roles[name] == "defined" and name not in self.layer.output_names:
                continue
            read = next((r for s in instance.statements for r in reads(s.value) if r.tensor == name), None)
            if instance.roles[name] not in ("input", "defined") and read is not None:
                shape = tuple(size for size, part in zip(shape, read.address) if part not in self.left_out)
            sizes = _sizes(shape, self.style is not None)
            found.setdefault(sizes, []).append(self.tensor(name))
            role = {"weight": "learned", "defined": "computed"}.get(instance.roles[name], instance.roles[name])
            self.letters.tensor(self.scope, name, self.wanted(name), f"{role}, {self.scope}", sizes)
        if self.style is None:
            return [rf"{name} \in \mathbb{{R}}^{{{sizes}}}" for sizes, names in found.items() for name in names]
        return [rf"{', '.join(names)} \in \mathbb{{R}}^{{{sizes}}}" for sizes, names in found.items() if sizes]


def _sizes(sizes: Sequence[Expr | None], apart: bool = False) -> str:
    """Sizes of axes, `apart` with brackets around sums."""
    return r" \times ".join(
        r"\cdot"
        if size is None
        else f"({formula_latex(size)})"
        if apart and size.is_Add and len(sizes) > 1
        else formula_latex(size)
        for size in sizes
    )


def _without_margins(made: Elaborated) -> tuple[Elaborated, list[str]]:
    """Tensors that are another one in a margin of zeros, read where they stand for it; and the tensors that are 0 outside then."""
    padded: dict[str, tuple[Pad, Statement]] = {}
    for statement in made.statements[:-1]:
        value = statement.value
        if isinstance(value, Pad) and isinstance(value.fill, Constant) and value.fill.value == 0:
            plain = all(isinstance(part, Index) for part in (*value.body.address, *statement.address))
            if plain and value.body.address == statement.address:
                padded[statement.target] = (value, statement)
    outside: dict[str, None] = {}

    def read(found: Read) -> Read:
        address = tuple(rebuilt(part, read) if isinstance(part, Read) else part for part in found.address)
        if found.tensor not in padded or any(isinstance(part, (Read, Group)) for part in address):
            return Read(found.tensor, address)
        pad, _ = padded[found.tensor]
        shifted = tuple(part if before.is_zero else part - before for part, (before, _) in zip(address, pad.widths))
        outside[pad.body.tensor] = None
        return read(Read(pad.body.tensor, shifted))

    kept = [replace(s, value=rebuilt(s.value, read)) for s in made.statements if s.target not in padded]
    still = {found.tensor for s in kept for found in s.reads} & set(padded)
    return (made, []) if still or not outside else (replace(made, statements=kept), list(outside))


def _filled(conditions: Sequence[str]) -> list[str]:
    """The conditions on as few lines as hold them."""
    lines: list[str] = []
    for place, condition in enumerate(conditions):
        ending = "," if place + 1 < len(conditions) else ""
        if lines and visible_length(f"{lines[-1]} {condition}") <= LONGEST_LINE:
            lines[-1] += rf" \enspace {condition}{ending}"
        else:
            lines.append((r"& \text{where } " if not lines else r"& \phantom{\text{where }} ") + condition + ending)
    return lines
