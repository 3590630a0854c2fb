"""The forms in which formulas are written: values kept, the default never longer, the same in every process."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Add, Eq, Integer, Max, Min, Mul, Piecewise, Pow, Rational, Sum, ceiling, floor, log, sqrt, srepr

import layeralgebra as la
from layeralgebra.algebra.formulas.forms import SHORTEST
from layeralgebra.algebra.formulas.lengths import plain_text, text_length
from layeralgebra.algebra.formulas.records import expressions
from oracles.formula_value import Undefined, value

H, W, T, L, c, k, m, n, s = la.dims("H W T L c k m n s")
FORMS = ("shortest", "expanded", "factored", "collected")

# ---------------------------------------------------------------- as a paper prints them


@pytest.mark.parametrize(
    ("formula", "text", "latex"),
    [
        (ceiling(5 * T * k / (4 * n)), "ceil(5*T*k/(4*n))", r"\lceil 5 T k/(4 n) \rceil"),
        (n * ceiling(5 * T * k / (4 * n)), "n*ceil(5*T*k/(4*n))", r"n \lceil 5 T k/(4 n) \rceil"),
        (2 * n * ceiling(log(n, 2)), "2*n*ceil(log2(n))", r"2 n \lceil \log_{2} n \rceil"),
        (floor(log(n, 2)), "floor(log2(n))", r"\lfloor \log_{2} n \rfloor"),
        (floor(H / 32 + Rational(31, 32)), "ceil(H/32)", r"\lceil H/32 \rceil"),
        (
            (floor(H / 32 - Rational(1, 32)) + 1) * (floor(W / 32 - Rational(1, 32)) + 1),
            "ceil(H/32)*ceil(W/32)", r"\lceil H/32 \rceil \lceil W/32 \rceil",
        ),
        (c * (H - k + 1) * (W - k + 1), "c*(H - k + 1)*(W - k + 1)", "c {(H - k + 1)} {(W - k + 1)}"),
        (Max(0, k - H - 1) + H - k + 1, "max(0, H - k + 1)", r"\max(0, H - k + 1)"),
        (c * Max(0, k - H - 1) + c * H - c * k + c, "c*max(0, H - k + 1)", r"c \max(0, H - k + 1)"),
        (H + W - Max(H, W), "min(H, W)", r"\min(H, W)"),
        (floor((H - k) / s) + 1, "floor((H - k)/s) + 1", r"\lfloor (H - k)/s \rfloor + 1"),
        (H**2 + 2 * H * k + k**2, "(H + k)**2", "{(H + k)}^{2}"),
        (k - H, "k - H", "k - H"),
        (sqrt(c) * (sqrt(c) + 1), "sqrt(c) + c", r"\sqrt{c} + c"),
    ],
)  # fmt: skip
def test_formulas(formula, text, latex):
    formula = la.simplify(formula)
    assert la.formula_text(formula) == text
    assert la.latex(formula) == latex


def test_geometric_sums():
    """A tensor train: k cores from width n to width m."""
    cores = sum((m**i * n ** (3 - i) for i in range(4)), Integer(0))
    assert la.formula_text(cores) in ("(m + n)*(m**2 + n**2)", "(m**2 + n**2)*(m + n)")
    i = sympy.Symbol("i", integer=True, nonnegative=True)
    from layeralgebra.algebra.sizes.summation import summation

    closed = summation(m**i * n ** (k - 1 - i), i, 0, k - 1)
    assert la.formula_text(closed) == "(k*n**(k - 1) if m = n else (m**k - n**k)/(m - n))"
    assert r"\frac{m^{k} - n^{k}}{m - n}" in la.latex(closed) and "m = n" in la.latex(closed)
    for form in FORMS:
        text = la.formula_text(closed, form=form)
        for sizes in ({"m": 2, "n": 3, "k": 5}, {"m": 4, "n": 4, "k": 3}, {"m": 7, "n": 1, "k": 1}):
            written = sum(sizes["m"] ** j * sizes["n"] ** (sizes["k"] - 1 - j) for j in range(sizes["k"]))
            assert value_of_text(text, sizes) == written


def test_a_form_is_chosen():
    product = (H + 1) * (W + 1) * c
    assert la.formula_text(product, form="expanded") == "H*W*c + H*c + W*c + c"
    assert la.formula_text(la.simplify(product), form="factored") == "c*(H + 1)*(W + 1)"
    assert la.formula_text(la.simplify(product), form="given") == "H*W*c + H*c + W*c + c"
    square = H**2 * c + 3 * H * c + H * W + W
    assert la.formula_text(square, form="collected", by=H) == "H**2*c + H*(W + 3*c) + W"
    assert la.formula_text(square, form="collected", by=(W, c)) == "H*c*(H + 3) + W*(H + 1)"
    assert la.latex(square, form="collected", by=H) == "H^{2} c + H {(W + 3 c)} + W"
    assert la.latex((product, square), form="expanded") == (
        "(H W c + H c + W c + c, H^{2} c + H W + 3 H c + W)"
    )  # fmt: skip


def test_every_door_takes_a_form():
    net = la.Conv(c, k, bias=False) >> la.GlobalAvgPool()
    macs = la.derive(la.macs, net, on=(3, H, W))
    assert macs.text() == "3*c*k**2*(H - k + 1)*(W - k + 1)"
    assert str(macs).startswith("macs = 3*c*k**2*(H - k + 1)*(W - k + 1)  [exact;")
    assert macs.text(form="expanded").count("+") > 3
    table = la.compare({"net": net}, ["macs"], on=(3, H, W))
    for door in (macs.latex, (macs + macs).latex, table.latex):
        assert "{(H - k + 1)} {(W - k + 1)}" in door() and "3 H W c k^{2}" not in door()
        assert "3 H W c k^{2}" in door(form="expanded")
    for door in (table.text, table.csv):
        assert "(H - k + 1)*(W - k + 1)" in door() and "3*H*W*c*k**2" in door(form="expanded")
    assert la.latex(table, form="expanded") == table.latex(form="expanded")
    assert la.latex(macs, form="expanded") == macs.latex(form="expanded")
    assert macs.table(form="expanded") != macs.table()
    assert "3 H W c k^{2}" in la.report_latex(macs, form="expanded") and "3 H W c k^{2}" not in la.report_latex(macs)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"form": "short"}, "form must be one of shortest, expanded, factored, collected, given"),
        ({"form": "factored", "by": H}, "by is for form='collected'"),
        ({"form": "collected", "by": "H"}, "by must be a symbol of the formula or several, got 'H'"),
        ({"form": "collected", "by": ()}, "by must be a symbol"),
        ({"by": H}, "the form is 'shortest'"),
        ({"form": 3}, "takes a text as form, got 3"),
    ],
)
def test_what_is_no_form(arguments, part):
    for door in (la.latex, la.formula_text):
        with pytest.raises(la.FieldError) as found:
            door(H * W + H, **arguments)
        assert part in str(found.value), str(found.value)


# ---------------------------------------------------------------- values


def _log2(x: Any) -> Any:
    """A binary logarithm: exact for powers of two, to 60 digits of others."""
    x = Fraction(x)
    if x > 0 and (x.numerator & (x.numerator - 1)) == 0 and (x.denominator & (x.denominator - 1)) == 0:
        return Fraction(x.numerator.bit_length() - x.denominator.bit_length())
    with mpmath.workdps(60):
        return mpmath.log(mpmath.mpf(x.numerator) / x.denominator, 2)


def _rounded(x: Any, how: Any) -> Fraction:
    return (
        Fraction(how(x))
        if isinstance(x, Fraction)
        else Fraction(int((mpmath.floor if how is math.floor else mpmath.ceil)(x)))
    )


def _with_sums(text: str) -> str:
    """``sum(f, i = a..b, j = c..d)``, the first index innermost, as a call that Python reads."""
    start = text.find("sum(")
    if start < 0:
        return text
    depth, end, commas = 1, start + 4, []
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        commas += [end] if text[end] == "," and depth == 1 else []
        end += 1
    cuts = [place for place in commas if re.match(r", \w+ = .*\.\.", text[place : end - 1])]
    parts = [text[a:b].strip(", ") for a, b in zip([start + 4, *cuts], [*cuts, end - 1])]
    made = _with_sums(parts[0])
    for index, low, high in (re.fullmatch(r"(\w+) = (.*)\.\.(.*)", part).groups() for part in parts[1:]):
        made = f"TOTAL(lambda {index}: {made}, {_with_sums(low)}, {_with_sums(high)})"
    return text[:start] + made + _with_sums(text[end:])


def value_of_text(text: str, sizes: dict[str, Any]) -> Any:
    """What a text says, by Python's own arithmetic on fractions."""
    reading = {
        "floor": lambda x: _rounded(x, math.floor), "ceil": lambda x: _rounded(x, math.ceil),
        "max": max, "min": min, "log2": _log2, "sqrt": math.sqrt, "log": lambda x: _log2(x) * math.log(2), "abs": abs,
        "TOTAL": lambda body, low, high: sum((body(Fraction(i)) for i in range(int(low), int(high) + 1)), Fraction(0)),
    }  # fmt: skip
    with mpmath.workdps(60):
        names = {"__builtins__": {}, **reading, **{name: Fraction(size) for name, size in sizes.items()}}
        text = re.sub(r"(?<=\d) (?=\d)", "", text)  # groups of digits
        return eval(_with_sums(text).replace(" = ", " == "), names)  # noqa: S307


