"""Layers that move elements and compute nothing."""

from __future__ import annotations

from typing import Any

from ..algebra.equations.fields import Dim, Size, Sizes
from ..algebra.errors import FieldError
from ..algebra.networks.layer import Layer

__all__ = [
    "Flatten", "Reshape", "Permute", "Tokens", "Untokens", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Upsample", "Pad", "Crop",
    "Flip", "Select", "Last",
]  # fmt: skip


class Flatten(Layer):
    """All axes as one.

    Shapes
    ------
    input : (*shape,)
    output : (prod(shape),)

    Examples
    --------
    >>> from layeralgebra import Flatten, dims, output_shape
    >>> output_shape(Flatten(), on=dims("c H W"))
    (H*W*c,)

    References
    ----------
    PyTorch documentation, "torch.flatten", https://docs.pytorch.org/docs/stable/generated/torch.flatten.html.
    """

    equation = "y[(*i,)] = x[*i]"


class Reshape(Layer):
    """The same elements in another shape; what is asked for must hold as many.

    Parameters
    ----------
    shape : Sizes
        Elements along each axis of what comes out.

    Shapes
    ------
    input : (*given,)
    output : (*shape,)

    Examples
    --------
    >>> from layeralgebra import Reshape, output_shape
    >>> output_shape(Reshape((4, 6)), on=(2, 12))
    (4, 6)

    References
    ----------
    ONNX documentation, operator "Reshape", https://onnx.ai/onnx/operators/onnx__Reshape.html.
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
        For each axis of the output, the number of the axis of the input, counted from 0.

    Shapes
    ------
    input : (*shape,)
    output : (*shape[order],)

    Examples
    --------
    >>> from layeralgebra import Permute, dims, output_shape
    >>> output_shape(Permute((1, 2, 0)), on=dims("c H W"))
    (H, W, c)

    References
    ----------
    ONNX documentation, operator "Transpose", https://onnx.ai/onnx/operators/onnx__Transpose.html.
    """

    order: Size

    @property
    def equation(self) -> str:
        given: Any = self.order
        order = [int(axis) for axis in given]
        source, target = (", ".join(f"i{axis}" for axis in axes) for axes in (range(len(order)), order))
        return f"y[{target}] = x[{source}]"

    def check_fields(self) -> None:
        order = self.args[0]
        if not hasattr(order, "__len__") or sorted(map(str, order)) != sorted(map(str, range(len(order)))):
            raise FieldError(f"Permute(order={order}): each axis 0 to n - 1 once, as in Permute((1, 2, 0))")


class Tokens(Layer):
    """From an image to a sequence.

    Shapes
    ------
    input : (channels, *spatial)
    output : (prod(spatial), channels)

    Examples
    --------
    >>> from layeralgebra import Tokens, dims, output_shape
    >>> output_shape(Tokens(), on=dims("c H W"))
    (H*W, c)

    References
    ----------
    Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021, arXiv
    2010.11929, section 3.1.
    """

    equation = "y[(*i,), c] = x[c, *i]"


class Untokens(Layer):
    """From a sequence to an image.

    Parameters
    ----------
    shape : Sizes
        The spatial shape, positions along each axis.

    Shapes
    ------
    input : (positions, channels)
    output : (channels, *shape)

    Examples
    --------
    >>> from layeralgebra import Untokens, dims, output_shape
    >>> H, W, c = dims("H W c")
    >>> output_shape(Untokens((H, W)), on=(H*W, c))
    (c, H, W)

    References
    ----------
    Ranftl, Bochkovskiy, Koltun, "Vision Transformers for Dense Prediction", ICCV 2021, arXiv 2103.13413, section 3.
    """

    shape: Sizes
    equation = """
        y[c, *i] = x[(*i,), c]
        where i < shape
    """


