"""Composition: layers in series, in parallel, repeated, on a graph. Every node is a SymPy object.

>>> from layeralgebra import Identity, Linear, ReLU
>>> f, g, h = Linear(4), ReLU(), Linear(5)
>>> (f >> g) >> h == f >> (g >> h)          # series is associative
True
>>> f >> Identity() == f == Identity() >> f  # and has an identity
True

The constructors only flatten and drop identities; nothing else is rewritten, so that what is counted is what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from sympy import Expr, Integer, Rational, Symbol, Tuple
from sympy.core.symbol import Str

from ..errors import FieldError, GraphError, UnsupportedError
from ..sizes.dims import as_size
from .basic import Basic

if TYPE_CHECKING:
    import networkx

DEEPEST_NESTING = 200
ATOM = 9
"""How tightly a name binds; signs bind less, each as tightly as the `level` of its node says."""
R = TypeVar("R")


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

    def accept(self, walk: Any, *carried: Any) -> Any:
        """What a walk makes of this node: each kind of composition calls the method of the walk that is named after it."""
        return walk.otherwise(self, *carried)

    def __rshift__(self, other: object) -> "Network":
        return Series(self, as_network(other, ">>"))

    def __rrshift__(self, other: object) -> "Network":
        return Series(as_network(other, ">>"), self)

    def __add__(self, other: object) -> "Network":
        return Add(self, as_network(other, "+"))

    def __radd__(self, other: object) -> "Network":
        return Add(as_network(other, "+"), self)

    def __or__(self, other: object) -> "Network":
        return Concat(self, as_network(other, "|"))

    def __ror__(self, other: object) -> "Network":
        return Concat(as_network(other, "|"), self)

    def __mul__(self, other: object) -> "Network":
        return Mul(self, as_network(other, "*"))

    def __rmul__(self, other: object) -> "Network":
        return Mul(as_network(other, "*"), self)

    def __pow__(self, times: object) -> "Network":
        return Repeat(self, times)

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
        return Shared(self, name)

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


class Join(Network):
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

    sign: ClassVar[str] = ""
    latex_sign: str = ""
    level: ClassVar[int] = ATOM
    joined: ClassVar[str] = "joined"
    associative: ClassVar[bool] = False

    def __new__(cls, *branches: object) -> "Network":  # type: ignore[misc]  # what is alone stands for itself
        flat: list[object] = []
        for branch in branches:
            flat.extend(branch.args if cls.associative and isinstance(branch, cls) and branch.args else (branch,))
        return Basic.__new__(cls, *(as_network(branch, cls.__name__) for branch in flat))

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

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.join(self, *carried)


class Series(Network):
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
        return kept[0] if len(kept) == 1 else Basic.__new__(cls, *kept)

    @property
    def parts(self) -> tuple[Network, ...]:
        return self.args

    sign: ClassVar[str] = ">>"
    latex_sign: ClassVar[str] = r"\to"
    level: ClassVar[int] = 1
    has_sign: ClassVar[bool] = True
    options: ClassVar[str] = ""

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.series(self, *carried)


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
            raise FieldError(f"Concat takes the number of an axis, got axis={axis!r}")
        along = None if axis is None else int(axis)
        for branch in given:
            if isinstance(branch, Concat) and branch.branches and branch.axis == along:
                flat.extend(branch.branches)
            else:
                flat.append(branch)
        where = Str("channels") if along is None else Integer(along)
        return Basic.__new__(cls, *(as_network(branch, "Concat") for branch in flat), where)

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
        return self.axis if self.axis is not None else rank - 1 if channels == "last" else 0

    def coefficients(self, count: int) -> tuple[Rational, ...]:
        return (Integer(1),) * count

    @property
    def axis(self) -> int | None:
        """The number of the axis, or None for the channels."""
        return None if isinstance(self.args[-1], Str) else int(self.args[-1])


class Repeat(Network):
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
        if isinstance(body, Input) or body.has(Input):
            raise GraphError("a network that begins with Input cannot be repeated; repeat the part after it")
        if index is None or index == Tuple():
            return Basic.__new__(cls, body, size, Tuple())
        if not isinstance(index, Symbol):
            raise FieldError(f"the index of a repetition is a symbol, got {index!r}")
        if size.has(index):
            raise FieldError(f"the number of copies {size} contains the index {index}")
        return Basic.__new__(cls, body, size, index)

    @property
    def body(self) -> Network:
        return self.args[0]

    @property
    def times(self) -> Expr:
        return self.args[1]

    @property
    def index(self) -> Symbol | None:
        return None if self.args[2] == Tuple() else self.args[2]

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.repeat(self, *carried)

    @property
    def bound_symbols(self) -> list[Symbol]:
        return [] if self.index is None else [self.index]

    @property
    def free_symbols(self) -> set:
        return (self.body.free_symbols - set(self.bound_symbols)) | self.times.free_symbols

    def _eval_subs(self, old: Basic, new: Basic) -> Basic | None:
        if self.index is not None and old == self.index:
            return self
        return None

    def copy(self, number: object) -> Network:
        """The copy of a given number."""
        return (
            self.body if self.index is None else self.body.xreplace({self.index: as_size(number, "the copy", least=0)})
        )


class Shared(Network):
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
            raise FieldError(f"weights are shared under a name, got {name!r}; write f.shared('name')")
        return Basic.__new__(cls, as_network(body, "shared"), name if isinstance(name, Str) else Str(name))

    @property
    def body(self) -> Network:
        return self.args[0]

    @property
    def name(self) -> str:
        return self.args[1].name

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.shared(self, *carried)


class Graph(Network):
    """Any directed acyclic graph of networks.

    Parameters
    ----------
    nodes : mapping of str to Network
        `Add()`, `Mul()` and `Concat(axis=...)` without branches join whatever arrives; every other node takes one input, or as many as
        its equation names, in the order of the edges.
    edges : iterable of (str, str)
        From, to.

    Raises
    ------
    GraphError
        If an edge names no node, there is a cycle, or not exactly one node without successor.
    FieldError
        If a node is no network.

    Examples
    --------
    >>> from layeralgebra import Graph, Add, Linear, parameters
    >>> net = Graph({"f": Linear(4), "g": Linear(4), "sum": Add()}, [("f", "g"), ("f", "sum"), ("g", "sum")])
    >>> parameters(net, on=(4,))
    40
    """

    def __new__(cls, nodes: object, edges: object = ()) -> "Graph":
        pairs = _node_pairs(nodes)
        names = [name for name, _ in pairs]
        known = set(names)
        arrows: dict[tuple[str, str], None] = {}
        for edge in edges:  # type: ignore[attr-defined]
            ends = tuple(str(end) for end in edge)
            if len(ends) != 2:
                raise GraphError(f"an edge is a pair of names, got {edge!r}")
            for end in ends:
                if end not in known:
                    raise GraphError(
                        f"the edge {ends[0]} -> {ends[1]} names {end!r}; the nodes are {', '.join(names[:20])}"
                    )
            if ends in arrows:
                raise GraphError(f"the edge {ends[0]} -> {ends[1]} stands twice")
            arrows[ends] = None
        _topological_order(names, arrows)
        sources = {source for source, _ in arrows}
        sinks = [name for name in names if name not in sources]
        if len(sinks) != 1:
            raise GraphError(f"a network has one output, this graph has {len(sinks)}: {', '.join(sinks[:10])}")
        return Basic.__new__(
            cls, Tuple(*(Tuple(Str(n), node) for n, node in pairs)), Tuple(*(Tuple(Str(a), Str(b)) for a, b in arrows))
        )

    @property
    def nodes(self) -> dict[str, Network]:
        return {pair[0].name: pair[1] for pair in self.args[0]}

    @property
    def edges(self) -> list[tuple[str, str]]:
        return [(pair[0].name, pair[1].name) for pair in self.args[1]]

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.graph(self, *carried)

    def order(self) -> list[str]:
        """The names of the nodes, each after everything it needs."""
        return _topological_order(list(self.nodes), self.edges)

    def predecessors(self) -> dict[str, list[str]]:
        """For every node the names of its predecessors, in the order of the edges."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            found[target].append(source)
        return found

    @property
    def sink(self) -> str:
        sources = {source for source, _ in self.edges}
        return next(name for name in self.nodes if name not in sources)


