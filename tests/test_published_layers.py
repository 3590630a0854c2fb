"""Published layers in the words of their papers: counts as one derives them by hand, at symbolic sizes, and all the rest by enumeration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from language_agreement import disagreement
from random_equations import Draw
from sympy import Expr, expand, sympify

import layeralgebra as la

n, m, d, r, E, N, T, b, f, o, k, H, W = la.dims("n m d r E N T b f o k H W")


@dataclass(frozen=True)
class Published:
    """A layer, its formulas by hand, and sizes at which enumeration looks at it."""

    text: str
    fields: dict[str, Any]
    on: Any
    parameters: Any
    macs: Any
    sizes: dict[Expr, int]
    inputs: tuple[str, ...] | None = None
    buffers: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


LAYERS = {
    "conditionally parameterised convolution": Published(
        # Yang et al. 2019, arXiv 1904.04971, equations 1 and 2
        """
        r[e] = sigmoid(R[e, c] * mean[*i](x[c, *i]))
        K[o, c, *u] = r[e] * W[e, o, c, *u]
        y[o, *i] = K[o, c, *u] * x[c, *(i + u)]
        where e < experts, o < out_channels, u < kernel
        """,
        {"experts": E, "out_channels": o, "kernel": k}, (f, H, W), E*f + E*o*f*k**2, E*f + E*o*f*k**2 + o*f*k**2*(H - k + 1)*(W - k + 1),
        {E: 2, o: 2, k: 2, f: 2, H: 3, W: 4},
    ),
    "weight-decomposed low-rank adaptation": Published(
        # Liu et al. 2024, arXiv 2402.09353, equation 5: the weights that are there, W0, are given
        """
        V[o, f] = W0[o, f] + B[o, r]*A[r, f]
        norm[f] = sqrt(V[o, f]**2)
        y[*t, o] = m[f] * V[o, f]/norm[f] * x[*t, f]
        where o < out_features, r < rank
        """,
        {"out_features": o, "rank": r}, (T, f), o*r + r*f + f, o*r*f + T*o*f, {o: 3, r: 2, T: 2, f: 3}, buffers=("W0",),
    ),
    "Monarch matrices": Published(
        # Dao et al. 2022, arXiv 2204.00595, definition 1, with b blocks: their number and their size need no line of their own
        """
        u[p, j] = L[p, j, i] * x[(p, i)]
        y[(j, q)] = R[j, q, p] * u[p, j]
        where p < blocks, j < size(i), q < size(p)
        """,
        {"blocks": b}, (n,), b*n + n**2/b, b*n + n**2/b, {b: 2, n: 6},
    ),
}  # fmt: skip


def drawn(layer: Published) -> Draw:
    """The layer at its sizes."""
    shapes = layer.on if isinstance(layer.on, list) else [layer.on]
    at = {name: int(sympify(value).subs(layer.sizes)) for name, value in layer.fields.items()}
    sized = tuple(tuple(int(sympify(size).subs(layer.sizes)) for size in shape) for shape in shapes)
    return Draw(layer.text, at, sized, layer.inputs, layer.buffers)


def as_layer(layer: Published) -> la.Layer:
    space = {
        "equation": layer.text, "inputs": layer.inputs or ("x",), "buffers": layer.buffers,
        "__annotations__": dict.fromkeys(layer.fields, "Dim"),
    }  # fmt: skip
    made: la.Layer = type("Published", (la.Layer,), space)(**layer.fields)
    return made


@pytest.mark.parametrize("what", sorted(LAYERS))
def test_counts_by_hand(what: str) -> None:
    layer = LAYERS[what]
    made = as_layer(layer)
    for metric, hand in (("parameters", layer.parameters), ("macs", layer.macs), *layer.more.items()):
        found = la.derive(metric, made, on=layer.on)
        assert expand(found.formula - hand) == 0, f"{metric}: {found.formula}, by hand {hand}"


@pytest.mark.parametrize("what", sorted(LAYERS))
def test_everything_else_by_enumeration(what: str) -> None:
    assert disagreement(drawn(LAYERS[what])) is None
