"""The routes on which a law is proved, cheapest first; each is a module with a function ``prove(law)``.

A route may say `Proved`, `Refuted` or `Undecided`. What all of them owe is asked for here, once: that the hypotheses
can be met at all (or else the law says nothing), and that the tool is there.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ...algebra.errors import BudgetError, FieldError
from ..law import ROUTES, Law
from ..samples.search import example
from ..statements.statement import Statement
from ..verdict import Proved, Refuted, Undecided, Verdict

#: What a route needs that may be missing.
_MODULES = {"z3": "z3", "cvc5": "cvc5"}
_PROGRAMS = {"coq": "coqc"}
_FILES = {"z3": "z3_solver", "cvc5": "cvc5_solver", "coq": "coq_prover"}


def missing(route: str) -> str:
    """Why a route cannot be taken here, or an empty text when it can."""
    if route not in ROUTES:
        raise FieldError(f"no route is called {route!r}; there are {', '.join(ROUTES)}")
    if route in _MODULES and importlib.util.find_spec(_MODULES[route]) is None:
        return f"the module {_MODULES[route]} is not installed"
    if route in _PROGRAMS and shutil.which(_PROGRAMS[route]) is None:
        return f"the program {_PROGRAMS[route]} is not on the path"
    if route == "normal_form" and importlib.util.find_spec("layeralgebra.algebra.sizes.normal_form") is None:
        return "this installation has no normal form"
    return ""


def module(route: str) -> Any:
    """The module of a route, imported now."""
    return importlib.import_module(f".{_FILES.get(route, route)}", __name__)


def attempt(law: Law, route: str) -> Verdict:
    """What one route says of one law.

    Parameters
    ----------
    law : Law
        An arithmetic law, or one about networks on the route ``coq``.
    route : str
        One of `ROUTES`.

    Returns
    -------
    Proved, Refuted or Undecided
        `Undecided` also where the tool is missing, where the hypotheses could not be met, and where a budget ran out.

    Raises
    ------
    FieldError
        If there is no such route.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> print(proofs.attempt(proofs.named("nested_floor"), "galois"))
    proved (galois): the same integers lie below both sides
    """
    if not isinstance(law, Law):
        raise FieldError(f"attempt takes a law, such as named('nested_floor'); got {law!r}")
    absent = missing(route)
    if absent:
        return Undecided(absent)
    if law.kind != "arithmetic":
        if route == "coq":
            proved: Verdict = module("coq").of_networks(law)
            return proved
        return Undecided("a structural law is tried on networks; samples refute and never prove")
    if admitted_sizes(law.arithmetic) is None:
        return Undecided("no sizes were found that meet the hypotheses, so that the law may say nothing")
    try:
        verdict = module(route).prove(law)
    except BudgetError as error:
        return Undecided(f"out of budget: {error}")
    if not isinstance(verdict, (Proved, Refuted, Undecided)):
        raise TypeError(f"the route {route} returned {verdict!r}")
    if isinstance(verdict, Proved) and law.trivial:
        certificate = replace(verdict.certificate, summary=f"trivial, for {law.trivial}; {verdict.certificate.summary}")
        return Proved(certificate)
    return verdict


@lru_cache(maxsize=4096)
def admitted_sizes(statement: Statement) -> tuple[tuple[str, Any], ...] | None:
    """Sizes that meet the hypotheses: found by search, else by z3 (and then checked); None when none are in sight."""
    found = example(statement)
    if found is None and not missing("z3"):
        found = module("z3").admitted_sizes(statement)
    return tuple(found.items()) if found is not None else None
