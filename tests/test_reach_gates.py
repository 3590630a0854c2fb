"""Receptive fields beside gates and tokens, and of copies of which there may be none."""

from __future__ import annotations

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


def test_a_class_token_before_a_sequence() -> None:
    found = la.receptive_field(la.ClassToken() >> la.MultiHeadAttention(1), on=(12, 4))
    assert (found.size, found.start, found.covers_input) == ((12,), (0,), (True,))
    assert la.receptive_field(la.zoo.build("vit_b_16")).size == (224, 224)
