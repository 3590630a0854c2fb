"""The formulas of published networks with a symbol for every size, and integer points to evaluate them at."""

from __future__ import annotations

import dataclasses
import random

import sympy

import layeralgebra as la
from layeralgebra import zoo

QUICK = ("alexnet", "convmixer_1024_20", "gpt2", "resnet18", "squeezenet1_0", "unet", "vgg11", "vit_b_16")


def parts(answer):
    """The expressions of an answer: of a tuple, a record or a mapping."""
    if isinstance(answer, sympy.Expr):
        return [answer]
    if isinstance(answer, dict):
        answer = answer.values()
    elif dataclasses.is_dataclass(answer):
        answer = [getattr(answer, field.name) for field in dataclasses.fields(answer)]
    elif not isinstance(answer, (tuple, list, sympy.Tuple)):
        return []
    return [part for inner in answer for part in parts(inner)]


def formulas(names, metrics=("parameters", "macs", "flops", "activations", "output_shape", "depth", "receptive_field")):
    """Every different expression with symbols among the metrics of these networks, with their derivations."""
    found = {}
    for name in names:
        net, published = zoo.symbolic(name)
        for metric in metrics:
            derived = la.derive(metric, net)
            for part in parts(derived.formula):
                if part.free_symbols:
                    found.setdefault(part, (name, metric, published))
    return found


def points(r: random.Random, expression, published, count):
    """Sizes near the published ones and free ones."""
    symbols = sorted(expression.free_symbols, key=str)
    for _ in range(count):
        yield {
            s: r.choice([r.randint(1, 12), r.randint(1, 300), r.randint(1, 2 * int(published.get(s, 50)) + 1)])
            for s in symbols
        }
