"""The Coq route: every law a theorem that an independent proof assistant checks, with an empty list of axioms.

All laws go into one file, after a prelude; a law that fails is named, left out with the laws that use it, and the
rest is checked again. The hand-written core (any number of layers, by induction over the list) is checked by itself, and so are the
theorems about all networks.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ...algebra.errors import FieldError
from ...algebra.records import dataclass
from ..law import Law, named
from ..printers.coq import theorem
from ..statements.quotients import NotLowered
from ..theorems import sources
from ..verdict import Certificate, Proved, Undecided, Verdict
from .coq_script import objection

FOLDER = Path(__file__).resolve().parents[1] / "coq"
#: What Coq says of a theorem that rests on nothing but its logic.
CLOSED = "Closed under the global context"
#: Longest run of Coq over one file, in seconds.
LIMIT = 300
#: Most memory of such a run, in bytes.
MEMORY = 8 * 2**30

_PLACE = re.compile(r'^File "[^"]*", line (\d+)', re.MULTILINE)
#: Files of ours that a file of ours requires.
_REQUIRED = re.compile(r"^Require Import .*\n", re.MULTILINE)
_STATEMENT = re.compile(r"^(?:Theorem|Lemma) (\w+)", re.MULTILINE)


class CoqFailed(Exception):
    """Coq did not accept a file; ``line`` is where it stopped."""

    def __init__(self, message: str, line: int):
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Checked:
    """Theorems that Coq accepted, with the axioms that each rests on (an empty text: none), and its version."""

    axioms: tuple[tuple[str, str], ...]
    version: str


def prove(law: Law) -> Verdict:
    """Check one law, with the lemmas it uses.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
    """
    return prove_all([law])[law.name]


def prove_all(laws: Iterable[Law]) -> dict[str, Verdict]:
    """Check many laws in one run.

    Parameters
    ----------
    laws : iterable of Law

    Returns
    -------
    dict of str to Proved or Undecided
    """
    wanted = {law.name: law for law in laws}
    texts: dict[str, str] = {}
    verdicts: dict[str, Verdict] = {name: of_networks(law) for name, law in wanted.items() if law.kind == "structural"}
    for law in with_lemmas(law for law in wanted.values() if law.kind == "arithmetic"):
        if refused := objection(law.hints.coq or ""):
            verdicts[law.name] = Undecided(refused)
            continue
        try:
            texts[law.name] = theorem(law)
        except (NotLowered, TypeError) as error:
            verdicts[law.name] = Undecided(str(error))
    while texts:
        source, starts = document(texts.values())
        try:
            checked = check(source)
        except CoqFailed as error:
            failed = [name for name, start in zip(texts, starts, strict=True) if start <= error.line]
            if not failed:  # the prelude itself
                reason = Undecided(f"Coq does not accept the prelude: {error}")
                return {name: verdicts.get(name, reason) for name in wanted}
            for name in _users(failed[-1], texts):
                words = str(error) if name == failed[-1] else f"it uses {failed[-1]}, which Coq did not accept"
                verdicts[name] = Undecided(f"Coq: {words}")
                del texts[name]
            continue
        try:
            if not any(said for _, said in checked.axioms):
                checked = check_again(tuple(texts.values()))
        except CoqFailed as error:
            for name in texts:
                verdicts[name] = Undecided(
                    f"Coq does not find the theorem that was stated among what the scripts proved: {error}"
                )
            break
        axioms = dict(checked.axioms)
        for name, text in texts.items():
            resting = [axioms.get(one, "not printed") for one in _STATEMENT.findall(text)]
            verdicts[name] = _verdict(text, checked.version, "; ".join(filter(None, resting)))
        break
    return {name: verdicts[name] for name in wanted}


def of_networks(law: Law) -> Verdict:
    """Whether Coq accepts the theorem about all networks that has a law's name, and the files around it."""
    if "coq" not in law.routes:
        return Undecided("a structural law is tried on networks; samples refute and never prove")
    try:
        checked = check_networks()
    except CoqFailed as error:
        return Undecided(f"Coq does not accept the theorems about networks: {error}")
    return _verdict(networks_source(), checked.version, dict(checked.axioms).get(law.name, "not printed"))


def networks_source() -> str:
    """The theorems about all networks as one file, which requires none of ours."""
    return "\n".join(_REQUIRED.sub("", text) for text in sources().values())


@lru_cache(maxsize=1)
def check_networks(limit: int = LIMIT) -> Checked:
    """Have Coq check the theorems about all networks, and print what they rest on.

    Raises
    ------
    CoqFailed
        If Coq does not accept them.
    """
    return check(networks_source(), limit)


def _verdict(text: str, version: str, axioms: str) -> Verdict:
    if axioms:
        return Undecided(f"Coq accepts the proof, but it rests on axioms: {axioms}")
    return Proved(Certificate("coq", f"{version}, no axioms", evidence=text))


def _users(name: str, texts: dict[str, str]) -> list[str]:
    """A law and those among the texts that use it, directly or not."""
    found = [name]
    for other in texts:
        if other not in found and any(lemma in found for lemma, _ in named_or_none(other)):
            found.append(other)
    return found


def named_or_none(name: str) -> tuple:
    """The lemmas of a registered law; a law outside the registry is used by no other."""
    try:
        return named(name).hints.lemmas
    except FieldError:
        return ()


