"""Whether two networks are equal: the same function under a stated map of their weights, or the same class of functions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy
from sympy import Integer, Symbol
from sympy.logic.boolalg import Boolean

from ...algebra.arguments import checked, shown
from ...algebra.derivations.metric import METRICS
from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.networks.evaluator import input_flows
from ...algebra.networks.network import Network
from ...algebra.numerics.copies import at_literal_sizes, input_nodes, inputs_of
from ...algebra.numerics.run import run
from ...algebra.numerics.weights import inventory
from ...algebra.records import dataclass
from ..law import Law
from ..rules.rule import agree
from .extraction import Chosen, Cost, Extraction
from .invariants import apart
from .rewrite import Chain, ChainStep, Equal, _Made, moved
from .values import Node, Slot

MEANINGS = {
    "function": "the same function under a stated map of the weights",
    "class": "the same class of functions",
}
#: How often numbers are tried for a difference.
TRIALS = 6


@dataclass(frozen=True)
class Difference:
    """Where two networks differ.

    Attributes
    ----------
    sizes : dict
        Of the symbols.
    weights : pair of dicts, or None
        Of both networks.
    x : array, or None
    outputs : pair
        What `la.run` gives; the shapes alone, where these differ; of the second nothing, where it gives that with no weights.
    why : str
        Why no weights of the second network give what the first one gives, where that is known.
    """

    sizes: Mapping[Symbol, int]
    weights: Any
    x: Any
    outputs: Any
    why: str = ""

    def __str__(self) -> str:
        where = ", ".join(f"{symbol}={size}" for symbol, size in self.sizes.items())
        if self.why:
            return f"{where + ': ' if where else ''}{self.why}"
        return f"{where + ': ' if where else ''}{shown(self.outputs[0])} and {shown(self.outputs[1])}"


@dataclass(frozen=True)
class Equality:
    """What is known of two networks.

    Attributes
    ----------
    verdict : {"equal", "different", "undecided"}
    meaning : str
        What the verdict speaks of, in words.
    chain : Chain
        The laws that were used, in order.
    weights : function or None
        From the weights of the first network to those of the second.
    back : function or None
        The other way, for the same class of functions.
    map : str
        Which map of the weights it is, in words.
    domain : tuple of sympy.Boolean
        What must hold of the sizes, where that is not known.
    witness : Difference or None
        Where the networks differ.
    reason : str
        Why nothing is decided.
    """

    verdict: str
    meaning: str
    chain: Chain = Chain()
    weights: Any = None
    back: Any = None
    map: str = ""
    domain: tuple[Boolean, ...] = ()
    witness: Difference | None = None
    reason: str = ""

    def __bool__(self) -> bool:
        raise FieldError("a verdict is one of three; ask for .verdict, not its truth")

    def __str__(self) -> str:
        tail = str(self.chain) if self.verdict == "equal" else str(self.witness) if self.witness else self.reason
        under = f" ({self.map})" if self.map else ""
        return f"{self.verdict}: {self.meaning}{under}\n{tail}"


class _Map:
    """Weights of the second network from those of the first: matched operation by operation, then the second's laws backwards."""

    def __init__(self, first: Equal, second: Equal, pairs: Mapping[int, int], steps: Sequence[int]):
        self.first, self.second, self.pairs, self.steps = first, second, pairs, tuple(steps)

    def __call__(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(weights, Mapping):
            raise FieldError(f"weights are a mapping of names to arrays, as la.weights gives; got {shown(weights)}")
        made = _Made(self.first.saturated, weights)
        values, own = self.first.saturated.values, self.second.saturated.values
        arrays: dict[int, dict[str, Any]] = {}
        for number, other in self.pairs.items():
            source = dict(values.operations[other].weights)
            if "" in source:  # a part that was not taken apart
                arrays[number] = {"": source[""]}
                continue
            arrays[number] = {tensor: made.of(source[tensor]) for tensor, _ in own.operations[number].weights}
        for number in reversed(self.steps):
            step = self.second.saturated.steps[number]
            if step.made.back is None:
                continue
            new = {name: arrays[step.right[name]] for name in step.made.layers}
            for name, tensors in step.made.back(**new).items():
                arrays[step.left[name]] = dict(tensors)
        mapped: dict[str, Any] = {}
        for number, tensors in arrays.items():
            for tensor, weight in own.operations[number].weights:
                if isinstance(weight, Slot):
                    mapped |= (
                        moved(weights, tensors[""], weight.name) if tensor == "" else {weight.name: tensors[tensor]}
                    )
        return mapped


class _Matching:
    """A network, as chosen nodes, looked for among all that equals another one."""

    def __init__(self, first: Equal, second: Equal, chosen: Chosen):
        self.first, self.second, self.chosen = first, second, chosen
        self.classes = Extraction(first.saturated, (), {}).classes
        self.found: dict[tuple[int, int], Node | None] = {}
        self.order: dict[tuple[int, int], tuple[int, ...]] = {}
        find = second.saturated.find
        pairs = list(zip(second.saturated.values.inputs, first.saturated.values.inputs))
        self.inputs = {name: first.saturated.find(w) for v, w in pairs for name in (v, find(v))}

    def run(self) -> tuple[dict[int, int], Chosen] | None:
        """Pairs of operations, and the nodes of the first that were met; None if it is not there."""
        root = self.first.saturated.find(self.first.read_root)
        if not self._fits(root, self.chosen.root):
            return None
        pairs: dict[int, int] = {}
        nodes: dict[int, Node] = {}
        waiting = [(root, self.chosen.root)]
        while waiting:
            value, other = waiting.pop()
            node = self.found.get((value, other))
            if node is None:
                continue
            mine = self.chosen.nodes[other]
            if pairs.setdefault(mine.operation, node.operation) != node.operation:
                return None
            if nodes.setdefault(value, node) is not node:
                return None
            waiting += zip(node.arguments, (mine.arguments[place] for place in self.order[value, other]))
        return (pairs, Chosen(nodes, root)) if self._one_source(pairs) else None

    def _one_source(self, pairs: Mapping[int, int]) -> bool:
        """Whether a tensor that several operations hold is made of one tensor."""
        sources: dict[Any, Any] = {}
        for number, other in pairs.items():
            given = dict(self.first.saturated.values.operations[other].weights)
            for tensor, weight in self.second.saturated.values.operations[number].weights:
                if sources.setdefault(weight, given[tensor]) != given[tensor]:
                    return False
        return True

    def _fits(self, value: int, other: int) -> bool:
        # In the order of the second network, inputs first, so that nothing recurses deeply.
        waiting = [(value, other)]
        begun: set[tuple[int, int]] = set()
        while waiting:
            pair = waiting[-1]
            if pair in self.found or self._is_input(pair):
                waiting.pop()
                continue
            below = [
                (a, b) for node in self._candidates(pair) for order in self._orders(node)
                for a, b in zip(node.arguments, (self.chosen.nodes[pair[1]].arguments[p] for p in order))
            ]  # fmt: skip
            open_ = [one for one in below if one not in self.found and not self._is_input(one) and one not in begun]
            if open_ and pair not in begun:
                begun.add(pair)
                waiting += open_
                continue
            waiting.pop()
            self.found[pair] = self._decided(pair)
        return self._ok((value, other))

    def _is_input(self, pair: tuple[int, int]) -> bool:
        return pair[1] in self.inputs

    def _ok(self, pair: tuple[int, int]) -> bool:
        return self.inputs[pair[1]] == pair[0] if self._is_input(pair) else self.found.get(pair) is not None

    def _candidates(self, pair: tuple[int, int]) -> list[Node]:
        mine = self.chosen.nodes.get(pair[1])
        if mine is None:
            return []
        network = self.second.saturated.values.operations[mine.operation].network
        values = self.first.saturated.values
        return [
            node for node in self.classes.get(pair[0], ())
            if values.operations[node.operation].network == network and len(node.arguments) == len(mine.arguments)
        ]  # fmt: skip

    def _orders(self, node: Node) -> list[tuple[int, ...]]:
        count = len(node.arguments)
        network = self.first.saturated.values.operations[node.operation].network
        if type(network).__name__ in ("Add", "Mul") and count <= 4:
            return list(itertools.permutations(range(count)))
        return [tuple(range(count))]

    def _decided(self, pair: tuple[int, int]) -> Node | None:
        mine = self.chosen.nodes.get(pair[1])
        for node in self._candidates(pair):
            for order in self._orders(node):
                assert mine is not None
                if all(self._ok((a, mine.arguments[p])) for a, p in zip(node.arguments, order)):
                    self.order[pair] = order
                    return node
        return None


def _reversible(second: Equal, chosen: Chosen) -> list[int] | None:
    """The steps that lead to chosen nodes, if each can be undone and makes its layers for one place."""
    values = second.saturated.values
    steps = sorted(second.steps(chosen))
    here = {node.operation for node in chosen.nodes.values() if values.operations[node.operation].weights}
    for number in reversed(steps):
        step = second.saturated.steps[number]
        weighty = [name for name in step.left if values.operations[step.left[name]].weights]
        new = {step.right[name] for name in step.made.layers if values.operations[step.right[name]].weights}
        if step.made.back is None:
            if new or any(step.left[name] not in here for name in weighty):
                return None
            continue
        if not new <= here or any(step.left[name] in here - new for name in weighty):
            return None
        if len({step.left[name] for name in weighty}) < len(weighty):
            return None  # layers that share their weights cannot be given different ones
        here = (here - new) | {step.left[name] for name in weighty}
    read = {node.operation for node in values.nodes if node.step is None and values.operations[node.operation].weights}
    held = [weight for number in read for _, weight in values.operations[number].weights]
    if steps and len(set(held)) < len(held):
        return None
    return steps if read <= here else None


def _map(first: _Both, second: _Both, mine: Chosen | None) -> tuple[_Map, Chain, tuple[Boolean, ...]] | None:
    """A map of the weights of the first to those of the second under which they are one function."""
    plans: list[tuple[Chosen, list[int]]] = [(second.saturated_as_read(), [])]
    cheapest = Extraction(second.saturated, ("macs", "flops"), {}) if second.literal else None
    if cheapest is not None:
        for place in (0, 1, 2):
            chosen = cheapest.cheapest(second.read_root, partial(_led_by, place))
            steps = _reversible(second, chosen)
            if steps is not None:
                plans.append((chosen, steps))
    if mine is not None:
        met = _Matching(second, first, mine).run()
        if met is not None:
            steps = _reversible(second, met[1])
            if steps is not None:
                plans.append((met[1], steps))
    for chosen, steps in plans:
        found = _Matching(first, second, chosen).run()
        if found is None:
            continue
        pairs, nodes = found
        chain, domain = first.chain(nodes)
        backwards = [second.chain_step(number) for number in reversed(steps)]
        return (
            _Map(first, second, pairs, steps), Chain((*chain.steps, *backwards)),
            (*domain, *(c for step in backwards for c in step.conditions)),
        )  # fmt: skip
    return None


def _led_by(place: int, cost: Cost) -> Cost:
    """Costs in the order in which they decide, one of them first."""
    return (cost[place], *cost)


class _Both(Equal):
    """All that equals one of the two networks."""

    @property
    def literal(self) -> bool:
        return not any(size.free_symbols for shape in self.saturated.values.shapes for size in shape)

    def saturated_as_read(self) -> Chosen:
        return Extraction(self.saturated, (), {}).as_read(self.read_root)

    def chain_step(self, number: int) -> ChainStep:
        from .rewrite import _chain_step

        step = _chain_step(self.saturated, self.saturated.steps[number])
        left, _, right = step.statement.partition(" = ")
        left_latex, _, right_latex = step.latex.partition(" = ")
        return ChainStep(step.law, f"{right} = {left}", f"{right_latex} = {left_latex}", step.note, step.conditions)


@checked
def equal(
    f: Network, g: Network, on: Any = None, *, meaning: str = "function", laws: Iterable[Law] | None = None
) -> Equality:
    """Whether two networks are equal.

    Parameters
    ----------
    f, g : Network
    on : shape, optional
        What enters open networks.
    meaning : {"function", "class"}
        ``"function"``: for all weights of `f`, `g` with the mapped weights is the same function. ``"class"``: such maps exist both ways.
    laws : iterable of Law, optional
        The rules; all laws of the registry that are rules, if left out.

    Returns
    -------
    Equality
        *equal* comes with the chain of laws and the map of the weights. *different* comes with sizes, weights and an input on which
        `la.run` differs, under the map that gives each tensor of `g` the tensor of `f` of that name (where both have the same
        tensors), with shapes that differ, or with weights of `f` and an input where `f` does what `g` does with no weights: it leaves
        the bounds of its outputs, is no polynomial of its degree, or tells apart what `g` does not.
        Everything else is *undecided*.

    Raises
    ------
    FieldError
        If `meaning` is neither.
    ShapeError
        If the shapes do not fit.
    UnsupportedError
        If a network has several outputs, or egglog is not installed.

    Examples
    --------
    >>> from layeralgebra import Linear, ReLU, equal
    >>> print(equal(Linear(8) >> Linear(2), Linear(2), on=(4,)))                     # doctest: +SKIP
    equal: the same function under a stated map of the weights (found by the laws)
    linear_after_linear: Linear(2)(Linear(8)(x)) = Linear(2)(x)
    """
    if meaning not in MEANINGS:
        raise FieldError(f"meaning is 'function' or 'class', got {shown(meaning)}")
    words = MEANINGS[meaning]
    shapes = [tuple(METRICS["output_shape"](net, on=None if net.has_input else on)) for net in (f, g)]
    first, second = _Both(f, on, laws), _Both(g, None if g.has_input else on, laws)
    if len(first.saturated.values.inputs) != len(second.saturated.values.inputs):
        return Equality("different", words, reason="they take different numbers of inputs")
    entering = [[one.saturated.values.shapes[v] for v in one.saturated.values.inputs] for one in (first, second)]
    if shapes[0] == shapes[1] and entering[0] == entering[1]:
        mine, theirs = _best(first), _best(second)
        there = _map(first, second, mine)
        again = _map(second, first, theirs) if there is not None and meaning == "class" else None
        if there is not None and (meaning == "function" or again is not None):
            domain = tuple(dict.fromkeys((*there[2], *(again[2] if again else ()))))
            return Equality(
                "equal", words, there[1], there[0], again[0] if again else None, "found by the laws", domain
            )
    found, under = _difference(f, g, on)
    if found is not None and (
        meaning == "function" or found.x is None or not found.weights[0] and not found.weights[1]
    ):
        return Equality("different", words, map=under, witness=found)
    lasting = _difference(f, g, on, _whatever) if shapes[0] == shapes[1] else (None, "")
    if lasting[0] is None and meaning == "class" and shapes[0] == shapes[1]:
        lasting = _difference(g, f, on, _whatever)
    if lasting[0] is not None:
        return Equality("different", words, map=lasting[1], witness=lasting[0])
    return Equality(
        "undecided", words, reason="the laws lead from neither to the other, and no difference is known for all maps"
    )


def _best(one: _Both) -> Chosen | None:
    return Extraction(one.saturated, ("macs", "flops"), {}).cheapest(one.read_root) if one.literal else None


# differences -------------------------------------------------------------------------------------------------------------


def _difference(f: Network, g: Network, on: Any, at: Any = None) -> tuple[Difference | None, str]:
    """Sizes, weights and an input on which the networks differ, with the map of the weights in words."""
    symbols = sorted({*f.free_symbols, *g.free_symbols, *(_symbols(on) if on is not None else ())}, key=str)
    for trial in range(TRIALS):
        chance = random.Random(trial)
        sizes = {symbol: chance.randint(2 + trial // 2, 5 + trial) for symbol in symbols}
        try:
            found = (at or _at)(f, g, on, sizes, trial)
        except LayerAlgebraError:
            continue
        if found is not None:
            return found
    return None, ""


def _symbols(on: Any) -> set[Any]:
    return {symbol for flow in input_flows(on) for size in flow.shape for symbol in size.free_symbols}


def _whatever(f: Network, g: Network, on: Any, sizes: Mapping[Any, int], trial: int) -> tuple[Difference, str] | None:
    """Weights of the first network and an input where it does what the second one does with no weights."""
    if f.has_input or g.has_input or len(input_flows(on)) != 1:
        return None
    values = {symbol: Integer(size) for symbol, size in sizes.items()}
    one, other = (net.xreplace(values) for net in (f, g))
    shape = tuple(int(size.xreplace(values)) for size in input_flows(on)[0].shape)
    generator = numpy.random.default_rng(trial)
    weights = _drawn(inventory(*at_literal_sizes(one, [shape])).slots, generator)
    x = generator.integers(-3, 4, shape)
    found = apart(one, other, shape, weights, x, generator)
    if found is None:
        return None
    return Difference(sizes, (weights, None), x, (found.output, None), found.why), "whatever the weights of the second"


def _drawn(slots: Mapping[str, Any], generator: Any) -> dict[str, Any]:
    """Integers for all tensors."""
    weights = {}
    for name, slot in slots.items():
        if slot.table is not None:
            weights[name] = slot.table(slot.shape)
        elif slot.rows is not None:
            weights[name] = generator.integers(0, slot.rows, slot.shape)
        else:
            weights[name] = (
                generator.integers(-3, 4, slot.shape) if slot.learned else generator.integers(1, 4, slot.shape)
            )
    return weights


def _at(f: Network, g: Network, on: Any, sizes: Mapping[Any, int], trial: int) -> tuple[Difference, str] | None:
    values = {symbol: Integer(size) for symbol, size in sizes.items()}
    nets = [net.xreplace(values) for net in (f, g)]
    if f.has_input:
        shapes = [tuple(int(size) for size in node.shape) for node in input_nodes(nets[0])]
    else:
        shapes = [tuple(int(size.xreplace(values)) for size in flow.shape) for flow in input_flows(on)]
    slots = [inventory(*at_literal_sizes(net, shapes)).slots for net in nets]
    made = [
        tuple(
            int(s)
            for s in METRICS["output_shape"](
                net, on=None if net.has_input else (shapes[0] if len(shapes) == 1 else shapes)
            )
        )
        for net in nets
    ]
    if made[0] != made[1]:
        return Difference(sizes, None, None, (made[0], made[1])), "whatever the weights"
    if {name: slot.shape for name, slot in slots[0].items()} != {name: slot.shape for name, slot in slots[1].items()}:
        return None  # no map stands out, and that one differs says nothing of others
    generator = numpy.random.default_rng(trial)
    weights = _drawn(slots[0], generator)
    inputs = [generator.integers(-3, 4, shape) for shape in shapes]
    x: Any = inputs[0] if inputs_of(nets[0]) == 1 else inputs
    kept = {name: weights[name] for name in slots[1]}
    outputs = run(nets[0], x, weights), run(nets[1], x, kept)
    if (
        not numpy.isfinite(numpy.asarray(outputs[0], float)).all()
        or not numpy.isfinite(numpy.asarray(outputs[1], float)).all()
    ):
        return None
    if agree(*outputs):
        return None
    if outputs[0].dtype.kind == "f" and abs(outputs[0] - outputs[1].astype(float)).max() < 1e-4 * (
        1 + abs(outputs[0]).max()
    ):
        return None
    return Difference(
        sizes, (weights, kept), x, outputs
    ), "each tensor of the second is that of the first of the same name"
