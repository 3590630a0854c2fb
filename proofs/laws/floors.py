"""Floors, ceilings and the monoid of floor-affine maps ``x -> floor((x + a)/s)`` that sizes go through.

A map is the pair ``(a, s)``; ``(a, s)`` first and ``(b, t)`` after it is ``(a + b*s, s*t)``.
"""

from __future__ import annotations

from typing import Any

from ..law import law, weakened
from ..statements.term import Integer, Natural, Positive, Term, ceil_div, eq, max_, min_, ne

_CONCRETE = "Graham, Knuth, Patashnik, Concrete Mathematics, 2nd ed. (1994), chapter 3"
_FOLKLORE = "folklore"

Map = tuple[Any, Any]


def compose(first: Map, second: Map) -> Map:
    """The map that acts as the first and then as the second."""
    (a, s), (b, t) = first, second
    return a + b * s, s * t


def act(one: Map, x: Term) -> Term:
    """What a map makes of a size."""
    return (x + one[0]) // one[1]


@law(
    routes="galois z3 coq",
    mutants={
        "stride dropped": lambda x, m, n: (x // m // n, x // m),
        "strides added": lambda x, m, n: (x // m // n, x // (m + n)),
        "outer divisor of either sign": weakened(given=lambda n: [ne(n, 0)], n=Integer),
    },
    coq="apply Z.div_div; lia.",
    cites=_CONCRETE,
)
def nested_floor(x: Integer, m: Positive, n: Positive):
    "Two floors of quotients in a row are one."
    return x // m // n, x // (m * n)


@law(
    routes="galois z3 coq",
    mutants={
        "a floor instead": lambda x, m, n: (ceil_div(ceil_div(x, m), n), x // (m * n)),
        "inner floor": lambda x, m, n: (ceil_div(x // m, n), ceil_div(x, m * n)),
    },
    cites=_CONCRETE,
)
def nested_ceil(x: Integer, m: Positive, n: Positive):
    "Two ceilings of quotients in a row are one."
    return ceil_div(ceil_div(x, m), n), ceil_div(x, m * n)


@law(
    routes="galois z3 coq",
    mutants={
        "second offset not scaled": lambda x, a, b, s, t: (act((b, t), act((a, s), x)), act((a + b, s * t), x)),
        "first offset scaled": lambda x, a, b, s, t: (act((b, t), act((a, s), x)), act((a * t + b, s * t), x)),
        "order turned round": lambda x, a, b, s, t: (act((b, t), act((a, s), x)), act(compose((b, t), (a, s)), x)),
        "strides that may vanish": weakened(s=Natural),
    },
    coq="rewrite <- Z.div_div by lia; f_equal; replace (x + (a + b * s)) with (x + a + b * s) by ring;"
    " rewrite Z.div_add by lia; reflexivity.",
    cites="Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv 1603.07285 (2016)",
)
def floor_affine_acts(x: Integer, a: Integer, b: Integer, s: Positive, t: Positive):
    "A composition acts as its parts one after the other: two strided layers in series have one floor."
    return act((b, t), act((a, s), x)), act(compose((a, s), (b, t)), x)


@law(
    routes="galois z3 coq",
    coq="replace (x + (a + b * s + c * (s * t))) with (x + a + (b + c * t) * s) by ring;"
    " rewrite <- (Z.mul_assoc s t u), <- (Z.div_div _ s (t * u)) by nia; rewrite Z.div_add by lia;"
    " rewrite <- (Z.div_div _ t u) by lia; f_equal;"
    " replace ((x + a) / s + (b + c * t)) with ((x + a) / s + b + c * t) by ring;"
    " rewrite Z.div_add by lia; reflexivity.",
    mutants={
        "last offset scaled once": lambda x, a, b, c, s, t, u: (
            act((c, u), act((b, t), act((a, s), x))),
            act((a + b * s + c * s, s * t * u), x),
        ),
        "last stride forgotten": lambda x, a, b, c, s, t, u: (
            act((c, u), act((b, t), act((a, s), x))),
            act((a + b * s + c * (s * t), s * t), x),
        ),
    },
    cites=_FOLKLORE,
)
def floor_affine_chain_of_three(x: Integer, a: Integer, b: Integer, c: Integer, s: Positive, t: Positive, u: Positive):
    "Three strided layers in series have one floor; any number of them by induction over the list."
    return act((c, u), act((b, t), act((a, s), x))), act((a + b * s + c * (s * t), s * t * u), x)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "offset scaled by the wrong stride": lambda a, b, c, s, t, u: (
            compose(compose((a, s), (b, t)), (c, u)),
            (a + b * s + c * s, s * (t * u)),
        ),
        "a stride forgotten": lambda a, b, c, s, t, u: (
            compose(compose((a, s), (b, t)), (c, u)),
            (a + b * s + c * (s * t), s * t),
        ),
    },
    cites=_FOLKLORE,
)
def floor_affine_assoc(a: Integer, b: Integer, c: Integer, s: Positive, t: Positive, u: Positive):
    "Composition of floor-affine maps is associative."
    return compose(compose((a, s), (b, t)), (c, u)), compose((a, s), compose((b, t), (c, u)))


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "an offset": lambda a, s: (compose((1, 1), (a, s)), (a, s)),
        "a stride": lambda a, s: (compose((0, 2), (a, s)), (a, s)),
    },
    cites=_FOLKLORE,
)
def floor_affine_left_id(a: Integer, s: Positive):
    "Offset zero and stride one before a map changes nothing."
    return compose((0, 1), (a, s)), (a, s)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "an offset": lambda a, s: (compose((a, s), (1, 1)), (a, s)),
        "a stride": lambda a, s: (compose((a, s), (0, 2)), (a, s)),
    },
    cites=_FOLKLORE,
)
def floor_affine_right_id(a: Integer, s: Positive):
    "Offset zero and stride one after a map changes nothing."
    return compose((a, s), (0, 1)), (a, s)


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "stride two": lambda x: (act((0, 2), x), x),
        "offset one": lambda x: (act((1, 1), x), x),
    },
    cites=_FOLKLORE,
)
def floor_affine_id_acts(x: Integer):
    "Offset zero and stride one leaves every size as it is."
    return act((0, 1), x), x


