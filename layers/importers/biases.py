"""Learned numbers that are added to what a linear layer makes are its bias, where they are one for each of its features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sympy import Mul

from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Add
from ...algebra.sizes.normal_form import same
from .. import arithmetic, convolution, linear, reshape
from .record import Operation
from .tensors import Shape

LINEAR: tuple[type[Layer], ...] = (linear.Linear, convolution.Conv, convolution.ConvTranspose)
"""Layers that have a bias, one number for each feature: the last axis of the first, the first one of the others."""


def with_biases(
    operations: Sequence[Operation], output: str, shapes: Mapping[str, Shape]
) -> tuple[list[Operation], str, dict[str, str]]:
    """The operations in which linear layers have their biases.

    Parameters
    ----------
    operations : sequence of Operation
        In order; those that nothing reads are dropped.
    output : str
        The name of what is asked for.
    shapes : mapping of str to tuple of Expr
        What each operation makes.

    Returns
    -------
    (operations, output, biases)
        `biases` has for each linear operation the one that was its bias.
    """
    by_name = {operation.name: operation for operation in operations}
    readers = Counter(source for operation in operations for source in operation.sources)
    readers[output] += 1
    moved: dict[str, str] = {}
    biases: dict[str, str] = {}
    gone: set[str] = set()
    for addition in operations:
        if not isinstance(addition.node, Add) or addition.node.branches or len(addition.sources) != 2:
            continue
        for first, second in (addition.sources, addition.sources[::-1]):
            chain, added = _back(first, by_name, readers), _back(second, by_name, readers)
            if _is_bias(chain, added, shapes, addition) and chain[0].name not in biases:
                biases[chain[0].name] = added[0].name
                moved[addition.name] = first
                gone |= {addition.name, *(one.name for one in added)}
                break
    if not biases:
        return list(operations), output, {}

    def source(name: str) -> str:
        while name in moved:
            name = moved[name]
        return name

    made = []
    for operation in operations:
        if operation.name in gone:
            continue
        node, count = operation.node, operation.parameters
        if operation.name in biases:
            node, count = _with_bias(node), count + by_name[biases[operation.name]].parameters
        made.append(replace(operation, node=node, parameters=count, sources=[source(one) for one in operation.sources]))
    return made, source(output), biases


def _with_bias(node: object) -> Layer:
    assert isinstance(node, Layer)
    return type(node)(**{name: getattr(node, name) for name in node.fields} | {"bias": True})


def _back(name: str, by_name: Mapping[str, Operation], readers: Mapping[str, int]) -> list[Operation]:
    """What moves elements up to an operation, each read by the next one only, and before them what computes or stores them."""
    chain: list[Operation] = []
    while name in by_name and readers[name] == 1:
        operation = by_name[name]
        chain.insert(0, operation)
        if not isinstance(operation.node, (reshape.Permute, reshape.Reshape, arithmetic.Slice)):
            break
        (name,) = operation.sources
    return chain


def _is_bias(
    chain: Sequence[Operation], added: Sequence[Operation], shapes: Mapping[str, Shape], addition: Operation
) -> bool:
    """Whether the elements that are added are one for each feature of a linear layer without a bias, wherever its axis has gone."""
    first = chain[0].node if chain else None
    if not isinstance(first, (linear.Linear, convolution.Conv, convolution.ConvTranspose)) or first.bias:
        return False
    if not added or not isinstance(added[0].node, arithmetic.Parameter):
        return False
    if any(not isinstance(one.node, reshape.Reshape) for one in added[1:]):
        return False
    axes = [len(shapes[chain[0].name]) - 1 if isinstance(chain[0].node, linear.Linear) else 0]
    for before, step in zip(chain, chain[1:]):
        followed = _followed(axes, step.node, shapes[before.name], shapes[step.name])
        if followed is None:
            return False
        axes = followed
    made, bias = shapes[chain[-1].name], shapes[added[-1].name]
    return (
        axes == sorted(axes)
        and made == shapes[addition.name]
        and len(bias) == len(made)
        and all(one == (made[axis] if axis in axes else 1) for axis, one in enumerate(bias))
    )


def _followed(axes: list[int], node: object, before: Shape, after: Shape) -> list[int] | None:
    """Where the axes of features are after a move, in their order; None if they are no axes of their own any more."""
    if isinstance(node, reshape.Permute):
        order = list(node.values["order"])
        return [order.index(axis) for axis in axes]
    if isinstance(node, arithmetic.Slice):
        return axes if node.values["axis"] not in axes else None
    if axes != list(range(axes[0], axes[0] + len(axes))):
        return None
    lead, features = Mul(*before[: axes[0]]), Mul(*(before[axis] for axis in axes))
    for start in range(len(after)):
        if same(Mul(*after[:start]), lead) is not True or after[start] == 1 and features != 1:
            continue
        for end in range(start + 1, len(after) + 1):
            if same(Mul(*after[start:end]), features) is True:
                return list(range(start, end))
    return None
