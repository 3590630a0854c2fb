"""Why an import was refused: all that stands in its way, not only what was met first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from layeralgebra import LayerAlgebraError


def reasons(error: BaseException, again: Callable[[], Any]) -> list[str]:
    """The kinds of what refuses a model, each once.

    The import is tried a second time with rules that let something stand in for what they refuse, so that the rest is looked at too. If
    that does not come further, the first error is the only one known.
    """
    found = kinds(str(error), type(error).__name__, isinstance(error, LayerAlgebraError))
    try:
        with _lenient() as met:
            again()
    except LayerAlgebraError as second:
        if "operators that no layer is known for" in str(second):
            met += kinds(str(second), "", True)
    except Exception:  # what stands in does not carry everywhere
        pass
    listed = "operators that no layer is known for" in str(error)
    all_of_them = [*found, *met] if listed or not met else met
    # A part of what something stands in for is missing because of that alone.
    first = [reason for reason in all_of_them if not reason.startswith("<built-in function getitem>")]
    return list(dict.fromkeys(first or all_of_them))


def kinds(text: str, error: str = "", own: bool = True) -> list[str]:
    """The missing operators that a message lists, or what it says."""
    if "operators that no layer is known for" in text:
        return re.findall(r"^  (\S+): \d+ time", text, re.MULTILINE)
    line = text.strip().splitlines()[0] if text.strip() else ""
    return [kind(line) if own else f"{error}: {kind(line)}"]


def kind(line: str) -> str:
    """A message without names, places and numbers, so that equal refusals of different models are one."""
    line = re.sub(r"^(\w+?)(_\d+)?: ", r"\1: ", line)  # the node's name, numbered where there are several
    line = re.sub(r" at [\w.]+(\.[\w.]+)*", "", line)
    line = re.sub(r"\([^()]*\d[^()]*\)", "(...)", line)
    line = re.sub(r"\b\w*?_?\d+(\.\d+)?\w*\b", "#", line)
    return re.sub(r"\s+", " ", line)[:140]


@contextmanager
def _lenient() -> Iterator[list[str]]:
    """Rules that never refuse, and what they would have said."""
    from layeralgebra.layers.torch import translator

    met: list[str] = []
    rules = dict(translator.RULES)

    def patient(name: str, rule: Any) -> Any:
        def tried(t: Any, node: Any) -> None:
            try:
                rule(t, node)
            except Exception as error:
                own = isinstance(error, LayerAlgebraError)
                said = kinds(str(error), type(error).__name__, own)[0]
                met.append(said if said.startswith(f"{name}: ") else f"{name}: {said}")
                t.stand_in(node)

        return tried

    @contextmanager
    def uncounted(self: Any, *_: Any) -> Iterator[None]:
        yield

    counting = translator.Translator.counting
    for name, rule in rules.items():
        translator.RULES[name] = patient(name, rule)
    translator.Translator.counting = uncounted
    try:
        yield met
    finally:
        translator.RULES.update(rules)
        translator.Translator.counting = counting
