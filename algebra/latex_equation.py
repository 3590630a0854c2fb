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
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sympy import Add, Expr, Rational, Symbol
from sympy.core.symbol import Str

from .elaborate import Elaborated, Elaborator, Mask, Statement
from .errors import FieldError
from .heads import (
    FUNCTIONS,
    Address,
    Apply,
    Constant,
    Group,
    Head,
    Index,
    Pad,
    Plus,
    Read,
    Reduce,
    Softmax,
    Times,
    address_indices,
    reads,
    unknown_head,
)  # fmt: skip
from .instance import affine, is_recurrent_address
from .latex_formula import NEW_LINE, TALL, escaped, flat_latex, formula_latex, index_latex, name_latex, visible_length
from .layer import Dim, Layer, Size
from .tidy import tidied

LONGEST_LINE, LONGEST_DECIMAL = 95, 14
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
_MASKS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
_REDUCTIONS = {"sum": r"\sum", "mean": r"\operatorname*{mean}", "max": r"\max", "min": r"\min", "prod": r"\prod"}


def latex_equation(layer: Any, shape: Sequence[Any] | None = None) -> str:
    """The equation of a layer as aligned lines, for a display in math mode.

    Parameters
    ----------
    layer : Layer or class of layers
        For a class, its sizes are symbols named after the fields.
    shape : shape, or list of shapes, optional
        Spell every axis out, at this input; left out, starred indices are one bold index.

    Returns
    -------
    str
        An ``aligned`` environment (amsmath).

    Examples
    --------
    >>> from layeralgebra import MaxPool
    >>> print(latex_equation(MaxPool(2)))
    \\begin{aligned}
    y_{c, \\boldsymbol{i}} &= \\max_{\\boldsymbol{u}} x_{c, 2 \\boldsymbol{i} + \\boldsymbol{u}} \\\\
    & \\text{where } \\boldsymbol{u} < 2
    \\end{aligned}
    """
    layer = generic(layer) if isinstance(layer, type) else layer
    if not isinstance(layer, Layer):
        raise FieldError(f"latex_equation takes a layer, got {layer!r}")
    shapes: list[Any] | None = None
    if shape is not None:
        shapes = list(shape) if shape and isinstance(shape[0], (tuple, list)) else [tuple(shape)]
    made = _elaborated(layer, shapes)
    return _Writer(layer, made, shapes).text()


def generic(kind: type[Layer]) -> Layer:
    """A layer of a class with symbols, named after the fields, for its sizes."""
    values = {}
    for name, kinds in kind.fields.items():
        default = kind.defaults.get(name)
        if (Dim in kinds or Size in kinds) and (name not in kind.defaults or isinstance(default, int)):
            values[name] = Symbol(name, integer=True, positive=Dim in kinds or None, nonnegative=True)
        elif name not in kind.defaults:
            raise FieldError(f"{kind.__name__} needs {name}; give a layer instead of its class")
    return kind(**values)


def _elaborated(layer: Layer, shapes: Sequence[Any] | None) -> Elaborated:
    if shapes is None:
        return Elaborator(layer.parsed, layer.values, layer.input_names, None).run()
    return layer.instance(*shapes).elaborated


