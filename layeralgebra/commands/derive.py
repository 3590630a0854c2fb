"""``layeralgebra derive``: the formulas of one network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from ..algebra.derivations.derivation import Derivation, Derivations
from ..algebra.derivations.metric import METRICS as KNOWN
from ..algebra.derivations.metric import derive
from ..algebra.errors import FieldError
from ..algebra.formulas.forms import SHORTEST, Form, as_form
from ..algebra.formulas.records import record_parts
from ..algebra.formulas.text import formula_lines, formula_text, number_text, text_of
from ..algebra.sizes.dims import dims
from . import Block
from .arguments import assignments, listed, shape, sizes, value
from .networks import Model, find
from .results import Record, of_derivation, of_table

if TYPE_CHECKING:
    from ..algebra.causality.decoding import Decoding

METRICS = ("parameters", "macs", "output_shape", "receptive_field")
TRAINING = ("training_macs", "training_flops")
MEMORY = ("saved_activations", "peak_memory", "optimizer_memory")
INDENT = "  "
_PREFIXES = ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"))


def run(
    model: str,
    metrics: Sequence[str] = (),
    at: Sequence[str] = (),
    changes: Sequence[str] = (),
    on: str | None = None,
    latex: Path | None = None,
    by_stage: bool = False,
    by_node: bool = False,
    effective: bool = False,
    width: int = 100,
    form: str = "shortest",
    by: str | None = None,
    training: bool = False,
    recompute: str | None = None,
    batch: str | None = None,
    memory: bool = False,
    decode: bool = False,
    prompt: str | None = None,
    tokens: str | None = None,
) -> Iterator[Block | Record]:
    """Derive, print, evaluate and typeset."""
    asked = listed(metrics) or (("parameters",) if training or memory else ("macs",) if decode else METRICS)
    asked = list(dict.fromkeys([*asked, *(TRAINING if training else ()), *(MEMORY if memory else ())]))
    options = {
        name: given
        for name, given in (
            ("effective", effective or None),
            ("recompute", recompute),
            ("batch", None if batch is None else value(batch)),
            *((("unit", "bytes"), ("training", True)) if memory else ()),
        )
        if given is not None
    }
    for name in ("recompute", "batch"):
        if name in options and not any(each in KNOWN and name in KNOWN[each].options for each in asked):
            raise FieldError(f"--{name} is about training; write --training or --memory as well")
    if not decode and (prompt, tokens) != (None, None):
        raise FieldError("--prompt and --tokens are about decoding; write --decode as well")
    if decode and (training or memory or by_stage or by_node):
        raise FieldError("--decode is asked for by itself, without --training, --memory and tables of parts")
    if decode and len(asked) > 1:
        raise FieldError(f"--decode counts one metric, got {', '.join(asked)}")
    values = sizes(at)
    found = find(model, assignments(changes), None if on is None else shape(on))
    if decode:
        made = decoded(found, asked[0], prompt, tokens, **options)
        derivations = made.derivations
        if values and made.position.name not in values:  # that of the last token
            complete(derivations, {made.position.name: 1, **values})
            last = (made.prompt + made.tokens).xreplace({symbol: values[symbol.name] for symbol in made.symbols})
            values = {**values, made.position.name: int(last)}
    else:
        derivations = derived(found, asked, **options)
    written_as = as_form(form, None if by is None else [_symbol(name, derivations) for name in listed([by])])
    evaluated = [values_block(derivations, values)] if values else []
    if values and by_stage:
        evaluated.append(stage_block(derivations, found, width, values, written_as))
    yield from records(found.name, derivations, values)
    yield Block(heading(found))
    if by_stage:
        yield from stage_records(derivations, found, values)
        yield stage_block(derivations, found, width, form=written_as)
    if by_node:
        yield from node_records(derivations, found)
        yield Block("Node by node", derivations_nodes(derivations, width, written_as))
    yield from formula_blocks(derivations, width, written_as)
    yield domain_block(derivations)
    yield from evaluated
    if latex is not None:
        yield Block("", written(latex, found.name, report(derivations, found, written_as)))


def _symbol(name: str, derivations: Derivations) -> Symbol:
    """The symbol of a name."""
    known = {symbol.name: symbol for part in derivations for symbol in part.symbols}
    if name not in known:
        raise FieldError(f"--by: there is no symbol {name}; there are {', '.join(sorted(known)) or 'none'}")
    return known[name]


def heading(model: Model) -> str:
    """What is derived, and on what."""
    shown = str(model.net)
    name = model.name if len(shown) > 60 or model.stages else shown
    return f"{name} on {formula_text(model.on)}" if model.on is not None else name


def derived(model: Model, metrics: Sequence[str], **options: Any) -> Derivations:
    """The derivations that are asked for; an option reaches the metrics that know it."""
    found = Derivations(())
    for name in metrics:
        known = KNOWN[name].options if name in KNOWN else {}
        found = found + derive(name, model.net, model.on, **{key: options[key] for key in options if key in known})
    return found


def decoded(model: Model, metric: str, prompt: str | None, tokens: str | None, **options: Any) -> Decoding:
    """A prompt at once and tokens one by one, of symbols p and n where no numbers are given."""
    from ..algebra.causality.decoding import decoding

    derive(metric, model.net, model.on)  # what is wrong with metric or network by itself is said of it
    taken = {symbol.name for symbol in model.net.free_symbols}

    def size(text: str | None, symbol: str) -> Any:
        if text is not None:
            return value(text)
        while symbol in taken:
            symbol += "1"
        return dims(symbol)

    return decoding(model.net, size(prompt, "p"), size(tokens, "n"), metric=metric, on=model.on, **options)


def records(name: str, derivations: Derivations, values: Mapping[str, int] | None = None) -> Iterator[Record]:
    """The records of all derivations, at sizes where some are given."""
    if values:
        complete(derivations, values)
    for part in derivations:
        yield from of_derivation(name, part, values)


def stage_records(derivations: Derivations, model: Model, values: Mapping[str, int] | None = None) -> Iterator[Record]:
    """The records of the stages, as formulas or at sizes."""
    from ..algebra.derivations.stages import stage_table

    table = stage_table(derivations, model.stages, at=values or None)
    by_name = {part.metric.name: part for part in derivations}
    yield from (each for each in of_table(model.name, table, by_name, values or {}) if each.part != "total")


def node_records(derivations: Derivations, model: Model) -> Iterator[Record]:
    """The records of the nodes."""
    from ..algebra.derivations.node_table import node_table

    by_name = {part.metric.name: part for part in derivations}
    yield from of_table(model.name, node_table(derivations, total=False), by_name, {})


def stage_block(
    derivations: Derivations,
    model: Model,
    width: int,
    values: Mapping[str, int] | None = None,
    form: Form = SHORTEST,
) -> Block:
    """The table of stages, as formulas or at given sizes."""
    from ..algebra.derivations.stages import stage_table

    table = stage_table(derivations, model.stages, at=values)
    return Block(f"Stage by stage{at_sizes(values)}", table.text(width, form.name, form.by or None))


def derivations_nodes(derivations: Derivations, width: int, form: Form = SHORTEST) -> str:
    """The table of nodes."""
    from ..algebra.derivations.node_table import node_table

    return node_table(derivations).text(width, form.name, form.by or None)


def formula_blocks(derivations: Derivations, width: int, form: Form = SHORTEST) -> Iterator[Block]:
    """Each formula under its title, with its kind."""
    for part in derivations:
        lines = [f"{INDENT}{line}" for line in _lines(part, width - len(INDENT), form)]
        yield Block(f"{title(part)} ({part.kind})", "\n".join(lines))


def title(part: Derivation) -> str:
    """What a formula is of, in bytes where it is that."""
    options = dict(part.options)
    step = " of a training step" if options.get("training") else ""
    unit = ", bytes" if "bytes" in (options.get("unit"), part.metric.unit) else ""
    return f"{part.metric.title}{step}{unit}"


def _lines(derivation: Derivation, width: int, form: Form) -> list[str]:
    formula = derivation.formula
    if not hasattr(formula, "map_expressions"):
        return formula_lines(formula, width, form)
    return [f"{name}: {text_of(value, form)}" for name, value in record_parts(formula)]


def domain_block(derivations: Derivations) -> Block:
    """Where the formulas hold, each condition once."""
    symbols = sorted({symbol.name for part in derivations for symbol in part.symbols})
    if not symbols:
        return Block("valid as it stands: no size is open")
    found: dict[str, str] = {}
    for part in derivations:
        for item in part.domain:
            loops = "".join(
                f" for {loop.index} = 0..{formula_text(loop.times - 1)}"
                for loop in item.all_loops
                if item.condition.relation.has(loop.index)
            )
            found.setdefault(f"{formula_text(item.condition.relation)}{loops}", item.condition.meaning)
    sentence = f"valid for all positive integers {', '.join(symbols)}"
    if not found:
        return Block(sentence)
    widest = max(map(len, found))
    return Block(
        f"{sentence} with", "\n".join(f"{INDENT}{shown:<{widest}}  {meaning}" for shown, meaning in found.items())
    )


def complete(derivations: Derivations, values: Mapping[str, int]) -> None:
    """Refuse sizes of symbols that are not there, and symbols without a size."""
    known = {symbol.name for part in derivations for symbol in part.symbols}
    unknown = sorted(set(values) - known)
    if unknown:
        raise FieldError(f"--at: there is no symbol {unknown[0]}; there are {', '.join(sorted(known)) or 'none'}")
    if missing := sorted(known - set(values)):
        raise FieldError(
            f"--at: {', '.join(missing)} missing; write --at {','.join(f'{name}=...' for name in missing)}"
        )


def values_block(derivations: Derivations, values: Mapping[str, int]) -> Block:
    """All formulas at given sizes."""
    complete(derivations, values)
    found = derivations(**values)
    widest = max(len(title(part)) for part in derivations)
    lines = [f"{INDENT}{title(part):<{widest}}  {result_text(part, found[part.metric.name])}" for part in derivations]
    return Block(at_sizes(values).strip(" ,"), "\n".join(lines))


def at_sizes(values: Mapping[str, int] | None) -> str:
    """Sizes in words."""
    return "" if not values else ", at " + ", ".join(f"{name} = {number_text(size)}" for name, size in values.items())


def result_text(derivation: Derivation, result: Any) -> str:
    """An evaluated formula with its unit, large counts in billions as well.

    >>> from layeralgebra import Linear, derive
    >>> print(result_text(derive("macs", Linear(1000), on=(2048,)), 2048000))
    2 048 000 (2.048 MMACs)
    """
    if hasattr(result, "map_expressions"):
        return ", ".join(
            f"{name} {' x '.join(map(formula_text, value)) if isinstance(value, tuple) else formula_text(value)}"
            for name, value in record_parts(result)
        )
    text = formula_text(result)
    counted = derivation.metric.title.split()[0]
    if isinstance(result, int) and counted[:2].isupper():
        for size, prefix in _PREFIXES:
            if result >= size:
                return f"{text} ({result / size:.3f} {prefix}{counted})"
    return text


def report(derivations: Derivations, model: Model, form: Form = SHORTEST) -> str:
    """The derivations as LaTeX."""
    from ..algebra.documents import report_latex

    return report_latex(derivations, model.stages, form.name, form.by or None)


def written(path: Path, title: str, body: str) -> str:
    """Write a complete document; the answer says where."""
    from ..algebra.documents import PREAMBLE, latex_document
    from ..algebra.writing import write_text

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ours = path.is_file() and path.read_text(encoding="utf-8", errors="replace").startswith(PREAMBLE)
    except OSError as error:
        raise FieldError(f"{path} cannot be written: {error.strerror}") from None
    write_text(path, latex_document(body, title), overwrite=ours)
    return f"LaTeX: {path}"
