"""Reports about one network: so far a web page that stands alone."""

from ..handing_on import handed_on

HANDS_ON = {"report": ["report"]}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
