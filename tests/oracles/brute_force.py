"""What a layer's equation means, by enumeration: the one that `layeralgebra.proofs.enumeration` holds for `la.check`.

It shares no code with the engine, which `test_check` makes sure of, so that it is an oracle although the package ships it.
"""

from layeralgebra.proofs.enumeration.meaning import Counts, Equation

__all__ = ["Counts", "Equation"]
