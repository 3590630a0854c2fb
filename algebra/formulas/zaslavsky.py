"""Regions of a generic hyperplane arrangement, as functions that formulas may contain.

``n`` hyperplanes in general position cut ``R^d`` into ``Z(n, d) = sum_{j=0}^{min(n, d)} C(n, j)`` regions (Zaslavsky
1975); no ``n`` hyperplanes make more. It is the number of activation patterns that one layer of ``n`` ReLUs can
reach.

>>> from sympy import symbols
>>> n, d = symbols("n d", integer=True, positive=True)
>>> Zaslavsky(n, n + d), Zaslavsky(n, 1), Zaslavsky(n, n - 1)
(2**n, n + 1, 2**n - 1)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf
from typing import Any

from sympy import (
    Add,
    Eq,
    Expr,
    Float,
    Function,
    Integer,
    Min,
    Or,
    Piecewise,
    Rational,
    S,
    Sum,
    binomial,
    hyper,
    log,
    oo,
)
from sympy.core.symbol import Dummy

from ..errors import BudgetError, DomainError
from ..sizes.intervals import Interval, power
from ..sizes.printed_division import PRINTERS
from .function import FormulaFunction, Rule
from .log2_enclosure import Enclosure, power_of_two
from .zaslavsky_numbers import log2_zaslavsky, logzaslavsky, zaslavsky, zaslavsky_number

# Below these sizes a literal Z(n, d) becomes an integer by itself; above, it stays a formula until asked with `doit`.
_EAGER_HYPERPLANES = 1024
_EAGER_DIMENSION = 64


class BinaryEntropy(Function):
    """The entropy of a coin, ``H_2(x) = -x log2 x - (1-x) log2 (1-x)``, in bits, for ``0 <= x <= 1``.

    Examples
    --------
    >>> from sympy import Rational, log
    >>> BinaryEntropy(Rational(1, 2)), BinaryEntropy(0), round(BinaryEntropy(Rational(1, 4)).evalf(), 6)
    (1, 0, 0.811278)
    """

    nargs = 1

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        if x == S.Half:
            return S.One
        if x.is_zero or (x - 1).is_zero:
            return S.Zero
        return None

    def fdiff(self, argindex: int = 1) -> Expr:
        x = self.args[0]
        return log((1 - x) / x) / log(2)

    def _eval_is_nonnegative(self) -> bool | None:
        x = self.args[0]
        return True if x.is_nonnegative and (1 - x).is_nonnegative else None

    def _eval_rewrite_as_log(self, x: Expr, **hints: Any) -> Expr:
        return -(x * log(x) + (1 - x) * log(1 - x)) / log(2)

    def _eval_evalf(self, prec: int) -> Expr | None:
        x = self.args[0]
        return self._eval_rewrite_as_log(x)._eval_evalf(prec) if x.is_number else None

    def _enclosed(self, enclose: Callable[[Expr, int], Enclosure], places: int) -> Enclosure:
        return enclose(self.rewrite(log), places)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = r"H_{2}" if exp is None else rf"H_{{2}}^{{{exp}}}"
        return rf"{name}\left({printer._print(self.args[0])}\right)"


def _print_entropy(self: BinaryEntropy, printer: Any, **settings: Any) -> str:
    (x,) = self.args
    ends = Or(Eq(x, 0), Eq(x, 1))
    return printer._print(Piecewise((0, ends), (self.rewrite(log), True)), **settings)


for _printer in PRINTERS:
    setattr(BinaryEntropy, _printer, _print_entropy)


def _check_sizes(n: Expr, d: Expr) -> None:
    for name, size in (("n", n), ("d", d)):
        if size.is_integer is False and size != oo:
            raise DomainError(f"Z(n, d) needs integers, got {name}={size} in n={n}, d={d}")
    if n.is_negative:
        raise DomainError(f"Z(n, d) needs n >= 0 hyperplanes, got n={n}, d={d}")


def _bounds(n: Interval, d: Interval) -> Interval:
    (low, high), (least, most) = n, d
    if most < 0:
        return 0, 0
    # Z(n, d) is at most 2**n, and at most (n + 1)**d.
    top = min(power(2, max(high, 0)), power(max(high, 0) + 1, most) if high != inf else inf)
    return (1 if low >= 0 and least >= 0 else 0), max(top, 1)


def _bounds_of_logarithm(n: Interval, d: Interval) -> Interval:
    (low, high), (least, most) = n, d
    top = inf if high == inf else logzaslavsky(high, high if most == inf else most)
    bottom = logzaslavsky(low, least) if low >= 0 and least >= 0 else -inf
    return bottom - 1e-9 * abs(bottom) if bottom > -inf else bottom, top + 1e-9 * abs(top)


_IN_C = """\
static int64_t zaslavsky(int64_t n, int64_t d, int *e) {
    int64_t r = 0;
    if (d > n) d = n;
    for (int64_t j = 0; j <= d && !*e; j++) r = add(r, comb(n, j, e), e);
    return r;
}
"""
_LOGARITHM_IN_C = """\
static double logzaslavsky(int64_t n, int64_t d) {
    if (d < 0 || n < 0) return -INFINITY;
    if (d >= n) return n * log(2);
    if (2 * d >= n) { double whole = n * log(2); return whole + log1p(-exp(logzaslavsky(n, n - d - 1) - whole)); }
    double series = 1, term = 1;
    for (int64_t k = 0; k < d && term >= 1e-18 * series; k++) {
        term *= (double)(d - k) / (double)(n - d + 1 + k);
        series += term;
    }
    return lgamma(n + 1.0) - lgamma(d + 1.0) - lgamma(n - d + 1.0) + log(series);
}
"""
_IN_JAVASCRIPT = """\
function zaslavsky(n, d) {
  if (d >= n) return n >= 0n ? 2n ** n : 0n;
  if (2n * d > n) return 2n ** n - zaslavsky(n, n - d - 1n);
  let term = d >= 0n ? 1n : 0n, total = term;
  for (let j = 1n; j <= d; j++) {
    term = term * (n - j + 1n) / j;
    total += term;
  }
  return total;
}"""
_LOGARITHM_IN_JAVASCRIPT = """\
function logzaslavsky(n, d) {
  if (d < 0n || n < 0n) return -Infinity;
  const whole = Number(n) * Math.LN2;
  if (d >= n) return whole;
  if (2n * d >= n) return whole + Math.log1p(-Math.exp(logzaslavsky(n, n - d - 1n) - whole));
  if (n <= 512n) {
    let term = 1n, total = 1n;
    for (let j = 1n; j <= d; j++) {
      term = term * (n - j + 1n) / j;
      total += term;
    }
    return Math.log(Number(total));
  }
  let series = 1, term = 1;
  for (let k = 0n; k < d && term >= 1e-18 * series; k++) {
    term *= Number(d - k) / Number(n - d + 1n + k);
    series += term;
  }
  return loggamma(Number(n) + 1) - loggamma(Number(d) + 1) - loggamma(Number(n - d) + 1) + Math.log(series);
}"""
_LOGARITHM = Rule(
    logzaslavsky,
    _bounds_of_logarithm,
    directions=(1, 1),
    c_source=_LOGARITHM_IN_C,
    javascript_source=_LOGARITHM_IN_JAVASCRIPT,
    whole=False,
)
_RULE = Rule(
    zaslavsky,
    _bounds,
    directions=(1, 1),
    least=((0, "the number of hyperplanes is not negative"), None),
    logarithm=_LOGARITHM,
    c_source=_IN_C,
    javascript_source=_IN_JAVASCRIPT,
    on_integers="a Zaslavsky number can be compiled where both its arguments are integers",
)


class Zaslavsky(FormulaFunction):
    r"""The most regions into which ``n`` hyperplanes cut ``R^d``: ``Z(n, d) = sum_{j=0}^{min(n, d)} C(n, j)``.

    Literal sizes evaluate to an integer as long as it is short (``n <= 1024`` or ``d <= 64``); `doit` evaluates
    longer ones within a budget, and `evalf` any, through `log2_zaslavsky`. Rewrites to ``Sum``, to ``hyper``
    (``C(n,d) 2F1(1, -d; n-d+1; -1)``, for ``d <= n``), and to ``BinaryEntropy``: that last one is the upper bound
    ``2**(n H_2(min(1/2, d/n)))``, not an identity.

    The derivative is that of the entropy relaxation, taken on the logarithm: ``dZ = Z ln(2) d(n H_2(min(1/2, d/n)))``.
    The true function lives on integers and has none.

    Parameters
    ----------
    n, d : sympy.Expr
        Hyperplanes and dimension, nonnegative integers or symbols that stand for them; ``d`` may be ``oo``.

    Raises
    ------
    DomainError
        For a literal size that is not an integer, or ``n < 0``.

    References
    ----------
    T. Zaslavsky, Facing up to arrangements, Memoirs of the AMS 154, 1975.

    Examples
    --------
    >>> from sympy import symbols, latex, log
    >>> n, d = symbols("n d", integer=True, positive=True)
    >>> Zaslavsky(7, 3), Zaslavsky(n, 0), Zaslavsky(0, d), Zaslavsky(n, oo)
    (64, 1, 1, 2**n)
    >>> latex(Zaslavsky(n, d))
    '\\binom{n}{\\leq d}'
    >>> Zaslavsky(n, 2).expand(func=True)
    n**2/2 + n/2 + 1
    >>> log(Zaslavsky(802816, 150528), 2).evalf(12)
    558920.944530
    """

    nargs = 2
    is_integer = True
    rule = _RULE

    @classmethod
    def eval(cls, n: Expr, d: Expr) -> Expr | None:
        _check_sizes(n, d)
        if d.is_negative:
            return S.Zero
        if n.is_zero or d.is_zero:
            return S.One if d.is_nonnegative else None
        if d == oo:
            return 2**n
        if d == 1:
            return n + 1
        if n.is_Integer and d.is_Integer:
            if n <= _EAGER_HYPERPLANES or d <= _EAGER_DIMENSION:
                return Integer(zaslavsky_number(int(n), int(d)))
            return 2**n if d >= n and n <= 8 * _EAGER_HYPERPLANES else None
        spare = d - n
        if spare.is_nonnegative:
            return 2**n
        if spare == -1:
            return 2**n - 1
        return None

    def doit(self, **hints: Any) -> Expr:
        """The integer, for literal sizes within the budget of `zaslavsky_number`; otherwise unchanged."""
        n, d = (size.doit(**hints) for size in self.args) if hints.get("deep", True) else self.args
        if n.is_Integer and d.is_Integer:
            try:
                return Integer(zaslavsky_number(int(n), int(d)))
            except BudgetError:
                pass
        return self.func(n, d)

    def entropy_bound(self) -> Expr:
        """An upper bound of ``log2 Z``, ``n H_2(min(1/2, d/n))``; an exact inequality for ``n >= 1``, ``d >= 0``."""
        n, d = self.args
        return n * BinaryEntropy(Min(S.Half, d / n))

    def fdiff(self, argindex: int = 1) -> Expr:
        return self * self.logarithmic_derivative(argindex)

    def logarithmic_derivative(self, argindex: int) -> Expr:
        """The derivative of ``ln(2) n H_2(min(1/2, d/n))`` by ``n`` (1) or by ``d`` (2)."""
        n, d = self.args
        if argindex == 1:
            return Piecewise((log(n / (n - d)), 2 * d < n), (log(2), True))
        return Piecewise((log((n - d) / d), 2 * d < n), (0, True))

    def _eval_is_positive(self) -> bool | None:
        return True if all(size.is_nonnegative for size in self.args) else None

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative or None

    def _eval_expand_func(self, **hints: Any) -> Expr:
        n, d = self.args
        if d.is_Integer and d <= _EAGER_DIMENSION:
            return Add(*(binomial(n, j).expand(func=True) for j in range(int(d) + 1))).expand()
        return self

    def _eval_rewrite_as_Sum(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        j = Dummy("j", integer=True, nonnegative=True)
        return Sum(binomial(n, j), (j, 0, Min(n, d)))

    def _eval_rewrite_as_hyper(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        inside = binomial(n, d) * hyper((1, -d), (n - d + 1,), -1)
        below = (n - d).is_nonnegative
        return inside if below else 2**n if below is False else Piecewise((inside, d <= n), (2**n, True))

    def _eval_rewrite_as_BinaryEntropy(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return 2 ** self.entropy_bound()

    def _eval_evalf(self, prec: int) -> Expr | None:
        n, d = self.args
        if not (n.is_Integer and d.is_Integer):
            return None
        from mpmath.libmp import from_man_exp

        if d.is_negative:
            return Float(0, precision=prec)
        enclosure = log2_zaslavsky(int(n), int(d), prec + 16)
        if enclosure.radius > Fraction(1, 1 << prec + 8):
            return None  # not that many digits are known
        exponent = enclosure.midpoint
        places = prec + 24
        whole = exponent.numerator // exponent.denominator
        low, high = power_of_two(int((exponent - whole) * (1 << places)), places)
        return Float._new(from_man_exp((low + high) // 2, whole - places, prec, "n"), prec)

    def _bits(self, places: int) -> Enclosure | None:
        n, d = self.args
        known = n.is_Integer and d.is_Integer and n >= 0 and d >= 0
        return log2_zaslavsky(int(n), int(d), places) if known else None

    def _enclosed(self, enclose: Callable[[Expr, int], Enclosure], places: int) -> Enclosure | None:
        exact = S.NaN if self.free_symbols else self.doit()
        return Enclosure.exactly(int(exact)) if exact.is_Integer else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        n, d = (printer._print(size) for size in self.args)
        written = rf"\binom{{{n}}}{{\leq {d}}}"
        return written if exp is None else rf"{written}^{{{exp}}}"


class Log2Zaslavsky(FormulaFunction):
    """The binary logarithm of `Zaslavsky`, for formulas in bits: stays short where the integer has thousands of digits.

    Evaluates where the logarithm is a size itself (``d >= n``, ``d = 0``); rewrites to ``Zaslavsky`` (its logarithm)
    and to ``BinaryEntropy`` (an upper bound, no identity), whose derivative it has.

    Parameters
    ----------
    n, d : sympy.Expr
        As for `Zaslavsky`.

    Examples
    --------
    >>> from sympy import symbols
    >>> n, d = symbols("n d", integer=True, positive=True)
    >>> Log2Zaslavsky(n, n), Log2Zaslavsky(128, 784) + Log2Zaslavsky(64, 784)
    (n, 192)
    >>> round((Log2Zaslavsky(128, d) + Log2Zaslavsky(64, d)).subs(d, 2).evalf(), 4)
    24.0345
    >>> Log2Zaslavsky(5, 3).rewrite(Zaslavsky)
    log(26)/log(2)
    """

    nargs = 2
    is_real = True
    log2_of = Zaslavsky

    @classmethod
    def eval(cls, n: Expr, d: Expr) -> Expr | None:
        _check_sizes(n, d)
        if d.is_negative:
            raise DomainError(f"log2 Z(n, d) needs d >= 0, got Log2Zaslavsky({n}, {d})")
        if n.is_zero or d.is_zero:
            return S.Zero
        return n if d == oo or (d - n).is_nonnegative else None

    def entropy_bound(self) -> Expr:
        """``n H_2(min(1/2, d/n))``, never below."""
        n, d = self.args
        return n * BinaryEntropy(Min(S.Half, d / n))

    def fdiff(self, argindex: int = 1) -> Expr:
        return Zaslavsky(*self.args, evaluate=False).logarithmic_derivative(argindex) / log(2)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if all(size.is_nonnegative for size in self.args) else None

    def _eval_expand_func(self, **hints: Any) -> Expr:
        opened = Zaslavsky(*self.args).expand(func=True)
        return self if opened.has(Zaslavsky) else log(opened) / log(2)

    def _eval_rewrite_as_Zaslavsky(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return log(Zaslavsky(n, d)) / log(2)

    def _eval_rewrite_as_BinaryEntropy(self, n: Expr, d: Expr, **hints: Any) -> Expr:
        return self.entropy_bound()

    def _eval_evalf(self, prec: int) -> Expr | None:
        n, d = self.args
        if not (n.is_Integer and d.is_Integer):
            return None
        enclosure = log2_zaslavsky(int(n), int(d), prec + 4)
        middle = enclosure.midpoint
        if enclosure.radius > middle / (1 << prec + 2):
            return None  # not that many digits are known
        return Float(Rational(middle.numerator, middle.denominator), precision=prec)

    def _enclosed(self, enclose: Callable[[Expr, int], Enclosure], places: int) -> Enclosure | None:
        n, d = self.args
        return log2_zaslavsky(int(n), int(d), places) if n.is_Integer and d.is_Integer else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        n, d = (printer._print(size) for size in self.args)
        power = "" if exp is None else rf"^{{{exp}}}"
        return rf"\log_{{2}}{power} \binom{{{n}}}{{\leq {d}}}"
