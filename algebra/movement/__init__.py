"""Data that moves: between memory and processor, between devices."""

from ..handing_on import handed_on

HANDS_ON = {
    "communication": ["Collective", "Communication", "communication"],
    "lower_bound": ["MovementBound", "data_movement_bound"],
    "roofline": ["Roofline", "RooflineNode", "roofline"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
