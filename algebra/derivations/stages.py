"""A network stage by stage: what each stage adds to a count, and what shape and receptive field its output has.

Stages are named parts of a series (those of a published network, say), or, if none are named, they are found: a stage
ends where the shape changes, or where a layer with weights follows a repetition or a join. A graph has its nodes for
stages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Add as SymAdd
from sympy import Expr, Integer, preorder_traversal

from ..arguments import as_elements, checked
from ..errors import FieldError
from ..formulas.cells import Marked
from ..formulas.latex import escaped, formula_latex
from ..formulas.table import HARD, Table, evaluated
from ..networks.carrier import ShapeCarrier, TotalCarrier
from ..networks.evaluator import evaluate_network
from ..networks.layer import Layer
from ..networks.network import Graph, Input, Join, Network, Repeat, Selected, Series, Shared, Walk
from ..networks.notation import layer_text
from ..networks.steps import Steps
from ..records import dataclass
from ..sizes.normal_form import simplify
from .derivation import Derivation, Derivations
from .metric import repeated
from .terms import NodeTerm

SHORT_SERIES, LONGEST_NAME = 4, 40
FOLDED = re.compile(r"\[[^\[\]]*\]")
"""An outline that is nothing but what was folded: ``[3 layers]``."""


@dataclass(frozen=True)
class Stage:
    """A part of a network, and the network up to its end; `places` begin the paths of its nodes."""

    name: str
    part: Network
    upto: Network
    places: frozenset[str]

    @checked
    def holds(self, path: str) -> bool:
        """Whether the node at a path belongs to this stage."""
        return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in self.places)


def outline(net: Network) -> str:
    """A network in a few words: long series are counted, not spelled out.

    >>> from layeralgebra import Conv, Identity, ReLU
    >>> block = Conv(8, 3, padding=1) >> ReLU() >> Conv(8, 3, padding=1)
    >>> outline((Identity() + block >> ReLU()) ** 3 >> Conv(8, 1))
    '(Identity + [3 layers] >> ReLU) ** 3 >> Conv'
    >>> outline((block + block >> ReLU()) ** 3), outline((block | block) >> Conv(8, 1))
    ('([3 layers] + [3 layers] >> ReLU) ** 3', '([3 layers] | [3 layers]) >> Conv')
    """
    return layer_text(net) if isinstance(net, Layer) and len(layer_text(net)) <= LONGEST_NAME else _outline(net)


def _outline(net: Network) -> str:
    return _Outline().of(net)


def _binds_less(part: Network, series: Series) -> bool:
    """Whether a part of a series is written with a sign that binds less than ``>>``, as ``|`` does."""
    return isinstance(part, Join) and bool(part.branches and part.sign) and part.level < series.level


class _Outline(Walk[str]):
    def series(self, net: Series) -> Steps[str]:
        if len(net.parts) > SHORT_SERIES and _Plain().of(net):
            return f"[{len(net.parts)} layers]"
        made = yield self._each(net.parts)
        return " >> ".join(f"({text})" if _binds_less(part, net) else text for part, text in zip(net.parts, made))

    def _each(self, nets: Sequence[Network], within: bool = False) -> Steps[list[str]]:
        made = []
        for net in nets:
            made.append((yield self._within(net) if within else net.accept(self)))
        return made

    def repeat(self, net: Repeat) -> Steps[str]:
        return f"{(yield self._within(net.body))} ** {_exponent(net.times)}"

    def join(self, net: Join) -> Steps[str]:
        if not net.branches:
            return self.otherwise(net)
        if net.sign:
            return f" {net.sign} ".join((yield self._each(net.branches, within=True)))
        return f"{type(net).__name__}({', '.join((yield self._each(net.branches)))})"

    def shared(self, net: Shared) -> Steps[str]:
        return f"{(yield self._within(net.body))}.shared({net.name!r})"

    def graph(self, net: Graph) -> str:
        return f"[graph of {len(net.nodes)} nodes]"

    def select(self, net: Selected) -> Steps[str]:
        return f"{(yield self._within(net.body))}[{', '.join(net.names)}]"

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> str:
        return type(node).__name__

    def _within(self, net: Network) -> Steps[str]:
        """An operand: one word, or in brackets."""
        if _Plain().of(net):
            return f"[{len(_Parts().of(net))} layers]"
        text = yield net.accept(self)
        return f"({text})" if " " in text and not FOLDED.fullmatch(text) else text


class _Parts(Walk[tuple[Network, ...]]):
    """What stands one after the other."""

    def series(self, net: Series) -> tuple[Network, ...]:
        return net.parts

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> tuple[Network, ...]:
        return (node,)


class _Plain(Walk[bool]):
    """Whether it is a series of layers and nothing else."""

    def series(self, net: Series) -> bool:
        return all(isinstance(part, Layer) for part in net.parts)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> bool:
        return False


class _Stages(Walk[list["Stage"]]):
    """The stages that a network has of itself."""

    def series(self, net: Series, on: Any) -> list[Stage]:
        return _cut([(str(number), parts) for number, parts in enumerate(_runs(net, on), start=1)])

    def graph(self, net: Graph, on: Any) -> list[Stage]:
        return _of_graph(net)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> list[Stage]:
        return [Stage("1", node, node, frozenset({""}))]


_TYPESET = {">>": r"$\to$", "|": r"$\Vert$", "*": r"$\odot$", "+": "$+$"}


def _marked(part: Network) -> Marked:
    """The outline of a part, which LaTeX shows with the signs of networks."""
    text = outline(part)
    times = {_exponent(net.times): net.times for net in preorder_traversal(part) if isinstance(net, Repeat)}
    return Marked(text, lambda: _outline_latex(text, times))


def _exponent(times: Expr) -> str:
    return str(times) if str(times).isalnum() else f"({times})"


def _outline_latex(text: str, times: Mapping[str, Expr]) -> str:
    raised = sorted(times, key=len, reverse=True)
    for place, exponent in enumerate(raised):
        text = text.replace(f" ** {exponent}", f" ** {HARD}{place}{HARD}")
    words = iter(text.replace(" layers]", f"{HARD}layers]").split(" "))
    made: list[str] = []
    for word in words:
        if word == "**":
            _, number, rest = next(words).split(HARD, 2)
            made[-1] += f"$^{{{formula_latex(times[raised[int(number)]])}}}${escaped(rest)}"
        else:
            made.append(_TYPESET.get(word) or escaped(word.replace(HARD, " ")).replace(" ", "~"))
    return " ".join(made)


@checked
def stages_of(net: Network, named: Mapping[str, Network] | None = None, on: Any = None) -> list[Stage]:
    """The stages of a network.

    Parameters
    ----------
    net : Network
    named : mapping of str to Network, optional
        The parts whose series the network is; found, if left out.
    on : shape, optional
        What enters an open network.

    Returns
    -------
    list of Stage

    Raises
    ------
    FieldError
        If the named parts in series are not the network.
    ShapeError
        If nothing enters an open series, or sizes do not fit.

    Examples
    --------
    >>> from layeralgebra import Input, Conv, ReLU, MaxPool
    >>> net = Input(3, 32, 32) >> Conv(8, 3, padding=1) >> ReLU() >> MaxPool(2) >> Conv(16, 3, padding=1) >> ReLU()
    >>> [str(stage.part) for stage in stages_of(net)]
    ['Conv(8, 3, padding=1) >> ReLU()', 'MaxPool(2)', 'Conv(16, 3, padding=1) >> ReLU()']
    """
    if named is not None:
        if Series(*named.values()) != net:
            raise FieldError(f"the stages {', '.join(map(str, named))} in series are not the network")
        return _cut([(str(name), list(_Parts().of(part))) for name, part in named.items()])
    return _Stages().of(net, on)


def _cut(groups: Sequence[tuple[str, list[Network]]]) -> list[Stage]:
    found: list[Stage] = []
    before: list[Network] = []
    for name, parts in groups:
        kept = [part for part in parts if not part.is_identity]
        places = frozenset(str(len(before) + place) for place in range(len(kept)))
        before = [*before, *kept]
        if kept and not all(isinstance(part, Input) for part in kept):
            found.append(
                Stage(name, Series(*(part for part in kept if not isinstance(part, Input))), Series(*before), places)
            )
    return found


def _runs(net: Series, on: Any) -> list[list[Network]]:
    """The parts of a series in runs that belong together; the walk is the engine's, part after part."""
    runs: list[list[Network]] = []
    shape: Any = None
    joined = False  # whether the run holds a repetition or a join
    flows = on
    for part in net.parts:
        if isinstance(part, Input):
            runs.append([part])
            flows = part.shape
            continue
        leaving = evaluate_network(
            part, ShapeCarrier(), [tuple(as_elements(flows, "on"))] if flows is not None else None
        ).output.shape
        plain = isinstance(part, Layer)
        apart = joined and isinstance(part, Layer) and _has_weights(part, flows)
        starts = shape is None or leaving != shape or apart or (not plain and not joined)
        if starts:
            runs.append([part])
        else:
            runs[-1].append(part)
        joined = (joined and not starts) or not plain
        shape, flows = leaving, leaving
    if len(runs) > 1 and all(isinstance(part, Input) for part in runs[0]):
        runs[1] = [*runs[0], *runs[1]]
        runs.pop(0)
    return runs


