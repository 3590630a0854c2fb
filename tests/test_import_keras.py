"""Keras models imported: learned weights and shapes against Keras's own, work against the same model counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import layeralgebra as la

keras = pytest.importorskip(
    "oracles.keras_on_torch", reason="Keras or PyTorch is not installed", exc_type=ImportError
).keras
layers = keras.layers
torch = pytest.importorskip("torch")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402


def convolutional():
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(8, 3, strides=2, padding="same"), layers.BatchNormalization(), layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same"), layers.MaxPooling2D(2), layers.SeparableConv2D(12, 3, activation="relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def residual():
    image = keras.Input((16, 16, 4))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    x = layers.Add()([image, layers.ReLU()(layers.BatchNormalization()(x))])
    x = layers.Concatenate()([x, layers.MaxPooling2D(3, strides=1, padding="same")(x)])
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.UpSampling2D(2)(layers.AveragePooling2D(2)(x))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(layers.Dropout(0.1)(x))))


def attention():
    tokens = keras.Input((10,))
    x = layers.Embedding(50, 12)(tokens)
    shared = layers.Dense(12, activation="gelu")
    y = layers.MultiHeadAttention(3, 4)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + y)
    return keras.Model(tokens, shared(shared(x)))


def recurrent():
    inner = keras.Sequential([keras.Input((9, 6)), layers.Dense(5, activation="tanh")], name="inner")
    x = keras.Input((9, 6))
    return keras.Model(x, layers.Dense(2)(layers.GRU(8)(inner(x))))


BY_HAND = {
    "convolutional": 16 * 16 * 8 * 27 + 16 * 16 * 8 * 9 + 6 * 6 * 8 * 9 + 6 * 6 * 12 * 8 + 120,
    "residual": 16 * 16 * 16 * 9 + 16 * 16 * 8 * 3,
    "attention": 10 * 4 * 12 * 12 + 2 * 10 * 10 * 12 + 2 * 10 * 12 * 12,
    "recurrent": 9 * 6 * 5 + 9 * 3 * 8 * (5 + 8) + 16,
}
"""Products of one example; the recurrent unit's own products of gates are not counted as contractions."""


@pytest.mark.parametrize("make", [convolutional, residual, attention, recurrent], ids=lambda make: make.__name__)
def test_models(make):
    model = make()
    net = la.from_keras(model)
    assert la.parameters(net) == sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert tuple(la.output_shape(net)) == tuple(model.output_shape[1:])
    assert la.macs(net) == BY_HAND[make.__name__]


def test_axes_without_a_size_are_symbols():
    model = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, strides=2), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    derived = la.derive("macs", la.from_keras(model))
    assert derived(n0=33, n1=21) == 16 * 10 * 4 * 27 + 8
    assert la.receptive_field(la.from_keras(model)).size == (3, 3)


def test_axes_without_a_size_are_called_as_asked():
    model = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, padding="same"), layers.GlobalMaxPooling2D(keepdims=True)]
    )
    H, W = la.dims("H W")
    net = la.from_keras(model, dynamic={0: "H", 1: W})
    assert la.macs(net) == 108 * H * W and la.output_shape(net) == (4, 1, 1)
    two = keras.Input((None, 4), name="one"), keras.Input((None, 4), name="two")
    attended = keras.Model(two, layers.MultiHeadAttention(2, 2)(two[0], two[1]))
    T, S = la.dims("T S")
    assert la.output_shape(la.from_keras(attended, dynamic={(0, 0): T, ("two", 0): S})) == (T, 4)
    with pytest.raises(la.FieldError, match="has the size 3"):
        la.from_keras(model, dynamic={2: "C"})
    with pytest.raises(la.FieldError, match="axes 0 to 2"):
        la.from_keras(model, dynamic={3: "C"})


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_normalisations_with_part_of_their_affine(scale, center):
    x = keras.Input((8, 8, 3))
    both = {"scale": scale, "center": center}
    model = keras.Model(x, layers.LayerNormalization(**both)(layers.BatchNormalization(**both)(layers.Conv2D(5, 1)(x))))
    net = la.from_keras(model)
    assert la.parameters(net) == 20 + 2 * 5 * (scale + center)
    assert sum(net.imported.counted.values()) == la.parameters(net) and la.output_shape(net) == (8, 8, 5)


