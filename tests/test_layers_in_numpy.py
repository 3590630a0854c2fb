"""Published layers in the words of their papers: counts by hand at symbolic sizes, the rest by enumeration, and numbers by numpy loops.

The numpy of each layer is written from its paper and knows nothing of the equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from language_agreement import disagreement
from sympy import expand, floor
from test_published_layers import LAYERS as PUBLISHED
from test_published_layers import Published, as_layer, drawn

import layeralgebra as la

T, d, e, f, h, k, m, n, p, q, r = la.dims("T d e f h k m n p q r")


def sigmoid(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


def tensor_train(X: Any, G1: Any, G2: Any, G3: Any, bias: Any) -> Any:
    return np.einsum("abc,aox,xbpy,ycq->opq", X, G1, G2, G3) + bias


def hyena(x: Any, Wq: Any, Wk: Any, Wv: Any, filter: Any) -> Any:
    query, key, value = x @ Wq.T, x @ Wk.T, x @ Wv.T
    z = key * value
    return query * np.array([sum(filter[u] * z[t - u] for u in range(t + 1)) for t in range(len(x))])


def diagonal_states(u: Any, Lr: Any, Li: Any, Br: Any, Bi: Any, Cr: Any, Ci: Any, D: Any) -> Any:
    state, out = np.zeros(len(Lr), complex), []
    for step in u:
        state = (Lr + 1j * Li) * state + (Br + 1j * Bi) @ step
        out.append(((Cr + 1j * Ci) @ state).real + D * step)
    return np.array(out)


def hungry_hippo(q: Any, k: Any, v: Any, shift: Any, A: Any, B: Any, C: Any) -> Any:
    state, out = np.zeros_like(A), []
    for t in range(len(q)):
        z = sum(shift[u] * k[t - u] for u in range(min(t + 1, len(shift)))) * v[t]
        state = A * state + B * z[:, None]
        out.append(q[t] * (C * state).sum(1))
    return np.array(out)


def rwkv6(r: Any, k: Any, v: Any, w: Any, u: Any) -> Any:
    state, out = np.zeros((*k.shape[1:], v.shape[2])), []
    for t in range(len(r)):
        new = k[t][:, :, None] * v[t][:, None, :]
        out.append(np.einsum("hi,hij->hj", r[t], state + u[:, :, None] * new))
        state = np.exp(-np.exp(w[t]))[:, :, None] * state + new
    return np.array(out)


def scalar_lstm(x: Any, **held: Any) -> Any:
    hidden = len(held["bz"])
    state, cell, norm, largest = (np.zeros(hidden) for _ in range(4))
    out = []
    for step in x:
        z = {gate: held[f"W{gate}"] @ step + held[f"R{gate}"] @ state + held[f"b{gate}"] for gate in "zifo"}
        new = np.maximum(z["f"] + largest, z["i"])
        enter, keep = np.exp(z["i"] - new), np.exp(z["f"] + largest - new)
        largest, cell, norm = new, keep * cell + enter * np.tanh(z["z"]), keep * norm + enter
        state = sigmoid(z["o"]) * cell / norm
        out.append(state)
    return np.array(out)


def delta_rule(q: Any, k: Any, v: Any, beta: Any, alpha: Any = None) -> Any:
    state, out = np.zeros((v.shape[1], k.shape[1])), []
    for t in range(len(k)):
        state = state if alpha is None else alpha[t] * state
        state = state @ (np.eye(k.shape[1]) - beta[t] * np.outer(k[t], k[t])) + beta[t] * np.outer(v[t], k[t])
        out.append(state @ q[t])
    return np.array(out)


def trained_at_test_time(x: Any, K: Any, V: Any, Q: Any, W0: Any) -> Any:
    weights, out = W0, []
    for step in x:
        key, value = K @ step, V @ step
        weights = weights - 0.1 * np.outer(2 * (weights @ key - value), key)
        out.append(weights @ (Q @ step))
    return np.array(out)


def adapted(x: Any, W0: Any, B: Any, A: Any, m: Any) -> Any:
    weights = W0 + B @ A
    return x @ (m * weights / np.linalg.norm(weights, axis=0)).T


def positive_features(Q: Any, K: Any, V: Any, Omega: Any) -> Any:
    def features(z: Any) -> Any:
        return np.exp(z @ Omega.T - (z**2).sum(1, keepdims=True) / 2) / np.sqrt(len(Omega))

    scores = features(Q) @ features(K).T
    return scores @ V / scores.sum(1, keepdims=True)


def cosine_reweighted(Q: Any, K: Any, V: Any) -> Any:
    i, j = np.indices((len(Q), len(Q)))
    scores = np.maximum(Q, 0) @ np.maximum(K, 0).T * np.cos(np.pi / 2 * (i - j) / len(Q))
    return scores @ V / scores.sum(1, keepdims=True)


def structured_duality(x: Any, dt: Any, B: Any, C: Any, A: Any, D: Any) -> Any:
    state, out = np.zeros((*x.shape[1:], B.shape[1])), []
    for t in range(len(x)):
        state = np.exp(dt[t] * A)[:, None, None] * state + (dt[t][:, None] * x[t])[:, :, None] * B[t]
        out.append(state @ C[t] + D[:, None] * x[t])
    return np.array(out)


def softmax(v: Any, axis: Any) -> Any:
    return np.exp(v) / np.exp(v).sum(axis, keepdims=True)


def soft_mixture(X: Any, P: Any, W: Any) -> Any:
    scores = np.einsum("tf,esf->tes", X, P)
    slots = np.einsum("tes,tf->esf", softmax(scores, 0), X)
    made = np.maximum(np.einsum("eof,esf->eso", W, slots), 0)
    return np.einsum("tes,eso->to", softmax(scores, (1, 2)), made)


def talking_heads(Q: Any, K: Any, V: Any, Pl: Any, Pw: Any) -> Any:
    scores = softmax(np.einsum("gh,hid,hjd->gij", Pl, Q, K), -1)
    return np.einsum("gh,hij,gjd->gid", Pw, scores, V)


LAYERS: dict[str, tuple[Published, Callable[..., Any]]] = {
    "tensor train of three cores": (Published(
        # Novikov et al. 2015, arXiv 1509.06569, equation 5
        """
        a[i2, i3, o1, r1] = G1[i1, o1, r1]*X[i1, i2, i3]
        b[i3, o1, o2, r2] = G2[r1, i2, o2, r2]*a[i2, i3, o1, r1]
        Y[o1, o2, o3] = G3[r2, i3, o3]*b[i3, o1, o2, r2] + bias[o1, o2, o3]
        where o1 < m1, o2 < m2, o3 < m3, r1 < rank, r2 < rank
        """,
        {"m1": m, "m2": p, "m3": q, "rank": r}, (n, k, d), n*m*r + r*k*p*r + r*d*q + m*p*q,
        n*k*d*m*r + k*d*m*p*r**2 + d*m*p*q*r, {n: 2, k: 1, d: 2, m: 2, p: 3, q: 1, r: 2}, ("X",),
    ), tensor_train),
    "Hyena of order two": (Published(
        # Poli et al. 2023, arXiv 2302.10866, section 3.1, the filter as long as the sequence
        """
        q[t, c] = Wq[c, f]*x[t, f]
        k[t, c] = Wk[c, f]*x[t, f]
        v[t, c] = Wv[c, f]*x[t, f]
        z[t, c] = k[t, c]*v[t, c]
        s[t, c] = filter[u, c]*z[t - u, c]
        y[t, c] = q[t, c]*s[t, c]
        where c < size(f), u < size(t), u <= t
        """,
        {}, (T, f), 3*f**2 + T*f, 3*T*f**2 + T**2*f, {T: 4, f: 2},
    ), hyena),
    "S5, complex states in parts": (Published(
        # Smith et al. 2023, arXiv 2208.04933, equation 4
        """
        a[t, n] = Lr[n]*a[t-1, n] - Li[n]*b[t-1, n] + Br[n, f]*u[t, f]
        b[t, n] = Lr[n]*b[t-1, n] + Li[n]*a[t-1, n] + Bi[n, f]*u[t, f]
        y[t, f] = Cr[f, n]*a[t, n] - Ci[f, n]*b[t, n] + D[f]*u[t, f]
        where n < states
        """,
        {"states": n}, (T, f), 2*n + 4*n*f + f, 4*T*n*f, {n: 2, T: 3, f: 2}, ("u",),
    ), diagonal_states),
    "H3": (Published(
        # Fu et al. 2023, arXiv 2212.14052, section 3.1
        """
        z[t, c] = v[t, c]*(shift[u, c]*k[t - u, c])
        S[t, c, n] = A[c, n]*S[t-1, c, n] + B[c, n]*z[t, c]
        y[t, c] = q[t, c]*(C[c, n]*S[t, c, n])
        where u < width, n < states, u <= t
        """,
        {"width": k, "states": n}, [(T, d)]*3, k*d + 3*d*n, T*d*k + T*d*n, {T: 4, d: 2, k: 3, n: 2}, ("q", "k", "v"),
    ), hungry_hippo),
    "RWKV-6": (Published(
        # Peng et al. 2024, arXiv 2404.05892, equations 17 to 19, for heads given
        """
        S[t, h, i, j] = exp(-exp(w[t, h, i]))*S[t-1, h, i, j] + k[t, h, i]*v[t, h, j]
        o[t, h, j] = r[t, h, i]*(S[t-1, h, i, j] + u[h, i]*k[t, h, i]*v[t, h, j])
        """,
        {}, [(T, h, d)]*4, h*d, T*h*d*d, {T: 3, h: 2, d: 2}, ("r", "k", "v", "w"),
    ), rwkv6),
    "xLSTM, scalar memory": (Published(
        # Beck et al. 2024, arXiv 2405.04517, equations 8 to 17
        """
        z[t, a] = tanh(Wz[a, e]*x[t, e] + Rz[a, p]*h[t-1, p] + bz[a])
        enter[t, a] = Wi[a, e]*x[t, e] + Ri[a, p]*h[t-1, p] + bi[a]
        keep[t, a] = Wf[a, e]*x[t, e] + Rf[a, p]*h[t-1, p] + bf[a]
        o[t, a] = sigmoid(Wo[a, e]*x[t, e] + Ro[a, p]*h[t-1, p] + bo[a])
        m[t, a] = max(keep[t, a] + m[t-1, a], enter[t, a])
        i[t, a] = exp(enter[t, a] - m[t, a])
        f[t, a] = exp(keep[t, a] + m[t-1, a] - m[t, a])
        c[t, a] = f[t, a]*c[t-1, a] + i[t, a]*z[t, a]
        n[t, a] = f[t, a]*n[t-1, a] + i[t, a]
        h[t, a] = o[t, a]*c[t, a]/n[t, a]
        where a < hidden
        """,
        {"hidden": m}, (T, f), 4*(m*f + m*m + m), 4*T*(m*f + m*m), {T: 3, f: 2, m: 2},
    ), scalar_lstm),
    "DeltaNet": (Published(
        # Yang et al. 2024, arXiv 2406.06484, equation 3
        """
        u[t, i] = S[t-1, i, j]*k[t, j]
        S[t, i, j] = S[t-1, i, j] + beta[t]*(v[t, i] - u[t, i])*k[t, j]
        o[t, i] = S[t, i, j]*q[t, j]
        """,
        {}, [(T, d), (T, d), (T, e), (T,)], 0, 2*T*d*e, {T: 3, d: 2, e: 3}, ("q", "k", "v", "beta"),
    ), delta_rule),
    "gated DeltaNet": (Published(
        # Yang et al. 2025, arXiv 2412.06464, equation 10
        """
        D[t, i, j] = alpha[t]*S[t-1, i, j]
        u[t, i] = D[t, i, j]*k[t, j]
        S[t, i, j] = D[t, i, j] + beta[t]*(v[t, i] - u[t, i])*k[t, j]
        o[t, i] = S[t, i, j]*q[t, j]
        """,
        {}, [(T, d), (T, d), (T, e), (T,), (T,)], 0, 2*T*d*e, {T: 3, d: 2, e: 3}, ("q", "k", "v", "beta", "alpha"),
    ), delta_rule),
    "TTT-Linear": (Published(
        # Sun et al. 2024, arXiv 2407.04620, equations 4 to 6, one gradient step a token at the rate 1/10
        """
        k[t, i] = K[i, f]*x[t, f]
        v[t, i] = V[i, f]*x[t, f]
        q[t, i] = Q[i, f]*x[t, f]
        W[-1, i, j] = W0[i, j]
        g[t, i] = 2*(W[t-1, i, j]*k[t, j] - v[t, i])
        W[t, i, j] = W[t-1, i, j] - g[t, i]*k[t, j]/10
        z[t, i] = W[t, i, j]*q[t, j]
        where i < inner
        """,
        {"inner": m}, (T, f), 3*m*f + m*m, T*(3*m*f + 2*m*m), {T: 3, f: 2, m: 2},
    ), trained_at_test_time),
    "weight-decomposed low-rank adaptation": (PUBLISHED["weight-decomposed low-rank adaptation"], adapted),
    "Performer": (Published(
        # Choromanski et al. 2021, arXiv 2009.14794, lemma 1 and equation 4; the rows of Omega are drawn and given
        """
        nq[t] = sum[d](Q[t, d]**2)/2
        nk[t] = sum[d](K[t, d]**2)/2
        fq[t, m] = exp(Omega[m, d]*Q[t, d] - nq[t])/sqrt(features)
        fk[t, m] = exp(Omega[m, d]*K[t, d] - nk[t])/sqrt(features)
        S[m, e] = fk[t, m]*V[t, e]
        z[m] = sum[t](fk[t, m])
        y[t, e] = fq[t, m]*S[m, e]/(fq[t, p]*z[p])
        where m < features
        """,
        {"features": m}, [(T, d), (T, d), (T, e)], 0, 2*T*m*d + 2*T*m*e + T*m, {T: 3, d: 2, e: 2, m: 2},
        ("Q", "K", "V"), ("Omega",),
    ), positive_features),
    "cosFormer": (Published(
        # Qin et al. 2022, arXiv 2202.08791, equations 10 to 12
        """
        q[t, d] = relu(Q[t, d])
        k[t, d] = relu(K[t, d])
        qc[t, d] = q[t, d]*cos(pi*t/(2*size(t)))
        qs[t, d] = q[t, d]*sin(pi*t/(2*size(t)))
        kc[t, d] = k[t, d]*cos(pi*t/(2*size(t)))
        ks[t, d] = k[t, d]*sin(pi*t/(2*size(t)))
        Sc[d, e] = kc[t, d]*V[t, e]
        Ss[d, e] = ks[t, d]*V[t, e]
        zc[d] = sum[t](kc[t, d])
        zs[d] = sum[t](ks[t, d])
        a[t, e] = qc[t, d]*Sc[d, e]
        b[t, e] = qs[t, d]*Ss[d, e]
        n[t] = qc[t, d]*zc[d]
        m[t] = qs[t, d]*zs[d]
        y[t, e] = (a[t, e] + b[t, e])/(n[t] + m[t])
        """,
        {}, [(T, d), (T, d), (T, e)], 0, 4*T*d*e + 2*T*d, {T: 3, d: 2, e: 2}, ("Q", "K", "V"),
    ), cosine_reweighted),
    "Mamba-2": (Published(
        # Dao, Gu 2024, arXiv 2405.21060, equation 1 with a scalar times the identity for each head
        """
        S[t, h, p, n] = exp(dt[t, h]*A[h])*S[t-1, h, p, n] + dt[t, h]*B[t, n]*x[t, h, p]
        y[t, h, p] = C[t, n]*S[t, h, p, n] + D[h]*x[t, h, p]
        """,
        {}, [(T, h, p), (T, h), (T, n), (T, n)], 2*h, T*h*p*n, {T: 3, h: 2, p: 2, n: 2}, ("x", "dt", "B", "C"),
    ), structured_duality),
    "soft mixture of experts": (Published(
        # Puigcerver et al. 2024, arXiv 2308.00951, equations 1 to 3
        """
        l[t, e, s] = P[e, s, f]*X[t, f]
        D[t, e, s] = softmax[t](l[t, e, s])
        C[t, e, s] = softmax[e, s](l[t, e, s])
        Z[e, s, f] = D[t, e, s]*X[t, f]
        Y[e, s, o] = relu(W[e, o, f]*Z[e, s, f])
        y[t, o] = C[t, e, s]*Y[e, s, o]
        where e < experts, s < slots, o < out
        """,
        {"experts": n, "slots": p, "out": q}, (T, f), n*p*f + n*q*f, 2*T*n*p*f + n*p*q*f + T*n*p*q,
        {n: 2, p: 2, q: 2, T: 3, f: 2}, ("X",),
    ), soft_mixture),
    "talking heads": (Published(
        # Shazeer et al. 2020, arXiv 2003.02436, section 3
        """
        l[h, i, j] = Q[h, i, d]*K[h, j, d]
        m[g, i, j] = Pl[g, h]*l[h, i, j]
        a[g, i, j] = softmax[j](m[g, i, j])
        b[h, i, j] = Pw[h, g]*a[g, i, j]
        y[h, i, d] = b[h, i, j]*V[h, j, d]
        where g < size(h)
        """,
        {}, [(h, T, d)]*3, 2*h*h, 2*h*T*T*d + 2*h*h*T*T, {h: 2, T: 3, d: 2}, ("Q", "K", "V"),
    ), talking_heads),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(LAYERS))
def test_a_published_layer(what: str) -> None:
    layer, in_numpy = LAYERS[what]
    made = as_layer(layer)
    for metric, hand in (("parameters", layer.parameters), ("macs", layer.macs)):
        found = la.derive(metric, made, on=layer.on)
        assert found.kind == "exact"
        assert expand((found.formula - hand).rewrite(floor)) == 0, f"{metric}: {found.formula}, by hand {hand}"
    draw = drawn(layer)
    assert disagreement(draw) is None
    small = type(made)(**draw.fields)
    source = np.random.default_rng(0)
    names = draw.inputs or ("x",)
    inputs = {name: source.uniform(0.1, 1.2, shape) for name, shape in zip(names, draw.shapes)}
    on: Any = draw.shapes[0] if len(names) == 1 else list(draw.shapes)
    weights = {name: source.normal(size=array.shape) for name, array in la.weights(small, on=on).items()}
    given: Any = list(inputs.values())
    found_numbers = la.run(small, given[0] if len(given) == 1 else given, weights)
    np.testing.assert_allclose(found_numbers, in_numpy(**inputs, **weights), rtol=1e-9, atol=1e-12)
