"""From recorded operations to a network: modules become nested graphs that keep their names, equal neighbours become repetitions."""

from __future__ import annotations

from collections.abc import Sequence

from ...algebra.errors import GraphError
from ...algebra.networks.network import Graph, Input, Network, Repeat, Series
from ..activation import Identity
from .record import Operation, Recording


class _Group:
    """The operations of one module, as a node with one output; `sources` are the values that enter, in the order of their first use."""

    sources: list[str]

    def __init__(self, name: str, members: Sequence["_Group | Operation"], output: str):
        self.name, self.members, self.output = name, list(members), output
        own = {name for member in members for name in _made(member)}
        entering: dict[str, None] = {}
        for member in members:
            for source in member.sources:
                if source not in own:
                    entering[source] = None
        self.sources = list(entering)


def _made(member: "_Group | Operation") -> list[str]:
    """The names of the values that a member makes for others."""
    return [member.output] if isinstance(member, _Group) else [member.name]


def _output(member: "_Group | Operation") -> str:
    return _made(member)[0]


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
    if not recording.operations:
        raise GraphError("the model does nothing: its output is its input")
    live = recording.needed()
    members = _grouped(live, 0, {recording.output})
    inputs = [name for name, _ in recording.inputs]
    used = {source for member in members for source in member.sources}
    if len([name for name in inputs if name in used]) == 1 and _is_chain(members):
        body = _chain(members)
        if not closed:
            return body
        shape = next(shape for name, shape in recording.inputs if name in used)
        return Series(Input(*shape, where=recording.where), body)
    nodes: dict[str, Network] = {}
    if closed:
        entering = [(name, shape) for name, shape in recording.inputs if name in used]
        for place, (name, shape) in enumerate(entering):
            nodes[name] = Input(*shape, where=() if place else recording.where)
    return _graph(members, nodes)


def _grouped(operations: Sequence[Operation], level: int, outside: set[str]) -> list["_Group | Operation"]:
    """Neighbours of one module joined, level by level, where what they make leaves by one door."""
    members: list[_Group | Operation] = []
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
    return members


def _renamed(member: "_Group | Operation", name: str) -> "_Group | Operation":
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


def _network(member: "_Group | Operation") -> Network:
    if isinstance(member, Operation):
        return member.node
    return _chain(member.members) if _is_chain(member.members) else _graph(member.members, {})


def _is_chain(members: Sequence["_Group | Operation"]) -> bool:
    """Whether each member takes just what the one before it makes."""
    return all(len(member.sources) == 1 for member in members) and all(
        after.sources == [_output(before)] for before, after in zip(members, members[1:])
    )


def _chain(members: Sequence["_Group | Operation"]) -> Network:
    """A series, or, where members have names worth keeping, a graph without branches; equal neighbours are one repetition."""
    runs: list[tuple[str, Network, int]] = []
    for member in members:
        name, node = _name(member), _network(member)
        if runs and runs[-1][1] == node and isinstance(member, _Group):
            runs[-1] = (runs[-1][0], node, runs[-1][2] + 1)
        else:
            runs.append((name, node, 1))
    parts = [node if count == 1 else Repeat(node, count) for _, node, count in runs]
    if len(parts) == 1:
        return parts[0]
    if not any(isinstance(member, _Group) for member in members):
        return Series(*parts)
    names = _distinct([name if count == 1 else f"{name}..." for name, _, count in runs])
    return Graph(dict(zip(names, parts)), list(zip(names, names[1:])))


def _graph(members: Sequence["_Group | Operation"], nodes: dict[str, Network]) -> Network:
    """Any shape: nodes by their names, edges by what takes what; values that come from outside enter at nodes without an arrow."""
    names = _distinct([*nodes, *map(_name, members)])
    made = dict(zip(nodes, nodes))
    nodes = dict(nodes)
    edges: list[tuple[str, str]] = []
    outside = list(
        dict.fromkeys(s for m in members for s in m.sources if s not in made and s not in {_output(o) for o in members})
    )
    if len(outside) > 1:
        raise GraphError(f"a part of the model takes {len(outside)} values from outside: {', '.join(outside[:5])}")
    if outside:
        nodes["in"] = Identity()
        made[outside[0]] = "in"
    for name, member in zip(names[len(nodes) - len(outside) :], members):
        nodes[name] = _network(member)
        made[_output(member)] = name
        for place, source in enumerate(member.sources):
            if source in member.sources[:place]:  # an arrow of its own for a value that is taken twice
                nodes[f"{name}.{place}"] = Identity()
                edges += [(made[source], f"{name}.{place}"), (f"{name}.{place}", name)]
            else:
                edges.append((made[source], name))
    return Graph(nodes, edges)


def _name(member: "_Group | Operation") -> str:
    return member.name if isinstance(member, _Group) else (member.name.rstrip("0123456789").rstrip("_") or member.name)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where one occurs several times; the same list gives the same names wherever it stands."""
    seen: dict[str, int] = {}
    made: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return made
