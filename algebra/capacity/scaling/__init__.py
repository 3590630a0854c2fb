"""Scaling: how weights must shrink with depth, and the deep limit."""

from ...handing_on import handed_on

__all__, __getattr__ = handed_on(__name__, {}, formerly="laws")
