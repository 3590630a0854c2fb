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

from sympy import Integer, Max, Mul, Symbol

from ...algebra.errors import BudgetError, UnsupportedError
from ...algebra.metric import METRICS
from ...algebra.network import Network, Repeat
from ..structural import Inapplicable, compared, structural, witness
from ..verdict import Witness
from .structure import of_chains, of_loops, of_run_forks

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


def _wrong_place(name: str) -> Callable[[Chain], Witness | None]:
    """The same without the second part."""

    def trial(c: Chain) -> Witness | None:
        return equal(c, value(name, c.f >> c.g, c.on), value(name, c.f, c.on))

    return trial


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


def _elements(s: Fork, shape: Any) -> Any:
    """One for each element of the output, for every join (nested sums are one join with more branches)."""
    return Mul(*shape) if not _is_join(s.f) and not _is_join(s.g) else _give_up()


def _is_join(net: Network) -> bool:
    from ...algebra.network import Add

    return isinstance(net, Add)


def _give_up() -> Any:
    raise Inapplicable


def _repeated(name: str, **options: Any) -> Callable[[Loop], Witness | None]:
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
        else:
            left, right = formula, literal
        at = tuple(part.subs(times, copies) for part in (left if isinstance(left, tuple) else (left,)))
        return equal(r, at, right if isinstance(right, tuple) else (right,))

    return trial


def _one_copy(name: str) -> Callable[[Loop], Witness | None]:
    def trial(r: Loop) -> Witness | None:
        return equal(r, value(name, r.f ** (r.n + 1), r.on), value(name, r.f, r.on))

    return trial


def _parameters_in_series(c: Chain) -> Witness | None:
    _no_sharing(c)
    return _series("parameters")(c)


@structural(of_chains, rests_on="repeat_add", mutants={"only the first": _wrong_place("parameters")})
def parameters_series(c: Chain) -> Witness | None:
    """The parameters of f >> g are those of f and those of g, where nothing is shared."""
    return _parameters_in_series(c)


@structural(of_chains, rests_on="repeat_add", mutants={"only the first": _wrong_place("macs")})
def macs_series(c: Chain) -> Witness | None:
    """The MACs of f >> g are those of f, and those of g on what f makes."""
    return _series("macs")(c)


@structural(of_chains, mutants={"only the first": _wrong_place("flops")})
def flops_series(c: Chain) -> Witness | None:
    """The operations of f >> g are those of f, and those of g on what f makes."""
    return _series("flops")(c)


@structural(of_chains, mutants={"only the first": _wrong_place("activations")})
def activations_series(c: Chain) -> Witness | None:
    """The activations of f >> g are those of f, and those of g on what f makes."""
    return _series("activations")(c)


@structural(of_chains, mutants={"only the first": _wrong_place("depth")})
def depth_series(c: Chain) -> Witness | None:
    """The depth of f >> g is the sum of depths, counted in layers or in learned maps (an identity disappears in series)."""
    if c.f.is_identity or c.g.is_identity:
        raise Inapplicable
    return _series("depth")(c) or _series("depth", count="layers")(c)


@structural(of_chains, rests_on="floor_affine_acts", mutants={"the first alone": lambda c: equal(c, made(c.f >> c.g, c.on), made(c.f, c.on))})
def output_shape_series(c: Chain) -> Witness | None:
    """What f >> g makes is what g makes of what f makes."""
    return equal(c, made(c.f >> c.g, c.on), made(c.g, made(c.f, c.on)))


def _fields(c: Chain) -> Any:
    from ...algebra.metric import derive

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


@structural(of_chains, rests_on="receptive_field_assoc", mutants={"jumps ignored": lambda c: _field_law(c, jumps=False)})
def receptive_field_series(c: Chain) -> Witness | None:
    """Fields form an affine monoid: size r + j(r' - 1) and jump j j', along every axis that both keep."""
    return _field_law(c)


