"""ONNX's own inference of shapes, in a process beside this one: from a damaged file it may not come back, or end the process it runs in.

The process is started once and asked again and again; one that gives no answer in time, or ends, is replaced.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from typing import Any

LONGEST = 60.0
"""Seconds that an answer may take; ten more for every MiB of the model."""

_CODE = """
import sys
import onnx
given, made = sys.stdin.buffer, sys.stdout.buffer
while True:
    head = given.read(8)
    if len(head) < 8:
        break
    data = given.read(int.from_bytes(head, "little"))
    try:
        found = onnx.shape_inference.infer_shapes(data, data_prop=True)
        found = found if isinstance(found, bytes) else found.SerializeToString()
    except Exception:
        found = b""
    made.write(len(found).to_bytes(8, "little") + found)
    made.flush()
"""


class NotAnswered(Exception):
    """The process gave no answer."""


class _Beside:
    """The process, and one question to it at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: Any = None
        self.owner = 0

    def asked(self, model: bytes) -> bytes:
        """The model with the shapes that were found; empty, where it contradicts itself."""
        with self.lock:
            if self.process is None or self.owner != os.getpid() or self.process.poll() is not None:
                self._start()
            try:
                return self._answer(model)
            except (OSError, NotAnswered) as error:
                self.stop()
                raise NotAnswered(str(error)) from None

    def _start(self) -> None:
        self.process, self.owner = None, os.getpid()
        words = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=words
            )  # fmt: skip
        except OSError as error:
            raise NotAnswered(str(error)) from None

    def _answer(self, model: bytes) -> bytes:
        process = self.process
        limit = threading.Timer(LONGEST + 10 * len(model) / (1 << 20), process.kill)
        limit.start()
        try:
            process.stdin.write(len(model).to_bytes(8, "little") + model)
            process.stdin.flush()
            head = process.stdout.read(8)
            found = process.stdout.read(int.from_bytes(head, "little")) if len(head) == 8 else b""
        finally:
            limit.cancel()
        if len(head) < 8 or len(found) < int.from_bytes(head, "little"):
            raise NotAnswered("the process ended, or took too long")
        return bytes(found)

    def stop(self) -> None:
        """End the process, if it is one of ours."""
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                try:
                    pipe.close()
                except OSError:
                    pass
        self.process = None


_BESIDE = _Beside()
atexit.register(_BESIDE.stop)


def infer_shapes(model: bytes) -> bytes:
    """A model with the shapes and kinds that ONNX finds; empty where ONNX finds that it contradicts itself.

    Raises
    ------
    NotAnswered
        If ONNX does not come back, or ends its process.
    """
    return _BESIDE.asked(model)
