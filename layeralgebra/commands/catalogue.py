"""``layeralgebra list``: the networks, layers, metrics and laws that there are, each in a line, with its source."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..algebra.errors import FieldError
from . import Block
from .results import Record

INDENT = "  "


def run(kind: str | None = None, words: Sequence[str] = (), width: int = 100) -> Iterator[Block | Record]:
    """A line for each of a kind whose name or summary holds all words; without a kind, of all kinds.

    Parameters
    ----------
    kind : str, optional
        networks, layers, metrics or laws.
    words : sequence of str
    width : int
        Characters in a line.
    """
    if kind is not None and kind not in KINDS:
        raise FieldError(f"there is no list of {kind!r:.80}; there are {', '.join(KINDS)}")
    asked = [word.lower() for word in words]
    some = False
    for each in [kind] if kind else KINDS:
        everything = list(KINDS[each]())
        found = [record for record in everything if all(word in _searched(record) for word in asked)]
        some = some or bool(found)
        if not found and asked:
            continue
        yield from found
        count = f"{len(found)} of {len(everything)}" if asked else str(len(found))
        yield Block(f"{each} ({count})", "\n".join(_lines(found, width)))
    if not some:
        raise FieldError(
            f"no {kind or 'name'} with {' and '.join(repr(word[:80]) for word in words)}; layeralgebra list {kind or ''}".rstrip()
        )


def _searched(record: Record) -> str:
    return f"{record.subject} {record.note} {record.part}".lower()


def _lines(records: Sequence[Record], width: int) -> Iterator[str]:
    """Name and summary; the source below, once for neighbours that share it."""
    widest = max((len(record.subject) for record in records), default=0)
    place = min(widest, 28, max(8, width // 3)) + 2 * len(INDENT)
    for number, record in enumerate(records):
        name = INDENT + record.subject
        if record.note:
            filled = textwrap.wrap(record.note, max(width - place, 20), break_long_words=False, break_on_hyphens=False)
            if len(name) > place - 2:
                yield name
                name = ""
            yield f"{name:<{place}}{filled[0]}"
            yield from (" " * place + line for line in filled[1:])
        else:
            yield name
        last = number + 1 == len(records) or records[number + 1].source != record.source
        if record.source and last:
            yield from textwrap.wrap(
                f"[{_citation(record.source)}]", width, initial_indent=" " * place, subsequent_indent=" " * (place + 1),
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip


def _citation(source: str) -> str:
    """A source without the addresses that follow what they are of; one that is nothing but an address stays."""
    return re.sub(r"(?<=\S),?\s+<?https?://[^\s>]*[^\s>.,;:)]>?", "", source)


def _summary(documentation: str | None) -> str:
    """The first paragraph of a docstring, as one line."""
    return " ".join((documentation or "").strip().partition("\n\n")[0].split()).replace("``", "").replace("`", "")


def _references(documentation: str | None) -> str:
    """What a docstring refers to, as one line."""
    found = re.search(
        r"^[ ]*References\n[ ]*-+\n(.*?)(?=\n[ ]*\n[ ]*\w[^\n]*\n[ ]*---|\Z)", documentation or "", re.M | re.S
    )
    return " ".join(found[1].split()) if found else ""


def networks() -> Iterator[Record]:
    """Published networks, by family."""
    from ..layers import zoo

    for family in zoo.families().values():
        for name in family.published:
            yield Record(name, "network", family.name, source=family.paper, note=_summary(family.__doc__))


def layers() -> Iterator[Record]:
    """The layers of the library."""
    from ..layers import REGISTRY

    for name, kind in sorted(REGISTRY.items()):
        yield Record(
            name,
            "layer",
            kind.__module__.rpartition(".")[2],
            source=_references(kind.__doc__),
            note=_summary(kind.__doc__),
        )


def metrics() -> Iterator[Record]:
    """What can be asked of a network."""
    from ..algebra.derivations.metric import METRICS

    for name, metric in METRICS.items():
        kind = metric.kind if isinstance(metric.kind, str) else ""
        yield Record(
            name, "metric", unit=metric.unit, kind=kind, source=metric.source, note=_summary(metric.documentation)
        )


def laws() -> Iterator[Record]:
    """The laws that `prove` proves."""
    from .. import proofs

    for law in proofs.laws():  # type: ignore[operator]  # a module that is called as a function
        status = law.status.partition(":")[0].partition(",")[0]
        yield Record(
            law.name, "law", law.subject, kind=law.kind, source=law.cites, note=f"{_summary(law.note)} ({status})"
        )


KINDS: dict[str, Callable[[], Iterator[Record]]] = {
    "networks": networks, "layers": layers, "metrics": metrics, "laws": laws,
}  # fmt: skip


def names(kind: str) -> list[str]:
    """The names of a kind, for completion."""
    found: Any = {"networks": _network_names, "metrics": _metric_names, "laws": _law_names, "layers": _layer_names}
    return found[kind]()


def _network_names() -> list[str]:
    from ..layers import zoo

    return zoo.names()


def _metric_names() -> list[str]:
    from ..algebra.derivations.metric import METRICS

    return list(METRICS)


def _layer_names() -> list[str]:
    from ..layers import REGISTRY

    return sorted(REGISTRY)


def _law_names() -> list[str]:
    return [record.subject for record in laws()]
