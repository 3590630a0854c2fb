"""Networks side by side, as functions: sums, products and concatenations of branches.

As functions means: both sides are run on the same numbers with the same weights, each of the networks f, g and h being shared under a
name of its own. Series distributes over what stands side by side from one side only:

>>> from layeralgebra import proofs
>>> print(proofs.named("series_after_add").note)
(f + g) after p is f after p plus g after p: whatever comes before can be copied into both branches.
>>> law = proofs.named("add_before_linear")
>>> print(law.note.splitlines()[0])
A linear map after a sum is the sum of the maps: h(f(x) + g(x)) = h(f(x)) + h(g(x)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy

from ...algebra.errors import DomainError
from ...algebra.networks.network import Add, Concat, Mul, Network
from ...layers import REGISTRY
from ..samples.populations import (
    agree,
    named_apart,
    of_elementwise_ends,
    of_linear_ends,
    of_run_forks,
    same_object,
    shown,
)
from ..samples.structural import Inapplicable, structural, witness
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Fork


def _after(join: Callable[..., Network], exchanged: bool = False) -> Callable[[Fork], Witness | None]:
    def trial(s: Fork) -> Witness | None:
        p, f, g = named_apart(s.before, s.f, s.g)
        return agree(s, p >> join(f, g), join(p >> g, p >> f) if exchanged else join(p >> f, p >> g))

    return trial


def _before(
    join: Callable[..., Network], after: Callable[[Fork], Network] = lambda s: s.after, exchanged: bool = False
) -> Callable[[Fork], Witness | None]:
    def trial(s: Fork) -> Witness | None:
        f, g, h = named_apart(s.f, s.g, after(s))
        return agree(s, join(f, g) >> h, join(g >> h, f >> h) if exchanged else join(f >> h, g >> h))

    return trial


def _with(kind: str) -> Callable[[Fork], Network]:
    return lambda s: REGISTRY[kind]()


@structural(
    of_run_forks,
    mutants={
        "only in one branch": lambda s: _one_branch(s, Add),
        "after instead of before": lambda s: _before(Add, _with("ReLU"))(s),
    },
    cites="a near-ring",
)
def series_after_add(s: Fork) -> Witness | None:
    """(f + g) after p is f after p plus g after p: whatever comes before can be copied into both branches."""
    return _after(Add)(s)


def _one_branch(s: Fork, join: Callable[..., Network]) -> Witness | None:
    p, f, g = named_apart(s.before, s.f, s.g)
    return agree(s, p >> join(f, g), join(p >> f, g))


@structural(
    of_run_forks,
    mutants={
        "only in one branch": lambda s: _one_branch(s, Concat),
        "branches exchanged": lambda s: _after(Concat, exchanged=True)(s),
    },
)
def series_after_concat(s: Fork) -> Witness | None:
    """(f | g) after p is f after p beside g after p."""
    return _after(Concat)(s)


@structural(
    of_run_forks,
    mutants={
        "only in one branch": lambda s: _one_branch(s, Mul),
        "after instead of before": lambda s: _before(Mul, _with("ReLU"))(s),
    },
)
def series_after_mul(s: Fork) -> Witness | None:
    """(f * g) after p is f after p times g after p."""
    return _after(Mul)(s)


@structural(
    of_linear_ends,
    mutants={
        "h need not be linear": lambda s: _before(Add, _with("ReLU"))(s),
        "h is a shifted function": lambda s: _before(Add, _with("Softplus"))(s),
    },
)
def add_before_linear(s: Fork) -> Witness | None:
    """A linear map after a sum is the sum of the maps: h(f(x) + g(x)) = h(f(x)) + h(g(x)).

    Without the condition it fails: a rectifier after a sum is no sum of rectifiers, and a bias would be added twice.
    """
    return _before(Add)(s)


@structural(
    of_elementwise_ends,
    rests_on="scaling_goes_through_max",
    mutants={
        "h joins elements": lambda s: _before(Concat, _with("Softmax"))(s),
        "branches exchanged": lambda s: _before(Concat, exchanged=True)(s),
    },
)
def concat_before_elementwise(s: Fork) -> Witness | None:
    """A function of single elements after a concatenation is the concatenation of the functions."""
    return _before(Concat)(s)


@structural(
    of_run_forks,
    mutants={
        "h is any function": lambda s: _before(Mul, _with("Tanh"))(s),
        "after a sum": lambda s: _before(Add, _with("Abs"))(s),
    },
)
def mul_before_absolute_value(s: Fork) -> Witness | None:
    """Absolute values after a product are the product of absolute values; few functions do that."""
    return _before(Mul, _with("Abs"))(s)


def _sides(left: Callable[..., Network], right: Callable[..., Network]) -> Callable[[Fork], Witness | None]:
    """Two ways of putting the branches f, g and h side by side, run on the same numbers."""

    def trial(s: Fork) -> Witness | None:
        branches = named_apart(s.f, s.g, s.h)
        return agree(s, left(*branches), right(*branches))

    return trial


@structural(
    of_run_forks,
    mutants={
        "a branch twice": _sides(lambda f, g, h: f + g, lambda f, g, h: Add(g, g)),
        "a branch left out": _sides(lambda f, g, h: f + g, lambda f, g, h: g),
    },
)
def add_commutative(s: Fork) -> Witness | None:
    """f + g and g + f are one function."""
    return _sides(lambda f, g, h: f + g, lambda f, g, h: g + f)(s)


@structural(
    of_run_forks,
    mutants={
        "times": _sides(lambda f, g, h: (f + g) + h, lambda f, g, h: f + g * h),
        "a branch twice": _sides(lambda f, g, h: (f + g) + h, lambda f, g, h: f + Add(g, g)),
    },
)
def add_associative(s: Fork) -> Witness | None:
    """(f + g) + h and f + (g + h) are one function, and one object."""
    f, g, h = named_apart(s.f, s.g, s.h)
    return same_object(s, (f + g) + h, f + (g + h)) or agree(s, Add(f, Add(g, h)), Add(Add(f, g), h))


@structural(
    of_run_forks,
    mutants={
        "sum": _sides(lambda f, g, h: f * g, lambda f, g, h: f + g),
        "a factor twice": _sides(lambda f, g, h: f * g, lambda f, g, h: Mul(g, g)),
    },
)
def mul_commutative(s: Fork) -> Witness | None:
    """f * g and g * f are one function."""
    return _sides(lambda f, g, h: f * g, lambda f, g, h: g * f)(s)


@structural(
    of_run_forks,
    mutants={
        "a factor left out": _sides(lambda f, g, h: (f * g) * h, lambda f, g, h: f * g),
        "plus": _sides(lambda f, g, h: (f * g) * h, lambda f, g, h: f * (g + h)),
    },
)
def mul_associative(s: Fork) -> Witness | None:
    """(f * g) * h and f * (g * h) are one function, and one object."""
    f, g, h = named_apart(s.f, s.g, s.h)
    return same_object(s, (f * g) * h, f * (g * h)) or agree(s, Mul(f, Mul(g, h)), Mul(Mul(f, g), h))


@structural(
    of_run_forks,
    mutants={
        "commutative": _sides(lambda f, g, h: f | g, lambda f, g, h: g | f),
        "the last two exchanged": _sides(lambda f, g, h: (f | g) | h, lambda f, g, h: f | (h | g)),
    },
)
def concat_associative(s: Fork) -> Witness | None:
    """(f | g) | h and f | (g | h) are one function, and one object; the order matters."""
    f, g, h = named_apart(s.f, s.g, s.h)
    return same_object(s, (f | g) | h, f | (g | h)) or agree(s, Concat(f, Concat(g, h)), Concat(Concat(f, g), h))


@structural(
    of_run_forks,
    mutants={
        "sums of branches": lambda s: _mul_over_add(s, Add),
        "the first product alone": _sides(lambda f, g, h: f * (g + h), lambda f, g, h: f * g + h),
    },
)
def mul_over_add(s: Fork) -> Witness | None:
    """f * (g + h) and f * g + f * h are one function: side by side, networks form a commutative ring's module."""
    return _mul_over_add(s, Mul)


