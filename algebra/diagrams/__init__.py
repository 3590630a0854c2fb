"""Diagrams of networks, one layout for SVG and TikZ."""

from ..handing_on import handed_on

HANDS_ON = {"draw": ["to_svg", "to_tikz"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
