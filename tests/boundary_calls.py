"""Calls of everything public with arguments that are odd: what the library is expected to answer, or to refuse in words.

A call takes, for each parameter, something that its name suggests (a network for ``net``), something odd, or nothing; so that one
odd argument meets otherwise sensible ones. `python -P tests/boundary_calls.py --calls 100000 --seed 7` runs many and lists what broke.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime
import decimal
import fractions
import importlib
import importlib.util
import inspect
import io
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import sympy

import layeralgebra as la

SECONDS_A_CALL = 10.0
MEMORY = 12 * 2**30
MEMORY_A_CALL = 2**30

H, W, c, L, n = la.dims("H W c L n")
A_REAL, COMPLEX, PLAIN = sympy.Symbol("r", real=True), sympy.Symbol("z", complex=True, real=False), sympy.Symbol("t")
CONV = la.Conv(c, 3, padding=1, bias=False)
NETS = [
    la.Linear(4), la.Linear(n), la.Linear(3) >> la.ReLU() >> la.Linear(2), CONV, la.Conv(2, 3) >> la.ReLU(), la.Identity() + CONV,
    (la.Identity() + CONV) ** L, la.Input(3, H, W) >> CONV >> la.ReLU() >> la.GlobalAvgPool() >> la.Linear(7), la.ReLU(),
    la.Input(4) >> la.Linear(5) >> la.ReLU() >> la.Linear(2), la.Softmax(), la.MultiHeadAttention(2), la.LSTM(3), la.Embedding(9, 4),
    la.Conv(2, 1) | la.Conv(3, 1), la.Linear(3) * la.Linear(3), la.Linear(3).shared("w"), la.Identity(), la.Conv(1, 3, padding=1, bias=False),
    la.Graph({"a": la.ReLU(), "b": la.Linear(3), "c": la.Add()}, [("a", "c"), ("b", "c")]), la.Input(6), la.MixtureOfExperts(4, 2, 8),
    la.Linear(3) ** 2, la.BatchNorm(), la.Flatten() >> la.Linear(2), la.Dropout(0.5), la.MaxPool(2), la.Permute((1, 0)),
]  # fmt: skip
SHAPES = [(3,), (4,), (n,), (3, 8, 8), (c, H, W), (1, 8), (5, 4), (2, 2, 2), (4, c), [3, 8], None, None]
SIZES = [1, 2, 3, 4, 8, c, n, H + 1, 2 * c, numpy.int64(3), (3, 3), (c, 1)]
FORMULAS = [
    9 * c**2, c * L + 1, sympy.floor(c / 2), sympy.log(c), c**2 / 3, sympy.Integer(7), {"a": c, "b": c * L}, (c, L), 3,
    la.derive(la.macs, CONV, on=(3, H, W)), la.receptive_field(CONV >> CONV, on=(3, H, W)), sympy.Max(c, 3), c > 3, 2**c,
]  # fmt: skip
DERIVATIONS = [
    la.derive(la.macs, CONV, on=(3, H, W)), la.derive(la.parameters, NETS[7]), la.derive("depth", NETS[2], on=(4,)),
    la.derive(la.macs, NETS[9]) + la.derive(la.parameters, NETS[9]),
]  # fmt: skip
ARRAYS = [[1, 2, 3], [[1, 2], [3, 4]], numpy.ones((3,)), numpy.arange(4), numpy.ones((3, 8, 8)), [0.5, 1.5, 2.5, 1.0]]
TEXTS = ["a", "macs", "formula", "python", "W", "heat", "same", "resnet18", "grid", "relu", "numpy", "net.out"]
METRICS = [la.macs, "parameters", "depth", la.receptive_field, la.linear_regions, ["macs", "parameters"]]


def nested(depth: int, close: Callable[[Any], Any] = lambda inner: [inner]) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = close(found)
    return found


class Odd:
    """An object of the user's that answers nothing."""


class Indexed:
    """What looks like an integer and is none."""

    def __index__(self) -> int:
        raise ValueError("no index after all")


def generator() -> Iterator[int]:
    yield from (1, 2, 3)


