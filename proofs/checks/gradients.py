"""The backward pass of a layer against difference quotients of its own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...algebra.adjoints.backward import backward
from ...algebra.errors import UnsupportedError
from ...algebra.numerics.run import run
from ..samples.cases import Case, arrays
from ..samples.structural import Inapplicable

STEP, NEAR = 1e-6, 1e-4
"""How far is gone to both sides, and how near the quotient has to be."""


def has_gradients(case: Case) -> bool:
    """Whether a backward pass is known at all."""
    try:
        backward(case.layer, on=case.on or None, inputs=True)
    except UnsupportedError:
        return False
    return True


def gradient_fault(case: Case) -> tuple[str, float, float] | None:
    """The first tensor whose gradient, along a random direction, is not the difference quotient: it, the gradient, the quotient."""
    layer, generator = case.layer, np.random.default_rng(11)
    tensors = arrays(case, 5, False)
    names = layer.input_names
    called = {name: "x" if len(names) == 1 else f"x[{place}]" for place, name in enumerate(names)}

    def made(given: dict[str, Any]) -> list[Any]:
        inputs = [given[name] for name in names]
        others = {name: array for name, array in given.items() if name not in names}
        with np.errstate(all="ignore"):
            out = run(layer, inputs[0] if len(inputs) == 1 else inputs, others)
        values = list(out.values()) if layer.several else [out]
        return [np.asarray(value, dtype=float) for value in values]

    outputs = made(tensors)
    seeds = [generator.standard_normal(value.shape) for value in outputs]
    inputs = [tensors[name] for name in names]
    others = {name: array for name, array in tensors.items() if name not in names}
    with np.errstate(all="ignore"):
        found = backward(layer, on=case.on or None, inputs=True).run(
            inputs[0] if len(inputs) == 1 else inputs, others, seeds if len(seeds) > 1 else seeds[0]
        )
    for name, array in tensors.items():
        gradient = found.get(called.get(name, name))
        if gradient is None or array.dtype.kind != "f":
            continue
        direction = generator.standard_normal(array.shape)
        ends = [made({**tensors, name: array + sign * STEP * direction}) for sign in (1, -1)]
        quotient = sum(float(((up - down) * seed).sum()) for up, down, seed in zip(*ends, seeds)) / (2 * STEP)
        along = float((np.asarray(gradient, dtype=float) * direction).sum())
        if not np.isfinite([along, quotient]).all():
            raise Inapplicable
        size = max([1.0, abs(quotient), *(float(np.abs(value).sum()) for value in outputs)])
        if abs(along - quotient) > NEAR * size:
            return name, along, quotient
    return None
