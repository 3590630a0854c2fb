"""Sizes of convolutions, poolings and transposed convolutions.

Written out of an input of size ``n`` with padding ``p`` on both sides, kernel ``k``, dilation ``d`` and stride ``s``.
"""

from __future__ import annotations

from typing import Any

from ..law import law, weakened
from ..statements.term import Natural, Positive, Term, ceil_div, eq, ite, max_, min_

_ARITHMETIC = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv 1603.07285 (2016)"
_TENSORFLOW = "TensorFlow, documentation of tf.nn.convolution, padding='SAME'"
_PYTORCH_POOL = "PyTorch, documentation of torch.nn.MaxPool2d, ceil_mode"
_PYTORCH_TRANSPOSED = "PyTorch, documentation of torch.nn.ConvTranspose2d"
_FOLKLORE = "folklore"


def extent(k: Any, d: Any = 1) -> Any:
    """How many inputs a kernel reaches over, dilated by d."""
    return k if isinstance(d, int) and d == 1 else d * (k - 1) + 1


def size(n: Any, k: Any, s: Any = 1, p: Any = 0, d: Any = 1) -> Term:
    """The published output size of a convolution."""
    padded = n if isinstance(p, int) and p == 0 else n + 2 * p
    return (padded - extent(k, d)) // s + 1


def transposed(m: Any, k: Any, s: Any, p: Any, d: Any = 1, extra: Any = 0) -> Term:
    """The published output size of a transposed convolution."""
    padded = (m - 1) * s if isinstance(p, int) and p == 0 else (m - 1) * s - 2 * p
    return padded + extent(k, d) + extra


@law(
    routes="ring galois z3 coq",
    mutants={
        "one less": lambda n, k, s, p, d: (size(n, k, s, p, d), (n + (2 * p - d * (k - 1) - 1)) // s),
        "kernel not dilated": lambda n, k, s, p, d: (size(n, k, s, p, d), (n + (2 * p - k + s)) // s),
        "padding on one side": lambda n, k, s, p, d: (size(n, k, s, p, d), (n + (p - d * (k - 1) - 1 + s)) // s),
    },
    coq="match goal with |- ?x / s + 1 = ?y / s =>"
    " replace y with (x + 1 * s) by ring; rewrite Z.div_add by lia; ring end.",
    cites=_ARITHMETIC,
)
def conv_size_is_floor_affine(n: Positive, k: Positive, s: Positive, p: Natural, d: Positive):
    "A convolution's output size is a floor-affine map of its input size, with offset ``2p - d(k-1) - 1 + s``."
    return size(n, k, s, p, d), (n + (2 * p - d * (k - 1) - 1 + s)) // s


@law(
    routes="galois z3 coq",
    mutants={
        "kernels added": lambda n, k, s, j, t: (size(size(n, k, s), j, t), size(n, k + j - 1, s * t)),
        "second kernel not spread": lambda n, k, s, j, t: (size(size(n, k, s), j, t), size(n, k + (j - 1) * t, s * t)),
        "strides added": lambda n, k, s, j, t: (size(size(n, k, s), j, t), size(n, k + (j - 1) * s, s + t)),
    },
    coq="rewrite <- (Z.div_div _ s t) by lia;"
    " match goal with |- (?x / s + 1 + _) / t + 1 = ?y / s / t + 1 =>"
    " replace y with (x + (- (j - 1)) * s) by ring; rewrite Z.div_add by lia; do 2 f_equal; ring end.",
    cites=_FOLKLORE,
)
def conv_after_conv_size(n: Positive, k: Positive, s: Positive, j: Positive, t: Positive):
    "Two convolutions in series have the output size of one, whose kernel is the receptive field ``k + (j-1)s``."
    return size(size(n, k, s), j, t), size(n, k + (j - 1) * s, s * t)


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "padding one short": lambda n, p: (size(n, 2 * p + 1, p=p - 1), n),
        "even kernel": lambda n, p: (size(n, 2 * p, p=p), n),
        "padding the kernel": lambda n, p: (size(n, 2 * p + 1, p=2 * p + 1), n),
    },
    cites=_ARITHMETIC,
)
def conv_same_of_odd_kernel(n: Positive, p: Natural):
    "Stride one and half of an odd kernel as padding keep the size."
    return size(n, 2 * p + 1, p=p), n


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "padding not dilated": lambda n, p, d: (size(n, 2 * p + 1, p=p, d=d), n),
        "padding dilated by one more": lambda n, p, d: (size(n, 2 * p + 1, p=(d + 1) * p, d=d), n),
    },
    cites=_ARITHMETIC,
)
def conv_same_of_dilated_kernel(n: Positive, p: Natural, d: Positive):
    "The same for a dilated kernel, with the padding dilated too."
    return size(n, 2 * p + 1, p=d * p, d=d), n


