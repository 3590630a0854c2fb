"""For every public callable and every error that its docstring names, a call that raises it; used by the tests."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import pytest
from sympy import Derivative, Integer, Rational, Sum, Symbol, cos, floor, log, pi, zeta

import layeralgebra as la
from layeralgebra import (
    GELU,
    Add,
    Conv,
    Flatten,
    Identity,
    Input,
    Linear,
    MultiHeadAttention,
    ReLU,
    Softmax,
    proofs,
)
from layeralgebra.algebra.networks.carrier import Loop
from layeralgebra.proofs.statements.term import Integer as AnyInteger
from layeralgebra.proofs.statements.term import Var

Call = Callable[[], Any]

c, H, L, n = la.dims("c H L n")
P = Symbol("P", positive=True)
SMALL = Conv(3, 5), (3, 2, 2)  # a window that does not fit
CLOSED = Input(3) >> Linear(4)
TWO = la.Graph({"a": Input(3), "b": Input(3), "sum": Add()}, [("a", "sum"), ("b", "sum")])
BLOCK = Identity() + Conv(1, 3, padding=1, bias=False)


class Level(la.Layer):
    """Zero, whatever enters."""

    equation = "y[i] = abs(x[i]) - abs(x[i])"


class BothHalves(la.Layer):
    """Two outputs."""

    inputs, outputs = ("x",), ("first", "second")
    equation = """
        first[i] = x[i]
        second[i] = 2 * x[i]
    """


BOTH_HALVES = BothHalves()
CURVE = Derivative(zeta(c), c)  # a formula of nothing that is computed
MANY = Integer(10) ** 5000  # more digits than Python writes
CONV = la.derive(la.macs, Conv(c, 3), on=(3, H))
COUNTS = la.derive(la.parameters, CLOSED)
OTHERS = COUNTS + la.derive(la.parameters, CLOSED >> ReLU())


def metric_calls(metric: Any, **more: Call) -> dict[str, Call]:
    """What every metric refuses, and what this one does."""
    return {
        "FieldError": lambda: metric(Linear(3), on=(3,), no_such_option=1),
        "ShapeError": lambda: metric(*SMALL),
        "GraphError": lambda: metric(CLOSED, on=(3,)),
        **more,
    }


def net_calls(function: Callable[..., Any], **more: Call) -> dict[str, Call]:
    """What a function of a network and its input refuses."""
    return {"FieldError": lambda: function(3), "ShapeError": lambda: function(Linear(3)), **more}


def graph_calls(function: Callable[..., Any], **more: Call) -> dict[str, Call]:
    return net_calls(function, UnsupportedError=lambda: function(Softmax(), on=(3,)), **more)


def needs(package: str, call: Call) -> Call:
    """A call that is skipped where a package is absent."""

    def guarded() -> Any:
        pytest.importorskip(package)
        return call()

    return guarded


def without(package: str, call: Call) -> Call:
    """A call as it goes where a package is absent; what else it imports stays imported."""

    def guarded() -> Any:
        held = sys.modules.get(package)
        sys.modules[package] = None  # type: ignore[assignment]  # as import looks for it
        try:
            return call()
        finally:
            del sys.modules[package]
            if held is not None:
                sys.modules[package] = held

    return guarded


def data() -> Any:
    return la.sweep({"a": c * L, "b": c}, {c: [1, 2], L: [1, 2]})


def onnx_graph() -> Any:
    parser = pytest.importorskip("onnx.parser")
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[N, 3] x) => (float[N, 3] y) { y = Relu(nowhere) }'
    Path("graph.onnx").write_bytes(parser.parse_model(text).SerializeToString())
    return la.from_onnx("graph.onnx")


def onnx_output() -> Any:
    parser = pytest.importorskip("onnx.parser")
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }'
    Path("graph.onnx").write_bytes(parser.parse_model(text).SerializeToString())
    return la.from_onnx("graph.onnx", outputs="nowhere")


def onnx_operator() -> Any:
    parser = pytest.importorskip("onnx.parser")
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[N, 3] x) => (float[N, 3] y) { y = NoSuchOperator(x) }'
    Path("graph.onnx").write_bytes(parser.parse_model(text).SerializeToString())
    return la.from_onnx("graph.onnx")


def keras_layer() -> Any:
    keras = pytest.importorskip("oracles.keras_on_torch", exc_type=ImportError).keras
    return la.from_keras(keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(2)]))


def unread_equation() -> Any:
    return type("Unread", (la.Layer,), {"equation": "y[i] = ("})().instance((3,))


def many_maps() -> Any:
    """A sum over a cube whose arrays are read along directions that generate many subgroups."""
    product = "x1[i + j]*x2[i + k]*x3[j + 2*k]*x4[k + 3*l]*x5[i + l]*x6[2*j + l]"
    return la.Formula(f"y = sum[i, j, k, l]({product})\nwhere i < 3, j < 3, k < 3, l < 3")


def many_copies() -> Any:
    (item,) = CONV.domain
    copy = Symbol("l", integer=True, nonnegative=True)
    growing = dataclasses.replace(item.condition, relation=item.condition.relation.subs(H, H + copy))
    inside = dataclasses.replace(item, condition=growing, loops=(Loop(copy, L),))
    return la.Domain([inside]).check({H: 9, L: 20_000})


def unlawful() -> type:
    return type(
        "Unlawful",
        (la.Layer,),
        {"equation": "y[c] = w[c]*x[c]", "claims": {"parameters": lambda self, shape: 3 * shape[0]}},
    )


def claiming_roots() -> type:
    return type(
        "Rooted",
        (la.Layer,),
        {"equation": "y[c] = 2*x[c]", "claims": {"output_shape": lambda self, shape: (shape[0] ** Rational(1, 2),)}},
    )


def exchanged(**changes: Any) -> Any:
    """A law, or what is wrong with it."""

    def exchange(a: AnyInteger, b: AnyInteger) -> Any:
        return a * b, b * a

    slips = {"added": lambda a, b: (a * b, a + b), "dropped": lambda a, b: (a * b, b)}
    return proofs.law(**{"routes": "ring", "mutants": slips, "register": False, **changes})(exchange)


def statement(relation: str) -> Any:
    one = Var("n", least=1)
    return proofs.Statement((one,), (), (), (one,), relation, (one,))


CALLS: dict[str, dict[str, Call]] = {
    # networks
    "Add": {"FieldError": lambda: Add(Linear)},
    "Mul": {"FieldError": lambda: la.Mul(3)},
    "Concat": {"FieldError": lambda: la.Concat(Linear(3), axis="channels")},
    "Series": {"FieldError": lambda: la.Series(), "GraphError": lambda: la.Series(Linear(3), Input(3))},
    "Repeat": {"FieldError": lambda: la.Repeat(Linear(3), -1), "GraphError": lambda: la.Repeat(CLOSED, 2)},
    "Shared": {"FieldError": lambda: la.Shared(Linear(3), "")},
    "Input": {"FieldError": lambda: Input(0)},
    "Selected": {
        "FieldError": lambda: la.Selected(3, "a"),
        "GraphError": lambda: la.Selected(Linear(3), "a"),
    },
    "Graph": {
        "FieldError": lambda: la.Graph({"a": 3}),
        "GraphError": lambda: la.Graph({"a": Linear(3)}, [("a", "b")]),
    },
    "Layer": {"FieldError": lambda: la.Layer(), "EquationError": unread_equation},
    "from_networkx": {"GraphError": lambda: la.from_networkx(networkx.DiGraph())},
    "stages_of": {
        "FieldError": lambda: la.stages_of(CLOSED, {"a": ReLU()}),
        "ShapeError": lambda: la.stages_of(Conv(3, 3) >> ReLU()),
    },
    "to_dot": {"FieldError": lambda: la.to_dot(3)},
    "to_mermaid": {"FieldError": lambda: la.to_mermaid(3)},
    "to_tikz": {
        "FieldError": lambda: la.to_tikz(3),
        "ShapeError": lambda: la.to_tikz(la.Conv(8, 3), level="equation", on=(4, 2, 2)),
    },
    "to_svg": {
        "FieldError": lambda: la.to_svg(3),
        "ShapeError": lambda: la.to_svg(la.Conv(8, 3), level="equation", on=(4, 2, 2)),
    },
    "report": {
        "FieldError": lambda: la.report(3, "out"),
        "FileError": lambda: la.report(CLOSED, Path(__file__).parent / "conftest.py"),
        "ShapeError": lambda: la.report(Linear(4), "out"),
    },
    "to_graphml": {
        "FieldError": lambda: la.to_graphml(3),
        "FileError": lambda: la.to_graphml(Linear(3), "no-such-folder/net.graphml"),
    },
    "squeeze_excite": {"FieldError": lambda: la.squeeze_excite(0, 1)},
    "active_experts": {"FieldError": lambda: la.active_experts(3)},
    # metrics and what derives them
    **{
        name: metric_calls(getattr(la, name))
        for name in (
            "activations", "depth", "flops", "macs", "output_shape", "parameters", "receptive_field",
        )
    },
    "intrinsic_power": metric_calls(
        la.intrinsic_power,
        UnsupportedError=lambda: la.intrinsic_power(la.Graph({"learned": la.Parameter((2, 3))}, [])),
    ),
    "capacity_baldi_vershynin": metric_calls(
        la.capacity_baldi_vershynin, UnsupportedError=lambda: la.capacity_baldi_vershynin(Conv(3, 3), on=(3, 8, 8)),
        DomainError=lambda: la.capacity_baldi_vershynin(Linear(5), on=(1,)),
    ),
    "layer_complexity": metric_calls(
        la.layer_complexity,
        UnsupportedError=lambda: la.layer_complexity(GELU(), on=(3,)),
        BudgetError=lambda: la.layer_complexity(Linear(20_000) >> ReLU(), on=(20_000,), method="histogram"),
    ),
    "linear_regions": metric_calls(
        la.linear_regions,
        UnsupportedError=lambda: la.linear_regions(Linear(n) >> ReLU(), on=(3,)),
        DomainError=lambda: la.linear_regions(Linear(2) >> ReLU(), on=(3,), bound="montufar_2014"),
    ),
    "vc_dimension": metric_calls(
        la.vc_dimension,
        UnsupportedError=lambda: la.vc_dimension(GELU(), on=(3,)),
        DomainError=lambda: la.vc_dimension(Linear(1), on=(3,)),
    ),
    "Metric": {"FieldError": lambda: la.Metric("macs", "", "", None, "")},
    "derive": {
        "FieldError": lambda: la.derive("no_such_metric", CLOSED),
        "ShapeError": lambda: la.derive(la.macs, Linear(3)),
        "GraphError": lambda: la.derive(la.macs, CLOSED, on=(3,)),
        "UnsupportedError": lambda: la.derive(la.vc_dimension, GELU(), on=(3,)),
    },
    "transfer": net_calls(
        la.transfer,
        GraphError=lambda: la.transfer(CLOSED, on=(3,)),
        UnsupportedError=lambda: la.transfer(GELU(), on=(3,)),
    ),
    "Derivation": {"DomainError": lambda: CONV(H=2, c=3), "FieldError": lambda: CONV(H=8)},
    "Derivations": {
        "DomainError": lambda: (CONV + la.derive(la.parameters, Conv(c, 3), on=(3, H)))(H=2, c=3),
        "FieldError": lambda: OTHERS["macs"],
    },
    "Domain": {"DomainError": lambda: CONV.domain.check({H: 1}), "BudgetError": many_copies},
    "compare": {
        "FieldError": lambda: la.compare({}),
        "ShapeError": lambda: la.compare({"open": Linear(3)}),
        "GraphError": lambda: la.compare({"closed": CLOSED}, on=(3,)),
        "DomainError": lambda: la.compare({"conv": Conv(c, 3)}, on=(3, H), at={"H": 1, "c": 1}),
    },
    "node_table": {"FieldError": lambda: la.node_table(OTHERS)},
    "stage_table": {"FieldError": lambda: la.stage_table(OTHERS), "DomainError": lambda: la.stage_table(CONV, at={"H": 1, "c": 1})},
    "run": {
        "FieldError": lambda: la.run(Linear(3), [1, 2], {}),
        "ShapeError": lambda: la.run(Conv(3, 5), [[1]]),
        "DomainError": lambda: la.run(la.Embedding(3, 2), [7]),
        "GraphError": lambda: la.run(TWO, [1, 2, 3]),
    },
    "weights": {"FieldError": lambda: la.weights(Linear(n), on=(3,)), "ShapeError": lambda: la.weights(Linear(3))},
    # capacity and topology
    "activation_decoupling": {
        "FieldError": lambda: la.activation_decoupling(ReLU),
        "DomainError": lambda: la.activation_decoupling(la.ReLU() >> Level()),
        "UnsupportedError": lambda: la.activation_decoupling(Softmax()),
    },
    "attention_circuits": {
        "UnsupportedError": lambda: la.attention_circuits(Linear(3), on=(3,)),
        "ShapeError": lambda: la.attention_circuits(MultiHeadAttention(2)),
    },
    "capacity_allocation": net_calls(
        la.capacity_allocation, UnsupportedError=lambda: la.capacity_allocation(Linear(3) >> ReLU(), on=(3,))
    ),
    "linear_predictor": net_calls(
        la.linear_predictor, UnsupportedError=lambda: la.linear_predictor(Linear(3) >> ReLU(), on=(3,))
    ),
    "capacity_propagation": net_calls(
        la.capacity_propagation,
        DomainError=lambda: la.capacity_propagation(Linear(1), {"W": [[0]], "b": [0]}, on=(1,)),
        UnsupportedError=lambda: la.capacity_propagation(Softmax(), on=(3,)),
    ),
    "capacity_deep_limit": {
        "FieldError": lambda: la.capacity_deep_limit(3, 1),
        "ShapeError": lambda: la.capacity_deep_limit(BLOCK, 1),
        "UnsupportedError": lambda: la.capacity_deep_limit(Linear(3), 1),
    },
    "scaling_exponent": {
        "FieldError": lambda: la.scaling_exponent(3),
        "ShapeError": lambda: la.scaling_exponent(BLOCK),
        "UnsupportedError": lambda: la.scaling_exponent(Linear(3) >> Flatten() >> Linear(3), on=(3,)),
    },
    "functional_dimension": {
        "FieldError": lambda: la.functional_dimension([2]),
        "BudgetError": lambda: la.functional_dimension([2, 1000, 1000]),
    },
    "network_graph": graph_calls(la.network_graph),
    "persistent_homology": graph_calls(
        la.persistent_homology,
        DomainError=lambda: la.persistent_homology(Linear(2, bias=False), {"W": [[0, 0], [0, 0]]}, (2,)),
    ),
    "neural_persistence": graph_calls(
        la.neural_persistence,
        FieldError=lambda: la.neural_persistence([]),
        DomainError=lambda: la.neural_persistence([[[0, 0]]]),
    ),
    "topological_similarity": {
        "FieldError": lambda: la.topological_similarity(3, 4),
        "ShapeError": lambda: la.topological_similarity(Linear(3), Linear(3)),
        "UnsupportedError": lambda: la.topological_similarity(Softmax(), Softmax(), on=(3,)),
    },
    # formulas
    "dims": {"FieldError": lambda: la.dims("")},
    "simplify": {"FieldError": lambda: la.simplify("c")},
    "formula_text": {"BudgetError": lambda: la.formula_text(MANY), "FieldError": lambda: la.formula_text(c, form="short")},
    "compile": {
        "FieldError": lambda: la.compile(c, backend="no such backend"),
        "DomainError": lambda: la.compile(c, domain=[c > 3])(c=1),
        "UnsupportedError": lambda: la.compile(CURVE),
    },
    "CompiledFormula": {
        "FieldError": lambda: la.compile(c)(),
        "DomainError": lambda: la.compile(1 / (c - 1))(c=1),
        "UnsupportedError": lambda: la.compile(CURVE),
    },
    "codegen": {
        "FieldError": lambda: la.codegen(c, "no such language"),
        "UnsupportedError": lambda: la.codegen(floor(log(c) + log(H))),
    },
    "gradient": {
        "FieldError": lambda: la.gradient(c, ["c"]),
        "UnsupportedError": lambda: la.gradient(floor(c / 2), [c]),
    },
    "elasticity": {
        "FieldError": lambda: la.elasticity(c, "c"),
        "UnsupportedError": lambda: la.elasticity(Sum(H, (H, 1, c)), c),
    },
    "sensitivity": {
        "FieldError": lambda: la.sensitivity(c * L, at={c: 1}),
        "UnsupportedError": lambda: la.sensitivity(Sum(H, (H, 1, c))),
    },
    "leading_term": {
        "FieldError": lambda: la.leading_term(c, "c"),
        "UnsupportedError": lambda: la.leading_term(cos(c), c),
    },
    "solve_for": {
        "FieldError": lambda: la.solve_for(c, c, at_most=pi),
        "DomainError": lambda: la.solve_for(c, c, at_most=0),
        "UnsupportedError": lambda: la.solve_for(zeta(c), c, at_most=3),
    },
    "optimize": {
        "FieldError": lambda: la.optimize(c, [3], {c: (1, 3)}),
        "DomainError": lambda: la.optimize(c, [c > 5], {c: (1, 3)}),
        "UnsupportedError": lambda: la.optimize(c, [c <= P + cos(c)], {c: (1, 3)}),
    },
    "sweep": {
        "FieldError": needs("xarray", lambda: la.sweep(c, {c: [1.5]})),
        "FileError": needs("xarray", lambda: la.sweep(c, {c: [1]}, to="no-such-folder/sweep.zarr")),
        "BudgetError": needs("xarray", lambda: la.sweep(c, {c: range(1, 10**9)})),
        "DomainError": needs("xarray", lambda: la.sweep(c, {c: [1]}, domain=[c > 3])),
    },
    "pareto": {"FieldError": needs("xarray", lambda: la.pareto(data(), "no such objective"))},
    # pages and pictures
    "latex": {"BudgetError": lambda: la.latex(MANY), "FieldError": lambda: la.latex(c, form="factored", by=c)},
    "latex_document": {"FieldError": lambda: la.latex_document("text", 3)},
    "adjoint": {
        "FieldError": lambda: la.adjoint(3, on=(3,)),
        "ShapeError": lambda: la.adjoint(Linear(3)),
        "UnsupportedError": lambda: la.adjoint(la.Opaque("a step", (2,)), on=(2,)),
    },
    **{
        name: metric_calls(
            getattr(la, name),
            UnsupportedError=lambda name=name: getattr(la, name)(MultiHeadAttention(2), on=(n, 4), recompute="selective"),
        )
        for name in ("saved_activations", "training_flops", "training_macs")
    },
    **{
        name: metric_calls(
            getattr(la, name),
            UnsupportedError=lambda name=name: getattr(la, name)(la.Opaque("a step", (2,)), on=(2,)),
        )
        for name in ("elements_moved", "intensity")
    },
    "peak_memory": metric_calls(
        la.peak_memory,
        UnsupportedError=lambda: la.peak_memory(
            MultiHeadAttention(2), on=(n, 4), training=True, recompute="selective"
        ),
    ),
    "optimizer_memory": metric_calls(la.optimizer_memory),
    "checkpointing": {
        "FieldError": lambda: la.checkpointing(3, 4, on=(3,)),
        "ShapeError": lambda: la.checkpointing(Linear(3), 4),
        "UnsupportedError": lambda: la.checkpointing(la.Identity(), 4, on=(3,)),
    },
    "cache_size": metric_calls(la.cache_size, UnsupportedError=lambda: la.cache_size(MultiHeadAttention(2), on=(n, 4))),
    **{
        name: net_calls(
            getattr(la, name),
            GraphError=lambda name=name: getattr(la, name)(CLOSED, on=(3,)),
            UnsupportedError=lambda name=name: getattr(la, name)(MultiHeadAttention(2), on=(n, 4)),
        )
        for name in ("Incremental", "incremental")
    },
    "backward": net_calls(
        la.backward,
        GraphError=lambda: la.backward(CLOSED, on=(3,)),
        UnsupportedError=lambda: la.backward(la.Opaque("a step", (2,)), on=(2,)),
    ),
    "decoding": {
        "FieldError": lambda: la.decoding(la.GRU(3), 2, on=(n, 4), metric="depth"),
        "ShapeError": lambda: la.decoding(la.GRU(3), 2, 3, on=(4, 4)),
        "GraphError": lambda: la.decoding(CLOSED, 2, on=(3,)),
        "UnsupportedError": lambda: la.decoding(MultiHeadAttention(2), 2, on=(n, 4)),
    },
    "communication": {
        "FieldError": lambda: la.communication(Linear(3), "z", 2, on=(n, 4)),
        "ShapeError": lambda: la.communication(Linear(3), "o", 2, on=(n, 4)),
        "GraphError": lambda: la.communication(CLOSED, "batch", 2, on=(3,)),
        "UnsupportedError": lambda: la.communication(la.Opaque("a step", (2,)), "o", 2, on=(2,)),
    },
    "roofline": {
        "FieldError": lambda: la.roofline(Linear(3), 0, 1, on=(n, 4)),
        "ShapeError": lambda: la.roofline(Linear(3), 1, 1),
        "GraphError": lambda: la.roofline(CLOSED, 1, 1, on=(3,)),
        "UnsupportedError": lambda: la.roofline(la.Opaque("a step", (2,)), 1, 1, on=(2,)),
    },
    "data_movement_bound": {
        "FieldError": lambda: la.data_movement_bound(ReLU(), P, on=(3,)),
        "ShapeError": lambda: la.data_movement_bound(SMALL[0], P, on=SMALL[1]),
        "UnsupportedError": lambda: la.data_movement_bound(la.Formula("y[i] = x[i, j]*x[j, i]"), P, on=(4, 4)),
        "BudgetError": lambda: la.data_movement_bound(many_maps(), P, on=[(12,)] * 6),
    },
    "latex_equation": {
        "FieldError": lambda: la.latex_equation(3),
        "ShapeError": lambda: la.latex_equation(*SMALL),
    },
    "Style": {"FieldError": lambda: la.Style(width="wide")},
    "bibliography": {"FieldError": lambda: la.bibliography(["nobody1900nothing"])},
    "notation_latex": {"FieldError": lambda: la.notation_latex(la.Style())},
    "proposition_latex": {
        "FieldError": lambda: la.proposition_latex(COUNTS, CONV),
        "UnsupportedError": lambda: la.proposition_latex(COUNTS, COUNTS),
    },
    "section_latex": {"FieldError": lambda: la.section_latex("title", 3)},
    "report_latex": {"FieldError": lambda: la.report_latex(OTHERS)},
    "plot_scaling": {
        "FieldError": needs("matplotlib", lambda: la.plot_scaling(c * H, c, [1, 2])),
        "DomainError": needs("matplotlib", lambda: la.plot_scaling(c, c, [-1])),
    },
    "plot_isolines": {"FieldError": lambda: la.plot_isolines(c * H, {c: (1, 2)}, [1])},
    "plot_heatmap": {"FieldError": needs("matplotlib", lambda: la.plot_heatmap(3, "a"))},
    "plot_pareto": {"FieldError": lambda: la.plot_pareto(3, "a", "b")},
    "plot_terms": {"FieldError": lambda: la.plot_terms(la.derive(la.output_shape, CLOSED))},
    "plot_profile": {"FieldError": lambda: la.plot_profile([])},
    # other libraries
    "from_jax": {
        "FieldError": needs("jax", lambda: la.from_jax(3, (3,))),
        "UnsupportedError": without("jax", lambda: la.from_jax(abs, (3,))),
    },
    "from_keras": {"FieldError": lambda: la.from_keras(3), "UnsupportedError": keras_layer},
    "from_onnx": {
        "FileError": needs("onnx", lambda: la.from_onnx("no-such-file.onnx")),
        "FieldError": onnx_output,
        "GraphError": onnx_graph,
        "UnsupportedError": onnx_operator,
    },
    "from_torch": {
        "FieldError": needs("torch", lambda: la.from_torch(3, (3,))),
        "UnsupportedError": without("torch", lambda: la.from_torch(3, (3,))),
    },
    "to_torch": {
        "FieldError": needs("torch", lambda: la.to_torch(Linear(n), on=(3,))),
        "ShapeError": needs("torch", lambda: la.to_torch(Linear(3))),
        "UnsupportedError": without("torch", lambda: la.to_torch(CLOSED)),
    },
    # proofs
    "check": {"FieldError": lambda: la.check(3)},
    "proofs.check": {"FieldError": lambda: proofs.check(la.Linear, examples=0)},
    "proofs.assert_lawful": {
        "FieldError": lambda: proofs.assert_lawful(3),
        "AssertionError": needs("hypothesis", lambda: proofs.assert_lawful(unlawful(), (2,), examples=2)),
    },
    "proofs.test_of": {
        "FieldError": lambda: proofs.test_of(3)(),
        "AssertionError": needs("hypothesis", lambda: proofs.test_of(unlawful(), (2,), examples=2)()),
    },
    "proofs.claims": {
        "FieldError": lambda: proofs.claims(la.Linear(3)),
        "UnsupportedError": lambda: proofs.claims(claiming_roots()(), (la.dims("n"),)),
    },
    "proofs.rewriting": {"FieldError": lambda: proofs.rewriting("f(x)", list, mutants={})},
    "certify": {
        "FieldError": lambda: la.certify("macs"),
        "UnsupportedError": lambda: la.certify(la.derive("depth", Linear(3), on=(2,))),
    },
    "equal": {
        "FieldError": lambda: la.equal(Linear(3), Linear(3), on=(2,), meaning="numbers"),
        "ShapeError": lambda: la.equal(*SMALL[:1], Linear(3), on=SMALL[1]),
        "UnsupportedError": lambda: la.equal(BOTH_HALVES, BOTH_HALVES, on=(2,)),
    },
    "rewrite": {
        "FieldError": lambda: la.rewrite(Linear(3), on=(2,), least="speed"),
        "ShapeError": lambda: la.rewrite(*SMALL),
        "UnsupportedError": without("egglog", lambda: la.rewrite(Linear(3), on=(2,))),
    },
    "proofs.attempt": {"FieldError": lambda: proofs.attempt(proofs.named("nested_floor"), "no such route")},
    "proofs.prove": {"FieldError": lambda: proofs.prove("no_such_law")},
    "proofs.refute": {"FieldError": lambda: proofs.refute(proofs.named("nested_floor"))},
    "proofs.named": {"FieldError": lambda: proofs.named("no_such_law")},
    "proofs.Law": {"FieldError": lambda: proofs.Law("no name", statement("="))},
    "proofs.Statement": {"FieldError": lambda: statement("~")},
    "proofs.law": {"FieldError": lambda: exchanged(routes="no_such_route")},
    "proofs.weakened": {
        "FieldError": lambda: exchanged(mutants={"a": proofs.weakened(z=AnyInteger), "b": proofs.weakened()})
    },
}  # fmt: skip
