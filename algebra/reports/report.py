"""`report`: everything about one network in a folder, one file for each writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sympy import Expr, Symbol

from ..arguments import as_elements, as_text, checked
from ..derivations.derivation import Derivation
from ..derivations.metric import METRICS as KNOWN
from ..derivations.metric import derive
from ..derivations.stages import stage_table, stages_of
from ..errors import DomainError, FieldError, FileError, LayerAlgebraError, ShapeError
from ..networks.network import Network
from ..writing import write_text
from .content import METRICS, Content
from .html_page import html_page

#: What is written into the folder: the name of each file, and what makes its text.
WRITERS: dict[str, Callable[[Content], str]] = {"index.html": html_page}

_TRIED = (224, 64, 32, 96, 128, 16, 12, 8, 4, 2, 1)


@checked
def report(
    net: Any,
    folder: str | Path,
    *,
    on: Any = None,
    stages: Any = None,
    at: Mapping[Any, int] | None = None,
    metrics: Any = METRICS,
    title: str = "",
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """A report about a network: a web page that needs no network access.

    ``index.html`` shows the diagram, the formulas with their kinds, domains and sources, the definition of each layer, and tables of stages
    and nodes. Sizes are changed in the page, which computes everything again, exactly, with the functions of `codegen`.

    Parameters
    ----------
    net : Network
    folder : str or Path
        Made if it is not there.
    on : shape, optional
        What enters a network without `Input`.
    stages : mapping of str to Network, optional
        The parts whose series the network is, such as ``zoo.stages("resnet50")``; found, if left out.
    at : mapping of symbols (or names) to int, optional
        The sizes that the page begins with.
    metrics : names of metrics
    title : str
    overwrite : bool
        Whether files that are there already are replaced.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    FieldError
        If `net` is no network, or a size or metric is unknown.
    FileError
        If a file cannot be written, or is there already.
    ShapeError
        If nothing enters an open network.

    Examples
    --------
    >>> import tempfile
    >>> from layeralgebra import Input, Linear, ReLU, dims
    >>> n, m = dims("n m")
    >>> [path.name for path in report(Input(n) >> Linear(m) >> ReLU(), tempfile.mkdtemp())]
    ['index.html']
    """
    if not isinstance(net, Network):
        raise FieldError(
            f"report is about a network, got {type(net).__name__}; write report(la.Input(4) >> la.Linear(2), 'out')"
        )
    content = content_of(net, on, stages, at, metrics, as_text(title, "the title of a report"))
    texts = {name: write(content) for name, write in WRITERS.items()}
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        raise FileError(f"the folder {str(target)[:200]!r} cannot be made: {problem}; give another") from None
    for name, text in texts.items():
        write_text(target / name, text, overwrite=overwrite)
    return tuple(target / name for name in texts)


def content_of(net: Network, on: Any, stages: Any, at: Any, metrics: Any, title: str) -> Content:
    """What a report tells."""
    if on is None and not net.has_input:
        raise ShapeError("the network has no Input; say what enters it: report(net, folder, on=(3, 32, 32))")
    names = [str(name) for name in as_elements((metrics,) if isinstance(metrics, str) else metrics, "metrics")]
    unknown = [name for name in names if name not in KNOWN and name not in METRICS]
    if unknown:
        raise FieldError(f"there is no metric {unknown[0]}; there are {', '.join(KNOWN)}")
    derivations: list[Derivation] = []
    left_out: dict[str, str] = {}
    for name in names:
        try:
            derivations.append(derive(name, net, on))
        except (FieldError, LayerAlgebraError) as problem:
            if name == names[0]:
                raise
            left_out[name] = str(problem)
    found = {symbol.name: symbol for part in derivations for symbol in part.symbols}
    entering = None if net.has_input else tuple(as_elements(on, "on"))
    parts = tuple(stages_of(net, stages, entering))
    terms: dict[str, dict[str, Any]] = {}
    for part in derivations:
        if not isinstance(part.formula, Expr) or part.metric.name not in ("parameters", "macs", "flops", "activations"):
            continue
        table = stage_table(part, stages)
        column = {row[0]: row[-1] for row in table.rows if row[0] != "total"}
        if all(isinstance(value, (Expr, int)) for value in column.values()):
            terms[part.metric.name] = column
    start = _start(derivations, found, at)
    return Content(
        title or "Network",
        net,
        tuple(derivations),
        parts,
        terms,
        stages,
        tuple(found[name] for name in sorted(found)),
        start,
        left_out,
    )


def _start(derivations: list[Derivation], found: Mapping[str, Symbol], at: Mapping[Any, int] | None) -> dict[str, int]:
    """Sizes to begin with: those that are given, and for the others the first that are in the domain."""
    given = {getattr(key, "name", str(key)): int(value) for key, value in (at or {}).items()}
    unknown = [name for name in given if name not in found]
    if at is not None and unknown and not set(given) & set(found):
        raise FieldError(f"there is no size {unknown[0]}; there are {', '.join(sorted(found)) or 'none'}")
    for size in _TRIED:
        sizes = {name: given.get(name, size) for name in found}
        try:
            for part in derivations:
                part.domain.check({symbol: sizes[symbol.name] for symbol in part.symbols})
        except DomainError:
            continue
        return sizes
    return {name: given.get(name, 64) for name in found}


__all__ = ["WRITERS", "content_of", "report"]
