"""What a program for an equation says beside solving the layer itself, on layers and sizes drawn at random.

``PYTHONPATH=tests python -P tests/programs_agreement.py FIRST COUNT`` compares them on COUNT draws, on every registered layer and on random equations in
turn, and prints those on which they differ.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from random_equations import drawn
from sympy import Expr, Integer, Max, Tuple, floor

import layeralgebra as la
from layeralgebra.algebra.equations import at_numbers
from layeralgebra.algebra.equations.instance import Instance, InstanceAtNumbers, solved, without_loops
from layeralgebra.algebra.equations.programs import by_letters
from layeralgebra.algebra.equations.work import work
from layeralgebra.algebra.formulas.conditions import Condition
from layeralgebra.algebra.sizes.evaluate import evaluate, evaluate_condition
from layeralgebra.proofs.samples.cases import drawn_together

A, B, C = la.dims("a b c")
OTHERS = (
    *map(Integer, (2, 3, 4, 6, 7, 12, 31, 64)), A, B, C, 2 * A, A + 1, A - 2, A * B, 2 * A + 3 * B, floor(A / 2), floor(A / 2 + 1),
    floor((A + 1) / 2), floor(A / 4) / 2, A / 2, 3 * floor(B / 2) + 1, Max(A, 3), A**2,
)  # fmt: skip
NUMBERS = tuple(map(Integer, (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 31, 64)))
KEPT = (
    "shapes", "roles", "places", "margins", "recurrent", "given", "own_ranges", "conditions", "of_fields", "outputs", "extents", "layer",
    "inputs", "of_reading",
)  # fmt: skip


def said(instance: Instance) -> dict[str, Any]:
    """Everything that an instance holds, with the order of what is in order."""
    found = {name: getattr(instance, name) for name in KEPT} | vars(instance.elaborated)
    orders = {f"order of {name}": list(value) for name, value in found.items() if isinstance(value, dict)}
    return found | orders | {"orders of extents": [list(extents) for extents in instance.extents]}


def holds(condition: Condition, sizes: dict[Any, int]) -> bool:
    """Whether a condition holds at sizes, for every value of its indices."""
    if not condition.loops:
        return bool(evaluate_condition(condition.relation, sizes, unused=True))
    (index, times), *others = condition.loops
    inner = replace(condition, loops=tuple(others))
    return all(holds(inner, {**sizes, index: number}) for number in range(int(evaluate(times, sizes, unused=True))))


def left_out(own: list[Condition], wanted: list[Condition]) -> list[Condition]:
    """The conditions that a program does without, if each of them holds at small sizes whatever they are; else none."""
    missing = [condition for condition in wanted if condition not in own]
    if [condition for condition in wanted if condition in own] != own:
        return []
    points = [dict(zip((A, B, C), values)) for values in product(range(1, 9, 2), repeat=3)]
    return missing if all(holds(condition, point) for condition in missing for point in points) else []


def takes(layer: Any, inputs: int) -> bool:
    """Whether a layer has so many inputs; not if its text says nothing."""
    try:
        return len(layer.input_names) == inputs
    except la.LayerAlgebraError:
        return False


def difference(layer: Any, shapes: tuple[tuple[Expr, ...], ...]) -> str | None:
    """Where a program differs from solving the layer itself; an empty text if it agrees, None where there is no program."""
    if not takes(layer, len(shapes)):
        return None
    try:
        made = by_letters(layer, shapes, solved)
    except la.LayerAlgebraError:
        return None
    if made is None:
        return None
    try:
        wanted = said(without_loops(solved(layer, shapes)))
    except la.LayerAlgebraError as error:
        return f"{layer} on {shapes} is refused without a program: {error}"
    own = said(without_loops(made))
    spare = left_out(own["conditions"], wanted["conditions"])
    for name in ("conditions", "of_reading"):
        wanted[name] = type(wanted[name])(condition for condition in wanted[name] if condition not in spare)
    return "\n".join(
        f"{layer} on {shapes}: {name}: {own[name]} is not {wanted[name]}"
        for name in wanted
        if own[name] != wanted[name]
    )


def difference_at_numbers(layer: Any, shapes: tuple[tuple[Expr, ...], ...]) -> str | None:
    """Where a program for numbers differs from solving the layer itself; an empty text if it agrees, None where there is no program."""
    if not takes(layer, len(shapes)):
        return None
    before, at_numbers.SOLVED_BEFORE = at_numbers.SOLVED_BEFORE, 0
    at_numbers._kind.cache_clear()
    try:
        known = at_numbers.by_numbers(layer, shapes, solved)
    except la.LayerAlgebraError:
        return None
    finally:
        at_numbers.SOLVED_BEFORE = before
    if known is None:
        return None
    try:
        made = without_loops(solved(layer, shapes))
    except la.LayerAlgebraError as error:
        return f"{layer} on {shapes} is refused without a program: {error}"
    own = InstanceAtNumbers.of(layer, shapes, *known, layer.output_names)
    pairs = {
        name: (asked(own), asked(made))
        for name, asked in {
            **{name: lambda one, name=name: getattr(one, name) for name in ("shapes", "roles", "outputs", "live", "unread", "conditions")},
            "order of shapes": lambda one: list(one.shapes), "weights": lambda one: list(one.weights().items()),
            "nominal work": work, "effective work": lambda one: work(one, True),
            "one output": lambda one: work(one.showing(one.outputs[-1])),
        }.items()
    }  # fmt: skip
    pairs |= {name: (getattr(own, name), getattr(made, name)) for name in ("extents", "margins", "of_fields", "inputs")}
    return "\n".join(f"{layer} on {shapes}: {name}: {a} is not {b}" for name, (a, b) in pairs.items() if a != b)


def variations(
    cls: Any, fields: dict[str, Any], shapes: Any, source: random.Random, of_fields: Any, of_shapes: Any, count: int = 4
) -> list[tuple[Any, Any]]:
    """The same with other sizes, equal ones by equal ones where fields and shapes take the same; some sizes stay."""
    found = []
    for _ in range(count):
        own: dict[Any, Any] = {}
        others = {"field": (of_fields, own), "shape": (of_shapes, own if of_shapes is of_fields else {})}

        def other(size: Any, of: str, others: Any = others) -> Any:
            choices, chosen = others[of]
            size = Integer(size) if isinstance(size, int) and not isinstance(size, bool) else size
            if not isinstance(size, Expr) or size.is_Integer is not True or size < 2:
                return size
            if size not in chosen:
                chosen[size] = size if source.random() < 0.4 else source.choice(choices)
            return chosen[size]

        new = {
            name: Tuple(*(other(part, "field") for part in value))
            if isinstance(value, tuple | Tuple)
            else other(value, "field")
            for name, value in fields.items()
        }
        try:
            found.append(
                (cls(**new), tuple(tuple(other(Integer(size), "shape") for size in shape) for shape in shapes))
            )
        except la.LayerAlgebraError:
            continue
    return found


def compared(cls: Any, fields: dict[str, Any], shapes: Any, source: random.Random) -> list[str | None]:
    """The differences on variations of one draw: with formulas, with numbers, and with formulas in the fields of what takes numbers."""
    formulas, numbers, mixed = (
        variations(cls, fields, shapes, source, *choices)
        for choices in ((OTHERS, OTHERS), (NUMBERS, NUMBERS), (OTHERS, NUMBERS))
    )
    return [difference(*one) for one in formulas] + [difference_at_numbers(*one) for one in (*numbers, *mixed)]


def of_random_equation(number: int) -> list[str | None]:
    """The differences on a random equation."""
    draw = drawn(number)
    body: dict[str, Any] = {
        "equation": draw.text,
        "__annotations__": {name: _kind(value) for name, value in draw.fields.items()},
    }
    body |= {"inputs": draw.inputs, "buffers": draw.buffers, "outputs": draw.outputs}
    try:
        cls = type("Random", (la.Layer,), body)
    except la.LayerAlgebraError:
        return []
    return compared(cls, draw.fields, draw.shapes, random.Random(number))


def _kind(value: Any) -> str:
    return (
        "Flag"
        if isinstance(value, bool)
        else "Text"
        if isinstance(value, str)
        else "Size"
        if _is_whole(value)
        else "Number"
    )


def _is_whole(value: Any) -> bool:
    return all(_is_whole(part) for part in value) if isinstance(value, tuple) else isinstance(value, int | Integer)


def of_registered(cls: Any, number: int, examples: int) -> list[str | None]:
    """The differences on draws of a registered layer."""
    found: list[str | None] = []
    source = random.Random(number)

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn_together(cls))
    def draw(case: Any) -> None:
        found.extend(compared(cls, *case, source))

    try:
        draw()
    except HypothesisException:
        pass
    return found


def main(first: int, count: int) -> int:
    from layeralgebra.layers import REGISTRY

    tried = agreed = wrong = 0
    registered = list(REGISTRY.values())
    for number in range(first, first + count):
        found = of_random_equation(number)
        if number % 20 == 0:
            found += of_registered(registered[number // 20 % len(registered)], number, 10)
        tried, agreed = tried + len(found), agreed + found.count("")
        for line in filter(None, found):
            wrong += 1
            print(number, line)
    print(f"tried {tried}: by a program {agreed + wrong}, of these {agreed} alike and {wrong} not")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]))))
