"""The list of array operations of the importers, each against NumPy, on tensors with all their axes and on such without a leading one of size 1."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy
import pytest
from sympy import Integer

import layeralgebra as la
from layeralgebra.layers.importers import arrays
from layeralgebra.layers.importers.grouping import build
from layeralgebra.layers.importers.record import Recording
from layeralgebra.layers.importers.tensors import Tensor, Tensors

Array = Any
Shape = tuple[int, ...]


class Case:
    """An operation with drawn arguments: how it is recorded, what NumPy makes of the same arrays, and what enters."""

    def __init__(self, entering: Sequence[Array], ours: Callable[..., Tensor], theirs: Callable[..., Array]):
        self.entering, self.ours, self.theirs = list(entering), ours, theirs


def floats(rng: random.Random, *shape: int) -> Array:
    return numpy.array([rng.randint(-8, 8) / 4 for _ in range(int(numpy.prod(shape)))]).reshape(shape)


def whole(rng: random.Random, below: int, *shape: int) -> Array:
    return numpy.array([rng.randrange(below) for _ in range(int(numpy.prod(shape)))]).reshape(shape)


def sizes(rng: random.Random, least: int = 2, most: int = 4) -> Shape:
    """The leading axis is 1 in two of three cases, as that of a batch is."""
    return (rng.choice([1, 1, 3]), *(rng.randint(1, 4) for _ in range(rng.randint(least, most) - 1)))


def exact(shape: Sequence[int]) -> tuple[Integer, ...]:
    return tuple(map(Integer, shape))


def _reshaped(rng: random.Random) -> Case:
    shape = sizes(rng)
    parts = [*shape, 1]
    rng.shuffle(parts)
    return Case([floats(rng, *shape)], lambda t, x: arrays.reshaped(t, x, exact(parts)), lambda x: x.reshape(parts))


def _viewed(rng: random.Random) -> Case:
    shape = sizes(rng)
    parts = (shape[0], int(numpy.prod(shape[1:])))
    return Case([floats(rng, *shape)], lambda t, x: arrays.viewed(t, x, exact(parts)), lambda x: x.reshape(parts))


def _squeezed(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    gone = [axis for axis, size in enumerate(x.shape) if size == 1][: x.ndim - 1]
    return Case([x], lambda t, x: arrays.squeezed(t, x, gone), lambda x: numpy.squeeze(x, tuple(gone)))


def _permuted(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    order = rng.sample(range(x.ndim), x.ndim)
    return Case([x], lambda t, x: arrays.permuted(t, x, order), lambda x: x.transpose(order))


def _expanded(rng: random.Random) -> Case:
    shape = sizes(rng)
    wide = (
        *(rng.randint(1, 3) for _ in range(rng.randint(0, 2))),
        *(rng.randint(1, 4) if n == 1 else n for n in shape),
    )
    return Case(
        [floats(rng, *shape)], lambda t, x: arrays.expanded(t, x, exact(wide)), lambda x: numpy.broadcast_to(x, wide)
    )


def _repeated(rng: random.Random) -> Case:
    shape = sizes(rng)
    wide = (shape[0], *(rng.randint(1, 4) if n == 1 else n for n in shape[1:]))
    return Case(
        [floats(rng, *shape)], lambda t, x: arrays.repeated(t, x, exact(wide)), lambda x: numpy.broadcast_to(x, wide)
    )


def _aligned(rng: random.Random) -> Case:
    shape = sizes(rng)
    other = tuple(rng.choice([n, 1]) for n in shape[rng.randint(0, len(shape) - 1) :])

    def ours(t: Tensors, x: Tensor, y: Tensor) -> Tensor:
        wide = arrays.broadcast([x.shape, y.shape])
        pair = arrays.aligned(t, [x, y], wide, True)
        return t.add(la.Subtract(), pair, wide, pair[0].batched)

    return Case([floats(rng, *shape), floats(rng, *other)], ours, lambda x, y: x - y)


def _applied(rng: random.Random) -> Case:
    return Case([floats(rng, *sizes(rng))], lambda t, x: arrays.applied(t, la.ReLU(), x), lambda x: numpy.maximum(x, 0))


def _softmaxed(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(-x.ndim, x.ndim)

    def theirs(x: Array) -> Array:
        high = numpy.exp(x - x.max(axis, keepdims=True))
        return high / high.sum(axis, keepdims=True)

    return Case([x], lambda t, x: arrays.softmaxed(t, x, axis), theirs)


def _entrywise(rng: random.Random) -> Case:
    shape = sizes(rng)
    other = tuple(rng.choice([n, 1]) for n in shape[rng.randint(0, len(shape) - 1) :])
    text, theirs = rng.choice([
        ("max({0}, {1})", numpy.maximum), ("choose(less({0}, {1}), {0}, 2)", lambda x, y: numpy.where(x < y, x, 2)),
        ("{0} - {1}*floor({0}/4)", lambda x, y: x - y * numpy.floor(x / 4)), ("equal({0}, {1})", lambda x, y: (x == y) * 1),
    ])  # fmt: skip
    return Case([floats(rng, *shape), floats(rng, *other)], lambda t, x, y: arrays.entrywise(t, text, [x, y]), theirs)


def _mapped(rng: random.Random) -> Case:
    return Case(
        [floats(rng, *sizes(rng))],
        lambda t, x: arrays.mapped(t, "round($) + sign($)", x),
        lambda x: numpy.rint(x) + numpy.sign(x),
    )


REDUCED = {
    "sum": numpy.sum, "mean": numpy.mean, "max": numpy.max, "min": numpy.min, "prod": numpy.prod, "l1": lambda x, **k: numpy.sum(abs(x), **k),
    "l2": lambda x, **k: numpy.sqrt(numpy.sum(x * x, **k)), "sumsquare": lambda x, **k: numpy.sum(x * x, **k),
    "logsumexp": lambda x, **k: numpy.log(numpy.sum(numpy.exp(x), **k)),
}  # fmt: skip


def _over_axes(rng: random.Random) -> Case:
    x, kind, keep = floats(rng, *sizes(rng)), rng.choice(list(REDUCED)), rng.random() < 0.5
    axes = tuple(rng.sample(range(x.ndim), rng.randint(1, x.ndim)))
    return Case(
        [x], lambda t, x: arrays.over_axes(t, kind, x, axes, keep), lambda x: REDUCED[kind](x, axis=axes, keepdims=keep)
    )


def _reduced(rng: random.Random) -> Case:
    x, keep = floats(rng, *sizes(rng)), rng.random() < 0.5
    layer, theirs = rng.choice([(la.Sum, numpy.sum), (la.Mean, numpy.mean), (la.Maximum, numpy.max)])
    axes = tuple(rng.sample(range(x.ndim), rng.randint(1, x.ndim - 1)))
    return Case(
        [x], lambda t, x: arrays.reduced(t, layer, x, axes, keep), lambda x: theirs(x, axis=axes, keepdims=keep)
    )


def _reduced_in_groups(rng: random.Random) -> Case:
    counts = [rng.randint(0, 3) for _ in range(rng.randint(1, 4))]
    counts[-1] += 1
    rows = floats(rng, sum(counts), *sizes(rng, 1, 2)[1:])
    kind, join = rng.choice([("sum", numpy.sum), ("mean", numpy.mean), ("max", numpy.max)])

    def theirs(rows: Array, starts: Array) -> Array:
        parts = numpy.split(rows, starts[1:])
        return numpy.stack([join(part, axis=0) if len(part) else numpy.zeros(rows.shape[1:]) for part in parts])

    starts = numpy.cumsum([0, *counts[:-1]])
    return Case([rows, starts], lambda t, x, k: arrays.reduced_in_groups(t, kind, x, k), theirs)


def _cut(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    step, start = rng.randint(1, 2), rng.randrange(x.shape[axis])
    taken = numpy.take(x, range(start, x.shape[axis], step), axis)
    length = taken.shape[axis]
    return Case(
        [x], lambda t, x: arrays.cut(t, x, axis, start, Integer(length), "", step), lambda x: numpy.take(x, range(start, x.shape[axis], step), axis),
    )  # fmt: skip


def _selected(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    place = rng.randrange(-x.shape[axis], x.shape[axis])
    return Case([x], lambda t, x: arrays.selected(t, x, axis, place), lambda x: numpy.take(x, place, axis))


def _split(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    first = rng.randint(1, x.shape[axis])
    lengths = [Integer(first), Integer(x.shape[axis] - first)][: 1 + (x.shape[axis] > first)]
    last = len(lengths) - 1
    return Case(
        [x], lambda t, x: arrays.split(t, x, axis, lengths)[last], lambda x: numpy.split(x, [first], axis)[last]
    )


def _concatenated(rng: random.Random) -> Case:
    shape = sizes(rng)
    axis = rng.randrange(len(shape))
    parts = [floats(rng, *shape[:axis], rng.randint(1, 3), *shape[axis + 1 :]) for _ in range(rng.randint(1, 3))]
    return Case(parts, lambda t, *x: arrays.concatenated(t, x, axis), lambda *x: numpy.concatenate(x, axis))


def _replaced(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    length = rng.randint(1, x.shape[axis])
    start = rng.randint(0, x.shape[axis] - length)

    def theirs(x: Array, part: Array) -> Array:
        made = x.copy()
        made[(slice(None),) * axis + (slice(start, start + length),)] = part
        return made

    part = floats(rng, *x.shape[:axis], length, *x.shape[axis + 1 :])
    return Case([x, part], lambda t, x, y: arrays.replaced(t, x, y, axis, Integer(start)), theirs)


def _stacked(rng: random.Random) -> Case:
    shape = sizes(rng)
    axis = rng.randint(-len(shape) - 1, len(shape))
    parts = [floats(rng, *shape) for _ in range(rng.randint(2, 3))]
    return Case(parts, lambda t, *x: arrays.stacked(t, x, axis), lambda *x: numpy.stack(x, axis))


def _padded(rng: random.Random) -> Case:
    x = floats(rng, *(n + 2 for n in sizes(rng)))
    ends = [(rng.randint(-1, 2), rng.randint(-1, 2)) for _ in x.shape]

    def theirs(x: Array) -> Array:
        made = numpy.pad(x, [(max(a, 0), max(b, 0)) for a, b in ends])
        return made[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(ends, made.shape))]

    return Case([x], lambda t, x: arrays.padded(t, x, [a for a, _ in ends], [b for _, b in ends]), theirs)


def _rolled(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis, shift = rng.randrange(x.ndim), rng.randint(-5, 5)
    return Case([x], lambda t, x: arrays.rolled(t, x, axis, shift), lambda x: numpy.roll(x, shift, axis))


def _tiled(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    counts = [rng.randint(1, 3) for _ in x.shape]
    return Case([x], lambda t, x: arrays.tiled(t, x, counts), lambda x: numpy.tile(x, counts))


def _stepped(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    places = list(range(x.shape[axis]))[:: rng.choice([-1, -2, 2])]
    step = places[1] - places[0] if len(places) > 1 else 1
    return Case(
        [x], lambda t, x: arrays.stepped(t, x, axis, Integer(places[0]), Integer(len(places)), step), lambda x: numpy.take(x, places, axis)
    )  # fmt: skip


def _strided(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    shape, strides, offset = (rng.choice([1, 1, 2]),), (rng.randint(0, 3),), rng.randrange(x.size)
    for _ in range(rng.randint(0, 2)):
        shape, strides = (*shape, rng.randint(1, 3)), (*strides, rng.randint(0, 3))
    shape = tuple(n if offset + sum(s * (m - 1) for s, m in zip(strides, shape)) < x.size else 1 for n in shape)

    def theirs(x: Array) -> Array:
        steps = [x.itemsize * stride for stride in strides]
        return numpy.lib.stride_tricks.as_strided(x.ravel()[offset:], shape, steps)

    return Case([x], lambda t, x: arrays.strided(t, x, exact(shape), exact(strides), Integer(offset)), theirs)


def _margin(rng: random.Random) -> Case:
    x = floats(rng, *(n + 2 for n in sizes(rng)))
    axis, mode = rng.randrange(x.ndim), rng.choice(["edge", "reflect", "wrap"])
    ends = rng.randint(0, 2), rng.randint(0, 2)
    widths = [ends if place == axis else (0, 0) for place in range(x.ndim)]
    return Case([x], lambda t, x: arrays.margin(t, x, axis, *ends, mode), lambda x: numpy.pad(x, widths, mode))


def _margins(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    ends = [(rng.randint(0, 2), rng.randint(0, 2)) for _ in x.shape]
    before, after = [a for a, _ in ends], [b for _, b in ends]
    return Case(
        [x], lambda t, x: arrays.margins(t, x, before, after, "3"), lambda x: numpy.pad(x, ends, constant_values=3)
    )


def _running(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis, reverse, exclusive = rng.randrange(x.ndim), rng.random() < 0.5, rng.random() < 0.5

    def theirs(x: Array) -> Array:
        way = numpy.flip(x, axis) if reverse else x
        made = numpy.cumsum(way, axis) - (way if exclusive else 0)
        return numpy.flip(made, axis) if reverse else made

    return Case([x], lambda t, x: arrays.running(t, x, axis, reverse, exclusive), theirs)


def _multiplied(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    return Case([x], lambda t, x: arrays.multiplied(t, x, axis), lambda x: numpy.cumprod(x, axis))


def _first_of(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis, kind, keep = rng.randrange(x.ndim), rng.choice(["max", "min"]), rng.random() < 0.5
    theirs = numpy.argmax if kind == "max" else numpy.argmin
    return Case([x], lambda t, x: arrays.first_of(t, x, axis, kind, keep), lambda x: theirs(x, axis, keepdims=keep))


def _triangle(rng: random.Random) -> Case:
    x, upper, diagonal = floats(rng, *sizes(rng)), rng.random() < 0.5, rng.randint(-2, 2)
    return Case(
        [x],
        lambda t, x: arrays.triangle(t, x, upper, diagonal),
        lambda x: (numpy.triu if upper else numpy.tril)(x, diagonal),
    )


def _looked_up(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    places = whole(rng, x.shape[axis], *sizes(rng, 1, 2))
    return Case([x, places], lambda t, x, k: arrays.looked_up(t, x, k, axis), lambda x, k: numpy.take(x, k, axis))


def _looked_up_alike(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis = rng.randrange(x.ndim)
    places = whole(rng, x.shape[axis], *x.shape[:axis], rng.randint(1, 3), *x.shape[axis + 1 :])
    return Case(
        [x, places],
        lambda t, x, k: arrays.looked_up_alike(t, x, k, axis),
        lambda x, k: numpy.take_along_axis(x, k, axis),
    )


def _one_hot(rng: random.Random) -> Case:
    depth = rng.randint(1, 4)
    places = whole(rng, depth, *sizes(rng, 1, 2))
    return Case(
        [places], lambda t, k: arrays.one_hot(t, k, Integer(depth), 0, 1, -1), lambda k: (k[..., None] == numpy.arange(depth)) * 1
    )  # fmt: skip


def _product(rng: random.Random) -> Case:
    lead = sizes(rng, 1, 2)
    rows, inner, columns = (rng.randint(1, 4) for _ in range(3))
    other = lead[rng.randint(0, len(lead)) :]
    return Case(
        [floats(rng, *lead, rows, inner), floats(rng, *other, inner, columns)],
        lambda t, x, y: arrays.product(t, x, y, "p"),
        numpy.matmul,
    )


def _einstein_sum(rng: random.Random) -> Case:
    extents = {letter: rng.randint(1, 3) for letter in "abcd"}
    inputs = ["".join(rng.choices("abcd", k=rng.randint(1, 3))) for _ in range(rng.randint(1, 3))]
    used = sorted(set("".join(inputs)))
    out = "".join(rng.sample(used, rng.randint(0, len(used))))
    spec = f"{','.join(inputs)}->{out}"
    parts = [floats(rng, *(extents[letter] for letter in name)) for name in inputs]
    return Case(parts, lambda t, *x: arrays.einstein_sum(t, spec, x), lambda *x: numpy.einsum(spec, *x))


def _contracted(rng: random.Random) -> Case:
    a, b, c, n = (rng.randint(1, 3) for _ in range(4))
    return Case(
        [floats(rng, n, a, b), floats(rng, n, b, c)], lambda t, x, y: arrays.contracted(t, "nab", "nbc", "nca", [x, y]),
        lambda x, y: numpy.einsum("nab,nbc->nca", x, y),
    )  # fmt: skip


def _product_in_groups(rng: random.Random) -> Case:
    counts = [rng.randint(0, 3) for _ in range(3)]
    counts[0] += 1
    rows, tables = floats(rng, sum(counts), 3), floats(rng, 3, 3, 2)
    groups = numpy.repeat(range(3), counts)
    return Case(
        [rows, tables, numpy.cumsum(counts)], lambda t, x, w, ends: arrays.product_in_groups(t, x, w, ends),
        lambda x, w, ends: numpy.einsum("sk,sko->so", x, w[groups]),
    )  # fmt: skip


def _unfolded(rng: random.Random) -> Case:
    x = floats(rng, *(n + 2 for n in sizes(rng)))
    axis, step = rng.randrange(x.ndim), rng.randint(1, 3)
    size = rng.randint(1, x.shape[axis])

    def theirs(x: Array) -> Array:
        windows = numpy.lib.stride_tricks.sliding_window_view(x, size, axis)
        return numpy.take(windows, range(0, windows.shape[axis], step), axis)

    return Case([x], lambda t, x: arrays.unfolded(t, x, axis, size, step), theirs)


def _over_examples(rng: random.Random) -> Case:
    x = floats(rng, rng.choice([1, 3]), 2, 5, 4)

    def ours(t: Tensors, x: Tensor) -> Tensor:
        layer = la.MaxPool(arrays.along(x, (2, 2), 1), arrays.along(x, (1, 2), 1), 0)
        return arrays.over_examples(t, layer, x, (*x.shape[:2], Integer(4), Integer(2)))

    def theirs(x: Array) -> Array:
        return numpy.maximum.reduce([x[:, :, i : i + 4, j : j + 3 : 2] for i in (0, 1) for j in (0, 1)])

    return Case([x], ours, theirs)


def _normalised_in_groups(rng: random.Random) -> Case:
    x = floats(rng, rng.choice([1, 3]), 4, 5)

    def theirs(x: Array) -> Array:
        parts = x.reshape(len(x), 2, -1)
        spread = numpy.sqrt(parts.var(-1, keepdims=True) + 0.5)
        return ((parts - parts.mean(-1, keepdims=True)) / spread).reshape(x.shape)

    return Case([x], lambda t, x: arrays.normalised_in_groups(t, x, Integer(2), 0.5), theirs)


def _resampled(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng))
    axis, length = rng.randrange(x.ndim), rng.randint(1, 6)
    n = x.shape[axis]
    at = (numpy.arange(length) + 0.5) * n / length - 0.5

    def linear(x: Array) -> Array:
        low = numpy.floor(at).astype(int)
        part = (at - low).reshape([-1 if place == axis else 1 for place in range(x.ndim)])
        one, two = (numpy.take(x, numpy.clip(low + k, 0, n - 1), axis) for k in (0, 1))
        return one * (1 - part) + two * part

    def nearest(x: Array) -> Array:
        return numpy.take(x, numpy.arange(length) * n // length, axis)

    mode, theirs = rng.choice([("linear", linear), ("nearest", nearest)])
    return Case([x], lambda t, x: arrays.resampled(t, x, axis, Integer(length), mode), theirs)


def _pooled(rng: random.Random) -> Case:
    x = floats(rng, *sizes(rng, 1, 2), 6)
    size, step = rng.randint(1, 3), rng.randint(1, 3)
    kind, join = rng.choice([("max", numpy.max), ("mean", numpy.mean)])
    window = arrays.Window((size,), (step,), (0,), (0,), (1,))

    def theirs(x: Array) -> Array:
        return join(numpy.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::step, :], axis=-1)

    return Case([x], lambda t, x: arrays.pooled(t, x, kind, window), theirs)


CASES: dict[str, Callable[[random.Random], Case]] = {
    name.removeprefix("_"): made for name, made in dict(globals()).items() if name.startswith("_") and callable(made) and name[1:] in arrays.__all__
}  # fmt: skip

OTHERWISE = {
    "formula", "masked", "taken", "opaque", "positions", "table", "addressed", "interpolated", "looked_up_together", "reversed_by", "normalised_across",
}  # fmt: skip
"""Operations whose numbers a fixed mask or the framework's own files say, or that others here are made of."""

