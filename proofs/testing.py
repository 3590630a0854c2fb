"""One line in a test file of one's own.

>>> from layeralgebra import Linear
>>> from layeralgebra.proofs.testing import assert_lawful
>>> assert_lawful(Linear, examples=2)
"""

from __future__ import annotations

from .checks.check import assert_lawful, test_of

__all__ = ["assert_lawful", "test_of"]
