"""The parts of `check` for one layer: its equation, its object, enumeration, claims, derivatives, LaTeX, neighbours."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Basic, Expr, Integer, Rational, Tuple, floor, sympify

from ...algebra.capacity.allocation.of_network import capacity_allocation
from ...algebra.derivations.metric import METRICS
from ...algebra.documents import latex, latex_document, latex_equation
from ...algebra.equations.receptive_field import layer_reach
from ...algebra.errors import EquationError, LayerAlgebraError, UnsupportedError
from ...algebra.formulas.records import expressions
from ...algebra.networks.layer import Layer
from ...algebra.numerics.run import run
from ...algebra.sizes.normal_form import simplify
from ...algebra.solving.solve import elasticity
from ..enumeration import Counts, Undefined
from ..enumeration.predictor import NotLinear, predictor_rank
from ..law import registered
from ..samples.cases import Case, arrays, cases, drawn_together, one_or_list, symbolic
from ..samples.counted_regions import excess, histograms
from ..samples.strategies import Sample, _input_count
from ..samples.structural import Inapplicable, OnSamples, compared, falsify
from ..verdict import Refuted, Undecided, Witness
from .gradients import gradient_fault, has_gradients
from .results import Result, proved, tried

LARGEST_PREDICTOR = 600
"""The most products of a weight, an input and an output of a layer whose predictor is enumerated."""
#: How often regions are counted for one sample and dimension, and in how many elements at most.
COUNTS, MOST_ELEMENTS = 4, 8


def _at(case: Case) -> dict[str, object]:
    return {"layer": case.layer, "on": case.on}


def _witness(case: Case, left: object, right: object, note: str = "") -> Witness:
    return Witness(tuple(_at(case).items()), "=", left, right, note)


def _metric(name: str, layer: Layer, on: Any, **options: Any) -> Any:
    return METRICS[name](layer, on=on, **options)


class LayerCheck:
    """All that is checked of one layer, or of the layers of one class."""

    def __init__(self, subject: Any, shapes: Any, examples: int, latex: bool, laws: Any = None):
        self.patterns = ("*",) if laws is None else tuple(laws)
        self.subject, self.examples, self.latex = subject, examples, latex
        self.cls: type[Layer] = subject if isinstance(subject, type) else type(subject)
        self.cases = cases(subject, shapes)
        self.seen: list[Case] = []
        #: Claims by name; those of the class, unless others are to be tried.
        self.claims: Mapping[str, Callable[..., Any]] = self.cls.claims

    def results(self) -> Iterator[Result]:
        sound = self._equation()
        yield sound
        if sound.refuted or not sound.cases:
            return
        for law, test in (
            ("object_rebuilds", self._object),
            ("output_shape_eq_enumeration", self._shape),
            ("parameters_eq_enumeration", self._parameters),
            ("work_eq_enumeration", lambda case: self._work(case, False)),
            ("effective_work_eq_enumeration", lambda case: self._work(case, True)),
            ("activations_eq_enumeration", self._activations),
            ("lines_read_eq_enumeration", self._lines_read),
            ("receptive_field_holds_what_is_read", self._reach),
            ("run_eq_enumeration", self._run),
            ("derivative_eq_difference", self._derivative),
            ("capacity_eq_enumeration", self._capacity),
            ("latex_balanced", self._latex),
        ):
            if self._wanted(law) and (test != self._capacity or self._is_linear()):
                yield tried(law, self.cases, test, self.examples)
        if self._wanted("backward_eq_difference_quotient") and any(map(has_gradients, self.seen)):
            yield tried("backward_eq_difference_quotient", self.cases, self._gradients, max(1, self.examples // 20))
        if self._wanted("every_line_is_read"):
            yield self._every_line()
        if self._wanted("regions_le_transfer_function"):
            yield tried("regions_le_transfer_function", self.cases, self._regions, max(2, self.examples // 3))
        for name in self.claims:
            if self._wanted(f"claim_{name}"):
                yield self._claim(name)
        if self.latex:
            yield self._compiled()
        yield from self._neighbours()

    def _wanted(self, law: str) -> bool:
        return any(fnmatchcase(law, pattern) for pattern in self.patterns)

    # equation and object ---------------------------------------------------------------------------------------------

    def _equation(self) -> Result:
        law = "equation_well_formed"

        def fits(case: Case) -> Witness | None:
            case.layer.instance(*case.shapes)
            self.seen = [*self.seen[:4], case]
            return None

        def reads(layer: Layer) -> Witness | None:
            try:
                if not isinstance(layer.equation, str):
                    return Witness((("layer", layer),), "=", None, None, "the equation is no text")
                _ = layer.parsed, layer.input_names
            except EquationError as error:
                return Witness((("layer", layer),), "=", None, None, str(error))
            return None

        read = tried(law, self._layers(), reads, min(self.examples, 5))
        if read.refuted or not read.cases:
            return read
        found = tried(law, self.cases, fits, self.examples)
        if found.cases or found.refuted:
            return found
        return Result(law, Undecided(self._why_nothing_fits()))

    def _layers(self) -> Any:
        if isinstance(self.subject, Layer):
            return st.just(self.subject)
        return drawn_together(self.cls).map(self._made).filter(lambda layer: layer is not None)

    def _made(self, drawn: Any) -> Layer | None:
        try:
            return self.cls(**drawn[0])
        except LayerAlgebraError:
            return None

    def _why_nothing_fits(self) -> str:
        """What the engine says of a few shapes."""
        said: list[str] = []

        def test(sample: Any) -> None:
            try:
                sample[0].instance(*sample[1][: len(sample[0].input_names)])
            except LayerAlgebraError as error:
                said.append(f"{sample[0]} on {one_or_list(sample[1])}: {error}")

        falsify(st.tuples(self._layers(), drawn_together(self.cls).map(lambda drawn: drawn[1])), test, 10)
        what = "no sizes were found on which enumeration gives it a meaning; pass a layer with its sizes, and shapes="
        return f"{what}\n    {said[0]}" if said else what

    def _object(self, case: Case) -> Witness | None:
        layer = case.layer
        again = layer.func(*layer.args)
        if again != layer or hash(again) != hash(layer):
            return _witness(case, again, layer, "rebuilt from its arguments it is another layer")
        if layer.equation != again.equation or layer.equation != layer.equation:
            return _witness(case, layer.equation, again.equation, "its equation changes")
        if type(layer)(**{name: getattr(layer, name) for name in layer.fields}) != layer:
            return _witness(case, layer, layer.values, "rebuilt from its fields it is another layer")
        if copy.deepcopy(layer) != layer:
            return _witness(case, copy.deepcopy(layer), layer, "its copy is another layer")
        if (
            "<locals>" not in self.cls.__qualname__
            and self._importable()
            and pickle.loads(pickle.dumps(layer)) != layer
        ):
            return _witness(case, None, layer, "pickled and read again it is another layer")
        if not repr(layer) or self.cls.__name__ not in repr(layer):
            return _witness(case, repr(layer), self.cls.__name__, "its repr does not name it")
        return None

    def _importable(self) -> bool:
        import sys

        return getattr(sys.modules.get(self.cls.__module__), self.cls.__name__, None) is self.cls

    # enumeration -----------------------------------------------------------------------------------------------------

    def _shape(self, case: Case) -> Witness | None:
        derived, names = _metric("output_shape", case.layer, case.on), case.layer.output_names
        found = {name: tuple(shape) for name, shape in (derived if case.layer.several else {names[0]: derived}).items()}
        expected = {name: case.meaning.shapes[name] for name in names}
        if found == expected:
            return None
        return _witness(case, found, expected, "output shape, derived and enumerated")

    def _lines_read(self, case: Case) -> Witness | None:
        """The number of lines on which each output depends, and all outputs together."""
        instance = case.layer.instance(*case.shapes)
        for names in (*((name,) for name in instance.outputs), instance.outputs):
            derived, counted = len(instance.showing(*names).live), len(case.meaning.at(*names).used())
            if derived != counted:
                return _witness(
                    case, derived, counted, f"lines on which {', '.join(names)} depends, derived and enumerated"
                )
        return None

    def _every_line(self) -> Result:
        """Whether every line is there for an output: others hold weights and compute nothing."""
        law, unread = "every_line_is_read", {}
        for case in self.seen:
            if lines := case.layer.instance(*case.shapes).unread:
                unread[lines] = case
        if not unread:
            return proved(law, "an output depends on every line") if self.seen else Result(law, Undecided("no samples"))
        lines, case = next(iter(unread.items()))
        return Result(
            law,
            Undecided(
                f"no output of {case} depends on {', '.join(lines)}: weights count as held, and nothing is computed there"
            ),
        )

    def _parameters(self, case: Case) -> Witness | None:
        derived, counted = _metric("parameters", case.layer, case.on), sum(case.meaning.elements.values())
        return None if derived == counted else _witness(case, derived, counted, "parameters, derived and enumerated")

    def _work(self, case: Case, effective: bool) -> Witness | None:
        apart = _metric("flops", case.layer, case.on, apart=True, effective=effective)
        macs = _metric("macs", case.layer, case.on, effective=effective)
        derived = Counts(macs, apart.multiplies, apart.adds, apart.other)
        counted = case.meaning.counts(effective)
        return None if derived == counted else _witness(case, derived, counted, "work, derived and enumerated")

    def _activations(self, case: Case) -> Witness | None:
        derived, counted = _metric("activations", case.layer, case.on), case.meaning.activations
        return None if derived == counted else _witness(case, derived, counted, "activations, derived and enumerated")

    def _reach(self, case: Case) -> Witness | None:
        every = case.layer.instance(*case.shapes)
        for (port, source), output in product(enumerate(case.layer.input_names), every.outputs):
            read = case.meaning.at(output).reach(source)
            for axis, claimed in enumerate(layer_reach(every.showing(output), port)):
                for where, hulls in read.items():
                    hull = hulls[axis]
                    if hull is None:
                        continue
                    ends = claimed.at(where)
                    if not claimed.moves:  # it may be said to be the whole axis, whatever of the margin belongs to it
                        last = case.shapes[port][axis] - 1
                        hull = min(max(hull[0], 0), last), max(min(hull[1], last), 0)
                    if not (ends[0] <= hull[0] and hull[1] <= ends[1]):
                        return _witness(case, hull, ends, f"{output} at {where} reads along axis {axis} of {source}")
        return None

    def _run(self, case: Case) -> Witness | None:
        tensors = arrays(case, 1, False)
        names = case.layer.input_names
        inputs = [tensors[name] for name in names]
        others = {name: array for name, array in tensors.items() if name not in names}
        try:
            expected = {name: case.meaning.at(name).run(tensors) for name in case.layer.output_names}
        except (Undefined, OverflowError, ZeroDivisionError):
            raise Inapplicable from None
        made = run(case.layer, inputs[0] if len(inputs) == 1 else inputs, others)
        for name, values in expected.items():
            found = made[name] if case.layer.several else made
            for where, value in values.items():
                one, other = float(found[where]), float(value)
                if (
                    one != other
                    and not (one != one and other != other)
                    and abs(one - other) > 1e-8 * max(1, abs(other))
                ):
                    return _witness(case, one, other, f"{name} at {where}, run and enumerated")
        return None

    def _gradients(self, case: Case) -> Witness | None:
        fault = gradient_fault(case)
        return (
            None
            if fault is None
            else _witness(case, *fault[1:], f"the gradient of {fault[0]} and a difference quotient")
        )

    def _is_linear(self) -> bool:
        """Whether some sample learns, and is linear in its input: capacity speaks of no other layers."""
        for case in self.seen:
            try:
                if case.meaning.weights and len(case.shapes) == 1 and not case.meaning.buffers:
                    capacity_allocation(case.layer, on=case.on)
                    return True
            except ImportError:  # ranks need SciPy, which is an extra
                return False
            except LayerAlgebraError:
                continue
        return False

    def _has_regions(self) -> bool:
        """Whether some sample has affine pieces: counts of regions speak of no other layers."""
        for case in self.seen:
            try:
                histograms(case.layer, case.shapes)
                return True
            except Inapplicable:
                continue
        return False

    def _capacity(self, case: Case) -> Witness | None:
        """The total capacity of a linear layer against the rank of its enumerated Jacobian, in fractions."""
        meant = case.meaning
        if case.layer.several:
            raise Inapplicable
        size = sum(math.prod(shape) for shape in meant.weights.values())
        outputs, inputs = math.prod(meant.output), math.prod(case.shapes[0]) if case.shapes else 0
        small = 0 < size * (inputs + 2) * outputs <= LARGEST_PREDICTOR
        if len(case.shapes) != 1 or not small or meant.buffers or not meant.is_rational or not meant.output:
            raise Inapplicable
        tensors = arrays(case, 1, True)
        (entry,) = case.layer.input_names
        weights = {name: array for name, array in tensors.items() if name != entry}
        place = tuple((extent - 1) // 2 for extent in meant.output)
        try:
            found = capacity_allocation(case.layer, at=weights, on=case.on, output=place).total
        except UnsupportedError:
            raise Inapplicable from None
        try:
            expected = predictor_rank(
                meant,
                entry,
                {name: dict(np.ndenumerate(array.astype(object))) for name, array in weights.items()},
                place,
            )
        except (NotLinear, Undefined, ZeroDivisionError):
            raise Inapplicable from None
        if found != expected:
            return _witness(case, found, expected, f"the total capacity of output {place} at {weights}, and the rank")
        return None

    def _regions(self, case: Case) -> Witness | None:
        """Affine regions at weights of both signs, counted, against what the derived transfer function allows."""
        if sum(prod(shape) for shape in case.shapes) > MOST_ELEMENTS or case.layer.several:
            raise Inapplicable
        found = excess(case.layer, case.shapes, COUNTS, most_regions=60)
        if found is None:
            return None
        counted = (found.counted.patterns, found.counted.ranks)
        return Witness(tuple(_at(case).items()), "<=", counted, found.bound, f"regions, and by dimension, {found}")

    # claims ----------------------------------------------------------------------------------------------------------

    def _claim(self, name: str) -> Result:
        """A claim against the derivation: in normal form at symbols first, then at numbers, where it can be refuted."""
        law = f"claim_{name}"
        if name not in METRICS:
            known = ", ".join(sorted(METRICS))
            return Result(
                law, Refuted(Witness((("claim", name),), "=", None, None, f"no metric is called so; there are {known}"))
            )

        def at_numbers(case: Case) -> Witness | None:
            derived = _parts(_metric(name, case.layer, case.on), name)
            try:
                said = self.claims[name](case.layer, *(tuple(map(Integer, shape)) for shape in case.shapes))
                claimed = _claimed(said, derived)
            except (LayerAlgebraError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
                if isinstance(error, TypeError) and any(isinstance(field, Tuple) for field in case.layer.args):
                    raise Inapplicable from None  # a claim need not speak of fields with one size for each axis
                return _witness(case, None, None, f"the claim has no value here: {type(error).__name__}: {error}")
            if compared(derived, claimed) is not False:
                return None
            return _witness(case, _plain(claimed), _plain(derived), f"{name}, claimed and derived")

        numbers = tried(law, self.cases, at_numbers, 2 * self.examples)
        if numbers.refuted or not numbers.cases:
            return numbers
        symbols = self._claimed_in_symbols(name)
        return proved(law, symbols) if symbols else numbers

    def _claimed_in_symbols(self, name: str) -> str:
        """The formula, if derivation and claim agree at symbols for each of a few cases with other flags and numbers of axes."""
        formulas: list[str] = []
        disagree: list[int] = []

        def test(case: Case) -> None:
            try:
                layer, shapes, _ = symbolic(case)
                derived = _parts(_metric(name, layer, one_or_list(shapes)), name)
                claimed = _claimed(self.claims[name](layer, *shapes), derived)
                if compared(derived, claimed) is not True:
                    disagree.append(1)
                formulas.append(str(_plain(derived)))
            except Exception as error:  # a claim of the user's that does not take symbols is compared at numbers only
                if isinstance(error, TypeError) and any(isinstance(field, Tuple) for field in case.layer.args):
                    raise Inapplicable from None
                disagree.append(1)

        falsify(self.cases, test, min(self.examples, 6))
        if disagree or not formulas:
            return ""
        shortest = sorted(set(formulas), key=lambda text: (len(text), text))
        return f"in normal form at symbolic sizes, for the flags and axes drawn ({len(shortest)} formulas, such as {shortest[-1][:60]})"

    # derivatives, typesetting ----------------------------------------------------------------------------------------

    def _derivative(self, case: Case) -> Witness | None:
        """The elasticity of the parameters and MACs in each size against a symmetric difference."""
        try:
            layer, shapes, values = symbolic(case)
            formulas = [_metric(name, layer, one_or_list(shapes)) for name in ("parameters", "macs")]
        except (LayerAlgebraError, TypeError):
            raise Inapplicable from None
        spoken = False
        for formula in formulas:
            for symbol in sorted(formula.free_symbols, key=str)[:3]:
                if formula.has(floor) or not formula.is_polynomial(symbol):
                    continue
                known = {other: Integer(value) for other, value in values.items() if other != symbol}
                here, step = Integer(values[symbol] or 1), Rational(1, 10**6)
                line = formula.subs(known)
                value = line.subs(symbol, here)
                if not value.is_Rational or value == 0:
                    continue
                spoken = True
                difference = (line.subs(symbol, here + step) - line.subs(symbol, here - step)) / (2 * step)
                derived = elasticity(formula, symbol).subs(known).subs(symbol, here)
                if abs(derived - here * difference / value) > Rational(1, 10**6) * max(1, abs(derived)):
                    return _witness(case, derived, here * difference / value, f"elasticity of {formula} in {symbol}")
        if not spoken:
            raise Inapplicable
        return None

    def _latex(self, case: Case) -> Witness | None:
        for text in (latex(case.layer), latex_equation(case.layer)):
            if not text or text.count("{") != text.count("}"):
                return _witness(case, text, None, "its LaTeX has unbalanced braces, or is empty")
        return None

    def _compiled(self) -> Result:
        import shutil
        import subprocess
        import tempfile
        from pathlib import Path

        law = "latex_compiles"
        if shutil.which("pdflatex") is None:
            return Result(law, Undecided("pdflatex is not installed"))

        def test(case: Case) -> Witness | None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "layer.tex"
                path.write_text(latex_document(rf"\[{latex_equation(case.layer)}\]"), encoding="utf-8")
                done = subprocess.run(
                    ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", path.name],
                    cwd=folder, capture_output=True, text=True, timeout=120, check=False,
                )  # fmt: skip
                if done.returncode:
                    return _witness(case, done.stdout[-300:], None, "pdflatex stopped")
            return None

        return tried(law, self.cases, test, 1)

    # neighbours ------------------------------------------------------------------------------------------------------

    def _neighbours(self) -> Iterator[Result]:
        """The laws about networks, with this layer in the first place and others drawn beside it."""
        if (
            _input_count(self.cls) != 1 or isinstance(self.cls.outputs, property) or len(self.cls.outputs or ()) > 1
        ):  # nothing is in series with it
            return
        # What has no axes left can neither be stacked nor be taken by another layer.
        joined = self.cases.filter(lambda case: len(case.shapes) == 1 and len(case.meaning.output) > 0)
        first = joined.map(lambda case: Sample(case.layer, case.on))
        for law in registered():
            if (
                law.kind == "structural"
                and isinstance(law.trial, OnSamples)
                and law.trial.takes_first
                and self._wanted(law.name)
                and (law.subject != "counted_regions" or self._has_regions())
            ):
                found = tried(law.name, law.trial.samples(first), law.trial.test, max(2, self.examples // 5))
                yield replace(found, status=law.status) if law.routes else found


def _parts(formula: Any, name: str) -> Any:
    """What a claim is compared with: a receptive field by its sizes, all else as it is."""
    return tuple(formula.size) if name == "receptive_field" else formula


def _claimed(said: Any, derived: Any) -> Any:
    """A claim as expressions; one number stands for every axis."""
    if hasattr(said, "size") and hasattr(said, "jump"):
        said = said.size
    if isinstance(said, (tuple, list, Tuple)):
        return tuple(simplify(sympify(part, strict=True)) for part in said)
    one = simplify(sympify(said, strict=True))
    if isinstance(derived, tuple) and isinstance(one, Expr):
        return (one,) * len(derived)
    return one


def _plain(formula: Any) -> Any:
    parts = expressions(formula)
    return (
        parts[0] if len(parts) == 1 and isinstance(formula, Basic) and not isinstance(formula, Tuple) else tuple(parts)
    )
