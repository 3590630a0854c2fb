"""The engine, which imports nothing else of ours. Its packages stand on floors; each imports only what is below it.

=====  ====================  ==============================================================================
floor  package               subject
=====  ====================  ==============================================================================
9      ``capacity``          where in its input a network spends its parameters, and how that moves and scales
9      ``topology``          persistent homology of the graph of a network's weights
9      ``reports``           everything about one network in a folder: a web page
8      ``metrics``           what is asked of a network, one file a metric
8      ``linear``            a network as sparse linear maps
8      ``documents``         everything as LaTeX, and a document around it
8      ``plots``             figures
8      ``diagrams``          networks as pictures: one layout for SVG and TikZ
7      ``adjoints``          the backward pass of a layer as equations, and the work of a training step
7      ``causality``         causal layers token by token: what a step keeps, and the step as a layer
7      ``movement``          data that moves: between memory and processor, between devices
6      ``derivations``       formulas with their reasons: domain, terms, tables, stages
6      ``regions``           affine regions: transfer functions, histograms, published bounds
6      ``numerics``          numbers: networks applied to arrays, straight from the equations
5      ``networks``          layers and their compositions, the walk over them, drawings
5      ``solving``           sizes that meet a budget, optima, fronts
5      ``sweeps``            formulas over grids of sizes
4      ``equations``         a layer's equation: from its text to extents, work and receptive fields
4      ``compilation``       formulas as functions and as source code
3      ``formulas``          a formula as a value: text, LaTeX, tables, enclosures
2      ``sizes``             the arithmetic of sizes: polynomials, floors, extrema, sums, the normal form
2      ``typesetting``       how documents are typeset: letters, widths, lines, sources
1      ``errors``            what is raised
=====  ====================  ==============================================================================

``tests/structure.py`` holds the floors against every import, those inside functions too.
"""
