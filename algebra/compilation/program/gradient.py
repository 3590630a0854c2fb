"""Derivatives with respect to many symbols at once, in one backward pass over the flat list of nodes.

Forward differentiation visits the whole formula once for every symbol; the backward pass visits it once in all, and
what the derivatives have in common is one node. A formula of n terms in n symbols takes time n instead of n squared.

>>> from sympy import symbols
>>> a, b, c = symbols("a b c", integer=True, positive=True)
>>> gradient(a*b**2 + b*c, [a, b, c])
(b**2, 2*a*b + c, b)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Basic, Derivative, Dummy, Expr, Symbol

from ...arguments import checked, shown
from ...errors import FieldError, UnsupportedError
from ...formulas.records import for_each
from .derivatives import Differentiated
from .expressions import FUNCTION_CLASSES, Dag
from .operations import NODES


@checked
def gradient(e: Any, symbols: Iterable[Symbol], floors: str = "raise") -> Any:
    """The derivatives of a formula with respect to each symbol, all in one pass.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
        The formula.
    symbols : iterable of sympy.Symbol
        What to differentiate by; one that the formula does not contain has derivative 0.
    floors : {"raise", "smooth", "constant"}
        What to do with ``floor(u)`` and ``ceiling(u)`` where ``u`` depends on one of the symbols. They have no useful
        derivative: it is 0 between the jumps (``"constant"``). ``"smooth"`` differentiates ``u`` instead, a surrogate
        that is right on average over a period; ``"raise"``, the default, refuses.

    Returns
    -------
    tuple of sympy.Expr, or a dict of them for a mapping
        One derivative for each symbol, in their order. Max and Min give Heaviside steps, as in SymPy.

    Raises
    ------
    UnsupportedError
        If a floor, a remainder or the limit of a sum depends on one of the symbols, and nothing says what is wanted.
    FieldError
        If `floors` is another word, or something to differentiate by is no symbol.

    Examples
    --------
    >>> from sympy import symbols, floor
    >>> c, H = symbols("c H", integer=True, positive=True)
    >>> gradient(c**2 * floor(H/2), [c])
    (2*c*floor(H/2),)
    >>> gradient(c**2 * floor(H/2), [c, H], floors="smooth")
    (2*c*floor(H/2), c**2/2)
    """
    if floors not in ("raise", "smooth", "constant"):
        raise FieldError(f"floors must be 'raise', 'smooth' or 'constant', got {shown(floors)}")
    wanted = list(symbols)
    for symbol in wanted:
        if not isinstance(symbol, Symbol):
            raise FieldError(f"gradient takes symbols to differentiate by, got {shown(symbol)}")
    return for_each(e, "gradient", lambda formula: _derivatives(formula.body, wanted, floors))


def _derivatives(e: Expr, symbols: Sequence[Symbol], floors: str) -> tuple[Expr, ...]:
    dag = Dag()
    return tuple(dag.write(differentiate(dag, dag.read(e), symbols, floors)))


def differentiate(dag: Dag, top: int, symbols: Sequence[Symbol], floors: str = "raise") -> list[int]:
    """The nodes of the derivatives of one node, added to the list it is in."""
    order = dag.below([top])
    wanted = {dag.symbol(symbol) for symbol in symbols}
    depends = _dependence(dag, order, wanted)
    # What each node still has to be multiplied by, summed over all the ways in which the top depends on it.
    shares: dict[int, list[int]] = {top: [dag.const(1)]}
    result: dict[int, int] = {}
    for number in reversed(order):
        if number not in depends:
            continue
        arrived = shares.pop(number, None)
        if not arrived:
            continue
        total = dag.add(arrived)
        if number in wanted:
            result[number] = total
            continue
        for operand, local in _local_derivatives(dag, number, depends, symbols, floors):
            share = dag.mul([local, total])
            if not dag.is_const(share, 0):
                shares.setdefault(operand, []).append(share)
    zero = dag.const(0)
    return [result.get(dag.symbol(symbol), zero) for symbol in symbols]


def _dependence(dag: Dag, order: Sequence[int], wanted: set[int]) -> set[int]:
    depends = set()
    for number in order:
        op, args, value = dag.nodes[number]
        if number in wanted or any(arg in depends for arg in args):
            depends.add(number)
    return depends


def _local_derivatives(
    dag: Dag, number: int, depends: set[int], symbols: Sequence[Symbol], floors: str
) -> list[tuple[int, int]]:
    """(operand, derivative of this node by that operand) for every operand that matters."""
    known = NODES[dag.nodes[number].op]
    if known.truth:
        return []
    if known.derivative is None:
        return _by_sympy(dag, number, depends)

    def inside(body: int) -> Iterable[tuple[Symbol, int]]:
        return zip(symbols, differentiate(dag, body, symbols, floors), strict=True)

    def text() -> str:
        return str(dag.write([number])[0])[:200]

    return known.derivative(Differentiated(dag, number, depends, floors, inside, text))


def _by_sympy(dag: Dag, number: int, depends: set[int]) -> list[tuple[int, int]]:
    """Functions carry their derivatives as SymPy's do; the arguments stay nodes."""
    op, args, value = dag.nodes[number]
    dummies = [Dummy(positive=True, integer=True if op == "call" else None) for _ in args]
    if op == "function":
        pattern: Basic = FUNCTION_CLASSES[value](*dummies)
    else:
        pattern = (value if op == "call" else NODES[op].reads)(*dummies)
    found = []
    for arg, dummy in zip(args, dummies, strict=True):
        if arg not in depends:
            continue
        derivative = pattern.diff(dummy)
        if derivative.has(Derivative):
            raise UnsupportedError(f"{type(pattern).__name__} has no derivative that is known")
        inner = Dag()
        top = inner.read(derivative)
        copied: dict[int, int] = {}
        places = {inner.symbol(other): real for other, real in zip(dummies, args, strict=True)}
        for node in inner.below([top]):
            if node in places:
                copied[node] = places[node]
            else:
                kind, operands, payload = inner.nodes[node]
                copied[node] = dag.node(kind, tuple(copied[operand] for operand in operands), payload)
        found.append((arg, copied[top]))
    return found