class _Writer:
    def __init__(self, layer: Layer, made: Elaborated, shapes: Sequence[Any] | None):
        self.layer, self.shapes = layer, shapes
        self.made, self.left_out = tidied(made, layer.input_names)
        self.taken = {symbol.name for symbol in layer.free_symbols if isinstance(symbol, Symbol)}
        self.taken |= {
            symbol.name for shape in shapes or () for size in shape for symbol in getattr(size, "free_symbols", ())
        }
        self.primed: set[Index] = set()

    def text(self) -> str:
        lines = [self.statement(statement) for statement in self.made.statements]
        conditions = [*self.bounds(), *self.starts(), *(self.spaces() if self.shapes is not None else ())]
        lines += _filled(conditions)
        return "\n".join([r"\begin{aligned}", f"{NEW_LINE.rstrip()}\n".join(lines), r"\end{aligned}"])

    # lines -----------------------------------------------------------------------------------------------------------

    def statement(self, statement: Statement) -> str:
        left = self.read(Read(statement.target, statement.address))
        if isinstance(statement.value, Pad):
            return f"{left} &= {self.padded(statement.value)}"
        made = self.head(statement.value)[0]
        if any(not isinstance(part, Group) and len(address_indices(part)) > 1 for part in statement.address):
            return rf"{left} &\mathrel{{{{+}}{{=}}}} {made}"  # several points of the domain meet in one element
        if isinstance(statement.value, Plus) and visible_length(f"{left} = {made}") > LONGEST_LINE:
            terms = self.terms(statement.value)
            half = len(terms) // 2
            return rf"{left} &= {' '.join(terms[:half])} \\" + f"\n& \\quad {' '.join(terms[half:])}"
        return f"{left} &= {made}"

    def padded(self, pad: Pad) -> str:
        address = tuple(
            part - before if isinstance(part, Expr) and not before.is_zero else part
            for part, (before, _) in zip(pad.body.address, pad.widths)
        )
        inside = self.read(Read(pad.body.tensor, address))
        if all(width.is_nonpositive for pair in pad.widths for width in pair):
            return inside
        margin = self.head(pad.fill)[0]
        return rf"\begin{{cases}} {inside} & \text{{inside}} \\ {margin} & \text{{in the margin}} \end{{cases}}"

    def bounds(self) -> list[str]:
        made = self.made
        found: dict[str, list[str]] = {}
        if self.shapes is None:
            for index, extent in made.bounds.items():
                if index in self.used:
                    if extent.name != rf"\lvert {bare_name(index)} \rvert" if extent.is_Symbol else True:
                        found.setdefault(flat_latex(self.own(extent)), []).append(self.index(index))
        lines = [f"{', '.join(indices)} < {extent}" for extent, indices in found.items()]
        for index, (low, high) in made.ranges.items():
            lines.append(rf"{self.address(low)} \le {self.index(index)} < {self.address(high)}")
        lines += [self.mask(mask) for mask in made.masks]
        if self.shapes is None:
            lines += [
                f"{self.read(self.reading(name))} < {flat_latex(extent)}" for name, extent in made.lookups.items()
            ]
            for name, sizes in made.declared.items():
                lines.append(rf"{tensor_latex(name)} \in \mathbb{{R}}^{{{_sizes(sizes)}}}")
        return lines

    def reading(self, name: str) -> Read:
        """Where a tensor is read first."""
        return next(
            read for statement in self.made.statements for read in reads(statement.value) if read.tensor == name
        )

    @property
    def used(self) -> set[Index]:
        """The indices that stand in some line."""
        found: set[Index] = set()
        for statement in self.made.statements:
            parts: Iterable[Address] = (
                *statement.address,
                *(part for read in reads(statement.value) for part in read.address),
            )
            found.update(*(address_indices(part) for part in parts))
        return found

    def mask(self, mask: Mask) -> str:
        return f"{self.address(mask.left)} {_MASKS[mask.relation]} {self.address(mask.right)}"

    def starts(self) -> list[str]:
        """What a recurrence reads before its first step is zero."""
        targets = {statement.target: (place, statement) for place, statement in enumerate(self.made.statements)}
        found: dict[str, None] = {}
        for place, statement in enumerate(self.made.statements):
            for read in reads(statement.value):
                known = targets.get(read.tensor)
                if known is None or known[0] < place:
                    continue
                for part, own in zip(read.address, known[1].address):
                    if is_recurrent_address(part, own):
                        assert isinstance(own, Index)
                        address = ", ".join(self.index(own) if other == own else r"\cdot" for other in known[1].address)
                        found[
                            rf"{tensor_latex(read.tensor)}_{{{address}}} = 0 \text{{ for }} {self.index(own)} < 0"
                        ] = None
        return list(found)

    def spaces(self) -> list[str]:
        """Every tensor's shape."""
        instance = self.layer.instance(*self.shapes)  # type: ignore[misc]
        lines = []
        last = self.made.statements[-1].target
        for name, shape in instance.shapes.items():
            if instance.roles[name] == "defined" and name != last:
                continue
            read = next((r for s in instance.statements for r in reads(s.value) if r.tensor == name), None)
            if instance.roles[name] not in ("input", "defined") and read is not None:
                shape = tuple(size for size, part in zip(shape, read.address) if part not in self.left_out)
            lines.append(rf"{tensor_latex(name)} \in \mathbb{{R}}^{{{_sizes(shape)}}}")
        return lines

    # heads -----------------------------------------------------------------------------------------------------------

    def head(self, head: Head) -> tuple[str, int]:
        """The LaTeX of a head, and how tightly it binds."""
        if isinstance(head, Constant):
            value = head.value
            loose = value.is_Add or value.could_extract_minus_sign()
            return constant_latex(value), SUM if loose else PRODUCT if value.is_Mul else ATOM
        if isinstance(head, Read):
            return self.read(head), ATOM
        if isinstance(head, Plus):
            return " ".join(self.terms(head)), SUM
        if isinstance(head, Times):
            return self.product(head)
        if isinstance(head, Apply):
            return self.applied(head)
        if isinstance(head, Reduce):
            below = ", ".join(self.index(index) for index in sorted(head.indices, key=_plain_first))
            return f"{_REDUCTIONS[head.operation]}_{{{below}}} {self.within(head.body, PRODUCT)}", PRODUCT
        if isinstance(head, Softmax):
            below = ", ".join(self.index(index) for index in head.indices)
            return rf"\operatorname{{softmax}}_{{{below}}} {bracketed(self.head(head.body)[0])}", ATOM
        raise unknown_head(head, "typeset")

    def terms(self, head: Plus) -> list[str]:
        """The terms of a sum, each with its sign but the first."""
        found = []
        for place, term in enumerate(head.terms):
            text = self.within(term, PRODUCT) if isinstance(term, Plus) else self.head(term)[0]
            negative = text.startswith("-")
            found.append((f"- {text[1:].lstrip()}" if negative else f"+ {text}") if place else text)
        return found

    def product(self, head: Times) -> tuple[str, int]:
        negative = False
        factors = []
        for factor in head.factors:
            if isinstance(factor, Constant) and abs(factor.value) == 1:
                negative ^= factor.value == -1
            else:
                factors.append(factor)
        if not factors:
            return ("-1" if negative else "1"), SUM if negative else ATOM
        if len(factors) == 1 and not negative:
            return self.head(factors[0])
        last = len(factors) - 1
        texts = [
            self.within(factor, POWER if isinstance(factor, Reduce) and place < last else PRODUCT)
            for place, factor in enumerate(factors)
        ]
        text = r"\, ".join(texts)
        return (f"- {text}", SUM) if negative else (text, PRODUCT)

    def applied(self, head: Apply) -> tuple[str, int]:
        first = head.arguments[0]
        if head.function == "divide":
            return rf"\frac{{{self.head(first)[0]}}}{{{self.head(head.arguments[1])[0]}}}", ATOM
        if head.function == "power":
            scripts = isinstance(first, Read) and "^" in tensor_latex(first.tensor)
            base = bracketed(self.head(first)[0]) if scripts else self.within(first, ATOM)
            return f"{base}^{{{self.head(head.arguments[1])[0]}}}", POWER
        if head.function == "sqrt":
            return rf"\sqrt{{{self.head(first)[0]}}}", ATOM
        if head.function == "abs":
            return rf"\lvert {self.head(first)[0]} \rvert", ATOM
        inside = ", ".join(self.head(argument)[0] for argument in head.arguments)
        return f"{FUNCTIONS[head.function].latex}{bracketed(inside)}", ATOM

    def within(self, head: Head, level: int) -> str:
        text, own = self.head(head)
        return text if own >= level else bracketed(text)

    # addresses -------------------------------------------------------------------------------------------------------

    def read(self, read: Read) -> str:
        if not read.address:
            return tensor_latex(read.tensor)
        return f"{tensor_latex(read.tensor)}_{{{', '.join(self.address(part) for part in read.address)}}}"

    def address(self, part: Address) -> str:
        if isinstance(part, Group):
            return f"({', '.join(self.index(index) for index in part.parts)})"
        if isinstance(part, Read):
            return self.read(part)
        if isinstance(part, Index):
            return self.index(part)
        form = affine(part)
        if form is None:
            return formula_latex(self.own(part))
        found = [self.step(step, index) for index, step in sorted(form[0].items(), key=lambda item: item[0].name)]
        found += [formula_latex(self.own(term)) for term in Add.make_args(form[1]) if term != 0]
        return signed_sum(found or ["0"])

    def step(self, step: Expr, index: Index) -> str:
        """A multiple of an index, the index last."""
        if abs(step) == 1:
            return f"{'- ' if step == -1 else ''}{self.index(index)}"
        factor = formula_latex(self.own(step))
        space = r"\," if r"\mathit" in factor else ""
        return f"{f'({factor})' if step.is_Add else factor}{space} {self.index(index)}"

    def own(self, expression: Expr) -> Expr:
        """The expression with a prime at every index whose name a size has already."""
        clashing = {symbol for symbol in expression.free_symbols if isinstance(symbol, Index) and self.clashes(symbol)}
        return expression.xreplace({index: Symbol(self.index(index)) for index in clashing}) if clashing else expression

    def clashes(self, index: Index) -> bool:
        return bare_name(index) in self.taken

    def index(self, index: Index) -> str:
        name = index.name if index.name.startswith("\\") else index_latex(index.name)
        return f"{name}'" if self.clashes(index) else name