def _field_law(c: Chain, jumps: bool = True) -> Witness | None:
    f, g, whole = _fields(c)
    size = tuple(r + (j if jumps else 1) * (s - 1) for r, j, s in zip(f.size, f.jump, g.size))
    return equal(c, whole.size, size)


@structural(of_run_forks, mutants={"one branch": lambda s: equal(s, value("parameters", s.f + s.g, s.on), value("parameters", s.f, s.on))})
def parameters_add(s: Fork) -> Witness | None:
    """The parameters of f + g are those of f and of g: a sum has none."""
    return _beside("parameters", _nothing)(s)


@structural(of_run_forks, mutants={"one branch": lambda s: equal(s, value("parameters", s.f | s.g, s.on), value("parameters", s.f, s.on))})
def parameters_concat(s: Fork) -> Witness | None:
    """The parameters of f | g are those of f and of g."""
    return _beside("parameters", _nothing, True)(s)


@structural(of_run_forks, mutants={"one branch": lambda s: equal(s, value("macs", s.f + s.g, s.on), value("macs", s.f, s.on))})
def macs_add(s: Fork) -> Witness | None:
    """The MACs of f + g are those of f and of g: adding outputs multiplies nothing."""
    return _beside("macs", _nothing)(s)


@structural(of_run_forks, mutants={"one branch": lambda s: equal(s, value("macs", s.f | s.g, s.on), value("macs", s.f, s.on))})
def macs_concat(s: Fork) -> Witness | None:
    """The MACs of f | g are those of f and of g."""
    return _beside("macs", _nothing, True)(s)


@structural(of_run_forks, mutants={"joining is free": lambda s: _beside("flops", _nothing)(s)})
def flops_add(s: Fork) -> Witness | None:
    """The operations of f + g are those of f and of g, and one add for each element."""
    return _beside("flops", _elements)(s)


@structural(of_run_forks, mutants={"joining costs": lambda s: _beside("flops", _elements, True)(s)})
def flops_concat(s: Fork) -> Witness | None:
    """The operations of f | g are those of f and of g: concatenation is free."""
    return _beside("flops", _nothing, True)(s)


@structural(of_run_forks, mutants={"joining is free": lambda s: _beside("activations", _nothing)(s)})
def activations_add(s: Fork) -> Witness | None:
    """The activations of f + g are those of f and of g, and the sum itself."""
    return _beside("activations", _elements)(s)


@structural(of_run_forks, mutants={"joining costs": lambda s: _beside("activations", _elements, True)(s)})
def activations_concat(s: Fork) -> Witness | None:
    """The activations of f | g are those of f and of g: a concatenation makes no new element."""
    return _beside("activations", _nothing, True)(s)


def _depths(s: Fork) -> tuple[Any, Any, Any]:
    return tuple(value("depth", net, s.on, count="layers") for net in (s.f + s.g, s.f, s.g))  # type: ignore[return-value]


@structural(of_run_forks, rests_on="depth_parallel_comm", mutants={"depths add": lambda s: equal(s, _depths(s)[0], _depths(s)[1] + _depths(s)[2])})
def depth_add_is_max(s: Fork) -> Witness | None:
    """The depth of f + g is the larger one of both depths."""
    whole, first, second = _depths(s)
    return equal(s, whole, Max(first, second))


@structural(of_run_forks, mutants={"axes added": lambda s: equal(s, made(s.f + s.g, s.on), made(s.f | s.g, s.on))})
def output_shape_add(s: Fork) -> Witness | None:
    """What f + g makes has the shape of what f makes."""
    return equal(s, made(s.f + s.g, s.on), made(s.f, s.on))


@structural(of_run_forks, mutants={"the shape stays": lambda s: equal(s, made(s.f | s.g, s.on), made(s.f, s.on))})
def output_shape_concat(s: Fork) -> Witness | None:
    """What f | g makes has as many elements as what f and g make together."""
    return equal(s, Mul(*made(s.f | s.g, s.on)), Mul(*made(s.f, s.on)) + Mul(*made(s.g, s.on)))