#: Makers, so that every call gets its own.
ODD: list[Callable[[], Any]] = [
    *(
        (lambda value=value: value)
        for value in (
            None, True, False, ..., NotImplemented, 0, -1, 2, 3, 7, -(10**30), 10**9, 10**30, 2**63, 2**64, 1.5, 3.0, -0.0, 1e300, math.nan, math.inf,
            -math.inf, 1j, complex(math.nan, 1), fractions.Fraction(1, 3), fractions.Fraction(4, 2), decimal.Decimal("1.5"), decimal.Decimal("NaN"),
            datetime.date(2020, 1, 1), "", " ", "c", "H W", "a b c", "x" * 10_000, "nul\0name", "ünïcödé λ ∑", "\ud800", "1", "-1", "__import__('os')",
            "lambda: 0", "no/such/folder/file.parquet", "{}[]\\$%_^~&#", "\n\n", b"", b"bytes", b"\xff\0", bytearray(b"ab"), int, float, list, Odd, la.Conv, la.Layer,
            la.Network, LookupError, len, print, math.sqrt, math, la, sympy, sys, range(0), range(5), range(10**12), slice(1, 3), (), (0,), (-1, 2), (1, 2, 3),
            (None,), ("a", "b"), (1, (8, 8)), (3, (8, (8,))), ((1, 2), (3, 4)), (True, False), (1.5, 2), (math.nan,), (10**30, 10**30), tuple(range(40)),
            frozenset(), frozenset({1, 2}), la.macs, la.Conv(4, 3), la.Linear(3), la.Input(3), la.ReLU(), NETS[7], NETS[19], NETS[6], la.Add(), la.Concat(),
            la.Linear(c) ** 10**9, la.Linear(3) ** 10**30,
        )
    ),
    *(
        (lambda value=value: value)
        for value in (
            numpy.int8(3), numpy.uint64(2**64 - 1), numpy.float64(0.1), numpy.float32("nan"), numpy.bool_(True), numpy.str_("c"), numpy.complex128(1j),
            numpy.datetime64("2020-01-01"), numpy.array(3), numpy.array(2.5), numpy.array(None, dtype=object), numpy.array("a"), numpy.array([]), numpy.array([3]),
            numpy.array([1, 2, 3]), numpy.array([1.5, math.nan]), numpy.array([[1, 2], [3, 4]]), numpy.array([c, None], dtype=object), numpy.array(["a", "b"]),
            numpy.array([True, False]), numpy.zeros((0, 3)), numpy.ma.masked, numpy.ma.masked_array([1, 2], [True, False]), numpy.float64, numpy.dtype("int64"),
            numpy.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), numpy.ones((2, 2, 2)), numpy.int64(3), numpy.uint8(200),
        )
    ),
    *(
        (lambda value=value: value)
        for value in (
            c, n, H, -c, c / 2, c - 5, c + H, A_REAL, COMPLEX, PLAIN, sympy.Symbol("c"), sympy.Symbol("C", commutative=False), sympy.Dummy("c"), sympy.oo, -sympy.oo,
            sympy.zoo, sympy.nan, sympy.I, sympy.pi, sympy.E, sympy.Rational(1, 2), sympy.Float("1.5"), sympy.Integer(0), sympy.Integer(-3), sympy.Integer(10) ** 40,
            sympy.true, sympy.false, sympy.And(c > 1, H > 2), sympy.Not(c > 3), c > 3, sympy.Eq(c, H), sympy.Eq(PLAIN, A_REAL), sympy.Ne(c, 3), PLAIN > 2,
            sympy.Piecewise((c, c > 3), (1, True)), sympy.Piecewise((c, c > 3)), sympy.Matrix([[1, 2], [3, 4]]), sympy.Matrix([]), sympy.ImmutableMatrix([[c]]),
            sympy.MatrixSymbol("M", 2, 2), sympy.MatrixSymbol("M", c, c), sympy.Tuple(1, c), sympy.Tuple(), sympy.FiniteSet(1, 2), sympy.S.Reals, sympy.EmptySet,
            sympy.Interval(0, 1), sympy.Function("f")(c), sympy.Function("f"), sympy.Lambda(PLAIN, PLAIN**2), sympy.Sum(PLAIN, (PLAIN, 1, c)),
            sympy.Sum(PLAIN, (PLAIN, 1, sympy.oo)), sympy.Product(PLAIN, (PLAIN, 1, c)), sympy.Integral(PLAIN, PLAIN), sympy.Derivative(sympy.zeta(c), c),
            sympy.zeta(c), sympy.gamma(c), sympy.sin(c), sympy.log(-c), sympy.sqrt(-c), sympy.sqrt(c), c ** sympy.Rational(1, 3), c**c, 2 ** (2**c),
            sympy.Pow(2, sympy.Pow(10, 40), evaluate=False), c ** (10**9), c ** (-1), 1 / (c - 1), sympy.Mod(c, 3), sympy.floor(A_REAL), sympy.ceiling(c / 7),
            sympy.binomial(c, 3), sympy.factorial(c), sympy.factorial(c) ** 30, sympy.Max(c, H), sympy.Min(c, -H), sympy.Abs(COMPLEX), sympy.sign(A_REAL),
            sympy.Order(PLAIN), sympy.Indexed("a", 1), sympy.IndexedBase("a"), sympy.Symbol("x1" * 40), sympy.UnevaluatedExpr(c), sympy.Basic(), sympy.Dict({1: 2}),
            sympy.Poly(PLAIN**2, PLAIN), sympy.KroneckerDelta(c, H), sympy.DiracDelta(A_REAL), sympy.Heaviside(A_REAL), sympy.Subs(PLAIN, PLAIN, 1),
            sympy.Symbol("w", integer=True), sympy.Symbol("v", integer=True, negative=True), sympy.Wild("a"), sympy.core.symbol.Str("None"),
            sympy.sympify(1.0) * c, c * sympy.I, c + sympy.nan * 0, (c + 1) ** 200, sympy.Add(c, c, evaluate=False), sympy.Symbol("λ", integer=True, positive=True),
        )
    ),
    lambda: [], lambda: [1], lambda: [c, H], lambda: [None], lambda: [3, [8, 8]], lambda: ["a"], lambda: [math.nan], lambda: [la.Linear(3)], lambda: [sympy.nan],
    lambda: [[1, 2], [3]], lambda: [1, 2, 3], lambda: [DERIVATIONS[0]], lambda: list(DERIVATIONS), lambda: [numpy.ones(3)] * 2, lambda: list(range(2000)),
    lambda: {}, lambda: {1: 2}, lambda: {"a": 1}, lambda: {"a": None}, lambda: {c: 3}, lambda: {"c": 3}, lambda: {c: c}, lambda: {c: -1}, lambda: {None: None},
    lambda: {"c": "3"}, lambda: {"H": 8, "W": 8, "c": 4, "L": 2, "n": 3}, lambda: {"H": 10**30, "c": 10**30}, lambda: {c: 1.5}, lambda: {c: math.nan},
    lambda: {c: [1, 2], L: [3]}, lambda: {c: range(10**9), L: range(10**9)}, lambda: {c: (1, 9)}, lambda: {c: (9, 1)}, lambda: {c: (None, sympy.oo)},
    lambda: {"a": la.Linear(3)}, lambda: {"a": la.Conv}, lambda: {"a": {"b": {"c": 1}}}, lambda: {"W": numpy.ones((2, 2))}, lambda: {"": la.ReLU()},
    lambda: {1: la.ReLU(), "1": la.ReLU()}, lambda: {"nul\0": c}, lambda: {"a b": c}, lambda: {(1, 2): 3}, lambda: {"a": DERIVATIONS[0]}, lambda: {"on": 3},
    lambda: set(), lambda: {1, 2}, lambda: {c}, generator, lambda: (i for i in ()), lambda: iter([1, None]), lambda: map(int, "ab"), lambda: zip([1], [2]),
    Odd, Indexed, lambda: (lambda: 0), lambda: (lambda *a, **k: None), lambda: nested(150), lambda: nested(900), lambda: nested(3000), lambda: nested(300, lambda a: (a,)),
    lambda: nested(300, lambda a: {"a": a}), lambda: object(), lambda: io.StringIO("a"), lambda: io.BytesIO(b"a"), lambda: memoryview(b"ab"),
    lambda: Path("no-such-folder/x.csv"), lambda: Path("."), lambda: Path(""), lambda: random.Random(1), lambda: types.SimpleNamespace(shape=3),
    lambda: DERIVATIONS[0], lambda: DERIVATIONS[3], lambda: DERIVATIONS[0].domain, lambda: la.compile(c * L), lambda: la.compare({"a": NETS[9]}),
    lambda: inspect.signature(len), lambda: ValueError("x"), lambda: numpy.random.default_rng(1), lambda: collections.deque([1, 2]), lambda: collections.UserDict(a=1),
]  # fmt: skip

