"""Expressions as a flat list of nodes, each subexpression once, operands before the nodes that use them.

Reading a SymPy expression into this form, differentiating it and lowering it to integer operations are each one pass
over the list, so that they take time linear in the number of *different* subexpressions, and none of them recurses.

>>> from sympy import symbols, floor
>>> c, H = symbols("c H", integer=True, positive=True)
>>> dag = Dag()
>>> top = dag.read(floor(H/2)**2 * c + floor(H/2))
>>> [node.op for node in dag.nodes]
['symbol', 'const', 'symbol', 'mul', 'floor', 'pow', 'mul', 'add']
>>> dag.write([top])[0] == floor(H/2)**2 * c + floor(H/2)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, Rational, S, Symbol
from sympy.core.function import AppliedUndef, Function

from ...errors import UnsupportedError
from ...formulas.zaslavsky import BinaryEntropy
from .nodes import Nodes
from .operations import NODES, READ_AS

# Real functions of one argument, by the name that numpy, jax and torch share.
FUNCTIONS = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.asin: "arcsin",
    sympy.acos: "arccos", sympy.atan: "arctan", sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh",
    sympy.asinh: "arcsinh", sympy.acosh: "arccosh", sympy.atanh: "arctanh", sympy.erf: "erf", sympy.gamma: "gamma",
    sympy.loggamma: "loggamma", sympy.digamma: "digamma", BinaryEntropy: "binaryentropy",
}  # fmt: skip
FUNCTION_CLASSES = {name: cls for cls, name in FUNCTIONS.items()}


class Dag(Nodes):
    """A growing list of nodes that reads and writes SymPy's expressions."""

    def __init__(self) -> None:
        super().__init__()
        # By address, so that nothing hashes or compares expressions nested thousands deep; kept, so that addresses
        # stay theirs.
        self._read: dict[int, int] = {}
        self._kept: list[Basic] = []

    # -- from SymPy ----------------------------------------------------------------------------------------------

    def read(self, expression: Basic) -> int:
        """The number of the node that is this expression; everything below it is read too."""
        known = self._read
        self._kept.append(expression)
        stack: list[Basic] = [expression]
        while stack:
            top = stack[-1]
            if id(top) in known:
                stack.pop()
                continue
            children = _children(top)
            missing = [child for child in children if id(child) not in known]
            if missing:
                stack.extend(reversed(missing))
            else:
                stack.pop()
                known[id(top)] = self._make(top, tuple([known[id(child)] for child in children]))
        return known[id(expression)]

    def _make(self, expression: Basic, args: tuple[int, ...]) -> int:
        cls = type(expression)
        if isinstance(expression, Rational):
            return self.node("const", (), expression)
        if isinstance(expression, Symbol):
            return self.node("symbol", (), expression)
        if cls is sympy.Pow:
            if isinstance(expression.exp, Integer):
                return self.node("pow", args, int(expression.exp))
            return self.node("power", args)
        op = READ_AS.get(cls)
        if op is not None:
            return self.node(op, args[:1] if op == "heaviside" else args)
        if cls in FUNCTIONS:
            return self.node("function", args, FUNCTIONS[cls])
        if cls is sympy.polygamma and expression.args[0] == 0:
            return self.node("function", args[1:], "digamma")
        if cls in (sympy.StrictGreaterThan, sympy.GreaterThan):
            return self.node("lt" if cls is sympy.StrictGreaterThan else "le", (args[1], args[0]))
        if cls in (sympy.Piecewise, sympy.ITE):
            if cls is sympy.ITE:
                args = (args[1], args[0], args[2], self.read(S.true))
            return self.node("piecewise", args)
        if cls is sympy.frac:
            return self.subtract(args[0], self.node("floor", args))
        if expression is S.true or expression is S.false:
            return self.node("bool", (), expression is S.true)
        if cls in (sympy.Sum, sympy.Product):
            return self._loop("sum" if cls is sympy.Sum else "product", expression)
        if isinstance(expression, Expr) and expression.is_number and not expression.args and expression.is_finite:
            return self.node("real", (), expression)
        if isinstance(expression, Function) and not isinstance(expression, AppliedUndef) and args:
            return self.node("call", args, cls)
        raise UnsupportedError(
            f"cannot compile {cls.__name__} in {str(expression)[:200]}; what can be compiled: +, *, powers, "
            "floor, ceiling, Mod, "
            f"Max, Min, Abs, sign, binomial, factorial, Piecewise, comparisons, Sum, Product and "
            f"{', '.join(sorted(FUNCTIONS.values()))}"
        )

    def _loop(self, op: str, expression: Any) -> int:
        body = self.read(expression.function)
        for limits in expression.limits:
            if len(limits) != 3:
                raise UnsupportedError(f"cannot compile {expression}: every index needs both limits")
            body = self.node(op, (self.read(limits[1]), self.read(limits[2]), body), limits[0])
        return body

    # -- to SymPy ------------------------------------------------------------------------------------------------

    def write(self, tops: Sequence[int]) -> list[Basic]:
        """The SymPy expressions of these nodes."""
        written: dict[int, Any] = {}
        for number in self.below(tops):
            op, args, value = self.nodes[number]
            written[number] = _expression(op, [written[arg] for arg in args], value)
        return [written[top] for top in tops]


def _children(expression: Basic) -> tuple[Basic, ...]:
    """What is read before an expression: its arguments, but for those that are not expressions themselves."""
    if isinstance(expression, sympy.Piecewise):
        return tuple(part for pair in expression.args for part in pair.args)
    if isinstance(expression, sympy.Pow) and isinstance(expression.exp, Integer):
        return (expression.base,)
    if isinstance(expression, (sympy.Sum, sympy.Product, Symbol)):
        return ()
    return expression.args


def _expression(op: str, args: list, value: Any) -> Any:
    if op in ("const", "symbol", "real"):
        return value
    if op == "bool":
        return S.true if value else S.false
    if op == "pow":
        return sympy.Pow(args[0], value)
    if op == "call":
        return value(*args)
    if op == "function":
        cls: type[Function] = FUNCTION_CLASSES[value]
        return cls(args[0])
    if op == "piecewise":
        return sympy.Piecewise(*zip(args[::2], args[1::2], strict=True))
    if op in ("sum", "product"):  # a conjunction over an index has no counterpart in SymPy
        return (sympy.Sum if op == "sum" else sympy.Product)(args[2], (value, args[0], args[1]))
    return NODES[op].reads(*args)
