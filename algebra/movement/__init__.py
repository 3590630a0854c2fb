"""Data that moves: between memory and processor, between devices."""

from ..handing_on import handed_on

HANDS_ON: dict[str, list[str]] = {}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
