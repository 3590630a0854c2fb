"""Receptive fields: how much of the input one output sees, and how far apart neighbours look.

A layer is the pair ``(r, j)`` of its kernel's extent and its stride; ``(r, j)`` first and ``(q, k)`` after it is
``(r + (q-1)*j, j*k)``. Where the first output looks, and how the effective receptive field spreads, compose alike.
"""

from __future__ import annotations

from typing import Any

from ..law import law
from ..statements.term import Integer, Natural, Positive, Sequence, Term, max_, sum_

_ARAUJO = "Araujo, Norris, Sim, Computing receptive fields of convolutional neural networks, Distill (2019)"
_LUO = "Luo et al., Understanding the effective receptive field, arXiv 1701.04128 (2016)"
_VGG = "Simonyan and Zisserman, Very deep convolutional networks, arXiv 1409.1556 (2014)"
_DILATED = "Yu and Koltun, Multi-scale context aggregation by dilated convolutions, arXiv 1511.07122 (2015)"

Field = tuple[Any, Any]


def compose(first: Field, second: Field) -> Field:
    """What is seen through the second layer and then through the first."""
    (r, j), (q, k) = first, second
    return r + (q - 1) * j, j * k


def geometric(s: Term, length: Any) -> Term:
    """``1 + s + ... + s^(length-1)``."""
    return sum_(lambda i: s**i, length)


def repeated(r: Term, j: Term, length: Any) -> Field:
    """Closed form of a layer repeated in series."""
    return 1 + (r - 1) * geometric(j, length), j**length


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "jump of the wrong layer": lambda r, j, q, k, p, i: (
            compose(compose((r, j), (q, k)), (p, i)),
            (r + (q - 1) * j + (p - 1) * k, j * k * i),
        ),
        "kernels added whole": lambda r, j, q, k, p, i: (
            compose(compose((r, j), (q, k)), (p, i)),
            (r + q * j + p * j * k, j * k * i),
        ),
    },
    cites=_ARAUJO,
)
def receptive_field_assoc(r: Positive, j: Positive, q: Positive, k: Positive, p: Positive, i: Positive):
    "Composition of receptive fields is associative."
    return compose(compose((r, j), (q, k)), (p, i)), compose((r, j), compose((q, k), (p, i)))


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "size zero": lambda r, j: (compose((0, 1), (r, j)), (r, j)),
        "jump two": lambda r, j: (compose((1, 2), (r, j)), (r, j)),
    },
    cites=_ARAUJO,
)
def receptive_field_left_id(r: Positive, j: Positive):
    "Before a layer, one point with jump one changes nothing."
    return compose((1, 1), (r, j)), (r, j)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "size zero": lambda r, j: (compose((r, j), (0, 1)), (r, j)),
        "jump two": lambda r, j: (compose((r, j), (1, 2)), (r, j)),
    },
    cites=_ARAUJO,
)
def receptive_field_right_id(r: Positive, j: Positive):
    "After a layer, one point with jump one changes nothing."
    return compose((r, j), (1, 1)), (r, j)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "sum of branches": lambda r, q, p, j: (compose((max_(r, q), j), (p, 1))[0], r + q + (p - 1) * j),
        "branch after the layer alone": lambda r, q, p, j: (
            compose((max_(r, q), j), (p, 1))[0],
            max_(r, q + (p - 1) * j),
        ),
    },
    cites=_ARAUJO,
)
def receptive_field_series_after_parallel(r: Positive, q: Positive, p: Positive, j: Positive):
    "A layer after aligned branches sees the larger of what it sees through each."
    return compose((max_(r, q), j), (p, 1))[0], max_(compose((r, j), (p, 1))[0], compose((q, j), (p, 1))[0])


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "sum of branches": lambda r, q, p, j: (compose((p, j), (max_(r, q), 1))[0], p + (r + q - 2) * j),
        "without the jump": lambda r, q, p, j: (compose((p, j), (max_(r, q), 1))[0], max_(p + r - 1, p + q - 1)),
    },
    cites=_ARAUJO,
)
def receptive_field_parallel_after_series(r: Positive, q: Positive, p: Positive, j: Positive):
    "Aligned branches after a layer see the larger of what each sees through it."
    return compose((p, j), (max_(r, q), 1))[0], max_(compose((p, j), (r, 1))[0], compose((p, j), (q, 1))[0])


