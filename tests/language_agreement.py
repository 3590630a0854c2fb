"""Whether the engine and enumeration agree on one equation: what is refused, shapes, weights, work, numbers, fields, formulas at symbols.

``PYTHONPATH=tests python -P tests/language_agreement.py FIRST COUNT`` compares them on COUNT draws of `random_equations` and prints those on which they differ.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from fractions import Fraction
from itertools import product
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
        "outputs": draw.outputs,
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
        inputs = dict(zip(names(draw), draw.shapes))
        meant: Equation | None = Equation(draw.text, draw.fields, inputs, draw.buffers, draw.outputs or ())
        reason = ""
    except Impossible as error:
        meant, reason = None, f"{type(error).__name__} {error}"
    try:
        layer = as_layer(draw)
        instance = layer.instance(*draw.shapes)
    except la.LayerAlgebraError as error:
        return "refused" if meant is None else f"the engine refuses: {error}"
    if meant is None:
        return f"enumeration refuses: {reason}; the engine gives {instance.output_shapes} under {instance.conditions}"
    if instance.conditions:
        return f"undecided at numbers: {instance.conditions}"
    shapes = {name: meant.shapes[name] for name in meant.outputs}
    if instance.output_shapes != shapes:
        return f"shapes {instance.output_shapes} and {shapes}"
    if {name: tuple(shape) for name, shape in instance.weights().items()} != meant.weights:
        return f"weights {instance.weights()} and {meant.weights}"
    if () in draw.shapes:  # no shape that `on` takes
        return None
    if max(math.prod(line.extents.values()) for line in meant.lines) > MOST_POINTS:
        return "too large"
    for net, there in seen(layer, meant):
        if wrong := _work(draw, net, there):
            return f"{', '.join(there.outputs)}: {wrong}" if layer.several else wrong
    for outputs in dict.fromkeys([*((name,) for name in meant.outputs), meant.outputs]):
        derived, counted = len(instance.showing(*outputs).live), len(meant.at(*outputs).used())
        if derived != counted:
            return f"{outputs} depend on {derived} lines, enumerated {counted}"
    texts = [la.latex_equation(layer, list(draw.shapes))]
    if all(meant.ranks.values()):  # what stands behind a star of no axes is read first with axes there
        texts.append(la.latex_equation(layer))
    for text in texts:
        if text.count("{") != text.count("}"):
            return f"LaTeX {text}"
    return (
        _numbers(draw, layer, meant) or _fields(draw, layer, meant) or (_at_symbols(draw, meant) if symbolic else None)
    )


def seen(layer: la.Layer, meant: Equation) -> list[tuple[la.Network, Equation]]:
    """The layer with all of its outputs, and with each alone."""
    return [(layer, meant), *((layer[name], meant.at(name)) for name in layer.several)]


def _work(draw: Draw, net: la.Network, meant: Equation) -> str | None:
    """What is computed for these outputs, and that all weights are held whatever is."""
    if la.parameters(net, on=on(draw)) != sum(map(math.prod, meant.weights.values())):
        return "parameters"
    if la.activations(net, on=on(draw)) != meant.activations:
        return f"activations {la.activations(net, on=on(draw))} and {meant.activations}"
    for effective in (False, True):
        counts = meant.counts(effective)
        apart = la.flops(net, on=on(draw), apart=True, effective=effective)
        found = la.macs(net, on=on(draw), effective=effective), apart.multiplies, apart.adds, apart.other
        if found != (counts.macs, counts.multiplies, counts.adds, counts.other):
            return f"{'effective' if effective else 'nominal'} work {found} and {counts}"
    return None


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
    everything = {**tensors, **dict(zip(names(draw), given))}
    for net, there in seen(layer, meant):
        if wrong := _same_numbers(net, there, given, tensors, everything):
            return wrong
    return None


def _same_numbers(net: la.Network, meant: Equation, given: list[Any], tensors: Any, everything: Any) -> str | None:
    expected: dict[str, Any] | None
    try:
        expected = {name: meant.at(name).run(everything) for name in meant.outputs}
    except (Undefined, OverflowError):
        return None
    except Impossible:
        expected = None
    try:
        found = la.run(net, given[0] if len(given) == 1 else given, tensors)
    except la.LayerAlgebraError as error:
        return None if expected is None else f"la.run refuses: {error}"
    if expected is None:
        return f"enumeration reads outside, and la.run gives {found}"
    for name, values in expected.items():
        made = found[name] if net.several else found
        if np.shape(made) != meant.shapes[name]:
            return f"la.run gives {name} the shape {np.shape(made)}, not {meant.shapes[name]}"
        for where, value in values.items():
            own = np.asarray(made, dtype=object)[where]
            if not (
                own == value or (own != own and value != value) or math.isclose(own, value, rel_tol=1e-6, abs_tol=1e-6)
            ):
                return f"at {where} la.run gives {name} {own}, not {value}"
    return None


def _fields(draw: Draw, layer: la.Layer, meant: Equation) -> str | None:
    """Every real position that is read lies in the claimed field; enumeration looks at ranges only, and not at masks."""
    if any(not constraint.is_range for constraint in meant.constraints):
        return None
    every = layer.instance(*draw.shapes)
    for (port, source), output in product(enumerate(names(draw)), meant.outputs):
        try:
            reach = layer_reach(every.showing(output), port)
        except la.UnsupportedError:
            continue
        for where, hulls in meant.at(output).reach(source).items():
            for axis, (claimed, hull, size) in enumerate(zip(reach, hulls, draw.shapes[port])):
                first, last = (max(hull[0], 0), min(hull[1], size - 1)) if hull is not None else (1, 0)
                if first <= last and not _value(claimed.low, where) <= first <= last <= _value(claimed.high, where):
                    return f"{output} at {where} reads {hull} along axis {axis} of {source}, claimed {claimed}"
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
    for net, there in seen(layer, meant):
        if wrong := _formulas_hold(net, there, on(draw, symbols), values):
            return wrong
    return None


def _formulas_hold(net: la.Network, meant: Equation, entering: Any, values: Any) -> str | None:
    try:
        shape = None if net.several else la.derive("output_shape", net, on=entering)
        macs = la.derive("macs", net, on=entering)
    except la.LayerAlgebraError as error:
        return f"refused at symbols: {error}" if "undecided" in str(error) else None
    if not macs.domain.holds(values):
        return f"outside of the domain {macs.domain}"
    if shape is not None:
        found = shape({symbol: values[symbol] for symbol in shape.symbols})
        if not shape.domain.holds(values) or tuple(found) != meant.output:
            return f"at symbols {shape.formula}, which gives {found} on {shape.domain}"
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
                f"--- {seed}\n{draw.text}\n{draw.fields} on {draw.shapes}, buffers {draw.buffers}, outputs {draw.outputs}\n    {found}",
                flush=True,
            )
    print(dict(became))
    return became["differed"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
