"""Pairs of networks made equal by a law, or different by one mutation, from a seed: what `la.equal` and `la.rewrite` say of them.

    .venv/bin/python -P tests/random_pairs.py equal 0 500       # kind, first seed, one behind the last
    .venv/bin/python -P tests/random_pairs.py different 0 500
    .venv/bin/python -P tests/random_pairs.py rewritten 0 500

Whatever is called equal is run with the mapped weights, which shares no code with the search for it.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import numpy

import layeralgebra as la

ON = (3, 6, 5)
FUNCTIONS = [la.ReLU, la.Abs, la.Tanh, la.Sigmoid, la.ReLU6]


def layer(chance: random.Random, channels: int) -> Any:
    """A layer that keeps the sizes and takes so many channels."""
    kernel = chance.choice([1, 3])
    return chance.choice(
        [
            lambda: la.Conv(channels, kernel, padding=kernel // 2, bias=chance.random() < 0.5),
            la.BatchNorm,
            chance.choice(FUNCTIONS),
            la.ChannelScale,
            lambda: la.Dropout(0.5),
        ]
    )()


def chain(chance: random.Random, length: int) -> list[Any]:
    """Layers in series, some of them joined with what enters them."""
    parts = []
    for _ in range(length):
        made = layer(chance, ON[0])
        if chance.random() < 0.3:
            made = chance.choice([la.Add, la.Mul])(made, layer(chance, ON[0]))
        parts.append(made)
    return parts


def pair_of_law(chance: random.Random) -> tuple[list[Any], list[Any], str]:
    """Two short networks that are equal by a law, as anyone would write them."""
    kernel, bias = chance.choice([1, 3]), chance.random() < 0.5
    conv = la.Conv(ON[0], kernel, padding=kernel // 2, bias=bias)
    biased = la.Conv(ON[0], kernel, padding=kernel // 2)
    point = la.Conv(ON[0], 1, bias=bias)
    other = la.Conv(ON[0], 1, bias=bias)
    relu, norm = chance.choice([la.ReLU, la.Abs])(), la.BatchNorm()
    pairs: dict[str, tuple[list[Any], list[Any]]] = {
        "norm after": ([conv, norm], [biased]),
        "norm before": ([norm, point], [la.Conv(ON[0], 1)]),
        "dropout": ([la.Dropout(0.3), conv], [conv]),
        "twice": ([relu, la.ReLU()], [relu]),
        "norms": ([norm, la.BatchNorm()], [norm]),
        "norm and identity": ([norm + la.Identity()], [norm]),
        "sum": ([conv + other], [conv]),
        "identity": ([conv + la.Identity()], [conv]),
        "scale": ([conv, la.ChannelScale()], [conv]),
        "points": ([point, other], [la.Conv(ON[0], 1, bias=bias)]),
        "maximum": ([relu if isinstance(relu, la.ReLU) else la.Tanh(), la.MaxPool(2)], []),
        "average": ([point, la.AvgPool(2)], [la.AvgPool(2), point]),
        "global": ([point, la.GlobalAvgPool()], [la.GlobalAvgPool(), la.Linear(ON[0], bias)]),
        "branches": ([la.Add(conv, other, la.Identity())], [conv]),
        "one network": ([conv, relu], [conv, relu]),
    }
    name = chance.choice(sorted(pairs))
    left, right = pairs[name]
    if name == "maximum":
        right = [left[1], left[0]]
    return left, right, name


def mutated(chance: random.Random, parts: list[Any]) -> list[Any]:
    """The layers with one of them left out, put in, exchanged with its neighbour, or made otherwise."""
    parts, place = list(parts), chance.randrange(len(parts))
    slip = chance.choice(["function", "out", "in", "exchanged", "bias", "kernel"])
    one = parts[place]
    if slip == "out" and len(parts) > 1:
        del parts[place]
    elif slip == "exchanged" and len(parts) > 1:
        place = min(place, len(parts) - 2)
        parts[place : place + 2] = parts[place : place + 2][::-1]
    elif slip == "bias" and isinstance(one, la.Conv):
        parts[place] = la.Conv(one.out_channels, one.kernel, padding=one.padding, bias=not one.bias)
    elif slip == "kernel" and isinstance(one, la.Conv):
        parts[place] = la.Conv(one.out_channels, 5, padding=2, bias=one.bias)
    elif slip == "in":
        parts.insert(place, chance.choice(FUNCTIONS)())
    else:
        parts[place] = chance.choice(FUNCTIONS)()
    return parts


def agree(f: Any, g: Any, mapped: Any, on: Any = ON) -> bool:
    """Whether both compute the same numbers on drawn weights and inputs, with the map."""
    for seed in range(2):
        draw = numpy.random.default_rng(seed)
        weights = {name: draw.uniform(0.5, 1.5, value.shape) * draw.choice([1, -1] if not name.endswith(".v") else [1], value.shape)
                   for name, value in la.weights(f, on=on).items()}  # fmt: skip
        weights = {name: abs(value) if name.rpartition(".")[2] == "v" else value for name, value in weights.items()}
        x = draw.standard_normal(on)
        one, other = la.run(f, x, weights), la.run(g, x, mapped(weights))
        if one.shape != other.shape or not numpy.allclose(one.astype(float), other.astype(float), rtol=1e-6, atol=1e-6):
            return False
    return True


def series(parts: list[Any]) -> Any:
    return la.Series(*parts) if parts else la.Identity()


def asked(kind: str, seed: int) -> tuple[str, str]:
    """What becomes of one draw, and of what: a verdict, or one that is wrong."""
    chance = random.Random(f"{kind} {seed}")
    before = chain(chance, chance.randint(0, 2))
    if kind == "rewritten":
        net = series(before + pair_of_law(chance)[0])
        found = la.rewrite(net, on=ON, least=chance.choice([("flops", "parameters"), "macs", "parameters"]))
        right = agree(net, found.network, found.weights)
        return ("shorter" if found.chain else "as it was") if right else "WRONG", str(net)
    left, right_parts, name = pair_of_law(chance)
    after = chain(chance, chance.randint(0, 2)) if name not in ("maximum", "average", "global") else []
    f = series(before + left + after)
    g = series(before + (right_parts if kind == "equal" else mutated(chance, left)) + after)
    if chance.random() < 0.5 and kind == "different":
        f, g = g, f
    found = la.equal(f, g, on=ON)
    if found.verdict == "equal":
        return "equal" if agree(f, g, found.weights) else "WRONG equal", f"{name}: {f} and {g}"
    if found.verdict == "different" and kind == "equal":
        return "WRONG different", f"{name}: {f} and {g}"
    return found.verdict, f"{name}: {f} and {g}"


def main(kind: str, first: str, last: str) -> None:
    counts: Counter[str] = Counter()
    for seed in range(int(first), int(last)):
        verdict, what = asked(kind, seed)
        counts[verdict] += 1
        if verdict.startswith("WRONG") or verdict == "undecided":
            print(seed, verdict, what, flush=True)
    print(kind, first, last, dict(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
