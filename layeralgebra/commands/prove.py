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
        Names, or patterns such as ``receptive_field*``; all laws when there are none. ``my_laws.py`` is every law of a file, and
        ``my_laws.py::my_law`` one of them. The file is the caller's own code: it is imported, as pytest imports a file of tests.
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
        found = prove([law for law in chosen if law.kind == "arithmetic"], listed(routes) or None, progress=progress)
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
        if ".py" in one:
            found |= {law.name: law for law in of_file(one)}
            continue
        matching = [law for law in everything if fnmatchcase(law.name, one)]
        if not matching and any(sign in one for sign in "*?["):
            raise FieldError(f"no law has a name like {one!r}")
        for law in matching or [proofs.named(one)]:
            found[law.name] = law
    return list(found.values())


def of_file(where: str) -> list[Any]:
    """The laws of a Python file, or the one named after ``::``; the file is imported, so it must be the caller's own."""
    import importlib.util
    import sys

    from ..proofs.law import Law

    file, _, name = where.partition("::")
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise FieldError(f"{file!r} is no Python file with laws; write my_laws.py::my_law")
    key = f"laws_in_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    try:
        spec.loader.exec_module(module)
    except FieldError:
        raise
    except Exception as error:
        raise FieldError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.modules.pop(key, None)
    laws = {each.name: each for each in vars(module).values() if isinstance(each, Law)}
    if not laws:
        raise FieldError(f"{file} has no laws; a law is a function decorated with layeralgebra.proofs.law")
    if name and name not in laws:
        raise FieldError(f"{file} has no law {name!r}; it has {', '.join(laws)}")
    return [laws[name]] if name else list(laws.values())
