"""The backward pass of networks: against autograd, against exact difference quotients, and its counts against the work of training."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest

import layeralgebra as la

T, n, m, L = la.dims("T n m L")


class Pair(la.Layer):
    """Two inputs and two outputs, of which one learns nothing."""

    inputs, outputs = ("a", "b"), ("left", "right")
    equation = """
        left[t, f] = w[f]*a[t, f] + b[t, f]
        right[t, f] = a[t, f]*b[t, f]
    """


dense = la.Linear(3)
ATTENTION = la.Identity() + (la.LayerNorm() >> la.MultiHeadAttention(1, causal=True))
NETS = {
    "series": (la.Linear(3) >> la.Tanh() >> la.Linear(2), (4,)),
    "sum": (dense + dense + la.Identity(), (2, 3)),
    "product": (dense * (dense >> la.Sigmoid()) * la.Identity(), (2, 3)),
    "product of other shapes": (la.Identity() * (la.GlobalAvgPool() >> la.Linear(3) >> la.Reshape((3, 1, 1))), (3, 2, 2)),
    "concatenation": (la.Concat(dense, la.Linear(2), la.Identity(), axis=1) >> la.Linear(2), (2, 3)),
    "channels": ((la.Conv(2, 3, padding=1) | la.Identity()) >> la.Conv(2, 1), (2, 4, 4)),
    "shared": (la.Linear(3).shared("f") >> la.Tanh() >> la.Linear(3).shared("f") >> la.Linear(3).shared("f"), (3,)),
    "shared in branches": ((dense.shared("f") + (la.Tanh() >> dense.shared("f"))) ** 2, (3,)),
    "repetition": ((la.Identity() + (la.LayerNorm() >> la.Linear(3) >> la.Tanh())) ** 3, (2, 3)),
    "repetition in a repetition": (((dense >> la.Tanh()) ** 2 >> (la.Identity() + dense)) ** 2, (3,)),
    "copies that change": (la.Repeat(la.Linear(n + 2) >> la.Tanh(), 3, n), (3,)),
    "halving": ((la.Conv(2, 3, padding=1) >> la.AvgPool(2)) ** 2, (2, 4, 4)),
    "attention": (ATTENTION**2 >> la.Linear(2), (3, 4)),
    "recurrence": (la.GRU(2) >> la.Linear(2), (3, 2)),
    "graph": (
        la.Graph(
            {"a": dense, "b": dense >> la.Tanh(), "c": dense, "+": la.Add(), "*": la.Mul()},
            [("a", "b"), ("a", "c"), ("b", "+"), ("c", "+"), ("+", "*"), ("a", "*")],
        ),
        (2, 3),
    ),
    "several outputs": (la.Graph({"p": Pair(), "+": la.Add()}, [(("p", "left"), "+"), (("p", "right"), "+")]), [(2, 3), (2, 3)]),
    "several flowing": (Pair() >> Pair(), [(2, 3), (2, 3)]),
    "several repeated": (Pair() ** 3, [(2, 3), (2, 3)]),
    "one of several": (Pair()["right"] >> la.Linear(2), [(2, 3), (2, 3)]),
    "a normalisation": (la.Conv(3, 3, padding=1) >> la.BatchNorm() >> la.ReLU() >> la.MaxPool(2) >> la.Flatten() >> la.Linear(2), (2, 4, 4)),
}  # fmt: skip


def shapes_of(on):
    return list(on) if isinstance(on, list) else [on]


def numbers(net, on, seed=3):
    generator = numpy.random.default_rng(seed)
    arrays = [generator.standard_normal(shape) for shape in shapes_of(on)]
    return (arrays if len(arrays) > 1 else arrays[0]), la.weights(net, on=on)


def total(net, x, weights, seeds):
    made = la.run(net, x, weights)
    made = list(made.values()) if isinstance(made, dict) else [made]
    return sum((numpy.asarray(one, float) * seed).sum() for one, seed in zip(made, seeds))


@pytest.mark.parametrize("name", NETS)
def test_gradients_against_difference_quotients(name):
    """Of everything learned and of what enters, in a random direction, by central differences of the network's own run."""
    net, on = NETS[name]
    x, weights = numbers(net, on)
    generator = numpy.random.default_rng(5)
    made = la.run(net, x, weights)
    outputs = list(made.values()) if isinstance(made, dict) else [made]
    seeds = [generator.standard_normal(numpy.shape(one)) for one in outputs]
    found = la.backward(net, on=on, inputs=True).run(x, weights, seeds if len(seeds) > 1 else seeds[0])
    several = isinstance(x, list)
    names = [f"x[{place}]" for place in range(len(x))] if several else ["x"]
    learned = {key for key, value in weights.items() if key in found}
    assert set(found) == learned | set(names)
    for key, gradient in found.items():
        direction = generator.standard_normal(gradient.shape)

        def moved(step, key=key, direction=direction):
            if key in names:
                place = names.index(key)
                inputs = (
                    [one + step * direction if at == place else one for at, one in enumerate(x)]
                    if several
                    else x + step * direction
                )
                return total(net, inputs, weights, seeds)
            return total(net, x, {**weights, key: weights[key] + step * direction}, seeds)

        quotient = (moved(1e-5) - moved(-1e-5)) / 2e-5
        assert numpy.isclose((gradient * direction).sum(), quotient, rtol=1e-6, atol=1e-8), key


