"""Topology: persistent homology of the graph of a network's weights.

The mathematics starts from weight matrices; `network` reads them from the equations of a network.

=======================  =======================================================================================
module                   subject
=======================  =======================================================================================
``graph``                the weighted directed graph of neurons and biases, and its normalisation
``diagrams``             persistence diagrams, and `persistent_homology`, which takes the shorter route that is right
``flag_complex``         the route for graphs with triangles: the directed flag complex, by a library
``vectorisation``        diagrams as vectors: landscape, silhouette, heat
``similarity``           distances of networks by their diagrams
``betti``                Betti numbers in closed form for symbolic widths and depth
``neural_persistence``   neural persistence, layer by layer
``network``              all of it for networks: their graph of neurons, read from equations
=======================  =======================================================================================
"""

from ..handing_on import handed_on

HANDS_ON = {
    "network": ["network_graph", "neural_persistence", "persistent_homology", "topological_similarity"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
