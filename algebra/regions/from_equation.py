"""From a layer's equation to its local transfer function.

Every head of the equation is read as a function of the layer's input: an affine map, whose rank and fan-in come from
the access maps; a piecewise-linear function of one element, whose pieces are computed (`scalar_pieces`); a maximum over
a window; or none of these, which needs a surrogate by name.

=========  ============================================================================================
surrogate  what it puts in the place of a function without affine pieces
=========  ============================================================================================
relu       one ReLU for each value of an activation or of a softmax; powers, roots, and products and quotients of two
           tensors that both depend on the input are held affine
hard_tanh  the same with two breakpoints for each value
affine     an affine map of everything that it reads
=========  ============================================================================================

>>> from layeralgebra import Conv, LeakyReLU, dims
>>> c, H = dims("c H")
>>> local_transfer(Conv(8, 3, padding=1).instance((3, 10)))
Affine(rank=30, groups=(8, 9, 10))
>>> local_transfer(LeakyReLU().instance((c, H)))
Units(groups=((H*c, oo, 1),), pieces=Pieces(sloped=2, constant=0))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import NoReturn

from sympy import Add, Expr, Integer, Mul, Symbol, oo

from ..equations.heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    Pad,
    Plus,
    Read,
    Reduce,
    Softmax,
    Times,
    address_indices,
    free_indices,
    reads,
    unknown_head,
)
from ..equations.instance import Instance
from ..equations.statements import Statement
from ..errors import FieldError, UnsupportedError
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .composition import IDENTITY, Branches, Repeated, fuse, series
from .local_maps import HARD_TANH, RELU, Affine, MaxPool, Pieces, Transfer, Units
from .scalar_pieces import ScalarFunction
from .vertex_cuts import Least

ARITHMETIC = ("divide", "power", "sqrt", "log")
"""Functions without affine pieces that are no activations: normalisation and the like."""

SURROGATES: dict[str, Pieces | None] = {"relu": RELU, "hard_tanh": HARD_TANH, "affine": None}
"""Pieces that stand in for those of a smooth function; None for a function held affine."""


@dataclass(frozen=True)
class Elementwise:
    """A scalar function of one element of a tensor; `function` is None where it is not piecewise linear.

    `bends` tells an activation from arithmetic such as a square or a root, which a surrogate holds affine.
    """

    read: Read
    function: ScalarFunction | None
    bends: bool = False


@dataclass(frozen=True)
class Linear:
    """A weighted sum of elements, over the indices that have been summed."""

    reads: tuple[Read, ...]
    summed: frozenset[Index] = frozenset()


@dataclass(frozen=True)
class Made:
    """Anything else: its transfer function from the layer's input."""

    transfer: Transfer


Form = Elementwise | Linear | Made | None
"""What a head is to the layer's input; None for what does not depend on it."""


def check_surrogate(surrogate: str | None) -> None:
    """Refuse a surrogate that is none."""
    if surrogate is not None and surrogate not in SURROGATES:
        raise FieldError(f"surrogate={surrogate!r}: there are {', '.join(map(repr, SURROGATES))}")


@lru_cache(maxsize=20_000)
def local_transfer(instance: Instance, surrogate: str | None = None) -> Transfer:
    """The local transfer function of a layer at its input sizes; of several inputs, those put together.

    Parameters
    ----------
    instance : Instance
    surrogate : str, optional

    Returns
    -------
    Transfer

    Raises
    ------
    UnsupportedError
        If something has no affine pieces and no surrogate is named.
    """
    check_surrogate(surrogate)
    return _Reader(instance, surrogate).run()


