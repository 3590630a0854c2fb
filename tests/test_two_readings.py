"""Sums inside functions that nobody names: refused, each meaning written as the error says gives the numbers of that meaning."""

from __future__ import annotations

import re

import numpy as np
import pytest

import layeralgebra as la

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
M = np.array([1.0, -0.5, 0.25])
U = np.array([[2.0, -1.0], [0.5, 3.0], [1.0, -2.0]])


def softmax(values, axis):
    powers = np.exp(values)
    return powers / powers.sum(axis, keepdims=True)


UNCLEAR = {
    "y[t] = x[t, d]**2": ((X**2).sum(1), X.sum(1) ** 2),
    "y[t] = exp(-x[t, d])": (np.exp(-X).sum(1), np.exp(-X.sum(1))),
    "y[t] = relu(x[t, d]) + 1": (np.maximum(X, 0).sum(1) + 1, np.maximum(X.sum(1), 0) + 1),
    "y[t] = (x[t, d] - m[d])**2": (((X - M) ** 2).sum(1), (X.sum(1) - M.sum()) ** 2),
    "y[t] = 1 / x[t, d]": ((1 / X).sum(1), 1 / X.sum(1)),
    "y[t] = [x[t, d] > 0]": ((X > 0).sum(1), X.sum(1) > 0),
    "y[t] = max(x[t, d], m[d], 0)": (
        np.maximum(np.maximum(X, M), 0).sum(1), np.maximum(np.maximum(X.sum(1), M.sum()), 0),
    ),
    "y = abs(x[*i])": (np.abs(X).sum(), np.abs(X.sum())),
    "y[t] = exp(x[t, d] / m[d])": (np.exp(X / M).sum(1), np.exp((X / M).sum(1))),
    "y[t] = max[d](x[t, d] * u[d, e])\nwhere e < 2": (
        (X[:, :, None] * U).max(1).sum(-1), (X[:, :, None] * U).sum(-1).max(1),
    ),
    "y[t, d] = softmax[d](x[t, d] * u[d, e])\nwhere e < 2": (
        softmax(X[:, :, None] * U, 1).sum(-1), softmax((X[:, :, None] * U).sum(-1), 1),
    ),
}  # fmt: skip


def held(text: str) -> dict[str, np.ndarray]:
    return {name: value for name, value in {"m": M, "u": U}.items() if re.search(rf"\b{name}\[", text)}


def layer(text: str) -> la.Layer:
    return type("Drawn", (la.Layer,), {"equation": text, "buffers": tuple(held(text))})()


@pytest.mark.parametrize("text", UNCLEAR)
def test_both_meanings_are_named_and_can_be_written(text):
    with pytest.raises(la.EquationError, match="has two meanings") as refused:
        layer(text).instance(X.shape)
    sentence = str(refused.value).split(" has two meanings")[0]
    assert sentence in text
    written = refused.value.instead.split(", or ")
    assert len(written) == 2
    for meaning, expected in zip(written, UNCLEAR[text]):
        made = layer(text.replace(sentence, meaning))
        assert np.allclose(la.run(made, X, held(text)), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y[t] = sqrt(x[t, d]*x[t, d])", np.sqrt((X * X).sum(1))),
        ("y[t] = x[t, d]/(1 + exp(-x[t, d]))", (X / (1 + np.exp(-X))).sum(1)),
        ("y[t] = relu(x[t, d]*m[d]/2)", np.maximum(X @ M / 2, 0)),
        ("y[t] = m[d]*exp(x[t, d])", np.exp(X) @ M),
        ("y[t] = x[t, d]/2 + mean[t](x[t, d]*m[d])", X.sum(1) / 2 + (X @ M).mean()),
    ],
)
def test_inner_products_and_linear_sums_need_no_name(text, expected):
    assert np.allclose(la.run(layer(text), X, held(text)), expected)


def test_a_join_by_an_extremum_has_two_meanings_too():
    text = "y[target[e]] = max[e](x[e, f])\nwhere target < 3"
    with pytest.raises(la.EquationError, match=r"max\[e\]\(x\[e, f\]\) has two meanings: f is summed"):
        type("Joined", (la.Layer,), {"equation": text, "inputs": ("x", "target")})().instance((4, 2), (4,))
