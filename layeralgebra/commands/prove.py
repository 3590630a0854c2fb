"""``layeralgebra prove``: laws against routes with times, and the exports of statements and proofs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..algebra.errors import FieldError
from . import Block
from .arguments import listed


@dataclass(frozen=True)
class Outcome:
    """What a run of proofs shows, and whether it is in order: nothing refuted, nothing required undecided."""

    table: Any
    ok: bool
    blocks: tuple[Block, ...]


def run(
    laws: Sequence[str],
    routes: Sequence[str] = (),
    export: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Outcome:
    """Prove laws and try the structural ones.

    Parameters
    ----------
    laws : sequence of str
        Names, or patterns such as ``receptive_field*``; all laws when there are none.
    routes : sequence of str
        Only these routes; all that a law states when there are none.
    export : Path, optional
        A folder for one SMT-LIB2 file a law, one Coq file, and a LaTeX appendix.
    progress : callable, optional
        Called with each law's name.
    """
    from .. import proofs
    from ..proofs.report import prove
    from ..proofs.samples.structural import try_law

    chosen = _chosen(listed(laws))
    arithmetic = [law.name for law in chosen if law.kind == "arithmetic"]
    structural = [law for law in chosen if law.kind == "structural"]
    blocks: list[Block] = []
    table = None
    ok = True
    if arithmetic:
        found = prove(arithmetic, listed(routes) or None, progress=progress)
        table, ok = found.to_rich(), found.ok
        if found.unproved and not routes:
            blocks.append(Block("not proved here", "\n".join(found.unproved)))
    if structural and not routes:
        lines = []
        for law in structural:
            if progress is not None:
                progress(law.name)
            trial = try_law(law)
            ok = ok and trial.witness is None
            lines.append(f"{law.name:<44} {trial}")
        blocks.append(Block("laws of networks, tried on samples (which refute and never prove)", "\n".join(lines)))
    if export is not None:
        written = proofs.export.write(export, arithmetic)
        others = [path for path in written if path.suffix != ".smt2"]
        lines = [f"{path}" for path in others] + [f"{len(written) - len(others)} files in {export / 'smtlib'}"]
        blocks.append(Block("written", "\n".join(lines)))
    return Outcome(table, ok, tuple(blocks))


def _chosen(wanted: Sequence[str]) -> list[Any]:
    from fnmatch import fnmatchcase

    from .. import proofs

    everything = list(proofs.laws())  # type: ignore[operator]  # a module that is called as a function
    if not wanted:
        return everything
    found: dict[str, Any] = {}
    for one in wanted:
        matching = [law for law in everything if fnmatchcase(law.name, one)]
        if not matching and any(sign in one for sign in "*?["):
            raise FieldError(f"no law has a name like {one!r}")
        for law in matching or [proofs.named(one)]:
            found[law.name] = law
    return list(found.values())
