"""``layeralgebra certify``: a formula as a Coq file that proves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..algebra.derivations.metric import derive
from ..algebra.writing import write_text
from ..proofs.certificates.certificate import certify
from ..proofs.verdict import Proved
from . import Block, Failed
from .arguments import assignments, shape
from .folding import folded
from .networks import find
from .results import Record, of_derivation


def run(
    model: str,
    metric: str,
    file: Path,
    changes: Sequence[str] = (),
    on: str | None = None,
    checking: bool = False,
    overwrite: bool = False,
    width: int = 100,
) -> Iterator[Block | Record | Failed]:
    """Write the certificate, say what it proves, and have Coq check it where that is asked for."""
    found = find(model, assignments(changes), None if on is None else shape(on))
    options = {"apart": True} if metric == "flops" else {}
    derivation = derive(metric, found.net, found.on, **options)
    certificate = certify(derivation)
    write_text(file, certificate.text, overwrite=overwrite)
    yield from of_derivation(found.name, derivation)
    yield Record(found.name, "theorem", metric, note=certificate.theorem)
    yield Record(found.name, "file", file.name, value=file.stat().st_size, unit="bytes", note=str(file))
    yield Block("What it proves", folded(certificate.theorem, width))
    yield Block("", f"Coq: {file} ({len(certificate.text) // 1024} KB); check it with coqc {file}")
    if checking:
        verdict = certificate.check()
        proved = isinstance(verdict, Proved)
        yield Record(found.name, "verdict", metric, kind="proved" if proved else "undecided", note=str(verdict))
        yield Block("What Coq says", str(verdict))
        if not proved:
            yield Failed()
