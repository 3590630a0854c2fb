"""``layeralgebra demo``: ResNet-50 with symbolic sizes, then a layer that no library has, from its equation alone."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ..algebra.derivations.derivation import Derivations
from ..algebra.derivations.metric import derive
from ..algebra.equations.fields import Dim
from ..algebra.formulas.text import formula_text, number_text
from ..algebra.networks.layer import Layer
from ..algebra.sizes.dims import dims
from ..layers import zoo
from . import Block
from .derive import INDENT, METRICS, domain_block, formula_blocks, records, report, stage_block, values_block, written
from .networks import Model
from .results import Record

SIZES = {"H": 224, "W": 224, "c": 64}


class Involution(Layer):
    """A kernel made at each position by two 1x1 maps and shared by the channels of a group.

    Parameters
    ----------
    kernel, groups : Dim
    reduction : Dim
        By how much the first map narrows the channels.

    References
    ----------
    Li, Hu, Wang, Li, She, Zhu, Zhang, Chen, "Involution: Inverting the Inherence of Convolution for Visual
    Recognition", CVPR 2021.
    """

    kernel: Dim
    groups: Dim
    reduction: Dim = 4
    equation = """
        h[r, *i] = relu(R[r, e] * x[e, *i] + p[r])
        k[g, *u, *i] = S[g, *u, r] * h[r, *i] + q[g, *u]
        z[c, *j] = pad[floor(kernel/2), kernel - 1 - floor(kernel/2)](x[c, *j])
        y[(g, c), *i] = k[g, *u, *i] * z[(g, c), *(i + u)]
        where g < groups, u < kernel, r < size(e)/reduction
    """


def run(folder: Path = Path("out"), width: int = 100) -> Iterator[Block | Record]:
    """The demonstration, with its LaTeX in a folder."""
    yield from residual(folder, width)
    yield from involution(folder, width)


def residual(folder: Path, width: int) -> Iterator[Block | Record]:
    """ResNet-50 as published, at symbolic height, width and base width."""
    height, breadth, base = dims("H W c")
    sizes = {"height": height, "width": breadth, "base_width": base}
    model = Model("resnet50", zoo.build("resnet50", **sizes), zoo.stages("resnet50", **sizes))
    found = Derivations(tuple(derive(metric, model.net) for metric in METRICS))
    yield from records(model.name, found, SIZES)
    yield Block("ResNet-50 as published, with height H, width W and base width c")
    yield stage_block(found, model, width)
    yield from formula_blocks(found, width)
    yield domain_block(found)
    yield values_block(found, SIZES)
    yield stage_block(found, model, width, SIZES)
    figures = zoo.info("resnet50")
    yield Block(
        f"published: {number_text(figures.parameters)} parameters, {figures.gmacs} GMACs",
        textwrap.fill(figures.source, width, initial_indent=INDENT, subsequent_indent=INDENT),
    )
    yield Block("", written(folder / "resnet50.tex", "ResNet-50", report(found, model)))


def involution(folder: Path, width: int) -> Iterator[Block | Record]:
    """A layer from its equation alone, and the numbers that the same equation gives."""
    import numpy

    from ..algebra.numerics.run import run as computed

    kernel, groups, reduction, *shape = dims("K G r c H W")
    layer = Involution(kernel, groups, reduction)
    model = Model("Involution", layer, None, tuple(shape))
    found = derive("parameters", layer, model.on) + derive("flops", layer, model.on, apart=True)
    for metric in ("macs", "output_shape", "receptive_field"):
        found = found + derive(metric, layer, model.on)
    yield from records(model.name, found, {})
    yield Block(
        "A layer that no library has: involution, a kernel made at each position by two 1x1 maps",
        "\n".join(INDENT + line for line in inspect.cleandoc(layer.equation).splitlines()),
    )
    yield Block(f"{layer} on {formula_text(model.on)}")
    yield from formula_blocks(found, width)
    yield domain_block(found)
    yield Block("", written(folder / "involution.tex", "Involution", report(found, model)))
    small = numpy.arange(2 * 3 * 3).reshape(2, 3, 3) % 5
    made = computed(Involution(3, 1, 1), small)
    shown = numpy.array2string(numpy.round(made, 3), prefix=INDENT)
    yield Block(
        "the same equation on numbers: Involution(3, 1, 1) on a 2 x 3 x 3 array, weights drawn with seed 0",
        INDENT + shown,
    )
