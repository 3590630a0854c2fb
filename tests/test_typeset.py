"""Everything typeset in one and in two columns: nothing runs over, no letter stands for two things, nothing is lost."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_latex import SAMPLES, drawn

import layeralgebra as la
from layeralgebra import proofs
from layeralgebra.algebra.derivations.propositions import proposition_latex
from layeralgebra.algebra.formulas.forms import SHORTEST
from layeralgebra.algebra.formulas.latex import formula_latex
from layeralgebra.algebra.formulas.notation_table import notation_latex
from layeralgebra.algebra.formulas.styled_latex import styled_latex
from layeralgebra.algebra.typesetting.lines import broken
from layeralgebra.proofs.export import theorem_latex
from layeralgebra.proofs.law import registered

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
H, W, T, d, c, k, s = la.dims("H W T d c k s")
WIDTHS = ("a4", "column")
ALL_WIDTHS = (*WIDTHS, "slides")
MOST_POINTS = 10.0


def compiled(folder: Path, name: str, source: str, runs: int = 1) -> str:
    """The log of pdflatex on a document, which must be without errors."""
    (folder / f"{name}.tex").write_text(source, encoding="utf-8")
    for _ in range(runs):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=folder, capture_output=True, timeout=500, check=False,
        )  # fmt: skip
        log = (folder / f"{name}.log").read_text(encoding="latin-1")
        assert done.returncode == 0, "\n".join(line for line in log.splitlines() if line.startswith(("!", "l.")))
    return log


def overfull(log: str) -> list[str]:
    """Boxes that are too high, or by more than some points too wide."""
    wide = re.findall(r"Overfull \\hbox \((\d+\.\d+)pt too wide\)[^\n]*\n?[^\n]*", log)
    lines = [line for line in log.splitlines() if line.startswith("Overfull")]
    assert len(wide) + sum(r"\vbox" in line for line in lines) == len(lines)
    return [
        line for line in lines
        if r"\vbox" in line or float(re.search(r"\((\d+\.\d+)pt", line)[1]) > MOST_POINTS  # type: ignore[index]
    ]  # fmt: skip


# ---------------------------------------------------------------- letters: a reading of our own of what was written

_LETTER = re.compile(
    r"\\(?:alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|iota|kappa|lambda|mu|nu|xi|pi|rho|"
    r"varsigma|tau|upsilon|phi|varphi|chi|psi|omega|ell|[A-Z][a-z]+a|Xi|Pi|Psi|Phi|Upsilon|Sigma)(?![A-Za-z])"
)
_SYMBOL = re.compile(rf"\\(?:tilde|hat|bar|vec)\{{[^{{}}]*\}}|{_LETTER.pattern}'*|[A-Za-z]'*")


_ACCENTS = (r"\tilde", r"\hat", r"\bar", r"\vec")


def bare(latex: str) -> str:
    """Mathematics without words and environments."""
    latex = re.sub(r"\\(?:begin|end)\{\w+\*?\}", " ", latex)
    latex = re.sub(r"\\(?:text|operatorname\*?|mathrm|mathit|mathbb)\{(?:[^{}]|\{[^{}]*\})*\}", " ", latex)
    latex = re.sub(r"\\boldsymbol\{(\w)\}", lambda found: f"\\tilde{{b{found[1]}}}", latex)
    return re.sub(
        r"\\[A-Za-z]+", lambda found: found[0] if _LETTER.fullmatch(found[0]) or found[0] in _ACCENTS else " ", latex
    )


def tensors_and_others(equation: str) -> tuple[set[str], set[str]]:
    """Symbols with indices below them or on the left of a line, and symbols that stand in indices, sizes and bounds."""
    text = bare(equation)
    tensors, others = set(), set()
    for found in re.finditer(rf"({_SYMBOL.pattern})(?:\^\{{[^{{}}]*\}})?_\{{", text):
        inside = braces(text, found.end() - 1)
        if not inside.isdigit():
            tensors.add(found[1])
            plain = re.sub(rf"({_SYMBOL.pattern})(?:\^\{{[^{{}}]*\}})?_\{{", " ", inside)
            others |= set(_SYMBOL.findall(plain))
    for found in re.finditer(r"\\mathbb\{R\}\^\{", equation):
        others |= set(_SYMBOL.findall(bare(braces(equation, found.end() - 1))))
    return tensors, others


def braces(text: str, start: int) -> str:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place]
    return ""


def test_the_checker_of_letters_catches_a_letter_with_two_meanings():
    tensors, others = tensors_and_others(
        r"y_{o, i} &= \sum_{c} W_{o, c}\, x_{c, i}, \enspace x \in \mathbb{R}^{3 \times H \times W}"
    )
    assert tensors & others == {"W"}


def samples():
    """A layer of every class, with shapes with symbols where there are such."""
    for kind in la.registered_layers():
        if kind.__name__ in SAMPLES:
            yield kind.__name__, *SAMPLES[kind.__name__]
            continue
        try:
            yield kind.__name__, kind, None
        except la.FieldError:
            continue


def equation(layer, style):
    try:
        return la.latex_equation(layer, style=style)
    except la.FieldError:
        return la.latex_equation(drawn(layer), style=style)


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_no_letter_of_a_layer_means_two_things(form):
    for name, layer, _ in samples():
        made = equation(layer, la.Style(equations=form))
        tensors, others = tensors_and_others(made)
        shared = tensors & others
        # A size or an index below a tensor may be a tensor of its own only where it is looked up.
        looked_up = {found for found in shared if re.search(rf"_\{{[^{{}}]*{re.escape(found)}_\{{", bare(made))}
        assert not shared - looked_up, (name, made)


def test_a_width_and_a_weight_are_told_apart():
    style = la.Style()
    made = la.latex_equation(la.Conv(8, 3), (3, H, W), style=style)
    assert r"w_{o, c" in made and r"\mathbb{R}^{3 \times H \times W}" in made and "W_{" not in made
    assert r"8 \times (H - 2) \times (W - 2)" in made
    table = notation_latex(style)
    assert "$w$ & learned, Conv" in table and "$W$ & size" in table


def test_symbols_and_their_meanings_are_the_users():
    style = la.Style(symbols={d: r"d_{\mathrm{model}}", T: r"\lambda'"}, meanings={d: "width of the model"})
    assert la.latex(T * d**2 + 7, style=style) == r"\lambda' d_{\mathrm{model}}^{2} + 7"
    assert "width of the model" in notation_latex(style)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"width": "wide"}, "width must be"), ({"width": "3mm"}, "from 40 mm"), ({"equations": "none"}, "equations must be"),
        ({"symbols": {"c": "{"}}, "must be LaTeX"), ({"symbols": {"c": "x", "d": "x"}}, "two things"), ({"limit": "T"}, "limit must be"),
        ({"units": {"MACs": "Z"}}, "the unit of MACs"), ({"best": {"MACs": "most"}}, "best of MACs"), ({"digits": -1}, "digits must be"),
        ({"lines": "q"}, "lines must be"),
    ],
)  # fmt: skip
def test_a_wrong_style_is_refused(wrong, said):
    with pytest.raises(la.FieldError, match=said):
        la.Style(**wrong)


# ---------------------------------------------------------------- documents


def over_pages(aligned: str) -> str:
    """A box of lines as a display that a page may end in."""
    return aligned.replace("{aligned}", "{align*}")


@needs_latex
@pytest.mark.parametrize("width", WIDTHS)
def test_every_layer_fits(width, tmp_path):
    parts = []
    for name, layer, shapes in samples():
        for form in ("index", "matrix"):
            style = la.Style(width=width, equations=form)
            parts.append(rf"\paragraph{{{name}}}" + over_pages(equation(layer, style)))
        if shapes is not None:
            parts.append(over_pages(la.latex_equation(layer, shapes, style=style)))
    log = compiled(tmp_path, "layers", la.latex_document("\n\n".join(parts), style=la.Style(width=width)))
    assert not overfull(log)


@needs_latex
@pytest.mark.parametrize("width", ALL_WIDTHS)
def test_every_metric_fits(width, tmp_path):
    h, w = la.dims("H W")
    net = (
        la.Input(3, h, w)
        >> la.Conv(c, 3, stride=2, padding=1)
        >> la.ReLU()
        >> (la.Identity() + la.Conv(c, 3, padding=1)) ** 2
    )
    parts = []
    for metric in la.metrics():
        try:
            derivation = la.derive(metric, net)
        except la.LayerAlgebraError:
            continue
        parts.append(derivation.latex(style=la.Style(width=width)))
    assert len(parts) >= 8
    assert not overfull(
        compiled(tmp_path, "metrics", la.latex_document("\n\n".join(parts), style=la.Style(width=width)))
    )


def members():
    """One published network of every family."""
    found = {}
    for name in la.zoo.names():
        found.setdefault(la.zoo.info(name).family, name)
    return found.values()


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("width", ALL_WIDTHS)
def test_every_family_fits(width, tmp_path):
    parts = []
    for name in [*members(), "efficientnet_b7"]:
        net = la.zoo.build(name)
        derivations = la.derive("parameters", net) + la.derive("macs", net)
        style = la.Style(width=width)
        body = la.report_latex(derivations, style=style)
        parts += [r"\clearpage", rf"\section*{{{name.replace('_', ' ')}}}", body]
        total = derivations["macs"].formula
        assert str(total) in body.replace(r"\,", "") or not total.is_Integer
    log = compiled(tmp_path, "families", la.latex_document("\n\n".join(parts), style=la.Style(width=width)))
    assert not overfull(log)


@needs_latex
@pytest.mark.parametrize("width", ALL_WIDTHS)
def test_a_deep_network_goes_on_over_pages(width, tmp_path):
    net = la.zoo.build("efficientnet_b0")
    style = la.Style(width=width)
    body = la.report_latex(la.derive("parameters", net), style=style)
    log = compiled(tmp_path, "deep", la.latex_document(body, "EfficientNet-B0", style=style))
    assert not overfull(log)


def stated_laws(step: int) -> list[str]:
    """Names of arithmetic laws, every so many."""
    proofs.laws.load()
    return [law.name for law in registered() if law.kind == "arithmetic"][::step]


@needs_latex
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 12])
def test_every_law_fits(step, width, tmp_path):
    """As theorem and proof, each in a document of its own as far as letters go, all on the pages of one."""
    parts = [theorem_latex(proofs.named(name), style=la.Style(width=width)) for name in stated_laws(step)]
    assert len(parts) >= 100 // step
    for name, part in zip(stated_laws(step), parts, strict=True):
        assert part.count(r"\begin{proof}") == 1 and name.replace("_", " ") in part
    assert not overfull(compiled(tmp_path, "laws", la.latex_document("\n\n".join(parts), style=la.Style(width=width))))


@needs_latex
def test_the_page_of_the_example(tmp_path):
    place = Path(__file__).parents[1] / "examples" / "paper_page.py"
    if subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).returncode:
        pytest.skip("siunitx is not installed")
    spec = importlib.util.spec_from_file_location("paper_page", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = module.page()
    log = compiled(tmp_path, "page", source, runs=2)
    assert not overfull(log) and "Output written on page.pdf (1 page" in log
    assert not re.search("undefined", log)
    for part in (
        r"q_{t} &= Q x_{t}", r"q_{t}^{\top} \kappa_{s}", r"O (g_{t} \odot \ell_{t} + (1 - g_{t}) \odot h_{t}) + b", r"\Theta(T^{2})",
        "0.86 & 1.480", "1.05 & 2.147", "1.84 & 1.879", r"d_{\mathrm{model}} (2 d_{k} + k)",
    ):  # fmt: skip
        assert part in source


# ---------------------------------------------------------------- lines, read back


def read(latex: str, sizes: dict[str, int]) -> int:
    """The value of a formula that was broken into lines; multiplication, powers, sums, roundings."""
    text = re.sub(r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|&|\\\\|\\quad|\\bigl|\\bigr|\\left|\\right|\\,", " ", latex)
    text = text.replace(r"\cdot", " ")
    tokens = re.findall(r"\\[A-Za-z]+|\d+|[A-Za-z]|[-+/^(){}]", text)
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else ""

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def total():
        sign = -1 if peek() == "-" and take() else 1
        value = sign * product()
        while peek() in ("+", "-"):
            value = value + product() if take() == "+" else value - product()
        return value

    def product():
        value = power()
        while peek() and peek() not in ("+", "-", ")", "}", r"\rfloor", r"\rceil"):
            value = value / power() if peek() == "/" and take() else value * power()
        return value

    def power():
        value = atom()
        while peek() == "^":
            take()
            value **= int(atom())
        return value

    def atom():
        from fractions import Fraction
        from math import ceil, floor

        token = take()
        if token.isdigit():
            return Fraction(int(token))
        if token == r"\frac":
            return atom() / atom()
        if token in ("(", "{", r"\lfloor", r"\lceil"):
            value = total()
            take()
            return Fraction({r"\lfloor": floor, r"\lceil": ceil}.get(token, Fraction)(value))
        return Fraction(sizes[token])

    value = total()
    assert place == len(tokens), tokens[place:]
    return value


@pytest.mark.parametrize("width", [60, 90, 140, 400])
@pytest.mark.parametrize("form", ["shortest", "expanded", "factored"])
def test_broken_formulas_say_the_same(width, form):
    nets = [
        la.Conv(c, k, stride=s), la.Conv(c, k, stride=s) >> la.ReLU() >> la.Conv(2 * c, 3, padding=1),
        la.Conv(c, k) >> la.MaxPool(2) >> la.Conv(c + 7, k, stride=2), la.ConvTranspose(c, k, stride=s),
    ]  # fmt: skip
    sizes = {"H": 31, "W": 29, "c": 5, "k": 3, "s": 2}
    for net in nets:
        formula = la.macs(net, on=(c, H, W))
        expected = formula.subs({symbol: sizes[symbol.name] for symbol in formula.free_symbols})
        for text in (
            formula_latex(formula),
            la.latex(formula, style=la.Style(width=f"{max(40, width / 2.8):.1f}mm", form=form)),
        ):
            assert read(" ".join(broken(text, width)), sizes) == expected


def test_no_line_is_wider_than_it_may_be():
    formula = la.macs(la.Conv(c, k, stride=s) >> la.Conv(2 * c, 3, stride=s), on=(c, H, W))
    made = styled_latex(formula, SHORTEST, la.Style(width="50mm"))
    assert made.startswith(r"\begin{aligned}") and made.count(r"\\") >= 2


# ---------------------------------------------------------------- tables, propositions, sources


def test_tables_round_and_mark_what_is_best():
    table = la.Table(("network", "MACs"), (("a", 1480589312), ("b", 1879048192)))
    style = la.Style(units={"MACs": "G"}, digits=3, best={"MACs": "least"})
    made = la.latex(table, style=style)
    assert r"a & $\mathbf{1.481}$" in made and "b & $1.879$" in made and "MACs (G)" in made


def test_a_proposition_says_when():
    first = la.derive("macs", la.Linear(d), on=(T, c))
    second = la.derive("macs", la.Linear(7), on=(T, c))
    made = proposition_latex(first, second, names=("one", "other"))
    assert r"\begin{proposition}" in made and "$7 > d$" in made
    for size in range(1, 20):
        assert (first(T=3, c=2, d=size) < second(T=3, c=2)) == (7 > size)
    with pytest.raises(la.UnsupportedError, match="the same"):
        proposition_latex(first, first)


def test_bounds_of_one_size_are_joined():
    net = la.zoo.build("densenet121") if "densenet121" in la.zoo.names() else None
    assert net is not None
    h = la.dims("H")
    small = la.Input(3, h, W) >> la.Conv(8, 7, stride=2) >> la.MaxPool(3, stride=2) >> la.MaxPool(2)
    made = la.derive("macs", small).latex(style=la.Style())
    assert r"with $H, W \ge " in made and made.count(r"\ge") == 1


def test_every_source_is_in_the_bibliography():
    entries = la.bibliography()
    keys = re.findall(r"@\w+\{([\w-]+),", entries)
    assert len(keys) == len(set(keys)) >= 150
    root = Path(la.__file__).parents[1]
    cited = set()
    for folder in ("algebra", "layers", "proofs"):
        for path in (root / folder).rglob("*.py"):
            cited |= set(re.findall(r"arXiv:?\s+(\d{4}\.\d{4,5})", path.read_text(encoding="utf-8")))
    missing = sorted(number for number in cited if number not in entries)
    assert not missing


def test_laws_cite_by_key():
    proofs.laws.load()
    law = proofs.named("nested_floor")
    made = theorem_latex(law)
    assert made.startswith(r"\begin{theorem}") and r"\end{proof}" in made and r"m, n \ge 1" in made


# ---------------------------------------------------------------- letters of laws and of networks


def letters_of_law(theorem: str) -> tuple[list[str], set[str], set[str], set[str]]:
    """The letters that a theorem declares, binds in sums and the like, uses in its statement, and uses in its proof."""
    head, _, rest = theorem.partition("\\begin{align*}")
    head = re.split(r" (?:with|such that|if|where) ", head.partition("\n")[2])[0]
    stated, _, proof = rest.partition("\\end{theorem}")
    declared = [
        symbol
        for names in re.findall(r"\$([^$]*)\$", re.sub(r"\([^$]*?\):\s*$", "", head.rstrip()))
        for symbol in _SYMBOL.findall(bare(re.split(r"\\(?:ge|le|in|ne)\b|[<>]", names)[0]))
    ]
    bound = set(re.findall(rf"\\(?:sum|prod|max|min)(?:\\limits)?_\{{({_SYMBOL.pattern})\s*(?:=|\\le|\\in|<)", rest))
    used = set(_SYMBOL.findall(bare(stated)))
    lines = [line for line in proof.splitlines() if line.startswith("&") and r"\text" not in line]
    later = set(_SYMBOL.findall(bare(" ".join(lines))))
    return declared, bound, used, later


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_no_letter_of_a_law_means_two_things(step):
    for name in stated_laws(step):
        made = theorem_latex(proofs.named(name), style=la.Style())
        declared, bound, used, later = letters_of_law(made)
        assert declared and len(declared) == len(set(declared)), (name, declared)
        assert not bound & set(declared), (name, "bound and declared", bound & set(declared))
        assert used <= {*declared, *bound}, (name, "not declared", used - {*declared, *bound})
        assert len(later - {*declared, *bound}) <= 2, (name, later - {*declared, *bound})


def letters_of_report(report: str) -> tuple[set[str], set[str], set[str]]:
    """Letters of sizes as they are declared, of parts and of counts."""
    valid = re.findall(r"[Vv]alid for (?:all )?positive integers ((?:\$[^$]*\$(?:, | and )?)+)", report)
    sizes = {symbol for text in valid for name in re.findall(r"\$([^$]*)\$", text) for symbol in _SYMBOL.findall(name)}
    parts = set(re.findall(rf"^\s*({_SYMBOL.pattern})_\{{\d+\}} &=", report, re.MULTILINE))
    counts = set(re.findall(rf"^\s*({_SYMBOL.pattern}) &=", report, re.MULTILINE))
    return sizes, parts, counts


CLASHING = {
    "resnet18": {"base_width": "B", "height": "P", "width": "M"},
    "gpt2": {"features": "P", "depth": "B", "heads": "M", "vocabulary": "l"},
}


@pytest.mark.parametrize("name", CLASHING)
def test_no_letter_of_a_network_means_two_things(name):
    net = la.zoo.build(name, **{field: la.dims(letter) for field, letter in CLASHING[name].items()})
    style = la.Style()
    report = la.report_latex(la.derive("parameters", net) + la.derive("macs", net), style=style)
    sizes, parts, counts = letters_of_report(report)
    assert len(sizes) == len(CLASHING[name]) and parts and len(counts) == 2
    assert not sizes & parts and not sizes & counts and not parts & counts
    # Exponents of repetitions, in the network and in the tables, are sizes.
    assert set(re.findall(rf"\^\{{({_SYMBOL.pattern})\}}", report)) <= sizes
    rows = re.findall(r"^\$([^$]*)\$ &", notation_latex(style), re.MULTILINE)
    assert len(rows) == len(set(rows)) >= len(sizes | parts | counts)


@pytest.mark.slow
@pytest.mark.parametrize("name", members())
def test_no_letter_of_a_family_means_two_things(name):
    net, _ = la.zoo.symbolic(name)
    report = la.report_latex(la.derive("parameters", net) + la.derive("macs", net), style=la.Style())
    sizes, parts, counts = letters_of_report(report)
    assert sizes and len(counts) == 2 and not sizes & parts and not sizes & counts and not parts & counts


def test_exponents_in_tables_have_the_letters_of_the_document():
    n, m = la.dims("n m")
    net = la.Input(n) >> (la.Identity() + (la.Linear(n) >> la.ReLU() >> la.Linear(n))) ** (m + 1) >> la.Linear(3)
    made = la.latex(la.stage_table(la.derive("parameters", net)), style=la.Style(symbols={m: r"\lambda"}))
    assert r"$^{\lambda + 1}$" in made and "m" not in made.partition(r"\midrule")[2].replace(r"\midrule", "").split()