def _has_weights(layer: Layer, shape: Any) -> bool:
    return bool(layer.instance(tuple(shape)).weights())


def _of_graph(net: Graph) -> list[Stage]:
    before = net.predecessors()
    found = []
    for name in net.order():
        needed, open_ends = {name}, [name]
        while open_ends:
            for source in before[open_ends.pop()]:
                if source not in needed:
                    needed.add(source)
                    open_ends.append(source)
        upto = Graph(
            {other: node for other, node in net.nodes.items() if other in needed},
            [(a, b) for a, b in net.edges if a in needed and b in needed],
        )
        if not isinstance(net.nodes[name], Input):
            found.append(Stage(name, net.nodes[name], upto, frozenset({name})))
    return found


@checked
def stage_table(
    derivations: Derivation | Derivations,
    named: Mapping[str, Network] | None = None,
    at: Mapping[Any, int] | None = None,
) -> Table:
    """Several derivations of one network, stage by stage.

    Counts are those of the stage alone and add up to the total; shapes, depths and receptive fields are those of its
    output.

    Parameters
    ----------
    derivations : Derivation or Derivations
    named : mapping of str to Network, optional
        The parts whose series the network is, such as ``zoo.stages("resnet50")``.
    at : mapping of name or symbol to int, optional
        Sizes at which everything is evaluated.

    Returns
    -------
    Table

    Raises
    ------
    DomainError
        If the network does not exist at the given sizes.
    FieldError
        If the derivations are of different networks, the named parts in series are not the network, or a size is
        missing, unknown or no integer.

    Examples
    --------
    >>> from layeralgebra import Conv, Input, MaxPool, derive, dims
    >>> H, c = dims("H c")
    >>> net = Input(3, H) >> Conv(c, 3, padding=1) >> MaxPool(2) >> Conv(2*c, 3, padding=1)
    >>> print(stage_table(derive("macs", net) + derive("receptive_field", net)))
    stage  layers                   output shape       MACs                       receptive field
    -----  -----------------------  -----------------  -------------------------  ---------------
    1      Conv(c, 3, padding=1)    (c, H)             9*H*c                      (3,)
    2      MaxPool(2)               (c, floor(H/2))    0                          (4,)
    3      Conv(2*c, 3, padding=1)  (2*c, floor(H/2))  6*c**2*floor(H/2)          (8,)
    -----  -----------------------  -----------------  -------------------------  ---------------
    total                           (2*c, floor(H/2))  9*H*c + 6*c**2*floor(H/2)  (8,)
    <BLANKLINE>
    MACs: of the stage alone. Output shape and receptive field: at its end.
    """
    parts = list(derivations) if isinstance(derivations, Derivations) else [derivations]
    if not parts:
        raise FieldError("a table of stages needs a derivation; write stage_table(derive(macs, net))")
    net = parts[0].net
    if any(part.net != net for part in parts):
        raise FieldError("a table of stages is about one network; for several use compare")
    on = None if _closed(net) else list(parts[0].terms[0].inputs)
    entering = on[0] if on is not None and len(on) == 1 else None
    stages = stages_of(net, named, entering)
    shown = [part for part in parts if part.metric.name != "output_shape"]
    shapes = [_shape(stage.upto, on) for stage in stages]
    columns = [_column(part, stages, on) for part in shown]
    rows: list[tuple[Any, ...]] = [
        (stage.name, _marked(stage.part), shape, *(column[place] for column in columns))
        for place, (stage, shape) in enumerate(zip(stages, shapes))
    ]
    corrections = [_correction(part, column) if adds_up(part) else Integer(0) for part, column in zip(shown, columns)]
    if any(correction != 0 for correction in corrections):
        rows.append(("shared", "weights used again, counted once", "", *corrections))
    rows.append(("total", "", "" if net.several else shapes[-1], *(part.formula for part in shown)))
    counted = [part.metric.title for part in shown if adds_up(part)]
    reached = ["output shape", *(part.metric.title for part in shown if not adds_up(part))]
    notes = (
        (f"{_listed(counted)}: of the stage alone. {_listed(reached)[0].upper()}{_listed(reached)[1:]}: at its end.",)
        if counted
        else ()
    )
    if at is not None:
        known = {symbol for part in parts for symbol in part.known.values()}
        for part in parts:
            part.domain.check(
                {symbol: at[key] for symbol in part.symbols for key in (symbol, symbol.name) if key in at}
            )
        rows = evaluated(rows, known, at)
    return Table(
        ("stage", "layers", "output shape", *(part.metric.title for part in shown)), tuple(rows), notes=notes, last=1
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _closed(net: Network) -> bool:
    return net.has_input


def _shape(net: Network, on: Any) -> tuple[Expr, ...]:
    return tuple(evaluate_network(net, ShapeCarrier(), on).output.shape)


def adds_up(derivation: Derivation) -> bool:
    """Whether the total is the sum of the terms of the nodes."""
    carrier = derivation.metric.carrier(**dict(derivation.options))
    return isinstance(carrier, TotalCarrier) and isinstance(derivation.formula, Expr)


def _column(derivation: Derivation, stages: Sequence[Stage], on: Any) -> list[Any]:
    if not adds_up(derivation):
        return [derivation.metric(stage.upto, on, **dict(derivation.options)) for stage in stages]
    own: list[list[Expr]] = [[] for _ in stages]
    whole = len(stages) == 1
    for term in derivation.terms:
        place = 0 if whole else next(place for place, stage in enumerate(stages) if stage.holds(term.path))
        own[place].append(_all_copies(term))
    return [simplify(SymAdd(*values)) for values in own]


def _all_copies(term: NodeTerm) -> Expr:
    value = term.value
    for loop in reversed(term.loops):
        value = repeated(value, loop.times, loop.index)
    return value


def _correction(derivation: Derivation, column: Sequence[Expr]) -> Expr:
    return simplify(derivation.formula - SymAdd(*column))
