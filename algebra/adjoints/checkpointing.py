"""Checkpoints in every few copies of a block: what is kept at once as a function of how many, and the best number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Add, Expr, Integer, Mul, Symbol, ceiling, sqrt

from ..arguments import checked, shown
from ..errors import DomainError, FieldError, ShapeError, UnsupportedError
from ..networks.evaluator import evaluate_network
from ..networks.network import Network, as_network
from ..records import dataclass
from ..sizes.dims import as_size
from ..sizes.normal_form import is_positive, same, simplify
from .itemsizes import UNITS, amount, itemsizes
from .saving import Entry, SavingCarrier, one_copy
from .training import Flag

MOST_COPIES = 100_000
"""Of so many copies the best number of blocks between two checkpoints is looked for one by one."""


@dataclass(frozen=True)
class Checkpointing:
    """What training keeps at once of copies of a block, of which only what enters every few is kept on the way forward.

    Attributes
    ----------
    times : Expr
        The number of copies.
    every : Symbol
        The number of blocks from one checkpoint to the next.
    checkpoint : Expr
        What is kept at a checkpoint.
    block : Expr
        What one more block keeps while its part is carried out again.
    memory : Expr
        The most that is kept at once: all checkpoints, and what the blocks of one part keep beside. Exact where `every` divides the number of
        copies, an upper bound where it does not.
    best : Expr
        Where `memory` is least over the positive reals, without rounding.
    apart : Expr
        What the blocks of a part keep less than so many times `block`, since its own checkpoint is kept anyway.

    Examples
    --------
    >>> from layeralgebra import Linear, Sigmoid, checkpointing, dims
    >>> n, L = dims("n L")
    >>> found = checkpointing(Linear(4 * n) >> Sigmoid() >> Linear(n), L, on=(n,))
    >>> found.checkpoint, found.block, found.best
    (n, 5*n, sqrt(5)*sqrt(L)/5)
    """

    times: Expr
    every: Symbol
    checkpoint: Expr
    block: Expr
    memory: Expr
    best: Expr
    apart: Expr

    def at(self, every: int) -> Expr:
        """What is kept at once with this many blocks from one checkpoint to the next, the last part with what remains.

        Raises
        ------
        FieldError
            If it is no positive integer.
        DomainError
            If the number of copies is not known as a number, or `every` is larger.
        """
        blocks, times = self._numbers(as_size(every, "every", least=1))
        parts = -(-times // blocks)
        rest = times - (parts - 1) * blocks
        found = [parts * self.checkpoint + rest * self.block - self.apart]
        if parts > 1:
            found.append((parts - 1) * self.checkpoint + blocks * self.block - self.apart)
        if is_positive(simplify(found[-1] - found[0])):
            return simplify(found[-1])
        if len(found) == 1 or is_positive(simplify(found[0] - found[1] + 1)):
            return simplify(found[0])
        raise DomainError(
            f"which part keeps most depends on sizes that are symbols: {found[0]} or {found[1]}; give numbers"
        )

    def least(self) -> int:
        """The best number of blocks from one checkpoint to the next; of equals one that divides the number of copies, and the smallest.

        Raises
        ------
        DomainError
            If the number of copies or the sizes are not known as numbers, or there are too many copies.
        """
        _, times = self._numbers(Integer(1))
        ratio = simplify(self.checkpoint / self.block)
        if not ratio.is_Rational:
            raise DomainError(
                f"the best whole number depends on {self.checkpoint} and {self.block}; give numbers, or take `best`, the best real number"
            )
        if times > MOST_COPIES:
            raise DomainError(f"{times} copies are more than {MOST_COPIES}; take `best`, the best real number")

        def memory(every: int) -> Any:
            parts = -(-times // every)
            rest = times - (parts - 1) * every
            return max(parts * ratio + rest, (parts - 1) * ratio + (every if parts > 1 else rest))

        return min(range(1, times + 1), key=lambda every: (memory(every), times % every > 0, every))

    def _numbers(self, every: Expr) -> tuple[int, int]:
        if not self.times.is_Integer or not every.is_Integer:
            raise DomainError(
                f"the number of copies is {self.times}, and a number is needed here; `memory` has it as a symbol"
            )
        if every > self.times:
            raise DomainError(f"there are {self.times} copies, and {every} are asked for at once")
        return int(every), int(self.times)


@checked
def checkpointing(
    block: Network, times: Any, on: Any = None, unit: str = "elements", policy: str = "equation", batch: Any = 1, itemsize: Any = None
) -> Checkpointing:  # fmt: skip
    """What training keeps of `times` copies of a block, of which only every few keep what enters them.

    On the way back each part of `every` blocks is carried out again from its checkpoint, with all that it keeps, before one goes back through it.

    Parameters
    ----------
    block : Network
        What leaves it has the shape of what enters it.
    times : int or symbol
        The number of copies.
    on : shape
        What enters the first one.
    unit, policy, batch, itemsize
        As in `saved_activations`.

    Returns
    -------
    Checkpointing

    Raises
    ------
    FieldError
        If `block` is no network, or an option is unknown.
    ShapeError
        If nothing enters the block, sizes do not fit, or what leaves has another shape than what enters.
    UnsupportedError
        If nothing goes back through the block, or a layer has no backward pass that is known here.

    Examples
    --------
    >>> from layeralgebra import Linear, checkpointing, dims
    >>> n = dims("n")
    >>> found = checkpointing(Linear(n), 100, on=(n,))
    >>> found.least(), found.at(10)  # ten checkpoints, and ten blocks, of which the first is read from its checkpoint
    (10, 19*n)

    References
    ----------
    Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174 (2016), section 4.
    """
    as_network(block, "checkpointing")
    if unit not in UNITS:
        raise FieldError(f"unit is one of {', '.join(UNITS)}, got {shown(unit)}")
    sizes: Mapping[str, Expr] = itemsizes(itemsize)
    examples, copies = as_size(batch, "batch", least=1), as_size(times, "times", least=1)
    evaluation = evaluate_network(block, SavingCarrier(policy, "none"), on)
    given, made = [flow.shape for flow in evaluation.inputs], evaluation.output.shape
    if len(given) != 1 or len(given[0]) != len(made) or not all(map(same, given[0], made)):
        raise ShapeError(f"copies of one shape are asked for, and {block} makes {made} of {', '.join(map(str, given))}")
    one = one_copy(evaluation.value, Flag(True))
    if not one.needs or one.through:
        raise UnsupportedError(f"no gradient goes back through {block}, so that it keeps nothing")
    known = one.record.tensors.get(one.entering)

    def weighed(entries: list[Entry]) -> Expr:
        return simplify(amount(entries, unit, examples, sizes))

    checkpoint = weighed([known or Entry(Mul(*given[0]), "activations")])
    between = checkpoint if known is not None or one.keeps_leaving else Integer(0)
    each = simplify(Add(weighed(one.inside), between))
    apart = simplify(between - (checkpoint if one.keeps_leaving else Integer(0)))
    if not is_positive(each):
        raise UnsupportedError(f"{block} keeps nothing, so that there is nothing to save by checkpoints")
    every = Symbol("s", integer=True, positive=True)
    taken = {symbol.name for part in (copies, each, checkpoint) for symbol in part.free_symbols}
    while every.name in taken:
        every = Symbol(f"{every.name}_", integer=True, positive=True)
    memory = simplify(checkpoint * ceiling(copies / every) + each * every - apart)
    return Checkpointing(copies, every, checkpoint, each, memory, sqrt(simplify(checkpoint * copies / each)), apart)
