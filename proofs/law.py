"""Laws: plain functions that return two sides, with what they assume, cite and must be told apart from.

>>> from layeralgebra.proofs.statements.term import Integer, Positive
>>> @law(
...     routes="galois z3",
...     mutants={
...         "stride dropped": lambda x, m, n: (x // m // n, x // m),
...         "strides added": lambda x, m, n: (x // m // n, x // (m + n)),
...     },
...     register=False,
... )
... def two_floors(x: Integer, m: Positive, n: Positive):
...     "Two floors in a row are one."
...     return x // m // n, x // (m * n)
>>> two_floors
two_floors: for all integers x, m >= 1, n >= 1: x//m//n = x//(m*n)
>>> [mutant.name for mutant in two_floors.mutants]
['stride dropped', 'strides added']
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..algebra.arguments import checked
from ..algebra.errors import FieldError
from ..algebra.records import dataclass
from .statements.statement import Statement
from .statements.term import Formula, Node, Sequence, Term, Var, as_term
from .theorems import reason

#: Kinds of laws: over integers, or over networks of the library (those are sampled, and rest on arithmetic ones).
KINDS = ("arithmetic", "structural")
#: Routes that are ours, and those that ask an independent solver. Coq stands alone.
OWN_ROUTES = ("ring", "field", "galois", "induction", "normal_form")
SOLVER_ROUTES = ("z3", "cvc5")
ROUTES = (*OWN_ROUTES, *SOLVER_ROUTES, "coq")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

#: A function from a law's variables to something built of them; it takes those of the variables that it names.
OfVariables = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a route may be told: the variable to induct on, instances of other laws, a Coq script."""

    induct: str | None = None
    lemmas: tuple[tuple[str, tuple[tuple[str, Term], ...]], ...] = ()
    coq: str | None = None


@dataclass(frozen=True, slots=True)
class Mutant:
    """A near miss: a statement that differs from the law's by one slip, and is false."""

    name: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class Weakened:
    """A mutant with the law's sides and weaker assumptions; see `weakened`."""

    given: OfVariables | None
    domains: tuple[tuple[str, Any], ...]
    sides: OfVariables | None


@dataclass(frozen=True, slots=True, repr=False)
class Law:
    """A law with its proofs' routes and its mutants.

    Parameters
    ----------
    name : str
        Spells the statement.
    statement : Statement or None
        What it says about integers; None for a structural law.
    routes : tuple of str
        Routes on which it is proved; each must succeed where its tool is there.
    mutants : tuple of Mutant
        At least two false neighbours, which must be refuted.
    hints : Hints
    cites : str
        Where it comes from: a paper, or what is folklore.
    note : str
        The statement in words, for the appendix.
    subject : str
        What it is about; by default the name of the module that states it.
    kind : {"arithmetic", "structural"}
        A structural law speaks of layers and networks. It is tried on samples, which refute and never prove, and `rests_on` names the
        arithmetic laws that its formulas follow from. Its only route is Coq, where it is a theorem for all networks.
    trial : callable, optional
        For a structural law: tries one sample and returns a `Witness` or None.
    rests_on : tuple of str
        Names of the arithmetic laws behind a structural one.

    Raises
    ------
    FieldError
        If the name, the kind or a route is unknown, the statement or the trial does not go with the kind, or there are
        fewer than two mutants.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> law = proofs.named("nested_floor")
    >>> law.kind, law.exactness, len(law.mutants) >= 2
    ('arithmetic', 'equality', True)
    """

    name: str
    statement: Statement | None
    routes: tuple[str, ...] = ()
    mutants: tuple[Mutant, ...] = ()
    hints: Hints = field(default_factory=Hints)
    cites: str = ""
    note: str = ""
    subject: str = ""
    kind: str = "arithmetic"
    trial: Callable[..., Any] | None = None
    rests_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise FieldError(f"{self.name!r} is no name for a law; write lower-case words joined by _")
        if self.kind not in KINDS:
            raise FieldError(f"{self.name}: {self.kind!r} is no kind of law; there are {', '.join(KINDS)}")
        if (self.statement is None) != (self.kind == "structural") or (self.trial is None) != (
            self.kind == "arithmetic"
        ):
            raise FieldError(f"{self.name}: an arithmetic law has a statement, a structural one has a trial")
        unknown = [route for route in self.routes if route not in ROUTES]
        if unknown:
            raise FieldError(f"{self.name}: no route {', '.join(unknown)}; there are {', '.join(ROUTES)}")
        mutants = self.mutants if self.kind == "arithmetic" else getattr(self.trial, "mutants", ())
        if len(mutants) < 2:
            raise FieldError(f"{self.name}: a law needs at least two mutants that must be refuted")

    @property
    def exactness(self) -> str:
        """``equality``, ``inequality`` or ``equivalence``."""
        if self.statement is None:
            return getattr(self.trial, "exactness", "equality")
        return {"=": "equality", "iff": "equivalence"}.get(self.statement.relation, "inequality")

    @property
    def status(self) -> str:
        """Whether it is proved, a theorem for all networks, or tried on samples, and then why."""
        if self.kind == "arithmetic":
            return f"proved: {', '.join(self.routes)}" if self.routes else "stated without a route"
        return "theorem for all networks, in Coq" if "coq" in self.routes else f"sampled: {reason(self.subject)}"

    @property
    def trivial(self) -> str:
        """Why the law says nothing, or an empty text: its sides are one tree before anything is proved, or its goal is assumed."""
        if self.statement is None:
            return ""
        pairs = list(zip(self.statement.left, self.statement.right, strict=True))
        if self.statement.relation in ("=", "<=", ">=", "iff") and all(left == right for left, right in pairs):
            return "both sides are the same as written"
        if all(goal in self.statement.hypotheses for goal in self.statement.goals):
            return "what it says is assumed"
        return ""

    @property
    def arithmetic(self) -> Statement:
        """The statement; an error for a structural law."""
        if self.statement is None:
            raise FieldError(f"{self.name} is a structural law: it is tried on networks and has no integer statement")
        return self.statement

    def __repr__(self) -> str:
        return f"{self.name}: {self.statement!r}" if self.statement is not None else f"{self.name}: {self.note}"


