"""Intrinsic power as a ratio, capacity that is passed on, the state that VC bounds fold over, and counts of regions."""

from __future__ import annotations

from ..law import law
from ..statements.term import Integer, Natural, Positive, max_, sum_

_BADIAS = "Badias and Banerjee, arXiv 2107.01081 (2021); the ratio is our reconstruction"
_DONIER = "Donier, arXiv 1902.08572 (2019); reconstruction"
_BARTLETT = "Bartlett, Harvey, Liaw, Mehrabian, Journal of Machine Learning Research 20 (2019)"
_ZASLAVSKY = "Zaslavsky, Facing up to arrangements, Memoirs of the AMS 154 (1975)"


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "ratios added": lambda a, b, c: (b / a + c / b, c / a),
        "turned round": lambda a, b, c: ((b / a) * (c / b), a / c),
    },
    cites=_BADIAS,
)
def intrinsic_power_ratio_series(a: Positive, b: Positive, c: Positive):
    "Ratios of widths multiply in series, so their logarithms add and telescope to the end points."
    return (b / a) * (c / b), c / a


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "inputs added too": lambda a, b, c: ((b + c) / (a + a), b / a + c / a),
        "ratios multiplied": lambda a, b, c: ((b + c) / a, (b / a) * (c / a)),
    },
    cites=_BADIAS,
)
def intrinsic_power_ratio_concat(a: Positive, b: Positive, c: Positive):
    "Ratios of branches that are concatenated add."
    return (b + c) / a, b / a + c / a


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "encoder twice": lambda n, m: ((m / n) * (m / n), 1),
        "decoder twice": lambda n, m: ((n / m) * (n / m), 1),
    },
    cites=_BADIAS,
)
def intrinsic_power_ratio_autoencoder(n: Positive, m: Positive):
    "Down and up again is ratio one, whatever the width between: the net power alone cannot tell it from the identity."
    return (m / n) * (n / m), 1


@law(
    routes="galois z3 cvc5 coq",
    relation="<=",
    mutants={
        "equal": lambda x, y: (max_(x, 0) + max_(y, 0), max_(x + y, 0)),
        "negative part": lambda x, y: (max_(x + y, 0), max_(x, 0) - max_(y, 0)),
    },
    cites=_BADIAS,
)
def expansion_of_merged_steps_at_most_sum(x: Integer, y: Integer):
    "Two steps taken as one expand no more than they do apart: the profile must be taken step by step."
    return max_(x + y, 0), max_(x, 0) + max_(y, 0)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "layers of the first part": lambda v, a, i, w, b, j, u, c, k: (
            ((v + w) + u, (a + b + i * w) + (c + (i + j) * u), i + j + k),
            (v + (w + u), a + (b + c + j * u) + i * (w + u) + u, i + (j + k)),
        ),
        "prefixes forgotten": lambda v, a, i, w, b, j, u, c, k: (
            ((v + w) + u, (a + b + j * v) + (c + k * (v + w)), i + j + k),
            (v + (w + u), a + (b + c), i + (j + k)),
        ),
    },
    cites=_BARTLETT,
)
def vc_prefix_state_assoc(
    v: Natural, a: Natural, i: Natural, w: Natural, b: Natural, j: Natural, u: Natural, c: Natural, k: Natural
):
    "The state (parameters, sum of prefix sums, layers) that VC bounds need composes associatively."
    return (
        ((v + w) + u, (a + b + j * v) + c + k * (v + w), (i + j) + k),
        (v + (w + u), a + (b + c + k * w) + (j + k) * v, i + (j + k)),
    )


@law(
    routes="induction z3 cvc5 coq",
    induct="L",
    mutants={
        "every layer all parameters": lambda W, L: (sum_(lambda i: (i + 1) * W, L), L * L * W),
        "half": lambda W, L: (sum_(lambda i: (i + 1) * W, L), W * L * (L - 1) / 2),
    },
    cites=_BARTLETT,
)
def vc_prefix_sum_of_equal_layers(W: Natural, L: Natural):
    "Equal layers of W parameters: the prefix sums add up to ``W L(L+1)/2``."
    return sum_(lambda i: (i + 1) * W, L), W * L * (L + 1) / 2


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "same dimension": lambda n: (
            1 + (n + 1) + (n + 1) * n / 2,
            (1 + n + n * (n - 1) / 2) + (1 + n + n * (n - 1) / 2),
        ),
        "doubling": lambda n: (1 + (n + 1) + (n + 1) * n / 2, (1 + n + n * (n - 1) / 2) + n),
    },
    cites=_ZASLAVSKY,
)
def zaslavsky_recurrence_plane(n: Natural):
    "A new line in the plane cuts as many regions as the points on it make of a line: Z(n+1, 2) = Z(n, 2) + Z(n, 1)."
    return 1 + (n + 1) + (n + 1) * n / 2, (1 + n + n * (n - 1) / 2) + (1 + n)


