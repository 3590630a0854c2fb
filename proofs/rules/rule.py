"""A law about two small networks, which is tried on numbers and applied as a rule: stated once, by one decorated function.

>>> from layeralgebra import Linear, proofs
>>> from layeralgebra.proofs.samples.structural import try_law
>>> law = proofs.named("linear_after_linear")
>>> law.trial.statement
'after(first(x)) = both(x)'
>>> print(try_law(law, examples=3))
held on 3 samples
>>> law.trial.apply({"first": Linear(5), "after": Linear(3)}, {"x": (4,)}).layers
{'both': Linear(3)}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from types import SimpleNamespace, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from zlib import crc32

import numpy
from sympy import Integer, false, true
from sympy.logic.boolalg import Boolean

from ...algebra.arguments import checked
from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network
from ...algebra.numerics.copies import at_literal_sizes
from ...algebra.numerics.run import run
from ...algebra.numerics.weights import inventory
from ...algebra.records import dataclass
from ...algebra.sizes.decisions import equal
from ..law import Law, register
from ..samples.structural import Inapplicable, OnSamples, refusal, witness
from ..verdict import Witness
from .statement import Joined, Shape, Side, layers_in, network_of, parse_sides, variables_in

Arrays = Mapping[str, Any]
#: Of two results that are not computed exactly, the difference that rounding explains.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Made:
    """What a law makes of the layers on its left side.

    Attributes
    ----------
    layers : mapping of str to Network
        Those on the right side that are new.
    weights : callable, optional
        Takes the arrays of each layer on the left by its name, and returns those of the new ones.
    back : callable, optional
        The other way, where every function of the right side is one of the left side.
    given : sequence of pairs
        Sizes that must be equal; what cannot be decided becomes part of the domain.

    Examples
    --------
    >>> from layeralgebra import Linear
    >>> from layeralgebra.proofs import Made
    >>> Made({"both": Linear(3)}).layers["both"]
    Linear(3)
    """

    layers: Mapping[str, Network] = field(default_factory=dict)
    weights: Callable[..., Mapping[str, Arrays]] | None = None
    back: Callable[..., Mapping[str, Arrays]] | None = None
    given: Sequence[tuple[Any, Any]] = ()


@dataclass(frozen=True)
class Rule(OnSamples):
    """How a law about two small networks is tried, and what it makes of layers that fit its left side."""

    statement: str = ""
    left: Side = None  # type: ignore[assignment]
    right: Side = None  # type: ignore[assignment]
    kinds: Mapping[str, tuple[type[Layer], ...]] = field(default_factory=dict)
    make: Callable[..., Made | None] = None  # type: ignore[assignment]

    def apply(self, layers: Mapping[str, Network], shapes: Mapping[str, Shape], axis: Any = None) -> Made | None:
        """What the law makes of these layers, or None if it does not speak of them."""
        shapes = {name: tuple(map(_size, shape)) for name, shape in shapes.items()}
        offered = {**layers, **shapes, "axis": axis}
        wanted = inspect.signature(self.make).parameters
        try:
            return self.make(**{name: offered[name] for name in wanted})
        except Inapplicable:
            return None


def _size(size: Any) -> Any:
    return Integer(size) if isinstance(size, int) else size


def conditions(given: Sequence[tuple[Any, Any]]) -> list[Boolean] | None:
    """The relations that are left of pairs of sizes which must be equal; None if a pair is known to differ."""
    left: list[Boolean] = []
    for first, second in given:
        verdict = equal(first, second)
        if verdict == false:
            return None
        if verdict != true:
            left.append(verdict)
    return left


def drawn(make: Callable[[Any], tuple[Any, ...]], **ranges: Any) -> Any:
    """Samples of a law: layers by name and shapes of what enters, made of named sizes in their ranges.

    Two integers are a range, anything else is a choice. A third value is the axis along which the statement concatenates.
    """

    def samples() -> Any:
        from hypothesis import strategies as st

        one = {
            name: st.sampled_from(ends) if isinstance(ends[0], (bool, str)) or len(ends) != 2 else st.integers(*ends)
            for name, ends in ranges.items()
        }
        return st.fixed_dictionaries(one).map(lambda sizes: (sizes, *make(SimpleNamespace(**sizes))))

    return samples


def wrong(change: Callable[..., Mapping[str, Arrays]]) -> Callable[[Made], Made]:
    """A mutant: the new weights changed, each layer's arrays given by its name."""

    def changed(made: Made) -> Made:
        assert made.weights is not None
        good = made.weights

        def weights(**old: Arrays) -> Mapping[str, Arrays]:
            new = good(**old)
            slips = change(**{name: new[name] for name in inspect.signature(change).parameters})
            return {name: {**own, **slips.get(name, {})} for name, own in new.items()}

        return replace(made, weights=weights)

    return changed


