"""A few threads for large arrays: numpy lets go of the interpreter while it computes.

The environment variable ``LAYERALGEBRA_THREADS`` sets their number; 1 turns them off. Inside the tasks of a scheduler that
keeps all cores busy by itself, `alone` turns them off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MOST = 8
LEAST_ELEMENTS = 2**17  # arrays with fewer are done before a thread would have started

_pool: Any = None
_alone: ContextVar[bool] = ContextVar("alone", default=False)


def number_of_threads() -> int:
    """How many threads a large array is shared between."""
    if _alone.get():
        return 1
    wanted = os.environ.get("LAYERALGEBRA_THREADS", "")
    if wanted.isdigit():
        return max(1, int(wanted))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@contextmanager
def alone() -> Iterator[None]:
    """One thread only, within this block."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def shared(function: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """The function of every part, each in a thread of its own; the first error is raised when all have ended."""
    global _pool
    if len(parts) == 1:
        return [function(parts[0])]
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(MOST, thread_name_prefix="layeralgebra")
    waiting = [_pool.submit(function, part) for part in parts[1:]]
    try:
        first = function(parts[0])
    finally:
        for future in waiting:
            future.exception()
    return [first, *(future.result() for future in waiting)]


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_forget)
