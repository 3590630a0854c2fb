"""The best sizes under budgets, certified.

>>> from sympy import symbols
>>> c, L = symbols("c L", integer=True, positive=True)
>>> best = optimize(c * L, [9 * c**2 * L + 4 * c <= 10**6], {c: (1, 4096), L: (1, 100)})
>>> best.at, best.value, best.certified
({c: 33, L: 100}, 3300, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from sympy import And, Basic, Expr, Integer, Symbol, ceiling, floor
from sympy.core.relational import Relational

from ..arguments import as_elements, as_integer, checked, shown
from ..compilation.program.conditions import without_indices
from ..errors import DomainError, FieldError, UnsupportedError
from ..formulas.records import Formula, for_each
from ..records import dataclass
from ..sizes.evaluate import evaluate, free_symbols
from .branch_and_bound import Best, Bounded, Constraint, constraint_of, maximum
from .posynomials import Stationary, lagrange

__all__ = ["Optimum", "optimize"]

MAX_BOXES = 2_000_000


@dataclass(frozen=True)
class Optimum:
    """What `optimize` found.

    Attributes
    ----------
    at : dict of sympy.Symbol to sympy.Integer (or expressions, where budgets are symbols)
        The best sizes.
    value : int, Fraction, float or sympy.Expr
        The objective there.
    certified : bool
        Whether it is shown that no sizes are better (objectives that are floats: by more than a relative 1e-9).
    bound : number or None
        If it is not shown: what the objective cannot exceed (fall below, when minimising).
    stationary : tuple of Stationary
        The points that satisfy Lagrange's conditions if sizes are treated as continuous and floors left out, in
        closed form.
    method : str
        How it was found.
    """

    at: dict[Symbol, Any]
    value: Any
    certified: bool
    bound: Any
    stationary: tuple[Stationary, ...]
    method: str


@checked
def optimize(
    objective: Any,
    constraints: Iterable[Any] = (),
    over: Mapping[Symbol, Any] | None = None,
    maximise: bool = True,
    boxes: int = MAX_BOXES,
) -> Any:
    """The sizes at which an objective is best and all constraints hold.

    With numbers for all budgets the answer is an exact point of the grid, found by branch and bound, and certified:
    bounds show that no other point is better. With symbols in the budgets it is the closed form that Lagrange's
    conditions give for continuous sizes, where they solve (a product of powers under sums of as many products of
    powers as there are sizes).

    Parameters
    ----------
    objective : sympy.Expr or Derivation
        A derivation brings its domain as constraints.
    constraints : iterable of relations
        Such as ``parameters <= 10**6``.
    over : mapping of sympy.Symbol to (low, high), a range or a list of integers
        Every symbol that is to be chosen, with its sizes.
    maximise : bool
        Or minimise.
    boxes : int
        How many boxes the search may look at before it gives the best point found without a certificate.

    Returns
    -------
    Optimum

    Raises
    ------
    DomainError
        If nothing satisfies the constraints.
    UnsupportedError
        If budgets are symbols and the conditions do not solve in closed form.
    FieldError
        If a constraint is no relation, or sizes are no integers.

    Examples
    --------
    >>> from sympy import symbols, log
    >>> c, L = symbols("c L", integer=True, positive=True)
    >>> P = symbols("P", positive=True)
    >>> best = optimize(c * L, [9*c**2*L + 4*L <= P], {c: (1, 10**6), L: (1, 10**6)})
    >>> best.at, best.certified
    ({c: 2/3, L: P/8}, False)
    >>> optimize(L * log(c), [9*c**2*L <= 10**6], {c: range(8, 4097, 8), L: (1, 10**4)}).at
    {c: 8, L: 1736}
    """
    return for_each(objective, "optimize", lambda formula: _best(formula, constraints, over, maximise, boxes))


def _best(
    formula: Formula, given: Iterable[Any], over: Mapping[Symbol, Any] | None, maximise: bool, boxes: int
) -> Optimum:
    relations = _relations(
        [
            *_relations_of(formula),
            *([given] if isinstance(given, (Basic, bool)) else as_elements(given, "the constraints of optimize")),
        ]
    )
    if not isinstance(over, Mapping) or not over:
        raise FieldError("over must say which sizes are to be chosen, such as {c: (1, 1024)}")
    objective: Expr = formula.body
    symbols = list(over)
    for symbol in symbols:
        if not isinstance(symbol, Symbol):
            raise FieldError(f"over maps symbols to sizes, got the key {shown(symbol)}")
    sizes = [_sizes(symbol, over[symbol]) for symbol in symbols]
    stationary = tuple(_closed_forms(objective, relations, symbols, maximise))
    free = free_symbols(objective).union(*(free_symbols(relation) for relation in relations)) - set(symbols)
    if free:
        if not stationary:
            raise UnsupportedError(
                f"with the symbols {', '.join(sorted(map(str, free)))} left, the conditions of Lagrange do "
                "not solve in closed "
                "form; put numbers for them, and the best sizes are found exactly"
            )
        point = stationary[-1]
        return Optimum(
            point.at, objective.xreplace(point.at), False, None, stationary, "Lagrange's conditions, continuous sizes"
        )
    box = {symbol: (part[0], part[-1]) for symbol, part in zip(symbols, sizes, strict=True)}
    goal = Bounded(objective if maximise else -objective, symbols, box)
    bounded = [constraint_of(relation, symbols, box) for relation in relations if relation is not True]
    starts = _starts(goal, bounded, sizes, stationary, symbols)
    best = maximum(goal, bounded, sizes, boxes, starts)
    return _optimum(best, objective, symbols, stationary, maximise)


def _optimum(best: Best, formula: Expr, symbols: Sequence[Symbol], stationary: tuple, maximise: bool) -> Optimum:
    if best.point is None:
        if best.bound is None:
            raise DomainError("no sizes satisfy all constraints")
        raise UnsupportedError(
            f"no sizes that satisfy all constraints were found among {best.examined} boxes; give boxes= a larger number"
        )
    at = {symbol: Integer(size) for symbol, size in zip(symbols, best.point, strict=True)}
    value = evaluate(formula, at, unused=True)
    bound = None if best.bound is None else (best.bound if maximise else -best.bound)
    method = f"branch and bound, {best.examined} boxes"
    return Optimum(at, value, best.certified, bound, stationary, method)


def _relations_of(formula: Formula) -> list[Any]:
    """Where a formula holds, as relations without indices."""
    found: list[Any] = []
    for condition in formula.domain:
        closed = without_indices(condition)
        if closed is None:
            raise UnsupportedError(f"the domain has a condition for every copy of a block: {condition.meaning}")
        found.extend(closed.args if isinstance(closed, And) else [closed])
    return found


def _relations(constraints: Iterable[Any]) -> list[Any]:
    found = []
    for constraint in constraints:
        if constraint is False or getattr(constraint, "is_Boolean", False) and constraint == False:  # noqa: E712
            raise DomainError("one of the constraints never holds")
        if constraint is True or constraint == True:  # noqa: E712
            continue
        if not isinstance(constraint, Relational):
            raise FieldError(f"a constraint must be a relation such as parameters <= 10**6, got {shown(constraint)}")
        found.append(constraint)
    return found


def _sizes(symbol: Symbol, given: Any) -> Sequence[int]:
    """The sizes of one symbol, in increasing order."""
    if isinstance(given, tuple) and len(given) == 2:
        low, high = (_integer(symbol, end) for end in given)
        found: Sequence[int] = range(low, high + 1)
    elif isinstance(given, range):
        found = given if given.step > 0 else given[::-1]
    elif isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping)):
        found = sorted({_integer(symbol, size) for size in given})
    else:
        raise FieldError(
            f"the sizes of {symbol} must be (low, high), a range or a list of integers, got {shown(given)}"
        )
    if not len(found):
        raise FieldError(f"{symbol} has no sizes in {given!r}")
    if symbol.is_positive and found[0] < 1 or symbol.is_nonnegative and found[0] < 0:
        raise DomainError(f"{symbol} stands for a positive integer, and its sizes begin with {found[0]}")
    if len(found) > 2**40:
        raise FieldError(f"{symbol} has {len(found)} sizes; give fewer than 2**40")
    return found


def _integer(symbol: Symbol, size: Any) -> int:
    return as_integer(size, f"a size of {symbol}")


def _closed_forms(
    formula: Expr, relations: Sequence[Any], symbols: Sequence[Symbol], maximise: bool
) -> list[Stationary]:
    """Lagrange's conditions on the formulas without their floors; budgets are upper limits of a maximum."""

    def smooth(e: Expr) -> Expr:
        return e.replace(lambda part: isinstance(part, (floor, ceiling)), lambda part: part.args[0])

    if not maximise:
        return []
    budgets = []
    for relation in relations:
        left, right = (relation.lhs, relation.rhs) if relation.rel_op in ("<", "<=") else (relation.rhs, relation.lhs)
        if relation.rel_op in ("<", "<=", ">", ">=") and not right.free_symbols & set(symbols):
            budgets.append((smooth(left), right))
    return lagrange(smooth(formula), budgets, symbols)


