"""What is made of indices and sizes alone is a finite number: a logarithm, a root, a quotient or a power of them has a value at every point.

Of tensors nothing is asked: what they hold is not known before it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import product
from math import prod

from sympy import (
    Abs,
    And,
    Eq,
    Expr,
    Ge,
    Gt,
    Integer,
    Lt,
    Max,
    Min,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    Pow,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceiling,
    cos,
    cosh,
    erf,
    exp,
    expand,
    floor,
    fraction,
    log,
    nan,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    together,
    zoo,
)  # fmt: skip
from sympy.logic.boolalg import Boolean, false, true

from ..errors import EquationError, ShapeError
from ..records import dataclass
from ..sizes.dims import Index
from ..sizes.normal_form import simplify
from .affine import affine
from .everywhere import is_shown, require_at_points, require_everywhere
from .extents import Extents
from .heads import Apply, Constant, Head, IndexValue, Plus, Times, address_indices
from .requirements import Requirements
from .statements import Elaborated, Limit, Mask, Statement, relational

_VALUES: dict[str, Callable[..., Expr]] = {
    "relu": lambda a: Max(a, 0), "abs": Abs, "max": Max, "min": Min, "exp": exp, "log": log, "sqrt": sqrt, "tanh": tanh,
    "sigmoid": lambda a: 1 / (1 + exp(-a)), "erf": erf, "sin": sin, "cos": cos, "softplus": lambda a: log(1 + exp(a)), "tan": tan,
    "asin": asin, "acos": acos, "atan": atan, "sinh": sinh, "cosh": cosh, "asinh": asinh, "acosh": acosh, "atanh": atanh,
    "floor": floor, "ceil": ceiling, "sign": sign, "divide": lambda a, b: a / b, "power": Pow, "pow": Pow,
    "mod": lambda a, b: a - b * floor(a / b),
    "less": lambda a, b: Piecewise((1, Lt(a, b)), (0, True)), "equal": lambda a, b: Piecewise((1, Eq(a, b)), (0, True)),
    "choose": lambda c, a, b: Piecewise((b, Eq(c, 0)), (a, True)),
}  # fmt: skip
"""What a function makes of numbers; of others nothing is asked."""

MOST_TERMS = 1_000
"""How many products of parts a divisor is looked at as."""


@dataclass(frozen=True)
class Need:
    """One place where a number may have no value: what is written there, and in what relation to 0 its `argument` has to be.

    `sign` is ``">"``, ``">="`` or ``"!="``; of what is neither, `relation` says all.
    """

    written: str
    argument: Expr
    sign: str
    exponent: Expr | None = None

    @property
    def relation(self) -> Boolean:
        value, exponent = self.argument, self.exponent
        if exponent is None:
            found: Boolean = {">": Gt, ">=": Ge, "!=": Ne}[self.sign](value, 0)
            return found
        is_whole = true if exponent.is_integer else Eq(floor(exponent), exponent)
        return Or(Gt(value, 0), And(Eq(value, 0), Ge(exponent, 0)), And(Lt(value, 0), is_whole))

    @property
    def words(self) -> str:
        if self.exponent is not None:
            return f"{self.written} must be a finite number"
        words = {">": "greater than 0", ">=": "at least 0", "!=": "other than 0"}[self.sign]
        return f"{self.written} must be a finite number, so that {self.argument} has to be {words}"


def needs_of(made: Elaborated) -> tuple[tuple[int, Need], ...]:
    """The places of an equation where a number of indices and sizes may have no value, each with the number of its statement."""
    found = dict.fromkeys(
        (place, need)
        for place, statement in enumerate(made.statements)
        for head, _ in reversed(statement.scoped)  # what is inside has a value first
        for need in _needs(head)
        if need.relation != true
    )
    return tuple(found)


def require_finite(
    needs: Sequence[tuple[int, Need]], made: Elaborated, found: Extents, requirements: Requirements
) -> None:
    """Refuse what has no finite value at a point, and note as a condition what depends on sizes."""
    for place, need in needs:
        statement, extents = made.statements[place], found.of[place]
        inside = _indices(need)
        own = found.own.get(place, {})
        given: list[Limit] = [
            mask for index in sorted(inside & own.keys(), key=str)
            for mask in (Mask(own[index][0], "<=", index), Mask(index, "<", own[index][1]))
        ]  # fmt: skip
        given += [
            mask for index in sorted(inside & made.ranges.keys(), key=str)
            for mask in (Mask(made.ranges[index][0], "<=", index), Mask(index, "<", made.ranges[index][1]))
        ]  # fmt: skip
        given = [mask for mask in (*given, *made.masks) if mask.indices and mask.indices <= inside]
        if inside <= extents.keys():
            requirements.ask(_has_value, need, extents, given, statement)


def _has_value(
    requirements: Requirements, need: Need, extents: Mapping[Index, Expr], given: Sequence[Limit], statement: Statement
) -> None:
    value, meaning = need.argument, partial(str, need.words)
    indices = sorted(_indices(need), key=str)
    try:
        if need.exponent is None and value.is_integer and not given and need.sign == "!=":
            if any(is_shown(simplify(side * value - 1), extents) for side in (1, -1)):
                return
        least = _as_integers(need)
        if not given and indices and (least is None or affine(least) is None):
            if need.relation.xreplace(dict.fromkeys(indices, Integer(0))) == false:
                at = ", ".join(f"{index} = 0" for index in indices)
                raise requirements.error(f"{need.words}, and it is not at {at}", statement, EquationError)
        if least is not None:
            require_everywhere(least, extents, given, meaning, statement, requirements)
            return
        relation = Or(need.relation, *(Not(relational(mask)) for mask in given))
        require_at_points(relation, extents, meaning, statement, requirements)
    except ShapeError as error:
        if given or not indices:
            raise
        raise requirements.error(f"{need.words}{_instead(need)}", statement, EquationError) from error


def _indices(need: Need) -> frozenset[Index]:
    return address_indices(need.argument) | (address_indices(need.exponent) if need.exponent else frozenset())


def _as_integers(need: Need) -> Expr | None:
    """What is at least 0 where the argument is as it has to be, if it is a fraction of integers with a known sign below."""
    if need.exponent is not None or need.sign == "!=":
        return None
    over, under = fraction(together(need.argument))
    if not (over.is_integer and under.is_integer and under.is_positive):
        return None
    return over - 1 if need.sign == ">" else over


def _instead(need: Need) -> str:
    """What to write: the same function of what begins where it has values."""
    form = affine(need.argument)
    if form is None or not all(step.is_positive for step in form[0].values()):
        return " at every value of the indices"
    where = ", ".join(f"{index} = 0" for index in sorted(form[0], key=str))
    start = Integer(0 if need.sign == ">=" else 1)
    rest = need.argument - form[1] + start
    name = need.written.partition("(")[0]
    made = (
        f"{name}({rest})"
        if name in _VALUES and need.written.endswith(")")
        else f"{rest} in the place of {need.argument}"
    )
    return f", and it is {form[1]} at {where}\n  write instead: {made}"


def _needs(head: Head) -> Iterator[Need]:
    if isinstance(head, (Constant, IndexValue)):
        if not head.value.is_Atom:
            yield from _needs_of_number(head.value)
        return
    if not isinstance(head, Apply):
        return
    values = [_value(argument) for argument in head.arguments]
    if head.function in ("divide", "mod", "fmod"):
        if (under := values[1]) is not None and not under.is_nonzero:
            yield Need(f"a quotient by {under}", under, "!=")
        return
    value = values[0]
    if value is None:
        return
    written = f"{head.function}({value})"
    if head.function in ("log", "sqrt"):
        yield Need(written, value, ">" if head.function == "log" else ">=")
    elif head.function in ("asin", "acos", "atanh"):
        for bound in (1 - value, 1 + value):
            yield Need(written, bound, ">" if head.function == "atanh" else ">=")
    elif head.function == "acosh":
        yield Need(written, value - 1, ">=")
    elif head.function in ("pow", "power") and (exponent := values[1]) is not None:
        if exponent.is_integer and exponent.is_nonnegative:
            return
        if exponent.is_number and not exponent.is_integer:
            yield Need(f"({value})**({exponent})", value, ">" if exponent.is_negative else ">=")
        elif exponent.is_integer and exponent.is_negative:
            yield Need(f"({value})**({exponent})", value, "!=")
        else:
            yield Need(f"({value})**({exponent})", value, "!=", exponent)


def _needs_of_number(number: Expr) -> Iterator[Need]:
    """What the logarithms, roots and quotients need that stand within a number."""
    for part in sorted(number.atoms(log, Pow), key=str):
        if isinstance(part, log):
            yield Need(str(part), part.args[0], ">")
        elif part.exp.is_Rational and not (part.exp.is_integer and part.exp.is_positive):
            base = part.base
            if not part.exp.is_integer:
                yield Need(str(part), base, ">" if part.exp.is_negative else ">=")
            elif not base.is_nonzero:
                yield Need(f"a quotient by {base}", base, "!=")


def _value(head: Head) -> Expr | None:
    """A head as a number made of indices and sizes; None if it reads a tensor, or is a function of which nothing is known."""
    if isinstance(head, (Constant, IndexValue)):
        return head.value
    if not isinstance(head, (Plus, Times, Apply)):
        return None
    inner = head.terms if isinstance(head, Plus) else head.factors if isinstance(head, Times) else head.arguments
    values = [value for value in map(_value, inner) if value is not None]
    if len(values) < len(inner):
        return None
    if isinstance(head, Plus):
        return sum(values[1:], values[0])
    if isinstance(head, Times):
        return Mul(*values)
    made = _VALUES[head.function](*values) if head.function in _VALUES else None
    return None if made is None or made.has(zoo, nan) or made.is_extended_real is False else made


def is_identically_zero(head: Head) -> bool:
    """Whether a head is 0 whatever the tensors hold: a product with 0, or a sum whose terms take each other away.

    >>> from sympy import Integer
    >>> from layeralgebra.algebra.equations.heads import Constant, Plus, Read, Times
    >>> x = Read("x", ())
    >>> is_identically_zero(Plus((x, Times((Constant(Integer(-1)), x))))), is_identically_zero(x)
    (True, False)
    """
    return all(factor.is_zero for factor in _collected(head).values())


def _collected(head: Head) -> dict[frozenset[tuple[Head, int]], Expr]:
    """A head as a sum of products of parts, each with the number that it is multiplied with."""
    if isinstance(head, (Constant, IndexValue)):
        return {frozenset(): head.value}
    if isinstance(head, Plus):
        made: dict[frozenset[tuple[Head, int]], Expr] = {}
        for term in head.terms:
            for key, factor in _collected(term).items():
                made[key] = expand(made.get(key, Integer(0)) + factor)
        return made
    if isinstance(head, Times):
        factors = [_collected(part) for part in head.factors]
        if prod(map(len, factors)) <= MOST_TERMS:
            return reduce(_multiplied, factors, {frozenset(): Integer(1)})
    return {frozenset([(head, 1)]): Integer(1)}


def _multiplied(
    one: dict[frozenset[tuple[Head, int]], Expr], other: dict[frozenset[tuple[Head, int]], Expr]
) -> dict[frozenset[tuple[Head, int]], Expr]:
    made: dict[frozenset[tuple[Head, int]], Expr] = {}
    for (first, factor), (second, by) in product(one.items(), other.items()):
        times = dict(first)
        for part, count in second:
            times[part] = times.get(part, 0) + count
        key = frozenset(times.items())
        made[key] = expand(made.get(key, Integer(0)) + factor * by)
    return made
