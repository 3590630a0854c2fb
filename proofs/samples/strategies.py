"""Hypothesis strategies for sizes, layers, networks and graphs, which shrink to few layers and small sizes.

What is drawn always fits together. A layer or network comes with what enters it, as a `Sample`:

>>> import math
>>> from hypothesis import given, settings
>>> import layeralgebra as la
>>> @settings(max_examples=3, database=None, derandomize=True)
... @given(networks())
... def a_function_after_a_network_makes_as_many_elements_as_it_takes(sample):
...     net, on = sample
...     made = la.activations(net >> la.Tanh(), on=on) - la.activations(net, on=on)
...     assert made == math.prod(la.output_shape(net, on=on))
>>> a_function_after_a_network_makes_as_many_elements_as_it_takes()

All registered layers and all ways of composition occur; numbers of channels, positions and layers are bounded by arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from sympy import Symbol

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.metrics.output_shape import output_shape
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Add, Concat, Graph, Input, Mul, Network, Repeat
from ...algebra.sizes.dims import dims as symbols
from ...layers import REGISTRY
from .cases import cases, drawn_freely
from .hints import HINTS, shape

#: Ways of composition that `networks` draws.
OPERATORS = ("series", "add", "concat", "mul", "repeat", "shared")
#: How often a layer is looked for that fits a given shape, before one is taken that always does.
ATTEMPTS = 4
#: More elements than this do not enter a layer or leave it.
MOST_ELEMENTS = 600

Shape = tuple[int, ...]


class Sample(NamedTuple):
    """A network and what enters it: a shape, a list of shapes, or None where it has inputs of its own."""

    net: Network
    on: Any


def dims(names: str | None = None, *, least: int = 1, most: int = 6) -> st.SearchStrategy[Any]:
    """Sizes: one integer, or for names a mapping of their symbols to integers, as derivations take them.

    Parameters
    ----------
    names : str, optional
        Such as ``"H W c"``.
    least, most : int

    Returns
    -------
    hypothesis strategy

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dims("H W"), lambda sizes: True)
    {H: 1, W: 1}
    """
    if not 0 <= least <= most:
        raise FieldError(f"sizes from {least} to {most}: write 0 <= least <= most")
    one = st.integers(least, most)
    if names is None:
        return one
    made = symbols(names)
    keys = (made,) if isinstance(made, Symbol) else made
    return st.fixed_dictionaries({key: one for key in keys})


def layers(kinds: Any = None, *, on: Shape | None = None, keeps_shape: bool = False) -> st.SearchStrategy[Sample]:
    """Layers with what enters them.

    Parameters
    ----------
    kinds : class of layers or sequence of them, optional
        All registered layers, if left out.
    on : tuple of int, optional
        The shape that is to enter, for layers with one input.
    keeps_shape : bool
        Only layers whose output has the shape of their input.

    Returns
    -------
    hypothesis strategy of Sample

    Examples
    --------
    >>> from hypothesis import find
    >>> from layeralgebra import Linear
    >>> find(layers(Linear), lambda sample: True)
    Sample(net=Linear(1, False), on=(1,))
    """
    wanted = _kinds(kinds)
    if on is None and not keeps_shape:
        return _layers_anywhere(wanted)
    if on is None:
        return shape().flatmap(lambda sizes: _sample(_fitting(wanted, sizes, True), sizes))
    return _sample(_fitting(wanted, tuple(on), keeps_shape), tuple(on))


def networks(
    on: Shape | None = None,
    *,
    kinds: Any = None,
    operators: Sequence[str] = OPERATORS,
    most: int = 5,
    keeps_shape: bool = False,
    closed: bool = False,
) -> st.SearchStrategy[Sample]:
    """Networks of one input, put together with operators, with what enters them.

    Parameters
    ----------
    on : tuple of int, optional
        The shape that is to enter.
    kinds : class of layers or sequence of them, optional
    operators : sequence of str
        Some of `OPERATORS`.
    most : int
        At most so many layers (a joining of branches that do not fit is left out).
    keeps_shape : bool
        Only networks whose output has the shape of their input.
    closed : bool
        Networks that begin with `Input`; then `on` of the sample is None.

    Returns
    -------
    hypothesis strategy of Sample

    Examples
    --------
    >>> from hypothesis import find
    >>> from layeralgebra import Add
    >>> find(networks(on=(2, 3)), lambda sample: isinstance(sample.net, Add)).net
    Identity() + Identity()
    """
    unknown = [word for word in operators if word not in OPERATORS]
    if unknown:
        raise FieldError(f"no operator is called {unknown[0]!r}; there are {', '.join(OPERATORS)}")
    if most < 1:
        raise FieldError(f"a network has at least one layer, got most={most}")
    wanted = _kinds(kinds)

    @st.composite
    def drawn(draw: Callable) -> Sample:
        if on is not None:
            entering, first = tuple(on), None
        elif keeps_shape:
            entering, first = draw(shape(largest=4)), None
        else:
            first, entering = draw(_layers_anywhere(wanted, inputs=1))
        net = _network(draw, wanted, tuple(operators), entering, most - (first is not None), keeps_shape)
        if first is not None:
            net = _composed(draw, wanted, tuple(operators), first, entering, most - 1)
        return Sample(Input(*entering) >> net, None) if closed else Sample(net, entering)

    return drawn()


def graphs(on: Shape | None = None, *, kinds: Any = None, most: int = 5) -> st.SearchStrategy[Sample]:
    """Directed acyclic graphs: nodes that read earlier nodes, sums and concatenations, layers with several inputs.

    Parameters
    ----------
    on : tuple of int, optional
        The shape that is to enter; by default it is drawn, and graphs with several `Input` nodes occur as well.
    kinds : class of layers or sequence of them, optional
    most : int
        At most so many nodes besides inputs.

    Returns
    -------
    hypothesis strategy of Sample
    """
    wanted = _kinds(kinds)
    several = [kind for kind in wanted if _input_count(kind) != 1]
    single = [kind for kind in wanted if _input_count(kind) == 1]
    made = [_dag(single or [REGISTRY["ReLU"]], on, most)] if single or not several else []
    if several and on is None:
        made.append(_several_inputs(several))
    return st.one_of(made)


# layers --------------------------------------------------------------------------------------------------------------


def _kinds(kinds: Any) -> tuple[type[Layer], ...]:
    if kinds is None:
        # Simple ones first, since drawing shrinks towards the first.
        return tuple(sorted(REGISTRY.values(), key=lambda kind: (len(kind.fields), len(_text(kind)), kind.__name__)))
    found = (kinds,) if isinstance(kinds, type) else tuple(kinds)
    wrong = [kind for kind in found if not (isinstance(kind, type) and issubclass(kind, Layer))]
    if wrong or not found:
        raise FieldError(f"kinds are classes of layers such as la.Conv, got {wrong[0] if wrong else found!r}")
    return found


def _text(kind: type[Layer]) -> str:
    text = kind.__dict__.get("equation")
    return text if isinstance(text, str) else " " * 500


def _input_count(kind: type[Layer]) -> int:
    return 1 if kind.inputs is None else len(kind.inputs)


@st.composite
def _layers_anywhere(draw: Callable, kinds: Sequence[type[Layer]], inputs: int | None = None) -> Sample:
    some = [kind for kind in kinds if inputs is None or _input_count(kind) == inputs]
    case = draw(st.sampled_from(some).flatmap(cases))
    if inputs == 1:
        assume(len(case.shapes) == 1)
    return Sample(case.layer, case.on)


def _sample(nets: st.SearchStrategy[Network], on: Shape) -> st.SearchStrategy[Sample]:
    return nets.map(lambda net: Sample(net, on))


@st.composite
def _fitting(draw: Callable, kinds: Sequence[type[Layer]], on: Shape, keeps_shape: bool) -> Network:
    """A layer that takes a shape; where none is found soon, one that takes any."""
    some = [kind for kind in kinds if _input_count(kind) == 1]
    for _ in range(ATTEMPTS):
        kind = draw(st.sampled_from(some)) if some else REGISTRY["Tanh"]
        fields, _ = draw(drawn_freely(kind))
        hint = HINTS.get(kind.__name__)
        if hint is not None and draw(st.booleans()):
            fields |= hint(draw)[0]
        try:
            layer = kind(**fields)
        except FieldError:
            continue
        made = _made(layer, on)
        if made is not None and (made == on or not keeps_shape):
            return layer
    assume(REGISTRY["Tanh"] in kinds)
    return REGISTRY["Tanh"]()


def _made(net: Network, on: Shape) -> Shape | None:
    """The shape that a network makes of another one, if they fit, nothing is too large and one output comes out."""
    if net.several:
        return None
    try:
        made = tuple(int(size) for size in output_shape(net, on=on))
    except LayerAlgebraError:
        return None
    elements = 1
    for size in made:
        elements *= size
    return made if elements <= MOST_ELEMENTS else None


# networks ------------------------------------------------------------------------------------------------------------


def _network(
    draw: Callable, kinds: Sequence[type[Layer]], operators: tuple[str, ...], on: Shape, most: int, keeps_shape: bool
) -> Network:
    """A network on a shape; every composite is tried on it, and its first part stands alone where it does not fit."""
    if most <= 1 or not operators or not draw(st.booleans()):
        return draw(_fitting(kinds, on, keeps_shape))
    first = _network(draw, kinds, operators, on, (most + 1) // 2, keeps_shape)
    return _composed(draw, kinds, operators, first, on, most - (most + 1) // 2, keeps_shape)


def _composed(
    draw: Callable, kinds: Sequence[type[Layer]], operators: tuple[str, ...], first: Network, on: Shape, most: int,
    keeps_shape: bool = False,
) -> Network:  # fmt: skip
    if most < 1 or not operators:
        return first
    operator = draw(st.sampled_from(operators))
    middle = _made(first, on)
    assume(middle is not None)
    assert middle is not None
    if operator == "series":
        net: Network = first >> _network(draw, kinds, operators, middle, most, keeps_shape)
    elif operator == "repeat":
        net = Repeat(first, draw(st.integers(2, 3)))
    elif operator == "shared":
        net = first.shared(draw(st.sampled_from("vw")))
    else:
        second = draw(_fitting(kinds, on, keeps_shape or middle == on)) if draw(st.booleans()) else first
        net = {"add": Add, "concat": Concat, "mul": Mul}[operator](first, second)
    made = _made(net, on)
    return net if made is not None and (made == on or not keeps_shape) else first


@st.composite
def _dag(draw: Callable, kinds: Sequence[type[Layer]], on: Shape | None, most: int) -> Sample:
    """Nodes in order; each reads the input or an earlier node, or joins two; the last ones are concatenated or dropped."""
    entering = draw(shape(largest=4)) if on is None else tuple(on)
    nodes: dict[str, Network] = {"input": Input(*entering)}
    shapes: dict[str, Shape] = {"input": entering}
    edges: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, max(most, 1)))):
        name, source = f"n{number}", draw(st.sampled_from(sorted(nodes)))
        others = [other for other in nodes if other != source and shapes[other] == shapes[source]]
        if others and draw(st.booleans()):
            join = draw(st.sampled_from([Add(), Mul(), Concat()]))
            sources = [source, draw(st.sampled_from(others))]
        else:
            join, sources = draw(_fitting((*kinds, REGISTRY["Tanh"]), shapes[source], False)), [source]
        arrows = [*edges, *((one, name) for one in sources)]
        made = _made(_reaching({**nodes, name: join}, arrows, name), entering)
        if made is None:
            continue
        nodes[name], shapes[name], edges = join, made, arrows
    assume(len(nodes) > 1)
    sink = list(nodes)[-1]
    return Sample(_reaching(nodes, edges, sink), None)


def _reaching(nodes: dict[str, Network], edges: Sequence[tuple[str, str]], sink: str) -> Graph:
    """The part of a graph that a node depends on."""
    needed, waiting = set(), [sink]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [source for source, target in edges if target == name]
    return Graph({name: node for name, node in nodes.items() if name in needed}, [e for e in edges if e[1] in needed])


@st.composite
def _several_inputs(draw: Callable, kinds: Sequence[type[Layer]]) -> Sample:
    """A layer with several inputs (or none), each from an `Input` of its own, with a function after it now and then."""
    case = draw(st.sampled_from(list(kinds)).flatmap(cases))
    nodes: dict[str, Network] = {f"input{place}": Input(*sizes) for place, sizes in enumerate(case.shapes)}
    edges: list[Any] = [(name, "layer") for name in nodes]
    nodes["layer"] = case.layer
    if draw(st.booleans()):
        nodes["after"] = REGISTRY["ReLU"]()
        names = case.layer.several
        edges.append((("layer", draw(st.sampled_from(names))) if names else "layer", "after"))
    return Sample(Graph(nodes, edges), None)
