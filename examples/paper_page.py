"""A page of a paper from a layer of twenty lines: its equation, its cost line by line, a table and a proposition.

$ python examples/paper_page.py > page.tex && pdflatex page && pdflatex page
"""

import layeralgebra as la


class Hybrid(la.Layer):
    """Attention and a causal dilated convolution, mixed by a gate."""

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
        where e < d_k, u < k, o < size(m)
    """


class Attention(la.Layer):
    """Attention whose queries, keys and values are as wide as its input."""

    equation = """
        q[t, e] = Q[e, m]*x[t, m]
        k[s, e] = K[e, m]*x[s, m]
        v[s, c] = V[c, m]*x[s, m]
        a[t, s] = softmax[s](q[t, e]*k[s, e])
        h[t, c] = a[t, s]*v[s, c]
        y[t, o] = O[o, c]*h[t, c]
        where e < size(m), c < size(m), o < size(m)
    """


T, d, dk, k, delta = la.dims("T d_model d_k k delta")


def page() -> str:
    """The page as a document for pdflatex."""
    style = la.Style(
        symbols={d: r"d_{\mathrm{model}}", "l": r"\ell"}, width="column", equations="matrix", form="collected", by=T, limit=T,
        lines=[["q", "kappa", "v"], ["a", "h"], ["l"], ["y", "g"]],
        siunitx=True, units={"parameters": "M", "MACs": "G"}, digits={"parameters": 2, "MACs": 3},
    )  # fmt: skip
    hybrid = la.derive("macs", Hybrid(dk, k, delta), on=(T, d))
    attention = la.derive("macs", Attention(), on=(T, d))
    nets = {"Hybrid": Hybrid(64, 7), "Attention": Attention(), "Causal convolution": la.Conv(512, 7, padding="causal")}
    on = {"Hybrid": (1024, 512), "Attention": (1024, 512), "Causal convolution": (512, 1024)}
    counts = la.compare(nets, metrics=["parameters", "macs"], on=on)
    counts = la.Table(counts.columns, counts.rows, title="Counts of 1024 steps of width 512.")
    body = [
        hybrid.latex(style=style),
        la.latex(counts, style=style),
        la.proposition_latex(hybrid, attention, names=("the hybrid", "attention"), style=style),
    ]
    return la.latex_document("\n\n".join(body), title="Gated dilated hybrid", style=style)


if __name__ == "__main__":
    print(page())
