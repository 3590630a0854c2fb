"""The node that every layer and composition is, and the signs that put nodes together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sympy import And, Expr, Tuple, ordered, true
from sympy.logic.boolalg import Boolean

from ..arguments import checked, shown
from ..errors import FieldError, GraphError
from ..formulas.conditions import conditions_of
from ..sizes.dims import as_size
from .basic import Basic
from .steps import Steps, carried_out

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
    raise FieldError(f"{what} takes a layer or a network, got {shown(value)} of type {type(value).__name__}")


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
    has_input: bool = False
    """Whether an `Input` stands somewhere in it."""
    several: tuple[str, ...] = ()
    """The names of its outputs, where there is more than one."""
    imported: Any = None
    """Of a network that was read from another framework: a report of what was read. Networks made of this one have none."""
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

    def __getitem__(self, names: object) -> "Network":
        """The network with one of its outputs, or some of them, by name."""
        return self.signs["[]"](self, names)

    __iter__ = None

    @checked
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


class Composition(Network):
    """A network made of others. What SymPy does to trees by recursion is done here in steps: these trees may be deep."""

    kind: ClassVar[str] = ""
    """The method of a walk that it calls."""
    nested: dict[type, int]
    """How deep the compositions of each class stand inside each other."""
    symbols: frozenset[Any] | None = None
    """Its free symbols, once something has asked for them: every walk does, at every repetition."""

    @classmethod
    def _of(cls, parts: Sequence[Network], *args: Any) -> Any:
        """The node with these arguments, among them these networks."""
        node = Basic.__new__(cls, *args)
        node.nested = {}
        for part in parts:
            node.has_input = node.has_input or part.has_input
            for kind, levels in getattr(part, "nested", {}).items():
                node.nested[kind] = max(levels, node.nested.get(kind, 0))
        node.nested[cls] = node.nested.get(cls, 0) + 1
        if node.nested[cls] > DEEPEST_NESTING:
            raise GraphError(f"networks are nested deeper than {DEEPEST_NESTING}; write a longer Series instead")
        hash(node)  # now, while those of its parts are known
        return node

    def accept(self, walk: Any, *carried: Any) -> Any:
        return getattr(walk, self.kind)(self, *carried)

    __hash__ = Basic.__hash__

    def __eq__(self, other: object) -> bool:
        pairs: list[tuple[Any, Any]] = [(self, other)]
        seen = set()
        while pairs:
            one, two = pairs.pop()
            if one is two or (id(one), id(two)) in seen:
                continue
            if type(one) is not type(two) or hash(one) != hash(two):
                return False
            if not isinstance(one, (Composition, Tuple)):
                if one != two:
                    return False
            elif len(one.args) != len(two.args):
                return False
            else:
                seen.add((id(one), id(two)))
                pairs.extend(zip(one.args, two.args))
        return True

    @property
    def free_symbols(self) -> Any:
        return set(carried_out(_free_symbols(self, {})))

    def atoms(self, *types: Any) -> set[Any]:
        kinds = tuple(kind if isinstance(kind, type) else type(kind) for kind in types)
        found: set[Any] = set()
        for node in _different(self):
            if isinstance(node, (Composition, Tuple)):
                found |= {node} if kinds and isinstance(node, kinds) else set()
            else:
                found |= node.atoms(*types)
        return found

    def _xreplace(self, rule: Any) -> tuple[Any, bool]:
        made: tuple[Any, bool] = carried_out(_replaced(self, rule, {}))
        return made

    def _subs(self, old: Any, new: Any, **hints: Any) -> Any:
        return carried_out(_substituted(self, old, new, hints, {}))

    def __deepcopy__(self, memo: Any) -> Composition:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        places: dict[int, int] = {}
        flat: list[tuple[Any, list[tuple[bool, Any]]]] = []
        for node in reversed(list(_different(self))):
            if isinstance(node, (Composition, Tuple)):
                flat.append((node.func, [(id(arg) in places, places.get(id(arg), arg)) for arg in node.args]))
                places[id(node)] = len(flat) - 1
        return _assembled, (flat,)


def _different(net: Network) -> Iterator[Any]:
    """A network and all that its compositions hold, every object once, each before what it holds."""
    order: list[Any] = []
    done: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(net, False)]
    while waiting:
        node, left = waiting.pop()
        if left:
            order.append(node)
        elif id(node) not in done:
            done.add(id(node))
            waiting.append((node, True))
            if isinstance(node, (Composition, Tuple)):
                waiting.extend((arg, False) for arg in node.args)
    return reversed(order)


def _assembled(flat: list[tuple[Any, list[tuple[bool, Any]]]]) -> Any:
    """A composition from its parts, each after those it holds."""
    made: list[Any] = []
    for kind, args in flat:
        made.append(kind(*(made[arg] if refers else arg for refers, arg in args)))
    return made[-1]


def _free_symbols(node: Any, done: dict[int, Any]) -> Steps[Any]:
    if isinstance(node, Composition) and node.symbols is not None:
        return node.symbols
    if id(node) not in done:
        found: set[Any] = set()
        for arg in node.args:
            found |= (yield _free_symbols(arg, done)) if isinstance(arg, (Composition, Tuple)) else arg.free_symbols
        done[id(node)] = frozenset(found - set(getattr(node, "bound_symbols", ())))
        if isinstance(node, Composition):
            node.symbols = done[id(node)]
    return done[id(node)]


def _replaced(node: Any, rule: Any, done: dict[int, Any]) -> Steps[tuple[Any, bool]]:
    if node in rule:
        return rule[node], True
    if id(node) not in done:
        args, changed = [], False
        for arg in node.args:
            made, different = (
                (yield _replaced(arg, rule, done)) if isinstance(arg, (Composition, Tuple)) else arg._xreplace(rule)
            )
            args.append(made)
            changed = changed or different
        done[id(node)] = node.func(*args) if changed else node, changed
    found: tuple[Any, bool] = done[id(node)]
    return found


def _substituted(node: Any, old: Any, new: Any, hints: dict[str, Any], done: dict[int, Any]) -> Steps[Any]:
    if node == old:
        return new
    if id(node) not in done:
        args = []
        bound = old in getattr(node, "bound_symbols", ())
        for arg in () if bound else node.args:
            deep = isinstance(arg, (Composition, Tuple))
            args.append((yield _substituted(arg, old, new, hints, done)) if deep else arg._subs(old, new, **hints))
        same = bound or all(made is arg for made, arg in zip(args, node.args))
        done[id(node)] = node if same else node.func(*args)
    return done[id(node)]


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
    where : sympy.Boolean or iterable of them, optional
        What else holds of the sizes that may enter; it is part of the domain of every formula.

    Raises
    ------
    FieldError
        Without a size, with more than 16, if one is no size of at least 1, or if `where` is no relation.

    Examples
    --------
    >>> from sympy import Eq, Mod
    >>> from layeralgebra import Conv, Input, derive, dims
    >>> H, W = dims("H W")
    >>> Input(3, H, W).shape
    (3, H, W)
    >>> derive("macs", Input(3, H, W, where=Eq(Mod(W, 8), 0)) >> Conv(4, 1))(H=2, W=9)
    Traceback (most recent call last):
    ...
    layeralgebra.algebra.errors.DomainError: at 0: what is stated of the sizes that enter: 8 divides W fails for W=9
    """

    def __new__(cls, *shape: object, where: object = ()) -> "Input":
        if len(shape) == 1 and isinstance(shape[0], (tuple, list, Tuple)):
            shape = tuple(shape[0])
        if shape and _is_relation(shape[-1]):
            shape, where = shape[:-1], [shape[-1], *conditions_of(where)]
        relations = And(*(condition.relation for condition in conditions_of(where)))
        if not shape:
            raise FieldError("Input needs a shape; write Input(3, 224, 224)")
        if len(shape) > 16:
            raise FieldError(f"Input has {len(shape)} axes, more than 16")
        sizes = (as_size(size, f"Input size {place}") for place, size in enumerate(shape))
        return Basic.__new__(cls, *sizes, *([] if relations == true else [relations]))

    has_input = True

    @property
    def shape(self) -> tuple[Expr, ...]:
        return self.args[:-1] if _is_relation(self.args[-1]) else self.args

    @property
    def where(self) -> tuple[Boolean, ...]:
        """What else holds of the sizes, relation by relation."""
        return tuple(ordered(And.make_args(self.args[-1]))) if _is_relation(self.args[-1]) else ()

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.input(self, *carried)


def _is_relation(value: object) -> bool:
    return isinstance(value, Boolean) and not isinstance(value, Expr)  # a symbol is both in SymPy


def _identity() -> Network:
    """The layer that stands for the common input of branches, whoever defined it."""
    for kind in Network.__subclasses__():
        for layer in kind.__subclasses__():
            if layer.__dict__.get("equation") == "y[*i] = x[*i]" and not getattr(layer, "fields", True):
                made: Network = layer()
                return made
    raise GraphError("there is no identity layer to stand for the common input of the branches")
