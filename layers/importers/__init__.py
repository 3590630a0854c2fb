"""Networks from the models that a user already has: what the importers share, and their three functions."""

from ...algebra.handing_on import handed_on

HANDS_ON = {".keras.importer": ["from_keras"], ".onnx.importer": ["from_onnx"], ".torch.importer": ["from_torch"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
