"""Loops: layers with weights of their own are copies of a block, a recurrence is one equation, and what is neither is written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.networks.network import Repeat
from ...importers.arrays import formula, reshaped, stacked
from ...importers.grouping import build
from ...importers.record import Recording
from ...importers.tensors import Tensor
from ..fixed import constant_value, number_of
from ..tracing import StoredArray
from ..translator import Translator, flow, own
from ..values import Value
from .equations import NotWritten, Statements

MOST_TURNS = 64
"""Of a loop that is written out."""


@flow("scan")
def _scan(t: Translator, equation: Any, sources: Sequence[Value], module: tuple[str, ...]) -> list[Value]:
    params = equation.params
    closed, length = params["jaxpr"], t.sizes(params["length"])
    held, carried = int(params["num_consts"]), int(params["num_carry"])
    consts, begin, rows = list(sources[:held]), list(sources[held : held + carried]), list(sources[held + carried :])
    loop = _Loop(t, equation, closed, length, consts, begin, rows, module)
    for way in (loop.copies, loop.recurrence, loop.written_out):
        made = way()
        if made is not None:
            return made
    raise UnsupportedError(
        f"scan at {t.place_of(equation, module)}: {loop.reason}\n"
        "  write instead: a loop of a known number of turns, at most "
        f"{MOST_TURNS}, which is written out; or a step of matrix products and functions of elements, of whose results one is used"
    )


class _Loop:
    """A loop, and the ways to say what it computes; each is None where it does not apply."""

    def __init__(
        self, t: Translator, equation: Any, closed: Any, length: Expr, consts: list[Value], begin: list[Value], rows: list[Value],
        module: tuple[str, ...],
    ):  # fmt: skip
        self.t, self.equation, self.closed, self.length = t, equation, closed, length
        self.consts, self.begin, self.rows, self.module = consts, begin, rows, module
        self.place = t.place
        self.reason = ""

    @property
    def used(self) -> list[int]:
        """Which of its results are used."""
        return [place for place, variable in enumerate(self.equation.outvars) if self.t.is_used(variable)]

    def values(self, tensors: dict[int, Tensor]) -> list[Value]:
        """Its results, of which these have tensors."""
        made = []
        for place, variable in enumerate(self.equation.outvars):
            value = Value(
                self.t.shape(variable.aval), variable.aval.dtype, tensors.get(place), self.equation, output=place
            )
            made.append(replace(value, place=self.place, module=self.module))
        return made

    def inside(self) -> list[Value]:
        return [constant_value(array, self.t.sizes.shape(array.shape)) for array in self.closed.consts]

    # copies of a block ------------------------------------------------------------------------------------------------

    def copies(self) -> list[Value] | None:
        """A block with weights of its own in every turn, through which one value goes."""
        learned = [row for row in self.rows if row.stored is not None and row.stored.learned]
        moving = [place for place, value in enumerate(self.begin) if not value.fixed]
        if not learned or len(learned) != len(self.rows) or len(self.begin) != 1 or not moving or self.used != [0]:
            return None
        if any(not value.fixed for value in self.consts) or self.begin[0].without_input:
            return None
        t = self.t
        inner = Translator(t.sizes, t.operators)
        inner.steps = t.steps
        entering = t.tensor(self.begin[0])
        given = Value(self.begin[0].shape, self.begin[0].dtype, Tensor("entering", entering.shape))
        inner.places["entering"] = 0
        parts = [
            replace(
                row,
                shape=row.shape[1:],
                tensor=None,
                stored=StoredArray(list(row.stored.names), row.stored.shape[1:], True),
            )
            for row in learned
            if row.stored is not None
        ]
        made = inner.enter(self.closed.jaxpr, self.inside(), [*self.consts, given, *parts], ())
        with inner.at(inner.place + 1, ()):
            leaving = inner.tensor(made[0])
        t.missing.update(inner.missing)
        if inner.missing:
            return self.values({0: Tensor("missing scan", entering.shape)})
        recording = Recording([("entering", entering.shape)], [], leaving.name)
        inner.simplified(recording)
        inner.share(recording.operations)
        block = build(recording, closed=False)
        with t.at(self.place, self.module):
            tensor = t.add(Repeat(block, self.length), [entering], leaving.shape, label="layers")
        t.hold(tensor, *(row.stored for row in learned if row.stored is not None))
        return self.values({0: tensor})

    # a recurrence -----------------------------------------------------------------------------------------------------

    def recurrence(self) -> list[Value] | None:
        """One equation over all turns, of whose results one is used."""
        t, carried = self.t, len(self.begin)
        if any(number_of(value) != 0 for value in self.begin):
            self.reason = "its state begins with something else than zeros"
            return None
        outvars = self.closed.jaxpr.outvars
        results = {outvars[place] if not hasattr(outvars[place], "val") else place for place in self.used}
        if len(results) != 1 or (len(self.used) > 1 and len({place < carried for place in self.used}) > 1):
            self.reason = "several of its results are used"
            return None
        text = Statements(t, self.length, bool(self.equation.params["reverse"]))
        try:
            text.body(self.closed.jaxpr, self.inside(), self.consts, self.begin, self.rows)
            written = text.result(self.used[0], carried)
        except NotWritten as error:
            self.reason = str(error)
            return None
        variable = self.equation.outvars[self.used[0]]
        with t.at(self.place, self.module):
            tensors = [t.tensor(source) for source in text.sources]
            made = formula(t, written, tensors, own(t.shape(variable.aval)), False, text.sizes, "scan")
        return self.values(dict.fromkeys(self.used, made))

    # written out ------------------------------------------------------------------------------------------------------

    def written_out(self) -> list[Value] | None:
        """Every turn by itself."""
        t, carried = self.t, len(self.begin)
        if not self.length.is_Integer or self.length > MOST_TURNS:
            self.reason = self.reason or "its number of turns is a symbol"
            return None
        turns = range(int(self.length))
        state, kept = list(self.begin), []
        order = reversed(turns) if self.equation.params["reverse"] else turns
        for turn in order:
            now = [t.row(row, turn, self.module) for row in self.rows]
            t.place += 1
            made = t.enter(self.closed.jaxpr, self.inside(), [*self.consts, *state, *now], self.module)
            state = made[:carried]
            kept.append(made[carried:])
        kept = kept[::-1] if self.equation.params["reverse"] else kept
        t.place += 1
        self.place = t.place
        tensors: dict[int, Tensor] = {}
        with t.at(self.place, self.module):
            for place in self.used:
                if place < carried:
                    tensors[place] = t.tensor(state[place])
                else:
                    rows = [t.tensor(row[place - carried]) for row in kept]
                    shape = own(t.shape(self.equation.outvars[place].aval))
                    if len(shape) == 1:
                        tensors[place] = reshaped(t, stacked(t, rows, 0, "turns"), shape, label="turns")
                    else:
                        tensors[place] = stacked(t, rows, 0, "turns")
        return self.values(tensors)


@flow("while")
def _while(t: Translator, equation: Any, sources: Sequence[Value], module: tuple[str, ...]) -> list[Value]:
    """A loop that counts: ``fori_loop`` over a number of turns that is a size."""
    params = equation.params
    before, held = int(params["cond_nconsts"]), int(params["body_nconsts"])
    asked, consts, begin = list(sources[:before]), list(sources[before : before + held]), list(sources[before + held :])
    counted = _counted(t, params, asked, begin)
    if counted is None:
        raise UnsupportedError(
            f"while at {t.place_of(equation, module)}: how often it turns depends on the data\n"
            "  write instead: jax.lax.fori_loop or jax.lax.scan over as many turns as are to be counted"
        )
    place, start, length = counted
    if not length.is_Integer or length > MOST_TURNS:
        raise UnsupportedError(
            f"while at {t.place_of(equation, module)}: a loop of {length} turns whose number is a symbol has no layer\n"
            "  write instead: jax.lax.scan, whose steps are read as one equation"
        )
    state = list(begin)
    body = params["body_jaxpr"]
    for turn in range(int(length)):
        state[place] = constant_like(state[place], start + turn)
        t.place += 1
        inside = [constant_value(array, t.sizes.shape(array.shape)) for array in body.consts]
        state = t.enter(body.jaxpr, inside, [*consts, *state], module)
    state[place] = constant_like(begin[place], start + length)
    return state


def constant_like(value: Value, number: Expr) -> Value:
    return Value((), value.dtype, fixed=True, number=number)


def _counted(t: Translator, params: Any, asked: list[Value], begin: list[Value]) -> tuple[int, Expr, Expr] | None:
    """Which value counts the turns, where it starts, and how many there are; None if none does."""
    condition, body = params["cond_jaxpr"].jaxpr, params["body_jaxpr"].jaxpr
    if (
        len(condition.eqns) != 1
        or condition.eqns[0].primitive.name != "lt"
        or condition.outvars != condition.eqns[0].outvars
    ):
        return None
    entering = dict(zip(condition.invars, [*asked, *begin]))
    counter, bound = condition.eqns[0].invars
    if counter not in condition.invars[len(asked) :]:
        return None
    place = condition.invars.index(counter) - len(asked)
    limit = Integer(int(bound.val)) if hasattr(bound, "val") else number_of(entering[bound])
    if limit is None and not hasattr(bound, "val"):
        return None
    if not hasattr(bound, "val") and bound in condition.invars[len(asked) :]:
        other = condition.invars.index(bound) - len(asked)
        if body.outvars[other] is not body.invars[len(body.invars) - len(begin) + other]:
            return None
    own_counter = body.invars[len(body.invars) - len(begin) + place]
    step = next((one for one in body.eqns if body.outvars[place] in one.outvars), None)
    if (
        step is None
        or step.primitive.name != "add"
        or step.invars[0] is not own_counter
        or getattr(step.invars[1], "val", 0) != 1
    ):
        return None
    start = number_of(begin[place])
    return None if start is None or limit is None else (place, start, limit - start)