def other_layers(**layers: Callable[[Any], Network]) -> Callable[[Made], Made]:
    """A mutant: new layers that are different ones, each made of the right one."""
    return lambda made: replace(made, layers={**made.layers, **{n: f(made.layers[n]) for n, f in layers.items()}})


def other_side(text: str) -> Callable[[Made], Made]:
    """A mutant: another right side, with the layers that are there."""
    return lambda made: _Otherwise(
        made.layers, made.weights, made.back, made.given, parse_sides(f"f(x) + g(y) + h(z) + f(w) = {text}")[1]
    )


@dataclass(frozen=True)
class _Otherwise(Made):
    side: Side = None  # type: ignore[assignment]


@checked
def rewriting(
    statement: str,
    samples: Callable[..., Any],
    *,
    mutants: Mapping[str, Callable[[Made], Made]],
    rests_on: str = "",
    cites: str = "",
    register: bool = True,
) -> Callable[[Callable[..., Made | None]], Law]:
    """Make a law of a function that says what becomes of the layers on the left side of a statement.

    Parameters
    ----------
    statement : str
        Such as ``"norm(conv(x)) = folded(x)"``: what is called is a layer, bare names are what enters.
    samples : callable
        Returns a strategy of layers and shapes on which the law is tried; `layeralgebra.proofs.rules.rule.drawn` makes one.
    mutants : mapping of str to function
        At least two that change what the law makes, so that it is false.
    rests_on : str
        Names of arithmetic laws, separated by blanks.
    cites : str
        Where it comes from.
    register : bool
        Whether it enters the registry, which `la.rewrite` uses; others are passed to it.

    Returns
    -------
    decorator
        The function takes layers of the left side, annotated with their classes, and the shapes of what enters, by their names in the
        statement (and ``axis``, where it concatenates). It returns a `Made`, or None where the law does not speak of these layers.

    Raises
    ------
    FieldError
        If the statement cannot be read, a layer on the left has no class, or there are fewer than two mutants.

    Examples
    --------
    >>> from layeralgebra import Abs, ReLU, proofs
    >>> from layeralgebra.proofs.rules.rule import drawn, other_side
    >>> @proofs.rewriting(
    ...     "after(first(x)) = first(x)",
    ...     drawn(lambda n: ({"first": Abs(), "after": ReLU()}, {"x": (n.size,)}), size=(1, 4)),
    ...     mutants={"second alone": other_side("after(x)"), "nothing": other_side("x")},
    ...     register=False,
    ... )
    ... def relu_after_absolute_value(first: Abs, after: ReLU):
    ...     "What is not negative passes."
    ...     return proofs.Made()
    >>> relu_after_absolute_value
    relu_after_absolute_value: after(first(x)) = first(x)
    """
    left, right = parse_sides(statement)

    def decorate(function: Callable[..., Made | None]) -> Law:
        kinds = _kinds(function, left)

        def tried(change: Callable[[Made], Made] | None = None) -> Callable[[Any], Witness | None]:
            return lambda sample: _trial(rule, sample, change)

        rule: Rule = Rule(
            samples, tried(), {name: tried(change) for name, change in mutants.items()},
            statement=statement, left=left, right=right, kinds=kinds, make=function,
        )  # fmt: skip
        made = Law(
            name=function.__name__, statement=None, kind="structural", trial=rule, rests_on=tuple(rests_on.split()),
            note=inspect.cleandoc(function.__doc__ or "") if register or function.__doc__ is None else statement,
            subject=function.__module__.rpartition(".")[2], cites=cites,
        )  # fmt: skip
        return _enter(made) if register else made

    return decorate


_enter = register


def _kinds(function: Callable[..., Any], left: Side) -> dict[str, tuple[type[Layer], ...]]:
    hints = get_type_hints(function)
    known = {*layers_in(left), *variables_in(left), "axis"}
    unknown = [name for name in inspect.signature(function).parameters if name not in known]
    if unknown:
        raise FieldError(f"{function.__name__} takes {unknown[0]!r}, which is not on the left side of its statement")
    kinds: dict[str, tuple[type[Layer], ...]] = {}
    for name in layers_in(left):
        hint = hints.get(name)
        found = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        if not all(isinstance(one, type) and issubclass(one, Layer) for one in found):
            raise FieldError(f"{function.__name__}: annotate {name} with its class of layers, as in {name}: Linear")
        kinds[name] = found
    return kinds