def _mul_over_add(s: Fork, join: Callable[..., Network]) -> Witness | None:
    f, g, h = named_apart(s.f, s.g, s.h)
    return agree(s, join(f, Add(g, h)), Add(join(f, g), join(f, h)))


# running -------------------------------------------------------------------------------------------------------------


def _runs(join: Callable[..., Network], of: Callable[[Any, Any, int], Any]) -> Callable[[Fork], Witness | None]:
    """A join of f and g is run, and f and g alone with the same weights, joined by NumPy; the axis is that of the channels."""

    def trial(s: Fork) -> Witness | None:
        from ..samples.chains import channels_are_last, close, entering, numbers

        f, g = named_apart(s.f, s.g)
        axis = -1 if channels_are_last([join(f, g)], s.on) else 0
        for x in (entering(s.on), numpy.zeros(s.on)):
            try:
                whole, first, second = (numbers(net, s.on, x=x) for net in (join(f, g), f, g))
            except DomainError:  # a word outside a vocabulary, say; zero is one
                continue
            with numpy.errstate(all="ignore"):
                joined = of(first, second, axis)
            return None if close(whole, joined) else witness(s.where(), "=", shown(whole), shown(joined))
        raise Inapplicable

    return trial


def _beside(first: Any, second: Any, axis: int) -> Any:
    return numpy.concatenate([first, second], axis=axis)


def _beside_elsewhere(first: Any, second: Any, axis: int) -> Any:
    if first.ndim < 2:
        raise Inapplicable
    return _beside(first, second, -1 - axis)


@structural(
    of_run_forks,
    mutants={"the product": _runs(Add, lambda a, b, axis: a * b), "f alone": _runs(Add, lambda a, b, axis: a)},
)
def run_add(s: Fork) -> Witness | None:
    """Running f + g is adding what f and g give."""
    return _runs(Add, lambda a, b, axis: a + b)(s)


@structural(
    of_run_forks,
    mutants={"the sum": _runs(Mul, lambda a, b, axis: a + b), "f twice": _runs(Mul, lambda a, b, axis: a * a)},
)
def run_mul(s: Fork) -> Witness | None:
    """Running f * g is multiplying what f and g give, element by element."""
    return _runs(Mul, lambda a, b, axis: a * b)(s)


@structural(
    of_run_forks,
    mutants={
        "g before f": _runs(Concat, lambda a, b, axis: _beside(b, a, axis)),
        "along another axis": _runs(Concat, _beside_elsewhere),
    },
)
def run_concat(s: Fork) -> Witness | None:
    """Running f | g is putting what f and g give side by side, along the axis of the channels."""
    return _runs(Concat, _beside)(s)
