"""Equations of layers: their language, and what is read from them."""

from ..handing_on import handed_on

HANDS_ON = {
    "fields": ["Dim", "Flag", "Number", "Size", "Sizes", "Text"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
