"""The gallery of published networks: a picture of each family's first member, and its formulas in symbolic sizes."""

from __future__ import annotations

from typing import Any

import layeralgebra as la

from ._markdown import code, contents, display, plain, table

METRICS = ("parameters", "macs")
PAGE = 174
"""Millimetres."""
SHORT = ("alexnet", "gpt", "resnet", "unet")
"""Families in the short build."""


def pages(short: bool = False) -> dict[str, str]:
    families = sorted(la.zoo.families())
    found = {f"networks/{name}.md": _family(name, short) for name in families if not short or name in SHORT}
    families = [name for name in families if f"networks/{name}.md" in found]
    found["networks/index.md"] = (
        "# Gallery of networks\n\nPublished architectures, as functions of their hyperparameters. Formulas and pictures are derived when "
        "this page is built.\n\n" + contents(families)
    )
    return found


def _family(name: str, short: bool = False) -> str:
    family = la.zoo.FAMILIES[name]
    member = next(iter(family.published))
    members = [member] if short else [each for each in la.zoo.names() if la.zoo.info(each).family == name]
    net = la.zoo.build(member)
    said = [f"# {name}\n", f"{plain(family.paper)}.\n" if family.paper else "", _picture(net, member)]
    said.append(f"## Formulas of {member}\n")
    for metric in METRICS:
        said.append(_formula(metric, member))
    said.append("## Members\n")
    rows = [[code(each), *(_count(getattr(la, metric)(la.zoo.build(each))) for metric in METRICS)] for each in members]
    said.append(table(["name", "parameters", "multiply-accumulates"], rows))
    defaults = la.zoo.info(member).hyperparameters
    said.append("\n## Hyperparameters\n\nWith the values that " + member + " has.\n")
    said.append(table(["name", "value"], ([code(key), code(repr(value))] for key, value in defaults.items())))
    return "\n".join(said)


def _count(value: Any) -> str:
    return f"{int(value):,}".replace(",", " ") if not getattr(value, "free_symbols", ()) else code(str(value))


def _picture(net: Any, member: str) -> str:
    try:
        stages = la.zoo.stages(member)
        svg = la.to_svg(net, level="stage", width=PAGE, stages=stages)
    except la.LayerAlgebraError:
        svg = la.to_svg(net, level="block", width=PAGE)
    return f'<figure class="diagram">\n{svg}\n<figcaption>{member}</figcaption>\n</figure>\n'.replace("\n\n", "\n")


def _formula(metric: str, member: str) -> str:
    try:
        derivation = la.derive(metric, la.zoo.symbolic(member)[0])
    except la.LayerAlgebraError as problem:
        return f"*{metric}* has no formula here: {plain(str(problem))}\n"
    text = la.latex(derivation.formula, style=la.Style(width="a4"))
    return f"**{derivation.metric.title}** ({derivation.kind}; {derivation.metric.unit})\n\n{display(text)}"
