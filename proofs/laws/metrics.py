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
from functools import partial
from typing import TYPE_CHECKING, Any

from sympy import Integer, Max, Min, Mul, Symbol

from ...algebra.carriers import ShapeCarrier
from ...algebra.errors import BudgetError, LayerAlgebraError, UnsupportedError
from ...algebra.evaluator import evaluate_network
from ...algebra.metric import METRICS
from ...algebra.network import Add, Concat, Network, Repeat
from ..structural import Inapplicable, compared, structural, witness
from ..verdict import Witness
from .structure import (
    of_chains,
    of_learned_chains,
    of_learned_forks,
    of_learned_loops,
    of_loops,
    of_run_forks,
    of_window_chains,
    of_window_loops,
)

if TYPE_CHECKING:
    from ..chains import Chain, Fork, Loop

#: Metrics whose values in series and in parallel follow from those of the parts, and the laws that say how.
COMPOSED = {
    "parameters": ("parameters_series", "parameters_add", "parameters_concat", "parameters_shared", "parameters_repeat"),
    "macs": ("macs_series", "macs_add", "macs_concat", "macs_shared", "macs_repeat"),
    "flops": ("flops_series", "flops_add", "flops_concat", "flops_repeat"),
    "activations": ("activations_series", "activations_add", "activations_concat", "activations_repeat"),
    "depth": ("depth_series", "depth_add_is_max", "depth_repeat"),
    "output_shape": ("output_shape_series", "output_shape_add", "output_shape_concat", "output_shape_repeat"),
    "receptive_field": ("receptive_field_series", "receptive_field_add_at_least_branches", "receptive_field_repeat"),
}
#: Metrics that are no function of the parts' values, and why; their carriers hold more than their value.
NOT_COMPOSED = {
    "layer_complexity": "a part is worth what the histogram of widths before it lets through",
    "intrinsic_power": "ratios are weighted with the sizes of the whole",
    "linear_regions": "a bound on the whole network, of which no part's bound is a factor",
    "vc_dimension": "a bound in which parameters and depth of the whole stand in one logarithm",
    "capacity_baldi_vershynin": "the smallest width so far limits every later layer",
}


def value(name: str, net: Network, on: Any, **options: Any) -> Any:
    """A metric; a sample for which it has no rule is no sample of the law."""
    try:
        return METRICS[name](net, on=on, **options)
    except (UnsupportedError, BudgetError):
        raise Inapplicable from None


def made(net: Network, on: Any) -> tuple[Any, ...]:
    """What leaves a network."""
    return tuple(value("output_shape", net, on))


def equal(sample: Any, left: Any, right: Any) -> Witness | None:
    """Two values, which are the same or a witness."""
    return None if compared(left, right) else witness(sample.where(), "=", left, right)


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
    from ...algebra.network import Shared

    if (c.f >> c.g).has(Shared):
        raise Inapplicable


def _beside(name: str, joined: Callable[[Fork, Any], Any], concat: bool = False) -> Callable[[Fork], Witness | None]:
    """A metric of f + g (or of f | g) is the sum of those of f and g, and what the joining costs."""

    def trial(s: Fork) -> Witness | None:
        from ...algebra.network import Shared

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
        return equal(s, value("parameters", Concat(f, f) if concat else Add(f, f), s.on), 2 * value("parameters", f, s.on))

    return trial


def _is_join(net: Network) -> bool:
    from ...algebra.network import Add

    return isinstance(net, Add)


def _give_up() -> Any:
    raise Inapplicable


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
    of_window_chains, mutants={"only the first": _first_alone("flops"), "both on the input": _both_on_the_input("flops")}
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
    from ...algebra.metric import derive

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
    from ...layers import REGISTRY

    return [REGISTRY[name] for name in ("Permute", "Reshape", "Tokens", "Untokens", "Flatten", "PixelShuffle", "PixelUnshuffle", "Flip",
                                        "Upsample", "ConvTranspose", "Expand", "Select", "Last", "Slice", "Roll", "Linear")]  # fmt: skip


@structural(
    of_window_chains,
    rests_on="receptive_field_assoc",
    mutants={"jumps ignored": lambda c: _field_law(c, jumps=False), "sizes added whole": lambda c: _field_law(c, overlap=0)},
)
def receptive_field_series(c: Chain) -> Witness | None:
    """Fields form an affine monoid: size r + j(r' - 1) and jump j j', along every axis that both keep."""
    return _field_law(c)


def _field_law(c: Chain, jumps: bool = True, overlap: int = 1) -> Witness | None:
    f, g, whole = _fields(c)
    size = tuple(r + (j if jumps else 1) * (s - overlap) for r, j, s in zip(f.size, f.jump, g.size))
    jump = tuple(j * k for j, k in zip(f.jump, g.jump))
    return equal(c, whole.size, size) or equal(c, whole.jump, jump)


@structural(
    of_learned_forks,
    mutants={"one branch": _one_branch("parameters"), "where something is shared": _one_network_beside_itself()},
)
def parameters_add(s: Fork) -> Witness | None:
    """The parameters of f + g are those of f and of g: a sum has none."""
    return _beside("parameters", _nothing)(s)


@structural(
    of_learned_forks,
    mutants={"one branch": _one_branch("parameters", True), "where something is shared": _one_network_beside_itself(True)},
)
def parameters_concat(s: Fork) -> Witness | None:
    """The parameters of f | g are those of f and of g."""
    return _beside("parameters", _nothing, True)(s)


@structural(of_learned_forks, mutants={"one branch": _one_branch("macs"), "joining costs": _beside("macs", _elements)})
def macs_add(s: Fork) -> Witness | None:
    """The MACs of f + g are those of f and of g: adding outputs multiplies nothing."""
    return _beside("macs", _nothing)(s)


@structural(
    of_learned_forks, mutants={"one branch": _one_branch("macs", True), "joining costs": _beside("macs", _elements, True)}
)
def macs_concat(s: Fork) -> Witness | None:
    """The MACs of f | g are those of f and of g."""
    return _beside("macs", _nothing, True)(s)


_twice_the_elements = partial(_elements, each=2)


@structural(
    of_run_forks,
    mutants={"joining is free": _beside("flops", _nothing), "an add for every input": _beside("flops", _twice_the_elements)},
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
        fields = [value("receptive_field", net, s.on) for net in (s.f + s.g, s.f, s.g)]
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
        "as many outputs as copies": lambda r: equal(r, made(Repeat(r.f, r.n + 1), r.on), ((r.n + 1) * r.on[0], *r.on[1:])),
    },
)
def output_shape_repeat(r: Loop) -> Witness | None:
    """What f ** L makes, in closed form, at a number, is what the copies written out make."""
    return _repeated("output_shape")(r)


@structural(of_window_loops, rests_on="receptive_field_equal_layers", mutants=_wrong_copies("receptive_field"))
def receptive_field_repeat(r: Loop) -> Witness | None:
    """The field of f ** L in closed form, at a number, is that of the copies written out."""
    from ...algebra.metric import derive

    if derive("receptive_field", r.f, on=r.on).kind != "exact":
        raise Inapplicable
    return _repeated("receptive_field")(r)
