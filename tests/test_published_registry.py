"""Registered layers of published families: counts as one derives them by hand, at symbolic sizes, and all the rest by enumeration.

By hand means: from the paper's equations, by the conventions at the head of `algebra/equations/work.py`, and not from what the engine prints.
"""

from __future__ import annotations

import inspect
from typing import Any

import language_agreement
import pytest
from published_samples import SAMPLES
from random_equations import Draw
from sympy import ceiling, expand, floor, log

import layeralgebra as la
from layeralgebra.proofs.samples.meanings import plain

E, H, N, T, W, b, c, d, e, f, h, k, m, n, o, p, q, r = la.dims("E H N T W b c d e f h k m n o p q r")
GRAPH = [(N, f), (E,), (E,)]
EDGES = [(N, f), (E, k), (E,), (E,)]

BY_HAND: dict[str, tuple[la.Layer, Any, Any, Any]] = {
    # the layer, what enters, parameters, MACs
    "GraphConv": (la.GraphConv(o), GRAPH, o*f + o, N*f*o),
    "GraphAttention": (la.GraphAttention(h, o), GRAPH, h*o*(f + 2), N*h*o*(f + 2)),
    "GraphIsomorphism": (la.GraphIsomorphism(h, o), GRAPH, 1 + h*(f + 1) + o*(h + 1), N*h*(f + o)),
    "GraphSAGE": (la.GraphSAGE(o), GRAPH, 2*f*o, 2*N*f*o),
    "EdgeConv": (la.EdgeConv(o), GRAPH, 2*f*o, 2*E*f*o),
    "EdgeConditionedConv": (la.EdgeConditionedConv(o), EDGES, o*f*(k + 1) + o, E*o*f*(k + 1)),
    "MessagePassing": (la.MessagePassing(), EDGES, f**2*(k + 1) + 6*f**2 + 3*f, E*f**2*(k + 1) + 6*N*f**2),
    "SparseMixtureOfExperts": (la.SparseMixtureOfExperts(n, k, h), (T, f), n*f + 2*n*h*f, T*n*f + T*k*2*h*f + T*k*f),
    "ExpertChoice": (la.ExpertChoice(n, k, h), (T, f), n*f + 2*n*h*f, T*n*f + n*k*2*h*f),
    "ProductKeyMemory": (la.ProductKeyMemory(n, k, h, e, o), (T, f), 2*h*e*f + 2*h*n*e + n**2*o, T*h*(2*e*f + 2*n*e + k*o)),
    "VectorQuantizer": (la.VectorQuantizer(n), (T, f), n*f, 0),
    "KMaxPool": (la.KMaxPool(k), (c, T), 0, 0),
    "MedianFilter": (la.MedianFilter(5), (c, T), 0, 0),
    "CondConv": (la.CondConv(o, k, n), (c, H, W), n*c + n*o*c*k**2, n*c + n*o*c*k**2 + (H - k + 1)*(W - k + 1)*o*c*k**2),
    "DeformableConv": (la.DeformableConv(o, 3), (c, H, W), 18*(9*c + 1) + 9*o*c, H*W*(18*9*c + 9*c*4 + 9*o*c)),
    "Involution": (la.Involution(3, p, r), (p*q, H, W), r*p*q + 9*p*r, H*W*(r*p*q + 9*p*r + 9*p*q)),
    "Monarch": (la.Monarch(b), (T, b*n), b*n**2 + n*b**2, T*(b*n**2 + n*b**2)),
    "LowRankLinear": (la.LowRankLinear(o, r), (T, f), r*(f + o) + o, T*r*(f + o)),
    "LoRA": (la.LoRA(o, r), (T, f), r*(f + o), T*(o*f + r*(f + o))),
    "DoRA": (la.DoRA(o, r), (T, f), r*(f + o) + f, o*r*f + o*f + T*o*f),
    "WeightNormLinear": (la.WeightNormLinear(o), (T, f), o*f + 2*o, o*f + T*o*f),
    "CirculantLinear": (la.CirculantLinear(), (T, f), f, T*f**2),
    "KroneckerLinear": (la.KroneckerLinear(p, q, b), (T, n*b), p*n + q*b, T*(n*q*b + p*q*n)),
    "KAN": (la.KAN(o, n), (T, f), 2*o*f + o*f*(n + 3), T*o*f*(n + 3) + T*o*f),
    "LinearAttention": (la.LinearAttention(h), (T, h*e), 4*(h*e)**2, 4*T*(h*e)**2 + 2*T*h*e**2 + T*h*e),
    "CausalLinearAttention": (la.CausalLinearAttention(h), (T, h*e), 4*(h*e)**2, 4*T*(h*e)**2 + T*h*e**2 + T*h*e),
    "Retention": (la.Retention(h), (T, h*e), 5*(h*e)**2, 5*T*(h*e)**2 + T*h*e**2),
    "ChunkedRetention": (la.ChunkedRetention(q), (n*q, d), 3*d**2, 3*n*q*d**2 + 2*n*q**2*d + n*q*d**2 + n*q*d**2),
    "GatedLinearAttention": (la.GatedLinearAttention(h, r), (T, h*e), 5*(h*e)**2 + 2*h*e*r + 2*h*e, 5*T*(h*e)**2 + 2*T*h*e*r + T*h*e**2),
    "ExternalAttention": (la.ExternalAttention(n), (T, f), 2*n*f, 2*T*n*f),
    "PerceiverAttention": (
        la.PerceiverAttention(n, h*e, h), (T, f), n*h*e + 2*(h*e)**2 + 2*h*e*f, 2*n*(h*e)**2 + 2*T*h*e*f + 2*n*T*h*e,
    ),
    "SlotAttention": (
        la.SlotAttention(n, d, m, r), (T, f), 2*d*f + d**2 + 6*d**2 + 6*d + 2*m*d + m + d, 2*T*d*f + r*n*(7*d**2 + 2*m*d + 2*T*d),
    ),
    "CapsuleRouting": (la.CapsuleRouting(m, d, r), (n, f), n*m*d*f, n*m*d*f + r*(n*m*d + m*d + n*m*d)),
    "NetVLAD": (la.NetVLAD(k), (T, f), 2*k*f + k, 2*T*k*f),
    "SpectralConv": (la.SpectralConv(o, k), (c, T), 2*k*c*o, 4*k*c*o),
    "DiagonalStateSpace": (la.DiagonalStateSpace(n), (T, f), f*(4*n + 2), 2*T*f*n + T**2*f),
    "FourierMixing": (la.FourierMixing(), (T, f), 0, 0),
    "MinGRU": (la.MinGRU(m), (T, f), 2*m*(f + 1), 2*T*m*f),
    "QuasiRNN": (la.QuasiRNN(m, k), (T, f), 3*m*f*k, 3*T*m*f*k),
    "RealGatedLRU": (la.RealGatedLRU(), (T, f), 2*f*(f + 1) + f, 2*T*f**2),
    "MatrixLSTM": (
        la.MatrixLSTM(h), (T, h*e), 4*(h*e + 1)*h*e + 2*(h*e + 1)*h, 4*T*(h*e)**2 + 2*T*h*h*e + T*h*e**2 + T*h*e,
    ),
    "FiLM": (la.FiLM(), [(c, H, W), (k,)], 2*c*(k + 1), 2*c*k),
    "Highway": (la.Highway(), (T, f), 2*f*(f + 1), 2*T*f**2),
    "CrossLayer": (la.CrossLayer(), [(f,), (f,)], f**2 + f, f**2),
    "BilinearMap": (la.BilinearMap(o), [(f,), (k,)], o*f*k + o, o*f*k),
    "FactorizationMachine": (la.FactorizationMachine(k), (n,), n*k + n + 1, 2*n*k + n),
    "SpatialGating": (la.SpatialGating(), (T, 2*f), T**2 + T + 2*f, T**2*f),
    "EfficientChannelAttention": (la.EfficientChannelAttention(3), (c, H, W), 3, 3*c),
    "GeneralizedMeanPool": (la.GeneralizedMeanPool(), (c, H, W), c, 0),
    "P4LiftingConv": (la.P4LiftingConv(o, 3), (c, H, W), 9*o*c, 4*9*o*c*(H - 2)*(W - 2)),
    "P4Conv": (la.P4Conv(o, 3), (4*c, H, W), 4*9*o*c, 4*4*9*o*c*(H - 2)*(W - 2)),
    "DeepSets": (la.DeepSets(o), (n, f), 2*f*o + o, n*f*o + f*o),
    "NonLocal": (la.NonLocal(m), (c, H, W), 4*c*m, 4*H*W*c*m + 2*(H*W)**2*m),
    "LinearBiasAttention": (la.LinearBiasAttention(h), (T, h*e), 4*(h*e)**2, 4*T*(h*e)**2 + 2*T**2*h*e),
    "SinusoidalEmbedding": (la.SinusoidalEmbedding(), (T, f), 0, 0),
    "LatentAttention": (
        la.LatentAttention(h, e, c, q, 2*r), (T, d), c*d + 2*h*e*c + q*d + h*e*q + 2*r*h*q + 2*r*d + d*h*e,
        T*(c*d + 2*h*e*c + q*d + h*e*q + 2*r*h*q + 2*r*d + d*h*e) + T**2*h*(e + 2*r + e),
    ),
    "LinformerAttention": (la.LinformerAttention(h, k), (T, h*e), 4*(h*e)**2 + 2*T*k, 4*T*(h*e)**2 + 2*k*T*h*e + 2*T*k*h*e),
    "AttentionFree": (la.AttentionFree(), (T, f), 3*f**2 + T**2, 3*T*f**2 + 2*T**2*f),
    "RWKVTimeMixing": (la.RWKVTimeMixing(), (T, f), 4*f**2 + 3*f + 2*f, 4*T*f**2),
    "RWKVChannelMixing": (la.RWKVChannelMixing(h), (T, f), f**2 + 2*f*h + 2*f, T*f**2 + 2*T*f*h),
    "LongformerAttention": (la.LongformerAttention(h, k, q), (T, f), 4*f**2, 4*T*f**2 + 2*T**2*f),
    "BigBirdAttention": (la.BigBirdAttention(h, k, q, r), (T, f), 4*f**2, 4*T*f**2 + 2*T**2*f + 2*T*r*f),
    "StridedSparseAttention": (la.StridedSparseAttention(h, k), (T, f), 4*f**2, 4*T*f**2 + 2*T**2*f),
    "Hyena": (
        la.Hyena(n, k, m), (T, f), (n + 1)*f**2 + 3*(n + 1)*f + (2*k + 3)*m + n*f*m + n*f + f**2,
        (n + 1)*T*f**2 + 3*(n + 1)*T*f + T*n*f*m + n*T**2*f + T*f**2,
    ),
    "HungryHippo": (la.HungryHippo(k, n), (T, f), 4*f**2 + k*f + 3*n*f, 4*T*f**2 + T*k*f + T*n*f),
    "StateSpaceDuality": (la.StateSpaceDuality(h, n), (T, h*p), h*p*(2*n + h) + 3*h, T*h*p*(2*n + h) + T*h*p*n),
    "DeltaNet": (la.DeltaNet(h), (T, h*e), 4*(h*e)**2 + h*h*e + e, 4*T*(h*e)**2 + T*h*h*e + 2*T*h*e + 2*T*h*e**2),
    "GatedDeltaNet": (
        la.GatedDeltaNet(h), (T, h*e), 5*(h*e)**2 + 2*h*h*e + 2*h + e, 5*T*(h*e)**2 + 2*T*h*h*e + 2*T*h*e + 2*T*h*e**2,
    ),
    "TTTLinear": (la.TTTLinear(m), (T, f), 3*m*f + m**2, 3*T*m*f + 2*T*m**2),
    "ScalarLSTM": (la.ScalarLSTM(h, m), (T, f), 4*h*m*(f + m + 1), 4*T*h*m*(f + m)),
    "Butterfly": (la.Butterfly(k), (2**k,), 2*k*2**k, 2*k*2**k),
    "TensorTrainLinear": (
        la.TensorTrainLinear(m, n, o, p, q, r), (T, k*p*q), k*m*r + r*p*n*r + r*q*o + m*n*o,
        T*(k*p*q*m*r + p*q*m*n*r**2 + q*m*n*o*r),
    ),
    "ConvLSTM": (la.ConvLSTM(m, 3), (T, H, W, f), 4*(9*m*(f + m) + m) + 3*m*H*W, 4*T*H*W*9*m*(f + m)),
    "PerformerAttention": (la.PerformerAttention(h, r), (T, h*e), 4*(h*e)**2, 4*T*(h*e)**2 + 2*T*h*e + 2*T*h*e*r + 2*T*h*e*r + T*h*r),
    "CosformerAttention": (la.CosformerAttention(h), (T, h*e), 4*(h*e)**2, 4*T*(h*e)**2 + 2*T*h*e*e + 2*T*h*e*e + 2*T*h*e),
    "TalkingHeadsAttention": (la.TalkingHeadsAttention(h), (T, f), 4*f**2 + 2*h**2, 4*T*f**2 + 2*T**2*f + 2*T**2*h**2),
    "SoftMixtureOfExperts": (la.SoftMixtureOfExperts(n, p, m), (T, f), n*p*f + 2*n*m*f, 3*T*n*p*f + 2*n*p*m*f),
    "LSTMCell": (la.LSTMCell(m), [(f,), (m,), (m,)], 4*m*(f + m + 2), 4*m*(f + m)),
    "SwitchMixtureOfExperts": (la.SwitchMixtureOfExperts(n, m, k), (T, f), n*f + 2*n*m*f, T*n*f + 2*T*m*f),
}  # fmt: skip

