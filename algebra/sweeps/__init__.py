"""Formulas over grids of sizes."""

from ..handing_on import handed_on

HANDS_ON = {
    "sweep": ["sweep"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
