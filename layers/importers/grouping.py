"""From recorded operations to a network: modules become nested graphs that keep their names, equal neighbours become repetitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import preorder_traversal

from ...algebra.errors import GraphError
from ...algebra.networks.network import Input, Network, Shared
from ..activation import Identity
from .built import Built, chain, copies, single
from .names import distinct, label_of, spanned
from .record import Operation, Recording

LONGEST_PERIOD = 24
"""Members of a chain that are repeated together."""


class _Group:
    """The operations of one module, as a node with one output; `sources` are the values that enter, in the order of their first use."""

    sources: list[str]

    def __init__(self, name: str, members: Sequence["_Member"], output: str):
        self.name, self.members, self.output = name.split("@")[0], list(members), output
        own = {_output(member) for member in members}
        self.sources = list(dict.fromkeys(s for member in members for s in member.sources if s not in own))


_Member = _Group | Operation


def _output(member: _Member) -> str:
    """The name of the value that a member makes for others."""
    return member.output if isinstance(member, _Group) else member.name


def build(recording: Recording, closed: bool = True) -> Network:
    """The network of a recording.

    Parameters
    ----------
    recording : Recording
    closed : bool
        Begin with `Input` nodes of the recorded shapes.

    Returns
    -------
    Network
    """
    return placed(recording, closed)[0].net


def placed(recording: Recording, closed: bool = True) -> tuple[Built, list[Operation]]:
    """The network of a recording with the places of its operations, and these operations."""
    if not recording.operations:
        raise GraphError("the model does nothing: its output is its input")
    live = _near_what_reads_them(_shared_where_needed(recording.needed()))
    return _whole(recording, live, closed), live


def _whole(recording: Recording, live: Sequence[Operation], closed: bool) -> Built:
    members = _grouped(live, 0, {recording.output})
    used = {source for member in members for source in member.sources}
    entering = [(name, shape) for name, shape in recording.inputs if name in used]
    if len(entering) == 1 and _is_chain(members):
        body = _chain(members)
        return chain([single(Input(*entering[0][1], where=recording.where)), body]) if closed else body
    nodes: dict[str, Network] = {}
    if closed:
        for place, (name, shape) in enumerate(entering):
            nodes[name] = Input(*shape, where=() if place else recording.where)
    return _graph(members, nodes)


def _shared_where_needed(operations: Sequence[Operation]) -> list[Operation]:
    """Weights that one operation alone holds are its own, without a name under which they would be shared."""
    names = Counter(
        part.name for operation in operations for part in preorder_traversal(operation.node) if isinstance(part, Shared)
    )
    return [
        replace(operation, node=operation.node.body)
        if isinstance(operation.node, Shared) and names[operation.node.name] == 1
        else operation
        for operation in operations
    ]


def _near_what_reads_them(operations: Sequence[Operation]) -> list[Operation]:
    """Stored tensors beside every operation that reads them, so that a mask for all blocks does not tie these together."""
    readers = Counter(source for operation in operations for source in set(operation.sources))
    stored = {one.name: one for one in operations if not one.sources and readers[one.name] > 1}
    made: list[Operation] = []
    for operation in operations:
        if operation.name in stored:
            continue
        names: dict[str, str] = {}
        for source in operation.sources:
            if source in stored and source not in names:
                names[source] = f"{source} for {operation.name}"
                made.append(_again(stored[source], names[source], operation.module))
        made.append(replace(operation, sources=[names.get(source, source) for source in operation.sources]))
    return made


def _again(tensor: Operation, name: str, module: tuple[str, ...]) -> Operation:
    """A stored tensor once more, in another module; one that is learned stays one tensor."""
    node = tensor.node
    if tensor.parameters != 0 and not isinstance(node, Shared):
        node = node.shared(tensor.name)
    reads = None if tensor.reads is None else replace(tensor.reads)  # its own, since each holds all of it
    return replace(tensor, name=name, node=node, module=module, label=label_of(tensor), reads=reads)


def _grouped(operations: Sequence[Operation], level: int, outside: set[str]) -> list[_Member]:
    """Neighbours of one module joined, level by level, where one value enters and what they make leaves by one door."""
    members: list[_Member] = []
    position = 0
    uses = _uses(operations, outside)
    while position < len(operations):
        module = operations[position].module
        end = position + 1
        if len(module) > level:
            while end < len(operations) and operations[end].module[: level + 1] == module[: level + 1]:
                end += 1
        run = list(operations[position:end])
        inside = {operation.name for operation in run}
        leaving = [name for name in (operation.name for operation in run) if uses[name] - inside]
        entering = {source for operation in run for source in operation.sources if source not in inside}
        if len(module) > level and len(leaving) == 1 and leaving[0] == run[-1].name and len(entering) == 1:
            below = _grouped(run, level + 1, {leaving[0]})
            members.append(
                _Group(module[level], below, leaving[0]) if len(below) > 1 else _renamed(below[0], module[level])
            )
        elif len(module) > level and len(run) > 1:
            members.extend(_grouped(run, level + 1, {name for name in inside if uses[name] - inside}))
        else:
            members.extend(run)
        position = end
    return _with_blocks(members, outside)


def _with_blocks(members: list[_Member], outside: set[str]) -> list[_Member]:
    """Stretches of members between places through which a single value goes, each joined as a block where equal ones follow each other.

    Blocks that are modules were found by their names before; this finds those to which nobody gave a name.
    """
    cuts = _cuts(members, outside)
    links = [members[start:end] for start, end in zip(cuts, cuts[1:])]
    if all(len(link) == 1 for link in links):
        return members
    parts = [_part(link[0] if len(link) == 1 else _block(link)) for link in links]
    made, position = members[: cuts[0]], 0
    while position < len(parts):
        length, count = _period(parts, position)
        for start in range(position, position + length * count, length):
            block = [member for link in links[start : start + length] for member in link]
            made += [_block(block)] if count > 1 and len(block) > length else block
        position += length * count
    return made + members[cuts[-1] :]


def _block(members: Sequence[_Member]) -> _Group:
    return _Group("block", members, _output(members[-1]))


def _cuts(members: Sequence[_Member], outside: set[str]) -> list[int]:
    """Before which members all that comes later reads a single value of what was before."""
    made = {_output(member): place for place, member in enumerate(members)}
    last = dict.fromkeys(outside & made.keys(), len(members))
    for place, member in enumerate(members):
        for source in member.sources:
            last[source] = max(last.get(source, place), place)
    begin, end = Counter(made.get(value, -1) for value in last), Counter(last.values())
    found, across = [], 0
    for place in range(-1, len(members)):
        across += begin[place] - end[place]
        if across == 1:
            found.append(place + 1)
    return found


def _renamed(member: _Member, name: str) -> _Group:
    """A module with a single member passes its name on, since the name of the innermost one is the least telling."""
    if isinstance(member, _Group):
        return _Group(f"{name}.{member.name}", member.members, member.output)
    return _Group(name, [member], member.name)


def _uses(operations: Sequence[Operation], outside: set[str]) -> dict[str, set[str]]:
    uses: dict[str, set[str]] = {operation.name: set() for operation in operations}
    for operation in operations:
        for source in operation.sources:
            if source in uses:
                uses[source].add(operation.name)
    for name in outside:
        if name in uses:
            uses[name].add("")
    return uses


def _built(member: _Member) -> Built:
    if isinstance(member, Operation):
        return single(member.node, member.name)
    return _chain(member.members) if _is_chain(member.members) else _graph(member.members, {})


def _is_chain(members: Sequence[_Member]) -> bool:
    """Whether each member takes just what the one before it makes."""
    return all(len(member.sources) == 1 for member in members) and all(
        after.sources == [_output(before)] for before, after in zip(members, members[1:])
    )


class _Part:
    """A node of a chain: a member, or some one after the other, as one network."""

    def __init__(self, name: str, built: Built, is_module: bool, learns: bool, member: _Member):
        self.name, self.built, self.is_module, self.learns, self.member = name, built, is_module, learns, member


def _chain(members: Sequence[_Member]) -> Built:
    """A series, or, where members have names worth keeping, a graph without branches; equal neighbours are one repetition."""
    parts = _folded([_part(member) for member in members])
    return _joined(parts, [part.name for part in parts])


def _part(member: _Member) -> _Part:
    name = member.name if isinstance(member, _Group) else label_of(member)
    return _Part(name, _built(member), isinstance(member, _Group), _learns(member), member)


def _learns(member: _Member) -> bool:
    return any(map(_learns, member.members)) if isinstance(member, _Group) else member.parameters != 0


def _joined(parts: Sequence[_Part], names: Sequence[str]) -> Built:
    if len(parts) == 1:
        return parts[0].built
    if not any(part.is_module for part in parts):
        return chain([part.built for part in parts])
    names = distinct(names)
    return Built.graph({name: part.built for name, part in zip(names, parts)}, list(zip(names, names[1:])))


def _folded(parts: Sequence[_Part]) -> list[_Part]:
    """A chain with its equal neighbours, one by one or several together, as repetitions."""
    made: list[_Part] = []
    position = 0
    while position < len(parts):
        length, count = _period(parts, position)
        taken = parts[position : position + length * count]
        if count > 1:
            rounds = [taken[start : start + length] for start in range(0, len(taken), length)]
            built = copies([_joined(one, [part.name for part in rounds[0]]) for one in rounds])
            named = [part.name for part in taken if part.is_module]
            made.append(_Part(spanned(named or [taken[0].name]), built, bool(named), True, taken[0].member))
        else:
            made += taken
        position += length * count
    return made


def _period(parts: Sequence[_Part], start: int) -> tuple[int, int]:
    """How many parts from here on are repeated together, and how often; the longest stretch, of the fewest parts."""
    best = 1, 1
    nets = [part.built.net for part in parts[start:]]
    for length in range(1, min(len(nets) // 2, LONGEST_PERIOD) + 1):
        if nets[0] != nets[length] or not any(part.is_module or part.learns for part in parts[start : start + length]):
            continue
        count = 1
        while nets[count * length : (count + 1) * length] == nets[:length]:
            count += 1
        if count > 1 and length * count > best[0] * best[1]:
            best = length, count
    return best


def _graph(members: Sequence[_Member], nodes: dict[str, Network]) -> Built:
    """Any shape: nodes by their names, edges by what takes what; values that come from outside enter at nodes without an arrow."""
    own = {_output(member) for member in members}
    outside = list(dict.fromkeys(s for member in members for s in member.sources if s not in nodes and s not in own))
    if len(outside) > 1:
        raise GraphError(f"a part of the model takes {len(outside)} values from outside: {', '.join(outside[:5])}")
    entering = {**nodes, **{name: Identity() for name in outside}}
    segments = [(segment, _folded([_part(member) for member in segment])) for segment in _segments(members)]
    names = iter(distinct([*nodes, *("in" for _ in outside), *(part.name for _, parts in segments for part in parts)]))
    made: dict[str, str] = {}
    built: dict[str, Built] = {}
    for value, node in entering.items():
        made[value] = next(names)
        built[made[value]] = single(node)
    edges: list[tuple[str, str]] = []
    for segment, parts in segments:
        sources = [made[source] for source in segment[0].sources]
        for part in parts:
            name = next(names)
            built[name] = part.built
            edges += _arrows(sources, name, built)
            sources = [name]
        made[_output(segment[-1])] = sources[0]
    return Built.graph(built, edges)


def _arrows(sources: Sequence[str], name: str, built: dict[str, Built]) -> Iterator[tuple[str, str]]:
    """Edges to a node; a value that is taken twice has an arrow of its own each time."""
    for place, source in enumerate(sources):
        if source in sources[:place]:
            again = f"{name}.{place}"
            built[again] = single(Identity())
            yield source, again
            yield again, name
        else:
            yield source, name


def _segments(members: Sequence[_Member]) -> list[list[_Member]]:
    """Members in order, those together that follow each other without branches."""
    uses: Counter[str] = Counter(source for member in members for source in member.sources)
    found: list[list[_Member]] = []
    for member in members:
        before = _output(found[-1][-1]) if found else None
        if before is not None and list(member.sources) == [before] and uses[before] == 1:
            found[-1].append(member)
        else:
            found.append([member])
    return found
