r"""Formulas in a style: broken to its width, and long parts that come several times under names.

>>> import layeralgebra as la
>>> from layeralgebra.algebra.formulas.forms import SHORTEST
>>> H, W, c, s = la.dims("H W c s")
>>> size = la.output_shape(la.Conv(c, 5, stride=s), on=(3, H, W))[1]
>>> print(styled_latex(c*size**2 + W*size, SHORTEST, la.Style(where=True, width="60mm")))
\begin{aligned}
& {(N + 1)} {(N c + W + c)} \\
& \text{where } N = \lfloor (H - 5)/s \rfloor
\end{aligned}
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy import Basic, Expr, Symbol, Tuple, ceiling, floor, preorder_traversal
from sympy.functions.elementary.miscellaneous import Max, Min

from ..typesetting.displays import CAUTIOUS, aligned, folded
from ..typesetting.measured import width_of
from ..typesetting.style import Style
from .forms import Form
from .latex import formula_latex
from .records import writes_itself

#: A part is worth a name if it is wider than so many points and comes so many times.
NAMED_WIDTH, NAMED_TIMES = 30.0, 2
_NAMES = "NMRSUVABCDEFG"


def styled_latex(obj: Any, form: Form, style: Style) -> str:
    """Anything in a style, for math mode where it is a formula."""
    if isinstance(obj, (tuple, list, Tuple)) and not writes_itself(obj):
        return _tuple(obj, form)
    text = formula_latex(obj, form)
    if writes_itself(obj):
        one_line = r"\begin" not in text and hasattr(obj, "accept")
        return (
            aligned(folded([f"& {text}"], style.points))
            if one_line and width_of(text) > style.points * CAUTIOUS
            else text
        )
    if style.where and isinstance(obj, Expr):
        found, parts = named_parts(obj, form, style)
        if parts:
            rows = [f"& {formula_latex(found, form)}"]
            for place, (name, part) in enumerate(parts):
                where = r"\phantom{\text{where }}" if place else r"\text{where }"
                rows.append(f"& {where} {name} = {formula_latex(part, form)}")
            return aligned(folded(rows, style.points))
    if width_of(text) <= style.points * CAUTIOUS or not isinstance(obj, Basic):
        return text
    return aligned(folded([f"& {text}"], style.points))


def _tuple(parts: Any, form: Form) -> str:
    """A tuple as mathematics writes it: one thing without brackets."""
    texts = [formula_latex(part, form) for part in parts]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def named_parts(formula: Expr, form: Form, style: Style) -> tuple[Expr, list[tuple[str, Expr]]]:
    """The formula with symbols for roundings and extremes that it has several times, and what these stand for."""
    counted = Counter(
        node
        for node in preorder_traversal(form.of(formula))
        if isinstance(node, (floor, ceiling, Max, Min)) or _is_rounding(node)
    )
    wide = [
        part
        for part, times in counted.items()
        if times >= NAMED_TIMES and width_of(formula_latex(part, form)) > NAMED_WIDTH
    ]
    taken = {symbol.name for symbol in formula.free_symbols if isinstance(symbol, Symbol)}
    chosen: list[tuple[str, Expr]] = []
    result = form.of(formula)
    for part in sorted(wide, key=lambda part: -len(str(part))):
        if not result.has(part):
            continue
        name = next((one for one in [*_NAMES, *(f"N_{n}" for n in range(1, 100))] if one not in taken), "")
        taken.add(name)
        symbol = Symbol(name, integer=True, positive=True)
        result = result.xreplace({part: symbol})
        chosen.append((formula_latex(symbol), part))
    return result, chosen


def _is_rounding(node: Any) -> bool:
    return type(node).__name__ in ("RoundedDown", "RoundedUp")
