"""The semirings in which depth, bottleneck and path lengths are computed, and extrema as layers."""

from __future__ import annotations

from ..law import law, weakened
from ..statements.term import Integer, Natural, max_, min_

_TROPICAL = "Zhang, Naitzat, Lim, Tropical geometry of deep neural networks, arXiv 1805.07091 (2018)"
_FOLKLORE = "folklore"


def relu(x):
    """``max(x, 0)``."""
    return max_(x, 0)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "added once": lambda a, b, c: (max_(a, b) + c, max_(a + c, b)),
        "a minimum": lambda a, b, c: (max_(a, b) + c, min_(a + c, b + c)),
    },
    cites=_TROPICAL,
)
def depth_series_after_parallel(a: Natural, b: Natural, c: Natural):
    "Depth: a layer after parallel branches is after the deeper one; addition distributes over the maximum."
    return max_(a, b) + c, max_(a + c, b + c)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "sum": lambda a, b, c: (max_(max_(a, b), c), a + max_(b, c)),
        "one forgotten": lambda a, b, c: (max_(max_(a, b), c), max_(a, b)),
    },
    cites=_TROPICAL,
)
def depth_parallel_assoc(a: Natural, b: Natural, c: Natural):
    "Depth: how parallel branches are bracketed does not matter."
    return max_(max_(a, b), c), max_(a, max_(b, c))


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "first only": lambda a, b: (max_(a, b), a),
        "a minimum": lambda a, b: (max_(a, b), min_(b, a)),
    },
    cites=_TROPICAL,
)
def depth_parallel_comm(a: Natural, b: Natural):
    "Depth: the order of parallel branches does not matter."
    return max_(a, b), max_(b, a)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "twice": lambda a: (max_(a, a), a + a),
        "one more": lambda a: (max_(a, a), a + 1),
    },
    cites=_TROPICAL,
)
def depth_parallel_idempotent(a: Natural):
    "Depth: a branch beside itself is no deeper."
    return max_(a, a), a


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "of any sign": weakened(a=Integer),
        "one": lambda a: (max_(a, 1), a),
    },
    cites=_TROPICAL,
)
def depth_identity_branch_is_neutral(a: Natural):
    "Depth: an identity beside a branch, as in a residual block, adds nothing."
    return max_(a, 0), a


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "extrema exchanged": lambda a, b, c: (min_(a, max_(b, c)), max_(a, min_(b, c))),
        "one branch": lambda a, b, c: (min_(a, max_(b, c)), max_(min_(a, b), c)),
    },
    cites=_FOLKLORE,
)
def bottleneck_series_over_parallel(a: Natural, b: Natural, c: Natural):
    "Widest path: the minimum along a series distributes over the maximum of branches."
    return min_(a, max_(b, c)), max_(min_(a, b), min_(a, c))


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "extrema exchanged": lambda a, b, c: (max_(a, min_(b, c)), min_(a, max_(b, c))),
        "one branch": lambda a, b, c: (max_(a, min_(b, c)), min_(max_(a, b), c)),
    },
    cites=_FOLKLORE,
)
def bottleneck_parallel_over_series(a: Natural, b: Natural, c: Natural):
    "Widest path: and the maximum distributes over the minimum."
    return max_(a, min_(b, c)), min_(max_(a, b), max_(a, c))


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "not absorbed": lambda a, b: (min_(a, max_(a, b)), min_(a, b)),
        "the other one": lambda a, b: (min_(a, max_(a, b)), b),
    },
    cites=_FOLKLORE,
)
def bottleneck_absorbs(a: Natural, b: Natural):
    "Widest path: a branch that also stands in series absorbs its alternative."
    return min_(a, max_(a, b)), a


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "flows of any sign": weakened(a=Integer, b=Integer),
        "capped inside only": lambda a, b, m: (min_(a, m) + min_(b, m), min_(a + b, m)),
        "capped outside once": lambda a, b, m: (min_(min_(a, m) + b, m), min_(a, b)),
    },
    cites="folklore: maximum flow through parallel branches",
)
def flow_parallel_capped(a: Natural, b: Natural, m: Natural):
    "Flows of parallel branches add and are capped by the end point; capping each branch before changes nothing."
    return min_(min_(a, m) + min_(b, m), m), min_(a + b, m)


