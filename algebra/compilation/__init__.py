"""From formulas to functions: flat programs of integer operations, bounds that show what fits, backends."""

from ..handing_on import handed_on

HANDS_ON = {
    "interface": ["CompiledFormula", "compile"],
    "program.gradient": ["gradient"],
    "source.codegen": ["codegen"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
