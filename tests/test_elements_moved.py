"""Elements moved, against touching elements one by one, and against the storages that PyTorch's operators read and write."""

import numpy as np
import pytest
from random_equations import drawn
from sympy import Integer, expand

import layeralgebra as la
from layeralgebra.algebra.equations.footprint import layer_footprints

T, n, m, B, L, H, c = la.dims("T n m B L H c")

PROBED = [
    (la.Conv(2, 3, padding=1), (2, 5)),
    (la.Conv(2, 2, stride=3, bias=False), (2, 9)),
    (la.Conv(2, 2, stride=3, padding=2), (1, 7)),
    (la.Conv(1, 3, stride=2, dilation=2, padding=1), (1, 11)),
    (la.Conv(1, 2, stride=2, dilation=4), (1, 13)),
    (la.Conv(1, 3, stride=4, dilation=6, padding=3), (1, 21)),
    (la.Conv(2, 1, stride=2), (1, 5, 6)),
    (la.Conv(2, 3, padding="causal", dilation=2), (1, 6)),
    (la.MaxPool(2, stride=3), (1, 8, 7)),
    (la.AvgPool(2, stride=3, padding=1), (1, 8)),
    (la.MultiHeadAttention(2, causal=True), (3, 4)),
    (la.ConvTranspose(2, 3, stride=2, padding=1), (1, 4)),
    (la.GRU(2), (3, 2)),
    (la.PixelUnshuffle(2), (1, 4, 4)),
    (la.Formula("y[i] = x[2*i]*x[2*i + 1]"), (8,)),
    (la.Formula("y[i] = x[3*i]*x[i + 2]\nwhere i < 3"), (9,)),
    (la.Formula("y[i] = x[i, i]"), (4, 4)),
    (la.Formula("y[i] = sum[j](x[j])\nwhere i < 3, j <= i"), (6,)),
]


@pytest.mark.parametrize("layer, shape", PROBED, ids=str)
def test_what_changes_the_output_is_what_is_touched(layer, shape):
    """An element that is no number makes something of the output no number just if it is read."""
    instance = layer.instance(tuple(map(Integer, shape)))
    draw = np.random.default_rng(0)
    x = draw.normal(size=shape)
    weights = {name: draw.normal(size=tuple(int(size) for size in shape)) for name, shape in instance.weights().items()}
    found = layer_footprints(instance)
    for name, array in {layer.input_names[0]: x, **weights}.items():
        if name not in found:  # a view of what enters
            continue
        touched = 0
        for place in np.ndindex(array.shape):
            before, array[place] = array[place], np.nan
            with np.errstate(all="ignore"):
                touched += bool(np.isnan(la.run(layer, x, weights)).any())
            array[place] = before
        assert touched == found[name].elements if found[name].exact else touched <= found[name].elements
        assert found[name].exact


@pytest.mark.parametrize(
    "s, d, k, p", [(1, 1, 3, 1), (2, 1, 3, 1), (3, 1, 2, 2), (5, 1, 3, 0), (1, 3, 2, 2), (2, 3, 2, 1)]
)
def test_symbols_agree_with_numbers(s, d, k, p):
    formula = la.elements_moved(
        la.Conv(1, k, stride=s, dilation=d, padding=p, bias=False), on=(1, H), access="reads", of="activations"
    )
    for size in range(9, 15):
        n_out = (size + 2 * p - d * (k - 1) - 1) // s + 1
        read = {s * i + d * u - p for i in range(n_out) for u in range(k)} & set(range(size))
        assert formula.subs(H, size) == len(read)


def test_stride_and_kernel_as_symbols():
    k, s, p = la.dims("k s p")
    formula = la.elements_moved(
        la.Conv(1, k, stride=s, padding=p, bias=False), on=(1, H), access="reads", of="activations"
    )
    for size, kernel, stride, pad in [(12, 2, 3, 1), (12, 3, 2, 1), (9, 5, 5, 2), (10, 1, 4, 3), (7, 7, 1, 3)]:
        n_out = (size + 2 * pad - kernel) // stride + 1
        read = {stride * i + u - pad for i in range(n_out) for u in range(kernel)} & set(range(size))
        assert formula.subs({H: size, k: kernel, s: stride, p: pad}) == len(read)


