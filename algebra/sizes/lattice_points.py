"""The number of lattice points below a line, which counts the products of a padded convolution that touch real input.

>>> from sympy import symbols
>>> T = symbols("T", integer=True, positive=True)
>>> lattice_count(T - 1, 1, T, 1, T)
T**2/2 + T/2
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count

from sympy import Add, Expr, Integer, Max, Min, Symbol, floor

from ..errors import FieldError
from .from_sympy import unevaluated_sum
from .normal_form import is_integer, is_nonnegative, is_positive, simplify

#: An extent that is a number up to this is written out, where there is no closed form.
EXPAND_BUDGET = 64


def lattice_count(
    bound: Expr | int, first: Expr | int, first_extent: Expr | int, second: Expr | int, second_extent: Expr | int
) -> Expr:
    """How many integer pairs ``(i, u)``, ``0 <= i < n``, ``0 <= u < k``, have ``s i + d u <= m``.

    With a stride `s`, `n` outputs, a dilation `d` and `k` taps, the difference of two such counts is the number of
    products of a padded convolution that touch real input.

    Parameters
    ----------
    bound : sympy.Expr or int
        ``m``, any integer.
    first, second : sympy.Expr or int
        ``s`` and ``d``, positive.
    first_extent, second_extent : sympy.Expr or int
        ``n`` and ``k``, at least zero.

    Returns
    -------
    sympy.Expr
        A closed form if one of ``s`` and ``d`` divides the other or if an extent is a number up to 64; else an
        unevaluated sum.

    Raises
    ------
    FieldError
        If a step is known not to be positive, or an extent known to be negative.

    Notes
    -----
    For ``s = 1``, telescoping ``min(n, max(0, y)) = max(0, y) - max(0, y - n)`` gives

        H(m) - H(m-n) - H(m-dk) + H(m-n-dk),   H(x) = sum_{u>=0} max(0, x + 1 - d u) = q (x+1) - d q (q-1) / 2,

    ``q = max(0, floor(x/d) + 1)``; for ``d = 1`` these are triangular numbers.

    Examples
    --------
    The products of a same-padded convolution of width 3 over H places:

    >>> from sympy import symbols
    >>> H = symbols("H", integer=True, positive=True)
    >>> lattice_count(H, 1, H, 1, 3) - lattice_count(0, 1, H, 1, 3)
    3*H - 2
    """
    m, s, n, d, k = (
        simplify(Integer(v) if isinstance(v, int) else v) for v in (bound, first, first_extent, second, second_extent)
    )
    for what, step in (("first", s), ("second", d)):
        if is_positive(step) is False:
            raise FieldError(f"the {what} step must be positive, got {step}")
    for what, extent in (("first", n), ("second", k)):
        if is_nonnegative(extent) is False:
            raise FieldError(f"the {what} extent must be at least zero, got {extent}")
    if n == 0 or k == 0 or is_nonnegative(m) is False:
        return Integer(0)
    if is_nonnegative(m - s * (n - 1) - d * (k - 1)):
        return simplify(n * k)
    for step, other in ((s, d), (d, s)):
        if step != 1 and is_integer(other / step):  # s (i + r u) <= m is i + r u <= floor(m / s)
            m, s, d = simplify(floor(m / step)), simplify(s / step), simplify(d / step)
            break
    if s != 1 and d == 1:
        s, n, d, k = d, k, s, n
    if s == 1:
        cones = ((1, m), (-1, m - n), (-1, m - d * k), (1, m - n - d * k))
        return simplify(Add(*(sign * _cone(simplify(x), d) for sign, x in cones)))
    if not k.is_Integer or (n.is_Integer and n < k):
        s, n, d, k = d, k, s, n
    if k.is_Integer and k <= EXPAND_BUDGET:
        return simplify(Add(*(_row(m - d * u, s, n) for u in range(int(k)))))
    place = _fresh((m, s, n, d, k))
    return simplify(unevaluated_sum(_row(m - d * place, s, n), (place, Integer(0), k - 1)))


def _row(room: Expr, step: Expr, extent: Expr) -> Expr:
    """How many ``0 <= i < n`` have ``s i <= room``."""
    reached = simplify(floor(room / step) + 1)
    return simplify(Max(0, Min(extent, reached, evaluate=False), evaluate=False))


def _cone(room: Expr, step: Expr) -> Expr:
    """``H(x)``: how many pairs of numbers that are not negative have ``i + d u <= x``."""
    if is_nonnegative(room) is False:
        return Integer(0)
    # Both forms vanish at the last places below zero too, down to -d - 1, so that no maximum is needed above them.
    rows = simplify(floor(room / step) + 1)
    if is_nonnegative(room + step + 1) is not True:
        rows = simplify(Max(rows, 0, evaluate=False))
    if step == 1:
        return rows * (rows + 1) / 2
    return rows * (room + 1) - step * rows * (rows - 1) / 2


def _fresh(used: Iterable[Expr]) -> Symbol:
    """An index whose name occurs nowhere in the expressions."""
    taken = {symbol.name for expr in used for symbol in expr.atoms(Symbol)}
    names = chain(["u"], (f"u{number}" for number in count(1)))
    return Symbol(next(name for name in names if name not in taken), integer=True)
