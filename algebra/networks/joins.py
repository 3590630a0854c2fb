"""Joins: branches that see the same input, and what becomes of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from sympy import Integer, Rational
from sympy.core.symbol import Str

from ..arguments import shown
from ..errors import FieldError, UnsupportedError
from .arity import must_be_one
from .node import Composition, Network, as_network, written


class Join(Composition):
    """Branches that see the same input, and how their outputs are joined; without branches, in a graph, a join of all that arrives.

    A subclass states how it is written and what it computes; shapes, work, numbers and maps follow from that.

    Attributes
    ----------
    sign, latex_sign : str
        What stands between two branches; empty for a join that is written as a call.
    level : int
        How tightly the sign binds.
    joined : str
        What happens to the branches, a participle for messages.
    associative : bool
        Whether a join of the same kind among the branches is taken apart.

    Examples
    --------
    >>> from sympy import Rational
    >>> from layeralgebra import Linear, ReLU, flops, run
    >>> class Mean(Join):
    ...     def coefficients(self, count):
    ...         return (Rational(1, count),) * count
    >>> flops(Mean(ReLU(), ReLU()), on=(4,)) - 2 * flops(ReLU(), on=(4,))
    8
    >>> run(Mean(ReLU(), ReLU() >> ReLU()), [2, -4])
    array([2, 0])
    """

    kind: ClassVar[str] = "join"
    sign: ClassVar[str] = ""
    latex_sign: str = ""
    level: ClassVar[int] = 0
    joined: ClassVar[str] = "joined"
    associative: ClassVar[bool] = False

    def __new__(cls, *branches: object) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        flat: list[object] = []
        for branch in branches:
            flat.extend(branch.args if cls.associative and isinstance(branch, cls) and branch.args else (branch,))
        networks = [as_network(branch, cls.__name__) for branch in flat]
        must_be_one(networks, cls.sign or cls.__name__)
        return cls._of(networks, *networks)

    @property
    def branches(self) -> tuple[Network, ...]:
        return self.args

    parts = branches

    @property
    def has_sign(self) -> bool:
        """Whether the text has the sign between the branches, and not the name before them."""
        return bool(self.sign)

    @property
    def options(self) -> str:
        """What stands after the branches in a call."""
        return ""

    @property
    def label(self) -> str:
        """What stands on the node where arrows join."""
        return self.sign or type(self).__name__

    @property
    def noun(self) -> str:
        """What the result is called in messages."""
        return f"{type(self).__name__} of branches"

    def without_branches(self) -> Any:
        """The same join for whatever arrives."""
        return type(self)()

    def stacked_axis(self, rank: int, channels: str | None) -> int | None:
        """The axis along which outputs stand one after the other, or None if they are joined element by element."""
        return None

    @property
    def stacks(self) -> bool:
        """Whether outputs stand one after the other."""
        return self.stacked_axis(1, None) is not None

    def coefficients(self, count: int) -> tuple[Rational, ...] | None:
        """By what each of `count` outputs is multiplied before they are added; None if the join is not linear."""
        return None

    def work(self, count: int) -> tuple[int, int]:
        """Multiplications and additions for each element of the output; a factor that all share is multiplied once."""
        if self.stacks:
            return 0, 0
        found = self.coefficients(count)
        if found is None:
            raise UnsupportedError(f"{type(self).__name__} does not say what its joining costs; give it a method work")
        factors = found[:1] if len(set(found)) == 1 else found
        return sum(factor not in (1, -1) for factor in factors), count - 1

    def combine(self, arrays: Sequence[Any], number: Callable[[Rational], Any]) -> Any:
        """Outputs of one shape joined element by element; `number` makes a factor of a rational for these arrays."""
        found = self.coefficients(len(arrays))
        if found is None:
            raise UnsupportedError(f"{type(self).__name__} does not say what it computes; give it a method combine")
        shared = found[0] if len(set(found)) == 1 else Integer(1)
        total: Any = None
        for array, factor in zip(arrays, found):
            term = array if factor == shared else array * number(factor)
            total = term if total is None else total + term
        return total if shared == 1 else total * number(shared)


@written("+")
class Add(Join):
    """Branches of one input, outputs added: ``f + g``. Without branches, in a graph: the sum of all that arrives.

    Parameters
    ----------
    *branches : Network
        Without any, in a graph: the sum of all that arrives.

    Raises
    ------
    FieldError
        If a branch is no network.

    Examples
    --------
    >>> from layeralgebra import Add, Identity, Linear, parameters
    >>> Add(Identity(), Linear(4)) == Identity() + Linear(4)
    True
    """

    sign, latex_sign, level, joined, associative = "+", "+", 2, "added", True

    def coefficients(self, count: int) -> tuple[Rational, ...]:
        return (Integer(1),) * count


@written("*")
class Mul(Join):
    """Branches of one input, outputs multiplied elementwise: ``f * g`` (gates). An axis of size 1 is broadcast.

    Parameters
    ----------
    *branches : Network
        Without any, in a graph: the product of all that arrives.

    Raises
    ------
    FieldError
        If a branch is no network.

    Examples
    --------
    >>> from layeralgebra import Linear, Mul, Sigmoid
    >>> Mul(Linear(4), Linear(4) >> Sigmoid()) == Linear(4) * (Linear(4) >> Sigmoid())
    True
    """

    sign, latex_sign, level, joined, associative = "*", r"\odot", 3, "multiplied", True
    noun = "a product of branches"

    def work(self, count: int) -> tuple[int, int]:
        return count - 1, 0

    def combine(self, arrays: Sequence[Any], number: Callable[[Rational], Any]) -> Any:
        total = arrays[0]
        for array in arrays[1:]:
            total = total * array
        return total


@written("|")
class Concat(Join):
    """Branches of one input, outputs concatenated: ``f | g`` along the channels, ``Concat(f, g, axis=1)`` elsewhere.

    The channels are the first axis of what image layers make and the last of what sequence layers make.

    Parameters
    ----------
    *branches : Network
        Without any, in a graph: the concatenation of all that arrives.
    axis : int, optional
        The channels, if left out.

    Raises
    ------
    FieldError
        If a branch is no network, or `axis` no integer.

    Examples
    --------
    >>> from layeralgebra import Concat, Conv, output_shape
    >>> output_shape(Concat(Conv(4, 3, padding=1), Conv(8, 3, padding=1), axis=0), on=(3, 9, 9))
    (12, 9, 9)
    """

    sign, level, joined = "|", 0, "concatenated"

    def __new__(cls, *branches: object, axis: object = None) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        flat: list[object] = []
        given = list(branches)
        if given and isinstance(given[-1], (Integer, Str)) and axis is None:
            last = given.pop()
            axis = int(last) if isinstance(last, Integer) else None
        if axis is not None and not (isinstance(axis, (int, Integer)) and not isinstance(axis, bool)):
            raise FieldError(f"Concat takes the number of an axis, got axis={shown(axis)}")
        along = None if axis is None else int(axis)
        for branch in given:
            if isinstance(branch, Concat) and branch.branches and branch.axis == along:
                flat.extend(branch.branches)
            else:
                flat.append(branch)
        where = Str("channels") if along is None else Integer(along)
        networks = [as_network(branch, "Concat") for branch in flat]
        return cls._of(networks, *networks, where)

    @property
    def branches(self) -> tuple[Network, ...]:
        return self.args[:-1]

    parts = branches

    @property
    def latex_sign(self) -> str:  # type: ignore[override]  # elsewhere it is the same for all of a class
        return r"\mathbin{\Vert}" if self.axis is None else rf"\mathbin{{\Vert_{{{self.axis}}}}}"

    @property
    def has_sign(self) -> bool:
        return self.axis is None

    @property
    def options(self) -> str:
        return "" if self.axis is None else f"axis={self.axis}"

    @property
    def label(self) -> str:
        return "concatenate" if self.axis is None else f"concatenate axis {self.axis}"

    def without_branches(self) -> Any:
        return Concat(axis=self.axis)

    def stacked_axis(self, rank: int, channels: str | None) -> int:
        last = isinstance(channels, str) and channels == "last"
        return self.axis if self.axis is not None else rank - 1 if last else 0

    def coefficients(self, count: int) -> tuple[Rational, ...]:
        return (Integer(1),) * count

    @property
    def axis(self) -> int | None:
        """The number of the axis, or None for the channels."""
        return None if isinstance(self.args[-1], Str) else int(self.args[-1])