@structural(of_run_forks, relation="<=", rests_on="receptive_field_series_after_parallel", mutants={
    "the smaller one": lambda s: _wider(s, strict=True),
})  # fmt: skip
def receptive_field_add_at_least_branches(s: Fork) -> Witness | None:
    """The field of f + g is at least as large as each branch's: it is the hull of both, margins included."""
    return _wider(s)


def _wider(s: Fork, strict: bool = False) -> Witness | None:
    whole, f, g = (value("receptive_field", net, s.on).size for net in (s.f + s.g, s.f, s.g))
    if not len(whole) == len(f) == len(g) or not whole:
        raise Inapplicable
    fits = all(Max(a, b) + strict <= both for a, b, both in zip(f, g, whole))
    return None if fits else witness(s.where(), "<=", (f, g), whole)


@structural(of_chains, rests_on="tied_embedding_counts_once", mutants={"counted twice": lambda c: equal(c, value("parameters", c.f.shared("z") | c.f.shared("z"), c.on), 2 * value("parameters", c.f, c.on))})
def parameters_shared(c: Chain) -> Witness | None:
    """What is shared counts once."""
    return equal(c, value("parameters", c.f.shared("z") | c.f.shared("z"), c.on), value("parameters", c.f, c.on))


@structural(of_chains, mutants={"done once": lambda c: equal(c, value("macs", c.f.shared("z") | c.f.shared("z"), c.on), value("macs", c.f, c.on))})
def macs_shared(c: Chain) -> Witness | None:
    """What is shared is worked through wherever it stands."""
    return equal(c, value("macs", c.f.shared("z") | c.f.shared("z"), c.on), 2 * value("macs", c.f, c.on))


@structural(of_loops, rests_on="repeat_equal_layers", mutants={"one copy": _one_copy("parameters")})
def parameters_repeat(r: Loop) -> Witness | None:
    """The parameters of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("parameters")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants={"one copy": _one_copy("macs")})
def macs_repeat(r: Loop) -> Witness | None:
    """The MACs of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("macs")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants={"one copy": _one_copy("flops")})
def flops_repeat(r: Loop) -> Witness | None:
    """The operations of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("flops")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants={"one copy": _one_copy("activations")})
def activations_repeat(r: Loop) -> Witness | None:
    """The activations of f ** L in closed form, at a number, are those of the copies written out."""
    return _repeated("activations")(r)


@structural(of_loops, rests_on="repeat_equal_layers", mutants={"one copy": _one_copy("depth")})
def depth_repeat(r: Loop) -> Witness | None:
    """The depth of f ** L in closed form, at a number, is that of the copies written out."""
    if r.f.is_identity:
        raise Inapplicable
    return _repeated("depth")(r) or _repeated("depth", count="layers")(r)


@structural(of_loops, rests_on="floor_affine_repeat_add", mutants={"one axis more": lambda r: equal(r, made(r.f ** (r.n + 1), r.on), (*r.on, 1))})
def output_shape_repeat(r: Loop) -> Witness | None:
    """What f ** L makes, in closed form, at a number, is what the copies written out make."""
    return equal(r, made(Repeat(r.f, r.n + 1), r.on), r.on)


@structural(of_loops, rests_on="receptive_field_equal_layers", mutants={"one copy": lambda r: equal(r, value("receptive_field", r.f ** (r.n + 1), r.on).size, value("receptive_field", r.f, r.on).size)})
def receptive_field_repeat(r: Loop) -> Witness | None:
    """The field of f ** L in closed form, at a number, is that of the copies written out."""
    from ...algebra.metric import derive

    if derive("receptive_field", r.f, on=r.on).kind != "exact":
        raise Inapplicable
    return _repeated("receptive_field")(r)
