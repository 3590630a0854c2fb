"""The cheapest equal network.

>>> import layeralgebra as la
>>> net = la.Conv(8, 3, padding=1, bias=False) >> la.BatchNorm() >> la.ReLU()
>>> found = rewrite(net, on=(4, 6, 6))      # doctest: +SKIP
>>> found.network                            # doctest: +SKIP
Conv(8, 3, padding=1) >> ReLU()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy
from sympy import Symbol, false, sympify, true
from sympy.logic.boolalg import Boolean

from ...algebra.arguments import as_elements, checked, shown
from ...algebra.derivations.metric import METRICS, Metric
from ...algebra.errors import FieldError, LayerAlgebraError, UnsupportedError
from ...algebra.formulas.table import sizes as sizes_of
from ...algebra.networks.carrier import ShapeCarrier
from ...algebra.networks.evaluator import evaluate_network, input_flows
from ...algebra.networks.network import Network
from ...algebra.numerics.copies import input_nodes
from ...algebra.records import dataclass
from ...algebra.sizes.decisions import at_least
from ...algebra.sizes.decisions import equal as equal_sizes
from ...layers.activation import Identity
from ..law import Law, registered
from ..rules.rule import is_rule
from ..rules.statement import as_latex, as_text, parse_sides
from .building import Builder, Built, Place
from .extraction import Chosen, Extraction, additive
from .saturate import Application, Saturated, Saturation
from .values import FromStep, Reading, Slot


@dataclass(frozen=True)
class ChainStep:
    """One use of a law.

    Attributes
    ----------
    law : str
    statement : str
        What it says of the layers at hand.
    latex : str
    note : str
        The law in words.
    conditions : tuple of sympy.Boolean
        What must hold of the sizes, where that is not known.
    """

    law: str
    statement: str
    latex: str
    note: str
    conditions: tuple[Boolean, ...] = ()

    def __str__(self) -> str:
        return f"{self.law}: {self.statement}"


@dataclass(frozen=True)
class Chain:
    """The laws that were used, in order."""

    steps: tuple[ChainStep, ...] = ()

    def __iter__(self) -> Any:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or "nothing to do"

    def latex(self) -> str:
        """The chain as aligned equations, each with its law."""
        lines = [rf"{step.latex} &\quad\text{{{step.law.replace('_', ' ')}}}" for step in self.steps]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


class WeightMap:
    """The weights of one network from those of another that equals it; call it with what `la.weights` gives for the first."""

    def __init__(self, saturated: Saturated, places: Sequence[Place], text: str = ""):
        self._saturated, self._places, self.text = saturated, tuple(places), text

    def __call__(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """The mapped weights."""
        if not isinstance(weights, Mapping):
            raise FieldError(f"weights are a mapping of names to arrays, as la.weights gives; got {shown(weights)}")
        values, made = self._saturated.values, _Made(self._saturated, weights)
        found: dict[str, Any] = {}
        for place in self._places:
            operation = values.operations[place.operation]
            for tensor, weight in operation.weights:
                if tensor == "":
                    found |= moved(weights, weight, place.path)
                    continue
                array = made.of(weight)
                if place.shared is not None and tensor not in getattr(operation.network, "buffers", ()):
                    found.setdefault(self._shared_name(place, tensor), array)
                else:
                    found[f"{place.path}.{tensor}" if place.path else tensor] = array
        return found

    def _shared_name(self, place: Place, tensor: str) -> str:
        """The k-th tensor under a name is called as at its first use."""
        values = self._saturated.values
        first = next(other for other in self._places if other.shared == place.shared)
        mine = [
            name
            for name, _ in values.operations[place.operation].weights
            if name not in getattr(values.operations[place.operation].network, "buffers", ())
        ]
        theirs = [
            name
            for name, _ in values.operations[first.operation].weights
            if name not in getattr(values.operations[first.operation].network, "buffers", ())
        ]
        k = mine.index(tensor)
        return f"{place.shared}.{theirs[k] if k < len(theirs) else tensor}"


def moved(weights: Mapping[str, Any], slot: Any, path: str) -> dict[str, Any]:
    """All weights below a slot, as they are called below another path."""
    assert isinstance(slot, Slot)
    start = f"{slot.name}." if slot.name else ""
    below = {name[len(start) :]: array for name, array in weights.items() if name.startswith(start)}
    return {(f"{path}.{name}" if path else name): array for name, array in below.items()}


class _Made:
    """Tensors made by steps, each step once."""

    def __init__(self, saturated: Saturated, weights: Mapping[str, Any]):
        self.saturated, self.weights = saturated, weights
        self.steps: dict[int, Mapping[str, Mapping[str, Any]]] = {}

    def of(self, weight: Any) -> Any:
        if isinstance(weight, Slot):
            if weight.name not in self.weights:
                raise FieldError(
                    f"the weights {weight.name} are missing; pass what la.weights gives for the first network"
                )
            return numpy.asarray(self.weights[weight.name])
        waiting = [weight.step]
        while waiting:
            step = self.saturated.steps[waiting[-1]]
            needed = [
                found.step
                for number in step.left.values() for _, found in self.saturated.values.operations[number].weights
                if isinstance(found, FromStep) and found.step not in self.steps
            ]  # fmt: skip
            if needed:
                waiting += needed
                continue
            number = waiting.pop()
            if number not in self.steps:
                assert step.made.weights is not None
                own = {
                    name: {
                        tensor: self._known(found)
                        for tensor, found in self.saturated.values.operations[operation].weights
                    }
                    for name, operation in step.left.items()
                }
                self.steps[number] = step.made.weights(**own)
        return self._known(weight)

    def _known(self, weight: Any) -> Any:
        return (
            self.of(weight)
            if isinstance(weight, Slot)
            else numpy.asarray(self.steps[weight.step][weight.layer][weight.tensor])
        )


@dataclass(frozen=True)
class Rewritten:
    """An equal network, and why it is equal.

    Attributes
    ----------
    network : Network
    chain : Chain
        The laws that were used, in order.
    weights : WeightMap
        From the weights of the network that was given to those of this one.
    domain : tuple of sympy.Boolean
        What must hold of the sizes, where the laws' conditions are not decided.
    before, after : dict
        Name of a metric to its formula.
    complete : bool
        Whether every law was applied wherever it fits; False when the budget was spent before.
    pareto : tuple of Rewritten
        With several metrics: those found that none of the others is better than in all of them. With symbolic sizes: the cases, each with
        the sizes at which it is the cheapest of them as its domain.
    """

    network: Network
    chain: Chain
    weights: WeightMap
    domain: tuple[Boolean, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    complete: bool = True
    pareto: tuple["Rewritten", ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        costs = ", ".join(f"{name} {self.before[name]} -> {self.after[name]}" for name in self.before)
        return f"{self.network}\n{costs}\n{self.chain}"


def rules(laws: Iterable[Law] | None = None) -> list[Law]:
    """The laws that can be applied: those of the registry, or these."""
    return [law for law in (registered() if laws is None else laws) if is_rule(law)]


class Equal:
    """All networks that the laws find equal to one."""

    def __init__(self, net: Network, on: Any = None, laws: Iterable[Law] | None = None):
        self.net, self.on = net, on
        self.closed = net.has_input
        evaluate_network(net, ShapeCarrier(), on)  # whatever does not fit is said here
        shapes = [] if self.closed else [tuple(flow.shape) for flow in input_flows(on)]
        reading = Reading()
        self.read_root = reading.read(net, shapes)
        self.saturated = Saturation(reading.values, rules(laws)).run()

    def built(self, chosen: Chosen) -> Built:
        """The network of chosen nodes."""
        find = self.saturated.find
        inputs = dict(zip(map(find, self.saturated.values.inputs), input_nodes(self.net))) if self.closed else {}
        return Builder(self.saturated, chosen, inputs, Identity()).build()

    def chain(self, chosen: Chosen) -> tuple[Chain, tuple[Boolean, ...]]:
        """The steps that the chosen nodes rest on."""
        used = sorted(self.steps(chosen))
        steps = tuple(_chain_step(self.saturated, self.saturated.steps[number]) for number in used)
        return Chain(steps), tuple(dict.fromkeys(c for step in steps for c in step.conditions))

    def steps(self, chosen: Chosen) -> set[int]:
        """The numbers of these steps: those that made the nodes, and those that made what these matched."""
        values, find = self.saturated.values, self.saturated.find
        first: dict[Any, Any] = {}
        by_value: dict[int, Any] = {}
        for node in values.nodes:
            first.setdefault((node.operation, tuple(map(find, node.arguments))), node)
            by_value.setdefault(node.value, node)
        waiting = [first.get((n.operation, tuple(map(find, n.arguments))), n).step for n in chosen.nodes.values()]
        waiting += self._merges(chosen)
        used: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number is None or number in used:
                continue
            used.add(number)
            step = self.saturated.steps[number]
            for operation, arguments in step.matched:
                made = first.get((operation, tuple(map(find, arguments))))
                waiting.append(made.step if made is not None else None)
            waiting += [by_value[j].step for j in step.joins if j in by_value]
        return used

    def _merges(self, chosen: Chosen) -> list[int]:
        """Steps that made nothing new and said that two values are one, where a chosen node or the output is among them."""
        needed = {*chosen.nodes, chosen.root}
        made = {node.step for node in self.saturated.values.nodes}
        values, find = self.saturated.values, self.saturated.find
        found = []
        for number, step in enumerate(self.saturated.steps):
            if number in made or not step.matched:
                continue
            operation, arguments = step.matched[-1]
            top = next(
                (
                    find(n.value)
                    for n in values.nodes
                    if n.operation == operation and tuple(map(find, n.arguments)) == tuple(map(find, arguments))
                ),
                None,
            )
            if top in needed or top in {find(value) for value in values.inputs}:
                found.append(number)
        return found


def _chain_step(saturated: Saturated, step: Application) -> ChainStep:
    rule = step.law.trial
    left, right = parse_sides(rule.statement)  # type: ignore[union-attr]
    names = {name: str(saturated.values.operations[number].network) for name, number in step.right.items()}
    words = {name: rf"\mathrm{{{_escaped(text)}}}" for name, text in names.items()}
    return ChainStep(
        step.law.name, f"{as_text(left, names)} = {as_text(right, names)}", f"{as_latex(left, words)} = {as_latex(right, words)}",
        step.law.note, step.conditions,
    )  # fmt: skip


def _escaped(text: str) -> str:
    for sign in "_&%#$":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("{", r"\{").replace("}", r"\}").replace(" ", r"\ ")


@checked
def rewrite(
    net: Network,
    on: Any = None,
    least: str | Metric | Sequence[str | Metric] = "macs",
    at: Mapping[Symbol, int] | None = None,
    *,
    laws: Iterable[Law] | None = None,
) -> Rewritten:
    """The cheapest network that the laws find equal to one, with the chain of laws and the map of the weights.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    least : str, Metric, or sequence of them
        What is to be small, such as ``"macs"`` or ``"parameters"``. Of several, the first decides and the others where it does not; the
        result's `pareto` has those that none of the others found is better than.
    at : mapping of Symbol to int, optional
        Sizes at which costs are compared, one for each symbol. Without them (and with one metric), the formulas are compared: what is
        not decided is part of the result's `domain`, and its `pareto` has the cases that were found, each with its own.
    laws : iterable of Law, optional
        The rules; all laws of the registry that are rules, if left out.

    Returns
    -------
    Rewritten

    Raises
    ------
    FieldError
        If a metric or a symbol in `at` is unknown, a size is no integer, or several metrics are to be compared and a symbol has no size in `at`.
    UnsupportedError
        If a metric does not add over the layers, the network has several outputs, or egglog is not installed.
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> from layeralgebra import BatchNorm, Conv, ReLU, rewrite
    >>> found = rewrite(Conv(8, 3, bias=False) >> BatchNorm() >> ReLU(), on=(4, 6, 6), least="flops")  # doctest: +SKIP
    >>> found.network                                                                                  # doctest: +SKIP
    Conv(8, 3) >> ReLU()
    """
    wanted = [least] if isinstance(least, (str, Metric)) else as_elements(least, "least")
    said = [one if isinstance(one, str) else getattr(one, "name", None) for one in wanted]
    if not said or any(not isinstance(name, str) or name not in METRICS for name in said):
        raise FieldError(f"least is the name of a metric, such as 'macs', or several; got {shown(least)}")
    names = [additive(str(name)) for name in dict.fromkeys(said)]
    shapes = (
        {symbol for flow in input_flows(on) for size in flow.shape for symbol in size.free_symbols}
        if on is not None
        else set()
    )
    symbols = {*net.free_symbols, *shapes}
    sizes = sizes_of(symbols, at or {})
    missing = sorted(symbols - set(sizes), key=str)
    if missing and len(names) == 1:
        return _by_cases(Equal(net, on, laws), names[0], sizes, missing, on)
    if missing:
        raise FieldError(
            f"several costs are compared at sizes; give at={{{missing[0]}: 64, ...}} with a number for {', '.join(map(str, missing))}"
        )
    equal = Equal(net, on, laws)
    search = Extraction(equal.saturated, names, sizes)
    before = {name: METRICS[name](net, on=on) for name in names}
    found = [_rewritten(equal, search.as_read(equal.read_root), names, before, on, net)]
    weighings: list[Any] = [lambda cost: cost]
    if len(names) > 1:
        weighings += [lambda cost, first=first: (cost[first], *cost) for first in range(1, len(names))]
        start = [max(1.0, search._number(before[name])) for name in names]
        for share in (0.1, 0.5, 0.9):
            weighings.append(
                lambda cost, s=share: (
                    s * cost[0] / start[0] + (1 - s) * sum(c / b for c, b in zip(cost[1:-1], start[1:])),
                    *cost,
                )
            )
    for weigh in weighings:
        try:
            found.append(_rewritten(equal, search.cheapest(equal.read_root, weigh), names, before, on, None))
        except UnsupportedError:
            continue  # what cannot be written as a network is no candidate

    def cost(one: Rewritten) -> tuple[float, ...]:
        return (*(search._number(one.after[name]) for name in names), len(str(one.network)))

    best = min(found, key=cost)
    if len(names) == 1:
        return best
    front: list[Rewritten] = []
    for one in sorted(found, key=cost):
        mine = cost(one)[:-1]
        if not any(all(a <= b for a, b in zip(cost(other)[:-1], mine)) for other in front):
            front.append(one)
    return Rewritten(
        best.network, best.chain, best.weights, best.domain, best.before, best.after, best.complete, tuple(front)
    )


def _by_cases(equal: Equal, name: str, sizes: Mapping[Symbol, int], missing: Sequence[Symbol], on: Any) -> Rewritten:
    """The networks that are cheapest at some sizes, each with the sizes at which it is: what is not decided is its domain."""
    before = {name: METRICS[name](equal.net, on=None if equal.closed else on)}
    first = _rewritten(
        equal, Extraction(equal.saturated, (), {}).as_read(equal.read_root), [name], before, on, equal.net
    )
    found = {first.network: first}
    for point in _points(missing):
        search = Extraction(equal.saturated, [name], {**sizes, **point})
        try:
            one = _rewritten(equal, search.cheapest(equal.read_root), [name], before, on, None)
        except LayerAlgebraError:
            continue  # no network has such sizes
        found.setdefault(one.network, one)
    cases: list[Rewritten] = []
    for one in sorted(found.values(), key=lambda each: len(str(each.network))):
        wanted = [at_least(sympify(other.after[name]), one.after[name]) for other in found.values() if other is not one]
        never = any(each == false for each in wanted)
        same = any(equal_sizes(sympify(other.after[name]), one.after[name]) == true for other in cases)
        if not never and not same:
            cases.append(replace(one, domain=tuple(dict.fromkeys((*one.domain, *(w for w in wanted if w != true))))))
    best = min(cases, key=lambda each: (len(each.domain), -len(each.chain)))
    return replace(best, pareto=tuple(cases))


def _points(symbols: Sequence[Symbol]) -> list[dict[Symbol, int]]:
    """Sizes at which symbols are tried: all alike, and each small or large while the others are not."""
    found = [dict.fromkeys(symbols, size) for size in (4, 32, 512)]
    found += [{**dict.fromkeys(symbols, 64), symbol: size} for symbol in symbols for size in (4, 4096)]
    return found


def _rewritten(
    equal: Equal, chosen: Chosen, names: Sequence[str], before: Mapping[str, Any], on: Any, net: Network | None
) -> Rewritten:
    if net is not None:
        return Rewritten(net, Chain(), _same_weights(equal), (), before, before, equal.saturated.complete)
    built = equal.built(chosen)
    chain, domain = equal.chain(chosen)
    after = {name: METRICS[name](built.network, on=None if equal.closed else on) for name in names}
    return Rewritten(
        built.network, chain, WeightMap(equal.saturated, built.places), domain, before, after, equal.saturated.complete
    )


class _Same(WeightMap):
    def __call__(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        return dict(weights)


def _same_weights(equal: Equal) -> WeightMap:
    return _Same(equal.saturated, (), "the same names")
