"""Equations on numbers: exact, slow, the measure for everything else."""

from ..handing_on import handed_on

HANDS_ON = {
    "run": ["run", "weights"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
