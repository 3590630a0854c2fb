"""keras.applications: every one of them, without weights.

NASNet refuses PyTorch, with which its published weights give other numbers; its layers are the same, and are built all the same.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from unittest import mock

os.environ["KERAS_BACKEND"] = "torch"
from _import_case import Case  # noqa: E402


def cases() -> Iterator[Case]:
    import keras

    found = [
        name for name in dir(keras.applications)
        if inspect.isfunction(getattr(keras.applications, name))
    ]  # fmt: skip
    for name in found:
        yield Case("keras", name, lambda name=name: built(name), ())


def built(name: str) -> Any:
    import keras
    from keras.src.applications import nasnet

    with mock.patch.object(nasnet.backend, "backend", lambda: "jax") if name.startswith("NASNet") else nullcontext():
        return getattr(keras.applications, name)(weights=None)
