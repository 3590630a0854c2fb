"""The node that every layer and composition is, and the signs that put nodes together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sympy import Expr, Tuple

from ..errors import FieldError, GraphError
from ..sizes.dims import as_size
from .basic import Basic

if TYPE_CHECKING:
    import networkx

DEEPEST_NESTING = 200
C = TypeVar("C", bound="type[Network]")


def as_network(value: object, what: str) -> "Network":
    """A network, or an error that says what stood in its place."""
    if isinstance(value, Network):
        return value
    if isinstance(value, type) and issubclass(value, Network):
        raise FieldError(f"{what} takes a layer, got the class {value.__name__}; write {value.__name__}(...)")
    raise FieldError(f"{what} takes a layer or a network, got {value!r} of type {type(value).__name__}")


class Network(Basic):
    """Anything that maps tensors to tensors: a layer, or layers put together. See the module for the operators.

    Examples
    --------
    >>> from layeralgebra import Identity, Linear, Network
    >>> net = Identity() + Linear(4)
    >>> isinstance(net, Network), net >> net == net**2
    (True, False)
    """

    is_identity = False
    signs: ClassVar[dict[str, "type[Network]"]] = {}
    """What each sign makes of its operands; compositions enter themselves with `written`."""

    def accept(self, walk: Any, *carried: Any) -> Any:
        """What a walk makes of this node: each kind of composition calls the method of the walk that is named after it."""
        return walk.otherwise(self, *carried)

    def __rshift__(self, other: object) -> "Network":
        return self.signs[">>"](self, as_network(other, ">>"))

    def __rrshift__(self, other: object) -> "Network":
        return self.signs[">>"](as_network(other, ">>"), self)

    def __add__(self, other: object) -> "Network":
        return self.signs["+"](self, as_network(other, "+"))

    def __radd__(self, other: object) -> "Network":
        return self.signs["+"](as_network(other, "+"), self)

    def __or__(self, other: object) -> "Network":
        return self.signs["|"](self, as_network(other, "|"))

    def __ror__(self, other: object) -> "Network":
        return self.signs["|"](as_network(other, "|"), self)

    def __mul__(self, other: object) -> "Network":
        return self.signs["*"](self, as_network(other, "*"))

    def __rmul__(self, other: object) -> "Network":
        return self.signs["*"](as_network(other, "*"), self)

    def __pow__(self, times: object) -> "Network":
        return self.signs["**"](self, times)

    def shared(self, name: str) -> "Network":
        """This network with its weights shared under a name: wherever the name stands, the weights are the same ones.

        Parameters
        ----------
        name : str
            Any text. The k-th weight tensor under a name is one tensor wherever it is used; sizes must agree.

        Returns
        -------
        Shared

        Examples
        --------
        >>> from layeralgebra import Linear, parameters
        >>> f = Linear(4).shared("f")
        >>> parameters(f >> f, on=(4,))
        20
        """
        return self.signs["shared"](self, name)

    def to_networkx(self) -> "networkx.DiGraph":
        """A `networkx.DiGraph` whose nodes carry the attribute ``layer``; `from_networkx` reads it back."""
        from .networkx_graph import to_networkx

        return to_networkx(self, _identity)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self._latex(None)}$"

    def _latex(self, printer: Any) -> str:
        from .notation import network_latex

        return network_latex(self)

    def _sympystr(self, printer: Any) -> str:
        from .notation import network_text

        return network_text(self)

    def _sympyrepr(self, printer: Any) -> str:
        return self._sympystr(printer)

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(self._sympystr(printer))


def written(sign: str) -> Callable[[C], C]:
    """Says of a class of compositions that it is what a sign between networks, or a method of theirs, makes."""

    def note(kind: C) -> C:
        Network.signs[sign] = kind
        return kind

    return note


class Input(Network):
    """The input of a closed network, with the shape of one example (the batch is not part of it).

    Parameters
    ----------
    *shape : int or Expr
        (channels, *spatial) for images, (time, features) for sequences.

    Raises
    ------
    FieldError
        Without a size, with more than 16, or if one is no size of at least 1.

    Examples
    --------
    >>> from layeralgebra import Input, dims
    >>> Input(3, *dims("H W")).shape
    (3, H, W)
    """

    def __new__(cls, *shape: object) -> "Input":
        if len(shape) == 1 and isinstance(shape[0], (tuple, list, Tuple)):
            shape = tuple(shape[0])
        if not shape:
            raise FieldError("Input needs a shape; write Input(3, 224, 224)")
        if len(shape) > 16:
            raise FieldError(f"Input has {len(shape)} axes, more than 16")
        return Basic.__new__(cls, *(as_size(size, f"Input size {place}") for place, size in enumerate(shape)))

    @property
    def shape(self) -> tuple[Expr, ...]:
        return self.args

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.input(self, *carried)


def _identity() -> Network:
    """The layer that stands for the common input of branches, whoever defined it."""
    for kind in Network.__subclasses__():
        for layer in kind.__subclasses__():
            if layer.__dict__.get("equation") == "y[*i] = x[*i]" and not getattr(layer, "fields", True):
                made: Network = layer()
                return made
    raise GraphError("there is no identity layer to stand for the common input of the branches")
