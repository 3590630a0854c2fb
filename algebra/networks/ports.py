"""Networks with several outputs: how many inputs a network takes, and one output or some of them by name.

>>> from layeralgebra import Dim, Layer, Linear, macs, parameters
>>> class Halves(Layer):
...     width: Dim
...     inputs, outputs = ("x",), ("value", "gate")
...     equation = '''
...         value[o] = V[o, i] * x[i]
...         gate[o] = G[o, i] * x[i]
...         where o < width
...     '''
>>> net = Halves(5)["gate"] >> Linear(2)
>>> net
Halves(5)['gate'] >> Linear(2)
>>> parameters(net, on=(3,)), macs(net, on=(3,))  # the weights of `value` are held, and it is not computed
(42, 25)
"""

from __future__ import annotations

from difflib import get_close_matches

from sympy import Tuple
from sympy.core.symbol import Str

from ..arguments import as_elements, shown
from ..errors import GraphError
from .node import Composition, Network, as_network, written
from .series import Series, Shared


@written("[]")
class Selected(Composition):
    """A network of several outputs with one of them, or some, by name: ``net["h"]``, ``Selected(net, "h", "c")``.

    What is not selected is not computed, as far as nothing that is selected depends on it; its weights are held.

    Parameters
    ----------
    body : Network
        With several outputs: a layer with `outputs`, a `Graph` with several, or what ends in one.
    *names : str
        In the order in which they are to come out.

    Raises
    ------
    FieldError
        If `body` is no network.
    GraphError
        If it has one output only, or none of that name, or a name stands twice.

    Examples
    --------
    >>> from layeralgebra import Graph, Linear, Selected, output_shape
    >>> net = Graph({"mean": Linear(2), "variance": Linear(3)})
    >>> output_shape(net, on=(4,))
    {'mean': (2,), 'variance': (3,)}
    >>> output_shape(net["variance"], on=(4,)), Selected(net, "variance") == net["variance"]
    ((3,), True)
    """

    def __new__(cls, body: object, *names: object) -> "Network":  # type: ignore[misc]  # what is all of it stands for itself
        body = as_network(body, "a selection of outputs")
        if len(names) == 1 and isinstance(names[0], (tuple, list, Tuple)):
            names = tuple(as_elements(names[0], "the names of outputs"))
        asked = _asked(body, names)
        if asked == body.several:
            return body
        if isinstance(body, Selected):
            return cls(body.body, *asked)
        if isinstance(body, Series):
            return Series(*body.parts[:-1], cls(body.parts[-1], *asked))
        if isinstance(body, Shared):
            return Shared(cls(body.body, *asked), body.name)
        made = cls._of((body,), body, Tuple(*map(Str, asked)))
        made.several = asked if len(asked) > 1 else ()
        return made

    kind = "select"

    @property
    def body(self) -> Network:
        return self.args[0]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name.name for name in self.args[1])


def _asked(body: Network, names: tuple[object, ...]) -> tuple[str, ...]:
    """The names of outputs that a network has."""
    asked = []
    for given in names:
        if not isinstance(given, (str, Str)):
            raise GraphError(f"an output is asked for by its name, got {shown(given)}; write net['h']")
        name = str(given)
        if not body.several:
            raise GraphError(f"{body} has one output, and {name!r} is asked for; write the network alone")
        if name not in body.several:
            near = get_close_matches(name, body.several, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise GraphError(f"{body} has no output {name!r}, it has {', '.join(body.several)}{hint}")
        if name in asked:
            raise GraphError(f"the output {name!r} is asked for twice")
        asked.append(name)
    if not asked:
        raise GraphError("a selection of outputs needs a name; write net['h']")
    return tuple(asked)
