# %% [markdown]
# # Limits of depth, and how weights must scale
#
# Whether a deep network propagates capacity (Donier, [arXiv 1902.08572](https://arxiv.org/abs/1902.08572) and
# [1903.04455](https://arxiv.org/abs/1903.04455)) depends on how its weights shrink with depth. Here the exponents are derived from the blocks.
# The definitions are reconstructions from the papers' abstracts and openings, and each result is a `conjecture` and says so.

# %%
import sympy
from IPython.display import Math

import layeralgebra as la

N, L = la.dims("N L")
a, b = sympy.symbols("a b", positive=True)
conv = la.Conv(1, 3, padding=1, bias=False)

# %% [markdown]
# ## A plain stack: the square root of depth
#
# Capacity walks backwards through the layers, one step of the kernel a layer. Variances add: the effective field of $L$ layers grows as $\sqrt L$,
# while the receptive field grows as $L$.

# %%
plain = la.capacity_propagation(conv**L, on=(1, N))
print("receptive field:", la.receptive_field(conv**L, on=(1, N)).size[0])
print("variance of where capacity goes:", plain.variance[0], "|", plain.kind)

# %% [markdown]
# ## A residual stack, with any weights
#
# With the kernel $(a, b, a)$ in the branch, one block moves a share of the capacity that depends on the size of the weights:

# %%
block = la.Identity() + conv
moved = la.capacity_propagation(block**L, on=(1, N), taps={"*.1.W": [[[[a, b, a]]]]})
Math(r"\sigma^2 = " + la.latex(moved.variance[0]))

# %% [markdown]
# ## Which exponent?
#
# Let weights be $\varepsilon = c\,L^{-\alpha}$ times a fixed kernel. If $\alpha$ is too small, the variance grows without bound ("shatters"); too large,
# and it vanishes. One exponent has a limit: the library takes one block's moment to leading order in $\varepsilon$ and solves.

# %%
scaling = la.scaling_exponent(block, on=(1, 9), taps={"1.W": [[[[a, b, a]]]]})
print("exponent", scaling.exponent, "|", scaling.verdict, "|", scaling.kind)
for alpha in ("1/4", "1/2", "1"):
    print(f"alpha = {alpha:4}", la.scaling_exponent(block, alpha, on=(1, 9)).verdict)

# %% [markdown]
# The variance of the kernel $(0.5, 0.7, 0.5)$ at $c = 3$, for three exponents: one curve levels off.

# %%
taps = {a: sympy.Rational(1, 2), b: sympy.Rational(7, 10)}
one = la.capacity_propagation(block, on=(1, N), taps={"1.W": [[[[a, b, a]]]]}).variance[0]


def variance(alpha):
    size = 3 / L ** sympy.Rational(alpha)
    return L * one.subs({a: size * taps[a], b: size * taps[b]}, simultaneous=True)


curves = {rf"$\alpha = {alpha}$": variance(alpha) for alpha in ("1/4", "1/2", "1")}
axes = la.plot_scaling(curves, L, [2**n for n in range(1, 13)], marks=False)
axes.axhline(4.5, color="0.5", linewidth=0.8, linestyle="--")
label = axes.set_ylabel(r"variance $\sigma^2$")

# %% [markdown]
# ## Other blocks, other exponents
#
# A branch of $m$ layers whose weights are all scaled goes as $\varepsilon^m$, so the exponent is $1/(2m)$: $1/4$ for a block of two convolutions, as in
# ResNet-18. If only the last of them is scaled it is $1/2$ again. Weights of a layer scale with its width, those of a recurrence with its memory.

# %%
two = la.Identity() + (conv >> la.ReLU() >> conv)
n = la.dims("n")
print("two convolutions, both scaled:", la.scaling_exponent(two, on=(1, 32)).exponent)
print("two convolutions, the last   :", la.scaling_exponent(two, on=(1, 32), scaled="last").exponent)
print("width: variance of weights   :", la.scaling_exponent(la.Linear(n), on=(n,)).variance)
memory = la.scaling_exponent(la.RNN(8), on=(100, 8))
print("recurrence: exponent         :", memory.exponent, " mean lag", memory.mean_lag)

# %% [markdown]
# ## The limit itself
#
# With exponent one half, many blocks tend to a jump process; diffusion is its approximation at large scale. The distance between $L$ layers and the
# limit is computed, and bounded.

# %%
kernel = {"1.W": [[[[sympy.Rational(1, 2), sympy.Rational(7, 10), sympy.Rational(1, 2)]]]]}
limit = la.capacity_deep_limit(block, 3, on=(1, 9), taps=kernel)
print("drift", limit.drift, " diffusion", limit.diffusion, " variance", limit.variance())
for depth in (10, 100, 1000):
    error = limit.error(depth)
    print(
        f"L = {depth:5}: {error.jump:.4f} from the jump process (at most {error.bound:.4f}), {error.diffusion:.4f} from diffusion"
    )

# %% [markdown]
# What is no limit of this kind (concatenations, gates, pooling in the block) is refused rather than guessed:

# %%
try:
    la.scaling_exponent(la.Identity() | conv, on=(1, 9))
except la.LayerAlgebraError as error:
    print(error)
