"""Symbolic depth: sums over L layers, their closed forms, and what repetition does to counts and to maps."""

from __future__ import annotations

from typing import Any

from ..law import law
from ..statements.term import Integer, Natural, Positive, Sequence, Term, sum_
from .floors import Map, compose

_CONCRETE = "Graham, Knuth, Patashnik, Concrete Mathematics, 2nd ed. (1994), chapter 2"
_DENSENET = "Huang et al., Densely connected convolutional networks, arXiv 1608.06993 (2016)"
_PYRAMIDNET = "Han, Kim, Kim, Deep pyramidal residual networks, arXiv 1610.02915 (2016)"
_RESNET = "He et al., Deep residual learning for image recognition, arXiv 1512.03385 (2015)"
_FOLKLORE = "folklore"


def geometric(s: Term, length: Any) -> Term:
    """``1 + s + ... + s^(length-1)``."""
    return sum_(lambda i: s**i, length)


def repeated(a: Term, s: Term, length: Any) -> Map:
    """Closed form of a floor-affine map repeated in series."""
    return a * geometric(s, length), s**length


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "one more": lambda n: (sum_(lambda i: i, n), n * (n + 1) / 2),
        "not halved": lambda n: (sum_(lambda i: i, n), n * (n - 1)),
    },
    cites=_CONCRETE,
)
def sum_of_integers(n: Natural):
    "0 + 1 + ... + (n-1)."
    return sum_(lambda i: i, n), n * (n - 1) / 2


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "one more": lambda n: (sum_(lambda i: i**2, n), n * (n + 1) * (2 * n + 1) / 6),
        "by three": lambda n: (sum_(lambda i: i**2, n), n * (n - 1) * (2 * n - 1) / 3),
    },
    cites=_CONCRETE,
)
def sum_of_squares(n: Natural):
    "0 + 1 + 4 + ... + (n-1)^2."
    return sum_(lambda i: i**2, n), n * (n - 1) * (2 * n - 1) / 6


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "one term more": lambda s, n: ((s - 1) * geometric(s, n), s ** (n + 1) - 1),
        "without the one": lambda s, n: ((s - 1) * geometric(s, n), s**n),
    },
    cites=_CONCRETE,
)
def geometric_sum(s: Integer, n: Natural):
    "``(s-1)(1 + s + ... + s^(n-1)) = s^n - 1``, without a quotient, so that s = 1 is included."
    return (s - 1) * geometric(s, n), s**n - 1


@law(
    routes="ring z3 coq",
    induct="n",
    mutants={
        "exponents multiplied": lambda s, m, n: (s ** (m + n), s ** (m * n)),
        "one factor too many": lambda s, m, n: (s ** (m + n), s**m * s ** (n + 1)),
    },
    cites=_FOLKLORE,
)
def power_add(s: Integer, m: Natural, n: Natural):
    "Strides of m and then of n equal layers multiply."
    return s ** (m + n), s**m * s**n


@law(
    routes="ring z3 coq",
    induct="n",
    lemmas=lambda s, m, n: [("power_add", {"s": s, "m": m * n, "n": m})],
    mutants={
        "exponents added": lambda s, m, n: ((s**m) ** n, s ** (m + n)),
        "power of the power": lambda s, m, n: ((s**m) ** n, s ** (m * n * n)),
    },
    cites=_FOLKLORE,
)
def power_mul(s: Integer, m: Natural, n: Natural):
    "n times m equal strides are ``s^(mn)``."
    return (s**m) ** n, s ** (m * n)


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "second part from the start": lambda f, m, n: (
            sum_(lambda j: f(j), m + n),
            sum_(lambda j: f(j), m) + sum_(lambda j: f(j), n),
        ),
        "shifted by one": lambda f, m, n: (
            sum_(lambda j: f(j), m + n),
            sum_(lambda j: f(j), m) + sum_(lambda j: f(m + j + 1), n),
        ),
    },
    cites=_FOLKLORE,
)
def repeat_add(f: Sequence, m: Natural, n: Natural):
    "Whatever layer j costs: m + n layers cost what the first m cost and what the n after them cost."
    return sum_(lambda j: f(j), m + n), sum_(lambda j: f(j), m) + sum_(lambda j: f(m + j), n)


