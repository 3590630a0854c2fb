"""Two ways of writing one layer: the formulas are the same in normal form at symbolic sizes, and the functions on the same weights.

>>> from layeralgebra import proofs
>>> from layeralgebra.proofs.structural import try_law
>>> print(try_law(proofs.named("layers_conv_of_kernel_eq_input_eq_linear"), examples=3))
held on 3 samples, 2 formulas proved in normal form
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...algebra.dims import dims
from ...algebra.metric import METRICS
from ...algebra.network import Network
from ...layers import REGISTRY
from ..structural import structural, witness
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
    import numpy

    return numpy.random.default_rng(seed).integers(-4, 5, shape)


def run(net: Network, x: Any, **weights: Any) -> Any:
    """The layer's output, read from its equation."""
    from ...algebra.run import run as compute
    from ...algebra.run import weights as drawn

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


def _conv_linear(n: dict[str, int], transposed: bool = False) -> Witness | None:
    c, o, k = n["c"], n["o"], n["k"]
    x, w, b = numbers(c, k, k), numbers(o, c, k, k, seed=1), numbers(o, seed=2)
    flat = (w.transpose(0, 1, 3, 2) if transposed else w).reshape(o, -1)
    return equal(n, run(layer("Conv", o, k), x, W=w, b=b).ravel(), run(layer("Linear", o), x.ravel(), W=flat, b=b))


@structural(
    sizes(c=(1, 3), o=(1, 3), k=(1, 4)), rests_on="conv_eq_linear_of_kernel_eq_input", formulas=_conv_linear_formulas,
    mutants={"axes exchanged": lambda n: _conv_linear(n, True)},
)  # fmt: skip
def layers_conv_of_kernel_eq_input_eq_linear(n: dict[str, int]) -> Witness | None:
    """A convolution whose kernel is as large as its input is a linear layer on the flattened input."""
    return _conv_linear(n)


def _pointwise_formulas() -> list:
    c, o, n = dims("c o n")
    return list(same_metrics(layer("Conv", o, 1), (c, n), layer("Linear", o), (n, c)))


def _pointwise(n: dict[str, int], moved: bool = True) -> Witness | None:
    x, w, b = numbers(n["c"], n["n"]), numbers(n["o"], n["c"], seed=1), numbers(n["o"], seed=2)
    conv = run(layer("Conv", n["o"], 1), x, W=w.reshape(n["o"], n["c"], 1), b=b)
    linear = run(layer("Linear", n["o"]), x.T, W=w, b=b)
    return equal(n, conv, linear.T if moved else linear)


@structural(
    sizes(c=(1, 4), o=(1, 4), n=(1, 4)), rests_on="conv_1x1_eq_pointwise_linear", formulas=_pointwise_formulas,
    mutants={"channels not moved": lambda n: _pointwise(n, False)},
)  # fmt: skip
def layers_conv_one_eq_pointwise_linear(n: dict[str, int]) -> Witness | None:
    """A convolution with kernel 1 is a linear layer at every position, channels last."""
    return _pointwise(n)


def _depthwise_formulas() -> list:
    c, k, n = dims("c k n")
    grouped = METRICS["parameters"](layer("Conv", c, k, groups=c, bias=False), on=(c, n + k))
    work = METRICS["macs"](layer("Conv", c, k, groups=c, bias=False), on=(c, n + k))
    return [("parameters", grouped, c * k), ("macs", work, c * k * (n + 1))]


def _depthwise(n: dict[str, int], groups: int | None = None) -> Witness | None:
    c, k = n["c"], n["k"]
    x, w = numbers(c, k + 2), numbers(c, 1, k, seed=1)
    whole = run(layer("Conv", c, k, groups=c, bias=False), x, W=w)
    if groups is not None:  # all channels with the first one's kernel
        w = w[:1].repeat(c, axis=0)
    apart = [run(layer("Conv", 1, k, bias=False), x[i : i + 1], W=w[i : i + 1]) for i in range(c)]
    import numpy

    return equal(n, whole, numpy.concatenate(apart))


@structural(
    sizes(c=(1, 4), k=(1, 3)), rests_on="depthwise_eq_groups_eq_channels", formulas=_depthwise_formulas,
    mutants={"one kernel for all": lambda n: _depthwise(n, 1)},
)  # fmt: skip
def layers_depthwise_eq_groups_eq_channels(n: dict[str, int]) -> Witness | None:
    """As many groups as channels: every channel is convolved alone."""
    return _depthwise(n)


def _rank_formulas() -> list:
    a, r, b = dims("a r b")
    two = layer("Linear", r, bias=False) >> layer("Linear", b, bias=False)
    return [("parameters", METRICS["parameters"](two, on=(a,)), r * (a + b)), ("macs", METRICS["macs"](two, on=(a,)), r * (a + b))]


def _rank(n: dict[str, int], swapped: bool = False) -> Witness | None:
    import numpy

    x, first, second = numbers(n["a"]), numbers(n["r"], n["a"], seed=1), numbers(n["b"], n["r"], seed=2)
    two = layer("Linear", n["r"], bias=False) >> layer("Linear", n["b"], bias=False)
    one = layer("Linear", n["b"], bias=False)
    product = second @ (first * (2 if swapped else 1))
    if numpy.linalg.matrix_rank(product) > n["r"]:
        return witness(n, "<=", int(numpy.linalg.matrix_rank(product)), n["r"])
    return equal(n, run(two, x, **{"0.W": first, "1.W": second}), run(one, x, W=product))


