"""Two ways of writing one layer: the formulas are the same in normal form at symbolic sizes, and the functions on the same weights.

>>> from layeralgebra import proofs
>>> from layeralgebra.proofs.samples.structural import try_law
>>> print(try_law(proofs.named("layers_conv_of_kernel_eq_input_eq_linear"), examples=3))
held on 3 samples, 2 formulas proved in normal form
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy
from sympy import Tuple

from ...algebra.derivations.metric import METRICS
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network
from ...algebra.numerics.run import run as compute
from ...algebra.numerics.run import weights as drawn
from ...algebra.sizes.dims import dims
from ...layers import REGISTRY
from ..samples.structural import structural, witness
from ..verdict import Witness


def sizes(**ranges: tuple[int, int]) -> Callable[[], Any]:
    """Named sizes, each in its range."""

    def samples() -> Any:
        from hypothesis import strategies as st

        return st.fixed_dictionaries({name: st.integers(*ends) for name, ends in ranges.items()})

    return samples


def layer(name: str, *args: Any, **fields: Any) -> Network:
    """A layer of the library."""
    return REGISTRY[name](*args, **fields)


def same_metrics(
    left: Network, left_on: Any, right: Network, right_on: Any, names: Sequence[str] = ("parameters", "macs")
) -> Iterator[tuple[str, Any, Any]]:
    """Metrics of both ways of writing."""
    for name in names:
        yield name, METRICS[name](left, on=left_on), METRICS[name](right, on=right_on)


def numbers(*shape: int, seed: int = 0) -> Any:
    """Small integers, so that both sides are computed exactly."""
    return numpy.random.default_rng(seed).integers(-4, 5, shape)


def run(net: Network, x: Any, **weights: Any) -> Any:
    """The layer's output, read from its equation."""
    # Equations may have an axis more for groups; the elements and their order are the same.
    shapes = {name: array.shape for name, array in drawn(net, on=x.shape).items()}
    return compute(net, x, {name: array.reshape(shapes.get(name, array.shape)) for name, array in weights.items()})


def equal(n: dict[str, int], left: Any, right: Any) -> Witness | None:
    """Two arrays with the same elements."""
    if left.shape == right.shape and (left == right).all():
        return None
    return witness(n, "=", left.tolist(), right.tolist())


def _conv_linear_formulas() -> list:
    c, o, k = dims("c o k")
    conv = layer("Conv", o, k)
    return list(same_metrics(conv, (c, k, k), layer("Linear", o), (c * k * k,)))


def _conv_linear(n: dict[str, int], order: tuple[int, ...] = (0, 1, 2, 3)) -> Witness | None:
    c, o, k = n["c"], n["o"], n["k"]
    x, w, b = numbers(c, k, k), numbers(o, c, k, k, seed=1), numbers(o, seed=2)
    flat = w.transpose(order).reshape(o, -1)
    return equal(n, run(layer("Conv", o, k), x, W=w, b=b).ravel(), run(layer("Linear", o), x.ravel(), W=flat, b=b))


@structural(
    sizes(c=(1, 3), o=(1, 3), k=(1, 4)), rests_on="conv_eq_linear_of_kernel_eq_input", formulas=_conv_linear_formulas,
    mutants={
        "axes exchanged": lambda n: _conv_linear(n, (0, 1, 3, 2)),
        "channels last": lambda n: _conv_linear(n, (0, 2, 3, 1)),
    },
)  # fmt: skip
def layers_conv_of_kernel_eq_input_eq_linear(n: dict[str, int]) -> Witness | None:
    """A convolution whose kernel is as large as its input is a linear layer on the flattened input."""
    return _conv_linear(n)


def _pointwise_formulas() -> list:
    c, o, n = dims("c o n")
    return list(same_metrics(layer("Conv", o, 1), (c, n), layer("Linear", o), (n, c)))


def _pointwise(n: dict[str, int], moved: bool = True, columns: bool = False) -> Witness | None:
    x, w, b = numbers(n["c"], n["n"]), numbers(n["o"], n["c"], seed=1), numbers(n["o"], seed=2)
    kernel = w.reshape(n["c"], n["o"]).T if columns else w
    conv = run(layer("Conv", n["o"], 1), x, W=kernel.reshape(n["o"], n["c"], 1), b=b)
    linear = run(layer("Linear", n["o"]), x.T, W=w, b=b)
    return equal(n, conv, linear.T if moved else linear)


@structural(
    sizes(c=(1, 4), o=(1, 4), n=(1, 4)), rests_on="conv_1x1_eq_pointwise_linear", formulas=_pointwise_formulas,
    mutants={
        "channels not moved": lambda n: _pointwise(n, False),
        "weights by columns": lambda n: _pointwise(n, columns=True),
    },
)  # fmt: skip
def layers_conv_one_eq_pointwise_linear(n: dict[str, int]) -> Witness | None:
    """A convolution with kernel 1 is a linear layer at every position, channels last."""
    return _pointwise(n)


