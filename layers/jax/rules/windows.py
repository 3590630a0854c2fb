"""Rules for windows that slide."""

from __future__ import annotations

from ....algebra.errors import UnsupportedError
from ...importers.arrays import Window, pooled
from ...importers.tensors import Tensor
from ..fixed import number_of
from ..translator import Translator, own, rule
from ..values import Value

_KINDS = {"reduce_window_max": "max", "reduce_window_sum": "sum", "reduce_window_min": "min"}
_NEUTRAL = {"add": ("sum", "0"), "max": ("max", "-oo"), "min": ("min", "oo")}


@rule(*_KINDS, "reduce_window")
def _reduce_window(t: Translator, value: Value) -> Tensor:
    params = value.params
    if value.primitive == "reduce_window":
        body = params["jaxpr"].eqns if hasattr(params["jaxpr"], "eqns") else params["jaxpr"].jaxpr.eqns
        found = _NEUTRAL.get(body[0].primitive.name) if len(body) == 1 else None
        if found is None or len(value.sources) != 2 or str(number_of(value.sources[1])) != found[1]:
            raise UnsupportedError(
                "windows are summed, or their maximum or minimum is taken, from nothing; others have no layer"
            )
        kind = found[0]
    else:
        kind = _KINDS[value.primitive]
    if any(int(step) != 1 for step in params["base_dilation"]):
        raise UnsupportedError("windows over an input that is spread out (base_dilation) have no layer")
    trivial = [
        int(size) == 1 and int(step) == 1 and t.sizes(before) == t.sizes(after) == 0
        for size, step, (before, after) in zip(params["window_dimensions"], params["window_strides"], params["padding"])
    ]
    first = trivial.index(False) if False in trivial else len(trivial) - 1
    window = Window(
        tuple(map(int, params["window_dimensions"]))[first:], tuple(map(int, params["window_strides"]))[first:],
        t.sizes.shape([before for before, _ in params["padding"]])[first:], t.sizes.shape([after for _, after in params["padding"]])[first:],
        tuple(map(int, params["window_dilation"]))[first:],
    )  # fmt: skip
    tensor = t.tensor(value.sources[0])
    if first == 0:
        from sympy import Integer

        from ...importers.arrays import reshaped

        tensor = reshaped(t, tensor, (Integer(1), *tensor.shape), label="row")
    made = pooled(t, tensor, kind, window, label=value.primitive)
    if first == 0:
        made = reshaped(t, made, own(value.shape), label="row")
    return made