MLP = la.Linear(m) >> la.ReLU() >> la.Linear(n)


def test_fused_parts():
    weights = 2 * m * n + m + n
    for fuse, expected in {
        "statement": 4 * B * T * m + 5 * B * T * n,
        "layer": 4 * B * T * m + 5 * B * T * n,
        "block": 2 * B * T * n,
    }.items():
        found = la.elements_moved((la.Identity() + MLP) ** L, on=(T, n), batch=B, fuse=fuse)
        assert expand(found - L * (expected + weights)) == 0
    whole = la.elements_moved((la.Identity() + MLP) ** L, on=(T, n), batch=B, fuse="network")
    assert expand(whole - 2 * B * T * n - L * weights) == 0
    shared = la.elements_moved((la.Identity() + MLP.shared("mlp")) ** L, on=(T, n), batch=B, fuse="network")
    assert expand(shared - 2 * B * T * n - weights) == 0


@pytest.mark.parametrize("fuse", ["statement", "layer", "block", "network"])
def test_written_out_repetitions_agree(fuse):
    block = la.Identity() + MLP
    formula = la.elements_moved(block**L, on=(T, n), fuse="layer" if fuse == "block" else fuse)
    for copies in (1, 2, 3):
        chain = la.Series(*[block] * copies)
        found = la.elements_moved(chain, on=(T, n), fuse="layer" if fuse == "block" else fuse)
        assert expand(formula.subs(L, copies) - found) == 0


def test_terms_add_up():
    for fuse in ("statement", "layer"):
        derivation = la.derive(la.elements_moved, (la.Identity() + MLP) ** L, on=(T, n), fuse=fuse)
        assert expand(derivation.formula - L * sum(term.value for term in derivation.terms)) == 0
        assert derivation.kind == "exact"


def test_kinds_and_units():
    words = la.Embedding(m, n)
    derivation = la.derive(la.elements_moved, words, on=(T,), unit="bytes", batch=B)
    assert derivation.kind == "upper"
    assert derivation.formula.subs({m: 50, n: 3, T: 4, B: 2}) == 4 * 3 * 8 + 8 * 8 + 4 * 8 * 3
    assert la.elements_moved(words, on=(T,), of="indices") == T
    assert la.elements_moved(la.Identity() | la.Identity(), on=(n,)) == 4 * n
    assert la.elements_moved(la.Flatten(), on=(n, 2)) == 0
    with pytest.raises(la.FieldError, match="fuse"):
        la.elements_moved(MLP, on=(T, n), fuse="all")
    with pytest.raises(la.FieldError, match="nothing moves"):
        la.intensity(la.Identity(), on=(n,))


def test_intensity_of_a_matrix_product():
    """Williams, Waterman, Patterson 2009: operations over bytes, each operand once."""
    found = la.intensity(la.Linear(m, bias=False), on=(T, n), itemsize={"activations": 2, "weights": 2})
    assert found.subs({T: 4096, n: 4096, m: 4096}) == Integer(4096) / 3


