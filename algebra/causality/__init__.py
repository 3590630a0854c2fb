"""Causal layers token by token: when their elements are settled, what a step keeps, and the step as a layer."""

from ..handing_on import handed_on

HANDS_ON = {"decoding": ["Decoding", "decoding"], "incremental": ["Incremental", "incremental"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
