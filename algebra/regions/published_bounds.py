"""Published bounds on linear regions and on capacity, each a fold over the widths of a plain network.

Two things are counted. *Activation patterns*: the sets of ReLUs that are on, each on an open set of inputs. *Affine pieces* of the
function: neighbouring patterns on which it is the same are one piece, as where all units of the last layer are off. There are never
more pieces than patterns, so that an upper bound is one for both; a lower or an exact one says of which it speaks.

Every bound carries its kind and its source. Widths may be numbers or symbols; a block of widths may be repeated a
symbolic number of times.

>>> [str(BOUNDS[name](2, [4, 4])) for name in ("montufar_2014", "serra_2018", "montufar_2017", "all_patterns")]
['44', '121', '121', '256']
>>> BOUNDS["montufar_2014"].kind, BOUNDS["montufar_2017"].kind
('lower', 'upper')
>>> from sympy import symbols
>>> n, m, L = symbols("n m L", integer=True, positive=True)
>>> montufar_2017(2, [n, m])
Zaslavsky(m, Min(2, n))*Zaslavsky(n, 2)
>>> montufar_2017.repeated(1, [n], L)
(n + 1)**L
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sympy import Eq, Expr, Function, Ge, Integer, Min, Mul, Sum, binomial, floor, true
from sympy.core.relational import Relational
from sympy.core.symbol import Symbol
from sympy.logic.boolalg import Boolean

from ..arguments import shown
from ..errors import DomainError, FieldError, UnsupportedError
from ..formulas.function import only_in_python
from ..formulas.zaslavsky import Zaslavsky
from ..records import dataclass
from ..sizes.dims import are_sizes, as_size
from .composition import Chain
from .histogram import unit
from .local_maps import relu

Context = tuple[Expr, ...]

PIECES, PATTERNS = COUNTS = ("pieces", "patterns")
"""What is counted: affine pieces of the function, or activation patterns."""

# Literal widths up to this sum evaluate by themselves; above, the formula waits for `doit`.
_EAGER_UNITS = 1000


@dataclass(frozen=True)
class WidthFold:
    """A bound that is a product, or a sum, of one part per layer; a part depends on what the fold carries along.

    Parameters
    ----------
    name : str
    kind : str
        ``upper``, ``lower``, ``exact`` or ``asymptotic``, where `conditions` hold.
    source : str
    start : callable
        Input dimension to the context, a tuple of sizes.
    step : callable
        Context and next width to the layer's part and the next context.
    finish : callable, optional
        Context at the end to a last part.
    needs : callable, optional
        Input dimension, widths and what is counted to the relations under which the bound is stated.
    stated_for : str
        The same in words.
    otherwise : str
        The kind where a relation of `needs` beyond the first fails; empty if the bound says nothing there.
    additive : bool
        Whether parts are added instead of multiplied.
    """

    name: str
    kind: str
    source: str
    start: Callable[[Expr], Context]
    step: Callable[[Context, Expr], tuple[Expr, Context]]
    finish: Callable[[Context], Expr] | None = None
    needs: Callable[[Expr, tuple[Expr, ...], str], list[Boolean]] | None = None
    stated_for: str = "all sizes"
    otherwise: str = ""
    additive: bool = False

    def __call__(self, inputs: Any, widths: Iterable[Any], count: str = PIECES) -> Expr:
        """The bound for ``inputs`` input dimensions and these layer widths.

        Raises
        ------
        DomainError
            Where a condition of the theorem is known to fail, and nothing weaker is known.
        """
        return self.repeated(inputs, widths, 1, count)

    def repeated(self, inputs: Any, widths: Iterable[Any], times: Any, count: str = PIECES) -> Expr:
        """The bound for a block of widths, ``times`` times in series; ``times`` may be a symbol.

        After one pass the context is that of every later pass (running minima and last widths are idempotent), so the
        second pass stands for all others.
        """
        return self.stacked(inputs, [(tuple(widths), times)], count)

    def stacked(self, inputs: Any, blocks: Iterable[tuple[Iterable[Any], Any]], count: str = PIECES) -> Expr:
        """The bound for blocks of widths in series, each a number of times, which may be a symbol.

        Examples
        --------
        >>> from sympy import symbols
        >>> n, L = symbols("n L", integer=True, positive=True)
        >>> montufar_2017.stacked(1, [([3], 1), ([n], L)])
        4*(n + 1)**L
        """
        inputs = as_size(inputs, "inputs")
        sized = [(self._widths(widths), as_size(times, "times")) for widths, times in blocks]
        self.kind_at(inputs, flattened(sized), count)
        context, found = self.start(inputs), []
        for widths, times in sized:
            context, parts = self._block(context, widths, times)
            found += parts
        if self.finish is not None:
            found.append((self.finish(context), Integer(1)))
        counts: dict[Expr, Expr] = {}  # equal parts join one power
        for part, times in found:
            counts[part] = counts.get(part, Integer(0)) + times
        return self._join([part * times if self.additive else part**times for part, times in counts.items()])

    def _block(
        self, context: Context, widths: tuple[Expr, ...], times: Expr
    ) -> tuple[Context, list[tuple[Expr, Expr]]]:
        """The context after a block, and its parts with how often each stands."""
        context, parts = self._pass(context, widths)
        first = self._join(parts)
        if times == 1:
            return context, [(first, times)]
        again, later = self._pass(context, widths)
        if again != context:
            raise UnsupportedError(
                f"{self.name} over {times} repetitions: not settled after one pass "
                f"({context}, then {again}); repeat a number of times instead"
            )
        return context, [(first, Integer(1)), (self._join(later), times - 1)]

    def conditions(
        self, inputs: Any, widths: Iterable[Any], count: str = PIECES, free: bool = True
    ) -> tuple[Boolean, ...]:
        """The relations of the theorem that are not known to hold; those that fail are ``False``."""
        if self.needs is None or self.kind_at(inputs, widths, count, free) != self.kind:
            return ()
        found = self.needs(as_size(inputs, "inputs"), self._widths(widths), count)
        return tuple(dict.fromkeys(relation for relation in found if relation != true))

    def kind_at(self, inputs: Any, widths: Iterable[Any], count: str = PIECES, free: bool = True) -> str:
        """The kind that the bound has at these sizes.

        Parameters
        ----------
        inputs, widths
            As for a call.
        count : {'pieces', 'patterns'}
        free : bool
            Whether the weights before every layer can be any matrix and any shift; a theorem about the best weights needs that.
        """
        if count not in COUNTS:
            raise FieldError(f"count={shown(count)}: regions are counted as {' or '.join(map(repr, COUNTS))}")
        inputs, widths = as_size(inputs, "inputs"), self._widths(widths)
        relations = self.needs(inputs, widths, count) if self.needs is not None else []
        holds = all(relation != False for relation in relations)  # noqa: E712  (SymPy's false)
        if holds and (free or self.kind not in ("exact", "lower")):
            return self.kind
        if self.otherwise and relations[0] != False:  # noqa: E712
            return self.otherwise
        other = "count='patterns' needs less of the last layer; " if count == PIECES and self.kind == "lower" else ""
        raise DomainError(
            f"{self.name} ({self.source}) for {inputs} inputs and widths {list(widths)}: "
            f"it is stated for {self.stated_for}; {other}montufar_2017 and serra_2018 hold for all widths"
        )

    @staticmethod
    def _widths(widths: Iterable[Any]) -> tuple[Expr, ...]:
        sizes = are_sizes(widths, "widths")
        if not sizes:
            raise FieldError("a bound on regions needs one layer width or more, got none")
        return sizes

    def _pass(self, context: Context, widths: tuple[Expr, ...]) -> tuple[Context, list[Expr]]:
        parts = []
        for width in widths:
            part, context = self.step(context, width)
            parts.append(part)
        return context, parts

    def _join(self, parts: list[Expr]) -> Expr:
        return sum(parts, Integer(0)) if self.additive else Mul(*parts)


def flattened(blocks: Iterable[tuple[Iterable[Any], Any]]) -> list[Any]:
    """The widths of repeated blocks, those of a block that may stand several times in a row twice: all that conditions look at.

    Examples
    --------
    >>> flattened([((5,), 1), ((3,), 4)])
    [5, 3, 3]
    """
    found: list[Any] = []
    for widths, times in blocks:
        found += [*widths] * (1 if times == 1 else 2)
    return found


def _widths_over_inputs(inputs: Expr, widths: tuple[Expr, ...], count: str) -> list[Boolean]:
    relations: list[Boolean] = [Ge(width, inputs) for width in widths]
    folds = [floor(width / inputs) for width in widths[:-1]]
    if count == PIECES and any(fold != 1 for fold in folds):
        # Copies of the last layer's arrangement meet where they are folded. In general position more than n_0 units can be
        # chosen so that they are never all off; with fewer the cells where all are off grow together to one piece.
        relations.append(Ge(widths[-1], inputs + 1))
    return relations


def _one_input(inputs: Expr, widths: tuple[Expr, ...], count: str) -> list[Boolean]:
    # A narrower layer cannot fold the line into n + 1 pieces over one interval: one ReLU is flat on one side, and the
    # curve that two draw in the plane meets no line three times. The last layer only cuts, so that its width is free for
    # patterns; one unit alone is off on both sides of a fold, which then is no border between pieces.
    relations = [Eq(inputs, 1), *(Ge(width, 3) for width in widths[:-1])]
    return [*relations, Ge(widths[-1], 2)] if count == PIECES and len(widths) > 1 else relations


montufar_2014 = WidthFold(
    name="montufar_2014",
    kind="lower",
    source="Montufar, Pascanu, Cho & Bengio, On the number of linear regions of deep neural networks, 2014",
    start=lambda inputs: (inputs,),
    # The last layer counts in another way, so each width waits until the next one comes.
    step=lambda context, width: (
        floor(context[1] / context[0]) ** context[0] if len(context) == 2 else Integer(1),
        (context[0], width),
    ),
    finish=lambda context: Zaslavsky(context[1], context[0]),
    needs=_widths_over_inputs,
    stated_for="layers at least as wide as the input, each with weights and biases of its own, and for pieces a last layer that "
    "is wider",
)
"""``prod_{l<L} floor(n_l/n_0)^{n_0} Z(n_L, n_0)`` patterns, reached at some weights if all ``n_l >= n_0``; as many pieces, if
nothing is folded before the last layer, or ``n_L > n_0``."""

montufar_2017 = WidthFold(
    name="montufar_2017",
    kind="upper",
    source="Montufar, Notes on the number of linear regions of deep neural networks, 2017",
    start=lambda inputs: (inputs,),
    step=lambda context, width: (Zaslavsky(width, context[0]), (Min(context[0], width),)),
)
"""``prod_l Z(n_l, min(n_0, ..., n_{l-1}))``."""

all_patterns = WidthFold(
    name="all_patterns",
    kind="upper",
    source="every ReLU on or off",
    start=lambda inputs: (),
    step=lambda context, width: (2**width, ()),
)
"""``2^(n_1 + ... + n_L)``."""

one_dimensional = WidthFold(
    name="one_dimensional",
    kind="exact",
    otherwise="upper",
    source="Serra, Tjandraatmadja & Ramalingam, Bounding and counting linear regions of deep neural networks, 2018",
    start=lambda inputs: (),
    step=lambda context, width: (width + 1, ()),
    needs=_one_input,
    stated_for="one input, layers with weights and biases of their own, three units or more in each before the last, and for pieces "
    "two or more in the last",
)
"""``prod_l (n_l + 1)``, the maximum over all weights for one input: of patterns, with three units or more in every layer before the
last; of pieces, with two or more in the last besides, unless it is the only one."""

baldi_vershynin = WidthFold(
    name="baldi_vershynin",
    kind="asymptotic",
    additive=True,
    source="Baldi & Vershynin, The capacity of feedforward neural networks, 2019",
    start=lambda inputs: (inputs, inputs),
    step=lambda context, width: (context[0] * context[1] * width, (Min(context[0], width), width)),
)
"""Bits of threshold units, up to constants: ``sum_{k<L} min(n_1..n_k) n_k n_{k+1}``, the input layer being ``n_1``."""


@only_in_python
class PerceptronRegions(Function):
    """The bound on the regions of ReLU layers of widths ``n_1, ..., n_L`` on ``n_0`` inputs by dimension histograms.

    ``sum over j of prod_l C(n_l, j_l)``, where ``0 <= j_l <= min(n_0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, n_l)``.
    Evaluates for numbers, rewrites to the nested sum.

    Examples
    --------
    >>> from sympy import Sum, symbols
    >>> n = symbols("n", integer=True, positive=True)
    >>> PerceptronRegions(2, 3, 3), PerceptronRegions(2, n), PerceptronRegions(2, n).rewrite(Sum)
    (40, PerceptronRegions(2, n), Sum(binomial(n, j_1), (j_1, 0, Min(2, n))))
    """

    is_integer = True
    is_positive = True

    @classmethod
    def eval(cls, inputs: Expr, *widths: Expr) -> Expr | None:
        as_size(inputs, "inputs")
        WidthFold._widths(widths)
        known = all(size.is_Integer for size in (inputs, *widths))
        return cls._count(inputs, *widths) if known and sum(widths) <= _EAGER_UNITS else None

    @staticmethod
    def _imp_(*sizes: Any) -> Any:  # where SymPy's `lambdify` looks for the numbers of a function
        return int(PerceptronRegions._count(*map(Integer, sizes)))

    @staticmethod
    def _count(inputs: Expr, *widths: Expr) -> Expr:
        return Integer(Chain(tuple(map(relu, widths))).act(unit(int(inputs))).norm)

    def doit(self, **hints: Any) -> Expr:
        """The integer, for literal sizes, at any size that the histogram's budget allows."""
        sizes = [size.doit(**hints) for size in self.args] if hints.get("deep", True) else self.args
        return self._count(*sizes) if all(size.is_Integer for size in sizes) else self.func(*sizes)

    def _eval_rewrite_as_Sum(self, inputs: Expr, *widths: Expr, **hints: Any) -> Expr:
        room, summand, limits = inputs, Integer(1), []
        for layer, width in enumerate(widths, start=1):
            inactive = Symbol(f"j_{layer}", integer=True, nonnegative=True)
            limits.append((inactive, 0, Min(room, width)))
            summand *= binomial(width, inactive)
            room = Min(room, width - inactive)
        return Sum(summand, *reversed(limits))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inputs, *widths = (printer._print(size) for size in self.args)
        power = "" if exp is None else rf"^{{{exp}}}"
        return rf"\left\|\phi_{{{', '.join(widths)}}}\, e_{{{inputs}}}\right\|_{{1}}{power}"


