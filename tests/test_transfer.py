"""Transfer functions derived from equations: every registered layer, against numbers from running the layer."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import strategies_layers as strategies
from hypothesis import HealthCheck, given, settings
from sympy import Integer, Min, oo

import layeralgebra as la
from layeralgebra.algebra.errors import FieldError, UnsupportedError
from layeralgebra.algebra.regions.composition import IDENTITY, Acyclic, Branches, Chain, Repeated, on_graph, series
from layeralgebra.algebra.regions.from_equation import SURROGATES, local_transfer
from layeralgebra.algebra.regions.histogram import unit
from layeralgebra.algebra.regions.local_maps import RELU, Affine, MaxPool, Pieces, Units, relu
from layeralgebra.algebra.regions.scalar_pieces import ScalarFunction

c, d, n, H, T = la.dims("c d n H T")
LAYERS = [kind for kind in la.registered_layers() if not kind.opaque]


def kinds(transfer) -> set[str]:
    """The names of the classes in a transfer function."""
    below = getattr(transfer, "parts", None) or getattr(transfer, "branches", None) or ()
    below = (transfer.body,) if isinstance(transfer, Repeated) else below
    return {type(transfer).__name__}.union(*map(kinds, below)) if below else {type(transfer).__name__}


@pytest.mark.parametrize("cls", LAYERS, ids=lambda cls: cls.__name__)
def test_every_layer_has_one_or_names_surrogates(cls: type[la.Layer]) -> None:
    # One example a layer: a second would double the time of the whole file, and what differs is tested below.
    @settings(max_examples=1, suppress_health_check=list(HealthCheck))
    @given(strategies.cases(cls))
    def check(case: strategies.Case) -> None:
        if case.on is None:
            return
        for output in case.layer.several or (None,):
            check_output(case, output)

    def check_output(case: strategies.Case, output: str | None) -> None:
        net = case.layer if output is None else case.layer[output]
        try:
            found = la.transfer(net, on=case.on)
            assert found.kind in ("exact", "upper")
        except UnsupportedError as error:
            for name in SURROGATES:
                assert f"'{name}'" in str(error), error
            found = la.transfer(net, on=case.on, surrogate="relu")
            assert found.kind == "surrogate"
        dimension = min(int(found.inputs), 3)
        regions = found.histogram(dimension)
        assert regions.norm >= 1 and regions.top <= dimension
        assert float(found.bits(dimension)) >= np.log2(float(regions.norm)) - 1e-9
        assert found.latex().startswith(r"\varphi") and str(found)
        affine = la.transfer(net, on=case.on, surrogate="affine")
        assert affine.histogram(dimension).norm <= regions.norm
        if kinds(found.phi) <= {"Affine", "Chain"} and found.kind == "exact":
            assert numeric_rank(case, net) <= found.phi.reach(int(found.inputs))

    check()


def numeric_rank(case: strategies.Case, net: la.Network | None = None) -> int:
    """The rank of the affine map that a layer is, by running it on unit inputs with random weights."""
    shapes = case.shapes
    instance = case.layer.instance(*shapes)
    draw = np.random.default_rng(0)
    values = {
        name: draw.uniform(0.5, 1.5, tuple(int(s) for s in shape))
        for name, shape in instance.shapes.items()
        if instance.roles[name] in ("weight", "buffer")
    }
    names, size = list(case.layer.input_names), int(sum(np.prod(shape) for shape in shapes))

    def run(vector: np.ndarray) -> np.ndarray:
        parts = np.split(vector, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
        made = [part.reshape(shape) for part, shape in zip(parts, shapes)]
        return np.ravel(la.run(net or case.layer, made[0] if len(names) == 1 else made, values)).astype(float)

    try:
        offset = run(np.zeros(size))
        return int(np.linalg.matrix_rank(np.stack([run(row) - offset for row in np.eye(size)])))
    except (la.LayerAlgebraError, IndexError):  # a buffer that holds places needs integers within a range
        return 0


@pytest.mark.parametrize(
    "layer, shape, rank",
    [
        (la.Linear(5), (3, 7), 15),
        (la.Linear(9), (3, 7), 21),
        (la.Conv(4, 3, padding=1, bias=False), (2, 6), 12),
        (la.Conv(1, 2, stride=2, bias=False), (2, 6), 3),
        (la.Conv(4, 1, stride=2, bias=False), (2, 7), 8),
        (la.Conv(2, 3, groups=2, padding=1, bias=False), (2, 5), 10),
        (la.AvgPool(2), (3, 6), 9),
        (la.GlobalAvgPool(), (3, 4, 4), 3),
        (la.Upsample(2), (2, 3), 6),
        (la.Flatten(), (2, 3), 6),
    ],
    ids=str,
)
def test_rank_of_affine_layers_is_that_of_their_numbers(layer: la.Layer, shape: tuple[int, ...], rank: int) -> None:
    case = strategies.Case(layer, (shape,), None)
    size = int(np.prod(shape))
    assert la.transfer(layer, on=shape).phi.reach(size) == rank == numeric_rank(case)


@pytest.mark.parametrize(
    "layer",
    [
        la.ReLU(),
        la.ReLU6(),
        la.LeakyReLU(),
        la.PReLU(),
        la.Abs(),
        la.Hardtanh(),
        la.Hardtanh(-2, 3),
        la.Hardsigmoid(),
        la.Identity(),
    ],
    ids=str,
)
def test_pieces_are_those_of_the_graph(layer: la.Layer) -> None:
    """Slopes of the function on a fine grid of halves, on which all bends lie."""
    grid = np.arange(-10, 10.5, 0.5)
    values = np.array(
        [
            float(
                np.ravel(la.run(layer, np.array([x]), {"s": np.array([0.25])} if isinstance(layer, la.PReLU) else {}))[
                    0
                ]
            )
            for x in grid
        ]
    )
    slopes = np.round(np.diff(values) / 0.5, 9)
    runs = [slopes[0], *(b for a, b in zip(slopes, slopes[1:]) if a != b)]
    expected = Pieces(sum(slope != 0 for slope in runs), sum(slope == 0 for slope in runs))
    found = local_transfer(layer.instance((1,)))
    assert (found.pieces if isinstance(found, Units) else Pieces(1, 0)) == expected


def test_scalar_functions_by_hand() -> None:
    x, zero, one, two = ScalarFunction.identity(), Integer(0), Integer(1), Integer(2)
    assert x.bent((zero, one), zero).bent((zero, one), one).knots == (1,)  # max(max(x, 0), 1)
    assert x.bent((zero, one), zero).plus(x.bent((one, zero), zero)) == x  # max(x, 0) + min(x, 0)
    assert x.times(-one).bent((zero, one), zero).pieces() == RELU
    assert x.bent((-one, one), zero).shifted(-two).bent((-one, one), zero).pieces() == Pieces(4, 0)  # ||x| - 2|
    assert x.times(zero).pieces() == Pieces(0, 1)
    assert x.bent((zero, one), zero).bent((one, zero), None).pieces() == Pieces(1, 2)  # an unknown ceiling
    apart = x.bent((zero, one), None).plus(x.bent((zero, one), None))
    assert apart.pieces().breakpoints == 2  # two unknown bends


def test_symbols() -> None:
    assert la.transfer(la.Linear(n), on=(d,)).phi.rank == Min(d, n)
    assert la.transfer(la.ReLU(), on=(c, H)).phi == relu(c * H)
    conv = la.transfer(la.Conv(c, 3, padding=1), on=(n, H, H)).phi
    assert conv.groups == (c, 9 * n, H**2)
    assert la.transfer(la.MaxPool(3, stride=2), on=(c, H)).phi.parts[-1].window == 3
    assert la.transfer(la.GlobalMaxPool(), on=(c, H, H)).phi == MaxPool(c, H**2)


def test_convolution_is_counted_locally_where_that_is_less() -> None:
    one = la.transfer(la.Conv(8, 1) >> la.BatchNorm() >> la.ReLU(), on=(2, 5))
    assert one.parts[-1].groups == ((8, 2, 5),)
    assert one.histogram(10).norm == min(37**5, sum(comb(40, k) for k in range(11)))
    assert la.transfer(la.Conv(2, 3, padding=1) >> la.ReLU(), on=(4, 5)).parts[-1].groups == ((10, oo, 1),)


def test_activations_and_normalisation_under_surrogates() -> None:
    for layer in (la.GELU(), la.SiLU(), la.Sigmoid(), la.Tanh(), la.Mish(), la.Hardswish(), la.ELU()):
        assert la.transfer(layer, on=(7,), surrogate="relu").phi == relu(7)
        assert la.transfer(layer, on=(7,), surrogate="hard_tanh").phi == Units(((7, oo, 1),), Pieces(1, 2))
        assert la.transfer(layer, on=(7,), surrogate="affine").phi == IDENTITY
    assert kinds(la.transfer(la.LayerNorm(), on=(T, d), surrogate="relu").phi) == {"Affine"}
    attention = la.transfer(la.MultiHeadAttention(2), on=(4, 6), surrogate="relu").phi
    assert attention.act(unit(1)).norm > 1
    with pytest.raises(FieldError, match="'relu', 'hard_tanh', 'affine'"):
        la.transfer(la.GELU(), on=(7,), surrogate="gelu")
    with pytest.raises(UnsupportedError, match="product of branches"):
        la.transfer(la.Identity() * la.Linear(7), on=(7,))


def test_recurrence_takes_turns() -> None:
    phi = la.transfer(la.RNN(3), on=(T, 2), surrogate="relu").phi
    assert isinstance(phi.parts[0], Repeated) and phi.parts[0].times == T
    assert la.transfer(la.RNN(3), on=(4, 2), surrogate="relu").histogram(8).norm == 2 ** (3 * 4)


def test_graphs_reduce_to_series_and_branches() -> None:
    a, b = relu(2), relu(3)
    assert on_graph([("a", [], a), ("b", ["a"], b)], "b") == Chain((a, b))
    parallel = on_graph([("a", [], a), ("b", [], b), ("j", ["a", "b"], IDENTITY)], "j")
    assert parallel.act(unit(2)).norm == 16  # siblings together: Z(5, 2)
    bridge = on_graph(
        [
            ("a", [], a),
            ("b", [], b),
            ("e", ["a", "b"], Affine(4)),
            ("f", ["a", "e"], relu(2)),
            ("g", ["e", "b"], relu(2)),
            ("j", ["f", "g"], Affine(4)),
        ],
        "j",
    )
    assert isinstance(bridge, Acyclic)
    assert series((Affine(5), Affine(3))) == Affine(3)
    assert series((Branches((a, b)), IDENTITY)) == Branches((a, b))