@law(
    routes="galois z3 cvc5 coq",
    relation="<=",
    mutants={
        "their sum": lambda r, j, q: (r + q, compose((r, j), (q, 1))[0]),
        "strictly": lambda r, j, q: (max_(r, q) + 1, compose((r, j), (q, 1))[0]),
    },
    cites=_ARAUJO,
)
def receptive_field_series_at_least_parts(r: Positive, j: Positive, q: Positive):
    "A chain sees at least as far as each of its layers."
    return max_(r, q), compose((r, j), (q, 1))[0]


@law(
    routes="induction z3 coq",
    induct="L",
    mutants={
        "kernels added whole": lambda k, L: (1 + sum_(lambda j: k - 1, L), 1 + L * k),
        "one layer fewer": lambda k, L: (1 + sum_(lambda j: k - 1, L), 1 + (L - 1) * (k - 1)),
    },
    cites=_VGG,
)
def receptive_field_stride_one_chain(k: Positive, L: Natural):
    "L layers of kernel k and stride one see ``1 + L (k-1)``: three 3x3 see as far as one 7x7."
    return 1 + sum_(lambda j: k - 1, L), 1 + L * (k - 1)


@law(
    routes="induction z3 coq",
    induct="L",
    mutants={
        "one layer more": lambda k, s, L: ((s - 1) * (repeated(k, s, L)[0] - 1), (k - 1) * (s ** (L + 1) - 1)),
        "whole kernel": lambda k, s, L: ((s - 1) * (repeated(k, s, L)[0] - 1), k * (s**L - 1)),
    },
    cites=_ARAUJO,
)
def receptive_field_equal_layers(k: Positive, s: Positive, L: Natural):
    "L equal layers: ``(s-1)(r-1) = (k-1)(s^L - 1)``, a geometric series without a quotient, so that s may be 1."
    return (s - 1) * (repeated(k, s, L)[0] - 1), (k - 1) * (s**L - 1)


@law(
    routes="ring z3 coq",
    mutants={
        "jump not multiplied": lambda k, s, L: (compose(repeated(k, s, L), (k, s)), (repeated(k, s, L + 1)[0], s**L)),
        "layer in front twice": lambda k, s, L: (compose(repeated(k, s, L), (k, s)), repeated(k, s, L + 2)),
    },
    cites=_ARAUJO,
)
def receptive_field_repeat_step(k: Positive, s: Positive, L: Natural):
    "One more equal layer takes the closed form for L to the one for L + 1."
    return compose(repeated(k, s, L), (k, s)), repeated(k, s, L + 1)


@law(
    routes="induction z3 coq",
    induct="n",
    mutants={
        "one copy too many": lambda k, s, m, n: (
            compose(repeated(k, s, m), repeated(k, s, n)),
            repeated(k, s, m + n + 1),
        ),
        "copies multiplied": lambda k, s, m, n: (compose(repeated(k, s, m), repeated(k, s, n)), repeated(k, s, m * n)),
    },
    cites="folklore",
)
def receptive_field_repeat_add(k: Positive, s: Positive, m: Natural, n: Natural):
    "m copies and then n copies are m + n copies."
    return compose(repeated(k, s, m), repeated(k, s, n)), repeated(k, s, m + n)


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "whole kernel": lambda k, d, a: (a * (d * (k - 1) + 1 - 1) + 1, a * d * k + 1),
        "dilations added": lambda k, d, a: (a * (d * (k - 1) + 1 - 1) + 1, (a + d) * (k - 1) + 1),
    },
    cites=_DILATED,
)
def dilation_of_dilation(k: Positive, d: Positive, a: Positive):
    "The extent ``d (k-1) + 1`` of a dilated kernel, dilated again, is that of the product of the dilations."
    return a * ((d * (k - 1) + 1) - 1) + 1, (a * d) * (k - 1) + 1