@law(
    routes="galois z3 cvc5 coq",
    relation="iff",
    mutants={
        "offsets alone": lambda a, b, s, t: (
            eq(a + b * s, b + a * t) & eq(s * t, t * s),
            eq(a, b),
        ),
        "always": lambda a, b, s, t: (eq(a + b * s, b + a * t) & eq(s * t, t * s), eq(a, a)),
        "strides crossed": lambda a, b, s, t: (
            eq(a + b * s, b + a * t) & eq(s * t, t * s),
            eq(b * (t - 1), a * (s - 1)),
        ),
    },
    cites=_FOLKLORE,
)
def floor_affine_commute_iff(a: Integer, b: Integer, s: Positive, t: Positive):
    "Two floor-affine maps commute where ``b (s - 1) = a (t - 1)`` and nowhere else: the monoid is not commutative."
    return eq(a + b * s, b + a * t) & eq(s * t, t * s), eq(b * (s - 1), a * (t - 1))


@law(
    routes="galois z3 cvc5 coq",
    relation="<=",
    given=lambda x, y: [x <= y],
    mutants={
        "strictly": lambda x, y, a, s: (act((a, s), x) + 1, act((a, s), y)),
        "without an order": weakened(),
        "a stride of either sign": weakened(given=lambda x, y, s: [x <= y, ne(s, 0)], s=Integer),
    },
    cites=_FOLKLORE,
)
def floor_affine_mono(x: Integer, y: Integer, a: Integer, s: Positive):
    "A larger input never has a smaller output."
    return act((a, s), x), act((a, s), y)