def with_lemmas(laws: Iterable[Law]) -> list[Law]:
    """The laws and the lemmas they use, each after its lemmas."""
    ordered: dict[str, Law] = {}

    def visit(law: Law) -> None:
        if law.name not in ordered:
            for lemma, _ in law.hints.lemmas:
                visit(named(lemma))
            ordered[law.name] = law

    for law in laws:
        visit(law)
    return list(ordered.values())


def document(texts: Iterable[str]) -> tuple[str, list[int]]:
    """One file over the prelude, and on which line each theorem starts."""
    source = (FOLDER / "prelude.v").read_text(encoding="utf-8") + "\n(* ---- The laws ---- *)\n\n"
    starts = []
    for text in texts:
        starts.append(source.count("\n") + 1)
        source += text + "\n"
    return source, starts


def core_source() -> str:
    """The hand-written core."""
    return (FOLDER / "core.v").read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def check(source: str, limit: int = LIMIT) -> Checked:
    """Have Coq check a file, and print what its theorems rest on.

    All theorems are asked for at once, as one tuple of their proofs; only when that rests on axioms, one by one.

    Raises
    ------
    CoqFailed
        If Coq does not accept it.
    """
    names = _STATEMENT.findall(source)
    if not names:
        raise CoqFailed("there is no theorem in the file", 0)
    everything = (
        f"Definition everything := ({', '.join(f'@{name}' for name in names)}).\nPrint Assumptions everything.\n"
    )
    output = _coqc(source + "\n" + everything, limit)
    if _closed(output):
        return Checked(tuple((name, "") for name in names), _version())
    printed = _coqc(source + "\n" + "".join(f"Print Assumptions {name}.\n" for name in names), limit)
    pieces = re.split(rf"^(?={CLOSED}|Axioms:)", printed, flags=re.MULTILINE)[1:]
    if len(pieces) != len(names):
        raise CoqFailed(f"Coq printed {len(pieces)} lists of assumptions for {len(names)} theorems", 0)
    said = ("" if _closed(piece) else " ".join(piece.split())[:300] for piece in pieces)
    return Checked(tuple(zip(names, said, strict=True)), _version())


@lru_cache(maxsize=64)
def check_again(texts: tuple[str, ...]) -> Checked:
    """State every theorem afresh, in a file that only requires what the scripts made, and print what it rests on.

    Neither notations nor options nor names of the first file hold in the second one.

    Raises
    ------
    CoqFailed
        If a theorem is not what was stated.
    """
    statements = [
        (name, sentence)
        for text in texts
        for name, sentence in re.findall(r"^Theorem (\w+) : (.*?)\.\nProof\.", text, flags=re.MULTILINE | re.DOTALL)
    ]
    again = "".join(f"Theorem again_{n} : {sentence}.\nProof. exact laws.{n}. Qed.\n" for n, sentence in statements)
    ending = (
        f"Definition everything := ({', '.join(f'again_{n}' for n, _ in statements)}).\nPrint Assumptions everything.\n"
    )
    prelude = (FOLDER / "prelude.v").read_text(encoding="utf-8")
    opened = "From Coq Require Import ZArith Lia.\nRequire Import prelude.\nOpen Scope Z_scope.\n"
    files = {
        "prelude.v": prelude,
        "laws.v": opened + "\n".join(texts),
        "again.v": opened + "Require laws.\n" + again + ending,
    }
    output = _coqc_files(files)
    if not _closed(output):
        raise CoqFailed(f"it rests on {' '.join(output.split())[:300]}", 0)
    return Checked(tuple((name, "") for name, _ in statements), _version())


def _coqc_files(files: dict[str, str], limit: int = LIMIT) -> str:
    """What Coq prints for the last of several files, each of which may require those before it."""
    printed = ""
    with tempfile.TemporaryDirectory(prefix="layeralgebra-coq-") as folder:
        for name, source in files.items():
            (Path(folder) / name).write_text(source, encoding="utf-8")
            printed = _coqc_in(folder, name, limit)
    return printed


def _closed(output: str) -> bool:
    """Whether Coq printed that there are no assumptions, and no assumptions."""
    return output.split() == CLOSED.split()


def _coqc(source: str, limit: int) -> str:
    """What Coq prints while it checks a file."""
    return _coqc_files({"laws.v": source}, limit)


def _coqc_in(folder: str, name: str, limit: int) -> str:
    command = ["coqc", "-q", "-R", ".", "", name]
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            preexec_fn=_bounded if os.name == "posix" else None,
        )
    except subprocess.TimeoutExpired as error:
        raise CoqFailed(f"no answer within {limit} s", 10**9) from error
    if run.returncode != 0 or "Error:" in run.stderr:
        place = _PLACE.search(run.stderr)
        raise CoqFailed(" ".join(run.stderr.split())[:400], int(place.group(1)) if place else 10**9)
    return run.stdout


def _bounded() -> None:
    """Called in the process that becomes Coq: it gets no more memory than this, where the platform can say so."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@lru_cache(maxsize=1)
def _version() -> str:
    run = subprocess.run(["coqc", "-print-version"], capture_output=True, text=True, timeout=60, check=False)
    return f"Coq {run.stdout.split()[0]}" if run.stdout.split() else "Coq"
