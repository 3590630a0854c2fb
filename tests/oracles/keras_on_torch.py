"""Keras, computing with PyTorch unless the environment says otherwise; an ImportError where one of the two is absent."""

from __future__ import annotations

import os

import torch  # noqa: F401

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402, F401
