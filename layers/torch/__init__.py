"""PyTorch: networks from exported programs, and modules from networks."""

from ...algebra.handing_on import handed_on

HANDS_ON = {"exporter": ["to_torch"], "importer": ["from_torch"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
