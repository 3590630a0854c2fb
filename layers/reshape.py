"""Layers that move elements and compute nothing."""

from __future__ import annotations

from ..algebra.equations.fields import Dim, Size, Sizes
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = [
    "Flatten", "Reshape", "Permute", "Tokens", "Untokens", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Upsample", "Pad", "Crop",
    "Flip", "Select", "Last",
]  # fmt: skip


class Flatten(Layer):
    """All axes as one.

    Examples
    --------
    >>> from layeralgebra import Flatten, dims, output_shape
    >>> output_shape(Flatten(), on=dims("c H W"))
    (H*W*c,)
    """

    equation = "y[(*i,)] = x[*i]"


class Reshape(Layer):
    """The same elements in another shape; what is asked for must hold as many.

    Parameters
    ----------
    shape : Sizes

    Examples
    --------
    >>> from layeralgebra import Reshape, output_shape
    >>> output_shape(Reshape((4, 6)), on=(2, 12))
    (4, 6)
    """

    shape: Sizes
    equation = """
        z[(*i,)] = x[*i]
        y[*o] = z[(*o,)]
        where o < shape
    """


class Permute(Layer):
    """The axes in another order.

    Parameters
    ----------
    order : Size
        For each axis of the output, the number of the axis of the input.

    Examples
    --------
    >>> from layeralgebra import Permute, dims, output_shape
    >>> output_shape(Permute((1, 2, 0)), on=dims("c H W"))
    (H, W, c)
    """

    order: Size

    @property
    def equation(self) -> str:  # type: ignore[override]
        order = [int(axis) for axis in self.order]
        source, target = (", ".join(f"i{axis}" for axis in axes) for axes in (range(len(order)), order))
        return f"y[{target}] = x[{source}]"

    def check_fields(self) -> None:
        order = self.args[0]
        if not hasattr(order, "__len__") or sorted(map(str, order)) != sorted(map(str, range(len(order)))):
            raise FieldError(f"Permute(order={order}): each axis 0 to n - 1 once, as in Permute((1, 2, 0))")


class Tokens(Layer):
    """From an image to a sequence: (channels, *spatial) to (positions, channels)."""

    equation = "y[(*i,), c] = x[c, *i]"


class Untokens(Layer):
    """From a sequence to an image: (positions, channels) to (channels, *spatial).

    Parameters
    ----------
    shape : Sizes
        The spatial shape.
    """

    shape: Sizes
    equation = """
        y[c, *i] = x[(*i,), c]
        where i < shape
    """


class PixelShuffle(Layer):
    """Channels into space: (c r^n, *spatial) to (c, *(r spatial)).

    Parameters
    ----------
    factor : Dim

    Examples
    --------
    >>> from layeralgebra import PixelShuffle, dims, output_shape
    >>> output_shape(PixelShuffle(2), on=(12, *dims("H W")))
    (3, 2*H, 2*W)
    """

    factor: Dim
    equation = """
        y[c, *(i, u)] = x[(c, *u), *i]
        where u < factor
    """


class PixelUnshuffle(Layer):
    """Space into channels, the inverse of `PixelShuffle`.

    Parameters
    ----------
    factor : Dim

    Examples
    --------
    >>> from layeralgebra import PixelUnshuffle, output_shape
    >>> output_shape(PixelUnshuffle(2), on=(3, 8, 8))
    (12, 4, 4)
    """

    factor: Dim
    equation = """
        y[(c, *u), *i] = x[c, *(i, u)]
        where u < factor
    """


class ChannelShuffle(Layer):
    """Channels of several groups interleaved.

    Parameters
    ----------
    groups : Dim

    Examples
    --------
    >>> from layeralgebra import ChannelShuffle, output_shape
    >>> output_shape(ChannelShuffle(2), on=(8, 5))
    (8, 5)
    """

    groups: Dim
    equation = """
        y[(c, g), *i] = x[(g, c), *i]
        where g < groups
    """


class Upsample(Layer):
    """Every element repeated along every spatial axis (nearest neighbour).

    Parameters
    ----------
    factor : Dim

    Examples
    --------
    >>> from layeralgebra import Upsample, dims, output_shape
    >>> output_shape(Upsample(2), on=dims("c H W"))
    (c, 2*H, 2*W)
    """

    factor: Dim
    equation = """
        y[c, *(i, u)] = x[c, *i]
        where u < factor
    """


class Pad(Layer):
    """Zeros around all spatial axes.

    Parameters
    ----------
    before, after : Size

    Examples
    --------
    >>> from layeralgebra import Pad, dims, output_shape
    >>> output_shape(Pad(1, 2), on=dims("c N"))
    (c, N + 3)
    """

    before: Size
    after: Size
    equation = "y[c, *i] = pad[before, after](x[c, *i])"


class Crop(Layer):
    """All spatial axes cut at both ends.

    Parameters
    ----------
    before, after : Size

    Examples
    --------
    >>> from layeralgebra import Crop, dims, output_shape
    >>> output_shape(Crop(1, 1), on=dims("c N"))
    (c, N - 2)
    """

    before: Size
    after: Size
    equation = "y[c, *i] = pad[0 - before, 0 - after](x[c, *i])"


class Flip(Layer):
    """A sequence in reverse order: (time, features), as the backward half of a bidirectional network needs it."""

    equation = """
        z[s, f] = x[s, f]
        y[t, f] = z[size(s) - 1 - t, f]
        where t < size(s)
    """
    channel_axis = "last"


class Select(Layer):
    """One position of a sequence: (time, features) to (features,).

    Parameters
    ----------
    position : Size

    Examples
    --------
    >>> from layeralgebra import Select, dims, output_shape
    >>> output_shape(Select(0), on=dims("T d"))
    (d,)
    """

    position: Size = 0
    equation = "y[f] = x[position, f]"
    channel_axis = "last"


class Last(Layer):
    """The last position of a sequence: (time, features) to (features,)."""

    equation = """
        z[t, f] = x[t, f]
        y[f] = z[size(t) - 1, f]
    """
    channel_axis = "last"
