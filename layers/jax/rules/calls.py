"""Primitives that hold jaxprs: calls are entered, choices are made where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....algebra.errors import UnsupportedError
from ..fixed import constant_value, number_of
from ..translator import Translator, flow
from ..values import Value


def constants(t: Translator, closed: Any) -> list[Value]:
    """The arrays that a closed jaxpr refers to."""
    return [constant_value(array, t.sizes.shape(array.shape)) for array in closed.consts]


@flow(
    "jit", "pjit", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint", "closed_call", "core_call",
    "custom_lin", "named_call", "core_closed_call", "run_state",
)  # fmt: skip
def _call(t: Translator, equation: Any, sources: Sequence[Value], module: tuple[str, ...]) -> list[Value]:
    params = equation.params
    found = next((params[name] for name in ("jaxpr", "call_jaxpr", "fun_jaxpr") if name in params), None)
    if found is None:
        raise UnsupportedError(f"{equation.primitive.name}: a call without a jaxpr")
    if hasattr(found, "consts"):
        return t.enter(found.jaxpr, constants(t, found), sources, module)
    return t.enter(found, [], sources, module)


@flow("cond")
def _cond(t: Translator, equation: Any, sources: Sequence[Value], module: tuple[str, ...]) -> list[Value]:
    chosen = number_of(sources[0])
    branches = equation.params["branches"]
    if chosen is None:
        raise UnsupportedError(
            f"cond at {t.place_of(equation, module)}: which branch is taken depends on the data, and branches cost differently\n"
            "  write instead: the branch whose cost is asked for, or jnp.where, which computes both"
        )
    branch = branches[max(0, min(int(chosen), len(branches) - 1))]
    return t.enter(branch.jaxpr, constants(t, branch), sources[1:], module)
