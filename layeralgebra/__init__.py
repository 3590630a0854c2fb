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

from .algebra.equations.fields import Dim, Flag, Number, Size, Sizes, Text
from .algebra.errors import (
    BudgetError,
    DomainError,
    EquationError,
    FieldError,
    GraphError,
    LayerAlgebraError,
    ShapeError,
    UnsupportedError,
)
from .algebra.networks.layer import Layer
from .algebra.networks.network import Add, Concat, Graph, Input, Mul, Network, Repeat, Series, Shared
from .algebra.sizes.dims import dims
from .layers import COMPOSITIONS, REGISTRY, registered_layers

__version__ = "0.1.0"

_LATER = {
    "Derivation": "algebra.derivations.derivation", "Derivations": "algebra.derivations.derivation", "Domain": "algebra.derivations.domain", "METRICS": "algebra.derivations.metric",
    "Metric": "algebra.derivations.metric", "derive": "algebra.derivations.metric", "metrics": "algebra.derivations.metric", "simplify": "algebra.sizes.normal_form",
    "attention_circuits": "algebra.capacity.allocation.circuits", "capacity_allocation": "algebra.capacity.allocation.of_network",
    "activation_decoupling": "algebra.capacity.scaling.of_block", "capacity_deep_limit": "algebra.capacity.scaling.of_block",
    "capacity_propagation": "algebra.capacity.propagation.of_network", "functional_dimension": "algebra.capacity.allocation.functional_dimension",
    "linear_predictor": "algebra.capacity.allocation.of_network", "scaling_exponent": "algebra.capacity.scaling.of_block",
    "network_graph": "algebra.topology.network", "neural_persistence": "algebra.topology.network",
    "persistent_homology": "algebra.topology.network", "topological_similarity": "algebra.topology.network",
    "codegen": "algebra.compilation", "compare": "algebra.derivations.compare", "compile": "algebra.compilation",
    "elasticity": "algebra.solving.solve", "from_networkx": "algebra.networks.from_networkx", "gradient": "algebra.compilation", "latex": "algebra.documents",
    "latex_document": "algebra.documents", "latex_equation": "algebra.documents", "leading_term": "algebra.solving.solve",
    "optimize": "algebra.solving.optimize", "pareto": "algebra.solving.pareto", "run": "algebra.numerics.run",
    "Table": "algebra.formulas.table", "formula_text": "algebra.formulas.text", "node_table": "algebra.derivations.node_table", "report_latex": "algebra.documents",
    "section_latex": "algebra.documents", "stage_table": "algebra.derivations.stages", "stages_of": "algebra.derivations.stages",
    "plot_heatmap": "algebra.plots", "plot_pareto": "algebra.plots", "plot_profile": "algebra.plots", "plot_scaling": "algebra.plots",
    "plot_terms": "algebra.plots",
    "sensitivity": "algebra.solving.solve", "transfer": "algebra.regions.transfer", "solve_for": "algebra.solving.solve", "sweep": "algebra.sweeps.sweep", "weights": "algebra.numerics.run",
    "from_keras": "layers.keras.importer", "from_onnx": "layers.onnx.importer", "from_torch": "layers.torch.importer", "to_torch": "layers.torch.exporter",
    "to_dot": "algebra.networks.drawings", "to_graphml": "algebra.networks.drawings", "to_mermaid": "algebra.networks.drawings", "to_tikz": "algebra.networks.drawings",
    "zoo": "layers.zoo", "proofs": "proofs", "check": "proofs.checks.check",
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
