"""Affine regions of networks, and what they bound."""

from .algebra.metrics.capacity_baldi_vershynin import capacity_baldi_vershynin
from .algebra.metrics.intrinsic_power import IntrinsicPower, intrinsic_power
from .algebra.metrics.layer_complexity import layer_complexity
from .algebra.metrics.linear_regions import linear_regions
from .algebra.metrics.vc_dimension import vc_dimension
from .algebra.regions.published_bounds import BOUNDS
from .algebra.regions.transfer import TransferFunction, transfer

__all__ = [
    "BOUNDS",
    "IntrinsicPower",
    "TransferFunction",
    "capacity_baldi_vershynin",
    "intrinsic_power",
    "layer_complexity",
    "linear_regions",
    "transfer",
    "vc_dimension",
]
