"""Names that a shell completes: what the word begins with; in a list with commas, what its last item begins with.

>>> listed("parameters,ma", ["macs", "depth"])
['parameters,macs']
"""

from __future__ import annotations

from collections.abc import Iterable

from .catalogue import names

ROUTES = ("ring", "field", "galois", "induction", "normal_form", "z3", "cvc5", "coq")


def begun(incomplete: str, known: Iterable[str]) -> list[str]:
    """The names that begin with a text."""
    return [name for name in known if name.startswith(incomplete)]


def listed(incomplete: str, known: Iterable[str]) -> list[str]:
    """The lists that a list with commas may become, its last item completed."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in begun(last, known)]


def networks(incomplete: str) -> list[str]:
    """Published networks."""
    return listed(incomplete, names("networks"))


def layers(incomplete: str) -> list[str]:
    """Layers of the library."""
    return begun(incomplete, names("layers"))


def metrics(incomplete: str) -> list[str]:
    """Metrics."""
    return listed(incomplete, names("metrics"))


def laws(incomplete: str) -> list[str]:
    """Laws of the library."""
    return begun(incomplete, names("laws"))


def routes(incomplete: str) -> list[str]:
    """Routes to a proof."""
    return listed(incomplete, ROUTES)


def kinds(incomplete: str) -> list[str]:
    """What can be listed."""
    return begun(incomplete, ("networks", "layers", "metrics", "laws"))


def forms(incomplete: str) -> list[str]:
    """Forms of a formula."""
    return begun(incomplete, ("shortest", "expanded", "factored", "collected", "given"))


def surrogates(incomplete: str) -> list[str]:
    """What stands in for functions without affine pieces."""
    return begun(incomplete, ("relu", "hard_tanh", "affine"))


def recomputing(incomplete: str) -> list[str]:
    """What is computed again in the backward pass."""
    return begun(incomplete, ("none", "selective", "block"))
