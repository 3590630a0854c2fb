"""Rules for ONNX's recurrences: RNN, GRU and LSTM over (time, examples, features), in either or both directions, with states."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.records import dataclass
from ....algebra.sizes.normal_form import same
from ...formula import Formula
from ...importers.arrays import concatenated, cut, permuted, positions, reshaped
from ...importers.tensors import Tensor
from ..attributes import Attributes
from ..translator import OnnxTranslator, rule

_FUNCTIONS = {
    "sigmoid": "sigmoid({0})", "tanh": "tanh({0})", "relu": "relu({0})", "softsign": "{0} / (1 + abs({0}))", "softplus": "softplus({0})",
    "hardsigmoid": "max(0, min(1, {a}*{0} + {b}))", "affine": "{a}*{0} + {b}", "leakyrelu": "max({0}, 0) + {a}*min({0}, 0)",
    "scaledtanh": "{a}*tanh({b}*{0})", "elu": "max({0}, 0) + {a}*(exp(min({0}, 0)) - 1)", "thresholdedrelu": "choose(less({0}, {a}), 0, {0})",
}  # fmt: skip
_ALPHA = {"leakyrelu": 0.01, "hardsigmoid": 0.2, "affine": 1.0, "scaledtanh": 1.0, "elu": 1.0, "thresholdedrelu": 1.0}
_BETA = {"hardsigmoid": 0.5, "affine": 0.0, "scaledtanh": 1.0}
_GATES = {"RNN": "i", "GRU": "zrh", "LSTM": "iofc"}
_USUAL = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}


@dataclass
class _Cell:
    """One direction of a recurrence: its kind, units, activations, the tensors that enter by what they are, and its attributes."""

    kind: str
    hidden: int
    functions: list[str]
    places: dict[str, int]
    clip: float
    backwards: bool
    linear: bool
    coupled: bool

    def gate(self, letter: str, state: str, extra: str = "") -> str:
        """What enters a gate before its function: of the input, of the state, biases."""
        k = _GATES[self.kind].index(letter)
        own = f"{k * self.hidden} + o"
        whole = len(_GATES[self.kind]) * self.hidden
        terms = [
            f"x{self.places['W']}[0, {own}, f] * x1[{self.step()}, b, f]",
            f"x{self.places['R']}[0, {own}, p] * {state}",
        ]
        if "B" in self.places:
            terms += [f"x{self.places['B']}[0, {own}]", f"x{self.places['B']}[0, {whole + k * self.hidden} + o]"]
        text = " + ".join(terms) + extra
        return f"max({-self.clip if self.clip else 0}, min({self.clip}, {text}))" if self.clip else text

    def step(self) -> str:
        return "sizes[0] - 1 - t" if self.backwards else "t"

    def before(self, name: str, first: str) -> list[str]:
        """The line that says what a state was one step before."""
        if first not in self.places:
            return [f"{name}q[t, b, o] = {name}[t-1, b, o]"]
        return [
            f"{name}q[t, b, o] = choose(equal(x{self.places['P0']}[t], 0), x{self.places[first]}[0, b, o], {name}[t-1, b, o])"
        ]

    def lines(self) -> list[str]:
        f, g = self.functions[0], self.functions[min(1, len(self.functions) - 1)]
        state = "hq[t, b, p]"
        made = self.before("h", "h0")
        if self.kind == "RNN":
            return [*made, f"v[t, b, o] = {self.gate('i', state)}", f"h[t, b, o] = {f.format('v[t, b, o]')}"]
        if self.kind == "GRU":
            made += [f"vz[t, b, o] = {self.gate('z', state)}", f"z[t, b, o] = {f.format('vz[t, b, o]')}"]
            made += [f"vr[t, b, o] = {self.gate('r', state)}", f"r[t, b, o] = {f.format('vr[t, b, o]')}"]
            k = 2 * self.hidden
            if self.linear:
                bias = f" + x{self.places['B']}[0, {5 * self.hidden} + o]" if "B" in self.places else ""
                made.append(f"u[t, b, o] = x{self.places['R']}[0, {k} + o, p] * hq[t, b, p]{bias}")
                own = f" + x{self.places['B']}[0, {k} + o]" if "B" in self.places else ""
                inner = f"x{self.places['W']}[0, {k} + o, f] * x1[{self.step()}, b, f]{own} + r[t, b, o]*u[t, b, o]"
                if self.clip:
                    inner = f"max({-self.clip}, min({self.clip}, {inner}))"
                made.append(f"vh[t, b, o] = {inner}")
            else:
                made.append("s[t, b, o] = r[t, b, o]*hq[t, b, o]")
                made.append(f"vh[t, b, o] = {self.gate('h', 's[t, b, p]')}")
            made.append(f"n[t, b, o] = {g.format('vh[t, b, o]')}")
            return [*made, "h[t, b, o] = (1 - z[t, b, o])*n[t, b, o] + z[t, b, o]*hq[t, b, o]"]
        made += self.before("c", "c0")
        peep = [""] * 3
        if "P" in self.places:
            cells = ("cq", "c", "cq")
            peep = [f" + x{self.places['P']}[0, {k * self.hidden} + o]*{cells[k]}[t, b, o]" for k in range(3)]
        h = self.functions[2]
        made += [f"vi[t, b, o] = {self.gate('i', state, peep[0])}", f"a[t, b, o] = {f.format('vi[t, b, o]')}"]
        if self.coupled:
            made.append("r[t, b, o] = 1 - a[t, b, o]")
        else:
            made += [f"vf[t, b, o] = {self.gate('f', state, peep[2])}", f"r[t, b, o] = {f.format('vf[t, b, o]')}"]
        made += [f"vc[t, b, o] = {self.gate('c', state)}", f"n[t, b, o] = {g.format('vc[t, b, o]')}"]
        made.append("c[t, b, o] = r[t, b, o]*cq[t, b, o] + a[t, b, o]*n[t, b, o]")
        made += [f"vo[t, b, o] = {self.gate('o', state, peep[1])}", f"q[t, b, o] = {f.format('vo[t, b, o]')}"]
        return [*made, f"m[t, b, o] = {h.format('c[t, b, o]')}", "h[t, b, o] = q[t, b, o]*m[t, b, o]"]


@rule("RNN", "GRU", "LSTM")
def _recurrent(t: OnnxTranslator, node: Any, a: Attributes) -> None:
    kind, layout = node.op_type, int(a.get("layout", 0))
    names = [*node.input, *[""] * 8][:8]
    source = t.whole(t.get(names[0]))
    if len(source.shape) != 3:
        raise UnsupportedError(
            f"{t.name}: {kind} of a tensor of the shape {source.shape}; (time, examples, features) is needed"
        )
    source = permuted(t, source, [1, 0, 2]) if layout else source
    directions = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}.get(
        a.text("direction", "forward")
    )
    weight = t.values[names[1]]
    if directions is None or len(weight.shape) != 3 or weight.shape[0] != len(directions):
        raise UnsupportedError(
            f"{t.name}: {kind} with direction={a.text('direction', 'forward')!r} and a weight of the shape {weight.shape}"
        )
    hidden = int(a.get("hidden_size", int(t.values[names[2]].shape[-1])))
    _check(
        t, kind, hidden, len(directions), source.shape[2], {k: t.values[n].shape for k, n in zip("XWRB", names) if n}
    )
    _check_lengths(t, names[4], source.shape[0])
    both = len(node.output) > 2 and bool(node.output[2])
    made = [
        _direction(t, node, a, source, names, place, backwards, hidden, both, layout)
        for place, backwards in enumerate(directions)
    ]
    for place, state in enumerate(("h", "c")):
        parts = [one[state] for one in made if state in one]
        if not parts:
            continue
        time, batch = source.shape[0], source.shape[1]
        last = []
        for part, backwards in zip(parts, directions):
            end = cut(t, part, 0, Integer(0) if backwards else time - 1, Integer(1))
            last.append(reshaped(t, end, (Integer(1), batch, Integer(hidden))))
        final = concatenated(t, last, 0) if len(last) > 1 else last[0]
        final = permuted(t, final, [1, 0, 2]) if layout else final
        if len(node.output) > place + 1 and node.output[place + 1]:
            t.values[node.output[place + 1]] = final
        if state == "h" and node.output[0]:
            wide = [reshaped(t, part, (time, Integer(1), batch, Integer(hidden))) for part in parts]
            every = concatenated(t, wide, 1) if len(wide) > 1 else wide[0]
            t.values[node.output[0]] = permuted(t, every, [2, 0, 1, 3]) if layout else every


def _check(t: OnnxTranslator, kind: str, hidden: int, count: int, features: Expr, shapes: dict[str, Any]) -> None:
    rows = len(_GATES[kind]) * hidden
    wanted = {"W": (count, rows, features), "R": (count, rows, hidden), "B": (count, 2 * rows)}
    for name, shape in wanted.items():
        found = shapes.get(name)
        if found is not None and (
            len(found) != len(shape)
            or any(same(one, Integer(two) if isinstance(two, int) else two) is False for one, two in zip(found, shape))
        ):
            raise UnsupportedError(
                f"{t.name}: {name} of {kind} has the shape {tuple(found)}; {tuple(map(str, shape))} is needed"
            )


def _check_lengths(t: OnnxTranslator, name: str, time: Expr) -> None:
    """Lengths of sequences that are known to be those of all steps say nothing."""
    if name and not (name in t.known and all(int(length) == time for length in t.numbers(name))):
        raise UnsupportedError(f"{t.name}: sequences of lengths that depend on the data, {name}{t.hint([name])}")


def _functions(t: OnnxTranslator, a: Attributes, kind: str, place: int) -> list[str]:
    """The activations of a direction as texts of the equation."""
    count = len(_USUAL[kind])
    given = [one.decode().lower() if isinstance(one, bytes) else str(one).lower() for one in a.get("activations", ())]
    alphas, betas = (list(map(float, a.get(name, ()))) for name in ("activation_alpha", "activation_beta"))
    words = given[place * count : (place + 1) * count] or _USUAL[kind]
    if len(words) != count or any(word not in _FUNCTIONS for word in words):
        raise UnsupportedError(f"{t.name}: {kind} with activations={given}")
    skip = {
        name: sum(word in table for word in given[: place * count]) for name, table in (("a", _ALPHA), ("b", _BETA))
    }
    made = []
    for word in words:
        texts = {}
        for name, table, numbers in (("a", _ALPHA, alphas), ("b", _BETA, betas)):
            value = table.get(word, 0.0)
            if word in table and numbers:
                value = numbers[skip[name]] if skip[name] < len(numbers) else value
                skip[name] += 1
            value = float(f"{value:.7g}")
            texts[name] = f"{value:.10f}" if value >= 0 else f"(-{-value:.10f})"
        made.append(_FUNCTIONS[word].replace("{a}", texts["a"]).replace("{b}", texts["b"]))
    return made


def _direction(
    t: OnnxTranslator,
    node: Any,
    a: Attributes,
    source: Tensor,
    names: list[str],
    place: int,
    backwards: bool,
    hidden: int,
    both: bool,
    layout: int,
) -> dict[str, Tensor]:
    """The states at every step in one direction, in the order of the input."""
    kind = node.op_type
    values, places = [source], {}
    held = {
        "W": names[1],
        "R": names[2],
        "B": names[3],
        "h0": names[5],
        "c0": names[6] if kind == "LSTM" else "",
        "P": names[7] if kind == "LSTM" else "",
    }
    for key, name in held.items():
        if not name:
            continue
        value = t.whole(t.get(name))
        if layout and key in ("h0", "c0"):
            value = permuted(t, value, [1, 0, 2])
        if value.shape[0] != 1:
            value = cut(t, value, 0, Integer(place), Integer(1))
        values.append(value)
        places[key] = len(values)
    if "h0" in places or "c0" in places:
        values.append(positions(t, source.shape[0]))
        places["P0"] = len(values)
    clip = float(a.get("clip", 0.0))
    cell = _Cell(
        kind,
        hidden,
        _functions(t, a, kind, place),
        places,
        clip,
        backwards,
        bool(a.get("linear_before_reset", 0)),
        bool(a.get("input_forget", 0)),
    )
    lines, at = cell.lines(), cell.step()
    time, batch = source.shape[0], source.shape[1]
    bound, sizes = f"\nwhere o < {hidden}{', t < sizes[0]' if backwards else ''}", ((time,) if backwards else ())
    if not both:
        lines.append(f"y[t, b, o] = h[{at}, b, o]")
        shape = (time, batch, Integer(hidden))
        return {"h": t.add(Formula("\n".join(lines) + bound, sizes), values, shape)}
    lines += [f"yh[t, k, b, o] = h[{at}, b, o]", f"yc[t, k, b, o] = c[{at}, b, o]"]
    lines += ["ph[t, k, b, o] = pad[k: (0, 1)](yh[t, k, b, o])", "pc[t, k, b, o] = pad[k: (1, 0)](yc[t, k, b, o])"]
    lines.append("y[t, j, b, o] = ph[t, j, b, o] + pc[t, j, b, o]")
    made = t.add(
        Formula("\n".join(lines) + bound + ", k < 1", sizes), values, (time, Integer(2), batch, Integer(hidden))
    )
    parts = [reshaped(t, cut(t, made, 1, Integer(k), Integer(1)), (time, batch, Integer(hidden))) for k in (0, 1)]
    return {"h": parts[0], "c": parts[1]}
