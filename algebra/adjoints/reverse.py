"""The backward pass of one equation at given shapes: its lines in reverse, one rule for each head.

A line ``y[a] = V`` with a gradient ``dy[a]`` gives each read ``t[A]`` in V the contribution ``dV/dt[A] dy[a]``, summed over whatever A does
not name. Contributions to one tensor are added. What a rule reads of the forward pass is a tensor of it, by its name.

The gradient of a part of a line that is read more than once, or that does not depend on all indices at hand, is a line of its own, so that an
operation is done once for every point of the indices on which its value depends, as in the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Any

from sympy import Expr, Integer, Mul

from ..equations.affine import affine
from ..equations.examples import of_examples
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
    children,
    free_indices,
    is_constant,
    reads,
    rebuilt,
    unknown_head,
    walk,
)
from ..equations.instance import Instance, Shape
from ..equations.recurrences import Recurrence
from ..equations.statements import Limit, Statement, with_numbers
from ..equations.work import depends
from ..errors import UnsupportedError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import is_nonnegative, simplify
from .derivatives import MINUS, ONE, STEPS, needs_value, slope
from .letters import Names, limits_on, one_extent_each, relabelled

_ZERO = Integer(0)
CHEAP = ("relu", "abs", "max", "min", "sign", "less", "equal", "choose", "floor", "ceil", "trunc", "round")
"""Functions that are computed again rather than kept."""


@dataclass(frozen=True)
class Cotangent:
    """The gradient of a part: a product of heads over a product, summed over `over` and whatever it depends on and the place does not."""

    factors: tuple[Head, ...]
    divisors: tuple[Head, ...] = ()
    over: frozenset[Index] = frozenset()

    @property
    def letters(self) -> frozenset[Index]:
        return self.over.union(*map(free_indices, (*self.factors, *self.divisors)))

    @property
    def is_read(self) -> bool:
        return len(self.factors) == 1 and isinstance(self.factors[0], Read) and not self.divisors

    def times(self, factors: Iterable[Head], divisors: Iterable[Head] = ()) -> Cotangent:
        return replace(self, factors=(*self.factors, *factors), divisors=(*self.divisors, *divisors))


@dataclass(frozen=True)
class Contribution:
    """What one read adds to the gradient of its tensor, at an address of it."""

    address: tuple[Address, ...]
    cotangent: Cotangent


@dataclass
class Program:
    """Lines of a backward pass, with what is known of them."""

    statements: list[Statement] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    extents: dict[Index, Expr] = field(default_factory=dict)
    masks: list[Limit] = field(default_factory=list)
    ranges: dict[Index, tuple[Expr, Expr]] = field(default_factory=dict)
    rows: dict[str, Expr] = field(default_factory=dict)
    gradients: dict[str, str] = field(default_factory=dict)
    """The tensor of the forward pass to that of its gradient."""
    saved: dict[str, Shape] = field(default_factory=dict)
    """What the lines read of the forward pass, inputs and weights apart."""
    given: dict[str, str] = field(default_factory=dict)
    """What the lines read of the inputs, weights and buffers, and their roles."""
    learned: set[str] = field(default_factory=set)
    """The gradients of what is the same for every example, which are added over examples."""
    same: set[str] = field(default_factory=set)
    """What is read of outside and is the same for every example: of the forward pass, and gradients of such outputs."""
    of_examples: frozenset[str] = frozenset()
    """The tensors of the forward pass of which every example has its own."""
    parts: dict[str, tuple[int, Head, tuple[Index, ...]]] = field(default_factory=dict)
    """Parts of lines of the forward pass that are kept under a name: the number of the line, the part, its indices."""


class Reverse:
    """The search for the lines. `wanted` are the tensors whose gradients are asked for, `examples` the inputs that every example has its own of."""

    def __init__(self, instance: Instance, names: Names, wanted: frozenset[str], examples: frozenset[str]):
        self.names = names
        self.forward = one_extent_each(instance, names)
        self.of_examples = of_examples(self.forward, examples)
        self.program = Program(
            of_examples=self.of_examples,
            extents={index: extent for extents in self.forward.extents for index, extent in extents.items()},
            masks=list(self.forward.elaborated.masks), ranges=dict(self.forward.elaborated.ranges),
        )  # fmt: skip
        self.places = self.forward.places
        self.wanted = wanted
        self.active = self._active()
        self.contributions: dict[str, list[Contribution]] = {}
        self.parts: dict[tuple[int, Head], str] = {}
        self.shifted: dict[tuple[str, int, Expr], tuple[str, list[Statement]]] = {}
        self.seeds: dict[str, str] = {}
        self.place = 0
        self.lines = self.program.statements
        self.after: list[Statement] | None = None
        self.recurrence: Recurrence | None = None

    # what needs a gradient -------------------------------------------------------------------------------------------

    def _active(self) -> frozenset[str]:
        """The tensors through which a gradient comes to one that is wanted."""
        found, before = set(self.wanted), -1
        while len(found) != before:
            before = len(found)
            for statement in self.forward.statements:
                steps = {step.tensor for step in self.forward.given.get(statement.target, ())}
                if not found.isdisjoint(steps) or any(read.tensor in found for read in differentiable(statement.value)):
                    found.add(statement.target)
        return frozenset(found)

    def _is_of_examples(self, head: Head) -> bool:
        return any(read.tensor in self.of_examples for read in reads(head))

    def carries(self, head: Head) -> bool:
        return any(read.tensor in self.active for read in differentiable(head))

    # the walk --------------------------------------------------------------------------------------------------------

    def run(self, outputs: Sequence[str]) -> Program:
        statements = self.forward.statements
        self._seeds(outputs)
        place = len(statements) - 1
        while place >= 0:
            recurrence = self.forward.recurrent.get(place)
            if recurrence is None:
                self._line(place)
                place -= 1
            else:
                self._recur(recurrence)
                place = recurrence.first - 1
        for name in sorted(self.wanted, key=list(self.forward.shapes).index):
            self.finish(name)
        self._read_forward()
        return self.program

    def _seeds(self, outputs: Sequence[str]) -> None:
        for name in outputs:
            if name not in self.active:
                continue
            seed = self.names.fresh(f"d{name}")
            self.seeds[name] = seed
            self.program.shapes[seed] = self.forward.shapes[name]
            self.program.given[seed] = "input"
            if name not in self.of_examples:
                self.program.same.add(seed)
            if name in self.forward.roles and self.forward.roles[name] != "defined":
                raise UnsupportedError(f"{name} is an output and no tensor that the equation defines")
            own = self.forward.statements[self.places[name]].address
            letters = own if self._is_whole(name, own) else self._letters(name)
            self.contributions.setdefault(name, []).append(Contribution(letters, Cotangent((Read(seed, letters),))))

    def _line(self, place: int) -> None:
        statement = self.forward.statements[place]
        if statement.target not in self.active or not self.contributions.get(statement.target):
            return
        gradient = self.finish(statement.target)
        self.place = place
        self._rule_of_line(statement, gradient)

    def _rule_of_line(self, statement: Statement, gradient: str) -> None:
        cotangent = Cotangent((Read(gradient, statement.address),))
        scope = _letters_of(statement.address)
        if isinstance(statement.value, Pad):
            self._pad(statement, gradient)
            return
        if statement.joined == "mean":
            count = self._emit("count", statement.address, ONE, shape=self.forward.shapes[statement.target])
            cotangent = cotangent.times((), (Read(count, statement.address),))
        elif statement.joined in ("max", "min"):
            value = self.value(statement.value, scope, None)
            letters = self._ordered(scope)
            same = Apply("equal", (value, Read(statement.target, statement.address)))
            hit = Read(self._emit("hit", letters, same), letters)
            shape = self.forward.shapes[statement.target]
            ties = self._emit("ties", statement.address, hit, shape=shape)
            cotangent = cotangent.times((hit,), (Read(ties, statement.address),))
        self.descend(statement.value, cotangent, scope, statement)

    # gradients of tensors --------------------------------------------------------------------------------------------

    def _letters(self, tensor: str) -> tuple[Index, ...]:
        """Letters of their own for the axes of a tensor."""
        found = []
        for axis, size in enumerate(self.forward.shapes[tensor]):
            index = Index(self.names.fresh(f"i{axis}" if axis else "i", always=True))
            self.program.extents[index] = size
            found.append(index)
        return tuple(found)

    def finish(self, tensor: str) -> str:
        """The gradient of a tensor, all of whose contributions are known: the name of the line that adds them."""
        found = self.contributions.get(tensor, [])
        if len(found) == 1 and found[0].cotangent.is_read and tensor in self.seeds:
            self.program.gradients[tensor] = self.seeds[tensor]
            return self.seeds[tensor]
        name = self.names.fresh(f"d{tensor}")
        self.program.gradients[tensor] = name
        shape = self.forward.shapes[tensor]
        groups = self._groups(found)
        if not groups:
            return self._emit(name, self._letters(tensor), Constant(_ZERO), exact=True, shape=shape)
        if len(groups) == 1:
            ((address, group),) = groups
            self._write(name, tensor, address, group)
            return name
        parts = []
        for address, group in groups:
            parts.append(self.names.fresh(name, always=True))
            self._write(parts[-1], tensor, address, group)
        letters = self._letters(tensor)
        return self._emit(name, letters, Plus(tuple(Read(part, letters) for part in parts)), exact=True, shape=shape)

    @staticmethod
    def _groups(found: Sequence[Contribution]) -> list[tuple[tuple[Address, ...], list[Cotangent]]]:
        groups: dict[tuple[Address, ...], list[Cotangent]] = {}
        for contribution in found:
            groups.setdefault(contribution.address, []).append(contribution.cotangent)
        return list(groups.items())

    def _sum(self, group: Sequence[Cotangent], kept: frozenset[Index]) -> Head:
        """The contributions at one address, each summed over what the address does not name; equal ones are counted."""
        counted: dict[Cotangent, int] = {}
        for cotangent in group:
            counted[cotangent] = counted.get(cotangent, 0) + 1
        terms = []
        for cotangent, times in counted.items():
            if times > 1:
                cotangent = replace(cotangent, factors=(Constant(Integer(times)), *cotangent.factors))
            terms.append(self._summed(cotangent, kept))
        return terms[0] if len(terms) == 1 else Plus(tuple(terms))

    def _summed(self, cotangent: Cotangent, kept: frozenset[Index]) -> Head:
        made = product(cotangent.factors)
        if cotangent.divisors:
            made = Apply("divide", (made, product(cotangent.divisors)))
        rest = tuple(sorted(cotangent.letters - kept, key=lambda index: index.name))
        return Reduce("sum", rest, made) if rest else made

    def _write(self, name: str, tensor: str, address: tuple[Address, ...], group: Sequence[Cotangent]) -> None:
        """One tensor of the shape of another one, with contributions at an address of it and zeros elsewhere."""
        shape = self.forward.shapes[tensor]
        if tensor not in self.of_examples:
            self.program.learned.add(name)
        left: list[Address] = []
        sizes: list[Expr] = []
        widths: list[tuple[Expr, Expr]] = []
        for part, size in zip(address, shape):
            component, reached, before = self._component(part, size, tensor)
            left.append(component)
            sizes.append(reached)
            widths.append((before, simplify(size - reached - before)))
        if self.recurrence is not None and any(isinstance(part, Read) for part in left):
            raise UnsupportedError(
                f"{self.forward.layer}: {tensor} is read within its recurrence at places that are looked up or not affine in the indices, and "
                "the lines of a recurrence cannot scatter; its backward pass is not known"
            )
        kept = _letters_of(left)
        value = self._sum(group, kept)
        if all(width == 0 for pair in widths for width in pair):
            self._emit(name, tuple(left), value, exact=True, shape=shape)
            return
        inner = self._emit(name, tuple(left), value, shape=tuple(sizes))
        if name in self.program.learned:
            self.program.learned.add(inner)
        letters = []
        for axis, (index, size, pair) in enumerate(zip(left, shape, widths)):
            keeps = isinstance(index, Index) and pair == (0, 0) and index not in left[:axis]
            letters.append(index if keeps else self._letter(size))
        self._emit(
            name,
            tuple(letters),
            Pad(tuple(widths), Read(inner, tuple(letters)), Constant(_ZERO)),
            exact=True,
            shape=shape,
        )

    def _letter(self, size: Expr) -> Index:
        index = Index(self.names.fresh("i", always=True))
        self.program.extents[index] = size
        return index

    def _component(self, part: Address, size: Expr, tensor: str) -> tuple[Address, Expr, Expr]:
        """What stands on the left for one component of a read: it, how many elements it reaches, and how many lie before these."""
        if isinstance(part, Index):
            return part, self.program.extents[part], _ZERO
        if isinstance(part, Group):
            return part, simplify(Mul(*(self.program.extents[index] for index in part.parts))), _ZERO
        if isinstance(part, Read):
            inner = any(isinstance(below, Read) for below in part.address)
            if inner or self.program.rows.get(part.tensor, size) != size or self._is_earlier(part):
                letters = tuple(sorted(free_indices(part), key=lambda index: index.name))
                part = Read(self._emit("q", letters, part), letters)
            self.program.rows[part.tensor] = size
            return part, size, _ZERO
        form = affine(part)
        ends = form and self._ends(*form)
        if ends is None:
            letters = tuple(sorted(address_indices(part), key=lambda index: index.name))
            part = Read(self._emit("q", letters, IndexValue(part)), letters)
            self.program.rows[part.tensor] = size
            return part, size, _ZERO
        low, high = ends
        return simplify(part - low), simplify(high - low + 1), low

    def _ends(self, steps: dict[Index, Expr], constant: Expr) -> tuple[Expr, Expr] | None:
        """The smallest and the largest value of an affine address."""
        low = high = constant
        for index, step in steps.items():
            last = step * (self.program.extents[index] - 1)
            if step.is_nonnegative or is_nonnegative(step):
                high = high + last
            elif step.is_nonpositive or is_nonnegative(-step):
                low = low + last
            else:
                return None
        return simplify(low), simplify(high)

    def _emit(
        self, wish: str, address: tuple[Address, ...], value: Head, *, exact: bool = False, shape: Shape | None = None,
        joined: str = "sum",
    ) -> str:  # fmt: skip
        """A line; its name, which is the wish itself if that is `exact` already."""
        name = wish if exact else self.names.fresh(wish, always=True)
        statement = Statement(name, address, self._without_steps(value), 1, joined)
        if shape is None:
            shape = tuple(self._size(part) for part in address)
        self.program.shapes[name] = shape
        if self.recurrence is not None and not all(index in address for index in self.recurrence.running):
            assert self.after is not None
            self.after.append(statement)
        else:
            self.lines.append(statement)
        return name

    def _size(self, part: Address) -> Expr:
        assert isinstance(part, Index)
        return self.program.extents[part]

    # rules for heads -------------------------------------------------------------------------------------------------

    def contribute(self, read: Read, cotangent: Cotangent) -> None:
        self.contributions.setdefault(read.tensor, []).append(Contribution(read.address, cotangent))

    def depends(self, head: Head, scope: frozenset[Index]) -> frozenset[Index]:
        return depends(head, self.place, self.forward, scope)

    def _ordered(self, letters: frozenset[Index]) -> tuple[Index, ...]:
        """Letters as the present line has them on the left, others behind."""
        first = [
            index
            for part in self.forward.statements[self.place].address
            for index in sorted(address_indices(part), key=str)
        ]
        return tuple(
            sorted(letters, key=lambda index: (first.index(index) if index in first else len(first), index.name))
        )

    def apart(self, head: Head, cotangent: Cotangent, scope: frozenset[Index]) -> Cotangent:
        """The gradient of a part as a tensor of its own, over the indices on which the part depends."""
        letters = self._ordered(self.depends(head, scope))
        target = self.forward.statements[self.place].target
        made = self._emit(f"d{target}", letters, self._summed(cotangent, frozenset(letters)))
        if not self._is_of_examples(head):
            self.program.learned.add(made)
        return Cotangent((Read(made, letters),))

    def descend(
        self, head: Head, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None = None
    ) -> None:
        """Pass the gradient of a part on to whatever it reads; `whole` is the line if the part is its right side."""
        if not self.carries(head):
            return
        if isinstance(head, Read):
            if head.tensor in self.active:
                self.contribute(head, cotangent)
            return
        own = self.depends(head, scope)
        several = sum(read.tensor in self.active for read in differentiable(head)) > 1
        bound = frozenset(getattr(head, "indices", ()))
        if not cotangent.letters <= own or several and not cotangent.is_read and not isinstance(head, Times):
            cotangent = self.apart(head, cotangent, scope)
        elif isinstance(head, (Reduce, Select)) and cotangent.letters & bound:
            cotangent = self.apart(head, cotangent, scope)
        rules: dict[type, Any] = {
            Plus: self._plus, Times: self._times, Apply: self._apply, Reduce: self._reduce, Softmax: self._softmax, Select: self._select,
        }  # fmt: skip
        rule = rules.get(type(head))
        if rule is None:
            raise unknown_head(head, "differentiated")
        rule(head, cotangent, scope, whole)

    def _plus(self, head: Plus, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        for term in head.terms:
            self.descend(term, cotangent, scope)

    def _times(self, head: Times, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        for place, factor in enumerate(head.factors):
            if self.carries(factor):
                others = [self.value(other, scope, None) for at, other in enumerate(head.factors) if at != place]
                self.descend(factor, cotangent.times(others), scope)

    def _apply(self, head: Apply, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        arguments = head.arguments
        for place, argument in enumerate(arguments):
            if not self.carries(argument):
                continue
            value = self.value(head, scope, whole) if needs_value(head.function) else None
            needed = () if value is not None else [self.value(one, scope, None) for one in arguments]
            found = slope(head.function, place, needed, value)
            if found is not None:
                self.descend(argument, cotangent.times(*found), scope)

    def _reduce(self, head: Reduce, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        own = frozenset(head.indices)
        inside = scope | own
        if head.operation == "sum":
            self.descend(head.body, replace(cotangent, over=cotangent.over | own), inside)
        elif head.operation == "mean":
            count = self._count(head.indices, scope)
            self.descend(head.body, replace(cotangent.times((), (count,)), over=cotangent.over | own), inside)
        elif head.operation == "prod":
            letters, others = self._others(head, scope)
            cotangent = replace(cotangent.times((Read(others, letters),)), over=cotangent.over | own)
            self.descend(head.body, cotangent, inside)
        else:
            value = self.value(head.body, inside, None)
            extremum = self.value(head, scope, whole)
            outer = self._ordered(self.depends(head, scope))
            letters = self._ordered(self.depends(head.body, inside) | own | frozenset(outer))
            hit = Read(self._emit("hit", letters, Apply("equal", (value, extremum))), letters)
            ties = Read(self._emit("ties", outer, Reduce("sum", head.indices, hit)), outer)
            shared = self.apart(head, cotangent.times((), (ties,)), scope)
            self.descend(head.body, replace(shared.times((hit,)), over=own), inside)

    def _count(self, indices: Sequence[Index], scope: frozenset[Index]) -> Head:
        """How many points a mean runs over."""
        if limits_on(self.forward, frozenset(indices), scope):
            return Reduce("sum", tuple(indices), ONE)
        return Constant(Mul(*(self.program.extents[index] for index in indices)), literal=False)

    def _others(self, head: Reduce, scope: frozenset[Index]) -> tuple[tuple[Index, ...], str]:
        """For every point of a product, the product of all others."""
        letters = {index: self._letter(self.program.extents[index]) for index in head.indices}
        self._same_limits(letters)
        inside = scope | frozenset(head.indices)
        body = relabelled(self.value(head.body, inside, None), letters)
        here = product([Apply("equal", (IndexValue(one), IndexValue(other))) for one, other in letters.items()])
        skipped = Plus((here, Times((Plus((ONE, Times((MINUS, here)))), body))))
        own = self._ordered(self.depends(head.body, inside) | frozenset(head.indices) | self.depends(head, scope))
        return own, self._emit("others", own, Reduce("prod", tuple(letters.values()), skipped))

    def _same_limits(self, letters: dict[Index, Index]) -> None:
        """Letters that stand for others keep their masks and ranges."""
        for mask in list(self.program.masks):
            if mask.indices & set(letters):
                self.program.masks.append(with_numbers(mask, lambda value: value.xreplace(letters)))
        for index, ends in list(self.program.ranges.items()):
            if index in letters or any(address_indices(end) & set(letters) for end in ends):
                if index not in letters:
                    raise UnsupportedError("a product over an index that bounds another one has no derivative here")
                self.program.ranges[letters[index]] = tuple(end.xreplace(letters) for end in ends)

    def _softmax(self, head: Softmax, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        own = frozenset(head.indices)
        value = self.value(head, scope, whole)
        if not cotangent.is_read:
            cotangent = self.apart(head, cotangent, scope)
        (arrives,) = cotangent.factors
        outer = self._ordered(self.depends(head, scope) - own)
        dot = Read(self._emit("dot", outer, Reduce("sum", head.indices, Times((value, arrives)))), outer)
        difference = Plus((arrives, Times((MINUS, dot))))
        self.descend(head.body, Cotangent((value, difference), (), own & scope | own), scope | own)

    def _select(self, head: Select, cotangent: Cotangent, scope: frozenset[Index], whole: Statement | None) -> None:
        if head.operation != "sort":
            return
        (own,) = head.indices
        place = replace(head, operation="argsort")
        letters = self._ordered(self.depends(place, scope))
        found = Read(self._part(place, letters), letters)
        inside = scope | {own}
        body = self._ordered(self.depends(head.body, inside) | {own})
        address = tuple(found if index == own else index for index in body)
        kept = _letters_of(address)
        self.program.rows[found.tensor] = self.program.extents[own]
        shape = tuple(self.program.extents[index] for index in body)
        target = self.forward.statements[self.place].target
        made = self._emit(f"d{target}", address, self._summed(cotangent, kept), shape=shape)
        self.descend(head.body, Cotangent((Read(made, body),)), inside)

    def _pad(self, statement: Statement, gradient: str) -> None:
        pad = statement.value
        assert isinstance(pad, Pad)
        letters = tuple(part for part in statement.address if isinstance(part, Index))
        arrives = gradient
        if any(mask.indices <= set(letters) for mask in self.program.masks) or set(letters) & set(self.program.ranges):
            arrives = self._emit(gradient, letters, Read(gradient, letters))
        if pad.body.tensor in self.active:
            shape = self.forward.shapes[pad.body.tensor]
            inner = tuple(
                index if pair == (0, 0) else self._letter(size) for index, size, pair in zip(letters, shape, pad.widths)
            )
            if all(pair == (0, 0) for pair in pad.widths):
                self.contribute(Read(pad.body.tensor, inner), Cotangent((Read(arrives, inner),)))
            else:
                widths = tuple((-before, -after) for before, after in pad.widths)
                cropped = self._emit(
                    f"d{pad.body.tensor}", inner, Pad(widths, Read(arrives, inner), Constant(_ZERO)), shape=shape
                )
                self.contribute(Read(pad.body.tensor, inner), Cotangent((Read(cropped, inner),)))
        if isinstance(pad.fill, Read) and pad.fill.tensor in self.active:
            real: list[Head] = []
            for index, (before, _), size in zip(letters, pad.widths, self.forward.shapes[pad.body.tensor]):
                if (before, _) != (0, 0):
                    position = IndexValue(simplify(index - before))
                    real.append(Plus((ONE, Times((MINUS, Apply("less", (position, Constant(_ZERO))))))))
                    real.append(Apply("less", (position, Constant(size, literal=False))))
            margin = Plus((ONE, Times((MINUS, product(real))))) if real else Constant(_ZERO)
            self.contribute(pad.fill, Cotangent((Read(arrives, letters), margin)))

    # values of the forward pass --------------------------------------------------------------------------------------

    def value(self, head: Head, scope: frozenset[Index], whole: Statement | None) -> Head:
        """A head that stands for the value of a part: itself where that is cheap, or a tensor of the forward pass."""
        if isinstance(head, (Constant, IndexValue, Read)) or is_constant(head):
            return head
        if whole is not None and head is whole.value and is_plain(whole.address) and whole.joined == "sum":
            return Read(whole.target, whole.address)
        if _cheap(head):
            return head
        if isinstance(head, (Plus, Times)) and sum(1 for _ in walk(head)) <= 12:
            return rebuilt(head, lambda read: read, part=lambda part: self.value(part, scope, None))
        letters = self._ordered(self.depends(head, scope))
        return Read(self._part(head, letters), letters)

    def _part(self, head: Head, letters: tuple[Index, ...]) -> str:
        """The name under which a part of the present line is kept."""
        key = self.place, head
        if key not in self.parts:
            target = self.forward.statements[self.place].target
            name = self.parts[key] = self.names.fresh(target, always=True)
            self.program.parts[name] = self.place, head, letters
            self.program.shapes[name] = tuple(self.program.extents[index] for index in letters)
        return self.parts[key]

    # recurrences -----------------------------------------------------------------------------------------------------

    def _is_earlier(self, read: Read) -> bool:
        return bool(self._shifts(read))

    def _shifts(self, read: Read) -> list[tuple[int, Index, Expr]]:
        """The axes along which a read of a state goes to other steps: the axis, its index, and by how much."""
        place = self.places.get(read.tensor, -1)
        recurrence = self.forward.recurrent.get(place)
        if recurrence is None:
            return []
        found = []
        for axis, (part, own) in enumerate(zip(read.address, self.forward.statements[place].address)):
            if recurrence.is_earlier(part, own):
                assert isinstance(own, Index) and isinstance(part, Expr)
                found.append((axis, own, simplify(part - own)))
        return found

    def _without_steps(self, head: Head) -> Head:
        """The same with reads of other steps of a state as reads of a tensor that is shifted, zero where there is no such step."""

        def read(found: Read) -> Read:
            address = tuple(read(part) if isinstance(part, Read) else part for part in found.address)
            found = Read(found.tensor, address)
            for axis, own, step in self._shifts(found) if found.tensor in self.forward.shapes else ():
                shifted = self._shifted(found.tensor, axis, step)
                found = Read(shifted, (*found.address[:axis], own, *found.address[axis + 1 :]))
            return found

        if isinstance(head, Pad):
            return head
        return rebuilt(head, read, part=self._without_steps)

    def _shifted(self, tensor: str, axis: int, step: Expr) -> str:
        """A state some steps before: a margin of zeros, or of what lines give, and the last steps cut off."""
        key = tensor, axis, step
        if key in self.shifted:
            return self.shifted[key][0]
        if not step.is_Integer:
            raise UnsupportedError(f"{self.forward.layer}: {tensor} is read {step} steps away, which is no number")
        count, down = abs(int(step)), step.is_positive
        given = {-one.number: one for one in self.forward.given.get(tensor, ()) if one.number < 0 and one.axis == axis}
        lines, source, sizes = [], tensor, list(self.forward.shapes.get(tensor, self.program.shapes.get(tensor, ())))
        fills = [given[number].tensor if number in given else None for number in range(1, count + 1)]
        groups: list[tuple[int, str | None]] = [(1, fill) for fill in fills] if given else [(count, None)]
        for place, (width, fill) in enumerate(groups):
            last = place == len(groups) - 1
            cut = -count if last else 0
            sizes[axis] = simplify(sizes[axis] + width + cut)
            letters = tuple(self._letter(size) for size in sizes)
            pair = (Integer(cut), Integer(width)) if down else (Integer(width), Integer(cut))
            widths = tuple(pair if at == axis else (_ZERO, _ZERO) for at in range(len(sizes)))
            others = (*letters[:axis], *letters[axis + 1 :])
            filled = Constant(_ZERO) if fill is None else Read(fill, others)
            name = self.names.fresh(f"{tensor}_{'after' if down else 'before'}")
            self.program.shapes[name] = tuple(sizes)
            lines.append(Statement(name, letters, Pad(widths, Read(source, letters), filled), 1))
            source = name
        self.shifted[key] = (source, lines)
        return source

    def _recur(self, recurrence: Recurrence) -> None:
        """The lines of a recurrence in reverse: its steps go the other way."""
        statements = self.forward.statements
        inside = [place for place in range(recurrence.first, recurrence.last + 1)]
        states = {statements[place].target for place in inside} & self.active
        outer: dict[str, list[Contribution]] = {name: self.contributions.pop(name, []) for name in states}
        if not any(outer.values()):
            return
        entering: dict[str, list[tuple[str, Head | None]]] = {}
        gradients: dict[str, str] = {}
        for name in states:
            place = self.places[name]
            address = statements[place].address
            kept = [one for one in outer[name] if one.address == address]
            rest = [one for one in outer[name] if one.address != address]
            if rest:
                self.contributions[name] = rest
                made = self._entering(name, rest, recurrence)
                entering[name] = [made]
            self.contributions.pop(name, None)
            entering.setdefault(name, []).extend(("", self._sum([one.cotangent], _letters_of(address))) for one in kept)
            gradients[name] = self.names.fresh(f"d{name}")
            self.program.gradients[name] = gradients[name]
        before, self.lines, self.after, self.recurrence = self.lines, [], [], recurrence
        blocks: dict[int, list[Statement]] = {}
        back: dict[str, list[tuple[str, list[tuple[int, Index, Expr]]]]] = {}
        for place in reversed(inside):
            statement = statements[place]
            if statement.target not in self.active:
                continue
            self.place, self.lines = place, []
            gradient = gradients[statement.target]
            cotangent_name = gradient
            if place in self.forward.own_ranges:
                cotangent_name = self._only_own_steps(place, gradient)
            self._rule_of_line(statement, cotangent_name)
            for name in sorted(states & set(self.contributions)):
                for address, group in self._groups(self.contributions.pop(name)):
                    shifts = self._shifts(Read(name, address))
                    own = statements[self.places[name]].address
                    moved = list(address)
                    for axis, index, _ in shifts:
                        moved[axis] = index
                    for running in recurrence.running:
                        if own.index(running) not in [at for at, part in enumerate(moved) if part == running]:
                            raise UnsupportedError(
                                f"{self.forward.layer}: {name} is read within its recurrence at {address}, at no fixed number of steps "
                                "from the present one; its backward pass is not known"
                            )
                    part = self.names.fresh(gradients[name], always=True)
                    self._write(part, name, tuple(moved), group)
                    back.setdefault(name, []).append((part, shifts))
            blocks[place] = self.lines
        lines: list[Statement] = []
        for place in reversed(inside):
            name = statements[place].target
            if name in gradients:
                self.lines = []
                self._state_gradient(name, gradients[name], entering.get(name, []), back.get(name, []), recurrence)
                lines += [*self.lines, *blocks.get(place, [])]
        self.lines = before
        self.lines += lines
        self.lines += self.after
        self.after, self.recurrence = None, None
        for name in states:
            self._to_given(name, gradients[name], back.get(name, []), outer[name])

    def _entering(self, name: str, rest: list[Contribution], recurrence: Recurrence) -> tuple[str, None]:
        """What comes to the gradient of a state from behind the recurrence, as a tensor."""
        parts = []
        for address, group in self._groups(rest):
            parts.append(self.names.fresh(f"d{name}", always=True))
            self._write(parts[-1], name, address, group)
        if len(parts) == 1:
            return parts[0], None
        letters = self._letters(name)
        return self._emit(
            f"d{name}", letters, Plus(tuple(Read(part, letters) for part in parts)), shape=self.forward.shapes[name]
        ), None

    def _state_gradient(
        self, name: str, gradient: str, entering: Sequence[tuple[str, Head | None]],
        back: Sequence[tuple[str, list[tuple[int, Index, Expr]]]], recurrence: Recurrence,
    ) -> None:  # fmt: skip
        own = self.forward.statements[self.places[name]].address
        plain = self._is_whole(name, own)
        letters: tuple[Address, ...] = own
        if not plain:
            letters = tuple(
                part if part in recurrence.running else self._letter(size)
                for part, size in zip(own, self.forward.shapes[name])
            )
        terms: list[Head] = []
        for part, value in entering:
            if value is not None and not plain:
                part, value = self._emit(f"d{name}", own, value, shape=self.forward.shapes[name]), None
            terms.append(Read(part, letters) if value is None else value)
        for part, shifts in back:
            address = list(letters)
            for axis, index, step in shifts:
                address[axis] = index - step
            terms.append(Read(part, tuple(address)))
        value = Plus(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Constant(_ZERO)
        self._emit(gradient, letters, value, exact=True, shape=self.forward.shapes[name])

    def _is_whole(self, name: str, address: Sequence[Address]) -> bool:
        """Whether an address names every element of a tensor once."""
        return is_plain(address) and tuple(map(self._size_of, address)) == tuple(self.forward.shapes[name])

    def _size_of(self, part: Address) -> Expr:
        if isinstance(part, Group):
            return simplify(Mul(*(self.program.extents[index] for index in part.parts)))
        return self.program.extents[part] if isinstance(part, Index) else Integer(-1)

    def _only_own_steps(self, place: int, gradient: str) -> str:
        """The gradient of a state, zero at the first steps that lines of their own give."""
        statement = self.forward.statements[place]
        letters = tuple(
            part if part in self.forward.recurrent[place].running else self._letter(size)
            for part, size in zip(statement.address, self.forward.shapes[statement.target])
        )
        held: list[Head] = []
        for index, (low, high) in self.forward.own_ranges[place].items():
            held.append(Plus((ONE, Times((MINUS, Apply("less", (IndexValue(index), Constant(low, literal=False))))))))
            held.append(Apply("less", (IndexValue(index), Constant(high, literal=False))))
        value = Times((*held, Read(gradient, letters)))
        return self._emit(gradient, letters, value, shape=self.forward.shapes[statement.target])

    def _to_given(
        self, name: str, gradient: str, back: Sequence[tuple[str, list[tuple[int, Index, Expr]]]], outer: Sequence[Contribution]
    ) -> None:  # fmt: skip
        """The gradients of the steps that lines of their own give."""
        place = self.places[name]
        recurrence = self.forward.recurrent[place]
        own = self.forward.statements[place].address
        for step in self.forward.given.get(name, ()):
            if step.tensor not in self.active:
                continue
            letters = self._letters(step.tensor)
            size = self.forward.shapes[name][step.axis]
            down = own[step.axis] in recurrence.down

            def at(
                number: Expr,
                letters: tuple[Address, ...] = letters,
                axis: int = step.axis,
                size: Expr = size,
                down: bool = down,
            ) -> tuple[Address, ...]:
                where = size - 1 - number if down else number
                return (*letters[:axis], simplify(where), *letters[axis:])

            if step.number >= 0:
                self.contribute(Read(step.tensor, letters), Cotangent((Read(gradient, at(Integer(step.number))),)))
                continue
            reaching = list(back)
            for one in outer:
                shifts = self._shifts(Read(name, one.address))
                if shifts:
                    moved = list(one.address)
                    for axis, index, _ in shifts:
                        moved[axis] = index
                    part = self.names.fresh(gradient, always=True)
                    self._write(part, name, tuple(moved), [one.cotangent])
                    reaching.append((part, shifts))
            for part, shifts in reaching:
                for axis, _, distance in shifts:
                    if axis == step.axis:
                        if len(shifts) > 1:
                            raise UnsupportedError(
                                f"{self.forward.layer}: steps of {name} before the first ones are given by lines, and it is read "
                                "along two indices at once; the gradient of such lines is not known here"
                            )
                        number = abs(distance) + step.number
                        if number >= 0:
                            self.contribute(Read(step.tensor, letters), Cotangent((Read(part, at(number)),)))

    # what is read of the forward pass --------------------------------------------------------------------------------

    def _read_forward(self) -> None:
        """Lines that repeat what costs nothing, and the tensors that have to be kept."""
        made = {statement.target for statement in self.lines}
        of_shift = {line.target: line for _, lines in self.shifted.values() for line in lines}
        again: dict[str, Statement] = {}
        waiting = [read.tensor for statement in self.lines for read in statement.reads]
        while waiting:
            name = waiting.pop()
            if name in made or name in again or name in self.program.given or name in self.program.saved:
                continue
            line = of_shift.get(name) or self._again(name)
            if line is not None:
                again[name] = line
                waiting += [read.tensor for read in line.reads]
            elif name in self.program.parts or self.forward.roles.get(name) == "defined":
                shape = self.forward.shapes[name] if name in self.forward.shapes else self.program.shapes[name]
                self.program.saved[name] = self.program.shapes[name] = shape
                part = self.program.parts.get(name)
                if not (name in self.of_examples if part is None else self._is_of_examples(part[1])):
                    self.program.same.add(name)
            else:
                self.program.given[name] = self.forward.roles[name]
                self.program.shapes[name] = self.forward.shapes[name]
                if name not in self.of_examples:
                    self.program.same.add(name)
        ordered: dict[str, Statement] = {}

        def place(name: str) -> None:
            if name in again and name not in ordered:
                for read in again[name].reads:
                    place(read.tensor)
                ordered[name] = again[name]

        for name in again:
            place(name)
        self.lines[:0] = ordered.values()

    def _again(self, name: str) -> Statement | None:
        """The line of the forward pass that makes a tensor, if it costs nothing to compute it again."""
        place = self.places.get(name)
        if place is None or place in self.forward.recurrent:
            return None
        statement = self.forward.statements[place]
        views = isinstance(statement.value, (Pad, Read)) and not statement.scatters
        if views and not any(self._shifts(read) for read in statement.reads) or not statement.reads:
            self.program.shapes[name] = self.forward.shapes[name]
            return replace(statement, gives=None, number=1)
        return None


def product(factors: Sequence[Head]) -> Head:
    """Factors multiplied: products taken apart, literal numbers joined in front, ones left out."""
    flat = [part for factor in factors for part in (factor.factors if isinstance(factor, Times) else (factor,))]
    number = Integer(1)
    rest: list[Head] = []
    for factor in flat:
        if isinstance(factor, Constant) and factor.literal:
            number = number * factor.value
        else:
            rest.append(factor)
    if number != 1 or not rest:
        rest.insert(0, Constant(number))
    return rest[0] if len(rest) == 1 else Times(tuple(rest))


def differentiable(head: Head) -> Iterable[Read]:
    """The reads through which a value has a slope: not those that say where something stands, nor those within a step."""
    if isinstance(head, Read):
        yield head
        return
    if isinstance(head, Select) and head.operation != "sort" or isinstance(head, Apply) and head.function in STEPS:
        return
    below = children(head)
    if isinstance(head, Apply) and head.function == "choose":
        below = below[1:]
    for child in below:
        yield from differentiable(child)


def _cheap(head: Head) -> bool:
    if isinstance(head, (Constant, IndexValue, Read)):
        return True
    if isinstance(head, Apply) and head.function == "power":
        return isinstance(head.arguments[0], Read) and bool(head.arguments[1].value.is_Integer)  # type: ignore[union-attr]
    if isinstance(head, Apply) and head.function in CHEAP or isinstance(head, (Plus, Times)):
        return all(map(_cheap, children(head))) and sum(1 for _ in walk(head)) <= 12
    return False


def is_plain(address: Sequence[Address]) -> bool:
    """Whether an address names every element once: indices and groups of them, each index once."""
    parts = [index for part in address for index in (part.parts if isinstance(part, Group) else (part,))]
    return all(isinstance(part, Index) for part in parts) and len(set(parts)) == len(parts)


def _letters_of(address: Sequence[Address]) -> frozenset[Index]:
    return frozenset().union(*map(address_indices, address))
