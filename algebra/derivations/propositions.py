r"""Propositions about derived formulas, with proofs that were checked: where one network costs less than another.

>>> import layeralgebra as la
>>> H, c, k = la.dims("H c k")
>>> full = la.derive("macs", la.Conv(c, k, padding=1), on=(c, H))
>>> deep = la.derive("macs", la.Conv(c, k, padding=1, groups=c), on=(c, H))
>>> print(proposition_latex(deep, full, names=("depthwise convolution", "full convolution")))
\begin{proposition}[Crossover]
Let $H$, $c$, $k$ be positive integers with $H + 2 \ge k$. Then depthwise convolution has fewer MACs than full convolution if and only if $H c + 3 c + k > H + c k + 3$.
\end{proposition}
\begin{proof}
The difference of the two is $c k {(c - 1)} {(H - k + 3)}$, and $c k > 0$.
\end{proof}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Integer, Mul, Symbol

from ..arguments import as_elements, checked, shown
from ..errors import FieldError, UnsupportedError
from ..formulas.forms import GIVEN, Form
from ..formulas.latex import escaped, formula_latex
from ..sizes.normal_form import is_positive, simplify
from ..typesetting.displays import in_text, math_paragraph
from ..typesetting.style import Style, typeset
from .derivation import Derivation
from .latex import domain_parts

__all__ = ["proposition_latex"]


@checked
def proposition_latex(
    first: Derivation,
    second: Derivation,
    names: Sequence[str] | None = None,
    title: str = "Crossover",
    style: Any = None,
) -> str:
    """When one network has less of something than another, as a proposition with its proof.

    The difference of the two formulas is written as a positive factor times what decides; that this is the difference is checked before
    it is written.

    Parameters
    ----------
    first, second : Derivation
        Of the same metric, exact, one expression each.
    names : pair of str, optional
        What they are called; by default their networks' classes.
    title : str
    style : Style, optional
        Its `limit` is the symbol by which the condition is collected.

    Returns
    -------
    str
        The environments ``proposition`` and ``proof``, which `latex_document` declares for a style.

    Raises
    ------
    FieldError
        If the two are not of the same metric, are no single expressions, or there are not two names.
    UnsupportedError
        If one of the formulas is only a bound, or the two are equal.

    Examples
    --------
    >>> from layeralgebra import Linear, derive, dims, proposition_latex
    >>> n, m, d = dims("n m d")
    >>> narrow, wide = derive("parameters", Linear(n), on=(d,)), derive("parameters", Linear(m), on=(d,))
    >>> print(proposition_latex(narrow, wide, names=("the first", "the second")).splitlines()[1])
    Let $d$, $m$, $n$ be positive integers. Then the first has fewer parameters than the second if and only if $m > n$.
    """
    if not isinstance(first, Derivation) or not isinstance(second, Derivation):
        raise FieldError(f"a proposition compares two derivations, got {shown(first)} and {shown(second)}")
    if first.metric.name != second.metric.name or not all(isinstance(part.formula, Expr) for part in (first, second)):
        raise FieldError(
            f"a proposition compares two formulas of one metric, got {first.metric.name} and {second.metric.name}; "
            "write derive('macs', ...) for both"
        )
    called = ["the first", "the second"] if names is None else list(as_elements(names, "names"))
    if len(called) != 2 or not all(isinstance(name, str) for name in called):
        raise FieldError(f"names are two texts, got {shown(names)}")
    if {first.kind, second.kind} != {"exact"}:
        raise UnsupportedError(
            f"{first.metric.name} is {first.kind} and {second.kind} here, and bounds decide nothing; compare exact counts"
        )
    with typeset(style) as chosen:
        around = chosen or Style()
        return _stated(first, second, called, title, around)


def _stated(first: Derivation, second: Derivation, names: Sequence[str], title: str, style: Style) -> str:
    difference = simplify(second.formula - first.formula)
    if difference == 0:
        raise UnsupportedError(f"{names[0]} and {names[1]} have the same {first.metric.title}, so that none has fewer")
    factor, rest = divided(difference)
    symbols = sorted({*first.symbols, *second.symbols}, key=lambda symbol: symbol.name)
    left, right = balanced_by(rest, style.limit)
    assert simplify(factor * (left - right) - difference) == 0, "the statement is the difference"
    conditions = [f"{formula_latex(left, GIVEN)} > {formula_latex(right, GIVEN)}"]
    domain = domain_parts(first.domain + second.domain, style)
    declared = math_paragraph([formula_latex(symbol) for symbol in symbols], style)
    given = f" with {math_paragraph(domain, style)}" if domain else ""
    title_, unit = escaped(title), escaped(first.metric.title)
    whole = f"{formula_latex(difference, Form('factored'))}"
    proof = (
        f"The difference of the two is {in_text(whole, style)}, and {in_text(f'{formula_latex(factor)} > 0', style)}."
    )
    if factor == 1:
        proof = f"The difference of the two is {in_text(whole, style)}."
    return "\n".join([
        rf"\begin{{proposition}}[{title_}]",
        f"Let {declared} be positive integers{given}. Then {escaped(names[0])} has fewer {unit} than {escaped(names[1])} "
        f"if and only if {in_text(conditions[0], style)}.",
        r"\end{proposition}", r"\begin{proof}", proof, r"\end{proof}",
    ])  # fmt: skip


def divided(difference: Expr) -> tuple[Expr, Expr]:
    """A positive factor of a sum, and the rest: the powers that all terms share, and factors that are positive.

    >>> from layeralgebra import dims
    >>> T, d = dims("T d")
    >>> divided(T**2*d - 3*T*d**2)
    (T*d, T - 3*d)
    """
    factored = Form("factored").of(difference)
    positive: list[Expr] = []
    rest: list[Expr] = []
    for part in Mul.make_args(factored):
        base = part.as_base_exp()[0]
        if part.is_Rational:
            positive.append(abs(part))
            rest.append(Integer(1) if part > 0 else Integer(-1))
        elif part.is_positive or is_positive(part) or base.is_positive and part.is_Pow:
            positive.append(part)
        else:
            rest.append(part)
    return Mul(*positive), simplify(Mul(*rest))


def balanced_by(rest: Expr, by: Symbol | None) -> tuple[Expr, Expr]:
    """The two sides of ``rest > 0`` with no minus sign in front: what grows with a symbol on the left, collected.

    >>> from layeralgebra import dims
    >>> T, d, k = dims("T d k")
    >>> balanced_by(T*d - T*k + d**2 - 2*d*k, T)
    (T*(d - k) + d**2, 2*d*k)
    """
    terms = Add.make_args(rest)
    moving = [term for term in terms if by is not None and term.has(by)]
    if moving and any(not _negative(term) for term in moving):
        other = [term for term in terms if term not in moving]
    else:
        moving, other = [], list(terms)
    kept = [*moving, *(term for term in other if not _negative(term))]
    gone = [-term for term in other if _negative(term)]
    form = Form("collected", (by,)) if by is not None and moving else Form()
    return form.of(Add(*kept)), Form("factored").of(Add(*gone))


def _negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)
