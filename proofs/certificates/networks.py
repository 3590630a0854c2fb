"""Networks as Coq reads them: for every node a definition, what it is worth, and a closed lemma on what it gives.

Shapes and values come from the engine, and Coq checks every one. The lemma of a composition applies those of its parts with every argument
written out, so that nothing is left to unification: a network takes as long as its nodes do, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from math import lcm
from typing import Any

from sympy import Add as Sum
from sympy import Dummy, Expr, Integer, Mul, Symbol, fraction, together

from ...algebra.equations.instance import instantiate
from ...algebra.equations.work import work
from ...algebra.errors import UnsupportedError
from ...algebra.networks.carrier import Flow
from ...algebra.networks.evaluator import begins_with_input, shape_of, taken_by
from ...algebra.networks.graph import Graph
from ...algebra.networks.joins import Add, Concat, Join
from ...algebra.networks.joins import Mul as Product
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Input, Network
from ...algebra.networks.repetition import Copies
from ...algebra.networks.series import Repeat, Series, Shared
from ...algebra.networks.steps import carried_out
from ...algebra.records import dataclass
from ...algebra.sizes.normal_form import simplify
from ...algebra.sizes.summation import summation
from .equations import equation, table
from .expressions import Written, comment, listing, names, quoted

KEPT = "Z.add Z.sub Z.mul Z.div Z.opp Z.max Z.min Z.pow Z.modulo Z.le Z.lt Z.ge Z.gt count sum".split()
MEASURES = {"parameters": "Parameters", "macs": "Macs", "multiplies": "Multiplies", "adds": "Adds"}


@dataclass(frozen=True)
class SumFact:
    """A sum over copies in Coq: ``under * term = over`` by the lemma `proof`."""

    term: str
    under: int
    over: str
    proof: str


@dataclass(frozen=True)
class Part:
    """A node that stands in the file: its number, the network and its worth there, the lemma, and what the engine knows of it.

    `own` is its value in closed form, `sums` the sums over copies in it, each with how often it is there; `shares` says whether it has
    tensors that are shared.
    """

    term: str
    worth: str
    gives: str
    leaves: tuple[Flow, ...]
    own: Expr = Integer(0)
    sums: Mapping[SumFact, int] = field(default_factory=dict)
    shares: bool = False


@dataclass
class Printer:
    """Prints networks for one measure; `texts` are the definitions and lemmas so far, in order."""

    measure: str
    written: Written
    symbols: tuple[Symbol, ...]
    hypotheses: Sequence[str]
    texts: list[str] = field(default_factory=list)
    equations: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Part] = field(default_factory=dict)
    loops: list[tuple[Symbol, Expr]] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    shared: tuple[str, str] | None = None
    waiting: list[int] = field(default_factory=list)

    # scopes ----------------------------------------------------------------------------------------------------------

    def bound(self) -> list[str]:
        """The sizes over which everything here is quantified: symbols, and the copies around."""
        return [self.written.names[one] for one in (*self.symbols, *(index for index, _ in self.loops))]

    def given(self) -> list[str]:
        """What is assumed of them."""
        loops = (f"0 <= {self.written.names[index]} < {self.written(times)}" for index, times in self.loops)
        return [*self.hypotheses, *loops]

    def binders(self) -> str:
        """For definitions."""
        return f" ({' '.join(self.bound())} : Z)" if self.bound() else ""

    def forall(self) -> str:
        """For lemmas."""
        quantified = f"forall {' '.join(self.bound())} : Z, " if self.bound() else ""
        return quantified + "".join(f"({one}) -> " for one in self.given())

    def applied(self, name: str) -> str:
        """A definition at the sizes that are bound here."""
        return f"({' '.join([name, *self.bound()])})" if self.bound() else name

    def intros(self) -> str:
        """What brings the sizes and the hypotheses of a lemma under their names."""
        found = [*self.bound(), *self.hypotheses_names()]
        return f"intros {' '.join(found)}; " if found else ""

    def hypotheses_names(self) -> list[str]:
        """The hypotheses of a lemma here."""
        return [f"given_{place}" for place in range(1, len(self.given()) + 1)]

    def specialized(self) -> str:
        """The tactic that brings what holds in every copy to the copies that are here."""
        return "in_copies; " if self.loops and any(one.startswith("forall") for one in self.hypotheses) else ""

    def lemma(self, name: str) -> str:
        """A lemma at the sizes and hypotheses that are here."""
        return f"({' '.join([name, *self.bound(), *self.hypotheses_names()])})"

    def shapes(self, flows: Sequence[Flow]) -> str:
        """What flows, a list of shapes."""
        return listing(listing(map(self.written, flow.shape)) for flow in flows)

    # what stands in the file -----------------------------------------------------------------------------------------

    def node(self, term: str, worth: str, entering: Sequence[Flow], proof: str, **made: Any) -> Part:
        """A node with its definitions and its lemma; one that is there already is not written again."""
        key = f"{term} {self.shapes(entering)} {self.shapes(made['leaves'])} {worth} {len(self.loops)} {self.bound()}"
        if key not in self.nodes:
            number = len(self.nodes) + 1
            part = Part(
                self.applied(f"node_{number}"), self.applied(f"worth_{number}"), self.lemma(f"gives_{number}"), **made
            )
            self.texts.append(
                f"Definition node_{number}{self.binders()} : network := {term}.\n"
                f"Definition worth_{number}{self.binders()} : value := {worth}.\n"
                f"Lemma gives_{number} : {self.forall()}\n"
                f"  gives {self.measure} {part.term} {self.shapes(entering)} {self.shapes(part.leaves)} {part.worth}.\n"
                f"Proof.\n  {self.intros()}{self.specialized()}unfold node_{number}, worth_{number}.\n  {proof}\nQed.\n"
            )
            self.nodes[key] = part
        return self.nodes[key]

    # nodes -----------------------------------------------------------------------------------------------------------

    def visit(self, node: Network, flows: tuple[Flow, ...], path: str) -> Part:
        """Write a network down."""
        if isinstance(node, Layer):
            return self.layer(node, flows, path)
        if isinstance(node, Series):
            return self.series([(part, f"{path}.{place}".lstrip(".")) for place, part in enumerate(node.parts)], flows)
        if isinstance(node, Join):
            return self.join(node, flows, path)
        if isinstance(node, Shared):
            outer, self.shared = self.shared, (node.name, path)
            try:
                return self.visit(node.body, flows, path)
            finally:
                self.shared = outer
        if isinstance(node, Repeat):
            return self.repeat(node, flows, path)
        if isinstance(node, Graph):
            return self.graph(node, flows, path)
        raise self.refused(
            path, f"certificates have no {type(node).__name__}; they know layers, >>, +, *, |, **, shared and Graph"
        )

    def refused(self, path: str, reason: str) -> UnsupportedError:
        """The error for a part of which there is no certificate."""
        return UnsupportedError(f"at {path}: {reason}" if path else reason)

    def layer(self, node: Layer, flows: tuple[Flow, ...], path: str) -> Part:
        instance = instantiate(node, *(flow.shape for flow in flows))
        called = self.equation(node, flows)
        sizes = [simplify(Mul(*shape)) for shape in instance.weights().values()]
        keys: list[str] = []
        if self.measure == "Parameters" and self.shared is not None:
            name, start = self.shared
            inside = path.removeprefix(start).lstrip(".")
            keys = [
                f"{len(name)} {name}/{inside}/{number}" for number in range(len(sizes))
            ]  # no two of them run together
        own = Sum(*sizes) if self.measure == "Parameters" else getattr(work(instance), self.measure.lower())
        own = Integer(0) if keys else simplify(own)
        pairs = listing(f"({quoted(key)}, {self.written(size)})" for key, size in zip(keys, sizes))
        value, term = f"Value {self.written(own)} {pairs}", f"Layer {names(keys)} {called}"
        leaves = (Flow(instance.output, node.layout[1] or (flows[0].channels if flows else None)),)
        proof = (
            f"apply (gives_layer {self.measure} {names(keys)} {called} {self.shapes(flows)}\n    {table(instance, self.written)}\n"
            f"    {self.shapes(leaves)} ({value})); [ computed; lists | computed; lists | counted | fitting ]."
        )
        return self.node(term, value, flows, proof, leaves=leaves, own=own, shares=bool(keys))

    def equation(self, node: Layer, flows: tuple[Flow, ...]) -> str:
        """The equation of a layer at the sizes here, as a term; it is written once for all of them."""
        held = [one for one in (*self.symbols, *(index for index, _ in self.loops)) if one in node.free_symbols]
        ranks = [len(flow.shape) for flow in flows]
        key = f"{node!r} {ranks} {held}"
        if key not in self.equations:
            name = f"equation_{len(self.equations) + 1}"
            text, patterns = equation(node, ranks, held)
            binders = f" ({' '.join(Written(held)(symbol) for symbol in held)} : Z)" if held else ""
            source = "\n".join(f"   {line.strip()}" for line in node.parsed.text.splitlines() if line.strip())
            self.texts.append(
                f"(* {comment(str(node))}\n{comment(source)} *)\n"
                f"Definition {name}{binders} (flows : list shape) : equation := match flows with {listing(patterns)} =>\n"
                f"  {text} | _ => wrong end.\n"
            )
            self.equations[key] = name
        return f"({' '.join([self.equations[key], *(self.written(symbol) for symbol in held)])})"

    def then(self, first: Part, second: Part, entering: Sequence[Flow]) -> Part:
        """One after the other."""
        proof = (
            f"exact (gives_then {self.measure} {first.term} {second.term} {self.shapes(entering)} {self.shapes(first.leaves)}\n"
            f"    {self.shapes(second.leaves)} {first.worth} {second.worth} {first.gives} {second.gives})."
        )
        sums = dict(first.sums)
        for fact, often in second.sums.items():
            sums[fact] = sums.get(fact, 0) + often
        return self.node(
            f"Then {first.term} {second.term}", f"plus {first.worth} {second.worth}", entering, proof, leaves=second.leaves,
            own=first.own + second.own, sums=sums, shares=first.shares or second.shares,
        )  # fmt: skip

    def chain(self, parts: Sequence[Part], entering: Sequence[Flow]) -> Part:
        """Parts one after the other."""
        whole = parts[0]
        for part in parts[1:]:
            whole = self.then(whole, part, entering)
        return whole

    def step(self, sources: Sequence[int], part: Part, flows: tuple[Flow, ...]) -> Part:
        """A part that is handed some of what flows; what it makes comes at the end."""
        places, leaves = listing(f"{place}%nat" for place in sources), flows + part.leaves
        proof = (
            f"exact (gives_step {self.measure} {places} {part.term} {self.shapes(flows)} {self.shapes(part.leaves)}\n"
            f"    {self.shapes(leaves)} {part.worth} {part.gives} eq_refl)."
        )
        return self.node(
            f"Step {places} {part.term}", part.worth, flows, proof, leaves=leaves, own=part.own, sums=part.sums, shares=part.shares,
        )  # fmt: skip

    def pick(self, sources: Sequence[int], flows: tuple[Flow, ...]) -> Part:
        """Some of what flows."""
        places, leaves = listing(f"{place}%nat" for place in sources), tuple(flows[place] for place in sources)
        proof = f"exact (gives_pick {self.measure} {places} {self.shapes(flows)} {self.shapes(leaves)} eq_refl)."
        return self.node(f"Pick {places}", "Value 0 []", flows, proof, leaves=leaves)

    def series(self, parts: Sequence[tuple[Network, str]], flows: tuple[Flow, ...]) -> Part:
        made: list[Part] = []
        entering = flows
        for part, path in parts:
            made.append(self.visit(part, flows, path))
            flows = made[-1].leaves
        return self.chain(made, entering)

    def join(self, node: Join, flows: tuple[Flow, ...], path: str) -> Part:
        if len(flows) != 1:
            raise self.refused(path, "certificates know branches of one input")
        branches = [
            self.visit(branch, flows, f"{path}.{place}".lstrip(".")) for place, branch in enumerate(node.branches)
        ]
        made: list[Part] = []
        here: tuple[Flow, ...] = flows
        for branch in branches:
            made.append(self.step([0], branch, here))
            here = made[-1].leaves
        made.append(self.pick(range(1, len(here)), here))
        made.append(self.joined(node, made[-1].leaves, path))
        return self.chain(made, flows)

    def joined(self, node: Join, flows: tuple[Flow, ...], path: str) -> Part:
        """The joining itself."""
        if type(node) not in (Add, Product, Concat):
            raise self.refused(path, f"certificates have no {type(node).__name__}; they know +, * and | of branches")
        if len({len(one.shape) for one in flows}) > 1:
            raise self.refused(path, "certificates join outputs of equally many axes")
        channels = next((one.channels for one in flows if one.channels), None)
        axis = node.stacked_axis(len(flows[0].shape), channels)
        shape = list(flows[0].shape)
        if axis is not None:
            axis %= len(shape)
            shape[axis] = simplify(Sum(*(one.shape[axis] for one in flows)))
        how = f"(Stacked {axis}%nat)"
        if axis is None:
            givers = [next((n for n, one in enumerate(flows) if one.shape[a] != 1), 0) for a in range(len(shape))]
            shape = [flows[giver].shape[a] for a, giver in enumerate(givers)]
            how = f"({'Multiplied' if isinstance(node, Product) else 'Added'} {listing(f'{n}%nat' for n in givers)})"
        counts = axis is None and self.measure == ("Multiplies" if isinstance(node, Product) else "Adds")
        own = simplify((len(flows) - 1) * Mul(*shape)) if counts else Integer(0)
        leaves, value = (Flow(tuple(shape), channels),), f"Value {self.written(own)} []"
        proof = (
            f"apply (gives_join {self.measure} {how} {self.shapes(flows)} {self.shapes(leaves)} ({value})); "
            "[ computed; lists | counted | fitting ]."
        )
        return self.node(f"Join {how}", value, flows, proof, leaves=leaves, own=own)

    def graph(self, node: Graph, flows: tuple[Flow, ...], path: str) -> Part:
        """Node after node, each handed what arrives at it."""
        if node.several or any(part.several for part in node.nodes.values()):
            raise self.refused(path, "certificates know graphs of one output, of nodes of one output each")
        sources, needed, made, here = node.sources(), node.needed(()), [], flows
        places: dict[str, int] = {}
        for name in node.order():
            part, where = node.nodes[name], f"{path}.{name}".lstrip(".")
            if name not in needed:
                raise self.refused(where, "no output depends on this node")
            if isinstance(part, Input):
                places[name] = self.waiting.pop(0)
                continue
            taken = [places[source] for source, _ in sources[name]]
            if begins_with_input(part):
                taken = [self.waiting.pop(0)]
                rest = without_inputs(part)
                assert rest is not None
                part = rest
            elif not taken and taken_by(part):
                taken = list(range(len(flows)))
            arriving = tuple(here[place] for place in taken)
            inner = (
                self.joined(part, arriving, where)
                if isinstance(part, Join) and not part.branches
                else self.visit(part, arriving, where)
            )
            if len(inner.leaves) != 1:
                raise self.refused(where, "certificates know nodes of one output")
            made.append(self.step(taken, inner, here))
            here = made[-1].leaves
            places[name] = len(here) - 1
        made.append(self.pick([places[node.sink]], here))
        return self.chain(made, flows)

    # repetition ------------------------------------------------------------------------------------------------------

    def repeat(self, node: Repeat, flows: tuple[Flow, ...], path: str) -> Part:
        if node.several or len(flows) != 1:
            raise self.refused(path, "certificates know repetitions of one input and one output")
        (flow,), times = flows, node.times
        if times.is_Integer and (node.index is not None or shape_of(node.body, flow).shape != flow.shape):
            if not times:
                raise self.refused(path, "certificates have no repetition of no copies; leave it out")
            copies = [(node.copy(number), f"{path}.{number}".lstrip(".")) for number in range(int(times))]
            return self.series(copies, flows)
        if not times.is_Integer and times.is_positive is not True and times.is_nonnegative is not True:
            raise self.refused(path, f"it is not known that {times} copies are at least none")
        if not any(times.has(one) for one, _ in self.loops):
            self.written.copies.append(times)
        elif fraction(together(times))[1] != 1:
            raise self.refused(
                path, f"the number of its copies, {times}, is a quotient that depends on the copies around it"
            )
        index = Symbol(f"copy {len(self.written.names)}", integer=True, nonnegative=True)
        self.written.names[index] = f"l_{len(self.written.names)}"
        rule = Copies(node, lambda net, one: _shape(net, one), path)
        body, entering = carried_out(rule.entering(flow, index, 0))
        enters = Flow(tuple(entering), flow.channels)
        outer, self.shared = self.shared, None
        self.loops.append((index, times))
        try:
            part = self.visit(body, (enters,), f"{path}[l]")
            hypothesis = self.hypotheses_names()[-1]
        finally:
            self.loops.pop()
            self.shared = outer
        if part.shares or (outer is not None and self.measure == "Parameters"):
            raise self.refused(
                path, "certificates share no weights within or along a repetition; give a number of copies"
            )
        over, under = fraction(together(_summed(simplify(part.own), index)))
        if not under.is_Integer:
            raise self.refused(path, f"the sum over its copies, {over / under}, has a quotient by {under}")
        fact = self.sum(part, index, times, hypothesis, over, int(under))
        return self.copies(part, enters, flow, index, times, hypothesis, fact, over.xreplace({index: times}) / under)

    def sum(self, part: Part, index: Symbol, times: Expr, hypothesis: str, over: Expr, under: int) -> SumFact:
        """The sum over the copies of what one is worth, and the lemma that it is in closed form."""
        number, copy, count = len(self.sums) + 1, self.written.names[index], self.written(times)
        factor = lcm(under, *(fact.under for fact in part.sums))
        over *= factor // under
        closed, term = self.written(over.xreplace({index: times})), self.applied(f"sum_{number}")
        step = f"intros {copy} {hypothesis}; {self.computed()}; powers; symmetry; {linear(factor, part.sums)}"
        self.texts.append(
            f"Definition sum_{number}{self.binders()} : Z := sum {count} (fun {copy} => own {part.worth}).\n"
            f"Lemma closed_{number} : {self.forall()}{factor} * {term} = {closed}.\n"
            f"Proof.\n  {self.intros()}unfold sum_{number}.\n"
            f"  transitivity ((fun {copy} => {self.written(over)}) {count}); [ | cbv beta; ring ].\n"
            f"  apply (sum_closed {count} {factor} (fun {copy} => own {part.worth}) (fun {copy} => {self.written(over)}));\n"
            f"  [ arithmetic | cbv beta; ring | {step} ].\nQed.\n"
        )
        self.sums.append(f"sum_{number}")
        return SumFact(term, factor, closed, self.lemma(f"closed_{number}"))

    def computed(self) -> str:
        """The tactic that computes everything except arithmetic and the sums over copies."""
        return f"cbv -[{' '.join([*KEPT, *self.sums])}]"

    def copies(
        self, part: Part, enters: Flow, flow: Flow, index: Symbol, times: Expr, hypothesis: str, fact: SumFact, own: Expr
    ) -> Part:  # fmt: skip
        """A repetition: what enters a copy follows from what enters the one before."""
        copy, count, name = self.written.names[index], self.written(times), fact.term.strip("()").split()[0]
        shapes = self.shapes((enters,))
        leaves = (
            Flow(tuple(simplify(size.xreplace({index: times})) for size in enters.shape), part.leaves[0].channels),
        )
        states, worths = f"(fun {copy} => {shapes})", f"(fun {copy} => {part.worth})"
        each = (
            f"exact (gives_equal {self.measure} {part.term} {shapes} {shapes} {self.shapes(part.leaves)} ({states} ({copy} + 1)) "
            f"{part.worth} {part.worth} {part.gives} eq_refl ltac:(cbv beta; lists) eq_refl)"
        )
        proof = (
            f"unfold {name}; apply (gives_equal {self.measure} _ ({states} 0) {self.shapes((flow,))} ({states} {count}) {self.shapes(leaves)} _ _\n"
            f"    (gives_repeat {self.measure} {count} (fun {copy} => {part.term}) {states} {worths}\n"
            f"    ltac:(arithmetic) ltac:(intros {copy} {hypothesis}; {each}) ltac:(reflexivity)));\n"
            "    [ cbv beta; lists | cbv beta; lists | reflexivity ]."
        )
        term, worth = f"Repeat {count} (fun {copy} => {part.term})", f"Value {fact.term} []"
        return self.node(term, worth, (flow,), proof, leaves=leaves, own=own, sums={fact: 1})


def linear(factor: int, sums: Mapping[SumFact, int]) -> str:
    """The tactic for `factor` times a value, which has these sums, being what is on the other side."""
    if not sums:
        return "first [ atoms; ring | arithmetic ]"
    parts = (
        f"{factor * often // fact.under} * ({fact.under} * {fact.term} - {fact.over})" for fact, often in sums.items()
    )
    rewritten = ", ".join(fact.proof for fact in sums)
    plain = "; ".join(f"generalize {fact.term}; intro" for fact in sums)
    return f"apply Zminus_eq; transitivity ({' + '.join(parts)}); [ {plain}; atoms; ring | rewrite {rewritten}; atoms; ring ]"


def _summed(each: Expr, index: Symbol) -> Expr:
    """The sum over the copies before `index`."""
    copy = Dummy("copy", integer=True, nonnegative=True)
    return summation(each.xreplace({index: copy}), copy, Integer(0), index - 1)


def _shape(net: Network, flow: Flow) -> Any:
    """Shapes for `Copies`, which asks for steps."""
    return shape_of(net, flow)
    yield


def without_inputs(net: Network) -> Network | None:
    """A network without the input with which it begins; None if nothing else is left. Those of a graph stay where they are."""
    if isinstance(net, Input):
        return None
    if isinstance(net, Series) and begins_with_input(net.parts[0]) and not isinstance(net.parts[0], Graph):
        first = without_inputs(net.parts[0])
        return Series(*([] if first is None else [first]), *net.parts[1:])
    return net
