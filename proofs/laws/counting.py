"""Counts of parameters, multiplications and elements, and layers that are one another in disguise.

A convolution of width ``o`` over ``c`` channels with kernel extent ``u`` (the product of its kernel over the axes) in
``g`` groups has ``o (c/g) u`` weights; at ``v`` positions it makes as many multiply-accumulates at each.
"""

from __future__ import annotations

from typing import Any

from ..law import law, weakened
from ..statements.term import Integer, Natural, Positive, Term, eq, max_, min_, sum_
from .convolution import size

_MOBILENET = "Howard et al., MobileNets, arXiv 1704.04861 (2017)"
_NIN = "Lin, Chen, Yan, Network in network, arXiv 1312.4400 (2013)"
_FCN = "Long, Shelhamer, Darrell, Fully convolutional networks, arXiv 1411.4038 (2014)"
_TRANSFORMER = "Vaswani et al., Attention is all you need, arXiv 1706.03762 (2017)"
_KAPLAN = "Kaplan et al., Scaling laws for neural language models, arXiv 2001.08361 (2020)"
_FOLKLORE = "folklore"


def conv_weights(c: Any, o: Any, u: Any, g: Any = 1) -> Term:
    """Weights of a convolution in groups, without biases."""
    return o * (c // g) * u


@law(
    routes="ring z3 coq",
    mutants={
        "groups forgotten": lambda g, i, o, u: (conv_weights(g * i, g * o, u, g), (g * o) * (g * i) * u),
        "groups divided twice": lambda g, i, o, u: (conv_weights(g * i, g * o, u, g), o * i * u),
    },
    cites=_MOBILENET,
)
def grouped_conv_parameters(g: Positive, i: Positive, o: Positive, u: Positive):
    "A convolution in g groups is g convolutions side by side, each with its share of channels."
    return conv_weights(g * i, g * o, u, g), g * conv_weights(i, o, u)


@law(
    routes="ring z3 coq",
    given=lambda c, g: [eq(g, c)],
    mutants={
        "any groups": weakened(),
        "one group": weakened(given=lambda g: [eq(g, 1)]),
    },
    cites=_MOBILENET,
)
def depthwise_eq_groups_eq_channels(c: Positive, g: Positive, m: Positive, u: Positive):
    "As many groups as channels make a depthwise convolution: m filters of u weights a channel."
    return conv_weights(c, c * m, u, g), c * m * u


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "kernel left in": lambda c, o, v, u: (conv_weights(c, o, u) + o, c * o + o),
        "bias at every position": lambda c, o, v: (conv_weights(c, o, 1) + o * v, c * o + o),
    },
    cites=_NIN,
)
def conv_1x1_eq_pointwise_linear(c: Positive, o: Positive, v: Positive, u: Positive):
    "A 1x1 convolution has the parameters and, at each of v positions, the work of a linear layer over channels."
    return (conv_weights(c, o, 1) + o, conv_weights(c, o, 1) * v), (c * o + o, (c * o) * v)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "kernel one smaller": lambda c, o, n, s: (
            (size(n, n - 1, s), conv_weights(c, o, (n - 1) * (n - 1)) + o),
            (1, (c * n * n) * o + o),
        ),
        "one axis": lambda c, o, n, s: (
            (size(n, n, s), conv_weights(c, o, n * n) + o),
            (1, (c * n) * o + o),
        ),
    },
    cites=_FCN,
)
def conv_eq_linear_of_kernel_eq_input(c: Positive, o: Positive, n: Positive, s: Positive):
    "A kernel as large as its input makes a convolution linear: one position, the weights of the flattened input."
    return (size(n, n, s), conv_weights(c, o, n * n) + o), (1, (c * n * n) * o + o)


@law(
    routes="ring z3 cvc5 coq",
    relation="<=",
    given=lambda o, u: [o >= 2, u >= 2],
    mutants={
        "one filter": weakened(given=lambda u: [u >= 2]),
        "one tap": weakened(given=lambda o: [o >= 2]),
    },
    cites=_MOBILENET,
)
def separable_conv_at_most_dense(c: Positive, o: Positive, u: Positive):
    "A depthwise and a pointwise convolution have no more weights than a dense one, from two filters and two taps on."
    return c * u + c * o, c * o * u


