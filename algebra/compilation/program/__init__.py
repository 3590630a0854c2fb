"""Programs: formulas as steps on integers, with bounds that show what fits."""

from ...handing_on import handed_on

__all__, __getattr__ = handed_on(__name__, {}, formerly="program")
