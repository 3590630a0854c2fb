"""Layers as users write and call them, which a type checker accepts."""

from typing import Any

import layeralgebra as la

c, k, height, width = la.dims("c k H W")


class Dilated(la.Layer):
    """Fields with and without a default, and an equation that is a text."""

    features: la.Dim
    kernel: la.Dim = 3
    groups: la.Dim | None = None
    slope: la.Number = 0.01
    learned: la.Flag = True
    mode: la.Text = "zeros"
    equation = """
        y[f, *i] = W[f, e, *u] * x[e, *(i + u)]
        where f < features, u < kernel
    """


class Turned(la.Layer):
    """An equation that depends on a field."""

    axes: la.Sizes
    start: la.Size = 0

    @property
    def equation(self) -> str:
        return "y[j, i] = x[i, j]"

    def check_fields(self) -> None:
        axes: Any = self.axes
        if len(axes) != 2:
            raise la.FieldError("two axes")


Dilated(8)
Dilated(2 * c, kernel=(3, k))
Dilated(c, 3, None, learned=False, slope=0.2)
Dilated(features=c, groups=c, mode="reflect")
Turned((0, 1), start=0)
la.Conv(8, 3)
la.Conv(2 * c, (3, k), padding=1, bias=False)
la.MaxPool(2, stride=2)
la.Permute((1, 0))

net = la.Input(c, height, width) >> la.Conv(2 * c, 3, padding=1) >> la.ReLU() >> Dilated(c) ** 2
joined = net + net | la.Identity() * la.Identity()
field: la.types.ReceptiveField = la.receptive_field(net)
size: tuple[Any, ...] = field.size
label: str = str(la.receptive_field(joined).size)
total = la.parameters(net) + la.macs(net, on=(c, height, width))
derivation: la.types.Derivation = la.derive(la.parameters, net)
value = derivation(c=3, H=32, W=32)
