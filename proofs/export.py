r"""Laws for others to check and to read: SMT-LIB 2, Coq, and an appendix in LaTeX.

>>> from layeralgebra import proofs
>>> from layeralgebra.proofs.law import named
>>> proofs.laws.load()
>>> print(smtlib(named("floor_affine_left_id")))
; floor_affine_left_id
; for all integers a, s >= 1: 0 + a*1 = a; 1*s = s
; every check-sat must answer unsat
(set-logic ALL)
(push 1)
; goal
(declare-const a Int)
(declare-const s Int)
(assert (<= 1 s))
(assert (not (= (+ 0 (* a 1)) a)))
(check-sat)
(pop 1)
(push 1)
; goal
(declare-const s Int)
(assert (<= 1 s))
(assert (not (= (* 1 s) s)))
(check-sat)
(pop 1)
<BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..algebra.arguments import shown
from ..algebra.errors import FieldError
from ..algebra.typesetting.bibliography import keys_in
from ..algebra.typesetting.displays import display
from ..algebra.typesetting.style import Style, typeset
from .law import OWN_ROUTES, Law, named, registered
from .lowering import obligations
from .printers.coq import theorem
from .printers.latex import latex, name
from .printers.smtlib import document
from .provers import attempt, module
from .statements.quotients import NotLowered
from .statements.statement import Statement
from .statements.term import Var
from .theorems import sources
from .verdict import Proved, Step


def smtlib(law: Law) -> str:
    """A law's obligations in SMT-LIB 2; every ``check-sat`` must answer ``unsat``.

    Raises
    ------
    NotLowered
        If the law has a term that integer arithmetic has no counterpart for.
    """
    heading = f"{law.name}\n{law.statement!r}\nevery check-sat must answer unsat"
    return document(heading, obligations(law))


def coq(laws: Iterable[Law]) -> str:
    """One Coq file with the prelude and a theorem for every law that states the route, each after its lemmas."""
    prover = module("coq")
    stated = [law for law in laws if law.kind == "arithmetic" and "coq" in law.routes]
    source, _ = prover.document([theorem(law) for law in prover.with_lemmas(stated)])
    return source


def latex_appendix(laws: Iterable[Law], *, whole: bool = True) -> str:
    """Every law with the proof that one of our own routes finds: chains of equivalences, bases and steps, expansions.

    Parameters
    ----------
    laws : iterable of Law
    whole : bool
        Whether to make a document of it, or sections to be put into one.
    """
    sections: dict[str, list[str]] = {}
    for law in laws:
        if law.kind == "arithmetic":
            sections.setdefault(law.subject, []).append(_entry(law))
    lines = [_HEAD] if whole else []
    for subject, entries in sections.items():
        lines += [rf"\section{{{_prose(subject.replace('_', ' ').capitalize())}}}", *entries]
    return "\n".join([*lines, r"\end{document}", ""] if whole else [*lines, ""])


def theorem_latex(law: Law, style: Style | None = None) -> str:
    r"""A law as a theorem with its variables declared, and the proof that one of our own routes finds.

    Parameters
    ----------
    law : Law
        An arithmetic one.
    style : Style, optional
        With `cite`, its source is cited by its key in `layeralgebra.bibliography`.

    Returns
    -------
    str
        The environments ``theorem`` and ``proof``, which `layeralgebra.latex_document` declares for a style.

    Raises
    ------
    FieldError
        If it is no arithmetic law.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> print(theorem_latex(proofs.named("nested_floor")).splitlines()[0])
    \begin{theorem}[nested floor]
    """
    if not isinstance(law, Law) or law.kind != "arithmetic":
        raise FieldError(f"theorem_latex takes an arithmetic law, got {shown(law)}; write proofs.named('nested_floor')")
    with typeset(style) as chosen:
        around = chosen or Style()
        keys = keys_in(law.cites) if around.cite else []
        source = rf"~\cite{{{','.join(keys)}}}" if keys else f" ({_prose(law.cites)})" if law.cites else ""
        lines = [
            rf"\begin{{theorem}}[{_prose(law.name.replace('_', ' '))}]",
            _declared(law.arithmetic, around, source),
            r"\end{theorem}",
        ]
        for route in (one for one in OWN_ROUTES if one in law.routes):
            verdict = attempt(law, route)
            if isinstance(verdict, Proved):
                rows = [(step.formula, _reason(step.reason)) for step in verdict.certificate.steps]
                lines += [r"\begin{proof}", f"By {_ROUTE_WORDS[route]}.", *_proof_rows(rows, around), r"\end{proof}"]
                break
        else:
            others = ", ".join(_ROUTE_NAMES[route] for route in law.routes if route not in OWN_ROUTES)
            lines += [r"\begin{proof}", f"Checked by {others}.", r"\end{proof}"]
    return "\n".join(lines)


def _declared(statement: Statement, style: Style, source: str) -> str:
    """What holds, in words, with the goals as a display."""
    words = _stated(statement).partition(":\n")[0]
    goals = [f"& {latex(goal)}" for goal in statement.goals]
    return f"{words}{source}:\n{display(goals, style)}"


def _proof_rows(rows: list[tuple[str, str]], style: Style) -> list[str]:
    """Steps as a display, each followed by its reason; words alone become sentences."""
    lines = []
    for formula, reason in rows:
        if formula:
            lines += [f"& {formula}", *([rf"& \qquad \text{{({reason})}}"] if reason else [])]
    sentences = [f"{reason}." for formula, reason in rows if reason and not formula]
    return [*([display(lines, style)] if lines else []), *sentences]


def write(folder: str | Path, names: Iterable[str | Law] | None = None) -> list[Path]:
    """Write all exports into a folder: ``smtlib/NAME.smt2``, ``laws.v``, ``core.v``, ``networks/NAME.v`` and ``proofs.tex``.

    Parameters
    ----------
    folder : path
        It and its parents are made when they are not there.
    names : iterable of str or Law, optional
        Laws or their names; all when left out.

    Returns
    -------
    list of Path
        The files written.
    """
    wanted = list(registered()) if names is None else [one if isinstance(one, Law) else named(one) for one in names]
    place = Path(folder)
    (place / "smtlib").mkdir(parents=True, exist_ok=True)
    texts = {
        place / "laws.v": coq(wanted),
        place / "core.v": module("coq").core_source(),
        place / "proofs.tex": latex_appendix(wanted),
    }
    if any(law.kind == "structural" and law.routes for law in wanted):
        (place / "networks").mkdir(exist_ok=True)
        texts |= {place / "networks" / name: text for name, text in sources().items()}
    for law in wanted:
        if law.kind == "arithmetic":
            try:
                texts[place / "smtlib" / f"{law.name}.smt2"] = smtlib(law)
            except NotLowered:
                continue
    for path, content in texts.items():
        path.write_text(content, encoding="utf-8")
    return list(texts)


_HEAD = r"""\documentclass[a4paper,10pt]{article}

