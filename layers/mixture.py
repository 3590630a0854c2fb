"""Mixtures of experts: many perceptrons, a few of which are chosen at every position."""

from __future__ import annotations

from ..algebra.arguments import checked
from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer
from ..algebra.networks.network import Network

__all__ = ["MixtureOfExperts", "active_experts", "SoftMixtureOfExperts", "SwitchMixtureOfExperts"]


class MixtureOfExperts(Layer):
    """Gated perceptrons of which a router chooses some at every position.

    Parameters
    ----------
    experts : Dim
        Among how many the router chooses.
    active : Dim
        How many it chooses at every position, no more than there are.
    hidden : Dim
        Units inside an expert.
    stored : Dim, optional
        How many experts' weights there are; `experts`, if left out. `active_experts` sets it.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    ``c[t, s]`` is the s-th best expert for position t. Which ones these are is known only from data, so that c is a
    buffer; every tensor that is looked up with it is read at `active` of its `experts` entries, and that is the work.
    Parameters are those of all experts.

    Examples
    --------
    >>> from layeralgebra import MixtureOfExperts, dims, macs, parameters
    >>> T, d, h, n, k = dims("T d h n k")
    >>> parameters(MixtureOfExperts(n, k, h), on=(T, d))
    3*d*h*n + d*n
    >>> macs(MixtureOfExperts(n, k, h), on=(T, d))
    3*T*d*h*k + T*d*k + T*d*n

    References
    ----------
    Shazeer et al., "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer", ICLR 2017, arXiv
    1701.06538.

    Jiang et al., "Mixtral of Experts", arXiv 2401.04088 (2024), section 2.1.
    """

    experts: Dim
    active: Dim
    hidden: Dim
    stored: Dim | None = None
    buffers = ("c",)
    inputs = ("x",)
    equation = """
        held = experts if stored is None else stored
        r[t, e] = R[e, m] * x[t, m]
        g[t, s] = softmax[s](r[t, c[t, s]])
        a[t, s, h] = G[c[t, s], h, m] * x[t, m]
        u[t, s, h] = U[c[t, s], h, m] * x[t, m]
        b[t, s, h] = a[t, s, h] * sigmoid(a[t, s, h]) * u[t, s, h]
        o[t, s, f] = D[c[t, s], f, h] * b[t, s, h]
        y[t, f] = g[t, s] * o[t, s, f]
        where e < experts, s < active, active <= experts, active <= held, h < hidden, f < size(m), G[held, _, _], U[held, _, _], D[held, _, _]
    """
    channel_axis = "last"
    claims = {
        "parameters": lambda self, shape: shape[-1] * (self.experts + 3 * self.hidden * (self.stored or self.experts))
    }


@checked
def active_experts(net: Network) -> Network:
    """The network as one position sees it: of every mixture only the experts that are chosen, and the whole router.

    Its parameters are what is usually called the active parameters of the network.

    Parameters
    ----------
    net : Network
        With mixtures in any place.

    Returns
    -------
    Network
        The same with mixtures that store the active experts only.

    Shapes
    ------
    input : (*shape,)
    output : (*out,)
        out : as of `net`

    Raises
    ------
    FieldError
        If `net` is no network.

    Examples
    --------
    >>> from layeralgebra import MixtureOfExperts, active_experts, dims, parameters
    >>> d, h = dims("d h")
    >>> parameters(active_experts(MixtureOfExperts(8, 2, h)), on=(16, d))
    6*d*h + 8*d

    References
    ----------
    Jiang et al., "Mixtral of Experts", arXiv 2401.04088 (2024), section 2.1.
    """
    return net.replace(
        lambda part: isinstance(part, MixtureOfExperts),
        lambda part: MixtureOfExperts(part.experts, part.active, part.hidden, part.active),
    )


class SoftMixtureOfExperts(Layer):
    """Experts work on slots, which are weighted means of the positions, and every position is a weighted mean of what comes out.

    Parameters
    ----------
    experts : Dim
        How many perceptrons there are.
    slots : Dim
        How many slots an expert works on.
    hidden : Dim
        Units of a perceptron.

    Shapes
    ------
    input, output : (time, features)

    Examples
    --------
    >>> from layeralgebra import SoftMixtureOfExperts, dims, macs, parameters
    >>> T, d, n, s, m = dims("T d n s m")
    >>> parameters(SoftMixtureOfExperts(n, s, m), on=(T, d))
    2*d*m*n + d*n*s
    >>> macs(SoftMixtureOfExperts(n, s, m), on=(T, d))
    3*T*d*n*s + 2*d*m*n*s

    References
    ----------
    Puigcerver, Riquelme, Mustafa, Houlsby, "From Sparse to Soft Mixtures of Experts", ICLR 2024, arXiv 2308.00951, equations 1 to 3.
    """

    experts: Dim
    slots: Dim
    hidden: Dim
    equation = """
        l[t, e, s] = P[e, s, f]*x[t, f]
        D[t, e, s] = softmax[t](l[t, e, s])
        C[t, e, s] = softmax[e, s](l[t, e, s])
        z[e, s, f] = D[t, e, s]*x[t, f]
        h[e, s, m] = relu(U[e, m, f]*z[e, s, f])
        o[e, s, g] = V[e, g, m]*h[e, s, m]
        y[t, g] = C[t, e, s]*o[e, s, g]
        where e < experts, s < slots, m < hidden, g < size(f)
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.experts * shape[-1] * (self.slots + 2 * self.hidden)}


class SwitchMixtureOfExperts(Layer):
    """Every position goes to the best expert, unless that has as many already as it may have; then it is 0.

    Parameters
    ----------
    experts : Dim
        How many perceptrons there are.
    hidden : Dim
        Units of a perceptron.
    capacity : Dim
        How many positions an expert takes, the first ones first.

    Shapes
    ------
    input, output : (time, features)

    Notes
    -----
    Work counts all positions, those that are left out as well.

    Examples
    --------
    >>> from layeralgebra import SwitchMixtureOfExperts, dims, macs, parameters
    >>> T, d, n, m, k = dims("T d n m k")
    >>> parameters(SwitchMixtureOfExperts(n, m, k), on=(T, d))
    2*d*m*n + d*n
    >>> macs(SwitchMixtureOfExperts(n, m, k), on=(T, d))
    2*T*d*m + T*d*n

    References
    ----------
    Fedus, Zoph, Shazeer, "Switch Transformers: Scaling to Trillion Parameter Models with Simple and Efficient Sparsity", JMLR 23 (2022), arXiv
    2101.03961, equations 1 to 3.
    """

    experts: Dim
    hidden: Dim
    capacity: Dim
    equation = """
        p[t, e] = softmax[e](R[e, f]*x[t, f])
        z[t] = argmax[e](p[t, e])
        one[t, e] = [z[t] == e]
        place[t, e] = one[t, e] + place[t-1, e]
        kept[t] = [place[t, z[t]] <= capacity]
        h[t, m] = relu(U[z[t], m, f]*x[t, f])
        o[t, f] = V[z[t], f, m]*h[t, m]
        y[t, f] = kept[t]*p[t, z[t]]*o[t, f]
        where e < experts, m < hidden
    """
    channel_axis = "last"
    claims = {"parameters": lambda self, shape: self.experts * shape[-1] * (1 + 2 * self.hidden)}
