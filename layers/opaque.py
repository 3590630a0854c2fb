"""What no equation describes: steps of which only the shape is known, and what depends on what."""

from __future__ import annotations

from typing import Any

from ..algebra.equations.fields import Dim, Sizes, Text
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = ["Opaque"]


class Opaque(Layer):
    """A step that no equation describes, such as a sort: any element that comes out may depend on any that comes in.

    It has no learned numbers and no multiplies; its comparisons are not counted, so that counts of work are lower bounds.

    Parameters
    ----------
    name : Text
        What the step is called.
    shape : Sizes
        Elements along each axis of what comes out.
    arity : Dim, default 1
        How many inputs it takes, of any shapes.

    Shapes
    ------
    input : (*entering,)
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Opaque, derive, dims, macs
    >>> n = dims("n")
    >>> found = derive(macs, Opaque("sort", (n,)), on=(n,))
    >>> found.formula, found.kind
    (0, 'lower')

    References
    ----------
    ONNX documentation, operator "TopK", https://onnx.ai/onnx/operators/onnx__TopK.html, as one of those that it stands for.
    """

    name: Text
    shape: Sizes
    arity: Dim = 1
    opaque = True

    @property
    def equation(self) -> str:
        arity: Any = self.arity
        parts = [f"max[*i{place}](x{place + 1}[*i{place}])" for place in range(int(arity))]
        return f"y[*o] = {' + '.join(parts)}\nwhere o < shape"

    def check_fields(self) -> None:
        arity: Any = self.arity
        if not arity.is_Integer:
            raise FieldError(f"Opaque(arity={arity}): the number of tensors that enter is literal")
