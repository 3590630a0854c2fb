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
from .formulas import formula


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


def einstein_sum(
    t: Tensors, spec: str, values: Sequence[Tensor], label: str = "", order: Sequence[tuple[int, int]] | None = None
) -> Tensor:
    """A sum of products in Einstein's notation: ``"bij,bjk,bkl->bil"``, ``"...ii->...i"``.

    Tensors are multiplied two by two, from left to right, or in an order of pairs of places; a product comes to the end of the list.
    """
    inputs, out = _letters(spec, [len(value.shape) for value in values], label)
    held = list(zip(inputs, values))
    pairs = list(order) if order else [(0, 1), *((len(held) - 1 - done, 0) for done in range(1, len(held) - 1))]
    for number, pair in enumerate(pairs[: len(values) - 1]):
        (first, one), (second, two) = (held[place] for place in pair)
        held = [entry for place, entry in enumerate(held) if place not in pair]
        later = "".join([out, *(letters for letters, _ in held)])
        kept = "".join(dict.fromkeys(letter for letter in first + second if letter in later)) if held else out
        plain = first and second and kept and len({*first}) == len(first) and len({*second}) == len(second)
        by = contracted if plain else _summed
        held.append((kept, by(t, first, second, kept, [one, two], f"{label}_{number}" if held else label)))
    letters, made = held[-1]
    return made if len(values) > 1 else _summed(t, letters, None, out, [made], label)


def _letters(spec: str, ranks: Sequence[int], label: str) -> tuple[list[str], str]:
    """The letters of each tensor and of the result, small ones for all axes that the notation has or leaves to its dots."""
    given, arrow, out = spec.replace(" ", "").partition("->")
    inputs = given.split(",")
    dots = max((rank - len(part.replace("...", "")) for part, rank in zip(inputs, ranks) if "..." in part), default=0)
    if not arrow:
        alone = sorted(letter for letter in set(given) - set(",.") if given.count(letter) == 1)
        out = ("..." if "..." in given else "") + "".join(alone)
    free = iter(letter for letter in string.ascii_lowercase + string.ascii_uppercase if letter not in spec)
    spread = [next(free) for _ in range(dots)]
    small: dict[str, str] = {}

    def named(part: str, rank: int) -> str:
        width = rank - len(part.replace("...", ""))
        part = part.replace("...", "".join(spread[dots - width :]))
        for letter in part:
            small.setdefault(letter, string.ascii_lowercase[len(small)])
        return "".join(small[letter] for letter in part)

    names = [named(part, rank) for part, rank in zip(inputs, ranks)]
    if any(len(name) != rank for name, rank in zip(names, ranks)):
        raise UnsupportedError(
            f"{label}: {spec!r} does not name all axes of tensors with {', '.join(map(str, ranks))} axes"
        )
    return names, named(out, dots + len(out.replace("...", "")))


def _summed(t: Tensors, first: str, second: str | None, out: str, values: Sequence[Tensor], label: str) -> Tensor:
    """One tensor or two, whose letters may stand twice, and a result that may be a single number."""
    values = [t.whole(value) for value in values]
    parts = [first] if second is None else [first, second]
    sizes = {letter: size for letters, value in zip(parts, values) for letter, size in zip(letters, value.shape)}
    reads = [f"x{number + 1}[{', '.join(letters) or '0'}]" for number, letters in enumerate(parts)]
    gone = [letter for letter in sizes if letter not in out]
    body = " * ".join(reads)
    text = f"y[{', '.join(out) or '0'}] = " + (f"sum[{', '.join(gone)}]({body})" if gone else body)
    return formula(t, text, values, tuple(sizes[letter] for letter in out), False, None, label)


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
