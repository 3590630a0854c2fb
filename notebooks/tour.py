# %% [markdown]
# # From a layer's equation to its LaTeX
#
# Ten minutes: state a layer as an equation, read its closed formulas off it, put it into a network of symbolic depth and width,
# ask for the reasons behind a formula, evaluate it, run it on numbers, and take the LaTeX home.

# %%
import layeralgebra as la

H, W, c, L = la.dims("H W c L")  # positive integers

# %% [markdown]
# ## A layer is an equation
#
# Indices that are missing on the left are summed. `*i` stands for all spatial axes at once, so that one class serves one, two and three
# dimensions. Tensors that are neither `x` nor defined by an earlier line are learned.


# %%
class Separable(la.Layer):
    """Each channel convolved by its own kernel, then the channels mixed at each position."""

    out_channels: la.Dim
    kernel: la.Dim
    padding: la.Size = 0
    equation = """
        z[c, *j] = pad[padding](x[c, *j])
        d[c, *i] = D[c, *u] * z[c, *(i + u)]
        y[o, *i] = P[o, c] * d[c, *i] + b[o]
        where o < out_channels, u < kernel
    """


m, k = la.dims("m k")
layer = Separable(m, k)
layer

# %%
from IPython.display import Math

Math(la.latex_equation(layer))

# %% [markdown]
# ## Its formulas are derived
#
# Nobody wrote a cost rule for this layer: all of it is read from the equation, for every size at once.

# %%
la.parameters(layer, on=(c, H, W))

# %%
same = Separable(m, 3, padding=1)
la.flops(same, on=(c, H, W), apart=True)

# %%
la.output_shape(layer, on=(c, H, W)), la.receptive_field(layer, on=(c, H, W)).size

# %% [markdown]
# A derivation holds the formula with its reasons: how exact it is, where it comes from, and the sizes for which it holds. Here the same
# class works on a sequence, (channels, positions).

# %%
N = la.dims("N")
macs = la.derive(la.macs, layer, on=(c, N))
print(macs.kind, "|", macs.source)
print(macs.domain)
macs

# %%
macs(N=32, c=16, m=64, k=3)

# %%
try:
    macs(N=2, c=16, m=64, k=3)
except la.DomainError as error:
    print(error)

# %% [markdown]
# How does that compare with an ordinary convolution? Symbolic sizes answer once and for all.

# %%
full = la.macs(la.Conv(m, k), on=(c, H, W))
ratio = (la.macs(layer, on=(c, H, W)) / full).factor()
ratio

# %% [markdown]
# ## Networks
#
# `f >> g` is g after f, `f + g` adds two branches of one input, `f ** L` repeats: here a residual network of symbolic depth and width.

# %%
block = Separable(c, 3, padding=1) >> la.BatchNorm() >> la.ReLU()
net = (
    la.Input(3, H, W) >> la.Conv(c, 3, padding=1) >> (la.Identity() + block) ** L >> la.GlobalAvgPool() >> la.Linear(10)
)
Math(la.latex(net))

# %%
both = la.derive(la.parameters, net) + la.derive(la.macs, net)
both

# %%
print(both.table())

# %%
both(H=32, W=32, c=64, L=8)

# %%
la.receptive_field(net).size, la.depth(net)

# %% [markdown]
# Widths that grow from copy to copy close to a polynomial too: a dense block concatenates what it adds to what it had.

# %%
g = la.dims("g")
dense = (la.Identity() | la.Conv(g, 3, padding=1, bias=False)) ** L
la.parameters(dense, on=(c, H, W))

# %% [markdown]
# A chain of strided layers has one floor, not one inside another.

# %%
Math(la.latex(la.output_shape(la.Conv(c, 3, stride=2, padding=1) ** 5, on=(c, H, W))))

# %% [markdown]
# ## Published architectures
#
# Every hyperparameter of the published networks can be a symbol.

# %%
resnet = la.zoo.build("resnet50", height=H, width=W, base_width=c)
la.derive(la.macs, resnet)

# %%
la.derive(la.macs, resnet)(H=224, W=224, c=64), la.parameters(la.zoo.build("resnet50"))

# %%
la.compare(
    {name: la.zoo.build(name) for name in ("resnet18", "mobilenet_v2", "vgg16")},
    metrics=["parameters", "macs", "depth"],
)

# %% [markdown]
# ## Numbers
#
# The same equations run on arrays: slowly, exactly, and with nothing in between, so that they can check everything else.

# %%
import numpy as np

x = np.arange(2 * 4 * 4).reshape(2, 4, 4)
small = Separable(3, 3, padding=1)
weights = {"D": np.ones((2, 3, 3), int), "P": np.array([[1, 0], [0, 1], [1, 1]]), "b": np.zeros(3, int)}
la.run(small, x, weights)

# %% [markdown]
# ## Taking it home
#
# `latex()` of a derivation is paragraphs for a paper, with the table of its terms; `la.latex_document` makes a complete document of them.

# %%
document = la.latex_document(both.latex(), title="A separable residual network")
print(document[:1100])
