"""Capacity: where in its input a network spends its parameters, how that moves through layers, and the deep limit.

The mathematics starts from a matrix, a kernel or a set of moments, never from a network; a second group of modules reads
these from the equations of networks. The definitions follow Donier's three papers (arXiv 1902.04485,
1902.08572, 1903.04455) as far as their abstracts and openings fix them; what had to be completed is marked
``source = "reconstruction ..."`` on the results.

=========================  ===========================================================================================
module                     subject
=========================  ===========================================================================================
``rows``                   a Jacobian read a block of rows at a time: array, sparse matrix, operator or function
``column_space``           leverage scores of a small dense matrix, and the certificate of a numerical rank
``chain_qr``               the same for a large sparse matrix, by orthogonal elimination along a chain of fronts
``streamed_qr``            the same for a large dense matrix, which is never held
``covariance``             square roots of input covariances: a matrix, or a stationary kernel on a grid
``allocation``             `allocate`: total, spatial, regional and subspace capacity of a Jacobian
``finite_field``           ranks modulo a prime: lower bounds that no rounding can spoil
``exact_allocation``       the same allocation in rational (or rational-function) arithmetic
``structures``             closed forms derived from how the weights are composed: Kronecker, low rank, pooled, ...
``matrix_structures``      the same for products of matrices, attention circuits, recurrences
``convolution_stacks``     closed forms of stacks of convolutions, any dilations and strides
``transitions``            the Markov rule of capacity propagation: matrices, series, branches, residuals, attention
``generating_functions``   the same for convolutions, as Laurent polynomials with symbolic taps
``spread``                 mean and variance of the receptive field at symbolic depth and stride
``deep_limit``             the limit of infinitely many residual layers: jumps, and the diffusion beside them
``scaling``                how weights must shrink with depth for that limit to exist
``gaussian_integrals``     expectations under the normal law, in closed form
``decoupling``             how far an activation decouples its layers
``functional_dimension``   the generic functional dimension of ReLU perceptrons
``monomials``              an equation as sums of products, or why it is not linear
``linear_maps``            a layer as sparse maps, with their derivatives by its weights
``linear_network``         a network as a tape of such maps: its predictor and the sparse Jacobian
``closed_forms``           structures of linear networks recognised in their equations
``circuits``               the bilinear circuits of attention
``network``                `capacity_allocation`
``network_transitions``    propagation at given weights, a carrier of transition matrices
``network_walks``          propagation along positions, a carrier of walks
``propagation``            `capacity_propagation`
``network_scaling``        `scaling_exponent`, the deep limit of a block, the decoupling of an activation
``tasks``                  architectures fitted to Gaussian-process tasks
=========================  ===========================================================================================
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
