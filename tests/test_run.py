"""`run` and `weights`: exactness, names, errors, and the numeric meaning of every part of the equation language."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layeralgebra as la

integers = st.integers(-(10**12), 10**12)


class Cumulative(la.Layer):
    """Sums of all elements up to each one."""

    equation = """
        y[i] = x[j]
        where i < size(j), j <= i
    """


class Diagonal(la.Layer):
    """A matrix with the input on its diagonal, and zeros elsewhere."""

    equation = "y[i, i] = x[i]"


class Lower(la.Layer):
    """The lower triangle of a square matrix."""

    equation = """
        y[i, j] = x[i, j]
        where j <= i
    """


class Statistics(la.Layer):
    """Maximum, minimum, product, mean and sum of a vector, one after the other."""

    equation = """
        a[i] = max[j](x[j])
        b[i] = min[j](x[j])
        c[i] = prod[j](x[j])
        d[i] = mean[j](x[j])
        y[i] = a[i] + 10*b[i] + 100*c[i] + 1000*d[i] + 10000*sum[j](x[j])
        where i < 1
    """


class Spread(la.Layer):
    """Every element added to the places 2i, 2i + 1 and 2i + 2."""

    equation = """
        y[2*i + u] = x[i]
        where u < 3
    """


class Fibonacci(la.Layer):
    """The sum of the two steps before, and the input."""

    equation = "h[t] = h[t-1] + h[t-2] + x[t]"


class Crossed(la.Layer):
    """Two tensors that follow each other."""

    equation = """
        a[t] = b[t-1] + x[t]
        b[t] = 2*a[t]
    """


class Bilinear(la.Layer):
    """A quadratic form for each output."""

    out: la.Dim
    equation = """
        y[o] = W[o, a, b] * x[a] * x[b]
        where o < out
    """


class Border(la.Layer):
    """A vector between two copies of a learned number."""

    equation = "y[t] = pad[t: (1, 2)](x[t], fill=k[0])"


class Ratio(la.Layer):
    """One over every element."""

    equation = "y[i] = 1 / x[i]"


class Nearest(la.Layer):
    """Every second element, and the one before the middle: floors and remainders in addresses."""

    equation = """
        z[i] = x[i]
        y[i] = z[floor(i/2)] + z[(i + 1) % size(i)]
        where i < size(i)
    """


class Fourier(la.Layer):
    """Waves of the input."""

    equation = "y[i] = cos(x[i]) + sin(2*x[i]) + exp(0 - x[i]**2) + log(1 + abs(x[i]))"


# the language --------------------------------------------------------------------------------------------------------


def test_masks_limit_sums_and_elements() -> None:
    assert la.run(Cumulative(), [1, 2, 3, 4]).tolist() == [1, 3, 6, 10]
    x = np.arange(9).reshape(3, 3) + 1
    assert la.run(Lower(), x).tolist() == np.tril(x).tolist()


def test_work_of_a_masked_sum_is_that_of_every_output() -> None:
    n = la.dims("n")
    assert la.flops(Cumulative(), on=(n,)) == n**2
    assert la.flops(Cumulative(), on=(n,), effective=True).subs(n, 4) == 1 + 2 + 3 + 4


def test_left_sides_scatter_and_add() -> None:
    assert la.run(Diagonal(), [1, 2]).tolist() == [[1, 0], [0, 2]]
    assert la.run(Spread(), [1, 10, 100]).tolist() == [1, 1, 11, 10, 110, 100, 100]


def test_every_reduction() -> None:
    assert la.run(Statistics(), [2, 3, 4]).tolist() == [4 + 20 + 2400 + 3000 + 90000]


def test_recurrences_go_step_by_step() -> None:
    assert la.run(Fibonacci(), [1, 0, 0, 0, 0, 0, 0]).tolist() == [1, 1, 2, 3, 5, 8, 13]
    assert la.run(Crossed(), [1, 1, 1]).tolist() == [2, 6, 14]


def test_products_of_one_tensor_with_itself() -> None:
    weights = {"W": [[[1, 2], [3, 4]]]}
    assert la.run(Bilinear(1), [1, 10], weights).tolist() == [1 + 20 + 30 + 400]


def test_a_margin_can_be_learned() -> None:
    assert la.run(Border(), [1, 2], {"k": [7]}).tolist() == [7, 1, 2, 7, 7]


def test_addresses_with_floors_and_remainders() -> None:
    assert la.run(Nearest(), [1, 10, 100]).tolist() == [1 + 10, 1 + 100, 10 + 1]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=5))
def test_elementwise_functions(numbers: list[float]) -> None:
    x = np.array(numbers)
    expected = np.cos(x) + np.sin(2 * x) + np.exp(-(x**2)) + np.log(1 + np.abs(x))
    np.testing.assert_allclose(la.run(Fourier(), x), expected, rtol=1e-12, atol=1e-12)


# exactness -----------------------------------------------------------------------------------------------------------


@given(st.lists(integers, min_size=2, max_size=6))
def test_integers_of_any_size_stay_exact(numbers: list[int]) -> None:
    weights = {"W": [numbers]}
    found = la.run(la.Linear(1, bias=False), numbers, weights)
    assert found.tolist() == [sum(n * n for n in numbers)]
    assert found.dtype == (np.int64 if found[0] < 2**63 else object)


@given(st.lists(st.fractions(max_denominator=1000), min_size=1, max_size=5))
def test_fractions_stay_exact(numbers: list[Fraction]) -> None:
    assert la.run(la.GlobalAvgPool(), [numbers])[0] == sum(numbers) / len(numbers)


def test_numbers_of_all_kinds_are_taken() -> None:
    import sympy

    assert la.run(la.Abs(), np.array([True, False])).tolist() == [1, 0]
    assert la.run(la.Abs(), np.array([-3], dtype=np.int8)).tolist() == [3]
    assert la.run(la.Abs(), np.array([-1.5], dtype=np.float32)).dtype == np.float64
    assert la.run(la.Abs(), [Fraction(-1, 2), 1]).tolist() == [Fraction(1, 2), 1]
    assert la.run(la.Abs(), [sympy.Rational(-1, 2), np.int64(2)]).tolist() == [Fraction(1, 2), 2]
    assert la.run(la.Abs(), [Fraction(-1, 2), 0.5]).dtype == np.float64


def test_floats_come_from_floats_roots_and_waves_only() -> None:
    assert la.run(la.Hardtanh(0, 1), [3]).dtype == np.int64
    assert la.run(la.Hardsigmoid(), [1]).tolist() == [Fraction(2, 3)]
    assert la.run(la.Sigmoid(), [0]).tolist() == [0.5]
    assert la.run(la.MaxPool(1, padding=1), [[1, 2]]).tolist() == [[-np.inf, 1, 2, -np.inf]]


# weights -------------------------------------------------------------------------------------------------------------


def test_names_are_paths() -> None:
    net = la.Linear(3) >> (la.Identity() + (la.Linear(3) >> la.ReLU())) >> la.Linear(3, bias=False) ** 2
    assert list(la.weights(net, on=(2,))) == ["0.W", "0.b", "1.1.0.W", "1.1.0.b", "2.0.W", "2.1.W"]
    assert list(la.weights(la.Linear(3), on=(2,))) == ["W", "b"]
    graph = la.Graph({"f": la.Linear(2), "g": la.Linear(2, bias=False)}, [("f", "g")])
    assert list(la.weights(graph, on=(2,))) == ["f.W", "f.b", "g.W"]


def test_shared_weights_stand_under_their_name() -> None:
    f = (la.Linear(2) >> la.ReLU()).shared("f")
    assert list(la.weights(f >> f >> la.Linear(1, bias=False), on=(2,))) == ["f.0.W", "f.0.b", "2.W"]


def test_learned_tensors_are_as_many_as_parameters() -> None:
    net = la.Conv(4, 3) >> la.BatchNorm() >> la.ReLU() >> la.GlobalAvgPool() >> la.Linear(2)
    names = la.weights(net, on=(3, 8, 8))
    learned = [array.size for name, array in names.items() if name not in ("1.m", "1.v")]
    assert sum(learned) == la.parameters(net, on=(3, 8, 8))
    assert names["1.v"].min() > 0


def test_weights_depend_on_seed_and_name_alone() -> None:
    small, large = la.Linear(3) >> la.Linear(4), la.Linear(3) >> la.Linear(4) >> la.Linear(5)
    first, second = la.weights(small, on=(2,), seed=5), la.weights(large, on=(2,), seed=5)
    assert all((first[name] == second[name]).all() for name in first)
    assert not (first["0.W"] == la.weights(small, on=(2,), seed=6)["0.W"]).any()
    assert (la.run(small, [1.0, 2.0], seed=5) == la.run(small, [1.0, 2.0], first)).all()


def test_rows_of_tables_and_known_tables() -> None:
    mixture = la.MixtureOfExperts(3, 2, 4)
    chosen = la.weights(mixture, on=(50, 2))["c"]
    assert chosen.dtype == np.int64 and set(np.unique(chosen)) == {0, 1, 2}
    rotary = la.weights(la.RotaryEmbedding(), on=(4, 6))
    assert any(np.allclose(array.flat[0], 1.0) for array in rotary.values())  # the cosine of no angle


# errors --------------------------------------------------------------------------------------------------------------

H, c = la.dims("H c")
PAIR = la.Graph({"f": la.Input(2), "g": la.Input(2), "sum": la.Add()}, [("f", "sum"), ("g", "sum")])
WRONG: dict[str, tuple] = {
    # what is called, the error, and words that its message holds
    "a symbolic width": (lambda: la.run(la.Linear(c), [1]), la.FieldError, "the size c is symbolic"),
    "two symbols": (lambda: la.run(la.Linear(c) >> la.Linear(H), [1]), la.FieldError, "H, c are symbolic"),
    "weights at symbolic sizes": (lambda: la.weights(la.Linear(2), on=(c,)), la.FieldError, "literal sizes"),
    "a closed network with symbols": (lambda: la.weights(la.Input(c) >> la.Linear(2)), la.FieldError, "c is symbolic"),
    "no input": (lambda: la.weights(la.Linear(2)), la.ShapeError, "on="),
    "missing weights": (lambda: la.run(la.Linear(2), [1], {"W": [[1], [2]]}), la.FieldError, "b are missing"),
    "unknown weights": (lambda: la.run(la.ReLU(), [1], {"V": [1]}), la.FieldError, "no weights called V"),
    "weights of another shape": (
        lambda: la.run(la.Linear(2, bias=False), [1], {"W": [1, 2]}),
        la.ShapeError,
        "must have shape (2, 1), got (2,)",
    ),
    "weights that are no mapping": (lambda: la.run(la.Linear(2), [1], [[1], [2]]), la.FieldError, "mapping of names"),
    "words as numbers": (lambda: la.run(la.ReLU(), ["a"]), la.FieldError, "array of numbers"),
    "an array of objects": (lambda: la.run(la.ReLU(), [object()]), la.FieldError, "must hold numbers"),
    "rows of several lengths": (lambda: la.run(la.ReLU(), [[1, 2], [3]]), la.FieldError, "differ in length"),
    "complex numbers": (lambda: la.run(la.ReLU(), [1j]), la.FieldError, "array of numbers"),
    "a shape that does not fit": (lambda: la.run(la.Conv(1, 5), [[1, 2]]), la.ShapeError, "must hold one window"),
    "too few axes": (lambda: la.run(la.Select(0), [1, 2]), la.LayerAlgebraError, "axes"),
    "an empty array": (lambda: la.run(la.ReLU(), []), la.ShapeError, "no elements"),
    "another shape than the network's": (
        lambda: la.run(la.Input(3, 4) >> la.ReLU(), np.zeros((3, 5))),
        la.ShapeError,
        "takes (3, 4), the array has shape (3, 5)",
    ),
    "another rank than the network's": (
        lambda: la.run(la.Input(3, H) >> la.ReLU(), [1]),
        la.ShapeError,
        "takes 2 axes",
    ),
    "a size that must be two numbers": (
        lambda: la.run(la.Input(H, H) >> la.ReLU(), np.zeros((2, 3))),
        la.ShapeError,
        "takes (2, 2)",
    ),
    "one array for two inputs": (lambda: la.run(PAIR, np.zeros(2)), la.GraphError, "2 inputs (f, g)"),
    "three arrays for two inputs": (lambda: la.run(PAIR, [[1, 2]] * 3), la.GraphError, "2 inputs (f, g), got 3"),
    "a word beyond the vocabulary": (lambda: la.run(la.Embedding(3, 2), [3]), la.DomainError, "shape (3, 2)"),
    "a word that is no integer": (lambda: la.run(la.Embedding(3, 2), [0.5]), la.DomainError, "integers"),
    "a word that is not finite": (lambda: la.run(la.Embedding(3, 2), [np.nan]), la.DomainError, "integers"),
    "a division of integers by zero": (lambda: la.run(Ratio(), [1, 0]), la.DomainError, "division by zero"),
    "the place of an error": (
        lambda: la.run(la.ReLU() >> (la.Identity() + Ratio()), [0]),
        la.DomainError,
        "at 1.1: a division by zero",
    ),
    "a negative seed": (lambda: la.weights(la.Linear(1), on=(1,), seed=-1), la.FieldError, "seed"),
    "a class in place of a layer": (lambda: la.run(la.ReLU, [1]), la.FieldError, "ReLU(...)"),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_errors_say_what_is_wrong(what: str) -> None:
    call, error, words = WRONG[what]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_floats_may_divide_by_zero() -> None:
    assert la.run(Ratio(), [0.0, -2.0]).tolist() == [np.inf, -0.5]


# closed networks -----------------------------------------------------------------------------------------------------


def test_arrays_decide_the_symbols_of_the_input() -> None:
    net = la.Input(3, H, H) >> la.GlobalAvgPool()
    assert la.run(net, np.ones((3, 4, 4), dtype=int)).tolist() == [1, 1, 1]


def test_several_inputs_come_in_the_order_in_which_they_are_written() -> None:
    net = la.Graph({"f": la.Input(2), "g": la.Input(2), "both": la.Concat()}, [("f", "both"), ("g", "both")])
    assert la.run(net, [[1, 2], [3, 4]]).tolist() == [1, 2, 3, 4]
    swapped = la.Graph({"f": la.Input(2), "g": la.Input(2), "both": la.Concat()}, [("g", "both"), ("f", "both")])
    assert la.run(swapped, [[1, 2], [3, 4]]).tolist() == [3, 4, 1, 2]
    attention = la.CrossAttention(1, bias=False)
    assert la.run(attention, [np.ones((3, 2)), np.ones((5, 4))]).shape == (3, 2)


def test_networks_without_input() -> None:
    assert la.run(la.Parameter((2,)), [], {"W": [1, 2]}).tolist() == [1, 2]
    net = la.Graph({"x": la.Identity(), "p": la.Parameter((2, 1)), "m": la.Mul()}, [("x", "m"), ("p", "m")])
    assert la.run(net, [[1, 2, 3], [4, 5, 6]], {"p.W": [[10], [100]]}).tolist() == [[10, 20, 30], [400, 500, 600]]