_REGISTRY: dict[str, Law] = {}


def registered() -> Iterator[Law]:
    """All laws, in order; the modules of `layeralgebra.proofs.laws` are loaded first."""
    _load()
    return iter(tuple(_REGISTRY.values()))


def _load() -> None:
    importlib.import_module(".laws", __package__).load()


@checked
def named(name: str) -> Law:
    """The law of that name, after all laws were loaded.

    Parameters
    ----------
    name : str

    Returns
    -------
    Law

    Raises
    ------
    FieldError
        If there is none of that name; the message has those that are spelled like it.

    Examples
    --------
    >>> from layeralgebra import proofs
    >>> proofs.named("nested_floor").note != ""
    True
    """
    if not isinstance(name, str):
        raise FieldError(f"a law is called by its name, such as 'nested_floor'; got {name!r}")
    if name not in _REGISTRY:
        _load()
    try:
        return _REGISTRY[name]
    except KeyError:
        from difflib import get_close_matches

        close = get_close_matches(name, _REGISTRY, n=3)
        raise FieldError(f"no law is called {name!r}" + (f"; is it {' or '.join(close)}?" if close else "")) from None


def register(law: Law) -> Law:
    """Put a law into the registry; a second one of the same name is refused."""
    if law.name in _REGISTRY:
        raise FieldError(f"there is already a law called {law.name}, in {_REGISTRY[law.name].subject}")
    _REGISTRY[law.name] = law
    return law


@checked
def weakened(sides: OfVariables | None = None, *, given: OfVariables | None = None, **domains: Any) -> Weakened:
    """A mutant that assumes less: without the law's hypotheses (or with other ones), or on wider domains.

    ``weakened()`` drops all hypotheses; ``weakened(s=Integer)`` lets ``s`` be any integer and keeps the hypotheses;
    ``weakened(given=lambda n: [n >= 1])`` has others.

    Parameters
    ----------
    sides : function, optional
        Returns the mutant's two sides; those of the law, if left out.
    given : function, optional
        Returns the mutant's hypotheses.
    **domains
        The wider domain of a variable, by its name.

    Returns
    -------
    Weakened
        To be given to `law` as a mutant.

    Raises
    ------
    FieldError
        From `law`, if a domain is given for a variable that the law does not have.

    Examples
    --------
    >>> from layeralgebra.proofs.statements.term import Integer
    >>> weakened(s=Integer).domains[0][0]
    's'
    """
    return Weakened(given, tuple(domains.items()), sides)


def law(
    *,
    routes: str,
    mutants: Mapping[str, OfVariables | Weakened],
    relation: str = "=",
    given: OfVariables | None = None,
    induct: str | None = None,
    lemmas: OfVariables | None = None,
    coq: str | None = None,
    cites: str = "",
    register: bool = True,
) -> Callable[[Callable[..., Any]], Law]:
    """Make a law of a function that returns its two sides.

    Parameters
    ----------
    routes : str
        Names of the routes that prove it, separated by blanks.
    mutants : mapping of str to function
        For each slip a function that returns the two wrong sides, or `weakened`.
    relation : str
        ``=``, ``<=``, ``<`` and so on, or ``iff`` between formulas.
    given : function, optional
        Returns the hypotheses.
    induct : str, optional
        Name of the variable to induct on.
    lemmas : function, optional
        Returns pairs of a law's name and the values of its variables, to be used as known.
    coq : str, optional
        A Coq script that finishes the proof.
    cites : str
        Where the law comes from.
    register : bool
        Whether it enters the registry; a law for one's own use need not.

    Returns
    -------
    decorator
        Arguments of the function are annotated `Integer`, `Natural`, `Positive` or `Sequence`; its docstring says the
        law in words. Sides may be tuples: then the law holds component by component.

    Raises
    ------
    FieldError
        If there is no such route, relation or variable, an argument is not annotated, the function does not return two
        sides, there are fewer than two mutants, or there is a law of that name already.

    Examples
    --------
    >>> from layeralgebra.proofs.statements.term import Integer
    >>> def commutes(a: Integer, b: Integer):
    ...     "Factors may be exchanged."
    ...     return a * b, b * a
    >>> slips = {"added": lambda a, b: (a * b, a + b), "dropped": lambda a, b: (a * b, b)}
    >>> law(routes="ring", mutants=slips, register=False)(commutes)
    commutes: for all integers a, b: a*b = b*a
    """

    def decorate(function: Callable[..., Any]) -> Law:
        domains = get_type_hints(function, include_extras=True)
        domains = {name: domains.get(name) for name in inspect.signature(function).parameters}
        arguments = _arguments(domains, function.__name__)
        statement = _statement(arguments, function, relation, given)
        made = Law(
            name=function.__name__,
            statement=statement,
            routes=tuple(routes.split()),
            mutants=tuple(
                Mutant(name, _mutant(one, function, domains, relation, given)) for name, one in mutants.items()
            ),
            hints=Hints(induct, _instances(lemmas, arguments), coq),
            cites=cites,
            note=inspect.cleandoc(function.__doc__ or ""),
            subject=function.__module__.rpartition(".")[2],
        )
        if induct is not None and induct not in arguments:
            raise FieldError(f"{made.name}: there is no variable {induct!r} to induct on")
        return _enter(made) if register else made

    return decorate