@law(
    routes="ring z3 cvc5 coq",
    given=lambda k, p: [eq(k, 2 * p + 1)],
    mutants={
        "any kernel": weakened(),
        "even kernel": weakened(given=lambda k, p: [eq(k, 2 * p)]),
        "kernel one larger": weakened(given=lambda k, p: [eq(k, 2 * p + 2)]),
    },
    cites=_ARITHMETIC,
)
def conv_same_under_hypothesis(n: Positive, k: Positive, p: Natural):
    "The same, with the kernel given by a hypothesis, as a user states it."
    return size(n, k, p=p), n


@law(
    routes="galois z3 coq",
    mutants={
        "rounded down": lambda n, p, s: (size(n, 2 * p + 1, s, p), n // s),
        "no padding": lambda n, p, s: (size(n, 2 * p + 1, s), ceil_div(n, s)),
    },
    cites=_ARITHMETIC,
)
def conv_half_padded_size(n: Positive, p: Natural, s: Positive):
    "An odd kernel with half of it as padding has output size ``ceil(n/s)`` at every stride."
    return size(n, 2 * p + 1, s, p), ceil_div(n, s)


def same_padding(n: Any, k: Any, s: Any) -> Term:
    """The padding, both sides together, that TensorFlow gives for 'SAME'."""
    return max_((ceil_div(n, s) - 1) * s + k - n, 0)


@law(
    routes="z3 coq",
    mutants={
        "padding that may be negative and rounds": lambda n, k, s: (
            (n + max_((n // s - 1) * s + k - n, 0) - k) // s + 1,
            ceil_div(n, s),
        ),
        "rounded down": lambda n, k, s: ((n + same_padding(n, k, s) - k) // s + 1, n // s),
        "padding one less": lambda n, k, s: ((n + same_padding(n, k, s) - 1 - k) // s + 1, ceil_div(n, s)),
    },
    cites=_TENSORFLOW,
)
def conv_same_tensorflow_size(n: Positive, k: Positive, s: Positive):
    "With the padding that TensorFlow computes the output size is ``ceil(n/s)`` for every kernel and stride."
    return (n + same_padding(n, k, s) - k) // s + 1, ceil_div(n, s)


@law(
    routes="galois z3 cvc5 coq",
    mutants={
        "kernel itself": lambda n, k: ((n + max_((ceil_div(n, 1) - 1) * 1 + k - n, 0)), n + k),
        "never": lambda n, k: ((n + max_((ceil_div(n, 1) - 1) * 1 + k - n, 0)), n),
    },
    cites=_TENSORFLOW,
)
def conv_same_tensorflow_stride_one_padding(n: Positive, k: Positive):
    "At stride one TensorFlow's 'SAME' pads by ``k - 1`` altogether."
    return n + same_padding(n, k, 1), n + (k - 1)


@law(
    routes="galois z3 cvc5 coq",
    relation="iff",
    mutants={
        "padding on one side": lambda n, k, s, p, d: (size(n, k, s, p, d) >= 1, d * (k - 1) + 1 <= n + p),
        "kernel not dilated": lambda n, k, s, p, d: (size(n, k, s, p, d) >= 1, k <= n + 2 * p),
        "strictly": lambda n, k, s, p, d: (size(n, k, s, p, d) >= 1, d * (k - 1) + 1 < n + 2 * p),
    },
    cites=_ARITHMETIC,
)
def conv_size_positive_iff_kernel_fits(n: Positive, k: Positive, s: Positive, p: Natural, d: Positive):
    "There is an output exactly where the dilated kernel is no longer than the padded input: a convolution's domain."
    return size(n, k, s, p, d) >= 1, d * (k - 1) + 1 <= n + 2 * p


@law(
    routes="galois z3 cvc5 coq",
    relation="iff",
    mutants={
        "address one further": lambda n, k, s, d, i: (i < size(n, k, s, 0, d), s * i + d * (k - 1) <= n),
        "kernel not dilated": lambda n, k, s, d, i: (i < size(n, k, s, 0, d), s * i + k - 1 < n),
    },
    cites=_FOLKLORE,
)
def conv_place_fits_iff_below_size(n: Positive, k: Positive, s: Positive, d: Positive, i: Natural):
    "The last address ``s i + d (k-1)`` of place i lies inside the input exactly for i below the output size."
    return i < size(n, k, s, 0, d), s * i + d * (k - 1) < n


@law(
    routes="galois z3 coq",
    relation="<=",
    given=lambda k, n, p: [k <= n + 2 * p],
    mutants={
        "strictly": lambda n, k, s, p: (size(n, k, s + 1, p) + 1, size(n, k, s, p)),
        "without room for the kernel": weakened(),
    },
    cites=_FOLKLORE,
)
def conv_size_falls_with_stride(n: Positive, k: Positive, s: Positive, p: Natural):
    "A larger stride never gives a larger output, once the kernel fits."
    return size(n, k, s + 1, p), size(n, k, s, p)


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "overlapping windows": lambda q, k: (size(q * k, k + 1, k), q),
        "stride one": lambda q, k: (size(q * k, k, 1), q),
    },
    cites=_ARITHMETIC,
)
def pool_disjoint_windows(q: Positive, k: Positive):
    "Windows that meet edge to edge divide the size."
    return size(q * k, k, k), q


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "one more place": lambda n, s: (size(n, n, s), 2),
        "kernel one shorter": lambda n, s: (size(n, n - 1, s), 1),
    },
    cites=_FOLKLORE,
)
def pool_global_size(n: Positive, s: Positive):
    "A kernel as large as its input has one place, whatever the stride."
    return size(n, n, s), 1


def pool_ceil(n: Any, k: Any, s: Any, p: Any) -> Term:
    """Output size of a pooling that rounds up, before windows that start outside are dropped."""
    return ceil_div(n + 2 * p - k, s) + 1


@law(
    routes="galois z3 coq",
    relation="<=",
    mutants={
        "the other way round": lambda n, k, s, p: (pool_ceil(n, k, s, p), size(n, k, s, p)),
        "strictly": lambda n, k, s, p: (size(n, k, s, p) + 1, pool_ceil(n, k, s, p)),
    },
    cites=_PYTORCH_POOL,
)
def pool_ceil_mode_at_least_floor_mode(n: Positive, k: Positive, s: Positive, p: Natural):
    "Rounding up never loses a window."
    return size(n, k, s, p), pool_ceil(n, k, s, p)


@law(
    routes="galois z3 coq",
    relation="<=",
    mutants={
        "none more": lambda n, k, s, p: (pool_ceil(n, k, s, p), size(n, k, s, p)),
        "always one more": lambda n, k, s, p: (size(n, k, s, p) + 1, pool_ceil(n, k, s, p)),
    },
    cites=_PYTORCH_POOL,
)
def pool_ceil_mode_at_most_one_more(n: Positive, k: Positive, s: Positive, p: Natural):
    "Rounding up gains at most one window."
    return pool_ceil(n, k, s, p), size(n, k, s, p) + 1


@law(
    routes="ring z3 coq",
    given=lambda n, k, s, p, q: [eq(n, q * s + k - 2 * p)],
    mutants={
        "any input": weakened(),
        "one column more": weakened(given=lambda n, k, s, p, q: [eq(n, q * s + k - 2 * p + 1)]),
    },
    coq="match goal with |- - (- ?u / s) + 1 = ?v / s + 1 => replace (- u) with ((- q) * s) by ring;"
    " replace v with (q * s) by ring end; rewrite !Z.div_mul by lia; ring.",
    cites=_PYTORCH_POOL,
)
def pool_ceil_mode_eq_floor_mode_when_exact(n: Positive, k: Positive, s: Positive, p: Natural, q: Natural):
    "Both roundings agree where the windows cover the padded input exactly."
    return pool_ceil(n, k, s, p), size(n, k, s, p)


@law(
    routes="z3 coq",
    given=lambda n, k, p: [2 * p <= k, k <= n + 2 * p],
    mutants={
        "windows may start in the right padding": lambda n, k, s, p: (
            pool_ceil(n, k, s, p),
            min_(pool_ceil(n, k, s, p), (n + p - 1) // s + 1),
        ),
        "any padding": weakened(),
    },
    cites=_PYTORCH_POOL,
)
def pool_ceil_mode_drop_eq_min(n: Positive, k: Positive, s: Positive, p: Natural):
    "Dropping a last window that would start beyond the input is a minimum, while the padding is at most half a kernel."
    o = pool_ceil(n, k, s, p)
    return ite((o - 1) * s >= n + p, o - 1, o), min_(o, (n + p - 1) // s + 1)


@law(
    routes="galois z3 coq",
    given=lambda s, e: [e < s],
    mutants={
        "any extra size": weakened(),
        "extra size up to the stride": weakened(given=lambda s, e: [e <= s]),
        "padding forgotten": lambda m, k, s, p, d, e: (size(transposed(m, k, s, p, d, e), k, s, 0, d), m),
    },
    cites=_PYTORCH_TRANSPOSED,
)
def conv_inverts_transposed_size(m: Positive, k: Positive, s: Positive, p: Natural, d: Positive, e: Natural):
    "A convolution takes the size of its transposed one back, for every output padding below the stride."
    return size(transposed(m, k, s, p, d, e), k, s, p, d), m


@law(
    routes="ring z3 coq",
    mutants={
        "no output padding": lambda n, k, s, p: (transposed(size(n, k, s, p), k, s, p), n),
        "output padding of the input": lambda n, k, s, p: (transposed(size(n, k, s, p), k, s, p, extra=n % s), n),
    },
    coq="pose proof (Z.div_mod (n + 2 * p - k) s ltac:(lia));"
    " match goal with |- context [?u / s] => replace u with (n + 2 * p - k) by ring end;"
    " match goal with |- context [?u mod s] => replace u with (n + 2 * p - k) by ring end; lia.",
    cites=_PYTORCH_TRANSPOSED,
)
def transposed_inverts_conv_size(n: Positive, k: Positive, s: Positive, p: Natural):
    "A transposed convolution takes a convolution's size back when its output padding is what the stride left over."
    return transposed(size(n, k, s, p), k, s, p, extra=(n + 2 * p - k) % s), n


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "kernel longer than the stride": lambda n, s: (transposed(n, s + 1, s, 0), n * s),
        "stride one": lambda n, s: (transposed(n, s, 1, 0), n * s),
    },
    cites=_ARITHMETIC,
)
def transposed_multiplies_size(n: Positive, s: Positive):
    "A transposed convolution with kernel and stride alike multiplies the size."
    return transposed(n, s, s, 0), n * s


@law(
    routes="ring z3 cvc5 coq",
    given=lambda k, q: [eq(k, 2 * q)],
    mutants={
        "odd kernel": weakened(given=lambda k, q: [eq(k, 2 * q + 1)]),
        "padding on both sides": lambda n, k, q: (n + q + q - k + 1, n),
    },
    cites=_FOLKLORE,
)
def conv_even_kernel_needs_uneven_padding(n: Positive, k: Positive, q: Positive):
    "An even kernel keeps the size with half of it on one side and one less on the other."
    return n + q + (q - 1) - k + 1, n


@law(
    routes="ring galois z3 cvc5 coq",
    mutants={
        "padding on both sides": lambda n, k, d: (n + 2 * (d * (k - 1)) - (d * (k - 1) + 1) + 1, n),
        "padding by the kernel": lambda n, k, d: (n + d * k - (d * (k - 1) + 1) + 1, n),
    },
    cites="van den Oord et al., WaveNet, arXiv 1609.03499 (2016)",
)
def conv_causal_keeps_size(n: Positive, k: Positive, d: Positive):
    "Padding ``d (k-1)`` in front alone keeps the size of a dilated causal convolution."
    return (n + d * (k - 1) - (d * (k - 1) + 1)) // 1 + 1, n


@law(
    routes="galois z3 coq",
    mutants={
        "stride one": lambda n, k, s, p: ((size(n, k, 1, p) - 1) // (s + 1) + 1, size(n, k, s, p)),
        "no last place": lambda n, k, s, p: (size(n, k, 1, p) // s, size(n, k, s, p)),
    },
    cites=_FOLKLORE,
)
def conv_stride_eq_every_sth_place(n: Positive, k: Positive, s: Positive, p: Natural):
    "A strided convolution keeps every s-th place of the one with stride one."
    return (size(n, k, 1, p) - 1) // s + 1, size(n, k, s, p)


@law(
    routes="ring z3 cvc5 coq",
    coq="rewrite <- (Z.mul_assoc c r r), Z.div_mul by nia; ring.",
    mutants={
        "one factor": lambda c, r, n: (((c * r) // r) * (n * r), c * n),
        "size kept": lambda c, r, n: (((c * r * r) // (r * r)) * (n * n), c * r * r * (n * n)),
    },
    cites="Shi et al., Real-time single image and video super-resolution, arXiv 1609.05158 (2016)",
)
def pixel_shuffle_keeps_elements(c: Positive, r: Positive, n: Positive):
    "Moving ``r^2`` channels into space keeps the number of elements."
    return ((c * r * r) // (r * r)) * (n * r) * (n * r), c * r * r * (n * n)
