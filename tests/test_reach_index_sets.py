"""Receptive fields of random networks against index sets, followed element by element through the enumerator's equations."""

from __future__ import annotations

import random

import pytest

import layeralgebra as la
from layeralgebra.algebra.derivations.metric import METRICS
from layeralgebra.algebra.metrics.receptive_field import _of_positions
from layeralgebra.proofs.enumeration.fields import Sets, after, beside, covers, hull, of_positions, stacked
from layeralgebra.proofs.samples.meanings import meaning


class TokenBehind(la.Layer):
    """A learned token behind all others."""

    equation = "y[t, m] = pad[t: (0, 1)](x[t, m], fill=k[m])"
    channel_axis = "last"


def token_first_or_last(part: la.Network) -> la.Network:
    return la.Tokens() >> part >> la.Permute((1, 0))


def shape_of(net: la.Network, on: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(int, la.output_shape(net, on=on)))


def sets_of(net: la.Network, on: tuple[int, ...]) -> Sets:
    """Index sets of a layer, a series, a sum or a stack."""
    if isinstance(net, la.Layer):
        meant = meaning(net, (on,))
        return meant.sets(net.input_names[0])
    if isinstance(net, la.Series):
        made: Sets | None = None
        for part in net.parts:
            own = sets_of(part, on)
            made = own if made is None else after(made, own)
            on = shape_of(part, on)
        assert made is not None
        return made
    branches = [sets_of(branch, on) for branch in net.branches]
    return stacked(branches, 0) if isinstance(net, la.Concat) else beside(branches)


