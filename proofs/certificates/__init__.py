"""Formulas that carry their proof: Coq files that state the equations of a network and prove what is counted of them."""