#: What the name of a parameter suggests.
NAMED: dict[str, list[Any]] = {
    **dict.fromkeys("net layer block body subject a b other parts branches module model".split(), NETS),
    **dict.fromkeys("on shape shapes example_shape".split(), SHAPES),
    **dict.fromkeys("e e_or_dict formula formulas expr objective obj value".split(), FORMULAS),
    **dict.fromkeys("c over_symbol variable symbol".split(), [c, L, H]),
    **dict.fromkeys("symbols".split(), [[c], [c, L], [H]]),
    **dict.fromkeys("nets named nodes".split(), [{"a": NETS[9], "b": NETS[7]}, {"a": la.ReLU(), "b": la.Linear(2)}, None]),
    **dict.fromkeys("edges".split(), [[("a", "b")], []]),
    **dict.fromkeys("derivations derivation".split(), DERIVATIONS),
    **dict.fromkeys("at sizes values".split(), [None, {"H": 8, "W": 8, "c": 4}, {c: 4, H: 8, W: 8, L: 2}, {"c": 3}, {"n": 3}]),
    **dict.fromkeys("over".split(), [{c: range(1, 4), L: [1, 2]}, {c: [1, 2]}, {"c": [3, 4]}, {c: (1, 50), L: (1, 9)}]),
    **dict.fromkeys("metric metrics".split(), METRICS),
    **dict.fromkeys("x weights jacobian covariance pattern".split(), [*ARRAYS, None]),
    **dict.fromkeys("times experts active heads kernel stride channels squeezed hidden features factor rank axis length".split(), SIZES),
    **dict.fromkeys("at_most equals at_least within samples examples limit trials seed power boxes constant exponent".split(), [1, 2, 3, 100, None]),
    **dict.fromkeys("language mode backend on_invalid floors bound method surrogate vectorisation name title text route unit recompute".split(), TEXTS),
    **dict.fromkeys("chunks".split(), [None, "auto", {"c": 1}, 2]),
    **dict.fromkeys("to path".split(), [None, "out.parquet", "out.zarr", "out.csv", "out.graphml"]),
    **dict.fromkeys("widths".split(), [[2, 3, 1], [1, 1]]),
    **dict.fromkeys("constraints domain".split(), [None, [c > 1], c * L <= 30, []]),
    **dict.fromkeys("progress log maximise total bias normalised effective training causal affine".split(), [True, False]),
    **dict.fromkeys("taps".split(), [None, {"W": [1, 1, 1]}]),
}  # fmt: skip

