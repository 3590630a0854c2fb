"""Capacity propagation: how capacity moves through layers."""

from ...handing_on import handed_on

__all__, __getattr__ = handed_on(__name__, {}, formerly="of_network")
