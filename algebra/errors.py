"""The one tree of errors; a caller can catch `LayerAlgebraError` and has caught everything he can cause.

>>> issubclass(ShapeError, LayerAlgebraError) and issubclass(ShapeError, ValueError)
True
"""

from __future__ import annotations


class LayerAlgebraError(Exception):
    """Anything that a caller can cause: a wrong equation, shape, size, name, file or request."""


class EquationError(LayerAlgebraError, ValueError):
    """An equation that cannot be read or understood; shows the text with a mark under the place."""

    def __init__(self, problem: str, *, text: str = "", line: int = 0, column: int = 0, instead: str = ""):
        self.problem, self.text, self.line, self.column, self.instead = problem, text, line, column, instead
        message = [problem]
        lines = text.splitlines()
        if 0 < line <= len(lines):
            message.append(f"  line {line}: {lines[line - 1]}")
            message.append(" " * (len(f"  line {line}: ") + max(column, 0)) + "^")
        if instead:
            message.append(f"  write instead: {instead}")
        super().__init__("\n".join(message))


class ShapeError(LayerAlgebraError, ValueError):
    """Shapes that do not fit: of a layer and its input, or of branches that are to be joined."""


class FieldError(LayerAlgebraError, ValueError, TypeError):
    """A layer, node or function was given a missing, unknown or impossible argument."""


class DomainError(LayerAlgebraError, ValueError):
    """A formula was evaluated outside the sizes for which it holds."""


class UnsupportedError(LayerAlgebraError, NotImplementedError):
    """A question that has no answer for this head or network; the message says what can be asked instead."""


class GraphError(LayerAlgebraError, ValueError):
    """A graph that is no network: a cycle, an unknown name, no output or more than one."""


class BudgetError(LayerAlgebraError, RuntimeError):
    """The work asked for is larger than the stated limit; the message names the limit and how to raise it."""


class FileError(LayerAlgebraError, ValueError):
    """A file that cannot be read or written, or that is there already; the message names it."""