OPERATIONS: dict[str, Any] = {
    # all operations: what is multiplied, added, and the rest
    "GraphConv": 2*N*f*o + E + N + (2*E + E*o + E*o) + (N*o + N*o + N*o),
    "GraphAttention": 2*N*h*o*f + 4*N*h*o + E*h + (E*h + E*h + E*h) + E*h + E*h + 2*E*h*o,
    "GraphIsomorphism": E*f + (1 + 2*N*f) + (2*N*h*f + N*h + N*h) + (2*N*o*h + N*o),
    "EdgeConv": E*f + (4*E*f*o + E*o + E*o) + E*o,
    "SparseMixtureOfExperts": 2*T*n*f + T*n*ceiling(log(k + 1, 2)) + 3*T*k + (2*T*k*h*f + T*k*h) + 2*T*k*f*h + 2*T*k*f,
    "ExpertChoice": 2*T*n*f + 3*T*n + T*n*ceiling(log(k + 1, 2)) + (2*n*k*h*f + n*k*h) + 2*n*k*f*h + 2*n*k*f,
    "VectorQuantizer": 3*T*n*f + T*n,
    "KMaxPool": c*T*ceiling(log(k + 1, 2)) + c*k*ceiling(log(k + 1, 2)),
    "MedianFilter": c*(T - 4)*5*2,
    "SpectralConv": 2*2*c*k*T + 2*4*k*c*o + 2*k*o + 2*2*o*T*k + o*T,
    "FourierMixing": 2*2*T*f**2 + 2*2*T**2*f + T*f,
    "Monarch": 2*T*(b*n**2 + n*b**2),
    "MinGRU": 2*(2*T*m*f + T*m) + T*m + T*m + 2*T*m + T*m,
    "Highway": 2*(2*T*f**2 + 2*T*f) + 4*T*f,
    "P4LiftingConv": 4*9*o*c*(4 + 3) + 2*4*9*o*c*(H - 2)*(W - 2),
    "DeepSets": n*f + 2*f*o + 2*n*f*o + 3*n*o,
    "SinusoidalEmbedding": T*f,
}  # fmt: skip
"""By hand as well; those that are not here are held by enumeration alone."""


