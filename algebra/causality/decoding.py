"""Decoding: a prompt carried out at once, then tokens one after the other, each by the step of the network.

>>> from layeralgebra import MultiHeadAttention, decoding, dims
>>> P, n, d, h = dims("P n d h")
>>> found = decoding(MultiHeadAttention(h, causal=True), prompt=P, tokens=n, on=(2048, d))
>>> found.step, found.decode
(4*d**2 + 2*d*t, 2*P*d*n + 4*d**2*n + d*n**2 + d*n)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Dummy, Expr, Ge, Integer, Le, Symbol, false, true
from sympy.logic.boolalg import Boolean

from ..arguments import checked, shown
from ..derivations.derivation import Derivation, Derivations
from ..derivations.domain import Domain
from ..derivations.least_sizes import without_implied
from ..derivations.metric import METRICS, Metric
from ..errors import FieldError, ShapeError
from ..formulas.conditions import Condition
from ..formulas.text import formula_text
from ..networks.carrier import DomainCondition, Loop
from ..networks.network import Input, Network
from ..records import dataclass
from ..sizes.decisions import at_least
from ..sizes.dims import as_size
from ..sizes.normal_form import is_nonnegative, simplify
from .incremental import Incremental, incremental
from .of_network import place
from .step_layer import GENERAL

ADDING = ("macs", "flops", "elements_moved", "activations")
"""The metrics of the library that count what is done, so that steps add."""


@dataclass(frozen=True)
class Phase:
    """What is counted of one part of decoding, as a derivation names it."""

    name: str
    title: str
    unit: str
    source: str
    carrier: Callable[..., Any]
    count: Callable[..., Any]

    def __call__(self, net: Network, on: Any = None, **options: Any) -> Any:
        return self.count(net, on, **options)


@dataclass(frozen=True)
class Decoding:
    """What a metric counts of a prompt carried out at once and of the tokens after it, one by one; `decoding` makes it.

    Attributes
    ----------
    one : Incremental
        The step of the network.
    prompt, tokens : Expr
        Tokens that are there before, and those that are made after them.
    position : Symbol
        How many tokens there are when one is made, it included; the symbol of `step` and `cache`.
    derivations : Derivations
        The formulas below with their domains, kinds and sources, by the names of the first four.
    prefill : Expr
        Of the network over the whole prompt at once.
    step : Expr
        Of one step.
    decode : Expr
        Of the steps of all tokens after the prompt.
    cache : Expr
        Elements that are kept after a step.
    total : Expr
        Of the prompt at once and of all tokens after it.
    by_steps : Expr
        Of the prompt, were it carried out token by token.
    symbols : tuple of Symbol
        Those of `prompt` and `tokens`.

    Examples
    --------
    >>> from layeralgebra import decoding, zoo
    >>> found = decoding(zoo.gpt2(), prompt=1000, tokens=24)
    >>> found.prefill, found.decode, found.total
    (141964032000, 3412666368, 145376698368)
    >>> found.step_at(1), found.cache_at(1024)
    (123550464, 18874368)
    """

    one: Incremental
    prompt: Expr
    tokens: Expr
    position: Symbol
    derivations: Derivations
    by_steps: Expr

    @property
    def prefill(self) -> Expr:
        return self._formula("prefill")

    @property
    def step(self) -> Expr:
        return self._formula("step")

    @property
    def decode(self) -> Expr:
        return self._formula("decode")

    @property
    def cache(self) -> Expr:
        return self._formula("cache")

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Those of `prompt` and `tokens`."""
        free = self.prompt.free_symbols | self.tokens.free_symbols
        return tuple(sorted((one for one in free if isinstance(one, Symbol)), key=str))

    @property
    def total(self) -> Expr:
        return simplify(self.prefill + self.decode)

    @checked
    def step_at(self, tokens: Any) -> Expr:
        """Of the step that makes the last of so many tokens.

        Raises
        ------
        FieldError
            If it is no size of at least 1.
        ShapeError
            If the axis has fewer places.
        """
        if tokens == 1:  # which has no past
            first, options = self.one.at(1), dict(self.derivations["step"].options)
            return simplify(self.derivations["step"].metric(first, on=self.one.on, **options))
        return self._at(self.step, tokens)

    @checked
    def cache_at(self, tokens: Any) -> Expr:
        """Elements that are kept after so many tokens.

        Raises
        ------
        FieldError
            If it is no size of at least 1.
        ShapeError
            If the axis has fewer places.
        """
        return self._at(self.cache, tokens)

    def _formula(self, name: str) -> Expr:
        found: Expr = self.derivations[name].formula
        return found

    def _at(self, formula: Expr, tokens: Any) -> Expr:
        number = as_size(tokens, "tokens", least=1)
        self.one.must_hold(number)
        return simplify(formula.xreplace({self.position: number}))

    def __str__(self) -> str:
        return "\n".join(
            f"{part.metric.title} = {formula_text(part.formula)}  [{part.kind}]" for part in self.derivations
        )


