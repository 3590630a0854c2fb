"""Capacity: where in its input a network spends its parameters, how that moves through layers, and the deep limit.

The mathematics starts from a matrix, a kernel or a set of moments, never from a network; a second group of modules reads
these from the equations of networks. The definitions follow Donier's three papers (arXiv 1902.04485,
1902.08572, 1903.04455) as far as their abstracts and openings fix them; what had to be completed is marked
``source = "reconstruction ..."`` on the results.

=================  ===============================================================================================
package            subject
=================  ===============================================================================================
``allocation``     total, spatial and regional capacity: of a Jacobian, exactly, in closed form, of a network
``propagation``    how capacity moves through layers: Markov transitions, walks along positions, their spread
``scaling``        how weights must shrink with depth for the deep limit to exist, and that limit
``column_spaces``  leverage scores and ranks of Jacobians that are dense, sparse, streamed or modulo a prime
=================  ===============================================================================================
"""

from ..handing_on import handed_on

HANDS_ON = {
    "allocation.circuits": ["attention_circuits"],
    "allocation.functional_dimension": ["functional_dimension"],
    "allocation.of_network": ["capacity_allocation", "linear_predictor"],
    "propagation.of_network": ["capacity_propagation"],
    "scaling.of_block": ["activation_decoupling", "capacity_deep_limit", "scaling_exponent"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
