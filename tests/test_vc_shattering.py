"""Bounds on the VC dimension against points that are shattered, and against the comparisons that a class makes one by one."""

from __future__ import annotations

from functools import singledispatch
from random import Random

import numpy as np
import pytest
from conftest import PROFILE
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.algebra.errors import DomainError
from layeralgebra.algebra.metrics import vc_dimension as metric
from oracles import function_classes as classes
from oracles.function_classes import Copies, Dense, Rectified, Row
from oracles.vc_theorem import implicit

FULL = PROFILE == "full"


# the same classes as networks ------------------------------------------------------------------------------------------


@singledispatch
def network(part: object) -> la.Network:
    """A class of functions as a network."""
    simple = {
        classes.Flat: la.Flatten(), classes.Rectified: la.ReLU(), classes.Absolute: la.Abs(),
        classes.Clipped: la.Hardtanh(), classes.Sloped: la.PReLU(), classes.Itself: la.Identity(),
    }  # fmt: skip
    return simple[type(part)]


@network.register
def _(part: classes.Dense) -> la.Network:
    return la.Linear(part.width, bias=part.bias)


@network.register
def _(part: classes.Convolution) -> la.Network:
    return la.Conv(part.channels, part.kernel)


@network.register
def _(part: classes.Pool) -> la.Network:
    return la.MaxPool(part.window)


@network.register
def _(part: classes.Row) -> la.Network:
    return la.Series(*map(network, part.parts))


@network.register
def _(part: classes.Sum) -> la.Network:
    return la.Add(*map(network, part.parts))


@network.register
def _(part: classes.Stack) -> la.Network:
    return la.Concat(*map(network, part.parts))


@network.register
def _(part: classes.Copies) -> la.Network:
    one = network(part.part)
    return (one.shared(f"again{id(part)}") if part.tied else one) ** part.times


def drawn(random: Random) -> tuple[Row, tuple[int, ...]]:
    """A class of functions with values in the numbers, and what it takes."""
    units = [classes.Rectified(), classes.Rectified(), classes.Absolute(), classes.Clipped(), classes.Sloped()]
    parts: list[object] = []
    width = random.randint(1, 3)
    shape: tuple[int, ...] = (width,)
    if random.random() < 0.25:
        kernel = random.randint(1, 2)
        shape = (random.randint(1, 2), random.randint(3, 5))
        parts += [classes.Convolution(random.randint(1, 2), kernel), random.choice(units)]
        parts += [classes.Pool(2)] if random.random() < 0.5 else []
        parts += [classes.Flat(), Dense(random.randint(1, 2), random.random() < 0.7)]
        width = parts[-1].width
    for _ in range(random.randint(0 if parts else 1, 2)):
        parts.append(part(random, width, units, 2))
    return Row((*parts, Dense(1, random.random() < 0.7))), shape


def part(random: Random, width: int, units: list, depth: int, tied: bool = True) -> object:
    """A part of a class that keeps a width; what is the same in all copies has a name, and is the same in copies of those too."""
    kinds = ["layer"] * 3 + ["map", "units", "sum", "around", "copies", "stack"] + ["same"] * tied
    kind = random.choice(kinds) if depth else "layer"

    def again() -> object:
        return part(random, width, units, depth - 1, tied and kind != "copies")

    if kind == "layer":
        return Row((Dense(width, random.random() < 0.7), random.choice(units)))
    if kind == "map":
        return Dense(width, random.random() < 0.7)
    if kind == "units":
        return random.choice(units)
    if kind == "sum":
        return classes.Sum((again(), again()))
    if kind == "around":
        return classes.Sum((classes.Itself(), again()))
    if kind == "stack":
        return Row((classes.Stack((again(), again())), Dense(width)))
    return Copies(again(), random.randint(2, 4), kind == "same")


# shattered points ------------------------------------------------------------------------------------------------------


def fault(tree: Row, shape: tuple[int, ...], seed: int, most: int, tries: int = 3) -> str | None:
    """A bound below the number of points that the class is seen to shatter."""
    found = classes.shattered(tree, shape, most, seed, tries)
    net = network(tree)
    for bound in ("implicit", "explicit"):
        try:
            said = la.derive("vc_dimension", net, on=shape, bound=bound)
        except DomainError:  # the explicit bound is stated for more than two units
            continue
        if said.kind != "upper" or said.formula < found.size:
            return f"{bound} says {said.kind} {said.formula}, and {found.points.tolist()} are shattered"
    return None


@given(st.integers(0, 10**6))
def test_no_more_points_are_shattered_than_the_bounds_allow(seed: int) -> None:
    assert fault(*drawn(Random(seed)), seed, 5 if FULL else 3) is None


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("bias", [False, True])
def test_one_layer_shatters_as_many_points_as_it_has_weights(inputs: int, bias: bool) -> None:
    """The search reaches what is known, and not more: half-spaces of n inputs shatter n + 1 points, through the origin n."""
    tree = Row((Dense(1, bias),))
    assert classes.shattered(tree, (inputs,), inputs + 3, 0, tries=12).size == inputs + bias
    assert la.vc_dimension(network(tree), on=(inputs,), bound="implicit") >= inputs + bias


def test_what_is_shattered_is_shattered_by_the_network() -> None:
    """The weights that were found, given to the network itself."""
    for tree, shape in [drawn(Random(number)) for number in range(10)]:
        net, found = network(tree), classes.shattered(tree, shape, 3, 3, tries=2)
        slots = {name: array.shape for name, array in la.weights(net, on=shape).items()}
        for pattern, weights in list(found.weights.items())[-2:]:
            given = {
                name: array.reshape(size) for (name, size), array in zip(slots.items(), weights.values(), strict=True)
            }
            for place, point in enumerate(found.points):
                assert (np.ravel(la.run(net, point, given))[0] > 0) == bool(pattern >> place & 1)


def test_a_class_that_is_taken_for_one_function_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no weight counts, the bounds are below what is shattered."""
    tree = Row((Dense(3), Rectified(), Dense(1)))
    assert fault(tree, (2,), 0, 5) is None
    monkeypatch.setattr(metric, "_weights", lambda site: ())
    assert "are shattered" in (fault(tree, (2,), 0, 5) or "")


# comparisons, one by one -----------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_the_bound_counts_all_comparisons(seed: int) -> None:
    """The theorem over comparisons that are followed value by value, each with the weights and the degree that it has."""
    tree, shape = drawn(Random(seed))
    followed = classes.levels(tree, shape)
    said = la.vc_dimension(network(tree), on=shape, bound="implicit")
    new = [w - before for (_, w, _), before in zip(followed, [0, *(w for _, w, _ in followed)])]
    assert said >= implicit([(count, own, degree) for (count, _, degree), own in zip(followed, new)])


@pytest.mark.slow
@pytest.mark.parametrize("width, depth", [(26, 641), (30, 700), (64, 800)])
def test_the_lower_bound_is_below_the_upper_ones(width: int, depth: int) -> None:
    """Where the theorem of the lower bound is stated, some network of that size reaches it, so that no upper bound is below."""
    net = (la.Linear(width) >> la.ReLU()) ** depth >> la.Linear(1)
    lower = la.derive("vc_dimension", net, on=(width,), bound="lower")
    assert lower.kind == "lower" and not lower.domain
    assert lower.formula < la.vc_dimension(net, on=(width,), bound="implicit")
    assert lower.formula < la.vc_dimension(net, on=(width,))