#: What a call may not draw: it runs the tests' own time, leaves the process, or changes what later calls see.
SKIPPED = {
    "proofs.prove", "proofs.law", "proofs.attempt", "proofs.test_of", "proofs.assert_lawful", "proofs.testing", "proofs.export", "proofs.strategies",
    "check", "proofs.check", "proofs.claims", "Metric", "types.Metric", "zoo.Family", "proofs.Law", "proofs.Statement", "proofs.refute",
}  # fmt: skip
#: What the walks of the library call, with what they carry.
OF_THE_WALKS = {"accept", "combine", "work", "coefficients", "map_expressions", "finish", "member"}
DUNDERS = "__call__ __getitem__ __add__ __radd__ __iter__ __len__ __contains__ __rshift__ __or__ __mul__ __pow__ __eq__".split()


@dataclass(frozen=True)
class Subject:
    """Something public that can be called."""

    name: str
    function: Callable[..., Any]

    def signature(self) -> inspect.Signature | None:
        try:
            return inspect.signature(self.function)
        except (TypeError, ValueError):
            return None


@dataclass
class Fault:
    """A call that ended otherwise than in an answer or an error of the library."""

    subject: str
    site: str
    error: str
    seed: int
    call: str


def subjects() -> list[Subject]:
    """Every public callable: functions, metrics, layers, and the methods of what they return."""
    found: dict[str, Callable[..., Any]] = {}
    spaces = [("", la)] + [
        (f"{name}.", getattr(la, name))
        for name in ("proofs", "zoo", "capacity", "regions", "topology", "io", "plot", "types")
    ]
    seen: set[int] = set()
    for prefix, space in spaces:
        for name in space.__all__:
            value = getattr(space, name)
            error = isinstance(value, type) and issubclass(value, Exception)
            if callable(value) and not error and prefix + name not in SKIPPED and id(value) not in seen:
                seen.add(id(value))
                found[prefix + name] = value
    for sample in samples():
        for name in [*dir(type(sample)), *DUNDERS]:
            if name.startswith("_") and name not in DUNDERS or name in OF_THE_WALKS:
                continue
            owner = next((each for each in type(sample).__mro__ if name in vars(each)), None)
            if owner is None or not owner.__module__.startswith("layeralgebra"):
                continue
            try:
                method = getattr(sample, name)
            except la.LayerAlgebraError:
                continue
            if callable(method):
                found.setdefault(f"{type(sample).__name__}.{name}", method)
    return [Subject(name, function) for name, function in found.items()]


