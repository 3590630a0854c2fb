"""Networks one after the other, copies of one network, and weights that are used again."""

from __future__ import annotations

from typing import ClassVar

from sympy import Expr, Symbol, Tuple
from sympy.core.symbol import Str

from ..arguments import shown
from ..errors import FieldError, GraphError
from ..sizes.dims import as_size
from .arity import inputs_taken, must_fit
from .node import Composition, Input, Network, as_network, written


@written(">>")
class Series(Composition):
    """Networks one after the other: ``f >> g`` is g after f. Nested series flatten, identities disappear.

    Parameters
    ----------
    *parts : Network
        In the order in which they are applied; one alone is returned as it is.

    Raises
    ------
    FieldError
        Without a part, or if one is no network.
    GraphError
        If an `Input` stands anywhere but at the beginning.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, ReLU, Series
    >>> Series(Linear(4), Identity(), ReLU())
    Linear(4) >> ReLU()
    """

    def __new__(cls, *parts: object) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        flat: list[Network] = []
        for part in parts:
            part = as_network(part, ">>")
            flat.extend(part.args if isinstance(part, Series) else (part,))
        kept = [part for part in flat if not part.is_identity]
        for place, part in enumerate(kept):
            if place and isinstance(part, Input):
                raise GraphError(f"Input{part.shape} stands after {kept[place - 1]}; an input begins a network")
        if not kept:
            if not flat:
                raise FieldError("Series needs at least one part")
            return flat[0]
        if len(kept) == 1:
            return kept[0]
        for before, after in zip(kept, kept[1:]):
            if before.several:
                must_fit(before, after)
        made = cls._of(kept, *kept)
        made.several = kept[-1].several
        return made

    kind = "series"

    @property
    def parts(self) -> tuple[Network, ...]:
        return self.args

    sign: ClassVar[str] = ">>"
    latex_sign: ClassVar[str] = r"\to"
    level: ClassVar[int] = 1
    has_sign: ClassVar[bool] = True
    options: ClassVar[str] = ""


@written("**")
class Repeat(Composition):
    """Copies of a network in series: ``f ** L``, with L an integer or a symbol. Each copy has weights of its own.

    Parameters
    ----------
    body : Network
    times : int or Expr
        The number of copies; 0 is the identity.
    index : Symbol, optional
        A symbol that stands in the body for the number of the copy, 0 to times - 1, so that widths can change from copy to copy.

    Raises
    ------
    FieldError
        If `body` is no network, `times` no size of at least 0, or `index` no symbol or one that `times` contains.
    GraphError
        If `body` contains an `Input`.

    Examples
    --------
    >>> from layeralgebra import Linear, Repeat, dims, parameters
    >>> n, L, l = dims("n L l")
    >>> parameters(Linear(n) ** L, on=(n,))
    L*n**2 + L*n
    """

    def __new__(cls, body: object, times: object, index: object = None) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        body = as_network(body, "**")
        size = as_size(times, "the number of copies", least=0)
        if body.has_input:
            raise GraphError("a network that begins with Input cannot be repeated; repeat the part after it")
        if body.several and inputs_taken(body) != len(body.several):
            raise GraphError(
                f"copies of {body} do not follow each other: it has {len(body.several)} outputs ({', '.join(body.several)}), and takes "
                f"{inputs_taken(body)}; write f[{body.several[0]!r}] ** L, or a network that takes as many inputs as it has outputs"
            )
        if index is None or isinstance(index, Tuple) and not index:
            index = Tuple()
        elif not isinstance(index, Symbol):
            raise FieldError(f"the index of a repetition is a symbol, got {shown(index)}")
        elif size.has(index):
            raise FieldError(f"the number of copies {size} contains the index {index}")
        made = cls._of((body,), body, size, index)
        made.several = body.several
        return made

    kind = "repeat"

    @property
    def body(self) -> Network:
        return self.args[0]

    @property
    def times(self) -> Expr:
        return self.args[1]

    @property
    def index(self) -> Symbol | None:
        return None if self.args[2] == Tuple() else self.args[2]

    @property
    def bound_symbols(self) -> list[Symbol]:
        return [] if self.index is None else [self.index]

    def copy(self, number: object) -> Network:
        """The copy of a given number."""
        return (
            self.body if self.index is None else self.body.xreplace({self.index: as_size(number, "the copy", least=0)})
        )


@written("shared")
class Shared(Composition):
    """A network whose weights are shared under a name; see `Network.shared`.

    Parameters
    ----------
    body : Network
    name : str
        Not empty.

    Raises
    ------
    FieldError
        If `body` is no network, or `name` no text.

    Examples
    --------
    >>> from layeralgebra import Linear, Shared
    >>> Shared(Linear(4), "f") == Linear(4).shared("f")
    True
    """

    def __new__(cls, body: object, name: object) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        if not isinstance(name, (str, Str)) or not str(name):
            raise FieldError(f"weights are shared under a name, got {shown(name)}; write f.shared('name')")
        body = as_network(body, "shared")
        made = cls._of((body,), body, name if isinstance(name, Str) else Str(name))
        made.several = body.several
        return made

    kind = "shared"

    @property
    def body(self) -> Network:
        return self.args[0]

    @property
    def name(self) -> str:
        return self.args[1].name
