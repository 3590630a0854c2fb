"""The engine, which imports nothing else of ours. Its packages stand on floors; each imports only what is below it.

=====  ====================  ==============================================================================
floor  package               subject
=====  ====================  ==============================================================================
8      ``capacity``          where in its input a network spends its parameters, and how that moves and scales
8      ``topology``          persistent homology of the graph of a network's weights
7      ``metrics``           what is asked of a network, one file a metric
7      ``linear``            a network as sparse linear maps
7      ``documents``         everything as LaTeX, and a document around it
7      ``plots``             figures
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
