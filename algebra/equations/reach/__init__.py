"""Reaches: along every input axis the interval of positions that an output position depends on, and how reaches compose.

==================  =============================================================================================
file                subject
==================  =============================================================================================
``ends``            the ends of an interval, as functions of the output's position
``order``           how ends compare for all sizes and all outputs
``axis``            the reach along one axis: `AxisReach`
``values_through``  an end where its digits take the values of another reach
``digit_values``    the values of a digit of the positions that an output reads
``holes``           what an output leaves out between the first position and the last
``borders``         the first and the last position that any output reads
``series``          networks one after another: `compose`
``branches``        branches of one input: `union`
``repetition``      copies in series: `power`
==================  =============================================================================================
"""

from ...handing_on import handed_on

HANDS_ON = {
    "axis": ["AxisReach", "Reach", "identity", "identity_of", "joined"],
    "borders": ["span"],
    "branches": ["broadcast", "union"],
    "ends": ["Digit", "End", "constant", "falls", "straight"],
    "repetition": ["power"],
    "series": ["compose"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
