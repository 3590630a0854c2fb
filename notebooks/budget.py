# %% [markdown]
# # Designing under a budget
#
# A budget of parameters, operations, memory or time is an inequality between formulas. With formulas at symbolic sizes, what fits is solved,
# not searched by building models.

# %%
from IPython.display import Math

import layeralgebra as la

c, H, L, T, d = la.dims("c H L T d")

# %% [markdown]
# ## The widest network that fits
#
# ResNet-50 of any width at any resolution: its parameters are a polynomial in the width $c$, its multiply-accumulates in width and resolution.

# %%
resnet = la.zoo.build("resnet50", height=H, width=H, base_width=c)
parameters, macs = la.derive("parameters", resnet), la.derive("macs", resnet)
Math("P = " + la.latex(parameters.formula))

# %%
for millions in (5, 10, 25, 50):
    width = la.solve_for(parameters, c, at_most=millions * 10**6)
    print(f"{millions:3} M parameters: width {int(width):3}, {float(parameters(c=int(width))) / 1e6:6.2f} M")

# %% [markdown]
# Solved means solved: one more channel is over the budget, and the library knows without trying, since the formula grows with $c$.
#
# ## Width against resolution: isoFLOP curves
#
# All pairs of width and resolution that cost as many multiply-accumulates. Along such a curve a network can trade one for the other.

# %%
axes = la.plot_isolines(macs, {H: (96, 384), c: (16, 128)}, [10**9, 2 * 10**9, 4 * 10**9, 8 * 10**9], log=False)

# %% [markdown]
# Where the multiply-accumulates of one of them are spent, stage by stage:

# %%
named = la.zoo.stages("resnet50", height=H, width=H, base_width=c)
axes = la.plot_terms(macs, at={c: 64, H: 224}, by="stage", stages=named)

# %% [markdown]
# ## Several sizes at once
#
# The transformer with the most operations for a token that fits into $10^8$ parameters and whose cache of 4096 tokens stays below 64 M numbers:
# an integer program, solved by branch and bound with a certificate.

# %%
gpt = la.zoo.build("gpt2", length=T, context=T, features=d, heads=1, depth=L, vocabulary=32000)
N, cache = la.parameters(gpt), la.cache_size(gpt)
best = la.optimize(
    12 * L * d**2,
    [N.subs(T, 4096) <= 10**8, cache.subs(T, 4096) <= 64 * 10**6],
    {d: range(256, 2049, 64), L: (1, 64)},
)
print(best.at, "certified" if best.certified else "not certified")
print("parameters", N.subs({T: 4096, **best.at}), " cache", cache.subs({T: 4096, **best.at}))

# %% [markdown]
# ## What matters most?
#
# An elasticity says by how many percent a cost grows for one percent of a size. For the attention of long sequences it moves from 1 to 2.

# %%
work = la.macs(gpt)
share = la.elasticity(work, T)
Math(r"\frac{\partial \log M}{\partial \log T} = " + la.latex(share))

# %%
for tokens in (256, 1024, 4096, 16384, 65536):
    print(f"T = {tokens:6}: {float(share.subs({T: tokens, d: 768, L: 12})):.2f}")

# %% [markdown]
# ## Capacity for its price
#
# A sweep over depth and width of residual networks; no other point has more bits of layer complexity for fewer parameters than those on the line.

# %%
body = la.Identity() + (la.Linear(c) >> la.ReLU())
net = la.Input(64) >> la.Linear(c) >> body**L >> la.Linear(10)
found = la.sweep(
    {"parameters": la.derive("parameters", net), "complexity": la.derive("layer_complexity", net, d=4)},
    over={c: range(8, 129, 8), L: range(1, 17)},
)
axes = la.plot_pareto(found, "parameters", "complexity", maximise="complexity", minimise="parameters", log=True)

# %% [markdown]
# ## Time, at least
#
# A processor with a given rate of operations and of bytes cannot be faster than its roofline. One token reads all weights for one operation
# each: memory limits; thousands of tokens at once are limited by arithmetic. The rates are of the reader's own choice.

# %%
half = {"activations": 2, "weights": 2}
layer = la.Linear(4096, bias=False)
roof = la.roofline(layer, 10**15, 4 * 10**12, on=(T, 4096), itemsize=half)
Math(r"t \ge " + la.latex(roof.time))

# %%
axes = la.plot_scaling({"time at least [s]": roof.time}, T, [2**n for n in range(0, 14)])
