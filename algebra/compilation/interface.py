"""`compile`: formulas become functions of keyword arguments, with the integer semantics of the formulas.

>>> from sympy import symbols, floor
>>> H, c = symbols("H c", integer=True, positive=True)
>>> f = compile({"macs": 9 * c**2 * floor(H/2), "parameters": 9 * c**2})
>>> f(H=[7, 8], c=64)
{'macs': array([110592, 147456]), 'parameters': 36864}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import sympy
from sympy import Basic, Symbol

from ..arguments import checked, shown
from ..errors import BudgetError, FieldError
from ..formulas.conditions import conditions_of
from ..formulas.records import Formula, as_formulas, mapped
from ..sizes.evaluate import free_symbols
from .backends.registry import BACKENDS, Runner
from .program.formulas import Formulas, lower


@checked
def compile(e_or_dict: Any, backend: str = "numpy", domain: Any = None, on_invalid: str = "raise") -> "CompiledFormula":
    """A function that evaluates a formula, or several with their common subexpressions computed once.

    Integers are exact. 64-bit integers are used where bounds on the arguments of the call prove that every intermediate
    result fits, Python integers everywhere else; nothing ever wraps around. Rational intermediate results are exact.

    Parameters
    ----------
    e_or_dict : sympy.Expr, Derivation, or a mapping or sequence of them
        What to compile. A mapping gives a function that returns a dict, a sequence one that returns a tuple. A
        derivation brings its own domain; a record of formulas, such as a receptive field, gives a record of values.
    backend : {"numpy", "numba", "python", "jax", "torch"}
        ``"numpy"`` takes integers and arrays of integers that broadcast; ``"numba"`` the same, several times faster on
        millions of points after a first call that compiles; ``"python"`` takes integers alone. ``"jax"`` and
        ``"torch"`` take their own arrays and refuse what does not fit into 64 bits.
    domain : condition or iterable of conditions, optional
        Relations under which the formula holds, beyond what its symbols assume. Bounds on single symbols are used in
        proofs.
    on_invalid : {"raise", "mask"}
        What happens outside the domain, and where a formula has no value (a division by 0): an error that names the
        condition and the point, or a masked array (``None`` from the ``"python"`` backend).

    Returns
    -------
    CompiledFormula
        Call it with one keyword argument for each symbol. What comes back follows the formula:
        *integer* (proved to be one): Python integers, int64 arrays, or object arrays of Python integers;
        *rational*: the same if every division happens to be exact; otherwise `fractions.Fraction` from ``"python"`` and
        from scalars, the nearest float64 in arrays (torch and jax may miss it by two units in the last place);
        *real* (logarithms, roots): floats, rounded at every operation; *truth* (conditions): booleans.

    Raises
    ------
    FieldError
        If the backend is unknown or two symbols have one name; from the function, if arguments are missing, unknown,
        or no integers.
    DomainError
        From the function, outside the domain.
    UnsupportedError
        If the formula contains something that cannot be compiled.

    Examples
    --------
    >>> from sympy import symbols, floor
    >>> H, k = symbols("H k", integer=True, positive=True)
    >>> size = compile(floor((H - k) / 2) + 1, domain=[k <= H], on_invalid="mask")
    >>> size(H=[8, 2], k=3)
    masked_array(data=[3, --],
                 mask=[False,  True],
           fill_value=999999)
    >>> compile(H**9)(H=10**9)
    1000000000000000000000000000000000000000000000000000000000000000000000000000000000
    """
    return CompiledFormula(e_or_dict, backend, domain, on_invalid)


class CompiledFormula:
    """A formula as a function of keyword arguments; made by `compile`.

    Parameters
    ----------
    e_or_dict, backend, domain, on_invalid
        As for `compile`.

    Attributes
    ----------
    arguments : tuple of str
        The names of the arguments.
    symbols : tuple of sympy.Symbol
        The symbols they stand for.
    unused : dict
        Names that may be given besides: symbols of a derivation's network on which nothing here depends.
    keys : list or None
        The names of the results, if a mapping was given.
    expressions : list of sympy.Expr
        Everything that is computed.
    kinds : str, dict or tuple
        For each result ``"integer"``, ``"rational"``, ``"real"`` or ``"truth"``.
    backend, domain, on_invalid
        As given to `compile`.

    Raises
    ------
    FieldError, DomainError, UnsupportedError
        As `compile`.

    Examples
    --------
    >>> from layeralgebra import compile, dims
    >>> c, L = dims("c L")
    >>> found = compile({"square": c**2, "ratio": c / L})
    >>> found.arguments, found.kinds
    (('L', 'c'), {'square': 'integer', 'ratio': 'rational'})
    """

    def __init__(self, e_or_dict: Any, backend: str = "numpy", domain: Any = None, on_invalid: str = "raise"):
        if not isinstance(backend, str) or backend not in BACKENDS:
            raise FieldError(f"backend must be one of {', '.join(BACKENDS)}, got {shown(backend)}")
        if not isinstance(on_invalid, str) or on_invalid not in ("raise", "mask"):
            raise FieldError(f"on_invalid must be 'raise' or 'mask', got {shown(on_invalid)}")
        self._given = (e_or_dict, backend, domain, on_invalid)
        self.backend, self.domain, self.on_invalid = backend, domain, on_invalid
        given = as_formulas(e_or_dict, "compile")
        self._single = isinstance(given, Formula)
        self.keys = list(given) if isinstance(given, dict) else None
        things = [given] if isinstance(given, Formula) else list(given.values() if isinstance(given, dict) else given)
        self._shapes = [thing.body for thing in things]
        self.expressions = [part for thing in things for part in thing.expressions]
        self._own = [list(thing.domain) for thing in things for _ in thing.expressions]
        self._plain = (self._single or self.keys is not None) and all(
            isinstance(part, (sympy.Expr, sympy.logic.boolalg.Boolean)) for part in self._shapes
        )
        self._conditions = conditions_of(domain)
        if on_invalid == "raise":  # every condition has to hold, so each may serve in the proofs about all formulas
            self._conditions += [condition for own in self._own for condition in own]
            self._own = [[] for _ in self._own]
        own = [condition for conditions in self._own for condition in conditions]
        self.symbols = _symbols([*self.expressions, *self._conditions, *own])
        self.arguments = tuple(symbol.name for symbol in self.symbols)
        # What a network depends on, though this metric of it does not, may be given as well.
        known = {symbol.name: symbol for thing in things for symbol in thing.symbols}
        self.unused = {name: symbol for name, symbol in known.items() if name not in self.arguments}
        self._variants: dict[frozenset[Symbol], Formulas] = {}
        self._runners: dict[frozenset[Symbol], Runner] = {}
        always_real = frozenset(symbol for symbol in self.symbols if symbol.is_integer is False)
        self._always_real = always_real
        # Symbols that nobody called integers may be given floats; then they are floats from there on.
        self._undecided = {symbol for symbol in self.symbols if symbol.is_integer is None}
        self._formulas(always_real)

    def _formulas(self, reals: frozenset[Symbol]) -> Formulas:
        if reals not in self._variants:
            self._variants[reals] = lower(self.expressions, self.symbols, self._conditions, self._own, reals)
        return self._variants[reals]

    @property
    def program(self) -> Any:
        """The flat program, for those who want to look at it."""
        return self.formulas.program

    @property
    def kinds(self) -> Any:
        return self._shaped(list(self.formulas.kinds))

    @property
    def formulas(self) -> Formulas:
        """The program with what is known about its results."""
        return self._formulas(self._always_real)

    @cached_property
    def token(self) -> tuple:
        """What tells this function from others, the same in every process."""
        conditions = [(str(c.relation), c.meaning, str(c.loops)) for c in self._conditions]
        parts = [sympy.srepr(expression) for expression in self.expressions]
        return ("compiled formula", str(self.keys), tuple(parts), self.backend, self.on_invalid, str(conditions))

    @checked
    def flat(self, **arguments: Any) -> list[Any]:
        """All results in a list, in order, whatever shape was given."""
        return self._results(arguments)

    def _shaped(self, results: Sequence[Any]) -> Any:
        """Results in the shape of what was given: a value, a dict or a tuple, and records of values as they are."""
        if self._plain:
            return results[0] if self._single else dict(zip(self.keys or (), results, strict=True))
        rest = iter(results)
        found = [mapped(shape, lambda part: next(rest)) for shape in self._shapes]
        if self._single:
            return found[0]
        return dict(zip(self.keys, found, strict=True)) if self.keys is not None else tuple(found)

    def __call__(self, **arguments: Any) -> Any:
        return self._shaped(self._results(arguments))

    def _results(self, arguments: Mapping[str, Any]) -> list[Any]:
        try:
            values = [arguments[name] for name in self.arguments]
        except KeyError:
            values = []
        if len(values) != len(arguments) or len(values) != len(self.arguments):
            missing = [name for name in self.arguments if name not in arguments]
            unknown = [name for name in arguments if name not in self.arguments and name not in self.unused]
            if not missing and not unknown:
                return self._results({name: arguments[name] for name in self.arguments})
            raise FieldError(
                f"this formula is a function of {', '.join(self.arguments) or 'nothing'}; "
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
            )
        reals = self._always_real
        if self._undecided:
            reals = reals.union(
                symbol
                for symbol, value in zip(self.symbols, values, strict=True)
                if symbol in self._undecided and _is_float(value)
            )
        runner = self._runners.get(reals)
        if runner is None:
            runner = self._runners[reals] = self._runner(reals)
        try:
            return runner(values)
        except OverflowError as error:
            raise BudgetError(
                f"a value is too large to be computed: {error}; take smaller arguments, or logarithms"
            ) from None

    def _runner(self, reals: frozenset[Symbol]) -> Runner:
        return BACKENDS[self.backend].runner(self._formulas(reals), self.symbols, self.on_invalid == "mask")

    def __reduce__(self) -> Any:
        return _compiled_once, (self.token, self._given)

    def __dask_tokenize__(self) -> tuple:
        return self.token

    def __repr__(self) -> str:
        return f"<compiled formula of {', '.join(self.arguments)} on {self.backend}: {len(self.program)} operations>"


_COMPILED: dict[tuple, CompiledFormula] = {}


def _compiled_once(token: tuple, given: tuple) -> CompiledFormula:
    """What arrives from another process is compiled the first time only."""
    if token not in _COMPILED:
        if len(_COMPILED) > 32:
            _COMPILED.clear()
        _COMPILED[token] = CompiledFormula(*given)
    return _COMPILED[token]


def _symbols(expressions: Sequence[Any]) -> tuple[Symbol, ...]:
    found: set[Symbol] = set()
    for expression in expressions:
        found |= free_symbols(expression) if isinstance(expression, Basic) else expression.free_symbols
    ordered = sorted(found, key=lambda symbol: symbol.name)
    for first, second in zip(ordered, ordered[1:], strict=False):
        if first.name == second.name:
            raise FieldError(
                f"two different symbols are named {first.name} (their assumptions differ: {_assumptions(first)}; "
                f"{_assumptions(second)}); make all symbols with la.dims"
            )
    return tuple(ordered)


def _assumptions(symbol: Symbol) -> str:
    return (
        ", ".join(f"{name}={value}" for name, value in sorted(symbol.assumptions0.items()) if name in _TOLD) or "none"
    )


_TOLD = {"integer", "positive", "negative", "nonnegative", "even", "odd", "real"}


def _is_float(value: Any) -> bool:
    if isinstance(value, int):
        return False
    if isinstance(value, float):
        return True
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return isinstance(value, (list, tuple)) and any(_is_float(part) for part in value)
    return getattr(dtype, "kind", "") == "f" or bool(getattr(dtype, "is_floating_point", False))
