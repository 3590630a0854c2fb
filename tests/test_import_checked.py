"""What is read of PyTorch models is what they hold: parameters, multiplications, outputs, and the sizes for which it was traced.

Oracles: PyTorch's own tensors and its FlopCounterMode, and the model itself, run or traced again at other sizes.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from sympy import Eq, Mod  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import layeralgebra as la  # noqa: E402
from layeralgebra.layers.importers.checks import Steps  # noqa: E402


class Holding(nn.Module):
    """A module with learned tensors, buffers and parts, and a function of them and the input."""

    def __init__(self, function, learned=None, buffers=None, **parts):
        super().__init__()
        self.function = function
        for name, shape in (learned or {}).items():
            setattr(self, name, nn.Parameter(torch.randn(shape)))
        for name, shape in (buffers or {}).items():
            self.register_buffer(name, torch.rand(shape) + 0.5)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def weight_standardised(m, x):
    mean, spread = m.w.mean((1, 2, 3), keepdim=True), torch.sqrt((m.w * m.w).mean((1, 2, 3), keepdim=True))
    return F.conv2d(x, (m.w - mean) / spread * m.g, m.b, padding=1)


#: The module, and the shape of an example.
MODULES = {
    "kernel in a buffer": (Holding(lambda m, x: F.conv2d(x, m.w), buffers={"w": (4, 3, 3, 3)}), (3, 8, 8)),
    "kernel in a buffer, learned bias": (
        Holding(lambda m, x: F.conv2d(x, m.w, m.b, 2, 1, 1, 3), {"b": 6}, {"w": (6, 1, 3, 3)}),
        (3, 9, 9),
    ),
    "learned kernel, bias in a buffer": (
        Holding(lambda m, x: F.conv2d(x, m.w, m.b), {"w": (4, 3, 3, 3)}, {"b": 4}),
        (3, 8, 8),
    ),
    "kernel standardised by the model": (
        Holding(weight_standardised, {"w": (4, 3, 3, 3), "g": (4, 1, 1, 1), "b": 4}),
        (3, 8, 8),
    ),
    "kernel kept at its size": (
        Holding(lambda m, x: F.conv1d(x, m.w * 2, padding="same", dilation=2), {"w": (4, 3, 3)}),
        (3, 9),
    ),
    "kernel read twice": (Holding(lambda m, x: F.conv1d(F.conv1d(x, m.w), m.w * 2), {"w": (3, 3, 2)}), (3, 9)),
    "linear map in a buffer": (Holding(lambda m, x: F.linear(x, m.w), buffers={"w": (5, 4)}), (4,)),
    "linear map computed": (
        Holding(lambda m, x: F.linear(x, m.w * m.g, m.b), {"w": (5, 4), "g": (5, 1), "b": 5}),
        (6, 4),
    ),
    "bias with a fixed part": (
        Holding(lambda m, x: F.linear(x, m.w, torch.cat([m.q, m.k, m.v])), {"w": (12, 4), "q": 4, "v": 4}, {"k": 4}),
        (5, 4),
    ),
    "batch norm with a scale only": (
        Holding(lambda m, x: F.batch_norm(x, m.mean, m.var, m.w), {"w": 3}, {"mean": 3, "var": 3}),
        (3, 5, 5),
    ),
    "batch norm with a shift only": (
        Holding(lambda m, x: F.batch_norm(x, m.mean, m.var, None, m.b), {"b": 3}, {"mean": 3, "var": 3}),
        (3, 5, 5),
    ),
    "batch norm that is frozen": (
        Holding(lambda m, x: F.batch_norm(x, m.mean, m.var, m.w, m.b), {}, {"mean": 3, "var": 3, "w": 3, "b": 3}),
        (3, 5, 5),
    ),
    "group norm with a scale only": (Holding(lambda m, x: F.group_norm(x, 2, m.w), {"w": 4}), (4, 5)),
    "layer norm with a computed scale": (
        Holding(lambda m, x: F.layer_norm(x, (4,), m.w * m.g), {"w": 4, "g": 4}),
        (3, 4),
    ),
    "layer norm over two axes with a shift only": (
        Holding(lambda m, x: F.layer_norm(x, (3, 4), None, m.b), {"b": (3, 4)}),
        (3, 4),
    ),
    "root mean square norm with a computed scale": (
        Holding(lambda m, x: F.rms_norm(x, (4,), m.w + 1), {"w": 4}),
        (3, 4),
    ),
    "two heads": (Holding(lambda m, x: (m.a(x), m.b(x)), a=nn.Linear(4, 3), b=nn.Linear(4, 7)), (4,)),
    "a dictionary of a dictionary": (
        Holding(lambda m, x: {"logits": m.a(x), "more": {"box": m.b(x)}}, a=nn.Linear(4, 3), b=nn.Linear(4, 7)),
        (4,),
    ),
    "the input beside": (Holding(lambda m, x: (m.a(x), x), a=nn.Linear(4, 3)), (5, 4)),
    "a learned tensor beside": (Holding(lambda m, x: (m.a(x), m.w), {"w": 3}, a=nn.Linear(4, 3)), (4,)),
    "a part that is never called": (Holding(lambda m, x: m.a(x), a=nn.Linear(4, 3), b=nn.Linear(9, 9)), (4,)),
    "a tensor under two names": (Holding(lambda m, x: m.b(m.a(x)), a=(tied := nn.Linear(4, 4)), b=tied), (4,)),
    "a batch that is moved": (nn.MultiheadAttention(8, 2), [(4, 8)] * 3),
}


def acting(module, inputs):
    """The learned numbers on which what a module returns depends, by its gradients, each tensor once."""
    module.zero_grad()
    tensors = torch.utils._pytree.tree_leaves(module(*inputs))
    if not any(value is not None and value.requires_grad for value in tensors):
        return {}
    sum(value.sum() + (value**2).sum() for value in tensors if value is not None).backward()
    return {name: tensor.numel() for name, tensor in module.named_parameters() if tensor.grad is not None}


@pytest.mark.parametrize("name", MODULES)
def test_parameters_and_multiplications_are_those_of_the_module(name):
    torch.manual_seed(0)
    module, shape = MODULES[name]
    module = module.eval()
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [torch.randn((1, *one)) for one in shapes]
    net = la.from_torch(module, shape)
    held = acting(module, inputs)
    assert la.parameters(net) == sum(held.values())
    assert net.imported.counted == held
    assert not set(net.imported.unused) & set(held)
    with FlopCounterMode(display=False) as counter:
        returned = torch.utils._pytree.tree_leaves(module(*inputs))
    if name != "a batch that is moved":  # FlopCounterMode does not see the fused attention
        assert 2 * la.macs(net) == counter.get_total_flops()
    returned = [value for value in returned if value is not None]
    assert [tuple(map(int, one)) for one in net.imported.outputs.values()] == [tuple(value.shape) for value in returned]


@pytest.mark.parametrize("asked, parameters, shape", [
    (None, 50, (10,)), ("logits", 15, (3,)), ("more.box", 35, (7,)), (-1, 35, (7,)), (["more.box", 0], 50, (10,)),
])  # fmt: skip
def test_some_of_the_outputs(asked, parameters, shape):
    module, example = MODULES["a dictionary of a dictionary"]
    net = la.from_torch(module, example, outputs=asked)
    assert (la.parameters(net), la.output_shape(net)) == (parameters, shape)
    assert sum(net.imported.counted.values()) + sum(net.imported.unused.values()) == 50


@pytest.mark.parametrize("asked", ["more", 2, -3, ["logits", "more"]])
def test_outputs_that_there_are_not(asked):
    with pytest.raises(la.FieldError, match="'logits', 'more.box'"):
        la.from_torch(*MODULES["a dictionary of a dictionary"], outputs=asked)


def padded_to_eights(m, x):
    width = x.shape[3]
    return m.c(F.pad(x, (0, 8 - width % 8)) if width % 8 else x)


def pooled_while_wide(m, x):
    return F.max_pool2d(m.c(x), 2) if x.shape[2] > 20 else m.c(x)


@pytest.mark.parametrize("function, relation", [
    (padded_to_eights, lambda H, W: Eq(Mod(W, 8), 0)), (pooled_while_wide, lambda H, W: H >= 21),
])  # fmt: skip
def test_what_a_model_asks_of_sizes_is_a_condition(function, relation):
    H, W = la.dims("H W")
    module = Holding(function, c=nn.Conv2d(3, 4, 3, padding=1, bias=False)).eval()
    net = la.from_torch(module, (3, 64, 64), dynamic={1: H, 2: W})
    formula = la.derive("macs", net)
    assert relation(H, W) in net.imported.where
    for height, width in [(64, 64), (24, 40), (21, 67), (20, 64), (9, 8), (33, 1)]:
        if relation(height, width) and min(height, width) > 1:
            assert formula(H=height, W=width) == la.macs(la.from_torch(module, (3, height, width)))
        else:
            with pytest.raises(la.DomainError):
                formula(H=height, W=width)


def test_axes_that_have_to_be_equal_have_one_name():
    module = Holding(lambda m, x: x + x.transpose(1, 2))
    with pytest.raises(la.UnsupportedError, match="the same name"):
        la.from_torch(module, (4, 4), dynamic={0: "N", 1: "M"})
    net = la.from_torch(module, (4, 4), dynamic={0: "N", 1: "N"})
    (N,) = net.free_symbols
    assert la.output_shape(net) == (N, N)


def test_axes_of_another_input():
    module = Holding(lambda m, x, y: torch.cat([x, y], 1))
    T = la.dims("T")
    net = la.from_torch(module, [(3, 5), (4, 5)], dynamic={(1, 0): T})
    assert la.output_shape(net) == (T + 3, 5)


def test_a_rule_of_ones_own_is_checked_too():
    module = Holding(lambda m, x: torch.cumsum(x, 1))
    name = "aten.cumsum.default"
    assert la.output_shape(la.from_torch(module, (4,), operators={name: lambda shapes, others: la.Identity()})) == (4,)
    with pytest.raises(la.UnsupportedError, match=r"cumsum.*\(5\) of \(4\).*recorded \(4\)"):
        la.from_torch(module, (4,), operators={name: lambda shapes, others: la.Linear(5)})
    with pytest.raises(la.UnsupportedError, match="20 parameters"):
        la.from_torch(module, (4,), operators={name: lambda shapes, others: la.Linear(4)})


@pytest.mark.parametrize("function", [
    lambda m, x: m.r(x, m.start(x[:, 0])[None])[0],
    lambda m, x: m.r(x, m.h)[0],
])  # fmt: skip
def test_a_first_state_that_is_not_zero_is_refused(function):
    module = Holding(function, {"h": (1, 1, 3)}, r=nn.GRU(4, 3, batch_first=True), start=nn.Linear(4, 3))
    with pytest.raises(la.UnsupportedError, match="first state"):
        la.from_torch(module, (5, 4))


def test_an_input_states_what_holds_of_its_sizes():
    H, W = la.dims("H W")
    stated = la.Input(3, H, W, where=[Eq(Mod(W, 8), 0), H >= 2])
    assert stated.shape == (3, H, W) and set(stated.where) == {Eq(Mod(W, 8), 0), H >= 2}
    assert stated.subs({H: 4, W: 16}) == la.Input(3, 4, 16)
    assert "where=" in str(stated) and r"8 \mid W" in la.latex(stated)
    for wrong in ({H: 1, W: 8}, {H: 4, W: 9}):
        with pytest.raises(la.ShapeError, match="does not hold"):
            la.macs(stated.subs(wrong) >> la.Conv(4, 1))
    for bad in (3, [W], la.Identity()):
        with pytest.raises(la.FieldError):
            la.Input(3, W, where=bad)


@pytest.mark.parametrize("function", [
    lambda m, x: torch.linalg.vector_norm(x, dim=-1, keepdim=True), lambda m, x: torch.linalg.vector_norm(x, dim=(1, 2)),
    lambda m, x: x / x.norm(dim=1, keepdim=True), lambda m, x: x.mean((1, 2)), lambda m, x: x.sum((0, 1)),
])  # fmt: skip
def test_reductions_compute_what_they_compute(function):
    x = torch.randn(1, 3, 4, dtype=torch.float64)
    found = la.run(la.from_torch(Holding(function), (3, 4)), x[0].numpy())
    assert torch.allclose(torch.tensor(found.astype(float)).ravel(), function(None, x).ravel())


@pytest.mark.parametrize("spec, shape", [
    ("bid,df->bif", (4, 5)), ("df,bid->bif", (4, 5)), ("bid,df->fbi", (5, 1, 4)), ("bid,bjd->bij", (4, 4)),
])  # fmt: skip
def test_products_keep_the_batch_outside_where_it_stays_in_front(spec, shape):
    def product(m, x):
        other = m.w if "f" in spec else x
        return torch.einsum(spec, *((other, x) if spec.startswith("d") else (x, other)))

    module = Holding(product, {"w": (3, 5)} if "f" in spec else {})
    net = la.from_torch(module, (4, 3))
    assert la.output_shape(net) == shape
    assert la.parameters(net) == (15 if "f" in spec else 0)
    with FlopCounterMode(display=False) as counter:
        module(torch.randn(1, 4, 3))
    assert 2 * la.macs(net) == counter.get_total_flops()


def test_shapes_are_compared_only_where_there_are_sizes_to_compare_them_at():
    """Where it is not decided that two shapes are the same, and no size is found for which the model stands, they are not."""
    H, W = la.dims("H W")
    steps = Steps()
    steps.stated = [Eq(Mod(H, 64), 0), Eq(Mod(W, 64), 0), Eq(H, W)]
    assert steps.agree((H,), (W,)) and steps.agree((2 * H,), (H + W,)) and not steps.agree((H,), (W + 1,))
    steps.stated = [Eq(H, 2 * W * W), Eq(W, H + 1)]
    assert not steps.agree((H,), (W,))
