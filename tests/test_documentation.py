"""The documentation has a page for everything registered, its links and anchors lead somewhere, its pictures are what is drawn."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import layeralgebra as la
from layeralgebra.commands.results import FIELDS

ROOT = Path(__file__).resolve().parents[1]
PROSE = re.compile(r"^```.*?^```[ \t]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pages(monkeypatch):
    """The package that writes pages, found only for the time of a test."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "site"))
    yield importlib.import_module("pages")
    for name in [name for name in sys.modules if name.split(".")[0] == "pages"]:
        del sys.modules[name]


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_pictures_are_what_the_library_draws():
    for name, text in loaded("docs/pictures.py").pictures().items():
        assert (ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8") == text, "run python -P docs/pictures.py"


@pytest.mark.parametrize("name", ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_anchors_are_there(name):
    page = ROOT / name
    for path, mark in re.findall(
        r"\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)", PROSE.sub("", page.read_text(encoding="utf-8"))
    ):
        target = (page.parent / path) if path else page
        assert mark in map(anchor, headings(target.read_text(encoding="utf-8"))), f"{path}#{mark}"


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_fields_of_records_are_those_of_the_commands():
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", page[page.index("## The fields") :], re.MULTILINE))
    assert rows == FIELDS


def test_every_extra_is_explained():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    rows = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs" / "installing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(extras) - {"test", "lint"} == {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_layer_metric_law_and_name_has_its_entry(pages):
    from layeralgebra.commands.catalogue import names

    there: set[str] = set()
    for part in ("layers", "metrics", "api"):
        for text in importlib.import_module(f"pages.{part}").pages().values():
            there |= {heading.replace("\\", "") for heading in headings(text)}
    assert not set(la.__all__) - there - {"zoo", "proofs"}
    assert not {*names("laws"), *names("metrics"), *(layer.__name__ for layer in la.registered_layers())} - there


def test_a_family_has_its_page(pages):
    text = importlib.import_module("pages.networks")._family("alexnet" if "alexnet" in la.zoo.families() else "resnet")
    assert "<svg" in text and "{math}" in text and "hyperparameters" in text.lower()


def test_every_head_of_the_language_is_shown_in_an_example(pages):
    from typing import get_args

    from layeralgebra.algebra.equations import heads
    from layeralgebra.algebra.equations.functions import FUNCTIONS

    module = importlib.import_module("pages.heads")
    assert set(module.EXAMPLES) == set(module.said()) == {head.__name__ for head in get_args(heads.Head)}
    shape = {
        "Times": (5,),
        "IndexValue": (5,),
        "Read": (5,),
        "Plus": (5,),
        "Apply": (5,),
        "Pad": (5,),
        "Constant": (5,),
    }
    for head in get_args(heads.Head):
        layer = module.example(head.__name__)
        instance = layer.instance(shape.get(head.__name__, (4, 5)))
        found = {type(part) for statement in instance.statements for part in heads.walk(statement.value)}
        assert head in found, head
    text = module.pages()["heads.md"]
    assert all(f"`{name}(" in text for name in set(FUNCTIONS) - {"divide", "power"})


def test_links_of_a_site_are_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text(
        '<a href="a/b.html#here">b</a><a href="a/c.html">c</a><a href="https://x.org/y">y</a>'
    )
    (tmp_path / "a" / "b.html").write_text('<p id="there"><a href="../index.html">up</a><a href="#there">on</a></p>')
    assert list(loaded("docs/site/links.py").broken(tmp_path)) == [
        "index.html: a/b.html#here: there is no such place", "index.html: a/c.html: there is no such file"
    ]  # fmt: skip
