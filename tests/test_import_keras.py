"""Keras models imported: learned weights and shapes against Keras's own, work against the same model counted by hand."""

from __future__ import annotations

import math

import pytest

import layeralgebra as la

keras = pytest.importorskip(
    "oracles.keras_on_torch", reason="Keras or PyTorch is not installed", exc_type=ImportError
).keras
layers = keras.layers


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