def plain_numbers():
    image = (12, 9, 3)

    def of(*parts, shape=image):
        return lambda: keras.Sequential([keras.Input(shape), *parts])

    def of_numbers():
        x = keras.Input((6,))
        return keras.Model(x, (1 - x * 3) / 4 + 2 / (x + 9))

    return {
        "largest in odd margins": of(layers.MaxPooling2D(2, 2, padding="same")),
        "means in margins": of(layers.AveragePooling2D(3, 1, padding="same")),
        "means that keep axes": of(layers.GlobalAveragePooling2D(keepdims=True)),
        "largest that keep axes": of(layers.GlobalMaxPooling2D(keepdims=True)),
        "given means": of(layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.25, 1.0])),
        "one given mean, undone": of(layers.Normalization(axis=None, mean=2.0, variance=9.0, invert=True)),
        "cut off": of(layers.Cropping2D(((1, 2), (0, 3)))),
        "cut off a line": of(layers.Cropping1D((1, 2)), shape=(7, 4)),
        "margins": of(layers.ZeroPadding3D((1, 0, 2)), shape=(3, 4, 5, 2)),
        "scales of channels": of(layers.Rescaling([0.5, 2.0, 4.0], offset=[1.0, 0.0, -1.0])),
        "noise": of(layers.GaussianNoise(0.5), layers.Rescaling(2.0)),
        "numbers": of_numbers,
    }


@pytest.mark.parametrize("name", plain_numbers())
def test_numbers_are_those_of_keras(name):
    model = plain_numbers()[name]()
    net = la.from_keras(model)
    x = np.random.default_rng(0).normal(size=model.input_shape[1:]).astype("float32")
    wanted = np.asarray(keras.ops.convert_to_numpy(model(x[None], training=False)))[0]
    entering = np.moveaxis(x, -1, 0) if x.ndim > 2 else x
    found = np.asarray(la.run(net, entering)).astype(float)
    found = np.moveaxis(found, 0, -1) if found.ndim > 2 and found.shape != wanted.shape else found
    assert found.shape == wanted.shape and np.allclose(found, wanted, atol=1e-5)


def test_means_leave_the_margin_out():
    model = keras.Sequential([keras.Input((5, 1)), layers.AveragePooling1D(2, 2, padding="same")])
    found = la.run(la.from_keras(model), np.arange(1.0, 6.0)[:, None])
    assert np.allclose(found, [[1.5], [3.5], [5.0]])  # as Keras on TensorFlow and JAX; on PyTorch it repeats the border


def test_several_outputs_and_those_that_are_asked_for():
    x = keras.Input((6,))
    model = keras.Model(x, [layers.Dense(3, name="one")(x), layers.Dense(5, name="two")(x)])
    net = la.from_keras(model)
    assert la.output_shape(net) == (8,) and la.parameters(net) == 21 + 35
    net = la.from_keras(model, outputs="two")
    assert la.output_shape(net) == (5,) and list(net.imported.unused.values()) == [18, 3]
    with pytest.raises(la.FieldError, match="no output 'three'"):
        la.from_keras(model, outputs="three")


def test_a_class_that_is_only_called_as_one_of_keras_is_not_taken_for_it():
    class Dense(layers.Layer):
        def call(self, x):
            return x

    with pytest.raises(la.UnsupportedError, match="Dense: 1 time"):
        la.from_keras(keras.Sequential([keras.Input((4,)), Dense()]))


def test_a_model_of_keras_is_none_of_pytorch():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(la.UnsupportedError, match="from_keras"):
        la.from_torch(model, (4,))


def test_a_rule_that_forgets_weights_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(la.UnsupportedError, match="stores 15 learned numbers"):
        la.from_keras(model, operators={"Dense": lambda shapes, layer: la.Linear(3, False)})


@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetV2B0", "ConvNeXtTiny", "InceptionV3"])
@pytest.mark.slow
def test_applications(name):
    with keras.device("meta"):
        model = getattr(keras.applications, name)(weights=None)
    counter = FlopCounterMode(display=False)
    with keras.device("meta"), torch.no_grad(), counter:
        model(torch.zeros((1, *(size or 224 for size in model.input_shape[1:])), device="meta"), training=False)
    net = la.from_keras(model)
    assert la.macs(net).subs({size: 224 for size in net.free_symbols}) == counter.get_total_flops() // 2
    assert la.parameters(net) == sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert la.output_shape(net) == tuple(model.output_shape[1:])


def test_unknown_layers_are_named():
    class Odd(layers.Layer):
        def call(self, x):
            return x * 2

    model = keras.Sequential([keras.Input((4,)), Odd(name="first"), layers.Dense(3), Odd(name="second")])
    with pytest.raises(la.UnsupportedError, match=r"Odd: 2 time\(s\), at first, second"):
        la.from_keras(model)
    net = la.from_keras(model, operators={"Odd": lambda shapes, layer: la.Scale(2)})
    assert la.parameters(net) == 15
    with pytest.raises(la.UnsupportedError, match="one bias"):
        la.from_keras(keras.Sequential([keras.Input((4, 3)), layers.LSTM(2)]))
    with pytest.raises(la.FieldError):
        la.from_keras(3)
