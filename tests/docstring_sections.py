"""What stands in a docstring, by section, and what a section lacks; used by the tests of layers and of callables."""

from __future__ import annotations

import inspect
import re


def sections(text: str | None) -> dict[str, list[str]]:
    """Lines by section in the numpydoc form; what comes before the first title stands under ''."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    lines = inspect.cleandoc(text or "").splitlines()
    for line, following in zip(lines, [*lines[1:], ""]):
        if line and re.fullmatch("-+", following) and len(following) == len(line):
            title = line
            found[title] = []
        elif not (title and not found[title] and re.fullmatch("-+", line)):
            found[title].append(line)
    return found


def entries(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Name to kind and description, of a section such as Parameters; names that share an entry are told apart."""
    found: dict[str, tuple[str, str]] = {}
    for block in re.split(r"\n(?=\S)", "\n".join(lines).strip()):
        head, _, description = block.partition("\n")
        names, _, kind = head.partition(" : ")
        found |= {name.strip(): (kind.strip(), inspect.cleandoc(description).strip()) for name in names.split(",")}
    return {name: entry for name, entry in found.items() if name}


def summary_faults(text: str | None) -> list[str]:
    """One line that ends as a sentence does, and after it nothing or an empty line."""
    first, *rest = sections(text)[""] or [""]
    if not first.endswith((".", ":")) or rest and rest[0]:
        return ["no summary line"]
    return []


def example_faults(text: str | None) -> list[str]:
    """At least one example; whether it is true is found out by running it, in `test_examples.py`."""
    return [] if any(line.startswith(">>> ") for line in sections(text).get("Examples", ())) else ["no example"]


def reference_faults(text: str | None) -> list[str]:
    """Every reference has a title in quotation marks, and a year or an address."""
    cited = [" ".join(block.split()) for block in "\n".join(sections(text).get("References", ())).split("\n\n")]
    wrong = [one for one in cited if one and not re.search(r'"[^"]+".*(\b(1[89]|20)\d\d\b|https://\S)', one)]
    return [f"a reference without title and year: {one}" for one in wrong] or ([] if any(cited) else ["no reference"])
