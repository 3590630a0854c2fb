"""Affine regions of networks: transfer functions, histograms of dimensions, published bounds."""

from ..handing_on import handed_on

HANDS_ON = {
    "transfer": ["transfer"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON, formerly="published_bounds")
