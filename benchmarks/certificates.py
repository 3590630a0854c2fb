"""Certificates by the dozen: every registered layer, or published networks, with a symbol for every size, and mutants of every formula.

    python benchmarks/certificates.py                          # every registered layer
    python benchmarks/certificates.py Conv LSTM --keep out     # some; the files that Coq reads stay in out
    python benchmarks/certificates.py --zoo resnet50 gpt2      # published networks
    python benchmarks/certificates.py --zoo                    # the first of every family
    python benchmarks/certificates.py --after Linear --rows out/certificates.jsonl    # in pieces: go on behind a layer, and keep the rows

A layer comes from the registry, at the largest of the cases that the library draws for it with a fixed seed, with a symbol in place of
every size. Its parameters, nominal MACs, output shape, and multiplies and adds are certified by `layeralgebra.certify`, and ``coqc`` reads
all of them as modules of one file, after the compiled prelude. The seconds are processor time of Coq for the sentences of a module.

A mutant is the formula with one change: a coefficient, an exponent, a sign, a symbol, a term more or less, a rounding. Of every formula
`--mutants` are made that differ from it at some sizes of the domain. That Coq cannot find a proof would say little; so the file proves,
from the certificate, that the mutant's statement does not hold at these sizes: no file could prove it. Mutants that cannot even be stated
are counted as refused.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from run import table
from sympy import Add, Integer, Symbol, ceiling, floor

import layeralgebra as la
from layeralgebra.proofs.certificates.certificate import _hypotheses, goals_of
from layeralgebra.proofs.certificates.expressions import PRELUDE, Written
from layeralgebra.proofs.samples.cases import cases, symbolic

OPENED = """From Coq Require Import ZArith List String Lia Bool.
Require Import prelude.
Import ListNotations.
Open Scope string_scope. Open Scope list_scope. Open Scope Z_scope.
Lemma unlike : forall a b c d t : Z, a * t = b -> c * t = d -> a * d <> c * b -> False.
Proof. intros a b c d t <- <- other; apply other; ring. Qed.
Lemma unequal : forall l r s : list shape, l = r -> l = s -> r <> s -> False.
Proof. intros l r s <- same other; exact (other same). Qed.
Ltac given := clear; first [vm_compute; discriminate | vm_compute; reflexivity | decided].
Ltac one_by_one wrong := first [
  let fact := fresh in pose proof (proj1 wrong) as fact; lazymatch type of fact with context [run] => fail | _ => vm_compute in fact end;
    first [discriminate fact | exact (fact eq_refl)] | one_by_one (proj2 wrong)].
Ltac apart right wrong := first [
  refine (unlike _ _ _ _ _ (proj1 (proj2 right)) (proj1 (proj2 wrong)) _); vm_compute; discriminate
| refine (unequal _ _ _ (proj1 right) (proj1 wrong) _); vm_compute; discriminate | one_by_one wrong].
"""
METRICS = {"parameters": {}, "macs": {}, "output_shape": {}, "flops": {"apart": True}}
FORMULAS = ("parameters", "macs", "output_shape", "multiplies", "adds")
CLOSED = "Closed under the global context"
SENTENCE = re.compile(r"^Chars (\d+) - (\d+) \[.*\] [\d.]+ secs \(([\d.]*)u", re.MULTILINE)


@dataclass
class Module:
    """A certificate as a module of a file, with its mutants."""

    name: str
    text: str
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    failed: str = ""
    kept: list[str] = field(default_factory=list)
    seconds: float = 0.0
    of_mutants: float = 0.0


# ---- subjects --------------------------------------------------------------------------------------------------------


def layer_with_symbols(cls: type[la.Layer]) -> tuple[la.Network, Any, dict[Symbol, int]]:
    """A layer with a symbol for every size, its inputs, and the sizes at which it was drawn."""
    found: list[Any] = []

    @settings(
        max_examples=20, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases(cls))
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    found.sort(key=lambda case: -sum(len(shape) for shape in case.shapes if len(shape) <= 3))
    for case in found:
        try:
            layer, shapes, values = symbolic(case)
        except la.LayerAlgebraError:
            continue
        return layer, (None if not shapes else shapes[0] if len(shapes) == 1 else list(shapes)), values
    layer = found[0].layer
    return layer, found[0].on, {}


def subjects(asked: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Names, and what makes the network, its inputs, and sizes in its domain."""
    if asked.zoo:
        families: dict[str, str] = {}
        for name in la.zoo.names():
            families.setdefault(la.zoo.info(name).family, name)
        for name in asked.name or families.values():
            yield name, lambda name=name: _published(name)
        return
    names = {cls.__name__: cls for cls in la.registered_layers()}
    for name in asked.name or names:
        yield name, lambda name=name: layer_with_symbols(names[name])


