"""Formulas as values: their text, LaTeX, tables and enclosures."""

from ..handing_on import handed_on

HANDS_ON = {
    "notation_table": ["notation_latex"],
    "table": ["Table"],
    "text": ["formula_text"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
