"""A layer of your own, in a file of your own. Try

layeralgebra derive examples/involution.py:Involution --on c,H,W --set kernel=K,groups=G,reduction=r
layeralgebra derive examples/involution.py:network --latex out/network.tex
"""

import layeralgebra as la


class Involution(la.Layer):
    """A kernel made at each position by two 1x1 maps and shared by the channels of a group.

    Li et al., "Involution: Inverting the Inherence of Convolution for Visual Recognition", CVPR 2021.
    """

    kernel: la.Dim
    groups: la.Dim
    reduction: la.Dim = 4
    equation = """
        h[r, *i] = relu(R[r, e] * x[e, *i] + p[r])
        k[g, *u, *i] = S[g, *u, r] * h[r, *i] + q[g, *u]
        z[c, *j] = pad[floor(kernel/2), kernel - 1 - floor(kernel/2)](x[c, *j])
        y[(g, c), *i] = k[g, *u, *i] * z[(g, c), *(i + u)]
        where g < groups, u < kernel, r < size(e)/reduction
    """


def network(height, width, channels=64, depth=8):
    """A stem, then residual blocks of involutions; sizes that are not given are symbols."""
    block = la.Identity() + (Involution(7, 4) >> la.ReLU())
    stem = la.Input(3, height, width) >> la.Conv(channels, 7, stride=2, padding=3) >> la.ReLU()
    return stem >> block**depth >> la.GlobalAvgPool() >> la.Linear(10)
