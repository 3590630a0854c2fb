"""The backward pass of a network as equations: those of its layers and joins in reverse, with what flows between them.

>>> from layeralgebra import Linear, ReLU, backward
>>> print(backward(Linear(3) >> ReLU() >> Linear(2), on=(4,)))
g1: the gradient of what leaves the network
at 2, Linear(2): of g1 to g2
  dx[f] = dy[o]*W[o, f]
  dW[o, f] = dy[o]*x[f]
  db[o] = dy[o]
  where f < 3, o < 2
at 1, ReLU(): of g2 to g3
  dx[i] = dy[i]*[0 < x[i]]
  where i < 3
at 0, Linear(3): of g3
  dW[o, f] = dy[o]*x[f]
  db[o] = dy[o]
  where f < 4, o < 3
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, fields, is_dataclass, replace
from typing import Any

from sympy import Expr, Integer, Symbol

from ..arguments import checked, shown
from ..errors import FieldError, UnsupportedError
from ..networks.carrier import Composed, Evaluation, Flow, Loop, Site, Term
from ..networks.evaluator import evaluate_network, input_flows
from ..networks.joins import Add
from ..networks.network import Network, as_network
from ..records import dataclass
from .backward_steps import BackwardStep, Gradient, Step, SumStep, leaves
from .backward_walk import BackwardCarrier, Flowing, Reverse, Tape
from .examples import lines_of_examples
from .following import each


@dataclass(frozen=True, eq=False)
class Backward(Composed):
    """The backward pass of a network, as `backward` makes it.

    Metrics that add over layers (`macs`, `flops`, `activations`) count its equations, as those of a network.

    Attributes
    ----------
    net : Network
    on : list of shapes, optional
        What enters an open network.
    steps : tuple
        In order: the equations of a layer or join, sums of gradients that meet, and repetitions of such from the last copy down to the first.
    seeds : tuple of Gradient
        The gradients of what leaves the network, with which it begins.
    places : tuple of int
        Of which outputs they are.
    returned : tuple of Gradient
        Those of what enters, where they are asked for.
    inputs : bool
        Whether they are.
    evaluation : Evaluation
        What the walk over the network found: its domain, and what enters and leaves.

    Examples
    --------
    >>> from layeralgebra import Linear, backward, dims, macs, training_macs
    >>> T, n, L = dims("T n L")
    >>> net = Linear(n) ** L
    >>> macs(backward(net, on=(T, n))), training_macs(net, on=(T, n)) - macs(net, on=(T, n))
    (2*L*T*n**2 - T*n**2, 2*L*T*n**2 - T*n**2)
    """

    net: Network
    on: Any
    steps: tuple[Step, ...]
    seeds: tuple[Gradient, ...]
    places: tuple[int, ...]
    returned: tuple[Gradient | None, ...]
    inputs: bool
    evaluation: Evaluation[Any] = field(repr=False)

    @property
    def free_symbols(self) -> set[Any]:
        return set(self.net.free_symbols)

    @property
    def adjoints(self) -> tuple[BackwardStep, ...]:
        """The steps of layers and joins, those of repetitions once."""
        return tuple(leaves(self.steps))

    def evaluated_by(self, carrier: Any) -> Evaluation[Any]:
        """What a metric that adds over layers makes of the equations."""
        if not carrier.of_equations:
            raise UnsupportedError(
                "metrics that add what equations compute count a backward pass: macs, flops, activations"
            )
        terms: list[Term[Any]] = []
        value = _fold(self.steps, carrier, terms, ())
        found = self.evaluation
        return Evaluation(value, found.output, terms, list(found.domain), found.layout, list(found.inputs))

    @checked
    def run(
        self, x: Any, weights: Mapping[str, Any] | None = None, gradients: Any = None, *, seed: int = 0
    ) -> dict[str, Any]:
        """The gradients in numbers: the network carried out forward, then these equations.

        Parameters
        ----------
        x : array
            As for `la.run`.
        weights : mapping of str to array, optional
            As `la.weights` names them; random ones, if left out.
        gradients : array, or list of arrays, optional
            Of what leaves the network; ones, if left out: the gradients of the sum of all outputs.
        seed : int
            For random weights.

        Returns
        -------
        dict of str to numpy.ndarray
            Of everything learned by its name, and of what enters as ``"x"`` (``"x[0]"`` and so on of several), where that is asked for.

        Raises
        ------
        FieldError
            If a size is symbolic, or weights are missing or unknown.
        ShapeError
            If shapes do not fit.
        UnsupportedError
            If more copies are repeated than are carried out one by one.

        Examples
        --------
        >>> from layeralgebra import Linear, backward
        >>> backward(Linear(1, bias=False) ** 2, on=(1,), inputs=True).run([5], {"0.W": [[2]], "1.W": [[3]]})
        {'1.W': array([[10]]), '0.W': array([[15]]), 'x': array([6])}
        """
        from .backward_run import carried_out  # with NumPy

        return carried_out(self.net, self.inputs, backward, x, weights, gradients, seed)

    def __str__(self) -> str:
        first = ", ".join(map(str, self.seeds))
        lines = [f"{first}: the gradient of what leaves the network"] if self.seeds else ["nothing is learned"]
        lines += _written(self.steps, "")
        if any(self.returned):
            lines.append(f"{', '.join(map(str, filter(None, self.returned)))}: the gradient of what enters")
        return "\n".join(lines)


def _fold(steps: Sequence[Step], carrier: Any, terms: list[Term[Any]], loops: tuple[Loop, ...]) -> Any:
    values = []
    for step in steps:
        if isinstance(step, BackwardStep):
            output = Flow(step.site.inputs[0].shape if step.site.inputs else ())
            site = replace(step.site, instance=lines_of_examples(step.adjoint, Integer(1)), output=output, loops=loops)
            values.append(carrier.leaf(site, 0))
            terms.append(Term(replace(site, instance=None), values[-1]))
        elif isinstance(step, SumStep):
            flows = tuple(Flow(step.made.shape or ()) for _ in step.parts)
            values.append(carrier.joint(Site("", Add(), flows, flows[0], None, loops)))
        else:
            left = step.times - step.first
            inner = _fold(step.steps, carrier, terms, (*loops, Loop(step.index, left)))
            if not step.varies:
                values.append(carrier.repeat(inner, left, None))
                continue
            moved = _at_copy(inner, step.index, step.index + step.first)
            alone = left == 1
            values.append(_at_copy(moved, step.index, Integer(0)) if alone else carrier.repeat(moved, left, step.index))
    return carrier.series(values)


def _at_copy(value: Any, index: Symbol, number: Expr) -> Any:
    """What a carrier made of one copy, at the number of a copy."""
    if isinstance(value, Expr):
        return value.xreplace({index: number})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _at_copy(getattr(value, one.name), index, number) for one in fields(value)})
    raise UnsupportedError("copies that change their shapes are counted by macs, flops and activations alone")


def _written(steps: Sequence[Step], margin: str) -> list[str]:
    lines = []
    for step in steps:
        if isinstance(step, SumStep):
            lines.append(f"{margin}{step.made} = {' + '.join(map(str, step.parts))}")
        elif isinstance(step, BackwardStep):
            arriving = ", ".join("0" if one is None else str(one) for one in step.arriving.values())
            leaving = ", ".join(map(str, step.leaving.values()))
            what = str(step.site.node if step.site.instance is not None else step.site.join.label)
            title = what if len(what) <= 60 and "\n" not in what else type(step.site.node).__name__
            lines.append(
                f"{margin}at {step.path or 'the network'}, {title}: of {arriving}{f' to {leaving}' if leaving else ''}"
            )
            lines += [f"{margin}  {line}" for line in str(step.adjoint).splitlines()]
        else:
            ends = [(one, given) for one, given in zip(step.entering, step.begin) if given is not None]
            begin = ", ".join(f"{one} begins as {given}" for one, given in ends)
            over = (
                f"for {step.index} = {step.times - 1}, ..., {step.first}"
                if step.times != 1
                else f"for {step.index} = 0"
            )
            lines.append(f"{margin}{over}: {begin}")
            lines += _written(step.steps, margin + "  ")
            back = [(one, given) for one, given in zip(step.leaving, step.entering) if one is not None]
            if back and step.times != 1:
                lines.append(f"{margin}  next {', '.join(f'{given} = {one}' for one, given in back)}")
            lines += [
                f"{margin}{made} = the last {one}" for made, one in zip(step.made, step.leaving) if made is not None
            ]
    return lines


@checked
def backward(net: Network, on: Any = None, inputs: bool = False) -> Backward:
    """The backward pass of a network: the equations of `adjoint` for its layers and joins, composed.

    Series are passed in reverse, gradients that come from several readers are added, the reverse of a repetition is a repetition.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.
    inputs : bool
        Whether the gradient of what enters is asked for, too.

    Returns
    -------
    Backward

    Raises
    ------
    FieldError
        If `net` is no network.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    UnsupportedError
        If a layer or join has no backward pass that is known here.

    Examples
    --------
    >>> from layeralgebra import Linear, backward, dims
    >>> n, L = dims("n L")
    >>> print(backward(Linear(n, bias=False) ** L, on=(n,), inputs=True))
    g1: the gradient of what leaves the network
    for l = L - 1, ..., 0: g2 begins as g1
      at [l], Linear(n, False): of g2 to g3
        dx[f] = dy[o]*W[o, f]
        dW[o, f] = dy[o]*x[f]
        where f < size(dy, 0), o < size(dy, 0)
      next g2 = g3
    g4 = the last g3
    g4: the gradient of what enters
    """
    net = as_network(net, "la.backward")
    if not isinstance(inputs, bool):
        raise FieldError(f"inputs is True or False, got {shown(inputs)}")
    carrier = BackwardCarrier(inputs)
    evaluation = evaluate_network(net, carrier, on)
    flows = input_flows(on)
    arrivals = tuple(Flowing(inputs, flow.shape) for flow in flows)
    tape = Tape()
    left = each(evaluation.value.at(arrivals, tape))
    data = arrivals or tuple(carrier.data)
    reverse = Reverse()
    seeds, places = [], []
    for place, one in enumerate(left):
        if one.needs:
            places.append(place)
            seeds.append(reverse.fresh(one.shape))
            reverse.add(one, seeds[-1])
    steps = reverse.through(tape)
    returned = tuple(reverse.take(one, steps) for one in data)
    return Backward(net, on, tuple(steps), tuple(seeds), tuple(places), returned, inputs, evaluation)
