"""What the laws about networks are tried on, and how two sides are compared: as objects, as functions, or by a metric."""

from __future__ import annotations

from typing import Any

from ...algebra.derivations.metric import METRICS
from ...algebra.errors import BudgetError, UnsupportedError
from ...algebra.networks.network import Network
from ..verdict import Witness
from .structural import Inapplicable, compared, witness

# populations ---------------------------------------------------------------------------------------------------------
# Functions, so that hypothesis is imported when a law is tried and not before; `first` is a network to draw the others around.


def of_chains(first: Any = None) -> Any:
    """Three networks in a row."""
    from .chains import chains

    return chains(first)


def of_window_chains(first: Any = None) -> Any:
    """Three networks in a row, of layers that read windows every other time."""
    from .chains import WINDOWS, chains

    return chains(first) | chains(first, of=WINDOWS)


def of_run_chains(first: Any = None) -> Any:
    """Three networks in a row that are run."""
    from .chains import chains

    return chains(first, numeric=True)


def of_run_forks(first: Any = None) -> Any:
    """Networks side by side that are run."""
    from .chains import forks

    return forks(first, numeric=True)


def of_linear_ends(first: Any = None) -> Any:
    """Networks side by side, and after them a layer without its bias that is a linear map."""
    from .chains import LINEAR, forks

    return forks(first, numeric=True, after=LINEAR)


def of_elementwise_ends(first: Any = None) -> Any:
    """Networks side by side, and after them one function of every element."""
    from .chains import ELEMENTWISE, forks

    return forks(first, numeric=True, after=ELEMENTWISE)


def of_run_loops(first: Any = None) -> Any:
    """Networks that keep their shape, and numbers of copies; they are run."""
    from .chains import loops

    return loops(first, numeric=True)


def of_loops(first: Any = None) -> Any:
    """Networks that keep their shape, and numbers of copies."""
    from .chains import loops

    return loops(first)


def of_learned_chains(first: Any = None) -> Any:
    """Three networks in a row, of layers with weights every other time."""
    from .chains import LEARNED, chains

    return chains(first) | chains(first, of=LEARNED)


def of_learned_forks(first: Any = None) -> Any:
    """Networks side by side, of layers with weights every other time."""
    from .chains import LEARNED, forks

    return forks(first, numeric=True) | forks(first, of=LEARNED)


def of_learned_loops(first: Any = None) -> Any:
    """Networks that keep their shape, of layers with weights every other time."""
    from .chains import LEARNED, loops

    return loops(first) | loops(first, of=LEARNED)


def of_window_loops(first: Any = None) -> Any:
    """Networks that keep their shape, of layers that read windows every other time."""
    from .chains import WINDOWS, loops

    return loops(first) | loops(first, of=WINDOWS)


def of_piecewise_chains(first: Any = None) -> Any:
    """Three networks in a row that have affine pieces."""
    from .chains import PIECEWISE, chains

    return chains(first, of=PIECEWISE)


def of_perceptron_chains(first: Any = None) -> Any:
    """Three networks in a row, of dense layers and ReLUs."""
    from .chains import PERCEPTRONS, chains

    return chains(first, of=PERCEPTRONS)


def of_piecewise_forks(first: Any = None) -> Any:
    """Networks side by side that have affine pieces, and one before and one after them."""
    from .chains import PIECEWISE, forks

    return forks(first, of=PIECEWISE)


def of_piecewise_loops(first: Any = None) -> Any:
    """Networks that keep their shape and have affine pieces, and numbers of copies."""
    from .chains import PIECEWISE, loops

    return loops(first, of=PIECEWISE)


# comparisons ---------------------------------------------------------------------------------------------------------


def agree(sample: Any, left: Network, right: Network) -> Witness | None:
    """Both sides run on the same numbers."""
    from .chains import both, close

    found = both(left, right, sample.on)
    if found is None:
        raise Inapplicable
    return None if close(*found) else witness(sample.where(), "=", *map(shown, found))


def shown(values: Any) -> str:
    """The first numbers of an array, and its shape."""
    flat = [f"{value:.6g}" for value in values.astype(float).ravel()[:6]]
    return f"[{', '.join(flat)}{', ...' if values.size > 6 else ''}] of shape {values.shape}"


def same_object(sample: Any, left: Network, right: Network) -> Witness | None:
    """Both sides are one object, with one hash."""
    if left == right and hash(left) == hash(right):
        return None
    return witness(sample.where(), "=", left, right)


def named_apart(*networks: Network) -> list[Network]:
    """Networks, each shared under a name of its own, so that they keep their weights wherever they stand."""
    return [net.shared(name) for net, name in zip(networks, "abcde")]


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
