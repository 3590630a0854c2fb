"""What every test shares: hypothesis profiles, the ``slow`` marker, time limits, SymPy's cache, and the closing notes.

The profile is chosen by the environment variable ``LAYERALGEBRA_PROFILE``: ``fast`` (the default: few examples, the
same ones in every run) or ``full`` (at least 500 examples for each property, drawn anew, and the slow tests too).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("LAYERALGEBRA_PROFILE", "fast")

# Building a symbolic example may take longer than hypothesis expects of drawing one, above all on a busy machine.
settings.register_profile(
    "fast", max_examples=20, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "full", max_examples=500, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(PROFILE)

#: Longest time for one test, in seconds; slow ones, and all with many examples, have the second. Nothing may hang.
LIMIT, LIMIT_SLOW = 300, 3600

#: What some tests need beyond the core: importable modules, and programs on the path.
OPTIONAL_MODULES = "torch torchvision jax numba onnx xarray dask matplotlib scipy z3 cvc5 symengine flint nbclient ipykernel gudhi pyflagser keras egglog".split()
OPTIONAL_PROGRAMS = "pdflatex coqc".split()


class OutOfTime(BaseException):
    """A test ran longer than it may; no `Exception`, so that neither library nor hypothesis swallows it."""


@contextlib.contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the body after so many seconds (where the platform has alarms); limits may be nested."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: object) -> None:
        raise OutOfTime(f"still running after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, left)


@pytest.fixture(scope="session")
def time_limit() -> Callable[[float], contextlib.AbstractContextManager[None]]:
    """``with time_limit(5): ...`` fails the test when the body takes longer."""
    return limited_to


@pytest.fixture(autouse=True, scope="module")
def fresh_sympy_cache() -> Iterator[None]:
    """Empty SymPy's cache after each file of tests: memory stays flat, and no file depends on what ran before it."""
    yield
    cache = sys.modules.get("sympy.core.cache")
    if cache is not None:
        cache.clear_cache()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", default=PROFILE == "full", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with limited_to(LIMIT_SLOW if PROFILE != "fast" or item.get_closest_marker("slow") else LIMIT):
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what this run left out, and why."""
    absent = [name for name in OPTIONAL_MODULES if importlib.util.find_spec(name) is None]
    absent += [name for name in OPTIONAL_PROGRAMS if shutil.which(name) is None]
    slow = "run" if config.getoption("--slow") else "left out (--slow or LAYERALGEBRA_PROFILE=full runs them)"
    terminalreporter.write_line(f"profile {PROFILE}: {settings().max_examples} examples a property; slow tests {slow}")
    terminalreporter.write_line(f"absent, so that what needs it is skipped: {', '.join(absent) or 'nothing'}")
