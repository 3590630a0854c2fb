"""Attention in windows, beyond what enumeration and the published models check: which inputs it takes."""

from __future__ import annotations

import numpy as np
import pytest

import layeralgebra as la


@pytest.mark.parametrize("on", [(4,), (4, 6), (4, 6, 6, 6)])
@pytest.mark.parametrize("metric", [la.parameters, la.output_shape, la.weights])
def test_relative_positions_that_are_pairs_need_two_axes(on, metric):
    layer = la.CosineWindowAttention(2, 3, hidden=5)
    with pytest.raises((la.EquationError, la.ShapeError), match="axis|axes"):
        metric(layer, on=on)


def test_the_table_of_logarithmic_coordinates_has_the_shape_that_the_equation_asks_for():
    layer = la.CosineWindowAttention(2, 3, hidden=5)
    held = la.weights(layer, on=(4, 6, 7))
    assert held["T"].shape == (5, 5, 2)
    assert la.run(layer, np.ones((4, 6, 7)), held).shape == (4, 6, 7)
