"""The backward pass of a layer: equations of the same language, derived by one rule for each head."""

from ..handing_on import handed_on

HANDS_ON = {
    "adjoint": ["Adjoint", "adjoint"],
    "backward": ["Backward", "backward"],
    "checkpointing": ["Checkpointing", "checkpointing"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
