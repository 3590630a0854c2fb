# %% [markdown]
# # A new layer: from its equation to a proved, typeset formula
#
# You have an idea for a layer, and want to write the paper's section on what it costs. Here is the whole way: state it, draw it, let the
# library check what you stated, read off its formulas, compare it with what it replaces, prove a formula, and take the section home.

# %%
from IPython.display import SVG, Math

import layeralgebra as la

T, d, dk, k, delta = la.dims("T d_model d_k k delta")  # positive integers

# %% [markdown]
# ## The equation
#
# Causal attention and a causal dilated convolution, mixed by a gate. Indices that are missing on the left are summed; `where` gives each
# index that is not the axis of an input its extent, and says that step `t` reads no later `s`.


# %%
class Hybrid(la.Layer):
    """Causal attention and a causal dilated convolution, mixed by a gate."""

    d_k: la.Dim
    k: la.Dim
    delta: la.Dim = 1
    equation = """
        q[t, e] = Q[e, m]*x[t, m]
        kappa[s, e] = K[e, m]*x[s, m]
        v[s, c] = V[c, m]*x[s, m]
        a[t, s] = softmax[s](q[t, e]*kappa[s, e]/sqrt(d_k))
        h[t, c] = a[t, s]*v[s, c]
        z[t, c] = pad[t: (delta*(k - 1), 0)](x[t, c])
        l[t, c] = w[c, u]*z[t + delta*u, c]
        g[t, c] = sigmoid(G[c, m]*x[t, m] + p[c])
        y[t, o] = O[o, c]*(g[t, c]*l[t, c] + (1 - g[t, c])*h[t, c]) + b[o]
        where s <= t, e < d_k, u < k, o < size(m)
    """
    channel_axis = "last"


layer = Hybrid(dk, k, delta)
style = la.Style(
    symbols={d: r"d_{\mathrm{model}}", "l": r"\ell"},
    equations="matrix",
    form="collected",
    by=T,
    limit=T,
    lines=[["q", "kappa", "v"], ["a", "h"], ["l"], ["y", "g"]],
)
Math(la.latex_equation(layer, (T, d), style))

# %% [markdown]
# A block of a network with it, as a picture for the paper (`la.to_tikz` draws the same for LaTeX):

# %%
perceptron = la.LayerNorm() >> la.Linear(4 * d) >> la.GELU() >> la.Linear(d)
block = (la.Identity() + (la.LayerNorm() >> layer)) >> (la.Identity() + perceptron)
SVG(la.to_svg(block ** la.dims("L"), level="node"))

# %% [markdown]
# ## Is it what I meant?
#
# A mistake in an equation is told with its place and what to write instead:

# %%
try:

    class Wrong(la.Layer):
        """A letter that nothing gives an extent."""

        equation = "y[t, o] = W[o, m]*x[t, m]"

    la.parameters(Wrong(), on=(T, d))
except la.LayerAlgebraError as error:
    print(error)

# %% [markdown]
# `la.check` holds the layer against brute-force enumeration at drawn sizes, and against the laws of the algebra. Without `laws=` it tries all
# of them; here are five.

# %%
report = la.check(
    Hybrid,
    examples=3,
    laws=[
        "output_shape_eq_enumeration",
        "parameters_eq_enumeration",
        "work_eq_enumeration",
        "run_eq_enumeration",
        "every_line_is_read",
    ],
)
report

# %% [markdown]
# ## What it costs
#
# Each formula is read from the equation, for all sizes at once, and says how exact it is and where it holds.

# %%
Math("P = " + la.latex(la.parameters(layer, on=(T, d)), style=style))

# %%
macs = la.derive("macs", layer, on=(T, d))
print(macs.kind, "|", macs.source, "|", macs.domain)
Math("M = " + la.latex(macs.formula, style=style))

# %% [markdown]
# That counts all pairs of steps, as published figures do. Those that the mask leaves are half as many, for long sequences:

# %%
effective = la.macs(Hybrid(dk, 3), on=(T, d), effective=True)
Math(r"M_{\mathrm{eff}} \sim " + la.latex(la.leading_term(effective, T), style=style))

# %% [markdown]
# One step of decoding reads the keys and values of the steps before, and the last inputs of the convolution. What is kept follows from the
# same equation, as do the work of a training step and what it keeps for the backward pass:

# %%
step = la.incremental(layer, on=(T, d))
print("kept between steps:", step.state)
print("training MACs:     ", la.training_macs(layer, on=(T, d)))
print("kept for training: ", la.saved_activations(layer, on=(T, d)), "elements")

# %% [markdown]
# ## When is it cheaper than what it replaces?
#
# An exact condition instead of a plot. The library divides by what is positive, and says so in the proof.


# %%
class Attention(la.Layer):
    """Attention whose queries, keys and values are as wide as its input."""

    equation = """
        q[t, e] = Q[e, m]*x[t, m]
        k[s, e] = K[e, m]*x[s, m]
        v[s, c] = V[c, m]*x[s, m]
        a[t, s] = softmax[s](q[t, e]*k[s, e])
        h[t, c] = a[t, s]*v[s, c]
        y[t, o] = O[o, c]*h[t, c]
        where s <= t, e < size(m), c < size(m), o < size(m)
    """
    channel_axis = "last"


attention = la.derive("macs", Attention(), on=(T, d))
proposition = la.proposition_latex(macs, attention, names=("the hybrid", "attention"), style=style)
print(proposition)

# %%
nets = {"Hybrid": Hybrid(64, 7), "Attention": Attention(), "Causal convolution": la.Conv(512, 7, padding="causal")}
on = {"Hybrid": (1024, 512), "Attention": (1024, 512), "Causal convolution": (512, 1024)}
la.compare(nets, metrics=["parameters", "macs"], on=on)

# %% [markdown]
# With $d_k = 400$ the condition turns at a length that the figure marks:

# %%
axes = la.plot_scaling(
    {"hybrid": macs, "attention": attention}, T, [2**n for n in range(4, 14)], at={d: 512, dk: 400, k: 7}
)

# %% [markdown]
# ## Proved
#
# Whoever doubts the count need not trust this library: the certificate holds the equation and a proof for Coq that the formula is its count at all
# sizes. `certificate.check()` runs Coq where it is installed.

# %%
certificate = la.certify(macs)
print(certificate.theorem)
print(len(certificate.text.splitlines()), "lines for Coq")

# %% [markdown]
# ## The section of the paper
#
# Equation with numbered lines, the count of each line under a brace with its number, the collected and the leading form; then the table and
# the proposition. `la.latex_document` makes a document of it that pdflatex takes as it is.

# %%
section = "\n\n".join([macs.latex(style=style), proposition])
document = la.latex_document(section, title="Gated dilated hybrid", style=style)
print(macs.latex(style=style))
