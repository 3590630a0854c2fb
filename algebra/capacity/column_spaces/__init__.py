"""Column spaces of Jacobians, dense, sparse, streamed or modulo a prime, and roots of covariances of the input."""