@structural(
    sizes(a=(1, 4), r=(1, 3), b=(1, 4)), rests_on="two_linear_layers_eq_one_of_rank", formulas=_rank_formulas,
    mutants={"a factor": lambda n: _rank(n, True)},
)  # fmt: skip
def layers_two_linear_eq_one_of_rank(n: dict[str, int]) -> Witness | None:
    """Two linear layers are one whose matrix is the product, of a rank no larger than the width between them."""
    return _rank(n)


def _average(n: dict[str, int], factor: int = 1) -> Witness | None:
    from fractions import Fraction

    import numpy

    c, k = n["c"], n["k"]
    x = numbers(c, k * n["n"])
    w = numpy.full((c, 1, k), Fraction(factor, k), dtype=object)
    return equal(n, run(layer("AvgPool", k), x), run(layer("Conv", c, k, stride=k, groups=c, bias=False), x, W=w))


@structural(sizes(c=(1, 3), k=(1, 3), n=(1, 3)), mutants={"sums": lambda n: _average(n, n["k"] + 1)})
def layers_average_pooling_eq_depthwise_conv(n: dict[str, int]) -> Witness | None:
    """Average pooling is a depthwise convolution with equal weights that sum to one."""
    return _average(n)


def _pool_formulas() -> list:
    n, a, b = dims("n a b")
    two = layer("MaxPool", a) >> layer("MaxPool", b)
    return [("output shape", METRICS["output_shape"](two, on=(1, a * b * n)), METRICS["output_shape"](layer("MaxPool", a * b), on=(1, a * b * n)))]


def _pools(n: dict[str, int], other: int = 0) -> Witness | None:
    x = numbers(2, n["a"] * n["b"] * n["n"] + n["rest"])
    two = layer("MaxPool", n["a"]) >> layer("MaxPool", n["b"])
    return equal(n, run(two, x), run(layer("MaxPool", n["a"] * n["b"] + other), x))


@structural(
    sizes(a=(1, 3), b=(1, 3), n=(1, 3), rest=(0, 2)), rests_on="nested_floor", formulas=_pool_formulas,
    mutants={"windows added": lambda n: _pools({**n, "n": n["n"] + 2}, 1)},
)  # fmt: skip
def layers_two_max_pools_eq_one(n: dict[str, int]) -> Witness | None:
    """Pooling by a and then by b is pooling by ab, whatever is left over at the end."""
    return _pools(n)


def _stride(n: dict[str, int], offset: int = 0) -> Witness | None:
    x, w = numbers(2, n["k"] + n["n"]), numbers(1, 2, n["k"], seed=1)
    dense = run(layer("Conv", 1, n["k"], bias=False), x, W=w)
    strided = run(layer("Conv", 1, n["k"], stride=n["s"], bias=False), x, W=w)
    return equal(n, strided, dense[:, offset :: n["s"]])


@structural(
    sizes(k=(1, 3), s=(1, 3), n=(0, 5)), rests_on="conv_stride_eq_every_sth_place", mutants={"shifted": lambda n: _stride(n, 1)}
)
def layers_stride_eq_every_sth_position(n: dict[str, int]) -> Witness | None:
    """A stride keeps every s-th position of the convolution without it."""
    return _stride(n)


def _transposed_formulas() -> list:
    n, k, s = dims("n k s")
    there = layer("ConvTranspose", 1, k, stride=s) >> layer("Conv", 1, k, stride=s)
    return [("output shape", METRICS["output_shape"](there, on=(1, n))[1], n)]


def _transposed(n: dict[str, int], wrong: int = 0) -> Witness | None:
    x, w = numbers(1, n["n"]), numbers(1, 1, n["k"], seed=1)
    up = layer("ConvTranspose", 1, n["k"], stride=n["s"], bias=False)
    down = layer("Conv", 1, n["k"], stride=n["s"], bias=False)
    spread = run(up, x, W=w)
    y = numbers(*spread.shape, seed=2)
    left, right = int((spread * y).sum()), int((x * run(down, y, W=w)).sum()) + wrong
    return None if left == right else witness(n, "=", left, right)


@structural(
    sizes(n=(1, 4), k=(1, 3), s=(1, 3)), rests_on="conv_inverts_transposed_size", formulas=_transposed_formulas,
    mutants={"one more": lambda n: _transposed(n, 1)},
)  # fmt: skip
def layers_transposed_conv_is_adjoint(n: dict[str, int]) -> Witness | None:
    """A transposed convolution is the adjoint of the convolution with its kernel: inner products agree; sizes are inverted."""
    return _transposed(n)


def with_claims() -> Any:
    """Every layer that claims something."""
    from hypothesis import strategies as st

    return st.sampled_from(sorted((kind for kind in REGISTRY.values() if kind.claims), key=lambda kind: kind.__name__))


def _published(kind: type) -> Witness | None:
    from ..checking import check

    report = check(kind, examples=4, laws=["claim_*"])
    for result in report.refuted:
        return result.verdict.witness  # type: ignore[union-attr]
    return None


@structural(with_claims, cites="the layers' own claims, which come from their papers")
def derived_eq_published(kind: type) -> Witness | None:
    """What is derived from an equation is the formula that its paper publishes, for every layer that claims one."""
    return _published(kind)
