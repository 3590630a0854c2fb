"""Published layers in the words of their papers: counts as one derives them by hand, at symbolic sizes, and all the rest by enumeration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from language_agreement import disagreement
from random_equations import Draw
from sympy import Expr, ceiling, expand, floor, log, sympify

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
        norm[f] = sqrt(V[o, f]*V[o, f])
        y[*t, o] = m[f] * V[o, f]/norm[f] * x[*t, f]
        where o < out_features, r < rank
        """,
        {"out_features": o, "rank": r}, (T, f), o*r + r*f + f, o*r*f + o*f + T*o*f, {o: 3, r: 2, T: 2, f: 3}, buffers=("W0",),
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
    "graph convolution": Published(
        # Kipf and Welling 2017, arXiv 1609.02907, equation 2, over a list of edges and with the degrees summed over it
        """
        degree[source[e]] = 1
        h[n, o] = W[o, f] * x[n, f]
        y[target[e], o] = h[source[e], o]/sqrt(degree[source[e]]*degree[target[e]])
        where o < out_features, target < size(n), source < size(n)
        """,
        {"out_features": o}, [(N, f), (E,), (E,)], o*f, N*f*o, {o: 2, N: 3, f: 2, E: 4}, ("x", "source", "target"),
        more={"flops": 2*N*f*o + 2*E*o + 3*E},
    ),
    "graph attention": Published(
        # Velickovic et al. 2018, arXiv 1710.10903, equations 1 to 4, one head
        """
        h[n, o] = W[o, f] * x[n, f]
        s[e] = A[o]*h[target[e], o] + B[o]*h[source[e], o]
        p[e] = exp(max(s[e], s[e]/5))
        z[target[e]] = p[e]
        y[target[e], o] = p[e]/z[target[e]] * h[source[e], o]
        where o < out_features, target < size(n), source < size(n)
        """,
        {"out_features": o}, [(N, f), (E,), (E,)], o*f + 2*o, N*f*o + 2*E*o, {o: 2, N: 3, f: 2, E: 4}, ("x", "source", "target"),
    ),
    "graph isomorphism network": Published(
        # Xu et al. 2019, arXiv 1810.00826, equation 4.1, with a perceptron of one hidden layer
        """
        a[target[e], f] = x[source[e], f]
        h[n, m] = relu(V[m, f] * ((1 + epsilon)*x[n, f] + a[n, f]))
        y[n, o] = W[o, m] * h[n, m]
        where m < hidden, o < out_features, target < size(n), source < size(n)
        """,
        {"hidden": m, "out_features": o, "epsilon": 1}, [(N, f), (E,), (E,)], m*f + o*m, N*m*f + N*o*m,
        {m: 2, o: 2, N: 3, f: 2, E: 4}, ("x", "source", "target"), more={"flops": 2*N*m*f + 2*N*o*m + E*f + 2*N*f + N*m},
    ),
    "edge convolution": Published(
        # Wang et al. 2019, arXiv 1801.07829, equation 8: the maximum over the edges that enter a node
        """
        m[e, o] = relu(W[o, f]*x[target[e], f] + V[o, f]*(x[source[e], f] - x[target[e], f]))
        y[target[e], o] = max[e](m[e, o])
        where o < out_features, target < nodes
        """,
        {"out_features": o, "nodes": N}, [(N, f), (E,), (E,)], 2*o*f, 2*E*o*f, {o: 2, N: 3, f: 2, E: 4}, ("x", "source", "target"),
    ),
    "message passing with features of the edges": Published(
        # Gilmer et al. 2017, arXiv 1704.01212, section 2 with the edge network of section 5.1, and the sum as the update
        """
        A[e, o, f] = U[o, f, k]*edge[e, k]
        y[target[e], o] = A[e, o, f]*x[source[e], f]
        where o < out_features, target < nodes, source < nodes
        """,
        {"out_features": o, "nodes": N}, [(N, f), (E, k), (E,), (E,)], o*f*k, E*o*f*k + E*o*f, {o: 2, N: 3, f: 2, E: 4, k: 2},
        ("x", "edge", "source", "target"),
    ),
    "mixture of experts, the best k of them": Published(
        # Shazeer et al. 2017, arXiv 1701.06538, equations 1 to 5 without noise
        """
        s[t, e] = R[e, f]*x[t, f]
        best[t, r] = top[e](s[t, e], r)
        g[t, r] = softmax[r](s[t, best[t, r]])
        h[t, r, m] = relu(U[best[t, r], m, f]*x[t, f])
        y[t, f] = g[t, r]*V[best[t, r], f, m]*h[t, r, m]
        where e < experts, r < chosen, m < hidden
        """,
        {"experts": E, "chosen": k, "hidden": m}, (T, f), E*f + 2*E*f*m, T*E*f + 2*T*k*m*f, {E: 3, k: 2, m: 2, T: 2, f: 3},
        more={"flops": 2*T*E*f + T*E*ceiling(log(k + 1, 2)) + 3*T*k + 2*T*k*m*f + T*k*m + 3*T*k*m*f},
    ),
    "experts that choose their tokens": Published(
        # Zhou et al. 2022, arXiv 2202.09368, equations 1 to 3: what the experts give back is scattered
        """
        s[t, e] = softmax[e](R[e, f]*x[t, f])
        pick[e, r] = top[t](s[t, e], r)
        h[e, r, m] = relu(U[e, m, f]*x[pick[e, r], f])
        z[e, r, f] = V[e, f, m]*h[e, r, m]
        y[pick[e, r], f] = s[pick[e, r], e]*z[e, r, f]
        where e < experts, r < capacity, m < hidden
        """,
        {"experts": E, "capacity": k, "hidden": m}, (T, f), E*f + 2*E*f*m, T*E*f + 2*E*k*m*f, {E: 2, k: 2, m: 2, T: 3, f: 2},
    ),
    "product keys": Published(
        # Lample et al. 2019, arXiv 1907.05242, equations 2 to 5: two halves of a query, n keys for each, and n**2 values
        """
        s[t, p, a] = A[p, a, e]*x[t, (p, e)]
        best[t, p, r] = top[a](s[t, p, a], r)
        pair[t, (i, j)] = s[t, 0, best[t, 0, i]] + s[t, 1, best[t, 1, j]]
        z[t, r] = top[c](pair[t, c], r)
        first[t, r] = floor(z[t, r]/chosen)
        second[t, r] = z[t, r] - chosen*first[t, r]
        g[t, r] = softmax[r](pair[t, z[t, r]])
        y[t, o] = g[t, r]*V[best[t, 0, first[t, r]], best[t, 1, second[t, r]], o]
        where p < 2, a < keys, o < out_features, r < chosen, i < chosen, j < chosen
        """,
        {"keys": n, "chosen": k, "out_features": o}, (T, 2*d), 2*n*d + n**2*o, 2*T*n*d + T*k*o, {n: 3, k: 2, o: 2, T: 2, d: 2},
    ),
    "vector quantisation": Published(
        # van den Oord et al. 2017, arXiv 1711.00937, equations 1 and 2
        """
        d[t, n] = sum[f]((x[t, f] - C[n, f])**2)
        z[t] = argmin[n](d[t, n])
        y[t, f] = C[z[t], f]
        where n < codes
        """,
        {"codes": n}, (T, f), n*f, 0, {n: 3, T: 2, f: 2}, more={"flops": 3*T*n*f + T*n},
    ),
    "the k largest of each channel": Published(
        # Kalchbrenner et al. 2014, arXiv 1404.2188, section 3.3, without their order in time
        "y[c, r] = sort[t](x[c, t], size(t) - 1 - r)\nwhere r < kept", {"kept": k}, (f, T), 0, 0, {k: 2, T: 3, f: 2},
    ),
    "median filter": Published(
        "y[i] = sort[u](x[i + u]*V[u], floor(size(u)/2))\nwhere u < window", {"window": 3}, (T,), 3, 0, {T: 5},
    ),
    "deformable convolution, one axis": Published(
        # Dai et al. 2017, arXiv 1703.06211, equations 2 to 4: offsets and samples between positions come from data
        """
        p[u, i] = i + u + P[u, c, v]*x[c, i + v]
        q[u, i, a] = floor(p[u, i]) + a
        g[u, i, a] = max(0, 1 - abs(p[u, i] - q[u, i, a]))*[0 <= q[u, i, a] < length]
        at[u, i, a] = min(max(q[u, i, a], 0), length - 1)
        s[c, u, i] = g[u, i, a]*x[c, at[u, i, a]]
        y[o, i] = W[o, c, u]*s[c, u, i]
        where u < kernel, v < kernel, o < out_channels, a < 2
        """,
        {"kernel": k, "out_channels": o, "length": T}, (f, T), k*f*k + o*f*k,
        k*f*k*(T - k + 1) + 2*f*k*(T - k + 1) + o*f*k*(T - k + 1), {k: 2, o: 2, f: 2, T: 4},
    ),
    "attention with linear biases": Published(
        # Press et al. 2022, arXiv 2108.12409, figure 3: an index stands in the value
        """
        w[h, i, j] = q[h, i, e]*key[h, j, e]/sqrt(size(e))
        a[h, i, j] = softmax[j](w[h, i, j] - 2**(-8*(h + 1)/size(h))*(i - j))
        y[h, i, e] = a[h, i, j]*v[h, j, e]
        where j <= i
        """,
        {}, [(n, T, d), (n, T, d), (n, T, d)], 0, 2*n*T**2*d, {n: 2, T: 3, d: 2}, ("q", "key", "v"),
    ),
    "sinusoidal positions": Published(
        # Vaswani et al. 2017, arXiv 1706.03762, section 3.5
        "y[t, f] = x[t, f] + sin(t/10000**(2*floor(f/2)/size(f)) + pi/2*(f % 2))", {}, (T, d), 0, 0, {T: 3, d: 4}, more={"flops": T*d},
    ),
    "rotary positions": Published(
        # Su et al. 2021, arXiv 2104.09864, equation 34: angles are known beforehand, the sign is a factor
        """
        y[t, (p, s)] = x[t, (p, s)]*cos(t*10000**(-p/size(p))) + (2*s - 1)*x[t, 2*p + 1 - s]*sin(t*10000**(-p/size(p)))
        where s < 2
        """,
        {}, (T, 2*d), 0, 0, {T: 3, d: 2}, more={"flops": 8*T*d},
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
        assert expand((found.formula - hand).rewrite(floor)) == 0, f"{metric}: {found.formula}, by hand {hand}"


@pytest.mark.parametrize("what", sorted(LAYERS))
def test_everything_else_by_enumeration(what: str) -> None:
    assert disagreement(drawn(LAYERS[what])) is None
