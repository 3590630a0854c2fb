"""Figures of formulas and sweeps, one column wide: curves, heat maps, fronts, costs by node and by stage, profiles.

Every function draws on the axes that it is given, or on new ones of matplotlib's pyplot, and returns them; matplotlib is imported when a
function is called. How figures look is in ``typesetting/figures.py``.
"""

from ..handing_on import handed_on

HANDS_ON = {
    "curves": ["plot_isolines", "plot_scaling"],
    "grids": ["plot_heatmap", "plot_pareto"],
    "bars": ["plot_profile", "plot_terms"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
