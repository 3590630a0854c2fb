"""How every metric composes side by side: in sums and in concatenations.

>>> from layeralgebra import proofs
>>> law = proofs.named("depth_add_is_max")
>>> law.exactness, law.rests_on
('equality', ('depth_parallel_comm',))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from sympy import Integer, Max, Min, Mul

from ...algebra.derivations.metric import METRICS
from ...algebra.networks.network import Add, Concat, Network, Shared
from ..samples.populations import equal, made, of_learned_forks, of_run_forks, value
from ..samples.structural import Inapplicable, structural, witness
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Fork


def _beside(name: str, joined: Callable[[Fork, Any], Any], concat: bool = False) -> Callable[[Fork], Witness | None]:
    """A metric of f + g (or of f | g) is the sum of those of f and g, and what the joining costs."""

    def trial(s: Fork) -> Witness | None:
        net = s.f | s.g if concat else s.f + s.g
        if net.has(Shared):
            raise Inapplicable
        parts = value(name, s.f, s.on) + value(name, s.g, s.on)
        return equal(s, value(name, net, s.on), parts + joined(s, made(net, s.on)))

    return trial


def _nothing(s: Fork, shape: Any) -> Integer:
    return Integer(0)


def _elements(s: Fork, shape: Any, each: int = 1) -> Any:
    """One for each element of the output, for every join (nested sums are one join with more branches)."""
    return each * Mul(*shape) if not _is_join(s.f) and not _is_join(s.g) else _give_up()


def _one_branch(name: str, concat: bool = False) -> Callable[[Fork], Witness | None]:
    """The other branch counts for nothing."""

    def trial(s: Fork) -> Witness | None:
        return equal(s, value(name, s.f | s.g if concat else s.f + s.g, s.on), value(name, s.f, s.on))

    return trial


def _one_network_beside_itself(concat: bool = False) -> Callable[[Fork], Witness | None]:
    """Sharing not excluded: both branches are one network."""

    def trial(s: Fork) -> Witness | None:
        f = s.f.shared("z")
        return equal(
            s, value("parameters", Concat(f, f) if concat else Add(f, f), s.on), 2 * value("parameters", f, s.on)
        )

    return trial


def _is_join(net: Network) -> bool:
    return isinstance(net, Add)


def _give_up() -> Any:
    raise Inapplicable


@structural(
    of_learned_forks,
    mutants={"one branch": _one_branch("parameters"), "where something is shared": _one_network_beside_itself()},
)
def parameters_add(s: Fork) -> Witness | None:
    """The parameters of f + g are those of f and of g: a sum has none."""
    return _beside("parameters", _nothing)(s)


@structural(
    of_learned_forks,
    mutants={
        "one branch": _one_branch("parameters", True),
        "where something is shared": _one_network_beside_itself(True),
    },
)
def parameters_concat(s: Fork) -> Witness | None:
    """The parameters of f | g are those of f and of g."""
    return _beside("parameters", _nothing, True)(s)


@structural(of_learned_forks, mutants={"one branch": _one_branch("macs"), "joining costs": _beside("macs", _elements)})
def macs_add(s: Fork) -> Witness | None:
    """The MACs of f + g are those of f and of g: adding outputs multiplies nothing."""
    return _beside("macs", _nothing)(s)


@structural(
    of_learned_forks,
    mutants={"one branch": _one_branch("macs", True), "joining costs": _beside("macs", _elements, True)},
)
def macs_concat(s: Fork) -> Witness | None:
    """The MACs of f | g are those of f and of g."""
    return _beside("macs", _nothing, True)(s)


_twice_the_elements = partial(_elements, each=2)


@structural(
    of_run_forks,
    mutants={
        "joining is free": _beside("flops", _nothing),
        "an add for every input": _beside("flops", _twice_the_elements),
    },
)
def flops_add(s: Fork) -> Witness | None:
    """The operations of f + g are those of f and of g, and one add for each element."""
    return _beside("flops", _elements)(s)


@structural(
    of_run_forks, mutants={"joining costs": _beside("flops", _elements, True), "one branch": _one_branch("flops", True)}
)
def flops_concat(s: Fork) -> Witness | None:
    """The operations of f | g are those of f and of g: concatenation is free."""
    return _beside("flops", _nothing, True)(s)


@structural(
    of_run_forks,
    mutants={
        "joining is free": _beside("activations", _nothing),
        "inputs of the sum kept too": _beside("activations", _twice_the_elements),
    },
)
def activations_add(s: Fork) -> Witness | None:
    """The activations of f + g are those of f and of g, and the sum itself."""
    return _beside("activations", _elements)(s)


@structural(
    of_run_forks,
    mutants={"joining costs": _beside("activations", _elements, True), "one branch": _one_branch("activations", True)},
)
def activations_concat(s: Fork) -> Witness | None:
    """The activations of f | g are those of f and of g: a concatenation makes no new element."""
    return _beside("activations", _nothing, True)(s)


def _depth_of_sum(of: Callable[..., Any]) -> Callable[[Fork], Witness | None]:
    """The depth of f + g from the depths of f and of g."""

    def trial(s: Fork) -> Witness | None:
        whole, first, second = (value("depth", net, s.on, count="layers") for net in (s.f + s.g, s.f, s.g))
        return equal(s, whole, of(first, second))

    return trial


@structural(
    of_learned_forks,
    rests_on="depth_parallel_comm",
    mutants={"depths add": _depth_of_sum(lambda a, b: a + b), "the smaller one": _depth_of_sum(Min)},
)
def depth_add_is_max(s: Fork) -> Witness | None:
    """The depth of f + g is the larger one of both depths."""
    return _depth_of_sum(Max)(s)


@structural(
    of_run_forks,
    mutants={
        "axes added": lambda s: equal(s, made(s.f + s.g, s.on), made(s.f | s.g, s.on)),
        "an axis for the branches": lambda s: equal(s, made(s.f + s.g, s.on), (2, *made(s.f, s.on))),
    },
)
def output_shape_add(s: Fork) -> Witness | None:
    """What f + g makes has the shape of what f makes."""
    return equal(s, made(s.f + s.g, s.on), made(s.f, s.on))


@structural(
    of_run_forks,
    mutants={
        "the shape stays": lambda s: equal(s, made(s.f | s.g, s.on), made(s.f, s.on)),
        "elements multiply": lambda s: equal(s, Mul(*made(s.f | s.g, s.on)), Mul(*made(s.f, s.on), *made(s.g, s.on))),
    },
)
def output_shape_concat(s: Fork) -> Witness | None:
    """What f | g makes has as many elements as what f and g make together."""
    return equal(s, Mul(*made(s.f | s.g, s.on)), Mul(*made(s.f, s.on)) + Mul(*made(s.g, s.on)))


def _wider(least: Callable[..., Any]) -> Callable[[Fork], Witness | None]:
    """The field of f + g has at least a size that is made of those of f and of g."""

    def trial(s: Fork) -> Witness | None:
        networks = s.f + s.g, s.f, s.g
        fields = [value("receptive_field", net, s.on) for net in networks]
        told = [METRICS["receptive_field"].evaluate(net, s.on) for net in networks]
        if len({(one.layout, one.output.channel_axis) for one in told}) > 1:
            raise Inapplicable  # positions lie along different axes
        whole, f, g = (field.size for field in fields)
        if not len(whole) == len(f) == len(g) or not whole or any(fields[0].covers_input):
            raise Inapplicable
        wanted = tuple(least(a, b) for a, b in zip(f, g))
        return None if all(a <= b for a, b in zip(wanted, whole)) else witness(s.where(), "<=", wanted, whole)

    return trial


@structural(
    of_run_forks,
    relation="<=",
    rests_on="receptive_field_series_after_parallel",
    mutants={"strictly larger": _wider(lambda a, b: Max(a, b) + 1), "both together": _wider(lambda a, b: a + b)},
)
def receptive_field_add_at_least_branches(s: Fork) -> Witness | None:
    """The field of f + g is at least as large as each branch's, where no layer joins the whole axis: it is the hull of both."""
    return _wider(Max)(s)
