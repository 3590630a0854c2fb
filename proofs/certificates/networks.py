"""Networks as Coq reads them, each with the script that proves what it gives; shapes come from the engine, and Coq checks every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Add as Sum
from sympy import Dummy, Expr, Integer, Mul, Symbol, fraction, together

from ...algebra.equations.instance import instantiate
from ...algebra.equations.work import work
from ...algebra.errors import UnsupportedError
from ...algebra.networks.carrier import Flow
from ...algebra.networks.evaluator import shape_of
from ...algebra.networks.joins import Add, Concat, Join
from ...algebra.networks.joins import Mul as Product
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Input, Network
from ...algebra.networks.repetition import Copies
from ...algebra.networks.series import Repeat, Series, Shared
from ...algebra.networks.steps import carried_out
from ...algebra.sizes.normal_form import simplify
from ...algebra.sizes.summation import summation
from .equations import equation, table
from .expressions import Written, listing, names

MEASURES = {"parameters": "Parameters", "macs": "Macs", "multiplies": "Multiplies", "adds": "Adds"}


@dataclass(frozen=True)
class Part:
    """A network in Coq, the script that proves what it gives, what leaves it, and what it is worth: its own, and shared tensors."""

    term: str
    script: str
    leaves: Flow
    own: Expr
    shared: tuple[tuple[str, Expr], ...] = ()


@dataclass
class Printer:
    """Prints networks; `definitions` and `lemmas` are what their terms and scripts refer to."""

    measure: str
    written: Written
    symbols: tuple[Symbol, ...]
    hypotheses: Sequence[str]
    definitions: dict[str, str] = field(default_factory=dict)
    lemmas: dict[str, str] = field(default_factory=dict)
    sums: list[tuple[Dummy, str, Expr, str]] = field(default_factory=list)
    loops: list[tuple[Symbol, Expr]] = field(default_factory=list)
    shared_as: str = ""

    # scopes ----------------------------------------------------------------------------------------------------------

    def scope(self) -> tuple[list[str], list[str]]:
        """What a lemma here is quantified over, and what it assumes."""
        names_ = [self.written.names[symbol] for symbol in self.symbols]
        given = list(self.hypotheses)
        for index, times in self.loops:
            names_.append(self.written.names[index])
            given.append(f"0 <= {self.written.names[index]} < {self.written(times)}")
        return names_, given

    def forall(self) -> str:
        found, given = self.scope()
        return (f"forall {' '.join(found)} : Z, " if found else "") + "".join(f"({one}) -> " for one in given)

    def shape(self, flow: Flow) -> str:
        return listing(map(self.written, flow.shape))

    # nodes -----------------------------------------------------------------------------------------------------------

    def visit(self, node: Network, flow: Flow, path: str) -> Part:
        if isinstance(node, Layer):
            return self.layer(node, flow, path)
        if isinstance(node, Series):
            return self.series([(part, f"{path}.{place}") for place, part in enumerate(node.parts)], flow)
        if isinstance(node, Join):
            return self.join(node, flow, path)
        if isinstance(node, Shared):
            outer, self.shared_as = self.shared_as, node.name
            start, self.start = getattr(self, "start", ""), path
            try:
                return self.visit(node.body, flow, path)
            finally:
                self.shared_as, self.start = outer, start
        if isinstance(node, Repeat):
            return self.repeat(node, flow, path)
        raise UnsupportedError(
            f"at {path}: certificates have no {type(node).__name__}; they know layers, >>, +, *, |, ** and shared"
        )

    def layer(self, node: Layer, flow: Flow, path: str) -> Part:
        if len(node.input_names) != 1:
            raise UnsupportedError(f"at {path}: {node} cannot be certified: it takes {len(node.input_names)} inputs")
        instance = instantiate(node, flow.shape)
        used = [*self.symbols, *(index for index, _ in self.loops)]
        held = [symbol for symbol in used if symbol in node.free_symbols]
        key = f"{node!r} {len(flow.shape)}"
        if key not in self.definitions:
            name = f"equation_{len(self.definitions) + 1}"
            text, (pattern,) = equation(node, [len(flow.shape)], held)
            binders = f" ({' '.join(Written(held)(symbol) for symbol in held)} : Z)" if held else ""
            source = (
                "\n".join(f"   {line.strip()}" for line in node.parsed.text.splitlines() if line.strip())
                .replace("(*", "( *")
                .replace("*)", "* )")
                .replace('"', "'")
            )
            self.definitions[key] = (
                f"(* {str(node).replace('*)', '* )').replace('(*', '( *').replace(chr(34), chr(39))}\n{source} *)\n"
                f"Definition {name}{binders} (flows : list shape) : equation := match flows with [{pattern}] =>\n  {text} | _ => wrong end.\n"
            )
        place = list(self.definitions).index(key) + 1
        called = " ".join([f"equation_{place}", *(self.written(symbol) for symbol in held)])
        sizes = [Mul(*shape) for shape in instance.weights().values()]
        keys: list[str] = []
        if self.measure == "Parameters" and self.shared_as:
            inside = path.removeprefix(self.start).lstrip(".")
            keys = [f"{self.shared_as}/{inside}/{number}" for number in range(len(sizes))]
        own = Sum(*sizes) if self.measure == "Parameters" else getattr(work(instance), self.measure.lower())
        own = Integer(0) if keys else simplify(own)
        shared = tuple(zip(keys, map(simplify, sizes)))
        term = f"Layer {names(keys)} ({called})"
        out = Flow(instance.output, node.layout[1] or flow.channels)
        found, given = self.scope()
        worth = self.worth(own, shared)
        statement = f"{self.forall()}gives {self.measure} ({term}) [{self.shape(flow)}] [{self.shape(out)}] ({worth})"
        if statement not in self.lemmas:
            name = f"layer_{len(self.lemmas) + 1}"
            self.lemmas[statement] = (
                f"Lemma {name} : {statement}.\nProof.\n  intros; apply (gives_layer _ _ _ _ {table(instance, self.written)}).\n"
                "  - computed; lists.\n  - computed; lists.\n  - counted.\n  - fitting.\nQed.\n"
            )
        number = list(self.lemmas).index(statement) + 1
        return Part(term, f"apply (layer_{number} {' '.join(found)}); assumption.", out, own, shared)

    def worth(self, own: Expr, shared: Sequence[tuple[str, Expr]] = ()) -> str:
        return f"Value {self.written(own)} {listing(f'({chr(34)}{key}{chr(34)}, {self.written(size)})' for key, size in shared)}"

    def then(self, first: Part, second: Part) -> Part:
        return Part(
            f"Then ({first.term})\n ({second.term})", f"eapply gives_then; [ {_one(first.script)} | {_one(second.script)} ].",
            second.leaves, first.own + second.own, (*first.shared, *second.shared),
        )  # fmt: skip

    def series(self, parts: Sequence[tuple[Network, str]], flow: Flow) -> Part:
        made = []
        for part, path in parts:
            made.append(self.visit(part, flow, path))
            flow = made[-1].leaves
        whole = made[-1]
        for before in reversed(made[:-1]):
            whole = self.then(before, whole)
        return whole

    def join(self, node: Join, flow: Flow, path: str) -> Part:
        if type(node) not in (Add, Product, Concat):
            raise UnsupportedError(
                f"at {path}: certificates have no {type(node).__name__}; they know +, * and | of branches"
            )
        branches = [self.visit(branch, flow, f"{path}.{place}") for place, branch in enumerate(node.branches)]
        flows = [branch.leaves for branch in branches]
        if len({len(one.shape) for one in flows}) > 1:
            raise UnsupportedError(f"at {path}: certificates join outputs of equally many axes")
        channels = next((one.channels for one in flows if one.channels), None)
        axis = node.stacked_axis(len(flows[0].shape), channels)
        shape = list(flows[0].shape)
        if axis is not None:
            axis %= len(shape)
            shape[axis] = simplify(Sum(*(one.shape[axis] for one in flows)))
        out = Flow(tuple(shape), channels)
        how = f"Stacked {axis}%nat" if axis is not None else "Multiplied" if isinstance(node, Product) else "Added"
        counts = {"Added": "Adds", "Multiplied": "Multiplies"}.get(how) == self.measure
        own = (len(flows) - 1) * Mul(*shape) if counts else Integer(0)
        script = f"apply (gives_join _ _ _ [{self.shape(out)}] ({self.worth(own)})); [ computed; lists | counted | fitting ]."
        whole = Part(f"Join ({how})", script, out, own)
        picks = listing(f"{place + 1}%nat" for place in range(len(branches)))
        whole = self.then(Part(f"Pick {picks}", "eapply gives_pick; reflexivity.", out, Integer(0)), whole)
        for branch in reversed(branches):
            step = Part(
                f"Step [0%nat] ({branch.term})", f"eapply gives_step; [ cbn [picked map nth app]; {_one(branch.script)} | reflexivity ].",
                branch.leaves, branch.own, branch.shared,
            )  # fmt: skip
            whole = self.then(step, whole)
        return whole

    def repeat(self, node: Repeat, flow: Flow, path: str) -> Part:
        times = node.times
        unchanged = node.index is None and shape_of(node.body, flow).shape == flow.shape
        if times.is_Integer and not unchanged:
            if not times:
                raise UnsupportedError(f"at {path}: certificates have no repetition of no copies; leave it out")
            return self.series([(node.copy(number), f"{path}.{number}") for number in range(int(times))], flow)
        index = Symbol(f"l_{len(self.written.names)}", integer=True, nonnegative=True)
        self.written.names[index] = f"l{len(self.written.names)}"
        copies = Copies(node, lambda net, one: _shape(net, one), path)
        body, entering = carried_out(copies.entering(flow, index, 0))
        enters = Flow(entering, flow.channels)
        self.loops.append((index, times))
        try:
            part = self.visit(body, enters, f"{path}.l")
        finally:
            self.loops.pop()
        if part.shared:
            raise UnsupportedError(
                f"at {path}: certificates have no weights that are shared within a repetition; give a number of copies"
            )
        each, copy = simplify(part.own), self.written.names[index]
        if each.has(Dummy):
            raise UnsupportedError(
                f"at {path}: a repetition within this one has a sum with a quotient, which is not certified"
            )
        count, name = self.written(times), f"(sum {self.written(times)} (fun {copy} => {self.written(each)}))"
        leaving = Flow(tuple(simplify(size.xreplace({index: times})) for size in entering), part.leaves.channels)
        closed = _summed(each, index)
        over, under = fraction(together(closed))
        inner = f"eapply gives_equal; [ {_one(part.script)} | reflexivity | lists | counted ]"
        made = (
            f"refine (gives_repeat _ {count} _ (fun {copy} => [{self.shape(enters)}]) (fun {copy} => {self.written(each)}) _ _); "
            f"[ arithmetic | intros {copy} H_{copy}; {inner} ]"
        )
        fact = f"(sum_closed {count} {under} (fun {copy} => {self.written(each)}) (fun {copy} => {self.written(over)}))"
        prove = "[ arithmetic | cbv beta; ring | intros; cbv beta; ring ]"
        if under == 1:
            own = over.xreplace({index: times})
            finish = f"apply (f_equal2 Value); [ rewrite <- (Z.mul_1_l (sum _ _)); rewrite {fact}; [ cbv beta; ring | arithmetic | cbv beta; ring | intros; cbv beta; ring ] | reflexivity ]"
        else:
            dummy = Dummy("sum", integer=True, nonnegative=True)
            self.written.names[dummy] = name
            if self.loops:
                raise UnsupportedError(f"at {path}: a sum with a quotient within a repetition is not certified")
            self.sums.append((dummy, fact, over.xreplace({index: times}) / under, prove))
            own, finish = dummy, "reflexivity"
        script = (
            f"eapply (gives_equal _ _ _ _ _ [{self.shape(leaving)}] _ ({self.worth(own)})); "
            f"[ {made} | cbv beta; lists | cbv beta; lists | {finish} ]."
        )
        term = f"Repeat {count} (fun {copy} : Z => {part.term})"
        return Part(term, script, leaving, own)


def _summed(each: Expr, index: Symbol) -> Expr:
    """The sum over the copies before `index`."""
    copy = Dummy("copy", integer=True, nonnegative=True)
    return summation(each.xreplace({index: copy}), copy, Integer(0), index - 1)


def _shape(net: Network, flow: Flow) -> Any:
    """Shapes for `Copies`, which asks for steps."""
    return shape_of(net, flow)
    yield


def _one(script: str) -> str:
    """A script as one tactic."""
    return script.removesuffix(".")


def inputs_of(net: Network) -> tuple[Network | None, tuple[Expr, ...] | None]:
    """A closed network without its input, and the shape that enters."""
    if isinstance(net, Input):
        return None, net.shape
    if isinstance(net, Series) and isinstance(net.parts[0], Input):
        return Series(*net.parts[1:]), net.parts[0].shape
    return net, None