@law(
    routes="field z3 cvc5 coq",
    mutants={
        "kernel once": lambda c, o, u: ((c * u + c * o) / (c * o * u), 1 / o + u / u),
        "product": lambda c, o, u: ((c * u + c * o) / (c * o * u), 1 / (o * u)),
    },
    cites=_MOBILENET,
)
def separable_conv_saving(c: Positive, o: Positive, u: Positive):
    "The weights of a separable convolution are ``1/o + 1/u`` of the dense one's."
    return (c * u + c * o) / (c * o * u), 1 / o + 1 / u


@law(
    routes="ring z3 cvc5 coq",
    relation="<=",
    given=lambda n, m, r: [r <= n, r <= m],
    mutants={
        "any rank": weakened(),
        "weights of both factors": lambda n, m, r: (r * (n + m), n * m),
    },
    cites=_FOLKLORE,
)
def low_rank_freedom_at_most_full(n: Positive, m: Positive, r: Positive):
    "Matrices of rank r have ``r (n + m - r)`` degrees of freedom, never more than all matrices."
    return r * (n + m - r), n * m


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "factors counted whole": lambda n, m, r: (r * n + r * m, r * (n + m - r)),
        "rank once": lambda n, m, r: (r * n + r * m - r, r * (n + m - r)),
    },
    cites=_FOLKLORE,
)
def two_linear_layers_eq_one_of_rank(n: Positive, m: Positive, r: Positive):
    "Two linear layers in a row are one of rank r: ``r^2`` of their weights only change the basis between."
    return r * n + r * m - r**2, r * (n + m - r)


@law(
    routes="induction z3 cvc5 coq",
    induct="T",
    mutants={
        "strictly before": lambda T: (sum_(lambda t: t + 1, T), T * (T - 1) / 2),
        "half of all": lambda T: (2 * sum_(lambda t: t + 1, T), T**2),
    },
    cites=_TRANSFORMER,
)
def causal_attention_pairs(T: Natural):
    "Position t attends to t + 1 positions: ``T(T+1)/2`` pairs altogether."
    return sum_(lambda t: t + 1, T), T * (T + 1) / 2


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "diagonal twice": lambda T: (T * (T + 1) / 2 + T * (T + 1) / 2, T**2),
        "diagonal left out": lambda T: (T * (T - 1) / 2 + T * (T - 1) / 2, T**2),
    },
    cites=_TRANSFORMER,
)
def causal_and_future_pairs_are_all(T: Natural):
    "Pairs with the past and the present, and pairs with the future, are all ``T^2``."
    return T * (T + 1) / 2 + T * (T - 1) / 2, T**2


@law(
    routes="induction z3 cvc5 coq",
    induct="w",
    mutants={
        "no ramp": lambda T, w: (sum_(lambda t: t + 1, w) + (T - w) * w, T * w),
        "ramp one longer": lambda T, w: (sum_(lambda t: t + 1, w) + (T - w) * w, T * w - w * (w + 1) / 2),
    },
    cites="Beltagy, Peters, Cohan, Longformer, arXiv 2004.05150 (2020)",
)
def windowed_attention_pairs(T: Natural, w: Natural):
    "A causal window of w positions over T of them (w at most T): a ramp, then w each, ``T w - w (w-1)/2`` pairs."
    return sum_(lambda t: t + 1, w) + (T - w) * w, T * w - w * (w - 1) / 2


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "offset of one sign": lambda H, d: (max_(0, min_(H, H - d) - max_(0, -d)), max_(0, H - d)),
        "not cut off at zero": lambda H, d: (max_(0, min_(H, H - d) - max_(0, -d)), H - max_(d, -d)),
    },
    cites=_FOLKLORE,
)
def tap_touches_input(H: Natural, d: Integer):
    "A tap at offset d touches real input at ``max(0, H - |d|)`` of H positions."
    return max_(0, min_(H, H - d) - max_(0, -d)), max_(0, H - max_(d, -d))


@law(
    routes="induction z3 cvc5 coq",
    induct="p",
    mutants={
        "nominal": lambda H, p: (H + 2 * sum_(lambda d: H - (d + 1), p), H * (2 * p + 1)),
        "one side": lambda H, p: (H + sum_(lambda d: H - (d + 1), p), H * (2 * p + 1) - p * (p + 1)),
        "half": lambda H, p: (H + 2 * sum_(lambda d: H - (d + 1), p), H * (2 * p + 1) - p * (p + 1) / 2),
    },
    cites=_FOLKLORE,
)
def same_padded_effective_work(H: Natural, p: Natural):
    "An odd kernel of 2p+1 taps over H positions, same-padded (p < H), touches real input ``H(2p+1) - p(p+1)`` times."
    return H + 2 * sum_(lambda d: H - (d + 1), p), H * (2 * p + 1) - p * (p + 1)


