"""Counts of a layer line by line of its equation, and of a network part by part, as sums under braces.

What stands under a brace is the number of the line of the equation that it is counted from. The sum is held against the formula; where they
are not the same, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sympy import Add, Expr, Integer, Mul, Symbol

from ..equations.instance import Instance, instantiate
from ..equations.latex import equation_rows
from ..equations.work import statement_work
from ..errors import LayerAlgebraError
from ..formulas.forms import Form
from ..formulas.latex import escaped, formula_latex, summands_latex
from ..formulas.leading_terms import leading_term
from ..networks.layer import Layer
from ..records import dataclass
from ..sizes.normal_form import simplify
from ..typesetting.displays import CAUTIOUS, display, in_text, label
from ..typesetting.measured import width_of
from ..typesetting.style import Style
from .terms import Derived

#: The letters of counts.
QUANTITIES = {
    "macs": "M", "parameters": "P", "flops": "F", "activations": "A", "depth": "D", "layer_complexity": "C", "linear_regions": "R",
    "vc_dimension": "V", "intrinsic_power": "I",
}  # fmt: skip
MOST_PARTS = 40


def _macs(instance: Instance, place: int, effective: bool) -> Expr:
    return statement_work(instance, place, effective).macs


def _flops(instance: Instance, place: int, effective: bool) -> Expr:
    return statement_work(instance, place, effective).flops


def _parameters(instance: Instance, place: int, effective: bool) -> Expr:
    """The learned tensors that a statement is the first to read."""
    earlier = {read.tensor for statement in instance.statements[:place] for read in statement.reads}
    own = dict.fromkeys(read.tensor for read in instance.statements[place].reads if read.tensor not in earlier)
    weights = instance.weights()
    return Add(*(Mul(*weights[name]) for name in own if name in weights))


def _activations(instance: Instance, place: int, effective: bool) -> Expr:
    return Mul(*instance.shapes[instance.statements[place].target])


_COUNTS: Mapping[str, Callable[[Instance, int, bool], Expr]] = {
    "macs": _macs, "flops": _flops, "parameters": _parameters, "activations": _activations,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Lines of an equation that stand side by side: their rows, the statements, and the label."""

    rows: tuple[str, ...]
    tensors: tuple[str, ...]
    label: str


def equation_lines(layer: Layer, shapes: Sequence[Sequence[Expr]] | None, style: Style) -> tuple[list[Line], list[str]]:
    """The lines of an equation as a style groups them, and what holds for their letters."""
    rows, conditions = equation_rows(layer, shapes)
    scope = type(layer).__name__
    names = {style.letters.entries[key].latex: key[2] for key in style.letters.entries if key[:2] == ("tensor", scope)}
    tensors = [_target(row, names) for row in rows]
    known = dict(zip(tensors, rows))
    groups: list[list[str]] = []
    if style.lines:
        for group in style.lines:
            members = [name for name in group if name in known]
            groups += [members] if members else []
        named = {name for group in groups for name in group}
        groups += [[name] for name in tensors if name not in named]
    else:
        groups = _filled(tensors, known, style)
    return [
        Line(tuple(known[name] for name in group), tuple(group), label(f"eq:{scope}:{'-'.join(group)}"))
        for group in groups
    ], conditions


def _target(row: str, names: Mapping[str, str]) -> str:
    left = row.partition("&")[0].strip()
    found = max((latex for latex in names if left.startswith(latex)), key=len, default="")
    return names.get(found, left)


def _filled(tensors: Sequence[str], rows: Mapping[str, str], style: Style) -> list[list[str]]:
    """As many lines side by side as there is room for, at most three."""
    groups: list[list[str]] = []
    room = style.points * CAUTIOUS - 40
    for name in tensors:
        wide = width_of(rows[name].replace("&", ""))
        if (
            groups
            and len(groups[-1]) < 3
            and sum(width_of(rows[other].replace("&", "")) + 24 for other in groups[-1]) + wide <= room
        ):
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def equation_latex(lines: Sequence[Line], conditions: Sequence[str], style: Style) -> str:
    """An equation as a display with a number for each line, and its letters in a sentence."""
    rows = [", \\quad ".join([line.rows[0], *(row.replace("&", "") for row in line.rows[1:])]) for line in lines]
    made = display(rows, style, [line.label for line in lines])
    if not conditions:
        return made
    return f"{made}\nwith {', '.join(in_text(condition, style) for condition in conditions)}."


