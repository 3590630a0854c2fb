"""Formulas as MathML, which browsers show without a script and without a network."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(latex: str, display: str = "inline") -> str:
    """A formula; one of several lines, such as a width brings about, is aligned at its marks.

    >>> "mtable" in mathml(r"&a \\\\ &+ b"), "<mi>&" in mathml(r"&a \\\\ &+ b")
    (True, False)
    >>> "002A" in mathml(r"\\operatorname*{arg\\,max}_{c} x")
    False
    """
    if ("&" in latex or r"\\" in latex) and r"\begin{" not in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    latex = re.sub(r"\\operatorname\*?\{([^{}]*\\,[^{}]*)\}", r"\\mathrm{\1}", latex)  # two words, such as arg max
    latex = latex.replace(r"\operatorname*", r"\operatorname")
    latex = latex.replace("{aligned}", "{align*}")  # the converter's name for it
    try:
        made: str = convert(latex, display=display)
    except Exception as error:  # its own, of many kinds
        logger.warning("this formula is not understood: %s (%s)", latex, type(error).__name__)
        return f"<code>{escape(latex)}</code>"
    if re.search(r"<m[io]>(&|&amp;|&#x00026;|\\[a-z]*)</m[io]>", made):
        logger.warning("this formula is not understood: %s", latex)
    return made


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(mathml(node.astext()))
    raise SkipNode


def _display(translator: Any, node: Any) -> None:
    translator.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
