"""Layer algebra: a symbolic mathematics engine for neural-network architecture.

>>> import layeralgebra as la
>>> H, W, c, L = la.dims("H W c L")
>>> block = la.Conv(c, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
>>> net = la.Input(3, H, W) >> block >> (la.Identity() + block) ** L >> la.GlobalAvgPool() >> la.Linear(1000)
>>> la.parameters(net)
9*L*c**2 + 2*L*c + 1029*c + 1000
"""

from __future__ import annotations

import importlib

from .algebra.dims import dims
from .algebra.errors import (
    BudgetError,
    DomainError,
    EquationError,
    FieldError,
    GraphError,
    LayerAlgebraError,
    ShapeError,
    UnsupportedError,
)  # fmt: skip
from .algebra.layer import Dim, Flag, Layer, Number, Size, Sizes, Text
from .algebra.network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared
from .layers import COMPOSITIONS, REGISTRY, registered_layers

__version__ = "0.1.0"

_LATER = {
    "Derivation": "algebra.derivation", "Derivations": "algebra.derivation", "Domain": "algebra.domain", "METRICS": "algebra.metric",
    "Metric": "algebra.metric", "derive": "algebra.metric", "metrics": "algebra.metric", "simplify": "algebra.normal_form",
    "attention_circuits": "algebra.capacity.circuits", "capacity_allocation": "algebra.capacity.network",
    "activation_decoupling": "algebra.capacity.network_scaling", "capacity_deep_limit": "algebra.capacity.network_scaling",
    "capacity_propagation": "algebra.capacity.propagation", "functional_dimension": "algebra.capacity.functional_dimension",
    "linear_predictor": "algebra.capacity.network", "scaling_exponent": "algebra.capacity.network_scaling",
    "network_graph": "algebra.topology.network", "neural_persistence": "algebra.topology.network",
    "persistent_homology": "algebra.topology.network", "topological_similarity": "algebra.topology.network",
    "codegen": "algebra.compilation", "compare": "algebra.tables", "compile": "algebra.compilation",
    "elasticity": "algebra.solve", "from_networkx": "algebra.graphs", "gradient": "algebra.compilation", "latex": "algebra.latex",
    "latex_document": "algebra.latex", "latex_equation": "algebra.latex", "leading_term": "algebra.solve",
    "optimize": "algebra.optimize", "pareto": "algebra.optimize", "run": "algebra.run",
    "Table": "algebra.table", "formula_text": "algebra.formula_text", "node_table": "algebra.tables", "report_latex": "algebra.latex",
    "section_latex": "algebra.latex", "stage_table": "algebra.stages", "stages_of": "algebra.stages",
    "plot_heatmap": "algebra.plots", "plot_pareto": "algebra.plots", "plot_profile": "algebra.plots", "plot_scaling": "algebra.plots",
    "plot_terms": "algebra.plots",
    "sensitivity": "algebra.solve", "transfer": "algebra.transfer", "solve_for": "algebra.solve", "sweep": "algebra.sweep", "weights": "algebra.run",
    "from_keras": "layers.importers", "from_onnx": "layers.importers", "from_torch": "layers.importers", "to_torch": "layers.exporters",
    "to_dot": "algebra.drawings", "to_graphml": "algebra.drawings", "to_mermaid": "algebra.drawings", "to_tikz": "algebra.drawings",
    "zoo": "layers.zoo", "proofs": "proofs", "check": "proofs.checking",
}  # fmt: skip
"""Names that are loaded when they are first used, so that the import stays as quick as SymPy's own."""


def __getattr__(name: str) -> object:
    if name == "__all__":
        return [each for each in __dir__() if not each.startswith("_") and each not in _INTERNAL]
    if name in _LATER:
        module = importlib.import_module(f".{_LATER[name]}", __name__)
        found = (
            module if _LATER[name].rpartition(".")[2] == name and not hasattr(module, name) else getattr(module, name)
        )
    elif name.startswith("_") or name not in __getattr__("METRICS"):
        raise AttributeError(f"module 'layeralgebra' has no attribute {name!r}")
    else:
        found = __getattr__("METRICS")[name]
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *__getattr__("METRICS")})


globals().update(REGISTRY)
globals().update(COMPOSITIONS)

_INTERNAL = {"COMPOSITIONS", "METRICS", "REGISTRY", "algebra", "annotations", "importlib", "layers", "layeralgebra"}
