"""Whether the engine and enumeration agree on one equation: what is refused, shapes, weights, work, numbers, fields, formulas at symbols.

``PYTHONPATH=tests python -P tests/language_agreement.py FIRST COUNT`` compares them on COUNT draws of `random_equations` and prints those on which they differ.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
from random_equations import Draw, drawn

import layeralgebra as la
from layeralgebra.algebra.equations.receptive_field import layer_reach
from layeralgebra.proofs.enumeration import Equation, Impossible, Undefined

MOST_POINTS = 3_000


def as_layer(draw: Draw) -> la.Layer:
    """The layer, made as a user makes one."""
    kinds = {Fraction: "Number", tuple: "Dim", bool: "Flag", int: "Size", str: "Text", type(None): "Dim | None"}
    space = {
        "equation": draw.text, "buffers": draw.buffers, "inputs": draw.inputs or ("x",), "channel_axis": "first",
        "__annotations__": {name: kinds[type(value)] for name, value in draw.fields.items()},
    }  # fmt: skip
    made: la.Layer = type("Drawn", (la.Layer,), space)(**draw.fields)
    return made


def names(draw: Draw) -> tuple[str, ...]:
    return draw.inputs or ("x",)


def on(draw: Draw, shapes: Any = None) -> Any:
    shapes = draw.shapes if shapes is None else shapes
    return shapes[0] if len(shapes) == 1 else list(shapes)


def disagreement(draw: Draw, symbolic: bool = False) -> str | None:
    """In words, or None; ``"refused"`` and ``"too large"`` are no disagreements but say what became of a draw."""
    try:
        meant: Equation | None = Equation(draw.text, draw.fields, dict(zip(names(draw), draw.shapes)), draw.buffers)
        reason = ""
    except Impossible as error:
        meant, reason = None, f"{type(error).__name__} {error}"
    try:
        layer = as_layer(draw)
        instance = layer.instance(*draw.shapes)
    except la.LayerAlgebraError as error:
        return "refused" if meant is None else f"the engine refuses: {error}"
    if meant is None:
        return f"enumeration refuses: {reason}; the engine gives {instance.output} under {instance.conditions}"
    if instance.conditions:
        return f"undecided at numbers: {instance.conditions}"
    if tuple(instance.output) != meant.output:
        return f"shapes {instance.output} and {meant.output}"
    if {name: tuple(shape) for name, shape in instance.weights().items()} != meant.weights:
        return f"weights {instance.weights()} and {meant.weights}"
    if () in draw.shapes:  # no shape that `on` takes
        return None
    if la.parameters(layer, on=on(draw)) != sum(map(math.prod, meant.weights.values())):
        return "parameters"
    if max(math.prod(line.extents.values()) for line in meant.lines) > MOST_POINTS:
        return "too large"
    for effective in (False, True):
        counts = meant.counts(effective)
        apart = la.flops(layer, on=on(draw), apart=True, effective=effective)
        found = la.macs(layer, on=on(draw), effective=effective), apart.multiplies, apart.adds, apart.other
        if found != (counts.macs, counts.multiplies, counts.adds, counts.other):
            return f"{'effective' if effective else 'nominal'} work {found} and {counts}"
    texts = [la.latex_equation(layer, list(draw.shapes))]
    if all(meant.ranks.values()):  # what stands behind a star of no axes is read first with axes there
        texts.append(la.latex_equation(layer))
    for text in texts:
        if text.count("{") != text.count("}"):
            return f"LaTeX {text}"
    return (
        _numbers(draw, layer, meant) or _fields(draw, layer, meant) or (_at_symbols(draw, meant) if symbolic else None)
    )


def _numbers(draw: Draw, layer: la.Layer, meant: Equation) -> str | None:
    generator = np.random.default_rng(len(draw.text))
    tensors: dict[str, Any] = {}
    for name, sizes in meant.shapes.items():
        if name not in meant.defined:
            rows = meant.rows(name)
            tensors[name] = np.asarray(
                generator.integers(0, rows or 3, sizes) - (0 if rows or name in draw.buffers else 1)
            )
    given = [tensors.pop(name) for name in names(draw)]
    try:
        expected = meant.run({**tensors, **dict(zip(names(draw), given))})
    except (Undefined, OverflowError):
        return None
    except Impossible:
        expected = None
    try:
        found = la.run(layer, given[0] if len(given) == 1 else given, tensors)
    except la.LayerAlgebraError as error:
        return None if expected is None else f"la.run refuses: {error}"
    if expected is None:
        return f"enumeration reads outside, and la.run gives {found}"
    if np.shape(found) != meant.output:
        return f"la.run gives the shape {np.shape(found)}, not {meant.output}"
    for where, value in expected.items():
        own = np.asarray(found, dtype=object)[where]
        if not (
            own == value or (own != own and value != value) or math.isclose(own, value, rel_tol=1e-6, abs_tol=1e-6)
        ):
            return f"at {where} la.run gives {own}, not {value}"
    return None


def _fields(draw: Draw, layer: la.Layer, meant: Equation) -> str | None:
    """Every real position that is read lies in the claimed field; enumeration looks at ranges only, and not at masks."""
    if any(not constraint.is_range for constraint in meant.constraints):
        return None
    instance = layer.instance(*draw.shapes)
    for port, source in enumerate(names(draw)):
        try:
            reach = layer_reach(instance, port)
        except la.UnsupportedError:
            continue
        for where, hulls in meant.reach(source).items():
            for axis, (claimed, hull, size) in enumerate(zip(reach, hulls, draw.shapes[port])):
                first, last = (max(hull[0], 0), min(hull[1], size - 1)) if hull is not None else (1, 0)
                if first <= last and not _value(claimed.low, where) <= first <= last <= _value(claimed.high, where):
                    return f"output {where} reads {hull} along axis {axis} of {source}, claimed {claimed}"
    return None


def _value(end: Any, where: tuple[int, ...]) -> Any:
    """One end of an interval at an output position."""
    digits = [(where[digit.axis] // digit.under % (digit.size or 10**9), step) for digit, step in end.steps]
    if not digits or len(end.offsets) == 1:
        return end.offset + sum(step * digit for digit, step in digits)
    ((digit, step),) = digits
    rest = digit % len(end.offsets)
    return step * (digit - rest) + end.offsets[rest]


def _at_symbols(draw: Draw, meant: Equation) -> str | None:
    """Formulas at symbolic shapes hold at the numbers, if their domain says so."""
    symbols = [
        la.dims(" ".join(f"s{port}{axis}" for axis in range(len(shape)))) for port, shape in enumerate(draw.shapes)
    ]
    symbols = [made if isinstance(made, tuple) else (made,) for made in symbols]
    values = {symbol: size for own, shape in zip(symbols, draw.shapes) for symbol, size in zip(own, shape)}
    layer = as_layer(draw)
    try:
        shape = la.derive("output_shape", layer, on=on(draw, symbols))
        macs = la.derive("macs", layer, on=on(draw, symbols))
    except la.LayerAlgebraError as error:
        return f"refused at symbols: {error}" if "undecided" in str(error) else None
    if not shape.domain.holds(values):
        return f"outside of the domain {shape.domain}"
    found = shape({symbol: values[symbol] for symbol in shape.symbols})
    if tuple(found) != meant.output:
        return f"at symbols {shape.formula}, which gives {found}"
    count = macs({symbol: values[symbol] for symbol in macs.symbols})
    return None if count == meant.counts().macs else f"MACs {macs.formula}, which gives {count}"


def main(first: int, count: int) -> int:
    """Compare many; the number of those on which the two differ."""
    became: Counter[str] = Counter()
    for seed in range(first, first + count):
        draw = drawn(seed)
        try:
            found = disagreement(draw, symbolic=seed % 10 == 0)
        except Exception as error:  # whatever it is, it is a fault
            found = f"raw {type(error).__name__}: {error}"
        kind = found if found in ("refused", "too large") else "agreed" if found is None else "differed"
        became[kind] += 1
        if kind == "differed":
            print(
                f"--- {seed}\n{draw.text}\n{draw.fields} on {draw.shapes}, buffers {draw.buffers}\n    {found}",
                flush=True,
            )
    print(dict(became))
    return became["differed"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