class _Reader:
    """One reading of an equation; `signals` holds the transfer function to each tensor that depends on the input."""

    def __init__(self, instance: Instance, surrogate: str | None):
        self.instance, self.surrogate = instance, surrogate
        self.signals: dict[str, Transfer] = {name: IDENTITY for name in instance.layer.input_names}
        self.scalars: dict[str, tuple[Statement, Elementwise]] = {}
        self.place = 0

    def run(self) -> Transfer:
        instance = self.instance
        place = 0
        live = set(instance.live)
        while place < len(instance.statements):
            if place in instance.recurrent:
                first, last, running = instance.recurrent[place]
                self._recurrence(first, last, running)
                place = last + 1
                continue
            if place in live:
                self._statement(place)
            place += 1
        return self.signals.get(instance.statements[-1].target, Affine(0))

    # statements ------------------------------------------------------------------------------------------------------

    def _statement(self, place: int) -> None:
        self.place, statement = place, self.instance.statements[place]
        value = statement.value
        if isinstance(value, Pad):
            if value.body.tensor in self.signals:
                before, size = (Mul(*self.instance.shapes[name]) for name in (value.body.tensor, statement.target))
                kept = size if any(width.is_negative for pair in value.widths for width in pair) else before
                self.signals[statement.target] = series((self.signals[value.body.tensor], Affine(kept)))
            return
        form = self.form(value)
        if form is None:
            return
        self.signals[statement.target] = self.transfer(form, value)
        if isinstance(form, Elementwise) and all(isinstance(part, Index) for part in statement.address):
            self.scalars[statement.target] = (statement, form)

    def _recurrence(self, first: int, last: int, running: Index) -> None:
        """Units take turns along the running index, each with all that came before: a residual stream of states."""
        instance = self.instance
        inside = instance.statements[first : last + 1]
        fed: list[Transfer] = []
        for statement in inside:
            self.signals[statement.target] = IDENTITY
        turns: list[Transfer] = []
        steps: Expr = Integer(1)
        for place, statement in enumerate(inside, start=first):
            self.place = place
            form = self.form(statement.value)
            steps = instance.extents[place].get(running, steps)
            if form is not None:
                made = self.transfer(form, statement.value)
                turns += [Units(((simplify(u.count / steps), oo, 1),), u.pieces) for u in _units(made)]
        for statement in inside:
            for tensor in {read.tensor for read in _reads(statement.value)}:
                if tensor in self.signals and all(tensor != other.target for other in inside):
                    fed.append(self.signals[tensor])
        entering = self._joined(fed) if fed else IDENTITY
        step = series(Branches((IDENTITY, turn)) for turn in turns)
        whole = series((entering, Repeated(step, steps))) if turns else entering
        for statement in inside:
            self.signals[statement.target] = series((whole, Affine(Mul(*instance.shapes[statement.target]))))

    # heads -----------------------------------------------------------------------------------------------------------

    def form(self, head: Head) -> Form:
        """What a head is to the input."""
        if isinstance(head, Constant):
            return None
        if isinstance(head, Read):
            return self._read(head)
        if isinstance(head, Plus):
            return self._plus([self.form(term) for term in head.terms], head)
        if isinstance(head, Times):
            return self._times(head)
        if isinstance(head, Apply):
            return self._apply(head)
        if isinstance(head, Reduce):
            return self._reduce(head)
        if isinstance(head, Softmax):
            below = self.form(head.body)
            return None if below is None else self._without_pieces("a softmax", [(below, head.body)], head)
        raise unknown_head(head, "given a transfer function")

    def _read(self, head: Read) -> Form:
        looked_up = [part for part in head.address if isinstance(part, Read) and self.form(part) is not None]
        if looked_up:
            return self._without_pieces("a lookup", [(self.form(part), part) for part in looked_up], head)
        if head.tensor not in self.signals:
            return None
        known = self.scalars.get(head.tensor)
        if known is not None and not any(isinstance(part, (Group, Read)) for part in head.address):
            statement, form = known
            # The scalar function of another tensor's element: that element's address at the indices used here.
            here = dict(zip(statement.address, head.address))
            address = [_renamed(part, here) for part in form.read.address]
            if None not in address:
                here_read = Read(form.read.tensor, tuple(address))
                return Elementwise(here_read, form.function, form.bends)
        return Elementwise(head, ScalarFunction.identity())

    def _plus(self, forms: Sequence[Form], head: Plus) -> Form:
        parts = [(form, term) for form, term in zip(forms, head.terms) if form is not None]
        if not parts:
            return None
        if (read := _common_read([form for form, _ in parts])) is not None:
            functions = [
                form.function for form, _ in parts if isinstance(form, Elementwise) and form.function is not None
            ]
            constants = [term for form, term in zip(forms, head.terms) if form is None]
            if len(functions) < len(parts):
                return _smooth([form for form, _ in parts])
            total = reduce(lambda first, second: first.plus(second), functions)
            return Elementwise(read, total.shifted(_number_of(constants)))
        linear = [found for form, _ in parts if (found := _as_linear(form)) is not None]
        if len(linear) == len(parts) and len({form.summed for form in linear}) == 1:
            return Linear(tuple(read for form in linear for read in form.reads), linear[0].summed)
        return Made(self._joined([self.transfer(form, term) for form, term in parts], self._size(head)))

    def _times(self, head: Times) -> Form:
        forms = [(self.form(factor), factor) for factor in head.factors]
        parts = [(form, factor) for form, factor in forms if form is not None]
        if not parts:
            return None
        if len(parts) == 1:
            form, _ = parts[0]
            if isinstance(form, Elementwise) and form.function is not None:
                return Elementwise(
                    form.read, form.function.times(_number_of([f for g, f in forms if g is None], product=True))
                )
            return form
        if _common_read([form for form, _ in parts]) is not None:
            return _smooth([form for form, _ in parts])
        return self._without_pieces("a product of two tensors that depend on the input", parts, head, units=False)

    def _apply(self, head: Apply) -> Form:
        forms = [self.form(argument) for argument in head.arguments]
        parts = [(form, argument) for form, argument in zip(forms, head.arguments) if form is not None]
        if not parts:
            return None
        if head.function == "divide" and forms[1] is None:
            return self._times(Times((head.arguments[0], Apply("divide", (Constant(Integer(1)), head.arguments[1])))))
        if head.function == "power" and head.arguments[1] == Constant(Integer(1)):
            return forms[0]
        one = _common_read([form for form, _ in parts])
        known = ScalarFunction.pieces_of(head.function)
        if known is None:
            bends = head.function not in ARITHMETIC
            if one is not None:
                return _smooth([form for form, _ in parts], bends)
            what = (
                f"{head.function}(...)"
                if len(parts) == 1
                else f"{head.function} of two tensors that depend on the input"
            )
            return self._without_pieces(what, parts, head, units=bends)
        size = self._size(head)
        if len(parts) == 2:
            both = self._joined([self.transfer(form, argument) for form, argument in parts])
            return Made(series((both, MaxPool(size, 2))))
        form, argument = parts[0]
        bend = _number_of([a for f, a in zip(forms, head.arguments) if f is None])
        if isinstance(form, Elementwise):
            if form.function is None:
                return _smooth([form], True)
            return Elementwise(form.read, form.function.bent(known, bend))
        return Made(
            series(
                (
                    self.transfer(form, argument),
                    Units(((size, oo, 1),), ScalarFunction.identity().bent(known, bend).pieces()),
                )
            )
        )

    def _reduce(self, head: Reduce) -> Form:
        form = self.form(head.body)
        if form is None:
            return None
        if head.operation in ("sum", "mean"):
            linear = _as_linear(form)
            if linear is not None:
                return Linear(linear.reads, linear.summed | frozenset(head.indices))
            return Made(series((self.transfer(form, head.body), Affine(self._size(head)))))
        if head.operation in ("max", "min"):
            window = simplify(Mul(*(self._extent(index) for index in head.indices)))
            return Made(series((self.transfer(form, head.body), MaxPool(self._size(head), window))))
        return self._without_pieces("a product over an index", [(form, head.body)], head, units=False)

    # transfer functions ----------------------------------------------------------------------------------------------

    def transfer(self, form: Form, head: Head) -> Transfer:
        """The transfer function from the layer's input to all values of a head."""
        if form is None:
            return Affine(0)
        if isinstance(form, Made):
            return form.transfer
        if isinstance(form, Linear):
            return self._affine(form, head)
        below = self._affine(Linear((form.read,)), head)
        if form.function is None:
            pieces = self._surrogate("a smooth function", head)
            pieces = pieces if form.bends else None
        else:
            pieces = form.function.pieces()
        if pieces is None or (pieces.sloped, pieces.constant) == (1, 0):
            return below
        return series((below, Units(((self._size(head), oo, 1),), pieces)))

    def _affine(self, form: Linear, head: Head) -> Transfer:
        """The affine map that reads these elements: rank, and the groups of outputs that see the same part."""
        size = self._size(head)
        tensors = {read.tensor for read in form.reads}
        if len(tensors) > 1:
            maps = [
                self._affine(Linear(tuple(r for r in form.reads if r.tensor == t), form.summed), head)
                for t in sorted(tensors)
            ]
            return self._joined(maps, size)
        (tensor,) = tensors
        if len(form.reads) == 1 and not form.summed and form.reads[0].address == self._plain(tensor, form.reads[0]):
            return self.signals[tensor]  # the tensor itself, its axes in some order
        addressed = frozenset().union(*(free_indices(read) for read in form.reads))
        kept = free_indices(head)
        copies = simplify(Mul(*(self._extent(index) for index in kept & addressed)))
        outputs = simplify(Mul(*(self._extent(index) for index in kept - addressed)))
        seen = simplify(
            Mul(*(self._distinct(form.reads, tensor, axis) for axis in range(len(self.instance.shapes[tensor]))))
        )
        if not form.summed and len(form.reads) == 1 and seen == simplify(Mul(*self.instance.shapes[tensor])):
            return self.signals[tensor]  # its elements again, each once or several times
        fan_in = simplify(
            Add(*(Mul(*(self._extent(index) for index in free_indices(read) - kept)) for read in form.reads))
        )
        rank = _smaller(size, seen)
        return series((self.signals[tensor], Affine(rank, (outputs, fan_in, copies))))

    def _plain(self, tensor: str, read: Read) -> tuple[Address, ...] | None:
        """The address itself, if it is one index, or one group of indices, for each axis, each index once."""
        flat: list[Index] = []
        for part in read.address:
            if isinstance(part, Group):
                flat += part.parts
            elif isinstance(part, Index):
                flat.append(part)
            else:
                return None
        covered = Mul(*(self._extent(index) for index in flat))
        same = simplify(covered - Mul(*self.instance.shapes[tensor])) == 0
        return read.address if len(set(flat)) == len(flat) and same else None

    def _distinct(self, reads: Sequence[Read], tensor: str, axis: int) -> Expr:
        """At most how many places of an axis are read."""
        size = self.instance.shapes[tensor][axis]
        if len(reads) > 1 or isinstance(reads[0].address[axis], Read):
            return size
        several = Mul(*(self._extent(index) for index in address_indices(reads[0].address[axis])))
        return several if is_nonnegative(size - several) is True else size

    def _joined(self, transfers: Iterable[Transfer], width: Expr | None = None) -> Transfer:
        """Values side by side, or added where there is a width."""
        parts = tuple(transfers)
        if len(parts) == 1:
            return parts[0]
        return joined(parts, width)

    def _without_pieces(self, what: str, parts: Sequence[tuple[Form, Head]], head: Head, units: bool = True) -> Form:
        pieces = self._surrogate(what, head)
        size = self._size(head)
        whole = series((self._joined([self.transfer(form, part) for form, part in parts]), Affine(size)))
        return Made(whole if pieces is None or not units else series((whole, Units(((size, oo, 1),), pieces))))

    def _surrogate(self, what: str, head: Head) -> Pieces | None:
        if self.surrogate is None:
            self._refuse(what)
        return SURROGATES[self.surrogate]

    def _refuse(self, what: str) -> NoReturn:
        statement, layer = self.instance.statements[self.place], self.instance.layer
        line = layer.parsed.text.splitlines()[statement.number - 1].strip()
        raise UnsupportedError(
            f"the transfer function of {layer}: {what} has no affine pieces\n  in: {line}\n"
            "  write instead: surrogate='relu' (a ReLU for each value), 'hard_tanh', or 'affine' (no pieces at all)"
        )

    def _extent(self, index: Index) -> Expr:
        return self.instance.extents[self.place][index]

    def _size(self, head: Head) -> Expr:
        return simplify(Mul(*(self._extent(index) for index in free_indices(head))))


