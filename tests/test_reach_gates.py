"""Receptive fields beside gates and tokens, and of copies of which there may be none."""

from __future__ import annotations

import random

import pytest
from sympy import symbols

import layeralgebra as la
from layeralgebra.algebra.networks.joins import Mul


def ungated(net: la.Network) -> la.Network:
    """A network without the factors that are made of all positions."""
    return net.xreplace({gate: la.Identity() for gate in net.atoms(Mul)})


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", "efficientnet_v2_s", "mobilenet_v3_small", "mobilenet_v3_large", "regnet_y_400mf"]
)
def test_gates_leave_fields_as_they_are(name: str) -> None:
    """A squeezing block sees everything through its gate, and what is told are the fields beside it."""
    net = la.zoo.build(name)
    told, plain = la.receptive_field(net), la.receptive_field(ungated(net))
    assert net != ungated(net)
    assert (told.size, told.jump, told.start, told.kind) == (plain.size, plain.jump, plain.start, plain.kind)
    assert told.covers_input == (True, True)


def test_all_kernels_beside_gates_count() -> None:
    """By the recurrence of Araujo, Norris & Sim, Computing receptive fields of convolutional neural networks, Distill 2019."""
    kernels = [(3, 2), (3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1)]
    kernels += [(5, 1)] * 3 + [(5, 2)] + [(5, 1)] * 3 + [(3, 1)]
    size, jump = 1, 1
    for kernel, stride in kernels:
        size, jump = size + (kernel - 1) * jump, jump * stride
    assert la.receptive_field(la.zoo.build("efficientnet_b0")).size == (size, size) == (851, 851)


GATE = la.Identity() * (la.AdaptiveAvgPool(1) >> la.Conv(4, 1) >> la.Sigmoid())
CONV = la.Conv(4, 3, padding=1)


@pytest.mark.parametrize(
    "body", [CONV >> GATE, GATE, la.Identity() + (CONV >> GATE), CONV >> GATE >> CONV, (CONV >> GATE) + CONV], ids=str
)
@pytest.mark.parametrize("least", [0, 1])
def test_copies_with_gates_are_those_written_out(body: la.Network, least: int) -> None:
    times = symbols("z", integer=True, nonnegative=True) if least == 0 else la.dims("L")
    derived = la.derive("receptive_field", body**times, on=(4, 9, 9))
    for count in range(least, 5):
        plain = la.receptive_field(la.Series(*[body] * count) if count else la.Identity(), on=(4, 9, 9))
        found = derived({times: count}) if derived.symbols else derived.formula
        assert (found.size, found.jump, found.start, found.kind) == (plain.size, plain.jump, plain.start, plain.kind)
        assert all(own in (None, own_plain) for own, own_plain in zip(found.covers_input, plain.covers_input))


def drawn_body(rng: random.Random, levels: int) -> la.Network:
    """A network from two channels to two that keeps positions."""
    kinds = ["conv", "gate", "relu", "pool", "one"]
    kind = rng.choice(kinds + (["series", "series", "sum", "stack", "product"] if levels else []))
    if kind == "conv":
        kernel = rng.choice([1, 3, 5])
        return la.Conv(2, kernel, padding=(kernel - 1) // 2)
    leaves = {
        "gate": la.Identity() * (la.AdaptiveAvgPool(1) >> la.Sigmoid()),
        "relu": la.ReLU(), "pool": la.MaxPool(3, 1, 1), "one": la.Conv(2, 1),
    }  # fmt: skip
    if kind in leaves:
        return leaves[kind]
    one, two = drawn_body(rng, levels - 1), drawn_body(rng, levels - 1)
    if kind == "series":
        return one >> two
    if kind in ("sum", "product"):
        return one + two if kind == "sum" else one * two
    return (one | two) >> la.Conv(2, 1) if rng.random() < 0.7 else (one >> la.Conv(1, 1)) | (two >> la.Conv(1, 1))


def copies_fault(seed: int) -> str | None:
    """Where a symbolic number of copies, between other layers, says something else than the copies written out."""
    rng = random.Random(seed)
    body, on = drawn_body(rng, 3), (2, 9, 8)
    before = rng.choice([la.Conv(2, 1), la.Conv(2, 3, stride=2, padding=1), la.Conv(2, 2)])
    behind = rng.choice([la.ReLU(), la.Conv(1, 3, padding=1), GATE_OF_TWO, la.Flatten() >> la.Linear(2)])
    z, many = symbols("z", integer=True, nonnegative=True), la.dims("L")
    for times, least in ((z, 0), (many, 1), (many - 1, 1)):
        derived = la.derive("receptive_field", before >> body**times >> behind, on=on)
        for value in range(least, least + 4):
            written = [body] * int(times.subs({z: value, many: value}))
            plain = la.receptive_field(la.Series(before, *written, behind), on=on)
            try:
                found = derived(dict.fromkeys(derived.symbols, value)) if derived.symbols else derived.formula
            except la.DomainError:
                continue
            same = (found.size, found.jump, found.start) == (plain.size, plain.jump, plain.start)
            holds = all(own >= width for own, width in zip(found.size, plain.size))
            if not (same if found.kind == plain.kind == "exact" else holds or plain.kind == "upper"):
                return f"{before >> body**times >> behind} at {value}: {found}, written out {plain}"
            if any(None not in pair and pair[0] != pair[1] for pair in zip(found.covers_input, plain.covers_input)):
                return f"{before >> body**times >> behind} at {value}: {found}, written out {plain}"
    return None


GATE_OF_TWO = la.Identity() * (la.AdaptiveAvgPool(1) >> la.Conv(2, 1) >> la.Sigmoid())


@pytest.mark.parametrize("seed", range(20))
def test_drawn_copies_are_those_written_out(seed: int) -> None:
    assert copies_fault(seed) is None


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(20))
def test_many_drawn_copies_are_those_written_out(hundred: int) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        assert copies_fault(seed) is None


