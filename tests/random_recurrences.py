"""Recurrent equations drawn at random: both ways, along one index or two, several states, initial lines, windows beside the steps.

Only sums and products of what is positive stand in them, so that a change of one number changes whatever depends on it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from random_equations import Draw


@dataclass
class _Making:
    """The lines so far, and what is known of them."""

    source: random.Random
    running: list[str]
    down: dict[str, bool]
    beside: str | None
    states: list[str]
    far: int
    lines: list[str] = field(default_factory=list)
    bounds: list[str] = field(default_factory=list)
    weights: int = 0

    def weight(self, *indices: str) -> str:
        self.weights += 1
        return f"{'V' if len(indices) < 2 else 'U'}{self.weights}[{', '.join(indices)}]" if indices else "2"

    def own(self, name: str, at: dict[str, str] | None = None) -> str:
        """A state at its own indices, or some of them otherwise."""
        at = at or {}
        axes = [*self.running, *([self.beside] if self.beside else [])]
        return f"{name}[{', '.join(at.get(axis, axis) for axis in axes)}]"

    def step(self, index: str, back: int) -> str:
        if back == 0:
            return index
        return f"{index}{'+' if (back > 0) == self.down[index] else '-'}{abs(back)}"

    def shift(self) -> dict[str, str]:
        """An earlier step along one of the indices that run, or along both."""
        if len(self.running) == 1:
            return {self.running[0]: self.step(self.running[0], self.source.choice((1, 1, 1, self.far)))}
        backs = self.source.choice(
            [(1, 0), (0, 1), (1, 0), (0, 1), (1, 1), (1, -1) if self.source.random() < 0.2 else (1, 1)]
        )
        return {index: self.step(index, back) for index, back in zip(self.running, backs) if back}

    def aside(self, at: dict[str, str]) -> tuple[dict[str, str], str]:
        """Where along the axis beside the steps a state is read, and the factor that this needs."""
        kind = self.source.random()
        if self.beside is None or kind < 0.45:
            return at, ""
        if kind < 0.7:
            return {**at, self.beside: "p"}, f"{self.weight(self.beside, 'p')}*"
        if kind < 0.8:
            return {**at, self.beside: f"({self.beside} + u) % size({self.beside})"}, f"{self.weight('u')}*"
        if kind < 0.9:
            return {**at, self.beside: f"max({self.beside} - 1, 0)"}, ""
        return {**at, self.beside: f"min({self.beside} + u, size({self.beside}) - 1)"}, f"{self.weight('u')}*"


def drawn_recurrence(seed: int) -> Draw:
    """One equation with the shape of its input."""
    source = random.Random(seed)
    running = ["i", "j"] if source.random() < 0.35 else ["t"]
    beside = source.choice((None, "c", "c", "c"))
    states = ["h", "g", "s"][: source.choice((1, 1, 1, 2, 2, 3))]
    down = {index: source.random() < 0.4 for index in running}
    made = _Making(source, running, down, beside, states, source.choice((1, 2, 2, 3)))
    axes = [*running, *([beside] if beside else [])]
    shape = tuple(source.choice((1, 2, 3, 3, 4, 5) if len(running) == 1 else (1, 2, 3, 3)) for _ in axes)
    sizes = dict(zip(axes, shape))
    padded = beside is not None and source.random() < 0.15
    initial = [_initial(made, name, sizes) for name in states]
    for place, name in enumerate(states):
        made.lines += initial[place]
        made.lines.append(f"{made.own(name)} = {_terms(made, place)}")
    if padded and source.random() < 0.9:
        made.lines = _with_pad(made, states[0])
    made.lines += _outputs(made)
    if source.random() < 0.05:
        source.shuffle(made.lines)
    text = "\n".join(made.lines)
    bounds = [f"u < {source.choice((1, 2, 2))}"] if re.search(r"\bu\b", text) else []
    alone = {
        letter for read in re.findall(r"x\[([^]]*)\]", text) for place, letter in enumerate(read.split(", ")) if letter in axes
    }  # fmt: skip
    every = source.random() < 0.75
    for axis in axes:
        if every and axis in alone:
            bounds.append(f"{axis} < {sizes[axis]}")
        if axis not in alone:
            text = text.replace(f"size({axis})", str(sizes[axis]))
            bounds.append(f"{axis} < {sizes[axis]}")
    if source.random() < 0.06:
        bounds.append(source.choice([f"{running[0]} >= 1", f"{running[0]} < {sizes[running[0]]}"]))
    bounds = list(dict.fromkeys(bounds))
    return Draw(text + (f"\nwhere {', '.join(bounds)}" if bounds else ""), {}, (shape,), None)


def _terms(made: _Making, place: int) -> str:
    source = made.source
    terms = []
    name = made.states[place]
    if place == 0 or source.random() < 0.6:
        terms.append(_entering(made))
    if len(made.running) == 2 and source.random() < 0.7:
        for index in made.running:
            terms.append(made.own(name, {index: made.step(index, 1)}))
    for _ in range(source.choice((1, 1, 2))):
        other = source.choice([name, name, *made.states])
        if made.states.index(other) < place and source.random() < 0.5:
            at, factor = made.aside({})
        else:
            at, factor = made.aside(made.shift())
        terms.append(f"{factor}{made.own(other, at)}")
    if made.own("x") in terms and source.random() < 0.2:
        earlier = made.own(name, made.shift())
        terms.append(f"{made.own('x')}*{earlier}")
    return " + ".join(dict.fromkeys(terms))


def _entering(made: _Making) -> str:
    source = made.source
    if made.beside and source.random() < 0.3:
        return f"{made.weight(made.beside, 'q')}*{made.own('x', {made.beside: 'q'})}"
    if source.random() < 0.15:
        index = source.choice(made.running)
        return made.own("x", {index: f"size({index}) - 1 - {index}"})
    if source.random() < 0.06:
        index = source.choice(made.running)
        return made.own("x", {index: f"{index} {source.choice('-+')} 1"})
    return made.own("x")


def _initial(made: _Making, name: str, sizes: dict[str, int]) -> list[str]:
    """Lines for steps before the first one, or for the first ones."""
    source = made.source
    if source.random() < 0.45:
        return []
    index = source.choice(made.running)
    numbers = source.choice(
        [[-1], [-1], [-1], [-1, -2], [0], [0], [0, 1], [-1, 0], [-2], [1] if source.random() < 0.2 else [-1]]
    )
    lines = []
    for number in numbers:
        size = f"size({index})" if source.random() < 0.8 else str(sizes[index])
        if made.down[index]:
            at = f"{size} - {1 + number}" if number >= 0 else size if number == -1 else f"{size} + {-1 - number}"
        else:
            at = str(number)
        rest = [axis for axis in (*made.running, made.beside) if axis and axis != index]
        kind = source.random()
        if kind < 0.35:
            value = made.own("x", {index: "0" if source.random() < 0.7 else f"size({index}) - 1"})
        elif kind < 0.7 and rest:
            value = made.weight(*rest)
        elif kind < 0.85 and number == 1 and numbers == [0, 1]:
            value = f"2*{made.own(name, {index: str(sizes[index] - 1) if made.down[index] else '0'})}"
        else:
            value = "3"
        lines.append(f"{made.own(name, {index: at})} = {value}")
    return lines


def _with_pad(made: _Making, name: str) -> list[str]:
    """The lines with a padded copy of a state, which is read in its place at some distance along the axis beside the steps."""
    beside = made.beside
    assert beside is not None
    padded = f"{made.own('w', {beside: 'e'})} = pad[e: 1]({made.own(name, {beside: 'e'})})"
    at = {made.running[0]: made.step(made.running[0], 1), beside: f"{beside} + u"}
    found = []
    for line in made.lines:
        if line.startswith(f"{made.own(name)} ="):
            line = f"{line} + {made.weight('u')}*{made.own('w', at)}"
            found += [line, padded]
        else:
            found.append(line)
    return found


def _outputs(made: _Making) -> list[str]:
    """What is read of the states behind the recurrence."""
    source = made.source
    last = made.states[-1]
    kind = source.random()
    if kind < 0.25:
        return []
    if kind < 0.5:
        index = source.choice(made.running)
        terms = [made.own(source.choice(made.states), {index: made.step(index, source.choice((1, 1, 2)))})]
        if source.random() < 0.5:
            terms.append(made.own("x"))
        return [f"{made.own('y')} = {' + '.join(terms)}"]
    if kind < 0.7:
        index = made.running[0]
        rest = [axis for axis in (*made.running, made.beside) if axis and axis != index]
        end = "0" if made.down[index] == (source.random() < 0.8) else f"size({index}) - 1"
        left = f"y[{', '.join(rest)}]" if rest else "y"
        return [f"{left} = {made.own(last, {index: end})}"]
    if kind < 0.8 and len(made.running) == 1:  # another recurrence behind, the other way
        index = made.running[0]
        made.down[index] = not made.down[index]
        back = made.own("y", {index: made.step(index, 1)})
        return [f"{made.own('y')} = {made.own(last)} + {back}"]
    return [f"{made.own('y')} = " + " + ".join(made.own(name) for name in made.states)]
