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

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import Any, NoReturn

from sympy import Add, Expr, Integer, Max, Min, Mul, Symbol, oo

from ..arguments import shown
from ..equations.heads import (
    Address,
    Apply,
    Constant,
    Group,
    Head,
    IndexValue,
    Pad,
    Plus,
    Read,
    Reduce,
    Select,
    Softmax,
    Times,
    address_indices,
    free_indices,
    reads,
    unknown_head,
)
from ..equations.instance import Instance
from ..equations.recurrences import Recurrence
from ..equations.statements import Statement
from ..errors import FieldError, UnsupportedError
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .composition import IDENTITY, Branches, Repeated, fuse, series
from .forms import Elementwise, Form, Indices, Linear, Made, Part, Term
from .local_maps import HARD_TANH, RELU, Affine, MaxPool, Pieces, Transfer, Units
from .scalar_pieces import ScalarFunction
from .vertex_cuts import Least

ARITHMETIC = ("divide", "power", "sqrt", "log")
"""Functions without affine pieces that are no activations: normalisation and the like."""

SURROGATES: dict[str, Pieces | None] = {"relu": RELU, "hard_tanh": HARD_TANH, "affine": None}
"""Pieces that stand in for those of a smooth function; None for a function held affine."""

# Factors of one term that are put on either side, in every way, to find the narrowest passage.
_MOST_FACTORS = 6


