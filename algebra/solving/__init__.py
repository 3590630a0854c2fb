"""Solving for a size, optimising, and what a formula is sensitive to."""

from ..handing_on import handed_on

HANDS_ON = {
    "optimize": ["optimize"],
    "pareto": ["pareto"],
    "solve": ["elasticity", "leading_term", "sensitivity", "solve_for"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