COUNTED = {name: NETS[name] for name in NETS if name != "copies that change"}


@pytest.mark.parametrize("name", COUNTED)
def test_counts_are_those_of_training(name):
    net, on = COUNTED[name]
    found = la.backward(net, on=on)
    for one, both in ((la.macs, la.training_macs), (la.flops, la.training_flops)):
        assert one(found) + one(net, on=on) == both(net, on=on), one.name


@pytest.mark.parametrize(
    ("net", "on"),
    [
        (la.Linear(n) ** L, (T, n)),
        ((la.Identity() + (la.Linear(m) >> la.GELU() >> la.Linear(n))) ** L, (T, n)),
        (la.Linear(m) >> (la.Linear(m) ** L >> la.Tanh()) ** 2, (n,)),
        (la.zoo.symbolic("gpt2")[0], None),
        pytest.param(la.zoo.symbolic("densenet121")[0], None, marks=pytest.mark.slow),
    ],
    ids=["linear", "mlp", "nested", "gpt2", "densenet"],
)
def test_symbolic_depth_is_a_repetition(net, on):
    """As cheap as one copy, and equal to the work of training; at a literal depth what the copies written out give."""
    found = la.backward(net, on=on)
    assert any(hasattr(step, "times") for step in found.steps)
    for one, both in ((la.macs, la.training_macs), (la.flops, la.training_flops)):
        assert la.simplify(one(found) + one(net, on=on) - both(net, on=on)) == 0


def test_exact_numbers_stay_exact():
    net = la.Linear(1, bias=False) ** 2 >> la.ReLU()
    found = la.backward(net, on=(1,), inputs=True).run([Fraction(5, 2)], {"0.0.W": [[2]], "0.1.W": [[Fraction(1, 3)]]})
    assert found["0.1.W"] == [[5]] and found["0.0.W"] == [[Fraction(5, 6)]] and found["x"] == [Fraction(2, 3)]


def test_autograd():
    """The exported network under PyTorch's autograd: of what enters place by place, of what is learned all numbers, whatever their order."""
    torch = pytest.importorskip("torch")
    for name in ("product", "channels", "shared in branches", "repetition", "a normalisation"):
        net, on = NETS[name]
        x, weights = numbers(net, on)
        module = la.to_torch(net, on=on, weights=weights).double().eval()
        entering = torch.tensor(x, requires_grad=True)
        module(entering[None]).sum().backward()
        found = la.backward(net, on=on, inputs=True).run(x, weights)
        numpy.testing.assert_allclose(found.pop("x"), entering.grad.numpy(), atol=1e-6, err_msg=name)
        expected = numpy.concatenate([value.grad.numpy().ravel() for value in module.parameters()])
        made = numpy.concatenate([numpy.asarray(value, float).ravel() for value in found.values()])
        numpy.testing.assert_allclose(numpy.sort(made), numpy.sort(expected), atol=1e-6, err_msg=name)