@law(
    routes="induction z3 coq",
    induct="L",
    mutants={
        "dilations not doubled": lambda L: (1 + sum_(lambda j: 2 * j, L), 2**L),
        "three taps": lambda L: (1 + sum_(lambda j: 2 * 2**j, L), 2**L),
    },
    cites="van den Oord et al., WaveNet, arXiv 1609.03499 (2016)",
)
def receptive_field_doubling_dilations(L: Natural):
    "L two-tap layers with dilations 1, 2, 4, ... see ``2^L`` inputs."
    return 1 + sum_(lambda j: 2**j, L), 2**L


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "start not scaled": lambda a, j, b, k, c: (
            ((a + b * j) + c * (j * k), j * k),
            (a + (b + c * k), j * k),
        ),
        "jump of the wrong layer": lambda a, j, b, k, c: (
            ((a + b * j) + c * (j * k), j * k),
            (a + (b + c * j) * k, j * k),
        ),
    },
    cites=_ARAUJO,
)
def receptive_field_start_assoc(a: Integer, j: Positive, b: Integer, k: Positive, c: Integer):
    "Where the first output starts to look composes as ``(a, j)(b, k) = (a + b j, j k)``, associatively."
    return ((a + b * j) + c * (j * k), j * k), (a + (b + c * k) * j, j * k)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "jump not squared": lambda v, j, w, k, u: (
            (v + j * w) + (j * k) * u,
            v + j * j * (w + k * k * u),
        ),
        "last variance once": lambda v, j, w, k, u: (
            (v + j * j * w) + (j * k) * (j * k) * u,
            v + j * j * (w + u),
        ),
    },
    cites=_LUO,
)
def effective_field_variance_assoc(v: Natural, j: Positive, w: Natural, k: Positive, u: Natural):
    "Variances of independent layers add, each scaled by the square of the jump before it: associatively."
    return (v + j**2 * w) + (j * k) ** 2 * u, v + j**2 * (w + k**2 * u)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "jump of the wrong layer": lambda a, j, b, k, c: ((a + j * b) + (j * k) * c, a + k * (b + j * c)),
        "jump squared": lambda a, j, b, k, c: ((a + j * b) + (j * k) * c, a + j * j * (b + k * c)),
    },
    cites=_LUO,
)
def effective_field_mean_assoc(a: Integer, j: Positive, b: Integer, k: Positive, c: Integer):
    "Means of independent layers add, each scaled by the jump before it: associatively."
    return (a + j * b) + (j * k) * c, a + j * (b + k * c)


@law(
    routes="ring z3 coq",
    lemmas=lambda k: [("sum_of_integers", {"n": k}), ("sum_of_squares", {"n": k})],
    mutants={
        "without the minus one": lambda k: (
            k * sum_(lambda i: i**2, k) - sum_(lambda i: i, k) ** 2,
            k**2 * k**2 / 12,
        ),
        "of one fewer": lambda k: (
            k * sum_(lambda i: i**2, k) - sum_(lambda i: i, k) ** 2,
            k**2 * ((k - 1) ** 2 - 1) / 12,
        ),
    },
    cites=_LUO,
)
def uniform_kernel_variance(k: Natural):
    "A uniform kernel of k taps has variance ``(k^2-1)/12``: ``k sum i^2 - (sum i)^2`` is ``k^2 (k^2-1)/12``."
    return k * sum_(lambda i: i**2, k) - sum_(lambda i: i, k) ** 2, k**2 * (k**2 - 1) / 12


@law(
    routes="induction z3 coq",
    induct="n",
    mutants={
        "mean left out": lambda q, m, n: (sum_(lambda j: m, n) + q, q + m),
        "one more": lambda q, m, n: (sum_(lambda j: m, n) + q, q + (n + 1) * m),
    },
    cites=_LUO,
)
def effective_field_grows_linearly(q: Natural, m: Natural, n: Natural):
    "The variance of n equal layers at stride one is n times the variance of one, so its root grows as the root of n."
    return sum_(lambda j: m, n) + q, q + n * m


@law(
    routes="induction z3 coq",
    induct="n",
    mutants={
        "first jump left out": lambda f, n: (
            sum_(lambda j: f(j), n + 1),
            sum_(lambda j: f(j + 1), n),
        ),
        "last one twice": lambda f, n: (sum_(lambda j: f(j), n + 1), f(n) + sum_(lambda j: f(j + 1), n)),
    },
    cites="folklore",
)
def receptive_field_layer_in_front(f: Sequence, n: Natural):
    "A sum over layers may be started with its first layer: what a layer in front adds."
    return sum_(lambda j: f(j), n + 1), f(0) + sum_(lambda j: f(j + 1), n)
