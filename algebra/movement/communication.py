"""What devices send each other when one index of a network's equations is split among them.

The devices hold equal parts of the values of the index. In a line in which it stands, a tensor that it addresses is needed in parts, any other
one as a whole; the rules follow from that:

=============================================  ========================  ================================
in the line                                    forward                   backward
=============================================  ========================  ================================
a learned tensor that the index addresses      is held in parts          its gradient too
the index is on the left                       the result is in parts
the index is summed (reduced)                  all-reduce of the result  nothing, if all that follows is whole
a whole tensor is read                         nothing                   all-reduce of its gradient
of a whole tensor a part is read               nothing                   all-gather of its gradient
a tensor in parts is read as a whole           all-gather                reduce-scatter of its gradient
=============================================  ========================  ================================

A device sends ``(p - 1)/p`` times the elements of the whole tensor in a ring for an all-gather or a reduce-scatter, and twice as many for an
all-reduce, which is one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from sympy import Add, Eq, Expr, Integer, Mod, Mul, Symbol, false, true
from sympy.logic.boolalg import Boolean

from ..arguments import as_text, checked, shown
from ..derivations.metric import repeated
from ..equations.heads import Group, Read, Reduce, Select, Softmax, address_indices
from ..equations.instance import Instance
from ..equations.volume import volume
from ..equations.work import depends
from ..errors import FieldError, ShapeError, UnsupportedError
from ..networks.carrier import GraphStep, Site, TotalCarrier
from ..networks.evaluator import evaluate_network, input_flows
from ..networks.network import Network
from ..records import dataclass
from ..sizes.dims import Index, as_size
from ..sizes.normal_form import simplify

State = int | None
"""The axis along which a tensor is split, or None: every device holds all of it."""

ROUNDS = {"all-reduce": 2, "all-gather": 1, "reduce-scatter": 1}


@dataclass(frozen=True)
class Collective:
    """One operation that devices carry out together.

    Attributes
    ----------
    operation : str
        ``"all-reduce"``, ``"all-gather"`` or ``"reduce-scatter"``.
    tensor : str
        The tensor of the equation, or the reduction in the line that defines it.
    elements : Expr
        Of the whole tensor, over all copies of repetitions.
    step : str
        ``"forward"`` or ``"backward"``.
    path : str
        Where the layer stands.

    Examples
    --------
    >>> from layeralgebra import Linear, communication, dims
    >>> T, n, m, p = dims("T n m p")
    >>> (one,) = communication(Linear(m), "f", p, on=(T, n)).collectives  # a sum over parts
    >>> one.operation, one.elements, one.step
    ('all-reduce', T*m, 'forward')
    """

    operation: str
    tensor: str
    elements: Expr
    step: str
    path: str


@dataclass(frozen=True)
class Communication:
    """What one device sends.

    Attributes
    ----------
    formula : Expr
        Elements that one device sends, by ring algorithms.
    collectives : tuple of Collective
    conditions : tuple of Boolean
        That the devices' parts are equal.
    kind, source : str

    Examples
    --------
    >>> from layeralgebra import Linear, communication, dims
    >>> T, n, m, p = dims("T n m p")
    >>> found = communication(Linear(m, bias=False), "o", p, on=(T, n), training=True)
    >>> found.collectives[0].operation, found.collectives[0].elements, found.conditions
    ('all-reduce', T*n, (Eq(Mod(m, p), 0),))
    """

    formula: Expr
    collectives: tuple[Collective, ...]
    conditions: tuple[Boolean, ...]
    kind: str = "exact"
    source: str = "indices of the equations that are split; ring algorithms as in Thakur, Rabenseifner, Gropp 2005, doi 10.1177/1094342005051521"


@dataclass
class _Record:
    collectives: list[tuple[Collective, bool]] = field(default_factory=list)
    """With whether it is done for every example."""
    conditions: list[Boolean] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    letters: dict[str, None] = field(default_factory=dict)
    sharing: tuple[str, str] | None = None
    placed: dict[Any, dict[str, State]] = field(default_factory=dict)
    """How the weights of shared layers are held."""
    once: dict[Any, Collective] = field(default_factory=dict)
    """Gradients of weights that are shared under a name: they are added up before they are sent."""

    def inner(self, sharing: tuple[str, str] | None = None) -> _Record:
        """The record of a part."""
        return _Record(
            used=self.used, letters=self.letters, once=self.once, placed=self.placed, sharing=self.sharing or sharing
        )

    def divides(self, extent: Expr, devices: Expr, what: str) -> None:
        relation = Eq(Mod(extent, devices), 0)
        if relation == false:
            raise ShapeError(f"{what} has {extent} values, which {devices} devices cannot hold in equal parts")
        if relation != true and relation not in self.conditions:
            self.conditions.append(relation)


class _Split:
    """The value of a part: of how what arrives is split, and of what was noted so far, to how what leaves is split."""

    def __init__(self, at: Callable[[tuple[State, ...], _Record], tuple[State, ...]]):
        self.at = at


class _SplitCarrier(TotalCarrier[_Split]):
    opaque = None

    def __init__(self, split: Mapping[str, str], devices: Expr, all_examples: bool):
        self.split, self.devices, self.all_examples = split, devices, all_examples

    def leaf(self, site: Site, port: int) -> _Split:
        instance = site.instance
        assert instance is not None

        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            states = arrivals if len(arrivals) == len(site.inputs) else (None,) * len(site.inputs)
            keys = [key for key in (site.path, type(site.node).__name__, "") if key in self.split]
            letter = self.split[keys[0]] if keys else None
            line = _Layer(instance, site.path, letter, self.devices, record)
            if self.all_examples:
                line.by_examples()
                return (None,) * len(instance.outputs)
            found = line.follow(dict(zip(instance.layer.input_names, states)))
            if line.met:
                record.used.update(keys[:1])
            if record.sharing is not None:
                name, path = record.sharing
                if record.placed.setdefault((name, site.path.removeprefix(path)), line.held) != line.held:
                    raise UnsupportedError(
                        f"at {site.path}: weights shared under {name!r} are held in parts of two kinds"
                    )
            return found

        return _Split(at)

    def series(self, values: Sequence[_Split]) -> _Split:
        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            for value in values:
                arrivals = value.at(arrivals, record)
            return arrivals

        return _Split(at)

    def joint(self, site: Site) -> _Split:
        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            states = set(arrivals)
            along = site.stacked_axis
            kept = next((state for state in arrivals if state is not None), None)
            if along is not None and kept == along or along is not None and len(states) > 1 or len(states - {None}) > 1:
                for state, flow in zip(arrivals, site.inputs):
                    if state is not None:
                        _gather(record, f"input of {type(site.node).__name__}", Mul(*flow.shape), site.path)
                return (None,)
            if kept is not None:
                for state, flow in zip(arrivals, site.inputs):
                    if state is None:
                        found = Collective(
                            "all-gather",
                            f"input of {type(site.node).__name__}",
                            Mul(*flow.shape),
                            "backward",
                            site.path,
                        )
                        record.collectives.append((found, True))
            return (kept,)

        return _Split(at)

    def join(self, site: Site, values: Sequence[_Split]) -> _Split:
        joining = self.joint(site)
        return _Split(
            lambda arrivals, record: joining.at(
                tuple(s for value in values for s in value.at(arrivals, record)), record
            )
        )

    def share(self, value: _Split, name: str, path: str) -> _Split:
        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            inside = record.inner((name, path))
            left = value.at(arrivals, inside)
            for one, each in inside.collectives:
                if each:
                    record.collectives.append((one, each))
                else:
                    record.once[name, one.path.removeprefix(path), one.tensor, one.operation] = one
            record.conditions += [one for one in inside.conditions if one not in record.conditions]
            return left

        return _Split(at)

    def graph(self, steps: Sequence[GraphStep[_Split]], sink: Any) -> _Split:
        names = {step.name for step in steps}

        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            arrived: dict[Any, tuple[State, ...]] = {}
            for step in steps:
                for source in step.sources:
                    if source not in names:
                        raise UnsupportedError(
                            "a part of several outputs inside a graph is not followed from device to device"
                        )
                incoming = tuple(s for source in step.sources for s in arrived[source]) or arrivals
                value = self.joint(step.join) if step.join is not None else step.values[0]
                arrived[step.name] = value.at(incoming, record)
            if sink not in names:
                raise UnsupportedError(
                    "this network has several outputs, and one is followed here; choose it, as in net['y']"
                )
            return arrived[sink]

        return _Split(at)

    def least_copies(self, value: _Split) -> int:
        return 1

    def repeat(self, value: _Split, times: Expr, index: Symbol | None) -> _Split:
        def at(arrivals: tuple[State, ...], record: _Record) -> tuple[State, ...]:
            inside = record.inner()
            left = value.at(arrivals, inside)
            if left != arrivals:
                if times == 1:
                    record.collectives += inside.collectives
                    record.conditions += [one for one in inside.conditions if one not in record.conditions]
                    return left
                raise UnsupportedError(
                    f"what leaves one of {times} copies is not split as what enters it; split a layer within the copy that ends so"
                )
            for one, each in inside.collectives:
                elements = repeated(one.elements, times, index)
                record.collectives.append((Collective(one.operation, one.tensor, elements, one.step, one.path), each))
            if index is not None and any(one.has(index) for one in inside.conditions):
                raise UnsupportedError(
                    f"whether parts are equal depends on the number of the copy ({inside.conditions[0]})"
                )
            record.conditions += [one for one in inside.conditions if one not in record.conditions]
            return left

        return _Split(at)


def _gather(record: _Record, tensor: str, elements: Expr, path: str, each: bool = True) -> None:
    record.collectives.append((Collective("all-gather", tensor, elements, "forward", path), each))
    record.collectives.append((Collective("reduce-scatter", tensor, elements, "backward", path), each))


class _Layer:
    """One layer, whose lines are followed in order."""

    def __init__(self, instance: Instance, path: str, letter: str | None, devices: Expr, record: _Record):
        self.instance, self.path, self.letter, self.devices, self.record = instance, path, letter, devices, record
        self.met = False
        self.states: dict[str, State] = {}
        self.gathered: set[str] = set()
        self.whole: dict[str, str] = {}
        """Whole tensors that a split line reads, and what that asks of their gradients."""
        self.held: dict[str, State] = {}
        """Learned tensors and how they are held."""

    def by_examples(self) -> None:
        """Every example is an index of all lines that no learned tensor has: gradients are summed over it."""
        for name, shape in self.instance.weights().items():
            self._note("all-reduce", name, Mul(*shape), "backward", False)

    def follow(self, states: dict[str, State]) -> tuple[State, ...]:
        instance = self.instance
        instance.refuse_initial_lines("splitting an index")
        self.states = states
        self.record.letters.update(dict.fromkeys(str(index) for extents in instance.extents for index in extents))
        for place in instance.live:
            self._line(place)
        for name, operation in self.whole.items():
            each = instance.roles[name] in ("input", "defined")
            if each or instance.roles[name] == "weight":
                self._note(operation, name, Mul(*instance.shapes[name]), "backward", each)
        return tuple(self.states.get(name) for name in instance.outputs)

    def _note(self, operation: str, tensor: str, elements: Expr, step: str, each: bool) -> None:
        self.record.collectives.append((Collective(operation, tensor, elements, step, self.path), each))

    def _line(self, place: int) -> None:
        instance = self.instance
        line = instance.statements[place]
        split = self._split_indices(place)
        named = [
            index
            for index in instance.extents[place]
            if self.letter is not None and index.name == self.letter and self._stands(place, index)
        ]
        self.met = self.met or bool(named)
        candidates = [*named, *(index for _, index in split.values() if index not in named)]
        if not candidates:
            self._read_whole(line.reads)
            self.states[line.target] = None
            return
        left: set[Index] = set().union(*map(address_indices, line.address)) if line.address else set()
        index = next((one for one in candidates if one in left), candidates[0])
        for name, (_, other) in split.items():
            if other != index:
                self._gathered(name)
        if place in instance.recurrent:
            raise UnsupportedError(
                f"{instance.layer}: {line.target} is a recurrence, which is not followed from device to device; split another layer"
            )
        self.record.divides(instance.extents[place][index], self.devices, f"the index {index} of {instance.layer}")
        for head, scope in line.scoped:
            if not isinstance(head, Read):
                continue
            if index in scope:
                self._read(head, index)
            else:  # outside of the sum over it all devices do the same
                self._read_whole([head])
        self._reductions(place, index, index in left)
        self.states[line.target] = (
            self._axis(line.address, index, f"the left side of {line.target}") if index in left else None
        )

    def _stands(self, place: int, index: Index) -> bool:
        line = self.instance.statements[place]
        inside: set[Index] = set()
        for head, _ in line.scoped:
            inside |= set(getattr(head, "indices", ()))
            if isinstance(head, Read):
                inside |= set().union(*map(address_indices, head.address)) if head.address else set()
        return index in inside or any(index in address_indices(part) for part in line.address)

    def _split_indices(self, place: int) -> dict[str, tuple[int, Index]]:
        """The tensors in parts that a line reads, with the index that addresses the axis along which they are split."""
        found: dict[str, tuple[int, Index]] = {}
        for read in self.instance.statements[place].reads:
            axis = self.states.get(read.tensor)
            if axis is None or read.tensor in self.gathered:
                continue
            part = read.address[axis]
            index = part if isinstance(part, Index) else part.parts[0] if isinstance(part, Group) else None
            if index is None or found.get(read.tensor, (axis, index))[1] != index:
                self._gathered(read.tensor)
                found.pop(read.tensor, None)
            else:
                found[read.tensor] = axis, index
        return found

    def _gathered(self, name: str) -> None:
        if name not in self.gathered:
            self.gathered.add(name)
            _gather(self.record, name, Mul(*self.instance.shapes[name]), self.path)

    def _axis(self, address: Sequence[Any], index: Index, where: str) -> int | None:
        """The axis that an index splits; the index runs slowest there."""
        for axis, part in enumerate(address):
            if part == index:
                return axis
            if isinstance(part, Group) and index in part.parts:
                before = part.parts[: part.parts.index(index)]
                if before:
                    raise UnsupportedError(
                        f"{self.instance.layer}: {index} is not the first of the indices {part.parts} in {where}, so that its parts do not lie together; split {before[0]}"
                    )
                return axis
        if any(index in address_indices(part) for part in address):
            raise UnsupportedError(
                f"{self.instance.layer}: {where} is addressed by {index} together with other indices"
            )
        return None

    def _read_whole(self, reads: Sequence[Read]) -> None:
        for read in reads:
            if self.held.get(read.tensor) is not None:
                raise UnsupportedError(f"{self.instance.layer}: {read.tensor} is held in parts, and needed as a whole")
            if self.instance.roles[read.tensor] == "weight":
                self.held[read.tensor] = None

    def _read(self, read: Read, index: Index) -> None:
        name, instance = read.tensor, self.instance
        role = instance.roles[name]
        try:
            axis = self._axis(read.address, index, name)
        except UnsupportedError:
            axis = None  # windows that overlap: all of it is there
        if role == "weight" and name not in self.whole and self.held.get(name, axis) == axis and axis is not None:
            self.held[name] = axis
            return
        if role == "weight" and self.held.get(name) is not None:
            raise UnsupportedError(f"{instance.layer}: {name} is needed in parts of two kinds")
        if role == "weight":
            self.held[name] = None
        if self.states.get(name) is not None and name not in self.gathered:
            return
        if name in self.gathered:
            return  # its gradient is scattered again
        before = self.whole.get(name)
        self.whole[name] = "all-gather" if axis is not None and before in (None, "all-gather") else "all-reduce"

    def _reductions(self, place: int, index: Index, on_the_left: bool) -> None:
        instance = self.instance
        for head, scope in instance.statements[place].scoped:
            if isinstance(head, Select) and index in head.indices:
                raise UnsupportedError(
                    f"{instance.layer}: a selection along {index} is not followed from device to device"
                )
            if not isinstance(head, (Reduce, Softmax)) or index not in head.indices:
                continue
            of = frozenset(depends(head, place, instance, scope)) - frozenset(head.indices)
            points = volume(of, head, place, instance, False)
            what = f"{instance.statements[place].target} ({'softmax' if isinstance(head, Softmax) else head.operation})"
            times = 2 if isinstance(head, Softmax) else 1
            for _ in range(times):
                self._note("all-reduce", what, points, "forward", True)
            if on_the_left:
                self._note("all-reduce", what, points, "backward", True)


@checked
def communication(
    net: Network, split: Any, devices: Any, *, on: Any = None, batch: Any = 1, training: bool = False
) -> Communication:
    """The elements that each of several devices sends when an index of the equations is split among them.

    Derived from the equations alone: which tensors are held in parts, where a sum is over parts and has to be reduced, where a whole tensor
    is needed and has to be gathered. A part that is split stays so through later layers as far as these can use it in parts.

    Parameters
    ----------
    net : Network
    split : str or mapping
        An index of the equation of a layer, such as ``"n"`` of attention's heads; for a network, a mapping of paths as in the table of a
        derivation, or of names of layers, to indices; or ``"batch"``: the examples are split (data parallelism).
    devices : int or symbol
        How many there are.
    on : shape, optional
        What enters an open network.
    batch : int or symbol
        The number of examples.
    training : bool
        Count the backward pass too: gradients of inputs and of what is learned.

    Returns
    -------
    Communication

    Raises
    ------
    FieldError
        If `net` is no network, or an index or a layer is not there.
    ShapeError
        If nothing enters an open network, or sizes do not fit, or parts are not equal.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If a split is not followed through a layer: selections, recurrences along the index, initial lines.

    Examples
    --------
    >>> from layeralgebra import GELU, Linear, MultiHeadAttention, communication, dims
    >>> T, d, h, p, b = dims("T d h p b")
    >>> mlp = Linear(4 * d) >> GELU() >> Linear(d)
    >>> communication(mlp, {"0": "o"}, p, on=(T, d), batch=b).formula  # by columns, then by rows: one all-reduce
    2*T*b*d*(p - 1)/p
    >>> communication(MultiHeadAttention(h), "n", p, on=(T, d), batch=b, training=True).formula
    4*T*b*d*(p - 1)/p
    >>> communication(mlp, "batch", p, on=(T, d), training=True).formula
    (16*d**2 + 10*d)*(p - 1)/p

    References
    ----------
    Shoeybi, Patwary, Puri, LeGresley, Casper, Catanzaro, "Megatron-LM: Training Multi-Billion Parameter Language Models Using Model
    Parallelism", arXiv 1909.08053 (2019).

    Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", SC 2021, arXiv 2104.04473, section 3.3.

    Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication Operations in MPICH", International Journal of High Performance
    Computing Applications 19 (2005), doi 10.1177/1094342005051521.
    """
    count, examples = as_size(devices, "devices", least=1), as_size(batch, "batch", least=1)
    if isinstance(split, Mapping):
        chosen = {as_text(key, "a layer of split"): as_text(value, "an index of split") for key, value in split.items()}
    elif isinstance(split, str):
        chosen = {"": split}
    else:
        raise FieldError(f"split is an index such as 'n', or a mapping of layers to indices, got {shown(split)}")
    by_examples = chosen == {"": "batch"}
    evaluation = evaluate_network(net, _SplitCarrier({} if by_examples else chosen, count, by_examples), on)
    record = _Record()
    if by_examples and examples != 1:
        record.divides(examples, count, "the batch")
    evaluation.value.at((None,) * len(input_flows(on) or evaluation.inputs), record)
    if missing := [key for key in chosen if key not in record.used and not by_examples]:
        raise FieldError(
            f"there is no index {shown(chosen[missing[0]])} to split{f' at {shown(missing[0])}' if missing[0] else ''}; the equations have "
            f"{', '.join(record.letters) or 'none'}, and a layer is called by its path, as in the table of a derivation, or its class"
        )
    found = [*record.collectives, *((one, False) for one in record.once.values())]
    kept = [(one, each) for one, each in found if training or one.step == "forward"]
    collectives = tuple(
        Collective(one.operation, one.tensor, simplify(one.elements * (examples if each else 1)), one.step, one.path)
        for one, each in kept
    )
    sent = Add(*(ROUNDS[one.operation] * one.elements for one in collectives))
    return Communication(
        simplify(sent) * (count - 1) / count if sent != 0 else Integer(0), collectives, tuple(record.conditions)
    )
