# %% [markdown]
# # The training formulas of the literature, derived
#
# Papers on training large language models state what a step costs and what it keeps, each with an argument of a page. Here each of these
# formulas follows from the equations of the layers; the last line of each section subtracts the published one.

# %%
from IPython.display import Math
from sympy import expand

import layeralgebra as la

B, T, d, L, V, h = la.dims("B T d L V h")  # examples, tokens, features, blocks, words, heads
gpt = la.zoo.build("gpt2", length=T, context=T, features=d, heads=h, depth=L, vocabulary=V)

# %% [markdown]
# ## Parameters and forward work: $12 L d^2$
#
# Kaplan et al. 2020 ([arXiv 2001.08361](https://arxiv.org/abs/2001.08361)) count $N = 12 L d^2$ parameters without embeddings, and
# $2N + 2 L T d$ operations for each token. A block is attention ($4 d^2$) and a perceptron ($8 d^2$); biases and norms are what the round
# figure leaves out.

# %%
Math("P = " + la.latex(la.parameters(gpt), form="collected", by=d))

# %%
forward = la.macs(gpt)
Math("M = " + la.latex(forward))

# %% [markdown]
# The table says which layer gives which term.

# %%
stages = la.stage_table(la.derive("macs", gpt))
stages

# %%
N = 12 * L * d**2
print("operations for a token:", expand(2 * forward / T))
print("less 2 N:              ", expand(2 * forward / T - 2 * N))

# %% [markdown]
# What remains are the scores of attention and the words. Kaplan et al. have half as much for the scores, $2LTd$; so has the count of the pairs
# that the causal mask leaves, but for one token:

# %%
masked = la.macs(gpt, effective=True)
print("under the mask, less 2 N:", expand(2 * masked / T - 2 * N))

# %% [markdown]
# ## The backward pass, from one equation
#
# The backward pass of an equation is an equation: a read becomes a sum over what did not name it. A matrix product has two of them, each over the
# same index points as the forward one. That is where "backward is twice forward" comes from, and it is exact here, term by term.

# %%
linear = la.Linear(d, bias=False)
print(la.adjoint(linear, on=(T, d)).equation)

# %%
inner = la.Linear(d, bias=False) >> la.Linear(d, bias=False)
print("forward pass:", la.macs(inner, on=(T, d)))
print(
    "both passes: ", la.training_macs(inner, on=(T, d)), "(nothing asks for the gradient of the data: one product less)"
)

# %% [markdown]
# ## Operations of a step: $72\,BTLd^2\,(1 + T/6d + V/12Ld)$
#
# Narayanan et al. 2021 ([arXiv 2104.04473](https://arxiv.org/abs/2104.04473), section 5.1). They count matrix products, two operations for a
# multiply-accumulate. The derived count has one term more: the softmax's backward pass contains a sum of products for each score.

# %%
step = expand(2 * la.training_macs(gpt, batch=B))
published = expand(72 * B * T * L * d**2 * (1 + T / (6 * d) + V / (12 * L * d)))
print("derived:            ", step)
print("derived - published:", step - published)

# %% [markdown]
# With full recomputation every block is computed a second time: four forward passes instead of three, $96\,BTLd^2\,(1 + T/6d + V/16Ld)$.

# %%
again = expand(2 * la.training_macs(gpt, batch=B, recompute="block"))
print("derived - published:", again - expand(96 * B * T * L * d**2 * (1 + T / (6 * d) + V / (16 * L * d))))

# %% [markdown]
# For a model much wider than its context is long, $C \approx 6ND$ with $D = BT$ tokens:

# %%
print(la.leading_term(step, d), "=", expand(6 * N * B * T))

# %% [markdown]
# ## Memory of activations: $34\,sbh + 5\,as^2b$
#
# Korthikanti et al. 2022 ([arXiv 2205.05198](https://arxiv.org/abs/2205.05198), section 4): a layer with dropout keeps
# $sbh\,(34 + 5as/h)$ bytes, at 2 bytes a number and 1 byte an element of a mask, with $s$ tokens, $b$ examples, $h$ features, $a$ heads. What must be
# kept follows from the backward equations: it is what they read. Dropout, as in training, chooses by a mask that is drawn:


# %%
class Drop(la.Layer):
    """Elements dropped at random, and the others made larger by as much."""

    rate: la.Number
    buffers = ("kept",)
    drawn = ("kept",)
    equation = "y[*t, f] = choose(kept[*t, f], x[*t, f]/(1 - rate), 0)"