@law(
    routes="galois z3 cvc5 coq",
    relation="<=",
    mutants={
        "the other way round": lambda a, b, c: (min_(a, b + c), min_(a, b)),
        "negative flows": weakened(c=Integer),
    },
    cites="folklore: maximum flow through parallel branches",
)
def flow_parallel_never_less(a: Natural, b: Natural, c: Natural):
    "A further branch never narrows a bottleneck."
    return min_(a, b), min_(a, b + c)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "minimum": lambda x: (relu(relu(x)), min_(x, 0)),
        "identity": lambda x: (relu(relu(x)), x),
    },
    cites=_FOLKLORE,
)
def relu_idempotent(x: Integer):
    "A ReLU after a ReLU does nothing; in a count of operations both are still there."
    return relu(relu(x)), relu(x)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "added": lambda x: (relu(x) + relu(-x), x),
        "negative part inside": lambda x: (relu(x) - relu(x), x),
    },
    cites=_TROPICAL,
)
def relu_splits_identity(x: Integer):
    "The identity is the difference of two ReLUs: the positive and the negative part."
    return relu(x) - relu(-x), x


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "subtracted": lambda x: (relu(x) - relu(-x), max_(x, -x)),
        "positive part": lambda x: (relu(x), max_(x, -x)),
    },
    cites=_TROPICAL,
)
def relu_sum_is_absolute_value(x: Integer):
    "The sum of the two parts is the absolute value."
    return relu(x) + relu(-x), max_(x, -x)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "the other difference": lambda a, b: (max_(a, b), a + relu(a - b)),
        "without the first": lambda a, b: (max_(a, b), relu(b - a)),
    },
    cites=_TROPICAL,
)
def maximum_from_relu(a: Integer, b: Integer):
    "A maximum costs one ReLU: ``max(a, b) = a + relu(b - a)``."
    return max_(a, b), a + relu(b - a)


@law(
    routes="galois z3 cvc5 coq",
    given=lambda low, high: [low <= high],
    mutants={
        "bounds the wrong way round": weakened(),
        "no lower bound": lambda x, low, high: (min_(max_(x, low), high), min_(x, high)),
    },
    cites=_FOLKLORE,
)
def clip_either_order(x: Integer, low: Integer, high: Integer):
    "Clipping from below and from above commute while the bounds are in order (ReLU6, hard tanh)."
    return min_(max_(x, low), high), max_(min_(x, high), low)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "a factor of any sign": weakened(k=Integer),
        "factor once": lambda k, a, b: (k * max_(a, b), max_(k * a, b)),
    },
    cites=_TROPICAL,
)
def scaling_goes_through_max(k: Natural, a: Integer, b: Integer):
    "A factor that is not negative goes through a maximum: max-pooling commutes with scaling by it."
    return k * max_(a, b), max_(k * a, k * b)


@law(
    routes="galois z3 cvc5 coq",
    relation="<=",
    mutants={
        "equal": lambda a, b, c, d: (max_(a, c) + max_(b, d), max_(a + b, c + d)),
        "minimum": lambda a, b, c, d: (max_(a, b) + max_(c, d), min_(a, c) + min_(b, d)),
    },
    cites=_FOLKLORE,
)
def depth_interchange_is_an_inequality(a: Natural, b: Natural, c: Natural, d: Natural):
    "Interchange: branches that run through are at most as deep as stages that wait for each other."
    return max_(a + b, c + d), max_(a, c) + max_(b, d)


@law(
    routes="galois z3 cvc5 coq",
    relation="iff",
    mutants={
        "always": lambda a, b, c, d: (
            max_(a + b, c + d) >= max_(a, c) + max_(b, d),
            a >= a,
        ),
        "first branch deeper": lambda a, b, c, d: (
            max_(a + b, c + d) >= max_(a, c) + max_(b, d),
            (a >= c) & (b >= d),
        ),
    },
    cites=_FOLKLORE,
)
def depth_interchange_iff_one_branch_leads(a: Natural, b: Natural, c: Natural, d: Natural):
    "And equally deep exactly where one branch is the deeper one in both stages."
    return max_(a + b, c + d) >= max_(a, c) + max_(b, d), ((a >= c) & (b >= d)) | ((c >= a) & (d >= b))