@dataclass(frozen=True)
class HistogramBound:
    """The bound that a plain network's dimension histogram gives: an integer for numbers, else a `PerceptronRegions`.

    Examples
    --------
    >>> from sympy import symbols
    >>> n = symbols("n", integer=True, positive=True)
    >>> serra_2018(2, [3, 3]), serra_2018(2, [n, n]), serra_2018(2, [n, n]).subs(n, 3)
    (40, PerceptronRegions(2, n, n), 40)
    """

    name: str
    kind: str
    source: str

    def __call__(self, inputs: Any, widths: Iterable[Any], count: str = PIECES) -> Expr:
        return PerceptronRegions(as_size(inputs, "inputs"), *WidthFold._widths(widths)).doit()

    def repeated(self, inputs: Any, widths: Iterable[Any], times: Any) -> Expr:
        """The bound for a block of widths, a number of times in series; for a symbolic number it has no closed form."""
        times = as_size(times, "times")
        if not times.is_Integer:
            raise UnsupportedError(
                f"{self.name} over {times} repetitions has no closed form; use montufar_2017, which is never below it"
            )
        return self(inputs, list(widths) * int(times))

    def conditions(
        self, inputs: Any, widths: Iterable[Any], count: str = PIECES, free: bool = True
    ) -> tuple[Relational, ...]:
        """None: it holds for all widths, and patterns and pieces alike."""
        return ()

    def kind_at(self, inputs: Any, widths: Iterable[Any], count: str = PIECES, free: bool = True) -> str:
        """The kind, the same at all sizes."""
        return self.kind


serra_2018 = HistogramBound(
    "serra_2018",
    "upper",
    "Serra, Tjandraatmadja & Ramalingam, Bounding and counting linear regions of deep neural networks, 2018",
)
hinz_van_de_geer_2019 = HistogramBound(
    "hinz_van_de_geer_2019",
    "upper",
    "Hinz & van de Geer, A framework for the construction of upper bounds on the number of affine linear regions, 2019",
)

BOUNDS: dict[str, WidthFold | HistogramBound] = {
    bound.name: bound
    for bound in (montufar_2014, montufar_2017, serra_2018, hinz_van_de_geer_2019, one_dimensional, all_patterns)
}
"""Bounds on the number of linear regions, by name; `baldi_vershynin` counts something else and stands apart."""
