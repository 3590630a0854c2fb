"""Matrix products of tensors whose leading axes are broadcast, as sums of products in Einstein's notation."""

from __future__ import annotations

import string
from collections.abc import Sequence

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import same
from ... import arithmetic
from ..tensors import Shape, Tensor, Tensors
from .axes import reshaped


def product(t: Tensors, left: Tensor, right: Tensor, label: str) -> Tensor:
    """The product of two tensors as matrices, their leading axes broadcast."""
    rank = max(len(left.shape), len(right.shape))
    pair = [left, right]
    batched = any(v.batched for v in pair) and all(v.batched or len(v.shape) < rank for v in pair)
    if not batched:
        pair = [t.whole(value) for value in pair]
    *given, spec, shape = matrix_product(pair[0].own, pair[1].own, label)
    for place, own in enumerate(given):
        value = pair[place]
        wanted = (Integer(1), *own) if value.batched else tuple(own)
        pair[place] = reshaped(t, value, wanted, value.batched, f"{label}_{value.name}")
    return t.add(arithmetic.Einsum(spec), pair, (Integer(1), *shape) if batched else shape, batched, label)


def contracted(t: Tensors, first: str, second: str, out: str, values: Sequence[Tensor], label: str = "") -> Tensor:
    """A sum of products of two tensors, the axes of each and of the result by their letters."""
    sizes = {
        letter: size for letters, value in zip((first, second), values) for letter, size in zip(letters, value.shape)
    }
    shape, batch = tuple(sizes[letter] for letter in out), out[:1]
    with_batch = [letters[:1] == batch != "" for letters in (first, second)]
    fits = all(
        value.batched if has else batch not in letters and not value.batched
        for value, has, letters in zip(values, with_batch, (first, second))
    )
    batched = any(with_batch) and fits
    if batched:
        first, second = (letters[has:] for letters, has in zip((first, second), with_batch))
        out = out[1:]
    else:
        values = [t.whole(value) for value in values]
    return t.add(arithmetic.Einsum(f"{first},{second}->{out}"), values, shape, batched, label)


def matrix_product(left: Sequence[Expr], right: Sequence[Expr], where: str) -> tuple[Shape, Shape, str, Shape]:
    """How two tensors are multiplied as matrices along their last axes, the axes before them broadcast.

    An axis of size 1 that the other tensor does not have with that size is dropped, so that nothing is repeated.

    Parameters
    ----------
    left, right : sequence of Expr
        Shapes; a tensor with one axis is a row on the left and a column on the right.
    where : str
        What to name in errors.

    Returns
    -------
    (left, right, spec, shape)
        The shapes to give the two tensors first, the product's notation, and the shape of the product.
    """
    if not left or not right:
        raise UnsupportedError(
            f"{where}: a product of tensors of the shapes {tuple(left)} and {tuple(right)}; each needs an axis"
        )
    first, second = (tuple(shape[:-2]) for shape in (left, right))
    rank = max(len(first), len(second))
    kept: list[tuple[list[Expr], str]] = []
    letters = string.ascii_lowercase[:rank]
    if rank > 20:
        raise UnsupportedError(f"{where}: a product of tensors with {rank + 2} axes")
    out: dict[str, Expr] = {}
    for own, other in ((first, second), (second, first)):
        sizes, names = [], ""
        for place, size in enumerate(own, start=rank - len(own)):
            across = place - (rank - len(other))
            opposite = other[across] if across >= 0 else None
            if opposite is not None and 1 not in (size, opposite) and same(size, opposite) is False:
                raise UnsupportedError(f"{where}: a product of tensors of the shapes {tuple(left)} and {tuple(right)}")
            if size == 1 and opposite not in (None, 1):
                continue
            sizes.append(size)
            names += letters[place]
            out[letters[place]] = size
        kept.append((sizes, names))
    rows, columns = ("" if len(left) == 1 else "x"), ("" if len(right) == 1 else "z")
    for letter, shape in ((rows, left), (columns, right)):
        if letter:
            out[letter] = shape[-2] if letter == "x" else shape[-1]
    ends = (rows + "y", "y" + columns)
    shapes = [(*sizes, *shape[-len(end) :]) for (sizes, _), end, shape in zip(kept, ends, (left, right))]
    target = "".join(letter for letter in letters if letter in out) + rows + columns
    if not target:
        raise UnsupportedError(f"{where}: a product of two vectors is a single number, which no layer makes")
    return (
        shapes[0],
        shapes[1],
        f"{kept[0][1]}{ends[0]},{kept[1][1]}{ends[1]}->{target}",
        tuple(out[letter] for letter in target),
    )