def moved_by_pytorch(module, *inputs):
    """Elements of the different storages that each operator reads and writes; what makes no new storage is a view."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Counting(TorchDispatchMode):
        total = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            made = func(*args, **(kwargs or {}))
            read = {t.untyped_storage()._cdata: t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
            written = {t.untyped_storage()._cdata: t for t in tree_leaves(made) if isinstance(t, torch.Tensor)}
            if not set(written) <= set(read):
                tensors = {**read, **written}.values()
                self.total += sum(t.untyped_storage().nbytes() // t.element_size() for t in tensors)
            return made

    with torch.no_grad(), Counting() as counting:
        module(*inputs)
    return counting.total


def test_pytorch_moves_as_much():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    with torch.device("meta"):
        pairs = [
            (nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), la.Linear(8) >> la.ReLU() >> la.Linear(3), (5, 6), 0),
            (
                nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8 * 16, 10)),
                la.Conv(8, 3, padding=1) >> la.ReLU() >> la.AvgPool(2) >> la.Flatten() >> la.Linear(10),
                (3, 8, 8),
                0,
            ),
            # A strided 1x1 convolution touches a quarter of the storage that PyTorch is given.
            (nn.Conv2d(4, 8, 1, stride=2), la.Conv(8, 1, stride=2), (4, 8, 8), 4 * (64 - 16)),
            # PyTorch gives back means and deviations, one of each a position.
            (nn.LayerNorm(6), la.LayerNorm(), (5, 6), 2 * 5),
            (nn.ConvTranspose2d(4, 2, 2, stride=2), la.ConvTranspose(2, 2, stride=2), (4, 3, 3), 0),
        ]  # fmt: skip
        for module, net, shape, more in pairs:
            batch = 2
            there = moved_by_pytorch(module, torch.empty((batch, *shape)))
            assert there == la.elements_moved(net, on=shape, batch=batch) + more * batch


@pytest.mark.parametrize(
    "text, shape, touched",
    [
        # a mask that another mask ties to the address: j <= k <= l < 2
        ("y[i] = sum[j, k, l](x[j]*V[i, k]*U[l])\nwhere i < 2, k < 10, l < 2, j <= k, k <= l", (10,), 2),
        # a mask of a reduction elsewhere bears on no read outside of it
        ("y[i] = max(x[i], sum[j](x[j] + U[i, j]), V[i])\nwhere i - j >= 3, j < size(i)", (3,), 3),
        ("y[i] = sum[u](V[u]*W[i]) + x[i]\nwhere u < 2, i <= u", (6,), 6),
        # margins: what is masked is a place in the padded tensor, and a negative margin cuts
        ("y[i, j] = pad[j: (2, 2)](x[i, j])\nwhere i - j < 4, i <= j", (4, 6), 23),
        ("y[i] = pad[i: (0 - 1, 3)](x[i])", (5,), 4),
        # a line that only shows another tensor, and not all of it
        ("z[c, j] = x[c, j]\ny[c, i] = z[c, (i + 3) % size(j)]\nwhere i < size(j), c <= j", (3, 4), 9),
    ],
)
def test_masks_and_margins_bear_on_the_reads_in_their_scope(text, shape, touched):
    instance = la.Formula(text).instance(tuple(map(Integer, shape)))
    found = layer_footprints(instance)["x"]
    assert found.elements == touched if found.exact else found.elements >= touched


@pytest.mark.parametrize("first", [0, pytest.param(300, marks=pytest.mark.slow)])
def test_no_drawn_equation_touches_more_than_its_footprint(first):
    tried = 0
    for seed in range(first, first + (120 if first == 0 else 3_000)):
        draw = drawn(seed)
        if len(draw.shapes) != 1 or draw.buffers or "[x[" in draw.text or np.prod(draw.shapes[0]) > 60:
            continue
        try:
            layer = as_layer(draw)
            instance = layer.instance(tuple(map(Integer, draw.shapes[0])))
            found = layer_footprints(instance).get(layer.input_names[0])
            touched = 0 if found is None else len(touching(layer, instance, draw.shapes[0]))
        except la.LayerAlgebraError:
            continue
        if found is not None:
            tried += 1
            assert touched <= found.elements, f"draw {seed}\n{draw.text}\n{draw.fields} on {draw.shapes}"
    assert tried > 10


def as_layer(draw):
    kinds = {
        name: "Flag" if isinstance(value, bool) else "Text" if isinstance(value, str)
        else "Number" if isinstance(value, float) else "Size"
        for name, value in draw.fields.items()
    }  # fmt: skip
    body = {"equation": draw.text, "inputs": draw.inputs, "outputs": draw.outputs, "__annotations__": kinds}
    return type("Drawn", (la.Layer,), body)(**draw.fields)


def touching(layer, instance, shape):
    """The places of the input at which what is no number makes an output no number."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=shape)
    weights = {name: draw.normal(size=tuple(int(size) for size in one)) for name, one in instance.weights().items()}
    found = []
    for place in np.ndindex(x.shape):
        poisoned = x.copy()
        poisoned[place] = np.nan
        with np.errstate(all="ignore"):
            made = la.run(layer, poisoned, weights)
        arrays = made.values() if isinstance(made, dict) else [made]
        if any(np.isnan(np.asarray(array, dtype=float)).any() for array in arrays):
            found.append(place)
    return found
