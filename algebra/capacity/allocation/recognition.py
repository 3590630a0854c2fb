"""Closed forms of capacity allocation, recognised in the equations of a network.

A layer is *one window* if its output is, for a single channel, one sum over the taps of a kernel: learned (a
convolution, or a dense layer on all positions), or a mean (a pooling). This is read from the monomials of its
statements, never from the name of its class. A series of windows along one axis is a stack; windows along several
axes, each along one of them, are a stack for each axis, and the kernel is separable: the product of these; a series of
maps of the last axis alone is a product of matrices; copies whose spacing grows as a power of their taps are a dilated
stack, at symbolic depth as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Ge, Integer, Lt, Mul, Symbol, false, floor, true

from ...arguments import shown
from ...derivations.domain import Domain
from ...equations.affine import affine
from ...equations.heads import Constant, Pad, Read, address_indices
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...formulas.conditions import Condition
from ...linear.monomials import COEFFICIENT, LINEAR, Monomial, expand, kinds_of_tensors
from ...networks.carrier import Carrier, DomainCondition, Evaluation, Site
from ...networks.evaluator import evaluate_network
from ...networks.network import Network
from ...records import dataclass
from ...sizes.dims import Index, as_size
from ...sizes.normal_form import simplify
from ...sizes.summation import summation
from .convolution_stacks import Convolution, ConvolutionStack, DilatedStack
from .matrices import Recurrent, matrix_product
from .structures import Free, Kronecker, Structure

_ONE = Integer(1)


@dataclass(frozen=True)
class Window:
    """One layer of a stack of one channel, along one axis of a tensor of a rank; `whole` if it takes all positions to one."""

    layer: Convolution
    whole: bool = False
    axis: int = 0
    rank: int = 1


@dataclass(frozen=True)
class Margin:
    """Zeros around an axis, so many of them before it."""

    axis: int
    before: Expr


@dataclass(frozen=True)
class Moved:
    """The same numbers on other axes."""


@dataclass(frozen=True)
class Dense:
    """A matrix on the last axis, from so many features to so many."""

    inputs: Expr
    outputs: Expr


@dataclass(frozen=True)
class Recurrence:
    """A linear recurrence with a state of so many numbers over so many steps."""

    state: Expr
    length: Expr
    reads_last: bool = False


@dataclass(frozen=True)
class Tower:
    """Copies of a window, the dilation of copy l being the taps to the power l."""

    depth: Expr
    taps: Expr
    axis: int = 0


Piece = Window | Dense | Recurrence | Tower | Moved | Margin | None


class StructureCarrier(Carrier[tuple[Any, ...]]):
    """Lists the pieces of a series."""

    def leaf(self, site: Site, port: int) -> tuple[Any, ...]:
        assert site.instance is not None
        return tuple(pieces_of(site.instance))

    def series(self, values: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        return tuple(piece for value in values for piece in value)

    def join(self, site: Site, values: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        raise UnsupportedError("branches that are joined have no closed form of their allocation; give literal sizes")

    def graph(self, steps: Any, sink: str) -> tuple[Any, ...]:
        raise UnsupportedError("a graph has no closed form of its allocation; give literal sizes")

    def source(self, site: Site) -> tuple[Any, ...]:
        raise UnsupportedError("a learned tensor is no part of a linear predictor")

    def repeat(self, value: tuple[Any, ...], times: Expr, index: Symbol | None) -> tuple[Any, ...]:
        if times.is_Integer and index is None and times <= 1000:
            return value * int(times)
        margins = [piece for piece in value if isinstance(piece, Margin)]
        windows = [piece for piece in value if not isinstance(piece, Margin)]
        if len(windows) == 1 and isinstance(windows[0], Window) and not windows[0].whole:
            made = _copies(windows[0], times, index)
            if made is not None:
                # Behind steps of one, margins add.
                every = index if index is not None else Symbol("l", integer=True, nonnegative=True)
                wider = [replace(one, before=summation(one.before, every, 0, times - 1)) for one in margins]
                return (*wider, made)
        if len(value) == 1 and isinstance(value[0], Dense) and value[0].inputs == value[0].outputs:
            return value
        raise UnsupportedError("these copies have no closed form of their allocation; give a literal number of them")

    def share(self, value: tuple[Any, ...], name: str, path: str) -> tuple[Any, ...]:
        raise UnsupportedError("shared weights have no closed form of their allocation; give literal sizes")


def _copies(window: Window, times: Expr, index: Symbol | None) -> Piece:
    layer = window.layer
    if layer.stride != 1 or not layer.trainable:
        return None
    if index is None or not (layer.dilation.has(index) or layer.kernel.has(index)):
        # L kernels of one spacing are one free kernel of 1 + L (k - 1) taps, being generically without a common root.
        return replace(window, layer=Convolution(1 + times * (layer.kernel - 1), layer.dilation))
    if not layer.kernel.has(index) and simplify(layer.dilation - layer.kernel**index) == 0:
        return Tower(times, layer.kernel, window.axis)
    return None


def pieces_of(instance: Instance) -> list[Any]:
    """The pieces that a layer is made of, read from its equation.

    Raises
    ------
    UnsupportedError
        If it is no window, no matrix, no recurrence, and does more than rename its input.
    """
    kinds = kinds_of_tensors(instance)
    found: list[Any] = []
    if instance.recurrent:
        return [_recurrence(instance)]
    for place in instance.live:
        statement = instance.statements[place]
        if kinds[statement.target] != LINEAR:
            raise UnsupportedError(f"{instance.layer}: weights made of weights have no closed form here")
        if isinstance(statement.value, Pad):
            found += [
                Margin(axis, before)
                for axis, (before, after) in enumerate(statement.value.widths)
                if before != 0 or after != 0
            ]
            if not isinstance(statement.value.fill, Constant) or statement.value.fill.value != 0:
                raise UnsupportedError(f"{instance.layer}: a margin that is not zero has no closed form")
            continue
        monomials = [
            monomial
            for monomial in expand(statement.value, lambda name: kinds[name], str(instance.layer))
            if any(kinds[read.tensor] == LINEAR for read in monomial.reads)
        ]
        if len(monomials) != 1 or instance.masks(place):
            raise UnsupportedError(f"{instance.layer}: a line that is no single sum has no closed form here")
        found += _pieces(instance, place, monomials[0], kinds)
    return found


def _pieces(instance: Instance, place: int, monomial: Monomial, kinds: dict[str, str]) -> list[Any]:
    """What one sum is: nothing new, a matrix, or windows. Indices of extent one do not matter."""
    extents = instance.extents[place]
    wide = {index for index, extent in extents.items() if extent != 1}
    target = {i for part in instance.statements[place].address for i in address_indices(part)} & wide
    (read,) = [part for part in monomial.reads if kinds[part.tensor] == LINEAR]
    weights = [part for part in monomial.reads if kinds[part.tensor] == COEFFICIENT]
    seen = {index for part in read.address for index in address_indices(part)} & wide
    summed = set(monomial.reduced()) & wide
    if len(weights) > 1 or not (summed | target) >= seen:
        raise UnsupportedError(f"{instance.layer}: more than one learned factor has no closed form here")
    weighed = set().union(*({i for part in w.address for i in address_indices(part)} for w in weights)) & wide
    if not weights and not summed and seen == target:
        same = _places(read.address, wide) == _places(instance.statements[place].address, wide)
        return [] if same else [Moved()]
    if not weights and monomial.means and summed == seen - target:
        return _windows(instance, read, target, summed, extents, trainable=False)
    if not weights:
        raise UnsupportedError(f"{instance.layer}: a sum without weights and without a mean has no closed form here")
    last = read.address[-1]
    features = {last} if isinstance(last, Index) and last in summed else set()
    if len(summed) == 1 and features == summed and weighed - summed <= target and len(weighed - summed) <= 1:
        if seen - summed <= target - weighed and (seen - summed):
            raise UnsupportedError(f"{instance.layer}: a matrix at several positions is left to the numeric route")
        (feature,) = summed
        out = weighed - summed
        return [Dense(extents[feature], extents[next(iter(out))] if out else _ONE)]
    if summed and weighed == summed:
        return _windows(instance, read, target, summed, extents, trainable=True)
    raise UnsupportedError(f"{instance.layer}: several channels have no closed form here; give literal sizes")


def _windows(
    instance: Instance,
    read: Read,
    target: set[Any],
    summed: set[Any],
    extents: dict[Index, Expr],
    trainable: bool,
) -> list[Window]:
    """One window for each axis along which there is one: the kernel is their product."""
    found = []
    for axis, part in enumerate(read.address):
        form = _form(part) or {}
        taps = [index for index in form if index in summed]
        moving = [index for index in form if index in target]
        if len(taps) > 1 or len(moving) > 1:
            raise UnsupportedError(f"{instance.layer}: a window that moves along two indices has no closed form here")
        stride = form[moving[0]] if moving else _ONE
        if taps:
            layer = Convolution(extents[taps[0]], form[taps[0]], stride, trainable)
        elif stride != 1:
            layer = Convolution(_ONE, _ONE, stride, False)
        else:
            continue
        found.append(Window(layer, not moving, axis=axis, rank=len(read.address)))
    if trainable and sum(1 for window in found if window.layer.trainable) != 1 or len(summed) > len(found):
        raise UnsupportedError(f"{instance.layer}: a kernel over several axes at once is left to the numeric route")
    return found


def _places(address: Sequence[Any], wide: set[Index]) -> dict[Index, tuple[int, int]]:
    """Where each index stands: which place of the address, and which place there."""
    return {
        index: (place, inner)
        for place, part in enumerate(address)
        for inner, index in enumerate(index for index in address_indices(part) if index in wide)
    }


def _form(part: Any) -> dict[Index, Expr] | None:
    if isinstance(part, Expr):
        found = affine(part)
        return None if found is None else found[0]
    indices = [index for index in part.parts]
    return dict.fromkeys(indices, _ONE) if len(indices) == 1 else None


def _recurrence(instance: Instance) -> Recurrence:
    """``h[t] = W x[t] + U h[t-1]``, one line, both matrices learned."""
    kinds = kinds_of_tensors(instance)
    recurrence = instance.recurrent[min(instance.recurrent)]
    first, last = recurrence.first, recurrence.last
    running = recurrence.one_way(f"{instance.layer}: the capacity of a recurrence in closed form")
    instance.refuse_initial_lines("the capacity of a recurrence in closed form")
    if first != last:
        raise UnsupportedError(f"{instance.layer}: a recurrence of several lines has no closed form here")
    statement = instance.statements[first]
    monomials = [
        m for m in expand(statement.value, lambda name: kinds[name], str(instance.layer))
        if any(kinds[read.tensor] == LINEAR for read in m.reads)
    ]  # fmt: skip
    own = [m for m in monomials if any(read.tensor == statement.target for read in m.reads)]
    others = [m for m in monomials if m not in own]
    if len(own) != 1 or len(others) != 1:
        raise UnsupportedError(f"{instance.layer}: a recurrence with other than two sums has no closed form here")
    entry = {instance.shapes[read.tensor] for read in others[0].reads if kinds[read.tensor] == LINEAR}.pop()
    if any(size != 1 for size in entry[1:]):
        raise UnsupportedError(f"{instance.layer}: a recurrence with several numbers a step has no closed form here")
    shape = instance.shapes[statement.target]
    rest = instance.statements[last + 1 :]
    reads_last = not (rest == [] or any(running in address_indices(part) for s in rest for part in s.address))
    return Recurrence(Mul(*shape[1:]), instance.extents[first][running], reads_last)


@dataclass(frozen=True)
class Recognised:
    """The structure of a network, and for which sizes it holds.

    Attributes
    ----------
    structure : Structure
    domain : Domain
    inputs : tuple of shapes
    """

    structure: Structure
    domain: Domain
    inputs: tuple[tuple[Expr, ...], ...] = ()


def recognised(net: Network, on: Any = None, output: Any = None) -> Recognised:
    """The structure of a linear network, from its equations, and its domain.

    Parameters
    ----------
    net : Network
        Sizes, depths and dilations may be symbols.
    on : shape, optional
    output : int, tuple or "all", optional
        Which output, the middle one by default; or the whole map.

    Raises
    ------
    UnsupportedError
        If no closed form is known.
    """
    evaluation = evaluate_network(net, StructureCarrier(), on)
    pieces = [piece for piece in evaluation.value if not isinstance(piece, (Moved, Margin))]
    if not pieces:
        raise UnsupportedError("this network learns nothing")
    shape = evaluation.output.shape
    chosen = None if isinstance(output, str) and output == "all" else _chosen(output, shape)
    structure = _structure(pieces, evaluation, output)
    conditions = list(evaluation.domain)
    if chosen is not None and output is not None:
        conditions += [_needed(Lt(place, size), "the output has to be there") for place, size in zip(chosen, shape)]
    if any(isinstance(piece, Margin) for piece in evaluation.value):
        last = pieces[-1]
        if isinstance(last, Dense) or (isinstance(last, Window) and last.whole) or chosen is None:
            raise UnsupportedError("a dense layer that sees margins has no closed form; give literal sizes")
        conditions += _inside(evaluation.value, chosen, evaluation.inputs[0].shape)
        structure.conditions = (*structure.conditions, "the window of the output lies inside the input")
    known = [item for item in conditions if item.condition.relation != true]
    return Recognised(structure, Domain(known, str(net)), tuple(flow.shape for flow in evaluation.inputs))


def _needed(relation: Any, meaning: str) -> DomainCondition:
    if relation == false:
        raise UnsupportedError(f"no closed form here: it holds where {meaning}, which is not so; give literal sizes")
    return DomainCondition(Condition(relation, meaning), "")


def _chosen(output: Any, shape: Sequence[Expr]) -> tuple[Expr, ...]:
    """The place of the output along each axis."""
    if output is None:
        return tuple(floor((size - 1) / 2) for size in shape)
    given = output if isinstance(output, (tuple, list)) else (output,)
    wide = [axis for axis, size in enumerate(shape) if size != 1]
    if len(given) == 1 and len(shape) != 1 and len(wide) <= 1:
        given = [given[0] if axis in wide else 0 for axis in range(len(shape))]
    if len(given) != len(shape):
        raise UnsupportedError(
            f"a closed form is that of one output, a place on {len(shape)} axes, got {shown(output)}"
        )
    return tuple(as_size(place, "the place of an output", least=0) for place in given)


def _inside(pieces: Sequence[Any], chosen: Sequence[Expr], shape: Sequence[Expr]) -> list[DomainCondition]:
    """With margins, the closed form is that of an output whose window meets none of them."""
    found = []
    for axis in sorted({piece.axis for piece in pieces if isinstance(piece, Margin)}):
        if axis >= min(len(chosen), len(shape)):
            raise UnsupportedError("margins of axes that are rearranged have no closed form; give literal sizes")
        # Output i begins to read at step * i + start of the input, and so many places on.
        step, start, reach = _ONE, Integer(0), _ONE
        for piece in pieces:
            if isinstance(piece, Margin) and piece.axis == axis:
                start = start - step * piece.before
            elif isinstance(piece, Window) and piece.axis == axis:
                reach = reach + (piece.layer.kernel - 1) * piece.layer.dilation * step
                step = step * piece.layer.stride
            elif isinstance(piece, Tower):
                reach = reach + step * (piece.taps**piece.depth - 1)
        first = simplify(step * chosen[axis] + start)
        last = simplify(first + reach - 1)
        meaning = f"the window of the output along axis {axis} lies inside the input"
        found += [_needed(Ge(first, 0), meaning), _needed(Lt(last, shape[axis]), meaning)]
    return found


def _structure(pieces: list[Any], evaluation: Evaluation[tuple[Any, ...]], output: Any) -> Structure:
    if isinstance(pieces[0], Recurrence):
        return _recurrent(pieces, output)
    if all(isinstance(piece, Dense) for piece in pieces):
        widths = [pieces[0].inputs, *[piece.outputs for piece in pieces]]
        return matrix_product(*widths) if isinstance(output, str) and output == "all" else _scalar(widths)
    if isinstance(output, str) and output == "all":
        raise UnsupportedError("the whole map of a convolution has no closed form here; give literal sizes")
    if len(pieces) == 1 and isinstance(pieces[0], Tower):
        return DilatedStack(pieces[0].depth, pieces[0].taps)
    if any(sum(1 for size in flow.shape if size != 1) > 1 for flow in evaluation.inputs):
        if any(isinstance(piece, Moved) for piece in evaluation.value):
            raise UnsupportedError(
                "windows on several axes that are rearranged have no closed form; give literal sizes"
            )
        return _separable(pieces)
    layers: list[Convolution] = []
    for place, piece in enumerate(pieces):
        if isinstance(piece, Window):
            layers.append(piece.layer)
        elif isinstance(piece, Dense) and (place == len(pieces) - 1 or piece.inputs == 1 == piece.outputs):
            # A dense layer at the end sees every position: one more window of as many taps.
            layers.append(Convolution(piece.inputs))
        else:
            raise UnsupportedError("this series of layers has no closed form; give literal sizes")
    return ConvolutionStack(layers)


def _separable(pieces: Sequence[Any]) -> Structure:
    """Windows that each lie along one axis: a stack for each axis that has some, and the product of these."""
    if not all(isinstance(piece, Window) for piece in pieces) or len({piece.rank for piece in pieces}) > 1:
        raise UnsupportedError("this series of layers on several axes has no closed form; give literal sizes")
    stacks = [
        ConvolutionStack([piece.layer for piece in pieces if piece.axis == axis], name)
        for axis, name in zip(sorted({piece.axis for piece in pieces}), "pqst", strict=False)
    ]
    return stacks[0] if len(stacks) == 1 else Kronecker(*stacks)


def _scalar(widths: Sequence[Expr]) -> Structure:
    """One output of a product of matrices: a row of it, which is free."""
    return Free(widths[0])


def _recurrent(pieces: list[Any], output: Any) -> Structure:
    first, rest = pieces[0], pieces[1:]
    if output == "all" or any(not isinstance(piece, Dense) for piece in rest):
        raise UnsupportedError("this recurrent network has no closed form; give literal sizes")
    if not first.reads_last:
        raise UnsupportedError(
            "the closed form of a recurrence is that of its last state: end the equation with a line that reads it"
        )
    if not rest and first.state != 1:
        raise UnsupportedError("one number of a wide state has no closed form; end with a dense layer, or give sizes")
    return Recurrent(first.state if rest else _ONE, first.length)
