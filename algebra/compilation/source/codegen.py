"""`codegen`: a formula as source code that stands alone, to be pasted elsewhere.

>>> from sympy import symbols, floor
>>> H, c = symbols("H c", integer=True, positive=True)
>>> print(codegen(9 * c**2 * floor(H/2)))
def formula(H, c):
    '''9*c**2*floor(H/2), for integers.'''
    for name, value, low, high in (('H', H, 1, None), ('c', c, 1, None)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if low is not None and value < low or high is not None and value > high:
            raise ValueError(f"{name} is outside of its domain: {value}")
    return 9*(c*c)*(H//2)
<BLANKLINE>
"""

from __future__ import annotations

import inspect
import keyword
import math
from collections.abc import Iterable, Sequence
from math import inf
from types import FunctionType
from typing import Any

from ...arguments import checked, shown
from ...errors import FieldError, UnsupportedError
from ...formulas.records import as_formulas
from ..backends.python_backend import PythonSource, unwrapped
from ..interface import CompiledFormula
from ..program import functions as runtime
from ..program.calls import rules_in
from ..program.formulas import Formulas
from .identifiers import _described, identifiers

LANGUAGES = ("python", "c", "javascript")


@checked
def codegen(e: Any, language: str = "python", name: str = "formula", domain: Any = None) -> str:
    """Standalone source code for a formula, with the same exact integer semantics.

    Parameters
    ----------
    e : sympy.Expr, Derivation, or a mapping of them
        A mapping gives a function that returns a dict in Python, one pointer for each result in C, and an object in
        JavaScript.
    language : {"python", "c", "javascript"}
        Python needs nothing but its standard library. C (C11, with the ``__builtin`` overflow checks of gcc and clang)
        computes with ``int64_t``: the function returns 0, or says that the sizes are outside the domain (1), that
        something does not fit into 64 bits (2), or that a result is no integer (3). JavaScript (ECMAScript 2020, for
        browsers and node) computes with BigInts of any length and takes BigInts or safe integers; it throws a
        ``RangeError`` outside the domain.
    name : str
        The name of the function.
    domain : conditions, optional
        As for `compile`.

    Returns
    -------
    str
        What its function returns follows the formula: an integer, exact fractions where a division is not exact (in
        JavaScript objects with the BigInts ``top`` and ``bottom``), doubles for logarithms, roots and the like, whose
        last digits may differ between languages, truth values for conditions.

    Raises
    ------
    FieldError
        If the language is unknown or the name is no identifier.
    UnsupportedError
        If the formula needs SymPy to be evaluated (a floor of a sum of logarithms), or a language does not have a
        function.

    Examples
    --------
    >>> from sympy import symbols, floor
    >>> H = symbols("H", integer=True)
    >>> print(codegen(floor((H - 7) / 2) + 1).splitlines()[-1])
        return ((H - 7)//2) + 1
    >>> print(codegen(floor((H - 7) / 2) + 1, "javascript").splitlines()[-2])
      return floorDivide((H - 7n), 2n) + 1n;
    """
    if language not in LANGUAGES:
        raise FieldError(f"language must be one of {', '.join(LANGUAGES)}, got {shown(language)}")
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise FieldError(f"the name of a function must be an identifier, got {shown(name)}")
    compiled = CompiledFormula(as_formulas(e, "codegen"), "python", domain)
    if language == "c":
        from .c_source import c_source

        return c_source(compiled, name)
    if language == "javascript":
        from .javascript_source import javascript_source

        return javascript_source(compiled, name)
    return _python(compiled, name)


def _python(compiled: CompiledFormula, name: str) -> str:
    formulas: Formulas = compiled._formulas(compiled._always_real)
    program = formulas.program
    called = _with_called(rule.compute for rule in rules_in(program) if rule.stands_alone)
    reserved = [*dir(runtime), *(function.__name__ for function in called), "name", "value", "low", "high", name]
    names = identifiers(compiled.arguments, reserved)
    source = PythonSource(program, names, "_")
    if source.payloads:
        raise UnsupportedError(
            "the formula has a function that SymPy evaluates, or rounds a number that is neither rational nor a logarithm or root of an integer, "
            "which needs SymPy"
        )
    body = [f"'''{_described(compiled)}, for integers.'''"]
    checks = [
        f"({argument!r}, {argument}, {_end(low)}, {_end(high)})"
        for argument, (low, high), kind in zip(names, formulas.ranges, program.input_types(), strict=True)
        if kind == "int"
    ]
    if checks:
        body += [
            f"for name, value, low, high in ({', '.join(checks)},):".replace(",):", "):" if len(checks) > 1 else ",):"),
            "    if not isinstance(value, int) or isinstance(value, bool):",
            '        raise TypeError(f"{name} must be an integer, got {value!r}")',
            "    if low is not None and value < low or high is not None and value > high:",
            '        raise ValueError(f"{name} is outside of its domain: {value}")',
        ]
    body += source.lines
    for output, message in zip(program.outputs[formulas.count :], formulas.messages, strict=True):
        body += [
            f"if not {source.text[output]}:",
            f"    raise ValueError({'outside the domain: it does not hold that ' + message!r})",
        ]
    results = [unwrapped(source.text[output]) for output in program.outputs[: formulas.count]]
    body.append("return " + _returned(compiled, results))
    helpers = _helpers(source.helpers.values())
    lines = [*helpers, f"def {name}({', '.join(names)}):", *("    " + line for line in body), ""]
    return "\n".join(lines)


def _returned(compiled: CompiledFormula, results: Sequence[str]) -> str:
    keys = compiled.keys
    if keys is not None and len(keys) == len(results):
        return "{" + ", ".join(f"{str(key)!r}: {result}" for key, result in zip(keys, results, strict=True)) + "}"
    return results[0] if len(results) == 1 else "(" + ", ".join(results) + ")"


def _end(end: Any) -> str:
    return "None" if end in (inf, -inf) else str(end)


def _helpers(functions: Iterable[Any]) -> list[str]:
    """The text of the functions that the operations call, with what those call in turn."""
    functions = list(functions)
    texts = [_text(function) for function in _with_called(functions)]
    lines: list[str] = []
    if math in functions or any("math." in text for text in texts):
        lines.append("import math")
    if any("Fraction" in text for text in texts):
        lines.append("from fractions import Fraction")
    if lines:
        lines += ["", ""]
    for text in texts:
        lines += [*text.rstrip().splitlines(), "", ""]
    return lines


def _text(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except OSError as problem:
        raise UnsupportedError(f"the text of the function {function.__name__} is not known ({problem})") from problem


def _with_called(functions: Iterable[Any]) -> list[FunctionType]:
    """These functions and those of their modules that they call; ours first, each module in its order."""
    found: dict[str, FunctionType] = {}
    stack = [function for function in functions if isinstance(function, FunctionType)]
    while stack:
        function = stack.pop()
        known = found.setdefault(function.__name__, function)
        if known is not function:
            raise UnsupportedError(f"two functions named {function.__name__} cannot be written in one source")
        others = (function.__globals__.get(name) for name in function.__code__.co_names)
        stack.extend(
            other
            for other in others
            if isinstance(other, FunctionType)
            and other.__module__ == function.__module__
            and other not in found.values()
        )

    def order(function: FunctionType) -> tuple[bool, str, int]:
        module = function.__module__
        return module != runtime.__name__, module, function.__code__.co_firstlineno

    return sorted(found.values(), key=order)