def _depthwise_formulas() -> list:
    c, k, n = dims("c k n")
    grouped = METRICS["parameters"](layer("Conv", c, k, groups=c, bias=False), on=(c, n + k))
    work = METRICS["macs"](layer("Conv", c, k, groups=c, bias=False), on=(c, n + k))
    return [("parameters", grouped, c * k), ("macs", work, c * k * (n + 1))]


def _depthwise(n: dict[str, int], change: Callable[[Any], Any] = lambda w: w) -> Witness | None:
    c, k = n["c"], n["k"]
    x, w = numbers(c, k + 2), numbers(c, 1, k, seed=1)
    whole, w = run(layer("Conv", c, k, groups=c, bias=False), x, W=w), change(w)
    apart = [run(layer("Conv", 1, k, bias=False), x[i : i + 1], W=w[i : i + 1]) for i in range(c)]

    return equal(n, whole, numpy.concatenate(apart))


@structural(
    sizes(c=(1, 4), k=(1, 3)), rests_on="depthwise_eq_groups_eq_channels", formulas=_depthwise_formulas,
    mutants={
        "one kernel for all": lambda n: _depthwise(n, lambda w: w[:1].repeat(n["c"], axis=0)),
        "kernels turned round": lambda n: _depthwise(n, lambda w: w[:, :, ::-1]),
    },
)  # fmt: skip
def layers_depthwise_eq_groups_eq_channels(n: dict[str, int]) -> Witness | None:
    """As many groups as channels: every channel is convolved alone."""
    return _depthwise(n)


def _rank_formulas() -> list:
    a, r, b = dims("a r b")
    two = layer("Linear", r, bias=False) >> layer("Linear", b, bias=False)
    return [
        ("parameters", METRICS["parameters"](two, on=(a,)), r * (a + b)),
        ("macs", METRICS["macs"](two, on=(a,)), r * (a + b)),
    ]


def _rank(n: dict[str, int], most: int = 0, between: Network | None = None) -> Witness | None:
    x, first, second = numbers(n["a"]), numbers(n["r"], n["a"], seed=1), numbers(n["b"], n["r"], seed=2)
    down, up = layer("Linear", n["r"], bias=False), layer("Linear", n["b"], bias=False)
    two, last = (down >> up, 1) if between is None else (down >> between >> up, 2)
    product = second @ first
    rank = int(numpy.linalg.matrix_rank(product))
    if rank > n["r"] + most:
        return witness(n, "<=", rank, n["r"] + most)
    return equal(n, run(two, x, **{"0.W": first, f"{last}.W": second}), run(up, x, W=product))


@structural(
    sizes(a=(1, 4), r=(1, 3), b=(1, 4)), rests_on="two_linear_layers_eq_one_of_rank", formulas=_rank_formulas,
    mutants={
        "a rank less": lambda n: _rank(n, most=-1),
        "a function between": lambda n: _rank(n, between=layer("ReLU")),
    },
)  # fmt: skip
def layers_two_linear_eq_one_of_rank(n: dict[str, int]) -> Witness | None:
    """Two linear layers are one whose matrix is the product, of a rank no larger than the width between them."""
    return _rank(n)


def _average(n: dict[str, int], parts: int = 0) -> Witness | None:
    from fractions import Fraction

    c, k = n["c"], n["k"]
    x = numbers(c, k * n["n"])
    w = numpy.full((c, 1, k), Fraction(1, parts or k), dtype=object)
    return equal(n, run(layer("AvgPool", k), x), run(layer("Conv", c, k, stride=k, groups=c, bias=False), x, W=w))


@structural(
    sizes(c=(1, 3), k=(1, 3), n=(1, 3)),
    mutants={"sums": lambda n: _average(n, 1), "one more in the denominator": lambda n: _average(n, n["k"] + 1)},
)
def layers_average_pooling_eq_depthwise_conv(n: dict[str, int]) -> Witness | None:
    """Average pooling is a depthwise convolution with equal weights that sum to one."""
    return _average(n)


def _pool_formulas() -> list:
    n, a, b = dims("n a b")
    two = layer("MaxPool", a) >> layer("MaxPool", b)
    return list(same_metrics(two, (1, a * b * n), layer("MaxPool", a * b), (1, a * b * n), ["output_shape"]))


def _pools(n: dict[str, int], window: int = 0) -> Witness | None:
    # As many positions more as no window of a mutant exceeds.
    x = numbers(2, n["a"] * n["b"] * (n["n"] + (2 if window else 0)) + n["rest"])
    two = layer("MaxPool", n["a"]) >> layer("MaxPool", n["b"])
    return equal(n, run(two, x), run(layer("MaxPool", window or n["a"] * n["b"]), x))


