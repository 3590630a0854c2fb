"""What the translation knows of each value of a jaxpr: where it comes from, and its numbers if they are the same for every input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy
from sympy import Expr

from ...algebra.records import dataclass
from ..importers.tensors import Tensor
from .tracing import StoredArray

Shape = tuple[Expr, ...]

MOST_ELEMENTS = 10**6
"""Of an array whose numbers are worked out."""


@dataclass
class Value:
    """A value of a jaxpr.

    Attributes
    ----------
    shape : tuple of Expr
        As in JAX.
    dtype : numpy.dtype
    tensor : Tensor, optional
        The tensor that stands for it, once something needs one. A number without axes is a tensor of one element.
    equation : jax's JaxprEqn, optional
        The equation that makes it, and the values that enter there.
    stored : StoredArray, optional
        The model's array that it is.
    fixed : bool
        Whether it is the same for every input and every learned tensor.
    number : Expr, optional
        The one number that all its elements are.
    steps : tuple of (start, step), optional
        For a fixed value with one axis: its elements are start, start + step, ...
    numbers : function, optional
        Works out the elements of a fixed value, or None.
    output, place, module
        Which value of its equation it is, the number of the equation, and the module in which that stands.
    without_input : bool
        Whether it depends on no input, if perhaps on learned tensors.
    """

    shape: Shape
    dtype: Any
    tensor: Tensor | None = None
    equation: Any = None
    sources: tuple["Value", ...] = ()
    stored: StoredArray | None = None
    fixed: bool = False
    number: Expr | None = None
    steps: tuple[Expr, Expr] | None = None
    numbers: Callable[[], Any] | None = None
    output: int = 0
    place: int = 0
    module: tuple[str, ...] = ()
    without_input: bool = False
    name: str = ""

    @property
    def primitive(self) -> str:
        """The name of the operation that makes it; empty if none does."""
        return self.equation.primitive.name if self.equation is not None else ""

    @property
    def params(self) -> Any:
        return self.equation.params

    @property
    def label(self) -> str:
        return self.name or self.primitive or "constant"

    @property
    def is_whole(self) -> bool:
        return jax.dtypes.issubdtype(self.dtype, numpy.integer) or self.dtype == numpy.bool_
