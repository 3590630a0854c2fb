"""The backward pass of equations against difference quotients of their enumeration, against PyTorch's, and against seeded mistakes."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from difference_quotients import exact_slope, quotients
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from published_samples import SAMPLES as PUBLISHED
from random_equations import drawn

import layeralgebra as la
from layeralgebra.algebra.adjoints import derivatives, reverse
from layeralgebra.algebra.adjoints.adjoint import Adjoint
from layeralgebra.proofs.samples.cases import Case, cases, meaning
from oracles.equation_nodes import Undefined

LAYERS = sorted((kind for kind in la.registered_layers() if not kind.opaque), key=lambda kind: kind.__name__)
WITHOUT_VALUES = {
    "CosineWindowAttention": "a key that is zero is divided by its length, whose root has no slope there, in PyTorch neither",
    "DeformableConv": "its offsets come upon corners of the interpolation",
}

REFUSED = {"Butterfly": "within its recurrence at places that are looked up or not affine"}
"""Layers whose backward pass is not known, and what is said of it."""


def samples(kind: type[la.Layer], count: int) -> list[Case]:
    """A few cases of a layer, always the same."""
    found: list[Case] = []

    @hypothesis_seed(3)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(kind))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def is_refused(kind: type[la.Layer]) -> bool:
    """Whether a layer is among those that are refused, which is then seen to."""
    if kind.__name__ not in REFUSED:
        return False
    (case,) = samples(kind, 1)
    with pytest.raises(la.UnsupportedError, match=REFUSED[kind.__name__]):
        la.adjoint(case.layer, on=case.on)
    return True


def wrong(case: Case, seed: int = 5) -> str | None:
    """The first gradient that is not the slope, if there is one."""
    tensors, weights, slopes = quotients(case, seed)
    found = la.adjoint(case.layer, on=case.on)
    held = {**found.values(tensors), **{seed: weights[output] for output, seed in found.seeds.items()}}
    gradients = found.evaluate(held)
    for name, (direction, slope) in slopes.items():
        made = gradients.get(name, np.zeros(tensors[name].shape))
        if made.shape != tensors[name].shape:
            return f"{name} has a gradient of shape {made.shape}"
        along = float((np.asarray(made, dtype=float) * direction).sum())
        if not abs(along - slope) <= 1e-5 * (1 + abs(slope)):
            return f"{name}: {along} in place of {slope}"
    return None


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_gradients_are_the_slopes_of_what_is_enumerated(kind):
    if is_refused(kind):
        return
    judged = 0
    for case in samples(kind, 2 if kind.__name__ in PUBLISHED else 6):
        try:
            problem = wrong(case)
        except Undefined:
            continue
        judged += 1
        if kind.__name__ in WITHOUT_VALUES and problem is not None:
            pytest.skip(WITHOUT_VALUES[kind.__name__])
        assert problem is None, f"{case}: {problem}"
    if not judged:
        pytest.skip("no draw has a value")


RATIONAL = [
    (la.Conv(2, 3, stride=2, padding=1), ((2, 5),)), (la.ConvTranspose(2, 2, stride=3), ((2, 3),)), (la.Linear(2), ((3, 2),)),
    (la.AvgPool(2), ((1, 4, 4),)), (la.BilinearMap(2), ((3,), (2,))), (la.MatrixLSTM, None), (la.Embedding(4, 2), ((3,),)),
]  # fmt: skip


@pytest.mark.parametrize("layer, shapes", [pair for pair in RATIONAL if pair[1]], ids=str)
def test_gradients_of_rational_equations_are_exact(layer, shapes):
    case = Case(layer, shapes, meaning(layer, shapes))
    tensors, weights, slopes = quotients(case, 1)
    for name in slopes:
        tensors[name] = np.vectorize(lambda value: Fraction(round(100 * value), 7), otypes=[object])(tensors[name])
    as_fractions = np.vectorize(lambda value: Fraction(round(10 * value), 3), otypes=[object])
    weights = {output: as_fractions(value) for output, value in weights.items()}
    found = la.adjoint(layer, on=case.on)
    gradients = found.evaluate(
        {**found.values(tensors), **{seed: weights[output] for output, seed in found.seeds.items()}}
    )
    for name, (direction, _) in slopes.items():
        along = np.vectorize(lambda value: Fraction(round(10 * value)), otypes=[object])(direction)
        exact = exact_slope(case, tensors, weights, name, along)
        assert abs((gradients[name] * along).sum() - exact) < Fraction(1, 10**30)


TEXTS = {
    "running down": "b[t, o] = tanh(U[o, p]*b[t+1, p] + V[o, f]*x[t, f])\nwhere o < 2",
    "given before": "h[-1, o] = h0[o]\nh[t, o] = tanh(U[o, p]*h[t-1, p] + V[o, f]*x[t, f])\ny[o] = h[size(t) - 1, o]\nwhere o < 2",
    "two steps": "h[-1, o] = h0[o]\nh[-2, o] = g0[o]\nh[t, o] = sin(h[t-1, o]*a[o] + h[t-2, o]) + x[t, o]\ny[t, o] = h[t, o]*h[t-1, o]",
    "given first": "z[0, i] = x[0, i]*w[i]\nz[t, i] = z[t-1, i]*w[i] + x[t, i]\ny[i] = z[size(t) - 1, i] + z[1, i]",
    "a grid": "h[i, j] = tanh(a[0]*h[i-1, j] + b[0]*h[i, j-1] + x[i, j])\nwhere a[1], b[1]",
    "products": "y[i] = prod[j](x[i, j]*w[j])\nwhere j <= i + 1",
    "shadowed": "y[i, j] = x[i, j]/sum[j](exp(x[i, j]))",
    "masked mean": "y[i] = mean[j](x[j]*w[i, j])\nwhere j <= i, i < size(j)",
    "scattered mean": "y[p[i], o] = mean[i](x[i, o]**2)\np0 = 1\nwhere p < 3",
    "diagonal": "y[i] = x[i, i]*w[i]",
    "windows of a square": "y[i] = sum[u](x[i + u]**2) + max[u](x[i + u])\nwhere u < 2",
    "sorted": "y[r] = sort[j](x[j]*w[j], r)*v[r]\nwhere r < 3",
    "filled": "z[i, c] = pad[i: (1, 2)](x[i, c], fill=k[c])\ny[i, c] = z[i, c]*w[i, c]",
    "a step and its rest": "y[i] = x[i]*[x[i] > 0.5] + mod(x[i], 0.7) + floor(x[i])",
    "not affine": "y[i, o] = x[floor(i/2), o]*w[i]\nwhere i < 2*size(x, 0)",
    "an option": "y[i] = sum[j](x[j]*w[i, j])\nwhere i < size(j), j <= i or j < 1",
    "square of a state": "h[t] = 0.5*h[t-1]**2 + x[t]*h[t-1]\ny[t] = h[t]*h[t]",
}  # fmt: skip


def written(text: str, shape: tuple[int, ...]) -> Case:
    looks_up = "y[p[" in text
    text = text.replace("\np0 = 1", "")
    kind = type("Written", (la.Layer,), {"equation": text, "inputs": ("x", "p") if looks_up else ("x",)})
    shapes = (shape, (shape[0],)) if looks_up else (shape,)
    return Case(kind(), shapes, meaning(kind(), shapes))


@pytest.mark.parametrize("name", TEXTS)
def test_gradients_of_equations_at_the_corners_of_the_language(name):
    text = TEXTS[name]
    first = text[text.index("x[") + 2 :].split("]")[0]
    case = written(text, (3,) if "," not in first else (3, 3))
    assert wrong(case, 7) is None


def test_gradients_of_drawn_equations():
    right = refused = 0
    for seed in range(0, 400):
        draw = drawn(seed)
        try:
            fields = {name: la.Dim if isinstance(value, int) else la.Number for name, value in draw.fields.items()}
            kind = type(
                "Drawn", (la.Layer,),
                {"__annotations__": fields, "equation": draw.text, "inputs": draw.inputs, "buffers": draw.buffers},
            )  # fmt: skip
            layer = kind(**draw.fields)
            case = Case(layer, draw.shapes, meaning(layer, draw.shapes))
            layer.instance(*draw.shapes)
            small = all(np.prod(sizes) <= 60 for sizes in case.meaning.shapes.values())
        except Exception:  # whatever is wrong with a text that is drawn
            continue
        if not small:
            continue
        try:
            problem = wrong(case)
        except la.UnsupportedError:
            refused += 1
            continue
        except (Undefined, la.DomainError, la.BudgetError):
            continue
        assert problem is None, f"seed {seed}: {draw.text}\non {draw.shapes}: {problem}"
        right += 1
    assert right >= 60 and refused <= right // 4


class Cell(la.Layer):
    hidden: la.Dim
    outputs = ("h", "c")
    equation = """
        a[t, o] = sigmoid(Wa[o, f]*x[t, f] + Ua[o, p]*h[t-1, p])
        c[t, o] = a[t, o]*c[t-1, o] + tanh(Wg[o, f]*x[t, f] + Ug[o, p]*h[t-1, p])
        h[t, o] = tanh(c[t, o])*a[t, o]
        where o < hidden
    """


OUTPUTS = {
    "read by each other": ("s[t, f] = w[f]*x[t, f]\ny[t] = mean[k](s[k, t]*s[t, k])\nu[f, t] = s[t, f] + x[t, 0]", ("s", "y", "u")),
    "not the last line": ("s[t, f] = w[f]*x[t, f] + s[t-1, f]\ny[f] = mean[k](s[k, f]*v[f])", ("s",)),
    "a first state and a last": ("h[t, f] = sin(h[t-1, f]*a[f]) + x[t, f]\nb[f] = h[size(x, 0) - 1, f]", ("h", "b")),
    "a margin": ("z[t, f] = pad[t: (2, 0)](x[t, f])\ny[t, f] = w[u, f]*z[t+u, f]\nwhere u < 3", ("z", "y")),
    "one is another": ("y[t, f] = x[t, f]\nz[f, t] = y[t, f]\nq[t, f] = y[t, f]", ("q", "y", "z")),
    "nothing goes through one": ("y[t] = sum[f](x[t, f]*w[f])\nn[t] = sum[f]([x[t, f] > 0])", ("n", "y")),
}  # fmt: skip


def slopes_of_all(layer, shape, shown=None):
    """The largest difference of a gradient along a direction from the difference quotient of all outputs, weighted."""
    case = Case(layer, (shape,), meaning(layer, (shape,)))
    generator = np.random.default_rng(5)
    free = [name for name in case.meaning.shapes if name not in case.meaning.defined]
    tensors = {name: generator.uniform(0.3, 1.2, case.meaning.shapes[name]) for name in free}
    names = layer.output_names
    weights = {name: generator.standard_normal(case.meaning.shapes[name]) for name in names}

    def loss(tensors):
        values = {name: case.meaning.at(name).run(tensors) for name in names}
        return sum(weights[name][where] * value for name in names for where, value in values[name].items())

    found = la.adjoint(layer, on=shape)
    held = {**found.values(tensors), **{seed: weights[name] for name, seed in found.seeds.items()}}
    gradients = found.evaluate(held)
    largest = 0.0
    for name in free:
        direction = generator.standard_normal(tensors[name].shape)
        ends = [loss({**tensors, name: tensors[name] + sign * 1e-5 * direction}) for sign in (1, -1)]
        made = np.asarray(gradients.get(name, np.zeros(tensors[name].shape)), dtype=float)
        largest = max(largest, abs((made * direction).sum() - (ends[0] - ends[1]) / 2e-5))
        if name in found.gradients and found.gradients[name] in {line.target for line in found.program.statements}:
            alone = found[found.gradients[name]]
            arrays = [held[each] for each in alone.input_names]
            again = la.run(alone, arrays[0] if len(arrays) == 1 else arrays)
            assert np.allclose(np.asarray(again, float), made)
    return largest, found


@pytest.mark.parametrize("title", OUTPUTS)
def test_gradients_of_several_outputs_are_added(title):
    text, outputs = OUTPUTS[title]
    layer = type("Several", (la.Layer,), {"equation": text, "outputs": outputs})()
    difference, found = slopes_of_all(layer, (3, 3))
    assert difference < 1e-6
    assert set(found.seeds) == set(outputs) - {"n"}


def test_gradients_of_a_cell_with_both_of_its_states():
    difference, found = slopes_of_all(Cell(2), (3, 2))
    assert difference < 1e-6 and set(found.seeds) == {"h", "c"}


def test_work_of_training_follows_the_outputs_that_are_read():
    forward, backward = 30 * 4, 30 * 4 + 18 * 4  # of the weights; of the states, four steps
    assert la.training_macs(Cell(3)["h"], on=(4, 2)) == forward + backward
    both = la.Graph({"cell": Cell(3), "map": la.Linear(2)}, [(("cell", "c"), "map")])
    assert la.training_macs(both, on=(4, 2)) == la.training_macs(Cell(3)["c"], on=(4, 2)) + 3 * 24
    ends = la.Graph({"f": la.Linear(4), "m": la.Linear(2), "v": la.Linear(3)}, [("f", "m"), ("f", "v")])
    assert la.training_flops(ends["m"], on=(4, 2)) == la.training_flops(la.Linear(4) >> la.Linear(2), on=(4, 2))
    assert la.training_macs(ends, on=(4, 2)) == 2 * 32 + 3 * 32 + 3 * 48  # nobody asks for the gradient of the input
    joined = la.Graph({"c": Cell(3), "s": la.Add()}, [(("c", "h"), "s"), (("c", "c"), "s")])
    for net in (Cell(3), joined):  # what makes h makes c
        assert la.training_macs(net, on=(4, 2)) == forward + backward


def test_the_text_is_a_layer_that_runs_and_counts():
    for layer, shapes in (
        (la.Conv(4, 3, stride=2, padding=1), ((2, 8),)),
        (la.LSTM(2), ((3, 2),)),
        (la.Softmax(), ((2, 3),)),
    ):
        case = Case(layer, shapes, meaning(layer, shapes))
        tensors, weights, _ = quotients(case, 2)
        found = la.adjoint(layer, on=case.on)
        held = {**found.values(tensors), **{seed: weights[output] for output, seed in found.seeds.items()}}
        gradients = found.evaluate(held)
        for name, title in found.gradients.items():
            made = found[title]
            arrays = [held[each] for each in made.input_names]
            assert np.allclose(
                la.run(made, arrays[0] if len(arrays) == 1 else arrays).astype(float), gradients[name].astype(float)
            )
            assert la.parameters(made, on=[array.shape for array in arrays]) == 0


def test_symbolic_sizes_stay_symbols():
    c, k, n, t = la.dims("c k n t")
    found = la.adjoint(la.Linear(k), on=(t, n))
    assert str(found).splitlines()[1] == "dW[o, f] = dy[t, o]*x[t, f]"
    assert la.macs(found["dW"], on=[(t, k), (t, n)]) == k * n * t


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "sqrt"])
def test_a_wrong_slope_is_found(monkeypatch, name):
    layer = {"tanh": la.Tanh(), "sigmoid": la.Sigmoid(), "sqrt": la.Softplus()}[name]
    if name == "sqrt":
        monkeypatch.setitem(derivatives.OF_ARGUMENT, "softplus", lambda x: ([x], []))
    else:
        monkeypatch.setitem(derivatives.OF_VALUE, name, lambda y: ([y], []))
    assert wrong(Case(layer, ((3,),), meaning(layer, ((3,),)))) is not None


MUTANTS = {
    "a mean that forgets its count": ("_count", lambda self, indices, scope: derivatives.ONE, la.AvgPool(2), ((1, 4),)),
    "a sum that is not taken": (
        "_summed", lambda self, cotangent, kept: reverse.product(cotangent.factors), la.Linear(2), ((3, 2),),
    ),
    "a softmax without its sum": (
        "_softmax",
        lambda self, head, cotangent, scope, whole: self.descend(
            head.body, cotangent.times((self.value(head, scope, whole),)), scope | frozenset(head.indices)
        ),
        la.Softmax(), ((2, 3),),
    ),
    "states that are not shifted": ("_shifts", lambda self, read: [], la.RNN(2), ((3, 2),)),
    "a product without its others": ("value", lambda self, head, scope, whole: derivatives.ONE, la.Linear(2), ((3, 2),)),
}  # fmt: skip


@pytest.mark.parametrize("title", MUTANTS)
def test_seeded_mistakes_are_found(monkeypatch, title):
    method, mistake, layer, shapes = MUTANTS[title]
    case = Case(layer, shapes, meaning(layer, shapes))
    assert wrong(case) is None
    monkeypatch.setattr(reverse.Reverse, method, mistake)
    try:
        problem = wrong(case)
    except Exception as error:
        problem = repr(error)
    assert problem is not None


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_gradients_are_those_of_pytorch(kind):
    torch = pytest.importorskip("torch")
    from layeralgebra.layers.torch.equation import EquationModule

    if is_refused(kind):
        return
    for case in samples(kind, 1 if kind.__name__ in PUBLISHED else 3):
        try:
            tensors, weights, _ = quotients(case, 9)
        except Undefined:
            continue
        module = EquationModule(case.layer.instance(*case.shapes)).double()
        inputs = [torch.as_tensor(np.asarray(tensors[name], dtype=float)) for name in case.layer.input_names]
        places = [case.meaning.rows(name) is not None for name in case.layer.input_names]
        inputs = [one.long() if is_place else one.requires_grad_() for one, is_place in zip(inputs, places)]
        with torch.no_grad():
            for name, value in tensors.items():
                for role in ("weight", "buffer"):
                    if hasattr(module, f"{role}_{name}"):
                        getattr(module, f"{role}_{name}").copy_(torch.as_tensor(np.asarray(value, dtype=float)))
        made = module._example(*inputs)
        outputs = made if isinstance(made, dict) else {case.meaning.outputs[0]: made}
        loss = sum((outputs[name] * torch.as_tensor(value)).sum() for name, value in weights.items())
        if not loss.requires_grad:
            continue
        loss.backward()
        found = la.adjoint(case.layer, on=case.on)
        held = {**found.values(tensors), **{seed: weights[output] for output, seed in found.seeds.items()}}
        for name, gradient in found.evaluate(held).items():
            at = case.layer.input_names.index(name) if name in case.layer.input_names else None
            theirs = inputs[at].grad if at is not None else getattr(module, f"weight_{name}").grad
            if theirs is not None:
                assert np.allclose(gradient.astype(float), theirs.numpy(), rtol=1e-5, atol=1e-7, equal_nan=True), (
                    case,
                    name,
                )


def test_what_is_opaque_is_refused():
    with pytest.raises(la.UnsupportedError, match="opaque"):
        la.adjoint(la.Opaque("a step", (2,)), on=(2,))
    assert dataclasses.is_dataclass(Adjoint)
