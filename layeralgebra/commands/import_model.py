"""``layeralgebra import``: a model of another framework, shown like a published one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..algebra.arguments import takes_nothing
from ..algebra.errors import FieldError
from ..algebra.networks.network import Network
from . import Block
from .arguments import assignments, listed, shape, sizes, value
from .derive import (
    METRICS,
    derivations_nodes,
    derived,
    domain_block,
    formula_blocks,
    heading,
    node_records,
    records,
    values_block,
)
from .networks import Model, guarded, module_in
from .results import Record


def run(
    model: str, at: Sequence[str] = (), on: str | None = None, dimensions: Sequence[str] = (), metrics: Sequence[str] = (), by_node: bool = False,
    width: int = 100,
) -> Iterator[Block | Record]:  # fmt: skip
    """Import, derive, print and evaluate.

    Parameters
    ----------
    model : str
        ``model.onnx``, or ``file.py:make_model``, where the name is a PyTorch module, a Keras model, or a function that
        returns one, or a JAX function of one array, or an Equinox or Flax model.
    at : sequence of str
        Sizes at which the formulas are evaluated.
    on : str, optional
        The shape of one example, for PyTorch, or of the whole array, for JAX; a name in it stays symbolic at the size that stands for it in `dimensions`.
    dimensions : sequence of str
        For ONNX, sizes or names of the file's symbolic dimensions; for PyTorch and JAX, the sizes at which symbolic axes are traced.
    """
    found = _found(model, on, assignments(dimensions))
    derivations = derived(found, listed(metrics) or METRICS)
    values = sizes(at)
    evaluated = [values_block(derivations, values)] if values else []
    yield from records(found.name, derivations, values)
    yield Block(heading(found))
    if by_node:
        yield from node_records(derivations, found)
        yield Block("Node by node", derivations_nodes(derivations, width))
    yield from formula_blocks(derivations, width)
    yield domain_block(derivations)
    yield from evaluated


def _found(model: str, on: str | None, dimensions: dict[str, str]) -> Model:
    path, colon, name = model.rpartition(":")
    if model.endswith(".onnx"):
        from ..layers.onnx.importer import from_onnx

        if on is not None:
            raise FieldError(
                "an ONNX file says what enters it; leave out --shape, and set its symbolic sizes with --set"
            )
        return Model(
            Path(model).stem, from_onnx(model, dimensions={key: value(text) for key, text in dimensions.items()})
        )
    if not colon or not path.endswith(".py"):
        raise FieldError(f"{model!r} is neither model.onnx nor file.py:make_model")
    made = getattr(module_in(Path(path)), name, None)
    if made is None:
        raise FieldError(f"{path} has no {name!r}")
    with guarded(Path(path)):
        return Model(name, _imported(made, name, on, dimensions))


def _keras_model(made: Any) -> Any:
    """A Keras model if it is one or a function that returns one; anything else as it was."""
    keras = sys.modules.get("keras")  # the user's file has imported it, or it is none
    if keras is None or isinstance(made, type) or not callable(made) or isinstance(made, keras.Model):
        return made
    if not takes_nothing(made):
        return made
    found = made()
    return found if isinstance(found, keras.Model) else made


def _of_jax(made: Any) -> bool:
    """Whether it is a function of arrays written with JAX, or a model of a library on it, all of which the user's file has imported."""
    if "jax" not in sys.modules or isinstance(made, type) or not callable(made):
        return False
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(made, torch.nn.Module):
        return False
    kinds = [getattr(sys.modules.get(name), "Module", None) for name in ("equinox", "flax.linen", "flax.nnx")]
    if isinstance(made, tuple(kind for kind in kinds if isinstance(kind, type))):
        return True
    return not takes_nothing(made)  # it takes arrays


TRACED = 64
"""The size at which a symbolic axis is traced, if none is given."""


def _imported(made: object, name: str, on: str | None, dimensions: dict[str, str]) -> Network:
    from ..layers.torch.importer import from_torch

    if isinstance(made, Network):
        raise FieldError(f"{name} is a network already; write layeralgebra derive")
    made = _keras_model(made)
    if hasattr(made, "_operations") or hasattr(made, "_functional"):
        if on is not None or dimensions:
            raise FieldError(f"the Keras model {name} says what enters it; leave out --shape and --set")
        from ..layers.keras.importer import from_keras

        return from_keras(made)
    by_jax = _of_jax(made)
    if on is None:
        raise FieldError(f"say what enters {name} with --shape, as in --shape 3,224,224 or --shape 3,H,W")
    sizes_of = {key: value(text) for key, text in dimensions.items()}
    asked = shape(on)
    unknown = sorted(set(sizes_of) - {str(size) for size in asked})
    if unknown:
        raise FieldError(f"--set {unknown[0]}: there is no such name in --shape {on}")
    example = tuple(size if isinstance(size, int) else sizes_of.get(str(size), TRACED) for size in asked)
    dynamic = {axis: size for axis, size in enumerate(asked) if not isinstance(size, int)}
    if by_jax:
        from ..layers.jax.importer import from_jax

        return from_jax(made, example, dynamic=dynamic)
    return from_torch(made, example, dynamic)