def is_rule(law: Law) -> bool:
    """Whether a law can be applied as a rule."""
    return isinstance(law.trial, Rule)


# trying it on numbers --------------------------------------------------------------------------------------------------


def _trial(rule: Rule, sample: Any, change: Callable[[Made], Made] | None = None) -> Witness | None:
    """Both sides on the same numbers, and the other way where there is one."""
    sizes, layers, shapes, *axis = sample
    along = axis[0] if axis else 0
    made = rule.apply(layers, shapes, along)
    if made is None or conditions(made.given) != []:
        raise Inapplicable
    if change is not None:
        made = change(made)
    side = made.side if isinstance(made, _Otherwise) else rule.right
    if change is not None and made.weights is None and set(layers_in(side)) - {*layers, *made.layers}:
        raise Inapplicable
    left = network_of(rule.left, layers, shapes, along)
    right = network_of(side, {**layers, **made.layers}, shapes, along)
    inputs = {name: _integers(shape, name) for name, shape in shapes.items()}
    try:
        old: dict[str, Arrays] = dict(_integer_weights(left, rule.left))
        new: dict[str, Arrays] = {**old, **(made.weights(**old) if made.weights is not None else {})}
        found = _compared(left, old, right, new, rule.left, side, inputs, sizes)
        if found is not None or made.back is None or change is not None:
            return found
        new = {name: own for name, own in _integer_weights(right, side).items() if name in made.layers}
        old = {**_integer_weights(left, rule.left), **made.back(**new)}
        return _compared(left, old, right, {**old, **new}, rule.left, side, inputs, {**sizes, "way": "back"})
    except LayerAlgebraError as error:
        return refusal(sizes, error)


def _compared(
    left: Any, old: Any, right: Any, new: Any, left_side: Side, right_side: Side, inputs: Any, sizes: Any
) -> Witness | None:
    first, second = _value(left, old, left_side, inputs), _value(right, new, right_side, inputs)
    if first.shape != second.shape:
        return witness(sizes, "=", first.shape, second.shape, "shapes")
    return None if agree(first, second) else witness(sizes, "=", first.tolist(), second.tolist())


def agree(first: Any, second: Any) -> bool:
    """Whether two arrays are equal, exactly where both are exact, and up to rounding where one is not."""
    if first.dtype.kind in "iO" and second.dtype.kind in "iO" and not _has_floats(first) and not _has_floats(second):
        return bool((first == second).all())
    first, second = first.astype(float), second.astype(float)
    scale = max(1.0, float(abs(first).max(initial=0)), float(abs(second).max(initial=0)))
    return bool((abs(first - second) <= TOLERANCE * scale).all())


def _has_floats(array: Any) -> bool:
    return array.dtype.kind == "f" or array.dtype.kind == "O" and any(isinstance(one, float) for one in array.flat)


def _value(network: Any, arrays: Any, side: Side, inputs: Mapping[str, Any]) -> Any:
    order = [name for name in inputs if name in variables_in(side)]
    slots = _slots(network.net)
    weights = {
        name: numpy.asarray(array).reshape(slots[name].shape)
        for name, array in network.named(arrays, list(slots)).items()
    }
    given = [inputs[name] for name in order]
    return run(network.net, given[0] if len(given) == 1 else given, weights)


def _slots(net: Network) -> Any:
    network, shapes = at_literal_sizes(net, None)
    return inventory(network, shapes).slots


def _integer_weights(network: Any, side: Side) -> dict[str, dict[str, Any]]:
    """Small integers for every tensor, positive ones for statistics; by the layer's name in the statement."""
    found: dict[str, dict[str, Any]] = {name: {} for name in layers_in(side)}
    owners = {place: layer for layer, places in network.places.items() for place in (layer, *places)}
    for name, slot in _slots(network.net).items():
        owner, _, tensor = name.partition(".")
        numbers = _integers(slot.shape, name)
        found[owners[owner]][tensor] = numbers if slot.learned else abs(numbers) + 1
    return found


def _integers(shape: Sequence[int], name: str) -> Any:
    return numpy.random.default_rng(crc32(name.encode())).integers(-4, 5, tuple(map(int, shape)))


def is_joined(side: Side) -> bool:
    """Whether a side is a join."""
    return isinstance(side, Joined)
