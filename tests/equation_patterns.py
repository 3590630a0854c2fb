"""Equations as papers and users write them, with fields and shapes that mostly fit, and small changes of their texts.

`random_equations` draws over the grammar; what is drawn here begins with a layer that someone meant, so that conditions, groups, margins,
recurrences, lookups and windows along several axes occur together, and goes astray by one or two words.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Inputs = dict[str, str]


@dataclass(frozen=True)
class Pattern:
    """A text; the axes of each input, with a star for any number of them; values of its fields; buffers."""

    text: str
    inputs: Inputs
    fields: dict[str, tuple[Any, ...]]
    buffers: tuple[str, ...] = ()


FEW, SOME, YES_OR_NO, OR_NONE = (1, 2, 2, 3), (0, 1, 1, 2), (True, False), (None, 1, 2)

PATTERNS = [
    Pattern("w[i, j] = x[i, e]*x[j, e]\na[i, j] = softmax[j](w[i, j])\ny[i, e] = a[i, j]*x[j, e]\nwhere i != j", {"x": "t f"}, {}),
    Pattern("y[i] = sum[j](x[j]*U[i, j])\nwhere not i == j or j > part, i == j or i < part, i < size(j)", {"x": "t"}, {"part": FEW}),
    Pattern(
        "w[i, j] = q[i, e]*k[j, e]\na[i, j] = softmax[j](w[i, j])\ny[i, e] = a[i, j]*k[j, e]\nwhere (j <= i and i - j < window) or j < part",
        {"q": "t f", "k": "t f"}, {"window": FEW, "part": FEW},
    ),
    Pattern("y[i] = x[j]*U[i, j]\nwhere i - j < window or not (i > part or j >= i), i < units", {"x": "s"}, {"window": FEW, "part": FEW, "units": FEW}),
    Pattern("y[i] = max[j](x[i + j - 1])\nwhere j < 3, i + j >= 1 and (i + j <= size(k) or i + j < 1), i < size(k)\n", {"x": "k"}, {}),
    Pattern(
        "w[i, j] = q[i, e]*k[j, e]\na[i, j] = softmax[j](w[i, j])\ny[i, e] = a[i, j]*k[j, e]\nwhere abs(i - j) <= window",
        {"q": "t e", "k": "t e"}, {"window": FEW},
    ),
    Pattern("y[i] = max(x[i], sum[j](x[j]*U[i, j]), V[i])\nwhere max(i, j + 1) >= part or abs(i - j) == 1, i < size(j)", {"x": "t"}, {"part": FEW}),
    Pattern("y[i] = mean[j](x[i, j]*V[j])\nwhere not i < j or j == j or j >= part", {"x": "s t"}, {"part": FEW}),
    Pattern("y[i] = mean[j](x[i, j]*V[j]) + sum[j](x[i, j])\nwhere (not 1 <= j < part) or i <= j, j <= i + window or i < 1", {"x": "s t"}, {"part": FEW, "window": FEW}),
    Pattern(
        "s[t, e] = R[e, f]*x[t, f]\nbest[t, r] = top[e](s[t, e], r)\ng[t, r] = softmax[r](s[t, best[t, r]])\nh[t, r, m] = relu(U[best[t, r], m, f]*x[t, f])\n"
        "y[t, f] = g[t, r]*V[best[t, r], f, m]*h[t, r, m]\nwhere e < experts, r < chosen, m < hidden",
        {"x": "t f"}, {"experts": (2, 3), "chosen": (1, 2), "hidden": FEW},
    ),
    Pattern("d[t, n] = sum[f]((x[t, f] - C[n, f])**2)\nz[t] = argmin[n](d[t, n])\ny[t, f] = C[z[t], f]\nwhere n < codes", {"x": "t f"}, {"codes": FEW}),
    Pattern("y[c, r] = sort[t](x[c, t]*U[c], size(t) - 1 - r)\nwhere r < kept", {"x": "c t"}, {"kept": FEW}),
    Pattern("m[c] = sort[t](x[c, t], floor(size(t)/2))\na[c] = argmax[t](x[c, t])\ny[c] = m[c] - x[c, a[c]]", {"x": "c t"}, {}),
    Pattern("p[i, r] = argsort[j](x[i, j + u]*U[u], r)\ny[i, r] = x[i, p[i, r]]*[r >= part] + top[i](x[i, 0], 0)*2\nwhere u < window", {"x": "s t"}, {"window": (1, 2), "part": FEW}),
    Pattern("y[i] = sort[j](x[i, j], r)*W[r]\nwhere r < kept", {"x": "s t"}, {"kept": FEW}),
    Pattern(
        "h[n, o] = W[o, f] * x[n, f]\ny[target[e], o] = h[source[e], o]\nwhere o < units, target < nodes, source < nodes",
        {"x": "n f", "source": "e", "target": "e"}, {"units": FEW, "nodes": FEW},
    ),
    Pattern(
        "m[e, o] = relu(W[o, f]*x[target[e], f] + V[o, f]*(x[source[e], f] - x[target[e], f]))\ny[target[e], o] = max[e](m[e, o])\n"
        "where o < units, target < nodes",
        {"x": "n f", "source": "e", "target": "e"}, {"units": FEW, "nodes": FEW},
    ),
    Pattern(
        "s[e] = A[f]*x[source[e], f] + B[f]*x[target[e], f]\nz[target[e]] = exp(s[e])\ny[target[e], f] = exp(s[e])/z[target[e]] * x[source[e], f]\nwhere target < size(x, 0)",
        {"x": "n f", "source": "e", "target": "e"}, {},
    ),
    Pattern("y[i, place[i, j]] = mean[j](x[i, j]*[j < part])\nwhere place < rows, j <= i", {"x": "s t", "place": "s t"}, {"part": FEW, "rows": (2, 4, 5)}),
    Pattern("y[(i, place[j])] = x[i, j]\nwhere place < rows", {"x": "s t", "place": "t"}, {"rows": (2, 4)}),
    Pattern("z[place[j], i + u] = x[i, j]*U[u]\ny[k] = sum[i](z[k, i]**2) + min[k](x[0, place[k]])\nwhere place < rows, u < window", {"x": "s t", "place": "t"}, {"rows": (2, 4), "window": FEW}),
    Pattern("y[place[j]] = min[j](x[j + u]*U[u])\nwhere place < rows, u < window", {"x": "s", "place": "t"}, {"rows": (2, 4), "window": (1, 1, 2)}, ("place",)),
    Pattern("y[t, f] = x[t, f] + sin(t/base**(2*floor(f/2)/size(f)) + pi/2*(f % 2))", {"x": "t f"}, {"base": (2, 10)}),
    Pattern(
        "w[h, i, j] = x[h, i, e]*x[h, j, e]\na[h, i, j] = softmax[j](w[h, i, j] - 2**(-8*(h + 1)/heads)*(i - j))\n"
        "y[h, i, e] = a[h, i, j]*x[h, j, e]\nwhere j <= i, h < heads",
        {"x": "h t f"}, {"heads": FEW},
    ),
    Pattern("y[i, j] = [i < part and x[i, j] > 0]*x[i, j]*i + [not i < part or i == j]*2 - [1 <= i <= part]", {"x": "s t"}, {"part": FEW}),
    Pattern("y[o] = x[i]*(i + o)*U[o] + sum[i, u](i*u)\nwhere o < units, u < units", {"x": "f"}, {"units": FEW}),
    Pattern("m[i] = max[j](abs(i - j)*x[j])\ny[i] = m[i] + [x[i] != m[i]]/(1 + i)", {"x": "s"}, {}),
    Pattern(
        "r[e] = sigmoid(R[e, c] * mean[*i](x[c, *i]))\nK[o, c, *u] = r[e] * W[e, o, c, *u]\ny[o, *i] = K[o, c, *u] * x[c, *(i + u)]\n"
        "where e < experts, o < units, u < kernel",
        {"x": "c *s"}, {"experts": FEW, "units": FEW, "kernel": FEW},
    ),
    Pattern(
        "u[p, j] = L[p, j, i] * x[(p, i)]\ny[(j, q)] = R[j, q, p] * u[p, j]\nwhere p < blocks, j < size(i), q < size(p)",
        {"x": "f"}, {"blocks": (1, 2, 2, 3)},
    ),
    Pattern(
        "u[p, j] = L[p, j, i] * x[i + p]\nz[j] = pad[j: size(p)](V[j, q])\ny[j] = u[p, j] * x[q]\nwhere p < window, j < size(i) + size(q)",
        {"x": "f"}, {"window": FEW},
    ),
    Pattern("y[*t, o] = W[o, f]*x[*t, f] + (b[o] if bias else 0)\nwhere o < units", {"x": "*s f"}, {"units": FEW, "bias": YES_OR_NO}),
    Pattern(
        "z[c, *j] = pad[padding](x[c, *j])\ny[(g, o), *i] = W[g, o, c, *u] * z[(g, c), *(stride*i + dilation*u)] + (b[g, o] if bias else 0)\n"
        "where g < groups, o < units/groups, u < kernel",
        {"x": "c *s"}, {"padding": SOME, "stride": FEW, "dilation": (1, 1, 2), "groups": (1, 1, 2), "units": (2, 2, 4, 3), "kernel": FEW, "bias": YES_OR_NO},
    ),
    Pattern(
        "needed = max(stride*(ceil(size(j)/stride) - 1) + kernel - size(j), 0)\nbefore = floor(needed/2) if padding == \"same\" else padding\n"
        "after = needed - before if padding == 'same' else padding\nz[c, *j] = pad[before, after](x[c, *j])\n"
        "y[c, *i] = K[c, *u] * z[c, *(stride*i + u)]\nwhere u < kernel, (i < ceil(size(j)/stride) if padding == \"same\" else True)",
        {"x": "c *s"}, {"padding": ("same", "same", 0, 1), "stride": FEW, "kernel": FEW},
    ),
    Pattern(
        "z[o, *(stride*i + u)] = W[c, o, *u] * x[c, *i]\nv[q, *j] = pad[0 - padding, more - padding](z[q, *j])\ny[q, *j] = v[q, *j] + b[q]\nwhere u < kernel, o < 2",
        {"x": "c *s"}, {"padding": SOME, "stride": FEW, "kernel": (2, 3, 3), "more": SOME},
    ),
    Pattern(
        "w[*b, i, j] = q[*b, i, e] * k[*b, j, e]\na[*b, i, j] = softmax[j](w[*b, i, j] / sqrt(size(e)))\ny[*b, i, f] = a[*b, i, j] * v[*b, j, f]\n"
        "where (j <= i if causal else True), (i - j < reach if reach is not None else True)",
        {"q": "*s m f", "k": "*s n f", "v": "*s n g"}, {"causal": YES_OR_NO, "reach": OR_NONE},
    ),
    Pattern(
        "width = size(m)/heads if features is None else features\nq[n, i, e] = Q[n, e, m] * x[i, m] + (p[n, e] if bias else 0)\nk[n, j, e] = K[n, e, m] * x[j, m]\n"
        "w[n, i, j] = q[n, i, e] * k[n, j, e]\na[n, i, j] = softmax[j](w[n, i, j] / sqrt(width))\no[i, (n, e)] = a[n, i, j] * k[n, j, e]\ny[i, f] = O[f, h] * o[i, h]\n"
        "where n < heads, e < width, f < size(m), (j <= i if causal else True)",
        {"x": "t f"}, {"heads": (1, 2, 2), "features": OR_NONE, "bias": YES_OR_NO, "causal": YES_OR_NO},
    ),
    Pattern(
        "m[*t] = mean[f](x[*t, f])\nv[*t] = mean[f]((x[*t, f] - m[*t])**2)\ny[*t, f] = (g[f] if affine else 1) * (x[*t, f] - m[*t]) / sqrt(v[*t] + epsilon)",
        {"x": "*s f"}, {"affine": YES_OR_NO, "epsilon": (Fraction(1, 2), 1)},
    ),
    Pattern(
        "m[g] = mean[c, *i](x[(g, c), *i])\nv[g] = mean[c, *i]((x[(g, c), *i] - m[g])**2)\ny[(g, c), *i] = w[g, c] * (x[(g, c), *i] - m[g]) / sqrt(v[g] + 1)\nwhere g < groups",
        {"x": "c *s"}, {"groups": (1, 2, 2)},
    ),
    Pattern(
        "step = kernel if stride is None else stride\nz[c, *j] = pad[padding, padding + (step - 1 if up else 0)](x[c, *j], fill=-inf)\ny[c, *i] = max[*u](z[c, *(step*i + u)])\n"
        "where u < kernel, (i < floor((size(j) + padding - 1)/step) + 1 if up else True)",
        {"x": "c *s"}, {"kernel": FEW, "stride": OR_NONE, "padding": (0, 0, 1), "up": YES_OR_NO},
    ),
    Pattern(
        "z[c, *j] = pad[padding](x[c, *j])\ny[c, *i] = mean[*u](z[c, *(stride*i + u)])\n"
        "where u < kernel,\n      (stride*i + u >= padding if inside else True),  # the margin is left out\n      (stride*i + u < size(j) + padding if inside else True)",
        {"x": "c *s"}, {"kernel": (2, 2, 3), "stride": FEW, "padding": (0, 1, 1), "inside": YES_OR_NO},
    ),
    Pattern("y[c, *i] = mean[*j](x[c, *j])\nwhere i < out, floor(i*size(j)/out) <= j < ceil((i + 1)*size(j)/out)", {"x": "c *s"}, {"out": FEW}),
    Pattern("h[t, o] = tanh(W[o, f]*x[t, f] + U[o, p]*h[t-1, p] + (d[o] if bias else 0))\nwhere o < hidden", {"x": "t f"}, {"hidden": FEW, "bias": YES_OR_NO}),
    Pattern(
        "r[t, o] = sigmoid(A[o, f]*x[t, f] + B[o, p]*h[t-1, p])\nn[t, o] = tanh(C[o, f]*x[t, f] + r[t, o]*h[t-1, o])\nh[t, o] = (1 - r[t, o])*n[t, o] + r[t, o]*h[t-1, o]\nwhere o < hidden",
        {"x": "t f"}, {"hidden": FEW},
    ),
    Pattern("h[t, i] = x[t, i] + U[u]*p[t-1, i+u]\np[t, j] = pad[j: 1](h[t, j])\ny[t, i] = h[t, i]\nwhere u < kernel, i < size(i)", {"x": "t f"}, {"kernel": (3, 3, 2)}),
    Pattern("n[t, e] = a[t-1, e] + b[t-1, e]\na[t, e] = a[t-1, e] + x[t, e]\nb[t, e] = b[t-back, e] + 2*x[t, e]\ny[t, e] = n[t, e]", {"x": "t f"}, {"back": (1, 1, 2)}),
    Pattern("h[t, i, c] = x[t, i, c] + h[t-1, max(i-1, 0), c]", {"x": "t f c"}, {}),
    Pattern("h[t, i] = x[t, i] + U[u]*h[t-1, (i + u) % size(i)]\nwhere u < kernel", {"x": "t f"}, {"kernel": FEW}),
    Pattern("y[*t, m] = E[x[*t], m]\nwhere x < rows, m < features", {"x": "*s"}, {"rows": (2, 3, 5), "features": FEW}),
    Pattern("y[t, m] = x[t, m] + P[t, m]\nwhere (P[length, _] if length is not None else True)", {"x": "t f"}, {"length": (None, 4, 6)}),
    Pattern("y[i, m] = E[B[i], m]*x[i]\nwhere B < rows, m < 2", {"x": "t"}, {"rows": FEW}, ("B",)),
    Pattern("y[o, m] = x[B[o], m]\nwhere o < held", {"x": "t f"}, {"held": FEW}, ("B",)),
    Pattern("a[t, s] = softmax[s](r[t, B[t, s]])\nr2[t] = a[t, s]*x[t, B[t, s]]\ny[t] = r2[t]\nwhere s < active", {"r": "t f", "x": "t f"}, {"active": FEW}, ("B",)),
    Pattern("z[(*i,)] = x[*i]\ny[*o] = z[(*o,)]\nwhere o < shape", {"x": "*s"}, {"shape": ((2, 2), (4,), (1, 4), (3, 2), (6,), (2, 3, 1))}),
    Pattern("y[c, *i] = x[(*i,), c]\nwhere i < shape", {"x": "p c"}, {"shape": ((2, 2), (4,), (1, 4), (3, 2))}),
    Pattern("y[c, *(i, u)] = x[(c, *u), *i]\nwhere u < factor", {"x": "q *s"}, {"factor": (1, 2, 2)}),
    Pattern("y[(c, *u), *i] = x[c, *(i, u)]\nwhere u < factor", {"x": "c *s"}, {"factor": (1, 2, 2)}),
    Pattern("y[c, *(i, u)] = x[c, *i]\nwhere u < factor", {"x": "c *s"}, {"factor": FEW}),
    Pattern("y[(c, g), *i] = x[(g, c), *i]\nwhere g < groups", {"x": "c *s"}, {"groups": (1, 2, 2)}),
    Pattern("z[s, f] = x[s, f]\ny[t, f] = z[size(s) - 1 - t, f]\nwhere t < size(s)", {"x": "t f"}, {}),
    Pattern("z[t, f] = x[t, f]\ny[f] = z[size(t) - 1, f]", {"x": "t f"}, {}),
    Pattern("y[c, *i] = x[start + c, *i]\nwhere c < channels", {"x": "c *s"}, {"start": SOME, "channels": FEW}),
    Pattern("z[c, *j] = x[c, *j]\ny[c, *i] = z[c, *((i + shift) % size(j))]\nwhere i < size(j)", {"x": "c *s"}, {"shift": (0, 1, 2, 3)}),
    Pattern(
        "count = ceil(size(p)/window)\nside = window*count\nz[m, *p] = pad[0, side - size(p)](x[m, *p])\nw[*a, *i, *j] = z[m, *(a, i)] * z[m, *(a, j)]\n"
        "u[f, *(a, i)] = w[*a, *i, *j] * z[f, *(a, j)]\ny[f, *t] = pad[0, size(p) - side](u[f, *t])\nwhere i < window, j < window",
        {"x": "c *s"}, {"window": (1, 2, 2)},
    ),
    Pattern("y[t, (h, e)] = x[t, (h, e)]*C[t, e] + x[t, (1 - h, e)]*C[t, e]\nwhere h < 2", {"x": "t f"}, {}, ("C",)),
    Pattern("z[t, h, e] = x[t, (h, e)]\nu[t, h, e] = z[t, h, e]*C[t, e] + z[t, 1 - h, e]*D[t, h, e]\ny[t, (h, e)] = u[t, h, e]\nwhere h < 2", {"x": "t f"}, {}, ("C", "D")),
    Pattern("n = sum[i](x[i]**2)\nr = sqrt(n)\ny[i] = x[i]/max(r, 1)", {"x": "t"}, {}),
    Pattern("y = A[i, j]*x[i]*x[j] + b[i]*x[i]\nwhere j <= i", {"x": "t"}, {}),
    Pattern("a[i, j] = W[i, k]*x[k, j]\ny[(i, j)] = relu(a[i, j]) + scale*abs(a[i, j])\nwhere i < rank", {"x": "t f"}, {"rank": FEW, "scale": (Fraction(1, 2), 2)}),
    Pattern("y[i] = sum[j](W[i, j]*x[j]) - min[j](x[j]) + prod[u](x[u]*V[u, i])\nwhere i < out, W[out, size(j)]", {"x": "t"}, {"out": FEW}),
    Pattern("y[*i] = x1[*i] / (x2[*i]**2 + 1) - exp(min(x1[*i], 0))", {"x1": "*s", "x2": "*s"}, {}),
    Pattern("y[*i] = (x[*i] if first else z[*i]) * (a if a is not None else 1)", {"x": "*s", "z": "*s"}, {"first": YES_OR_NO, "a": OR_NONE}),
    Pattern("y[i, j] = x[i, c]*z[j, c]\nwhere i <= j + ahead, (j < i + window if local and not causal else True)", {"x": "m f", "z": "n f"}, {"ahead": SOME, "window": FEW, "local": YES_OR_NO, "causal": YES_OR_NO}),
    Pattern("half = (kernel - 1)/2\nz[i] = pad[i: (half, half)](x[i])\ny[i] = z[step*i + u]*W[u]\nwhere u < kernel", {"x": "t"}, {"kernel": (1, 3, 3, 2), "step": FEW}),
    Pattern("y[q, k, e] = x[q*chunk + k, e]\nwhere k < chunk", {"x": "t f"}, {"chunk": (1, 2, 2)}),
    Pattern("y[q, j] = sum[k](x[(q, k)]*x[(q, j)])\nwhere k < chunk, j < chunk, k <= j", {"x": "t"}, {"chunk": (1, 2, 2)}),
    Pattern("y[i] = W[u]*x[floor(i/factor) + u]\nwhere i < factor*(size(p) - 1), u < 2\nz = sum[p](x[p])", {"x": "t"}, {"factor": FEW}),
    Pattern("total = sum[p](x[p])\ny[i] = W[u]*x[i//factor + u] + total\nwhere i < factor*(size(p) - 1), u < 2", {"x": "t"}, {"factor": FEW}),
    Pattern("p[o, i, j] = x[(o, i)]*x[(o, j)]\ny[o] = sum[i, j](p[o, i, j]) / (1 + cos(log(2)))\nwhere o < groups, i < j", {"x": "t"}, {"groups": (1, 2, 2)}),
    Pattern("z[c, i, j] = pad[i: (top, bottom), j: side](x[c, i, j], fill=v[c])\ny[c, i, j] = erf(z[c, i + 1, j])", {"x": "c m n"}, {"top": SOME, "bottom": SOME, "side": SOME}),
]  # fmt: skip

TOKENS = re.compile(r"'\w*'|\"\w*\"|\w+|<=|>=|==|!=|\*\*|//|\n|[^\s\w]| +")
WORDS = re.compile(r"[a-zA-Z_]\w*")
KEYWORDS = {
    "if", "else", "is", "not", "None", "True", "False", "where", "and", "or", "sum", "mean", "max", "min", "prod", "softmax", "pad", "relu", "abs",
    "exp", "log", "sqrt", "tanh", "sigmoid", "erf", "sin", "cos", "softplus", "floor", "ceil", "size", "inf", "pi", "fill", "same",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "trunc", "round", "sign", "less", "equal", "choose", "pow", "mod", "fmod", "bitand", "bitor",
    "bitxor",
}  # fmt: skip
SIZES = (1, 2, 2, 3, 4, 4, 5, 6)


def filled(pattern: Pattern, source: random.Random) -> tuple[dict[str, Any], tuple[tuple[int, ...], ...]]:
    """Fields and shapes for a pattern: a letter is one size wherever it stands."""
    fields = {name: source.choice(values) for name, values in pattern.fields.items()}
    sizes: dict[str, tuple[int, ...]] = {}
    shapes = []
    for axes in pattern.inputs.values():
        shape: list[int] = []
        for axis in axes.split():
            rank = source.choice((1, 1, 1, 2, 2, 0)) if axis.startswith("*") else 1
            shape += sizes.setdefault(axis, tuple(source.choice(SIZES) for _ in range(rank)))
        shapes.append(tuple(shape))
    return fields, tuple(shapes)


def split_bounds(text: str) -> list[str]:
    """What stands between the commas outside of brackets."""
    found, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def changed(text: str, source: random.Random) -> str:
    """The text with one thing changed: a word, a sign, a line, a bound, or a name everywhere."""
    tokens = TOKENS.findall(text)
    places = [place for place, token in enumerate(tokens) if token.strip()]
    words = [place for place in places if WORDS.fullmatch(tokens[place]) and tokens[place] not in KEYWORDS]
    names = sorted({tokens[place] for place in words})
    if not names:
        return text
    name, other = source.choice(names), source.choice([*names, *names, "k", "n", "_", "nothing"])
    place = source.choice(places)
    kind = source.choice(
        "other delete again exchange rename astray number inside line lines bound mask mask star".split()
    )
    if kind == "other":
        tokens[source.choice(words)] = other
    elif kind == "delete":
        tokens[place] = ""
    elif kind == "again":
        tokens[place] += tokens[place]
    elif kind == "exchange":
        tokens[place] = tokens[source.choice(places)]
    elif kind == "rename":
        tokens = [other if token == name else token for token in tokens]
    elif kind == "astray":
        word = tokens[source.choice(words)]
        spot = source.choice([place for place in words if tokens[place] == word])
        tokens[spot] = word[1::-1] + word[2:] if len(word) > 2 else word + "_"
    elif kind == "number":
        numbers = [place for place in places if tokens[place].isdigit()] or words
        tokens[source.choice(numbers)] = source.choice(["0", "1", "2", "3", "(0 - 1)", "1/2", "2.0", "0.5", "7"])
    elif kind == "inside":
        spot = source.choice(words)
        word = tokens[spot]
        tokens[spot] = source.choice([
            f"2*{word}", f"{word} + 1", f"{word} - 1", f"{word}//2", f"({word}, {other})", f"({word} + {other})", f"{word} % 2", f"floor({word}/2)",
            f"size({word})", f"size({word}) - 1 - {word}", f"min({word}, 1)", f"{word}/2", f"*{word}", f"({word})", f"-{word}", f"{word}[{other}]", f"{word}*{other}",
            f"({word} if {other} else 0)", f"relu({word})", f"sum[{other}]({word})",
        ])  # fmt: skip
    elif kind == "star":
        stars = [place for place in places if tokens[place] == "*"]
        if stars:
            tokens[source.choice(stars)] = source.choice(["", "**", "+"])
    text = "".join(tokens)
    lines = text.split("\n")
    if kind == "line" and len(lines) > 1:
        del lines[source.randrange(len(lines))]
    elif kind == "lines" and len(lines) > 1:
        one, two = source.randrange(len(lines)), source.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == "bound" and "where " in text:
        before, _, bounds = text.partition("where ")
        parts = split_bounds(bounds)
        spot = source.randrange(len(parts))
        parts[spot : spot + 1] = source.choice(
            [[], [parts[spot]] * 2, [parts[spot].replace("<", "<=", 1)], [parts[spot] + " + 1"]]
        )
        return before.rstrip() + (f"\nwhere {', '.join(parts)}" if parts else "")
    elif kind == "mask":
        more = source.choice([
            f"{name} <= {other}", f"{name} < {other} + 1", f"{name} < 2", f"0 <= {name} < {other} + 1", f"{name} < size({other})", f"{name} + {other} >= 1",
            f"{name}[2, _]", f"{name} < 3", f"floor({other}/2) <= {name} < {other} + 1", f"{name} != {other}", f"{name} == 1", f"1 <= {name} < size({name})",
        ])  # fmt: skip
        return f"{text}, {more}" if "where" in text else f"{text}\nwhere {more}"
    return "\n".join(lines)


def pattern_drawn(
    source: random.Random,
) -> tuple[str, dict[str, Any], tuple[tuple[int, ...], ...], tuple[str, ...], tuple[str, ...]]:
    """A text, fields, shapes, inputs and buffers: a pattern as it is, or changed in one place or in a few."""
    pattern = source.choice(PATTERNS)
    fields, shapes = filled(pattern, source)
    text = pattern.text
    for _ in range(source.choice((0, 0, 1, 1, 1, 1, 2, 3))):
        text = changed(text, source)
    if fields and source.random() < 0.06:
        fields[source.choice(list(fields))] = source.choice(
            [Fraction(1, 2), Fraction(3, 2), (2, 1), (1,), (1, 2, 2), True, None, 0, 7, "same"]
        )
    if source.random() < 0.05:
        shapes = (*shapes[:-1], tuple(source.choice(SIZES) for _ in range(source.randrange(4))))
    return text, fields, shapes, tuple(pattern.inputs), pattern.buffers
