"""A report as one web page that stands alone: MathML, SVG, and JavaScript that computes every number again, exactly."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from sympy import Tuple

from ..compilation.interface import CompiledFormula
from ..compilation.source.codegen import codegen
from ..derivations.derivation import Derivation
from ..derivations.stages import outline
from ..diagrams.draw import to_svg
from ..diagrams.roles import ROLES
from ..diagrams.svg import escaped
from ..errors import LayerAlgebraError
from ..formulas.records import record_parts
from ..formulas.text import formula_text
from ..networks.layer import Layer
from .content import Content
from .mathml import mathml

_HERE = Path(__file__).parent
MOST_NODES = 400
LONGEST_FORMULA = 4000


def html_page(content: Content) -> str:
    """The text of the page."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    title = escaped(content.title)
    body = [
        f"<header><h1>{title}</h1><p>{escaped(outline(content.net))}</p></header>",
        "<main>",
        _section("sizes", "Sizes", '<div id="controls"></div><p id="problem" role="status" aria-live="polite"></p>'),
        _section("numbers", "Numbers", '<div id="cards"></div>'),
        _section(
            "stages-shares", "Where it goes",
            '<label>Count <select id="share-metric"></select></label><div id="bars"></div>',
        ) if content.stage_terms else "",
        _section(
            "curves", "Curves",
            '<div class="row"><label>Count <select id="curve-metric"></select></label><label>against '
            '<select id="curve-size"></select></label></div><div id="curve"></div><ul id="crossings"></ul>',
        ),
        _section(
            "map", "Two sizes",
            '<div class="row"><label>Count <select id="map-metric"></select></label><label>across '
            '<select id="map-x"></select></label><label>up <select id="map-y"></select></label></div><div id="heat"></div>',
        ) if len(content.symbols) > 1 else "",
        _section("diagram", "Diagram", _diagram(content)),
        _section("formulas", "Formulas", "".join(map(_formula, content.derivations)) + _left_out(content)),
        _section("layers", "Layers", _layers(content)),
        _section("stages", "Stages", _stages(content)),
        _section("nodes", "Nodes", _nodes(content)),
        "</main>",
    ]  # fmt: skip
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<style>{style}</style></head><body>\n"
        + "\n".join(body)
        + f"\n<script>\n{_functions(content)}\n{script}</script></body></html>\n"
    )


def _section(name: str, heading: str, inner: str) -> str:
    return f'<section id="{name}-section" aria-labelledby="{name}-heading"><h2 id="{name}-heading">{heading}</h2>{inner}</section>'