@structural(
    sizes(a=(1, 3), b=(1, 3), n=(1, 3), rest=(0, 2)), rests_on="nested_floor", formulas=_pool_formulas,
    mutants={
        "windows added": lambda n: _pools(n, n["a"] + n["b"]),
        "one more": lambda n: _pools(n, n["a"] * n["b"] + 1),
    },
)  # fmt: skip
def layers_two_max_pools_eq_one(n: dict[str, int]) -> Witness | None:
    """Pooling by a and then by b is pooling by ab, whatever is left over at the end."""
    return _pools(n)


def _stride(n: dict[str, int], offset: int = 0, apart: int = 0) -> Witness | None:
    x, w = numbers(2, n["k"] + n["n"]), numbers(1, 2, n["k"], seed=1)
    dense = run(layer("Conv", 1, n["k"], bias=False), x, W=w)
    strided = run(layer("Conv", 1, n["k"], stride=n["s"], bias=False), x, W=w)
    return equal(n, strided, dense[:, offset :: apart or n["s"]])


@structural(
    sizes(k=(1, 3), s=(1, 3), n=(0, 5)), rests_on="conv_stride_eq_every_sth_place",
    mutants={"shifted": lambda n: _stride(n, 1), "one step more": lambda n: _stride(n, apart=n["s"] + 1)},
)  # fmt: skip
def layers_stride_eq_every_sth_position(n: dict[str, int]) -> Witness | None:
    """A stride keeps every s-th position of the convolution without it."""
    return _stride(n)


def _transposed_formulas() -> list:
    n, k, s = dims("n k s")
    there = layer("ConvTranspose", 1, k, stride=s) >> layer("Conv", 1, k, stride=s)
    return [("output shape", METRICS["output_shape"](there, on=(1, n))[1], n)]


def _transposed(n: dict[str, int], backwards: bool = False, stride: int = 0) -> Witness | None:
    x, w = numbers(1, n["n"]), numbers(1, 1, n["k"], seed=1)
    up = layer("ConvTranspose", 1, n["k"], stride=n["s"], bias=False)
    down = layer("Conv", 1, n["k"], stride=stride or n["s"], bias=False)
    spread = run(up, x, W=w)
    y = numbers(*spread.shape, seed=2)
    back = run(down, y, W=w[:, :, ::-1] if backwards else w)[:, : n["n"]]
    left, right = int((spread * y).sum()), int((x * back).sum())
    return None if left == right else witness(n, "=", left, right)


@structural(
    sizes(n=(1, 4), k=(1, 3), s=(1, 3)), rests_on="conv_inverts_transposed_size", formulas=_transposed_formulas,
    mutants={
        "kernel turned round": lambda n: _transposed(n, backwards=True),
        "without the stride": lambda n: _transposed(n, stride=1),
    },
)  # fmt: skip
def layers_transposed_conv_is_adjoint(n: dict[str, int]) -> Witness | None:
    """A transposed convolution is the adjoint of the convolution with its kernel: inner products agree; sizes are inverted."""
    return _transposed(n)


def with_claims() -> Any:
    """Every layer that claims something."""
    from hypothesis import strategies as st

    return st.sampled_from(sorted((kind for kind in REGISTRY.values() if kind.claims), key=lambda kind: kind.__name__))


def _published(
    kind: type[Layer], change: Callable[[Callable, tuple], Any] = lambda claim, shapes: claim(*shapes)
) -> Witness | None:
    """The layer's claims against what is derived; with a change, each claim is read in another way."""
    from ..checks.layer import LayerCheck  # needs hypothesis

    checked = LayerCheck(kind, None, examples=4, latex=False, laws=["claim_*"])
    checked.claims = {
        name: lambda layer, *shapes, claim=claim: change(partial(claim, layer), shapes)
        for name, claim in kind.claims.items()
    }
    for result in checked.results():
        if result.refuted:
            return result.verdict.witness  # type: ignore[union-attr]
    return None


def _one_more(claim: Callable, shapes: tuple) -> Any:
    """Every formula by one too large."""
    said = claim(*shapes)
    if hasattr(said, "size") and hasattr(said, "jump"):
        said = said.size
    return tuple(part + 1 for part in said) if isinstance(said, (tuple, list, Tuple)) else said + 1


def _one_channel_more(claim: Callable, shapes: tuple) -> Any:
    """Formulas of an input that has one more along its first axis."""
    return claim(*((shape[0] + 1, *shape[1:]) for shape in shapes))


@structural(
    with_claims,
    cites="the layers' own claims, which come from their papers",
    mutants={
        "one more": lambda kind: _published(kind, _one_more),
        "one channel more": lambda kind: _published(kind, _one_channel_more),
    },
)
def derived_eq_published(kind: type) -> Witness | None:
    """What is derived from an equation is the formula that its paper publishes, for every layer that claims one."""
    return _published(kind)