def line_counts(derivation: Derived, lines: Sequence[Line]) -> list[tuple[Line, Expr]] | None:
    """What each line adds to the count of a layer; None where the lines do not make up the formula."""
    count = _COUNTS.get(derivation.metric.name)
    if count is None or not isinstance(derivation.net, Layer) or not isinstance(derivation.formula, Expr):
        return None
    shapes = derivation.inputs
    instance = instantiate(derivation.net, *shapes)
    effective = bool(dict(derivation.options).get("effective", False))
    by_tensor: dict[str, Expr] = {}
    for place in instance.live if derivation.metric.name != "parameters" else range(len(instance.statements)):
        target = instance.statements[place].target
        by_tensor[target] = by_tensor.get(target, Integer(0)) + count(instance, place, effective)
    found = []
    for line in lines:
        value = simplify(Add(*(by_tensor.pop(name, Integer(0)) for name in line.tensors)))
        if value != 0:
            found.append((line, value))
    if any(simplify(rest) != 0 for rest in by_tensor.values()):
        return None
    if simplify(Add(*(value for _, value in found)) - derivation.formula) != 0:
        return None
    return found


def quantity(derivation: Derived, style: Style) -> str:
    """The letter of a count, unless something else has it."""
    wanted = QUANTITIES.get(derivation.metric.name, rf"\mathrm{{{escaped(derivation.metric.name)[:1].upper()}}}")
    wanted = style.named(derivation.metric.name) or wanted
    return style.letters.tensor("counts", derivation.metric.name, wanted, derivation.metric.title)


def counts_latex(derivation: Derived, parts: Sequence[tuple[str, Expr]], form: Form, style: Style) -> str:
    """A formula as the sum of parts with braces, then in the form of the style, then as it grows, each with its reason."""
    assert isinstance(derivation.formula, Expr)
    letter = quantity(derivation, style)
    formula = formula_latex(derivation.formula, form)
    symbols = sorted((s for s in derivation.formula.free_symbols if isinstance(s, Symbol)), key=lambda s: s.name)
    rows = []
    reasons = []
    if len(parts) > 1 or (parts and formula_latex(parts[0][1], form) != formula):
        braced = " + ".join(_braced(value, below, style) for below, value in parts)
        rows.append(f"{letter} &= {braced}")
        reasons.append("line by line" if isinstance(derivation.net, Layer) else "part by part")
    rows.append(f"{letter if not rows else ''} &= {formula}".lstrip())
    reasons.append(_of_form(form))
    numbers: list[str | None] = [None] * (len(rows) - 1) + [
        label(f"eq:{type(derivation.net).__name__}:{derivation.metric.name}")
    ]
    limit = style.limit
    held = ""
    if limit is not None and limit in symbols:
        try:
            leading = leading_term(derivation.formula, limit)
        except LayerAlgebraError:
            leading = None
        if leading is not None:
            growth = _growth(leading, limit)
            rows.append(rf"&= \Theta({growth}) \text{{ as }} {formula_latex(limit)} \to \infty")
            numbers.append(None)
            others = [formula_latex(symbol) for symbol in symbols if symbol != limit]
            held = rf", with {', '.join(f'${name}$' for name in others)} held fixed" if others else ""
            reasons.append(f"by the leading term in ${formula_latex(limit)}${held}")
    title = derivation.metric.title
    said = "; ".join(dict.fromkeys(filter(None, reasons)))
    kind = "" if derivation.kind == "exact" else f" ({escaped(derivation.kind)})"
    return f"{escaped(title[:1].upper() + title[1:])}{kind}, {said}:\n{display(rows, style, numbers)}"


def _of_form(form: Form) -> str:
    by = ", ".join(f"${formula_latex(symbol)}$" for symbol in form.by)
    return {
        "collected": f"collected by {by}" if by else "collected", "factored": "factored", "expanded": "expanded",
        "shortest": "in normal form", "given": "composed",
    }[form.name]  # fmt: skip


def _braced(value: Expr, below: str, style: Style) -> str:
    text = " ".join(summands_latex(value, form=Form("expanded")))
    if width_of(text) > 0.8 * style.points * CAUTIOUS:
        text = formula_latex(value)
    if width_of(text) > 0.8 * style.points * CAUTIOUS:
        return rf"[{text}]_{{{below}}}"
    return rf"\underbrace{{{text}}}_{{{below}}}"


def _growth(leading: Expr, limit: Symbol) -> str:
    """The rate without what is held fixed."""
    rate = leading.as_independent(limit, as_Add=False)[1]
    return formula_latex(rate)
