"""Recursion without the interpreter's stack, so that networks may be nested as deep as they can be written.

A function that needs the value of a part is a generator: it yields the call on the part, and is sent what that gives. What needs
nothing returns its value at once; both may be mixed.

>>> def height(tree):
...     highest = 0
...     for branch in tree:
...         highest = max(highest, (yield height(branch)))
...     return highest + 1
>>> tree = ()
>>> for _ in range(10_000):
...     tree = (tree,)
>>> carried_out(height(tree))
10001
"""

from __future__ import annotations

from collections.abc import Generator
from types import GeneratorType
from typing import Any, TypeVar

R = TypeVar("R")
Steps = Generator[Any, Any, R]
"""What a generator that returns an R is called."""


def carried_out(asked: Any) -> Any:
    """The value of a call: what it returned, or, if it is a generator, what that returns when all it asks for is carried out."""
    if not isinstance(asked, GeneratorType):
        return asked
    waiting: list[GeneratorType[Any, Any, Any]] = [asked]
    answer: Any = None
    error: BaseException | None = None
    while waiting:
        try:
            answer = waiting[-1].send(answer) if error is None else waiting[-1].throw(error)
            error = None
            if isinstance(answer, GeneratorType):
                waiting.append(answer)
                answer = None
        except StopIteration as done:
            waiting.pop()
            answer, error = done.value, None
        except BaseException as raised:
            waiting.pop()
            answer, error = None, raised
    if error is not None:
        raise error
    return answer
