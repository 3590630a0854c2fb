"""Multiply-accumulates and learned numbers of a JAX function, counted from a jaxpr at literal sizes.

Products and convolutions are counted by how often their sums multiply; calls are entered, and what a loop of known length holds is counted
once for each turn. Nothing of the package is used.
"""

from __future__ import annotations

from math import prod
from typing import Any

import jax


def count_macs(function: Any, *arguments: Any) -> int:
    """Multiply-accumulates of a function at arguments that have shapes."""
    return _of(_traced(function, *arguments))


def shapes_made(function: Any, *arguments: Any) -> list[tuple[int, ...]]:
    """The shapes of the arrays that a function returns."""
    return [tuple(atom.aval.shape) for atom in _traced(function, *arguments).outvars]


def _traced(function: Any, *arguments: Any) -> Any:
    """The jaxpr of a function of trees, of which only the arrays are traced."""
    leaves, structure = jax.tree_util.tree_flatten(arguments)
    places = [place for place, leaf in enumerate(leaves) if hasattr(leaf, "dtype")]

    def flat(*arrays: Any) -> Any:
        own = list(leaves)
        for place, array in zip(places, arrays):
            own[place] = array
        returned = function(*jax.tree_util.tree_unflatten(structure, own))
        return [leaf for leaf in jax.tree_util.tree_leaves(returned) if hasattr(leaf, "dtype")]

    return jax.make_jaxpr(flat)(*(leaves[place] for place in places)).jaxpr


def _of(jaxpr: Any) -> int:
    return sum(_equation(equation) for equation in _live(jaxpr))


def _live(jaxpr: Any) -> list[Any]:
    wanted = {id(atom) for atom in jaxpr.outvars}
    kept = []
    for equation in reversed(jaxpr.eqns):
        if any(id(out) in wanted for out in equation.outvars):
            kept.append(equation)
            wanted |= {id(atom) for atom in equation.invars}
    return kept


def _equation(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        left, out = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
        return prod(out) * prod(left[axis] for axis in contracted)
    if name == "conv_general_dilated":
        return _convolution(equation)
    if name == "scan":
        return params["length"] * _of(params["jaxpr"].jaxpr)
    if name in ("cond", "while"):
        raise ValueError(f"{name} has no single count")
    inner = next((params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params), None)
    if inner is None or name.startswith("custom_jvp_generic"):
        return 0
    return _of(getattr(inner, "jaxpr", inner))


def _convolution(equation: Any) -> int:
    params = equation.params
    image, kernel, out = (atom.aval.shape for atom in (*equation.invars, *equation.outvars))
    numbers = params["dimension_numbers"]
    taps = prod(kernel[axis] for axis in numbers.rhs_spec[1:])  # channels of a group, and the window
    if any(
        step != 1 for step in params["lhs_dilation"]
    ):  # each element of the image is multiplied with the whole window
        window = prod(kernel[axis] for axis in numbers.rhs_spec[2:])
        channels = kernel[numbers.rhs_spec[0]] // params["feature_group_count"]
        return prod(image) * window * channels
    return prod(out) * taps


def count_learned(function: Any, tree: Any, *inputs: Any, buffers: tuple[str, ...] = ()) -> int:
    """The learned numbers of a tree on which what the function returns depends; parts of the tree under these keys are none."""
    found, structure = jax.tree_util.tree_flatten_with_path(tree)
    leaves = [leaf for _, leaf in found]
    kept = [not path or jax.tree_util.keystr(path[:1]) not in buffers for path, leaf in found if hasattr(leaf, "dtype")]
    arrays = [leaf for leaf in leaves if hasattr(leaf, "dtype")]
    places = [place for place, leaf in enumerate(leaves) if hasattr(leaf, "dtype")]

    def flat(held: list[Any], values: list[Any]) -> Any:
        own = list(leaves)
        for place, array in zip(places, held):
            own[place] = array
        return function(jax.tree_util.tree_unflatten(structure, own), *values)

    jaxpr = jax.make_jaxpr(flat)(arrays, list(inputs)).jaxpr
    wanted = {id(atom) for atom in jaxpr.outvars}
    for equation in _live(jaxpr):
        wanted |= {id(atom) for atom in equation.invars}
    return sum(
        prod(array.shape) for array, variable, may in zip(arrays, jaxpr.invars, kept)
        if may and id(variable) in wanted and jax.numpy.issubdtype(array.dtype, jax.numpy.inexact)
    )  # fmt: skip
