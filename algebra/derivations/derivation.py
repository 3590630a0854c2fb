"""A formula with its reasons: what it is, where it is valid, where it comes from, and what each node adds to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Any

from sympy import Expr, Rational, Symbol

from ..arguments import as_elements, as_integer, as_real, checked, shown
from ..errors import FieldError
from ..formulas.conditions import conditions_of
from ..formulas.records import Formula, expressions, mapped
from ..networks.network import Network
from ..records import dataclass
from ..sizes.evaluate import evaluate
from .domain import Domain
from .terms import NodeTerm, Quantity, Step

KINDS = ("exact", "upper", "lower", "asymptotic", "surrogate", "conjecture")


@dataclass(frozen=True)
class Derivation:
    """What `derive` returns.

    Attributes
    ----------
    metric : Metric
    net : Network
    formula : Expr, or a record of expressions
    kind : str
        One of exact, upper, lower, asymptotic, surrogate, conjecture.
    source : str
        A publication, or ``"reconstruction"``, or what the definition is.
    domain : Domain
        Where the formula holds.
    terms : tuple of NodeTerm
        Node by node.
    composed : object
        The carrier's value before it was brought to normal form.
    symbols : tuple of Symbol
        What the formula and its domain depend on; values for other symbols of the network are accepted and not needed.
    inputs : tuple of shapes
        What enters the network.
    options : tuple of (name, value)
        Of the metric.

    Raises
    ------
    DomainError, FieldError
        From a call; see `__call__`.

    Examples
    --------
    >>> from layeralgebra import Conv, derive, dims, macs
    >>> H, W, c = dims("H W c")
    >>> r = derive(macs, Conv(c, 3, padding=1), on=(c, H, W))
    >>> r.formula, r.kind
    (9*H*W*c**2, 'exact')
    >>> r(H=8, W=8, c=16)
    147456
    """

    metric: Quantity
    net: Network
    formula: Any
    kind: str
    source: str
    domain: Domain
    terms: tuple[NodeTerm, ...] = ()
    composed: Any = field(default=None, repr=False)
    options: tuple[tuple[str, Any], ...] = ()
    inputs: tuple[tuple[Expr, ...], ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """How the formula came about: what each node does, the values composed, the normal form."""
        made = [Step(term.sentence(), term.value) for term in self.terms]
        return (*made, Step("composed", self.composed), Step("in normal form", self.formula))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader may want to know of the layers: lines on which no output depends, which hold weights and compute nothing."""
        found: dict[str, None] = {}
        for term in self.terms:
            if term.unread:
                found[
                    f"no output of {term.node} depends on its lines {', '.join(term.unread)}; they compute nothing"
                ] = None
        return tuple(found)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        free: set[Any] = set()
        for part in expressions(self.formula):
            free |= part.free_symbols
        for item in self.domain:
            free |= item.condition.relation.free_symbols - {loop.index for loop in item.all_loops}
        return tuple(sorted((s for s in free if isinstance(s, Symbol)), key=lambda s: s.name))

    def as_formula(self) -> Formula:
        """The formula with its domain and its name, as everything that computes with formulas takes it."""
        return Formula(
            self.formula, tuple(conditions_of(self.domain)), frozenset(self.known.values()),
            self.metric.title, self.metric.unit, self.kind, self.source,
        )  # fmt: skip

    @property
    def known(self) -> dict[str, Symbol]:
        """The symbols for which sizes may be given, by name: those of `symbols` and all others of the network and of what enters it."""
        entering = (symbol for size in expressions(self.inputs) for symbol in size.free_symbols)
        symbols = {s for s in (*self.net.free_symbols, *self.symbols, *entering) if isinstance(s, Symbol)}
        return {symbol.name: symbol for symbol in sorted(symbols, key=lambda symbol: symbol.name)}

    @checked
    def __call__(self, values: Mapping[Symbol, int] | None = None, /, **words: Any) -> Any:
        """The exact value at given sizes; conditions on sizes that are not given, and that the formula has not, stay unchecked.

        Parameters
        ----------
        values : mapping of Symbol to int, optional
            Fractions and floats as well for symbols that need not be integers; 1.4 is fourteen tenths.
        **words : int
            The same by name.

        Returns
        -------
        int, Fraction or a record of them

        Raises
        ------
        DomainError
            Outside the domain; names the node and the condition that fails.
        FieldError
            If a size is missing, unknown, or not what its symbol stands for.
        """
        sizes = self._sizes(values or {}, words)
        self.domain.check(sizes)
        return mapped(self.formula, lambda part: evaluate(part, sizes, unused=True))

    def _sizes(self, values: Mapping[Symbol, int], words: Mapping[str, int]) -> dict[Symbol, int | Fraction]:
        in_formula = {symbol for part in expressions(self.formula) for symbol in part.free_symbols}
        needed = {symbol.name: symbol for symbol in self.symbols if symbol in in_formula}
        known = self.known
        sizes: dict[Symbol, int | Fraction] = {}
        for key, value in [*values.items(), *words.items()]:
            name = key.name if isinstance(key, Symbol) else str(key)
            if name not in known:
                raise FieldError(f"{self.metric.name} has no symbol {name}; it has {', '.join(known) or 'none'}")
            symbol = known[name]
            number = as_integer(value, name) if symbol.is_integer else _exact(value, name)
            if (symbol.is_positive and (number < 1 if symbol.is_integer else number <= 0)) or (
                symbol.is_nonnegative and number < 0
            ):
                raise FieldError(f"{name} must be {'positive' if symbol.is_positive else 'nonnegative'}, got {number}")
            sizes[symbol] = number
        missing = [name for name, symbol in needed.items() if symbol not in sizes]
        if missing:
            raise FieldError(f"{self.metric.name} needs {', '.join(missing)}; pass {missing[0]}=...")
        return sizes

    def __add__(self, other: object) -> "Derivations":
        return Derivations((self,)).__add__(other)

    def __radd__(self, other: object) -> "Derivations":
        return Derivations((self,)) if isinstance(other, int) and other == 0 else NotImplemented

    @checked
    def text(self, form: str = "shortest", by: Any = None) -> str:
        """The formula as text, in a form: see `layeralgebra.formula_text`."""
        return _written().text(self.formula, form, by)

    @checked
    def latex(self, form: str = "shortest", by: Any = None, style: Any = None) -> str:
        """The formula and its reasons as LaTeX (amsmath), in a form and a style: see `layeralgebra.latex`."""
        return _written().latex(self, form, by, style)

    def _latex(self, printer: Any) -> str:
        return _written().printed([self], printer)

    def _repr_latex_(self) -> str:
        return _written().display(self.formula)

    @checked
    def table(self, form: str = "shortest", by: Any = None) -> str:
        """The terms as text, a node a line."""
        return _written().table([self], form, by)

    def __str__(self) -> str:
        return f"{self.metric.name} = {self.text()}  [{self.kind}; {self.source}]"


