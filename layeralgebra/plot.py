"""Figures of formulas, on the axes of matplotlib."""

from .algebra.plots import plot_heatmap, plot_isolines, plot_pareto, plot_profile, plot_scaling, plot_terms

__all__ = [
    "plot_heatmap",
    "plot_isolines",
    "plot_pareto",
    "plot_profile",
    "plot_scaling",
    "plot_terms",
]