class Attention(la.Layer):
    """Attention whose weights are dropped at random, up to the last linear map."""

    heads: la.Dim
    rate: la.Number
    buffers = ("kept",)
    drawn = ("kept",)
    equation = """
        width = size(m)/heads
        q[n, i, e] = Q[n, e, m] * x[i, m] + qb[n, e]
        k[n, j, e] = K[n, e, m] * x[j, m] + kb[n, e]
        v[n, j, e] = V[n, e, m] * x[j, m] + vb[n, e]
        w[n, i, j] = q[n, i, e] * k[n, j, e]
        a[n, i, j] = softmax[j](w[n, i, j] / sqrt(width))
        p[n, i, j] = choose(kept[n, i, j], a[n, i, j]/(1 - rate), 0)
        y[i, (n, e)] = p[n, i, j] * v[n, j, e]
        where n < heads, e < width
    """
    channel_axis = "last"


s, b, h, a, rate = la.dims("s b h a rate")
attention = la.LayerNorm() >> Attention(a, rate) >> la.Linear(h) >> Drop(rate)
perceptron = la.LayerNorm() >> la.Linear(4 * h) >> la.GELU() >> la.Linear(h) >> Drop(rate)
block = (la.Identity() + attention) >> (la.Identity() + perceptron)
half = {"activations": 2, "statistics": 2}  # bytes; a mask has one


def kept(net, **options):
    return expand(la.saved_activations(net, on=(s, h), batch=b, unit="bytes", itemsize=half, **options))


norm = kept(la.LayerNorm())
print("attention: ", kept(attention) - norm)
print("perceptron:", kept(perceptron) - norm)
print("two norms: ", 2 * norm)

# %%
print("a block:            ", kept(block))
print("derived - published:", kept(block) - expand(s * b * h * (34 + 5 * a * s / h)))

# %% [markdown]
# The paper leaves out the mean and the deviation that each norm keeps for a token. Computing the attention's scores again (selective
# recomputation) leaves $34sbh$, computing whole layers again $2sbh$:

# %%
L = la.dims("L")
full = kept(block**L, recompute="block")
print("full recomputation:", full)
sizes = {"s": 2048, "h": 12288, "a": 96}  # GPT-3
fixed = la.LayerNorm() >> Attention(96, rate) >> la.Linear(12288) >> Drop(rate)
fixed = (la.Identity() + fixed) >> (
    la.Identity() + (la.LayerNorm() >> la.Linear(4 * 12288) >> la.GELU() >> la.Linear(12288) >> Drop(rate))
)
for how in ("none", "selective", "block"):
    found = la.saved_activations(fixed, on=(2048, 12288), batch=1, unit="bytes", itemsize=half, recompute=how)
    print(f"GPT-3, a layer, {how:10} {int(found) / 2**20:8.1f} MiB")

# %% [markdown]
# ## The optimiser: 16 bytes a parameter
#
# Rajbhandari et al. 2020 ([arXiv 1910.02054](https://arxiv.org/abs/1910.02054)), mixed precision with Adam: weights and gradients at 2 bytes, and a copy
# of the weights and two averages at 4.

# %%
adam = la.optimizer_memory(gpt, optimizer="adam", precision="mixed")
print(la.simplify(adam / la.parameters(gpt)), "bytes a parameter")

# %% [markdown]
# ## Checkpoints: $\sqrt L$
#
# Chen et al. 2016 ([arXiv 1604.06174](https://arxiv.org/abs/1604.06174)): if every $s$-th of $L$ blocks keeps its input, $L/s$ inputs and one segment of $s$
# blocks are kept; the best $s$ is $\sqrt L$ up to a factor of the block's.

# %%
checkpoints = la.checkpointing(la.Identity() + (la.Linear(4 * d) >> la.GELU() >> la.Linear(d)), L, on=(T, d))
print("kept:", checkpoints.memory)
print("best:", checkpoints.best)

# %% [markdown]
# ## Decoding: the cache and one step
#
# At step $T$ a causal layer reads of the earlier steps what its equation says: keys and values in attention, a window in a convolution, a state in a
# recurrence. That is the cache. For GPT it is $2Td$ numbers a block, and a step costs $12Ld^2 + 2LTd + Vd$ multiply-accumulates
# (Kaplan et al., table 1).

# %%
decoding = la.incremental(gpt)
print("cache:", la.cache_size(gpt))
print("step: ", expand(la.macs(decoding.step)))

# %%
tokens = {
    "multi-head attention": la.RotaryAttention(128, 128, 128),
    "grouped queries, 8 groups": la.RotaryAttention(128, 128, 8),
    "latent attention": la.LatentAttention(128, 128, 512, 1536, 64),
}
for name, layer in tokens.items():
    print(f"{name:26} {int(la.cache_size(layer, on=(T, 5120)) / T):6} numbers a token and layer")

# %% [markdown]
# The last is DeepSeek-V2 ([arXiv 2405.04434](https://arxiv.org/abs/2405.04434), table 1): $512 + 64$ where the keys and values of its heads would be
# $2 \cdot 128 \cdot 128$. Grouped queries are those of Ainslie et al. 2023 ([arXiv 2305.13245](https://arxiv.org/abs/2305.13245)).