def joined(parts: Sequence[Transfer], width: Expr | None = None) -> Transfer:
    """Branches of one input, siblings counted together; affine branches alone are one affine map.

    Examples
    --------
    >>> joined((Affine(3), Affine(4))), joined((Affine(3), Affine(4)), Integer(5))
    (Affine(rank=7, groups=None), Affine(rank=5, groups=None))
    >>> joined((Affine(3), IDENTITY, IDENTITY)) == IDENTITY
    True
    """
    if IDENTITY in parts and all(isinstance(part, Affine) or part == IDENTITY for part in parts):
        return IDENTITY if width is None else Affine(width)
    if all(isinstance(part, Affine) for part in parts):
        rank = Add(*(part.rank for part in parts))  # type: ignore[attr-defined]
        return Affine(rank if width is None else _smaller(width, rank))
    return fuse(Branches(tuple(parts), width))


def _smaller(one: Expr, other: Expr) -> Expr:
    return Least.of(one, other).expr()


def _as_linear(form: Form) -> Linear | None:
    if isinstance(form, Linear):
        return form
    if isinstance(form, Elementwise) and form.function is not None and form.function.is_affine:
        return Linear((form.read,))
    return None


def _common_read(forms: Sequence[Form]) -> Read | None:
    """The one element of which all are scalar functions."""
    first = forms[0]
    if isinstance(first, Elementwise) and all(isinstance(f, Elementwise) and f.read == first.read for f in forms):
        return first.read
    return None