@checked
def decoding(
    net: Network, prompt: Any, tokens: Any = 1, *, metric: Any = "macs", axis: int = 0, on: Any = None, keep: Any = "least", **options: Any
) -> Decoding:  # fmt: skip
    """What a causal network costs that reads a prompt at once and then makes tokens one by one, in closed form.

    The prompt is carried out by the network itself, with an input of so many places; each further token by the network's step, which is
    derived from the equations of its layers, with what it keeps. All that is made of the prompt is counted, not of its last place alone.

    Parameters
    ----------
    net : Network
        Causal along the axis: element t of its output depends on inputs up to t.
    prompt : int or Expr
        Tokens that are read at once; 0 for none.
    tokens : int or Expr
        Tokens that are made after them.
    metric : Metric or str
        What is counted, and adds over steps: ``"macs"``, ``"flops"``, ``"elements_moved"``, ``"activations"``, or a metric of your own.
    axis : int
        The axis of time of what enters.
    on : shape, optional
        What enters an open network.
    keep : "least", "read" or tuple of str
        What is kept; see `incremental`.
    **options
        Those of the metric.

    Returns
    -------
    Decoding

    Raises
    ------
    FieldError
        If `net` is no network, there is no such metric or option, the metric does not add, or a number is no size.
    ShapeError
        If nothing enters an open network, sizes do not fit, or the axis has fewer places than there are tokens.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If a layer is not causal along the axis, or the metric has no answer for the step.

    Examples
    --------
    >>> from layeralgebra import decoding, dims, zoo
    >>> P, n, L, d, V = dims("P n L d V")
    >>> found = decoding(zoo.gpt2(depth=L, features=d, vocabulary=V), prompt=P, tokens=n)
    >>> found.step
    12*L*d**2 + 2*L*d*t + V*d
    >>> found.decode
    2*L*P*d*n + 12*L*d**2*n + L*d*n**2 + L*d*n + V*d*n
    >>> print(found.derivations["decode"].domain.relations[0])
    1024 >= P + n

    References
    ----------
    Kaplan et al., "Scaling Laws for Neural Language Models", arXiv 2001.08361 (2020), table 1.
    """
    if isinstance(metric, str) and metric in METRICS:
        metric = METRICS[metric]
    if not isinstance(metric, Metric):
        raise FieldError(f"decoding takes a metric such as la.macs, got {shown(metric)}")
    if METRICS.is_of_library(metric.name) and metric.name not in ADDING:
        raise FieldError(f"{metric.name} does not add over steps; ask for {', '.join(ADDING)}, or a metric of your own")
    one = incremental(net, axis, on=on, keep=keep)
    first, count = as_size(prompt, "prompt", least=0), as_size(tokens, "tokens", least=1)
    one.must_hold(first + count)
    step = metric.derive(one.at_any(), on=one.on, **options)
    if not isinstance(step.formula, Expr):
        raise FieldError(f"{metric.name} is no single number, so that it does not add over steps")
    position = _unused("t", one, first, count)
    before = _prefill(one, metric, first, options)
    decode = one._cost(first, count, lambda part: metric(part, on=one.on, **options))
    by_steps = one._cost(Integer(0), first, lambda part: metric(part, on=one.on, **options)) if first != 0 else first
    kept = one.kept_after(position)
    places = _fits(
        one, first + count, (decode, by_steps, kept, step.formula, *(() if before is None else (before.formula,)))
    )
    beginning = [*(() if before is None else before.domain), *places]
    of_steps = _once([*places, *_everywhere(step.domain, first, count, position)])

    def phase(name: str, words: str, formula: Expr, kind: str, domain: Sequence[DomainCondition]) -> Derivation:
        if isinstance(one.size, Symbol) and one.size not in formula.free_symbols:
            domain = _without(one.size, domain)
        what = Phase(name, f"{metric.title} {words}", metric.unit, metric.source, metric.carrier, metric)
        return Derivation(
            what, net, formula, kind, metric.source, Domain(without_implied(domain), step.domain.place), options=step.options,
            inputs=_entering(one),
        )  # fmt: skip

    cache = METRICS["cache_size"]
    made = (
        phase("prefill", f"of {formula_text(first)} tokens at once", Integer(0) if before is None else before.formula,
              "exact" if before is None else before.kind, _once(beginning)),
        phase("step", f"of one token, the last of {position}", simplify(step.formula.xreplace({GENERAL: position})), step.kind,
              _once([_moved(item, position, position) for item in step.domain])),
        phase("decode", f"of {formula_text(count)} tokens after them, one by one", decode, step.kind, of_steps),
        Derivation(
            Phase("cache", f"elements kept after {position} tokens", cache.unit, cache.source, cache.carrier, cache), net, kept, "exact",
            cache.source, Domain(places, step.domain.place), options=(("axis", axis), ("keep", keep)), inputs=_entering(one),
        ),
    )  # fmt: skip
    return Decoding(one, first, count, position, Derivations(made), by_steps)


