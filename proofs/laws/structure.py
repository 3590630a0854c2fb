"""Networks in a row and in copies: a category, in which running is a functor, with powers.

>>> from layeralgebra import proofs
>>> proofs.named("repeat_product").note
'(f ** m) ** n is f ** (m * n).'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy

from ...algebra.errors import DomainError
from ...algebra.networks.network import Add, Network, Series, Shared
from ...algebra.numerics.run import run, weights
from ...layers import REGISTRY
from ..samples.populations import agree, of_chains, of_run_chains, of_run_loops, same_object, shown
from ..samples.structural import Inapplicable, structural, witness
from ..verdict import Witness

if TYPE_CHECKING:
    from ..samples.chains import Chain, Loop


@structural(
    of_chains,
    mutants={
        "the order changed": lambda c: same_object(c, (c.f >> c.g) >> c.h, c.f >> (c.h >> c.g)),
        "a part left out": lambda c: same_object(c, (c.f >> c.g) >> c.h, c.f >> c.h),
    },
    cites="a category",
)
def series_associative(c: Chain) -> Witness | None:
    """(f >> g) >> h is f >> (g >> h), as an object."""
    return same_object(c, (c.f >> c.g) >> c.h, c.f >> (c.g >> c.h))


@structural(
    of_chains,
    mutants={
        "not an identity": lambda c: same_object(c, REGISTRY["ReLU"]() >> c.f, c.f),
        "beside instead of before": lambda c: same_object(c, Add(REGISTRY["Identity"](), c.f), c.f),
    },
)
def id_series(c: Chain) -> Witness | None:
    """Identity before f is f."""
    return same_object(c, REGISTRY["Identity"]() >> c.f, _flat(c.f))


@structural(
    of_chains,
    mutants={
        "not an identity": lambda c: same_object(c, c.f >> REGISTRY["Tanh"](), c.f),
        "f after it as well": lambda c: same_object(c, c.f >> REGISTRY["Identity"]() >> c.f, c.f),
    },
)
def series_id(c: Chain) -> Witness | None:
    """f before Identity is f."""
    return same_object(c, c.f >> REGISTRY["Identity"](), _flat(c.f))


def _flat(net: Network) -> Network:
    return Series(net)


@structural(
    of_run_chains,
    mutants={
        "the other order": lambda c: _series_runs(c, backwards=True),
        "the second part on the input": lambda c: _series_runs(c, first=1),
    },
)
def run_series(c: Chain) -> Witness | None:
    """Running f >> g is running g on what f gives."""
    return _series_runs(c)


def _series_runs(c: Chain, backwards: bool = False, first: int = 0) -> Witness | None:
    from ..samples.chains import close, entering

    net = c.f >> c.g
    shared = net.atoms(Shared)
    if len({one.name for one in shared}) < len(shared):  # one tensor of two networks, which is called after the first
        raise Inapplicable
    given, parts = weights(net, on=c.on), net.args if isinstance(net, Series) else (net,)
    places = range(len(parts))[:: -1 if backwards else 1][first:]
    with numpy.errstate(all="ignore"):
        for x in (entering(c.on, 1), numpy.zeros(c.on)):
            try:
                whole = run(net, x, given)
                break
            except DomainError:  # a word outside a vocabulary, say; zero is one
                continue
        else:
            raise Inapplicable
        step = x
        for place in places:
            own = _own(parts[place], step.shape, given, f"{place}." if len(parts) > 1 else "")
            if own is None:
                if backwards or first:
                    raise Inapplicable
                return witness(
                    c.where(), "=", parts[place], sorted(given), "a part needs weights that the whole has not"
                )
            step = run(parts[place], step, own)
    return None if close(whole, step) else witness(c.where(), "=", shown(whole), shown(step))


def _own(net: Network, on: tuple[int, ...], given: dict[str, Any], prefix: str) -> dict[str, Any] | None:
    """The weights of one part among those of the whole, by their names there; what is shared keeps its name."""
    from ..samples.strategies import _made

    if _made(net, on) is None:
        return None
    needed = weights(net, on=on)
    own = {name: given.get(prefix + name, given.get(name)) for name in needed}
    fits = all(getattr(own[name], "shape", None) == array.shape for name, array in needed.items())
    return own if fits else None


# repetition ----------------------------------------------------------------------------------------------------------


def _copies(left: Callable[..., Network], right: Callable[..., Network]) -> Callable[[Loop], Witness | None]:
    """Two networks made of f and the numbers m and n, run on the same numbers."""

    def trial(r: Loop) -> Witness | None:
        f = r.f.shared("a")
        return agree(r, left(f, r.m, r.n), right(f, r.m, r.n))

    return trial


@structural(
    of_run_loops,
    rests_on="repeat_add",
    mutants={
        "one copy more": _copies(lambda f, m, n: f ** (m + n + 1), lambda f, m, n: f**m >> f**n),
        "copies multiplied": _copies(lambda f, m, n: f ** (m * n), lambda f, m, n: f**m >> f**n),
    },
)
def repeat_sum(r: Loop) -> Witness | None:
    """f ** (m + n) is f ** m before f ** n."""
    return _copies(lambda f, m, n: f ** (m + n), lambda f, m, n: f**m >> f**n)(r)


@structural(
    of_run_loops,
    rests_on="repeat_mul",
    mutants={
        "exponents added": _copies(lambda f, m, n: (f**m) ** n, lambda f, m, n: f ** (m + n)),
        "one copy more": _copies(lambda f, m, n: (f**m) ** n, lambda f, m, n: f ** (m * n + 1)),
    },
)
def repeat_product(r: Loop) -> Witness | None:
    """(f ** m) ** n is f ** (m * n)."""
    return _copies(lambda f, m, n: (f**m) ** n, lambda f, m, n: f ** (m * n))(r)


def _identity(f: Network, m: int, n: int) -> Network:
    return REGISTRY["Identity"]()


@structural(
    of_run_loops,
    mutants={
        "one copy": _copies(lambda f, m, n: f**1, _identity),
        "added to itself": _copies(lambda f, m, n: Add(f**0, f**0), _identity),
    },
)
def repeat_zero_is_id(r: Loop) -> Witness | None:
    """f ** 0 is the identity."""
    return _copies(lambda f, m, n: f**0, _identity)(r)


@structural(
    of_run_loops,
    mutants={
        "two copies": _copies(lambda f, m, n: f**2, lambda f, m, n: f),
        "no copy": _copies(lambda f, m, n: f**0, lambda f, m, n: f),
    },
)
def repeat_one_is_itself(r: Loop) -> Witness | None:
    """f ** 1 is f."""
    return _copies(lambda f, m, n: f**1, lambda f, m, n: f)(r)
