"""One small sample of each registered layer of the published families: the layer at numbers and the shapes of its inputs."""

from __future__ import annotations

import layeralgebra as la

GRAPH = ((3, 2), (4,), (4,))
EDGES = ((3, 2), (4, 2), (4,), (4,))

SAMPLES: dict[str, tuple[la.Layer, tuple[tuple[int, ...], ...]]] = {
    type(layer).__name__: (layer, tuple(shapes))
    for layer, *shapes in (  # type: ignore[misc]
        (la.GraphConv(2), *GRAPH), (la.GraphAttention(2, 2), *GRAPH), (la.GraphIsomorphism(2, 2), *GRAPH), (la.GraphSAGE(2), *GRAPH),
        (la.EdgeConv(2), *GRAPH), (la.EdgeConditionedConv(2), *EDGES), (la.MessagePassing(), *EDGES),
        (la.SparseMixtureOfExperts(3, 2, 2), (2, 3)), (la.ExpertChoice(2, 2, 2), (3, 2)), (la.ProductKeyMemory(3, 2, 2, 2, 2), (2, 3)),
        (la.VectorQuantizer(3), (2, 2, 2)), (la.KMaxPool(2), (2, 4)), (la.MedianFilter(3), (2, 5)),
        (la.CondConv(2, 2, 2), (2, 3, 4)), (la.DeformableConv(2, 3), (1, 2, 3)), (la.Involution(3, 2, 2), (2, 3)),
        (la.Monarch(3), (2, 6)), (la.LowRankLinear(3, 2), (2, 2)), (la.LoRA(3, 2, 2), (2, 2)), (la.DoRA(3, 2), (2, 2)),
        (la.WeightNormLinear(3), (2, 2)), (la.CirculantLinear(), (2, 3)), (la.KroneckerLinear(2, 3, 2), (2, 4)), (la.KAN(2, 3), (2, 2)),
        (la.LinearAttention(2), (3, 4)), (la.CausalLinearAttention(2), (3, 4)), (la.Retention(2), (3, 4)),
        (la.ChunkedRetention(2), (4, 2)), (la.GatedLinearAttention(2, 2), (3, 4)), (la.ExternalAttention(3), (3, 2)),
        (la.PerceiverAttention(2, 4, 2), (3, 2)), (la.SlotAttention(2, 2, 2, 2), (3, 2)), (la.CapsuleRouting(2, 2, 2), (2, 2)),
        (la.NetVLAD(2), (3, 2)), (la.SpectralConv(2, 2), (2, 5)), (la.DiagonalStateSpace(2), (3, 2)), (la.FourierMixing(), (3, 2)),
        (la.MinGRU(2), (3, 2)), (la.QuasiRNN(2, 2), (3, 2)), (la.RealGatedLRU(), (3, 2)), (la.MatrixLSTM(2), (2, 4)),
        (la.FiLM(), (2, 3, 2), (2,)), (la.Highway(), (2, 2)), (la.CrossLayer(), (3,), (3,)), (la.BilinearMap(2), (3,), (2,)),
        (la.FactorizationMachine(2), (3,)), (la.SpatialGating(), (3, 4)), (la.EfficientChannelAttention(3), (4, 2, 2)),
        (la.GeneralizedMeanPool(), (2, 3, 2)),
        (la.P4LiftingConv(1, 2), (2, 3, 3)),
        (la.P4Conv(1, 2), (4, 3, 2)),
        (la.DeepSets(2), (3, 2)),
        (la.NonLocal(2), (2, 2, 2)),
        (la.LinearBiasAttention(2), (3, 4)),
        (la.SinusoidalEmbedding(), (3, 4)),
        (la.LatentAttention(2, 2, 2, 3, 4), (2, 3)),
        (la.LinformerAttention(2, 2), (3, 4)),
        (la.AttentionFree(), (3, 2)),
        (la.RWKVTimeMixing(), (3, 2)),
        (la.RWKVChannelMixing(3), (3, 2)),
        (la.LongformerAttention(2, 1, 1), (4, 2)), (la.BigBirdAttention(1, 1, 1, 2), (4, 2)), (la.StridedSparseAttention(2, 2), (4, 2)),
        (la.Hyena(2, 1, 2), (3, 2)), (la.HungryHippo(2, 2), (3, 2)), (la.StateSpaceDuality(2, 2), (3, 2)),
        (la.DeltaNet(1), (3, 2)), (la.GatedDeltaNet(1), (3, 2)), (la.TTTLinear(2), (3, 2)), (la.ScalarLSTM(2, 1), (3, 2)),
        (la.Butterfly(2), (4,)), (la.TensorTrainLinear(2, 1, 3, 1, 2, 2), (2, 4)), (la.ConvLSTM(2, 2), (2, 3, 1)),
        (la.PerformerAttention(1, 3), (3, 2)), (la.CosformerAttention(2), (3, 2)), (la.TalkingHeadsAttention(2), (3, 2)),
        (la.SoftMixtureOfExperts(2, 2, 2), (3, 2)), (la.SwitchMixtureOfExperts(2, 2, 1), (3, 2)),
        (la.LSTMCell(2), (3,), (2,), (2,)),
    )
}  # fmt: skip
"""By the names of the classes."""