_enter = register


def _arguments(domains: Mapping[str, Any], owner: str) -> dict[str, Var | Sequence]:
    found: dict[str, Var | Sequence] = {}
    for name, domain in domains.items():
        if domain is Sequence:
            found[name] = Sequence(name)
        elif get_origin(domain) is Annotated and get_args(domain)[0] is Term:
            found[name] = Var(name, get_args(domain)[1])
        else:
            raise FieldError(f"{owner}: annotate {name} as Integer, Natural, Positive or Sequence")
    return found


def _call(function: OfVariables, arguments: Mapping[str, Any]) -> Any:
    """Call with those of the arguments that the function names."""
    wanted = inspect.signature(function).parameters
    unknown = [name for name in wanted if name not in arguments]
    if unknown:
        raise FieldError(f"no variables {', '.join(unknown)}; the law has {', '.join(arguments)}")
    return function(**{name: arguments[name] for name in wanted})


def _statement(
    arguments: Mapping[str, Var | Sequence], sides: OfVariables, relation: str, given: OfVariables | None
) -> Statement:
    returned = _call(sides, arguments)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise FieldError(f"a law returns its two sides, got {returned!r}")
    hypotheses: Iterable[Formula] = _call(given, arguments) if given is not None else ()
    return Statement(
        variables=tuple(one for one in arguments.values() if isinstance(one, Var)),
        sequences=tuple(one.name for one in arguments.values() if isinstance(one, Sequence)),
        hypotheses=tuple(hypotheses),
        left=_side(returned[0]),
        relation=relation,
        right=_side(returned[1]),
    )


def _side(side: object) -> tuple[Node, ...]:
    components = side if isinstance(side, tuple) else (side,)
    return tuple(one if isinstance(one, Formula) else as_term(one) for one in components)


def _mutant(
    change: OfVariables | Weakened,
    sides: OfVariables,
    domains: Mapping[str, Any],
    relation: str,
    given: OfVariables | None,
) -> Statement:
    if not isinstance(change, Weakened):
        return _statement(_arguments(domains, "mutant"), change, relation, given)
    unknown = [name for name, _ in change.domains if name not in domains]
    if unknown:
        raise FieldError(f"a mutant has another domain for {', '.join(unknown)}, which the law does not have")
    kept = given if change.domains and change.given is None else change.given
    arguments = _arguments({**domains, **dict(change.domains)}, "mutant")
    return _statement(arguments, change.sides or sides, relation, kept)


def _instances(lemmas: OfVariables | None, arguments: Mapping[str, Any]) -> tuple:
    if lemmas is None:
        return ()
    return tuple(
        (name, tuple((variable, as_term(term)) for variable, term in values.items()))
        for name, values in _call(lemmas, arguments)
    )


def lemma_statements(law: Law) -> tuple[Statement, ...]:
    """The instances of other laws that a law uses, each resting on no use of this law.

    Raises
    ------
    FieldError
        If a lemma does not exist, or rests on the law itself.
    """
    found = []
    for name, values in law.hints.lemmas:
        lemma = named(name)
        if _rests_on(lemma, law.name):
            raise FieldError(f"{law.name} uses {name}, which rests on {law.name}")
        found.append(lemma.arithmetic.instance(dict(values)))
    return tuple(found)


def _rests_on(law: Law, name: str) -> bool:
    seen: set[str] = set()
    pending = [law.name]
    while pending:
        current = pending.pop()
        if current == name:
            return True
        if current not in seen:
            seen.add(current)
            pending += [lemma for lemma, _ in named(current).hints.lemmas]
    return False


def restated(law: Law, statement: Statement) -> Law:
    """The law's hints and routes with another statement: how a mutant is put to the provers."""
    return replace(law, statement=statement)
