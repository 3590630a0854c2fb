"""A few vectors that gather what many positions hold: latents, slots, capsules, cluster centres."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Number
from ..algebra.networks.layer import Layer

__all__ = ["PerceiverAttention", "SlotAttention", "CapsuleRouting", "NetVLAD"]


class PerceiverAttention(Layer):
    """Learned latent vectors that attend to all positions of the input.

    Parameters
    ----------
    latents : Dim
        How many latent vectors there are.
    latent_features : Dim
        Features of a latent vector.
    heads : Dim, default 1
        The number of heads; it divides the features of a latent vector.

    Shapes
    ------
    input : (time, features)
    output : (latents, latent_features)

    Notes
    -----
    Without normalisation and biases; the latents are added to what they attend to.

    Examples
    --------
    >>> from layeralgebra import PerceiverAttention, dims, macs, parameters
    >>> T, f, n, d = dims("T f n d")
    >>> parameters(PerceiverAttention(n, d), on=(T, f))
    2*d**2 + 2*d*f + d*n
    >>> macs(PerceiverAttention(n, d), on=(T, f))
    2*T*d*f + 2*T*d*n + 2*d**2*n

    References
    ----------
    Jaegle, Gimeno, Brock, Zisserman, Vinyals, Carreira, "Perceiver: General Perception with Iterative Attention", ICML 2021, arXiv 2103.03206,
    section 3.1.
    """

    latents: Dim
    latent_features: Dim
    heads: Dim = 1
    equation = """
        width = latent_features/heads
        q[h, n, e] = Q[h, e, d]*L[n, d]
        k[h, t, e] = K[h, e, f]*x[t, f]
        v[h, t, e] = V[h, e, f]*x[t, f]
        w[h, n, t] = q[h, n, e]*k[h, t, e]
        a[h, n, t] = softmax[t](w[h, n, t]/sqrt(width))
        o[n, (h, e)] = a[h, n, t]*v[h, t, e]
        z[n, c] = O[c, d]*o[n, d]
        y[n, c] = L[n, c] + z[n, c]
        where n < latents, d < latent_features, c < latent_features, h < heads, e < width
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: (
            self.latent_features * (2 * self.latent_features + 2 * shape[-1] + self.latents)
        )
    }


class SlotAttention(Layer):
    """Slots that compete for the positions of the input, in rounds, and are updated by a gated unit and a perceptron.

    Parameters
    ----------
    slots : Dim
        How many slots there are.
    slot_features : Dim
        Features of a slot.
    hidden : Dim
        Units inside the perceptron.
    rounds : Dim, default 3
        How often the slots are updated, with the same weights.
    epsilon : Number, default 1e-8
        Added to weights before they are normalised.

    Shapes
    ------
    input : (time, features)
    output : (slots, slot_features)

    Notes
    -----
    The first slots are drawn at random in the paper; here they are a buffer. The three normalisations of the paper are left out, so that
    their parameters are not counted.

    Examples
    --------
    >>> from layeralgebra import SlotAttention, dims, macs, parameters
    >>> T, f, n, d, m, r = dims("T f n d m r")
    >>> parameters(SlotAttention(n, d, m, r), on=(T, f))
    7*d**2 + 2*d*f + 2*d*m + 7*d + m
    >>> macs(SlotAttention(n, d, m, r), on=(T, f))
    2*T*d*f + 2*T*d*n*r + 7*d**2*n*r + 2*d*m*n*r

    References
    ----------
    Locatello et al., "Object-Centric Learning with Slot Attention", NeurIPS 2020, arXiv 2006.15055, algorithm 1.
    """

    slots: Dim
    slot_features: Dim
    hidden: Dim
    rounds: Dim = 3
    epsilon: Number = 1e-8
    buffers = ("start",)
    equation = """
        k[t, d] = K[d, f]*x[t, f]
        v[t, d] = V[d, f]*x[t, f]
        p[r, n, c] = s[r-1, n, c] + [r == 0]*start[n, c]
        q[r, n, d] = Q[d, c]*p[r, n, c]
        w[r, n, t] = q[r, n, d]*k[t, d]
        a[r, n, t] = softmax[n](w[r, n, t]/sqrt(slot_features)) + epsilon
        z[r, n] = sum[t](a[r, n, t])
        b[r, n, t] = a[r, n, t]/z[r, n]
        u[r, n, d] = b[r, n, t]*v[t, d]
        g[r, n, e] = sigmoid(Wg[e, d]*u[r, n, d] + Ug[e, c]*p[r, n, c] + bg[e] + cg[e])
        o[r, n, e] = sigmoid(Wo[e, d]*u[r, n, d] + Uo[e, c]*p[r, n, c] + bo[e] + co[e])
        l[r, n, e] = Uh[e, c]*p[r, n, c] + ch[e]
        h[r, n, e] = tanh(Wh[e, d]*u[r, n, d] + bh[e] + g[r, n, e]*l[r, n, e])
        j[r, n, e] = (1 - o[r, n, e])*h[r, n, e] + o[r, n, e]*p[r, n, e]
        i[r, n, m] = relu(A[m, e]*j[r, n, e] + am[m])
        s[r, n, c] = j[r, n, c] + B[c, m]*i[r, n, m] + bm[c]
        y[n, c] = s[rounds - 1, n, c]
        where r < rounds, n < slots, d < slot_features, c < slot_features, e < slot_features, m < hidden
    """
    channel_axis = "last"


