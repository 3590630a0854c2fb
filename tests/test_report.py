"""The page of a report, run in headless Chromium: its numbers against Python's, names from outside, what it needs."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
import subprocess
from fractions import Fraction

import pytest
import sympy

import layeralgebra as la
from layeralgebra.algebra.compilation.interface import CompiledFormula
from layeralgebra.algebra.errors import DomainError, FieldError, FileError
from layeralgebra.algebra.formulas.records import as_formulas

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
H, W, c, L = la.dims("H W c L")
BLOCK = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
NET = la.Input(3, H, W) >> BLOCK >> (la.Identity() + BLOCK) ** L >> la.GlobalAvgPool() >> la.Linear(1000)


def in_chromium(page, script, folder):
    """What a script leaves as JSON when it runs after those of the page."""
    text = page.read_text(encoding="utf-8")
    end = (
        '<pre id="answer"></pre><script>window.errors = window.errors || []; (() => { let found; '
        f"try {{ found = (() => {{ {script} }})(); }} catch (error) {{ found = {{error: String(error)}}; }} "
        'document.getElementById("answer").textContent = JSON.stringify({found, errors: window.errors}); })();</script></body>'
    )
    begin = '<head><script>window.errors = []; addEventListener("error", (event) => window.errors.push(String(event.message)));</script>'
    copy = folder / "copy.html"
    copy.write_text(text.replace("<head>", begin, 1).replace("</body>", end, 1), encoding="utf-8")
    profile = folder / "profile"
    profile.mkdir(exist_ok=True)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--dump-dom", "--window-size=390,844"]  # fmt: skip
    run = subprocess.run([str(CHROMIUM), *flags, copy.as_uri()], capture_output=True, text=True, timeout=120)
    match = re.search(r'<pre id="answer">(.*?)</pre>', run.stdout, re.S)
    assert match, run.stderr[-2000:]
    answer = json.loads(html.unescape(match[1]))
    assert answer["errors"] == [], answer["errors"]
    return answer["found"]


def shown(value):
    """A value as the page writes it."""
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(shown, value)) + ")"
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else str(value)


def settings(r, derivations, start):
    """100 settings of all sizes: near those that are given, small ones, and ones of many digits."""
    names = sorted({symbol.name for part in derivations for symbol in part.symbols})
    for place in range(100):
        most = [4, 40, 10**6, 10**25][place % 4]
        yield {
            name: max(1, start[name] + r.choice([1, 16, 16]) * r.randint(0, 3))
            if r.random() < 0.5 or place % 3 == 0
            else r.randint(1, most)
            for name in names
        }


METRICS = ("parameters", "macs", "flops", "activations", "depth", "output_shape", "receptive_field")


def expected(derivations, at):
    found = {}
    for part in derivations:
        compiled = CompiledFormula(part, "python")
        try:
            values = compiled.flat(**{name: at[name] for name in compiled.arguments})
        except DomainError:
            found[part.metric.name] = "error"
            continue
        single = len(as_formulas(part, "compile").expressions) == 1
        found[part.metric.name] = shown(values[0] if single else values)
    return found


def published(name):
    net, sizes = la.zoo.symbolic(name)
    return net, {symbol.name: size for symbol, size in sizes.items()}


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("unet", "mobilenet_v2")]


@needs_chromium
@pytest.mark.parametrize("name", ["README", "resnet50", "gpt2", *SLOW])
def test_a_hundred_random_settings_equal_python(name, tmp_path):
    net, start = (NET, {"H": 224, "W": 224, "c": 64, "L": 4}) if name == "README" else published(name)
    (page,) = la.report(net, tmp_path / "out", at=start)
    derivations = [la.derive(metric, net) for metric in METRICS]
    chosen = list(settings(random.Random(3), derivations, start))
    chosen.append({key: start[key] for key in chosen[0]})
    texts = [{key: str(value) for key, value in at.items()} for at in chosen]
    found = in_chromium(page, f"return {json.dumps(texts)}.map((at) => layeralgebra.evaluate(at));", tmp_path)
    right = 0
    for at, got in zip(chosen, found, strict=True):
        want = expected(derivations, at)
        assert got == want, at
        right += sum(value != "error" for value in want.values())
    assert right > 50 and "error" not in found[-1].values()


def test_the_page_stands_alone_and_is_small(tmp_path):
    changes = {"height": H, "width": W, "base_width": c}
    net, stages = la.zoo.build("resnet50", **changes), la.zoo.stages("resnet50", **changes)
    (page,) = la.report(net, tmp_path, stages=stages, at={"H": 224, "W": 224, "c": 64}, title="ResNet-50")
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 10**6
    outside = re.findall(
        r"(?:src|href|url|import|fetch)\s*[=(]\s*['\"]?[^'\" >)]*", text.replace("http://www.w3.org/2000/svg", "")
    )
    assert not outside and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "stage3" in text and "<math>" in text and "<svg" in text and "4089184256" not in text
    with pytest.raises(FileError, match="overwrite"):
        la.report(net, tmp_path)


@needs_chromium
def test_what_is_typed_is_computed(tmp_path):
    (page,) = la.report(NET, tmp_path / "out", at={"H": 224, "W": 224, "c": 64, "L": 4})
    script = """
        const type = (name, text) => { const field = document.getElementById(`field${SIZES.findIndex((s) => s.name === name)}`);
          field.value = text; field.dispatchEvent(new Event("input")); };
        const card = (k) => document.querySelectorAll("#cards b")[k].textContent.replace(/\\u202f/g, "");
        const seen = [card(1)];
        type("c", "100000000000000000000"); seen.push(card(1));
        type("c", "none"); seen.push(document.getElementById("problem").textContent, card(1));
        type("c", "0"); seen.push(card(1), document.getElementById("problem").textContent);
        type("c", "64"); seen.push(card(1));
        const wide = document.documentElement.scrollWidth <= window.innerWidth;
        const labelled = [...document.querySelectorAll("input, select")].every((x) => x.labels.length || x.getAttribute("aria-label"));
        const plots = [...document.querySelectorAll("#curve svg, #heat svg")].map((svg) => svg.getAttribute("aria-label"));
        return {seen, wide, labelled, plots};
    """
    found = in_chromium(page, script, tmp_path)
    macs = la.derive("macs", NET)
    huge = macs(H=224, W=224, c=10**20, L=4)
    assert found["seen"][:2] == ["7485520384", str(huge)]
    assert found["seen"][2:4] == ["c must be an integer", str(huge)]
    assert found["seen"][4] == "—" and "domain" in found["seen"][5] and found["seen"][6] == "7485520384"
    assert found["wide"] and found["labelled"], "nothing is wider than a phone, every control has a label"
    assert found["plots"] == ["MACs against H", "MACs over H and L"]


HOSTILE = [
    "</script><script>window.errors.push('ran')</script>",
    "\"'><img src=x onerror=window.errors.push('ran')>",
    "a\\",
    "${1}`",
    "__proto__",
]


@needs_chromium
@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_are_text(name, tmp_path):
    size = sympy.Symbol(name, integer=True, positive=True)
    stages = {
        "in": la.Input(size, 8),
        name + "1": la.Conv(4, 3, padding=1) >> la.ReLU(),
        "end": la.Linear(size).shared(name),
    }
    net = la.Series(*stages.values())
    (page,) = la.report(net, tmp_path / "out", stages=stages, title=name)
    script = "return [layeralgebra.sizes, layeralgebra.evaluate({[SIZES[0].name]: 5}), document.title, document.querySelectorAll('img').length];"
    sizes, values, title, images = in_chromium(page, script, tmp_path)
    assert sizes == [name] and title == name.strip() and images == 0
    assert values["parameters"] == str(la.derive("parameters", net)({size: 5}))


def test_what_is_asked_is_checked(tmp_path):
    with pytest.raises(FieldError, match="report"):
        la.report("resnet50", tmp_path)
    with pytest.raises(FieldError, match="no metric"):
        la.report(NET, tmp_path, metrics=["beauty"])
    with pytest.raises(FieldError, match="no size"):
        la.report(NET, tmp_path, at={"Q": 4})