HELPERS = {
    "ARITHMETIC", "FUNCTIONS", "REDUCTIONS", "Sizes", "TEXTS", "Window", "along", "bracket", "broadcast", "has_several_examples", "names", "of_batch",
    "over_last_axes", "same_margins", "softmax_along", "spelt", "matrix_product",
}  # fmt: skip


def test_every_operation_is_tried() -> None:
    assert set(arrays.__all__) - HELPERS - OTHERWISE == set(CASES)


class Named(Tensors):
    def named(self, label: str) -> str:
        return label.strip("_") or "step"


def run(case: Case, batched: bool) -> tuple[Array, la.Network] | None:
    """The operation's numbers, the leading axis left out where it is 1 and that is asked for."""
    t, recording, given, tensors = Named(), Recording(), [], []
    for place, array in enumerate(case.entering):
        without = batched and array.ndim > 1 and array.shape[0] == 1
        tensor = Tensor(f"x{place}", exact(array.shape), without)
        recording.inputs.append((tensor.name, tensor.own))
        tensors.append(tensor)
        given.append(array[0] if without else array)
    made = case.ours(t, *tensors)
    recording.operations, recording.output = t.operations, made.name
    if not recording.needed():
        return None  # the operation found nothing to do
    net = build(recording)
    read = {source for operation in recording.needed() for source in operation.sources}
    taken = [one for one, tensor in zip(given, tensors) if tensor.name in read]
    own = numpy.asarray(la.run(net, taken if len(taken) > 1 else taken[0]), float)
    assert tuple(map(int, made.own)) == own.shape == tuple(map(int, la.output_shape(net)))
    return own.reshape(tuple(map(int, made.shape))), net


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("name", sorted(CASES))
def test_numbers_are_those_of_numpy(name: str, batched: bool) -> None:
    for seed in range(12):
        case = CASES[name](random.Random(f"{name} {seed}"))
        found = run(case, batched)
        wanted = numpy.asarray(case.theirs(*case.entering), float)
        if found is not None:
            assert numpy.allclose(found[0], wanted, atol=1e-9) and found[0].shape == wanted.shape, (seed, found[1])


@pytest.mark.parametrize(
    "number",
    [0.0, -0.0, 1.0, -3.0, 0.1, -2.5e-7, 1e-13, -4.9e-31, 123456.789, numpy.float32(0.3), numpy.int64(-7), True],
)
def test_numbers_are_spelt_whole(number: Any) -> None:
    """However small, and of whatever kind: an equation computes with the number itself."""
    net = la.Input(1) >> la.Formula(f"y[i] = {arrays.spelt(number)}*x1[i]")
    assert float(la.run(net, [1.0])[0]) == float(number)
