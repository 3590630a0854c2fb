"""Samples for laws about composition: networks that follow one another, stand side by side, or keep a shape; and their numbers.

Weights are compared as functions: each of the networks is shared under a name of its own, so that both sides of a law read the same
tensors, and what is no weight (running statistics) is set to one on both sides (numbers of rows to zero).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy
from hypothesis import assume
from hypothesis import reject as skip
from hypothesis import strategies as st
from sympy import Integer, preorder_traversal

from ...algebra.errors import DomainError
from ...algebra.networks.carrier import Flow
from ...algebra.networks.evaluator import shape_of
from ...algebra.networks.network import Concat, Network
from ...algebra.numerics.run import run
from ...algebra.numerics.weights import drawn as random_numbers
from ...algebra.numerics.weights import inventory
from ...layers import REGISTRY
from .cases import cases
from .strategies import Shape, _kinds, _made, networks

if TYPE_CHECKING:
    from numpy import ndarray

#: Layers of which a sample's numbers are no real numbers, or which read words: they are not run beside others.
_NOT_RUN = ("Embedding", "PositionalEmbedding", "Take", "Log", "Sqrt", "Power", "Divide", "Exp")
#: Layers that are linear maps, for the laws that only these obey.
LINEAR = ("Linear", "Conv", "AvgPool", "GlobalAvgPool", "Flip", "Flatten", "Identity")
#: Layers that read windows, with strides of their own.
WINDOWS = ("MaxPool", "AvgPool", "Conv")
#: Layers with affine pieces that keep a small tensor small.
PIECEWISE = ("Linear", "ReLU", "Abs", "LeakyReLU", "PReLU", "Hardtanh")
#: Those of which published bounds speak.
PERCEPTRONS = ("Linear", "ReLU")
#: Layers with weights.
LEARNED = ("Linear", "Conv")
#: Layers that apply one function to every element.
ELEMENTWISE = ("ReLU", "Tanh", "Sigmoid", "SiLU", "GELU", "Abs")


class Chain(NamedTuple):
    """Three networks in a row, and what enters the first."""

    f: Network
    g: Network
    h: Network
    on: Shape

    def where(self) -> dict[str, object]:
        """What a witness shows."""
        return {"f": self.f, "g": self.g, "h": self.h, "on": self.on}


class Fork(NamedTuple):
    """A network before and one after three that stand side by side, and what enters."""

    before: Network
    f: Network
    g: Network
    h: Network
    after: Network
    on: Shape

    def where(self) -> dict[str, object]:
        """What a witness shows."""
        return {name: getattr(self, name) for name in self._fields}


class Loop(NamedTuple):
    """A network that keeps the shape that enters it, and two numbers of copies."""

    f: Network
    m: int
    n: int
    on: Shape

    def where(self) -> dict[str, object]:
        """What a witness shows."""
        return {"f": self.f, "m": self.m, "n": self.n, "on": self.on}


def _real(numeric: bool) -> tuple:
    kinds = _kinds(None)
    return tuple(kind for kind in kinds if not (numeric and kind.__name__ in _NOT_RUN))


def chains(first: Any = None, *, numeric: bool = False, of: tuple[str, ...] = ()) -> st.SearchStrategy[Chain]:
    """Networks in a row, of some kinds or of all; the first can be given, as a strategy of samples."""
    kinds = tuple(REGISTRY[name] for name in of) or _real(numeric)

    @st.composite
    def made(draw: Callable) -> Chain:
        f, on = draw(networks(kinds=kinds, most=2) if first is None else first)
        assume(isinstance(on, tuple))
        parts, here = [f], _made(f, on)
        for _ in range(2):
            if here is None:
                skip()
            part = draw(networks(here, kinds=kinds, most=2)).net
            assume(not (_joins_channels(part) and channels_are_last(parts, on)))
            parts.append(part)
            here = _made(part, here)
        assume(here is not None and _made(parts[0] >> parts[1] >> parts[2], on) is not None)
        return Chain(parts[0], parts[1], parts[2], on)

    return made()


def _joins_channels(net: Network) -> bool:
    """Whether a concatenation in it leaves its axis to what arrives, so that alone, on a shape, the network is another one."""
    return any(isinstance(node, Concat) and node.axis is None for node in preorder_traversal(net))


def channels_are_last(parts: list[Network], on: Shape) -> bool:
    """Whether what networks in a row make of a shape has its channels on the last axis."""
    flow = Flow(tuple(map(Integer, on)))
    for part in parts:
        flow = shape_of(part, flow)
    return flow.channels == "last"


def forks(
    first: Any = None, *, numeric: bool = False, after: tuple[str, ...] = (), of: tuple[str, ...] = ()
) -> st.SearchStrategy[Fork]:
    """Networks side by side, of some kinds or of all, whose outputs have one shape, and one before and one after them."""
    kinds = tuple(REGISTRY[name] for name in of) or _real(numeric)

    @st.composite
    def made(draw: Callable) -> Fork:
        f, on = draw(networks(kinds=kinds, most=1) if first is None else first)
        assume(isinstance(on, tuple))
        made = _made(f, on)
        if made is None:
            skip()
        others = []
        for _ in range(2):
            other = f
            if made == on:
                other = draw(networks(on, kinds=kinds, most=1, keeps_shape=True)).net
            elif draw(st.booleans()):
                other = f >> draw(networks(made, kinds=kinds, most=1, keeps_shape=True)).net
            others.append(other)
        before = draw(networks(on, kinds=kinds, most=1, keeps_shape=True)).net
        names = [REGISTRY[name] for name in after]
        later = draw(_homogeneous(made, names)) if after else draw(networks(made, kinds=kinds, most=1)).net
        assume(_made(before >> (f + others[0] + others[1]) >> later, on) is not None)
        return Fork(before, f, others[0], others[1], later, on)

    return made()


@st.composite
def _homogeneous(draw: Callable, on: Shape, kinds: list) -> Network:
    """A layer of some kinds, without its bias."""
    kind = draw(st.sampled_from(kinds))
    layer = draw(cases(kind)).layer if kind.fields else kind()
    if "bias" in kind.fields:
        layer = kind(**{**dict(zip(kind.fields, layer.args)), "bias": False})
    assume(_made(layer, on) is not None)
    return layer


def loops(first: Any = None, *, numeric: bool = False, of: tuple[str, ...] = ()) -> st.SearchStrategy[Loop]:
    """A network that keeps its shape, of some kinds or of all, and numbers of copies from 0 to 3."""
    kinds = tuple(REGISTRY[name] for name in of) or _real(numeric)

    @st.composite
    def made(draw: Callable) -> Loop:
        f, on = draw(networks(kinds=kinds, most=2, keeps_shape=True) if first is None else first)
        assume(isinstance(on, tuple) and _made(f, on) == _made(f >> f, on) == on)
        return Loop(f, draw(st.integers(0, 3)), draw(st.integers(0, 3)), on)

    return made()


# numbers -------------------------------------------------------------------------------------------------------------


def entering(on: Shape, seed: int = 0) -> "ndarray":
    """Small integers, the same for every network."""
    return numpy.random.default_rng(seed).integers(-3, 4, on).astype(float)


def numbers(net: Network, on: Shape, seed: int = 0, x: "ndarray | None" = None) -> "ndarray":
    """A network of shared parts applied to numbers, by default to integers from a seed; buffers are one everywhere."""
    slots = inventory(net, [on]).slots
    made = random_numbers(slots.values(), seed)
    tensors: Mapping[str, Any] = {
        name: array if slots[name].learned or slots[name].table is not None
        else numpy.ones_like(array) if slots[name].rows is None else numpy.zeros_like(array)
        for name, array in made.items()
    }  # fmt: skip
    with numpy.errstate(all="ignore"):
        return run(net, entering(on, seed) if x is None else x, tensors)


def both(left: Network, right: Network, on: Shape) -> "tuple[ndarray, ndarray] | None":
    """What two networks make of the same numbers: integers, or zeros where neither takes these (a word outside a vocabulary)."""
    for x in (entering(on), numpy.zeros(on)):
        try:
            one = numbers(left, on, x=x)
        except DomainError:
            try:
                numbers(right, on, x=x)
            except DomainError:
                continue
            raise
        return one, numbers(right, on, x=x)
    return None


def close(left: "ndarray", right: "ndarray") -> bool:
    """Whether two outputs agree but for rounding, and are no real numbers in the same places (an empty window's maximum)."""
    if left.shape != right.shape:
        return False
    a, b = left.astype(float), right.astype(float)
    real = numpy.isfinite(a)
    return bool((real == numpy.isfinite(b)).all() and numpy.allclose(a[real], b[real], rtol=1e-7, atol=1e-7))
