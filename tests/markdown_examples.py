"""Run the examples of a Markdown file: ``python tests/markdown_examples.py README.md``.

Fenced blocks of ``python`` run in order in one namespace: as doctests where they hold ``>>>``, else as scripts. In
blocks of ``console``, each ``$ layeralgebra ...`` runs and, where output is shown, has to print it (``...`` matches
anything). A block of ``output`` is what the script before it prints. A block whose first line is ```` ```python needs=torch ```` runs only where torch is installed; with
``--left-out`` the blocks that do not run here are printed, and why, and none runs. The exit status is 1 if one fails.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^(?P<tick>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=tick)[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` counts the lines before its body."""

    language: str
    needs: tuple[str, ...]
    body: str
    line: int
    output: str | None = None

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def expected_output(text: str, end: int) -> str | None:
    """What the block of output says that stands next after a block which ends there."""
    following = FENCE.search(text, end)
    if following is None or following["info"].split() != ["output"] or text[end : following.start()].strip():
        return None
    return following["body"]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks that hold examples, in order."""
    for found in FENCE.finditer(text):
        language, *options = found["info"].split() or [""]
        unknown = [option for option in options if not option.startswith("needs=")]
        if language not in ("python", "console"):
            continue
        if unknown:
            raise SystemExit(f"unknown option {unknown[0]!r} after ```{language}; the only one is needs=MODULE,MODULE")
        needs = tuple(name for option in options for name in option.removeprefix("needs=").split(","))
        line = text.count("\n", 0, found.start("body"))
        yield Block(language, needs, found["body"], line, expected_output(text, found.end()))


def run_python(block: Block, path: Path, namespace: dict[str, Any]) -> list[str]:
    """Run one block of Python and return what failed."""
    if ">>>" not in block.body:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed if block.output is not None else sys.stdout):
                exec(compile("\n" * block.line + block.body, str(path), "exec"), namespace)  # our own documentation
        except Exception:
            return [f"{path}:{block.line}: the block failed\n{traceback.format_exc()}"]
        if block.output is None or doctest.OutputChecker().check_output(block.output, printed.getvalue(), FLAGS):
            return []
        return [f"{path}:{block.line}: the block prints\n{printed.getvalue()}where the page has\n{block.output}"]
    said: list[str] = []
    test = doctest.DocTestParser().get_doctest(block.body, namespace, path.name, str(path), block.line)
    test.globs = namespace  # the parser copies it; the next block is to see what this one defines
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False)
    return said


def run_console(block: Block, path: Path) -> list[str]:
    """Run the ``$ layeralgebra`` commands of one block and return what failed."""
    said = []
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        words = shlex.split(command, comments=True)
        if words[:1] != ["layeralgebra"]:
            continue
        made = subprocess.run(
            [sys.executable, "-P", "-m", *words], capture_output=True, text=True, env=environment, timeout=120
        )
        if made.returncode:
            said.append(f"{path}:{block.line}: $ {command}\nexit status {made.returncode}\n{made.stdout}{made.stderr}")
        elif expected.strip() and not doctest.OutputChecker().check_output(expected, made.stdout, FLAGS):
            said.append(f"{path}:{block.line}: $ {command}\nexpected:\n{expected}\ngot:\n{made.stdout}")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description="run the examples of a Markdown file")
    parser.add_argument("path", type=Path)
    parser.add_argument("--left-out", action="store_true", help="only print what does not run here")
    asked = parser.parse_args()
    found = list(blocks(asked.path.read_text(encoding="utf-8")))
    if asked.left_out:
        for block in found:
            if block.missing:
                print(f"{asked.path.name}:{block.line} needs {', '.join(block.missing)}")
        return 0
    sys.path.insert(0, "")  # as in an interactive session: the reader's own files come first
    failed: list[str] = []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in found:
        if not block.missing:
            console = block.language == "console"
            failed += run_console(block, asked.path) if console else run_python(block, asked.path, namespace)
    print("\n".join(failed) or f"{asked.path.name}: {len(found)} blocks of examples")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
