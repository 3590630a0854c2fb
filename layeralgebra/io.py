"""Models in and out: PyTorch, ONNX, Keras, JAX, networkx; drawings; source text; documents."""

from .algebra.compilation.source.codegen import codegen
from .algebra.diagrams.draw import to_svg, to_tikz
from .algebra.documents import latex, latex_document, report_latex, section_latex
from .algebra.networks.drawings import to_dot, to_graphml, to_mermaid
from .algebra.networks.from_networkx import from_networkx
from .algebra.networks.networkx_graph import to_networkx
from .layers.jax.importer import from_jax
from .layers.keras.importer import from_keras
from .layers.onnx.importer import from_onnx
from .layers.torch.exporter import to_torch
from .layers.torch.importer import from_torch

__all__ = [
    "codegen",
    "from_jax",
    "from_keras",
    "from_networkx",
    "from_onnx",
    "from_torch",
    "latex",
    "latex_document",
    "report_latex",
    "section_latex",
    "to_dot",
    "to_graphml",
    "to_mermaid",
    "to_networkx",
    "to_svg",
    "to_tikz",
    "to_torch",
]
