"""The notebooks: their text is kept in ``notebooks/NAME.py``, their text with output in ``notebooks/NAME.ipynb``.

``python -P docs/notebooks.py [NAME ...]`` runs the text of all of them, or of those that are named, and writes the notebooks;
``python -P docs/notebooks.py --check NAME ...`` runs the text in this process, without a kernel, and says where it prints something else
than what the notebook shows. A text is in the percent format, which editors and jupytext read: a line ``# %%`` begins a cell of code,
``# %% [markdown]`` one of prose. ``tags=["varies"]`` behind it says that the output depends on the machine.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import math
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
MARK = re.compile(r"^# %%[ ]?(\[markdown\])?[ ]*(?:tags=(\[.*\]))?[ ]*$")
NUMBER = re.compile(r"(\d+\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+)")


@dataclass(frozen=True)
class Cell:
    """One cell: prose or code, its text, and its tags."""

    prose: bool
    text: str
    tags: tuple[str, ...] = ()


def names() -> list[str]:
    """The notebooks by name."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def cells(text: str) -> list[Cell]:
    """The cells of a text in the percent format.

    >>> cells("# %% [markdown]\\n# # A title\\n#\\n# and prose\\n\\n# %% tags=[\\"varies\\"]\\nx = 1\\n\\n\\n# %%\\nx\\n")
    ... # doctest: +NORMALIZE_WHITESPACE
    [Cell(prose=True, text='# A title\\n\\nand prose', tags=()), Cell(prose=False, text='x = 1', tags=('varies',)),
     Cell(prose=False, text='x', tags=())]
    """
    found: list[Cell] = []
    lines: list[str] = []
    head: re.Match[str] | None = None

    def close() -> None:
        if head is not None:
            prose = bool(head[1])
            body = [re.sub(r"^# ?", "", line) for line in lines] if prose else lines
            found.append(Cell(prose, "\n".join(body).strip("\n"), tuple(ast.literal_eval(head[2] or "[]"))))
        elif any(lines):
            raise ValueError(f"a text begins with a line # %%, not with {lines[0]!r}")

    for line in text.splitlines():
        if line.startswith("# %%"):
            close()
            head, lines = MARK.match(line), []
            if head is None:
                raise ValueError(f"the head of a cell is # %%, [markdown] and tags, not {line!r}")
        else:
            lines.append(line)
    close()
    return found


def notebook(name: str) -> dict[str, Any]:
    """A notebook without output, of the text of that name."""
    made = []
    for place, cell in enumerate(cells((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        entry: dict[str, Any] = {
            "cell_type": "markdown" if cell.prose else "code",
            "id": f"cell-{place}",
            "metadata": {"tags": list(cell.tags)} if cell.tags else {},
            "source": cell.text,
        }
        made.append(entry if cell.prose else {**entry, "execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(name: str, folder: Path) -> Any:
    """The notebook as a kernel runs it in a folder."""
    import nbformat
    from nbclient import NotebookClient

    found = nbformat.from_dict(notebook(name))
    NotebookClient(found, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    for cell in found.cells:
        cell.metadata.pop("execution", None)  # when it was run
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if len(data) > 1 and "text/plain" in data:  # shown in another form
                data["text/plain"] = textwrap.shorten(data["text/plain"], 80)
    found.metadata.language_info = {"name": "python"}
    return found


def _joined(outputs: list[Any]) -> list[Any]:
    """Outputs of a cell with what it prints in one piece, as often as the kernel sent it."""
    made: list[Any] = []
    for output in outputs:
        if made and output.output_type == "stream" and made[-1].get("name") == output.name:
            made[-1].text += output.text
        else:
            made.append(output)
    return made


def write(name: str) -> None:
    """Run a text and keep the notebook with its output."""
    import tempfile

    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(name, Path(folder)), FOLDER / f"{name}.ipynb")


def differences(name: str) -> Iterator[str]:
    """Where a text, run in this process, prints something else than its notebook shows; numbers may differ in the seventh digit."""
    kept = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    fresh = cells((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    if [(cell.prose, cell.text) for cell in fresh] != [
        (cell["cell_type"] == "markdown", "".join(cell["source"])) for cell in kept
    ]:
        yield f"notebooks/{name}.ipynb has another text than notebooks/{name}.py: run make notebooks"
        return
    module = types.ModuleType("the_notebook")
    sys.modules[module.__name__] = module
    for place, (cell, shown) in enumerate(zip(fresh, kept, strict=True)):
        if cell.prose:
            continue
        made, wanted = _run(cell.text, module.__dict__, f"{name}.py, cell {place}"), _shown(shown["outputs"])
        if "varies" not in cell.tags and not same(made, wanted):
            yield f"{name}, cell {place}:\n{cell.text}\nprints\n{made}\nand the notebook shows\n{wanted}"


def _run(text: str, namespace: dict[str, Any], place: str) -> str:
    """What a cell prints, and its last expression."""
    from IPython.lib.pretty import pretty

    tree = ast.parse(text, place)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, place, "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), place, "eval"), namespace) if last is not None else None
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    return printed.getvalue() + (_richest(value, pretty) if value is not None else "")


def _richest(value: Any, pretty: Any) -> str:
    """An object in the form in which a notebook shows it."""
    for form in ("_repr_html_", "_repr_latex_"):
        found = getattr(value, form, lambda: None)()
        if found is not None:
            return str(found)
    return str(pretty(value))


def _shown(outputs: list[dict[str, Any]]) -> str:
    parts = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            parts.append("".join(output["text"]))
        elif output["output_type"] == "execute_result":
            data = output["data"]
            parts.append(
                "".join(next(data[form] for form in ("text/html", "text/latex", "text/plain") if form in data))
            )
    return "".join(parts)


def same(first: str, second: str) -> bool:
    """Whether two texts are equal but for spaces and what floating point may do to a number.

    >>> same("a = 0.30000000000000004,\\n b", "a = 0.3, b"), same("a = 0.31", "a = 0.3"), same("3", "4")
    (True, False, False)
    """
    left, right = (NUMBER.split(" ".join(text.split())) for text in (first, second))
    return len(left) == len(right) and all(
        math.isclose(float(one), float(other), rel_tol=1e-6, abs_tol=1e-9) if place % 2 else one == other
        for place, (one, other) in enumerate(zip(left, right, strict=True))
    )


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    chosen = [argument for argument in arguments if argument != "--check"] or names()
    if unknown := set(chosen) - set(names()):
        print(f"no text of that name: {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    found = 0
    for name in chosen:
        if check:
            for difference in differences(name):
                print(difference)
                found += 1
        else:
            write(name)
            print(f"notebooks/{name}.ipynb")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