def samples() -> list[Any]:
    """Public objects with methods."""
    made = [
        *DERIVATIONS, DERIVATIONS[0].domain, DERIVATIONS[0].terms[0], NETS[0], NETS[6], NETS[7], NETS[14], NETS[15], NETS[16], NETS[19], la.Input(3, H),
        la.compile({"a": c * L}), la.compile(c, backend="python"), la.macs, la.compare({"a": NETS[9]}),
        la.receptive_field(CONV, on=(3, H, W)), la.flops(NETS[9]), la.intrinsic_power(NETS[9]), la.transfer(NETS[2], on=(4,)),
        la.capacity_propagation(NETS[18], on=(1, 9)), la.capacity_allocation(NETS[18] ** 2, on=(1, 9)), la.scaling_exponent(la.Identity() + NETS[18], on=(1, 9)),
        la.optimize(c * L, [c * L <= 30], {c: (1, 9), L: (1, 9)}), la.stages_of(NETS[7])[0], la.activation_decoupling(la.ReLU()), la.functional_dimension([2, 3, 1]),
        la.capacity_deep_limit(la.Identity() + NETS[18], 1, on=(1, 9)), la.proofs.named("nested_floor"), la.zoo.families()["resnet"] if "resnet" in la.zoo.families() else None,
        la.network_graph(NETS[9]), la.neural_persistence(NETS[9]), la.topological_similarity(NETS[9], NETS[9]),
    ]  # fmt: skip
    if importlib.util.find_spec("gudhi"):
        made.append(la.persistent_homology(NETS[9]))
    return [each for each in made if each is not None]


def drawn(rng: random.Random, name: str) -> Any:
    if name in NAMED and rng.random() < 0.6:
        return rng.choice(NAMED[name])
    if rng.random() < 0.12:
        pick = rng.choice([NETS, SHAPES, SIZES, FORMULAS, DERIVATIONS, ARRAYS, TEXTS, METRICS])
        return rng.choice(pick)
    value = rng.choice(ODD)()
    shape = rng.random()
    if shape < 0.05:
        return [value, rng.choice(ODD)()]
    if shape < 0.1:
        return (value,)
    if shape < 0.13:
        with contextlib.suppress(TypeError):
            return {rng.choice(ODD)(): value}
    if shape < 0.16:
        return {"c": value}
    return value


def arguments(rng: random.Random, subject: Subject) -> tuple[list[Any], dict[str, Any]]:
    signature = subject.signature()
    args: list[Any] = []
    words: dict[str, Any] = {}
    if signature is None or rng.random() < 0.03:
        return [drawn(rng, "") for _ in range(rng.randrange(4))], (
            {"foo": drawn(rng, "")} if rng.random() < 0.3 else {}
        )
    positional = True
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += [drawn(rng, parameter.name) for _ in range(rng.choice([0, 1, 1, 2, 3]))] if positional else []
        elif parameter.kind is parameter.VAR_KEYWORD:
            for _ in range(rng.choice([0, 0, 0, 1, 2])):
                word = rng.choice(
                    [
                        "c",
                        "H",
                        "W",
                        "L",
                        "effective",
                        "bound",
                        "d",
                        "method",
                        "foo",
                        "at",
                        "surrogate",
                        "training",
                        "height",
                    ]
                )
                words[word] = drawn(rng, word)
        elif parameter.default is not parameter.empty and rng.random() < 0.6:
            positional = False
        elif parameter.kind is parameter.KEYWORD_ONLY or (
            not positional and parameter.kind is not parameter.POSITIONAL_ONLY
        ):
            words[parameter.name] = drawn(rng, parameter.name)
        elif parameter.kind is parameter.POSITIONAL_ONLY or rng.random() < 0.8:
            if positional:
                args.append(drawn(rng, parameter.name))
        else:
            positional = False
            words[parameter.name] = drawn(rng, parameter.name)
    return args, words