def drawn_layer(rng: random.Random, shape: tuple[int, ...]) -> la.Network:
    """A layer that takes a shape of channels and positions, without asking whether it fits."""
    c, k, s, p = rng.randint(1, 2), rng.randint(1, 4), rng.randint(1, 3), rng.randint(0, 2)
    d = rng.randint(1, 3)
    same = 2 * rng.randint(0, 1) + 1
    kinds = {
        "conv": lambda: la.Conv(c, k, stride=s, padding=p, dilation=d),
        "pool": lambda: la.MaxPool(k, stride=s, padding=min(p, k // 2)),
        "average": lambda: la.AvgPool(k, stride=s),
        "transposed": lambda: la.ConvTranspose(c, k, stride=s, padding=min(p, k - 1)),
        "up": lambda: la.Upsample(rng.randint(2, 3)),
        "pad": lambda: la.Pad(p, rng.randint(0, 2)),
        "crop": lambda: la.Crop(rng.randint(0, 1), rng.randint(0, 1)),
        "shuffle": lambda: la.PixelShuffle(2),
        "unshuffle": lambda: la.PixelUnshuffle(2),
        "flatten": lambda: la.Flatten(),
        "tokens": lambda: la.Tokens() >> la.Permute((1, 0)),
        "class token": lambda: la.Tokens() >> la.ClassToken() >> la.Permute((1, 0)),
        "last token": lambda: la.Tokens() >> TokenBehind() >> la.Permute((1, 0)),
        "zeros behind": lambda: la.Tokens() >> la.Permute((1, 0)) >> la.Pad(0, rng.randint(1, 3)),
        "gate": lambda: la.Identity() * (la.AdaptiveAvgPool(1) >> la.Sigmoid()),
        "permute": lambda: la.Permute((0, *rng.sample(range(1, len(shape)), len(shape) - 1))),
        "reshape": lambda: la.Reshape(_resplit(rng, shape)),
        "all": lambda: rng.choice([la.GlobalAvgPool(), la.Flatten() >> la.Linear(3)]),
        "adaptive": lambda: la.AdaptiveAvgPool(rng.randint(1, 3)),
        "residual": lambda: la.Identity() + la.Conv(shape[0], same, padding=(same - 1) // 2),
        "fork": lambda: la.Conv(c, k, stride=s, padding=p) + la.MaxPool(k, stride=s, padding=min(p, k // 2)),
        "stack": lambda: la.Conv(1, 3, padding=1) | la.Conv(1, 1),
        "relu": lambda: la.ReLU(),
        "roll": lambda: la.Roll(rng.randint(1, 2)),
        "nearest": lambda: la.Nearest(len(shape) - 1, len(shape), shape[-1], rng.randint(1, 7), bool(p)),
        "linear": lambda: la.Resample(len(shape) - 1, len(shape), shape[-1], rng.randint(1, 7), corners=bool(p)),
        "cubic": lambda: la.Resample(len(shape) - 1, len(shape), shape[-1], rng.randint(1, 7), "cubic", bool(p)),
    }
    return kinds[rng.choice(list(kinds))]()


def _resplit(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    total = 1
    for size in shape:
        total *= size
    first = rng.choice([n for n in range(1, total + 1) if total % n == 0])
    rest = total // first
    second = rng.choice([n for n in range(1, rest + 1) if rest % n == 0])
    return rng.choice([(first, rest), (first, second, rest // second)])


def drawn_network(rng: random.Random) -> tuple[la.Network, tuple[int, ...]] | None:
    rank = rng.choice([1, 1, 2])
    on = (rng.randint(1, 3), *(rng.randint(2, 12 if rank == 1 else 6) for _ in range(rank)))
    parts: list[la.Network] = []
    shape = on
    for _ in range(rng.randint(1, 5)):
        if len(shape) < 2:
            break
        for _ in range(8):
            part = drawn_layer(rng, shape)
            try:
                made = shape_of(part, shape)
            except la.LayerAlgebraError:
                continue
            size = 1
            for one in made:
                size *= one
            if size <= 300:
                parts.append(part)
                shape = made
                break
    return (la.Series(*parts), on) if len(parts) > 1 else None


def fault(net: la.Network, on: tuple[int, ...]) -> str | None:
    """What is wrong with the receptive field of a network, if anything."""
    try:
        evaluation = METRICS["receptive_field"].evaluate(net, on)
        field = la.derive("receptive_field", net, on=on)
    except la.UnsupportedError:
        return None
    if evaluation.value is None:
        return None
    sets = of_positions(sets_of(net, on), evaluation.output.channel_axis)
    reach = _of_positions(evaluation.value, evaluation.output)
    first = net.parts[0]
    last = evaluation.layout == "last"
    axes = range(len(on) - 1) if last else range(len(on)) if evaluation.layout == "all" else range(1, len(on))
    assert first is not None and len(axes) == len(field.formula.size)
    for place, axis in enumerate(axes):
        own = reach[axis]
        for where, read in sets.items():
            found = hull(read, axis)
            if found is None:
                continue
            low, high = own.at(where)
            if not (low <= found[0] and found[1] <= high):
                return f"axis {axis}: output {where} reads {found}, said to lie in {low, high}"
            if own.shown is own and found[1] - found[0] + 1 > field.formula.size[place]:
                return f"axis {axis}: output {where} reads {found}, size {field.formula.size[place]}"
        counted = covers(sets, axis, on[axis])
        said = field.formula.covers_input[place]
        if said is not None and said != counted and any(sets.values()):
            return f"axis {axis}: covers_input {said}, counted {counted}"
        if field.kind == "exact" and own.shown is own and own.border is not None:
            for where, read in sets.items():
                found = hull(read, axis)
                low, high = own.at(where)
                # Well inside, where no border of a map between is near, the field is attained.
                if found is not None and own.clean and own.gap == 1:
                    low, high = max(low, own.border[0]), min(high, own.border[1])
                    if (low, high) != found:
                        return f"axis {axis}: output {where} reads {found}, said to be {low, high}"
    return None


@pytest.mark.parametrize("seed", range(60))
def test_fields_are_those_of_index_sets(seed: int) -> None:
    rng = random.Random(seed)
    drawn = drawn_network(rng)
    if drawn is not None:
        assert fault(*drawn) is None, drawn


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(100))
def test_many_fields_are_those_of_index_sets(hundred: int) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        drawn = drawn_network(random.Random(seed))
        if drawn is not None:
            assert fault(*drawn) is None, drawn


@pytest.mark.parametrize(
    "net",
    [
        la.Crop(1, 0) >> la.Conv(1, 3, padding=1),
        la.Crop(1, 0) >> (la.Conv(1, 3, padding=1) | la.Conv(1, 1)),
        la.Crop(0, 2) >> la.Conv(1, 3, padding=1),
        la.Crop(2, 0) >> la.MaxPool(2) >> la.Upsample(2),
    ],
    ids=str,
)
def test_a_crop_beside_a_token_is_followed(net: la.Network) -> None:
    tokens = token_first_or_last(TokenBehind())
    for size in range(4, 9):
        assert fault(la.Series(*tokens.parts, *net.parts), (1, size)) is None


@pytest.mark.parametrize("token", [TokenBehind(), la.ClassToken()], ids=str)
@pytest.mark.parametrize("before, behind", [(1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize(
    "then",
    [
        la.Conv(1, 3, padding=1),
        la.Conv(1, 3, padding=1) | la.Conv(1, 1),
        la.MaxPool(2),
        la.Permute((1, 0)) >> la.MultiHeadAttention(1),
    ],
    ids=str,
)
def test_a_crop_of_symbolic_size_beside_a_token_is_followed(
    token: la.Network, before: int, behind: int, then: la.Network
) -> None:
    length, crop = la.dims("n a")
    tokens = token_first_or_last(token)
    for amount in (crop, 1, 2):
        said = la.derive("receptive_field", tokens >> la.Crop(before * amount, behind * amount) >> then, on=(1, length))
        for size in range(1, 8):
            for cut in range(4) if amount == crop else [amount]:
                if not said.domain.holds({length: size, crop: cut}):
                    continue
                sets = sets_of(tokens >> la.Crop(before * cut, behind * cut) >> then, (1, size))
                read = [found for one in sets.values() if (found := hull(one, 1)) is not None]
                if not read:
                    continue  # of an output that reads nothing, nothing is said
                width = said.formula.size[0]
                width = width.subs({length: size, crop: cut}) if not isinstance(width, int) else width
                assert all(last - first + 1 <= width for first, last in read), (size, cut, width, read)
                assert said.formula.covers_input[0] in (None, covers(sets, 1, size)), (size, cut)


LISTED = [
    (la.Conv(2, 3) >> la.Flatten() >> la.Linear(5), (3, 50), 3, True, "exact"),
    (la.Conv(2, 1) >> la.Flatten() >> la.Linear(5), (3, 50), 50, True, "exact"),
    (la.Conv(1, 1, stride=3) >> la.Upsample(2), (1, 48), 1, False, "upper"),
    (la.Conv(1, 3, stride=5) >> la.GlobalAvgPool(), (1, 48), 3, False, "exact"),
    (la.Conv(1, 3, stride=2) >> la.GlobalAvgPool(), (1, 50), 3, False, "exact"),  # nobody reads the last position
    (la.Conv(1, 48), (1, 48), 48, True, "exact"),
    (la.MultiHeadAttention(1, causal=True), (12, 4), 12, False, "exact"),
    (la.LSTM(3), (12, 4), 12, False, "exact"),
    (la.LSTM(3) >> la.Last(), (12, 4), 12, True, "exact"),
]


@pytest.mark.parametrize("net, on, size, covering, kind", LISTED)
def test_listed_fields(net: la.Network, on: tuple[int, ...], size: int, covering: bool, kind: str) -> None:
    found = la.receptive_field(net, on=on)
    assert (found.size, found.covers_input, found.kind) == ((size,), (covering,), kind)
    assert kind in repr(found) and (kind == "exact" or kind in la.latex(found))


@pytest.mark.parametrize("name", ["vgg16", "alexnet"])
def test_classifiers_see_the_whole_image(name: str) -> None:
    found = la.receptive_field(la.zoo.build(name))
    assert found.covers_input == (True, True) and found.kind == "exact"


def test_unet_is_seen_through_index_sets() -> None:
    assert la.receptive_field(la.zoo.build("unet")).size == (204, 204)
