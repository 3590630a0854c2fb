"""How every metric composes in copies: closed forms at a symbolic depth against copies that are written out.

>>> from layeralgebra import proofs
>>> proofs.named("parameters_repeat").rests_on
('repeat_equal_layers',)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from ...algebra.derivations.metric import derive
from ...algebra.networks.network import Repeat
from ..samples.populations import equal, made, of_learned_loops, of_loops, of_window_loops, value
from ..samples.structural import Inapplicable, structural
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Loop


def _repeated(name: str, more: int = 0, **options: Any) -> Callable[[Loop], Witness | None]:
    """The closed form for a symbolic number of copies, at a number, is that of the copies written out."""

    def trial(r: Loop) -> Witness | None:
        times, copies = Symbol("L", integer=True, positive=True), r.n + 1
        formula = value(name, Repeat(r.f, times), r.on, **options)
        written = r.f
        for _ in range(copies - 1):
            written = written >> r.f
        literal = value(name, written, r.on, **options)
        if name == "receptive_field":
            left = (*formula.size, *formula.jump)
            right = (*literal.size, *literal.jump)
        elif name == "output_shape":
            left, right = tuple(formula), tuple(literal)
        else:
            left, right = formula, literal
        at = tuple(part.subs(times, copies + more) for part in (left if isinstance(left, tuple) else (left,)))
        return equal(r, at, right if isinstance(right, tuple) else (right,))

    return trial


def _one_copy(name: str) -> Callable[[Loop], Witness | None]:
    """All copies are worth as much as one."""

    def trial(r: Loop) -> Witness | None:
        whole, one = (value(name, net, r.on) for net in (r.f ** (r.n + 1), r.f))
        return equal(r, whole.size, one.size) if name == "receptive_field" else equal(r, whole, one)

    return trial


def _wrong_copies(name: str) -> dict[str, Callable[[Loop], Witness | None]]:
    return {"one copy": _one_copy(name), "one copy more": _repeated(name, more=1)}


@structural(of_learned_loops, rests_on="repeat_equal_layers", mutants=_wrong_copies("parameters"))
def parameters_repeat(r: Loop) -> Witness | None:
    """The parameters of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("parameters")(r)


@structural(of_learned_loops, rests_on="repeat_equal_layers", mutants=_wrong_copies("macs"))
def macs_repeat(r: Loop) -> Witness | None:
    """The MACs of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("macs")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants=_wrong_copies("flops"))
def flops_repeat(r: Loop) -> Witness | None:
    """The operations of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("flops")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants=_wrong_copies("activations"))
def activations_repeat(r: Loop) -> Witness | None:
    """The activations of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("activations")(r)


@structural(of_learned_loops, rests_on="repeat_equal_layers", mutants=_wrong_copies("depth"))
def depth_repeat(r: Loop) -> Witness | None:
    """The depth of f ** L in closed form, at a number, is that of the copies written out."""
    if r.f.is_identity:
        raise Inapplicable
    return _repeated("depth")(r) or _repeated("depth", count="layers")(r)


@structural(
    of_loops,
    rests_on="floor_affine_repeat_add",
    mutants={
        "one axis more": lambda r: equal(r, made(Repeat(r.f, r.n + 1), r.on), (*r.on, 1)),
        "as many outputs as copies": lambda r: equal(
            r, made(Repeat(r.f, r.n + 1), r.on), ((r.n + 1) * r.on[0], *r.on[1:])
        ),
    },
)
def output_shape_repeat(r: Loop) -> Witness | None:
    """What f ** L makes, in closed form, at a number, is what the copies written out make."""
    return _repeated("output_shape")(r)


@structural(of_window_loops, rests_on="receptive_field_equal_layers", mutants=_wrong_copies("receptive_field"))
def receptive_field_repeat(r: Loop) -> Witness | None:
    """The field of f ** L in closed form, at a number, is that of the copies written out."""
    if derive("receptive_field", r.f, on=r.on).kind != "exact":
        raise Inapplicable
    return _repeated("receptive_field")(r)
