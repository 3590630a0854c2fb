"""Mixtures of experts: many perceptrons, a few of which are chosen at every position."""

from __future__ import annotations

from ..algebra.arguments import checked
from ..algebra.equations.fields import Dim
from ..algebra.networks.layer import Layer
from ..algebra.networks.network import Network

__all__ = ["MixtureOfExperts", "active_experts"]


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
