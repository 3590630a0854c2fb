"""How every metric composes: marked as an equality, or as an inequality.

>>> from layeralgebra import proofs
>>> law = proofs.named("depth_add_is_max")
>>> law.exactness, law.rests_on
('equality', ('depth_parallel_comm',))
>>> proofs.named("receptive_field_add_at_least_branches").exactness
'inequality'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sympy import Max

from ...algebra.derivations.metric import derive
from ...algebra.errors import BudgetError, LayerAlgebraError, UnsupportedError
from ...algebra.networks.carrier import ShapeCarrier
from ...algebra.networks.evaluator import evaluate_network
from ...algebra.networks.network import Concat, Shared
from ...layers import REGISTRY
from ..samples.populations import equal, made, of_chains, of_learned_chains, of_window_chains, value
from ..samples.structural import Inapplicable, structural
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Chain

#: Metrics whose values in series and in parallel follow from those of the parts, and the laws that say how.
COMPOSED = {
    "parameters": (
        "parameters_series",
        "parameters_add",
        "parameters_concat",
        "parameters_shared",
        "parameters_repeat",
    ),
    "macs": ("macs_series", "macs_add", "macs_concat", "macs_shared", "macs_repeat"),
    "flops": ("flops_series", "flops_add", "flops_concat", "flops_repeat"),
    "activations": ("activations_series", "activations_add", "activations_concat", "activations_repeat"),
    "depth": ("depth_series", "depth_add_is_max", "depth_repeat"),
    "output_shape": ("output_shape_series", "output_shape_add", "output_shape_concat", "output_shape_repeat"),
    "receptive_field": ("receptive_field_series", "receptive_field_add_at_least_branches", "receptive_field_repeat"),
}
#: Metrics that are no function of the parts' values, and why; their carriers hold more than their value.
NOT_COMPOSED = {
    "cache_size": "what a step keeps of a part depends on where the axis of time stands in what enters it, which its shape does not say",
    "training_macs": "whether a layer's input needs a gradient depends on what stands before it, so that the parts alone do not say it",
    "training_flops": "whether a layer's input needs a gradient depends on what stands before it, so that the parts alone do not say it",
    "saved_activations": "a tensor that two parts keep counts once, and what a part keeps depends on whether its input needs a gradient",
    "optimizer_memory": "a number of bytes for each of the `parameters`, whose laws are its own",
    "elements_moved": "what a fused part makes and reads itself does not move, so that with fuse='network' the parts alone do not say it",
    "intensity": "a quotient of sums over the parts",
    "peak_memory": "what one branch leaves is held while another one runs, so that the peaks of the parts alone do not say it",
    "layer_complexity": "a part is worth what the histogram of widths before it lets through",
    "intrinsic_power": "ratios are weighted with the sizes of the whole",
    "linear_regions": "a bound on the whole network, of which no part's bound is a factor",
    "vc_dimension": "a bound in which parameters and depth of the whole stand in one logarithm",
    "capacity_baldi_vershynin": "the smallest width so far limits every later layer",
}


def _series(name: str, **options: Any) -> Callable[[Chain], Witness | None]:
    """A metric of f >> g is the sum of those of f and of g on what f makes."""

    def trial(c: Chain) -> Witness | None:
        whole = value(name, c.f >> c.g, c.on, **options)
        return equal(c, whole, value(name, c.f, c.on, **options) + value(name, c.g, made(c.f, c.on), **options))

    return trial


def _first_alone(name: str) -> Callable[[Chain], Witness | None]:
    """The same without the second part."""

    def trial(c: Chain) -> Witness | None:
        return equal(c, value(name, c.f >> c.g, c.on), value(name, c.f, c.on))

    return trial


def _both_on_the_input(name: str) -> Callable[[Chain], Witness | None]:
    """The same with the second part on what enters the first, where it takes that."""

    def trial(c: Chain) -> Witness | None:
        try:
            second = value(name, c.g, c.on)
        except LayerAlgebraError:
            raise Inapplicable from None
        return equal(c, value(name, c.f >> c.g, c.on), value(name, c.f, c.on) + second)

    return trial


def _larger_part(c: Chain) -> Witness | None:
    """A maximum in place of the sum."""
    parts = value("depth", c.f, c.on), value("depth", c.g, made(c.f, c.on))
    return equal(c, value("depth", c.f >> c.g, c.on), Max(*parts))


def _twice_the_same(c: Chain) -> Witness | None:
    """Sharing not excluded: one network twice in a row, on one tensor."""
    f = c.f.shared("z")
    if made(f, c.on) != c.on:
        raise Inapplicable
    return equal(c, value("parameters", f >> f, c.on), 2 * value("parameters", f, c.on))


def _no_sharing(c: Chain) -> None:
    if (c.f >> c.g).has(Shared):
        raise Inapplicable


def _parameters_in_series(c: Chain) -> Witness | None:
    _no_sharing(c)
    return _series("parameters")(c)


@structural(
    of_learned_chains,
    rests_on="repeat_add",
    mutants={"only the first": _first_alone("parameters"), "where something is shared": _twice_the_same},
)
def parameters_series(c: Chain) -> Witness | None:
    """The parameters of f >> g are those of f and those of g, where nothing is shared."""
    return _parameters_in_series(c)


@structural(
    of_learned_chains,
    rests_on="repeat_add",
    mutants={"only the first": _first_alone("macs"), "both on the input": _both_on_the_input("macs")},
)
def macs_series(c: Chain) -> Witness | None:
    """The MACs of f >> g are those of f, and those of g on what f makes."""
    return _series("macs")(c)


@structural(
    of_window_chains,
    mutants={"only the first": _first_alone("flops"), "both on the input": _both_on_the_input("flops")},
)
def flops_series(c: Chain) -> Witness | None:
    """The operations of f >> g are those of f, and those of g on what f makes."""
    return _series("flops")(c)


@structural(
    of_window_chains,
    mutants={"only the first": _first_alone("activations"), "both on the input": _both_on_the_input("activations")},
)
def activations_series(c: Chain) -> Witness | None:
    """The activations of f >> g are those of f, and those of g on what f makes."""
    return _series("activations")(c)


@structural(of_learned_chains, mutants={"only the first": _first_alone("depth"), "the larger one": _larger_part})
def depth_series(c: Chain) -> Witness | None:
    """The depth of f >> g is the sum of depths, counted in layers or in learned maps (an identity disappears in series)."""
    if c.f.is_identity or c.g.is_identity:
        raise Inapplicable
    return _series("depth")(c) or _series("depth", count="layers")(c)


def _shape_on_the_input(c: Chain) -> Witness | None:
    try:
        return equal(c, made(c.f >> c.g, c.on), made(c.g, c.on))
    except LayerAlgebraError:
        raise Inapplicable from None


@structural(
    of_chains,
    rests_on="floor_affine_acts",
    mutants={
        "the first alone": lambda c: equal(c, made(c.f >> c.g, c.on), made(c.f, c.on)),
        "the second on the input": _shape_on_the_input,
    },
)
def output_shape_series(c: Chain) -> Witness | None:
    """What f >> g makes is what g makes of what f makes."""
    return equal(c, made(c.f >> c.g, c.on), made(c.g, made(c.f, c.on)))


def _fields(c: Chain) -> Any:
    left = evaluate_network(c.f, ShapeCarrier(), c.on).output.channels
    takes = evaluate_network(c.g, ShapeCarrier(), made(c.f, c.on)).layout
    if left and takes and left != takes:  # what the first calls channels are positions of the second
        raise Inapplicable
    found = []
    for net, on in ((c.f, c.on), (c.g, made(c.f, c.on)), (c.f >> c.g, c.on)):
        try:
            derived = derive("receptive_field", net, on=on)
        except (UnsupportedError, BudgetError):
            raise Inapplicable from None
        if derived.kind != "exact" or any(derived.formula.covers_input) or not derived.formula.size:
            raise Inapplicable
        found.append(derived.formula)
    if len({len(field.size) for field in found}) != 1 or c.f.has(*_reordering()) or c.g.has(*_reordering()):
        raise Inapplicable
    return found


def _reordering() -> list[type]:
    """Layers that exchange axes or regroup them, after which the k-th axis is another one, or that shrink one to a position."""
    return [REGISTRY[name] for name in ("Permute", "Reshape", "Tokens", "Untokens", "Flatten", "PixelShuffle", "PixelUnshuffle", "Flip",
                                        "Upsample", "ConvTranspose", "Expand", "Select", "Last", "Slice", "Roll", "Linear")]  # fmt: skip


@structural(
    of_window_chains,
    rests_on="receptive_field_assoc",
    mutants={
        "jumps ignored": lambda c: _field_law(c, jumps=False),
        "sizes added whole": lambda c: _field_law(c, overlap=0),
    },
)
def receptive_field_series(c: Chain) -> Witness | None:
    """Fields form an affine monoid: size r + j(r' - 1) and jump j j', along every axis that both keep."""
    return _field_law(c)


def _field_law(c: Chain, jumps: bool = True, overlap: int = 1) -> Witness | None:
    f, g, whole = _fields(c)
    size = tuple(r + (j if jumps else 1) * (s - overlap) for r, j, s in zip(f.size, f.jump, g.size))
    jump = tuple(j * k for j, k in zip(f.jump, g.jump))
    return equal(c, whole.size, size) or equal(c, whole.jump, jump)


def _twice(metric: str, times: int, names: str = "zz") -> Callable[[Chain], Witness | None]:
    """A metric of one network under two names, side by side, is so many times that of the network."""

    def trial(c: Chain) -> Witness | None:
        both = Concat(*(c.f.shared(name) for name in names))
        return equal(c, value(metric, both, c.on), times * value(metric, c.f, c.on))

    return trial


@structural(
    of_learned_chains,
    rests_on="tied_embedding_counts_once",
    mutants={"counted twice": _twice("parameters", 2), "under two names": _twice("parameters", 1, "yz")},
)
def parameters_shared(c: Chain) -> Witness | None:
    """What is shared counts once."""
    return _twice("parameters", 1)(c)


@structural(of_learned_chains, mutants={"done once": _twice("macs", 1), "once more": _twice("macs", 3)})
def macs_shared(c: Chain) -> Witness | None:
    """What is shared is worked through wherever it stands."""
    return _twice("macs", 2)(c)