def _starts(
    goal: Bounded,
    constraints: Sequence[Constraint],
    sizes: Sequence[Sequence[int]],
    stationary: Sequence[Stationary],
    symbols: Sequence[Symbol],
) -> Any:
    """Points to begin the search with: around the closed forms and around what scipy finds for continuous sizes."""
    import numpy as np

    points = {tuple(part[0] for part in sizes), tuple(part[-1] for part in sizes)}
    centres = []
    for point in stationary:
        numbers = [point.at[symbol].evalf() for symbol in symbols]
        if all(number.is_comparable for number in numbers):
            centres.append([float(number) for number in numbers])
    centre = _relaxed(goal, constraints, sizes)
    if centre is not None:
        centres.append(centre)
    for centre in centres:
        near = []
        for number, part in zip(centre, sizes, strict=True):
            place = (
                int(np.searchsorted(np.asarray(part), number))
                if len(part) < 2**20
                else int(min(max(number - part[0], 0), len(part) - 1))
            )
            near.append({part[min(max(place + shift, 0), len(part) - 1)] for shift in (-1, 0, 1)})
        if len(near) <= 8:
            points.update(product(*near))
    return np.array(sorted(points))


def _relaxed(goal: Bounded, constraints: Sequence[Constraint], sizes: Sequence[Sequence[int]]) -> list[float] | None:
    """A good point for continuous sizes, by scipy on logarithms, if it is installed; only where the search begins."""
    try:
        from scipy.optimize import minimize
    except ImportError:
        return None
    import numpy as np

    ends = [(float(np.log(max(part[0], 0) + 1)), float(np.log(max(part[-1], 0) + 1))) for part in sizes]

    def point(logs: Any) -> Any:
        return np.array([[round(float(np.exp(x) - 1)) for x in logs]])

    def loss(logs: Any) -> float:
        sizes_here = point(logs)
        penalty = 0.0
        for constraint in constraints:
            left, right = float(constraint.left.at(sizes_here)[0]), float(constraint.right.at(sizes_here)[0])
            excess = abs(left - right) if constraint.equal else max(left - right, 0.0)
            penalty += excess / (1 + abs(right))
        value = float(goal.at(sizes_here)[0])
        return (1e300 if value != value else -value) if not penalty else 1e30 * (1 + penalty)

    start = [(low + high) / 2 for low, high in ends]
    try:
        found = minimize(loss, start, method="Nelder-Mead", bounds=ends, options={"maxfev": 400, "xatol": 1e-4})
    except (ValueError, OverflowError):
        return None
    return [float(np.exp(x) - 1) for x in found.x]
