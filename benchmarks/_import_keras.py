"""keras.applications: every one of them, without weights."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator

os.environ["KERAS_BACKEND"] = "torch"
from _import_case import Case  # noqa: E402


def cases() -> Iterator[Case]:
    import keras

    found = [
        name for name in dir(keras.applications)
        if inspect.isfunction(getattr(keras.applications, name))
    ]  # fmt: skip
    for name in found:
        yield Case("keras", name, lambda name=name: getattr(keras.applications, name)(weights=None), ())