def test_the_map_that_is_told_may_be_the_input_for_some_sizes() -> None:
    """Then all of it is joined, so that what is told changes: the domain leaves these sizes out."""
    c, k, s, d = la.dims("c k s d")
    found = la.derive("receptive_field", la.Conv(c, k, stride=s) >> la.GlobalAvgPool(), on=(c, 9))
    assert found(c=2, k=1, s=2).size == (1,) and found(c=2, k=3, s=1).size == (3,)
    with pytest.raises(la.DomainError, match="not the input itself"):
        found(c=2, k=1, s=1)
    assert la.receptive_field(la.Conv(2, 1) >> la.GlobalAvgPool(), on=(2, 9)).size == (9,)
    pooled = la.derive("receptive_field", la.AdaptiveAvgPool(2 * d) >> la.GlobalAvgPool(), on=(2, 4))
    with pytest.raises(la.DomainError, match="not the input itself"):
        pooled(d=2)


def test_copies_of_what_sees_everything_are_bounded_where_there_may_be_none() -> None:
    z = symbols("z", integer=True, nonnegative=True)
    found = la.receptive_field(la.MultiHeadAttention(1) ** z, on=(9, 4))
    assert (found.size, found.covers_input, found.kind) == ((9,), (None,), "upper")


@pytest.mark.parametrize("height, width", [(32, 48), (40, 40), (16, 48), (48, 16), (16, 16), (30, 40)])
def test_a_class_token_lies_nowhere_in_the_image(height: int, width: int) -> None:
    net = la.Conv(4, 16, stride=16) >> la.Tokens() >> la.ClassToken() >> la.MultiHeadAttention(1)
    found = la.receptive_field(net, on=(3, height, width))
    seen = (height // 16 * 16, width // 16 * 16)
    assert (found.size, found.kind) == (seen, "exact")
    assert found.start == (0, 0)


class TokenBehind(la.Layer):
    """A learned token behind all others."""

    equation = "y[t, m] = pad[t: (0, 1)](x[t, m], fill=k[m])"
    channel_axis = "last"


class FirstAgain(la.Layer):
    """The first position once more before all others."""

    equation = "y[t, m] = pad[t: (1, 0)](x[t, m], fill=x[0, m])"
    channel_axis = "last"


def test_tokens_are_no_padding_wherever_they_stand() -> None:
    attention, L, n = la.MultiHeadAttention(1), la.dims("L"), la.dims("n")
    for net in (TokenBehind(), la.ClassToken() ** 3, TokenBehind() >> la.ClassToken()):
        found = la.receptive_field(net >> attention, on=(12, 4))
        assert (found.size, found.start, found.kind) == ((12,), (0,), "exact")
    many = la.derive("receptive_field", la.ClassToken() ** L >> attention, on=(n, 4)).formula
    assert (many.size, many.start) == ((n,), (0,))
    image = la.Conv(4, 2, stride=2) >> la.Tokens() >> TokenBehind() >> attention
    assert la.receptive_field(image, on=(1, 6, 8)).size == (6, 8)


def test_a_fill_that_is_read_from_the_input_is_read_where_it_stands() -> None:
    found = la.receptive_field(FirstAgain(), on=(12, 4))
    assert (found.size, found.start, found.kind) == ((12,), (0,), "upper")


def test_a_class_token_before_a_sequence() -> None:
    found = la.receptive_field(la.ClassToken() >> la.MultiHeadAttention(1), on=(12, 4))
    assert (found.size, found.start, found.covers_input) == ((12,), (0,), (True,))
    assert la.receptive_field(la.zoo.build("vit_b_16")).size == (224, 224)