def _published(name: str) -> tuple[la.Network, Any, dict[Symbol, int]]:
    net, values = la.zoo.symbolic(name)
    return net, None, values


# ---- mutants ---------------------------------------------------------------------------------------------------------


def mutated(value: Any, symbols: Sequence[Symbol], draw: random.Random) -> Any:
    """A formula, or a shape, with one change."""
    if isinstance(value, tuple):
        place = draw.randrange(len(value))
        return tuple(mutated(size, symbols, draw) if n == place else size for n, size in enumerate(value))
    terms = list(Add.make_args(value.expand())) if value != 0 else []
    size = draw.choice(symbols) if symbols else Integer(2)
    if not terms or draw.random() < 0.2:
        return value + draw.choice((1, -1, size, size**2, 2 * size))
    place = draw.randrange(len(terms))
    term = terms[place]
    kind = draw.randrange(8)
    if kind == 0:  # a coefficient
        term *= draw.choice((2, 3))
    elif kind == 1:
        terms.append(draw.choice(terms))
    elif kind == 2:  # a sign
        term = -term
    elif kind == 3:  # a term less
        term = Integer(0)
    elif kind == 4:  # an exponent
        inner = sorted(term.free_symbols, key=str)
        term *= draw.choice(inner) if inner else size
    elif kind == 5 and term.free_symbols:  # a symbol for another
        term = term.xreplace({draw.choice(sorted(term.free_symbols, key=str)): size})
    elif kind == 6 and term.free_symbols:  # off by one
        one = draw.choice(sorted(term.free_symbols, key=str))
        term = term.xreplace({one: one + 1})
    else:  # a rounding
        rounded = sorted(term.atoms(floor, ceiling), key=str)
        if rounded:
            one = draw.choice(rounded)
            term = term.xreplace({one: draw.choice((one.args[0], ceiling(one.args[0]), floor(one.args[0] + 1)))})
        else:
            term /= 2
    terms[place] = term
    return Add(*terms)


def points(derivation: la.Derivation, home: dict[Symbol, int], draw: random.Random) -> list[dict[Symbol, int]]:
    """Sizes in the domain."""
    symbols = list(derivation.known.values())
    home = {symbol: next((v for s, v in home.items() if s.name == symbol.name), 2) for symbol in symbols}
    found = [home] if derivation.domain.holds(home) else []
    for _ in range(60):
        factor, spread = draw.choice((1, 1, 2, 3)), draw.choice((0, 1, 3))
        values = {symbol: max(1, factor * value + draw.randint(0, spread)) for symbol, value in home.items()}
        if len(found) < 8 and values not in found and derivation.domain.holds(values):
            found.append(values)
    return found


def at(formula: Any, values: dict[Symbol, int]) -> Any:
    """The value of a formula there."""
    if isinstance(formula, tuple):
        return tuple(at(size, values) for size in formula)
    return formula.xreplace({symbol: Integer(value) for symbol, value in values.items()}).doit()