class PixelShuffle(Layer):
    """Channels into space.

    Parameters
    ----------
    factor : Dim
        By which every spatial axis grows; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels/prod(factor), *(factor*spatial))

    Examples
    --------
    >>> from layeralgebra import PixelShuffle, dims, output_shape
    >>> output_shape(PixelShuffle(2), on=(12, *dims("H W")))
    (3, 2*H, 2*W)

    References
    ----------
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
    Network", CVPR 2016, arXiv 1609.05158, equation 4. The order of the channels is that of PyTorch.

    PyTorch documentation, "torch.nn.PixelShuffle",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html.
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
        By which every spatial axis shrinks; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels*prod(factor), *(spatial/factor))

    Examples
    --------
    >>> from layeralgebra import PixelUnshuffle, output_shape
    >>> output_shape(PixelUnshuffle(2), on=(3, 8, 8))
    (12, 4, 4)

    References
    ----------
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
    Network", CVPR 2016, arXiv 1609.05158, equation 4. The order of the channels is that of PyTorch.

    PyTorch documentation, "torch.nn.PixelUnshuffle",
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html.
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
        Parts of the channels whose members take turns in the output.

    Shapes
    ------
    input, output : (channels, *spatial)

    Examples
    --------
    >>> from layeralgebra import ChannelShuffle, output_shape
    >>> output_shape(ChannelShuffle(2), on=(8, 5))
    (8, 5)

    References
    ----------
    Zhang, Zhou, Lin, Sun, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", CVPR
    2018, arXiv 1707.01083, section 3.1.
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
        Copies of an element along each axis; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *(factor*spatial))

    Examples
    --------
    >>> from layeralgebra import Upsample, dims, output_shape
    >>> output_shape(Upsample(2), on=dims("c H W"))
    (c, 2*H, 2*W)

    References
    ----------
    PyTorch documentation, "torch.nn.Upsample", https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html.
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
        Zeros at the two ends of an axis; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *(spatial + before + after))

    Examples
    --------
    >>> from layeralgebra import Pad, dims, output_shape
    >>> output_shape(Pad(1, 2), on=dims("c N"))
    (c, N + 3)

    References
    ----------
    PyTorch documentation, "torch.nn.ZeroPad2d", https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html.
    """

    before: Size
    after: Size
    equation = "y[c, *i] = pad[before, after](x[c, *i])"


class Crop(Layer):
    """All spatial axes cut at both ends.

    Parameters
    ----------
    before, after : Size
        Elements cut off at the two ends of an axis; one size, or one for each axis.

    Shapes
    ------
    input : (channels, *spatial)
    output : (channels, *(spatial - before - after))

    Examples
    --------
    >>> from layeralgebra import Crop, dims, output_shape
    >>> output_shape(Crop(1, 1), on=dims("c N"))
    (c, N - 2)

    References
    ----------
    Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, arXiv
    1505.04597, section 2.
    """

    before: Size
    after: Size
    equation = "y[c, *i] = pad[0 - before, 0 - after](x[c, *i])"


class Flip(Layer):
    """A sequence in reverse order, as the backward half of a bidirectional network needs it.

    Shapes
    ------
    input, output : (time, *features)

    Examples
    --------
    >>> from layeralgebra import Flip, run
    >>> print(run(Flip(), [[1, 2], [3, 4]]))
    [[3 4]
     [1 2]]

    References
    ----------
    Schuster, Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing 45 (1997), doi
    10.1109/78.650093.
    """

    equation = """
        z[s, *f] = x[s, *f]
        y[t, *f] = z[size(s) - 1 - t, *f]
        where t < size(s)
    """
    channel_axis = "last"


class Select(Layer):
    """One position of a sequence.

    Parameters
    ----------
    position : Size, default 0
        The number of the position, counted from 0.

    Shapes
    ------
    input : (time, features)
    output : (features,)

    Examples
    --------
    >>> from layeralgebra import Select, dims, output_shape
    >>> output_shape(Select(0), on=dims("T d"))
    (d,)

    References
    ----------
    Devlin, Chang, Lee, Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    NAACL 2019, arXiv 1810.04805, section 3.
    """

    position: Size = 0
    equation = "y[f] = x[position, f]"
    channel_axis = "last"


class Last(Layer):
    """The last position of a sequence.

    Shapes
    ------
    input : (time, features)
    output : (features,)

    Examples
    --------
    >>> from layeralgebra import LSTM, Last, dims, output_shape
    >>> output_shape(LSTM(8) >> Last(), on=dims("T d"))
    (8,)

    References
    ----------
    Sutskever, Vinyals, Le, "Sequence to Sequence Learning with Neural Networks", NIPS 2014, arXiv 1409.3215, section 2.
    """

    equation = """
        z[t, f] = x[t, f]
        y[f] = z[size(t) - 1, f]
    """
    channel_axis = "last"