def check_surrogate(surrogate: str | None) -> None:
    """Refuse a surrogate that is none."""
    if surrogate is not None and not (isinstance(surrogate, str) and surrogate in SURROGATES):
        raise FieldError(f"surrogate={shown(surrogate)}: there are {', '.join(map(repr, SURROGATES))}")


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
        self.shapes: dict[str, tuple[Expr, ...]] = dict(instance.shapes)
        self.scalars: dict[str, tuple[Statement, Elementwise]] = {}
        self.units: dict[Any, Read] = {}
        self.place = 0

    def run(self) -> Transfer:
        instance = self.instance
        for first, last, recurrence in instance.order:
            if recurrence is None:
                self._statement(first)
            else:
                self._recurrence(first, last, recurrence)
        return self.signals.get(instance.root, Affine(0))

    # statements ------------------------------------------------------------------------------------------------------

    def _statement(self, place: int) -> None:
        self.place, statement = place, self.instance.statements[place]
        value = statement.value
        if isinstance(value, Pad):
            if value.body.tensor in self.signals:
                before, size = (Mul(*self.shapes[name]) for name in (value.body.tensor, statement.target))
                kept = size if any(width.is_negative for pair in value.widths for width in pair) else before
                self.signals[statement.target] = series((self.signals[value.body.tensor], Affine(kept)))
            return
        form = self._scattered(statement) if statement.scatters else self.form(value)
        if form is None:
            return
        self.signals[statement.target] = self.transfer(form, value)
        if isinstance(form, Elementwise) and all(isinstance(part, Index) for part in statement.address):
            self.scalars[statement.target] = (statement, form)

    def _scattered(self, statement: Statement) -> Form:
        """What a lookup on the left brings to its elements."""
        heads = [*(part for part in statement.address if isinstance(part, Read)), statement.value]
        parts = [(form, head) for head in heads if (form := self.form(head)) is not None]
        return self._without_pieces("a lookup on the left", parts, statement.value) if parts else None

    def _recurrence(self, first: int, last: int, recurrence: Recurrence) -> None:
        """Units take turns along the running indices, each with all that came before: a residual stream of states."""
        instance = self.instance
        inside = instance.statements[first : last + 1]
        fed: list[Transfer] = []
        for statement in inside:
            self.signals[statement.target] = IDENTITY
        turns: list[Transfer] = []
        steps: Expr = Integer(1)
        for place, statement in enumerate(inside, start=first):
            self.place = place
            # A padded state is that state with numbers around it: nothing bends.
            form = None if isinstance(statement.value, Pad) else self.form(statement.value)
            if recurrence.covers(statement):
                steps = Mul(*(instance.extents[place][index] for index in recurrence.running))
            if form is not None:
                made = self.transfer(form, statement.value)
                turns += [Units(((simplify(u.count / steps), oo, 1),), u.pieces) for u in _units(made)]
        for place in range(first, last + 1):
            for tensor in sorted(instance.read_by(place)):
                if tensor in self.signals and all(tensor != other.target for other in inside):
                    fed.append(self.signals[tensor])
        entering = self._joined(fed) if fed else IDENTITY
        step = series(Branches((IDENTITY, turn)) for turn in turns)
        whole = series((entering, Repeated(step, steps))) if turns else entering
        for statement in inside:
            self.signals[statement.target] = series((whole, Affine(Mul(*self.shapes[statement.target]))))

    # heads -----------------------------------------------------------------------------------------------------------

    def form(self, head: Head) -> Form:
        """What a head is to the input."""
        if isinstance(head, (Constant, IndexValue)):
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
        if isinstance(head, Select):
            below = self.form(head.body)
            return None if below is None else self._without_pieces("a selection", [(below, head.body)], head)
        raise unknown_head(head, "given a transfer function")

    def _read(self, head: Read) -> Form:
        looked_up = [part for part in head.address if isinstance(part, Read) and self.form(part) is not None]
        if looked_up:
            return self._without_pieces("a lookup", [(self.form(part), part) for part in looked_up], head)
        if head.tensor not in self.signals:
            return None
        known = self.scalars.get(head.tensor)
        if known is not None and all(isinstance(part, Index) for part in head.address):
            statement, form = known
            # The scalar function of another tensor's element: that element's address at the indices used here.
            here = dict(zip(statement.address, head.address))
            if (renamed := _renamed(form, here)) is not None:
                return renamed
        return Elementwise.of(head)

    def _plus(self, forms: Sequence[Form], head: Plus) -> Form:
        parts = [(form, term) for form, term in zip(forms, head.terms) if form is not None]
        if not parts:
            return None
        constants = [term for form, term in zip(forms, head.terms) if form is None]
        if _common_read([form for form, _ in parts]) is not None:
            return self._sum_of_one([form for form, _ in parts if isinstance(form, Elementwise)], constants)
        terms = [self._terms(form, head) for form, _ in parts]
        if None not in terms:
            return Linear(tuple(term for found in terms for term in found or ()))
        return Made(self._joined([self.transfer(form, term) for form, term in parts], self._size(head)))

    def _sum_of_one(self, forms: Sequence[Elementwise], constants: Sequence[Head]) -> Form:
        """Scalar functions of one element, added, and constants."""
        functions = [form.function for form in forms if form.function is not None]
        if len(functions) < len(forms):
            return _smooth(forms, constants)
        total = reduce(lambda first, second: first.plus(second), functions)
        over: Indices = frozenset().union(*(form.whole.over for form in forms))
        made = Elementwise(
            forms[0].read, Part(total, False, over), tuple(part for form in forms for part in form.parts)
        )
        if total.is_affine:
            affine = Part(ScalarFunction.identity(), False, frozenset(), (over,) if over else ())
            made = Elementwise(made.read, made.whole, (affine,))
        return made.shifted(total.shifted(_number_of(constants)), _over(constants)) if constants else made

    def _times(self, head: Times) -> Form:
        forms = [(self.form(factor), factor) for factor in head.factors]
        parts = [(form, factor) for form, factor in forms if form is not None]
        if not parts:
            return None
        if len(parts) == 1:
            form, _ = parts[0]
            constants = [factor for other, factor in forms if other is None]
            factors = [free_indices(factor) for factor in constants]
            if isinstance(form, Elementwise):
                function = form.function
                return form.scaled(function and function.times(_number_of(constants, product=True)), factors)
            if isinstance(form, Linear):
                return Linear(tuple(Term(t.read, (*t.factors, *factors), t.summed) for t in form.terms))
            return form
        if _common_read([form for form, _ in parts]) is not None:
            constants = [factor for form, factor in forms if form is None]
            return _smooth([form for form, _ in parts if isinstance(form, Elementwise)], constants)
        return self._without_pieces("a product of two tensors that depend on the input", parts, head, units=False)

    def _apply(self, head: Apply) -> Form:
        if head.function in ("max", "min"):
            return self._extremum(head)
        forms = [self.form(argument) for argument in head.arguments]
        parts = [(form, argument) for form, argument in zip(forms, head.arguments) if form is not None]
        if not parts:
            return None
        if head.function == "divide" and forms[1] is None:
            return self._times(Times((head.arguments[0], Apply("divide", (Constant(Integer(1)), head.arguments[1])))))
        if head.function == "power" and head.arguments[1] == Constant(Integer(1)):
            return forms[0]
        slopes = ScalarFunction.pieces_of(head.function)
        if slopes is None:
            bends = head.function not in ARITHMETIC
            if _common_read([form for form, _ in parts]) is not None:
                constants = [argument for form, argument in zip(forms, head.arguments) if form is None]
                return _smooth([form for form, _ in parts if isinstance(form, Elementwise)], constants, bends)
            what = (
                f"{head.function}(...)"
                if len(parts) == 1
                else f"{head.function} of two tensors that depend on the input"
            )
            return self._without_pieces(what, parts, head, units=bends)
        return self._bent(parts[0], slopes, [], head)

    def _bent(self, part: tuple[Form, Head], slopes: tuple[Expr, Expr], bounds: Sequence[Head], head: Head) -> Form:
        """A function of one bend, at a number that the constants `bounds` amount to."""
        form, argument = part
        bend = _number_of(bounds)
        if isinstance(form, Elementwise):
            if form.function is None:
                return _smooth([form], bounds, True)
            return form.applied(form.function.bent(slopes, bend), False, _over(bounds))
        pieces = ScalarFunction.identity().bent(slopes, bend).pieces()
        return Made(series((self.transfer(form, argument), Units(((self._size(head), oo, 1),), pieces))))

    def _extremum(self, head: Apply) -> Form:
        """The largest or the smallest of several numbers: of one element's functions, of a number and a bound, or a maxout unit."""
        arguments = _arguments(head, head.function)
        forms = [self.form(argument) for argument in arguments]
        parts = [(form, argument) for form, argument in zip(forms, arguments) if form is not None]
        bounds = [argument for form, argument in zip(forms, arguments) if form is None]
        slopes = ScalarFunction.pieces_of(head.function)
        assert slopes is not None
        if not parts:
            return None
        form: Form
        (form, argument), largest = parts[0], head.function == "max"
        if _common_read([form for form, _ in parts]) is not None:
            known = [form for form, _ in parts if isinstance(form, Elementwise)]
            functions = [form.function for form in known if form.function is not None]
            if len(functions) < len(known):
                return _smooth(known, bounds, True)
            best = reduce(lambda first, second: first.extremum(second, largest), functions)
            own: Indices = frozenset().union(*(form.whole.over for form in known))
            form, argument = known[0].applied(best, False, own), head
        elif len(parts) > 1:
            both = self._joined([self.transfer(form, argument) for form, argument in parts])
            return Made(series((both, MaxPool(self._size(head), len(parts) + bool(bounds)))))
        for bound in _levels(bounds, largest):
            form = self._bent((form, argument), slopes, [bound], head)
            argument = head
        return form

    def _reduce(self, head: Reduce) -> Form:
        form = self.form(head.body)
        if form is None:
            return None
        if head.operation in ("sum", "mean"):
            terms = self._terms(form, head.body)
            if terms is not None:
                over = frozenset(head.indices)
                return Linear(tuple(Term(term.read, term.factors, term.summed | over) for term in terms))
            return Made(series((self.transfer(form, head.body), Affine(self._size(head)))))
        if head.operation in ("max", "min"):
            indices, body = head.indices, head.body
            while isinstance(body, Reduce) and body.operation == head.operation:  # a window of windows is one window
                indices, body = (*indices, *body.indices), body.body
            window = simplify(Mul(*(self._extent(index) for index in indices)))
            below = self.form(body) if body is not head.body else form
            return Made(series((self.transfer(below, body), MaxPool(self._size(head), window))))
        return self._without_pieces("a product over an index", [(form, head.body)], head, units=False)

    # transfer functions ----------------------------------------------------------------------------------------------

    def transfer(self, form: Form, head: Head) -> Transfer:
        """The transfer function from the layer's input to all values of a head."""
        if form is None:
            return Affine(0)
        if isinstance(form, Made):
            return form.transfer
        return self._affine(self._terms(form, head) or (), head)

    def _terms(self, form: Form, head: Head) -> tuple[Term, ...] | None:
        """A form as a weighted sum of elements, of tensors of units where it has bends; None if it is none."""
        if isinstance(form, Linear):
            return form.terms
        if not isinstance(form, Elementwise):
            return None
        parts = (form.whole,) if not form.whole.is_affine and form.whole.over <= form.known else form.parts
        return tuple(self._term(form.read, part, head) for part in parts)

    def _term(self, read: Read, part: Part, head: Head) -> Term:
        if part.function is None:
            stands_in = self._surrogate("a smooth function", head)
            pieces = stands_in if part.bends else None
        else:
            pieces = part.function.pieces()
        if pieces is None or part.is_affine:
            return Term(read, (*part.factors, part.over) if part.over else part.factors)
        return Term(self._units_on(read, part, pieces), part.factors)

    def _units_on(self, read: Read, part: Part, pieces: Pieces) -> Read:
        """A function of an element as an element of a tensor of its own, so that it counts once wherever it is read."""
        known = frozenset(index for index in read.address if isinstance(index, Index))
        more = tuple(sorted(part.over - known, key=str))
        each = Mul(*(self._extent(index) for index in more))
        elements = Mul(*self.shapes[read.tensor])
        used = tuple(sorted(free_indices(read) | part.over, key=str))
        points = Mul(*(self._extent(index) for index in used))
        fewer = points != elements * each and is_nonnegative(simplify(elements * each - points)) is True
        at = used if fewer or self.place in self.instance.recurrent else (*read.address, *more)
        key = (read.tensor, part.function, part.bends, (read.address, at) if at == used else more)
        if key in self.units:
            return Read(self.units[key].tensor, at)
        name = f"{read.tensor}|{len(self.units)}"
        if at == used:
            self.shapes[name] = tuple(self._extent(index) for index in used)
            below = self._affine((Term(read),), Read(name, at))
            count = simplify(points)
        else:
            self.shapes[name] = (*self.shapes[read.tensor], *(self._extent(index) for index in more))
            below = self.signals[read.tensor]
            if more:
                below = series((below, Affine(elements, (each, 1, elements))))
            count = simplify(elements * each)
        self.signals[name] = series((below, Units(((count, oo, 1),), pieces)))
        self.units[key] = Read(name, at)
        return self.units[key]

    def _affine(self, terms: Sequence[Term], head: Head) -> Transfer:
        """The affine map that reads these elements: rank, and the groups of outputs that see the same part."""
        size = self._size(head)
        tensors = sorted({term.read.tensor for term in terms})
        if len(tensors) > 1:
            maps = [self._affine([term for term in terms if term.read.tensor == tensor], head) for tensor in tensors]
            return self._joined(maps, size)
        if not tensors:
            return Affine(0)
        (tensor,) = tensors
        one = terms[0]
        if len(terms) == 1 and not one.summed and one.read.address == self._plain(tensor, one.read):
            return self.signals[tensor]  # the tensor itself, its axes in some order
        read = [term.read for term in terms]
        addressed = frozenset().union(*map(free_indices, read))
        kept = free_indices(head)
        copies = simplify(Mul(*(self._extent(index) for index in kept & addressed)))
        outputs = simplify(Mul(*(self._extent(index) for index in kept - addressed)))
        whole = simplify(Mul(*self.shapes[tensor]))
        seen = simplify(Mul(*(self._distinct(read, tensor, axis) for axis in range(len(self.shapes[tensor])))))
        if not one.summed and len(terms) == 1 and seen == whole:
            return self.signals[tensor]  # its elements again, each once or several times
        fan_in = simplify(Add(*(Mul(*(self._extent(index) for index in free_indices(r) - kept)) for r in read)))
        least = Least.of(size, seen).series(self._mixed(terms, kept))
        return series((self.signals[tensor], Affine(least.expr(), (outputs, fan_in, copies))))

    def _mixed(self, terms: Sequence[Term], kept: Indices) -> Least:
        """How many dimensions the factors let through, term by term.

        A term is a product of factors summed over indices, a network of tensors: whichever factors are put on the input's side and
        whichever on the output's, what passes is at most the product of the extents of the indices that both sides have.
        """
        narrowest = Least.of(Integer(0))
        for term in terms:
            own = free_indices(term.read)
            factors = [factor for factor in dict.fromkeys(term.factors) if factor]
            factors += self._restricting(own.union(kept, *factors))
            if len(factors) > _MOST_FACTORS:
                return Least()
            cut = Least()
            for chosen in product((False, True), repeat=len(factors)):
                near = own.union(*(factor for factor, is_near in zip(factors, chosen) if is_near))
                far = kept.union(*(factor for factor, is_near in zip(factors, chosen) if not is_near))
                shared = near & far
                if not (shared >= own or shared >= kept):  # which what is seen, and the size, say better
                    cut = cut.series(Least.of(simplify(Mul(*(self._extent(index) for index in shared)))))
            narrowest = narrowest.parallel(cut)
        return narrowest

    def _restricting(self, indices: Indices) -> list[Indices]:
        """The indices that a mask or a range ties together: each is a factor of zeros and ones."""
        made = self.instance.elaborated
        tied = [mask.indices for mask in made.masks]
        tied += [
            frozenset({index, *(s for end in ends for s in end.free_symbols if isinstance(s, Index))})
            for index, ends in self.instance.ranges(self.place).items()
        ]
        return [found & indices for found in tied if len(found & indices) > 1]

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
        same = simplify(covered - Mul(*self.shapes[tensor])) == 0
        return read.address if len(set(flat)) == len(flat) and same else None

    def _distinct(self, reads: Sequence[Read], tensor: str, axis: int) -> Expr:
        """At most how many places of an axis are read."""
        size = self.shapes[tensor][axis]
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