def with_mutants(
    module: Module, derivation: la.Derivation, formula: Any, home: dict[Symbol, int], count: int, draw: random.Random
) -> None:  # fmt: skip
    """Add to a module that mutants are wrong."""
    symbols, tried = list(derivation.known.values()), points(derivation, home, draw)
    theorem = module.text.split("\nTheorem certificate : ")[-1].partition(".\nProof.")[0]
    quantified, _, goals = theorem.partition("\n  leaves ")
    first = goals.partition(" /\\\n")[0]
    written = Written(symbols)
    for relation in derivation.domain.relations:
        written.knows(relation)
    _hypotheses(derivation, written, tuple(symbols))
    seen: set[Any] = {formula}
    for _ in range(40 * count):
        if len(module.wrong) + module.refused >= count:
            return
        mutant = mutated(formula, symbols, draw)
        if mutant in seen:
            continue
        seen.add(mutant)
        point = next((one for one in tried if at(mutant, one) != at(formula, one)), None)
        if point is None:
            continue
        shape = mutant if isinstance(mutant, tuple) else None
        run = first.rpartition(" = [[")[0] if shape is None else first.rpartition(" = [[")[0]
        try:
            stated = goals_of(derivation, written, shape or (), mutant, run)
        except la.UnsupportedError:
            module.refused += 1
            continue
        if shape is None:
            stated = [f"leaves {first}", *stated[1:]]
        numbers = " ".join(f"({point[symbol]})" for symbol in symbols)
        number = len(module.wrong) + 1
        statement = f"{quantified}\n  " + " /\\\n  ".join(stated)
        asserted = (
            f"pose proof (certificate {numbers}) as right; specialize (wrong {numbers})"
            if symbols
            else "pose proof certificate as right"
        )
        module.wrong.append(
            f"Lemma mutant_{number} : ~ ({statement}).\nProof.\n  intro wrong; {asserted};\n"
            "  repeat match type of right with ?one -> _ => specialize (right ltac:(given)) end;\n"
            "  repeat match type of wrong with ?one -> _ => specialize (wrong ltac:(given)) end; apart right wrong.\nQed.\n"
        )


# ---- Coq -------------------------------------------------------------------------------------------------------------


