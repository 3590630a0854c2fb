"""One step of a causal network: what it keeps from token to token, and what one token more costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy
from sympy import Dummy, Expr, Integer

from ..arguments import as_integer, checked, shown
from ..derivations.metric import Metric, SumCarrier
from ..errors import FieldError, GraphError, ShapeError, UnsupportedError
from ..networks.carrier import Site
from ..networks.evaluator import evaluate_network, input_flows
from ..networks.layer import Layer
from ..networks.network import Network, as_network
from ..numerics.arrays import as_numbers, as_result, of_one_kind
from ..numerics.copies import Arrived, Scope, Unrolled, at_literal_sizes, input_nodes
from ..numerics.layer_run import _LayerRun
from ..numerics.weights import drawn, fitting, inventory
from ..sizes.dims import as_size
from ..sizes.normal_form import is_positive, simplify
from ..sizes.summation import summation
from .of_network import StepWalk, Timed, each, place
from .step_layer import GENERAL

if TYPE_CHECKING:
    from numpy import ndarray

_TOKENS = GENERAL


class Incremental:
    """One step of a causal network, with what it keeps; `incremental` makes it.

    Parameters
    ----------
    net : Network
        Causal along the axis: element t of its output depends on inputs up to t.
    axis : int
        The axis of time of what enters.
    on : shape, optional
        What enters an open network.
    keep : "least", "read" or tuple of str
        What is kept; see `incremental`.

    Attributes
    ----------
    size : Expr
        The size of the axis of time.
    step : Network
        Makes the last element of the output from the last element of the input and what was kept before; an axis of time of size 1.
    state : Expr
        Elements that are kept after the last step.

    Raises
    ------
    UnsupportedError
        If a layer is not causal along the axis; the message has the statement and the read that look ahead.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    FieldError
        If an argument is of the wrong kind.

    Examples
    --------
    >>> from layeralgebra import GRU, dims, incremental
    >>> T, d, h = dims("T d h")
    >>> one = incremental(GRU(h), on=(T, d))
    >>> one.size, one.state, one.on
    (T, h, [(1, d)])
    """

    @checked
    def __init__(self, net: Network, axis: int = 0, *, on: Any = None, keep: Any = "least"):
        net = as_network(net, "la.incremental")
        self.net, self.axis, self.keep = net, as_integer(axis, "axis"), _kept_as(keep)
        inputs = input_nodes(net)
        flows = input_flows(on)
        if inputs and flows:
            raise GraphError("both `on` and an Input say what enters; leave out `on`")
        if not inputs and not flows:
            raise ShapeError("the network has no input; begin it with Input(...), or pass on=(...), as in on=(T, d)")
        shapes = [tuple(node.shape) for node in inputs] or [flow.shape for flow in flows]
        self._given = tuple(Timed(shape, place(self.axis, len(shape))) for shape in shapes)
        self._closed = bool(inputs)
        self.size: Expr = self._given[0].shape[self._given[0].axis]  # type: ignore[index]
        if any(one.shape[one.axis] != self.size for one in self._given):  # type: ignore[index]
            raise ShapeError(f"the inputs have different sizes along axis {self.axis}")
        _ = self._general  # what has no step is refused here

    @cached_property
    def _general(self) -> Network:
        return self._made(_TOKENS)

    def _made(self, tokens: Expr) -> Network:
        return StepWalk(self.axis, tokens, self.keep).of(self.net, () if self._closed else self._given)[0]

    @cached_property
    def step(self) -> Network:
        return self.at(self.size)

    @property
    def given(self) -> tuple[Timed, ...]:
        """What enters the network, with its axis of time."""
        return self._given

    def at_any(self) -> Network:
        """The step at any number of tokens but one, in a symbol of its own."""
        return self._general

    def at_size(self) -> Network:
        """The step at the size of the axis, as it is for any number of tokens but the first."""
        made: Network = self._general.xreplace({_TOKENS: self.size})
        return made

    @property
    def on(self) -> Any:
        """What enters a step of an open network, for ``on=``; None for a closed one."""
        if self._closed:
            return None
        return [tuple(Integer(1) if n == one.axis else size for n, size in enumerate(one.shape)) for one in self._given]

    @checked
    def at(self, tokens: Any) -> Network:
        """The step that makes element ``tokens - 1`` of the output.

        Parameters
        ----------
        tokens : int or Expr
            How many tokens there are, the present one included.

        Returns
        -------
        Network
        """
        number = tokens if isinstance(tokens, Expr) else Integer(as_integer(tokens, "tokens"))
        if number.is_Integer and number < 1 or (self.size.is_Integer and number.is_Integer and number > self.size):
            raise FieldError(f"tokens is from 1 to {self.size}, got {number}")
        if number == 1:
            return self._made(Integer(1))
        made: Network = self._general.xreplace({_TOKENS: number})
        return made

    @property
    def state(self) -> Expr:
        return self.kept_after(self.size)

    def kept_after(self, tokens: Any) -> Expr:
        """Elements that are kept after a number of tokens."""
        number = tokens if isinstance(tokens, Expr) else Integer(as_integer(tokens, "tokens"))
        found = evaluate_network(self._general, SumCarrier(_kept), self.on).value
        return simplify(found.xreplace({_TOKENS: number}))

    @checked
    def cost(self, metric: Metric[Any], prompt: Any = 0, tokens: Any = None) -> Expr:
        """What a metric counts over the steps of several tokens, in closed form.

        Parameters
        ----------
        metric : Metric
            Such as `la.macs`.
        prompt : int or Expr
            Tokens that have been met before.
        tokens : int or Expr, optional
            Tokens that are made; all that the axis has room for after the prompt, if left out.

        Returns
        -------
        Expr

        Raises
        ------
        FieldError
            If `metric` is none, or `prompt` or `tokens` is no size.
        ShapeError
            If the axis has fewer places.
        UnsupportedError
            If the metric has no answer for the step.
        """
        if not isinstance(metric, Metric):
            raise FieldError(f"cost takes a metric such as la.macs, got {shown(metric)}")
        first = as_size(prompt, "prompt", least=0)
        count = simplify(self.size - first) if tokens is None else as_size(tokens, "tokens", least=0)
        self.must_hold(first + count)
        return self._cost(first, count, lambda step: metric(step, on=self.on))

    def must_hold(self, tokens: Expr) -> None:
        """Refuse more tokens than the axis has places."""
        if is_positive(simplify(tokens - self.size)):
            raise ShapeError(
                f"the axis of time has {self.size} places, and {tokens} tokens are more; begin with an Input that has room for them"
            )

    def _cost(self, first: Expr, count: Expr, of_step: Callable[[Network], Expr]) -> Expr:
        one = simplify(of_step(self._general))
        alone = Integer(0)
        if not is_positive(first) and count != 0:  # the first step has no past
            own = simplify(of_step(self._made(Integer(1))))
            if simplify(own - one.xreplace({_TOKENS: Integer(1)})) != 0:
                if first != 0:
                    raise UnsupportedError(
                        f"the first step counts {own}, unlike the others, and the prompt {first} may be empty or not; give a positive symbol, or 0"
                    )
                first, count, alone = first + 1, count - 1, own
        index = Dummy("past", integer=True, nonnegative=True)
        over = summation(simplify(one.xreplace({_TOKENS: first + index + 1})), index, Integer(0), count - 1)
        return simplify(alone + over)

    @checked
    def run(self, x: Any, weights: Mapping[str, Any] | None = None, *, seed: int = 0) -> Any:
        """The output of the network, made one step after the other.

        Parameters
        ----------
        x : array
            As for `la.run`.
        weights : mapping of str to array, optional
            As `la.weights` names them for the whole network.
        seed : int

        Returns
        -------
        numpy.ndarray, or a mapping of names to them for a network of several outputs
        """
        several = len(self._given) > 1
        arrays = [as_numbers(one, "x") for one in (x if several else [x])]
        network, shapes = at_literal_sizes(self.net, [array.shape for array in arrays])
        whole = inventory(network, shapes)
        tensors = drawn(whole.slots.values(), seed) if weights is None else fitting(whole.slots, weights)
        on = None if input_nodes(network) else [tuple(map(int, shape)) for shape in shapes]
        own = Incremental(network, self.axis, on=on, keep=self.keep)
        made: list[Any] = []
        states: dict[Any, Any] = {}
        for number in range(1, int(own.size) + 1):
            present = [numpy.take(array, [number - 1], axis=self.axis) for array in arrays]
            step = own.at(number)
            here = [array.shape for array in present]
            needed = inventory(step, here)
            walk = _Stepping(
                [Arrived(shape, None, array) for shape, array in zip(here, present)],
                needed,
                tensors,
                states,
                int(own.size),
            )
            made.append(each(walk.walk(step)))
        leaving = each(StepWalk(self.axis, _TOKENS, self.keep).of(network, () if own._closed else own._given)[1])
        joined = [
            as_result(numpy.concatenate(of_one_kind([part.values for part in parts]), axis=one.axis))
            for one, parts in zip(leaving, zip(*made))
        ]
        return dict(zip(network.several, joined)) if network.several else joined[0]


class _All(_LayerRun):
    """A layer of which every tensor is computed."""

    def run(self) -> Any:
        recurrent = set()
        for number in range(len(self.instance.statements)):
            if number in recurrent:
                continue
            if number in self.instance.recurrent:
                one = self.instance.recurrent[number]
                recurrent |= set(range(one.first, one.last + 1))
                self._recur(list(range(one.first, one.last + 1)), one)
            else:
                self._statement(number)
        made = {name: self.tensors[name] for name in self.instance.outputs}
        return made[self.instance.root] if len(made) == 1 else made


class _Stepping(Unrolled):
    """The walk that makes one step and leaves behind what the next one needs."""

    def __init__(
        self, given: Sequence[Arrived], needed: Any, tensors: Mapping[str, Any], states: dict[Any, Any], size: int
    ):
        super().__init__(given)
        self.needed, self.tensors, self.states, self.size = needed, tensors, states, size

    def computed(self, layer: Layer, instance: Any, arrived: Sequence[Arrived], scope: Scope) -> Any:
        own = dict(zip(layer.input_names, (part.values for part in arrived)))
        kept = getattr(layer, "kept_tensors", ())
        pasts = {one.buffer for one in kept}
        for name, role in instance.roles.items():
            if role in ("weight", "buffer") and name not in pasts:
                shape = tuple(int(size) for size in instance.shapes[name])
                own[name] = self.tensors[self.needed.names[scope.path, name]].reshape(shape)
        for one in kept:
            own[one.buffer] = self.past(layer, one, own, scope)
        run = _All(instance, {name: array for name, array in own.items() if name in instance.roles})
        made = run.run()
        for one in kept:
            present = run.tensors[one.present]
            if not one.has_axis:
                present = numpy.expand_dims(present, one.axis)
            rows, present = of_one_kind([own[one.buffer], present])
            joined = numpy.concatenate([rows, present], axis=one.axis)
            after = int(one.after)
            self.states[scope.path, one.tensor] = numpy.take(
                joined, range(joined.shape[one.axis] - after, joined.shape[one.axis]), axis=one.axis
            )
        return made

    def past(self, layer: Any, one: Any, own: Mapping[str, Any], scope: Scope) -> "ndarray":
        if (scope.path, one.tensor) in self.states:
            return self.states[scope.path, one.tensor]
        shape = [int(one.before) if n == one.axis else int(size) for n, size in enumerate(one.shape)]
        if not int(one.before):
            return numpy.zeros(shape, dtype=object)
        whole, shapes = layer.whole, []
        given = {}
        for name, axis in zip(layer.input_names, layer.time_axes):
            array = own[name]
            if axis is not None:
                wide = list(array.shape)
                wide[axis] = self.size
                array = numpy.zeros(wide, dtype=array.dtype)
            given[name] = array
            shapes.append(tuple(Integer(size) for size in array.shape))
        instance = whole.instance(*shapes)
        for name, role in instance.roles.items():
            if role in ("weight", "buffer"):
                given[name] = self._of_whole(scope, name, tuple(int(size) for size in instance.shapes[name]), own)
        run = _All(instance, given)
        run.run()
        rows = []
        first = int(one.first)
        for number in range(first, first + int(one.before)):
            if number >= 0:
                rows.append(numpy.take(run.tensors[one.tensor], [number], axis=one.axis))
                continue
            initial = next(
                (s for s in instance.given.get(one.tensor, ()) if s.number == number and s.axis == one.axis), None
            )
            if initial is not None:
                rows.append(numpy.expand_dims(run.tensors[initial.tensor], one.axis))
            else:
                rows.append(numpy.zeros([1 if n == one.axis else size for n, size in enumerate(shape)], dtype=object))
        return numpy.concatenate(of_one_kind(rows), axis=one.axis)

    def _of_whole(self, scope: Scope, name: str, shape: tuple[int, ...], own: Mapping[str, Any]) -> Any:
        if name in own:
            return own[name]
        found = f"{scope.path}.{name}" if scope.path else name
        if found in self.tensors:
            return self.tensors[found].reshape(shape)
        return numpy.zeros(shape)

    def combined(self, node: Any, arrived: Sequence[Arrived], axis: int | None) -> "ndarray":
        from ..numerics.run import _Numbers

        return _Numbers.combined(self, node, arrived, axis)  # type: ignore[arg-type]


def _kept_as(keep: Any) -> Any:
    if isinstance(keep, (list, tuple)) and keep and all(isinstance(name, str) for name in keep):
        return tuple(keep)
    if isinstance(keep, str) and keep in ("least", "read"):
        return keep
    raise FieldError(f"keep is 'least', 'read' or names of tensors, got {shown(keep)}")


def _kept(site: Site) -> Expr:
    return sum((one.elements for one in getattr(site.node, "kept_tensors", ())), Integer(0))


@checked
def incremental(net: Network, axis: int = 0, *, on: Any = None, keep: Any = "least") -> Incremental:
    """One step of a causal network: what it makes of one element more, and what it keeps.

    State and step are derived from the equations of the layers: what is read of earlier times is the state.

    Parameters
    ----------
    net : Network
        Causal along the axis: element t of its output depends on inputs up to t.
    axis : int
        The axis of time of what enters.
    on : shape, optional
        What enters an open network.
    keep : "least", "read" or tuple of str
        What is kept: the fewest elements of tensors that a layer computes, from which what it reads of earlier times is computed again
        (where sizes leave open which are fewer, the fewest tensors); what it reads; or the tensors of these names.

    Returns
    -------
    Incremental

    Raises
    ------
    UnsupportedError
        If a layer is not causal along the axis; the message has the statement and the read that look ahead.
    ShapeError
        If nothing enters an open network, or sizes do not fit.
    GraphError
        If both `on` and an `Input` say what enters.
    FieldError
        If an argument is of the wrong kind.

    Examples
    --------
    >>> from layeralgebra import MultiHeadAttention, dims, incremental, macs
    >>> T, d, h = dims("T d h")
    >>> one = incremental(MultiHeadAttention(h, causal=True), on=(T, d))
    >>> one.state
    2*T*d
    >>> macs(one.step, on=one.on)
    2*T*d + 4*d**2
    """
    return Incremental(net, axis, on=on, keep=keep)