def _common_read(forms: Sequence[Form]) -> Read | None:
    """The one element of which all are scalar functions."""
    first = forms[0]
    if isinstance(first, Elementwise) and all(isinstance(f, Elementwise) and f.read == first.read for f in forms):
        return first.read
    return None


def _smooth(forms: Sequence[Elementwise], constants: Sequence[Head], bends: bool = False) -> Elementwise:
    """A scalar function of one element that has no pieces; an activation if anything in it has a bend."""
    bent = any(form.whole.bends or (form.function is not None and not form.function.is_affine) for form in forms)
    return forms[0].applied(None, bends or bent, _over(constants).union(*(form.whole.over for form in forms)))


def _over(constants: Sequence[Head]) -> Indices:
    """The indices on which constants depend."""
    return frozenset().union(*map(free_indices, constants))


def _arguments(head: Head, function: str) -> tuple[Head, ...]:
    """What a maximum is of, the arguments of maxima among them taken apart."""
    if not isinstance(head, Apply) or head.function != function:
        return (head,)
    return tuple(found for argument in head.arguments for found in _arguments(argument, function))


def _levels(bounds: Sequence[Head], largest: bool) -> list[Head]:
    """The same bounds, numbers as one."""
    numbers = [bound.value for bound in bounds if isinstance(bound, Constant)]
    others = [bound for bound in bounds if not isinstance(bound, Constant)]
    return [*([Constant((Max if largest else Min)(*numbers))] if numbers else []), *others]