def _unused(name: str, one: Incremental, *sizes: Expr) -> Symbol:
    """A symbol that stands nowhere in the network or in some sizes."""
    shapes = [size for shape in _entering(one) for size in shape]
    taken = {symbol.name for part in (one.net, *shapes, *sizes) for symbol in part.free_symbols}
    while name in taken:
        name += "1"
    return Symbol(name, integer=True, positive=True)


def _entering(one: Incremental) -> tuple[tuple[Expr, ...], ...]:
    return tuple(given.shape for given in one.given)


def _prefill(one: Incremental, metric: Metric[Any], prompt: Expr, options: Any) -> Derivation | None:
    """The metric of the network over the prompt, as if its input had so many places."""
    if prompt == 0:
        return None

    def of_size(net: Network, values: dict[Any, Any]) -> Derivation:
        shapes = [
            tuple(prompt if at == given.axis else size.xreplace(values) for at, size in enumerate(given.shape))
            for given in one.given
        ]
        return metric.derive(net, on=None if one.on is None else shapes, **options)

    def resized(node: Input) -> Input:
        at = place(one.axis, len(node.shape))
        made: Input = Input(
            *(prompt if number == at else size for number, size in enumerate(node.shape)), where=node.where
        )
        return made

    try:
        return of_size(one.net.xreplace({node: resized(node) for node in one.net.atoms(Input)}), {})
    except ShapeError as error:
        if not isinstance(one.size, Symbol):
            raise ShapeError(
                f"the network takes {one.size} places along its axis of time and no other number, so that it cannot read a prompt of "
                f"{prompt} by itself: {error}"
            ) from None
    values = {one.size: prompt}  # which stands in its layers, too
    return of_size(one.net.xreplace(values), values)