def _plain_first(index: Index) -> tuple[bool, str]:
    return index.name.startswith("\\"), index.name


def bare_name(index: Index) -> str:
    """The name of an index as its equation has it."""
    found = re.fullmatch(r"\\boldsymbol\{(\w+)\}", index.name)
    return found[1] if found else index.name


def signed_sum(terms: Sequence[str]) -> str:
    """Terms as a sum, those with a minus sign at the end."""
    positive = [term for term in terms if not term.startswith("-")]
    negative = [term.removeprefix("-").lstrip() for term in terms if term.startswith("-")]
    first, *rest = positive or ["-" + negative.pop(0)]
    return " ".join([first, *(f"+ {term}" for term in rest), *(f"- {term}" for term in negative)])


def constant_latex(value: Expr) -> str:
    r"""A constant of an equation: decimals as they were written, and a few digits of what would be unreadable.

    >>> from sympy import Rational, sqrt
    >>> [constant_latex(x) for x in (Rational(1, 100000), Rational("0.044715"), sqrt(Rational("0.6366197723675814")))]
    ['10^{-5}', '0.044715', '0.797885\\ldots']
    """
    if value.is_Rational and not value.is_Integer and value.q >= 100:
        text = format(Decimal(value.p) / Decimal(value.q), "f").rstrip("0")
        if Rational(text) == value and len(text) <= LONGEST_DECIMAL:
            exponent = len(str(value.q)) - 1
            return f"10^{{-{exponent}}}" if value.p == 1 and value.q == 10**exponent else text
    if value.is_number and any(abs(number.p) > 10**6 or number.q > 10**6 for number in value.atoms(Rational)):
        return rf"{float(value):.6g}\ldots"
    return formula_latex(value)


def tensor_latex(name: str) -> str:
    r"""The name of a tensor: of two letters the second is raised, since indices stand below.

    >>> tensor_latex("W"), tensor_latex("Wr"), tensor_latex("memory")
    ('W', 'W^{r}', '\\mathit{memory}')
    """
    if re.fullmatch(r"[A-Za-z][a-z0-9]", name):
        return f"{name[0]}^{{{name[1]}}}" if name[1].isalpha() else f"{name[0]}^{{({name[1]})}}"
    return name_latex(name)


def bracketed(text: str) -> str:
    """In round brackets, tall ones around what is tall."""
    if any(mark in text for mark in TALL):
        return rf"\left({text}\right)"
    return f"({text})"


def _sizes(sizes: Sequence[Expr | None]) -> str:
    return r" \times ".join(r"\cdot" if size is None else formula_latex(size) for size in sizes)


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


def field_latex(value: Any) -> str:
    """The value of a field, for math mode."""
    if isinstance(value, Str):
        return rf"\text{{{escaped(value.name)}}}"
    return formula_latex(value)