def _number_of(constants: Sequence[Head], product: bool = False) -> Expr | None:
    """The number that constants amount to; None if it is not known before the weights are."""
    values = [constant.value for constant in constants if isinstance(constant, Constant)]
    if len(values) < len(constants):
        return None
    return Mul(*values) if product else Add(*values)


def _renamed(form: Elementwise, here: Mapping[Address, Address]) -> Elementwise | None:
    """The form at other indices; None where its address cannot be written in them."""
    address = tuple(_renamed_address(part, here) for part in form.read.address)
    if any(part is None for part in address) or not _indices_of(form) <= set(here):
        return None

    def renamed(part: Part) -> Part:
        return Part(part.function, part.bends, _at(part.over, here), tuple(_at(f, here) for f in part.factors))

    read = Read(form.read.tensor, tuple(part for part in address if part is not None))
    return Elementwise(read, renamed(form.whole), tuple(map(renamed, form.parts)))


def _indices_of(form: Elementwise) -> Indices:
    return form.whole.over.union(*(part.over.union(*part.factors) for part in form.parts))


def _at(indices: Indices, here: Mapping[Address, Address]) -> Indices:
    return frozenset(new for old in indices if isinstance(new := here[old], Index))


def _renamed_address(part: Address, here: Mapping[Address, Address]) -> Address | None:
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
        if transfer.window.is_Integer:
            return [Units(((transfer.outputs, oo, 1),), Pieces(int(transfer.window), 0))]
        return [Units(((transfer.hyperplanes, oo, 1),), RELU)]
    below: Iterable[Transfer] = getattr(transfer, "parts", ()) or getattr(transfer, "branches", ())
    return [units for part in below for units in _units(part)]
