"""Topology: persistent homology of the graph of a network's weights.

Everything starts from weight matrices, never from a network of the engine, so that its metrics can call this with what
they read from equations.

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
=======================  =======================================================================================
"""