class TooLong(BaseException):
    """The call still ran when its time was up."""


def _stop(signum: int, frame: object) -> None:
    raise TooLong


def binds(subject: Subject, args: list[Any], words: dict[str, Any]) -> bool:
    signature = subject.signature()
    if signature is None:
        return True
    try:
        signature.bind(*args, **words)
    except TypeError:
        return False
    return True


def shown(value: Any) -> str:
    try:
        text = repr(value)
    except BaseException as error:
        text = f"<{type(value).__name__} without repr: {type(error).__name__}>"
    return text if len(text) < 160 else text[:160] + "..."


def one_call(subject: Subject, seed: int) -> Fault | None:
    """Make the call of this seed; None if it ends as it should. Runs in an empty folder, which stays empty if the call fails."""
    if os.listdir():
        raise RuntimeError(f"{os.getcwd()} is not empty, and whatever a call leaves in its folder is taken away")
    rng = random.Random(seed)
    args, words = arguments(rng, subject)

    def fault(site: str, error: str) -> Fault:
        call = ", ".join([*map(shown, args), *(f"{name}={shown(value)}" for name, value in words.items())])
        return Fault(subject.name, site, error, seed, f"{subject.name}({call})")

    signal.signal(signal.SIGALRM, _stop)
    refused, held = False, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS_A_CALL)
        try:
            answer = subject.function(*args, **words)
            if inspect.isgenerator(answer):
                for _ in zip(range(50), answer):
                    pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except la.LayerAlgebraError as error:
        refused = True
        try:
            str(error)
        except Exception as unreadable:
            return fault("message", repr(unreadable))
    except TypeError as error:
        if binds(subject, args, words):
            return fault(place(error), f"TypeError: {error}")
        refused = True  # Python's own binding of arguments
    except TooLong as error:
        return fault(place(error), "too long")
    except (KeyboardInterrupt, SystemExit) as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return fault(place(error), "SystemExit")
    except BaseException as error:
        return fault(place(error), f"{type(error).__name__}: {str(error)[:200]}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * 1024
    if grown > MEMORY_A_CALL:
        return fault("memory", f"{grown / 2**30:.1f} GiB more than any call before")
    if left := os.listdir():
        for name in left:
            remove(Path(name))
        if refused:
            return fault("file", f"left {left}")
    return None


def remove(path: Path) -> None:
    import shutil

    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def place(error: BaseException) -> str:
    """The last line of the library that the error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "layeralgebra" in frame.filename or "/algebra/" in frame.filename
              or "/layers/" in frame.filename or "/proofs/" in frame.filename]  # fmt: skip
    own = [
        frame for frame in frames if "site-packages" not in frame.filename and "boundary_calls" not in frame.filename
    ]
    last = own[-1] if own else traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).parent.name}/{Path(last.filename).name}:{last.lineno}"


def fuzz(calls: int, seed: int, only: str = "", seconds: float = math.inf) -> tuple[int, list[Fault]]:
    """So many calls, round and round over the subjects; how many were made, and the faults found."""
    chosen = [subject for subject in subjects() if only in subject.name]
    faults: list[Fault] = []
    start, made = time.monotonic(), 0
    here = os.getcwd()
    for name in ("torch", "onnx", "matplotlib.pyplot", "xarray"):  # not while a clock runs
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            for number in range(calls):
                if time.monotonic() - start > seconds:
                    break
                if number % 5000 == 4999:
                    sympy.core.cache.clear_cache()
                    if plt := sys.modules.get("matplotlib.pyplot"):
                        plt.close("all")
                found = one_call(chosen[number % len(chosen)], seed * 10**9 + number)
                made += 1
                if found:
                    faults.append(found)
        finally:
            os.chdir(here)
    return made, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start = time.monotonic()
    made, faults = fuzz(given.calls, given.seed, given.only, given.seconds)
    sites = collections.defaultdict(list)
    for fault in faults:
        sites[fault.site, fault.error.split(":")[0]].append(fault)
    for (site, _), group in sorted(sites.items(), key=lambda item: -len(item[1])):
        print(
            f"{len(group):5}  {site}  {group[0].error}\n       {group[0].call[:600]}   [seed {group[0].seed}]  {sorted({each.subject for each in group})[:6]}"
        )
    print(f"{made} calls, {len(faults)} faults at {len(sites)} sites, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