class CapsuleRouting(Layer):
    """Capsules that send their predictions to those capsules of the next layer whose output agrees with them.

    Parameters
    ----------
    out_capsules : Dim
        Capsules that come out.
    out_features : Dim
        Numbers in a capsule that comes out.
    rounds : Dim, default 3
        How often the routing is worked out.

    Shapes
    ------
    input : (capsules, features)
    output : (out_capsules, out_features)

    Examples
    --------
    >>> from layeralgebra import CapsuleRouting, dims, macs, parameters
    >>> n, f, m, d, r = dims("n f m d r")
    >>> parameters(CapsuleRouting(m, d, r), on=(n, f))
    d*f*m*n
    >>> macs(CapsuleRouting(m, d, r), on=(n, f))
    d*f*m*n + 2*d*m*n*r + d*m*r

    References
    ----------
    Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules", NIPS 2017, arXiv 1710.09829, equations 1 to 3 and procedure 1.
    """

    out_capsules: Dim
    out_features: Dim
    rounds: Dim = 3
    equation = """
        u[i, j, d] = W[i, j, d, f]*x[i, f]
        c[r, i, j] = softmax[j](b[r-1, i, j])
        s[r, j, d] = c[r, i, j]*u[i, j, d]
        n[r, j] = s[r, j, d]*s[r, j, d]
        v[r, j, d] = sqrt(n[r, j])/(1 + n[r, j])*s[r, j, d]
        b[r, i, j] = b[r-1, i, j] + u[i, j, d]*v[r, j, d]
        y[j, d] = v[rounds - 1, j, d]
        where r < rounds, j < out_capsules, d < out_features
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: shape[0] * shape[1] * self.out_capsules * self.out_features}


class NetVLAD(Layer):
    """Residuals from learned centres, summed with weights that say how near a position is to a centre.

    Parameters
    ----------
    centres : Dim
        How many centres there are.

    Shapes
    ------
    input : (time, features)
    output : (centres, features)

    Notes
    -----
    Without the normalisations that follow.

    Examples
    --------
    >>> from layeralgebra import NetVLAD, dims, macs, parameters
    >>> T, f, k = dims("T f k")
    >>> parameters(NetVLAD(k), on=(T, f)), macs(NetVLAD(k), on=(T, f))
    (2*f*k + k, 2*T*f*k)

    References
    ----------
    Arandjelović, Gronat, Torii, Pajdla, Sivic, "NetVLAD: CNN Architecture for Weakly Supervised Place Recognition", CVPR 2016, arXiv 1511.07247,
    equation 4.
    """

    centres: Dim
    equation = """
        w[t, k] = W[k, f]*x[t, f] + b[k]
        a[t, k] = softmax[k](w[t, k])
        d[t, k, f] = x[t, f] - c[k, f]
        y[k, f] = a[t, k]*d[t, k, f]
        where k < centres
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.centres * (2 * shape[-1] + 1)}
