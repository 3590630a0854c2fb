"""Work in a process of its own, with limits; what it says before it is stopped is kept."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

MEMORY = 4 << 30
"""Bytes of data that one model may take."""
SECONDS = 120
"""Seconds of the processor; a wall clock would measure what else the machine does."""
PATIENCE = 6
"""So many times the seconds may pass on the wall."""


def isolated(work: Callable[[Callable[[dict[str, Any]], None]], None], seconds: int = SECONDS) -> dict[str, Any]:
    """All that `work` told, joined; with ``"stopped"`` if it did not come to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            os.setpgid(0, 0)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

            def tell(said: dict[str, Any]) -> None:
                os.write(writing, (json.dumps(said) + "\n").encode())

            try:
                work(tell)
                status = 0
            except MemoryError:
                tell({"stopped": "memory"})
            except Exception:  # told, since nobody else sees it
                tell({"stopped": "".join(traceback.format_exc())[-1500:]})
        finally:
            os._exit(status)
    os.close(writing)
    text, end = b"", time.monotonic() + PATIENCE * seconds
    while True:
        ready, _, _ = select.select([reading], [], [], max(end - time.monotonic(), 0))
        piece = os.read(reading, 1 << 16) if ready else b""
        if not piece:
            break
        text += piece
    os.close(reading)
    if time.monotonic() >= end:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    said: dict[str, Any] = {}
    for line in text.decode().splitlines():
        said.update(json.loads(line))
    code = os.waitstatus_to_exitcode(status)
    if code:
        reason = {-signal.SIGXCPU: "time", -signal.SIGKILL: "time"}.get(code, f"status {code}")
        said.setdefault("stopped", reason)
    return said
