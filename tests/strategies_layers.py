"""Hypothesis strategies for the registered layers: what the library draws for `la.check`, told strictly.

How fields and shapes of a layer are drawn, and the hints for those that seldom fit, are in `proofs/cases.py` and
`proofs/hints.py`. Here a layer that enumeration stumbles over is an error and no reason to draw another one.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import assume
from hypothesis import strategies as st

import layeralgebra as la
from layeralgebra.proofs.samples.cases import ATTEMPTS, Case, drawn_freely, drawn_together, meaning
from oracles.equation_nodes import Impossible


@st.composite
def attempts(draw: Callable, cls: type[la.Layer]) -> tuple[la.Layer | None, tuple[tuple[int, ...], ...]]:
    """A layer and shapes that may fit or not; None in place of a layer whose fields contradict each other."""
    fields, shapes = draw(drawn_freely(cls))
    try:
        return cls(**fields), shapes
    except (la.EquationError, la.FieldError):
        return None, shapes


@st.composite
def cases(draw: Callable, cls: type[la.Layer]) -> Case:
    """A layer on shapes at which its equation has a meaning."""
    for _ in range(ATTEMPTS):
        fields, shapes = draw(drawn_together(cls))
        try:
            layer = cls(**fields)
            return Case(layer, shapes, meaning(layer, shapes))
        except (Impossible, la.FieldError):
            continue
    assume(False)
    raise AssertionError
