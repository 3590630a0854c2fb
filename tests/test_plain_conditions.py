"""The conditions that are printed are fewer and plainer than those that the layers state, and mean the same.

The oracle evaluates both by SymPy's substitution, at sizes drawn around the bounds.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest
from sympy import Eq, Ge, Mod, Symbol, floor, true

import layeralgebra as la
from layeralgebra.algebra.derivations.plain_conditions import implies, opened, plain
from layeralgebra.algebra.formulas.conditions import Condition
from layeralgebra.algebra.networks.carrier import DomainCondition, Loop

H, W, k, p = la.dims("H W k p")


def holds(conditions: Any, sizes: dict[Symbol, int]) -> bool:
    """Whether relations hold at sizes, those inside a repetition for each of its copies."""
    for item in conditions:
        loops = item.all_loops
        for copy in product(*(range(int(loop.times.subs(sizes))) for loop in loops)):
            at = {**sizes, **{loop.index: number for loop, number in zip(loops, copy, strict=True)}}
            if item.condition.relation.subs(at) != true:
                return False
    return True


@pytest.mark.parametrize(
    ("relation", "wanted"),
    [
        (Ge(floor(H / k), 3), Ge(H, 3 * k)),
        (Ge(floor(H / k) / 8, 1), Ge(H, 8 * k)),
        (Ge(k * floor((H - p) / (k * p)) + k, 1), Ge(H, p)),
        (Ge(2 * floor(H / 4) + 3, 8), Ge(H, 12)),
        (Eq(Mod(3 * floor(H / 4), 4), 0), Eq(Mod(floor(H / 4), 4), 0)),
        (Eq(Mod(6 * H, 4), 0), Eq(Mod(H, 2), 0)),
        (Eq(H, 2 * floor(H / 2)), Eq(Mod(H, 2), 0)),
        (Eq(floor(H / 4) + 1, 2 * floor((H + 4) / 8)), Eq(Mod(floor(H / 4) + 1, 2), 0)),
        (Ge(H, W), Ge(H, W)),
        (Eq(H, W), Eq(H, W)),
        (Ge(4, floor(H / k)), Ge(4, floor(H / k))),
    ],
)
def test_a_condition_is_opened(relation: Any, wanted: Any) -> None:
    assert opened(relation) == wanted
    for h, c, d in product((1, 2, 3, 4, 8, 11, 12, 13, 24, 32), (1, 2, 3), (1, 4)):
        sizes = {H: h, W: 8, k: c, p: d}
        assert relation.subs(sizes) == opened(relation).subs(sizes), sizes


def test_conditions_imply_each_other_in_one_direction() -> None:
    assert implies(Ge(H, 3 * k), Ge(H, k)) and not implies(Ge(H, k), Ge(H, 3 * k))
    assert implies(Eq(Mod(H, k), 0), Eq(Mod(4 * H, k), 0)) and not implies(Eq(Mod(4 * H, k), 0), Eq(Mod(H, k), 0))
    assert implies(Eq(Mod(H + 4, 16), 0), Eq(Mod(H, 4), 0)) and not implies(Eq(Mod(H + 4, 16), 0), Eq(Mod(H, 8), 0))


def drawn_relation(draw: random.Random) -> Any:
    """A condition of the kinds that layers state, with roundings in each other."""
    size = H if draw.random() < 0.7 else W
    value: Any = size
    for _ in range(draw.randrange(3)):
        value = floor((value + draw.randrange(-2, 5)) / draw.choice([2, 3, 4, k]))
    value = draw.choice([1, 1, 2, 3, k]) * value + draw.randrange(-3, 4)
    divisor = draw.choice([2, 3, 4, 8, k])
    return draw.choice(
        [
            Ge(value, draw.randrange(1, 6)),
            Ge(value, draw.choice([k, p])),
            Eq(Mod(value, divisor), 0),
            Eq(value, draw.choice([2, 4]) * floor(value / draw.choice([2, 4]))),
        ]
    )


@pytest.mark.parametrize("seed", [pytest.param(n, marks=() if n < 10 else pytest.mark.slow) for n in range(200)])
def test_plain_conditions_hold_where_the_given_ones_do(seed: int) -> None:
    draw = random.Random(seed)
    index = Symbol("l", integer=True, nonnegative=True)
    given = []
    for _ in range(draw.randrange(1, 7)):
        relation = drawn_relation(draw)
        if relation in (True, False, true):
            continue
        loops = draw.choice([(), (), (Loop(index, floor(p / 2)),), (Loop(index, 0 * p + 2),)])
        given.append(DomainCondition(Condition(relation, "stated"), "", loops))
    found = plain(given)
    assert len(found) <= len(given)
    for _ in range(25):
        sizes = {H: draw.randrange(1, 70), W: draw.randrange(1, 40), k: draw.randrange(1, 6), p: draw.randrange(1, 6)}
        assert holds(found, sizes) == holds(given, sizes), (sizes, given, found)


FAMILIES = {
    "unet": (["16 divides height + 4", "16 divides width + 4", "height >= 185", "width >= 185"], (180, 240)),
    "densenet201": (["height >= 29", "width >= 29"], (20, 40)),
    "vgg16": (["height >= 32", "width >= 32"], (20, 50)),
    "alexnet": (["height >= 63", "width >= 63"], (50, 80)),
    "vit_b_16": (["height >= 16", "width >= 16"], (10, 40)),
    "swin_t": (["8 divides floor(height/4)", "8 divides floor(width/4)", "height >= 32", "width >= 32"], (10, 100)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "swin_t")) for name in FAMILIES]
)
def test_networks_have_the_conditions_that_one_would_state(name: str) -> None:
    wanted, (low, high) = FAMILIES[name]
    height, width = la.dims("height width")
    build = getattr(la.zoo, name)
    domain = la.derive(la.parameters, build(height=height, width=width)).domain
    assert [line.split(":")[0] for line in str(domain).splitlines()] == wanted
    draw = random.Random(name)
    for _ in range(6):
        sizes = {height: draw.randrange(low, high), width: draw.randrange(low, high)}
        assert domain.holds(sizes) == domain.plain.holds(sizes)
        try:
            la.derive(la.parameters, build(height=sizes[height], width=sizes[width]))
            accepted = True
        except la.LayerAlgebraError:
            accepted = False
        assert domain.plain.holds(sizes) == accepted, sizes
