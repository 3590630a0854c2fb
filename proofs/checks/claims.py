"""What a layer claims, as propositions: laws of arithmetic that every route can prove, Coq among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Symbol, Tuple, sympify

from ...algebra.arguments import checked, shown
from ...algebra.derivations.metric import METRICS, derive
from ...algebra.errors import FieldError, LayerAlgebraError, UnsupportedError
from ...algebra.networks.layer import Layer
from ...algebra.sizes.dims import are_sizes
from ..law import Hints, Law, Mutant
from ..provers import attempt
from ..samples.cases import Case, cases, one_or_list, symbolic
from ..samples.structural import falsify
from ..statements.expressions import formula_of, sides_of, variable_of
from ..statements.quotients import NotLowered
from ..statements.statement import Statement
from ..statements.term import Add, Const, Term
from ..verdict import Proved
from .layer import _parts

#: The routes of a claim; the normal form as well, where it decides without the conditions of the domain.
ROUTES = ("z3", "coq")
#: So many layers of a class are drawn, that other flags and numbers of axes occur among them.
DRAWN = 12


@checked
def claims(subject: Any, on: Any = None) -> tuple[Law, ...]:
    """The claims of a layer as laws: that what is claimed is what is derived from the equation, for all sizes of its domain.

    Parameters
    ----------
    subject : layer, or class of layers
        The fields of a layer stay as they are, symbols or numbers. Layers of a class are drawn, with a symbol for every size, so that
        its flags and numbers of axes vary; each form of the formula is a law of its own.
    on : shape, or list of shapes, optional
        What enters a layer; for a class it is drawn.

    Returns
    -------
    tuple of Law
        To be given to `layeralgebra.proofs.prove` or `layeralgebra.proofs.attempt`; none of them is registered.

    Raises
    ------
    FieldError
        If it is no layer, a layer comes without the shape that enters it, or there is no metric of the name that a claim has.
    UnsupportedError
        If a claim, or what is derived, cannot be stated for integers.

    Examples
    --------
    >>> import layeralgebra as la
    >>> n, m = la.dims("n m")
    >>> class Doubled(la.Layer):
    ...     "A linear map twice over, of which the author counted one."
    ...     out_features: la.Dim
    ...     equation = '''
    ...         y[o] = W[o, c]*x[c] + V[o, c]*x[c]
    ...         where o < out_features
    ...     '''
    ...     claims = {"parameters": lambda self, shape: self.out_features*shape[0]}
    >>> (claim,) = claims(Doubled(m), (n,))
    >>> claim
    claim_doubled_parameters: for all integers m >= 1, n >= 1: m*n = 2*m*n
    >>> print(la.proofs.refute(claim.statement))
    refuted: m=1, n=1: 1 = 2 is false
    """
    if isinstance(subject, type) and issubclass(subject, Layer) and subject is not Layer:
        if on is not None:
            raise FieldError("shapes for a class of layers are drawn; give `on` with a layer")
        return tuple(_of_class(subject))
    if not isinstance(subject, Layer):
        raise FieldError(f"claims takes a layer or a class of layers, got {shown(subject)}")
    if on is None:
        raise FieldError(f"claims of a layer need the shape that enters it, as in claims({subject}, on=(n,))")
    shapes = [are_sizes(shape, "on") for shape in (on if isinstance(on, list) else [on])]
    return tuple(_claim(subject, shapes, name) for name in subject.claims)


def _of_class(kind: type[Layer]) -> list[Law]:
    drawn: list[tuple[Layer, list[tuple[Symbol, ...]]]] = []

    def collect(case: Case) -> None:
        layer, shapes, _ = symbolic(case)
        drawn.append((layer, shapes))

    falsify(cases(kind), collect, DRAWN)
    found: dict[Statement, Law] = {}
    refused = ""
    for layer, shapes in drawn:
        for name in kind.claims:
            try:
                made = _claim(layer, shapes, name)
            except LayerAlgebraError as error:
                refused = str(error)
                continue
            found.setdefault(made.arithmetic, made)
    if kind.claims and not found:
        why = refused or f"no layer of it could be drawn; check({kind.__name__}) says what is wrong"
        raise UnsupportedError(f"no claim of {kind.__name__} can be stated for integers: {why}")
    return _numbered(found.values())


def _numbered(laws: Any) -> list[Law]:
    """Laws with names that differ: a number behind those of the other forms."""
    counts: dict[str, int] = {}
    made = []
    for law in laws:
        counts[law.name] = counts.get(law.name, 0) + 1
        number = counts[law.name]
        made.append(law if number == 1 else _made(f"{law.name}_{number}", law.arithmetic, law.note, law.subject))
    return made


def _claim(layer: Layer, shapes: Sequence[tuple[Any, ...]], metric: str) -> Law:
    if metric not in METRICS:
        raise FieldError(
            f"{type(layer).__name__} claims {metric!r}, which is no metric; there are {', '.join(sorted(METRICS))}"
        )
    derived = derive(metric, layer, on=one_or_list(shapes))
    formula = _parts(derived.formula, metric)
    said = _said(layer.claims[metric](layer, *(tuple(map(sympify, shape)) for shape in shapes)), formula)
    symbols = sorted(
        {symbol for side in (formula, said) for part in _listed(side) for symbol in part.free_symbols}
        | {symbol for item in derived.domain for symbol in item.condition.relation.free_symbols},
        key=lambda symbol: symbol.name,
    )
    try:
        variables = {symbol: variable_of(symbol, _plain(symbol, place)) for place, symbol in enumerate(symbols)}
        pairs = [sides_of(one, other, variables) for one, other in zip(_listed(said), _listed(formula), strict=True)]
        given = [formula_of(item.condition.relation, variables) for item in derived.domain if not item.all_loops]
    except (NotLowered, ValueError) as error:
        raise UnsupportedError(f"the claim of {layer} about {metric} cannot be stated for integers: {error}") from None
    left, right = zip(*pairs)
    statement = Statement(tuple(variables.values()), (), tuple(dict.fromkeys(given)), left, "=", right)
    note = f"What {layer} claims of its {metric} is what is derived from its equation."
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", type(layer).__name__) or ["layer"]
    return _made("_".join(["claim", *map(str.lower, words), metric]), statement, note, type(layer).__name__)


def _made(name: str, statement: Statement, note: str, subject: str) -> Law:
    """A law with two false neighbours: one more and one less than what is claimed."""
    mutants = tuple(
        Mutant(words, Statement(
            statement.variables, (), statement.hypotheses, tuple(Add((side, Const(more))) for side in statement.left if isinstance(side, Term)), "=", statement.right
        ))
        for words, more in (("one more", 1), ("one less", -1))
    )  # fmt: skip
    made = Law(name, statement, ROUTES, mutants, Hints(), "a claim of its author", note, subject)
    return replace(made, routes=("normal_form", *ROUTES)) if isinstance(attempt(made, "normal_form"), Proved) else made


def _said(claimed: Any, derived: Any) -> Any:
    """A claim as its author wrote it, not simplified; one number stands for every axis."""
    if hasattr(claimed, "size") and hasattr(claimed, "jump"):
        claimed = claimed.size
    if isinstance(claimed, (tuple, list, Tuple)):
        return tuple(claimed)
    return (claimed,) * len(derived) if isinstance(derived, (tuple, Tuple)) else claimed


def _listed(formula: Any) -> list[Expr]:
    return [sympify(part, strict=True) for part in (formula if isinstance(formula, (tuple, Tuple)) else (formula,))]


def _plain(symbol: Symbol, place: int) -> str:
    """A name that every prover reads."""
    return symbol.name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", symbol.name) else f"size_{place}"
