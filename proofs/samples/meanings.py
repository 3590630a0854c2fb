"""What the equation of a layer means at given shapes, by enumeration.

>>> from layeralgebra import Linear
>>> meaning(Linear(2), ((3,),)).counts().macs
6
"""

from __future__ import annotations

import inspect
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import Expr, Tuple

from ...algebra.equations.calls import written_out
from ...algebra.errors import LayerAlgebraError
from ...algebra.networks.layer import Layer
from ..enumeration import Equation, Impossible


def one_or_list(parts: Any) -> Any:
    """What ``on=`` takes: one shape as it is, several as a list, none as None."""
    return parts[0] if len(parts) == 1 else list(parts) or None


def plain(value: Any) -> Any:
    """The value of a field in plain Python."""
    if isinstance(value, (tuple, Tuple)):
        return tuple(plain(part) for part in value)
    if isinstance(value, Expr):
        return int(value) if value.is_Integer else Fraction(int(value.p), int(value.q))
    return value


def meaning(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> Equation:
    """The brute-force reading of a layer's text; raises `Impossible` where it has no meaning."""
    found = _meaning(layer, shapes)
    if isinstance(found, Exception):
        raise found.with_traceback(None)
    return found


@lru_cache(maxsize=10_000)
def _meaning(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> Equation | Exception:
    """Small layers are drawn again and again, and mostly on shapes that they do not take."""
    fields = {name: plain(getattr(layer, name)) for name in layer.fields}
    try:
        if len(shapes) != len(layer.input_names):
            raise Impossible("another number of inputs")
        inputs = dict(zip(layer.input_names, shapes))
        text = written_out(layer.parsed) if type(layer)._calls_layers() else inspect.cleandoc(layer.equation)
        return Equation(text, fields, inputs, layer.buffers, layer.outputs or ())
    except (Impossible, LayerAlgebraError) as error:
        return error