@law(
    routes="galois z3 coq",
    mutants={
        "one too many": lambda u, d: (ceil_div(u, d), (u + d) // d),
        "a floor and one": lambda u, d: (ceil_div(u, d), u // d + 1),
        "a divisor of either sign": weakened(given=lambda d: [ne(d, 0)], d=Integer),
    },
    cites=_CONCRETE,
)
def ceil_eq_floor(u: Integer, d: Positive):
    "A ceiling is the floor of a little more."
    return ceil_div(u, d), (u + d - 1) // d


@law(
    routes="ring z3 cvc5 coq",
    given=lambda d: [ne(d, 0)],
    mutants={
        "without the minus inside": lambda u, d: (ceil_div(u, d), -(u // d)),
        "without the minus outside": lambda u, d: (ceil_div(u, d), (-u) // d),
    },
    cites=_CONCRETE,
)
def ceil_eq_neg_floor_neg(u: Integer, d: Integer):
    "A ceiling is a floor seen from the other side; for divisors of either sign."
    return ceil_div(u, d), -((-u) // d)


@law(
    routes="ring galois z3 coq",
    mutants={
        "multiple not divided": lambda a, u, d: ((a * d + u) // d, a * d + u // d),
        "multiple of something else": lambda a, u, d: ((a * u + d) // d, a * u + 1),
    },
    cites=_CONCRETE,
)
def floor_pull_multiple(a: Integer, u: Integer, d: Positive):
    "A multiple of the divisor leaves the floor: padding by whole strides adds whole positions."
    return (a * d + u) // d, a + u // d


@law(
    routes="ring galois z3 coq",
    mutants={
        "factor in one place": lambda k, u, d: ((k * u) // (k * d), u // (k * d)),
        "factor zero": weakened(k=Natural),
    },
    cites=_CONCRETE,
)
def floor_cancel_factor(k: Positive, u: Integer, d: Positive):
    "A common factor leaves a floor of a quotient."
    return (k * u) // (k * d), u // d


@law(
    routes="galois z3 cvc5 coq",
    relation="iff",
    mutants={
        "strictly": lambda y, u, d: (y <= u // d, d * y < u),
        "the other way round": lambda y, u, d: (u // d <= y, u <= d * y),
    },
    cites=_CONCRETE,
)
def floor_galois(y: Integer, u: Integer, d: Positive):
    "The floor of a quotient is the greatest integer whose multiple is no larger."
    return y <= u // d, d * y <= u


@law(
    routes="galois z3 coq",
    relation="iff",
    mutants={
        "strictly": lambda y, u, d: (ceil_div(u, d) <= y, u < d * y),
        "the other way round": lambda y, u, d: (y <= ceil_div(u, d), d * y <= u),
    },
    cites=_CONCRETE,
)
def ceil_galois(y: Integer, u: Integer, d: Positive):
    "The ceiling of a quotient is the least integer whose multiple is no smaller."
    return ceil_div(u, d) <= y, u <= d * y


@law(
    routes="ring z3 cvc5 coq",
    given=lambda d: [ne(d, 0)],
    coq="pose proof (Z.div_mod u d ltac:(assumption)); lia.",
    mutants={
        "rounded up": lambda u, d: (u, d * ceil_div(u, d) + u % d),
        "what is left taken away": lambda u, d: (u, d * (u // d) - u % d),
    },
    cites=_CONCRETE,
)
def floor_mod_split(u: Integer, d: Integer):
    "Divisor times floor and what is left make the whole, for divisors of either sign."
    return u, d * (u // d) + u % d


@law(
    routes="ring z3 coq",
    relation="<",
    mutants={
        "less than the divisor by two": lambda u, d: (u % d + 1, d),
        "a divisor of either sign": weakened(given=lambda d: [ne(d, 0)], d=Integer),
    },
    cites=_CONCRETE,
)
def mod_below_divisor(u: Integer, d: Positive):
    "What a floor leaves is less than the divisor."
    return u % d, d


@law(
    routes="galois z3 coq",
    mutants={
        "a maximum outside": lambda u, v, d: (min_(u, v) // d, max_(u // d, v // d)),
        "a divisor of either sign": weakened(given=lambda d: [ne(d, 0)], d=Integer),
    },
    cites=_FOLKLORE,
)
def floor_of_min(u: Integer, v: Integer, d: Positive):
    "Rounding down goes through a minimum, as every monotone map does."
    return min_(u, v) // d, min_(u // d, v // d)


@law(
    routes="galois z3 coq",
    mutants={
        "a minimum outside": lambda u, v, d: (max_(u, v) // d, min_(u // d, v // d)),
        "a divisor of either sign": weakened(given=lambda d: [ne(d, 0)], d=Integer),
    },
    cites=_FOLKLORE,
)
def floor_of_max(u: Integer, v: Integer, d: Positive):
    "Rounding down goes through a maximum."
    return max_(u, v) // d, max_(u // d, v // d)


@law(
    routes="galois z3 coq",
    relation="<=",
    mutants={
        "strictly": lambda u, v, d: (u // d + v // d + 1, (u + v) // d),
        "turned round": lambda u, v, d: ((u + v) // d, u // d + v // d),
    },
    cites=_CONCRETE,
)
def floor_superadditive(u: Integer, v: Integer, d: Positive):
    "Two inputs apart never have more positions than the two joined."
    return u // d + v // d, (u + v) // d


@law(
    routes="galois z3 coq",
    relation="<=",
    mutants={
        "without the one": lambda u, v, d: ((u + v) // d, u // d + v // d),
        "ceilings": lambda u, v, d: (ceil_div(u, d) + ceil_div(v, d) + 1, ceil_div(u + v, d)),
    },
    cites=_CONCRETE,
)
def floor_subadditive_but_one(u: Integer, v: Integer, d: Positive):
    "Joining two inputs gains at most one position."
    return (u + v) // d, u // d + v // d + 1
