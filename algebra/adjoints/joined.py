"""What joins branches, as a layer with an equation, so that its backward pass follows as that of any layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sympy import Expr

from ..equations.instance import Instance
from ..errors import UnsupportedError
from ..networks.carrier import Site
from ..networks.joins import Mul
from ..networks.layer import Layer

LETTERS = "ijklmnopqrstuvabcdefgh"


@lru_cache(maxsize=1024)
def _layer(name: str, equation: str, inputs: tuple[str, ...]) -> Layer:
    made: Any = type(
        name, (Layer,), {"equation": equation, "inputs": inputs, "outputs": ("y",), "__module__": __name__, "__doc__": equation}
    )  # fmt: skip
    layer: Layer = made()
    return layer


def joined_instance(site: Site) -> Instance:
    """The equation of a join where it stands."""
    join, shapes, whole = site.join, [flow.shape for flow in site.inputs], site.output.shape
    names = tuple(f"x{place + 1}" for place in range(len(shapes)))
    letters = tuple(LETTERS[: len(whole)])
    lines: list[str] = []
    if join.stacks:
        axis = site.stacked_axis
        assert axis is not None
        parts = []
        for place, name in enumerate(names):
            before, after = (
                _sum(f"size({other}, {axis})" for other in some) for some in (names[:place], names[place + 1 :])
            )
            lines.append(
                f"z{place + 1}[{', '.join(letters)}] = pad[{letters[axis]}: ({before}, {after})]({name}[{', '.join(letters)}])"
            )
            parts.append(f"z{place + 1}[{', '.join(letters)}]")
        value = " + ".join(parts)
    else:
        reads = [_read(name, shape, whole, letters) for name, shape in zip(names, shapes)]
        coefficients = join.coefficients(len(shapes))
        if coefficients is not None:
            terms = [read if one == 1 else f"({one})*{read}" for one, read in zip(coefficients, reads)]
            value = " + ".join(terms)
        elif isinstance(join, Mul):
            value = "*".join(reads)
        else:
            raise UnsupportedError(
                f"at {site.path}: the backward pass of {type(join).__name__} is not known; "
                "give it coefficients, or write it as a layer with several inputs"
            )
    lines.append(f"y[{', '.join(letters)}] = {value}")
    return _layer(type(join).__name__, "\n".join(lines), names).instance(*shapes)


def _sum(terms: Any) -> str:
    return " + ".join(terms) or "0"


def _read(name: str, shape: Sequence[Expr], whole: Sequence[Expr], letters: Sequence[str]) -> str:
    """A branch at an index of the output; along an axis of size 1 it stands still."""
    parts = ["0" if size == 1 and all_of != 1 else letter for size, all_of, letter in zip(shape, whole, letters)]
    return f"{name}[{', '.join(parts)}]"