def checked(folder: Path, name: str, modules: list[Module], seconds: int) -> None:
    """Have Coq read the modules; one that it does not accept is left out, and it reads again."""
    while going := [module for module in modules if not module.failed]:
        source, starts = OPENED, []
        for module in going:
            start = len(source.encode())
            source += f"Module {module.name}.\n{module.text}"
            middle = len(source.encode())
            mutants = []
            for one in module.kept:
                mutants.append(len(source.encode()))
                source += one
            source += f"End {module.name}.\n"
            starts.append((start, middle, mutants, len(source.encode()), module))
        source += f"Definition everything := ({', '.join(f'{module.name}.certificate' for module in going)}).\nPrint Assumptions everything.\n"
        (folder / f"{name}.v").write_text(source, encoding="utf-8")
        try:
            made = subprocess.run(
                ["coqc", "-q", "-time", "-R", ".", "", f"{name}.v"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
            reached = max((int(end) for _, end, _ in SENTENCE.findall(said)), default=0)
            next((one[4] for one in starts if reached < one[3]), starts[-1][4]).failed = f"no answer within {seconds} s"
            continue
        spent = [(int(start), float(user or 0)) for start, _, user in SENTENCE.findall(made.stdout)]
        if made.returncode:
            line = int((re.search(r"line (\d+)", made.stderr) or [0, 0])[1])
            offset = len("\n".join(source.split("\n")[: line - 1]).encode())
            start, middle, mutants, end, module = next(one for one in starts if offset < one[3])
            if offset < middle - 1 or not mutants:
                module.failed = " ".join(made.stderr.split())[-200:]
            else:
                number = sum(begin - 1 <= offset for begin in mutants) - 1
                module.kept.pop(number)
            continue
        for start, middle, _, end, module in starts:
            module.seconds = sum(user for place, user in spent if start <= place < middle)
            module.of_mutants = sum(user for place, user in spent if middle <= place < end)
        if CLOSED not in made.stdout:
            for module in going:
                module.failed = "it rests on axioms"
        return


def rows(folder: Path, name: str, make: Any, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What became of the formulas of a layer or network."""
    prelude, draw = PRELUDE.read_text(encoding="utf-8"), random.Random(asked.seed)
    modules: list[Module] = []
    refused: dict[str, str] = {}
    began = time.perf_counter()
    try:
        net, on, home = make()
    except Exception as error:
        yield {"of": name, "formula": "all", "result": "none drawn", "reason": str(error)[:160]}
        return
    for metric in ("parameters", "macs") if asked.zoo else METRICS:
        try:
            derivation = la.derive(metric, net, on=on, **METRICS[metric])
            text = la.certify(derivation).text.removeprefix(prelude)
        except la.LayerAlgebraError as error:
            for part in ("multiplies", "adds") if metric == "flops" else (metric,):
                refused[part] = str(error).splitlines()[0]
            continue
        if metric != "flops":
            formula = tuple(derivation.formula) if metric == "output_shape" else derivation.formula
            modules.append(Module(metric, text))
            with_mutants(modules[-1], derivation, formula, home, asked.mutants, draw)
            continue
        whole, adds = text.split("Module adds.\n")
        for part, own in (("multiplies", whole), ("adds", adds.partition("End adds.")[0])):
            modules.append(Module(part, own))
            with_mutants(modules[-1], derivation, getattr(derivation.formula, part), home, asked.mutants, draw)
    for module in modules:
        module.kept = list(module.wrong)
    written = time.perf_counter() - began
    checked(folder, name, modules, asked.seconds)
    for part, reason in refused.items():
        yield {
            "of": str(net)[:90] if not asked.zoo else name,
            "name": name,
            "formula": part,
            "result": "refused",
            "reason": reason,
        }
    for module in modules:
        yield {
            "of": str(net)[:90] if not asked.zoo else name,
            "name": name,
            "formula": module.name,
            "result": "not accepted" if module.failed else "accepted",
            "bytes": len(prelude) + len(module.text),
            "seconds": round(module.seconds, 2),
            "mutants": len(module.wrong) + module.refused,
            "proved wrong": 0 if module.failed else len(module.kept),
            "not stated": module.refused,
            "reason": module.failed,
            "written": round(written, 1),
        }


def page(found: Sequence[dict[str, Any]]) -> str:
    """A row for each layer or network: for every formula Coq's seconds, the size of the file, and the mutants proved wrong of those made."""
    lines: dict[str, dict[str, object]] = {}
    for row in found:
        line = lines.setdefault(row["name"], {"layer or network": row["of"], **dict.fromkeys(FORMULAS, "")})
        if row["result"] == "accepted":
            shown = f"{row['seconds']:.1f} s, {row['bytes'] // 1024} KB, {row['proved wrong'] + row['not stated']}/{row['mutants']}"
            line[row["formula"]] = shown
        else:
            line[row["formula"]] = row["result"]
            line["reason"] = str(row["reason"]).partition(": ")[2] or row["reason"]
    return table(lines.values())


def certify_all(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help="layers, or published networks with --zoo (default: all)")
    parser.add_argument("--zoo", action="store_true", help="published networks: parameters and MACs")
    parser.add_argument("--mutants", type=int, default=10, help="of every formula")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=300, help="longest run of Coq over one file")
    parser.add_argument("--after", help="leave out all up to this one")
    parser.add_argument("--rows", type=Path, help="append the rows to this file, as JSON")
    parser.add_argument("--keep", type=Path, help="a folder for the files that Coq reads")
    parser.add_argument(
        "--of-rows", type=Path, nargs="+", help="only print the table of rows that were kept; later ones count"
    )
    asked = parser.parse_args(arguments)
    found: list[dict[str, Any]] = []
    if asked.of_rows:
        print(
            page([json.loads(line) for file in asked.of_rows for line in file.read_text(encoding="utf-8").splitlines()])
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="layeralgebra-certificates-") as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prelude.v").write_text(PRELUDE.read_text(encoding="utf-8"), encoding="utf-8")
        subprocess.run(["coqc", "-q", "-R", ".", "", "prelude.v"], cwd=folder, check=True)
        waiting = asked.after is not None
        for name, make in subjects(asked):
            if waiting:
                waiting = name != asked.after
                continue
            for row in rows(folder, name, make, asked):
                found.append(row)
                print(json.dumps(row), flush=True)
                if asked.rows:
                    with asked.rows.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
    print(page(found))
    return 0


if __name__ == "__main__":
    sys.exit(certify_all())