def same(found: Any, hand: Any) -> bool:
    return bool(expand((found - hand).rewrite(floor)) == 0)


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_counts_by_hand(name: str) -> None:
    layer, on, parameters, macs = BY_HAND[name]
    assert type(layer).__name__ == name
    for metric, hand in (("parameters", parameters), ("macs", macs)):
        found = la.derive(metric, layer, on=on)
        assert found.kind == "exact"
        assert same(found.formula, hand), f"{metric}: {found.formula}, by hand {hand}"
    if name in OPERATIONS:
        found = la.derive("flops", layer, on=on)
        assert same(found.formula, OPERATIONS[name]), f"{found.formula}, by hand {OPERATIONS[name]}"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_everything_else_by_enumeration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, shapes = SAMPLES[name]
    fields = {field: plain(getattr(layer, field)) for field in layer.fields}
    draw = Draw(inspect.cleandoc(layer.equation), fields, shapes, layer.input_names, layer.buffers, layer.outputs)
    monkeypatch.setattr(language_agreement, "as_layer", lambda _: layer)
    assert language_agreement.disagreement(draw, symbolic=True) is None


def test_samples_and_counts_by_hand_are_of_the_same_layers() -> None:
    assert set(SAMPLES) == set(BY_HAND)
    assert set(OPERATIONS) <= set(BY_HAND)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_rest_of_the_library_works_or_refuses_by_name(name: str) -> None:
    layer, shapes = SAMPLES[name]
    on = shapes[0] if len(shapes) == 1 else list(shapes)
    for ask in (
        lambda: la.latex(layer),
        lambda: la.latex_equation(layer, list(shapes)),
        lambda: la.layer_complexity(layer, on=on),
        lambda: la.capacity_propagation(layer, on=on),
        lambda: la.capacity_allocation(layer, on=on),
        lambda: la.receptive_field(layer, on=on),
        lambda: la.intrinsic_power(layer, on=on),
        lambda: la.linear_regions(layer, on=on),
        lambda: la.vc_dimension(layer, on=on),
    ):
        try:
            assert ask() is not None
        except la.LayerAlgebraError as error:
            assert len(str(error)) > 20
