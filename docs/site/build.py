"""The documentation as a site: ``python -P docs/site/build.py FOLDER`` writes its sources and its pages into a folder.

The sources are the Markdown files of the project, the notebooks, and the pages that follow from the registries; what warns, fails, and so
does a link that leads nowhere. With ``--short`` the gallery has a few networks, which takes a minute less.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
ORDER = "tutorial language heads guide recipes models networks/index layers/index mathematics/index api/index"
MORE = "installing json exactness deviations comparison speed"
BENCHMARKS = ("results.md", "imports.md", "mutation.md")


def sources(short: bool = False) -> dict[str, str]:
    """The text of every page in Markdown by its path in the site."""
    sys.path.insert(0, str(HERE))
    from pages import generated

    found = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
    found = {name: re.sub(r"\]\(\.\./", "](", text) for name, text in found.items()}
    found |= {f"benchmarks/{name}": (ROOT / "benchmarks" / name).read_text(encoding="utf-8") for name in BENCHMARKS}
    found |= generated(short)
    found["index.md"] = _index()
    there = {*found, *(f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb"))}
    return {name: _followed(name, text, there) for name, text in found.items()}


def _index() -> str:
    first = (ROOT / "README.md").read_text(encoding="utf-8")
    first = first[: first.index("## Where to go on")]
    first = re.sub(
        r"^<img[^>]*>\n",
        '<img src="_static/network.svg" align="right" alt="The network of the example">\n',
        first,
        flags=re.M,
    )
    first = first.replace("](docs/", "](").replace("```output", "```text")
    notebooks = " ".join(f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb")))
    figures = " ".join(f"benchmarks/{Path(name).stem}" for name in BENCHMARKS)
    trees = [
        ("The language and what to do with it", ORDER),
        ("Notebooks", notebooks),
        ("Reference", f"{MORE} {figures}"),
    ]
    return first + "\n".join(
        "```{toctree}\n:hidden:\n:maxdepth: 1\n:caption: " + title + "\n\n" + "\n".join(names.split()) + "\n```\n"
        for title, names in trees
    )


def _followed(name: str, text: str, there: set[str]) -> str:
    """A page whose links to files that are no pages are their words."""
    folder = Path(name).parent

    def link(found: re.Match[str]) -> str:
        target = Path(*_resolved(folder / found[2]))
        return found[0] if str(target) in there else found[1]

    parts = re.split(r"(^```.*?^```[ \t]*$|`[^`\n]*\]\([^`\n]*`)", text, flags=re.MULTILINE | re.DOTALL)
    plain = "".join(part if place % 2 else LINK.sub(link, part) for place, part in enumerate(parts))
    plain = re.sub(r"^```(python|console) needs=\S+$", r"```\1", plain, flags=re.MULTILINE)
    return plain.replace("```output\n", "```text\n")


def _resolved(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts


def main(folder: Path, short: bool = False) -> int:
    from sphinx.cmd.build import build_main

    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    for name, text in sources(short).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, source / "notebooks" / path.name)
    shutil.copytree(ROOT / "docs" / "pictures", source / "pictures")
    status = build_main(["-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE), str(source), str(folder / "html")])
    static = folder / "html" / "_static"
    if static.exists():
        shutil.copy(ROOT / "docs" / "pictures" / "network.svg", static)
        print(folder / "html" / "index.html")
        from links import broken

        for said in broken(folder / "html"):
            print(said, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--short" in sys.argv[2:]))
