"""What is compared for a layer at small sizes: the package on one side, enumeration of index points on the other."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from hypothesis import reject

import layeralgebra as la
from layeralgebra.algebra.equations.receptive_field import layer_reach
from layeralgebra.proofs.samples.cases import Case, arrays
from oracles.equation_nodes import Undefined


def seen(case: Case) -> list[tuple[Any, Any]]:
    """The layer with what enumeration makes of it; of several outputs all together, and each alone."""
    alone = [(case.layer[name], case.meaning.at(name)) for name in case.layer.several]
    return [(case.layer, case.meaning), *alone]


def of_each_output(case: Case) -> list[tuple[Any, Any, Any]]:
    """For every output the network, the instance and the enumeration that have it alone."""
    instance = case.layer.instance(*case.shapes)
    if not case.layer.several:
        return [(case.layer, instance, case.meaning)]
    return [(case.layer[name], instance.showing(name), case.meaning.at(name)) for name in case.layer.several]


def shapes_made(net: Any, meant: Any) -> Any:
    """What enumeration says that `la.output_shape` answers: a shape, or a mapping where there are several outputs."""
    return {name: meant.shapes[name] for name in meant.outputs} if net.several else meant.output


def work(net: Any, on: Any, effective: bool) -> tuple[int, int, int, int]:
    """MACs, multiplies, adds and others, as the package counts them."""
    apart = la.flops(net, on=on, apart=True, effective=effective)
    return la.macs(net, on=on, effective=effective), apart.multiplies, apart.adds, apart.other


def counted(meant: Any, effective: bool) -> tuple[int, int, int, int]:
    """The same by enumeration."""
    counts = meant.counts(effective)
    return counts.macs, counts.multiplies, counts.adds, counts.other


def check_counts(case: Case) -> None:
    """Shapes, parameters, activations and work are those of enumeration."""
    instance = case.layer.instance(*case.shapes)
    assert {tensor: tuple(shape) for tensor, shape in instance.weights().items()} == case.meaning.weights
    for net, meant in seen(case):
        assert la.output_shape(net, on=case.on) == shapes_made(net, meant)
        assert la.parameters(net, on=case.on) == sum(meant.elements.values())
        assert la.activations(net, on=case.on) == meant.activations
        assert work(net, case.on, effective=False) == counted(meant, effective=False)
        assert work(net, case.on, effective=True) == counted(meant, effective=True)


def check_receptive_field(case: Case) -> None:
    """A reach holds every position that is read; one that is said to be exact is attained."""
    for net, instance, meant in of_each_output(case):
        for port, source in enumerate(case.layer.input_names):
            read = meant.reach(source)
            for axis, claimed in enumerate(layer_reach(instance, port)):
                hulls = _hulls(read, axis, claimed, case.shapes[port][axis])
                ends = {where: claimed.at(where) for where in hulls}
                for where, (low, high) in hulls.items():
                    start, end = ends[where]
                    assert start <= low and high <= end, f"output {where} reads {low} to {high} along axis {axis}"
                widest = max((high - low + 1 for low, high in hulls.values()), default=0)
                assert widest <= claimed.size
                if not claimed.exact or not hulls:
                    continue
                attained = [where for where, hull in hulls.items() if hull == ends[where]]
                # A field that is said to be exact is that of some output, unless the input is too small to hold one.
                assert attained or claimed.size > case.shapes[port][axis]
        if len(case.shapes) == 1:
            _check_public_receptive_field(case, net, instance, meant)


def _hulls(read: dict, axis: int, claimed: Any, size: int) -> dict[tuple[int, ...], tuple[int, int]]:
    """For every output the first and the last position that it reads along an axis.

    A field that does not move may be said to be the whole axis, whatever of the margin belongs to it.
    """
    hulls = {where: hull[axis] for where, hull in read.items() if hull[axis] is not None}
    if claimed.moves or all(claimed.low.offset <= low and high <= claimed.high.offset for low, high in hulls.values()):
        return hulls
    return {where: (min(max(low, 0), size - 1), max(min(high, size - 1), 0)) for where, (low, high) in hulls.items()}


def spatial_axes(case: Case) -> list[int]:
    """The axes of the first input that are positions, by where the layer says its channels are."""
    takes, rank = case.layer.layout[0], len(case.shapes[0])
    return list(range(rank - 1)) if takes == "last" else list(range(rank)) if takes == "all" else list(range(1, rank))


def widest_fields(case: Case, meant: Any) -> list[int]:
    """For every spatial axis, how many positions of the input the output that reads the most reads, from the first to the last."""
    read = meant.reach(case.layer.input_names[0])

    def within(hull: tuple[int, int] | None, size: int) -> int:
        return 0 if hull is None else max(0, min(hull[1], size - 1) - max(hull[0], 0) + 1)

    return [
        max((within(hull[axis], case.shapes[0][axis]) for hull in read.values()), default=0)
        for axis in spatial_axes(case)
    ]


def _check_public_receptive_field(case: Case, net: Any, instance: Any, meant: Any) -> None:
    """`la.receptive_field` says of every spatial axis what one finds by looking at neighbouring outputs."""
    derived = la.derive(la.receptive_field, net, on=case.on)
    field = derived.formula
    spatial = spatial_axes(case)
    assert len(field.size) == len(field.jump) == len(field.start) == len(field.covers_input) == len(spatial)
    reach = layer_reach(instance)
    read = meant.reach(case.layer.input_names[0])
    for place, axis in enumerate(spatial):
        hulls = _hulls(read, axis, reach[axis], case.shapes[0][axis])
        widest = max((high - low + 1 for low, high in hulls.values()), default=0)
        assert widest <= field.size[place]
        if field.covers_input[place]:  # through all channels of an output position
            channels = len(meant.output) - 1 if case.layer.layout[1] == "last" else 0
            ends = [
                hull
                for where, hull in hulls.items()
                if len({at for a, at in enumerate(where) if a != channels} - {0}) == 0
            ]
            assert not ends or max(high for _, high in ends) - min(low for low, _ in ends) + 1 >= case.shapes[0][axis]
        full = {where: low for where, (low, high) in hulls.items() if high - low + 1 == field.size[place]}
        moves = [digit.axis for digit in reach[axis].digits]
        if derived.kind != "exact" or len(moves) != 1 or reach[axis].shown != reach[axis]:
            continue
        for where, low in full.items():
            following = tuple(at + (other == moves[0]) for other, at in enumerate(where))
            if following in full:
                assert full[following] - low == field.jump[place]
            if where[moves[0]] == 0:
                assert low == field.start[place]


def check_numbers(case: Case, seed: int, exact: bool) -> None:
    """`run` computes what the equation says, exactly where the equation allows."""
    tensors = arrays(case, seed, exact)
    inputs = [tensors[source] for source in case.layer.input_names]
    needed = {tensor: array for tensor, array in tensors.items() if tensor not in case.layer.input_names}
    assert {tensor: array.shape for tensor, array in la.weights(case.layer, on=case.on).items()} == {
        tensor: array.shape for tensor, array in needed.items()
    }
    given = inputs[0] if len(inputs) == 1 else inputs
    for net, meant in seen(case):
        try:
            expected = {name: meant.at(name).run(tensors) for name in meant.outputs}
        except Undefined:
            reject()
        found = la.run(net, given, needed)
        for name, values in expected.items():
            _same_numbers(found[name] if net.several else found, meant.at(name), values, exact)


def _same_numbers(found: Any, meant: Any, expected: dict, exact: bool) -> None:
    assert found.shape == meant.output
    if exact and meant.is_rational and all(isinstance(value, (int, Fraction)) for value in expected.values()):
        assert found.dtype != float, "integers went in and rounding came out"
    for where, value in expected.items():
        if found.dtype != float:
            assert found[where] == value
        else:
            both_nan = math.isnan(found[where]) and math.isnan(value)
            close = math.isclose(found[where], value, rel_tol=1e-9, abs_tol=1e-9)
            assert both_nan or found[where] == value or close, where
