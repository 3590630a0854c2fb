"""Composition of networks: series, sums, products, concatenations and repetition, as objects and as functions.

As functions means: both sides are run on the same numbers with the same weights, each of the networks f, g and h being shared under a
name of its own. Series distributes over what stands side by side from one side only:

>>> from layeralgebra import proofs
>>> from layeralgebra.proofs.structural import try_mutant
>>> print(proofs.named("series_after_add").note)
(f + g) after p is f after p plus g after p: whatever comes before can be copied into both branches.
>>> law = proofs.named("add_before_linear")
>>> print(law.note.splitlines()[0])
A linear map after a sum is the sum of the maps: h(f(x) + g(x)) = h(f(x)) + h(g(x)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...algebra.errors import DomainError
from ...algebra.network import Add, Concat, Mul, Network, Series, Shared
from ...layers import REGISTRY
from ..structural import Inapplicable, structural, witness
from ..verdict import Witness

if TYPE_CHECKING:
    from ..chains import Chain, Fork, Loop


def of_chains(first: Any = None) -> Any:
    """Three networks in a row."""
    from ..chains import chains

    return chains(first)


def of_window_chains(first: Any = None) -> Any:
    """Three networks in a row, of layers that read windows every other time."""
    from ..chains import WINDOWS, chains

    return chains(first) | chains(first, of=WINDOWS)


def of_run_chains(first: Any = None) -> Any:
    """Three networks in a row that are run."""
    from ..chains import chains

    return chains(first, numeric=True)


def of_run_forks(first: Any = None) -> Any:
    """Networks side by side that are run."""
    from ..chains import forks

    return forks(first, numeric=True)


def of_linear_ends(first: Any = None) -> Any:
    """Networks side by side, and after them a layer without its bias that is a linear map."""
    from ..chains import LINEAR, forks

    return forks(first, numeric=True, after=LINEAR)


def of_elementwise_ends(first: Any = None) -> Any:
    """Networks side by side, and after them one function of every element."""
    from ..chains import ELEMENTWISE, forks

    return forks(first, numeric=True, after=ELEMENTWISE)


def of_run_loops(first: Any = None) -> Any:
    """Networks that keep their shape, and numbers of copies; they are run."""
    from ..chains import loops

    return loops(first, numeric=True)


def of_loops(first: Any = None) -> Any:
    """Networks that keep their shape, and numbers of copies."""
    from ..chains import loops

    return loops(first)


def of_learned_chains(first: Any = None) -> Any:
    """Three networks in a row, of layers with weights every other time."""
    from ..chains import LEARNED, chains

    return chains(first) | chains(first, of=LEARNED)


def of_learned_forks(first: Any = None) -> Any:
    """Networks side by side, of layers with weights every other time."""
    from ..chains import LEARNED, forks

    return forks(first, numeric=True) | forks(first, of=LEARNED)


def of_learned_loops(first: Any = None) -> Any:
    """Networks that keep their shape, of layers with weights every other time."""
    from ..chains import LEARNED, loops

    return loops(first) | loops(first, of=LEARNED)


def of_window_loops(first: Any = None) -> Any:
    """Networks that keep their shape, of layers that read windows every other time."""
    from ..chains import WINDOWS, loops

    return loops(first) | loops(first, of=WINDOWS)


def agree(sample: Any, left: Network, right: Network) -> Witness | None:
    """Both sides run on the same numbers."""
    from ..chains import both, close

    found = both(left, right, sample.on)
    if found is None:
        raise Inapplicable
    return None if close(*found) else witness(sample.where(), "=", *map(_shown, found))


def _shown(values: Any) -> str:
    flat = [f"{value:.6g}" for value in values.astype(float).ravel()[:6]]
    return f"[{', '.join(flat)}{', ...' if values.size > 6 else ''}] of shape {values.shape}"


def same_object(sample: Any, left: Network, right: Network) -> Witness | None:
    """Both sides are one object, with one hash."""
    if left == right and hash(left) == hash(right):
        return None
    return witness(sample.where(), "=", left, right)


def _named(*networks: Network) -> list[Network]:
    return [net.shared(name) for net, name in zip(networks, "abcde")]


# category ------------------------------------------------------------------------------------------------------------


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
    import numpy

    from ...algebra.run import run, weights
    from ..chains import close, entering

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
                return witness(c.where(), "=", parts[place], sorted(given), "a part needs weights that the whole has not")
            step = run(parts[place], step, own)
    return None if close(whole, step) else witness(c.where(), "=", _shown(whole), _shown(step))


def _own(net: Network, on: tuple[int, ...], given: dict[str, Any], prefix: str) -> dict[str, Any] | None:
    """The weights of one part among those of the whole, by their names there; what is shared keeps its name."""
    from ...algebra.run import weights
    from ..strategies import _made

    if _made(net, on) is None:
        return None
    needed = weights(net, on=on)
    own = {name: given.get(prefix + name, given.get(name)) for name in needed}
    fits = all(own[name] is not None and own[name].shape == array.shape for name, array in needed.items())
    return own if fits else None


# side by side, as functions ------------------------------------------------------------------------------------------


def _after(join: Callable[..., Network], exchanged: bool = False) -> Callable[[Fork], Witness | None]:
    def trial(s: Fork) -> Witness | None:
        p, f, g = _named(s.before, s.f, s.g)
        return agree(s, p >> join(f, g), join(p >> g, p >> f) if exchanged else join(p >> f, p >> g))

    return trial


def _before(
    join: Callable[..., Network], after: Callable[[Fork], Network] = lambda s: s.after, exchanged: bool = False
) -> Callable[[Fork], Witness | None]:
    def trial(s: Fork) -> Witness | None:
        f, g, h = _named(s.f, s.g, after(s))
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
    p, f, g = _named(s.before, s.f, s.g)
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
        branches = _named(s.f, s.g, s.h)
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
    f, g, h = _named(s.f, s.g, s.h)
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
    f, g, h = _named(s.f, s.g, s.h)
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
    f, g, h = _named(s.f, s.g, s.h)
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
    f, g, h = _named(s.f, s.g, s.h)
    return agree(s, join(f, Add(g, h)), Add(join(f, g), join(f, h)))


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
