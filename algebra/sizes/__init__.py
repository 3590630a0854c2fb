"""Sizes: symbols for them, and the arithmetic of formulas in them."""

from ..handing_on import handed_on
from . import printed_division as printed_division
from . import sympy_signs as sympy_signs

HANDS_ON = {
    "dims": ["dims"],
    "normal_form": ["simplify"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
