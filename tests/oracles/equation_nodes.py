"""What enumeration raises where an equation has no meaning, or no value; see `oracles.brute_force`."""

from layeralgebra.proofs.enumeration.nodes import Impossible, Undefined

__all__ = ["Impossible", "Undefined"]
