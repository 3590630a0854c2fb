"""Documents around what is typeset: the class, the packages and the page that a style asks for."""

from __future__ import annotations

from .style import WIDTHS, Style, _millimetres

#: The page of each width: options of the class, and of the package geometry.
_PAGES = {
    "a4": ("a4paper,10pt", "margin=25mm"),
    "column": ("a4paper,10pt,twocolumn", "textwidth=174mm,textheight=250mm,columnsep=6mm"),
    "slides": (
        "10pt",
        "paperwidth=128mm,paperheight=96mm,textwidth=108mm,top=6mm,bottom=12mm,headheight=0pt,headsep=0pt,footskip=7mm",
    ),
}
_PACKAGES = "amsmath, amssymb, amsthm, array, booktabs"


def preamble(style: Style) -> str:
    """Everything up to the beginning of the document."""
    named = isinstance(style.width, str) and style.width in WIDTHS
    size = _millimetres(style.width)[0]
    options, page = (
        _PAGES[style.width]
        if named
        else ("10pt", f"paperwidth={size + 40:.2f}mm,paperheight=297mm,textwidth={size:.2f}mm,textheight=247mm")
    )
    lines = [
        rf"\documentclass[{options}]{{article}}",
        r"\usepackage[utf8]{inputenc}",
        rf"\usepackage[{page}]{{geometry}}",
        rf"\usepackage{{{_PACKAGES}{', longtable' if style.longtable else ''}{', siunitx' if style.siunitx else ''}}}",
        *([r"\sisetup{detect-weight,mode=text}"] if style.siunitx else []),
        r"\newtheorem{theorem}{Theorem}",
        r"\newtheorem{proposition}[theorem]{Proposition}",
        r"\newtheorem{lemma}[theorem]{Lemma}",
        r"\setlength{\parindent}{0pt} \setlength{\parskip}{4pt plus 2pt}",
        r"\allowdisplaybreaks",
        r"\emergencystretch=3em \hbadness=4000",
    ]
    return "\n".join(lines) + "\n"


def styled_document(body: str, title: str | None, style: Style) -> str:
    """A complete document; `title` is plain text that has been made safe."""
    heading = rf"\section*{{{title}}}" + "\n" if title else ""
    sources = "\\bibliographystyle{plain}\n\\bibliography{references}\n" if r"\cite{" in body else ""
    return f"{preamble(style)}\\begin{{document}}\n{heading}{body}\n{sources}\\end{{document}}\n"