@law(
    routes="ring cvc5 coq",
    mutants={
        "same dimension": lambda n: (
            1 + (n + 1) + (n + 1) * n / 2 + (n + 1) * n * (n - 1) / 6,
            2 * (1 + n + n * (n - 1) / 2),
        ),
        "a line's": lambda n: (
            1 + (n + 1) + (n + 1) * n / 2 + (n + 1) * n * (n - 1) / 6,
            (1 + n + n * (n - 1) / 2 + n * (n - 1) * (n - 2) / 6) + (1 + n),
        ),
    },
    cites=_ZASLAVSKY,
)
def zaslavsky_recurrence_space(n: Natural):
    "The same in space: Z(n+1, 3) = Z(n, 3) + Z(n, 2)."
    return (
        1 + (n + 1) + (n + 1) * n / 2 + (n + 1) * n * (n - 1) / 6,
        (1 + n + n * (n - 1) / 2 + n * (n - 1) * (n - 2) / 6) + (1 + n + n * (n - 1) / 2),
    )


@law(
    routes="induction z3 coq",
    induct="n",
    mutants={
        "lines that all meet in one point": lambda n: (1 + sum_(lambda i: i + 1, n), 2 * n),
        "one line more": lambda n: (1 + sum_(lambda i: i + 1, n), 1 + (n + 1) + (n + 1) * n / 2),
    },
    cites=_ZASLAVSKY,
)
def zaslavsky_plane_closed_form(n: Natural):
    "Line number i + 1 adds i + 1 regions: n lines in general position cut the plane into ``1 + n + n(n-1)/2``."
    return 1 + sum_(lambda i: i + 1, n), 1 + n + n * (n - 1) / 2


@law(
    routes="induction z3 coq",
    induct="n",
    relation="<=",
    mutants={
        "one region more": lambda n: (2 + n + n * (n - 1) / 2, 2**n),
        "the square": lambda n: (1 + n + n * n, 2**n),
    },
    cites=_ZASLAVSKY,
)
def zaslavsky_plane_at_most_all_patterns(n: Positive):
    "Regions of n lines in the plane are at most the ``2^n`` patterns of n ReLUs."
    return 1 + n + n * (n - 1) / 2, 2**n


@law(
    routes="ring z3 cvc5 coq",
    relation="<=",
    mutants={
        "sum of both": lambda n, m: ((n + 1) * (m + 1), n + m + 1),
        "strictly": lambda n, m: (n + m + 2, (n + 1) * (m + 1)),
    },
    cites=_ZASLAVSKY,
)
def depth_beats_width_on_a_line(n: Natural, m: Natural):
    "On a line two layers reach ``(n+1)(m+1)`` regions where one of n + m units reaches ``n + m + 1``."
    return n + m + 1, (n + 1) * (m + 1)


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "share of the branch doubled": lambda e: (1 / (1 + e) + 2 * e / (1 + e), 1),
        "not normalised": lambda e: (1 / (1 + e) + e, 1),
    },
    cites=_DONIER,
)
def residual_capacity_conserved(e: Natural):
    "What a residual block passes through its skip and through its branch of weight e adds up to one."
    return 1 / (1 + e) + e / (1 + e), 1


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "bias not leaking": lambda v, w, b: ((v + w) / (b + v + w), 1),
        "leak of the bias doubled": lambda v, w, b: ((v + w) / (b + v + w), 1 - 2 * b / (b + v + w)),
    },
    cites=_DONIER,
)
def bias_leaks_capacity(v: Positive, w: Positive, b: Natural):
    "A bias keeps the share of capacity that the weights do not pass on."
    return (v + w) / (b + v + w), 1 - b / (b + v + w)


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "one over the update": lambda e: ((1 - e / (1 + e)) / (e / (1 + e)), (1 + e) / e),
        "one less": lambda e: ((1 - e / (1 + e)) / (e / (1 + e)), 1 / e - 1),
    },
    cites=_DONIER,
)
def recurrent_memory_is_inverse_update(e: Positive):
    "Updates of share ``p = e/(1+e)`` make a geometric memory of mean lag ``(1-p)/p = 1/e`` exactly; as fractions, so for real e."
    return (1 - e / (1 + e)) / (e / (1 + e)), 1 / e


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "factors multiplied": lambda u, v, p, q: (u / p + v / q - (u / p) * (v / q), 1 - (u / p) * (v / q)),
        "sum": lambda u, v, p, q: (u / p + v / q - (u / p) * (v / q), u / p + v / q),
    },
    cites="Donier, arXiv 1902.04485 (2019); reconstruction",
)
def separable_kernel_allocation(u: Natural, v: Natural, p: Positive, q: Positive):
    "A separable kernel allocates ``a + b - a b`` to a place that its factors weigh with a and b: what neither misses."
    return u / p + v / q - (u / p) * (v / q), 1 - (1 - u / p) * (1 - v / q)
