"""Bad input: each case gets its own kind of error with a message that helps; nothing is evaluated, nothing hangs."""

import subprocess
import sys

import pytest
import sympy

import layeralgebra as la

H, W, c, L = la.dims("H W c L")


def layer(text, **fields):
    """A layer with a given equation, made as a user makes one."""
    return type("Custom", (la.Layer,), {"equation": text, "__annotations__": dict.fromkeys(fields, "Dim"), **fields})()


BAD_EQUATIONS = {
    "import": ("y[i] = __import__('os').system('true')", "only a named function"),
    "dunder": ("y[i] = __x__[i]", "begins with an underscore"),
    "attribute": ("y[i] = x.shape[i]", "Attribute is not part"),
    "method call": ("y[i] = x[i].sum()", "only a named function"),
    "lambda": ("y[i] = (lambda: x[i])()", "not part of the equation language|only a named function"),
    "comprehension": ("y[i] = [x[i] for i in x]", "ListComp is not part"),
    "generator": ("y[i] = max(x[j] for j in x)", "GeneratorExp is not part"),
    "walrus": ("y[i] = (z := x[i])", "NamedExpr is not part"),
    "f-string": ("y[i] = f'{x}'", "JoinedStr is not part"),
    "eval": ("y[i] = eval('x')", "no function 'eval'"),
    "open": ("y[i] = open(x[i])", "no function 'open'"),
    "matrix product": ("y[o] = W[o, c] @ x[c]", "MatMult is not part"),
    "bytes": ("y[i] = x[i] + b'1'", "is not a number"),
    "complex": ("y[i] = x[i] * 2j", "is not a number"),
    "huge number": ("y[i] = x[i + 99999999999999999999]", "a number larger than"),
    "huge exponent": ("y[i] = x[i] ** 1000000", "an exponent larger than"),
    "power tower": ("y[i] = x[i] ** 9 ** 9 ** 9", "a power of a power"),
    "huge scalar power": ("n = 10 ** 65\ny[i] = x[i] * n", "an exponent larger than"),
    "deep brackets": ("y[i] = " + "(" * 300 + "x[i]" + ")" * 300, "nested deeper"),
    "deep signs": ("y[i] = " + "-" * 19_000 + "x[i]", "cannot be read|more than|not an expression"),
    "long text": ("y[i] = x[i]" + " + x[i]" * 10_000, "more than 20000 characters"),
    "many terms": ("y[i] = x[i]" + " + x[i]" * 1_500, "more than 4000 parts"),
    "null byte": ("y[i] = x[i]\x00", "no text"),
    "empty": ("", "needs a statement"),
    "no equals": ("x[i]", "must be 'left = right'"),
    "comparison": ("y[i] == x[i]", "must be 'left = right'"),
    "empty side": ("y[i] = ", "is empty"),
    "syntax": ("y[i] = x[i] +* 2", "not an expression"),
    "open bracket": ("y[i] = (x[i]", "never closed"),
    "call on the left": ("f(i) = x[i]", "no function 'f'|left side must be"),
    "no input": ("y[i] = W[i]", "never reads its input"),
    "unknown name": ("y[i] = x[i] * gain", "unknown name gain"),
    "unknown function": ("y[i] = swish(x[i])", "no function 'swish'"),
    "reduction without index": ("y = max(x[i])\nz[i] = x[i]", "max takes 2 argument"),
    "two reductions": ("y[c] = max[*i](x[c, *i], x[c, *i])", "takes one argument"),
    "keyword": ("y[c, *i] = pad[1](x[c, *i], mode=3)", "no argument called 'mode'"),
    "missing extent": ("y[o] = W[o, i] * x[i]", "nothing determines the extent of o"),
    "star forgotten": ("y[c, *i] = x[c, i]", "needs its star"),
    "star undetermined": ("y[c, *i] = x[c] * W[*i]", "number of axes"),
    "defined twice": ("y[i] = x[i]\ny[i] = x[i]", "defined twice"),
    "read too early": ("y[i] = z[i] * x[i]\nz[i] = x[i]\nw[i] = z[i]", "read before it is defined"),
    "input defined": ("x[i] = x[i]", "is the input"),
    "pad inside": ("y[c, *i] = 2 * pad[1](x[c, *i])", "a line of its own|tensor of its own"),
    "pad without star": ("y[t, f] = pad[1](x[t, f])", "which axis is padded", 2),
    "where nothing": ("y[i] = x[i]\nwhere", "where without a bound"),
    "where a call": ("y[i] = x[i]\nwhere print(i)", "no function 'print'"),
    "circular scalar": ("n = m\nm = n\ny[i] = x[i] * n", "defined by itself"),
    "division by zero": ("n = 1/0\ny[i] = x[i] * n", "division by zero"),
    "group of sums": ("y[(i + 1, j)] = x[i, j]", "a group holds indices", 2),
    "size of nothing": ("y[i] = x[i] * size(k)", "size\\(k\\) needs an index"),
    "not a text": (17, "an equation is a text|is a text"),
}


