"""Gradients by difference quotients of what enumeration says that an equation means; none of it looks at the engine's derivatives."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from layeralgebra.proofs.samples.cases import Case, arrays
from oracles.equation_nodes import Undefined


def loss(case: Case, tensors: dict[str, Any], weights: dict[str, np.ndarray]) -> Any:
    """A weighted sum of all outputs."""
    made = {name: case.meaning.at(name).run(tensors) for name in case.meaning.outputs}
    return sum(weights[name][where] * value for name, found in made.items() for where, value in found.items())


def floating(case: Case) -> list[str]:
    """The inputs and learned tensors that hold no places."""
    free = [name for name in case.meaning.shapes if name not in case.meaning.defined]
    return [name for name in free if case.meaning.rows(name) is None and name not in case.meaning.buffers]


def quotients(
    case: Case, seed: int
) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, tuple[np.ndarray, float]]]:
    """Tensors, weights of the outputs by their names, and for every tensor a direction and the slope along it."""
    generator = np.random.default_rng(seed)
    tensors = {name: np.asarray(value) for name, value in arrays(case, seed, False).items()}
    for name in floating(
        case
    ):  # nowhere two equal, and not far from 1, so that few functions leave where they have values
        tensors[name] = generator.uniform(0.3, 1.2, tensors[name].shape) * generator.choice(
            [-1, 1, 1], tensors[name].shape
        )
    weights = {name: generator.standard_normal(case.meaning.shapes[name]) for name in case.meaning.outputs}
    found = {}
    for name in floating(case):
        direction = generator.standard_normal(tensors[name].shape)
        slopes = []
        for step in (1e-5, 5e-6):
            ends = [loss(case, {**tensors, name: tensors[name] + sign * step * direction}, weights) for sign in (1, -1)]
            slopes.append((ends[0] - ends[1]) / (2 * step))
        slope = (4 * slopes[1] - slopes[0]) / 3
        if not np.isfinite(slope):
            raise Undefined("a loss without a value")
        found[name] = (direction, float(slope))
    return tensors, weights, found


def exact_slope(
    case: Case, tensors: dict[str, Any], weights: dict[str, np.ndarray], name: str, direction: np.ndarray
) -> Fraction:
    """The slope along a direction for an equation of sums, products and quotients, from fractions and a tiny step."""
    step = Fraction(1, 10**40)
    ends = [loss(case, {**tensors, name: tensors[name] + sign * step * direction}, weights) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)
