"""How documents are typeset: letters, widths, lines; knows nothing of formulas."""

from ..handing_on import handed_on

HANDS_ON = {"bibliography": ["bibliography"], "style": ["Style"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
