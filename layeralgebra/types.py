"""What public functions return, to be named in annotations."""

from .algebra.capacity.allocation.functional_dimension import FunctionalDimension
from .algebra.capacity.allocation.matrices import LowRank
from .algebra.capacity.allocation.of_jacobian import CapacityAllocation
from .algebra.capacity.allocation.of_network import ClosedFormAllocation
from .algebra.capacity.propagation.of_network import CapacityPropagation
from .algebra.capacity.scaling.decoupling import Decoupling
from .algebra.capacity.scaling.deep_limit import DeepLimit
from .algebra.capacity.scaling.of_block import BlockScaling
from .algebra.compilation.interface import CompiledFormula
from .algebra.derivations.derivation import Derivation, Derivations, NodeTerm
from .algebra.derivations.domain import Domain
from .algebra.derivations.metric import Metric
from .algebra.derivations.stages import Stage
from .algebra.formulas.table import Table
from .algebra.linear.network_maps import Jacobian
from .algebra.metrics.flops import Flops
from .algebra.metrics.intrinsic_power import IntrinsicPower
from .algebra.metrics.receptive_field import ReceptiveField
from .algebra.networks.layer import Layer
from .algebra.networks.network import Network
from .algebra.regions.transfer import TransferFunction
from .algebra.solving.optimize import Optimum
from .algebra.topology.diagrams import PersistenceDiagrams
from .algebra.topology.graph import NetworkGraph
from .algebra.topology.neural_persistence import NeuralPersistence
from .algebra.topology.similarity import TopologicalSimilarity
from .layers.importers.report import ImportReport
from .proofs.certificates.certificate import FormulaCertificate
from .proofs.checks.results import Report
from .proofs.saturation.equality import Equality
from .proofs.saturation.rewrite import Rewritten

__all__ = [
    "BlockScaling",
    "CapacityAllocation",
    "CapacityPropagation",
    "ClosedFormAllocation",
    "CompiledFormula",
    "Decoupling",
    "DeepLimit",
    "Derivation",
    "Derivations",
    "Domain",
    "Equality",
    "Flops",
    "FormulaCertificate",
    "FunctionalDimension",
    "ImportReport",
    "IntrinsicPower",
    "Jacobian",
    "Layer",
    "LowRank",
    "Metric",
    "Network",
    "NetworkGraph",
    "NeuralPersistence",
    "NodeTerm",
    "Optimum",
    "PersistenceDiagrams",
    "ReceptiveField",
    "Report",
    "Rewritten",
    "Stage",
    "Table",
    "TopologicalSimilarity",
    "TransferFunction",
]