def _smooth(forms: Sequence[Form], bends: bool = False) -> Elementwise:
    """A scalar function of one element that has no pieces; an activation if anything in it has a bend."""
    known = [form for form in forms if isinstance(form, Elementwise)]
    bent = any(form.bends or (form.function is not None and not form.function.is_affine) for form in known)
    return Elementwise(forms[0].read, None, bends or bent)  # type: ignore[union-attr]


def _number_of(constants: Sequence[Head], product: bool = False) -> Expr | None:
    """The number that constants amount to; None if it is not known before the weights are."""
    values = [constant.value for constant in constants if isinstance(constant, Constant)]
    if len(values) < len(constants):
        return None
    return Mul(*values) if product else Add(*values)


def _renamed(part: Address, here: dict[Address, Address]) -> Address | None:
    if isinstance(part, (Group, Read)):
        return None
    if isinstance(part, Symbol):
        return here.get(part)
    return part.xreplace({old: new for old, new in here.items() if isinstance(new, Expr)})


def _reads(head: Head) -> Iterable[Read]:
    return reads(head)


def _units(transfer: Transfer) -> list[Units]:
    """All units of a transfer function."""
    if isinstance(transfer, Units):
        return [transfer]
    if isinstance(transfer, MaxPool):
        return [Units(((transfer.hyperplanes, oo, 1),), RELU)]
    below: Iterable[Transfer] = getattr(transfer, "parts", ()) or getattr(transfer, "branches", ())
    return [units for part in below for units in _units(part)]
