"""Check a way of composition: a function of two networks that gives a network, which is to be associative."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from ...algebra.errors import LayerAlgebraError
from ...algebra.metrics.output_shape import output_shape
from ...algebra.networks.network import Network
from ..samples.chains import close, numbers
from ..samples.strategies import _kinds, networks
from ..samples.structural import Inapplicable
from ..verdict import Witness
from .results import Result, tried

_QUICK = ("Identity", "ReLU", "Tanh", "Linear", "Sigmoid", "Scale", "Abs", "Conv", "BatchNorm")


def check_composition(compose: Callable[[Network, Network], Network], examples: int) -> Iterator[Result]:
    """Whether (f . g) . h and f . (g . h) have one shape and are one function, on networks that keep their shape."""
    samples = st.tuples(st.integers(1, 3), st.integers(2, 4)).flatmap(lambda on: _three(on))

    def shapes(sample: Any) -> Witness | None:
        left, right, on = _sides(compose, sample)
        one, other = output_shape(left, on=on), output_shape(right, on=on)
        return None if one == other else _witness(sample, one, other, "the output shapes differ")

    def values(sample: Any) -> Witness | None:
        left, right, on = _sides(compose, sample)
        one, other = numbers(left, on), numbers(right, on)
        if close(one, other):
            return None
        return _witness(sample, _listed(one), _listed(other), "(f . g) . h and f . (g . h) run on the same numbers")

    yield tried("composition_associative_shape", samples, shapes, examples)
    yield tried("composition_associative", samples, values, examples)


def _three(on: tuple[int, ...]) -> Any:
    kinds = [kind for kind in _kinds(None) if kind.__name__ in _QUICK]
    one = networks(on, kinds=kinds, most=1, keeps_shape=True).map(lambda sample: sample.net)
    return st.tuples(one, one, one, st.just(on))


def _sides(compose: Callable[[Network, Network], Network], sample: Any) -> tuple[Network, Network, tuple[int, ...]]:
    f, g, h = (net.shared(name) for net, name in zip(sample[:3], "abc"))
    try:
        left, right = compose(compose(f, g), h), compose(f, compose(g, h))
        output_shape(left, on=sample[3]), output_shape(right, on=sample[3])
    except LayerAlgebraError:
        raise Inapplicable from None
    return left, right, sample[3]


def _witness(sample: Any, left: object, right: object, note: str) -> Witness:
    return Witness(tuple(zip(("f", "g", "h", "on"), sample)), "=", left, right, note)


def _listed(array: Any) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in array.astype(float).ravel()[:6]) + "]"