@law(
    routes="induction z3 coq",
    induct="m",
    lemmas=lambda m, n: [("repeat_add", {"m": m * n, "n": n})],
    mutants={
        "blocks of the wrong length": lambda f, m, n: (
            sum_(lambda i: sum_(lambda j: f(i * m + j), n, index="j"), m),
            sum_(lambda j: f(j), m * n),
        ),
        "every block the first": lambda f, m, n: (
            sum_(lambda i: sum_(lambda j: f(j), n, index="j"), m),
            sum_(lambda j: f(j), m * n),
        ),
    },
    cites=_FOLKLORE,
)
def repeat_mul(f: Sequence, m: Natural, n: Natural):
    "m blocks of n layers cost what their m n layers cost, whatever each one costs."
    return sum_(lambda i: sum_(lambda j: f(i * n + j), n, index="j"), m), sum_(lambda j: f(j), m * n)


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "one less": lambda w, n: (sum_(lambda j: w, n), (n - 1) * w),
        "powers": lambda w, n: (sum_(lambda j: w, n), w**n),
    },
    cites=_FOLKLORE,
)
def repeat_equal_layers(w: Integer, n: Natural):
    "n layers of cost w cost n w."
    return sum_(lambda j: w, n), n * w


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "products": lambda f, g, n: (sum_(lambda j: f(j) * g(j), n), sum_(lambda j: f(j), n) * sum_(lambda j: g(j), n)),
        "one of them": lambda f, g, n: (sum_(lambda j: f(j) + g(j), n), sum_(lambda j: f(j), n)),
    },
    cites=_FOLKLORE,
)
def sum_of_sums(f: Sequence, g: Sequence, n: Natural):
    "Counts that add for every layer add for the whole depth."
    return sum_(lambda j: f(j) + g(j), n), sum_(lambda j: f(j), n) + sum_(lambda j: g(j), n)


@law(
    routes="induction z3 cvc5 coq",
    induct="n",
    mutants={
        "factor once": lambda c, f, n: (sum_(lambda j: c * f(j), n), c + sum_(lambda j: f(j), n)),
        "factor at the end": lambda c, f, n: (sum_(lambda j: c * f(j), n), c**n * sum_(lambda j: f(j), n)),
    },
    cites=_FOLKLORE,
)
def sum_of_multiples(c: Integer, f: Sequence, n: Natural):
    "A factor common to all layers stands before the sum: work is positions times parameters."
    return sum_(lambda j: c * f(j), n), c * sum_(lambda j: f(j), n)


@law(
    routes="induction z3 coq",
    induct="n",
    mutants={
        "strides added": lambda a, s, m, n: (
            compose(repeated(a, s, m), repeated(a, s, n)),
            (a * geometric(s, m + n), s**m + s**n),
        ),
        "offsets not scaled": lambda a, s, m, n: (
            compose(repeated(a, s, m), repeated(a, s, n)),
            (a * (m + n), s ** (m + n)),
        ),
    },
    cites=_FOLKLORE,
)
def floor_affine_repeat_add(a: Integer, s: Positive, m: Natural, n: Natural):
    "m copies of a strided layer and then n copies are m + n copies, as maps of sizes."
    return compose(repeated(a, s, m), repeated(a, s, n)), repeated(a, s, m + n)


@law(
    routes="induction z3 coq",
    induct="n",
    lemmas=lambda a, s, m, n: [
        ("floor_affine_repeat_add", {"a": a, "s": s, "m": m * n, "n": m}),
        ("power_mul", {"s": s, "m": m, "n": n}),
    ],
    mutants={
        "copies added": lambda a, s, m, n: (repeated(*repeated(a, s, m), n), repeated(a, s, m + n)),
        "inner map once": lambda a, s, m, n: (repeated(a, s**m, n), repeated(a, s, m * n)),
    },
    cites=_FOLKLORE,
)
def floor_affine_repeat_mul(a: Integer, s: Positive, m: Natural, n: Natural):
    "n copies of m copies of a strided layer are m n copies, as maps of sizes."
    return repeated(*repeated(a, s, m), n), repeated(a, s, m * n)


