"""``layeralgebra check file.py::MyLayer``: is the layer's equation sound, are its claims true, do the laws hold for it?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer
from . import Block, Failed
from .arguments import shape
from .folding import folded
from .networks import guarded, module_in
from .results import Record


def run(
    model: str, on: str | None = None, examples: int | None = None, latex: bool = False, width: int = 100
) -> Iterator[Block | Record | Failed]:
    """The reports on what a file defines.

    Parameters
    ----------
    model : str
        ``file.py::Name``, or ``file.py`` for all classes of layers that the file defines, or the name of a layer of the library.
    on : str, optional
        A shape of integers, ``3,8,8``.
    examples : int, optional
    latex : bool
    width : int
        Characters in a line.
    """
    from ..proofs.checks.check import check

    sizes = None if on is None else shape(on)
    if sizes is not None and not all(isinstance(size, int) for size in sizes):
        raise FieldError(f"check needs integers for --on, got {on}")
    subjects = _subjects(model)
    with guarded(Path(model.partition(":")[0])) if ".py" in model else nullcontext():
        reports = [check(subject, sizes, examples, latex=latex) for subject in subjects]
    for report in reports:
        yield from records(report)
        yield Block("", folded(str(report), width))
    if not all(report.ok for report in reports):
        yield Failed()


def records(report: Any) -> Iterator[Record]:
    """A record for each law that was checked, and one for the whole."""
    from ..proofs.verdict import Proved, Refuted

    for result in report.results:
        verdict = result.verdict
        if isinstance(verdict, Proved):
            kind, note = "proved", verdict.certificate.summary
        elif isinstance(verdict, Refuted):
            kind, note = "refuted", str(verdict.witness)
        else:
            kind, note = ("held", "") if result.cases else ("undecided", verdict.reason)
        yield Record(
            report.subject, "verdict", result.law, value=result.cases or None, unit="samples", kind=kind, note=note
        )
    yield Record(report.subject, "verdict", value="in order" if report.ok else "not in order")


def _subjects(model: str) -> list[Any]:
    name, colons, attribute = model.partition("::")
    if not colons and ".py:" in model:
        name, _, attribute = model.rpartition(":")
    if not name.endswith(".py"):
        from ..layers import REGISTRY

        if name in REGISTRY and not colons:
            return [REGISTRY[name]]
        raise FieldError(f"{model} is neither a layer of the library nor file.py::Name")
    module = module_in(Path(name))
    if attribute:
        found = getattr(module, attribute, None)
        if found is None:
            raise FieldError(f"{name} has no {attribute!r}")
        return [found]
    own = [
        one for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Layer) and one.__module__ == module.__name__
    ]  # fmt: skip
    if not own:
        raise FieldError(f"{name} defines no class of layers; say what is to be checked, as in {name}::my_layer")
    return own