class Walk(Generic[R]):
    """A walk over networks: one method for each way of composing. What a walk says nothing about goes to `otherwise`."""

    def layer(self, node: Any, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def input(self, node: Input, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def series(self, node: Series, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def join(self, node: Join, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def repeat(self, node: Repeat, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def shared(self, node: Shared, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def graph(self, node: Graph, *carried: Any, **named: Any) -> R:
        return self.otherwise(node, *carried)

    def otherwise(self, node: Network, *carried: Any, **named: Any) -> R:
        raise UnsupportedError(f"{type(node).__name__} is neither a layer nor a composition known here")


def _identity() -> Network:
    """The layer that stands for the common input of branches, whoever defined it."""
    for kind in Network.__subclasses__():
        for layer in kind.__subclasses__():
            if layer.__dict__.get("equation") == "y[*i] = x[*i]" and not getattr(layer, "fields", True):
                made: Network = layer()
                return made
    raise GraphError("there is no identity layer to stand for the common input of the branches")


def _node_pairs(nodes: object) -> list[tuple[str, Network]]:
    items: Iterable[Any] = nodes.items() if isinstance(nodes, Mapping) else nodes  # type: ignore[assignment]
    pairs: list[tuple[str, Network]] = []
    try:
        for name, node in items:
            if not isinstance(name, (str, Str)) or not str(name):
                raise GraphError(f"a node has a name, got {name!r}")
            pairs.append((str(name), as_network(node, f"the node {name}")))
    except (TypeError, ValueError) as error:
        if isinstance(error, (GraphError, FieldError)):
            raise
        raise GraphError("the nodes of a graph are given as a mapping of names to layers") from None
    if not pairs:
        raise GraphError("a graph needs at least one node")
    if len({name for name, _ in pairs}) != len(pairs):
        raise GraphError("two nodes have the same name")
    return pairs


def _topological_order(names: list[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Kahn's order, in linear time; a cycle is reported by the names in it."""
    waiting = {name: 0 for name in names}
    following: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        waiting[target] += 1
        following[source].append(target)
    ready = [name for name in names if not waiting[name]]
    order: list[str] = []
    while ready:
        name = ready.pop()
        order.append(name)
        for target in following[name]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(order) != len(names):
        done = set(order)
        left = [name for name in names if name not in done]
        raise GraphError(
            f"the graph has a cycle among {', '.join(left[:10])}; a recurrence belongs inside a layer's equation"
        )
    return order
