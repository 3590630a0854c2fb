"""What a command answers, for programs: records with one set of fields, as JSON or as CSV.

Every command that prints results yields `Record`s beside its `Block`s; `layeralgebra.cli` prints the ones or the others. Integers stay
exact, however long; a formula is written as SymPy writes it, so that SymPy reads it back, and so is a condition of a domain.

>>> from layeralgebra import dims
>>> H, c = dims("H c")
>>> print(csv_text([Record("mine", "macs", formula=9*H*c**2, value=10**20, unit="MACs", kind="exact", at={"H": 3})]), end="")
subject,part,quantity,formula,value,unit,kind,domain,source,at,note
mine,,macs,9*H*c**2,100000000000000000000,MACs,exact,,,H=3,
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

from sympy import Basic, sstr

from .. import __version__
from ..algebra.derivations.derivation import Derivation
from ..algebra.derivations.domain import Domain
from ..algebra.formulas.printer import digits_in_full
from ..algebra.formulas.records import record_parts
from ..algebra.records import dataclass

FIELDS = {
    "subject": "what it is about: a network, a layer, a law, a task",
    "part": "which part of the subject: a stage, a node, a route of a proof; empty for the whole",
    "quantity": "what is said of it: parameters, macs, receptive_field.size, verdict",
    "formula": "in the symbols of the subject, as SymPy reads it; every name is a positive integer",
    "value": "at the sizes in `at`, or of a formula without symbols: an integer with all its digits, a number, a text, or a list of these",
    "unit": "of formula and value",
    "kind": "how sure it is: exact, upper, lower, asymptotic, surrogate, conjecture; of a law proved, refuted, undecided, held",
    "domain": "the conditions under which it holds, beyond that sizes are positive integers",
    "source": "the publication or definition behind it",
    "at": "the sizes at which the value is taken",
    "note": "what else there is to say, in words",
}
"""The fields of a record, in the order of the columns, with what each says."""


@dataclass(frozen=True)
class Record:
    """One result. What is left out is null in JSON, empty in CSV."""

    subject: str
    quantity: str
    part: str = ""
    formula: Any = None
    value: Any = None
    unit: str = ""
    kind: str = ""
    domain: tuple[str, ...] = ()
    source: str = ""
    at: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """The fields as what JSON has: texts, numbers, lists, a mapping, null."""
        made: dict[str, Any] = {}
        for name in FIELDS:
            content = getattr(self, name)
            if name == "formula":
                content = None if content is None else written(content)
            elif name == "value":
                content = number(content)
            elif name == "domain":
                content = list(content)
            elif name == "at":
                content = {key: number(size) for key, size in content.items()}
            else:
                content = content or None
            made[name] = content
        return made


def written(formula: Any) -> str:
    """A formula as SymPy reads it; what is a text already stays as it is."""
    if isinstance(formula, str):
        return formula
    with digits_in_full():
        if isinstance(formula, tuple):
            return "(" + ", ".join(map(written, formula)) + ("," if len(formula) == 1 else "") + ")"
        return sstr(formula, full_prec=True) if isinstance(formula, Basic) else str(formula)


def number(value: Any) -> Any:
    """A value as JSON has it: integers exact, fractions as texts, other numbers as floats, what is no number null.

    >>> from fractions import Fraction
    >>> number(Fraction(4, 2)), number(Fraction(1, 3)), number(float("nan")), number((1, 2))
    (2, '1/3', None, [1, 2])
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (tuple, list)):
        return [number(part) for part in value]
    if isinstance(value, Basic):
        if value.is_Integer:
            return int(value)
        if value.is_Rational:
            return written(value)
        return number(float(value.evalf(17))) if value.is_number and value.is_real else written(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def json_text(command: str, records: Iterable[Record]) -> str:
    """All records as one JSON document, a record a line; numbers may be longer than 64 bits."""
    head = f'{{"command": {json.dumps(command)}, "version": {json.dumps(__version__)}, "records": ['
    with digits_in_full():
        lines = [json.dumps(record.plain(), allow_nan=False, ensure_ascii=False) for record in records]
    return head + ("\n" + ",\n".join(lines) + "\n" if lines else "") + "]}\n"


def csv_text(records: Iterable[Record]) -> str:
    """All records as comma-separated values, with a line of names; the conditions of a domain are joined by semicolons."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(FIELDS)
    with digits_in_full():
        for record in records:
            writer.writerow([_cell(name, content) for name, content in record.plain().items()])
    return made.getvalue()


def _cell(name: str, content: Any) -> Any:
    if content is None:
        return ""
    if name == "domain":
        return "; ".join(content)
    if name == "at":
        return ",".join(f"{key}={size}" for key, size in content.items())
    if isinstance(content, list):
        return json.dumps(content)
    return content


def conditions(domain: Domain) -> tuple[str, ...]:
    """The conditions of a domain, each as SymPy reads it; behind one that is about copies stands for which."""
    found: dict[str, None] = {}
    for item in domain:
        relation = item.condition.relation
        about = [loop for loop in item.all_loops if relation.has(loop.index)]
        found[written(relation) + "".join(f" for {loop.index} in range({written(loop.times)})" for loop in about)] = (
            None
        )
    return tuple(found)


def of_derivation(
    subject: str, derivation: Derivation, at: Mapping[str, int] | None = None, part: str = ""
) -> Iterator[Record]:
    """The records of one derivation: of a formula one, of a record of formulas one for each of its parts."""
    metric = derivation.metric
    common: dict[str, Any] = {
        "part": part, "unit": getattr(metric, "unit", ""), "kind": derivation.kind, "domain": conditions(derivation.domain),
        "source": derivation.source,
    }  # fmt: skip
    mine = {name: size for name, size in (at or {}).items() if name in derivation.known}
    value = derivation(**mine) if at else None
    of_value = {**dict(named_parts(metric.name, value))} if value is not None else {}
    for name, formula in named_parts(metric.name, derivation.formula):
        closed = not any(getattr(each, "free_symbols", ()) for each in _expressions(formula))
        yield Record(
            subject, name, formula=formula, value=of_value.get(name, formula if closed else None), at=mine, **common
        )


def _expressions(formula: Any) -> Iterator[Any]:
    if isinstance(formula, (tuple, list)):
        for each in formula:
            yield from _expressions(each)
    else:
        yield formula


def named_parts(name: str, formula: Any) -> list[tuple[str, Any]]:
    """A formula under its name, or the parts of a record of formulas under theirs: ``receptive_field.size``."""
    if hasattr(formula, "map_expressions"):
        return [(f"{name}.{part.replace(' ', '_')}", content) for part, content in record_parts(formula)]
    return [(name, formula)]


def of_table(subject: str, table: Any, quantities: Mapping[str, Derivation], at: Mapping[str, int]) -> Iterator[Record]:
    """The records of a table of parts of one network: a row a part, the columns that are metrics its quantities."""
    titles = {derivation.metric.title: derivation for derivation in quantities.values()}
    for row in table:
        part = str(next(iter(row.values())))
        for title, derivation in titles.items():
            if title not in row or row[title] == "":
                continue
            for name, content in named_parts(derivation.metric.name, row[title]):
                yield Record(
                    subject, name, part, None if at else content, content if at else None,
                    getattr(derivation.metric, "unit", ""), derivation.kind, (), derivation.source, dict(at),
                )  # fmt: skip