symbols = st.sampled_from([H, W, c, k, n])
leaves = symbols | st.integers(-4, 9).map(Integer)


def _grown(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Formulas of formulas, as SymPy has them; roundings and extrema are not evaluated, so that all are met."""
    divisor = symbols | st.integers(2, 12).map(Integer) | st.builds(Mul, symbols, st.integers(2, 5).map(Integer))
    return st.one_of(
        st.builds(Add, inner, inner),
        st.builds(Add, inner, inner, inner),
        st.builds(Mul, inner, inner),
        st.builds(lambda x, y: floor(x / y), inner, divisor),
        st.builds(lambda x, y: ceiling(x / y), inner, divisor),
        st.builds(lambda x, y: x / y, inner, divisor),
        st.builds(lambda x, y: x / (abs(y) + 1) if y.is_number else x / (y**2 + 1), inner, inner),
        st.builds(lambda x, y: Max(x, y, evaluate=False), inner, inner),
        st.builds(lambda x, y: Min(x, y, evaluate=False), inner, inner),
        st.builds(lambda x, y: x + Max(0, y - x, evaluate=False), inner, inner),
        st.builds(lambda x, y: x + y - Max(x, y, evaluate=False), inner, inner),
        st.builds(lambda x, e: x**e, inner, st.integers(2, 3)),
        st.builds(lambda b, e, d: b ** (e + d), st.sampled_from([Integer(2), c, n]), st.sampled_from([k, n]), st.integers(-2, 2)),
        st.builds(lambda x, y: x * ceiling(log(y, 2)), inner, symbols),
        st.builds(lambda x, y: floor(x * log(y + 1, 2) / 3), symbols, symbols),
        st.builds(lambda x, y, z: Sum(floor((x + L) / y) * L, (L, 0, z)), inner, symbols, symbols),
        st.builds(lambda x, y, z: Piecewise((x / z, Eq(y / z, 1)), (y, True)), inner, symbols, symbols),
    )  # fmt: skip


trees = st.recursive(leaves, _grown, max_leaves=7)


def exact(e: sympy.Expr, at: dict) -> Any:
    """The value of SymPy's tree, with logarithms of base two to 60 digits."""
    binary = {x for x in e.atoms(Mul) if log(2) in {f.base for f in x.args if f.is_Pow and f.exp == -1}}
    if not binary:
        return value(e, at)
    rest = {}
    for product in sorted(binary, key=sympy.default_sort_key):
        (inside,) = (f for f in product.args if isinstance(f, log))
        if not product.free_symbols <= set(at):
            raise Undefined("a logarithm of the index of a sum")
        stand_in = sympy.Dummy(real=True)
        others = [f for f in product.args if f != inside and f != 1 / log(2)]
        rest[product] = Mul(*others, stand_in)
        at = {**at, stand_in: _log2(value(inside.args[0], at))}
    with mpmath.workdps(60):
        return _exact(e.xreplace(rest), at)


def _exact(e: sympy.Expr, at: dict) -> Any:
    """As the oracle does, where numbers may have 60 digits."""
    if e.is_Rational:
        return Fraction(int(e.p), int(e.q))
    if e.is_Symbol:
        return at[e] if not isinstance(at[e], int) else Fraction(at[e])
    if isinstance(e, Sum):
        ((index, low, high),) = e.limits
        ends = int(_exact(low, at)), int(_exact(high, at))
        return sum((_exact(e.function, {**at, index: Fraction(i)}) for i in range(ends[0], ends[1] + 1)), Fraction(0))
    if isinstance(e, Piecewise):
        return next(_exact(x, at) for x, condition in e.args if condition == True or _exact(condition, at))  # noqa: E712
    parts = [_exact(part, at) for part in e.args]
    if isinstance(e, Add):
        return sum(parts)
    if isinstance(e, Mul):
        return math.prod(parts)
    if isinstance(e, Pow):
        if parts[0] == 0 and parts[1] < 0:
            raise Undefined("division by 0")
        return parts[0] ** int(parts[1]) if parts[1].denominator == 1 else float(parts[0]) ** float(parts[1])
    if isinstance(e, (floor, ceiling)):
        return _rounded(parts[0], math.floor if isinstance(e, floor) else math.ceil)
    if isinstance(e, (Max, Min)):
        return (max if isinstance(e, Max) else min)(parts)
    if isinstance(e, Eq):
        return parts[0] == parts[1]
    raise NotImplementedError(type(e))


def check_values(formula: sympy.Expr, points: list[dict], texts: dict[str, str]) -> int:
    """Hold what texts say against the formula at sizes; how many values were compared."""
    compared = 0
    for at in points:
        try:
            expected = exact(formula, at)
        except (Undefined, ZeroDivisionError, NotImplementedError):
            continue
        sizes = {symbol.name: number for symbol, number in at.items()}
        for form, text in texts.items():
            found = value_of_text(text, sizes)
            close = found == expected or (
                not isinstance(found, Fraction) or not isinstance(expected, (int, Fraction))
            ) and abs(found - expected) <= 1e-9 * (abs(expected) + 1)  # fmt: skip
            assert close, f"{form}: {text} is {found} at {sizes}, {formula} is {expected}"
            compared += 1
    return compared


def written(formula: sympy.Expr) -> dict[str, str]:
    """A formula in all its forms."""
    found = {form: la.formula_text(formula, form=form) for form in (*FORMS, "given")}
    for symbol in sorted(formula.free_symbols, key=str):
        found[f"by {symbol}"] = la.formula_text(formula, form="collected", by=symbol)
    return found


def check_lengths(formula: sympy.Expr, texts: dict[str, str]) -> None:
    """The default is never longer than any of the others, as text and as LaTeX."""
    assert len(texts["shortest"]) == min(map(len, texts.values())), texts
    made = {form: len(la.latex(formula, form=form)) for form in (*FORMS, "given")}
    assert made["shortest"] == min(made.values()), made
    for candidate in SHORTEST.candidates(formula):
        assert text_length(candidate) == len(plain_text(candidate))


@given(trees, st.lists(st.tuples(*[st.integers(1, 12)] * 5), min_size=3, max_size=3))
def test_written_formulas_keep_their_values(formula, numbers):
    if formula.has(sympy.zoo, sympy.nan, sympy.oo):
        return
    before = srepr(formula)
    texts = written(formula)
    check_values(formula, [dict(zip((H, W, c, k, n), sizes)) for sizes in numbers], texts)
    check_lengths(formula, texts)
    assert srepr(formula) == before


@pytest.mark.parametrize("name", ["resnet50", "unet", "gpt2", "wavenet"])
def test_formulas_of_published_networks(name):
    net, _ = la.zoo.symbolic(name)
    for metric in ("parameters", "macs", "activations", "output_shape"):
        for formula in expressions(la.derive(metric, net).formula):
            texts = written(formula)
            names = sorted(formula.free_symbols, key=str)
            points = [
                {symbol: 1 + (7 * place + 5 * turn) % 11 for place, symbol in enumerate(names)} for turn in range(2)
            ]
            check_values(formula, points, texts)
            check_lengths(formula, texts)


# ---------------------------------------------------------------- time, and the same text everywhere


@pytest.mark.parametrize(
    "formula",
    [
        (H + W + c + k) ** 40,
        sum((H**i * W ** (30 - i) * c ** (i % 7) for i in range(31)), Integer(0)),
        Add(*((H + i) * (W + 2 * i) * floor((c + i) / (i + 2)) * (k + i) for i in range(1, 25))),
        ((H * W - c * k) ** 3 * (H**3 + W**2 * c + 1) ** 2).expand(),
        Max(*(H * i + W**2 + floor(c / (i + 1)) for i in range(12)), evaluate=False),
        Sum((H + L) * (W + L), (L, 0, n)),
    ],
    ids=range(6),
)  # fmt: skip
def test_nothing_hangs(formula, time_limit):
    with time_limit(60):
        assert la.formula_text(formula)


def test_the_text_does_not_depend_on_the_process():
    """Hashes of names differ from process to process, and what was written before differs too."""
    program = """
import sys
import layeralgebra as la
from sympy import Max, ceiling, floor, log
H, W, T, c, k, n, m = la.dims("H W T c k n m")
formulas = [
    c*(H - k + 1)*(W - k + 1) + k*(floor(H/n) + 1)*(floor(W/m) + 1), Max(0, k - H - 1) + H + m*(1 - k),
    (H*W + c*k)*(n + m) + 3*H, 2*n*ceiling(log(n, 2))*(H + W + 1), (H + W)*(c + k)*(n + m),
    *(la.macs(la.zoo.symbolic("resnet50")[0]), la.parameters(la.zoo.symbolic("resnet50")[0])),
]
found = {}
for place in sorted(range(len(formulas)), reverse=sys.argv[1] == "1"):
    e = la.simplify(formulas[place])
    found[place] = [la.formula_text(e, form=f) + la.latex(e, form=f) for f in ("shortest", "factored", "collected")[:: 1 - 2*int(sys.argv[1])]]
    found[place].sort()
print(sorted(found.items()))
"""
    made = {
        subprocess.run(
            [sys.executable, "-P", "-c", program, turn], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": turn},
        ).stdout
        for turn in ("0", "1")
    }  # fmt: skip
    assert len(made) == 1 and "c*" in made.pop()
