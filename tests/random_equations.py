"""Equations drawn over the grammar of the language, right ones and wrong ones, with fields and shapes; none of it looks at the engine.

A draw is made of a seed, so that a run of many is told by one number: ``python -P tests/random_equations.py FIRST COUNT`` compares the
engine with enumeration on COUNT draws and prints those on which they differ.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from equation_patterns import pattern_drawn

FIELDS = ("width", "stride", "window", "groups", "scale")
WRONG_NAMES = ("widht", "strid", "windwo", "n", "_", "max", "W", "x", "inf", "k")


@dataclass(frozen=True)
class Draw:
    """A text, the fields of its layer, the shapes of its inputs, its buffers, and its outputs where they are not left to the last line."""

    text: str
    fields: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    inputs: tuple[str, ...] | None
    buffers: tuple[str, ...] = ()
    outputs: tuple[str, ...] | None = None


@dataclass
class Grammar:
    """The choices of one draw: how tensors are called, how many axes they have, and which indices there are."""

    random: random.Random
    star: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, int] = field(default_factory=dict)
    buffers: list[str] = field(default_factory=list)
    targets: dict[str, list[str]] = field(default_factory=dict)
    axes: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    windowed: list[bool] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    # numbers and addresses -------------------------------------------------------------------------------------------

    def number(self) -> str:
        """A small number, a field or an expression of fields."""
        name = self.one(*FIELDS)
        kind = self.random.random()
        if kind < 0.48:
            return str(self.one(1, 1, 2, 2, 3))
        if kind < 0.5:
            return f"size({self.index()})"
        self.fields.setdefault(name, self.one(1, 2, 2, 3, 4))
        if kind < 0.85:
            return name
        return self.one(f"{name} - 1", f"({name} + 1)/2", f"2*{name}", f"{name}//2", f"min({name}, 2)", f"{name}/2")

    def index(self) -> str:
        return self.one(*self.axes, *self.axes, "u", "o")

    def address(self) -> str:
        """One component of an address, without a star."""
        a, b = self.index(), self.index()
        kind = self.random.random()
        if kind < 0.55:
            return a
        if kind < 0.7:
            return self.one(
                f"{a} + {b}", f"{self.number()}*{a} + {b}", f"{a} + {self.number()}", f"{self.number()}*{a}"
            )
        if kind < 0.78:
            return self.one(f"{a} - {b}", f"{a} - {b} + {self.number()}", f"{self.number()} - {a}", f"{a} - 1")
        if kind < 0.84:
            return f"({a}, {b})"
        if kind < 0.9:
            return self.one(f"floor({a}/2)", f"{a}//{self.number()}", f"{a} % {self.number()}", f"({a} + {b}) % 2")
        if kind < 0.94:
            return self.one(
                f"{a}/2", f"{a} + 1/2", f"({a} + {b})/2", f"{a}*({a} + 1)/2", f"2*{a}/2", f"width*{a}/2", f"{a}/3*3", f"{a}*{b}",
                f"0.5*{a}", f"1.0*{a}",
            )  # fmt: skip
        return str(self.one(0, 0, 1, "width", f"min({a}, 2)", f"max({a}, 1)", f"abs({a} - 1)", f"size({a}) - 1 - {a}"))

    def along(self, axis: int) -> str:
        """A component that fits an axis of the input: its own index, or windows of it; now and then anything."""
        if self.chance(0.02):
            return self.address()
        own = self.axes[axis]
        if axis == len(self.axes) - 1 and self.star:
            if self.windowed[axis]:
                return self.one(
                    f"*({self.number()}*p + v)", "*(p + v)", "*(p + v)", f"*({self.number()}*p)", "*(p + q)"
                )
            return self.one(*["*p"] * 12, "*q", "(*p,)")
        if self.windowed[axis]:
            other = self.one("u", "u", "o")
            if self.chance(0.7):
                return self.one(f"{own} + {other}", f"{own} + u", f"{self.number()}*{own} + {other}")
            return self.one(
                f"{own} + {other}", f"{self.number()}*{own} + {other}", f"{own} + {self.number()}*{other} + 1", f"{own}", f"2*{own}",
                f"{own} + {self.number()}", f"{own} - {other} + 2", f"({own} + {other})//2", f"{own}*{other}", f"({own}, {other})",
                f"{own}*({own} + 1)/2", f"min({own}, 2)", f"{own} % 2", f"({own} + {other})/2",
            )  # fmt: skip
        return (
            own
            if self.chance(0.9)
            else self.one("0", "u", "o", *self.axes, f"floor({own}/2)", f"size({own}) - 1 - {own}")
        )

    def whole(self) -> list[str]:
        """A read of the input that every index of an axis stands in."""
        made = [f"{own} + u" if wide else own for own, wide in zip(self.axes, self.windowed)]
        if self.star:
            made[-1] = "*(p + v)" if self.windowed[-1] else "*p"
        return made

    # values ----------------------------------------------------------------------------------------------------------

    def read(self) -> str:
        """A tensor that is known, or a learned one."""
        if self.tensors and self.chance(0.72):
            name = self.one(*self.tensors)
            rank = self.tensors[name]
            if rank == 0 and self.chance(0.9):
                return name
            if name in self.targets and self.chance(0.8):
                return f"{name}[{', '.join(self.targets[name]) or '()'}]"
            if name in self.targets:
                return f"{name}[{', '.join(self.address() for _ in range(rank)) or '()'}]"
            rank = rank if self.chance(0.99) else rank + 1
            return f"{name}[{', '.join(self.along(axis % len(self.axes)) for axis in range(rank)) or '()'}]"
        if self.chance(0.1):
            return f"T[x[{self.index()}], {self.index()}]" if self.tensors.get("x") == 1 else f"V[{self.index()}]"
        if self.chance(0.2):
            self.buffers.append("B")
            return f"B[{self.index()}]"
        axes = [self.address() if self.chance(0.05) else self.index() for _ in range(self.one(1, 1, 2, 2, 3))]
        return f"{self.one('W', 'V', 'K')}{len(axes)}[{', '.join(axes)}]"

    def value(self, depth: int = 2) -> str:
        """A product, a function, a reduction or a sum of them."""
        kind = self.random.random() if depth else 0.0
        if kind < 0.03:
            a, b = self.index(), self.index()
            sign = self.one("<", "<=", ">", ">=", "==", "!=")
            more = self.one("", "", f" and {a} >= 1", f" or {b} < {self.number()}", f" and not {a} == {b}")
            return f"[{a} {sign} {self.one(b, self.number(), self.read())}{more}] * {self.read()}"
        if kind < 0.06:
            a, b = self.index(), self.index()
            return f"{self.read()} * {self.one(a, f'({a} - {b})', f'exp(-{a})', f'1/(1 + {a})', f'{a}/{self.number()}', f'{a}**2', f'2**(-{a})', f'max({a}, {b})', f'floor({a}/2)')}"
        if kind < 0.45:
            factors = [self.read() for _ in range(self.one(1, 2, 2, 3))]
            if self.chance(0.15):
                factors.append(self.number())
            return " * ".join(factors)
        inner = self.value(depth - 1)
        if kind < 0.55:
            inner = self.mostly_summed(inner)
            return self.one(
                f"relu({inner})",
                f"abs({inner})",
                f"({inner})**2",
                f"-({inner})",
                f"max({inner}, 0)",
                f"exp({inner}/9)",
                f"min({inner}, 1, {self.read()})",
            )
        if kind < 0.8:
            function = self.one("sum", "mean", "max", "min", "softmax", "prod", "sum")
            held = [name for name in (*self.axes, "u", "o") if re.search(rf"\b{name}\b", inner)] or [self.index()]
            over = self.one("*p", "*v") if self.star and self.chance(0.4) else self.one(*held)
            if self.chance(0.15):
                over = f"{over}, {self.one(*held)}"
            if function not in ("sum", "mean"):
                inner = self.mostly_summed(inner, over)
            return f"{function}[{over}]({inner})"
        return f"({inner} {self.one('+', '-')} {self.value(depth - 1)})"

    def mostly_summed(self, inner: str, over: str = "") -> str:
        """A value with the sums named that the left side and a reduction around it leave to be taken."""
        bound = {*re.findall(r"\w+", over), *re.findall(r"\w+", " ".join(self.left))}
        bound |= {name for names in re.findall(r"\[([^][]*)\]\(", inner) for name in re.findall(r"\w+", names)}
        loose = [name for name in (*self.axes, "u", "o") if name not in bound and re.search(rf"\b{name}\b", inner)]
        loose += [f"*{name}" for name in "pqv" if name not in bound and re.search(rf"\b{name}\b", inner)]
        return f"sum[{', '.join(loose)}]({inner})" if loose and self.chance(0.8) else inner

    # lines -----------------------------------------------------------------------------------------------------------

    def target(self) -> list[str]:
        rank = self.one(0, 1, 1, 1, 2, 2, 2, 3)
        made = [self.one(*self.axes, *self.axes, "o") for _ in range(rank)]
        made = list(dict.fromkeys(made))
        if self.star and self.chance(0.5):
            made.insert(self.random.randint(0, len(made)), self.one("*p", "*q"))
        if made and self.chance(0.1):
            made[0] = self.one("(o, i)", "2*i + o", "i + 1", "i + u", "u", "i/2", "floor(i/2)")
        return made

    def line(self, name: str) -> str:
        if self.chance(0.12) and self.tensors.get("x"):
            axes = [*self.axes]
            width = f"{self.number()}, {self.number()}" if self.chance(0.5) else f"0 - {self.number()}, {self.number()}"
            amounts = f"{axes[-1]}: ({width})"
            filled = self.one("", "", ", fill=1", ", fill=-inf" if self.chance(0.2) else "", f", fill=F[{axes[0]}]")
            self.tensors[name] = len(axes)
            return f"{name}[{', '.join(axes)}] = pad[{amounts}](x[{', '.join(axes)}]{filled})"
        target = self.left = self.target()
        value = self.value()
        if self.chance(0.7):
            value = f"{value} {self.one('+', '*')} x[{', '.join(self.whole())}]"
        if self.chance(0.06) and target and "t" not in value:
            target[0] = "t"
            value = f"{name}[{', '.join(['t-1', *target[1:]])}] + {value.replace('[i', '[t')}"
        self.targets[name] = target
        self.tensors[name] = len(target)
        if not target:
            return f"{name} = {value}"
        return f"{name}[{', '.join(target)}] = {value}"

    def where(self) -> str:
        held = self.held or ["i"]
        a, b = self.one(*held), self.one(*held)
        kind = self.random.random()
        if kind < 0.55:
            return f"{a} <= {b}" if a != b else f"{a} >= 1"
        if kind < 0.7:
            return self.one(
                f"{a} - {b} < {self.number()}",
                f"{a} - {b} < window",
                f"{a} + {b} >= 1",
                f"2*{a} <= {b} + 1",
                f"{a} < {b}",
                f"{a}/2 <= {b}",
            )
        if kind < 0.85:
            return self.one(
                f"0 <= {a} < {b} + 1", f"{b} <= {a} < size({a})", f"floor({b}/2) <= {a} < {b} + 1", f"{b}/2 <= {a} < ({b} + 2)/2",
                f"{b} - 1 <= {a} < {b} + 1",
            )  # fmt: skip
        if kind < 0.92:
            distance = self.one(f"abs({a} - {b})", f"abs({a} - {self.number()})", f"abs({a})")
            return self.one(
                f"{distance} {self.one('<', '<=', '>', '>=', '==', '!=')} {self.number()}", f"not {distance} < {self.number()}",
                f"max({a}, {b}) {self.one('<', '<=', '>=')} {self.number()}", f"{self.number()} > min({a}, 2*{b})",
                f"min({a}, {b} + 1) >= 1 or {a} == {b}", f"{a} <= max({b}, 1)", f"1 <= {distance} < 3", f"{a} < min({b}, 3)",
            )  # fmt: skip
        return self.one(
            f"x < {self.number()}", "B < 3", "W2[3, _]", f"{a} <= 1", f"{a} < 7/2", f"{a} < size({a})", "p <= q",
            f"size({a}) == {self.number()}", f"size({a}) != size({b})", f"size(x, 0) == {self.number()}", f"p == size({a})/2",
        )  # fmt: skip


def drawn(seed: int) -> Draw:
    """One draw: over the grammar for even seeds, from the equations of `equation_patterns` for odd ones; a part of them with outputs."""
    return with_outputs(_one_output(seed), random.Random(seed + 2**40))


def with_outputs(draw: Draw, source: random.Random, part: float = 0.4) -> Draw:
    """The same draw, a part of the time with some of its lines as outputs, in any order; others may then be there for none.

    Now and then a line is written twice under another name, so that a draw of one line has two, and now and then an output is a wrong one.
    """
    lines = draw.text.split("\n")
    named = [
        (place, found[1]) for place, line in enumerate(lines) if (found := re.match(r"\s*(\w+)(\[[^=]*\])? = ", line))
    ]
    if not named or source.random() >= part:
        return draw
    if source.random() < 0.5:
        place, name = source.choice(named)
        if not re.search(rf"\b(other|{name})\b", lines[place].partition("=")[2]):
            lines.insert(place + 1, re.sub(rf"^(\s*){name}\b", r"\1other", lines[place]))
            named.append((place + 1, "other"))
    names = list(dict.fromkeys(name for _, name in named))
    outputs = source.sample(names, source.randint(1, len(names)))
    if source.random() < 0.04:
        outputs.insert(
            source.randint(0, len(outputs)), source.choice(["x", "W2", "B", "width", "nothing", "side", outputs[0]])
        )
    return replace(draw, text="\n".join(lines), outputs=tuple(outputs))


def _one_output(seed: int) -> Draw:
    source = random.Random(seed)
    if seed % 2:
        return Draw(*pattern_drawn(source))
    grammar = Grammar(source)
    if grammar.chance(0.3):
        grammar.star = "*"
    rank = grammar.one(1, 1, 2, 2, 3)
    shapes = [tuple(grammar.one(1, 2, 3, 3, 4, 5, 6) for _ in range(rank))]
    grammar.tensors["x"] = rank
    grammar.axes = ["i", "j", "c"][:rank]
    grammar.windowed = [grammar.chance(0.3) for _ in range(rank)]
    if grammar.star:
        grammar.axes[-1] = "c" if rank == 3 else "i"
    inputs: tuple[str, ...] | None = None
    lines = []
    if grammar.chance(0.1):
        inputs = ("x", "x2")
        shapes.append(shapes[0])
        grammar.tensors["x2"] = rank
    count = grammar.one(1, 1, 1, 2, 2, 3)
    if grammar.chance(0.1):
        lines.append(f"side = {grammar.one('i', '2*i', 'width + 1', 'floor(i/2)', 'size(i) - 1')}")
        grammar.fields.setdefault("width", 2)
    for place in range(count):
        lines.append(grammar.line("y" if place == count - 1 else "abz"[place]))
    text = "\n".join(lines)
    for name in ("x", "x2"):
        if name in grammar.tensors and f"{name}[" not in text:
            lines[-1] += f" + {name}[{', '.join(grammar.whole())}]"
    text = "\n".join(lines)
    bounds = [
        f"{index} < {grammar.number()}" for index in ("u", "o", "q", "v") if index in text and grammar.chance(0.9)
    ]
    bounds += [f"{index} < {grammar.number()}" for index in grammar.axes if grammar.chance(0.05)]
    grammar.held = [name for name in (*grammar.axes, "u", "o") if re.search(rf"\b{name}\b", text)]
    bounds += [grammar.where() for _ in range(grammar.one(0, 0, 0, 1, 1, 2))]
    if bounds:
        lines.append("where " + ", ".join(bounds))
    text = "\n".join(lines)
    if "side" in text and grammar.chance(0.7):
        text = text.replace("[i", "[side", 1) if grammar.chance(0.5) else text.replace("< 2", "< side", 1)
    for name in FIELDS:
        if name in text:
            grammar.fields.setdefault(name, grammar.one(1, 2, 3))
    if grammar.chance(0.12):
        text = mutated(text, source)
    fields = {name: value for name, value in grammar.fields.items() if name in text or grammar.chance(0.5)}
    if grammar.chance(0.05) and fields:
        fields[grammar.one(*fields)] = grammar.one(Fraction(1, 2), Fraction(3, 2), (2, 1), True)
    buffers = ("B",) if "B[" in text and grammar.chance(0.9) else ()
    return Draw(text, fields, tuple(shapes), inputs, buffers)


def mutated(text: str, source: random.Random) -> str:
    """One word or sign of the text replaced by another one."""
    words = [place for place, character in enumerate(text) if character.isalnum() or character in "+-*/<>,()[]="]
    place = source.choice(words)
    end = place
    while end < len(text) and text[end].isalnum():
        end += 1
    end = max(end, place + 1)
    other = source.choice(
        [
            *WRONG_NAMES,
            *FIELDS,
            "i",
            "j",
            "u",
            "1",
            "0",
            "+",
            "-",
            "*",
            "/",
            "<",
            ",",
            "(",
            ")",
            "size(i)",
            "relu",
            "'a'",
            "True",
        ]
    )
    return text[:place] + other + text[end:]