def _written() -> Any:
    """What writes derivations: more to load than what derives them."""
    from . import written

    return written


def _exact(value: object, what: str) -> Fraction:
    """A real number as it is written: of a float the shortest decimal that gives it back."""
    if isinstance(value, (Fraction, Rational)):
        return Fraction(value.numerator, value.denominator)
    real = as_real(value, what)
    return Fraction(as_integer(value, what)) if hasattr(value, "__index__") else Fraction(repr(real))


@dataclass(frozen=True)
class Derivations:
    """Several derivations for one network, shown in one table; made with ``+``.

    Attributes
    ----------
    parts : tuple of Derivation
        Also by iterating; one of them by the name of its metric, ``both["macs"]``.

    Raises
    ------
    FieldError
        If there is none for a metric; from a call, if a size is missing, unknown, or no positive integer.
    DomainError
        From a call outside of a domain.

    Examples
    --------
    >>> from layeralgebra import Linear, derive, dims
    >>> n, m = dims("n m")
    >>> both = derive("parameters", Linear(m), on=(n,)) + derive("macs", Linear(m), on=(n,))
    >>> both["macs"].formula, both(n=2, m=3)
    (m*n, {'parameters': 9, 'macs': 6})
    """

    parts: tuple[Derivation, ...]

    def __post_init__(self) -> None:
        given = as_elements(self.parts, "Derivations")
        if not all(isinstance(part, Derivation) for part in given):
            raise FieldError(f"Derivations holds derivations, got {shown(self.parts)}")
        object.__setattr__(self, "parts", tuple(given))

    def __add__(self, other: object) -> "Derivations":
        if isinstance(other, Derivation):
            return Derivations((*self.parts, other))
        if isinstance(other, Derivations):
            return Derivations((*self.parts, *other.parts))
        return NotImplemented

    def __iter__(self) -> Iterator[Derivation]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    @checked
    def __getitem__(self, name: str) -> Derivation:
        for part in self.parts:
            if part.metric.name == name:
                return part
        raise FieldError(f"there is no {name} here; there are {', '.join(part.metric.name for part in self.parts)}")

    @checked
    def __call__(self, values: Mapping[Symbol, int] | None = None, /, **words: Any) -> dict[str, Any]:
        """The exact values by the names of the metrics."""
        known = [part.known for part in self.parts]
        given = {(k.name if isinstance(k, Symbol) else str(k)): v for k, v in [*(values or {}).items(), *words.items()]}
        if unknown := sorted(set(given).difference(*known)):
            names = sorted(set().union(*known))
            raise FieldError(f"there is no symbol {unknown[0]}; there are {', '.join(names) or 'none'}")
        result = {}
        for part, own in zip(self.parts, known, strict=True):
            result[part.metric.name] = part(**{name: value for name, value in given.items() if name in own})
        return result

    @checked
    def table(self, form: str = "shortest", by: Any = None) -> str:
        """All terms as text, a node a line and a metric a column."""
        return _written().table(self, form, by)

    @checked
    def latex(self, form: str = "shortest", by: Any = None, style: Any = None) -> str:
        """All derivations as LaTeX, one after the other."""
        return "\n\n".join(part.latex(form, by, style) for part in self.parts)

    def _latex(self, printer: Any) -> str:
        return _written().printed(self.parts, printer)

    def _repr_latex_(self) -> str:
        return _written().displays(self.parts)
