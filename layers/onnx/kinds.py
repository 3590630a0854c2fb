"""The kinds of ONNX's numbers: which are whole, how many bits they have, and what a change of kind does to a value."""

from __future__ import annotations

FLOATS = {1: 32, 10: 16, 11: 64, 16: 16}
"""Kinds of numbers with a fraction, and their bits."""
SIGNED = {3: 8, 5: 16, 6: 32, 7: 64, 22: 4, 26: 2}
UNSIGNED = {2: 8, 4: 16, 12: 32, 13: 64, 21: 4, 25: 2}
BOOL, STRING = 9, 8
COARSE = {
    14: "COMPLEX64",
    15: "COMPLEX128",
    17: "FLOAT8E4M3FN",
    18: "FLOAT8E4M3FNUZ",
    19: "FLOAT8E5M2",
    20: "FLOAT8E5M2FNUZ",
    23: "FLOAT4E2M1",
    24: "FLOAT8E8M0",
}
"""Kinds that no equation describes."""


def is_whole(kind: int | None) -> bool:
    """Whether numbers of a kind are integers."""
    return kind in SIGNED or kind in UNSIGNED


def limits(kind: int | None) -> tuple[int, int]:
    """The least and the largest integer of a kind of integers."""
    if kind is not None and kind in SIGNED:
        return -(2 ** (SIGNED[kind] - 1)), 2 ** (SIGNED[kind] - 1) - 1
    return 0, 2 ** UNSIGNED[kind or 0] - 1