@law(
    routes="induction z3 cvc5 coq",
    induct="k",
    mutants={
        "nominal": lambda H, k: (sum_(lambda u: H - u, k), H * k),
        "one tap more": lambda H, k: (sum_(lambda u: H - u, k), H * k - k * (k + 1) / 2),
    },
    cites=_FOLKLORE,
)
def causal_conv_effective_work(H: Natural, k: Natural):
    "A causal convolution of k taps over H positions (k at most H) touches real input ``H k - k(k-1)/2`` times."
    return sum_(lambda u: H - u, k), H * k - k * (k - 1) / 2


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "one for a pair": lambda m, b: (m + b, 2 * m + b),
        "bias twice": lambda m, b: (2 * m + 2 * b, 2 * m + b),
    },
    cites=_FOLKLORE,
)
def flops_of_macs_and_biases(m: Natural, b: Natural):
    "A multiply-accumulate is one multiplication and one addition; a bias is one addition."
    return m + m + b, 2 * m + b


@law(
    routes="ring z3 coq",
    mutants={
        "heads multiplied": lambda h, e, d: (h * (3 * d * (h * e // h)) + (h * e) * d, 4 * h * d * (h * e)),
        "values forgotten": lambda h, e, d: (h * (2 * d * (h * e // h)) + (h * e) * d, 4 * d * (h * e)),
    },
    cites=_TRANSFORMER,
)
def attention_parameters_independent_of_heads(h: Positive, e: Positive, d: Positive):
    "Queries, keys and values of h heads, each a share of the width, and the output: as many weights as one head has."
    return h * (3 * d * (h * e // h)) + (h * e) * d, 4 * d * (h * e)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "without the second matrix": lambda d: (4 * d * d + 4 * d * d, 12 * d**2),
        "with biases": lambda d: (4 * d * d + 2 * d * (4 * d) + 9 * d, 12 * d**2),
    },
    cites=_KAPLAN,
)
def transformer_block_parameters(d: Positive):
    "Attention with ``4 d^2`` weights and a feed-forward layer of width 4d make ``12 d^2``, biases and scales aside."
    return 4 * d * d + (d * (4 * d) + (4 * d) * d), 12 * d**2


@law(
    routes="ring z3 coq",
    relation="<=",
    mutants={
        "both factors whole": lambda d, e: (2 * d * e, d * d),
        "strictly": lambda d, e: (e * (2 * d - e) + 1, d * d),
    },
    coq="pose proof (Z.square_nonneg (d - e)); nia.",
    cites=_FOLKLORE,
)
def head_circuit_freedom_at_most_full(d: Positive, e: Positive):
    "Query times key of a head of width e has ``e (2d - e)`` degrees of freedom, at most those of all d x d matrices."
    return e * (2 * d - e), d * d


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "two gates": lambda i, h: (4 * (i * h + h * h + h), 2 * h * (i + h + 1)),
        "bias once": lambda i, h: (4 * (i * h + h * h + h), 4 * h * (i + h) + h),
    },
    cites="Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9 (1997); with forget gate",
)
def lstm_parameters(i: Positive, h: Positive):
    "Four gates, each a linear layer of the input and of the state with a bias."
    return 4 * (i * h + h * h + h), 4 * h * (i + h + 1)


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "counted at each use": lambda v, d, r: (v * d + r + v * d, v * d + r),
        "not counted": lambda v, d, r: (r, v * d + r),
    },
    cites="Press and Wolf, Using the output embedding, arXiv 1608.05859 (2016)",
)
def tied_embedding_counts_once(v: Positive, d: Positive, r: Natural):
    "Inclusion and exclusion: two tables that are the same one have the parameters of their union."
    return (v * d + r) + v * d - v * d, v * d + r


@law(
    routes="ring z3 cvc5 coq",
    mutants={
        "joint counted once less": lambda e, f, v, w, n: (
            (e + f) - (v + w - n) + 1,
            (e - v + 1) + (f - w + 1) + n,
        ),
        "joint not counted": lambda e, f, v, w, n: ((e + f) - (v + w) + 1, (e - v + 1) + (f - w + 1) + n - 1),
    },
    cites="folklore: the Euler characteristic of a graph",
)
def betti_number_of_glued_networks(e: Natural, f: Natural, v: Natural, w: Natural, n: Natural):
    "Two connected networks glued along a layer of n neurons gain ``n - 1`` independent cycles."
    return (e + f) - (v + w - n) + 1, (e - v + 1) + (f - w + 1) + n - 1