def _data(value: Any) -> str:
    """JSON that ends no script."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _wrapped(source: str) -> str:
    return f"(() => {{\n{source}return formula;\n}})()"


def _functions(content: Content) -> str:
    """What the page computes with: a function for each formula, and one for the terms of each count by stage."""
    metrics: list[dict[str, Any]] = []
    functions = []
    for part in content.derivations:
        try:
            source = codegen(part, "javascript")
            names = list(CompiledFormula(part, "python").arguments)
        except LayerAlgebraError as problem:
            metrics.append({"name": part.metric.name, "title": part.metric.title, "unit": part.metric.unit, "kind": part.kind,
                            "refused": str(problem), "arguments": []})  # fmt: skip
            functions.append("null")
            continue
        metrics.append({"name": part.metric.name, "title": part.metric.title, "unit": part.metric.unit, "kind": part.kind,
                        "arguments": names, "parts": _parts(part)})  # fmt: skip
        functions.append(_wrapped(source))
    shares, share_functions = [], []
    for name, terms in content.stage_terms.items():
        keyed = {str(place): value for place, value in enumerate(terms.values())}
        try:
            source = codegen(keyed, "javascript")
        except LayerAlgebraError:
            continue
        shares.append(
            {
                "name": name,
                "stages": [str(stage) for stage in terms],
                "arguments": list(CompiledFormula(keyed, "python").arguments),
            }
        )
        share_functions.append(_wrapped(source))
    sizes = [{"name": symbol.name, "start": str(content.start[symbol.name])} for symbol in content.symbols]
    return (
        f"const METRICS = {_data(metrics)};\nconst FUNCTIONS = [{', '.join(functions)}];\n"
        f"const SHARES = {_data(shares)};\nconst SHARE_FUNCTIONS = [{', '.join(share_functions)}];\nconst SIZES = {_data(sizes)};"
    )


def _parts(part: Derivation) -> list[tuple[str, int]] | None:
    """The names of the parts of a record, and how many numbers each has."""
    if not dataclasses.is_dataclass(part.formula):
        return None
    found = [
        (name, len(value) if isinstance(value, (tuple, Tuple)) else 1) for name, value in record_parts(part.formula)
    ]
    return found if sum(count for _, count in found) == len(part.as_formula().expressions) else None


def _diagram(content: Content) -> str:
    legend = "".join(f'<span><i class="{role}"></i>{name}</span>' for role, name in ROLES.items())
    picture = to_svg(content.net, "block", 84, content.named)
    return (
        f'<p class="legend">{legend}</p><div class="picture" tabindex="0" aria-label="Diagram, scrolls">{picture}</div>'
    )


def _math(value: Any) -> str:
    text = formula_text(value) if not isinstance(value, tuple) else ", ".join(map(formula_text, value))
    try:
        made = mathml(value)
    except Exception:  # what SymPy's printer cannot write is written as text
        return f"<code>{escaped(text)}</code>"
    return made if len(made) <= 40 * LONGEST_FORMULA else f"<code>{escaped(text)}</code>"


def _formula(part: Derivation) -> str:
    expressions = part.as_formula().expressions
    value = expressions[0] if len(expressions) == 1 else tuple(expressions)
    domain = str(part.domain) or "all positive integers"
    return (
        f'<article><h3>{escaped(part.metric.title)} <span class="kind">{escaped(part.kind)}</span></h3>'
        f'<div class="formula" tabindex="0">{_math(value)}</div>'
        f"<details><summary>Text, domain and source</summary><pre>{escaped(part.text())}</pre>"
        f"<p>Holds where</p><pre>{escaped_lines(domain)}</pre><p>Source: {escaped(str(part.source))}</p></details></article>"
    )


def escaped_lines(text: str) -> str:
    return "\n".join(map(escaped, text.splitlines()))


def _left_out(content: Content) -> str:
    return "".join(
        f"<p>{escaped(name)} is left out: {escaped(reason)}</p>" for name, reason in content.left_out.items()
    )


def _layers(content: Content) -> str:
    """The equation of every kind of layer in the network, once."""
    found: dict[str, Layer] = {}
    for term in content.derivations[0].terms:
        if isinstance(term.node, Layer):
            found.setdefault(type(term.node).__name__, term.node)
    rows = []
    for name, layer in sorted(found.items()):
        lines = [line.strip() for line in str(layer.equation).splitlines() if line.strip()]
        rows.append(f"<dt>{escaped(name)}</dt><dd><pre>{escaped_lines(chr(10).join(lines))}</pre></dd>")
    return f"<dl>{''.join(rows)}</dl>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f'<th scope="col">{escaped(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="table" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _stages(content: Content) -> str:
    titles = {part.metric.name: part.metric.title for part in content.derivations}
    rows = []
    for place, stage in enumerate(content.stages):
        cells = [escaped(stage.name), escaped(outline(stage.part))]
        for terms in content.stage_terms.values():
            values = list(terms.values())
            cells.append(_math(values[place]) if place < len(values) else "")
        rows.append(cells)
    return _table(["stage", "layers", *(titles[name] for name in content.stage_terms)], rows)


def _nodes(content: Content) -> str:
    counted = [part for part in content.derivations if part.metric.name in ("parameters", "macs")] or list(
        content.derivations[:1]
    )
    values = [{term.path: term.value for term in part.terms} for part in counted]
    rows = []
    terms = counted[0].terms
    for term in terms[:MOST_NODES]:
        shape = " × ".join(formula_text(size) for size in term.output)
        cells = [escaped(term.path), escaped(str(term.node)[:120]), f"<code>{escaped(shape)}</code>"]
        for known in values:
            cells.append(f"<code>{escaped(formula_text(known[term.path]) if term.path in known else '')}</code>")
        rows.append(cells)
    more = f"<p>and {len(terms) - MOST_NODES} more</p>" if len(terms) > MOST_NODES else ""
    table = _table(["node", "layer", "output", *(part.metric.title for part in counted)], rows)
    return f"<details><summary>{len(terms)} nodes</summary>{table}{more}</details>"
