"""Topology: persistent homology of the graph of a network's weights."""

from .algebra.topology.diagrams import PersistenceDiagrams
from .algebra.topology.graph import NetworkGraph
from .algebra.topology.network import network_graph, neural_persistence, persistent_homology, topological_similarity
from .algebra.topology.neural_persistence import NeuralPersistence
from .algebra.topology.similarity import TopologicalSimilarity

__all__ = [
    "NetworkGraph",
    "NeuralPersistence",
    "PersistenceDiagrams",
    "TopologicalSimilarity",
    "network_graph",
    "neural_persistence",
    "persistent_homology",
    "topological_similarity",
]
