"""From formulas to functions: flat programs of integer operations, bounds that show what fits, backends."""

from .codegen import codegen
from .gradient import gradient
from .interface import CompiledFormula, compile

__all__ = ["CompiledFormula", "codegen", "compile", "gradient"]
