"""What equations are made of, from the registries of the language: heads, functions, reductions and selections."""

from __future__ import annotations

import re
from typing import get_args

import layeralgebra as la
from layeralgebra.algebra.equations import heads
from layeralgebra.algebra.equations.functions import FUNCTIONS, WRITTEN_OUT, Function

from ._markdown import code, formula, plain, table

#: A line with each head, to be shown beside its typeset form.
EXAMPLES = {
    "Constant": "y[t] = 2*x[t] + 0.5",
    "IndexValue": "y[i] = exp(-i)*x[i]",
    "Read": "y[t] = x[t]",
    "Plus": "y[t] = x[t] - b[t]",
    "Times": "y[o] = W[o, c]*x[c]\nwhere o < 4",
    "Apply": "y[t] = tanh(x[t])",
    "Reduce": "y[c] = max[i](x[c, i])",
    "Softmax": "y[i, j] = softmax[j](x[i, j])",
    "Select": "y[i] = argmax[c](x[i, c])",
    "Pad": "y[t] = pad[t: (2, 1)](x[t])",
}


def said() -> dict[str, str]:
    """What each head is, as the docstring of the registry says."""
    text = heads.__doc__ or ""
    rows = re.split(r"^=+ =+$", text, flags=re.MULTILINE)[1]
    return dict(line.split(None, 1) for line in rows.strip().splitlines())


def example(name: str) -> la.Layer:
    """A layer whose equation has the head."""
    kind = type(
        f"Of{name}", (la.Layer,), {"equation": EXAMPLES[name], "__module__": __name__, "__doc__": "An example."}
    )
    return kind()


def _applied(function: Function) -> str:
    arguments = ", ".join("abc"[: function.arity])
    return rf"\sqrt{{{arguments}}}" if function.name == "sqrt" else f"{function.latex}({arguments})"


def pages() -> dict[str, str]:
    rows = []
    for head in get_args(heads.Head):
        name = head.__name__
        line = EXAMPLES[name].partition("\n")[0]
        lines = la.latex_equation(example(name)).replace(r"\begin{aligned}", "").replace(r"\end{aligned}", "")
        typeset = lines.partition("\\\\\n& \\text{where")[0].replace("&=", "=", 1).strip()
        words = plain(said()[name]).replace("\\`\\`", "`").replace("(\\`FUNCTIONS\\`)", "([below](#functions))")
        rows.append([code(name), words, code(line), formula(typeset)])
    functions = [
        [code(f"{each.name}({', '.join('abc'[: each.arity])})"), formula(_applied(each)), "yes" if each.slopes else ""]
        for each in FUNCTIONS.values()
        if each.name not in ("divide", "power")
    ]
    written = [[code(f"{name}(v)"), code(text)] for name, text in WRITTEN_OUT.items()]
    page = (
        "# Heads of the language\n\nAn [equation](language.md) is read into these heads and nothing else. Whatever is asked of a layer is a rule for each of "
        "them; what has no rule is refused by name.\n\n"
        + table(["head", "what it is", "a line with it", "typeset"], rows)
        + "\n## Functions\n\n`a / b` and `a ** 2` are functions as well. Those with affine pieces bend a network's affine regions.\n\n"
        + table(["function", "typeset", "affine pieces"], functions)
        + "\n## Functions that are written out\n\nThese are read as what stands beside them, and cost what that costs.\n\n"
        + table(["function", "read as"], written)
        + "\n## Reductions and selections\n\nReductions: "
        + ", ".join(code(f"{name}[i](...)") for name in heads.REDUCTIONS)
        + ". Selections: "
        + ", ".join(code(f"{name}[i](...{', rank' if count == 2 else ''})") for name, count in heads.SELECTIONS.items())
        + ".\n"
    )
    return {"heads.md": page}
