"""Matrix products of tensors whose leading axes are broadcast, as sums of products in Einstein's notation."""

from __future__ import annotations

import string
from collections.abc import Sequence

from sympy import Expr

from ...algebra.errors import UnsupportedError
from ...algebra.sizes.normal_form import same

Shape = tuple[Expr, ...]


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
