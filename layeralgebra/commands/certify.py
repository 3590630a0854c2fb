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
from .networks import find


def run(
    model: str,
    metric: str,
    file: Path,
    changes: Sequence[str] = (),
    on: str | None = None,
    checking: bool = False,
    overwrite: bool = False,
) -> Iterator[Block | Failed]:
    """Write the certificate, say what it proves, and have Coq check it where that is asked for."""
    found = find(model, assignments(changes), None if on is None else shape(on))
    options = {"apart": True} if metric == "flops" else {}
    certificate = certify(derive(metric, found.net, found.on, **options))
    write_text(file, certificate.text, overwrite=overwrite)
    yield Block("What it proves", certificate.theorem)
    yield Block("", f"Coq: {file} ({len(certificate.text) // 1024} KB); check it with coqc {file}")
    if checking:
        verdict = certificate.check()
        yield Block("What Coq says", str(verdict))
        if not isinstance(verdict, Proved):
            yield Failed()