@pytest.mark.parametrize("name", BAD_EQUATIONS)
def test_bad_equation(name, time_limit):
    text, message, *rank = BAD_EQUATIONS[name]
    with time_limit(5), pytest.raises(la.EquationError, match=message):
        made = layer(text)
        la.parameters(made, on=(5,) * (rank[0] if rank else 1))


BAD_REQUESTS = {
    "arity of the input": (lambda: la.parameters(la.Conv(4, 3), on=()), la.ShapeError, "at least one size"),
    "too few axes": (lambda: la.parameters(la.LSTM(4), on=(5,)), la.EquationError, "1 axes"),
    "no input": (lambda: la.parameters(la.Linear(4)), la.ShapeError, "on=\\(3, 224, 224\\)"),
    "input twice": (lambda: la.parameters(la.Input(3) >> la.Linear(4), on=(3,)), la.GraphError, "leave out"),
    "input inside": (lambda: la.Linear(3) >> la.Input(3), la.GraphError, "an input begins a network"),
    "negative size": (lambda: la.Conv(-4, 3), la.FieldError, "at least 1, got -4"),
    "zero kernel": (lambda: la.Conv(4, 0), la.FieldError, "at least 1, got 0"),
    "fraction": (lambda: la.Conv(4, 2.5), la.FieldError, "integer"),
    "half": (lambda: la.Conv(4, sympy.Rational(1, 2)), la.FieldError, "integer"),
    "not a number": (lambda: la.Conv(4, "three"), la.FieldError, "takes Dim|must be an integer"),
    "nan": (lambda: la.LeakyReLU(float("nan")), la.FieldError, "finite"),
    "boolean size": (lambda: la.Linear(True), la.FieldError, "integer"),
    "missing field": (lambda: la.Conv(4), la.FieldError, "needs kernel"),
    "unknown field": (lambda: la.Conv(4, 3, strides=2), la.FieldError, "no field 'strides'"),
    "field twice": (lambda: la.Conv(4, 3, kernel=3), la.FieldError, "kernel twice"),
    "too many fields": (lambda: la.ReLU(3), la.FieldError, "takes 0 value"),
    "padding word": (lambda: la.Conv(4, 3, padding="valid"), la.FieldError, "'same' or 'causal'"),
    "wrong number of strides": (lambda: la.output_shape(la.Conv(4, 3, stride=(1, 2)), on=(3, 8, 8, 8)), la.EquationError, "2 values"),
    "kernel too large": (lambda: la.macs(la.Conv(4, 7), on=(3, 5, 5)), la.ShapeError, "one window of 7"),
    "groups": (lambda: la.macs(la.Conv(4, 3, groups=2), on=(3, 5, 5)), la.ShapeError, "groups of 2"),
    "groups of outputs": (lambda: la.macs(la.Conv(3, 3, groups=2), on=(4, 5, 5)), la.ShapeError, "must be an integer"),
    "heads": (lambda: la.macs(la.MultiHeadAttention(3), on=(5, 8)), la.ShapeError, "must be an integer"),
    "reshape": (lambda: la.macs(la.Reshape((4, 6)), on=(2, 11)), la.ShapeError, "22 is not 24"),
    "addition": (lambda: la.macs(la.Conv(4, 3) + la.Conv(4, 3, padding=1), on=(3, H, W)), la.ShapeError, "H - 2 is not H"),
    "addition of channels": (lambda: la.macs(la.Linear(4) + la.Linear(5), on=(3,)), la.ShapeError, "4 is not 5"),
    "multiplication": (lambda: la.macs(la.Linear(4) * la.Linear(5), on=(3,)), la.ShapeError, "multiplied"),
    "concatenation": (lambda: la.macs(la.Conv(4, 3) | la.Conv(4, 1), on=(3, 8, 8)), la.ShapeError, "concatenated"),
    "concatenation of ranks": (lambda: la.macs(la.Flatten() | la.Conv(4, 1), on=(3, 8, 8)), la.ShapeError, "equally many axes"),
    "no such axis": (lambda: la.macs(la.Concat(la.ReLU(), la.ReLU(), axis=5), on=(3, 8, 8)), la.ShapeError, "no axis 5"),
    "series": (lambda: la.macs(la.GlobalAvgPool() >> la.LSTM(4), on=(3, 8, 8)), la.EquationError, "axes"),
    "negative repetition": (lambda: la.ReLU() ** -1, la.FieldError, "at least 0"),
    "fractional repetition": (lambda: la.ReLU() ** 1.5, la.FieldError, "integer"),
    "repetition without a closed form": (
        lambda: la.macs((la.MaxPool(3) >> la.Upsample(2)) ** L, on=(3, H, W)), la.UnsupportedError, "no closed form",
    ),
    "cycle": (lambda: la.Graph({"a": la.ReLU(), "b": la.ReLU()}, [("a", "b"), ("b", "a")]), la.GraphError, "cycle|one output"),
    "unknown node": (lambda: la.Graph({"a": la.ReLU()}, [("a", "z")]), la.GraphError, "names 'z'"),
    "an end left out": (lambda: la.Graph({"a": la.ReLU(), "b": la.ReLU()}, [], "a"), la.GraphError, "not among the outputs"),
    "no nodes": (lambda: la.Graph({}, []), la.GraphError, "at least one node"),
    "unjoined arrows": (
        lambda: la.macs(la.Graph({"a": la.ReLU(), "b": la.ReLU(), "c": la.ReLU()}, [("a", "c"), ("b", "c")]), on=(3,)),
        la.GraphError, "2 arrows arrive",
    ),
    "layer class": (lambda: la.ReLU() >> la.ReLU, la.FieldError, "write ReLU"),
    "number in a series": (lambda: la.ReLU() >> 3, la.FieldError, "got 3"),
    "metric of a number": (lambda: la.macs(3), la.FieldError, "got 3"),
    "unknown metric": (lambda: la.derive("mac", la.ReLU(), on=(3,)), la.FieldError, "no metric 'mac'"),
    "unknown option": (lambda: la.macs(la.ReLU(), on=(3,), effectiv=True), la.FieldError, "no option 'effectiv'"),
    "shape as text": (lambda: la.macs(la.ReLU(), on="3,4"), la.ShapeError, "got '3,4'"),
    "dims of nothing": (lambda: la.dims(" "), la.FieldError, "at least one name"),
    "dims of code": (lambda: la.dims("H;import"), la.FieldError, "no name"),
    "subclassed layer": (lambda: type("My", (la.Conv,), {}), la.FieldError, "a layer is final"),
    "unknown annotation": (lambda: type("My", (la.Layer,), {"__annotations__": {"n": "Float"}}), la.FieldError, "annotation"),
    "field called x": (lambda: type("My", (la.Layer,), {"__annotations__": {"x": "Dim"}}), la.FieldError, "means something else"),
    "no equation": (lambda: type("My", (la.Layer,), {})(), la.FieldError, "no equation"),
    "missing size": (lambda: la.derive("macs", la.Linear(c), on=(c,))(), la.FieldError, "needs c"),
    "unknown size": (lambda: la.derive("macs", la.Linear(c), on=(c,))(c=1, q=2), la.FieldError, "no symbol q"),
    "size of zero": (lambda: la.derive("macs", la.Linear(c), on=(c,))(c=0), la.FieldError, "positive"),
    "fractional value": (lambda: la.derive("macs", la.Linear(c), on=(c,))(c=1.5), la.FieldError, "integer"),
    "outside the domain": (lambda: la.derive("macs", la.Conv(4, 3), on=(4, H))(H=2), la.DomainError, "H >= 3 fails for H=2"),
    "divisibility": (lambda: la.derive("macs", la.Conv(c, 3, groups=2), on=(4, H))(H=5, c=3), la.DomainError, "divisible by 2"),
    "shared sizes": (
        lambda: la.parameters(la.Linear(4).shared("w") >> la.Linear(4).shared("w"), on=(3,)), la.ShapeError, "shared under 'w'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_bad_request(name, time_limit):
    request, kind, message = BAD_REQUESTS[name]
    with time_limit(5), pytest.raises(kind, match=message) as caught:
        request()
    assert isinstance(caught.value, la.LayerAlgebraError)
    assert str(caught.value).strip()


def test_an_equation_error_points_at_the_place():
    with pytest.raises(la.EquationError) as caught:
        la.parameters(layer("y[i] = x[i] +\\\n"), on=(3,))
    with pytest.raises(la.EquationError) as caught:
        la.parameters(layer("z[i] = x[i]\ny[i] = z[i] * swish(x[i])"), on=(3,))
    lines = str(caught.value).splitlines()
    assert lines[1].lstrip().startswith("line 2: y[i]")
    marked = lines[1][lines[2].index("^") :]
    assert marked.startswith("swish")


MARKED = {  # the mark stands where that of the message is to stand; the second text is what its first line says
    "a function in a bound": ("y[i] = x[i]\nwhere i < ^foo(3)", "no function 'foo'"),
    "the second bound": ("y[i] = x[i]\nwhere j < 3, i < ^foo(3)", "no function 'foo'"),
    "an indented line": ("y[i] = x[i]\n   where   i < ^foo(3)", "no function 'foo'"),
    "a line that goes on": ("y[i] = (x[i] +\n     ^foo(x[i]))", "no function 'foo'"),
    "after a comment": ("# nothing (\n\ny[i] = x[i]  # nothing (\nz[i] = y[i] + ^foo(x[i])", "no function 'foo'"),
    "a scalar": ("n = 3 +^* 2\ny[i] = x[i] * n", "not an expression"),
    "a syntax error": ("y[i] = x[i]\nz[i] = y[i] +^* 2", "not an expression"),
    "a syntax error that goes on": ("y[i] = (x[i] +\n  3 +^* 2)", "not an expression"),
    "a syntax error in a bound": ("y[i] = x[i]\nwhere i < 3 +^* 2", "not an expression"),
    "a name": ("y[i] = x[i] * ^gain", "unknown name gain"),
    "a scalar of tensors": ("n = ^m + 2 * k[0]\ny[i] = x[i] * n", "unknown name m"),
    "a power of a power": ("y[i] = ^x[i]**2**2", "a power of a power"),
    "a power of a sign of a power": ("y[i] = ^x[i]**-2**2", "a power of a power"),
    "an exponent": ("y[i] = ^x[i]**65", "an exponent larger than 64"),
    "a negative exponent": ("y[i] = ^x[i]**-65", "an exponent larger than 64"),
    "a number in an address": ("y[i] = x[i + ^1000000000001]", "a number larger than 1e+12 in an address"),
    "a number in a bound": ("y[i] = x[i]\nwhere i < ^1000000000001", "a number larger than 1e+12"),
    "a number in a margin": ("y[i] = pad[i: ^1000000000001](x[i])", "a number larger than 1e+12"),
    "a number of a scalar": ("n = ^1000000000001\ny[i] = n*x[i]", "a number larger than 1e+12"),
    "a number without end": ("y[i] = x[i] - ^1e400", "a number larger than 1.79769e+308 in an element"),
    "a whole number without end": (f"y[i] = x[i] - ^1{'0' * 309}", "a number larger than 1.79769e+308 in an element"),
    "an attribute on the left": ("^x.y[i] = x[i]", "Attribute is not part"),
    "a condition": ("y[i] = 3 if ^a else x[i]", "a condition must be"),
    "a tensor in a power": ("y[i] = ^2**x[i]", "a literal power"),
    "a rounded quotient of a tensor": ("y[i] = ^x[i] // 2", "tensors are combined"),
    "a truth value": ("y[i] = ^not x[i]", "a condition is no value; in square brackets it counts"),
    "a relation": ("y[i] = ^x[i] < 3", "a condition is no value; in square brackets it counts"),
    "two arguments": ("y[i] = ^exp(x[i], x[i])", "exp takes 1 argument(s), got 2"),
    "a function of numbers": ("y[i] = ^size(x[i])", "size is a function of numbers"),
    "a reduction of a number": ("y[i] = max[^3](x[i])", "a reduction runs over indices"),
    "a function with an index": ("y[i] = ^relu[i](x[i])", "no function 'relu'"),
    "a number with an index": ("y[i] = ^(3)[i] * x[i]", "only a named tensor"),
    "a scalar with an index": ("n = 3\ny[i] = ^n[i] * x[i]", "n is a number of the layer and has no indices"),
    "a scalar as a target": ("n = 3\n^n[i] = x[i]", "n is a number of the layer and cannot be defined"),
    "a lookup that looks something up": ("^y[x[x[i]]] = x[i]", "looks nothing up itself"),
    "an index twice in a group": ("y[^(i, i)] = x[i]", "twice in a group"),
    "nothing bounded": ("y[i] = x[i]\nwhere ^3 < 4", "a bound needs an index"),
    "no inequality": ("y[i] = x[i]\nwhere ^i", "where holds inequalities"),
    "no value of a function": ("n = ^log(0)\ny[i] = x[i] * n", "log has no value here"),
    "a remainder by zero": ("n = ^3 % 0\ny[i] = x[i] * n", "division by zero"),
    "half a power": ("n = ^3**0.5\ny[i] = x[i] * n", "an exponent must be a small integer"),
    "a size of two": ("y[i, o] = x[i] * W[o]\nwhere o < ^size(i, i)", "size takes an index"),
    "a maximum of one": ("y[i, o] = x[i] * W[o]\nwhere o < ^max(3)", "max is not a function of 1 numbers"),
    "a floor of two": ("y[i, o] = x[i] * W[o]\nwhere o < ^floor(3, 4)", "floor is not a function of 2 numbers"),
    "too many axes": ("y[i] = ^x[i, j]", "the input x has 1 axes (5,), the equation addresses 2"),
    "more axes than a star leaves": (
        "y[i] = ^x[i, j, *k]",
        "the input x has 1 axes (5,), the equation addresses at least 2",
    ),
}


@pytest.mark.parametrize("name", MARKED)
def test_a_mark_stands_under_the_place(name):
    marked, message = MARKED[name]
    before = marked[: marked.index("^")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    text = marked.replace("^", "")
    with pytest.raises(la.EquationError) as caught:
        la.parameters(layer(text), on=(5,))
    error = caught.value
    assert message in error.problem
    shown, mark = str(error).splitlines()[1:3]
    assert error.line == line and shown == f"  line {line}: {error.text.splitlines()[line - 1]}"
    assert shown[mark.index("^") :] == text.splitlines()[line - 1][column:]


def test_limits_are_where_they_are_said_to_be():
    allowed = {
        "y[i] = x[i]**64": "y[i] = x[i]**65",
        "y[i] = x[i] * W[j]\nwhere j < 1000000000000": "y[i] = x[i] * W[j]\nwhere j < 1000000000001",
        f"y[i] = x[i] * {int(sys.float_info.max)}": f"y[i] = x[i] * {int(sys.float_info.max) + 1}",
        "y[i] = " + "(" * 39 + "x[i]" + ")" * 39: "y[i] = " + "(" * 40 + "x[i]" + ")" * 40,
        "y[i] = x[i] + 1" + " " * 19_985: "y[i] = x[i] + 1 #" + " " * 19_984,
        "y[i] = x[i]\n" + "# (\n" * 50: "y[i] = x[i]\n" + "(\n" * 50,
    }
    for accepted, refused in allowed.items():
        assert la.output_shape(layer(accepted), on=(5,)) == sympy.Tuple(5)
        with pytest.raises(la.EquationError):
            la.output_shape(layer(refused), on=(5,))


def test_nothing_is_evaluated(tmp_path):
    witness = tmp_path / "witness"
    for text in (
        f"y[i] = open('{witness}', 'w')",
        f"y[i] = __import__('pathlib').Path('{witness}').touch()",
        "y[i] = x[i] if exit() else 0",
    ):
        with pytest.raises(la.LayerAlgebraError):
            la.parameters(layer(text), on=(3,))
    assert not witness.exists()


def test_a_metric_of_that_name_is_there_before_anybody_looked():
    """In a process of its own, in which nothing has asked for a metric yet."""
    script = (
        "from layeralgebra.algebra.derivations.metric import Metric, SumCarrier\n"
        "Metric(name='macs', title='', unit='', carrier=SumCarrier, source='mine')\n"
    )
    made = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert made.returncode and "FieldError: there is a metric called macs already" in made.stderr
