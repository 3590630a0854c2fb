"""Arguments that broadcast, on as few axes as possible.

>>> import numpy as np
>>> axes = Axes([np.zeros((4, 1, 1)), np.zeros((3, 2)), 7.0])
>>> axes.inner, axes.masks
((4, 6), (1, 2, 0))
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ...errors import FieldError


class Axes:
    """How some arguments broadcast: neighbouring axes that each argument either spans or does not are one axis.

    Attributes
    ----------
    shapes : list of tuple of int
        The shape of every argument.
    shape : tuple of int
        What the arguments broadcast to.
    inner : tuple of int
        The same with neighbouring axes joined and axes of length 1 left out.
    masks : tuple of int
        For every argument, a bit for each inner axis that it spans.
    """

    def __init__(self, values: Sequence[Any]):
        import numpy as np

        shapes = self.shapes = [np.shape(value) for value in values]
        try:
            self.shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise FieldError(
                f"the arguments have shapes that do not broadcast: {', '.join(map(str, shapes))}"
            ) from None
        spans = [(False,) * (len(self.shape) - len(own)) + tuple(extent != 1 for extent in own) for own in shapes]
        self.groups: list[list[int]] = []
        for axis, extent in enumerate(self.shape):
            if extent == 1:
                continue
            if self.groups and all(span[self.groups[-1][0]] == span[axis] for span in spans):
                self.groups[-1].append(axis)
            else:
                self.groups.append([axis])
        self.inner = tuple(prod(self.shape[axis] for axis in group) for group in self.groups)
        self.masks = tuple(
            sum(1 << number for number, group in enumerate(self.groups) if span[group[0]]) for span in spans
        )

    def inward(self, value: Any, mask: int) -> Any:
        """An argument on the inner axes; one that spans none as a Python number."""
        if mask:
            return value.reshape([extent if mask >> number & 1 else 1 for number, extent in enumerate(self.inner)])
        if not hasattr(value, "reshape"):
            return value
        single = value.reshape(-1)[0]
        return single.item() if hasattr(single, "item") else single

    def outward(self, result: Any) -> Any:
        """A result on the axes of the arguments; axes that it does not span have length 1."""
        if not hasattr(result, "reshape"):
            return result
        found = [1] * len(self.shape)
        for extent, group in zip(result.shape, self.groups, strict=False):
            if extent != 1:
                for axis in group:
                    found[axis] = self.shape[axis]
        return result.reshape(found)
