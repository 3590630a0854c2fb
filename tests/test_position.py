"""Layers that know positions, beyond what enumeration and published models check: which fields they take."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import layeralgebra as la


@pytest.mark.parametrize(
    "kind", [lambda **fields: la.RotaryEmbedding(**fields), lambda **fields: la.RotaryAttention(1, **fields)]
)
def test_the_base_of_a_rotation_is_positive(kind):
    for base in (0, -2, Fraction(-1, 2)):
        with pytest.raises(la.FieldError, match="a positive number"):
            kind(base=base)
    held = la.weights(kind(base=Fraction(1, 2)), on=(3, 4))
    np.testing.assert_allclose(held["C"], np.cos(np.outer(np.arange(3), [1, 2**0.5])))