@law(
    routes="galois z3 coq",
    mutants={
        "one stage further": lambda n, s, L: (n // s**L // s, n // s ** (L + 2)),
        "strides added": lambda n, s, L: (n // s**L // s, n // (s**L + s)),
    },
    coq="rewrite Z.div_div by (assert (1 <= s ^ L) by (apply power_positive; lia); nia); f_equal; ring.",
    cites=_FOLKLORE,
)
def strided_chain_step(n: Integer, s: Positive, L: Natural):
    "One more stage of stride s takes ``floor(n/s^L)`` to ``floor(n/s^(L+1))``: a pyramid has one floor."
    return n // s**L // s, n // s ** (L + 1)


@law(
    routes="ring z3 coq",
    mutants={
        "one stage too few": lambda m, s, L: (m * s ** (L + 1) // s, m * s ** (L + 1)),
        "size not a multiple": lambda m, s, L: ((m * s ** (L + 1) + s) // s, m * s**L),
    },
    coq="match goal with |- ?u / s = _ => replace u with (m * s ^ L * s) by ring end; apply Z.div_mul; lia.",
    cites=_FOLKLORE,
)
def strided_chain_exact(m: Integer, s: Positive, L: Natural):
    "Where every stage divides the size, the size goes down by exactly s at each."
    return m * s ** (L + 1) // s, m * s**L


@law(
    routes="induction z3 cvc5 coq",
    induct="L",
    mutants={
        "one layer more": lambda c, g, L: (c + sum_(lambda j: g, L), c + (L + 1) * g),
        "growth of growth": lambda c, g, L: (c + sum_(lambda j: g * j, L), c + L * g),
    },
    cites=_DENSENET,
)
def dense_block_channels(c: Positive, g: Positive, L: Natural):
    "A dense block of L layers with growth g ends with ``c + L g`` channels."
    return c + sum_(lambda j: g, L), c + L * g


@law(
    routes="induction cvc5 coq",
    induct="L",
    mutants={
        "every layer the first": lambda c, g, k, L: (sum_(lambda j: k**2 * (c + j * g) * g, L), k**2 * g * c * L),
        "one layer more": lambda c, g, k, L: (
            sum_(lambda j: k**2 * (c + j * g) * g, L),
            k**2 * g * (c * L + g * L * (L + 1) / 2),
        ),
    },
    cites=_DENSENET,
)
def dense_block_parameters(c: Positive, g: Positive, k: Positive, L: Natural):
    "The weights of a dense block are a polynomial of second degree in its depth."
    return sum_(lambda j: k**2 * (c + j * g) * g, L), k**2 * g * (c * L + g * L * (L - 1) / 2)


@law(
    routes="induction cvc5 coq",
    induct="L",
    mutants={
        "square of the middle": lambda c, g, L: (
            sum_(lambda j: (c + j * g) * (c + (j + 1) * g), L),
            L * (c + L * g / 2) ** 2,
        ),
        "without growth": lambda c, g, L: (sum_(lambda j: (c + j * g) * (c + (j + 1) * g), L), L * c * (c + g)),
    },
    cites=_PYRAMIDNET,
)
def additive_pyramid_parameters(c: Positive, g: Natural, L: Natural):
    "Widths that grow by g from layer to layer make weights of third degree in the depth."
    return (
        sum_(lambda j: (c + j * g) * (c + (j + 1) * g), L),
        L * c**2 + L**2 * c * g + g**2 * L * (L**2 - 1) / 3,
    )


@law(
    routes="induction cvc5 coq",
    induct="L",
    mutants={
        "widths once": lambda c, s, L: (
            (s**2 - 1) * sum_(lambda j: (c * s**j) * (c * s ** (j + 1)), L),
            c**2 * s * (s**L - 1),
        ),
        "one stage more": lambda c, s, L: (
            (s**2 - 1) * sum_(lambda j: (c * s**j) * (c * s ** (j + 1)), L),
            c**2 * s * ((s ** (L + 1)) ** 2 - 1),
        ),
    },
    cites=_FOLKLORE,
)
def geometric_pyramid_parameters(c: Positive, s: Positive, L: Natural):
    "Widths that grow by a factor s make weights ``c^2 s (s^(2L) - 1)/(s^2 - 1)``; multiplied out, s = 1 is included."
    return (
        (s**2 - 1) * sum_(lambda j: (c * s**j) * (c * s ** (j + 1)), L),
        c**2 * s * ((s**L) ** 2 - 1),
    )


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "one axis": lambda c, o, h, w, s: ((s * c) * (s * o) * h * w, c * o * (s * h) * w),
        "one width": lambda c, o, h, w, s: (c * (s * o) * h * w, c * o * (s * h) * (s * w)),
    },
    cites=_RESNET,
)
def stage_work_kept(c: Positive, o: Positive, h: Positive, w: Positive, s: Positive):
    "Widths up by s where both axes go down by s: every stage does the same work."
    return (s * c) * (s * o) * h * w, c * o * (s * h) * (s * w)


@law(
    routes="induction z3 coq",
    induct="L",
    relation="<=",
    mutants={
        "strictly": lambda L: (L + 2, 2**L),
        "with three": lambda L: (3 * L + 1, 2**L),
    },
    cites=_FOLKLORE,
)
def doubling_outgrows_depth(L: Natural):
    "Doubling at every layer outgrows adding one."
    return L + 1, 2**L


@law(
    routes="induction z3 coq",
    induct="L",
    relation="<=",
    mutants={
        "one more": lambda x, L: (2 + L * x, (1 + x) ** L),
        "square": lambda x, L: (1 + L * x**2, (1 + x) ** L),
    },
    cites="J. Bernoulli, Positiones arithmeticae de seriebus infinitis (1689)",
)
def bernoulli_inequality(x: Natural, L: Natural):
    "Compounding a growth x over L layers gains at least L times x."
    return 1 + L * x, (1 + x) ** L
