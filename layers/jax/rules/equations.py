"""The body of a loop as statements of one equation over all of its turns.

Every value of the body is read by an address: a text for each of its axes gives the text of an element. What only moves elements reads
another value elsewhere; what computes is a line of its own, with the number of the turn as its first index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sympy import Expr, Integer

from ...importers.arrays.formulas import Sizes as EquationSizes
from ..fixed import constant_value, fixed_value, literal_value, number_of
from ..translator import Translator, needed
from ..values import Value
from .texts import function_text, number_text

Read = Callable[[Sequence[str]], str]
TURN = "t"


ARRANGED = ("concatenate", "stack", "tile", "rev", "pad")
"""What puts elements in order and has no line of its own."""


class NotWritten(Exception):
    """Something in the body has no line; what it is."""


class Element:
    """A value of the body: its shape, how an element of it is read, and what is known of it beforehand.

    `joined` is the axis along which it was put together, with its parts in order.
    """

    def __init__(
        self, shape: Sequence[Expr], read: Read, known: Value | None = None, joined: "tuple[int, list[Element]] | None" = None
    ):  # fmt: skip
        self.shape, self.read, self.known, self.joined = tuple(shape), read, known, joined

    @property
    def number(self) -> Expr | None:
        return number_of(self.known) if self.known is not None else None


class Statements:
    """The lines that are written, the inputs that they read, and the sizes in them."""

    def __init__(self, t: Translator, length: Expr, backwards: bool):
        self.t, self.length, self.backwards = t, length, backwards
        self.sizes = EquationSizes()
        self.lines: list[str] = []
        self.bounds: list[str] = [f"{TURN} < {self.sizes(length)}"]
        self.sources: list[Value] = []
        self.count = 0
        self.returned: list[Element] = []

    # names -----------------------------------------------------------------------------------------------------------

    def fresh(self, rank: int) -> list[str]:
        """Indices that stand nowhere else."""
        made = [f"i{self.count + place}" for place in range(rank)]
        self.count += rank
        return made

    def input(self, value: Value) -> str:
        if value not in self.sources:
            self.sources.append(value)
        return f"x{self.sources.index(value) + 1:02d}"

    def line(self, shape: Sequence[Expr], text: Callable[[Sequence[str]], str]) -> Element:
        """A line that computes a value of a shape from the indices of its elements."""
        name = f"v{len(self.lines)}"
        indices = self.fresh(len(shape))
        target = ["0" if size == 1 else index for size, index in zip(shape, indices)]
        body = text(target)
        self.lines.append(f"{name}[{', '.join([TURN, *target])}] = {body}")
        self.bounds += [f"{index} < {self.sizes(size)}" for size, index in zip(shape, indices) if size != 1]
        return Element(shape, lambda at: f"{name}[{', '.join([TURN, *at])}]")

    # values ----------------------------------------------------------------------------------------------------------

    def outside(self, value: Value) -> Element:
        """A value that is the same in every turn."""

        def read(at: Sequence[str]) -> str:
            return f"{self.input(value)}[{', '.join(at) or '0'}]"

        return Element(value.shape, read, value)

    def row(self, value: Value) -> Element:
        """A value of which every turn sees a part."""
        turn = f"{self.sizes(self.length)} - 1 - {TURN}" if self.backwards else TURN

        def read(at: Sequence[str]) -> str:
            return f"{self.input(value)}[{', '.join([turn, *at])}]"

        return Element(value.shape[1:], read)

    def body(
        self,
        jaxpr: Any,
        inside: Sequence[Value],
        consts: Sequence[Value],
        begin: Sequence[Value],
        rows: Sequence[Value],
    ) -> None:
        states = [f"s{place}" for place in range(len(begin))]

        def earlier(name: str) -> Read:
            return lambda at: f"{name}[{', '.join([f'{TURN}-1', *(at or ['0'])])}]"

        before = [Element(value.shape, earlier(name)) for name, value in zip(states, begin)]
        given = [*map(self.outside, consts), *before, *map(self.row, rows)]
        self.returned = self.enter(jaxpr, list(map(self.outside, inside)), given)
        for name, value, element in zip(states, begin, self.returned):
            indices = self.fresh(len(value.shape))
            target = ["0" if size == 1 else index for size, index in zip(value.shape, indices)] or ["0"]
            self.bounds += [f"{index} < {self.sizes(size)}" for size, index in zip(value.shape, indices) if size != 1]
            self.lines.append(
                f"{name}[{', '.join([TURN, *target])}] = {self.text(element, target if value.shape else [])}"
            )

    def enter(self, jaxpr: Any, inside: Sequence[Element], given: Sequence[Element]) -> list[Element]:
        env: dict[Any, Element] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*inside, *given]))

        def read(atom: Any) -> Element:
            return self.outside(literal_value(atom)) if hasattr(atom, "val") else env[atom]

        for equation in needed(jaxpr):
            env.update(zip(equation.outvars, self.equation(equation, [read(atom) for atom in equation.invars])))
        return [read(atom) for atom in jaxpr.outvars]

    def result(self, place: int, carried: int) -> str:
        """The equation whose result is the last state of that number, or what every turn returns."""
        element = self.returned[place]
        indices = self.fresh(len(element.shape))
        target = ["0" if size == 1 else index for size, index in zip(element.shape, indices)]
        self.bounds += [f"{index} < {self.sizes(size)}" for size, index in zip(element.shape, indices) if size != 1]
        if place < carried:
            last = f"{self.sizes(self.length)} - 1"
            self.lines.append(f"y[{', '.join(target) or '0'}] = s{place}[{', '.join([last, *(target or ['0'])])}]")
        else:
            turn = f"{self.sizes(self.length)} - 1 - {TURN}" if self.backwards else TURN
            self.lines.append(f"r[{', '.join([TURN, *target])}] = {self.text(element, target)}")
            self.lines.append(f"y[{', '.join([TURN, *target])}] = r[{', '.join([turn, *target])}]")
        return "\n".join(self.lines) + "\nwhere " + ", ".join(self.bounds)

    def text(self, element: Element, at: Sequence[str]) -> str:
        """An element, as a number where it is known."""
        shown = number_text(element.number) if element.number is not None else None
        return shown if shown is not None else element.read(at)

    # operations ------------------------------------------------------------------------------------------------------

    def equation(self, equation: Any, sources: list[Element]) -> list[Element]:
        name, params = equation.primitive.name, equation.params
        known = [source.known for source in sources if source.known is not None and source.known.fixed]
        if len(known) == len(sources):
            return [self.outside(value) for value in fixed_value(equation, known, self.t.sizes)]
        if name in ARRANGED and all(source.known is not None for source in sources):
            return [self.outside(value) for value in self._before(equation, sources)]
        inner = next((params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params), None)
        shapes = [self.t.shape(variable.aval) for variable in equation.outvars]
        if inner is not None and name not in ("scan", "while", "cond", "reduce", "reduce_window"):
            consts = [self.outside(_constant(array, self.t)) for array in getattr(inner, "consts", ())]
            return self.enter(getattr(inner, "jaxpr", inner), consts, sources)
        if name == "split":
            return self._split(params, sources[0], shapes)
        if name == "concatenate":
            return [Element(shapes[0], _unread, joined=(int(params["dimension"]), sources))]
        if len(shapes) != 1:
            raise NotWritten(f"{name} in its step has several results")
        moved = self._moved(name, params, sources, shapes[0])
        if moved is not None:
            return [moved]
        return [self._computed(equation, name, params, sources, shapes[0])]

    def _before(self, equation: Any, sources: Sequence[Element]) -> list[Value]:
        """What is put in order anew in every turn, though no turn changes it, is so once, before the loop."""
        given = [source.known for source in sources if source.known is not None]
        return self.t.equation(equation, given, self.t.module)

    def _split(self, params: Any, source: Element, shapes: Sequence[Sequence[Expr]]) -> list[Element]:
        axis, made, start = int(params["axis"]), [], 0
        for shape in shapes:
            made.append(Element(shape, _shifted(source, axis, self.sizes(start), 1)))
            start = start + shape[axis]
        return made

    def _moved(self, name: str, params: Any, sources: list[Element], shape: Sequence[Expr]) -> Element | None:
        """What is read elsewhere, and not computed."""
        source = sources[0]
        if name in (
            "convert_element_type",
            "copy",
            "copy_p",
            "stop_gradient",
            "reduce_precision",
            "optimization_barrier",
        ):
            return source
        if name == "broadcast_in_dim":
            places = [int(axis) for axis in params["broadcast_dimensions"]]

            def repeated(at: Sequence[str]) -> str:
                return self.text(source, ["0" if size == 1 else at[place] for size, place in zip(source.shape, places)])

            return Element(shape, repeated)
        if name == "transpose":
            order = [int(axis) for axis in params["permutation"]]
            return Element(shape, lambda at: source.read([at[order.index(axis)] for axis in range(len(order))]))
        if name == "slice":
            read = source
            steps = params["strides"] or (1,) * len(shape)
            for axis, (start, step) in enumerate(zip(params["start_indices"], steps)):
                start = self.t.sizes(start)
                if start != 0 or step != 1:
                    read = Element(shape, _shifted(read, axis, self.sizes(start), int(step)))
            return Element(shape, read.read)
        if name in ("reshape", "squeeze", "expand_dims"):
            return self._reshaped(source, shape)
        return None

    def _reshaped(self, source: Element, shape: Sequence[Expr]) -> Element:
        long = [axis for axis, size in enumerate(shape) if size != 1]
        theirs = [axis for axis, size in enumerate(source.shape) if size != 1]
        if [shape[axis] for axis in long] == [source.shape[axis] for axis in theirs]:
            place = dict(zip(theirs, long))
            return Element(
                shape,
                lambda at: source.read(
                    [at[place[axis]] if axis in place else "0" for axis in range(len(source.shape))]
                ),
            )
        flat = f"f{len(self.lines)}"
        indices = self.fresh(len(source.shape))
        kept = [index for index, size in zip(indices, source.shape)]
        self.lines.append(f"{flat}[{TURN}, ({', '.join(kept)},)] = {source.read(indices)}")
        self.bounds += [f"{index} < {self.sizes(size)}" for size, index in zip(source.shape, indices)]
        name, own = f"v{len(self.lines)}", self.fresh(len(shape))
        self.lines.append(f"{name}[{', '.join([TURN, *own])}] = {flat}[{TURN}, ({', '.join(own)},)]")
        self.bounds += [f"{index} < {self.sizes(size)}" for size, index in zip(shape, own)]
        return Element(shape, lambda at: f"{name}[{', '.join([TURN, *at])}]")

    def _computed(
        self, equation: Any, name: str, params: Any, sources: list[Element], shape: Sequence[Expr]
    ) -> Element:
        if name == "dot_general":
            return self._product(params, sources, shape)
        if name in ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod"):
            return self._reduced(name.removeprefix("reduce_"), params, sources[0], shape)
        dtype = equation.invars[-1].aval.dtype
        text = function_text(name, params, dtype.kind in "iub", dtype.kind == "b")
        if text is None:
            raise NotWritten(f"{name} in its step has no line in an equation")

        def applied(at: Sequence[str]) -> str:
            arguments = []
            for source in sources:
                start = len(at) - len(source.shape)
                own = ["0" if size == 1 else at[start + axis] for axis, size in enumerate(source.shape)]
                arguments.append(self.text(source, own if source.shape else []))
            return text.format(*arguments)

        return self.line(shape, applied)

    def _product(self, params: Any, sources: list[Element], shape: Sequence[Expr]) -> Element:
        (contracted, batch) = params["dimension_numbers"]

        def product(at: Sequence[str]) -> str:
            return " + ".join(of_parts(at, pair) for pair in _in_parts(sources, contracted, self.sizes))

        def of_parts(at: Sequence[str], sources: Sequence[Element]) -> str:
            places: list[dict[int, str]] = [{}, {}]
            rest = iter(at)
            for left, right in zip(*batch):
                places[0][int(left)] = places[1][int(right)] = next(rest)
            for left, right in zip(*contracted):
                index = self.fresh(1)[0]
                size = sources[0].shape[int(left)]
                self.bounds.append(f"{index} < {self.sizes(size)}")
                places[0][int(left)] = places[1][int(right)] = index
            for side, own in zip(sources, places):
                for axis in range(len(side.shape)):
                    if axis not in own:
                        own[axis] = next(rest)
            reads = [side.read([own[axis] for axis in range(len(side.shape))]) for side, own in zip(sources, places)]
            return " * ".join(reads)

        if any(source.number is not None for source in sources):
            raise NotWritten("a product with the same number everywhere in its step has no line in an equation")
        return self.line(shape, product)

    def _reduced(self, kind: str, params: Any, source: Element, shape: Sequence[Expr]) -> Element:
        axes = [int(axis) for axis in params["axes"]]

        def reduced(at: Sequence[str]) -> str:
            rest, own, over = iter(at), [], []
            for axis, size in enumerate(source.shape):
                if axis in axes:
                    over += self.fresh(1)
                    own.append(over[-1])
                    self.bounds.append(f"{over[-1]} < {self.sizes(size)}")
                else:
                    own.append(next(rest))
            return f"{kind}[{', '.join(over)}]({source.read(own)})"

        return self.line(shape, reduced)


def _unread(at: Sequence[str]) -> str:
    raise NotWritten("concatenate in its step has no line in an equation, except along an axis that a product sums")


def _in_parts(
    sources: Sequence[Element], contracted: Sequence[Sequence[int]], sizes: EquationSizes
) -> Iterator[list[Element]]:
    """The pairs whose products are summed: along an axis over which a product sums, what was put together is taken part by part."""
    for number, source in enumerate(sources):
        axes = [int(axis) for axis in contracted[number]]
        if source.joined is None or source.joined[0] not in axes:
            continue
        axis, parts = source.joined
        other, across = sources[1 - number], int(contracted[1 - number][axes.index(axis)])
        start: Expr = Integer(0)
        for part in parts:
            shape = list(other.shape)
            shape[across] = part.shape[axis]
            rest = Element(shape, _shifted(other, across, sizes(start), 1) if start != 0 else other.read)
            yield from _in_parts([part, rest] if number == 0 else [rest, part], contracted, sizes)
            start = start + part.shape[axis]
        return
    yield list(sources)


def _shifted(source: Element, axis: int, start: str, step: int) -> Read:
    """Reads from a place on along an axis."""

    def read(at: Sequence[str]) -> str:
        own = list(at)
        own[axis] = f"{start} + {step}*{at[axis]}" if step != 1 else f"{start} + {at[axis]}"
        return source.read(own)

    return read


def _constant(array: Any, t: Translator) -> Value:
    return constant_value(array, t.sizes.shape(array.shape))