def test_mutants_of_the_composition_are_caught():
    """A step of another layer, a gradient that is not added, copies in the wrong order: each is seen by the numbers."""
    from dataclasses import replace

    from layeralgebra.algebra.adjoints import backward_run

    net, on = NETS["repetition"]
    x, weights = numbers(net, on)
    right = la.backward(net, on=on).run(x, weights)

    def differs(change):
        whole = la.backward(net, on=on)
        made = backward_run.carried_out(net, False, lambda *words: change(la.backward(*words)), x, weights, None, 0)
        assert set(made) <= set(right) and whole.steps
        return any(not numpy.allclose(made[key], right[key]) for key in right)

    def loop(found, **changes):
        return replace(
            found, steps=tuple(replace(step, **changes) if hasattr(step, "times") else step for step in found.steps)
        )

    assert not differs(lambda found: found)
    assert differs(lambda found: loop(found, leaving=found.steps[0].entering))
    assert differs(lambda found: loop(found, times=found.steps[0].times - 1))
    unsummed = lambda steps: tuple(replace(s, parts=s.parts[:1]) if hasattr(s, "parts") else s for s in steps)  # noqa: E731
    assert differs(lambda found: loop(found, steps=unsummed(found.steps[0].steps)))


def test_it_prints_and_is_refused():
    text = str(la.backward((la.Identity() + la.Linear(n, bias=False)) ** L, on=(n,), inputs=True))
    assert "for l = L - 1, ..., 0" in text and "dW[o, f] = dy[o]*x[f]" in text and "g7 = g5 + g6" in text
    assert str(la.backward(la.ReLU(), on=(3,))) == "nothing is learned"
    with pytest.raises(la.FieldError):
        la.backward(3)
    with pytest.raises(la.ShapeError):
        la.backward(la.Linear(3))
    with pytest.raises(la.UnsupportedError):
        la.backward(la.Linear(2) >> la.Opaque("a step", (2,)), on=(2,))
    found = la.backward(la.Linear(2) >> la.ReLU() >> la.Linear(n), on=(3,))
    for metric in (
        la.depth,
        la.parameters,
        la.peak_memory,
        la.training_macs,
        la.output_shape,
        la.elements_moved,
        la.receptive_field,
    ):
        with pytest.raises(la.LayerAlgebraError):
            metric(found)
    with pytest.raises(la.GraphError, match="said already"):
        la.macs(found, on=(3,))
    derivation = la.derive("macs", found)
    assert derivation(n=5) == la.training_macs(found.net, on=(3,)).subs(n, 5) - la.macs(found.net, on=(3,)).subs(n, 5)
    assert [term.path for term in derivation.terms] == ["2", "1", "0"] and "Linear(n)" in derivation.table()
    with pytest.raises(la.FieldError, match="symbolic|literal|symbol"):
        la.backward(la.Linear(m), on=(n,)).run([1, 2])


def test_check_compares_with_difference_quotients(monkeypatch):
    """Of layers that are right nothing is said; with a rule of the backward pass changed, the check refutes."""
    from layeralgebra.algebra.adjoints import derivatives, reverse, training

    law = ["backward_eq_difference_quotient"]
    for layer in (la.Linear, la.Parameter, la.Softmax):
        assert la.check(layer, laws=law).ok
    slope = derivatives.slope
    wrong = lambda function, *rest: None if function == "sigmoid" else slope(function, *rest)  # noqa: E731
    monkeypatch.setattr(reverse, "slope", wrong)
    training.backward_of.cache_clear()
    try:
        report = la.check(la.Sigmoid(), shapes=[(3, 2)], laws=law)
    finally:
        training.backward_of.cache_clear()
    assert not report.ok and any(result.refuted for result in report.results)
