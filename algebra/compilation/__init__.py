"""From formulas to functions: flat programs of integer operations, bounds that show what fits, backends."""

from .interface import CompiledFormula, compile
from .program.gradient import gradient
from .source.codegen import codegen

__all__ = ["CompiledFormula", "codegen", "compile", "gradient"]