\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\emergencystretch}{3em}
\title{The laws of the layer algebra}
\author{}
\date{}
\begin{document}
\maketitle
Variables are integers. $\lfloor\cdot\rfloor$ and $\lceil\cdot\rceil$ round quotients down and up; a sum whose upper
bound is one less than its lower one is zero. Every proof below was found and checked by a program; the last line of
each entry says which other ones confirm the law. What is proved is the law about formulas; that a program computes by
it is tested.
"""


def _entry(law: Law) -> str:
    statement = law.arithmetic
    lines = [rf"\subsection*{{\texttt{{{_prose(law.name)}}}}}", _prose(law.note)]
    if law.cites:
        lines[-1] += rf" ({_prose(law.cites)}.)"
    lines.append(_stated(statement))
    for route in (one for one in OWN_ROUTES if one in law.routes):
        verdict = attempt(law, route)
        if isinstance(verdict, Proved):
            lines.append(
                rf"\textit{{Proof}} ({_ROUTE_WORDS[route]}). " + _steps(verdict.certificate.steps) + r" $\square$"
            )
            break
    else:
        lines.append(r"\textit{Proof} by the programs below; none of the routes that are written out here decides it.")
    others = [_ROUTE_NAMES[route] for route in law.routes if route not in OWN_ROUTES]
    if others:
        lines.append(rf"\textit{{Also}}: {', '.join(others)}.")
    return "\n\n".join(lines) + "\n"


_ROUTE_WORDS = {
    "ring": "expansion",
    "field": "lowest terms",
    "galois": "what lies below",
    "induction": "induction",
    "normal_form": "normal form",
}
_ROUTE_NAMES = {"z3": "z3", "cvc5": "cvc5", "coq": "Coq"}


def _stated(statement: Statement) -> str:
    domains: dict[int | None, list[Var]] = {}
    for one in statement.variables:
        domains.setdefault(one.least, []).append(one)
    said = [
        f"{', '.join(name(one.name) for one in members)}" + ("" if least is None else rf" \ge {least}")
        for least, members in domains.items()
    ]
    given = [latex(one) for one in statement.hypotheses]
    words = "For all integers " + ", ".join(f"${one}$" for one in said) if said else ""
    if statement.sequences:
        words += (
            (" and " if words else "For ") + "all sequences " + ", ".join(f"${name(s)}$" for s in statement.sequences)
        )
    words += (" with " + ", ".join(f"${one}$" for one in given)) if given else ""
    goals = [latex(goal) for goal in statement.goals]
    body = r"\begin{gather*} " + r" \\ ".join(goals) + r" \end{gather*}"
    return f"{words}:\n" + _sized(body, max(map(_length, goals)))


def _steps(steps: tuple[Step, ...]) -> str:
    """Steps as aligned lines; a step of words alone becomes a sentence after them."""
    widest = max((_length(step.formula) for step in steps), default=0)
    # Reasons stand on lines of their own where there is no room for them beside the longest formula.
    apart = widest + max((len(step.reason) for step in steps if step.formula), default=0) > _LINE
    lines, sentences = [], []
    for step in steps:
        if not step.formula:
            sentences.append(_reason(step.reason) + ".")
            continue
        reason = rf"\text{{({_reason(step.reason)})}}" if step.reason else ""
        if apart:
            lines += [f"& {step.formula}"] + ([rf"& \qquad {reason}"] if reason else [])
        else:
            lines.append(f"& {step.formula}" + (f" && {reason}" if reason else ""))
    body = "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}" if lines else ""
    return _sized(body, widest) + ("\n" + " ".join(sentences) if sentences else "")


#: About how many letters fit on a line, in the sizes that LaTeX has.
_LINE = 80
_SIZES = ((95, ""), (110, r"\small"), (125, r"\footnotesize"), (160, r"\scriptsize"), (10**9, r"\tiny"))


def _sized(body: str, length: int) -> str:
    command = next(command for limit, command in _SIZES if length <= limit)
    return f"{{{command}\n{body}\n\\par}}" if command and body else body


def _length(formula: str) -> int:
    """About how many letters wide a formula is: a fraction as its longer part, a command as one letter."""
    formula = re.sub(r"\\(left|right|displaystyle|text)\b", "", formula)
    while True:
        shorter = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda m: max(m.groups(), key=len), formula)
        shorter = re.sub(r"[_^]\{([^{}]*)\}", lambda m: m.group(1)[: len(m.group(1)) // 2 + 1], shorter)
        if shorter == formula:
            return len(re.sub(r"[{} ]", "", re.sub(r"\\[A-Za-z]+", "xx", formula)))
        formula = shorter


def _reason(words: str) -> str:
    """Words of a step; what stands in dollars is mathematics already."""
    pieces = words.split("$")
    return "$".join(piece if place % 2 else _prose(piece) for place, piece in enumerate(pieces))


_SPECIAL = {"_": r"\_", "^": r"\^{}", "&": r"\&", "%": r"\%", "#": r"\#", "~": r"\~{}", "\\": r"\textbackslash{}"}
_SPECIAL |= {"{": r"\{", "}": r"\}", "<": r"$<$", ">": r"$>$"}


def _prose(words: str) -> str:
    """Plain words for LaTeX, with what stands between double backquotes in typewriter."""
    pieces = re.split(r"``(.+?)``", words)
    escaped = ["".join(_SPECIAL.get(letter, letter) for letter in piece) for piece in pieces]
    return "".join(rf"\texttt{{{piece}}}" if place % 2 else piece for place, piece in enumerate(escaped))
