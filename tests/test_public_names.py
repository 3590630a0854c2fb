"""The public names: none is lost, each is what its file holds, and the stub for editors has them all."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import public_stub
import pytest
from sympy import Integer

import layeralgebra as la
from layeralgebra.algebra.derivations.metric import SumCarrier

ROOT = Path(__file__).resolve().parents[1]

#: The names of release 0.1.0: more may come, none may go.
NAMES = """
    Abs AdaptiveAvgPool Add AuxiliaryClassifier AvgPool BatchNorm BudgetError Buffer ChannelNorm ChannelPad
    ChannelScale ChannelShuffle ChannelSlice ClassToken Concat Conv ConvTranspose CosineWindowAttention Crop
    CrossAttention Derivation Derivations Dim Divide Domain DomainError DotProductAttention Dropout ELU Einsum
    Embedding EquationError Erf Exp Expand FeatureScale FeatureSlice FieldError Flag Flatten Flip GELU GRU GRUCell
    GlobalAvgPool GlobalMaxPool Graph GraphError GroupNorm Hardsigmoid Hardswish Hardtanh Identity Input
    InstanceNorm LSTM Last Layer LayerAlgebraError LayerNorm LeakyReLU Linear Log Margin Masked MaxPool Maximum
    Mean Metric Mish MixtureOfExperts Mul MultiHeadAttention Network Number PReLU Pad Parameter Permute
    PixelShuffle PixelUnshuffle PositionSlice PositionalEmbedding Power RMSNorm RNN ReLU ReLU6 RelativeAttention
    Repeat Reshape Roll RotaryAttention RotaryEmbedding Scale Select SelectiveStateSpace Series ShapeError
    Shared Shift SiLU Sigmoid Sine Size Sizes Slice Softmax Softplus Sqrt StochasticDepth Subtract Sum Table
    Take Tanh Text Tokens UnsupportedError Untokens Upsample WindowAttention activation_decoupling activations
    active_experts attention_circuits capacity_allocation capacity_baldi_vershynin capacity_deep_limit
    capacity_propagation check codegen compare compile depth derive dims elasticity flops formula_text
    from_jax from_keras from_networkx from_onnx from_torch functional_dimension gradient intrinsic_power latex
    latex_document latex_equation layer_complexity leading_term linear_predictor linear_regions macs metrics
    network_graph neural_persistence node_table optimize output_shape parameters pareto persistent_homology
    plot_heatmap plot_pareto plot_profile plot_scaling plot_terms proofs receptive_field registered_layers
    report_latex run scaling_exponent section_latex sensitivity simplify solve_for squeeze_excite stage_table
    stages_of sweep to_dot to_graphml to_mermaid to_tikz to_torch topological_similarity transfer vc_dimension
    weights zoo
""".split()
PROOFS = """
    Certificate Law ProofTable Proved Refuted Report Statement Undecided Witness assert_lawful attempt check
    export law laws named prove refute strategies test_of testing weakened
""".split()


def test_no_public_name_is_lost() -> None:
    assert len(NAMES) == 193 and set(NAMES) <= set(la.__all__) <= set(dir(la))
    assert set(PROOFS) <= set(la.proofs.__all__)
    for name in (*la.__all__, "METRICS"):
        assert getattr(la, name) is not None
    assert all(getattr(la.proofs, name) is not None for name in la.proofs.__all__)


def test_no_public_name_means_two_things() -> None:
    names = Counter([*la._homes(), *la._MODULES, *la.REGISTRY, *la.COMPOSITIONS, *la._metrics()])
    assert not [name for name, times in names.items() if times > 1]


def test_unknown_names_are_refused() -> None:
    for module in (la, la.algebra.solving):
        with pytest.raises(AttributeError, match="has no attribute 'Convv'"):
            module.Convv  # noqa: B018


def test_a_metric_of_ones_own_is_there_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(la.METRICS, "_known", dict(la.METRICS._known))
    mine: la.Metric = la.Metric("nodes_of_mine", "nodes", "", lambda: SumCarrier(lambda site: Integer(1)), "a count")
    assert la.nodes_of_mine is mine and "nodes_of_mine" in la.__all__
    monkeypatch.delattr(la, "nodes_of_mine")


@pytest.mark.parametrize("first", ["la.optimize", "importlib.import_module('layeralgebra.algebra.solving.optimize')"])
def test_a_function_called_as_its_file_is_the_function(first: str) -> None:
    code = f"import importlib, layeralgebra as la; {first}; assert callable(la.optimize) and callable(la.run)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_one_metric_loads_one_file() -> None:
    code = (
        "import sys, layeralgebra as la; la.macs; here = 'layeralgebra.algebra.metrics.'\n"
        "print(*(name.removeprefix(here) for name in sys.modules if name.startswith(here)))"
    )
    made = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert made.stdout.split() == ["macs"]


def test_the_stub_is_up_to_date() -> None:
    assert public_stub.STUB.read_text(encoding="utf-8") == public_stub.stub(), "write it again: make stubs"