def _fits(one: Incremental, tokens: Expr, formulas: Sequence[Expr]) -> list[DomainCondition]:
    """That the axis has a place for every token; a symbol on which nothing depends may be as large as need be."""
    if isinstance(one.size, Symbol) and not any(one.size in formula.free_symbols for formula in formulas):
        return []
    relation = at_least(one.size, tokens)
    return (
        [] if relation == true else [DomainCondition(Condition(relation, "the axis of time must hold all tokens"), "")]
    )


def _without(size: Symbol, domain: Sequence[DomainCondition]) -> list[DomainCondition]:
    """Conditions without those that a size meets which is only large enough, where nothing else depends on it."""
    said = [item for item in domain if size in item.condition.free_symbols]
    large = [
        isinstance(relation := item.condition.relation, Ge) and size not in simplify(relation.lhs - relation.rhs - size).free_symbols
        for item in said
    ]  # fmt: skip
    return [item for item in domain if item not in said] if all(large) else list(domain)


def _once(domain: Sequence[DomainCondition]) -> list[DomainCondition]:
    """Conditions without those that say of the same sizes what an earlier one says."""
    found: dict[Any, DomainCondition] = {}
    for item in domain:
        relation = item.condition.relation
        if relation == true:
            continue
        if relation == false:
            raise ShapeError(
                f"at {item.path or 'the network'}: {item.condition.meaning}, which fails for so many tokens"
            )
        said = simplify(relation.lhs - relation.rhs) if isinstance(relation, Ge) else relation
        if isinstance(relation, Le):
            said = simplify(relation.rhs - relation.lhs)
        found.setdefault((said, item.condition.loops, tuple(item.loops) if item.loops else ()), item)
    return list(found.values())


def _everywhere(domain: Domain, first: Expr, count: Expr, position: Symbol) -> list[DomainCondition]:
    """The conditions of a step at every token; where they get harder or easier from token to token, at one end."""
    past = Dummy("past", integer=True, nonnegative=True)
    start = Integer(1) if first == 0 else Integer(0)  # the first step of all has no past
    found = []
    if simplify(count - start) == 0:
        return []
    for item in domain:
        moved = _moved(item, first + start + past + 1, position)
        relation = moved.condition.relation
        if not relation.has(past):
            found.append(moved)
            continue
        end = _hardest(relation, past, simplify(count - start - 1))
        if end is None:
            found.append(DomainCondition(moved.condition, moved.path, (*moved.loops, Loop(past, count - start))))
        elif end != true:
            found.append(
                DomainCondition(Condition(end, moved.condition.meaning, moved.condition.loops), moved.path, moved.loops)
            )
    return found


def _hardest(relation: Boolean, past: Symbol, last: Expr) -> Boolean | None:
    """A relation that is monotone in an index, at the end where it is hardest to meet."""
    if not isinstance(relation, (Ge, Le)):
        return None
    distance = simplify((relation.lhs - relation.rhs) * (1 if isinstance(relation, Ge) else -1))
    growth = simplify(distance.xreplace({past: past + 1}) - distance)
    for sign, end in ((1, Integer(0)), (-1, last)):
        if is_nonnegative(sign * growth):
            at = relation.func(
                simplify(relation.lhs.xreplace({past: end})), simplify(relation.rhs.xreplace({past: end}))
            )
            known = is_nonnegative(simplify(distance.xreplace({past: end})))
            return at if known is None else true if known else false
    return None


def _moved(item: DomainCondition, tokens: Expr, position: Symbol) -> DomainCondition:
    """A condition of the step at so many tokens; its words speak of a position."""
    condition, values = item.condition, {GENERAL: tokens}
    loops = tuple(Loop(loop.index, loop.times.xreplace(values)) for loop in item.loops)
    inner = tuple((index, times.xreplace(values)) for index, times in condition.loops)
    words = condition.meaning.replace(GENERAL.name, position.name)
    return DomainCondition(Condition(condition.relation.xreplace(values), words, inner), item.path, loops)
